"""A built wheel, installed elsewhere, finds its lexicons; the documents name what exists."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from checker.cli import build_parser
from checker.lexicon import Lexicon

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    code = f"import os; os.chdir({str(ROOT)!r}); from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_lexicon_and_nothing_stray(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("lexicons", "models"):
        here = {
            f"checker/_data/{kind}/{p.relative_to(ROOT / kind).as_posix()}"
            for p in (ROOT / kind).rglob("*")
            if p.is_file()
        }
        assert here <= names
    assert not [n for n in names if n.endswith((".pyc", ".log")) or "test" in n.lower()]
    assert any("report/templates/" in name for name in names)


def test_a_wheel_unpacked_elsewhere_checks_a_script(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import checker; "
        "assert 'site' in checker.__file__, checker.__file__; print(checker.check('这款理财稳赚不赔').verdict)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.strip() == "block"


def test_the_readme_names_only_commands_and_options_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    help_text = build_parser().format_help()
    for command, arguments in re.findall(r"^(?:\.venv/bin/)?huashu ([a-z-]+)([^\n#]*)", text, re.MULTILINE):
        assert command in help_text
        for option in re.findall(r"--[a-z-]+", arguments):
            subparser = build_parser()._subparsers._group_actions[0].choices[command]  # type: ignore[union-attr,index]
            assert option in subparser.format_help(), (command, option)


def test_rules_that_the_readme_names_exist(lexicon: Lexicon) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"\b((?:absolute|guarantee|pressure|price|efficacy)/[a-z-]+)", text):
        assert name in lexicon.rule_by_id, name


def test_no_tracked_file_names_a_registry_or_this_machine() -> None:
    hosts = ["pypi" + ".org", "python" + "hosted.org", "registry.npm" + "js.org", "deb.debian" + ".org"]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout
    tracked = [ROOT / name for name in listed.decode().split("\0") if name]
    if not tracked:
        pytest.skip("not a git checkout: which files are tracked is unknown")
    for path in filter(Path.is_file, tracked):
        data = path.read_bytes()
        assert not any(host.encode() in data for host in hosts), path
