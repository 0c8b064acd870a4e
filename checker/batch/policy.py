"""What the records of many calls show: hours, frequency, calls after a no. Computed with Polars.

The rules are data (``lexicons/records.yaml`` and a file of the user); a rule is one of five kinds:
``hours`` (time of day by workday and holiday), ``frequency`` (calls of a customer in a rolling
window), ``after`` (a call after a refusal or an opt-out in an earlier call), ``consent`` (none on
file) and ``lines`` (calling lines of a customer in a rolling window). Calls without a time or a
customer break only the rules that need neither.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from checker.config import ConfigError, Problem
from checker.data import load_yaml
from checker.lexicon import load
from checker.yaml_text import YamlError, parse_yaml

if TYPE_CHECKING:
    import polars as pl

Hours = tuple[str, str]


class RecordRule(BaseModel):
    """One rule over the records of many calls."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[a-z-]+/[a-z0-9-]+$")
    kind: Literal["hours", "frequency", "after", "consent", "lines"]
    level: Literal["block", "review", "hint"]
    message: str
    basis: list[str] = Field(min_length=1)
    industries: list[str] = []
    workday: Hours = ("09:00", "21:00")
    holiday: Hours = ("09:00", "21:00")
    window: str = Field(default="1d", pattern=r"^[0-9]+[dh]$")
    most: int = Field(default=1, ge=1)
    event: Literal["opted_out", "refused"] = "opted_out"
    days: int | None = None
    enabled: bool = True

    @field_validator("message")
    @classmethod
    def _known_slots(cls, message: str) -> str:
        unknown = set(re.findall(r"\{(\w*)\}", message)) - {"time", "count", "most", "event_call"}
        if unknown:
            raise ValueError(f"unknown slot {sorted(unknown)}; use time, count, most or event_call")
        return message


class Policy(BaseModel):
    """The rules and the calendar."""

    model_config = ConfigDict(extra="forbid")

    holidays: list[tuple[date, date]] = []
    workdays: list[date] = []
    rules: list[RecordRule] = []

    @property
    def years(self) -> frozenset[int]:
        """The years whose days off are known."""
        return frozenset([first.year for first, _ in self.holidays] + [day.year for day in self.workdays])


def load_policy(path: Path | None = None) -> Policy:
    """Our policy with a user's layered over it; days of a year replace all of ours of that year.

    Raises ConfigError naming what is wrong.
    """
    ours = Policy.model_validate(load_yaml("records.yaml"))
    if path is None:
        return ours
    try:
        theirs = Policy.model_validate(parse_yaml(path.read_text(encoding="utf-8-sig"))[1] or {})
    except ValidationError as error:
        problems = [
            Problem(str(path), 1, ".".join(map(str, detail["loc"])), str(detail["msg"]))
            for detail in error.errors()
        ]
        raise ConfigError(problems) from None
    except YamlError as error:
        raise ConfigError([Problem(str(path), error.line, "", error.what)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(str(path), 1, "", f"cannot be read: {error}")]) from None
    rules = {rule.id: rule for rule in (*ours.rules, *theirs.rules)}
    years = theirs.years
    return Policy(
        holidays=[*(pair for pair in ours.holidays if pair[0].year not in years), *theirs.holidays],
        workdays=[*(day for day in ours.workdays if day.year not in years), *theirs.workdays],
        rules=[rule for rule in rules.values() if rule.enabled],
    )


def judge(out: Path, path: Path | None = None) -> int:
    """Judge ``calls.parquet`` of a folder; write ``records.parquet`` and return its number of rows."""
    import polars as pl

    found = find(pl.read_parquet(out / "calls.parquet"), load_policy(path))
    found.write_parquet(out / "records.parquet")
    return found.height


