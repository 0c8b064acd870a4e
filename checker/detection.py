"""Which industry and channel a text belongs to, guessed from its words when nobody says.

Every word of ``lexicons/industries.yaml`` and ``lexicons/channels.yaml`` has a weight; a word
counts at most twice. The best label is taken when it reaches a minimum and leads clearly;
otherwise there is no guess. A guess keeps its scores and words as its reasons. Rules of an
industry pack or of a channel never block on a guess alone (the engine lowers them to review).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from checker.normalize import fold
from checker.types import Guess

_LEAD = 1.25
_MOST_TIMES = 2
_NOTHING = Guess(None)


class Detector:
    """Scores the labels of tables ``{label: {words: {word: weight}}}`` by one pass over a text.

    ``least`` is the score below which nothing is guessed.
    """

    def __init__(self, tables: Sequence[Mapping[str, Mapping[str, Any]]], least: int) -> None:
        from ahocorasick_rs import AhoCorasick, Implementation

        self._least = least
        self._labels = [label for table in tables for label in table]
        sizes = [len(table) for table in tables]
        self._tables = [(sum(sizes[:number]), sum(sizes[: number + 1])) for number in range(len(sizes))]
        entries = [
            (str(word), number, int(weight))
            for (first, _), table in zip(self._tables, tables)
            for number, entry in enumerate(table.values(), first)
            for word, weight in entry["words"].items()
        ]
        weights: dict[str, dict[int, int]] = {}
        folded = fold("\n".join(word for word, _, _ in entries)).split("\n")
        for word, (_, number, weight) in zip(folded, entries):
            adds = weights.setdefault(word, {})
            adds[number] = adds.get(number, 0) + weight
        #: What each word adds, by the number of a label.
        self._weights = weights
        self._automaton = AhoCorasick(sorted(weights), implementation=Implementation.ContiguousNFA)

    def guesses(self, text: str) -> tuple[Guess, ...]:
        """A guess from each table, for a text as the plain view shows it."""
        times: dict[str, int] = {}
        for word in self._automaton.find_matches_as_strings(text, overlapping=True):
            times[word] = times.get(word, 0) + 1
        scores: dict[int, int] = {}
        for word, count in times.items():
            for label, weight in self._weights[word].items():
                scores[label] = scores.get(label, 0) + (
                    weight if count < _MOST_TIMES else _MOST_TIMES * weight
                )
        reached = sorted(scores)
        parts = [[label for label in reached if first <= label < last] for first, last in self._tables]
        return tuple([self._guess(labels, scores, times) for labels in parts])

    def _guess(self, reached: Sequence[int], scores: Mapping[int, int], words: Iterable[str]) -> Guess:
        """The guess from the labels of one table that were reached; ``words`` are those that were met."""
        if not reached:
            return _NOTHING
        by_label = {self._labels[label]: scores[label] for label in reached}
        ranked = sorted(by_label.values())
        best = ranked[-1]
        if best < self._least or (len(ranked) > 1 and best < ranked[-2] * _LEAD):
            return Guess(None, by_label)
        winner = next(label for label in reached if scores[label] == best)
        spoke = [word for word in words if self._weights[word].get(winner, 0) > 0]
        return Guess(self._labels[winner], by_label, tuple(sorted(spoke)))
