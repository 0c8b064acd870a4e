"""What the routers share: one warm checker, bounded in size, time and number of checks."""

from __future__ import annotations

import asyncio
import hmac
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from checker.config import Config, ConfigError, Problem, edit_list, load_config
from checker.document import Document
from checker.labels import UnknownIndustryError, industry_id
from checker.pipeline import Checker
from checker.types import Report
from checker.web.settings import Settings


class TextTooLongError(Exception):
    """A text above the limit; ``length`` and ``limit`` count code points."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"the text has {length} characters, the limit is {limit}")
        self.length = length
        self.limit = limit


class Service:
    """Checks documents for the routers of one application.

    Raises LexiconError or ConfigError when made from lexicons or a configuration that cannot be
    used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="huashu-check")
        self._changing = Lock()
        self.checker = self._make()

    def _make(self) -> Checker:
        settings = self.settings
        config = load_config(settings.config) if settings.config else Config()
        try:
            checker = Checker(settings.industry, settings.channel, config, lexicons=settings.lexicons)
        except ValueError as error:
            key = "industry" if isinstance(error, UnknownIndustryError) else "channel"
            raise ConfigError([Problem("server settings", 1, key, str(error))]) from None
        checker.check("预热")
        return checker

    async def check(self, document: Document) -> Report:
        """The report of a document.

        Raises UnknownIndustryError, TextTooLongError, or TimeoutError when it takes longer than the settings allow; the
        time spent waiting for other checks counts.
        """
        if document.industry:  # said by the caller: a mistake must not go unseen
            industry_id(document.industry, self.checker.own_industries(document.industry))
        if len(document.text) > self.settings.max_text:
            raise TextTooLongError(len(document.text), self.settings.max_text)
        running = asyncio.get_running_loop().run_in_executor(self._pool, self.checker.check, document)
        try:
            return await asyncio.wait_for(running, self.settings.timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(f"the check took longer than {self.settings.timeout:g} s") from None

    def knows(self, key: str | None) -> bool:
        """True when an API key is one of the settings', or the settings have none."""
        keys = self.settings.api_keys
        given = (key or "").encode()
        return not keys or any(hmac.compare_digest(known.encode(), given) for known in keys)

    def change_allowed(self, phrase: str, *, add: bool) -> bool:
        """Add a phrase to the allow list of the configuration file, or take it out.

        False when nothing had to change. Raises ConfigError when there is no file or it cannot be
        changed; then nothing is.
        """
        path = self.settings.config
        if path is None:
            what = "the server was started without a huashu.yaml to keep the allow list in; use --config"
            raise ConfigError([Problem("server settings", 1, "config", what)])
        with self._changing:
            changed = edit_list(path, "allow", phrase, add=add)
            if changed:
                self.checker = self._make()
        return changed

    def close(self) -> None:
        """Start no more checks."""
        self._pool.shutdown(wait=False, cancel_futures=True)
