"""Obligations over a dialogue: what had to be said, by whom, by when.

A duty is a rule with ``missing`` (``lexicons/duties.yaml`` and packs). Its finding is an empty
span where the time ran out. Only dialogues are judged: a sentence taken out of a call cannot
fail to name the caller.
"""

from __future__ import annotations

from checker.document import Turn
from checker.engine import Scene, Setting
from checker.lexicon import Cues, Lexicon, Missing, Rule
from checker.matching import found_any
from checker.types import Explanation, Finding, Level, Span


def missing_statements(scene: Scene, part: int, lexicon: Lexicon, setting: Setting) -> list[Finding]:
    """A finding for every duty of a document that arose and was not fulfilled.

    Their fingerprint fields hold the rule id until findings are numbered.
    """
    document = scene.documents[part]
    if not document.turns:
        return []
    out: list[Finding] = []
    for rule in lexicon.rules:
        duty = rule.missing
        if duty is None or document.kind not in duty.kinds:
            continue
        if rule.industries and setting.industry not in rule.industries:
            continue
        if rule.channels and setting.channel not in rule.channels:
            continue
        turns = [turn for turn in document.turns if turn.speaker in (duty.by, "unknown")]
        if len(turns) < duty.min_agent_turns:
            continue
        if duty.when is not None and not _said(scene, part, duty.when):
            continue
        if duty.unless is not None and _said(scene, part, duty.unless):
            continue
        within = _in_time(duty, turns)
        first = scene.first_turns[part]
        if any(found_any(duty.say, scene.turn_text(first + turn.index)) for turn in within):
            continue
        out.append(_finding(rule, lexicon, setting, within[-1] if within else turns[0]))
    return out


def _said(scene: Scene, part: int, cues: Cues) -> bool:
    first = scene.first_turns[part]
    return any(
        found_any(cues.patterns, scene.turn_text(first + turn.index))
        for turn in scene.documents[part].turns
        if turn.speaker in (cues.by, "unknown")
    )


def _in_time(duty: Missing, turns: list[Turn]) -> list[Turn]:
    if duty.agent_turns is not None:
        return turns[: duty.agent_turns]
    start = turns[0].begin
    if duty.seconds is not None and start is not None:
        return [turn for turn in turns if turn.begin is None or turn.begin - start <= duty.seconds]
    return turns


def _finding(rule: Rule, lexicon: Lexicon, setting: Setting, turn: Turn) -> Finding:
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
        span=Span(turn.span.end, turn.span.end),
        matched="",
        turn=turn.index,
        message=rule.message.replace("{matched}", ""),
        why=rule.why,
        basis=lexicon.basis_for(rule, setting.channel),
        explanation=Explanation(source="missing", fired=rule.id),
        confidence=round(lexicon.confidence(rule), 3),
        fingerprint=rule.id,
        evidence=rule.evidence,
    )
