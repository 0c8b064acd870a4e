"""Personal data in what is said: found to be judged, and masked in every output.

Found are identity card numbers (GB 11643: birth date and check digit), bank card numbers (ISO/IEC
7812: length and Luhn's check digit), telephone numbers, one-time codes after the words that
announce them, addresses down to a building or a room, mail addresses, and accounts of QQ, WeChat
and the like. Digits may be full width, spoken (一三八, 幺) or set apart by blanks and hyphens. A mask
has the length of what it hides, so offsets of findings stay true; :func:`masked_report` is what
doors show. Names of people are read by whoever works with the script, and hidden only from others:
:class:`Veil` is what leaves the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache

from checker.late import late
from checker.matching import regex
from checker.types import Apply, Attempt, Attempts, Finding, Report, Rewrite, Rewriting, Span

KINDS = ("id-card", "bank-card", "phone", "one-time-code", "address", "mail", "account")

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
    r"(?:[0-9A-Za-z一二三四五六七八九十百-]{1,6}(?:单元|层|楼|室|号|户))*(?:[0-9]{2,4}(?![0-9]))?"
)
_MAIL = r"[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9-]{1,64}(?:\.[A-Za-z0-9-]{1,64})+"
_SERVICES = "[Qq][Qq]|微信|[Vv][Xx]|[Ww][Xx]|[Ww]e[Cc]hat|钉钉|支付宝"
#: An account of QQ (5 to 11 digits) or WeChat (6 to 20 letters and digits) after the name of the service.
_ACCOUNT = (
    rf"(?:{_SERVICES})(?:(?:账|帐)?号码?|ID|id)?[：: 是为]{{0,3}}(?P<hit>[A-Za-z][A-Za-z0-9_-]{{5,19}}|[1-9][0-9]{{4,10}})"
    "(?![A-Za-z0-9_.-]| ?[元块万亿人个名位好次年月天分])"
)
#: In RE2's syntax, what every text with personal data holds: most texts are read only for this.
_NEEDED = "|".join(
    (
        rf"(?:{_DIGIT}{_GAP}){{9}}{_DIGIT}",
        r"0\p{Nd}{2,3}[- ]?[2-8]\p{Nd}{6}",
        "验证码|校验码|动态码|动态密码|动态口令|短信码|确认码",
        r"(?:路|街|大道|巷|弄|胡同|村|小区|花园|家园|苑|公寓|新城|广场)[\x{4e00}-\x{9fff}0-9A-Za-z-]{0,12}"
        rf"[0-9一二三四五六七八九十百](?:{'|'.join(_UNITS)})",
        "[A-Za-z0-9]@[A-Za-z0-9]",
        rf"(?:{_SERVICES}).{{0,6}}[A-Za-z0-9_-]{{5}}",
    )
)
#: Part of a number, as a finding may cut it out.
_FRAGMENT = rf"{_DIGIT}(?:{_GAP}{_DIGIT}){{3,}}"
_LONG = rf"{_DIGIT}(?:{_GAP}{_DIGIT}){{6,}}[XxＸｘ]?"
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
    for match in _compiled(_MAIL).finditer(text) if "@" in text else ():
        yield PersonalDatum("mail", Span(*match.span()))
    for match in _compiled(_ACCOUNT).finditer(text):
        yield PersonalDatum("account", Span(*match.span("hit")))


def _kind_of(digits: str) -> str | None:
    if is_id_number(digits):
        return "id-card"
    if re.fullmatch(r"(?:0?86)?1[3-9][0-9]{9}", digits):
        return "phone"
    return "bank-card" if is_card_number(digits) else None


#: Characters left to read at the start and the end of each kind.
_SHOWN = {
    "id-card": (3, 0),
    "bank-card": (0, 4),
    "phone": (3, 2),
    "one-time-code": (0, 0),
    "address": (2, 0),
    "mail": (1, 0),
    "account": (2, 0),
}


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

    def unnamed(attempt: Attempt) -> Attempt:
        # Only what it quotes of the text can be secret.
        return replace(attempt, reason=hide(attempt.reason)) if "“" in attempt.reason else attempt

    def shown(finding: Finding) -> Finding:
        matched = text[finding.span.start : finding.span.end]
        message = finding.message.replace(finding.matched, matched) if finding.matched else finding.message
        rewrites = tuple(starred(rewrite, finding) for rewrite in finding.rewrites)
        told = finding.explanation
        explanation = replace(
            told,
            fired=hide(told.fired),
            read_as=hide(told.read_as),
            exemptions=Attempts(told.exemptions, lambda: tuple(map(unnamed, told.exemptions))),
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


# --- what leaves the machine -------------------------------------------------------------------------

#: The surnames of nine people in ten (公安部：二〇二〇年全国姓名报告), further ones of 百家姓, and double ones.
_SURNAME = (
    "(?:欧阳|司马|上官|诸葛|司徒|东方|独孤|南宫|夏侯|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|端木|"
    "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤温康施文牛樊葛邢安齐易乔伍庞颜"
    "倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷曲盛冉翁蓝路游靳辛管柴蒙鲍华喻祁房屈"
    "滕饶解牟艾尤时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬和仇栾隋商刁沙荣"
    "巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝])"
)
_GIVEN = "[\u4e00-\u9fff]"
_TITLES = (
    "先生|女士|小姐|太太|夫人|阿姨|叔叔?|伯伯?|大[爷妈哥姐叔]|奶奶|爷爷|老师|教授|医生|大夫|主任|院长|校长|律师|师傅|老板|"
    "经理|总监|店长|队长|[局处科所站]长|书记|顾问|董事|同学|同志|总(?!体|共|是|之|的|部|额|量|计|和|数|价)|[哥姐](?!妹|们)|董|工(?=[，。您])"
)
#: Whose name is asked or said: the words before it.
_ANNOUNCED = "姓名|名字|户名|名叫|我叫|叫做|[我您你]是|这是|联系人|收件人|持卡人|[被投]保险?人|受益人|经办人|客户|业务员|坐席|客服|专员|顾问|经理"
#: What follows a name that is not followed by a title.
_AFTER = r"(?=$|[^\u4e00-\u9fff]|[吗吧呢啊呀对的和与在跟给，])"
_PERSON = late(
    rf"(?P<titled>(?:[小老阿]{_SURNAME}|{_SURNAME}{_GIVEN}{{0,2}}?))(?={_TITLES})"
    rf"|(?:{_ANNOUNCED})[：: 是叫]{{0,2}}(?:[^，,。！？；\n]{{0,20}}?的)?(?P<announced>{_SURNAME}{_GIVEN}{{1,2}}|[小老阿]{_SURNAME}){_AFTER}"
    rf"|(?<=姓)(?P<surname>{_SURNAME})"
    rf"|(?!小[时米])(?P<familiar>[小老阿]{_SURNAME})(?=[，,。来说会跟给是明今昨])"
)
Tagged = Iterable[tuple[str, str]]


def find_names(text: str, tagged: Tagged = ()) -> list[Span]:
    """Names of people, in order and disjoint; too many rather than too few.

    ``tagged`` are the words of the text with jieba's tags (nr: a person), which know names that nothing announces.
    """
    found = [Span(*match.span(match.lastgroup or 0)) for match in _PERSON.finditer(text)]
    place = 0
    start = -1
    for word, tag in (*tagged, ("", "")):
        if tag == "nr":
            start = place if start < 0 else start
        elif start >= 0:
            if 2 <= place - start <= 4 and _compiled(_SURNAME).match(text, start):
                found.append(Span(start, place))
            start = -1
        place += len(word)
    return _disjoint(found)


def _disjoint(spans: Iterable[Span]) -> list[Span]:
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.start < out[-1].end:
            out[-1] = Span(out[-1].start, max(span.end, out[-1].end))
        else:
            out.append(span)
    return out


def _private(text: str) -> list[Span]:
    """Personal data, and long numbers that are none by their check digits: misheard, mistyped or of another kind."""
    numbers = (Span(*match.span()) for match in _compiled(_LONG).finditer(text))
    return [*(datum.span for datum in find_personal_data(text)), *numbers]


def _said_again(text: str, secrets: Iterable[str]) -> list[Span]:
    """Where a text says what is secret; a surname alone is a word like others."""
    return [
        Span(*match.span())
        for words in secrets
        if len(words) > 1
        for match in re.finditer(re.escape(words), text)
    ]


class Veil:
    """A text as it may leave the machine: personal data and names as 〔1〕, 〔2〕 …, and the way back.

    The same words are the same placeholder, in the text and in everything else that is said of it.

    >>> veil = Veil("张先生，我是李娜，加微信lina_2020")
    >>> veil.text
    '〔1〕先生，我是〔2〕，加微信〔3〕'
    >>> veil.hide("李娜说的"), veil.lift("〔1〕先生您好")
    ('〔2〕说的', '张先生您好')
    """

    def __init__(self, text: str, tagged: Tagged = ()) -> None:
        self._original = text
        self._kept: dict[str, str] = {}
        found = _disjoint([*_private(text), *find_names(text, tagged)])
        again = _said_again(text, [text[span.start : span.end] for span in found])
        self._secret = _disjoint([*found, *again])
        self.text = self.part(Span(0, len(text)))

    @property
    def kept(self) -> Mapping[str, str]:
        """What each placeholder stands for."""
        return self._kept

    def part(self, span: Span) -> str:
        """A stretch of the text, with the whole of what it begins or ends in."""
        return self._veiled(self._original, span, self._secret)

    def hide(self, other: str) -> str:
        """Another text, such as a reason: its own personal data are hidden, and what is hidden in this one."""
        found = [*_private(other), *find_names(other), *_said_again(other, self._kept.values())]
        secret = _disjoint(found)
        return self._veiled(other, Span(0, len(other)), secret)

    def lift(self, text: str) -> str:
        """The text with every placeholder filled in again."""
        return _compiled("〔[0-9]+〕").sub(lambda match: self._kept.get(match[0], match[0]), text)

    def _veiled(self, text: str, span: Span, secret: Iterable[Span]) -> str:
        parts: list[str] = []
        place = span.start
        for hidden in secret:
            if hidden.overlaps(span):
                parts += [text[place : hidden.start], self._name(text[hidden.start : hidden.end])]
                place = hidden.end
        return "".join(parts) + text[place : max(span.end, place)]

    def _name(self, words: str) -> str:
        known = next((name for name, kept in self._kept.items() if kept == words), None)
        name = known or f"〔{len(self._kept) + 1}〕"
        self._kept[name] = words
        return name
