"""One page an officer can open, filter and print: no file besides it, nothing loaded from anywhere.

The text stands on the left, cut into passages; the findings of a passage stand beside it (below it on
paper) and carry the number that marks their words. Overlapping findings are drawn as segments: each
stretch of text between two edges is one element that knows all findings over it and takes the colour of
the most serious one. Excused and suppressed candidates are always on the page, since they show what was
looked at; a check box hides them. Colours never stand alone: levels differ in their line as well.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from checker.document import Document, Turn
from checker.labels import (
    APPLY_NAMES,
    CATEGORY_NAMES,
    CHANNEL_NAMES,
    INDUSTRY_NAMES,
    LEVEL_NAMES,
    SPEAKER_NAMES,
    STATE_NAMES,
    STRENGTH_NAMES,
    VERDICT_NAMES,
    name_of,
)
from checker.report._base import (
    LEVELS,
    RenderOptions,
    attempts_words,
    bases_by_condition,
    category_counts,
    encodable,
    excuse_words,
    level_counts,
    name_of_document,
    overall,
    printable,
    reading_words,
    rewrite_words,
)
from checker.suppress import comment_spans
from checker.types import Apply, Finding, Report, Span, Suppression

if TYPE_CHECKING:
    from jinja2 import Template

Status = Literal["open", "excused", "suppressed"]
_WEIGHT = {"open": 10, "suppressed": 1, "excused": 0}


@dataclass(frozen=True)
class Mark:
    """A finding on the page. ``number`` is unique in its document and counts in reading order."""

    number: int
    finding: Finding
    status: Status
    line: int
    column: int
    place: str
    reason: str = ""

    @property
    def style(self) -> str:
        """The class of its colour and line."""
        return str(self.finding.level) if self.status == "open" else self.status

    @property
    def weight(self) -> tuple[int, int]:
        """Which of two overlapping marks gives the colour."""
        return (_WEIGHT[self.status], self.finding.level.rank)


@dataclass(frozen=True)
class Segment:
    """A stretch of text under the same marks. ``badges`` are those that begin here."""

    text: str
    marks: tuple[Mark, ...] = ()
    badges: tuple[Mark, ...] = ()
    comment: bool = False

    @property
    def style(self) -> str:
        """The class of the most serious mark."""
        return max(self.marks, key=lambda mark: mark.weight).style if self.marks else ""

    @property
    def numbers(self) -> str:
        """The numbers of all marks, for the tooltip and the filter."""
        return " ".join(str(mark.number) for mark in self.marks)


@dataclass(frozen=True)
class Block:
    """A turn or a line."""

    segments: tuple[Segment, ...]
    speaker: str = ""
    who: str = ""
    time: str = ""
    place: str = ""


@dataclass
class Passage:
    """Blocks on the left and the marks that begin in them on the right."""

    blocks: list[Block] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


def render(reports: Sequence[Report], *, options: RenderOptions) -> str:
    """A complete HTML document in Chinese; several reports start with a table of them."""
    page = _template().render(
        documents=[_view(number, report) for number, report in enumerate(reports, 1)],
        verdict=str(overall(reports)),
        total=level_counts(finding for report in reports for finding in report.findings),
        categories=category_counts(finding for report in reports for finding in report.findings),
        levels=[str(level) for level in LEVELS],
        options=options,
        names={
            "apply": APPLY_NAMES,
            "category": CATEGORY_NAMES,
            "level": LEVEL_NAMES,
            "state": STATE_NAMES,
            "strength": STRENGTH_NAMES,
            "verdict": VERDICT_NAMES,
        },
    )
    return encodable(page)


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("checker.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clean"] = printable
    environment.filters["name"] = lambda slug, names: name_of(names, slug)
    environment.globals |= {
        "attempts_words": attempts_words,
        "bases_by_condition": bases_by_condition,
        "excuse_words": excuse_words,
        "reading_words": reading_words,
        "rewrite_words": rewrite_words,
    }
    return environment.get_template("report.html.jinja")


def _view(number: int, report: Report) -> dict[str, object]:
    marks = _marks(report)
    rewritten = report.rewritten
    unresolved = [
        mark
        for mark in marks
        if mark.status == "open" and all(rewrite.apply is Apply.MANUAL for rewrite in mark.finding.rewrites)
    ]
    return {
        "id": f"d{number}",
        "name": name_of_document(report),
        "verdict": str(report.verdict),
        "levels": level_counts(report.findings),
        "categories": category_counts(report.findings),
        "industry": name_of(INDUSTRY_NAMES, report.industry) if report.industry else "",
        "industry_given": report.industry_given,
        "channel": name_of(CHANNEL_NAMES, report.channel),
        "lexicon": report.lexicon_version,
        "model": report.model_version,
        "notes": report.document.notes,
        "count": len(report.findings),
        "excused": len(report.excused),
        "suppressed": len(report.suppressed),
        "passages": _passages(report.document, marks),
        "dialogue": bool(report.document.turns),
        "rewritten": rewritten if rewritten != report.document.text else "",
        "unresolved": unresolved,
    }


def _marks(report: Report) -> list[Mark]:
    """All marks in reading order, findings, excused and suppressed together."""
    items: list[tuple[Finding, Status, str]] = [(finding, "open", "") for finding in report.findings]
    items += [(finding, "excused", "") for finding in report.excused]
    items += [(item.finding, "suppressed", _source(item)) for item in report.suppressed]
    items.sort(key=lambda item: (item[0].span, item[0].rule_id))
    marks = []
    for number, (finding, status, reason) in enumerate(items, 1):
        place = report.document.locate(finding.span.start)
        marks.append(Mark(number, finding, status, place.line, place.column, place.label, reason))
    return marks


def _source(item: Suppression) -> str:
    where = "文中标记" if item.source == "inline" else "基线" if item.source == "baseline" else item.source
    return f"{where}：{item.reason}"


# --- cutting the text ------------------------------------------------------------------------------


def _passages(document: Document, marks: Sequence[Mark]) -> list[Passage]:
    """Every mark is in exactly one passage: the one in which it begins.

    Blocks without marks join the passage above, so that tall cards leave no gap beside them.
    """
    pieces = _turn_pieces(document, marks) if document.turns else _line_pieces(document)
    comments = comment_spans(document.text) if "huashu" in document.text else ()
    passages: list[Passage] = []
    starts = [mark.finding.span.start for mark in marks]
    done = 0
    running: list[Mark] = []
    label = ""
    for number, (turn, span, until) in enumerate(pieces):
        stop = len(marks) if number + 1 == len(pieces) else bisect_left(starts, until)
        here, done = marks[done:stop], stop
        running = [*(mark for mark in running if mark.finding.span.end > span.start), *here]
        place = document.locate(span.start).label
        block = Block(
            segments=tuple(segments(document.text, span, running, comments)),
            speaker=turn.speaker if turn else "",
            who=(turn.label or name_of(SPEAKER_NAMES, turn.speaker)) if turn else "",
            time=_clock(turn.begin) if turn and turn.begin is not None else "",
            place=place if place != label else "",
        )
        label = place
        if here or not passages:
            passages.append(Passage())
        passages[-1].blocks.append(block)
        passages[-1].marks += here
    return passages


def _turn_pieces(document: Document, marks: Sequence[Mark]) -> list[tuple[Turn | None, Span, int]]:
    """(turn, what to show, where marks of the next piece begin).

    What lies between turns is labels; it is shown only where a mark is in it.
    """
    turns = document.turns
    pieces: list[tuple[Turn | None, Span, int]] = []
    first = turns[0].span.start
    if any(mark.finding.span.start < first for mark in marks):
        pieces.append((None, Span(0, first), first))
    starts = [mark.finding.span.start for mark in marks]
    for number, turn in enumerate(turns):
        until = turns[number + 1].span.start if number + 1 < len(turns) else len(document.text) + 1
        begun = marks[bisect_left(starts, turn.span.start) : bisect_left(starts, until)]
        end = max([turn.span.end, *(mark.finding.span.end for mark in begun)])
        end = min(end, until, len(document.text))
        pieces.append((turn, Span(turn.span.start, end), until))
    return pieces


def _line_pieces(document: Document) -> list[tuple[Turn | None, Span, int]]:
    text = document.text
    pieces: list[tuple[Turn | None, Span, int]] = []
    place = 0
    while True:
        line = document.line_at(place)
        following = line.end + (2 if text.startswith("\r\n", line.end) else 1)
        pieces.append((None, line, following))
        if line.end >= len(text):
            return pieces
        place = following


def segments(
    text: str, within: Span, marks: Sequence[Mark], comments: Sequence[Span] = ()
) -> Iterable[Segment]:
    """Cut a stretch of text at every edge of a mark or comment; the texts join to the stretch.

    Marks and comments are sorted, no two comments overlap. A mark of no width gives a segment
    without text that holds its badge.
    """
    touching = [mark for mark in marks if _touches(mark.finding.span, within)]
    first = bisect_right(comments, within.start, key=_end)
    silent = comments[first : bisect_left(comments, within.end, first, key=_start)]
    edges = {within.start, within.end}
    for span in [*(mark.finding.span for mark in touching), *silent]:
        edges.update(edge for edge in span if within.start < edge < within.end)
    points = sorted(edges)
    coming, quiet = deque(touching), deque(silent)
    over: list[Mark] = []
    for number, start in enumerate(points):
        end = points[number + 1] if number + 1 < len(points) else start
        over = [mark for mark in over if mark.finding.span.end > start]
        while coming and coming[0].finding.span.start <= start:
            mark = coming.popleft()
            if mark.finding.span.end > start:
                over.append(mark)
            else:
                yield Segment("", (mark,), (mark,))
        while quiet and quiet[0].end <= start:
            quiet.popleft()
        if end > start:
            badges = tuple(mark for mark in over if mark.finding.span.start == start)
            comment = bool(quiet) and quiet[0].start <= start
            yield Segment(printable(text[start:end]), tuple(over), badges, comment)


def _start(span: Span) -> int:
    return span.start


def _end(span: Span) -> int:
    return span.end


def _touches(mark: Span, within: Span) -> bool:
    if mark.start == mark.end:
        return within.start <= mark.start <= within.end
    return mark.overlaps(within)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
