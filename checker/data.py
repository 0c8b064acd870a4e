"""Where lexicons and models live, and how their YAML is read.

A wheel carries them under ``checker/_data``; a checkout and an editable install keep them at the
top of the repository. Both are read through the Traversable API, so a zipped package works too.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker.stored import cached_json

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def folder(kind: str) -> Traversable:
    """The folder ``lexicons`` or ``models``.

    Raises FileNotFoundError when the installation is incomplete.
    """
    checkout = Path(__file__).resolve().parent.parent / kind
    if checkout.is_dir():
        return checkout
    installed = files("checker") / "_data" / kind
    if installed.is_dir():
        return installed
    raise FileNotFoundError(
        f"the package holds no {kind} folder; reinstall huashu, for example with 'pip install --force-reinstall huashu'"
    )


@cache
def load_yaml(name: str) -> Any:
    """One of our own lexicon files, parsed; read once in a process, and kept as JSON between them."""
    text = (folder("lexicons") / name).read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]

    def parse() -> Any:
        import yaml

        from checker.yaml_text import Loader

        return yaml.load(text, Loader=Loader)

    return cached_json(f"{name.removesuffix('.yaml')}-{digest}", parse)
