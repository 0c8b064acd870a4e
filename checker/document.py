"""What the user gave, as one text with places and turns.

A reader turns a file into one :class:`Document` (or several, for an archive of calls). The text
is never edited after that: findings, reports and rewrites all speak in its code points, and
:meth:`Document.locate` turns an offset back into the place the user knows (line and column,
paragraph of a Word file, cell of a sheet).

Turns come from dialogue labels (``客服：…``) or from columns that name the speaker. A document
without turns is judged as the seller's words; a customer's turn is never judged.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple, get_args

from checker.data import load_yaml
from checker.types import Span

Speaker = Literal["agent", "customer", "unknown"]
#: Channels of ``law.md`` section 1; the first is the default.
CHANNELS = (
    "call_1to1",
    "call_ai",
    "call_broadcast",
    "sms",
    "im",
    "live",
    "page",
    "offline_event",
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's words. ``span`` excludes the label; ``begin``/``end`` are seconds or None."""

    index: int
    speaker: Speaker
    span: Span
    label: str = ""
    begin: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an offset lies: line and column from 1 in the text, ``label`` in the user's file."""

    line: int
    column: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text that the file itself sets apart: a cell, a cue, a chapter.

    No turn runs across its ends. Words in it that carry no label of their own are ``speaker``'s;
    ``certain`` says that the file names the speaker here, not only in general.
    """

    span: Span
    speaker: Speaker = "unknown"
    label: str = ""
    begin: float | None = None
    end: float | None = None
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Anchor:
    """From ``start`` on, the text comes from the place ``label`` (``段落 3``, ``话术!B4``)."""

    start: int
    label: str


@dataclass(frozen=True, slots=True)
class Unsure:
    """Words that speech recognition was unsure of; ``confidence`` from 0 to 1."""

    span: Span
    confidence: float


@dataclass(frozen=True)
class Document:
    """A text to check, with who says what.

    ``kind`` is ``text`` (no turns known), ``script`` (written before the call) or ``transcript``
    (recorded). ``anchors`` are sorted by start. ``metadata`` is carried along, never logged.
    ``notes`` are remarks of the reader to the user (a guessed encoding, a skipped sheet).
    ``unsure`` are sorted: what rests on these words does not block (``checker.hearing``).
    """

    text: str
    turns: tuple[Turn, ...] = ()
    path: str = ""
    kind: Literal["text", "script", "transcript"] = "text"
    industry: str | None = None
    channel: str | None = None
    anchors: tuple[Anchor, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unsure: tuple[Unsure, ...] = ()

    @classmethod
    def from_text(cls, text: str, **fields: Any) -> Document:
        """A document from plain text; dialogue labels at line starts become turns.

        :func:`parse_turns` says whose the lines without a label are.
        """
        turns = parse_turns(text)
        fields.setdefault("kind", "script" if turns else "text")
        return cls(text=text, turns=turns, **fields)

    @classmethod
    def from_turns(
        cls,
        turns: Iterable[Sequence[Any] | Mapping[str, Any]],
        **fields: Any,
    ) -> Document:
        """A document from (speaker, text[, begin, end]) tuples or mappings with those keys.

        A mapping may have ``words``, the turn's words with how sure the recogniser was: pairs
        (word, confidence from 0 to 1).

        The text is the turns' texts joined by line breaks; no label is added, so offsets inside
        a turn are offsets from ``turn.span.start``. Speakers are ``agent``, ``customer``,
        ``unknown`` or any labels that :func:`speakers_of` knows.
        """
        given: list[tuple[str, str, float | None, float | None]] = []
        heard: list[Iterable[tuple[str, float]]] = []
        for turn in turns:
            if isinstance(turn, Mapping):
                label, words = str(turn.get("speaker") or ""), str(turn.get("text") or "")
                begin, end = turn.get("begin"), turn.get("end")
                heard.append(turn.get("words") or ())
            else:
                label, words = str(turn[0] or ""), str(turn[1] or "")
                begin, end = (*turn[2:4], None, None)[:2]
                heard.append(())
            given.append((label, words, begin, end))
        speakers = speakers_of(label for label, *_ in given)
        made: list[Turn] = []
        unsure: list[Unsure] = []
        offset = 0
        for index, (label, words, begin, end) in enumerate(given):
            span = Span(offset, offset + len(words))
            made.append(Turn(index, speakers[label], span, label, begin, end))
            unsure += unsure_words(words, heard[index], offset)
            offset = span.end + 1
        fields.setdefault("kind", "transcript")
        fields.setdefault("unsure", tuple(unsure))
        return cls(text="\n".join(words for _, words, *_ in given), turns=tuple(made), **fields)

    def with_fields(self, **fields: Any) -> Document:
        """A copy with some fields replaced."""
        return replace(self, **fields)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0] + [match.end() for match in re.finditer(r"\r\n|\n|\r", self.text)]

    @cached_property
    def _anchor_starts(self) -> list[int]:
        return [anchor.start for anchor in self.anchors]

    @cached_property
    def _turn_starts(self) -> list[int]:
        return [turn.span.start for turn in self.turns]

    def locate(self, offset: int) -> Place:
        """The place of a code point; ``len(text)`` is allowed (the end)."""
        line = bisect_right(self._line_starts, offset)
        column = offset - self._line_starts[line - 1] + 1
        index = bisect_right(self._anchor_starts, offset) - 1
        return Place(line, column, self.anchors[index].label if index >= 0 else "")

    def line_at(self, offset: int) -> Span:
        """The line that holds a code point, without its line break; ``len(text)`` is allowed."""
        number = bisect_right(self._line_starts, offset)
        start = self._line_starts[number - 1]
        end = self._line_starts[number] if number < len(self._line_starts) else len(self.text)
        while end > start and self.text[end - 1] in "\r\n":
            end -= 1
        return Span(start, end)

    def turn_at(self, offset: int) -> Turn | None:
        """The turn that holds an offset, or None between turns and in texts without turns."""
        index = bisect_right(self._turn_starts, offset) - 1
        if index < 0:
            return None
        turn = self.turns[index]
        return turn if offset <= turn.span.end else None


def unsure_words(text: str, words: Iterable[tuple[str, float]], offset: int = 0) -> list[Unsure]:
    """The words of a turn below the confidence of ``script.yaml``, found in its text in their order.

    Spans count from ``offset``. Words that are not in the text (recognisers add blanks and leave out
    marks) are passed over. Neighbours become one stretch, of the lowest confidence.

    >>> unsure_words("您好，保证稳赚", [("您好", 0.99), (" 保证", 0.31), ("稳赚", 0.2)])
    [Unsure(span=Span(start=3, end=7), confidence=0.2)]
    """
    limit = _unsure_below()
    found: list[Unsure] = []
    place = 0
    for word, confidence in words:
        word = word.strip()
        start = text.find(word, place) if word else -1
        if start < 0:
            continue
        place = start + len(word)
        if not 0 <= confidence < limit:
            continue
        if found and found[-1].span.end == offset + start:
            last = found.pop()
            span = Span(last.span.start, offset + place)
            found.append(Unsure(span, min(confidence, last.confidence)))
        else:
            found.append(Unsure(Span(offset + start, offset + place), confidence))
    return found


@lru_cache(maxsize=1)
def _unsure_below() -> float:
    limit: float = load_yaml("script.yaml")["recognition"]["unsure_below"]
    return limit


class _Labels:
    """Speaker labels, read once from ``lexicons/script.yaml``."""

    def __init__(self) -> None:
        speakers = load_yaml("script.yaml")["speakers"]
        self.roles: dict[str, Speaker] = {
            label.lower(): role for role in get_args(Speaker) for label in speakers[role]
        }
        self.pairs = [(pair["agent"].lower(), pair["customer"].lower()) for pair in speakers["pairs"]]
        # Options of a question look like a dialogue of letters; a third letter gives them away.
        self.not_pairs = {label.lower() for label in speakers["not_pairs"]}
        letters = {label for pair in self.pairs for label in pair} | self.not_pairs
        names = _alternatives({*self.roles, *letters})
        said = _alternatives(speakers["said"])
        clock = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,6})?"
        # Seen in the wild: 【客服】： [客服] 客服1： 客服A: 客服小王： "1. 客服：" "[00:12] 客服：" **客服：**
        # 客服（热情）： 客户说： and, from speech recognition, "说话人1 00:00:12" above the words.
        # Blanks are counted: a line of nothing but spaces must not be tried in every division.
        self.line = re.compile(
            r"(?:^|(?<=\r))(?![ \t\u3000]*[\r\n])[ \t\u3000\u200b\ufeff]{0,40}"
            r"(?:[-*>#•]{1,6}[ \t]{1,4})?(?:\d{1,3}[.、)）][ \t]{0,4})?"
            rf"(?:(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}[ \t]{{1,4}})?[\[(（]?{clock}[\])）]?[ \t]{{0,4}})?"
            rf"(?:\*\*)?(?P<open>[【\[(（])?[ \t]{{0,4}}(?P<label>{names})"
            r"(?P<suffix>[ \t]{0,4}(?:[0-9]{1,6}(?![0-9]*:[0-9])号?|[A-Za-z一二三](?![A-Za-z])|[小老阿][\u4e00-\u9fff]))?"
            rf"(?P<said>{said})?[ \t]{{0,4}}(?P<close>[】\])）])?(?:\*\*)?"
            r"(?:[-—_/·]\w{1,12})?(?:[ \t]{0,4}[（(\[][^（）()\[\]\r\n]{1,16}[）)\]])?[ \t]{0,4}"
            rf"(?:(?P<colon>[：:])(?:\*\*)?|(?P<time>{clock}[ \t]{{0,4}}(?=[\r\n]))|(?<=[】\]]))[ \t]*",
            re.IGNORECASE | re.MULTILINE,
        )


def _alternatives(words: Iterable[str]) -> str:
    """The words as one pattern, the longest tried first."""
    return "|".join(map(re.escape, sorted(words, key=lambda word: (-len(word), word))))


@lru_cache(maxsize=1)
def _labels() -> _Labels:
    return _Labels()


#: Where a customer's words end though no label follows: an empty line, or a heading.
_CUSTOMER_ENDS = re.compile(r"(?:\r\n|\r|\n)[ \t\u3000]*(?=\r|\n|#|【[^】\r\n]*】[ \t]*(?:[\r\n]|\Z))")
_LINE_ENDS = re.compile(r"\r|\n")


class _Label(NamedTuple):
    """A label found in a text: where it stands and whose words follow it."""

    start: int
    end: int
    speaker: Speaker
    name: str


def speaker_of(label: str) -> Speaker:
    """The speaker one label names: ``坐席1`` is the agent, ``用户`` the customer, else unknown."""
    return speakers_of([label])[label]


def speakers_of(names: Iterable[str]) -> dict[str, Speaker]:
    """The speaker of each label of one dialogue; a lone letter needs its partner beside it."""
    found = {label: _by_itself(label) for label in names}
    letters = _letters({name for name, _ in found.values()})
    return {label: letters.get(name, speaker) for label, (name, speaker) in found.items()}


@lru_cache(maxsize=4096)
def _by_itself(label: str) -> tuple[str, Speaker]:
    """A label's plain name, and the speaker it names without regard to other labels."""
    roles = _labels().roles
    name = re.sub(r"[\s_]+", " ", label.strip().strip("：:【】[]()（） \t").lower())
    bare = re.sub(r"(?:[\s\-#]*(?:\d+号?|(?<![a-z])[a-z])|[小老阿][\u4e00-\u9fff])$", "", name)
    first = re.split(r"[\-/:：(（,，]|(?<=[\u4e00-\u9fff]) ", name, maxsplit=1)[0].strip()
    known = (roles[form] for form in (name, bare, first) if form in roles)
    return name, next(known, "unknown")


