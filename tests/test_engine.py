"""Candidates, overlaps, speakers, views, channels, industries: with a small lexicon of our own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from checker.document import Document
from checker.pipeline import Checker
from checker.types import Level, State, Verdict

RULES = """
rules:
  - id: absolute/house-first
    level: block
    match:
      terms: [宇宙头名, 头名]
      patterns: ['{scope}(?P<hit>头名)']
    message: “{matched}”是绝对化用语
    why: 无法证明
    basis: [ad-law-9-3, aucl-9-1]
    rewrite: {words: 不错, apply: safe}
    examples:
      - flags: 这是[[宇宙头名]]的茶
      - passes: 这是茶
        because: 没有比较
  - id: guarantee/house-principal
    level: block
    match: {terms: [护本]}
    message: “{matched}”承诺了结果
    why: 无法保证
    basis: [ad-law-25-1]
    examples:
      - flags: 这款[[护本]]
      - passes: 爱护本次活动的设施
        because: 跨词边界
  - id: pressure/house-push
    level: review
    match:
      terms: [转个圈]
      near: {cues: ['不需要'], within: previous_turn}
    message: 客户拒绝后继续推销
    why: 客户已经拒绝
    basis: [CD-refusal]
    examples:
      - flags: "客户：不需要\\n客服：您[[转个圈]]"
      - passes: "客户：好的\\n客服：您转个圈"
        because: 客户没有拒绝
  - id: price/house-only-loan
    level: block
    industries: [loan]
    channels: [sms]
    match: {terms: [零息费]}
    message: “{matched}”隐瞒费用
    why: 隐瞒费用
    basis: [loan-1]
    examples:
      - flags: 借款[[零息费]]
      - passes: 借款有利息
        because: 说了利息
