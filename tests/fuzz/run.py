"""Fuzz one target, guided by coverage: ``python tests/fuzz/run.py check --inputs 100000``.

Needs ``pip install -e '.[desk,lsp,fuzz]'``. An input that fails is written to ``defects/TARGET`` once for each
place in the code where it fails, and the run goes on; a hang or a lack of memory ends it, with the
input beside the corpus. ``--log`` gets the number of inputs, of different ones, and the defects.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
MOST = 150_000
os.environ.setdefault("HUASHU_CACHE_DIR", tempfile.mkdtemp(prefix="huashu-cache-"))
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]
with atheris.instrument_imports(include=["checker"]):
    import fuzz_targets


class Run:
    """Counts what was tried and keeps what failed."""

    def __init__(self, name: str, log: Path | None, inputs: int) -> None:
        self.name = name
        self.target = fuzz_targets.TARGETS[name]
        self.log = log
        self.limit = inputs
        self.inputs = 0
        self.seen: set[int] = set()
        self.places: set[str] = set()
        self.slowest = (0.0, b"")
        self.started = self.said = time.monotonic()

    def __call__(self, data: bytes) -> None:
        """One input."""
        self.inputs += 1
        self.seen.add(hash(data))
        start = time.perf_counter()
        try:
            self.target.run(data)
        except Exception as error:
            self._keep(data, error)
        self.slowest = max(self.slowest, (time.perf_counter() - start, data))
        now = time.monotonic()
        if now - self.said > 10 or self.inputs >= self.limit:
            self.said = now
            self.write()
        if self.inputs >= self.limit:
            os._exit(0)  # the library offers no other way to stop at a number of our own

    def _keep(self, data: bytes, error: Exception) -> None:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "fuzz/run.py" not in f.filename]
        place = f"{type(error).__name__} at {' < '.join(f'{Path(f.filename).name}:{f.name}' for f in frames[-3:][::-1])}"
        if place in self.places:
            return
        self.places.add(place)
        folder = HERE / "defects" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
        print(f"\nDEFECT {place}\n{''.join(traceback.format_exception(error))}", file=sys.stderr, flush=True)

    def write(self) -> None:
        """Say how far the run is."""
        seconds, data = self.slowest
        line = {
            "target": self.name,
            "inputs": self.inputs,
            "different": len(self.seen),
            "seconds": round(time.monotonic() - self.started),
            "defects": sorted(self.places),
            "slowest": [round(seconds, 3), len(data)],
        }
        text = json.dumps(line, ensure_ascii=False)
        if self.log:
            self.log.write_text(text + "\n", encoding="utf-8")

    def mutate(self, data: bytes, longest: int, seed: int) -> bytes:
        """Texts are changed as texts, half of the time."""
        rng = random.Random(seed)
        if self.target.header and rng.random() < 0.6:
            return fuzz_targets.mutate_text(data, self.target.header, rng)[:longest]
        return bytes(atheris.Mutate(data, longest))


def fuzz(options: argparse.Namespace) -> None:
    """Run in this process until the number of inputs is reached; does not return."""
    corpus = options.corpus
    run = Run(options.target, options.log, options.inputs)
    defects = HERE / "defects" / options.target
    kept = [path.read_bytes() for path in sorted(defects.glob("*"))] if defects.is_dir() else []
    for number, seed in enumerate([*run.target.seeds(), *kept]):
        (corpus / f"seed-{number:04}").write_bytes(seed)
    arguments = [
        sys.argv[0],
        str(corpus),
        f"-max_len={run.target.longest}",
        "-timeout=25",
        "-rss_limit_mb=4000",
        f"-artifact_prefix={corpus}-",
    ]
    # What is compiled when first needed is no hang.
    fuzz_targets.checkers()
    fuzz_targets.sentences()
    atheris.Setup(arguments, run, custom_mutator=run.mutate)
    atheris.Fuzz()


def main() -> None:
    """Run until the number of inputs or the time is reached."""
    parser = argparse.ArgumentParser(prog="python tests/fuzz/run.py", description=__doc__)
    parser.add_argument("target", choices=sorted(fuzz_targets.TARGETS))
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--corpus", type=Path, help="folder that keeps what was found for the next run")
    parser.add_argument("--log", type=Path, help="where the counts go, a line a process")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        fuzz(options)
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix="huashu-corpus-")) / options.target
    corpus.mkdir(parents=True, exist_ok=True)
    left, until = options.inputs, time.monotonic() + options.seconds
    # The library keeps a few kilobytes of every input: one process runs so many and no more.
    while left > 0 and time.monotonic() < until:
        count = min(left, MOST)
        with tempfile.NamedTemporaryFile(suffix=".json") as counted:
            command = [sys.executable, __file__, options.target, f"--inputs={count}", "--alone"]
            command += [f"--corpus={corpus}", f"--log={counted.name}"]
            try:
                ended = subprocess.run(command, timeout=until - time.monotonic(), check=False).returncode
            except subprocess.TimeoutExpired:
                ended = 0
            line = Path(counted.name).read_text(encoding="utf-8")
        if options.log and line:
            with options.log.open("a", encoding="utf-8") as log:
                log.write(line)
        if ended:
            sys.exit(ended)
        left -= count


if __name__ == "__main__":
    main()