def _letters(names: set[str]) -> dict[str, Speaker]:
    """Who the letters are, where both letters of a pair occur and no third one does."""
    labels = _labels()
    letters: dict[str, Speaker] = {}
    if not names & labels.not_pairs:
        for agent, customer in labels.pairs:
            if {agent, customer} <= names:
                letters |= {agent: "agent", customer: "customer"}
    return letters


def _spoken(text: str) -> list[_Label]:
    """The dialogue labels of a text, in order.

    A text of 20 MB has hundreds of thousands of labels but few different ones: what a label
    means is worked out once for each way of writing it.
    """
    # Every label ends with one of these; most texts without turns have none.
    if not any(mark in text for mark in "：:】]"):
        return []
    roles = _labels().roles
    groups = ("label", "suffix", "said", "open", "close", "colon", "time")
    found = [(match.span(), match.group(*groups)) for match in _labels().line.finditer(text)]
    forms = {form for _, form in found}
    letters = _letters({form[0].lower() for form in forms})
    known: dict[Any, tuple[Speaker, str]] = {}
    bracketed: dict[Any, tuple[Speaker, str]] = {}
    quoting: dict[Any, tuple[Speaker, str]] = {}
    for form in forms:
        name, suffix, said, opened, closed, colon, time = form
        speaker = letters.get(name.lower()) or roles.get(name.lower())
        if speaker is None or bool(opened) != bool(closed) or not (colon or time or opened):
            continue
        kind = quoting if said else known if colon or time else bracketed
        kind[form] = (speaker, name + (suffix or "").strip())
    # 【客户】 at the start of a line may be a blank to fill in, and 用户说： a testimonial: they are
    # labels only in a dialogue, which has the other side too.
    if {speaker for speaker, _ in bracketed.values()} >= {"agent", "customer"}:
        known |= bracketed
    if any(speaker != "customer" for speaker, _ in [*known.values(), *quoting.values()]):
        known |= quoting
    return [_Label(*span, *known[form]) for span, form in found if form in known]


