"""Everything about one script, read in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from checker.desk.services import audit, policy
from checker.desk.services.findings import rows_of
from checker.desk.services.flow import active_approval, find, version_of
from checker.desk.store.models import (
    Approval,
    AuditEntry,
    Comment,
    Decision,
    Evidence,
    FindingRow,
    Script,
    Version,
    Waiver,
)

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk


@dataclass(frozen=True)
class Detail:
    """A script with one of its versions. ``waivers`` are those of its findings, by number."""

    script: Script
    version: Version
    versions: tuple[Version, ...]
    findings: tuple[FindingRow, ...]
    comments: tuple[Comment, ...]
    decisions: tuple[Decision, ...]
    waivers: dict[int, Waiver]
    approval: Approval | None
    approvals: tuple[Approval, ...]
    policy: policy.Policy

    @property
    def blocking(self) -> int:
        """How many findings stand in the way of an approval."""
        return sum(
            row.level in self.policy.open_levels and row.status in ("open", "confirmed")
            for row in self.findings
        )


def detail(desk: Desk, actor: Actor, script_id: int, number: int | None = None) -> Detail:
    """A script that the person may see. Raises NotFoundError."""
    actor.need("scripts:read")
    with desk.database.reading() as session:
        script = find(session, actor, script_id)
        _ = script.owner.display
        version = version_of(session, script, number)
        of_script = {"script_id": script.id}
        rows = rows_of(session, version.id)
        numbers = {row.waiver_id for row in rows if row.waiver_id}
        waivers = session.scalars(
            select(Waiver)
            .where(Waiver.id.in_(numbers))
            .options(joinedload(Waiver.evidence), joinedload(Waiver.author))
        )
        return Detail(
            script=script,
            version=version,
            versions=tuple(
                session.scalars(
                    select(Version)
                    .filter_by(**of_script)
                    .order_by(Version.number.desc())
                    .options(joinedload(Version.author))
                )
            ),
            findings=tuple(rows),
            comments=tuple(
                session.scalars(
                    select(Comment)
                    .filter_by(**of_script)
                    .order_by(Comment.id)
                    .options(joinedload(Comment.author))
                )
            ),
            decisions=tuple(
                session.scalars(
                    select(Decision)
                    .filter_by(**of_script)
                    .order_by(Decision.id.desc())
                    .options(joinedload(Decision.actor))
                )
            ),
            waivers={waiver.id: waiver for waiver in waivers},
            approval=active_approval(session, script.id),
            approvals=tuple(
                session.scalars(select(Approval).filter_by(**of_script).order_by(Approval.id.desc()))
            ),
            policy=policy.current(session),
        )


def usable_evidence(desk: Desk, script: Script) -> list[Evidence]:
    """Documents in force whose scope reaches a script's product and region, newest first."""
    from checker.desk.services.findings import NATIONWIDE
    from checker.desk.store.models import now

    today = now().date()
    with desk.database.reading() as session:
        found = session.scalars(
            select(Evidence)
            .where(
                Evidence.revoked_at.is_(None),
                Evidence.valid_from <= today,
                Evidence.valid_to >= today,
                Evidence.product.in_(("", script.product)),
                Evidence.region.in_((*NATIONWIDE, script.region)),
            )
            .order_by(Evidence.id.desc())
            .limit(200)
        )
        return list(found)


def log(
    desk: Desk, actor: Actor, before: int | None = None, kind: str = "", limit: int = 50
) -> list[AuditEntry]:
    """Audit entries, newest first, below number ``before``."""
    actor.need("audit:read")
    query = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    if kind:
        query = query.where(AuditEntry.kind == kind)
    with desk.database.reading() as session:
        return list(session.scalars(query))


def log_of(desk: Desk, actor: Actor, kind: str, object_id: int) -> list[AuditEntry]:
    """The audit entries of one row."""
    actor.need("audit:read")
    with desk.database.reading() as session:
        return audit.history(session, kind, object_id)
