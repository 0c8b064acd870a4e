"""Baselines: what was there is accepted, what is new is not, and no sentence is stored."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from checker.baseline import (
    BaselineError,
    apply_baseline,
    load_baseline,
    stale_entries,
    write_baseline,
)
from checker.document import Document
from checker.fingerprint import fingerprint
from checker.types import Explanation, Finding, Level, Report, Span, State, Suppression

TODAY = date(2026, 11, 24)
PRIVATE = "张三您好，您身份证尾号1234，我们的产品最好"


def report_of(text: str, path: str = "a.txt", rule: str = "absolute/best") -> Report:
    """Every 最好 is a finding; its sentence is its line."""
    document = Document(text=text, path=path)
    seen: dict[str, int] = {}
    findings = []
    offset = 0
    for line in text.split("\n"):
        place = line.find("最好")
        while place >= 0:
            seen[line] = seen.get(line, 0) + 1
            span = Span(offset + place, offset + place + 2)
            findings.append(
                Finding(
                    rule,
                    rule.partition("/")[0],
                    Level.BLOCK,
                    State.VIOLATION,
                    span,
                    "最好",
                    None,
                    "m",
                    "w",
                    (),
                    Explanation("terms", "最好"),
                    0.9,
                    fingerprint(rule, path, line, seen[line]),
                )
            )
            place = line.find("最好", place + 2)
        offset += len(line) + 1
    return Report(document, tuple(findings), lexicon_version="lex1")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "baseline.json"


def edit(file, **fields) -> None:
    data = json.loads(file.read_text(encoding="utf-8"))
    data["entries"][0].update(fields)
    file.write_text(json.dumps(data), encoding="utf-8")


def test_the_file_has_the_agreed_shape_and_no_sentence(file):
    write_baseline(file, [report_of(PRIVATE)], TODAY)
    text = file.read_text(encoding="utf-8")
    data = json.loads(text)
    assert data.keys() == {"version", "created", "tool_version", "lexicon", "entries"}
    assert (data["version"], data["created"], data["lexicon"]) == (1, "2026-11-24", "lex1")
    mark = report_of(PRIVATE).findings[0].fingerprint
    assert data["entries"] == [
        {
            "fingerprint": mark,
            "rule": "absolute/best",
            "path": "a.txt",
            "excerpt": "最好",
            "count": 1,
            "reason": "",
            "owner": "",
            "expires": None,
        }
    ]
    assert "张三" not in text
    assert "1234" not in text


def test_what_was_recorded_is_accepted_wherever_it_moved_in_the_file(file):
    write_baseline(file, [report_of("最好")])
    after = apply_baseline(report_of("您好\n\n最好\n我们最好"), load_baseline(file), TODAY)
    assert [f.span.start for f in after.findings] == [9]
    assert [(s.source, s.finding.span.start) for s in after.suppressed] == [("baseline", 4)]
    assert after.suppressed[0].reason


def test_the_same_words_in_another_sentence_rule_or_file_are_new(file):
    (file.parent / "a.txt").write_text("", encoding="utf-8")
    write_baseline(file, [report_of("最好")])
    baseline = load_baseline(file)
    for other in (report_of("都最好"), report_of("最好", "b.txt"), report_of("最好", rule="absolute/first")):
        assert apply_baseline(other, baseline, TODAY) is other


def test_one_more_of_the_same_is_new(file):
    write_baseline(file, [report_of("最好")])
    after = apply_baseline(report_of("最好\n最好"), load_baseline(file), TODAY)
    assert (len(after.findings), len(after.suppressed)) == (1, 1)


def test_documents_of_one_file_are_counted_together(file):
    baseline = write_baseline(file, [report_of("最好"), report_of("最好")])
    assert [entry.count for entry in baseline.entries] == [2]


def test_an_expired_entry_accepts_nothing_and_is_stale(file):
    write_baseline(file, [report_of("最好")])
    edit(file, expires="2026-11-23")
    baseline = load_baseline(file)
    assert apply_baseline(report_of("最好"), baseline, TODAY).findings
    assert len(stale_entries(baseline, [], TODAY)) == 1
    assert not apply_baseline(report_of("最好"), baseline, date(2026, 11, 23)).findings


def test_reasons_owners_and_dates_survive_writing_again(file):
    write_baseline(file, [report_of("最好")], TODAY)
    edit(file, reason="有证明", owner="李四", expires="2027-03-31")
    accepted = apply_baseline(report_of("最好\n我们最好"), load_baseline(file), TODAY)
    assert accepted.suppressed[0].reason == "有证明"
    again = write_baseline(file, [accepted], date(2026, 12, 1))
    assert again == load_baseline(file)
    assert again.created == "2026-11-24"
    assert sorted((e.reason, e.owner, e.expires) for e in again.entries if e.reason) == [
        ("有证明", "李四", "2027-03-31")
    ]
    assert len(again.entries) == 2


def test_inline_suppressions_and_their_problems_are_not_recorded(file):
    report = report_of("最好")
    problem = replace(report.findings[0], rule_id="suppression/unused", category="suppression")
    inline = Suppression(report.findings[0], "inline", "理由")
    assert write_baseline(file, [replace(report, findings=(problem,), suppressed=(inline,))]).entries == ()


def test_a_moved_file_keeps_its_baseline(file):
    write_baseline(file, [report_of("最好。\n我们最好", "old/a.txt")])
    baseline = load_baseline(file)
    after = apply_baseline(report_of("我们最好\n最好都是", "new/b.txt"), baseline, TODAY)
    assert [s.finding.span.start for s in after.suppressed] == [2]
    assert [f.span.start for f in after.findings] == [5]


def test_a_copy_of_a_file_that_still_exists_is_new(file):
    (file.parent / "a.txt").write_text("最好", encoding="utf-8")
    write_baseline(file, [report_of("最好", "a.txt")])
    assert apply_baseline(report_of("最好", "copy.txt"), load_baseline(file), TODAY).findings


def test_one_file_under_two_names_matches(file):
    (file.parent / "a.txt").write_text("最好", encoding="utf-8")
    write_baseline(file, [report_of("最好", "a.txt")])
    whole = str(file.parent / "a.txt")
    assert not apply_baseline(report_of("最好", whole), load_baseline(file), TODAY).findings
    assert not apply_baseline(report_of("最好", "./a.txt"), load_baseline(file), TODAY).findings


def test_entries_that_match_nothing_any_more_are_stale(file):
    (file.parent / "b.txt").write_text("最好", encoding="utf-8")
    write_baseline(
        file, [report_of("最好\n我们最好"), report_of("最好", "b.txt"), report_of("最好", "gone.txt")]
    )
    baseline = load_baseline(file)
    now = apply_baseline(report_of("最好"), baseline, TODAY)
    stale = stale_entries(baseline, [now], TODAY)
    assert sorted(entry.path for entry in stale) == ["a.txt", "gone.txt"]
    assert stale_entries(
        baseline, [apply_baseline(report_of("最好\n我们最好"), baseline, TODAY)], TODAY
    ) == tuple(entry for entry in baseline.entries if entry.path == "gone.txt")


def test_an_entry_of_a_moved_file_is_not_stale(file):
    write_baseline(file, [report_of("最好", "old.txt")])
    baseline = load_baseline(file)
    now = apply_baseline(report_of("最好", "new.txt"), baseline, TODAY)
    assert now.findings == ()
    assert stale_entries(baseline, [now], TODAY) == ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", ["baseline.json:1", "not valid JSON", "--write-baseline"]),
        (b"\xff\xfe\xff", ["UTF-8"]),
        (b"[]", ["'entries'"]),
        (b'{"version": 2, "entries": []}', ["version 1", "found 2"]),
        (
            b'{"version": 1, "entries": [1, {"fingerprint": "x", "rule": "", "count": 0, "expires": "soon"}]}',
            ["entry 1", "entry 2: rule", "entry 2: count", "entry 2: expires"],
        ),
        (
            b'{"version": 1, "entries": [{"fingerprint": "x", "rule": "r"}, {"fingerprint": "x", "rule": "r"}]}',
            ["x stands twice"],
        ),
        (
            b'{"version": 1, "entries": [{"fingerprint": 5, "rule": "r"}]}',
            ["fingerprint expected text, found 5"],
        ),
    ],
)
def test_a_broken_file_names_itself_every_mistake_and_the_remedy(file, content, says):
    file.write_bytes(content)
    with pytest.raises(BaselineError) as error:
        load_baseline(file)
    for words in [str(file), *says]:
        assert words in str(error.value)


def test_a_missing_file_says_how_to_record_one(file):
    with pytest.raises(BaselineError, match="no such baseline; record one with --write-baseline"):
        load_baseline(file)
    with pytest.raises(BaselineError, match="cannot be written"):
        write_baseline(file.parent / "nowhere" / "b.json", [])


def test_any_matched_words_can_be_stored(file):
    report = report_of("最好")
    strange = replace(report, findings=(replace(report.findings[0], matched="\ud800\x00\n"),))
    write_baseline(file, [strange])
    assert len(load_baseline(file).entries) == 1
