"""Findings that rest on words the recogniser was unsure of do not block; others are as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checker.document import Document
from checker.live import LiveCall
from checker.pipeline import Checker
from checker.readers import read_bytes
from checker.types import Finding, Level

CHECKER = Checker(rewrites=False)
WORDS = ("这款", "产品", "稳赚不赔", "您", "放心")
SEGMENT = "这款产品稳赚不赔，您放心"


def objects(word: str, confidence: str, low: float, text: Any = str) -> list[dict[str, Any]]:
    return [{word: said, confidence: text(low if said == "稳赚不赔" else 0.97)} for said in WORDS]


def whisper(low: float) -> dict[str, Any]:
    words = [
        {**item, "start": n, "end": n + 0.5}
        for n, item in enumerate(objects("word", "probability", low, float))
    ]
    return {
        "text": SEGMENT,
        "segments": [{"id": 0, "start": 0.0, "end": 3.0, "text": SEGMENT, "words": words}],
    }


def whisperx(low: float) -> dict[str, Any]:
    return {
        "segments": [
            {"start": 0.0, "end": 3.0, "text": SEGMENT, "words": objects("word", "score", low, float)}
        ]
    }


def funasr(low: float) -> dict[str, Any]:
    """Sentences with their words and figures side by side."""
    figures = [low if word == "稳赚不赔" else 0.97 for word in WORDS]
    sentence = {
        "text": SEGMENT,
        "start": 0,
        "end": 3000,
        "spk": 0,
        "words": list(WORDS),
        "confidence": figures,
    }
    return {"text": SEGMENT, "sentence_info": [sentence]}


def text_figures(low: float) -> dict[str, Any]:
    """Figures as text, sentences under another name."""
    words = objects("wordsName", "wc", low)
    sentence = {"onebest": SEGMENT, "bg": "0", "ed": "3000", "speaker": "1", "wordsResultList": words}
    return {"sentences": [sentence]}


def whole_turn(low: float) -> dict[str, Any]:
    return {"turns": [{"role": "客服", "text": SEGMENT, "confidence": low}]}


SHAPES = [whisper, whisperx, funasr, text_figures, whole_turn]


def found(document: Document, rule: str = "guarantee/sure-profit") -> Finding:
    (finding,) = [item for item in CHECKER.check(document).findings if item.rule_id == rule]
    return finding


@pytest.mark.parametrize("shape", SHAPES)
def test_unsure_words_of_recognisers_do_not_block(shape: Any) -> None:
    (unsure,) = read_bytes(json.dumps(shape(0.31), ensure_ascii=False).encode(), "a.json")
    finding = found(unsure)
    assert finding.level is Level.REVIEW
    assert "听录音" in finding.message
    assert any("31%" in note for note in finding.explanation.notes)
    assert CHECKER.check(unsure).verdict.value != "block"


@pytest.mark.parametrize("shape", SHAPES)
def test_sure_words_of_recognisers_block(shape: Any) -> None:
    (sure,) = read_bytes(json.dumps(shape(0.93), ensure_ascii=False).encode(), "a.json")
    assert not sure.unsure
    assert found(sure).level is Level.BLOCK
    assert "听录音" not in found(sure).message


def test_unsure_words_elsewhere_change_nothing() -> None:
    document = Document.from_turns(
        [{"speaker": "agent", "text": SEGMENT, "words": [("产品", 0.1), ("稳赚不赔", 0.98), ("放心", 0.2)]}]
    )
    assert [document.text[item.span.start : item.span.end] for item in document.unsure] == ["产品", "放心"]
    assert found(document).level is Level.BLOCK
    assert found(document) == found(Document.from_turns([("agent", SEGMENT)]))


def test_a_reply_rests_on_the_words_of_the_refusal() -> None:
    turns = [
        {"speaker": "agent", "text": "您好，我是明远教育的小周，想给您介绍一下暑假班"},
        {"speaker": "customer", "text": "别再给我打电话了", "words": [("别再给我打电话了", 0.2)]},
        {"speaker": "agent", "text": "您先听我说完，就耽误您一分钟"},
    ]
    rule = "nuisance/after-opt-out"
    assert found(Document.from_turns(turns), rule).level is Level.REVIEW
    turns[1] = {"speaker": "customer", "text": "别再给我打电话了", "words": [("别再给我打电话了", 0.9)]}
    assert found(Document.from_turns(turns), rule).level is Level.BLOCK


def test_a_missing_statement_may_have_been_said_where_much_was_not_heard() -> None:
    opening = "您好我这边是做贷款的想问一下您最近有没有贷款的需要"
    turns: list[dict[str, Any]] = [
        {"speaker": "agent", "text": opening},
        {"speaker": "customer", "text": "没有"},
        {"speaker": "agent", "text": "好的"},
        {"speaker": "customer", "text": "嗯"},
        {"speaker": "agent", "text": "那您名下有没有房产呢"},
    ]
    rule = "disclosure/no-company"
    assert "听录音" not in found(Document.from_turns(turns), rule).message
    turns[0]["words"] = [("您好我这边是做贷款的", 0.1), ("想问一下", 0.9)]
    assert "听录音" in found(Document.from_turns(turns), rule).message


def test_a_running_call_takes_words_with_their_confidence() -> None:
    call = LiveCall(Checker(rewrites=False))
    update = call.final("agent", SEGMENT, words=[("这款产品", 0.9), ("稳赚不赔", 0.3)])
    assert [str(finding.level) for finding in update.added] == ["review"]


def test_the_batch_says_what_rests_on_unsure_words(tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    from checker.batch.run import BatchOptions, run_batch

    folder = tmp_path / "calls"
    folder.mkdir()
    for name, low in (("a", 0.31), ("b", 0.93)):
        (folder / f"{name}.json").write_text(json.dumps(whisper(low), ensure_ascii=False), encoding="utf-8")
    run_batch(folder, tmp_path / "out", BatchOptions(jobs=1))
    table = pl.read_parquet(tmp_path / "out" / "findings.parquet").filter(pl.col("text") == "稳赚不赔")
    assert table.select("call_id", "level", "recognition").rows() == [
        ("a.json", "review", 0.31),
        ("b.json", "block", None),
    ]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "有问题依据的词识别没有把握" in page


def test_figures_nobody_filled_in_say_nothing() -> None:
    turn = {"role": "客服", "text": SEGMENT, "words": objects("word", "confidence", 0.0, lambda _: 0)}
    (document,) = read_bytes(json.dumps({"turns": [turn]}, ensure_ascii=False).encode(), "a.json")
    assert not document.unsure
