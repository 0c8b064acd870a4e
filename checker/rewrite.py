"""From findings to rewrites, each proven by checking again.

A rule states what to put in the place of a finding; this module repairs what is left (punctuation,
a dangling 的) and shows the result only when the sentence with it checks clean where the finding
was and holds no finding it did not hold before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from checker.document import Document
from checker.engine import Engine, Scene, Setting
from checker.types import Apply, Finding, Report, Rewrite, Span, State

_MARKS = "，。！？；、,;"


class Rewriter:
    """Makes and proves rewrites with one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._proofs: dict[tuple[str, str | None, str], Counter[str]] = {}

    def attach(self, finding: Finding, document: Document, setting: Setting) -> Finding:
        """The finding with its proven rewrites, in the rule's order."""
        rule = self._engine.lexicon.rule_by_id.get(finding.rule_id)
        if rule is None or finding.state is State.EXCUSED:
            return finding
        made = []
        for option in rule.rewrites:
            rewrite = self._make(option, finding, document.text)
            if rewrite is not None and self._proven(rewrite, finding, document, setting):
                made.append(rewrite)
        return replace(finding, rewrites=tuple(made)) if made else finding

    def _make(self, option: Mapping[str, Any], finding: Finding, text: str) -> Rewrite | None:
        apply = Apply(option["apply"] or ("manual" if option["ask"] else "suggest"))
        note = option["ask"] or ""
        if option["insert"] is not None:
            return Rewrite(finding.span, option["insert"], apply, note)
        if option["delete"]:
            return _delete(finding.span, text, apply)
        if option["map"] or option["to"] is not None:
            words = finding.explanation.read_as or finding.matched
            chosen = option["map"].get(words, option["to"])
            if chosen is None or chosen == finding.matched:
                return None
            return Rewrite(finding.span, chosen.replace("{matched}", finding.matched), apply, note)
        return Rewrite(finding.span, finding.matched, Apply.MANUAL, note)

    def _proven(self, rewrite: Rewrite, finding: Finding, document: Document, setting: Setting) -> bool:
        if rewrite.apply is Apply.MANUAL and rewrite.text == finding.matched:
            return True  # a question to a person changes nothing yet
        if finding.span.start == finding.span.end:
            return not self._check(rewrite.text, setting)
        around = self._sentence(document, rewrite.span)
        text = document.text
        before = self._check(text[around.start : around.end], setting)
        changed = text[around.start : rewrite.span.start] + rewrite.text + text[rewrite.span.end : around.end]
        after = self._check(changed, setting)
        left = before - Counter({finding.rule_id: 1})
        return all(count <= left[name] for name, count in after.items())

    def _sentence(self, document: Document, span: Span) -> Span:
        """The part of the original text that holds the sentences the span touches."""
        text = document.text
        ends = "。！？!?；;…\n\r"
        start, end = span.start, span.end
        while start > 0 and text[start - 1] not in ends:
            start -= 1
        while end < len(text) and text[end] not in ends:
            end += 1
        turn = document.turn_at(span.start)
        if turn is not None:
            start, end = max(start, turn.span.start), min(end, turn.span.end)
        return Span(min(start, span.start), max(end, span.end))

    def _check(self, text: str, setting: Setting) -> Counter[str]:
        """Rule ids found in a piece of text said by the seller, with counts."""
        key = (text, setting.industry, setting.channel)
        if key not in self._proofs:
            if len(self._proofs) > 5000:
                self._proofs.clear()
            scene = Scene([Document(text=text)])
            known = Setting(setting.industry, True, setting.channel)
            ((found, _),) = self._engine.findings(scene, [known])
            self._proofs[key] = Counter(finding.rule_id for finding in found)
        return self._proofs[key]


def _delete(span: Span, text: str, apply: Apply) -> Rewrite:
    """Delete the span together with the mark or particle that would be left hanging."""
    start, end = span
    before = text[start - 1] if start else "\n"
    after = text[end] if end < len(text) else "\n"
    if after in "的地得" and before in _MARKS + "\n":
        end += 1
        after = text[end] if end < len(text) else "\n"
    if before in _MARKS + "\n" and after in _MARKS:
        end += 1
    return Rewrite(Span(start, end), "", apply)


def best(finding: Finding) -> Rewrite | None:
    """The first rewrite that needs no fact from a person."""
    return next((item for item in finding.rewrites if item.apply is not Apply.MANUAL), None)


def apply_rewrites(text: str, rewrites: list[Rewrite]) -> str:
    """The text with the rewrites applied; of two that overlap the first in the text counts."""
    parts: list[str] = []
    place = 0
    for rewrite in sorted(rewrites, key=lambda item: item.span):
        if rewrite.span.start < place:
            continue
        inserted = rewrite.text
        if rewrite.span.start == rewrite.span.end and inserted:
            before = text[: rewrite.span.start]
            if before and not re.search(r"[。！？!?；;，,\n]$", before):
                inserted = "。" + inserted
        parts += [text[place : rewrite.span.start], inserted]
        place = rewrite.span.end
    return "".join(parts) + text[place:]


def rewritten(report: Report) -> str:
    """The document's text with the best rewrite of every finding that has one."""
    chosen = [rewrite for finding in report.findings if (rewrite := best(finding))]
    return apply_rewrites(report.document.text, chosen)
