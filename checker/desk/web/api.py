"""The REST API: whatever the pages do, they do by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Path, Query, Request, Response, UploadFile
from starlette.responses import StreamingResponse

from checker.desk.services import (
    audit,
    certificates,
    evidence,
    flow,
    impact,
    learning,
    live,
    people,
    policy,
    reading,
    stats,
    waivers,
    webhooks,
)
from checker.desk.services.core import Desk
from checker.desk.services.findings import Waivers, examine, verdict_of
from checker.desk.services.texts import read_upload, script_text
from checker.desk.web import compare, pages, schemas
from checker.desk.web.security import TheDesk, Who, actor_of
from checker.personal import mask

ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"description": words}
    for code, words in {
        401: "Nobody is signed in",
        403: "Not allowed, or form code missing",
        404: "No such thing, or not visible",
        409: "Not possible in the present state",
        413: "Too large",
        422: "A value that cannot be used",
    }.items()
}
# Who asks comes before what is asked: without a person the shape of a body is nobody's business.
router = APIRouter(prefix="/api/v1/desk", tags=["desk"], responses=ERRORS, dependencies=[Depends(actor_of)])

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
Offset = Annotated[int, Query(ge=0, le=10**6)]
Limit = Annotated[int, Query(ge=1, le=500)]
Word = Annotated[schemas.Str, Query(max_length=100)]
CallName = Annotated[schemas.Str, Path(max_length=100)]


def _wake(request: Request) -> None:
    """Let webhooks go out now."""
    request.app.state.desk_worker.wake()


@router.get("/me")
def me(who: Who) -> dict[str, Any]:
    """Who asks, and what that person may do."""
    return {
        "id": who.id,
        "name": who.name,
        "display": who.display,
        "role": who.role,
        "scopes": sorted(who.scopes),
    }


@router.post("/check")
def check(desk: TheDesk, who: Who, body: schemas.CheckBody) -> dict[str, Any]:
    """Check a text without keeping it; waivers that would apply are applied."""
    who.need("check")
    return checked(desk, body)


def checked(desk: Desk, body: schemas.CheckBody) -> dict[str, Any]:
    """The answer of ``check``."""
    text = script_text(body.text, desk.settings)
    result = examine(desk.checker(), text, body.industry or None, body.channel)
    with desk.database.reading() as session:
        known = Waivers(session, desk.checker(), (item["claim"] for item in result.findings))
        found = []
        for item in result.findings:
            waiver = known.covering(item["rule"], item["claim"], body.product, body.region)
            found.append(
                item | {"status": "waived" if waiver else "open", "waiver": waiver.id if waiver else None}
            )
    left = [item["level"] for item in found if item["status"] == "open"]
    return {
        "verdict": str(verdict_of(left)),
        "industry": result.industry,
        "lexicon": result.lexicon_version,
        "findings": found,
        "excused": list(result.excused),
        "statements": list(result.duties),
    }


# --- running calls ------------------------------------------------------------------------------------


def _calls(request: Request) -> live.LiveCalls:
    calls: live.LiveCalls = request.app.state.desk_calls
    return calls


@router.post("/live", status_code=201)
def begin_call(request: Request, who: Who, body: schemas.CallBody) -> dict[str, Any]:
    """Begin to follow a running call."""
    return {"call": _calls(request).begin(who, body.industry or None, body.channel)}


@router.post("/live/{call}/turns")
def say_turn(request: Request, who: Who, call: CallName, body: schemas.TurnBody) -> dict[str, Any]:
    """A turn of the call; answers with the findings that it added or took back."""
    return _calls(request).say(who, call, body.speaker, body.text, final=body.final, words=body.words)


@router.get("/live/{call}/events", response_class=StreamingResponse)
def watch_call(request: Request, who: Who, call: CallName) -> StreamingResponse:
    """The same answers as server-sent events, for another screen."""
    updates = _calls(request).watch(who, call)

    def events() -> Iterator[str]:
        yield ": watching\n\n"
        for update in updates:
            yield f"data: {json.dumps(update, ensure_ascii=False)}\n\n" if update else ": waiting\n\n"
        yield "event: end\ndata: {}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@router.delete("/live/{call}")
def end_call(request: Request, who: Who, call: CallName) -> dict[str, Any]:
    """The call is over; answers with the duties that were never met."""
    return _calls(request).end(who, call)


# --- scripts -----------------------------------------------------------------------------------------


@router.get("/scripts")
def list_scripts(
    desk: TheDesk,
    who: Who,
    text: Word = "",
    status: Word = "",
    industry: Word = "",
    verdict: Word = "",
    mine: bool = False,
    attention: bool = False,
    sort: Literal["updated", "waiting", "risk"] = "updated",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> dict[str, Any]:
    """Scripts that the person may see, 25 a page."""
    wanted = stats.Filter(text, status, industry, verdict, mine, attention, sort)
    found = stats.search(desk, who, wanted, page)
    rows = [
        schemas.script(item.script) | {"waiting_hours": item.waiting, "late": item.late}
        for item in found.rows
    ]
    return {"scripts": rows, "total": found.total, "page": page, "pages": found.pages}


@router.post("/scripts", status_code=201)
def create_script(desk: TheDesk, who: Who, body: schemas.ScriptBody) -> dict[str, Any]:
    """A new draft, checked."""
    return schemas.script(flow.create(desk, who, body.fields(), body.text))


@router.post("/scripts/upload", status_code=201)
def upload_scripts(
    desk: TheDesk,
    who: Who,
    file: Annotated[UploadFile, File()],
    industry: Annotated[schemas.Str, Form(max_length=100)] = "",
    channel: Annotated[schemas.Str, Form(max_length=100)] = "call_1to1",
    product: Annotated[schemas.Str, Form(max_length=100)] = "",
    region: Annotated[schemas.Str, Form(max_length=100)] = "",
) -> dict[str, Any]:
    """New drafts from a txt, md, docx, xlsx or csv file; a sheet may hold several."""
    who.need("scripts:write")
    name = file.filename or ""
    data = file.file.read(desk.settings.max_upload + 1)
    made = []
    for title, text in read_upload(data, name, desk.settings):
        fields = flow.ScriptFields(title[:200], industry or None, channel, product, region)
        made.append(schemas.script(flow.create(desk, who, fields, text, "upload", name[:255])))
    return {"scripts": made}


@router.get("/scripts/{script_id}")
def get_script(desk: TheDesk, who: Who, script_id: Id, show_personal_data: bool = False) -> dict[str, Any]:
    """A script, its current version and findings, its history of decisions and remarks.

    To change a text, ask with ``show_personal_data=true``: a masked text must not come back.
    """
    return _detail(reading.detail(desk, who, script_id), show_personal_data)


@router.get("/scripts/{script_id}/versions/{number}")
def get_version(
    desk: TheDesk, who: Who, script_id: Id, number: Id, show_personal_data: bool = False
) -> dict[str, Any]:
    """A version of a script with its findings."""
    return _detail(reading.detail(desk, who, script_id, number), show_personal_data)


def _detail(found: reading.Detail, show_personal_data: bool) -> dict[str, Any]:
    return {
        "script": schemas.script(found.script),
        "version": schemas.version(found.version, show_personal_data=show_personal_data),
        "versions": [
            {
                "number": item.number,
                "origin": item.origin,
                "author": item.author_id,
                "created_at": item.created_at,
            }
            for item in found.versions
        ],
        "findings": [schemas.finding(row) for row in found.findings],
        "blocking": found.blocking,
        "comments": [
            {
                "id": item.id,
                "text": item.text,
                "author": item.author_id,
                "at": item.at,
                "fingerprint": item.fingerprint,
            }
            for item in found.comments
        ],
        "decisions": [
            {
                "action": item.action,
                "actor": item.actor_id,
                "stage": item.stage,
                "comment": item.comment,
                "at": item.at,
            }
            for item in found.decisions
        ],
        "approval": found.approval.id if found.approval else None,
    }


@router.get("/scripts/{script_id}/compare")
def compare_versions(
    desk: TheDesk,
    who: Who,
    script_id: Id,
    old: Annotated[int, Query(ge=1, le=2**31 - 1)],
    new: Annotated[int, Query(ge=1, le=2**31 - 1)],
) -> dict[str, Any]:
    """Two versions: lines side by side, findings that came and went."""
    left, right = reading.detail(desk, who, script_id, old), reading.detail(desk, who, script_id, new)
    added, gone, kept = compare.changed_findings(left.findings, right.findings)
    return {
        "lines": [
            {"kind": row.kind, "old": row.old, "new": row.new}
            for row in compare.text_rows(mask(left.version.text), mask(right.version.text))
        ],
        "added": [schemas.finding(row) for row in added],
        "gone": [schemas.finding(row) for row in gone],
        "kept": [schemas.finding(row) for row in kept],
    }


@router.put("/scripts/{script_id}")
def edit_script(desk: TheDesk, who: Who, script_id: Id, body: schemas.EditBody) -> dict[str, Any]:
    """A new version; an approved script loses its approval."""
    return schemas.script(flow.edit(desk, who, script_id, body.text, body.base, body.fields()))


@router.post("/scripts/{script_id}/submit")
def submit(
    request: Request, desk: TheDesk, who: Who, script_id: Id, body: schemas.StepBody
) -> dict[str, Any]:
    """Hand in."""
    made = flow.submit(desk, who, script_id, body.base, body.comment)
    _wake(request)
    return schemas.script(made)


@router.post("/scripts/{script_id}/withdraw")
def withdraw(
    request: Request, desk: TheDesk, who: Who, script_id: Id, body: schemas.StepBody
) -> dict[str, Any]:
    """Take a submission back."""
    made = flow.withdraw(desk, who, script_id, body.base, body.comment)
    _wake(request)
    return schemas.script(made)


@router.post("/scripts/{script_id}/ask-changes")
def ask_changes(
    request: Request, desk: TheDesk, who: Who, script_id: Id, body: schemas.StepBody
) -> dict[str, Any]:
    """Back to the writer, with what to change."""
    made = flow.ask_changes(desk, who, script_id, body.base, body.comment)
    _wake(request)
    return schemas.script(made)


@router.post("/scripts/{script_id}/approve")
def approve(
    request: Request, desk: TheDesk, who: Who, script_id: Id, body: schemas.StepBody
) -> dict[str, Any]:
    """Approve this stage; the last one signs the approval."""
    made = flow.approve(desk, who, script_id, body.base, body.comment)
    _wake(request)
    return schemas.script(made)


@router.post("/scripts/{script_id}/reject")
def reject(
    request: Request, desk: TheDesk, who: Who, script_id: Id, body: schemas.StepBody
) -> dict[str, Any]:
    """Refuse, with the reason."""
    made = flow.reject(desk, who, script_id, body.base, body.comment)
    _wake(request)
    return schemas.script(made)


@router.post("/scripts/{script_id}/retire")
def retire(
    request: Request, desk: TheDesk, who: Who, script_id: Id, body: schemas.StepBody
) -> dict[str, Any]:
    """Take out of use."""
    made = flow.retire(desk, who, script_id, body.base, body.comment)
    _wake(request)
    return schemas.script(made)


@router.post("/scripts/{script_id}/keep")
def keep(request: Request, desk: TheDesk, who: Who, script_id: Id, body: schemas.StepBody) -> dict[str, Any]:
    """Leave a flagged approval in force, with the reason."""
    made = flow.keep(desk, who, script_id, body.base, body.comment)
    _wake(request)
    return schemas.script(made)


@router.post("/scripts/{script_id}/findings/{finding_id}/rewrite")
def accept_rewrite(
    desk: TheDesk, who: Who, script_id: Id, finding_id: Id, body: schemas.RewriteBody
) -> dict[str, Any]:
    """Put a rewrite into the text, as a new version."""
    made = flow.accept_rewrite(desk, who, script_id, finding_id, body.base, body.choice, body.text)
    return schemas.script(made)


@router.post("/scripts/{script_id}/findings/{finding_id}/waive", status_code=201)
def waive(desk: TheDesk, who: Who, script_id: Id, finding_id: Id, body: schemas.WaiveBody) -> dict[str, Any]:
    """Waive a finding, and the same claim elsewhere within the scope."""
    fields = waivers.WaiverFields(
        body.kind, body.reason, body.evidence_id, body.product, body.region, body.expires_on
    )
    return schemas.waiver(waivers.waive(desk, who, script_id, finding_id, body.base, fields))


@router.put("/scripts/{script_id}/findings/{finding_id}/status")
def mark_finding(
    desk: TheDesk, who: Who, script_id: Id, finding_id: Id, body: schemas.MarkBody
) -> dict[str, Any]:
    """Confirm a finding as a violation, or open it again."""
    return schemas.finding(flow.mark(desk, who, script_id, finding_id, body.status))


@router.post("/scripts/{script_id}/comments", status_code=201)
def add_comment(desk: TheDesk, who: Who, script_id: Id, body: schemas.CommentBody) -> dict[str, Any]:
    """Remark on a script or a finding."""
    row = flow.comment(desk, who, script_id, body.text, body.fingerprint)
    return {"id": row.id, "at": row.at}


@router.get("/scripts/{script_id}/log")
def script_log(desk: TheDesk, who: Who, script_id: Id) -> dict[str, Any]:
    """The audit entries of a script."""
    who.need("audit:read")
    reading.detail(desk, who, script_id)
    return {"entries": [schemas.entry(row) for row in reading.log_of(desk, who, "scripts", script_id)]}


# --- approvals ---------------------------------------------------------------------------------------


@router.get("/approvals/{approval_id}")
def get_approval(desk: TheDesk, who: Who, approval_id: Id) -> dict[str, Any]:
    """One approval as a signed record."""
    return certificates.certificate(desk, who, approval_id)


@router.get("/approvals/{approval_id}/pdf", response_class=Response)
def get_approval_pdf(request: Request, desk: TheDesk, who: Who, approval_id: Id) -> Response:
    """One approval as PDF."""
    html = pages.certificate_html(request, certificates.certificate(desk, who, approval_id))
    return Response(
        certificates.pdf(html),
        media_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="approval-{approval_id}.pdf"'},
    )


@router.post("/approvals/verify")
def verify_approval(desk: TheDesk, who: Who, body: dict[str, Any]) -> dict[str, Any]:
    """Does this exported approval carry this server's signature, unchanged?"""
    try:
        problem = certificates.check(body, desk.signer.public_key)
    except (UnicodeEncodeError, RecursionError, AttributeError):
        problem = "不是批准证书"
    return {"valid": not problem, "problem": problem}


