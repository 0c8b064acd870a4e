"""What officers read for our slugs: the only place where the Chinese names stand.

Keys are the values that findings, reports and lexicons carry. An unknown slug (a new industry, a
strength of a user's own lexicon) is shown as it is: see :func:`name_of`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType


def _frozen(names: dict[str, str]) -> Mapping[str, str]:
    return MappingProxyType(names)


#: In the order of the design's table; the last one is about inline suppressions, not about words.
CATEGORY_NAMES = _frozen(
    {
        "absolute": "绝对化用语",
        "guarantee": "保证性承诺",
        "efficacy": "功效断言",
        "unsupported-data": "无据数据",
        "endorsement": "权威与背书",
        "disparagement": "贬低比较",
        "price": "价格与优惠",
        "pressure": "紧迫施压",
        "impersonation": "身份不实",
        "privacy": "个人信息",
        "nuisance": "骚扰与拒绝",
        "disclosure": "必要告知缺失",
        "morality": "公序良俗",
        "prohibited": "禁止推广",
        "exaggeration": "夸大误导",
        "suppression": "忽略标记",
    }
)
LEVEL_NAMES = _frozen({"block": "禁止使用", "review": "需复核", "hint": "提示"})
STATE_NAMES = _frozen({"violation": "违规", "needs-evidence": "需证明材料", "excused": "已豁免"})
VERDICT_NAMES = _frozen({"pass": "通过", "review": "需复核", "block": "禁止使用"})
CHANNEL_NAMES = _frozen(
    {
        "call_1to1": "人工一对一电话",
        "call_ai": "智能外呼",
        "call_broadcast": "语音群呼",
        "sms": "短信",
        "im": "即时通信",
        "live": "直播",
        "page": "网页与图文",
        "offline_event": "线下活动",
    }
)
#: How binding a legal basis is, strongest first (``strength`` in ``lexicons/law.yaml``).
STRENGTH_NAMES = _frozen(
    {
        "law": "法律",
        "reg": "行政法规",
        "rule": "部门规章",
        "doc": "规范性文件",
        "guide": "执法指南",
        "std": "标准",
        "self": "自律规则",
        "eng": "内部约定",
    }
)
APPLY_NAMES = _frozen({"safe": "可直接替换", "suggest": "建议，请确认语义", "manual": "须补充事实"})
SPEAKER_NAMES = _frozen({"agent": "客服", "customer": "客户", "unknown": "未标明"})
#: In which reading of the text the words were found.
VIEW_NAMES = _frozen(
    {"plain": "原文", "inserted": "去除插入的符号或空格后", "shape": "按形近字或拆字", "sound": "按读音"}
)
INDUSTRY_NAMES = _frozen(
    {
        "agri": "农资",
        "auto": "汽车",
        "collection": "催收",
        "cosmetics": "化妆品",
        "device": "医疗器械",
        "drug": "药品",
        "ecommerce": "电商直播",
        "education": "教育培训",
        "elderly": "养老",
        "finance": "金融理财",
        "food": "食品",
        "franchise": "招商加盟",
        "healthfood": "保健食品",
        "home": "家居家电",
        "insurance": "保险",
        "liquor": "酒类",
        "loan": "贷款",
        "medbeauty": "医疗美容",
        "medical": "医疗",
        "other": "其他",
        "realestate": "房地产",
        "telecom": "电信",
        "tobacco": "烟草",
        "travel": "旅游",
    }
)


class UnknownIndustryError(ValueError):
    """An industry that nobody knows; the message names near ones."""


def industry_id(name: str, own: Collection[str] = ()) -> str:
    """The id of an industry from its id or Chinese name; ``own`` are ids of a user's own lexicons.

    Raises UnknownIndustryError.

    >>> industry_id("insurance"), industry_id("房地产"), industry_id(" Loan ")
    ('insurance', 'realestate', 'loan')
    >>> industry_id("insurence")
    Traceback (most recent call last):
    checker.labels.UnknownIndustryError: unknown industry 'insurence'; did you mean insurance (保险)?
    """
    wanted = name.strip()
    if wanted in own:
        return wanted
    if wanted.lower() in INDUSTRY_NAMES:
        return wanted.lower()
    from difflib import get_close_matches

    ids = {chinese: slug for slug, chinese in INDUSTRY_NAMES.items()}
    if wanted in ids:
        return ids[wanted]
    near = get_close_matches(wanted.lower(), [*INDUSTRY_NAMES, *ids], n=3, cutoff=0.5)
    near += [chinese for chinese in ids if wanted and (wanted in chinese or chinese in wanted)]
    slugs = dict.fromkeys(ids.get(one, one) for one in near)
    told = ", ".join(f"{slug} ({INDUSTRY_NAMES[slug]})" for slug in (slugs or INDUSTRY_NAMES))
    what = f"did you mean {told}?" if slugs else f"use one of {told}"
    raise UnknownIndustryError(f"unknown industry {wanted!r}; {what}")


def known_industry(name: str | None, own: Collection[str] = ()) -> str | None:
    """As :func:`industry_id`; None where nobody knows the industry, as in the data of an archive."""
    try:
        return industry_id(name, own) if name else None
    except UnknownIndustryError:
        return None


def name_of(names: Mapping[str, str], slug: object) -> str:
    """The Chinese name of a slug, or the slug itself when it has none.

    >>> name_of(LEVEL_NAMES, "block"), name_of(INDUSTRY_NAMES, "pets")
    ('禁止使用', 'pets')
    """
    return names.get(str(slug), str(slug))
