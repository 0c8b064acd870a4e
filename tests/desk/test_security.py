"""What the desk refuses over HTTP: who, what, how much."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_office import CLEAN, DIRTY, PASSWORD, hire, token_of
from fastapi.testclient import TestClient
from test_flow import FIELDS

from checker.desk.services import evidence, flow
from checker.desk.services.core import SCOPES
from checker.web.app import create_app
from checker.web.settings import Settings

API = "/api/v1/desk"


class Site:
    """The application with people and one script of the writer in each state."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.desk = client.app.state.desk
        self.people = hire(self.desk)
        self.tokens = {name: token_of(self.desk, actor) for name, actor in self.people.items()}

    def script(self, status: str = "draft", owner: str = "writer", text: str = CLEAN) -> int:
        made = flow.create(self.desk, self.people[owner], FIELDS, text)
        if status in ("submitted", "approved"):
            flow.submit(self.desk, self.people[owner], made.id, 1)
        if status == "approved":
            flow.approve(self.desk, self.people["second" if owner == "officer" else "officer"], made.id, 1)
        return made.id

    def call(self, name: str | None, method: str, path: str, **more):
        headers = {"Authorization": f"Bearer {self.tokens[name]}"} if name else {}
        return self.client.request(
            method, path if path.startswith("/") else f"{API}/{path}", headers=headers, **more
        )

    def sign_in(self, name: str = "writer") -> str:
        """The form code of a fresh browser session."""
        self.client.cookies.clear()
        self.client.get("/desk/login")
        code = self.client.cookies["huashu_form"]
        form = {"name": name, "password": PASSWORD, "code": code}
        assert self.client.post("/desk/login", data=form, follow_redirects=False).status_code == 303
        return self.client.get("/desk/").text.split('name="csrf" content="')[1].split('"')[0]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, house: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    section = {"data": str(folder), "sweep_seconds": 3600, "max_upload": 300_000, "max_unpacked": 2_000_000}
    app = create_app(Settings(lexicons=(house,), store=f"sqlite:///{folder}/desk.db", desk=section))
    with TestClient(app, base_url="http://testserver", raise_server_exceptions=False) as client:
        yield Site(client)


