"""The pinyin of characters, from pypinyin once, then kept as arrays.

Readings are toneless. What speech recognition and typists confuse (zh/z, n/l, in/ing, ...) is merged
by tables of ``lexicons/confusions.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from checker.stored import cached_arrays

FIRST, LAST = 0x4E00, 0x9FFF
_MOST = 4  # readings kept for a character


@lru_cache(maxsize=1)
def pinyin_table() -> tuple[npt.NDArray[np.uint16], tuple[str, ...]]:
    """(readings, names): toneless pinyin of the characters U+4E00 to U+9FFF.

    ``readings`` has shape (20992, 4); a row holds numbers of ``names``, most usual first, 0 for
    none. Made from pypinyin in about a second, once.
    """
    arrays = cached_arrays("syllables-1", _read_syllables)
    return arrays["readings"], tuple(arrays["names"].tolist())


def _read_syllables() -> dict[str, npt.NDArray[Any]]:
    from pypinyin import Style, pinyin

    numbers: dict[str, int] = {"": 0}
    readings = np.zeros((LAST - FIRST + 1, _MOST), dtype=np.uint16)
    for row in range(len(readings)):
        found = pinyin(chr(FIRST + row), style=Style.NORMAL, heteronym=True, errors="ignore")
        known = [name for name in dict.fromkeys(found[0] if found else ()) if name.isascii()]
        for column, name in enumerate(known[:_MOST]):
            readings[row, column] = numbers.setdefault(name, len(numbers))
    return {"readings": readings, "names": np.array(list(numbers))}


def merged(syllable: str, initials: Mapping[str, str], finals: Mapping[str, str]) -> str:
    """The syllable with confused initials and finals made one.

    >>> merged("zhang", {"zh": "z"}, {"ang": "an"})
    'zan'
    """
    match = re.fullmatch(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)(.*)", syllable)
    assert match is not None
    first, rest = match.groups()
    for old, new in finals.items():
        if rest.endswith(old):
            rest = rest.removesuffix(old) + new
            break
    return initials.get(first, first) + rest


def sounds(initials: Mapping[str, str], finals: Mapping[str, str]) -> npt.NDArray[np.uint32]:
    """Table of code point to a private code point for its most usual sound; 0 where there is none."""
    readings, names = pinyin_table()
    codes: dict[str, int] = {}
    numbers = np.array(
        [
            codes.setdefault(merged(name, initials, finals), 0xE000 + len(codes) + 1) if name else 0
            for name in names
        ],
        dtype=np.uint32,
    )
    table = np.zeros(0x110000, dtype=np.uint32)
    table[FIRST : LAST + 1] = numbers[readings[:, 0]]
    return table
