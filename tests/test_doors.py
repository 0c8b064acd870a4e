"""One script, every door, equal findings."""

from __future__ import annotations

import json
from pathlib import Path

import docx
import pytest
from fastapi.testclient import TestClient

from checker import check
from checker.annotate import annotate
from checker.cli import main
from checker.lsp.server import Server, diagnostics
from checker.lsp.text import Text
from checker.readers import read_path
from checker.types import Span
from checker.web.app import create_app
from checker.web.settings import Settings

SCRIPTS = {
    "guilty": "这款理财稳赚不赔，收益全国第一，这是全网最低价。",
    "clean": "您好，我是【公司名称】的小林，请问您现在方便吗？",
    "astral": "😀𠮷这是全网最低价👨‍👩‍👧，稳赚不赔。",
    "dialogue": "客服：您好，请问是张先生吗？\n客户：最好别稳赚不赔\n客服：我这边是做选股软件的，想给您介绍一下\n"
    "客户：你说\n客服：我们有一个选股的功能，稳赚不赔",
    "excused": "广告法不许商家自称第一品牌。\n您看哪个时间最好？",
    "disguised": "这款理财稳*赚*不*赔，收益全国 第 一。",
    "suppressed": "# huashu: disable=guarantee/sure-profit reason=\"合同原文\"\n这款理财稳赚不赔",
    "example": Path("examples/insurance-call.txt").read_text(encoding="utf-8").rstrip("\n"),
}  # fmt: skip

Place = tuple[str, int, int]


@pytest.fixture(scope="module")
def client():
    with TestClient(create_app(Settings())) as made:
        yield made


def by_command(text: str, folder: Path, capsys) -> list[Place]:
    path = folder / "script.txt"
    path.write_text(text, encoding="utf-8", newline="")
    main(["check", str(path), "--format", "json"])
    (document,) = json.loads(capsys.readouterr().out)["documents"]
    return [(found["rule"], found["start"], found["end"]) for found in document["findings"]]


def by_language_server(text: str, folder: Path) -> list[Place]:
    file = Text(text, "utf-16")
    analysis = Server().analyse((folder / "script.txt").as_uri(), file)
    return [(str(item.code), *file.span(item.range)) for item in diagnostics(analysis)]


def by_http(text: str, client: TestClient) -> list[Place]:
    (document,) = client.post("/api/v1/check", json={"text": text}).json()["documents"]
    return [(found["rule"], found["start"], found["end"]) for found in document["findings"]]


def by_languagetool(text: str, client: TestClient) -> list[Place]:
    answer = client.post("/v2/check", data={"text": text, "language": "zh-CN"}).json()
    units = text.encode("utf-16-le")

    def offset(place: int) -> int:
        return len(units[: 2 * place].decode("utf-16-le"))

    return [
        (match["rule"]["id"], offset(match["offset"]), offset(match["offset"] + match["length"]))
        for match in answer["matches"]
    ]


def by_word(text: str, folder: Path) -> list[Place]:
    document = docx.Document()
    for line in text.split("\n"):
        document.add_paragraph(line)
    path, out = folder / "script.docx", folder / "out.docx"
    document.save(path)
    (read,) = read_path(path)
    assert read.text == text
    report = check(read)
    assert annotate(path, report, out) == len(docx.Document(out).comments)
    return [(finding.rule_id, *finding.span) for finding in report.findings]


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_door_gives_the_same_findings(name: str, client, tmp_path: Path, capsys) -> None:
    text = SCRIPTS[name]
    findings = check(text).findings
    expected = [(finding.rule_id, *finding.span) for finding in findings]
    assert by_command(text, tmp_path, capsys) == expected
    assert by_language_server(text, tmp_path) == expected
    assert by_http(text, client) == expected
    assert by_word(text, tmp_path) == expected
    # A match may reach further, to what a rewrite needs; what is missing is shown where it is to be said.
    matches = by_languagetool(text, client)
    assert [rule for rule, *_ in matches] == [rule for rule, *_ in expected]
    for (_, start, end), finding in zip(matches, findings, strict=True):
        said_at = finding.span if finding.matched or not finding.rewrites else finding.rewrites[0].span
        assert Span(start, end).covers(said_at)
        assert finding.rewrites or Span(start, end) == finding.span or not finding.matched
    if name in ("guilty", "dialogue", "example", "disguised"):
        assert expected
