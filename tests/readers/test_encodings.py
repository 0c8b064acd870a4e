"""Bytes to text: what is read as what, and what is refused."""

from __future__ import annotations

import codecs
import random
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from reader_files import outcome

from checker.readers import ReaderError, ReadOptions, read_bytes

HELLO = "您好，第一"
CALL = "客服：您好，我是平安银行的客户经理。\n客户：不需要，谢谢！\n"


def read(data: bytes, encoding: str | None = None):
    [document] = read_bytes(data, "call.txt", ReadOptions(encoding=encoding))
    return document


@pytest.mark.parametrize(
    "text", [HELLO, CALL, "第一", "一", "您", "最好的，100%", "开\r\n户", "abc 中 def", "①②③", "平", "每"]
)
@pytest.mark.parametrize(
    ("encoding", "noted"), [("utf-8", ()), ("utf-8-sig", ()), ("gb18030", ("按 GB18030 读取",))]
)
def test_utf8_and_gb18030_are_told_apart(text: str, encoding: str, noted: tuple[str, ...]) -> None:
    document = read(text.encode(encoding))
    assert document.text == text
    assert document.notes == noted


@pytest.mark.parametrize("text", [HELLO, CALL, "第一", "😊最佳", "a", ""])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"\x84\x31\x95\x33", "gb18030"),
    ],
)
def test_a_byte_order_mark_decides(text: str, mark: bytes, encoding: str) -> None:
    document = read(mark + text.encode(encoding))
    assert document.text == text
    assert len(document.notes) == 1


@pytest.mark.parametrize(
    "text", [HELLO, CALL, "第一", "您好", "全网最低价\n", "hello, world", "國際貿易 2026\n"]
)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_read_where_certain(text: str, encoding: str) -> None:
    document = read(text.encode(encoding))
    assert document.text == text
    assert "UTF-16" in document.notes[0]


@pytest.mark.parametrize(
    "text", ["hello!", "Bush hid the facts", "café", "€uro", "naïve ü", "ascii\n", "±5°C", "lǎo shī"]
)
def test_other_utf8_is_not_taken_for_chinese(text: str) -> None:
    assert read(text.encode()).text == text


def test_the_encoding_given_wins() -> None:
    assert read("國際貿易".encode("big5"), "big5").text == "國際貿易"
    assert read(HELLO.encode("utf-8-sig"), "utf-8").text == HELLO
    assert read(HELLO.encode("utf-16"), "utf-16").text == HELLO


@pytest.mark.parametrize(
    ("data", "encoding", "reason"),
    [
        (HELLO.encode("gb18030"), "utf-8", "byte 1: not valid utf-8"),
        (HELLO.encode(), "klingon", "unknown encoding 'klingon'"),
        (HELLO.encode(), "hex", "unknown encoding"),
        (HELLO.encode(), "ascii", "byte 1: not valid ascii"),
    ],
)
def test_a_wrong_encoding_is_an_error(data: bytes, encoding: str, reason: str) -> None:
    with pytest.raises(ReaderError, match=reason):
        read(data, encoding)


@pytest.mark.parametrize(
    ("data", "text", "note"),
    [
        (CALL.encode()[:-2], None, "UTF-8"),
        (("您好" * 50).encode() + b"\xff" + "最佳".encode(), "您好" * 50 + "\ufffd最佳", "有 1 处"),
        (("您好" * 100).encode("gb18030")[:-1], None, "GB18030"),
        (codecs.BOM_UTF8 + CALL.encode()[:-2], None, "UTF-8"),
        (codecs.BOM_UTF16_LE + CALL.encode("utf-16-le")[:-1], None, "UTF-16"),
    ],
)
def test_a_few_bad_bytes_are_replaced_and_reported(data: bytes, text: str | None, note: str) -> None:
    document = read(data)
    assert text is None or document.text == text
    assert document.text.count("\ufffd") == 1
    assert any("\ufffd" in remark and note in remark for remark in document.notes)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03" * 50,
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"%PDF-1.7 text",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
        b"PK\x03\x04 no package",
        b"\xff\xfe" + b"\x00\xd8" * 50,
        "今日は世界".encode("shift-jis") * 5,
        *(random.Random(seed).randbytes(size) for seed, size in enumerate([16, 300, 4096, 100_000])),
    ],
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(ReaderError, match="looks binary"):
        read(data)


def test_single_control_characters_are_kept_and_reported() -> None:
    text = "我们是全国第\x00一的品牌，欢迎了解"
    assert read(text.encode()).text == text
    assert read(text.encode()).notes == ("含有 1 个控制字符",)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_document_or_a_reader_error(data: bytes) -> None:
    found, message = outcome(data, "x.txt")
    assert message.startswith("x.txt") or found[0].text.encode() is not None


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_utf8_text_comes_back_as_given(text: str) -> None:
    # A mark at the start, and texts of two-byte letters alone, are the known doubts.
    assume(not text.startswith("\ufeff"))
    assume(any(ord(character) > 0x7FF for character in text) or text.isascii())
    assert read(text.encode()).text == text


@given(st.text(alphabet=st.sampled_from(CALL + "最佳第一保本0123456789 \r\n"), min_size=1, max_size=60))
def test_chinese_text_comes_back_from_gb18030(text: str) -> None:
    assert read(text.encode("gb18030")).text == text


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_twenty_megabytes_are_read_at_once(encoding: str) -> None:
    line = "您好，我们是一家正规的公司，这款产品适合您，请问方便了解一下吗？" * 10 + "\n"
    data = (line * (20_000_000 // len(line.encode(encoding)))).encode(encoding)
    start = time.perf_counter()
    document = read(data)
    assert len(document.text) > 5_000_000
    # Generous for a busy machine: it takes a third of a second.
    assert time.perf_counter() - start < 4
