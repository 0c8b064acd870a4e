"""Builds the models of rewrites: ``python -m checker.rewrite.train``.

The fluency model counts the trigrams of our innocent sentences. The answer model learns from
``models/answers.jsonl`` which statement answers a guilty sentence and which of its words stay; ``--compare``
cross-validates it instead. ``--grades`` weighs what ranks a draft, from the grades that readers gave
(``models/grades.jsonl``). Takes some minutes and needs ``pip install 'huashu[train]'``.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from checker.data import folder
from checker.lexicon import load
from checker.rewrite.answers import (
    ARTIFACT as ANSWERS,
)
from checker.rewrite.answers import (
    DROP,
    NOTHING,
    SOFTER,
    AnswerModel,
    Matrix,
    Sentence,
    sentence_of,
    stay_inputs,
)
from checker.rewrite.ranking import ARTIFACT, STATED, Ranker, graded_inputs

#: Dimensions of a word's vector, the main components of those of the package.
WIDTH = 64
#: For each task the seeds of its networks, their hidden units, epochs, examples a step, and size of a step.
_CHOICE = ((0, 1, 2), 96, 10, 64, 2e-3)
_STAY = ((0, 1), 64, 6, 128, 1e-3)
#: Every so many words tell the main components.
_SAMPLED = 4
_FOLDS = 4


class Answered(NamedTuple):
    """A guilty sentence, what stays of it word for word, and the statements that may answer it, the best first.

    ``kind`` is ``answer``, ``soften`` (milder words are better) or ``drop`` (nothing may be said).
    """

    text: str
    trade: str
    kind: str
    keep: tuple[str, ...]
    say: tuple[str, ...]


def answered() -> list[Answered]:
    """The sentences of ``models/answers.jsonl``. Raises ValueError for a stretch that is not in its sentence."""
    out = []
    for number, line in enumerate((folder("models") / "answers.jsonl").read_text("utf-8").splitlines(), 1):
        row = json.loads(line)
        place = 0
        for stretch in row["keep"]:
            found = row["text"].find(stretch, place)
            if found < 0:
                raise ValueError(f"answers.jsonl:{number}: {stretch} does not stand in the sentence")
            place = found + len(stretch)
        keep, say = tuple(row["keep"]), tuple(row.get("say", ()))
        out.append(Answered(row["text"], row["industry"], row["kind"], keep, say))
    return out


def innocent_sentences() -> Iterable[str]:
    """The training text: our sentences without a label, and the innocent lines of the lexicons."""
    for entry in sorted((folder("models") / "sentences").iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".jsonl"):
            for line in entry.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                if "text" in row and not row["labels"]:
                    yield row["text"]
    lexicon = load(examples=True)
    for rule in lexicon.rules:
        for example in rule.examples:
            if "passes" in example:
                yield from example["passes"].splitlines()
    for entry in lexicon.rewriting["statements"]:
        yield from entry["to"]


def build(path: Path) -> None:
    """Write the arrays of the model of :func:`innocent_sentences`; trigrams met once are left out: half the size, as good."""
    unigrams: Counter[str] = Counter()
    bigrams: Counter[tuple[str, str]] = Counter()
    trigrams: Counter[tuple[str, str, str]] = Counter()
    for text in innocent_sentences():
        letters = ["\0", "\0", *text.strip(), "\0"]
        unigrams.update(letters[2:])
        bigrams.update(pairwise(letters[1:]))
        trigrams.update(zip(letters, letters[1:], letters[2:]))
    del unigrams["\0"]
    known = sorted(unigrams)
    number = {"\0": 0, **{letter: place + 1 for place, letter in enumerate(known)}}
    pairs = {number[a] << 16 | number[b]: count for (a, b), count in bigrams.items()}
    triples = {
        number[a] << 32 | number[b] << 16 | number[c]: count
        for (a, b, c), count in trigrams.items()
        if count > 1
    }
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            characters=np.array([ord(letter) for letter in known], dtype=np.uint32),
            unigrams=np.array([unigrams[letter] for letter in known], dtype=np.uint32),
            bigrams=np.array(sorted(pairs), dtype=np.uint64),
            bigram_counts=np.array([pairs[key] for key in sorted(pairs)], dtype=np.uint16),
            trigrams=np.array(sorted(triples), dtype=np.uint64),
            trigram_counts=np.array([triples[key] for key in sorted(triples)], dtype=np.uint16),
        )


class _Words(NamedTuple):
    """The vocabulary's keys, the vector of each word as int8, and the value of 1 in them and in their pool."""

    keys: npt.NDArray[np.uint64]
    vectors: npt.NDArray[np.int8]
    scale: float
    pool: float


