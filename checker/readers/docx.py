"""Word files: paragraphs and tables in reading order, then footnotes, headers and footers.

The text is what a reader of the page sees: inserted words are in it, deleted ones are not; text
boxes follow the paragraph that holds them. Places count as Word users do: ``段落 12`` is the
twelfth paragraph outside tables (empty ones counted, as python-docx does), ``表格 2 第 3 行第 1 列``
a cell by its grid column. A table with a column of speakers, or of objections beside one of
answers, is a dialogue like a sheet of that shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from checker.document import Document
from checker.readers import _table
from checker.readers._base import Piece, ReaderError, ReadOptions, compose
from checker.readers._package import damaged, pack, unpack

SUFFIXES = (".docx", ".docm")

_KIND = "Word"
_GONE = {"del", "moveFrom", "Fallback", "instrText", "delText", "rt", "pPr", "rPr"}
_MARKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_NOTES = (("footnotes", "脚注"), ("endnotes", "尾注"), ("header", "页眉"), ("footer", "页脚"))


def read(data: bytes, path: str, options: ReadOptions) -> list[Document]:
    """One document; raises ReaderError for a file that is no Word file, damaged or encrypted."""
    members = unpack(data, path, _KIND, ".docx")
    try:
        pieces = pieces_of(open_package(members))
    except (ReaderError, MemoryError):
        raise
    except Exception as error:
        # The library has no error of its own for half of what a damaged file can do.
        raise damaged(path, _KIND, error) from None
    return [compose(pieces, is_dialogue=False, path=path)]


def open_package(members: dict[str, bytes]) -> Any:
    """The python-docx document of unpacked members; raises whatever the library does."""
    import docx

    return docx.Document(pack(members))


def pieces_of(document: Any, notes: list[tuple[str, Any, Any]] | None = None) -> list[Piece]:
    """The pieces of a python-docx document; joined by line breaks they are the text that is checked.

    ``source`` is the paragraph element of a piece. The pieces of the body come first; those of other parts
    are of the elements that :func:`notes_of` gives, in their order.
    """
    headings = frozenset(
        style.style_id
        for style in document.styles
        if (style.name or "").lower().startswith(("heading", "title", "subtitle", "标题"))
    )
    walk = _Walk(headings)
    pieces = list(walk.blocks(document.element.body))
    for label, _, root in notes_of(document) if notes is None else notes:
        found = walk.blocks(root)
        pieces += [
            replace(piece, place=label, turn="new" if first else "more")
            for first, piece in _with_first(p for p in found if p.text.strip())
        ]
    return pieces


def notes_of(document: Any) -> list[tuple[str, Any, Any]]:
    """Label, part and root element of footnotes, endnotes, headers and footers.

    What is changed in an element is saved only for parts the library keeps as elements; the others are bytes.
    """
    from docx.oxml import parse_xml

    out = []
    for kind, name in _NOTES:
        parts = sorted(
            (str(relation.target_part.partname), relation.target_part)
            for relation in document.part.rels.values()
            if not relation.is_external and relation.reltype.rsplit("/", 1)[-1] == kind
        )
        for number, (_, part) in enumerate(parts, 1):
            root = getattr(part, "element", None)
            label = name if len(parts) == 1 else f"{name} {number}"
            out.append((label, part, parse_xml(part.blob) if root is None else root))
    return out


def _with_first(pieces: Iterator[Piece]) -> Iterator[tuple[bool, Piece]]:
    return ((not index, piece) for index, piece in enumerate(pieces))


@dataclass
class _Walk:
    """Goes through the blocks of a part in reading order, counting paragraphs and tables."""

    headings: frozenset[str]
    paragraphs: int = 0
    tables: int = 0
    after_break: bool = field(default=True)

    def blocks(self, parent: Any) -> Iterator[Piece]:
        """Pieces of the paragraphs and tables in an element, content controls entered."""
        for element in parent:
            name = _name(element)
            if name == "p":
                self.paragraphs += 1
                yield from self._paragraph(element, f"段落 {self.paragraphs}")
            elif name == "tbl":
                self.tables += 1
                yield from self._table(element, f"表格 {self.tables}")
                self.after_break = True
            elif name not in _GONE:
                yield from self.blocks(element)

    def _paragraph(self, element: Any, place: str) -> Iterator[Piece]:
        starts = self.after_break or self._is_heading(element)
        self.after_break = False
        boxes: list[Any] = []
        yield Piece(_text(element, boxes), place, turn="new" if starts else "more", source=element)
        for box in boxes:
            for index, paragraph in enumerate(_paragraphs(box)):
                turn: Any = "more" if index else "new"
                yield Piece(_text(paragraph, []), f"{place} 文本框", turn=turn, source=paragraph)
            self.after_break = True

    def _is_heading(self, element: Any) -> bool:
        return any(
            _value(child) in self.headings or _name(child) == "outlineLvl"
            for properties in element
            if _name(properties) == "pPr"
            for child in properties
            if _name(child) in ("pStyle", "outlineLvl")
        )

    def _table(self, table: Any, place: str) -> Iterator[Piece]:
        rows = [list(_cells(row)) for row in _children(table, "tr")]
        width = max((column + 1 for row in rows for column, _ in row), default=0)
        grid = [[""] * width for _ in rows]
        for index, row in enumerate(rows):
            for column, cell in row:
                grid[index][column] = "\n".join(_text(p, []) for p in _paragraphs(cell))
        layout = _table.find_layout(grid)
        for index, row in enumerate(rows):
            for column, cell in row:
                where = f"{place} 第 {index + 1} 行第 {column + 1} 列"
                speaker = layout.speaker(grid, index, column) if layout else ""
                first = True
                for piece in self._cell(cell, where):
                    turn: Any = "none" if speaker is None else "new" if first else "more"
                    yield replace(piece, speaker=speaker or "", turn=turn)
                    first = False

    def _cell(self, cell: Any, place: str) -> Iterator[Piece]:
        for element in cell:
            if _name(element) == "p":
                boxes: list[Any] = []
                yield Piece(_text(element, boxes), place, source=element)
                for box in boxes:
                    yield from (Piece(_text(p, []), place, source=p) for p in _paragraphs(box))
            elif _name(element) == "tbl":
                for row_index, row in enumerate(_children(element, "tr"), 1):
                    for column, inner in _cells(row):
                        inside = f"{place} 内表第 {row_index} 行第 {column + 1} 列"
                        yield from self._cell(inner, inside)
            elif _name(element) not in _GONE:
                yield from self._cell(element, place)


def _name(element: Any) -> str:
    """Local name of an element; comments and instructions have none."""
    tag = element.tag
    return tag.rsplit("}", 1)[-1] if isinstance(tag, str) else ""


def _value(element: Any) -> str:
    return next((value for key, value in element.attrib.items() if key.endswith("}val")), "")


def _children(parent: Any, name: str) -> Iterator[Any]:
    """Rows of a table or cells of a row, content controls and insertions entered."""
    for element in parent:
        if _name(element) == name:
            yield element
        elif _name(element) in ("sdt", "sdtContent", "ins", "customXml"):
            yield from _children(element, name)


def _cells(row: Any) -> Iterator[tuple[int, Any]]:
    """Grid column and element of the cells of a row; what a cell above reaches into is left out."""
    column = 0
    for cell in _children(row, "tc"):
        span, goes_on = 1, False
        for properties in cell:
            if _name(properties) == "tcPr":
                for child in properties:
                    if _name(child) == "gridSpan":
                        # 63 columns are what Word allows.
                        value = _value(child)
                        span = min(int(value), 63) if value.isdecimal() and len(value) < 4 else 1
                    elif _name(child) == "vMerge":
                        goes_on = _value(child) != "restart"
        if not goes_on:
            yield column, cell
        column += max(span, 1)


def _paragraphs(parent: Any) -> Iterator[Any]:
    """The paragraphs in a cell or a text box, at any depth."""
    for element in parent:
        if _name(element) == "p":
            yield element
        elif _name(element) not in _GONE:
            yield from _paragraphs(element)


def _text(paragraph: Any, boxes: list[Any]) -> str:
    """The visible text of a paragraph; text boxes in it are appended to ``boxes``."""
    return "".join(text for _, text in leaves(paragraph, boxes))


def leaves(paragraph: Any, boxes: list[Any] | None = None) -> Iterator[tuple[Any, str]]:
    """The elements of a paragraph that are visible text, each with its text, in reading order."""
    for element in paragraph:
        name = _name(element)
        if name == "t":
            yield element, element.text or ""
        elif name in _MARKS:
            yield element, _MARKS[name]
        elif name == "txbxContent":
            if boxes is not None:
                boxes.append(element)
        elif name and name not in _GONE:
            yield from leaves(element, boxes)
