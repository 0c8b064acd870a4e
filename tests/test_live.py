"""A running call: partial turns are replaced, duties wait for their time, advice comes at once."""

from __future__ import annotations

import json

import pytest

from checker.document import Document
from checker.live import LiveCall
from checker.pipeline import Checker

CHECKER = Checker()
TURNS = [
    ("agent", "您好，我这边是做贷款的，请问您最近有贷款的需要吗"),
    ("customer", "不需要"),
    ("agent", "您先别急着拒绝，利息很低"),
    ("customer", "别再打了"),
    ("agent", "就耽误您一分钟"),
]


def test_partial_is_replaced_by_final() -> None:
    call = LiveCall(CHECKER)
    first = call.partial("agent", "这款产品稳赚不赔")
    assert first.provisional
    assert [finding.matched for finding in first.added] == ["稳赚不赔"]
    second = call.final("agent", "这款产品问转部陪您")
    assert not second.provisional
    assert [finding.matched for finding in second.removed] == ["稳赚不赔"]
    assert call.document.text == "这款产品问转部陪您"


def test_customers_partial_does_not_replace_the_agents() -> None:
    call = LiveCall(CHECKER)
    call.partial("agent", "您好")
    call.partial("customer", "喂")
    call.final("agent", "您好，我是某某公司的小李")
    call.final("customer", "喂，你好")
    assert [turn.speaker for turn in call.document.turns] == ["agent", "customer"]


def test_duty_is_reported_when_its_time_runs_out() -> None:
    call = LiveCall(CHECKER)
    seen = []
    for number, (speaker, text) in enumerate(TURNS):
        update = call.final(speaker, text)
        if any(finding.rule_id == "disclosure/no-company" for finding in update.added):
            seen.append(number)
    ended = call.end()
    assert seen == []  # four agent turns are allowed; three were said
    assert "disclosure/no-company" in {finding.rule_id for finding in ended.added}


def test_duty_past_its_time_is_reported_while_the_call_goes_on() -> None:
    call = LiveCall(CHECKER)
    found = [call.final(*turn) for turn in TURNS]
    found.append(call.final("agent", "您名下有房吗"))
    assert "disclosure/no-company" in {finding.rule_id for finding in found[-1].added}


def test_whole_call_ends_with_the_findings_of_the_batch() -> None:
    call = LiveCall(CHECKER)
    for speaker, text in TURNS:
        call.partial(speaker, text[:3])
        call.final(speaker, text)
    call.end()
    expected = CHECKER.check(Document.from_turns(TURNS)).to_dict()
    assert call.report().to_dict() == expected


def test_advice_follows_the_customers_words() -> None:
    call = LiveCall(CHECKER)
    call.final("agent", "您好，我是某某公司的小李")
    update = call.final("customer", "别再给我打电话了")
    assert update.customer == ("opts-out",)
    assert "登记" in update.advice
    json.dumps(update.to_dict())


def test_numbers_are_masked_and_an_ended_call_takes_no_more() -> None:
    call = LiveCall(CHECKER)
    update = call.final("agent", "您的身份证号是11010519491231002X对吧")
    assert "19491231" not in json.dumps(update.to_dict())
    call.end()
    with pytest.raises(ValueError, match="ended"):
        call.final("agent", "喂")
