"""Rows and columns to documents: what a sheet, a CSV file and a Word table have in common.

Columns are found by the names in ``lexicons/script.yaml``, or told. A table is one of four:

- a column of words, perhaps with one of speakers: each row is a turn;
- the same with a column that names the call: the rows of a call are one document;
- a column of objections beside one of answers: each row is a small dialogue;
- none of these: all its cells are text, in reading order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, reduce
from typing import Any

from checker.data import load_yaml
from checker.document import CHANNELS, Document, speaker_of, speakers_of
from checker.readers._base import Piece, ReaderError, ReadOptions, compose

Grid = Sequence[Sequence[str]]
#: Fields that go to the metadata under our own name, whatever the column is called.
CARRIED = ("call_id", "agent_id", "start_time", "industry", "channel")
#: Speech recognition that calls the words so counts in milliseconds.
MILLISECOND_TEXT = ("words", "onebest", "finalsentence")
_HEADER_ROWS = 10
_RESEMBLING_ROWS = 3
_LONGEST_NAME = 16
_WEEK = 7 * 86400


@lru_cache(maxsize=1)
def names() -> dict[str, dict[str, int]]:
    """Field -> plain name of a column -> its rank, the first being preferred."""
    columns = load_yaml("script.yaml")["columns"]
    return {
        kind: {plain_name(name): rank for rank, name in reversed(list(enumerate(listed)))}
        for kind, listed in columns.items()
    }


def plain_name(name: str) -> str:
    """A column's name without case, spaces, underscores, stars and what stands in brackets."""
    return re.sub(r"[（(\[【].*|[\s_\-*＊:：\ufeff]+", "", name, flags=re.DOTALL).lower()


@dataclass(frozen=True)
class Layout:
    """Which column of a table is what; columns count from 0, ``header`` is -1 without one."""

    header: int
    text: tuple[int, ...]
    #: Text column -> the speaker its name says, "" where it says none.
    speakers: Mapping[int, str] = field(default_factory=dict)
    role: int | None = None
    begin: int | None = None
    end: int | None = None
    unit: float = 1.0
    carried: Mapping[str, int] = field(default_factory=dict)

    def speaker(self, grid: Grid, row: int, column: int) -> str | None:
        """The label of the speaker of a cell, "" if unknown; None where it is nobody's words."""
        if row <= self.header or column == self.role:
            return None
        role = cell_of(grid, row, self.role).strip() if column in self.text else ""
        return role or self.speakers.get(column, "")


def find_layout(grid: Grid, options: ReadOptions | None = None) -> Layout | None:
    """The layout of a table, or None where nothing says which cells are words.

    The columns that the options name have to be there: KeyError names the one that is not.
    """
    if options and (options.text_column or options.role_column or options.id_column):
        return _told_layout(grid, options)
    width = max(map(len, grid), default=0)
    written = [index for index, row in enumerate(grid) if any(map(str.strip, row))]
    rows = [(index, grid[index]) for index in written[:_HEADER_ROWS]]
    exact = [layout for index, row in rows if (layout := _header_layout(row, index))]
    if exact:
        # A title may be one of the names as well: the row with most of them is the header.
        return max(exact, key=lambda layout: len(_fields(grid[layout.header])) + len(layout.text))
    # Further down, what resembles a name is words; and a title stands alone.
    for index, row in rows[:_RESEMBLING_ROWS]:
        if width == 1 or sum(map(bool, map(str.strip, row))) > 1:
            layout = _header_layout(row, index, is_lenient=True)
            if layout:
                return layout
    return _layout_by_content(grid)


