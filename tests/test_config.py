"""huashu.yaml: found, read, and every mistake reported with line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.config import KEYS, Config, ConfigError, edit_list, find_config, load_config
from checker.types import Level


def load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "huashu.yaml"
    path.write_bytes(text.encode())
    return load_config(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    """Lines of the error without the folder."""
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text)
    assert str(error.value).splitlines() == [str(problem) for problem in error.value.problems]
    return [str(problem).removeprefix(f"{tmp_path / 'huashu.yaml'}:") for problem in error.value.problems]


def test_every_key_is_read(tmp_path):
    (tmp_path / "rules").mkdir()
    config = load(
        tmp_path,
        """
industry: insurance
channel: call_ai
lexicons: [rules]
disable: [price, absolute/best]
levels: {guarantee: review, absolute/first: hint}
allow: [第一人民医院]
own_brands: [中安]
fail_level: block
baseline: ci/baseline.json
model: own.npz
record_policy: records.yaml
columns: {customer_number: 被叫号码}
exclude: ['archive/*']
encoding: gb18030
text_column: 内容
role_column: 2
id_column: 编号
rewriter: {url: "https://llm.example/v1", model: m, key_env: KEY, seconds: 5}
""",
    )
    assert config == Config(
        industry="insurance",
        channel="call_ai",
        lexicons=(tmp_path / "rules",),
        disable=("price", "absolute/best"),
        levels={"guarantee": Level.REVIEW, "absolute/first": Level.HINT},
        allow=("第一人民医院",),
        own_brands=("中安",),
        fail_level=Level.BLOCK,
        baseline=tmp_path / "ci/baseline.json",
        model=tmp_path / "own.npz",
        record_policy=tmp_path / "records.yaml",
        columns={"customer_number": "被叫号码"},
        exclude=("archive/*",),
        encoding="gb18030",
        text_column="内容",
        role_column="2",
        id_column="编号",
        rewriter={"url": "https://llm.example/v1", "model": "m", "key_env": "KEY", "seconds": "5"},
        path=tmp_path / "huashu.yaml",
    )
    assert {key for key in KEYS if getattr(config, key)} == set(KEYS)


@pytest.mark.parametrize("text", ["", "# nothing\n", "industry:\nlexicons:\n", "\ufeff"])
def test_an_empty_file_gives_the_defaults(tmp_path, text):
    assert load(tmp_path, text) == Config(path=tmp_path / "huashu.yaml")
    assert Config().fail_level is Level.REVIEW


def test_all_mistakes_are_reported_in_one_run_in_order(tmp_path):
    found = problems(
        tmp_path,
        """industri: insurance
channel: phone
disable: absolute
levels:
  absolutely: block
  price: fatal
