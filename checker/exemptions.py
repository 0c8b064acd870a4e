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
from checker.matching import Pattern, either, found_any, regex
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
        "_is_searched",
        "_known",
        "_pattern",
        "is_far",
        "is_negated",
        "name",
        "part",
    )

    def __init__(self, name: str, pattern: str) -> None:
        self.name = name
        self.is_negated = name.startswith("not_")
        self.part = name.removeprefix("not_")
        self._pattern = f"(?:{pattern})$" if self.part == "before" else pattern
        self._compiled: Pattern | None = None
        self._known: tuple[str, bool] | None = None
        self.is_far = self.part in _FAR
        self._is_searched = self.part not in ("after", "inside", "token", "around")

    def holds(self, context: Context) -> bool:
        """True when the condition holds of a candidate."""
        if self.is_far:
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

    def words(self, context: Context) -> str:
        """The words that the pattern finds, with the candidate in its place; empty without any."""
        text = context.part(self.part)
        if self.part in ("inside", "token"):
            return text.decode()
        pattern = regex(f"^(?:{self._pattern})" if self.part == "after" else self._pattern)
        pieces = [piece for piece in pattern.pieces(text) if self.part != "around" or _MARK in piece]
        own = context.sentence[context.start : context.end]
        return pieces[0].decode().replace(MARK, own) if pieces else ""

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


class Alternative:
    """Conditions under which an exemption holds; ``says`` names what each looks for."""

    __slots__ = ("conditions", "failed", "met", "says", "unless")

    def __init__(self, exemption: Exemption, position: int, failed: Attempt, unless: _Conditions) -> None:
        conditions = exemption.any[position]
        self.conditions = tuple(Condition(name, pattern) for name, pattern in conditions.items())
        self.says = exemption.says[position]
        self.unless = unless
        self.failed = failed
        self.met = replace(failed, excused=True)

    def refutation(self, context: Context) -> tuple[Condition, ...]:
        """The conditions that take back what holds; empty when none do."""
        return next((conditions for conditions in self.unless if _hold(conditions, context)), ())


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

        self._alternatives: list[Alternative] = []
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
                exemption.id, exemption.name, False, "", lexicon.bases[exemption.clause].cite
            )
            unless = tuple(
                tuple(Condition(name, pattern) for name, pattern in conditions.items())
                for conditions in exemption.unless
            )
            first = len(self._alternatives)
            for position, groups in enumerate(exemption.needs):
                number = first + position
                self._alternatives.append(Alternative(exemption, position, failed[exemption.id], unless))
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
        self._several = [
            number
            for number, alternative in enumerate(self._alternatives)
            if sum(not condition.is_negated for condition in alternative.conditions) > 1
        ]
        self._any_around = tuple(around)
        far: dict[str, set[str]] = {}
        for exemption in lexicon.exemptions:
            for conditions in (*exemption.any, *exemption.unless):
                for name in conditions.keys() & _FAR:
                    far.setdefault(name, set()).add(conditions[name])
        self._far = {name: tuple(sorted(patterns)) for name, patterns in far.items()}
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

    def stirs(self, beyond: Callable[[str], str]) -> bool:
        """False when no condition can hold that looks for something in a turn or document: one look tells."""
        return any(found_any(patterns, beyond(part)) for part, patterns in self._far.items())

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
        done = -1
        for place, number in sorted(tries):
            alternative = self._alternatives[number]
            if place == done or not _hold(alternative.conditions, context):
                continue
            if alternative.refutation(context):
                done = place
                continue
            return (*plan.failed[:place], alternative.met)
        return plan.failed

    def near(self, rule: Rule, context: Context) -> dict[str, list[tuple[Alternative, str]]]:
        """(alternative, word) by exemption: of which something may hold in the sentence.

        More than :meth:`possible`: of several words that are needed one is enough, and of several
        conditions one. The word is the longest of those that are needed and stand beside the
        candidate, empty without any.
        """
        places = self._plans[rule.id].places
        words: dict[int, str] = dict.fromkeys((*self._always, *self._several), "")
        if self._automaton is not None:
            found = self._automaton.find_matches_as_indexes(context.sentence, overlapping=True)
            for place, start, end in found:
                beside = end <= context.start or context.end <= start
                word = context.sentence[start:end] if beside else ""
                for number in (*self._wakes[place], *(number for number, _ in self._shows[place])):
                    words[number] = max(word, words.get(number, ""), key=len)
        if self._any_around and either(self._any_around).found(context.part("around")):
            for number in self._around:
                words.setdefault(number, "")
        out: dict[str, list[tuple[Alternative, str]]] = {}
        for number in sorted(words.keys() & places.keys()):
            alternative = self._alternatives[number]
            out.setdefault(alternative.failed.exemption, []).append((alternative, words[number]))
        return out
