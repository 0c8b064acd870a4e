"""The JSON of the design: ``{"version", "tool", "documents"}``; offsets are code points.

Excused and suppressed findings are always there, in lists of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from checker.report._base import RenderOptions, dump_json
from checker.types import Report


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """One JSON object, valid without documents and without findings too."""
    tool = {
        "name": "huashu",
        "version": options.tool_version,
        # Configurations may differ between files; then every version that judged is named.
        "lexicon": ", ".join(sorted({report.lexicon_version for report in reports})),
        "model": ", ".join(sorted({report.model_version for report in reports} - {""})),
    }
    documents = [report.to_dict() for report in reports]
    return dump_json({"version": 1, "tool": tool, "documents": documents}) + "\n"
