"""Numbers in odd notation, read as Arabic digits: 九八趴, 98个percent, 1w8, 9百8, 九成八."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from checker.late import late
from checker.normalize import View

#: (start, end, what is read there)
Change = tuple[int, int, str]

DIGITS = "零一二三四五六七八九"
_NUMERAL = "零〇一二两三四五六七八九"
_PLAIN_NUMBER = (
    rf"(?:[0-9]{{1,9}}(?:\.[0-9]{{1,4}})?(?![0-9十百])|[0-9{_NUMERAL}十百]{{1,9}}(?:点[{_NUMERAL}]{{1,4}})?)"
)
_TO_ARABIC = str.maketrans("零〇一二两三四五六七八九", "001223456789")
_ARABIC = late(r"[0-9]+(?:\.[0-9]+)?")
_PIECE = late(r"[0-9]+(?:\.[0-9]+)?|[十百千万亿]")
_PERCENT = late(r"[p趴啪帕巴パ成%]|百分之")
_MARK = late(r"[趴啪帕巴成万千百wkpパ%]")
_ANY_DIGIT = frozenset("0123456789十" + _NUMERAL)
_LETTERS = frozenset("ol")
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """(percentages, amounts), compiled when a text first holds a number in odd notation."""
    percentage = late(
        rf"(?P<bare>{_PLAIN_NUMBER})(?: ?个)? ?(?:percents?|per cent|pct|趴|啪|帕|巴仙|パーセント)"
        rf"|百分之(?P<parts>{_PLAIN_NUMBER})"
        rf"|(?P<tenths>[1-9{_NUMERAL}])成(?P<rest>[1-9{_NUMERAL}])(?![0-9{_NUMERAL}十百千万])"
        rf"|(?P<letters>(?=[0-9]*[ol])[0-9ol]{{2,6}})(?=%)"
    )
    amount = late(
        r"(?<![0-9a-z.])(?P<tens>[0-9]{1,9}(?:\.[0-9]{1,4})?)(?P<unit>[wk])(?P<more>[0-9]?)(?![0-9a-z])"
        rf"|(?<![0-9.])(?P<mixed>(?:[0-9]{{1,9}}(?:\.[0-9]{{1,4}})?|[{_NUMERAL}]{{1,9}})[万千百](?:[0-9{_NUMERAL}](?:[千百十][0-9{_NUMERAL}]?)?)?)"
    )
    return percentage, amount


def _value(text: str) -> float | None:
    """The value of a number in Arabic or Chinese digits or both; 一万八 is 18,000, 九八 is 98.

    >>> _value("一万八"), _value("9百8"), _value("九十八"), _value("九八点五")
    (18000.0, 980.0, 98.0, 98.5)
    """
    whole, _, part = text.partition("点")
    digits = whole.translate(_TO_ARABIC)
    decimals = "".join(c for c in part.translate(_TO_ARABIC) if c in "0123456789")
    if _ARABIC.fullmatch(digits):
        return float(digits + ("." + decimals if decimals else ""))
    total = section = 0.0
    number: float | None = None
    last = 0
    for piece in _PIECE.findall(digits):
        if piece not in _UNITS:
            number = float(piece)
            continue
        unit = _UNITS[piece]
        if unit >= 10_000:
            total += (section + (number or 0) or 1) * unit
            section = 0.0
        else:
            section += (1 if number is None else number) * unit
        number, last = None, unit
    if number is not None:
        # 一万八, 九百八: the digit counts the next lower unit.
        spoken = last >= 100 and number < 10 and "0" not in digits.split(".", maxsplit=1)[0][-2:]
        section += number * (last // 10 if spoken else 1)
    total += section + (float("0." + decimals) if decimals else 0)
    return total if total or number == 0 else None


def _written(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.4f}".rstrip("0")


def number_readings(text: str) -> Iterator[Change]:
    """Numbers written in an odd way, in Arabic digits: (start, end, reading).

    >>> [change[2] for change in number_readings("九八趴的客户，原价1w8，只收9百8，有效率九成八")]
    ['98%', '98%', '18000', '980']
    """
    percentage, amount = _patterns()
    # At most places of a sentence the pattern could begin; one of these marks must follow.
    for match in percentage.finditer(text) if _PERCENT.search(text) else ():
        if match["letters"]:
            digits = match["letters"].replace("o", "0").replace("l", "1")
            if match.start() and text[match.start() - 1].isascii() and text[match.start() - 1].isalpha():
                continue
            yield match.start(), match.end(), digits
            continue
        if match["tenths"]:
            value: float | None = (_value(match["tenths"]) or 0) * 10 + (_value(match["rest"]) or 0)
        else:
            value = _value(match["bare"] or match["parts"])
        if value is not None:
            yield match.start(), match.end(), _written(value) + "%"
    for match in amount.finditer(text):
        if match["unit"]:
            size = {"w": 10_000, "k": 1000}[match["unit"]]
            value = float(match["tens"]) * size + (int(match["more"]) * size // 10 if match["more"] else 0)
        else:
            value = _value(match["mixed"])
        if value is not None:
            yield match.start(), match.end(), _written(value)


def odd_numbers(view: View) -> Iterator[Change]:
    """The changes of :func:`number_readings` in a view; only sentences that may hold some are read."""
    places = [place for match in _MARK.finditer(view.text) if _may_be_odd(view.text, place := match.start())]
    for number in dict.fromkeys(map(view.sentence_at, places)):
        start = int(view.starts[number])
        for first, last, reading in number_readings(view.text[start : int(view.ends[number])]):
            yield start + first, start + last, reading


def _may_be_odd(text: str, place: int) -> bool:
    """Whether the mark at a place may belong to a number in odd notation, told from what stands beside it."""
    mark = text[place]
    if mark == "%":
        return not _LETTERS.isdisjoint(text[max(0, place - 6) : place])
    if mark == "百" and text.startswith("分之", place + 1):
        return True
    return text[max(0, place - 3) : place].rstrip(" 个")[-1:] in _ANY_DIGIT
