"""From a text to the finding rows of a version, and what waivers and earlier decisions say of them.

A *claim* is what a waiver is about and what two versions have in common: the rule, the matched
words and the sentence around them, in a normal form without blanks. A missing statement is a claim
about the whole text. Any change of the sentence makes another claim, so that a waiver never
reaches words that nobody looked at.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from checker.desk.errors import InvalidError
from checker.desk.services import audit, statements
from checker.desk.store.models import Evidence, FindingRow, Script, Version, Waiver, now
from checker.document import Document
from checker.labels import CATEGORY_NAMES, known_industry
from checker.personal import masked_report
from checker.types import Level, Verdict

if TYPE_CHECKING:
    from checker.desk.services.core import Desk
    from checker.lexicon import Rule
    from checker.pipeline import Checker
    from checker.types import Report

_ENDS = "。！？!?；;…\n"
_BLANK = re.compile(r"[\s\u200b\ufeff]+")
NATIONWIDE = ("", "全国")
#: So many of the exemptions that nearly held are kept with a finding.
_NEAREST = 3


@dataclass(frozen=True)
class Examined:
    """A checked text. ``findings`` and ``excused`` have the JSON shape of a report, plus ``claim``."""

    text: str
    verdict: str
    industry: str | None
    lexicon_version: str
    model_version: str
    findings: tuple[dict[str, Any], ...]
    excused: tuple[dict[str, Any], ...]
    duties: tuple[dict[str, Any], ...]


def said_industry(name: str | None) -> str | None:
    """The id of the industry that a person named; None where nobody did. Raises InvalidError."""
    known = known_industry(name)
    if name and known is None:
        raise InvalidError(f"未知行业：{name}")
    return known


def examine(checker: Checker, text: str, industry: str | None, channel: str) -> Examined:
    """Check a text as a script of this industry (None: guessed) and channel."""
    document = Document.from_text(text, industry=said_industry(industry), channel=channel)
    return examined(checker, checker.check(document))


def examined(checker: Checker, report: Report) -> Examined:
    """The report in the desk's shape; what is kept of findings repeats no personal data."""
    entry = masked_report(report).to_dict()
    document = report.document
    findings = []
    for item in entry["findings"]:
        explanation = dict(item["explanation"])
        # What the farther ones lacked is the same for most findings.
        failed = sorted(explanation["exemptions"], key=lambda attempt: -attempt["near"])[:_NEAREST]
        explanation["exemptions"] = [f"{attempt['name']}：{attempt['reason']}" for attempt in failed]
        findings.append(item | {"explanation": explanation, "claim": claim_of(document, item)})
    return Examined(
        text=document.text,
        verdict=entry["verdict"],
        industry=report.industry,
        lexicon_version=report.lexicon_version,
        model_version=report.model_version,
        findings=tuple(findings),
        excused=tuple(_excused(item) for item in entry["excused"]),
        duties=tuple(statements.states(checker, report)),
    )


def _excused(item: dict[str, Any]) -> dict[str, Any]:
    kept = {key: item[key] for key in ("rule", "category", "level", "start", "end", "text", "turn")}
    granted = [attempt for attempt in item["explanation"]["exemptions"] if attempt["excused"]]
    return kept | {"exemption": granted[0] if granted else None}


def claim_of(document: Document, finding: dict[str, Any]) -> str:
    """32 hexadecimal digits: equal for the same rule, words and sentence."""
    start, end, text = finding["start"], finding["end"], document.text
    if start == end:
        around = text
    else:
        turn = document.turn_at(start)
        low, high = turn.span if turn else (0, len(text))
        left, right = start, end
        while left > low and text[left - 1] not in _ENDS:
            left -= 1
        while right < high and text[right] not in _ENDS:
            right += 1
        around = text[left:right]
    key = "\0".join((finding["rule"], _normal(text[start:end]), _normal(around)))
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _normal(text: str) -> str:
    return _BLANK.sub("", unicodedata.normalize("NFKC", text)).lower()


