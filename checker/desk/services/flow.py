"""A script's way: draft, submitted, changes asked, approved, rejected, expired, retired.

Texts are checked before a transaction begins and never inside one. Whoever decides names the
version that was read (``base``): if another one came in between, nothing happens and the person
reads again. An approval is bound to the text's hash and the versions of lexicon, model and policy;
an edit ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from checker import __version__
from checker.desk.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from checker.desk.services import audit, policy, webhooks
from checker.desk.services.findings import (
    Examined,
    count,
    examine,
    rows_of,
    said_industry,
    settle,
    store_findings,
    unsettled,
    verdict_of,
)
from checker.desk.services.texts import script_text
from checker.desk.store.models import (
    Approval,
    Comment,
    Decision,
    FindingRow,
    Script,
    User,
    Version,
    Waiver,
    digest,
    now,
)
from checker.document import CHANNELS
from checker.personal import hidden_words
from checker.rewrite import apply_rewrites
from checker.types import Apply, Rewrite, Span

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk

STATUS_NAMES = {
    "draft": "草稿",
    "submitted": "待审核",
    "changes-asked": "待修改",
    "approved": "已批准",
    "rejected": "已驳回",
    "expired": "已过期",
    "retired": "已停用",
}
ACTION_NAMES = {
    "submit": "提交",
    "withdraw": "撤回",
    "ask-changes": "要求修改",
    "approve": "批准",
    "reject": "驳回",
    "retire": "停用",
    "keep": "复核后保留",
    "void": "批准失效",
    "expire": "到期",
}
#: From which states a step is possible, and whom it needs.
_STEPS: dict[str, tuple[tuple[str, ...], str]] = {
    "submit": (("draft", "changes-asked", "rejected", "expired"), "scripts:write"),
    "withdraw": (("submitted",), "scripts:write"),
    "ask-changes": (("submitted",), "scripts:decide"),
    "approve": (("submitted",), "scripts:decide"),
    "reject": (("submitted",), "scripts:decide"),
    "retire": (("approved", "expired"), "scripts:decide"),
    "keep": (("approved",), "scripts:decide"),
}
_EDITABLE = ("draft", "changes-asked", "rejected", "expired", "approved")


@dataclass(frozen=True)
class ScriptFields:
    """What a script is about. ``industry`` None lets the checker guess."""

    title: str
    industry: str | None = None
    channel: str = CHANNELS[0]
    product: str = ""
    region: str = ""

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise InvalidError("请填写标题")
        if self.channel not in CHANNELS:
            raise InvalidError(f"未知渠道：{self.channel}")
        if self.industry is not None:
            object.__setattr__(self, "industry", said_industry(self.industry))


# --- reading -----------------------------------------------------------------------------------------


def visible(actor: Actor, script: Script) -> bool:
    """Officers and administrators see all; a writer the own ones, and what is approved for use."""
    return actor.sees_all or script.owner_id == actor.id or script.status == "approved"


def find(session: Session, actor: Actor, script_id: int, *, lock: bool = False) -> Script:
    """A script that the person may see. Raises NotFoundError."""
    script = session.get(Script, script_id, with_for_update=lock or None)
    if script is None or not visible(actor, script):
        raise NotFoundError("没有这份话术")
    return script


def version_of(session: Session, script: Script, number: int | None = None) -> Version:
    """A version by number; the current one without. Raises NotFoundError."""
    wanted = script.current if number is None else number
    found = session.scalars(
        select(Version).where(Version.script_id == script.id, Version.number == wanted)
    ).first()
    if found is None:
        raise NotFoundError("没有这个版本")
    return found


def finding_of(session: Session, version: Version, finding_id: int) -> FindingRow:
    """A finding of a version. Raises NotFoundError."""
    row = session.get(FindingRow, finding_id)
    if row is None or row.version_id != version.id:
        raise NotFoundError("没有这处问题，或者它属于别的版本")
    return row


# --- writing texts -----------------------------------------------------------------------------------


def create(
    desk: Desk, actor: Actor, fields: ScriptFields, text: str, origin: str = "typed", source: str = ""
) -> Script:
    """A new draft."""
    actor.need("scripts:write")
    text = script_text(text, desk.settings)
    result = examine(desk.checker(), text, fields.industry, fields.channel)
    with desk.database.writing() as session:
        script = Script(owner_id=actor.id, **vars(fields))
        session.add(script)
        session.flush()
        _add_version(session, desk, actor, script, result, origin, source)
        audit.record(session, desk, actor, "script.create", script)
    return script


def edit(
    desk: Desk,
    actor: Actor,
    script_id: int,
    text: str,
    base: int,
    fields: ScriptFields | None = None,
) -> Script:
    """A new version from a free edit, by the owner before a submission or an officer during it.

    An approved script loses its approval and is a draft again. The same text and fields change
    nothing.
    """
    text = script_text(text, desk.settings)
    script, version = _peek(desk, actor, script_id)
    _may_edit(actor, script)
    wanted = fields or ScriptFields(
        script.title, script.industry, script.channel, script.product, script.region
    )
    result = examine(desk.checker(), text, wanted.industry, wanted.channel)
    with desk.database.writing() as session:
        script = find(session, actor, script_id, lock=True)
        _may_edit(actor, script)
        _expect(script, base)
        before = script.snapshot()
        for key, value in vars(wanted).items():
            setattr(script, key, value)
        version = version_of(session, script)
        judged_alike = all(
            before[key] == getattr(script, key) for key in ("industry", "channel", "product", "region")
        )
        if text == version.text and judged_alike:
            if script.title != before["title"]:
                audit.record(session, desk, actor, "script.rename", script, before)
            return script
        _end_approval(session, desk, actor, script, "文本或适用范围被修改")
        _add_version(session, desk, actor, script, result, "edit")
        if script.status != "submitted":
            script.status = "changes-asked" if script.status == "changes-asked" else "draft"
        audit.record(session, desk, actor, "script.edit", script, before)
    return script


def accept_rewrite(
    desk: Desk,
    actor: Actor,
    script_id: int,
    finding_id: int,
    base: int,
    choice: int = 0,
    filled: str | None = None,
) -> Script:
    """Put a finding's rewrite into the text, as a new version.

    ``filled`` is the wording with its blanks filled in; a ``manual`` rewrite needs it. A wording of
    one's own counts as an edit: whoever wrote it does not approve it.
    """
    with desk.database.reading() as session:
        script = find(session, actor, script_id)
        _may_edit(actor, script)
        _expect(script, base)
        version = version_of(session, script)
        row = finding_of(session, version, finding_id)
        if row.status == "rewritten":
            raise ConflictError("这处已经改写")
        offered = row.data["rewrites"]
        if not 0 <= choice < len(offered):
            raise InvalidError("没有这条改写建议")
        rewrite = offered[choice]
        words = rewrite["text"] if filled is None else script_text(filled, desk.settings).strip()
        if filled is None and rewrite["apply"] == Apply.MANUAL.value:
            raise InvalidError("这条建议要先填入事实，才能采用")
        if hidden_words(words) - hidden_words(version.text):
            raise InvalidError("星号处是被隐去的个人信息，请改成要说的内容再采用")
        own_words = words != rewrite["text"]
        chosen = Rewrite(Span(rewrite["start"], rewrite["end"]), words, Apply(rewrite["apply"]))
        text = script_text(apply_rewrites(version.text, [chosen]), desk.settings)
    result = examine(desk.checker(), text, script.industry, script.channel)
    with desk.database.writing() as session:
        script = find(session, actor, script_id, lock=True)
        _may_edit(actor, script)
        _expect(script, base)
        before = script.snapshot()
        version = version_of(session, script)
        seen = version.snapshot()
        row = finding_of(session, version, finding_id)
        row.status, row.decided_by, row.decided_at = "rewritten", actor.id, now()
        version.findings_digest = audit.seal(session, version)
        audit.record(session, desk, actor, "finding.rewrite", version, seen)
        _end_approval(session, desk, actor, script, "文本被修改")
        _add_version(session, desk, actor, script, result, "edit" if own_words else "rewrite")
        if script.status in ("rejected", "expired", "approved"):
            script.status = "draft"
        audit.record(session, desk, actor, "script.edit", script, before)
    return script


def recheck(desk: Desk, script_id: int) -> bool:
    """Check the current version again when rules or model are no longer those it was checked with.

    True when its findings changed.
    """
    checker = desk.checker()
    with desk.database.reading() as session:
        script = session.get_one(Script, script_id)
        version = version_of(session, script)
        if (version.lexicon_version, version.model_version) == (
            checker.lexicon.version,
            checker.model_version,
        ):
            return False
        before = [(row.rule_id, row.claim, row.level) for row in rows_of(session, version.id)]
    result = examine(checker, version.text, script.industry, script.channel)
    with desk.database.writing() as session:
        script = session.get_one(Script, script_id, with_for_update=True)
        version = version_of(session, script, version.number)
        seen = version.snapshot()
        known = {(row.rule_id, row.claim): row.status for row in rows_of(session, version.id)}
        for row in store_findings(session, version, result):
            if known.get((row.rule_id, row.claim)) == "confirmed":
                row.status = "confirmed"
        settle(session, desk, script, version)
        audit.record(session, desk, None, "version.recheck", version, seen)
    return before != [(item["rule"], item["claim"], item["level"]) for item in result.findings]


def _add_version(
    session: Session,
    desk: Desk,
    actor: Actor,
    script: Script,
    result: Examined,
    origin: str,
    source: str = "",
) -> Version:
    earlier: Sequence[FindingRow] = ()
    if script.current:
        earlier = rows_of(session, version_of(session, script).id)
        for row in earlier:
            row.is_current = False
    script.current += 1
    script.updated_at = now()
    script.attention = ""
    version = Version(
        script_id=script.id,
        number=script.current,
        text=result.text,
        text_hash=digest(result.text),
        origin=origin,
        source_name=source,
        author_id=actor.id,
        verdict=result.verdict,
        lexicon_version=result.lexicon_version,
        excused=[],
        duties=[],
    )
    session.add(version)
    session.flush()
    store_findings(session, version, result)
    settle(session, desk, script, version, earlier)
    audit.record(session, desk, actor, "version.create", version)
    return version


def _peek(desk: Desk, actor: Actor, script_id: int) -> tuple[Script, Version]:
    with desk.database.reading() as session:
        script = find(session, actor, script_id)
        return script, version_of(session, script)


def _may_edit(actor: Actor, script: Script) -> None:
    if script.status == "submitted":
        actor.need("scripts:decide")
        if script.owner_id == actor.id:
            raise ConflictError("已提交的话术要先撤回才能修改")
        return
    actor.need("scripts:write")
    if script.owner_id != actor.id:
        raise ForbiddenError("只有撰写人可以修改")
    if script.status not in _EDITABLE:
        raise ConflictError(f"{STATUS_NAMES[script.status]}的话术不能修改")


def _expect(script: Script, base: int) -> None:
    if script.current != base:
        raise ConflictError(f"话术已有第 {script.current} 版，请刷新后再处理（您看的是第 {base} 版）")


# --- deciding ----------------------------------------------------------------------------------------


def submit(desk: Desk, actor: Actor, script_id: int, base: int, comment: str = "") -> Script:
    """Hand a script in. With an automatic policy a clean one is approved at once."""

    def step(session: Session, script: Script, version: Version) -> None:
        if script.owner_id != actor.id:
            raise ForbiddenError("只有撰写人可以提交")
        script.status, script.stage, script.submitted_at = "submitted", 1, now()
        _decide(session, desk, actor, script, version, "submit", comment)
        rules = policy.current(session)
        if rules.auto_approve and not unsettled(rows_of(session, version.id)):
            _decide(session, desk, None, script, version, "approve", "策略允许：检查通过，自动批准")
            _approve(session, desk, script, version, rules)

    return _step(desk, actor, script_id, base, "submit", step)


def withdraw(desk: Desk, actor: Actor, script_id: int, base: int, comment: str = "") -> Script:
    """Take a submission back."""

    def step(session: Session, script: Script, version: Version) -> None:
        if script.owner_id != actor.id:
            raise ForbiddenError("只有撰写人可以撤回")
        script.status, script.stage = "draft", 0
        _decide(session, desk, actor, script, version, "withdraw", comment)

    return _step(desk, actor, script_id, base, "withdraw", step)


def ask_changes(desk: Desk, actor: Actor, script_id: int, base: int, comment: str) -> Script:
    """Send a script back to its writer, saying what to change."""

    def step(session: Session, script: Script, version: Version) -> None:
        _impartial(session, actor, script)
        script.status, script.stage = "changes-asked", 0
        _decide(session, desk, actor, script, version, "ask-changes", _said(comment))

    return _step(desk, actor, script_id, base, "ask-changes", step)


def reject(desk: Desk, actor: Actor, script_id: int, base: int, comment: str) -> Script:
    """Refuse a script, with the reason."""

    def step(session: Session, script: Script, version: Version) -> None:
        _impartial(session, actor, script)
        script.status, script.stage, script.decided_at = "rejected", 0, now()
        _decide(session, desk, actor, script, version, "reject", _said(comment))

    return _step(desk, actor, script_id, base, "reject", step)


def approve(desk: Desk, actor: Actor, script_id: int, base: int, comment: str = "") -> Script:
    """Approve this stage; the last stage signs the approval.

    Raises ConflictError while findings of the policy's levels are open, when another version came
    in between, or when the rules changed and the new check found something else.
    """
    if actor.can("scripts:decide"):
        script, _ = _peek(desk, actor, script_id)
        if script.status == "submitted" and recheck(desk, script_id):
            raise ConflictError("词库已更新，重新检查的结果有变化，请再看一遍")

    def step(session: Session, script: Script, version: Version) -> None:
        _impartial(session, actor, script)
        _not_author(session, actor, script)
        rules = policy.current(session)
        if digest(version.text) != version.text_hash:
            raise ConflictError("文本与登记的哈希不符，请管理员校验审计日志")
        seen = version.snapshot()
        settle(session, desk, script, version)
        if version.findings_digest != seen["findings_digest"]:
            audit.record(session, desk, actor, "version.settle", version, seen)
        left = [row for row in unsettled(rows_of(session, version.id)) if row.level in rules.open_levels]
        if left:
            raise ConflictError(f"还有 {len(left)} 处问题未处理，不能批准")
        _decide(session, desk, actor, script, version, "approve", comment)
        if script.stage >= rules.stages:
            _approve(session, desk, script, version, rules)
        else:
            script.stage += 1

    return _step(desk, actor, script_id, base, "approve", step)


def retire(desk: Desk, actor: Actor, script_id: int, base: int, comment: str = "") -> Script:
    """Take an approved script out of use."""

    def step(session: Session, script: Script, version: Version) -> None:
        _end_approval(session, desk, actor, script, "停用", decide=False)
        script.status, script.stage = "retired", 0
        _decide(session, desk, actor, script, version, "retire", comment)

    return _step(desk, actor, script_id, base, "retire", step)


def keep(desk: Desk, actor: Actor, script_id: int, base: int, comment: str) -> Script:
    """Leave an approval in force that was marked for a look, saying why."""

    def step(session: Session, script: Script, version: Version) -> None:
        _impartial(session, actor, script)
        if not script.attention:
            raise ConflictError("这份话术没有需要再看的变化")
        script.attention = ""
        _decide(session, desk, actor, script, version, "keep", _said(comment))

    return _step(desk, actor, script_id, base, "keep", step)


def _step(
    desk: Desk,
    actor: Actor,
    script_id: int,
    base: int,
    action: str,
    step: Callable[[Session, Script, Version], None],
) -> Script:
    states, scope = _STEPS[action]
    with desk.database.writing() as session:
        script = find(session, actor, script_id, lock=True)
        actor.need(scope)
        if script.status not in states:
            raise ConflictError(f"{STATUS_NAMES[script.status]}的话术不能{ACTION_NAMES[action]}")
        _expect(script, base)
        before = script.snapshot()
        step(session, script, version_of(session, script))
        script.updated_at = now()
        audit.record(session, desk, actor, f"script.{action}", script, before)
    return script


def _impartial(session: Session, actor: Actor, script: Script) -> None:
    """Nobody decides on an own script, nor twice in one round."""
    if script.owner_id == actor.id:
        raise ForbiddenError("不能审核自己的话术")
    if script.stage > 1:
        first = session.scalars(
            select(Decision.actor_id)
            .where(Decision.script_id == script.id, Decision.action == "approve")
            .order_by(Decision.id.desc())
            .limit(script.stage - 1)
        )
        if actor.id in list(first):
            raise ForbiddenError("两级审核须由不同的人完成")


def _not_author(session: Session, actor: Actor, script: Script) -> None:
    wrote = session.scalars(
        select(Version.id)
        .where(Version.script_id == script.id, Version.author_id == actor.id, Version.origin != "rewrite")
        .limit(1)
    ).first()
    if wrote is not None:
        raise ForbiddenError("您改写过这份话术的文字，须由另一位审核员批准")


def _said(comment: str) -> str:
    if not comment.strip():
        raise InvalidError("请写明理由")
    return comment


def _decide(
    session: Session,
    desk: Desk,
    actor: Actor | None,
    script: Script,
    version: Version,
    action: str,
    comment: str = "",
) -> None:
    waited = None
    if action in ("approve", "reject", "ask-changes") and script.submitted_at is not None:
        waited = (now() - script.submitted_at).total_seconds()
    row = Decision(
        script_id=script.id,
        version_id=version.id,
        actor_id=actor.id if actor else None,
        action=action,
        stage=script.stage,
        comment=comment,
        waited=waited,
    )
    session.add(row)
    audit.record(session, desk, actor, f"decision.{action}", row)
    webhooks.announce(
        session,
        f"script.{action}",
        {
            "script": script.id,
            "title": script.title,
            "version": version.number,
            "text_hash": version.text_hash,
            "stage": row.stage,
            "actor": actor.name if actor else "system",
            "at": row.at.isoformat(),
        },
    )


def _approve(session: Session, desk: Desk, script: Script, version: Version, rules: policy.Policy) -> None:
    script.status, script.stage, script.decided_at, script.attention = "approved", 0, now(), ""
    approved_at = now()
    expires_at = approved_at + timedelta(days=rules.valid_days)
    content = _record(session, script, version, rules)
    content |= {
        "approved_at": approved_at.isoformat(),
        "expires_at": expires_at.isoformat(),
        "public_key": desk.signer.public_key,
    }
    row = Approval(
        script_id=script.id,
        version_id=version.id,
        text_hash=version.text_hash,
        lexicon_version=version.lexicon_version,
        model_version=version.model_version,
        policy_version=rules.version,
        approved_at=approved_at,
        expires_at=expires_at,
        record=content,
        signature=desk.signer.sign(content),
    )
    session.add(row)
    audit.record(session, desk, None, "approval.sign", row)


def _record(session: Session, script: Script, version: Version, rules: policy.Policy) -> dict[str, Any]:
    """Everything a reader needs a year later, without this database."""
    people = {user.id: user.display for user in session.scalars(select(User))}
    decisions = session.scalars(
        select(Decision).where(Decision.script_id == script.id).order_by(Decision.id)
    ).all()
    rows = rows_of(session, version.id)
    return {
        "format": "huashu-approval/1",
        "tool": __version__,
        "script": {
            "id": script.id,
            "title": script.title,
            "version": version.number,
            "industry": version.industry,
            "channel": script.channel,
            "product": script.product,
            "region": script.region,
            "owner": people[script.owner_id],
            "text": version.text,
            "text_sha256": version.text_hash,
        },
        "rules": {
            "lexicon": version.lexicon_version,
            "model": version.model_version,
            "policy": rules.version,
            "policy_body": rules.model_dump(mode="json"),
        },
        "verdict": str(verdict_of(row.level for row in unsettled(rows))),
        "decisions": [
            {
                "action": item.action,
                "stage": item.stage,
                "by": people[item.actor_id] if item.actor_id else "system",
                "comment": item.comment,
                "at": item.at.isoformat(),
            }
            for item in decisions
        ],
        "findings": [_finding_record(session, row) for row in rows],
        "excused": len(version.excused),
        "statements": [{"rule": duty["rule"], "state": duty["state"]} for duty in version.duties],
    }


def _finding_record(session: Session, row: FindingRow) -> dict[str, Any]:
    out: dict[str, Any] = {
        "rule": row.rule_id,
        "claim": row.claim,
        "level": row.level,
        "start": row.start,
        "end": row.end,
        "text": row.data["text"],
        "message": row.data["message"],
        "basis": [basis["cite"] for basis in row.data["basis"]],
        "status": row.status,
    }
    waiver = session.get(Waiver, row.waiver_id) if row.waiver_id else None
    if waiver is not None:
        proof = waiver.evidence
        out["waiver"] = {
            "id": waiver.id,
            "kind": waiver.kind,
            "reason": waiver.reason,
            "expires_on": waiver.expires_on.isoformat(),
            "evidence": None
            if proof is None
            else {
                "number": proof.number,
                "issuer": proof.issuer,
                "valid_from": proof.valid_from.isoformat(),
                "valid_to": proof.valid_to.isoformat(),
                "sha256": proof.sha256,
            },
        }
    return out


def active_approval(session: Session, script_id: int) -> Approval | None:
    """The approval in force."""
    return session.scalars(
        select(Approval).where(Approval.script_id == script_id, Approval.status == "active")
    ).first()


def _end_approval(
    session: Session, desk: Desk, actor: Actor | None, script: Script, why: str, *, decide: bool = True
) -> None:
    row = active_approval(session, script.id)
    if row is None:
        return
    before = row.snapshot()
    row.status, row.ended_at, row.ended_because = "ended", now(), why
    audit.record(session, desk, actor, "approval.end", row, before)
    if decide:
        version = session.get_one(Version, row.version_id)
        _decide(session, desk, actor, script, version, "void", why)


# --- findings ----------------------------------------------------------------------------------------


def mark(desk: Desk, actor: Actor, script_id: int, finding_id: int, status: str) -> FindingRow:
    """Confirm a finding as a violation (``confirmed``), or take that back (``open``)."""
    actor.need("scripts:decide")
    with desk.database.writing() as session:
        script = find(session, actor, script_id, lock=True)
        if script.status != "submitted":
            raise ConflictError("只有待审核的话术可以标记问题")
        if script.owner_id == actor.id:
            raise ForbiddenError("不能审核自己的话术")
        version = version_of(session, script)
        row = finding_of(session, version, finding_id)
        if row.status not in ("open", "confirmed"):
            raise ConflictError("这处已经豁免或改写")
        seen = version.snapshot()
        row.status = status
        row.decided_by, row.decided_at = (actor.id, now()) if status == "confirmed" else (None, None)
        version.findings_digest = audit.seal(session, version)
        count(script, rows_of(session, version.id))
        audit.record(session, desk, actor, f"finding.{status}", version, seen)
    return row


def comment(desk: Desk, actor: Actor, script_id: int, text: str, fingerprint: str | None = None) -> Comment:
    """A remark on a script or one of its findings; the owner, officers and administrators may."""
    text = script_text(text, desk.settings)
    with desk.database.writing() as session:
        script = find(session, actor, script_id)
        if not (actor.can("scripts:decide") or (actor.can("scripts:write") and script.owner_id == actor.id)):
            raise ForbiddenError("只有撰写人和审核员可以留言")
        version = version_of(session, script)
        row = Comment(
            script_id=script.id,
            version_id=version.id,
            fingerprint=fingerprint,
            author_id=actor.id,
            text=text,
        )
        session.add(row)
        audit.record(session, desk, actor, "comment.add", row)
        session.refresh(row, ["author"])
    return row


# --- time --------------------------------------------------------------------------------------------


def expire(desk: Desk) -> int:
    """End approvals whose time is over; their number."""
    with desk.database.reading() as session:
        due = list(
            session.scalars(
                select(Approval.script_id).where(Approval.status == "active", Approval.expires_at <= now())
            )
        )
    for script_id in due:
        with desk.database.writing() as session:
            script = session.get_one(Script, script_id, with_for_update=True)
            row = active_approval(session, script_id)
            if row is None or row.expires_at > now():
                continue
            before = script.snapshot()
            version = session.get_one(Version, row.version_id)
            _end_approval(session, desk, None, script, "有效期满", decide=False)
            script.status = "expired"
            _decide(session, desk, None, script, version, "expire", "有效期满")
            audit.record(session, desk, None, "script.expire", script, before)
    return len(due)
