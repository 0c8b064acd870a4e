"""``python -m benchmarks.batch [CALLS]``: huashu batch beside plain jieba tokenising of the same words.

Prints calls a minute, the ratio to jieba (all cores against jieba on all cores), the share of
sentences that repeat and the memory of the process tree at its highest. With ``--kill`` the run is
killed with SIGKILL in the middle, run again and compared byte for byte with an undisturbed one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.calls import write


def _cut(lot: list[str]) -> int:
    import logging

    import jieba

    jieba.setLogLevel(logging.WARNING)
    return sum(len(jieba.lcut(text)) for text in lot)


def _jieba(archive: Path, jobs: int) -> float:
    """Seconds for jieba on all cores, its dictionary loaded before."""
    texts = [turn["text"] for line in archive.open(encoding="utf-8") for turn in json.loads(line)["turns"]]
    lots = [texts[at : at + 2000] for at in range(0, len(texts), 2000)]
    with ProcessPoolExecutor(jobs) as pool:
        list(pool.map(_cut, [["预热"]] * jobs))
        begun = time.perf_counter()
        sum(pool.map(_cut, lots))
        return time.perf_counter() - begun


def _memory(pid: int) -> int:
    """Resident kilobytes of a process and all below it (shared pages count once a process)."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,rss"], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()[1:]]
    tree, total = {pid}, 0
    for _ in range(4):
        tree |= {child for child, parent, _ in rows if parent in tree}
    for child, _, size in rows:
        total += size if child in tree else 0
    return total


class _Watch(threading.Thread):
    """Samples the memory of a process twice a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.samples: list[int] = []

    def run(self) -> None:
        while Path(f"/proc/{self.pid}").exists():
            self.samples.append(_memory(self.pid))
            time.sleep(0.5)


def _command(archive: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "checker", "batch", str(archive), "-o", str(out)]


def _bytes(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(out.iterdir()) if file.is_file()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("calls", type=int, nargs="?", default=10_000)
    parser.add_argument("--kill", action="store_true")
    options = parser.parse_args()
    os.environ["HUASHU_HASH_KEY"] = "benchmark"
    jobs = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        archive, out = Path(folder) / "calls.jsonl", Path(folder) / "out"
        characters = write(archive, options.calls)
        print(f"{options.calls} calls, {characters:,} characters, {jobs} cores")
        begun = time.perf_counter()
        process = subprocess.Popen(_command(archive, out))
        watch = _Watch(process.pid)
        watch.start()
        if process.wait():
            sys.exit("huashu batch failed")
        taken = time.perf_counter() - begun
        plain = _jieba(archive, jobs)
        middle = watch.samples[len(watch.samples) // 3 : -4] or watch.samples
        print(f"huashu batch: {taken:.1f} s, {60 * options.calls / taken:,.0f} calls a minute")
        print(f"jieba, plain tokenising: {plain:.1f} s; ratio {plain / taken:.2f} times jieba")
        print(
            f"memory: highest {max(watch.samples) // 1024} MB, after a third {middle[0] // 1024} MB, near the end {middle[-1] // 1024} MB"
        )
        if options.kill:
            again = Path(folder) / "again"
            process = subprocess.Popen(
                _command(archive, again), stderr=subprocess.DEVNULL, start_new_session=True
            )
            time.sleep(taken / 2)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            done = len(list((again / "parts").glob("*.pickle")))
            subprocess.run(_command(archive, again), check=True, stderr=subprocess.DEVNULL)
            same = _bytes(out) == _bytes(again)
            print(f"killed after {done} shards and run again: {'the same bytes' if same else 'DIFFERENT'}")


if __name__ == "__main__":
    main()
