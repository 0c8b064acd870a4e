"""``python -m benchmarks.report``: every measurement, its tables and its plots, written into ``benchmarks/README.md``.

``--only`` measures some parts and keeps the others as they were last measured (``results.json``).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import growth, peers, stages
from benchmarks.__main__ import contenders
from benchmarks.calls import calls
from benchmarks.plot import chart
from benchmarks.text import paragraphs, repetition

HERE = Path(__file__).resolve().parent
PARTS = ("speed", "repeated", "stages", "length", "terms", "findings", "latency", "start")
BASE = "jieba (plain tokenising)"


def compared(
    systems: dict[str, Callable[[list[str]], object]], texts: list[str], runs: int
) -> dict[str, Any]:
    """Megabytes a second of each system and its ratio to the base, systems taken in turn in every run."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    times: dict[str, list[float]] = {name: [] for name in systems}
    for run in systems.values():
        run(texts[:5])
    for number in range(runs):
        for name, run in systems.items():
            # Fast ones are repeated, so that the clock can tell them apart.
            repeat = 1 if not number else max(1, min(50, int(0.05 / max(times[name][0], 1e-6))))
            start = time.process_time()
            for _ in range(repeat):
                run(texts)
            times[name].append((time.process_time() - start) / repeat)
    rows = []
    for name, seconds in times.items():
        ratios = sorted(base / own for base, own in zip(times[BASE][1:], seconds[1:]))
        rows.append(
            {
                "system": name,
                "mb_per_s": size / statistics.median(seconds[1:]),
                "ratio": statistics.median(ratios),
                "low": ratios[0],
                "high": ratios[-1],
            }
        )
    return {"megabytes": size, "repetition": repetition(texts), "rows": rows}


def speed(options: argparse.Namespace) -> dict[str, Any]:
    """Our stages, our whole check, and what others do with the same text."""
    from checker.lexicon import load
    from checker.matching import Scanner

    lexicon = load()
    terms = [term for rule in lexicon.rules for term in rule.terms]
    systems = contenders()
    systems |= peers.tokenisers() | peers.matchers(terms, f"our {len(set(terms))} terms")
    literals = Scanner(lexicon).literals
    every = peers.matchers(literals, f"our {len(literals):,} literals")
    systems |= {name: run for name, run in every.items() if name.startswith(("daachorse", "ahocorasick_rs"))}
    return compared(systems, paragraphs(options.paragraphs), options.runs)


def repeated(options: argparse.Namespace) -> dict[str, Any]:
    """An archive of calls, sentences that were met before remembered, as a long run has them."""
    import jieba

    from checker import Checker, Document

    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    checker = Checker(rewrites=False)
    archive = [call["turns"] for call in calls(options.calls)]
    texts = ["。".join(turn["text"] for turn in turns) for turns in archive]  # type: ignore[attr-defined]
    documents = [
        Document.from_turns([(turn["role"], turn["text"]) for turn in turns])  # type: ignore[attr-defined]
        for turns in archive
    ]
    list(checker.check_many(documents))

    def forgetting(_: list[str]) -> object:
        checker.forget()
        return list(checker.check_many(documents))

    return compared(
        {
            BASE: lambda texts: [jieba.lcut(text) for text in texts],
            "whole check of calls, sentences remembered": lambda _: list(checker.check_many(documents)),
            "whole check of calls, nothing remembered": forgetting,
        },
        texts,
        options.runs,
    )


def measure(part: str, options: argparse.Namespace) -> Any:
    """One part."""
    if part == "speed":
        return speed(options)
    if part == "repeated":
        return repeated(options)
    if part == "stages":
        texts = paragraphs(options.paragraphs)
        return {
            "without rewrites": stages.shares(texts, rewrites=False, runs=4 * options.runs),
            "with rewrites": stages.shares(texts, rewrites=True, runs=options.runs),
        }
    if part == "length":
        return growth.length(options.megabytes, options.runs)
    if part == "terms":
        return growth.terms((1, 5, 20, 50), options.runs)
    if part == "findings":
        return growth.findings((0.01, 0.05, 0.2, 0.5, 1.0), options.runs)
    if part == "latency":
        return growth.latency(400 * options.runs)
    return growth.start_up(options.runs)


# --- tables ---------------------------------------------------------------------------------------------


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|---" + "|--:" * (len(header) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _compared(found: dict[str, Any]) -> str:
    rows = [
        (r["system"], f"{r['mb_per_s']:.3g}", f"{r['ratio']:.3g} ({r['low']:.3g} to {r['high']:.3g})")
        for r in found["rows"]
    ]
    head = f"{found['megabytes']:.2f} MB; {100 * found['repetition']:.0f} % of the sentences repeat.\n\n"
    return head + _table(("", "MB/s", "times jieba (low to high)"), rows)


