"""Obligations over a dialogue: what had to be said, by whom, by when.

A duty is a rule with ``missing`` (``lexicons/duties.yaml`` and packs): a small temporal language.
A duty *arises* at the start of the call or at the turn whose words ``after`` names; it is *due*
when its time is up (``within`` so many turns, agent turns or seconds), when the words of
``before`` or ``until`` are said, or when the call ends, whichever comes first. It is fulfilled by
the words of ``say`` between these two. Its finding is an empty span at the turn where the time ran
out. Only dialogues are judged: a sentence taken out of a call cannot fail to name the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checker.document import Turn
from checker.lexicon import Cues, Lexicon, Missing, Rule
from checker.matching import either, found_any
from checker.scene import Scene, Setting
from checker.types import Explanation, Finding, Level, Span


def missing_statements(
    scene: Scene, part: int, lexicon: Lexicon, setting: Setting, *, ended: bool = True
) -> list[Finding]:
    """A finding for every duty of a document that arose and was not fulfilled.

    The end of a call ends the time of every duty; in a call that goes on (``ended`` false) only
    duties whose time has run out are found. The fingerprint fields hold the rule id until findings
    are numbered.
    """
    document = scene.documents[part]
    if not document.turns:
        return []
    call = Call(scene, part)
    out: list[Finding] = []
    for rule in lexicon.duties:
        duty = rule.missing
        if duty is None or document.kind not in duty.kinds or not holds(rule, setting):
            continue
        due = _unfulfilled(duty, call, ended=ended)
        if due is not None:
            place = Span(due.span.end, due.span.end)
            out.append(dialogue_finding(rule, lexicon, setting, due, place, "", rule.id))
    return out


def holds(rule: Rule, setting: Setting) -> bool:
    """True when the rule holds in the industry and the channel."""
    in_industry = not rule.industries or setting.industry in rule.industries
    return in_industry and (not rule.channels or setting.channel in rule.channels)


class Call:
    """The turns of one document of a scene and what is said in them."""

    def __init__(self, scene: Scene, part: int) -> None:
        self.turns = scene.documents[part].turns
        first = scene.first_turns[part]
        self.texts = [scene.turn_text(first + index) for index in range(len(self.turns))]
        self.has_customer = scene.has_customer(part)

    def by(self, speaker: str, turns: Iterable[Turn] | None = None) -> list[Turn]:
        """The turns of a speaker; words of an unknown one may be anybody's."""
        return [turn for turn in turns or self.turns if turn.speaker in (speaker, "unknown")]

    def when_said(self, cues: Cues, turns: Iterable[Turn] | None = None) -> Turn | None:
        """The first turn in which one of the cues occurs."""
        found = (t for t in self.by(cues.by, turns) if found_any(cues.patterns, self.texts[t.index]))
        return next(found, None)


def _unfulfilled(duty: Missing, call: Call, *, ended: bool) -> Turn | None:
    """The turn at which the time of the duty ran out; None if it was fulfilled or never arose."""
    own = call.by(duty.by)
    if len(own) < duty.min_agent_turns or duty.voices == ("agent" if call.has_customer else "both"):
        return None
    if not all(call.when_said(cues) for cues in duty.when) or any(map(call.when_said, duty.unless)):
        return None
    start, stop = 0, len(call.turns)
    if duty.after is not None:
        arose = call.when_said(duty.after)
        if arose is None:
            return None
        start = arose.index
    if duty.before is not None:
        limit = call.when_said(duty.before)
        if limit is None:
            return None
        stop = limit.index + 1
    if duty.until is not None:
        end = call.when_said(duty.until, call.turns[start:])
        stop = min(stop, end.index + 1) if end is not None else stop
    time = _in_time(duty, call.turns[start:stop], is_later=duty.after is not None)
    mine = call.by(duty.by, time) if time else []
    heard = call.by(duty.by, call.turns[: time[-1].index + 1]) if duty.earlier and time else mine
    if not mine or any(_says(duty, call.texts[turn.index]) for turn in heard):
        return None
    if not ended and len(time) == len(call.turns) - start and len(mine) < (duty.agent_turns or len(time) + 1):
        return None
    return mine[-1]


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
        basis=lexicon.basis_for(rule, setting.channel),
        explanation=Explanation(source=rule.kind, fired=fired, notes=notes),
        confidence=round(lexicon.confidence(rule), 3),
        fingerprint=matched or rule.id,
        evidence=rule.evidence,
    )
