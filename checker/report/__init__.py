"""Reports as people and programs read them: one module a format, the folder is the registry.

A format is a module here with ``render(reports, *, options) -> str``; a name starting with ``_``
is a helper. ``json_lines.py`` is the format ``json-lines``. A module may name ``ALIASES``.
Nothing is imported before a format is asked for.

What every format keeps to: it decides nothing (level, verdict and order come from the report), it
is pure (same reports and options, same characters), it can be encoded as UTF-8 whatever the text
holds, and what an inline comment or a baseline accepts is never shown as a finding.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from typing import Protocol, cast

from checker.report._base import (
    RenderOptions,
    advice,
    dump_json,
    edit_text,
    encodable,
    excuse_words,
    rewrite_words,
)
from checker.types import Report

__all__ = [
    "FORMATS",
    "Format",
    "RenderOptions",
    "advice",
    "dump_json",
    "edit_text",
    "encodable",
    "excuse_words",
    "rewrite_words",
]


class Format(Protocol):
    """A module of this folder."""

    def render(self, reports: Sequence[Report], *, options: RenderOptions) -> str:
        """The reports in this format; never raises on what a text holds."""
        ...


class _Formats(Mapping[str, Format]):
    """Name to module. Iteration gives the names without aliases; both can be looked up."""

    @cached_property
    def _modules(self) -> dict[str, str]:
        found = (module.name for module in pkgutil.iter_modules(__path__))
        return {name.replace("_", "-"): name for name in sorted(found) if not name.startswith("_")}

    @cached_property
    def _aliases(self) -> dict[str, str]:
        return {alias: name for name in self._modules for alias in getattr(self[name], "ALIASES", ())}

    def __getitem__(self, name: str) -> Format:
        module = self._modules.get(name) or self._modules[self._aliases[name]]
        return cast(Format, import_module(f"{__name__}.{module}"))

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


FORMATS: Mapping[str, Format] = _Formats()
