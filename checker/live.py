"""A running call, checked turn by turn while it goes on.

A recogniser sends words of the turn that is being spoken (``partial``), which it may correct, and then the
turn as it stands (``final``). :class:`LiveCall` answers every update with what has changed: findings
that appeared, findings that a corrected partial took back, and what the customer just did. Duties are
judged by their time: one is reported in the turn where its time runs out, not before, and those that
only the end of a call decides come with :meth:`LiveCall.end`. A server streams
:meth:`Update.to_dict`; a call is used by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checker.document import Document
from checker.personal import masked_report
from checker.pipeline import Checker
from checker.types import Finding, Report, Verdict

#: Words with how sure the recogniser was, from 0 to 1.
Words = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Update:
    """What an update of the call changed.

    ``added`` and ``removed`` are findings; ``provisional`` says that they rest on a partial turn.
    ``customer`` are the acts of the customer in this turn (``acts.yaml``), ``advice`` what to say next.
    """

    turn: int
    provisional: bool
    added: tuple[Finding, ...]
    removed: tuple[Finding, ...]
    customer: tuple[str, ...]
    advice: str
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """JSON for a stream; findings have the shape of the report's."""

        def plain(finding: Finding) -> dict[str, Any]:
            return {
                "rule": finding.rule_id,
                "category": finding.category,
                "level": str(finding.level),
                "turn": finding.turn,
                "start": finding.span.start,
                "end": finding.span.end,
                "text": finding.matched,
                "message": finding.message,
                "basis": [basis.cite for basis in finding.basis],
                "rewrites": [rewrite.to_dict() for rewrite in finding.rewrites],
                "fingerprint": finding.fingerprint,
            }

        return {
            "turn": self.turn,
            "provisional": self.provisional,
            "added": list(map(plain, self.added)),
            "removed": [{"rule": f.rule_id, "fingerprint": f.fingerprint} for f in self.removed],
            "customer": list(self.customer),
            "advice": self.advice,
            "verdict": str(self.verdict),
        }


@dataclass
class _Spoken:
    speaker: str
    text: str
    begin: float | None
    end: float | None
    words: Words
    final: bool


@dataclass
class LiveCall:
    """One running call. ``fields`` are those of :class:`Document` (industry, channel, metadata)."""

    checker: Checker
    fields: Mapping[str, Any] = field(default_factory=dict)
    show_personal_data: bool = False
    _turns: list[_Spoken] = field(default_factory=list)
    _known: dict[str, Finding] = field(default_factory=dict)
    _ended: bool = False

    def partial(self, speaker: str, text: str, *, begin: float | None = None, words: Words = ()) -> Update:
        """The turn being spoken, as far as it is known; replaces the partial before it.

        ``words`` are pairs (word, confidence from 0 to 1) where the recogniser gives them.
        """
        return self._hear(_Spoken(speaker, text, begin, None, words, final=False))

    def final(
        self,
        speaker: str,
        text: str,
        *,
        begin: float | None = None,
        end: float | None = None,
        words: Words = (),
    ) -> Update:
        """The turn as it stands; replaces its partials."""
        return self._hear(_Spoken(speaker, text, begin, end, words, final=True))

    def end(self) -> Update:
        """The call is over: duties that were still open are judged, a partial left over counts."""
        self._ended = True
        return self._update()

    @property
    def document(self) -> Document:
        """The call as heard so far."""
        return Document.from_turns(map(vars, self._turns), **self.fields)

    def report(self) -> Report:
        """The report of the call as heard so far."""
        return self._show(self.checker.check(self.document, ended=self._ended))

    def _show(self, report: Report) -> Report:
        return report if self.show_personal_data else masked_report(report)

    def _hear(self, spoken: _Spoken) -> Update:
        """Raises ValueError after the end of the call."""
        if self._ended:
            raise ValueError("the call has ended; begin another LiveCall")
        # Both sides may speak at once: a partial is replaced by its own speaker only.
        open_ones = [n for n, t in enumerate(self._turns) if not t.final and t.speaker == spoken.speaker]
        if open_ones:
            at = open_ones[-1]
            if spoken.begin is None:
                spoken.begin = self._turns[at].begin
            self._turns[at] = spoken
        else:
            self._turns.append(spoken)
        return self._update()

    def _update(self) -> Update:
        document = self.document
        report = self._show(self.checker.check(document, ended=self._ended))
        now = {f"{finding.fingerprint}/{finding.turn}": finding for finding in report.findings}
        added = tuple(finding for key, finding in now.items() if key not in self._known)
        removed = tuple(finding for key, finding in self._known.items() if key not in now)
        self._known = now
        last = self._turns[-1] if self._turns else None
        known = self.checker.lexicon.acts
        acts: tuple[str, ...] = ()
        if last is not None and document.turns[-1].speaker == "customer":
            before = self._turns[-2] if len(self._turns) > 1 else None
            asked = before.text if before and document.turns[-2].speaker == "agent" else None
            acts = self.checker.dialogues.customer_acts(last.text, asked)
        advice = next((act.advice for act in known.customer if act.id in acts and act.advice), "")
        provisional = bool(last and not last.final and not self._ended)
        return Update(len(self._turns) - 1, provisional, added, removed, acts, advice, report.verdict)
