"""A file with its rewrites in it, in the format it had.

Text and subtitles are changed in place, cells of sheets and strings of JSON one by one, and Word files
get tracked changes on the exact words, so that styles stay and every change can be refused.
"""

from __future__ import annotations

import csv
import io
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from checker.document import Anchor, Document
from checker.readers import ReaderError
from checker.readers._decode import decode, encode_like
from checker.readers._package import damaged
from checker.readers.csv import delimiter_of, rows_of
from checker.rewrite.proof import spliced
from checker.stored import write_whole
from checker.types import Report, Rewrite, Span

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


def write_rewritten(source: str | Path, edits: Edits, target: str | Path) -> int:
    """Write the file with edits (sorted and disjoint for each document); returns their number.

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
    if suffix in (".xlsx", ".xlsm"):
        written = _workbook(data, str(source), edits)
    elif suffix in (".csv", ".tsv"):
        written = _table(data, str(source), edits)
    elif suffix in (".json", ".jsonl", ".ndjson"):
        written = _json(data, str(source), edits)
    elif suffix in (".srt", ".vtt"):
        written = _subtitles(data, str(source), edits)
    else:
        (report, changes) = edits[0]
        written = encode_like(spliced(report.document.text, changes), data, report.document.text)
    try:
        write_whole(target, written)
    except OSError as error:
        raise ReaderError(
            str(target), f"cannot be written ({error.strerror})", "choose another file"
        ) from None
    return sum(len(changes) for _, changes in edits)


def _pieces(
    document: Document, edits: Sequence[Rewrite], *, unchanged: bool = False
) -> Iterator[tuple[str, str, str]]:
    """(place, words, new words) of every place of a document that changes, in order; or of all places."""
    anchors = document.anchors or (Anchor(0, ""),)
    starts = [anchor.start for anchor in anchors]
    ends = [start - 1 for start in starts[1:]] + [len(document.text)]
    for anchor, end in zip(anchors, ends):
        span = Span(anchor.start, end)
        inside = [edit for edit in edits if span.covers(edit.span)]
        if inside or unchanged:
            words = document.text[span.start : span.end]
            moved = [
                Rewrite(Span(e.span.start - span.start, e.span.end - span.start), e.text, e.apply)
                for e in inside
            ]
            yield anchor.label, words, spliced(words, moved)


def _changes(edits: Edits) -> Mapping[str, str]:
    return {place: new for report, changes in edits for place, _, new in _pieces(report.document, changes)}


def _word(path: Path, edits: Edits, target: str | Path) -> int:
    from checker.docx_edit import WordFile

    file = WordFile(path)
    ((report, changes),) = edits
    if file.text != report.document.text:
        raise ReaderError(str(path), "has changed since it was checked", "check it again")
    done = 0
    for edit in reversed(changes):
        start, end, words = _tight(report.document.text, edit)
        done += file.track(Span(start, end), words, AUTHOR)
    file.save(target)
    return done


def _tight(text: str, edit: Rewrite) -> tuple[int, int, str]:
    """An edit without the words that it keeps at its ends."""
    (start, end), words = edit.span, edit.text
    while start < end and words and text[start] == words[0]:
        start, words = start + 1, words[1:]
    while start < end and words and text[end - 1] == words[-1]:
        end, words = end - 1, words[:-1]
    return start, end, words


def _workbook(data: bytes, path: str, edits: Edits) -> bytes:
    import openpyxl

    out = io.BytesIO()
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), keep_vba=False)
        for place, words in _changes(edits).items():
            sheet, _, cell = place.rpartition("!")
            book[sheet][cell].value = words
        book.save(out)
    except Exception as error:  # this library is stricter than the one that read the cells, in many ways
        raise damaged(path, "Excel", error) from None
    return out.getvalue()


def _table(data: bytes, path: str, edits: Edits) -> bytes:
    text, _ = decode(data, path, None)
    delimiter, start = delimiter_of(text)
    lines, grid, _ = rows_of(text[start:], delimiter, path)
    above = 1 if start else 0
    changes = _changes(edits)
    out = io.StringIO(newline="")
    ending = "\r\n" if "\r\n" in text else "\n"
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending)
    for line, row in zip(lines, grid):
        writer.writerow(
            [changes.get(f"第 {line + above} 行第 {column + 1} 列", cell) for column, cell in enumerate(row)]
        )
    return encode_like(text[:start] + out.getvalue(), data, text)


def _json(data: bytes, path: str, edits: Edits) -> bytes:
    """Strings are found by their words, in their line where the place names one; the rest keeps its bytes.

    Strings that say the same are taken in their order. Raises ReaderError for words that are no string of
    their own, so that nothing is written half.
    """
    text, _ = decode(data, path, None)
    breaks = [match.end() for match in re.finditer("\n", text)]
    strings = _Strings(
        (bisect_right(breaks, match.start()) + 1, match) for match in _STRING.finditer(text) if not match[2]
    )
    changes: list[tuple[int, int, str]] = []
    for report, edited in edits:
        for place, words, new in _pieces(report.document, edited, unchanged=True):
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


def _subtitles(data: bytes, path: str, edits: Edits) -> bytes:
    """Cues are found again by their words, in order, so that times and markup stay untouched."""
    text, _ = decode(data, path, None)
    parts: list[str] = []
    place = 0
    for report, changes in edits:
        for _, words, new in _pieces(report.document, changes):
            found = text.find(words, place)
            if found < 0:
                continue  # the words stand between markup; the cue is left as it is
            parts += [text[place:found], new]
            place = found + len(words)
    return encode_like("".join(parts) + text[place:], data, text)
