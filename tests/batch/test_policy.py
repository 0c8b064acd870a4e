"""Record rules on small tables of calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pl = pytest.importorskip("polars")

from checker.batch.policy import find, load_policy  # noqa: E402
from checker.config import ConfigError  # noqa: E402
from checker.data import load_yaml  # noqa: E402
from checker.labels import INDUSTRY_NAMES  # noqa: E402
from checker.lexicon import load  # noqa: E402

MONDAY = datetime(2026, 11, 2, 10)


def broken(*calls: dict[str, Any]) -> list[tuple[str, str]]:
    usual = {
        "customer": "a",
        "line": "1",
        "industry": "loan",
        "consent": True,
        "refused": False,
        "opted_out": False,
    }
    schema = {"start": pl.Datetime("ms"), "consent": pl.Boolean}
    table = [{**usual, "call_id": f"c{n}", **call} for n, call in enumerate(calls)]
    found = find(pl.DataFrame(table, schema_overrides=schema), load_policy())
    return [(row["rule"].removeprefix("nuisance/record-"), row["call_id"]) for row in found.to_dicts()]


def at(**delta: float) -> datetime:
    return MONDAY + timedelta(**delta)


@pytest.mark.parametrize(
    ("start", "industry", "rules"),
    [
        (at(), "loan", []),
        (at(hours=12), "loan", ["out-of-hours"]),  # 22:00
        (at(hours=11), "loan", ["out-of-hours"]),  # 21:00 sharp is late
        (at(hours=-1), "loan", []),  # 9:00 sharp is in time
        (at(hours=12), "insurance", ["bad-hour", "out-of-hours"]),
        (at(days=5, hours=-1), "loan", ["out-of-hours"]),  # Saturday 9:00
        (datetime(2026, 10, 5, 9, 30), "loan", ["out-of-hours"]),  # a Monday of the National Day holidays
        (datetime(2026, 10, 10, 9, 30), "loan", []),  # a Saturday that is worked
        (None, "loan", []),
    ],
)
def test_hours(start: datetime | None, industry: str, rules: list[str]) -> None:
    assert [rule for rule, _ in broken({"start": start, "industry": industry})] == rules


def test_third_call_in_a_day_and_fifth_in_a_week() -> None:
    same_day = broken(*({"start": at(hours=n)} for n in range(3)))
    assert same_day == [("too-often-a-day", "c2")]
    week = broken(*({"start": at(days=n)} for n in range(5)))
    assert week == [("too-often-a-week", "c4")]


def test_other_customers_and_calls_without_a_customer_are_not_counted() -> None:
    assert broken(*({"start": at(hours=n), "customer": str(n)} for n in range(3))) == []
    assert broken(*({"start": at(hours=n), "customer": ""} for n in range(3))) == []


def test_call_after_an_opt_out_whatever_the_order_of_the_rows() -> None:
    calls = [{"start": at(days=60)}, {"start": at(), "opted_out": True}, {"start": at(days=-1)}]
    assert broken(*calls) == [("after-opt-out", "c0")]


def test_refusal_counts_for_thirty_days() -> None:
    calls = [{"start": at(), "refused": True}, {"start": at(days=21)}, {"start": at(days=42)}]
    assert broken(*calls) == [("after-refusal", "c1")]


def test_no_consent_on_file_and_unknown_consent() -> None:
    assert broken({"start": at(), "consent": False}) == [("no-consent", "c0")]
    assert broken({"start": at(), "consent": None}) == []


def test_third_line_in_a_week() -> None:
    calls = [{"start": at(days=n), "line": str(n)} for n in range(3)]
    assert broken(*calls) == [("several-lines", "c2")]


def test_policy_of_the_user_replaces_and_drops_rules(tmp_path: Path) -> None:
    place = tmp_path / "policy.yaml"
    place.write_text(
        "rules:\n"
        "  - {id: nuisance/record-no-consent, kind: consent, level: block, message: 没有同意, basis: [CD-consent], enabled: false}\n"
        "  - {id: nuisance/record-too-often-a-day, kind: frequency, level: block, window: 1d, most: 1, message: '第{count}次', basis: [CD-freq]}\n",
        encoding="utf-8",
    )
    rules = {rule.id: rule for rule in load_policy(place).rules}
    assert "nuisance/record-no-consent" not in rules
    assert rules["nuisance/record-too-often-a-day"].most == 1


def test_wrong_policy_names_the_key(tmp_path: Path) -> None:
    place = tmp_path / "policy.yaml"
    place.write_text(
        "rules:\n  - {id: nuisance/x, kind: tides, level: block, message: m, basis: [CD-freq]}\n", "utf-8"
    )
    with pytest.raises(ConfigError, match="kind"):
        load_policy(place)


def test_every_record_rule_rests_on_known_bases_with_a_strength() -> None:
    bases = load().bases
    for rule in load_policy().rules:
        assert all(bases[name].strength for name in rule.basis), rule.id


def test_days_of_a_year_in_the_own_policy_replace_ours_of_that_year(tmp_path: Path) -> None:
    place = tmp_path / "policy.yaml"
    place.write_text("holidays: [['2026-10-01', '2026-10-03']]\nworkdays: ['2027-01-03']\n", encoding="utf-8")
    ours, theirs = load_policy(), load_policy(place)
    assert len(theirs.holidays) == 1
    assert [str(day) for day in theirs.workdays] == ["2027-01-03"]
    assert ours.years == {2026}
    assert theirs.years == {2026, 2027}


def test_days_off_are_whole_days_and_worked_weekends_lie_on_weekends() -> None:
    policy = load_policy()
    assert all(first <= last for first, last in policy.holidays)
    assert all(day.weekday() >= 5 for day in policy.workdays)
    assert not any(first <= day <= last for day in policy.workdays for first, last in policy.holidays)


def test_rules_that_nothing_breaks_leave_the_others_and_the_report_whole(tmp_path: Path) -> None:
    """Frames without rows do not join others of the same columns in every version of Polars."""
    assert broken({"start": at()}) == []
    assert broken({"start": at(), "consent": False}) == [("no-consent", "c0")]
    assert broken({"start": None, "consent": None}) == []
    hits = broken({"start": at(hours=12), "consent": False}, {"start": at(days=1), "customer": "b"})
    assert hits == [("out-of-hours", "c0"), ("no-consent", "c0")]


def test_every_industry_has_a_name_to_be_shown_by() -> None:
    assert set(INDUSTRY_NAMES) == set(load_yaml("industries.yaml")["industries"])