def _told_layout(grid: Grid, options: ReadOptions) -> Layout:
    asked = {
        "text": options.text_column,
        "role": options.role_column,
        "call_id": options.id_column,
    }
    told = {kind: name for kind, name in asked.items() if name}
    width = max(map(len, grid), default=0)
    numbers = {kind: _column_number(name) for kind, name in told.items()}
    base, columns = find_layout(grid) or Layout(-1, ()), numbers
    for index, row in enumerate(grid[:_HEADER_ROWS]):
        plain = [plain_name(cell) for cell in row]
        named = {k: plain.index(p) for k, n in told.items() if (p := plain_name(n)) in plain}
        both = {**numbers, **named}
        if named and None not in both.values():
            lenient = _header_layout(row, index, is_lenient=True)
            base = _header_layout(row, index) or lenient or _layout(index, (), {}, row)
            columns = both
            break
    found: dict[str, int] = {}
    for kind, number in columns.items():
        if number is None or not 0 <= number < width:
            raise KeyError(told[kind])
        found[kind] = number
    text = (found["text"],) if "text" in found else base.text
    if not text:
        raise KeyError("text")
    return replace(
        base,
        text=text,
        speakers={column: base.speakers.get(column, "") for column in text},
        role=found.get("role", base.role),
        carried={**base.carried, **({"call_id": found["call_id"]} if "call_id" in found else {})},
    )


def _column_number(name: str) -> int | None:
    """Column from 0 of a letter (``B``) or a number from 1; None for any other name."""
    if re.fullmatch(r"[0-9]{1,5}", name):
        return int(name) - 1
    if re.fullmatch(r"[A-Za-z]{1,3}", name):
        return reduce(lambda number, letter: number * 26 + ord(letter) - 64, name.upper(), 0) - 1
    return None


def _header_layout(row: Sequence[str], index: int, *, is_lenient: bool = False) -> Layout | None:
    """The layout if the row is one of column names that tell where the words are.

    ``is_lenient`` takes names that only contain one of ours, and 客户 beside 客服.
    """
    known = names()
    # What is longer or has punctuation is a sentence, not a name.
    plain = {
        column: plain_name(cell)
        for column, cell in enumerate(row)
        if len(cell) <= _LONGEST_NAME and not re.search(r"[，。！？,!?]", cell)
    }

    def like(kind: str) -> list[int]:
        return [c for c, name in plain.items() if any(word in name for word in known[kind])]

    def named(kind: str) -> list[int]:
        found = [column for column, name in plain.items() if name in known[kind]]
        return sorted(found, key=lambda column: known[kind][plain[column]])

    has_role = bool(named("role"))
    exact, scripts = named("text")[:1], like("script_like")
    answers, objections = named("agent"), named("customer")
    sides: dict[int, str] = {column: speaker_of(row[column]) for column in plain}
    if has_role:
        text = exact
    else:
        text = exact + scripts if exact or is_lenient else []
        if text or (answers and objections):
            text = text + answers + objections
    if not text and is_lenient and {"agent", "customer"} <= set(sides.values()):
        text = [column for column, side in sides.items() if side != "unknown"]
    if not text and is_lenient:
        text = (scripts + like("text_like"))[:1]
    if not text:
        return None
    sides |= dict.fromkeys(answers + scripts, "agent") | dict.fromkeys(objections, "customer")
    speakers = {c: "" if sides[c] == "unknown" else sides[c] for c in sorted(set(text))}
    return _layout(index, tuple(speakers), speakers, row)


def _fields(row: Sequence[str]) -> dict[str, int]:
    """Field -> column, for all fields but those of words."""
    known = names()
    plain = [plain_name(cell) for cell in row]
    found: dict[str, int] = {}
    for kind in ("role", "begin", "end", *CARRIED, "text_id"):
        ranks = known[kind]
        ranked = [(ranks[name], column) for column, name in enumerate(plain) if name in ranks]
        if ranked:
            found[kind] = min(ranked)[1]
    if "text_id" in found:
        found.setdefault("call_id", found.pop("text_id"))
    return found


def _layout(header: int, text: tuple[int, ...], speakers: Mapping[int, str], row: Sequence[str]) -> Layout:
    """The layout with the fields that the row of names tells."""
    fields = {kind: column for kind, column in _fields(row).items() if column not in text}
    begin = fields.get("begin")
    in_milliseconds = (text and plain_name(row[text[0]]) in MILLISECOND_TEXT) or (
        begin is not None and re.search(r"ms\W*$|毫秒", row[begin].lower())
    )
    return Layout(
        header=header,
        text=text,
        speakers=speakers,
        role=fields.get("role"),
        begin=begin,
        end=fields.get("end"),
        unit=0.001 if in_milliseconds else 1.0,
        carried={kind: column for kind, column in fields.items() if kind in CARRIED},
    )