# Endpoint -> (method, body, scope). A scope of None means that any person may.
_STEP = {"base": 1, "comment": "理由"}
_EVIDENCE = {"number": "1", "issuer": "所", "valid_from": "2026-01-01", "valid_to": "2099-01-01"}
MATRIX: dict[str, tuple[str, dict, str | None]] = {
    "/me": ("GET", {}, None),
    "/check": ("POST", {"json": {"text": CLEAN}}, "check"),
    "/scripts": ("GET", {}, "scripts:read"),
    "/scripts POST": ("POST", {"json": {"title": "新", "text": CLEAN}}, "scripts:write"),
    "/scripts/upload": ("POST", {"files": {"file": ("a.txt", CLEAN.encode())}}, "scripts:write"),
    "/approvals/verify": ("POST", {"json": {}}, None),
    "/evidence": ("GET", {}, "evidence:read"),
    "/evidence POST": (
        "POST",
        {"data": _EVIDENCE, "files": {"file": ("a.pdf", b"%PDF-1")}},
        "evidence:write",
    ),
    "/waivers": ("GET", {}, "stats:read"),
    "/waivers/{waiver_id}/revoke": ("POST", {"json": {"reason": "理由"}}, "scripts:decide"),
    "/impact": ("GET", {}, "impact:read"),
    "/impact/run": ("POST", {}, "impact:run"),
    "/audit": ("GET", {}, "audit:read"),
    "/audit/verify": ("POST", {}, "audit:read"),
    "/stats": ("GET", {}, "stats:read"),
    "/learning": ("GET", {}, "learning:read"),
    "/policy": ("GET", {}, None),
    "/policy PUT": ("PUT", {"json": {}}, "policy:manage"),
    "/users": ("GET", {}, "people:manage"),
    "/users POST": ("POST", {"json": {"name": "x", "role": "writer"}}, "people:manage"),
    "/users/{user_id}": ("PATCH", {"json": {}}, "people:manage"),
    "/password": ("POST", {"json": {"old": "wrong-password", "new": "new-password-1"}}, None),
    "/tokens": ("GET", {}, None),
    "/tokens POST": ("POST", {"json": {"scopes": []}}, None),
    "/tokens/{token_id}": ("DELETE", {}, None),
    "/webhooks": ("GET", {}, "webhooks:manage"),
    "/webhooks POST": ("POST", {"json": {"url": "ftp://x", "events": []}}, "webhooks:manage"),
    "/webhooks/{webhook_id}": ("DELETE", {}, "webhooks:manage"),
}
# Endpoint of a script -> (method, body, status of the script, who may besides the scope).
_READ, _OWNER, _DECIDER = "reader", "owner", "decider"
SCRIPTS: dict[str, tuple[str, dict, str, str]] = {
    "": ("GET", {}, "submitted", _READ),
    "/versions/{number}": ("GET", {}, "submitted", _READ),
    "/compare": ("GET", {"params": {"old": 1, "new": 1}}, "submitted", _READ),
    " PUT": ("PUT", {"json": {"title": "改", "text": CLEAN + "好。", "base": 1}}, "draft", _OWNER),
    "/submit": ("POST", {"json": _STEP}, "draft", _OWNER),
    "/withdraw": ("POST", {"json": _STEP}, "submitted", _OWNER),
    "/ask-changes": ("POST", {"json": _STEP}, "submitted", _DECIDER),
    "/approve": ("POST", {"json": _STEP}, "submitted", _DECIDER),
    "/reject": ("POST", {"json": _STEP}, "submitted", _DECIDER),
    "/retire": ("POST", {"json": _STEP}, "approved", "officer"),
    "/keep": ("POST", {"json": _STEP}, "approved", _DECIDER),
    "/comments": ("POST", {"json": {"text": "留言"}}, "submitted", "commenter"),
    "/log": ("GET", {}, "submitted", "auditor"),
    "/findings/{finding_id}/rewrite": ("POST", {"json": {"base": 1}}, "submitted", _DECIDER),
    "/findings/{finding_id}/waive": (
        "POST",
        {"json": {"base": 1, "kind": "false-alarm", "reason": "误报"}},
        "submitted",
        _DECIDER,
    ),
    "/findings/{finding_id}/status": ("PUT", {"json": {"status": "confirmed"}}, "submitted", _DECIDER),
}
OTHERS = {
    "/approvals/{approval_id}",
    "/approvals/{approval_id}/pdf",
    "/evidence/{evidence_id}",
    "/evidence/{evidence_id}/file",
    "/evidence/{evidence_id}/revoke",
    "/live",
    "/live/{call}/turns",
    "/live/{call}/events",
    "/live/{call}",
}


def test_the_matrix_holds_every_endpoint(site: Site) -> None:
    """A new endpoint without a line here fails."""
    known = {name.split(" ")[0] for name in MATRIX} | OTHERS
    known |= {"/scripts/{script_id}" + name.split(" ")[0] for name in SCRIPTS}
    paths = site.client.app.openapi()["paths"]
    served = {path.removeprefix(API) for path in paths if path.startswith(API)}
    operations = sum(len(item) for path, item in paths.items() if path.startswith(API))
    assert served == known
    assert operations == len(MATRIX) + len(SCRIPTS) + len(OTHERS)


@pytest.mark.parametrize("name", MATRIX)
def test_each_role_may_what_its_scopes_say(site: Site, name: str) -> None:
    method, more, scope = MATRIX[name]
    path = API + name.split(" ", maxsplit=1)[0].replace("{", "").replace("}", "")
    path = path.replace("waiver_id", "999").replace("user_id", "1").replace("token_id", "999")
    path = path.replace("webhook_id", "999")
    assert site.call(None, method, path, **more).status_code == 401
    for who, actor in site.people.items():
        status = site.call(who, method, path, **more).status_code
        allowed = scope is None or scope in SCOPES[actor.role]
        if name == "/password":
            assert status == 403  # the old password is wrong
        else:
            assert (status != 403) == allowed, (who, status)
        assert status < 500


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_role_on_own_and_others_scripts(site: Site, name: str) -> None:
    method, more, status, right = SCRIPTS[name]
    for owner in ("writer", "officer"):
        number = site.script(status, owner, DIRTY if "findings" in name else CLEAN)
        path = f"scripts/{number}{name.split(' ', maxsplit=1)[0]}".replace("{number}", "1")
        if "{finding_id}" in path:
            found = site.call("officer", "GET", f"scripts/{number}").json()["findings"]
            path = path.replace("{finding_id}", str(found[0]["id"]))
        assert site.call(None, method, path, **more).status_code == 401
        # Those who may come last, so that their success does not hide a hole.
        for who in sorted(site.people, key=lambda who: _may(right, who, owner, status)):
            answer = site.call(who, method, path, **more)
            wanted = _may(right, who, owner, status)
            assert (answer.status_code not in (403, 404)) == wanted or (
                answer.status_code == 409 and not wanted
            ), (who, owner, answer.status_code, answer.text)
            assert answer.status_code < 500
            if wanted and method != "GET" and answer.status_code < 300:
                break


