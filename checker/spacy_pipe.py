"""The spaCy component ``huashu``: findings as spans of a ``Doc``.

``nlp.add_pipe("huashu")`` fills ``doc.spans["huashu"]`` with one span a finding (label = rule id;
spans grow to whole tokens, the exact offsets are in the report) and ``doc._.huashu`` with the
:class:`~checker.Report`. The factory is registered by an entry point of the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from checker.pipeline import Checker

if TYPE_CHECKING:
    from checker.types import Finding

if not Doc.has_extension("huashu"):
    Doc.set_extension("huashu", default=None)
if not Span.has_extension("huashu"):
    Span.set_extension("huashu", default=None)


class HuashuComponent:
    """Checks ``doc.text`` with a :class:`~checker.Checker`."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker

    def __call__(self, doc: Doc) -> Doc:
        """Check the text of ``doc``, attach the spans and the report, and return it."""
        report = self.checker.check(doc.text)
        spans: list[Any] = []
        for finding in report.findings:
            span = self._span(doc, finding)
            if span is not None:
                span._.huashu = finding
                spans.append(span)
        doc.spans["huashu"] = SpanGroup(doc, name="huashu", spans=spans)
        doc._.huashu = report
        return doc

    def _span(self, doc: Doc, finding: Finding) -> Span | None:
        start, end = finding.span
        if start == end:
            return None  # a missing statement has no words; it is in doc._.huashu
        return doc.char_span(start, end, label=finding.rule_id, alignment_mode="expand")


@Language.factory("huashu", default_config={"industry": None, "channel": None, "config": None})
def make_huashu(
    nlp: Language, name: str, industry: str | None, channel: str | None, config: str | None
) -> HuashuComponent:
    """The component; arguments as for :class:`~checker.Checker`."""
    return HuashuComponent(Checker(industry=industry, channel=channel, config=config))
