"""The learned part of refusals: does a customer's turn say no, does an agent's reply go on selling, is it a push.

Customers say no in more ways than cues can list (“戒了”, “单位统一买的”), and agents push without a cue. Two linear models
over character n-grams (one to three) of a turn, learned from turns and calls that we wrote (``models/turns.jsonl``,
``models/calls.jsonl``), know what such turns are made of. The score of a text is the sum of the weights of its n-grams
over the root of their number. A third model weighs both scores with the cues and with what the call was like so far
(:data:`FEATURES`): the same words are a push after a no and an answer after a question.
``python -m checker.turns_train`` builds the artifact, which is plain arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import mul

import numpy as np

from checker.data import folder
from checker.late import late

ARTIFACT = "turns.npz"
SIDES = ("customer", "agent")
LONGEST = 3
_MARKS, _DIGITS = late(r"\W+"), late(r"\d+")


def grams(text: str) -> list[str]:
    """The n-grams of a turn: marks as one comma, numbers as one 0, a mark at each end."""
    said = "^" + _DIGITS.sub("0", _MARKS.sub("，", text).strip("，")) + "$"
    return [said[at : at + n] for n in range(1, LONGEST + 1) for at in range(len(said) - n + 1)]


class Turns:
    """The three models, ready to judge. Immutable, safe to share between threads.

    ``weights`` and ``biases`` are by side (:data:`SIDES`), ``push_weights`` those of what the course of a call
    shows (:mod:`checker.refusals`), shape (n_features,).
    """

    def __init__(
        self,
        weights: dict[str, dict[str, float]],
        biases: dict[str, float],
        push_weights: Sequence[float] = (),
        push_bias: float = 0.0,
    ) -> None:
        self.weights, self.biases = weights, biases
        self._push_weights, self._push_bias = tuple(push_weights), push_bias

    def declining(self, text: str) -> float:
        """Log-odds that a customer's turn says no to an offer."""
        return self._score("customer", text)

    def selling(self, text: str) -> float:
        """Log-odds that an agent's reply sells where it should not."""
        return self._score("agent", text)

    def pushes(self, features: Sequence[float]) -> float:
        """Probability that a reply goes on selling after a no, of the features of :mod:`checker.refusals`."""
        score = sum(map(mul, self._push_weights, features)) + self._push_bias
        return 1.0 / (1.0 + math.exp(-score))

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
        return Turns(weights, biases, arrays["push_weights"].tolist(), float(arrays["push_bias"]))
