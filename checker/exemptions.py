"""Whether a candidate is excused, and by which clause.

An exemption is decided from the words around the candidate: what it is said of, scope, time,
source, the speaker's stance. It is data (``lexicons/exemptions.yaml``); this module evaluates its
conditions on one sentence. Excused candidates are kept and shown, never thrown away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from checker.lexicon import MARK, Exemption, Lexicon, Rule
from checker.matching import Pattern, either, regex
from checker.normalize import CLAUSE_ENDS
from checker.types import Attempt

_MARK = MARK.encode()
_FAR = frozenset(("turn", "document"))
_CLAUSE = re.compile(f"[{CLAUSE_ENDS}]")


class Context:
    """A candidate in its sentence, and what lies around the sentence.

    ``start`` and ``end`` are offsets in ``sentence`` (a view's text). ``tokens`` are token spans
    of the sentence. ``beyond`` gives the text of the "turn" or the "document"; without it conditions
    that look there are taken not to hold and listed in ``unseen``. ``held`` remembers which condition holds of which words, for all candidates judged together:
    what stands before or after them is often the same.
    """

    __slots__ = (
        "_clause_span",
        "_encoded",
        "beyond",
        "end",
        "held",
        "sentence",
        "start",
        "tokens",
        "unseen",
    )

    def __init__(
        self,
        sentence: str,
        start: int,
        end: int,
        tokens: Callable[[], list[tuple[int, int]]],
        beyond: Callable[[str], str] | None = None,
        held: dict[tuple[Condition, bytes], bool] | None = None,
    ) -> None:
        self.sentence = sentence
        self.start = start
        self.end = end
        self.tokens = tokens
        self.beyond = beyond
        self.unseen: tuple[Condition, ...] = ()
        self.held = {} if held is None else held
        self._clause_span: tuple[int, int] | None = None
        self._encoded: dict[str, bytes] = {}

    @property
    def clause_span(self) -> tuple[int, int]:
        """(start, end) in the sentence of the clause, or clauses, that the candidate touches."""
        if self._clause_span is None:
            start = 0
            for match in _CLAUSE.finditer(self.sentence, 0, self.start):
                start = match.end()
            after = _CLAUSE.search(self.sentence, self.end)
            self._clause_span = start, after.start() if after else len(self.sentence)
        return self._clause_span

    def _part(self, name: str) -> str:
        if name == "around":
            return f"{self.sentence[: self.start]}{MARK}{self.sentence[self.end :]}"
        if name == "inside":
            return self.sentence[self.start : self.end]
        if name == "sentence":
            return self.sentence
        if name == "sentence_before":
            return self.sentence[: self.start]
        if name == "sentence_after":
            return self.sentence[self.end :]
        if name == "token":
            for start, end in self.tokens():
                if start <= self.start < end:
                    return self.sentence[start:end]
            return ""
        first, last = self.clause_span
        if name == "before":
            return self.sentence[first : self.start]
        if name == "after":
            return self.sentence[self.end : last]
        return self.sentence[first:last]

    def part(self, name: str) -> bytes:
        """The text, in UTF-8, that a condition of this name looks at.

        ``around`` is the sentence with the candidate replaced by one private character.
        """
        encoded = self._encoded.get(name)
        if encoded is None:
            encoded = self._encoded[name] = self._part(name).encode()
        return encoded


class Condition:
    """One condition, as listed in ``lexicons/README.md``; its pattern is compiled when first needed."""

    __slots__ = (
        "_compiled",
        "_is_far",
        "_is_searched",
        "_known",
        "_pattern",
        "is_negated",
        "part",
    )

    def __init__(self, name: str, pattern: str) -> None:
        self.is_negated = name.startswith("not_")
        self.part = name.removeprefix("not_")
        self._pattern = f"(?:{pattern})$" if self.part == "before" else pattern
        self._compiled: Pattern | None = None
        self._known: tuple[str, bool] | None = None
        self._is_far = self.part in _FAR
        self._is_searched = self.part not in ("after", "inside", "token", "around")

    def holds(self, context: Context) -> bool:
        """True when the condition holds of a candidate."""
        if self._is_far:
            if context.beyond is None:
                context.unseen += (self,)
                return False
            return self.holds_beyond(context.beyond)
        text = context.part(self.part)
        key = self, text
        known = context.held.get(key)
        if known is None:
            known = context.held[key] = self._matches(text) is not self.is_negated
        return known

    def holds_beyond(self, beyond: Callable[[str], str]) -> bool:
        """Whether the condition holds of a turn or document: looked up once for all of its candidates."""
        text = beyond(self.part)
        known = self._known
        if known is None or known[0] != text:
            known = self._known = text, self._matches(text.encode()) is not self.is_negated
        return known[1]

    def _matches(self, text: bytes) -> bool:
        pattern = self._compiled
        if pattern is None:
            pattern = self._compiled = regex(self._pattern)
        if self._is_searched:
            return pattern.found(text)
        if self.part == "after":
            return pattern.starts(text)
        if self.part in ("inside", "token"):
            return pattern.is_all(text)
        return pattern.found(text) and any(_MARK in piece for piece in pattern.pieces(text))


def _hold(conditions: Iterable[Condition], context: Context) -> bool:
    for condition in conditions:  # noqa: SIM110 (half the time of all)
        if not condition.holds(context):
            return False
    return True


class _Alternative:
    """Conditions under which an exemption holds, and what is told then."""

    __slots__ = ("_failed", "_met", "_refuted", "conditions", "unless")

    def __init__(self, exemption: Exemption, position: int, failed: Attempt, unless: _Conditions) -> None:
        conditions = exemption.any[position]
        self.conditions = tuple(Condition(name, pattern) for name, pattern in conditions.items())
        self.unless = unless
        self._failed = failed
        self._met: Attempt | None = None
        self._refuted: Attempt | None = None

    @property
    def met(self) -> Attempt:
        if self._met is None:
            reason = "、".join(dict.fromkeys(_CONDITION_NAMES[c.part] for c in self.conditions))
            self._met = replace(self._failed, excused=True, reason=f"依据：{reason}")
        return self._met

    @property
    def refuted(self) -> Attempt:
        if self._refuted is None:
            self._refuted = replace(self._failed, reason="语境相符，但被后文推翻或转指商品")
        return self._refuted

    def is_refuted(self, context: Context) -> bool:
        return any(_hold(conditions, context) for conditions in self.unless)


_Conditions = tuple[tuple[Condition, ...], ...]


class _Plan:
    """The exemptions that one rule admits: where each of their alternatives stands among them."""

    __slots__ = ("failed", "places")

    def __init__(self, failed: tuple[Attempt, ...], places: dict[int, int]) -> None:
        self.failed = failed
        self.places = places


class Exemptions:
    """The exemptions of a lexicon, sorted by rule once.

    Most alternatives cannot hold in a sentence because a word they need is not there: one pass
    over the sentence finds the words of all alternatives, and only the others are evaluated. Those
    that need no word are told by what must stand around the candidate, all in one look.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        from ahocorasick_rs import AhoCorasick, Implementation

        self._alternatives: list[_Alternative] = []
        by_exemption: dict[str, range] = {}
        failed: dict[str, Attempt] = {}
        # A literal wakes an alternative through its first group; further groups must be there too.
        wakes: dict[str, list[int]] = {}
        shows: dict[str, list[tuple[int, int]]] = {}
        self._further: dict[int, list[tuple[int, int]]] = {}
        self._always: list[int] = []
        around: list[str] = []
        self._around: list[int] = []
        for exemption in lexicon.exemptions:
            failed[exemption.id] = Attempt(
                exemption.id, exemption.name, False, "语境不符", lexicon.bases[exemption.clause].cite
            )
            unless = tuple(
                tuple(Condition(name, pattern) for name, pattern in conditions.items())
                for conditions in exemption.unless
            )
            first = len(self._alternatives)
            for position, groups in enumerate(exemption.needs):
                number = first + position
                self._alternatives.append(_Alternative(exemption, position, failed[exemption.id], unless))
                for word in groups[0] if groups else ():
                    wakes.setdefault(word, []).append(number)
                for group, alternatives in enumerate(groups[1:]):
                    self._further.setdefault(number, []).append((number, group))
                    for word in alternatives:
                        shows.setdefault(word, []).append((number, group))
                conditions = exemption.any[position]
                # What is only looked for around the candidate can be told of all such alternatives at once.
                if not groups and "around" in conditions and not conditions.keys() & _FAR:
                    around.append(conditions["around"])
                    self._around.append(number)
                elif not groups:
                    self._always.append(number)
            by_exemption[exemption.id] = range(first, len(self._alternatives))
        self._any_around = tuple(around)
        words = sorted({*wakes, *shows})
        self._wakes = [tuple(wakes.get(word, ())) for word in words]
        self._shows = [tuple(shows.get(word, ())) for word in words]
        self._automaton = AhoCorasick(words, implementation=Implementation.ContiguousNFA) if words else None
        by_id = {exemption.id: exemption for exemption in lexicon.exemptions}
        # Most exemptions cover whole categories; only the others are asked about every rule.
        whole = [item for item in lexicon.exemptions if not item.rules and not item.not_rules]
        of_category: dict[str, set[str]] = {}
        plans: dict[tuple[str, ...], _Plan] = {}
        self._plans: dict[str, _Plan] = {}
        for rule in lexicon.rules:
            if rule.strict:
                chosen: Sequence[str] = ()
            elif rule.exemptions is None:
                if rule.category not in of_category:
                    of_category[rule.category] = {item.id for item in whole if item.covers(rule)}
                covering = of_category[rule.category]
                chosen = [
                    item.id
                    for item in lexicon.exemptions
                    if item.id in covering or ((item.rules or item.not_rules) and item.covers(rule))
                ]
            else:
                chosen = [name for name in rule.exemptions if name in by_id]
            key = tuple(chosen)
            if key not in plans:
                places = {n: place for place, name in enumerate(chosen) for n in by_exemption[name]}
                plans[key] = _Plan(tuple(failed[name] for name in chosen), places)
            self._plans[rule.id] = plans[key]

    def possible(self, sentence: str) -> list[int]:
        """The alternatives that may hold in a sentence because the words they need are there."""
        woken = set(self._always)
        shown: set[tuple[int, int]] = set()
        if self._automaton is not None:
            for word in {
                hit[0] for hit in self._automaton.find_matches_as_indexes(sentence, overlapping=True)
            }:
                woken.update(self._wakes[word])
                shown.update(self._shows[word])
        further = self._further
        return [n for n in woken if n not in further or shown.issuperset(further[n])]

    def attempts(self, rule: Rule, context: Context, possible: Iterable[int]) -> tuple[Attempt, ...]:
        """What was tried on a candidate, in order; the last one excused it, if one did.

        ``possible`` is the answer of :meth:`possible` for the candidate's sentence.
        """
        plan = self._plans[rule.id]
        places = plan.places
        if not places:
            return ()
        tries = [(places[number], number) for number in possible if number in places]
        if self._any_around and either(self._any_around).found(context.part("around")):
            tries += [(places[number], number) for number in self._around if number in places]
        tried: list[Attempt] | None = None
        done = -1
        for place, number in sorted(tries):
            alternative = self._alternatives[number]
            if place == done or not _hold(alternative.conditions, context):
                continue
            if alternative.is_refuted(context):
                tried = tried or list(plan.failed)
                tried[place] = alternative.refuted
                done = place
                continue
            return (*(tried or plan.failed)[:place], alternative.met)
        return tuple(tried) if tried else plan.failed


_CONDITION_NAMES = {
    "before": "前面的词",
    "after": "后面的词",
    "around": "前后搭配",
    "inside": "词语本身",
    "clause": "所在小句",
    "sentence": "所在句子",
    "sentence_before": "句中前文",
    "sentence_after": "句中后文",
    "turn": "本轮发言",
    "document": "全文",
    "token": "所在词",
}
