"""JSON Lines and JSON: shapes, grouping, times, errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reader_files import check_offsets, outcome, places, words

from checker.readers import ReaderError, ReadOptions, read_bytes

TURNS = [("agent", "您好"), ("customer", "不需要")]
PAIR = [{"role": "客服", "words": "您好"}, {"role": "客户", "words": "不需要"}]


def lines(*values: Any) -> bytes:
    return "\n".join(json.dumps(value, ensure_ascii=False) for value in values).encode()


@pytest.mark.parametrize(
    "values",
    [
        [{"turns": [{"speaker": "agent", "text": "您好"}, {"speaker": "customer", "text": "不需要"}]}],
        [{"messages": [{"role": "assistant", "content": "您好"}, {"role": "user", "content": "不需要"}]}],
        [{"messages": [{"role": "坐席", "content": [{"type": "text", "text": "您好"}]}, PAIR[1]]}],
        [{"turns": [["客服", "您好"], ["客户", "不需要"]]}],
        [{"dialogue": ["客服：您好", "客户：不需要"]}],
        [{"对话": [{"角色": "客服", "内容": "您好"}, {"角色": "客户", "内容": "不需要"}]}],
        [{"turns": [{"speaker": "A", "text": "您好"}, {"speaker": "B", "text": "不需要"}]}],
        [{"text": "客服：您好\n客户：不需要"}],
        ["客服：您好\n客户：不需要"],
        PAIR,
        [PAIR],
        [{"Result": {"Task": "x", "Sentences": PAIR}}],
        [{"code": 0, "data": {"result": {"list": PAIR}}}],
    ],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_the_shapes_of_calls_are_known(values: list[Any], suffix: str) -> None:
    [document] = read_bytes(lines(*values), f"a{suffix}")
    assert words(document) == TURNS
    assert document.kind == "transcript"
    check_offsets(document)


def test_a_json_file_may_be_spread_over_lines() -> None:
    for value in (PAIR, {"turns": PAIR}):
        [document] = read_bytes(json.dumps(value, indent=1).encode(), "a.json")
        assert words(document) == TURNS
    text = '[{"role": "客服", "words": "您好"},\n{"role": "客户", "words": "不需要"}]'
    [document] = read_bytes(text.encode(), "a.json")
    assert words(document) == TURNS


def test_texts_are_documents_of_their_own() -> None:
    found = read_bytes(lines({"text": "甲"}, {"text": "乙", "kind": "script"}, "丙"), "a.jsonl")
    assert [(d.text, d.kind) for d in found] == [("甲", "text"), ("乙", "script"), ("丙", "text")]
    assert [places(document) for document in found] == [
        [("第 1 行", "甲")],
        [("第 2 行", "乙")],
        [("第 3 行", "丙")],
    ]
    found = read_bytes(json.dumps([{"text": "甲"}, {"text": "乙"}]).encode(), "a.json")
    assert [d.anchors[0].label for d in found] == ["第 1 条", "第 2 条"]


def test_turns_are_gathered_by_call_in_order_of_appearance() -> None:
    rows = [
        {"call_id": "b", "role": "客服", "text": "您好", "agent": "007", "n": 1},
        {"call_id": "a", "role": "客服", "text": "在吗"},
        {"call_id": "b", "role": "客户", "text": "不需要", "agent": "007", "n": 2},
    ]
    first, second = read_bytes(lines(*rows), "a.jsonl")
    assert words(first) == TURNS
    assert first.metadata == {"call_id": "b", "agent_id": "007"}
    assert places(first) == [("第 1 行", "您好"), ("第 3 行", "不需要")]
    assert words(second) == [("agent", "在吗")]
    [whole] = read_bytes(lines(rows), "a.jsonl")[:1]
    assert words(whole) == TURNS


def test_places_name_line_and_turn() -> None:
    data = b"\n" + lines({"turns": PAIR}, {"turns": PAIR})
    _, document = read_bytes(data, "a.jsonl")
    assert [label for label, _ in places(document)] == ["第 3 行第 1 句", "第 3 行第 2 句"]
    [document] = read_bytes(lines(PAIR), "a.json")
    assert [label for label, _ in places(document)] == ["第 1 句", "第 2 句"]


@pytest.mark.parametrize(
    ("turn", "begin", "end"),
    [
        ({"text": "x", "begin": 1.5, "end": 2}, 1.5, 2.0),
        ({"text": "x", "start": "0:01.5", "end": "0:02"}, 1.5, 2.0),
        ({"words": "x", "begin": 1500, "end": 2000}, 1.5, 2.0),
        ({"onebest": "x", "bg": "1500", "ed": "2000"}, 1500.0, 2000.0),
        ({"onebest": "x", "bg": 1500, "ed": 2000}, 1.5, 2.0),
        ({"Text": "x", "BeginTime": 1500, "EndTime": 2000}, 1.5, 2.0),
        ({"text": "x", "start_time": 1.5, "end_time": 2.0}, 1.5, 2.0),
        ({"FinalSentence": "x", "StartMs": 1500, "EndMs": 2000}, 1.5, 2.0),
        ({"text": "x", "begin": "2026-01-02 10:00:00"}, None, None),
        ({"text": "x", "begin": True, "role": "a"}, None, None),
        ({"text": "x", "begin": 10**400, "role": "a"}, None, None),
    ],
)
def test_times_are_seconds(turn: dict[str, Any], begin: float | None, end: float | None) -> None:
    [document] = read_bytes(lines({"turns": [turn]}), "a.jsonl")
    assert [(t.begin, t.end) for t in document.turns] == [(begin, end)]


def test_metadata_industry_and_channel_are_carried() -> None:
    call = {
        "id": 7,
        "call_id": "x",
        "industry": "loan",
        "channel": "call_ai",
        "start_time": "2026-01-02 21:30:00",
        "agent": "007",
        "tags": ["a"],
        "kind": "script",
        "turns": PAIR,
    }
    [document] = read_bytes(lines(call), "a.jsonl")
    assert (document.industry, document.channel, document.kind) == ("loan", "call_ai", "script")
    assert document.metadata == {
        "id": 7,
        "call_id": "x",
        "industry": "loan",
        "channel": "call_ai",
        "start_time": "2026-01-02 21:30:00",
        "agent_id": "007",
        "tags": ["a"],
        "kind": "script",
    }
    [document] = read_bytes(lines({"text": "x", "industry": 3, "channel": "fax"}), "a.jsonl")
    assert (document.industry, document.channel) == (None, None)


def test_keys_may_be_told() -> None:
    rows = [{"who": "客服", "said": "您好", "c": 1}, {"who": "客户", "said": "不需要", "c": 1}]
    options = ReadOptions(text_column="said", role_column="who", id_column="c")
    [document] = read_bytes(lines(*rows), "a.jsonl", options)
    assert words(document) == TURNS
    assert document.metadata == {"call_id": 1}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"text": "a"}\n{"text": \n', r"a.jsonl, line 2, column 10: not valid JSON"),
        (b'{"text": "a"} x\n', "line 1, column 15: not valid JSON"),
        (b'{\n"text": "a",\n}', "line 3, column 1: not valid JSON"),
        (b'{"text": "a"}\n42\n', "line 2: holds no text"),
        (b'{"txt": "a"}\n', 'a.jsonl: holds no text; give objects with "text"'),
        (b'{"text": "a"}\n{"turns": [{"role": "a"}]}', "line 2, turn 1: a turn holds no words"),
        (b'[{"text": "a"}, 3]', "item 2: holds no text"),
        (b"[" * 100_000, "nested too deeply|not valid JSON"),
        (b'{"text": "a", "n": ' + b"1" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_errors_name_the_place(data: bytes, message: str) -> None:
    with pytest.raises(ReaderError, match=message):
        read_bytes(data, "a.jsonl")


def test_half_a_surrogate_pair_is_replaced_and_reported() -> None:
    [document] = read_bytes(b'{"text": "\\ud83d\\ude0a \\ud83d"}', "a.jsonl")
    assert document.text == "😊 \ufffd"
    assert document.notes == ("残缺的 Unicode 代理项读作“\ufffd”",)


def test_separators_inside_strings_do_not_end_a_line() -> None:
    [document] = read_bytes('{"text": "一\u2028二\x85三"}\r\n'.encode(), "a.jsonl")
    assert document.text == "一\u2028二\x85三"


def test_an_empty_call_is_an_empty_document() -> None:
    [document] = read_bytes(lines({"turns": []}), "a.jsonl")
    assert (document.text, document.turns) == ("", ())


turns = st.lists(
    st.tuples(
        st.sampled_from(["agent", "customer", "unknown"]),
        st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12),
    ),
    max_size=8,
)


@given(turns)
def test_turns_are_the_words_as_given(given_turns: list[tuple[str, str]]) -> None:
    values = [{"speaker": speaker, "text": text} for speaker, text in given_turns]
    # The title leaves no doubt about the encoding.
    [document] = read_bytes(lines({"标题": "开场白", "turns": values}), "a.jsonl")
    assert document.text == "\n".join(text for _, text in given_turns)
    assert words(document) == [turn for turn in given_turns if turn[1].strip()]
    check_offsets(document)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["text", "role", "turns", "words", "begin", "call_id", "messages", "kind", "x", "channel"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_gives_documents_or_a_reader_error(value: Any) -> None:
    found, message = outcome(json.dumps(value).encode(), "a.json")
    assert found or message.startswith("a.json")
    for document in found:
        check_offsets(document)
