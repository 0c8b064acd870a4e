"""What holds for every format, and the formats that are plain text."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reader_files import check_offsets, outcome, word, words, xlsx

from checker import readers
from checker.readers import FORMATS, ReaderError, ReadOptions, read_bytes, read_path

CALL = "客服：您好\n客户：不需要"
TURNS = [("agent", "您好"), ("customer", "不需要")]


def test_every_module_of_the_folder_is_a_format() -> None:
    folder = os.path.dirname(readers.__file__)
    modules = {name[:-3] for name in os.listdir(folder) if name.endswith(".py") and name[0] != "_"}
    assert {reader.__name__.rsplit(".", 1)[-1] for reader in FORMATS.values()} == modules
    assert {".txt", ".md", ".docx", ".xlsx", ".csv", ".jsonl", ".json", ".srt", ".vtt"} <= set(FORMATS)


def test_reading_text_loads_no_office_library() -> None:
    code = (
        "import sys; from checker.readers import read_bytes; read_bytes(b'ok', 'a.txt');"
        "heavy = {'docx', 'openpyxl', 'python_calamine', 'lxml'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=os.path.dirname(os.path.dirname(readers.__path__[0]))
    )


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_an_empty_file_is_one_empty_document(tmp_path, suffix: str) -> None:
    path = tmp_path / f"empty{suffix}"
    path.write_bytes(b"")
    [document] = read_path(path)
    assert (document.text, document.turns, document.path) == ("", (), str(path))


@pytest.mark.parametrize("suffix", [".txt", ".md", ".csv", ".jsonl", ".srt", ".vtt"])
@pytest.mark.parametrize("data", [b"\n", b" \r\n\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_a_blank_file_is_a_blank_document(suffix: str, data: bytes) -> None:
    [document] = read_bytes(data, f"blank{suffix}")
    assert not document.text.strip()
    assert document.turns == ()


@pytest.mark.parametrize("suffix", sorted(FORMATS))
@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_documents_or_a_reader_error(suffix: str, data: bytes) -> None:
    found, message = outcome(data, f"x{suffix}")
    assert found or message.startswith(f"x{suffix}")
    for document in found:
        check_offsets(document)
        document.text.encode()


@pytest.mark.parametrize("suffix", [".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".srt", ".vtt"])
@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_documents_or_a_reader_error(suffix: str, text: str) -> None:
    found, message = outcome(text.encode("utf-8", "replace"), f"x{suffix}")
    assert found or message.startswith(f"x{suffix}")
    for document in found:
        check_offsets(document)


@pytest.mark.parametrize("suffix", [".txt", ".md"])
def test_text_and_markdown_are_verbatim(suffix: str) -> None:
    text = "# 开场\r\n\r\n**客服：** 您好，[链接](x)\r\n- 客户：嗯\r\n"
    [document] = read_bytes(text.encode(), f"call{suffix}")
    assert document.text == text
    assert document.kind == "script"
    assert words(document) == [("unknown", "# 开场"), ("agent", "您好，[链接](x)"), ("customer", "嗯")]
    [plain] = read_bytes("# 标题\n正文".encode(), f"page{suffix}")
    assert (plain.kind, plain.turns) == ("text", ())


@pytest.mark.parametrize(
    ("make", "reason", "remedy"),
    [
        (lambda folder: folder / "none.txt", "no such file", "check the path"),
        (lambda folder: folder, "is a folder", "name the files in it"),
        (lambda folder: folder / ("长" * 300), "cannot be opened", "check path"),
        (lambda folder: folder / "nul\0.txt", "cannot be opened", "check path"),
    ],
)
def test_a_path_that_cannot_be_read_is_named(tmp_path, make, reason: str, remedy: str) -> None:
    path = make(tmp_path)
    with pytest.raises(ReaderError) as raised:
        read_path(path)
    assert raised.value.path == str(path)
    assert reason in raised.value.reason
    assert remedy in raised.value.remedy
    assert str(raised.value) == f"{path}: {raised.value.reason}; {raised.value.remedy}"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("a.doc", ".docx"), ("a.xls", ".xlsx"), ("a.PDF", ".docx or .txt"), ("a.wps", ".docx")],
)
def test_other_office_formats_say_what_to_save_as(name: str, remedy: str) -> None:
    with pytest.raises(ReaderError, match=f"save it as {remedy}"):
        read_bytes(b"data", name)


def test_reader_errors_cross_process_borders() -> None:
    error = ReaderError("a.csv", "is no table", "save it again", "line 3")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "a.csv, line 3: is no table; save it again"
    assert (copy.path, copy.place) == ("a.csv", "line 3")


@pytest.mark.parametrize(
    ("data", "turns"),
    [
        (CALL.encode(), TURNS),
        (CALL.encode("gb18030"), TURNS),
        (word(*CALL.split("\n")), TURNS),
        (xlsx({"S": [["角色", "文本"], ["客服", "您好"], ["客户", "不需要"]]}), TURNS),
        (b"\xef\xbb\xbfWEBVTT\n\n00:01.000 --> 00:02.000\n" + CALL.encode(), TURNS),
        (b"1\r\n00:00:01,000 --> 00:00:02,000\r\n" + CALL.encode(), TURNS),
        ('{"role": "客服", "words": "您好"}\n{"role": "客户", "words": "不需要"}'.encode(), TURNS),
        ("{姓名}您好".encode(), []),
        ("[停顿]您好".encode(), []),
    ],
)
def test_stdin_is_known_by_its_content(data: bytes, turns: list[tuple[str, str]]) -> None:
    [document] = read_bytes(data, "-")
    assert words(document) == turns
    assert document.path == "-"


def test_the_format_may_be_told() -> None:
    data = "角色\t文本\n客服\t您好\n客户\t不需要".encode()
    for name in ("csv", ".CSV"):
        [document] = read_bytes(data, "-", ReadOptions(format=name))
        assert words(document) == TURNS
    with pytest.raises(ReaderError, match=r"unknown format 'odt'; use one of csv, "):
        read_bytes(data, "-", ReadOptions(format="odt"))


def archive(*members: tuple[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            made.writestr(name, content)
    return data.getvalue()


BOMB = archive(("word/document.xml", b"0" * 120_000_000), ("xl/workbook.xml", b"0" * 120_000_000))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize("suffix", [".docx", ".xlsx"])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04", "damaged"),
        (archive(), "damaged"),
        (archive(("a.txt", b"a")), "damaged"),
        (CALL.encode(), "is no"),
        (OLE, "old binary format"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "is encrypted"),
        (BOMB, "unpacks to more than 200 MB"),
    ],
)
def test_a_broken_office_file_is_one_clear_error(suffix: str, data: bytes, reason: str) -> None:
    with pytest.raises(ReaderError, match=reason):
        read_bytes(data, f"x{suffix}")


OFFICE = {".docx": word(*CALL.split("\n")), ".xlsx": xlsx({"话术": [["话术"], ["您好"]]})}


@pytest.mark.parametrize("suffix", sorted(OFFICE))
@settings(deadline=None)
@given(st.data())
def test_a_damaged_office_file_is_read_or_refused(suffix: str, data: st.DataObject) -> None:
    given_bytes = OFFICE[suffix]
    cut = data.draw(st.integers(4, len(given_bytes)))
    damaged = bytearray(given_bytes[:cut])
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, cut - 1))] = data.draw(st.integers(0, 255))
    found, message = outcome(bytes(damaged), f"x{suffix}")
    assert found or message.startswith(f"x{suffix}")


@pytest.mark.parametrize("suffix", sorted(OFFICE))
@settings(deadline=None)
@given(st.data())
def test_damaged_xml_inside_an_office_file_is_read_or_refused(suffix: str, data: st.DataObject) -> None:
    with zipfile.ZipFile(io.BytesIO(OFFICE[suffix])) as package:
        members = {name: package.read(name) for name in package.namelist()}
    name = data.draw(st.sampled_from(sorted(members)))
    content = bytearray(members[name])
    start = data.draw(st.integers(0, len(content) - 1))
    content[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=6))
    members[name] = bytes(content)
    found, message = outcome(archive(*members.items()), f"x{suffix}")
    assert found or message.startswith(f"x{suffix}")
