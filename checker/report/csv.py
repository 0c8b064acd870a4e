"""A table for Excel: one row a finding, with a byte-order mark so that Excel reads it as UTF-8.

Cells that a spreadsheet would run as a formula are prefixed with an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from checker.labels import CATEGORY_NAMES, LEVEL_NAMES, SPEAKER_NAMES, STATE_NAMES, name_of
from checker.report._base import (
    RenderOptions,
    apply_words,
    excuse_words,
    is_excused,
    name_of_document,
    printable,
    rewrite_words,
    shown,
)
from checker.types import Finding, Report

COLUMNS = (
    "文件",
    "位置",
    "行",
    "列",
    "轮次",
    "说话人",
    "规则",
    "分类",
    "级别",
    "状态",
    "原文",
    "问题",
    "依据",
    "所需材料",
    "建议",
    "置信度",
    "指纹",
)


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """A header row, then the findings in the order of the report."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for report in reports:
        for finding in shown(report, options):
            writer.writerow([_cell(value) for value in _row(report, finding)])
    return "\ufeff" + out.getvalue()


def _row(report: Report, finding: Finding) -> tuple[object, ...]:
    place = report.document.locate(finding.span.start)
    turn = report.document.turns[finding.turn] if finding.turn is not None else None
    rewrites = [f"{rewrite_words(finding, item)}［{apply_words(item)}］" for item in finding.rewrites]
    return (
        name_of_document(report),
        place.label,
        place.line,
        place.column,
        turn.index + 1 if turn else "",
        (turn.label or name_of(SPEAKER_NAMES, turn.speaker)) if turn else "",
        finding.rule_id,
        name_of(CATEGORY_NAMES, finding.category),
        name_of(LEVEL_NAMES, finding.level),
        name_of(STATE_NAMES, finding.state),
        finding.matched,
        excuse_words(finding) if is_excused(finding) else finding.message,
        "；".join(basis.cite for basis in finding.basis),
        finding.evidence,
        "；".join(rewrites),
        finding.confidence,
        finding.fingerprint,
    )


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") and text.strip() else text
