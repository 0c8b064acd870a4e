"""Builds the models of turns from ``models/turns.jsonl`` and ``models/sentences/calls.jsonl``: ``python -m checker.turns_train``.

``--check`` writes nothing and prints how well held-out turns and replies are told apart (five-fold cross-validation,
the turns of a call in one fold). A row of ``turns.jsonl`` has ``speaker``, ``text`` and ``says_no`` (a customer's) or
``sells`` (an agent's reply to a no). A row of ``calls.jsonl`` is a call: ``id``, ``trade``, ``faults`` (the categories
that an officer would write up) and ``turns`` with ``speaker``, ``text`` and, where it is one of them, the ``act``;
turns with ``labels`` are sentences for the classifier as well (:mod:`checker.train`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from checker.data import folder
from checker.document import Document
from checker.lexicon import default
from checker.refusals import Refusals
from checker.said import Call, Memory
from checker.scene import Scene
from checker.train import NgramVectorizer
from checker.turns import ARTIFACT, Linear, Pushes, Turns

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

#: Who speaks, in the order of :class:`Turns`.
SIDES = ("customer", "agent")
#: The label of each side in ``turns.jsonl``, and its acts in ``calls.jsonl``.
LABELS = dict(zip(SIDES, ("says_no", "sells")))
ACTS = {
    "customer": frozenset({"refuses", "opts-out", "threatens-complaint"}),
    "agent": frozenset({"pushes-on", "hides-source"}),
}
STRENGTH = 30.0
#: The network: units of its hidden layer, and what large weights cost.
UNITS, DECAY = 16, 1.0
FOLDS, SEED = 5, 20


@dataclass(frozen=True)
class Labelled:
    """A call of ``calls.jsonl``."""

    call: Call
    acts: tuple[str, ...]

    def replies(self) -> Iterator[tuple[tuple[int, ...], bool]]:
        """The agent's replies, as turns in a row, and whether one of them pushes."""
        for reply in self.call.replies.values():
            yield reply, any(self.acts[index] in ACTS["agent"] for index in reply)

    def said(self, side: str) -> Iterator[tuple[str, bool]]:
        """The customer's turns and whether they say no; or the agent's replies and whether they push."""
        if side == "agent":
            for reply, pushes in self.replies():
                yield self.call.together(reply).text, pushes
            return
        for turn, said, act in zip(self.call.turns, self.call.said, self.acts):
            if turn.speaker == side:
                yield said.text, act in ACTS[side]


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder("models") / name).read_text(encoding="utf-8").splitlines()]


@lru_cache(maxsize=1)
def calls() -> tuple[Labelled, ...]:
    """The calls of ``calls.jsonl``."""
    memory = Memory()
    found = []
    for row in _rows("sentences/calls.jsonl"):
        document = Document.from_turns([(turn["speaker"], turn["text"]) for turn in row["turns"]])
        acts = tuple(turn.get("act", "") for turn in row["turns"])
        found.append(Labelled(Call(Scene([document]), 0, memory), acts))
    return tuple(found)


def single(side: str) -> tuple[list[str], Bools]:
    """The distinct texts of a side in ``turns.jsonl`` and their labels."""
    found = {row["text"]: row[LABELS[side]] for row in _rows("turns.jsonl") if row["speaker"] == side}
    return list(found), np.array(list(found.values()))


def learn(of: Sequence[Labelled]) -> Turns:
    """The models of both sides, learned from all single turns and the turns of some calls."""

    def learned(side: str) -> Linear:
        texts, labels = single(side)
        pairs = [pair for labelled in of for pair in labelled.said(side)]
        target = np.concatenate([labels, np.array([label for _, label in pairs], dtype=bool)])
        table = NgramVectorizer().transform([*texts, *(text for text, _ in pairs)])
        model = LogisticRegression(C=STRENGTH, max_iter=3000).fit(table, target)
        weights = model.coef_[0].astype(np.float16).astype(np.float32)
        return Linear(weights, float(model.intercept_[0]))

    customer, agent = map(learned, SIDES)
    return Turns(customer, agent)


