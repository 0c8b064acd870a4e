"""What is judged together: documents as one text, its plain view, sentences, and who says them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from checker.document import CHANNELS, Document, Turn
from checker.lexicon import Cues
from checker.matching import found_any
from checker.normalize import plain_view
from checker.types import Span

#: The industry of words that must hold wherever they may be said: the rules of all industries and channels.
EVERYWHERE = "*"


class Setting(NamedTuple):
    """What is known about a document when it is judged."""

    industry: str | None = None
    industry_given: bool = False
    channel: str = CHANNELS[0]
    channel_given: bool = True


class Scene:
    """Documents as the engine sees them: one text, its views, its sentences and who says them.

    Several documents are put together because every step over the text works on arrays and costs
    little more for many documents than for one. What belongs to which document is kept: no
    condition looks beyond its own.
    """

    def __init__(self, documents: Sequence[Document], blanks: Sequence[Sequence[Span]] = ()) -> None:
        self.documents = documents
        self.offsets: list[int] = []
        self.first_turns: list[int] = []
        turns: list[Turn] = []
        self._turns: list[Turn | None] = []
        self._turn_parts: list[int] = []
        place = 0
        for part, document in enumerate(documents):
            self.offsets.append(place)
            self.first_turns.append(len(turns))
            # A document without turns is one turn to the views and None to everybody else.
            for turn in document.turns or (Turn(0, "agent", Span(0, len(document.text))),):
                span = Span(place + turn.span.start, place + turn.span.end)
                turns.append(Turn(len(turns), turn.speaker, span))
                self._turns.append(turn if document.turns else None)
                self._turn_parts.append(part)
            place += len(document.text) + 1
        blank = [
            Span(self.offsets[part] + span.start, self.offsets[part] + span.end)
            for part, spans in enumerate(blanks)
            for span in spans
        ]
        joined = Document(text="\n".join(document.text for document in documents), turns=tuple(turns))
        self.plain = plain_view(joined, blank)
        starts = self.plain.index[self.plain.starts] if len(self.plain.starts) else np.zeros(0, np.int32)
        self.part_of = np.searchsorted(np.array(self.offsets), starts, side="right") - 1
        turn_starts = np.array([turn.span.start for turn in turns])
        self._held: dict[tuple[int, int], bool] = {}
        self._turn_texts: dict[int, str] = {}
        self.turn_of = np.maximum(turn_starts.searchsorted(starts, side="right") - 1, 0)

    def has_customer(self, part: int) -> bool:
        """True when a customer speaks in a document."""
        return any(turn.speaker == "customer" for turn in self.documents[part].turns)

    @cached_property
    def spoken(self) -> list[int]:
        """The sentences of the plain view that are not a customer's."""
        customers = [turn is not None and turn.speaker == "customer" for turn in self._turns]
        if not any(customers):
            return list(range(len(self.plain.starts)))
        return np.flatnonzero(~np.array(customers)[self.turn_of]).tolist()

    def turn(self, number: int) -> Turn | None:
        """The turn of a sentence of the plain view, as its document has it."""
        return self._turns[int(self.turn_of[number])]

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences of the plain view, without their final marks."""
        text = self.plain.text
        return [text[start:end] for start, end in zip(self._starts, self.plain.ends.tolist())]

    def sentence(self, number: int) -> str:
        """A sentence of the plain view, without its final mark."""
        return self.sentences[number]

    @cached_property
    def _starts(self) -> list[int]:
        starts: list[int] = self.plain.starts.tolist()
        return starts

    @cached_property
    def _parts(self) -> list[int]:
        parts: list[int] = self.part_of.tolist()
        return parts

    def part(self, number: int) -> int:
        """The document of a sentence of the plain view."""
        return self._parts[number]

    @cached_property
    def _turn_numbers(self) -> list[int]:
        numbers: list[int] = self.turn_of.tolist()
        return numbers

    def turn_number(self, number: int) -> int:
        """The turn of a sentence of the plain view, counted over all documents."""
        return self._turn_numbers[number]

    def span(self, number: int, start: int, end: int) -> Span:
        """Where a stretch of a sentence of the plain view stands in the text of its document."""
        base, offset = self._starts[number], self.offsets[self._parts[number]]
        span = self.plain.origin(base + start, base + end)
        return Span(span.start - offset, span.end - offset)

    @cached_property
    def _part_edges(self) -> list[int]:
        edges: list[int] = self.part_of.searchsorted(np.arange(len(self.documents) + 1)).tolist()
        return edges

    def text(self, part: int) -> str:
        """The plain view of one document."""
        first, last = self._part_edges[part : part + 2]
        return self.plain.text[self._starts[first] : int(self.plain.ends[last - 1])] if first < last else ""

    @cached_property
    def _turn_edges(self) -> list[int]:
        edges: list[int] = self.turn_of.searchsorted(np.arange(len(self._turns) + 1)).tolist()
        return edges

    def turn_text(self, index: int) -> str:
        """The plain view of a turn, sentences on lines; ``index`` counts the turns of all documents."""
        text = self._turn_texts.get(index)
        if text is None:
            edges = self._turn_edges
            text = self._turn_texts[index] = "\n".join(self.sentences[edges[index] : edges[index + 1]])
        return text

    def beyond(self, number: int, part: str) -> str:
        """The text around a sentence of the plain view: its whole ``turn`` or ``document``."""
        if part == "turn":
            return self.turn_text(self.turn_number(number))
        return self.text(self.part(number))

    def holds(self, cues: Cues, number: int) -> bool:
        """True when one of the cues occurs in their stretch around a sentence of the plain view.

        Cues in what was said before are looked up once for all sentences of a turn.
        """
        turn = int(self.turn_of[number])
        key = (id(cues), turn)
        if key not in self._held:
            if cues.within == "turn":
                text = self.turn_text(turn)
            elif cues.within == "document":
                text = self.text(int(self.part_of[number]))
            else:
                text = self.earlier_text(turn, only_last=cues.within == "previous_turn")
            self._held[key] = found_any(cues.patterns, text)
        return self._held[key]

    def sentences_of(self, index: int) -> range:
        """The sentences of the plain view in a turn; ``index`` counts the turns of all documents."""
        return range(self._turn_edges[index], self._turn_edges[index + 1])

    def earlier_text(self, index: int, *, only_last: bool) -> str:
        """What the other side said before turn ``index``: all of it, or just before it."""
        turn, part = self._turns[index], self._turn_parts[index]
        if turn is None:
            return ""
        said: list[str] = []
        for position in range(index - 1, self.first_turns[part] - 1, -1):
            other = self._turns[position]
            if other is not None and other.speaker == turn.speaker:
                if only_last and said:
                    break
                continue
            said.append(self.turn_text(position))
        return "\n".join(reversed(said))
