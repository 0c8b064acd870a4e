"""Texts and files made to be slow or deep: the work grows with their length, not with its square.

Work is counted: calls of functions, ours and the interpreter's own, while a text is checked and while one
of twice the length is. Where the work is inside of such a call (a search through a long line), seconds of
the processor are compared: four times the text takes four times as long, sixteen times if the work grows
with the square, and the limit lies between. ``benchmarks/growth.py`` measures seconds.
"""

from __future__ import annotations

import io
import json
import sys
import time
import unicodedata
import zipfile
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker import Checker, Document
from checker.lexicon import default
from checker.lint import cases
from checker.normalize import fold_table, plain_view
from checker.readers import ReaderError, read_bytes
from checker.report import FORMATS, RenderOptions
from checker.suppress import parse_suppressions
from checker.types import Report, Span

QUICK, PROVING = Checker(industry="other", rewrites=False), Checker(industry="other")
#: What is repeated, and whether it is guilty.
UNITS = {
    "one sentence without end": "这里没有什么可说的事情只是继续往下讲",
    "candidates without a break": "最好",
    "a claim in every clause": "全国第一，稳赚不赔，",
    "a claim in every sentence": "我们的服务是全国最好的。",
    "a claim in disguise": "全國第壹",
    "labels": "客服：好\n",
    "refusals": "客服：稳赚不赔\n客户：不要\n",
    "braces": "{",
    "brackets": "【",
    "stage directions left open": "（停顿",
    "comments left open": "<!-- huashu-disable price",
    "suppressions": "".join(f'# huashu: disable=absolute reason="{n}"\n最好的服务\n' for n in range(30)),
    "suppressions of no rule": "".join(f'# huashu: disable=no-{n} reason="x"\n' for n in range(300)),
    "fillers": "，嗯",
    "stutter": "全国",
    "one character": "一",
    "marks between": "全_",
    "nothing seen": "\u200b",
    "combining marks": "好\u0301\u0336",
    "digits": "1,",
    "telephone numbers": "13800138000 ",
    "half pairs": "\ud800",
    "blank lines": "\n",
    "carriage returns": "\r",
    "quotes": "“",
    "clock times": "[00:12] 客服：",
}


