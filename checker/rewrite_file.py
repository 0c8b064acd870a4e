"""A file with its rewrites in it, in the format it had.

Text and subtitles are changed in place, cells of sheets one by one, and Word files get tracked changes
on the exact words, so that styles stay and every change can be refused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from checker.document import Document
from checker.readers import ReaderError
from checker.readers._decode import decode, encode_like
from checker.readers._package import damaged
from checker.readers.csv import delimiter_of, rows_of
from checker.rewrite.proof import spliced
from checker.stored import write_whole
from checker.types import Report, Rewrite, Span

AUTHOR = "话术审查"
#: Suffixes that can be written.
SUFFIXES = (".csv", ".docx", ".docm", ".md", ".srt", ".tsv", ".txt", ".vtt", ".xlsx", ".xlsm")

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


def _pieces(document: Document, edits: Sequence[Rewrite]) -> Iterator[tuple[str, str, str]]:
    """(place, words, new words) of every place of a document that changes, in order."""
    starts = [anchor.start for anchor in document.anchors]
    ends = [start - 1 for start in starts[1:]] + [len(document.text)]
    for anchor, end in zip(document.anchors, ends):
        span = Span(anchor.start, end)
        inside = [edit for edit in edits if span.covers(edit.span)]
        if inside:
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
