"""Excel workbooks: each sheet with words in it is a document, or as many as it holds calls.

Cells are read as calamine gives them: texts as typed, numbers, dates and the last result of a
formula. A formula without a result (a file no spreadsheet has opened, or a text that begins with
``=``) is read as it is written. A role or call id in a merged cell holds for all its rows.
"""

from __future__ import annotations

import datetime
import io
import re
from typing import Any

from checker.document import Document
from checker.readers import _table
from checker.readers._base import ReaderError, ReadOptions
from checker.readers._package import damaged, pack, unpack

SUFFIXES = (".xlsx", ".xlsm")

_KIND = "Excel"
#: Cells of the rectangle from A1 to the last cell with content: the library builds all of them.
_MOST_CELLS = 20_000_000
_POSITION = re.compile(rb"""\br\s*=\s*["']([^"']*)["']""")
_CELL = re.compile(rb"([A-Z]{0,3})([0-9]{1,7})")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>]")


def read(data: bytes, path: str, options: ReadOptions) -> list[Document]:
    """The documents of all sheets, or of the one the options name; at least one.

    ``metadata["sheet"]`` is the sheet's name. Raises ReaderError for a file that is no workbook,
    damaged or encrypted, and for a sheet or column that is not there.
    """
    members = unpack(data, path, _KIND, ".xlsx")
    sheets = {n: c for n, c in members.items() if re.match(r"xl/worksheets/[^/]*\.xml$", n)}
    for content in sheets.values():
        _check_extent(content, path)
    packed = pack(members)
    tables, notes = _tables(packed, path, options.sheet)
    if any(_FORMULA.search(content) for content in sheets.values()) and not _fill_formulas(tables, packed):
        notes.append("公式无法读取，没有结果的公式没有检查")
    found: list[Document] = []
    refused: list[ReaderError] = []
    for table in tables:
        if not any(cell.strip() for row in table.grid for cell in row):
            notes.append(f"跳过空表“{table.title}”")
            continue
        try:
            layout = _table.find_layout(table.grid, options)
        except KeyError as error:
            refused.append(_table.missing(path, table, error.args[0]))
            notes.append(f"跳过工作表“{table.title}”：没有“{error.args[0]}”列")
            continue
        found += _table.documents(table, layout, path, options)
    if refused and not found:
        raise refused[0]
    if not found:
        return [Document("", path=path, notes=tuple(notes))]
    return [found[0].with_fields(notes=(*notes, *found[0].notes)), *found[1:]]


def _tables(packed: io.BytesIO, path: str, wanted: str | None) -> tuple[list[_table.Table], list[str]]:
    """The sheets as grids of text, and notes on hidden ones."""
    import python_calamine

    try:
        book = python_calamine.load_workbook(packed)
        sheets = [
            sheet for sheet in book.sheets_metadata if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
        titles = [sheet.name for sheet in sheets]
        chosen = [title for title in titles if wanted in (None, title)]
        if wanted and not chosen and wanted.isdecimal() and 0 < int(wanted[:6]) <= len(titles):
            chosen = [titles[int(wanted) - 1]]
        tables = []
        for title in chosen:
            sheet = book.get_sheet_by_name(title)
            grid = [list(map(_text, row)) for row in sheet.to_python(skip_empty_area=False)]
            _fill_merged(grid, sheet.merged_cell_ranges or [])
            tables.append(_table.Table(grid, _placer(title), title))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        # A panic of the library is no Exception.
        raise damaged(path, _KIND, error) from None
    if wanted is not None and not chosen:
        there = ", ".join(titles)
        raise ReaderError(path, f"has no sheet {wanted!r}", f"its sheets are: {there}")
    hidden = [s.name for s in sheets if s.visible != python_calamine.SheetVisibleEnum.Visible]
    return tables, [f"工作表“{title}”是隐藏的，也已读取" for title in hidden if title in chosen]


def _check_extent(content: bytes, path: str) -> None:
    """Refuse a stray cell at the far end of a sheet: all cells before it would be built.

    The library ends the whole process when it cannot get the memory for them.
    """
    rows, columns = 0, 0
    for match in _POSITION.finditer(content):
        cell = _CELL.fullmatch(match[1].upper())
        if cell is None:
            raise ReaderError(
                path,
                f"is a damaged {_KIND} file (a cell has no place in the sheet)",
                "open it in Office or WPS and save it again",
            )
        rows = max(rows, int(cell[2]))
        columns = max(columns, len(cell[1]) and _column(cell[1].decode("ascii")))
    if rows * columns > _MOST_CELLS:
        raise ReaderError(
            path,
            f"has a sheet of {rows} rows and {columns} columns",
            "delete the stray cells at its end, or split it",
        )


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _letters(column: int) -> str:
    """``A`` for 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _placer(title: str) -> Any:
    return lambda row, column: f"{title}!{_letters(column)}{row + 1}"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.timedelta):
        return f"{value.total_seconds():g}"
    return str(value)


def _fill_merged(grid: list[list[str]], ranges: Any) -> None:
    """Repeat speakers and other short values of cells merged over several rows."""
    layout = _table.find_layout(grid) if ranges else None
    if layout is None:
        return
    for (top, left), (bottom, _) in ranges:
        if left not in layout.text and layout.header < top < len(grid) and left < len(grid[top]):
            for row in range(top + 1, min(bottom + 1, len(grid))):
                grid[row][left] = grid[top][left]


def _fill_formulas(tables: list[_table.Table], packed: io.BytesIO) -> bool:
    """Put formulas that have no result where the library gives an empty cell; False when it cannot be done."""
    import openpyxl

    packed.seek(0)
    try:
        book = openpyxl.load_workbook(packed, read_only=True)
        for table in tables:
            sheet = book[table.title]
            sheet.reset_dimensions()
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.data_type == "f" and isinstance(cell.value, str):
                        _put(table.grid, cell.row - 1, cell.column - 1, cell.value)
    except Exception:  # this library is stricter than the one that read the cells, in many ways
        return False
    return True


def _put(grid: list[list[str]], row: int, column: int, text: str) -> None:
    while len(grid) <= row:
        grid.append([])
    cells = grid[row]
    cells += [""] * (column + 1 - len(cells))
    cells[column] = cells[column] or text
