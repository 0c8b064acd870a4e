"""The closed set of match kinds, and the scan that wakes them.

One Aho-Corasick pass over a view finds every term and every anchor of a pattern. A term hit is a
candidate at once; an anchor wakes its pattern, which RE2 then searches in that sentence only.
RE2 needs time linear in the sentence whatever the pattern, so no input can make a rule slow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import chain

import numpy as np
import numpy.typing as npt

from checker.lexicon import Lexicon, Rule
from checker.normalize import View

Numbers = npt.NDArray[np.int64]


class Pattern:
    """One RE2 pattern. RE2 works on UTF-8; offsets are turned into code points on a hit only.

    A sentence that many patterns look at is encoded once by the caller: every method takes the
    text and its UTF-8 form.
    """

    __slots__ = ("_compiled", "_group", "_search")

    def __init__(self, pattern: str) -> None:
        import re2

        options = re2.Options()
        options.log_errors = False
        options.max_mem = 1 << 26
        self._compiled = re2.compile(pattern.encode(), options=options)
        self._group = self._compiled.groupindex.get(b"hit", 0)
        self._search = self._compiled.search

    def found(self, encoded: bytes) -> bool:
        """True when the pattern occurs."""
        return self._search(encoded) is not None

    @property
    def search(self) -> Callable[[bytes], object | None]:
        """As :meth:`found`, without the call in between: None when the pattern does not occur."""
        search: Callable[[bytes], object | None] = self._search
        return search

    def starts(self, encoded: bytes) -> bool:
        """True when the pattern matches at the start."""
        return self._compiled.match(encoded) is not None

    def is_all(self, encoded: bytes) -> bool:
        """True when the pattern matches the whole."""
        return self._compiled.fullmatch(encoded) is not None

    def pieces(self, encoded: bytes) -> Iterator[bytes]:
        """The text of every match."""
        return (match.group() for match in self._compiled.finditer(encoded))

    def spans(self, encoded: bytes, group: int | None = None) -> Iterator[tuple[int, int]]:
        """(start, end) in code points of every match: of the group ``hit`` if there is one."""
        group = self._group if group is None else group
        for match in self._compiled.finditer(encoded):
            start, end = match.span(group)
            if end > start >= 0:
                first = len(encoded[:start].decode())
                yield first, first + len(encoded[start:end].decode())


@cache
def regex(pattern: str) -> Pattern:
    """The compiled pattern; compiled when first needed, kept for the process."""
    return Pattern(pattern)


@cache
def either(patterns: tuple[str, ...]) -> Pattern:
    """One pattern that occurs where any of the patterns does."""
    return Pattern("|".join(f"(?:{pattern})" for pattern in patterns))


def found_any(patterns: tuple[str, ...], text: str) -> bool:
    """True when one of the patterns occurs in the text."""
    return either(patterns).found(text.encode())


@dataclass(slots=True)
class Woken:
    """What the scan found in one sentence: term hits and patterns to try.

    ``terms`` holds (rule number, start, end, term) with offsets in the sentence, ``tries`` target
    numbers (:attr:`Scanner.targets`) in order, ``allowed`` spans of allowed phrases.
    """

    terms: list[tuple[int, int, int, str]] = field(default_factory=list)
    tries: list[int] = field(default_factory=list)
    allowed: list[tuple[int, int]] = field(default_factory=list)


_GROUPS = 3


class Scanner:
    """All literals of a lexicon in one automaton.

    A *target* is one alternative of one pattern of one rule. The pattern is worth trying in a
    sentence that holds a literal of each group of one of its targets: the hits of all
    sentences of a view are compared as arrays of (sentence, target) numbers.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        from ahocorasick_rs import AhoCorasick, Implementation

        self.rules: tuple[Rule, ...] = lexicon.rules
        terms: dict[str, list[int]] = {}
        waking: dict[str, list[tuple[int, int]]] = {}
        #: (rule number, pattern number) of every target; targets of one pattern are neighbours.
        self.targets: list[tuple[int, int]] = []
        groups_of: list[int] = []
        for number, rule in enumerate(lexicon.rules):
            for term in rule.terms:
                terms.setdefault(term, []).append(number)
            for position, alternatives in enumerate(rule.anchors):
                for groups in alternatives:
                    target = len(self.targets)
                    self.targets.append((number, position))
                    groups_of.append(len(groups))
                    for group, words in enumerate(groups):
                        for word in words:
                            waking.setdefault(word, []).append((group, target))
        allowed = {phrase for phrase in lexicon.allow if phrase}
        self.literals = sorted({*terms, *waking, *allowed})
        self._plain = {
            number: (terms.get(word, ()), word in allowed, word)
            for number, word in enumerate(self.literals)
            if word in terms or word in allowed
        }
        self._is_plain = np.zeros(len(self.literals) + 1, dtype=np.bool_)
        self._is_plain[list(self._plain)] = True
        self._counts = np.array([len(waking.get(word, ())) for word in self.literals] or [0], dtype=np.int64)
        self._first = np.cumsum(self._counts) - self._counts
        pairs = [pair for word in self.literals for pair in waking.get(word, ())]
        self._groups = np.array([group for group, _ in pairs] or [0], dtype=np.int8)
        self._woken_targets = np.array([target for _, target in pairs] or [0], dtype=np.int64)
        # Groups that a target does not have are fulfilled from the start.
        self._given = np.ones((_GROUPS, len(self.targets)), dtype=np.bool_)
        for target, count in enumerate(groups_of):
            self._given[:count, target] = False
        self._automaton = (
            AhoCorasick(self.literals, implementation=Implementation.ContiguousNFA) if self.literals else None
        )
        self.words = frozenset(word for word in terms if len(word) > 1)

    def scan(self, view: View) -> list[tuple[int, Woken]]:
        """(number of the sentence in the view, what woke there), in order."""
        if self._automaton is None or not len(view.starts):
            return []
        hits = self._automaton.find_matches_as_indexes(view.text, overlapping=True)
        if not hits:
            return []
        table = np.fromiter(chain.from_iterable(hits), np.int64, 3 * len(hits)).reshape(-1, 3)
        numbers = np.searchsorted(view.starts, table[:, 1], side="right") - 1
        inside = (numbers >= 0) & (table[:, 2] <= view.ends[np.maximum(numbers, 0)])
        if not inside.all():
            table, numbers = table[inside], numbers[inside]
        woken: dict[int, Woken] = {}
        for number, target in self._worth_trying(table[:, 0], numbers):
            woken.setdefault(number, Woken()).tries.append(target)
        plain = np.flatnonzero(self._is_plain[table[:, 0]])
        if len(plain):
            self._add_terms(woken, view, table[plain].tolist(), numbers[plain].tolist())
        return sorted(woken.items(), key=lambda item: item[0])

    def _worth_trying(self, literals: Numbers, numbers: Numbers) -> Iterator[tuple[int, int]]:
        """(sentence, target) of every target with a literal of each group in the sentence."""
        counts = self._counts[literals]
        total = int(counts.sum())
        if not total:
            return
        ends = np.cumsum(counts)
        places = np.arange(total) + np.repeat(self._first[literals] - ends + counts, counts)
        groups = self._groups[places]
        keys = np.repeat(numbers, counts) * len(self.targets) + self._woken_targets[places]
        found = np.unique(keys[groups == 0])
        for group in range(1, _GROUPS):
            others = keys[groups == group]
            at = np.minimum(np.searchsorted(found, others), len(found) - 1)
            met = self._given[group, found % len(self.targets)]
            if len(found):
                met[at[found[at] == others]] = True
            found = found[met]
        yield from zip((found // len(self.targets)).tolist(), (found % len(self.targets)).tolist())

    def _add_terms(
        self,
        woken: dict[int, Woken],
        view: View,
        hits: list[list[int]],
        numbers: list[int],
    ) -> None:
        for (literal, start, end), number in zip(hits, numbers):
            owners, allowed, word = self._plain[literal]
            base = int(view.starts[number])
            for rule in owners:
                place = woken.setdefault(number, Woken())
                place.terms.append((rule, start - base, end - base, word))
            if allowed:
                woken.setdefault(number, Woken()).allowed.append((start - base, end - base))


class Tokenizer:
    """jieba cuts with offsets: rjieba where it has a wheel, else jieba; our terms are words."""

    def __init__(self, words: Iterable[str]) -> None:
        words = sorted(words)
        self._tokenize: Callable[[str], list[tuple[int, int]]]
        try:
            from rjieba import Jieba

            fast = Jieba()
            for word in words:
                # At 90% of what jieba would suggest, an ordinary word that overlaps still wins.
                fast.add_word(word, None, None)
            self._tokenize = lambda text: [(s, e) for _, s, e in fast.tokenize(text, "default", False)]
        except ImportError:
            import logging

            import jieba

            jieba.setLogLevel(logging.WARNING)
            slow = jieba.Tokenizer()
            slow.initialize()
            for word in words:
                slow.add_word(word)
            self._tokenize = lambda text: [(s, e) for _, s, e in slow.tokenize(text, HMM=False)]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """(start, end) of every token, in order; they cover the text."""
        return self._tokenize(text)


def cuts_words(tokens: list[tuple[int, int]], start: int, end: int) -> bool:
    """True when an edge of (start, end) lies inside a token that reaches beyond it."""
    for token_start, token_end in tokens:
        if token_end <= start:
            continue
        if token_start >= end:
            break
        if token_start < start or token_end > end:
            return True
    return False
