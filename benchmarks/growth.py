"""How time and memory grow: with the length of the text, the number of terms and the number of findings.

Every figure is made from different text (what the engine remembers of sentences is dropped before each
run), as processor time of this process, the least of the runs: other work on the machine adds to time
and never takes from it.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.text import CLAIMS, INNOCENT, filled, paragraphs
from checker import Checker
from checker.lexicon import Lexicon

CHARACTERS = 500
_MOST_DIFFERENT = 4 << 20


def cost(work: Callable[[], object], runs: int, before: Callable[[], object] = gc.collect) -> float:
    """Least processor seconds of some runs."""
    times = []
    for _ in range(runs):
        before()
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def endless(seed: int) -> Iterator[str]:
    """Different paragraphs without end."""
    while True:
        yield from paragraphs(200, characters=CHARACTERS, seed=seed)
        seed += 1


def length(megabytes: float, runs: int) -> list[dict[str, float]]:
    """Archives of paragraphs and single texts from 1 KB on, doubled up to ``megabytes``."""
    checker = Checker(rewrites=False)
    checker.check("预热")
    rows = []
    size = 1024
    while size <= megabytes * 1e6:
        # The same text at every run of a size, other text at every size. Small ones are repeated with
        # other text, so that the clock can see them; large ones are read several times, forgetting.
        repeat = max(1, min(200, 400_000 // size))
        passes = max(1, size // _MOST_DIFFERENT)
        texts = _of_size(size * repeat // passes, seed=size)
        lots = [texts] if repeat == 1 else _shared(texts, repeat)
        whole = ["".join(lot) for lot in lots]

        def archive(lots: Sequence[list[str]] = lots, passes: int = passes) -> None:
            for number in range(passes):
                if number:
                    checker.forget()
                for lot in lots:
                    for _ in checker.check_many(lot):
                        pass

        def single(whole: Sequence[str] = whole) -> None:
            for text in whole:
                checker.check(text)

        count = runs if size < 1e6 else 1
        row = {"bytes": float(size), "archive": cost(archive, count, checker.engine.forget) / repeat}
        if passes == 1:
            row["single"] = cost(single, count, checker.engine.forget) / repeat
        rows.append(row)
        print(f"length: {size} bytes, {row}", file=sys.stderr, flush=True)
        size *= 2
    return rows


def _of_size(size: int, seed: int) -> list[str]:
    """Paragraphs of about ``size`` bytes together, the last one cut."""
    out: list[str] = []
    left = size // 3
    for text in endless(seed):
        out.append(text[:left])
        left -= len(text)
        if left <= 0:
            return out
    raise AssertionError("endless text ended")


def _shared(texts: Sequence[str], count: int) -> list[list[str]]:
    """The same text in ``count`` equal pieces, each in paragraphs."""
    whole = "".join(texts)
    size = len(whole) // count
    pieces = [whole[n * size : (n + 1) * size] for n in range(count)]
    return [[piece[at : at + CHARACTERS] for at in range(0, size, CHARACTERS)] for piece in pieces]


def terms(factors: Sequence[int], runs: int) -> list[dict[str, float]]:
    """The same text with our terms and patterns, and with made-up terms added to so many times their number."""
    texts = list(islice(endless(3), 200))
    plain = Checker(rewrites=False)
    own = sum(len(rule.terms) + len(rule.patterns) for rule in plain.lexicon.rules)
    made = _new_terms(own * (max(factors) - 1), plain.lexicon, texts)
    checkers: list[tuple[int, Checker]] = []
    with tempfile.TemporaryDirectory() as folder:
        for factor in factors:
            place = Path(folder) / str(factor)
            place.mkdir()
            (place / "terms.yaml").write_text(_rules(made[: own * (factor - 1)]), encoding="utf-8")
            checker = Checker(rewrites=False, lexicons=[place])
            checker.check("预热")
            checkers.append((factor, checker))
        times: dict[int, list[float]] = {factor: [] for factor in factors}
        for _ in range(runs):  # side by side, so that the machine's moods meet all of them
            for factor, checker in checkers:
                checker.forget()
                start = time.process_time()
                for _ in checker.check_many(texts):
                    pass
                times[factor].append(time.process_time() - start)
    base = times[factors[0]]
    return [
        {
            "factor": factor,
            "terms": own * factor,
            "seconds": min(times[factor]),
            "ratio": sorted(t / b for t, b in zip(times[factor], base))[runs // 2],
        }
        for factor in factors
    ]


def _new_terms(count: int, lexicon: Lexicon, texts: Sequence[str]) -> list[str]:
    """Terms of two to six characters in everyday use, none of which is in the texts."""
    rng = random.Random(11)
    alphabet = sorted({c for text in texts for c in text if "\u4e00" <= c <= "\u9fff"})
    alphabet += sorted({c for rule in lexicon.rules for term in rule.terms for c in term if c >= "\u4e00"})
    spoken = "\n".join(texts)
    windows = {spoken[i : i + n] for n in range(2, 7) for i in range(len(spoken))}
    out: dict[str, None] = {}
    while len(out) < count:
        term = "".join(rng.choices(alphabet, k=rng.choice((3, 4, 4, 5, 6))))
        if term not in windows:
            out[term] = None
    return list(out)


def _rules(added: Sequence[str]) -> str:
    lines = ["category: exaggeration", "rules:"]
    if not added:
        return "allow: []\n"
    for number in range(0, len(added), 50):
        some = added[number : number + 50]
        lines += [
            f"  - id: exaggeration/made-up-{number}",
            "    level: review",
            f"    match: {{terms: [{', '.join(some)}]}}",
            "    message: “{matched}”无法证明",
            "    why: 无法证明",
            "    basis: [ad-law-9-3]",
            f"    examples: [{{flags: '这是[[{some[0]}]]'}}, {{passes: 这是茶, because: 没有比较}}]",
        ]
    return "\n".join(lines) + "\n"


def findings(shares: Sequence[float], runs: int) -> list[dict[str, float]]:
    """One text of 100,000 characters in which so many sentences of a hundred hold a claim."""
    quick, proving = Checker(rewrites=False), Checker()
    rows = []
    for share in shares:
        rng = random.Random(int(share * 1000))
        sentences: list[str] = []
        size = 0
        while size < 100_000:
            body = CLAIMS if rng.random() < share else INNOCENT
            sentences.append(filled(rng.choice(body), rng) + "。")
            size += len(sentences[-1])
        text = "".join(sentences)
        row = {
            "share": share,
            "findings": float(len(quick.check(text).findings)),
            "seconds": cost(lambda text=text: quick.check(text), runs, quick.engine.forget),
        }
        proving.check(text[:200])

        def forget() -> None:
            proving.forget()
            proving._rewriter.forget()

        row["with rewrites"] = cost(lambda text=text: proving.check(text), max(1, runs // 2), forget)
        rows.append(row)
        print(f"findings: {row}", file=sys.stderr, flush=True)
    return rows


def latency(count: int) -> dict[str, dict[str, float]]:
    """Milliseconds of one paragraph of 500 characters, warm: sentences met before, and not."""
    checker = Checker(rewrites=False)
    texts = list(islice(endless(5), count))
    for text in islice(endless(6), 200):
        checker.check(text)
    out = {}
    for name, forgets in (("nothing met before", True), ("with what is remembered", False)):
        times = []
        for text in texts:
            if forgets:
                checker.forget()
            start = time.process_time()
            checker.check(text)
            times.append(1000 * (time.process_time() - start))
        times.sort()
        out[name] = {"median": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}
    return out


#: Linux counts in ``ru_maxrss`` of a new program the memory of the one that started it, in ``VmHWM`` it does not.
_START = """
import re
from pathlib import Path
from checker import Checker

