"""``huashu.yaml``: what a project sets once for all its scripts.

The nearest file above a script governs it; the search stops at a folder that holds ``.git``. Every
mistake of a file is reported in one run, with its line, what was expected and what to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from checker.stored import write_whole
from checker.types import Level

NAME = "huashu.yaml"
#: Fields of a call in an archive; ``columns`` may name them.
CALL_FIELDS = (
    "call_id",
    "agent_id",
    "team",
    "customer_number",
    "line_number",
    "start_time",
    "duration",
    "campaign",
    "industry",
    "channel",
    "consent",
    "outcome",
    "text",
    "role",
    "turns",
    "begin",
    "end",
)


@dataclass(frozen=True)
class Config:
    """The settings of one file; without a file, the defaults.

    ``lexicons``, ``baseline`` and ``model`` are absolute, resolved against the folder of the file. ``disable``
    and the keys of ``levels`` are rule ids or categories. ``allow`` are phrases inside which nothing
    is found, ``own_brands`` names of the seller's own goods and firm. ``exclude`` are globs.
    ``rewriter`` names a language model that may suggest wording: ``url`` (of OpenAI's shape, with its
    version), ``model``, ``key_env`` (the variable that holds the key) and ``seconds``.
    ``columns`` maps fields of a call to the names an archive gives them, ``record_policy`` is a file
    of limits for many calls (both for ``huashu batch``).
    """

    industry: str | None = None
    channel: str | None = None
    lexicons: tuple[Path, ...] = ()
    disable: tuple[str, ...] = ()
    levels: Mapping[str, Level] = field(default_factory=dict)
    allow: tuple[str, ...] = ()
    own_brands: tuple[str, ...] = ()
    fail_level: Level = Level.REVIEW
    baseline: Path | None = None
    model: Path | None = None
    exclude: tuple[str, ...] = ()
    encoding: str | None = None
    text_column: str | None = None
    role_column: str | None = None
    id_column: str | None = None
    rewriter: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    record_policy: Path | None = None
    path: Path | None = None


KEYS = tuple(item.name for item in fields(Config) if item.name != "path")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: ``key`` is empty when it is about the whole file; lines count from 1."""

    file: str
    line: int
    key: str
    what: str

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}:{self.line}:{key} {self.what}"


class ConfigError(Exception):
    """A configuration that cannot be used; ``problems`` holds every mistake."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


def find_config(start: str | Path) -> Path | None:
    """The nearest ``huashu.yaml`` at or above a file or folder, or None.

    The folder that holds ``.git`` is the last one looked at.
    """
    place = Path(start).absolute()
    for directory in (place, *place.parents):
        candidate = directory / NAME
        if candidate.is_file():
            return candidate
        if (directory / ".git").exists():
            return None
    return None


def load_config(path: str | Path) -> Config:
    """Read a configuration file; an empty one gives the defaults.

    Raises ConfigError with every problem.
    """
    from checker.config_file import Reader

    reader = Reader(Path(path))
    config = reader.read()
    if reader.problems:
        raise ConfigError(sorted(reader.problems, key=lambda problem: problem.line))
    return config


def edit_list(path: str | Path, key: str, item: str, *, add: bool = True) -> bool:
    """Add an item to a list of a configuration file or take it out; the rest stays as written.

    ``key`` is ``allow``, ``disable`` or another list of texts. The file is made when it does not
    exist. False when the list was so already. Raises ConfigError when the file cannot be read,
    changed or would not load afterwards; then it is as it was.
    """
    from checker.config_file import edited

    place = Path(path)
    before: str | None = None
    try:
        if place.exists():
            before = place.read_bytes().decode("utf-8-sig")
        present = getattr(load_config(place), key) if before is not None else ()
        if (item in present) is add:
            return False
        write_whole(place, edited(before or "", key, item, add).encode())
        try:
            if (item in getattr(load_config(place), key)) is add:
                return True
        except ConfigError:
            pass
        what = f"the list could not be changed by itself; {'add' if add else 'remove'} {item!r} by hand"
        if before is None:
            place.unlink()
        else:
            write_whole(place, before.encode())
    except (OSError, UnicodeError, RecursionError) as error:
        what = f"cannot be changed: {error}; check the file and its rights"
    raise ConfigError([Problem(str(place), 1, key, what)])
