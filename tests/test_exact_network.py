"""The network that is learned to the same bytes everywhere."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from checker.exact_network import ExactNetwork, _on_grid, exact_product

_LEARN = """
import hashlib, numpy as np
from checker.exact_network import ExactNetwork
random = np.random.RandomState(1)
inputs = random.normal(size=(3000, 50))
target = inputs[:, 0] * inputs[:, 1] + inputs[:, 2] > 0
network = ExactNetwork(32, rounds=8).fit(inputs, target)
print(hashlib.sha256(network.weights_.tobytes() + network.out_.tobytes()).hexdigest())
"""


@pytest.fixture
def task():
    random = np.random.RandomState(7)
    inputs = random.normal(size=(4000, 20))
    return inputs, (inputs[:, 0] * inputs[:, 1] > 0).astype(int)


def test_it_learns_what_no_line_can_tell(task) -> None:
    inputs, target = task
    network = ExactNetwork(32, alpha=0.01, rate=0.01).fit(inputs[:3000], target[:3000])
    assert (network.predict(inputs[3000:]) == target[3000:]).mean() > 0.85


def test_every_sum_is_exact(task) -> None:
    """The slopes are those of fractions, which know no rounding."""
    inputs, target = task
    network = ExactNetwork(6)
    random = np.random.RandomState(0)
    parts = [random.normal(size=shape) for shape in ((20, 6), (6,), (6,), ())]
    some = _on_grid(inputs[:50], (10, 32.0))
    counts = random.choice([0.5, 1.0, 2.0], size=50)
    slopes = network._slopes(parts, some, target[:50] == 1, counts)
    weights = _on_grid(parts[0], (18, 8.0))
    sums = [
        [sum(Fraction(x) * Fraction(w) for x, w in zip(row, column)) for column in weights.T] for row in some
    ]
    by_hand = np.array([[float(one) for one in row] for row in sums])
    assert np.array_equal(by_hand, some @ weights)
    # The same samples in another order, as another processor may add them.
    order = random.permutation(50)
    again = network._slopes(parts, some[order], target[:50][order] == 1, counts[order])
    assert all(np.array_equal(one, other) for one, other in zip(slopes, again))


def test_a_product_does_not_depend_on_the_order_of_its_sum() -> None:
    random = np.random.RandomState(3)
    one, other = random.normal(size=(40, 200)), random.normal(size=(200, 30))
    order = random.permutation(200)
    assert np.array_equal(exact_product(one, other), exact_product(one[:, order], other[order]))
    assert np.allclose(exact_product(one, other), one @ other, atol=1e-2)
    assert not np.array_equal(one @ other, one[:, order] @ other[order])


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="names the kernels of x86 processors"
)
def test_processors_of_all_kinds_learn_the_same_bytes() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", _LEARN],
            env={**os.environ, "OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for kernel, threads in (("Haswell", "1"), ("Sandybridge", "2"), ("Prescott", "1"))
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == len(hashlib.sha256().hexdigest())


def test_two_classes_are_needed() -> None:
    with pytest.raises(ValueError, match="one class"):
        ExactNetwork().fit(np.zeros((9, 2)), [0] * 9)
