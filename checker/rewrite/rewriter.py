"""Findings with their rewrites: drafted, proven together, ranked, at most three each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from checker.dialogue import Dialogues
from checker.document import Document
from checker.engine import Engine
from checker.late import late
from checker.normalize import fold
from checker.rewrite.answers import Answerer, AnswerModel
from checker.rewrite.apply import best, disjoint, without_repeats
from checker.rewrite.grammar import SENTENCE_ENDS, Grammar, clause_spans, has_slot, sentence_span, slots
from checker.rewrite.neighbours import Neighbours
from checker.rewrite.operations import Case, Draft, Drafter, subject_of, told_losses
from checker.rewrite.placing import placed
from checker.rewrite.proof import Judge, Proof, Prover, changed, covers, spliced
from checker.rewrite.ranking import Ranker
from checker.rewrite.remote import Asked, RemoteRewriter
from checker.scene import EVERYWHERE, Scene, Setting
from checker.types import Apply, Finding, Level, Report, Rewrite, Rewriting, Span, State

MOST_REWRITES = 3
#: A sentence longer than this gets questions only, so that no input makes the proof slow.
_LONGEST_SENTENCE = 600
#: Characters of changed documents that are checked again for one document; where its rewrites
#: would take more, they are proven in their sentences.
_MOST_PROOF = 400_000
_CACHE_SIZE = 20_000
#: Drafts of one finding that are proven in one go.
_AT_ONCE = 3
#: Drafts that leave the claim in milder words, or the sentence without it.
_SOFTENS = frozenset({"words", "attribute", "delete"})
#: Claims that milder words cure; of others something is left mostly, so that they stand so many places later.
_SOFTENED, _LATER = frozenset({"absolute"}), 1
#: Of a sentence with more characters than this only the clauses of a claim are answered.
_ANSWERED_WHOLE = 40
#: Somebody says who they are; and how likely it is then that the true name belongs there.
_SPEAKS_AS, _INTRODUCED = late(r"(?:我|咱|们|这里|这边)是"), 0.8
#: Beside what a rule says what was learned must be as likely as this.
_LIKELY = 0.1
#: Where a finding stands whose best draft is not known.
_QUESTION = 90.0
_FILL_IN = "请填写公司、姓名等真实信息"
#: A sentence of fewer letters says nothing.
_FEWEST_LETTERS = 3
#: A question that wants no answer, and the claim that answers it: 谁说不能保本？| 我们就能
_ASKED_BACK = late(r"(?:谁说|难道|凭什么说|见过|听说过|什么时候)[^。！？?!\n]*[？?]$")
_ANSWER = late(
    r" ?(?:我们|咱们?|本店|这[款个家]|我)[^，,。！？?!；;\n]{0,8}(?:能|可以|敢|会|行|没有|做到|例外)(?:的|啊|呀|呢)?(?:[。！!]|$|[，,])"
)
#: What a rewrite puts in holds no term that any rule bans, in whatever industry or channel.
_ANYWHERE = Setting(EVERYWHERE, True)


class _Key(NamedTuple):
    """What a finding's suggestions depend on inside its sentence; of a long one only the words are kept."""

    region: str
    start: int
    end: int
    rule_id: str
    setting: Setting
    others: tuple[Span, ...]
    is_long: bool = False
    #: What may not be offered at all stands in the same sentence.
    beside_prohibited: bool = False


class _Joint(NamedTuple):
    """What the rewrite that cures the findings of one sentence together depends on."""

    region: str
    setting: Setting
    #: (start, end, rule id) of the findings.
    found: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """A finding in its document, and the region (sentence with its final mark) its rewrites change."""

    part: int
    number: int
    region: Span
    key: _Key


class _Cure(NamedTuple):
    """An edit and the findings it does away with."""

    edit: Rewrite
    findings: list[Finding]


