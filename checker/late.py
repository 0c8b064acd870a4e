"""Regular expressions that are compiled when they are first used.

Compiling the patterns of a module takes longer than a short check needs the module for.
"""

from __future__ import annotations

import re
from typing import Any, cast


def late(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """As :func:`re.compile`; a wrong pattern raises ``re.error`` where it is first used."""
    return cast("re.Pattern[str]", _Late(pattern, flags))


class _Late:
    """Stands for the compiled pattern; what was asked of it once is kept."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._source = pattern, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # nobody's business, and what copying and pickling look for
            raise AttributeError(name)
        found = getattr(re.compile(*self._source), name)
        setattr(self, name, found)
        return found
