"""A rewritten file keeps its format: text, subtitles, sheets, Word with tracked changes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, cycle
from pathlib import Path

import docx
import openpyxl
import pytest

from checker.cli import main
from checker.readers import read_path

CLAIM = "您放心，这个理财保本保息。"
TELL = "我是某某财富的小李。"


def rewritten(source: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    target = source.with_name("out" + source.suffix)
    assert main(["rewrite", str(source), "-o", str(target), "--no-config"]) in (0, 1)
    capsys.readouterr()
    return target


def text_of(path: Path) -> str:
    return "\n".join(document.text for document in read_path(path))


def write_txt(path: Path) -> None:
    path.write_bytes(f"{TELL}\r\n{CLAIM}\r\n".encode("gb18030"))


def write_srt(path: Path) -> None:
    path.write_text(
        f"1\n00:00:01,000 --> 00:00:03,000\n{TELL}\n\n2\n00:00:04,000 --> 00:00:06,500\n{CLAIM}\n", "utf-8"
    )


def write_csv(path: Path) -> None:
    path.write_text(f"角色,话术\n坐席,{TELL}\n坐席,{CLAIM}\n", "utf-8-sig")


def write_xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["角色", "话术"], ["坐席", TELL], ["坐席", CLAIM]):
        sheet.append(row)
    sheet["B3"].font = openpyxl.styles.Font(bold=True)
    book.save(path)


def write_docx(path: Path) -> None:
    document = docx.Document()
    document.add_paragraph(TELL)
    paragraph = document.add_paragraph("您放心，这个")
    paragraph.add_run("理财保本").bold = True
    paragraph.add_run("保息。")
    document.save(path)


@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        (".txt", write_txt),
        (".srt", write_srt),
        (".csv", write_csv),
        (".xlsx", write_xlsx),
        (".docx", write_docx),
    ],
)
def test_the_claim_goes_and_the_rest_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str, write: Callable[[Path], None]
) -> None:
    source = tmp_path / f"in{suffix}"
    write(source)
    text = text_of(rewritten(source, capsys))
    assert "保本" not in text
    assert TELL.rstrip("。") in text
    assert "理财" in text
    assert "风险" in text


def test_text_keeps_its_encoding_and_line_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.txt"
    write_txt(source)
    data = rewritten(source, capsys).read_bytes()
    assert data.startswith(f"{TELL}\r\n".encode("gb18030"))
    assert data.endswith(b"\r\n")


def test_subtitles_keep_their_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.srt"
    write_srt(source)
    text = rewritten(source, capsys).read_text("utf-8")
    assert "00:00:04,000 --> 00:00:06,500" in text
    assert text.startswith(f"1\n00:00:01,000 --> 00:00:03,000\n{TELL}")


def test_a_sheet_keeps_its_cells_and_styles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.xlsx"
    write_xlsx(source)
    sheet = openpyxl.load_workbook(rewritten(source, capsys)).active
    assert sheet["A3"].value == "坐席"
    assert sheet["B3"].font.bold


def test_word_gets_tracked_changes_in_the_style_of_the_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.docx"
    write_docx(source)
    body = docx.Document(rewritten(source, capsys)).element.body
    gone = "".join(element.text or "" for element in body.xpath(".//w:del//w:delText"))
    added = "".join(element.text or "" for element in body.xpath(".//w:ins//w:t"))
    assert "保本" in gone
    assert "风险" in added
    assert "您放心" not in gone, "only what changes is tracked"


def test_a_copy_in_another_format_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.txt"
    write_txt(source)
    assert main(["rewrite", str(source), "-o", str(tmp_path / "out.docx"), "--no-config"]) == 2
    assert "keeps the format" in capsys.readouterr().err


def test_what_needs_a_person_is_listed_with_its_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("花呗套现秒到账\n", "utf-8")
    code = main(["rewrite", str(source), "-o", str(tmp_path / "out.txt"), "--no-config"])
    out = capsys.readouterr().out
    assert code == 1
    assert "需人工处理" in out


def test_walking_through_findings_takes_a_choice_an_edit_and_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("这个理财保本保息。\n我们是全国第一品牌。\n这款面膜效果立竿见影。\n", "utf-8")
    answers = chain(["1", "e", "老品牌", "s", ""], cycle(["s", "已有检测报告"]))
    monkeypatch.setattr("builtins.input", lambda prompt="": next(answers))
    main(["check", str(source), "--interactive", "--no-config", "--format", "json"])
    text = source.read_text("utf-8").splitlines()
    assert "保本" not in text[0]
    assert "老品牌" in text[1]
    assert text[2] == "这款面膜效果立竿见影。"
    assert "跳过：已有检测报告" in capsys.readouterr().err


def test_the_end_of_the_input_keeps_what_was_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("这个理财保本保息。\n这款面膜效果立竿见影。\n", "utf-8")
    answers = iter(["1"])

    def answer(prompt: str = "") -> str:
        try:
            return next(answers)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", answer)
    main(["check", str(source), "--interactive", "--no-config", "--format", "json"])
    text = source.read_text("utf-8").splitlines()
    assert "保本" not in text[0]
    assert text[1] == "这款面膜效果立竿见影。"
    capsys.readouterr()
