"""The learned part of refusals: does a customer's turn say no, does an agent's reply go on selling.

Customers say no in more ways than cues can list (“戒了”, “单位统一买的”), and agents push without a cue. Two linear models
over character n-grams (one to three) of a turn, learned from turns that we wrote (``models/turns.jsonl``), know
what such turns are made of. Both are needed for a finding: neither is sure enough alone. The score of a
text is the sum of the weights of its n-grams over the root of their number. ``python -m checker.turns_train`` builds
the artifact, which is plain arrays.
"""

from __future__ import annotations

import math
from functools import lru_cache

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
    """Both models, ready to judge. Immutable, safe to share between threads."""

    def __init__(self, weights: dict[str, dict[str, float]], biases: dict[str, float]) -> None:
        self._weights, self._biases = weights, biases

    def refuses(self, text: str) -> float:
        """Probability that a customer's turn says no to an offer."""
        return self._probability("customer", text)

    def pushes(self, text: str) -> float:
        """Probability that an agent's reply to a no goes on selling."""
        return self._probability("agent", text)

    def _probability(self, side: str, text: str) -> float:
        found, known = grams(text), self._weights[side]
        score = sum(known.get(gram, 0.0) for gram in found) / math.sqrt(len(found))
        return 1.0 / (1.0 + math.exp(-score - self._biases[side]))


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
        return Turns(weights, {side: float(arrays[f"{side}_bias"]) for side in SIDES})
