"""The learned part of refusals: does a customer's turn say no, does an agent's reply go on selling, is it a push.

Customers say no in more ways than cues can list (“戒了”, “单位统一买的”), and agents push without a cue. Two linear models
over the classifier's hashed n-grams, learned from turns and calls that we wrote (``models/turns.jsonl``,
``models/sentences/calls.jsonl``), know what such turns are made of. A small network weighs both scores with the cues and
with what the call was like so far (:data:`checker.refusals.FEATURES`): the same words are a push after a no and an answer after a
question. ``python -m checker.turns_train`` builds the artifact, which is plain arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from checker.classifier import end_to_end, ngram_scores, symbols
from checker.data import folder

Floats = npt.NDArray[np.float64]

ARTIFACT = "turns.npz"


@dataclass(frozen=True, eq=False)
class Linear:
    """``weights`` of hashed n-grams, shape (2**BITS,), and what is added."""

    weights: npt.NDArray[np.float32]
    bias: float

    def scores(self, texts: Sequence[str]) -> Floats:
        """Log-odds of texts as the plain view shows them, shape (n_texts,)."""
        out = np.full(len(texts), self.bias)
        filled = [number for number, text in enumerate(texts) if text]
        if filled:
            seen = symbols(*end_to_end([texts[number] for number in filled]))
            out[filled] += ngram_scores(self.weights, seen)
        return out


class Pushes(NamedTuple):
    """A network with one hidden layer (rectified): ``hidden`` has shape (n_features, n_units), ``bias`` and ``out`` (n_units,)."""

    hidden: Floats
    bias: Floats
    out: Floats
    out_bias: float

    def chances(self, features: Floats) -> Floats:
        """Probabilities that replies go on selling after a no; features of shape (n_replies, n_features)."""
        scores = np.maximum(features @ self.hidden + self.bias, 0.0) @ self.out + self.out_bias
        return 1.0 / (1.0 + np.exp(-scores))


class Turns(NamedTuple):
    """The three models. ``customer``: a turn says no to an offer; ``agent``: a reply sells where it should not.

    ``pushes`` weighs what the course of a call shows (:mod:`checker.refusals`); without it in training only.
    """

    customer: Linear
    agent: Linear
    pushes: Pushes | None = None


@lru_cache(maxsize=1)
def default_turns() -> Turns:
    """The models of the package."""
    with (folder("models") / ARTIFACT).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        customer, agent = (
            Linear(arrays[f"{side}_weights"].astype(np.float32), float(arrays[f"{side}_bias"]))
            for side in ("customer", "agent")
        )
        hidden, bias, out = (arrays[f"push_{name}"].astype(np.float64) for name in ("hidden", "bias", "out"))
        return Turns(customer, agent, Pushes(hidden, bias, out, float(arrays["push_out_bias"])))
