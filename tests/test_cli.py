"""The command line: exit codes, messages, formats, fixes; run in this process."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from checker.cli import main

SCRIPT = "客服：您好，我是【公司名称】的小林，这款理财稳赚不赔。\n客户：最好再便宜点。\n"
CLEAN = "客服：您好，我是【公司名称】的小林，请问您方便吗？\n客户：嗯。\n"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.txt"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def test_findings_give_exit_code_one_and_go_to_stdout(script: Path, capsys) -> None:
    assert main(["check", str(script)]) == 1
    out, err = capsys.readouterr()
    assert "guarantee/sure-profit" in out
    assert "广告法" in out
    assert "guarantee" not in err


def test_a_clean_script_gives_exit_code_zero(tmp_path: Path, capsys) -> None:
    path = tmp_path / "clean.txt"
    path.write_text(CLEAN, encoding="utf-8")
    assert main(["check", str(path)]) == 0


def test_only_the_sellers_words_are_found(script: Path, capsys) -> None:
    main(["check", str(script), "--format", "json"])
    (document,) = json.loads(capsys.readouterr().out)["documents"]
    assert {finding["turn"] for finding in document["findings"]} == {0}
    for finding in document["findings"]:
        assert SCRIPT[finding["start"] : finding["end"]] == finding["text"]
        assert finding["basis"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SCRIPT.encode("gb18030"))))
    assert main(["check", "-", "--stdin-filename", "话术.txt", "--format", "concise"]) == 1
    assert capsys.readouterr().out.startswith("话术.txt:1:")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "missing.txt", "no such file"),
        (lambda folder: write(folder / "broken.docx", b"PK\x03\x04 not a zip"), "docx"),
        (lambda folder: write(folder / "sound.txt", bytes(range(256)) * 40), "binary"),
    ],
)
def test_a_file_that_cannot_be_read_gives_one_message_and_exit_code_two(
    make, says: str, tmp_path: Path, capsys
) -> None:
    path = make(tmp_path)
    assert main(["check", str(path)]) == 2
    err = capsys.readouterr().err
    assert len([line for line in err.splitlines() if line.startswith("huashu:")]) == 1
    assert path.name in err
    assert "Traceback" not in err
    assert says in err.lower()


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_an_unreadable_file_beside_a_good_one_is_not_hidden_by_exit_zero(
    script: Path, tmp_path: Path
) -> None:
    assert main(["check", str(script), str(tmp_path / "missing.txt"), "--exit-zero", "-q"]) == 2


def test_an_empty_file_is_clean(tmp_path: Path) -> None:
    assert main(["check", str(write(tmp_path / "empty.txt", b""))]) == 0


def test_a_lexicon_with_three_mistakes_names_all_three(script: Path, tmp_path: Path, capsys) -> None:
    house = tmp_path / "house"
    house.mkdir()
    (house / "a.yaml").write_text(
        "rules:\n"
        "  - id: absolute/one\n    level: severe\n    match: {terms: [头名]}\n    message: 说得太满\n    why: 无法证明\n"
        "    basis: [ad-law-9-3]\n    colour: red\n"
        "    examples:\n      - flags: 这是[[头名]]\n      - passes: 这是茶\n",
        encoding="utf-8",
    )
    assert main(["check", str(script), "--lexicon", str(house)]) == 2
    err = capsys.readouterr().err
    assert "'block', 'review' or 'hint'" in err
    assert "colour: unknown key" in err
    assert "because" in err
    assert err.count("a.yaml:") == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "x.txt", "--format", "cuneiform"],
        ["explain", "no/rule"],
        ["check", "x", "--channel", "smoke"],
    ],
)
def test_wrong_usage_is_exit_code_two_with_a_remedy(arguments: list[str], tmp_path: Path, capsys) -> None:
    if "x" in arguments:
        arguments[arguments.index("x")] = str(write(tmp_path / "x.txt", b"x"))
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("huashu:")


def test_select_ignore_and_levels(script: Path, capsys) -> None:
    assert main(["check", str(script), "--ignore", "guarantee,disclosure"]) == 0
    assert main(["check", str(script), "--select", "price"]) == 0
    assert main(["check", str(script), "--exit-zero"]) == 0


def test_diff_shows_and_fix_writes_what_is_proven(tmp_path: Path, capsys) -> None:
    house = tmp_path / "house"
    house.mkdir()
    (house / "a.yaml").write_text(
        "rules:\n  - id: absolute/house\n    level: review\n    match: {terms: [宇宙头名]}\n    message: 说得太满了\n"
        "    why: 无法证明\n    basis: [ad-law-9-3]\n    rewrite: {words: 不错, apply: safe}\n"
        "    examples:\n      - flags: 这是[[宇宙头名]]\n      - passes: 这是茶\n        because: 没有比较\n",
        encoding="utf-8",
    )
    path = write(tmp_path / "a.txt", "这是宇宙头名的茶。\r\n".encode("gb18030"))
    main(["check", str(path), "--lexicon", str(house), "--diff"])
    assert "+这是不错的茶。" in capsys.readouterr().out
    assert path.read_bytes().decode("gb18030") == "这是宇宙头名的茶。\r\n"
    assert main(["check", str(path), "--lexicon", str(house), "--fix"]) == 0
    assert path.read_bytes().decode("gb18030") == "这是不错的茶。\r\n"


def test_a_baseline_accepts_what_is_known_and_shows_what_is_new(script: Path, tmp_path: Path, capsys) -> None:
    baseline = tmp_path / "baseline.json"
    assert main(["check", str(script), "--write-baseline", str(baseline)]) == 0
    assert main(["check", str(script), "--baseline", str(baseline)]) == 0
    script.write_text(SCRIPT + "客服：保本保息。\n", encoding="utf-8")
    assert main(["check", str(script), "--baseline", str(baseline)]) == 1


def test_a_suppression_needs_a_reason_and_must_be_of_use(tmp_path: Path, capsys) -> None:
    def run(text: str) -> tuple[int, str]:
        path = write(tmp_path / "a.txt", text.encode())
        return main(["check", str(path), "--format", "concise"]), capsys.readouterr().out

    assert run('# huashu: disable=guarantee/sure-profit reason="反诈宣传" \n这款理财稳赚不赔')[0] == 0
    code, out = run("# huashu: disable=guarantee/sure-profit\n这款理财稳赚不赔")
    assert code == 1
    assert "suppression/missing-reason" in out
    code, out = run('# huashu: disable=guarantee/sure-profit reason="旧"\n今天天气不错')
    assert "suppression/unused" in out


def test_the_config_file_above_the_script_is_used(script: Path) -> None:
    (script.parent / "huashu.yaml").write_text("disable: [guarantee, disclosure]\n", encoding="utf-8")
    assert main(["check", str(script)]) == 0
    assert main(["check", str(script), "--no-config"]) == 1


def test_html_is_one_page_without_outside_resources(script: Path, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    assert main(["check", str(script), "-o", str(page)]) == 1
    html = page.read_text(encoding="utf-8")
    assert "稳赚不赔" in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html


@pytest.mark.parametrize("name", ["guarantee/sure-profit", "negation"])
def test_explain_prints_the_page_of_a_rule_or_exemption(name: str, capsys) -> None:
    assert main(["explain", name]) == 0
    out = capsys.readouterr().out
    assert "依据" in out
    assert "例句" in out


def test_rules_are_listed_counted_and_written_as_pages(tmp_path: Path, capsys) -> None:
    assert main(["rules", "guarantee"]) == 0
    assert "guarantee/sure-profit" in capsys.readouterr().out
    assert main(["rules", "--stats"]) == 0
    assert "| absolute |" in capsys.readouterr().out
    assert main(["rules", "--pages", str(tmp_path)]) == 0
    assert (tmp_path / "absolute.md").is_file()


def test_a_large_file_is_checked_to_its_end(tmp_path: Path, capsys) -> None:
    text = "今天给您回电是想确认一下预约的时间。\n" * 20_000 + "这款理财稳赚不赔。"
    path = write(tmp_path / "large.txt", text.encode())
    assert main(["check", str(path), "--format", "concise"]) == 1
    assert ":20001:" in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from checker.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'numpy', 'spacy', 'pydantic', 'jieba', 'rjieba', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_a_check_loads_no_spacy_and_no_scikit_learn(script: Path) -> None:
    code = (
        f"import sys; from checker.cli import main\nmain(['check', {str(script)!r}])\n"
        "print(sorted({'spacy', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
