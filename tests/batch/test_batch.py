"""Archives: every format, rejects, a kill in the middle, and the same bytes again."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pl = pytest.importorskip("polars")
pq = pytest.importorskip("pyarrow.parquet")

from checker.batch.records import hashed, parse, raw_calls  # noqa: E402
from checker.batch.run import BatchOptions, run_batch  # noqa: E402
from checker.config import Config, ConfigError, load_config  # noqa: E402
from checker.readers import ReaderError  # noqa: E402

KEY = b"test"
TURNS = [
    {"role": "坐席", "text": "您好，我是某某公司的小李，给您推荐一款产品，稳赚不赔"},
    {"role": "客户", "text": "别再给我打电话了，我的电话是13800138000"},
    {"role": "坐席", "text": "您先听我说完"},
]
ABOUT = {
    "call_id": "c1",
    "agent": "8001",
    "team": "一组",
    "phone": "13912345678",
    "start": "2026-11-02 22:15:00",
    "consent": "否",
}


def rows(out: Path, name: str) -> list[dict[str, Any]]:
    return pl.read_parquet(out / f"{name}.parquet").to_dicts()


def flat_rows() -> list[dict[str, Any]]:
    return [{**ABOUT, **turn} for turn in TURNS]


def write_archive(folder: Path, form: str) -> Path:
    place = folder / f"calls.{form}"
    if form == "jsonl":
        place.write_text(json.dumps({**ABOUT, "turns": TURNS}, ensure_ascii=False) + "\n", encoding="utf-8")
    elif form == "csv":
        pl.DataFrame(flat_rows()).write_csv(place)
    elif form == "xlsx":
        pl.DataFrame(flat_rows()).write_excel(place)
    else:
        pl.DataFrame([{**ABOUT, "turns": TURNS}]).write_parquet(place)
    return place


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "xlsx"])
def test_every_format_gives_the_same_findings(form: str, tmp_path: Path) -> None:
    archive = write_archive(tmp_path, form)
    out = tmp_path / "out"
    counts = run_batch(archive, out, BatchOptions(jobs=1))
    assert counts["calls"] == 1
    (call,) = rows(out, "calls")
    assert (call["call_id"], call["agent"], call["team"]) == ("c1", "8001", "一组")
    assert call["start"].isoformat() == "2026-11-02T22:15:00"
    assert call["consent"] is False
    assert call["opted_out"]
    assert len(call["customer"]) == 16
    found = {row["rule"] for row in rows(out, "findings")}
    assert {"nuisance/after-opt-out", "guarantee/sure-profit"} <= found
    assert {row["rule"] for row in rows(out, "records")} >= {"nuisance/record-no-consent"}
    everything = "".join(file.read_text("utf-8") for file in (out / "findings.jsonl", out / "report.html"))
    assert "13800138000" not in everything
    assert "13912345678" not in everything


def test_recognisers_json_in_a_folder_is_one_call_each(tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    folder.mkdir()
    whisper = {"text": "您好稳赚不赔", "segments": [{"start": 0.0, "end": 2.5, "text": "您好稳赚不赔"}]}
    funasr = {
        "text": "您好,稳赚不赔。",
        "sentence_info": [
            {"text": "您好,", "start": 380, "end": 900, "spk": 0},
            {"text": "稳赚不赔。", "start": 1200, "end": 2200, "spk": 0},
        ],
    }
    dialogue = [
        {"role": "客服", "words": "您好，稳赚不赔", "begin": 0, "end": 1800},
        {"role": "客户", "words": "不需要", "begin": 2000, "end": 2600},
    ]
    for name, content in (("a", whisper), ("b", funasr), ("c", dialogue)):
        (folder / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    (folder / "d.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\n客服：稳赚不赔\n", encoding="utf-8")
    out = tmp_path / "out"
    assert run_batch(folder, out, BatchOptions(jobs=1))["calls"] == 4
    found = [(row["call_id"], row["second"]) for row in rows(out, "findings") if row["text"] == "稳赚不赔"]
    assert found == [("a.json", 0.0), ("b.json", 1.2), ("c.json", 0.0), ("d.srt", 1.0)]


def test_bad_rows_are_rejected_with_the_reason_and_the_run_goes_on(tmp_path: Path) -> None:
    archive = tmp_path / "calls.jsonl"
    good = json.dumps({**ABOUT, "turns": TURNS}, ensure_ascii=False)
    archive.write_text(f'{good}\n{{"call_id": broken\n{{"call_id": "c2"}}\n{good}\n', encoding="utf-8")
    out = tmp_path / "out"
    counts = run_batch(archive, out, BatchOptions(jobs=1))
    assert (counts["calls"], counts["rejects"]) == (2, 2)
    rejected = [json.loads(line) for line in (out / "rejects.jsonl").open(encoding="utf-8")]
    assert [(row["place"], row["source"]) for row in rejected] == [
        ("第 2 行", "calls.jsonl"),
        ("第 3 行", "calls.jsonl"),
    ]
    assert all(row["reason"] for row in rejected)


def test_odd_values_beside_the_words_stop_no_run(tmp_path: Path) -> None:
    odd = [
        {"call_id": "\ud800", "phone": "139\udfff", "agent": "\ud83d"},
        {"start": 1e300, "duration": 10**400},
        {"start": float("nan"), "duration": float("inf")},
        {"start": "0001-01-01T00:00:00+14:00"},
        {"start": "9999-12-31T23:59:59-12:00"},
    ]
    archive = tmp_path / "calls.jsonl"
    archive.write_text("".join(json.dumps({**about, "turns": TURNS}) + "\n" for about in odd))
    out = tmp_path / "out"
    assert run_batch(archive, out, BatchOptions(jobs=1))["calls"] == len(odd)
    assert [row["start"] for row in rows(out, "calls")] == [None] * len(odd)


@pytest.mark.parametrize("suffix", ["parquet", "xlsx", "csv"])
def test_a_truncated_archive_is_one_clear_error(suffix: str, tmp_path: Path) -> None:
    if suffix == "csv":
        archive = tmp_path / "calls.csv"
        archive.write_text('角色,内容\n客服,"' + "好" * ((1 << 24) + 1), encoding="utf-8")
        sizes = [archive.stat().st_size]
    else:
        archive = write_archive(tmp_path, suffix)
        size = archive.stat().st_size
        sizes = [0, 3, 40, size // 2, size - 9]
    content = archive.read_bytes()
    for size in sizes:
        archive.write_bytes(content[:size])
        with pytest.raises(ReaderError, match=archive.name):
            list(raw_calls(archive, {}))


def test_a_killed_worker_is_told_and_what_was_done_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUASHU_HASH_KEY", "test")
    archive = tmp_path / "calls.jsonl"
    _many(archive, 600)
    whole, out = tmp_path / "whole", tmp_path / "out"
    options = BatchOptions(jobs=1, shard=100)
    run_batch(archive, whole, options)

    def kill(done: int, _: int) -> None:
        if done == 200:
            (worker,) = multiprocessing.active_children()
            os.kill(worker.pid or 0, signal.SIGKILL)

    with pytest.raises(ReaderError, match="a process was killed"):
        run_batch(archive, out, options, kill)
    assert len(list((out / "parts").glob("*.json"))) >= 2
    run_batch(archive, out, options)
    assert _bytes(out) == _bytes(whole)


def _stopped(archive: Path, out: Path) -> list[Path]:
    """The shards that a run left which was interrupted before its end."""

    def stop(done: int, _: int) -> None:
        if done >= 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(archive, out, BatchOptions(jobs=1, shard=100), stop)
    return sorted(part for part in (out / "parts").iterdir() if part.suffix)


def test_a_damaged_shard_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUASHU_HASH_KEY", "test")
    archive = tmp_path / "calls.jsonl"
    _many(archive, 300)
    whole, out = tmp_path / "whole", tmp_path / "out"
    run_batch(archive, whole, BatchOptions(jobs=1, shard=100))
    first, second = _stopped(archive, out)[:2]
    content = first.read_bytes()
    first.write_bytes(content[:100])
    second.write_bytes(second.read_bytes().replace("稳赚".encode(), "绝不".encode(), 1))
    assert run_batch(archive, out, BatchOptions(jobs=1, shard=100))["calls"] == 300
    assert _bytes(out) == _bytes(whole)


def test_nothing_in_a_shard_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUASHU_HASH_KEY", "test")
    archive = tmp_path / "calls.jsonl"
    _many(archive, 300)
    parts = _stopped(archive, tmp_path / "out")
    touched = tmp_path / "touched"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (touched,)

    for part in parts:
        part.write_bytes(pickle.dumps(Trap()))
    parts[0].with_suffix(".pickle").write_bytes(pickle.dumps(Trap()))
    assert run_batch(archive, tmp_path / "out", BatchOptions(jobs=1, shard=100))["calls"] == 300
    assert not touched.exists()


@pytest.mark.parametrize("content", ["", "\n", "ab" * 20])
def test_numbers_are_not_hashed_with_a_key_that_was_cut(content: str, tmp_path: Path) -> None:
    archive = write_archive(tmp_path, "jsonl")
    out = tmp_path / "out"
    out.mkdir()
    (out / "hash.key").write_text(content)
    with pytest.raises(ReaderError, match=r"hash\.key.*delete the file"):
        run_batch(archive, out, BatchOptions(jobs=1))
    assert not (out / "calls.parquet").exists()


def test_a_full_disk_leaves_no_part_of_a_key(tmp_path: Path) -> None:
    archive, out = write_archive(tmp_path, "jsonl"), tmp_path / "out"

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    command = [sys.executable, "-m", "checker", "batch", str(archive), "-o", str(out), "--jobs", "1"]
    done = subprocess.run(command, preexec_fn=full, check=False, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not (out / "hash.key").exists()
    run_batch(archive, out, BatchOptions(jobs=1))
    assert (out / "hash.key").stat().st_mode & 0o777 == 0o600
    key = (out / "hash.key").read_bytes()
    assert len(key) == 64
    assert rows(out, "calls")[0]["customer"] == hashed(ABOUT["phone"], key)


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    archive = tmp_path / "calls.jsonl"
    _many(archive, 20)
    out = tmp_path / "out"
    refused = []

    def second(_: int, __: int) -> None:
        with pytest.raises(ReaderError, match="another run is writing") as caught:
            run_batch(archive, out, BatchOptions(jobs=1))
        refused.append(caught.value)

    run_batch(archive, out, BatchOptions(jobs=1), second)
    assert len(refused) == 1
    assert run_batch(archive, out, BatchOptions(jobs=1))["calls"] == 20


def test_columns_of_the_config_are_used(tmp_path: Path) -> None:
    settings = tmp_path / "huashu.yaml"
    settings.write_text("columns:\n  customer_number: 甲\n  agent_id: 乙\n", encoding="utf-8")
    config = load_config(settings)
    archive = tmp_path / "calls.jsonl"
    archive.write_text(json.dumps({"甲": "13912345678", "乙": "8001", "turns": TURNS}), encoding="utf-8")
    (record,) = parse(next(raw_calls(archive, config.columns)), tmp_path, config.columns, KEY)
    assert record.agent == "8001"
    assert record.customer == hashed("13912345678", KEY)
    settings.write_text("columns:\n  customer: 甲\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="customer_number"):
        load_config(settings)


def test_one_customer_has_one_hash_whatever_the_spelling() -> None:
    assert hashed("+86 139-1234-5678", KEY) == hashed("13912345678", KEY) != hashed("13912345678", b"other")
    assert hashed("", KEY) == ""


def _many(place: Path, count: int) -> None:
    with place.open("w", encoding="utf-8") as stream:
        for number in range(count):
            said = [*TURNS, {"role": "坐席", "text": f"您的编号是{number}"}]
            about = {**ABOUT, "call_id": f"c{number}", "start": f"2026-11-{1 + number % 28:02d} 10:00:00"}
            stream.write(json.dumps({**about, "turns": said}, ensure_ascii=False) + "\n")


def _bytes(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(out.iterdir()) if file.is_file()}


def test_killed_run_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUASHU_HASH_KEY", "test")
    archive = tmp_path / "calls.jsonl"
    _many(archive, 1500)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run_batch(archive, whole, BatchOptions(jobs=1))
    command = [sys.executable, "-m", "checker", "batch", str(archive), "-o", str(killed), "--jobs", "1"]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list((killed / "parts").glob("*.json"))) < 2:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / "report.html").exists(), "the run ended before it was killed"
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert _bytes(killed) == _bytes(whole)
    assert len(rows(killed, "calls")) == 1500


def test_number_of_processes_does_not_change_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUASHU_HASH_KEY", "test")
    archive = tmp_path / "calls.jsonl"
    _many(archive, 600)
    run_batch(archive, tmp_path / "one", BatchOptions(jobs=1))
    run_batch(archive, tmp_path / "two", BatchOptions(jobs=2))
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")


def test_empty_archive_has_a_report(tmp_path: Path) -> None:
    archive = tmp_path / "calls.jsonl"
    archive.write_text("", encoding="utf-8")
    assert run_batch(archive, tmp_path / "out", BatchOptions(jobs=1))["calls"] == 0
    assert "共 0 通" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_default_config_maps_no_column() -> None:
    assert Config().columns == {}
