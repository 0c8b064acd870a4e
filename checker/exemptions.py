"""Whether a candidate is excused, and by which clause.

An exemption is decided from the words around the candidate: what it is said of, scope, time,
source, the speaker's stance. It is data (``lexicons/exemptions.yaml``); this module evaluates its
conditions on one sentence. Excused candidates are kept and shown, never thrown away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from checker.lexicon import MARK, Exemption, Lexicon, Rule
from checker.matching import regex
from checker.normalize import CLAUSE_ENDS
from checker.types import Attempt

_MARK = MARK.encode()
#: Conditions that do not depend on where in the sentence the candidate stands.
_WHOLE = frozenset({"sentence", "turn", "document"})
_CLAUSE = re.compile(f"[{CLAUSE_ENDS}]")


@dataclass
class Context:
    """A candidate in its sentence, and what lies around the sentence.

    ``start`` and ``end`` are offsets in ``sentence`` (a view's text). ``tokens`` are token spans
    of the sentence. ``turn_text`` and ``document_text`` are only called when a condition asks.
    ``held`` remembers what holds of the whole sentence, for all of its candidates.
    """

    sentence: str
    start: int
    end: int
    tokens: Callable[[], list[tuple[int, int]]]
    turn_text: Callable[[], str]
    document_text: Callable[[], str]
    held: dict[tuple[str, str], bool] = field(default_factory=dict)
    _clause_span: tuple[int, int] | None = None

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

    @property
    def marked(self) -> str:
        """The sentence with the candidate replaced by one private character."""
        return f"{self.sentence[: self.start]}{MARK}{self.sentence[self.end :]}"

    def part(self, name: str) -> str:
        """The text a condition of this name looks at."""
        if name == "around":
            return self.marked
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
        if name in ("turn", "document"):
            return self.turn_text() if name == "turn" else self.document_text()
        first, last = self.clause_span
        if name == "before":
            return self.sentence[first : self.start]
        if name == "after":
            return self.sentence[self.end : last]
        return self.sentence[first:last]

    def holds(self, name: str, pattern: str) -> bool:
        """One condition, as listed in ``lexicons/README.md``."""
        if name.startswith("not_"):
            return not self.holds(name[4:], pattern)
        if name in _WHOLE:
            known = self.held.get((name, pattern))
            if known is None:
                known = self.held[name, pattern] = regex(pattern).found(self.part(name).encode())
            return known
        text = self.part(name).encode()
        if name == "before":
            return regex(f"(?:{pattern})$").found(text)
        if name == "after":
            return regex(pattern).starts(text)
        if name in ("inside", "token"):
            return regex(pattern).is_all(text)
        if name == "around":
            return any(_MARK in piece for piece in regex(pattern).pieces(text))
        return regex(pattern).found(text)

    def failing(self, alternative: Mapping[str, str]) -> str | None:
        """The first condition that does not hold, or None when all hold."""
        for name, pattern in alternative.items():
            if not self.holds(name, pattern):
                return name
        return None


class Exemptions:
    """The exemptions of a lexicon, sorted by rule once.

    Most alternatives cannot hold in a sentence because a word they need is not there: one pass
    over the sentence finds the words of all alternatives, and only the others are evaluated.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        from ahocorasick_rs import AhoCorasick, Implementation

        # A literal wakes an alternative through its first group; further groups must be there too.
        wakes: dict[str, list[tuple[str, int]]] = {}
        self._further: dict[tuple[str, int], tuple[tuple[str, ...], ...]] = {}
        self._always: frozenset[tuple[str, int]] = frozenset(
            (exemption.id, position)
            for exemption in lexicon.exemptions
            for position, groups in enumerate(exemption.needs)
            if not groups
        )
        for exemption in lexicon.exemptions:
            for position, groups in enumerate(exemption.needs):
                for word in groups[0] if groups else ():
                    wakes.setdefault(word, []).append((exemption.id, position))
                if len(groups) > 1:
                    self._further[exemption.id, position] = groups[1:]
        words = sorted(wakes)
        self._wakes = [tuple(wakes[word]) for word in words]
        self._automaton = AhoCorasick(words, implementation=Implementation.ContiguousNFA) if words else None
        self._failed = {
            exemption.id: Attempt(
                exemption.id, exemption.name, False, "语境不符", lexicon.bases[exemption.clause].cite
            )
            for exemption in lexicon.exemptions
        }
        by_id = {exemption.id: exemption for exemption in lexicon.exemptions}
        self._for_rule: dict[str, tuple[Exemption, ...]] = {}
        for rule in lexicon.rules:
            if rule.strict:
                chosen: Sequence[Exemption] = ()
            elif rule.exemptions is None:
                chosen = [item for item in lexicon.exemptions if item.covers(rule)]
            else:
                chosen = [by_id[name] for name in rule.exemptions if name in by_id]
            self._for_rule[rule.id] = tuple(chosen)

    def possible(self, sentence: str) -> dict[str, list[int]]:
        """For each exemption the alternatives that may hold in a sentence, in order."""
        woken = set(self._always)
        if self._automaton is not None:
            for hit in self._automaton.find_matches_as_indexes(sentence, overlapping=True):
                woken.update(self._wakes[hit[0]])
        out: dict[str, list[int]] = {}
        for key in sorted(woken):
            groups = self._further.get(key, ())
            if all(any(word in sentence for word in group) for group in groups):
                out.setdefault(key[0], []).append(key[1])
        return out

    def attempts(
        self, rule: Rule, context: Context, possible: Mapping[str, Sequence[int]]
    ) -> tuple[Attempt, ...]:
        """What was tried on a candidate, in order; the last one excused it, if one did.

        ``possible`` is the answer of :meth:`possible` for the candidate's sentence.
        """
        tried: list[Attempt] = []
        for exemption in self._for_rule[rule.id]:
            failed = self._failed[exemption.id]
            met = None
            for position in possible.get(exemption.id, ()):
                if context.failing(exemption.any[position]) is None:
                    met = exemption.any[position]
                    break
            if met is None:
                tried.append(failed)
                continue
            if any(context.failing(alternative) is None for alternative in exemption.unless):
                tried.append(replace(failed, reason="语境相符，但被后文推翻或转指商品"))
                continue
            reason = "、".join(dict.fromkeys(_CONDITION_NAMES[name.removeprefix("not_")] for name in met))
            tried.append(replace(failed, excused=True, reason=f"依据：{reason}"))
            break
        return tuple(tried)


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
