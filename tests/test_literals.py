"""The table of sequences finds what a plain search finds, on any text."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from checker.literals import WIDTH, SequenceTable
from checker.normalize import encode

WORDS = ["最好", "最好的", "好的", "第一", "no1", "国家级别的服务标准", "国家级别的服务标兵", "的", ""]


def found(table: SequenceTable, words: list[str], text: str) -> set[tuple[str, int]]:
    numbers, starts = table.find(encode(text))
    return {(words[n], s) for n, s in zip(numbers.tolist(), starts.tolist())}


def expected(words: list[str], text: str) -> set[tuple[str, int]]:
    # longer sequences are found by their beginning
    return {
        (word, start)
        for word in words
        if len(word) > 1
        for start in range(len(text))
        if text.startswith(word[:WIDTH], start)
    }


@given(st.text(alphabet="最好的第一国家级别服务标准兵no1，", max_size=40))
def test_every_occurrence_is_found_and_nothing_else(text: str) -> None:
    table = SequenceTable(SequenceTable.build(WORDS))
    assert found(table, WORDS, text) == expected(WORDS, text)


@given(st.lists(st.text(min_size=2, max_size=10), max_size=30), st.text(max_size=60))
def test_any_sequences_are_found_in_any_text(words: list[str], text: str) -> None:
    words = sorted({word for word in words if not any(0xD800 <= ord(c) < 0xE000 for c in word)})
    text = text.encode("utf-8", "replace").decode() + "".join(words)
    table = SequenceTable(SequenceTable.build(words))
    assert found(table, words, text) == expected(words, text)


def test_no_sequences_and_no_text_are_no_error() -> None:
    table = SequenceTable(SequenceTable.build([]))
    assert table.find(encode("最好"))[0].size == 0
    assert SequenceTable(SequenceTable.build(WORDS)).find(np.zeros(0, np.uint32))[0].size == 0
