"""Personal data that the seller reads out: rules with ``personal``."""

from __future__ import annotations

from checker.document import Document
from checker.duties import dialogue_finding, holds
from checker.lexicon import Lexicon
from checker.personal import find_personal_data
from checker.scene import Setting
from checker.types import Finding


def read_out(document: Document, lexicon: Lexicon, setting: Setting) -> list[Finding]:
    """A finding for every number in the seller's words that a rule with ``personal`` names.

    Their fingerprint fields hold the words until findings are numbered.
    """
    rules = [rule for rule in lexicon.personal if holds(rule, setting)]
    out: list[Finding] = []
    for datum in find_personal_data(document.text) if rules else ():
        turn = document.turn_at(datum.span.start)
        if turn is not None and turn.speaker == "customer":
            continue
        matched = document.text[datum.span.start : datum.span.end]
        out += [
            dialogue_finding(rule, lexicon, setting, turn, datum.span, matched, datum.kind)
            for rule in rules
            if datum.kind in rule.personal
        ]
    return out
