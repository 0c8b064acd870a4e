"""The full report for a terminal: the line, the words underlined, why, which law, what instead.

Underlines are aligned by display width (a Chinese character takes two columns, a combining mark
none), long lines are cut to a window around the words, and control characters of the text never
reach the terminal. Nothing is wrapped: a terminal does that, and piped output stays searchable.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from checker.document import Document
from checker.labels import (
    CATEGORY_NAMES,
    CHANNEL_NAMES,
    INDUSTRY_NAMES,
    LEVEL_NAMES,
    SPEAKER_NAMES,
    STATE_NAMES,
    STRENGTH_NAMES,
    VERDICT_NAMES,
    name_of,
)
from checker.report._base import (
    RenderOptions,
    apply_words,
    attempts_words,
    bases_by_condition,
    category_counts,
    excuse_words,
    is_excused,
    level_counts,
    name_of_document,
    one_line,
    overall,
    printable,
    reading_words,
    rewrite_words,
)
from checker.types import Finding, Guess, Report, State

ALIASES = ("full",)
_INDENT = "    "
_TAB = 4
_CUT = "…"
#: So many characters a column are looked at: most take one or two columns, some none.
_REACH = 8
_CODES = {"block": "1;31", "review": "1;33", "hint": "1;36", "pass": "1;32", "dim": "2", "bold": "1"}


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """Blocks separated by empty lines, a verdict line for each document, a last line for several."""
    lines: list[str] = []
    for report in reports:
        lines += _report(report, options)
    if not reports:  # nothing could be read, and nothing has passed
        lines.append("没有检查任何文本")
    elif len(reports) > 1:
        findings = [finding for report in reports for finding in report.findings]
        words = f"共 {len(reports)} 份文本：{name_of(VERDICT_NAMES, overall(reports))}"
        lines.append(_paint(words, str(overall(reports)), options) + _counts(findings))
    return "\n".join(lines) + "\n"


def _paint(text: str, style: str, options: RenderOptions) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if options.color and text else text


def _report(report: Report, options: RenderOptions) -> list[str]:
    lines: list[str] = []
    for finding in report.findings:
        lines += [*_finding(report, finding, options), ""]
    if options.show_excused:
        for finding in report.excused:
            lines += [*_finding(report, finding, options), ""]
    verdict = name_of(VERDICT_NAMES, report.verdict)
    line = f"{_paint(_clean(name_of_document(report)), 'bold', options)}  "
    line += _paint(verdict, str(report.verdict), options) + _counts(report.findings)
    if report.excused:
        line += f"；豁免 {len(report.excused)} 处"
    if report.suppressed:
        line += f"；已忽略 {len(report.suppressed)} 处"
    return [*lines, line + _paint(_scope(report), "dim", options), ""]


def _scope(report: Report) -> str:
    guessed = "" if report.channel_given else _reasons(report.channel_guess)
    parts = [f"渠道：{name_of(CHANNEL_NAMES, report.channel)}{guessed}"]
    if report.industry:
        guessed = "" if report.industry_given else _reasons(report.industry_guess)
        parts.insert(0, f"行业：{name_of(INDUSTRY_NAMES, report.industry)}{guessed}")
    return f"  [{'，'.join(parts)}]"


def _reasons(guess: Guess | None) -> str:
    """Why a guess was made; without a winner the default holds."""
    if guess is None:
        return "（推测）"
    if guess.value is None:
        return "（默认）"
    return f"（推测，依据：{'、'.join(guess.words[:3])}）"


def _counts(findings: Sequence[Finding]) -> str:
    if not findings:
        return "，没有发现问题"
    levels = "，".join(
        f"{name_of(LEVEL_NAMES, level)} {count}" for level, count in level_counts(findings).items() if count
    )
    categories = "、".join(
        f"{name_of(CATEGORY_NAMES, category)} {count}"
        for category, count in category_counts(findings).items()
    )
    return f"，发现 {len(findings)} 处（{levels}）：{categories}"


def _finding(report: Report, finding: Finding, options: RenderOptions) -> list[str]:
    place = report.document.locate(finding.span.start)
    excused = is_excused(finding)
    where = f"{_clean(name_of_document(report))}:{place.line}:{place.column}"
    if place.label:
        where += f" {_clean(place.label)}"
    style = "dim" if excused else str(finding.level)
    name = STATE_NAMES["excused"] if excused else name_of(LEVEL_NAMES, finding.level)
    head = f"{_paint(where, 'bold', options)} [{_paint(name, style, options)}] "
    head += f"{name_of(CATEGORY_NAMES, finding.category)} {_paint(finding.rule_id, 'dim', options)}"
    if finding.turn is not None and finding.turn < len(report.document.turns):
        turn = report.document.turns[finding.turn]
        head += f" 第 {finding.turn + 1} 轮 {_clean(turn.label) or name_of(SPEAKER_NAMES, turn.speaker)}"
    lines = [head]
    for number, excerpt in enumerate(_excerpt(report.document, finding, options.width)):
        lines.append(_INDENT + (_paint(excerpt, style, options) if number else excerpt))
    return lines + [f"  {_clean(line)}" for line in _explanation(finding)]


def _explanation(finding: Finding) -> list[str]:
    if is_excused(finding):
        return [f"豁免：{excuse_words(finding)}"]
    lines = [f"问题：{finding.message}"]
    if finding.why:
        lines.append(f"原因：{finding.why}")
    if reading_words(finding):
        lines.append(f"识别：{reading_words(finding)}")
    lines += [f"说明：{note}" for note in finding.explanation.notes]
    for number, (condition, bases, penalties) in enumerate(bases_by_condition(finding.basis)):
        cites = "、".join(f"{item.cite}（{name_of(STRENGTH_NAMES, item.strength)}）" for item in bases)
        lines.append(("依据：" if number == 0 else "      ") + cites)
        lines.append(f"        适用：{condition}")
        lines += [f"        罚则：{penalty}" for penalty in penalties]
    if attempts_words(finding):
        lines.append(f"豁免：{attempts_words(finding)}")
    if finding.evidence:
        needed = "须备材料" if finding.state is State.NEEDS_EVIDENCE else "可备材料"
        lines.append(f"{needed}：{finding.evidence}")
    for number, rewrite in enumerate(finding.rewrites):
        start = "建议：" if number == 0 else "      "
        lines.append(f"{start}{rewrite_words(finding, rewrite)}［{apply_words(rewrite)}］")
    return lines


def _clean(text: str) -> str:
    head = text[: len(text) - len(text.lstrip(" "))]
    return head + printable(one_line(text))


# --- the line of text with its underline -----------------------------------------------------------


def _excerpt(document: Document, finding: Finding, width: int) -> tuple[str, str]:
    """The first line the finding touches, cut to the width, and the underline below it.

    An empty span (something missing) is marked by one ``^`` where it should be said.
    """
    span, line = finding.span, document.line_at(finding.span.start)
    room = max(width - len(_INDENT), 20)
    # More than this is never shown, however long the line and the finding are.
    reach = _REACH * room
    left, right = max(line.start, span.start - reach), min(line.end, max(span.start, span.end) + reach)
    right = min(right, span.start + 2 * reach)
    shown = printable(document.text[left:right])
    start = span.start - left
    end = max(min(span.end, right) - left, start)
    before, words, after = shown[:start], shown[start:end], shown[end:]
    if (left, right) != line or cell_len(_expand(shown)) > room:
        before, words, after = _window(before, words, after, room)
    column = cell_len(_expand(before))
    body = _expand(before + words + after)
    length = cell_len(_expand(before + words)) - column
    return body, " " * column + "^" * max(length, 1)


def _window(before: str, words: str, after: str, room: int) -> tuple[str, str, str]:
    """Parts that fit ``room`` columns: the words first, then a third of the rest before them."""
    words = _head(words, room - 2 * cell_len(_CUT))
    rest = room - cell_len(_expand(words))
    lead = _tail(before, max(rest // 3, rest - cell_len(_expand(after))))
    trail = _head(after, rest - cell_len(_expand(lead)))
    return lead, words, trail


def _head(text: str, room: int) -> str:
    """The start of the text in at most ``room`` columns, with a sign of the cut."""
    if cell_len(_expand(text)) <= room:
        return text
    used, kept = cell_len(_CUT), 0
    for character in text:
        used += _TAB if character == "\t" else cell_len(character)
        if used > room:
            break
        kept += 1
    return text[:kept] + _CUT


def _tail(text: str, room: int) -> str:
    """The end of the text in at most ``room`` columns, with a sign of the cut."""
    if cell_len(_expand(text)) <= room:
        return text
    used, kept = cell_len(_CUT), 0
    for character in reversed(text):
        used += _TAB if character == "\t" else cell_len(character)
        if used > room:
            break
        kept += 1
    return _CUT + text[len(text) - kept :]


def _expand(text: str) -> str:
    """Tabs as spaces to the next multiple of four columns of this line."""
    if "\t" not in text:
        return text
    out = ""
    for number, part in enumerate(text.split("\t")):
        if number:
            out += " " * (_TAB - cell_len(out) % _TAB)
        out += part
    return out
