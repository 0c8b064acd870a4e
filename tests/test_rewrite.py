"""Rewrites: grammar, proof in sentence and dialogue, ranking, whole texts."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from checker import Apply, Checker, Document
from checker.data import folder
from checker.lexicon import default
from checker.lint import unmark
from checker.rewrite import best
from checker.rewrite.apply import apply_rewrites, without_repeats
from checker.rewrite.grammar import clause_spans, dropped_facts
from checker.rewrite.operations import Draft
from checker.rewrite.proof import changed
from checker.rewrite.ranking import Ranker
from checker.types import Rewrite, Span

DATA = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "rewrites.jsonl").read_text("utf-8").splitlines()
]
CHECKERS = {name: Checker(industry=name) for name in sorted({row["industry"] for row in DATA})}


def suggestion(text: str, industry: str | None = None) -> str:
    """The text with the best rewrites of all its findings."""
    checker = CHECKERS.get(industry or "") or CHECKERS["ecommerce"]
    return checker.check(text).rewritten


@pytest.mark.parametrize(
    ("text", "industry", "wanted"),
    [
        ("这款净水器是市面上最好的", "ecommerce", "这款净水器是不错的"),
        ("我们有最好的滤芯材料", "ecommerce", "我们有不错的滤芯材料"),
        ("这个套餐价格最便宜", "ecommerce", "这个套餐价格比较实惠"),
        ("深圳目前最大水缸出售", "ecommerce", "深圳目前比较大的水缸出售"),
        ("我们这个班包过", "education", "我们这个班，按考纲系统讲解和练习，结果因人而异"),
        ("您放心，这个理财保本保息", "finance", "您放心，这个理财有风险，也可能亏损"),
        ("98%的客户都续费了", "ecommerce", "不少客户都续费了"),
        ("原价三千，今天只要一千八", "ecommerce", "现在的价格是一千八"),
    ],
)
def test_the_claim_is_said_as_a_salesperson_may_say_it(text: str, industry: str, wanted: str) -> None:
    assert suggestion(text, industry) == wanted


def test_every_entry_of_the_choices_is_complete() -> None:
    assert len(DATA) >= 400
    assert len({row["sentence"] for row in DATA}) == len(DATA)
    for row in DATA:
        assert row["acceptable"]
        assert all(item["why"] for item in row["unacceptable"])


def test_the_best_suggestion_is_close_to_what_we_accept_and_never_what_we_do_not() -> None:
    close = bad = found = 0
    for row in DATA:
        report = CHECKERS[row["industry"]].check(row["sentence"])
        if not report.findings:
            continue
        found += 1
        text = report.rewritten
        bad += any(text == item["text"] for item in row["unacceptable"])
        close += any(SequenceMatcher(None, text, wanted).ratio() >= 0.6 for wanted in row["acceptable"])
    assert found >= 360
    assert bad == 0
    assert close / found >= 0.8


def test_fluency_tells_a_whole_sentence_from_a_scar() -> None:
    """Accepted wordings against those we refused because their grammar is broken."""
    ranker = Ranker.load()
    right = total = 0
    for row in DATA:
        text = row["sentence"]
        scars = [
            item["text"] for item in row["unacceptable"] if "完整" in item["why"] or "语法" in item["why"]
        ]
        for good, scar in itertools.product(row["acceptable"], scars):
            costs = [
                ranker.cost(text, Draft(Span(0, len(text)), words, "words", 0)) + _mean(ranker, words)
                for words in (good, scar)
            ]
            right += costs[0] < costs[1]
            total += 1
    assert right / total >= 0.6


def _mean(ranker: Ranker, text: str) -> float:
    assert ranker._fluency is not None
    costs = ranker._fluency.costs(text)
    return sum(costs) / len(costs)


def test_shown_suggestions_of_the_choices_check_clean_in_every_industry_they_were_made_for() -> None:
    for row in DATA[::7]:
        checker = CHECKERS[row["industry"]]
        report = checker.check(row["sentence"])
        before = Counter(f.rule_id for f in report.findings)
        for finding in report.findings:
            for rewrite in finding.rewrites:
                if rewrite.apply is Apply.MANUAL and rewrite.text == finding.matched:
                    continue
                text = apply_rewrites(row["sentence"], [rewrite])
                after = Counter(f.rule_id for f in checker.check(text).findings)
                assert after[finding.rule_id] < before[finding.rule_id], (row["sentence"], rewrite)
                assert not after - before, (row["sentence"], rewrite)


def test_most_findings_of_the_lexicon_examples_get_words_or_a_question() -> None:
    checker = CHECKERS["ecommerce"]
    found = offered = real = 0
    for rule in default().rules[::6]:
        for example in rule.examples:
            if "flags" not in example or rule.missing:
                continue
            industry = example.get("industry") or next(iter(rule.industries), None)
            document = Document.from_text(unmark(example["flags"])[0], industry=industry)
            for finding in checker.check(document).findings:
                found += 1
                offered += bool(finding.rewrites)
                real += best(finding) is not None
    assert found > 100
    assert offered / found >= 0.9
    assert real / found >= 0.6


def test_two_claims_of_one_sentence_are_fixed_together() -> None:
    report = CHECKERS["education"].check("我们的课程是全国第一品牌，包过，98%的学员都上岸了。")
    assert len(report.findings) >= 3
    again = CHECKERS["education"].check(report.rewritten)
    assert not again.findings
    assert not report.rewriting.open


def test_what_may_not_be_offered_is_left_to_a_person() -> None:
    report = CHECKERS["ecommerce"].check("代孕包成功")
    assert any(finding.category == "prohibited" for finding in report.rewriting.open)


def test_a_rewrite_holds_in_its_dialogue() -> None:
    document = Document.from_turns(
        [
            ("agent", "您好，我是某某财富的小李，想给您介绍一款理财"),
            ("customer", "你说"),
            ("agent", "保本保息，您放心"),
        ]
    )
    report = CHECKERS["finance"].check(document)
    before = Counter(f.rule_id for f in report.findings)
    for finding in report.findings:
        for rewrite in finding.rewrites:
            if rewrite.text == finding.matched:
                continue
            after = Counter(
                f.rule_id for f in CHECKERS["finance"].check(changed(document, [rewrite])).findings
            )
            assert not after - (before - Counter({finding.rule_id: 1}))


def test_what_a_rewrite_drops_is_told() -> None:
    assert dropped_facts("三个月回本，投入20万", "收入不作保证") == ["20万", "三个月"] or set(
        dropped_facts("三个月回本，投入20万", "收入不作保证")
    ) == {"20万", "三个月"}
    finding = CHECKERS["franchise"].check("投入20万三个月就能回本").findings[0]
    assert any("会去掉" in rewrite.note for rewrite in finding.rewrites)


def test_turns_move_along_with_the_words() -> None:
    document = Document.from_turns([("agent", "甲乙丙"), ("customer", "丁"), ("agent", "戊己")])
    after = changed(
        document, [Rewrite(Span(1, 2), "很长的", Apply.SUGGEST), Rewrite(Span(6, 7), "", Apply.SUGGEST)]
    )
    assert [after.text[turn.span.start : turn.span.end] for turn in after.turns] == ["甲很长的丙", "丁", "己"]


def test_a_comma_in_a_figure_ends_no_clause() -> None:
    text = "每年10,000元，三年后领取"
    clauses = [text[span.start : span.end] for span in clause_spans(text, Span(0, len(text)))]
    assert clauses == ["每年10,000元", "三年后领取"]


def test_a_statement_is_not_said_twice() -> None:
    assert without_repeats("这款霜，效果因人而异，效果因人而异。") == "这款霜，效果因人而异。"


def test_the_fluency_model_is_small_and_plain() -> None:
    data = (folder("models") / "fluency.npz").read_bytes()
    assert len(data) < 1_000_000
    Ranker.load()


@pytest.mark.parametrize("rule", [rule for rule in default().rules if rule.missing], ids=lambda rule: rule.id)
def test_a_required_statement_fulfils_its_own_duty(rule: object) -> None:
    """What a rule would insert is accepted by the patterns of the same rule."""
    from checker.matching import found_any
    from checker.normalize import plain_view

    for option in rule.rewrites:  # type: ignore[attr-defined]
        if option["insert"]:
            shown = plain_view(Document(text=option["insert"]), []).text
            assert found_any(rule.missing.say, shown), option["insert"]  # type: ignore[attr-defined]
