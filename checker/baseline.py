"""A baseline: findings that were there when checking began, accepted until somebody rewrites them.

The file is JSON: ``{"version", "created", "tool_version", "lexicon", "entries"}``, an entry being
``{"fingerprint", "rule", "path", "excerpt", "count", "reason", "owner", "expires"}``. It is meant to
be read in a review and kept in version control, so it holds the matched words only, numbers and
addresses starred out, never the sentence: sentences of calls are personal data. ``reason``, ``owner``
and ``expires`` are for people to fill in; writing the file again keeps them.

A finding matches an entry by its fingerprint, which holds the rule, the path and the sentence but no
line number. If the file was moved, or is named from another folder, the fingerprint is made again with
the path of the entry; a file that merely has the same sentence as one that still exists does not match.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from checker import __version__
from checker.fingerprint import fingerprint
from checker.normalize import plain_view
from checker.personal import mask, masked_report
from checker.stored import read_bounded, write_whole
from checker.types import Finding, Report, Suppression

VERSION = 1
#: No baseline is larger, in bytes.
_LARGEST = 1 << 29
SOURCE = "baseline"
_ACCEPTED = "基线中已有"
_TEXTS = ("fingerprint", "rule", "path", "excerpt", "reason", "owner")


class BaselineError(Exception):
    """A baseline file that cannot be used; the message names file, mistakes and remedy."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted finding. ``count`` is how often it may occur; ``expires`` the last day, or None."""

    fingerprint: str
    rule: str
    path: str
    excerpt: str
    count: int = 1
    reason: str = ""
    owner: str = ""
    expires: str | None = None

    def expired(self, today: date) -> bool:
        """True after the last day."""
        return self.expires is not None and today > date.fromisoformat(self.expires)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A file's content; ``entries`` have distinct fingerprints."""

    entries: tuple[Entry, ...] = ()
    created: str = ""
    tool_version: str = ""
    lexicon: str = ""


def write_baseline(path: str | Path, reports: Sequence[Report], today: date | None = None) -> Baseline:
    """Record the findings of the reports, and what an earlier baseline already accepted in them.

    Findings about suppressions are left out: they are mistakes to correct. An existing file gives its
    ``created`` and, for entries that still hold, its reasons, owners and dates; its other entries go.
    Raises BaselineError when the existing file is broken or the new one cannot be written.
    """
    target = Path(path)
    old = load_baseline(target) if target.exists() else Baseline()
    notes = {entry.fingerprint: entry for entry in old.entries}
    entries: dict[str, Entry] = {}
    for report in map(masked_report, reports):
        accepted = [item.finding for item in report.suppressed if item.source == SOURCE]
        for finding in (*report.findings, *accepted):
            if finding.category == "suppression":
                continue
            known = entries.get(finding.fingerprint)
            if known:
                entries[finding.fingerprint] = replace(known, count=known.count + 1)
                continue
            note = notes.get(finding.fingerprint)
            entries[finding.fingerprint] = Entry(
                fingerprint=finding.fingerprint,
                rule=finding.rule_id,
                path=_slashes(report.document.path),
                excerpt=finding.matched,
                reason=note.reason if note else "",
                owner=note.owner if note else "",
                expires=note.expires if note else None,
            )
    lexicon = next((report.lexicon_version for report in reports), "")
    return _write(target, replace(old, entries=tuple(entries.values())), lexicon, today)


