"""Obligations over a dialogue: what had to be said, by whom, by when.

A duty is a rule with ``missing`` (``lexicons/duties.yaml`` and packs): a small temporal language.
A duty *arises* at the start of the call or at the turn whose words ``after`` names; it is *due*
when its time is up (``within`` so many turns, agent turns or seconds), when the words of
``before`` or ``until`` are said, or when the call ends, whichever comes first. It is fulfilled by
the words of ``say`` between these two. Its finding is an empty span at the turn where the time ran
out. Only dialogues are judged: a sentence taken out of a call cannot fail to name the caller.
"""

from __future__ import annotations

from collections.abc import Sequence

from checker.document import Turn
from checker.lexicon import Cues, Lexicon, Missing, Rule
from checker.matching import either, found_any
from checker.said import Call, Memory, Question
from checker.scene import Setting
from checker.turns import default_turns
from checker.types import Explanation, Finding, Level, Span


class Duties:
    """The duties of a lexicon, ready to judge calls."""

    def __init__(self, lexicon: Lexicon, memory: Memory) -> None:
        self._lexicon = lexicon
        self._duties = [_Duty(rule, rule.missing, memory) for rule in lexicon.duties if rule.missing]
        self._active: dict[tuple[str | None, str, str], list[_Duty]] = {}

    def missing(self, call: Call, setting: Setting, *, ended: bool = True) -> list[Finding]:
        """A finding for every duty of a call that arose and was not fulfilled.

        The end of a call ends the time of every duty; in a call that goes on (``ended`` false) only
        duties whose time has run out are found. The fingerprint fields hold the rule id until findings
        are numbered.
        """
        if not call.turns:
            return []
        out: list[Finding] = []
        for duty in self._holding(setting, call.document.kind):
            due = duty.unfulfilled(call, ended=ended)
            if due is not None:
                place = Span(due.span.end, due.span.end)
                rule = duty.rule
                out.append(dialogue_finding(rule, self._lexicon, setting, due, place, "", rule.id))
        return out

    def _holding(self, setting: Setting, kind: str) -> list[_Duty]:
        key = (setting.industry, setting.channel, kind)
        if key not in self._active:
            self._active[key] = [
                duty for duty in self._duties if kind in duty.terms.kinds and holds(duty.rule, setting)
            ]
        return self._active[key]


def holds(rule: Rule, setting: Setting) -> bool:
    """True when the rule holds in the industry and the channel."""
    in_industry = not rule.industries or setting.industry in rule.industries
    return in_industry and (not rule.channels or setting.channel in rule.channels)


class _Duty:
    """A duty with its cues as questions."""

    def __init__(self, rule: Rule, terms: Missing, memory: Memory) -> None:
        self.rule = rule
        self.terms = terms

        def asked(cues: Cues | None) -> Question | None:
            return memory.holds_any(cues.patterns) if cues else None

        self._when = [(memory.holds_any(cues.patterns), cues.by) for cues in terms.when]
        self._unless = [(memory.holds_any(cues.patterns), cues.by) for cues in terms.unless]
        self._after, self._before, self._until = map(asked, (terms.after, terms.before, terms.until))
        self._says = memory.question(lambda text: _says(terms, text))

    def unfulfilled(self, call: Call, *, ended: bool) -> Turn | None:
        """The turn at which the time of the duty ran out; None if it was fulfilled or never arose."""
        terms = self.terms
        own = call.by(terms.by)
        if len(own) < terms.min_agent_turns or terms.voices == ("agent" if call.has_customer else "both"):
            return None
        if terms.wanted and _is_unwanted(call):
            return None
        for question, speaker in self._when:
            if not call.ever(question, speaker):
                return None
        for question, speaker in self._unless:
            if call.ever(question, speaker):
                return None
        start, stop = 0, len(call.turns)
        if self._after is not None and terms.after is not None:
            arose = call.first(self._after, call.by(terms.after.by))
            if arose is None:
                return None
            start = arose.index
        if self._before is not None and terms.before is not None:
            limit = call.first(self._before, call.by(terms.before.by))
            if limit is None:
                return None
            stop = limit.index + 1
        if self._until is not None and terms.until is not None:
            later = [index for index in call.by(terms.until.by) if index >= start]
            end = call.first(self._until, later)
            stop = min(stop, end.index + 1) if end is not None else stop
        time = _in_time(terms, call.turns[start:stop], is_later=terms.after is not None)
        if not time:
            return None
        last = time[-1].index
        mine = [index for index in own if start <= index <= last]
        heard = [index for index in own if index <= last] if terms.earlier else mine
        if not mine or call.first(self._says, heard) is not None:
            return None
        still_open = len(time) == len(call.turns) - start and len(mine) < (terms.agent_turns or len(time) + 1)
        return None if still_open and not ended else call.turns[mine[-1]]


def _is_unwanted(call: Call) -> bool:
    """True when three quarters of the customer's turns say no: who wants nothing need not be told its terms."""
    model = default_turns().customer
    nos = [call.said[turn.index].scored(model) > 0 for turn in call.turns if turn.speaker == "customer"]
    return 4 * sum(nos) > 3 * len(nos)


def _in_time(duty: Missing, turns: Sequence[Turn], *, is_later: bool) -> Sequence[Turn]:
    """The turns from where the duty arises until its time is up."""
    stop = len(turns)
    if duty.turns is not None:
        # The turn in which the duty arises does not use up its time.
        stop = min(stop, duty.turns + is_later)
    if duty.agent_turns is not None:
        mine = [place for place, turn in enumerate(turns) if turn.speaker in (duty.by, "unknown")]
        if len(mine) > duty.agent_turns:
            stop = min(stop, mine[duty.agent_turns - 1] + 1)
    if duty.seconds is not None and turns and (begin := turns[0].begin) is not None:
        late = (i for i, turn in enumerate(turns) if turn.begin is not None)
        stop = min(stop, next((i for i in late if (turns[i].begin or 0) - begin > duty.seconds), stop))
    return turns[:stop]


def _says(duty: Missing, text: str) -> bool:
    """True when the text holds words that fulfil the duty and lie in no exception."""
    if not found_any(duty.say, text):
        return False
    if not duty.excepted or not found_any(duty.excepted, text):
        return True
    encoded = text.encode()
    excepted = list(either(duty.excepted).spans(encoded, 0))
    return any(
        not any(start <= a and b <= end for start, end in excepted)
        for pattern in duty.say
        for a, b in either((pattern,)).spans(encoded, 0)
    )


def dialogue_finding(
    rule: Rule,
    lexicon: Lexicon,
    setting: Setting,
    turn: Turn | None,
    span: Span,
    matched: str,
    fired: str,
    notes: tuple[str, ...] = (),
) -> Finding:
    """A finding that rests on more than the words of one sentence."""
    level = rule.level
    guessed = (rule.industries and not setting.industry_given) or (
        rule.channels and not setting.channel_given
    )
    if guessed and level is Level.BLOCK:
        level = Level.REVIEW
    return Finding(
        rule_id=rule.id,
        category=rule.category,
        level=level,
        state=rule.state,
        span=span,
        matched=matched,
        turn=turn.index if turn else None,
        message=rule.message.replace("{matched}", matched),
        why=rule.why,
        basis=lexicon.basis_for(rule, setting.channel, setting.industry),
        explanation=Explanation(source=rule.kind, fired=fired, notes=notes),
        confidence=round(lexicon.confidence(rule), 3),
        fingerprint=matched or rule.id,
        evidence=rule.evidence,
    )
