"""From a document and a lexicon to findings: scan, judge, resolve.

The scan wakes rules in sentences; a woken sentence is judged once, whatever the number of times
it occurs, unless a condition looks beyond it. Candidates of all views meet in the original text,
where the most certain view and the longest, most serious rule win an overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property, partial

import numpy as np

from checker.classifier import Classifier, Floats, default_classifier
from checker.disguise import Disguises
from checker.exemptions import Condition, Context, Exemptions
from checker.lexicon import MARK, Cues, Lexicon, Rule
from checker.matching import BEFORE, Scanner, Tokenizer, Woken, cuts_words, either, regex
from checker.normalize import CLAUSE_ENDS, READINGS, View, select
from checker.outcomes import Candidate, Hit, Maker, Outcome, settle, settled
from checker.reasons import Reasons
from checker.scene import EVERYWHERE, Scene, Setting
from checker.types import Finding, Level

_CACHE_SIZE = 20_000
#: To leave out no more sentences than this takes longer than to look at them again.
_FEW_KNOWN = 4
#: A model's span with fewer characters says nothing to a reader.
_SHORTEST_DOUBT = 4
_MARK = MARK.encode()
_Held = dict[tuple[Condition, bytes], bool]


class Engine:
    """Judges documents with one lexicon and one model. Safe to share between threads that only check.

    Without a ``classifier`` ours is loaded when the lexicon has rules of kind ``model``.
    """

    def __init__(self, lexicon: Lexicon, classifier: Classifier | None = None) -> None:
        self.lexicon = lexicon
        self._classifier = classifier
        self._model_rules = {rule.category: rule for rule in lexicon.rules if rule.kind == "model"}
        self.scanner = Scanner(lexicon)
        self.exemptions = Exemptions(lexicon)
        self._activity: dict[tuple[str | None, str, bool], frozenset[str]] = {}
        reasons = Reasons(lexicon, self.exemptions, lambda sentence: self.tokenizer.spans(sentence))
        self._maker = Maker(lexicon, reasons)
        #: Hits by sentence: where no customer speaks, and in dialogues.
        self._known: tuple[dict[str, tuple[Hit, ...]], dict[str, tuple[Hit, ...]]] = ({}, {})

    @cached_property
    def classifier(self) -> Classifier | None:
        """The model, None when no rule asks for it."""
        return (self._classifier or default_classifier()) if self._model_rules else None

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Built when the first sentence wakes."""
        return Tokenizer(word for word in (*self.scanner.words, *self.lexicon.names) if len(word) <= 6)

    @cached_property
    def disguises(self) -> Disguises:
        """What the rules look for, in its disguises."""
        return Disguises(self.scanner, lambda text: self.tokenizer.spans(text))

    def hits(self, scene: Scene, settings: Sequence[Setting]) -> list[tuple[int, Hit, Candidate]]:
        """(sentence of the plain view, hit, candidate) of every match in the sellers' words.

        A sentence that was met before costs one look-up, whatever its document: all rules are
        tried on it once, and those that do not hold in an industry or channel are left out here.
        """
        active = [
            self._active(setting.industry, setting.channel, scene.has_customer(part))
            for part, setting in enumerate(settings)
        ]
        numbers = scene.spoken
        sentences = [scene.sentences[number] for number in numbers]
        dialogue = any(scene.has_customer(part) for part in range(len(settings)))
        known = self._known[dialogue]
        # Another thread may clear what is remembered at any time: look everything up once.
        recalled = {sentence: known.get(sentence) for sentence in sentences}
        unknown = {
            sentence: number for number, sentence in zip(numbers, sentences) if recalled[sentence] is None
        }
        if unknown:
            learned = self._learn(scene, unknown, dialogue=dialogue)
            recalled.update(learned)
            if len(known) + len(learned) > _CACHE_SIZE:
                known.clear()
            known.update(learned)
        out: list[tuple[int, Hit, Candidate]] = []
        held: _Held = {}
        around = _Around(self.exemptions, scene)
        for number, sentence in zip(numbers, sentences):
            judge: _SentenceJudge | None = None
            for hit in recalled[sentence] or ():
                if hit.rule.id not in active[scene.part(number)]:
                    continue
                candidate = hit.candidate
                if candidate is None or (candidate.unseen and around.any_holds(candidate.unseen, number)):
                    if judge is None or judge.sentence != hit.text:
                        judge = _SentenceJudge(self, hit.text, held, scene, number)
                    candidate = judge.weigh(hit.rule, *hit.place, hit.fired)
                if candidate is not None:
                    out.append((number, hit, candidate))
        return out

    def _learn(
        self, scene: Scene, unknown: Mapping[str, int], *, dialogue: bool
    ) -> dict[str, tuple[Hit, ...]]:
        """The hits of sentences not met before; ``unknown`` gives a place of each.

        Without ``dialogue`` the rules about what follows a customer's words are left out.
        """
        plain = scene.plain
        found: dict[int, list[Hit]] = {}
        chosen = np.array(sorted(unknown.values()), dtype=np.int32)
        known = len(plain.starts) - len(chosen)
        base = plain if known <= _FEW_KNOWN else select(plain, chosen, "plain")
        view = self.disguises.read(base)
        held: _Held = {}
        for number, woken in self.scanner.scan(view, dialogue=dialogue):
            place = _Place(scene, view, number)
            judge = _SentenceJudge(self, place.text, held)
            for rule, first, last, fired, candidate in judge.run(woken, place.differs):
                start, end = place.covered(first, last)
                left, right = place.plain(start, end)
                read_as = place.text[start:end]
                hit = Hit(
                    rule, place.reading, left, right, read_as, fired, place.text, (first, last), candidate
                )
                found.setdefault(place.number, []).append(hit)
        if self.classifier is not None and len(base.starts):
            scores = self.classifier.scores(base.codes, base.starts, base.ends)
            self._weigh_claims(self.classifier, found, base, scores)
            for number, hit in self._doubts(self.classifier, scene, base, scores, found):
                found.setdefault(number, []).append(hit)
        return {sentence: tuple(found.get(number, ())) for sentence, number in unknown.items()}

    @staticmethod
    def _weigh_claims(model: Classifier, found: Mapping[int, list[Hit]], base: View, scores: Floats) -> None:
        """Put beside every hit of a rule that can be lowered what the model makes of its context.

        Rules of a user's folder are not: what they look for the model has never seen. ``scores`` are the model's of the sentences of ``base``.
        """
        weighed = [
            (number, hits, position)
            for number, hits in found.items()
            for position, hit in enumerate(hits)
            if hit.view == "plain"
            and hit.rule.is_ours
            and not hit.rule.strict
            and hit.rule.level is not Level.HINT
        ]
        if not weighed:
            return
        rows = base.sentences.searchsorted([number for number, _, _ in weighed])
        places = [(hits[n].text, hits[n].start, hits[n].end) for _, hits, n in weighed]
        claims = model.claims(places, scores.take(rows)).tolist()
        copies = model.reads_like_copy(base.codes, base.starts.take(rows), base.ends.take(rows)).tolist()
        for (_, hits, position), claim, is_copy in zip(weighed, claims, copies):
            hits[position] = hits[position].weighed(claim, not is_copy)

    def _doubts(
        self,
        model: Classifier,
        scene: Scene,
        base: View,
        scores: Floats,
        found: Mapping[int, Sequence[Hit]],
    ) -> Iterator[tuple[int, Hit]]:
        """(sentence of the plain view, hit) of every sentence the model objects to.

        Sentences in which a rule has spoken wherever they occur are left out.
        """
        spoken = [
            number for number, hits in found.items() if any(hit.speaks(model.innocent_below) for hit in hits)
        ]
        wanted = np.ones(len(scene.plain.starts), dtype=np.bool_)
        wanted[spoken] = False
        wanted = wanted.take(base.sentences)
        opinions = model.opinions(base.codes, base.starts, base.ends, wanted, scores)
        for number, opinion in opinions.items():
            rule = self._model_rules.get(opinion.category)
            if rule is None:
                continue
            place = int(base.sentences[number])
            text = scene.sentence(place)
            judge = _SentenceJudge(self, text, {})
            start, end = _readable(text, opinion.start, opinion.end, judge.tokens)
            fired = "、".join(words for words, _ in opinion.evidence)
            try:
                candidate = judge.weigh(rule, start, end, fired)
            except _NeedsContextError:
                candidate = None
            else:
                if candidate is None:
                    continue
            yield (
                place,
                Hit(
                    rule, "plain", start, end, text[start:end], fired, text, (start, end), candidate, opinion
                ),
            )

    def _active(self, industry: str | None, channel: str, dialogue: bool) -> frozenset[str]:
        """The ids of the rules that hold in an industry and channel; in ``EVERYWHERE`` all of them.

        Rules about what follows a customer's words are left out where no customer speaks.
        """
        key = (industry, channel, dialogue)
        if key not in self._activity:
            self._activity[key] = frozenset(
                rule.id
                for rule in self.scanner.rules
                if (industry == EVERYWHERE or not rule.industries or industry in rule.industries)
                and (industry == EVERYWHERE or not rule.channels or channel in rule.channels)
                and (dialogue or not any(cues.within in BEFORE for cues in rule.near))
            )
        return self._activity[key]

    def findings(
        self,
        scene: Scene,
        settings: Sequence[Setting],
        extra: Sequence[Sequence[Finding]] = (),
    ) -> list[tuple[tuple[Finding, ...], tuple[Finding, ...]]]:
        """For each document (findings, excused), each sorted by (span.start, rule_id).

        ``extra`` are findings made elsewhere (duties), by document; they take part in no overlap.
        """
        made = self._outcomes(scene, settings)
        return [
            settle(outcomes, extra[part] if extra else (), scene.documents[part])
            for part, outcomes in enumerate(made)
        ]

    def rules(
        self, scene: Scene, settings: Sequence[Setting], extra: Sequence[Sequence[Finding]]
    ) -> list[Counter[str]]:
        """For each document the ids, with counts, of the rules whose findings :meth:`findings` gives."""
        return [settled(*both) for both in zip(self._outcomes(scene, settings), extra)]

    def outcomes(self, scene: Scene, settings: Sequence[Setting]) -> list[list[Finding]]:
        """By document, every candidate with its outcome, before overlaps are resolved.

        The fingerprint fields are empty: findings are numbered at the end.
        """
        return [[outcome.finding() for outcome in made] for made in self._outcomes(scene, settings)]

    def _outcomes(self, scene: Scene, settings: Sequence[Setting]) -> list[list[Outcome]]:
        hits = self.hits(scene, settings)
        innocent_below = self.classifier.innocent_below if self.classifier else 0.0
        return self._maker.outcomes(scene, settings, hits, innocent_below)

    def forget(self) -> None:
        """Drop what is remembered of sentences."""
        for known in self._known:
            known.clear()


