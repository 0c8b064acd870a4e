"""A rewritten file keeps its format: text, subtitles, sheets, Word with tracked changes."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import signal
import sys
import zipfile
from collections.abc import Callable
from itertools import chain, cycle
from pathlib import Path

import docx
import openpyxl
import pytest
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml.ns import qn
from docx.shared import RGBColor
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from checker import Checker
from checker.cli import main
from checker.readers import read_path
from checker.rewrite_file import write_rewritten
from checker.types import Apply, Rewrite, Span

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


def write_vtt(path: Path) -> None:
    path.write_text(
        f"WEBVTT\n\n00:01.000 --> 00:03.000\n{TELL}\n\n00:04.000 --> 00:06.500\n{CLAIM}\n", "utf-8"
    )


def write_tsv(path: Path) -> None:
    path.write_text(f"角色\t话术\n坐席\t{TELL}\n坐席\t{CLAIM}\n", "utf-8")


def write_jsonl(path: Path) -> None:
    calls = [
        {"id": 1, "turns": [{"role": "坐席", "text": TELL}, {"role": "坐席", "text": CLAIM}]},
        {"id": 2, "text": TELL},
    ]
    path.write_text("".join(json.dumps(call, ensure_ascii=False) + "\n" for call in calls), "utf-8")


def write_json(path: Path) -> None:
    turns = [
        {"speaker": "agent", "words": TELL, "begin": 0},
        {"speaker": "agent", "words": CLAIM, "begin": 4},
    ]
    path.write_text(json.dumps({"call": {"turns": turns}}, indent=1), "ascii")


@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        (".txt", write_txt),
        (".srt", write_srt),
        (".csv", write_csv),
        (".xlsx", write_xlsx),
        (".docx", write_docx),
        (".vtt", write_vtt),
        (".tsv", write_tsv),
        (".jsonl", write_jsonl),
        (".json", write_json),
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


def test_of_json_only_the_words_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Spacing, order of keys, escapes, times and the lines of other calls keep their bytes."""
    source = tmp_path / "in.jsonl"
    first = (
        '{"id":7 , "turns": [ {"text":"' + CLAIM + '", "role":"agent","start": 1.50} ], "note": "保本保息"}'
    )
    second = json.dumps({"text": TELL + CLAIM, "id": 8})
    third = '{ "text" : "您好，' + TELL + '" }'
    source.write_bytes(f"{first}\r\n{second}\r\n\r\n{third}\r\n".encode())
    lines = rewritten(source, capsys).read_bytes().decode().split("\r\n")
    assert len(lines) == 5
    start, end = first.split(CLAIM)
    assert lines[0].startswith(start)
    assert lines[0].endswith(end)
    assert CLAIM not in lines[0]
    assert lines[1].isascii()
    said = json.loads(lines[1])["text"]
    assert said.startswith(TELL)
    assert "保本" not in said
    assert lines[2:] == ["", third, ""]


def test_what_is_said_about_a_call_stays_when_the_call_says_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.json"
    words = "我们的服务是全国最好的"
    call = {"summary": words, "turns": [{"role": "客服", "text": words}]}
    source.write_text(json.dumps(call, ensure_ascii=False), "utf-8")
    after = json.loads(rewritten(source, capsys).read_text("utf-8"))
    assert after["summary"] == words
    assert "最好" not in after["turns"][0]["text"]


