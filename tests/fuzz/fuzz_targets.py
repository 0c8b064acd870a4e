"""What is fuzzed: for each door into the checker a function that takes bytes and may not fail.

A target reads its choices from the first bytes and the rest as a text or a file, and asserts what
must hold for any input: only the one documented error, every offset inside the text, the words of a
finding equal to the text of its span. ``run.py`` drives the targets guided by coverage; ``test_fuzz.py``
replays the seeds and every input that ever failed.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import re
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from copy import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np

from checker.baseline import BaselineError, load_baseline
from checker.batch.sheet import sheet_rows
from checker.classifier import Classifier, ModelError, write_model
from checker.config import ConfigError, edit_list, load_config
from checker.document import CHANNELS, Document, parse_turns
from checker.errors import LexiconError
from checker.lexicon import compile_sources, load
from checker.lint import cases
from checker.live import LiveCall
from checker.normalize import encode, fold, inserted_view, join, plain_view
from checker.personal import find_personal_data, mask
from checker.pipeline import Checker
from checker.readers import FORMATS, ReaderError, ReadOptions, read_bytes
from checker.readers._decode import decode, encode_like
from checker.report import FORMATS as REPORTS
from checker.report import RenderOptions
from checker.rewrite.proof import spliced
from checker.stored import cached_arrays, cached_json
from checker.suppress import parse_suppressions
from checker.types import Report, Span, State, judge

T = TypeVar("T")
_FOLDER = Path(tempfile.mkdtemp(prefix="huashu-fuzz-"))
INDUSTRIES = (None, "insurance", "finance", "health-food", "education", "other", "没有这个行业", "")


class Given:
    """The bytes of one input, taken from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def byte(self) -> int:
        """The next byte; 0 when there is none left."""
        self._place += 1
        return self._data[self._place - 1] if self._place <= len(self._data) else 0

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.byte() % len(options)]

    def take(self, size: int) -> bytes:
        """So many bytes, or what is left."""
        taken = self._data[self._place : self._place + size]
        self._place += size
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data))

    @property
    def is_empty(self) -> bool:
        """True when all bytes are taken."""
        return self._place >= len(self._data)


