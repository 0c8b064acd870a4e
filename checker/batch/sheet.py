"""Rows of a workbook as a stream: memory does not grow with the number of rows.

The package itself (which sheet, which styles are dates) is openpyxl's to read. The two parts that
grow are not held: a sheet is parsed row by row, and the table of shared strings, where most of the words
of an archive are, lies in a temporary file with eight bytes of memory a string.
"""

from __future__ import annotations

import mmap
import re
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError, iterparse
from zipfile import BadZipFile

from checker.readers import ReaderError

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_LETTERS = re.compile("[A-Za-z]{1,3}")


def sheet_rows(file: Path) -> Iterator[tuple[list[Any], float]]:
    """The rows of the first sheet, each with the share of the sheet read so far.

    Cells are str, int, float, bool, datetime, time or timedelta, "" where empty; formulas give their last
    result. Rows end at their last cell. Raises ReaderError for a file that is no workbook.
    """
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        yield from _rows(file)
    except (BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, IndexError) as error:
        raise ReaderError(str(file), f"is no sheet ({error})", "save it as .xlsx") from None


def _rows(file: Path) -> Iterator[tuple[list[Any], float]]:
    from openpyxl.reader.excel import ExcelReader

    class Book(ExcelReader):  # type: ignore[misc]
        """A workbook whose strings are read by us."""

        def read_strings(self) -> None:
            pass

    reader = Book(str(file), read_only=True, data_only=True)
    with reader.archive as archive:
        reader.read()
        sheet = next((sheet for sheet in reader.wb.worksheets), None)
        if sheet is None:
            return
        part = next((n for n in archive.namelist() if n.lower().endswith("sharedstrings.xml")), None)
        with tempfile.TemporaryFile() as held:
            strings: Sequence[str] = ()
            if part is not None:
                with archive.open(part) as source:
                    strings = _Strings(source, held)
            path = sheet._worksheet_path
            size = archive.getinfo(path).file_size or 1
            with archive.open(path) as source:
                cells = _Cells(reader.wb, strings)
                for row in _elements(source, "row", "sheetData"):
                    yield cells.row(row), min(source.tell() / size, 1.0)


def _elements(source: IO[bytes], wanted: str, parent: str) -> Iterator[Element]:
    """The elements of a name, one at a time; nothing of those before is kept."""
    above: Element | None = None
    for event, element in iterparse(source, ("start", "end")):
        if above is None:
            if event == "start" and _name(element) == parent:
                above = element
                wanted = element.tag.removesuffix(parent) + wanted
        elif event == "end" and element.tag == wanted:
            yield element
            above.clear()


def _name(element: Element) -> str:
    # The strict and the usual form of the format differ in their namespaces only.
    return element.tag.rpartition("}")[2]


def _words(element: Element) -> str:
    """The text of a string: its runs without the readings that stand above characters."""
    parts = []
    for child in element:
        name = _name(child)
        if name == "t":
            parts.append(child.text or "")
        elif name == "r":
            parts += [run.text or "" for run in child if _name(run) == "t"]
    text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), "".join(parts))
    # Two escapes are one character beyond the first plane; one half of it is none.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _Strings(Sequence[str]):
    """The shared strings of a workbook, on disk."""

    def __init__(self, source: IO[bytes], held: IO[bytes]) -> None:
        self._ends = array("Q", [0])
        for element in _elements(source, "si", "sst"):
            data = _words(element).encode("utf-8", "surrogatepass")
            held.write(data)
            self._ends.append(self._ends[-1] + len(data))
        held.flush()
        self._data = mmap.mmap(held.fileno(), 0, access=mmap.ACCESS_READ) if self._ends[-1] else b""
        # Roles, names and stock phrases come again and again.
        self._read = lru_cache(maxsize=512)(self._decode)

    def _decode(self, number: int) -> str:
        return self._data[self._ends[number] : self._ends[number + 1]].decode("utf-8", "surrogatepass")

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: Any) -> Any:
        if not 0 <= number < len(self):
            raise IndexError(f"shared string {number} of {len(self)}")
        return self._read(number)


class _Cells:
    """Turns the cells of a row into values."""

    def __init__(self, book: Any, strings: Sequence[str]) -> None:
        self._strings = strings
        self._dates: frozenset[int] = frozenset(book._date_formats)
        self._spans: frozenset[int] = frozenset(book._timedelta_formats)
        self._epoch = book.epoch

    def row(self, row: Element) -> list[Any]:
        values: list[Any] = []
        for cell in row:
            place = cell.get("r")
            column = _column(place.rstrip("0123456789")) if place else len(values)
            values += [""] * (column - len(values))
            values.append(self._value(cell))
        return values

    def _value(self, cell: Element) -> Any:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return "".join(_words(child) for child in cell if _name(child) == "is")
        text = next((child.text for child in cell if _name(child) == "v"), None)
        if text is None:
            return ""
        if kind == "s":
            return self._strings[int(text)]
        if kind == "b":
            return text.strip() == "1"
        return self._number(text, int(cell.get("s", 0))) if kind == "n" else text

    def _number(self, text: str, style: int) -> Any:
        number = float(text)
        if style in self._dates or style in self._spans:
            from openpyxl.utils.datetime import from_excel

            return from_excel(number, self._epoch, timedelta=style in self._spans)
        return int(number) if number.is_integer() else number


@lru_cache(maxsize=1024)
def _column(letters: str) -> int:
    """0 for ``A``. Raises ValueError for what no sheet has: a far column would fill the memory."""
    if not _LETTERS.fullmatch(letters):
        raise ValueError("a cell has no place in the sheet")
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter.upper()) - 64
    return number - 1
