"""Rules prove themselves: every example of every rule and exemption is run.

``huashu lint-lexicons`` and the test suite use the same functions, one case per example line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from checker.dialogue import Dialogues
from checker.document import CHANNELS, Document
from checker.engine import Engine
from checker.lexicon import Exemption, Lexicon, Rule
from checker.rewrite import Rewriter, apply_rewrites
from checker.scene import Scene, Setting
from checker.types import Finding, Rewrite, Span, State


@dataclass(frozen=True)
class Case:
    """One example line; ``id`` is the test id, such as ``absolute/best flags 1``."""

    id: str
    owner: Rule | Exemption
    kind: str
    text: str
    spans: frozenset[Span]
    example: Mapping[str, Any]

    @property
    def owner_is_duty(self) -> bool:
        """True when the rule looks for something that was not said."""
        return isinstance(self.owner, Rule) and self.owner.missing is not None

    @property
    def place(self) -> str:
        """File and line of the rule."""
        return f"{self.owner.file}:{self.owner.line}"


def unmark(marked: str) -> tuple[str, frozenset[Span]]:
    """The text without ``[[ ]]`` and the spans that were marked.

    >>> unmark("我们[[最好]]")
    ('我们最好', frozenset({Span(start=2, end=4)}))
    """
    spans: set[Span] = set()
    parts: list[str] = []
    length = 0
    for piece in re.split(r"(\[\[.*?\]\])", marked):
        words = piece[2:-2] if piece.startswith("[[") else piece
        if piece.startswith("[["):
            spans.add(Span(length, length + len(words)))
        parts.append(words)
        length += len(words)
    return "".join(parts), frozenset(spans)


def cases(lexicon: Lexicon) -> Iterator[Case]:
    """Every example of a lexicon, in file order."""
    owners: list[Rule | Exemption] = [*lexicon.rules, *lexicon.exemptions]
    for owner in owners:
        counts: dict[str, int] = {}
        for example in owner.examples:
            kind = next(k for k in ("flags", "passes", "excused", "known_miss") if k in example)
            counts[kind] = counts.get(kind, 0) + 1
            text, spans = unmark(example[kind])
            yield Case(f"{owner.id} {kind} {counts[kind]}", owner, kind, text, spans, example)


class ExampleRunner:
    """Runs cases with one engine."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._engine = Engine(lexicon)
        self._dialogues = Dialogues(lexicon)
        self._rewriter = Rewriter(self._engine)

    def failure(self, case: Case) -> str | None:
        """What went wrong, or None. A ``known_miss`` fails when the rule finds something."""
        outcomes = self._outcomes(case)
        if isinstance(case.owner, Rule):
            mine = [finding for finding in outcomes if finding.rule_id == case.owner.id]
        else:
            mine = outcomes
        found = {f.span for f in mine if f.state is not State.EXCUSED}
        excused = {f.span for f in mine if f.state is State.EXCUSED and self._by(f, case)}
        # Where a model's span begins and ends moves with its training; that it is there does not.
        if case.kind == "flags" and (isinstance(case.owner, Exemption) or case.owner.kind == "model"):
            missing = [s for s in case.spans if not any(s.overlaps(other) for other in found)]
            return self._tell(case, "no rule finds", missing) if missing else None
        if case.kind == "flags":
            if found != case.spans:
                return self._tell(case, f"expected {self._show(case, case.spans)}, found", found)
            return self._becomes(case, mine)
        if case.kind == "excused":
            lost = [s for s in case.spans if not any(s.overlaps(other) for other in excused)]
            if lost:
                names = {f.excused_by for f in outcomes if f.excused_by} or "nothing"
                return self._tell(case, f"not excused (excused by {names}):", lost)
            # The model is silent where a candidate is excused; that is settled after these outcomes.
            told = {f.span for f in mine if f.state is not State.EXCUSED and f.explanation.source != "model"}
            clash = {s for s in told if any(s.overlaps(other) for other in case.spans)}
            return self._tell(case, "still found", clash) if clash else None
        if case.kind == "passes":
            return self._tell(case, "found", found) if found else None
        return self._tell(case, "now found, turn it into flags:", found) if found else None

    def _by(self, finding: Finding, case: Case) -> bool:
        wanted = case.example.get("by")
        if wanted is None and isinstance(case.owner, Exemption):
            wanted = case.owner.id
        return wanted is None or finding.excused_by == wanted

    def _setting(self, case: Case) -> Setting:
        industry = case.example.get("industry")
        if industry is None and isinstance(case.owner, Rule) and case.owner.industries:
            industry = min(case.owner.industries)
        channel = case.example.get("channel")
        if channel is None and isinstance(case.owner, Rule) and case.owner.channels:
            channel = min(case.owner.channels, key=CHANNELS.index)
        return Setting(industry, True, channel or CHANNELS[0])

    def _outcomes(self, case: Case) -> list[Finding]:
        document = Document.from_text(case.text)
        seconds = case.example.get("seconds")
        if seconds:
            turns = tuple(replace(turn, begin=begin) for turn, begin in zip(document.turns, seconds))
            document = document.with_fields(turns=turns)
        scene = Scene([document])
        setting = self._setting(case)
        (of_dialogue,) = self._dialogues.findings(scene, [setting])
        return [*self._engine.outcomes(scene, [setting])[0], *of_dialogue]

    def _becomes(self, case: Case, mine: list[Finding]) -> str | None:
        wanted = case.example.get("becomes")
        if wanted is None:
            return None
        document, setting = Document.from_text(case.text), self._setting(case)
        chosen: list[Rewrite] = []
        for finding in self._rewriter.attach([document], [setting], [mine])[0]:
            chosen += finding.rewrites[:1]
        result = apply_rewrites(case.text, chosen)
        return (
            None if result == wanted else f"{case.place}: {case.id}: becomes {result!r}, expected {wanted!r}"
        )

    def _show(self, case: Case, spans: Any) -> str:
        return "、".join(f"{case.text[s.start : s.end]!r} at {s.start}" for s in sorted(spans)) or "nothing"

    def _tell(self, case: Case, what: str, spans: Any) -> str:
        return f"{case.place}: {case.id}: {what} {self._show(case, spans)}\n  text: {case.text}"
