"""What holds for every format, and the small formats one by one."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from checker import report as package
from checker.document import Document
from checker.labels import (
    CATEGORY_NAMES,
    CHANNEL_NAMES,
    LEVEL_NAMES,
    STATE_NAMES,
    STRENGTH_NAMES,
    VERDICT_NAMES,
)
from checker.report import FORMATS, RenderOptions
from checker.types import Level, Report, Span

OPTIONS = RenderOptions(tool_version="1.2.3")


def render(name: str, *reports: Report, options: RenderOptions = OPTIONS) -> str:
    return FORMATS[name].render(reports, options=options)


def test_the_folder_is_the_registry():
    files = {p.stem for p in Path(package.__file__).parent.glob("*.py") if not p.stem.startswith("_")}
    assert {name.replace("-", "_") for name in FORMATS} == files
    assert set(FORMATS) >= {
        "console",
        "concise",
        "json",
        "json-lines",
        "sarif",
        "github",
        "junit",
        "gitlab",
        "html",
    }


def test_full_is_another_name_of_console_and_unknown_names_are_absent():
    assert FORMATS["full"] is FORMATS["console"]
    assert "full" in FORMATS
    assert "full" not in list(FORMATS)
    assert "_base" not in FORMATS
    with pytest.raises(KeyError):
        FORMATS["yaml"]


def test_looking_up_one_format_imports_no_template_engine_and_no_terminal_library():
    code = (
        "import sys; from checker.report import FORMATS; FORMATS['json'];"
        "assert not {'jinja2', 'rich'} & sys.modules.keys()"
    )
    root = Path(package.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize("excused", [False, True])
def test_every_format_can_be_written_whatever_the_text_holds(name, excused, hostile, call, clean):
    options = RenderOptions(color=True, show_excused=excused)
    for reports in ((), (clean,), (hostile,), (call, hostile, clean)):
        text = render(name, *reports, options=options)
        text.encode("utf-8")
        assert text == render(name, *reports, options=options)
        assert "\x00" not in text
        assert "\u202e" not in text or name in ("json", "json-lines", "sarif", "gitlab", "rdjson", "github")


@pytest.mark.parametrize("name", ["concise", "github", "gitlab", "rdjson", "csv", "junit", "json-lines"])
def test_suppressed_findings_are_no_findings(name, call):
    text = render(name, call)
    if name == "junit":
        assert "<skipped" in text
    else:
        assert "absolute/first" not in text


def test_labels_cover_every_value_of_our_types():
    from checker.document import CHANNELS
    from checker.schema import CATEGORIES
    from checker.types import State, Verdict

    assert [name for name in CATEGORY_NAMES if name != "suppression"] == list(CATEGORIES)
    assert set(LEVEL_NAMES) == {str(level) for level in Level}
    assert set(STATE_NAMES) == {str(state) for state in State}
    assert set(VERDICT_NAMES) == {str(verdict) for verdict in Verdict}
    assert tuple(CHANNEL_NAMES) == CHANNELS


def test_every_strength_of_the_law_registry_has_a_name():
    from checker.data import load_yaml

    assert {law["strength"] for law in load_yaml("law.yaml")["laws"]} <= set(STRENGTH_NAMES)


# --- concise, json, json-lines -----------------------------------------------------------------------


def test_concise_gives_one_line_a_finding_and_stars_safe_rewrites(call):
    lines = render("concise", call).splitlines()
    assert len(lines) == len(call.findings)
    assert "话术/a b.txt:1:15: absolute/best* “最好”把商品说成最高等级" in lines
    assert any(": guarantee/principal “" in line for line in lines)


def test_concise_is_empty_without_findings(clean):
    assert render("concise", clean) == ""


def test_json_has_the_shape_of_the_design(call, clean):
    data = json.loads(render("json", call, clean))
    assert data["version"] == 1
    assert data["tool"] == {"name": "huashu", "version": "1.2.3", "lexicon": ", lex1", "model": ""}
    assert [d["path"] for d in data["documents"]] == ["话术/a b.txt", "clean.txt"]
    for finding in data["documents"][0]["findings"]:
        assert call.document.text[finding["start"] : finding["end"]] == finding["text"]
    assert data["documents"][1]["findings"] == []


def test_json_is_valid_without_documents():
    assert json.loads(render("json"))["documents"] == []


def test_json_keeps_lone_surrogates(hostile):
    assert json.loads(render("json", hostile))["documents"][0]["findings"][0]["message"][0] == "\ud800"


def test_json_lines_name_the_path_in_each_line(call):
    lines = [json.loads(line) for line in render("json-lines", call).split("\n") if line]
    assert [line["rule"] for line in lines] == [f.rule_id for f in call.findings]
    assert {line["path"] for line in lines} == {call.document.path}
    with_excused = render("json-lines", call, options=RenderOptions(show_excused=True))
    assert '"state": "excused"' in with_excused


# --- formats of continuous integration --------------------------------------------------------------


def test_github_escapes_properties_and_messages(call, find):
    from checker.document import Document

    document = Document(text="最好", path="a,b:c%.txt")
    report = Report(document, (find(document, "最好", message="50%\r\nx:y,z"),))
    assert render("github", report) == (
        "::error title=huashu 绝对化用语 (absolute/best),file=a%2Cb%3Ac%25.txt,"
        "line=1,endLine=1,col=1,endColumn=3::50%25%0D%0Ax:y,z\n"
    )


def test_github_gives_no_columns_across_lines(find):
    from checker.document import Document

    document = Document(text="最\n好", path="a")
    assert "col=" not in render("github", Report(document, (find(document, "最\n好"),)))


def test_github_levels(call):
    commands = re.findall(r"^::(\w+)", render("github", call), re.MULTILINE)
    assert sorted(commands) == ["error", "error", "notice", "warning", "warning"]


def test_gitlab_fingerprints_are_unique_even_for_documents_of_one_file(call):
    issues = json.loads(render("gitlab", call, call))
    marks = [issue["fingerprint"] for issue in issues]
    assert len(marks) == len(set(marks)) == 2 * len(call.findings)
    assert issues[0].keys() == {"description", "check_name", "fingerprint", "severity", "location"}
    assert {issue["severity"] for issue in issues} <= {"info", "minor", "major", "critical", "blocker"}
    assert json.loads(render("gitlab")) == []


def test_junit_counts_agree_with_its_cases(call, clean):
    root = ElementTree.fromstring(render("junit", call, clean))
    suites = root.findall("testsuite")
    assert [len(suite) for suite in suites] == [6, 1]
    for suite in [root, *suites]:
        assert int(suite.get("tests", "")) == len(suite.findall(".//testcase"))
        assert int(suite.get("failures", "")) == len(suite.findall(".//failure"))
        assert int(suite.get("skipped", "")) == len(suite.findall(".//skipped"))


def test_junit_fails_from_the_threshold_on(call):
    def failures(level: Level) -> int:
        return render("junit", call, options=RenderOptions(fail_level=level)).count("<failure")

    assert [failures(level) for level in (Level.HINT, Level.REVIEW, Level.BLOCK)] == [5, 4, 2]


def test_junit_is_well_formed_whatever_the_text_holds(hostile):
    ElementTree.fromstring(render("junit", hostile))


def test_rdjson_columns_count_bytes(call):
    diagnostics = json.loads(render("rdjson", call))["diagnostics"]
    principal = next(d for d in diagnostics if d["code"]["value"] == "guarantee/principal")
    line = call.document.text.split("\n")[0]
    start = principal["location"]["range"]["start"]
    assert line.encode()[start["column"] - 1 :].decode().startswith("保本")
    best = next(d for d in diagnostics if d["code"]["value"] == "absolute/best")
    assert best["suggestions"][0]["text"] == "不错"
    assert "suggestions" not in principal


def test_no_edit_is_offered_where_the_text_is_not_the_file(table):
    assert "suggestions" not in render("rdjson", table)
    assert "fixes" not in render("sarif", table)


# --- formats for people ------------------------------------------------------------------------------


def test_csv_opens_in_excel_and_runs_nothing(call, hostile):
    text = render("csv", call, hostile)
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text[1:])))
    assert len({len(row) for row in rows}) == 1
    assert len(rows) == 1 + len(call.findings) + len(hostile.findings)
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "@")]


def test_csv_names_speaker_and_place(call, table):
    rows = list(csv.DictReader(io.StringIO(render("csv", call, table)[1:])))
    assert rows[0]["说话人"] == "客服"
    assert rows[0]["轮次"] == "1"
    assert rows[-1]["位置"] == "话术!B3"


def test_markdown_escapes_what_users_wrote(call, hostile):
    text = render("markdown", call, hostile)
    assert "<script>" not in text
    assert "\\<script\\>" in text
    assert re.findall(r"</?(?!b>)[a-z]+>", text.replace("\\<", "")) == []


def test_markdown_text_comes_back_as_it_was_written():
    from markdown_it import MarkdownIt

    from checker.report.markdown import _escape

    for words in ("1. 第一", "- 保本", "a*b*c _d_ `e` [f](g) <h> # i | j", "~~k~~ &amp; \\"):
        html = MarkdownIt().enable("strikethrough").render(_escape(words))
        inner = html.strip().removeprefix("<p>").removesuffix("</p>")
        assert inner.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == words


def test_markdown_starts_with_a_table_of_several_documents(call, clean):
    assert "| clean.txt | 通过 | 0 | 0 | 0 | 0 | 0 |" in render("markdown", call, clean)
    assert "|---" not in render("markdown", clean)


@pytest.mark.parametrize("mark", ["\n", "\r", "\r\n"])
def test_a_line_is_found_however_long_it_is_and_whichever_mark_ends_it(mark):
    lines = ["短", "", "长" * 700, "很长" * 40_000, "尾"]
    document = Document(text=mark.join(lines))
    start = 0
    for line in lines:
        for offset in {start, start + len(line) // 2, start + len(line)}:
            assert document.line_at(offset) == Span(start, start + len(line))
        start += len(line) + len(mark)
