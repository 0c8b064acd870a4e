"""Which suggestion first: the order of the data, corrected by how the changed place reads.

Fluency is judged by a character trigram model of the innocent sentences in ``models/sentences``
and the innocent lines of the lexicons, stored as plain arrays (``models/fluency.npz``; built by
``python -m checker.rewrite.train``). It only tells a scar from a seam: what it measures is the
few characters around the edges of a change, not the words that the data chose.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from functools import lru_cache
from math import log
from operator import mul
from typing import Any

import numpy as np
import numpy.typing as npt

from checker.data import folder
from checker.rewrite.operations import Draft
from checker.stored import cached_arrays
from checker.types import Apply

ARTIFACT = "fluency.npz"
#: Weight of the longer context against the shorter one.
_TRIGRAM, _BIGRAM, _UNIGRAM = 0.65, 0.27, 0.06
#: Nats a character at the seams may cost before it counts, and what each one above costs in places of the order.
_TOLERANCE, _PRICE = 6.0, 0.4
#: Where an answer stands that is sure to be right, and each nat less; the chance of a statement that is no answer.
_ANSWER, _LEAST = 1.0, 0.012
#: Where what the rule itself says stands, and what its place counts.
_NAMED, _PER_PLACE = 0.3, 0.25
#: What the log-odds of what stays weigh, and the place that a rule gives its statement.
_SURE, _BEHIND = 0.05, 0.05
#: Fewer characters that stay say nothing; the length of a usual sentence; what a lost name costs among learned words.
_SHORT, _USUAL_LENGTH, _LOST_LEARNED = 3, 20, 0.3
#: What a character that stays is worth, how many count, and what a name or slot costs that does not.
_STAYS, _MOST_STAYS, _LOST = 0.06, 15, 1.0
#: What it costs that the milder words may still claim something, above this probability.
_DOUBTFUL, _DOUBT = 10.0, 0.85
#: What :func:`graded_inputs` weigh in the log-odds that a reader would let a rewrite be spoken, and their sum without
#: any (logistic regression, ``python -m checker.rewrite.train --grades``); and where certainty stands among the costs.
GRADED = (0.39, 0.21, -0.68, -0.11, -1.08, 2.08, 1.1, -0.21)
GRADED_BASE, _SURE_AT = 0.12, 3.0
#: Kinds of drafts that say a statement.
STATED = frozenset({"answer", "statement"})
_KINDS = {"words": 0.0, "attribute": 0.3, "statement": 0.6, "delete": 0.9, "insert": 0.0, "answer": 0.0}
#: So many costs of three characters are remembered.
_REMEMBERED = 20_000


class _Counts(dict[int, int]):
    """How often sorted keys were met, 0 for others; what is asked for is looked up in the arrays once."""

    def __init__(self, keys: npt.NDArray[np.uint64], counts: npt.NDArray[np.uint16]) -> None:
        super().__init__()
        self._keys = keys
        self._counts = counts

    def __missing__(self, key: int) -> int:
        place = int(self._keys.searchsorted(np.uint64(key)))
        if place == len(self._keys) or int(self._keys[place]) != key:
            return 0
        count = self[key] = int(self._counts[place])
        return count


class Fluency:
    """Character trigrams, interpolated; log probabilities in nats."""

    def __init__(
        self,
        characters: npt.NDArray[np.uint32],
        unigrams: npt.NDArray[np.uint32],
        bigrams: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint16]],
        trigrams: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint16]],
    ) -> None:
        self._number = {chr(code): place + 1 for place, code in enumerate(characters.tolist())}
        self._unigrams = [0, *unigrams.tolist()]
        self._total = sum(self._unigrams) or 1
        self._bigrams = _Counts(*bigrams)
        self._trigrams = _Counts(*trigrams)
        self._cost = lru_cache(maxsize=_REMEMBERED)(self._price)

    @classmethod
    def load(cls) -> Fluency:
        """The model of the repository. Raises FileNotFoundError when the installation is incomplete."""
        data = (folder("models") / ARTIFACT).read_bytes()

        def unpack() -> dict[str, npt.NDArray[Any]]:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}

        arrays = cached_arrays(f"fluency-{hashlib.sha256(data).hexdigest()[:32]}", unpack)
        return cls(
            arrays["characters"],
            arrays["unigrams"],
            (arrays["bigrams"], arrays["bigram_counts"]),
            (arrays["trigrams"], arrays["trigram_counts"]),
        )

    def costs(self, text: str, since: int = 0) -> list[float]:
        """Nats for each character from ``since`` on given the two before it; the ends of the text are context too."""
        numbers = [0, 0, *(self._number.get(letter, 0) for letter in text), 0]
        cost = self._cost
        return [cost(*numbers[place : place + 3]) for place in range(since, len(text) + 1)]

    def _price(self, first: int, second: int, third: int) -> float:
        """Nats for a character, by its number, given the two before it."""
        share = _UNIGRAM * self._unigrams[third] / self._total + 2e-5
        before = self._unigrams[second] if second else 1
        pair = second << 16 | third
        share += _BIGRAM * self._bigrams[pair] / max(before, 1)
        context = self._bigrams[first << 16 | second]
        if context:
            share += _TRIGRAM * self._trigrams[first << 32 | pair] / context
        return -log(min(share, 1.0))


def graded_inputs(region: str, draft: Draft) -> tuple[float, ...]:
    """What tells whether readers let a rewrite be spoken: see :data:`GRADED`.

    The log of its statement's chance, the log-odds of what stays, how much stays and whether that is too short
    to say something, whether it stands for the whole sentence, whether it has slots, and how long and in how
    many parts the sentence is then.
    """
    after = region[: draft.span.start] + draft.text + region[draft.span.end :]
    return (
        log(max(draft.chance or 0.0, _LEAST)),
        draft.odds,
        min(draft.stays, _MOST_STAYS) / _MOST_STAYS,
        float(0 < draft.stays < _SHORT),
        float(draft.kind == "answer"),
        float("{" in after),
        len(after) / _USUAL_LENGTH,
        float(after.count("，")),
    )


class Ranker:
    """Orders drafts. ``fluency`` None keeps the order of the data."""

    def __init__(self, fluency: Fluency | None) -> None:
        self._fluency = fluency

    @classmethod
    def load(cls) -> Ranker:
        """The ranker with the model of the repository."""
        return cls(_load())

    def cost(self, region: str, draft: Draft) -> float:
        """How far back a draft belongs: its place in the data, its kind, and the scars at its edges."""
        start, end = draft.span
        text = region[:start] + draft.text + region[end:]
        scars = 0.0
        if self._fluency is not None:
            for edge in {start, start + len(draft.text)}:
                first = max(edge - 3, 0)
                near = self._fluency.costs(text[first : edge + 2], max(edge - 1, 0) - first)
                scars += max(0.0, sum(near) / len(near) - _TOLERANCE) if near else 0.0
        less = end - start - len(draft.text)
        place = draft.order + _KINDS.get(draft.kind, 0.0) + _PRICE * scars + 0.01 * max(less, 0)
        kept = _STAYS * min(draft.stays, _MOST_STAYS) - _LOST * draft.lost
        doubt = _DOUBTFUL * max(0.0, draft.doubt - _DOUBT)
        if draft.learned and draft.kind in STATED and (draft.chance or 0.0) <= 1.0:
            odds: float = GRADED_BASE + sum(map(mul, GRADED, graded_inputs(region, draft)))
            return _SURE_AT - odds + _PRICE * scars + doubt + _LOST_LEARNED * draft.lost
        if draft.named and (draft.chance or 0.0) <= 1.0:
            return _NAMED + _PER_PLACE * place + doubt - kept
        if draft.kind in STATED:
            fit = log(max(draft.chance or 0.0, _LEAST)) + _SURE * draft.odds
            return _ANSWER - fit + _BEHIND * place - kept
        return place + doubt - kept

    def order(self, region: str, drafts: Sequence[Draft]) -> list[Draft]:
        """The drafts, the best first; of those that give the same text the first, questions last."""
        seen: set[str] = set()
        out = []
        for draft in sorted(drafts, key=lambda draft: self.cost(region, draft)):
            text = region[: draft.span.start] + draft.text + region[draft.span.end :]
            if draft.kind == "question" or text not in seen:
                seen.add(text)
                out.append(draft)
        return out

    def enough(self, drafts: Sequence[Draft], most: int) -> bool:
        """True when more drafts, which rank behind these, would change nothing much."""
        real = [draft for draft in drafts if draft.apply is not Apply.MANUAL]
        return len(real) >= most - 1

    def best(self, ordered: Sequence[Draft], most: int) -> list[Draft]:
        """Of drafts in order at most ``most``; one that a person must complete stays the last."""
        real = [draft for draft in ordered if draft.apply is not Apply.MANUAL]
        asked = [draft for draft in ordered if draft.apply is Apply.MANUAL]
        asked.sort(key=lambda draft: draft.kind == "question")
        kept = asked[: max(1, most - len(real))]
        return [*real[: most - len(kept)], *kept]


@lru_cache(maxsize=1)
def _load() -> Fluency:
    return Fluency.load()