def as_text(data: bytes) -> str:
    """Any bytes as a string; what is not UTF-8 becomes lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


# --- what must hold -----------------------------------------------------------------------------------


def hold_findings(report: Report) -> None:
    """Offsets, words, order and verdict of a report."""
    text = report.document.text
    for finding in (*report.findings, *report.excused):
        start, end = finding.span
        assert 0 <= start <= end <= len(text), finding
        assert finding.matched == text[start:end], finding
        assert 0 <= finding.confidence <= 1, finding
        if finding.turn is not None:
            turn = report.document.turns[finding.turn]
            assert turn.speaker != "customer" or finding.category == "suppression", finding
            assert turn.span.start <= start <= turn.span.end, finding
        for rewrite in finding.rewrites:
            assert 0 <= rewrite.span.start <= rewrite.span.end <= len(text), rewrite
    order = [(finding.span.start, finding.rule_id) for finding in report.findings]
    assert order == sorted(order)
    assert report.verdict is judge(report.findings)
    assert all(finding.state is not State.EXCUSED for finding in report.findings)
    json.dumps(report.to_dict(), ensure_ascii=False)


def hold_document(document: Document) -> None:
    """Anchors and turns in order and inside the text; every offset has a place."""
    size = len(document.text)
    starts = [anchor.start for anchor in document.anchors]
    assert starts == sorted(set(starts))
    assert all(0 <= start <= size for start in starts)
    edges = [edge for turn in document.turns for edge in turn.span]
    assert edges == sorted(edges)
    assert all(0 <= edge <= size for edge in edges)
    assert [turn.index for turn in document.turns] == list(range(len(document.turns)))
    for offset in {0, size // 2, size}:
        place = document.locate(offset)
        assert place.line >= 1
        assert place.column >= 1


def hold_view(view: Any, text: str) -> None:
    """The offset map of a view leads into the text, forwards inside a sentence."""
    assert len(view.codes) == len(view.index) == len(view.text)
    assert view.text == "".join(map(chr, view.codes.tolist()))
    assert len(view.starts) == len(view.ends) == len(view.sentences) == len(view.readings)
    if len(view.index):
        assert int(view.index.min()) >= 0
        assert int(view.index.max()) < len(text)
    for start, end in zip(view.starts.tolist(), view.ends.tolist()):
        assert 0 <= start <= end <= len(view.codes)
        inside = view.index[start:end]
        assert (inside[1:] > inside[:-1]).all()
        span = view.origin(start, end)
        assert 0 <= span.start <= span.end <= len(text)


# --- texts --------------------------------------------------------------------------------------------


@cache
def checkers() -> tuple[Checker, Checker]:
    """(with rewrites, without); they share what is compiled."""
    proving = Checker()
    proving.check("预热")
    quick = copy(proving)
    quick.rewrites = False
    return proving, quick


def normalize(data: bytes) -> None:
    """Views map back to the text whatever is in it."""
    given = Given(data)
    kind = given.byte() % 4
    text = as_text(given.rest())
    document = Document(text=text)
    blank: tuple[Span, ...] = ()
    if kind == 1:
        document = Document.from_text(text)
    elif kind == 2 and len(text) > 2:
        blank = (Span(len(text) // 3, len(text) // 2),)
    elif kind == 3:
        document = Document.from_turns(
            [(("agent", "customer")[n % 2], t) for n, t in enumerate(text.split("|"))]
        )
        text = document.text
    plain = plain_view(document, blank)
    hold_view(plain, text)
    inserted = inserted_view(plain)
    if inserted is not None:
        hold_view(inserted, text)
    hold_view(join(plain, inserted), text)
    assert encode(text).size == len(text)
    assert fold(fold(text)) == fold(text) or len(text) > 0


def marks(data: bytes) -> None:
    """Labels, suppressions, personal data, encodings and positions: what is read before any rule."""
    from checker.lsp.text import Text

    text = as_text(data)
    turns = parse_turns(text)
    edges = [edge for turn in turns for edge in turn.span]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(text) for edge in edges)
    directives = parse_suppressions(text)
    spans = [directive.span for directive in directives]
    assert spans == sorted(spans)
    for directive in directives:
        for scope in (directive.span, *directive.scopes):
            assert 0 <= scope.start <= scope.end <= len(text)
    for datum in find_personal_data(text):
        assert 0 <= datum.span.start < datum.span.end <= len(text)
    assert len(mask(text)) == len(text)
    for encoding in ("utf-8", "utf-16"):
        lines = Text(text, encoding)
        for offset in {0, len(text) // 3, len(text)}:
            if text[offset - 1 : offset + 1] != "\r\n":
                assert lines.offset(lines.position(offset)) == offset
    try:
        decoded, _ = decode(data, "marks.txt")
    except ReaderError:
        return
    # Bytes that were replaced when read are gone; else the file is written as it was.
    if "\ufffd" not in decoded:
        assert encode_like(decoded, data, decoded) == data


def check(data: bytes) -> None:
    """The whole check, with and without rewrites, as a text or as turns."""
    given = Given(data)
    kind = given.byte()
    proving, quick = checkers()
    fields = {"industry": given.choice(INDUSTRIES), "channel": (None, *CHANNELS)[kind // 16 % 9]}
    text = as_text(given.rest())
    if kind & 3 == 1:
        speakers = ("agent", "customer", "unknown", "客服")
        turns = [(speakers[n % 4], said, n, n + 1) for n, said in enumerate(text.split("\n"))]
        document = Document.from_turns(turns, **fields)
    else:
        document = Document.from_text(text, **fields)
    hold_document(document)
    found = quick.check(document, ended=kind & 4 == 0)
    hold_findings(found)
    if kind & 8:
        report = proving.check(document, ended=kind & 4 == 0)
        hold_findings(report)
        # What is proposed never changes what is found.
        bare = [(f.rule_id, f.span, f.state) for f in report.findings]
        assert bare == [(f.rule_id, f.span, f.state) for f in found.findings]
        assert isinstance(report.rewritten, str)


def report(data: bytes) -> None:
    """Every format can say every finding, in a form its readers can parse."""
    given = Given(data)
    name = given.choice(sorted(REPORTS))
    options = RenderOptions(color=given.byte() % 2 == 1, width=20 + given.byte() % 200, show_excused=True)
    text = as_text(given.rest())
    _, quick = checkers()
    document = Document.from_text(text, path=text[:20].replace("\x00", ""))
    written = REPORTS[name].render([quick.check(document)], options=options)
    written.encode("utf-8")
    if name in ("json", "sarif", "gitlab", "rdjson"):
        json.loads(written)
    elif name == "json-lines":
        assert all(isinstance(json.loads(line), dict) for line in written.split("\n") if line)
    elif name == "junit":
        ElementTree.fromstring(written.encode("utf-8"))


def live(data: bytes) -> None:
    """A call heard piece by piece ends with the report of the whole."""
    given = Given(data)
    _, quick = checkers()
    call = LiveCall(quick, {"industry": given.choice(INDUSTRIES)}, show_personal_data=True)
    for piece in given.rest()[:600].split(b"\n")[:8]:
        kind = piece[0] if piece else 0
        said = as_text(piece[1:])
        speaker = ("agent", "customer", "客服", "")[kind % 4]
        (call.partial if kind & 4 else call.final)(speaker, said)
    call.end()
    heard = call.report()
    hold_findings(heard)
    whole = quick.check(call.document)
    assert [(f.rule_id, f.span) for f in heard.findings] == [(f.rule_id, f.span) for f in whole.findings]


# --- files --------------------------------------------------------------------------------------------


@cache
def package(kind: str) -> dict[str, bytes]:
    """The members of a small Word or Excel file."""
    saved = io.BytesIO()
    if kind == ".docx":
        import docx

        docx.Document().save(saved)
    else:
        import openpyxl

        book = openpyxl.Workbook()
        book.active["A1"] = "您好"
        book.save(saved)
    with zipfile.ZipFile(saved) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(kind: str, member: str, content: bytes) -> bytes:
    """A Word or Excel file with one member replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in {**package(kind), member: content}.items():
            archive.writestr(name, data)
    return out.getvalue()


