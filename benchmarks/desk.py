"""Load on the desk: page times with 10,000 scripts, 50 people at once, and a killed server.

``python -m benchmarks.desk [--store URL] [--scripts N] [--users N] [--seconds N] [--skip …]``. Without
``--store`` a SQLite file in a temporary folder is used; a PostgreSQL database named must be empty.
The store is filled with rows that were never checked (the texts are made up of clauses); pages are
then asked for over HTTP from a server in a process of its own, with real checks for whatever writes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from checker.desk.services import audit, flow, people
from checker.desk.services.core import Desk
from checker.desk.settings import DeskSettings
from checker.desk.store.database import Database
from checker.desk.store.models import Decision, FindingRow, Script, Version, digest, now
from checker.pipeline import Checker

CLAUSES = (
    "您好，我是【公司名称】的顾问小林",
    "想跟您介绍一下这款产品",
    "它的收益以合同为准",
    "您方便的时候可以来看看",
    "这款产品的保障范围写在条款里",
    "如果您不需要，我就不打扰了",
    "请您以官方渠道的说明为准",
)
STATUSES = (
    "draft",
    "submitted",
    "submitted",
    "changes-asked",
    "approved",
    "approved",
    "approved",
    "rejected",
)
PASSWORD = "correct-horse-9"
SENTENCE = "客服：您好，我是【公司名称】的顾问小林。\n客户：您说。\n客服：第{number}次来电，想跟您介绍一下。"


def fill(desk: Desk, scripts: int, findings: int) -> None:
    """Scripts of 20 people with one version each and ``findings`` findings in all."""
    chance = random.Random(7)
    rules = [rule for rule in desk.checker().lexicon.rules if rule.missing is None]
    with desk.database.writing() as session:
        owners = list(session.scalars(select(people.User.id).where(people.User.role == "writer")))
        each = findings // scripts
        today = now()
        for start in range(0, scripts, 500):
            rows: dict[str, list[dict[str, Any]]] = {
                "scripts": [],
                "versions": [],
                "findings": [],
                "decisions": [],
            }
            for number in range(start + 1, min(start + 500, scripts) + 1):
                lines = [
                    ("客服：" if turn % 2 == 0 else "客户：") + "，".join(chance.choices(CLAUSES, k=3)) + "。"
                    for turn in range(12)
                ]
                text = f"# 第 {number} 份\n" + "\n".join(lines)
                status = chance.choice(STATUSES)
                handed = today - timedelta(hours=chance.random() * 1500)
                rows["scripts"].append(
                    {
                        "id": number,
                        "title": f"话术 {number} {chance.choice(CLAUSES)[:8]}",
                        "industry": "insurance",
                        "channel": "call_1to1",
                        "product": f"产品{number % 50}",
                        "owner_id": chance.choice(owners),
                        "status": status,
                        "stage": 1 if status == "submitted" else 0,
                        "current": 1,
                        "verdict": "review",
                        "reviews": each,
                        "submitted_at": None if status == "draft" else handed,
                        "updated_at": handed,
                    }
                )
                rows["versions"].append(
                    {
                        "id": number,
                        "script_id": number,
                        "number": 1,
                        "text": text,
                        "text_hash": digest(text),
                        "origin": "typed",
                        "author_id": owners[0],
                        "verdict": "review",
                        "lexicon_version": desk.checker().lexicon.version,
                        "excused": [],
                        "duties": [],
                    }
                )
                for ordinal in range(each):
                    rule = chance.choice(rules)
                    begin = 10 + ordinal * 20
                    rows["findings"].append(
                        {
                            "version_id": number,
                            "ordinal": ordinal,
                            "rule_id": rule.id,
                            "category": rule.category,
                            "level": "review",
                            "claim": f"{number:016x}{ordinal:016x}",
                            "start": begin,
                            "end": begin + 4,
                            "status": chance.choice(("open", "open", "confirmed", "rewritten")),
                            "data": {
                                "rule": rule.id,
                                "category": rule.category,
                                "level": "review",
                                "state": "violation",
                                "start": begin,
                                "end": begin + 4,
                                "text": text[begin : begin + 4],
                                "turn": None,
                                "message": rule.message,
                                "why": rule.why,
                                "evidence": "",
                                "basis": [{"cite": "《广告法》第九条第三项", "applies_when": "公开发布"}] * 3,
                                "explanation": {
                                    "view": "plain",
                                    "read_as": "",
                                    "exemptions": ["否定或拒绝承诺"] * 10,
                                },
                                "confidence": 0.8,
                                "rewrites": [
                                    {
                                        "start": begin,
                                        "end": begin + 4,
                                        "text": "以合同为准",
                                        "apply": "suggest",
                                        "note": "",
                                    }
                                ],
                                "fingerprint": f"{number:08x}{ordinal:08x}",
                            },
                        }
                    )
                for action in () if status == "draft" else ("submit", status):
                    name = {"approved": "approve", "rejected": "reject", "changes-asked": "ask-changes"}.get(
                        action, "submit"
                    )
                    rows["decisions"].append(
                        {
                            "script_id": number,
                            "version_id": number,
                            "actor_id": owners[0],
                            "action": name,
                            "waited": None if name == "submit" else chance.random() * 200_000,
                            "at": handed,
                        }
                    )
            for model, name in (
                (Script, "scripts"),
                (Version, "versions"),
                (FindingRow, "findings"),
                (Decision, "decisions"),
            ):
                session.execute(insert(model), rows[name])
    if not desk.database.is_sqlite:
        from sqlalchemy import text as sql

        with desk.database.engine.begin() as connection:
            for table in ("scripts", "versions"):
                connection.execute(sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {scripts})"))
    with desk.database.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")


class Server:
    """``huashu serve`` in a process of its own."""

    def __init__(self, url: str, data: Path) -> None:
        self.url, self.data = url, data
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Start and wait until it answers."""
        environment = os.environ | {
            "HUASHU_DESK_DATA": str(self.data),
            "HUASHU_DESK_SWEEP_SECONDS": "3600",
            "HUASHU_DESK_LOGIN_FAILURES": "1000",
        }
        command = [sys.executable, "-m", "checker", "serve", "--port", str(self.port), "--store", self.url]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        for _ in range(1200):
            try:
                if Client(self.port).get("/readyz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the server did not start")