def test_words_that_stand_twice_in_json_change_where_they_were_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The customer repeats the claim: what the customer said stays."""
    source = tmp_path / "in.json"
    turns = [{"role": "customer", "text": CLAIM}, {"role": "agent", "text": CLAIM}]
    source.write_text(json.dumps(turns, ensure_ascii=False), "utf-8")
    after = json.loads(rewritten(source, capsys).read_text("utf-8"))
    assert after[0] == turns[0]
    assert "保本" not in after[1]["text"]


def test_a_sheet_keeps_its_cells_and_styles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.xlsx"
    write_xlsx(source)
    sheet = openpyxl.load_workbook(rewritten(source, capsys)).active
    assert sheet["A3"].value == "坐席"
    assert sheet["B3"].font.bold


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ("客服,这个理财保本保息,欢迎来,谢谢", '客服,"这个理财，投资有风险，收益不保证,欢迎来,谢谢"'),
        ('客服,"这个理财保本保息,欢迎来', '客服,"这个理财，投资有风险，收益不保证,欢迎来'),
    ],
)
def test_words_with_commas_that_nobody_quoted_are_written_once(
    said: str, becomes: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(
        f'角色,话术\n{said}\n客户,好"的\n' if '"' in said else f"角色,话术\n{said}\n客户,好的\n", "utf-8"
    )
    main(["rewrite", str(source), "-o", str(tmp_path / "out.csv"), "--no-config"])
    assert (tmp_path / "out.csv").read_text("utf-8").splitlines()[1] == becomes
    assert "1 fixed" in capsys.readouterr().err


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


def styles(path: Path) -> list[tuple[str, str, bool, bool]]:
    """(what happens, words, bold, red) of the runs of the body, neighbours that are alike together."""
    out: list[tuple[str, str, bool, bool]] = []
    for run in docx.Document(path).element.body.iter(qn("w:r")):
        kind = run.getparent().tag.rsplit("}")[-1]
        words = "".join(item.text or "" for item in run if item.tag in (qn("w:t"), qn("w:delText")))
        look = (bool(run.xpath("./w:rPr/w:b")), bool(run.xpath("./w:rPr/w:color[@w:val='FF0000']")))
        if out and (out[-1][0], *out[-1][2:]) == (kind, *look):
            words = out.pop()[1] + words
        out.append((kind, words, *look))
    return out


def test_word_keeps_what_is_bold_and_red_and_strikes_out_no_innocent_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.docx"
    document = docx.Document()
    paragraph = document.add_paragraph("您好，我们是")
    run = paragraph.add_run("全国第一")
    run.bold, run.font.color.rgb = True, RGBColor(255, 0, 0)
    paragraph.add_run("的理财平台，")
    paragraph.add_run("保本保息").bold = True
    paragraph.add_run("，您放心。")
    document.save(source)
    found = styles(rewritten(source, capsys))
    assert [(kind, words) for kind, words, *_ in found if kind == "del"] == [
        ("del", "全国第一"),
        ("del", "保本保息"),
    ]
    (one, two) = [item for item in found if item[0] == "ins"]
    assert one[2:] == (True, True)
    assert two[2:] == (True, False)
    kept = [item for item in found if item[0] == "p"]
    assert [words for _, words, *_ in kept] == ["您好，我们是", "的理财平台，", "，您放心。"]
    assert not any(bold for *_, bold, _ in kept)


def test_word_changes_headers_and_notes_and_says_the_last_words_in_the_body(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.docx"
    document = docx.Document()
    document.add_paragraph("客服：您好，我是某某财富的小李，这款理财产品挺受欢迎的，您看要不要买？")
    document.sections[0].header.paragraphs[0].text = "最好的理财"
    document.sections[0].footer.paragraphs[0].text = "理财产品手册"
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    said = f'<w:footnotes xmlns:w="{space}"><w:footnote w:id="2"><w:p><w:r><w:t>我们是全国第一</w:t></w:r></w:p></w:footnote></w:footnotes>'
    notes = Part(
        PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, said.encode(), document.part.package
    )
    document.part.relate_to(notes, RELATIONSHIP_TYPE.FOOTNOTES)
    document.save(source)
    target = tmp_path / "out.docx"
    main(["rewrite", str(source), "-o", str(target), "--no-config", "--industry", "finance"])
    with zipfile.ZipFile(target) as archive:
        names = [name for name in archive.namelist() if name.startswith("word/") and name.endswith(".xml")]
        parts = {re.sub("word/|[0-9]*[.]xml", "", name): archive.read(name).decode() for name in names}
    assert re.findall("<w:delText[^>]*>([^<]*)", parts["header"]) == ["最好"]
    assert re.findall("<w:delText[^>]*>([^<]*)", parts["footnotes"]) == ["全国第一"]
    assert "w:ins" not in parts["footer"]
    added = re.findall("<w:ins .*?</w:ins>", parts["document"])
    assert len(added) == 1
    assert "投资有风险" in added[0]
    assert not checked(target, "finance")
    assert not capsys.readouterr().out


def test_a_formula_stays_and_is_left_to_a_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.xlsx"
    write_xlsx(source)
    book = openpyxl.load_workbook(source)
    book.active.append(["坐席", '="这个理财保本保息"'])
    book.save(source)
    target = tmp_path / "out.xlsx"
    assert main(["rewrite", str(source), "-o", str(target), "--no-config"]) == 1
    out, err = capsys.readouterr()
    assert openpyxl.load_workbook(target).active["B4"].value == '="这个理财保本保息"'
    assert "保本" not in openpyxl.load_workbook(target).active["B3"].value
    assert "单元格是公式，请自行改为" in out
    assert f"{target}: 1 fixed" in err
    assert f"{target}:Sheet!B4: 没有写入：单元格是公式" in err


def test_styles_inside_a_cell_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.xlsx"
    write_xlsx(source)
    book = openpyxl.load_workbook(source)
    bold = InlineFont(b=True)
    book.active["B2"] = CellRichText("我是", TextBlock(bold, "某某财富"), "的小李。")
    book.active["B3"] = CellRichText("您放心，这个理财", TextBlock(bold, "保本"), "保息。")
    book.save(source)
    sheet = openpyxl.load_workbook(rewritten(source, capsys), rich_text=True).active
    assert [(str(part), isinstance(part, TextBlock)) for part in sheet["B2"].value] == [
        ("我是", False),
        ("某某财富", True),
        ("的小李。", False),
    ]
    assert "保本" not in str(sheet["B3"].value)
    assert any(isinstance(part, TextBlock) and "风险" in part.text for part in sheet["B3"].value)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_subtitles_change_beside_and_inside_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    source = tmp_path / "in.srt"
    cues = [
        "客户：保本保息吗",
        "<i>这个理财<b>保本</b>保息</i>，您放心",
        "这款<b>最好</b>的产品" + ending + "稳赚不赔",
    ]
    source.write_bytes(
        ending.join(
            f"{number}{ending}00:00:0{number},000 --> 00:00:0{number},900{ending}{words}{ending}"
            for number, words in enumerate(cues, 1)
        ).encode()
    )
    target = tmp_path / "out.srt"
    main(["rewrite", str(source), "-o", str(target), "--no-config", "--industry", "finance"])
    text = target.read_bytes().decode()
    assert cues[0] in text, "what the customer said stays"
    assert "<i>这个理财<b>" in text
    assert "</b></i>，您放心" in text
    assert "这款<b>" in text
    assert "</b>的产品" + ending in text
    assert not any(words in text.split(cues[0])[1] for words in ("保本", "保息", "最好", "稳赚"))
    before = checked(source, "finance")
    assert f"{target}: {len(before) - len(checked(target, 'finance'))} fixed" in capsys.readouterr().err


def checked(path: Path, industry: str) -> list[str]:
    checker = Checker(industry=industry)
    return [finding.rule_id for document in read_path(path) for finding in checker.check(document).findings]


def test_words_above_the_first_subtitle_change_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.srt"
    source.write_text(f"客服：{CLAIM}\n\n1\n00:00:01,000 --> 00:00:02,000\n客户：{CLAIM}\n", "utf-8")
    text = rewritten(source, capsys).read_text("utf-8")
    assert "保本" not in text.partition("-->")[0]
    assert text.endswith(f"客户：{CLAIM}\n")


def test_entities_of_subtitles_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.vtt"
    source.write_text(
        "WEBVTT\n\n00:01.000 --> 00:03.000\n<v 坐席>A&amp;B，这个理财<c.red>保本保息</c>，您放心\n", "utf-8"
    )
    text = rewritten(source, capsys).read_text("utf-8")
    assert "<v 坐席>A&amp;B，这个理财<c.red>" in text
    assert "</c>，您放心" in text
    assert "保本" not in text


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
    source.write_text("这个理财保本保息。\n我们是第一品牌。\n这款面膜效果立竿见影。\n", "utf-8")
    answers = chain(["1", "e", "有门店的品牌", "s", ""], cycle(["s", "已有检测报告"]))
    monkeypatch.setattr("builtins.input", lambda prompt="": next(answers))
    main(["check", str(source), "--interactive", "--no-config", "--format", "json"])
    text = source.read_text("utf-8").splitlines()
    assert "保本" not in text[0]
    assert "有门店的品牌" in text[1]
    assert text[-1] == "这款面膜效果立竿见影。"
    assert sum("已有检测报告" in line for line in text) == 2
    told = capsys.readouterr().err
    assert "跳过：已有检测报告" in told
    assert f"{source}: 2 fixed, 2 skipped with a comment" in told


def test_fix_takes_what_is_safe_and_tells_what_must_be_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("本周钜惠，欢迎到店。\n这款理财保本保息。\n", "utf-8")
    main(["check", str(source), "--fix", "--no-config"])
    assert source.read_text("utf-8") == "本周优惠，欢迎到店。\n这款理财保本保息。\n"
    told = capsys.readouterr().err
    assert f"{source}: 1 fixed" in told
    assert f"{source}: 1 with suggestions to look at" in told


def test_fixed_are_findings_not_edits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two claims of a sentence are cured by one edit."""
    source = tmp_path / "in.txt"
    source.write_text("我们是全国第一的理财平台，保本保息。\n", "utf-8")
    before = len(checked(source, "finance"))
    assert before >= 2
    main(["check", str(source), "--fix", "--unsafe-fixes", "--no-config", "--industry", "finance"])
    assert f"{source}: {before - len(checked(source, 'finance'))} fixed" in capsys.readouterr().err


