"""Inline suppressions: comments in a text by which an officer accepts a finding, with a reason.

    <!-- huashu-disable-line absolute/best -- 已取得检测报告 EV-014 -->
    <!-- huashu-disable-next-line absolute, guarantee -- 合同条款原文 -->
    <!-- huashu-disable price -- 活动规则已备案 --> … <!-- huashu-enable price -->
    # huashu: disable=absolute/best reason="已备案" until=2027-03-31

The ``#`` form stands on a line of its own (it is about the next line) or ends a line (it is about
that line). A rule is named by its id or its category. ``until`` may stand in both forms, and the
date itself still counts. "The next line" skips empty lines and lines that hold only such comments,
so that several can be stacked. A block without its ``enable`` lasts to the end of the text.

A comment that could hide something unnoticed is a finding itself and hides nothing: one without a
rule, without a reason, with an unknown rule or past its date. One that hides nothing any more is
a finding too. These findings cannot be suppressed.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from heapq import heappop, heappush
from typing import Literal

from checker.document import Document
from checker.fingerprint import fingerprint
from checker.labels import CATEGORY_NAMES
from checker.late import late
from checker.types import Explanation, Finding, Level, Span, State, Suppression

CATEGORY = "suppression"
#: Of so many unknown names in one text it is told what may have been meant; looking takes a while.
_MOST_HINTS = 20
#: Of one comment so many unknown names are findings of their own.
_MOST_NAMED = 20
_WHY = "忽略标记会让问题不再出现在报告里，所以必须写明规则和理由，并在失效后及时清理。"
# The body stops at the next comment, so that many open ones cost no more than one.
_HTML = late(r"<!--[ \t]*huashu-(?P<verb>[a-z-]*)(?P<body>(?:(?!<!--).)*?)-->", re.DOTALL | re.IGNORECASE)
# Only as a comment: at the start of a line or after white space, and always up to the line's end.
_HASH = late(
    r"(?:^|(?<=\s))#[ \t]*huashu[ \t]*[:：][ \t]*(?P<verb>disable)(?:[ \t]*=[ \t]*|(?=[ \t]|$))(?P<body>[^\r\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
_UNTIL = late(r"\buntil[ \t]*=[ \t]*[\"“]?(?P<date>[^\s\"”,，]*)[\"”]?", re.IGNORECASE)
_REASON = late(
    r"\breason[ \t]*=[ \t]*(?:\"(?P<ascii>[^\"]*)\"?|“(?P<wide>[^”]*)”?|(?P<bare>\S+))", re.IGNORECASE
)
# What a Chinese input method makes of two hyphens counts as two hyphens.
_DASHES = late(r"(?:^|\s)(?:--+|—+|––)(?:\s|(?=[^\s>])|$)")
#: What would divide a cell, or close the reason, as its Chinese counterpart.
_DIVIDES = str.maketrans({",": "，", ";": "；", '"': "”", "\t": " "})
_BREAK = late(r"\r\n|\n|\r")

Kind = Literal["line", "next-line", "block", "enable", "unknown"]
_KINDS: dict[str, Kind] = {
    "disable-line": "line",
    "disable-next-line": "next-line",
    "disable": "block",
    "enable": "enable",
}


@dataclass(frozen=True, slots=True)
class Directive:
    """One comment. ``scopes[i]`` is the part of the text in which it is about ``rules[i]``.

    ``until`` is as written, possibly no date at all. ``closes`` is True for an ``enable`` that ends
    a block.
    """

    kind: Kind
    rules: tuple[str, ...]
    reason: str
    until: str
    span: Span
    scopes: tuple[Span, ...] = ()
    closes: bool = False


def comment_above(rule_id: str, reason: str, *, markdown: bool) -> str:
    """The comment that, on a line of its own, accepts a rule's findings on the next line.

    >>> comment_above("absolute/best", "检测报告 EV-014", markdown=False)
    '# huashu: disable=absolute/best reason="检测报告 EV-014"'
    """
    words = plain_reason(reason)
    if markdown:
        return f"<!-- huashu-disable-next-line {rule_id} -- {words} -->"
    return f'# huashu: disable={rule_id} reason="{words}"'


def plain_reason(reason: str) -> str:
    """A reason on one line, without what would end the comment or divide the cell it stands in."""
    return " ".join(reason.replace("-->", "").translate(_DIVIDES).split())


def comment_spans(text: str) -> tuple[Span, ...]:
    """Where the comments stand, sorted; they are nobody's words and are never judged."""
    return tuple(directive.span for directive in _comments(text))


