"""What goes wrong around the program: full disks, folders that cannot be written, damaged caches, a second process."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from checker import Checker
from checker.config import ConfigError, edit_list
from checker.stored import cached_arrays, cached_json, write_whole

SCRIPT = "客服：您好，我们的服务是全国最好的，稳赚不赔。\n客户：不需要\n"


def run(
    *arguments: str | Path, cache: Path, largest: int | None = None, **options
) -> subprocess.CompletedProcess:
    """The command in a process of its own; no file may grow beyond ``largest`` bytes, as on a full disk."""

    def limit() -> None:
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    return subprocess.run(
        [sys.executable, "-m", "checker", *map(str, arguments)],
        env={**os.environ, "HUASHU_CACHE_DIR": str(cache)},
        preexec_fn=limit,
        text=True,
        check=False,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    place = tmp_path / "call.txt"
    place.write_text(SCRIPT, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A cache folder with everything in it, and what a check of the script prints."""
    folder = tmp_path_factory.mktemp("warm")
    place = folder / "call.txt"
    place.write_text(SCRIPT, encoding="utf-8")
    done = run("check", place, "--format", "json", cache=folder / "cache")
    assert done.returncode == 1, done.stderr
    return folder / "cache", json.dumps(_findings(done.stdout))


def _findings(printed: str) -> list[tuple[str, int, int]]:
    (document,) = json.loads(printed)["documents"]
    return [(f["rule"], f["start"], f["end"]) for f in document["findings"]]


