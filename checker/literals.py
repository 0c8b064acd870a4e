"""Many short sequences found in an array of codes at once, by hashing with NumPy.

A hash of Karp and Rabin (Efficient randomized pattern-matching algorithms, 1987) of every window
that could begin a sequence is looked up in a table of 64-bit keys. A table of flags over pairs of
neighbours tells beforehand which windows those are, as in the algorithm of Wu and Manber (1994).
Results are arrays, so that a text full of hits costs no Python object a hit. Two sequences of the
same hash would be taken for one another; with 64 bits and 100,000 sequences the chance of any such
pair is below 1 in a billion, and it costs a needless look, never a wrong finding.
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
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_PAIR = np.uint32(0x9E3779B1)
_NEXT = np.uint32(0x85EBCA6B)
PAIR_BITS = 18


def pair_slots(one: Codes, other: Codes) -> Codes:
    """Where pairs of neighbours stand in a table of 2**18 entries."""
    return (one * _PAIR + other * _NEXT) >> np.uint32(32 - PAIR_BITS)


def extend(hashes: npt.NDArray[np.uint64], codes: Codes) -> npt.NDArray[np.uint64]:
    """The hashes of sequences, each longer by one code; the hash of the empty sequence is 0."""
    return (hashes + codes.astype(np.uint64) + np.uint64(1)) * _BASE


class SequenceTable:
    """Sequences of 2 to 8 codes by their hash; longer ones are kept by their first 8.

    ``sequences[i]`` has the number ``i``; equal sequences (or equal beginnings) share a bucket and
    are all found. Sequences of fewer than two codes are not kept.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], prefix: str = "") -> None:
        """From the arrays of :meth:`build`, which may lie among others and be stored in between."""
        self._keys, self._numbers, self._first, self._counts, self._widths = (
            arrays[prefix + name] for name in ("keys", "numbers", "first", "counts", "widths")
        )
        self._shift = np.uint64(64 - int(len(self._first) - 1).bit_length())
        self._most = int(self._counts.max(initial=0))

    @staticmethod
    def build(sequences: Sequence[str], prefix: str = "") -> dict[str, npt.NDArray[Any]]:
        """The arrays of a table, their names prefixed; the codes are the code points of the strings."""
        lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        joined = np.frombuffer("".join(sequences).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        starts = np.cumsum(lengths) - lengths
        widths = np.zeros(1 << PAIR_BITS, dtype=np.uint16)
        kept = (lengths > 1).nonzero()[0]
        hashes = np.zeros(len(kept), dtype=np.uint64)
        for step in range(WIDTH):
            more = (lengths[kept] > step).nonzero()[0]
            hashes[more] = extend(hashes[more], joined[starts[kept[more]] + step])
        pairs = pair_slots(joined[starts[kept]], joined[starts[kept] + 1])
        np.bitwise_or.at(widths, pairs, (1 << np.minimum(lengths[kept], WIDTH)).astype(np.uint16))
        bits = max(10, len(kept).bit_length() + 2)
        slots = SequenceTable._slots(hashes, np.uint64(64 - bits))
        order = np.argsort(slots, kind="stable")
        counts = np.bincount(slots, minlength=1 << bits)
        first = np.cumsum(counts) - counts
        arrays: dict[str, npt.NDArray[Any]] = {
            "keys": hashes[order],
            "numbers": kept[order].astype(np.int32),
            "first": first.astype(np.int32),
            "counts": counts.astype(np.uint8 if counts.max(initial=0) < 256 else np.int32),
            "widths": widths,
        }
        return {prefix + name: array for name, array in arrays.items()}

    @staticmethod
    def _slots(hashes: npt.NDArray[np.uint64], shift: np.uint64) -> npt.NDArray[np.int64]:
        return ((hashes * _MIX) >> shift).astype(np.int64)

    def look_up(self, hashes: npt.NDArray[np.uint64]) -> tuple[Numbers, npt.NDArray[np.int32]]:
        """(places in ``hashes``, numbers) of every sequence that has one of the hashes."""
        slots = self._slots(hashes, self._shift)
        counts = self._counts[slots]
        places = counts.nonzero()[0]
        counts, at, wanted = counts[places], self._first[slots[places]], hashes[places]
        found_places, found_numbers = [], []
        for step in range(self._most):
            if step:
                rest = (counts > step).nonzero()[0]
                if not len(rest):
                    break
                places, counts, at, wanted = places[rest], counts[rest], at[rest], wanted[rest]
            same = (self._keys[at + step] == wanted).nonzero()[0]
            if len(same):
                found_places.append(places[same])
                found_numbers.append(self._numbers[at[same] + step])
        if not found_places:
            return np.zeros(0, np.int64), np.zeros(0, np.int32)
        if len(found_places) == 1:
            return found_places[0], found_numbers[0]
        return np.concatenate(found_places), np.concatenate(found_numbers)

    def holds(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Whether some sequence has each of the hashes."""
        met = np.zeros(len(hashes), dtype=np.bool_)
        met[self.look_up(hashes)[0]] = True
        return met

    def find_pairs(
        self, one: Codes, other: Codes, wanted: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.int32], Numbers]:
        """(numbers, places) of the sequences of two codes that stand at the wanted places of two arrays."""
        starts = (wanted & (self._widths[pair_slots(one, other)] > 0)).nonzero()[0]
        hashes = extend(extend(np.zeros(len(starts), np.uint64), one[starts]), other[starts])
        places, numbers = self.look_up(hashes)
        return numbers, starts[places]

    def find(self, codes: Codes) -> tuple[npt.NDArray[np.int32], Numbers]:
        """(numbers, starts) of every occurrence, overlapping ones too, in no particular order."""
        if len(codes) < 2:
            return np.zeros(0, np.int32), np.zeros(0, np.int64)
        widths = self._widths[pair_slots(codes[:-1], codes[1:])]
        starts = widths.nonzero()[0]
        if not len(starts):
            return np.zeros(0, np.int32), np.zeros(0, np.int64)
        widths = widths[starts]
        hashes = extend(extend(np.zeros(len(starts), np.uint64), codes[starts]), codes[starts + 1])
        all_hashes, all_starts = [], []
        for width in range(2, WIDTH + 1):
            if width > 2:
                # only windows that some longer sequence may begin, and that end within the text
                longer = ((widths >> width != 0) & (starts + width <= len(codes))).nonzero()[0]
                if not len(longer):
                    break
                starts, widths, hashes = starts[longer], widths[longer], hashes[longer]
                hashes = extend(hashes, codes[starts + width - 1])
            here = (widths & (1 << width)).nonzero()[0]
            if len(here):
                all_hashes.append(hashes[here])
                all_starts.append(starts[here])
        if not all_hashes:  # a chance meeting of pairs
            return np.zeros(0, np.int32), np.zeros(0, np.int64)
        places, numbers = self.look_up(np.concatenate(all_hashes))
        return numbers, np.concatenate(all_starts)[places]
