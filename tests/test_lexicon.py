"""Loading, validation, layering, literals, the cache; and what our own lexicons must keep."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import yaml

from checker import lexicon as module
from checker.data import folder
from checker.errors import LexiconError
from checker.lexicon import Lexicon, Rarity, literals, load
from checker.matching import regex
from checker.normalize import fold
from checker.schema import CATEGORIES

GOOD = """
category: absolute
rules:
  - id: absolute/house
    level: review
    match: {terms: [宇宙头名]}
    message: “{matched}”无法证明
    why: 无法证明
    basis: [ad-law-9-3]
    examples:
      - flags: 这是[[宇宙头名]]
      - passes: 这是茶
        because: 没有比较
"""


def problems(folder_of: Callable[..., str], text: str) -> list[str]:
    with pytest.raises(LexiconError) as caught:
        load([folder_of(text)], cache=False)
    return [f"{problem.line}: {problem.where}: {problem.what}" for problem in caught.value.problems]


def test_a_good_file_loads(lexicon_folder: Callable[..., str]) -> None:
    assert "absolute/house" in load([lexicon_folder(GOOD)], cache=False).rule_by_id


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("level: review", "level: severe"), "'block', 'review' or 'hint'"),
        (("    why: 无法证明\n", ""), "why: missing"),
        (("match: {terms: [宇宙头名]}", "match: {}"), "terms and/or patterns"),
        (("match: {terms", "mach: {terms"), "unknown key"),
        (("basis: [ad-law-9-3]", "basis: [ad-law-99]"), "not in law.yaml"),
        (("id: absolute/house", "id: guarantee/house"), "must start with absolute/"),
        (("id: absolute/house", "id: absolute best"), "an id is"),
        (("terms: [宇宙头名]", "patterns: ['宇宙(?!头)']"), "RE2 refuses"),
        (("terms: [宇宙头名]", "patterns: ['{nonsense}头名']"), "unknown word class"),
        (("terms: [宇宙头名]", "patterns: ['[^，]{1,4}']"), "no literal part"),
        (("terms: [宇宙头名]", "terms: [宇宙头名, 宇宙头名]"), "stands more than once"),
        (("        because: 没有比较\n", ""), "because"),
        (("[[宇宙头名]]", "宇宙头名"), "mark the words"),
        (("    level: review", "    level: review\n    exemptions: [no-such]"), "not in exemptions.yaml"),
        (("    level: review", "    level: review\n    level: block"), "stands twice"),
        (("    level: review", "    level: review\n    state: needs-evidence"), "names the document"),
        (("rules:", "rules: ["), "not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    lexicon_folder: Callable[..., str], change: tuple[str, str], says: str
) -> None:
    assert change[0] in GOOD
    found = problems(lexicon_folder, GOOD.replace(*change))
    assert any(says in problem for problem in found), found
    assert all(int(problem.split(":")[0]) > 1 for problem in found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "allow: [2026-13-45]\n",
            "1: : holds a value that cannot be (month must be in 1..12); put it in quotes",
        ),
        (
            "allow: []\n? [a, b]\n: c\n",
            "2: : not valid YAML: found unhashable key; check quotes and indentation",
        ),
        ("allow: &a\n  - *a\n", "1: : nests too deep; write it plainly"),
        ("allow: " + "[" * 70 + "]" * 70, "1: : nests too deep; write it plainly"),
        (
            "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
            "1: : its aliases unfold to too many values; write it plainly",
        ),
        (
            "allow: [!!int '']\n",
            "1: : holds a value that cannot be (string index out of range); put it in quotes",
        ),
    ],
    ids=["month", "key", "circle", "depth", "bomb", "tag"],
)
def test_a_file_that_no_program_survives_is_a_mistake(
    lexicon_folder: Callable[..., str], text: str, says: str
) -> None:
    assert problems(lexicon_folder, text) == [says]


def test_all_mistakes_of_all_files_are_reported_in_one_run(lexicon_folder: Callable[..., str]) -> None:
    lexicon_folder(GOOD.replace("level: review", "level: severe"), name="one.yaml")
    text = (
        GOOD.replace("ad-law-9-3", "nowhere")
        .replace("absolute/house", "absolute/second")
        .replace("why:", "wy:")
    )
    found = problems(lambda _: lexicon_folder(text, name="two.yaml"), "")
    assert len(found) == 3  # the basis of a file that does not parse is not looked at


def test_a_rule_with_our_id_replaces_ours(lexicon_folder: Callable[..., str], lexicon: Lexicon) -> None:
    ours = next(rule.id for rule in lexicon.rules if rule.category == "absolute")
    layered = load([lexicon_folder(GOOD.replace("absolute/house", ours))], cache=False)
    assert layered.rule_by_id[ours].terms == ("宇宙头名",)


def test_a_word_added_to_a_class_improves_our_rules(lexicon_folder: Callable[..., str]) -> None:
    with_class = GOOD.replace("terms: [宇宙头名]", "patterns: ['{house_goods}宇宙头名']").replace(
        "这是[[宇宙头名]]", "这[[茶砖宇宙头名]]"
    )
    folder_path = lexicon_folder(with_class + "classes: {house_goods: [茶砖], goods: [茶砖]}\n")
    assert load([folder_path], cache=False).anchors["absolute/house"] == [[[["茶砖宇宙头名"]]]]


def test_the_cache_is_used_and_may_be_deleted(
    lexicon_folder: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUASHU_CACHE_DIR", str(tmp_path / "cache"))
    lexicons = lexicon_folder(GOOD)
    first = load([lexicons])
    (cached,) = (tmp_path / "cache").iterdir()
    monkeypatch.setattr(module, "compile_sources", lambda sources: pytest.fail("the cache was not used"))
    assert load([lexicons]) == first
    cached.write_text("{not json", encoding="utf-8")
    monkeypatch.undo()
    monkeypatch.setenv("HUASHU_CACHE_DIR", str(tmp_path / "cache"))
    assert load([lexicons]) == first


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_cache_folder_only_costs_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir(mode=0o500)
    monkeypatch.setenv("HUASHU_CACHE_DIR", str(tmp_path / "cache" / "deeper"))
    assert load().rules


@pytest.mark.parametrize(
    ("pattern", "alternatives"),
    [
        ("最(?:好|佳)的?", [[{"最好", "最好的", "最佳", "最佳的"}]]),
        ("(?:保证|包)[^，]{0,4}(?:赚钱|回本)", [[{"赚钱", "回本"}, {"保证", "包"}]]),
        ("(?:甲乙|丙[^，]{0,3}丁戊)", [[{"甲乙"}], [{"丁戊"}, {"丙"}]]),
        ("[一二三]天见效", [[{"一天见效", "二天见效", "三天见效"}]]),
        ("[^，]{0,4}", []),
        ("(?:甲)?", []),
    ],
)
def test_literals_of_a_pattern(pattern: str, alternatives: list[list[set[str]]]) -> None:
    def plain(groups: Iterable[Iterable[str]]) -> list[list[str]]:
        return sorted(map(sorted, groups))

    assert sorted(map(plain, literals(pattern, Rarity()))) == sorted(map(plain, alternatives))


def test_every_flagged_example_of_a_pattern_holds_its_literals(lexicon: Lexicon) -> None:
    """A rule can only find what its literals wake."""
    for rule in lexicon.rules:
        for pattern, alternatives in zip(rule.patterns, lexicon.anchors[rule.id]):
            for example in rule.examples:
                text = fold(str(example.get("flags") or "").replace("[[", "").replace("]]", ""))
                for sentence in re.split("[。！？；…\n]", text):
                    if regex(pattern).found(sentence.encode()):
                        assert any(
                            all(any(word in sentence for word in group) for group in groups)
                            for groups in alternatives
                        ), (rule.id, sentence)


def test_our_lexicons_are_as_large_as_the_readme_says(lexicon: Lexicon) -> None:
    assert {rule.category for rule in lexicon.rules} == set(CATEGORIES)
    assert len(lexicon.rules) >= 200
    assert sum(len(rule.terms) + len(rule.patterns) for rule in lexicon.rules) >= 1000
    packs = {slug for rule in lexicon.rules for slug in rule.industries}
    assert packs >= {
        "finance", "insurance", "loan", "realestate", "education", "medical", "drug", "healthfood",
        "medbeauty", "cosmetics", "telecom", "franchise",
    }  # fmt: skip


def test_rules_write_industries_that_the_detector_knows(lexicon: Lexicon) -> None:
    used = {slug for rule in lexicon.rules for slug in rule.industries}
    assert used <= set(lexicon.industries)


def test_the_registry_of_laws_is_complete() -> None:
    table = yaml.safe_load((folder("lexicons") / "law.yaml").read_text(encoding="utf-8"))
    codes = {code for law in table["laws"] for article in law["articles"] for code in article["penalties"]}
    assert codes <= set(table["penalties"])
    assert all(article["track"] in table["tracks"] for law in table["laws"] for article in law["articles"])


def test_a_basis_that_could_not_be_verified_says_so(lexicon: Lexicon) -> None:
    unverified = [basis for basis in lexicon.bases.values() if not basis.verified]
    assert unverified
    assert all("待核" in basis.cite for basis in unverified)


def test_no_rewrite_puts_in_what_a_rule_forbids(lexicon: Lexicon, checker) -> None:
    for rule in lexicon.rules:
        for option in rule.rewrites:
            for text in filter(None, [option["to"], option["insert"], *option["map"].values()]):
                bad = [f.rule_id for f in checker.check(text).findings if str(f.level) == "block"]
                assert not bad, f"{rule.id}: {text} → {bad}"


def test_json_cache_round_trip_is_lossless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUASHU_CACHE_DIR", str(tmp_path))
    assert load() == load()
    (file,) = tmp_path.glob("lexicon-*.json")
    assert json.loads(file.read_text(encoding="utf-8").split("\n", 1)[1])["rules"]


# --- legal bases ---------------------------------------------------------------------------------


def test_every_basis_names_its_law() -> None:
    """An officer must know where to look; our own conventions say that they are no law."""
    for basis in load().bases.values():
        named = re.search(r"《[^》]+》", basis.cite) or "不是法律" in basis.cite
        assert named, basis.cite
        assert basis.cite.count("待核") <= 1, basis.cite
        assert not basis.penalty or basis.penalty.startswith("《"), basis.penalty


@pytest.mark.parametrize(
    ("rule", "channel", "industry", "first", "absent"),
    [
        ("pressure/price-will-rise", "call_1to1", "insurance", "ins-19", ""),
        ("pressure/price-will-rise", "call_1to1", "ecommerce", "price-17", "ins-19"),
        ("guarantee/pass", "sms", "education", "ad-law-24-1", "re-18"),
        ("efficacy/cure", "sms", "healthfood", "ad-law-18-2", "ad-law-16-1"),
        # A one-to-one call is usually no advertisement: what governs it anyway comes first.
        ("absolute/best", "call_1to1", None, "aucl-9-1", ""),
        ("absolute/best", "sms", None, "ad-law-9-3", ""),
    ],
)
def test_the_most_relevant_basis_comes_first(
    rule: str, channel: str, industry: str | None, first: str, absent: str
) -> None:
    lexicon = load()
    bases = [basis.id for basis in lexicon.basis_for(lexicon.rule_by_id[rule], channel, industry)]
    assert bases[0] == first
    assert absent not in bases


def test_a_rule_keeps_its_bases_where_all_bind_other_industries() -> None:
    lexicon = load()
    rule = lexicon.rule_by_id["guarantee/loss-covered"]
    assert lexicon.basis_for(rule, "sms", "agri")
