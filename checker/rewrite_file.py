"""A file with its rewrites in it, in the format it had.

Text and subtitles are changed in place, cells of sheets and strings of JSON one by one, and Word files
get tracked changes on the exact words, so that styles stay and every change can be refused. Of a rewrite
only the words that differ are written; what cannot be written is handed back with the reason.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker.document import Anchor, Document
from checker.readers import ReaderError
from checker.readers._cues import cue_starts, plain_parts
from checker.readers._decode import decode, encode_like
from checker.readers._package import damaged
from checker.readers._table import names, plain_name
from checker.readers.csv import delimiter_of, rows_of
from checker.rewrite.proof import spliced
from checker.stored import write_whole
from checker.types import Report, Rewrite, Span

if TYPE_CHECKING:
    from checker.docx_edit import WordFile

AUTHOR = "话术审查"
#: Suffixes that can be written.
SUFFIXES = (
    ".csv",
    ".docm",
    ".docx",
    ".json",
    ".jsonl",
    ".md",
    ".ndjson",
    ".srt",
    ".tsv",
    ".txt",
    ".vtt",
    ".xlsm",
    ".xlsx",
)
#: A string, and the colon that makes it a key.
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?', re.DOTALL)
_LINE = re.compile(r"^第 ([0-9]+) 行")

Edits = Sequence[tuple[Report, Sequence[Rewrite]]]
#: Longer changes are taken whole: comparing them letter by letter takes their product.
_MOST_COMPARED = 1_000_000
_ENDS = ("。", "！", "？")
_MARKS = frozenset("，。！？；：、,.!?;:\n")


@dataclass(frozen=True, slots=True)
class Left:
    """An edit that was not written, and why."""

    document: Document
    edit: Rewrite
    reason: str

    @property
    def place(self) -> str:
        """Where it would have been, as people say it."""
        found = self.document.locate(self.edit.span.start)
        return found.label or f"{found.line}:{found.column}"


def write_rewritten(source: str | Path, edits: Edits, target: str | Path) -> list[Left]:
    """Write the file with edits (sorted and disjoint for each document); returns those left out.

    ``edits`` has a report for every document of the file. Raises ReaderError for a format that cannot be
    written, for a file that changed since it was read, and when the target cannot be written.
    """
    path = Path(source)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise ReaderError(str(source), f"{suffix or 'this'} files are not written", f"use one of {known}")
    if suffix in (".docx", ".docm"):
        return _word(path, edits, target)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReaderError(
            str(source), f"cannot be opened: {error.strerror}", "check path and rights"
        ) from None
    left: list[Left] = []
    if suffix in (".xlsx", ".xlsm"):
        written = _workbook(data, str(source), edits, left)
    elif suffix in (".csv", ".tsv"):
        written = _table(data, str(source), edits, left)
    elif suffix in (".json", ".jsonl", ".ndjson"):
        written = _json(data, str(source), edits, left)
    elif suffix in (".srt", ".vtt") and edits[0][0].document.anchors:
        written = _subtitles(data, str(source), edits, left)
    else:
        (report, changes) = edits[0]
        written = encode_like(spliced(report.document.text, changes), data, report.document.text)
    try:
        write_whole(target, written)
    except OSError as error:
        raise ReaderError(
            str(target), f"cannot be written ({error.strerror})", "choose another file"
        ) from None
    return left


def changed_words(text: str, edit: Rewrite) -> list[Rewrite]:
    """An edit as the changes of words it is made of, in order: what it keeps is in none of them.

    A letter that is kept between two changes goes with them, a mark does not.
    """
    (start, end), words = edit.span, edit.text
    while start < end and words and text[start] == words[0]:
        start, words = start + 1, words[1:]
    while start < end and words and text[end - 1] == words[-1]:
        end, words = end - 1, words[:-1]
    old = text[start:end]
    if not old or not words or len(old) * len(words) > _MOST_COMPARED:
        return [replace(edit, span=Span(start, end), text=words)]
    parts: list[list[int]] = []
    for tag, first, last, begin, stop in SequenceMatcher(None, old, words, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if parts and first - parts[-1][1] == 1 and old[first - 1] not in _MARKS:
            parts[-1][1::2] = last, stop
        else:
            parts.append([first, last, begin, stop])
    return [
        replace(edit, span=Span(start + first, start + last), text=words[begin:stop])
        for first, last, begin, stop in parts
    ]


@dataclass(frozen=True, slots=True)
class _Piece:
    """The words of one place of a document (a cell, a cue, a string), and what of them changes."""

    place: str
    start: int
    words: str
    changes: tuple[Rewrite, ...] = ()

    @property
    def new(self) -> str:
        """The words with the changes in them."""
        return spliced(self.words, self.changes)

    def letters(self) -> list[str]:
        """What each letter of the words becomes; what is inserted goes with the letter before it."""
        out = list(self.words)
        for (start, end), added in ((change.span, change.text) for change in self.changes):
            if start < end:
                out[start:end] = [added, *[""] * (end - start - 1)]
            elif start:
                out[start - 1] += added
            else:
                out[:1] = [added + "".join(out[:1])]
        return out


def _pieces(document: Document, edits: Sequence[Rewrite], left: list[Left]) -> Iterator[_Piece]:
    """All places of a document in order; an edit that changes what lies between two is left."""
    anchors = document.anchors or (Anchor(0, ""),)
    starts = [anchor.start for anchor in anchors]
    ends = [start - 1 for start in starts[1:]] + [len(document.text)]
    inside: list[list[Rewrite]] = [[] for _ in anchors]
    for edit in edits:
        parts = changed_words(document.text, edit)
        numbers = [max(bisect_right(starts, part.span.start) - 1, 0) for part in parts]
        if any(part.span.end > ends[number] for part, number in zip(parts, numbers)):
            left.append(Left(document, edit, "改动跨了两处文字"))
            continue
        for part, number in zip(parts, numbers):
            begin = starts[number]
            inside[number].append(replace(part, span=Span(part.span.start - begin, part.span.end - begin)))
    for anchor, end, changes in zip(anchors, ends, inside):
        yield _Piece(anchor.label, anchor.start, document.text[anchor.start : end], tuple(changes))


def _changed(edits: Edits, left: list[Left]) -> Iterator[tuple[Document, _Piece]]:
    """The places that change."""
    for report, changes in edits:
        for piece in _pieces(report.document, changes, left) if changes else ():
            if piece.changes:
                yield report.document, piece


def _leave(
    document: Document, edits: Sequence[Rewrite], piece: _Piece, reason: str, left: list[Left]
) -> None:
    """Hand back the edits that would have changed a place."""
    span = Span(piece.start, piece.start + len(piece.words))
    left += [Left(document, e, reason) for e in edits if e.span.overlaps(span) or span.covers(e.span)]


def _word(path: Path, edits: Edits, target: str | Path) -> list[Left]:
    from checker.docx_edit import WordFile

    file = WordFile(path)
    ((report, changes),) = edits
    if file.text != report.document.text:
        raise ReaderError(str(path), "has changed since it was checked", "check it again")
    left: list[Left] = []
    parts: list[Rewrite] = []
    for edit in changes:
        is_said = edit.span.start == edit.span.end
        changed = [_in_body(part, file, is_said=is_said) for part in changed_words(file.text, edit)]
        if all(file.can_track(part.span) for part in changed):
            parts += changed
        else:
            left.append(Left(report.document, edit, "文字在不能修订的位置（公式、图形等）"))
    for part in sorted(parts, key=lambda part: part.span, reverse=True):
        file.track(part.span, part.text, AUTHOR)
    file.save(target)
    return left


def _in_body(part: Rewrite, file: WordFile, *, is_said: bool) -> Rewrite:
    """A sentence said at the end of all, at the end of the body: a footer is read last, and not spoken.

    Words that only lengthen the last ones stay; ``is_said`` for what changes no word that is there.
    """
    end = len(file.text)
    begins = is_said or part.text.startswith("。") or file.text.endswith(_ENDS)
    if part.span != (end, end) or file.body_end == end or not begins:
        return part
    ended = file.text[: file.body_end].endswith(_ENDS)
    place = Span(file.body_end, file.body_end)
    return replace(part, span=place, text=part.text.lstrip("。") if ended else part.text)


def _workbook(data: bytes, path: str, edits: Edits, left: list[Left]) -> bytes:
    import openpyxl

    out = io.BytesIO()
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), keep_vba=False, rich_text=True)
        for report, changes in edits:
            for document, piece in _changed([(report, changes)], left):
                sheet, _, name = piece.place.rpartition("!")
                cell = book[sheet][name]
                if cell.data_type == "f":
                    _leave(document, changes, piece, "单元格是公式", left)
                else:
                    cell.value = _in_cell(cell.value, piece)
        book.save(out)
    except Exception as error:  # this library is stricter than the one that read the cells, in many ways
        raise damaged(path, "Excel", error) from None
    return out.getvalue()


def _in_cell(value: Any, piece: _Piece) -> Any:
    """The new words of a cell; stretches of a cell with several styles keep theirs."""
    from openpyxl.cell.rich_text import CellRichText, TextBlock

    if not isinstance(value, CellRichText) or str(value) != piece.words:
        return piece.new
    letters = piece.letters()
    blocks = CellRichText()
    start = 0
    for block in value:
        end = start + len(str(block))
        said = "".join(letters[start:end])
        if said:
            blocks.append(TextBlock(block.font, said) if isinstance(block, TextBlock) else said)
        start = end
    return blocks


def _table(data: bytes, path: str, edits: Edits, left: list[Left]) -> bytes:
    text, _ = decode(data, path, None)
    delimiter, start = delimiter_of(text)
    lines, grid, unquoted = rows_of(text[start:], delimiter, path)
    above = 1 if start else 0
    pieces = {piece.place: piece for _, piece in _changed(edits, left)}
    out = io.StringIO(newline="")
    ending = "\r\n" if "\r\n" in text else "\n"
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending)
    for line, row in zip(lines, grid):
        for column in reversed(range(len(row))):
            if piece := pieces.get(f"第 {line + above} 行第 {column + 1} 列"):
                row[column : column + _cells(piece.words, row[column:], delimiter)] = [piece.new]
        if unquoted:
            out.write(delimiter.join(row) + ending)
        else:
            writer.writerow(row)
    return encode_like(text[:start] + out.getvalue(), data, text)


def _cells(words: str, row: Sequence[str], delimiter: str) -> int:
    """Over how many cells of a row, from its first, words go that nobody quoted."""
    for number in range(1, len(row) + 1):
        if delimiter.join(row[:number]).strip() == words.strip():
            return number
    return 1


def _json(data: bytes, path: str, edits: Edits, left: list[Left]) -> bytes:
    """Strings are found by their words, in their line where the place names one; the rest keeps its bytes.

    Of strings that say the same, those under a key for words come first, then the others in their order.
    Raises ReaderError for words that are no string of their own, so that nothing is written half.
    """
    text, _ = decode(data, path, None)
    breaks = [match.end() for match in re.finditer("\n", text)]
    known = names()["text"]
    spoken: list[tuple[int, re.Match[str]]] = []
    others: list[tuple[int, re.Match[str]]] = []
    key: re.Match[str] | None = None
    for match in _STRING.finditer(text):
        if match[2]:
            key = match
            continue
        is_value = key is not None and not text[key.end() : match.start()].strip()
        is_spoken = key is not None and is_value and plain_name(_said(key)) in known
        (spoken if is_spoken else others).append((bisect_right(breaks, match.start()) + 1, match))
    strings = _Strings([*spoken, *others])
    changes: list[tuple[int, int, str]] = []
    for report, edited in edits:
        for piece in _pieces(report.document, edited, left):
            place, words, new = piece.place, piece.words, piece.new
            line = _LINE.match(place)
            found = strings.take(words, int(line[1]) if line else 0)
            if new == words:
                continue
            if found is None:
                reason = "words that change stand in no string of their own"
                raise ReaderError(path, reason, "change them by hand", place)
            literal = found[1]
            said = _said(found).replace(words, new, 1)
            changes.append((found.start(1), found.end(1), json.dumps(said, ensure_ascii=literal.isascii())))
    parts: list[str] = []
    done = 0
    for start, end, literal in sorted(changes):
        parts += [text[done:start], literal]
        done = end
    return encode_like("".join(parts) + text[done:], data, text)


def _said(string: re.Match[str]) -> str:
    try:
        return str(json.loads(string[1], strict=False))
    except ValueError:
        return ""


class _Strings:
    """The strings of a JSON file by line and by what they say, each given out once; line 0 is the file."""

    def __init__(self, strings: Iterable[tuple[int, re.Match[str]]]) -> None:
        self._exact: dict[tuple[int, str], list[re.Match[str]]] = {}
        self._lines: dict[int, list[re.Match[str]]] = {}
        self._taken: set[int] = set()
        for line, string in strings:
            for place in (line, 0):
                self._exact.setdefault((place, _said(string)), []).append(string)
                self._lines.setdefault(place, []).append(string)

    def take(self, words: str, line: int) -> re.Match[str] | None:
        """The next string that says the words; one that says who speaks before them is second best."""
        exact = self._exact.get((line, words), [])
        while exact:
            string = exact.pop(0)
            if string.start() not in self._taken:
                self._taken.add(string.start())
                return string
        for string in self._lines.get(line, []):
            if string.start() not in self._taken and _said(string).endswith(words):
                self._taken.add(string.start())
                return string
        return None


def _subtitles(data: bytes, path: str, edits: Edits, left: list[Left]) -> bytes:
    """Words are found again in their cue, markup looked through, so that times and markup stay untouched."""
    text, _ = decode(data, path, None)
    is_vtt = path.lower().endswith(".vtt")
    plain, sources = _looked_through(text, is_vtt=is_vtt)
    starts = [start for start, _ in sources]
    cues = [(label, bisect_left(starts, offset)) for label, offset in cue_starts(text)]
    ends = [start for _, start in cues[1:]] + [len(plain)]
    bounds = iter(zip(cues, ends))
    ((report, changes),) = edits
    label, place, stop = "", 0, 0
    written: list[tuple[int, int, str]] = []
    for piece in _pieces(report.document, changes, left):
        while label != piece.place and (following := next(bounds, None)):
            (label, place), stop = following
        found = plain.find(piece.words, place, stop)
        if found >= 0:
            place = found + len(piece.words)
            for number, (old, new) in enumerate(zip(piece.words, piece.letters())):
                if old != new:
                    said = html.escape(new, quote=False) if is_vtt else new
                    written.append((*sources[found + number], said))
        elif piece.changes:
            _leave(report.document, changes, piece, "原话在字幕里不相连", left)
    parts: list[str] = []
    done = 0
    for start, end, said in written:
        parts += [text[done:start], said.replace("\n", "\r\n" if "\r\n" in text else "\n")]
        done = end
    return encode_like("".join(parts) + text[done:], data, text)


def _looked_through(text: str, *, is_vtt: bool) -> tuple[str, list[tuple[int, int]]]:
    """The text without markup, and where in the file each of its letters stands."""
    letters: list[str] = []
    sources: list[tuple[int, int]] = []
    for start, end, words in plain_parts(text, is_vtt=is_vtt):
        if len(words) == 1:
            letters.append(words)
            sources.append((start, end))
        else:
            letters += words
            sources += [(place, place + 1) for place in range(start, end)]
    return "".join(letters), sources
