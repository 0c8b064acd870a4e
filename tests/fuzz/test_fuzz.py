"""The seeds of the fuzz targets, and every input that ever failed, again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fuzz_targets import TARGETS, mutate_text

DEFECTS = sorted((Path(__file__).parent / "defects").rglob("*/*"))


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_of_a_target_passes(name: str) -> None:
    if name in ("lsp", "lsp_raw"):
        pytest.importorskip("pygls")
    if name in ("http", "files"):
        pytest.importorskip("fastapi")
    if name == "batch":
        pytest.importorskip("pyarrow")
    target = TARGETS[name]
    seeds = target.seeds()
    assert len(seeds) >= 8
    rng = random.Random(8)
    for seed in seeds:
        target.run(seed)
        if target.header:
            target.run(mutate_text(seed, target.header, rng)[: target.longest])


@pytest.mark.parametrize("path", DEFECTS, ids=lambda path: f"{path.parent.name} {path.name}")
def test_what_failed_once_passes(path: Path) -> None:
    TARGETS[path.parent.name].run(path.read_bytes())