def parse_turns(text: str, parts: Sequence[Part] = ()) -> tuple[Turn, ...]:
    """The turns of a labelled dialogue, in order and disjoint.

    A label opens a turn that runs to the next one; its span holds the words without the blank
    space around them. Words before the first label are an unknown speaker's. Lines without a
    label are wrapped lines of the turn above, except that a customer's turn ends at an empty
    line or a heading, and at its own line where no other side is labelled: what follows may be
    the seller's and is given to an unknown speaker, who is judged.

    ``parts`` (sorted, disjoint) are stretches the file sets apart; words outside them are in no
    turn. A part with words is one turn of exactly its span, unless labels divide it; where its
    speaker is certain, a single label that names somebody else is not believed.

    Empty when there is neither a label nor a part.
    """
    spoken = _spoken(text)
    if not spoken and not parts:
        return ()
    starts = [label.start for label in spoken]
    two_sided = any(label.speaker != "customer" for label in spoken)
    turns: list[Turn] = []
    for part in parts or (Part(Span(0, len(text))),):
        first, last = (bisect_left(starts, offset) for offset in part.span)
        for speaker, label, span in _divide(text, part, spoken[first:last], two_sided):
            turns.append(Turn(len(turns), speaker, span, label, part.begin, part.end))
    return tuple(turns)


