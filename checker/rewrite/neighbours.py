"""What a rewrite leaves standing beside it.

A sentence is found for one of its clauses, and often the clauses beside it make claims that no rule knows:
这个灵芝粉能抗癌，好多病人都在喝. With the first one answered they would be signed off as they stand. So
every clause that a rewrite keeps is checked alone, and goes too where the model doubts it. What cannot
be sold at all, or is dangerous to say, must not be left in a text that then checks clean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from checker.rewrite.grammar import SENTENCE_ENDS, Grammar, clause_spans, facts, joined
from checker.scene import Setting
from checker.types import Span

#: How sure the model must be that a clause alone claims something before it goes with its neighbour;
#: with figures, dates or slots in it, which a customer needs, it must be surer.
_DOUBT, _DOUBT_OF_FACTS = 0.6, 0.85
_SHORTEST = 3
#: What is no longer than this and stands before the claim says when, or for whom: 每天一杯醋, 送长辈滋补品.
_SHORT_LEAD = 7


class Neighbours:
    """``doubt`` gives the model's probability that a text claims something, ``found`` says whether a rule finds something."""

    def __init__(
        self,
        words: Mapping[str, Any],
        grammar: Grammar,
        doubt: Callable[[str], float],
        found: Callable[[str, Setting], bool],
    ) -> None:
        self._unsellable = re.compile(words["unsellable"])
        self._unsayable = re.compile(words["unsayable"])
        self._says = {name: re.compile(pattern) for name, pattern in words["says"].items()}
        self._grammar = grammar
        self._doubt = doubt
        self._found = found

    def sells_the_unsellable(self, text: str) -> bool:
        """True when a text offers what no wording makes lawful: gambling, false papers, virtual coins."""
        return self._unsellable.search(text) is not None

    def is_unsayable(self, text: str) -> bool:
        """True when a text says what endangers those who believe it: that medicine can be stopped."""
        return self._unsayable.search(text) is not None

    def adds_nothing(self, text: str, said: str) -> bool:
        """True when every clause of ``text`` is a statement that comes to what ``said`` says already."""
        earlier = self._comes_to(said)
        own = [self._comes_to(text[clause.start : clause.end]) for clause in _clauses(text)]
        return bool(own) and all(some and some <= earlier for some in own)

    def _comes_to(self, text: str) -> set[str]:
        return {name for name, pattern in self._says.items() if pattern.search(text)}

    def cleaned(self, before: str, after: str, setting: Setting, others: Sequence[Span] = ()) -> str | None:
        """``after`` without the doubtful clauses it keeps of ``before``; None where nothing could stand without them.

        Clauses in which something else was found (``others``, in ``before``) are no matter of this rewrite.
        """
        kept = {
            before[clause.start : clause.end]
            for clause in _clauses(before)
            if not any(clause.start < other.end and other.start < clause.end for other in others)
        }
        clauses = _clauses(after)
        changed = [n for n, clause in enumerate(clauses) if after[clause.start : clause.end] not in kept]
        doubtful = [
            clause
            for number, clause in enumerate(clauses)
            if self._is_doubtful(after[clause.start : clause.end], kept, setting)
            and not (changed and number < changed[0] and clause.end - clause.start <= _SHORT_LEAD)
        ]
        if not doubtful:
            return None if self.is_unsayable(after) else after
        if len(doubtful) == len(clauses):
            return None
        out = after[: clauses[0].start]
        named = ""  # the clause that went from where the sentence begins
        place = -1
        opens = True
        for number, clause in enumerate(clauses):
            words = after[clause.start : clause.end]
            if clause in doubtful:
                named = named or (words if opens else "")
                continue
            if place >= 0:
                out += after[clauses[number - 1].end : clause.start]
            if opens and named:
                words = self._with_topic(named, words, after)
            opens = opens and self._grammar.is_address(words)
            out += words
            place = number
        out += after[clauses[-1].end :]
        return None if self.is_unsayable(out) else out

    def _is_doubtful(self, clause: str, kept: set[str], setting: Setting) -> bool:
        if clause not in kept or len(clause) < _SHORTEST or self._grammar.is_address(clause):
            return False
        limit = _DOUBT_OF_FACTS if facts(clause) else _DOUBT
        return self._doubt(clause) >= limit or self._found(clause, setting)

    def _with_topic(self, gone: str, clause: str, text: str) -> str:
        """A clause with what the one that went before it had named, if it can be said of that."""
        topic = self._grammar.named(gone) or self._grammar.goods(gone)
        if topic is None or text.count(topic.text) > gone.count(topic.text):
            return clause
        if re.match(r"[这那我咱您你]|投资有", clause) or self._grammar.is_about_people(topic.text):
            return clause
        return joined(topic, clause)


def _clauses(text: str) -> list[Span]:
    return clause_spans(text, Span(0, len(text.rstrip(SENTENCE_ENDS))))