class _NeedsContextError(Exception):
    """A condition of a rule looks beyond the sentence."""


class _Around:
    """What holds in the turns and documents around the sentences of a scene; each thing is looked up once."""

    def __init__(self, exemptions: Exemptions, scene: Scene) -> None:
        self._exemptions = exemptions
        self._scene = scene
        #: By turn: whether any condition may hold, and by the identity of conditions whether one of them does.
        self._stirs: dict[int, bool] = {}
        self._held: dict[tuple[int, int], bool] = {}

    def any_holds(self, conditions: tuple[Condition, ...], number: int) -> bool:
        """Whether one of the conditions that look beyond a sentence holds of this one."""
        turn = self._scene.turn_number(number)
        key = id(conditions), turn
        holds = self._held.get(key)
        if holds is None:
            beyond = partial(self._scene.beyond, number)
            if turn not in self._stirs:
                self._stirs[turn] = self._exemptions.stirs(beyond)
            holds = self._held[key] = any(
                (condition.is_negated or self._stirs[turn]) and condition.holds_beyond(beyond)
                for condition in conditions
            )
        return holds


class _Place:
    """A sentence of a view, and where its characters stand in the sentence of the plain view."""

    def __init__(self, scene: Scene, view: View, number: int) -> None:
        self._view = view
        self.reading = READINGS[view.readings[number]]
        self._start = int(view.starts[number])
        self.text = view.text[self._start : int(view.ends[number])]
        self.number = int(view.sentences[number])
        self._index = scene.plain.index
        self._origin = int(scene.plain.starts[self.number])
        self._sentence = scene.sentence(self.number)
        self._places: tuple[list[int], list[int]] | None = None

    def plain(self, first: int, last: int) -> tuple[int, int]:
        """(start, end) in the sentence of the plain view."""
        if self.reading == "plain":
            return first, last
        if self._places is None:
            here = slice(self._start, self._start + len(self.text))
            starts = self._index.searchsorted(self._view.index[here])
            stops = self._index.searchsorted(self._view.lasts[here], side="right")
            self._places = ((starts - self._origin).tolist(), (stops - self._origin).tolist())
        return self._places[0][first], self._places[1][max(last - 1, first)]

    def differs(self, first: int, last: int) -> bool:
        """False when nothing was undone here or right beside it, so that the plain view has judged it."""
        return (
            self.reading == "plain" or self._undone(first, last) or self.covered(first, last) != (first, last)
        )

    def covered(self, first: int, last: int) -> tuple[int, int]:
        """What is found by a match: with the letters read right beside it where it holds none (zg第一)."""
        if self.reading == "plain" or self._undone(first, last):
            return first, last
        while first and self._spelt(first - 1):
            first -= 1
        while last < len(self.text) and self._spelt(last):
            last += 1
        return first, last

    def _undone(self, first: int, last: int) -> bool:
        left, right = self.plain(first, last)
        return self._sentence[left:right] != self.text[first:last]

    def _spelt(self, place: int) -> bool:
        """True of a character that was read from Latin letters."""
        left, _ = self.plain(place, place + 1)
        written = self._sentence[left]
        return written != self.text[place] and written.isascii() and written.isalpha()