def _divide(
    text: str, part: Part, labels: Sequence[_Label], two_sided: bool
) -> Iterator[tuple[Speaker, str, Span]]:
    """Speaker, label and span of the turns of one part."""
    start, end = part.span
    known = part.certain and part.speaker != "unknown"
    if not labels or (known and len(labels) == 1 and labels[0].speaker != part.speaker):
        if text[start:end].strip():
            yield part.speaker, part.label, part.span
        return
    head = _words(text, start, labels[0].start)
    if head.start < head.end:
        yield part.speaker, part.label, head
    ends = _CUSTOMER_ENDS if two_sided else _LINE_ENDS
    following = [*(label.start for label in labels[1:]), end]
    for label, until in zip(labels, following, strict=True):
        words = _words(text, label.end, until)
        stop = ends.search(text, *words) if label.speaker == "customer" else None
        if stop is None:
            yield label.speaker, label.name, words
        else:
            yield label.speaker, label.name, _words(text, words.start, stop.start())
            yield "unknown", "", _words(text, stop.end(), words.end)


def _words(text: str, start: int, end: int) -> Span:
    """The stretch without the blank space at its ends; a blank one is empty, at its start."""
    words = text[start:end].lstrip()
    first = end - len(words) if words else start
    return Span(first, first + len(words.rstrip()))