"""


@pytest.fixture
def house(lexicon_folder: Callable[[str], str]) -> Callable[..., Checker]:
    folder = lexicon_folder(RULES)

    def make(**options: object) -> Checker:
        return Checker(lexicons=[folder], **options)  # type: ignore[arg-type]

    return make


def found(checker: Checker, text: str | Document) -> list[tuple[str, str]]:
    return [(f.rule_id, f.matched) for f in checker.check(text).findings if "house" in f.rule_id]


@pytest.mark.parametrize(
    "text",
    [
        "宇宙头名",
        "宇 宙 头 名",
        "宇宙\u200b头名",
        "宇宙頭名",
        "宇*宙*头*名",
        "宇宙嗯头名",
        "宇宙头头名",
        "😀宇宙😊头名",
    ],
)
def test_a_disguised_term_is_found_where_it_stands(house: Callable[..., Checker], text: str) -> None:
    report = house().check(f"这是{text}的茶")
    finding = next(f for f in report.findings if f.rule_id == "absolute/house-first")
    assert finding.matched == report.document.text[finding.span.start : finding.span.end]
    assert finding.matched == text.removeprefix("😀")


def test_the_view_and_the_reading_are_explained(house: Callable[..., Checker]) -> None:
    finding = house().check("这是宇 宙 头 名的茶").findings[0]
    assert finding.explanation.view == "inserted"
    assert finding.explanation.read_as == "宇宙头名"


def test_a_term_that_cuts_a_word_is_no_match(house: Callable[..., Checker]) -> None:
    assert found(house(), "请爱护本次活动的设施") == []
    assert found(house(), "这款护本") == [("guarantee/house-principal", "护本")]


def test_only_the_seller_is_judged(house: Callable[..., Checker]) -> None:
    document = Document.from_turns([("customer", "这款护本吗"), ("agent", "护本"), ("unknown", "护本")])
    report = house().check(document)
    turns = [f.turn for f in report.findings if f.rule_id == "guarantee/house-principal"]
    assert turns == [1, 2]


def test_an_unknown_speaker_is_judged_with_less_confidence(house: Callable[..., Checker]) -> None:
    report = house().check(Document.from_turns([("agent", "护本"), ("unknown", "护本")]))
    first, second = (f for f in report.findings if f.rule_id == "guarantee/house-principal")
    assert second.confidence < first.confidence


def test_pushing_on_counts_only_after_a_refusal(house: Callable[..., Checker]) -> None:
    refused = Document.from_turns([("customer", "不需要"), ("agent", "您转个圈")])
    agreed = Document.from_turns([("customer", "好的"), ("agent", "您转个圈")])
    assert found(house(), refused) == [("pressure/house-push", "转个圈")]
    assert found(house(), agreed) == []


def test_industry_and_channel_gate_a_rule(house: Callable[..., Checker]) -> None:
    assert found(house(industry="loan", channel="sms"), "借款零息费") == [("price/house-only-loan", "零息费")]
    assert found(house(industry="loan"), "借款零息费") == []
    assert found(house(industry="travel", channel="sms"), "借款零息费") == []


def test_a_guessed_industry_never_blocks(house: Callable[..., Checker]) -> None:
    text = "借款放款贷款利率额度征信，这笔借款零息费"
    report = house(channel="sms").check(text)
    assert report.industry == "loan"
    assert not report.industry_given
    levels = {f.level for f in report.findings if f.rule_id == "price/house-only-loan"}
    assert levels == {Level.REVIEW}


def test_a_penalty_is_shown_only_where_its_law_governs(house: Callable[..., Checker]) -> None:
    def penalty(channel: str) -> str:
        report = house(channel=channel).check("这是宇宙头名的茶")
        finding = next(f for f in report.findings if f.rule_id == "absolute/house-first")
        return next(basis.penalty for basis in finding.basis if basis.id == "ad-law-9-3")

    assert penalty("call_1to1") == ""
    assert "万" in penalty("sms")


def test_an_allowed_phrase_beats_the_word_inside_it(
    house: Callable[..., Checker], lexicon_folder: Callable[..., str]
) -> None:
    folder = lexicon_folder("allow: [宇宙头名茶馆]", name="allow.yaml")
    checker = Checker(lexicons=[folder])
    assert found(checker, "欢迎来到宇宙头名茶馆") == []
    assert found(checker, "这是宇宙头名的茶") != []


def test_user_lexicons_disable_rules_and_change_levels(lexicon_folder: Callable[..., str]) -> None:
    folder = lexicon_folder(RULES)
    lexicon_folder(
        "disable: [guarantee/house-principal]\nlevels: {absolute/house-first: hint}", name="own.yaml"
    )
    report = Checker(lexicons=[folder]).check("这是宇宙头名的茶，护本")
    mine = {f.rule_id: f.level for f in report.findings if "house" in f.rule_id}
    assert mine == {"absolute/house-first": Level.HINT}


def test_identical_sentences_give_identical_findings_and_different_fingerprints(
    house: Callable[..., Checker],
) -> None:
    report = house().check("这款护本。这款护本。")
    mine = [f for f in report.findings if f.rule_id == "guarantee/house-principal"]
    assert [f.span for f in mine] == [(2, 4), (7, 9)]
    assert len({f.fingerprint for f in mine}) == 2


def test_a_fingerprint_survives_edits_elsewhere(house: Callable[..., Checker]) -> None:
    before = house().check("这款护本。").findings[0]
    after = next(
        f for f in house().check("您好。今天天气不错。\n这款护本。").findings if "house" in f.rule_id
    )
    assert before.fingerprint == after.fingerprint


def test_a_safe_rewrite_is_proven_and_applied(house: Callable[..., Checker]) -> None:
    report = house().check("这是宇宙头名的茶")
    assert report.verdict is Verdict.BLOCK
    assert report.rewritten == "这是不错的茶"


def test_excused_candidates_stay_visible(checker: Checker) -> None:
    report = checker.check("我们不承诺保本，收益也不保证。")
    assert report.verdict is Verdict.PASS
    assert any(f.state is State.EXCUSED and "保本" in f.matched for f in report.excused)
    assert all(f.exemption is not None for f in report.excused)


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "😀", "\ud800最好", "\x00", "。。。。", "最" * 5000, "{" * 200]
)
def test_no_text_raises(checker: Checker, text: str) -> None:
    report = checker.check(text)
    for finding in report.findings:
        assert finding.matched == text[finding.span.start : finding.span.end]


def test_threads_that_share_an_engine_do_not_lose_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.engine._CACHE_SIZE", 3)
    checker = Checker(rewrites=False)
    texts = [f"第{number}位客户您好，这款理财稳赚不赔。谢谢您。" for number in range(40)]
    expected = [report.findings for report in map(checker.check, texts)]
    with ThreadPoolExecutor(4) as pool:
        assert [report.findings for report in pool.map(checker.check, texts * 3)] == expected * 3