def test_a_footer_whose_last_words_change_keeps_them(tmp_path: Path) -> None:
    source = tmp_path / "in.docx"
    document = docx.Document()
    document.add_paragraph("您好")
    document.sections[0].footer.paragraphs[0].text = "理财产品"
    document.save(source)
    (read,) = read_path(source)
    end = len(read.text)
    edit = Rewrite(Span(end - 2, end), "产品手册", Apply.SUGGEST)
    assert write_rewritten(source, [(Checker().check(read), [edit])], tmp_path / "out.docx") == []
    assert text_of(tmp_path / "out.docx") == "您好\n理财产品手册"


@pytest.mark.parametrize("flag", ["--fix", "--diff"])
def test_suggestions_that_are_not_taken_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("这款理财保本保息。\n我们的牌子是全国第一。\n", "utf-8")
    assert main(["check", str(source), flag, "--no-config"]) == 1
    told = capsys.readouterr().err
    assert f"{source}: 2 with suggestions to look at, which need --unsafe-fixes" in told
    assert (f"{source}: 0 fixed" in told) is (flag == "--fix")
    main(["check", str(source), flag, "--no-config", "--quiet"])
    assert not capsys.readouterr().err


def test_a_difference_that_only_people_can_make_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("花呗套现秒到账\n", "utf-8")
    main(["check", str(source), "--diff", "--unsafe-fixes", "--no-config"])
    out, told = capsys.readouterr()
    assert not out
    assert "nothing to change, 2 left to a person" in told


