"""Which words of a vocabulary stand in a text, on arrays of code points.

A word is at most four characters of the Basic Multilingual Plane, so that it is one 64-bit number.
At each place the longest word counts, unless it lies inside a word that began before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from checker.normalize import Codes, encode

Keys = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

#: The longest word, in characters.
LONGEST = 4
_FILTER_BITS = 20
#: Stands for characters beyond the plane: no character has this number.
_NONE = np.uint64(0xFFFF)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def word_keys(words: Iterable[str]) -> Keys:
    """The number of each word, shape (n_words,). Raises ValueError for a word that has none."""
    out = []
    for word in words:
        codes = encode(word)
        if not 1 <= len(codes) <= LONGEST or int(codes.max()) >= _NONE:
            raise ValueError(f"a word has one to {LONGEST} characters of the basic plane")
        out.append(sum(int(code) << 16 * place for place, code in enumerate(codes)))
    return np.array(out, dtype=np.uint64)


class Found(NamedTuple):
    """Words in a text, in order: where each begins, its length in characters, its number."""

    starts: Numbers
    lengths: Numbers
    numbers: Numbers


@lru_cache(maxsize=2)
def _shared(keys: bytes) -> Vocabulary:
    return Vocabulary(np.frombuffer(keys, dtype=np.uint64))


def shared_vocabulary(keys: Keys) -> Vocabulary:
    """The vocabulary of these keys; models with the same words share one. Raises ValueError as it does."""
    return _shared(keys.tobytes()) if keys.dtype == np.uint64 else Vocabulary(keys)


class Vocabulary:
    """A set of words; the number of a word is the place of its key among ``keys``.

    ``keys`` must rise strictly. Raises ValueError otherwise.
    """

    def __init__(self, keys: Keys) -> None:
        if keys.dtype != np.uint64 or keys.ndim != 1 or not len(keys) or (keys[1:] <= keys[:-1]).any():
            raise ValueError("the keys of a vocabulary are rising 64-bit numbers")
        self.keys = keys
        # Most places hold no word: one bit for each hash value tells before the keys are searched.
        self._filter = np.zeros(1 << _FILTER_BITS, dtype=np.bool_)
        self._filter[self._hashes(keys)] = True
        #: The number of each word of one character, -1 for none.
        self._single = np.full(1 << 16, -1, dtype=np.int64)
        alone = int(keys.searchsorted(np.uint64(1 << 16)))
        self._single[keys[:alone].astype(np.int64)] = np.arange(alone)

    @staticmethod
    def _hashes(keys: Keys) -> Keys:
        return np.asarray((keys * _SPREAD) >> np.uint64(64 - _FILTER_BITS))

    def find(self, codes: Codes) -> Found:
        """The words in an array of code points."""
        size = len(codes)
        wide = np.minimum(codes, _NONE).astype(np.uint64)
        number = self._single.take(wide.view(np.int64))
        length = (number >= 0).astype(np.int64)
        keys = wide
        for n in range(2, min(LONGEST, size) + 1):
            keys = keys[:-1] | (wide[n - 1 :] << np.uint64(16 * (n - 1)))
            maybe = self._filter.take(self._hashes(keys).view(np.int64)).nonzero()[0]
            wanted = keys.take(maybe)
            places = self.keys.searchsorted(wanted)
            there = (self.keys.take(places, mode="clip") == wanted).nonzero()[0]
            maybe = maybe.take(there)
            length[maybe] = n
            number[maybe] = places.take(there)
        starts = length.nonzero()[0]
        lengths = length.take(starts)
        ends = starts + lengths
        kept = np.ones(len(starts), dtype=np.bool_)
        kept[1:] = ends[1:] > np.maximum.accumulate(ends)[:-1]
        starts = starts[kept]
        return Found(starts, lengths[kept], number.take(starts))
