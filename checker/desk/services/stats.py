"""Lists and numbers: queues, search, throughput, waiting time, the rules that fire most."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload

from checker.desk.services import policy
from checker.desk.store.models import Approval, Decision, FindingRow, Script, Version, now

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk

PAGE = 25


@dataclass(frozen=True)
class Filter:
    """What to list. ``mine`` is the own queue: what waits for this person to act."""

    text: str = ""
    status: str = ""
    industry: str = ""
    verdict: str = ""
    mine: bool = False
    attention: bool = False
    sort: str = "updated"


@dataclass(frozen=True)
class Listed:
    """A script in a list. ``waiting`` is in hours since the submission, ``late`` by the policy."""

    script: Script
    waiting: float | None
    late: bool


@dataclass(frozen=True)
class Page:
    """Some rows of a list and how many there are in all."""

    rows: tuple[Listed, ...]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """The number of pages, at least 1."""
        return max(1, -(-self.total // PAGE))


def search(desk: Desk, actor: Actor, wanted: Filter, page: int = 1) -> Page:
    """The scripts a person may see, filtered. ``page`` counts from 1."""
    actor.need("scripts:read")
    conditions = _conditions(desk, actor, wanted)
    with desk.database.reading() as session:
        rules = policy.current(session)
        count: Select[Any] = select(func.count(Script.id)).where(*conditions)
        query = select(Script).where(*conditions).options(joinedload(Script.owner))
        order: tuple[Any, ...] = (Script.updated_at.desc(), Script.id.desc())
        if wanted.sort == "waiting":
            order = (Script.submitted_at.asc().nulls_last(), Script.id)
        elif wanted.sort == "risk":
            order = (Script.blocks.desc(), Script.reviews.desc(), Script.id.desc())
        total = session.scalar(count) or 0
        rows = []
        for script in (
            session.scalars(query.order_by(*order).limit(PAGE).offset((page - 1) * PAGE)) if total else ()
        ):
            waiting = None
            if script.status == "submitted" and script.submitted_at is not None:
                waiting = (now() - script.submitted_at).total_seconds() / 3600
            rows.append(Listed(script, waiting, waiting is not None and waiting > rules.overdue_hours))
    return Page(tuple(rows), total, page)


def _conditions(desk: Desk, actor: Actor, wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if not actor.sees_all:
        conditions.append(or_(Script.owner_id == actor.id, Script.status == "approved"))
    if wanted.status:
        conditions.append(Script.status == wanted.status)
    if wanted.industry:
        conditions.append(Script.industry == wanted.industry)
    if wanted.verdict:
        conditions.append(Script.verdict == wanted.verdict)
    if wanted.attention:
        conditions.append(Script.attention != "")
    if wanted.mine:
        own = and_(
            Script.owner_id == actor.id, Script.status.in_(("draft", "changes-asked", "rejected", "expired"))
        )
        queue = and_(Script.status == "submitted", Script.owner_id != actor.id)
        flagged = and_(Script.status == "approved", Script.attention != "")
        conditions.append(or_(own, queue, flagged) if actor.can("scripts:decide") else own)
    if wanted.text:
        # Escaped, so that % and _ are ordinary characters.
        like = "%" + wanted.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        # Faster than LIKE over whole texts, and Chinese knows no case.
        contains = func.instr if desk.database.is_sqlite else func.strpos
        holding = (
            select(Version.id)
            .where(
                Version.script_id == Script.id,
                Version.number == Script.current,
                contains(Version.text, wanted.text) > 0,
            )
            .exists()
        )
        conditions.append(
            or_(
                Script.title.like(like, escape="\\"),
                Script.product.like(like, escape="\\"),
                holding,
            )
        )
    return conditions


def queue_size(desk: Desk, actor: Actor) -> int:
    """How many scripts wait for this person."""
    with desk.database.reading() as session:
        return (
            session.scalar(select(func.count(Script.id)).where(*_conditions(desk, actor, Filter(mine=True))))
            or 0
        )


@dataclass(frozen=True)
class Overview:
    """Numbers of the last ``weeks`` weeks; durations in hours."""

    by_status: dict[str, int]
    weeks: tuple[dict[str, Any], ...]
    waiting: tuple[dict[str, Any], ...]
    median_wait: float | None
    slowest_tenth: float | None
    rules: tuple[dict[str, Any], ...]
    expiring: int
    attention: int


def overview(desk: Desk, actor: Actor, weeks: int = 12) -> Overview:
    """What the overview page shows."""
    actor.need("stats:read")
    today = now().date()
    first = today - timedelta(days=today.weekday() + 7 * (weeks - 1))
    start = now() - timedelta(days=(today - first).days + 1)
    with desk.database.reading() as session:
        statuses = session.execute(select(Script.status, func.count(Script.id)).group_by(Script.status))
        by_status = {row[0]: row[1] for row in statuses}
        day = func.date(Decision.at)
        recent = and_(
            Decision.at >= start, Decision.action.in_(("submit", "approve", "reject", "ask-changes"))
        )
        decided = session.execute(
            select(day, Decision.action, func.count()).where(recent).group_by(day, Decision.action)
        ).all()
        waited = session.scalars(select(Decision.waited).where(recent, Decision.waited.is_not(None)))
        waits = sorted(seconds / 3600 for seconds in waited if seconds is not None)
        rules = session.execute(
            select(FindingRow.rule_id, FindingRow.level, func.count().label("number"))
            .where(FindingRow.is_current, FindingRow.status.in_(("open", "confirmed")))
            .group_by(FindingRow.rule_id, FindingRow.level)
            .order_by(func.count().desc(), FindingRow.rule_id)
            .limit(12)
        ).all()
        expiring = session.scalar(
            select(func.count(Approval.id)).where(
                Approval.status == "active", Approval.expires_at <= now() + timedelta(days=30)
            )
        )
        attention = session.scalar(select(func.count(Script.id)).where(Script.attention != ""))
    return Overview(
        by_status=by_status,
        weeks=tuple(_by_week(decided, first, weeks)),
        waiting=tuple(_histogram(waits)),
        median_wait=waits[len(waits) // 2] if waits else None,
        slowest_tenth=waits[int(len(waits) * 0.9)] if waits else None,
        rules=tuple({"rule": rule, "level": level, "number": number} for rule, level, number in rules),
        expiring=expiring or 0,
        attention=attention or 0,
    )


def _by_week(decided: Any, first: date, weeks: int) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = [
        {"week": first + timedelta(days=7 * n), "submit": 0, "approve": 0, "reject": 0, "ask-changes": 0}
        for n in range(weeks)
    ]
    for day, action, number in decided:
        at = day if isinstance(day, date) else date.fromisoformat(day)
        week = (at - first).days // 7
        if 0 <= week < weeks:
            table[week][action] += number
    return table


def _histogram(waits: list[float]) -> list[dict[str, Any]]:
    """Of hours in ascending order."""
    edges = (
        (1, "1 小时内"),
        (4, "1–4 小时"),
        (24, "4–24 小时"),
        (48, "1–2 天"),
        (120, "2–5 天"),
        (1e9, "5 天以上"),
    )
    ends = [0, *(bisect_left(waits, high) for high, _ in edges)]
    return [
        {"label": label, "number": until - since} for (_, label), since, until in zip(edges, ends, ends[1:])
    ]
