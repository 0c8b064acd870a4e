"""Guesses of industry and channel: when they are made, their reasons, and what they may not do."""

from __future__ import annotations

import pytest

from checker import Checker
from checker.detection import Detector
from checker.document import CHANNELS
from checker.lexicon import Lexicon
from checker.types import Level


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("家人们，直播间的福袋已经上链接了，公屏扣1", "live"),
        ("新店开业，全场有礼，拒收请回复R，回T退订", "sms"),
        ("我是智能语音助手，由机器人播报，需要人工请说转人工", "call_ai"),
        ("本群的群公告请看一下，发广告的群主会移出，@所有人", "im"),
        ("各位来宾，今天的讲座马上开始，请在会场签到", "offline_event"),
        ("详情页图片仅供参考，关注公众号阅读原文", "page"),
        ("您好，给您打电话是想问一下，现在方便接电话吗", "call_1to1"),
    ],
)
def test_words_tell_the_channel(checker: Checker, text: str, channel: str) -> None:
    report = checker.check(text)
    assert report.channel == channel
    assert report.channel_guess is not None
    assert report.channel_guess.value == channel
    assert report.channel_guess.words
    assert not report.channel_given


def test_a_text_that_tells_no_channel_is_taken_as_a_call_to_one_person(checker: Checker) -> None:
    report = checker.check("这款套餐每月三十九元")
    assert report.channel == CHANNELS[0]
    assert report.channel_guess is not None
    assert report.channel_guess.value is None


def test_what_the_user_says_is_not_guessed() -> None:
    report = Checker(industry="loan", channel="sms").check("家人们，直播间上链接，扣1，楼盘现房看房")
    assert (report.industry, report.channel) == ("loan", "sms")
    assert report.industry_guess is None
    assert report.channel_guess is None
    assert report.to_dict()["guesses"] == {}


def test_the_reasons_of_both_guesses_are_in_the_report(checker: Checker) -> None:
    guesses = checker.check("家人们，这款重疾险的保费、保额和犹豫期说一下，上链接，扣1").to_dict()["guesses"]
    assert guesses["industry"]["value"] == "insurance"
    assert {"重疾险", "保费", "保额"} <= set(guesses["industry"]["words"])
    assert guesses["channel"]["scores"]["live"] >= 3


def test_a_lead_that_is_too_small_is_no_guess() -> None:
    table = {"tea": {"words": {"龙井": 3}}, "wine": {"words": {"红酒": 3}}}
    detector = Detector([table], 3)
    (both,), (tea,) = detector.guesses("龙井和红酒"), detector.guesses("龙井")
    assert both.value is None
    assert both.scores == {"tea": 3, "wine": 3}
    assert (tea.value, tea.words) == ("tea", ("龙井",))


def test_a_word_counts_twice_at_most_and_only_within_one_text() -> None:
    table = {"tea": {"words": {"龙井": 1, "明前龙井茶叶礼盒": 5, "明前龙井茶叶礼盒装": 9}}}
    detector = Detector([table], 3)
    found = [detector.guesses(text) for text in ("龙井龙井龙井", "明前龙井茶叶礼盒", "明前龙井")]
    assert [guess.scores for (guess,) in found] == [{"tea": 2}, {"tea": 6}, {"tea": 1}]


def test_a_guess_alone_never_blocks(checker: Checker, lexicon: Lexicon) -> None:
    packs = {rule.id for rule in lexicon.rules if rule.industries and rule.level is Level.BLOCK}
    texts = [
        str(example["flags"]).replace("[[", "").replace("]]", "")
        for name in packs
        for example in lexicon.rule_by_id[name].examples
        if "flags" in example
    ]
    guessed = [f for report in checker.check_many(texts) for f in report.findings if f.rule_id in packs]
    assert guessed
    assert all(finding.level is not Level.BLOCK for finding in guessed)


def test_channels_of_the_table_are_those_of_documents(lexicon: Lexicon) -> None:
    assert set(lexicon.channels) == set(CHANNELS)
