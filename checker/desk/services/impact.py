"""Rules change, scripts stay: which approvals would be judged otherwise today, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from checker.desk.services import audit
from checker.desk.services.findings import Waivers, claim_of, rule_digest, verdict_of
from checker.desk.store.models import Approval, Impact, ImpactRun, Script, Version, Waiver, now
from checker.document import Document
from checker.personal import masked_report

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk
    from checker.pipeline import Checker

_BATCH = 64


@dataclass(frozen=True)
class Change:
    """One approval under today's rules. ``after`` and ``added`` leave out what waivers cover."""

    approval_id: int
    script_id: int
    title: str
    before: str
    after: str
    added: tuple[dict[str, Any], ...]
    removed: tuple[dict[str, Any], ...]

    @property
    def changed(self) -> bool:
        """True when the verdict differs."""
        return self.before != self.after

    def to_dict(self) -> dict[str, Any]:
        """JSON shape of ``huashu impact``."""
        return {
            "approval": self.approval_id,
            "script": self.script_id,
            "title": self.title,
            "before": self.before,
            "after": self.after,
            "added": list(self.added),
            "removed": list(self.removed),
        }


def compare(desk: Desk, checker: Checker | None = None) -> Iterator[Change]:
    """Every active approval, checked again with ``checker`` (default: the rules in force)."""
    checker = checker or desk.checker()
    with desk.database.reading() as session:
        numbers = list(
            session.scalars(select(Approval.id).where(Approval.status == "active").order_by(Approval.id))
        )
    for at in range(0, len(numbers), _BATCH):
        with desk.database.reading() as session:
            batch = session.execute(
                select(Approval, Version, Script)
                .join(Version, Version.id == Approval.version_id)
                .join(Script, Script.id == Approval.script_id)
                .where(Approval.id.in_(numbers[at : at + _BATCH]))
                .order_by(Approval.id)
            ).all()
            documents = [
                Document.from_text(version.text, industry=script.industry, channel=script.channel)
                for _, version, script in batch
            ]
            entries = [masked_report(report).to_dict() for report in checker.check_many(documents)]
            claims = [
                [item | {"claim": claim_of(document, item)} for item in entry["findings"]]
                for document, entry in zip(documents, entries)
            ]
            waivers = Waivers(session, checker, (item["claim"] for found in claims for item in found))
            lost = _lost(session, checker)
        for (approval, _, script), found in zip(batch, claims):
            left = [
                item
                for item in found
                if not waivers.covering(item["rule"], item["claim"], script.product, script.region)
            ]
            known = {
                (item["rule"], item["claim"]): item
                for item in approval.record["findings"]
                if item["status"] not in ("waived",)
            }
            today = {(item["rule"], item["claim"]): item for item in left}
            yield Change(
                approval.id,
                script.id,
                script.title,
                approval.record["verdict"],
                str(verdict_of(item["level"] for item in left)),
                tuple(
                    _short(item) | {"because": lost.get(key, "规则新增或修改")}
                    for key, item in today.items()
                    if key not in known
                ),
                tuple(_short(item) for key, item in known.items() if key not in today),
            )


def _lost(session: Any, checker: Checker) -> dict[tuple[str, str], str]:
    """Why claims that were waived once are not waived today."""
    out: dict[tuple[str, str], str] = {}
    for waiver in session.scalars(select(Waiver).order_by(Waiver.id)):
        why = waiver.ended_because
        if not why and rule_digest(checker, waiver.rule_id) != waiver.rule_digest:
            why = "规则已修改"
        out[waiver.rule_id, waiver.claim] = f"豁免失效：{why or '不在有效期或范围内'}"
    return out


def _short(item: dict[str, Any]) -> dict[str, Any]:
    cites = [basis if isinstance(basis, str) else basis["cite"] for basis in item["basis"]]
    return {key: item[key] for key in ("rule", "level", "text", "message", "start", "end")} | {"basis": cites}


def run(desk: Desk, actor: Actor | None = None) -> ImpactRun:
    """Compare every approval, keep what changed, and mark those scripts for a look."""
    if actor is not None:
        actor.need("impact:run")
    checker = desk.checker()
    with desk.database.writing() as session:
        made = ImpactRun(lexicon_version=checker.lexicon.version, model_version=checker.model_version)
        session.add(made)
    checked = 0
    changes: list[Change] = []
    for change in compare(desk, checker):
        checked += 1
        if change.changed:
            changes.append(change)
    with desk.database.writing() as session:
        made = session.get_one(ImpactRun, made.id)
        made.checked, made.changed, made.finished_at = checked, len(changes), now()
        for change in changes:
            session.add(
                Impact(
                    run_id=made.id,
                    script_id=change.script_id,
                    approval_id=change.approval_id,
                    before=change.before,
                    after=change.after,
                    changes={"added": list(change.added), "removed": list(change.removed)},
                )
            )
            script = session.get_one(Script, change.script_id)
            if script.status == "approved":
                before = script.snapshot()
                script.attention = "规则更新后结论改变"
                audit.record(session, desk, actor, "script.attention", script, before)
    return made


def due(desk: Desk) -> bool:
    """True when there are approvals and the last run used other rules or another model than now."""
    checker = desk.checker()
    lexicon, model = checker.lexicon.version, checker.model_version
    with desk.database.reading() as session:
        last = session.scalars(
            select(ImpactRun).where(ImpactRun.finished_at.is_not(None)).order_by(ImpactRun.id.desc()).limit(1)
        ).first()
        if last is not None:
            return (last.lexicon_version, last.model_version) != (lexicon, model)
        return (
            session.scalar(
                select(Approval.id)
                .where(Approval.status == "active")
                .where(or_(Approval.lexicon_version != lexicon, Approval.model_version != model))
                .limit(1)
            )
            is not None
        )


def latest(
    desk: Desk, actor: Actor, limit: int = 100, offset: int = 0
) -> tuple[ImpactRun | None, list[Impact]]:
    """The last finished run and what it found."""
    actor.need("impact:read")
    with desk.database.reading() as session:
        last = session.scalars(
            select(ImpactRun).where(ImpactRun.finished_at.is_not(None)).order_by(ImpactRun.id.desc()).limit(1)
        ).first()
        if last is None:
            return None, []
        found = session.scalars(
            select(Impact)
            .where(Impact.run_id == last.id)
            .order_by(Impact.id)
            .limit(limit)
            .offset(offset)
            .options(joinedload(Impact.script))
        )
        return last, list(found)
