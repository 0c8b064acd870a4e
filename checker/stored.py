"""What takes a while to compute, kept in the user's cache folder.

The files hold JSON or plain arrays (``allow_pickle=False``): nothing in them is executed, and they
may be deleted at any time. Their names tell their content, so none is ever out of date.
``HUASHU_CACHE_DIR`` names another folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]


def cache_folder() -> Path:
    """Where compiled lexicons and arrays are kept."""
    base = os.environ.get("HUASHU_CACHE_DIR")
    if base:
        return Path(base)
    from platformdirs import user_cache_path

    return user_cache_path("huashu")


def write_cache(name: str, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file of the cache folder, which appears there complete or not at all."""
    target = cache_folder() / name
    temporary = target.with_name(f"{target.stem}.{os.getpid()}.tmp{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)  # a read-only home only costs speed


def cached_arrays(name: str, make: Callable[[], Arrays]) -> Arrays:
    """The stored arrays of this name, or those of ``make``, stored. ``name`` must tell the content."""
    file = f"{name}.npz"
    try:
        with np.load(cache_folder() / file, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        pass
    arrays = dict(make())
    write_cache(file, lambda path: np.savez(path, allow_pickle=False, **arrays))
    return arrays


def cached_json(name: str, make: Callable[[], Any]) -> Any:
    """As :func:`cached_arrays`, for what JSON can say; the answer is always as JSON reads it."""
    file = f"{name}.json"
    try:
        return json.loads((cache_folder() / file).read_bytes())
    except (OSError, ValueError):
        pass
    text = json.dumps(make(), ensure_ascii=False)
    write_cache(file, lambda path: path.write_text(text, encoding="utf-8"))
    return json.loads(text)
