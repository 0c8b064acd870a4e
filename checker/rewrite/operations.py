"""Drafts of what to say instead of a finding: words for words, a statement for a clause, or less.

A rule names words (``map``, ``words``), a statement (``to``), deletion or a question; entries of
``lexicons/rewrites.yaml`` add what is common to a category. Here they meet the grammar of the
sentence. Every draft is a claim that it reads well; :mod:`checker.rewrite.proof` decides whether it
may be shown and :mod:`checker.rewrite.ranking` which comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from checker.late import late
from checker.lexicon import Lexicon, fits
from checker.normalize import fold, fold_in_place
from checker.rewrite.grammar import (
    Grammar,
    Topic,
    clause_spans,
    dropped_facts,
    has_slot,
    joined,
    only_particles,
    wants_pause,
)
from checker.types import Apply, Finding, Span

_MARKS = "，。！？；、,;：: "
_QUESTION_END = late(r"[?？]")
_SUPERLATIVE = late(
    r"(?:最为|最最|最(?![后近初终多少])|至|顶(?![级流奢尖配]))(?P<quality>[\u4e00-\u9fff]{1,5})"
)
_SUPERLATIVES = late(r"(?:最为|最最|最)(?P<quality>[^最、和与及又\s的]{1,3})[、和与及又\s]*")
#: Superlatives in a row, with or without marks between: 最快最好最便宜, 最大、最专业的
_CHAIN = late(
    r"(?:(?:最为|最最|最)[^最、，,和与又且的了是呢吧啊啦\s]{1,3}[、，,和与又且而\s]{0,2}){1,4}(?:最为|最最|最)(?P<last>[\u4e00-\u9fff]{1,3})"
)
_IN_CHAIN = late(r"(?:最为|最最|最)(?P<quality>[^最、，,和与又且的了是呢吧啊啦\s]{1,3})")
#: 没有比我们更便宜的, 难道还有比这更划算的吗: who, and the quality of which nobody has more
_COMPARED = late(
    r"比(?P<who>(?:我们家?|咱们?家?|本店|这[个款家套]?|它)(?:[^，,：；更还再的]{0,8}(?=更|还要?|再))?)(?P<more>更|还要?|再)?(?P<quality>[^，,：；的了吗呢啦]{1,4})"
)
#: A claim of rank no longer than this, in a clause of its own, adds nothing to the clause before it.
_ASIDE = 6
#: What may be said of the thing that is measured, not of who sells it.
_MEASURES_OF = frozenset("高低长短多少重深厚快慢")
_COUNTS = late(r"[0-9零一二两三四五六七八九十百千万半几]$")
#: In which respect something is more or less.
_MEASURED_BY = late(
    r"品质|质量|水平|水准|价格|规格|配置|标准|效率|容量|浓度|纯度|含量|人气|海拔|纬度|密度|强度|精度|硬度|亮度|转速|得房率"
)
#: Who can be called 资深.
_EXPERIENCED = late(
    r"[^，、。了是]{0,5}?(?:师|家|人|员|医生|教练|顾问|团队|律师|院长|人士|玩家|买手|达人|编辑|记者|从业者)"
)
#: What a title is won with: 拿下 | 销冠
_WON = late(r"(?:拿下|拿到|获得|荣获|斩获|问鼎|夺得|夺下|登顶|成为|稳坐|稳居|蝉联|摘得|摘下)了?$")
#: What is chosen for an honour is not called by another name.
_CHOSEN = late(r"(?:入选|获评|荣登|跻身|荣获|评为|选为)[^，]{0,6}$")
#: Words before a 的 that say whose something is may be no longer.
_LONGEST_ATTRIBUTE = 8
#: Whose praise is an endorsement, however many they are.
_AUTHORITIES = late(r"[^，]{0,4}(?:医|大夫|护士|专家|教授|院士|博士|明星|老师)")
#: A counted noun after an attribute that has lost its 的: 最高 | 一套
_MEASURED = late(r"(?:[一这那几两]|第[一二三四五六七八九十]+)[套款个家台条种间批位支]")
_VOW = late(r"百分之?百|百分之一百|100 ?%")
#: The same right before a superlative: 100% | 最纯
_VOW_BEFORE = late(r"(?:百分之?百|百分之一百|100 ?[%％])的?$")
_WIDE_ASPECT = late(
    r"在?(?:全[港省市城区县网国球]|整个[\u4e00-\u9fff]{1,5}?|市面上|业内|行业内?|国内|全行业|目前)(?P<aspect>性价比|价格|品质|质量|口碑|服务|采光|保值率|户型)$"
)
_SURE = late(r"绝对|肯定|一定|必定|铁定|保证|百分之?百|100 ?%|完全")
_WHOLE = late(
    r"(?:(?<=是)[a-z]{2,10}|(?<=是)全[\u4e00-\u9fff]{2,3}|全[港省市城区县网国球村镇校行业]+|整个[\u4e00-\u9fff]{1,6}?(?=最|第|性价比|$))(?:的|上|里|内|中)?$"
)
_FIRST = late(
    r"第[一1①１]|榜首|冠军|销冠|连冠|之[最冠首王]|天花板|首位|头名|[Tt][Oo][Pp]\.? ?1|[Nn][Oo]\.? ?1|领先|领跑"
)
_NUMBER = r"(?:[0-9][0-9.,]*|[零一二两三四五六七八九十百千万亿半数几]+)"
_DIGITS = "[0-9零一二两三四五六七八九十百千万亿半][0-9零一二两三四五六七八九十百千万亿半.,]*"
#: What comes to a figure: 缩短四十分钟, 瘦二十斤
_FIGURE_AFTER = late(
    rf"(?:缩短|减少?|降低?|瘦|涨|升|提高?|增加?|长|赚|省|多)了?(?:将近|超过?|至少)*{_DIGITS}"
)
_AMOUNT = late(rf"[¥￥][0-9][0-9.,]*|{_DIGITS}[多来]?(?:元|块钱|块[一二三四五六七八九半]?|万元)")
_NOW = late(
    rf"(?:现价|现在|今天|今日|只要|只需|仅需|仅(?!限)|只收|促销价|会员价|活动价|到手价?|特价|优惠价|秒杀价)[^0-9¥￥，,。]{{0,6}}?(?P<amount>{_AMOUNT.pattern}|{_DIGITS})"
)
#: What an amount beside these words is, no price: 直降八千, 买三送三.
_NO_PRICE = late(r"直?降|立?减|省|返|抵扣?|买[一二两三四五六七八九2-9]|便宜|亏|倒贴|赔")
_COUNT = late(
    rf"(?:[0-9]+[-~至到])?(?:已经?|累计|总共|一共|超过|高达|多达|达到|达|将近|近|约|上|每年|至少)*{_NUMBER}[多余来几+＋]*(?:[十百千万亿]+[多余来几+＋]*)?"
    r"(?P<unit>名|位|个|家(?![庭长])|户|人次|人|例|单|组|批|台|间|套|款|项|座|所|对)?"
)
#: 十个宝妈九个夸, 每百位学员有九十九位续费: of whom, and what so many of them do
_OUT_OF = late(
    rf"(?:每|平均)?{_NUMBER}[个位名户家](?P<who>(?:(?!的)[\u4e00-\u9fff]){{1,5}}?)(?:里面?|当中|中)?，?(?:就?有)?{_NUMBER}[个位名户家](?=[\u4e00-\u9fff]{{1,8}})"
)
#: 已热销300万套, 劲销三十亿
_SOLD = late(
    rf"(?:热销|劲销|狂销|畅销|售出|卖出|销出|售罄|卖了)了?(?:超过?|突破|高达|近|约)*{_NUMBER}[多余来几+＋]*[万亿]*[\u4e00-\u9fff]{{0,2}}$"
)
#: Places that are counted before those who are: 全球两百个国家的 | 三千万企业
_REGIONS = late(
    rf"(?:(?:全[球国]|世界|国内)(?:的|各地)?)?{_NUMBER}[多余]?个(?:国家|省份?|城市|地区)(?:和地区)?的?"
)
#: 我们是唯一一家能上门的: who, and what nobody else is said to be or to do
_ONLY_ONE = late(
    r"(?P<who>[^，]{0,8}?)(?P<is>是|作为)?(?P<only>唯一|独一|仅有|独此)(?:的)?(?:一[家个款套台种所支])?(?P<rest>[^，]{3,}?)$"
)
#: Goods of which it is said that they have been certified: that says something by itself.
_CERTIFIED = late(
    r"(?:认证|专利|备案|注册|持证|合格|检测合格)(?:产品|商品|技术|机构|单位|企业|品牌|药品|器械)"
)
#: Superlatives of an aspect that leads to the goods: 最好最优 | 品质 | 荔枝干
_ASPECT_FIRST = late(r"(?:品质|质量|口感|味道|性能|品相)(?!的|是|和|、|，|$)")
#: What follows these is a prize, or what something is said to be, and no topic: 就能领 | 手机
_NO_TOPIC_FOLLOWS = ("是", "领", "送", "拿", "得", "抽", "赢", "换")
#: What stands before these says who praises, not what is praised
_PRAISED_BY = late(r"(?:也|都|正在?|在|一直)*(?:推荐|力荐|推崇|认证|指定|背书|点名)")
#: A topic that is eaten or drunk here, not named: 每日多饮 | 椰汁
_CONSUMED = late(r"(?:每[天日晚早餐次]|天天|早晚|常|多|睡前|饭[前后]|坚持)*[饮喝吃服用](?![品料具户])")
#: A place that somebody is the only one in
_AREA = late(
    r"(?:[\u4e00-\u9fff]*(?:地区|区域|市场|[省市县镇]|全国|国内|当地|本地|本市|本省|周边|范围内)|[华东南西北]{2}|本[届次场].*)$"
)
#: A promise before what is promised: 包 | 涨粉
_PROMISED = late(
    r"(?:我们)?(?:敢)?(?:包|保证|确保|承诺|保准|一定|肯定|绝对|必定|保)(?:能|会|可以|给您|帮您|让您|您)*(?![赚盈涨治好瘦过][^粉]?$)"
)
#: What nature made: 纯天然 | 原料
_NATURE = late(r"(?:100%|百分之?百)?(?:纯天然|全天然|天然|纯植物|纯草本)的?(?=[\u4e00-\u9fff]{2})")
#: How goods are made: 109道 | 工艺
_STEPS = late(
    rf"{_NUMBER}[多余几]?(?P<unit>[道项])(?:传统|古法|严格|精细|严苛)?(?=工艺|工序|检验|质检|检测|流程)"
)
#: What is said to cost nothing: 免费 | 升级5G套餐
_FREE = late(r"(?:全部|全场|统统)?(?:免费|[0零]元|白送|不花钱|不要钱)(?:给您|为您)?")
_FEE = late(r"[元块费付价钱租]")
#: Nouns that a seller is called by.
_SELLER = late(
    r"(?:品牌|公司|企业|平台|机构|连锁|专卖店|门店|服务商|厂家?|团队|中心|医院|诊所|酒店|空间|学校)$"
)
#: What a seller may give for a time: 终身 | 质保
_LASTING = late(r"(?P<care>质保|保修|包修|维护|售后)|免费|护理|享受|使用|清洗|换新|复购|升级")
_OTHERS = late(r"他们?(?![人家方地])|她们?|人家|其(?![他它实余中次])")
_CHANGE = late(
    rf"(?P<verb>提升|提高|增加|增长|降低|减少|下降|缩短|节省|改善)了?(?:了|到|至|高达|达|超过|将近|近|约)*(?:百分之{_NUMBER}|{_NUMBER}(?:%|％|倍|成|个点|个百分点)?)以?上?"
)
_SHARE = late(
    rf"(?:有|超过|超|近|将近|高达|多达|达|约)*(?:百分之{_NUMBER}|{_NUMBER}[%％]|[一二三四五六七八九]成[一二三四五六七八九多半]?|绝大多数|绝大部分|几乎所有|九成九|十有八九)(?:以上|左右|多)?的?"
)
#: Slots that name a paper: with the brackets gone the words still say what they should.
_PAPER = late(
    r"【([^】、]*(?:报告|合同|说明书|文件|条款|页面|资料|产品资料|条款号|规则|披露文件|公告|标签))】"
)
#: 全镇就我们家…, 市面上只有这款…
_ONLY_US = late(
    r"(?:[^，。]{0,8}?)(?:就(?:只有)?|只有|唯有|也就|仅有?)(?P<who>我们[家店公司这里儿边]{0,2}|咱们?家?|本店|这[款家台瓶])(?:一家|才|还)?(?P<rest>(?:是|有|能|可以|会做|做|用|提供|卖).+)"
)
_QUOTED = late(r"‘[^’]{2,20}’|“[^”]{2,20}”|「[^」]{2,20}」|《[^》]{2,20}》|\"[^\"]{2,20}\"")
#: 论理赔速度，我们公司常年排行业榜首
_AS_FOR = late(
    r"(?:论|要说|说到|讲到|比)(?P<of>[^，]{0,6}?)(?:速度|销量|口碑|质量|品质|服务|实力|规模|人气|工艺|手艺|技术|效果|味道|口感|环境)，(?P<who>(?:我们|咱们?|本)[家店公司院]{0,2})"
)
#: What a colon and figures after a clause add to it: 库存倒计时:00:04:12
_CLOCK = late(r"[:：][0-9][0-9:：.]*(?=$|[，,。！？!? ])")
#: Nouns of which 比较低 says that they are cheap or small.
_LOW = late(r"[价费息率利本付耗糖脂卡]|门槛|噪音?|折扣|首付|租金|成本")
_COUNTER = late(r"[这那][个款套只台支瓶栋份种家次盒包]")
#: A word begun twice: 全、全港最好
_STUTTER = late(r"([\u4e00-\u9fff])、\1")
_POSSESSIVE = late(r"(?:我们|咱们?|本店|您)家?的$")
#: The seller's own side, of which nothing is said about goods.
_OWN_HOUSE = late(r"(?:我们|咱们?|[我本])(?:家|店|院|司|公司|团队|平台|机构|这边|这儿|这里|加盟商|老师)?")
#: Statements of what goods are, which can be said of goods only.
_WHAT_IT_IS = ("是日常", "是饮料")
#: Categories of what may not be said at all: what follows the words that were found goes with them.
_SAID_AT_ALL = frozenset({"privacy", "nuisance", "morality", "pressure", "impersonation"})
#: The chance of a statement that says the price: it goes before one that is sure to be right.
_PRICED = 2.5
_PARTICLES_AT_END = "了呢吧啊呀哦嘛~～！!。"
_ONLY_SLOT = late(r"【[^】]+】")


@dataclass(frozen=True, slots=True)
class Draft:
    """A suggestion before its proof. ``added`` is what it puts in, without the words it keeps."""

    span: Span
    text: str
    kind: str
    order: int
    added: str = ""
    apply: Apply = Apply.SUGGEST
    note: str = ""
    #: The probability that its statement answers the sentence, None where none is known for it.
    chance: float | None = None
    #: How sure it is what stays of the sentence (mean log-odds), and the model's probability of a claim in what is left.
    odds: float = 0.0
    doubt: float = 0.0
    #: Said by the rule that found the words, rather than by what was learned.
    named: bool = False
    #: Said of what the model found, where no rule has words of its own.
    learned: bool = False
    #: Characters of the sentence that stay, and how many names and slots of it do not.
    stays: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of the rule behind a finding; for the learned model no more than the category."""

    id: str
    category: str
    rewrites: tuple[Mapping[str, Any], ...] = ()
    industries: frozenset[str] = frozenset()


