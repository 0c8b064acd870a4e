"""Where a required statement is said: who is calling in the opening, an answer after its question, a warning beside the offer.

A duty is found unfulfilled where its time ran out, which is often after the farewell. Nobody says there who
he is: the statement goes to the turn in which a caller who keeps the duty would have said it.
"""

from __future__ import annotations

from collections.abc import Sequence

from checker.document import Document, Turn
from checker.late import late
from checker.lexicon import Cues, Missing
from checker.matching import found_any
from checker.normalize import fold
from checker.types import Span

#: How a turn begins that greets, the mark after it included.
_GREETING = late(
    r"(?:喂|哎|诶|嗯)?[，,、 ]?(?:您好|你好|(?:早上|上午|中午|下午|晚上)好)(?:[啊呀呢])?[，,。！! ]*|喂[，,。 ]*"
)
_FAREWELL = late(r"再见|拜拜|祝您|祝你|打扰(?:您|你)?了|先这样|挂了|不打扰")
_ENDS = "。！？!?；;…\n"
_MARKS = _ENDS + "，,：:、"


def placed(document: Document, duty: Missing, found: Span, statement: str) -> tuple[Span, str]:
    """The stretch of the document that a statement takes the place of (mostly empty), and its words there.

    Where the document has no turns, the statement stays where the duty was found.
    """
    own = [turn for turn in document.turns if turn.speaker != "customer" and _words(document, turn).strip()]
    if not own:
        return found, _ended(document.text[: found.start], statement)
    if duty.after is not None:
        asked = _first(document, duty.after)
        if asked is None:
            return _at_end(document, own[0], statement)
        if duty.after.by == "customer":
            reply = next((turn for turn in own if turn.index > asked.index), None)
            return _at_start(document, reply, statement) if reply else (found, "。" + statement)
        return _at_end(document, asked, statement)
    if duty.before is not None and (said := _first(document, duty.before)) is not None:
        return _at_start(document, said, statement)
    if duty.agent_turns is not None:
        return _at_start(document, own[0], statement)
    said = next((turn for cues in duty.when if (turn := _first(document, cues)) is not None), None)
    if said is not None and said.speaker == "customer":
        said = next((turn for turn in own if turn.index > said.index), None)
    return _at_end(document, said or own[0], statement)


def _words(document: Document, turn: Turn) -> str:
    return document.text[turn.span.start : turn.span.end]


def _first(document: Document, cues: Cues) -> Turn | None:
    """The first turn of the speaker in which one of the cues is said."""
    speakers: Sequence[str] = (cues.by, "unknown") if cues.by == "agent" else (cues.by,)
    return next(
        (
            turn
            for turn in document.turns
            if turn.speaker in speakers and found_any(cues.patterns, fold(_words(document, turn)))
        ),
        None,
    )


def _at_start(document: Document, turn: Turn, statement: str) -> tuple[Span, str]:
    """At the start of a turn, after its greeting, which is not said twice."""
    words = _words(document, turn)
    start = turn.span.start
    greeted = _GREETING.match(words)
    if greeted and greeted.end() < len(words):
        start += greeted.end()
        statement = statement.removeprefix("您好，")
        if document.text[start - 1] not in _MARKS + " ":
            statement = "，" + statement
    if start == turn.span.end:
        return Span(start, start), _ended(document.text[:start], statement)
    return Span(start, start), statement + ("" if statement.endswith(tuple(_ENDS)) else "。")


def _at_end(document: Document, turn: Turn, statement: str) -> tuple[Span, str]:
    """At the end of a turn, before a farewell."""
    words = _words(document, turn)
    end = len(words.rstrip())
    farewell = _FAREWELL.search(words)
    if farewell:
        cut = max((words.rfind(mark, 0, farewell.start()) for mark in _ENDS), default=-1)
        place = turn.span.start + cut + 1
        return Span(place, place), statement + "。"
    place = turn.span.start + end
    return Span(place, place), _ended(words[:end], statement)


def _ended(before: str, statement: str) -> str:
    """A statement after words that may lack the mark that ends them."""
    before = before.rstrip(" ")
    return statement if not before or before[-1] in _MARKS else "。" + statement
