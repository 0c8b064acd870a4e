"""What a rewrite leaves standing beside it.

A sentence is found for one of its clauses, and often the clauses beside it make claims that no rule knows:
这个灵芝粉能抗癌，好多病人都在喝. With the first one answered they would be signed off as they stand. So
every clause that a rewrite keeps is checked alone, and goes too where the model doubts it. Where a statement
has taken the place of the claim, or nothing has, the story around it goes as well (三滴进去, 药片喂了鱼): what
stays must be terms of the offer, an invitation, or the name of what the statement is about. What cannot
be sold at all, or is dangerous to say, must not be left in a text that then checks clean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from checker.late import late
from checker.rewrite.grammar import Grammar, facts, has_slot, joined
from checker.scene import Setting
from checker.types import Span

#: How sure the model must be that a clause alone claims something before it goes with its neighbour;
#: with figures, dates or slots in it, which a customer needs, it must be surer.
_DOUBT, _DOUBT_OF_FACTS = 0.6, 0.85
#: The same where a statement has taken the place of the claim.
_DOUBT_BESIDE, _DOUBT_OF_FACTS_BESIDE = 0.35, 0.6
_SHORTEST = 3
_SOFTER = late(r"比较|不错|挺好|不少")
_PAIRS = (("“", "”"), ("‘", "’"), ("《", "》"), ("（", "）"), ("「", "」"))
#: What a clause ends in whose matter follows a colon.
_ANNOUNCES = late(r"(?:在|是|为|有|如下|包括|包含|地址|电话|时间|地点|流程|价格|费用|配料|内容)$")
#: A price or a size by itself: 237.6万, 89平
_FIGURE = late(
    r"[¥￥]?[0-9]+(?:[.,][0-9]+)*(?:多|余|来)?(?:元|块|万元?|平米?|㎡|楼|层|斤|克|毫升|升|米|厘米)?"
)
_HAN = late(r"[\u4e00-\u9fff]")
_SLOTS = late(r"\{[^}]*\}|【[^】]*】|（[^）]*）|[，。]")
#: A statement that begins so is said of something before it.
_SAID_OF = late(r"属于|是(?![的否])|不是|由(?!您)")
#: A name of a company or its goods that a statement is about is no longer than this.
_LONGEST_NAME = 12
#: A changed clause that shares less than this with what was said is no softer wording but a statement.
_SAID_ANEW = 0.5
#: So many clauses are remembered with what was found of them.
_REMEMBERED = 4096
_STATEMENT, _SHORTEST_PART = 5, 4
#: What is no longer than this and stands before the claim says when, or for whom: 每天一杯醋, 送长辈滋补品.
_SHORT_LEAD = 7


class Neighbours:
    """What a rewrite may leave beside it.

    ``doubt`` gives the model's probability that a text claims something, ``found`` says whether a rule finds
    something, ``statements`` are what rules say instead of a claim.
    """

    def __init__(
        self,
        words: Mapping[str, Any],
        grammar: Grammar,
        doubt: Callable[[str], float],
        found: Callable[[str, Setting], bool],
        statements: Iterable[str],
    ) -> None:
        self._unsellable = re.compile(words["unsellable"])
        self._unsayable = re.compile(words["unsayable"])
        self._offers = re.compile(words["offers"])
        self._plain = re.compile(words["plain"])
        self._boasts = re.compile(words["boasts"])
        self._strangers = re.compile(words["strangers"])
        texts = {*statements, *(text for entry in words["statements"] for text in entry["to"])}
        self._of_price = tuple(text.partition("{amount}")[0] for text in texts if "{amount}" in text)
        parts = {part for text in texts for part in _SLOTS.split(text)}
        #: Parts of statements by their first characters.
        self._statements: dict[str, list[str]] = {}
        for part in parts:
            if len(part) >= _SHORTEST_PART:
                self._statements.setdefault(part[:_SHORTEST_PART], []).append(part)
        self._says = {name: re.compile(pattern) for name, pattern in words["says"].items()}
        self._grammar = grammar
        self._doubt = doubt
        self._found = found
        # What stands beside the finding is the same for every draft.
        self._is_doubtful = lru_cache(maxsize=_REMEMBERED)(self._judge_doubt)
        self._is_out_of_place = lru_cache(maxsize=_REMEMBERED)(self._judge_place)
        self._comes_to = lru_cache(maxsize=_REMEMBERED)(self._said_in)

    def forget(self) -> None:
        """Drop what is remembered of clauses."""
        self._is_doubtful.cache_clear()
        self._is_out_of_place.cache_clear()
        self._comes_to.cache_clear()

    def sells_the_unsellable(self, text: str) -> bool:
        """True when a text offers what no wording makes lawful: gambling, false papers, virtual coins."""
        return self._unsellable.search(text) is not None

    def is_unsayable(self, text: str) -> bool:
        """True when a text says what endangers those who believe it: that medicine can be stopped."""
        return self._unsayable.search(text) is not None

    def without_known(self, text: str, said: str) -> str:
        """``text`` without the statements that come to what ``said`` says, or are said of nothing, at its ends."""
        clauses = self._grammar.clauses(text)
        earlier = self._comes_to(said)
        kept = [
            clause
            for clause in clauses
            if not (own := self._comes_to(text[clause.start : clause.end])) or not own <= earlier
            if not _SAID_OF.match(text[clause.start : clause.end])
        ]
        return (
            "，".join(text[clause.start : clause.end] for clause in kept)
            if len(kept) < len(clauses)
            else text
        )

    def _said_in(self, text: str) -> frozenset[str]:
        return frozenset(name for name, pattern in self._says.items() if pattern.search(text))

    def cleaned(
        self,
        before: str,
        after: str,
        setting: Setting,
        others: Sequence[Span] = (),
        stretches: Iterable[str] = (),
    ) -> str | None:
        """``after`` without the doubtful clauses it keeps of ``before``; None where nothing could stand without them.

        Clauses in which something else was found (``others``, in ``before``) are no matter of this rewrite.
        What stands in ``stretches``, which the answer model leaves of ``before``, is in its place.
        """
        in_place = {
            stretch[clause.start : clause.end]
            for stretch in stretches
            for clause in self._grammar.clauses(stretch)
        }
        kept = {
            before[clause.start : clause.end]
            for clause in self._grammar.clauses(before)
            if not any(clause.start < other.end and other.start < clause.end for other in others)
        }
        clauses = self._grammar.clauses(after)
        words = [after[clause.start : clause.end] for clause in clauses]
        changed = [n for n, clause in enumerate(words) if clause not in kept]
        new = [n for n in changed if self._is_anew(words[n], before)]
        if new:  # what is kept of a clause, as the topic of its statement, must be fit to stand beside it
            kept |= {words[n] for n in changed if words[n] in before}
            changed = [n for n in changed if words[n] not in kept]
        anew = bool(new) or not changed
        first = changed[0] if changed else -1
        priced = bool(changed) and words[first].startswith(self._of_price)
        doubtful = [
            clause
            for n, clause in enumerate(clauses)
            if words[n] in kept
            and (
                self._is_doubtful(words[n], setting, _DOUBT, _DOUBT_OF_FACTS)
                if anew and words[n] in in_place
                else self._is_out_of_place(words[n], setting, leads=n < first)
                and not (priced and n == first - 1 and self._grammar.is_noun_phrase(words[n]))
                if anew
                else self._is_doubtful(words[n], setting, _DOUBT, _DOUBT_OF_FACTS)
                and not (n < first and len(words[n]) <= _SHORT_LEAD)
            )
        ]
        for n in range(len(clauses) - 1, 0, -1):  # 办公地址在： says nothing without what it announces
            announced = after[clauses[n - 1].end : clauses[n].start].strip() in ("：", ":")
            if announced and clauses[n] in doubtful and _ANNOUNCES.search(words[n - 1]):
                if clauses[n - 1] not in doubtful and not self._is_doubtful(
                    words[n], setting, _DOUBT_BESIDE, _DOUBT_OF_FACTS_BESIDE
                ):
                    doubtful.remove(clauses[n])
                elif words[n - 1] in kept and clauses[n - 1] not in doubtful:
                    doubtful.append(clauses[n - 1])
        if not doubtful:
            return None if self.is_unsayable(after) or _is_torn(before, after) else after
        if all(clause in doubtful or self._grammar.is_address(said) for clause, said in zip(clauses, words)):
            return None
        out = after[: clauses[0].start]
        named = ""  # the clause that went from where the sentence begins
        place = -1
        opens = True
        for number, clause in enumerate(clauses):
            said = words[number]
            if clause in doubtful:
                named = named or (said if opens else "")
                continue
            if place >= 0:
                labelled = after[clauses[place].end : clauses[place].end + 1] in "：:"
                pause = place if labelled else number - 1
                out += after[clauses[pause].end : clauses[pause + 1].start]  # 答：放心，| 价格有涨有跌
            if opens and named:
                said = self._with_topic(named, said, after)
            opens = opens and self._grammar.is_address(said)
            out += said
            place = number
        end = after[clauses[-1].end :]
        out += re.sub("^[？?]", "。", end) if clauses[-1] in doubtful else end
        if _is_torn(before, out):
            return None
        if _SAID_OF.match(out.lstrip()) and not _SAID_OF.match(before.lstrip()):
            return None
        return None if self.is_unsayable(out) else out

    def _is_anew(self, clause: str, before: str) -> bool:
        """True for a clause that has taken the place of words, rather than a softer wording of them."""
        for start in range(len(clause)):
            begun = self._statements.get(clause[start : start + _SHORTEST_PART], ())
            if any(clause.startswith(part, start) for part in begun):
                return True
        if _SOFTER.search(clause):
            return False
        said = set(before)
        return len(clause) >= _STATEMENT and sum(letter in said for letter in clause) < _SAID_ANEW * len(
            clause
        )

    def _judge_doubt(self, clause: str, setting: Setting, limit: float, limit_of_facts: float) -> bool:
        if len(clause) < _SHORTEST or self._grammar.is_address(clause) or _FIGURE.fullmatch(clause):
            return False
        if self._grammar.is_invitation(clause):
            return False
        most = limit_of_facts if facts(clause) else limit
        return self._doubt(clause) >= most or self._found(clause, setting)

    def _judge_place(self, clause: str, setting: Setting, *, leads: bool) -> bool:
        """True when a clause beside a statement is doubtful, or is neither an offer nor what the statement is about."""
        if self._grammar.is_address(clause) or (has_slot(clause) and "{" in clause):
            return False
        if self._grammar.is_invitation(clause):
            return False
        if not _HAN.search(clause) or _FIGURE.fullmatch(clause):
            return False  # a name or a figure
        named = self._grammar.named(clause) or self._grammar.goods(clause)
        if leads and named is not None and named.text == clause:
            return False
        is_name = len(clause) <= _LONGEST_NAME and not self._grammar.has_verb(clause)
        if leads and is_name and self._grammar.names(clause):
            return False
        if self._strangers.match(clause):
            return True
        of_goods = named is not None and (leads or (self._grammar.is_goods(named) and "是" in clause))
        plain = (of_goods or self._plain.match(clause)) and not self._boasts.search(clause)
        if not plain and not self._offers.search(clause):
            return True
        return self._is_doubtful(clause, setting, _DOUBT_BESIDE, _DOUBT_OF_FACTS_BESIDE)

    def _with_topic(self, gone: str, clause: str, text: str) -> str:
        """A clause with what the one that went before it had named, if it can be said of that."""
        topic = self._grammar.named(gone) or self._grammar.goods(gone)
        if topic is None or text.count(topic.text) > gone.count(topic.text):
            return clause
        if re.match(r"[这那我咱您你]|投资有", clause) or self._grammar.is_about_people(topic.text):
            return clause
        return joined(topic, clause)


def _is_torn(before: str, after: str) -> bool:
    """True when a change takes one of two marks whose other stands in the next sentence: “…。”"""
    return any(after.count(a) - after.count(b) != before.count(a) - before.count(b) for a, b in _PAIRS)
