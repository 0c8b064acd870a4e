"""Spark: the same rows as the local engine, on two workers, one of which is lost."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pyspark = pytest.importorskip("pyspark")
pl = pytest.importorskip("polars")
if shutil.which("java") is None:
    pytest.skip("no Java on this machine", allow_module_level=True)

from checker.batch.run import BatchOptions, run_batch  # noqa: E402
from checker.batch.spark import SCHEMA, check_lines  # noqa: E402

KEY = "test"
CALLS = 400


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("spark") / "calls.jsonl"
    with place.open("w", encoding="utf-8") as stream:
        for number in range(CALLS):
            turns = [
                ["agent", f"您好，我是某某公司的小李，给您推荐第{number}款产品，稳赚不赔"],
                ["customer", "不需要，我的电话是13800138000"],
                ["agent", "您先别急着拒绝" if number % 2 else "好的，不打扰您了"],
            ]
            call = {
                "call_id": f"c{number}",
                "phone": f"139{number:08d}",
                "turns": [{"role": role, "text": text} for role, text in turns],
            }
            stream.write(json.dumps(call, ensure_ascii=False) + "\n")
        stream.write("{broken\n")
    return place


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.executor.memory", "1g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.executorEnv.PYTHONPATH", str(Path(__file__).resolve().parents[2]))
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "50")
        .getOrCreate()
    )
    yield session
    session.stop()


def local_rows(archive: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    monkeypatch.setenv("HUASHU_HASH_KEY", KEY)
    run_batch(archive, out, BatchOptions(jobs=1))
    tables = {name: pl.read_parquet(out / f"{name}.parquet") for name in ("calls", "findings")}
    return {
        "call": sorted(str(row) for row in tables["calls"].drop("source", "start").rows()),
        "finding": sorted(str(row) for row in tables["findings"].rows()),
    }


def spark_rows(frame: Any) -> dict[str, list[str]]:
    from checker.batch.work import CALLS as CALL_COLUMNS
    from checker.batch.work import FINDINGS

    kept = [name for name in CALL_COLUMNS if name not in ("source", "start")]
    rows = frame.collect()
    return {
        "call": sorted(str(tuple(row[name] for name in kept)) for row in rows if row["kind"] == "call"),
        "finding": sorted(str(tuple(row[n] for n in FINDINGS)) for row in rows if row["kind"] == "finding"),
        "reject": [row["reason"] for row in rows if row["kind"] == "reject"],
    }


@pytest.mark.slow
def test_two_workers_give_the_rows_of_the_local_engine(
    archive: Path, spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = spark.read.text(f"file://{archive}").repartition(4)
    found = spark_rows(lines.mapInArrow(check_lines(key=KEY), SCHEMA))
    assert len(found["reject"]) == 1
    expected = local_rows(archive, tmp_path / "out", monkeypatch)
    assert found["call"] == expected["call"]
    assert found["finding"] == expected["finding"]


@pytest.mark.slow
def test_a_lost_worker_loses_and_doubles_no_call(archive: Path, spark: Any, tmp_path: Path) -> None:
    check, marker = check_lines(key=KEY), tmp_path / "killed"

    def check_and_kill(batches: Any) -> Any:
        """The first task kills the executor it runs in; a Python worker is two below it."""
        import os
        import signal

        try:
            mine = os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            yield from check(batches)
        else:
            with open(f"/proc/{os.getppid()}/stat") as stat:
                executor = int(stat.read().rsplit(")", 1)[1].split()[1])
            with open(f"/proc/{executor}/cmdline") as words, os.fdopen(mine, "w") as told:
                told.write(f"{executor} {words.read()}")
            yield from check(batches)
            os.kill(executor, signal.SIGKILL)

    lines = spark.read.text(f"file://{archive}").repartition(8)
    target = f"file://{tmp_path}/checked"
    lines.mapInArrow(check_and_kill, SCHEMA).write.mode("overwrite").parquet(target)
    killed, _, command = marker.read_text().partition(" ")
    assert "CoarseGrainedExecutorBackend" in command
    assert not Path(f"/proc/{killed}").exists()
    ids = [row["call_id"] for row in spark.read.parquet(target).where("kind = 'call'").collect()]
    assert sorted(ids) == sorted(f"c{number}" for number in range(CALLS))


def test_workers_need_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUASHU_HASH_KEY", raising=False)
    with pytest.raises(ValueError, match="HUASHU_HASH_KEY"):
        check_lines()
