"""From a document and a lexicon to findings: scan, judge, resolve.

The scan wakes rules in sentences; a woken sentence is judged once, whatever the number of times
it occurs, unless a condition looks beyond it. Candidates of all views meet in the original text,
where the most certain view and the longest, most serious rule win an overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from checker.classifier import Classifier, Opinion, default_classifier
from checker.disguise import Disguises
from checker.document import Document
from checker.exemptions import Context, Exemptions
from checker.fingerprint import fingerprint
from checker.labels import LEVEL_NAMES
from checker.lexicon import MARK, Cues, Lexicon, Rule
from checker.matching import BEFORE, Scanner, Tokenizer, Woken, cuts_words, either, found_any, regex
from checker.normalize import CLAUSE_ENDS, READINGS, View, select
from checker.scene import Scene, Setting
from checker.types import Attempt, Basis, Explanation, Finding, Level, Span, State

#: How near each view is to what is written; of two readings of the same words the nearer one wins.
VIEW_TRUST = {"plain": 1.0, "inserted": 0.95, "shape": 0.9, "sound": 0.85}
#: The category of what no other category names: inside a finding of another it says nothing more.
_GENERAL = "exaggeration"
_CACHE_SIZE = 20_000
#: A model's span with fewer characters says nothing to a reader.
_SHORTEST_DOUBT = 4
_MARK = MARK.encode()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One match in a sentence of a view; offsets are in that sentence."""

    rule: Rule
    start: int
    end: int
    fired: str
    attempts: tuple[Attempt, ...] = ()

    @property
    def excused(self) -> bool:
        """True when an exemption holds."""
        return any(attempt.excused for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class Hit:
    """What the engine remembers of a sentence: a candidate, or a match that needs its context.

    ``start`` and ``end`` are offsets in the sentence of the plain view, ``text`` the sentence as
    the view shows it. With ``candidate`` None the match at ``place`` of ``text`` is weighed anew
    wherever the sentence occurs, because a condition looks beyond the sentence or the rule holds in
    few industries. ``opinion`` is what the model said when it made the hit, ``claim`` the
    probability it gives that the words of a rule are said as a claim.
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
        self._bases: dict[tuple[str, str], tuple[Basis, ...]] = {}
        #: Hits by sentence: where no customer speaks, and in dialogues.
        self._known: tuple[dict[str, tuple[Hit, ...]], dict[str, tuple[Hit, ...]]] = ({}, {})

    @cached_property
    def classifier(self) -> Classifier | None:
        """The model, None when no rule asks for it."""
        return (self._classifier or default_classifier()) if self._model_rules else None

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Built when the first sentence wakes."""
        return Tokenizer(word for word in self.scanner.words if len(word) <= 6)

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
        sentences = [scene.sentence(number) for number in numbers]
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
        parts = scene.part_of
        for number, sentence in zip(numbers, sentences):
            for hit in recalled[sentence] or ():
                if hit.rule.id not in active[int(parts[number])]:
                    continue
                candidate = hit.candidate
                if candidate is None:
                    judge = _SentenceJudge(self, hit.text, scene, number)
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
        base = plain if len(chosen) == len(plain.starts) else select(plain, chosen, "plain")
        view = self.disguises.read(base)
        for number, woken in self.scanner.scan(view, dialogue=dialogue):
            place = _Place(scene, view, number)
            judge = _SentenceJudge(self, place.text)
            for rule, first, last, fired, candidate in judge.run(woken, place.differs):
                left, right = place.plain(first, last)
                read_as = place.text[first:last]
                hit = Hit(
                    rule, place.reading, left, right, read_as, fired, place.text, (first, last), candidate
                )
                found.setdefault(place.number, []).append(hit)
        self._weigh_claims(found)
        for number, hit in self._doubts(scene, base):
            found.setdefault(number, []).append(hit)
        return {sentence: tuple(found.get(number, ())) for sentence, number in unknown.items()}

    def _weigh_claims(self, found: Mapping[int, list[Hit]]) -> None:
        """Put beside every hit of a rule that can be lowered what the model makes of its context."""
        if self.classifier is None:
            return
        weighed = [
            (hits, position)
            for hits in found.values()
            for position, hit in enumerate(hits)
            if hit.view == "plain" and not hit.rule.strict and hit.rule.level is not Level.HINT
        ]
        places = [(hits[n].text, hits[n].start, hits[n].end) for hits, n in weighed]
        for (hits, position), claim in zip(weighed, self.classifier.claims(places).tolist()):
            hits[position] = replace(hits[position], claim=claim)

    def _doubts(self, scene: Scene, base: View) -> Iterator[tuple[int, Hit]]:
        """(sentence of the plain view, hit) of every sentence the model objects to."""
        if self.classifier is None:
            return
        for number, opinion in self.classifier.opinions(base.codes, base.starts, base.ends).items():
            rule = self._model_rules.get(opinion.category)
            if rule is None:
                continue
            place = int(base.sentences[number])
            text = scene.sentence(place)
            judge = _SentenceJudge(self, text)
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
        """The ids of the rules that hold in an industry and channel.

        Rules about what follows a customer's words are left out where no customer speaks.
        """
        key = (industry, channel, dialogue)
        if key not in self._activity:
            self._activity[key] = frozenset(
                rule.id
                for rule in self.scanner.rules
                if (not rule.industries or industry in rule.industries)
                and (not rule.channels or channel in rule.channels)
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
        out = []
        for part, made in enumerate(map(_without_doubts, self.outcomes(scene, settings))):
            kept = resolve([finding for finding in made if finding.state is not State.EXCUSED])
            excused = resolve([finding for finding in made if finding.state is State.EXCUSED])
            spans = [finding.span for finding in kept]
            excused = [f for f in excused if not any(span.covers(f.span) for span in spans)]
            document = scene.documents[part]
            found = _number_fingerprints([*kept, *(extra[part] if extra else ())], document)
            out.append((tuple(found), tuple(_number_fingerprints(excused, document))))
        return out

    def outcomes(self, scene: Scene, settings: Sequence[Setting]) -> list[list[Finding]]:
        """By document, every candidate with its outcome, before overlaps are resolved.

        The fingerprint field holds the sentence until the findings are numbered.
        """
        made: list[list[Finding]] = [[] for _ in scene.documents]
        for number, hit, candidate in self.hits(scene, settings):
            part = int(scene.part_of[number])
            made[part].append(self._finding(scene, part, number, hit, candidate, settings[part]))
        return made

    def _basis(self, rule: Rule, channel: str) -> tuple[Basis, ...]:
        key = rule.id, channel
        if key not in self._bases:
            self._bases[key] = self.lexicon.basis_for(rule, channel)
        return self._bases[key]

    def forget(self) -> None:
        """Drop what is remembered of sentences."""
        for known in self._known:
            known.clear()

    def _finding(
        self,
        scene: Scene,
        part: int,
        number: int,
        hit: Hit,
        candidate: Candidate,
        setting: Setting,
    ) -> Finding:
        rule, document = hit.rule, scene.documents[part]
        base = int(scene.plain.starts[number])
        span = scene.plain.origin(base + hit.start, base + hit.end)
        span = Span(span.start - scene.offsets[part], span.end - scene.offsets[part])
        read_as = hit.read_as
        turn = scene.turn(number)
        level, notes = rule.level, []
        if rule.industries and not setting.industry_given and level is Level.BLOCK:
            level = Level.REVIEW
            notes.append("行业由系统推测，未由用户指定")
        if rule.channels and not setting.channel_given and level is Level.BLOCK:
            level = Level.REVIEW
            notes.append("渠道由系统推测，未由用户指定")
        confidence = self.lexicon.confidence(rule, hit.view)
        scores: dict[str, float] = {}
        if hit.opinion is not None:
            confidence = hit.opinion.probability
            scores = {"probability": confidence} | dict(hit.opinion.evidence)
            notes.append("由模型从整句语气判断，没有命中词条")
            if not hit.opinion.sure:
                level = Level.HINT
        attempts = candidate.attempts
        if hit.claim is not None:
            scores["claim"] = round(hit.claim, 3)
        if hit.claim is not None and self.classifier and hit.claim < self.classifier.innocent_below:
            lowered = Level.HINT if level is Level.REVIEW else Level.REVIEW
            attempts += (_innocent_use(hit.claim, level, lowered),)
            level = lowered
            confidence *= hit.claim
        if rule.status == "preview":
            confidence *= 0.8
        if turn is not None and turn.speaker == "unknown":
            confidence *= 0.9
            notes.append("说话人未知，按销售方判断")
        matched = document.text[span.start : span.end]
        return Finding(
            rule_id=rule.id,
            category=rule.category,
            level=level,
            state=State.EXCUSED if candidate.excused else rule.state,
            span=span,
            matched=matched,
            turn=turn.index if turn is not None else None,
            message=rule.message.replace("{matched}", matched),
            why=rule.why,
            basis=self._basis(rule, setting.channel),
            explanation=Explanation(
                source=rule.kind,
                fired=hit.fired,
                view=hit.view,
                read_as=read_as if read_as != matched else "",
                exemptions=attempts,
                notes=tuple(notes),
                scores=scores,
            ),
            confidence=round(confidence, 3),
            fingerprint=scene.sentence(number),
            evidence=rule.evidence,
        )


def _number_fingerprints(findings: Iterable[Finding], document: Document) -> list[Finding]:
    """Sorted findings whose fingerprint field (until now the sentence) becomes the real one."""
    seen: dict[tuple[str, str], int] = {}
    out = []
    for finding in sorted(findings, key=lambda f: (f.span.start, f.rule_id, f.span.end)):
        key = (finding.rule_id, finding.fingerprint)
        ordinal = seen[key] = seen.get(key, 0) + 1
        mark = fingerprint(finding.rule_id, document.path, finding.fingerprint, ordinal)
        out.append(replace(finding, fingerprint=mark))
    return out


class _NeedsContextError(Exception):
    """A condition looks beyond the sentence."""


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

    def plain(self, first: int, last: int) -> tuple[int, int]:
        """(start, end) in the sentence of the plain view."""
        if self.reading == "plain":
            return first, last
        span = self._view.origin(self._start + first, self._start + last)
        left = int(np.searchsorted(self._index, span.start))
        right = int(np.searchsorted(self._index, max(span.end - 1, span.start))) + 1
        return left - self._origin, right - self._origin

    def differs(self, first: int, last: int) -> bool:
        """False when nothing was undone here, so that the plain view has judged it."""
        if self.reading == "plain":
            return True
        left, right = self.plain(first, last)
        return self._sentence[left:right] != self.text[first:last]


class _SentenceJudge:
    """Judges the rules that woke in one sentence of one view.

    Without a scene every condition that looks beyond the sentence is left for later.
    """

    def __init__(self, engine: Engine, sentence: str, scene: Scene | None = None, number: int = 0) -> None:
        self.engine = engine
        self.scene = scene
        self.sentence = sentence
        self.number = number
        self._tokens: list[tuple[int, int]] | None = None
        self._excuses: dict[str, list[int]] | None = None
        self._held: dict[tuple[str, str], bool] = {}

    # functools.cached_property takes a lock, which costs more than these do.
    @property
    def tokens(self) -> list[tuple[int, int]]:
        if self._tokens is None:
            self._tokens = self.engine.tokenizer.spans(self.sentence)
        return self._tokens

    @property
    def excuses(self) -> dict[str, list[int]]:
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
                if any(a <= start and end <= b for a, b in woken.allowed) or not differs(start, end):
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
        context = Context(
            self.sentence, start, end, self._token_spans, self._turn_text, self._document_text, self._held
        )
        if rule.unless and _excepted(rule.unless, context):
            return None
        if not all(self._near(cues, context) for cues in rule.near):
            return None
        if any(self._near(cues, context) for cues in rule.without):
            return None
        attempts = self.engine.exemptions.attempts(rule, context, self.excuses)
        return Candidate(rule, start, end, fired, attempts)

    def _token_spans(self) -> list[tuple[int, int]]:
        return self.tokens

    def _scene(self) -> Scene:
        if self.scene is None:
            raise _NeedsContextError
        return self.scene

    def _turn_text(self) -> str:
        scene = self._scene()
        return scene.turn_text(int(scene.turn_of[self.number]))

    def _document_text(self) -> str:
        scene = self._scene()
        return scene.text(int(scene.part_of[self.number]))

    def _near(self, cues: Cues, context: Context) -> bool:
        if cues.within == "clause":
            return found_any(cues.patterns, context.part("clause"))
        if cues.within == "sentence":
            return found_any(cues.patterns, self.sentence)
        return self._scene().holds(cues, self.number)


def _innocent_use(claim: float, before: Level, after: Level) -> Attempt:
    """The model's word for a candidate that it takes for an innocent use."""
    return Attempt(
        "model",
        "语境模型",
        False,
        f"按前后文看是违规说法的可能只有 {claim:.0%}，"
        f"级别由“{LEVEL_NAMES[str(before)]}”降为“{LEVEL_NAMES[str(after)]}”",
    )


def _without_doubts(made: list[Finding]) -> list[Finding]:
    """The findings without those of the model where rules have said what there is to say.

    A rule that found something in the sentence, or one whose candidate at the same place is
    excused, is better evidence than a likeness. An excused doubt is no news.
    """
    doubts = [finding for finding in made if finding.explanation.source == "model"]
    if not doubts:
        return made
    told = [finding for finding in made if finding.explanation.source != "model"]
    spoken = {
        finding.fingerprint
        for finding in told
        if finding.state is not State.EXCUSED and finding.level is not Level.HINT
    }
    return told + [
        doubt
        for doubt in doubts
        if doubt.state is not State.EXCUSED
        and doubt.fingerprint not in spoken
        and not any(finding.span.overlaps(doubt.span) for finding in told)
    ]


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
    sentence, marked = context.sentence.encode(), context.marked.encode()
    # Nearly always none of them matches anywhere: one look tells.
    combined = either(patterns)
    if not combined.found(marked) and not combined.found(sentence):
        return False
    for pattern in patterns:
        compiled = regex(pattern)
        if MARK in pattern and any(_MARK in piece for piece in compiled.pieces(marked)):
            return True
        if any(start <= context.start and context.end <= end for start, end in compiled.spans(sentence, 0)):
            return True
    return False


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


def resolve(findings: list[Finding]) -> list[Finding]:
    """Overlaps resolved: higher level first, then the longer, then the more literal reading.

    A finding that loses is dropped when the winner shares its category; the same words may break
    the law in two ways, so a finding of another category stays, but for exaggeration inside it.
    The rules of dropped findings are noted.
    """

    def rank(finding: Finding) -> tuple[float, ...]:
        length = finding.span.end - finding.span.start
        return (-finding.level.rank, -length, -VIEW_TRUST[finding.explanation.view])

    kept: list[Finding] = []
    absorbed: dict[int, list[str]] = {}
    for finding in sorted(findings, key=lambda f: (*rank(f), f.span.start, f.rule_id)):
        winner = next(
            (
                position
                for position, other in enumerate(kept)
                if other.span.overlaps(finding.span)
                and (
                    other.category == finding.category
                    or (finding.category == _GENERAL and other.span.covers(finding.span))
                )
            ),
            None,
        )
        if winner is None:
            kept.append(finding)
        elif finding.rule_id != kept[winner].rule_id:
            absorbed.setdefault(winner, []).append(finding.rule_id)
    out = []
    for position, finding in enumerate(kept):
        if position in absorbed:
            note = "同处还命中：" + "、".join(dict.fromkeys(absorbed[position]))
            explanation = replace(finding.explanation, notes=(*finding.explanation.notes, note))
            finding = replace(finding, explanation=explanation)
        out.append(finding)
    return out
