"""An industry is known by its id or Chinese name wherever it is given; a mistake never passes in silence."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from checker.batch.run import BatchOptions, run_batch
from checker.cli import main
from checker.config import ConfigError, load_config
from checker.document import Document
from checker.labels import INDUSTRY_NAMES, UnknownIndustryError, industry_id
from checker.pipeline import Checker
from checker.web.app import create_app
from checker.web.settings import Settings

#: Forbidden in real estate alone.
GUILTY = "零首付上车"


@pytest.mark.parametrize("slug", INDUSTRY_NAMES)
def test_ids_and_chinese_names_are_accepted(slug: str) -> None:
    assert industry_id(slug) == industry_id(INDUSTRY_NAMES[slug]) == industry_id(f" {slug.upper()} ") == slug


@pytest.mark.parametrize(
    ("name", "near"), [("insurence", "insurance"), ("房产", "realestate"), ("realestat", "房地产"), ("xyz", "use one of")]
)  # fmt: skip
def test_a_mistake_names_what_was_meant(name: str, near: str) -> None:
    with pytest.raises(UnknownIndustryError, match=near):
        industry_id(name)


def test_the_command_takes_names_and_refuses_mistakes(tmp_path: Path, capsys) -> None:
    script = tmp_path / "script.txt"
    script.write_text(GUILTY, encoding="utf-8")
    assert main(["check", str(script), "--industry", "房地产"]) == 1
    assert main(["check", str(script), "--industry", "realestat"]) == 2
    assert "did you mean realestate (房地产)?" in capsys.readouterr().err
    config = tmp_path / "huashu.yaml"
    config.write_text("industry: 房产\n", encoding="utf-8")
    assert main(["check", str(script)]) == 2
    assert "huashu.yaml:1: industry: unknown industry '房产'" in capsys.readouterr().err
    config.unlink()
    archive = tmp_path / "calls.jsonl"
    archive.write_text(json.dumps({"text": GUILTY}), encoding="utf-8")
    assert main(["batch", str(archive), "--output", str(tmp_path / "out"), "--industry", "xyz"]) == 2


def test_a_configuration_gives_the_id(tmp_path: Path) -> None:
    path = tmp_path / "huashu.yaml"
    path.write_text("industry: 保险\n", encoding="utf-8")
    assert load_config(path).industry == "insurance"
    path.write_text("industry: 保险业务部\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="insurance"):
        load_config(path)


def test_the_server_takes_names_and_refuses_mistakes() -> None:
    with TestClient(create_app(Settings())) as client:
        right = client.post("/api/v1/check", json={"text": GUILTY, "industry": "房地产"}).json()
        wrong = client.post("/api/v1/check", json={"text": GUILTY, "industry": "realestat"})
    assert right["documents"][0]["industry"] == "realestate"
    assert wrong.status_code == 422
    assert "房地产" in wrong.text


def test_an_unknown_industry_in_a_document_is_guessed_anew() -> None:
    checker = Checker(rewrites=False)
    report = checker.check(Document(text=GUILTY, industry="xyz"))
    assert (report.industry, report.industry_given) == (checker.check(GUILTY).industry, False)
    assert checker.check(Document(text=GUILTY, industry="房地产")).industry == "realestate"


def test_unknown_industries_of_an_archive_are_data_quality(tmp_path: Path) -> None:
    archive = tmp_path / "calls.jsonl"
    calls = [
        {"call_id": str(n), "industry": name, "text": GUILTY}
        for n, name in enumerate(["房地产", "楼盘部", ""])
    ]
    archive.write_text("\n".join(json.dumps(call) for call in calls), encoding="utf-8")
    counts = run_batch(archive, tmp_path / "out", BatchOptions(jobs=1))
    assert counts["calls"] == 3
    table = pl.read_parquet(tmp_path / "out" / "calls.parquet")
    assert table["unknown_industry"].to_list() == ["", "楼盘部", ""]
    assert table["industry"].to_list()[0] == "realestate"
    assert "行业名不认识" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_lexicons_of_a_user_may_add_industries(lexicon_folder) -> None:
    folder = lexicon_folder(
        "category: absolute\nrules:\n  - id: absolute/pet-king\n    level: review\n    industries: [pets]\n"
        "    match: {terms: [宠物之王]}\n    message: 宠物之最\n    why: 宠物之最\n    basis: [ad-law-9-3]\n"
        "    examples:\n      - flags: 我们是[[宠物之王]]\n      - passes: 宠物\n        because: 无\n"
    )
    assert Checker("pets", lexicons=[folder]).industry == "pets"
    with pytest.raises(UnknownIndustryError):
        Checker("pet", lexicons=[folder])
