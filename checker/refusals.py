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

from checker.document import Document, Turn
from checker.duties import Call, dialogue_finding, holds
from checker.lexicon import Act, Acts, Lexicon, Rule
from checker.matching import either, found_any
from checker.scene import Scene, Setting
from checker.types import Finding, Span

#: What the agent does when no cue says more: names of acts that need no cues.
GOES_ON, ANSWERS = "goes-on", "answers"
#: A customer who asked not to be called and has said nothing since that shows another mind.
STANDS = "stands"
_FINAL, _INTERESTED = frozenset({"opts-out", "threatens-complaint"}), "is-interested"
#: One question is allowed after a no.
_QUESTIONS = frozenset({"clarifies", "asks-once"})
_OPENING_TURNS = 4


@dataclass(frozen=True, slots=True)
class Exchange:
    """A customer's words, the acts in them, and the agent's answer.

    ``evidence`` are the sentences that decided, as (turn, span in the document).
    """

    customer: int
    acts: tuple[str, ...]
    reply: tuple[int, ...]
    act: str
    evidence: tuple[tuple[int, Span], ...]


def customer_acts(text: str, acts: Acts, asked: str = "") -> tuple[str, ...]:
    """The acts in a customer's turn, as the plain view shows it, in the order of ``acts.yaml``.

    ``asked`` is what the agent said just before.
    """
    return tuple(act.id for act in acts.customer if _does(act, text) or _answers(act, text, asked))


def _answers(act: Act, text: str, asked: str) -> bool:
    return any(found_any((q,), asked) and found_any((a,), text) for q, a in act.answers) if asked else False


def _does(act: Act, text: str) -> bool:
    if not act.cues or not found_any(act.cues, text):
        return False
    return not (act.unless and found_any(act.unless, text))


def bad_replies(scene: Scene, part: int, lexicon: Lexicon, setting: Setting) -> list[Finding]:
    """A finding for every answer of the agent that a rule with ``reply`` forbids.

    Their fingerprint fields hold the words until findings are numbered.
    """
    document = scene.documents[part]
    if not scene.has_customer(part):
        return []
    rules = [rule for rule in lexicon.replies if holds(rule, setting)]
    if not rules:
        return []
    call = Call(scene, part)
    out: list[Finding] = []
    times: dict[str, int] = {}
    for exchange in exchanges(scene, part, lexicon.acts, call):
        rule = _broken(rules, exchange, call, times)
        if rule is None:
            continue
        for index, span in exchange.evidence:
            matched = document.text[span.start : span.end]
            fired = f"{'、'.join(exchange.acts)} → {exchange.act}"
            turn = call.turns[index]
            out.append(dialogue_finding(rule, lexicon, setting, turn, span, matched, fired))
    return out


def _broken(rules: Sequence[Rule], exchange: Exchange, call: Call, times: dict[str, int]) -> Rule | None:
    """The first rule that the exchange breaks, in the order of the lexicon."""
    for rule in rules:
        reply = rule.reply
        assert reply is not None
        if not reply.to.intersection(exchange.acts):
            continue
        times[rule.id] = times.get(rule.id, 0) + 1
        if exchange.act not in reply.does or times[rule.id] < reply.times:
            continue
        if not any(map(call.when_said, reply.unless)):
            return rule
    return None


def exchanges(scene: Scene, part: int, acts: Acts, call: Call | None = None) -> Iterator[Exchange]:
    """Every customer turn in which an act is known, with what the agent does next."""
    call = call or Call(scene, part)
    opening = "\n".join(call.texts[t.index] for t in call.by("agent")[:_OPENING_TURNS])
    is_service = found_any(acts.service, opening)
    # A dialogue that a customer opens with a question is not one the agent placed.
    first = call.turns[0]
    is_asked = first.speaker == "customer" and found_any(acts.question, call.texts[0])
    is_outbound = not is_service and not is_asked and found_any(acts.outbound, opening)
    clarified = stands = False
    for turn in call.turns:
        if turn.speaker != "customer":
            continue
        before = call.turns[turn.index - 1] if turn.index else turn
        asked = call.texts[before.index] if before.speaker == "agent" else ""
        found = customer_acts(call.texts[turn.index], acts, asked)
        reply = _reply(call.turns, turn.index)
        stands = bool(_FINAL.intersection(found)) or (stands and _INTERESTED not in found)
        if stands and not found:
            found = (STANDS,)
        if not found or not reply or is_service:
            continue
        act, evidence = _judge(scene, part, acts, call, turn.index, reply, is_outbound=is_outbound)
        if act in _QUESTIONS:
            # A second one is insisting.
            act, clarified = ("argues" if clarified else act), True
        yield Exchange(turn.index, found, reply, act, evidence)


def _reply(turns: Sequence[Turn], customer: int) -> tuple[int, ...]:
    """The agent's turns up to the customer's next words."""
    out = []
    for turn in turns[customer + 1 :]:
        if turn.speaker == "customer":
            break
        out.append(turn.index)
    return tuple(out)


def _judge(
    scene: Scene,
    part: int,
    acts: Acts,
    call: Call,
    customer: int,
    reply: Sequence[int],
    *,
    is_outbound: bool,
) -> tuple[str, tuple[tuple[int, Span], ...]]:
    """The agent's act and the sentences that show it."""
    text = "\n".join(call.texts[index] for index in reply)
    for act in acts.agent:
        if not act.cues or not _does(act, text):
            continue
        cues = either(act.cues)
        evidence = tuple(
            (index, span)
            for index in reply
            for sentence, span in _sentences(scene, part, index)
            if cues.found(sentence.encode())
        )
        return act.id, evidence or _first(scene, part, reply)
    if not is_outbound or found_any(acts.question, call.texts[customer]):
        return ANSWERS, ()
    return GOES_ON, _first(scene, part, reply)


def _first(scene: Scene, part: int, reply: Sequence[int]) -> tuple[tuple[int, Span], ...]:
    """The longest sentence of the reply."""
    found = [(index, s, span) for index in reply for s, span in _sentences(scene, part, index)]
    longest = max(found, key=lambda item: len(item[1]), default=None)
    return ((longest[0], longest[2]),) if longest else ()


def _sentences(scene: Scene, part: int, index: int) -> Iterator[tuple[str, Span]]:
    """The sentences of a turn of a document, with their places in its text."""
    offset = scene.offsets[part]
    for number in scene.sentences_of(scene.first_turns[part] + index):
        span = scene.plain.origin(int(scene.plain.starts[number]), int(scene.plain.ends[number]))
        yield scene.sentence(number), Span(span.start - offset, span.end - offset)


def said_acts(document: Document, acts: Acts) -> frozenset[str]:
    """The acts of the customer anywhere in a document."""
    if not any(turn.speaker == "customer" for turn in document.turns):
        return frozenset()
    call = Call(Scene([document]), 0)
    texts = (call.texts[turn.index] for turn in call.turns if turn.speaker == "customer")
    return frozenset(act for text in texts for act in customer_acts(text, acts))


def document_exchanges(document: Document, acts: Acts) -> list[Exchange]:
    """The exchanges of one document, for reports and tests."""
    return list(exchanges(Scene([document]), 0, acts))
