"""What a rewrite must know of Chinese grammar, from clauses, jieba words and their tags.

The tags of a tokeniser are rough, so nothing here parses: it asks narrow questions whose wrong
answer costs a good suggestion, never a bad one. What stands before the claim: a topic it is said
of, a clause complete in itself, or nothing? Is the claim an attribute of what follows? Can the
rest of the sentence stand without this clause? Is a changed sentence broken?
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from checker.late import late
from checker.types import Span

SENTENCE_ENDS = "。！？!?；;…\n\r"
_DELIMITERS = "，,：:、"
#: A space separates clauses in advertisements: 共享空间 民水民电
_SPACE = late(r"(?=[ \t\u3000])(?<=[\u4e00-\u9fff”’）)])[ \t\u3000]+(?=[\u4e00-\u9fff“‘（(])")
_CLAUSE_END = late(
    r"(?=[，,：:])(?:(?<![0-9]).(?![0-9])|(?<=[\u4e00-\u9fff]).(?=[0-9])|(?<=[0-9]).(?=[^0-9]))"
)
#: What stands before a clause and is no word of it: spaces, emoji and the like.
_PICTURES = late(
    r"[\s\u200d\ufe0f\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u2500-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]+"
)
#: Before what is said it is told when or to whom: （异议：再考虑）
_LABEL = late(r"[（(][^（()）]{2,24}[）)] *(?=[^，。！？ ]{4})")
_PARTICLES = "了的呢吧啊呀哦噢嘛哈啦哟喔哇呗着过地得"
_HAN = late(r"[\u4e00-\u9fff]")
_SLOT = late(r"【[^】]{1,16}】|\{[^}]{1,16}\}|\[[^\]]{1,16}\]|[Xx×]{2,}|某某")
_FACT = late(
    r"【[^】]{1,16}】|\{[^}]{1,16}\}"
    r"|(?:百分之)?[0-9][0-9.,]*(?:%|％)?(?:[十百千万亿]*(?:元|块|天|年|个月|月|日|号|周|小时|分钟|期|次|盒|瓶|吨|斤|公斤|米|公里|平|套|家|人|名|位|倍|折|点|岁|寸|升|克|盎司|吉|G|g|M)?)"
    r"|(?:百分之)?[一二两三四五六七八九十百千万亿半几]{1,8}(?:元|块钱|块|天|年|个月|月份|周|小时|分钟|期|盒|瓶|斤|米|公里|平米|折|岁|倍|成)"
    r"|[一二两三四五六七八九十][零一二两三四五六七八九十百千]{0,6}[百千万亿](?!分)"
    r"|(?:(?<=只要)|(?<=只收)|(?<=仅需)|(?<=[价卖才费]))[一二两三四五六七八九十百千][零一二两三四五六七八九十百千万]{1,7}"
    r"|[A-Z][A-Za-z0-9+-]{1,20}"
)
#: A condition whose loss changes what is promised.
_CONDITION = late(
    r"(?:如果|只要|除非|满|凭|须|需要?先|限|仅限|符合)[^，,。！？；\n]{1,12}?(?:的话|才|即可|方可|以上|以内|前|内)"
)


#: So many texts are remembered with what was found of them.
_REMEMBERED = 4096
#: Marks that do not end a noun phrase.
_INSIDE = frozenset("、‘“「《（{【[")


class Word(NamedTuple):
    """A token with its jieba tag; offsets are in the text that was tagged."""

    text: str
    tag: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Topic:
    """What a statement can be said of: ``text`` followed by a comma when ``pause``."""

    text: str
    pause: bool


class Grammar:
    """Answers about one text at a time; ``tags`` is the tokeniser's tagger, ``words`` its word lists.

    ``words`` comes from ``lexicons/rewrites.yaml``: see the comments there.
    """

    def __init__(self, tags: Callable[[str], list[tuple[str, str]]], words: Mapping[str, Any]) -> None:
        self._nominal = frozenset(words["nominal"])
        self._light = frozenset(words["light"])
        self._modal = frozenset(words["modal"])
        self._persons = frozenset(words["persons"])
        self._openers = tuple(sorted(words["openers"], key=len, reverse=True))
        self._needs_partner = tuple(words["needs_partner"])
        self._people = tuple(words["people"])
        self._halves = frozenset(words["halves"])
        self._scopes = frozenset(words["scopes"])
        self._wares = re.compile(rf"(?:{words['wares']})$")
        self.words = lru_cache(maxsize=_REMEMBERED)(lambda text: _words(tags, text))
        #: The clauses of a sentence without the marks that end it.
        self.clauses = lru_cache(maxsize=_REMEMBERED)(
            lambda text: tuple(clause_spans(text, Span(0, len(text.rstrip(SENTENCE_ENDS)))))
        )
        self._scars_of_text = lru_cache(maxsize=_REMEMBERED)(self._scars)
        self._scars_of_clause = lru_cache(maxsize=_REMEMBERED)(self._count_in_clause)

    def forget(self) -> None:
        """Drop what is remembered of texts."""
        for remembered in (self.words, self.clauses, self._scars_of_text, self._scars_of_clause):
            remembered.cache_clear()

    def is_nominal(self, word: Word) -> bool:
        """True for nouns, pronouns, slots, measure words used as heads, and nominal verbs."""
        return (
            word.text in self._nominal
            or (word.tag[:1] in "nrjsit" and word.tag not in ("nrfg",) and word.text not in self._modal)
            or word.tag in ("l", "eng", "vn", "an", "q", "zg", "f", "k")
            or (word.tag in ("x", "") and bool(_SLOT.fullmatch(word.text) or len(word.text) > 1))
            or word.text in ("】", "}", "]", "”", "’", "」", "》", "）")
            or (word.tag == "m" and _SERIES.fullmatch(word.text) is not None)
        )

    def is_scope(self, word: Word) -> bool:
        """True for where a rank is said to hold: 全国, 行业内."""
        return word.text in self._scopes

    def is_light(self, word: Word) -> bool:
        """True for verbs that are no part of a name: 是, 有, 能."""
        return word.text in self._light or word.text in self._modal

    def topic(self, left: str) -> Topic | None:
        """What stands before a claim and can carry another statement instead.

        >>> # 我们这个班 | 包过 -> 我们这个班;  加盟喜士多 | 毛利百分百 -> 加盟喜士多，
        """
        left = _FILLERS.sub("", left)
        condition = left.rfind("的话")
        if condition > 1:
            return Topic(left[: condition + 2], pause=True)
        words = [word for word in self.words(left) if word.text.strip()]
        named = _HEDGED.sub("", left.strip())
        copula = _BEFORE_IS.match(named)
        if copula is not None:
            return Topic(copula[1], pause=False)  # 这支防晒 | 是目前技术…
        if 3 <= len(named) <= 8 and _DETERMINED.match(named) and not named.endswith("的"):
            stops = self._light | self._persons
            governed = any(word.text in self._light or word.tag == "p" for word in words[1:2])
            if not governed and not any(
                word.text in stops or word.tag in ("uj", "ul", "d") for word in words[2:]
            ):
                return Topic(re.sub(r"(?:里面?|里头|当中|中|上)$", "", named), pause=False)
        while (
            words and not self.is_nominal(words[-1]) and not _is_figure(words[-1]) and words[-1].text != "多"
        ):
            words.pop()
        while words and words[-1].text in self._scopes | _PLACES:
            words.pop()
            while words and not self.is_nominal(words[-1]):
                words.pop()
        while len(words) > 1 and words[-1].text in self._persons and words[-1].text != "宝":  # 朝朝宝
            words.pop()
            while words and not self.is_nominal(words[-1]):
                words.pop()
        if not words:
            return None
        if left[words[-1].end :].startswith(("得", "到", "出", "成")):
            return None  # 实验室测 | 得
        head = self._phrase(words)
        whole = left[: words[-1].end].strip(_DELIMITERS + " ")
        verbs = [word for word in words if self._is_verb(word)]
        if len(head) == len(words):
            return self._noun_topic(whole, words)
        if not verbs or any(word.text in self._light for word in words):
            kept = words[: len(head)]
            return self._noun_topic(left[: kept[-1].end].strip(), kept) if kept else None
        if len(whole) >= 4 and not self._open_ended(words):
            return Topic(whole, pause=True)
        kept = words[: len(head)]
        return self._noun_topic(left[: kept[-1].end].strip(), kept) if kept else None

    def _noun_topic(self, text: str, words: Sequence[Word]) -> Topic | None:
        for opener in self._openers:
            if text == opener:
                return None
        text = re.sub(r"(?:年化|月息|日息|利率|年化收益|临床|平均)$", "", text)
        if text[-1:] in "刷喷打抹擦洗敷涂吃喝用" and not self._wares.search(text):
            text = text[:-1] if self._wares.search(text[:-1]) else text  # 防水涂料 | 刷一遍
        if text.endswith("的") or text.startswith("等"):
            return None
        if words[0].tag == "m" and len(text) <= 5:
            return None  # 一头猪, 八十八个
        if text in self._persons or len(_HAN.findall(text)) + len(re.findall(r"[A-Za-z0-9]+", text)) < 2:
            return None
        if len(text) < 3 and not re.search(r"[这那我咱本此]", text):
            return None
        if words[0].text in self._persons and all(
            word.tag in ("t", "f", "d", "c", "r") for word in words[1:]
        ):
            return None
        if all(word.tag in ("t", "s", "f", "d", "c", "m", "ns", "tg") for word in words):
            return None
        if _HEDGED.search(text):
            return None  # 您有点 | 高血压
        return Topic(text, pause=any(self._is_verb(word) or word.tag in ("ad", "d") for word in words))

    def _phrase(self, words: Sequence[Word]) -> Sequence[Word]:
        """The longest noun phrase at the start, without what trails it."""
        end = 0
        for word in words:
            modifies = word.tag[:1] in "amcu" and word.tag not in ("ul", "ug", "uz")
            if not self.is_nominal(word) and not (
                modifies or word.text in self._nominal or word.text in _INSIDE
            ):
                break
            end += 1
        kept = list(words[:end])
        while kept and not self.is_nominal(kept[-1]) and kept[-1].text != "多":
            kept.pop()
        return kept

    def _is_verb(self, word: Word) -> bool:
        return word.tag[:1] == "v" and word.tag != "vn" and word.text not in self._nominal

    def _open_ended(self, words: Sequence[Word]) -> bool:
        """True when the words end before the object of 让, 保证 … has come."""
        return words[-1].text in self._persons or words[-1].text in self._light

    def has_predicate(self, text: str) -> bool:
        """True when a clause says something: it has a verb or an adjective beside its nouns."""
        words = self.words(text)
        return any(self._is_verb(word) or word.tag[:1] in "ai" or word.tag == "l" for word in words)

    def is_noun_phrase(self, text: str) -> bool:
        """True when a text is one noun phrase, such as what follows an attribute."""
        words = [word for word in self.words(text) if word.text.strip()]
        return bool(words) and len(self._phrase(words)) == len(words)

    def cuts_word(self, before: str, after: str) -> bool:
        """True when a word reaches from one text into the other: 最具投资价值不 | 动产."""
        return any(word.start < len(before) < word.end for word in self.words(before + after))

    def ends_in_name(self, before: str, after: str) -> bool:
        """True when a name of three characters and more reaches from one text into the other: 小儿脑 | 积水."""
        return any(
            word.start < len(before) < word.end >= word.start + 3 for word in self.words(before + after)
        )

    def is_name(self, text: str) -> bool:
        """True when a text is one noun phrase of plain nouns, such as goods are called by."""
        words = [word for word in self.words(text) if word.text.strip()]
        return self.is_noun_phrase(text) and not any(word.tag[:1] in "il" for word in words)

    def name_before(self, left: str) -> str:
        """The nouns right before a finding that belong to the name it begins with: 国家 | 卫健委."""
        words = [word for word in self.words(left) if word.text.strip()]
        start = len(words)
        while (
            start
            and words[start - 1].tag in ("n", "ns", "nt", "nz", "j")
            and words[start - 1].end == (words[start].start if start < len(words) else len(left))
        ):
            start -= 1
        return left[words[start].start :] if start < len(words) else ""

    def starts_nominal(self, text: str) -> bool:
        """True when a text begins with a noun, or an adjective or number before one."""
        words = self.words(text[:12])
        if not words:
            return False
        first = words[0]
        if self.is_nominal(first) and first.tag not in ("r", "zg", "f", "t", "b"):
            return True
        return first.tag[:1] in "ab" and len(words) > 1 and self.is_nominal(words[1])

    def is_short_noun(self, text: str) -> bool:
        """True when a text of few words ends in a noun and has no verb that governs it."""
        words = [word for word in self.words(text) if word.text.strip()]
        if not 0 < len(words) <= 4 or not self.is_nominal(words[-1]):
            return False
        return not any(word.text in self._light or word.tag[:1] in "pcd" for word in words)

    def ends_in_verb(self, text: str) -> bool:
        """True when the last word is a verb that waits for its object."""
        words = self.words(text)
        return bool(words) and (words[-1].tag[:1] in "vp" or words[-1].text in self._light)

    def is_adjective(self, text: str) -> bool:
        """True when a text is one adjective, or begins with one: 便宜, 划算."""
        words = self.words(text)
        return bool(words) and words[0].tag[:1] in "aiz"

    def ends_in_content(self, text: str) -> bool:
        """True when the last word is a noun or a verb that may belong to a longer name: 起重 | 行业."""
        words = self.words(text)
        return bool(words) and words[-1].tag[:1] in "nvabj" and not self.is_light(words[-1])

    def has_verb(self, text: str) -> bool:
        """True when a verb is among the words."""
        return any(self._is_verb(word) for word in self.words(text))

    def can_open(self, text: str) -> str:
        """A clause as it may begin a sentence: without 而且, 还 and the like."""
        for opener in self._openers:
            if text.startswith(opener) and len(text) > len(opener) + 2:
                return text[len(opener) :].lstrip(_DELIMITERS + " ")
        return text

    def is_half(self, text: str) -> bool:
        """True when a clause waits for the next one: 如果…, 不仅…"""
        return text.strip().startswith(self._needs_partner)

    def is_about_people(self, text: str) -> bool:
        """True when a topic names people rather than goods."""
        if text.endswith("人") and not text.endswith("机器人"):
            return True
        return (
            text.endswith(self._people)
            or text.removesuffix("们") in self._persons
            or _KIN.fullmatch(text) is not None
        )

    def named(self, clause: str) -> Topic | None:
        """What a clause names first: 这个虫草粉清肺毒 -> 这个虫草粉; None where it names nothing."""
        opening = _NAMING.match(clause)
        if opening is None:
            return None
        words = [word for word in self.words(clause) if word.text.strip()]
        noun = next((n for n, word in enumerate(words) if word.tag[:1] == "n"), len(words))
        later = enumerate(words[noun + 1 :], noun + 1)
        stop = next((n for n, word in later if word.tag[:1] in "artm" or self._is_verb(word)), len(words))
        head = self._phrase(words[:stop])
        text = clause[: head[-1].end] if head else ""
        if (
            not any(word.tag[:1] == "n" for word in head)
            or not len(opening.group()) < len(text) <= 12
            or clause[len(text) :].startswith("的")
            or (_BARE_SELVES.fullmatch(opening.group()) and not self.is_ware(text))
        ):
            return None
        return self._noun_topic(text, head)

    def is_ware(self, text: str) -> bool:
        """True for what ends like the name of goods or of the seller's own house."""
        return self._wares.search(text) is not None or _OWN.search(text) is not None

    def goods(self, clause: str) -> Topic | None:
        """The goods a clause begins with: 乳胶枕 | 治好颈椎病; None where it begins with something else."""
        longest = None
        words = self.words(clause[:14])
        for number, word in enumerate(words):
            plain = word.tag in ("a", "b", "zg", "ng", "nr", "", "x") or self.is_nominal(word)
            # A name that is in no dictionary falls into single characters: 加|多|宝|凉茶.
            in_name = _NAME_PART.match(word.text) and any(
                _NAME_PART.match(other.text)
                for other in words[max(0, number - 1) : number + 2]
                if other is not word
            )
            if not in_name and (
                not plain or (word.tag[:1] in "rmtv" and word.tag != "vn") or not _HAN.match(word.text)
            ):
                break
            goes_on = longest is not None and len(longest) == word.start and len(word.text) == 1
            if (self._wares.search(word.text) or goes_on) and word.end >= 2:
                longest = clause[: word.end]  # 山药小米 | 糊
        following = self.words(clause[len(longest or "") :][:6])
        if (
            longest is None
            or len(longest) > 10
            or (following and self.is_about_people(following[0].text))  # 基金 | 经理
            or longest.endswith(("补贴", "津贴", "体贴"))
            or clause[len(longest) :].startswith(("的", "里", "中"))
        ):
            return None
        return None if self.is_about_people(longest) else Topic(longest, pause=False)

    def is_goods(self, topic: Topic) -> bool:
        """True for a topic that is the name of goods, not a clause or something else."""
        named = re.match(
            r"[这那本][个款套种碗杯瓶盒包袋罐品店件双辆床把条台支张箱]|(?:我们|咱们?)家?的?(?=.)", topic.text
        )
        return not topic.pause and (named is not None or self._wares.search(topic.text) is not None)

    def opens_verbal(self, text: str) -> bool:
        """True when a text begins with a verb or what leads to one: 能上门, 有自己的工厂."""
        words = self.words(text)
        return bool(words) and (self._is_verb(words[0]) or words[0].text in self._modal)

    def runs_on(self, text: str) -> bool:
        """True when a text cannot follow a noun that 是 has led to: 给别人立规矩的, 出来的."""
        words = self.words(text)
        return bool(words) and (words[0].tag == "p" or words[0].text.startswith("出"))

    def after_address(self, text: str, clauses: Sequence[Span]) -> int:
        """The number of clauses at the start that only greet or address somebody: 您好, 阿姨."""
        for number, clause in enumerate(clauses):
            if not _ADDRESS.fullmatch(text[clause.start : clause.end]):
                return number
        return 0

    def is_address(self, clause: str) -> bool:
        """True when a clause only greets or addresses somebody."""
        return _ADDRESS.fullmatch(clause) is not None

    def is_invitation(self, clause: str) -> bool:
        """True when a clause only asks the customer to come, to order or to join: 今天办卡, 加入我们."""
        return _INVITATION.fullmatch(clause) is not None

    def is_half_inside(self, text: str) -> bool:
        """True when a clause only says on what the next one rests: 我们会根据您的情况, 通过系统学习."""
        words = self.words(text)
        start = next((place for place, word in enumerate(words) if word.text in self._halves), None)
        return start is not None and start <= 4 and not any(self._is_verb(w) for w in words[start + 1 :])

    def scars(self, text: str) -> int:
        """How many scars of a cut a sentence shows: lone particles, a dangling 是, doubled words."""
        return self._scars_of_text(text)

    def _scars(self, text: str) -> int:
        found = len(_BROKEN.findall(text))
        found += sum(text.count(a) != text.count(b) for a, b in ("“”", "《》", "（）", "【】"))
        clauses = self.clauses(text)
        for clause in clauses[1:]:
            words = text[clause.start : clause.end]
            short = len(words) <= 6 or clause is clauses[-1]
            found += short and len(words) >= 3 and self._names_only(words)
        for clause in clauses:
            found += self._scars_of_clause(text[clause.start : clause.end].strip(" 　“”\"'（）()"))
        return found

    def _names_only(self, clause: str) -> bool:
        """True for a noun of which nothing is said: 厂家补贴，您可以…"""
        nouns = all(word.tag[:1] == "n" or word.tag in ("vn", "m", "q") for word in self.words(clause))
        return nouns and not _SLOT.search(clause)

    def _count_in_clause(self, clause: str) -> int:
        found = self._stumbles(clause) + (_PRONOUN.fullmatch(clause) is not None)
        if by := _BY.search(clause):
            found += not any(word.tag[:1] == "v" for word in self.words(clause[by.end() :]))
        found += bool(clause and not _HAN.sub("", clause) and all(letter in _PARTICLES for letter in clause))
        return found

    def _stumbles(self, clause: str) -> int:
        """How often a clause breaks off or runs on: 增加 | 斤, 不错 | 吃的米, 您今天下午."""
        plain = clause.rstrip(_PARTICLES.replace("的", "").replace("得", "") + SENTENCE_ENDS)
        found = int(_NOTHING_SAID.fullmatch(plain) is not None or (plain.endswith("是的") and len(plain) > 3))
        soft = [said for said in _SOFT if said in plain] if "是" in plain else ()
        found += any(
            f"是{scope}{said}" in plain or plain.endswith(f"是{scope}的{said}")
            for said in soft
            for scope in self._scopes
        )
        words = self.words(clause)
        last = len(words) - 1
        while last > 0 and words[last].text in _PARTICLES:
            last -= 1
        if last > 0 and words[last].text in _LEFT_OPEN:
            found += words[last].text != "会" or words[last - 1].tag[:1] in "rd"  # 产品介绍 | 会
        for number, word in enumerate(words[1:], 1):
            earlier = words[number - 1]
            counts = word.text in _MEASURES and number == last
            found += counts and (earlier.tag[:1] in "iad" or earlier.text in _GROWTH or earlier.tag == "ul")
            runs_on = earlier.text in _SOFT and word.tag[:1] in "vtp" and word.tag != "vn"
            found += runs_on and not word.text.startswith(("是", "来自", "在", "吧", "到"))
        return found

    def names(self, text: str) -> list[str]:
        """Names of companies and goods that a change must keep or tell: 招商银行, 华夏稳健一号."""
        out = []
        words = self.words(text)
        for number, word in enumerate(words):
            if word.tag in ("nt", "nz") and len(word.text) > 2:
                out.append(word.text)
            elif _SERIES.fullmatch(word.text):
                first = number
                while first and words[first - 1].tag in ("n", "ns", "nz", "nt", "nr", "a", "b", "vn", "an"):
                    first -= 1
                if first < number:
                    out.append(text[words[first].start : word.end])
        return list(dict.fromkeys(out))

    def is_broken(self, text: str) -> bool:
        """True when a sentence shows a scar."""
        return self.scars(text) > 0


