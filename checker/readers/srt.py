"""SubRip subtitles, as speech recognition writes them."""

from __future__ import annotations

from checker.document import Document
from checker.readers._base import ReadOptions
from checker.readers._cues import plain_srt, read_cues

SUFFIXES = (".srt",)


def read(data: bytes, path: str, options: ReadOptions) -> list[Document]:
    """One transcript whose turns carry begin and end."""
    return read_cues(data, path, options, plain_srt)
