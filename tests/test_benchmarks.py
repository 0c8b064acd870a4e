"""The measurements run, and their page says what their figures say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import growth, report, stages
from benchmarks.plot import chart
from benchmarks.text import paragraphs

HERE = Path(report.__file__).parent


def test_the_page_holds_the_figures_that_were_measured() -> None:
    results = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    assert set(report.PARTS) <= results.keys()
    page = (HERE / "README.md").read_text(encoding="utf-8")
    for name, table in report._tables(results).items():
        assert f"<!-- {name} -->\n\n{table}\n\n<!-- /{name} -->" in page, name
    for name, svg in report._plots(results).items():
        assert (HERE / f"{name}.svg").read_text(encoding="utf-8") == svg, name


def test_small_measurements_run() -> None:
    rows = growth.length(0.005, 1)
    assert [row["bytes"] for row in rows] == [1024, 2048, 4096]
    assert all(row["archive"] > 0 and row["single"] > 0 for row in rows)
    one, two = growth.terms((1, 2), 1)
    assert two["terms"] == 2 * one["terms"]
    (few, many) = growth.findings((0.0, 1.0), 1)
    assert few["findings"] < many["findings"]
    assert sum(stages.shares(paragraphs(20), rewrites=False, runs=3).values()) == pytest.approx(1)


def test_a_chart_holds_every_point_and_name() -> None:
    svg = chart("a < b", "x", "y", {"one": [(1, 2), (10, 20), (100, 200)], "two": [(1, 5)]})
    assert svg.count("<circle") == 4
    assert "a &lt; b" in svg
    assert all(0 <= float(x) <= 640 for x in re.findall(r'cx="([\d.]+)"', svg))
