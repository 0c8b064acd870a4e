"""The pages. They only read; whatever they change goes through the API (see ``static/desk.js``)."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi import Path as InPath
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse, Response

from checker import __version__
from checker.desk.errors import DeskError, ForbiddenError
from checker.desk.services import (
    audit,
    certificates,
    evidence,
    impact,
    learning,
    people,
    policy,
    reading,
    stats,
    waivers,
    webhooks,
)
from checker.desk.services.core import ROLE_NAMES, SCOPE_NAMES, SCOPES, Desk
from checker.desk.services.findings import clean_categories
from checker.desk.services.flow import ACTION_NAMES, STATUS_NAMES
from checker.desk.web import compare, render, schemas
from checker.desk.web.security import (
    COOKIE,
    FORM_COOKIE,
    TheDesk,
    Visitor,
    address_of,
    check_form_code,
    desk_of,
    form_code,
    local_target,
    visit_of,
)
from checker.labels import (
    APPLY_NAMES,
    CATEGORY_NAMES,
    CHANNEL_NAMES,
    INDUSTRY_NAMES,
    LEVEL_NAMES,
    STATE_NAMES,
    VERDICT_NAMES,
    VIEW_NAMES,
)
from checker.personal import mask

router = APIRouter(prefix="/desk", include_in_schema=False, default_response_class=HTMLResponse)
_FOLDER = Path(__file__).parent
Id = Annotated[int, InPath(ge=1, le=2**31 - 1)]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]
Word = Annotated[schemas.Str, Query(max_length=100)]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"moment": _moment, "hours": _hours}
    made.globals |= {
        "APPLY": APPLY_NAMES,
        "KINDS": audit.KIND_NAMES,
        "ACTIONS": ACTION_NAMES,
        "CATEGORIES": CATEGORY_NAMES,
        "CHANNELS": CHANNEL_NAMES,
        "INDUSTRIES": INDUSTRY_NAMES,
        "LEVELS": LEVEL_NAMES,
        "ROLES": ROLE_NAMES,
        "SCOPES": SCOPE_NAMES,
        "STATES": STATE_NAMES,
        "STATUSES": STATUS_NAMES,
        "VERDICTS": VERDICT_NAMES,
        "VIEWS": VIEW_NAMES,
        "FINDING_STATUS": {
            "open": "未处理",
            "waived": "已豁免",
            "confirmed": "已确认",
            "rewritten": "已改写",
        },
        "WAIVER_KINDS": waivers.KIND_NAMES,
        "version": __version__,
    }
    return made


def _moment(value: datetime | str | None) -> str:
    """A time of the server's zone, to the minute."""
    if value is None:
        return "—"
    known = datetime.fromisoformat(value) if isinstance(value, str) else value
    return known.astimezone().strftime("%Y-%m-%d %H:%M")


def _hours(value: float | None) -> str:
    """A duration given in hours, in words."""
    if value is None:
        return "—"
    if value < 1:
        return f"{max(1, round(value * 60))} 分钟"
    return f"{value:.1f} 小时" if value < 48 else f"{value / 24:.1f} 天"


def _html(name: str, **values: Any) -> str:
    return _environment().get_template(name).render(**values)


def _page(name: str, desk: Desk, visit: Visitor, **values: Any) -> HTMLResponse:
    known = {
        "me": visit.actor,
        "csrf": visit.csrf,
        "queue": stats.queue_size(desk, visit.actor),
        "here": name,
    }
    return HTMLResponse(_html(f"{name}.html", **known, **values))


def refusal(request: Request, words: str, status: int) -> HTMLResponse:
    """A page that says why not."""
    visit = visit_of(request, desk_of(request))
    return HTMLResponse(
        _html(
            "refusal.html",
            me=visit.actor if visit else None,
            csrf=visit.csrf if visit else "",
            queue=0,
            here="",
            words=words,
            status=status,
        ),
        status,
    )


# --- login -------------------------------------------------------------------------------------------