@lru_cache(maxsize=8192)
def _digest_of(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def rule_digest(checker: Checker, rule_id: str) -> str:
    """A digest of what a rule finds and how seriously; empty for a rule that is gone."""
    rule: Rule | None = checker.lexicon.rule_by_id.get(rule_id)
    if rule is None:
        return ""
    parts = (
        rule.level.value,
        rule.state.value,
        rule.kind,
        rule.terms,
        rule.patterns,
        rule.near,
        rule.without,
        rule.unless,
        rule.missing,
        sorted(rule.industries),
        sorted(rule.channels),
        rule.message,
        rule.basis,
    )
    return _digest_of(repr(parts))


def store_findings(session: Session, version: Version, result: Examined) -> list[FindingRow]:
    """Replace the finding rows of a version by those of a check."""
    for row in rows_of(session, version.id):
        session.delete(row)
    session.flush()
    made = [
        FindingRow(
            version_id=version.id,
            ordinal=ordinal,
            rule_id=item["rule"],
            category=item["category"],
            level=item["level"],
            claim=item["claim"],
            start=item["start"],
            end=item["end"],
            data=item,
        )
        for ordinal, item in enumerate(result.findings)
    ]
    session.add_all(made)
    version.verdict = result.verdict
    version.industry = result.industry
    version.lexicon_version = result.lexicon_version
    version.model_version = result.model_version
    version.excused = list(result.excused)
    version.duties = list(result.duties)
    version.checked_at = now()
    return made


def rows_of(session: Session, version_id: int) -> list[FindingRow]:
    """The findings of a version in the order of its text."""
    return list(
        session.scalars(
            select(FindingRow).where(FindingRow.version_id == version_id).order_by(FindingRow.ordinal)
        )
    )


class Waivers:
    """The active waivers of some claims, loaded once."""

    def __init__(self, session: Session, checker: Checker, claims: Iterable[str], today: date | None = None):
        self._checker = checker
        self._today = today or now().date()
        self._known: dict[tuple[str, str], list[Waiver]] = {}
        wanted = sorted(set(claims))
        for at in range(0, len(wanted), 500):
            query = select(Waiver).where(Waiver.claim.in_(wanted[at : at + 500]), Waiver.status == "active")
            for waiver in session.scalars(query.order_by(Waiver.id)):
                self._known.setdefault((waiver.rule_id, waiver.claim), []).append(waiver)
        self._evidence = {
            evidence.id: evidence
            for evidence in session.scalars(
                select(Evidence).where(
                    Evidence.id.in_(
                        {w.evidence_id for ws in self._known.values() for w in ws if w.evidence_id}
                    )
                )
            )
        }

    def covering(self, rule_id: str, claim: str, product: str, region: str) -> Waiver | None:
        """The waiver that holds for a claim in a script of this product and region."""
        for waiver in self._known.get((rule_id, claim), []):
            if (
                waiver.product in ("", product)
                and (waiver.region in NATIONWIDE or waiver.region == region)
                and not self.ended(waiver)
            ):
                return waiver
        return None

    def ended(self, waiver: Waiver) -> str:
        """Why a waiver no longer holds (Chinese), or an empty string."""
        if waiver.expires_on < self._today:
            return f"豁免已于 {waiver.expires_on} 到期"
        if rule_digest(self._checker, waiver.rule_id) != waiver.rule_digest:
            return "规则已修改"
        if waiver.evidence_id is not None:
            return evidence_ended(self._evidence.get(waiver.evidence_id), waiver, self._today)
        return ""


def evidence_ended(evidence: Evidence | None, waiver: Waiver, today: date) -> str:
    """Why the evidence of a waiver no longer proves it (Chinese), or an empty string."""
    if evidence is None or evidence.sha256 != waiver.evidence_sha256:
        return "证明材料已更换"
    if evidence.revoked_at is not None:
        return "证明材料已撤销"
    if not evidence.valid_from <= today <= evidence.valid_to:
        return f"证明材料不在有效期内（{evidence.valid_from} 至 {evidence.valid_to}）"
    return ""


def settle(
    session: Session, desk: Desk, script: Script, version: Version, earlier: Sequence[FindingRow] = ()
) -> None:
    """Bring the status of a version's findings in line with the waivers, then count and seal.

    Confirmed findings of ``earlier`` (the version before) stay confirmed where rule and words are the
    same: a violation does not need the care that an exception needs.
    """
    rows = rows_of(session, version.id)
    waivers = Waivers(session, desk.checker(), (row.claim for row in rows))
    confirmed = {(row.rule_id, row.data["text"]): row for row in earlier if row.status == "confirmed"}
    for row in rows:
        waiver = waivers.covering(row.rule_id, row.claim, script.product, script.region)
        if waiver is not None:
            if row.status != "waived" or row.waiver_id != waiver.id:
                row.status, row.waiver_id = "waived", waiver.id
                row.decided_by, row.decided_at = waiver.author_id, now()
        elif row.status == "waived":
            row.status, row.waiver_id, row.decided_by, row.decided_at = "open", None, None, None
        elif row.status == "open" and (known := confirmed.get((row.rule_id, row.data["text"]))):
            row.status, row.decided_by, row.decided_at = "confirmed", known.decided_by, known.decided_at
    version.findings_digest = audit.seal(session, version)
    if version.number == script.current:
        count(script, rows)


def unsettled(rows: Iterable[FindingRow]) -> list[FindingRow]:
    """Findings that still speak against the text: neither waived nor corrected."""
    return [row for row in rows if row.status in ("open", "confirmed")]


def count(script: Script, rows: Iterable[FindingRow]) -> None:
    """Keep the numbers that lists show."""
    levels = [row.level for row in unsettled(rows)]
    script.blocks, script.reviews, script.hints = (
        levels.count(level) for level in ("block", "review", "hint")
    )
    script.verdict = str(verdict_of(levels))


def verdict_of(levels: Iterable[str]) -> Verdict:
    """The verdict of the levels that remain."""
    highest = max((Level(level).rank for level in levels), default=0)
    return (Verdict.PASS, Verdict.REVIEW, Verdict.BLOCK)[highest]


def clean_categories(checker: Checker, found: Iterable[str]) -> list[dict[str, Any]]:
    """Categories that were looked at and in which nothing is left, with their number of rules."""
    numbers: dict[str, int] = {}
    for rule in checker.lexicon.rules:
        numbers[rule.category] = numbers.get(rule.category, 0) + 1
    seen = set(found)
    return [
        {"category": category, "name": name, "rules": numbers[category]}
        for category, name in CATEGORY_NAMES.items()
        if category in numbers and category not in seen
    ]