#: A pronoun with no more than a time or 是的: 您今天下午, 这是的.
_NOTHING_SAID = late(
    r"(?:[这那它](?:[个款套台])?|我们?这)是的"
    r"|(?:[你您我他她]们?|咱们?)(?:(?:今|明|后)天|现在|下午|上午|晚上|今晚|这周|本周|周末|这个月|[一二三四五六七八九十0-9]+点|之?前)+"
    r"|(?:外面|里面|外边|那边|别处|别家|别人|同行|市面上?|市场上)(?:的|那些|那种)?"
)
#: What cannot end a clause, as words.
_LEFT_OPEN = frozenset(
    [
        "要",
        "能",
        "会",
        "让",
        "使",
        "把",
        "被",
        "将",
        "给",
        "比",
        "跟",
        "向",
        "往",
        "对于",
        "而且",
        "因为",
        "如果",
        "只要",
        "为了",
        "专门",
    ]
)
_SOFT = ("不错", "合适", "比较好", "专业", "优秀", "比较大", "比较快", "比较强", "出色")
_MEASURES = frozenset("斤个位名户倍次吨盒瓶元块万亿平亩")
_GROWTH = frozenset(
    [
        "增加",
        "提高",
        "提升",
        "增长",
        "减少",
        "降低",
        "下降",
        "增产",
        "净赚",
        "多赚",
        "突破",
        "超过",
        "达到",
        "高达",
    ]
)
#: The number of a series of goods: 华夏稳健 | 一号
_SERIES = late(r"[一二三四五六七八九十0-9]{1,3}号")

