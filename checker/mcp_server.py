"""``huashu mcp``: the checker as tools of the Model Context Protocol, for assistants that write scripts.

An assistant can check what it wrote, look a rule up, and ask for wording that is proven clean.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from checker import __version__, pages
from checker.document import CHANNELS, Document
from checker.labels import UnknownIndustryError, industry_id
from checker.lexicon import load
from checker.personal import masked_report
from checker.pipeline import Checker
from checker.report import FORMATS, RenderOptions, rewrite_words
from checker.types import Report

_INSTRUCTIONS = (
    "Checks Chinese sales-call scripts against Chinese advertising, consumer and industry law. Call "
    "check_script on every script before showing it; use explain_rule for the reasons and "
    "suggest_rewrite for wording that has been checked. It is an engineering tool, not legal advice."
)


def make_server(config: Path | None = None, *, show_personal_data: bool = False) -> MCPServer[Any]:
    """The server with its three tools. Raises ConfigError or LexiconError.

    Answers go to a language model: personal data is starred out in them unless it may be shown.
    """
    checker = Checker(config=config)

    def checked(text: str, industry: str | None, channel: str | None) -> Report:
        try:
            known = industry_id(industry, checker.own_industries(industry)) if industry else None
        except UnknownIndustryError as error:
            raise ToolError(str(error)) from None
        report = checker.check(_document(text, known, channel))
        return report if show_personal_data else masked_report(report)

    server: MCPServer[Any] = MCPServer(
        "huashu", version=__version__, instructions=_INSTRUCTIONS, log_level="WARNING"
    )

    @server.tool(structured_output=False)
    def check_script(text: str, industry: str | None = None, channel: str | None = None) -> str:
        """Check a script: verdict, findings with articles and rewrites, what the law excuses.

        Dialogue labels at line starts (客服：, 客户：) become turns; only the seller's words are judged.
        The answer is JSON; offsets are code points.
        """
        report = checked(text, industry, channel)
        return FORMATS["json"].render([report], options=RenderOptions())

    @server.tool(structured_output=False)
    def explain_rule(rule: str) -> str:
        """The page of a rule such as absolute/best, in Chinese: what, why, articles, cure, examples."""
        lexicon = load(checker.config.lexicons, examples=True)
        page = pages.page(lexicon, rule, checker.channel)
        if page is None:
            near = pages.similar(lexicon, rule)
            raise ToolError(f"no rule {rule!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))
        return page

    @server.tool(structured_output=False)
    def suggest_rewrite(text: str, industry: str | None = None, channel: str | None = None) -> str:
        """Proven rewrites for a script: the rewritten text, and for each finding what may stand instead.

        What only a fact can cure has a question in its place. The answer is JSON.
        """
        report = checked(text, industry, channel)
        suggestions = [
            {
                "rule": finding.rule_id,
                "text": finding.matched,
                "rewrites": [
                    rewrite.to_dict() | {"words": rewrite_words(finding, rewrite)}
                    for rewrite in finding.rewrites
                ],
            }
            for finding in report.findings
        ]
        answer = {"verdict": str(report.verdict), "rewritten": report.rewritten, "findings": suggestions}
        return json.dumps(answer, ensure_ascii=False)

    return server


def _document(text: str, industry: str | None, channel: str | None) -> Document:
    if channel is not None and channel not in CHANNELS:
        raise ToolError(f"unknown channel {channel!r}; use one of {', '.join(CHANNELS)}")
    return Document.from_text(text, industry=industry, channel=channel)
