"""The packaged extension in a real VS Code host (code-server), driven through its web page."""

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
from checker.report import edit_text
from checker.rewrite import best

PACKAGE = Path(__file__).resolve().parents[2] / "editors" / "vscode" / "dist" / "huashu.vsix"
SCRIPT = "客服：您好，我们的服务最佳。\n客户：哦。\n客服：这款理财稳赚不赔。\n"
SCREENSHOTS = os.environ.get("HUASHU_SCREENSHOTS")


@pytest.fixture
def host(tmp_path: Path):
    """The address of a code-server with the extension, opened on a folder with the script."""
    folder = os.environ.get("HUASHU_CODE_SERVER", "")
    entry = Path(folder) / "node_modules" / "code-server" / "out" / "node" / "entry.js"
    if not folder or not entry.exists():
        pytest.skip(
            "code-server is not there: editors/vscode/install-code-server.sh DIR, HUASHU_CODE_SERVER=DIR"
        )
    if not PACKAGE.exists():
        pytest.skip("the extension is not packaged: cd editors && npm ci && npm run package")
    data, project = tmp_path / "data", tmp_path / "project"
    (data / "User").mkdir(parents=True)
    project.mkdir()
    (project / "script.txt").write_text(SCRIPT, encoding="utf-8")
    settings = {
        "huashu.command": str(Path(sys.executable).with_name("huashu")),
        "security.workspace.trust.enabled": False,
        "workbench.startupEditor": "none",
    }
    (data / "User" / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    command = ["node", str(entry), "--user-data-dir", str(data), "--extensions-dir", str(data / "extensions")]
    subprocess.run(
        [*command, "--install-extension", str(PACKAGE)], check=True, capture_output=True, timeout=240
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    quiet = ["--disable-telemetry", "--disable-update-check"]
    running = subprocess.Popen(
        [*command, "--auth", "none", "--bind-addr", address, *quiet],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://{address}/healthz", timeout=5)
            break
        except OSError:
            assert running.poll() is None, "code-server ended"
            time.sleep(0.1)
    yield f"http://{address}/?folder={project}", project / "script.txt"
    running.terminate()
    running.wait(30)


def test_the_extension_underlines_shows_the_verdict_and_fixes(host) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    address, script = host
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 640})
        page.set_default_timeout(120_000)
        page.goto(address)
        page.get_by_text("script.txt").first.dblclick()
        page.locator(".squiggly-error").first.wait_for(state="attached")
        page.get_by_text("话术：禁止使用").wait_for()
        page.locator(".view-lines").first.click()
        page.keyboard.press("F8")
        page.locator(".marker-widget").wait_for()
        page.keyboard.press("Escape")
        page.keyboard.press("Control+.")
        (finding, *_) = check(SCRIPT).findings
        rewrite = best(finding)
        assert rewrite is not None
        page.get_by_text(f"改为“{rewrite.text}”").first.wait_for()
        if SCREENSHOTS:
            page.screenshot(path=f"{SCREENSHOTS}/vscode.png")
        page.keyboard.press("Enter")
        fixed = SCRIPT[: rewrite.span.start] + edit_text(rewrite, SCRIPT) + SCRIPT[rewrite.span.end :]
        page.get_by_text(edit_text(rewrite, SCRIPT)).first.wait_for()
        page.keyboard.press("Control+s")
        for _ in range(200):
            if script.read_text(encoding="utf-8") != SCRIPT:
                break
            page.wait_for_timeout(100)
        browser.close()
    assert script.read_text(encoding="utf-8") == fixed