def subject_of(lexicon: Lexicon, finding: Finding) -> Subject | None:
    """The subject of a finding; None for remarks that are about no words (suppressions)."""
    rule = lexicon.rule_by_id.get(finding.rule_id)
    if rule is not None:
        return Subject(rule.id, rule.category, rule.rewrites, rule.industries)
    if finding.category in lexicon.rewriting["questions"]:
        return Subject(finding.rule_id, finding.category)
    return None


#: Where a shared statement stands against the words of the rule itself and against deletion.
_FIRST_PLACE, _INDUSTRY_PLACE, _USUAL_PLACE, _LAST_PLACE = range(4)


class _Shared(NamedTuple):
    """A statement for many rules, the patterns that the clause and the sentence must hold (or ``""``), and its place."""

    text: str
    when: str
    place: int
    beside: bool = False
    about: str = ""


class Case:
    """One finding in its sentence, with the questions that all operations ask."""

    def __init__(
        self,
        finding: Finding,
        text: str,
        sentence: Span,
        grammar: Grammar,
        industry: str | None,
        others: Sequence[Span] = (),
        *,
        goods: bool = False,
    ) -> None:
        self.given = finding
        #: Whether the trade sells things one can call 这款.
        self.goods = goods
        self.finding = _trimmed(finding, text)
        self.text = text
        self.sentence = sentence
        self.grammar = grammar
        self.industry = industry
        self.others = others

    def inside(self, start: int, end: int) -> Case:
        """The same case with other words of the sentence as its finding."""
        span = Span(start, end)
        words = replace(self.finding, span=span, matched=self.text[start:end])
        explained = replace(words.explanation, read_as="")
        return Case(
            replace(words, explanation=explained),
            self.text,
            self.sentence,
            self.grammar,
            self.industry,
            self.others,
            goods=self.goods,
        )

    @cached_property
    def clauses(self) -> list[Span]:
        """The clauses of the sentence."""
        return clause_spans(self.text, self.sentence)

    @cached_property
    def touched(self) -> tuple[int, int]:
        """Numbers of the first and last clause the finding touches."""
        span = self.finding.span
        hit = [
            n for n, clause in enumerate(self.clauses) if clause.start < span.end and span.start < clause.end
        ]
        return (hit[0], hit[-1]) if hit else (0, len(self.clauses) - 1)

    @cached_property
    def clause(self) -> Span:
        """From the first to the last clause the finding touches."""
        first, last = self.touched
        span = self.finding.span
        return Span(min(self.clauses[first].start, span.start), max(self.clauses[last].end, span.end))

    @cached_property
    def clause_read(self) -> str:
        """The clause as it was read."""
        return fold(self.text[self.clause.start : self.clause.end])

    @cached_property
    def sentence_read(self) -> str:
        """The sentence as it was read."""
        return fold(self.text[self.sentence.start : self.sentence.end])

    @cached_property
    def left(self) -> str:
        """The clause before the finding."""
        return self.text[self.clause.start : self.finding.span.start]

    @cached_property
    def right(self) -> str:
        """The clause after the finding."""
        return self.text[self.finding.span.end : self.clause.end]

    @cached_property
    def words(self) -> str:
        """The matched words as they were read."""
        return self.finding.explanation.read_as or fold(self.finding.matched)

    @cached_property
    def topic(self) -> Topic | None:
        """What the claim is said of."""
        span = self.finding.span
        if self.left and self.grammar.ends_in_name(self.left, self.finding.matched):
            return None  # 小儿脑 | 积水
        if self.left.rstrip().endswith("、"):
            return None  # 黑眼圈、| 眼袋、细纹: what stands before is an item like the claim
        flagged = any(other.start < span.start and self.clause.start < other.end for other in self.others)
        left = self.left
        apart = _COUNTS.search(self.finding.matched) or self.finding.matched.endswith(_NO_TOPIC_FOLLOWS)
        if not flagged and len(left) <= 5 and not apart and (ware := self.grammar.goods(self.right)):
            if not left or not self.grammar.has_verb(left):
                return Topic(left.strip() + ware.text, pause=False)  # 去角质 | 排毒 | 面膜
        if flagged:
            starts = [o.start for o in self.others if self.clause.start <= o.start < span.start]
            left = self.text[self.clause.start : min(starts)] if starts else ""
        topic = self.grammar.topic(left)
        if topic is not None and _PRAISED_BY.match(self.clause_read, len(topic.text)):
            return None  # 支付宝 | 都在推荐的
        if topic is None and len(self.left) <= 1 and not only_particles(self.right):
            clean = not any(span.end <= other.start < self.clause.end for other in self.others)
            one = not re.search(r"[，,：:]", self.finding.matched)
            matched = self.finding.matched
            verb = self.grammar.ends_in_verb(matched) and not matched.endswith(_NO_TOPIC_FOLLOWS)
            if clean and one and verb and len(self.right) >= 3:
                if self.grammar.is_name(self.right) and not re.match(r"[0-9市地您你我咱]", self.right):
                    return Topic(self.right.rstrip("的了"), pause=False)
        if topic is not None and _COUNTER.fullmatch(topic.text) and self.grammar.starts_nominal(self.right):
            return None  # 这瓶 | 防脱 | 洗发水
        if topic is None and not self.left and self.is_attribute and self.goods:
            noun = self.right.removeprefix("的").rstrip("了")  # 央视推荐的 | 破壁机
            if (
                self.grammar.starts_nominal(noun)
                and not _SHARE.search(noun)
                and len(noun) <= 8
                and self.grammar.is_short_noun(noun)
                and not self.grammar.is_about_people(noun)
            ):
                return Topic("这款" + noun, pause=False)
        if topic is None and not flagged and not self.left.strip():
            return self.grammar.goods(self.text[self.clause.start : self.clause.end])
        return topic

    @cached_property
    def is_attribute(self) -> bool:
        """True when the finding modifies a noun that follows it with 的."""
        matched, right = self.finding.matched, self.right
        if _POSSESSIVE.search(matched + right[:1]):
            return False  # 一百万家庭选择了我们的 | 英语课
        if right.startswith("的"):
            noun = right[1:]
            return self.grammar.starts_nominal(noun) or self.grammar.is_short_noun(noun)
        return matched.endswith("的") and self.grammar.starts_nominal(right)


