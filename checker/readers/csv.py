"""Tables as text: comma, tab or semicolon between the cells, quotes as spreadsheets write them.

The delimiter is the one that makes a table of the first lines. A row with more cells than the
header has commas in its words that nobody quoted: they are joined again, as they were. Places
are physical lines, which is what an editor shows (``第 5 行第 2 列``).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from itertools import islice
from typing import Any

from checker.document import Document
from checker.readers import _table
from checker.readers._base import ReaderError, ReadOptions
from checker.readers._decode import decode

SUFFIXES = (".csv", ".tsv")

_DELIMITERS = ",\t;"
_LONGEST_CELL = 2**31 - 1
_TRIED_ROWS = 20
_SAMPLE = 200_000


def read(data: bytes, path: str, options: ReadOptions) -> list[Document]:
    """One document, or one for each call; raises ReaderError for a column that is not there."""
    text, notes = decode(data, path, options.encoding)
    delimiter, start = delimiter_of(text)
    lines, grid, unquoted = rows_of(text[start:], delimiter, path)
    if unquoted:
        notes = (*notes, "有引号没有配对，引号按普通字符读取")
    above = 1 if start else 0
    table = _table.Table(grid, lambda row, column: f"第 {lines[row] + above} 行第 {column + 1} 列")
    try:
        layout = _table.find_layout(grid, options)
    except KeyError as error:
        raise _table.missing(path, table, error.args[0]) from None
    if layout and layout.header >= 0:
        _join_unquoted(grid, layout, delimiter)
    found = _table.documents(table, layout, path, options)
    return [found[0].with_fields(notes=notes + found[0].notes), *found[1:]]


def delimiter_of(text: str) -> tuple[str, int]:
    """The delimiter, and where the table starts (below Excel's own hint, ``sep=;``)."""
    line = text[:16].splitlines(keepends=True)[0] if text else ""
    if line.lower().startswith("sep=") and len(line.rstrip("\r\n")) == 5:
        return line[4], len(line)
    return max(_DELIMITERS, key=lambda delimiter: _fitness(text, delimiter)), 0


def _fitness(text: str, delimiter: str) -> tuple[bool, int]:
    """How much of a table the delimiter makes of the first rows: named columns, then even rows."""
    try:
        reader = csv.reader(io.StringIO(text[:_SAMPLE], newline=""), delimiter=delimiter)
        rows = [row for row in islice(reader, _TRIED_ROWS) if row]
    except csv.Error:
        return False, 0
    width, even = max(Counter(map(len, rows)).items(), key=lambda item: item[1], default=(0, 0))
    layout = _table.find_layout(rows)
    named = layout is not None and len(rows[max(layout.header, 0)]) > 1
    return named, even if width > 1 else 0


def rows_of(text: str, delimiter: str, path: str) -> tuple[list[int], list[list[str]], bool]:
    """Line number and cells of each row, and whether quotes had to be taken as characters."""
    # A whole call may be one cell; the limit is the module's own and too low for it.
    csv.field_size_limit(_LONGEST_CELL)
    plain: dict[str, Any] = {"delimiter": delimiter}
    manners = [plain | {"strict": True}, plain, plain | {"quoting": csv.QUOTE_NONE}]
    while manners:
        manner = manners.pop(0)
        reader = csv.reader(io.StringIO(text, newline=""), **manner)
        lines: list[int] = []
        grid: list[list[str]] = []
        try:
            line = 1
            for row in reader:
                lines.append(line)
                grid.append(row)
                line = reader.line_num + 1
        except csv.Error as error:
            place, reason = f"line {reader.line_num}", str(error)
            if "end of data" in reason:
                # A quote that nothing closes would swallow the rest of the file.
                manners = manners[-1:]
            continue
        return lines, grid, "quoting" in manner
    raise ReaderError(path, f"is no table: {reason}", "save it again from the spreadsheet", place)


def _join_unquoted(grid: list[list[str]], layout: _table.Layout, delimiter: str) -> None:
    """Put rows with too many cells right: the words were divided at their own commas."""
    width = len(grid[layout.header])
    # Of several, the last: what the seller answers stands to the right of what the customer asks.
    column = layout.text[-1]
    for row in grid[layout.header + 1 :]:
        extra = len(row) - width
        if extra > 0 and any(row[width:]):
            row[column : column + extra + 1] = [delimiter.join(row[column : column + extra + 1])]
