"""GitHub workflow commands: annotations on the lines of a pull request.

Columns are given only when the words lie on one line, as the runner demands.
"""

from __future__ import annotations

from collections.abc import Sequence

from checker.labels import CATEGORY_NAMES, name_of
from checker.report._base import RenderOptions, name_of_document, printable, sarif_level
from checker.types import Report

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """One command a finding; excused findings need nobody's attention and are left out."""
    lines = []
    for report in reports:
        for finding in report.findings:
            start = report.document.locate(finding.span.start)
            end = report.document.locate(finding.span.end)
            title = f"huashu {name_of(CATEGORY_NAMES, finding.category)} ({finding.rule_id})"
            properties = {
                "title": title,
                "file": name_of_document(report),
                "line": str(start.line),
                "endLine": str(end.line),
            }
            if start.line == end.line:
                properties |= {"col": str(start.column), "endColumn": str(end.column)}
            joined = ",".join(f"{key}={_escape(value, ':,')}" for key, value in properties.items())
            command = _COMMANDS[sarif_level(finding)]
            lines.append(f"::{command} {joined}::{_escape(finding.message)}\n")
    return printable("".join(lines))


def _escape(text: str, also: str = "") -> str:
    for character in "%\r\n" + also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