class Drafter:
    """Drafts for a finding, from its rule and from ``lexicons/rewrites.yaml``."""

    def __init__(self, lexicon: Lexicon, grammar: Grammar) -> None:
        self._lexicon = lexicon
        self.grammar = grammar
        data = lexicon.rewriting
        self._softer: Mapping[str, str] = data["softer"]
        self._ranked: Mapping[str, str] = data["ranked"]
        self._predicates: Mapping[str, str] = data["predicates"]
        self._goods = frozenset(data["goods"])
        self._helpers = frozenset(data["helpers"])
        self._idle = frozenset(data["idle"])
        self._scopes = sorted(data["scopes"], key=len, reverse=True)
        # Marks between the letters are a disguise: 全·国·第·一
        spread = "|".join(r"\W{0,2}".join(scope) for scope in self._scopes)
        self._scope_end = re.compile(
            rf"(?:(?:目前|现在|当今|放眼)?在?(?:全|整个)?(?:{spread})(?:的|上|里|内|中)?(?:综合)?(?:排[名行]|位[居列]|稳居)?"
            r"|(?:综合)?(?:排[名行]|位[居列]|稳居))\W{0,2}$"
        )
        self._ills = re.compile(rf"(?:{data['ills']})$")
        self._strangers = re.compile(data["strangers"])
        self._counted = re.compile(rf"的?[老新]?(?:{data['counted']})")
        self._plain_words = frozenset((*data["softer"].values(), *data["predicates"]))
        #: Words of rank and the plain ones for them, of all rules that list both.
        self._plain_ranks: dict[str, str] = {}
        for rule in lexicon.rules:
            if rule.category == "absolute":
                for option in rule.rewrites:
                    for word, plain in option["map"].items():
                        if "最" not in word and not has_slot(plain):
                            self._plain_ranks.setdefault(word, plain)
        self._questions: Mapping[str, str] = data["questions"]
        self._asked_to_drop: str = data["drop"]
        self._statements: Sequence[Mapping[str, Any]] = data["statements"]
        self._collocations: Sequence[Mapping[str, str]] = data["collocations"]
        self._trades = [
            (late(entry["words"]), frozenset(entry["industries"]), entry["or"] and late(entry["or"]))
            for entry in data["trades"]
        ]
        opens: dict[str, list[str]] = {}
        for entry in data["consequences"]:
            for category in entry["categories"]:
                opens.setdefault(category, []).append(entry["opens"])
        self._consequences = {key: late("|".join(some)) for key, some in opens.items()}
        self._shared: dict[tuple[str, str | None], tuple[_Shared, ...]] = {}

    def sells_goods(self, industry: str | None) -> bool:
        """True for industries that sell things one can call 这款."""
        return industry in self._goods

    def shared(self, rule: Subject, industry: str | None) -> tuple[_Shared, ...]:
        """The statements of ``rewrites.yaml`` for a rule: those that name it before those of its category."""
        key = (rule.id, industry)
        if key not in self._shared:
            found: dict[tuple[str, str], _Shared] = {}
            general: list[_Shared] = []
            for entry in self._statements:
                covers = entry["covers"]
                named = any(fits(rule.id, pattern) for pattern in covers.get("rules", ()))
                if not named and rule.category not in covers.get("categories", ()):
                    continue
                if "industries" in entry and industry not in entry["industries"]:
                    continue
                is_narrow = "when" in entry or "about" in entry
                place = _FIRST_PLACE if entry.get("first", is_narrow) else _USUAL_PLACE
                lifted = "industries" in entry and entry.get("first") is None and not rule.industries
                if place == _USUAL_PLACE and lifted:
                    place = _INDUSTRY_PLACE
                if entry.get("last"):
                    place = _LAST_PLACE
                for text in entry["to"]:
                    asked = entry.get("when", ""), entry.get("about", "")
                    item = _Shared(text, asked[0], place, entry.get("beside", False), asked[1])
                    if named:
                        found.setdefault((text, item.when), item)
                    else:
                        general.append(item)
            for item in general:
                found.setdefault((item.text, item.when), item)
            self._shared[key] = tuple(found.values())
        return self._shared[key]

    def asked(self, finding: Finding) -> str:
        """The question about a finding."""
        rule = subject_of(self._lexicon, finding)
        return self.question(rule) if rule else ""

    def question(self, rule: Subject) -> str:
        """What to ask a person when no wording is compliant."""
        asked = next((option["ask"] for option in rule.rewrites if option["ask"]), None)
        return str(asked or self._questions[rule.category])

    @property
    def asked_instead(self) -> str:
        """What to ask where nothing said may stay, because what is sold may not be."""
        return str(self._questions["prohibited"])

    @property
    def asked_to_drop(self) -> str:
        """What to ask where nothing lawful can be said instead."""
        return self._asked_to_drop

    def drafts(self, case: Case) -> list[Draft]:
        """Every draft for a finding, in the order of preference of the data."""
        rule = subject_of(self._lexicon, case.finding)
        if rule is None:
            return []
        span = case.finding.span
        if span.start == span.end:
            return list(self._inserted(case, rule))
        out: list[Draft] = []
        order = 0
        for option in rule.rewrites:
            out += self._option(case, rule, option, order)
            order += 1
        if rule.id.endswith("/model"):
            out += self._instead(case, rule, order)
        else:
            out += self._general(case, rule, order)
        given, asked = case.given, self.question(rule)
        out.append(Draft(given.span, given.matched, "question", 90, "", Apply.MANUAL, asked))
        seen: set[tuple[Span, str]] = set()
        kept = []
        quoted = _quoted(case)
        for draft in out:
            key = (draft.span, draft.text)
            if not self._fits_trade(draft, case):
                continue
            if draft.kind in ("attribute", "delete") and (
                self._is_bare(case, draft) or self._cuts(case, draft)
            ):
                continue
            if (
                quoted
                and draft.kind != "question"
                and quoted.start < draft.span.end
                and draft.span.start < quoted.end
            ):
                if not (draft.span.start < quoted.start and quoted.end < draft.span.end):
                    continue  # a part of a name in quotation marks
            if key not in seen:
                seen.add(key)
                kept.append(draft)
                if rule.category in ("absolute", "endorsement") and draft.kind in ("words", "attribute"):
                    kept += self._framed(case, draft)
        return kept

    def _fits_trade(self, draft: Draft, case: Case) -> bool:
        """True when what a draft says belongs to the trade, or to what the sentence speaks of."""
        if case.industry is None:
            return True
        said, sentence = draft.added or draft.text, case.sentence_read
        return all(
            case.industry in industries or bool(speaks and speaks.search(sentence))
            for words, industries, speaks in self._trades
            if words.search(said) and not words.search(sentence)
        )

    def _is_bare(self, case: Case, draft: Draft) -> bool:
        """True when a deletion leaves a short name and nothing said of it: 证监会认可的 | 投顾软件."""
        start, end = case.clause
        if draft.span.start < start or draft.span.end > end or draft.span == case.clause:
            return False  # with its clause
        rest = case.text[start : draft.span.start] + draft.text + case.text[draft.span.end : end]
        return len(rest) <= 6 and not re.search("[的，、]", rest) and not self.grammar.has_predicate(rest)

    def _cuts(self, case: Case, draft: Draft) -> bool:
        """True when a deletion ends within a word: 某位主任给自己一 | 家五口."""
        start, end = case.clause
        cut = draft.span.end
        inside = cut == case.finding.span.end and start < cut < end
        return inside and self.grammar.cuts_word(case.text[start:cut], case.text[cut:end])

    def _framed(self, case: Case, draft: Draft) -> Iterator[Draft]:
        """A bare name of the seller as a person says it: 比较大的美容连锁 -> 我们是比较大的美容连锁."""
        start, end = case.clause
        text = case.text
        if start != case.sentence.start or not start <= draft.span.start or not draft.span.end <= end:
            return
        said = text[start : draft.span.start] + draft.text + text[draft.span.end : end]
        if re.match(r"我|咱|[这那本您你]", said) or re.search(r"是|，|有$", said) or has_slot(said):
            return
        if _SELLER.search(said):
            order = draft.order - (draft.kind == "attribute")
            yield Draft(Span(start, end), f"我们是{said}", "words", order, said)

    # --- what the rule says -----------------------------------------------------------------------

    def _inserted(self, case: Case, rule: Subject) -> Iterator[Draft]:
        for order, option in enumerate(rule.rewrites):
            if option["insert"] is not None:
                apply = Apply(option["apply"] or "suggest")
                before = case.text[: case.finding.span.start].rstrip(" ")
                mark = "" if not before or before[-1] in "。！？!?；;，,：:\n" else "。"
                yield Draft(
                    case.finding.span, mark + option["insert"], "insert", order, option["insert"], apply
                )
            elif option["ask"]:
                yield Draft(case.finding.span, "", "question", order, "", Apply.MANUAL, option["ask"])

    def _option(self, case: Case, rule: Subject, option: Mapping[str, Any], order: int) -> Iterator[Draft]:
        ask, wanted = option["ask"] or "", option["apply"]
        if option["map"] or option["words"]:
            words = option["map"].get(case.words, option["words"])
            if words is not None and not _ONLY_SLOT.fullmatch(words):
                apply = Apply(wanted or ("manual" if ask and has_slot(words) else "suggest"))
                made = self._words(case, words.replace("{matched}", case.finding.matched), order)
                yield from (
                    replace(draft, apply=apply, note=ask if has_slot(words) else "") for draft in made
                )
        elif option["delete"] and rule.category != "prohibited":
            yield from self._deleted(case, order)
        if option["to"] is not None and not option["to"].startswith("根据【"):
            texts = [] if rule.id.endswith("/model") else _complete(option["to"])
            for text in texts:
                whole = option["scope"] == "turn" or (rule.category == "prohibited" and case.topic is None)
                yield from self._statement(case, text, order, whole=whole)
            if has_slot(option["to"]) and ask:
                if not _ONLY_SLOT.fullmatch(option["to"]):  # the question alone says as much
                    for draft in self._statement(case, option["to"], order + 60):
                        yield replace(draft, apply=Apply.MANUAL, note=ask)
            elif has_slot(option["to"]) and "【" not in option["to"]:
                for draft in self._statement(case, option["to"], order, whole=option["scope"] == "turn"):
                    yield replace(draft, note="请填写公司、姓名等真实信息")
            elif has_slot(option["to"]):
                for draft in self._statement(case, option["to"], order + 40, whole=option["scope"] == "turn"):
                    yield replace(draft, apply=Apply.MANUAL, note="请填写公司、姓名等真实信息")

    # --- what holds for every rule ------------------------------------------------------------------

    def _general(self, case: Case, rule: Subject, order: int) -> Iterator[Draft]:
        span = case.finding.span
        if rule.category == "absolute":
            own = any(case.words in option["map"] for option in rule.rewrites)
            yield from self._ranked_aspect(case, order, own=own)
            yield from self._chained(case, order)
            yield from self._compared(case)
            yield from self._only_us(case)
            yield from self._only_one(case)
            yield from self._softened(case, order + 1)
            aside = len(case.finding.matched) <= _ASIDE and case.clause == span and "价" not in case.words
            if case.touched[0] and aside:
                before = case.clauses[case.touched[0] - 1].end  # …，| 没有之一
                yield Draft(Span(before, span.end), "", "words", -2)
            scope = self._before_scope(case.clause.start, case.left)
            said = case.text[case.clause.start : scope] if scope is not None else case.left
            if _FIRST.search(case.finding.matched) and said.endswith("是") and only_particles(case.right):
                yield from self._words(case, "不错", order + 1)
            if re.fullmatch(r"永久|终[身生]|一辈子", case.words) and (kept := _LASTING.match(case.right)):
                said = "有" if kept["care"] and case.left else ""
                yield Draft(case.finding.span, said, "words", -1, said)
            if case.words in self._idle:
                yield from self._without_attribute(case, -1)
            only = re.match(r"(?:唯一|独家)的?(?=..)", case.finding.matched)
            if only and case.words not in self._idle:
                rest = case.finding.matched[only.end() :]
                yield Draft(case.finding.span, rest, "words", -1, rest)
        if rule.category == "disparagement":
            yield from self._only_us(case)
        if rule.category == "price":
            yield from self._at_a_price(case)
            yield from self._superlative_inside(case, -2)
        if rule.category == "guarantee" and case.industry in self._helpers:
            yield from self._tried(case)
        if rule.category in ("unsupported-data", "endorsement"):
            yield from self._vague(case, order)
            yield from self._ranked_aspect(case, -2 if case.is_attribute else order + 4)
        clause, sentence = case.clause_read, case.sentence_read
        first, _ = case.touched
        places = {_FIRST_PLACE: -1, _INDUSTRY_PLACE: 0, _USUAL_PLACE: order + 3, _LAST_PLACE: order + 20}
        for shared in self.shared(rule, case.industry):
            if re.search(shared.when, clause) and re.search(shared.about, sentence):
                alone = case.topic is None and case.clause == case.sentence
                if rule.category == "impersonation":
                    yield from self._instead_of(case, shared, places[shared.place] - 2, slice(first, None))
                if not (shared.beside and alone):
                    opening = min(first, self.grammar.after_address(case.text, case.clauses))
                    if opening < first:
                        yield from self._instead_of(
                            case, shared, places[shared.place] + 30, slice(opening, None)
                        )
                    whole = rule.category == "nuisance"
                    yield from self._statement(case, shared.text, places[shared.place], whole=whole)
                places[shared.place] += 1
        if nature := _NATURE.match(case.finding.matched):
            noun = case.finding.matched[nature.end() :] + case.right
            plain = case.finding.matched[nature.end() :]
            bare = case.clause == span and len(plain) <= 2
            if rule.category == "exaggeration" and not bare and self.grammar.starts_nominal(noun):
                yield Draft(span, plain, "words", -2, plain)
        if rule.category in ("guarantee", "exaggeration") and _VOW.search(case.finding.matched):
            rest = _VOW.sub("", case.finding.matched)
            if re.match(r"在售|有产权|正品|真实|原装|现货|纯|棉|真皮|实木", rest):
                yield Draft(span, rest, "words", -1, rest)
        if rule.category == "prohibited":
            return  # without its name the thing is offered all the same
        yield from self._without_item(case, -1 if rule.category != "absolute" else order + 2)
        yield from self._without_attribute(case, order + 2)
        if rule.category not in ("disclosure", "impersonation", "privacy"):
            yield from self._without_clause(case, order + 8)
        if rule.category == "unsupported-data" or re.search(
            r"第[一1]|榜首|冠|首位|领先", case.finding.matched
        ):
            yield from self._attributed(case, rule)

    def _superlative_inside(self, case: Case, order: int) -> Iterator[Draft]:
        """The superlative that is among the words the model found, in softer words."""
        found = _SUPERLATIVE.search(case.finding.matched)
        if found is None:
            return
        quality, _ = self._plain(found["quality"])
        start = case.finding.span.start + found.start()
        end = start + found.start("quality") - found.start() + len(quality)
        yield from self._softened(case.inside(start, end), order)

    def _rank_inside(self, case: Case, order: int) -> Iterator[Draft]:
        """A word of rank among the words the model found, in a plain word or left out."""
        matched = case.finding.matched
        for word in sorted({*self._plain_ranks, *self._idle}, key=len, reverse=True):
            place = matched.find(word)
            if place < 0:
                continue
            start = case.finding.span.start + place
            inner = case.inside(start, start + len(word))
            if word in self._idle:
                yield from self._without_attribute(inner, order)
            else:
                yield from self._words(inner, self._plain_ranks[word], order)
            return

    def _instead(self, case: Case, rule: Subject, order: int) -> Iterator[Draft]:
        """What to say instead of what the model found.

        It says that a sentence claims something and knows only roughly which words do: a statement
        takes the place of these clauses, of the rest of the sentence from there, or of the whole.
        """
        if rule.category == "absolute":
            yield from self._chained(case, order)
            yield from self._compared(case)
            yield from self._only_us(case)
            yield from self._only_one(case)
            yield from self._ranked_aspect(case, order)
            yield from self._superlative_inside(case, order)
            yield from self._rank_inside(case, order)
        if rule.category in ("unsupported-data", "endorsement"):
            yield from self._vague(case, order)
            yield from self._ranked_aspect(case, order)
        order += 1
        sentence = case.sentence_read
        first, last = case.touched
        opening = min(first, self.grammar.after_address(case.text, case.clauses))
        for shared in self.shared(rule, case.industry):
            if not (re.search(shared.when, sentence) and re.search(shared.about, sentence)):
                continue
            parts = [slice(first, last + 1), slice(first, None), slice(opening, None)]
            if rule.category in _SAID_AT_ALL:
                parts = [*parts[1:], parts[0]]
            for place, part in enumerate(parts):
                yield from self._instead_of(case, shared, order + place, part)
            order += 3

    # --- words for words ------------------------------------------------------------------------------

    def _words(self, case: Case, words: str, order: int) -> Iterator[Draft]:
        """The words in the place of the finding, in every form that the place may ask for."""
        text, span = case.text, case.finding.span
        if words == case.finding.matched:
            return
        left, right = case.left, case.right
        if words.startswith("一") and right.startswith(("也", "又", "还", "是")):
            return
        if has_slot(words) and not only_particles(right):
            return  # 看肝【机构、时间、指标】排名靠前的 | 门
        if case.words in self._idle and self.grammar.opens_verbal(right):
            return  # 部门唯一 | 推荐的
        if words.startswith("可以") and not only_particles(right) and right[0] not in "是的就":
            return  # 度假首选 | 下榻地
        if words == "采用" and right.startswith("的"):
            yield from self._without_attribute(case, order)  # 国内首创的 | 体系
            return
        if only_particles(right) and not self._before(case).strip():
            if words.endswith("价") and case.touched[0]:
                words = "价格比较优惠"  # …，| 全网最低价
            if words != "不错" or not case.goods:
                if len(words) <= 3 and words in self._plain_words:
                    return  # 国内顶尖 -> 资深: of what?
            else:
                words = "品质不错"
        if re.match(r"[率性型化度值]", right):
            return  # the finding is the front of a longer word
        if case.words.endswith("好") and (
            verb := re.match(r"[喝吃用玩看饮住穿听闻飲聽](?![的户品水具料])", right)
        ):
            # 最好喝: 好 belongs to the verb.
            yield from self._words_at(
                case, Span(span.start, span.end + verb.end()), "挺好" + fold(verb.group()), order
            )
            return
        if words.removesuffix("的") == "资深" and right and not _EXPERIENCED.match(right):
            words = "不错"
        if words == "品牌" and self._before(case).endswith(("是", "为", "作为")):
            words = "不错的品牌"
        for entry in self._collocations:
            if words.removesuffix("的") != entry["word"]:
                continue
            pattern = rf"[^，、。了是]{{0,4}}?(?:{entry['before']})" if "before" in entry else "(?!)"
            follows = "after" in entry and only_particles(right)
            if re.match(pattern, right) or (follows and re.search(rf"(?:{entry['after']})$", left)):
                words = entry["say"]
        quality = _MEASURED_BY.match(right)
        is_attribute = quality is not None and right.startswith("的", quality.end())
        if quality and is_attribute and re.fullmatch("比?较[高低大强]", words):
            said = quality.group() + words
            yield from self._words_at(case, Span(span.start, span.end + quality.end()), said, order)
            return
        measured = _MEASURED_BY.fullmatch(right.rstrip(_PARTICLES_AT_END))
        if measured and left.endswith("的") and words.startswith(("较", "比较", "不错")):
            # 信息学培训的 | 最高 | 水平 -> 信息学培训水平较高
            said = measured.group() + words.removesuffix("的")
            yield Draft(Span(span.start - 1, span.end + measured.end()), said, "words", order - 1, words)
        noun = words.endswith(("品牌", "选择", "企业", "服务商")) or (
            self.grammar.is_noun_phrase(words) and not words.endswith("的")
        )
        if len(words) > _LONGEST_ATTRIBUTE and right.startswith("的"):
            return
        if noun and _CHOSEN.search(left):
            return  # 入选当年 | 国宴用酒
        if noun and left.endswith(("是", "为", "叫")) and self.grammar.runs_on(right):
            return  # 我们的针脚是企业 | 给别人立规矩的
        attribute = not noun and not words.endswith("的") and self._modifies(right)
        forms = [words + "的", words] if attribute else [words]
        if attribute and re.match(r"[^的，、]{1,4}的", right):
            forms = [words]
        elif not noun and not words.endswith("的") and _MEASURED.match(right):
            forms = [words + "的"]  # 性价比最高 | 一套
        if re.search(r"(?:非常|特别|比较|十分|很|挺|真|更|超级)$", left):
            forms = [form.removeprefix("比较") for form in forms]
        if left.endswith("比"):
            forms = [re.sub(r"^比较", "挺", form) for form in forms]
        if case.finding.matched.endswith("的") and not noun and not forms[0].endswith("的"):
            forms.insert(0, forms[0] + "的")
        choice = re.match(r"(?:就)?是", right)
        if choice and left.endswith("的") and words.startswith("可以"):
            yield Draft(Span(span.start - 1, span.end + choice.end()), words, "words", order, words)
            return
        ends = only_particles(right) and right.rstrip("了呢吧啊呀哦，") in ("", "的")
        is_low = words in ("比较低", "较低") and case.finding.category == "absolute"
        if is_low and ends and not _LOW.search(left):
            forms = ["价格比较优惠"]  # 四轮全换 | 全市最低
        if ends and left.endswith("是"):
            forms = [self._predicates.get(form, form) for form in forms]
        if right.startswith("的"):
            forms = [form.removesuffix("的") for form in forms]
        aspect = _WIDE_ASPECT.search(left)
        if aspect is not None:
            first = case.clause.start + aspect.start()
            for form in forms:
                yield Draft(Span(first, span.end), aspect["aspect"] + form, "words", order, words)
            order += 1  # with the field of comparison left is second best
        scope = self._before_scope(case.clause.start, left)
        hedge = re.search(
            r"(?:还可以|还行|可以说)$" if right.startswith("的") else r"(?:还可以|还行|也是|可以说)$", left
        )
        starts = [scope, span.start] if scope is not None else [span.start]
        if hedge:
            starts.insert(0, span.start - len(hedge.group()))
        for place, start in enumerate(starts):
            order += bool(place)  # with the scope, or the hedge, is second best
            before = text[case.clause.start : start]
            if vow := _VOW_BEFORE.search(before):
                start -= len(vow.group())
                before = text[case.clause.start : start]
            if not noun and ends and (won := _WON.search(before)):
                start -= len(won.group())
                before = text[case.clause.start : start]
            copula = re.search(r"(?:(?:那|就|都|可)?是|算是?|真的?是|真的?)$", before)
            if ends and copula and not noun and not right.startswith("的"):
                if len(before) - len(copula.group()) >= 2:
                    first = start - len(copula.group())
                    later = order + (0 if re.match(r"[那就真]", copula.group()) else 1)
                    yield Draft(Span(first, span.end), forms[0].removesuffix("的"), "words", later, words)
                if not re.match(r"[那就真]", copula.group()):
                    yield Draft(
                        Span(start, span.end), forms[0].removesuffix("的") + "的", "words", order, words
                    )
                continue
            for form in forms:
                yield Draft(Span(start, span.end), form, "words", order, words)
                order += form is not forms[-1] and not form.endswith("品牌")

    def _before(self, case: Case) -> str:
        """The clause before the finding, and before the field of comparison in front of it."""
        scope = self._before_scope(case.clause.start, case.left)
        return case.left if scope is None else case.text[case.clause.start : scope]

    def _words_at(self, case: Case, span: Span, words: str, order: int) -> Iterator[Draft]:
        """Words in a place, and before them, as second best, with the field of comparison gone too."""
        scope = self._before_scope(case.clause.start, case.left)
        if scope is not None:
            first = scope - (
                case.text[scope - 1] == "是" and only_particles(case.text[span.end : case.clause.end])
            )
            yield Draft(Span(first, span.end), words, "words", order, words)
        yield Draft(span, words, "words", order + (scope is not None), words)

    def _modifies(self, right: str) -> bool:
        """True when what follows without 的 is a noun phrase that the words in front belong to."""
        if not right or right[0] in "的地得了着过、" or only_particles(right):
            return False
        return self.grammar.starts_nominal(right) or self.grammar.is_short_noun(right)

    def _before_scope(self, start: int, left: str) -> int | None:
        """Where a field of comparison right before the finding begins (全国, 在市面上), if one stands there."""
        match = self._scope_end.search(fold_in_place(left)) or _WHOLE.search(left)
        if match is None:
            return None
        begun = left[: match.start()]  # 全、| 全港
        if re.match(r"行业|市场", match.group()) and self.grammar.ends_in_content(begun):
            return None  # 中国起重 | 行业的
        return (
            start + match.start() - (2 if begun.endswith("、") and begun[-2:-1] == left[match.start()] else 0)
        )

    def _softened(self, case: Case, order: int) -> Iterator[Draft]:
        """最X as a salesperson may say it, wherever in the finding it stands."""
        chain = list(_SUPERLATIVES.finditer(case.finding.matched))
        if len(chain) > 1 and chain[0].start() == 0:
            # 最快最好最便宜 -> 又快又好又便宜
            said = "".join("又" + part["quality"] for part in chain[:3])
            if all(part["quality"] in self._softer or len(part["quality"]) == 1 for part in chain):
                yield from self._words(case, said, order)
            first = chain[0]["quality"]
            yield from self._words(case, self._softer.get(first, "比较" + first), order + 1)
            return
        match = _SUPERLATIVE.search(case.finding.matched)
        if match is None or self.grammar.cuts_word(case.finding.matched, case.right):
            return
        quality = match["quality"]
        for length in range(len(quality), 0, -1):
            softer = self._softer.get(quality[:length])
            if softer:
                rest = quality[length:]
                if softer == "不错" and rest[:1] and rest[0] in "喝吃用玩看饮住穿听闻":
                    softer = "挺好"
                break
        else:
            softer, rest = f"比较{quality}", ""
            if quality.startswith("具"):
                softer = f"有{quality.removeprefix('具有').removeprefix('具')}"
        before, after = case.finding.matched[: match.start()], rest + case.finding.matched[match.end() :]
        for scope in self._scopes:
            before = before.removesuffix(scope)
        if after and not after.startswith("的") and softer != "挺好" and self._modifies(after):
            softer += "的"
        yield from self._words(case, before + softer + after, order)

    def _plain(self, words: str) -> tuple[str, str]:
        """(quality, softer words) for what follows 最; the longest quality that the data knows, or one word."""
        for length in range(len(words), 0, -1):
            if words[:length] in self._softer:
                return words[:length], self._softer[words[:length]]
        first = self.grammar.words(words)
        quality = first[0].text if first and first[0].tag[:1] in "avi" else words
        return quality, "比较" + quality

    def _chained(self, case: Case, order: int) -> Iterator[Draft]:
        """All superlatives of the clause at once: 最快最好最便宜 -> 又快又好又便宜, 最大、最权威的 -> 比较大、专业的."""
        text, span, clause = case.text, case.finding.span, case.clause
        chain = next(
            (
                match
                for match in _CHAIN.finditer(text, clause.start, clause.end)
                if match.start() <= span.start and span.end <= match.end() + 2
            ),
            None,
        )
        if chain is not None:
            found = list(_IN_CHAIN.finditer(text, chain.start(), chain.end()))
            pairs = [self._plain(match["quality"]) for match in found]
            end = found[-1].start("quality") + len(pairs[-1][0])
            alike = all(
                softer in ("比较" + quality, quality, "不错") or softer.startswith("比较")
                for quality, softer in pairs
            )
            said = "、".join(dict.fromkeys(softer for _, softer in pairs))
            if alike and all(len(quality) <= 2 for quality, _ in pairs) and "大" not in said:
                said = "".join("又" + quality for quality, _ in pairs)
            scope = self._before_scope(clause.start, text[clause.start : chain.start()])
            start = chain.start() if scope is None else scope
            said += text[end : span.end]
            following = text[max(end, span.end) : clause.end]
            named = _ASPECT_FIRST.match(following)
            if named and self._modifies(following[named.end() :]):  # 最好最优 | 品质 | 荔枝干
                last, said = max(end, span.end) + named.end(), f"{named.group()}不错的"
                yield Draft(Span(start, last), said, "words", -2, said)
                return
            if not said.endswith("的") and self._modifies(following):
                said += "的"
            yield Draft(Span(start, max(end, span.end)), said, "words", -2, said)
        places = [
            match
            for match in _IN_CHAIN.finditer(text, clause.start, clause.end)
            if any(match.start() < other.end and other.start < match.end() for other in (*case.others, span))
        ]
        if chain is None and len(places) > 1:
            said, done = "", places[0].start()
            for match in places:
                quality, softer = self._plain(match["quality"])
                end = match.start("quality") + len(quality)
                following = text[end : end + 12]
                if not following.startswith(("的", "、")) and self._modifies(following):
                    softer += "的"
                said += text[done : match.start()] + softer
                done = end
            said += text[done : span.end]
            yield Draft(Span(places[0].start(), max(done, span.end)), said, "words", order + 2, said)

    def _compared(self, case: Case) -> Iterator[Draft]:
        """没有比我们更便宜的 -> 我们比较实惠, asked or said."""
        clause = case.clause
        found = _COMPARED.search(fold_in_place(case.text[clause.start : clause.end]))
        if found is None or not re.search(
            r"没|找不|哪|谁|难道|还有|见过|不可能|买不到", case.text[clause.start : clause.end]
        ):
            return
        if re.match(r"稳|安全|保险|放心|赚", found["quality"]):
            return  # less of it is still a promise
        quality, softer = self._plain(found["quality"])
        if not found["more"] and quality not in self._softer:
            return  # 比我们这个宣传…: what follows may be anything
        if quality not in self._softer and not self.grammar.is_adjective(quality):
            return  # 再没有比我们更靠前的
        if quality in _MEASURES_OF:
            return  # 手法上没有比我们更高的: it is not we who are tall
        if not softer.startswith(("比较", "不错", "有", "注重", "品质", "卖得", "价格", "性价比")):
            softer = "比较" + softer
        who = {
            "咱": "我们",
            "咱们": "我们",
            "咱家": "我们",
            "咱们家": "我们",
            "这": "这个",
            "它": "这个",
        }.get(found["who"], found["who"])
        if (
            case.topic is not None
            and (self.grammar.is_goods(case.topic) or re.match(r"[这那我咱本您]", case.topic.text))
            and case.topic.text not in self._scopes
            and not _COMPARED.search(case.topic.text)
        ):
            who = case.topic.text
        end = clause.end
        noun = re.match(
            r"的([\u4e00-\u9fff]{2,8}?)(?:了|吗|呢|啦)*$",
            fold_in_place(case.text[clause.start : end])[found.start("quality") + len(quality) :],
        )
        if noun and who in ("这个", "这款", "我们", "我们家") and self.grammar.is_name(noun[1]):
            who = (who if who.startswith("这") else who + "的") + noun[1]  # 比这个更划算的 | 医疗险
        if _QUESTION_END.match(case.text[end : end + 1]):
            yield Draft(Span(clause.start, end + 1), who + softer + "。", "words", -2, softer)
        else:
            yield Draft(Span(clause.start, end), who + softer, "words", -2, softer)

    def _only_us(self, case: Case) -> Iterator[Draft]:
        """全城就我们家有包机 -> 我们家有包机: what we have stays, that nobody else has it goes."""
        clause = case.clause
        found = _ONLY_US.fullmatch(fold_in_place(case.text[clause.start : clause.end]))
        if found is None:
            return
        said = found["who"] + found["rest"]
        if found["rest"].endswith("的") and found["rest"].startswith("是"):
            rest = found["rest"][1:-1]
            said = found["who"] + "比较" + rest if len(rest) <= 2 and rest not in self._softer else said
        yield Draft(clause, said, "words", -2, said)

    def _only_one(self, case: Case) -> Iterator[Draft]:
        """我们是唯一一家能上门的 -> 我们能上门; 唯一拥有自控的平台 -> 我们是拥有自控的平台."""
        clause = case.clause
        text = case.text[clause.start : clause.end]
        found = _ONLY_ONE.fullmatch(text.rstrip(_PARTICLES_AT_END))
        if found is None:
            return
        who, rest = found["who"], found["rest"]
        scope = self._before_scope(0, who)
        who = who if scope is None else who[:scope]
        who = who.removesuffix("是")
        if (who and self.grammar.has_predicate(who)) or who.endswith(("的", "、")) or _AREA.fullmatch(who):
            return
        if rest.endswith("的") and self.grammar.opens_verbal(rest):
            said = (who or "我们") + rest.removesuffix("的")
        elif _SELLER.search(rest) or who:
            said = f"{who or '我们'}是{rest.removeprefix('的')}"
        else:
            return
        yield Draft(clause, said, "words", -2 if who or rest.endswith("的") else -1, said)

    def _at_a_price(self, case: Case) -> Iterator[Draft]:
        """免费升级5G套餐，月租多三十 -> 可以升级5G套餐，月租多三十: what costs something is not called free."""
        span, clause = case.finding.span, case.clause
        found = _FREE.match(case.text, span.start, clause.end)
        if found is None or not _FEE.search(case.text, clause.end, case.sentence.end):
            return
        rest = case.text[found.end() : clause.end]
        if len(rest) > 1 and (self.grammar.opens_verbal(rest) or re.match(r"升级|领|换|体验|试", rest)):
            said = "" if case.left.endswith(("可以", "能")) else "可以"
            yield Draft(Span(span.start, found.end()), said, "words", -2, said)

    def _tried(self, case: Case) -> Iterator[Draft]:
        """包涨粉 -> 尽力帮您涨粉: what a service does is kept, that it must succeed goes."""
        span = case.finding.span
        found = _PROMISED.match(case.finding.matched)
        if found and self.grammar.opens_verbal(case.finding.matched[found.end() :]):
            said = "尽力帮您"
            yield Draft(Span(span.start, span.start + found.end()), said, "words", -2, said)

    def _ranked_aspect(self, case: Case, order: int, *, own: bool = False) -> Iterator[Draft]:
        """销量第一 -> 销量不错: the respect stays, the rank goes. ``own``: the rule has softer words itself."""
        text, span = case.text, case.finding.span
        if not _FIRST.search(case.finding.matched):
            return
        upto = text[case.clause.start : span.end]
        best = max(
            ((upto.rfind(aspect), len(aspect), aspect) for aspect in self._ranked if aspect in upto),
            default=None,
        )
        touched, _ = case.touched
        if best is None and touched:
            # 我们的净水器，销量，全国第一
            before = case.clauses[touched - 1]
            words = text[before.start : before.end]
            aspect = next((name for name in self._ranked if words.endswith(name)), None)
            if aspect and only_particles(text[span.end : case.clause.end]):
                only = re.search(r"(?:^|、)要?[论说讲比]到?$", words.removesuffix(aspect))
                start = (
                    before.start + only.start() + (only.group()[0] == "、")
                    if only
                    else before.end - len(aspect)
                )
                said = self._ranked[aspect]
                yield Draft(Span(start, case.clause.end), said, "words", -2, said)
        if best is None:
            return
        start, said = case.clause.start + best[0], self._ranked[best[2]]
        if not own and not re.search("因人而异|不确定", said):
            order = -2
        end = span.end
        after = text[end : case.clause.end]
        if case.is_attribute:
            cut = re.search(
                r"(?:连续)?[0-9一二三四五六七八九十两]+年[^，]{0,2}$", text[case.clause.start : start]
            )
            first = start - len(cut.group()) if cut else start
            scope = self._before_scope(case.clause.start, text[case.clause.start : first])
            if "，" not in said:
                yield Draft(Span(scope or first, end), said, "words", order, said)
            return
        topic = self.grammar.topic(text[case.clause.start : start])
        if only_particles(after):
            lead = topic.text if topic else ""
            named = text[case.clause.start : start]
            if lead and named.startswith(lead) and len(named) == len(lead) + 1:
                lead = named  # 智 | 驾, of which no word is known
            about = _AS_FOR.match(text, case.clause.start, span.end)
            if about:
                lead = about["who"] + about["of"]
            yield Draft(Span(case.clause.start, case.clause.end), lead + said, "words", order, said)

    def _without_attribute(self, case: Case, order: int) -> Iterator[Draft]:
        """The noun without the attribute that makes the claim."""
        text, span = case.text, case.finding.span
        start, end = span
        left = case.left
        if re.match("没", case.finding.matched):
            return  # 没有批不了的 | 客户
        if re.search(r"[0-9百千万几多数十][名位]$", left):
            return  # 百名 | 儿科医生推荐的 | 母乳替代品
        if case.is_attribute:
            end += text[end] == "的" if end < len(text) else 0
        elif not (
            case.words in self._idle
            and case.right
            and case.right[0] not in "的是了、"
            and not only_particles(case.right)
        ):
            return
        scope = self._before_scope(case.clause.start, left)
        if scope is not None:
            start = scope
            left = text[case.clause.start : start]
        elif case.finding.category in ("endorsement", "impersonation"):
            start -= len(self.grammar.name_before(left))  # 国家 | 卫健委推荐的 | 产品
            left = text[case.clause.start : start]
        if left.endswith(("是", "为", "叫")) and _CERTIFIED.match(text, end):
            yield Draft(Span(start, end), "", "attribute", -3)  # 这是国家级的 | 认证产品
            return
        if left.endswith(("是", "为", "叫")) and not re.search(r"[一这那几两]", text[end : end + 2]):
            # 是全国第一的牌子 -> 是不错的牌子: without its attribute the noun says nothing.
            yield Draft(Span(start, end), "不错的", "words", order, "不错的")
            return
        words = self.grammar.words(left)
        place = words and words[-1].tag in ("ns", "s", "f", "nt", "nz")
        if place and not text[start:end].endswith("的") and "的" not in text[end : case.clause.end]:
            yield Draft(Span(start, end), "的", "attribute", order, "")
        noun = text[end : case.clause.end]
        opens = start == case.sentence.start and case.goods and len(noun) <= 8
        if opens and self.grammar.is_short_noun(noun) and not self.grammar.is_about_people(noun):
            alone = case.clause == case.sentence  # 这款破壁机 alone says nothing
            yield Draft(Span(start, end), "这款", "attribute", order + (8 if alone else -1), "这款")
        yield Draft(Span(start, end), "", "attribute", order)

    # --- figures ----------------------------------------------------------------------------------------

    def _vague(self, case: Case, order: int) -> Iterator[Draft]:
        """Counts and shares without their figures: 98%的客户 -> 不少客户."""
        text, span = case.text, case.finding.span
        # A finding may end before the noun that was counted.
        start, end = span.start, case.clause.end
        matched = fold_in_place(text[start:end])
        size = span.end - span.start
        steps = _STEPS.search(matched)
        if steps and steps.start() < size:
            yield self._part(case, Span(start + steps.start(), start + steps.end()), "多" + steps["unit"])
            return
        whole = fold_in_place(text[case.clause.start : end])
        out_of = _OUT_OF.search(whole)
        if out_of and _AUTHORITIES.match(out_of["who"]):
            return  # 一百个牙医里九十六个推荐
        if out_of and out_of.end() > start - case.clause.start:
            first = case.clause.start + out_of.start()
            yield self._part(case, Span(first, first + len(out_of.group())), "不少" + out_of["who"])
            return
        if sold := _SOLD.search(matched[: len(matched.rstrip("了"))]):
            if sold.start() < size and only_particles(matched[sold.end() :]):
                lead = re.search(
                    rf"(?:{_NUMBER}个?(?:小时|分钟|秒钟?|天|周|月|年)[内就]?)?(?:已经?|累计|一共|总共|共|合计)*$",
                    text[case.clause.start : start + sold.start()],
                )
                first = start + sold.start() - len(lead.group() if lead else "")
                yield Draft(
                    Span(first, max(span.end, start + sold.end())), "卖得不错", "words", -2, "卖得不错"
                )
                return
        share = _SHARE.search(matched)
        if share and (_CHANGE.search(matched, share.end()) or _FIGURE_AFTER.search(matched, share.end())):
            return  # 94%的用户入睡时间缩短四十分钟: without its share the figure stands
        if (
            share
            and share.start() < size
            and self._counts_before(matched[: share.start()], matched[share.end() :])
        ):
            said = ("有" if share.group().startswith("有") else "") + "不少"
            yield self._part(case, Span(start + share.start(), start + share.end()), said)
            return
        if share and share.start() < size and self._counted.match(matched[share.end() :]):
            yield self._part(case, Span(start + share.start(), start + share.end()), "不少")
            return
        change = _CHANGE.search(matched)
        if change and change.start() < size:
            rest = matched[change.end() :]
            said = "有所" + change["verb"]
            if not rest.startswith("的"):
                yield self._part(case, Span(start + change.start(), start + change.end()), said)
        regions = _REGIONS.search(matched)
        many = _COUNT.match(matched, regions.end()) if regions else None
        if regions and many and regions.start() < size and self._counted.match(matched[many.end() :]):
            yield self._part(case, Span(start + regions.start(), start + many.end()), "不少")
            return
        for count in _COUNT.finditer(matched):
            if count.start() >= size:
                break
            if re.search(r"[让使帮]$", case.text[case.clause.start : start + count.start()]):
                continue  # 让一万个家庭听见哭声: that fewer did is still a promise
            rest = matched[count.end() :]
            large = re.search(r"[0-9]|[百千万亿]|[多余来几]", count.group())
            if (
                not large
                or share
                or change
                or re.match(r"[强大佳佳倍折%％]|个?百分", rest)
                or "每" in matched
            ):
                continue
            if self._counted.match(rest):
                last = count.end() + (rest[0] == "的")
            elif not rest.strip("了的") and count["unit"] and count.start() and only_particles(case.right):
                if self.grammar.ends_in_verb(text[case.clause.start : start + count.start()]):
                    continue  # 去年送出去 | 四百来人
                last = count.end()
            else:
                continue
            lead = re.match(r"(?:目前)?已经?|", count.group())
            assert lead is not None
            there = (lead.group() or not rest) and not text[: start + count.start()].endswith(("有", "了"))
            said = lead.group() + ("有" if there else "") + "不少"
            yield self._part(case, Span(start + count.start(), start + last), said)
            break

    def _counts_before(self, before: str, after: str) -> bool:
        """True when a share is one of those named before it and followed by what they do: 老师有 | 七成 | 出自名校."""
        last = [match for match in self._counted.finditer(before) if match.end() == len(before)]
        return bool(last) and not after.startswith("的") and self.grammar.opens_verbal(after)

    def _part(self, case: Case, place: Span, words: str) -> Draft:
        """Words in a place of the finding, or at its end, as a draft for the whole of it."""
        span = Span(min(case.finding.span.start, place.start), max(case.finding.span.end, place.end))
        said = case.text[span.start : place.start] + words + case.text[place.end : span.end]
        return Draft(span, said, "words", -1, words)

    def _attributed(self, case: Case, rule: Subject) -> Iterator[Draft]:
        """The claim with its source before it, to be filled in."""
        first, _ = case.touched
        start = case.clauses[first].start if case.clauses else case.finding.span.start
        said = "根据【机构、日期】的统计报告，"
        yield Draft(Span(start, start), said, "attribution", 50, said, Apply.MANUAL, self.question(rule))

    # --- statements -----------------------------------------------------------------------------------------

    def _statement(self, case: Case, statement: str, order: int, *, whole: bool = False) -> Iterator[Draft]:
        """The statement in the place of the clause, after the topic of the claim if there is one."""
        text = case.text
        filled = self._filled(statement, case)
        if filled is None:
            return
        if whole:
            start, end = case.sentence
            asked = _QUESTION_END.match(text[end : end + 1])
            said = filled + "。" if asked else filled
            yield Draft(Span(start, end + bool(asked)), said, "statement", order, filled)
            return
        clause, near = self._with_neighbours(case)
        before = text[case.sentence.start : clause.start]
        if filled in text[case.sentence.start : case.sentence.end]:
            return
        topic = case.topic
        if topic is None and "{amount}" in statement:
            topic = self._priced(case)
        of_endorser = case.finding.category == "endorsement" and topic is not None
        if of_endorser and topic is not None and not re.match(r"[这那本咱]|我们", topic.text):
            topic = None  # 农科院 | 专家都用: who praises is no topic
        if topic is not None and topic.pause:
            topic = self.grammar.named(topic.text) or topic  # 这个药酒 | 擦三天
        topic = self._fitting(topic, filled)
        if topic is None and self._needs_topic(filled):
            named = before.rstrip(_MARKS + ":：").rpartition("，")[2]
            labelled = before.rstrip().endswith(("：", ":"))
            of_goods = (
                labelled
                or not filled.startswith(_WHAT_IT_IS)
                or self.grammar.is_goods(Topic(named, pause=False))
            )
            if not named.strip() or not of_goods:
                return
        said = filled
        if topic is not None:
            said = joined(topic, filled)
            if topic.text in before:
                said = filled
        elif self.grammar.is_invitation(case.left) and wants_pause(filled):
            said = f"{case.left}，{filled}"  # 今天办卡 | 零元购
        # A statement with the price keeps what the customer asks first.
        chance = _PRICED if "{amount}" in statement else None
        yield replace(self._said(case, clause, said, order, filled), chance=chance)
        if near.end < clause.end:  # should what follows from the claim be needed after all
            yield replace(self._said(case, near, said, order + 1, filled), chance=chance)

    def stated(self, case: Case, statement: str) -> Iterator[Draft]:
        """A statement in the place of the clause, as :meth:`_statement`, of no rule."""
        yield from self._statement(case, statement, 0)

    def _instead_of(self, case: Case, shared: _Shared, order: int, clauses: slice) -> Iterator[Draft]:
        """The statement in the place of clauses, after what the first of them names."""
        filled = self._filled(shared.text, case)
        replaced = case.clauses[clauses]
        if filled is None or filled in case.text[case.sentence.start : case.sentence.end]:
            return
        span = Span(replaced[0].start, replaced[-1].end)
        opened = case.text[span.start : replaced[0].end]
        topic = self._fitting(self.grammar.named(opened) or self.grammar.goods(opened), filled)
        if topic is None and (
            self._needs_topic(filled) or (shared.beside and len(replaced) == len(case.clauses))
        ):
            return
        yield self._said(case, span, filled if topic is None else joined(topic, filled), order, filled)

    def _said(self, case: Case, span: Span, said: str, order: int, added: str) -> Draft:
        """A statement as a draft; at the end of a question it ends the sentence."""
        if _QUESTION_END.match(case.text[span.end : span.end + 1]):
            return Draft(Span(span.start, span.end + 1), said + "。", "statement", order, added)
        return Draft(span, said, "statement", order, added)

    def _fitting(self, topic: Topic | None, statement: str) -> Topic | None:
        """The topic, if the statement can be said of it."""
        if topic is None or re.search(
            r"[率例首第钱]$|业头$|数据$|指标$|^(?:本金|利息|本息|血压|血糖)$|每[^，]{1,4}$", topic.text
        ):
            return None  # 通过率，能不能通过要看…
        if re.search(r"[费价钱款]$", topic.text) and re.match(r"费用|价格|待遇", statement):
            return None  # 手续费，费用明细…
        if statement.startswith(_WHAT_IT_IS) and not self.grammar.is_goods(topic):
            return None  # 扁桃体 | 是日常食品
        if statement.startswith("设有") or _CONSUMED.match(topic.text):
            return None  # 胰岛素，设有相应科室
        if self._strangers.match(topic.text) or re.search(r"[里上]的", topic.text):
            return None  # 那些几百块一平的店，您可以…
        if self._ills.search(topic.text):
            return None  # 黑色素，适合日常护肤
        if self.grammar.is_about_people(topic.text.rstrip("上下在到来")):
            return None  # 我妈，保健功能以说明书为准
        if re.search(r"[县市区省镇村界]$", topic.text) and not re.search(
            r"[小园商社]区$|夜市$|超市$", topic.text
        ):
            return None  # 咱们县，您可以先试听
        if re.fullmatch(rf"(?:我们|咱们?)?(?:{'|'.join(self._scopes)}|全[\u4e00-\u9fff]{{1,3}})", topic.text):
            return None  # 全小区，您可以多比较
        if _OWN_HOUSE.fullmatch(topic.text) and wants_pause(statement) and not statement.startswith("我们"):
            return None  # 我们院，具体由医生面诊说明
        return topic

    def _with_neighbours(self, case: Case) -> tuple[Span, Span]:
        """The clause with the half that leads to it, with and without what is said to follow from the claim."""
        first, last = case.touched
        start, end = case.clause
        text, clauses = case.text, case.clauses
        if first and self.grammar.is_half_inside(text[clauses[first - 1].start : clauses[first - 1].end]):
            start = clauses[first - 1].start
        near = Span(start, end)
        rule = subject_of(self._lexicon, case.finding)
        opens = self._consequences.get(rule.category) if rule else None
        while (
            opens
            and last + 1 < len(clauses)
            and opens.match(fold(text[clauses[last + 1].start : clauses[last + 1].end]))
        ):
            last += 1
            end = clauses[last].end
        if re.match(r"不[仅但光]|既", text[start:end]) and last + 1 < len(clauses):
            if re.match(r"还|又|也|更|而且", text[clauses[last + 1].start :]):
                last += 1
                end = clauses[last].end  # 不仅…, | 还能…
                near = Span(start, end)
        if text[end : end + 1] in ("：", ":") and last + 1 < len(clauses):
            end = clauses[-1].end  # 抗衰套餐：让皮肤倒退十五年
            return Span(start, end), Span(start, end)
        if last + 1 < len(clauses):
            following = text[clauses[last + 1].start : clauses[last + 1].end]
            praised = rule is not None and rule.category == "endorsement" and _OTHERS.search(following)
            if praised or _OTHERS.match(following):
                end = clauses[-1].end  # 他亲口说：…, of somebody who is gone
                near = Span(start, end)
        clock = _CLOCK.match(text, end, case.sentence.end)
        if clock:
            near = Span(start, clock.end()) if near.end == end else near
            end = clock.end()
        return Span(start, end), near

    def _needs_topic(self, statement: str) -> bool:
        return (
            re.match(r"是(?!否)|不是|属于|有风险|有自己|有可能|由|在|也可能|以(?!后)|卖得", statement)
            is not None
        )

    def _filled(self, statement: str, case: Case) -> str | None:
        if "{amount}" in statement:
            amount = self._amount(case)
            return statement.replace("{amount}", amount) if amount else None
        return statement

    def _priced(self, case: Case) -> Topic | None:
        """What a price is said of where the finding holds its name too: 云南六日游99元."""
        clause = case.text[case.clause.start : case.clause.end]
        name = re.split(r"[，,0-9¥￥]|[原现特]价|今[天日]|只[要需]|仅|就要", clause)[0].strip()
        if len(name) < 3 or re.search(r"价$|专柜", name) or not self.grammar.is_noun_phrase(name):
            return None
        return self.grammar.topic(name)

    def _amount(self, case: Case) -> str | None:
        clause = case.text[case.clause.start : case.clause.end]
        now = [
            match["amount"]
            for match in _NOW.finditer(clause)
            if len(match["amount"]) > 1 and not _NO_PRICE.search(match.group())
        ]
        others = [] if _NO_PRICE.search(clause) else _AMOUNT.findall(clause)
        amounts = [found for found in now or others if not re.match(r"[零〇0][元块]", found)]
        if not amounts:
            return None
        amount = str(amounts[-1])
        if re.search(f"{amount}[箱瓶盒件斤套只个台包袋条份支双]", clause) and amount[1:].endswith("一"):
            amount = amount[:-1] + "元"  # 九十九一箱
        if re.fullmatch(r"[¥￥].*", amount):
            return amount.lstrip("¥￥") + "元"
        return amount + ("元" if re.fullmatch(r"[0-9.,]+", amount) else "")

    # --- less -----------------------------------------------------------------------------------------------

    def _deleted(self, case: Case, order: int) -> Iterator[Draft]:
        """The finding gone: with its clause, as an attribute, or as a word alone."""
        yield from self._without_attribute(case, order)
        if case.finding.category != "impersonation":  # what is left would be asked all the same
            yield from self._without_clause(case, order)
        span = case.finding.span
        left, right, matched = case.left, case.right, case.finding.matched
        if right.startswith(("一样", "似的", "一般", "那样")):
            return  # 跟白送 | 一样
        outcome = re.match(r"能?(?:通过|成功|过|录取|有效|满意|治|见效|赚)", right)
        if not only_particles(right) and _SURE.fullmatch(matched) and not outcome:
            yield Draft(span, "", "delete", order - 1)
            return
        attribute = not only_particles(right) and self._modifies(right) and (not left or left[-1] in "的、")
        attribute = attribute and not matched.endswith("是")  # 中科院的 | 教授自己吃的就是 | 这个
        aside = not self.grammar.has_verb(matched) and self.grammar.has_predicate(left + right)
        aside = aside and case.finding.category != "nuisance"
        if attribute or aside:
            yield Draft(span, "", "delete", order + 1)

    def _without_item(self, case: Case, order: int) -> Iterator[Draft]:
        """An enumeration without the item that makes the claim."""
        text, span, clause = case.text, case.finding.span, case.clause
        if case.words in self._idle and text[span.end : span.end + 1] == "、":
            scope = self._before_scope(clause.start, case.left)
            yield Draft(Span(span.start if scope is None else scope, span.end + 1), "", "delete", -2)
            return
        items = _items(text, clause)
        if _STUTTER.search(text[clause.start : clause.end]):
            return  # 能抗、抗癌 is no enumeration
        place = next((n for n, item in enumerate(items) if item.covers(span)), None)
        if place is None or len(items) < 2:
            return
        item = items[place]
        extra = len(text[item.start : item.end].rstrip("的了~～ ")) - (span.end - span.start)
        alike = len(items) > 2 and all(item.end - item.start <= 8 for item in items)
        edge = place in (0, len(items) - 1)
        # What all items share, a verb before them or a noun behind, stands at the edges.
        if extra > (4 if alike else 0 if edge else 3) or re.search(r"等[^、]*$", text[item.start : item.end]):
            return
        if place == 0 and not self.grammar.has_predicate(text[items[1].start : items[1].end]):
            return
        if any(len(text[item.start : item.end].strip()) < 2 for item in items):
            return  # a stutter
        last = text[item.start : item.end]
        if place == len(items) - 1 and self.grammar.has_predicate(last):
            if items[-2].end - items[-2].start > 1 and text[items[-2].end - 1] == "的":
                return  # 属羊的、有纹身的、外地的不要来
            if not self.grammar.has_predicate(text[clause.start : item.start]):
                return  # 降压药、降糖药都可以停了: what all do stands in the last
        flagged = [other for other in case.others if not other.overlaps(item)]
        if all(any(other.overlaps(item) for other in flagged) for item in items if item != items[place]):
            order += 6  # nothing but other claims would be left
        if place == len(items) - 1:
            yield Draft(Span(items[place - 1].end, item.end), "", "delete", order)
        else:
            yield Draft(Span(item.start, items[place + 1].start), "", "delete", order)

    def _without_clause(self, case: Case, order: int) -> Iterator[Draft]:
        """The sentence without the clause, where the rest can stand."""
        text = case.text
        clauses = case.clauses
        first, last = case.touched
        before, after = clauses[:first], clauses[last + 1 :]
        rest = [text[clause.start : clause.end] for clause in (*before, *after)]
        flagged = [
            c for c in (*before, *after) if any(c.start < o.end and o.start < c.end for o in case.others)
        ]
        standing = [
            text[c.start : c.end]
            for c in (*before, *after)
            if c not in flagged and self.grammar.has_predicate(text[c.start : c.end])
        ]
        if not standing or sum(map(len, rest)) < (5 if before else 8):
            return
        if after and _OTHERS.search(text[after[0].start : after[0].end]):
            return  # 交警队都用这款，您看他们门口…
        rule = subject_of(self._lexicon, case.finding)
        opens = self._consequences.get(rule.category) if rule else None
        if not before and opens and opens.match(fold(rest[0])):
            return  # what only follows from the claim
        if before and self.grammar.is_half(text[before[-1].start : before[-1].end]):
            return
        if before and text[before[-1].end : clauses[first].start].strip() in ("：", ":"):
            return
        if after:
            start, end = clauses[first].start, after[0].start
            opened = "" if before else self.grammar.can_open(text[end : after[0].end])
            if not before:
                order += 3  # the first clause mostly holds what the others are said of
            if opened and opened != text[end : after[0].end]:
                yield Draft(Span(start, after[0].end), opened, "delete", order)
                return
            if not before and not self._stands_first(text[end : after[0].end]):
                return
        else:
            start, end = before[-1].end, max(clauses[last].end, case.finding.span.end)
            if not self.grammar.has_predicate(text[before[-1].start : before[-1].end]):
                return
        yield Draft(
            Span(min(start, case.finding.span.start), max(end, case.finding.span.end)), "", "delete", order
        )

    def _stands_first(self, clause: str) -> bool:
        words = self.grammar.words(clause)
        return bool(words) and (self.grammar.is_nominal(words[0]) or words[0].tag[:1] in "tr")


