"""Rules agree with each other: what one calls innocent, or puts in as a rewrite, no other forbids."""

from __future__ import annotations

import pytest

from checker import Checker, Document
from checker.lexicon import Lexicon
from checker.lint import cases
from checker.types import Finding, Level

LEXICON_LEVELS = (Level.REVIEW, Level.BLOCK)


def said(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    """(rule, words) of what an officer would have to look at; duties point at no words.

    The model's are left out: how often it is wrong is pinned in ``models/quality_floor.json``.
    """
    return [
        (f.rule_id, f.matched)
        for f in findings
        if f.level in LEXICON_LEVELS and f.matched and f.explanation.source != "model"
    ]


def test_what_one_rule_lets_pass_no_other_rule_finds(checker: Checker, lexicon: Lexicon) -> None:
    innocent = [case for case in cases(lexicon) if case.kind == "passes" and not case.owner_is_duty]
    documents = []
    for case in innocent:
        industry = case.example.get("industry") or min(getattr(case.owner, "industries", ()), default=None)
        documents.append(Document.from_text(case.text).with_fields(industry=industry))
    clashes = {
        case.id: said(report.findings)
        for case, report in zip(innocent, checker.check_many(documents))
        if said(report.findings)
    }
    assert not clashes


def test_no_rewrite_uses_words_that_another_rule_forbids(checker: Checker, lexicon: Lexicon) -> None:
    wording = [
        (rule.id, text)
        for rule in lexicon.rules
        for option in rule.rewrites
        for text in filter(None, [option["to"], option["insert"], *option["map"].values()])
    ]
    reports = checker.check_many(text for _, text in wording)
    clashes = {
        place: said(report.findings) for place, report in zip(wording, reports) if said(report.findings)
    }
    assert not clashes


def test_every_exemption_has_a_dozen_examples_both_ways(lexicon: Lexicon) -> None:
    for exemption in lexicon.exemptions:
        guilty = sum("flags" in example for example in exemption.examples)
        innocent = sum("excused" in example for example in exemption.examples)
        assert innocent >= 12, exemption.id
        assert guilty >= 12, exemption.id


@pytest.mark.parametrize("clause", [f"N{number}" for number in range(1, 11)])
def test_the_language_clauses_are_entries_of_the_registry(lexicon: Lexicon, clause: str) -> None:
    assert lexicon.bases[clause].strength == "eng"
