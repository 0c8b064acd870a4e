"""The application factory of ``huashu serve``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response

from checker import __version__
from checker.report import encodable
from checker.web import api, languagetool
from checker.web.limits import BodyLimit
from checker.web.service import Service
from checker.web.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application: LanguageTool API, JSON API and, with ``settings.store``, the desk.

    ``app.state.service`` and ``app.state.settings`` are there for routers. Raises ConfigError or
    LexiconError.
    """
    settings = settings or Settings()
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="huashu 话术",
        version=__version__,
        description="Checks Chinese sales-call scripts: which words break the law, why, and what to say instead.",
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.service = service
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key"],
        )
    app.add_middleware(BodyLimit, limit=settings.max_body)
    for error, handler in languagetool.HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.add_exception_handler(RequestValidationError, _unusable)
    app.include_router(languagetool.router)
    app.include_router(api.router)

    @app.get("/healthz", response_class=PlainTextResponse, include_in_schema=False)
    async def healthz() -> str:
        return "ok"

    if settings.store is not None:
        from checker.desk import install

        install(app, settings.store, settings.desk)
    return app


def _unusable(_: Request, error: Exception) -> Response:
    """Where values are wrong and why, without the values.

    A value may be a text that no log should hold, or one that JSON cannot write.
    """
    assert isinstance(error, RequestValidationError)
    problems = [
        {
            "loc": [part if isinstance(part, int) else encodable(str(part))[:100] for part in item["loc"]],
            "msg": encodable(item["msg"]),
            "type": item["type"],
        }
        for item in error.errors()
    ]
    return JSONResponse({"detail": problems, "code": "invalid"}, 422)