class _SentenceJudge:
    """Judges the rules that woke in one sentence of one view.

    Without a scene every condition that looks beyond the sentence is left for later: those of exemptions
    are told by the candidate, those of rules by :class:`_NeedsContextError`. ``held`` is shared by the sentences that are judged together.
    """

    def __init__(
        self, engine: Engine, sentence: str, held: _Held, scene: Scene | None = None, number: int = 0
    ) -> None:
        self.engine = engine
        self.scene = scene
        self.sentence = sentence
        self.number = number
        self._tokens: list[tuple[int, int]] | None = None
        self._excuses: list[int] | None = None
        self._held = held
        self._beyond = None if scene is None else partial(scene.beyond, number)

    # functools.cached_property takes a lock, which costs more than these do.
    @property
    def tokens(self) -> list[tuple[int, int]]:
        if self._tokens is None:
            self._tokens = self.engine.tokenizer.spans(self.sentence)
        return self._tokens

    @property
    def excuses(self) -> list[int]:
        if self._excuses is None:
            self._excuses = self.engine.exemptions.possible(self.sentence)
        return self._excuses

    def run(
        self, woken: Woken, differs: Callable[[int, int], bool]
    ) -> Iterator[tuple[Rule, int, int, str, Candidate | None]]:
        """(rule, start, end, what fired, candidate) of every match.

        The candidate is None where it takes more than the sentence to judge, and for the rules of
        an industry, which are judged where the industry is met. Matches of which
        ``differs`` is false are left out: another view has judged them.
        """
        rules = self.engine.scanner.rules
        by_rule: dict[int, list[tuple[int, int, str]]] = {}
        for number, start, end, term in woken.terms:
            if rules[number].boundary == "token" and cuts_words(self.tokens, start, end):
                continue
            if not _latin_boundary(self.sentence, start, end):
                continue
            by_rule.setdefault(number, []).append((start, end, term))
        for number, start, end, pattern in woken.matches:
            by_rule.setdefault(number, []).append((start, end, pattern))
        for number in woken.tokens:
            from checker.tokens import token_hits

            for start, end in token_hits(rules[number], self.sentence, self.tokens):
                by_rule.setdefault(number, []).append((start, end, "tokens"))
        for number in sorted(by_rule):
            rule, hits = rules[number], by_rule[number]
            for start, end, what in _longest(hits) if len(hits) > 1 else hits:
                if woken.allowed and any(a <= start and end <= b for a, b in woken.allowed):
                    continue
                if not differs(start, end):
                    continue
                if rule.industries:  # most sentences are never met in its industry
                    yield rule, start, end, what, None
                    continue
                try:
                    candidate = self.weigh(rule, start, end, what)
                except _NeedsContextError:
                    yield rule, start, end, what, None
                    continue
                if candidate is not None:
                    yield rule, start, end, what, candidate

    def weigh(self, rule: Rule, start: int, end: int, fired: str) -> Candidate | None:
        """The candidate, or None when a condition of its rule does not hold."""
        context = Context(self.sentence, start, end, self._token_spans, self._beyond, self._held)
        if rule.unless and _excepted(rule.unless, context):
            return None
        if rule.near and not all(self._near(cues, context) for cues in rule.near):
            return None
        if rule.without and any(self._near(cues, context) for cues in rule.without):
            return None
        attempts = self.engine.exemptions.attempts(rule, context, self.excuses)
        excused = bool(attempts) and attempts[-1].excused
        return Candidate(rule, start, end, fired, attempts, excused, context.unseen)

    def _token_spans(self) -> list[tuple[int, int]]:
        return self.tokens

    def _scene(self) -> Scene:
        if self.scene is None:
            raise _NeedsContextError
        return self.scene

    def _near(self, cues: Cues, context: Context) -> bool:
        if cues.within == "clause":
            return either(cues.patterns).found(context.part("clause"))
        if cues.within == "sentence":
            return either(cues.patterns).found(context.part("sentence"))
        return self._scene().holds(cues, self.number)


