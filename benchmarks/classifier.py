"""``python -m benchmarks.classifier``: our features and scores beside scikit-learn's on the same text.

Both give a score to every sentence: ours by hashing arrays of code points and adding weights, the
other by ``HashingVectorizer(analyzer="char")`` and a dot product with as many weights. Runs are
interleaved; figures are medians, ratios are taken within a run. One thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.text import paragraphs


def contenders(sentences: list[str]) -> dict[str, Callable[[], object]]:
    from sklearn.feature_extraction.text import HashingVectorizer

    from checker.classifier import GATE_BITS, LONGEST, default_classifier, split_texts

    model = default_classifier()
    vectorizer = HashingVectorizer(
        analyzer="char",
        ngram_range=(1, LONGEST),
        n_features=1 << GATE_BITS,
        lowercase=False,
        alternate_sign=False,
    )
    weights = np.random.default_rng(7).normal(size=1 << GATE_BITS)
    codes, starts, ends = split_texts(sentences)
    return {
        "ours, features and scores": lambda: model.scores(codes, starts, ends),
        "ours, with categories and explanations": lambda: model.opinions(codes, starts, ends),
        "scikit-learn HashingVectorizer and dot product": lambda: vectorizer.transform(sentences) @ weights,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classifier", description=__doc__)
    parser.add_argument("--paragraphs", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    texts = paragraphs(options.paragraphs)
    sentences = [s for text in texts for s in text.replace("？", "。").replace("！", "。").split("。") if s]
    size = sum(len(sentence.encode()) for sentence in sentences) / 1e6
    systems = contenders(sentences)
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(options.runs):
        for name, run in systems.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    base = seconds["scikit-learn HashingVectorizer and dot product"]
    rows = [
        {
            "system": name,
            "mb_per_s": size / statistics.median(times),
            "ratio": statistics.median(b / t for b, t in zip(base, times, strict=True)),
        }
        for name, times in seconds.items()
    ]
    if options.json:
        print(json.dumps({"megabytes": size, "sentences": len(sentences), "rows": rows}, ensure_ascii=False))
        return
    print(f"{size:.2f} MB in {len(sentences)} sentences, one thread\n")
    print("| system | MB/s | times scikit-learn |\n|---|--:|--:|")
    for row in rows:
        print(f"| {row['system']} | {row['mb_per_s']:.1f} | {row['ratio']:.1f} |")


if __name__ == "__main__":
    main()
