"""Settings of the desk: the ``desk`` section of the server's file, then ``HUASHU_DESK_*`` variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from checker.config import ConfigError, Problem

PREFIX = "HUASHU_DESK_"


class OidcSettings(BaseModel):
    """A provider of identities. People are matched by ``sub``, then created as ``default_role``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    client_id: str
    client_secret: str
    default_role: str = "writer"
    name_claim: str = "preferred_username"


class DeskSettings(BaseModel):
    """What the desk is told once.

    ``data`` is the folder of evidence files, the signing key and, unless ``store`` names another
    database, of ``desk.db``. ``session_hours`` is how long a login lasts without use.
    ``max_upload`` counts bytes of one file, ``max_unpacked`` bytes of all members of an Office
    file. ``secure_cookies`` is for servers reached by https. ``trusted_proxies`` are addresses
    whose ``X-Forwarded-For`` is believed. ``sweep_seconds`` is how often expiry is looked at.
    ``metrics_token``, when set, must be carried by whoever reads the metrics.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Field(default_factory=lambda: user_data_path("huashu"))
    store: str | None = None
    session_hours: float = Field(default=12, gt=0)
    max_text: int = Field(default=200_000, ge=1)
    max_upload: int = Field(default=10_000_000, ge=1)
    max_unpacked: int = Field(default=50_000_000, ge=1)
    max_documents: int = Field(default=200, ge=1)
    login_failures: int = Field(default=5, ge=1)
    login_failures_per_address: int = Field(default=30, ge=1)
    login_minutes: float = Field(default=15, gt=0)
    secure_cookies: bool = False
    trusted_proxies: tuple[str, ...] = ()
    public_url: str = ""
    sweep_seconds: float = Field(default=60, gt=0)
    metrics_token: str = ""
    oidc: OidcSettings | None = None

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the store."""
        return self.store or f"sqlite:///{self.data / 'desk.db'}"


def desk_settings(
    section: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> DeskSettings:
    """The settings of a section, overridden by the environment. Raises ConfigError."""
    values = dict(section or {})
    for name, value in (os.environ if environment is None else environment).items():
        key = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and key in DeskSettings.model_fields and key != "oidc":
            values[key] = [p.strip() for p in value.split(",")] if key == "trusted_proxies" else value
    try:
        return DeskSettings.model_validate(values)
    except ValidationError as error:
        known = ", ".join(DeskSettings.model_fields)
        raise ConfigError(
            [
                Problem("desk settings", 1, ".".join(map(str, item["loc"])), f"{item['msg']}; known: {known}")
                for item in error.errors()
            ]
        ) from None
