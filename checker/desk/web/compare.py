"""Two versions side by side."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A line of both texts; ``kind`` is ``same``, ``changed``, ``added`` or ``removed``.

    ``old`` and ``new`` are pieces (text, differs); None where a side has no such line.
    """

    kind: str
    old: tuple[tuple[str, bool], ...] | None
    new: tuple[tuple[str, bool], ...] | None


def text_rows(old: str, new: str) -> list[Row]:
    """The lines of both texts in step, with the characters that differ."""
    before, after = old.split("\n"), new.split("\n")
    rows: list[Row] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            rows += [Row("same", ((line, False),), ((line, False),)) for line in before[a:b]]
            continue
        for left, right in _pairs(before[a:b], after[c:d]):
            if left is None:
                rows.append(Row("added", None, ((right or "", True),)))
            elif right is None:
                rows.append(Row("removed", ((left, True),), None))
            else:
                rows.append(Row("changed", *_pieces(left, right)))
    return rows


def _pairs(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[str | None, str | None]]:
    for number in range(max(len(left), len(right))):
        yield (
            left[number] if number < len(left) else None,
            right[number] if number < len(right) else None,
        )


def _pieces(left: str, right: str) -> tuple[Any, Any]:
    old, new = [], []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if b > a:
            old.append((left[a:b], tag != "equal"))
        if d > c:
            new.append((right[c:d], tag != "equal"))
    return tuple(old), tuple(new)


def changed_findings(old: Sequence[Any], new: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Finding rows that are new, gone, and kept (as they stand in the new version)."""
    known = Counter((row.rule_id, row.claim) for row in old)
    added, kept = [], []
    for row in new:
        key = (row.rule_id, row.claim)
        if known[key]:
            known[key] -= 1
            kept.append(row)
        else:
            added.append(row)
    gone = []
    for row in reversed(old):
        key = (row.rule_id, row.claim)
        if known[key]:
            known[key] -= 1
            gone.append(row)
    return added, gone[::-1], kept
