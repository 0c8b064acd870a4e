"""One JSON object a finding, each with the path of its document; an empty text without findings."""

from __future__ import annotations

from collections.abc import Sequence

from checker.report._base import RenderOptions, dump_json
from checker.types import Report


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """Lines in the order of the report; excused ones (``state``) when they were asked for."""
    lines = []
    for report in reports:
        entry = report.to_dict()
        findings = entry["findings"] + (entry["excused"] if options.show_excused else [])
        for finding in findings:
            lines.append(dump_json({"path": entry["path"], **finding}, indent=None) + "\n")
    return "".join(lines)
