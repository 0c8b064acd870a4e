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

The common path is a few gathers of NumPy: tables say where a change could begin, and Python looks
at these places only. The pinyin of characters comes from pypinyin once; it is cached as codes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from checker.data import load_yaml
from checker.normalize import View, decode, encode
from checker.stored import cached_arrays

#: One change of a view: (start, end, what is read there), offsets in that view.
Change = tuple[int, int, str]
Spans = list[tuple[int, int]]
_HAN = re.compile(r"[\u3400-\u9fff]+")
_FIRST, _LAST = 0x4E00, 0x9FFF
_LONGEST = 6
_BITS = 20
_PAIR = np.uint32(0x9E3779B1)
_NEXT = np.uint32(0x85EBCA6B)
_THIRD = np.uint32(0xC2B2AE35)
_SYLLABLES = 4  # readings kept for a character


def respell(base: View, changes: Iterable[Change], name: str) -> View | None:
    """A view of the sentences of ``base`` that some change touches, with all of its changes made.

    Of overlapping changes the first and longest is made.
    """
    by_sentence: dict[int, list[Change]] = {}
    for change in sorted(set(changes), key=lambda item: (item[0], -item[1])):
        number = int(np.searchsorted(base.starts, change[0], side="right")) - 1
        if number >= 0 and change[1] <= base.ends[number]:
            kept = by_sentence.setdefault(number, [])
            if not kept or change[0] >= kept[-1][1]:
                kept.append(change)
    if not by_sentence:
        return None
    texts: list[str] = []
    sources: list[int] = []
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
            sources += range(here, first)
            # The reading's characters share the places of what was written; its ends are exact.
            if reading:
                sources += [min(first + step, last - 1) for step in range(len(reading) - 1)] + [last - 1]
            here = last
        texts.append(base.text[here:end] + "\n")
        sources += [*range(here, end), end - 1]
        place = len(sources)
        ends.append(place - 1)
    text = "".join(texts)
    return View(
        name,
        text,
        encode(text),
        base.index[np.array(sources, dtype=np.int32)],
        np.array(starts, np.int32),
        np.array(ends, np.int32),
        base.sentences[np.array(numbers, np.int32)],
    )


def _ordinary(text: str) -> bool:
    """True when every character is one of the 3,755 most usual (GB 2312, level 1)."""
    try:
        return all("\xb0" <= chr(character.encode("gb2312")[0]) <= "\xd7" for character in text)
    except UnicodeEncodeError:
        return False


# --- syllables -----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _syllables() -> tuple[npt.NDArray[np.uint16], tuple[str, ...]]:
    """(readings, names): toneless pinyin of the characters U+4E00 to U+9FFF.

    ``readings`` has shape (20992, 4); a row holds numbers of ``names``, most usual first, 0 for
    none. Made from pypinyin in about a second, once; then kept beside the lexicon cache.
    """
    arrays = cached_arrays("syllables-1", _read_syllables)
    return arrays["readings"], tuple(arrays["names"].tolist())


def _read_syllables() -> dict[str, npt.NDArray[Any]]:
    from pypinyin import Style, pinyin

    numbers: dict[str, int] = {"": 0}
    readings = np.zeros((_LAST - _FIRST + 1, _SYLLABLES), dtype=np.uint16)
    for row in range(len(readings)):
        found = pinyin(chr(_FIRST + row), style=Style.NORMAL, heteronym=True, errors="ignore")
        known = [name for name in dict.fromkeys(found[0] if found else ()) if name.isascii()]
        for column, name in enumerate(known[:_SYLLABLES]):
            readings[row, column] = numbers.setdefault(name, len(numbers))
    return {"readings": readings, "names": np.array(list(numbers))}


def _merged(syllable: str, initials: dict[str, str], finals: dict[str, str]) -> str:
    match = re.fullmatch(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)(.*)", syllable)
    assert match is not None
    first, rest = match.groups()
    for old, new in finals.items():
        if rest.endswith(old):
            rest = rest.removesuffix(old) + new
            break
    return initials.get(first, first) + rest


