"""SARIF against the schema of the standard, and what GitHub demands beyond it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from checker.document import Document
from checker.report import FORMATS, RenderOptions
from checker.types import Report


@pytest.fixture(scope="module")
def schema() -> Any:
    path = Path(__file__).parent / "data" / "sarif-2.1.0-rtm.4.json"
    loaded = json.loads(path.read_text(encoding="utf-8-sig"))
    properties = loaded["definitions"]["suppression"]["properties"]
    properties["status"] = properties.pop("state")  # the name in the final standard
    return loaded


def sarif(*reports: Report, **options: Any) -> Any:
    return json.loads(FORMATS["sarif"].render(reports, options=RenderOptions(**options)))


def test_logs_are_valid(schema, call, clean, hostile, table):
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    for reports in ((), (clean,), (call,), (call, hostile, table, clean)):
        for excused in (False, True):
            errors = [error.message for error in validator.iter_errors(sarif(*reports, show_excused=excused))]
            assert errors == []


def test_the_schema_rejects_unknown_keys(schema, call):
    log = sarif(call)
    log["runs"][0]["results"][0]["severity"] = "error"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema).validate(log)


def test_columns_are_code_points_and_say_so(call):
    run = sarif(call)["runs"][0]
    assert run["columnKind"] == "unicodeCodePoints"
    for result in run["results"]:
        region = result["locations"][0]["physicalLocation"]["region"]
        start = region["charOffset"]
        assert (
            call.document.text[start : start + region["charLength"]]
            == region.get("snippet", {"text": ""})["text"]
        )
        place = call.document.locate(start)
        assert (region["startLine"], region["startColumn"]) == (place.line, place.column)


def test_states_become_kinds(call):
    results = sarif(call, show_excused=True)["runs"][0]["results"]
    kinds = {(r["properties"]["state"], r["kind"], r["level"]) for r in results if "suppressions" not in r}
    assert kinds == {
        ("violation", "fail", "error"),
        ("violation", "fail", "warning"),
        ("violation", "fail", "note"),
        ("needs-evidence", "review", "none"),
        ("excused", "pass", "none"),
    }


def test_suppressed_results_stay_with_their_reason_and_without_fixes(call):
    suppressed = [r for r in sarif(call)["runs"][0]["results"] if "suppressions" in r]
    assert [r["suppressions"] for r in suppressed] == [
        [{"kind": "inSource", "status": "accepted", "justification": "有证明 <EV-014>"}]
    ]


def test_fixes_are_what_may_be_applied_and_questions_are_not(call):
    results = {r["ruleId"]: r for r in sarif(call)["runs"][0]["results"]}
    replacement = results["absolute/best"]["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert replacement["insertedContent"] == {"text": "不错"}
    assert "fixes" not in results["guarantee/principal"]
    assert results["guarantee/principal"]["properties"]["toFillIn"]


def test_rules_and_results_point_to_the_legal_bases(call):
    run = sarif(call)["runs"][0]
    taxa = {taxon["id"] for taxon in run["taxonomies"][0]["taxa"]}
    assert taxa == {"ad-law-9-3", "aucl-9-1", "fin-316-2"}
    for result in run["results"]:
        assert {taxon["id"] for taxon in result["taxa"]} <= taxa
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_what_github_demands_is_there(call):
    run = sarif(call)["runs"][0]
    for rule in run["tool"]["driver"]["rules"]:
        assert rule["shortDescription"]["text"]
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
    for result in run["results"]:
        assert result["message"]["text"]
        assert result["partialFingerprints"]["primaryLocationLineHash"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert {"startLine", "startColumn", "endLine", "endColumn"} <= region.keys()


def artifact(path: str, find) -> Any:
    document = Document(text="最好", path=path)
    log = sarif(Report(document, (find(document, "最好"),)))
    return log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]


def test_paths_are_relative_uris(find, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    relative = {"uri": "a%20b/%E8%AF%9D.txt", "uriBaseId": "SRCROOT"}
    assert artifact("a b/话.txt", find) == relative
    assert artifact("a b\\话.txt", find) == relative
    assert artifact(str(tmp_path / "a b" / "话.txt"), find) == relative
    assert artifact("/elsewhere/x:y.txt", find) == {"uri": "file:///elsewhere/x%3Ay.txt"}
    assert artifact("", find)["uri"] == "%3Ctext%3E"


def test_speakers_and_places_are_logical_locations(call, table):
    turn = sarif(call)["runs"][0]["results"][0]["locations"][0]["logicalLocations"][0]
    assert turn["fullyQualifiedName"] == "话术/a b.txt/agent/turn-1"
    cell = sarif(table)["runs"][0]["results"][0]["locations"][0]["logicalLocations"][0]
    assert cell["name"] == "话术!B3"