def readers(data: bytes) -> None:
    """Any bytes under any suffix are documents or a ReaderError."""
    given = Given(data)
    suffix = given.choice(["", *FORMATS])
    kind = given.byte()
    options = ReadOptions(
        encoding=(None, None, None, "utf-8", "gb18030", "utf-16", "big5", "nonsense")[kind % 8],
        text_column=(None, None, "内容", "B")[kind // 8 % 4],
        role_column=(None, None, "角色", "1")[kind // 32 % 4],
        sheet=(None, "1")[kind // 128],
    )
    content = given.rest()
    if suffix in (".docx", ".xlsx") and kind & 1:
        member = "word/document.xml" if suffix == ".docx" else "xl/worksheets/sheet1.xml"
        content = packed(suffix, member, content)
    try:
        found = read_bytes(content, f"input{suffix}", options)
    except ReaderError:
        return
    assert found
    for document in found:
        hold_document(document)


_MEMBERS = (
    (".docx", ("word/document.xml", "word/styles.xml", "word/_rels/document.xml.rels")),
    (".xlsx", ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml")),
)


def office(data: bytes) -> None:
    """Any XML inside an otherwise whole Word or Excel file is read or refused."""
    given = Given(data)
    suffix, members = given.choice(_MEMBERS)
    content = packed(suffix, given.choice(members), given.rest())
    if suffix == ".xlsx":
        place = _FOLDER / "sheet.xlsx"
        place.write_bytes(content)
        try:
            for cells, share in sheet_rows(place):
                "".join(map(str, cells)).encode()
                assert 0 <= share <= 1
        except ReaderError:
            pass
    try:
        found = read_bytes(content, f"input{suffix}")
    except ReaderError:
        return
    for document in found:
        hold_document(document)


def batch(data: bytes) -> None:
    """A line or a row of an archive is calls or a reject, and what comes of it fits the tables."""
    from checker.batch.records import RawCall
    from checker.batch.work import CALLS, FINDINGS, REJECTS, arrow_table, check_calls

    given = Given(data)
    kind = given.byte()
    content = given.rest()
    payload: Any = content
    if kind & 1:
        try:
            # Cells of a table hold no half surrogate pairs.
            rows = json.loads(content.decode("utf-8", "replace").replace("\\u", "u"))
        except (ValueError, RecursionError):
            return
        payload = tuple(row for row in (rows if isinstance(rows, list) else [rows]) if isinstance(row, dict))
        if not payload:
            return
    columns = ({}, {"text": "内容", "start_time": "x"})[kind // 2 % 2]
    _, quick = checkers()
    rows_out = check_calls([RawCall("a", "第 1 行", payload)], quick, _FOLDER, columns, b"key")
    for rows, table in ((rows_out.calls, CALLS), (rows_out.findings, FINDINGS), (rows_out.rejects, REJECTS)):
        arrow_table(rows, table)
        for row in rows:
            json.dumps(row, ensure_ascii=False, default=str).encode()


def fixed(data: bytes) -> None:
    """A file rewritten in its own format reads back as the text with the rewrites in it.

    What could not be written is said and stays as it was; nothing else may change.
    """
    from checker.rewrite import disjoint
    from checker.rewrite_file import write_rewritten

    given = Given(data)
    suffix = given.choice((".txt", ".md", ".csv", ".srt", ".docx", ".xlsx", ".vtt", ".json"))
    content = given.rest()
    if suffix in (".docx", ".xlsx"):
        content = packed(suffix, _MEMBERS[suffix == ".xlsx"][1][0], content)
    source, target = _FOLDER / f"source{suffix}", _FOLDER / f"target{suffix}"
    source.write_bytes(content)
    proving, _ = checkers()
    try:
        documents = read_bytes(content, str(source))
        if sum(len(document.text) for document in documents) > 2000 or len(documents) > 20:
            return
        edits = []
        for document in documents:
            report = proving.check(document)
            edits.append((report, disjoint(f.rewrites[0] for f in report.findings if f.rewrites)))
        left = write_rewritten(source, edits, target)
        after = read_bytes(target.read_bytes(), str(target))
    except ReaderError:
        return
    _hold_rewritten(documents, edits, left, after)


def _hold_rewritten(
    documents: Sequence[Document], edits: Sequence[Any], left: Sequence[Any], after: Sequence[Document]
) -> None:
    expected = []
    for document, (_, changes) in zip(documents, edits):
        out = [edit.edit for edit in left if edit.document is document]
        expected.append(spliced(document.text, [change for change in changes if change not in out]))
    # A cue, a line or a cell whose words were all taken out is no piece of the text any more.
    told, read = ("".join("".join(words).split()) for words in (expected, (found.text for found in after)))
    assert told == read, (expected, [found.text for found in after])


_TABLES = (
    ("lexicons/classes.yaml", "goods: [理财, 保险]\n"),
    (
        "lexicons/law.yaml",
        "tracks: {always: {applies_when: 任何渠道}}\npenalties: {}\nlaws:\n  - law: 中华人民共和国广告法\n    strength: must\n"
        "    articles: [{id: ad-law/9, article: 第九条, track: always, penalties: [], verified: true}]\n",
    ),
    ("lexicons/rewrites.yaml", "statements: []\nwares: 茶\ncounted: 套\nills: 失眠\n"),
    ("lexicons/acts.yaml", "customer: []\nagent: []\n"),
)


def lexicon(data: bytes) -> None:
    """Any file among the lexicons compiles or is refused with its problems."""
    text = data.decode("utf-8", "replace")
    try:
        compiled = compile_sources([*_TABLES, ("house/rules.yaml", text)])
    except LexiconError as error:
        lines = [problem.line for problem in error.problems]
    else:
        json.dumps(compiled, ensure_ascii=False)
        return
    assert lines
    assert min(lines) >= 1


def files(data: bytes) -> None:
    """Configurations, settings, baselines, models and caches are loaded or refused, never worse."""
    from checker.web.settings import load_settings

    given = Given(data)
    kind = given.byte() % 8
    content = given.rest()
    place = _FOLDER / "huashu.yaml"
    before = os.environ.get("HUASHU_CACHE_DIR")
    try:
        place.write_bytes(content)
        if kind == 0:
            load_config(place)
        elif kind == 1:
            edit_list(
                place, "allow", as_text(content[:8]).replace("\udc80", "") or "词", add=len(content) % 3 > 0
            )
        elif kind == 2:
            load_settings(place, {})
        elif kind == 3:
            load_baseline(place)
        elif kind == 4:
            Classifier._of(content, "model")
        elif kind == 5:
            header, _, body = content.partition(b"\n")
            loaded = json.loads(header)
            array = np.frombuffer(body[: len(body) // 4 * 4], dtype=np.int32)
            made = write_model(loaded if isinstance(loaded, dict) else {}, {"weights": array, "gate": array})
            Classifier._of(made, "model")
        else:
            os.environ["HUASHU_CACHE_DIR"] = str(_FOLDER)
            if kind == 6:
                (_FOLDER / "array.npz").write_bytes(content)
                kept = cached_arrays("array", lambda: {"table": np.arange(3)})
                assert all(isinstance(array, np.ndarray) for array in kept.values())
            else:
                (_FOLDER / "value.json").write_bytes(content)
                cached_json("value", lambda: {"a": 1})
    except (ConfigError, BaselineError, ModelError):
        pass
    except ValueError:
        if kind != 5:  # the header was no JSON
            raise
    finally:
        if before is None:
            os.environ.pop("HUASHU_CACHE_DIR", None)
        else:
            os.environ["HUASHU_CACHE_DIR"] = before


# --- servers ------------------------------------------------------------------------------------------


class Inline(Executor):
    """Runs what it is given at once, so that an input is done when its handler is."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run now."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@cache
def loop() -> asyncio.AbstractEventLoop:
    """One event loop for all inputs."""
    return asyncio.new_event_loop()


class _Client:
    """A language server in this process, and the client's own idea of the text."""

    def __init__(self) -> None:
        from checker.lsp.server import make_server

        self.server = make_server()
        self.server._pool = Inline()
        self.server.protocol.set_writer(self)
        self.server.report_server_error = self._failed  # type: ignore[method-assign]
        self.sent: list[dict[str, Any]] = []
        self.failures: list[Exception] = []
        self.number = 0
        self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": None,
                "capabilities": {},
                "initializationOptions": {"debounce": 0},
            },
        )

    def _failed(self, error: Exception, source: Any) -> None:
        self.failures.append(error)

    def write(self, data: bytes) -> None:
        """What the server sends."""
        for body in re.split(rb"Content-Length: \d+\r\n(?:Content-Type: [^\r]*\r\n)?\r\n", data):
            if body:
                self.sent.append(json.loads(body))

    def close(self) -> None:
        """Nothing to close."""

    def raw(self, body: bytes) -> None:
        """A message as it comes from the wire."""
        protocol = self.server.protocol

        async def hand_over() -> None:
            protocol.handle_message(json.loads(body, object_hook=protocol.structure_message))
            for _ in range(4):
                await asyncio.sleep(0)
                waiting = [task for task in self.server._pending.values() if not task.done()]
                if waiting:
                    await asyncio.wait(waiting, timeout=5)

        loop().run_until_complete(hand_over())

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self.raw(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    def request(self, method: str, params: Any) -> Any:
        """Send a request and return its result; a server's error is a failure."""
        self.number += 1
        self.raw(
            json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}).encode()
        )
        answers = [sent for sent in self.sent if sent.get("id") == self.number and "method" not in sent]
        self.sent.clear()
        assert answers, method
        assert "error" not in answers[-1], answers[-1]
        return answers[-1]["result"]


@cache
def client() -> _Client:
    """Started once."""
    return _Client()


def _lines(text: str) -> list[str]:
    return re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)


def _offset(text: str, line: int, character: int) -> int:
    """The code point of a UTF-16 position, worked out apart from the server."""
    lines = _lines(text)
    if line >= len(lines):
        return len(text)
    offset = sum(map(len, lines[:line]))
    for letter in lines[line].rstrip("\r\n"):
        if character <= 0:
            break
        character -= 2 if ord(letter) > 0xFFFF else 1
        offset += 1
    return offset


def lsp(data: bytes) -> None:
    """A session of opening, editing and asking: text and ranges are those of the client."""
    given = Given(data)
    own = client()
    uri = f"file:///none/{given.choice(('call.txt', 'call.md', 'call.csv', 'call'))}"
    encoded = quote(uri, safe=":/")
    text = as_text(given.take(40 + given.byte()))
    own.notify(
        "textDocument/didOpen",
        {"textDocument": {"uri": encoded, "languageId": "plaintext", "version": 1, "text": text}},
    )
    for version in range(2, 8):
        if given.is_empty:
            break
        kind = given.byte() % 8
        place = {"line": given.byte() % 5, "character": given.byte() % 40}
        until = {"line": given.byte() % 5, "character": given.byte() % 40}
        span = {"start": place, "end": until}
        named = {"uri": encoded}
        if kind <= 3:
            words = as_text(given.take(given.byte() % 60))
            change: dict[str, Any] = {"text": words}
            if kind:
                start, end = (_offset(text, **where) for where in (place, until))
                start, end = min(start, end), max(start, end)
                text = text[:start] + words + text[end:]
                change["range"] = span
            else:
                text = words
            own.notify(
                "textDocument/didChange",
                {"textDocument": {**named, "version": version}, "contentChanges": [change]},
            )
        elif kind == 4:
            own.request("textDocument/hover", {"textDocument": named, "position": place})
        elif kind == 5:
            context = {"diagnostics": []}
            own.request("textDocument/codeAction", {"textDocument": named, "range": span, "context": context})
        elif kind == 6:
            own.request("textDocument/diagnostic", {"textDocument": named})
        else:
            own.notify("workspace/didChangeConfiguration", {"settings": {"showExcused": version % 2 == 0}})
        assert own.server.texts[encoded].text == text
    analysis = own.server.analyses.get(encoded)
    if analysis is not None and analysis.text is own.server.texts[encoded]:
        is_table = uri.endswith(".csv")
        for item in analysis.items:
            spot = analysis.text.range(item.span)
            begin = _offset(text, spot.start.line, spot.start.character)
            end = _offset(text, spot.end.line, spot.end.character)
            assert (begin, end) == tuple(item.span), (item, spot)
            assert is_table or text[begin:end] == item.finding.matched
    own.notify("textDocument/didClose", {"textDocument": {"uri": encoded}})
    own.sent.clear()
    failures, own.failures = own.failures, []
    assert not failures, failures


def lsp_raw(data: bytes) -> None:
    """Messages no client should send are answered or refused, and the server goes on."""
    from pygls.exceptions import JsonRpcException

    own = client()
    for body in data.split(b"\0")[:4]:
        try:
            message = json.loads(body)
            method = message.get("method") if isinstance(message, dict) else None
            if method in ("shutdown", "exit", "initialize"):
                continue
            own.raw(body)
        except JsonRpcException:
            pass  # could not be understood
        except (ValueError, AttributeError, RecursionError):
            pass  # no JSON, or no message; the reader of the wire logs it and goes on
    failures, own.failures = own.failures, []
    own.sent.clear()
    own.server.options = type(own.server.options)(debounce=0)
    for uri in list(own.server.texts):
        own.server.forget(uri)
    for error in failures:
        trace = str(getattr(error, "data", "")) + str(error)
        assert "checker/" not in trace, trace


@cache
def web() -> Any:
    """The application, its checks run in this thread."""
    from checker.web.app import create_app
    from checker.web.settings import Settings

    app = create_app(Settings(max_text=2000, max_body=20_000, timeout=60, config=_config()))
    app.state.service._pool = Inline()
    return app


def _config() -> Path:
    place = _FOLDER / "server.yaml"
    place.write_text("allow: []\n", encoding="utf-8")
    return place


async def _ask(method: str, path: bytes, query: bytes, headers: list[Any], body: bytes) -> tuple[int, bytes]:
    status, answer = 0, b""
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal status, answer
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            answer += message.get("body", b"")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path.decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-length", str(len(body)).encode()), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    await web()(scope, receive, send)
    return status, answer


def http(data: bytes) -> None:
    """Any request is answered, never with an error of the server; offsets count UTF-16 units."""
    given = Given(data)
    kind = given.byte() % 8
    body = given.rest()
    form = (b"content-type", b"application/x-www-form-urlencoded")
    sent: str | None = None
    method, path, query, headers = "POST", b"/v2/check", b"", [form]
    if kind == 0:
        sent = as_text(body).encode("utf-8", "replace").decode()
        body = b"language=zh-CN&text=" + quote(sent).encode()
    elif kind == 1:
        body = b"language=zh-CN&data=" + quote(body).encode()
    elif kind == 2:
        pass  # the form itself is the input
    elif kind in (3, 4):
        path, headers = b"/api/v1/check", [(b"content-type", b"application/json")]
        if kind == 4:
            sent = as_text(body)
            body = json.dumps({"text": sent, "show_personal_data": True}).encode()
    elif kind == 5:
        suffix = ("txt", "md", "csv", "jsonl", "srt", "docx", "xlsx", "x")[len(body) % 8]
        path, headers = b"/api/v1/check/file", [(b"content-type", b"multipart/form-data; boundary=fuzz")]
        head = f'--fuzz\r\nContent-Disposition: form-data; name="file"; filename="a.{suffix}"\r\n\r\n'
        body = head.encode() + body + b"\r\n--fuzz--\r\n"
    elif kind == 6:
        path, headers = b"/api/v1/check/file", [(b"content-type", b"multipart/form-data; boundary=fuzz")]
    else:
        method = "GET"
        path, _, query = body.partition(b"?")
        path, body = b"/" + path.lstrip(b"/"), b""
    status, answer = loop().run_until_complete(_ask(method, path, query, headers, body))
    assert status not in (0, 500, 503), (status, answer[:300])
    if sent is not None and status == 200:
        found = json.loads(answer)
        if kind == 0:
            units = sent.encode("utf-16-le")
            for match in found["matches"]:
                assert 0 <= match["offset"] <= match["offset"] + match["length"] <= len(units) // 2
                units[2 * match["offset"] : 2 * (match["offset"] + match["length"])].decode("utf-16-le")
        else:
            for finding in found["documents"][0]["findings"]:
                assert finding["text"] == sent[finding["start"] : finding["end"]]


# --- seeds --------------------------------------------------------------------------------------------

#: Characters that text tools stumble over.
ODD = (
    "\u0301", "\u20dd", "\u0336", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\u202c", "\u2066",
    "\u2069", "\ufe0f", "\ufe0e", "\U000e0100", "\U000e0041", "\U000e007f", "👨\u200d👩\u200d👧", "🏴", "😀", "𠮷",
    "\ud800", "\udfff", "\x00", "\x1b[31m", "\x85", "\u2028", "\u2029", "\r", "\r\n", "\v", "\f", "\t", "\u3000",
    "\ue000", "\ue0ff", "\ufffe", "\uffff", "\U0010ffff", "ﷺ", "İ", "ß", "㍿", "⑩", "①", "Ⅻ", "½", "㎡", "…", "……",
    "﹝", "｢", "Å", "각", "ᄀ", "ก็", "ａ", "Ａ", "１", "〇", "零", "丷", "⼀",
)  # fmt: skip
MARKS = (
    "。", "，", "！", "？", "；", "：", "、", "\n", " ", "客服：", "客户：", "A：", "B：", "{姓名}", "【公司名称】",
    "（停顿）", "XX", "____", "[00:12] ", "12345678901", "110101199003071234", "6222020200112233445", "，嗯，", "那个",
    "# huashu: disable=absolute/best reason=\"x\"", "<!-- huashu-disable-next-line price -- 备案 -->", "{", "}", "[[",
    "]]", "<", ">", "&", "\"", "'", "\\", "|", "*", "_", "%", "9_8_%_的", "第1", "一一一",
)  # fmt: skip


@cache
def sentences() -> tuple[str, ...]:
    """The examples of our rules, innocent and guilty."""
    return tuple(sorted({case.text for case in cases(load(examples=True)) if len(case.text) < 80}))


def text_seeds(header: bytes) -> list[bytes]:
    """Texts of every kind under a header."""
    chosen = [
        *sentences()[::40],
        *ODD,
        *MARKS,
        "".join(ODD),
        "".join(MARKS),
        "客服：您好\n客户：不需要\n客服：稳赚不赔",
    ]
    return [header + text.encode("utf-8", "surrogatepass") for text in chosen]


def mutate_text(data: bytes, header: int, rng: random.Random) -> bytes:
    """Another text: pieces of sentences, marks and odd characters put in, moved or taken out."""
    head = bytearray(data[:header].ljust(header, b"\0"))
    if rng.random() < 0.2:
        head[rng.randrange(header)] = rng.randrange(256)
    text = as_text(data[header:])
    for _ in range(rng.randint(1, 4)):
        place = rng.randint(0, len(text))
        until = min(len(text), place + rng.randint(0, 12))
        roll = rng.random()
        if roll < 0.25:
            text = text[:place] + rng.choice(sentences()) + text[place:]
        elif roll < 0.45:
            text = text[:place] + rng.choice(ODD) + text[place:]
        elif roll < 0.65:
            text = text[:place] + rng.choice(MARKS) + text[place:]
        elif roll < 0.75:
            text = text[:place] + text[until:]
        elif roll < 0.82:
            text = text[:until] + text[place:until] * rng.choice((1, 2, 9)) + text[until:]
        elif roll < 0.88:
            text = text[:place] + chr(rng.randrange(0x110000)) + text[place:]
        elif roll < 0.94:
            odd = rng.choice(ODD)
            text = text[:place] + "".join(letter + odd for letter in text[place:until]) + text[until:]
        else:
            text = text[place:] + text[:place]
    return bytes(head) + text.encode(
        "utf-8", "surrogateescape" if not _has_surrogates(text) else "surrogatepass"
    )


def _has_surrogates(text: str) -> bool:
    return re.search("[\ud800-\udc7f\udd00-\udfff]", text) is not None


@dataclass(frozen=True)
class Target:
    """``header`` is the number of bytes before the text of a target that reads one, else 0."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    header: int = 0
    longest: int = 600


def _reader_seeds() -> list[bytes]:
    names = ["", *FORMATS]
    contents = {
        ".csv": '角色,内容\n客服,稳赚不赔\n客户,"好,的"\n',
        ".tsv": "call_id\trole\ttext\n1\tagent\t您好\n",
        ".jsonl": '{"role":"客服","text":"稳赚不赔","begin":1.5,"call_id":"7"}\n{"role":"客户","text":"好"}\n',
        ".json": '{"result":{"sentences":[{"speaker_id":0,"text":"您好","begin_time":120}]}}',
        ".srt": "1\n00:00:01,000 --> 00:00:02,500\n客服：稳赚不赔\n\n2\n00:00:03,000 --> 00:00:04,000\n好\n",
        ".vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\n<v 客服>稳赚不赔\n",
        ".md": "# 开场\n\n| 角色 | 内容 |\n|--|--|\n| 客服 | 最好 |\n",
    }
    seeds = []
    for number, suffix in enumerate(names):
        text = contents.get(suffix, "客服：您好，稳赚不赔\n客户：不需要\n")
        head = bytes([number, 0])
        seeds += [head + text.encode(), head + text.encode("gb18030"), head + text.encode("utf-16")]
        if suffix in (".docx", ".xlsx"):
            seeds.append(bytes([number, 0]) + packed(suffix, "x", b"y"))
    return seeds


def _batch_seeds() -> list[bytes]:
    call = {
        "call_id": 7,
        "phone": "13800000000",
        "start": "2026-11-01 09:00:00",
        "duration": "3:05",
        "consent": "是",
        "turns": [{"role": "agent", "text": "稳赚不赔", "begin": 1}, {"role": "customer", "text": "好"}],
    }
    row = {
        "内容": "客服：稳赚不赔",
        "角色": "客服",
        "start_time": 1.7e12,
        "begin": 0.5,
        "x": "2026-11-01T09:00:00Z",
    }
    lines = [
        json.dumps(value, ensure_ascii=False).encode()
        for value in (call, row, [row, row], {"text": "\ud800".encode("unicode_escape").decode()})
    ]
    return [bytes([kind]) + line for kind in range(4) for line in lines]


def _fixed_seeds() -> list[bytes]:
    texts = {
        6: "WEBVTT\n\n00:01.000 --> 00:02.000\n<v 客户>我们的服务是全国最好的，这话谁信</v>\n\n"
        "00:03.000 --> 00:04.000\n<v 客服>我们的服务是<b>全国</b>最好的</v>\n",
        7: '{"summary":"我们的服务是全国最好的","turns":[{"role":"客服","text":"我们的服务是全国最好的"}]}',
        0: "客服：您好，我们的服务最佳。\r\n客户：不需要\r\n",
        1: "# 开场\n我们是全国第一品牌，稳赚不赔\n",
        2: '角色,内容\n客服,"稳赚不赔,全国最好"\n客户,最好便宜点\n',
        3: "1\n00:00:01,000 --> 00:00:02,500\n客服：稳赚不赔\n",
        4: _WORD.format("<w:p><w:r><w:t>我们的服务</w:t></w:r><w:r><w:t>最佳，稳赚不赔</w:t></w:r></w:p>"),
        5: _SHEET.format('<row r="1"><c r="A1" t="inlineStr"><is><t>稳赚不赔，全国最好</t></is></c></row>'),
    }
    return [bytes([kind]) + text.encode() for kind, text in texts.items()] + [
        bytes([kind]) + text.encode("gb18030") for kind, text in texts.items() if kind < 4
    ]


_SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
_WORD = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{}</w:body></w:document>'


def _office_seeds() -> list[bytes]:
    paragraph = "<w:p><w:r><w:t>客服：稳赚不赔</w:t></w:r></w:p>"
    table = f"<w:tbl><w:tr><w:tc>{paragraph}</w:tc><w:tc>{paragraph}</w:tc></w:tr></w:tbl>"
    inner = [
        paragraph,
        table,
        f"<w:sdt><w:sdtContent>{paragraph}</w:sdtContent></w:sdt>",
        "<w:p><w:del><w:r><w:delText>x</w:delText></w:r></w:del></w:p>",
    ]
    seeds = [b"\0\0" + _WORD.format(part).encode() for part in inner]
    for number, (suffix, members) in enumerate(_MEMBERS):
        seeds += [
            bytes([number, n]) + package(suffix).get(member, b"<a/>") for n, member in enumerate(members)
        ]
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>角色</t></is></c><c r="B1" t="inlineStr"><is><t>内容</t></is></c></row><row r="2"><c r="A2" t="str"><f>"客服"</f></c><c r="B2"><v>1e3</v></c></row>'
    return [*seeds, b"\1\0" + _SHEET.format(rows).encode()]


_RULE = """category: absolute
classes: {{colours: [红, '{{goods}}']}}
rules:
  - id: absolute/fuzz
    level: block
    match: {match}
    message: 把商品说成最高等级
    why: 绝对化用语无法证明
    basis: [ad-law/9]
    rewrite: {{to: 值得考虑, apply: suggest}}
    examples:
      - flags: 这款理财是市场上[[最佳]]的选择
      - passes: 最佳时间由您来定
        because: 修饰的是时间
"""


def _lexicon_seeds() -> list[bytes]:
    matches = [
        "{terms: [最佳, 最好], unless: ['(?:时间|时段)(?:是|为)?{term}']}",
        "{patterns: ['(?:稳赚|包赚){gap:4}(?:不赔|{num}%)', '第{num}{goods}']}",
        "{terms: [最佳], near: {cues: ['{percent}'], within: sentence}}",
        "{missing: {say: ['我是'], agent_turns: 3}}",
        "{reply: {to: [refuse], does: [push]}}",
        "{tokens: {pattern: [{TEXT: 最}], anchors: [最]}}",
        "{personal: [phone]}",
        "{model: absolute}",
    ]
    exemption = "exemptions:\n  - id: fuzz\n    name: 时间\n    clause: 第八条\n    covers: {categories: [absolute]}\n    any: [{after: '^时间'}]\n    examples:\n      - {excused: '[[最佳]]时间', because: 时间}\n"
    other = [
        exemption,
        "disable: [price]\nlevels: {price: hint}\nallow: [第一时间]\n",
        "a: &a [1]\nb: *a\n",
        "",
        "- 1\n",
        "? [a]\n: b\n",
        "disable: 2026-13-45\n",
    ]
    return [_RULE.format(match=match).encode() for match in matches] + [text.encode() for text in other]


def _file_seeds() -> list[bytes]:
    config = "industry: insurance\nchannel: call_1to1\ndisable: [pressure/places-left]\nlevels: {exaggeration: hint}\nallow: [第一时间保险]\nfail_level: review\ncolumns: {customer_number: 被叫号码}\nrewriter: {url: 'http://localhost/v1', model: m}\n"
    baseline = (
        '{"version":1,"entries":[{"fingerprint":"ab","rule":"absolute/best","count":1,"path":"a.txt"}]}'
    )
    array = io.BytesIO()
    np.savez(array, table=np.arange(4))
    model = write_model({"bits": 4, "categories": ["a"]}, {"weights": np.arange(4, dtype=np.int32)})
    seeds = {
        0: config.encode(),
        1: config.encode(),
        2: b"port: 8181\nthreads: 2\ncors_origins: [a]\ndesk: {a: 1}\n",
        3: baseline.encode(),
        4: model,
        5: json.dumps({"bits": 4, "categories": ["a"], "thresholds": {}}).encode() + b"\n" + bytes(64),
        6: array.getvalue(),
        7: b'{"a": [1, 2]}',
    }
    return [bytes([kind]) + content for kind, content in seeds.items()]


def _lsp_seeds() -> list[bytes]:
    texts = [
        "客服：您好，稳赚不赔😀\r\n全国第一\n",
        '角色,内容\n客服,"稳赚,不赔"\n',
        "<!-- huashu-disable-line price -- x -->最便宜",
    ]
    seeds = []
    for number, text in enumerate(texts):
        raw = text.encode()
        for kind in range(8):
            operation = bytes([kind, 0, 3, 1, 2, 9]) + "保证😀".encode()[:9]
            seeds.append(bytes([number, max(len(raw) - 40, 0)]) + raw.ljust(40) + operation * 3)
    return seeds


def _raw_seeds() -> list[bytes]:
    def message(method: str, params: Any, number: int | None = None) -> bytes:
        head = {"jsonrpc": "2.0"} | ({} if number is None else {"id": number})
        return json.dumps({**head, "method": method, "params": params}).encode()

    document = {"uri": "file:///a.txt", "languageId": "p", "version": 1, "text": "稳赚不赔"}
    place = {"line": 0, "character": 1}
    named = {"uri": "file:///a.txt"}
    opened = message("textDocument/didOpen", {"textDocument": document})
    bodies = [
        message(
            "textDocument/didChange",
            {"textDocument": {**named, "version": 2}, "contentChanges": [{"text": "x"}]},
        ),
        message("textDocument/didSave", {"textDocument": named}),
        message("textDocument/didClose", {"textDocument": named}),
        message("textDocument/hover", {"textDocument": named, "position": place}, 5),
        message(
            "textDocument/codeAction",
            {"textDocument": named, "range": {"start": place, "end": place}, "context": {"diagnostics": []}},
            6,
        ),
        message("textDocument/diagnostic", {"textDocument": named}, 7),
        message("workspace/executeCommand", {"command": "huashu.explain", "arguments": ["absolute/best"]}, 8),
        message(
            "workspace/executeCommand",
            {"command": "huashu.ignore", "arguments": ["file:///a.txt", "x", 3, "y"]},
            9,
        ),
        message("workspace/executeCommand", {"command": "huashu.showExcused", "arguments": []}, 10),
        message(
            "workspace/didChangeConfiguration",
            {"settings": {"huashu": {"run": "onSave", "minLevel": "block"}}},
        ),
        message("$/cancelRequest", {"id": 3}),
        message("workspace/didChangeWatchedFiles", {"changes": []}),
        b'{"jsonrpc":"2.0","id":1,"result":null}',
    ]
    return [*bodies, *(opened + b"\0" + body for body in bodies)]


def _http_seeds() -> list[bytes]:
    multipart = (
        b'--fuzz\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n--fuzz--\r\n'
    )
    raw = {
        1: '{"annotation":[{"text":"稳赚"},{"markup":"<b>","interpretAs":"\\n"},{"text":"不赔"}]}'.encode(),
        2: "language=auto&text=稳赚不赔&disabledRules=a,b&enabledOnly=true".encode(),
        3: '{"turns":[{"speaker":"客服","text":"稳赚不赔","begin":1}],"channel":"call_ai"}'.encode(),
        5: "客服：稳赚不赔".encode(),
        6: multipart,
        7: b"api/v1/rules/absolute/best/page?channel=sms",
    }
    odd = [
        '{"text":NaN}',
        '{"text":1e999}',
        '{"text":"x","industry":"\\ud800"}',
        '{"text":"x","\\ud800":-Infinity}',
        '{"turns":[{"speaker":"agent","text":"稳赚不赔","start":NaN}]}',
        '{"turns":[{"speaker":"\\udfff","text":"稳赚不赔","begin":Infinity,"words":[["稳",NaN]]}]}',
        '{"text":' + "[" * 40 + "]" * 40 + "}",
        '{"turns":[],"path":"\\u0000","channel":"sms","show_personal_data":1}',
    ]
    paths = [
        b"v2/words?word=x",
        b"v2/info",
        b"v2/configinfo",
        b"api/v1/rules?category=price",
        b"healthz",
        b"v2/check?text=a&language=zh",
    ]
    return [
        *text_seeds(b"\0"),
        *text_seeds(b"\4")[::5],
        *(bytes([k]) + v for k, v in raw.items()),
        *(b"\3" + value.encode() for value in odd),
        *(b"\7" + p for p in paths),
    ]


TARGETS = {
    "normalize": Target(
        normalize, lambda: text_seeds(b"\0") + text_seeds(b"\1")[::3] + text_seeds(b"\3")[::3], 1
    ),
    "marks": Target(marks, lambda: text_seeds(b""), longest=200),
    "check": Target(check, lambda: text_seeds(b"\0\0") + text_seeds(b"\x09\1")[::3], 2),
    "report": Target(report, lambda: [s for n in range(20) for s in text_seeds(bytes([n, 1, 60]))[n::25]], 3),
    "live": Target(live, lambda: text_seeds(b"\0\4") + text_seeds(b"\0\0")[::3], 2),
    "readers": Target(readers, _reader_seeds, longest=2000),
    "office": Target(office, _office_seeds, longest=4000),
    "batch": Target(batch, _batch_seeds, longest=1200),
    "fixed": Target(fixed, _fixed_seeds, longest=3000),
    "lexicon": Target(lexicon, _lexicon_seeds, longest=2000),
    "files": Target(files, _file_seeds, longest=2000),
    "lsp": Target(lsp, _lsp_seeds),
    "lsp_raw": Target(lsp_raw, _raw_seeds, longest=1000),
    "http": Target(http, _http_seeds, longest=1000),
}
