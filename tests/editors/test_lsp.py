"""The language server through its protocol, with the capabilities of three editors."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types as lsp
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from checker import check
from checker.columns import Columns
from checker.lsp.text import Text
from checker.readers import ReadOptions, read_bytes, read_path
from checker.types import Apply, Span

SCRIPT = "😀客服：您好，我们的服务最佳。\n客服：我们的服务最佳，请放心。\n"
ENCODINGS = {"visual_studio_code": "utf-16", "neovim": "utf-8", "emacs": "utf-32"}
COMMAND = [sys.executable, "-m", "checker", "lsp"]


async def start(client: LanguageClient, editor: str, root: Path, **options) -> None:
    await client.initialize_session(
        lsp.InitializeParams(
            capabilities=client_capabilities(editor),
            root_uri=root.as_uri(),
            initialization_options={"debounce": 0, **options},
        )
    )


@pytest_lsp.fixture(config=ClientServerConfig(server_command=COMMAND))
async def client(request, lsp_client: LanguageClient, tmp_path: Path):
    editor = getattr(request, "param", "visual_studio_code")
    lsp_client.feature(lsp.CLIENT_REGISTER_CAPABILITY)(lambda *_: None)
    await start(lsp_client, editor, tmp_path)
    lsp_client.encoding = ENCODINGS[editor]
    lsp_client.pulls = bool(client_capabilities(editor).text_document.diagnostic)
    yield lsp_client
    await lsp_client.shutdown_session()


class Opened:
    """A file in the client, with what an editor does to it."""

    def __init__(self, client: LanguageClient, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8", newline="")
        self.client, self.path, self.uri, self.version = client, path, path.as_uri(), 1
        self.text = Text(text, client.encoding)
        self.last = None
        item = lsp.TextDocumentItem(self.uri, "plaintext", 1, text)
        client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))

    @property
    def id(self) -> lsp.TextDocumentIdentifier:
        return lsp.TextDocumentIdentifier(self.uri)

    async def diagnostics(self) -> list[lsp.Diagnostic]:
        if self.client.pulls:
            answer = await self.client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(self.id))
            return list(answer.items)
        for _ in range(6000):  # the next ones pushed
            if self.client.diagnostics.get(self.uri) is not self.last:
                break
            await asyncio.sleep(0.005)
        self.last = self.client.diagnostics[self.uri]
        return list(self.last)

    def change(self, span: Span, words: str) -> None:
        self.version += 1
        part = lsp.TextDocumentContentChangePartial(self.text.range(span), words)
        identifier = lsp.VersionedTextDocumentIdentifier(self.version, self.uri)
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(identifier, [part]))
        self.text = self.text.changed([part])

    async def actions(self, span: Span, only=None) -> list[lsp.CodeAction]:
        context = lsp.CodeActionContext([], only=only)
        params = lsp.CodeActionParams(self.id, self.text.range(span), context)
        found = await self.client.text_document_code_action_async(params) or []
        return [action for action in found if isinstance(action, lsp.CodeAction)]

    def applied(self, edit: lsp.WorkspaceEdit) -> str:
        text = self.text
        for change in sorted(edit.changes[self.uri], key=lambda c: text.span(c.range), reverse=True):
            text = text.changed([lsp.TextDocumentContentChangePartial(change.range, change.new_text)])
        return text.text


def words(opened: Opened, found: list[lsp.Diagnostic]) -> list[str]:
    return [opened.text.text[slice(*opened.text.span(item.range))] for item in found]


@pytest.mark.parametrize("client", ENCODINGS, indirect=True)
@pytest.mark.asyncio
async def test_diagnostics_come_in_the_unit_of_the_client(client, tmp_path) -> None:
    opened = Opened(client, tmp_path / "话术.txt", SCRIPT)
    found = await opened.diagnostics()
    expected = check(SCRIPT).findings
    assert [(item.code, opened.text.span(item.range)) for item in found] == [
        (finding.rule_id, finding.span) for finding in expected
    ]
    first = SCRIPT.index("最佳")
    assert found[0].range.start == lsp.Position(0, Columns(SCRIPT, client.encoding).between(0, first))
    assert found[0].severity == lsp.DiagnosticSeverity.Error
    assert "依据：" in found[0].message
    assert found[0].source == "huashu"


@pytest.mark.parametrize("client", ENCODINGS, indirect=True)
@pytest.mark.asyncio
async def test_an_edit_clears_and_brings_diagnostics(client, tmp_path) -> None:
    opened = Opened(client, tmp_path / "a.txt", SCRIPT)
    assert len(await opened.diagnostics()) == 2
    start = SCRIPT.index("最佳")
    opened.change(Span(start, start + 2), "😀灵活")
    assert words(opened, await opened.diagnostics()) == ["最佳"]
    start = opened.text.text.index("最佳")
    opened.change(Span(start, start + 2), "灵活")
    assert await opened.diagnostics() == []
    opened.change(Span(0, 0), "我们的服务最佳。\r\n")
    assert words(opened, await opened.diagnostics()) == ["最佳"]


@pytest.mark.asyncio
async def test_every_rewrite_is_a_quick_fix_and_the_first_is_preferred(client, tmp_path) -> None:
    opened = Opened(client, tmp_path / "a.txt", SCRIPT)
    await opened.diagnostics()
    place = SCRIPT.index("佳")
    actions = await opened.actions(Span(place, place), [lsp.CodeActionKind.QuickFix])
    (finding, *_) = check(SCRIPT).findings
    fixes = [action for action in actions if action.is_preferred is not None]
    assert len(fixes) == sum(rewrite.apply is not Apply.MANUAL for rewrite in finding.rewrites) >= 1
    assert fixes[0].is_preferred
    assert sum(bool(fix.is_preferred) for fix in fixes) == 1
    fixed = opened.applied(fixes[0].edit)
    assert fixed.count("最佳") == 1
    assert [f.span.start for f in check(fixed).findings] == [fixed.index("最佳")]
    assert await opened.actions(Span(0, 0), [lsp.CodeActionKind.QuickFix]) == []


@pytest.mark.asyncio
async def test_a_suppression_is_written_and_waits_for_its_reason(client, tmp_path) -> None:
    opened = Opened(client, tmp_path / "a.txt", SCRIPT)
    await opened.diagnostics()
    actions = await opened.actions(Span(place := SCRIPT.rindex("最佳"), place))
    (ignore,) = [action for action in actions if "忽略" in action.title]
    text = opened.applied(ignore.edit)
    assert {f.rule_id for f in check(text).findings} == {
        "absolute/best",
        "suppression/missing-reason",
    }
    report = check(text.replace('reason=""', 'reason="合同原文"'))
    assert [s.finding.rule_id for s in report.suppressed] == ["absolute/best"]
    assert len(report.findings) == 1


@pytest.mark.asyncio
async def test_hover_shows_reason_articles_and_the_page(client, tmp_path) -> None:
    opened = Opened(client, tmp_path / "a.txt", SCRIPT)
    await opened.diagnostics()
    place = opened.text.position(SCRIPT.index("佳"))
    hover = await client.text_document_hover_async(lsp.HoverParams(opened.id, place))
    assert "《" in hover.contents.value
    assert "# absolute/best" in hover.contents.value
    assert opened.text.span(hover.range) == check(SCRIPT).findings[0].span
    nowhere = lsp.HoverParams(opened.id, lsp.Position(0, 0))
    assert await client.text_document_hover_async(nowhere) is None


@pytest.mark.asyncio
async def test_allowing_a_phrase_writes_the_configuration(client, tmp_path) -> None:
    (tmp_path / "huashu.yaml").write_text("# ours\n", encoding="utf-8")
    opened = Opened(client, tmp_path / "a.txt", SCRIPT)
    await opened.diagnostics()
    await client.workspace_execute_command_async(
        lsp.ExecuteCommandParams("huashu.allow", [opened.uri, "最佳"])
    )
    assert await opened.diagnostics() == []
    assert (tmp_path / "huashu.yaml").read_text(encoding="utf-8").startswith("# ours\n")


@pytest.mark.asyncio
async def test_a_changed_lexicon_is_read_again(client, tmp_path) -> None:
    house = tmp_path / "house"
    house.mkdir()
    (tmp_path / "huashu.yaml").write_text("lexicons: [house]\n", encoding="utf-8")
    rule = """
