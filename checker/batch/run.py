"""One archive on one machine: all cores, bounded memory, and no call lost or doubled by a kill.

The archive is divided into shards of calls that depend on the archive only. Every shard ends as one
file of JSON with a checksum, written aside and moved into place; a rerun reads past the shards that
are there and whole. What is written at the end is made from the shards in their order and holds no
clock, so an undisturbed run and a rerun after ``kill -9`` give the same bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from checker import __version__
from checker.batch.records import RawCall, archive_files, raw_calls
from checker.batch.work import CALLS, FINDINGS, REJECTS, Rows, arrow_table, check_calls, shards
from checker.config import Config
from checker.pipeline import Checker
from checker.readers import ReaderError
from checker.stored import checked_json, summed_json, write_whole

KEY_VARIABLE = "HUASHU_HASH_KEY"
#: The length of a key that we make.
_KEY_LENGTH = 64
_SHARD = 250
_TABLES: Mapping[str, Mapping[str, str]] = {"calls": CALLS, "findings": FINDINGS, "rejects": REJECTS}
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class BatchOptions:
    """How to run: ``jobs`` processes, shards of ``shard`` calls; the rest as for :class:`Checker`."""

    industry: str | None = None
    channel: str | None = None
    config: Config = field(default_factory=Config)
    lexicons: tuple[str, ...] = ()
    jobs: int = 0
    shard: int = _SHARD
    policy: Path | None = None
    show_personal_data: bool = False


def run_batch(
    archive: Path, out: Path, options: BatchOptions | None = None, progress: Progress | None = None
) -> dict[str, int]:
    """Check an archive into a folder and return counts of calls, findings and rejects.

    ``progress`` gets calls and bytes done so far. Written are ``calls.parquet``,
    ``findings.parquet``, ``findings.jsonl``, ``records.parquet`` (what the record rules found),
    ``rejects.jsonl``, ``report.html`` and ``report.xlsx``. Raises ReaderError and ConfigError.
    """
    options = options or BatchOptions()
    out.mkdir(parents=True, exist_ok=True)
    with _alone(out):
        (out / "parts").mkdir(exist_ok=True)
        return _run(archive, out, options, progress)


def _run(archive: Path, out: Path, options: BatchOptions, progress: Progress | None) -> dict[str, int]:
    parts = out / "parts"
    key = _hash_key(out)
    _claim(out, _mark(archive, options, key))
    total = 0
    work = _Work(archive, options, key)
    try:
        for number, lot, future in _in_order(archive, parts, options, work):
            if future is not None:
                _keep(parts, number, future.result())
            total += len(lot)
            if progress:
                progress(total, lot[-1].done)
    except BrokenProcessPool:
        what = "a process was killed, perhaps for want of memory; what was done is kept"
        raise ReaderError(str(archive), what, "run the command again, perhaps with fewer --jobs") from None
    from checker.batch import policy, summary

    counts = {name: _join(parts, out, name) for name in _TABLES}
    counts["records"] = policy.judge(out, options.policy)
    summary.write(out, options.policy)
    shutil.rmtree(parts)
    return counts


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Raises ReaderError while another run writes into the folder; a killed run holds nothing."""
    place = out / ".running"
    with place.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(held.fileno()).st_nlink:  # another run ended, and a third may have begun
                raise BlockingIOError
        except BlockingIOError:
            what = "another run is writing into this folder"
            raise ReaderError(str(out), what, "wait for it or choose another --output") from None
        try:
            yield
        finally:
            place.unlink(missing_ok=True)


def _mark(archive: Path, options: BatchOptions, key: bytes) -> str:
    """What must be the same for finished shards to be of use."""
    files = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in archive_files(archive)]
    checker = _checker(options)
    settings = (checker.lexicon.version, checker.channel, options.industry, dict(options.config.columns))
    rows = (__version__, *map(list, _TABLES.values()))
    told = [files, settings, options.shard, options.show_personal_data, key.hex(), rows]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def _claim(out: Path, mark: str) -> None:
    """Shards of another archive or of other rules are thrown away."""
    state = out / "parts" / "state"
    if not state.exists() or state.read_text() != mark:
        shutil.rmtree(out / "parts")
        (out / "parts").mkdir()
        state.write_text(mark)


