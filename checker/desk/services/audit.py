"""The audit log: append-only, hash-chained, compared with what the tables say today.

Each entry holds the state of one row before and after. ``verify`` finds three kinds of tampering:
an entry changed, removed or added (the chain breaks), the end cut off (the signed head, kept
outside the database, is missing), and a row changed behind the log's back (its state is not the
one last recorded, down to the text of a script or the bytes of an evidence file).
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from checker.desk.services.signing import canonical
from checker.desk.store.models import (
    AUDITED,
    Approval,
    AuditEntry,
    Evidence,
    FindingRow,
    Version,
    digest,
    now,
)

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk

KIND_NAMES = {
    "scripts": "话术",
    "versions": "话术版本",
    "decisions": "决定",
    "approvals": "批准",
    "waivers": "豁免",
    "evidence": "证明材料",
    "comments": "留言",
    "users": "人员",
    "tokens": "令牌",
    "policies": "策略",
    "webhooks": "回调",
}
_START = "0" * 64
#: PostgreSQL's advisory lock that lines up the writers of the chain.
_LOCK = 0x4855415348


def record(
    session: Session,
    desk: Desk,
    actor: Actor | None,
    action: str,
    row: Any,
    before: dict[str, Any] | None = None,
) -> AuditEntry:
    """Append what was done to a row. ``before`` is its snapshot from before the change."""
    session.flush()
    last = _last(session)
    entry = AuditEntry(
        seq=(last.seq if last else 0) + 1,
        at=now(),
        actor_id=actor.id if actor else None,
        actor=actor.name if actor else "system",
        action=action,
        kind=row.__tablename__,
        object_id=row.id,
        before=before,
        after=row.snapshot(),
        previous=last.hash if last else _START,
    )
    entry.hash = _hash(entry)
    session.add(entry)
    session.flush()
    if "audit_head" not in session.info:
        event.listen(
            session, "after_commit", lambda s: _write_head(desk, s.info.pop("audit_head", None)), once=True
        )
    session.info["audit_head"] = {"seq": entry.seq, "hash": entry.hash}
    return entry


def _last(session: Session) -> AuditEntry | None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    return session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).first()


def _hash(entry: AuditEntry) -> str:
    content = [
        entry.seq,
        entry.at.isoformat(timespec="microseconds"),
        entry.actor_id,
        entry.actor,
        entry.action,
        entry.kind,
        entry.object_id,
        entry.before,
        entry.after,
        entry.previous,
    ]
    return hashlib.sha256(canonical(content)).hexdigest()


def _write_head(desk: Desk, head: dict[str, Any] | None) -> None:
    if head is None:
        return
    known = _read_head(desk)
    if known and known["seq"] >= head["seq"]:
        return
    target = desk.head_file
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{head['seq']}")
    temporary.write_text(json.dumps(head | {"signature": desk.signer.sign(head)}), encoding="utf-8")
    temporary.replace(target)


def _read_head(desk: Desk) -> dict[str, Any] | None:
    """The head, or None where there is no file. A broken one is ``{"seq": -1}``."""
    try:
        content = json.loads(desk.head_file.read_text(encoding="utf-8"))
        head = {"seq": int(content["seq"]), "hash": str(content["hash"])}
        if desk.signer.verify(head, content["signature"]):
            return head
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {"seq": -1, "hash": ""}


@dataclass(frozen=True)
class Verification:
    """What ``verify`` saw: the number of entries and rows, and every contradiction (Chinese)."""

    entries: int
    rows: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True without contradictions."""
        return not self.problems


