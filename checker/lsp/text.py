"""Texts as editors see them: lines, columns in the negotiated unit, cells of a table.

Lines end with CRLF, LF or CR and nothing else, as the protocol says; Python's ``splitlines`` would
see more of them. Columns count UTF-8 bytes, UTF-16 units or code points.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import cached_property

from lsprotocol import types as lsp

from checker.columns import Columns
from checker.document import Document
from checker.types import Span

_BREAK = re.compile(r"\r\n|\n|\r")
#: What stands beside a cell.
_EDGES = ",;\t\r\n"


class Text:
    """A version of a file, with its lines; ``encoding`` is ``utf-8``, ``utf-16`` or ``utf-32``."""

    def __init__(self, text: str, encoding: str) -> None:
        self.text = text
        self.encoding = encoding

    @cached_property
    def starts(self) -> list[int]:
        """The offset of every line."""
        return [0, *(match.end() for match in _BREAK.finditer(self.text))]

    @cached_property
    def _columns(self) -> Columns:
        return Columns(self.text, self.encoding)

    def line(self, number: int) -> Span:
        """A line without its line break; past the last line, the empty end of the text."""
        if number >= len(self.starts):
            return Span(len(self.text), len(self.text))
        start = self.starts[number]
        ends = _BREAK.search(self.text, start)
        return Span(start, ends.start() if ends else len(self.text))

    def position(self, offset: int) -> lsp.Position:
        """The position of a code point."""
        line = bisect_right(self.starts, offset) - 1
        return lsp.Position(line, self._columns.between(self.starts[line], offset))

    def range(self, span: Span) -> lsp.Range:
        """The range of a span."""
        return lsp.Range(self.position(span.start), self.position(span.end))

    def offset(self, position: lsp.Position) -> int:
        """The code point at a position; a column past the line's end is its end."""
        start, end = self.line(position.line)
        if position.character <= 0:
            return start
        # Of the line alone: a version that an edit outdates is asked for few places.
        return start + Columns(self.text[start:end], self.encoding).place(0, position.character)

    def span(self, place: lsp.Range) -> Span:
        """The span of a range, whichever of its ends comes first."""
        start, end = self.offset(place.start), self.offset(place.end)
        return Span(min(start, end), max(start, end))

    def changed(self, changes: Iterable[lsp.TextDocumentContentChangeEvent]) -> Text:
        """The text after the changes, applied one after the other."""
        current = self
        for change in changes:
            if isinstance(change, lsp.TextDocumentContentChangePartial):
                start, end = current.span(change.range)
                current = Text(current.text[:start] + change.text + current.text[end:], self.encoding)
            else:
                current = Text(change.text, self.encoding)
        return current


#: Translates a span of the checked document, and what should stand there, to the file.
Translate = Callable[[Span, str], "tuple[Span, str] | None"]


def same(span: Span, text: str) -> tuple[Span, str]:
    """The translation where the document is the file."""
    return span, text


class Cells:
    """Finds the cells of a table in the file it was read from.

    The reader names physical line and column of every cell (``第 5 行第 2 列``) but takes quotes
    away. A cell that cannot be found again, or a replacement that would break the table, has no
    translation.
    """

    _PLACE = re.compile(r"第 (\d+) 行第 (\d+) 列")

    def __init__(self, document: Document, file: Text) -> None:
        self.document = document
        self.file = file
        self._starts = [anchor.start for anchor in document.anchors]
        self._found: dict[int, tuple[int, bool] | None] = {}

    def __call__(self, span: Span, text: str) -> tuple[Span, str] | None:
        """The span and replacement in the file, or None."""
        number = bisect_right(self._starts, span.start) - 1
        if number < 0:
            return None
        cell = self._cell(number)
        if number not in self._found:
            self._found[number] = self._find(number, cell)
        found = self._found[number]
        if found is None or span.end > cell.end:
            return None
        place, quoted = found
        words = self.document.text
        if not quoted:
            if re.search(r'[,;\t"\r\n]', text):
                return None
            return Span(place + span.start - cell.start, place + span.end - cell.start), text
        # Inside quotes every quote stands twice.
        start = place + len(_doubled(words[cell.start : span.start]))
        end = start + len(_doubled(words[span.start : span.end]))
        return Span(start, end), _doubled(text)

    def _cell(self, number: int) -> Span:
        following = self._starts[number + 1 : number + 2]
        return Span(self._starts[number], following[0] - 1 if following else len(self.document.text))

    def _find(self, number: int, cell: Span) -> tuple[int, bool] | None:
        """Where the words of a cell begin in the file, and whether quotes are around them."""
        place = self._PLACE.match(self.document.anchors[number].label)
        if place is None:
            return None
        text, start, stop = self.file.text, self._row(int(place[1])), self._ends(number, int(place[1]))
        words = self.document.text[cell.start : cell.end]
        for written, quoted in ((f'"{_doubled(words)}"', True), (words, False)):
            found = text.find(written, start, stop)
            while found >= 0:
                end = found + len(written)
                if (not found or text[found - 1] in _EDGES) and (end == len(text) or text[end] in _EDGES):
                    return found + quoted, quoted
                found = text.find(written, found + 1, stop)
        return None

    def _row(self, line: int) -> int:
        return self.file.line(line - 1).start

    def _ends(self, number: int, line: int) -> int:
        """Where the next row with a cell that we know of begins."""
        anchors = self.document.anchors
        for following in range(number + 1, len(anchors)):
            place = self._PLACE.match(anchors[following].label)
            if place is not None and int(place[1]) > line:
                return self._row(int(place[1]))
        return len(self.file.text)


def _doubled(text: str) -> str:
    return text.replace('"', '""')
