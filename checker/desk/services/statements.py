"""Required statements of a script: said, missing, or not called for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checker.matching import found_any
from checker.scene import Scene

if TYPE_CHECKING:
    from checker.pipeline import Checker
    from checker.types import Report


def states(checker: Checker, report: Report) -> list[dict[str, Any]]:
    """``{"rule", "level", "state", "turn", "message"}`` for each duty of the industry and channel.

    ``state`` is ``missing`` where the report says so, ``said`` with the turn that says it, or
    ``not-due`` where nothing in the dialogue calls for it. A duty arises as :mod:`checker.duties` says.
    """
    document = report.document
    duties = [rule for rule in checker.lexicon.rules if rule.missing is not None]
    missing = {finding.rule_id for finding in report.findings}
    scene = Scene([document]) if document.turns else None
    out: list[dict[str, Any]] = []
    for rule in duties:
        duty = rule.missing
        if duty is None or document.kind not in duty.kinds:
            continue
        if rule.industries and report.industry not in rule.industries:
            continue
        if rule.channels and report.channel not in rule.channels:
            continue
        turn = None
        arises = [*duty.when, *filter(None, (duty.after, duty.before))]
        if scene is not None and (
            all(_said(scene, document.turns, cues.patterns, cues.by) is not None for cues in arises)
        ):
            turn = _said(scene, document.turns, duty.say, duty.by)
        state = "missing" if rule.id in missing else "said" if turn is not None else "not-due"
        out.append(
            {
                "rule": rule.id,
                "level": rule.level.value,
                "state": state,
                "turn": turn,
                "message": rule.message.replace("{matched}", ""),
                "why": rule.why,
            }
        )
    order = ("missing", "said", "not-due")
    return sorted(out, key=lambda item: (order.index(item["state"]), item["rule"]))


def _said(scene: Scene, turns: Any, patterns: Any, by: str | None) -> int | None:
    """The first turn of a speaker that holds one of the patterns."""
    for turn in turns:
        if turn.speaker in (by, "unknown") and found_any(
            patterns, scene.turn_text(scene.first_turns[0] + turn.index)
        ):
            return int(turn.index)
    return None
