"""Realistic dialogue text for measurements, made from a seed; no real call is in it.

Sentences are put together from parts we wrote, with names, numbers and dates that vary, so that
many sentences differ in nothing but those (:func:`repetition` tells how many are the same). Three
sentences in a hundred hold a claim.
"""

from __future__ import annotations

import random

OPENINGS = [
    "喂，您好",
    "您好",
    "哎，您好",
    "{surname}先生您好",
    "{surname}女士，打扰您了",
    "嗯，是这样的",
    "那个",
    "对，然后",
    "好的好的",
    "行，那我跟您说一下",
]
INNOCENT = [
    "我这边是{city}{company}的小{surname}，工号{n4}",
    "今天给您打电话主要是跟您确认一下{month}月{day}号的预约时间",
    "您之前在我们网站上登记过，想了解一下{goods}的情况",
    "具体的费用是每个月{n3}块钱，合约期{n2}个月，到期以后按标准资费收",
    "最近我们这边活动比较多，您看哪天方便过来看一下",
    "您最好带上身份证原件，第一次办理需要当面核对",
    "这个以合同为准，我说的您可以先记一下，回头再对照",
    "收益是浮动的，不保证本金，您先做一下风险测评再决定",
    "我们在{city}{street}路{n3}号，坐地铁{n1}号线到{street}站，走过来大概{n1}百米",
    "如果您暂时不需要也没关系，我帮您登记一下，后面就不再打扰您",
    "这款{goods}一共有{n1}个版本，您上次看的是第{n1}个",
    "售后的话签收以后七天之内可以退，超过时间就按维修处理",
    "房东那边说价格还可以再谈一谈，但是要等他从外地回来",
    "麻烦您留意一下短信，稍后系统会把地址和联系电话发给您",
    "快递{month}月{day}号从{city}发出的，预计两到三天能到",
    "您说的这个情况我已经记录下来了，会转给相关的同事处理",
    "孩子现在上几年级，平时是住校还是走读",
    "面积是{n3}平，{n1}室{n1}厅，楼层在{n2}层，朝南",
]  # fmt: skip
CLAIMS = [
    "我们这款{goods}是全国最好的，没有之一",
    "您放心，{n1}个月保证回本，稳赚不赔",
    "这个{goods}是国家级的品质，央视都推荐过",
    "名额只剩最后{n1}个，今天不定明天就没有了",
    "百分之{n2}的客户都续费了，您还犹豫什么",
    "用{n1}个疗程就能根治，没有任何副作用",
    "别家都是骗人的，只有我们家是正规的",
    "不看征信，{n1}分钟到账，{n2}万额度随便用",
]
CUSTOMER = [
    "嗯",
    "好的",
    "你说吧",
    "多少钱啊",
    "我现在在开车，不太方便",
    "最好能便宜点",
    "你们是不是最便宜的",
    "我再考虑考虑",
    "那个{street}路的店还在吗",
    "行，{day}号下午吧",
]
GOODS = ["套餐", "课程", "净水器", "理财产品", "保险", "房子", "面膜", "宽带", "茶叶", "车"]
CITIES = ["上海", "成都", "青岛", "合肥", "西安", "长沙", "沈阳", "南宁"]
COMPANIES = ["和顺服务公司", "启明教育", "安居房产", "恒通通信", "百草健康", "远航汽车"]
STREETS = ["中山", "人民", "解放", "建设", "和平", "长江", "文化", "滨河"]
SURNAMES = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"]


def filled(part: str, rng: random.Random) -> str:
    """A part of ours with names and numbers put in."""
    return part.format(
        surname=rng.choice(SURNAMES),
        city=rng.choice(CITIES),
        company=rng.choice(COMPANIES),
        street=rng.choice(STREETS),
        goods=rng.choice(GOODS),
        month=rng.randint(1, 12),
        day=rng.randint(1, 28),
        n1=rng.randint(2, 9),
        n2=rng.randint(10, 99),
        n3=rng.randint(100, 999),
        n4=rng.randint(1000, 9999),
    )


def paragraphs(count: int, *, characters: int = 500, seed: int = 7) -> list[str]:
    """``count`` paragraphs of about ``characters`` code points of one-sided talk."""
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        pieces: list[str] = []
        length = 0
        while length < characters:
            roll = rng.random()
            body = CLAIMS if roll < 0.03 else CUSTOMER if roll < 0.2 else INNOCENT
            sentence = filled(rng.choice(body), rng)
            if rng.random() < 0.5:
                sentence = f"{filled(rng.choice(OPENINGS), rng)}，{sentence}"
            pieces.append(sentence + rng.choice("。。。？！"))
            length += len(pieces[-1])
        out.append("".join(pieces))
    return out


def repetition(texts: list[str]) -> float:
    """Share of sentences that occur more than once."""
    sentences = [s for text in texts for s in text.replace("？", "。").replace("！", "。").split("。") if s]
    return 1 - len(set(sentences)) / len(sentences)
