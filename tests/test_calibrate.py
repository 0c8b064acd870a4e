"""Confidence comes from counts, and the counts from labelled sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from checker import Checker
from checker.calibrate import as_yaml, count, read_labelled
from checker.cli import main
from checker.data import folder
from checker.lexicon import Lexicon
from checker.readers import ReaderError


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    rows = [
        {"text": "我们是全国第一品牌", "labels": ["absolute"]},
        {"text": "这款理财保本保息", "labels": ["guarantee"], "industry": "finance"},
        {"text": "第一步先登录", "labels": []},
        {"text": "亲测我们是全国第一品牌这种话不能写，我们是全国第一品牌", "labels": []},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def test_findings_count_as_right_or_wrong_by_their_sentence(checker: Checker, labelled: Path) -> None:
    rows, _ = read_labelled([labelled])
    counts = count(checker, rows, {"保": "葆"})
    right, found = counts.families["absolute/block"]
    assert 1 <= right < found
    assert counts.families["guarantee/block"][0] == counts.families["guarantee/block"][1] == 1
    assert counts.views["inserted"][0] > 0


def test_the_data_file_names_its_data(checker: Checker, labelled: Path) -> None:
    rows, digest = read_labelled([labelled])
    data = yaml.safe_load(as_yaml(count(checker, rows, {}), rows, digest))
    assert data["data"] == {"digest": digest, "sentences": 4, "innocent": 2}


def test_the_command_writes_the_file(labelled: Path, tmp_path: Path) -> None:
    target = tmp_path / "confidence.yaml"
    assert main(["calibrate", str(labelled), "-o", str(target)]) == 0
    assert set(yaml.safe_load(target.read_text(encoding="utf-8"))) == {"data", "views", "families", "rules"}


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "好", "labels": []}\n{"text"', encoding="utf-8")
    with pytest.raises(ReaderError, match="line 2"):
        read_labelled([path])


def test_confidence_follows_the_counts(lexicon: Lexicon) -> None:
    measured = yaml.safe_load((folder("lexicons") / "confidence.yaml").read_text(encoding="utf-8"))
    assert lexicon.measured["families"] == measured["families"]
    for rule in lexicon.rules:
        assert 0 < lexicon.confidence(rule, "sound") <= lexicon.confidence(rule) < 1


def test_a_rule_that_was_often_wrong_is_trusted_less(lexicon: Lexicon) -> None:
    counts = {name: tuple(pair) for name, pair in lexicon.measured["rules"].items() if pair[1] >= 8}
    rules = sorted(counts, key=lambda name: counts[name][0] / counts[name][1])
    worst, best = lexicon.rule_by_id[rules[0]], lexicon.rule_by_id[rules[-1]]
    assert lexicon.confidence(worst) < lexicon.confidence(best)
