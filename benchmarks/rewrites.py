"""How good are the rewrites on labelled real texts? ``python -m benchmarks.rewrites DIR``

DIR holds JSON lines files with ``text`` or ``turns`` (``speaker``, ``text``) and ``verdict``. Nothing of
them is stored here. Printed are the share of violation findings with a rewrite, the share with a real
one (no slot to fill), and every suggestion that breaks a promise: one that checks again with its
finding or with a new one. ``--show N`` prints N sentences drawn at random with their best suggestions,
to be read by a person. DIR may also be ``tests/data/rewrites.jsonl``, or a file like it: then the best
rewrites are measured against the wordings written there.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from typing import Any

from checker import Apply, Checker, Document, State
from checker.rewrite import best
from checker.rewrite.proof import changed, counted, covers


def documents(folder: Path) -> Iterator[Document]:
    """The texts that somebody judged to hold a violation, and every dialogue."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if "turns" in row:
                turns = [(turn["speaker"], turn["text"]) for turn in row["turns"]]
                yield Document.from_turns(turns, path=row["id"])
            elif row.get("verdict") == "violation":
                yield Document.from_text(row["text"], path=row["id"])


def choices(rows: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """How the rewritten sentences compare with wordings that somebody accepts and refuses, by characters in common.

    ``close``: at least 0.6 of the characters are those of an accepted wording
    (:meth:`difflib.SequenceMatcher.ratio`). The sentence itself counts as refused.
    """
    checkers = {row["industry"]: Checker(industry=row["industry"]) for row in rows}
    counts: Counter[str] = Counter(sentences=len(rows))
    for row in rows:
        report = checkers[row["industry"]].check(row["sentence"])
        if not report.findings:
            continue
        text = report.rewritten
        refused = [item["text"] for item in row["unacceptable"]]
        best_accepted = max(map(partial(_alike, text), row["acceptable"]))
        counts["found"] += 1
        counts["rewritten"] += text != row["sentence"]
        counts["refused wording chosen"] += text in refused
        counts["close"] += best_accepted >= 0.6
        worst = max(map(partial(_alike, text), [row["sentence"], *refused]))
        counts["nearer to an accepted than to a refused wording"] += best_accepted > worst
    return counts


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--show", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.folder.is_file():
        rows = [json.loads(line) for line in options.folder.read_text(encoding="utf-8").splitlines()]
        measured = choices(rows)
        for name, count in measured.items():
            share = f"  {count / measured['found']:.1%}" if name not in ("sentences", "found") else ""
            print(f"{name:48s} {count}{share}")
        return 1 if measured["refused wording chosen"] else 0
    checker = Checker()
    counts: Counter[str] = Counter()
    lines: list[str] = []
    reports = list(checker.check_many(documents(options.folder)))
    for report in reports:
        before = counted(report.findings)
        for finding in report.findings:
            if finding.state is not State.VIOLATION and not finding.rewrites:
                counts["needs evidence, nothing offered"] += 1
            kind = "violation" if finding.state is State.VIOLATION else "needs-evidence"
            counts[kind] += 1
            counts[f"{kind}, offered"] += bool(finding.rewrites)
            first = best(finding)
            counts[f"{kind}, real"] += first is not None
            for rewrite in finding.rewrites:
                words = report.document.text[rewrite.span.start : rewrite.span.end]
                if rewrite.apply is Apply.MANUAL and rewrite.text == words:
                    continue
                counts["shown"] += 1
                text = changed(report.document, [rewrite])
                again = counted(checker.check(text).findings)
                if not covers(again, before - Counter({finding.rule_id: 1})):
                    counts["broken promises"] += 1
                    print("NOT PROVEN", finding.rule_id, rewrite, again - before, file=sys.stderr)
            place = _sentence(report.document.text, finding.span.start, finding.span.end)
            shown = first or (finding.rewrites[0] if finding.rewrites else None)
            after = "-" if shown is None else _after(report.document.text, place, shown)
            lines.append(
                f"{finding.rule_id} | {report.document.text[place[0] : place[1]]} [[{finding.matched}]]\n"
                f"    -> {after}{'' if first else '  (manual: ' + (shown.note if shown else '') + ')'}"
            )
        counts["texts"] += 1
        counts["texts with findings"] += bool(report.findings)
        counts["whole texts, rewritten without a finding left"] += bool(report.findings) and not counted(
            checker.check(changed(report.document, report.rewriting.edits)).findings
        )
    for name, count in sorted(counts.items()):
        print(f"{name:34s} {count}")
    for kind in ("violation", "needs-evidence"):
        total = max(counts[kind], 1)
        print(
            f"{kind}: offered {counts[kind + ', offered'] / total:.1%}, real {counts[kind + ', real'] / total:.1%}"
        )
    if options.show:
        random.Random(options.seed).shuffle(lines)
        print("\n".join(lines[: options.show]))
    return 1 if counts["broken promises"] else 0


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    ends = "。！？!?；;\n"
    while start > 0 and text[start - 1] not in ends:
        start -= 1
    while end < len(text) and text[end] not in ends:
        end += 1
    return start, min(end + 1, len(text))


def _after(text: str, place: tuple[int, int], rewrite: object) -> str:
    start, end = rewrite.span  # type: ignore[attr-defined]
    first, last = min(place[0], start), max(place[1], end)
    return text[first:start] + rewrite.text + text[end:last]  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
