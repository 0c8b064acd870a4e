"""The closed set of match kinds, and the scan that wakes them.

One pass over a view finds every term and every anchor of a pattern, as arrays. A term hit is a
candidate at once; the anchors of a pattern wake it, and RE2 then searches it in the sentences
where it woke, all of them in one call. RE2 needs time linear in the text whatever the pattern, so
no input can make a rule slow.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, chain, pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from checker.data import load_yaml
from checker.lexicon import MOST_GROUPS, Lexicon, Rule
from checker.literals import WIDTH, Numbers, SequenceTable, distinct
from checker.normalize import View, decode, encode
from checker.stored import cached_arrays

Spans = Sequence[tuple[int, int]]
_NOWHERE = ((-1, -1),)


def _by_methods(compiled: Any) -> Callable[[Any, bytes, int, int], Spans]:
    def match(method: str, text: bytes, start: int, end: int) -> Spans:
        found = getattr(compiled, method)(text, start, end)
        return [found.span(group) for group in range(compiled.groups + 1)] if found else _NOWHERE

    return match


def _matcher(compiled: Any) -> tuple[Callable[[Any, bytes, int, int], Spans], Any, Any, Any]:
    """How to match, and how to say: anywhere, from the start, the whole.

    The answer is the (start, end) of the match and of its groups, in bytes; -1 for none. What lies
    below the methods of the package's patterns takes half of their time on a sentence.
    """
    try:
        from re2 import _Anchor as anchors

        return compiled._regexp.Match, anchors.UNANCHORED, anchors.ANCHOR_START, anchors.ANCHOR_BOTH
    except (ImportError, AttributeError):
        return _by_methods(compiled), "search", "match", "fullmatch"


class Pattern:
    """One RE2 pattern. RE2 works on UTF-8; offsets are turned into code points on a hit only.

    A sentence that many patterns look at is encoded once by the caller: every method takes the
    text and its UTF-8 form.
    """

    __slots__ = ("_all", "_anywhere", "_group", "_match", "_start")

    def __init__(self, pattern: str, *, by_line: bool = False) -> None:
        import re2

        options = re2.Options()
        options.log_errors = False
        options.max_mem = 1 << 26
        options.never_nl = by_line
        compiled = re2.compile(("(?m)" if by_line else "").encode() + pattern.encode(), options=options)
        self._group = compiled.groupindex.get(b"hit", 0)
        self._match, self._anywhere, self._start, self._all = _matcher(compiled)

    def found(self, encoded: bytes) -> bool:
        """True when the pattern occurs."""
        return self._match(self._anywhere, encoded, 0, len(encoded))[0][0] >= 0

    def starts(self, encoded: bytes) -> bool:
        """True when the pattern matches at the start."""
        return self._match(self._start, encoded, 0, len(encoded))[0][0] >= 0

    def is_all(self, encoded: bytes) -> bool:
        """True when the pattern matches the whole."""
        return self._match(self._all, encoded, 0, len(encoded))[0][0] >= 0

    def pieces(self, encoded: bytes) -> Iterator[bytes]:
        """The text of every match."""
        return (encoded[start:end] for start, end in self._spans(encoded, 0))

    def spans(self, encoded: bytes, group: int | None = None) -> Iterator[tuple[int, int]]:
        """(start, end) in code points of every match: of the group ``hit`` if there is one."""
        for start, end in self._spans(encoded, self._group if group is None else group):
            if end > start >= 0:
                first = len(encoded[:start].decode())
                yield first, first + len(encoded[start:end].decode())

    def byte_spans(self, encoded: bytes) -> list[tuple[int, int]]:
        """(start, end) in bytes of every match that is not empty: of the group ``hit`` if there is one."""
        found = self._spans(encoded, self._group)
        return [(start, end) for start, end in found if end > start >= 0] if found else found

    def _spans(self, encoded: bytes, group: int) -> list[tuple[int, int]]:
        place, end = 0, len(encoded)
        spans = self._match(self._anywhere, encoded, 0, end)
        found: list[tuple[int, int]] = []
        while spans[0][0] >= 0:
            found.append(spans[group])
            # An empty match would be found again.
            place = spans[0][1] + (spans[0][1] == place)
            if place > end:
                break
            spans = self._match(self._anywhere, encoded, place, end)
        return found


@cache
def line_regex(pattern: str) -> Pattern:
    """The compiled pattern, which matches each line of a text as if it stood alone."""
    return Pattern(pattern, by_line=True)


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
    """What the scan found in one sentence; all offsets are in the sentence.

    ``terms`` holds (rule number, start, end, term), ``matches`` (rule number, start, end, pattern),
    ``tokens`` the numbers of rules over tokens that an anchor has woken, ``allowed`` spans of
    allowed phrases.
    """

    terms: list[tuple[int, int, int, str]] = field(default_factory=list)
    matches: list[tuple[int, int, int, str]] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    allowed: list[tuple[int, int]] = field(default_factory=list)


#: Scopes of cues that lie in what the other side said before.
BEFORE = ("previous_turn", "earlier")
#: So many sentences are looked at at a time: the table of what they hold then stays near the processor.
_BLOCK = 512


class _Index:
    """The values of every key: how many, and all of them in the order of the keys."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[np.int32]], name: str) -> None:
        self.counts = arrays[f"{name}_counts"]
        self.values = arrays[f"{name}_values"]
        self._first = self.counts.cumsum(dtype=np.int64) - self.counts

    @staticmethod
    def build(name: str, size: int, values: Mapping[int, Sequence[int]]) -> dict[str, npt.NDArray[np.int32]]:
        counts = np.zeros(size, dtype=np.int32)
        for key, numbers in values.items():
            counts[key] = len(numbers)
        joined = list(chain.from_iterable(values[key] for key in sorted(values)))
        return {f"{name}_counts": counts, f"{name}_values": np.array(joined, dtype=np.int32)}

    def expand(self, keys: npt.NDArray[Any], carried: Numbers) -> tuple[Numbers, npt.NDArray[np.int32]]:
        """(what is ``carried`` with the key, value) for every value of every key."""
        counts = self.counts.take(keys)
        before = counts.cumsum(dtype=np.int64)
        total = int(before[-1]) if len(before) else 0
        before -= counts
        at = np.arange(total)
        at += (self._first.take(keys) - before).repeat(counts)
        return carried.repeat(counts), self.values.take(at)


