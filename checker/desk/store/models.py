"""The tables.

Rows that a proof rests on (versions, decisions, approvals, evidence, waivers …) are ``Audited``:
their ``snapshot`` goes into the audit log whenever they are written, and :mod:`checker.desk.
services.audit` compares the two. Long or personal text enters a snapshot as its SHA-256, so that
the log holds no words of a call.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timezone
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


def now() -> datetime:
    """The present in UTC."""
    return datetime.now(timezone.utc)


def digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC on every store; SQLite keeps it without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        return None if value is None else value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """With its zone again."""
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


class Base(DeclarativeBase):
    """All tables, with names of constraints that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UTCDateTime(),
        date: Date(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
    }


class Audited:
    """Rows whose every change is in the audit log.

    ``_hashed`` are columns that a snapshot holds as SHA-256, ``_unwatched`` columns that may change
    without an entry because they can be derived again or prove nothing.
    """

    _hashed: ClassVar[frozenset[str]] = frozenset()
    _unwatched: ClassVar[frozenset[str]] = frozenset()

    def snapshot(self) -> dict[str, Any]:
        """The row as JSON values."""
        values: dict[str, Any] = {}
        for column in self.__table__.columns:  # type: ignore[attr-defined]
            if column.key in self._unwatched:
                continue
            value = getattr(self, column.key)
            if isinstance(value, datetime):
                value = value.astimezone(timezone.utc).isoformat(timespec="microseconds")
            elif isinstance(value, date):
                value = value.isoformat()
            elif column.key in self._hashed and value is not None:
                value = digest(value)
            values[column.key] = value
        return values