def _may(right: str, who: str, owner: str, status: str) -> bool:
    officer, own = who in ("officer", "second"), who == owner
    return {
        "reader": officer or own or who == "admin" or status == "approved",
        "owner": own,
        "decider": officer and not own,
        "officer": officer,
        "commenter": officer or own,
        "auditor": officer or who == "admin",
    }[right]


def test_evidence_and_approvals_are_for_those_concerned(site: Site) -> None:
    from datetime import date

    fields = evidence.EvidenceFields("1", "所", date(2026, 1, 1), date(2099, 1, 1))
    row = evidence.add(site.desk, site.people["writer"], b"%PDF-1.4", "a.pdf", fields)
    number = site.script("approved")
    approval = site.call("writer", "GET", f"scripts/{number}").json()["approval"]
    for path, blind in (
        (f"evidence/{row.id}", {"other"}),
        (f"evidence/{row.id}/file", {"other"}),
        (f"approvals/{approval}", set()),
        (f"approvals/{approval}/pdf", set()),
    ):
        assert site.call(None, "GET", path).status_code == 401
        for who in site.people:
            assert (site.call(who, "GET", path).status_code == 200) == (who not in blind), (who, path)
    for who, status in (("other", 404), ("admin", 403), ("officer", 200), ("officer", 409)):
        assert site.call(who, "POST", f"evidence/{row.id}/revoke").status_code == status


def test_a_token_has_only_its_scopes(site: Site) -> None:
    made = site.call("officer", "POST", "tokens", json={"scopes": ["scripts:read"], "name": "读"}).json()
    headers = {"Authorization": f"Bearer {made['secret']}"}
    assert site.client.get(f"{API}/scripts", headers=headers).status_code == 200
    assert site.client.get(f"{API}/audit", headers=headers).status_code == 403
    number = site.script("submitted")
    assert site.client.post(f"{API}/scripts/{number}/approve", headers=headers, json=_STEP).status_code == 403
    assert site.call("officer", "DELETE", f"tokens/{made['id']}").status_code == 204
    assert site.client.get(f"{API}/scripts", headers=headers).status_code == 401
    assert site.call("writer", "POST", "tokens", json={"scopes": ["scripts:decide"]}).status_code == 422


def test_a_change_by_cookie_needs_the_form_code(site: Site) -> None:
    code = site.sign_in()
    body = {"title": "新", "text": CLEAN}
    assert site.client.post(f"{API}/scripts", json=body).status_code == 403
    assert (
        site.client.post(f"{API}/scripts", json=body, headers={"X-CSRF-Token": "x" * 43}).status_code == 403
    )
    assert site.client.post("/desk/preview", json={"text": CLEAN}).status_code == 403
    assert site.client.post("/desk/logout", data={"code": "x"}).status_code == 403
    assert site.client.post(f"{API}/scripts", json=body, headers={"X-CSRF-Token": code}).status_code == 201
    assert site.client.post("/desk/logout", data={"code": code}, follow_redirects=False).status_code == 303
    assert site.client.get(f"{API}/me").status_code == 401


def test_a_login_from_another_site_is_refused(site: Site) -> None:
    site.client.cookies.clear()
    form = {"name": "writer", "password": PASSWORD, "code": "guessed"}
    assert site.client.post("/desk/login", data=form).status_code == 403