#: 这款…, 我们的…: what follows is the name of goods, whatever jieba makes of it.
_DETERMINED = late(
    r"(?:这|那)(?:个|款|套|只|台|支|瓶|栋|份|笔|种|家|次|位|项)(?![是就也都])|(?:我们|咱们)的|本[品店院公]|我们这"
)
#: Sounds at the start that are no part of a name.
_FILLERS = late(r"^(?:(?:呃|嗯|额|哎|诶|啊|哦|那个|就是说?)[，、,\s]*)+")
_HEDGED = late(r"(?:有点儿?|有些|平均|大概|差不多|一般|(?:交|收|给|付|来|拿)个)$")
_BEFORE_IS = late(r"((?:这|那)[个款套只台支瓶栋份种家][^是的，了在就也都]{1,6})(?:就|真)?是")
_PLACES = frozenset({"里", "上", "中", "内", "之中", "里面", "里头", "里边", "当中"})
#: 我妈, 我们家孩子
_KIN = late(
    r"(?:我|你|您|他|她|咱|我们|咱们)家?(?:的)?(?:爸|妈|妈妈|爸爸|奶奶|爷爷|婆婆|儿子|女儿|孩子|老公|老婆|邻居|同事|朋友|亲戚)"
)
#: How a clause begins that names goods, or the seller's own.
_NAMING = late(
    r"(?:我们|咱们?|我)?家?的?[这那][个款套只台支瓶栋份笔种家次位项张批件双辆床把条盒袋包箱]?|(?:我们|咱们?)家?的?|我家的?|本[品店院]"
)
#: 我们 | 村: of what belongs to the seller no more than goods and the house itself is named.
_BARE_SELVES = late(r"我们|咱们?|我")
_OWN = late(
    r"(?:产品|项目|方案|系统|平台|店|公司|团队|机构|工厂|厂|班|服务|套餐|活动|楼盘|小区|盘|基地|品牌|牙|术|疗法)$"
)
_ADDRESS = late(
    r"(?:问|答|客服|坐席|谢谢您?|多谢|再见|喂|哎|诶|嗯|哦|好的?|对|是的|您好|你好|您放心|您看|您别急|不好意思|打扰了)[啊呀呢吧]?"
    r"|(?!.*[那这]位).{0,5}(?:哥|姐|总|先生|女士|阿姨|叔叔?|大[爷妈哥姐叔]|奶奶|爷爷|老板|老师|同学|美女|帅哥|宝宝们|宝子们|姐妹们?|家人们|老铁们|朋友们|各位|亲|宝)"
)
#: 由 and whoever does it, without what is done: 吊坠由国家博物馆
_BY = late(r"(?:^|[^自理缘原任经事])由(?=[^，]{2,10}$)")
_PRONOUN = late(r"[你您我他她它]们?|咱们?|(?:我们?|咱们?)?[这那][边里儿]")
#: What the customer is asked to do, which may stay before a statement.
_INVITATION = late(
    r"(?:欢迎|现在|今天|今日|本周|这周|周末|本月|节日期间|您|只要)*(?:来)?(?:加入|办|充|报|订|下|进|到|入|签|扫|关注)(?:我们|咱们|卡|会员|值|名|购|单|店|会|约|码)+(?:体验|咨询|了解|看看)?"
)
#: A character that may be part of a name: no pronoun, particle, number, or verb of selling and using.
_NAME_PART = late(
    r"[\u4e00-\u9fff]$(?<![的了着过是有在不没把被给让使叫就都也还又再很更最这那哪谁我你您他她它们咱吃喝用买卖送治能会要想可看到上下里和与或对从比一二两三四五六七八九十百千万几每长效杀灭抗除防消减增降补排祛去养护])"
)
_BROKEN = late(
    r"(?:^|[，,。：:；;！!？?、])[的地得了着吗呢](?![确士话解])(?=.?(?:$|[，,。：:；;！!？?、]))"
    r"|(?:^|[，,。：:；;！!？?])[的得](?![到出])"
    r"|(?:[^还就总老要但若而于可只算凡都也倒不]是|和|以及|让|把|被|对于|关于|属于|作为|成为|称为|打造|拥有|具有|采用)(?=$|[，,。；;！!？?])"
    r"|是是|的的|了了|和和|、、|，，|，。|，、|：，|。。|是的是|很很|都都|就就|最最|比较比较|比较更|更比较|非常比较|特别比较|很比较|真比较|太比较"
    r"|(?:能够|让您|让你|给您|帮您|从而|并且|起到|达到|进行|使佩戴者)(?=$|[，,。；;！!？?])"
    r"|一个(?=$|[，,。；;！!？?])|(?:^|[^收查捕斩猎俘抓截])获(?=$|[，,。；;！!？?])|(?:特聘|聘请|荣获)原?(?=$|[，,。；;！!？?])"
    r"|^(?:也|又|还)是|全(?:比较|不错)|比(?:不错|合适)的|(?:^|[，,。；])(?:比|由|从|在|为|与|向)(?=$|[，,。；;！!？?])"
    r"|^(?:对于|针对|关于|随着).*等[。！]?$"
    r"|[0-9一二两三四五六七八九十百千万几多][位名](?=$|[，,。；;！!？?])"
    r"|现在就?是现在|的(?:、|和)|[的了]是(?=$|[，,。])|不错的不错|是效果|是具体|是您可以|是请|能效果|能具体|可以具体|能请|会请"
)