def parse_suppressions(text: str) -> tuple[Directive, ...]:
    """The comments of a text in order, each with its scope. Never raises."""
    directives = _comments(text)
    lines = _Lines(text, directives)
    ends: dict[int, dict[str, int]] = {}
    open_blocks: dict[str, list[int]] = {}
    closing: set[int] = set()
    for number, directive in enumerate(directives):
        if directive.kind == "block":
            for rule in directive.rules:
                open_blocks.setdefault(rule, []).append(number)
        elif directive.kind == "enable":
            for rule in directive.rules or tuple(open_blocks):
                for opened in open_blocks.pop(rule, []):
                    ends.setdefault(opened, {})[rule] = directive.span.start
                    closing.add(number)
    out = []
    for number, directive in enumerate(directives):
        if directive.kind == "block":
            closed = ends.get(number, {})
            scopes = [Span(directive.span.end, closed.get(rule, len(text))) for rule in directive.rules]
        elif directive.kind in ("line", "next-line"):
            around = lines.around(directive.span) if directive.kind == "line" else lines.after(directive.span)
            scopes = [around] * len(directive.rules)
        else:
            scopes = []
        out.append(replace(directive, scopes=tuple(scopes), closes=number in closing))
    return tuple(out)


def apply_suppressions(
    document: Document,
    findings: Sequence[Finding],
    directives: Sequence[Directive],
    known_rules: Collection[str],
    today: date | None = None,
) -> tuple[tuple[Finding, ...], tuple[Suppression, ...], tuple[Finding, ...]]:
    """(kept findings, suppressed findings, findings about the comments), each in document order.

    ``known_rules`` are rule ids; their categories are known with them. ``today`` decides what has
    expired (default: the local date). A finding is about the line on which it starts.
    """
    known = set(known_rules) | {finding.rule_id for finding in findings}
    known |= {rule.split("/")[0] for rule in known} | (CATEGORY_NAMES.keys() - {CATEGORY})
    today = today or date.today()
    problems: list[tuple[Directive, str, str]] = []
    active: list[tuple[Directive, str, Span]] = []
    unknown: dict[str, str] = {}
    for directive in directives:
        found = _problem(directive, today)
        if found:
            problems.append((directive, *found))
            continue
        strange = 0
        for rule, scope in zip(directive.rules, directive.scopes, strict=False):
            if rule in known:
                active.append((directive, rule, scope))
                continue
            strange += 1
            if strange <= _MOST_NAMED:
                unknown.setdefault(rule, _unknown(rule, known if len(unknown) < _MOST_HINTS else ()))
                problems.append((directive, "unknown-rule", unknown[rule]))
        if strange > _MOST_NAMED:
            more = f"这个忽略标记里还有 {strange - _MOST_NAMED} 个不认识的规则或分类，不起作用"
            problems.append((directive, "unknown-rule", more))
    kept: list[Finding] = []
    suppressed: list[Suppression] = []
    scopes: dict[str, list[tuple[Span, int]]] = {}
    for number, (_, rule, scope) in enumerate(active):
        scopes.setdefault(rule, []).append((scope, number))
    places_of: dict[str, list[tuple[int, int]]] = {}
    for at, finding in enumerate(findings):
        for name in dict.fromkeys((finding.rule_id, finding.category)):
            places_of.setdefault(name, []).append((finding.span.start, at))
    first: dict[int, int] = {}
    used: set[int] = set()
    for name, about in scopes.items():
        places = sorted(places_of.get(name, ()))
        for at, number in _first_around(about, places):
            first[at] = min(number, first.get(at, number))
        starts = [start for start, _ in places]
        used.update(
            number
            for scope, number in about
            if bisect_left(starts, scope.start) < bisect_right(starts, scope.end)
        )
    for at, finding in enumerate(findings):
        if at in first:
            suppressed.append(Suppression(finding, "inline", active[first[at]][0].reason))
        else:
            kept.append(finding)
    for number, (directive, rule, _) in enumerate(active):
        if number not in used:
            message = f"这里已经没有“{rule}”的问题，忽略标记不再起作用，请删去"
            problems.append((directive, "unused", message))
    problems.sort(key=lambda problem: problem[0].span)
    return tuple(kept), tuple(suppressed), tuple(_findings(document, problems))


