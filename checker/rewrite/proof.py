"""Proof of rewrites: checked again, in their sentence and in their document, many at a time.

A rewrite is shown only when the sentence with it holds neither the finding nor one it did not hold
before, and when the same is true of the whole document: a word can fulfil or awaken a duty, or a
rule that looks at the turn. Sentences are checked once, however many documents hold them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import TypeVar

from checker.document import Anchor, Document, Turn
from checker.scene import Setting
from checker.types import Finding, Rewrite, Span

#: The ids, with counts, of the rules that the checker finds broken in documents.
Judge = Callable[[Sequence[Document], Sequence[Setting]], Sequence[Counter[str]]]
T = TypeVar("T")
#: A proof that waits for sentences to be checked, and says in the end what it found.
Proof = Generator[tuple[str, Setting], None, T]
_MOST_SENTENCES = 20_000
#: Characters of documents that are checked again at once.
_BATCH = 200_000


class Prover:
    """Checks texts again with one judge and remembers the sentences."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._known: dict[tuple[str, Setting], Counter[str]] = {}

    def forget(self) -> None:
        """Drop what is remembered of sentences."""
        self._known.clear()

    def learn(self, sentences: Iterable[tuple[str, Setting]]) -> None:
        """Check sentences, said by the seller, that are not known yet; all at once."""
        wanted = list(dict.fromkeys(key for key in sentences if key not in self._known))
        if not wanted:
            return
        if len(self._known) + len(wanted) > _MOST_SENTENCES:
            self._known.clear()
        documents = [Document(text=text) for text, _ in wanted]
        found = self._judge(documents, [setting for _, setting in wanted])
        self._known.update(zip(wanted, found))

    def rules(self, sentence: str, setting: Setting) -> Counter[str]:
        """Rule ids found in a sentence, with counts."""
        found = self._known.get((sentence, setting))
        if found is None:
            self.learn([(sentence, setting)])
            found = self._known[sentence, setting]
        return found

    def ask(self, sentence: str, setting: Setting) -> Proof[Counter[str]]:
        """As :meth:`rules`, where many proofs wait for their sentences together (:meth:`run`)."""
        if (sentence, setting) not in self._known:
            yield sentence, setting
        return self.rules(sentence, setting)

    def run(self, proofs: Iterable[Proof[T]]) -> list[T]:
        """The results of proofs side by side: what all of them wait for is checked in one go."""
        waiting = dict(enumerate(proofs))
        ended: dict[int, T] = {}
        while waiting:
            wanted: list[tuple[str, Setting]] = []
            for number, proof in list(waiting.items()):
                try:
                    wanted.append(next(proof))
                except StopIteration as end:
                    ended[number] = end.value
                    del waiting[number]
            self.learn(wanted)
        return [ended[number] for number in sorted(ended)]

    def documents(self, documents: Sequence[Document], settings: Sequence[Setting]) -> list[Counter[str]]:
        """Rule ids found in each document, with counts."""
        out: list[Counter[str]] = []
        batch: list[Document] = []
        size = first = 0
        for number, document in enumerate(documents):
            batch.append(document)
            size += len(document.text)
            if size >= _BATCH or number == len(documents) - 1:
                out += self._judge(batch, settings[first : number + 1])
                batch, size, first = [], 0, number + 1
        return out


def counted(findings: Sequence[Finding]) -> Counter[str]:
    """Rule ids with counts, hints and the learned model's findings included."""
    return Counter(finding.rule_id for finding in findings)


def covers(after: Counter[str], allowed: Counter[str]) -> bool:
    """True when nothing was found that is not allowed."""
    return all(count <= allowed[name] for name, count in after.items())


def changed(document: Document, rewrites: Sequence[Rewrite]) -> Document:
    """The document with rewrites applied (sorted, disjoint), its turns and places moved along."""
    edits = sorted(rewrites, key=lambda rewrite: rewrite.span)
    stops = [edit.span.end for edit in edits]
    growth = (len(edit.text) - (edit.span.end - edit.span.start) for edit in edits)
    shifts = [0, *accumulate(growth)]

    def move(offset: int, *, end: bool = False) -> int:
        number = bisect_left(stops, offset)
        shift = shifts[number]
        while number < len(edits) and edits[number].span.start <= offset:
            start, stop = edits[number].span
            if stop == offset and (end or start < stop):
                shift += len(edits[number].text) - (stop - start)
            elif start < offset:
                return start + shift + len(edits[number].text)
            number += 1
        return offset + shift

    turns = tuple(
        Turn(
            turn.index, turn.speaker, Span(move(turn.span.start), move(turn.span.end, end=True)), *_rest(turn)
        )
        for turn in document.turns
    )
    anchors = tuple(Anchor(move(anchor.start), anchor.label) for anchor in document.anchors)
    return replace(document, text=spliced(document.text, edits), turns=turns, anchors=anchors)


def _rest(turn: Turn) -> tuple[str, float | None, float | None]:
    return turn.label, turn.begin, turn.end


def spliced(text: str, edits: Sequence[Rewrite]) -> str:
    """The text with disjoint, sorted edits applied."""
    parts: list[str] = []
    place = 0
    for edit in edits:
        parts += [text[place : edit.span.start], edit.text]
        place = edit.span.end
    return "".join(parts) + text[place:]
