"""The report of an archive: one HTML page that needs nothing else, and a workbook.

Everything is computed from the Parquet files of a finished run with Polars; the page draws its charts
as SVG. Shares of teams and agents carry Wilson 95 % intervals, and nobody is named on fewer than
``LEAST_CALLS`` calls: these are summed up in one line. Nothing in either file depends on the clock.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker.batch.policy import load_policy
from checker.labels import CATEGORY_NAMES, INDUSTRY_NAMES, LEVEL_NAMES, VERDICT_NAMES, name_of
from checker.lexicon import Lexicon, load

if TYPE_CHECKING:
    import polars as pl

LEAST_CALLS = 30
_TOP = 12
_PHRASES = 20
_EXAMPLES = 2
_WEEKDAYS = ("一", "二", "三", "四", "五", "六", "日")


def wilson(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share.

    >>> [round(bound, 3) for bound in wilson(3, 30)]
    [0.035, 0.256]
    """
    if not total:
        return 0.0, 1.0
    z, share = 1.96, count / total
    scale = 1 + z * z / total
    centre = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max((centre - half) / scale, 0.0), min((centre + half) / scale, 1.0)


def write(out: Path, policy: Path | None = None) -> None:
    """Write ``report.html`` and ``report.xlsx`` from the tables of a finished run under a policy."""
    found = summarise(out, policy)
    (out / "report.html").write_text(_template().render(**found), encoding="utf-8")
    _workbook(out / "report.xlsx", found)


def summarise(out: Path, policy: Path | None = None) -> dict[str, Any]:
    """All figures of the report as plain values."""
    import polars as pl

    calls = pl.read_parquet(out / "calls.parquet").with_columns((pl.col("verdict") != "pass").alias("bad"))
    findings = pl.scan_parquet(out / "findings.parquet")
    records = pl.read_parquet(out / "records.parquet")
    rejects = _rejects(out)
    open_ones = findings.filter((pl.col("state") != "excused") & (pl.col("level") != "hint"))
    lexicon = load()
    total = calls.height
    return {
        "total": total,
        "rejected": sum(count for _, count in rejects),
        "period": _period(calls),
        "verdicts": _verdicts(calls),
        "categories": _by_calls(open_ones, "category", total, lambda name: name_of(CATEGORY_NAMES, name)),
        "rules": _by_calls(open_ones, "rule", total, lambda name: rule_title(lexicon, name)),
        "days": _days(calls),
        "teams": _people(calls, "team"),
        "agents": _people(calls, "agent"),
        "industries": _people(calls, "industry", lambda name: name_of(INDUSTRY_NAMES, name)),
        "heat": _heat(calls),
        "phrases": _phrases(open_ones, lexicon),
        "examples": _examples(open_ones, lexicon),
        "excused": _excused(findings),
        "records": _records(records),
        "quality": _quality(calls, findings, rejects, load_policy(policy).years),
        "rejects": rejects,
        "least_calls": LEAST_CALLS,
        "version": lexicon.version,
    }


def rule_title(lexicon: Lexicon, name: str) -> str:
    """What a rule finds, as one short line."""
    rule = lexicon.rule_by_id.get(name)
    return rule.message.replace("{matched}", "…").split("，请")[0] if rule else name


def _period(calls: pl.DataFrame) -> tuple[str, str] | None:
    starts = calls["start"].drop_nulls()
    if starts.is_empty():
        return None
    first, last = starts.min(), starts.max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"


def _share(count: int, total: int) -> dict[str, Any]:
    low, high = wilson(count, total)
    return {
        "count": count,
        "total": total,
        "share": count / total if total else 0.0,
        "low": low,
        "high": high,
    }


def _verdicts(calls: pl.DataFrame) -> list[dict[str, Any]]:
    counts = dict(calls["verdict"].value_counts().rows())
    return [
        {
            "id": verdict,
            "name": name_of(VERDICT_NAMES, verdict),
            **_share(counts.get(verdict, 0), calls.height),
        }
        for verdict in ("pass", "review", "block")
    ]


def _by_calls(findings: pl.LazyFrame, column: str, total: int, title: Any) -> list[dict[str, Any]]:
    import polars as pl

    table = (
        findings.group_by(column)
        .agg(pl.col("call_id").n_unique().alias("calls"), pl.len().alias("findings"))
        .sort(["calls", "findings", column], descending=[True, True, False])
        .head(_TOP)
        .collect()
    )
    return [
        {"id": name, "name": title(name), "findings": count, **_share(hit, total)}
        for name, hit, count in table.rows()
    ]


def _days(calls: pl.DataFrame) -> list[dict[str, Any]]:
    import polars as pl

    table = (
        calls.filter(pl.col("start").is_not_null())
        .group_by(pl.col("start").dt.date().alias("day"))
        .agg(
            pl.len().alias("calls"), pl.col("bad").sum(), (pl.col("verdict") == "block").sum().alias("block")
        )
        .sort("day")
    )
    return [
        {"day": f"{day:%m-%d}", "block": block, **_share(bad, count)}
        for day, count, bad, block in table.rows()
    ]


