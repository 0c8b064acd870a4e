"""Programs that the tests of the editors need; a missing one skips its tests with the reason."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def program(request: pytest.FixtureRequest) -> str:
    """The path of the program named by ``@pytest.mark.parametrize("program", [...], indirect=True)``."""
    found = shutil.which(request.param)
    if found is None:
        pytest.skip(f"{request.param} is not installed")
    return found