def held():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

checker = Checker(rewrites=False)
checker.check("这款理财稳赚不赔")
print(held())
from benchmarks.text import paragraphs
for _ in checker.check_many(paragraphs(1500)):
    pass
print(held())
"""


def start_up(runs: int) -> dict[str, float]:
    """Seconds (processor time of the process, least of the runs) of short commands, and megabytes held."""
    out = {}
    # As after an installation: what was compiled once is kept.
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as script:
        script.write("客服：您好\n客服：这款理财稳赚不赔\n")
        script.flush()
        for name, arguments in (
            ("--help", ["-m", "checker", "--help"]),
            ("check of two lines", ["-m", "checker", "check", script.name]),
        ):
            times = []
            for _ in range(runs + 1):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                subprocess.run([sys.executable, *arguments], capture_output=True, check=False, env=settings)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            out[name] = min(times[1:])
    done = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True)
    first, later = map(float, done.stdout.split())
    return out | {"megabytes after one sentence": first, "megabytes after 2 MB of text": later}


def everything(megabytes: float, runs: int) -> dict[str, Any]:
    """All of the above."""
    return {
        "length": length(megabytes, runs),
        "terms": terms((1, 5, 20, 50), runs),
        "findings": findings((0.01, 0.05, 0.2, 0.5, 1.0), runs),
        "latency": latency(400 * runs),
        "start": start_up(runs),
    }