# --- evidence and waivers ----------------------------------------------------------------------------


@router.get("/evidence")
def list_evidence(desk: TheDesk, who: Who, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """Evidence documents, newest first; a writer's own only."""
    return {"evidence": [schemas.evidence(row) for row in evidence.listing(desk, who, limit, offset)]}


@router.post("/evidence", status_code=201)
def add_evidence(
    desk: TheDesk,
    who: Who,
    file: Annotated[UploadFile, File()],
    number: Annotated[schemas.Str, Form(min_length=1, max_length=100)],
    issuer: Annotated[schemas.Str, Form(min_length=1, max_length=200)],
    valid_from: Annotated[schemas.Str, Form(max_length=20)],
    valid_to: Annotated[schemas.Str, Form(max_length=20)],
    product: Annotated[schemas.Str, Form(max_length=100)] = "",
    region: Annotated[schemas.Str, Form(max_length=100)] = "",
) -> dict[str, Any]:
    """Keep a document (pdf, png, jpg, docx, xlsx, txt) and what it proves."""
    who.need("evidence:write")
    fields = evidence.EvidenceFields(
        number,
        issuer,
        schemas.parsed_date(valid_from, "有效期起"),
        schemas.parsed_date(valid_to, "有效期止"),
        product,
        region,
    )
    data = file.file.read(desk.settings.max_upload + 1)
    return schemas.evidence(evidence.add(desk, who, data, file.filename or "", fields))


@router.get("/evidence/{evidence_id}")
def get_evidence(desk: TheDesk, who: Who, evidence_id: Id) -> dict[str, Any]:
    """One document's data."""
    return schemas.evidence(evidence.get(desk, who, evidence_id))


@router.get("/evidence/{evidence_id}/file", response_class=Response)
def get_evidence_file(desk: TheDesk, who: Who, evidence_id: Id) -> Response:
    """The document itself, always as a download."""
    row, data = evidence.read(desk, who, evidence_id)
    return Response(
        data,
        media_type=row.media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.filename, safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


@router.post("/evidence/{evidence_id}/revoke")
def revoke_evidence(request: Request, desk: TheDesk, who: Who, evidence_id: Id) -> dict[str, Any]:
    """Withdraw a document; waivers that rest on it end."""
    row = evidence.revoke(desk, who, evidence_id)
    waivers.sweep(desk)
    return schemas.evidence(row)


@router.get("/waivers")
def list_waivers(
    desk: TheDesk,
    who: Who,
    status: Literal["", "active", "ended"] = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Waivers, newest first."""
    return {"waivers": [schemas.waiver(row) for row in waivers.listing(desk, who, status, limit, offset)]}


@router.post("/waivers/{waiver_id}/revoke")
def revoke_waiver(desk: TheDesk, who: Who, waiver_id: Id, body: schemas.ReasonBody) -> dict[str, Any]:
    """End a waiver; its findings are open again."""
    return schemas.waiver(waivers.revoke(desk, who, waiver_id, body.reason))


# --- rules, audit, learning --------------------------------------------------------------------------


@router.get("/impact")
def get_impact(desk: TheDesk, who: Who, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """The last re-check of all approvals: which would be judged otherwise, and why."""
    run, found = impact.latest(desk, who, limit, offset)
    if run is None:
        return {"run": None, "changed": []}
    return {
        "run": {
            "id": run.id,
            "finished_at": run.finished_at,
            "lexicon": run.lexicon_version,
            "model": run.model_version,
            "checked": run.checked,
            "changed": run.changed,
        },
        "changed": [
            {
                "script": item.script_id,
                "title": item.script.title,
                "approval": item.approval_id,
                "before": item.before,
                "after": item.after,
                **item.changes,
            }
            for item in found
        ],
    }


@router.post("/impact/run")
def run_impact(desk: TheDesk, who: Who) -> dict[str, Any]:
    """Check all approvals again now."""
    made = impact.run(desk, who)
    return {"id": made.id, "checked": made.checked, "changed": made.changed}


@router.get("/audit")
def get_audit(
    desk: TheDesk,
    who: Who,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    kind: Word = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """Audit entries, newest first."""
    return {"entries": [schemas.entry(row) for row in reading.log(desk, who, before, kind, limit)]}


@router.post("/audit/verify")
def verify_audit(desk: TheDesk, who: Who) -> dict[str, Any]:
    """Check chain, rows, signatures and files."""
    who.need("audit:read")
    found = audit.verify(desk)
    return {"ok": found.ok, "entries": found.entries, "rows": found.rows, "problems": list(found.problems)}


@router.get("/stats")
def get_stats(desk: TheDesk, who: Who) -> dict[str, Any]:
    """Throughput, waiting time, top rules, false-alarm rates."""
    return vars(stats.overview(desk, who)) | {"precision": learning.precision(desk, who)}


@router.get("/learning", response_class=Response)
def get_learning(desk: TheDesk, who: Who) -> Response:
    """Labelled sentences as JSON lines, for ``huashu train --add``."""
    who.need("learning:read")
    lines = "".join(f"{line}\n" for line in learning.sentences(desk, who))
    return Response(
        lines,
        media_type="application/jsonl",
        headers={"Content-Disposition": 'attachment; filename="decisions.jsonl"'},
    )


# --- administration ----------------------------------------------------------------------------------


@router.get("/policy")
def get_policy(desk: TheDesk, who: Who) -> dict[str, Any]:
    """The policy in force."""
    with desk.database.reading() as session:
        rules = policy.current(session)
    return rules.model_dump(mode="json") | {"version": rules.version}


@router.put("/policy")
def put_policy(desk: TheDesk, who: Who, body: policy.Policy) -> dict[str, Any]:
    """Put another policy in force."""
    rules = policy.change(desk, who, body)
    return rules.model_dump(mode="json") | {"version": rules.version}


@router.get("/users")
def list_users(desk: TheDesk, who: Who) -> dict[str, Any]:
    """All people."""
    return {"users": [schemas.user(row) for row in people.listing(desk, who)]}


@router.post("/users", status_code=201)
def create_user(desk: TheDesk, who: Who, body: schemas.UserBody) -> dict[str, Any]:
    """Add a person."""
    return schemas.user(people.create(desk, who, body.name, body.display, body.role, body.password))


@router.patch("/users/{user_id}")
def change_user(desk: TheDesk, who: Who, user_id: Id, body: schemas.UserChangeBody) -> dict[str, Any]:
    """Change a person; their sessions end."""
    return schemas.user(people.change(desk, who, user_id, **body.model_dump()))


@router.post("/password", status_code=204)
def change_password(desk: TheDesk, who: Who, body: schemas.PasswordBody) -> None:
    """Change one's own password; all sessions end."""
    people.change_password(desk, who, body.old, body.new)


@router.get("/tokens")
def list_tokens(desk: TheDesk, who: Who) -> dict[str, Any]:
    """One's own API tokens."""
    return {"tokens": [schemas.token(row) for row in people.tokens(desk, who)]}


@router.post("/tokens", status_code=201)
def create_token(desk: TheDesk, who: Who, body: schemas.TokenBody) -> dict[str, Any]:
    """A new API token; ``secret`` is shown this once."""
    row, secret = people.create_token(desk, who, body.name, body.scopes, body.days)
    return schemas.token(row) | {"secret": secret}


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(desk: TheDesk, who: Who, token_id: Id) -> None:
    """End a token."""
    people.revoke_token(desk, who, token_id)


@router.get("/webhooks")
def list_webhooks(desk: TheDesk, who: Who) -> dict[str, Any]:
    """Receivers and their latest deliveries."""
    return {
        "webhooks": [
            {
                "id": hook.id,
                "url": hook.url,
                "events": hook.events,
                "deliveries": [
                    {
                        "event": item.event,
                        "status": item.status,
                        "attempts": item.attempts,
                        "at": item.created_at,
                        "error": item.last_error,
                    }
                    for item in recent
                ],
            }
            for hook, recent in webhooks.listing(desk, who)
        ]
    }


@router.post("/webhooks", status_code=201)
def add_webhook(desk: TheDesk, who: Who, body: schemas.WebhookBody) -> dict[str, Any]:
    """Register a receiver; ``secret`` is shown this once."""
    row, secret = webhooks.add(desk, who, body.url, list(body.events))
    return {"id": row.id, "url": row.url, "events": row.events, "secret": secret}


@router.delete("/webhooks/{webhook_id}", status_code=204)
def remove_webhook(desk: TheDesk, who: Who, webhook_id: Id) -> None:
    """Stop announcing to a receiver."""
    webhooks.remove(desk, who, webhook_id)