def readings(turns: Turns, of: Sequence[Labelled]) -> tuple[list[tuple[float, ...]], list[bool]]:
    """What the last model sees of the replies in calls, and whether they push."""
    refusals = Refusals(default(), Memory(), turns)
    seen: list[tuple[float, ...]] = []
    labels: list[bool] = []
    for labelled in of:
        pushes = dict(labelled.replies())
        for reading in refusals.readings(labelled.call):
            if reading.reply in pushes:
                seen.append(reading.features)
                labels.append(pushes[reading.reply])
    return seen, labels


@dataclass(frozen=True)
class HeldOut:
    """Scores of cross-validation: by side of turns, shape (n_turns,), and what the last model sees of replies.

    ``fold`` is the fold of each reply.
    """

    scores: dict[str, tuple[Bools, Floats]]
    seen: Floats
    pushes: Bools
    fold: npt.NDArray[np.intp]


@lru_cache(maxsize=1)
def held_out() -> HeldOut:
    """What models say of calls that they did not learn from."""
    every = calls()
    folds = np.random.default_rng(SEED).integers(0, FOLDS, len(every))
    scores: dict[str, list[tuple[bool, float]]] = {side: [] for side in SIDES}
    seen: list[tuple[float, ...]] = []
    pushes: list[bool] = []
    fold: list[int] = []
    for number in range(FOLDS):
        turns = learn([labelled for labelled, own in zip(every, folds) if own != number])
        left = [labelled for labelled, own in zip(every, folds) if own == number]
        for side, model in zip(SIDES, (turns.customer, turns.agent)):
            pairs = [pair for labelled in left for pair in labelled.said(side)]
            said = model.scores([text for text, _ in pairs])
            scores[side] += [(label, score) for (_, label), score in zip(pairs, said.tolist())]
        new, labels = readings(turns, left)
        seen, pushes, fold = seen + new, pushes + labels, fold + [number] * len(labels)
    by_side = {}
    for side, judged in scores.items():
        by_side[side] = (np.array([label for label, _ in judged]), np.array([score for _, score in judged]))
    return HeldOut(by_side, np.array(seen), np.array(pushes), np.array(fold))


def _push_model(seen: Floats, pushes: Bools) -> Pushes:
    """The network on features as they are: their scaling is folded into the first layer."""
    network = MLPClassifier((UNITS,), alpha=DECAY, max_iter=500, random_state=SEED)
    model = make_pipeline(StandardScaler(), network).fit(seen, pushes)
    scaler = model[0]
    hidden = network.coefs_[0] / scaler.scale_[:, None]
    bias = network.intercepts_[0] - scaler.mean_ @ hidden
    return Pushes(hidden, bias, network.coefs_[1][:, 0], float(network.intercepts_[1][0]))


def build(path: Path) -> None:
    """Write the arrays of the models."""
    turns, data = learn(calls()), held_out()
    layers = _push_model(data.seen, data.pushes)._asdict()
    arrays: dict[str, Any] = {f"push_{name}": np.float32(layer) for name, layer in layers.items()}
    for side, model in zip(SIDES, (turns.customer, turns.agent)):
        arrays[f"{side}_weights"] = model.weights.astype(np.float16)
        arrays[f"{side}_bias"] = np.array(model.bias)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def push_chances(data: HeldOut) -> Floats:
    """Probability of a push of each reply, by models that did not learn from its call."""
    chances = np.zeros(len(data.pushes))
    for number in range(FOLDS):
        own = data.fold == number
        model = _push_model(data.seen[~own], data.pushes[~own])
        chances[own] = model.chances(data.seen[own])
    return chances


def check() -> None:
    """Print the figures of cross-validation."""
    data = held_out()
    for side, (labels, scores) in data.scores.items():
        precision = average_precision_score(labels, scores)
        print(f"{side}: {labels.sum()} of {len(labels)}, average precision {precision:.3f}")
    chances, labels = push_chances(data), data.pushes
    precision = average_precision_score(labels, chances)
    print(f"pushes: {labels.sum()} of {len(labels)}, average precision {precision:.3f}")
    for limit in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        over = chances >= limit
        print(f"  {limit}: found {over[labels].mean():.3f}, precision {labels[over].mean():.3f}")
    exact, found, _ = precision_recall_curve(labels, chances)
    print(f"  recall at precision 0.85: {found[exact >= 0.85].max():.3f}")


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        check()
    else:
        build(Path(str(folder("models") / ARTIFACT)))
