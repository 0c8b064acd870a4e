"""Turns, places and speakers of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.document import Anchor, Document, Part, parse_turns, speaker_of, speakers_of
from checker.types import Span


def words(text: str, parts: tuple[Part, ...] = ()) -> list[tuple[str, str]]:
    """Speaker and words of each turn."""
    return [(turn.speaker, text[turn.span.start : turn.span.end]) for turn in parse_turns(text, parts)]


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("客服：您好\n客户：不需要", [("agent", "您好"), ("customer", "不需要")]),
        ("坐席:您好\r\n用户: 不需要\r\n", [("agent", "您好"), ("customer", "不需要")]),
        ("客服：您好\r客户：嗯", [("agent", "您好"), ("customer", "嗯")]),
        ("标题\n客服：您好", [("unknown", "标题"), ("agent", "您好")]),
        ("客服：您好\n我是小李\n客户：嗯", [("agent", "您好\n我是小李"), ("customer", "嗯")]),
        ("客服：\n您好", [("agent", "您好")]),
        ("客服：您好\n客户：\n客服：在吗", [("agent", "您好"), ("customer", ""), ("agent", "在吗")]),
        ("【客服】：您好\n[客户]: 嗯", [("agent", "您好"), ("customer", "嗯")]),
        ("【客服】您好\n【客户】嗯", [("agent", "您好"), ("customer", "嗯")]),
        ("1. 客服：您好\n2、客户：嗯", [("agent", "您好"), ("customer", "嗯")]),
        ("[00:12] 客服1：您好\n00:15 客户：嗯", [("agent", "您好"), ("customer", "嗯")]),
        ("2026-01-02 10:00:00 客服-小美：您好", [("agent", "您好")]),
        ("**客服：** 您好\n- 客户：嗯", [("agent", "您好"), ("customer", "嗯")]),
        ("客服（热情地）：您好\n客服小王：在", [("agent", "您好"), ("agent", "在")]),
        ("客户说：太贵了\n客服答：不贵", [("customer", "太贵了"), ("agent", "不贵")]),
        ("客服 00:00:01\n您好\n客户 00:00:03\n嗯", [("agent", "您好"), ("customer", "嗯")]),
        ("说话人1：您好\n说话人2：嗯", [("unknown", "您好"), ("unknown", "嗯")]),
        ("客户经理：您好\nAI：在", [("agent", "您好"), ("agent", "在")]),
        ("A：您好\nB：嗯", [("agent", "您好"), ("customer", "嗯")]),
        ("Q：安全吗\nA：安全", [("customer", "安全吗"), ("agent", "安全")]),
        ("问：安全吗\n答：安全", [("customer", "安全吗"), ("agent", "安全")]),
        ("Seller: 您好\nCUSTOMER：嗯", [("agent", "您好"), ("customer", "嗯")]),
    ],
)
def test_labels_make_turns(text: str, turns: list[tuple[str, str]]) -> None:
    assert words(text) == turns


@pytest.mark.parametrize(
    "text",
    [
        "我们的产品很好",
        "",
        "客户姓名：张三\n客服电话：400",
        "A：选我",
        "A：最佳\nB：最好\nC：最优",
        "【客户】您好，我是【公司】的",
        "用户说：用了三天就好\n我们最好",
        "这里说客服：您好",
        "温馨提示：名额有限",
    ],
)
def test_what_is_no_dialogue_has_no_turns(text: str) -> None:
    assert parse_turns(text) == ()


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        (
            "客服：您好\n客户：贵\n\n我们全网最低",
            [("agent", "您好"), ("customer", "贵"), ("unknown", "我们全网最低")],
        ),
        (
            "客服：您好\n客户：贵\n## 异议处理\n最低价",
            [("agent", "您好"), ("customer", "贵"), ("unknown", "## 异议处理\n最低价")],
        ),
        (
            "客服：您好\n客户：贵\n【异议处理】\n最低价",
            [("agent", "您好"), ("customer", "贵"), ("unknown", "【异议处理】\n最低价")],
        ),
        ("客户：多少钱\n全网最低", [("customer", "多少钱"), ("unknown", "全网最低")]),
        ("客服：您好\n客户：太贵\n再便宜点", [("agent", "您好"), ("customer", "太贵\n再便宜点")]),
        ("客服：您好\n\n我是小李", [("agent", "您好\n\n我是小李")]),
    ],
)
def test_a_customer_does_not_swallow_what_may_be_the_sellers(text: str, turns: list[tuple[str, str]]) -> None:
    assert words(text) == turns


def test_a_part_is_a_turn_unless_labels_divide_it() -> None:
    text = "您好\n客户：嗯\n客服：好\n 再见 "
    parts = (Part(Span(0, 2), "agent", "销售"), Part(Span(3, 12), begin=1.5), Part(Span(13, 17), "customer"))
    turns = parse_turns(text, parts)
    assert words(text, parts) == [
        ("agent", "您好"),
        ("customer", "嗯"),
        ("agent", "好"),
        ("customer", " 再见 "),
    ]
    assert [turn.label for turn in turns] == ["销售", "客户", "客服", ""]
    assert [turn.begin for turn in turns] == [None, 1.5, 1.5, None]


def test_a_single_label_does_not_overrule_a_known_speaker() -> None:
    text = "客户：请您放心"
    assert words(text, (Part(Span(0, 7), "agent"),)) == [("agent", text)]
    assert words(text, (Part(Span(0, 7)),)) == [("customer", "请您放心")]


@pytest.mark.parametrize(
    ("label", "speaker"),
    [
        ("agent", "agent"),
        ("坐席1", "agent"),
        ("坐席-1001", "agent"),
        ("客服：", "agent"),
        ("【客服】", "agent"),
        ("客服小王", "agent"),
        ("客服/张三", "agent"),
        ("Agent_01", "agent"),
        ("客户代表", "agent"),
        ("customer service", "agent"),
        ("assistant", "agent"),
        ("用户", "customer"),
        ("User", "customer"),
        ("客户（李女士）", "customer"),
        ("unknown", "unknown"),
        ("0", "unknown"),
        ("A", "unknown"),
        ("张三", "unknown"),
        ("", "unknown"),
    ],
)
def test_one_label_names_a_speaker(label: str, speaker: str) -> None:
    assert speaker_of(label) == speaker


def test_letters_name_speakers_in_pairs() -> None:
    assert speakers_of(["A", "B"]) == {"A": "agent", "B": "customer"}
    assert speakers_of(["A", "B", "C"]) == {"A": "unknown", "B": "unknown", "C": "unknown"}
    document = Document.from_turns([("甲", "您好"), ("乙", "嗯")])
    assert [turn.speaker for turn in document.turns] == ["agent", "customer"]


def test_turns_may_be_given_as_pairs_or_mappings() -> None:
    document = Document.from_turns(
        [("agent", "您好", 0.5, 1.5), {"speaker": "客户", "text": "", "begin": 2.0}], industry="loan"
    )
    assert document.text == "您好\n"
    assert document.kind == "transcript"
    assert document.industry == "loan"
    assert [(t.speaker, t.span, t.begin, t.end) for t in document.turns] == [
        ("agent", (0, 2), 0.5, 1.5),
        ("customer", (3, 3), 2.0, None),
    ]


def test_places_count_every_kind_of_line_break_once() -> None:
    document = Document("一\r\n二\r三\n四", anchors=(Anchor(3, "段落 2"),))
    places = [document.locate(offset) for offset in range(len(document.text) + 1)]
    assert [(p.line, p.column) for p in places] == [
        (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2),
    ]  # fmt: skip
    assert [place.label for place in places] == [""] * 3 + ["段落 2"] * 6


def test_a_turn_is_found_by_offset() -> None:
    document = Document.from_text("客服：您好\n客户：嗯")
    speakers = [turn.speaker if (turn := document.turn_at(i)) else "" for i in range(10)]
    assert speakers == ["", "", "", "agent", "agent", "agent", "", "", "", "customer"]


lines = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            ["客服：", "客户：", "A：", "B:", "【客户】", "说话人1 00:01\n", "\n", "\r", "\u200b", "😊"]
        ),
    ),
    max_size=12,
)


@given(lines)
def test_turns_are_disjoint_in_order_and_inside_the_text(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    turns = parse_turns(text)
    assert [turn.index for turn in turns] == list(range(len(turns)))
    edges = [edge for turn in turns for edge in turn.span]
    assert edges == sorted(edges)
    assert not edges or (edges[0] >= 0 and edges[-1] <= len(text))
    for turn in turns:
        found = text[turn.span.start : turn.span.end]
        assert found == found.strip()


@given(lines)
def test_no_word_of_a_dialogue_is_outside_its_turns_but_labels(pieces: list[str]) -> None:
    text = "最佳\n客服：您好\n" + "".join(pieces) + "\n绝对"
    turns = parse_turns(text)
    assert any("最佳" in text[slice(*turn.span)] for turn in turns)
    assert any("绝对" in text[slice(*turn.span)] for turn in turns)


@given(st.lists(st.tuples(st.sampled_from(["agent", "客户", "x", ""]), st.text(max_size=9)), max_size=9))
def test_given_turns_keep_their_words(turns: list[tuple[str, str]]) -> None:
    document = Document.from_turns(turns)
    assert [document.text[slice(*turn.span)] for turn in document.turns] == [said for _, said in turns]