def _readable(text: str, start: int, end: int, tokens: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The span widened to whole words, or to the whole clause when little of it is missing."""
    for first, last in tokens:
        if first < start < last:
            start = first
        if first < end < last:
            end = last
    left = max(text.rfind(mark, 0, start) for mark in CLAUSE_ENDS) + 1
    right = min((place for mark in CLAUSE_ENDS if (place := text.find(mark, end)) >= 0), default=len(text))
    if end - start < _SHORTEST_DOUBT or 2 * (end - start) > right - left:
        start, end = left, right
    inner = text[start:end].strip(CLAUSE_ENDS + " ")
    start = text.index(inner, start)
    return start, start + len(inner)


def _excepted(patterns: tuple[str, ...], context: Context) -> bool:
    """True when the candidate lies inside a match of one of the ``unless`` patterns."""
    # Nearly always none of them matches anywhere: one look at the sentence tells, and one around the candidate.
    inside, around = _by_place(patterns)
    if inside and either(inside).found(sentence := context.part("sentence")):
        for pattern in inside:
            spans = regex(pattern).spans(sentence, 0)
            if any(start <= context.start and context.end <= end for start, end in spans):
                return True
    if around and either(around).found(marked := context.part("around")):
        return any(_MARK in piece for pattern in around for piece in regex(pattern).pieces(marked))
    return False


@cache
def _by_place(patterns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The patterns that look at the words themselves, and those that look at what is around the candidate."""
    return tuple(p for p in patterns if MARK not in p), tuple(p for p in patterns if MARK in p)


def _latin_boundary(sentence: str, start: int, end: int) -> bool:
    """A term that begins or ends with a Latin letter or digit may not go on with one."""
    first, last = sentence[start], sentence[end - 1]
    if first.isascii() and first.isalnum() and start and _same_script(sentence[start - 1], first):
        return False
    beyond = sentence[end] if end < len(sentence) else ""
    return not (last.isascii() and last.isalnum() and beyond and _same_script(beyond, last))


def _same_script(one: str, other: str) -> bool:
    return one.isascii() and ((one.isalpha() and other.isalpha()) or (one.isdigit() and other.isdigit()))


def _longest(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Of the overlapping matches of one rule, the longest; ties go to the first."""
    kept: list[tuple[int, int, str]] = []
    for start, end, fired in sorted(spans, key=lambda item: (item[0] - item[1], item[0])):
        if all(end <= a or b <= start for a, b, _ in kept):
            kept.append((start, end, fired))
    return sorted(kept)
