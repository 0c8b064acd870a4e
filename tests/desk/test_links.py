"""What reaches other systems: webhooks, an identity provider, the command line."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from desk_office import CLEAN, PASSWORD, Office
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select
from test_flow import FIELDS, approved, submitted

from checker.cli import main
from checker.desk.errors import ConflictError, ForbiddenError, InvalidError
from checker.desk.services import certificates, flow, people, webhooks
from checker.desk.store.models import Delivery, now
from checker.web.app import create_app
from checker.web.settings import Settings


class Receiver:
    """A local HTTP server that answers as told and keeps what it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: dict[str, object] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                self._answer()

            def do_GET(self) -> None:
                self._answer()

            def _answer(self) -> None:
                content = json.dumps(receiver.answers.get(self.path, {})).encode()
                self.send_response(receiver.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def test_decisions_are_announced_signed(office: Office, receiver: Receiver) -> None:
    _, secret = webhooks.add(office.desk, office.admin, receiver.url, ["script.submit", "script.approve"])
    approved(office)
    assert webhooks.deliver(office.desk) == 2
    events = [json.loads(body)["event"] for _, body in receiver.got]
    assert events == ["script.submit", "script.approve"]
    headers, body = receiver.got[0]
    at, _, code = headers["X-Huashu-Signature"].removeprefix("t=").partition(",v1=")
    assert abs(int(at) - time.time()) < 600
    assert hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest() == code
    assert CLEAN[:8] not in body.decode()
    assert webhooks.deliver(office.desk) == 0


def test_a_refused_delivery_is_tried_again_and_given_up_at_last(office: Office, receiver: Receiver) -> None:
    receiver.status = 503
    webhooks.add(office.desk, office.admin, receiver.url, ["script.submit"])
    submitted(office)
    for attempt in range(len(webhooks.RETRIES) + 1):
        assert webhooks.deliver(office.desk) == 0
        with office.desk.database.writing() as session:
            row = session.scalars(select(Delivery)).one()
            assert (row.attempts, row.last_error) == (attempt + 1, "HTTP 503")
            row.next_at = now()
    assert row.status == "given-up"
    assert len(receiver.got) == len(webhooks.RETRIES) + 1


def test_a_step_that_fails_announces_nothing(office: Office, receiver: Receiver) -> None:
    webhooks.add(office.desk, office.admin, receiver.url, ["script.approve"])
    script = submitted(office)
    with pytest.raises(ForbiddenError):
        flow.approve(office.desk, office.writer, script.id, 1)
    assert webhooks.deliver(office.desk) == 0


@pytest.mark.parametrize(
    "url", ["ftp://x/", "http://169.254.169.254/", "file:///etc/passwd", "http://a:b@x/", "http://0.0.0.0/"]
)
def test_addresses_that_nobody_should_call(office: Office, url: str) -> None:
    with pytest.raises(InvalidError):
        webhooks.add(office.desk, office.admin, url, ["script.submit"])


def test_people_lose_their_sessions_with_their_rights(office: Office) -> None:
    cookie = people.log_in(office.desk, "writer", PASSWORD, "127.0.0.1")
    assert people.visit(office.desk, cookie) is not None
    people.change(office.desk, office.admin, office.writer.id, active=False)
    assert people.visit(office.desk, cookie) is None
    with pytest.raises(ConflictError, match="管理员"):
        people.change(office.desk, office.admin, office.admin.id, role="writer")


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "x" * 201])
def test_weak_passwords_are_refused(office: Office, password: str) -> None:
    with pytest.raises(InvalidError):
        people.create(office.desk, office.admin, "new", "", "writer", password)


def test_a_certificate_proves_itself(office: Office) -> None:
    script = approved(office)
    found = certificates.certificate(office.desk, office.officer, 1)
    exported = json.loads(json.dumps(found))
    assert certificates.check(exported, office.desk.signer.public_key) == ""
    exported["record"]["script"]["title"] += "改"
    assert "签名不成立" in certificates.check(exported)
    assert certificates.check({}) == "不是批准证书"
    assert script.status == "approved"