def _quoted(case: Case) -> Span | None:
    """The words in quotation marks that the finding is a part of; None when it is all of them, or in none."""
    start, end = case.finding.span
    for found in _QUOTED.finditer(case.text, case.sentence.start, case.sentence.end):
        inside = Span(found.start() + 1, found.end() - 1)
        if inside.start <= start and end <= inside.end and (start, end) != inside:
            return inside
    return None


def _items(text: str, clause: Span) -> list[Span]:
    """The parts of a clause between its enumeration commas."""
    out = []
    start = clause.start
    for part in text[clause.start : clause.end].split("、"):
        out.append(Span(start, start + len(part)))
        start += len(part) + 1
    return out


def _trimmed(finding: Finding, text: str) -> Finding:
    """The finding without the marks at its edges: they belong to the sentence."""
    start, end = finding.span
    while end > start and text[end - 1] in _MARKS:
        end -= 1
    while start < end and text[start] in _MARKS:
        start += 1
    if text[start - 1 : start] == "全" and re.match(r"市场|行业|[网国球城市省区县]", text[start:end]):
        start -= 1
    if start == end or (start, end) == finding.span:
        return finding
    return replace(finding, span=Span(start, end), matched=text[start:end])


def told_losses(before: str, after: str, names: Sequence[str] = ()) -> str:
    """Which facts, slots and ``names`` a change drops, in words; empty when it drops none."""
    lost = [*dropped_facts(before, after), *(name for name in names if name not in after)]
    return "会去掉：" + "、".join(dict.fromkeys(lost)) if lost else ""


def _complete(statement: str) -> list[str]:
    """A statement with slots as one without: papers named by their slot, other parts left out.

    >>> _complete("效果因人而异，可参考【报告或合同条款】")
    ['效果因人而异']
    >>> _complete("性能以【检测报告】为准")
    ['性能以检测报告为准']
    """
    if not has_slot(statement):
        return [statement]
    named = _PAPER.sub(lambda match: "" if match[1] == "条款号" else match[1], statement)
    if "{" in named:
        return []
    named = re.sub(r"（[^）]*【[^）]*）", "", named)
    pieces = re.split(r"[，、](?![^【]*】)", named)
    parts = [part for part in pieces if not has_slot(part)]
    if (
        len(parts) < len(pieces)
        and parts
        and re.match(r"也|不作|另|之后|超出|按|可|其余|结果$|后续|收益$", parts[0])
    ):
        return []
    said = "，".join(parts)
    if len(parts) > 1 and parts[-1].startswith("可参考"):
        said = "，".join(parts[:-1])
    return [said] if len(said) >= 4 else []
