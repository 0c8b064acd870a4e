"""Word files: reading order, places, and what a reader of the page sees."""

from __future__ import annotations

import io

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given, settings
from hypothesis import strategies as st
from reader_files import check_offsets, outcome, places, rewritten, saved, word, words

from checker.readers import ReaderError, read_bytes


def read(data: bytes):
    [document] = read_bytes(data, "a.docx")
    check_offsets(document)
    return document


def test_paragraphs_and_tables_are_in_reading_order_with_their_places() -> None:
    made = docx.Document()
    made.add_paragraph("开场")
    made.add_paragraph("")
    table = made.add_table(rows=2, cols=2)
    for index, text in enumerate(["甲", "乙", "丙", "丁"]):
        table.cell(index // 2, index % 2).text = text
    made.add_paragraph("结尾")
    made.sections[0].header.paragraphs[0].text = "内部资料"
    made.sections[0].footer.paragraphs[0].text = "第一页"
    document = read(saved(made))
    assert document.text == "开场\n\n甲\n乙\n丙\n丁\n结尾\n内部资料\n第一页"
    assert places(document) == [
        ("段落 1", "开场"),
        ("段落 2", ""),
        ("表格 1 第 1 行第 1 列", "甲"),
        ("表格 1 第 1 行第 2 列", "乙"),
        ("表格 1 第 2 行第 1 列", "丙"),
        ("表格 1 第 2 行第 2 列", "丁"),
        ("段落 3", "结尾"),
        ("页眉", "内部资料"),
        ("页脚", "第一页"),
    ]
    assert (document.kind, document.turns) == ("text", ())


def test_paragraph_numbers_are_those_of_python_docx() -> None:
    data = word("甲", "", "乙")
    document = read(data)
    paragraphs = docx.Document(io.BytesIO(data)).paragraphs
    for anchor in document.anchors:
        number = int(anchor.label.removeprefix("段落 "))
        assert document.text[anchor.start :].startswith(paragraphs[number - 1].text)


def test_a_dialogue_runs_over_paragraphs_but_not_over_headings() -> None:
    made = docx.Document()
    for text in ("客服：您好", "我是小李", "客户：太贵"):
        made.add_paragraph(text)
    made.add_heading("异议处理")
    made.add_paragraph("我们全网最低")
    document = read(saved(made))
    assert words(document) == [
        ("agent", "您好\n我是小李"),
        ("customer", "太贵"),
        ("unknown", "异议处理\n我们全网最低"),
    ]
    assert document.kind == "script"


@pytest.mark.parametrize(
    ("rows", "turns"),
    [
        (
            [["角色", "话术"], ["客服", "您好"], ["客户", "不需要"]],
            [("agent", "您好"), ("customer", "不需要")],
        ),
        (
            [["客户异议", "应对话术"], ["太贵", "最便宜"], ["再说", "好"]],
            [("customer", "太贵"), ("agent", "最便宜"), ("customer", "再说"), ("agent", "好")],
        ),
        ([["客服", "您好"], ["客户", "不需要"]], [("agent", "您好"), ("customer", "不需要")]),
        (
            [["环节", "角色", "话术"], ["开场", "客服", "您好"]],
            [("unknown", "开场"), ("agent", "您好")],
        ),
        ([["流程", "客服：您好\n客户：嗯"]], [("unknown", "流程"), ("agent", "您好"), ("customer", "嗯")]),
    ],
)
def test_a_table_may_be_a_dialogue(rows: list[list[str]], turns: list[tuple[str, str]]) -> None:
    made = docx.Document()
    table = made.add_table(rows=len(rows), cols=len(rows[0]))
    for r, cells in enumerate(rows):
        for c, text in enumerate(cells):
            table.cell(r, c).text = text
    assert words(read(saved(made))) == turns


def test_merged_and_nested_cells_are_read_once() -> None:
    made = docx.Document()
    table = made.add_table(rows=2, cols=3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "横"
    table.cell(0, 2).merge(table.cell(1, 2)).text = "竖"
    table.cell(1, 0).text = "外"
    table.cell(1, 0).add_table(1, 1).cell(0, 0).text = "内"
    document = read(saved(made))
    assert document.text.split("\n")[:3] == ["横", "竖", "外"]
    assert [place for place in places(document) if place[1]] == [
        ("表格 1 第 1 行第 1 列", "横"),
        ("表格 1 第 1 行第 3 列", "竖"),
        ("表格 1 第 2 行第 1 列", "外"),
        ("表格 1 第 2 行第 1 列 内表第 1 行第 1 列", "内"),
    ]


RUN = "<w:r><w:t xml:space='preserve'>{}</w:t></w:r>"


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        (RUN.format("全国") + RUN.format("第一"), "全国第一"),
        (f"<w:ins w:id='1' w:author='a'>{RUN.format('最佳')}</w:ins>", "最佳"),
        ("<w:del w:id='1' w:author='a'><w:r><w:delText>最佳</w:delText></w:r></w:del>", ""),
        (f"<w:moveFrom w:id='1' w:author='a'>{RUN.format('最佳')}</w:moveFrom>", ""),
        (f"<w:hyperlink>{RUN.format('链接')}</w:hyperlink>", "链接"),
        (f"<w:sdt><w:sdtContent>{RUN.format('控件')}</w:sdtContent></w:sdt>", "控件"),
        (f"<w:smartTag>{RUN.format('北京')}</w:smartTag>", "北京"),
        ("<w:r><w:t>一</w:t><w:tab/><w:t>二</w:t><w:br/><w:t>三</w:t></w:r>", "一\t二\n三"),
        ("<w:r><w:instrText>PAGE</w:instrText></w:r>", ""),
        ("<!-- remark --><w:r><w:t> 空 格 </w:t></w:r>", " 空 格 "),
    ],
)
def test_the_text_is_what_the_page_shows(inner: str, text: str) -> None:
    made = docx.Document()
    made.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{inner}</w:p>"))
    assert read(saved(made)).text == text