def test_logins_are_limited_by_name(site: Site) -> None:
    site.client.cookies.clear()
    site.client.get("/desk/login")
    form = {"name": "second", "password": "wrong", "code": site.client.cookies["huashu_form"]}
    assert [site.client.post("/desk/login", data=form).status_code for _ in range(6)] == [401] * 5 + [429]
    right = form | {"password": PASSWORD}
    assert site.client.post("/desk/login", data=right).status_code == 429


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil", "/desk/\\..", "javascript:x"]
)
def test_login_sends_nobody_elsewhere(site: Site, target: str) -> None:
    site.client.cookies.clear()
    site.client.get("/desk/login")
    form = {
        "name": "writer",
        "password": PASSWORD,
        "next": target,
        "code": site.client.cookies["huashu_form"],
    }
    answer = site.client.post("/desk/login", data=form, follow_redirects=False)
    assert answer.headers["location"] == "/desk/"


def test_cookies_and_headers_are_strict(site: Site) -> None:
    site.client.cookies.clear()
    answer = site.client.get("/desk/login")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    form = {"name": "writer", "password": PASSWORD, "code": site.client.cookies["huashu_form"]}
    cookie = site.client.post("/desk/login", data=form, follow_redirects=False).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


INJECTIONS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "'; DROP TABLE users; --",
)


@pytest.mark.parametrize("words", INJECTIONS)
def test_stored_words_are_shown_as_words(site: Site, words: str) -> None:
    body = {"title": words, "text": f"客服：{words}神仙宫殿", "product": words[:90], "region": words[:90]}
    number = site.call("writer", "POST", "scripts", json=body).json()["id"]
    site.call("writer", "POST", f"scripts/{number}/comments", json={"text": words})
    site.sign_in("writer")
    for path in (f"/desk/scripts/{number}", f"/desk/scripts/{number}/edit", "/desk/scripts", "/desk/"):
        page = site.client.get(path, params={"text": words} if path == "/desk/scripts" else None)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert ">49<" not in page.text


def test_search_and_sort_take_no_statements(site: Site) -> None:
    for words in (*INJECTIONS, "' OR 1=1 --", "%00", "\\"):
        assert site.call("officer", "GET", "scripts", params={"text": words}).status_code == 200
    assert site.call("officer", "GET", "scripts", params={"sort": "id; DROP"}).status_code == 422
    assert site.call("officer", "GET", "scripts", params={"text": "\0"}).status_code == 422


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.pdf", "..\\..\\x.pdf", "/etc/x.pdf", "a\r\nX-Evil: 1.pdf", "%2e%2e%2fx.pdf"]
)
def test_names_of_files_lead_nowhere(site: Site, name: str) -> None:
    files = {"file": (name, b"%PDF-1.4 " + name.encode())}
    answer = site.call("writer", "POST", "evidence", data=_EVIDENCE, files=files)
    assert answer.status_code == 201
    made = answer.json()
    assert "/" not in made["filename"]
    assert "\\" not in made["filename"]
    got = site.call("writer", "GET", f"evidence/{made['id']}/file")
    assert "x-evil" not in got.headers
    assert got.headers["content-disposition"].startswith("attachment")
    kept = [path for path in site.desk.evidence_folder.rglob("*") if path.is_file()]
    assert all(len(path.name) == 64 for path in kept)


@pytest.mark.parametrize(
    "path", ["/desk/static/../../settings.py", "/desk/static/%2e%2e/pages.py", "/desk/static/..%2fpages.py"]
)
def test_static_files_end_at_their_folder(site: Site, path: str) -> None:
    assert site.client.get(path).status_code == 404


def packed(name: str, content: bytes, members: int = 1) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(members):
            archive.writestr(f"{number}{name}", content)
    return out.getvalue()


UPLOADS = {
    "bomb.docx": (packed("word/document.xml", b"\0" * 60_000_000), 413),
    "many.xlsx": (packed("x", b"", 6000)[:290_000], 422),
    "large.txt": ("长".encode() * 200_000, 413),
    "program.exe": (b"MZ", 422),
    "picture.txt": (b"\x89PNG\r\n\x1a\n\0\0", 422),
    "text.docx": (b"hello", 422),
    "zip.txt": (packed("a", b"b"), 422),
    "broken.docx": (b"PK\x03\x04 nonsense", 422),
    "empty.txt": (b"", 422),
    "no-suffix": (b"text", 422),
    "": (b"text", 422),
}


