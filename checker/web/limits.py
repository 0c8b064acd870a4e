"""Limits around the application: the size of a request body, and who may use the API."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from checker.web.service import Service


class BodyLimit:
    """ASGI middleware that answers 413 to a body above ``limit`` bytes, declared or sent."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and counts what is read of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = JSONResponse({"detail": f"请求超过 {self.limit} 字节"}, status_code=413)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self.limit:
            await refusal(scope, receive, send)
            return
        size = 0
        started = False

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.limit:
                raise _TooLargeError
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except _TooLargeError:
            if not started:
                await refusal(scope, receive, send)


class _TooLargeError(Exception):
    """More bytes came than were declared."""


def service_of(request: Request) -> Service:
    """Dependency: the service of the application."""
    service: Service = request.app.state.service
    return service


def require_key(request: Request) -> None:
    """Dependency: answers 401 unless the request carries a key, where keys are configured.

    The key stands in ``Authorization: Bearer`` or ``X-API-Key``.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = token if scheme.lower() == "bearer" else request.headers.get("x-api-key")
    if not service_of(request).knows(key):
        raise HTTPException(401, "缺少或错误的 API 密钥", {"WWW-Authenticate": "Bearer"})
