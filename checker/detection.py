"""Which industry and channel a text belongs to, guessed from its words when nobody says.

Every word of ``lexicons/industries.yaml`` and ``lexicons/channels.yaml`` has a weight; a word
counts at most twice. The best label is taken when it reaches a minimum and leads clearly;
otherwise there is no guess. A guess keeps its scores and words as its reasons. Rules of an
industry pack or of a channel never block on a guess alone (the engine lowers them to review).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from checker.literals import WIDTH, Numbers, SequenceTable
from checker.normalize import Codes, Indices, fold
from checker.types import Guess

Words = npt.NDArray[np.int64]

_LEAD = 1.25
_NOTHING = Guess(None)


class Detector:
    """Scores the labels of tables ``{label: {words: {word: weight}}}`` by one pass over many texts.

    ``least`` is the score below which nothing is guessed.
    """

    def __init__(self, tables: Sequence[Mapping[str, Mapping[str, Any]]], least: int) -> None:
        self._least = least
        self._labels = [list(table) for table in tables]
        sizes = [len(table) for table in tables]
        self._firsts = [sum(sizes[:number]) for number in range(len(sizes))]
        weights: dict[str, list[tuple[int, int]]] = {}
        entries = [
            (str(word), number, int(weight))
            for first, table in zip(self._firsts, tables)
            for number, entry in enumerate(table.values(), first)
            for word, weight in entry["words"].items()
        ]
        folded = fold("\n".join(word for word, _, _ in entries)).split("\n")
        for word, (_, number, weight) in zip(folded, entries):
            weights.setdefault(word, []).append((number, weight))
        self._words = sorted(weights)
        #: What a word adds to each label, one row a word.
        self._weights = np.zeros((len(self._words), sum(sizes)), dtype=np.int32)
        for row, word in enumerate(self._words):
            for number, weight in weights[word]:
                self._weights[row, number] += weight
        self._table = SequenceTable(SequenceTable.build(self._words))
        self._lengths = np.array([len(word) for word in self._words], dtype=np.int64)
        self._singles = [(ord(word), row) for row, word in enumerate(self._words) if len(word) == 1]

    def guesses(self, text: str, codes: Codes, starts: Indices, ends: Indices) -> list[tuple[Guess, ...]]:
        """For every ``text[starts[k]:ends[k]]`` of a plain view a guess from each table.

        ``codes`` are the code points of ``text``; the stretches are sorted and disjoint.
        """
        if not len(starts):
            return []
        words, places = self._find(text, codes)
        parts = starts.searchsorted(places, side="right") - 1
        inside = (parts >= 0) & (places + self._lengths.take(words) <= ends.take(parts))
        keys = np.sort(parts[inside] * len(self._words) + words[inside])
        first = (keys != np.append(-1, keys[:-1])).nonzero()[0]
        counts = np.minimum(np.append(first[1:], len(keys)) - first, 2)
        keys = keys.take(first)
        parts, words = keys // max(len(self._words), 1), keys % max(len(self._words), 1)
        edges = parts.searchsorted(np.arange(len(starts) + 1))
        weighed = np.zeros((len(keys) + 1, self._weights.shape[1]), dtype=np.int64)
        np.cumsum(self._weights[words] * counts[:, None], axis=0, out=weighed[1:])
        scores = weighed[edges[1:]] - weighed[edges[:-1]]
        tables = zip(self._firsts, self._labels)
        return list(zip(*(self._guesses(scores, *table, parts, words) for table in tables)))

    def _guesses(
        self, scores: npt.NDArray[np.int64], first: int, labels: Sequence[str], parts: Words, words: Words
    ) -> list[Guess]:
        """For every row of scores the guess from the labels of one table, whose columns begin at ``first``.

        ``words`` are those that were met, ``parts`` the rows they are met in, sorted.
        """
        columns = scores[:, first : first + len(labels)]
        rows, numbers = columns.nonzero()
        edges = rows.searchsorted(np.arange(len(scores) + 1)).tolist()
        reached, names = columns[rows, numbers].tolist(), [labels[number] for number in numbers.tolist()]
        # What spoke for the best label of each row.
        best_columns = columns.argmax(axis=1) if labels else np.zeros(len(scores), np.int64)
        spoke = (self._weights[words, first + best_columns.take(parts)] > 0).nonzero()[0]
        spoken = [self._words[word] for word in words.take(spoke).tolist()]
        spoken_edges = parts.take(spoke).searchsorted(np.arange(len(scores) + 1)).tolist()
        out = []
        for row, (start, end) in enumerate(pairwise(edges)):
            if start == end:
                out.append(_NOTHING)
                continue
            told = reached[start:end]
            best = max(told)
            second = sorted(told)[-2] if len(told) > 1 else 0
            by_label = dict(zip(names[start:end], told))
            if best < self._least or best < second * _LEAD:
                out.append(Guess(None, by_label))
                continue
            reasons = tuple(spoken[spoken_edges[row] : spoken_edges[row + 1]])
            out.append(Guess(names[start + told.index(best)], by_label, reasons))
        return out

    def _find(self, text: str, codes: Codes) -> tuple[Words, Numbers]:
        """(word, start) of every occurrence."""
        numbers, starts = self._table.find(codes)
        if bool((self._lengths.take(numbers) > WIDTH).any()):
            kept = np.array(
                [text.startswith(self._words[n], s) for n, s in zip(numbers.tolist(), starts.tolist())]
            )
            numbers, starts = numbers[kept], starts[kept]
        words, places = [numbers.astype(np.int64)], [starts]
        for code, row in self._singles:
            places.append((codes == code).nonzero()[0])
            words.append(np.full(len(places[-1]), row))
        return np.concatenate(words), np.concatenate(places)
