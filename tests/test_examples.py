"""Every example line of every rule and exemption, one test each."""

from __future__ import annotations

import pytest

from checker.lexicon import default
from checker.lint import Case, ExampleRunner, cases

CASES = list(cases(default()))


@pytest.fixture(scope="module")
def runner() -> ExampleRunner:
    return ExampleRunner(default())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_example(case: Case, runner: ExampleRunner) -> None:
    failure = runner.failure(case)
    assert failure is None, failure
