"""Walking through findings in a terminal: choose a suggestion, write another, or skip with a reason.

What a person writes is checked again at once, with all that was chosen before it; words that are found
again are asked for again, unless the person keeps them knowingly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from checker.personal import mask
from checker.report import advice, rewrite_words
from checker.rewrite import apply_rewrites
from checker.rewrite.grammar import clause_spans, sentence_span
from checker.types import Apply, Finding, Level, Report, Rewrite, Span

#: The findings of the document with edits in it.
Recheck = Callable[[Sequence[Rewrite]], Sequence[Finding]]

_KEEP = "y 仍然保留；其他键重新选择："
_HELP = "数字 采用建议；e 自己改写；s 跳过并说明理由；q 结束："


@dataclass
class Choices:
    """What somebody decided: disjoint edits in text order, and the findings skipped with reasons."""

    edits: list[Rewrite] = field(default_factory=list)
    skipped: list[tuple[Finding, str]] = field(default_factory=list)
    ended: bool = False


def choose(
    report: Report,
    ask: Callable[[str], str],
    tell: Callable[[str], None],
    recheck: Recheck,
    shown: Report | None = None,
) -> Choices:
    """Ask about every finding in turn. The end of the input ends the walk; nothing is lost.

    A rule that was skipped in a line is skipped for the whole line, as a comment in the file would.
    ``shown`` is the report as it may be printed (:func:`checker.personal.masked_report`).
    """
    choices = Choices()
    shown = shown or report
    text = shown.document.text
    made: list[Rewrite] = []  # the edits as they may be printed
    place = 0
    for number, (finding, printed) in enumerate(zip(report.findings, shown.findings), 1):
        if finding.span.start < place:
            continue  # inside what was just rewritten
        line = report.document.locate(finding.span.start).line
        if any(
            finding.rule_id == other.rule_id and line == report.document.locate(other.span.start).line
            for other, _ in choices.skipped
        ):
            continue
        tell(f"\n[{number}/{len(report.findings)}] {finding.rule_id}  {line} 行")
        tell(f"  {_with(text, _line(text, finding.span), made)}")
        tell(f"  “{printed.matched}”：{advice(printed)}")
        offered = _offered(report.document.text, finding, printed, place)
        for index, (_, words) in enumerate(offered, 1):
            tell(f"  {index}. {rewrite_words(printed, words)}{_outcome(text, words, made)}")
        try:
            edit = _decide(finding, offered, ask, tell, choices)
            while edit is not None and edit.apply is Apply.MANUAL:
                found = _found_again([*choices.edits, edit], recheck)
                for again in found:
                    tell(f"  改后仍有问题：{again.rule_id}“{again.matched}”：{advice(again)}")
                if not found or ask(_KEEP).strip().lower() == "y":
                    break
                edit = _decide(finding, offered, ask, tell, choices)
        except EOFError:
            choices.ended = True
        else:
            if edit is not None:
                choices.edits.append(edit)
                made.append(edit if shown is report else replace(edit, text=mask(edit.text)))
                place = edit.span.end
        if choices.ended:
            break
    return choices


def _offered(text: str, finding: Finding, printed: Finding, place: int) -> list[tuple[Rewrite, Rewrite]]:
    """What can be chosen, with the form to print: what gives the same text is offered once."""
    out: dict[str, tuple[Rewrite, Rewrite]] = {}
    for rewrite, words in zip(finding.rewrites, printed.rewrites):
        only_asks = rewrite.apply is Apply.MANUAL and rewrite.text == finding.matched
        if not only_asks and rewrite.span.start >= place:
            out.setdefault(apply_rewrites(text, [rewrite]), (rewrite, words))
    return list(out.values())


def _line(text: str, span: Span) -> Span:
    end = text.find("\n", span.end)
    return Span(text.rfind("\n", 0, span.start) + 1, end if end >= 0 else len(text))


def _with(text: str, stretch: Span, edits: Sequence[Rewrite]) -> str:
    """A stretch of the text with the edits in it, and the whole of those that reach out of it."""
    inside = [e for e in edits if e.span.overlaps(stretch) or stretch.covers(e.span)]
    start = min([stretch.start, *(edit.span.start for edit in inside)])
    end = max([stretch.end, *(edit.span.end for edit in inside)])
    moved = [replace(e, span=Span(e.span.start - start, e.span.end - start)) for e in inside]
    return apply_rewrites(text[start:end], moved)


def _outcome(text: str, edit: Rewrite, made: Sequence[Rewrite]) -> str:
    """The clauses that a suggestion changes as they would read, or the sentence it deletes from.

    Empty when the suggestion itself is all of it.
    """
    sentence = sentence_span(text, edit.span, _line(text, edit.span))
    touched = [clause for clause in clause_spans(text, sentence) if clause.overlaps(edit.span)]
    if not touched:
        return ""
    stretch = Span(touched[0].start, touched[-1].end) if edit.text else sentence
    said = _with(text, stretch, [*made, edit])
    return f" → {said}" if said != edit.text else ""


def _found_again(edits: Sequence[Rewrite], recheck: Recheck) -> list[Finding]:
    """What is found in the last edit's own words once it is made; hints are no reason to ask again."""
    found = []
    for finding in recheck(edits):
        if finding.level is Level.HINT:
            continue
        shift = 0
        for edit in edits:
            start = edit.span.start + shift
            if finding.span.overlaps(Span(start, start + len(edit.text))) and edit is edits[-1]:
                found.append(finding)
            shift += len(edit.text) - (edit.span.end - edit.span.start)
    return found


def _decide(
    finding: Finding,
    offered: list[tuple[Rewrite, Rewrite]],
    ask: Callable[[str], str],
    tell: Callable[[str], None],
    choices: Choices,
) -> Rewrite | None:
    while True:
        answer = ask(_HELP).strip().lower()
        if answer.isdecimal() and 0 < int(answer) <= len(offered):
            chosen, printed = offered[int(answer) - 1]
            return chosen if chosen.apply is not Apply.MANUAL else _filled(chosen, printed, ask)
        if answer == "e":
            words = ask("改为：").strip()
            if words:
                return Rewrite(finding.span, words, Apply.MANUAL)
            tell("  没有写出新的说法，原话没有动。")
        if answer == "s":
            reason = ask("理由：").strip()
            if reason:
                choices.skipped.append((finding, reason))
                return None
            tell("  跳过要写明理由。")
        elif answer == "q":
            choices.ended = True
            return None


def _filled(rewrite: Rewrite, printed: Rewrite, ask: Callable[[str], str]) -> Rewrite:
    """A suggestion with slots, completed; an empty answer keeps the slots to be filled later."""
    words = ask(f"补全“{printed.text}”（回车保留空位）：").strip()
    return Rewrite(rewrite.span, words or rewrite.text, Apply.MANUAL)
