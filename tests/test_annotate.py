"""Findings as comments in Word files."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import docx
import pytest
from docx.oxml.ns import qn
from docx.shared import RGBColor

from checker.annotate import annotate
from checker.cli import main
from checker.docx_edit import WordFile
from checker.pipeline import check
from checker.readers import read_path
from checker.types import Span

FORMATS = {"bold": True, "italic": True}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script whose guilty words lie across runs, in a table, in a link and in a header."""
    document = docx.Document()
    document.add_heading("开场话术", 1)
    first = document.add_paragraph("客服：😀您好，这款理财")
    first.add_run("稳赚").bold = True
    run = first.add_run("不赔，收益全国")
    run.italic = True
    run.font.color.rgb = RGBColor(0xC0, 0, 0)
    first.add_run("第一，请放心。")
    document.add_paragraph("客户：最好便宜点。")
    table = document.add_table(rows=2, cols=2)
    for cell, words in zip(
        [*table.rows[0].cells, *table.rows[1].cells],
        ["异议", "应答", "安全吗", "我们保本保息，绝对安全"],
        strict=True,
    ):
        cell.text = words
    document.sections[0].header.paragraphs[0].text = "全网最低价"
    path = tmp_path / "话术.docx"
    document.save(path)
    return path


def commented(path: Path) -> list[tuple[str, str]]:
    """(words, comment) of every comment, in the order of the comments."""
    document = docx.Document(path)
    out = []
    for comment in document.comments:
        inside, words = False, ""
        for element in document.element.body.iter():
            mark = element.get(qn("w:id"))
            if element.tag == qn("w:commentRangeStart") and mark == str(comment.comment_id):
                inside = True
            elif element.tag == qn("w:commentRangeEnd") and mark == str(comment.comment_id):
                inside = False
            elif inside and element.tag == qn("w:t"):
                words += element.text
        out.append((words, comment.text))
    return out


def test_each_finding_is_a_comment_on_its_exact_words(script: Path, tmp_path: Path) -> None:
    (document,) = read_path(script)
    report = check(document)
    out = tmp_path / "out.docx"
    assert annotate(script, report, out) == len(report.findings) >= 4
    for finding, (words, comment) in zip(report.findings, commented(out), strict=True):
        if document.locate(finding.span.start).label == "页眉":
            assert comment.startswith("【页眉】")
        else:
            assert words == finding.matched
        assert finding.rule_id in comment
        assert finding.basis[0].cite in comment
        for rewrite in finding.rewrites:
            assert rewrite.text in comment


def test_text_and_formatting_stay(script: Path, tmp_path: Path) -> None:
    def letters(path: Path) -> list[tuple[str, object, object, object]]:
        return [
            (letter, run.bold, run.italic, run.font.color.rgb)
            for paragraph in docx.Document(path).paragraphs
            for run in paragraph.runs
            for letter in run.text
        ]

    (document,) = read_path(script)
    out = tmp_path / "out.docx"
    annotate(script, check(document), out)
    assert letters(out) == letters(script)
    assert read_path(out)[0].text == document.text


def test_a_missing_statement_is_commented_where_it_should_stand(tmp_path: Path) -> None:
    document = docx.Document()
    for line in ["客服：您好，请问是张先生吗？", "客户：是的", "客服：我这边是做选股软件的，想给您介绍一下",
                 "客户：你说", "客服：我们有一个选股的功能"]:  # fmt: skip
        document.add_paragraph(line)
    path, out = tmp_path / "a.docx", tmp_path / "out.docx"
    document.save(path)
    report = check(read_path(path)[0])
    assert any(not finding.matched for finding in report.findings)
    annotate(path, report, out)
    for finding, (words, comment) in zip(report.findings, commented(out), strict=True):
        assert finding.rule_id in comment
        assert words == finding.matched or (not finding.matched and len(words) == 1)


@pytest.mark.parametrize("span", [Span(0, 1), Span(3, 9), Span(10, 24), Span(4, 40)])
def test_runs_hold_exactly_the_span(script: Path, span: Span) -> None:
    file = WordFile(script)
    expected = file.text[span.start : span.end].replace("\n", "")
    assert "".join(run.text for run in file.runs(span)) == expected
    assert file.runs(Span(5, 5)) == []


def test_the_command_writes_the_copy(script: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out.docx"
    assert main(["check", str(script), "--annotate", str(out)]) == 1
    assert len(docx.Document(out).comments) == len(check(read_path(script)[0]).findings)
    assert main(["check", str(script), str(script), "--annotate", str(out)]) == 2
    text = tmp_path / "a.txt"
    text.write_text("您好", encoding="utf-8")
    assert main(["check", str(text), "--annotate", str(out)]) == 2
    assert "docx" in capsys.readouterr().err


def test_libreoffice_sees_each_comment_on_its_words(script: Path, tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if not office:
        pytest.skip("LibreOffice is not installed")
    out = tmp_path / "out.docx"
    report = check(read_path(script)[0])
    annotate(script, report, out)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [office, profile, "--headless", "--convert-to", "fodt", "--outdir", str(tmp_path), str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    written = (tmp_path / "out.fodt").read_text(encoding="utf-8")
    seen = {}
    for name in re.findall(r'<office:annotation office:name="([^"]+)"', written):
        inside = written[written.index(f'<office:annotation office:name="{name}"') :]
        body, _, rest = inside.partition("</office:annotation>")
        words = rest.partition(f'<office:annotation-end office:name="{name}"')[0]
        words = re.sub(r"<office:annotation .*?</office:annotation>", "", words, flags=re.DOTALL)
        seen[re.search(r"规则：([a-z/-]+)", body)[1]] = re.sub(r"<[^>]*>|\s", "", words)
    expected = {finding.rule_id: finding.matched for finding in report.findings}
    header = {rule for rule in expected if expected[rule] == "全网最低价"}
    assert header
    assert seen.keys() == expected.keys()
    assert {rule: seen[rule] for rule in seen.keys() - header} == {
        rule: expected[rule] for rule in expected.keys() - header
    }