class Scanner:
    """All literals of a lexicon in one table, and the patterns they wake.

    A *target* is one alternative of one pattern of one rule; it can match only a sentence that
    holds a literal of each of its groups. The rarest group wakes the target, the presence of the
    others is a look into a table of (sentence, group). What is left is searched pattern by
    pattern, in all of its sentences at once.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.rules: tuple[Rule, ...] = lexicon.rules
        self.version = lexicon.version
        arrays = cached_arrays(f"scanner-{lexicon.version}", lambda: _scanner_arrays(lexicon))
        self._literals = arrays["literals"]
        self._lengths = arrays["lengths"]
        self.table = SequenceTable(arrays=arrays)
        codes = arrays["single_codes"]
        #: The number of a literal of one character by its code point, -1 for none; the last entry is beyond all.
        self._singles = np.full(int(codes.max(initial=0)) + 2, -1, dtype=np.int32)
        self._singles[codes] = arrays["single_numbers"]
        self._wakes = _Index(arrays, "wakes")
        self._shows = _Index(arrays, "shows")
        self._others = arrays["others"]
        self._pattern_of = arrays["pattern_of"]
        self._groups = int(arrays["groups"][0])
        #: (rule number, pattern) of every pattern number; None for the anchors of a rule over tokens.
        self._compiled: dict[int, Pattern] = {}
        self._patterns: list[tuple[int, str | None]] = [
            (number, pattern)
            for number, rule in enumerate(lexicon.rules)
            for pattern in (rule.patterns or ((None,) if rule.tokens else ()))
        ]
        looks_back = np.array(
            [any(cues.within in BEFORE for cues in self.rules[number].near) for number, _ in self._patterns],
            dtype=np.bool_,
        )
        self._needs_dialogue = looks_back[self._pattern_of] if len(self._pattern_of) else looks_back
        terms: dict[str, list[int]] = {}
        for number, rule in enumerate(lexicon.rules):
            for term in rule.terms:
                terms.setdefault(term, []).append(number)
        allowed = {phrase for phrase in lexicon.allow if phrase}
        self.words = frozenset(word for word in terms if len(word) > 1)
        words = sorted(allowed.union(terms))
        self._plain = {
            number: (terms.get(word, ()), word in allowed, word)
            for number, word in zip(arrays["plain"].tolist(), words)
        }
        self._is_plain = np.zeros(len(self._lengths), dtype=np.bool_)
        self._is_plain[list(self._plain)] = True

    @property
    def literals(self) -> list[str]:
        """What is looked for: terms, anchors, allowed phrases, and words that only disguises stand for."""
        return decode(self._literals).split("\n")

    def scan(self, view: View, *, dialogue: bool = True) -> list[tuple[int, Woken]]:
        """(number of the sentence in the view, what woke there), in order.

        Without ``dialogue`` the rules about what follows a customer's words are left out.
        """
        woken: dict[int, Woken] = {}
        numbers, starts = self._find(view)
        if len(numbers):
            self._add_terms(woken, view, numbers, starts)
            sentences = view.sentence_of.take(starts)
            if len(view.starts) <= _BLOCK:
                tries = self._worth_trying(len(view.starts), numbers, sentences, dialogue)
                self._add_matches(woken, _Encoded(view), *tries)
            else:
                self._add_matches(woken, _Encoded(view), *self._blocks(view, numbers, sentences, dialogue))
        return sorted(woken.items(), key=lambda item: item[0])

    def _find(self, view: View) -> tuple[npt.NDArray[np.int32], Numbers]:
        """(literal, start) of every literal that lies within a sentence."""
        codes = view.codes
        numbers, starts = self.table.find(codes)
        alone = self._singles.take(np.minimum(codes, np.uint32(len(self._singles) - 1)))
        singles = (alone >= 0).nonzero()[0]
        numbers = np.concatenate([numbers, alone.take(singles)])
        starts = np.concatenate([starts, singles])
        ends = view.ends.take(view.sentence_of.take(starts))
        inside = (starts + self._lengths.take(numbers) <= ends).nonzero()[0]
        return numbers.take(inside), starts.take(inside)

    def _blocks(
        self, view: View, literals: npt.NDArray[np.int32], sentences: npt.NDArray[np.int32], dialogue: bool
    ) -> tuple[Numbers, Numbers]:
        """As :meth:`_worth_trying`, for any number of sentences."""
        order = sentences.argsort(kind="stable")
        literals, sentences = literals.take(order), sentences.take(order)
        edges = sentences.searchsorted(np.arange(0, len(view.starts) + _BLOCK, _BLOCK)).tolist()
        found = []
        for block, (begin, end) in enumerate(pairwise(edges)):
            first = block * _BLOCK
            size = min(_BLOCK, len(view.starts) - first)
            here = sentences[begin:end] - np.int32(first)
            patterns, numbers = self._worth_trying(size, literals[begin:end], here, dialogue)
            found.append((patterns, numbers + first))
        patterns = np.concatenate([one for one, _ in found])
        order = patterns.argsort(kind="stable")
        return patterns.take(order), np.concatenate([one for _, one in found]).take(order)

    def _worth_trying(
        self, size: int, literals: npt.NDArray[np.int32], sentences: npt.NDArray[Any], dialogue: bool
    ) -> tuple[Numbers, Numbers]:
        """(pattern, sentence) of every pattern with a literal of each group, sorted.

        ``sentences`` are the numbers, below ``size``, of those that hold the literals.
        """
        sentences = sentences.astype(np.int64)
        woken, targets = self._wakes.expand(literals, sentences)
        if not len(targets):
            return woken, woken
        shown = np.zeros((size, self._groups), dtype=np.bool_)
        shown[:, 0] = True
        rows, groups = self._shows.expand(literals, sentences * self._groups)
        flat = shown.reshape(-1)
        flat[rows + groups] = True
        for other in self._others:
            met = flat.take(woken * self._groups + other.take(targets)).nonzero()[0]
            targets, woken = targets.take(met), woken.take(met)
        if not dialogue:
            useful = (~self._needs_dialogue.take(targets)).nonzero()[0]
            targets, woken = targets.take(useful), woken.take(useful)
        keys = self._pattern_of.take(targets) * np.int64(size) + woken
        keys.sort()
        keys = distinct(keys)
        return keys // size, keys % size

    def _add_matches(
        self, woken: dict[int, Woken], encoded: _Encoded, patterns: Numbers, sentences: Numbers
    ) -> None:
        if not len(patterns):
            return
        numbers = sentences.tolist()
        changes = (patterns[1:] != patterns[:-1]).nonzero()[0] + 1
        edges = [0, *changes.tolist(), len(numbers)]
        for which, start, end in zip(patterns.take(edges[:-1]).tolist(), edges, edges[1:]):
            rule, pattern = self._patterns[which]
            if pattern is None:
                for number in numbers[start:end]:
                    woken.setdefault(number, Woken()).tokens.append(rule)
                continue
            compiled = self._compiled.get(which)
            if compiled is None:
                compiled = self._compiled[which] = line_regex(pattern)
            for number, first, last in encoded.matches(compiled, numbers[start:end]):
                woken.setdefault(number, Woken()).matches.append((rule, first, last, pattern))

    def _add_terms(
        self, woken: dict[int, Woken], view: View, numbers: npt.NDArray[np.int32], starts: Numbers
    ) -> None:
        chosen = self._is_plain.take(numbers).nonzero()[0]
        chosen = chosen[np.argsort(starts[chosen], kind="stable")]
        for literal, start in zip(numbers[chosen].tolist(), starts[chosen].tolist()):
            owners, allowed, word = self._plain[literal]
            number = int(view.sentence_of[start])
            first = start - int(view.starts[number])
            last = first + len(word)
            if len(word) > WIDTH and not view.text.startswith(word, start):
                continue
            place = woken.setdefault(number, Woken())
            place.terms += [(rule, first, last, word) for rule in owners]
            if allowed:
                place.allowed.append((first, last))


class _Encoded:
    """The UTF-8 form of a view, sentence by sentence."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._sentences: list[bytes] = []

    def matches(self, pattern: Pattern, numbers: Sequence[int]) -> list[tuple[int, int, int]]:
        """(sentence, start, end) of every match in some sentences, offsets in code points of the sentence."""
        if not self._sentences:
            text = self._view.text
            self._sentences = [text[start:end].encode() for start, end in zip(*self._view.edges)]
        sentences = [self._sentences[number] for number in numbers]
        joined = b"\n".join(sentences)
        if not pattern.found(joined):
            return []
        # where each sentence begins in what was joined
        begins = list(accumulate([len(sentence) + 1 for sentence in sentences], initial=0))
        out = []
        for first, last in pattern.byte_spans(joined):
            which = bisect_right(begins, first) - 1
            begin = len(joined[begins[which] : first].decode())
            out.append((numbers[which], begin, begin + len(joined[first:last].decode())))
        return out


