"""The pre-approval desk: a script's way from draft to a signed approval, and back.

Layers, each importing only downwards: ``web`` (REST API and pages, which only translate),
``services`` (what may happen, to what, by whom), ``store`` (tables, migrations, sessions),
``settings``. Whatever changes state happens in one transaction together with its audit entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["install"]


def install(app: FastAPI, store: str, section: Mapping[str, Any]) -> None:
    """Add the desk to an application whose ``state.service`` has a ``checker``.

    ``store`` is the SQLAlchemy URL of its database, ``section`` its settings. Migrates the store.
    """
    from checker.desk.settings import desk_settings
    from checker.desk.web.install import install_desk

    install_desk(app, desk_settings({**section, "store": store}))
