"""What must hold for every text, property-tested."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker.document import Document
from checker.lexicon import default
from checker.lint import cases
from checker.pipeline import Checker
from checker.types import Apply, State, judge

CHECKER, SECOND, OTHER = Checker(), Checker(), Checker(industry="other")
GUILTY = sorted({case.text for case in cases(default()) if case.kind == "flags" and "\n" not in case.text})
INNOCENT = sorted({case.text for case in cases(default()) if case.kind == "passes" and "\n" not in case.text})
NOISE = st.text(alphabet=st.characters(exclude_categories=()), max_size=6)
sentences = st.sampled_from(GUILTY) | st.sampled_from(INNOCENT) | NOISE
texts = st.lists(
    st.tuples(sentences, st.sampled_from(["。", "，", "\n", "", "！", "😀", "\r\n", " "])), max_size=6
).map(lambda parts: "".join(sentence + mark for sentence, mark in parts))
RELAXED = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def disturbed(draw: st.DrawFn) -> str:
    """A guilty sentence with invisible and odd characters strewn in."""
    text = draw(st.sampled_from(GUILTY))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(text)))
        text = (
            text[:place]
            + draw(st.sampled_from(["\u200b", " ", "😀", "𠮷", "*", "́", "\u3000", "最"]))
            + text[place:]
        )
    return text


@given(texts | disturbed())
@RELAXED
def test_matched_is_the_text_of_the_span(text: str) -> None:
    report = CHECKER.check(text)
    for finding in (*report.findings, *report.excused):
        assert finding.matched == text[finding.span.start : finding.span.end]
        assert 0 <= finding.confidence <= 1
        for rewrite in finding.rewrites:
            assert 0 <= rewrite.span.start <= rewrite.span.end <= len(text)


@given(texts)
@RELAXED
def test_the_same_text_gives_the_same_report(text: str) -> None:
    assert SECOND.check(text).to_dict() == CHECKER.check(text).to_dict()


@given(texts)
@RELAXED
def test_findings_are_sorted_and_the_verdict_follows_from_them(text: str) -> None:
    report = CHECKER.check(text)
    order = [(f.span.start, f.rule_id) for f in report.findings]
    assert order == sorted(order)
    assert report.verdict is judge(report.findings)
    assert all(f.state is State.EXCUSED for f in report.excused)
    assert all(f.state is not State.EXCUSED for f in report.findings)


@given(st.sampled_from(GUILTY), st.sampled_from(["今天天气不错。", "您慢走。", "好的。", "请问您贵姓？"]))
@RELAXED
def test_an_unrelated_clean_sentence_removes_no_finding(text: str, clean: str) -> None:
    before = {(f.rule_id, f.matched) for f in OTHER.check(text).findings}
    after = {(f.rule_id, f.matched) for f in OTHER.check(clean + text).findings}
    assert before <= after


@given(st.sampled_from(GUILTY))
@RELAXED
def test_every_rewrite_that_is_shown_removes_its_finding_and_adds_none(text: str) -> None:
    checker = OTHER
    report = checker.check(text)
    rules = [f.rule_id for f in report.findings]
    for finding in report.findings:
        for rewrite in finding.rewrites:
            if rewrite.apply is Apply.MANUAL and rewrite.text == finding.matched:
                continue
            changed = text[: rewrite.span.start] + rewrite.text + text[rewrite.span.end :]
            after = [f.rule_id for f in checker.check(changed).findings]
            assert after.count(finding.rule_id) < rules.count(finding.rule_id)
            assert all(after.count(name) <= rules.count(name) for name in after)


@given(st.lists(st.tuples(st.sampled_from(["agent", "customer", "unknown"]), sentences), max_size=5))
@RELAXED
def test_nothing_is_found_in_what_a_customer_says(turns: list[tuple[str, str]]) -> None:
    document = Document.from_turns(turns)
    for finding in CHECKER.check(document).findings:
        assert finding.turn is None or document.turns[finding.turn].speaker != "customer"


@given(st.sampled_from(GUILTY))
@RELAXED
def test_a_customer_may_say_anything(text: str) -> None:
    text = re.sub(r"[\r\n]", "", text)
    report = CHECKER.check(Document.from_turns([("agent", "您好"), ("customer", text)]))
    assert all(f.turn != 1 for f in report.findings)
