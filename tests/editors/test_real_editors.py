"""Real editors open a script, show what is wrong, and fix it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checker import check
from checker.report import edit_text
from checker.rewrite import best

HERE = Path(__file__).parent
SCRIPT = "😀𠮷客服：您好，我们的服务最佳。\n客服：我们的服务最佳，请放心。\n"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.txt"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def rewritten() -> str:
    """The script with the proven rewrite of its first finding."""
    (finding, *_) = check(SCRIPT).findings
    rewrite = best(finding)
    assert rewrite is not None
    return SCRIPT[: rewrite.span.start] + edit_text(rewrite, SCRIPT) + SCRIPT[rewrite.span.end :]


def drive(command: list[str], script: Path) -> str:
    environment = os.environ | {
        "HUASHU_FILE": str(script),
        "HUASHU_PYTHON": sys.executable,
        "HUASHU_BEFORE": str(len(check(SCRIPT).findings)),
        "HUASHU_AFTER": str(len(check(rewritten()).findings)),
        "LANG": "C.UTF-8",
        "HOME": str(script.parent),
    }
    done = subprocess.run(
        command,
        cwd=script.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("program", ["nvim"], indirect=True)
def test_neovim_shows_the_findings_and_applies_the_proven_rewrite(program: str, script: Path) -> None:
    shown = drive([program, "--clean", "--headless", "-c", f"luafile {HERE / 'drive.lua'}"], script)
    first = check(SCRIPT).findings[0].span
    columns = [len(SCRIPT[:offset].encode()) for offset in first]
    assert shown.strip() == f"0:{columns[0]}-{columns[1]}"
    assert script.read_text(encoding="utf-8") == rewritten()


@pytest.mark.parametrize("program", ["emacs"], indirect=True)
def test_emacs_shows_the_findings_and_applies_the_proven_rewrite(program: str, script: Path) -> None:
    shown = drive([program, "-q", "--batch", "-l", str(HERE / "drive.el")], script)
    assert shown.strip() == check(SCRIPT).findings[0].matched
    assert script.read_text(encoding="utf-8") == rewritten()