def _bytes(size: float) -> str:
    return f"{size / 1024 / 1024:g} MB" if size >= 1024 * 1024 else f"{size / 1024:g} KB"


def _length(found: list[dict[str, float]]) -> str:
    rows = []
    for before, now in zip([None, *found], found):
        cells = [_bytes(now["bytes"])]
        for kind in ("archive", "single"):
            if kind not in now:
                cells += ["", ""]
                continue
            cells.append(f"{now[kind]:.3g}")
            cells.append(f"{now[kind] / before[kind]:.2f}" if before else "")
        rows.append(cells)
    return _table(("text", "paragraphs, s", "doubling", "one text, s", "doubling"), rows)


def _tables(results: dict[str, Any]) -> dict[str, str]:
    out = {}
    for name in ("speed", "repeated"):
        if name in results:
            out[name] = _compared(results[name])
    if "stages" in results:
        both = results["stages"]
        names = [n for n, s in both["without rewrites"].items() if s > 0.01]
        names += [n for n, s in both["with rewrites"].items() if s > 0.02 and n not in names]
        out["stages"] = _table(
            ("module", *both),
            [(n, *(f"{100 * share.get(n, 0):.0f} %" for share in both.values())) for n in names],
        )
    if "length" in results:
        out["length"] = _length(results["length"])
    if "terms" in results:
        rows = [
            (f"{r['factor']}×", f"{r['terms']:,}", f"{r['seconds']:.3g}", f"{r['ratio']:.2f}")
            for r in results["terms"]
        ]
        out["terms"] = _table(("", "terms and patterns", "s", "times the first"), rows)
    if "findings" in results:
        rows = [
            (
                f"{100 * r['share']:.0f} %",
                f"{r['findings']:.0f}",
                *(f"{r[key]:.3g}" for key in ("seconds", "with rewrites")),
            )
            for r in results["findings"]
        ]
        out["findings"] = _table(("sentences with a claim", "findings", "s", "s, rewrites proven"), rows)
    if "latency" in results:
        rows = [(name, f"{r['median']:.2f}", f"{r['p99']:.2f}") for name, r in results["latency"].items()]
        out["latency"] = _table(("one paragraph of 500 characters", "median ms", "99 % ms"), rows)
    if "machine" in results:
        told = results["machine"]
        loads = ", ".join(f"{part} {told[part]['load']:g}" for part in PARTS if part in told)
        one = next(iter(told.values()))
        out["machine"] = (
            f"Python {one['python']}, {one['cores']} cores shared with other jobs; load average while measuring: {loads}."
        )
    if "start" in results:
        out["start"] = _table(("", ""), [(name, f"{value:.3g}") for name, value in results["start"].items()])
    return out


def _plots(results: dict[str, Any]) -> dict[str, str]:
    out = {}
    if "length" in results:
        lines = {
            kind: [(row["bytes"], row[key]) for row in results["length"] if key in row]
            for kind, key in (("paragraphs in batches", "archive"), ("one text", "single"))
        }
        out["length"] = chart("Time and length of the text", "bytes", "seconds", lines)
    if "terms" in results:
        base = results["terms"][0]["seconds"]
        lines = {
            "measured": [(row["factor"], row["ratio"]) for row in results["terms"]],
            "bar: 1.5 at 20×": [(1, 1.0), (20, 1.5)],
        }
        out["terms"] = chart(
            f"Time and number of terms (1 is {base:.2g} s)",
            "times our terms",
            "times the time",
            lines,
            logarithmic=False,
        )
    if "findings" in results:
        lines = {
            kind: [(row["findings"], row[key]) for row in results["findings"]]
            for kind, key in (("found", "seconds"), ("found, rewrites proven", "with rewrites"))
        }
        out["findings"] = chart(
            "Time and number of findings", "findings in 100,000 characters", "seconds", lines
        )
    return out


def write(results: dict[str, Any]) -> None:
    """Put tables between their marks in the README, and the plots beside it."""
    place = HERE / "README.md"
    text = place.read_text(encoding="utf-8")
    for name, table in _tables(results).items():
        marks = f"<!-- {name} -->", f"<!-- /{name} -->"
        pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"{place} has no place for {name}: {marks[0]} … {marks[1]}")
        body = f"{marks[0]}\n\n{table}\n\n{marks[1]}"
        text = pattern.sub(lambda _, body=body: body, text)
    place.write_text(text, encoding="utf-8")
    for name, svg in _plots(results).items():
        (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="measure only these")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--paragraphs", type=int, default=150)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--megabytes", type=float, default=140, help="the longest text")
    options = parser.parse_args()
    kept = HERE / "results.json"
    results: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for part in options.only:
        print(f"measuring {part}", file=sys.stderr, flush=True)
        busy = os.getloadavg()[0]
        results[part] = measure(part, options)
        results.setdefault("machine", {})[part] = {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": round(busy, 1),
        }
        kept.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    write(results)


if __name__ == "__main__":
    main()
