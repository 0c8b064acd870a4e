"""Views and their offset maps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.document import Document
from checker.normalize import LONGEST_SENTENCE, SLOT, inserted_view, plain_view


def plain(text: str) -> str:
    return plain_view(Document(text=text)).text


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("全國第一", "全国第一"),
        ("１００％", "100%"),
        ("ＮＯ．１", "no.1"),
        ("第①品牌", "第一品牌"),
        ("第1名", "第一名"),
        ("第12名", "第12名"),
        ("❶ ⑵ ⒊", "1 2 3"),
        ("保\u200b本\u00ad", "保本"),
        ("最̶好", "最好"),
        ("好吗?是,的!", "好吗？是，的！"),
        ("12,345元 8:30", "12,345元 8:30"),
        ("零壹贰", "零一二"),
        ("“最好”", '"最好"'),
    ],
)
def test_plain_view_undoes_ways_of_writing(written: str, seen: str) -> None:
    assert plain(written) == seen


@pytest.mark.parametrize(
    "written",
    [
        "{姓名}",
        "{{name}}",
        "${name}",
        "<客户姓名>",
        "【公司名称】",
        "XX",
        "某某",
        "××",
        "（停顿）",
        "（停顿三秒，等客户回答）",
        "____",
    ],
)
def test_slots_and_stage_directions_become_one_private_character(written: str) -> None:
    assert plain(f"您好{written}女士") == f"您好{SLOT}女士"


@pytest.mark.parametrize("written", ["【限时特惠】", "（最好的产品）", "X光", "《合同》"])
def test_ordinary_brackets_are_no_slots(written: str) -> None:
    assert SLOT not in plain(written)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("最 好 的", "最好的"),
        ("全*网-第.一", "全网第一"),
        ("保😊本", "保本"),
        ("保嗯本", "保本"),
        ("最最最好", "最好"),
        ("1 0 0 %有效", "1 0 0 %有效"),
        ("透光率≥70%", "透光率≥70%"),
    ],
)
def test_inserted_view_drops_what_stands_between_han_characters(written: str, seen: str) -> None:
    view = inserted_view(plain_view(Document(text=written)))
    assert (view.text.rstrip("\n") if view else written) == seen


@pytest.mark.parametrize(
    "written", ["担保，本周", "担保。本周", "担保\n本周", "担保！本周", "担保、本周", "担保：本周"]
)
def test_no_view_joins_what_punctuation_divides(written: str) -> None:
    view = inserted_view(plain_view(Document(text=written)))
    assert view is None or "保本" not in view.text
    assert "保本" not in plain(written)


@given(st.text(alphabet=st.characters(), max_size=80))
def test_every_view_maps_back_to_the_text(text: str) -> None:
    view = plain_view(Document(text=text))
    for one in filter(None, (view, inserted_view(view))):
        assert len(one.text) == len(one.index)
        assert np.all(np.diff(one.index) >= 0)
        assert all(0 <= place < len(text) for place in one.index)
        for start, end in zip(one.starts.tolist(), one.ends.tolist()):
            assert 0 <= start <= end <= len(one.text)
            if end > start:
                span = one.origin(start, end)
                assert 0 <= span.start < span.end <= len(text)


@given(st.text(alphabet="最好第一国级，。😊*", max_size=40))
def test_characters_that_need_no_folding_map_to_themselves(text: str) -> None:
    view = plain_view(Document(text=text))
    assert [text[place] for place in view.index] == list(view.text)


def test_long_sentences_are_cut_at_clause_ends() -> None:
    view = plain_view(Document(text="我们最好，" * 400))
    lengths = view.ends - view.starts
    assert lengths.max() <= LONGEST_SENTENCE
    assert lengths.sum() == len(view.text)
    assert all(view.text[end - 1] == "，" for end in view.ends.tolist())


def test_customer_labels_are_nobodys_words() -> None:
    document = Document.from_text("客服：您好\n客户：嗯")
    assert "客服" not in plain_view(document).text
