"""Training: data, estimators, thresholds, reproducibility."""

from __future__ import annotations

import gzip
import json
import pickle
from copy import copy
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'huashu[train]'")

from sklearn.utils.estimator_checks import parametrize_with_checks

from checker.classifier import PRIOR_WORDS, Classifier, ModelError, default_classifier, read_model
from checker.exact_network import ExactNetwork
from checker.train import (
    ADDED_WEIGHT,
    CATEGORIES,
    CURVE,
    VECTOR_PACKAGE,
    BlendedSVC,
    Example,
    GateClassifier,
    NaiveBayesSVC,
    NgramVectorizer,
    build_dataset,
    gate_features,
    own_files,
    read_examples,
    train,
    wilson,
    word_vectors,
)


def _known(estimator) -> dict[str, str]:
    # The solvers draw rows at random and stop near the optimum, as those of scikit-learn do.
    reason = "weights and repeated rows agree only up to the solver's tolerance"
    names = (
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    )
    drawn = hasattr(estimator, "C") or isinstance(estimator, ExactNetwork)
    return dict.fromkeys(names, reason) if drawn else {}


@parametrize_with_checks(
    [NaiveBayesSVC(), BlendedSVC(), NgramVectorizer(), ExactNetwork(hidden=8, rate=0.02)],
    expected_failed_checks=_known,
)
def test_estimators_keep_the_conventions(estimator, check) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return [example for path in own_files() for example in read_examples(path)]


@pytest.fixture(scope="module")
def few(examples: list[Example]) -> list[Example]:
    return examples[::32]


def test_numpy_scores_are_those_of_scikit_learn(few: list[Example]) -> None:
    few = few[::10]
    texts = [example.text for example in few]
    model = default_classifier()
    features = gate_features(texts)
    gate = GateClassifier(networks=1).fit(features, [bool(example.labels) for example in few])
    gate.linear_.coef_ = model._gate.astype(np.float64).reshape(1, -1)
    gate.linear_.intercept_ = np.array([model._bias])
    weights, biases, out, bias = gate.units()
    # The artifact's words and ours are the same; its table takes the place of weights we learned.
    assert np.array_equal(word_vectors().vocabulary.keys, model._vocabulary.keys)
    table = word_vectors().vectors @ weights
    swapped = copy(model)
    swapped._word_weights = np.rint(table * 1e4).astype(np.int64)
    swapped._word_scales = np.full(table.shape[1], 1e-4)
    swapped._hidden_bias, swapped._hidden_out = biases, out
    swapped._bias = model._bias + bias
    assert np.allclose(gate.decision_function(features), swapped.score_texts(texts), atol=1e-3)


def test_the_networks_add_what_the_words_say() -> None:
    model = default_classifier()
    text = "躺着也能把钱挣回来，谁用谁知道"
    keys = {int(key): number for number, key in enumerate(model._vocabulary.keys)}
    sums, count, end = np.zeros(len(model._hidden_out)), 0, 0
    for start in range(len(text)):
        for size in (4, 3, 2, 1):
            word = text[start : start + size]
            key = sum(ord(character) << 16 * place for place, character in enumerate(word))
            if len(word) == size and key in keys:
                if start + size > end:
                    sums += model._word_weights[keys[key]] * model._word_scales
                    count, end = count + 1, start + size
                break
    said = np.maximum(sums / (count + PRIOR_WORDS) + model._hidden_bias, 0) @ model._hidden_out
    silent = copy(model)
    silent._hidden_out = np.zeros_like(model._hidden_out)
    assert model.score_texts([text])[0] - silent.score_texts([text])[0] == pytest.approx(said)


def test_a_package_with_code_in_its_data_is_refused(tmp_path, monkeypatch) -> None:
    folder = tmp_path / VECTOR_PACKAGE / "model"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "test.model").write_bytes(gzip.compress(pickle.dumps(Path("x"))))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match="only plain data"):
        word_vectors.__wrapped__()


@pytest.fixture(scope="module")
def trained(few: list[Example]) -> bytes:
    return train(few)


def test_training_twice_gives_the_same_bytes(few: list[Example], trained: bytes) -> None:
    lines: list[str] = []
    assert train(few, lines.append) == trained
    assert len(lines) > 3
    header, _ = read_model(trained, "trained")
    curve = header["learning_curve"]
    assert [point["sentences"] for point in curve] == sorted(point["sentences"] for point in curve)
    assert len(curve) == len(CURVE) + 1
    assert read_model(train(few, curve=()), "trained")[0]["learning_curve"] == curve[-1:]
    counts = header["data"]
    learned = counts["sentences"] + counts["candidates_only"]
    assert learned == len(few) - counts["near_duplicates_dropped"]
    assert 0 < counts["candidates_only"] < counts["innocent"]


