"""What the tests of the readers share: files made on the spot, documents made readable."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import docx
import openpyxl

from checker.document import Document
from checker.readers import ReaderError, read_bytes


def words(document: Document) -> list[tuple[str, str]]:
    """Speaker and words of each turn."""
    return [(turn.speaker, document.text[slice(*turn.span)]) for turn in document.turns]


def places(document: Document) -> list[tuple[str, str]]:
    """Place and first line of the text from each anchor on."""
    return [(a.label, document.text[a.start :].split("\n")[0]) for a in document.anchors]


def outcome(data: bytes, name: str) -> tuple[list[Document], str]:
    """The documents, or none and the message of the one error that is allowed."""
    try:
        return read_bytes(data, name), ""
    except ReaderError as error:
        return [], str(error)


def check_offsets(document: Document) -> None:
    """Anchors and turns are in order, in range, and turns do not overlap."""
    starts = [anchor.start for anchor in document.anchors]
    assert starts == sorted(set(starts))
    assert all(0 <= start <= len(document.text) for start in starts)
    edges = [edge for turn in document.turns for edge in turn.span]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(document.text) for edge in edges)
    assert [turn.index for turn in document.turns] == list(range(len(document.turns)))


def xlsx(sheets: dict[str, Sequence[Sequence[Any]]], merged: Sequence[str] = ()) -> bytes:
    """A workbook; texts that begin with = stay texts, ``merged`` applies to the first sheet."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row, cells in enumerate(rows, 1):
            for column, value in enumerate(cells, 1):
                cell = sheet.cell(row, column, value)
                if isinstance(value, str):
                    cell.data_type = "s"
    for area in merged:
        book.worksheets[0].merge_cells(area)
    return saved(book)


def saved(document: Any) -> bytes:
    """The bytes of a workbook or a Word document."""
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def word(*paragraphs: str) -> bytes:
    """A Word file of paragraphs."""
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    return saved(document)


def rewritten(data: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """An Office package with some bytes of one member replaced."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(result, "w") as made:
        for entry in given.infolist():
            content = given.read(entry)
            if entry.filename == name:
                assert old in content
                content = content.replace(old, new)
            made.writestr(entry.filename, content)
    return result.getvalue()
