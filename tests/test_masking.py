"""No output of any door shows personal data unless it is asked to."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import docx
import pytest
from fastapi.testclient import TestClient
from lsprotocol import types as lsp

from checker.cli import main
from checker.desk.services import flow, people
from checker.desk.store.models import FindingRow
from checker.document import Document
from checker.live import LiveCall
from checker.lsp.server import Server, _fix_all, _quick_fixes, diagnostics
from checker.lsp.server import make_server as make_lsp_server
from checker.lsp.text import Text
from checker.mcp_server import make_server
from checker.pipeline import Checker
from checker.report import FORMATS
from checker.web.app import create_app
from checker.web.settings import Settings

ID, CARD, PHONE = "440305198807123017", "6217995520083415677", "13800138000"
CODE, ROOM = "384756", "12号院3号楼2单元501室"
TEXT = (
    f"客服：跟您核对一下，身份证号是{ID}吧，您打{PHONE}就稳赚不赔\n"
    f"客服：卡号{CARD}对吧，全网最低价，送到朝阳区幸福路{ROOM}\n"
    f"客户：不需要，验证码是{CODE}，我的电话是{PHONE}\n"
    f"客服：您先别急着拒绝，打{PHONE}找我，稳赚不赔"
)
#: What no output may hold: enough of each to know the rest by.
SECRETS = (ID[3:17], CARD[4:15], PHONE[3:9], CODE, "3号楼2单元")


def unpacked(data: bytes) -> str:
    """The texts of an Office file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