def _write(target: Path, content_of: Baseline, lexicon: str, today: date | None = None) -> Baseline:
    baseline = Baseline(
        entries=tuple(sorted(content_of.entries, key=lambda e: (e.path, e.rule, e.fingerprint))),
        created=content_of.created or (today or date.today()).isoformat(),
        tool_version=__version__,
        lexicon=lexicon,
    )
    content: dict[str, Any] = {
        "version": VERSION,
        "created": baseline.created,
        "tool_version": baseline.tool_version,
        "lexicon": baseline.lexicon,
        "entries": [asdict(entry) for entry in baseline.entries],
    }
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    try:
        write_whole(target, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise BaselineError(
            f"{target}: cannot be written ({error.strerror}); check that the folder exists and is writable"
        ) from error
    return baseline


def accept(path: str | Path, accepted: Sequence[tuple[Report, Finding, str]]) -> None:
    """Add findings with their reasons to a baseline, which is made if it is not there; all else in it stays.

    Raises BaselineError when the existing file is broken or the new one cannot be written.
    """
    target = Path(path)
    old = load_baseline(target) if target.exists() else Baseline()
    entries = {entry.fingerprint: entry for entry in old.entries}
    counts = Counter(finding.fingerprint for _, finding, _ in accepted)
    for report, finding, reason in accepted:
        shown = masked_report(replace(report, findings=(finding,)))
        entries[finding.fingerprint] = Entry(
            fingerprint=finding.fingerprint,
            rule=finding.rule_id,
            path=_slashes(report.document.path),
            excerpt=shown.findings[0].matched,
            count=counts[finding.fingerprint],
            reason=mask(reason),
        )
    _write(target, replace(old, entries=tuple(entries.values())), accepted[0][0].lexicon_version)


def load_baseline(path: str | Path) -> Baseline:
    """Read a baseline file.

    Raises BaselineError that names the file, every mistake and what to do.
    """
    name = str(path)
    remedy = "correct it or record a new one with --write-baseline"
    try:
        data = json.loads(read_bounded(path, _LARGEST).decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise BaselineError(f"{name}: no such baseline; record one with --write-baseline {name}") from error
    except OSError as error:
        raise BaselineError(f"{name}: cannot be read ({error.strerror}); check its permissions") from error
    except json.JSONDecodeError as error:
        raise BaselineError(f"{name}:{error.lineno}: not valid JSON ({error.msg}); {remedy}") from error
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{name}: not a JSON file in UTF-8; {remedy}") from error
    if not isinstance(data, dict) or not isinstance(data.get("entries"), list):
        raise BaselineError(f"{name}: expected an object with a list 'entries'; {remedy}")
    if data.get("version") != VERSION:
        found = data.get("version")
        raise BaselineError(
            f"{name}: expected version {VERSION}, found {found!r}; record it again with this version of huashu"
        )
    problems: list[str] = []
    entries = [_entry(item, number, problems) for number, item in enumerate(data["entries"], 1)]
    twice = [mark for mark, count in Counter(e.fingerprint for e in entries if e).items() if count > 1]
    problems += [f"the fingerprint {mark} stands twice; keep one and add up count" for mark in twice]
    if problems:
        lines = "\n".join(f"{name}: {problem}" for problem in problems)
        raise BaselineError(f"{lines}\n{remedy}")
    return Baseline(
        entries=tuple(entry for entry in entries if entry),
        created=str(data.get("created", "")),
        tool_version=str(data.get("tool_version", "")),
        lexicon=str(data.get("lexicon", "")),
    )


def _entry(item: Any, number: int, problems: list[str]) -> Entry | None:
    if not isinstance(item, dict):
        problems.append(f"entry {number}: expected an object, found {type(item).__name__}")
        return None
    before = len(problems)
    values = {key: item.get(key, "") for key in _TEXTS}
    count, expires = item.get("count", 1), item.get("expires") or None
    for key in ("fingerprint", "rule"):
        if not values[key]:
            problems.append(f"entry {number}: {key} is missing")
    for key, value in values.items():
        if not isinstance(value, str):
            problems.append(f"entry {number}: {key} expected text, found {value!r}")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        problems.append(f"entry {number}: count expected a number from 1, found {count!r}")
    try:
        if expires is not None:
            date.fromisoformat(expires)
    except (TypeError, ValueError):
        problems.append(f"entry {number}: expires expected a date such as 2027-03-31, found {expires!r}")
    return Entry(**values, count=count, expires=expires) if len(problems) == before else None


def apply_baseline(report: Report, baseline: Baseline, today: date | None = None) -> Report:
    """The report with the accepted findings moved to ``suppressed``.

    At most ``count`` findings match an entry, and none after its last day (``today`` defaults to the
    local date).
    """
    today = today or date.today()
    left = {e.fingerprint: e.count for e in baseline.entries if not e.expired(today)}
    entries = {entry.fingerprint: entry for entry in baseline.entries}
    moved = _Moved(report, [entries[mark] for mark in left])
    kept: list[Finding] = []
    suppressed: list[Suppression] = []
    for finding in report.findings:
        mark = finding.fingerprint if finding.fingerprint in left else moved.former(finding)
        if mark is not None and left[mark] > 0 and entries[mark].rule == finding.rule_id:
            left[mark] -= 1
            suppressed.append(Suppression(finding, SOURCE, entries[mark].reason or _ACCEPTED))
        else:
            kept.append(finding)
    if not suppressed:
        return report
    return replace(report, findings=tuple(kept), suppressed=(*report.suppressed, *suppressed))


def stale_entries(
    baseline: Baseline, reports: Iterable[Report], today: date | None = None
) -> tuple[Entry, ...]:
    """Entries of the checked files that match fewer findings than they accept, or have expired.

    ``reports`` are those that :func:`apply_baseline` gave. Entries of files that were not checked are
    not stale, unless the file is gone.
    """
    today = today or date.today()
    checked: set[str] = set()
    found: Counter[str] = Counter()
    for report in reports:
        checked.add(_slashes(report.document.path))
        moved = _Moved(report, baseline.entries)
        for item in report.suppressed:
            if item.source == SOURCE:
                mark = item.finding.fingerprint
                known = any(entry.fingerprint == mark for entry in baseline.entries)
                found[mark if known else moved.former(item.finding) or mark] += 1
    return tuple(
        entry
        for entry in baseline.entries
        if entry.expired(today)
        or (found[entry.fingerprint] < entry.count and (entry.path in checked or not _exists(entry.path)))
    )


def _slashes(path: str) -> str:
    return path.replace("\\", "/")


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


class _Moved:
    """Finds the entry of a finding whose file had another path when the entry was made.

    The sentence is not in the finding, so it is found by trying: the one from which the finding's own
    fingerprint can be made is the right one. Findings of disguised words and of missing statements
    rest on other text; they match by path only.
    """

    def __init__(self, report: Report, entries: Sequence[Entry]) -> None:
        self._report = report
        self._all = entries
        self._made: dict[str, tuple[str, int]] | None = None

    @cached_property
    def _entries(self) -> list[Entry]:
        """Entries of files that are this one under another name; asks the disk once a path."""
        path = _slashes(self._report.document.path)
        others = {entry.path for entry in self._all} - {path}
        same = {other for other in others if _same_file(other, path)}
        return [entry for entry in self._all if entry.path in same]

    def former(self, finding: Finding) -> str | None:
        """The fingerprint of the entry, or None."""
        wanted = [entry for entry in self._entries if entry.rule == finding.rule_id]
        if not wanted:
            return None
        sentence, ordinal = self._source(finding)
        marks = {e.fingerprint for e in wanted} & {
            fingerprint(finding.rule_id, entry.path, sentence, ordinal) for entry in wanted
        }
        return marks.pop() if ordinal and len(marks) == 1 else None

    def _source(self, finding: Finding) -> tuple[str, int]:
        """(sentence, ordinal) of the finding's fingerprint; ("", 0) when it cannot be told."""
        if self._made is None:
            self._made = {}
            view = plain_view(self._report.document)
            counts = Counter(
                view.text[int(start) : int(end)] for start, end in zip(view.starts, view.ends, strict=True)
            )
            rules = {f.rule_id for f in self._report.findings}
            rules |= {item.finding.rule_id for item in self._report.suppressed}
            rules &= {entry.rule for entry in self._entries}
            for rule in rules:
                for sentence, count in counts.items():
                    # A rule can occur several times in one sentence; more than this is no script.
                    for ordinal in range(1, count + 8):
                        mark = fingerprint(rule, self._report.document.path, sentence, ordinal)
                        self._made[mark] = (sentence, ordinal)
        return self._made.get(finding.fingerprint, ("", 0))


def _same_file(old: str, new: str) -> bool:
    """True when the file was moved from ``old``, or both name the same file."""
    if not old or not new:
        return False
    try:
        return not Path(old).exists() or Path(old).samefile(new)
    except (OSError, ValueError):
        return False
