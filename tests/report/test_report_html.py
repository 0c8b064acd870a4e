"""The page for officers: self-contained, escaped, with the whole text and every finding on it."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.document import Document, Turn
from checker.report import FORMATS, RenderOptions
from checker.report.html import Mark, segments
from checker.types import Level, Report, Span

VOID = {"meta", "input", "br", "hr", "link", "img"}


class Page(HTMLParser):
    """Elements with attributes, and the text inside elements of a class."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self._open: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self._open == [], "elements that are not closed"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append((tag, attributes.get("class") or ""))

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        self.texts.append((tuple(names for _, names in self._open), data))

    def within(self, name: str) -> str:
        return "".join(
            data
            for classes, data in self.texts
            if any(name in one.split() for one in classes) and "b" not in classes[-1].split()
        )

    def cards(self) -> list[str]:
        return [a["class"] or "" for _, a in self.elements if "card" in (a.get("class") or "").split()]


def render(*reports: Report, **options) -> str:
    return FORMATS["html"].render(reports, options=RenderOptions(**options))


def test_nothing_is_loaded_from_anywhere(call):
    html = render(call)
    page = Page(html)
    assert not [tag for tag, _ in page.elements if tag in ("link", "img", "iframe", "object")]
    assert not [a for _, a in page.elements if "src" in a]
    assert all((a["href"] or "").startswith("#") for _, a in page.elements if "href" in a)
    assert "url(" not in html
    assert "@import" not in html
    assert "http:" not in html
    assert "https:" not in html


def test_the_text_is_there_in_full_and_escaped(call):
    page = Page(render(call))
    said = [data for data in page.within("said").split("\n") if data]
    assert "".join(said) == "".join(
        call.document.text[t.span.start : t.span.end] for t in call.document.turns
    )
    assert [tag for tag, _ in page.elements].count("script") == 1


def test_every_candidate_has_a_card_linked_to_its_words_and_back(call):
    page = Page(render(call))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {(a["href"] or "")[1:] for _, a in page.elements if "href" in a}
    assert targets <= set(ids)
    assert sorted(page.cards()) == sorted(
        [
            "card block",
            "card block",
            "card review",
            "card review",
            "card hint",
            "card excused",
            "card suppressed",
        ]
    )


def test_the_page_says_verdict_law_condition_and_rewrite(call):
    text = " ".join(data for _, data in Page(render(call)).texts)
    for words in (
        "禁止使用",
        "《广告法》第九条第三项",
        "适用：面向不特定人的投放",
        "罚则：广告费 20–100 万",
        "〔条号待核〕",
        "改为“不错”",
        "请先核实：风险等级是什么？",
        "服务态度",
        "修饰的是时间",
        "文中标记：有证明 <EV-014>",
        "检测报告（机构、编号）",
        "金融理财",
        "改写后的全文",
        "不错的",
    ):
        assert words in text


def test_several_documents_start_with_a_table(call, clean):
    html = render(call, clean)
    assert html.index("<table>") < html.index('id="d1"') < html.index('id="d2"')
    assert "<table>" not in render(call)


def test_a_clean_text_and_no_text_at_all_are_pages_too(clean):
    assert "没有发现问题" in render(clean)
    assert "没有检查任何文本" in render()
    Page(render())
    Page(render(Report(Document(text=""), ())))


def test_hostile_texts_stay_text(hostile):
    html = render(hostile)
    page = Page(html)
    assert "u" not in {tag for tag, _ in page.elements}
    assert "&lt;u&gt;" in html
    assert "\x1b" not in html


def test_the_date_is_printed_only_when_given(clean):
    assert render(clean) == render(clean)
    assert "2026-11-24" in render(clean, generated="2026-11-24")


def test_speakers_and_times_are_shown(find):
    document = Document.from_turns([("agent", "我们最好", 61.0, 63.0), ("customer", "不需要", 63.5, 65.0)])
    page = Page(render(Report(document, (find(document, "最好"),))))
    assert "01:01" in page.within("who")
    classes = [a["class"] for _, a in page.elements if "turn" in (a.get("class") or "")]
    assert classes == ["part turn agent", "part turn customer"]


def test_findings_outside_turns_are_still_shown(find):
    text = "标题最好\n客服：您好\n尾注"
    document = Document(text=text, turns=(Turn(0, "agent", Span(8, 10)),))
    report = Report(document, (find(document, "最好", turn=None), find(document, "尾注", turn=None)))
    page = Page(render(report))
    assert len(page.cards()) == 2
    assert page.within("m") == "最好尾注"


def test_places_are_shown_where_they_change(table):
    page = Page(render(table))
    assert page.within("place") == "话术!B2话术!B3"


def test_the_template_is_in_the_package():
    assert (files("checker.report") / "templates" / "report.html.jinja").is_file()


# --- segments ----------------------------------------------------------------------------------------


def marks_of(text: str, spans: list[tuple[int, int]], find) -> list[Mark]:
    document = Document(text=text)
    out = []
    for number, (start, end) in enumerate(sorted(spans), 1):
        finding = find(document, text[start:end], at=start)
        finding = replace(finding, span=Span(start, end), matched=text[start:end])
        out.append(Mark(number, finding, "open", 1, 1, ""))
    return out


TEXT = "我们的产品是全国最好的品牌"


@given(
    st.lists(
        st.tuples(st.integers(0, len(TEXT)), st.integers(0, len(TEXT))).map(lambda p: (min(p), max(p))),
        max_size=8,
    )
)
def test_segments_join_to_the_text_and_show_every_mark_once(find, spans):
    marks = marks_of(TEXT, spans, find)
    cut = list(segments(TEXT, Span(0, len(TEXT)), marks))
    assert "".join(segment.text for segment in cut) == TEXT
    badges = [mark.number for segment in cut for mark in segment.badges]
    assert badges == sorted(badges)
    assert len(badges) == len(spans)
    for mark in marks:
        covered = "".join(s.text for s in cut if mark in s.marks)
        assert covered == mark.finding.matched


@pytest.mark.parametrize("order", [("block", "hint"), ("hint", "block")])
def test_the_most_serious_of_overlapping_marks_gives_the_colour(order, find):
    marks = marks_of(TEXT, [(6, 11), (8, 13)], find)
    marks = [
        replace(mark, finding=replace(mark.finding, level=Level(level)))
        for mark, level in zip(marks, order, strict=True)
    ]
    styles = [s.style for s in segments(TEXT, Span(0, len(TEXT)), marks)]
    assert styles == ["", order[0], "block", order[1]]
