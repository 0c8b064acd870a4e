"""The values every part of the checker exchanges: frozen, complete when made.

A :class:`Finding` points into the text the user gave, a :class:`Rewrite` is a span and a
string, a :class:`Report` is what people read. Nothing here knows how a finding is made; every
other module imports from here and this module imports from none of them.

All offsets are half-open and count code points of the original text of the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, overload

if TYPE_CHECKING:
    from checker.document import Document


class Span(NamedTuple):
    """Half-open interval of code points in the original text."""

    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        """True when the two spans share at least one code point."""
        return self.start < other.end and other.start < self.end

    def covers(self, other: Span) -> bool:
        """True when ``other`` lies inside this span."""
        return self.start <= other.start and other.end <= self.end


class Level(str, Enum):
    """How much attention a finding asks for; ordered ``hint < review < block``."""

    HINT = "hint"
    REVIEW = "review"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """0 for hint, 1 for review, 2 for block."""
        return ("hint", "review", "block").index(self.value)

    def __str__(self) -> str:
        return self.value


class State(str, Enum):
    """What became of a candidate."""

    VIOLATION = "violation"
    NEEDS_EVIDENCE = "needs-evidence"
    EXCUSED = "excused"

    def __str__(self) -> str:
        return self.value


class Verdict(str, Enum):
    """The answer for a whole document."""

    PASS = "pass"
    REVIEW = "review"
    BLOCK = "block"

    def __str__(self) -> str:
        return self.value


class Apply(str, Enum):
    """How a rewrite may be used: by itself, after a look, or only once a person fills it in."""

    SAFE = "safe"
    SUGGEST = "suggest"
    MANUAL = "manual"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Basis:
    """One legal basis of a finding, from ``lexicons/law.yaml``.

    ``applies_when`` says in Chinese in which channel the article governs the words; ``verified``
    is False where our source for the article could not be checked against the official text.
    """

    id: str
    law: str
    article: str
    applies_when: str
    strength: str
    penalty: str = ""
    verified: bool = True

    @property
    def cite(self) -> str:
        """Law and article as an officer would write it, marked when unverified.

        What is our own convention (``eng``) is no law and gets no title of one.
        """
        law = f"《{self.law}》" if self.law else ""
        if self.law and self.strength == "eng":
            law = f"{self.law}："
        return f"{law}{self.article}" + ("" if self.verified else "（条号待核）")

    def to_dict(self) -> dict[str, Any]:
        """JSON shape of the design."""
        return {
            "id": self.id,
            "cite": self.cite,
            "applies_when": self.applies_when,
            "strength": self.strength,
            "penalty": self.penalty,
            "verified": self.verified,
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    """One exemption that was tried on a candidate, and how it ended.

    ``near`` says how nearly it held, from 0 (nothing of it is there) to 1.
    """

    exemption: str
    name: str
    excused: bool
    reason: str
    clause: str = ""
    near: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON shape of the design."""
        return {
            "exemption": self.exemption,
            "name": self.name,
            "excused": self.excused,
            "reason": self.reason,
            "clause": self.clause,
            "near": round(self.near, 2),
        }


