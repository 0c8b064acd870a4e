"""What rests on words that speech recognition was unsure of does not block.

A finding *rests on* unsure words when it goes away as soon as these words are taken out of the text: the
words it points at, cues elsewhere in the call, or the customer's refusal it follows. That something was
*not* said is uncertain where much of what was said before was. Such a finding is lowered from block to
review, its message asks to listen, its confidence shrinks by the lowest of these words, and its
explanation names them. Levels below block stay: a review is the request to listen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from checker.document import Document, Unsure
from checker.types import Finding, Level

#: Key of ``Explanation.scores``: the lowest confidence of the words a finding rests on.
SCORE = "recognition"
#: From this share of unsure characters on, a statement may have been said and not heard.
_UNHEARD = 0.2
#: Ends a clause and belongs to no word.
_NOTHING = "，"


def blanked(document: Document) -> Document:
    """The document without its unsure words; all places stay."""
    text = list(document.text)
    for unsure in document.unsure:
        start, end = unsure.span
        text[start:end] = _NOTHING * (end - start)
    return document.with_fields(text="".join(text))


def marked(
    document: Document, findings: Sequence[Finding], without: Sequence[Finding]
) -> tuple[Finding, ...]:
    """The findings, those lowered and marked that rest on unsure words.

    ``without`` is what is found in :func:`blanked`.
    """
    firm: dict[tuple[str, int | None], list[Finding]] = {}
    for finding in without:
        firm.setdefault((finding.rule_id, finding.turn), []).append(finding)

    def rests(finding: Finding) -> bool:
        if finding.span.start == finding.span.end:
            if _unheard(document, finding):
                return True
            return (finding.rule_id, finding.turn) not in firm
        others = firm.get((finding.rule_id, finding.turn), ())
        return not any(other.span.overlaps(finding.span) for other in others)

    return tuple(
        _mark(document, finding) if finding.level is not Level.HINT and rests(finding) else finding
        for finding in findings
    )


def _unheard(document: Document, finding: Finding) -> bool:
    """True when much of what the other turns' speaker said up to a missing statement is unsure."""
    spans = [
        turn.span
        for turn in document.turns
        if turn.speaker != "customer" and turn.span.start < finding.span.end
    ]
    said = sum(end - start for start, end in spans)
    unsure = sum(
        max(0, min(item.span.end, end) - max(item.span.start, start))
        for item in document.unsure
        for start, end in spans
    )
    return unsure >= _UNHEARD * said > 0


def _mark(document: Document, finding: Finding) -> Finding:
    words = _words(document, finding)
    lowest = min(item.confidence for item in words)
    named = "、".join(
        f"“{document.text[item.span.start : item.span.end]}”{item.confidence:.0%}" for item in words[:3]
    )
    told = finding.explanation
    return replace(
        finding,
        level=Level.REVIEW if finding.level is Level.BLOCK else finding.level,
        message=f"{finding.message}（识别没有把握，请先听录音核对）",
        confidence=round(finding.confidence * lowest, 3),
        explanation=replace(
            told, notes=(*told.notes, f"语音识别没有把握：{named}"), scores={**told.scores, SCORE: lowest}
        ),
    )


def _words(document: Document, finding: Finding) -> list[Unsure]:
    """The unsure words in the finding, else the nearest before its end, else all."""
    inside = [item for item in document.unsure if item.span.overlaps(finding.span)]
    before = [item for item in document.unsure if item.span.start < finding.span.end]
    return inside or before[-3:] or list(document.unsure)
