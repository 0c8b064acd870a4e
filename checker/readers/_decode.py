"""Bytes to text, deterministically.

The order: the encoding the user names; a byte order mark; UTF-16 without a mark where it is
certain; UTF-8; GB18030. Nothing is guessed from statistics of languages: the two readings that
can be confused are told apart by how many of their characters are everyday Chinese ones, and
everything but UTF-8 is reported in a note. Bytes that are no text are refused.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from checker.readers._base import ReaderError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
    (b"\x84\x31\x95\x33", "gb18030", "GB18030"),
)
#: What common files that are no text begin with, and their names.
MAGIC = (
    (b"PK\x03\x04", "a zip archive (perhaps a Word or Excel file)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or encrypted Office file"),
    (b"%PDF-", "a PDF file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "an audio or video file"),
    (b"ID3\x02", "an MP3 recording"),
    (b"ID3\x03", "an MP3 recording"),
    (b"ID3\x04", "an MP3 recording"),
    (b"OggS", "an Ogg recording"),
    (b"fLaC", "a FLAC recording"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x7fELF", "a program"),
)
_REMEDY = "save it as UTF-8 text, or name its encoding with --encoding"
_CONTROLS = bytes([*range(9), *range(14, 27), *range(28, 32), 127])
_TWO_BYTES = re.compile("[\x00-\x7f\u00c0-\u07ff]*")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
#: Enough to tell encodings apart; a longer look only costs time.
_SAMPLE = 65536


def decode(data: bytes, path: str, encoding: str | None = None) -> tuple[str, tuple[str, ...]]:
    """The text without its byte order mark, and the notes to the user (in Chinese).

    Raises ReaderError where the bytes are no text, or none in the encoding given.
    """
    if encoding is not None:
        return _as_told(data, path, encoding), ()
    marked = _mark_of(data)
    if marked:
        mark, codec, name = marked
        return _with_mark(data[len(mark) :], path, codec, name)
    for magic, name in MAGIC:
        if data.startswith(magic):
            raise ReaderError(
                path,
                f"looks binary: it is {name}",
                "give a text file; Word and Excel files need the suffix .docx or .xlsx",
            )
    codec = _wide(data)
    if codec:
        return data.decode(codec), (f"按 UTF-16 读取（{codec[-2:].upper()}，无 BOM）",)
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if controls * 10 > len(data):
        raise ReaderError(path, "looks binary", _REMEDY)
    notes = (f"含有 {controls} 个控制字符",) if controls else ()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        text, more = _legacy(data, path, error.start)
        return text, notes + more
    if _is_chinese_misread(data, text):
        return data.decode("gb18030"), (*notes, "按 GB18030 读取")
    return text, notes


def _mark_of(data: bytes) -> tuple[bytes, str, str] | None:
    """The byte order mark that bytes begin with, its codec and the name of that."""
    for mark, codec, name in _MARKS:
        # UTF-16 whose first character is NUL begins as UTF-32 does.
        if data.startswith(mark) and not (codec == "utf-32-le" and len(data) % 4):
            return mark, codec, name
    return None


def encode_like(text: str, original: bytes, read_as: str) -> bytes:
    """The text in the encoding, and with the byte order mark, of the file that was ``read_as``.

    UTF-8 where no encoding gives that reading back, as after replaced bytes.
    """
    marked = _mark_of(original)
    if marked:
        mark, codec, _ = marked
        return mark + text.encode(codec, "surrogatepass" if codec.startswith("utf") else "strict")
    for codec in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
        try:
            if original.decode(codec) == read_as:
                return text.encode(codec)
        except UnicodeError:
            continue
    return text.encode("utf-8", "replace")


def _as_told(data: bytes, path: str, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except LookupError:
        raise ReaderError(
            path, f"unknown encoding {encoding!r}", "use for example utf-8, gb18030 or big5"
        ) from None
    except ValueError as error:
        start = getattr(error, "start", None)
        place = "" if start is None else f"byte {start + 1}"
        raise ReaderError(
            path, f"not valid {encoding}", "leave out --encoding or name another one", place
        ) from None
    return text.removeprefix("\ufeff")


def _with_mark(data: bytes, path: str, codec: str, name: str) -> tuple[str, tuple[str, ...]]:
    notes = () if codec == "utf-8" else (f"按 {name} 读取",)
    try:
        return data.decode(codec), notes
    except UnicodeDecodeError:
        text = data.decode(codec, "replace")
        # A file cut off in the middle of a character is still text; a wrong mark is not.
        if _is_damaged(text):
            raise ReaderError(
                path, f"begins with a {name} mark but is not {name}: looks binary", _REMEDY
            ) from None
        return text, (*notes, _replaced(text.count("\ufffd"), name))


def _legacy(data: bytes, path: str, first_bad: int) -> tuple[str, tuple[str, ...]]:
    """Bytes that are not UTF-8: GB18030, or either of the two with a few bad bytes.

    Both are tried on the bytes around the first bad one before the whole is read.
    """
    start = max(0, first_bad - _SAMPLE)
    while start < first_bad and 0x80 <= data[start] < 0xC0:
        start += 1
    if _is_nearly_utf8(_partly(data[start : first_bad + _SAMPLE], "utf-8")):
        nearly = data.decode("utf-8", "replace")
        if not _is_damaged(nearly):
            return nearly, (_replaced(nearly.count("\ufffd"), "UTF-8"),)
    sample = _partly(data[:_SAMPLE], "gb18030")
    if (
        _is_damaged(sample)
        or _everyday(sample) < 0.4
        or _is_damaged(text := data.decode("gb18030", "replace"))
    ):
        reason = "looks binary: it is neither UTF-8 nor UTF-16 nor GB18030"
        raise ReaderError(path, reason, _REMEDY)
    bad = text.count("\ufffd")
    return text, ("按 GB18030 读取", *((_replaced(bad, "GB18030"),) if bad else ()))


def _partly(data: bytes, codec: str) -> str:
    """Text of bytes that may end in the middle of a character."""
    return codecs.getincrementaldecoder(codec)("replace").decode(data)


def _is_nearly_utf8(text: str) -> bool:
    """GB18030 read as UTF-8 is bad nearly everywhere and has next to no Han character."""
    bad = text.count("\ufffd")
    wide = len(re.findall(r"[\u0800-\uffef\U00010000-\U0010ffff]", text))
    return wide > bad and bad <= max(1, wide // 20)


def _is_damaged(text: str) -> bool:
    return text.count("\ufffd") * 50 > len(text) + 50


def _replaced(count: int, name: str) -> str:
    return f"有 {count} 处不是有效的 {name}，读作“\ufffd”"


def _wide(data: bytes) -> str:
    """``utf-16-le`` or ``utf-16-be`` where the bytes can be nothing else, else nothing."""
    if len(data) % 2:
        return ""
    sample = data[:_SAMPLE]
    # Digits, spaces and line breaks give UTF-16 away by their zero bytes.
    zeros = b"\x00" in sample
    if not zeros and _is_utf8(sample):
        return ""
    scores: dict[str, float] = {}
    for codec in ("utf-16-le", "utf-16-be"):
        try:
            text = codecs.getincrementaldecoder(codec)().decode(sample)
        except UnicodeDecodeError:
            continue
        scores[codec] = 0.0 if _CONTROL.search(text) else _plain_share(text, any_han=zeros)
    best = max(scores, key=lambda codec: scores[codec], default="")
    if not best or scores[best] < 0.9:
        return ""
    # where UTF-8 cannot be, GB18030 must make much less sense
    if not zeros and _plain_share(_partly(sample, "gb18030")) >= scores[best] - 0.25:
        return ""
    try:
        data.decode(best)
    except UnicodeDecodeError:
        return ""
    return best


def _is_utf8(sample: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _is_chinese_misread(data: bytes, text: str) -> bool:
    """True for short GB18030 text that happens to be valid UTF-8: 一 is also the Cyrillic һ.

    That needs every character to be a letter of two bytes, and no ASCII letters beside Latin
    ones as in café.
    """
    if len(data) > _SAMPLE or text.isascii() or not _TWO_BYTES.fullmatch(text):
        return False
    if re.search("[A-Za-z]", text) and re.search("[\u00c0-\u017f]", text):
        return False
    try:
        chinese = data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return _plain_share(chinese) == 1.0


def _everyday(text: str) -> float:
    """The share of GB 2312 among the characters that are not ASCII; 1 for ASCII alone."""
    known = _gb2312(0xF8)
    foreign = [character for character in text if character > "\x7f"]
    return sum(character in known for character in foreign) / len(foreign) if foreign else 1.0


def _plain_share(text: str, *, any_han: bool = False) -> float:
    """The share of printable ASCII, Chinese marks and the commonest Han characters (or all)."""
    known = _gb2312(0xD8)
    plain = sum(
        " " <= character <= "~"
        or character in "\t\r\n"
        or character in known
        or (any_han and "\u4e00" <= character <= "\u9fff")
        for character in text
    )
    return plain / max(len(text), 1)


@lru_cache(maxsize=2)
def _gb2312(end: int) -> frozenset[str]:
    """Marks and Han characters of GB 2312 up to the row before ``end`` (0xD8: level 1 only)."""
    rows = [*range(0xA1, 0xAA), *range(0xB0, end)]
    cells = (bytes((row, cell)) for row in rows for cell in range(0xA1, 0xFF))
    return frozenset(character for cell in cells if (character := cell.decode("gb2312", "ignore")))