def work(run: Callable[[], object]) -> int:
    """How many functions are called."""
    count = 0

    def see(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def spent(checker: Checker, text: str) -> int:
    checker.engine.forget()
    checker._rewriter.forget()
    return work(lambda: checker.check(text).rewritten)


@pytest.mark.parametrize("name", UNITS)
def test_twice_the_text_is_twice_the_work(name: str) -> None:
    unit = UNITS[name]
    count = max(2, 3000 // len(unit))
    for checker in (QUICK, PROVING):
        spent(checker, unit * count * 2)  # what is made when first needed
        once, twice = spent(checker, unit * count), spent(checker, unit * count * 2)
        assert twice <= 2.4 * once + 1000, (once, twice)


#: What is quiet in a short text: number of times -> text.
MANY: dict[str, Callable[[int], str]] = {
    "refusals in one call": lambda n: "".join(f"客户：不需要了\n客服：再考虑一下嘛{i}\n" for i in range(n)),
    "comments of both kinds": lambda n: "".join(
        f'<!-- huashu-disable-line absolute -- {i} -->\n最好的服务 # huashu: disable=price reason="{i}"\n'
        for i in range(n)
    ),
    "comments about one line": lambda n: "我们最好。<!-- huashu-disable-line absolute -- x -->" * n,
    "blocks left open": lambda n: "<!-- huashu-disable absolute -- x -->我们最好。\n" * n,
    "unknown names in one comment": lambda n: (
        f"<!-- huashu-disable-line {','.join(f'no-{i}' for i in range(n))} -- x -->我们最好。"
    ),
    "a missing reason in each comment": lambda n: "我们最好 # huashu: disable=absolute\n" * n,
}


@pytest.mark.parametrize("name", MANY)
def test_many_of_a_kind_are_linear(name: str) -> None:
    for make in (work, seconds):
        once, more = (make(lambda n=n: _checked_anew(MANY[name](n))) for n in (500, 2000))
        assert more <= 8 * once + 2000, (make.__name__, once, more)


def _checked_anew(text: str) -> Report:
    QUICK.engine.forget()
    return QUICK.check(text)


def seconds(run: Callable[[], object]) -> float:
    """Of the processor; the least of three."""
    spent = []
    for _ in range(3):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return min(spent)


LINES = {
    "one line": "我们的服务{}是全国最好的",
    "one line of characters in pairs": "我们😀{}是全国最好的𠮷",
    "lines": "我们的服务{}是全国最好的\n",
    "turns": "客服：我们的服务{}是全国最好的\n",
}


@cache
def reports(name: str) -> tuple[Report, Report]:
    """Of 500 findings and of 2,000."""
    return tuple(  # type: ignore[return-value]
        QUICK.check("".join(LINES[name].format(i) for i in range(n))) for n in (500, 2000)
    )


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("form", FORMATS)
def test_four_times_the_findings_render_in_four_times_the_time(form: str, name: str) -> None:
    few, many = reports(name)
    assert len(few.findings) > 400
    once, more = (
        seconds(lambda report=report: FORMATS[form].render([report], options=RenderOptions()))
        for report in (few, many)
    )
    assert more <= 10 * once + 0.05, (once, more)


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_ranges_for_editors_are_linear(encoding: str, name: str) -> None:
    pytest.importorskip("lsprotocol")
    from checker.lsp.text import Text

    def ranges(report: Report) -> None:
        lines = Text(report.document.text, encoding)
        for finding in report.findings:
            lines.range(finding.span)

    once, more = (seconds(lambda report=report: ranges(report)) for report in reports(name))
    assert more <= 10 * once + 0.02, (once, more)


def test_cells_that_are_not_found_again_are_looked_for_in_their_row() -> None:
    pytest.importorskip("lsprotocol")
    from checker.lsp.text import Cells, Text

    def translate(count: int) -> None:
        text = "角色,内容\n" + "".join(f'客服,"我们最好{n}",欢迎来\n' for n in range(count))
        [document] = read_bytes(text.encode(), "a.csv")
        # As an editor that put in other words: no cell is where it was.
        cells = Cells(document, Text(text.replace("最好", "最棒"), "utf-16"))
        for anchor in document.anchors:
            cells(Span(anchor.start, anchor.start + 1), "")

    once, more = (seconds(lambda n=n: translate(n)) for n in (500, 2000))
    assert more <= 10 * once + 0.02, (once, more)


def test_ten_megabytes_in_one_line_are_checked() -> None:
    text = "这里没有什么可说的事情只是继续往下讲" * 185_000 + "我们是全国第一品牌"
    report = QUICK.check(text)
    assert len(text.encode()) > 9_900_000
    assert any("第一" in finding.matched for finding in report.findings)


def test_a_million_candidates_are_weighed() -> None:
    text = "最好" * 1_000_000
    for finding in QUICK.check(text).findings:
        assert finding.matched == text[finding.span.start : finding.span.end]


def test_every_code_point_is_checked() -> None:
    characters = list(map(chr, range(sys.maxunicode + 1)))
    text = "".join(
        "我们是全国第一品牌。" + "".join(characters[at : at + 4096]) for at in range(0, len(characters), 4096)
    )
    report = QUICK.check(text)
    words = {finding.matched for finding in report.findings}
    assert any("第一" in word for word in words)
    for finding in (*report.findings, *report.excused):
        assert finding.matched == text[finding.span.start : finding.span.end]
    view = plain_view(Document(text=text))
    assert len(view.index) == len(view.codes)
    assert (np.diff(view.index) > 0).all()


def test_every_character_that_cannot_be_seen_is_dropped_inside_a_word() -> None:
    unseen = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character) in ("Cf", "Mn", "Me") and fold_table()[ord(character)] == 0
    ]
    assert len(unseen) > 1000
    assert {"\u200b", "\u202e", "\ufe0f", "\u0336", "\U000e0041", "\u2066"} <= set(unseen)
    plain = plain_view(Document(text="\n".join(f"保{character}本" for character in unseen)))
    assert set(plain.text.split("\n")) == {"保本"}


