"""Who asks, and what every answer carries.

A request is somebody's by an API token (``Authorization: Bearer hs_…``) or by the session cookie.
With the cookie, whatever changes something must carry the session's code in ``X-CSRF-Token``: no
other site can read it. Pages run no script and no style but our own files.
"""

from __future__ import annotations

import hmac
import secrets
import time
from typing import Annotated
from urllib.parse import quote

import structlog
from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from checker.desk.errors import ForbiddenError, UnauthenticatedError
from checker.desk.services import people
from checker.desk.services.core import Actor, Desk
from checker.desk.services.people import Visit
from checker.desk.web import metrics

COOKIE = "huashu_session"
FORM_COOKIE = "huashu_form"
_SAFE = ("GET", "HEAD", "OPTIONS")
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
log = structlog.get_logger("huashu.desk")

_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="Session of a browser")
_bearer = HTTPBearer(auto_error=False, description="API token of the desk")


def desk_of(request: Request) -> Desk:
    """Dependency: the desk of the application."""
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]


def visit_of(request: Request, desk: TheDesk) -> Visit | None:
    """Dependency: the browser's session, if any."""
    cookie = request.cookies.get(COOKIE)
    return people.visit(desk, cookie) if cookie else None


def actor_of(
    request: Request,
    desk: TheDesk,
    _cookie: Annotated[str | None, Depends(_cookie)],
    _bearer: Annotated[object, Depends(_bearer)],
) -> Actor:
    """Dependency: who asks. Raises UnauthenticatedError, or ForbiddenError without the form code."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        actor = people.token_actor(desk, secret.strip())
        if actor is None:
            raise UnauthenticatedError("令牌无效或已过期")
    else:
        visit = visit_of(request, desk)
        if visit is None:
            raise UnauthenticatedError("请先登录")
        if request.method not in _SAFE:
            check_csrf(request, visit)
        actor = visit.actor
    request.state.actor = actor
    return actor


Who = Annotated[Actor, Depends(actor_of)]


def check_csrf(request: Request, visit: Visit) -> None:
    """Raises ForbiddenError unless the request carries the session's code."""
    if not _same(request.headers.get("x-csrf-token"), visit.csrf):
        raise ForbiddenError("页面已过期，请刷新后重试")


def page_visit(request: Request, desk: TheDesk) -> Visit:
    """Dependency of pages: raises LoginRequiredError where the API would answer 401."""
    visit = visit_of(request, desk)
    if visit is None:
        raise LoginRequiredError(request)
    request.state.actor = visit.actor
    return visit


Visitor = Annotated[Visit, Depends(page_visit)]


class LoginRequiredError(Exception):
    """A page was asked for without a session; ``target`` is where to go first."""

    def __init__(self, request: Request) -> None:
        super().__init__("login required")
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.target = "/desk/login" + (f"?next={quote(wanted)}" if request.method == "GET" else "")


def local_target(wanted: str) -> str:
    """A path on this server's desk; anything else becomes the front page."""
    plain = wanted.startswith("/desk/") and "\\" not in wanted and not any(ord(c) < 33 for c in wanted)
    return wanted if plain else "/desk/"


def form_code(request: Request) -> str:
    """The code of a form before login: the cookie's own value, or a new one."""
    return request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)


def check_form_code(request: Request, given: str) -> None:
    """Raises ForbiddenError unless form and cookie carry the same code."""
    if not _same(given, request.cookies.get(FORM_COOKIE)):
        raise ForbiddenError("页面已过期，请刷新后重试")


def address_of(request: Request, desk: Desk) -> str:
    """The client's address; a trusted proxy's word counts."""
    peer = request.client.host if request.client else ""
    if peer in desk.settings.trusted_proxies:
        forwarded = request.headers.get("x-forwarded-for", "").rsplit(",", 1)[-1].strip()
        return forwarded or peer
    return peer


def _same(given: str | None, known: str | None) -> bool:
    return bool(given and known) and hmac.compare_digest((given or "").encode(), (known or "").encode())


class Guard:
    """ASGI middleware: security headers, a log line and a measurement for each request.

    The log holds method, route, status, milliseconds and the person's number: no text, no address
    with values in it.
    """

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500
        identity = secrets.token_hex(8)

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = identity
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
                headers["X-Frame-Options"] = "DENY"
                headers.setdefault("Content-Security-Policy", _CSP)
                if not scope["path"].startswith("/desk/static/"):
                    headers.setdefault("Cache-Control", "no-store")
                if self.https:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                spent = time.perf_counter() - begun
                headers["Server-Timing"] = f"app;dur={spent * 1000:.1f}"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            spent = time.perf_counter() - begun
            route = getattr(scope.get("route"), "path", "")
            metrics.observe(scope["method"], route, status, spent)
            actor = scope.get("state", {}).get("actor")
            log.info(
                "request",
                id=identity,
                method=scope["method"],
                route=route,
                status=status,
                ms=round(spent * 1000, 1),
                user=getattr(actor, "id", None),
            )
