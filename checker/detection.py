"""Which industry and channel a text belongs to, guessed from its words when nobody says.

Every word of ``lexicons/industries.yaml`` and ``lexicons/channels.yaml`` has a weight; a word
counts at most twice. The best label is taken when it reaches a minimum and leads clearly;
otherwise there is no guess. A guess keeps its scores and words as its reasons. Rules of an
industry pack or of a channel never block on a guess alone (the engine lowers them to review).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from checker.normalize import fold
from checker.types import Guess

_LEAD = 1.25


class Detector:
    """Scores the labels of a table ``{label: {words: {word: weight}}}`` by one pass over the plain view.

    ``least`` is the score below which nothing is guessed.
    """

    def __init__(self, table: Mapping[str, Mapping[str, Any]], least: int) -> None:
        from ahocorasick_rs import AhoCorasick, Implementation

        weights: dict[str, list[tuple[str, int]]] = {}
        for label, entry in table.items():
            for word, weight in entry["words"].items():
                weights.setdefault(fold(str(word)), []).append((label, int(weight)))
        self._least = least
        self._words = sorted(weights)
        self._weights = [weights[word] for word in self._words]
        self._automaton = (
            AhoCorasick(self._words, implementation=Implementation.ContiguousNFA) if self._words else None
        )

    def guess(self, text: str) -> Guess:
        """The label of a plain view, with what spoke for it."""
        if self._automaton is None:
            return Guess(None)
        counts = Counter(hit[0] for hit in self._automaton.find_matches_as_indexes(text, overlapping=True))
        scores: Counter[str] = Counter()
        for number, count in counts.items():
            for label, weight in self._weights[number]:
                scores[label] += weight * min(count, 2)
        ranked = scores.most_common(2)
        unclear = len(ranked) > 1 and ranked[0][1] < ranked[1][1] * _LEAD
        if not ranked or ranked[0][1] < self._least or unclear:
            return Guess(None, dict(scores))
        best = ranked[0][0]
        words = [self._words[n] for n in counts if any(label == best for label, _ in self._weights[n])]
        return Guess(best, dict(scores), tuple(sorted(words)))
