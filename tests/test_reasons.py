"""Every exemption tried says what it lacked or held by, in words that are true of the text."""

from __future__ import annotations

import json
import pickle
import re

import pytest

from checker import Attempt, Checker, Finding, Report
from checker.lexicon import load
from checker.lint import unmark
from checker.normalize import SLOT
from checker.report import FORMATS, RenderOptions
from checker.types import Attempts


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(rewrites=False)


def tried(report: Report, exemption: str) -> Attempt:
    finding: Finding = (*report.findings, *report.excused)[0]
    return next(a for a in finding.explanation.exemptions if a.exemption == exemption)


@pytest.mark.parametrize(
    ("text", "exemption", "says"),
    [
        # what is missing
        ("据欧睿二零二四年数据，该品牌在中国线上零售额排名第一", "sourced-fact", "没有出处"),
        ("这个套餐的价格最便宜", "self-comparison", "没有“我们这几款里”一类自家商品之间比较的范围词"),
        ("这款理财稳赚不赔", "negation", "没有否定它的词"),
        # what stands against it, and where
        ("我们立志成为行业第一，现在已经做到了", "wish-aim", "本句有“现在已经做到”"),
        # words of it are there but belong to other words
        ("如果您跟着做，稳赚不赔", "conditional", "没有与它同在一小句的假设、让步词"),
        ("别信他们的，来我们家，价格最实惠", "warning", "有“别信”，但没有直接针对它的"),
    ],
)
def test_a_failed_exemption_says_which_condition_failed_and_on_what(
    checker: Checker, text: str, exemption: str, says: str
) -> None:
    attempt = tried(checker.check(text), exemption)
    assert not attempt.excused
    assert says in attempt.reason


def test_what_excuses_says_by_which_words(checker: Checker) -> None:
    report = checker.check("我们立志成为行业第一，现在还在路上")
    assert tried(report, "wish-aim").reason == "有“立志成为行业”"


def test_the_nearest_exemption_is_shown_first_and_differs_from_text_to_text(checker: Checker) -> None:
    shown = set()
    for text in (
        "我们立志成为行业第一，现在已经做到了",
        "据去年的数据，我们销量全国第一",
        "谨防假冒，我们才是行业第一",
    ):
        out = FORMATS["console"].render([checker.check(text)], options=RenderOptions())
        shown.add(re.search("最接近的是：([^（]+)", out)[1])  # type: ignore[index]
    assert len(shown) == 3


def test_every_reason_quotes_words_of_the_text(checker: Checker) -> None:
    texts = [
        unmark(example[kind])[0]
        for exemption in load(examples=True).exemptions
        for example in exemption.examples[::3]
        for kind in ("flags", "excused")
        if kind in example
    ]
    for text, report in zip(texts, checker.check_many(texts)):
        for finding in (*report.findings, *report.excused):
            if finding.explanation.view != "plain":
                continue
            for attempt in finding.explanation.exemptions:
                assert attempt.reason, (text, attempt)
                assert "语境不符" not in attempt.reason
                quoted = re.match("有((?:“[^”]*”、?)+)", attempt.reason)
                for words in re.findall("“([^”]*)”", quoted[1]) if quoted else ():
                    for piece in words.split("…"):
                        assert piece.strip() in text.lower().replace("“", '"').replace("”", '"'), attempt


def test_every_condition_of_several_has_a_name() -> None:
    for exemption in load().exemptions:
        assert exemption.signs, exemption.id
        for conditions, says in zip(exemption.any, exemption.says):
            wanted = {name for name in conditions if not name.startswith("not_")}
            assert len(wanted) == 1 or set(says) == wanted, (exemption.id, conditions)


def test_what_fired_is_words_and_the_pattern_is_named(checker: Checker) -> None:
    finding = checker.check("我们是全国第一品牌").findings[0]
    assert finding.explanation.fired == finding.matched
    assert re.fullmatch(rf"{finding.rule_id}#\d+", finding.explanation.pattern)


@pytest.mark.parametrize(
    "text", ["今天不买{产品}明天就没了", "这是全国第{X}一的品牌", "今天不买{产品}日月天就没了"]
)
def test_a_slot_is_shown_as_it_is_written_or_as_dots(checker: Checker, text: str) -> None:
    report = checker.check(text)
    assert report.findings
    assert SLOT not in json.dumps(report.to_dict(), ensure_ascii=False)
    for finding in report.findings:
        if finding.explanation.view == "plain":
            assert finding.explanation.read_as == ""


def test_reasons_are_found_when_read_and_survive_pickling() -> None:
    asked: list[int] = []

    def make() -> tuple[Attempt, ...]:
        asked.append(1)
        return (Attempt("a", "甲", False, "没有"),)

    attempts = Attempts((Attempt("a", "甲", False, ""),), make)
    assert len(attempts) == 1
    assert not asked
    assert attempts[0].reason == "没有"
    assert pickle.loads(pickle.dumps(attempts)) == (Attempt("a", "甲", False, "没有"),)
    assert asked == [1]