def test_a_provider_of_identities_lets_people_in(tmp_path: Path, house: Path, receiver: Receiver) -> None:
    key = RSAKey.generate_key(2048, {"kid": "1"})
    section = {
        "data": str(tmp_path),
        "sweep_seconds": 3600,
        "oidc": {"issuer": receiver.url, "client_id": "desk", "client_secret": "s"},
    }
    app = create_app(Settings(lexicons=(house,), store=f"sqlite:///{tmp_path}/desk.db", desk=section))
    receiver.answers = {
        "/.well-known/openid-configuration": {
            "issuer": receiver.url,
            "authorization_endpoint": f"{receiver.url}/authorize",
            "token_endpoint": f"{receiver.url}/token",
            "jwks_uri": f"{receiver.url}/keys",
        },
        "/keys": {"keys": [key.as_dict(private=False)]},
    }
    with TestClient(app, follow_redirects=False) as client:

        def attempt(**changes: object) -> int:
            client.cookies.clear()
            sent = parse_qs(urlsplit(client.get("/desk/oidc/login").headers["location"]).query)
            assert sent["code_challenge_method"] == ["S256"]
            claims = {
                "iss": receiver.url,
                "aud": "desk",
                "sub": "42",
                "exp": int(time.time()) + 60,
                "nonce": sent["nonce"][0],
                "preferred_username": "zhang",
                "name": "张三",
            } | {name: value for name, value in changes.items() if name != "signer"}
            signer = changes.get("signer", key)
            receiver.answers["/token"] = {
                "id_token": jwt.encode({"alg": "RS256", "kid": "1"}, claims, signer)
            }
            state = changes.get("state", sent["state"][0])
            return client.get(f"/desk/oidc/callback?code=c&state={state}").status_code

        assert attempt() == 303
        assert "张三" in client.get("/desk/").text
        assert attempt(aud="other") == 403
        assert attempt(exp=int(time.time()) - 600) == 403
        assert attempt(nonce="x") == 403
        assert attempt(state="x") == 403
        assert attempt(signer=RSAKey.generate_key(2048, {"kid": "1"})) == 403
        assert attempt() == 303
        assert len(people.listing(app.state.desk, people.actor_of(_admin(app)))) == 2


def _admin(app: object):
    return people.create(app.state.desk, None, "boss", "", "admin", PASSWORD)


def test_the_commands_work_on_the_store(
    tmp_path: Path,
    house: Path,
    new_rules: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUASHU_DESK_PASSWORD", PASSWORD)
    monkeypatch.setenv("HUASHU_SERVER_LEXICONS", str(house))
    where = ["--data", str(tmp_path / "data"), "--store", f"sqlite:///{tmp_path}/desk.db"]
    assert main(["desk", "create-admin", "boss", *where]) == 0
    assert main(["desk", "create-admin", "boss", *where]) == 2
    from checker.desk.services.core import Desk
    from checker.desk.settings import DeskSettings
    from checker.desk.store.database import Database
    from checker.pipeline import Checker

    checker = Checker(lexicons=[house])
    url = f"sqlite:///{tmp_path}/desk.db"
    desk = Desk(DeskSettings(data=tmp_path / "data", store=url), Database(url), lambda: checker)
    writer, officer = (
        people.actor_of(people.create(desk, None, role, "", role, PASSWORD)) for role in ("writer", "officer")
    )
    script = flow.create(desk, writer, FIELDS, CLEAN)
    flow.submit(desk, writer, script.id, 1)
    flow.approve(desk, officer, script.id, 1)
    (tmp_path / "a.json").write_text(json.dumps(certificates.certificate(desk, officer, 1)), encoding="utf-8")
    capsys.readouterr()
    assert main(["desk", "verify", str(tmp_path / "a.json")]) == 0
    assert main(["impact", *where]) == 0
    assert main(["impact", "--lexicon", str(new_rules / "new.yaml"), *where]) == 2
    capsys.readouterr()
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "new.yaml").write_text((new_rules / "new.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert main(["impact", "--lexicon", str(extra), "--format", "json-lines", *where]) == 1
    assert json.loads(capsys.readouterr().out)["added"][0]["rule"] == "exaggeration/house-lift"
    assert main(["desk", "export", "precision", *where]) == 0
    assert main(["desk", "backup", str(tmp_path / "b.tar.gz"), *where]) == 0
    again = ["--data", str(tmp_path / "new"), "--store", f"sqlite:///{tmp_path}/new.db"]
    assert main(["desk", "restore", str(tmp_path / "b.tar.gz"), *again]) == 0
    assert main(["audit", "verify", *again]) == 0
    import sqlite3

    with sqlite3.connect(tmp_path / "new.db") as store:
        store.execute("UPDATE versions SET text = replace(text, '小林', '小王')")
    capsys.readouterr()
    assert main(["audit", "verify", *again]) == 1
    assert "文本与其哈希不符" in capsys.readouterr().out


def test_bad_settings_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HUASHU_DESK_SESSION_HOURS", "-1")
    assert main(["audit", "verify"]) == 2
    assert "session_hours" in capsys.readouterr().err
