"""Findings as comments in a copy of a Word file, each on the exact words it is about."""

from __future__ import annotations

from pathlib import Path

from checker.docx_edit import WordFile
from checker.labels import CATEGORY_NAMES, LEVEL_NAMES, name_of
from checker.personal import masked_report
from checker.readers import ReaderError
from checker.report import advice, rewrite_words
from checker.types import Finding, Report, Span

AUTHOR, INITIALS = "话术审查", "话术"


def annotate(
    source: str | Path, report: Report, target: str | Path, *, show_personal_data: bool = False
) -> int:
    """Write a copy of a Word file with a comment for every finding; returns their number.

    What is missing is commented on where it should have been said. Words outside the body
    (headers, footnotes) can carry no comment in Word; theirs stands at the beginning and names the
    place. Comments repeat no personal data unless told so. The report must be about the file as it is: otherwise, and for a file that cannot be read
    or written, ReaderError is raised.
    """
    file = WordFile(source)
    if file.text != report.document.text:
        raise ReaderError(str(source), "has changed since it was checked", "check it again")
    shown = report if show_personal_data else masked_report(report)
    for finding in shown.findings:
        start, end = finding.span
        while start == end and start > 0:  # on the character before, which may be a line break
            start -= 1
            if file.text[start].isspace():
                end = start
        runs = file.runs(Span(start, max(end, start + 1)))
        words = comment_text(finding)
        if not runs:
            runs = [file.first_run()]
            words = f"【{report.document.locate(finding.span.start).label}】{words}"
        file.comment(runs, words, AUTHOR, INITIALS)
    file.save(target)
    return len(report.findings)


def comment_text(finding: Finding) -> str:
    """What a comment says: level, reason, articles, suggestions, rule."""
    level, category = name_of(LEVEL_NAMES, finding.level), name_of(CATEGORY_NAMES, finding.category)
    lines = [f"【{level}】{category}", advice(finding)]
    lines += [f"建议：{rewrite_words(finding, rewrite)}" for rewrite in finding.rewrites]
    lines.append(f"规则：{finding.rule_id}")
    return "\n".join(lines)
