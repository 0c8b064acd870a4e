"""reviewdog's rdjson. Its columns count UTF-8 bytes from 1, ends are exclusive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checker.document import Document
from checker.report._base import RenderOptions, dump_json, line_span, name_of_document
from checker.types import Apply, Finding, Level, Report, Span

_SEVERITIES = {Level.BLOCK: "ERROR", Level.REVIEW: "WARNING", Level.HINT: "INFO"}


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """One object; excused findings are left out."""
    diagnostics = [_diagnostic(report, finding) for report in reports for finding in report.findings]
    return dump_json({"source": {"name": "huashu"}, "diagnostics": diagnostics}) + "\n"


def _diagnostic(report: Report, finding: Finding) -> dict[str, Any]:
    document = report.document
    diagnostic: dict[str, Any] = {
        "message": finding.message,
        "location": {"path": name_of_document(report), "range": _range(document, finding.span)},
        "severity": _SEVERITIES[finding.level],
        "code": {"value": finding.rule_id},
    }
    suggestions = [
        {"range": _range(document, rewrite.span), "text": rewrite.text}
        for rewrite in finding.rewrites
        if rewrite.apply is not Apply.MANUAL
    ]
    # Where the text was taken out of a Word file or a sheet, an edit of its lines edits nothing.
    if suggestions and not document.anchors:
        diagnostic["suggestions"] = suggestions
    return diagnostic


def _range(document: Document, span: Span) -> dict[str, Any]:
    return {"start": _position(document, span.start), "end": _position(document, span.end)}


def _position(document: Document, offset: int) -> dict[str, int]:
    line = line_span(document.text, offset)
    before = document.text[line.start : offset].encode("utf-8", "surrogatepass")
    return {"line": document.locate(offset).line, "column": len(before) + 1}
