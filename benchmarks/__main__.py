"""``python -m benchmarks``: the whole check beside plain jieba tokenising, on the same text.

Runs are interleaved and each figure is the median; ratios are taken within a run, so that they
hold when the machine's speed drifts. Nothing here asserts a time.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import time
from collections.abc import Callable

from benchmarks.text import paragraphs, repetition


def contenders() -> dict[str, Callable[[list[str]], object]]:
    import jieba
    import rjieba

    from checker import Checker, Document
    from checker.matching import Scanner
    from checker.normalize import plain_view
    from checker.scene import Scene

    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    checker = Checker(rewrites=False)
    proving = Checker(rewrites=True)
    scanner = Scanner(checker.lexicon)

    def cold(one: Checker) -> Callable[[list[str]], object]:
        def run(texts: list[str]) -> object:
            # the engine remembers sentences; forget them, so that every run does all the work
            one.engine.forget()
            one._rewriter.forget()
            return list(one.check_many(texts))

        return run

    def singly(texts: list[str]) -> object:
        checker.engine.forget()
        return [checker.check(text) for text in texts]

    return {
        "jieba (plain tokenising)": lambda texts: [jieba.lcut(text) for text in texts],
        "rjieba (plain tokenising)": lambda texts: [rjieba.cut(text) for text in texts],
        "normalise only": lambda texts: plain_view(Document(text="\n".join(texts))),
        "scan for our literals": lambda texts: scanner.scan(Scene([Document(text=t) for t in texts]).plain),
        "whole check, one paragraph at a time": singly,
        "whole check, in batches": cold(checker),
        "whole check, in batches, every sentence met before": lambda texts: list(checker.check_many(texts)),
        "whole check, in batches, rewrites proven": cold(proving),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--paragraphs", type=int, default=150)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    texts = paragraphs(options.paragraphs)
    size = sum(len(text.encode()) for text in texts) / 1e6
    systems = contenders()
    for run in systems.values():
        run(texts[:5])
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(options.runs):
        for name, run in systems.items():
            start = time.perf_counter()
            run(texts)
            seconds[name].append(time.perf_counter() - start)
    base = seconds["jieba (plain tokenising)"]
    rows = []
    for name, times in seconds.items():
        ratios = sorted(b / t for b, t in zip(base, times))
        rows.append(
            {
                "system": name,
                "mb_per_s": size / statistics.median(times),
                "ratio_to_jieba": statistics.median(ratios),
                "ratio_low": ratios[0],
                "ratio_high": ratios[-1],
            }
        )
    if options.json:
        print(
            json.dumps({"megabytes": size, "repetition": repetition(texts), "rows": rows}, ensure_ascii=False)
        )
        return
    print(
        f"{size:.2f} MB in {len(texts)} paragraphs, {100 * repetition(texts):.0f} % of the sentences repeat\n"
    )
    print("| system | MB/s | times jieba (low to high) |\n|---|--:|--:|")
    for row in rows:
        print(
            f"| {row['system']} | {row['mb_per_s']:.2f} | {row['ratio_to_jieba']:.1f} ({row['ratio_low']:.1f} to {row['ratio_high']:.1f}) |"
        )


if __name__ == "__main__":
    main()
