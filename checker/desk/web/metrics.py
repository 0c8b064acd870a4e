"""Prometheus metrics: requests by route, and the state of the desk when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select

from checker.desk.store.models import Delivery, Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checker.desk.services.core import Desk

_registry = CollectorRegistry()
_requests = Counter("huashu_requests", "Requests answered", ["method", "route", "status"], registry=_registry)
_seconds = Histogram(
    "huashu_request_seconds",
    "Time to the end of the answer",
    ["route"],
    registry=_registry,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request; unknown paths share one label, so that nobody can invent labels."""
    _requests.labels(method, route or "unknown", str(status)).inc()
    _seconds.labels(route or "unknown").observe(seconds)


def render(desk: Desk) -> bytes:
    """The text format: the process's counters and the store's present numbers."""
    state = CollectorRegistry()
    state.register(_State(desk))
    return generate_latest(_registry) + generate_latest(state)


class _State:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Scripts by status, deliveries waiting."""
        scripts = GaugeMetricFamily("huashu_scripts", "Scripts by status", labels=["status"])
        waiting = GaugeMetricFamily("huashu_deliveries_waiting", "Webhook deliveries to be made")
        with self._desk.database.reading() as session:
            for status, number in session.execute(
                select(Script.status, func.count(Script.id)).group_by(Script.status)
            ):
                scripts.add_metric([status], number)
            waiting.add_metric(
                [],
                session.scalar(select(func.count(Delivery.id)).where(Delivery.status == "waiting")) or 0,
            )
        yield scripts
        yield waiting
