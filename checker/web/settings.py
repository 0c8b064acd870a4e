"""Settings of the server: a YAML file, then the environment, then what the command line says.

An environment variable is ``HUASHU_SERVER_`` and the name of the setting in capitals; lists are
separated by commas. Every mistake is reported at once as a ConfigError, with its line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from checker.config import ConfigError, Problem
from checker.yaml_text import YamlError, parse_yaml

PREFIX = "HUASHU_SERVER_"


class Settings(BaseModel):
    """What the server is told once. Relative paths are relative to the working directory.

    ``config`` is the ``huashu.yaml`` by which everything is judged. ``max_text`` counts code points
    of one text, ``max_body`` bytes of one request, ``timeout`` seconds of one check. ``threads`` is
    how many checks run at a time; a check that ran out of time keeps its thread until it ends.
    ``cors_origins`` are the web origins that may read answers (``*`` for all). With ``api_keys``
    every API request must carry one. ``public_url`` is where users reach the server, for links.
    ``store`` is the SQLAlchemy URL of the desk's database, ``desk`` its own settings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8181, ge=0, le=65535)
    config: Path | None = None
    lexicons: tuple[Path, ...] = ()
    industry: str | None = None
    channel: str | None = None
    max_text: int = Field(default=200_000, ge=1)
    max_body: int = Field(default=20_000_000, ge=1)
    timeout: float = Field(default=20.0, gt=0)
    threads: int = Field(default=4, ge=1)
    cors_origins: tuple[str, ...] = ()
    api_keys: tuple[str, ...] = ()
    public_url: str = ""
    store: str | None = None
    desk: dict[str, Any] = Field(default_factory=dict)


_LISTS = {
    name
    for name, item in Settings.model_fields.items()
    if item.annotation in (tuple[str, ...], tuple[Path, ...])
}


def load_settings(
    path: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **given: Any,
) -> Settings:
    """The settings of a file, overridden by the environment, then by ``given`` values not None.

    Raises ConfigError with every mistake.
    """
    lines: dict[str, int] = {}
    values: dict[str, Any] = {}
    if path is not None:
        values, lines = _read(path)
    for name, value in (os.environ if environment is None else environment).items():
        key = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and key in Settings.model_fields and key != "desk":
            values[key] = (
                [item.strip() for item in value.split(",") if item.strip()] if key in _LISTS else value
            )
    values |= {key: value for key, value in given.items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        known = ", ".join(Settings.model_fields)
        problems = []
        for item in error.errors():
            key = ".".join(map(str, item["loc"]))
            remedy = f"; use one of {known}" if item["type"] == "extra_forbidden" else ""
            line = lines.get(str(item["loc"][0]), 1) if item["loc"] else 1
            problems.append(Problem(str(path or "server settings"), line, key, item["msg"] + remedy))
        raise ConfigError(problems) from None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """The values of a file and the lines of their keys."""
    try:
        node, values = parse_yaml(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            [Problem(str(path), 1, "", f"cannot be read ({error.strerror}); check the path")]
        ) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem(str(path), 1, "", "not UTF-8; save it as UTF-8")]) from None
    except YamlError as error:
        raise ConfigError([Problem(str(path), error.line, "", error.what)]) from None
    if values is None:
        return {}, {}
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError([Problem(str(path), 1, "", "expected settings such as 'port: 8181'")])
    return dict(values), {str(key.value): key.start_mark.line + 1 for key, _ in node.value}
