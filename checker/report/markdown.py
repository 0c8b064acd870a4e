"""Markdown for a pull-request comment or a wiki; all user text is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checker.labels import CATEGORY_NAMES, LEVEL_NAMES, STATE_NAMES, VERDICT_NAMES, name_of
from checker.report._base import (
    RenderOptions,
    apply_words,
    bases_by_condition,
    excuse_words,
    level_counts,
    name_of_document,
    one_line,
    printable,
    reading_words,
    rewrite_words,
)
from checker.types import Finding, Report

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&@])|^[-+=]|(?<=[0-9])[.)](?= )")
_AROUND = 20


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """A heading a document, a list item a finding; several documents start with a table."""
    parts = ["# 话术检查报告"]
    if len(reports) > 1:
        parts.append(_table(reports))
    parts += [_report(report, options) for report in reports]
    if not reports:
        parts.append("没有检查任何文本。")
    return "\n\n".join(parts) + "\n"


def _table(reports: Sequence[Report]) -> str:
    rows = ["| 文本 | 结论 | 禁止使用 | 需复核 | 提示 | 豁免 | 已忽略 |", "|---|---|--:|--:|--:|--:|--:|"]
    for report in reports:
        counts = " | ".join(map(str, level_counts(report.findings).values()))
        verdict = name_of(VERDICT_NAMES, report.verdict)
        rows.append(
            f"| {_escape(name_of_document(report))} | {verdict} | {counts} "
            f"| {len(report.excused)} | {len(report.suppressed)} |"
        )
    return "\n".join(rows)


def _report(report: Report, options: RenderOptions) -> str:
    counts = "，".join(
        f"{name_of(LEVEL_NAMES, k)} {n}" for k, n in level_counts(report.findings).items() if n
    )
    lines = [
        f"## {_escape(name_of_document(report))}",
        "",
        f"**结论：{name_of(VERDICT_NAMES, report.verdict)}**（{counts or '没有发现问题'}）",
    ]
    if report.findings:
        lines.append("")
    for number, finding in enumerate(report.findings, 1):
        lines += _finding(report, finding, number)
    if options.show_excused and report.excused:
        lines += ["", f"### {STATE_NAMES['excused']}", ""]
        lines += [
            f"- {_quote(report, finding)} — {_escape(excuse_words(finding))}" for finding in report.excused
        ]
    if report.suppressed:
        lines += ["", "### 已忽略", ""]
        for item in report.suppressed:
            lines.append(
                f"- {_quote(report, item.finding)} `{item.finding.rule_id}` — {_escape(item.reason)}"
            )
    return "\n".join(lines)


def _finding(report: Report, finding: Finding, number: int) -> list[str]:
    place = report.document.locate(finding.span.start)
    label = f"{_escape(place.label)} " if place.label else ""
    head = (
        f"{number}. **{name_of(LEVEL_NAMES, finding.level)}｜{name_of(CATEGORY_NAMES, finding.category)}** "
    )
    lines = [
        f"{head}{label}{place.line}:{place.column} `{finding.rule_id}`  ",
        f"   {_quote(report, finding)}",
        f"   - {_escape(finding.message)}",
    ]
    if finding.why:
        lines.append(f"   - 原因：{_escape(finding.why)}")
    if reading_words(finding):
        lines.append(f"   - 识别：{_escape(reading_words(finding))}")
    for condition, bases, _ in bases_by_condition(finding.basis):
        cites = "、".join(basis.cite for basis in bases)
        lines.append(f"   - 依据：{_escape(cites)}（适用：{_escape(condition)}）")
    if finding.evidence:
        lines.append(f"   - 所需材料：{_escape(finding.evidence)}")
    for rewrite in finding.rewrites:
        words = f"{rewrite_words(finding, rewrite)}［{apply_words(rewrite)}］"
        lines.append(f"   - 建议：{_escape(words)}")
    return lines


def _quote(report: Report, finding: Finding) -> str:
    """The words in bold with a little of their line around them."""
    text, span = report.document.text, finding.span
    line = report.document.line_at(span.start)
    start, end = max(line.start, span.start - _AROUND), max(span.end, min(line.end, span.end + _AROUND))
    before = ("…" if start > line.start else "") + _escape(text[start : span.start])
    after = _escape(text[span.end : end]) + ("…" if end < line.end else "")
    # Bold by tags: ** next to a Chinese mark does not open emphasis in CommonMark.
    return f"{before}<b>{_escape(finding.matched) or '▲'}</b>{after}"


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda match: "\\" + match[0], printable(one_line(text)))
