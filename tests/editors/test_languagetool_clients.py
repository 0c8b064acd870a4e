"""Clients of LanguageTool that we did not write, against a running ``huashu serve``."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from checker import check
from checker.types import Span

TEXT = "😀𠮷您好，100%真实&送礼+优惠。我们的服务最佳。"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "checker", "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=tmp_path_factory.mktemp("serve"))
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=5)
            break
        except OSError:
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(20)


def test_the_python_client_finds_and_corrects(server: str) -> None:
    import language_tool_python

    with language_tool_python.LanguageTool("zh-CN", remote_server=server) as tool:
        matches = tool.check(TEXT)
        findings = check(TEXT).findings
        assert [match.rule_id for match in matches] == [finding.rule_id for finding in findings]
        assert len(findings) >= 2
        for match, finding in zip(matches, findings, strict=True):
            assert Span(match.offset, match.offset + match.error_length).covers(finding.span)
        assert tool.check(tool.correct(TEXT)) == []


SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Linguistic/GrammarChecking/LanguageTool"><prop oor:name="IsEnabled" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Linguistic/GrammarChecking/LanguageTool"><prop oor:name="BaseURL" oor:op="fuse"><value>{url}/v2</value></prop></item>
<item oor:path="/org.openoffice.Office.Linguistic/General"><prop oor:name="DefaultLocale_CJK" oor:op="fuse"><value>zh-CN</value></prop></item>
</oor:items>
"""


def test_libreoffice_writer_shows_our_findings(server: str, tmp_path: Path) -> None:
    office, python = shutil.which("soffice"), "/usr/bin/python3"
    if office is None or not Path(python).exists():
        pytest.skip("LibreOffice is not installed")
    if subprocess.run([python, "-c", "import uno"], capture_output=True, check=False).returncode:
        pytest.skip("python3-uno is not installed")
    profile = tmp_path / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(SETTINGS.format(url=server), encoding="utf-8")
    pipe = f"huashu{os.getpid()}"
    listening = subprocess.Popen(
        [office, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nologo",
         f"--accept=pipe,name={pipe};urp"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        asked = subprocess.run(
            [python, str(Path(__file__).with_name("ask_libreoffice.py")), pipe],
            input=TEXT, capture_output=True, text=True, timeout=240, check=False,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
    finally:
        listening.terminate()
        listening.wait(30)
    assert asked.stdout, asked.stderr
    answer = json.loads(asked.stdout.splitlines()[0])
    findings = check(TEXT).findings
    assert len(answer) == len(findings) >= 2
    units = TEXT.encode("utf-16-le")
    for (start, length, comment, suggestions), finding in zip(answer, findings, strict=True):
        words = units[2 * start : 2 * (start + length)].decode("utf-16-le")
        assert finding.matched in words
        assert finding.message in comment
        if words == finding.matched:
            fitting = [rewrite.text for rewrite in finding.rewrites if rewrite.span == finding.span]
            assert suggestions == [text for text in fitting if text != finding.matched]
    assert any(suggestions for *_, suggestions in answer)
