"""Shared fixtures. Compiled lexicons are cached in a folder of the test run, never in the home."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

import pytest

os.environ.setdefault("HUASHU_CACHE_DIR", tempfile.mkdtemp(prefix="huashu-cache-"))

from checker.lexicon import Lexicon, default
from checker.pipeline import Checker


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return default()


@pytest.fixture(scope="session")
def checker() -> Checker:
    return Checker()


@pytest.fixture
def lexicon_folder(tmp_path) -> Callable[[str], str]:
    """Writes one lexicon file and returns its folder."""

    def write(text: str, name: str = "house.yaml") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path)

    return write
