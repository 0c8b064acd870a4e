"""JUnit XML: a suite a document, a case a finding; a clean document is one passing case.

Findings below ``options.fail_level`` pass, so that the result agrees with the exit code;
suppressed ones are skipped cases with their reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from checker.labels import CATEGORY_NAMES, LEVEL_NAMES, name_of
from checker.report._base import (
    RenderOptions,
    apply_words,
    name_of_document,
    printable,
    rewrite_words,
)
from checker.types import Finding, Report


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """An XML document with its declaration; excused findings are left out."""
    root = Element("testsuites", name="huashu")
    total = {"tests": 0, "failures": 0, "skipped": 0}
    for report in reports:
        for key, count in _suite(root, report, options).items():
            total[key] += count
    root.attrib |= {key: str(count) for key, count in total.items()} | {"errors": "0"}
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, report: Report, options: RenderOptions) -> dict[str, int]:
    name = printable(name_of_document(report))
    suite = SubElement(root, "testsuite", name=name)
    failures = 0
    for finding in report.findings:
        case = _case(suite, report, finding, name)
        if finding.level.rank >= options.fail_level.rank:
            failures += 1
            message = printable(finding.message)
            failure = SubElement(case, "failure", message=message, type=str(finding.level))
            failure.text = _details(report, finding)
        else:
            SubElement(case, "system-out").text = _details(report, finding)
    for suppression in report.suppressed:
        case = _case(suite, report, suppression.finding, name)
        SubElement(case, "skipped", message=printable(suppression.reason))
    if not len(suite):
        SubElement(suite, "testcase", name="huashu", classname=name)
    counts = {"tests": len(suite), "failures": failures, "skipped": len(report.suppressed)}
    suite.attrib |= {key: str(count) for key, count in counts.items()} | {"errors": "0"}
    return counts


def _case(suite: Element, report: Report, finding: Finding, name: str) -> Element:
    place = report.document.locate(finding.span.start)
    return SubElement(
        suite,
        "testcase",
        name=f"huashu.{finding.rule_id}",
        classname=name,
        line=str(place.line),
        column=str(place.column),
    )


def _details(report: Report, finding: Finding) -> str:
    place = report.document.locate(finding.span.start)
    label = f" {place.label}" if place.label else ""
    lines = [
        f"{name_of_document(report)}:{place.line}:{place.column}{label}",
        f"{name_of(LEVEL_NAMES, finding.level)} {name_of(CATEGORY_NAMES, finding.category)}：{finding.matched}",
        finding.why,
        *(f"依据：{basis.cite}（适用：{basis.applies_when}）" for basis in finding.basis),
        *(f"建议：{rewrite_words(finding, item)}［{apply_words(item)}］" for item in finding.rewrites),
    ]
    return printable("\n".join(line for line in lines if line))
