"""Which industry a text belongs to, guessed from its words when nobody says.

Every word of ``lexicons/industries.yaml`` has a weight; a word counts at most twice. The best
industry is taken when it reaches a minimum and leads clearly; otherwise there is no guess. Rules
of an industry pack never block on a guess alone (the engine lowers them to review).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from checker.lexicon import Lexicon
from checker.normalize import fold

_LEAST = 3
_LEAD = 1.25


@dataclass(frozen=True, slots=True)
class Guess:
    """The industry (None without a clear winner), the scores and the words behind the best."""

    industry: str | None
    scores: dict[str, int]
    words: tuple[str, ...] = ()


class IndustryDetector:
    """Scores industries by one pass over the plain view."""

    def __init__(self, lexicon: Lexicon) -> None:
        from ahocorasick_rs import AhoCorasick, Implementation

        weights: dict[str, list[tuple[str, int]]] = {}
        for slug, entry in lexicon.industries.items():
            for word, weight in entry["words"].items():
                weights.setdefault(fold(str(word)), []).append((slug, int(weight)))
        self._words = sorted(weights)
        self._weights = [weights[word] for word in self._words]
        self._automaton = (
            AhoCorasick(self._words, implementation=Implementation.ContiguousNFA) if self._words else None
        )

    def guess(self, text: str) -> Guess:
        """The industry of a plain view."""
        if self._automaton is None:
            return Guess(None, {})
        counts = Counter(hit[0] for hit in self._automaton.find_matches_as_indexes(text, overlapping=True))
        scores: Counter[str] = Counter()
        for number, count in counts.items():
            for slug, weight in self._weights[number]:
                scores[slug] += weight * min(count, 2)
        ranked = scores.most_common(2)
        if not ranked or ranked[0][1] < _LEAST:
            return Guess(None, dict(scores))
        if len(ranked) > 1 and ranked[0][1] < ranked[1][1] * _LEAD:
            return Guess(None, dict(scores))
        best = ranked[0][0]
        words = [self._words[n] for n in counts if any(slug == best for slug, _ in self._weights[n])]
        return Guess(best, dict(scores), tuple(words))
