"""What is said in turns, remembered by their words.

Whether a turn holds one of some cues depends on nothing but its words, and in an archive most turns have
been said before. A :class:`Memory` numbers every question that can be asked of a turn; the answers of a
turn are bits of one integer, two a question: asked yet, and the answer. A question is put to the words when
somebody first asks it. What a whole call holds is then a few operations on integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from checker.document import Turn
from checker.matching import found_any
from checker.scene import Scene

#: So many turns are remembered.
MOST = 50_000
Test = Callable[[str], bool]


class Question:
    """A question that the words of a turn answer; made by :class:`Memory`."""

    __slots__ = ("asked", "test", "yes")

    def __init__(self, number: int, test: Test) -> None:
        self.asked = 1 << 2 * number
        self.yes = 2 << 2 * number
        self.test = test


class Said:
    """The words of one turn, or of turns in a row, and what is known of them.

    ``notes`` are what others worked out from the words alone, by a key of theirs.
    """

    __slots__ = ("notes", "state", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.state = 0
        self.notes: dict[Any, Any] = {}

    def scored(self, model: Scorer) -> float:
        """What a model says of the words; :func:`score` asks it about many at once."""
        if model not in self.notes:
            score((self,), model)
        known: float = self.notes[model]
        return known

    def holds(self, question: Question) -> bool:
        """The answer. Two threads may both ask; one answer may be forgotten, none is wrong."""
        state = self.state
        if not state & question.asked:
            state |= question.asked | (question.yes if question.test(self.text) else 0)
            self.state = state
        return bool(state & question.yes)


class Scorer(Protocol):
    """A model of words. Remembered by its identity."""

    def scores(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """A number for each text."""


def score(words: Iterable[Said], model: Scorer) -> None:
    """Ask a model about all words that it has not been asked about."""
    new = {said.text: said for said in words if model not in said.notes}
    if new:
        for said, value in zip(new.values(), model.scores(list(new)).tolist()):
            said.notes[model] = value


class Memory:
    """Questions, and the turns they were put to. Safe to share between threads once all questions are made."""

    def __init__(self) -> None:
        self._numbered = 0
        self._by_patterns: dict[tuple[str, ...], Question] = {}
        self._said: dict[str, Said] = {}

    def question(self, test: Test) -> Question:
        """A new question; ``test`` answers it from the words as the plain view shows them."""
        self._numbered += 1
        return Question(self._numbered - 1, test)

    def holds_any(self, patterns: tuple[str, ...]) -> Question:
        """The question whether one of the patterns occurs."""
        question = self._by_patterns.get(patterns)
        if question is None:
            question = self._by_patterns[patterns] = self.question(lambda text: found_any(patterns, text))
        return question

    def about(self, text: str) -> Said:
        """What is known of words."""
        said = self._said.get(text)
        if said is None:
            if len(self._said) >= MOST:
                self._said.clear()
            said = self._said[text] = Said(text)
        return said

    def forget(self) -> None:
        """Drop what is known of all turns."""
        self._said.clear()


class Call:
    """The turns of one document of a scene and what is said in them."""

    def __init__(self, scene: Scene, part: int, memory: Memory) -> None:
        self.scene, self.part, self.memory = scene, part, memory
        self.document = scene.documents[part]
        self.turns = self.document.turns
        first = scene.first_turns[part]
        about, turn_text = memory.about, scene.turn_text
        self.said = [about(turn_text(first + index)) for index in range(len(self.turns))]
        # The words of an unknown speaker may be anybody's.
        self._whose = {
            speaker: [turn.index for turn in self.turns if turn.speaker in (speaker, "unknown")]
            for speaker in ("agent", "customer")
        }
        self.has_customer = any(turn.speaker == "customer" for turn in self.turns)
        self._replies: dict[int, tuple[int, ...]] | None = None
        self._sums: dict[str, tuple[int, int]] = {}
        self._answers: dict[tuple[Question, str], bool] = {}

    def by(self, speaker: str) -> list[int]:
        """The turns of a speaker."""
        return self._whose[speaker]

    def together(self, indices: Sequence[int]) -> Said:
        """What is known of turns in a row, taken as one."""
        if len(indices) == 1:
            return self.said[indices[0]]
        return self.memory.about("\n".join(self.said[index].text for index in indices))

    @property
    def replies(self) -> Mapping[int, tuple[int, ...]]:
        """By turn of the customer, what the agent says up to the customer's next words; only where it says something."""
        if self._replies is None:
            self._replies = {}
            reply: list[int] = []
            for turn in reversed(self.turns):
                if turn.speaker != "customer":
                    reply.append(turn.index)
                    continue
                if reply:
                    self._replies[turn.index] = tuple(reversed(reply))
                reply = []
        return self._replies

    def ever(self, question: Question, speaker: str) -> bool:
        """True when a turn of the speaker says yes."""
        answer = self._answers.get((question, speaker))
        if answer is None:
            sums = self._sums.get(speaker)
            if sums is None:
                states = [self.said[index].state for index in self._whose[speaker]]
                sums = self._sums[speaker] = (reduce(and_, states, -1), reduce(or_, states, 0))
            if sums[1] & question.yes:
                return True
            if sums[0] & question.asked:
                return False
            answer = self.first(question, self._whose[speaker]) is not None
            self._answers[question, speaker] = answer
        return answer

    def first(self, question: Question, indices: Iterable[int]) -> Turn | None:
        """The first of the turns that says yes."""
        return next((self.turns[index] for index in indices if self.said[index].holds(question)), None)
