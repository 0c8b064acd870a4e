"""The models of turns: what they hear, how well, and that the artifact is what the training file gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from checker.data import folder
from checker.turns import ARTIFACT, SIDES, default_turns, grams


def test_grams_see_no_marks_and_no_digits() -> None:
    assert grams("好。。,12") == grams("好，7")
    assert grams("好")[:3] == ["^", "好", "$"]


@pytest.mark.parametrize("text", ["我们单位统一体检", "上次跟着你们亏了四万", "名额都用掉了"])
def test_a_no_without_the_word_is_heard(text: str) -> None:
    assert default_turns().refuses(text) > 0.5


@pytest.mark.parametrize("text", ["三室两厅", "多少钱一年", "好的谢谢", "周六上午可以"])
def test_answers_and_questions_are_no_refusals(text: str) -> None:
    assert default_turns().refuses(text) < 0.3


def test_an_empty_turn_has_a_probability() -> None:
    assert 0 < default_turns().refuses("") < 1


def test_selling_on_and_closing_are_told_apart() -> None:
    turns = default_turns()
    assert turns.pushes("那也没关系，您先来看看，来了就有礼品") > 0.7
    assert turns.pushes("好的，那就不打扰您了") < 0.2


@pytest.mark.parametrize(("side", "floor"), list(zip(SIDES, (0.77, 0.86))))
def test_held_out_turns_are_told_apart(side: str, floor: float) -> None:
    """Average precision when written: 0.82 and 0.89."""
    metrics = pytest.importorskip("sklearn.metrics")
    from checker.turns_train import held_out

    assert metrics.average_precision_score(*held_out(side)) >= floor


def test_the_artifact_is_what_the_training_file_gives(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    from checker.turns_train import build

    build(tmp_path / ARTIFACT)
    with np.load(tmp_path / ARTIFACT) as new, np.load(folder("models") / ARTIFACT) as kept:
        for side in SIDES:
            assert new[f"{side}_grams"].tobytes() == kept[f"{side}_grams"].tobytes()
            assert np.allclose(new[f"{side}_weights"], kept[f"{side}_weights"], atol=0.02)
