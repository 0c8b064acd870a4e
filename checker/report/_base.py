"""What the formats share: options, clean characters, the words of a finding, places."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from checker import __version__
from checker.labels import APPLY_NAMES, CATEGORY_NAMES, VIEW_NAMES, name_of
from checker.late import late
from checker.rewrite import apply_rewrites
from checker.types import Apply, Attempt, Basis, Finding, Level, Report, Rewrite, Span, State, Verdict

_SURROGATES = late(r"[\ud800-\udfff]")
# Legal in a Python string but not in XML 1.0; C1 controls steer terminals as ESC does.
_CONTROLS = late(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
# Embeddings, overrides and isolates reorder what the reader sees; the report must not be fooled.
_BIDI = late(r"[\u202a-\u202e\u2066-\u2069]")
#: So many exemptions of one reason are named, the rest counted.
_NAMED = 3
REPLACEMENT = "\ufffd"
#: Verdicts and levels, most serious first.
LEVELS = (Level.BLOCK, Level.REVIEW, Level.HINT)


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How to render.

    ``color`` allows ANSI escapes and ``width`` is in terminal columns (console only).
    ``show_excused`` adds what an exemption excused; the HTML page always holds it. ``fail_level``
    is the level from which JUnit counts a finding as a failure. ``generated`` is a date to print
    on the HTML page; without one the page carries none, so that equal reports give equal pages.
    """

    color: bool = False
    width: int = 100
    show_excused: bool = False
    tool_version: str = __version__
    fail_level: Level = Level.REVIEW
    generated: str = ""


def encodable(text: str) -> str:
    """The text with lone surrogates replaced, so that UTF-8 can hold it."""
    return _SURROGATES.sub(REPLACEMENT, text)


def printable(text: str) -> str:
    """The text without characters that steer a terminal, reorder a line or break XML.

    The length does not change, so offsets into the text stay valid.
    """
    return _BIDI.sub(REPLACEMENT, _CONTROLS.sub(REPLACEMENT, encodable(text)))


def dump_json(value: Any, *, indent: int | None = 2) -> str:
    """JSON with Chinese left readable; lone surrogates are escaped, so the text round-trips."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _SURROGATES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def name_of_document(report: Report) -> str:
    """The path as the user gave it, with forward slashes; ``<text>`` for a text without one."""
    return report.document.path.replace("\\", "/") or "<text>"


def one_line(text: str) -> str:
    """The text with runs of white space as one space."""
    return " ".join(text.split())


def level_counts(findings: Iterable[Finding]) -> dict[Level, int]:
    """How many findings of each level, most serious first, zeros included."""
    counts = Counter(finding.level for finding in findings)
    return {level: counts[level] for level in LEVELS}


def category_counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings of each category that has some, in the order of the design's table."""
    counts = Counter(finding.category for finding in findings)
    order = [*CATEGORY_NAMES, *sorted(counts.keys() - CATEGORY_NAMES.keys())]
    return {category: counts[category] for category in order if counts[category]}


def overall(reports: Iterable[Report]) -> Verdict:
    """The most serious verdict; pass without documents."""
    order = (Verdict.PASS, Verdict.REVIEW, Verdict.BLOCK)
    return max((report.verdict for report in reports), key=order.index, default=Verdict.PASS)


def has_safe_rewrite(finding: Finding) -> bool:
    """True when the finding can be fixed without a look."""
    return any(rewrite.apply is Apply.SAFE for rewrite in finding.rewrites)


def sarif_level(finding: Finding) -> str:
    """``error``, ``warning`` or ``note``: what code-scanning tools call our levels."""
    return {Level.BLOCK: "error", Level.REVIEW: "warning", Level.HINT: "note"}[finding.level]


