"""Builds the fluency model: ``python -m checker.rewrite.train``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np

from checker.data import folder
from checker.lexicon import load
from checker.rewrite.ranking import ARTIFACT


def innocent_sentences() -> Iterable[str]:
    """The training text: our sentences without a label, and the innocent lines of the lexicons."""
    for entry in sorted((folder("models") / "sentences").iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".jsonl"):
            for line in entry.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                if "text" in row and not row["labels"]:
                    yield row["text"]
    lexicon = load(examples=True)
    for rule in lexicon.rules:
        for example in rule.examples:
            if "passes" in example:
                yield from example["passes"].splitlines()
    for entry in lexicon.rewriting["statements"]:
        yield from entry["to"]


def build(path: Path) -> None:
    """Write the arrays of the model of :func:`innocent_sentences`; trigrams met once are left out: half the size, as good."""
    unigrams: Counter[str] = Counter()
    bigrams: Counter[tuple[str, str]] = Counter()
    trigrams: Counter[tuple[str, str, str]] = Counter()
    for text in innocent_sentences():
        letters = ["\0", "\0", *text.strip(), "\0"]
        unigrams.update(letters[2:])
        bigrams.update(pairwise(letters[1:]))
        trigrams.update(zip(letters, letters[1:], letters[2:]))
    del unigrams["\0"]
    known = sorted(unigrams)
    number = {"\0": 0, **{letter: place + 1 for place, letter in enumerate(known)}}
    pairs = {number[a] << 16 | number[b]: count for (a, b), count in bigrams.items()}
    triples = {
        number[a] << 32 | number[b] << 16 | number[c]: count
        for (a, b, c), count in trigrams.items()
        if count > 1
    }
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            characters=np.array([ord(letter) for letter in known], dtype=np.uint32),
            unigrams=np.array([unigrams[letter] for letter in known], dtype=np.uint32),
            bigrams=np.array(sorted(pairs), dtype=np.uint64),
            bigram_counts=np.array([pairs[key] for key in sorted(pairs)], dtype=np.uint16),
            trigrams=np.array(sorted(triples), dtype=np.uint64),
            trigram_counts=np.array([triples[key] for key in sorted(triples)], dtype=np.uint16),
        )


if __name__ == "__main__":
    target = Path(str(folder("models"))) / ARTIFACT
    build(target)
    print(f"{target}: {target.stat().st_size:,} bytes")
