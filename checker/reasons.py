"""Why an exemption held or failed on a candidate, in words an officer can argue with.

The check only needs to know whether a candidate is excused. What each exemption lacked is found
from the same conditions when somebody reads it: of the alternatives of an exemption the one that
nearly held is told, with the words that speak for it and the condition that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from checker.exemptions import Alternative, Condition, Context, Exemptions
from checker.lexicon import Exemption, Lexicon, Rule
from checker.normalize import SHOWN_SLOT, SLOT
from checker.types import Attempt, Attempts

#: So many characters of the text are repeated at most.
_SHOWN = 16
#: How near an exemption came: taken back by other words, barred by a word, in part.
_TAKEN_BACK, _BARRED, _PARTLY = 0.9, 0.8, 0.7
#: A word of it is there but does not belong to the candidate.
_APART = 0.25
#: What the candidate itself is says less than what stands around it.
_INSIDE = 0.3
#: Of exemptions of which nothing is there, those made for few categories are told first.
_OWN, _FEW = 0.05, 2
#: So many looks at the same words are remembered.
_REMEMBERED = 20_000
_PLACES = {
    "before": "前面",
    "after": "后面",
    "around": "前后",
    "clause": "这一小句",
    "sentence": "本句",
    "sentence_before": "本句前文",
    "sentence_after": "本句后文",
    "turn": "这一轮话",
    "document": "全文",
}


class Reasons:
    """Explains the attempts of the exemptions of one lexicon."""

    def __init__(
        self,
        lexicon: Lexicon,
        exemptions: Exemptions,
        tokens: Callable[[str], list[tuple[int, int]]],
    ) -> None:
        self._exemptions = exemptions
        self._tokens = tokens
        self._by_id = {exemption.id: exemption for exemption in lexicon.exemptions}
        self._own = {
            exemption.id: _OWN
            for exemption in lexicon.exemptions
            if 0 < len(exemption.categories) <= _FEW and lexicon.bases[exemption.clause].strength != "eng"
        }
        self._held: dict[tuple[Condition, bytes], bool] = {}

    def later(
        self, rule: Rule, sentence: str, place: tuple[int, int], attempts: tuple[Attempt, ...]
    ) -> Sequence[Attempt]:
        """The attempts on the candidate at ``place`` of a sentence, with reasons once they are read."""
        if not attempts:
            return attempts
        return Attempts(attempts, lambda: self.told(rule, sentence, place, attempts))

    def told(
        self, rule: Rule, sentence: str, place: tuple[int, int], attempts: tuple[Attempt, ...]
    ) -> tuple[Attempt, ...]:
        """The attempts with what each failed on, or held by."""
        if len(self._held) > _REMEMBERED:
            self._held = {}
        context = Context(sentence, *place, lambda: self._tokens(sentence), held=self._held)
        near = self._exemptions.near(rule, context)
        return tuple(
            self._told(attempt, near.get(attempt.exemption, ()), context)
            if attempt.exemption in self._by_id
            else attempt
            for attempt in attempts
        )

    def _told(
        self, attempt: Attempt, alternatives: Sequence[tuple[Alternative, str]], context: Context
    ) -> Attempt:
        exemption = self._by_id[attempt.exemption]
        if attempt.excused:
            held = next((one for one, _ in alternatives if one.met is attempt), None)
            return replace(attempt, reason=_held(held, exemption, context), near=1.0)
        own = self._own.get(exemption.id, 0.0)
        trials = (_trial(one, word, exemption, context) for one, word in alternatives)
        best = max(trials, default=(0.0, ""), key=lambda trial: trial[0])
        if best[0] <= 0:
            return replace(attempt, reason=_no(exemption), near=own)
        return replace(attempt, reason=best[1], near=best[0] + own)


def _signs(exemption: Exemption) -> str:
    return exemption.signs or f"“{exemption.name}”的词句"


def _no(exemption: Exemption) -> str:
    return f"没有{_signs(exemption)}"


def _held(alternative: Alternative | None, exemption: Exemption, context: Context) -> str:
    """By what an alternative holds: words around the candidate, else what it is or what stands far off."""
    wanted = [] if alternative is None else [c for c in alternative.conditions if not c.is_negated]
    if found := _found(wanted, context):
        return f"有{found}"
    far = next((condition for condition in wanted if condition.is_far), None)
    if alternative is not None and far is not None:
        return f"{_PLACES[far.part]}有{alternative.says.get(far.name) or _signs(exemption)}"
    return f"“{_cut(context.sentence[context.start : context.end])}”是{_signs(exemption)}"


def _trial(alternative: Alternative, word: str, exemption: Exemption, context: Context) -> tuple[float, str]:
    """How nearly an alternative held, and on what it failed; ``word`` is one that it needs."""
    wanted = [condition for condition in alternative.conditions if not condition.is_negated]
    held = [condition for condition in wanted if not condition.is_far and condition.holds(context)]
    missing = [condition for condition in wanted if condition not in held]
    # What cannot be seen from here is not told as missing while something that can be seen is.
    missing.sort(key=lambda condition: condition.is_far)
    found = _found(held, context)
    has = f"有{found}，但" if found else ""
    if missing:
        weighed = sum(_weight(condition, context) for condition in held)
        near = _PARTLY * weighed / (weighed + sum(map(_full, missing)))
        if not found and len(word) > 1:
            return max(near, _APART), f"有“{_cut(word)}”，但{_no(exemption)}"
        # Where only the words themselves would do, what the exemption looks for as a whole is missing.
        return near, has + _lacks(missing[0], alternative, context) if found else _no(exemption)
    barred = next((c for c in alternative.conditions if c.is_negated and not c.holds(context)), None)
    if barred is not None:
        return _BARRED, f"{has}{_bar(barred, context)}，不适用"
    taken_back = [c for c in alternative.refutation(context) if not c.is_negated]
    if taken_back:
        return _TAKEN_BACK, f"{has}{_bar(taken_back[0], context)}，不适用"
    return 0.0, ""


def _full(condition: Condition) -> float:
    return _INSIDE if condition.part in ("inside", "token") else 1.0


def _weight(condition: Condition, context: Context) -> float:
    """How much it says that a condition holds: a single character beside the candidate is little."""
    if condition.part in ("inside", "token"):
        return _INSIDE
    return 1.0 if len(_around(condition, context)) > 1 else 0.0


def _around(condition: Condition, context: Context) -> str:
    """The words of a condition, empty when they are those of the candidate."""
    words = _cut(condition.words(context))
    return "" if words == context.sentence[context.start : context.end] else words


def _lacks(condition: Condition, alternative: Alternative, context: Context) -> str:
    """That what a condition looks for is not there."""
    what = alternative.says.get(condition.name, "这样的词句")
    if condition.part in ("inside", "token"):
        own = context.sentence[context.start : context.end]
        return f"“{_cut(own)}”不是{what}"
    return f"{_PLACES[condition.part]}没有{what}"


def _bar(condition: Condition, context: Context) -> str:
    """That words are there with which an exemption does not hold."""
    words = _cut(condition.words(context))
    if condition.part in ("inside", "token"):
        return f"“{words}”这样的说法"
    return f"{_PLACES[condition.part]}有“{words}”"


def _found(conditions: Sequence[Condition], context: Context) -> str:
    """The words around the candidate that conditions found, each once."""
    words = [
        _around(condition, context)
        for condition in conditions
        if not condition.is_negated and not condition.is_far and condition.part not in ("inside", "token")
    ]
    return "、".join(f"“{word}”" for word in dict.fromkeys(words) if len(word) > 1)


def _cut(words: str) -> str:
    words = words.strip("，。！？；：… ").replace(SLOT, SHOWN_SLOT)
    return words if len(words) <= _SHOWN else f"{words[: _SHOWN // 2]}…{words[-_SHOWN // 2 :]}"