def test_a_full_disk_keeps_no_check_from_its_result(script: Path, tmp_path: Path) -> None:
    done = run("check", script, "--format", "json", cache=tmp_path / "cache", largest=1000)
    assert done.returncode == 1, done.stderr
    assert _findings(done.stdout)
    assert not list((tmp_path / "cache").glob("*.tmp*"))
    assert all(file.stat().st_size <= 1000 for file in (tmp_path / "cache").iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "html", "-o", "report.html"],
        ["--fix", "--unsafe-fixes"],
        ["--write-baseline", "baseline.json"],
        ["--annotate", "call.docx"],
    ],
    ids=lambda arguments: arguments[0].strip("-"),
)
def test_a_full_disk_leaves_every_file_as_it_was(
    arguments: list[str], warm: tuple[Path, str], tmp_path: Path
) -> None:
    script = tmp_path / "call.txt"
    if "--annotate" in arguments:
        import docx

        document = docx.Document()
        document.add_paragraph(SCRIPT.split("\n", maxsplit=1)[0])
        script = tmp_path / "in.docx"
        document.save(script)
    else:
        script.write_text(SCRIPT, encoding="utf-8")
    for name in ("report.html", "call.docx"):
        (tmp_path / name).write_text("old")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    done = run("check", script, *arguments, cache=warm[0], largest=20, cwd=tmp_path)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "cannot be written" in done.stderr or "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_output_that_nobody_can_take_is_one_message(script: Path, warm: tuple[Path, str]) -> None:
    with open("/dev/full", "w") as full:
        done = run("check", script, cache=warm[0], stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith("huashu: the output: No space left")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_leaves_early_is_no_error(script: Path, warm: tuple[Path, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = run("check", script, cache=warm[0], stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_folders_that_cannot_be_written(script: Path, warm: tuple[Path, str], tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    done = run("check", script, "--format", "json", cache=in_the_way / "cache")
    assert json.dumps(_findings(done.stdout)) == warm[1]
    told = f"huashu: {in_the_way / 'cache'}: Not a directory; every start takes seconds"
    assert next(line for line in done.stderr.splitlines() if line.startswith("huashu")).startswith(told)
    assert done.stderr.count("every start takes seconds") == 1
    done = run("check", script, "-o", in_the_way / "report.html", cache=warm[0])
    assert done.returncode == 2
    assert done.stderr.startswith(f"huashu: cannot write {in_the_way / 'report.html'}: Not a directory")
    if pytest.importorskip("pyarrow"):
        done = run("batch", script.parent, "-o", in_the_way / "out", cache=warm[0])
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_a_circle_of_links_is_a_file_that_cannot_be_opened(warm: tuple[Path, str], tmp_path: Path) -> None:
    (tmp_path / "self.txt").symlink_to("self.txt")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for arguments in (
        ["check", tmp_path / "self.txt"],
        ["check", tmp_path / "a" / "call.txt"],
        ["check", warm[0].parent / "call.txt", "--config", tmp_path / "self.txt"],
        ["batch", tmp_path / "self.txt", "-o", tmp_path / "out"],
        ["rewrite", tmp_path / "self.txt", "-o", tmp_path / "new.txt"],
    ):
        done = run(*arguments, cache=warm[0])
        assert done.returncode == 2, (arguments, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("huashu: ")
    done = run("check", tmp_path, cache=warm[0])
    assert (done.returncode, done.stderr) == (0, "")


def test_what_never_ends_is_refused(script: Path, warm: tuple[Path, str], tmp_path: Path) -> None:
    settings = tmp_path / "huashu.yaml"
    for content, arguments in (
        ("", ["/dev/zero"]),
        ("", [script, "--config", "/dev/zero"]),
        ("", [script, "--baseline", "/dev/zero"]),
        ("model: /dev/zero\n", [script]),
        ("baseline: /dev/zero\n", [script]),
    ):
        settings.write_text(content, encoding="utf-8")
        done = run("check", *arguments, cache=warm[0], cwd=tmp_path)
        assert done.returncode == 2, (arguments, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        assert "/dev/zero" in done.stderr
    settings.unlink()
    done = run("check", "/dev/null", cache=warm[0])
    assert (done.returncode, done.stderr) == (0, "")


def test_a_pipe_is_read_when_somebody_writes_into_it(warm: tuple[Path, str], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(SCRIPT, encoding="utf-8"))
    writer.start()
    done = run("check", pipe, "--format", "json", cache=warm[0])
    writer.join()
    assert json.dumps(_findings(done.stdout)) == warm[1]
    assert done.stderr.startswith(f"huashu: {pipe} is a pipe; waiting")


def test_a_defect_of_ours_has_not_the_exit_code_of_findings(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from checker.cli import main

    def fail(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Checker, "check", fail)
    assert main(["check", str(script)]) == 2
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setattr(Checker, "check", lambda *_: bytearray(1 << 62))
    assert main(["check", str(script)]) == 2
    assert capsys.readouterr().err.startswith("huashu: the memory is too small")


DAMAGES = {
    "emptied": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "flipped": lambda content: content[: len(content) // 3] + b"\x55" + content[len(content) // 3 + 1 :],
    "zeros": lambda content: bytes(len(content)),
    "no sums": lambda content: b"{}",
}


@pytest.mark.parametrize("shift", [0, 1])
def test_a_damaged_cache_is_made_again(
    shift: int, warm: tuple[Path, str], script: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    files = sorted(warm[0].iterdir())
    assert {".json", ".arrays"} == {file.suffix for file in files}
    kinds = list(DAMAGES)
    for number, file in enumerate(files):
        (cache / file.name).write_bytes(DAMAGES[kinds[(number + shift) % len(kinds)]](file.read_bytes()))
    done = run("check", script, "--format", "json", cache=cache)
    assert json.dumps(_findings(done.stdout)) == warm[1], done.stderr
    assert {f.name: f.stat().st_size for f in cache.iterdir()} == {f.name: f.stat().st_size for f in files}


def test_processes_share_a_cache_that_none_has_filled(
    script: Path, warm: tuple[Path, str], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    command = [sys.executable, "-m", "checker", "check", str(script), "--format", "json"]
    environment = {**os.environ, "HUASHU_CACHE_DIR": str(cache)}
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    printed = [process.communicate()[0] for process in running]
    assert [json.dumps(_findings(text)) for text in printed] == [warm[1]] * 2
    assert not [file.name for file in cache.iterdir() if ".tmp" in file.name]


def test_threads_share_a_checker_that_none_has_used() -> None:
    made = Checker(rewrites=False)
    expected = Checker(rewrites=False).check(SCRIPT).to_dict()
    found: list[dict] = []
    threads = [threading.Thread(target=lambda: found.append(made.check(SCRIPT).to_dict())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6


def test_threads_keep_the_same_thing_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    monkeypatch.setenv("HUASHU_CACHE_DIR", str(tmp_path))
    gate = threading.Barrier(6)
    seen: list[object] = []

    def keep() -> None:
        gate.wait()
        for _ in range(20):
            arrays = cached_arrays("a", lambda: {"table": np.arange(5000)})
            seen.append((int(arrays["table"].sum()), cached_json("b", lambda: ["好"] * 500)))
            for file in tmp_path.iterdir():
                file.unlink(missing_ok=True)

    threads = [threading.Thread(target=keep) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [(sum(range(5000)), ["好"] * 500)] * 120


def test_a_whole_file_keeps_rights_and_links_and_leaves_nothing_behind(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_whole(link, b"new")
    assert real.read_bytes() == b"new"
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    write_whole(tmp_path / "fresh.txt", b"x")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["fresh.txt", "link.txt", "real.txt"]
    write_whole("/dev/null", b"x")
    assert not Path("/dev/null").is_file()


def test_a_configuration_survives_a_disk_that_fills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "huashu.yaml"
    place.write_text("allow: [甲]\n", encoding="utf-8")

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigError, match="No space left"):
        edit_list(place, "allow", "乙")
    assert place.read_text(encoding="utf-8") == "allow: [甲]\n"
    assert [file.name for file in tmp_path.iterdir()] == ["huashu.yaml"]
