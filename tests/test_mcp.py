"""The MCP server, spoken to by the official client over standard input and output."""

from __future__ import annotations

import json
import sys

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from checker import check

TEXT = "客服：您好，我们的服务最佳。"


async def call(name: str, **arguments: str):
    server = StdioServerParameters(command=sys.executable, args=["-m", "checker", "mcp"])
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        names = {tool.name for tool in (await session.list_tools()).tools}
        assert names == {"check_script", "explain_rule", "suggest_rewrite"}
        return await session.call_tool(name, arguments)


@pytest.mark.asyncio
async def test_a_script_is_checked() -> None:
    result = await call("check_script", text=TEXT)
    (document,) = json.loads(result.content[0].text)["documents"]
    assert document == check(TEXT).to_dict()


@pytest.mark.asyncio
async def test_a_rule_is_explained_and_an_unknown_one_is_an_error() -> None:
    result = await call("explain_rule", rule="absolute/best")
    assert result.content[0].text.startswith("# absolute/best")
    wrong = await call("explain_rule", rule="absolute/bests")
    assert wrong.is_error
    assert "absolute/best" in wrong.content[0].text


@pytest.mark.asyncio
async def test_rewrites_are_suggested() -> None:
    answer = json.loads((await call("suggest_rewrite", text=TEXT)).content[0].text)
    report = check(TEXT)
    assert answer["rewritten"] == report.rewritten != TEXT
    assert answer["findings"][0]["rewrites"][0]["text"] == report.findings[0].rewrites[0].text