def _is_figure(word: Word) -> bool:
    return word.tag == "m" and bool(re.search(r"[0-9]", word.text))


def _words(tags: Callable[[str], list[tuple[str, str]]], text: str) -> tuple[Word, ...]:
    out: list[Word] = []
    place = 0
    for word, tag in tags(text):
        out.append(Word(word, tag, place, place + len(word)))
        place += len(word)
    return tuple(out)


def sentence_span(text: str, span: Span, limits: Span) -> Span:
    """The sentences that ``span`` touches, without the mark that ends the last one."""
    start, end = span.start, span.end
    while start > limits.start and text[start - 1] not in SENTENCE_ENDS:
        start -= 1
    while end < limits.end and text[end] not in SENTENCE_ENDS:
        end += 1
    return Span(start, end)


def clause_spans(text: str, sentence: Span) -> list[Span]:
    """The clauses of a sentence, delimiters and pictures before them left out; blank ones are dropped.

    A comma inside a figure (10,000) or a clock time is no end.
    """
    inside = text[sentence.start : sentence.end]
    cuts = [(match.start(), match.end()) for match in _CLAUSE_END.finditer(inside)]
    cuts += [(match.start(), match.end()) for match in _SPACE.finditer(inside)]
    out: list[Span] = []
    label = _LABEL.match(inside)
    place = label.end() if label else 0
    for start, end in [*sorted(cuts), (len(inside), len(inside))]:
        if start < place:
            continue
        edge = _PICTURES.match(inside, place, start)
        lead = edge.end() if edge else place
        if inside[lead:start].strip():
            trail = lead + len(inside[lead:start].rstrip())
            out.append(Span(sentence.start + lead, sentence.start + trail))
        place = end
    return out