def _words(texts: Sequence[str]) -> _Words:
    from sklearn.decomposition import PCA

    from checker.train import word_vectors

    known = word_vectors()
    components = PCA(WIDTH, random_state=0).fit(known.vectors[::_SAMPLED]).components_
    vectors = known.vectors @ components.T
    vectors /= vectors.std()
    scale = float(np.quantile(np.abs(vectors), 0.9999)) / 127
    pooled = np.asarray(known.pooled(texts) @ components.T) / (known.vectors @ components.T).std()
    small = np.clip(np.rint(vectors / scale), -127, 127).astype(np.int8)
    return _Words(known.vocabulary.keys, small, scale, 1 / float(pooled.std()))


class _Data:
    """What the networks learn from: inputs and answers of every sentence."""

    def __init__(self) -> None:
        from checker import Checker
        from checker.labels import known_industry
        from checker.rewrite.grammar import Grammar

        plain = Checker(rewrites=False)
        self.rows = answered()
        allowed = frozenset((*plain.lexicon.rewriting["answers"], NOTHING))
        model = plain.engine.classifier
        assert model is not None
        grammar = Grammar(plain.engine.tokenizer.tags, plain.lexicon.rewriting)
        trades = [known_industry(row.trade) or "other" for row in self.rows]
        named = sorted({*trades, "other"})
        checkers = {name: plain if name == "other" else Checker(name, rewrites=False) for name in named}
        words = _words([row.text for row in self.rows])
        classes = [*sorted(allowed - {NOTHING}), NOTHING, SOFTER, DROP]
        header = {"classes": classes, "trades": named, "scale": words.scale, "pool": words.pool}
        self.arrays: dict[str, npt.NDArray[Any]] = {"words": words.keys, "vectors": words.vectors}
        self.header = header
        empty = {
            f"{name}_{part}": np.zeros(shape, dtype=np.float32)
            for name in ("choice", "stay")
            for part, shape in (
                ("into", (1, 1, 1)),
                ("into_bias", (1, 1)),
                ("out", (1, 1, 1)),
                ("out_bias", (1, 1)),
            )
        }
        self.model = AnswerModel(header, {**self.arrays, **empty})
        self.sentences: list[Sentence] = []
        for row, trade in zip(self.rows, trades):
            found = [finding.span for finding in checkers[trade].check(row.text).findings]
            self.sentences.append(
                sentence_of(
                    row.text,
                    found,
                    grammar,
                    lambda texts: model.probability(model.score_texts(texts)).tolist(),
                )
            )
        self.trades = trades
        self.choice_inputs = np.array(
            [self.model.inputs(row.text, trade) for row, trade in zip(self.rows, trades)], dtype=np.float32
        )
        self.choices = [
            {DROP}
            if row.kind == "drop"
            else {SOFTER}
            if row.kind == "soften"
            else allowed.intersection(row.say)
            for row in self.rows
        ]
        self.chosen = [
            DROP if row.kind == "drop" else SOFTER if row.kind == "soften" else next(iter(row.say), None)
            for row in self.rows
        ]

    def stay_rows(self, numbers: Iterable[int]) -> tuple[Matrix, npt.NDArray[np.bool_]]:
        """(inputs, answers) of the words of some sentences, those of which nothing may be said left out."""
        inputs, kept = [], []
        for number in numbers:
            seen, row = self.sentences[number], self.rows[number]
            if row.kind == "drop" or not seen.words:
                continue
            inside = np.array(seen.clause_of) >= 0
            inputs.append(stay_inputs(seen, self.model.vector, self.model.width)[inside])
            kept.append(_stays(seen, row.keep)[inside])
        return np.concatenate(inputs), np.concatenate(kept)