category: exaggeration
rules:
  - id: exaggeration/house
    status: stable
    level: review
    match: {terms: [%s]}
    message: “{matched}”是公司禁用的说法
    why: 公司规定
    basis: [aucl-9-1]
    examples:
      - flags: 我们的服务[[%s]]
      - passes: 您好
        because: 问候
"""
    file = house / "house.yaml"
    file.write_text(rule % ("宇宙无敌", "宇宙无敌"), encoding="utf-8")
    opened = Opened(client, tmp_path / "a.txt", "客服：我们的服务银河无双。\n")
    assert await opened.diagnostics() == []
    file.write_text(rule % ("银河无双", "银河无双"), encoding="utf-8")
    event = lsp.FileEvent(file.as_uri(), lsp.FileChangeType.Changed)
    client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([event]))
    assert words(opened, await opened.diagnostics()) == ["银河无双"]


@pytest.mark.asyncio
async def test_tables_are_checked_in_place(client, tmp_path) -> None:
    table = '角色,内容\r\n客服,"您好，""我们""的服务最佳。"\r\n客户,最佳\r\n客服,我们的服务最佳\r\n'
    opened = Opened(client, tmp_path / "calls.csv", table)
    found = await opened.diagnostics()
    assert words(opened, found) == ["最佳"] * 2
    assert [item.range.start.line for item in found] == [1, 3]
    place = opened.text.span(found[0].range).start
    (fix, *_) = await opened.actions(Span(place, place), [lsp.CodeActionKind.QuickFix])
    fixed = opened.applied(fix.edit)
    assert fixed.count('""我们""') == 1
    assert fixed.count("最佳") == 2


@pytest.mark.parametrize(
    "table",
    [
        '角色,内容,备注\r\n客服,"您好，""我们""的服务最佳。\r\n方便吗？",甲\r\n客服,我们的服务最佳,乙\r\n',
        "角色,内容\n客服,我们的服务最佳，请放心\n客服,我们的服务最佳",
        "角色\t内容\n客服\t我们的服务最佳\t\n客服\t我们的服务最佳\n",
    ],
)
@pytest.mark.asyncio
async def test_a_suppression_in_a_table_stays_in_its_cell(client, tmp_path, table) -> None:
    made = asyncio.Queue()

    @client.feature(lsp.WORKSPACE_APPLY_EDIT)
    async def applied(params: lsp.ApplyWorkspaceEditParams) -> lsp.ApplyWorkspaceEditResult:
        await made.put(params.edit)
        return lsp.ApplyWorkspaceEditResult(True)

    path = tmp_path / ("calls.tsv" if "\t" in table else "calls.csv")
    opened = Opened(client, path, table)
    (first, second) = await opened.diagnostics()
    for item in (second, first):
        place = opened.text.span(item.range).start
        arguments = [opened.uri, item.code, place, '有报告,"甲"；见 EV-1']
        await client.workspace_execute_command_async(lsp.ExecuteCommandParams("huashu.ignore", arguments))
        (edit,) = (await made.get()).changes[opened.uri]
        opened.change(opened.text.span(edit.range), edit.new_text)
        left = await opened.diagnostics()
    assert left == []
    path.write_text(opened.text.text, encoding="utf-8", newline="")
    (document,), (before,) = read_path(path), read_bytes(table.encode(), str(path), ReadOptions())
    assert len(document.turns) == len(before.turns)
    assert [anchor.label for anchor in document.anchors] == [anchor.label for anchor in before.anchors]
    assert [s.reason for s in check(document).suppressed] == ["有报告，”甲”；见 EV-1"] * 2


@pytest.mark.asyncio
async def test_excused_words_are_shown_when_asked_for(client, tmp_path) -> None:
    opened = Opened(client, tmp_path / "a.txt", "客服：广告法不许商家自称第一品牌\n")
    assert await opened.diagnostics() == []
    await client.workspace_execute_command_async(lsp.ExecuteCommandParams("huashu.showExcused", [True]))
    (excused,) = await opened.diagnostics()
    assert excused.severity == lsp.DiagnosticSeverity.Hint
    assert excused.message.startswith("已豁免")


@pytest.mark.asyncio
async def test_the_switch_and_the_industry_of_the_editor(client, tmp_path) -> None:
    opened = Opened(client, tmp_path / "a.txt", SCRIPT)
    assert await opened.diagnostics()
    client.workspace_did_change_configuration(
        lsp.DidChangeConfigurationParams({"huashu": {"enabled": False}})
    )
    assert await opened.diagnostics() == []
    client.workspace_did_change_configuration(
        lsp.DidChangeConfigurationParams({"huashu": {"enabled": True, "minLevel": "block"}})
    )
    assert {item.severity for item in await opened.diagnostics()} == {lsp.DiagnosticSeverity.Error}


@pytest.mark.asyncio
async def test_a_broken_configuration_is_told_and_survived(client, tmp_path) -> None:
    (tmp_path / "huashu.yaml").write_text("industri: x\n", encoding="utf-8")
    opened = Opened(client, tmp_path / "a.txt", SCRIPT)
    assert len(await opened.diagnostics()) == 2
    for _ in range(100):
        if client.messages:
            break
        await asyncio.sleep(0.05)
    assert "huashu.yaml:1" in client.messages[0].message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_positions_go_there_and_back(encoding: str) -> None:
    text = Text("a😀第一\u2028行\r\n\x0c第二\r第三\n", encoding)
    assert [text.text[slice(*text.line(number))] for number in range(5)] == [
        "a😀第一\u2028行", "\x0c第二", "第三", "", "",
    ]  # fmt: skip
    for offset in range(len(text.text) + 1):
        if text.text[offset - 1 : offset + 1] != "\r\n":
            assert text.offset(text.position(offset)) == offset
    assert text.offset(lsp.Position(1, 99)) == text.line(1).end


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_the_ends_of_a_change_may_come_in_any_order(encoding: str) -> None:
    text = Text("全国😀第一\n好", encoding)
    place = lsp.Range(text.position(5), text.position(2))
    assert text.changed([lsp.TextDocumentContentChangePartial(place, "甲")]).text == "全国甲\n好"


@pytest.mark.asyncio
async def test_changes_after_a_form_feed_are_made_where_the_client_says(client, tmp_path) -> None:
    # Only CR and LF end a line in the protocol; a column past the end of a line is its end.
    opened = Opened(client, tmp_path / "a.txt", "甲\x0c乙\u2028丙丁\n您好\n")
    await client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(opened.id))
    edits = [((1, 9), (1, 9), "，我们的服务最佳"), ((0, 3), (0, 4), "稳赚不赔")]
    for version, (start, end, words) in enumerate(edits, 2):
        change = lsp.TextDocumentContentChangePartial(
            lsp.Range(lsp.Position(*start), lsp.Position(*end)), words
        )
        client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(version, opened.id.uri), [change]
            )
        )
    client.text_document_did_change(
        lsp.DidChangeTextDocumentParams(
            lsp.VersionedTextDocumentIdentifier(1, "file:///never/opened.txt"),
            [lsp.TextDocumentContentChangeWholeDocument("x")],
        )
    )
    found = await client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(opened.id))
    assert [(d.range.start.line, d.range.start.character) for d in found.items] == [(0, 3), (1, 8)]


@pytest.mark.asyncio
async def test_a_file_that_did_not_change_is_not_told_again(client, tmp_path) -> None:
    opened = Opened(client, tmp_path / "a.txt", SCRIPT)
    first = await client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(opened.id))
    again = lsp.DocumentDiagnosticParams(opened.id, previous_result_id=first.result_id)
    assert (await client.text_document_diagnostic_async(again)).kind == "unchanged"
    opened.change(Span(0, 1), "")
    assert (await client.text_document_diagnostic_async(again)).kind == "full"


@pytest.mark.asyncio
async def test_a_large_file_shows_progress_once(client, tmp_path) -> None:
    text = "".join(f"客服：您好，这是第{number}位客户的回访，请问方便吗？\n" for number in range(2500))
    opened = Opened(client, tmp_path / "a.txt", text + SCRIPT)
    assert words(opened, await opened.diagnostics())[-2:] == ["最佳"] * 2
    (reports,) = client.progress_reports.values()
    assert [report.kind for report in reports] == ["begin", "end"]


@pytest.mark.asyncio
async def test_fix_all_makes_the_safe_rewrites_and_no_other(client, tmp_path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "huashu.yaml").write_text("lexicons: [house]\n", encoding="utf-8")
    rule = """
category: exaggeration
rules:
  - id: exaggeration/house
    level: review
    match: {terms: [银河无双]}
    message: “{matched}”是公司禁用的说法
    why: 公司规定
    basis: [aucl-9-1]
    rewrite: {words: 周到, apply: safe}
    examples:
      - flags: 我们的服务[[银河无双]]
      - passes: 您好
        because: 问候
"""
    (tmp_path / "house" / "house.yaml").write_text(rule, encoding="utf-8")
    opened = Opened(client, tmp_path / "a.txt", "客服：我们的服务银河无双。\n客服：我们的服务最佳。\n")
    assert words(opened, await opened.diagnostics()) == ["银河无双", "最佳"]
    whole = Span(0, len(opened.text.text))
    (action,) = await opened.actions(whole, [lsp.CodeActionKind.SourceFixAll])
    assert opened.applied(action.edit) == "客服：我们的服务周到。\n客服：我们的服务最佳。\n"
