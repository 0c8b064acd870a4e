"""What can be said instead of a sentence, as people who sell and people who check have answered such sentences.

``models/answers.jsonl`` holds guilty sentences with what of them may stay, word for word, and the statements
of ``lexicons/rewrites.yaml`` that speak to their matter. Two small networks learn from it
(``python -m checker.rewrite.train``): which statement answers a sentence, from its words, n-grams and trade; and
which of its words stay, from the words around each, their tags, and what was found in the sentence. A draft is what
stays, and a statement. Like every draft it is shown only when it is proven.

Words have vectors, so that one that was never answered is treated like those that are used as it is.
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from checker.classifier import buckets, ngram_counts, split_texts, symbols
from checker.data import folder
from checker.late import late
from checker.rewrite.grammar import Grammar, Topic, Word, joined
from checker.stored import cached_arrays
from checker.types import Span
from checker.words import LONGEST, Vocabulary, shared_vocabulary, word_keys

Matrix = npt.NDArray[np.float32]

ARTIFACT = "answers.npz"
#: Buckets (2**bits) of the n-grams that the choice of a statement reads, and of what is known of a word beside its vector.
NGRAM_BITS, MARK_BITS = 12, 9
#: What a value of these inputs weighs against one dimension of a vector.
NGRAM_WEIGHT, TRADE_WEIGHT = 10.0, 2.0
#: The pooled vector is the sum over the number of words and this.
PRIOR_WORDS = 3
#: Classes beside the statements: nothing need be said; milder words are better; nothing may be said at all.
NOTHING, SOFTER, DROP = "", "~", "!"
#: What is added to the log-odds that a word stays, and what a stretch pays that begins or ends inside a clause.
BIASES, EDGE = (0.3, 1.1), 0.5
#: In a sentence of more clauses than this one in which nothing was found, and which the model doubts less, is kept
#: more easily: what we learned from are claims, calls are mostly none.
_FEW, _PLAIN, _STAYS = 2, 0.2, 1.5
#: So many statements are tried, down to this probability.
_MOST, _LEAST = 4, 0.02
#: Share of the pairs of characters of the shorter of two statements from which they say the same.
_ALIKE = 0.6
#: Above this probability that nothing may be said no draft is made.
_HOPELESS = 0.6
#: So many weights may take four bytes each.
_WIDENED = 1 << 18
#: Rows that go through a network in one product: with more, a library of linear algebra wakes threads for what takes
#: no time, and waits for them where another process has the other cores.
_ROWS_AT_ONCE = 4
#: What a stretch may not begin or end with.
_NO_START = late(r"[的地得了着过和与及或、吗呢吧啊]|就|都|也|还|又|才|而且|并且|所以|但是|因为")
_NO_END = late(
    r"(?:[和与及或是把被让给对向比在从为最更很太的已将、]|而且|因为|如果|只要|就|都|也|还|又|才|能|会|要|不|已经|没有)$"
)
_HAN = late(r"[\u4e00-\u9fffA-Za-z0-9]")
_PARTING = late(r"欢迎|谢谢|感谢|再见")
#: What begins so is said of something before it.
_SAID_OF = late(r"是(?!否)|不是|没有")
#: A part of a clause without a verb is the name of something when it is no shorter than this.
_SHORTEST_NAME = 4
#: The name of goods in fewer characters says too little to stand alone.
_SHORTEST_WARE = 3
#: Not one of them: 一颗牙 | 都不用拔
_ONE = late(r"一[\u4e00-\u9fff]{1,3}$")


class Answer(NamedTuple):
    """What stays of a sentence and what is said instead of the rest.

    ``probability`` is that of the statement, ``odds`` the mean log-odds of the decisions about its words.
    """

    text: str
    kept: str
    statement: str
    probability: float
    odds: float


class AnswerModel:
    """The networks. Immutable, safe to share between threads."""

    def __init__(self, header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        #: What may be answered; the last three are :data:`NOTHING`, :data:`SOFTER` and :data:`DROP`.
        self.classes: tuple[str, ...] = tuple(header["classes"])
        self._trades = {name: number for number, name in enumerate(header["trades"])}
        self._vocabulary = shared_vocabulary(arrays["words"])
        self._vectors = arrays["vectors"]
        #: Its arrays, as they are stored.
        self.arrays = arrays
        self._scale = np.float32(header["scale"])
        self._pool = np.float32(header["pool"])
        self.width = int(self._vectors.shape[1])
        self._choice = _Network(arrays, "choice")
        self._stay = _Network(arrays, "stay")
        self._word = lru_cache(maxsize=8192)(self._vector_of)

    @classmethod
    def load(cls) -> AnswerModel:
        """The model of the repository. Raises FileNotFoundError when the installation is incomplete."""
        data = (folder("models") / ARTIFACT).read_bytes()

        def unpack() -> dict[str, npt.NDArray[Any]]:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}

        arrays = cached_arrays(f"answers-{hashlib.sha256(data).hexdigest()[:32]}", unpack)
        return cls(json.loads(arrays["header"].tobytes().decode()), arrays)

    def inputs(self, text: str, trade: str | None) -> Matrix:
        """What the choice of a statement reads, shape (n_inputs,)."""
        return choice_inputs(
            self._vocabulary, self._vectors, self._scale * self._pool, self._trades, text, trade
        )

    def choices(self, text: str, trade: str | None) -> Matrix:
        """The probability of each of :attr:`classes` for a sentence, shape (n_classes,); they sum to 1."""
        logits = self._choice.logits(self.inputs(text, trade))
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray((odds / odds.sum(axis=1, keepdims=True)).mean(axis=0))

    def stays(self, seen: Sentence) -> list[float]:
        """The log-odds that each word of a sentence stays."""
        if not seen.words:
            return []
        logits = self._stay.logits(stay_inputs(seen, self.vector, self.width))
        odds: list[float] = logits[..., 0].mean(axis=0).tolist()
        return odds

    def vector(self, word: str) -> Matrix:
        """The vector of a word, or of its longest end that has one; zeros without one."""
        return self._word(word)

    def _vector_of(self, word: str) -> Matrix:
        for start in range(len(word)):
            end = word[start:]
            if len(end) <= LONGEST and all("\u3400" <= letter <= "\u9fff" for letter in end):
                key = word_keys([end])[0]
                place = int(self._vocabulary.keys.searchsorted(key))
                if place < len(self._vocabulary.keys) and self._vocabulary.keys[place] == key:
                    return np.asarray(self._vectors[place] * self._scale, dtype=np.float32)
        return np.zeros(self.width, dtype=np.float32)


class _Network:
    """Networks of one rectified layer, side by side: weights (n_nets, n_inputs, n_hidden) and (n_nets, n_hidden, n_out)."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], name: str) -> None:
        stored = arrays[f"{name}_into"]
        #: Large weights stay as small as they are stored, and are widened where they are used.
        self._into = stored.astype(np.float32) if stored.size <= _WIDENED else stored
        self._into_bias = arrays[f"{name}_into_bias"].astype(np.float32)
        self._out = arrays[f"{name}_out"].astype(np.float32)
        self._out_bias = arrays[f"{name}_out_bias"].astype(np.float32)

    def logits(self, inputs: Matrix) -> Matrix:
        """Shape (n_nets, n_out) of one input, (n_nets, n_rows, n_out) of rows."""
        if inputs.ndim == 1:
            used = inputs.nonzero()[0]
            weights = self._into[:, used].astype(np.float32, copy=False)
            layer = np.einsum("i,nih->nh", inputs[used], weights)
            layer = np.maximum(layer + self._into_bias, 0)
            return np.asarray(np.einsum("nh,nho->no", layer, self._out) + self._out_bias)
        weights = self._into.astype(np.float32, copy=False)
        count = -len(inputs) % _ROWS_AT_ONCE
        rows = np.pad(inputs, ((0, count), (0, 0))).reshape(-1, 1, _ROWS_AT_ONCE, inputs.shape[1])
        layers = np.maximum(rows @ weights + self._into_bias[:, None], 0)
        out = layers @ self._out + self._out_bias[:, None]
        return np.asarray(out.swapaxes(0, 1).reshape(len(weights), -1, out.shape[-1])[:, : len(inputs)])


