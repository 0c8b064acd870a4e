"""Disguised words, read back: look-alikes, split characters, pictures, numbers, pinyin, initials, sound.

Each reading is a view of the sentences it changes, in which the words that were meant stand where
their disguise was written. All rules then see the view as they see any text, on top of the plain
view and of the inserted one, and sound on top of shape, so disguises may be combined. The data is
``lexicons/confusions.yaml``.

Ordinary words never become hits. A change is *believable* only where it makes a **fragment** (any
literal that our rules look for, of two characters or more) that covers it, and where neither the
characters that differ nor the edges of the fragment belong to a longer word of the dictionary.
Characters that no ordinary text holds (囯, 讠正) need no fragment. The shorter the fragment and the
more characters differ, the more evidence is asked for; see :meth:`Disguises._believable`.

The common path is one pass of an automaton and a few gathers of NumPy: they say where a change could
begin, and Python looks at these places only. The pinyin of characters comes from pypinyin once; it is cached as codes.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from checker.data import load_yaml
from checker.late import late
from checker.literals import SequenceTable, extend
from checker.matching import Scanner
from checker.normalize import READINGS, View, decode, encode, inserted_view, join
from checker.numerals import DIGITS, Change, odd_numbers
from checker.stored import cached_arrays
from checker.syllables import FIRST, LAST, merged, pinyin_table, sounds

Spans = list[tuple[int, int]]
_HAN = late(r"[\u3400-\u9fff]+")
_LONGEST = 6
_WIDEST = 8
#: After so many characters it has paid to make a set of the fragments, which takes 20 ms and 11 MB.
_WORTH_A_SET = 20_000
#: With no more places than this to look at, Python alone is faster.
_FEW = 32


def respell(base: View, changes: Iterable[Change], name: str) -> View | None:
    """A view of the sentences of ``base`` that some change touches, with all of its changes made.

    Of overlapping changes the first and longest is made.
    """
    by_sentence: dict[int, list[Change]] = {}
    for change in sorted(dict.fromkeys(changes), key=lambda item: (item[0], -item[1])):
        number = base.sentence_at(change[0])
        if change[1] <= base.ends[number]:
            kept = by_sentence.setdefault(number, [])
            if not kept or change[0] >= kept[-1][1]:
                kept.append(change)
    if not by_sentence:
        return None
    texts: list[str] = []
    sources = array("i")
    wide: list[tuple[int, int]] = []
    starts: list[int] = []
    ends: list[int] = []
    place = 0
    numbers = sorted(by_sentence)
    for number in numbers:
        start, end = int(base.starts[number]), int(base.ends[number])
        starts.append(place)
        here = start
        for first, last, reading in by_sentence[number]:
            texts.append(base.text[here:first] + reading)
            sources.extend(range(here, first))
            for one, other in _written_as(base.text[first:last], reading):
                if other > one:
                    wide.append((len(sources), first + other))
                sources.append(first + one)
            here = last
        texts.append(base.text[here:end] + "\n")
        sources.extend(range(here, end))
        sources.append(end - 1)
        place = len(sources)
        ends.append(place - 1)
    text = "".join(texts)
    firsts = np.frombuffer(sources, dtype=np.int32)
    lasts = firsts.copy()
    for character, source in wide:
        lasts[character] = source
    return View(
        np.full(len(starts), READINGS.index(name), dtype=np.int8),
        text,
        encode(text),
        base.index.take(firsts),
        base.lasts.take(lasts),
        np.array(starts, np.int32),
        np.array(ends, np.int32),
        base.sentences[np.array(numbers, np.int32)],
    )


def _written_as(written: str, reading: str) -> list[tuple[int, int]]:
    """(first, last) places in ``written`` of what each character of ``reading`` stands for.

    Where the lengths differ nobody can say which part means which character: all but what both
    begin and end with stands for each.

    >>> _written_as("zui", "最"), _written_as("最平", "最便宜"), _written_as("宝本", "保本")
    ([(0, 2)], [(0, 0), (1, 1), (1, 1)], [(0, 0), (1, 1)])
    """
    size, length = len(written), len(reading)
    if size == length:
        return [(place, place) for place in range(size)]
    shorter = min(size, length) - 1
    head = next((step for step in range(shorter) if written[step] != reading[step]), max(shorter, 0))
    most = shorter - head
    tail = next((step for step in range(most) if written[-1 - step] != reading[-1 - step]), max(most, 0))
    return [
        *((place, place) for place in range(head)),
        *[(head, size - tail - 1)] * (length - head - tail),
        *((place, place) for place in range(size - tail, size)),
    ]


def _ordinary(text: str) -> bool:
    """True when every character is one of the 3,755 most usual (GB 2312, level 1)."""
    try:
        return all("\xb0" <= chr(character.encode("gb2312")[0]) <= "\xd7" for character in text)
    except UnicodeEncodeError:
        return False


class _Sign(NamedTuple):
    """What may stand for something else.

    A plain one is one character of any text: it counts only behind one of ``before`` or in front of one of
    ``after``, where a reading of it may be part of a fragment. An odd one is judged by more than whether a
    fragment covers it.
    """

    readings: Sequence[str]
    is_plain: bool
    is_odd: bool
    before: str
    after: str


class Disguises:
    """Reads disguises of the fragments of a lexicon."""

    def __init__(self, scanner: Scanner, tokenize: Callable[[str], Spans]) -> None:
        data = load_yaml("confusions.yaml")
        self._scanner = scanner
        self._data = data
        self._short = frozenset(data["short_words"])
        self._function = frozenset(data["function_words"])
        self._weak = frozenset(data["weak"])
        self._everyday = frozenset(data["common"]) | self._weak | frozenset(data["everyday"])
        self._tokenize = tokenize
        self._tokens: dict[str, list[int]] = {}
        #: The fragments, to look one up; longer ones by their first ``_WIDEST`` characters.
        self._known: SequenceTable | frozenset[str] = scanner.table
        self._has_set = False
        self._read = 0
        self._signs: dict[str, list[str]] = {}
        for table in ("shapes", "splits"):
            for real, likes in data[table].items():
                for like in likes:
                    if like != real:
                        self._signs.setdefault(like, []).append(real)
        for table in ("pictures", "dialect", "words"):
            for written, meant in data[table].items():
                self._signs.setdefault(str(written), []).append(meant)
        for word in data["hesitations"]["inside"]:
            self._signs.setdefault(word, []).append("")
        self._heard = frozenset(data["words"])
        self._sure = frozenset(
            sign
            for sign in self._signs
            if not _ordinary(sign) and not sign.isascii() and sign not in self._heard
        )

    @cached_property
    def _fragments(self) -> set[str]:
        """What the rules look for, of two characters or more; to make the arrays. A check asks ``_known``."""
        return {literal for literal in self._scanner.literals if len(literal) > 1}

    @cached_property
    def _han(self) -> list[str]:
        return sorted(word for word in self._fragments if len(word) <= _LONGEST and _HAN.fullmatch(word))

    @cached_property
    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        return dict(cached_arrays(f"disguise-2-{self._scanner.version}", self._make_arrays))

    def _make_arrays(self) -> dict[str, npt.NDArray[Any]]:
        longer = [fragment for fragment in self._han if len(fragment) > 2]
        pairs = [f for f in self._han if len(f) == 2 and (f in self._short or self._weak.isdisjoint(f))]
        spelt = encode("".join(pairs)).reshape(-1, 2)
        heard = self._sounds[spelt]
        keys = decode(self._sounds[encode("".join(longer))])
        ends = np.cumsum([len(fragment) for fragment in longer]).tolist()
        spellings = np.zeros((len(longer), _LONGEST), dtype=np.uint32)
        for number, fragment in enumerate(longer):
            spellings[number, : len(fragment)] = [ord(character) for character in fragment]
        return {
            "spellings": spellings,
            "lengths": np.array([len(fragment) for fragment in longer], dtype=np.int32),
            **SequenceTable.build([keys[end - len(f) : end] for end, f in zip(ends, longer)], "longer_"),
            "pairs": spelt,
            # the first half heard in its second character, the other in its first
            **SequenceTable.build(
                [
                    *map(decode, np.stack([spelt[:, 0], heard[:, 1]], 1)),
                    *map(decode, np.stack([heard[:, 0], spelt[:, 1]], 1)),
                ],
                "heard_",
            ),
            **self._find_followers(),
            **self._find_initials(),
        }

    def read(self, plain: View) -> View:
        """The sentences of a plain view, then those of its disguised readings that differ from it."""
        self._tokens.clear()
        self._read += len(plain.codes)
        if self._read > _WORTH_A_SET and not self._has_set:
            self._known = frozenset(word[:_WIDEST] for word in self._scanner.literals if len(word) > 1)
            self._has_set = True
        view = join(plain, inserted_view(plain, self.joins))
        view = join(view, respell(view, self._shape_changes(view), "shape"))
        changes = [*self._latin_changes(view), *self._sound_changes(view)]
        return join(view, respell(view, changes, "sound"))

    # --- what makes a change believable ----------------------------------------------------------

    @staticmethod
    def _sentence(view: View, place: int) -> tuple[int, int]:
        starts, ends = view.edges
        number = view.sentence_at(place)
        return starts[number], ends[number]

    def _words(self, view: View, start: int, end: int) -> tuple[int, list[int]]:
        """Where the clause of (start, end) begins, and where its words begin, with its end; both in order.

        No word reaches beyond a clause, so that what is around it need not be divided.
        """
        marks = view.clause_marks
        number = bisect_left(marks, start)
        base = marks[number - 1] + 1 if number else 0
        number = bisect_left(marks, end)
        clause = view.text[base : marks[number] if number < len(marks) else len(view.text)]
        edges = self._tokens.get(clause)
        if edges is None:
            edges = self._tokens[clause] = [0, *(last for _, last in self._tokenize(clause))]
        return base, edges

    def _in_word(self, view: View, start: int, end: int) -> bool:
        """True when a character of (start, end) is part of a longer word of the dictionary."""
        base, edges = self._words(view, start, end)
        last = end - base
        number = bisect_right(edges, start - base)
        while number < len(edges) and edges[number - 1] < last:
            if edges[number] - edges[number - 1] > 1:
                return True
            number += 1
        return False

    def _cuts_word(self, view: View, start: int, end: int, edges_known: Sequence[int] = ()) -> bool:
        """True when an edge of (start, end) cuts a word; at ``edges_known`` none is cut."""
        base, edges = self._words(view, start, end)
        first, last = start - base, end - base
        number = bisect_left(edges, last)
        return (start not in edges_known and edges[bisect_right(edges, first) - 1] < first) or (
            end not in edges_known and number < len(edges) and edges[number] > last
        )

    def _coverings(
        self, view: View, start: int, end: int, reading: str, *, beyond: bool = True
    ) -> Iterator[tuple[int, int]]:
        """Where fragments cover ``reading`` written at (start, end); offsets in the view.

        With ``beyond`` a fragment must reach beyond the reading.
        """
        text, followers = view.text, self._followers
        # A fragment reaches no further than its characters follow each other in one.
        after, before = reading[:1] or text[end : end + 1], reading[-1:] or text[start - 1 : start]
        reaches_left = start > 0 and after in followers.get(text[start - 1], "")
        reaches_right = end < len(text) and text[end] in followers.get(before, "")
        if beyond and not reaches_left and not reaches_right:
            return
        known = self._known
        base, stop = self._sentence(view, start)
        left, right = start, end
        if reaches_left:
            base = max(base, start - _LONGEST + 1)
            while left > base and after in followers.get(text[left - 1], ""):
                left -= 1
                after = text[left]
        if reaches_right:
            stop = min(stop, end + _LONGEST - 1)
            while right < stop and text[right] in followers.get(before, ""):
                before = text[right]
                right += 1
        for first in range(start, left - 1, -1):
            head = text[first:start] + reading
            for last in range(end, min(right, end + _WIDEST - len(head)) + 1):
                if (first < start or last > end or not beyond) and head + text[end:last] in known:
                    yield first, last

    def _covering(self, view: View, start: int, end: int, reading: str, *, beyond: bool = True) -> Spans:
        """As :meth:`_coverings`, the longest first."""
        found = list(self._coverings(view, start, end, reading, beyond=beyond))
        return sorted(found, key=lambda span: span[0] - span[1])

    def _covers(self, view: View, start: int, end: int, reading: str) -> bool:
        """True when some fragment covers ``reading`` written at (start, end).

        The fragment must reach beyond a reading of one character, and beyond both ends of none.
        """
        for first, last in self._coverings(view, start, end, reading, beyond=len(reading) < 2):
            if reading or (first < start and end < last):
                return True
        return False

    def _beside_any(
        self, view: View, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """As :meth:`_beside`, of many places, without regard to where sentences end."""
        margin = np.full(4, ord("\n"), np.uint32)
        codes = np.concatenate([margin, view.codes, margin])
        windows = []
        for size in (2, 3, 4):
            before = after = np.zeros(len(starts), np.uint64)
            for step in range(size):
                before = extend(before, codes[starts + 4 - size + step])
                after = extend(after, codes[ends + 4 + step])
            windows += [before, after]
        met = self._scanner.table.holds(np.concatenate(windows))
        return np.asarray(met.reshape(len(windows), -1).any(axis=0))

    def _beside(self, view: View, start: int, end: int) -> bool:
        """True when a fragment of two characters or more ends or begins right here."""
        base, stop = self._sentence(view, start)
        return any(
            (start - size >= base and view.text[start - size : start] in self._known)
            or (end + size <= stop and view.text[end : end + size] in self._known)
            for size in (2, 3, 4)
        )

    def joins(self, plain: View, start: int, end: int) -> bool:
        """Whether what a filler at (start, end) divides may be one word: 国家，嗯，级, not 国家，嗯，级别."""
        base, stop = self._sentence(plain, start)
        left, right = plain.text[max(base, start - 12) : start], plain.text[end : min(stop, end + 12)]
        cuts = {first for first, _ in self._tokenize(left)}
        cuts |= {len(left) + last for _, last in self._tokenize(right)}
        across = [span for span in self._tokenize(left + right) if span[0] < len(left) < span[1]]
        if across:
            return all(first in cuts and last in cuts for first, last in across)
        # Two words still: no word of ours may end after one character of the second.
        return len(left) + 1 in cuts or not any(
            first in cuts and left[first:] + right[:1] in self._known for first in range(len(left))
        )

    # --- shape -----------------------------------------------------------------------------------

    def _find_followers(self) -> dict[str, npt.NDArray[Any]]:
        """The characters of fragments, how many characters follow each in some fragment, and these."""
        codes = encode("\n".join(self._fragments)).astype(np.uint64)
        inside = ((codes[:-1] != ord("\n")) & (codes[1:] != ord("\n"))).nonzero()[0]
        pairs = np.unique(codes[inside] << np.uint64(32) | codes[inside + 1])
        first, counts = np.unique(pairs >> np.uint64(32), return_counts=True)
        return {
            "followed": first.astype(np.uint32),
            "followings": counts,
            "followers": pairs.astype(np.uint32),
        }

    @cached_property
    def _followers(self) -> dict[str, str]:
        """By character those that stand right behind it in some fragment."""
        followed, counts, joined = (self._arrays[name] for name in ("followed", "followings", "followers"))
        followers = decode(joined)
        ends = counts.cumsum().tolist()
        return {one: followers[start:end] for one, start, end in zip(decode(followed), [0, *ends[:-1]], ends)}

    @cached_property
    def _sign_finder(self) -> tuple[Any, list[_Sign]]:
        """What finds the signs, and what is known of each, by its number."""
        from ahocorasick_rs import AhoCorasick, Implementation

        leaders: dict[str, str] = {}
        firsts = {reading[:1] for readings in self._signs.values() for reading in readings}
        for leader, followers in self._followers.items():
            for first in firsts.intersection(followers):
                leaders[first] = leaders.get(first, "") + leader
        signs = []
        for sign, readings in self._signs.items():
            is_plain = len(sign) == 1 and sign not in self._sure and len(readings[0]) == 1
            is_odd = sign in self._sure or (
                sign in self._heard and any(reading in self._known for reading in readings)
            )
            before = "".join(leaders.get(reading[0], "") for reading in readings) if is_plain else ""
            after = "".join(self._followers.get(reading[-1], "") for reading in readings) if is_plain else ""
            signs.append(_Sign(readings, is_plain, is_odd, before, after))
        return AhoCorasick(list(self._signs), implementation=Implementation.ContiguousNFA), signs

    def _sign_places(self, view: View) -> list[tuple[int, int]]:
        """(start, end) of the signs, longer ones first: none that no fragment covers and no other stands beside."""
        finder, signs = self._sign_finder
        text = f"\n{view.text}\n"
        found = [
            (start, end, sign)
            for number, start, end in finder.find_matches_as_indexes(view.text, overlapping=True)
            if not (sign := signs[number]).is_plain
            or text[start] in sign.before
            or text[end + 1] in sign.after
        ]
        all_starts, all_ends = ({place[side] for place in found} for side in (0, 1))
        kept = [
            (start, end)
            for start, end, sign in found
            if sign.is_odd
            or start in all_ends
            or end in all_starts
            or any(self._covers(view, start, end, reading) for reading in sign.readings)
        ]
        return sorted(kept, key=lambda place: (place[0], -place[1]))

    def _shape_changes(self, view: View) -> Iterator[Change]:
        """Look-alikes, split characters, pictures, dialect and words that were misheard, and numbers."""
        yield from self._number_changes(view)
        tries: list[tuple[int, int, list[str]]] = []
        sure: list[Change] = []
        for place, end in self._sign_places(view):
            written = view.text[place:end]
            readings = self._signs[written]
            if written not in self._sure:
                if not sure or sure[-1][0] != place:
                    tries.append((place, end, readings))
            elif end - place > 1 or not _HAN.match(written) or not self._in_word(view, place, end):
                best = next((r for r in readings if self._covering(view, place, end, r)), readings[0])
                sure.append((place, end, best))
        yield from sure
        if not tries:
            return
        # 禾急 贝兼: what stands beside a sign may be a disguise too.
        beside: dict[int, list[tuple[int, int, list[str]]]] = {}
        for sign in [*tries, *((first, last, [reading]) for first, last, reading in sure)]:
            beside.setdefault(sign[0], []).append(sign)
            beside.setdefault(-sign[1], []).append(sign)
        for place, end, readings in tries:
            near = [*beside.get(end, ()), *(beside.get(-place, ()) if place else ())]
            row = _row(beside, place, end) if near else None
            for reading in readings:
                if self._sign_believable(view, (place, end), reading, near) or (
                    row is not None and self._covering(view, *row[0], row[1] + reading + row[2], beyond=False)
                ):
                    yield place, end, reading
                    break

    def _sign_believable(
        self, view: View, span: tuple[int, int], reading: str, near: list[tuple[int, int, list[str]]]
    ) -> bool:
        """Whether a sign at ``span`` is meant as ``reading``; ``near`` are the signs beside it."""
        start, end = span
        written = view.text[start:end]
        if written.isascii() and not self._between_han(view.text, start, end):
            return False
        if written in self._heard:
            if self._cuts_word(view, start, end):
                return False
            covers = self._covering(view, start, end, reading)
            if any(not self._cuts_word(view, a, b) for a, b in covers):
                return True
            if reading not in self._known:
                return False
            # 醉高 may stand alone: it is no word. 视界 is one, and needs company.
            kept = "".join(one for one, other in zip(written, reading) if one == other)
            if not self._ends_word(view, start, end, kept):
                return False
            return not self._in_word(view, start, end) or self._beside(view, start, end)
        if end - start == 1 and self._in_word(view, start, end):
            return False
        covers = self._covering(view, start, end, reading, beyond=len(reading) < 2)
        if not reading:
            covers = [(a, b) for a, b in covers if a < start and end < b]
        # What ends at a sign that no ordinary text holds cuts no word there.
        sure = [
            place for first, last, _ in near if view.text[first:last] in self._sure for place in (first, last)
        ]
        # 煲过的汤: an ordinary character before or after a function word says nothing by itself.
        alone = not near and end - start == 1 and _ordinary(written) and not self._beside(view, start, end)
        for a, b in covers:
            rest = view.text[a:start] + view.text[end:b]
            if not (alone and len(rest) == 1 and rest in self._weak) and not self._cuts_word(
                view, a, b, sure
            ):
                return True
        for other_start, other_end, others in near:
            pairs = [other + reading if other_end == start else reading + other for other in others]
            edges = (min(start, other_start), max(end, other_end))
            if any(pair in self._known or self._covering(view, *edges, pair) for pair in pairs):
                return True
        return False

    @staticmethod
    def _between_han(text: str, start: int, end: int) -> bool:
        around = text[max(start - 1, 0) : start] + text[end : end + 1]
        return len(around) == 2 and bool(_HAN.fullmatch(around))

    # --- numbers ---------------------------------------------------------------------------------

    def _number_changes(self, view: View) -> Iterator[Change]:
        """Odd ways of writing numbers, as Arabic digits and ``%``, and a digit in a word (1流)."""
        yield from odd_numbers(view)
        for match in _DIGIT_BEFORE_HAN.finditer(view.text):
            place, meant = match.start(), _MEANT[match[0]]
            if self._covers(view, place, place + 1, meant) and (
                view.text[place : place + 2] not in self._known
            ):
                yield place, place + 1, meant

    # --- pinyin and initials in Latin letters ----------------------------------------------------

    def _find_initials(self) -> dict[str, npt.NDArray[np.uint8]]:
        """The fragments in the order of the first letters of their syllables, and these letters; lines of UTF-8."""
        readings, names = pinyin_table()
        first = np.array([ord(name[0]) if name else 0 for name in names], dtype=np.uint32)
        table = first[readings[:, 0]]
        joined = encode("\n".join(self._han))
        inside = (joined >= FIRST) & (joined <= LAST)
        letters = np.full(len(joined), ord("\n"), dtype=np.uint32)
        letters[inside] = table[joined[inside] - FIRST]
        pairs = sorted(zip(decode(letters).split("\n"), self._han))
        return {
            "initials": np.frombuffer("\n".join(key for key, _ in pairs).encode(), np.uint8),
            "initialled": np.frombuffer("\n".join(fragment for _, fragment in pairs).encode(), np.uint8),
        }

    @cached_property
    def _initialled(self) -> tuple[list[str], list[str]]:
        """(first letters, fragment) of every fragment, sorted."""
        keys, fragments = (
            self._arrays[name].tobytes().decode().split("\n") for name in ("initials", "initialled")
        )
        return keys, fragments

    def _by_initials(self, letters: str) -> list[str]:
        """The fragments whose syllables begin with these letters."""
        keys, fragments = self._initialled
        return fragments[bisect_left(keys, letters) : bisect_right(keys, letters)]

    @cached_property
    def _known_syllables(self) -> frozenset[str]:
        return frozenset(name for name in pinyin_table()[1] if name)

    def _says(self, character: str, syllable: str) -> bool:
        readings, names = pinyin_table()
        row = ord(character) - FIRST
        if not 0 <= row < len(readings):
            return False
        known = [names[number] for number in readings[row].tolist() if number]
        syllable = syllable.replace("ü", "v")
        return any(self._sounds_like(name, syllable) for name in known)

    def _sounds_like(self, one: str, other: str) -> bool:
        if one == other:
            return True
        initials, finals = self._data["initials"], self._data["finals"]
        return merged(one, initials, finals) == merged(other, initials, finals)

    def _cut(self, letters: str, limit: int = 6) -> list[list[str]]:
        """Ways to read letters as syllables, fewest first."""
        ways: list[list[str]] = []

        def go(rest: str, done: list[str]) -> None:
            if not rest:
                ways.append(done)
                return
            if len(done) == limit or len(ways) > 8:
                return
            for size in range(min(6, len(rest)), 0, -1):
                if rest[:size] in self._known_syllables:
                    go(rest[size:], [*done, rest[:size]])

        go(letters, [])
        return sorted(ways, key=len)[:4]

    def _latin_changes(self, view: View) -> Iterator[Change]:
        codes = view.codes
        letters = (codes >= ord("a")) & (codes <= ord("z"))
        if not letters.any():
            return
        for match in _RUN.finditer(view.text):
            start, end = match.span()
            base, stop = self._sentence(view, start)
            before, after = view.text[max(base, start - 5) : start], view.text[end : min(stop, end + 5)]
            if (before and before[-1] in _NAME_MARKS) or (after and after[0] in _NAME_MARKS):
                continue
            left, right = _HAN_END.search(before), _HAN_START.match(after)
            head, tail = left[0] if left else "", right[0] if right else ""
            if not head and not tail:
                continue
            yield from self._latin_reading(view, start, end, head, tail)

    def _latin_reading(self, view: View, start: int, end: int, head: str, tail: str) -> Sequence[Change]:
        """What letters at (start, end) between Chinese characters mean; syllable by syllable where they spell it."""
        written = re.sub(r"[^a-z]", "", view.text[start:end])
        if not 1 < len(written) <= 24:
            return ()
        clause = self._clause(view, start, end)
        named = any(cue in clause for cue in self._data["name_cues"])
        if named:
            return ()
        spaced = len(written) != end - start
        for syllables in self._cut(written):
            if len(syllables) > 6 or (spaced and len(syllables) < 2):
                continue
            found = self._latin_fragment(view, start, end, head, tail, syllables, spelt=True)
            if found:
                return _by_syllable(view.text, start, end, syllables, found)
            if 1 < len(syllables) <= 6:
                # Nothing of the word is written out: only a word of its own right for a rule.
                for fragment in self._by_initials("".join(s[0] for s in syllables)):
                    if (
                        len(fragment) > 2 or fragment in self._short or self._beside(view, start, end)
                    ) and all(self._says(c, s) for c, s in zip(fragment, syllables)):
                        return _by_syllable(view.text, start, end, syllables, fragment)
            for cut in range(1, len(syllables)):
                one = self._latin_fragment(view, start, end, head, "", syllables[:cut], spelt=True)
                other = self._latin_fragment(view, start, end, "", tail, syllables[cut:], spelt=True)
                if one and other:
                    return _by_syllable(view.text, start, end, syllables, one + other)
        if spaced or len(written) > 8:
            return ()
        meanings = self._abbreviations.get(written)
        if meanings and (
            self._beside(view, start, end)
            or (head and tail and any(cue in clause for cue in self._data["abbreviation_cues"]))
        ):
            near = (meant for meant in meanings if self._covering(view, start, end, meant))
            return [(start, end, next(near, meanings[-1]))]
        if len(written) <= 4:
            found = self._latin_fragment(view, start, end, head, tail, list(written), spelt=False)
            if found:
                return [(start, end, found)]
        return ()

    @cached_property
    def _abbreviations(self) -> dict[str, list[str]]:
        """What initials may mean; of several meanings one that makes a word with its neighbours, or the last."""
        return {
            letters: [meant] if isinstance(meant, str) else meant
            for letters, meant in self._data["abbreviations"].items()
        }

    def _latin_fragment(
        self, view: View, start: int, end: int, head: str, tail: str, syllables: list[str], *, spelt: bool
    ) -> str | None:
        """What the letters say inside a fragment of which at least one character is written out."""
        initials = "".join(syllable[0] for syllable in syllables)
        heads, tails = self._letters(head), self._letters(tail)
        best: tuple[int, str, int, int] | None = None
        for left in range(min(len(head), 4) + 1):
            for right in range(min(len(tail), 4) + 1):
                size = left + right + len(syllables)
                if not left + right or not 1 < size <= _LONGEST or (not spelt and size < 3):
                    continue
                if best is not None and size <= best[0]:
                    continue
                key = heads[len(heads) - left :] + initials + tails[:right]
                for fragment in self._by_initials(key):
                    middle = fragment[left : left + len(syllables)]
                    if (
                        fragment.startswith(head[len(head) - left :])
                        and fragment.endswith(tail[:right])
                        and (not spelt or all(self._says(c, s) for c, s in zip(middle, syllables)))
                        and not self._cuts_word(view, start - left, end + right)
                    ):
                        best = (size, middle, left, right)
                        break
        return best[1] if best else None

    def _letters(self, text: str) -> str:
        readings, names = pinyin_table()
        rows = (ord(character) - FIRST for character in text)
        return "".join(
            (names[readings[row, 0]] or " ")[0] if 0 <= row < len(readings) else " " for row in rows
        )

    def _clause(self, view: View, start: int, end: int) -> str:
        base, stop = self._sentence(view, start)
        left = max(view.text.rfind(mark, base, start) for mark in "，：、") + 1
        right = [place for mark in "，：、" if (place := view.text.find(mark, end, stop)) >= 0]
        return view.text[max(base, left) : min([*right, stop])]

    # --- sound -----------------------------------------------------------------------------------

    @cached_property
    def _sounds(self) -> npt.NDArray[np.uint32]:
        return sounds(self._data["initials"], self._data["finals"])

    @cached_property
    def _longer(self) -> SequenceTable:
        """Fragments of three characters and more by their sound."""
        return SequenceTable(self._arrays, "longer_")

    @cached_property
    def _heard_pairs(self) -> SequenceTable:
        """Fragments of two, one of which is heard."""
        return SequenceTable(self._arrays, "heard_")

    def _ends_word(self, view: View, start: int, end: int, kept: str) -> bool:
        """False where the only characters that are as meant are function words, and the clause goes on with others.

        抱过我家的猫, 比过才知道
        """
        if not kept or not set(kept) <= self._weak or view.text[start + 1 : end] != kept:
            return True
        following = view.text[end : end + 1]
        return not _HAN.match(following) or following in "的了班率"

    def _same_sound(self, one: str, other: str) -> bool:
        """True when the most usual readings are the same syllable, with nothing merged (柠 is no 龄)."""
        readings, _ = pinyin_table()
        return bool(readings[ord(one) - FIRST, 0] == readings[ord(other) - FIRST, 0])

    def _character_flags(self, characters: Iterable[str]) -> npt.NDArray[np.bool_]:
        flags = np.zeros(0x110000, dtype=np.bool_)
        flags[[ord(character) for character in characters]] = True
        return flags

    @cached_property
    def _weak_flags(self) -> npt.NDArray[np.bool_]:
        return self._character_flags(self._weak)

    @cached_property
    def _everyday_flags(self) -> npt.NDArray[np.bool_]:
        return self._character_flags(self._everyday)

    @cached_property
    def _telling_flags(self) -> npt.NDArray[np.bool_]:
        """Flags of everyday characters that are no function words."""
        return self._character_flags(self._everyday - self._function)

    def _sound_changes(self, view: View) -> Iterator[Change]:
        codes = view.codes
        if len(codes) < 2:
            return
        heard = self._sounds.take(codes)
        yield from self._short_sounds(view, heard)
        numbers, starts = self._longer.find(heard)
        if not len(numbers):
            return
        spellings, lengths = self._arrays["spellings"][numbers], self._arrays["lengths"][numbers]
        inside = np.arange(_LONGEST) < lengths[:, None]
        written = codes[np.minimum(starts[:, None] + np.arange(_LONGEST), len(codes) - 1)]
        differs = (written != spellings) & inside
        wrong = differs.sum(axis=1)
        ends = starts + lengths
        # what is written as it should be is no disguise of what sounds the same
        stretches = starts * 8 + lengths
        right = np.sort(stretches[wrong == 0])
        found = right.searchsorted(stretches)
        spelt = np.append(right, -1).take(found) == stretches
        doubtful = (differs & self._telling_flags[written]).any(axis=1)
        doubtful &= (lengths == 3) | (2 * wrong > lengths)
        weak = (differs & self._weak_flags[spellings]).any(axis=1)
        # 稳赚布赔: in a long word one rare character for a function word
        weak &= (lengths == 3) | (wrong > 1) | (differs & self._everyday_flags[written]).any(axis=1)
        chosen = (~spelt & ~doubtful & ~weak).nonzero()[0]
        done = -1
        for place in chosen[np.lexsort((numbers[chosen], -lengths[chosen], starts[chosen]))].tolist():
            start, end = int(starts[place]), int(ends[place])
            meant = decode(spellings[place, : end - start])
            if start != done and self._believable(view, start, view.text[start:end], meant):
                yield start, end, meant
                done = start

    def _short_sounds(self, view: View, heard: npt.NDArray[np.uint32]) -> Iterator[Change]:
        """Fragments of two characters, one of which is written and the other rare where it stands.

        Beside another fragment (世解领先) the character may be a usual one.
        """
        codes = view.codes
        strong = (heard > 0) & ~self._weak_flags.take(codes)
        size = len(codes) - 1
        numbers, starts = self._heard_pairs.find_pairs(
            np.concatenate([codes[:-1], heard[:-1]]),
            np.concatenate([heard[1:], codes[1:]]),
            np.concatenate([strong[1:], strong[:-1]]),
        )
        pairs = self._arrays["pairs"]
        is_second = starts < size
        starts = np.where(is_second, starts, starts - size)
        numbers = np.where(is_second, numbers, numbers - len(pairs))
        places = starts + is_second
        chosen = (pairs[numbers, is_second.astype(np.int8)] != codes.take(places)).nonzero()[0]
        if not len(chosen):
            return
        numbers, starts, places = numbers.take(chosen), starts.take(chosen), places.take(chosen)
        if len(starts) > _FEW:  # most are usual characters, and beside nothing
            usual = self._everyday_flags.take(codes.take(places))
            kept = (~usual | self._beside_any(view, starts, starts + 2)).nonzero()[0]
            numbers, starts, places = numbers.take(kept), starts.take(kept), places.take(kept)
        done = -1
        tries = zip(starts.tolist(), places.tolist(), numbers.tolist())
        for start, at, number in sorted(tries, key=lambda item: (item[0] == item[1], item)):
            # Whatever else it may be heard as, it is judged by what is written.
            if start == done or view.text[start : start + 2] in self._known:
                continue
            done = start
            meant = decode(pairs[number])
            if not self._same_sound(view.text[at], meant[at - start]) or (
                view.text[at] in self._everyday and not self._beside(view, start, start + 2)
            ):
                continue
            if not self._ends_word(view, start, start + 2, view.text[2 * start + 1 - at]):
                continue
            if not self._in_word(view, at, at + 1) and not self._cuts_word(view, start, start + 2):
                yield start, start + 2, meant

    def _believable(self, view: View, start: int, written: str, meant: str) -> bool:
        """Whether ``written`` is ``meant`` heard wrongly; both of three characters or more.

        At least half of the characters must be as they should be, unless those that are not are
        rare ones. A function word is an error only where none could stand.
        """
        differ = [step for step, (one, other) in enumerate(zip(written, meant)) if one != other]
        end = start + len(written)
        for step in differ:
            place = start + step
            if written[step] in self._function:
                following = view.text[place + 1 : place + 2]
                if step != len(written) - 1 or (following and following not in "的，。、 \n"):
                    return False
            if self._in_word(view, place, place + 1):
                return False
            if place == end - 1 and len(differ) == 1 and len(written) < 5 and written[step] in self._everyday:
                # 三天见小王: what follows belongs to the everyday character
                following = view.text[end : end + 1]
                if following not in "的了，。、 \n" and not self._beside(view, start, end):
                    return False
        return not self._cuts_word(view, start, end)


def _row(
    beside: Mapping[int, Sequence[tuple[int, int, list[str]]]], start: int, end: int
) -> tuple[tuple[int, int], str, str] | None:
    """((start, end), before, after) of signs in a row around one, as first read; None when less than three."""
    before = after = ""
    count = 1
    while start and (signs := beside.get(-start)):
        start, before, count = signs[0][0], signs[0][2][0] + before, count + 1
    while signs := beside.get(end):
        end, after, count = signs[0][1], after + signs[0][2][0], count + 1
    return ((start, end), before, after) if count > 2 else None


def _by_syllable(text: str, start: int, end: int, syllables: Sequence[str], meant: str) -> list[Change]:
    """A change for each character of ``meant`` that the syllables written at (start, end) spell."""
    if len(syllables) != len(meant):
        return [(start, end, meant)]
    changes = []
    for number, (syllable, character) in enumerate(zip(syllables, meant), 1):
        left, place = len(syllable), start
        while left or (number == len(syllables) and place < end):
            left -= "a" <= text[place] <= "z"
            place += 1
        changes.append((start, place, character))
        start = place
    return changes


#: A digit that may stand for a word's character; what is before makes it part of a number or a name.
_DIGIT_BEFORE_HAN = late(r"[0-9o\u3007](?<![0-9a-z.,%+\-].)(?=[\u3400-\u9fff])")
_MEANT = {str(number): meant for number, meant in enumerate(DIGITS)} | dict.fromkeys("o〇", "零")
_RUN = late(r"(?<![0-9a-z])[a-z]+(?:[ '·-][a-z]+)*(?![0-9a-z])")
_HAN_END = late(r"[\u3400-\u9fff]+$")
_HAN_START = late(r"[\u3400-\u9fff]+")
_NAME_MARKS = "@._/\\:#&=-"