def test_text_boxes_follow_their_paragraph() -> None:
    made = docx.Document()
    box = f"<w:r><w:t>外</w:t><w:pict><w:txbxContent><w:p>{RUN.format('框')}</w:p></w:txbxContent></w:pict></w:r>"
    made.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{box}</w:p>"))
    document = read(saved(made))
    assert places(document) == [("段落 1", "外"), ("段落 1 文本框", "框")]


def test_content_controls_around_paragraphs_and_rows_are_entered() -> None:
    made = docx.Document()
    block = f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p>{RUN.format('控')}</w:p></w:sdtContent></w:sdt>"
    made.element.body.insert(0, parse_xml(block))
    assert read(saved(made)).text == "控"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("word/document.xml", b"</w:body>", b""),
        ("[Content_Types].xml", b"main+xml", b"other+xml"),
        ("_rels/.rels", b"word/document.xml", b"word/nothing.xml"),
    ],
)
def test_a_broken_part_is_a_damaged_file(name: str, old: bytes, new: bytes) -> None:
    with pytest.raises(ReaderError, match="damaged Word file"):
        read_bytes(rewritten(word("您好"), name, old, new), "a.docx")


def test_entities_are_not_expanded() -> None:
    data = rewritten(word("您好"), "word/document.xml", "您好".encode(), b"&a;")
    declared = b"?>\n<!DOCTYPE d [<!ENTITY a '" + b"x" * 1000 + b"'>]>"
    data = rewritten(data, "word/document.xml", b"?>", declared)
    found, message = outcome(data, "a.docx")
    assert "damaged" in message or "x" not in found[0].text


paragraphs = st.lists(
    st.text(
        alphabet=st.one_of(
            st.sampled_from("😊最\u200b ：客服户"),
            st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
        ),
        max_size=10,
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=40)
@given(paragraphs)
def test_paragraphs_are_verbatim_and_anchored(texts: list[str]) -> None:
    document = read(word(*texts))
    assert document.text == "\n".join(texts)
    assert len(document.anchors) == len(texts)
    for anchor, text in zip(document.anchors, texts, strict=True):
        assert document.text[anchor.start : anchor.start + len(text)] == text
