"""Columns in the units of other programs: UTF-8 bytes or UTF-16 units before a place of a text.

The units are counted for the whole text at once, so that a thousand places in one long line cost no more
than the line.
"""

from __future__ import annotations

import numpy as np

from checker.normalize import encode

#: From which code point on a character takes another unit.
_MORE = {"utf-8": (0x80, 0x800, 0x10000), "utf-16": (0x10000,), "utf-32": ()}


class Columns:
    """Units of an encoding before each code point of a text. Lone surrogates count as characters.

    >>> Columns("😊最佳", "utf-16").between(0, 2)
    3
    >>> Columns("😊最佳", "utf-16").place(0, 3)
    2
    """

    def __init__(self, text: str, encoding: str) -> None:
        codes = encode(text)
        self._before = np.zeros(len(codes) + 1, np.int64)
        widths = np.ones(len(codes), np.int64)
        for first in _MORE[encoding]:
            widths += codes >= first
        np.cumsum(widths, out=self._before[1:])

    def between(self, start: int, end: int) -> int:
        """The units from one code point to another."""
        return int(self._before[end] - self._before[start])

    def place(self, start: int, units: int) -> int:
        """The first code point that so many units after ``start`` does not cut; at most the end of the text."""
        last = len(self._before) - 1
        return min(int(np.searchsorted(self._before, self._before[start] + units)), last)
