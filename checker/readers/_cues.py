"""Cues of subtitles (SRT, WebVTT): what is said from when to when.

The text of the document is that of the cues without times, numbers and markup; the anchor of a
cue is its number. A cue is a turn; labels in it (``客服：``) or a voice tag (``<v 坐席>``) name the
speaker. A cue without either is an unknown speaker's: whether the last one goes on speaking is
not said in the file. Words above the first cue, and below a time that cannot be understood, are
text as well; only what WebVTT defines to be no words (header, comments, styles) is left out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from checker.document import Document
from checker.late import late
from checker.readers._base import Piece, ReadOptions, compose
from checker.readers._decode import decode

# Typed by hand with a Chinese input method, colons and commas are wide.
_STAMP = r"(?:(\d{1,4})[:：])?(\d{1,2})[:：](\d{2}(?:[.,，]\d{1,6})?)"
_TIMES = late(rf"[ \t\ufeff]*{_STAMP}[ \t]*-->[ \t]*{_STAMP}(?:[ \t].*)?$")
_SRT_TAGS = r"</?(?:b|i|u|s|font)(?:\s[^>]*)?>|\{\\[^}]*\}"
_VTT_TAGS = r"</?(?:c|i|b|u|v|ruby|rt|lang)(?:[.\s][^>]*)?>|<(?:\d+:)?\d{1,2}:\d{2}\.\d{3}>"
_SRT_MARKUP = late(_SRT_TAGS, re.IGNORECASE)
_VTT_MARKUP = late(_VTT_TAGS, re.IGNORECASE)
_SRT_PARTS = late(rf"(?P<end>\r\n|\r)|(?P<tag>{_SRT_TAGS})", re.IGNORECASE)
_VTT_PARTS = late(rf"(?P<end>\r\n|\r)|(?P<tag>{_VTT_TAGS})|(?P<entity>&#?\w{{1,32}};)", re.IGNORECASE)
_LINE_END = late(r"\r\n|\n|\r")
_VOICE = late(r"<v(?:\.[^\s>]*)?[ \t]+([^>]*)>", re.IGNORECASE)
_NUMBER = late(r"[ \t]*(\d+)[ \t]*$")
_HAN = late(r"[\u3400-\u9fff\U00020000-\U000323af]")
_WEB = late(r"\ufeff?WEBVTT\b")
#: The place of words above the first cue.
_ABOVE = "第一条字幕之前"
_SILENT = late(r"\n(?:NOTE|STYLE|REGION)\b")


def plain_srt(payload: str) -> str:
    """The words of a SubRip cue, its markup left out."""
    return _SRT_MARKUP.sub("", payload)


def plain_vtt(payload: str) -> str:
    """The words of a WebVTT cue, markup left out and entities resolved."""
    return html.unescape(_VTT_MARKUP.sub("", payload))


def read_cues(data: bytes, path: str, options: ReadOptions, plain: Callable[[str], str]) -> list[Document]:
    """One transcript; a file without any cue is read as plain text, with a note."""
    text, notes = decode(data, path, options.encoding)
    lines, cues = _timings(text)
    pieces = list(_pieces(lines, cues, plain))
    if not pieces:
        notes = (*notes, "没有找到字幕时间，按纯文本读取") if text.strip() else notes
        return [Document.from_text(text, path=path, notes=notes)]
    odd = sum("-->" in line for line in lines) - len(cues)
    if odd:
        notes = (*notes, f"有 {odd} 行字幕时间看不懂，按文字读取")
    return [compose(pieces, is_dialogue=True, path=path, kind="transcript", notes=notes)]


def cue_starts(text: str) -> list[tuple[str, int]]:
    """The place of every cue, as anchors name it, and where its words may begin."""
    return [(_ABOVE, 0), *((cue.place, cue.start) for cue in _timings(text)[1])]


def plain_parts(text: str, *, is_vtt: bool) -> Iterator[tuple[int, int, str]]:
    """(start, end, words) of what the two functions above keep of a file; an entity or a line end is one letter."""
    place = 0
    for match in (_VTT_PARTS if is_vtt else _SRT_PARTS).finditer(text):
        if match.start() > place:
            yield place, match.start(), text[place : match.start()]
        words = match.group()
        place = match.end()
        if match.lastgroup == "end":
            yield match.start(), place, "\n"
        elif match.lastgroup == "entity":
            letter = html.unescape(words)
            yield match.start(), place, letter if len(letter) == 1 else words
    if place < len(text):
        yield place, len(text), text[place:]


class _Cue(NamedTuple):
    """A line of times: its number among the lines, where the next begins, and what it says."""

    place: str
    line: int
    start: int
    times: re.Match[str]


def _timings(text: str) -> tuple[list[str], list[_Cue]]:
    """The lines of a file, and the cues that begin in it."""
    ends = [(match.start(), match.end()) for match in _LINE_END.finditer(text)]
    starts = [0, *(end for _, end in ends)]
    lines = [text[start:end] for start, (end, _) in zip(starts, [*ends, (len(text), 0)])]
    cues: list[_Cue] = []
    for index, line in enumerate(lines):
        if times := _TIMES.match(line):
            number = _NUMBER.match(lines[index - 1]) if index else None
            place = f"字幕 {number[1] if number else len(cues) + 1}"
            cues.append(
                _Cue(place, index, starts[index + 1] if index + 1 < len(starts) else len(text), times)
            )
    return lines, cues


def _pieces(lines: list[str], cues: list[_Cue], plain: Callable[[str], str]) -> Iterator[Piece]:
    above = lines[: cues[0].line] if cues else []
    name = next((number for number, line in enumerate(above) if line.strip()), 0)
    is_web = bool(above and _WEB.match(above[name]))
    if is_web:  # its header ends at an empty line
        above = above[next((n for n in range(name, len(above)) if not above[n].strip()), len(above)) :]
    for label, payload in _voices(_payload(["", *above], bool(cues), is_web)):
        words = plain(payload).strip("\n")
        if words.strip():
            yield Piece(words, _ABOVE, label)
    for order, (place, index, _, match) in enumerate(cues):
        begin, end = _seconds(*match.group(1, 2, 3)), _seconds(*match.group(4, 5, 6))
        last = cues[order + 1].line if order + 1 < len(cues) else len(lines)
        for label, payload in _voices(_payload(lines[index + 1 : last], order + 1 < len(cues), is_web)):
            words = plain(payload).strip("\n")
            if words.strip():
                yield Piece(words, place, label, begin, end)


def _payload(lines: list[str], another_follows: bool, is_web: bool) -> str:
    """The words among the lines between two timings.

    The line above the next timing names that one: a number, or what stands alone below an empty
    line and says nothing in Chinese. An empty line ends a cue by the book; words after one are kept
    as SubRip files have them, but for the comments of WebVTT.
    """
    if another_follows and len(lines) > 1:
        last, above = lines[-1].strip(), lines[-2].strip()
        if last and (_NUMBER.match(last) or (not above and not _HAN.search(last))):
            lines = lines[:-1]
    blocks = re.split(r"\n[ \t]*(?=\n)", "\n".join(lines))
    kept = [block for block in blocks if not (is_web and _SILENT.match(block))]
    return "\n".join(block.strip("\n") for block in kept if block.strip())


def _voices(payload: str) -> Iterator[tuple[str, str]]:
    """Label and words of each voice in a cue; no label where none is tagged."""
    start, label = 0, ""
    for match in _VOICE.finditer(payload):
        yield label, payload[start : match.start()]
        start, label = match.end(), match[1].strip()
    yield label, payload[start:]


def _seconds(hours: str | None, minutes: str, seconds: str) -> float:
    return round(
        int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", ".").replace("，", ".")), 3
    )
