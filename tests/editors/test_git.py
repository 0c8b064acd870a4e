"""Teams that keep scripts in git: the pre-commit hook and the workflow we offer."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from checker.cli import build_parser, main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hook() -> dict:
    (only,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return only


@pytest.mark.parametrize(("text", "code"), [("我们的服务最佳", 1), ("您好，请问方便吗", 0)])
def test_the_hook_fails_on_a_guilty_file_and_changes_nothing(
    hook: dict, tmp_path: Path, capsys, text, code
) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    program, *arguments = shlex.split(hook["entry"])
    assert program == "huashu"
    assert main([*arguments, *hook["args"], str(path)]) == code
    assert path.read_text(encoding="utf-8") == text
    assert ("absolute/best" in capsys.readouterr().out) == bool(code)


def test_the_workflow_uses_commands_that_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    workflow = yaml.safe_load((ROOT / "editors" / "github" / "huashu.yml").read_text(encoding="utf-8"))
    commands = [
        shlex.split(step["run"])[1:]
        for step in workflow["jobs"]["scripts"]["steps"]
        if step.get("run", "").startswith("huashu")
    ]
    assert len(commands) == 2
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "a.txt").write_text("我们的服务最佳", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    codes = [main(command) for command in commands]
    assert codes == [1, 0]
    assert capsys.readouterr().out.startswith("::error ")
    assert "absolute/best" in (tmp_path / "huashu.sarif").read_text(encoding="utf-8")
    assert build_parser().parse_args(commands[0]).format == "github"
