"""The learned part: how much a sentence sounds like a claim that no term list knows.

Features are character n-grams (one to three code points) of the plain view, with numbers masked,
hashed by arithmetic on arrays of code points; a score is the sum of the weights of the n-grams
over the square root of their number. Beside it small networks read what kind of words stand in the
sentence: the mean of a learned vector a word, rectified, weighed. The sum of both, the **gate**,
looks at every sentence; only what it suspects is scored for each category, given a calibrated
probability and explained by the stretch of characters that carried the score.

Training needs scikit-learn (:mod:`checker.train`); judging needs NumPy. The artifact is a zip of
plain arrays and a JSON header: nothing in it is executed, and a changed or foreign file is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from checker.data import folder
from checker.document import Document
from checker.normalize import SENTENCE_ENDS, Codes, Indices, encode, plain_view
from checker.stored import cached_arrays, read_bounded
from checker.words import Found, shared_vocabulary

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

#: Raised with every change of the features or of the file's layout.
FORMAT = 5
#: No model is larger, in bytes.
_LARGEST = 1 << 29
MODEL_FILE = "huashu-model.npz"
#: Into how many buckets (2**bits) the n-grams of the categories and of the register are hashed, and those
#: of the gate, which has one weight a bucket.
BITS, GATE_BITS = 18, 20
LONGEST = 3
#: What a suspicious claim is called when no narrower category is certain.
FALLBACK = "exaggeration"
_END_MARKS = SENTENCE_ENDS.replace("\n", "")
_QUOTES = frozenset("\"'“”‘’「」『』")
#: How many characters before and after a candidate are read, and into how many buckets.
WINDOW = 12
WINDOW_BITS = 18
#: The words' vectors are summed and divided by their number and this: few words say little.
PRIOR_WORDS = 3

_EDGE = np.uint32(1)
_HAN = (0x3400, 0x9FFF)
_LEAST_HAN = 4
_ZERO = np.uint32(ord("0"))
_MIX = np.uint32(0x85EBCA6B)
_SPREAD = np.uint32(0x9E3779B1)
#: Of a group of more rows the rest is added by itself.
_MANY = 64
#: Groups times rows up to which a product of matrices is faster than sums.
_SMALL = 1 << 14


class ModelError(Exception):
    """A model file that cannot be used; the message says which, why and what to do."""


class Symbols(NamedTuple):
    """Sentences as the features see them: one array, an edge mark before and after each sentence.

    ``codes`` uint32; sentence k is ``codes[first[k]:last[k]]`` with both marks; ``origin[i]`` is
    the place in the input array that symbol i comes from, -1 for marks.
    """

    codes: Codes
    first: Numbers
    last: Numbers
    origin: Numbers


def symbols(codes: Codes, starts: Indices, ends: Indices) -> Symbols:
    """The symbols of ``codes[starts[k]:ends[k]]``; a number of any length reads as one ``0``."""
    lengths = (ends - starts).astype(np.int64)
    stops = lengths.cumsum()
    edges = np.arange(0, 2 * len(lengths), 2)
    last = stops + edges + 2
    first = stops - lengths + edges
    inner = np.arange(int(stops[-1]) if len(stops) else 0)
    places = inner + (edges + 1).repeat(lengths)
    sources = inner + (starts - stops + lengths).repeat(lengths)
    out = np.empty(len(inner) + 2 * len(lengths), dtype=np.uint32)
    out[first] = out[last - 1] = _EDGE
    out[places] = codes.take(sources)
    origin = np.full(len(out), -1, dtype=np.int64)
    origin[places] = sources
    digit = (out >= _ZERO) & (out <= np.uint32(ord("9")))
    if digit.any():
        number = digit.copy()
        mark = (out == np.uint32(ord("."))) | (out == np.uint32(ord(",")))
        number[1:-1] |= mark[1:-1] & digit[:-2] & digit[2:]
        out[digit] = _ZERO
        kept = np.ones(len(out), dtype=np.bool_)
        kept[1:] = ~(number[1:] & number[:-1])
        first = (kept.cumsum() - 1)[first]
        out, origin = out[kept], origin[kept]
        last = np.append(first[1:], len(out))
    return Symbols(out, first, last, origin)


def buckets(codes: Codes, bits: int = BITS) -> list[npt.NDArray[np.uint32]]:
    """For n = 1, 2, 3 the bucket of the n-gram that starts at each place, in [0, 2**bits).

    The arrays are one shorter for each n. N-grams across two sentences are in them: callers leave
    out the last n - 1 places of every sentence.
    """
    shift = np.uint32(32 - bits)
    spread = codes * _SPREAD
    state = codes * _MIX
    out = []
    for n in range(1, LONGEST + 1):
        if n > 1:
            state = (state[:-1] ^ (state[:-1] >> np.uint32(15))) * _MIX + spread[n - 1 :]
        out.append(((state ^ (state >> np.uint32(13))) * _SPREAD) >> shift)
    return out


def ngram_counts(lengths: Numbers) -> Numbers:
    """How many n-grams sentences of these lengths (in symbols, edge marks included) have."""
    return LONGEST * lengths - LONGEST * (LONGEST - 1) // 2


def ngram_scores(weights: npt.NDArray[np.float32], seen: Symbols) -> Floats:
    """The sum of the weights of each sentence's n-grams over the root of their number, shape (n_sentences,).

    There is a weight for each bucket, shape (2**bits,).
    """
    total = np.zeros(len(seen.codes), dtype=np.float32)
    for n, numbers in enumerate(buckets(seen.codes, len(weights).bit_length() - 1), 1):
        found = weights.take(numbers)
        for step in range(1, n):
            found[seen.last[:-1] - step] = 0
        total[: len(found)] += found
    sums: Floats = np.add.reduceat(total, seen.first, dtype=np.float64)
    return sums / np.sqrt(ngram_counts(seen.last - seen.first))


def split_texts(texts: Sequence[str]) -> tuple[Codes, Indices, Indices]:
    """The plain views of texts put end to end (code points), with the start and end of each.

    The mark that ends a text is left out, as it is from every sentence that the checker judges.
    """
    views = [plain_view(Document(text=text)).text for text in texts]
    return end_to_end([view.rstrip(_END_MARKS) or view for view in views])


def end_to_end(texts: Sequence[str]) -> tuple[Codes, Indices, Indices]:
    """The code points of texts put end to end, with the start and end of each."""
    ends = np.cumsum([len(text) for text in texts], dtype=np.int32)
    return encode("".join(texts)), (ends - [len(text) for text in texts]).astype(np.int32), ends


class Opinion(NamedTuple):
    """What the model thinks of one sentence; offsets are in that sentence.

    ``probability`` is calibrated: of the sentences that get 0.8, eight in ten are violations.
    ``sure`` says that it is above the threshold for a finding that an officer must look at.
    ``evidence`` are the words that carried the decision, heaviest first, with their share of it.
    """

    category: str
    probability: float
    sure: bool
    start: int
    end: int
    evidence: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Thresholds:
    """When a category is given: how sure it must be that something is wrong, and that it is this.

    ``hint`` and ``review`` are probabilities of a violation; in a sentence that reads like advertising
    copy, where violations are not rare, ``copy`` is enough for both. ``named`` is the probability, given
    a violation, from which the category is believed; below it the sentence gets ``FALLBACK``.
    """

    hint: float
    review: float
    named: float = 0.0
    copy: float = 1.0


def _sums_of_rows(rows: npt.NDArray[np.int8], numbers: Numbers, counts: Numbers) -> npt.NDArray[np.int32]:
    """The sum of the rows of every group: the first ``counts[0]`` of ``numbers``, the next ``counts[1]`` and so on.

    Adds the n-th rows of all groups at once: ``np.add.reduceat`` takes six times as long on many short groups.
    """
    if len(counts) * len(numbers) <= _SMALL:
        belongs = np.zeros((len(counts), len(numbers)), dtype=np.float32)
        belongs[np.arange(len(counts)).repeat(counts), np.arange(len(numbers))] = 1
        # Exact: sums of so few small integers are floats without rounding.
        return (belongs @ rows.take(numbers, axis=0).astype(np.float32)).astype(np.int32)
    order = np.argsort(-counts, kind="stable")
    first, counts = (counts.cumsum() - counts).take(order), counts.take(order)
    sums = np.zeros((len(order), rows.shape[1]), dtype=np.int32)
    # How many groups have more than n members, for n = 0, 1, 2 …
    sizes = (-counts).searchsorted(-np.arange(1, min(int(counts.max(initial=0)), _MANY) + 1), side="right")
    for step, size in enumerate(sizes.tolist()):
        sums[:size] += rows.take(numbers.take(first[:size] + step), axis=0)
    for group in range(int(np.count_nonzero(counts > _MANY))):
        rest = numbers[first[group] + _MANY : first[group] + counts[group]]
        sums[group] += rows.take(rest, axis=0).sum(axis=0, dtype=np.int32)
    out = np.empty_like(sums)
    out[order] = sums
    return out


class Classifier:
    """A trained model, ready to judge. Immutable, safe to share between threads."""

    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.header = header
        self.version: str = header["version"]
        self.categories: tuple[str, ...] = tuple(header["categories"])
        self.thresholds = {name: Thresholds(**both) for name, both in header["thresholds"].items()}
        self._gate = arrays["gate"].astype(np.float32) * np.float32(header["scales"]["gate"])
        self._bias = float(header["biases"]["gate"])
        self._vocabulary = shared_vocabulary(arrays["words"])
        self._word_weights = arrays["word_weights"]
        self._word_scales = np.array(header["scales"]["words"])
        self._hidden_bias, self._hidden_out = arrays["hidden"]
        self._register = arrays["register"].astype(np.float32) * np.float32(header["scales"]["register"])
        self._register_bias = float(header["biases"]["register"])
        self._names = arrays["names"]
        self._name_scales = np.array(header["scales"]["names"])
        self._name_biases = np.array(header["biases"]["names"])
        self._sides = arrays["sides"].astype(np.float32) * np.float32(header["scales"]["sides"])
        self._side_bias = float(header["biases"]["sides"])
        self._candidate_slope, self._candidate_offset = map(float, header["candidates"]["calibration"])
        self.innocent_below = float(header["candidates"]["limit"])
        self._slope, self._offset = (float(number) for number in header["calibration"])

    @cached_property
    def lowest_score(self) -> float:
        """The gate's score below which no category can reach its threshold."""
        least = min((min(limit.hint, limit.copy) for limit in self.thresholds.values()), default=1.0)
        return self._score_of(least)

    def probability(self, scores: Floats) -> Floats:
        """Calibrated probability of a violation for scores of the gate; same shape, in (0, 1)."""
        return np.asarray(1.0 / (1.0 + np.exp(-(self._slope * scores + self._offset))))

    def _score_of(self, probability: float) -> float:
        if not 0.0 < probability < 1.0:
            return np.inf if probability >= 1.0 else -np.inf
        return (float(np.log(probability / (1 - probability))) - self._offset) / self._slope

    def scores(self, codes: Codes, starts: Indices, ends: Indices) -> Floats:
        """The gate's score of every ``codes[starts[k]:ends[k]]``, shape (n_sentences,).

        Positive means rather a violation than not. Sentences may not be empty.
        """
        if not len(starts):
            return np.zeros(0)
        seen = symbols(codes, starts, ends)
        return ngram_scores(self._gate, seen) + self._network(seen)[1] + self._bias

    def _network(self, seen: Symbols) -> tuple[Found, Floats, Floats]:
        """The words of sentences, what the networks make of each sentence, and the hidden units.

        Shapes (n_sentences,) and (n_sentences, n_hidden); the units are rectified.
        """
        found = self._vocabulary.find(seen.codes)
        bounds = found.starts.searchsorted(seen.first)
        counts = np.concatenate([bounds[1:], [len(found.starts)]]) - bounds
        sums = _sums_of_rows(self._word_weights, found.numbers, counts)
        hidden = sums * self._word_scales / (counts + PRIOR_WORDS)[:, None] + self._hidden_bias
        np.maximum(hidden, 0, out=hidden)
        return found, hidden @ self._hidden_out, hidden

    def score_texts(self, texts: Sequence[str]) -> Floats:
        """The gate's score of whole texts, each taken as one sentence; empty ones get the bias."""
        filled = [number for number, text in enumerate(texts) if text]
        out = np.full(len(texts), self._bias)
        if filled:
            out[filled] = self.scores(*split_texts([texts[number] for number in filled]))
        return out

    def opinions(
        self,
        codes: Codes,
        starts: Indices,
        ends: Indices,
        wanted: npt.NDArray[np.bool_] | None = None,
        scores: Floats | None = None,
    ) -> dict[int, Opinion]:
        """By sentence number, the opinion on every sentence that reaches a threshold.

        Where ``wanted``, of shape (n_sentences,), is false none is formed. ``scores`` are those of
        :meth:`scores`, where they are known.
        """
        if scores is None:
            scores = self.scores(codes, starts, ends)
        suspicious = scores >= self.lowest_score
        if wanted is not None:
            suspicious &= wanted
        numbers = np.array(
            [n for n in suspicious.nonzero()[0].tolist() if is_prose(codes[starts[n] : ends[n]])], np.int64
        )
        if not len(numbers):
            return {}
        starts, ends = starts[numbers], ends[numbers]
        seen = symbols(codes, starts, ends)
        named = self._named(self._name_scores(seen)).tolist()
        probabilities = self.probability(scores[numbers]).tolist()
        copies = (self._copy_scores(seen) >= 0).tolist()
        limits = [self.thresholds.get(category or FALLBACK) for category in named]
        shares = self._shares(seen, len(codes), ends - starts)
        out = {}
        for number, start, end, category, probability, limit, is_copy in zip(
            numbers.tolist(), starts.tolist(), ends.tolist(), named, probabilities, limits, copies
        ):
            if limit is None:
                continue
            # What has no name is given only where it is surely wrong.
            is_sure = probability >= (limit.copy if is_copy and category else limit.review)
            if not (is_sure or (category and probability >= limit.hint)):
                continue
            sentence, carried = codes[start:end], shares[start:end]
            first, last = _heaviest(carried)
            out[number] = Opinion(
                category=category or FALLBACK,
                probability=round(probability, 3),
                sure=is_sure,
                start=first,
                end=last,
                evidence=_evidence(sentence, carried, first, last),
            )
        return out

    def opinion(self, text: str) -> Opinion | None:
        """The opinion on one sentence, or None; offsets are in the folded text."""
        codes, starts, ends = split_texts([text])
        return self.opinions(codes, starts, ends).get(0) if len(codes) else None

    def _copy_scores(self, seen: Symbols) -> Floats:
        """Log-odds that sentences are advertising copy rather than talk, shape (n_sentences,)."""
        return ngram_scores(self._register, seen) + self._register_bias

    def reads_like_copy(self, codes: Codes, starts: Indices, ends: Indices) -> npt.NDArray[np.bool_]:
        """Where ``codes[starts[k]:ends[k]]`` reads like advertising copy, rather than news, service or chat.

        Shape (n_sentences,). Sentences may not be empty.
        """
        return self._copy_scores(symbols(codes, starts, ends)) >= 0

    def claims(self, places: Sequence[tuple[str, int, int]], scores: Floats | None = None) -> Floats:
        """For candidates (sentence, start, end) the probability that the words are said as a claim.

        The words before, inside and after the candidate are weighed by themselves, and the gate's
        score of the sentence is added; ``scores`` are these scores, where they are known. Shape
        (n_candidates,). Sentences are in the plain view.
        """
        if not places:
            return np.zeros(0)
        parts = windows(places)
        seen = symbols(*end_to_end(parts))
        # The weights of the three sides stand one behind the other.
        side = (np.arange(len(parts)) % 3 << WINDOW_BITS).repeat(seen.last - seen.first)
        total = np.zeros(len(seen.codes))
        for n, numbers in enumerate(buckets(seen.codes, WINDOW_BITS), 1):
            weights = self._sides.take(numbers + side[: len(numbers)])
            for step in range(1, n):
                weights[seen.last[:-1] - step] = 0
            total[: len(weights)] += weights
        sums = np.add.reduceat(total, seen.first) / np.sqrt(ngram_counts(seen.last - seen.first))
        if scores is None:
            scores = self.scores(*end_to_end([sentence for sentence, _, _ in places]))
        scores = scores + sums.reshape(-1, 3).sum(axis=1) + self._side_bias
        return np.asarray(1 / (1 + np.exp(-(self._candidate_slope * scores + self._candidate_offset))))

    def _name_scores(self, seen: Symbols) -> Floats:
        """For each sentence and category the score that it is right, given that something is wrong.

        The fallback's is the score that some claim is wrong, rather than a conduct. Shape
        (n_sentences, n_categories).
        """
        total = np.zeros((len(seen.codes), len(self.categories)), dtype=np.int64)
        for n, numbers in enumerate(buckets(seen.codes), 1):
            weights = self._names[numbers].astype(np.int64)
            for step in range(1, n):
                weights[seen.last[:-1] - step] = 0
            total[: len(weights)] += weights
        sums = np.add.reduceat(total, seen.first)
        counts = ngram_counts(seen.last - seen.first)
        return np.asarray(sums * self._name_scales / np.sqrt(counts)[:, None] + self._name_biases)

    def _named(self, scores: Floats) -> npt.NDArray[np.str_]:
        """The likeliest narrow category if it is certain enough, else the fallback, else nothing."""
        certainty = 1 / (1 + np.exp(-scores))
        fallback = self.categories.index(FALLBACK)
        rows = np.arange(len(scores))
        narrow = np.argmax(np.where(np.arange(scores.shape[1]) == fallback, -1.0, certainty), axis=1)
        limits = [self.thresholds.get(name) for name in self.categories]
        least = np.array([np.inf if limit is None else limit.named for limit in limits])
        names = np.array([*self.categories, ""])
        is_fallback = certainty[:, fallback] >= least[fallback]
        otherwise = np.where(is_fallback, fallback, len(self.categories))
        return np.asarray(names[np.where(certainty[rows, narrow] >= least[narrow], narrow, otherwise)])

    def contributions(self, sentence: Codes) -> Floats:
        """What each character of a sentence adds to its score; the sum is the score.

        An n-gram's weight is divided among its characters, what a word adds to the hidden units that
        are above zero among its, the rest and the bias among all characters.
        """
        seen = symbols(sentence, np.zeros(1, np.int32), np.array([len(sentence)], np.int32))
        return self._shares(seen, len(sentence), np.array([len(sentence)]))

    def _shares(self, seen: Symbols, size: int, lengths: Numbers | Indices) -> Floats:
        """The contributions of the characters of many sentences, at their places among ``size`` codes."""
        shares = np.zeros(len(seen.codes))
        for n, numbers in enumerate(buckets(seen.codes, GATE_BITS), 1):
            weights = self._gate[numbers].astype(np.float64) / n
            for step in range(1, n):
                weights[seen.last[:-1] - step] = 0
            for step in range(n):
                shares[step : step + len(weights)] += weights
        symbols_of = seen.last - seen.first
        shares /= np.repeat(np.sqrt(ngram_counts(symbols_of).astype(np.float64)), symbols_of)
        found, said, hidden = self._network(seen)
        owner = np.searchsorted(seen.first, found.starts, side="right") - 1
        slopes = np.where(hidden > 0, self._hidden_out * self._word_scales, 0.0)
        of_words = np.einsum("wh,wh->w", self._word_weights[found.numbers].astype(np.float64), slopes[owner])
        of_words /= np.bincount(owner, minlength=len(hidden))[owner] + PRIOR_WORDS
        np.add.at(
            shares, _within(found.starts, found.lengths), np.repeat(of_words / found.lengths, found.lengths)
        )
        rest = self._bias + said - np.bincount(owner, of_words, minlength=len(hidden))
        # The edge marks' shares go to the characters beside them.
        shares[seen.first + 1] += shares[seen.first]
        shares[seen.last - 2] += shares[seen.last - 1]
        inner = (seen.origin >= 0).nonzero()[0]
        out = np.zeros(size)
        out[seen.origin[inner]] = shares[inner]
        places = _within(seen.origin[seen.first + 1], lengths)
        out[places] += np.repeat(rest / lengths, lengths)
        return out

    @classmethod
    def load(cls, path: str | Path | None = None) -> Classifier:
        """The model of a file; ours when no path is given. Raises ModelError."""
        if path is None:
            source = folder("models") / MODEL_FILE
            if not source.is_file():
                raise ModelError(f"models/{MODEL_FILE} is missing; run 'huashu train' or reinstall huashu")
            return cls._of(source.read_bytes(), f"models/{MODEL_FILE}")
        try:
            content = read_bounded(path, _LARGEST)
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror}); check the path") from error
        return cls._of(content, str(path))

    @classmethod
    def _of(cls, content: bytes, name: str) -> Classifier:
        header, arrays = _unpacked(content, name)
        try:
            model = cls(header, arrays)
            units = len(model._word_scales)
            given = (
                *(model._gate, model._register, model._names, model._sides),
                *(model._name_scales, model._name_biases),
                *(model._word_weights, model._hidden_bias, model._hidden_out),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ModelError(
                f"{name}: header or arrays are not those of a model ({error}); train it again with 'huashu train'"
            ) from error
        width = len(model.categories)
        shapes = (
            *((1 << GATE_BITS,), (1 << BITS,), (1 << BITS, width), (3, 1 << WINDOW_BITS)),
            *((width,), (width,)),
            *((len(model._vocabulary.keys), units), (units,), (units,)),
        )
        if FALLBACK not in model.categories or tuple(array.shape for array in given) != shapes:
            raise ModelError(
                f"{name}: arrays and categories do not fit each other; train it again with 'huashu train'"
            )
        return model


@lru_cache(maxsize=1)
def default_classifier() -> Classifier:
    """Our model, loaded once in a process."""
    return Classifier.load()


def windows(places: Sequence[tuple[str, int, int]]) -> list[str]:
    """The words before, inside and after each candidate; a line break stands for none.

    Quotation marks right around a candidate are left out: advertisements stress their claims by them,
    reports quote by them.
    """
    out = []
    for sentence, start, end in places:
        quoted = start > 0 and sentence[start - 1] in _QUOTES and sentence[end : end + 1] in _QUOTES
        before, after = (start - 1, end + 1) if quoted and end < len(sentence) else (start, end)
        out += [
            sentence[max(0, before - WINDOW) : before] or "\n",
            sentence[start:end] or "\n",
            sentence[after : after + WINDOW] or "\n",
        ]
    return out


def is_prose(sentence: Codes) -> bool:
    """Whether a sentence is Chinese enough to be judged: specifications and formulas are not.

    Hardly anything like them is among the sentences learned from, so their score means little.
    """
    han = int(((sentence >= _HAN[0]) & (sentence <= _HAN[1])).sum())
    return han >= _LEAST_HAN and han * 5 >= len(sentence) * 2


def _within(starts: Numbers, lengths: Numbers | Indices) -> Numbers:
    """The places in ``starts[k]`` to ``starts[k] + lengths[k]``, for every k."""
    ends = lengths.cumsum(dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    places: Numbers = np.arange(total) + np.repeat(starts - (ends - lengths), lengths)
    return places


def _heaviest(shares: Floats) -> tuple[int, int]:
    """The stretch with the largest sum of shares (Kadane's algorithm), at least one character."""
    sums = np.concatenate([[0.0], shares.cumsum()])
    lowest = np.minimum.accumulate(sums[:-1])
    end = int(np.argmax(sums[1:] - lowest)) + 1
    start = int(np.argmin(sums[:end]))
    return start, end


def _evidence(
    sentence: Codes, shares: Floats, start: int, end: int, most: int = 4
) -> tuple[tuple[str, float], ...]:
    """Runs of characters above the mean share inside the span, heaviest first."""
    inside = shares[start:end]
    heavy = inside > max(float(inside.mean()), 0.0) * 0.8
    edges = np.flatnonzero(np.diff(np.concatenate([[False], heavy, [False]]).astype(np.int8)))
    text = "".join(map(chr, sentence[start:end].tolist()))
    runs = [
        (text[a:b], round(float(inside[a:b].sum()), 2))
        for a, b in zip(edges[::2].tolist(), edges[1::2].tolist())
    ]
    return tuple(sorted(runs, key=lambda run: -run[1])[:most])


# --- storage ---------------------------------------------------------------------------------------


def _digest(header: Mapping[str, Any], arrays: Mapping[str, bytes]) -> str:
    bare = {key: value for key, value in header.items() if key != "digest"}
    out = hashlib.sha256(json.dumps(bare, sort_keys=True, ensure_ascii=False).encode())
    for name in sorted(arrays):
        out.update(f"\0{name}\0".encode() + arrays[name])
    return out.hexdigest()


def write_model(header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The file of a model; the same arguments give the same bytes."""
    files: dict[str, bytes] = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
        files[f"{name}.npy"] = buffer.getvalue()
    full = {**header, "format": FORMAT}
    full["digest"] = _digest(full, files)
    files["header.json"] = json.dumps(full, sort_keys=True, ensure_ascii=False, indent=1).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            archive.writestr(
                zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), files[name], zipfile.ZIP_DEFLATED, 9
            )
    return out.getvalue()


def _unpacked(content: bytes, name: str) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """As :func:`read_model`, unpacked and compared with its digest once for every content."""

    def unpack() -> dict[str, npt.NDArray[Any]]:
        header, arrays = read_model(content, name)
        return {**arrays, "header": np.frombuffer(json.dumps(header).encode(), np.uint8)}

    digest = hashlib.sha256(content).hexdigest()[:32]
    arrays = dict(cached_arrays(f"model-{FORMAT}-{digest}", unpack))
    return json.loads(arrays.pop("header").tobytes()), arrays


def read_model(content: bytes, name: str) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Header and arrays of a model file. Raises ModelError when it is foreign, old or changed."""
    remedy = "reinstall huashu, or train it again with 'huashu train'"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = {item.filename: archive.read(item) for item in archive.infolist()}
        header = json.loads(files.pop("header.json"))
    except (
        zipfile.BadZipFile,
        zlib.error,
        LookupError,
        ValueError,
        EOFError,
        OSError,
        RuntimeError,
    ) as error:
        raise ModelError(f"{name}: not a huashu model ({type(error).__name__}); {remedy}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = header.get("format") if isinstance(header, dict) else None
        raise ModelError(f"{name}: made for format {found}, this version reads format {FORMAT}; {remedy}")
    if header.get("digest") != _digest(header, files):
        raise ModelError(f"{name}: the content does not fit its digest, the file was changed; {remedy}")
    try:
        arrays = {
            key.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
            for key, data in files.items()
        }
    except ValueError as error:
        raise ModelError(f"{name}: holds something other than plain arrays; {remedy}") from error
    return header, arrays
