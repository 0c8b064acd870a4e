"""``python -m benchmarks.lsp``: how long the language server takes after a character was typed.

The server's own code runs in this process: the change is applied, the text checked, the
diagnostics made and encoded, as between the notification and the answer. Characters are typed at
random places, among them Chinese characters that often occur in claims. Processor time is
measured, since the machine may be shared; the debounce and the transport are not counted. Nothing
here asserts a time.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import time

from benchmarks.text import paragraphs


def script(length: int) -> str:
    """A dialogue of about so many characters, seller and customer in turn."""
    lines: list[str] = []
    size = 0
    for paragraph in paragraphs(length // 300 + 2):
        for sentence in re.split(r"(?<=[。！？])", paragraph):
            if size >= length:
                break
            if sentence.strip():
                lines.append(("客服：" if len(lines) % 3 else "客户：") + sentence)
                size += len(lines[-1]) + 1
    return "\n".join(lines)


def typed(length: int, times: int, encoding: str) -> list[float]:
    """Processor seconds from each change to the encoded diagnostics."""
    from lsprotocol import converters
    from lsprotocol import types as lsp

    from checker.lsp.server import Server, diagnostics
    from checker.lsp.text import Text
    from checker.types import Span

    converter = converters.get_converter()
    server = Server()
    uri = "file:///huashu-benchmark/script.txt"
    text = Text(script(length), encoding)
    server.analyses[uri] = server.analyse(uri, text)
    chance = random.Random(7)
    seconds = []
    for _ in range(times):
        place = chance.randrange(len(text.text))
        letter = chance.choice("最第一全国保证的了，。a 1")
        change = lsp.TextDocumentContentChangePartial(text.range(Span(place, place)), letter)
        start = time.process_time()
        text = text.changed([change])
        server.analyses[uri] = server.analyse(uri, text)
        found = diagnostics(server.analyses[uri])
        json.dumps(converter.unstructure(lsp.PublishDiagnosticsParams(uri, found)))
        seconds.append(time.process_time() - start)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lsp", description=__doc__)
    parser.add_argument("--times", type=int, default=500, help="characters typed into the short script")
    options = parser.parse_args()
    print("| characters | typed | median ms | 90 % | 99 % | worst |\n|--:|--:|--:|--:|--:|--:|")
    for length, times in (
        (2_000, options.times),
        (20_000, options.times // 4),
        (200_000, options.times // 20),
    ):
        seconds = sorted(1000 * item for item in typed(length, times, "utf-16"))
        at = {share: seconds[min(int(share * len(seconds)), len(seconds) - 1)] for share in (0.9, 0.99)}
        median = statistics.median(seconds)
        print(f"| {length} | {times} | {median:.1f} | {at[0.9]:.1f} | {at[0.99]:.1f} | {seconds[-1]:.1f} |")


if __name__ == "__main__":
    main()
