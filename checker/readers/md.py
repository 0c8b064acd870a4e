"""Markdown, kept verbatim: its marks are the author's, and offsets are offsets in the file."""

from __future__ import annotations

from checker.readers.txt import read

__all__ = ["SUFFIXES", "read"]

SUFFIXES = (".md", ".markdown")
