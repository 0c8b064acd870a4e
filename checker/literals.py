"""Many short sequences found in an array of codes at once, by hashing with NumPy.

A hash of Karp and Rabin (Efficient randomized pattern-matching algorithms, 1987) of every window
that could be a sequence is looked up in a table of 64-bit keys. Tables of flags over pairs and
triples of neighbours tell beforehand which windows those are, as in the algorithm of Wu and Manber
(1994). Results are arrays, so that a text full of hits costs no Python object a hit. Two sequences
of the same hash would be taken for one another; with 64 bits and 100,000 sequences the chance of
any such pair is below 1 in a billion, and it costs a needless look, never a wrong finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]

#: Sequences longer than this are found by their beginning.
WIDTH = 8
_BASE = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xD6E8FEB86659FD93)
_MASK = (1 << 64) - 1
_PAIR = np.uint32(0x9E3779B1)
_NEXT = np.uint32(0x85EBCA6B)
_THIRD = np.uint32(0xC2B2AE35)
_PAIR_BITS = 18
_MOST_TRIPLE_BITS = 19
_PAIR_SHIFT = np.uint32(32 - _PAIR_BITS)
_ONE = np.uint32(1)
_WIDTHS_OF = [[width for width in range(3, WIDTH + 1) if flags & 1 << width - 3] for flags in range(256)]
#: What the flags of a triple say: of how many widths sequences begin there, and where these widths stand.
_HOW_MANY = np.array([len(widths) for widths in _WIDTHS_OF])
_FIRST_WIDTH = _HOW_MANY.cumsum() - _HOW_MANY
_WIDTHS = np.array([width for widths in _WIDTHS_OF for width in widths])
#: So many codes are searched at a time: what is worked on then stays near the processor.
_BLOCK = 1 << 14


def _powers(base: int) -> npt.NDArray[np.uint64]:
    """``base`` to the powers 0, 1, 2 … of a block and a window, modulo 2**64."""
    out = np.ones(_BLOCK + 2 * WIDTH, dtype=np.uint64)
    done = 1
    while done < len(out):
        more = min(done, len(out) - done)
        out[done : done + more] = out[:more] * np.uint64(pow(base, done, 1 << 64))
        done += more
    return out


_POWERS = _powers(_BASE)
_INVERSES = _powers(pow(_BASE, -1, 1 << 64))


def distinct(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Sorted numbers without repetition (``numpy.unique`` takes long to load and is slow on a few)."""
    return numbers if len(numbers) < 2 else numbers[np.append(True, numbers[1:] != numbers[:-1])]


def _pair_marks(one: Codes, other: Codes) -> Codes:
    return one * _PAIR + other * _NEXT


def _triple_slots(marks: Codes, third: Codes, shift: np.uint32) -> Codes:
    """Where triples stand in a table of 2 ** (32 - shift) entries; ``marks`` are those of their first two."""
    return (marks ^ (third * _THIRD)) >> shift


def extend(hashes: npt.NDArray[np.uint64], codes: Codes) -> npt.NDArray[np.uint64]:
    """The hashes of sequences, each longer by one code; the hash of the empty sequence is 0."""
    return (hashes + codes.astype(np.uint64) + np.uint64(1)) * np.uint64(_BASE)


def _prefix_sums(codes: Codes) -> npt.NDArray[np.uint64]:
    """``sums`` such that the hash of ``codes[i:j]`` is ``(sums[j] - sums[i]) * _POWERS[j]``."""
    sums = np.empty(len(codes) + 1, dtype=np.uint64)
    sums[0] = 0
    np.cumsum((codes + _ONE) * _INVERSES[: len(codes)], out=sums[1:])
    return sums


