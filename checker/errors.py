"""Problems of lexicon files, and the error that carries them.

Kept apart from the schema, which loads the validation library.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One mistake in one file."""

    file: str
    line: int
    where: str
    what: str

    def __str__(self) -> str:
        where = f" {self.where}:" if self.where else ""
        return f"{self.file}:{self.line}:{where} {self.what}"


class LexiconError(Exception):
    """Lexicons that cannot be used; ``problems`` holds every mistake of every file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        count = len(problems)
        super().__init__(
            "\n".join(map(str, problems))
            + f"\n{count} problem{'s' if count > 1 else ''}; see lexicons/README.md for the schema"
        )
