"""Inline suppressions: what they reach, and that none can hide anything unnoticed."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.document import Document
from checker.suppress import apply_suppressions, comment_spans, parse_suppressions
from checker.types import Explanation, Finding, Level, Span, State

TODAY = date(2026, 11, 24)
KNOWN = {"absolute/best", "absolute/first", "guarantee/principal"}
RULES = {"最好": "absolute/best", "第一": "absolute/first", "保本": "guarantee/principal"}


def findings_of(text: str) -> list[Finding]:
    """A stand-in for the engine: the three words, outside comments."""
    silent = comment_spans(text)
    out = []
    for match in re.finditer("|".join(RULES), text):
        span = Span(*match.span())
        if any(comment.overlaps(span) for comment in silent):
            continue
        rule = RULES[match[0]]
        out.append(
            Finding(
                rule,
                rule.partition("/")[0],
                Level.BLOCK,
                State.VIOLATION,
                span,
                match[0],
                None,
                "m",
                "w",
                (),
                Explanation("terms", match[0]),
                0.9,
                f"{rule}{span.start}",
            )
        )
    return out


def outcome(text: str, today: date = TODAY) -> tuple[list[str], list[str], list[str]]:
    """(words kept, words suppressed, names of problems)."""
    document = Document.from_text(text, path="a.txt")
    kept, suppressed, problems = apply_suppressions(
        document, findings_of(text), parse_suppressions(text), KNOWN, today
    )
    for problem in problems:
        assert problem.matched == text[problem.span.start : problem.span.end]
        assert (problem.category, problem.level) == ("suppression", Level.REVIEW)
    return (
        [f.matched for f in kept],
        [s.finding.matched for s in suppressed],
        [p.rule_id.removeprefix("suppression/") for p in problems],
    )


REASON = "-- 已取得检测报告"


@pytest.mark.parametrize(
    ("text", "kept", "suppressed"),
    [
        (f"最好<!-- huashu-disable-line absolute/best {REASON} -->\n最好", ["最好"], ["最好"]),
        (f"<!-- huashu-disable-line absolute/best {REASON} -->最好\n最好", ["最好"], ["最好"]),
        (
            f"最好\n<!-- huashu-disable-next-line absolute/best {REASON} -->\n最好\n最好",
            ["最好", "最好"],
            ["最好"],
        ),
        (f"<!-- huashu-disable-next-line absolute {REASON} -->\n最好第一保本", ["保本"], ["最好", "第一"]),
        (
            f"<!-- huashu-disable-next-line absolute/best,guarantee {REASON} -->\n最好第一保本",
            ["第一"],
            ["最好", "保本"],
        ),
        (
            f"<!-- huashu-disable-next-line absolute/best，guarantee {REASON} -->\n最好保本",
            [],
            ["最好", "保本"],
        ),
        ("<!-- huashu-disable-next-line absolute —— 已备案 -->\n最好", [], ["最好"]),
        ("<!--huashu-disable-next-line absolute -- 已备案-->\n最好", [], ["最好"]),
        (
            f"最好\n<!-- huashu-disable absolute {REASON} -->\n最好\n第一\n<!-- huashu-enable absolute -->\n最好",
            ["最好", "最好"],
            ["最好", "第一"],
        ),
        (
            f"最好\n<!-- huashu-disable absolute {REASON} -->\n最好\n保本\n第一",
            ["最好", "保本"],
            ["最好", "第一"],
        ),
        (
            f"<!-- huashu-disable absolute,guarantee {REASON} -->最好<!-- huashu-enable absolute -->第一保本",
            ["第一"],
            ["最好", "保本"],
        ),
        (f"<!-- huashu-disable absolute {REASON} -->最好<!-- huashu-enable -->第一", ["第一"], ["最好"]),
        ('# huashu: disable=absolute/best reason="已备案"\n最好\n最好', ["最好"], ["最好"]),
        ('最好 # huashu: disable=absolute/best reason="已备案"\n最好', ["最好"], ["最好"]),
        ("最好 # huashu：disable=absolute reason=“已备案 二号”\n第一", ["第一"], ["最好"]),
        ("最好 #huashu:disable=absolute reason=已备案", [], ["最好"]),
        ('最好 # huashu: disable=absolute reason="已备案" until=2027-03-31', [], ["最好"]),
        ('最好 # huashu: disable=absolute reason="已备案" until=2026-11-24', [], ["最好"]),
        ("<!-- huashu-disable-line absolute until=2027-03-31 -- 已备案 -->最好", [], ["最好"]),
        ("客服：最好 # huashu: disable=absolute reason=已备案\r客服：最好", ["最好"], ["最好"]),
        (
            "# huashu: disable=absolute reason=甲\n\n# huashu: disable=guarantee reason=乙\n最好保本\n最好",
            ["最好"],
            ["最好", "保本"],
        ),
    ],
)
def test_a_comment_with_rule_and_reason_suppresses_what_it_is_about(text, kept, suppressed):
    assert outcome(text) == (kept, suppressed, [])


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("最好<!-- huashu-disable-line absolute/best -->", ["missing-reason"]),
        ("最好<!-- huashu-disable-line absolute/best -- -->", ["missing-reason"]),
        ("最好 # huashu: disable=absolute/best", ["missing-reason"]),
        ('最好 # huashu: disable=absolute/best reason=""', ["missing-reason"]),
        ("最好 # huashu: disable=absolute/best 已备案", ["missing-reason"]),
        (f"最好<!-- huashu-disable-line {REASON} -->", ["blanket"]),
        (f"<!-- huashu-disable {REASON} -->最好", ["blanket"]),
        ("最好 # huashu: disable reason=已备案", ["blanket"]),
        ("最好 # huashu: disable= reason=已备案", ["blanket"]),
        (f"最好<!-- huashu-disable-line absolute/bset {REASON} -->", ["unknown-rule"]),
        (f"最好<!-- huashu-disable-line suppression {REASON} -->", ["unknown-rule"]),
        (f"最好<!-- huashu-disable-line * {REASON} -->", ["unknown-rule"]),
        (f"最好<!-- huashu-disabled-line absolute {REASON} -->", ["unknown-rule"]),
        ('最好 # huashu: disable=absolute reason="已备案" until=2026-11-23', ["expired"]),
        ('最好 # huashu: disable=absolute reason="已备案" until=2026-13-40', ["expired"]),
        ("<!-- huashu-disable-line absolute until=2020-01-01 -- 已备案 -->最好", ["expired"]),
        (f"最好<!-- huashu-disable-line guarantee {REASON} -->", ["unused"]),
        (f"最好\n<!-- huashu-disable-next-line absolute {REASON} -->", ["unused"]),
        ("最好<!-- huashu-enable absolute -->", ["unused"]),
    ],
)
def test_a_faulty_comment_hides_nothing_and_is_found(text, problems):
    assert outcome(text) == (["最好"], [], problems)


def test_each_rule_of_a_list_is_judged_alone():
    text = f"最好<!-- huashu-disable-line absolute/best, absolute/bset, guarantee {REASON} -->"
    kept, suppressed, problems = outcome(text)
    assert (kept, suppressed) == ([], ["最好"])
    assert sorted(problems) == ["unknown-rule", "unused"]


def test_an_unknown_rule_names_the_near_one():
    document = Document(text=f"<!-- huashu-disable-line absolute/bset {REASON} -->")
    _, _, problems = apply_suppressions(document, [], parse_suppressions(document.text), KNOWN, TODAY)
    assert "absolute/best" in problems[0].message


def test_problems_cannot_be_suppressed():
    text = f"<!-- huashu-disable suppression/unused {REASON} -->\n<!-- huashu-disable-line guarantee {REASON} -->\n"
    assert outcome(text)[2] == ["unknown-rule", "unused"]


@pytest.mark.parametrize(
    "text",
    [
        "我们说说huashu-disable-line absolute -- 理由 最好",
        "see huashu: disable=absolute reason=x 最好",
        "编号#huashu: disable=absolute reason=x 最好",
        "# huashu: 使用说明 最好",
        "<!-- 普通注释 huashu -->最好",
    ],
)
def test_prose_is_no_comment(text):
    assert comment_spans(text) == ()
    assert outcome(text) == (["最好"], [], [])


def test_words_inside_a_comment_are_nobodys_words():
    text = f"您好<!-- huashu-disable-line absolute {REASON}最好 -->\n# huashu: disable=guarantee reason=保本"
    spans = comment_spans(text)
    assert [text[s.start : s.end][:6] for s in spans] == ["<!-- h", "# huas"]
    assert text[spans[1].start : spans[1].end].endswith("保本")
    assert findings_of(text) == []


def test_the_comment_keeps_its_reason_with_the_finding():
    text = "最好<!-- huashu-disable-line absolute -- 已取得检测报告 EV-014 -->"
    document = Document(text=text)
    _, suppressed, _ = apply_suppressions(document, findings_of(text), parse_suppressions(text), KNOWN, TODAY)
    assert (suppressed[0].source, suppressed[0].reason) == ("inline", "已取得检测报告 EV-014")


def test_fingerprints_of_problems_hold_no_place():
    comment = f"<!-- huashu-disable-line guarantee {REASON} -->"

    def marks(text: str) -> list[str]:
        document = Document(text=text, path="a")
        return [
            p.fingerprint for p in apply_suppressions(document, [], parse_suppressions(text), KNOWN, TODAY)[2]
        ]

    assert marks(comment) == marks("\n\n" + comment)
    assert len(set(marks(comment + comment))) == 2


def test_a_missing_statement_at_the_end_of_a_line_can_be_suppressed():
    text = "客服：您好 # huashu: disable=disclosure/no-name reason=测试脚本"
    document = Document.from_text(text)
    end = document.turns[0].span.end
    finding = Finding(
        "disclosure/no-name",
        "disclosure",
        Level.REVIEW,
        State.VIOLATION,
        Span(end, end),
        "",
        0,
        "m",
        "w",
        (),
        Explanation("missing", ""),
        0.7,
        "f",
    )
    kept, suppressed, problems = apply_suppressions(
        document, [finding], parse_suppressions(text), KNOWN, TODAY
    )
    assert (len(kept), len(suppressed), len(problems)) == (0, 1, 0)


PIECES = st.sampled_from(
    [
        "最好",
        "第一",
        "\n",
        "\r\n",
        "\r",
        " ",
        "<!-- huashu-",
        "disable",
        "disable-line",
        "-next-line",
        "enable",
        " absolute",
        ",guarantee",
        " -- ",
        "理由",
        " -->",
        "# huashu: ",
        "disable=",
        " reason=",
        '"',
        " until=2027",
        "—",
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_text_is_read_and_no_finding_is_lost(text):
    spans = comment_spans(text)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    directives = parse_suppressions(text)
    assert tuple(d.span for d in directives) == spans
    found = findings_of(text)
    kept, suppressed, problems = apply_suppressions(Document(text=text), found, directives, KNOWN, TODAY)
    assert sorted([*kept, *(s.finding for s in suppressed)], key=lambda f: f.span) == found
    assert all(s.reason for s in suppressed)
    assert all(p.matched == text[p.span.start : p.span.end] for p in problems)


def test_many_open_comments_are_read_in_linear_time():
    text = "<!-- huashu-disable absolute " * 20_000 + "\n# huashu: disable=absolute\n" * 5_000
    assert len(parse_suppressions(text)) == 5_000
