"""reviewdog's rdjson. Its columns count UTF-8 bytes from 1, ends are exclusive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checker.columns import Columns
from checker.document import Document
from checker.report._base import RenderOptions, dump_json, name_of_document
from checker.types import Apply, Finding, Level, Report, Span

_SEVERITIES = {Level.BLOCK: "ERROR", Level.REVIEW: "WARNING", Level.HINT: "INFO"}


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """One object; excused findings are left out."""
    diagnostics = []
    for report in reports:
        columns = Columns(report.document.text, "utf-8")
        diagnostics += [_diagnostic(report, finding, columns) for finding in report.findings]
    return dump_json({"source": {"name": "huashu"}, "diagnostics": diagnostics}) + "\n"


def _diagnostic(report: Report, finding: Finding, columns: Columns) -> dict[str, Any]:
    document = report.document
    diagnostic: dict[str, Any] = {
        "message": finding.message,
        "location": {"path": name_of_document(report), "range": _range(document, finding.span, columns)},
        "severity": _SEVERITIES[finding.level],
        "code": {"value": finding.rule_id},
    }
    suggestions = [
        {"range": _range(document, rewrite.span, columns), "text": rewrite.text}
        for rewrite in finding.rewrites
        if rewrite.apply is not Apply.MANUAL
    ]
    # Where the text was taken out of a Word file or a sheet, an edit of its lines edits nothing.
    if suggestions and not document.anchors:
        diagnostic["suggestions"] = suggestions
    return diagnostic


def _range(document: Document, span: Span, columns: Columns) -> dict[str, Any]:
    def position(offset: int) -> dict[str, int]:
        before = columns.between(document.line_at(offset).start, offset)
        return {"line": document.locate(offset).line, "column": before + 1}

    return {"start": position(span.start), "end": position(span.end)}