def verify(desk: Desk, most: int = 100) -> Verification:
    """Check chain, head, rows, seals, signatures and evidence files; stop at ``most`` problems."""
    problems: list[str] = []
    entries = rows = 0
    latest: dict[tuple[str, int], Any] = {}
    with desk.database.reading() as session:
        previous, expected = _START, 1
        head = _read_head(desk)
        head_seen = head is None or head["seq"] == 0
        for entry in session.scalars(
            select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=1000)
        ):
            entries += 1
            if entry.seq != expected:
                problems.append(f"审计第 {expected} 条缺失（其后是第 {entry.seq} 条）")
            if entry.previous != previous:
                problems.append(f"审计第 {entry.seq} 条与前一条不相连")
            if _hash(entry) != entry.hash:
                problems.append(f"审计第 {entry.seq} 条内容被改动")
            if head and entry.seq == head["seq"]:
                head_seen = entry.hash == head["hash"]
            previous, expected = entry.hash, entry.seq + 1
            latest[entry.kind, entry.object_id] = entry.after
            session.expunge(entry)
            if len(problems) >= most:
                return Verification(entries, rows, tuple(problems))
        if entries and head is None:
            problems.append("审计链尾文件 audit.head 缺失")
        elif not head_seen:
            problems.append("审计链尾与签名的 audit.head 不符：末尾被截断、整链被重写，或 audit.head 被改动")
        for kind, model in sorted(AUDITED.items()):
            for row in session.scalars(select(model).execution_options(yield_per=500)):
                rows += 1
                known = latest.pop((kind, row.id), None)
                if known is None:
                    problems.append(f"{KIND_NAMES[kind]} #{row.id} 没有审计记录")
                elif canonical(known) != canonical(row.snapshot()):
                    problems.append(f"{KIND_NAMES[kind]} #{row.id} 与审计记录不符")
                problems += _seals(session, desk, row)
                if len(problems) >= most:
                    return Verification(entries, rows, tuple(problems))
        problems += [
            f"{KIND_NAMES.get(kind, kind)} #{number} 有审计记录，但数据已不存在"
            for kind, number in sorted(latest)
        ]
    return Verification(entries, rows, tuple(problems[:most]))


def _seals(session: Session, desk: Desk, row: Any) -> list[str]:
    """Contradictions inside a row that its snapshot alone cannot show."""
    if isinstance(row, Version):
        found = []
        if digest(row.text) != row.text_hash:
            found.append(f"话术版本 #{row.id} 的文本与其哈希不符")
        if seal(session, row) != row.findings_digest:
            found.append(f"话术版本 #{row.id} 的检查结果或处理状态被改动")
        return found
    if isinstance(row, Approval) and not desk.signer.verify(row.record, row.signature):
        return [f"批准 #{row.id} 的签名不成立"]
    if isinstance(row, Evidence):
        from checker.desk.services.evidence import stored

        try:
            data = stored(desk, row.sha256).read_bytes()
        except OSError:
            return [f"证明材料 #{row.id} 的文件缺失"]
        if hashlib.sha256(data).hexdigest() != row.sha256:
            return [f"证明材料 #{row.id} 的文件被改动"]
    return []


def seal(session: Session, version: Version) -> str:
    """SHA-256 over the finding rows of a version, with what people made of them."""
    session.flush()
    rows = session.execute(
        select(
            FindingRow.ordinal,
            FindingRow.rule_id,
            FindingRow.category,
            FindingRow.level,
            FindingRow.claim,
            FindingRow.start,
            FindingRow.end,
            FindingRow.status,
            FindingRow.waiver_id,
            FindingRow.decided_by,
            FindingRow.data,
        )
        .where(FindingRow.version_id == version.id)
        .order_by(FindingRow.ordinal)
    )
    return hashlib.sha256(canonical([list(row) for row in rows])).hexdigest()


def history(session: Session, kind: str, object_id: int, most: int = 200) -> list[AuditEntry]:
    """The entries of one row, newest first."""
    return list(
        session.scalars(
            select(AuditEntry)
            .where(AuditEntry.kind == kind, AuditEntry.object_id == object_id)
            .order_by(AuditEntry.seq.desc())
            .limit(most)
        )
    )


def count(session: Session) -> int:
    """The number of entries."""
    return session.scalar(select(func.max(AuditEntry.seq))) or 0