def _scanner_arrays(lexicon: Lexicon) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a scanner, from the rules."""
    terms = {term for rule in lexicon.rules for term in rule.terms}
    terms |= {phrase for phrase in lexicon.allow if phrase}
    waking: dict[str, list[int]] = {}
    showing: dict[str, list[int]] = {}
    group_numbers: dict[tuple[str, ...], int] = {(): 0}
    others: list[list[int]] = []
    pattern_of: list[int] = []
    pattern = 0
    for rule in lexicon.rules:
        for alternatives in lexicon.anchors[rule.id]:
            for first, *further in alternatives:
                for word in first:
                    waking.setdefault(word, []).append(len(pattern_of))
                pattern_of.append(pattern)
                numbers = []
                for group in map(tuple, further):
                    known = group in group_numbers
                    number = group_numbers.setdefault(group, len(group_numbers))
                    numbers.append(number)
                    for word in () if known else group:
                        showing.setdefault(word, []).append(number)
                others.append(numbers + [0] * (MOST_GROUPS - 1 - len(numbers)))
            pattern += 1
    literals = sorted(terms.union(waking, showing, load_yaml("confusions.yaml")["short_words"]))
    places = {word: number for number, word in enumerate(literals)}
    size = len(literals)
    singles = [word for word in literals if len(word) == 1]
    return {
        "literals": encode("\n".join(literals)),
        "plain": np.array([places[word] for word in sorted(terms)], dtype=np.int32),
        "lengths": np.array([len(word) for word in literals], dtype=np.int32),
        "single_codes": np.array([ord(word) for word in singles], dtype=np.uint32),
        "single_numbers": np.array([places[word] for word in singles], dtype=np.int32),
        "others": np.array(others, dtype=np.int32).reshape(-1, MOST_GROUPS - 1).T.copy(),
        "pattern_of": np.array(pattern_of, dtype=np.int32),
        "groups": np.array([len(group_numbers)], dtype=np.int32),
        **_Index.build("wakes", size, {places[word]: found for word, found in waking.items()}),
        **_Index.build("shows", size, {places[word]: found for word, found in showing.items()}),
        **SequenceTable.build(literals),
    }


_SURROGATES = re.compile(r"[\ud800-\udfff]")


class Tokenizer:
    """jieba cuts with offsets: rjieba where it has a wheel, else jieba; our terms are words.

    The first tokenizer of a process adds its words to the one that rjieba has for everybody.
    """

    _shared: ClassVar[list[str] | None] = None

    def __init__(self, words: Iterable[str]) -> None:
        words = sorted(words)
        self._tokenize: Callable[[str], list[tuple[int, int]]]
        try:
            import rjieba

            # Reading the dictionary takes 0.1 s, and the package reads it for an instance of its own.
            fast = rjieba.Jieba() if Tokenizer._shared not in (None, words) else rjieba
            Tokenizer._shared = Tokenizer._shared or words
            for word in words:
                # At 90% of what jieba would suggest, an ordinary word that overlaps still wins.
                fast.add_word(word, None, None)
            self._tokenize = lambda text: [(s, e) for _, s, e in fast.tokenize(text, "default", False)]
            self._tag: Callable[[str], list[tuple[str, str]]] = lambda text: fast.tag(text, False)
        except ImportError:
            import logging

            import jieba

            jieba.setLogLevel(logging.WARNING)
            slow = jieba.Tokenizer()
            slow.initialize()
            for word in words:
                slow.add_word(word)
            self._tokenize = lambda text: [(s, e) for _, s, e in slow.tokenize(text, HMM=False)]

            def tag(text: str) -> list[tuple[str, str]]:
                from jieba.posseg import POSTokenizer

                return [(word, flag) for word, flag in POSTokenizer(slow).lcut(text, HMM=False)]

            self._tag = tag

    def spans(self, text: str) -> list[tuple[int, int]]:
        """(start, end) of every token, in order; they cover the text."""
        return self._tokenize(text)

    def tags(self, text: str) -> list[tuple[str, str]]:
        """(word, jieba part of speech) in order; they cover the text. Our own terms carry no true tag.

        A lone surrogate, which the tokenizer cannot take, comes back as U+FFFD.
        """
        return self._tag(_SURROGATES.sub("\ufffd", text))


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