def _layout_by_content(grid: Grid) -> Layout | None:
    """A table without names: a column of nothing but speakers, and the longest other one."""
    width = max(map(len, grid), default=0)
    columns = [[row[c].strip() for row in grid if c < len(row)] for c in range(width)]
    for role, cells in enumerate(columns):
        given = [cell for cell in cells if cell]
        if width < 2 or len(given) < 2 or max(map(len, given)) > _LONGEST_NAME:
            continue
        speakers = speakers_of(set(given))
        if all(speakers[cell] != "unknown" for cell in given):
            others = [column for column in range(width) if column != role]
            text = max(others, key=lambda column: sum(map(len, columns[column])))
            return Layout(-1, (text,), {text: ""}, role)
    return None


def seconds(value: object, unit: float = 1.0) -> float | None:
    """Seconds of ``12.5``, ``"12.5"``, ``"1:02"`` or ``"0:01:02,500"``; None for anything else.

    Numbers count in ``unit`` seconds. What cannot be an offset in a call (a date, an epoch) is
    None.
    """
    text = str(value).strip().replace(",", ".") if not isinstance(value, bool) else ""
    clock = re.fullmatch(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:\.\d{1,9})?)", text)
    if clock:
        found = int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    elif re.fullmatch(r"\d{1,15}(?:\.\d{1,15})?", text):
        found = float(text) * unit
    else:
        return None
    return round(found, 3) if found < _WEEK else None


@dataclass(frozen=True)
class Table:
    """A sheet or a CSV file: rows of equal meaning to :func:`documents`.

    ``place(row, column)`` names a cell for the user; ``title`` is the sheet's name.
    """

    grid: list[list[str]]
    place: Callable[[int, int], str]
    title: str = ""


def documents(table: Table, layout: Layout | None, path: str, options: ReadOptions) -> list[Document]:
    """The documents of a table; at least one.

    One for each call where a column names the call, else one for the table.
    """
    grid = table.grid
    if layout is None:
        return [_all_cells(table, path)]
    rows = [
        row
        for row in range(layout.header + 1, len(grid))
        if any(cell_of(grid, row, column).strip() for column in layout.text)
    ]
    groups, by_call = _groups(grid, layout, rows, options)
    found: list[Document] = []
    for group in groups:
        pieces = list(_pieces(table, layout, group))
        metadata = _titled(table) | _metadata(grid, layout, group)
        is_transcript = by_call or any(piece.begin is not None for piece in pieces)
        # Texts with nothing but a number each are no dialogue until a label says so.
        is_dialogue = is_transcript or len(groups) == 1
        kind = {"kind": "transcript" if is_transcript else "script"} if is_dialogue else {}
        fields = {"path": path, "metadata": metadata, **kind, **about(metadata)}
        found.append(compose(pieces, is_dialogue=is_dialogue, **fields))
    notes = _unread(table, layout)
    if not found:
        return [Document("", path=path, notes=notes, metadata=_titled(table))]
    return [found[0].with_fields(notes=notes), *found[1:]]


def _all_cells(table: Table, path: str) -> Document:
    pieces = [
        Piece(cell, table.place(row, column))
        for row, cells in enumerate(table.grid)
        for column, cell in enumerate(cells)
        if cell.strip()
    ]
    notes = (f"{_named(table)}没有找到话术列，按全部文字单元格检查",) if pieces else ()
    return compose(pieces, is_dialogue=False, path=path, notes=notes, metadata=_titled(table))