@pytest.mark.parametrize("name", UPLOADS)
def test_uploads_that_are_no_scripts_are_refused(site: Site, name: str) -> None:
    data, status = UPLOADS[name]
    answer = site.call("writer", "POST", "scripts/upload", files={"file": (name, data)})
    assert answer.status_code == status, answer.text


def test_bodies_above_the_limit_are_refused(site: Site) -> None:
    answer = site.call("writer", "POST", "scripts", json={"title": "长", "text": "客" * 200_001})
    assert answer.status_code == 413
    huge = site.client.post(
        f"{API}/scripts",
        content=b"x" * 20_000_001,
        headers={"Authorization": f"Bearer {site.tokens['writer']}"},
    )
    assert huge.status_code == 413


def test_words_that_no_store_can_hold_are_refused(site: Site) -> None:
    for text in ("客服：\\u0000好", "客服：\\ud800好"):
        body = f'{{"title": "x", "text": "{text}"}}'.encode()
        headers = {"Authorization": f"Bearer {site.tokens['writer']}", "Content-Type": "application/json"}
        assert site.client.post(f"{API}/scripts", content=body, headers=headers).status_code == 422


def test_the_log_holds_no_words(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.call("writer", "POST", "scripts", json={"title": "秘密标题", "text": "客服：秘密话术"})
    site.call("writer", "GET", "scripts", params={"text": "秘密话术"})
    said = capsys.readouterr()
    assert "/scripts" in said.out + said.err
    assert "秘密" not in said.out + said.err


def test_health_and_metrics_answer(site: Site) -> None:
    assert site.client.get("/healthz").text == "ok"
    assert site.client.get("/readyz").text == "ok"
    text = site.client.get("/metrics").text
    assert "huashu_requests_total" in text
    assert 'huashu_scripts{status="draft"}' in text


def test_office_files_become_dialogues(site: Site) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for row in (("角色", "内容"), ("客服", "您好，这里是神仙宫殿"), ("客户", "哦")):
        book.active.append(row)
    data = io.BytesIO()
    book.save(data)
    made = site.call("writer", "POST", "scripts/upload", files={"file": ("表.xlsx", data.getvalue())}).json()
    found = site.call("writer", "GET", f"scripts/{made['scripts'][0]['id']}").json()
    assert found["version"]["text"] == "客服：您好，这里是神仙宫殿\n客户：哦"
    assert found["findings"][0]["speaker"] == "agent"


def test_a_running_call_is_answered_turn_by_turn_and_watched(site: Site) -> None:
    import json
    import threading

    site.client.cookies.clear()  # nobody is signed in
    assert site.call(None, "POST", "live", json={}).status_code == 401
    call = site.call("writer", "POST", "live", json={"industry": "realestate"}).json()["call"]
    for who in ("other", "admin", "officer"):  # only the one whose call it is speaks in it
        turn = {"speaker": "agent", "text": "神仙宫殿"}
        assert site.call(who, "POST", f"live/{call}/turns", json=turn).status_code == 404
        assert site.call(who, "DELETE", f"live/{call}").status_code == 404
    for who in ("other", "admin"):
        assert site.call(who, "GET", f"live/{call}/events").status_code == 404
    calls = site.client.app.state.desk_calls
    updates = calls.watch(site.people["officer"], call)
    seen: list[dict] = []
    watcher = threading.Thread(target=lambda: seen.extend(item for item in updates if item))
    watcher.start()
    answers = [
        site.call("writer", "POST", f"live/{call}/turns", json={"speaker": speaker, "text": text}).json()
        for speaker, text in (("agent", "您好"), ("customer", "这是神仙宫殿吗"), ("agent", "这是神仙宫殿"))
    ]
    assert [[item["rule"] for item in answer["added"]] for answer in answers] == [
        [],
        [],
        ["exaggeration/house-palace"],
    ]
    ended = site.call("writer", "DELETE", f"live/{call}")
    assert ended.status_code == 200
    watcher.join(20)
    assert json.dumps(seen) == json.dumps([*answers, ended.json()])
    assert (
        site.call("writer", "POST", f"live/{call}/turns", json={"speaker": "agent", "text": "好"}).status_code
        == 404
    )
