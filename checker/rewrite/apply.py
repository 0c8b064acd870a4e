"""Putting rewrites into a text."""

from __future__ import annotations

from collections.abc import Iterable

from checker.late import late
from checker.rewrite.grammar import clause_spans
from checker.rewrite.proof import spliced
from checker.types import Apply, Finding, Rewrite, Span


def best(finding: Finding) -> Rewrite | None:
    """The first rewrite that needs no fact from a person."""
    return next((item for item in finding.rewrites if item.apply is not Apply.MANUAL), None)


def disjoint(rewrites: Iterable[Rewrite]) -> list[Rewrite]:
    """The rewrites sorted; of two that overlap the first in the text counts, of these the longer."""
    out: list[Rewrite] = []
    place = -1
    for rewrite in sorted(rewrites, key=lambda item: (item.span.start, -item.span.end)):
        if rewrite.span.start >= place and not (out and rewrite == out[-1]):
            out.append(rewrite)
            place = rewrite.span.end
    return out


def apply_rewrites(text: str, rewrites: Iterable[Rewrite]) -> str:
    """The text with rewrites applied, those that overlap left out (see :func:`disjoint`)."""
    return spliced(text, disjoint(rewrites))


def without_repeats(sentence: str) -> str:
    """The sentence without clauses that say again what an earlier one says, or end in nearly the same words.

    Two claims of one sentence are often answered by the same statement, or by two that refer to the same paper.

    >>> without_repeats("效果因人而异，效果因人而异。")
    '效果因人而异。'
    >>> without_repeats("可以先提交申请，结果以审批为准，多久到账以审批结果为准。")
    '可以先提交申请，结果以审批为准。'
    """
    clauses = clause_spans(sentence, Span(0, len(sentence.rstrip("。！？!?；;…\n\r"))))
    seen: set[str] = set()
    out = sentence
    for number in range(len(clauses) - 1, 0, -1):
        words = sentence[clauses[number].start : clauses[number].end]
        earlier = {sentence[clause.start : clause.end] for clause in clauses[:number]}
        if len(words) >= 3 and any(
            words == other
            or other.endswith(words)
            or (len(other) >= _WHOLE and words.endswith(other))
            or _alike(words, other)
            for other in earlier
        ):
            out = out[: clauses[number - 1].end] + out[clauses[number].end :]
            seen.add(words)
    return out


#: An earlier clause this long says all that one says which ends in it: 不能代替药物, 食品不能代替药物.
_WHOLE = 6
#: What statements end in: 以合同为准, 以审批结果为准, 由您自己决定
_TAIL = late(
    r"(?:以(?P<paper>[^，以]{1,10}?)(?:结果|规则|公示|公布)?为准|由(?P<who>[您你])(?:自己)?决定|(?P<result>因人而异))$"
)


def _alike(words: str, other: str) -> bool:
    """True when both clauses leave a matter to the same paper or person."""
    one, two = _TAIL.search(words), _TAIL.search(other)
    return one is not None and two is not None and one.groups() == two.groups()