class Client:
    """One connection, as one person's browser or program."""

    def __init__(self, port: int, token: str = "", cookie: str = "") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {"Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        if cookie:
            self.headers["Cookie"] = f"huashu_session={cookie}"

    def get(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, bytes, float]:
        """Status, content, and the server's own milliseconds until the answer began."""
        method = "GET" if body is None else "POST"
        self.connection.request(method, path, json.dumps(body) if body else None, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        spent = answer.headers.get("Server-Timing", "app;dur=0").split("=")[1]
        return answer.status, content, float(spent)


def pages(port: int, cookies: dict[str, str], script: int) -> None:
    """Server time of every page, 15 times each after one to warm up."""
    paths = {
        "officer": [
            "/desk/",
            "/desk/scripts",
            "/desk/scripts?page=200",
            "/desk/scripts?status=submitted&sort=waiting",
            "/desk/scripts?sort=risk",
            "/desk/scripts?text=%E6%9D%A1%E6%AC%BE",
            "/desk/scripts?text=%E6%B2%A1%E6%9C%89%E8%BF%99%E5%8F%A5",
            f"/desk/scripts/{script}",
            f"/desk/scripts/{script}/edit",
            f"/desk/scripts/{script}/compare",
            "/desk/evidence",
            "/desk/impact",
            "/desk/overview",
            "/desk/audit",
            "/desk/account",
        ],
        "admin": ["/desk/users", "/desk/settings"],
        "writer0": ["/desk/", "/desk/scripts", "/desk/scripts/new"],
    }
    slow = 0
    print(f"{'page':58} median   worst  (ms of server time)")
    for who, wanted in paths.items():
        client = Client(port, cookie=cookies[who])
        for path in wanted:
            client.get(path)
            times = []
            for _ in range(15):
                status, _, spent = client.get(path)
                assert status == 200, (path, status)
                times.append(spent)
            slow += statistics.median(times) >= 200
            print(f"{who + ' ' + path:58} {statistics.median(times):6.0f}  {max(times):6.0f}")
    print(f"pages with a median of 200 ms or more: {slow}")


def crowd(port: int, tokens: list[str], cookies: list[str], seconds: float, scripts: int) -> None:
    """People who read, search, write and submit, each over a connection of its own."""
    seen: Counter[str] = Counter()
    times: list[float] = []
    end = time.monotonic() + seconds
    lock = threading.Lock()

    def person(number: int) -> None:
        chance = random.Random(number)
        browser = Client(port, cookie=cookies[number % len(cookies)])
        program = Client(port, token=tokens[number % len(tokens)])
        while time.monotonic() < end:
            kind = chance.random()
            begun = time.monotonic()
            try:
                if kind < 0.35:
                    status = browser.get("/desk/")[0]
                elif kind < 0.6:
                    status = browser.get(f"/desk/scripts?page={chance.randint(1, 5)}")[0]
                elif kind < 0.9:
                    status = program.get(f"/api/v1/desk/scripts/{chance.randint(1, scripts)}")[0]
                    status = 200 if status == 404 else status  # a writer does not see others' scripts
                else:
                    text = SENTENCE.format(number=chance.randint(1, 10**9))
                    status, content, _ = program.get("/api/v1/desk/scripts", {"title": "负载", "text": text})
                    if status == 201:
                        made = json.loads(content)
                        status = program.get(f"/api/v1/desk/scripts/{made['id']}/submit", {"base": 1})[0]
                outcome = str(status)
            except OSError as error:
                outcome = type(error).__name__
                browser = Client(port, cookie=cookies[number % len(cookies)])
                program = Client(port, token=tokens[number % len(tokens)])
            with lock:
                seen[outcome] += 1
                times.append(time.monotonic() - begun)
            time.sleep(chance.random())

    threads = [threading.Thread(target=person, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    errors = sum(count for outcome, count in seen.items() if not outcome.startswith("2"))
    print(
        f"50 people, {seconds:.0f} s: {sum(seen.values())} actions {dict(seen)}, {errors} errors; "
        f"seconds for an action: median {times[len(times) // 2]:.2f}, 95 % {times[int(len(times) * 0.95)]:.2f}, worst {times[-1]:.2f}"
    )


def kill(server: Server, desk: Desk, tokens: list[str], rounds: int) -> None:
    """Submissions from 4 people while the server is killed; what was acknowledged must be there."""
    acknowledged: list[int] = []
    lock = threading.Lock()
    for number in range(rounds):
        stop = threading.Event()

        def person(token: str, stop: threading.Event = stop) -> None:
            client = Client(server.port, token=token)
            while not stop.is_set():
                try:
                    status, content, _ = client.get(
                        "/api/v1/desk/scripts", {"title": "断电", "text": SENTENCE.format(number=1)}
                    )
                    made = json.loads(content) if status == 201 else None
                    if (
                        made
                        and client.get(f"/api/v1/desk/scripts/{made['id']}/submit", {"base": 1})[0] == 200
                    ):
                        with lock:
                            acknowledged.append(made["id"])
                except (OSError, http.client.HTTPException):
                    return

        threads = [threading.Thread(target=person, args=(token,)) for token in tokens[:4]]
        for thread in threads:
            thread.start()
        time.sleep(2 + random.Random(number).random() * 2)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        stop.set()
        for thread in threads:
            thread.join()
        server.start()
    with desk.database.reading() as session:
        kept = set(session.scalars(select(Script.id).where(Script.status == "submitted")))
        half = session.scalar(
            select(func.count(Script.id)).where(
                ~select(Version.id).where(Version.script_id == Script.id).exists()
            )
        )
    lost = [number for number in acknowledged if number not in kept]
    print(
        f"killed {rounds} times during submissions: {len(acknowledged)} acknowledged, {len(lost)} lost, {half} half-written"
    )


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store")
    parser.add_argument("--scripts", type=int, default=10_000)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--skip", nargs="*", default=[], choices=["pages", "crowd", "kill"])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="huashu-desk-"))
    url = options.store or f"sqlite:///{folder}/desk.db"
    checker = Checker()
    desk = Desk(DeskSettings(data=folder, store=url), Database(url), lambda: checker)
    desk.database.migrate()
    staff = {"admin": "admin", "officer": "officer"} | {f"writer{n}": "writer" for n in range(20)}
    known = {name: people.create(desk, None, name, "", role, PASSWORD) for name, role in staff.items()}
    begun = time.monotonic()
    fill(desk, options.scripts, options.findings)
    print(
        f"{desk.database.url.get_backend_name()}: {options.scripts} scripts, {options.findings} findings in {time.monotonic() - begun:.0f} s"
    )
    cookies = {name: people.log_in(desk, name, PASSWORD, "127.0.0.1") for name in staff}
    writers = [people.actor_of(known[f"writer{n}"]) for n in range(20)]
    tokens = [people.create_token(desk, actor, "load", sorted(actor.scopes), None)[1] for actor in writers]
    server = Server(url, folder)
    try:
        script = flow.create(desk, writers[0], flow.ScriptFields("样本"), SENTENCE.format(number=1)).id
        Client(server.port, token=tokens[0]).get("/api/v1/desk/check", {"text": "预热"})
        if "pages" not in options.skip:
            pages(server.port, cookies, min(script, options.scripts))
        if "crowd" not in options.skip:
            crowd(
                server.port,
                tokens,
                [cookies[f"writer{n}"] for n in range(20)],
                options.seconds,
                options.scripts,
            )
        if "kill" not in options.skip:
            kill(server, desk, tokens, options.rounds)
        begun = time.monotonic()
        broken = [
            p for p in audit.verify(desk, 10**6).problems if "没有审计记录" not in p and "检查结果" not in p
        ]
        print(
            f"audit verified in {time.monotonic() - begun:.0f} s: {len(broken)} problems beside the rows filled in"
        )
    finally:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait()
        desk.database.close()


if __name__ == "__main__":
    main()