def find(calls: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """A row for every call that breaks a rule: call_id, rule, level, message, basis.

    Rows are in the order of the rules, then of the calls.
    """
    import polars as pl

    bases = load().bases
    calls = calls.with_row_index("row")
    frames = []
    for rule in policy.rules:
        scope = calls
        if rule.industries:
            scope = scope.filter(pl.col("industry").is_in(rule.industries))
        hit = _KINDS[rule.kind](scope, rule, policy).sort("row").rechunk()
        if hit.is_empty():
            continue
        frames.append(
            hit.select(
                "call_id",
                pl.lit(rule.id).alias("rule"),
                pl.lit(rule.level).alias("level"),
                _message(rule).alias("message"),
                pl.lit("；".join(bases[name].cite for name in rule.basis if name in bases)).alias("basis"),
            )
        )
    return pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String))


_COLUMNS = ("call_id", "rule", "level", "message", "basis")


def _message(rule: RecordRule) -> pl.Expr:
    """The message with {time}, {count}, {most} and {event_call} of each call."""
    import polars as pl

    known = {
        "time": pl.col("start").dt.strftime("%Y-%m-%d %H:%M"),
        "count": pl.col("count"),
        "event_call": pl.col("event_call"),
    }
    message = rule.message.replace("{most}", str(rule.most))
    slots = re.findall(r"\{(\w+)\}", message)
    template = re.sub(r"\{\w+\}", "{}", message)
    return pl.format(template, *(known[slot] for slot in slots)) if slots else pl.lit(template)


def _hours(calls: pl.DataFrame, rule: RecordRule, policy: Policy) -> pl.DataFrame:
    import polars as pl

    days = [
        first + timedelta(days=n) for first, last in policy.holidays for n in range((last - first).days + 1)
    ]
    day = pl.col("start").dt.date()
    is_holiday = (day.is_in(days) | (pl.col("start").dt.weekday() > 5)) & ~day.is_in(policy.workdays)
    clock = pl.col("start").dt.time()

    def outside(hours: Hours) -> pl.Expr:
        first, last = (time.fromisoformat(hour) for hour in hours)
        return (clock < first) | (clock >= last)

    broken = pl.when(is_holiday).then(outside(rule.holiday)).otherwise(outside(rule.workday))
    return calls.filter(pl.col("start").is_not_null() & broken)


def _known(calls: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return calls.filter((pl.col("customer") != "") & pl.col("start").is_not_null()).sort(
        "customer", "start", "row"
    )


def _frequency(calls: pl.DataFrame, rule: RecordRule, policy: Policy) -> pl.DataFrame:
    import polars as pl

    known = _known(calls)
    counts = known.rolling("start", period=rule.window, group_by="customer").agg(pl.len().alias("count"))
    return known.with_columns(counts["count"]).filter(pl.col("count") > rule.most)


def _lines(calls: pl.DataFrame, rule: RecordRule, policy: Policy) -> pl.DataFrame:
    import polars as pl

    known = _known(calls).filter(pl.col("line") != "")
    counts = known.rolling("start", period=rule.window, group_by="customer").agg(
        pl.col("line").n_unique().alias("count")
    )
    return known.with_columns(counts["count"]).filter(pl.col("count") > rule.most)


def _after(calls: pl.DataFrame, rule: RecordRule, policy: Policy) -> pl.DataFrame:
    """Calls later than the last call before them in which the event happened."""
    import polars as pl

    known = _known(calls)
    happened = pl.when(pl.col(rule.event))
    marked = known.with_columns(
        happened.then("start").shift(1).forward_fill().over("customer").alias("event_start"),
        happened.then("call_id").shift(1).forward_fill().over("customer").alias("event_call"),
    )
    later = pl.col("event_start").is_not_null() & (pl.col("start") > pl.col("event_start"))
    if rule.days is not None:
        later &= pl.col("start") - pl.col("event_start") <= timedelta(days=rule.days)
    return marked.filter(later)


def _consent(calls: pl.DataFrame, rule: RecordRule, policy: Policy) -> pl.DataFrame:
    import polars as pl

    return calls.filter(~pl.col("consent"))


_KINDS: dict[str, Any] = {
    "hours": _hours,
    "frequency": _frequency,
    "after": _after,
    "consent": _consent,
    "lines": _lines,
}