def choice_inputs(
    vocabulary: Vocabulary,
    vectors: npt.NDArray[Any],
    scale: np.float32,
    trades: Mapping[str, int],
    text: str,
    trade: str | None,
) -> Matrix:
    """The pooled vector of a sentence's words, its trade, and its n-grams, each in its bucket.

    ``vectors`` are int8, shape (n_words, n_dimensions); ``scale`` is the value of 1 in them. Shape (n_inputs,).
    """
    width = vectors.shape[1]
    out = np.zeros(width + len(trades) + (1 << NGRAM_BITS), dtype=np.float32)
    seen = symbols(*split_texts([text]))
    numbers = vocabulary.find(seen.codes).numbers
    if len(numbers):
        out[:width] = vectors[numbers].sum(axis=0, dtype=np.float32) * scale / (len(numbers) + PRIOR_WORDS)
    out[width + trades.get(trade or "other", trades["other"])] = TRADE_WEIGHT
    weight = NGRAM_WEIGHT / np.sqrt(ngram_counts(seen.last - seen.first)[0])
    for found in buckets(seen.codes, NGRAM_BITS):
        np.add.at(out, found.astype(np.int64) + width + len(trades), weight)
    return out


class Sentence(NamedTuple):
    """A sentence as the choice of what stays sees it; offsets are in its text.

    ``clause_of`` gives the clause of every word, -1 between clauses; ``doubts`` the model's probability of a
    claim for each clause alone; ``found`` what was found in the sentence.
    """

    text: str
    words: tuple[Word, ...]
    clauses: tuple[Span, ...]
    clause_of: tuple[int, ...]
    doubts: tuple[float, ...]
    found: tuple[Span, ...]
    is_ware: tuple[bool, ...]


