"""GitLab Code Quality: an array of issues with stable, unique fingerprints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from checker.labels import CATEGORY_NAMES, name_of
from checker.report._base import RenderOptions, dump_json, name_of_document
from checker.types import Level, Report

_SEVERITIES = {Level.BLOCK: "critical", Level.REVIEW: "major", Level.HINT: "minor"}


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """An array, empty without findings; excused findings are no issues."""
    issues = []
    # Several calls can come from one file; GitLab drops issues whose fingerprint it has seen.
    seen: Counter[str] = Counter()
    for report in reports:
        for finding in report.findings:
            start = report.document.locate(finding.span.start)
            end = report.document.locate(finding.span.end)
            seen[finding.fingerprint] += 1
            count = seen[finding.fingerprint]
            issues.append(
                {
                    "description": f"{name_of(CATEGORY_NAMES, finding.category)}：{finding.message}",
                    "check_name": finding.rule_id,
                    "fingerprint": finding.fingerprint + (f"-{count}" if count > 1 else ""),
                    "severity": _SEVERITIES[finding.level],
                    "location": {
                        "path": name_of_document(report),
                        "positions": {
                            "begin": {"line": start.line, "column": start.column},
                            "end": {"line": end.line, "column": end.column},
                        },
                    },
                }
            )
    return dump_json(issues) + "\n"