def walked(source: Path, answers: list[str], monkeypatch: pytest.MonkeyPatch, *more: str) -> None:
    """Walk through a file with the answers of standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))
    main(["check", str(source), "--interactive", "--no-config", *more])


def test_prompts_are_in_nobodys_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("这款理财保本保息。\n", "utf-8")
    walked(source, ["1"], monkeypatch, "--format", "json")
    out, told = capsys.readouterr()
    assert not json.loads(out)["documents"][0]["findings"]
    assert "采用建议" in told


def test_an_empty_edit_deletes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("我们的牌子是全国第一。\n", "utf-8")
    walked(source, ["e", "  ", "e", "有门店的"], monkeypatch)
    assert source.read_text("utf-8") == "我们的牌子是全国有门店的。\n"
    assert "原话没有动" in capsys.readouterr().err


def test_choices_show_what_the_clause_becomes_and_none_is_offered_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("您好，我们是全国第一的理财平台，保本保息，您放心。\n", "utf-8")
    walked(source, ["2", "1"], monkeypatch, "--industry", "finance")
    told = capsys.readouterr().err
    first, second = told.split("\n[")[1:3]
    choices = [line for line in first.splitlines() if line[3:4] == "."]
    assert len({line[5:] for line in choices}) == len(choices)
    assert "→ 我们是" in choices[0]
    assert all("→" in line for line in choices if "删去" in line)
    assert "您好，我们是全国第一的理财平台，保本保息，您放心。" in first
    written = source.read_text("utf-8").split("，")[1]
    assert f"您好，{written}，保本保息，您放心。" in second, "the line as it is after the first choice"


def in_terminal(folder: Path, arguments: list[str], answers: dict[str, list[str]]) -> tuple[int, str]:
    """Run the command behind a pseudo-terminal; ``answers`` are given in turn to the prompts they are under."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "checker", *arguments])
    shown = waiting = ""
    while True:
        if not select.select([terminal], [], [], 100)[0]:
            os.kill(pid, signal.SIGKILL)  # it waits for an answer that the test does not have
            break
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data.decode("utf-8", "replace")
        waiting += data.decode("utf-8", "replace")
        for prompt, lines in answers.items():
            if waiting.endswith(prompt) and lines:
                os.write(terminal, (lines.pop(0) + "\n").encode())
                waiting = ""
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


