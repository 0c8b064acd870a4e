from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from desk_office import CLEAN, DIRTY, Office, new_database
from sqlalchemy import text
from test_flow import FIELDS, approved, proof, submitted, waived

from checker.desk.errors import ConflictError, InvalidError
from checker.desk.services import audit, evidence, flow, reading
from checker.desk.services.backup import backup, restore
from checker.desk.services.core import Desk
from checker.desk.store.database import Database
from checker.desk.store.models import AuditEntry, now


def test_migrations_lead_to_the_models_and_back(store_url: str) -> None:
    database = Database(store_url)
    database.migrate()
    database.check()
    database.downgrade("base")
    database.migrate()
    database.check()
    database.close()


def full(office: Office) -> None:
    """A desk in which everything happened once."""
    script = submitted(office, DIRTY)
    waived(office, script)
    flow.comment(office.desk, office.officer, script.id, "请改第三句")
    approved(office)


def change(office: Office, statement: str) -> None:
    with office.desk.database.engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE versions SET text = REPLACE(text, '您好', '你好') WHERE id = 1", "文本与其哈希不符"),
        ("UPDATE decisions SET actor_id = 2 WHERE action = 'approve'", "决定"),
        ("UPDATE scripts SET status = 'approved' WHERE id = 1", "话术 #1 与审计记录不符"),
        ("UPDATE findings SET status = 'waived' WHERE id = 1", "处理状态被改动"),
        ("UPDATE findings SET level = 'hint' WHERE id = 1", "检查结果"),
        ("UPDATE waivers SET reason = '不同' WHERE id = 1", "豁免"),
        ("UPDATE users SET role = 'admin' WHERE name = 'writer'", "人员"),
        ("UPDATE approvals SET signature = 'AAAA'", "签名不成立"),
        ("DELETE FROM comments", "数据已不存在"),
        ("UPDATE audit SET actor = 'nobody' WHERE seq = 3", "第 3 条内容被改动"),
        ("DELETE FROM audit WHERE seq = 4", "第 4 条缺失"),
        ("DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)", "audit.head"),
        ("UPDATE evidence SET valid_to = '2099-01-01'", "证明材料"),
    ],
)
def test_any_tampering_is_found(office: Office, statement: str, says: str) -> None:
    full(office)
    assert audit.verify(office.desk).problems == ()
    change(office, statement)
    assert any(says in problem for problem in audit.verify(office.desk).problems)


def test_a_chain_written_anew_is_found(office: Office) -> None:
    """Whoever recomputes every hash still has no key to sign the head with."""
    full(office)
    with office.desk.database.writing() as session:
        previous = "0" * 64
        for entry in session.query(AuditEntry).order_by(AuditEntry.seq):
            if entry.seq == 5:
                entry.actor = "nobody"
            entry.previous = previous
            entry.hash = previous = audit._hash(entry)
    assert any("audit.head" in problem for problem in audit.verify(office.desk).problems)


def test_a_changed_evidence_file_is_found_and_not_handed_out(office: Office) -> None:
    row = proof(office)
    evidence.stored(office.desk, row.sha256).write_bytes(b"%PDF-1.4 other")
    assert any("文件被改动" in problem for problem in audit.verify(office.desk).problems)
    with pytest.raises(ConflictError):
        evidence.read(office.desk, office.officer, row.id)


def test_a_failed_step_leaves_nothing_behind(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    script = submitted(office)
    monkeypatch.setattr(flow, "_record", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        flow.approve(office.desk, office.officer, script.id, 1)
    found = reading.detail(office.desk, office.officer, script.id)
    assert (found.script.status, len(found.decisions)) == ("submitted", 1)
    assert audit.verify(office.desk).problems == ()


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_restores_into_either_store(
    office: Office, target: str, tmp_path: Path, house_checker, request: pytest.FixtureRequest
) -> None:
    full(office)
    backup(office.desk, tmp_path / "all.tar.gz")
    url = f"sqlite:///{tmp_path}/new.db"
    if target == "postgresql":
        url = new_database(request.getfixturevalue("postgres"))
    restore(tmp_path / "all.tar.gz", tmp_path / "new", url)
    settings = office.desk.settings.model_copy(update={"data": tmp_path / "new", "store": url})
    again = Desk(settings, Database(url), lambda: house_checker)
    result = audit.verify(again)
    assert result.problems == ()
    assert result.entries == audit.verify(office.desk).entries
    flow.create(again, office.writer, FIELDS, CLEAN)  # numbers go on where they were
    assert audit.verify(again).problems == ()
    with pytest.raises(ConflictError):
        restore(tmp_path / "all.tar.gz", tmp_path / "new", url)
    again.database.close()


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"nonsense")
    with pytest.raises(InvalidError):
        restore(tmp_path / "x.tar.gz", tmp_path / "data", f"sqlite:///{tmp_path}/x.db")


_WRITES = """
import sys
from pathlib import Path
from argon2 import PasswordHasher
from checker.desk.services import people
from checker.desk.services.core import Desk
from checker.desk.settings import DeskSettings
from checker.desk.store.database import Database
people._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
url, data, name = sys.argv[1:]
desk = Desk(DeskSettings(data=Path(data), store=url), Database(url), lambda: None)
for number in range(1000):
    people.create(desk, None, f"{name}-{number}", "", "writer", "correct-horse-9")
    print(number, flush=True)
    if number == 11 and name != "killed":
        break
"""


def test_processes_share_one_store_and_one_of_them_is_killed(
    office: Office, store_url: str, tmp_path: Path
) -> None:
    def start(name: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _WRITES, store_url, str(tmp_path / "data"), name]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    running = [start(name) for name in ("one", "two", "killed")]
    killed = running[2]
    assert killed.stdout is not None
    for _ in range(5):
        killed.stdout.readline()
    killed.kill()
    told = 5 + len(killed.stdout.read().splitlines())
    killed.wait()
    assert [process.communicate()[0].count("\n") for process in running[:2]] == [12, 12]
    assert [process.returncode for process in running[:2]] == [0, 0]
    found = audit.verify(office.desk)
    assert found.problems == ()
    with office.desk.database.reading() as session:
        names = [
            name for (name,) in session.execute(text("SELECT name FROM users WHERE name LIKE 'killed-%'"))
        ]
    # What was acknowledged is there; one more may have been on its way.
    assert told <= len(names) <= told + 1


def test_a_clock_that_jumps_breaks_no_chain(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    script = approved(office)
    for jump in (-400, 3, -0.001, 0):
        moment = now() + timedelta(days=jump)
        for module in (audit, flow):
            monkeypatch.setattr(module, "now", lambda moment=moment: moment)
        flow.comment(office.desk, office.officer, script.id, "看过")
        assert flow.expire(office.desk) == 0
        assert audit.verify(office.desk).problems == ()
    later = now() + timedelta(days=4000)
    monkeypatch.setattr(flow, "now", lambda: later)
    assert flow.expire(office.desk) == 1
    monkeypatch.undo()
    # What has ended stays ended when the clock is set back.
    assert reading.detail(office.desk, office.writer, script.id).script.status == "expired"
    assert audit.verify(office.desk).problems == ()
