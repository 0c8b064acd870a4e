"""The browser extension in Chromium, on pages like a dialler's: fields, rich text, frames."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest
import uvicorn

from checker.web.app import create_app
from checker.web.settings import Settings

EDITORS = Path(__file__).resolve().parents[2] / "editors"
EXTENSION = EDITORS / "browser" / "dist"
TEXT = "😀您好，我们的服务最佳。"
SCREENSHOTS = os.environ.get("HUASHU_SCREENSHOTS")

PAGE = """<!doctype html><meta charset="utf-8"><title>外呼系统</title>
<link rel="stylesheet" href="/quill.snow.css">
<style>body{font:16px/1.7 "Noto Sans CJK SC",sans-serif;margin:24px;max-width:720px} textarea,input{font:inherit;width:100%}</style>
<h1>外呼系统 · 话术编辑</h1>
<p>开场白 <textarea id="script" rows="4"></textarea></p>
<p>备注 <input id="note"></p>
<p>密码 <input id="secret" type="password"> 卡号 <input id="pan" autocomplete="cc-number"></p>
<div id="rich"></div>
<iframe src="http://localhost:%(port)s/frame.html" width="680" height="90"></iframe>
<script src="/quill.js"></script><script>window.quill = new Quill("#rich", {theme: "snow"});</script>
"""
FRAME = '<!doctype html><meta charset="utf-8"><textarea id="inner" rows="2" cols="60"></textarea>'


class Pages(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server():
    """``huashu serve`` in a thread; the texts it was asked about are in ``asked``."""
    app = create_app(Settings())
    asked: list[str] = []
    checker = app.state.service.checker
    check = checker.check
    checker.check = lambda document: asked.append(document.text) or check(document)
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        thread.join(0.05)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", asked
    running.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("pages")
    quill = EDITORS / "node_modules" / "quill" / "dist"
    if not EXTENSION.joinpath("content.js").exists() or not quill.exists():
        pytest.skip("the extension is not built: cd editors && npm ci && npm run build")
    for name in ("quill.js", "quill.snow.css"):
        shutil.copy(quill / name, folder)
    handler = functools.partial(Pages, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        port = running.server_address[1]
        (folder / "index.html").write_text(PAGE.replace("%(port)s", str(port)), encoding="utf-8")
        (folder / "frame.html").write_text(FRAME, encoding="utf-8")
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{port}"
        running.shutdown()


@pytest.fixture(scope="module")
def browser(pages: str, server, tmp_path_factory: pytest.TempPathFactory):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    address = pages.removeprefix("http://")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")),
            executable_path=chromium,
            headless=True,
            args=[
                "--no-sandbox",
                f"--disable-extensions-except={EXTENSION}",
                f"--load-extension={EXTENSION}",
                # The page counts as one of the public network: only the service worker may ask us.
                f"--ip-address-space-overrides={address}=public",
            ],
        )
        worker = context.service_workers[0] if context.service_workers else None
        worker = worker or context.wait_for_event("serviceworker", timeout=60_000)
        yield context, worker
        context.close()


@pytest.fixture
def page(browser, pages: str, server):
    """The page with the extension switched on."""
    context, worker = browser
    worker.evaluate(
        "(given) => chrome.storage.local.set(given)", {"server": server[0], "sites": {pages: True}}
    )
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    opened.goto(f"{pages}/index.html")
    server[1].clear()
    yield opened
    opened.close()


def lines(frame) -> list[str]:
    frame.locator("huashu-marks .line").first.wait_for(state="attached")
    return frame.locator("huashu-marks .line").evaluate_all("all => all.map(line => line.dataset.text)")


def words_under_line(page, selector: str) -> dict[str, float]:
    """Where the first line is, and the box of the field, both in pixels of the page."""
    line = page.locator("huashu-marks .line").first.bounding_box()
    field = page.locator(selector).bounding_box()
    assert field["x"] <= line["x"] < line["x"] + line["width"] <= field["x"] + field["width"]
    assert field["y"] <= line["y"] <= field["y"] + field["height"]
    return line


def click_line(page, selector: str) -> None:
    line = words_under_line(page, selector)
    page.mouse.click(line["x"] + line["width"] / 2, line["y"] - 6)
    page.locator("huashu-marks .card").wait_for()


def test_a_textarea_is_underlined_explained_fixed_and_undone(page) -> None:
    page.click("#script")
    page.keyboard.insert_text(TEXT)
    assert lines(page) == ["最佳"]
    click_line(page, "#script")
    card = page.locator("huashu-marks .card").inner_text()
    assert "依据：" in card
    if SCREENSHOTS:
        page.screenshot(
            path=f"{SCREENSHOTS}/browser-textarea.png", clip={"x": 0, "y": 0, "width": 780, "height": 460}
        )
    page.locator("huashu-marks .card button").first.click()
    fixed = page.input_value("#script")
    assert fixed.startswith("😀您好，我们的服务")
    assert "最佳" not in fixed
    page.locator("huashu-marks .line").first.wait_for(state="detached")
    page.keyboard.press("Control+z")
    assert page.input_value("#script") == TEXT


def test_lines_stand_under_the_words(page) -> None:
    """The line is as wide as two characters, and no wider."""
    page.click("#note")
    page.keyboard.insert_text("我们的服务最佳")
    assert lines(page) == ["最佳"]
    line = words_under_line(page, "#note")
    assert 28 <= line["width"] <= 40
    field = page.locator("#note").bounding_box()
    assert 76 <= line["x"] - field["x"] <= 92


def test_a_rich_text_editor_keeps_its_model(page) -> None:
    page.click("#rich .ql-editor")
    page.keyboard.insert_text("您好")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(TEXT)
    assert lines(page) == ["最佳"]
    page.evaluate("() => window.quill.history.cutoff()")  # as after a pause in the typing
    click_line(page, "#rich .ql-editor")
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/browser-rich-text.png")
    page.locator("huashu-marks .card button").first.click()
    page.wait_for_function("() => !window.quill.getText().includes('最佳')")
    assert page.evaluate("() => window.quill.getText()").startswith("您好\n😀您好，我们的服务")
    page.keyboard.press("Control+z")
    page.wait_for_function("() => window.quill.getText().includes('最佳')")


def test_a_frame_of_another_origin_is_checked(page) -> None:
    frame = page.frame(url="**/frame.html")
    frame.click("#inner")
    page.keyboard.insert_text(TEXT)
    assert lines(frame) == ["最佳"]


def test_passwords_and_cards_are_never_sent(page, server) -> None:
    for selector in ("#secret", "#pan"):
        page.click(selector)
        page.keyboard.insert_text("稳赚不赔4111111111111111")
    page.click("#script")
    page.keyboard.insert_text(TEXT)
    assert lines(page) == ["最佳"]
    assert server[1]
    assert not any("4111" in text for text in server[1])


def test_a_site_that_is_not_switched_on_is_not_read(browser, pages: str, server) -> None:
    context, worker = browser
    worker.evaluate("() => chrome.storage.local.set({sites: {}})")
    server[1].clear()
    page = context.new_page()
    page.goto(f"{pages}/index.html")
    page.click("#script")
    page.keyboard.insert_text(TEXT)
    page.wait_for_timeout(1500)
    assert page.locator("huashu-marks").count() == 0
    assert server[1] == []
    page.close()


def test_an_unreachable_server_is_told_on_the_field(page, browser) -> None:
    browser[1].evaluate("() => chrome.storage.local.set({server: 'http://127.0.0.1:9'})")
    page.click("#script")
    page.keyboard.insert_text(TEXT)
    page.locator("#script[data-huashu]").wait_for()
    assert "连接不上" in page.get_attribute("#script", "data-huashu")