def test_a_trained_file_can_be_used(few: list[Example], trained: bytes, tmp_path: Path) -> None:
    scores = Classifier.load(_written(tmp_path, trained)).score_texts([example.text for example in few])
    guilty = np.array([bool(example.labels) for example in few])
    assert scores[guilty].mean() > scores[~guilty].mean()


def test_a_customers_sentences_are_heard_among_ours(few: list[Example], tmp_path: Path) -> None:
    kinds = ("猫粮罐头", "狗窝垫子", "鱼缸水泵", "鸟笼挂钩", "仓鼠跑轮", "兔子牧草")
    said = [f"咱{kind}这波上车的明年都在数钱" for kind in kinds]
    asked = [f"{kind}的班车几点上车，在哪个门" for kind in kinds]
    rows = [{"text": text, "labels": ["exaggeration"]} for text in said] + [
        {"text": text, "labels": []} for text in asked
    ]
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    light, heavy = (
        Classifier.load(_written(tmp_path, train([*read_examples(path, weight), *few], curve=())))
        for weight in (1.0, ADDED_WEIGHT)
    )
    gap = [m.score_texts(said).mean() - m.score_texts(asked).mean() for m in (light, heavy)]
    assert gap[1] > gap[0] > 0


def _written(folder: Path, content: bytes) -> Path:
    path = folder / "own.npz"
    path.write_bytes(content)
    return path


def test_near_duplicates_are_dropped_and_likes_share_a_group() -> None:
    rows = [
        "好的，那我就不打扰您了，祝您生活愉快",
        "好的，那就不打扰您了，祝您生活愉快",
        "这款车百公里油耗七个",
        "孩子几年级了",
    ]
    data = build_dataset([Example(text, ()) for text in rows])
    assert data.dropped == 1
    assert rows[1] not in data.texts
    same = build_dataset([Example("一句", (), idea="a"), Example("完全不同的话", (), idea="a")])
    assert len(set(same.groups.tolist())) == 1


def test_no_group_is_on_both_sides_of_a_split(examples: list[Example]) -> None:
    data = build_dataset(examples)
    for learned, tested in data.folds():
        assert not set(data.groups[learned].tolist()) & set(data.groups[tested].tolist())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not valid JSON"),
        ("[]", "expected an object"),
        ('{"text": "好"}', "expected"),
        ('{"text": "", "labels": []}', "expected"),
        ('{"text": "好", "labels": ["nonsense"]}', "unknown label 'nonsense'"),
        ('{"text": "好", "labels": [], "register": "song"}', "unknown register 'song'"),
    ],
)
def test_a_broken_line_is_named(line: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "好的", "labels": []}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(ModelError, match=reason) as caught:
        list(read_examples(path))
    assert f"{path}:2" in str(caught.value)


def test_too_few_sentences_are_refused() -> None:
    with pytest.raises(ModelError, match="too few"):
        train([Example("一句话", ()), Example("另一句", ("price",))])


def test_our_sentences_are_what_the_card_says(examples: list[Example]) -> None:
    guilty = [example for example in examples if example.labels]
    assert len(examples) - len(guilty) >= len(guilty)
    assert {label for example in examples for label in example.labels} == set(CATEGORIES)
    assert len({example.industry for example in examples}) > 20
    assert all(2 <= len(example.text) <= 140 for example in examples if example.labels)


def test_wilson_interval_holds_the_share() -> None:
    for count, total in ((0, 5), (5, 5), (3, 10)):
        low, high = wilson(count, total)
        assert 0 <= low <= count / total <= high + 1e-12
    assert json.dumps(wilson(0, 0)) == "[0.0, 1.0]"


def test_likeness_does_not_depend_on_how_many_are_compared_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        "这款产品包您一个月瘦二十斤",
        "今天下午三点有空吗",
        "这款产品包您一个月瘦三十斤",
        "这款产品包您两个月瘦二十斤",
    ]
    whole = build_dataset([Example(text, ()) for text in rows])
    monkeypatch.setattr("checker.train._ROWS", 1)
    parts = build_dataset([Example(text, ()) for text in rows])
    assert parts.groups.tolist() == whole.groups.tolist()
    assert parts.dropped == whole.dropped
    assert len(set(whole.groups.tolist())) == 2
