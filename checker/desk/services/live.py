"""A running call: each turn is answered by what it changed, and watched by whoever may.

Calls live in this process only, for an hour after their last turn; no word of them is stored or
logged. Every turn is judged with the whole call before it, so that refusals and duties count.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checker.desk.errors import InvalidError, NotFoundError, TooManyError
from checker.desk.services.findings import said_industry
from checker.desk.services.texts import storable
from checker.document import CHANNELS
from checker.live import LiveCall

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk

MOST_CALLS, MOST_TURNS, MOST_CHARACTERS, IDLE_SECONDS = 200, 2000, 2000, 3600
#: Each keeps a thread of the server waiting.
MOST_WATCHERS = 16
_HEARTBEAT = 15.0


@dataclass
class _Call:
    owner: int
    live: LiveCall
    turns: int = 0
    watchers: list[queue.SimpleQueue[dict[str, Any] | None]] = field(default_factory=list)
    used: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)


class LiveCalls:
    """The running calls of one process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._calls: dict[str, _Call] = {}
        self._lock = threading.Lock()

    def begin(self, actor: Actor, industry: str | None, channel: str) -> str:
        """The number of a new call, which cannot be guessed."""
        actor.need("check")
        if channel not in CHANNELS:
            raise InvalidError(f"未知渠道：{channel}")
        with self._lock:
            late = time.monotonic() - IDLE_SECONDS
            for name in [name for name, call in self._calls.items() if call.used < late]:
                del self._calls[name]
            if len(self._calls) >= MOST_CALLS:
                raise TooManyError("同时进行的通话太多")
            name = secrets.token_urlsafe(16)
            live = LiveCall(self._desk.checker(), {"industry": said_industry(industry), "channel": channel})
            self._calls[name] = _Call(actor.id, live)
        return name

    def say(
        self,
        actor: Actor,
        name: str,
        speaker: str,
        text: str,
        *,
        final: bool = True,
        words: Sequence[tuple[str, float]] = (),
    ) -> dict[str, Any]:
        """What a turn, or the part of it heard so far, changed: ``checker.live.Update`` as JSON."""
        call = self._find(actor, name, own=True)
        if not storable(text) or len(text) > MOST_CHARACTERS:
            raise InvalidError(f"一句话最多 {MOST_CHARACTERS} 字")
        with call.lock:
            if call.turns >= MOST_TURNS:
                raise TooManyError("通话太长")
            call.turns += final
            hear = call.live.final if final else call.live.partial
            update = hear(speaker, text, words=words).to_dict()
            for watcher in call.watchers:
                watcher.put(update)
        return update

    def end(self, actor: Actor, name: str) -> dict[str, Any]:
        """What the end of the call shows (duties still open); the call is forgotten."""
        call = self._find(actor, name, own=True)
        with self._lock:
            self._calls.pop(name, None)
        with call.lock:
            update = call.live.end().to_dict()
            for watcher in call.watchers:
                watcher.put(update)
                watcher.put(None)
        return update

    def watch(self, actor: Actor, name: str) -> Iterator[dict[str, Any] | None]:
        """Updates from now on until the call ends; None now and then while nothing happens."""
        call = self._find(actor, name, own=False)
        if sum(len(item.watchers) for item in list(self._calls.values())) >= MOST_WATCHERS:
            raise TooManyError("同时旁听的人太多")
        updates: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        with call.lock:
            call.watchers.append(updates)
        return self._watched(call, updates)

    def _watched(
        self, call: _Call, updates: queue.SimpleQueue[dict[str, Any] | None]
    ) -> Iterator[dict[str, Any] | None]:
        try:
            while True:
                try:
                    update = updates.get(timeout=_HEARTBEAT)
                except queue.Empty:
                    yield None
                    continue
                if update is None:
                    return
                yield update
        finally:
            with call.lock:
                call.watchers.remove(updates)

    def _find(self, actor: Actor, name: str, *, own: bool) -> _Call:
        """The caller's own call; officers may watch any whose number they know."""
        actor.need("check")
        call = self._calls.get(name)
        if call is None or not (call.owner == actor.id or (not own and actor.can("scripts:decide"))):
            raise NotFoundError("没有这通电话")
        call.used = time.monotonic()
        return call