class Attempts(Sequence[Attempt]):
    """Attempts whose reasons are found when somebody reads them: most findings are only counted.

    ``bare`` are the attempts without reasons, ``make`` gives as many with them.
    """

    __slots__ = ("_made", "_make", "bare")

    def __init__(self, bare: Sequence[Attempt], make: Callable[[], tuple[Attempt, ...]]) -> None:
        self.bare: Sequence[Attempt] = bare.bare if isinstance(bare, Attempts) else bare
        self._make: Callable[[], tuple[Attempt, ...]] | None = make
        self._made: tuple[Attempt, ...] = ()

    def _all(self) -> tuple[Attempt, ...]:
        make = self._make
        if make is not None:
            self._made = make()
            self._make = None
        return self._made

    def __len__(self) -> int:
        return len(self.bare)

    @overload
    def __getitem__(self, place: int) -> Attempt: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Attempt, ...]: ...

    def __getitem__(self, place: int | slice) -> Attempt | tuple[Attempt, ...]:
        return self._all()[place]

    def __eq__(self, other: object) -> bool:
        return self._all() == (other._all() if isinstance(other, Attempts) else other)

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def __reduce__(self) -> tuple[type[tuple[Attempt, ...]], tuple[tuple[Attempt, ...]]]:
        return tuple, (self._all(),)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a candidate became what it is.

    ``source`` is the rule kind that fired (``terms``, ``pattern``, ``near``, ``tokens``,
    ``missing`` or ``model``), ``fired`` the term or the words that a pattern found, ``pattern``
    which pattern of the rule (``absolute/best#2``), ``view`` the reading of the text in
    which it was found (``plain``, ``inserted``, ``shape``, ``sound``) and ``read_as`` what the
    matched characters were read as when that differs from the text.
    """

    source: str
    fired: str
    view: str = "plain"
    read_as: str = ""
    exemptions: Sequence[Attempt] = ()
    notes: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    pattern: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON shape of the design."""
        return {
            "source": self.source,
            "fired": self.fired,
            "pattern": self.pattern,
            "view": self.view,
            "read_as": self.read_as,
            "exemptions": [attempt.to_dict() for attempt in self.exemptions],
            "notes": list(self.notes),
            "scores": dict(self.scores),
        }


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Replace ``span`` by ``text``; ``apply`` says who may do so.

    A ``manual`` rewrite carries in ``text`` the wording with the slots to fill, and in ``note``
    the question that only a fact can answer.
    """

    span: Span
    text: str
    apply: Apply
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON shape of the design."""
        return {
            "start": self.span.start,
            "end": self.span.end,
            "text": self.text,
            "apply": str(self.apply),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One candidate with its outcome. ``matched == document.text[span.start:span.end]``."""

    rule_id: str
    category: str
    level: Level
    state: State
    span: Span
    matched: str
    turn: int | None
    message: str
    why: str
    basis: tuple[Basis, ...]
    explanation: Explanation
    confidence: float
    fingerprint: str
    rewrites: tuple[Rewrite, ...] = ()
    evidence: str = ""

    @property
    def exemption(self) -> Attempt | None:
        """The exemption that excused this candidate, if one did."""
        return next((a for a in self.explanation.exemptions if a.excused), None)

    @property
    def excused_by(self) -> str:
        """The id of the exemption that excused this candidate, empty if none did."""
        attempts = self.explanation.exemptions
        bare = attempts.bare if isinstance(attempts, Attempts) else attempts
        return next((attempt.exemption for attempt in bare if attempt.excused), "")


@dataclass(frozen=True, slots=True)
class Suppression:
    """A finding that an inline comment or a baseline entry accepts, with the reason given."""

    finding: Finding
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Guess:
    """A label guessed from the words of a text, and the reasons.

    ``value`` is None without a clear winner; ``scores`` are the sums of weights by label, ``words``
    what spoke for the winner.
    """

    value: str | None
    scores: Mapping[str, int] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON shape: what was guessed, from which words, and how the others scored."""
        return {"value": self.value, "words": list(self.words), "scores": dict(self.scores)}


def judge(findings: Iterable[Finding]) -> Verdict:
    """The verdict, from the findings alone: the highest level decides; hints pass."""
    levels = {finding.level for finding in findings if finding.state is not State.EXCUSED}
    if Level.BLOCK in levels:
        return Verdict.BLOCK
    return Verdict.REVIEW if Level.REVIEW in levels else Verdict.PASS


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A whole text with rewrites in it.

    ``edits`` are disjoint and sorted, each a stretch of the original text and what takes its place;
    they were proven together. ``open`` are the findings that no edit cures: each needs a person,
    its manual rewrite has the question.
    """

    text: str
    edits: tuple[Rewrite, ...] = ()
    open: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Report:
    """All that was found in one document.

    ``findings`` and ``excused`` are sorted by (span.start, rule_id). ``suppressed`` holds what an
    inline comment or a baseline accepts. ``rewritten`` is computed when first read.
    """

    document: Document
    findings: tuple[Finding, ...]
    excused: tuple[Finding, ...] = ()
    suppressed: tuple[Suppression, ...] = ()
    industry: str | None = None
    industry_given: bool = False
    channel: str = "call_1to1"
    channel_given: bool = False
    industry_guess: Guess | None = None
    channel_guess: Guess | None = None
    lexicon_version: str = ""
    model_version: str = ""
    rewriter: Callable[[Report], Rewriting] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def verdict(self) -> Verdict:
        """``pass``, ``review`` or ``block``."""
        return judge(self.findings)

    @cached_property
    def rewriting(self) -> Rewriting:
        """The whole text rewritten, proven together, and what is left for a person."""
        if self.rewriter is None:
            return Rewriting(self.document.text, (), self.findings)
        return self.rewriter(self)

    @property
    def rewritten(self) -> str:
        """The text with the best rewrites that hold together; ``rewriting.open`` is what they leave."""
        return self.rewriting.text

    def to_dict(self) -> dict[str, Any]:
        """The entry of this document in the JSON of the design."""
        return {
            "path": self.document.path,
            "verdict": str(self.verdict),
            "industry": self.industry,
            "industry_given": self.industry_given,
            "channel": self.channel,
            "channel_given": self.channel_given,
            "guesses": {
                name: guess.to_dict()
                for name, guess in (("industry", self.industry_guess), ("channel", self.channel_guess))
                if guess is not None
            },
            "findings": [self._finding(f) for f in self.findings],
            "excused": [self._finding(f) for f in self.excused],
            "suppressed": [
                self._finding(s.finding) | {"suppressed_by": s.source, "reason": s.reason}
                for s in self.suppressed
            ],
            "rewritten": self.rewritten,
            "rewritten_open": [
                {
                    "rule": finding.rule_id,
                    "start": finding.span.start,
                    "end": finding.span.end,
                    "question": next((r.note for r in finding.rewrites if r.apply is Apply.MANUAL), ""),
                }
                for finding in self.rewriting.open
            ],
        }

    def _finding(self, finding: Finding) -> dict[str, Any]:
        place = self.document.locate(finding.span.start)
        end = self.document.locate(finding.span.end)
        turn = finding.turn
        return {
            "rule": finding.rule_id,
            "category": finding.category,
            "level": str(finding.level),
            "state": str(finding.state),
            "start": finding.span.start,
            "end": finding.span.end,
            "line": place.line,
            "column": place.column,
            "end_line": end.line,
            "end_column": end.column,
            "place": place.label,
            "turn": turn,
            "speaker": None if turn is None else self.document.turns[turn].speaker,
            "text": finding.matched,
            "message": finding.message,
            "why": finding.why,
            "evidence": finding.evidence,
            "basis": [basis.to_dict() for basis in finding.basis],
            "explanation": finding.explanation.to_dict(),
            "confidence": finding.confidence,
            "rewrites": [rewrite.to_dict() for rewrite in finding.rewrites],
            "fingerprint": finding.fingerprint,
        }