def _people(calls: pl.DataFrame, column: str, title: Any = str) -> dict[str, Any]:
    """Shares by team, agent or industry; those with few calls together and without a name."""
    import polars as pl

    table = (
        calls.filter(pl.col(column) != "")
        .group_by(column)
        .agg(
            pl.len().alias("calls"), pl.col("bad").sum(), (pl.col("verdict") == "block").sum().alias("block")
        )
        .sort(["bad", "calls", column], descending=[True, True, False])
    )
    named = [row for row in table.rows() if row[1] >= LEAST_CALLS]
    few = [row for row in table.rows() if row[1] < LEAST_CALLS]
    rows = [{"name": title(name), "block": block, **_share(bad, count)} for name, count, bad, block in named]
    rows.sort(key=lambda row: (-row["low"], row["name"]))
    pooled = _share(sum(row[2] for row in few), sum(row[1] for row in few)) if few else None
    return {
        "rows": rows[:_PHRASES],
        "hidden": max(len(rows) - _PHRASES, 0),
        "few": len(few),
        "pooled": pooled,
    }


def _heat(calls: pl.DataFrame) -> dict[str, Any]:
    import polars as pl

    start = pl.col("start")
    table = (
        calls.filter(start.is_not_null())
        .group_by(start.dt.weekday().alias("weekday"), start.dt.hour().alias("hour"))
        .agg(pl.len().alias("calls"), pl.col("bad").sum())
    )
    cells = {(weekday, hour): _share(bad, count) for weekday, hour, count, bad in table.rows()}
    hours = sorted({hour for _, hour in cells})
    shown = range(hours[0], hours[-1] + 1) if hours else range(0)
    most = max((cell["share"] for cell in cells.values() if cell["total"] >= LEAST_CALLS), default=0.0)
    return {
        "hours": list(shown),
        "most": most,
        "rows": [
            {"name": f"周{name}", "cells": [cells.get((weekday, hour)) for hour in shown]}
            for weekday, name in enumerate(_WEEKDAYS, 1)
        ],
    }


def _phrases(findings: pl.LazyFrame, lexicon: Lexicon) -> list[dict[str, Any]]:
    import polars as pl

    table = (
        findings.filter(pl.col("text") != "")
        .group_by("text", "rule", "level")
        .agg(pl.col("call_id").n_unique().alias("calls"))
        .sort(["calls", "text", "rule"], descending=[True, False, False])
        .head(_PHRASES)
        .collect()
    )
    return [
        {
            "text": text,
            "rule": rule,
            "title": rule_title(lexicon, rule),
            "level": name_of(LEVEL_NAMES, level),
            "calls": count,
        }
        for text, rule, level, count in table.rows()
    ]


def _examples(findings: pl.LazyFrame, lexicon: Lexicon) -> list[dict[str, Any]]:
    """The first findings of the most frequent rules, with what was said around them."""
    import polars as pl

    frequent = (
        findings.group_by("rule")
        .agg(pl.len().alias("n"))
        .sort(["n", "rule"], descending=[True, False])
        .head(8)
        .collect()
    )
    out = []
    for rule in frequent["rule"]:
        rows = (
            findings.filter(pl.col("rule") == rule)
            .unique("context", keep="first", maintain_order=True)
            .head(_EXAMPLES)
            .select("call_id", "text", "context", "message", "basis")
            .collect()
        )
        out.append(
            {
                "rule": rule,
                "title": rule_title(lexicon, rule),
                "rows": [_marked(row) for row in rows.to_dicts()],
            }
        )
    return out


def _marked(row: dict[str, Any]) -> dict[str, Any]:
    """The context in three pieces: before, the words, after."""
    before, words, after = row["context"].partition(row["text"]) if row["text"] else (row["context"], "", "")
    return {**row, "before": before, "words": words, "after": after}


def _excused(findings: pl.LazyFrame) -> list[dict[str, Any]]:
    import polars as pl

    names = {item.id: item.name for item in load().exemptions}
    table = (
        findings.filter(pl.col("state") == "excused")
        .group_by("exemption")
        .agg(pl.len().alias("count"), pl.col("text").first(), pl.col("context").first())
        .sort(["count", "exemption"], descending=[True, False])
        .head(_TOP)
        .collect()
    )
    return [{**row, "name": names.get(row["exemption"], row["exemption"])} for row in table.to_dicts()]


def _records(records: pl.DataFrame) -> list[dict[str, Any]]:
    import polars as pl

    table = records.group_by("rule", maintain_order=True).agg(
        pl.len().alias("count"), pl.col("level").first(), pl.col("message").first(), pl.col("basis").first()
    )
    return [{**row, "level": name_of(LEVEL_NAMES, row["level"])} for row in table.to_dicts()]


def _rejects(out: Path) -> list[tuple[str, int]]:
    import polars as pl

    place = out / "rejects.jsonl"
    if not place.stat().st_size:
        return []
    reasons = (
        pl.read_ndjson(place)["reason"].value_counts().sort(["count", "reason"], descending=[True, False])
    )
    return [(str(reason), int(count)) for reason, count in reasons.rows()]


