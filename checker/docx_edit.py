"""Word files, edited where a finding points: text offsets back to runs, styles kept.

The text of a file is what its reader makes of it, so offsets of findings are offsets here. A run
(a stretch of equal formatting) that a span begins or ends in is split into runs of the same
formatting.
"""

from __future__ import annotations

import copy
import io
from bisect import bisect_right
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from checker.readers import ReaderError
from checker.readers._package import damaged, unpack
from checker.readers.docx import leaves, notes_of, open_package, pieces_of
from checker.stored import write_whole
from checker.types import Span

_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


class WordFile:
    """A Word file and its text. Raises ReaderError for a file that is none."""

    def __init__(self, path: str | Path) -> None:
        name = str(path)
        try:
            members = unpack(Path(path).read_bytes(), name, "Word", ".docx")
        except OSError as error:
            raise ReaderError(name, f"cannot be opened: {error.strerror}", "check path and rights") from None
        try:
            self.document = open_package(members)
            self._notes = notes_of(self.document)
            self._pieces = pieces_of(self.document, self._notes)
        except (ReaderError, MemoryError):
            raise
        except Exception as error:
            raise damaged(name, "Word", error) from None
        self._marks = 90_000  # ids of tracked changes, away from those a file may hold
        self.text = "\n".join(piece.text for piece in self._pieces)
        self._starts = [0]
        for piece in self._pieces[:-1]:
            self._starts.append(self._starts[-1] + len(piece.text) + 1)

        body = self.document.element
        self._of_body = sum(piece.source.getroottree().getroot() is body for piece in self._pieces)
        said = [number for number in range(self._of_body) if self._pieces[number].text.strip()]
        last = said[-1] if said else 0
        #: Where the text of the body ends.
        self.body_end = self._starts[last] + (len(self._pieces[last].text) if said else 0)

    def runs(self, span: Span, *, of_body: bool = True) -> list[Any]:
        """The run elements that hold exactly the span; runs are split at its ends.

        Empty for an empty span, and where the text is in no runs (formulas) or, with ``of_body``, in
        headers and footnotes.
        """
        out: list[Any] = []
        first = max(bisect_right(self._starts, span.start) - 1, 0)
        pieces = self._pieces[: self._of_body] if of_body else self._pieces
        for piece, start in zip(pieces[first:], self._starts[first:]):
            if start >= span.end:
                break
            if piece.source is not None:
                left, right = max(span.start - start, 0), min(span.end - start, len(piece.text))
                _split(piece.source, left)
                _split(piece.source, right)
                offset = 0
                for leaf, text in leaves(piece.source):
                    run = _run_of(leaf)
                    inside = left <= offset and offset + len(text) <= right and text
                    if inside and run is not None and not any(run is known for known in out):
                        out.append(run)
                    offset += len(text)
        return out

    def first_run(self) -> Any:
        """The first run of the body; one is made in a body without any."""
        from docx.text.paragraph import Paragraph

        body = self.document.element.body
        runs = body.xpath(".//w:r")
        if runs:
            return runs[0]
        paragraphs = body.xpath(".//w:p")
        paragraph = Paragraph(paragraphs[0], self.document) if paragraphs else self.document.add_paragraph()
        return paragraph.add_run()._r

    def comment(self, runs: list[Any], text: str, author: str, initials: str) -> None:
        """Put a comment on runs; line breaks in it divide paragraphs."""
        from docx.text.run import Run

        ends = [Run(runs[0], self.document), Run(runs[-1], self.document)]
        self.document.add_comment(ends, text, author, initials)

    def can_track(self, span: Span) -> bool:
        """True where :meth:`track` can change the span."""
        return bool(self._beside(span) if span.start == span.end else self.runs(span, of_body=False))

    def _beside(self, span: Span) -> list[Any]:
        """The run that ends where an empty span stands; at the start of a paragraph the one that begins there."""
        before = self.runs(Span(max(span.start - 1, 0), span.start), of_body=False)
        return before or self.runs(Span(span.start, span.start + 1), of_body=False)

    def track(self, span: Span, words: str, author: str) -> bool:
        """Delete the span and insert ``words`` there, both as tracked changes.

        The words have the style of the first ones they replace, or of what they are put behind. False,
        and nothing changed, where the text is in no runs.
        """
        from docx.oxml.ns import qn

        if span.start == span.end:
            before = self.runs(Span(max(span.start - 1, 0), span.start), of_body=False)
            runs = self._beside(span)
            if runs and words:
                added = self._inserted(words, runs[-1], author)
                (runs[-1].addnext if before else runs[0].addprevious)(added)
            return bool(runs)
        runs = self.runs(span, of_body=False)
        if not runs:
            return False
        added = self._inserted(words, runs[0], author) if words else None
        for run in runs:
            mark = self._mark("w:del", author)
            run.addprevious(mark)
            mark.append(run)
            for text in run.findall(qn("w:t")):
                text.tag = qn("w:delText")
        if added is not None:
            runs[-1].getparent().addnext(added)
        return True

    def _inserted(self, words: str, like: Any, author: str) -> Any:
        """An insertion of words in the style of a run."""
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        mark = self._mark("w:ins", author)
        run = OxmlElement("w:r")
        style = like.find(qn("w:rPr"))
        if style is not None:
            run.append(copy.deepcopy(style))
        for number, line in enumerate(words.split("\n")):
            if number:
                run.append(OxmlElement("w:br"))
            text = OxmlElement("w:t")
            text.text = line
            text.set(_SPACE, "preserve")
            run.append(text)
        mark.append(run)
        return mark

    def _mark(self, name: str, author: str) -> Any:
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        self._marks += 1
        mark = OxmlElement(name)
        mark.set(qn("w:id"), str(self._marks))
        mark.set(qn("w:author"), author)
        mark.set(qn("w:date"), datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
        return mark

    def save(self, path: str | Path) -> None:
        """Write the file. Raises ReaderError when it cannot be written."""
        from docx.opc.oxml import serialize_part_xml

        for _, part, root in self._notes:
            if getattr(part, "element", None) is None:
                part._blob = serialize_part_xml(root)
        data = io.BytesIO()
        self.document.save(data)
        try:
            write_whole(path, data.getvalue())
        except OSError as error:
            raise ReaderError(
                str(path), f"cannot be written ({error.strerror})", "choose another file"
            ) from None


def _run_of(leaf: Any) -> Any | None:
    from docx.oxml.text.run import CT_R

    return next((parent for parent in leaf.iterancestors() if isinstance(parent, CT_R)), None)


def _split(paragraph: Any, place: int) -> None:
    """Divide the run that holds the character ``place`` of a paragraph, so that it begins a run."""
    offset = 0
    for leaf, text in leaves(paragraph):
        end = offset + len(text)
        if offset < place < end or (offset == place and text):
            run = _run_of(leaf)
            if run is not None and leaf.getparent() is run:
                _divide(run, leaf, place - offset)
            return
        offset = end


def _divide(run: Any, leaf: Any, inside: int) -> None:
    """Move what follows the first ``inside`` characters of ``leaf`` to a run of its own."""
    from docx.oxml.ns import qn

    kept = [child for child in run if child.tag != qn("w:rPr")]
    index = kept.index(leaf)
    if index == 0 and inside == 0:
        return
    after = copy.deepcopy(run)
    moved = [child for child in after if child.tag != qn("w:rPr")]
    run.addnext(after)
    for child in kept[index + bool(inside) :]:
        run.remove(child)
    for child in moved[:index]:
        after.remove(child)
    if inside:
        words = leaf.text
        for element, part in ((leaf, words[:inside]), (moved[index], words[inside:])):
            element.text = part
            element.set(_SPACE, "preserve")
