"""The models of turns: what they hear, how well, and that the artifact is what the training file gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checker.data import folder
from checker.document import Document
from checker.lexicon import default
from checker.refusals import Refusals
from checker.said import Call, Memory
from checker.scene import Scene
from checker.turns import ARTIFACT, default_turns


@pytest.mark.parametrize("text", ["我们单位统一体检", "上次跟着你们亏了四万", "名额都用掉了"])
def test_a_no_without_the_word_is_heard(text: str) -> None:
    assert default_turns().customer.scores([text])[0] > 0


@pytest.mark.parametrize("text", ["三室两厅", "多少钱一年", "好的谢谢", "周六上午可以"])
def test_answers_and_questions_are_no_refusals(text: str) -> None:
    assert default_turns().customer.scores([text])[0] < -0.8


def test_an_empty_turn_has_a_score() -> None:
    assert -20 < default_turns().customer.scores([""])[0] < 20


def test_selling_on_and_closing_are_told_apart() -> None:
    sells, closes = default_turns().agent.scores(
        ["那也没关系，您先来看看，来了就有礼品", "好的，那就不打扰您了"]
    )
    assert sells > 0
    assert closes < -2


@pytest.fixture(scope="module")
def held_out() -> Any:
    pytest.importorskip("sklearn")
    from checker import turns_train

    return turns_train.held_out()


@pytest.mark.parametrize(("side", "floor"), [("customer", 0.83), ("agent", 0.84)])
def test_held_out_turns_are_told_apart(held_out: Any, side: str, floor: float) -> None:
    """Average precision when written: 0.86 and 0.87."""
    from sklearn.metrics import average_precision_score

    assert average_precision_score(*held_out.scores[side]) >= floor


def test_held_out_pushes_are_told_apart(held_out: Any) -> None:
    """Average precision when written: 0.95; recall 0.91 at precision 0.85."""
    from sklearn.metrics import average_precision_score

    from checker.turns_train import push_chances

    assert average_precision_score(held_out.pushes, push_chances(held_out)) >= 0.92


def test_the_last_model_weighs_what_the_course_of_a_call_shows() -> None:
    refusals = Refusals(default(), Memory())
    turns = [
        ("agent", "您好，我是安家装饰的小李"),
        ("customer", "我们租的房子"),
        ("agent", "租的也能装，您来看看"),
    ]
    (reading,) = refusals.readings(Call(Scene([Document.from_turns(turns)]), 0, Memory()))
    assert len(reading.features) == len(refusals.feature_names())
    with np.load(folder("models") / ARTIFACT) as arrays:
        assert arrays["push_hidden"].shape[0] == len(reading.features)


def test_the_artifact_is_what_the_training_files_give(tmp_path: Path, held_out: Any) -> None:
    from checker.turns_train import build

    build(tmp_path / ARTIFACT)
    with np.load(tmp_path / ARTIFACT) as new, np.load(folder("models") / ARTIFACT) as kept:
        assert np.allclose(new["push_hidden"], kept["push_hidden"], atol=0.05)
        for side in ("customer", "agent"):
            assert np.allclose(new[f"{side}_weights"], kept[f"{side}_weights"], atol=0.02)
