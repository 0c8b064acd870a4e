"""A checked text as turns and segments, ready for a template; positions are code points."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from checker.document import Document
from checker.labels import SPEAKER_NAMES

_RANK = {"block": 3, "review": 2, "hint": 1}


@dataclass(frozen=True)
class Mark:
    """Something to highlight. ``style`` is a class: a level, or ``waived``, ``excused`` …"""

    key: str
    start: int
    end: int
    style: str
    title: str = ""

    @property
    def weight(self) -> int:
        """Which of two overlapping marks gives the colour."""
        return _RANK.get(self.style, 0)


@dataclass(frozen=True)
class Segment:
    """A stretch under the same marks; ``inserts`` are marks without words that stand before it."""

    text: str
    marks: tuple[Mark, ...] = ()
    inserts: tuple[Mark, ...] = ()

    @property
    def style(self) -> str:
        """The class of the most serious mark."""
        return max(self.marks, key=lambda mark: mark.weight).style if self.marks else ""

    @property
    def keys(self) -> str:
        """The keys of all marks, separated by blanks."""
        return " ".join(mark.key for mark in self.marks)


@dataclass(frozen=True)
class Line:
    """A turn, or a line of text outside turns."""

    speaker: str
    label: str
    segments: tuple[Segment, ...] = field(default=())


def lines(text: str, marks: Iterable[Mark]) -> list[Line]:
    """The text as dialogue with its marks."""
    document = Document.from_text(text)
    ordered = sorted(marks, key=lambda mark: (mark.start, mark.end))
    if document.turns:
        places = [
            (turn.speaker, turn.label or SPEAKER_NAMES[turn.speaker], turn.span.start, turn.span.end)
            for turn in document.turns
        ]
    else:
        places, start = [], 0
        for line in text.split("\n"):
            places.append(("unknown", "", start, start + len(line)))
            start += len(line) + 1
    out = []
    for number, (speaker, label, start, end) in enumerate(places):
        # A mark without words belongs to the line that ends where it stands.
        inside = [
            mark
            for mark in ordered
            if (mark.start < end and mark.end > start)
            or (mark.start == mark.end and start <= mark.start <= end)
        ]
        if number + 1 < len(places):
            after = places[number + 1][2]
            inside = [mark for mark in inside if not (mark.start == mark.end == after)]
        out.append(Line(speaker, label, tuple(_segments(text, start, end, inside))))
    return [line for line in out if line.segments or document.turns]


def _segments(text: str, start: int, end: int, marks: Sequence[Mark]) -> list[Segment]:
    edges = {start, end}
    for mark in marks:
        edges |= {max(mark.start, start), min(mark.end, end)}
    cuts = sorted(edges)
    out = []
    for low, high in itertools.pairwise(cuts):
        over = tuple(
            mark for mark in marks if mark.start <= low and mark.end >= high and mark.end > mark.start
        )
        inserts = tuple(mark for mark in marks if mark.start == mark.end == low)
        out.append(Segment(text[low:high], over, inserts))
    tail = tuple(mark for mark in marks if mark.start == mark.end == end)
    if tail:
        out.append(Segment("", (), tail))
    return out


def finding_marks(rows: Iterable[Any], new: set[int] | None = None) -> list[Mark]:
    """Marks of finding rows; those not in ``new`` are dimmed when it is given."""
    out = []
    for row in rows:
        style = row.level if row.status in ("open", "confirmed") else row.status
        if new is not None and row.id not in new:
            style = "old"
        out.append(Mark(f"f{row.id}", row.start, row.end, style, row.data["message"]))
    return out


def excused_marks(items: Iterable[dict[str, Any]]) -> list[Mark]:
    """Marks of what the law excuses."""
    return [
        Mark(
            f"x{number}",
            item["start"],
            item["end"],
            "excused",
            item["exemption"]["name"] if item["exemption"] else "",
        )
        for number, item in enumerate(items)
    ]
