"""A small neural network that is learned to the same bytes on every machine.

Libraries of linear algebra add in another order on another processor; the last bits of a sum differ, and a
network that is learned over many rounds amplifies them until it is another network. Here every factor of a
product is rounded to a grid of powers of two before it is multiplied, so coarse that all sums are exact in
64-bit floating point, whatever their order; what remains are single operations, which IEEE 754 defines to
the bit. Otherwise it is the usual one: one layer of rectified units, logistic loss, Adam (D. Kingma and
J. Ba, ICLR 2015), and an end when a tenth that is held back gains no more.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from checker.binary import BinaryClassifier, Flags, Floats

#: Grids, as the number of binary places, and how large a value may be: inputs, weights, units, what a sample is
#: off by. The bits of two factors and of the number of samples or units add up to no more than 53.
_INPUT, _WEIGHT, _UNIT, _ERROR, _BACK = (10, 2.0**5), (18, 2.0**3), (12, 2.0**6), (22, 2.0**2), (22, 2.0**5)
#: Log-odds are read off a table with so many places, up to this size.
_ODDS_PLACES, _MOST_ODDS = 8, 16
#: Adam as its authors recommend it.
_FIRST, _SECOND, _EPSILON = 0.9, 0.999, 1e-8
_HELD_BACK, _PATIENCE, _TOLERANCE = 0.1, 10, 1e-4


def _on_grid(values: Floats, grid: tuple[int, float]) -> Floats:
    places, most = grid
    return np.rint(np.clip(values, -most, most) * 2.0**places) * 2.0**-places


def exact_product(one: Floats, other: Floats) -> Floats:
    """The matrix product of values of size one or so, rounded so that the order of the sums is no matter."""
    return np.asarray(_on_grid(one, (14, 2.0**6)) @ _on_grid(other, (20, 2.0**3)))


@lru_cache(maxsize=1)
def _logistic() -> Floats:
    """The logistic function on its grid; computed by the C library once, and rounded."""
    count = _MOST_ODDS << _ODDS_PLACES
    odds = [number / (1 << _ODDS_PLACES) for number in range(-count, count + 1)]
    return _on_grid(np.array([1 / (1 + exp(-value)) for value in odds]), _ERROR)


class ExactNetwork(BinaryClassifier):
    """Binary; one layer of ``hidden`` rectified units.

    ``alpha`` weighs the squares of the weights, ``batch`` is the number of samples of a step (at most
    1,024, or sums are no longer exact), ``rate`` the step of Adam. Inputs should be of size one or so.
    """

    def __init__(
        self,
        hidden: int = 64,
        alpha: float = 0.1,
        batch: int = 1000,
        rate: float = 0.003,
        rounds: int = 60,
        random_state: int = 0,
    ) -> None:
        self.hidden = hidden
        self.alpha = alpha
        self.batch = batch
        self.rate = rate
        self.rounds = rounds
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ExactNetwork:  # noqa: N803
        """X is an array of shape (n_samples, n_features)."""
        X, target, counts = self._checked(X, y, sample_weight, dtype=np.float64)  # noqa: N806
        X = _on_grid(X, _INPUT)  # noqa: N806
        random = np.random.RandomState(self.random_state)
        order = random.permutation(len(X))
        held = order[: int(len(X) * _HELD_BACK)]
        used = order[len(held) :]
        parts = [
            self._start(random, X.shape[1], self.hidden, (X.shape[1], self.hidden)),
            self._start(random, X.shape[1], self.hidden, (self.hidden,)),
            self._start(random, self.hidden, 1, (self.hidden,)),
            self._start(random, self.hidden, 1, ()),
        ]
        adam = _Adam(parts, self.rate)
        best, kept, idle = -np.inf, [part.copy() for part in parts], 0
        for _ in range(self.rounds):
            random.shuffle(used)
            for start in range(0, len(used), self.batch):
                some = used[start : start + self.batch]
                adam.step(self._slopes(parts, X[some], target[some], counts[some]))
            right = (self._odds(parts, X[held]) > 0) == target[held]
            score = float(right.mean()) if len(held) else 0.0
            idle = 0 if score > best + _TOLERANCE else idle + 1
            if score > best:
                best, kept = score, [part.copy() for part in parts]
            if idle > _PATIENCE:
                break
        self.weights_, self.biases_, self.out_, self.out_bias_ = kept
        return self

    @staticmethod
    def _start(random: Any, wide: int, out: int, shape: tuple[int, ...]) -> Floats:
        """First weights (X. Glorot and Y. Bengio, AISTATS 2010)."""
        most = (6.0 / (wide + out)) ** 0.5
        return np.asarray(random.uniform(-most, most, shape))

    def _layer(self, parts: list[Floats], inputs: Floats) -> Floats:
        sums = inputs @ _on_grid(parts[0], _WEIGHT) + _on_grid(parts[1], _WEIGHT)
        return _on_grid(np.maximum(sums, 0), _UNIT)

    def _odds(self, parts: list[Floats], inputs: Floats) -> Floats:
        out = self._layer(parts, inputs) @ _on_grid(parts[2], _WEIGHT)
        return np.asarray(out + _on_grid(parts[3], _WEIGHT))

    def _slopes(self, parts: list[Floats], inputs: Floats, target: Flags, counts: Floats) -> list[Floats]:
        """The slope of the loss, per sample, along each part."""
        layer = self._layer(parts, inputs)
        out = _on_grid(parts[2], _WEIGHT)
        odds = layer @ out + _on_grid(parts[3], _WEIGHT)
        table = _logistic()
        place = np.rint(np.clip(odds, -_MOST_ODDS, _MOST_ODDS) * (1 << _ODDS_PLACES)).astype(np.int64)
        error = _on_grid((table[place + len(table) // 2] - target) * counts, _ERROR)
        back = _on_grid(error[:, None] * out * (layer > 0), _BACK)
        total = counts.sum()
        return [
            (inputs.T @ back + self.alpha * parts[0]) / total,
            back.sum(axis=0) / total,
            (layer.T @ error + self.alpha * parts[2]) / total,
            error.sum() / total,
        ]

    def decision_function(self, X: Any) -> Floats:  # noqa: N803
        """Log-odds of the second class, shape (n_samples,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)  # noqa: N806
        return np.asarray(np.maximum(X @ self.weights_ + self.biases_, 0) @ self.out_ + self.out_bias_)


class _Adam:
    """Steps of Adam, in place; single operations only."""

    def __init__(self, parts: list[Floats], rate: float) -> None:
        self._parts = parts
        self._rate = rate
        self._first = [np.zeros_like(part) for part in parts]
        self._second = [np.zeros_like(part) for part in parts]
        self._decay = [1.0, 1.0]

    def step(self, slopes: list[Floats]) -> None:
        """One step down the slopes."""
        self._decay[0] *= _FIRST
        self._decay[1] *= _SECOND
        rate = self._rate * (1 - self._decay[1]) ** 0.5 / (1 - self._decay[0])
        for part, first, second, slope in zip(self._parts, self._first, self._second, slopes):
            first *= _FIRST
            first += (1 - _FIRST) * slope
            second *= _SECOND
            second += (1 - _SECOND) * (slope * slope)
            part -= rate * first / (np.sqrt(second) + _EPSILON)
