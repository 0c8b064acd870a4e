"""What every reader shares: its options, its error, and how pieces of a file become a Document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from checker.document import Anchor, Document, Part, Unsure, parse_turns, speakers_of, unsure_words
from checker.types import Span


class ReaderError(Exception):
    """A file that cannot be read: which one, where in it, why, and what to do about it.

    The message quotes nothing of the file but names of sheets and columns.
    """

    def __init__(self, path: str, reason: str, remedy: str, place: str = "") -> None:
        # All arguments go to Exception, so that the error crosses process borders.
        super().__init__(path, reason, remedy, place)
        self.path = path
        self.reason = reason
        self.remedy = remedy
        self.place = place

    def __str__(self) -> str:
        where = f"{self.path}, {self.place}" if self.place else self.path
        return f"{where}: {self.reason}; {self.remedy}"


@dataclass(frozen=True)
class ReadOptions:
    """What the user says about a file; None leaves it to the reader.

    ``encoding`` is any codec name of Python. Columns are named by their header, by letter
    (``B``) or by number from 1. ``sheet`` is a name or a number from 1. ``format`` is one of
    the suffixes of ``FORMATS``, with or without its dot.
    """

    encoding: str | None = None
    text_column: str | None = None
    role_column: str | None = None
    id_column: str | None = None
    sheet: str | None = None
    format: str | None = None


class Format(Protocol):
    """What a module of this folder offers to be a reader."""

    SUFFIXES: tuple[str, ...]

    def read(self, data: bytes, path: str, options: ReadOptions) -> list[Document]:
        """The documents in the bytes of a file; raises ReaderError and nothing else."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text from one place of a file.

    ``turn`` says whose it is in a dialogue: ``new`` begins a turn (of ``speaker``, a label, where
    the text carries none), ``more`` goes on with the piece above, ``none`` is nobody's words (the
    name of a column, of a speaker). Unless ``certain``, a label in the text outdoes ``speaker``.
    ``heard`` are its words with how sure the recogniser was, from 0 to 1. ``source`` is the reader's own object that holds the text, for those who edit the file.
    """

    text: str
    place: str = ""
    speaker: str = ""
    begin: float | None = None
    end: float | None = None
    turn: Literal["new", "more", "none"] = "new"
    certain: bool = True
    heard: Sequence[tuple[str, float]] = ()
    source: Any = None


def compose(pieces: Iterable[Piece], *, is_dialogue: bool, **fields: Any) -> Document:
    """One document of the pieces, joined by line breaks.

    Every piece is in the text as given. Unless ``is_dialogue``, there are turns only where
    somebody's name was found.
    """
    kept = list(pieces)
    speakers = speakers_of(piece.speaker for piece in kept)
    anchors: list[Anchor] = []
    parts: list[Part] = []
    unsure: list[Unsure] = []
    offset = 0
    for position, piece in enumerate(kept):
        span = Span(offset, offset + len(piece.text))
        if piece.place and (not anchors or anchors[-1].label != piece.place):
            anchors.append(Anchor(span.start, piece.place))
        above = kept[position - 1].turn if position else "none"
        if piece.turn == "more" and above != "none":
            parts[-1] = replace(parts[-1], span=Span(parts[-1].span.start, span.end))
        elif piece.turn != "none":
            speaker = speakers[piece.speaker]
            parts.append(Part(span, speaker, piece.speaker, piece.begin, piece.end, piece.certain))
        unsure += unsure_words(piece.text, piece.heard, offset)
        offset = span.end + 1
    text = "\n".join(piece.text for piece in kept)
    turns = parse_turns(text, parts) if parts else ()
    if not is_dialogue and not any(turn.label for turn in turns):
        turns = ()
    fields.setdefault("kind", "script" if turns else "text")
    return Document(text=text, turns=turns, anchors=tuple(anchors), unsure=tuple(unsure), **fields)
