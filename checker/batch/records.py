"""Reading archives of calls as a stream, with bounded memory.

An archive is a JSON Lines file, a CSV file, a Parquet file, a sheet, or a folder of any files that
``checker.readers`` reads (subtitles, Whisper and FunASR JSON, texts), each one call. What comes out are
raw calls: cheap to send to another process, not yet parsed. A row of a table is a whole call if its
words hold turns, else a turn; rows of one call stand next to each other.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from checker.batch.sheet import sheet_rows
from checker.config import CALL_FIELDS
from checker.document import Document
from checker.readers import FORMATS, ReaderError, ReadOptions, read_bytes, read_path
from checker.readers._table import names, plain_name

#: Fields of a call beside its words; each is found by the column names of ``lexicons/script.yaml``.
FIELDS = tuple(name for name in CALL_FIELDS if name not in ("text", "role", "turns", "begin", "end"))
TABLES = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".xlsx")
_YES = {"1", "y", "yes", "true", "t", "是", "有", "同意", "已同意", "已授权"}
_NO = {"0", "n", "no", "false", "f", "否", "无", "不同意", "未同意", "未授权", "没有"}
_CHINA = timezone(timedelta(hours=8))
_BLOCK = 2048
#: Characters of one field: a whole call may stand in it, but a quote that nothing closes must not fill the memory.
_LONGEST_CELL = 1 << 24


@dataclass(frozen=True, slots=True)
class RawCall:
    """One call as the archive holds it.

    ``payload`` is a line of JSON, the rows of a table, or None when ``source`` is the file itself.
    ``done`` are the bytes of the archive read so far, for the progress bar.
    """

    source: str
    place: str
    payload: bytes | tuple[Mapping[str, Any], ...] | None
    done: int = 0


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call: its words and what is known about it. Numbers of people are hashed."""

    call_id: str
    source: str
    document: Document
    agent: str = ""
    team: str = ""
    customer: str = ""
    line: str = ""
    start: datetime | None = None
    duration: float | None = None
    campaign: str = ""
    consent: bool | None = None
    outcome: str = ""


def archive_size(path: Path) -> int:
    """Bytes of an archive, for the progress bar."""
    return sum(file.stat().st_size for file in archive_files(path))


def archive_files(path: Path) -> list[Path]:
    """The files of an archive in a fixed order. Raises ReaderError where there is none."""
    if path.is_file():
        return [path]
    if not path.exists():
        raise ReaderError(str(path), "no such file or folder", "check the path")
    known = {*TABLES, *FORMATS}
    found = [file for file in sorted(path.rglob("*")) if file.is_file() and file.suffix.lower() in known]
    if not found:
        raise ReaderError(str(path), "holds no file of a known format", f"give {', '.join(sorted(known))}")
    return found


def raw_calls(path: Path, columns: Mapping[str, str]) -> Iterator[RawCall]:
    """The calls of an archive in order, one at a time.

    ``columns`` maps our fields (``call_id``, ``text``, ``role``, ``customer_number`` …) to the names
    of the archive; fields not named are found by their usual names. Raises ReaderError for a file that
    cannot be opened.
    """
    root = path if path.is_dir() else path.parent
    before = 0
    for file in archive_files(path):
        name = str(file.relative_to(root))
        suffix = file.suffix.lower()
        size = file.stat().st_size
        try:
            if suffix in (".jsonl", ".ndjson"):
                yield from _lines(file, name, before)
            elif suffix in (".csv", ".tsv"):
                yield from _grouped(_csv_rows(file), name, columns, before, size)
            elif suffix == ".parquet":
                yield from _grouped(_parquet_rows(file), name, columns, before, size)
            elif suffix == ".xlsx":
                yield from _grouped(_sheet_rows(file), name, columns, before, size)
            else:
                yield RawCall(name, "", None, before + size)
        except OSError as error:
            what = f"cannot be read: {error.strerror or error}"
            raise ReaderError(str(file), what, "check its rights and that it is complete") from error
        before += size


def _lines(file: Path, name: str, before: int) -> Iterator[RawCall]:
    done = before
    with file.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            done += len(line)
            if line.strip():
                yield RawCall(
                    name, f"第 {number} 行", line.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf"), done
                )