def _slots(one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Where a pair of codes stands in a table of 2**20 flags."""
    return (one * _PAIR + other * _NEXT) >> np.uint32(32 - _BITS)


def _flags(slots: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    flags = np.zeros(1 << _BITS, dtype=np.bool_)
    flags[slots] = True
    return flags


class Disguises:
    """Reads disguises of the fragments of a lexicon."""

    def __init__(self, fragments: Iterable[str], tokenize: Callable[[str], Spans]) -> None:
        data = load_yaml("confusions.yaml")
        self._data = data
        self._short = frozenset(data["short_words"])
        self._common = frozenset(data["common"])
        self._function = frozenset(data["function_words"])
        self._weak = frozenset(data["weak"])
        self._everyday = self._common | self._weak | frozenset(data["everyday"])
        literals = {word for word in fragments if len(word) > 1}
        self._fragments = frozenset(literals | self._short)
        self._han = sorted(word for word in self._fragments if len(word) <= _LONGEST and _HAN.fullmatch(word))
        self._tokenize = tokenize
        self._tokens: dict[str, Spans] = {}
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
        self._widths: dict[str, list[int]] = {}
        for sign in sorted(self._signs, key=len, reverse=True):
            widths = self._widths.setdefault(sign[0], [])
            if len(sign) not in widths:
                widths.append(len(sign))

    def views(self, *bases: View) -> Iterator[View]:
        """The shape view and the sound view of each base, where it holds what they read."""
        self._tokens.clear()
        for base in bases:
            shape = respell(base, self._shape_changes(base), "shape")
            if shape is not None:
                yield shape
            for each in filter(None, (base, shape)):
                sound = respell(each, [*self._latin_changes(each), *self._sound_changes(each)], "sound")
                if sound is not None:
                    yield sound

    # --- what makes a change believable ----------------------------------------------------------

    def _sentence(self, view: View, place: int) -> tuple[int, int]:
        number = int(np.searchsorted(view.starts, place, side="right")) - 1
        return int(view.starts[number]), int(view.ends[number])

    def _words(self, view: View, base: int, end: int) -> Spans:
        sentence = view.text[base:end]
        tokens = self._tokens.get(sentence)
        if tokens is None:
            tokens = self._tokens[sentence] = self._tokenize(sentence)
        return tokens

    def _in_word(self, view: View, start: int, end: int) -> bool:
        """True when a character of (start, end) is part of a longer word of the dictionary."""
        base, stop = self._sentence(view, start)
        return any(
            last - first > 1 and first < end - base and start - base < last
            for first, last in self._words(view, base, stop)
        )

    def _cuts_word(self, view: View, start: int, end: int, inside: tuple[int, int]) -> bool:
        """True when an edge of (start, end) cuts a word, other than one that holds ``inside``."""
        base, stop = self._sentence(view, start)
        for first, last in ((one + base, other + base) for one, other in self._words(view, base, stop)):
            if first < inside[1] and inside[0] < last:
                if first < start or last > end:
                    return True
                continue
            if first < start < last or first < end < last:
                return True
        return False

    def _covering(self, view: View, start: int, end: int, reading: str, *, beyond: bool = True) -> Spans:
        """Where fragments cover ``reading`` written at (start, end); offsets in the view, longest first.

        With ``beyond`` a fragment must reach beyond the reading.
        """
        base, stop = self._sentence(view, start)
        before = view.text[max(base, start - _LONGEST) : start]
        after = view.text[end : min(stop, end + _LONGEST)]
        found = []
        for left in range(min(len(before), _LONGEST - 1) + 1):
            head = before[len(before) - left :] + reading
            for right in range(min(len(after), _LONGEST - 1) + 1):
                if beyond and not left and not right:
                    continue
                if len(head) + right > 8:
                    break
                if head + after[:right] in self._fragments:
                    found.append((start - left, end + right))
        return sorted(found, key=lambda span: span[0] - span[1])

    def _beside(self, view: View, start: int, end: int) -> bool:
        """True when a fragment of two characters or more ends or begins right here."""
        base, stop = self._sentence(view, start)
        return any(
            (start - size >= base and view.text[start - size : start] in self._fragments)
            or (end + size <= stop and view.text[end : end + size] in self._fragments)
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
            first in cuts and left[first:] + right[:1] in self._fragments for first in range(len(left))
        )

    # --- shape -----------------------------------------------------------------------------------

    @cached_property
    def _sign_pairs(self) -> npt.NDArray[np.uint8]:
        """What two neighbours may be, at their slot.

        1: the first is a sign whose reading and the second stand side by side in a fragment; 2: the
        same of the second; 4: the two begin a sign of several characters.
        """
        flags = np.zeros(1 << _BITS, dtype=np.uint8)
        codes = encode("\n".join(self._fragments))
        by_end: tuple[dict[str, list[str]], dict[str, list[str]]] = ({}, {})
        for sign, readings in self._signs.items():
            if len(sign) > 1:
                flags[_slots(*(np.array([ord(character)], np.uint32) for character in sign[:2]))] |= 4
            elif sign not in self._sure:
                for reading in readings:
                    by_end[0].setdefault(reading[-1], []).append(sign)
                    by_end[1].setdefault(reading[0], []).append(sign)
        for side, likes in enumerate(by_end):
            for rank in range(max(map(len, likes.values()), default=0)):
                table = np.zeros(0x110000, dtype=np.uint32)
                for real, signs in likes.items():
                    if rank < len(signs):
                        table[ord(real)] = ord(signs[rank])
                written = table[codes]
                first, second = (written, codes) if side == 0 else (codes, written)
                known = np.flatnonzero(written[:-1] if side == 0 else written[1:])
                flags[_slots(first[known], second[known + 1])] |= 1 + side
        return flags

    @cached_property
    def _sure_flags(self) -> npt.NDArray[np.bool_]:
        """Flags of the signs of one character that no ordinary text holds."""
        flags = np.zeros(0x110000, dtype=np.bool_)
        flags[[ord(sign) for sign in self._sure if len(sign) == 1]] = True
        flags[[ord(sign) for sign in self._signs if len(sign) == 1 and len(self._signs[sign][0]) > 1]] = True
        return flags

    def _sign_places(self, view: View) -> list[int]:
        codes = view.codes
        if len(codes) < 2:
            return np.flatnonzero(self._sure_flags[codes]).tolist()
        pairs = self._sign_pairs[_slots(codes[:-1], codes[1:])]
        found = self._sure_flags[codes]
        found[:-1] |= (pairs & 5) > 0
        found[1:] |= (pairs & 2) > 0
        return [place for place in np.flatnonzero(found).tolist() if view.text[place] in self._widths]

    def _shape_changes(self, view: View) -> Iterator[Change]:
        """Look-alikes, split characters, pictures, dialect and words that were misheard, and numbers."""
        yield from self._number_changes(view)
        tries: list[tuple[int, int, list[str]]] = []
        sure: list[Change] = []
        for place in self._sign_places(view):
            for width in self._widths[view.text[place]]:
                written = view.text[place : place + width]
                readings = self._signs.get(written)
                if readings is None:
                    continue
                end = place + width
                if written in self._sure:
                    if width == 1 and _HAN.match(written) and self._in_word(view, place, end):
                        continue
                    best = next((r for r in readings if self._covering(view, place, end, r)), readings[0])
                    sure.append((place, end, best))
                    break
                tries.append((place, end, readings))
        yield from sure
        if not tries:
            return
        # 禾急 贝兼: what stands beside a sign may be a disguise too.
        beside: dict[int, list[tuple[int, int, list[str]]]] = {}
        for sign in [*tries, *((first, last, [reading]) for first, last, reading in sure)]:
            beside.setdefault(sign[0], []).append(sign)
            beside.setdefault(-sign[1], []).append(sign)
        for place, end, readings in tries:
            near = [*beside.get(end, ()), *beside.get(-place, ())]
            for reading in readings:
                if self._sign_believable(view, (place, end), reading, near):
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
            if self._cuts_word(view, start, end, (start, end)):
                return False
            covers = self._covering(view, start, end, reading)
            if any(not self._cuts_word(view, a, b, (start, end)) for a, b in covers):
                return True
            if reading not in self._fragments:
                return False
            # 醉高 may stand alone: it is no word. 视界 is one, and needs company.
            return not self._in_word(view, start, end) or self._beside(view, start, end)
        if end - start == 1 and self._in_word(view, start, end):
            return False
        covers = self._covering(view, start, end, reading, beyond=len(reading) < 2)
        if not reading:
            covers = [(a, b) for a, b in covers if a < start and end < b]
        if any(not self._cuts_word(view, a, b, (start, end)) for a, b in covers):
            return True
        for other_start, other_end, others in near:
            pairs = [other + reading if other_end == start else reading + other for other in others]
            edges = (min(start, other_start), max(end, other_end))
            if any(pair in self._fragments or self._covering(view, *edges, pair) for pair in pairs):
                return True
        return False

    @staticmethod
    def _between_han(text: str, start: int, end: int) -> bool:
        around = text[max(start - 1, 0) : start] + text[end : end + 1]
        return len(around) == 2 and bool(_HAN.fullmatch(around))

    # --- numbers ---------------------------------------------------------------------------------

    def _number_changes(self, view: View) -> Iterator[Change]:
        """Odd ways of writing numbers, as Arabic digits and ``%``: 九八趴, 98个percent, 1w8, 9百8."""
        codes = view.codes
        if not _number_flags()[codes].any():
            return
        yield from number_readings(view.text)
        for match in _DIGIT.finditer(view.text):
            place = match.start()
            meant = "零" if match[0] in "0o〇" else _DIGITS[int(match[0])]
            if self._covering(view, place, place + 1, meant) and (
                view.text[place : place + 2] not in self._fragments
            ):
                yield place, place + 1, meant

    # --- pinyin and initials in Latin letters ----------------------------------------------------

    @cached_property
    def _by_initials(self) -> dict[str, list[str]]:
        """First letters of the syllables of a fragment to the fragments."""
        readings, names = _syllables()
        first = np.array([ord(name[0]) if name else 0 for name in names], dtype=np.uint32)
        table = first[readings[:, 0]]
        found: dict[str, list[str]] = {}
        joined = encode("\n".join(self._han))
        inside = (joined >= _FIRST) & (joined <= _LAST)
        letters = np.full(len(joined), ord("\n"), dtype=np.uint32)
        letters[inside] = table[joined[inside] - _FIRST]
        for key, fragment in zip(decode(letters).split("\n"), self._han):
            found.setdefault(key, []).append(fragment)
        return found

    @cached_property
    def _known_syllables(self) -> frozenset[str]:
        return frozenset(name for name in _syllables()[1] if name)

    def _says(self, character: str, syllable: str) -> bool:
        readings, names = _syllables()
        row = ord(character) - _FIRST
        if not 0 <= row < len(readings):
            return False
        known = [names[number] for number in readings[row].tolist() if number]
        syllable = syllable.replace("ü", "v")
        return any(self._sounds_like(name, syllable) for name in known)

    def _sounds_like(self, one: str, other: str) -> bool:
        if one == other:
            return True
        initials, finals = self._data["initials"], self._data["finals"]
        return _merged(one, initials, finals) == _merged(other, initials, finals)

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
            change = self._latin_reading(view, start, end, head, tail)
            if change is not None:
                yield change

    def _latin_reading(self, view: View, start: int, end: int, head: str, tail: str) -> Change | None:
        written = re.sub(r"[^a-z]", "", view.text[start:end])
        if not 1 < len(written) <= 24:
            return None
        clause = self._clause(view, start, end)
        named = any(cue in clause for cue in self._data["name_cues"])
        if named:
            return None
        spaced = len(written) != end - start
        for syllables in self._cut(written):
            if len(syllables) > 6 or (spaced and len(syllables) < 2):
                continue
            found = self._latin_fragment(view, start, end, head, tail, syllables, spelt=True)
            if found:
                return start, end, found
            if 1 < len(syllables) <= 6:
                # Nothing of the word is written out: only a word of its own right for a rule.
                for fragment in self._by_initials.get("".join(s[0] for s in syllables), ()):
                    if (
                        len(fragment) > 2 or fragment in self._short or self._beside(view, start, end)
                    ) and all(self._says(c, s) for c, s in zip(fragment, syllables)):
                        return start, end, fragment
            for cut in range(1, len(syllables)):
                one = self._latin_fragment(view, start, end, head, "", syllables[:cut], spelt=True)
                other = self._latin_fragment(view, start, end, "", tail, syllables[cut:], spelt=True)
                if one and other:
                    return start, end, one + other
        if spaced or len(written) > 8:
            return None
        meant = self._data["abbreviations"].get(written)
        if meant and (
            self._beside(view, start, end)
            or (head and tail and any(cue in clause for cue in self._data["abbreviation_cues"]))
        ):
            return start, end, str(meant)
        if len(written) <= 4:
            found = self._latin_fragment(view, start, end, head, tail, list(written), spelt=False)
            if found:
                return start, end, found
        return None

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
                for fragment in self._by_initials.get(key, ()):
                    middle = fragment[left : left + len(syllables)]
                    if (
                        fragment.startswith(head[len(head) - left :])
                        and fragment.endswith(tail[:right])
                        and (not spelt or all(self._says(c, s) for c, s in zip(middle, syllables)))
                        and not self._cuts_word(view, start - left, end + right, (start, end))
                    ):
                        best = (size, middle, left, right)
                        break
        return best[1] if best else None

    def _letters(self, text: str) -> str:
        readings, names = _syllables()
        rows = (ord(character) - _FIRST for character in text)
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
        """Table of code point to a code of its most usual sound, from 1; 0 where there is none."""
        readings, names = _syllables()
        initials, finals = self._data["initials"], self._data["finals"]
        codes: dict[str, int] = {}
        merged = np.array(
            [
                codes.setdefault(_merged(name, initials, finals), len(codes) + 1) if name else 0
                for name in names
            ],
            dtype=np.uint32,
        )
        table = np.zeros(0x110000, dtype=np.uint32)
        table[_FIRST : _LAST + 1] = merged[readings[:, 0]]
        return table

    @cached_property
    def _by_sound(self) -> dict[str, list[str]]:
        """Sound codes, as characters, to the fragments of three characters or more that sound so."""
        found: dict[str, list[str]] = {}
        longer = [fragment for fragment in self._han if len(fragment) > 2]
        keys = decode(self._sounds[encode("\n".join(longer))] + np.uint32(0xE000)).split("\ue000")
        for key, fragment in zip(keys, longer):
            found.setdefault(key, []).append(fragment)
        return found

    @cached_property
    def _sound_starts(self) -> npt.NDArray[np.bool_]:
        """Flags of the first three sounds of the fragments."""
        longer = [fragment[:3] for fragment in self._han if len(fragment) > 2]
        sounds = self._sounds[encode("".join(longer))].reshape(-1, 3)
        return _flags(_slots(sounds[:, 0] + sounds[:, 1] * _THIRD, sounds[:, 2]))

    @cached_property
    def _pairs(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, list[str]]]:
        """Flags of (character, sound) and (sound, character), and the fragments of two by both."""
        pairs = [f for f in self._han if len(f) == 2 and (f in self._short or self._weak.isdisjoint(f))]
        codes = encode("".join(pairs)).reshape(-1, 2)
        sounds = self._sounds[codes]
        found: dict[str, list[str]] = {}
        heard = decode((sounds + np.uint32(0xE000)).ravel())
        for place, fragment in enumerate(pairs):
            found.setdefault(fragment[0] + heard[2 * place + 1], []).append(fragment)
            found.setdefault(heard[2 * place] + fragment[1], []).append(fragment)
        return (
            _flags(_slots(codes[:, 0], sounds[:, 1])),
            _flags(_slots(sounds[:, 0], codes[:, 1])),
            found,
        )

    @cached_property
    def _strong(self) -> npt.NDArray[np.bool_]:
        """Flags of the Han characters that are no function words and the like."""
        flags = self._sounds > 0
        flags[[ord(character) for character in self._weak]] = False
        return flags

    def _sound_changes(self, view: View) -> Iterator[Change]:
        codes = view.codes
        if len(codes) < 2:
            return
        sounds = self._sounds[codes]
        yield from self._short_sounds(view, sounds)
        if len(codes) < 3:
            return
        starts = self._sound_starts[_slots(sounds[:-2] + sounds[1:-1] * _THIRD, sounds[2:])]
        places = np.flatnonzero(starts & (sounds[:-2] > 0) & (sounds[1:-1] > 0) & (sounds[2:] > 0))
        if not len(places):
            return
        text, heard = view.text, decode(sounds + np.uint32(0xE000))
        by_sound = self._by_sound
        for start in places.tolist():
            for end in range(min(start + _LONGEST, len(text)), start + 2, -1):
                fragments = by_sound.get(heard[start:end])
                if fragments is None:
                    continue
                written = text[start:end]
                if written in fragments:
                    continue
                meant = next((f for f in fragments if self._believable(view, start, written, f)), None)
                if meant is not None:
                    yield start, end, meant
                    break

    def _short_sounds(self, view: View, sounds: npt.NDArray[np.uint32]) -> Iterator[Change]:
        """Fragments of two characters, one of which is written and the other rare where it stands.

        Beside another fragment (世解领先) the character may be a usual one.
        """
        codes = view.codes
        first, second, fragments = self._pairs
        rare = self._strong[codes]
        after = first[_slots(codes[:-1], sounds[1:])] & rare[1:]
        before = second[_slots(sounds[:-1], codes[1:])] & rare[:-1]
        places = np.flatnonzero(after | before)
        for start in places.tolist():
            written = view.text[start : start + 2]
            if written in self._fragments:
                continue
            one, other = (chr(int(sounds[start + step]) + 0xE000) for step in (0, 1))
            for key, differs in ((written[0] + other, 1), (one + written[1], 0)):
                for meant in fragments.get(key, ()):
                    if meant[differs] == written[differs]:
                        continue
                    if written[differs] in self._everyday and not self._beside(view, start, start + 2):
                        continue
                    place = start + differs
                    if not self._in_word(view, place, place + 1) and not self._cuts_word(
                        view, start, start + 2, (place, place + 1)
                    ):
                        yield start, start + 2, meant

    def _believable(self, view: View, start: int, written: str, meant: str) -> bool:
        """Whether ``written`` is ``meant`` heard wrongly; both of three characters or more.

        At least half of the characters must be as they should be, unless those that are not are
        rare ones. A function word is an error only where none could stand.
        """
        differ = [step for step, (one, other) in enumerate(zip(written, meant)) if one != other]
        if any(meant[step] in self._weak for step in differ):
            return False
        if (len(meant) == 3 or 2 * len(differ) > len(meant)) and any(
            written[step] in self._everyday and written[step] not in self._function for step in differ
        ):
            return False
        end = start + len(written)
        for step in differ:
            place = start + step
            if written[step] in self._function:
                following = view.text[place + 1 : place + 2]
                if step != len(written) - 1 or (following and following not in "的，。、 \n"):
                    return False
            if self._in_word(view, place, place + 1):
                return False
        return not self._cuts_word(view, start, end, (start + differ[0], start + differ[-1] + 1))


_RUN = re.compile(r"(?<![0-9a-z])[a-z]+(?:[ '·-][a-z]+)*(?![0-9a-z])")
_HAN_END = re.compile(r"[\u3400-\u9fff]+$")
_HAN_START = re.compile(r"[\u3400-\u9fff]+")
_NAME_MARKS = "@._/\\:#&=-"
_DIGITS = "零一二三四五六七八九"
_DIGIT = re.compile(r"(?<![0-9a-z.,%+-])[0-9o〇](?=[\u3400-\u9fff])")
_NUMERAL = "零〇一二两三四五六七八九"
_PLAIN_NUMBER = rf"(?:[0-9]{{1,9}}(?:\.[0-9]{{1,4}})?|[{_NUMERAL}十百]{{1,9}}(?:点[{_NUMERAL}]{{1,4}})?)"
_PERCENTAGE = re.compile(
    rf"(?P<bare>{_PLAIN_NUMBER})(?: ?个)? ?(?:percents?|per cent|pct|趴|啪|帕|巴仙|パーセント)"
    rf"|百分之(?P<parts>{_PLAIN_NUMBER})"
    rf"|(?P<tenths>[1-9{_NUMERAL}])成(?P<rest>[1-9{_NUMERAL}])(?![0-9{_NUMERAL}十百千万])"
    rf"|(?P<letters>(?=[0-9]*[ol])[0-9ol]{{2,6}})(?=%)"
)
_AMOUNT = re.compile(
    r"(?<![0-9a-z.])(?P<tens>[0-9]{1,9}(?:\.[0-9]{1,4})?)(?P<unit>[wk])(?P<more>[0-9]?)(?![0-9a-z])"
    rf"|(?<![0-9.])(?P<mixed>(?:[0-9]{{1,9}}(?:\.[0-9]{{1,4}})?|[{_NUMERAL}]{{1,9}})[万千百](?:[0-9{_NUMERAL}](?:[千百十][0-9{_NUMERAL}]?)?)?)"
)
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}


@lru_cache(maxsize=1)
def _number_flags() -> npt.NDArray[np.bool_]:
    """Characters without which no number is written oddly."""
    flags = np.zeros(0x110000, dtype=np.bool_)
    flags[[ord(character) for character in "0123456789趴啪帕巴成〇万千百"]] = True
    return flags


def _value(text: str) -> float | None:
    """The value of a number in Arabic or Chinese digits or both; 一万八 is 18,000, 九八 is 98.

    >>> _value("一万八"), _value("9百8"), _value("九十八"), _value("九八点五")
    (18000.0, 980.0, 98.0, 98.5)
    """
    whole, _, part = text.partition("点")
    digits = "".join(
        str(_digit(character)) if _digit(character) is not None else character for character in whole
    )
    decimals = "".join(str(_digit(character)) for character in part if _digit(character) is not None)
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", digits):
        return float(digits + ("." + decimals if decimals else ""))
    total = section = 0.0
    number: float | None = None
    last = 0
    for piece in re.findall(r"[0-9]+(?:\.[0-9]+)?|[十百千万亿]", digits):
        if piece not in _UNITS:
            number = float(piece)
            continue
        unit = _UNITS[piece]
        if unit >= 10_000:
            total += (section + (number or 0) or 1) * unit
            section = 0.0
        else:
            section += (1 if number is None else number) * unit
        number, last = None, unit
    if number is not None:
        # 一万八, 九百八: the digit counts the next lower unit.
        spoken = last >= 100 and number < 10 and "0" not in digits.split(".", maxsplit=1)[0][-2:]
        section += number * (last // 10 if spoken else 1)
    total += section + (float("0." + decimals) if decimals else 0)
    return total if total or number == 0 else None


def _digit(character: str) -> int | None:
    if character in "〇零":
        return 0
    if character == "两":
        return 2
    place = _DIGITS.find(character)
    return place if place >= 0 else None


def _written(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.4f}".rstrip("0")


def number_readings(text: str) -> Iterator[Change]:
    """Numbers written in an odd way, in Arabic digits: (start, end, reading).

    >>> [change[2] for change in number_readings("九八趴的客户，原价1w8，只收9百8，有效率九成八")]
    ['98%', '98%', '18000', '980']
    """
    for match in _PERCENTAGE.finditer(text):
        if match["letters"]:
            digits = match["letters"].replace("o", "0").replace("l", "1")
            if match.start() and text[match.start() - 1].isascii() and text[match.start() - 1].isalpha():
                continue
            yield match.start(), match.end(), digits
            continue
        if match["tenths"]:
            value: float | None = (_value(match["tenths"]) or 0) * 10 + (_value(match["rest"]) or 0)
        else:
            value = _value(match["bare"] or match["parts"])
        if value is not None:
            yield match.start(), match.end(), _written(value) + "%"
    for match in _AMOUNT.finditer(text):
        if match["unit"]:
            size = {"w": 10_000, "k": 1000}[match["unit"]]
            value = float(match["tens"]) * size + (int(match["more"]) * size // 10 if match["more"] else 0)
        else:
            value = _value(match["mixed"])
        if value is not None:
            yield match.start(), match.end(), _written(value)
