"""The application factory of ``huashu serve``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse

from checker import __version__
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
    app.include_router(languagetool.router)
    app.include_router(api.router)

    @app.get("/healthz", response_class=PlainTextResponse, include_in_schema=False)
    async def healthz() -> str:
        return "ok"

    if settings.store is not None:
        from checker.desk import install

        install(app, settings.store, settings.desk)
    return app