class SequenceTable:
    """Sequences of 2 to 8 codes by their hash; longer ones are kept by their first 8.

    ``sequences[i]`` has the number ``i``; equal sequences (or equal beginnings) share a bucket and
    are all found. Sequences of fewer than two codes are not kept.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], prefix: str = "") -> None:
        """From the arrays of :meth:`build`, which may lie among others and be stored in between."""
        self._keys, self._numbers, self._first, self._counts, self._pairs, self._triples = (
            arrays[prefix + name] for name in ("keys", "numbers", "first", "counts", "pairs", "triples")
        )
        self._triple_shift = np.uint32(32 - (len(self._triples) - 1).bit_length())
        self._shift = np.uint64(64 - int(len(self._first) - 1).bit_length())

    @staticmethod
    def build(sequences: Sequence[str], prefix: str = "") -> dict[str, npt.NDArray[Any]]:
        """The arrays of a table, their names prefixed; the codes are the code points of the strings."""
        lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        joined = np.frombuffer("".join(sequences).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        starts = lengths.cumsum() - lengths
        kept = (lengths > 1).nonzero()[0]
        hashes = np.zeros(len(kept), dtype=np.uint64)
        for step in range(WIDTH):
            more = (lengths[kept] > step).nonzero()[0]
            hashes[more] = extend(hashes[more], joined[starts[kept[more]] + step])
        # 1: a sequence of two codes, 2: a longer one begins here; 1 << n - 3: one of n codes begins here
        pairs = np.zeros(1 << _PAIR_BITS, dtype=np.uint8)
        long = int((lengths > 2).sum())
        triple_bits = min(_MOST_TRIPLE_BITS, 10 + long.bit_length())
        triples = np.zeros(1 << triple_bits, dtype=np.uint8)
        marks = _pair_marks(joined[starts[kept]], joined[starts[kept] + 1])
        np.bitwise_or.at(pairs, marks >> _PAIR_SHIFT, np.where(lengths[kept] > 2, 2, 1).astype(np.uint8))
        more = (lengths[kept] > 2).nonzero()[0]
        shift = np.uint32(32 - triple_bits)
        marks = _triple_slots(marks[more], joined[starts[kept[more]] + 2], shift)
        np.bitwise_or.at(triples, marks, (1 << np.minimum(lengths[kept[more]], WIDTH) - 3).astype(np.uint8))
        bits = max(10, len(kept).bit_length() + 1)
        slots = SequenceTable._slots(hashes, np.uint64(64 - bits))
        order = slots.argsort(kind="stable")
        counts = np.bincount(slots, minlength=1 << bits)
        first = counts.cumsum() - counts
        arrays: dict[str, npt.NDArray[Any]] = {
            # one more of each: an empty slot at the end points there
            "keys": np.append(hashes[order], np.uint64(0)),
            "numbers": np.append(kept[order], 0).astype(np.int32),
            "first": first.astype(np.int32),
            "counts": counts.astype(np.uint8 if counts.max(initial=0) < 256 else np.int32),
            "pairs": pairs,
            "triples": triples,
        }
        return {prefix + name: array for name, array in arrays.items()}

    @staticmethod
    def _slots(hashes: npt.NDArray[np.uint64], shift: np.uint64) -> npt.NDArray[np.int64]:
        return ((hashes * _MIX) >> shift).astype(np.int64)

    def look_up(self, hashes: npt.NDArray[np.uint64]) -> tuple[Numbers, npt.NDArray[np.int32]]:
        """(places in ``hashes``, numbers) of every sequence that has one of the hashes."""
        slots = self._slots(hashes, self._shift)
        at = self._first.take(slots)
        places = (self._keys.take(at) == hashes).nonzero()[0]
        numbers = self._numbers.take(at.take(places))
        counts = self._counts.take(slots)
        shared = (counts > 1).nonzero()[0]
        if not len(shared):
            return places, numbers
        # the other keys of the slots that several share
        others = counts.take(shared).astype(np.int64) - 1
        ends = others.cumsum()
        behind = shared.repeat(others)
        at = np.arange(1, int(ends[-1]) + 1) + np.repeat(at.take(shared) - (ends - others), others)
        same = (self._keys.take(at) == hashes.take(behind)).nonzero()[0]
        if not len(same):
            return places, numbers
        return np.concatenate([places, behind.take(same)]), np.concatenate(
            [numbers, self._numbers.take(at.take(same))]
        )

    def __contains__(self, sequence: str) -> bool:
        """Whether a string of two or more codes is one of the sequences, or begins as one does that is longer."""
        code = 0
        for character in sequence[:WIDTH]:
            code = (code + ord(character) + 1) * _BASE & _MASK
        slot = (code * int(_MIX) & _MASK) >> int(self._shift)
        at = int(self._first[slot])
        return any(int(self._keys[place]) == code for place in range(at, at + int(self._counts[slot])))

    def holds(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Whether some sequence has each of the hashes."""
        met = np.zeros(len(hashes), dtype=np.bool_)
        met[self.look_up(hashes)[0]] = True
        return met

    def find_pairs(
        self, one: Codes, other: Codes, wanted: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.int32], Numbers]:
        """(numbers, places) of the sequences of two codes that stand at the wanted places of two arrays."""
        starts = ((self._pairs.take(_pair_marks(one, other) >> _PAIR_SHIFT) != 0) & wanted).nonzero()[0]
        hashes = extend(extend(np.zeros(len(starts), np.uint64), one.take(starts)), other.take(starts))
        places, numbers = self.look_up(hashes)
        return numbers, starts.take(places)

    def find(self, codes: Codes) -> tuple[npt.NDArray[np.int32], Numbers]:
        """(numbers, starts) of every occurrence, overlapping ones too, in no particular order."""
        if len(codes) <= _BLOCK:
            return self._find(codes, len(codes))
        found = []
        for first in range(0, len(codes), _BLOCK):
            # A window may reach into the next block.
            numbers, starts = self._find(codes[first : first + _BLOCK + WIDTH - 1], _BLOCK)
            found.append((numbers, starts + first))
        return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])

    def _find(self, codes: Codes, limit: int) -> tuple[npt.NDArray[np.int32], Numbers]:
        """The occurrences that begin before ``limit``."""
        nothing = np.zeros(0, np.int32), np.zeros(0, np.int64)
        if len(codes) < 2:
            return nothing
        marks = _pair_marks(codes[:-1], codes[1:])[:limit]
        flags = self._pairs.take(marks >> _PAIR_SHIFT)
        starts = flags.nonzero()[0]
        if not len(starts):
            return nothing
        flags = flags.take(starts)
        first = starts[flags & 1 != 0]
        after = first + 2
        longer = starts[flags > 1]
        if len(longer) and longer[-1] + 2 >= len(codes):
            longer = longer[:-1]
        if len(longer):
            slots = _triple_slots(marks.take(longer), codes.take(longer + 2), self._triple_shift)
            widths = self._triples.take(slots)
            met = widths.nonzero()[0]
            longer, widths = longer.take(met), widths.take(met)
            # as many windows as widths, which are told by the bits
            counts = _HOW_MANY.take(widths)
            behind = counts.cumsum()
            at = np.arange(int(behind[-1]) if len(behind) else 0)
            at += (_FIRST_WIDTH.take(widths) - behind + counts).repeat(counts)
            longer = longer.repeat(counts)
            ends = longer + _WIDTHS.take(at)
            if len(ends) and longer[-1] + WIDTH > len(codes):
                inside = (ends <= len(codes)).nonzero()[0]
                longer, ends = longer.take(inside), ends.take(inside)
            first, after = np.concatenate([first, longer]), np.concatenate([after, ends])
        sums = _prefix_sums(codes)
        places, numbers = self.look_up((sums.take(after) - sums.take(first)) * _POWERS.take(after))
        return numbers, first.take(places)
