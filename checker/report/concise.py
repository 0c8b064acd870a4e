"""One line a finding, for editors and grep: ``path:line:column: rule[*] message``.

``*`` says that a safe rewrite exists. Lines and columns count from 1, columns in code points.
"""

from __future__ import annotations

from collections.abc import Sequence

from checker.report._base import (
    RenderOptions,
    excuse_words,
    has_safe_rewrite,
    is_excused,
    name_of_document,
    one_line,
    printable,
    shown,
)
from checker.types import Report


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """Empty when nothing was found."""
    lines = []
    for report in reports:
        for finding in shown(report, options):
            place = report.document.locate(finding.span.start)
            mark = "*" if has_safe_rewrite(finding) else ""
            message = f"（已豁免）{excuse_words(finding)}" if is_excused(finding) else finding.message
            line = (
                f"{name_of_document(report)}:{place.line}:{place.column}: {finding.rule_id}{mark} {message}"
            )
            lines.append(printable(one_line(line)) + "\n")
    return "".join(lines)