def bases_by_condition(bases: Sequence[Basis]) -> list[tuple[str, list[Basis], list[str]]]:
    """(``applies_when``, bases, penalties) in the order in which the conditions first occur.

    A penalty that several articles share is given once, where it first occurs.
    """
    groups: dict[str, tuple[list[Basis], list[str]]] = {}
    seen: set[str] = set()
    for basis in bases:
        members, penalties = groups.setdefault(basis.applies_when, ([], []))
        members.append(basis)
        if basis.penalty and basis.penalty not in seen:
            seen.add(basis.penalty)
            penalties.append(basis.penalty)
    return [(condition, *group) for condition, group in groups.items()]


def rewrite_words(finding: Finding, rewrite: Rewrite) -> str:
    """What to do, as one Chinese phrase: 改为“…”, 删去“…”, 补上“…”, or the question to answer.

    A rewrite may cover more than the finding (the punctuation it repairs); it is shown with the
    text it puts in, which is what the officer must judge.
    """
    if rewrite.apply is Apply.MANUAL and rewrite.note and rewrite.text == finding.matched:
        return f"请先核实：{rewrite.note}"
    if rewrite.span.start == rewrite.span.end:
        words = f"补上“{rewrite.text}”"
    elif rewrite.text:
        words = f"改为“{rewrite.text}”"
    else:
        words = f"删去“{finding.matched}”"
    return words + (f"（请先核实：{rewrite.note}）" if rewrite.note else "")


def advice(finding: Finding) -> str:
    """What an editor shows beside the words: the message, the articles, the evidence it would take."""
    parts = [finding.message]
    if finding.basis:
        parts.append("依据：" + "、".join(dict.fromkeys(basis.cite for basis in finding.basis)))
    if finding.evidence:
        parts.append(f"需要：{finding.evidence}")
    return "。".join(part.rstrip("。") for part in parts) + "。"


def edit_text(rewrite: Rewrite, text: str) -> str:
    """What to put in the place of ``rewrite.span`` of ``text``: its words, and a mark before what is inserted."""
    start, end = rewrite.span
    if start != end:
        return rewrite.text
    before = text[max(start - 1, 0) : start]
    moved = replace(rewrite, span=Span(len(before), len(before)))
    return apply_rewrites(before, [moved])[len(before) :]


def apply_words(rewrite: Rewrite) -> str:
    """Who may use the rewrite, in Chinese."""
    return name_of(APPLY_NAMES, rewrite.apply)


def reading_words(finding: Finding) -> str:
    """How a disguised term was read, or an empty string for words found as they stand."""
    view, read_as = finding.explanation.view, finding.explanation.read_as
    if view == "plain" and not read_as:
        return ""
    how = name_of(VIEW_NAMES, view) if view != "plain" else "统一字形后"
    return f"{how}读作“{read_as}”" if read_as else f"{how}识别"


def nearest_attempts(finding: Finding) -> list[Attempt]:
    """The exemptions tried in vain that came nearest to holding, at most three."""
    failed = [attempt for attempt in finding.explanation.exemptions if not attempt.excused]
    return sorted(failed, key=lambda attempt: -attempt.near)[:_NAMED]


def attempts_words(finding: Finding) -> str:
    """How many exemptions were tried in vain, and what the nearest of them lacked; empty without any.

    The JSON format has all of them.
    """
    count = sum(not attempt.excused for attempt in finding.explanation.exemptions)
    if not count:
        return ""
    nearest = "；".join(f"{attempt.name}（{attempt.reason}）" for attempt in nearest_attempts(finding))
    return f"试过 {count} 项，均不成立，最接近的是：{nearest}"


def excuse_words(finding: Finding) -> str:
    """Which exemption excuses the finding and why; for excused findings."""
    attempt = finding.exemption
    if attempt is None:
        return "已豁免"
    reason = f"：{attempt.reason}" if attempt.reason else ""
    clause = f"（{attempt.clause}）" if attempt.clause else ""
    return f"{attempt.name}{reason}{clause}"


def shown(report: Report, options: RenderOptions) -> Iterator[Finding]:
    """The findings, then the excused ones when they were asked for."""
    yield from report.findings
    if options.show_excused:
        yield from report.excused


def is_excused(finding: Finding) -> bool:
    """True for what an exemption let pass."""
    return finding.state is State.EXCUSED
