"""The whole way in a real browser: two people, two rewrites, one waiver, and a byte of tampering."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import uvicorn
from desk_office import CLEAN, DIRTY, PASSWORD

from checker.web.app import create_app
from checker.web.settings import Settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)"
)
WIDTHS = {"wide": (1280, 860), "phone": (390, 800)}


@pytest.fixture
def server(tmp_path: Path, house: Path) -> Iterator[tuple[str, object]]:
    app = create_app(
        Settings(
            lexicons=(house,),
            store=f"sqlite:///{tmp_path}/desk.db",
            desk={"data": str(tmp_path / "data"), "sweep_seconds": 3600},
        )
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}", app
    running.should_exit = True
    thread.join()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[object]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update"]
    with sync_api.sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=flags)
        yield made
        made.close()


def shoot(page, name: str) -> None:
    """Screenshots at both widths, where a folder for them is named in the environment."""
    folder = os.environ.get("HUASHU_SCREENSHOTS")
    for width, (x, y) in WIDTHS.items():
        page.set_viewport_size({"width": x, "height": y})
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, f"{name} is {overflow} pixels too wide at {x}"
        if folder:
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=width == "wide")
    page.set_viewport_size({"width": 1280, "height": 860})


def test_from_draft_to_signed_and_back(server, browser, tmp_path: Path, new_checker) -> None:
    base, app = server
    problems: list[str] = []

    def person() -> object:
        page = browser.new_context(locale="zh-CN").new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        return page

    def sign_in(name: str) -> object:
        page = person()
        page.goto(f"{base}/desk/")
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("button.primary")
        page.wait_for_selector(".me")
        return page

    def pressing(page, action: Callable[[], None]) -> None:
        """An action that loads the page again."""
        with page.expect_navigation():
            action()

    # The first administrator, and two people.
    admin = person()
    admin.goto(f"{base}/desk/login")
    shoot(admin, "login")
    admin.goto(f"{base}/desk/setup?code={app.state.desk_setup_code}")
    shoot(admin, "setup")
    admin.fill("[name=name]", "admin")
    admin.fill("[name=password]", PASSWORD)
    admin.click("button.primary")
    for name, role in (("王写", "writer"), ("李核", "officer")):
        if not admin.is_visible("[name=display]"):
            admin.click("summary >> text=添加人员")
        admin.fill("[name=name]", name)
        admin.fill("[name=display]", name)
        admin.select_option("form[data-api^=POST] [name=role]", role)
        admin.fill("form[data-api^=POST] [name=password]", PASSWORD)
        pressing(admin, lambda: admin.click("button.primary"))
    shoot(admin, "users")
    admin.goto(f"{base}/desk/settings")
    shoot(admin, "settings")

    # The writer pastes, sees the findings while writing, and submits.
    writer = sign_in("王写")
    shoot(writer, "home-empty")
    writer.goto(f"{base}/desk/scripts/new")
    writer.fill("#write [name=title]", "云栖苑看房邀约")
    writer.fill("#write [name=product]", "云栖苑")
    writer.select_option("#write [name=industry]", "realestate")
    writer.fill("#write textarea", DIRTY)
    writer.wait_for_selector("#preview mark.block")
    assert writer.inner_text("#preview mark.block") == "神仙宫殿"
    shoot(writer, "write")
    writer.click("#preview [data-goto] >> nth=0")
    assert writer.evaluate("getSelection().toString()") == "神仙宫殿"
    pressing(writer, lambda: writer.click("text=保存并提交审核"))
    assert "待审核" in writer.inner_text(".head")
    path = writer.url.removeprefix(base)

    # A document that proves one of the claims.
    writer.goto(f"{base}/desk/evidence")
    (tmp_path / "续约统计.pdf").write_bytes(b"%PDF-1.4 table")
    writer.set_input_files("[name=file]", str(tmp_path / "续约统计.pdf"))
    writer.fill("[name=number]", "TJ-2026-014")
    writer.fill("[name=issuer]", "统计事务所")
    writer.fill("[name=valid_from]", (date.today() - timedelta(days=5)).isoformat())
    writer.fill("[name=valid_to]", (date.today() + timedelta(days=200)).isoformat())
    writer.fill("form [name=product]", "云栖苑")
    pressing(writer, lambda: writer.click("button.primary"))

    # The officer works by keyboard: two rewrites, one waiver.
    officer = sign_in("李核")
    shoot(officer, "home-officer")
    officer.click("text=云栖苑看房邀约")
    officer.wait_for_selector(".card.on")
    assert officer.is_disabled("#decide button[value=approve]")
    shoot(officer, "review")
    for rule in ("house-palace", "house-river"):
        for _ in range(officer.locator(".card").count()):
            if rule in officer.text_content(".card.on"):
                break
            officer.keyboard.press("n")
        pressing(officer, lambda: officer.keyboard.press("a"))
    for _ in range(officer.locator(".card").count()):
        if "house-renewal" in officer.text_content(".card.on"):
            break
        officer.keyboard.press("n")
    officer.keyboard.press("c")
    officer.keyboard.type("有统计表")
    pressing(officer, lambda: officer.keyboard.press("Enter"))
    officer.keyboard.press("w")
    officer.keyboard.type("统计表 TJ-2026-014 覆盖全部业主")
    officer.select_option(".card.on [name=evidence_id]", index=1)
    shoot(officer, "review-waive")
    pressing(officer, lambda: officer.click(".card.on .waive button.primary"))
    assert "已豁免" in officer.inner_text(".card.on")
    officer.goto(f"{base}{path}/compare?old=1&new=3")
    shoot(officer, "compare")
    assert "神仙" in "".join(officer.locator("del").all_inner_texts())
    officer.goto(f"{base}{path}")
    pressing(officer, lambda: officer.click("#decide button[value=approve]"))
    assert "已批准" in officer.inner_text(".head")
    shoot(officer, "review-approved")
    officer.click(".good a")
    officer.wait_for_selector(".certificate")
    shoot(officer, "approval")
    officer.goto(f"{base}/desk/evidence")
    shoot(officer, "evidence")

    # An edit takes the approval away.
    writer.goto(f"{base}{path}/edit")
    assert "立即失效" in writer.inner_text(".warn")
    writer.fill("#write textarea", CLEAN)
    pressing(writer, lambda: writer.click("#write button.primary"))
    assert "草稿" in writer.inner_text(".head")
    assert "批准失效" in writer.inner_text(".history")
    pressing(writer, lambda: writer.click("#decide button[value=submit]"))
    officer.goto(f"{base}{path}")
    pressing(officer, lambda: officer.click("#decide button[value=approve]"))

    # A new rule flags the approved script.
    app.state.service.checker = new_checker
    officer.goto(f"{base}/desk/impact")
    pressing(officer, lambda: officer.click("text=立即重新检查"))
    assert "独立电梯" in officer.inner_text("main")
    shoot(officer, "impact")
    officer.goto(f"{base}{path}")
    assert "规则更新后结论改变" in officer.inner_text(".head")
    shoot(officer, "review-flagged")
    for name in ("scripts", "overview", "account", "audit"):
        officer.goto(f"{base}/desk/{name}")
        shoot(officer, name)

    # The log proves all of it, and shows a single changed byte.
    officer.click("text=校验全部记录")
    officer.wait_for_selector("#verified.good")
    with sqlite3.connect(tmp_path / "desk.db") as store:
        store.execute("UPDATE versions SET text = replace(text, '您好', '你好') WHERE number = 1")
    officer.click("text=校验全部记录")
    officer.wait_for_selector("#verified.error")
    assert "文本与其哈希不符" in officer.inner_text("#verified")
    shoot(officer, "audit-tampered")
    assert problems == []
