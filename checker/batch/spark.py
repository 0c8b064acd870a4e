"""The same check on a Spark cluster, where one machine is not enough.

:func:`check_lines` is a function over Arrow batches for ``DataFrame.mapInArrow``: one line of JSON
is one call, as for ``huashu batch`` on a JSON Lines archive, and the rows are its rows. The checker is
built once in each Python worker. A task that dies is run again by Spark; rows depend on nothing but
their line. The job of ten lines:

    from pyspark.sql import SparkSession
    from checker.batch.spark import SCHEMA, check_lines

    spark = SparkSession.builder.appName("huashu").getOrCreate()
    lines = spark.read.text("calls/*.jsonl")
    checked = lines.mapInArrow(check_lines(), SCHEMA)
    checked.write.mode("overwrite").parquet("checked")

Workers need huashu with the extra ``batch`` (an image, or ``--py-files`` with the wheel renamed to
``.zip``). Rows of kind ``call``, ``finding`` and ``reject`` are told apart by the column ``kind``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker.batch.records import RawCall
from checker.batch.run import KEY_VARIABLE
from checker.batch.work import CALLS, FINDINGS, REJECTS, check_calls
from checker.pipeline import Checker

if TYPE_CHECKING:
    import pyarrow as pa

_SPARK_TYPES = {
    "string": "string",
    "double": "double",
    "int32": "int",
    "bool": "boolean",
    "timestamp[s]": "timestamp_ntz",
}
#: Columns of calls, findings and rejects under one schema; ``start`` of a call is ``started``.
COLUMNS: Mapping[str, str] = {
    "kind": "string",
    **{("started" if name == "start" else name): kind for name, kind in CALLS.items()},
    **{name: kind for name, kind in FINDINGS.items() if name != "call_id"},
    **{name: kind for name, kind in REJECTS.items() if name != "source"},
}
#: For ``mapInArrow``.
SCHEMA = ", ".join(f"`{name}` {_SPARK_TYPES[kind]}" for name, kind in COLUMNS.items())
_MADE: dict[tuple[Any, ...], Checker] = {}


def check_lines(
    industry: str | None = None,
    channel: str | None = None,
    columns: Mapping[str, str] | None = None,
    key: str | None = None,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function over Arrow batches with the column ``value``: lines of JSON in, rows out.

    ``key`` hashes customer numbers; without it the driver's ``HUASHU_HASH_KEY`` is used. Raises
    ValueError when there is neither: every worker needs the same.
    """
    told = key or os.environ.get(KEY_VARIABLE)
    if not told:
        raise ValueError(f"give key= or set {KEY_VARIABLE}: all workers must hash customer numbers alike")
    named = dict(columns or {})

    def check(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        if (industry, channel) not in _MADE:
            _MADE[industry, channel] = Checker(industry, channel, rewrites=False)
        types = {"timestamp[s]": pa.timestamp("us")}
        schema = pa.schema([(n, types.get(k) or pa.type_for_alias(k)) for n, k in COLUMNS.items()])
        for batch in batches:
            lines = [line for line in batch.column("value").to_pylist() if line and line.strip()]
            raws = [RawCall("calls.jsonl", "", line.encode()) for line in lines]
            rows = check_calls(raws, _MADE[industry, channel], Path(), named, told.encode())
            out = [
                *_rows("call", ["started" if name == "start" else name for name in CALLS], rows.calls),
                *_rows("finding", list(FINDINGS), rows.findings),
                *_rows("reject", list(REJECTS), rows.rejects),
            ]
            yield pa.RecordBatch.from_pylist(out, schema=schema)

    return check


def _rows(kind: str, names: list[str], rows: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {"kind": kind, **dict(zip(names, row))}