CHOICE, REASON, NEW, KEEP = "结束：", "理由：", "改为：", "重新选择："


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_in_a_terminal_a_skip_is_stored_in_the_text_and_an_edit_is_checked_again(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("您好\n我们的理财保本保息。\n我们的牌子是全国第一。\n再见\n", "utf-8")
    answers = {
        CHOICE: ["s", "e", "e"],
        REASON: ['合同第三条，编号"A"'],
        NEW: ["最好", "有店的"],
        KEEP: ["n"],
    }
    code, shown = in_terminal(tmp_path, ["check", "in.txt", "--interactive", "--no-config"], answers)
    lines = source.read_text("utf-8").splitlines()
    assert lines[1] == '# huashu: disable=guarantee/principal reason="合同第三条，编号”A”"', shown
    assert lines[2] == "我们的理财保本保息。"
    assert lines[3] == "我们的牌子是全国有店的。"
    assert "改后仍有问题" in shown
    assert not any(answers.values())
    assert code == 0
    assert main(["check", str(source), "--no-config"]) == 0, "what was stored holds next time"


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_where_no_comment_can_stand_a_skip_goes_to_the_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.csv"
    source.write_text("角色,话术\n坐席,这款理财保本保息。我们的牌子是全国第一。\n", "utf-8")
    answers = {CHOICE: ["s", "1"], REASON: ["合同第三条"]}
    code, shown = in_terminal(tmp_path, ["check", "in.csv", "--interactive", "--no-config"], answers)
    text = source.read_text("utf-8")
    assert "保本保息" in text, shown
    assert "第一" not in text
    assert "#" not in text
    baseline = json.loads((tmp_path / "huashu-baseline.json").read_text("utf-8"))
    assert [(entry["rule"], entry["reason"]) for entry in baseline["entries"]] == [
        ("guarantee/principal", "合同第三条")
    ]
    assert code == 0
    command = ["check", str(source), "--no-config", "--baseline", str(tmp_path / "huashu-baseline.json")]
    assert main(command) == 0
    capsys.readouterr()


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
