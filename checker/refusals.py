"""What the agent does after a customer has said no, complained, or asked where the number came from.

``lexicons/acts.yaml`` holds what a customer and an agent can do by saying something, each act with
its cues and examples. A rule with ``reply`` names which acts of the agent may not follow which acts
of the customer. The agent's answer is everything up to the customer's next words. What is
neither a close, a question that registers the refusal, nor an answer to a question goes on with
the call; in a call that the agent placed that is an offence after a clear refusal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from checker.duties import dialogue_finding, holds
from checker.lexicon import Act, Acts, Lexicon, Rule
from checker.matching import either
from checker.said import Call, Memory, Said, score
from checker.scene import Setting
from checker.turns import Turns, default_turns
from checker.types import Finding, Span

#: What the agent does when no cue says more: names of acts that need no cues.
GOES_ON, ANSWERS = "goes-on", "answers"
#: A no that cues do not show.
DECLINES = "declines"
#: A customer who asked not to be called, or said no, and has said nothing since that shows another mind.
STANDS, REFUSED = "stands", "refused"
_FINAL, _NO = frozenset({"opts-out", "threatens-complaint"}), frozenset({"refuses", "declines"})
_INTERESTED, _WILLING = "is-interested", frozenset({"is-interested", "agrees"})
#: One question is allowed after a no.
_QUESTIONS = frozenset({"clarifies", "asks-once"})
_DOUBTFUL = frozenset({*_NO, REFUSED})
_REFUSING = frozenset({*_DOUBTFUL, STANDS, *_FINAL})
#: So many turns after the last no it is forgotten.
_NEVER = 4
_OPENING_TURNS = 4
_SELLING = frozenset({"hides-source", "argues", "returns", "holds-on", "pushes-on", GOES_ON})
#: How probable a push must be (:meth:`Turns.pushes`) where only the models hear it in a call that the agent placed; in a
#: dialogue that the customer may have begun, or where the reply has a polite cue; and where cues show the selling.
_HEARD, _HEARD_ANYWHERE, _SHOWN = 0.7, 0.85, 0.1
#: In a call in which one push is heard a less probable one is heard as well.
_BESIDE = 0.4
_POLITE = frozenset({"closes", "acknowledges", "accepts", "asks-once"})
#: Who is busy or puts off has not said no, unless the log-odds of a no are higher than this.
_LATER, _CLEAR = frozenset({"busy", "puts-off"}), 1.0
#: Characters after which a turn counts as no longer.
_LONG = 40
#: What the last model weighs, in this order: scores of what the customer said now and before, what the call and the
#: question before were, the score of the reply and of the one before; then the customer's acts and the agent's.
FEATURES = (
    "declining",
    "asks",
    "is-asked",
    "length",
    "mean-before",
    "most-before",
    "last-before",
    "lately",
    "since-no",
    "interest",
    "turns-before",
    "errand",
    "selling",
    "both",
    "selling-before",
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A customer's words, the acts in them, and the agent's answer.

    ``evidence`` are the sentences that decided, numbered from the first of the answer. ``offends`` is
    false where cues show selling that the models, who see the whole call so far, take for none.
    """

    customer: int
    acts: tuple[str, ...]
    reply: tuple[int, ...]
    act: str
    evidence: tuple[int, ...]
    offends: bool


class Reading(NamedTuple):
    """A customer's words as cues and models read them where they stand, with the agent's answer.

    ``declining`` is the log-odds of a no, ``features`` what :meth:`Turns.pushes` weighs, shape (n_features,);
    empty where the agent says nothing more.
    """

    customer: int
    acts: tuple[str, ...]
    declining: float
    reply: tuple[int, ...]
    act: str
    evidence: tuple[int, ...]
    features: tuple[float, ...]


