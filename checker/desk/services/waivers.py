"""Waivers: a claim may be said, because a document proves it or because the rule is wrong here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from checker.desk.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from checker.desk.services import audit, policy
from checker.desk.services.findings import NATIONWIDE, Waivers, evidence_ended, rule_digest, settle
from checker.desk.services.flow import find, finding_of, version_of
from checker.desk.store.models import Evidence, FindingRow, Script, Version, Waiver, now

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk

KIND_NAMES = {"evidence": "有证明材料", "false-alarm": "误报"}


@dataclass(frozen=True)
class WaiverFields:
    """Why and for where a claim may be said.

    ``product`` and ``region`` are the scope; empty means everywhere. ``expires_on`` may be earlier
    than evidence and policy allow, never later.
    """

    kind: Literal["evidence", "false-alarm"]
    reason: str
    evidence_id: int | None = None
    product: str = ""
    region: str = ""
    expires_on: date | None = None


def waive(
    desk: Desk, actor: Actor, script_id: int, finding_id: int, base: int, fields: WaiverFields
) -> Waiver:
    """Waive a finding of a submitted script, and the same claim elsewhere within the scope."""
    actor.need("scripts:decide")
    if not fields.reason.strip():
        raise InvalidError("请写明豁免理由")
    with desk.database.writing() as session:
        script = find(session, actor, script_id, lock=True)
        if script.owner_id == actor.id:
            raise ForbiddenError("不能豁免自己话术中的问题")
        if script.status != "submitted":
            raise ConflictError("只有待审核的话术可以豁免")
        if script.current != base:
            raise ConflictError(f"话术已有第 {script.current} 版，请刷新后再处理")
        version = version_of(session, script)
        row = finding_of(session, version, finding_id)
        if row.status not in ("open", "confirmed"):
            raise ConflictError("这处已经处理")
        evidence = _evidence(session, fields)
        waiver = Waiver(
            kind=fields.kind,
            rule_id=row.rule_id,
            rule_digest=rule_digest(desk.checker(), row.rule_id),
            claim=row.claim,
            matched=row.data["text"],
            reason=fields.reason,
            product=fields.product,
            region=fields.region,
            evidence_id=evidence.id if evidence else None,
            evidence_sha256=evidence.sha256 if evidence else "",
            author_id=actor.id,
            expires_on=_last_day(session, fields, evidence),
        )
        if evidence and (problem := evidence_ended(evidence, waiver, now().date())):
            raise InvalidError(problem)
        if waiver.product not in ("", script.product) or (
            waiver.region not in NATIONWIDE and waiver.region != script.region
        ):
            raise InvalidError("豁免范围不包括这份话术的产品或地区")
        session.add(waiver)
        audit.record(session, desk, actor, "waiver.grant", waiver)
        row.status = "open"
        _settle_claims(session, desk, actor, {(waiver.rule_id, waiver.claim)})
    return waiver


def _evidence(session: Session, fields: WaiverFields) -> Evidence | None:
    if fields.kind == "false-alarm":
        if fields.evidence_id is not None:
            raise InvalidError("误报豁免不需要证明材料")
        return None
    evidence = session.get(Evidence, fields.evidence_id) if fields.evidence_id else None
    if evidence is None:
        raise InvalidError("请选择证明材料")
    for name, scope, proven in (
        ("产品", fields.product, evidence.product),
        ("地区", fields.region, evidence.region),
    ):
        if proven not in NATIONWIDE and scope != proven:
            raise InvalidError(f"证明材料只适用于{name}“{proven}”，豁免范围不能更大")
    return evidence


def _last_day(session: Session, fields: WaiverFields, evidence: Evidence | None) -> date:
    latest = (
        evidence.valid_to if evidence else now().date() + timedelta(days=policy.current(session).waiver_days)
    )
    if fields.expires_on is not None:
        if fields.expires_on < now().date():
            raise InvalidError("豁免的到期日已过")
        return min(latest, fields.expires_on)
    return latest


def revoke(desk: Desk, actor: Actor, waiver_id: int, reason: str) -> Waiver:
    """End a waiver; its findings are open again wherever they stand."""
    actor.need("scripts:decide")
    if not reason.strip():
        raise InvalidError("请写明撤销理由")
    with desk.database.writing() as session:
        waiver = session.get(Waiver, waiver_id)
        if waiver is None:
            raise NotFoundError("没有这项豁免")
        if waiver.status != "active":
            raise ConflictError("豁免已经失效")
        _end(session, desk, actor, waiver, f"撤销：{reason}")
        _settle_claims(session, desk, actor, {(waiver.rule_id, waiver.claim)})
    return waiver


def sweep(desk: Desk) -> int:
    """End waivers that expired, or whose rule or evidence changed; their number."""
    with desk.database.reading() as session:
        active = list(session.scalars(select(Waiver).where(Waiver.status == "active")))
        judge = Waivers(session, desk.checker(), (waiver.claim for waiver in active))
        due = {waiver.id: why for waiver in active if (why := judge.ended(waiver))}
    if not due:
        return 0
    with desk.database.writing() as session:
        ended = []
        for waiver_id, why in sorted(due.items()):
            waiver = session.get_one(Waiver, waiver_id)
            if waiver.status == "active":
                _end(session, desk, None, waiver, why)
                ended.append(waiver)
        _settle_claims(session, desk, None, {(waiver.rule_id, waiver.claim) for waiver in ended})
    return len(ended)


def _end(session: Session, desk: Desk, actor: Actor | None, waiver: Waiver, why: str) -> None:
    before = waiver.snapshot()
    waiver.status, waiver.ended_because = "ended", why
    audit.record(session, desk, actor, "waiver.end", waiver, before)


def _settle_claims(session: Session, desk: Desk, actor: Actor | None, claims: set[tuple[str, str]]) -> None:
    """Bring the findings of these claims in line in every script that holds them.

    An approved script keeps its approval, which is a fact of its day, but is marked for a look when
    something in it is open again.
    """
    holding = select(FindingRow.version_id).where(
        FindingRow.rule_id.in_({rule for rule, _ in claims}),
        FindingRow.claim.in_({claim for _, claim in claims}),
    )
    pairs = session.execute(
        select(Script, Version)
        .join(Version, (Version.script_id == Script.id) & (Version.number == Script.current))
        .where(Version.id.in_(holding))
    ).all()
    for script, version in pairs:
        seen, before = version.snapshot(), script.snapshot()
        settle(session, desk, script, version)
        if version.findings_digest == seen["findings_digest"]:
            continue
        audit.record(session, desk, actor, "version.settle", version, seen)
        if script.status == "approved" and script.blocks + script.reviews and not script.attention:
            script.attention = "豁免失效，问题重新打开"
            audit.record(session, desk, actor, "script.attention", script, before)


def listing(desk: Desk, actor: Actor, status: str = "", limit: int = 100, offset: int = 0) -> list[Waiver]:
    """Waivers, newest first."""
    actor.need("stats:read")
    query = select(Waiver).order_by(Waiver.id.desc()).limit(limit).offset(offset)
    if status:
        query = query.where(Waiver.status == status)
    with desk.database.reading() as session:
        found = list(session.scalars(query))
        for waiver in found:
            _ = waiver.evidence, waiver.author
        return found
