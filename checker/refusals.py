"""What the agent does after a customer has said no, complained, or asked where the number came from.

``lexicons/acts.yaml`` holds what a customer and an agent can do by saying something, each act with
its cues and examples. A rule with ``reply`` names which acts of the agent may not follow which acts
of the customer. The agent's answer is everything up to the customer's next words. What is
neither a close, a question that registers the refusal, nor an answer to a question goes on with
the call; in a call that the agent placed that is an offence after a clear refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checker.document import Turn
from checker.duties import dialogue_finding, holds
from checker.lexicon import Act, Acts, Lexicon, Rule
from checker.matching import either
from checker.said import Call, Memory, Said
from checker.scene import Setting
from checker.turns import default_turns
from checker.types import Finding, Span

#: What the agent does when no cue says more: names of acts that need no cues.
GOES_ON, ANSWERS = "goes-on", "answers"
#: A customer who asked not to be called, or said no, and has said nothing since that shows another mind.
STANDS, REFUSED = "stands", "refused"
_FINAL, _NO = frozenset({"opts-out", "threatens-complaint"}), frozenset({"refuses", "declines"})
_INTERESTED, _WILLING = "is-interested", frozenset({"is-interested", "agrees"})
#: One question is allowed after a no.
_QUESTIONS = frozenset({"clarifies", "asks-once"})
_OPENING_TURNS = 4
#: A no that cues do not show: how sure the models of turns (:mod:`checker.turns`) must be that the customer says no
#: times that the reply sells; the same where the agent asked for a fact or calls about a service; of the customer alone.
DECLINES = "declines"
_BOTH, _ANSWER, _ALONE = 0.28, 0.5, 0.8
_SELLING = frozenset({"hides-source", "argues", "returns", "holds-on", "pushes-on"})
#: A reply with a cue of selling counts as halfway to this sure.
_CUE = 0.9
#: A reply without a cue that is less likely to sell than this does not go on; a polite one that is likelier does.
_IDLE, _FEIGNED = 0.3, 0.75
#: In a call about a service, a reply with one of these cues that is less likely to sell than this does not; nor does
#: one without a cue to a customer who is busy or puts off.
_MILD, _ERRAND = frozenset({"returns", "holds-on", "pushes-on"}), 0.6
_POLITE = frozenset({"closes", "acknowledges", "accepts"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """A customer's words, the acts in them, and the agent's answer.

    ``evidence`` are the sentences that decided, numbered from the first of the answer.
    """

    customer: int
    acts: tuple[str, ...]
    reply: tuple[int, ...]
    act: str
    evidence: tuple[int, ...]


class Refusals:
    """The acts and the rules with ``reply`` of a lexicon, ready to judge calls."""

    def __init__(self, lexicon: Lexicon, memory: Memory) -> None:
        self._lexicon = lexicon
        self._memory = memory
        acts: Acts = lexicon.acts
        self._acts = acts
        self._customer = [_Sign(act, memory) for act in acts.customer]
        self._answers = [
            (act.id, memory.holds_any((asked,)), memory.holds_any((said,)))
            for act in acts.customer
            for asked, said in act.answers
        ]
        self._agent = [_Sign(act, memory) for act in acts.agent if act.cues]
        self._outbound, self._service, self._errand = map(
            memory.holds_any, (acts.outbound, acts.service, acts.errand)
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
            if exchange.act not in reply.does or times[rule.id] < reply.times:
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
        opening = call.by("agent")[:_OPENING_TURNS]
        if call.first(self._service, opening) is not None:
            return
        # A dialogue that a customer opens with a question is not one the agent placed.
        is_asked = call.turns[0].speaker == "customer" and call.said[0].holds(self._question)
        is_outbound = not is_asked and call.first(self._outbound, opening) is not None
        is_errand = call.first(self._errand, opening) is not None
        clarified = stands = refused = False
        for turn in call.turns:
            if turn.speaker != "customer":
                continue
            before = call.turns[turn.index - 1] if turn.index else turn
            asked = call.said[before.index] if before.speaker == "agent" else None
            said = call.said[turn.index]
            found = self.customer_acts(said, asked)
            asks = said.holds(self._question) and not said.holds(self._rhetorical)
            stands = not _FINAL.isdisjoint(found) or (stands and _INTERESTED not in found)
            says_no = not _NO.isdisjoint(found)
            reply = _reply(call.turns, turn.index)
            if not (found or stands or asks) and is_outbound:
                is_answer = asked is not None and asked.holds(self._inquiry)
                limit = _ANSWER if is_answer or is_errand else _BOTH
                seems_no = self._seems_to_decline(said, call.together(reply), limit)
                found = (DECLINES,) if seems_no else found
                says_no = seems_no and _says_no(said) >= _ALONE
            refused = says_no or (refused and not asks and _WILLING.isdisjoint(found))
            if stands and not found:
                found = (STANDS,)
            elif refused and not says_no and DECLINES not in found:
                found = (*found, REFUSED)
            if not found or not reply:
                continue
            answer = call.together(reply)
            act, evidence = self._agent_act(answer)
            if not act:
                goes_on = is_outbound and not asks and (not is_errand or not _FINAL.isdisjoint(found))
                goes_on = goes_on and _sells(answer) >= (_IDLE if refused or stands else _ERRAND)
                act, evidence = (GOES_ON, evidence) if goes_on else (ANSWERS, ())
            elif act in _MILD and is_errand and _FINAL.isdisjoint(found) and _sells(answer) < _ERRAND:
                act, evidence = ANSWERS, ()
            if act in _QUESTIONS and (refused or stands or DECLINES in found):
                # A second one is insisting.
                act, clarified = ("argues" if clarified else act), True
            yield Exchange(turn.index, found, reply, act, evidence)

    def _seems_to_decline(self, said: Said, answer: Said, limit: float) -> bool:
        """True when the models of turns hear a no, and an answer that goes on selling or a very clear no."""
        act, _ = self._agent_act(answer)
        chance = _says_no(said)
        if chance >= _ALONE or (act and act not in _SELLING):
            return chance >= _ALONE
        sells = _sells(answer)
        return chance * ((sells + _CUE) / 2 if act else sells) >= limit

    def _agent_act(self, said: Said) -> tuple[str, tuple[int, ...]]:
        """The agent's act and the sentences that show it; where none is known "" and the longest sentence."""
        key = (Refusals, "agent")
        known: tuple[str, tuple[int, ...]] | None = said.notes.get(key)
        if known is None:
            known = self._find_agent_act([line for line in said.text.split("\n") if line], said)
            if known[0] in _POLITE and _sells(said) >= _FEIGNED:
                known = "", known[1]
            said.notes[key] = known
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


def _says_no(said: Said) -> float:
    known: float | None = said.notes.get(_says_no)
    if known is None:
        known = said.notes[_says_no] = default_turns().refuses(said.text)
    return known


def _sells(said: Said) -> float:
    known: float | None = said.notes.get(_sells)
    if known is None:
        known = said.notes[_sells] = default_turns().pushes(said.text)
    return known


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


def _reply(turns: Sequence[Turn], customer: int) -> tuple[int, ...]:
    """The agent's turns up to the customer's next words."""
    out = []
    for turn in turns[customer + 1 :]:
        if turn.speaker == "customer":
            break
        out.append(turn.index)
    return tuple(out)