def sentence_of(
    text: str, found: Sequence[Span], grammar: Grammar, doubts: Callable[[Sequence[str]], Sequence[float]]
) -> Sentence:
    """A sentence with its words and clauses; ``doubts`` gives the model's probability that texts claim something."""
    words = grammar.words(text)
    clauses = tuple(grammar.clauses(text))
    places = tuple(
        next((n for n, clause in enumerate(clauses) if clause.start <= word.start < clause.end), -1)
        for word in words
    )
    doubted = tuple(doubts([text[clause.start : clause.end] for clause in clauses]))
    spans = tuple(span for span in found if span.start < span.end)
    wares = tuple(grammar.is_ware(word.text) for word in words)
    return Sentence(text, words, clauses, places, doubted, spans, wares)


def _marks(seen: Sentence, number: int) -> Iterator[str]:
    """What is known of a word beside its vector and those of its neighbours."""
    word, which = seen.words[number], seen.clause_of[number]
    clause = seen.clauses[which]

    def tag(step: int) -> str:
        other = number + step
        inside = 0 <= other < len(seen.words) and seen.clause_of[other] == which
        return seen.words[other].tag if inside else "<" if step < 0 else ">"

    inside = any(span.start < word.end and word.start < span.end for span in seen.found)
    starts = [span.start for span in seen.found if span.start < clause.end and clause.start < span.end]
    where = "in" if inside else "none" if not starts else "before" if word.end <= min(starts) else "after"
    first = next(n for n, place in enumerate(seen.clause_of) if place == which)
    place, doubt = min(number - first, 5), int(5 * seen.doubts[which])
    own, before, after = tag(0), tag(-1), tag(1)
    yield from (f"0{own}", f"-1{before}", f"1{after}", f"-2{tag(-2)}{before}", f"2{after}{tag(2)}")
    yield f"3{before}{own}{after}"
    yield from (f"w{where}", f"w{where}{own}", f"p{place}", f"p{place}{where}")
    yield f"c{min(which, 3)}{len(seen.clauses) > 1}"
    yield f"n{min(len(seen.clauses), 6)}"
    yield from (f"d{doubt}", f"d{doubt}{where}")
    yield f"g{seen.is_ware[number]}{after}"


def stay_inputs(seen: Sentence, vector: Callable[[str], Matrix], width: int) -> Matrix:
    """What the choice of the words that stay reads, shape (n_words, n_inputs); zeros for marks between clauses."""
    count = len(seen.words)
    vectors = np.array([vector(word.text) for word in seen.words], dtype=np.float32)
    places = np.array(seen.clause_of)
    whole = vectors.mean(axis=0)
    out = np.zeros((count, 5 * width + (1 << MARK_BITS)), dtype=np.float32)
    for number, which in enumerate(seen.clause_of):
        if which < 0:
            continue
        parts = [vectors[number], vectors[places == which].mean(axis=0), whole]
        for step in (-1, 1):
            other = number + step
            inside = 0 <= other < count and seen.clause_of[other] == which
            parts.append(vectors[other] if inside else np.zeros(width, dtype=np.float32))
        out[number, : 5 * width] = np.concatenate(parts)
        for mark in _marks(seen, number):
            out[number, 5 * width + (zlib.crc32(mark.encode()) & ((1 << MARK_BITS) - 1))] += 1
    return out


