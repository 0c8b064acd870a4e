"""What decisions teach: labelled sentences for training, and how often each rule is right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from checker.desk.store.models import FindingRow, Script, Version, Waiver
from checker.personal import mask

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk


def precision(desk: Desk, actor: Actor) -> list[dict[str, Any]]:
    """A row for each rule that people decided on, most false alarms first.

    Claims count once, however many versions and scripts repeat them. ``right`` are confirmed,
    rewritten, or waived with evidence (the rule asked rightly), ``wrong`` waived as false alarms;
    ``false_alarm_rate`` is wrong / (right + wrong).
    """
    actor.need("stats:read")
    right = func.count(FindingRow.claim.distinct())
    with desk.database.reading() as session:
        query = (
            select(FindingRow.rule_id, FindingRow.status, FindingRow.waiver_id, right)
            .where(FindingRow.status.in_(("confirmed", "rewritten", "waived")))
            .group_by(FindingRow.status, FindingRow.rule_id, FindingRow.waiver_id)
        )
        kinds: dict[int | None, str] = {
            row[0]: row[1] for row in session.execute(select(Waiver.id, Waiver.kind))
        }
        table: dict[str, dict[str, Any]] = {}
        for rule_id, status, waiver_id, number in session.execute(query):
            kind = kinds.get(waiver_id)
            row = table.setdefault(
                rule_id, {"rule": rule_id, "confirmed": 0, "rewritten": 0, "evidence": 0, "false_alarm": 0}
            )
            row["false_alarm" if kind == "false-alarm" else "evidence" if status == "waived" else status] += (
                number
            )
    for row in table.values():
        decided = row["confirmed"] + row["rewritten"] + row["evidence"] + row["false_alarm"]
        row["decided"] = decided
        row["false_alarm_rate"] = row["false_alarm"] / decided
    return sorted(table.values(), key=lambda row: (-row["false_alarm"], -row["decided"], row["rule"]))


def sentences(desk: Desk, actor: Actor) -> Iterator[str]:
    """JSON lines for ``huashu train --add``: ``{"text", "labels", "industry", "why", "idea"}``.

    A sentence is labelled with the categories confirmed or rewritten in it. It is labelled innocent
    (``[]``) when all that was found in it were false alarms and nothing is undecided. Sentences whose
    claims are true by evidence teach neither and are left out. Personal data is starred out.
    """
    actor.need("learning:read")
    seen: dict[str, dict[str, Any]] = {}
    with desk.database.reading() as session:
        query = (
            select(
                FindingRow,
                Version.number == Script.current,
                Version.text,
                Version.industry,
                Script.id,
                Waiver.kind,
            )
            .join(Version, Version.id == FindingRow.version_id)
            .join(Script, Script.id == Version.script_id)
            .outerjoin(Waiver, Waiver.id == FindingRow.waiver_id)
            .where(FindingRow.start < FindingRow.end)
            .order_by(FindingRow.id)
            .execution_options(yield_per=500)
        )
        for row, is_current, text, industry, script_id, kind in session.execute(query):
            sentence = mask(_sentence(text, row.start, row.end))
            known = seen.setdefault(
                sentence,
                {"industry": industry, "script": script_id, "yes": set(), "no": set(), "unclear": False},
            )
            if row.status in ("confirmed", "rewritten"):
                known["yes"].add(row.category)
            elif kind == "false-alarm":
                known["no"].add(row.rule_id)
            elif is_current or kind == "evidence":
                known["unclear"] = True
    for sentence, known in seen.items():
        if known["yes"]:
            why = "审核员确认"
        elif known["no"] and not known["unclear"]:
            why = f"审核员认定误报：{'、'.join(sorted(known['no']))}"
        else:
            continue
        yield json.dumps(
            {
                "text": sentence,
                "labels": sorted(known["yes"]),
                "industry": known["industry"],
                "why": why,
                "idea": f"desk-script-{known['script']}",
            },
            ensure_ascii=False,
        )


def _sentence(text: str, start: int, end: int) -> str:
    ends = "。！？!?；;\n"
    while start > 0 and text[start - 1] not in ends:
        start -= 1
    while end < len(text) and text[end] not in ends:
        end += 1
    sentence = text[start:end].strip()
    head, mark, words = sentence.partition("：")
    return words.strip() if mark and len(head) <= 8 else sentence
