"""Raw calls to rows: what a worker does, on this machine or on Spark.

The rows are plain Python values in the order of ``CALLS`` and ``FINDINGS``. Personal data is masked
here, so that it leaves no worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checker.batch.records import CallRecord, RawCall, parse
from checker.hearing import SCORE
from checker.labels import known_industry
from checker.personal import masked_report
from checker.pipeline import Checker
from checker.readers import ReaderError
from checker.types import Finding, Level, Report

#: Columns and their Arrow types.
CALLS = {
    "call_id": "string",
    "source": "string",
    "agent": "string",
    "team": "string",
    "customer": "string",
    "line": "string",
    "start": "timestamp[s]",
    "duration": "double",
    "campaign": "string",
    "industry": "string",
    "unknown_industry": "string",
    "channel": "string",
    "consent": "bool",
    "outcome": "string",
    "verdict": "string",
    "turns": "int32",
    "characters": "int32",
    "block": "int32",
    "review": "int32",
    "hint": "int32",
    "refused": "bool",
    "opted_out": "bool",
}
FINDINGS = {
    "call_id": "string",
    "rule": "string",
    "category": "string",
    "level": "string",
    "state": "string",
    "exemption": "string",
    "turn": "int32",
    "second": "double",
    "start": "int32",
    "end": "int32",
    "text": "string",
    "context": "string",
    "message": "string",
    "basis": "string",
    "confidence": "double",
    "recognition": "double",
    "fingerprint": "string",
}
REJECTS = {"source": "string", "place": "string", "reason": "string"}
_AROUND = 30


@dataclass
class Rows:
    """What came of some raw calls, in their order."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    findings: list[tuple[Any, ...]] = field(default_factory=list)
    rejects: list[tuple[str, str, str]] = field(default_factory=list)


def check_calls(
    raws: Iterable[RawCall],
    checker: Checker,
    root: Path,
    columns: Mapping[str, str],
    key: bytes,
    *,
    show_personal_data: bool = False,
) -> Rows:
    """Check raw calls together; what cannot be read is rejected with the reason, and the rest goes on."""
    rows = Rows()
    records: list[CallRecord] = []
    for raw in raws:
        try:
            records += parse(raw, root, columns, key)
        except ReaderError as error:
            rows.rejects.append((raw.source, raw.place or error.place, error.reason))
    for record, report in zip(records, checker.check_many(record.document for record in records)):
        rows.calls.append(_call_row(record, report, checker))
        shown = report if show_personal_data else masked_report(report)
        for finding in (*shown.findings, *shown.excused):
            rows.findings.append(_finding_row(record, shown, finding))
    return rows


def _call_row(record: CallRecord, report: Report, checker: Checker) -> tuple[Any, ...]:
    document = report.document
    acts = {
        act
        for turn in document.turns
        if turn.speaker == "customer"
        for act in checker.dialogues.customer_acts(document.text[turn.span.start : turn.span.end])
    }
    levels = [finding.level for finding in report.findings]
    return (
        record.call_id,
        record.source,
        record.agent,
        record.team,
        record.customer,
        record.line,
        record.start,
        record.duration,
        record.campaign,
        report.industry or "",
        _unknown_industry(record, checker),
        report.channel,
        record.consent,
        record.outcome,
        str(report.verdict),
        len(document.turns),
        len(document.text),
        *(levels.count(level) for level in (Level.BLOCK, Level.REVIEW, Level.HINT)),
        "refuses" in acts,
        "opts-out" in acts,
    )


def _unknown_industry(record: CallRecord, checker: Checker) -> str:
    """The industry that the archive names and nobody knows."""
    name = record.document.industry or ""
    return name if name and known_industry(name, checker.own_industries(name)) is None else ""


def _finding_row(record: CallRecord, report: Report, finding: Finding) -> tuple[Any, ...]:
    text, span = report.document.text, finding.span
    turn = report.document.turns[finding.turn] if finding.turn is not None else None
    left, right = (turn.span.start, turn.span.end) if turn else (0, len(text))
    context = text[max(left, span.start - _AROUND) : min(right, span.end + _AROUND)].replace("\n", " ")
    return (
        record.call_id,
        finding.rule_id,
        finding.category,
        str(finding.level),
        str(finding.state),
        finding.excused_by,
        finding.turn,
        turn.begin if turn else None,
        span.start,
        span.end,
        finding.matched,
        context,
        finding.message,
        "；".join(basis.cite for basis in finding.basis),
        finding.confidence,
        finding.explanation.scores.get(SCORE),
        finding.fingerprint,
    )


def arrow_table(rows: Sequence[tuple[Any, ...]], columns: Mapping[str, str]) -> Any:
    """Rows as an Arrow table with exactly these columns and types."""
    import pyarrow as pa

    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in columns.items()])
    values = zip(*rows) if rows else ((),) * len(columns)
    arrays = [pa.array(list(column), type=entry.type) for column, entry in zip(values, schema)]
    return pa.Table.from_arrays(arrays, schema=schema)


def shards(raws: Iterable[RawCall], size: int) -> Iterator[list[RawCall]]:
    """Raw calls in lots of ``size``; the division depends on the archive only."""
    lot: list[RawCall] = []
    for raw in raws:
        lot.append(raw)
        if len(lot) == size:
            yield lot
            lot = []
    if lot:
        yield lot
