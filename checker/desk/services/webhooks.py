"""Announcements of decisions to other systems.

A delivery is written in the transaction of its decision, so that none is lost and none is made up,
and sent afterwards until the receiver answers 2xx. The body is signed:
``X-Huashu-Signature: t=<unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>" with the webhook's secret>``.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from checker.desk.errors import InvalidError, NotFoundError
from checker.desk.services import audit
from checker.desk.services.signing import canonical
from checker.desk.store.models import Delivery, Webhook, now

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk

EVENTS = (
    "script.submit",
    "script.withdraw",
    "script.ask-changes",
    "script.approve",
    "script.reject",
    "script.retire",
    "script.keep",
    "script.void",
    "script.expire",
)
#: Seconds to wait after each failed attempt; after the last one a delivery is given up.
RETRIES = (10, 60, 300, 1800, 7200, 21600, 86400)
_TIMEOUT = 10.0


def add(desk: Desk, actor: Actor, url: str, events: list[str]) -> tuple[Webhook, str]:
    """Register a receiver; the secret is shown once."""
    actor.need("webhooks:manage")
    _check_url(url)
    unknown = sorted(set(events) - set(EVENTS))
    if unknown or not events:
        raise InvalidError(f"未知事件：{'、'.join(unknown)}" if unknown else "请选择事件")
    secret = secrets.token_urlsafe(32)
    with desk.database.writing() as session:
        row = Webhook(url=url, secret=secret, events=sorted(set(events)))
        session.add(row)
        audit.record(session, desk, actor, "webhook.add", row)
    return row, secret


def remove(desk: Desk, actor: Actor, webhook_id: int) -> Webhook:
    """Stop announcing to a receiver."""
    actor.need("webhooks:manage")
    with desk.database.writing() as session:
        row = session.get(Webhook, webhook_id)
        if row is None or not row.active:
            raise NotFoundError("没有这个回调")
        before = row.snapshot()
        row.active = False
        audit.record(session, desk, actor, "webhook.remove", row, before)
    return row


def listing(desk: Desk, actor: Actor) -> list[tuple[Webhook, list[Delivery]]]:
    """Receivers in use with their latest deliveries."""
    actor.need("webhooks:manage")
    with desk.database.reading() as session:
        hooks = list(session.scalars(select(Webhook).where(Webhook.active).order_by(Webhook.id)))
        return [
            (
                hook,
                list(
                    session.scalars(
                        select(Delivery)
                        .where(Delivery.webhook_id == hook.id)
                        .order_by(Delivery.id.desc())
                        .limit(5)
                    )
                ),
            )
            for hook in hooks
        ]


def announce(session: Session, event: str, body: dict[str, Any]) -> None:
    """Write the deliveries of an event into the transaction at hand."""
    for hook in session.scalars(select(Webhook).where(Webhook.active)):
        if event in hook.events:
            session.add(Delivery(webhook_id=hook.id, event=event, body=body))


def deliver(desk: Desk) -> int:
    """Try every delivery that is due; how many were accepted."""
    with desk.database.reading() as session:
        due = list(
            session.scalars(
                select(Delivery)
                .where(Delivery.status == "waiting", Delivery.next_at <= now())
                .order_by(Delivery.id)
                .limit(100)
                .options(joinedload(Delivery.webhook))
            )
        )
    accepted = 0
    for delivery in due:
        problem = _send(delivery) if delivery.webhook.active else "回调已移除"
        accepted += not problem
        with desk.database.writing() as session:
            row = session.get_one(Delivery, delivery.id)
            row.attempts += 1
            row.last_error = problem[:200]
            if not problem:
                row.status = "accepted"
            elif row.attempts > len(RETRIES) or not delivery.webhook.active:
                row.status = "given-up"
            else:
                row.next_at = now() + timedelta(seconds=RETRIES[row.attempts - 1])
    return accepted


def _send(delivery: Delivery) -> str:
    """What went wrong, or an empty string."""
    import httpx

    body = canonical({"event": delivery.event, "delivery": delivery.id, **delivery.body})
    try:
        _check_url(delivery.webhook.url)
        response = httpx.post(
            delivery.webhook.url,
            content=body,
            headers={
                "Content-Type": "application/json",
                "X-Huashu-Event": delivery.event,
                "X-Huashu-Signature": signature(delivery.webhook.secret, body, int(time.time())),
            },
            timeout=_TIMEOUT,
            follow_redirects=False,
        )
    except InvalidError as error:
        return str(error)
    except httpx.HTTPError as error:
        return type(error).__name__
    return "" if response.is_success else f"HTTP {response.status_code}"


def signature(secret: str, body: bytes, at: int) -> str:
    """The signature header of a body sent at ``at`` (Unix seconds)."""
    code = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={code}"


def _check_url(url: str) -> None:
    """Only http(s), and never link-local addresses, where clouds keep their credentials."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidError("回调地址无效") from None
    if parts.scheme not in ("http", "https") or not host or parts.username or len(url) > 500:
        raise InvalidError("回调地址须为 http 或 https，且不含用户名")
    try:
        found = socket.getaddrinfo(host, port or 80, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return  # not known now; the delivery will say so
    for *_, address in found:
        known = ipaddress.ip_address(str(address[0]).split("%")[0])
        if known.is_link_local or known.is_multicast or known.is_unspecified:
            raise InvalidError("回调地址指向不允许的网段")
