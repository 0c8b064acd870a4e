"""SARIF 2.1.0, for code scanning and its viewers.

Columns are code points (``columnKind``). Rules are those that occur in the results; the legal
bases are a taxonomy that rules and results point to. What evidence would cure is ``kind: review``
with ``level: none``, what an exemption excused ``kind: pass``, and what an inline comment or a
baseline accepts stays in the file with its justification. Paths are relative to the working
directory where possible, with ``SRCROOT`` as their base; its own URI is left to the reader, as an
absolute one would carry the name of somebody's home folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from checker.document import Document
from checker.labels import CATEGORY_NAMES, SPEAKER_NAMES, name_of
from checker.report._base import (
    RenderOptions,
    dump_json,
    excuse_words,
    is_excused,
    name_of_document,
    rewrite_words,
    sarif_level,
    shown,
)
from checker.types import Apply, Basis, Finding, Level, Report, Rewrite, Span, State, Suppression

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_TAXONOMY = "cn-law"
#: GitHub refuses longer descriptions.
_LONGEST = 1024


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """One log with one run."""
    results: list[tuple[Report, Finding, Suppression | None]] = []
    for report in reports:
        results += [(report, finding, None) for finding in shown(report, options)]
        results += [(report, item.finding, item) for item in report.suppressed]
    rules = _rules([finding for _, finding, _ in results])
    bases = {basis.id: basis for _, finding, _ in results for basis in finding.basis}
    index = {rule["id"]: position for position, rule in enumerate(rules)}
    driver: dict[str, Any] = {
        "name": "huashu",
        "version": options.tool_version,
        "semanticVersion": options.tool_version,
        "language": "zh-CN",
        "rules": rules,
    }
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "automationDetails": {"id": "huashu/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The working directory of the check."}}},
        "results": [_result(report, finding, item, index) for report, finding, item in results],
    }
    if bases:
        driver["supportedTaxonomies"] = [{"name": _TAXONOMY}]
        run["taxonomies"] = [{"name": _TAXONOMY, "taxa": [_taxon(basis) for basis in bases.values()]}]
    return dump_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}) + "\n"


def _rules(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    by_id: dict[str, list[Finding]] = {}
    for finding in findings:
        by_id.setdefault(finding.rule_id, []).append(finding)
    return [_rule(rule_id, group) for rule_id, group in sorted(by_id.items())]


def _rule(rule_id: str, findings: Sequence[Finding]) -> dict[str, Any]:
    # A level can differ between findings of a rule (the industry was only guessed).
    worst = max(findings, key=lambda finding: finding.level.rank)
    category = name_of(CATEGORY_NAMES, worst.category)
    why = worst.why or worst.message
    cites = "；".join(f"{basis.cite}（适用：{basis.applies_when}）" for basis in worst.basis)
    rule: dict[str, Any] = {
        "id": rule_id,
        "name": "".join(part.capitalize() for part in rule_id.replace("/", "-").split("-")),
        "shortDescription": {"text": category},
        "fullDescription": {"text": why[:_LONGEST]},
        "help": {"text": f"{why}\n依据：{cites}" if cites else why},
        "defaultConfiguration": {"level": sarif_level(worst)},
        "properties": {
            "tags": [worst.category],
            "precision": "high" if worst.level is Level.BLOCK else "medium",
            "problem.severity": {"error": "error", "warning": "warning", "note": "recommendation"}[
                sarif_level(worst)
            ],
        },
    }
    if worst.basis:
        rule["relationships"] = [
            {"target": _reference(basis), "kinds": ["relevant"]} for basis in worst.basis
        ]
    return rule


def _reference(basis: Basis) -> dict[str, Any]:
    return {"id": basis.id, "toolComponent": {"name": _TAXONOMY}}


def _taxon(basis: Basis) -> dict[str, Any]:
    return {
        "id": basis.id,
        "shortDescription": {"text": basis.cite},
        "fullDescription": {"text": f"适用：{basis.applies_when}"},
        "properties": {"strength": basis.strength, "verified": basis.verified},
    }


def _result(
    report: Report, finding: Finding, suppression: Suppression | None, index: dict[str, int]
) -> dict[str, Any]:
    document = report.document
    excused = is_excused(finding)
    kind, level = "fail", sarif_level(finding)
    if finding.state is not State.VIOLATION:
        # SARIF: a kind other than fail goes with the level none.
        kind, level = ("pass" if excused else "review"), "none"
    result: dict[str, Any] = {
        "ruleId": finding.rule_id,
        "ruleIndex": index[finding.rule_id],
        "kind": kind,
        "level": level,
        "message": {"text": f"已豁免：{excuse_words(finding)}" if excused else finding.message},
        "locations": [_location(report, finding)],
        "partialFingerprints": {
            "primaryLocationLineHash": f"{finding.fingerprint}:1",
            "huashu/v1": finding.fingerprint,
        },
        "rank": round(finding.confidence * 100, 1),
        "properties": {
            "category": finding.category,
            "level": str(finding.level),
            "state": str(finding.state),
            "confidence": finding.confidence,
        },
    }
    if finding.basis:
        result["taxa"] = [_reference(basis) for basis in finding.basis]
    if finding.evidence:
        result["properties"]["evidence"] = finding.evidence
    questions = [rewrite_words(finding, item) for item in finding.rewrites if item.apply is Apply.MANUAL]
    if questions:
        result["properties"]["toFillIn"] = questions
    fixes = [_fix(report, finding, item) for item in finding.rewrites if item.apply is not Apply.MANUAL]
    # Where the text was taken out of a Word file or a sheet, an edit of its lines edits nothing;
    # what somebody accepted is not to be fixed.
    if fixes and not document.anchors and suppression is None:
        result["fixes"] = fixes
    if suppression is not None:
        result["suppressions"] = [
            {
                "kind": "inSource" if suppression.source == "inline" else "external",
                "status": "accepted",
                "justification": suppression.reason,
            }
        ]
    return result


def _location(report: Report, finding: Finding) -> dict[str, Any]:
    document = report.document
    region = _region(document, finding.span) | {
        "charOffset": finding.span.start,
        "charLength": finding.span.end - finding.span.start,
    }
    if finding.matched:
        region["snippet"] = {"text": finding.matched}
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": _artifact(report), "region": region}}
    logical: list[dict[str, Any]] = []
    label = document.locate(finding.span.start).label
    if label:
        logical.append({"name": label, "kind": "element"})
    if finding.turn is not None:
        speaker = document.turns[finding.turn].speaker
        name = f"turn-{finding.turn + 1}"
        full = f"{name_of_document(report)}/{speaker}/{name}"
        logical.append(
            {
                "name": name,
                "kind": "member",
                "fullyQualifiedName": full,
                "properties": {"speaker": name_of(SPEAKER_NAMES, speaker)},
            }
        )
    if logical:
        location["logicalLocations"] = logical
    return location


def _region(document: Document, span: Span) -> dict[str, Any]:
    start, end = document.locate(span.start), document.locate(span.end)
    return {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    }


def _artifact(report: Report) -> dict[str, Any]:
    path = report.document.path
    name = name_of_document(report)
    if os.path.isabs(path):
        try:
            name = Path(path).relative_to(Path.cwd()).as_posix()
        except ValueError:
            return {"uri": "file://" + ("" if name.startswith("/") else "/") + _quoted(name)}
    return {"uri": _quoted(name), "uriBaseId": "SRCROOT"}


def _quoted(path: str) -> str:
    # The first segment of a relative reference holds no colon (RFC 3986, 4.2).
    return quote(path, safe="/", errors="replace")


def _fix(report: Report, finding: Finding, rewrite: Rewrite) -> dict[str, Any]:
    replacement = {
        "deletedRegion": _region(report.document, rewrite.span),
        "insertedContent": {"text": rewrite.text},
    }
    return {
        "description": {"text": rewrite_words(finding, rewrite)},
        "artifactChanges": [{"artifactLocation": _artifact(report), "replacements": [replacement]}],
        "properties": {"apply": str(rewrite.apply)},
    }
