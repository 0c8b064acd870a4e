"""Disguised words are found, and ordinary words that look or sound like them are not."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

import pytest
from pypinyin import Style, lazy_pinyin

from checker.data import load_yaml
from checker.disguise import Disguises
from checker.document import Document
from checker.normalize import inserted_view, plain_view
from checker.numerals import number_readings
from checker.pipeline import Checker
from checker.scene import Scene
from checker.types import Span

# {} is where the claim stands; each claim is written with its plain form for reference.
CLAIMS = {
    "稳赚不赔": "跟着我们做这个项目{}，您放心投。",
    "保本保息": "这款理财{}，到期就取。",
    "全国第一": "我们的净水机销量{}，您可以看看。",
    "国家级": "我们卖的是{}的品质，送礼也体面。",
    "根治糖尿病": "我们的茶包能{}，老人都在喝。",
    "零风险": "这个投资项目{}，可以放心参加。",
    "包过": "我们的驾考课程{}，您报名就行。",
    "全网最低价": "这台空调现在{}，您今天下单吧。",
    "治疗失眠": "这款枕头可以{}，您试试看。",
    "百分百有效": "我们的祛斑霜{}，您买一瓶吧。",
    "躺着赚钱": "加盟我们的店就能{}，不用您操心。",
    "世界领先": "我们的手机芯片技术{}，您看参数。",
}

MECHANICAL: dict[str, Callable[[str], str]] = {
    "zero-width": "\u200b".join,
    "joiner": "\u2060".join,
    "space-insert": " ".join,
    "wide-space": "\u3000".join,
    "symbol-insert": "*".join,
    "dot-insert": "·".join,
    "underscore-insert": "_".join,
    "plus-insert": lambda claim: "+".join(claim) if len(claim) > 2 else "*".join(claim),
    "emoji-insert": lambda claim: claim[0] + "🎈" + claim[1:],
    "combining-mark": lambda claim: "".join(character + "\u0332" for character in claim),
    "stutter": lambda claim: claim[0] + "、" + claim,
    "double": lambda claim: claim[:2] + claim,
    "filler": lambda claim: claim[0] + "，呃，" + claim[1:],
}

GUILTY = [
    ("homophone", "我们这个基金[[稳赚布赔]]，您放心。"),
    ("homophone", "这款理财产品[[宝本保息]]，您看看。"),
    ("homophone", "我们的奶粉销量全国[[弟一]]，您可以了解。"),
    ("homophone", "这款茶[[能根制糖尿病]]，您试试。"),
    ("homophone", "这个理财[[零封险]]，您可以放心买。"),
    ("homophone", "我们家的牛奶全国[[罪好]]，您尝尝。"),
    ("homophone", "贴上这膏药[[立干见影]]，腰马上不疼。"),
    ("homophone", "这套课程[[包锅]]，您放心报名。"),
    ("homophone", "这款药酒可以[[抗岩]]，老人喝了都说好。"),
    ("homophone", "我们的空气净化器[[世界领鲜]]，您看看。"),
    ("asr-error", "这是[[国家及]]的产品，您放心用。"),
    ("asr-error", "我们这是[[顶集]]的产品，您看看。"),
    ("asr-error", "我们的技术[[视界领先]]，您可以对比。"),
    ("asr-error", "这款茶包[[能直料失眠]]，您带两盒。"),
    ("asr-error", "用了没效果，[[无笑全额退款]]。"),
    ("asr-error", "这批茶砖[[淌着赚钱]]，您囤十箱就够。"),
    ("asr-error", "这台仪器[[世界令先]]，同行都在学。"),
    ("asr-error", "代理我家酸奶[[淌着赚钱]]，名额不多。"),
    ("asr-error", "这张卡[[零封险]]，闲钱放着就行。"),
    ("asr-error", "喝我们的灵芝汤，[[癌症也能根制]]。"),
    ("asr-error", "我们的按摩仪[[至疗失眠]]，您试试。"),
    ("nasal", "这款产品[[世界令先]]，您可以看看。"),
    ("lookalike", "我们的净水器是[[囯家级]]的产品，您放心。"),
    ("lookalike", "本店卤鹅是全国[[蕞好]]的，招牌挂着呢。"),
    ("lookalike", "这款枕头[[能冶疗失眠]]，您试试。"),
    ("lookalike", "这是[[稳赚卜赔]]的项目"),
    ("lookalike", "我们这个项目[[稳嫌不赔]]，您投吧。"),
    ("lookalike", "这个理财[[保夲保息]]，您放心。"),
    ("lookalike", "这瓶精油[[可以冶疗关节炎]]。"),
    ("lookalike", "我们的床垫全国[[苐一]]，您看看。"),
    ("lookalike", "这款理财[[零风脸]]，您放心投。"),
    ("lookalike", "这款空调全网[[最底]]价，您下单吧。"),
    ("lookalike", "这是[[惟一一款能根冶糖尿病的茶]]。"),
    ("split-char", "这个项目[[禾急赚不赔]]，您投吧。"),
    ("split-char", "茶园拿的[[国宀豕级]]认证，包装上印着。"),
    ("split-char", "我们的技术[[世界令页先]]，您看看。"),
    ("split-char", "这个枕头[[能氵台疗失眠]]，您试试。"),
    ("split-char", "这款茶[[能木艮治糖尿病]]，您买两盒。"),
    ("split-char", "我们的产品全国[[最女子]]，您看看。"),
    ("split-char", "常喝这种菌汤[[抗疒嵒]]，大夫都夸。"),
    ("split-char", "这款理财[[亻呆本保息]]，您放心。"),
    ("split-char", "这个项目[[稳贝兼不赔]]，您投吧。"),
    ("split-char", "我们的净水机全国[[竹弟一]]，您看看。"),
    ("split-char", "这款茶[[氵台疗失眠]]"),
    ("split-char", "我们的产品[[纟色对安全]]，没有任何副作用。"),
    ("pinyin", "本店卤鹅销量[[quanguo第一]]，天天排队。"),
    ("pinyin", "茶园拿的[[guojia级]]认证，您喝着看。"),
    ("pinyin", "这个项目[[wen赚不赔]]，您投吧。"),
    ("pinyin", "这款理财[[保ben保息]]，您放心。"),
    ("pinyin", "这款茶[[能gen治糖尿病]]，您买两盒。"),
    ("pinyin", "点一支檀香[[就能zhi疗失眠]]，三晚见效。"),
    ("pinyin", "这款茶能[[抗ai]]，您带两盒吧。"),
    ("pinyin", "我们的技术[[世jie领先]]，您看看。"),
    ("pinyin", "这瓶酵素[[gen治糖尿病]]，邻居都停药了。"),
    ("pinyin", "加盟我们[[tang着赚钱]]，您考虑一下。"),
    ("pinyin", "这个投资[[ling风险]]，您放心。"),
    ("pinyin", "本店卤鹅是全国[[zui好]]的，招牌挂着呢。"),
    ("pinyin", "买这只基金[[wen赚不赔]]，行情摆着呢。"),
    ("pinyin", "这份年金[[ling风险]]，您闭眼存。"),
    ("pinyin", "我们有[[zui好]]的产品"),
    ("pinyin", "我们是[[guo家级]]产品"),
    ("pinyin", "这款[[wen赚不赔]]"),
    ("pinyin", "我们用[[zui先进]]的技术"),
    ("pinyin", "这款产品[[zuihao]]。"),
    ("pinyin", "用了没效果，[[wu效全额退款]]。"),
    ("initials", "我们的净水机全国[[dy]]，您看看。"),
    ("initials", "我们的净水机是[[qg第一]]的牌子。"),
    ("initials", "这个枕头[[能zl失眠]]，您试试。"),
    ("initials", "我们卖的是[[gjj]]的品质，送礼也体面。"),
    ("initials", "这个项目[[wz不赔]]，您投吧。"),
    ("initials", "这批字画[[wz不赔]]，您收两幅。"),
    ("initials", "这款理财[[bb保息]]，您放心。"),
    ("mixed", "这罐蜂蜜是[[囯*家*及]]的品质。"),
    ("initials", "咱们是[[zg第1]]的装修公司"),
    ("mixed", "我们是全国[[zg第1品牌]]"),
    ("mixed", "我们的净水机是[[zg第1]]的牌子。"),
    ("mixed", "本店卤鹅销量[[qg第①]]，天天排队。"),
    ("mixed", "这个项目[[禾急贝兼不赔]]，您投吧。"),
    ("mixed", "这款理财[[保·夲·保·息]]，您放心。"),
    ("mixed", "我们的牛奶全-国-[[蕞-好]]，您尝尝。"),
    ("mixed", "这个枕头[[能 冶 疗 失 眠]]，您试试。"),
    ("mixed-digit", "本店卤鹅销量全国[[第①]]，天天排队。"),
    ("mixed-digit", "这个投资[[〇风险]]，您放心。"),
    ("mixed-digit", "这个投资[[0风险]]，您放心。"),
    ("mixed-digit", "这副中药对胃病[[有效率百分之9十八]]，研究证明过的。"),
    ("mixed-digit", "我们的祛痘膏[[有效率高达98个percent]]。"),
    ("mixed-digit", "我们的祛痘膏[[有效率高达玖捌%]]。"),
    ("mixed-digit", "这块玉[[原价3w6，现在只要6百6]]。"),
    ("mixed-digit", "这块玉[[原价3.6万，现在只要660]]。"),
    ("mixed-digit", "这块玉[[原价3萬六，现在只要六百六]]。"),
    ("leet", "本店卤鹅销量全国[[NO.1]]，天天排队。"),
    ("leet", "本店卤鹅销量全国[[TOP1]]，天天排队。"),
    ("leet", "我们的祛斑霜[[1oo%有效]]，您买一瓶吧。"),
    ("leet", "加盟我们[[躺着赚￥，]]您考虑一下。"),
    ("emoji-substitute", "加盟我们[[躺着赚💰，]]您考虑一下。"),
    ("emoji-substitute", "跟着我炒股[[稳赚💰]]，您拉个群。"),
    ("emoji-substitute", "我们的净水机全国[[🥇]]，您看看。"),
    ("emoji-substitute", "我们的祛斑霜[[💯有效]]，您买一瓶吧。"),
    ("dialect", "本店卤鹅是全国[[至好]]的，招牌挂着呢。"),
    ("dialect", "本店的烧鹅全国[[最正]]，外卖也送。"),
    ("dialect", "呢款系[[国家级]]嘅产品，您放心。"),
    ("dialect", "买我哋嘅基金，[[冇风险]]，包您赚。"),
    ("dialect", "这批茶具全国[[最靓]]，景德镇烧的。"),
    ("traditional", "這個項目[[穩賺不賠]]，您投吧。"),
    ("traditional", "這款茶[[能根治糖尿病]]，您買兩盒。"),
    ("combining-mark", "这款酒是全国[[第̲一̲]]，窖藏的。"),
    ("fullwidth", "我们的祛斑霜[[１００％有效]]，用过都知道。"),
    ("filler", "我们卖的是[[国家，嗯，级]]的品质，送礼也体面。"),
    ("filler", "这个盘子[[稳赚，就是，不赔]]，闭眼跟。"),
    ("filler", "[[喝这个能根治，那个，糖尿病]]，药都不用吃。"),
    ("filler", "这个项目[[稳赚，这个，不赔]]，您投吧。"),
    ("stutter", "我们的净水机全国全国[[第第一]]，您看看。"),
    ("stutter", "这款茶[[能根治糖、糖尿病]]，您买两盒。"),
    ("stutter", "这款理财保、[[保本保息]]，您放心。"),
    ("symbol-run", "我们的祛斑霜[[1_0_0_%_有_效]]，用过都知道。"),
    ("symbol-run", "这款酒全+国+[[第+一]]，窖藏的。"),
    ("reorder", "本店卤鹅是[[销量第一]]，全国的，天天排队。"),
    ("no-punct", "这个项目[[稳赚不赔]]您投吧不用考虑"),
]

INNOCENT = [
    # Latin letters that are names, abbreviations or English
    "群里昵称叫 wenzhuan 的是财务。", "邮箱是baoben@qq.com，您记一下。", "我的微信号tianyu，您搜一下。", "用户名是baoguo，密码您自己设。",
    "表头写 gjj，代表公积金那一栏。", "请问您的gjj账户在哪个城市？", "拼音是 diyi，您输入就行。", "停车场 No.1 闸机今天检修。", "硬盘目录 TOP1 清空了，照片另存。",
    "练习册 A 本先做完，B 本下学期发。", "D1 登机口换到 D7 了。", "请把PPT发给zhangli。", "这个ai软件怎么用？", "您在app里点一下确认。", "他叫gen，是新来的同事。", "开会用的是zoom。",
    "网址是 www.quanguo.com。", "账号zuihao，尾号三位。", "英文名叫Wen，姓张。", "会议室在B1，电梯下去。", "wifi密码是baobao2020。", "登录名wenzhuan已经注册。",
    "第①步打开页面，第②步填写信息。", "1对1的辅导时间您定。", "我们1对1沟通一下。", "ＮＯ．１仓库的钥匙在前台。",
    # ordinary words that sound or look like a term
    "请不要醉驾，酒后找代驾。", "您最近zui近在忙什么？", "家里的保姆请假了。", "蕞尔之地，来去一天就够。", "票根留着，观众奖项要凭它领。", "他上个月刚去过广东出差。", "唱歌陶冶情操，大家周三见。",
    "巷子里的烧饼铺搬走了。", "国家及地方标准都可以查到。", "国家机关周末不上班。", "首先我们核对一下地址。", "他收藏了几块奇石。", "我报过名了，谢谢。", "他跑过马拉松。", "他弟弟一直在外地。",
    "弟弟一早就出门了。", "请您稍等，我帮您登记。", "公园里有很多荷花。", "他是抗战老兵。", "抗碱涂料要晾两天。", "岩石样本寄到了。", "门口的亢先生来过。", "聊城的客户下周到。", "视界传媒在隔壁楼。",
    "他转钱给家里了。", "淌着水过河要小心。", "饺子包好了，先煮一锅。", "保安说车不能停这里。", "保温杯在桌上。", "宝宝睡着了，小声点。", "这本书是借来的。", "报本子的数量给我就行。", "她嫌钱包太小。",
    "他嫌赔礼太麻烦。", "货款已经到账。", "货车停在楼下。", "陪您去看房的是小王。", "他陪孩子写作业。", "脸色不太好，多休息。", "板凳在阳台。", "维修师傅下午到。", "唯恐迟到，早点出门。", "隐私设置在第二页。",
    "稳定器坏了，要换一个。", "冶金学院在城东。", "辽宁的快递到了。", "汲水泵需要保养。", "兔子跑了，快追。", "沸水要晾凉。", "冼先生您好。", "惟妙惟肖的画。", "堡垒游戏好玩。", "煲汤的锅在柜子里。", "苯是化学品。",
    "女子排球今晚有比赛。", "女子单打冠军是她。", "王元同学请到办公室。", "日取号三百个，现场排队。", "木板和木条各十根。", "言正名顺的道理他懂。", "弓虽旧了还能用。", "石开先生来过电话。", "月中旬再联系您。",
    "日月潭很漂亮。", "又寸步难行了。", "门口马路在修。", "这张桌子木及金属都有。", "人王先生登记了。", "舌头有点疼。",
    # numbers
    "2 大 1 小三张行李票。", "房间号是0808。", "一共一万八千字。", "三成熟的牛排。", "九成新的自行车。", "零下五度，多穿点。", "今天气温0度。", "请按0转人工。", "把第1页跟第3页装反了。",
    "快递单号后四位是9800。", "会议3点开始。", "他跑了10k，用时一小时。", "内存8g够用。", "电话是10086。", "身高一米八。", "九百八十页的书。",
    # across boundaries
    "表里先写国家，级数空着。", "您填的国家，嗯，级别没有选上。", "余额显示零，风险测评还没做。", "骑车求稳，赚了时间也没意义。", "会议进行中，奖状散会再发。", "明天起全员到岗办公，安检走东门。", "请担保，本周内签字。",
    "那个，首，首班车六点发。", "市 民 中 心 周 三 休 息", "设 置 ＞ 隐 私 ＞ 定 位", "早/晚高峰请提前出门。", "姓名/保单号请核对。", "水+电+煤一共两百。", "嗯，那个，您稍等一下。", "呃，我看一下，嗯，好的。",
    "那个，就是，您的快递到了。", "排第三，全国有三十个队。", "好的好的，我知道了。", "谢谢谢谢，再见。", "慢慢来，不着急。", "看看，再看看。", "天天都要打卡。", "对对对，是这个地址。", "哈哈哈，太逗了。",
    "嗯嗯，辛苦辛苦您跑一趟。", "哦，这样啊，麻烦麻烦你们了。",
    # traditional, dialect, pictures
    "臺北車站的出口在左邊。", "請把圖紙寄給陳先生。", "唔好意思，请问您边位？", "我系广州人，佢系佛山人。", "今日天气几好。", "食咗饭未？", "位置最正中间那个。", "他最正直。", "截至好几点？", "甚至好几个人。", "好的👌，明天见。",
    "生日快乐🎂🎁。", "路上小心🚗。", "早上好☀️。", "今天跑了五公里🏃。", "我在银行🏦门口等您。", "医院🏥几点开门？",
    "您的包裹已经放在门口。", "请问您几点方便接电话？", "周末加班的人请登记。", "这个问题我记录下来了。", "您先看合同再决定。", "老师请大家把作业交上来。", "电梯坏了，请走楼梯。", "孩子的书包忘带了。", "我们下午三点开会。",
    "请把窗户关一下。", "雨下得很大，路上慢点。",
]  # fmt: skip


def _flagged(checker: Checker, text: str) -> bool:
    return any(finding.level in ("block", "review") for finding in checker.check(text).findings)


@pytest.mark.parametrize("claim", CLAIMS)
def test_claims_of_these_tests_are_found_undisguised(checker: Checker, claim: str) -> None:
    assert _flagged(checker, CLAIMS[claim].format(claim))


@pytest.mark.parametrize("technique", MECHANICAL)
@pytest.mark.parametrize("claim", CLAIMS)
def test_mechanical_disguises_are_found(checker: Checker, claim: str, technique: str) -> None:
    assert _flagged(checker, CLAIMS[claim].format(MECHANICAL[technique](claim)))


@pytest.mark.parametrize(("technique", "marked"), GUILTY)
def test_disguised_claims_are_found_whole(checker: Checker, technique: str, marked: str) -> None:
    head, claim, tail = re.split(r"\[\[|\]\]", marked)
    findings = checker.check(head + claim + tail).findings
    found = {f.matched: f.span.start for f in findings if f.level != "hint"}
    assert found.get(claim) == len(head), found


def test_a_disguise_is_read_the_same_alone_and_among_many(checker: Checker) -> None:
    """Few places are looked at one by one, many at once; fragments are looked up in a table, later in a set."""
    texts = [re.sub(r"\[\[|\]\]", "", marked) for _, marked in GUILTY] + INNOCENT
    texts = [text if text.endswith("。") else f"{text}。" for text in texts]

    def views(disguises: Disguises, text: str) -> list[tuple[int, str]]:
        view = disguises.read(plain_view(Document(text=text)))
        return [
            (reading, view.text[start:end])
            for reading, start, end in zip(view.readings.tolist(), view.starts.tolist(), view.ends.tolist())
        ]

    first, later = (Disguises(checker.engine.scanner, checker.engine.tokenizer.spans) for _ in range(2))
    later.read(plain_view(Document(text="您好。" * 10_000)))
    alone = sorted(view for text in texts for view in views(later, text))
    assert sorted(views(first, "".join(texts))) == alone
    assert sorted(views(later, "".join(texts))) == alone


def _splits() -> dict[str, str]:
    return {real: parts[0] for real, parts in load_yaml("confusions.yaml")["splits"].items()}


def _shapes() -> dict[str, str]:
    return {real: likes[0] for real, likes in load_yaml("confusions.yaml")["shapes"].items()}


#: How one character of a claim is written, or the same character where the disguise knows none.
BY_CHARACTER: dict[str, Callable[[str], str]] = {
    "split-char": lambda character: _splits().get(character, character),
    "lookalike": lambda character: _shapes().get(character, character),
    "pinyin": lambda character: lazy_pinyin(character)[0],
    "pinyin-capital": lambda character: lazy_pinyin(character)[0].title(),
    "pinyin-tone": lambda character: lazy_pinyin(character, style=Style.TONE)[0],
    "initial": lambda character: lazy_pinyin(character)[0][0],
    "combining-mark": lambda character: character + "\u0332",
    "symbol": lambda character: "*" + character,
    "fullwidth": lambda character: "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in lazy_pinyin(character)[0]
    ),
}


def _disguised(claim: str, technique: str) -> Iterator[list[str]]:
    """The claim with one to three characters in a row disguised, character by character."""
    written = [BY_CHARACTER[technique](character) for character in claim]
    for size in (1, 2, 3):
        for start in range(len(claim) - size + 1):
            stretch = range(start, start + size)
            if all(written[place] != claim[place] for place in stretch):
                yield [written[place] if place in stretch else c for place, c in enumerate(claim)]


@pytest.mark.parametrize("technique", BY_CHARACTER)
def test_findings_and_rewrites_take_whole_disguises(checker: Checker, technique: str) -> None:
    exact = 0
    for claim, carrier in CLAIMS.items():
        head, tail = carrier.split("{}")
        plain = {
            (f.rule_id, f.matched): f.span for f in checker.check(carrier.format(claim)).findings if f.matched
        }
        for pieces in _disguised(claim, technique):
            written = [*head, *pieces, *tail]
            edges = [0, *accumulate(map(len, written))]
            text = "".join(written)
            cuts = {
                place
                for start, end, piece in zip(edges, edges[1:], written)
                for place in range(start + 1, end)
                if not piece.startswith("*")
            }
            for finding in checker.check(text).findings:
                # A rewrite may take the words around, and leave a mark on the character before it.
                rewrites = () if technique == "combining-mark" else finding.rewrites
                for span in (finding.span, *(rewrite.span for rewrite in rewrites)):
                    assert cuts.isdisjoint(span), (text, finding.rule_id, text[span.start : span.end])
                undisguised = plain.get((finding.rule_id, finding.explanation.read_as))
                if undisguised is not None:
                    whole = Span(edges[undisguised.start], edges[undisguised.end])
                    assert text[whole.start : whole.end].lstrip("*") == finding.matched
                    exact += 1
    assert exact > len(CLAIMS)


@pytest.mark.parametrize(
    ("written", "readings"),
    [
        ("九八趴", ["98%"]),
        ("98个percent", ["98%"]),
        ("九成八", ["98%"]),
        ("百分之九十八点五", ["98.5%"]),
        ("百分之9十八", ["98%"]),
        ("百分之98.5", ["98.5%"]),
        ("1oo%", ["100"]),
        ("1w8", ["18000"]),
        ("1.8万", ["18000"]),
        ("一万八", ["18000"]),
        ("1万八", ["18000"]),
        ("9百8", ["980"]),
        ("三十天", []),
        ("九成新", []),
        ("3月8日", []),
    ],
)
def test_odd_numbers_are_read_as_digits(written: str, readings: list[str]) -> None:
    assert [change[2] for change in number_readings(written)] == readings


def test_the_explanation_says_what_was_read_as_what(checker: Checker) -> None:
    (finding,) = checker.check("这个枕头能氵台疗失眠，您试试。").findings
    assert "氵台疗失眠" in finding.matched
    assert finding.explanation.view == "shape"
    assert "治疗失眠" in finding.explanation.read_as


@pytest.mark.parametrize(("technique", "text"), GUILTY)
def test_every_view_keeps_the_way_back_to_the_text(checker: Checker, technique: str, text: str) -> None:
    text = re.sub(r"\[\[|\]\]", "", text)
    scene = Scene([Document(text=text)])
    view = checker.engine.disguises.read(scene.plain)
    assert len(view.text) == len(view.codes) == len(view.index) == len(view.lasts)
    assert (view.index <= view.lasts).all()
    assert all(0 <= place < len(text) for place in view.index.tolist())
    for start, end in zip(view.starts.tolist(), view.ends.tolist()):
        for places in (view.index[start:end].tolist(), view.lasts[start:end].tolist()):
            assert places == sorted(places)


def test_an_ordinary_text_has_no_disguised_views(checker: Checker) -> None:
    disguises: Disguises = checker.engine.disguises
    plain = plain_view(Document(text="请问您几点方便接电话，我下午三点再打给您。"))
    assert inserted_view(plain, disguises.joins) is None
    assert disguises.read(plain) is plain


def test_pypinyin_is_not_needed_once_the_syllables_are_kept(checker: Checker) -> None:
    checker.check("这是国家及的产品")
    code = (
        "import sys; sys.modules['pypinyin'] = None\n"
        "from checker.pipeline import Checker\n"
        "assert Checker(rewrites=False).check('这是国家及的产品').findings"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("text", INNOCENT)
def test_ordinary_words_are_no_disguises(checker: Checker, text: str) -> None:
    report = checker.check(text)
    assert [
        (f.matched, f.explanation.view, f.explanation.read_as) for f in report.findings if f.level != "hint"
    ] == []


def test_ordinary_sentences_with_homophones_of_our_words_are_clean(checker: Checker) -> None:
    sentences = (Path(__file__).parent / "data" / "homophones.txt").read_text(encoding="utf-8").splitlines()
    flagged = {
        sentence: [
            finding.matched
            for finding in report.findings
            if finding.level != "hint" and finding.explanation.source != "model"
        ]
        for sentence, report in zip(sentences, checker.check_many(sentences))
    }
    assert {sentence: found for sentence, found in flagged.items() if found} == {}