def _stays(seen: Sentence, keep: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which words of a sentence stay: those of which more than half of the characters do."""
    letters = np.zeros(len(seen.text), dtype=np.bool_)
    place = 0
    for stretch in keep:
        place = seen.text.find(stretch, place)
        letters[place : place + len(stretch)] = True
        place += len(stretch)
    return np.array([letters[word.start : word.end].mean() > 0.5 for word in seen.words], dtype=np.bool_)


def _fitted(inputs: Matrix, answers: Any, plan: Any, classes: Sequence[Any]) -> dict[str, npt.NDArray[Any]]:
    """The weights of networks that learned the same with different seeds; ``classes`` orders what they answer."""
    from sklearn.neural_network import MLPClassifier

    seeds, hidden, epochs, batch, step = plan
    nets = []
    for seed in seeds:
        net = MLPClassifier(
            (hidden,),
            alpha=1e-3,
            max_iter=epochs,
            batch_size=batch,
            learning_rate_init=step,
            random_state=seed,
        )
        with np.errstate(all="ignore"):
            _quietly(net.fit, inputs, answers)
        nets.append(net)
    out = []
    for net in nets:
        weights, bias = net.coefs_[1], net.intercepts_[1]
        if len(net.classes_) == 2 and weights.shape[1] == 1:
            out.append((weights, bias))
            continue
        place = {name: number for number, name in enumerate(net.classes_.tolist())}
        columns = [place.get(name, -1) for name in classes]
        full = np.zeros((weights.shape[0], len(classes)))
        shift = np.full(len(classes), -30.0)  # what was never the answer
        for number, column in enumerate(columns):
            if column >= 0:
                full[:, number], shift[number] = weights[:, column], bias[column]
        out.append((full, shift))
    return {
        "into": np.array([net.coefs_[0] for net in nets], dtype=np.float16),
        "into_bias": np.array([net.intercepts_[0] for net in nets], dtype=np.float32),
        "out": np.array([weights for weights, _ in out], dtype=np.float16),
        "out_bias": np.array([bias for _, bias in out], dtype=np.float32),
    }


def _quietly(fit: Any, *given: Any) -> None:
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are chosen
        fit(*given)


def _learned(data: _Data, numbers: Sequence[int]) -> AnswerModel:
    """The model of some of the sentences."""
    spoken = [number for number in numbers if data.chosen[number] in data.model.classes]
    choice = _fitted(
        data.choice_inputs[spoken], [data.chosen[number] for number in spoken], _CHOICE, data.model.classes
    )
    stay = _fitted(*data.stay_rows(numbers), _STAY, (True,))
    arrays = dict(data.arrays)
    for name, some in (("choice", choice), ("stay", stay)):
        arrays.update({f"{name}_{part}": values for part, values in some.items()})
    return AnswerModel(data.header, arrays)


def build_answers(path: Path) -> None:
    """Write the answer model."""
    data = _Data()
    model = _learned(data, range(len(data.rows)))
    header = np.frombuffer(json.dumps(data.header, ensure_ascii=False).encode(), dtype=np.uint8)
    arrays: dict[str, Any] = {"header": header, **model.arrays}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def compare() -> None:
    """Print how often sentences that were not learned from get an acceptable statement, and how well what stays is known."""
    from sklearn.metrics import average_precision_score

    data = _Data()
    first = among = tried = 0
    kept, odds = [], []
    folds = np.random.RandomState(0).permutation(len(data.rows)) % _FOLDS
    for fold in range(_FOLDS):
        model = _learned(data, np.flatnonzero(folds != fold).tolist())
        for number in np.flatnonzero(folds == fold).tolist():
            row, seen = data.rows[number], data.sentences[number]
            if data.choices[number]:
                shares = model.choices(row.text, data.trades[number])
                best = [model.classes[place] for place in np.argsort(-shares)[:3]]
                tried += 1
                first += best[0] in data.choices[number]
                among += bool(data.choices[number].intersection(best))
            if row.kind != "drop" and seen.words:
                inside = np.array(seen.clause_of) >= 0
                kept.append(_stays(seen, row.keep)[inside])
                odds.append(np.array(model.stays(seen))[inside])
    precision = average_precision_score(np.concatenate(kept), np.concatenate(odds))
    print(
        f"{tried:,} sentences: the first statement is acceptable in {first / tried:.3f}, one of three in {among / tried:.3f}"
    )
    print(
        f"words that stay: average precision {precision:.3f}, of which {np.concatenate(kept).mean():.3f} do"
    )


#: From this grade on (of 0 to 3) a reader lets a rewrite be spoken.
_SPOKEN = 2


class Graded(NamedTuple):
    """Rewrites of sentences as readers graded them: which sentence, what the ranker knows, and the grade."""

    sentences: npt.NDArray[np.int64]
    inputs: npt.NDArray[np.float64]
    grades: npt.NDArray[np.int64]
    costs: npt.NDArray[np.float64]


def graded() -> Graded:
    """The rewrites of ``models/grades.jsonl`` that are drafted today for what the model finds."""
    from checker import Checker
    from checker.labels import known_industry
    from checker.scene import Setting
    from checker.types import Apply

    ranker = Ranker.load()
    checkers: dict[str | None, Checker] = {}
    rows: list[tuple[Any, ...]] = []
    for number, line in enumerate((folder("models") / "grades.jsonl").read_text("utf-8").splitlines()):
        row = json.loads(line)
        industry = known_industry(row["industry"]) if row["industry"] else None
        checker = checkers.get(industry) or checkers.setdefault(industry, Checker(industry))
        report = checker.check(row["text"])
        setting = Setting(report.industry, report.industry_given, report.channel, report.channel_given)
        met: dict[str, tuple[Any, ...]] = {}
        for region, draft in checker.drafted(report.document, setting, report.findings):
            after = region[: draft.span.start] + draft.text + region[draft.span.end :]
            fits = draft.learned and draft.kind in STATED and draft.apply is not Apply.MANUAL
            if fits and after in row["grades"]:
                found = (
                    number,
                    graded_inputs(region, draft),
                    row["grades"][after],
                    ranker.cost(region, draft),
                )
                if after not in met or found[3] < met[after][3]:
                    met[after] = found
        rows += met.values()
    return Graded(*(np.array(column) for column in zip(*rows)))


def _first_choices(sentences: npt.NDArray[np.int64], costs: Any, grades: Any) -> float:
    """Share of the sentences whose cheapest rewrite a reader lets be spoken."""
    best = {n: g for n, _, g in sorted(zip(sentences.tolist(), costs, grades), key=lambda row: -row[1])}
    return float(np.mean([grade >= _SPOKEN for grade in best.values()]))


def _weights(data: Graded, chosen: npt.NDArray[np.bool_]) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=3.0, max_iter=1000).fit(data.inputs[chosen], data.grades[chosen] >= _SPOKEN)


class Weighed(NamedTuple):
    """The weights that the grades give, and the share of sentences whose first choice may be spoken.

    As the ranker chooses now, by weights of the other folds, and by the grades themselves.
    """

    weights: list[float]
    base: float
    chosen: float
    held_out: float
    ideal: float


def weigh(data: Graded) -> Weighed:
    """What :data:`checker.rewrite.ranking.GRADED` should be."""
    fold = np.random.RandomState(0).permutation(data.sentences.max() + 1)[data.sentences] % _FOLDS
    odds = np.zeros(len(fold))
    for number in range(_FOLDS):
        own = fold == number
        odds[own] = _weights(data, ~own).decision_function(data.inputs[own])
    final = _weights(data, np.ones(len(fold), dtype=np.bool_))
    shares = [
        _first_choices(data.sentences, costs, data.grades) for costs in (data.costs, -odds, -data.grades)
    ]
    return Weighed(np.round(final.coef_[0], 2).tolist(), round(float(final.intercept_[0]), 2), *shares)


def compare_grades() -> None:
    """Print the weights that the grades give, and how good first choices are."""
    data = graded()
    found = weigh(data)
    print("weights", found.weights, "base", found.base)
    print(
        f"{len(set(data.sentences.tolist()))} sentences, {len(data.grades)} rewrites: the first choice may be spoken in "
        f"{found.chosen:.3f}, with weights of the other folds in {found.held_out:.3f}, with the best of each in "
        f"{found.ideal:.3f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m checker.rewrite.train")
    parser.add_argument("--compare", action="store_true", help="only cross-validate the answer model")
    parser.add_argument("--grades", action="store_true", help="only weigh what readers graded")
    options = parser.parse_args()
    if options.compare:
        compare()
    elif options.grades:
        compare_grades()
    else:
        for name, make in ((ARTIFACT, build), (ANSWERS, build_answers)):
            target = Path(str(folder("models"))) / name
            make(target)
            print(f"{target.name}: {target.stat().st_size:,} bytes")