#: What may stand between the characters of a word without being seen, or as decoration.
ODD = st.sampled_from(
    [
        "́",
        "̶",
        "⃝",
        "\u200b",
        "\u200d",
        "\u2060",
        "\ufeff",
        "\xad",
        "\u202e",
        "\u202c",
        "\u2066",
        "\u2069",
        "️",
        "︎",
        "󠄀",
        "\U000e0041",
        "\U000e007f",
    ]
)
GUILTY = sorted(
    {
        case.text
        for case in cases(default())
        if case.kind == "flags" and case.text.isalpha() and len(case.text) < 40
    }
)


@given(st.sampled_from(GUILTY), st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_cannot_be_seen_hides_nothing(text: str, data: st.DataObject) -> None:
    letters = list(text)
    for place in data.draw(st.lists(st.integers(1, len(text) - 1), max_size=6)):
        letters[place] += data.draw(ODD)
    written = "".join(letters)
    before, after = QUICK.check(text), QUICK.check(written)
    assert [f.rule_id for f in after.findings] == [f.rule_id for f in before.findings]
    for finding in after.findings:
        assert finding.matched == written[finding.span.start : finding.span.end]


FAMILY = "👨\u200d👩\u200d👧\u200d👦"
FLAG = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@given(st.sampled_from(GUILTY), st.lists(st.sampled_from([FAMILY, FLAG, "😀", "𠮷", "🇨🇳", "1️⃣"]), max_size=3))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_pictures_of_several_code_points_move_nothing(text: str, pictures: list[str]) -> None:
    written = "".join(pictures) + "。" + text
    shift = len(written) - len(text)
    before = {(f.rule_id, f.span.start + shift, f.span.end + shift) for f in QUICK.check(text).findings}
    after = {(f.rule_id, *f.span) for f in QUICK.check(written).findings}
    assert before <= after


# --- depth ------------------------------------------------------------------------------------------------


def docx(body: str) -> bytes:
    import docx as library

    saved = io.BytesIO()
    library.Document().save(saved)
    out = io.BytesIO()
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    with zipfile.ZipFile(saved) as given_file, zipfile.ZipFile(out, "w") as made:
        for name in given_file.namelist():
            content = given_file.read(name)
            if name == "word/document.xml":
                content = f"<w:document {space}><w:body>{body}</w:body></w:document>".encode()
            made.writestr(name, content)
    return out.getvalue()


def nested_tables(depth: int) -> bytes:
    paragraph = "<w:p><w:r><w:t>稳赚不赔</w:t></w:r></w:p>"
    return docx("<w:tbl><w:tr><w:tc>" * depth + paragraph + "</w:tc></w:tr></w:tbl>" * depth)


DEEP = {
    "lists in JSON": ("a.json", lambda n: b"[" * n + b"]" * n),
    "objects in JSON": ("a.json", lambda n: b'{"a":' * n + b'"x"' + b"}" * n),
    "answers in JSON": ("a.json", lambda n: b'{"result":[' * n + b'{"text":"x"}' + b"]}" * n),
    "text in lines of JSON": ("a.jsonl", lambda n: json.dumps({"text": "[" * n}).encode()),
    "quotes in Markdown": ("a.md", lambda n: ("> " * n + "最好\n").encode() * 3),
    "lists in Markdown": (
        "a.md",
        lambda n: "".join("  " * k + "- 最好\n" for k in range(min(n, 1500))).encode(),
    ),
    "emphasis in Markdown": ("a.md", lambda n: ("**" * n + "最好" + "**" * n).encode()),
    "tables in Word": ("a.docx", nested_tables),
    "quotes in a table": ("a.csv", lambda n: b"a,b\n" + b'"' * n + b"\n"),
    "tags in subtitles": ("a.vtt", lambda n: b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"<v a>" * n),
}


@pytest.mark.parametrize("name", DEEP)
def test_depth_is_read_or_refused(name: str) -> None:
    file, make = DEEP[name]
    for depth in (10, 200, 20_000):
        try:
            documents = read_bytes(make(depth), file)
        except ReaderError as error:
            message = str(error)
            assert file in message
        else:
            assert sum(len(document.text) for document in documents) <= 4 * depth + 40_000_000


def test_many_open_comments_are_read_once() -> None:
    text = "<!-- huashu-disable price -- x -->" * 3000
    assert len(parse_suppressions(text)) == 3000
    small, large = (
        work(lambda n=n: parse_suppressions("<!-- huashu-disable price" * n)) for n in (2000, 4000)
    )
    assert large <= 2 * small + 200
