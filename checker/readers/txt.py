"""Plain text: the text as it is, its dialogue labels read as turns."""

from __future__ import annotations

from checker.document import Document
from checker.readers._base import ReadOptions
from checker.readers._decode import decode

SUFFIXES = (".txt", ".text")


def read(data: bytes, path: str, options: ReadOptions) -> list[Document]:
    """One document of the whole file; line breaks stay as they are."""
    text, notes = decode(data, path, options.encoding)
    return [Document.from_text(text, path=path, notes=notes)]
