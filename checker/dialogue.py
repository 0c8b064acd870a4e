"""Everything that is found in the course of a dialogue and not by the scan of sentences."""

from __future__ import annotations

from collections.abc import Sequence

from checker.document import Document
from checker.duties import Duties
from checker.lexicon import Lexicon
from checker.readout import read_out
from checker.refusals import Exchange, Refusals
from checker.said import MOST, Call, Memory, Said
from checker.scene import Scene, Setting
from checker.types import Finding


class Dialogues:
    """Judges dialogues with one lexicon. Safe to share between threads that only check.

    What a turn holds is remembered by its words: turns that were met before cost next to nothing.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._memory = Memory()
        self._duties = Duties(lexicon, self._memory)
        self._refusals = Refusals(lexicon, self._memory)
        self._as_written: dict[str, Said] = {}

    def findings(
        self, scene: Scene, settings: Sequence[Setting], *, ended: bool = True
    ) -> list[list[Finding]]:
        """By document: duties not fulfilled, replies that may not be, numbers read out.

        ``ended`` is false for calls that go on. Fingerprint fields wait for their numbers.
        """
        out: list[list[Finding]] = []
        calls = {
            part: Call(scene, part, self._memory)
            for part, document in enumerate(scene.documents)
            if document.turns
        }
        self._refusals.hear([call for call in calls.values() if call.has_customer])
        for part, setting in enumerate(settings):
            found: list[Finding] = []
            if call := calls.get(part):
                found += self._duties.missing(call, setting, ended=ended)
                found += self._refusals.bad_replies(call, setting)
            found += read_out(scene.documents[part], self._lexicon, setting)
            out.append(found)
        return out

    def customer_acts(self, words: str, asked: str | None = None) -> tuple[str, ...]:
        """What a customer does by a turn (names of ``acts.yaml``); ``asked`` is what the agent said just before."""
        return self._refusals.customer_acts(self._about(words), None if asked is None else self._about(asked))

    def exchanges(self, document: Document) -> list[Exchange]:
        """The exchanges of one document, for reports and tests."""
        return list(self._refusals.exchanges(Call(Scene([document]), 0, self._memory)))

    def _about(self, words: str) -> Said:
        said = self._as_written.get(words)
        if said is None:
            if len(self._as_written) >= MOST:
                self._as_written.clear()
            said = self._memory.about(Scene([Document(text=words)]).turn_text(0))
            self._as_written[words] = said
        return said

    def forget(self) -> None:
        """Drop what is remembered of turns."""
        self._memory.forget()
        self._as_written.clear()
