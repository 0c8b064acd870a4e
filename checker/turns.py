"""The learned part of refusals: does a customer's turn say no, does an agent's reply go on selling, is it a push.

Customers say no in more ways than cues can list (“戒了”, “单位统一买的”), and agents push without a cue. Two linear models
over character n-grams (one to three) of a turn, learned from turns and calls that we wrote (``models/turns.jsonl``,
``models/sentences/calls.jsonl``), know what such turns are made of. The score of a text is the sum of the weights of its n-grams
over the root of their number. A small network weighs both scores with the cues and with what the call was like so far
(:data:`checker.refusals.FEATURES`): the same words are a push after a no and an answer after a question.
``python -m checker.turns_train`` builds the artifact, which is plain arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from checker.data import folder
from checker.late import late

Floats = npt.NDArray[np.float64]

ARTIFACT = "turns.npz"
SIDES = ("customer", "agent")
LONGEST = 3
_MARKS, _DIGITS = late(r"\W+"), late(r"\d+")


def grams(text: str) -> list[str]:
    """The n-grams of a turn: marks as one comma, numbers as one 0, a mark at each end."""
    said = "^" + _DIGITS.sub("0", _MARKS.sub("，", text).strip("，")) + "$"
    return [said[at : at + n] for n in range(1, LONGEST + 1) for at in range(len(said) - n + 1)]


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


class Turns:
    """The three models, ready to judge. Immutable, safe to share between threads.

    ``weights`` and ``biases`` are by side (:data:`SIDES`); ``pushes`` weighs what the course of a call shows
    (:mod:`checker.refusals`).
    """

    def __init__(
        self, weights: dict[str, dict[str, float]], biases: dict[str, float], pushes: Pushes | None = None
    ) -> None:
        self.weights, self.biases = weights, biases
        self._pushes = pushes

    def declining(self, text: str) -> float:
        """Log-odds that a customer's turn says no to an offer."""
        return self._score("customer", text)

    def selling(self, text: str) -> float:
        """Log-odds that an agent's reply sells where it should not."""
        return self._score("agent", text)

    def pushes(self, features: Sequence[Sequence[float]]) -> list[float]:
        """Probability of each reply that it goes on selling after a no, of the features of :mod:`checker.refusals`."""
        assert self._pushes is not None
        return self._pushes.chances(np.array(features)).tolist() if features else []

    def _score(self, side: str, text: str) -> float:
        found, known = grams(text), self.weights[side]
        score = sum(known.get(gram, 0.0) for gram in found) / math.sqrt(len(found))
        return score + self.biases[side]


@lru_cache(maxsize=1)
def default_turns() -> Turns:
    """The models of the package."""
    with (folder("models") / ARTIFACT).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        weights = {
            side: dict(
                zip(
                    arrays[f"{side}_grams"].tobytes().decode("utf-8").split("\n"),
                    arrays[f"{side}_weights"].astype(np.float64).tolist(),
                )
            )
            for side in SIDES
        }
        biases = {side: float(arrays[f"{side}_bias"]) for side in SIDES}
        hidden, bias, out = (arrays[f"push_{name}"].astype(np.float64) for name in ("hidden", "bias", "out"))
        return Turns(weights, biases, Pushes(hidden, bias, out, float(arrays["push_out_bias"])))