def facts(text: str) -> list[str]:
    """Figures, dates, amounts, Latin names, conditions and slots, in order."""
    found = [match.group().strip() for match in _FACT.finditer(text)]
    found += [match.group() for match in _CONDITION.finditer(text)]
    return [fact for fact in found if fact]


def dropped_facts(before: str, after: str) -> list[str]:
    """The facts of ``before`` that are not in ``after``, each named once."""
    return list(dict.fromkeys(fact for fact in facts(before) if fact not in after))


def has_slot(text: str) -> bool:
    """True when a person must fill something in."""
    return _SLOT.search(text) is not None


def slots(text: str) -> list[str]:
    """What a person must fill in, in order."""
    return [match.group() for match in _SLOT.finditer(text)]


def only_particles(text: str) -> bool:
    """True when nothing but particles and marks is left."""
    return all(letter in _PARTICLES + " 　~～!！？?。.，,“”\"'" for letter in text)


def joined(topic: Topic, statement: str) -> str:
    """A topic and what is said of it: 这个班，学习效果因人而异."""
    if statement.startswith("我们") and "我们" in topic.text:
        statement = statement.removeprefix("我们")
    if topic.text in statement:
        return statement  # 保险 | 保障范围以保险合同为准
    if topic.text.endswith(statement[:2]) and len(topic.text) > 3:
        return topic.text + statement[2:]  # 这个面膜效果 | 效果因人而异
    return topic.text + ("，" if topic.pause or wants_pause(statement) else "") + statement


def wants_pause(statement: str) -> bool:
    """True when the statement has a subject of its own, so that a comma must part it from a topic."""
    return re.match(r"有|是(?!否)|不|会|提供|在|由|生产(?!厂)", statement) is None