class User(Audited, Base):
    """A person. Never deleted: decisions point to people."""

    __tablename__ = "users"
    _hashed = frozenset({"password_hash"})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    display: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(String(255), unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Login(Base):
    """A session of a browser; ``key`` is the SHA-256 of the cookie."""

    __tablename__ = "logins"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    user: Mapped[User] = relationship()


class LoginFailure(Base):
    """A failed login, for the rate limit; ``key`` is a user name or an address."""

    __tablename__ = "login_failures"
    __table_args__ = (Index(None, "key", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime] = mapped_column(default=now)


class Token(Audited, Base):
    """An API token; ``key`` is the SHA-256 of its secret."""

    __tablename__ = "tokens"
    _unwatched = frozenset({"used_at"})

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()


class Script(Audited, Base):
    """A script through its life. The counts are those of its current version."""

    __tablename__ = "scripts"
    __table_args__ = (
        Index(None, "status", "submitted_at"),
        Index(None, "owner_id", "updated_at"),
        Index(None, "updated_at"),
    )
    _unwatched = frozenset({"updated_at", "blocks", "reviews", "hints", "verdict"})

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    industry: Mapped[str | None] = mapped_column(String(32))
    channel: Mapped[str] = mapped_column(String(32))
    product: Mapped[str] = mapped_column(String(100), default="")
    region: Mapped[str] = mapped_column(String(100), default="")
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    status: Mapped[str] = mapped_column(String(16), default="draft")
    stage: Mapped[int] = mapped_column(default=0)
    current: Mapped[int] = mapped_column(default=0)
    attention: Mapped[str] = mapped_column(Text, default="")
    verdict: Mapped[str] = mapped_column(String(8), default="pass")
    blocks: Mapped[int] = mapped_column(default=0)
    reviews: Mapped[int] = mapped_column(default=0)
    hints: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    owner: Mapped[User] = relationship()


class Version(Audited, Base):
    """One text of a script; the text never changes, its check is repeated when rules change.

    ``origin`` says how it came about: ``typed``, ``upload``, ``edit`` or ``rewrite``.
    ``findings_digest`` seals the finding rows, ``excused`` holds what the law excuses and
    ``clean`` the categories in which nothing was found.
    """

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("script_id", "number"),)
    _hashed = frozenset({"text"})
    _unwatched = frozenset({"excused", "duties"})

    id: Mapped[int] = mapped_column(primary_key=True)
    script_id: Mapped[int] = mapped_column(ForeignKey("scripts.id"), index=True)
    number: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    text_hash: Mapped[str] = mapped_column(String(64), index=True)
    origin: Mapped[str] = mapped_column(String(16))
    source_name: Mapped[str] = mapped_column(String(255), default="")
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    checked_at: Mapped[datetime] = mapped_column(default=now)
    verdict: Mapped[str] = mapped_column(String(8))
    industry: Mapped[str | None] = mapped_column(String(32))
    lexicon_version: Mapped[str] = mapped_column(String(64))
    model_version: Mapped[str] = mapped_column(String(64), default="")
    findings_digest: Mapped[str] = mapped_column(String(64), default="")
    excused: Mapped[list[Any]]
    duties: Mapped[list[Any]]
    author: Mapped[User] = relationship()


class FindingRow(Base):
    """A finding of a version and what people made of it; sealed by ``Version.findings_digest``.

    ``status`` is ``open``, ``waived``, ``confirmed`` (a violation, to be corrected) or
    ``rewritten`` (a violation, corrected in the next version). ``is_current`` is kept for counting:
    True while no newer version of the script exists.
    """

    __tablename__ = "findings"
    __table_args__ = (
        UniqueConstraint("version_id", "ordinal"),
        Index(None, "status", "rule_id", "level", "is_current"),
        Index(None, "status", "rule_id", "waiver_id", "claim"),
        Index(None, "claim", "rule_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    ordinal: Mapped[int]
    rule_id: Mapped[str] = mapped_column(String(100))
    category: Mapped[str] = mapped_column(String(32))
    level: Mapped[str] = mapped_column(String(8))
    claim: Mapped[str] = mapped_column(String(64))
    start: Mapped[int]
    end: Mapped[int]
    status: Mapped[str] = mapped_column(String(16), default="open")
    is_current: Mapped[bool] = mapped_column(default=True)
    waiver_id: Mapped[int | None] = mapped_column(ForeignKey("waivers.id"), index=True)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    data: Mapped[dict[str, Any]]


class Comment(Audited, Base):
    """A remark on a script, or on one finding of it (by fingerprint, so it follows the finding)."""

    __tablename__ = "comments"
    _hashed = frozenset({"text"})

    id: Mapped[int] = mapped_column(primary_key=True)
    script_id: Mapped[int] = mapped_column(ForeignKey("scripts.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    fingerprint: Mapped[str | None] = mapped_column(String(32))
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=now)
    author: Mapped[User] = relationship()


class Decision(Audited, Base):
    """A step of a script: submit, ask, approve, reject, retire, void, expire."""

    __tablename__ = "decisions"
    __table_args__ = (Index(None, "at", "action", "waited"),)
    _hashed = frozenset({"comment"})

    id: Mapped[int] = mapped_column(primary_key=True)
    script_id: Mapped[int] = mapped_column(ForeignKey("scripts.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(String(16))
    stage: Mapped[int] = mapped_column(default=0)
    comment: Mapped[str] = mapped_column(Text, default="")
    waited: Mapped[float | None]
    at: Mapped[datetime] = mapped_column(default=now)
    actor: Mapped[User | None] = relationship()


class Approval(Audited, Base):
    """What was approved: exactly this text under exactly these rules. ``record`` is signed."""

    __tablename__ = "approvals"
    __table_args__ = (Index(None, "status", "expires_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    script_id: Mapped[int] = mapped_column(ForeignKey("scripts.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    text_hash: Mapped[str] = mapped_column(String(64))
    lexicon_version: Mapped[str] = mapped_column(String(64))
    model_version: Mapped[str] = mapped_column(String(64))
    policy_version: Mapped[str] = mapped_column(String(64))
    approved_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(16), default="active")
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str] = mapped_column(Text, default="")
    record: Mapped[dict[str, Any]]
    signature: Mapped[str] = mapped_column(Text)


class Evidence(Audited, Base):
    """A document that proves a claim; the file is stored under its SHA-256."""

    __tablename__ = "evidence"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    filename: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    number: Mapped[str] = mapped_column(String(100))
    issuer: Mapped[str] = mapped_column(String(200))
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    product: Mapped[str] = mapped_column(String(100), default="")
    region: Mapped[str] = mapped_column(String(100), default="")
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]


class Waiver(Audited, Base):
    """A claim that may be said. ``claim`` identifies it (see :func:`services.findings.claim_of`).

    ``kind`` is ``evidence`` (true, and proven) or ``false-alarm`` (the rule is wrong here).
    ``rule_digest`` is the rule it was given for; ``ended_because`` says why it no longer holds.
    """

    __tablename__ = "waivers"
    __table_args__ = (Index(None, "rule_id", "claim", "status"),)
    _hashed = frozenset({"reason", "matched"})

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    rule_id: Mapped[str] = mapped_column(String(100))
    rule_digest: Mapped[str] = mapped_column(String(64))
    claim: Mapped[str] = mapped_column(String(64))
    matched: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    product: Mapped[str] = mapped_column(String(100), default="")
    region: Mapped[str] = mapped_column(String(100), default="")
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("evidence.id"), index=True)
    evidence_sha256: Mapped[str] = mapped_column(String(64), default="")
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_on: Mapped[date]
    status: Mapped[str] = mapped_column(String(16), default="active")
    ended_because: Mapped[str] = mapped_column(Text, default="")
    evidence: Mapped[Evidence | None] = relationship()
    author: Mapped[User] = relationship()


class PolicyRow(Audited, Base):
    """A policy that was in force; the newest one is. ``version`` is the digest of ``body``."""

    __tablename__ = "policies"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(64))
    body: Mapped[dict[str, Any]]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)


class AuditEntry(Base):
    """One link of the chain; ``hash`` covers every other column and the hash before."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "kind", "object_id"),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(24))
    object_id: Mapped[int]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON())
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON())
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class ImpactRun(Base):
    """One re-check of all approved scripts under the rules of a day."""

    __tablename__ = "impact_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    lexicon_version: Mapped[str] = mapped_column(String(64))
    model_version: Mapped[str] = mapped_column(String(64))
    checked: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)


class Impact(Base):
    """An approval that would be judged otherwise today, and why."""

    __tablename__ = "impacts"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("impact_runs.id"), index=True)
    script_id: Mapped[int] = mapped_column(ForeignKey("scripts.id"))
    approval_id: Mapped[int] = mapped_column(ForeignKey("approvals.id"))
    before: Mapped[str] = mapped_column(String(8))
    after: Mapped[str] = mapped_column(String(8))
    changes: Mapped[dict[str, Any]]
    script: Mapped[Script] = relationship()


class Webhook(Audited, Base):
    """Where decisions are announced; ``secret`` signs the bodies."""

    __tablename__ = "webhooks"
    _hashed = frozenset({"secret"})

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(500))
    secret: Mapped[str] = mapped_column(String(100))
    events: Mapped[list[Any]]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Delivery(Base):
    """An announcement to be made, tried until it is accepted or given up."""

    __tablename__ = "deliveries"
    __table_args__ = (Index(None, "status", "next_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id"), index=True)
    event: Mapped[str] = mapped_column(String(40))
    body: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(16), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(default=now)
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_error: Mapped[str] = mapped_column(String(200), default="")
    webhook: Mapped[Webhook] = relationship()


#: Audited tables by the name that audit entries use.
AUDITED: dict[str, type[Any]] = {
    str(mapper.local_table): mapper.class_
    for mapper in Base.registry.mappers
    if issubclass(mapper.class_, Audited)
}
