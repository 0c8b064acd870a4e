"""From hits to findings: what a candidate means where it stands, overlaps, and the number of each finding.

A :class:`Outcome` is a finding in the making. Only what is left when overlaps are resolved becomes
a :class:`Finding`. Every step sorts once and looks a stretch up by bisection, so that a text with
many findings takes no longer a finding than one with few.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

from checker.classifier import Opinion
from checker.document import Document, Turn
from checker.exemptions import Condition
from checker.fingerprint import fingerprint
from checker.labels import LEVEL_NAMES
from checker.lexicon import Lexicon, Rule
from checker.normalize import SHOWN_SLOT, SLOT
from checker.reasons import Reasons
from checker.scene import Scene, Setting
from checker.types import Attempt, Basis, Explanation, Finding, Level, Span, State

#: How near each view is to what is written; of two readings of the same words the nearer one wins.
VIEW_TRUST = {"plain": 1.0, "inserted": 0.95, "shape": 0.9, "sound": 0.85}
#: The category of what no other category names: inside a finding of another it says nothing more.
_GENERAL = "exaggeration"
#: Below this probability of a claim the finding of a rule that asks for review is a hint: in advertising copy, and in
#: other talk, where sellers make claims in plain words; for a rule that blocks it must be lower. In four sets that
#: nobody who works on rules had read, 54 false findings became hints by these limits and no true one.
DOUBTED, DOUBTED_IN_TALK, DOUBTED_BLOCK = 0.3, 0.2, 0.1
#: Categories whose words stand alone in the headlines of copy, where the model has nothing to go by: its own
#: limit counts there, under which hardly any true candidate stood; in talk this one.
_BARE, DOUBTED_BARE = frozenset({"absolute", "pressure", "morality"}), 0.12
#: In a sentence of no more characters than this nothing stands around the words: 限时限量.
_ALONE = 6
#: What a caller does rather than claims reads like any talk: the model's own limit counts.
_CONDUCT = frozenset({"impersonation", "disclosure", "privacy", "nuisance"})


def doubted_below(rule: Rule, is_talk: bool, innocent_below: float) -> float:
    """The probability of a claim below which the findings of a rule become hints.

    ``is_talk`` says that the sentence does not read like advertising copy, ``innocent_below`` is the
    limit the model learned for all rules, 0 without a model.
    """
    if rule.category in _CONDUCT or (rule.category in _BARE and not is_talk):
        return innocent_below
    if rule.category in _BARE:
        limit = DOUBTED_BARE
    elif rule.level is Level.BLOCK:
        limit = DOUBTED_BLOCK
    else:
        limit = DOUBTED_IN_TALK if is_talk else DOUBTED
    return max(innocent_below, limit)


class Candidate(NamedTuple):
    """One match in a sentence of a view; offsets are in that sentence.

    ``unseen`` are the conditions of exemptions that look beyond the sentence, where it was weighed
    without what is around it: it holds wherever none of them does.
    """

    rule: Rule
    start: int
    end: int
    fired: str
    attempts: tuple[Attempt, ...] = ()
    excused: bool = False
    unseen: tuple[Condition, ...] = ()


class Hit(NamedTuple):
    """What the engine remembers of a sentence: a candidate, or a match that needs its context.

    ``start`` and ``end`` are offsets in the sentence of the plain view, ``text`` the sentence as
    the view shows it. With ``candidate`` None the match at ``place`` of ``text`` is weighed anew
    wherever the sentence occurs, because a condition looks beyond the sentence or the rule holds in
    few industries. ``opinion`` is what the model said when it made the hit, ``claim`` the
    probability it gives that the words of a rule are said as a claim; ``is_talk`` says that the
    whole sentence does not read like advertising copy.
    """

    rule: Rule
    view: str
    start: int
    end: int
    read_as: str
    fired: str
    text: str
    place: tuple[int, int]
    candidate: Candidate | None
    opinion: Opinion | None = None
    claim: float | None = None
    is_talk: bool = False

    def weighed(self, claim: float, is_talk: bool) -> Hit:
        """The hit with the probability that its words are said as a claim, and whether it stands in talk."""
        return self._replace(claim=claim, is_talk=is_talk)

    def is_lowered(self, innocent_below: float) -> bool:
        """True when the model makes a hint of it, ``innocent_below`` being the limit it learned."""
        if self.claim is None or len(self.text) <= _ALONE:
            return False
        return self.claim < doubted_below(self.rule, self.is_talk, innocent_below)

    def speaks(self, innocent_below: float) -> bool:
        """True when, in any document, this is a finding that leaves nothing to say to the model."""
        if self.candidate is None or self.candidate.excused or self.candidate.unseen:
            return False
        if self.rule.industries or self.rule.channels or self.rule.level is Level.HINT:
            return False
        return not self.is_lowered(innocent_below) or self.rule.level is Level.BLOCK


class Outcome:
    """A candidate with what became of it; ``sentence`` is the plain view's.

    It holds what overlaps are resolved by. The rest of its finding is made when it is asked for:
    most outcomes are excused, lose to others, or are only counted.
    """

    __slots__ = (
        "attempts",
        "document",
        "hit",
        "level",
        "lowered_from",
        "maker",
        "notes",
        "rule",
        "sentence",
        "setting",
        "span",
        "state",
        "turn",
    )

    maker: Maker
    rule: Rule
    hit: Hit
    level: Level
    state: State
    span: Span
    document: Document
    setting: Setting
    turn: Turn | None
    attempts: tuple[Attempt, ...]
    notes: tuple[str, ...]
    #: The level it would have if the model did not take its words for an innocent use.
    lowered_from: Level | None
    sentence: str

    @property
    def is_doubt(self) -> bool:
        """True when the model made it."""
        return self.rule.kind == "model"

    def finding(self, mark: str = "") -> Finding:
        """The finding with this fingerprint."""
        rule, hit, maker = self.rule, self.hit, self.maker
        matched = self.document.text[self.span.start : self.span.end]
        scores, confidence = maker.weight(self)
        attempts = self.attempts
        if self.lowered_from is not None:
            attempts += (_innocent_use(hit, self.lowered_from),)
        read_as, fired = (_shown(words, hit.view, matched) for words in (hit.read_as, hit.fired))
        # The words that a pattern found say more to a reader than its text, which the lexicon has.
        pattern = f"{rule.id}#{rule.patterns.index(hit.fired) + 1}" if hit.fired in rule.patterns else ""
        return Finding(
            rule.id,
            rule.category,
            self.level,
            self.state,
            self.span,
            matched,
            self.turn.index if self.turn is not None else None,
            rule.message.replace("{matched}", matched),
            rule.why,
            maker.basis(rule, self.setting),
            Explanation(
                rule.kind,
                read_as if pattern else fired,
                hit.view,
                read_as if read_as != matched else "",
                maker.reasons.later(rule, hit.text, hit.place, attempts),
                self.notes,
                scores,
                pattern,
            ),
            confidence,
            mark,
            (),
            rule.evidence,
        )


def _shown(words: str, view: str, matched: str) -> str:
    """Words of a view as a reader may see them: a slot stands there as one character of no script."""
    if SLOT not in words:
        return words
    return matched if view == "plain" else words.replace(SLOT, SHOWN_SLOT)


class Maker:
    """Makes the outcomes of hits, with what a lexicon says of their rules."""

    def __init__(self, lexicon: Lexicon, reasons: Reasons) -> None:
        self._lexicon = lexicon
        self.reasons = reasons
        self._bases: dict[tuple[str, str, str | None], tuple[Basis, ...]] = {}
        self._confidences: dict[tuple[str, str], float] = {}

    def outcomes(
        self,
        scene: Scene,
        settings: Sequence[Setting],
        hits: Sequence[tuple[int, Hit, Candidate]],
        innocent_below: float,
    ) -> list[list[Outcome]]:
        """By document, every candidate with its outcome, before overlaps are resolved.

        A claim that the model thinks less probable than :func:`doubted_below` weighs less.
        """
        made: list[list[Outcome]] = [[] for _ in scene.documents]
        for number, hit, candidate in hits:
            part = scene.part(number)
            made[part].append(
                self._outcome(scene, part, number, hit, candidate, settings[part], innocent_below)
            )
        return made

    def _outcome(
        self,
        scene: Scene,
        part: int,
        number: int,
        hit: Hit,
        candidate: Candidate,
        setting: Setting,
        innocent_below: float,
    ) -> Outcome:
        rule = hit.rule
        turn = scene.turn(number)
        level = rule.level
        notes: list[str] = []
        if rule.industries and not setting.industry_given and level is Level.BLOCK:
            level = Level.REVIEW
            notes.append("行业由系统推测，未由用户指定")
        if rule.channels and not setting.channel_given and level is Level.BLOCK:
            level = Level.REVIEW
            notes.append("渠道由系统推测，未由用户指定")
        if hit.opinion is not None:
            notes.append("由模型从整句语气判断，没有命中词条")
            if not hit.opinion.sure:
                level = Level.HINT
        lowered_from = None
        if hit.is_lowered(innocent_below):
            lowered_from, level = level, Level.HINT
        if turn is not None and turn.speaker == "unknown":
            notes.append("说话人未知，按销售方判断")
        made = Outcome()
        made.maker, made.rule, made.hit = self, rule, hit
        made.level, made.state = level, State.EXCUSED if candidate.excused else rule.state
        made.span = scene.span(number, hit.start, hit.end)
        made.document, made.setting, made.turn = scene.documents[part], setting, turn
        made.attempts, made.notes, made.lowered_from = candidate.attempts, tuple(notes), lowered_from
        made.sentence = scene.sentence(number)
        return made

    def weight(self, made: Outcome) -> tuple[dict[str, float], float]:
        """(scores, confidence) of an outcome."""
        rule, hit, turn = made.rule, made.hit, made.turn
        confidence = self._confidence(rule, hit.view)
        scores: dict[str, float] = {}
        if hit.opinion is not None:
            confidence = hit.opinion.probability
            scores = {"probability": confidence} | dict(hit.opinion.evidence)
        if hit.claim is not None:
            scores["claim"] = round(hit.claim, 3)
            if made.lowered_from is not None:
                confidence *= hit.claim
        if rule.status == "preview":
            confidence *= 0.8
        if turn is not None and turn.speaker == "unknown":
            confidence *= 0.9
        return scores, round(confidence, 3)

    def basis(self, rule: Rule, setting: Setting) -> tuple[Basis, ...]:
        """The law behind a rule, for the industry and channel of a document."""
        key = rule.id, setting.channel, setting.industry
        if key not in self._bases:
            self._bases[key] = self._lexicon.basis_for(rule, setting.channel, setting.industry)
        return self._bases[key]

    def _confidence(self, rule: Rule, view: str) -> float:
        key = rule.id, view
        if key not in self._confidences:
            self._confidences[key] = self._lexicon.confidence(rule, view)
        return self._confidences[key]


def settle(
    made: Sequence[Outcome], extra: Sequence[Finding], document: Document
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """(findings, excused) of a document, each sorted by (span.start, rule_id).

    ``extra`` are findings made elsewhere (duties), whose fingerprint fields hold the words they
    are known by; they take part in no overlap.
    """
    if not made and not extra:
        return (), ()
    made = _without_doubts(made)
    kept = resolve([outcome for outcome in made if outcome.state is not State.EXCUSED])
    excused = resolve([outcome for outcome in made if outcome.state is State.EXCUSED])
    if excused and kept:
        reach = _Reach(kept)
        excused = [o for o in excused if reach.before(o.span.start + 1) < o.span.end]
    return _numbered([*kept, *extra], document), _numbered(excused, document)


def settled(made: Sequence[Outcome], extra: Sequence[Finding]) -> Counter[str]:
    """Rule ids, with counts, of what :func:`settle` finds in a document."""
    if not made and not extra:
        return Counter()
    kept = resolve([outcome for outcome in _without_doubts(made) if outcome.state is not State.EXCUSED])
    return Counter([outcome.rule.id for outcome in kept] + [finding.rule_id for finding in extra])


class _Reach:
    """How far the spans reach that begin before a place."""

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        spans = sorted(outcome.span for outcome in outcomes)
        self._starts = [span.start for span in spans]
        self._ends = list(accumulate((span.end for span in spans), max))

    def before(self, place: int) -> int:
        """The largest end of a span that begins before ``place``, -1 without one."""
        count = bisect_left(self._starts, place)
        return self._ends[count - 1] if count else -1


def _without_doubts(made: Sequence[Outcome]) -> Sequence[Outcome]:
    """The outcomes without those of the model where rules have said what there is to say.

    A rule that found something in the sentence, or one whose candidate at the same place is
    excused, is better evidence than a likeness. An excused doubt is no news.
    """
    doubts = [outcome for outcome in made if outcome.is_doubt]
    if not doubts:
        return made
    told = [outcome for outcome in made if not outcome.is_doubt]
    spoken = {
        outcome.sentence
        for outcome in told
        if outcome.state is not State.EXCUSED and outcome.level is not Level.HINT
    }
    reach = _Reach(told)
    return told + [
        doubt
        for doubt in doubts
        if doubt.state is not State.EXCUSED
        and doubt.sentence not in spoken
        and reach.before(doubt.span.end) <= doubt.span.start
    ]


def resolve(outcomes: list[Outcome]) -> list[Outcome]:
    """Overlaps resolved: higher level first, then the longer, then the more literal reading.

    An outcome that loses is dropped when the winner shares its category; the same words may break
    the law in two ways, so one of another category stays, but for exaggeration inside it.
    The rules of what is dropped are noted.
    """
    if len(outcomes) < 2:
        return outcomes
    out: list[Outcome] = []
    group: list[Outcome] = []
    end = -1
    for outcome in sorted(outcomes, key=lambda o: o.span):
        if group and outcome.span.start >= end:
            out += _resolved(group)
            group = []
        group.append(outcome)
        end = max(end, outcome.span.end) if len(group) > 1 else outcome.span.end
    return out + _resolved(group)


def _resolved(group: list[Outcome]) -> list[Outcome]:
    """What is left of outcomes that hang together by overlaps."""
    if len(group) == 1:
        return group

    def rank(outcome: Outcome) -> tuple[float, int, float, int, str]:
        hit = outcome.hit  # its length is that of what is read: what cannot be seen counts for nothing
        start = outcome.span.start
        return (-outcome.level.rank, hit.start - hit.end, -VIEW_TRUST[hit.view], start, outcome.rule.id)

    kept: list[Outcome] = []
    absorbed: dict[int, list[str]] = {}
    for outcome in sorted(group, key=rank):
        category, span = outcome.rule.category, outcome.span
        winner = next(
            (
                position
                for position, other in enumerate(kept)
                if other.span.overlaps(span)
                and (other.rule.category == category or (category == _GENERAL and other.span.covers(span)))
            ),
            None,
        )
        if winner is None:
            kept.append(outcome)
        elif outcome.rule.id != kept[winner].rule.id:
            absorbed.setdefault(winner, []).append(outcome.rule.id)
    for position, names in absorbed.items():
        kept[position].notes += ("同处还命中：" + "、".join(dict.fromkeys(names)),)
    return kept


def _numbered(made: Sequence[Outcome | Finding], document: Document) -> tuple[Finding, ...]:
    """Sorted findings; each has the fingerprint of its rule, sentence and number among equals."""
    seen: dict[tuple[str, str], int] = {}
    out = []
    for (_, name, _), one in sorted(((_order(one), one) for one in made), key=lambda pair: pair[0]):
        words = one.sentence if isinstance(one, Outcome) else one.fingerprint
        ordinal = seen[name, words] = seen.get((name, words), 0) + 1
        mark = fingerprint(name, document.path, words, ordinal)
        out.append(one.finding(mark) if isinstance(one, Outcome) else replace(one, fingerprint=mark))
    return tuple(out)


def _order(one: Outcome | Finding) -> tuple[int, str, int]:
    name = one.rule.id if isinstance(one, Outcome) else one.rule_id
    return one.span.start, name, one.span.end


def _innocent_use(hit: Hit, before: Level) -> Attempt:
    """The model's word for a candidate that it takes for an innocent use."""
    heard = "整句不像在推销，" if hit.is_talk else ""
    return Attempt(
        "model",
        "语境模型",
        False,
        f"{heard}按前后文看是违规说法的可能只有 {hit.claim:.0%}，级别由“{LEVEL_NAMES[str(before)]}”降为“{LEVEL_NAMES[str(Level.HINT)]}”",
        near=1.0,
    )
