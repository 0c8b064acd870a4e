"""huashu: which words of a Chinese sales-call script break the law, why, and what to say instead.

The public names below are imported when first used, so that ``import checker`` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from checker.config import Config, ConfigError
    from checker.document import Document, Place, Turn
    from checker.errors import LexiconError
    from checker.lexicon import Lexicon
    from checker.pipeline import Checker, check
    from checker.readers import ReaderError, ReadOptions, read_bytes, read_path
    from checker.types import (
        Apply,
        Attempt,
        Basis,
        Explanation,
        Finding,
        Level,
        Report,
        Rewrite,
        Span,
        State,
        Suppression,
        Verdict,
        judge,
    )

__version__ = "0.1.0"

_HOMES = {
    "Apply": "types",
    "Attempt": "types",
    "Basis": "types",
    "Checker": "pipeline",
    "Config": "config",
    "ConfigError": "config",
    "Document": "document",
    "Explanation": "types",
    "Finding": "types",
    "Level": "types",
    "Lexicon": "lexicon",
    "LexiconError": "errors",
    "Place": "document",
    "ReadOptions": "readers",
    "ReaderError": "readers",
    "Report": "types",
    "Rewrite": "types",
    "Span": "types",
    "State": "types",
    "Suppression": "types",
    "Turn": "document",
    "Verdict": "types",
    "check": "pipeline",
    "judge": "types",
    "read_bytes": "readers",
    "read_path": "readers",
}

__all__ = [
    "Apply",
    "Attempt",
    "Basis",
    "Checker",
    "Config",
    "ConfigError",
    "Document",
    "Explanation",
    "Finding",
    "Level",
    "Lexicon",
    "LexiconError",
    "Place",
    "ReadOptions",
    "ReaderError",
    "Report",
    "Rewrite",
    "Span",
    "State",
    "Suppression",
    "Turn",
    "Verdict",
    "check",
    "judge",
    "read_bytes",
    "read_path",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'checker' has no attribute {name!r}")
    return getattr(import_module(f"checker.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
