"""Reports built by hand: words of a text become findings, without an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from checker.document import Document
from checker.fingerprint import fingerprint
from checker.types import (
    Apply,
    Attempt,
    Basis,
    Explanation,
    Finding,
    Level,
    Report,
    Rewrite,
    Rewriting,
    Span,
    State,
    Suppression,
)

AD_LAW = Basis("ad-law-9-3", "广告法", "第九条第三项", "面向不特定人的投放", "law", "广告费 20–100 万")
AUCL = Basis("aucl-9-1", "反不正当竞争法", "第九条第一款", "任何渠道", "law")
NOTICE = Basis("fin-316-2", "某通知", "第二条", "任何渠道", "doc", verified=False)
TRIED = Attempt("service-attitude", "服务态度", False, "说的是商品", "《指南》第五条第一项")
EXCUSE = Attempt("not-goods", "时间用语", True, "修饰的是时间", "《指南》第四条")


def make_finding(document: Document, words: str, nth: int = 1, **fields: Any) -> Finding:
    """A finding on the nth occurrence of the words; ``at=`` gives an empty span instead."""
    at = fields.pop("at", None)
    start = at if at is not None else -1
    if at is None:
        for _ in range(nth):
            start = document.text.index(words, start + 1)
    span = Span(start, start + (0 if at is not None else len(words)))
    turn = document.turn_at(start)
    rule = fields.pop("rule_id", "absolute/best")
    values: dict[str, Any] = {
        "rule_id": rule,
        "category": rule.split("/")[0],
        "level": Level.BLOCK,
        "state": State.VIOLATION,
        "span": span,
        "matched": document.text[span.start : span.end],
        "turn": None if turn is None else turn.index,
        "message": f"“{words}”把商品说成最高等级",
        "why": "绝对化用语无法证明。",
        "basis": (AD_LAW, AUCL),
        "explanation": Explanation("terms", words, exemptions=(TRIED,)),
        "confidence": 0.92,
        "fingerprint": fingerprint(rule, document.path, words, nth),
    }
    return Finding(**values | fields)


def replace_by(finding: Finding, text: str, apply: Apply = Apply.SUGGEST, note: str = "") -> Finding:
    return replace(finding, rewrites=(*finding.rewrites, Rewrite(finding.span, text, apply, note)))


@pytest.fixture
def clean() -> Report:
    return Report(Document.from_text("您好，请问方便说话吗？", path="clean.txt"), ())


@pytest.fixture
def call() -> Report:
    """A dialogue with every kind of finding: overlapping, missing, excused, suppressed, evidence."""
    text = (
        "客服：您好，我们的产品是全国最好的，😊保本！\n"
        "客户：最好在五百元左右。\n"
        "客服：有效率达到98%，最佳时间由您定。\n"
        "客服：第一品牌 <script>alert(1)</script>"
    )
    document = Document.from_text(text, path="话术/a b.txt")
    best = replace_by(make_finding(document, "最好"), "不错", Apply.SAFE)
    wide = make_finding(document, "全国最好的", rule_id="unsupported-data/ranking", level=Level.REVIEW)
    principal = replace_by(
        make_finding(document, "保本", rule_id="guarantee/principal", basis=(NOTICE,)),
        "有【风险等级】风险",
        Apply.MANUAL,
        "风险等级是什么？",
    )
    risk = make_finding(
        document,
        "",
        at=document.turns[0].span.end,
        rule_id="disclosure/no-risk-warning",
        level=Level.HINT,
        message="没有提示风险",
    )
    data = make_finding(
        document,
        "98%",
        rule_id="unsupported-data/rate",
        level=Level.REVIEW,
        state=State.NEEDS_EVIDENCE,
        evidence="检测报告（机构、编号）",
        message="“98%”没有来源",
    )
    excused = make_finding(
        document,
        "最佳",
        state=State.EXCUSED,
        explanation=Explanation("terms", "最佳", exemptions=(TRIED, EXCUSE)),
    )
    accepted = Suppression(
        make_finding(document, "第一", rule_id="absolute/first"), "inline", "有证明 <EV-014>"
    )
    findings = tuple(sorted((best, wide, principal, risk, data), key=lambda f: (f.span.start, f.rule_id)))
    return Report(
        document,
        findings,
        (excused,),
        (accepted,),
        industry="finance",
        lexicon_version="lex1",
        rewriter=lambda report: Rewriting(report.document.text.replace("最好的", "不错的")),
    )


@pytest.fixture
def hostile() -> Report:
    """Control characters, lone surrogates, reordering marks and markup, in every text of a report."""
    nasty = "\ud800\x1b[31m\x00\u202e]]>\"'&<u>|`=1+1\ufffe"
    text = f"=cmd {nasty}最好{nasty}\r\nb\rc\x85\u2028\td最好"
    document = Document(text=text, path=f"目录/{nasty}.txt", notes=(nasty,))
    finding = make_finding(document, "最好", message=nasty, why=nasty, evidence=nasty)
    finding = replace_by(finding, nasty)
    excused = make_finding(document, "最好", 2, state=State.EXCUSED)
    accepted = Suppression(make_finding(document, "c"), "inline", nasty)
    return Report(document, (finding,), (excused,), (accepted,))


@pytest.fixture
def table() -> Report:
    """A text taken out of a sheet: places have labels, lines of the text are no lines of the file."""
    from checker.document import Anchor

    text = "我们最好\n他们最好"
    document = Document(text=text, path="a.xlsx", anchors=(Anchor(0, "话术!B2"), Anchor(5, "话术!B3")))
    finding = replace_by(make_finding(document, "最好", 2), "不错", Apply.SAFE)
    return Report(document, (finding,))


@pytest.fixture(scope="session")
def find() -> Callable[..., Finding]:
    return make_finding
