"""SubRip and WebVTT: cues, times, speakers."""

from __future__ import annotations

import pytest
from reader_files import check_offsets, places, words

from checker.readers import read_bytes

TURNS = [("agent", "您好"), ("customer", "不需要")]
SRT = "1\n00:00:01,000 --> 00:00:02,500\n客服：您好\n\n2\n00:01:03,000 --> 01:00:04,000\n客户：不需要\n"


def read(text: str, name: str):
    [document] = read_bytes(text.encode(), name)
    check_offsets(document)
    return document


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_cues_are_turns_with_times_and_places(line_break: str) -> None:
    document = read(SRT.replace("\n", line_break), "a.srt")
    assert words(document) == TURNS
    assert [(turn.begin, turn.end) for turn in document.turns] == [(1.0, 2.5), (63.0, 3604.0)]
    assert places(document) == [("字幕 1", "客服：您好"), ("字幕 2", "客户：不需要")]
    assert document.kind == "transcript"


@pytest.mark.parametrize(
    ("body", "turns"),
    [
        (
            "00:01.000 --> 00:02.000\n<v 坐席>您好</v>\n\n00:03.000 --> 00:04.000\n<v.loud 客户 李>不需要",
            TURNS,
        ),
        ("00:01.000 --> 00:02.000\n<v 坐席>您好</v>\n<v 客户>不需要</v>", TURNS),
        ("id-1\n00:01.000 --> 00:02.000 align:start\n客服：<c.red>您</c><00:01.500>好", [("agent", "您好")]),
        ("NOTE 最佳\n\n00:01.000 --> 00:02.000\n- 客服：您好\n- 客户：不需要\n\nNOTE 最佳\n结束", TURNS),
        ("00:01.000 --> 00:02.000\n客服：A&amp;B &lt;姓名&gt;", [("agent", "A&B <姓名>")]),
        (
            "00:01.000 --> 00:02.000\n您好\n\nid 2\n00:03.000 --> 00:04.000\n再见",
            [("unknown", "您好"), ("unknown", "再见")],
        ),
    ],
)
def test_webvtt(body: str, turns: list[tuple[str, str]]) -> None:
    assert words(read("WEBVTT\n\n" + body, "a.vtt")) == turns


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("00:00:01,000 --> 00:00:02,000\n<i>您好</i>{\\an8}<font color='red'>啊</font>", [("unknown", "您好啊")]),
        ("7\n00:00:01,000-->00:00:02,000\n<姓名>您好\n\n继续", [("unknown", "<姓名>您好\n继续")]),
        ("1\n0:0:1,0 --> 0:0:2,0\n您好", []),
        (SRT.replace("\n\n", "\n"), TURNS),
        ("1\n00:00:01,000 --> 00:00:02,000\nA：您好\n\n2\n00:00:03,000 --> 00:00:04,000\nB：不需要", TURNS),
        ("1\n00:00:01,000 --> 00:00:02,000\n客户：嗯\n\n2\n00:00:03,000 --> 00:00:04,000\n我们最好",
         [("customer", "嗯"), ("unknown", "我们最好")]),
        ("1\n00:00:01,000 --> 00:00:02,000\n\n2\n00:00:03,000 --> 00:00:04,000\n您好", [("unknown", "您好")]),
    ],
)  # fmt: skip
def test_subrip_as_found_in_the_wild(text: str, turns: list[tuple[str, str]]) -> None:
    assert words(read(text, "a.srt")) == turns


@pytest.mark.parametrize(
    ("text", "said", "notes"),
    [
        ("稳赚不赔\n\n1\n00:00:01,000 --> 00:00:02,000\n您好", "稳赚不赔\n您好", ()),
        ("稳赚不赔\n1\n00:00:01,000 --> 00:00:02,000\n您好", "稳赚不赔\n您好", ()),
        ("稳赚不赔\n00:00:01,000 --> 00:00:02,000\n您好", "稳赚不赔\n您好", ()),
        ("1\n00:00:01：000 --> 00:00:02：000\n稳赚不赔\n\n2\n00:00:03,000 --> 00:00:04,000\n您好",
         "1\n00:00:01：000 --> 00:00:02：000\n稳赚不赔\n您好", ("有 1 行字幕时间看不懂，按文字读取",)),
        ("1\n00：00：01，000 --> 00：00：02，000\n稳赚不赔", "稳赚不赔", ()),
        ("1\n00:00:01,000 --> 00:00:02,000\n您好\n\n2\n0:0:3 -> 0:0:4\n稳赚不赔", "您好\n2\n0:0:3 -> 0:0:4\n稳赚不赔", ()),
        ("1\n00:00:01,000 --> 00:00:02,000\n您好\n\nNOTE 稳赚不赔", "您好\nNOTE 稳赚不赔", ()),
        ("1\n00:00:01,000 --> 00:00:02,000\n您好\n\n稳赚不赔\n00:00:03,000 --> 00:00:04,000\n再见",
         "您好\n稳赚不赔\n再见", ()),
        ("WEBVTT 最佳\nKind: 最佳\n\nSTYLE\n最佳\n\nNOTE\n最佳\n\n稳赚不赔\n\nid\n00:01.000 --> 00:02.000\n您好",
         "稳赚不赔\n您好", ()),
        ("WEBVTT\n00:01.000 --> 00:02.000\n您好\n\nREGION\n最佳", "您好", ()),
        ("\nWEBVTT\n\n稳赚不赔\n\n00:01.000 --> 00:02.000\n您好", "稳赚不赔\n您好", ()),
        ("稳赚不赔\n00:00:01,000 --> 00:00:02,000\n", "稳赚不赔", ()),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
def test_words_outside_of_cues_are_text(text: str, said: str, notes: tuple[str, ...], name: str) -> None:
    document = read(text, name)
    assert document.text == said
    assert document.notes == notes


@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
def test_a_file_without_cues_is_plain_text(name: str) -> None:
    document = read("客服：您好", name)
    assert words(document) == [("agent", "您好")]
    assert document.notes == ("没有找到字幕时间，按纯文本读取",)


def test_numbers_of_the_file_are_kept() -> None:
    text = SRT.replace("1\n00:00", "17\n00:00", 1)
    assert places(read(text, "a.srt"))[0][0] == "字幕 17"
