"""The evaluation counts rightly and its reports hold what they promise."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("sklearn", reason="evaluating needs scikit-learn: pip install 'huashu[train]'")

from checker.cli import main
from checker.evaluate import Evaluation, evaluate, to_html, to_markdown
from checker.pipeline import Checker
from checker.train import Example

EXAMPLES = [
    Example("我们是全国最好的保险公司", ("absolute",), "insurance"),
    Example("这个理财保本保息，您放心买", ("guarantee",), "finance"),
    Example("我们是全国最好的银行", ("price",), "finance"),
    Example("他说的那些话我听不太明白", ("pressure",), None),
    Example("请问是张先生吗", (), None),
    Example("您下午三点方便吗", (), "insurance"),
    Example("理财有风险，投资须谨慎", (), "finance"),
    Example("我们的服务是全国第一的", (), None),
]


@pytest.fixture(scope="module")
def result() -> Evaluation:
    return evaluate(EXAMPLES, Checker(rewrites=False))


def test_whole_counts(result: Evaluation) -> None:
    assert (result.whole.right, result.whole.missed, result.whole.wrong) == (3, 1, 1)
    assert result.whole.precision == result.whole.recall == 0.75
    assert (result.innocent, result.flagged) == (4, 1)


def test_categories_industries_and_confusions(result: Evaluation) -> None:
    assert result.by_category["guarantee"].right == 1
    assert result.by_category["price"].missed == 1
    assert result.by_industry["finance"].right == 2
    assert result.confusions["price", "absolute"] == 1


def test_errors_are_the_missed_and_the_false(result: Evaluation) -> None:
    assert {error["text"] for error in result.errors} == {EXAMPLES[3].text, EXAMPLES[7].text}
    distances = [error["distance"] for error in result.errors]
    assert distances == sorted(distances, reverse=True)


def test_violations_no_rule_touches_are_counted_apart(result: Evaluation) -> None:
    assert result.model_beyond_rules["violations"] == 1
    assert result.model["violations"] == 4


def test_markdown_shows_every_table(result: Evaluation) -> None:
    text = to_markdown(result)
    for title in (
        "Whole",
        "False alarms",
        "By category",
        "By industry",
        "Model alone",
        "Confusions",
        "Worst",
    ):
        assert f"## {title}" in text
    assert "0.750 [0.301, 0.954]" in text
    assert result.digest in text


def test_html_plots_are_well_formed_and_escaped() -> None:
    page = to_html(evaluate([*EXAMPLES, Example("<b>最好</b>的课程一定过", ())], Checker(rewrites=False)))
    assert "<b>" not in page
    plots = re.findall(r"<svg.*?</svg>", page)
    assert len(plots) == 3
    for plot in plots:
        assert ElementTree.fromstring(plot).tag == "svg"
    assert "<script" not in page
    assert "http" not in page


def test_the_command_writes_a_report(tmp_path: Path, capsys) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "我们是全国最好的公司", "labels": ["absolute"]}\n', encoding="utf-8")
    assert main(["evaluate", str(rows)]) == 0
    assert "# Evaluation" in capsys.readouterr().out
    page = tmp_path / "page.html"
    assert main(["evaluate", str(rows), "--format", "html", "--output", str(page)]) == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(["evaluate", str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err
