"""Personal data in what is said: found to be judged, and masked in every output.

Found are identity card numbers (GB 11643: birth date and check digit), bank card numbers (ISO/IEC
7812: length and Luhn's check digit), telephone numbers, one-time codes after the words that
announce them, and addresses down to a building or a room. Digits may be full width, spoken
(一三八, 幺) or set apart by blanks and hyphens. A mask has the length of what it hides, so offsets
of findings stay true; :func:`masked_report` is what doors show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache

from checker.matching import regex
from checker.types import Apply, Finding, Report, Rewrite, Rewriting, Span

KINDS = ("id-card", "bank-card", "phone", "one-time-code", "address")

_SPOKEN = str.maketrans("零〇一二三四五六七八九幺两０１２３４５６７８９Ｘｘ", "00123456789120123456789XX")
_DIGIT = "[0-9０-９零〇一二三四五六七八九幺两]"
_GAP = "[ \t\u3000-]?"
# The last place of an identity number may be X.
_RUN = rf"(?<![0-9A-Za-z]){_DIGIT}(?:{_GAP}{_DIGIT}){{9,22}}(?:{_GAP}[XxＸｘ])?(?![0-9A-Za-z])"
_LANDLINE = r"(?<!\d)0\d{2,3}[- ]?[2-8]\d{6,7}(?!\d)"
_CODE = rf"(?:验证码|校验码|动态码|动态密码|动态口令|短信码|确认码)[^0-9０-９\n。！？]{{0,8}}?(?P<hit>{_DIGIT}(?:{_GAP}{_DIGIT}){{3,7}})(?!{_DIGIT})"
#: What an address down to a building or a room ends with.
_UNITS = ("号楼", "栋", "幢", "单元", "室", "号院")
_ADDRESS = (
    r"(?:[\u4e00-\u9fff]{2,8}(?:省|自治区|市|区|县|镇|乡|街道))*"
    r"[\u4e00-\u9fff]{2,10}?(?:路|街|大道|巷|弄|胡同|村|小区|花园|家园|苑|公寓|新城|广场)"
    r"[\u4e00-\u9fff0-9A-Za-z-]{0,8}?(?:[0-9]{1,5}|[一二三四五六七八九十百]{1,4})(?:"
    + "|".join(_UNITS)
    + r")"
    r"(?:[0-9A-Za-z一二三四五六七八九十百-]{1,6}(?:单元|层|楼|室|号|户))*"
)
#: In RE2's syntax, what every text with personal data holds: most texts are read only for this.
_NEEDED = "|".join(
    (
        rf"(?:{_DIGIT}{_GAP}){{9}}{_DIGIT}",
        r"0\p{Nd}{2,3}[- ]?[2-8]\p{Nd}{6}",
        "验证码|校验码|动态码|动态密码|动态口令|短信码|确认码",
        r"(?:路|街|大道|巷|弄|胡同|村|小区|花园|家园|苑|公寓|新城|广场)[\x{4e00}-\x{9fff}0-9A-Za-z-]{0,12}"
        rf"[0-9一二三四五六七八九十百](?:{'|'.join(_UNITS)})",
    )
)
#: Part of a number, as a finding may cut it out.
_FRAGMENT = rf"{_DIGIT}(?:{_GAP}{_DIGIT}){{3,}}"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@dataclass(frozen=True, slots=True)
class PersonalDatum:
    """One piece of personal data; ``kind`` is one of ``KINDS``, the span is in code points."""

    kind: str
    span: Span


def is_id_number(digits: str) -> bool:
    """True for 18 places with a date of birth and the check digit of GB 11643.

    >>> is_id_number("11010519491231002X"), is_id_number("110105194912310021")
    (True, False)
    """
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", digits):
        return False
    try:
        born = date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS))
    return born.year >= 1900 and "10X98765432"[total % 11] == digits[17]


def is_card_number(digits: str) -> bool:
    """True for 15 to 19 digits that begin as cards do and pass Luhn's check.

    >>> is_card_number("6222021234567890128"), is_card_number("6222021234567890123")
    (True, False)
    """
    if not re.fullmatch(r"[3-6][0-9]{14,18}", digits):
        return False
    doubled = [int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def find_personal_data(text: str) -> list[PersonalDatum]:
    """The personal data in a text, in order and disjoint."""
    if not regex(_NEEDED).found(text.encode("utf-8", "replace")):
        return []
    found = sorted(_candidates(text), key=lambda datum: (datum.span.start, -datum.span.end))
    out: list[PersonalDatum] = []
    for datum in found:
        if not out or datum.span.start >= out[-1].span.end:
            out.append(datum)
    return out


def _candidates(text: str) -> Iterator[PersonalDatum]:
    for match in _compiled(_RUN).finditer(text):
        kind = _kind_of(re.sub(r"[^0-9X]", "", match.group().translate(_SPOKEN).upper()))
        if kind:
            yield PersonalDatum(kind, Span(*match.span()))
    for match in _compiled(_LANDLINE).finditer(text):
        yield PersonalDatum("phone", Span(*match.span()))
    for match in _compiled(_CODE).finditer(text) if "码" in text or "口令" in text else ():
        yield PersonalDatum("one-time-code", Span(*match.span("hit")))
    for match in _compiled(_ADDRESS).finditer(text) if any(unit in text for unit in _UNITS) else ():
        yield PersonalDatum("address", Span(*match.span()))


def _kind_of(digits: str) -> str | None:
    if is_id_number(digits):
        return "id-card"
    if re.fullmatch(r"(?:0?86)?1[3-9][0-9]{9}", digits):
        return "phone"
    return "bank-card" if is_card_number(digits) else None


#: Characters left to read at the start and the end of each kind.
_SHOWN = {"id-card": (3, 0), "bank-card": (0, 4), "phone": (3, 2), "one-time-code": (0, 0), "address": (2, 0)}


def mask(text: str) -> str:
    """The text with every piece of personal data starred out; its length does not change.

    >>> mask("我的电话是13800138000")
    '我的电话是138******00'
    """
    return _masked(text) if len(text) > 3 else text


@lru_cache(maxsize=4096)
def _masked(text: str) -> str:
    parts: list[str] = []
    place = 0
    for datum in find_personal_data(text):
        start, end = datum.span
        head, tail = _SHOWN[datum.kind]
        hidden = max(end - start - head - tail, 0)
        parts += [text[place : start + head], "*" * hidden, text[start + head + hidden : end]]
        place = end
    return "".join(parts) + text[place:] if parts else text


def hidden_words(text: str) -> frozenset[str]:
    """Runs of stars with what stands around them, as :func:`mask` leaves them.

    >>> sorted(hidden_words("电话138******00，一等*"))
    ['138******00']
    """
    return frozenset(re.findall(r"\w*\*{3,}\w*", text))


def masked_report(report: Report) -> Report:
    """The report as it may be shown: its text, findings and rewrites without personal data.

    Spans and fingerprints stay as they are: every mask is as long as what it hides. A rewrite that
    repeats personal data becomes ``manual``: nobody may put the stars into the text unseen.
    """
    text = mask(report.document.text)
    if text == report.document.text:
        return report
    document = replace(report.document, text=text)
    original = report.document.text
    secrets = [original[d.span.start : d.span.end] for d in find_personal_data(original)]

    def hide(words: str) -> str:
        # A finding may end within a number; what is left of it passes no check, and is no less secret.
        def star(match: re.Match[str]) -> str:
            piece = match.group()
            return "*" * len(piece) if any(piece in secret for secret in secrets) else piece

        return _compiled(_FRAGMENT).sub(star, mask(words))

    def starred(rewrite: Rewrite, finding: Finding | None = None) -> Rewrite:
        words = rewrite.text
        if finding is not None and finding.matched:
            words = words.replace(finding.matched, text[finding.span.start : finding.span.end])
        words = hide(words)
        apply = rewrite.apply if words == rewrite.text else Apply.MANUAL
        return Rewrite(rewrite.span, words, apply, hide(rewrite.note))

    def shown(finding: Finding) -> Finding:
        matched = text[finding.span.start : finding.span.end]
        message = finding.message.replace(finding.matched, matched) if finding.matched else finding.message
        rewrites = tuple(starred(rewrite, finding) for rewrite in finding.rewrites)
        told = finding.explanation
        explanation = replace(
            told,
            fired=hide(told.fired),
            read_as=hide(told.read_as),
            notes=tuple(map(hide, told.notes)),
            scores={hide(words): score for words, score in told.scores.items()},
        )
        return replace(
            finding, matched=matched, message=hide(message), rewrites=rewrites, explanation=explanation
        )

    def rewriting(_: Report) -> Rewriting:
        whole = report.rewriting
        return Rewriting(hide(whole.text), tuple(map(starred, whole.edits)), tuple(map(shown, whole.open)))

    return replace(
        report,
        document=document,
        findings=tuple(map(shown, report.findings)),
        excused=tuple(map(shown, report.excused)),
        rewriter=rewriting,
        suppressed=tuple(replace(item, finding=shown(item.finding)) for item in report.suppressed),
    )
