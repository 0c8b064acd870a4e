"""The language server: what an editor asks, and what it is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.uris import to_fs_path

from checker import __version__, pages
from checker.baseline import BaselineError, apply_baseline, load_baseline
from checker.config import NAME, Config, ConfigError, edit_list, find_config, load_config
from checker.document import CHANNELS, Document
from checker.errors import LexiconError
from checker.labels import known_industry
from checker.lexicon import load
from checker.lsp.text import Cells, Text, Translate, same
from checker.personal import masked_report
from checker.pipeline import Checker
from checker.readers import ReaderError, ReadOptions, read_bytes
from checker.report import advice, edit_text, excuse_words, rewrite_words
from checker.rewrite import best
from checker.suppress import comment_above, plain_reason
from checker.types import Apply, Finding, Level, Report, Rewrite, Span, State, Verdict, judge

_logger = logging.getLogger(__name__)
_SOURCE = "huashu"
_FIX_ALL = f"{lsp.CodeActionKind.SourceFixAll.value}.{_SOURCE}"
_TABLES = (".csv", ".tsv")
#: From so many characters on a check is worth a progress bar.
_LARGE = 50_000


@dataclass(frozen=True)
class Options:
    """What a user sets in the editor (section ``huashu``).

    ``run`` is ``onType`` or ``onSave``, ``debounce`` the seconds of quiet before a check.
    ``asks_reason`` says that the client asks for the reason of a suppression itself (command
    ``huashu.askReason``).
    """

    enabled: bool = True
    run: str = "onType"
    debounce: float = 0.2
    industry: str | None = None
    channel: str | None = None
    show_excused: bool = False
    min_level: Level = Level.HINT
    asks_reason: bool = False
    show_personal_data: bool = False

    @classmethod
    def read(cls, values: Any, before: Options) -> Options:
        """The options with the values of a client; what is not understood stays as it was."""
        if not isinstance(values, Mapping):
            return before
        changes: dict[str, Any] = {}
        for name, key in (
            ("enabled", "enabled"),
            ("showExcused", "show_excused"),
            ("asksReason", "asks_reason"),
            ("showPersonalData", "show_personal_data"),
        ):
            if isinstance(values.get(name), bool):
                changes[key] = values[name]
        if values.get("run") in ("onType", "onSave"):
            changes["run"] = values["run"]
        if isinstance(values.get("debounce"), int | float):
            changes["debounce"] = min(max(values["debounce"], 0), 10_000) / 1000
        industry = values.get("industry")
        if isinstance(industry, str) and (not industry or known_industry(industry) is not None):
            changes["industry"] = known_industry(industry)
        if values.get("channel") in ("", *CHANNELS):
            changes["channel"] = values["channel"] or None
        if values.get("minLevel") in [level.value for level in Level]:
            changes["min_level"] = Level(values["minLevel"])
        return replace(before, **changes)


@dataclass(frozen=True)
class Item:
    """A finding with its place in the file. ``fixes`` are (rewrite, span, text) in the file.

    ``line_end`` is where the line of words ends on which the finding starts: in a table the line in
    the cell; None where the cell was not found again.

    ``shown`` is the finding as people read it: without personal data, unless the user wants to see it.
    Edits put the user's own words back and are whole.
    """

    finding: Finding
    shown: Finding
    report: Report
    span: Span
    fixes: tuple[tuple[Rewrite, Span, str], ...]
    line_end: int | None

    def words(self, rewrite: Rewrite) -> str:
        """What a rewrite of the finding does, as people read it."""
        return rewrite_words(self.shown, self.shown.rewrites[self.finding.rewrites.index(rewrite)])


@dataclass(frozen=True)
class Analysis:
    """What was found in one version of a file."""

    text: Text
    items: tuple[Item, ...]
    key: tuple[Any, ...]
    fixes: bool = False

    @property
    def verdict(self) -> Verdict:
        """The verdict of all documents of the file."""
        return judge(item.finding for item in self.items)


@dataclass(frozen=True)
class _Made:
    """A checker, the files it was made from as they were, and what was wrong with them."""

    checker: Checker
    folders: tuple[Path, ...]
    state: tuple[Any, ...]
    problem: str


class Checkers:
    """A checker for every configuration file, made anew when the file or its lexicons change."""

    def __init__(self) -> None:
        self._made: dict[Path | None, _Made] = {}
        self._quick: WeakKeyDictionary[Checker, Checker] = WeakKeyDictionary()
        self.problem = ""

    def get(self, path: Path | None) -> tuple[Checker, tuple[Any, ...]]:
        """The checker for a file, and what it was made from.

        While a configuration or lexicon is broken the last good checker stays, or the one without
        a configuration; ``problem`` says what is wrong.
        """
        place = find_config(path) if path is not None else None
        made = self._made.get(place)
        if made is None or made.state != _state(place, made.folders):
            made = self._made[place] = self._make(place, made)
        self.problem = made.problem
        return made.checker, made.state

    def quick(self, checker: Checker) -> Checker:
        """The same checker without rewrites; it shares what is compiled."""
        if checker not in self._quick:
            self._quick[checker] = copy(checker)
            self._quick[checker].rewrites = False
        return self._quick[checker]

    def _make(self, place: Path | None, before: _Made | None) -> _Made:
        config, problem = Config(), ""
        try:
            config = load_config(place) if place else config
            checker = Checker(config=config)
            checker.check("您好")
        except (ConfigError, LexiconError) as error:
            if place is None:
                raise
            problem = str(error)
            checker = before.checker if before else self.get(None)[0]
        return _Made(checker, config.lexicons, _state(place, config.lexicons), problem)


def _state(config: Path | None, folders: Sequence[Path]) -> tuple[Any, ...]:
    files = [config] if config else []
    files += [file for folder in folders for file in sorted(folder.glob("*.yaml"))]
    out: list[Any] = [config]
    for file in files:
        try:
            out.append((str(file), file.stat().st_mtime_ns))
        except OSError:
            out.append((str(file), None))
    return tuple(out)


class _Protocol(LanguageServerProtocol):
    """The protocol without the library's own copy of every text.

    Keeping that copy moves the positions of a change, in place, by lines that also end at form feeds and
    U+2028, before a handler sees them.
    """

    @lsp_method(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: lsp.DidChangeTextDocumentParams) -> Iterator[Any]:
        """Hand the change to our handler."""
        yield self.fm.features[lsp.TEXT_DOCUMENT_DID_CHANGE], (params,), None


class Server(LanguageServer):
    """Keeps texts and their analyses; the handlers below are registered on one instance."""

    def __init__(self) -> None:
        super().__init__(
            "huashu-lsp",
            __version__,
            text_document_sync_kind=lsp.TextDocumentSyncKind.Incremental,
            protocol_cls=_Protocol,
        )
        self.options = Options()
        self.checkers = Checkers()
        self.texts: dict[str, Text] = {}
        self.analyses: dict[str, Analysis] = {}
        self.versions: dict[str, int] = {}
        self._pending: dict[str, asyncio.Task[None]] = {}
        # One thread: checks hold the interpreter, and the order of the answers stays that of the changes.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="huashu-check")
        self._said = ""
        self._jobs = 0

    # --- checking ---------------------------------------------------------------------------------

    @property
    def pulls(self) -> bool:
        """True when the client asks for diagnostics itself; then none are pushed."""
        capabilities = self.client_capabilities.text_document
        return bool(capabilities and capabilities.diagnostic)

    def put(self, uri: str, text: Text, version: int) -> None:
        """A new version of a file."""
        self.texts[uri] = text
        self.versions[uri] = version

    def schedule(self, uri: str, delay: float) -> None:
        """Check a file after a time of quiet; a check that waits already is put off."""
        waiting = self._pending.pop(uri, None)
        if waiting:
            waiting.cancel()
        self._pending[uri] = asyncio.get_running_loop().create_task(self._later(uri, delay))

    def forget(self, uri: str) -> None:
        """A file was closed."""
        waiting = self._pending.pop(uri, None)
        if waiting:
            waiting.cancel()
        for held in (self.texts, self.analyses, self.versions):
            held.pop(uri, None)

    async def _later(self, uri: str, delay: float) -> None:
        await asyncio.sleep(delay)
        try:
            analysis = await self.analysis(uri)
        except Exception:
            _logger.exception("the check failed")
            return
        if analysis is not None and not self.pulls:
            self.publish(uri, analysis)

    async def analysis(self, uri: str, *, fixes: bool = False) -> Analysis | None:
        """What there is to say about the present version; None when it changed in the meantime.

        Proving rewrites takes longer than finding what is wrong: they are made when ``fixes`` asks.
        """
        text = self.texts.get(uri)
        if text is None:
            return None
        if not self.options.enabled:
            return Analysis(text, (), ())
        job = asyncio.get_running_loop().run_in_executor(self._pool, self.analyse, uri, text, fixes)
        if len(text.text) >= _LARGE and uri not in self.analyses:
            async with _Progress(self, f"检查 {len(text.text)} 字"):
                analysis = await job
        else:
            analysis = await job
        if self.texts.get(uri) is not text:
            return None
        self.analyses[uri] = analysis
        if self.checkers.problem != self._said:
            self._said = self.checkers.problem
            if self._said:
                message = f"huashu 的配置或词库有误，暂按上一次正确的内容检查：\n{self._said}"
                self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, message))
        self.protocol.notify("huashu/status", _status(uri, analysis))
        return analysis

    def analyse(self, uri: str, text: Text, fixes: bool = False) -> Analysis:
        """Check a text; uses what is known when nothing has changed."""
        name = to_fs_path(uri)
        path = Path(name) if name else None
        checker, state = self.checkers.get(path)
        key = (text.text, self.options, state)
        known = self.analyses.get(uri)
        if known is not None and known.key == key and (known.fixes or not fixes):
            return known
        if not fixes:
            checker = self.checkers.quick(checker)
        config = checker.config
        given = {"industry": self.options.industry, "channel": self.options.channel}
        name = _shown_path(path, config, uri)
        items: list[Item] = []
        for document, translate in _documents(text, name, config):
            report = checker.check(document.with_fields(**given))
            if config.baseline is not None and config.baseline.exists():
                try:
                    report = apply_baseline(report, load_baseline(config.baseline))
                except BaselineError as error:
                    self.checkers.problem = str(error)
            shown = report if self.options.show_personal_data else masked_report(report)
            found = list(zip(report.findings, shown.findings))
            if self.options.show_excused:
                found += zip(report.excused, shown.excused)
            items += self._items(found, report, translate, text)
        items.sort(key=lambda item: (item.span, item.finding.rule_id))
        return Analysis(text, tuple(items), key, fixes)

    def _items(
        self, found: Iterable[tuple[Finding, Finding]], report: Report, translate: Translate, text: Text
    ) -> Iterator[Item]:
        for finding, shown in found:
            if finding.level.rank < self.options.min_level.rank:
                continue
            place = translate(finding.span, finding.matched)
            end = report.document.line_at(finding.span.start).end
            line_end = translate(Span(end, end), "")
            fixes = []
            for rewrite in finding.rewrites:
                if (rewrite.span, rewrite.text) == (finding.span, finding.matched):
                    continue  # only a question; the message asks it
                moved = translate(rewrite.span, edit_text(rewrite, report.document.text))
                if moved is not None:
                    fixes.append((rewrite, *moved))
            if place is None:  # a cell that was not found again: the whole line
                line = report.document.locate(finding.span.start).label
                number = Cells._PLACE.match(line)
                place = (text.line(int(number[1]) - 1 if number else 0), "")
            yield Item(finding, shown, report, place[0], tuple(fixes), line_end and line_end[0].start)

    def publish(self, uri: str, analysis: Analysis) -> None:
        """Push the diagnostics of a file; none clears them."""
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri, diagnostics(analysis), self.versions.get(uri))
        )

    def refresh(self) -> None:
        """Check every open file again: options, configuration or lexicons may have changed."""
        capabilities = self.client_capabilities.workspace
        if (
            self.pulls
            and capabilities
            and capabilities.diagnostics
            and capabilities.diagnostics.refresh_support
        ):
            self.workspace_diagnostic_refresh(None)
        for uri in self.texts:
            self.schedule(uri, 0)

    def items_at(self, uri: str, place: Span) -> list[Item]:
        """The findings that touch a span of the present version."""
        analysis = self.analyses.get(uri)
        if analysis is None or analysis.text is not self.texts.get(uri):
            return []
        return [
            item for item in analysis.items if item.span.start <= place.end and place.start <= item.span.end
        ]

    # --- what commands do -------------------------------------------------------------------------

    def config_path(self, uri: str) -> Path:
        """The configuration of a file, or where it is to be made: the root of the workspace."""
        name = to_fs_path(uri)
        found = find_config(name) if name else None
        if found is not None:
            return found
        root = self.workspace.root_path
        return Path(root or (Path(name).parent if name else Path.cwd())) / NAME

    def change_config(self, uri: str, key: str, item: str) -> str:
        """Add to a list of the configuration; what to tell the user."""
        path = self.config_path(uri)
        try:
            changed = edit_list(path, key, item)
        except ConfigError as error:
            return f"没有改动：{error}"
        self.refresh()
        return f"{'已写入' if changed else '已经在'} {path}：{key} {item}"

    def ignore_edit(self, uri: str, item: Item, reason: str) -> lsp.WorkspaceEdit | None:
        """The edit that writes a suppression, or None for a cell that is not found in the file.

        It stands above the line of the finding; in a table at the end of the line in its cell, with
        nothing that would divide the cell.
        """
        text = self.texts.get(uri)
        if text is None:
            return None
        name, rule_id = uri.lower(), item.finding.rule_id
        newline = "\r\n" if "\r\n" in text.text else "\n"
        if name.endswith(_TABLES):
            if item.line_end is None:
                return None
            comment = f" <!-- huashu-disable-line {rule_id} -- {plain_reason(reason)} -->"
            return _edit(uri, text, [(Span(item.line_end, item.line_end), comment)])
        line = text.line(text.position(item.span.start).line).start
        written = comment_above(rule_id, reason, markdown=name.endswith((".md", ".markdown")))
        return _edit(uri, text, [(Span(line, line), written + newline)])


def _documents(text: Text, path: str, config: Config) -> Iterator[tuple[Document, Translate]]:
    """The documents of a file as it stands in the editor, with the way back to it."""
    if not path.lower().endswith(_TABLES):
        yield Document.from_text(text.text, path=path), same
        return
    options = ReadOptions(
        "utf-8", text_column=config.text_column, role_column=config.role_column, id_column=config.id_column
    )
    try:
        documents = read_bytes(text.text.encode("utf-8", "replace"), path, options)
    except ReaderError:
        return  # half-written tables are no news while somebody types
    for document in documents:
        yield document, Cells(document, text)


def _shown_path(path: Path | None, config: Config, uri: str) -> str:
    """The path as the command line has it when run beside the configuration."""
    if path is None:
        return uri
    if config.path is not None and path.is_relative_to(config.path.parent):
        return path.relative_to(config.path.parent).as_posix()
    return str(path)


def diagnostics(analysis: Analysis) -> list[lsp.Diagnostic]:
    """The findings of a file as diagnostics, in order."""
    return [_diagnostic(item, analysis.text) for item in analysis.items]


def _diagnostic(item: Item, text: Text) -> lsp.Diagnostic:
    finding = item.finding
    excused = finding.state is State.EXCUSED
    if excused:
        severity = lsp.DiagnosticSeverity.Hint
    elif finding.level is Level.BLOCK and finding.state is State.VIOLATION:
        severity = lsp.DiagnosticSeverity.Error
    else:
        severity = {
            Level.BLOCK: lsp.DiagnosticSeverity.Warning,
            Level.REVIEW: lsp.DiagnosticSeverity.Warning,
            Level.HINT: lsp.DiagnosticSeverity.Information,
        }[finding.level]
    message = f"已豁免：{excuse_words(item.shown)}" if excused else advice(item.shown)
    return lsp.Diagnostic(
        text.range(item.span),
        message,
        severity,
        code=finding.rule_id,
        source=_SOURCE,
        data={"fingerprint": finding.fingerprint, "level": str(finding.level), "state": str(finding.state)},
    )


def _status(uri: str, analysis: Analysis) -> dict[str, Any]:
    """What a status bar shows."""
    found = [item.finding for item in analysis.items if item.finding.state is not State.EXCUSED]
    counts = {level.value: sum(finding.level is level for finding in found) for level in Level}
    return {"uri": uri, "verdict": str(analysis.verdict), "counts": counts}


class _Progress:
    """A progress bar in clients that have one, for the time of a check."""

    def __init__(self, server: Server, title: str) -> None:
        self.server = server
        self.title = title
        window = server.client_capabilities.window
        self.shown = bool(window and window.work_done_progress)
        server._jobs += 1
        self.token = f"huashu-{server._jobs}"

    async def __aenter__(self) -> None:
        if self.shown:
            await self.server.work_done_progress.create_async(self.token)
            self.server.work_done_progress.begin(self.token, lsp.WorkDoneProgressBegin(self.title))

    async def __aexit__(self, *_: object) -> None:
        if self.shown:
            self.server.work_done_progress.end(self.token, lsp.WorkDoneProgressEnd())


def make_server() -> Server:
    """A server with its handlers."""
    server = Server()

    @server.feature(lsp.INITIALIZE)
    def initialize(ls: Server, params: lsp.InitializeParams) -> None:
        ls.options = Options.read(params.initialization_options, ls.options)

    @server.feature(lsp.INITIALIZED)
    async def initialized(ls: Server, _: lsp.InitializedParams) -> None:
        workspace = ls.client_capabilities.workspace
        watching = workspace and workspace.did_change_watched_files
        if watching and watching.dynamic_registration:
            watchers = [lsp.FileSystemWatcher(f"**/{NAME}"), lsp.FileSystemWatcher("**/*.{yaml,yml}")]
            options = lsp.DidChangeWatchedFilesRegistrationOptions(watchers)
            registration = lsp.Registration("huashu-files", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            await ls.client_register_capability_async(lsp.RegistrationParams([registration]))

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(ls: Server, params: lsp.DidOpenTextDocumentParams) -> None:
        given = params.text_document
        ls.put(given.uri, Text(given.text, _encoding(ls)), given.version)
        ls.schedule(given.uri, 0)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(ls: Server, params: lsp.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        if uri not in ls.texts:
            _logger.warning("a file was changed that was never opened")
            return
        ls.put(uri, ls.texts[uri].changed(params.content_changes), params.text_document.version)
        if ls.options.run == "onType":
            ls.schedule(uri, ls.options.debounce)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    async def saved(ls: Server, params: lsp.DidSaveTextDocumentParams) -> None:
        ls.schedule(params.text_document.uri, 0)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        ls.forget(uri)
        if not ls.pulls:
            ls.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))

    @server.feature(
        lsp.TEXT_DOCUMENT_DIAGNOSTIC,
        lsp.DiagnosticOptions(inter_file_dependencies=False, workspace_diagnostics=False, identifier=_SOURCE),
    )
    async def pulled(ls: Server, params: lsp.DocumentDiagnosticParams) -> lsp.DocumentDiagnosticReport:
        uri = params.text_document.uri
        analysis = await ls.analysis(uri) or await ls.analysis(uri)
        if analysis is None:
            return lsp.RelatedFullDocumentDiagnosticReport([])
        result = f"{hash(analysis.key):x}"
        if params.previous_result_id == result:
            return lsp.RelatedUnchangedDocumentDiagnosticReport(result)
        return lsp.RelatedFullDocumentDiagnosticReport(diagnostics(analysis), result_id=result)

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hover(ls: Server, params: lsp.HoverParams) -> lsp.Hover | None:
        uri = params.text_document.uri
        await ls.analysis(uri, fixes=True)
        text = ls.texts.get(uri)
        if text is None:
            return None
        offset = text.offset(params.position)
        items = ls.items_at(uri, Span(offset, offset))
        if not items:
            return None
        return lsp.Hover(
            lsp.MarkupContent(lsp.MarkupKind.Markdown, "\n\n---\n\n".join(_hover(item) for item in items)),
            text.range(items[0].span),
        )

    kinds = [lsp.CodeActionKind.QuickFix, lsp.CodeActionKind.SourceFixAll, _FIX_ALL]

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=kinds))
    async def actions(ls: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        uri = params.text_document.uri
        # The ranges of params.context.diagnostics are not used: Neovim 0.7 sends bytes in them.
        analysis = await ls.analysis(uri, fixes=True)
        if analysis is None:
            return []
        wanted = params.context.only
        out: list[lsp.CodeAction] = []
        if not wanted or any(kind == lsp.CodeActionKind.QuickFix for kind in wanted):
            items = ls.items_at(uri, analysis.text.span(params.range))
            for item in items:
                if item.finding.state is not State.EXCUSED:
                    out += _quick_fixes(ls, uri, item, analysis.text)
        if not wanted or any(
            kind == _FIX_ALL or _FIX_ALL.startswith(f"{kind}.") for kind in map(_value, wanted)
        ):
            out += _fix_all(uri, analysis)
        return out

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configured(ls: Server, params: lsp.DidChangeConfigurationParams) -> None:
        settings = params.settings
        if isinstance(settings, Mapping):
            ls.options = Options.read(settings.get(_SOURCE, settings), ls.options)
        ls.refresh()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def files_changed(ls: Server, _: lsp.DidChangeWatchedFilesParams) -> None:
        ls.refresh()

    @server.command("huashu.allow")
    async def allow(ls: Server, uri: str, phrase: str) -> str:
        return _told(ls, ls.change_config(uri, "allow", phrase))

    @server.command("huashu.disableRule")
    async def disable(ls: Server, uri: str, rule_id: str) -> str:
        return _told(ls, ls.change_config(uri, "disable", rule_id))

    @server.command("huashu.ignore")
    async def ignore(ls: Server, uri: str, rule_id: str, offset: int, reason: str) -> bool:
        await ls.analysis(uri)
        here = (item for item in ls.items_at(uri, Span(offset, offset)) if item.finding.rule_id == rule_id)
        edit = next((edit for item in here if (edit := ls.ignore_edit(uri, item, reason))), None)
        if edit is None:
            return False
        result = await ls.workspace_apply_edit_async(lsp.ApplyWorkspaceEditParams(edit, "本处忽略"))
        return result.applied

    @server.command("huashu.showExcused")
    async def show_excused(ls: Server, *shown: bool) -> bool:
        ls.options = replace(ls.options, show_excused=shown[0] if shown else not ls.options.show_excused)
        ls.refresh()
        return ls.options.show_excused

    @server.command("huashu.explain")
    async def explain(ls: Server, rule_id: str) -> str | None:
        return await asyncio.get_running_loop().run_in_executor(ls._pool, _page, ls, None, rule_id)

    def _hover(item: Item) -> str:
        finding = item.shown
        parts = []
        if finding.state is State.EXCUSED:
            parts.append(f"**已豁免**：{excuse_words(finding)}")
        else:
            parts.append(f"**{advice(finding)}**")
        parts += [f"- {rewrite_words(finding, rewrite)}" for rewrite in finding.rewrites]
        page = _page(server, item.report, finding.rule_id)
        return "\n".join(parts) + (f"\n\n{page}" if page else "")

    return server


def _page(server: Server, report: Report | None, rule_id: str) -> str | None:
    """The Chinese page of a rule."""
    path = to_fs_path(next(iter(server.texts), "")) if server.texts else None
    checker, _ = server.checkers.get(Path(path) if path else None)
    lexicon = load(checker.config.lexicons, examples=True)
    return pages.page(lexicon, rule_id, report.channel if report else CHANNELS[0])


def _told(server: Server, message: str) -> str:
    server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Info, message))
    return message


def _encoding(server: Server) -> str:
    chosen = server.workspace.position_encoding
    return str(getattr(chosen, "value", chosen) or "utf-16")


def _value(kind: lsp.CodeActionKind | str) -> str:
    return kind.value if isinstance(kind, lsp.CodeActionKind) else kind


def _edit(uri: str, text: Text, edits: Sequence[tuple[Span, str]]) -> lsp.WorkspaceEdit:
    return lsp.WorkspaceEdit({uri: [lsp.TextEdit(text.range(span), words) for span, words in edits]})


def _quick_fixes(server: Server, uri: str, item: Item, text: Text) -> Iterator[lsp.CodeAction]:
    """Every rewrite, then the ways to accept the words."""
    finding = item.finding
    diagnostic = [_diagnostic(item, text)]
    kind = lsp.CodeActionKind.QuickFix
    preferred = best(finding)
    for rewrite, span, words in item.fixes:
        yield lsp.CodeAction(
            item.words(rewrite),
            kind,
            diagnostic,
            is_preferred=rewrite is preferred,
            edit=_edit(uri, text, [(span, words)]),
        )
    if server.options.asks_reason:
        command = lsp.Command(
            "本处忽略", "huashu.askReason", arguments=[uri, finding.rule_id, item.span.start]
        )
        yield lsp.CodeAction("本处忽略（需填写理由）…", kind, diagnostic, command=command)
    else:
        # Without a reason the comment hides nothing and says so, until the writer gives one.
        edit = server.ignore_edit(uri, item, "")
        if edit is not None:
            yield lsp.CodeAction("本处忽略（请在注释里填写理由）", kind, diagnostic, edit=edit)
    # What is personal is no phrase for a configuration file.
    is_personal = finding.matched != item.shown.matched
    if finding.matched.strip() and finding.category != "suppression" and not is_personal:
        command = lsp.Command("加入允许词", "huashu.allow", arguments=[uri, finding.matched])
        yield lsp.CodeAction(f"把“{finding.matched}”加入项目允许词", kind, diagnostic, command=command)
    if finding.matched.strip() and finding.category != "suppression":
        command = lsp.Command("停用规则", "huashu.disableRule", arguments=[uri, finding.rule_id])
        yield lsp.CodeAction(f"在本项目停用规则 {finding.rule_id}", kind, diagnostic, command=command)


def _fix_all(uri: str, analysis: Analysis) -> list[lsp.CodeAction]:
    """All safe rewrites at once; of two that overlap the first in the text counts."""
    edits: list[tuple[Span, str]] = []
    for item in analysis.items:
        for rewrite, span, words in item.fixes:
            if rewrite.apply is Apply.SAFE and rewrite is best(item.finding):
                if not edits or edits[-1][0].end < span.start:
                    edits.append((span, words))
    if not edits:
        return []
    title = f"改正全部可直接替换的问题（{len(edits)} 处）"
    return [lsp.CodeAction(title, _FIX_ALL, edit=_edit(uri, analysis.text, edits))]


def serve() -> None:
    """Speak the protocol on standard input and output until the client leaves."""
    make_server().start_io()
