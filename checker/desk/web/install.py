"""Puts the desk into an application: store, worker, routers, guard."""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from checker.desk.errors import DeskError
from checker.desk.services import people
from checker.desk.services.core import Desk
from checker.desk.services.live import LiveCalls
from checker.desk.services.worker import Worker, healthy
from checker.desk.settings import DeskSettings
from checker.desk.store.database import Database
from checker.desk.web import api, metrics, oidc, pages
from checker.desk.web.security import Guard, LoginRequiredError

STATIC = Path(__file__).parent / "static"


def install_desk(app: FastAPI, settings: DeskSettings) -> Desk:
    """Migrate the store and serve the desk under ``/desk/`` and ``/api/v1/desk/``."""
    if settings.url.startswith("sqlite:///"):
        Path(settings.url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    database = Database(settings.url)
    database.migrate()
    desk = Desk(settings, database, lambda: app.state.service.checker)
    app.state.desk = desk
    app.state.desk_worker = worker = Worker(desk)
    app.state.desk_calls = LiveCalls(desk)
    app.state.desk_setup_code = secrets.token_urlsafe(12)
    outer = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(owner: FastAPI) -> AsyncIterator[Any]:
        worker.start()
        if not people.anybody(desk):
            print(
                f"huashu: first administrator: /desk/setup?code={app.state.desk_setup_code}", file=sys.stderr
            )
        async with outer(owner) as state:
            yield state
        await run_in_threadpool(worker.stop)
        database.close()

    app.router.lifespan_context = lifespan
    app.add_middleware(Guard, https=settings.secure_cookies)
    app.add_exception_handler(DeskError, _refused)
    app.add_exception_handler(LoginRequiredError, _login)
    _answer_pages_with_pages(app)
    app.mount("/desk/static", StaticFiles(directory=STATIC), name="desk-static")
    app.include_router(api.router)
    app.include_router(pages.router)
    if settings.oidc is not None:
        app.include_router(oidc.router)

    @app.get("/", include_in_schema=False)
    def front() -> RedirectResponse:
        return RedirectResponse("/desk/")

    @app.get("/readyz", include_in_schema=False)
    def ready() -> Response:
        good = healthy(desk)
        return PlainTextResponse("ok" if good else "store unavailable", 200 if good else 503)

    @app.get("/metrics", include_in_schema=False)
    def numbers(request: Request) -> Response:
        token = settings.metrics_token
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and not secrets.compare_digest(token.encode(), given.encode()):
            return PlainTextResponse("metrics token missing", 401)
        return Response(metrics.render(desk), media_type="text/plain; version=0.0.4; charset=utf-8")

    return desk


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, DeskError):
        raise error
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": str(error), "code": error.code}, error.status)
    return pages.refusal(request, str(error), error.status)


def _login(request: Request, error: Exception) -> Response:
    target = error.target if isinstance(error, LoginRequiredError) else "/desk/login"
    return RedirectResponse(target, 303)


def _answer_pages_with_pages(app: FastAPI) -> None:
    """A form with a value that cannot be used is answered with a page; the API keeps its own answer."""
    plain = app.exception_handlers[RequestValidationError]

    def unusable(request: Request, error: Exception) -> Any:
        if request.url.path.startswith("/desk/"):
            return pages.refusal(request, "地址或表单里的值无效", 422)
        return plain(request, error)

    app.add_exception_handler(RequestValidationError, unusable)