def _door(request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    desk = desk_of(request)
    code = form_code(request)
    answer = HTMLResponse(
        _html(
            f"{name}.html", me=None, csrf="", queue=0, here=name, code=code, oidc=desk.settings.oidc, **values
        ),
        status,
    )
    secure = desk.settings.secure_cookies
    answer.set_cookie(FORM_COOKIE, code, path="/desk", httponly=True, secure=secure, samesite="strict")
    return answer


def _opened(desk: Desk, cookie: str, target: str) -> Response:
    answer = RedirectResponse(target, 303)
    secure = desk.settings.secure_cookies
    answer.set_cookie(COOKIE, cookie, path="/", httponly=True, secure=secure, samesite="lax")
    return answer


@router.get("/login")
def login_page(request: Request, desk: TheDesk, next: str = "/desk/") -> Response:
    """Where people sign in; the first visitor is told how to set up."""
    if visit_of(request, desk) is not None:
        return RedirectResponse(local_target(next), 303)
    return _door(request, "login", target=local_target(next), words="", fresh=not people.anybody(desk))


@router.post("/login")
def login(
    request: Request,
    desk: TheDesk,
    name: Annotated[schemas.Str, Form(max_length=100)],
    password: Annotated[schemas.Str, Form(max_length=500)],
    code: Annotated[schemas.Str, Form(max_length=100)] = "",
    next: Annotated[schemas.Str, Form(max_length=1000)] = "/desk/",
) -> Response:
    """Open a session."""
    try:
        check_form_code(request, code)
        cookie = people.log_in(desk, name, password, address_of(request, desk))
    except DeskError as error:
        return _door(request, "login", error.status, target=local_target(next), words=str(error), fresh=False)
    return _opened(desk, cookie, local_target(next))


@router.post("/logout")
def logout(
    request: Request, desk: TheDesk, code: Annotated[schemas.Str, Form(max_length=100)] = ""
) -> Response:
    """End the session."""
    visit = visit_of(request, desk)
    if visit is not None:
        if code != visit.csrf:
            raise ForbiddenError("页面已过期，请刷新后重试")
        people.log_out(desk, request.cookies[COOKIE])
    answer = RedirectResponse("/desk/login", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.get("/setup")
def setup_page(request: Request, desk: TheDesk, code: str = "") -> Response:
    """The first administrator, for whoever can read the server's output."""
    if people.anybody(desk):
        return RedirectResponse("/desk/login", 303)
    return _door(request, "setup", given=code, words="")


@router.post("/setup")
def setup(
    request: Request,
    desk: TheDesk,
    name: Annotated[schemas.Str, Form(max_length=64)],
    password: Annotated[schemas.Str, Form(max_length=200)],
    setup_code: Annotated[schemas.Str, Form(max_length=100)],
    display: Annotated[schemas.Str, Form(max_length=64)] = "",
    code: Annotated[schemas.Str, Form(max_length=100)] = "",
) -> Response:
    """Make the first administrator and sign in."""
    import hmac

    try:
        check_form_code(request, code)
        if not hmac.compare_digest(setup_code.encode(), request.app.state.desk_setup_code.encode()):
            raise ForbiddenError("设置码不对；它在服务器启动时的输出里")
        people.set_up(desk, name, display, password)
        cookie = people.log_in(desk, name, password, address_of(request, desk))
    except DeskError as error:
        return _door(request, "setup", error.status, given=setup_code, words=str(error))
    return _opened(desk, cookie, "/desk/users")


# --- scripts -----------------------------------------------------------------------------------------


@router.get("/")
def home(desk: TheDesk, visit: Visitor, page: PageNumber = 1) -> Response:
    """The own queue."""
    wanted = stats.Filter(mine=True, sort="waiting" if visit.actor.can("scripts:decide") else "updated")
    return _page("home", desk, visit, found=stats.search(desk, visit.actor, wanted, page), more="/desk/?")


@router.get("/scripts")
def script_list(
    desk: TheDesk,
    visit: Visitor,
    text: Word = "",
    status: Word = "",
    industry: Word = "",
    verdict: Word = "",
    attention: bool = False,
    sort: Literal["updated", "waiting", "risk"] = "updated",
    page: PageNumber = 1,
) -> Response:
    """All scripts, with filters."""
    wanted = stats.Filter(text, status, industry, verdict, False, attention, sort)
    query = {"text": text, "status": status, "industry": industry, "verdict": verdict, "sort": sort}
    kept = {key: value for key, value in query.items() if value} | (
        {"attention": "true"} if attention else {}
    )
    return _page(
        "scripts",
        desk,
        visit,
        found=stats.search(desk, visit.actor, wanted, page),
        wanted=wanted,
        more=f"/desk/scripts?{urlencode(kept)}&",
    )


@router.get("/scripts/new")
def new_script(desk: TheDesk, visit: Visitor) -> Response:
    """Paste or upload."""
    visit.actor.need("scripts:write")
    return _page("write", desk, visit, detail=None, limit=desk.settings.max_upload // 1_000_000)


@router.get("/scripts/{script_id}/edit")
def edit_script(desk: TheDesk, visit: Visitor, script_id: Id) -> Response:
    """Edit with live check."""
    found = reading.detail(desk, visit.actor, script_id)
    return _page("write", desk, visit, detail=found, limit=0)


@router.get("/scripts/{script_id}")
def script_page(
    desk: TheDesk, visit: Visitor, script_id: Id, number: int | None = None, personal: bool = False
) -> Response:
    """The page an officer lives in; a writer reads it too. ``personal`` shows numbers and addresses."""
    actor = visit.actor
    found = reading.detail(desk, actor, script_id, number)
    script, is_current = found.script, found.version.number == found.script.current
    own = script.owner_id == actor.id
    added: set[int] | None = None
    if len(found.versions) > 1 and found.version.number > 1:
        before = reading.detail(desk, actor, script_id, found.version.number - 1)
        added = {row.id for row in compare.changed_findings(before.findings, found.findings)[0]}
    marks = render.finding_marks(found.findings) + render.excused_marks(found.version.excused)
    can = {
        "decide": actor.can("scripts:decide") and not own and script.status == "submitted" and is_current,
        "keep": actor.can("scripts:decide")
        and not own
        and script.status == "approved"
        and is_current
        and script.attention != "",
        "retire": actor.can("scripts:decide") and script.status in ("approved", "expired") and is_current,
        "edit": is_current
        and (
            (own and script.status in ("draft", "changes-asked", "rejected", "expired", "approved"))
            or (actor.can("scripts:decide") and not own and script.status == "submitted")
        ),
        "submit": own and is_current and script.status in ("draft", "changes-asked", "rejected", "expired"),
        "withdraw": own and is_current and script.status == "submitted",
        "comment": actor.can("scripts:decide") or own,
        "log": actor.can("audit:read"),
    }
    changes = None
    if actor.can("impact:read") and script.attention:
        _, changed = impact.latest(desk, actor, 500)
        changes = next((item for item in changed if item.script_id == script.id), None)
    text = found.version.text if personal else mask(found.version.text)
    return _page(
        "review",
        desk,
        visit,
        detail=found,
        lines=render.lines(text, marks),
        is_masked=text != found.version.text,
        added=added,
        can=can,
        own=own,
        is_current=is_current,
        changes=changes,
        clean=clean_categories(desk.checker(), (row.category for row in found.findings)),
        proofs=reading.usable_evidence(desk, script) if can["decide"] else [],
    )


@router.get("/scripts/{script_id}/compare")
def compare_page(
    desk: TheDesk, visit: Visitor, script_id: Id, old: Id | None = None, new: Id | None = None
) -> Response:
    """Two versions side by side; only changed findings to look at."""
    right = reading.detail(desk, visit.actor, script_id, new)
    left = reading.detail(desk, visit.actor, script_id, old or max(1, right.version.number - 1))
    added, gone, kept = compare.changed_findings(left.findings, right.findings)
    return _page(
        "compare",
        desk,
        visit,
        left=left,
        right=right,
        rows=compare.text_rows(mask(left.version.text), mask(right.version.text)),
        added=added,
        gone=gone,
        kept=kept,
    )


@router.post("/preview")
def preview(request: Request, desk: TheDesk, visit: Visitor, body: schemas.CheckBody) -> Response:
    """The live check of a page being edited, as a piece of a page."""
    from checker.desk.web.api import checked
    from checker.desk.web.security import check_csrf

    check_csrf(request, visit)
    visit.actor.need("check")
    found = checked(desk, body)
    marks = [
        render.Mark(
            f"p{number}",
            item["start"],
            item["end"],
            item["level"] if item["status"] == "open" else "waived",
            item["message"],
        )
        for number, item in enumerate(found["findings"])
    ] + render.excused_marks(found["excused"])
    text = body.text.replace("\r\n", "\n").replace("\r", "\n")
    return HTMLResponse(_html("preview.html", found=found, lines=render.lines(mask(text), marks)))


# --- approvals ---------------------------------------------------------------------------------------


@router.get("/approvals/{approval_id}")
def approval_page(request: Request, desk: TheDesk, visit: Visitor, approval_id: Id) -> Response:
    """One approval, to read and print."""
    found = certificates.certificate(desk, visit.actor, approval_id)
    return _page("approval", desk, visit, **_certificate_values(found))


def certificate_html(request: Request, found: dict[str, Any]) -> str:
    """One approval as a page by itself, styles included."""
    css = (_FOLDER / "static" / "certificate.css").read_text(encoding="utf-8")
    return _html("certificate.html", css=css, **_certificate_values(found))


def _certificate_values(found: dict[str, Any]) -> dict[str, Any]:
    record = found["record"]
    marks = [
        render.Mark(
            f"f{number}",
            item["start"],
            item["end"],
            item["level"] if item["status"] in ("open", "confirmed") else item["status"],
            item["message"],
        )
        for number, item in enumerate(record["findings"], 1)
    ]
    return {"found": found, "record": record, "lines": render.lines(mask(record["script"]["text"]), marks)}


# --- evidence, waivers, rules ------------------------------------------------------------------------


@router.get("/evidence")
def evidence_page(desk: TheDesk, visit: Visitor, page: PageNumber = 1) -> Response:
    """Evidence and the waivers that rest on it."""
    actor = visit.actor
    rows = evidence.listing(desk, actor, 51, (page - 1) * 50)
    granted = waivers.listing(desk, actor, "", 100) if actor.can("stats:read") else []
    return _page(
        "evidence",
        desk,
        visit,
        rows=rows[:50],
        page=page,
        last=len(rows) <= 50,
        granted=granted,
        limit=desk.settings.max_upload // 1_000_000,
    )


@router.get("/impact")
def impact_page(desk: TheDesk, visit: Visitor, page: PageNumber = 1) -> Response:
    """Approvals that today's rules judge otherwise."""
    run, found = impact.latest(desk, visit.actor, 50, (page - 1) * 50)
    return _page("impact", desk, visit, run=run, found=found, page=page)


@router.get("/overview")
def overview_page(desk: TheDesk, visit: Visitor) -> Response:
    """Numbers and plots."""
    return _page(
        "overview",
        desk,
        visit,
        found=stats.overview(desk, visit.actor),
        precision=learning.precision(desk, visit.actor),
    )


@router.get("/audit")
def audit_page(
    desk: TheDesk,
    visit: Visitor,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    kind: Word = "",
) -> Response:
    """The audit log."""
    rows = reading.log(desk, visit.actor, before, kind)
    return _page("audit", desk, visit, rows=rows, kind=kind)


# --- administration ----------------------------------------------------------------------------------


@router.get("/users")
def users_page(desk: TheDesk, visit: Visitor) -> Response:
    """People."""
    return _page("users", desk, visit, rows=people.listing(desk, visit.actor))


@router.get("/settings")
def settings_page(desk: TheDesk, visit: Visitor) -> Response:
    """Policy and webhooks."""
    visit.actor.need("policy:manage")
    with desk.database.reading() as session:
        rules = policy.current(session)
    return _page(
        "settings",
        desk,
        visit,
        rules=rules,
        hooks=webhooks.listing(desk, visit.actor),
        events=webhooks.EVENTS,
        public_key=desk.signer.public_key,
    )


@router.get("/account")
def account_page(desk: TheDesk, visit: Visitor) -> Response:
    """One's own password and tokens."""
    return _page(
        "account", desk, visit, rows=people.tokens(desk, visit.actor), scopes=sorted(SCOPES[visit.actor.role])
    )
