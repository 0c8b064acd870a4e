"""Words in arrays of code points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.normalize import encode
from checker.words import Vocabulary, word_keys

WORDS = ["保", "保本", "本金", "保本保息", "天天", "天天向上", "上"]


def vocabulary() -> tuple[Vocabulary, list[str]]:
    keys = word_keys(WORDS)
    order = np.argsort(keys)
    return Vocabulary(keys[order]), [WORDS[number] for number in order]


def plainly(text: str) -> list[tuple[int, str]]:
    found, end = [], 0
    for start in range(len(text)):
        here = [word for word in WORDS if text.startswith(word, start)]
        if here and start + len(max(here, key=len)) > end:
            found.append((start, max(here, key=len)))
            end = start + len(found[-1][1])
    return found


@given(st.text(alphabet="保本金息天向上x\U00020000", max_size=40))
def test_the_longest_word_counts_unless_it_lies_in_an_earlier_one(text: str) -> None:
    words, names = vocabulary()
    found = words.find(encode(text))
    assert [
        (start, names[number]) for start, number in zip(found.starts.tolist(), found.numbers.tolist())
    ] == plainly(text)
    assert found.lengths.tolist() == [len(word) for _, word in plainly(text)]


@pytest.mark.parametrize("word", ["", "一二三四五", "\U00020000"])
def test_a_word_that_is_no_number_is_refused(word: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        word_keys([word])


def test_keys_must_rise() -> None:
    with pytest.raises(ValueError, match="rising"):
        Vocabulary(np.array([2, 1], dtype=np.uint64))
