"""Texts as the store can keep them, and files as texts."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import PurePath

from checker.desk.errors import InvalidError, TooLargeError
from checker.desk.settings import DeskSettings
from checker.document import Document, Speaker
from checker.readers import ReaderError, read_bytes

#: What a writer may upload.
SCRIPT_SUFFIXES = (".txt", ".md", ".docx", ".xlsx", ".csv")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_LABELS: dict[Speaker, str] = {"agent": "客服", "customer": "客户", "unknown": "说话人"}
_FORBIDDEN_NAMES = re.compile(r"[\x00-\x1f\x7f/\\]")


def storable(text: str) -> bool:
    """False for characters that PostgreSQL or UTF-8 cannot hold: NUL and lone surrogates."""
    return _UNSTORABLE.search(text) is None


def normal_lines(text: str) -> str:
    r"""Line ends as ``\n``: a browser may send either kind for the same text."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def script_text(text: str, settings: DeskSettings) -> str:
    """The text of a script, ready to store. Raises InvalidError or TooLargeError."""
    if not storable(text):
        raise InvalidError("文本含有无法保存的字符（空字符或残缺的代理对）")
    if not text.strip():
        raise InvalidError("话术是空的")
    if len(text) > settings.max_text:
        raise TooLargeError(f"话术有 {len(text)} 字，上限 {settings.max_text} 字")
    return normal_lines(text)


def safe_name(name: str) -> str:
    """The last part of a file name without control characters; only ever shown, never opened."""
    last = PurePath(name.replace("\\", "/")).name
    return _FORBIDDEN_NAMES.sub("", "".join(c for c in last if storable(c)))[:200] or "未命名"


def check_package(data: bytes, settings: DeskSettings) -> None:
    """Refuse an Office file that unpacks to too much, before anything unpacks it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise InvalidError("文件已损坏，不是有效的 Office 文件") from error
    size = sum(member.file_size for member in members)
    if size > settings.max_unpacked or len(members) > 5000:
        raise TooLargeError(f"文件解压后超过 {settings.max_unpacked // 1_000_000} MB")


def read_upload(data: bytes, name: str, settings: DeskSettings) -> list[tuple[str, str]]:
    """Title and text of each script in an uploaded file.

    Raises InvalidError or TooLargeError for what is no script; nothing else.
    """
    name = safe_name(name)
    path = PurePath(name)
    if path.suffix.lower() not in SCRIPT_SUFFIXES:
        raise InvalidError(f"只接受 {'、'.join(SCRIPT_SUFFIXES)} 文件")
    if len(data) > settings.max_upload:
        raise TooLargeError(f"文件超过 {settings.max_upload // 1_000_000} MB")
    office = path.suffix.lower() in (".docx", ".xlsx")
    if office != data.startswith(b"PK\x03\x04"):
        raise InvalidError("文件内容与扩展名不符")
    if office:
        check_package(data, settings)
    elif b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidError("文件不是文本")
    try:
        documents = read_bytes(data, name)
    except ReaderError as error:
        raise InvalidError(f"读不了这个文件：{error.reason}") from error
    documents = [document for document in documents if document.text.strip()]
    if len(documents) > settings.max_documents:
        raise TooLargeError(f"文件里有 {len(documents)} 份话术，一次最多 {settings.max_documents} 份")
    if not documents:
        raise InvalidError("文件里没有文字")
    made = []
    for number, document in enumerate(documents, 1):
        title = path.stem if len(documents) == 1 else f"{path.stem} {number}"
        made.append((title, script_text(labelled(document), settings)))
    return made


def labelled(document: Document) -> str:
    """The document as text whose labels name the speakers, so that the text alone is the script."""
    again = Document.from_text(normal_lines(document.text))
    if [turn.speaker for turn in again.turns] == [turn.speaker for turn in document.turns]:
        return document.text
    lines = []
    for turn in document.turns:
        words = " ".join(document.text[turn.span.start : turn.span.end].split())
        lines.append(f"{_LABELS[turn.speaker]}：{words}")
    return "\n".join(lines)
