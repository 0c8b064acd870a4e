"""What the desk does by itself: expiry, waivers that end, re-checks after a change of rules, webhooks.

One thread in the server's process. Every task is safe to run in several processes at once, since
each looks again inside its own transaction.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import text

from checker.desk.services import flow, impact, waivers, webhooks

if TYPE_CHECKING:
    from checker.desk.services.core import Desk

log = structlog.get_logger("huashu.desk")


def sweep(desk: Desk) -> dict[str, int]:
    """One round; what was done."""
    done = {
        "expired": flow.expire(desk),
        "waivers_ended": waivers.sweep(desk),
        "delivered": webhooks.deliver(desk),
    }
    desk.database.optimize()
    if impact.due(desk):
        done["impact_changed"] = impact.run(desk).changed
    return done


class Worker:
    """Sweeps every ``sweep_seconds`` until stopped; ``wake`` starts a round at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="huashu-desk-worker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Do a round now, in the worker's thread."""
        self._wake.set()

    def stop(self, seconds: float = 10.0) -> None:
        """Finish the round at hand and end."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                done = sweep(self._desk)
                if any(done.values()):
                    log.info("sweep", **done)
            except Exception as error:
                # The next round tries again; the type alone, since messages may quote a text.
                log.error("sweep_failed", error=type(error).__name__)
            self._wake.wait(self._desk.settings.sweep_seconds)
            self._wake.clear()


def healthy(desk: Desk) -> bool:
    """True when the store answers."""
    try:
        with desk.database.reading() as session:
            session.execute(text("SELECT 1"))
    except Exception:
        return False
    return True
