"""The policy of approval: how many officers, what may stay open, how long an approval lasts."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from checker.desk.services import audit
from checker.desk.services.signing import canonical
from checker.desk.store.models import PolicyRow

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk


class Policy(BaseModel):
    """What every decision is bound to.

    ``stages`` officers decide one after the other, each another person. With ``auto_approve`` a
    submission in which nothing at all is open is approved at once. ``open_levels`` are the levels
    of which nothing may be open when a script is approved. An approval lasts ``valid_days``; a
    waiver for a false alarm lasts ``waiver_days``, one with evidence no longer than the evidence.
    ``overdue_hours`` is after how long a waiting script is shown as late.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stages: Literal[1, 2] = 1
    auto_approve: bool = False
    open_levels: tuple[Literal["block", "review", "hint"], ...] = ("block", "review")
    valid_days: int = Field(default=365, ge=1, le=3650)
    waiver_days: int = Field(default=180, ge=1, le=3650)
    overdue_hours: int = Field(default=48, ge=1, le=10_000)

    @property
    def version(self) -> str:
        """16 hexadecimal digits over the content."""
        return hashlib.sha256(canonical(self.model_dump(mode="json"))).hexdigest()[:16]


def current(session: Session) -> Policy:
    """The policy in force; the default one until somebody sets another."""
    row = session.scalars(select(PolicyRow).order_by(PolicyRow.id.desc()).limit(1)).first()
    return Policy.model_validate(row.body) if row else Policy()


def change(desk: Desk, actor: Actor, policy: Policy) -> Policy:
    """Put a policy in force. Scripts already submitted are decided under it."""
    actor.need("policy:manage")
    with desk.database.writing() as session:
        before = current(session)
        row = PolicyRow(version=policy.version, body=policy.model_dump(mode="json"), author_id=actor.id)
        session.add(row)
        audit.record(session, desk, actor, "policy.change", row, before.model_dump(mode="json"))
    return policy
