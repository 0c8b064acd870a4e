"""Builds the models of turns from ``models/turns.jsonl``: ``python -m checker.turns_train``.

``--check`` writes nothing and prints how well held-out turns are told apart (five-fold cross-validation).
A row has ``speaker``, ``text`` and ``says_no`` (a customer's) or ``sells`` (an agent's reply to a no).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from checker.data import folder
from checker.turns import ARTIFACT, SIDES, grams

#: The label of each side.
LABELS = dict(zip(SIDES, ("says_no", "sells")))
STRENGTH = 10.0
SEED = 20
#: Weights smaller than this are left out.
_LEAST = 0.02


def rows(side: str) -> tuple[list[str], npt.NDArray[np.bool_]]:
    """The distinct texts of a side and their labels."""
    found: dict[str, bool] = {}
    for line in (folder("models") / "turns.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["speaker"] == side:
            found[row["text"]] = row[LABELS[side]]
    return list(found), np.array(list(found.values()))


def features(texts: list[str]) -> tuple[sp.csr_matrix, list[str]]:
    """Counts of the n-grams over the root of their number, shape (n_texts, n_grams), and the n-grams."""
    counted = [grams(text) for text in texts]
    known = sorted({gram for found in counted for gram in found})
    number = {gram: place for place, gram in enumerate(known)}
    cells = [(at, number[gram], len(found) ** -0.5) for at, found in enumerate(counted) for gram in found]
    at, column, value = map(np.array, zip(*cells))
    return sp.csr_matrix((value, (at, column)), shape=(len(texts), len(known))), known


def _model() -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, max_iter=3000)


def build(path: Path) -> None:
    """Write the arrays of both models."""
    arrays: dict[str, Any] = {}
    for side in SIDES:
        texts, labels = rows(side)
        table, known = features(texts)
        model = _model().fit(table, labels)
        weights = model.coef_[0]
        kept = np.flatnonzero(np.abs(weights) >= _LEAST)
        arrays[f"{side}_grams"] = np.frombuffer("\n".join(known[at] for at in kept).encode(), dtype=np.uint8)
        arrays[f"{side}_weights"] = weights[kept].astype(np.float16)
        arrays[f"{side}_bias"] = np.array(model.intercept_[0])
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def held_out(side: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """The labels of a side and the probability that cross-validation gives each text."""
    texts, labels = rows(side)
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    chances = cross_val_predict(_model(), features(texts)[0], labels, cv=folds, method="predict_proba")
    return labels, chances[:, 1]


def check() -> None:
    """Print the figures of cross-validation."""
    for side in SIDES:
        labels, chances = held_out(side)
        precision = average_precision_score(labels, chances)
        print(f"{side}: {labels.sum()} of {len(labels)}, average precision {precision:.3f}")
        for limit in (0.3, 0.5, 0.7, 0.9):
            over = chances >= limit
            print(f"  {limit}: found {over[labels].mean():.2f}, false {over[~labels].mean():.3f}")


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        check()
    else:
        build(Path(str(folder("models") / ARTIFACT)))
