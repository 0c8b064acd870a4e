"""Confidence from counts: how often each rule, family and reading was right on labelled sentences.

A labelled sentence is a JSON line with ``text`` and ``labels`` (category slugs; empty when it is
innocent), optionally ``industry``. A finding of level review or block counts as right when its
sentence is labelled with any category: the question is whether an officer was called in vain.
Readings (inserted, shape, sound) hardly occur in plain sentences, so every sentence in which
something was rightly found is tried again with the first finding disguised in each way; what the
same readings find in innocent sentences counts against them. The result is
``lexicons/confidence.yaml``, read when lexicons are compiled; ``huashu calibrate`` writes it.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checker.document import Document
from checker.pipeline import Checker
from checker.readers import ReaderError
from checker.types import Finding, Level


@dataclass
class Counts:
    """(right, found) by rule, by ``category/level`` and by view."""

    rules: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    families: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    views: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def add(self, finding: Finding, right: bool) -> None:
        """Count one finding of a plain sentence."""
        for table, key in (
            (self.rules, finding.rule_id),
            (self.families, f"{finding.category}/{finding.level}"),
            (self.views, finding.explanation.view),
        ):
            table[key][0] += right
            table[key][1] += 1


def read_labelled(paths: Sequence[Path]) -> tuple[list[dict[str, Any]], str]:
    """(rows, digest) of labelled files. Raises ReaderError that names file and line."""
    rows: list[dict[str, Any]] = []
    digest = hashlib.sha256()
    for path in sorted(paths):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ReaderError(str(path), "cannot be read as UTF-8 text", "give JSON lines") from error
        digest.update(text.encode())
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ReaderError(
                    str(path), "not JSON", "give one object a line", f"line {number}"
                ) from error
            if isinstance(row, dict) and isinstance(row.get("text"), str) and "labels" in row:
                rows.append(row)
    return rows, digest.hexdigest()[:16]


def count(checker: Checker, rows: Sequence[Mapping[str, Any]], shapes: Mapping[str, str]) -> Counts:
    """What the checker finds in labelled rows, and in disguised copies of the guilty ones.

    ``shapes`` gives a look-alike for a character.
    """
    counts = Counts()
    disguised: dict[str, list[str]] = defaultdict(list)
    for row, findings in zip(rows, _findings(checker, rows)):
        guilty = bool(row["labels"])
        for finding in findings:
            counts.add(finding, guilty)
        literal = next((f for f in findings if f.explanation.view == "plain"), None)
        if guilty and literal is not None and len(literal.matched) <= 8:
            for view, words in _disguises(literal.matched, shapes):
                start, end = literal.span
                disguised[view].append(row["text"][:start] + words + row["text"][end:])
    for view, texts in disguised.items():
        for report in checker.check_many(texts):
            for finding in report.findings:
                if finding.explanation.view == view and finding.level is not Level.HINT:
                    counts.views[view][0] += 1
                    counts.views[view][1] += 1
    return counts


def _findings(checker: Checker, rows: Iterable[Mapping[str, Any]]) -> Iterable[list[Finding]]:
    documents = (Document.from_text(row["text"]).with_fields(industry=row.get("industry")) for row in rows)
    for report in checker.check_many(documents):
        yield [f for f in report.findings if f.level is not Level.HINT and f.matched]


def _disguises(words: str, shapes: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """(view, the words in disguise): divided, with a look-alike, in pinyin."""
    from pypinyin import lazy_pinyin

    yield "inserted", "·".join(words)
    changed = next((place for place, character in enumerate(words) if character in shapes), None)
    if changed is not None:
        yield "shape", words[:changed] + shapes[words[changed]] + words[changed + 1 :]
    yield "sound", "".join(lazy_pinyin(words[:2])) + words[2:]


def as_yaml(counts: Counts, rows: Sequence[Mapping[str, Any]], digest: str) -> str:
    """The data file, sorted, one entry a line."""
    innocent = sum(not row["labels"] for row in rows)
    lines = [
        "# Measured by `huashu calibrate`: [right, found] of findings on labelled sentences. Do not edit.",
        "# The rules were written with most of these sentences in sight: on new text expect less.",
        f"data: {{digest: {digest}, sentences: {len(rows)}, innocent: {innocent}}}",
    ]
    for name in ("views", "families", "rules"):
        table: Mapping[str, Sequence[int]] = getattr(counts, name)
        lines.append(f"{name}:")
        lines += [f"  {key}: [{right}, {found}]" for key, (right, found) in sorted(table.items())]
    return "\n".join(lines) + "\n"