def about(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a document that its metadata decide: industry and channel."""
    industry, channel = metadata.get("industry"), metadata.get("channel")
    return {
        "industry": industry.strip() or None if isinstance(industry, str) else None,
        "channel": channel if channel in CHANNELS else None,
    }


def _titled(table: Table) -> dict[str, Any]:
    return {"sheet": table.title} if table.title else {}


def _named(table: Table) -> str:
    return f"工作表“{table.title}”" if table.title else "表格"


def cell_of(grid: Grid, row: int, column: int | None) -> str:
    """The text of a cell; "" where a short row has none, and for no column."""
    return grid[row][column] if column is not None and column < len(grid[row]) else ""


def _groups(
    grid: Grid, layout: Layout, rows: list[int], options: ReadOptions
) -> tuple[list[list[int]], bool]:
    """Rows of each document in order of appearance, and whether these are calls.

    A row without an id goes on with the call above. Ids that differ on every row beside a column
    of speakers name turns, not calls, unless the user says otherwise.
    """
    column = layout.carried.get("call_id")
    if column is None or not rows:
        return [rows] if rows else [], False
    groups: dict[str, list[int]] = {}
    current = ""
    for row in rows:
        current = cell_of(grid, row, column).strip() or current
        groups.setdefault(current, []).append(row)
    if options.id_column:
        return list(groups.values()), True
    is_each_row = all(len(group) == 1 for group in groups.values())
    if is_each_row and len(rows) > 1 and layout.role is not None:
        return [rows], False
    of_texts = plain_name(cell_of(grid, layout.header, column)) in names()["text_id"]
    return list(groups.values()), not (of_texts and is_each_row)


def _pieces(table: Table, layout: Layout, rows: Sequence[int]) -> Iterator[Piece]:
    grid = table.grid
    for row in rows:
        begin = seconds(cell_of(grid, row, layout.begin), layout.unit)
        end = seconds(cell_of(grid, row, layout.end), layout.unit)
        role = cell_of(grid, row, layout.role).strip()
        for column in layout.text:
            words = cell_of(grid, row, column)
            if words.strip():
                speaker = role or layout.speakers[column]
                yield Piece(words, table.place(row, column), speaker, begin, end, certain=bool(role))


def _metadata(grid: Grid, layout: Layout, rows: Sequence[int]) -> dict[str, str]:
    """What the other columns say of these rows, where all that say something say the same.

    Columns we know are under our name for them (:data:`CARRIED`), the others under their own.
    """
    fields = dict(layout.carried)
    for column, name in _others(grid, layout):
        fields.setdefault(name, column)
    found: dict[str, str] = {}
    for name, column in fields.items():
        values = {value for row in rows if (value := cell_of(grid, row, column).strip())}
        if len(values) == 1:
            found[name] = values.pop()
    if layout.begin is not None and "start_time" not in found:
        # A time that is no offset is a date: the first one is when the call began.
        times = (cell_of(grid, row, layout.begin).strip() for row in rows)
        first = next((time for time in times if time), "")
        if first and seconds(first, layout.unit) is None:
            found["start_time"] = first
    return found


def _others(grid: Grid, layout: Layout) -> Iterator[tuple[int, str]]:
    """Column and name of those that are neither words nor of use to us."""
    used = {*layout.text, layout.role, layout.begin, layout.end, *layout.carried.values()}
    for column, name in enumerate(grid[layout.header] if layout.header >= 0 else ()):
        if column not in used and name.strip():
            yield column, name.strip()


def _unread(table: Table, layout: Layout) -> tuple[str, ...]:
    """Notes on the columns and rows with Chinese words that are not checked."""
    grid = table.grid
    han = re.compile(r"[\u3400-\u9fff]")
    below = range(layout.header + 1, len(grid))
    columns = [
        name
        for column, name in _others(grid, layout)
        if any(han.search(cell_of(grid, row, column)) for row in below)
    ]
    notes = []
    if columns:
        checked = "、".join(cell_of(grid, layout.header, column).strip() for column in layout.text)
        notes.append(f"{_named(table)}只检查“{checked}”列，未检查：{'、'.join(columns)}")
    if any(cell.strip() for row in grid[: max(layout.header, 0)] for cell in row):
        notes.append(f"{_named(table)}表头以上的 {layout.header} 行未检查")
    return tuple(notes)


def missing(path: str, table: Table, name: str) -> ReaderError:
    """The error for a column that the options name and the table has not."""
    rows = (row for row in table.grid if any(cell.strip() for cell in row))
    there = ", ".join(cell.strip()[:20] for cell in next(rows, []) if cell.strip()) or "none"
    place = f"sheet {table.title}" if table.title else ""
    return ReaderError(path, f"has no column {name!r}", f"its columns are: {there}", place)