class Answerer:
    """Makes answers for sentences.

    ``doubts`` gives the model's probability that texts claim something; ``statements`` are those that the
    lexicon allows.
    """

    def __init__(
        self,
        model: AnswerModel,
        grammar: Grammar,
        doubts: Callable[[Sequence[str]], Sequence[float]],
        statements: Sequence[str],
    ) -> None:
        self.model = model
        self._grammar = grammar
        self._doubts = doubts
        allowed = frozenset((*statements, NOTHING))
        #: What may be said, by its place among the classes, and the pairs of its characters.
        self._places = np.array([n for n, name in enumerate(model.classes) if name in allowed])
        self._place = {name: n for n, name in enumerate(model.classes)}
        self._pairs = [frozenset(pairwise(name)) for name in model.classes]
        self.choices = lru_cache(maxsize=4096)(model.choices)
        self._kept = lru_cache(maxsize=4096)(self._keep)

    def forget(self) -> None:
        """Drop what is remembered of sentences."""
        self.choices.cache_clear()
        self._kept.cache_clear()

    def shares(self, text: str, trade: str | None, whole: str) -> Matrix:
        """The probability of each class for clauses of a sentence: the geometric mean of both."""
        choices = self.choices(text, trade)
        if text == whole:
            return choices
        both = np.sqrt(choices * self.choices(whole, trade))
        return np.asarray(both / both.sum())

    def is_hopeless(self, text: str, trade: str | None) -> bool:
        """True for a sentence instead of which nothing lawful can be said."""
        return bool(self.choices(text, trade)[self._place[DROP]] >= _HOPELESS)

    def answers(self, text: str, found: Sequence[Span], trade: str | None, whole: str) -> list[Answer]:
        """Answers to a sentence (without its final mark) in which something was found at these places.

        ``text`` may be clauses of a long sentence; ``whole`` says what they are about.
        """
        said = self.likely(text, trade, whole)
        out: dict[str, Answer] = {}
        for kept, odds in self._kept(text, tuple(found)):
            for statement, chance in said:
                words = self.composed(kept, statement)
                if words and words not in out:
                    out[words] = Answer(words, kept, statement, chance, odds)
        return list(out.values())

    def chance(self, statement: str, choices: Matrix) -> float:
        """The probability that a statement is right: its own, or that of one which says nearly the same."""
        place = self._place.get(statement)
        if place is not None:
            return float(choices[place])
        pairs = frozenset(pairwise(statement))
        best = 0.0
        for other in (choices > _LEAST).nonzero()[0].tolist():
            theirs = self._pairs[other]
            if theirs and float(choices[other]) > best:
                alike = len(pairs & theirs) / max(1, min(len(pairs), len(theirs)))
                if alike >= _ALIKE:
                    best = max(best, float(choices[other]) * alike)
        return best

    def likely(self, text: str, trade: str | None, whole: str) -> list[tuple[str, float]]:
        """The statements that may answer clauses of a sentence, the likeliest first, with their probability."""
        shares = self.shares(text, trade, whole)[self._places]
        best = np.argsort(-shares, kind="stable")[:_MOST]
        classes = self.model.classes
        return [(classes[self._places[n]], float(shares[n])) for n in best if shares[n] >= _LEAST]

    def stretches(self, text: str, found: tuple[Span, ...]) -> tuple[str, ...]:
        """What may stay of a sentence (without its final mark), from the least to the most."""
        return tuple(kept for kept, _ in self._kept(text, found) if kept)

    def composed(self, kept: str, statement: str) -> str:
        """What stays and the statement as one sentence; empty where they do not go together."""
        if not kept or not statement:
            return kept or ("" if _SAID_OF.match(statement) else statement)
        if statement.startswith("我是{") and not self._grammar.is_address(kept):
            return ""  # the caller is named first
        clauses = self._grammar.clauses(kept)
        parting = len(clauses)
        while parting > 1 and self._parts(kept[clauses[parting - 1].start : clauses[parting - 1].end]):
            parting -= 1
        end = clauses[parting - 1].end
        kept, after = kept[:end], kept[end:]
        last = clauses[parting - 1]
        if _SAID_OF.match(statement) and not self._grammar.is_noun_phrase(kept[last.start : last.end]):
            return ""
        topic = Topic(kept[last.start : last.end], pause=_SAID_OF.match(statement) is None)
        return kept[: last.start] + joined(topic, statement) + after

    def _parts(self, clause: str) -> bool:
        """True for a clause that ends what is said: 欢迎来, 谢谢."""
        return (
            self._grammar.is_address(clause)
            or self._grammar.is_invitation(clause)
            or _PARTING.match(clause) is not None
        )

    def _keep(self, text: str, found: tuple[Span, ...]) -> tuple[tuple[str, float], ...]:
        """What may stay of a sentence, by how freely it is kept, each with the mean log-odds of its decisions."""
        seen = sentence_of(text, found, self._grammar, self._doubts)
        odds = self.model.stays(seen)
        out: dict[str, float] = {}
        for bias in BIASES:
            kept: list[tuple[int, int, int]] = []
            for which in range(len(seen.clauses)):
                numbers = [n for n, place in enumerate(seen.clause_of) if place == which]
                clause = seen.clauses[which]
                free = not any(span.start < clause.end and clause.start < span.end for span in seen.found)
                plain = free and seen.doubts[which] < _PLAIN and len(seen.clauses) > _FEW
                best = self._stretch(seen, numbers, odds, bias + _STAYS * plain)
                if best is not None:
                    kept.append((which, *best))
            said = ""
            chosen: set[int] = set()
            for position, (which, first, last) in enumerate(kept):
                if position:
                    earlier = kept[position - 1][0]
                    between = text[seen.clauses[earlier].end : seen.clauses[which].start]
                    said += between if which == earlier + 1 and between.strip() else "，"
                said += text[seen.words[first].start : seen.words[last].end]
                chosen.update(range(first, last + 1))
            real = [n for n, place in enumerate(seen.clause_of) if place >= 0]
            sure = [odds[n] if n in chosen else -odds[n] for n in real]
            out.setdefault(said, sum(sure) / max(len(sure), 1))
        nothing = [-odds[n] for n, place in enumerate(seen.clause_of) if place >= 0]
        out.setdefault("", sum(nothing) / max(len(nothing), 1))
        return tuple(out.items())

    def _stretch(
        self, seen: Sentence, numbers: Sequence[int], odds: Sequence[float], bias: float
    ) -> tuple[int, int] | None:
        """The first and last word of the stretch of a clause that stays, None when nothing does."""
        best, found = 0.0, None
        for place, first in enumerate(numbers):
            if place and (_NO_START.match(seen.words[first].text) or _belong(seen, first - 1)):
                continue
            total = -EDGE if place else 0.0
            for last in numbers[place:]:
                total += odds[last] + bias
                is_end = last == numbers[-1]
                value = total if is_end else total - EDGE
                if value > best and self._may_stand(seen, first, last, is_whole=is_end and not place):
                    best, found = value, (first, last)
        return found

    def _may_stand(self, seen: Sentence, first: int, last: int, *, is_whole: bool) -> bool:
        """True when a stretch of a clause says something by itself: the clause, or the name of goods."""
        words = seen.text[seen.words[first].start : seen.words[last].end]
        if len(_HAN.findall(words)) < 2 or (not is_whole and _NO_END.search(words)):
            return False
        if is_whole:
            return len(words) > 2 or seen.is_ware[last] or self._grammar.is_address(words)
        if last + 1 < len(seen.words) and seen.clause_of[last + 1] == seen.clause_of[first]:
            if _belong(seen, last) or (seen.words[last + 1].text in ("都", "也") and _ONE.search(words)):
                return False
        opens = not first or seen.clause_of[first - 1] != seen.clause_of[first]
        if self._grammar.has_verb(words):
            return opens and not self._grammar.ends_in_verb(words)
        return len(words) >= _SHORTEST_NAME or (seen.is_ware[last] and len(words) >= _SHORTEST_WARE)


def _belong(seen: Sentence, number: int) -> bool:
    """True when a word and the next one are parts of one phrase: 净味 | 漆, 三十 | 天, 视力 | 恢复."""
    one, other = seen.words[number].tag, seen.words[number + 1].tag
    if one[:1] == "m":
        return other[:1] in "qmn"
    if one[:1] == "n" and other[:1] in "qk":
        return True  # 苦瓜 | 片
    return (one[:1] in "nab" and other[:1] == "n") or (one[:1] == "n" and other in ("vn", "an", "ng"))