def _first_around(
    scopes: Iterable[tuple[Span, int]], places: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """(name of the place, least number of the scopes that hold it, their ends included).

    Places are sorted. The time grows with scopes and places, not with their product: a line may be
    the scope of every comment in it.
    """
    coming = deque(sorted(scopes))
    held: list[tuple[int, int]] = []
    for place, name in places:
        while coming and coming[0][0].start <= place:
            scope, number = coming.popleft()
            heappush(held, (number, scope.end))
        while held and held[0][1] < place:
            heappop(held)
        if held:
            yield name, held[0][0]


def _problem(directive: Directive, today: date) -> tuple[str, str] | None:
    if directive.kind == "unknown":
        return "unknown-rule", "不认识的忽略标记，可用 disable-line、disable-next-line、disable、enable"
    if directive.kind == "enable":
        return None if directive.closes else ("unused", "前面没有与它对应的 huashu-disable，请删去")
    if not directive.rules:
        return "blanket", "忽略标记没有写明规则，不能一概忽略；请写出规则名，如 absolute/best"
    if not directive.reason:
        return "missing-reason", '忽略标记没有写明理由，不起作用；请在规则后写“-- 理由”或 reason="理由"'
    if directive.until:
        try:
            last = date.fromisoformat(directive.until)
        except ValueError:
            return "expired", f"“{directive.until}”不是日期，忽略标记不起作用；请写成 2027-03-31 的形式"
        if today > last:
            return "expired", f"忽略标记已于 {directive.until} 到期，请重新审核后更新日期，或改写原文"
    return None


def _unknown(rule: str, known: Collection[str]) -> str:
    near = get_close_matches(rule, sorted(known), n=1)
    hint = f"，是否想写“{near[0]}”" if near else ""
    return f"没有“{rule}”这条规则或分类（或已停用），忽略标记不起作用{hint}"


def _findings(document: Document, problems: Iterable[tuple[Directive, str, str]]) -> Iterable[Finding]:
    seen: Counter[tuple[str, str]] = Counter()
    for directive, name, message in problems:
        rule_id = f"{CATEGORY}/{name}"
        words = document.text[directive.span.start : directive.span.end]
        seen[rule_id, words] += 1
        turn = document.turn_at(directive.span.start)
        yield Finding(
            rule_id=rule_id,
            category=CATEGORY,
            level=Level.REVIEW,
            state=State.VIOLATION,
            span=directive.span,
            matched=words,
            turn=None if turn is None else turn.index,
            message=message,
            why=_WHY,
            basis=(),
            explanation=Explanation(source="suppression", fired=",".join(directive.rules)),
            confidence=1.0,
            fingerprint=fingerprint(rule_id, document.path, words, seen[rule_id, words]),
        )


# --- reading comments ------------------------------------------------------------------------------


def _comments(text: str) -> list[Directive]:
    found = [_html(match) for match in _HTML.finditer(text)]
    taken = deque(directive.span for directive in found)
    for match in _HASH.finditer(text):
        while taken and taken[0].end <= match.start():
            taken.popleft()
        if not taken or match.end() <= taken[0].start:
            found.append(_hash(text, match))
    return sorted(found, key=lambda directive: directive.span)


def _html(match: re.Match[str]) -> Directive:
    parts = _DASHES.split(match["body"], maxsplit=1)
    until = _UNTIL.search(parts[0])
    return Directive(
        kind=_KINDS.get(match["verb"].lower(), "unknown"),
        rules=_rules(_UNTIL.sub(" ", parts[0])),
        reason=" ".join(parts[1].split()) if len(parts) > 1 else "",
        until=until["date"] if until else "",
        span=Span(*match.span()),
    )


def _hash(text: str, match: re.Match[str]) -> Directive:
    body = match["body"]
    reason = _REASON.search(body)
    rest = _REASON.sub(" ", body)
    until = _UNTIL.search(rest)
    named = _UNTIL.sub(" ", rest).strip()
    line_start = text.rfind("\n", 0, match.start()) + 1
    line_start = text.rfind("\r", line_start, match.start()) + 1 or line_start
    own_line = not text[line_start : match.start()].strip(" \t\u3000\ufeff")
    said = next((words for words in reason.groups() if words), "") if reason else ""
    with_equals = "=" in match[0][: match.start("body") - match.start()]
    return Directive(
        kind="next-line" if own_line else "line",
        # Without "=" there is no rule: what follows is some remark.
        rules=_rules(re.split(r"\s", named, maxsplit=1)[0]) if with_equals and named else (),
        reason=" ".join(said.split()),
        until=until["date"] if until else "",
        span=Span(*match.span()),
    )


def _rules(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.lower() for part in re.split(r"[\s,，、]+", words) if part))


class _Lines:
    """The lines of a text, without their breaks; comments count as white space."""

    def __init__(self, text: str, directives: Sequence[Directive]) -> None:
        breaks = list(_BREAK.finditer(text))
        self._starts = [0, *(match.end() for match in breaks)]
        self._ends = [*(match.start() for match in breaks), len(text)]
        parts: list[str] = []
        place = 0
        for directive in directives:
            parts += [text[place : directive.span.start], " " * (directive.span.end - directive.span.start)]
            place = directive.span.end
        words = "".join([*parts, text[place:]])
        self._worded = [
            number
            for number, (start, end) in enumerate(zip(self._starts, self._ends, strict=True))
            if words[start:end].strip()
        ]

    def _number(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def around(self, comment: Span) -> Span:
        """The line of a comment, or all of its lines."""
        return Span(self._starts[self._number(comment.start)], self._ends[self._number(comment.end)])

    def after(self, comment: Span) -> Span:
        """The next line that holds words; an empty span at the end when there is none."""
        position = bisect_right(self._worded, self._number(comment.end))
        if position == len(self._worded):
            return Span(self._ends[-1], self._ends[-1])
        number = self._worded[position]
        return Span(self._starts[number], self._ends[number])
