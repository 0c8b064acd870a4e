"""The terminal report: underlines under the words, everything an officer needs, clean characters."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from checker.document import Document
from checker.report import FORMATS, RenderOptions
from checker.types import Report


def render(report: Report, **options) -> str:
    return FORMATS["console"].render([report], options=RenderOptions(**options))


def excerpt(text: str, words: str, find, width: int = 100, **fields) -> tuple[str, str]:
    document = Document(text=text, path="a.txt")
    lines = render(Report(document, (find(document, words, **fields),)), width=width).splitlines()
    return lines[1], lines[2]


def underlined(line: str, marks: str) -> str:
    """The characters above the ^ signs, by display columns."""
    column, out = 0, ""
    start, end = marks.index("^"), marks.rindex("^") + 1
    for character in line:
        if start <= column < end and cell_len(character):
            out += character
        column += cell_len(character)
    return out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("我们的产品最好", "最好"),
        ("plain best words", "best"),
        ("半角abc全角ＡＢＣ最好！", "最好"),
        ("😊😊最好", "最好"),
        ("e\u0301e\u0301最好", "最好"),
        ("零\u200b宽最好", "最好"),
        ("\t第一栏\t最好", "最好"),
        ("“最好”……①", "最好"),
        ("上一行\n这一行最好\r\n下一行", "最好"),
    ],
)
def test_the_underline_stands_under_the_words(text, words, find):
    line, marks = excerpt(text, words, find)
    assert underlined(line, marks) == words
    assert cell_len(marks.strip()) == cell_len(words)


@pytest.mark.parametrize("width", [24, 40, 79, 80])
@pytest.mark.parametrize("place", [0, 3, 150, 297, 300])
def test_long_lines_are_cut_around_the_words(width, place, find):
    text = "字" * place + "最好" + "字" * (300 - place)
    line, marks = excerpt(text, "最好", find, width)
    assert cell_len(line) <= width
    assert underlined(line, marks) == "最好"
    if place in (0, 150):
        assert line.strip().startswith("…") == (place == 150)


def test_a_span_longer_than_the_line_is_cut_too(find):
    line, marks = excerpt("字" * 300, "字" * 300, find, 60)
    assert cell_len(line) <= 60
    assert cell_len(marks) <= 60


def test_a_span_over_two_lines_shows_the_first(find):
    line, marks = excerpt("我们最\n好", "最\n好", find)
    assert underlined(line, marks) == "最"


def test_something_missing_is_marked_by_one_sign(find):
    line, marks = excerpt("您好。\n再见。", "", find, at=3)
    assert line.strip() == "您好。"
    assert marks == " " * 10 + "^"


def test_a_finding_says_what_why_by_which_law_and_what_instead(call):
    text = render(call)
    for words in (
        "话术/a b.txt:1:15 [禁止使用] 绝对化用语 absolute/best 第 1 轮 客服",
        "问题：“最好”把商品说成最高等级",
        "原因：绝对化用语无法证明。",
        "依据：《广告法》第九条第三项（法律）",
        "适用：面向不特定人的投放",
        "罚则：广告费 20–100 万",
        "《某通知》第二条（条号待核）",
        "试过 1 项，均不成立，最接近的是：服务态度（说的是商品）",
        "建议：改为“不错”［可直接替换］",
        "改为“有【风险等级】风险”（请先核实：风险等级是什么？）［须补充事实］",
        "须备材料：检测报告（机构、编号）",
        "禁止使用，发现 5 处（禁止使用 2，需复核 2，提示 1）",
        "豁免 1 处；已忽略 1 处",
        "行业：金融理财（推测）",
    ):
        assert words in text


def test_a_disguised_term_says_how_it_was_read(find):
    from checker.types import Explanation

    document = Document(text="最 好", path="a.txt")
    finding = find(document, "最 好", explanation=Explanation("terms", "最好", "inserted", "最好"))
    assert "去除插入的符号或空格后读作“最好”" in render(Report(document, (finding,)))


def test_excused_candidates_are_shown_when_asked_for(call):
    assert "豁免：时间用语" not in render(call)
    assert "豁免：时间用语：修饰的是时间（《指南》第四条）" in render(call, show_excused=True)


def test_many_exemptions_are_counted_and_the_near_ones_come_first(find):
    from checker.types import Attempt, Explanation

    far = tuple(Attempt(f"e{n}", f"项{n}", False, "没有") for n in range(9))
    near = Attempt("near", "提问", False, "没有发问", near=0.5)
    document = Document(text="最好")
    finding = find(document, "最好", explanation=Explanation("terms", "最好", exemptions=(*far, near)))
    assert "豁免：试过 10 项，均不成立，最接近的是：提问（没有发问）；项0（没有）；项1（没有）" in render(
        Report(document, (finding,))
    )


def test_without_color_there_is_no_escape_and_text_never_brings_one(call, hostile):
    assert "\x1b" not in render(call)
    assert "\x1b" not in render(hostile)
    assert "\x1b[1;31m" in render(call, color=True)


def test_a_clean_text_passes(clean):
    assert "clean.txt  通过，没有发现问题" in render(clean)


def test_where_nothing_was_checked_nothing_has_passed():
    assert FORMATS["console"].render([], options=RenderOptions()) == "没有检查任何文本\n"


def test_several_documents_end_with_a_line_for_all(call, clean):
    text = FORMATS["console"].render([call, clean], options=RenderOptions())
    assert text.rstrip().splitlines()[-1].startswith("共 2 份文本：禁止使用，发现 5 处")


def test_places_of_the_users_file_are_named(table):
    assert "a.xlsx:2:3 话术!B3 [禁止使用]" in render(table)
