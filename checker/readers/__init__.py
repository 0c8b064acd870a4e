"""Files to documents.

The folder is the registry: each module here that names its ``SUFFIXES`` reads one format, and a
new format is one new file. The heavy libraries are imported inside the readers that need them.
A reader keeps the user's words as they are, says in ``Document.anchors`` where they stood, and
either succeeds or raises ReaderError.
"""

from __future__ import annotations

import os
import pkgutil
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

from checker.document import Document
from checker.readers._base import Format, ReaderError, ReadOptions

__all__ = ["FORMATS", "Format", "ReadOptions", "ReaderError", "read_bytes", "read_path"]


def _discover() -> dict[str, Format]:
    formats: dict[str, Format] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            reader = cast(Format, import_module(f"{__name__}.{module.name}"))
            formats |= dict.fromkeys(reader.SUFFIXES, reader)
    return dict(sorted(formats.items()))


#: Suffix with its dot, in lower case -> the module that reads it.
FORMATS: Mapping[str, Format] = _discover()

_SAVE_AS = {
    ".doc": ".docx",
    ".wps": ".docx",
    ".rtf": ".docx",
    ".odt": ".docx",
    ".pdf": ".docx or .txt",
    ".xls": ".xlsx",
    ".et": ".xlsx",
    ".ods": ".xlsx",
}
_WORD_OR_EXCEL = re.compile(rb"(?:^|PK\x03\x04.{26})(word|xl)/", re.DOTALL)
_SUBTITLE = re.compile(r"\s*(?:\d+\s*\n)?\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{3}[ \t]*-->")


def read_path(path: str | Path, options: ReadOptions | None = None) -> list[Document]:
    """The documents in a file; at least one, an empty file being an empty document.

    Text files, Word files and subtitles are one document each. Sheets and JSON may hold many
    calls, each of which is a document (see the readers). Raises ReaderError and nothing else.
    """
    name = str(path)
    try:
        if Path(path).is_char_device() and not os.path.samefile(path, os.devnull):
            raise ReaderError(name, "is a device, which has no end", "give - for standard input")
        data = Path(path).read_bytes()
    except MemoryError:
        raise ReaderError(name, "is too large for the memory", "split it") from None
    except FileNotFoundError:
        raise ReaderError(name, "no such file", "check the path") from None
    except IsADirectoryError:
        raise ReaderError(name, "is a folder", "name the files in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ReaderError(name, f"cannot be opened: {reason}", "check path and rights") from None
    return read_bytes(data, name, options)


def read_bytes(data: bytes, name: str, options: ReadOptions | None = None) -> list[Document]:
    """The documents in the bytes of a file or of stdin; ``name`` becomes their path.

    The format is that of ``options``, else of the suffix of the name, else that of the content.
    Raises ReaderError and nothing else.
    """
    options = options or ReadOptions()
    suffix = _suffix(data, name, options)
    if not data:
        return [Document("", path=name)]
    try:
        return FORMATS[suffix].read(data, name, options)
    except MemoryError:
        raise ReaderError(name, "is too large for the memory", "split it") from None


def _suffix(data: bytes, name: str, options: ReadOptions) -> str:
    if options.format is not None:
        suffix = "." + options.format.lower().lstrip(".")
        if suffix not in FORMATS:
            known = ", ".join(known.lstrip(".") for known in FORMATS)
            raise ReaderError(name, f"unknown format {options.format!r}", f"use one of {known}")
        return suffix
    suffix = Path(name).suffix.lower()
    if suffix in FORMATS:
        return suffix
    if suffix in _SAVE_AS:
        raise ReaderError(name, f"{suffix} files are not read", f"save it as {_SAVE_AS[suffix]}")
    return _sniff(data)


def _sniff(data: bytes) -> str:
    if data.startswith(b"PK\x03\x04"):
        match = _WORD_OR_EXCEL.search(data)
        if match:
            return ".docx" if match[1] == b"word" else ".xlsx"
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    if start.startswith("WEBVTT"):
        return ".vtt"
    if _SUBTITLE.match(start.replace("\r", "\n")):
        return ".srt"
    # Prose may begin with a bracket (a slot, a stage direction); a key in quotes may not.
    if re.match(r"\s*(?:\{|\[\s*[{\[])\s*\"", start):
        return ".jsonl"
    return ".txt"
