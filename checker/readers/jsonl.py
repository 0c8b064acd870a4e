"""JSON Lines and JSON: calls, texts, or turns.

Read are, in a line or in a list: whole calls (``turns``, ``messages``, ``utterances`` …: a list of
turns), texts (``text``), and single turns (a speaker beside the words, as
``{"role", "words", "begin", "end"}`` of speech analytics), which are gathered by their call id, or
into one document where they have none. A turn may also be a pair of speaker and words or a
labelled string. Lists of turns are found inside the wrapping of speech recognition services too.
Keys go by the names in ``lexicons/script.yaml``; the others become metadata. Times are seconds;
``words``, ``bg`` and whole-numbered ``BeginTime`` are milliseconds, as the services that use these
names write them. What recognisers say of their own certainty, word by word or turn by turn, is kept
(names under ``recognition``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from checker.data import load_yaml
from checker.document import Document
from checker.readers import _table
from checker.readers._base import Piece, ReaderError, ReadOptions, compose
from checker.readers._decode import decode

SUFFIXES = (".jsonl", ".ndjson", ".json")

_REMEDY = 'give objects with "text", "turns", "messages", or "role" and "words"'
_SURROGATE = re.compile("[\ud800-\udfff]")
_MILLISECOND_TIMES = (
    "bg",
    "ed",
    "startms",
    "endms",
    "beginms",
    "begintime",
    "endtime",
    "starttime",
)
#: FunASR's list of sentences, whose start and end are milliseconds.
_MILLISECOND_LISTS = ("sentenceinfo",)
_DEEPEST = 6


def read(data: bytes, path: str, options: ReadOptions) -> list[Document]:
    """One document for each call and text; raises ReaderError with the place of what is wrong."""
    text, notes = decode(data, path, options.encoding)
    reader = _Reader(path, options)
    for line, value in _values(text, path):
        reader.add(value, f"第 {line} 行" if line else "", f"line {line}" if line else "")
    if reader.repaired:
        notes = (*notes, "残缺的 Unicode 代理项读作“\ufffd”")
    found = reader.documents()
    if not found:
        return [Document("", path=path, notes=notes)]
    return [found[0].with_fields(notes=notes), *found[1:]]


def _values(text: str, path: str) -> Iterator[tuple[int, Any]]:
    """Line and value of each line, or 0 and the only value of a file that is one."""
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    for position, (number, line) in enumerate(lines):
        try:
            yield (number if len(lines) > 1 else 0), _parse(line)
        except ValueError as error:
            # A value spread over lines begins with a line that ends too early.
            if position or getattr(error, "pos", 0) < len(line.rstrip()) or len(lines) == 1:
                raise _broken(path, error, number - 1) from None
            break
    else:
        return
    try:
        yield 0, _parse(text)
    except ValueError as error:
        raise _broken(path, error, 0) from None


def _broken(path: str, error: ValueError, above: int) -> ReaderError:
    place = f"line {getattr(error, 'lineno', 1) + above}, column {getattr(error, 'colno', 1)}"
    reason = f"not valid JSON ({getattr(error, 'msg', error)})"
    return ReaderError(path, reason, "write one object a line, or one list in the file", place)


def _parse(text: str) -> Any:
    """The value; ValueError for anything else, whatever the parser makes of it."""
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None


#: The same few keys come again on every line.
_plain = lru_cache(maxsize=4096)(_table.plain_name)


@lru_cache(maxsize=4096)
def _ranked(keys: tuple[str, ...], kind: str, told: str | None) -> list[str]:
    """The keys that may be the field, best first; the objects of a file share few sets of keys."""
    ranks = {_plain(told): 0} if told else _table.names()[kind]
    found = [(ranks[name], key) for key in keys if (name := _plain(key)) in ranks]
    return [key for _, key in sorted(found)]


@dataclass
class _Call:
    """Turns that belong together, with the metadata on which they agree."""

    turns: list[Piece] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class _Reader:
    """Sorts values into whole calls, texts and single turns, keeping the order of appearance."""

    path: str
    options: ReadOptions
    repaired: bool = False
    #: Whole times of the call being read are milliseconds, whatever their names.
    in_milliseconds: bool = False
    found: list[Document | _Call] = field(default_factory=list)
    calls: dict[str, _Call] = field(default_factory=dict)

    def documents(self) -> list[Document]:
        """What was added, the turns of a call gathered."""
        return [
            entry if isinstance(entry, Document) else self._call(entry.turns, _common(entry.metadata))
            for entry in self.found
        ]

    def add(self, value: Any, place: str, where: str) -> None:
        """Take one value in; ``place`` is for the user's anchors, ``where`` for errors."""
        if isinstance(value, str):
            self.found.append(self._text(value, place, {}))
        elif isinstance(value, list):
            self._add_list(value, place, where)
        elif isinstance(value, dict):
            self._add_object(value, place, where)
        else:
            raise ReaderError(self.path, "holds no text", _REMEDY, where)

    def _add_list(self, values: list[Any], place: str, where: str) -> None:
        if values and all(self._is_turn(value) for value in values):
            ids = {str(self._get(value, "call_id")) for value in values if isinstance(value, dict)}
            if len(ids) <= 1:
                shared = _common([self._metadata(v) for v in values if isinstance(v, dict)])
                self.found.append(self._call(self._turns(values, place, where), shared))
                return
        for number, value in enumerate(values, 1):
            self.add(value, f"{place}第 {number} 条", f"{where}, item {number}".lstrip(", "))

    def _add_object(self, item: dict[str, Any], place: str, where: str) -> None:
        turns = self._turn_list(item)
        self.in_milliseconds = any(_plain(key) in _MILLISECOND_LISTS for key in item)
        if turns is not None:
            pieces = self._turns(turns, place, where)
            self.found.append(self._call(pieces, self._metadata(item)))
        elif self._is_turn(item):
            key = self._get(item, "call_id")
            call = self.calls.get(str(key))
            if call is None:
                call = self.calls[str(key)] = _Call()
                self.found.append(call)
            call.turns.append(self._turn(item, place))
            call.metadata.append(self._metadata(item))
        elif (text := self._words(item)) is not None:
            self.found.append(self._text(text, place, self._metadata(item)))
        elif (turns := self._buried(item, 0)) is not None:
            self.found.append(self._call(self._turns(turns, place, where), {}))
        else:
            raise ReaderError(self.path, "holds no text", _REMEDY, where)

    def _text(self, text: str, place: str, metadata: dict[str, Any]) -> Document:
        piece = Piece(self._clean(text), place)
        document = compose([piece], is_dialogue=False, **self._fields(metadata))
        return document.with_fields(kind=_kind(metadata, "transcript" if document.turns else "text"))

    def _call(self, turns: Sequence[Piece], metadata: dict[str, Any]) -> Document:
        kind = _kind(metadata, "transcript")
        return compose(turns, is_dialogue=True, kind=kind, **self._fields(metadata))

    def _fields(self, metadata: dict[str, Any]) -> dict[str, Any]:
        return {"path": self.path, "metadata": metadata, **_table.about(metadata)}

    def _turns(self, values: list[Any], place: str, where: str) -> list[Piece]:
        pieces = []
        for number, value in enumerate(values, 1):
            if not self._is_turn(value) and not (isinstance(value, dict) and self._words(value) is not None):
                there = f"{where}, turn {number}".lstrip(", ")
                raise ReaderError(self.path, "a turn holds no words", _REMEDY, there)
            pieces.append(self._turn(value, f"{place}第 {number} 句"))
        return pieces

    def _turn(self, value: Any, place: str) -> Piece:
        if isinstance(value, str):
            return Piece(self._clean(value), place)
        if isinstance(value, list):
            return Piece(self._clean(value[1]), place, self._clean(value[0]))
        role = self._get(value, "role")
        speaker = "" if role is None else self._clean(str(role))
        words = self._clean(self._words(value) or "")
        begin, end = (self._seconds(value, kind) for kind in ("begin", "end"))
        return Piece(words, place, speaker, begin, end, heard=_heard(value, words))

    def _seconds(self, turn: dict[str, Any], kind: str) -> float | None:
        key, value = self._find(turn, kind)
        is_whole = isinstance(value, int)
        in_milliseconds = is_whole and (self.in_milliseconds or _plain(key) in _MILLISECOND_TIMES)
        text_key = _plain(self._find(turn, "text")[0])
        if in_milliseconds or (text_key in _table.MILLISECOND_TEXT and is_whole):
            return _table.seconds(value, 0.001)
        return _table.seconds(value)

    def _is_turn(self, value: Any) -> bool:
        """True for words with a speaker or a time beside them, a pair, or a labelled string."""
        if isinstance(value, list):
            return len(value) == 2 and all(isinstance(part, str) for part in value)
        if not isinstance(value, dict):
            return isinstance(value, str)
        has_words = self._words(value) is not None and self._turn_list(value) is None
        return has_words and any(self._get(value, kind) is not None for kind in ("role", "begin"))

    def _words(self, item: Mapping[str, Any]) -> str | None:
        value = self._get(item, "text")
        if isinstance(value, list):
            # Messages whose content is a list of parts, of which those with text are words.
            parts = [part.get("text") for part in value if isinstance(part, dict)]
            value = "\n".join(part for part in parts if isinstance(part, str)) if parts else None
        return value if isinstance(value, str) else None

    def _turn_list(self, item: Mapping[str, Any]) -> list[Any] | None:
        lists = (item[key] for key in _ranked(tuple(item), "turns", None))
        return next((value for value in lists if isinstance(value, list)), None)

    def _buried(self, value: Any, depth: int) -> list[Any] | None:
        """The first list of turns inside the wrapping of a service's answer."""
        inner = value.values() if isinstance(value, dict) else value
        for child in inner if depth < _DEEPEST else ():
            if isinstance(child, dict):
                found = self._turn_list(child) or self._buried(child, depth + 1)
            elif isinstance(child, list) and child and all(isinstance(v, dict) for v in child):
                is_turns = all(self._words(v) is not None for v in child)
                found = child if is_turns else self._buried(child, depth + 1)
            else:
                continue
            if found:
                return found
        return None

    def _find(self, item: Mapping[str, Any], kind: str) -> tuple[str, Any]:
        """Key and value of a field; ("", None) where the object has none."""
        told = {
            "text": self.options.text_column,
            "role": self.options.role_column,
            "call_id": self.options.id_column,
        }.get(kind)
        for key in _ranked(tuple(item), kind, told):
            if item[key] is not None:
                return key, item[key]
        return "", None

    def _get(self, item: Mapping[str, Any], kind: str) -> Any:
        return self._find(item, kind)[1]

    def _metadata(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """All keys but those of the words; the ones we know under our name for them."""
        ours = {self._find(item, kind)[0]: kind for kind in _table.CARRIED}
        turns = self._turn_list(item)
        of_words = ("text", "role", "begin", "end") if turns is None else ("text",)
        used = {self._find(item, kind)[0] for kind in of_words}
        found: dict[str, Any] = {}
        for key, value in item.items():
            if key and key in ours:
                found[ours[key]] = value
            elif key not in used and value is not turns:
                found[key] = value
            is_time = _plain(key) in _table.names()["begin"]
            if is_time and isinstance(value, str) and _table.seconds(value) is None:
                found.pop(key, None)
                found.setdefault("start_time", value)
        return found

    def _clean(self, text: str) -> str:
        """Half a surrogate pair, which JSON can write, is no character and fits no encoding."""
        if not _SURROGATE.search(text):
            return text
        self.repaired = True
        return _SURROGATE.sub("\ufffd", text)


@lru_cache(maxsize=1)
def _recognition() -> dict[str, dict[str, int]]:
    """What recognisers call lists of words, the words and their confidence -> rank."""
    listed = load_yaml("script.yaml")["recognition"]
    return {
        kind: {_plain(name): rank for rank, name in reversed(list(enumerate(listed[kind])))}
        for kind in ("lists", "word", "confidence", "turn_confidence")
    }


def _named(item: Mapping[str, Any], kind: str) -> Iterator[Any]:
    """The values of an object under the names of a kind, the preferred first."""
    ranks = _recognition()[kind]
    found = sorted((ranks[plain], key) for key in item if (plain := _plain(key)) in ranks)
    return (item[key] for _, key in found)


def _heard(turn: Mapping[str, Any], text: str) -> list[tuple[str, float]]:
    """The words of a turn with how sure the recogniser was; empty where it does not say.

    Whisper and the like give a list of objects, others a list of words beside a list of figures, or one
    figure for the whole turn. Fields that are all 0 were not filled in.
    """
    pairs = _pairs(turn, text)
    return pairs if any(sure for _, sure in pairs) else []


def _pairs(turn: Mapping[str, Any], text: str) -> list[tuple[str, float]]:
    words = next((value for value in _named(turn, "lists") if isinstance(value, list) and value), None)
    if words is not None and all(isinstance(word, dict) for word in words):
        pairs = []
        for word in words:
            said = next((value for value in _named(word, "word") if isinstance(value, str)), "")
            sure = next(map(_share, _named(word, "confidence")), None)
            pairs.append((said, 1.0 if sure is None else sure))
        return pairs
    figures = next(_named(turn, "turn_confidence"), None)
    if isinstance(figures, list):
        shares = [_share(value) for value in figures]
        if words is not None and len(words) == len(shares) and all(isinstance(word, str) for word in words):
            return [(word, 1.0 if sure is None else sure) for word, sure in zip(words, shares)]
        return []
    whole = _share(figures)
    return [] if whole is None else [(text, whole)]


def _share(value: Any) -> float | None:
    """A figure from 0 to 1, which some write as text; None for anything else."""
    try:
        share = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1.0
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None


def _common(items: list[dict[str, Any]]) -> dict[str, Any]:
    """The entries that no other item contradicts."""
    found: dict[str, Any] = {}
    differing: set[str] = set()
    for item in items:
        for key, value in item.items():
            if key != "start_time" and found.setdefault(key, value) != value:
                differing.add(key)
            found.setdefault(key, value)
    return {key: value for key, value in found.items() if key not in differing}


def _kind(metadata: Mapping[str, Any], otherwise: str) -> str:
    kind = metadata.get("kind")
    return kind if kind in ("text", "script", "transcript") else otherwise
