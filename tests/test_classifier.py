"""Features, scores, opinions and the file of the classifier."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from checker.classifier import (
    FALLBACK,
    Classifier,
    ModelError,
    _sums_of_rows,
    buckets,
    default_classifier,
    ngram_counts,
    read_model,
    split_texts,
    symbols,
    write_model,
)
from checker.data import folder
from checker.lexicon import Lexicon
from checker.pipeline import Checker
from checker.types import Level

CLAIM = "喝了它，百病都不敢登门"
INNOCENT = "这个套餐每月五十九块，合约期一年，到期以后按标准资费收"


@pytest.fixture(scope="module")
def model() -> Classifier:
    return default_classifier()


def shown(text: str) -> str:
    seen = symbols(*split_texts([text]))
    return "".join(map(chr, seen.codes.tolist())).replace("\x01", "|")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("月入3000元", "|月入0元|"),
        ("年化3.5%到12,000", "|年化0%到0|"),
        ("第12名", "|第0名|"),
        ("好", "|好|"),
    ],
)
def test_a_number_of_any_length_is_one_symbol(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_symbols_know_where_they_come_from() -> None:
    codes, starts, ends = split_texts(["月入3000元", "好"])
    seen = symbols(codes, starts, ends)
    for symbol, origin in zip(seen.codes.tolist(), seen.origin.tolist()):
        if origin >= 0 and not chr(codes[origin]).isdigit():
            assert symbol == codes[origin]
    assert seen.last[-1] == len(seen.codes)


def test_a_sentence_scores_the_same_alone_and_among_others(model: Classifier) -> None:
    texts = [CLAIM, "好", INNOCENT, "12", "嗯嗯", CLAIM[:7]]
    together = model.score_texts(texts)
    alone = [model.score_texts([text])[0] for text in texts]
    assert np.allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("most", [3, 30, 300])
def test_rows_are_summed_by_groups_however_many_there_are(most: int) -> None:
    rng = np.random.default_rng(most)
    rows = rng.integers(-128, 128, (50, 8), dtype=np.int8)
    counts = rng.integers(0, most, most)
    numbers = rng.integers(0, len(rows), counts.sum())
    groups = np.split(numbers, counts.cumsum()[:-1])
    expected = [rows[group].sum(axis=0, dtype=np.int64).tolist() for group in groups]
    assert _sums_of_rows(rows, numbers, counts).tolist() == expected


def test_ngrams_are_counted_as_the_buckets_have_them() -> None:
    for text in ("好", "好的", "您好请问"):
        seen = symbols(*split_texts([text]))
        assert ngram_counts(np.array([len(seen.codes)]))[0] == sum(map(len, buckets(seen.codes)))


def test_shares_of_the_characters_add_up_to_the_score(model: Classifier) -> None:
    for text in (CLAIM, INNOCENT, "月入3000元，躺着就来"):
        codes, _, _ = split_texts([text])
        assert model.contributions(codes).sum() == pytest.approx(model.score_texts([text])[0], abs=1e-4)


def test_numbers_come_from_the_plain_view_of_the_engine(checker: Checker) -> None:
    wide = CLAIM.replace("，", ",")
    found = [[f.rule_id for f in checker.check(text).findings] for text in (CLAIM, wide)]
    assert found[0] == found[1]
    assert [rule.partition("/")[2] for rule in found[0]] == ["model"]


def test_a_finding_of_the_model_explains_itself(checker: Checker) -> None:
    (finding,) = checker.check(CLAIM).findings
    explanation = finding.explanation
    assert explanation.source == "model"
    assert finding.level in (Level.HINT, Level.REVIEW)
    assert finding.confidence == explanation.scores["probability"] > 0.5
    assert all(words in CLAIM for words in explanation.fired.split("、"))
    assert checker.check(CLAIM).model_version == default_classifier().version


def test_the_model_is_silent_where_a_rule_speaks(checker: Checker) -> None:
    text = "您放心，这个理财保本保息，" + CLAIM
    assert all(f.explanation.source != "model" for f in checker.check(text).findings)


@pytest.mark.parametrize(
    "text",
    [
        INNOCENT,
        "",
        "。",
        "嗯",
        "420*5.3%，20多万",
        "RTX 4090 24GB GDDR6X 384bit 1008GB/s",
        "请问是张先生吗？",
    ],
)
def test_innocent_and_foreign_text_is_left_alone(checker: Checker, text: str) -> None:
    assert not [f for f in checker.check(text).findings if f.explanation.source == "model"]


def test_customers_words_are_not_judged(checker: Checker) -> None:
    report = checker.check(f"客服：您好，有什么可以帮您\n客户：{CLAIM}")
    assert not [f for f in report.findings if f.explanation.source == "model"]


def test_every_category_with_a_threshold_has_a_rule(model: Classifier, lexicon: Lexicon) -> None:
    rules = {rule.category for rule in lexicon.rules if rule.kind == "model"}
    assert set(model.thresholds) == rules
    assert FALLBACK in rules


def test_thresholds_are_ordered(model: Classifier) -> None:
    for both in model.thresholds.values():
        assert 0.5 < both.copy <= both.review <= 1
        assert 0.5 < both.hint <= both.review


# --- the file ----------------------------------------------------------------------------------------


def shipped() -> bytes:
    return (folder("models") / "huashu-model.npz").read_bytes()


def test_the_file_is_small() -> None:
    assert len(shipped()) < 10_000_000


def test_writing_what_was_read_gives_the_same_bytes() -> None:
    header, arrays = read_model(shipped(), "model")
    assert write_model(header, arrays) == shipped()


def changed(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(shipped())) as old, zipfile.ZipFile(out, "w") as new:
        for item in old.infolist():
            name = item.filename.split(".")[0]
            new.writestr(item.filename, files.get(name, old.read(item)))
    return out.getvalue()


def header_with(**changes: object) -> bytes:
    header, _ = read_model(shipped(), "model")
    return json.dumps({**header, **changes}).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a huashu model"),
        (b"PK\x03\x04 nonsense", "not a huashu model"),
        (lambda: shipped()[:-2000], "not a huashu model"),
        (lambda: changed(header=b"[]"), "made for format None"),
        (lambda: changed(header=b"{"), "not a huashu model"),
        (lambda: changed(header=header_with(format=99)), "made for format 99"),
        (lambda: changed(header=header_with(calibration=[9, 9])), "does not fit its digest"),
        (lambda: changed(gate=b"other"), "does not fit its digest"),
    ],
)
def test_a_foreign_or_changed_file_is_refused(content, reason: str, tmp_path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(content() if callable(content) else content)
    with pytest.raises(ModelError, match=reason) as caught:
        Classifier.load(path)
    assert str(path) in str(caught.value)
    assert "huashu train" in str(caught.value)


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        Classifier.load(tmp_path / "none.npz")


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a model file was executed",))


def test_a_pickle_in_the_file_is_not_executed(tmp_path) -> None:
    header, arrays = read_model(shipped(), "model")
    buffer = io.BytesIO()
    trap = np.array([Trap()], dtype=object)
    np.lib.format.write_array(buffer, trap, allow_pickle=True)
    import checker.classifier as module

    files = {"gate.npy": buffer.getvalue(), "names.npy": b""}
    header["digest"] = module._digest(header, files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("header.json", json.dumps(header))
        for name, data in files.items():
            archive.writestr(name, data)
    with pytest.raises(ModelError, match="plain arrays"):
        read_model(out.getvalue(), "trap")
    assert pickle.loads(pickle.dumps(1)) == 1
    assert arrays


# --- register ----------------------------------------------------------------------------------------


def test_the_mark_that_ends_a_sentence_is_not_read(model: Classifier) -> None:
    for mark in "。！？；…":
        assert model.score_texts([INNOCENT + mark])[0] == model.score_texts([INNOCENT])[0]


def test_what_reads_like_copy_needs_less_to_be_flagged() -> None:
    header, arrays = read_model(shipped(), "model")
    opinions = {}
    for name, bias in (("copy", 1e6), ("talk", -1e6)):
        limits = {
            key: both | {"copy": 0.6, "hint": 0.99, "review": 0.99}
            for key, both in header["thresholds"].items()
        }
        biases = header["biases"] | {"register": bias}
        opinions[name] = Classifier(header | {"thresholds": limits, "biases": biases}, arrays).opinion(
            "手慢的姐妹就只能看别人穿了"
        )
    assert opinions["talk"] is None
    assert opinions["copy"] is not None
    assert opinions["copy"].sure


@pytest.mark.parametrize(("review", "is_given"), [(0.6, True), (0.9999999, False)])
def test_what_is_surely_wrong_but_has_no_name_gets_the_general_one(review: float, is_given: bool) -> None:
    header, arrays = read_model(shipped(), "model")
    limits = {
        key: both | {"copy": 0.5, "hint": 0.5, "review": review, "named": 1.1}
        for key, both in header["thresholds"].items()
    }
    opinion = Classifier(header | {"thresholds": limits}, arrays).opinion(CLAIM)
    assert (opinion is not None) is is_given
    if opinion is not None:
        assert opinion.category == FALLBACK
        assert opinion.sure


def test_a_rule_gives_a_hint_in_talk_that_advertises_nothing(tmp_path: Path) -> None:
    header, arrays = read_model(shipped(), "model")
    candidates = header["candidates"] | {"limit": 0.0}
    path = tmp_path / "own.npz"
    levels = {}
    for name, register, gate in (("talk", -1e6, -50), ("copy", 1e6, -50), ("suspicious talk", -1e6, 50)):
        biases = header["biases"] | {"register": register, "gate": gate}
        path.write_bytes(write_model(header | {"biases": biases, "candidates": candidates}, arrays))
        report = Checker(model=path, rewrites=False).check("这是全国第一的产品")
        finding = next(f for f in report.findings if f.category == "absolute")
        reasons = [attempt.reason for attempt in finding.explanation.exemptions]
        levels[name] = (finding.level, any("整句不像在推销" in reason for reason in reasons))
    assert levels["talk"] == (Level.HINT, True)
    assert levels["copy"] == levels["suspicious talk"] == (Level.BLOCK, False)


@pytest.mark.parametrize(
    ("text", "category", "lowered"),
    [
        ("这款理财产品保本保息", "guarantee", True),
        ("这是全国第一的产品", "absolute", False),  # in copy
        ("您好，我是公安局的民警", "impersonation", False),
        ("保本保息", "guarantee", False),  # too short to read
    ],
)
def test_what_the_model_doubts_is_lowered_by_its_kind(
    tmp_path: Path, text: str, category: str, lowered: bool
) -> None:
    header, arrays = read_model(shipped(), "model")
    candidates = header["candidates"] | {"limit": 0.0}
    biases = header["biases"] | {"register": 1e6, "gate": -50}
    path = tmp_path / "own.npz"
    path.write_bytes(write_model(header | {"biases": biases, "candidates": candidates}, arrays))
    for model, is_lowered in ((path, lowered), (None, False)):
        found = Checker(model=model, rewrites=False).check(text).findings
        levels = {f.level for f in found if f.category == category and f.explanation.source != "model"}
        assert levels == {Level.HINT} if is_lowered else Level.HINT not in levels and levels


def test_the_model_lowers_no_rule_of_a_users_folder(tmp_path: Path) -> None:
    header, arrays = read_model(shipped(), "model")
    model = tmp_path / "own.npz"
    model.write_bytes(
        write_model(header | {"biases": header["biases"] | {"register": -1e6, "gate": -50}}, arrays)
    )
    house = tmp_path / "house"
    house.mkdir()
    (house / "house.yaml").write_text(
        "rules:\n"
        "  - id: exaggeration/house-word\n"
        "    level: review\n"
        "    match: {terms: [独立电梯]}\n"
        "    message: “{matched}”要有规划文件\n"
        "    why: 公司规定。\n"
        "    basis: [aucl-9-1]\n"
        "    rewrite: {ask: 规划文件在哪, to: 【规划文件】}\n"
        "    examples:\n"
        "      - flags: 每户都有[[独立电梯]]\n"
        "      - passes: 大楼有两部电梯\n"
        "        because: 没有这个词\n",
        encoding="utf-8",
    )
    report = Checker(model=model, lexicons=[house], rewrites=False).check("这套房子有独立电梯")
    assert [finding.level for finding in report.findings if finding.rule_id == "exaggeration/house-word"] == [
        Level.REVIEW
    ]