class Refusals:
    """The acts and the rules with ``reply`` of a lexicon, ready to judge calls."""

    def __init__(self, lexicon: Lexicon, memory: Memory, turns: Turns | None = None) -> None:
        self._lexicon = lexicon
        self._memory = memory
        self._turns = default_turns() if turns is None else turns
        acts: Acts = lexicon.acts
        self._acts = acts
        self._customer = [_Sign(act, memory) for act in acts.customer]
        self._answers = [
            (act.id, memory.holds_any((asked,)), memory.holds_any((said,)))
            for act in acts.customer
            for asked, said in act.answers
        ]
        self._agent = [_Sign(act, memory) for act in acts.agent if act.cues]
        self._outbound, self._answered, self._service, self._errand = map(
            memory.holds_any, (acts.outbound, acts.answered, acts.service, acts.errand)
        )
        self._question, self._rhetorical, self._inquiry = map(
            memory.holds_any, (acts.question, acts.rhetorical, acts.inquiry)
        )
        self._unless = {
            rule.id: [(memory.holds_any(cues.patterns), cues.by) for cues in rule.reply.unless]
            for rule in lexicon.replies
            if rule.reply is not None
        }
        self._active: dict[tuple[str | None, str], list[Rule]] = {}
        self._acts_shown: dict[tuple[tuple[str, ...], str], tuple[float, ...]] = {}

    def hear(self, calls: Sequence[Call]) -> None:
        """Ask the models about all that is said in calls at once."""
        customers = (
            said for call in calls for said, turn in zip(call.said, call.turns) if turn.speaker == "customer"
        )
        score(customers, self._turns.customer)
        score((call.together(reply) for call in calls for reply in call.replies.values()), self._turns.agent)

    def bad_replies(self, call: Call, setting: Setting) -> list[Finding]:
        """A finding for every answer of the agent that a rule with ``reply`` forbids.

        Their fingerprint fields hold the words until findings are numbered.
        """
        rules = self._holding(setting)
        if not call.has_customer or not rules:
            return []
        out: list[Finding] = []
        times: dict[str, int] = {}
        for exchange in self.exchanges(call):
            rule = self._broken(rules, exchange, call, times)
            if rule is None:
                continue
            fired = f"{'、'.join(exchange.acts)} → {exchange.act}"
            for index, span in evidence_spans(call, exchange):
                matched = call.document.text[span.start : span.end]
                turn = call.turns[index]
                out.append(dialogue_finding(rule, self._lexicon, setting, turn, span, matched, fired))
        return out

    def _holding(self, setting: Setting) -> list[Rule]:
        key = (setting.industry, setting.channel)
        if key not in self._active:
            self._active[key] = [rule for rule in self._lexicon.replies if holds(rule, setting)]
        return self._active[key]

    def _broken(
        self, rules: Sequence[Rule], exchange: Exchange, call: Call, times: dict[str, int]
    ) -> Rule | None:
        """The first rule that the exchange breaks, in the order of the lexicon."""
        for rule in rules:
            reply = rule.reply
            assert reply is not None
            if reply.to.isdisjoint(exchange.acts):
                continue
            times[rule.id] = times.get(rule.id, 0) + 1
            if not exchange.offends or exchange.act not in reply.does or times[rule.id] < reply.times:
                continue
            if not any(call.ever(question, speaker) for question, speaker in self._unless[rule.id]):
                return rule
        return None

    def customer_acts(self, said: Said, asked: Said | None = None) -> tuple[str, ...]:
        """The acts in a customer's turn, in the order of ``acts.yaml``; ``asked`` is what came just before."""
        known: tuple[str, ...] | None = said.notes.get(Refusals)
        if known is None:
            known = said.notes[Refusals] = tuple(sign.id for sign in self._customer if sign.shows(said))
        if asked is not None:
            answered = {
                act
                for act, question, answer in self._answers
                if act not in known and said.holds(answer) and asked.holds(question)
            }
            if answered:
                return tuple(sign.id for sign in self._customer if sign.id in answered or sign.id in known)
        return known

    def exchanges(self, call: Call) -> Iterator[Exchange]:
        """Every customer turn in which an act is known, with what the agent does next."""
        limits = self._limits(call)
        if limits is None:
            return
        heard, shown = limits
        clarified = stands = refused = False
        readings = list(self.readings(call))
        chances = self._chances(readings)
        if max(chances, default=0.0) >= heard:
            heard = _BESIDE
        for reading, chance in zip(readings, chances):
            found = reading.acts
            stands = not _FINAL.isdisjoint(found) or (stands and _INTERESTED not in found)
            is_heard = chance >= heard
            says_no = reading.declining > 0 or not _NO.isdisjoint(found)
            if stands and not found:
                found = (STANDS,)
            elif is_heard and _NO.isdisjoint(found) and _FINAL.isdisjoint(found):
                if refused and not says_no:
                    found = (*found, REFUSED)
                elif _LATER.isdisjoint(found) or reading.declining > _CLEAR:
                    found = (*found, DECLINES)
            refused = says_no or (refused and _WILLING.isdisjoint(found))
            if not found or not reading.reply:
                continue
            act = reading.act
            if not act or (act in _POLITE and chance >= _HEARD_ANYWHERE):
                act = GOES_ON if is_heard else ANSWERS
            if act in _QUESTIONS and not _REFUSING.isdisjoint(found):
                # A second one is insisting.
                act, clarified = ("argues" if clarified else act), True
            is_push = act in _SELLING and (chance >= shown or _DOUBTFUL.isdisjoint(found))
            evidence = () if act == ANSWERS else reading.evidence
            yield Exchange(reading.customer, found, reading.reply, act, evidence, is_push or act == "insults")

    def _chances(self, readings: Sequence[Reading]) -> list[float]:
        """How probable a push is in each reply; 0 where there is none."""
        out = np.zeros(len(readings))
        replied = [number for number, reading in enumerate(readings) if reading.reply]
        if replied and self._turns.pushes is not None:
            out[replied] = self._turns.pushes.chances(np.array([readings[n].features for n in replied]))
        return out.tolist()

    def _limits(self, call: Call) -> tuple[float, float] | None:
        """How probable a push must be that only the models hear, and one that cues show; None where nobody pushes."""
        opening = call.by("agent")[:_OPENING_TURNS]
        # A dialogue that a customer opens with more than a greeting is not one the agent placed.
        is_begun = call.turns[0].speaker == "customer" and not call.said[0].holds(self._answered)
        is_service = call.first(self._service, opening) is not None
        is_outbound = not is_begun and call.first(self._outbound, opening) is not None
        if is_service:
            return (_HEARD_ANYWHERE, _HEARD_ANYWHERE) if is_outbound else None
        if is_outbound:
            return _HEARD, _SHOWN
        return (math.inf if is_begun else _HEARD_ANYWHERE), _SHOWN

    def readings(self, call: Call) -> Iterator[Reading]:
        """Every customer turn of a call, as cues and models read it."""
        opening = call.by("agent")[:_OPENING_TURNS]
        is_errand = call.first(self._errand, opening) is not None
        before: list[float] = []
        lately = interest = 0.0
        since_no, sold = _NEVER, -1.0
        for turn in call.turns:
            if turn.speaker != "customer":
                continue
            said = call.said[turn.index]
            previous = call.turns[turn.index - 1] if turn.index else turn
            asked = call.said[previous.index] if previous.speaker == "agent" else None
            acts = self.customer_acts(said, asked)
            declining = said.scored(self._turns.customer)
            reply = call.replies.get(turn.index, ())
            act = ""
            evidence: tuple[int, ...] = ()
            features: tuple[float, ...] = ()
            if reply:
                answer = call.together(reply)
                act, evidence = self._agent_act(answer)
                selling = answer.scored(self._turns.agent)
                features = (
                    declining,
                    float(said.holds(self._question) and not said.holds(self._rhetorical)),
                    float(asked is not None and asked.holds(self._inquiry)),
                    min(len(said.text), _LONG) / _LONG,
                    sum(before) / len(before) if before else 0.0,
                    max(before, default=-2.0),
                    before[-1] if before else 0.0,
                    lately,
                    float(since_no),
                    interest,
                    float(len(before)),
                    float(is_errand),
                    selling,
                    min(declining, selling),
                    sold,
                    *self._shown(acts, act),
                )
                sold = selling
            yield Reading(turn.index, acts, declining, reply, act, evidence, features)
            before.append(declining)
            lately = (lately + declining) / 2
            since_no = 0 if declining > 0 else min(since_no + 1, _NEVER)
            interest = interest / 2 + (not _WILLING.isdisjoint(acts)) - 0.5 * (declining > 1)

    def _shown(self, acts: tuple[str, ...], act: str) -> tuple[float, ...]:
        """1 for each act that shows, 0 for the others, in the order of the acts."""
        known = self._acts_shown.get((acts, act))
        if known is None:
            customer = (float(sign.id in acts) for sign in self._customer)
            agent = (float(sign.id == act) for sign in self._agent)
            known = self._acts_shown[acts, act] = (*customer, *agent)
        return known

    def feature_names(self) -> tuple[str, ...]:
        """The names of what :attr:`Reading.features` holds."""
        return (*FEATURES, *(sign.id for sign in self._customer), *(sign.id for sign in self._agent))

    def _agent_act(self, said: Said) -> tuple[str, tuple[int, ...]]:
        """The agent's act and the sentences that show it; where none is known "" and the longest sentence."""
        key = (Refusals, "agent")
        known: tuple[str, tuple[int, ...]] | None = said.notes.get(key)
        if known is None:
            lines = [line for line in said.text.split("\n") if line]
            known = said.notes[key] = self._find_agent_act(lines, said)
        return known

    def _find_agent_act(self, sentences: Sequence[str], said: Said) -> tuple[str, tuple[int, ...]]:
        longest = max(range(len(sentences)), key=lambda number: len(sentences[number]), default=None)
        for sign in self._agent:
            if sign.shows(said):
                cues = either(sign.cues)
                shown = tuple(n for n, sentence in enumerate(sentences) if cues.found(sentence.encode()))
                return sign.id, shown or (() if longest is None else (longest,))
        return "", () if longest is None else (longest,)


class _Sign:
    """The cues of an act as questions."""

    def __init__(self, act: Act, memory: Memory) -> None:
        self.id = act.id
        self.cues = act.cues
        self._shown = memory.holds_any(act.cues) if act.cues else None
        self._unless = memory.holds_any(act.unless) if act.unless else None

    def shows(self, said: Said) -> bool:
        """True when the words hold a cue and no exception."""
        if self._shown is None or not said.holds(self._shown):
            return False
        return self._unless is None or not said.holds(self._unless)


def evidence_spans(call: Call, exchange: Exchange) -> list[tuple[int, Span]]:
    """The sentences that decided, as (turn, span in the document)."""
    scene, offset = call.scene, call.scene.offsets[call.part]
    turns = scene.first_turns[call.part]
    first = scene.sentences_of(turns + exchange.reply[0]).start if exchange.evidence else 0
    out = []
    for number in exchange.evidence:
        place = first + number
        span = scene.plain.origin(int(scene.plain.starts[place]), int(scene.plain.ends[place]))
        index = int(scene.turn_of[place]) - turns
        out.append((index, Span(span.start - offset, span.end - offset)))
    return out