def command(*arguments: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        main(list(arguments))
    return out.getvalue() + err.getvalue()


def by_command(form: str) -> Callable[..., str]:
    def run(folder: Path, *, show: bool = False) -> str:
        script = folder / "script.txt"
        script.write_text(TEXT, encoding="utf-8")
        more = ["--show-personal-data"] if show else []
        return command("check", str(script), "--no-config", "--show-excused", "--format", form, *more)

    return run


def by_diff(folder: Path, *, show: bool = False) -> str:
    script = folder / "script.txt"
    script.write_text(TEXT, encoding="utf-8")
    more = ["--show-personal-data"] if show else []
    return command("check", str(script), "--no-config", "--diff", "--unsafe-fixes", *more)


def by_walk(folder: Path, *, show: bool = False) -> str:
    script = folder / "script.txt"
    script.write_text(TEXT, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        asked: list[str] = []

        def answer(question: str) -> str:
            asked.append(question)
            return "s" if "数字" in question else "以后再改"

        patch.setattr("builtins.input", answer)
        more = ["--show-personal-data"] if show else []
        out = command("check", str(script), "--no-config", "--interactive", "--exit-zero", *more)
    return out + "\n".join(asked)


def by_word_comments(folder: Path, *, show: bool = False) -> str:
    file = docx.Document()
    for line in TEXT.split("\n"):
        file.add_paragraph(line)
    file.save(str(folder / "script.docx"))
    more = ["--show-personal-data"] if show else []
    target = folder / "out.docx"
    command("check", str(folder / "script.docx"), "--no-config", "--annotate", str(target), *more)
    with zipfile.ZipFile(target) as archive:
        return archive.read("word/comments.xml").decode()


def by_baseline(folder: Path) -> str:
    script = folder / "script.txt"
    script.write_text(TEXT, encoding="utf-8")
    command("check", str(script), "--no-config", "--write-baseline", str(folder / "baseline.json"))
    return (folder / "baseline.json").read_text(encoding="utf-8")


def by_http(folder: Path, *, show: bool = False) -> str:
    with TestClient(create_app(Settings())) as client:
        more = {"show_personal_data": True} if show else {}
        answer = client.post("/api/v1/check", json={"text": TEXT, **more}).text
        wrong = client.post("/api/v1/check", json={"text": [TEXT]} if not show else {"text": TEXT, **more})
        assert wrong.status_code == (200 if show else 422)
        return answer


def by_http_file(folder: Path, *, show: bool = False) -> str:
    with TestClient(create_app(Settings())) as client:
        files = {"file": ("script.txt", TEXT.encode(), "text/plain")}
        data = {"show_personal_data": "true"} if show else {}
        return client.post("/api/v1/check/file", files=files, data=data).text


def by_languagetool(folder: Path, *, show: bool = False) -> str:
    with TestClient(create_app(Settings())) as client:
        form = {"text": TEXT, "language": "zh-CN"} | ({"showPersonalData": "true"} if show else {})
        return client.post("/v2/check", data=form).text


def by_languagetool_markup(folder: Path, *, show: bool = False) -> str:
    """A number that markup cuts in two is one number."""
    parts: list[dict[str, str]] = []
    for piece in TEXT.replace(PHONE, f"{PHONE[:5]}\0{PHONE[5:]}").split("\0"):
        parts += [{"text": piece}, {"markup": "<b>"}]
    with TestClient(create_app(Settings())) as client:
        form = {"data": json.dumps({"annotation": parts}), "language": "zh-CN"}
        answer = client.post("/v2/check", data=form | ({"showPersonalData": "true"} if show else {})).text
    return answer.replace("<b>", "")


def by_language_server(folder: Path, *, show: bool = False) -> str:
    server = make_lsp_server()
    server.options = replace(server.options, show_personal_data=show, show_excused=True)
    uri, file = (folder / "script.txt").as_uri(), Text(TEXT, "utf-16")
    server.texts[uri] = file
    analysis = server.analyse(uri, file, fixes=True)
    told = [item.message for item in diagnostics(analysis)] + [
        repr(item.data) for item in diagnostics(analysis)
    ]
    for item in analysis.items:
        for action in _quick_fixes(server, uri, item, file):
            told += [action.title, repr(action.command)]
    told += [action.title for action in _fix_all(uri, analysis)]
    server.analyses[uri] = analysis
    hover = server.protocol.fm.features[lsp.TEXT_DOCUMENT_HOVER]
    for item in analysis.items:
        place = lsp.TextDocumentPositionParams(
            lsp.TextDocumentIdentifier(uri), file.position(item.span.start)
        )
        answer = asyncio.run(hover(place))
        told.append(answer.contents.value if answer else "")
    return "\n".join(told)


def by_assistant_tool(name: str) -> Callable[..., str]:
    def run(folder: Path, *, show: bool = False) -> str:
        server = make_server(show_personal_data=show)
        return repr(asyncio.run(server.call_tool(name, {"text": TEXT})))

    return run


def by_running_call(folder: Path, *, show: bool = False) -> str:
    call = LiveCall(Checker(), show_personal_data=show)
    told = []
    for turn in Document.from_text(TEXT).turns:
        words = TEXT[turn.span.start : turn.span.end]
        told += [call.partial(turn.speaker, words[:-3]), call.final(turn.speaker, words)]
    told.append(call.end())
    answers = [json.dumps(update.to_dict(), ensure_ascii=False) for update in told]
    return "\n".join([*answers, json.dumps(call.report().to_dict(), ensure_ascii=False)])


def by_batch(folder: Path, *, show: bool = False) -> str:
    pytest.importorskip("polars")
    pq = pytest.importorskip("pyarrow.parquet")
    turns = [
        {"role": turn.label, "text": TEXT[turn.span.start : turn.span.end]}
        for turn in Document.from_text(TEXT).turns
    ]
    about = {
        "start": "2026-11-02 22:15:00",
        "phone": PHONE,
        "caller": "057188886666",
        "agent": "甲",
        "team": "乙",
    }
    calls = [{"call_id": f"c{number}", **about, "turns": turns} for number in range(3)]
    archive = folder / "calls.jsonl"
    lines = [json.dumps(call, ensure_ascii=False) for call in calls] + [f'{{"phone": "{PHONE}", "turns": 1']
    archive.write_text("\n".join(lines), encoding="utf-8")
    more = ["--show-personal-data"] if show else []
    told = [command("batch", str(archive), "-o", str(folder / "out"), "--jobs", "1", *more)]
    for file in sorted((folder / "out").iterdir()):
        if file.suffix == ".parquet":
            told.append(json.dumps(pq.read_table(file).to_pylist(), ensure_ascii=False, default=str))
        elif file.suffix == ".xlsx":
            told.append(unpacked(file.read_bytes()))
        else:
            told.append(file.read_text(encoding="utf-8"))
    return "\n".join(told)


def desk_client(folder: Path) -> Iterator[tuple[TestClient, Any, str]]:
    url = f"sqlite:///{folder}/desk.db"
    app = create_app(Settings(store=url, desk={"data": str(folder), "sweep_seconds": 3600}))
    with TestClient(app, base_url="http://testserver") as client:
        desk = client.app.state.desk  # type: ignore[attr-defined]
        writer = people.actor_of(people.create(desk, None, "writer", "", "officer", "correct-horse-9"))
        client.headers["Authorization"] = (
            "Bearer " + people.create_token(desk, writer, "test", sorted(writer.scopes), None)[1]
        )
        yield client, writer, "/api/v1/desk"


def by_desk_api(folder: Path, *, show: bool = False) -> str:
    for client, _, root in desk_client(folder):
        told = [client.post(f"{root}/check", json={"text": TEXT}).text]
        made = client.post(f"{root}/scripts", json={"title": "话术", "text": TEXT}).json()
        asked = {"show_personal_data": True} if show else {}
        told.append(client.get(f"{root}/scripts/{made['id']}", params=asked).text)
        told.append(client.get(f"{root}/scripts/{made['id']}/versions/1", params=asked).text)
        client.put(f"{root}/scripts/{made['id']}", json={"title": "话术", "text": TEXT + "。", "base": 1})
        told.append(client.get(f"{root}/scripts/{made['id']}/compare", params={"old": 1, "new": 2}).text)
        told += [client.get(f"{root}/{page}").text for page in ("audit", "learning", "impact")]
        call = client.post(f"{root}/live", json={}).json()["call"]
        told.append(
            client.post(f"{root}/live/{call}/turns", json={"speaker": "agent", "text": TEXT[3:90]}).text
        )
        told.append(client.delete(f"{root}/live/{call}").text)
    return "\n".join(told)


def by_desk_rows(folder: Path) -> str:
    """What the store keeps of findings; the script itself is kept whole, it is what is approved."""
    for client, writer, _ in desk_client(folder):
        desk = client.app.state.desk  # type: ignore[attr-defined]
        made = flow.create(desk, writer, flow.ScriptFields("话术", None, "call_1to1", "", ""), TEXT)
        with desk.database.reading() as session:
            rows = [row.data for row in session.query(FindingRow)]
            version = flow.version_of(session, flow.find(session, writer, made.id))
            kept = [rows, version.excused, version.duties, version.snapshot()]
    assert rows
    return json.dumps(kept, ensure_ascii=False, default=str)


def by_desk_pages(folder: Path, *, show: bool = False) -> str:
    for client, _, root in desk_client(folder):
        number = client.post(f"{root}/scripts", json={"title": "话术", "text": TEXT}).json()["id"]
        del client.headers["Authorization"]
        client.get("/desk/login")
        form = {"name": "writer", "password": "correct-horse-9", "code": client.cookies["huashu_form"]}
        client.post("/desk/login", data=form)
        page = client.get(f"/desk/scripts/{number}", params={"personal": "true"} if show else {}).text
        code = page.split('name="csrf" content="')[1].split('"')[0]
        body = {"text": TEXT, "industry": "", "channel": "call_1to1"}
        preview = client.post("/desk/preview", json=body, headers={"X-CSRF-Token": code})
        assert preview.status_code == 200
        told = [page, preview.text, client.get(f"/desk/scripts/{number}/compare").text]
    return "\n".join(told)


DOORS: dict[str, Callable[..., str]] = {
    **{f"check-{form}": by_command(form) for form in FORMATS},
    "check-diff": by_diff,
    "check-interactive": by_walk,
    "word-comments": by_word_comments,
    "http": by_http,
    "http-file": by_http_file,
    "languagetool": by_languagetool,
    "languagetool-markup": by_languagetool_markup,
    "language-server": by_language_server,
    "assistant-check": by_assistant_tool("check_script"),
    "assistant-rewrite": by_assistant_tool("suggest_rewrite"),
    "running-call": by_running_call,
    "batch": by_batch,
    "desk-api": by_desk_api,
    "desk-pages": by_desk_pages,
}
ALWAYS: dict[str, Callable[[Path], str]] = {"baseline": by_baseline, "desk-rows": by_desk_rows}


@pytest.mark.parametrize("door", [*DOORS, *ALWAYS])
def test_no_output_shows_personal_data(door: str, tmp_path: Path) -> None:
    shown = (DOORS | ALWAYS)[door](tmp_path)
    assert len(shown) > 50
    assert [secret for secret in SECRETS if secret in shown] == []


@pytest.mark.parametrize("door", DOORS)
def test_personal_data_is_shown_when_asked_for(door: str, tmp_path: Path) -> None:
    assert PHONE in DOORS[door](tmp_path, show=True)


def test_language_server_edits_keep_the_words_of_the_user(tmp_path: Path) -> None:
    file = Text(TEXT, "utf-16")
    analysis = Server().analyse((tmp_path / "script.txt").as_uri(), file, fixes=True)
    assert all("***" not in words for item in analysis.items for _, _, words in item.fixes)


def test_languagetool_offsets_are_those_of_the_text(tmp_path: Path) -> None:
    masked = json.loads(by_languagetool(tmp_path))["matches"]
    whole = json.loads(by_languagetool(tmp_path, show=True))["matches"]
    keys = ("offset", "length")
    assert [[match[key] for key in keys] for match in masked] == [
        [match[key] for key in keys] for match in whole
    ]
    assert all("***" not in value["value"] for match in masked for value in match["replacements"])
