"""The spaCy component, from its entry point."""

from __future__ import annotations

import pytest

spacy = pytest.importorskip("spacy", reason="spaCy is not installed")


def test_the_component_fills_spans_and_the_report() -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("huashu", config={"industry": "finance"})
    text = "😊这款理财稳赚不赔。客户第一是我们的理念。"
    doc = nlp(text)
    assert doc.text == text
    labels = {span.label_: span.text for span in doc.spans["huashu"]}
    assert labels["guarantee/sure-profit"] == "稳赚不赔"
    assert str(doc._.huashu.verdict) == "block"
    assert doc.spans["huashu"][0]._.huashu.matched == "稳赚不赔"
    assert any(finding.matched == "第一" for finding in doc._.huashu.excused)


def test_rules_over_tokens_use_the_matcher(lexicon_folder) -> None:
    from checker import Checker

    folder = lexicon_folder(
        "rules:\n  - id: absolute/token-first\n    level: review\n"
        "    match: {tokens: {anchors: [头牌], pattern: [[{TEXT: 头牌}, {TEXT: 老师}]]}}\n"
        "    message: “{matched}”说得太满\n    why: 无法证明\n    basis: [ad-law-9-3]\n"
        "    examples:\n      - flags: 这位是[[头牌老师]]\n      - passes: 这位是老师\n        because: 没有比较\n"
    )
    report = Checker(lexicons=[folder]).check("我们的头牌老师亲自上课")
    assert ("absolute/token-first", "头牌老师") in [(f.rule_id, f.matched) for f in report.findings]