#: A row by the names of its columns, and the share of the file read with it.
Row = tuple[dict[str, Any], float]


def _csv_rows(file: Path) -> Iterator[Row]:
    with file.open("rb") as probe:
        start = probe.read(1 << 16)
    for encoding in ("utf-8-sig", "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "gb18030"):
        try:
            # A character may be cut at the end of what was read.
            start[: len(start) // 2 * 2 - 8 if len(start) == 1 << 16 else None].decode(encoding)
        except UnicodeDecodeError as error:
            if encoding != "utf-8-sig" or error.start > len(start) - 12:
                break
        else:
            break
    size = file.stat().st_size or 1
    with file.open("rb") as binary, io.TextIOWrapper(binary, encoding, "replace", newline="") as stream:
        delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
        csv.field_size_limit(_LONGEST_CELL)
        rows = csv.DictReader(stream, delimiter=delimiter)
        try:
            for row in rows:
                yield row, binary.tell() / size
        except csv.Error as error:
            raise ReaderError(
                str(file), f"is no table ({error})", "close its quotes", f"line {rows.line_num + 1}"
            ) from None


def _parquet_rows(file: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        total, done = table.metadata.num_rows or 1, 0
        for batch in table.iter_batches(batch_size=_BLOCK):
            done += batch.num_rows
            for row in batch.to_pylist():
                yield row, done / total
    except (pa.ArrowException, ValueError) as error:
        raise ReaderError(str(file), f"is no Parquet file ({error})", "write it again") from None


def _sheet_rows(file: Path) -> Iterator[Row]:
    rows = sheet_rows(file)
    header: list[str] = []
    for cells, share in rows:
        if header:
            yield dict(zip_longest(header, cells[: len(header)], fillvalue="")), share
        elif any(cells):
            header = list(map(str, cells))


@lru_cache(maxsize=256)
def _key_of(keys: tuple[str, ...], kind: str, told: str | None) -> str | None:
    """The key that holds a field, or None."""
    if told is not None:
        return told if told in keys else None
    ranks = names()[kind]
    found = [(ranks[plain], key) for key in keys if key and (plain := plain_name(key)) in ranks]
    return min(found)[1] if found else None


def _value(row: Mapping[str, Any], kind: str, columns: Mapping[str, str]) -> Any:
    key = _key_of(tuple(row), kind, columns.get(kind))
    return None if key is None else row[key]


def _grouped(
    rows: Iterable[Row], name: str, columns: Mapping[str, str], before: int, size: int
) -> Iterator[RawCall]:
    """Rows of one call together; a row without a role is a call of its own."""
    held: list[Mapping[str, Any]] = []
    call, first, share = None, 0, 0.0
    for number, (row, share) in enumerate(rows, 2):
        is_turn = _value(row, "role", columns) is not None
        key = str(_value(row, "call_id", columns) or number) if is_turn else str(number)
        if held and key != call:
            yield RawCall(name, f"第 {first} 行", tuple(held), before + int(size * share))
            held = []
        if not held:
            call, first = key, number
        held.append(row)
    if held:
        yield RawCall(name, f"第 {first} 行", tuple(held), before + size)


def parse(raw: RawCall, root: Path, columns: Mapping[str, str], key: bytes) -> list[CallRecord]:
    """The calls in a raw one (a line may hold several). ``key`` hashes the numbers of people.

    Raises ReaderError with the reason when it holds none.
    """
    if raw.payload is None:
        documents = read_path(root / raw.source)
    elif isinstance(raw.payload, bytes):
        options = ReadOptions(columns.get("encoding"), *(columns.get(k) for k in ("text", "role", "call_id")))
        documents = read_bytes(raw.payload, f"{raw.source}.jsonl", options)
    else:
        documents = [_from_rows(raw, columns)]
    if not any(document.text.strip() for document in documents):
        raise ReaderError(raw.source, "holds no words", "give the words of the call", raw.place)
    return [_record(document, raw, number, columns, key) for number, document in enumerate(documents)]


def _from_rows(raw: RawCall, columns: Mapping[str, str]) -> Document:
    assert isinstance(raw.payload, tuple)
    rows = raw.payload
    metadata = {k: v for k, v in rows[0].items() if k is not None and not isinstance(v, list)}
    turns: list[dict[str, Any]] = []
    for row in rows:
        listed = _value(row, "turns", columns)
        if isinstance(listed, str) and listed.lstrip().startswith("["):
            try:
                listed = json.loads(listed)
            except ValueError:
                raise ReaderError(
                    raw.source, "its turns are no valid JSON", "write a list", raw.place
                ) from None
        if isinstance(listed, list):
            line = json.dumps({**metadata, "turns": listed}, default=str).encode()
            return read_bytes(line, f"{raw.source}.jsonl")[0].with_fields(metadata=metadata)
        words = _value(row, "text", columns)
        if not isinstance(words, str):
            raise ReaderError(raw.source, "has no column of words", "name it: columns: {text: …}", raw.place)
        role = _value(row, "role", columns)
        if role is None:
            return Document.from_text(words, metadata=metadata, kind="transcript")
        times = {side: _value(row, side, columns) for side in ("begin", "end")}
        seconds = {side: float(v) for side, v in times.items() if isinstance(v, (int, float))}
        turns.append({"speaker": str(role), "text": words, **seconds})
    return Document.from_turns(turns, metadata=metadata)


def _record(
    document: Document, raw: RawCall, number: int, columns: Mapping[str, str], key: bytes
) -> CallRecord:
    metadata = {str(k): v for k, v in document.metadata.items()}
    # Readers carry some fields under our own names.
    found = {
        kind: metadata[kind] if metadata.get(kind) is not None else _value(metadata, kind, columns)
        for kind in FIELDS
    }
    place = f"{raw.source}#{raw.place}" if raw.place else raw.source
    call_id = _text(found["call_id"]) or (f"{place}/{number}" if number else place)
    industry, channel = _text(found["industry"]), _text(found["channel"])
    return CallRecord(
        call_id=call_id,
        source=raw.source,
        # Fingerprints tell the same words apart by path; in an archive the same words are one finding.
        document=document.with_fields(
            path="",
            metadata={},
            industry=document.industry or industry or None,
            channel=document.channel or channel or None,
        ),
        agent=_text(found["agent_id"]),
        team=_text(found["team"]),
        customer=hashed(_text(found["customer_number"]), key),
        line=_text(found["line_number"]),
        # A column named start is the time of a turn, unless it holds a date.
        start=_moment(found["start_time"] or _value(metadata, "begin", columns)),
        duration=_number(found["duration"]),
        campaign=_text(found["campaign"]),
        consent=_flag(found["consent"]),
        outcome=_text(found["outcome"]),
    )


def hashed(number: str, key: bytes) -> str:
    """A customer's number as 16 hexadecimal digits of its keyed hash (HMAC-SHA256); "" for none.

    +86 and separators do not make another customer.
    """
    bare = (
        re.sub(r"[\s()（）-]", "", number).removeprefix("+").removeprefix("86" if len(number) > 12 else "\0")
    )
    return hmac.new(key, bare.encode(), hashlib.sha256).hexdigest()[:16] if bare else ""


def _text(value: Any) -> str:
    if value is None or isinstance(value, (list, dict)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    # Half a surrogate pair, which JSON can write, fits no table.
    return str(value).encode("utf-8", "replace").decode().strip()


def _number(value: Any) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"(?:\d+:)?\d{1,2}:\d{2}", value.strip()):
        total = 0
        for part in value.split(":"):
            total = total * 60 + int(part)
        return float(total)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _flag(value: Any) -> bool | None:
    word = _text(value).lower()
    return True if word in _YES else False if word in _NO else None


def _moment(value: Any) -> datetime | None:
    """A time of day in China without a zone; None for what is no time."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = value / 1000 if value > 1e11 else value
        if not 1e8 <= seconds < 1e11:
            return None
        return datetime.fromtimestamp(seconds, _CHINA).replace(tzinfo=None)
    if not isinstance(value, datetime):
        text = re.sub(r"[年月/.](?=\d)", "-", _text(value)).replace("日", " ").replace("  ", " ").strip()
        text = re.sub(r"(?<![\d])(\d)(?=[- :])", r"0\1", text)
        try:
            value = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            return None
    moment: datetime = value
    try:
        return moment.astimezone(_CHINA).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError:  # the first or last day there is
        return None