allow: [1, 好]
fail_level: revue
lexicons: [nowhere]
encoding: klingon
channel: sms
""",
    )
    assert [line.partition(" ")[0] for line in found] == [
        "1:",
        "2:",
        "3:",
        "5:",
        "6:",
        "7:",
        "8:",
        "9:",
        "10:",
        "11:",
    ]
    expected = [
        "industri: unknown key; did you mean 'industry'?",
        "channel: expected one of call_1to1, call_ai",
        "disable: expected a list, found 'absolute'; write disable: [..]",
        "levels.absolutely: expected a rule id or a category, found 'absolutely'; did you mean 'absolute'?",
        "levels.price: expected one of hint, review, block, found 'fatal'",
        "allow[1]: expected text, found the number 1; put it in quotes",
        "fail_level: expected one of hint, review, block, found 'revue'; did you mean 'review'?",
        "lexicons: expected a folder with lexicons, found none at",
        "encoding: expected an encoding such as utf-8 or gb18030, found 'klingon'",
        "channel: the key stands twice (first in line 2); keep one",
    ]
    for line, words in zip(found, expected, strict=True):
        assert words in line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("industry: [a\nchannel: sms]", "2: not valid YAML"),
        ("a: b: c", "1: not valid YAML"),
        ("- industry", "1: expected keys such as 'industry: insurance', found a list"),
        ("industry: {a: b}", "1: industry: expected text, found a mapping; write one value"),
        ("industry: ''", "1: industry: expected text, found nothing; write one value"),
        ("industry: yes", "1: industry: expected text, found the truth value yes; put it in quotes"),
        ("baseline: 2026-01-01", "1: baseline: expected text, found the date 2026-01-01; put it in quotes"),
        ("channel: [sms]", "1: channel: expected one of"),
        ("levels: [price]", "1: levels: expected rules with their levels, found a list"),
        ("levels:\n  price: hint\n  price: block", "3: levels.price: the key stands twice (first in line 2)"),
        ("disable: [suppression]", "1: disable: expected a rule id or a category, found 'suppression'"),
        ("disable:\n  - {a: b}", "2: disable[1]: expected text, found a mapping"),
        ("? [a]\n: b", "1: expected a name as key, found a list"),
        ("industry: a\x07b", "1: not valid YAML"),
    ],
)
def test_a_mistake_names_line_key_and_what_was_expected(tmp_path, text, says):
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(says)


def test_unreadable_files_are_config_errors(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)
    (tmp_path / "huashu.yaml").write_bytes("industry: 保险".encode("gb18030"))
    with pytest.raises(ConfigError, match="not UTF-8; save it as UTF-8"):
        load_config(tmp_path / "huashu.yaml")


def test_the_nearest_file_above_governs(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    outer_file = tmp_path / "huashu.yaml"
    outer_file.write_text("")
    assert find_config(inner / "script.txt") == outer_file
    inner_file = tmp_path / "a" / "huashu.yaml"
    inner_file.write_text("")
    assert find_config(inner / "script.txt") == inner_file
    assert find_config(inner) == inner_file


def test_the_search_stops_at_the_repository(tmp_path):
    repository = tmp_path / "repo"
    (repository / "scripts").mkdir(parents=True)
    (tmp_path / "huashu.yaml").write_text("")
    (repository / ".git").mkdir()
    assert find_config(repository / "scripts" / "a.txt") is None
    (repository / "huashu.yaml").write_text("")
    assert find_config(repository / "scripts" / "a.txt") == repository / "huashu.yaml"


def test_a_relative_start_is_looked_up_from_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "huashu.yaml").write_text("")
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert find_config("script.txt") == tmp_path / "huashu.yaml"


def test_paths_are_relative_to_the_file_not_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "rules").mkdir()
    (tmp_path / "huashu.yaml").write_text("lexicons: [rules]\nbaseline: b.json\n")
    monkeypatch.chdir("/")
    config = load_config(tmp_path / "huashu.yaml")
    assert config.lexicons == (tmp_path / "rules",)
    assert config.baseline == tmp_path / "b.json"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "industry: insurance\n",
        "allow: [第一时间保险, '甲']  # c\nindustry: loan\n",
        "allow: []\n",
        "allow:\nindustry: loan\n",
        "# top\nallow:\n  - 第一  # why\n  - 甲\nindustry: loan # z\n",
        "allow:\n- 第一\n- 甲",
        "industry: loan\r\nallow:\r\n- 甲\r\n",
    ],
)
def test_a_list_is_edited_in_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "huashu.yaml"
    path.write_bytes(text.encode())
    before = load_config(path).allow
    assert edit_list(path, "allow", '乙"x') is True
    assert load_config(path).allow == (*before, '乙"x')
    assert edit_list(path, "allow", '乙"x') is False
    for phrase in ('乙"x', *before):
        assert edit_list(path, "allow", phrase, add=False) is True
    assert load_config(path).allow == ()
    for comment in ("# c", "# top", "industry: loan"):
        assert (comment in text) == (comment in path.read_text(encoding="utf-8"))


def test_a_file_that_does_not_load_is_not_edited(tmp_path: Path) -> None:
    path = tmp_path / "huashu.yaml"
    path.write_text("allow: 甲\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        edit_list(path, "allow", "乙")
    assert path.read_text(encoding="utf-8") == "allow: 甲\n"