class Rewriter:
    """Makes and proves rewrites. Safe to share between threads that only check.

    ``judge`` finds what the whole checker finds; without one the rules and duties of ``engine``
    judge.
    """

    def __init__(
        self, engine: Engine, judge: Judge | None = None, remote: RemoteRewriter | None = None
    ) -> None:
        self._engine = engine
        self._remote = remote
        self._prover = Prover(judge or self._judge)
        self._known: dict[_Key, tuple[Draft, ...]] = {}
        self._joint: dict[_Joint, tuple[Rewrite | None, frozenset[int]]] = {}
        #: Of texts that were met, the model's probability of a claim.
        self._doubted: dict[str, float] = {}
        #: How far back the best draft for a rule in a region belongs.
        self._costs: dict[tuple[str, str], float] = {}

    @cached_property
    def _drafter(self) -> Drafter:
        data = self._engine.lexicon.rewriting
        return Drafter(self._engine.lexicon, Grammar(self._engine.tokenizer.tags, data))

    @cached_property
    def _neighbours(self) -> Neighbours:
        lexicon = self._engine.lexicon
        said = {option["to"] for rule in lexicon.rules for option in rule.rewrites if option["to"]}
        said.update(lexicon.rewriting["answers"])
        return Neighbours(lexicon.rewriting, self._drafter.grammar, self._doubt, self._claims, said)

    def _doubts(self, texts: Sequence[str]) -> list[float]:
        """The model's probability that each text claims something; 0 without a model."""
        model = self._engine.classifier
        if model is None:
            return [0.0] * len(texts)
        new = [text for text in dict.fromkeys(texts) if text not in self._doubted]
        if new:
            self._doubted.update(zip(new, model.probability(model.score_texts(new)).tolist()))
        return [self._doubted[text] for text in texts]

    def _doubt(self, text: str) -> float:
        return self._doubts([text])[0]

    def _claims(self, clause: str, setting: Setting) -> bool:
        """True when a clause alone holds a finding that is no hint."""
        rules = self._engine.lexicon.rule_by_id
        return any(
            name not in rules or rules[name].level is not Level.HINT
            for name in self._prover.rules(clause, setting)
        )

    @cached_property
    def _answerer(self) -> Answerer:
        statements = self._engine.lexicon.rewriting["answers"]
        return Answerer(AnswerModel.load(), self._drafter.grammar, self._doubts, statements)

    @cached_property
    def _dialogues(self) -> Dialogues:
        return Dialogues(self._engine.lexicon)

    @cached_property
    def _ranker(self) -> Ranker:
        return Ranker.load()

    def _judge(self, documents: Sequence[Document], settings: Sequence[Setting]) -> list[Counter[str]]:
        scene = Scene(documents)
        return self._engine.rules(scene, settings, self._dialogues.findings(scene, settings))

    def attach(
        self,
        documents: Sequence[Document],
        settings: Sequence[Setting],
        findings: Sequence[Sequence[Finding]],
    ) -> list[tuple[Finding, ...]]:
        """The findings of each document with their proven rewrites, the best first."""
        places = [
            place
            for part, document in enumerate(documents)
            for place in self._places(part, document, settings[part], findings[part])
        ]
        self._learn(places, documents, findings)
        drafted = {
            (place.part, place.number): self._rewrites(
                place, documents[place.part], findings[place.part][place.number]
            )
            for place in places
        }
        self._combine(places, drafted, documents, settings, findings)
        if self._remote is not None:
            self._ask_remote(places, drafted, findings)
        shown = self._proven_in_documents(drafted, documents, settings, findings)
        note = self._remote.note if self._remote is not None else ""
        out = []
        for part, found in enumerate(findings):
            made = []
            for number, finding in enumerate(found):
                if shown.get((part, number)):
                    finding = replace(finding, rewrites=shown[part, number])
                    told = (_counterfactual(finding, documents[part].text), note)
                    notes = (*finding.explanation.notes, *filter(None, told))
                    finding = replace(finding, explanation=replace(finding.explanation, notes=notes))
                made.append(finding)
            out.append(tuple(made))
        return out

    def _combine(
        self,
        places: Sequence[_Place],
        drafted: dict[tuple[int, int], list[Rewrite]],
        documents: Sequence[Document],
        settings: Sequence[Setting],
        findings: Sequence[Sequence[Finding]],
    ) -> None:
        """Put first, for findings of one sentence, the rewrite that cures them together."""
        by_region: dict[tuple[int, Span], list[_Place]] = {}
        for place in places:
            if place.key.start < place.key.end and not place.key.is_long:
                by_region.setdefault((place.part, place.region), []).append(place)
        shared = {where: some for where, some in by_region.items() if len(some) > 1}
        keys = {
            (part, region): _Joint(
                documents[part].text[region.start : region.end],
                some[0].key.setting,
                tuple((place.key.start, place.key.end, place.key.rule_id) for place in some),
            )
            for (part, region), some in shared.items()
        }
        unknown: dict[_Joint, tuple[int, Span]] = {}
        for where, key in keys.items():
            if key not in self._joint:
                unknown.setdefault(key, where)
        cures = self._prover.run(
            self._cure(
                documents[part],
                region,
                [
                    replace(findings[part][place.number], rewrites=tuple(drafted[part, place.number]))
                    for place in shared[part, region]
                ],
                settings[part],
            )
            for part, region in unknown.values()
        )
        self._joint.update(zip(unknown, cures))
        for (part, region), some in shared.items():
            edit, which = self._joint[keys[part, region]]
            if edit is None or len(which) < 2:
                continue
            edit = replace(edit, span=Span(edit.span.start + region.start, edit.span.end + region.start))
            for number in which:
                place = some[number]
                own = [item for item in drafted[part, place.number] if item != edit]
                real, asked = _shortened(own)
                drafted[part, place.number] = [edit, *real, *asked]

    def _cure(
        self, document: Document, region: Span, findings: Sequence[Finding], setting: Setting
    ) -> Proof[tuple[Rewrite | None, frozenset[int]]]:
        """As :meth:`_together`, the edit inside its region and the numbers of the findings it cures."""
        edit, cured = yield from self._together(document, region, findings, setting)
        if edit is not None:
            edit = replace(edit, span=_moved(edit.span, region))
        return edit, frozenset(n for n, one in enumerate(findings) if any(one is c for c in cured))

    def _ask_remote(
        self,
        places: Sequence[_Place],
        drafted: dict[tuple[int, int], list[Rewrite]],
        findings: Sequence[Sequence[Finding]],
    ) -> None:
        """Put what a language model suggests, and our rules prove, behind our own suggestions."""
        assert self._remote is not None
        self._remote.begin()
        for place in places:
            key = place.key
            finding = findings[place.part][place.number]
            if key.start == key.end or key.is_long:
                continue
            grammar = self._drafter.grammar
            asked_of = Asked(key.region, Span(key.start, key.end), key.others, finding.message, grammar)
            said = [
                (span, words, spliced(key.region, [Rewrite(span, words, Apply.SUGGEST)]))
                for span, words in self._remote.suggestions(asked_of)
            ]
            self._prover.learn((text, key.setting) for _, _, text in said)
            allowed = self._prover.rules(key.region, key.setting) - Counter({key.rule_id: 1})
            for span, words, text in said:
                broken = grammar.scars(text) > grammar.scars(key.region)
                if broken or not covers(self._prover.rules(text, key.setting), allowed):
                    continue
                banned = self._prover.rules(key.region, _ANYWHERE) - Counter({key.rule_id: 1})
                if not covers(self._prover.rules(text, _ANYWHERE), banned):
                    continue
                real, asked = _shortened(drafted[place.part, place.number])
                note = "；".join(filter(None, ("语言模型的建议，已复核", told_losses(key.region, text))))
                shift = place.region.start
                span = Span(span.start + shift, span.end + shift)
                suggested = Rewrite(span, words, Apply.SUGGEST, note)
                drafted[place.part, place.number] = [*real, suggested, *asked]
                break

    def _region(self, document: Document, finding: Finding) -> Span:
        """What a rewrite of the finding may change: its sentence, or its turn where the rule says so."""
        subject = subject_of(self._engine.lexicon, finding)
        turn = document.turn_at(finding.span.start)
        if turn is not None and subject and any(option["scope"] == "turn" for option in subject.rewrites):
            return turn.span
        return _region(document, finding.span)

    def forget(self) -> None:
        """Drop what is remembered of sentences."""
        self._known.clear()
        self._joint.clear()
        self._costs.clear()
        self._doubted.clear()
        self._prover.forget()
        self._drafter.grammar.forget()
        self._neighbours.forget()
        self._answerer.forget()

    def plan(self, report: Report) -> Rewriting:
        """The whole document rewritten: in every sentence the rewrites that hold together.

        The result is checked as a whole; what would break something elsewhere is left out.
        """
        document = report.document
        setting = Setting(report.industry, report.industry_given, report.channel, report.channel_given)
        groups: list[tuple[Span, list[Finding]]] = []
        unsaid: list[Finding] = []
        for finding in report.findings:
            if subject_of(self._engine.lexicon, finding) is None:
                continue
            if finding.span.start == finding.span.end:
                unsaid.append(finding)
                continue
            region = self._region(document, finding)
            if groups and region.start < groups[-1][0].end and region.end > groups[-1][0].start:
                last, together = groups[-1]
                together.append(finding)
                groups[-1] = (Span(min(last.start, region.start), max(last.end, region.end)), together)
            else:
                groups.append((region, [finding]))
        cures: list[_Cure] = []
        regions: list[Span] = []
        spoken = ""  # the sentence before, as it is said now
        proofs = [self._together(document, region, found, setting) for region, found in groups]
        for (region, _), (edit, cured) in zip(groups, self._prover.run(proofs)):
            if edit is None:
                continue
            earlier = cures[-1].edit if cures else None
            words = document.text[region.start : region.end]
            moved = Span(edit.span.start - region.start, edit.span.end - region.start)
            said = spliced(words, [replace(edit, span=moved)]) if region.start < region.end else ""
            follows = earlier is not None and said and regions[-1][1] == region.start
            once = _said_once(spoken, said) if follows else None
            if earlier is not None and once is not None:
                # Two sentences that are answered by the same statement: it is said once.
                whole = Span(regions[-1][0], region.end)
                dropped = told_losses(words, once, self._drafter.grammar.names(words))
                notes = dict.fromkeys(note for note in (earlier.note, dropped) if note)
                both = replace(edit, span=whole, text=once, note="；".join(notes))
                spoken = once
                cures[-1] = _Cure(both, [*cures[-1].findings, *cured])
                regions[-1] = whole
            elif earlier is None or earlier.span.end <= edit.span.start:
                cures.append(_Cure(edit, cured))
                regions.append(region)
                spoken = said
        (before,) = self._prover.documents([document], [setting])
        cures = self._with_statements(document, cures, unsaid, setting)
        if not self._hold_together(document, cures, before, setting):
            cures = self._apart(document, cures, before, setting)
        edits = [cure.edit for cure in cures]
        fixed = {id(finding) for cure in cures for finding in cure.findings}
        left = tuple(finding for finding in report.findings if id(finding) not in fixed)
        return Rewriting(spliced(document.text, edits), tuple(edits), left)

    def _with_statements(
        self, document: Document, cures: list[_Cure], unsaid: Sequence[Finding], setting: Setting
    ) -> list[_Cure]:
        """The cures with the required statements, each where it belongs; what another one says is not said again."""
        for finding in unsaid:
            statement = best(finding)
            if statement is None:
                continue
            made = [cure for cure in cures if all(f.span.start == f.span.end for f in cure.findings)]
            if made:
                (after,) = self._prover.documents(
                    [changed(document, [cure.edit for cure in made])], [setting]
                )
                if not after[finding.rule_id]:
                    made[0].findings.append(finding)
                    continue
            start = statement.span.start
            held = next((n for n, cure in enumerate(cures) if _holds_inside(cure.edit, start)), None)
            if held is None:
                cures.append(_Cure(statement, [finding]))
            else:  # the sentence it would stand in is said anew: it stands before it
                edit, cured = cures[held]
                text = statement.text + edit.text
                cures[held] = _Cure(replace(edit, text=text), [*cured, finding])
        return sorted(cures, key=lambda cure: cure.edit.span)

    def _hold_together(
        self, document: Document, cures: Sequence[_Cure], before: Counter[str], setting: Setting
    ) -> bool:
        edited = changed(document, [cure.edit for cure in cures])
        (after,) = self._prover.documents([edited], [setting])
        cured = Counter(finding.rule_id for cure in cures for finding in cure.findings)
        return covers(after, before - cured) and not self._launders(before, after, cured)

    def _launders(self, before: Counter[str], after: Counter[str], cured: Counter[str]) -> bool:
        """True when an edit of something else makes what may not be offered look lawful.

        A warning beside it can be what excuses a word: 虚拟币有风险.
        """
        rules = self._engine.lexicon.rule_by_id
        return any(
            after[name] < count - cured[name]
            for name, count in before.items()
            if name in rules and rules[name].category == "prohibited"
        )

    def _apart(
        self, document: Document, cures: Sequence[_Cure], before: Counter[str], setting: Setting
    ) -> list[_Cure]:
        """Of edits that do not hold together those that do: halved until the bad ones are left out.

        In a large document with many bad ones the proof ends at its limit, and the rest is left out.
        """
        kept: list[_Cure] = []
        middle = len(cures) // 2
        waiting = [cures[middle:], cures[:middle]] if middle else []
        proofs = max(4, 4 * _MOST_PROOF // (len(document.text) + 1))
        while waiting and proofs:
            some = waiting.pop()
            proofs -= 1
            if self._hold_together(document, [*kept, *some], before, setting):
                kept += some
            elif len(some) > 1:
                waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
        return kept

    def _together(
        self, document: Document, region: Span, findings: Sequence[Finding], setting: Setting
    ) -> Proof[tuple[Rewrite | None, list[Finding]]]:
        """One edit of a region that cures as many of its findings as can be cured together."""
        text = document.text[region.start : region.end]
        known = Setting(setting.industry, True, setting.channel)
        ask = self._prover.ask
        empty = region.start == region.end or all(f.span.start == f.span.end for f in findings)
        before = yield from ask(text, known)
        chosen: list[Rewrite] = []
        cured: list[Finding] = []
        if any(finding.category == "prohibited" and best(finding) is None for finding in findings):
            return None, []
        grammar = self._drafter.grammar
        scars = grammar.scars(text)
        said = text
        for finding in sorted(findings, key=lambda one: self._costs.get((text, one.rule_id), _QUESTION)):
            if any(finding is one for one in cured):
                continue
            for option in finding.rewrites:
                if option.apply is Apply.MANUAL:
                    continue
                trial = disjoint([edit for edit in chosen if not edit.span.overlaps(option.span)] + [option])
                if option not in trial:
                    continue
                also = [
                    f
                    for f in findings
                    if f is finding or any(f is one for one in cured) or _covered(f, trial)
                ]
                if empty:
                    chosen, cured = trial, also
                    break
                new = _applied(text, self._once(document, trial), region)
                if grammar.scars(new) > scars:
                    continue
                allowed = before - Counter(f.rule_id for f in also)
                if not covers((yield from ask(new, known)), allowed):
                    # What was silent beside a finding may be found now: it goes with the neighbours.
                    held = [_moved(f.span, region) for f in findings if not any(f is one for one in also)]
                    stretches = self._stretches(text, region, findings)
                    without = self._neighbours.cleaned(text, new, known, held, stretches)
                    if without is None or not covers((yield from ask(without, known)), allowed):
                        continue
                chosen, cured, said = trial, also, new
                break
        if not chosen:
            return None, []
        if empty:
            return Rewrite(chosen[0].span, chosen[0].text, chosen[0].apply), cured[:1] or [findings[0]]
        uncured = [f for f in findings if not any(f is one for one in cured)]
        if any(f.level is not Level.HINT for f in uncured):
            return None, []  # what still needs a person is not made to look like a sentence that was cured
        left = [_moved(f.span, region) for f in uncured]
        clean = self._neighbours.cleaned(text, said, known, left, self._stretches(text, region, findings))
        if clean is None or grammar.scars(clean) > scars or not _says_something(clean):
            return None, []
        if clean != said:
            allowed = before - Counter(f.rule_id for f in cured)
            if not covers((yield from ask(clean, known)), allowed):
                return None, []
        level = Apply.SAFE if all(edit.apply is Apply.SAFE for edit in chosen) else Apply.SUGGEST
        change = _difference(text, clean)
        place = Span(change.span.start + region.start, change.span.end + region.start)
        return Rewrite(place, change.text, level, told_losses(text, clean, grammar.names(text))), cured

    def _stretches(self, text: str, region: Span, findings: Sequence[Finding]) -> tuple[str, ...]:
        """What the answer model would leave of the sentence of findings."""
        found = tuple(sorted({_moved(finding.span, region) for finding in findings}))
        return self._answerer.stretches(text.rstrip(SENTENCE_ENDS), found)

    def _once(self, document: Document, edits: Sequence[Rewrite]) -> list[Rewrite]:
        """The edits without the statements that come to what those before them say: they go with their comma."""
        out: list[Rewrite] = []
        said = ""
        for edit in edits:
            start, end = edit.span
            alone = document.text[start - 1 : start] in ("，", ",", " ") and (
                end == len(document.text) or document.text[end] in "，,。！？!?；;\n "
            )
            text = self._neighbours.without_known(edit.text, said) if said and alone else edit.text
            if text == edit.text:
                out.append(edit)
            elif text:
                out.append(replace(edit, text=text))
            else:
                out.append(replace(edit, span=Span(start - 1, end), text=""))
            said += text
        return out

    def _places(
        self, part: int, document: Document, setting: Setting, findings: Sequence[Finding]
    ) -> list[_Place]:
        out = []
        known = Setting(setting.industry, True, setting.channel)
        by_start = sorted(findings, key=lambda finding: finding.span)
        starts = [finding.span.start for finding in by_start]
        ends = list(accumulate((finding.span.end for finding in by_start), max))
        for number, finding in enumerate(findings):
            if finding.state is State.EXCUSED or subject_of(self._engine.lexicon, finding) is None:
                continue
            region = self._region(document, finding)
            if region.end - region.start > _LONGEST_SENTENCE:
                key = _Key(finding.matched, 0, len(finding.matched), finding.rule_id, known, (), is_long=True)
                out.append(_Place(part, number, finding.span, key))
                continue
            near = by_start[bisect_right(ends, region.start) : bisect_left(starts, region.end)]
            prohibited = any(
                other.category == "prohibited" and other is not finding and other.span.overlaps(region)
                for other in near
            )
            others = tuple(
                sorted(
                    {
                        Span(other.span.start - region.start, other.span.end - region.start)
                        for other in near
                        if other is not finding and other.span.overlaps(region)
                    }
                )
            )
            start, end = finding.span.start - region.start, finding.span.end - region.start
            text = document.text[region.start : region.end]
            key = _Key(text, start, end, finding.rule_id, known, others, beside_prohibited=prohibited)
            out.append(_Place(part, number, region, key))
        return out

    def _learn(
        self,
        places: Sequence[_Place],
        documents: Sequence[Document],
        findings: Sequence[Sequence[Finding]],
    ) -> None:
        """Draft and prove, in one go, what was not met before."""
        if len(self._known) > _CACHE_SIZE:
            self._known.clear()
            self._joint.clear()
            self._costs.clear()
            self._doubted.clear()
        drafted: dict[_Key, list[Draft]] = {}
        for place in places:
            if place.key in self._known or place.key in drafted:
                continue
            finding = findings[place.part][place.number]
            drafted[place.key] = self._drafts(place.key, finding)
        ranked = {key: self._ranker.order(key.region, drafts) for key, drafts in drafted.items()}
        self._prover.learn((key.region, key.setting) for key in ranked if not key.is_long)
        proven: dict[_Key, list[Draft]] = {key: [] for key in ranked}
        waiting = {key: list(_in_turn(drafts)) for key, drafts in ranked.items()}
        while waiting:
            # A few at a time: mostly the first ones hold and the others need no proof.
            tried = {key: drafts[:_AT_ONCE] for key, drafts in waiting.items()}
            wanted = [(key, draft) for key, drafts in tried.items() for draft in drafts if not _asks(draft)]
            changed_there = {key for key, _ in wanted if key.start < key.end}
            self._prover.learn(
                [
                    *((_with(key.region, draft), key.setting) for key, draft in wanted),
                    *((draft.added, _ANYWHERE) for _, draft in wanted if draft.added),
                    *((key.region, _ANYWHERE) for key in changed_there),
                    *((_with(key.region, draft), _ANYWHERE) for key, draft in wanted if key in changed_there),
                ]
            )
            held = {
                key: [d for d in drafts if _asks(d) or self._holds(key, d)] for key, drafts in tried.items()
            }
            for key, drafts in held.items():
                proven[key] += [d for d in drafts if _asks(d) or self._holds_anywhere(key, d)]
            waiting = {
                key: drafts[_AT_ONCE:]
                for key, drafts in waiting.items()
                if len(drafts) > _AT_ONCE and not self._ranker.enough(proven[key], MOST_REWRITES)
            }
        for key, drafts in proven.items():
            asked = [draft for draft in ranked[key] if _asks(draft) and draft not in drafts]
            best = self._ranker.best([*drafts, *asked], MOST_REWRITES)
            self._known[key] = tuple(self._told(key.region, best))
            if best:
                self._costs[key.region, key.rule_id] = self._ranker.cost(key.region, best[0])

    def drafted(
        self, document: Document, setting: Setting, findings: Sequence[Finding]
    ) -> Iterator[tuple[str, Draft]]:
        """Every draft for the findings of a document, before its proof, with the text it changes."""
        for place in self._places(0, document, setting, findings):
            for draft in self._drafts(place.key, findings[place.number]):
                yield place.key.region, draft

    def _drafts(self, key: _Key, finding: Finding) -> list[Draft]:
        grammar = self._drafter.grammar
        region = key.region
        if key.is_long:
            asked = self._drafter.asked(finding)
            return [Draft(Span(key.start, key.end), region, "question", 90, "", Apply.MANUAL, asked)]
        sentence = Span(
            0,
            len(region.rstrip(SENTENCE_ENDS))
            if key.end <= len(region.rstrip(SENTENCE_ENDS))
            else len(region),
        )
        moved = replace(finding, span=Span(key.start, key.end))
        industry = key.setting.industry
        goods = self._drafter.sells_goods(industry)
        case = Case(moved, region, sentence, grammar, industry, key.others, goods=goods)
        scars = grammar.scars(region)
        out: list[Draft] = []
        hopeless = key.start < key.end and (
            finding.category != "prohibited"
            and (key.beside_prohibited or self._neighbours.sells_the_unsellable(region))
        )
        found = tuple(sorted({Span(key.start, key.end), *key.others}))
        said = region[: sentence.end]
        stretches = self._answerer.stretches(said, found) if key.start < key.end else ()
        learned = finding.rule_id.endswith("/model")
        held = {*grammar.names(region), *slots(region)}
        dropped = learned and key.start < key.end and self._answerer.is_hopeless(said, industry)
        for draft in (*self._drafter.drafts(case), *self._answers(case, found)):
            if hopeless or dropped:
                if _asks(draft) and not out:  # the terms of a gift beside an e-cigarette are no matter
                    asked = self._drafter.asked_instead if hopeless else self._drafter.asked_to_drop
                    out.append(replace(draft, note=asked))
                continue
            if _asks(draft):
                out.append(draft)
                continue
            after = _with(region, draft)
            if key.start < key.end:
                if after == region:
                    continue
                cleaned = (
                    None
                    if key.others
                    else self._neighbours.cleaned(region, after, key.setting, stretches=stretches)
                )
                if cleaned is None and not key.others:
                    continue
                if cleaned is not None and cleaned != after:
                    after = cleaned
                    draft = replace(draft, **_difference(region, after)._asdict())
                if after == region or not _says_something(after) or grammar.scars(after) > scars:
                    continue
                draft = self._weighed(draft, after, finding, said, industry, held)
            out.append(draft)
        return list(_with_losses(region, key, out, grammar))

    def _weighed(
        self, draft: Draft, after: str, finding: Finding, said: str, industry: str | None, held: set[str]
    ) -> Draft:
        """A draft with what its rank depends on: ``after`` is the region with it, ``said`` the sentence.

        ``held`` are the names and slots of the sentence.
        """
        learned = finding.rule_id.endswith("/model")
        stays = len(after) - len(draft.added) - (f"，{draft.added}" in after)
        named = not learned and draft.chance is None
        draft = replace(draft, stays=max(0, stays), named=named, learned=learned)
        if draft.kind in _SOFTENS:
            later = draft.order + (_LATER if learned and finding.category not in _SOFTENED else 0)
            return replace(draft, order=later, doubt=self._doubt(after.rstrip(SENTENCE_ENDS)))
        chance = draft.chance
        if chance is None:
            chance = self._answerer.chance(draft.added, self._answerer.choices(said, industry))
        lost = sum(name not in after for name in held)
        if finding.category == "impersonation" and has_slot(draft.added):
            if _SPEAKS_AS.search(said):
                chance = max(chance, _INTRODUCED)
            else:  # nobody has said who they are
                lost += 2
        return replace(draft, chance=chance, lost=lost)

    def _answers(self, case: Case, found: Sequence[Span]) -> Iterator[Draft]:
        """What the answer model says instead of the whole sentence of a finding."""
        span = case.given.span
        if span.start == span.end:
            return
        learned = case.given.rule_id.endswith("/model")
        if case.given.category == "prohibited" or (case.given.category == "nuisance" and not learned):
            return  # only its own rule knows what of it is lawful, and what ends a call
        opening = case.clauses[0].start if case.clauses else 0  # behind a label
        place = Span(opening, case.sentence.end)
        whole = case.text[opening : case.sentence.end]
        if place.end - place.start > _ANSWERED_WHOLE:
            place = case.clause
        said = case.text[place.start : place.end]
        least = 0.0 if learned else _LIKELY
        for statement, chance in self._answerer.likely(said, case.industry, whole):
            if chance < least:
                continue
            note = _FILL_IN if has_slot(statement) else ""
            for draft in self._drafter.stated(case, statement):
                yield replace(draft, chance=chance, note=note)
        within = tuple(
            Span(max(one.start, place.start) - place.start, min(one.end, place.end) - place.start)
            for one in found
            if one.overlaps(place)
        )
        ends_asking = place.end == case.sentence.end and case.text[place.end : place.end + 1] in ("？", "?")
        last = case.text[case.clauses[-1].start : case.clauses[-1].end] if ends_asking else ""
        for answer in self._answerer.answers(said, within, case.industry, whole):
            if answer.probability < least:
                continue
            if last and answer.kept.endswith(last):
                continue  # the question is the last word
            if answer.kept and case.words != fold(case.finding.matched):
                continue  # in disguised words nobody knows what belongs together
            closed = ends_asking and answer.statement
            yield Draft(
                Span(place.start, place.end + 1) if closed else place,
                answer.text + "。" if closed else answer.text,
                "answer",
                0,
                answer.statement or answer.text,
                note=_FILL_IN if has_slot(answer.statement) else "",
                chance=answer.probability,
                odds=answer.odds,
            )

    def _told(self, region: str, drafts: Sequence[Draft]) -> Iterator[Draft]:
        """The drafts with notes of what they drop."""
        names = self._drafter.grammar.names(region)
        for draft in drafts:
            losses = "" if _asks(draft) else told_losses(region, _with(region, draft), names)
            told = "；".join(note for note in (draft.note, losses) if note)
            yield replace(draft, note=told) if losses else draft

    def _holds(self, key: _Key, draft: Draft) -> bool:
        if draft.added and self._prover.rules(draft.added, _ANYWHERE):
            return False
        if key.start == key.end:
            return True
        allowed = self._prover.rules(key.region, key.setting) - Counter({key.rule_id: 1})
        return covers(self._prover.rules(_with(key.region, draft), key.setting), allowed)

    def _holds_anywhere(self, key: _Key, draft: Draft) -> bool:
        """True when no rule of another industry or channel finds anything new in the changed sentence."""
        if key.start == key.end or len(key.region) > _LONGEST_SENTENCE:
            return True
        allowed = self._prover.rules(key.region, _ANYWHERE) - Counter({key.rule_id: 1})
        return covers(self._prover.rules(_with(key.region, draft), _ANYWHERE), allowed)

    def _question(self, finding: Finding) -> Rewrite:
        """What to ask when no wording is proven."""
        asked = self._drafter.asked(finding)
        return Rewrite(finding.span, finding.matched, Apply.MANUAL, asked)

    def _rewrites(self, place: _Place, document: Document, finding: Finding) -> list[Rewrite]:
        rule = self._engine.lexicon.rule_by_id.get(finding.rule_id)
        if rule is not None and rule.missing is not None:
            return [
                replace(_edit(draft), span=span, text=text)
                for draft in self._known[place.key]
                if draft.kind == "insert"
                for span, text in [placed(document, rule.missing, finding.span, draft.added)]
            ] or [self._question(finding)]
        shift = place.region.start
        return [
            Rewrite(
                Span(draft.span.start + shift, draft.span.end + shift), draft.text, draft.apply, draft.note
            )
            for draft in self._known[place.key]
        ]

    def _proven_in_documents(
        self,
        drafted: dict[tuple[int, int], list[Rewrite]],
        documents: Sequence[Document],
        settings: Sequence[Setting],
        findings: Sequence[Sequence[Finding]],
    ) -> dict[tuple[int, int], tuple[Rewrite, ...]]:
        """The rewrites that hold in their whole documents too."""
        asked: dict[tuple[int, Rewrite], None] = {}
        for (part, number), rewrites in drafted.items():
            document = documents[part]
            alone = _region(document, findings[part][number].span)
            whole = not document.turns and alone == Span(0, len(document.text))
            if whole and settings[part].industry_given:
                continue
            for rewrite in rewrites:
                if not _only_asks(rewrite, document):
                    asked[part, rewrite] = None
        wanted = Counter(part for part, _ in asked)
        keys = [
            (part, rewrite)
            for part, rewrite in asked
            if wanted[part] * len(documents[part].text) <= _MOST_PROOF
        ]
        counted = self._prover.documents(
            [changed(documents[part], [rewrite]) for part, rewrite in keys],
            [settings[part] for part, _ in keys],
        )
        after = dict(zip(keys, counted))
        present = [Counter(finding.rule_id for finding in found) for found in findings]
        out = {}
        for (part, number), rewrites in drafted.items():
            own = Counter({findings[part][number].rule_id: 1})
            allowed = present[part] - own
            kept = tuple(
                rewrite
                for rewrite in rewrites
                if (part, rewrite) not in after
                or (
                    covers(after[part, rewrite], allowed)
                    and not self._launders(present[part], after[part, rewrite], own)
                )
            )
            out[part, number] = kept or (self._question(findings[part][number]),)
        return out


def _region(document: Document, span: Span) -> Span:
    """The sentences a span touches, with the mark that ends the last, inside its turn.

    Of a sentence that is too long to be rewritten, no more than shows that it is.
    """
    turn = document.turn_at(span.start)
    limits = turn.span if turn is not None else Span(0, len(document.text))
    most = _LONGEST_SENTENCE + 1
    limits = Span(
        min(max(limits.start, span.start - most), span.start), max(min(limits.end, span.end + most), span.end)
    )
    sentence = sentence_span(document.text, span, limits)
    end = sentence.end
    if end < limits.end and document.text[end] not in "\n\r":
        end += 1
    if _ASKED_BACK.search(document.text, sentence.start, end):
        answer = _ANSWER.match(document.text, end, limits.end)
        end = answer.end() - (answer.group()[-1] in "，,") if answer else end
    return Span(sentence.start, end)


def _counterfactual(finding: Finding, text: str) -> str:
    """The smallest proven change, or the fact, with which the finding would not be there."""
    real = [
        edit
        for edit in finding.rewrites
        if edit.apply is not Apply.MANUAL and edit.span.start < edit.span.end
    ]
    if real:
        least = min(real, key=lambda edit: edit.span.end - edit.span.start + len(edit.text))
        words = text[least.span.start : least.span.end]
        change = f"改为“{least.text}”" if least.text else "删去"
        return f"最小的改动：把“{words}”{change}，就不再命中"
    return f"有{finding.evidence}就可以说" if finding.evidence else ""


def _inside(inner: Span, outer: Span) -> bool:
    """True when an edit of ``outer`` does away with ``inner``; marks at its edges may stay."""
    if inner.start == inner.end:
        return inner == outer
    return outer.start <= inner.start + 1 and inner.end - 1 <= outer.end and inner.overlaps(outer)


def _shortened(suggestions: Sequence[Rewrite]) -> tuple[list[Rewrite], list[Rewrite]]:
    """Rewrites and a question, so few that another rewrite has room beside them."""
    real = [item for item in suggestions if item.apply is not Apply.MANUAL]
    asked = [item for item in suggestions if item.apply is Apply.MANUAL]
    return real[: MOST_REWRITES - 2], asked[:1]


def _covered(finding: Finding, edits: Sequence[Rewrite]) -> bool:
    return any(_inside(finding.span, edit.span) for edit in edits)


def _applied(text: str, edits: Sequence[Rewrite], region: Span) -> str:
    """The text of a region with edits (in document offsets), repeated statements said once."""
    moved = [
        replace(edit, span=Span(edit.span.start - region.start, edit.span.end - region.start))
        for edit in edits
    ]
    return without_repeats(spliced(text, moved))


def _with(region: str, draft: Draft) -> str:
    return region[: draft.span.start] + draft.text + region[draft.span.end :]


def _moved(span: Span, region: Span) -> Span:
    """A span of the document as one of a region's text."""
    return Span(span.start - region.start, span.end - region.start)


def _holds_inside(edit: Rewrite, place: int) -> bool:
    return edit.span.start < place < edit.span.end


def _edit(draft: Draft) -> Rewrite:
    return Rewrite(draft.span, draft.text, draft.apply, draft.note)


class _Change(NamedTuple):
    """What differs between two texts: a stretch of the one, and what the other has there."""

    span: Span
    text: str


def _difference(before: str, after: str) -> _Change:
    """The smallest stretch of ``before`` that another text makes ``after``."""
    least = min(len(before), len(after))
    start = next((n for n in range(least) if before[n] != after[n]), least)
    least -= start
    end = next((n for n in range(least) if before[-1 - n] != after[-1 - n]), least)
    return _Change(Span(start, len(before) - end), after[start : len(after) - end])


def _said_once(one: str, other: str) -> str | None:
    """Of two sentences, of which one holds all clauses of the other, that one; None where neither does."""
    first, second = (
        {text[start:end] for start, end in clause_spans(text, Span(0, len(text.rstrip(SENTENCE_ENDS))))}
        for text in (one, other)
    )
    if first and first <= second:
        return other
    return one if second and second <= first else None


def _in_turn(drafts: Sequence[Draft]) -> Iterator[Draft]:
    """Drafts in the order of their proof: behind the first one those that a person must complete, of which one is shown."""
    first = next((draft for draft in drafts if draft.apply is not Apply.MANUAL), None)
    if first is not None:
        yield first
    yield from (draft for draft in drafts if draft.apply is Apply.MANUAL and not _asks(draft))
    yield from (draft for draft in drafts if draft is not first and draft.apply is not Apply.MANUAL)
    yield from (draft for draft in drafts if _asks(draft))


def _with_losses(region: str, key: _Key, drafts: Sequence[Draft], grammar: Grammar) -> Iterator[Draft]:
    """The drafts with how many clauses beside the claim they drop which another statement may leave standing."""
    said = [
        region[clause.start : clause.end]
        for clause in grammar.clauses(region)
        if not clause.overlaps(Span(key.start, key.end))
    ]
    after = [_with(region, draft) for draft in drafts]
    kept = {
        clause
        for clause in said
        if len(clause) > 2
        for draft, text in zip(drafts, after)
        if draft.kind == "statement" and clause in text
    }
    ends = key.rule_id.startswith("nuisance/")  # what ends a call leaves nothing standing
    for draft, text in zip(drafts, after):
        if draft.kind in ("statement", "answer") and not ends:
            draft = replace(draft, lost=draft.lost + sum(clause not in text for clause in kept))
        yield draft


def _asks(draft: Draft) -> bool:
    """True for a question that changes nothing yet."""
    return draft.kind == "question"


def _only_asks(rewrite: Rewrite, document: Document) -> bool:
    return (
        rewrite.apply is Apply.MANUAL and document.text[rewrite.span.start : rewrite.span.end] == rewrite.text
    )


def _says_something(text: str) -> bool:
    letters = 0
    for letter in text:
        if "\u4e00" <= letter <= "\u9fff" or letter.isalnum():
            letters += 1
            if letters == _FEWEST_LETTERS:
                return True
    return has_slot(text)