def _hash_key(out: Path) -> bytes:
    """The key of the environment, else one kept with the results (readable by the owner only)."""
    told = os.environ.get(KEY_VARIABLE)
    if told:
        return told.encode()
    place = out / "hash.key"
    if not place.exists():
        write_whole(place, secrets.token_hex(_KEY_LENGTH // 2).encode(), 0o600)
    key = place.read_bytes().strip()
    # Numbers hashed with no key, or a short one, can be found out by trying all numbers.
    if len(key) < _KEY_LENGTH:
        what = f"holds {len(key)} characters, a key has {_KEY_LENGTH}: it was cut when it was written"
        remedy = "put the key back, or delete the file: then numbers get other hashes than in earlier results"
        raise ReaderError(str(place), what, remedy)
    return key


class _Work:
    """What a worker process needs; its checker is built when the first shard arrives."""

    def __init__(self, archive: Path, options: BatchOptions, key: bytes) -> None:
        self.root = archive if archive.is_dir() else archive.parent
        self.options = options
        self.key = key

    def __call__(self, lot: list[RawCall]) -> Rows:
        checker = _checker_of_process(self.options)
        columns = self.options.config.columns
        show = self.options.show_personal_data
        return check_calls(lot, checker, self.root, columns, self.key, show_personal_data=show)


_MADE: dict[str, Checker] = {}


def _checker(options: BatchOptions) -> Checker:
    return Checker(
        options.industry, options.channel, options.config, lexicons=options.lexicons, rewrites=False
    )


def _checker_of_process(options: BatchOptions) -> Checker:
    mark = repr(options)
    if mark not in _MADE:
        _MADE[mark] = _checker(options)
    return _MADE[mark]


def _in_order(
    archive: Path, parts: Path, options: BatchOptions, work: _Work
) -> Iterator[tuple[int, list[RawCall], Future[Rows] | None]]:
    """(number, raw calls, result) of every shard in order; the result is None where it is on disk."""
    jobs = options.jobs or len(os.sched_getaffinity(0))
    waiting: deque[tuple[int, list[RawCall], Future[Rows] | None]] = deque()
    lots = shards(raw_calls(archive, options.config.columns), options.shard)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for number, lot in enumerate(lots):
            done = _is_whole(_part(parts, number))
            waiting.append((number, lot, None if done else pool.submit(work, lot)))
            # No more than this is held in memory, however large the archive.
            if len(waiting) > 2 * jobs:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()


def _part(parts: Path, number: int) -> Path:
    return parts / f"{number:07d}.json"


def _is_whole(part: Path) -> bool:
    """False for a shard that is missing, cut or changed; it is made again."""
    try:
        return isinstance(checked_json(part.read_bytes()), dict)
    except (OSError, ValueError):
        return False


def _keep(parts: Path, number: int, rows: Rows) -> None:
    def plain(row: tuple[Any, ...]) -> list[Any]:
        return [value.isoformat() if isinstance(value, datetime) else value for value in row]

    content = {name: [plain(row) for row in getattr(rows, name)] for name in _TABLES}
    write_whole(_part(parts, number), summed_json(content))


def _kept(part: Path, name: str) -> list[tuple[Any, ...]]:
    """The rows of a table in a shard, as they were kept."""
    rows = checked_json(part.read_bytes())[name]
    times = [at for at, kind in enumerate(_TABLES[name].values()) if kind.startswith("timestamp")]
    for row in rows:
        for at in times:
            row[at] = row[at] and datetime.fromisoformat(row[at])
    return [tuple(row) for row in rows]


def _join(parts: Path, out: Path, name: str) -> int:
    """One table of all shards, as Parquet (calls, findings) and as JSON Lines (findings, rejects)."""
    import pyarrow.parquet as pq

    columns = _TABLES[name]
    count = 0
    writer = None
    lines = (out / f"{name}.jsonl").open("w", encoding="utf-8") if name != "calls" else None
    for part in sorted(parts.glob("*.json")):
        rows = _kept(part, name)
        count += len(rows)
        if name != "rejects":
            table = arrow_table(rows, columns)
            writer = writer or pq.ParquetWriter(out / f"{name}.parquet", table.schema, compression="zstd")
            writer.write_table(table)
        if lines is not None:
            for row in rows:
                lines.write(json.dumps(dict(zip(columns, row)), ensure_ascii=False) + "\n")
    if writer is None and name != "rejects":
        pq.write_table(arrow_table([], columns), out / f"{name}.parquet", compression="zstd")
    elif writer is not None:
        writer.close()
    if lines is not None:
        lines.close()
    return count