def _quality(
    calls: pl.DataFrame, findings: pl.LazyFrame, rejects: Sequence[tuple[str, int]], years: Collection[int]
) -> list[dict[str, Any]]:
    import polars as pl

    total = calls.height
    looks: Mapping[str, pl.Expr] = {
        "没有开始时间": pl.col("start").is_null(),
        "所在年份没有节假日安排（只按周末判断）": ~pl.col("start").dt.year().is_in(list(years)),
        "没有客户号码": pl.col("customer") == "",
        "没有坐席": pl.col("agent") == "",
        "没有同意标记": pl.col("consent").is_null(),
        "没有分出说话人": pl.col("turns") == 0,
        "行业不明": pl.col("industry") == "",
        "行业名不认识（按文字判断）": pl.col("unknown_industry") != "",
        "通话编号重复": pl.col("call_id").is_duplicated(),
    }
    counts = calls.select([look.sum().alias(name) for name, look in looks.items()]).row(0) if total else ()
    found = [{"name": name, **_share(int(count), total)} for name, count in zip(looks, counts)]
    unsure = findings.filter(pl.col("recognition").is_not_null()).select(pl.col("call_id").n_unique())
    found.append({"name": "有问题依据的词识别没有把握", **_share(unsure.collect().item(), total)})
    lost = sum(count for _, count in rejects)
    return [*found, {"name": "读不出来（见 rejects.jsonl）", **_share(lost, total + lost)}]


@lru_cache(maxsize=1)
def _template() -> Any:
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = lambda share: f"{100 * share:.1f}%"
    environment.filters["count"] = lambda number: f"{number:,}"
    source = (files("checker.batch") / "templates" / "summary.html.jinja").read_text(encoding="utf-8")
    return environment.from_string(source)


def _workbook(place: Path, found: Mapping[str, Any]) -> None:
    """The tables of the report as sheets."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(place), {"strings_to_formulas": False, "strings_to_urls": False})
    # The file says when it was made, else; results must not depend on that.
    book.set_properties({"created": datetime(2000, 1, 1)})
    head, share = (
        book.add_format({"bold": True, "bg_color": "#E8EEF4"}),
        book.add_format({"num_format": "0.0%"}),
    )

    def sheet(name: str, header: Sequence[str], rows: Sequence[Sequence[Any]], widths: Sequence[int]) -> None:
        page = book.add_worksheet(name)
        page.write_row(0, 0, header, head)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                page.write(number, column, value, share if isinstance(value, float) else None)
        for column, width in enumerate(widths):
            page.set_column(column, column, width)
        page.freeze_panes(1, 0)

    def people(table: Mapping[str, Any]) -> list[list[Any]]:
        rows = [
            [r["name"], r["total"], r["count"], r["share"], r["low"], r["high"], r["block"]]
            for r in table["rows"]
        ]
        if table["pooled"]:
            p = table["pooled"]
            few = f"不足{LEAST_CALLS}通的（{table['few']}个）合计"
            rows.append([few, p["total"], p["count"], p["share"], p["low"], p["high"], ""])
        return rows

    shares = ("有问题通数", "占比", "区间下限", "区间上限", "禁止级通数")
    sheet(
        "概况",
        ("结论", "通数", "占比"),
        [[v["name"], v["count"], v["share"]] for v in found["verdicts"]],
        (16, 12, 10),
    )
    for title, key in (("问题类别", "categories"), ("规则", "rules")):
        rows = [[r["id"], r["name"], r["count"], r["share"], r["findings"]] for r in found[key]]
        sheet(title, ("编号", "说明", "通数", "占比", "处数"), rows, (30, 60, 10, 10, 10))
    days = [
        [r["day"], r["total"], r["count"], r["share"], r["low"], r["high"], r["block"]] for r in found["days"]
    ]
    sheet("按天", ("日期", "通数", *shares), days, (12, 10, 12, 10, 10, 10, 12))
    for title, key in (("按团队", "teams"), ("按坐席", "agents"), ("按行业", "industries")):
        sheet(title, (title[1:], "通数", *shares), people(found[key]), (28, 10, 12, 10, 10, 10, 12))
    phrases = [[r["text"], r["calls"], r["level"], r["rule"], r["title"]] for r in found["phrases"]]
    sheet("高频问题话", ("原话", "通数", "级别", "规则", "说明"), phrases, (40, 10, 10, 30, 60))
    records = [[r["rule"], r["level"], r["count"], r["message"], r["basis"]] for r in found["records"]]
    sheet("拨打行为", ("规则", "级别", "通数", "例", "依据"), records, (34, 10, 10, 50, 60))
    excused = [[r["name"], r["count"], r["text"], r["context"]] for r in found["excused"]]
    sheet("已放行", ("放行理由", "处数", "例", "上下文"), excused, (28, 10, 24, 60))
    quality = [[r["name"], r["count"], r["share"]] for r in found["quality"]]
    sheet("数据质量", ("问题", "通数", "占比"), quality, (32, 10, 10))
    book.close()
