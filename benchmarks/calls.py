"""Synthetic archives of calls with realistic length and repetition, from a seed.

A call has a script's opening, some exchanges and an end; agents of a team use the same sentences, with
names, numbers and dates filled in, so that most sentences occur many times and some never again.
``python -m benchmarks.calls 100000 calls.jsonl`` writes an archive.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.text import CLAIMS, CUSTOMER, INNOCENT

OPENINGS = [
    "您好，我是{company}的小{surname}，工号{n4}，请问是{surname}先生吗",
    "喂您好，这里是{company}，给您来电是想介绍一下{goods}",
    "您好打扰一下，我这边是做{goods}的，想问一下您最近有没有需要",
    "您好，我是{company}的智能语音助手，本次通话会录音",
]
REFUSALS = [
    "不需要",
    "不用了谢谢",
    "我没这个需求",
    "不感兴趣",
    "别再打了",
    "我在开车，不方便",
    "你们哪来的我的电话",
]
GOOD = [
    "好的，那不打扰您了，祝您生活愉快",
    "好的，已经给您登记，以后不会再给您来电",
    "您是之前在我们网站登记过，不需要我帮您删除",
]
BAD = [
    "您先别急着拒绝，听我说完",
    "那我过两天再给您打",
    "没关系，您加一下我的微信",
    "我们这次利息很低，真的不耽误您时间",
]
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
COMPANIES = [
    "恒泰普惠",
    "安心保险公司",
    "明远教育",
    "锦绣装饰",
    "瑞丰财富",
    "顺达汽车",
    "云推网络科技有限公司",
    "康源健康",
]
GOODS = ["贷款", "保险", "理财", "课程", "净水器", "宽带", "装修套餐", "新房"]
CITIES = ["上海", "成都", "杭州", "武汉", "西安", "南京"]
STREETS = ["人民", "中山", "解放", "建设", "和平"]
AGENTS, TEAMS, DAYS = 400, 20, 30


def calls(count: int, seed: int = 7) -> Iterator[dict[str, object]]:
    """``count`` calls in the order of their time; a quarter of the customers are called again."""
    rng = random.Random(seed)

    def fill(pattern: str) -> str:
        return pattern.format(
            surname=rng.choice(SURNAMES),
            company=rng.choice(COMPANIES),
            goods=rng.choice(GOODS),
            city=rng.choice(CITIES),
            street=rng.choice(STREETS),
            month=rng.randint(1, 12),
            day=rng.randint(1, 28),
            n1=rng.randint(1, 9),
            n2=rng.randint(10, 99),
            n3=rng.randint(100, 999),
            n4=rng.randint(1000, 9999),
        )

    start = datetime(2026, 11, 1)
    for number in range(count):
        agent = rng.randrange(AGENTS)
        said = [["agent", fill(rng.choice(OPENINGS))]]
        for _ in range(max(2, int(rng.gauss(9, 4)))):
            said.append(["customer", fill(rng.choice(CUSTOMER))])
            sentences = [
                fill(rng.choice(CLAIMS if rng.random() < 0.03 else INNOCENT))
                for _ in range(rng.randint(1, 2))
            ]
            said.append(["agent", "。".join(sentences)])
        if rng.random() < 0.4:
            said += [
                ["customer", rng.choice(REFUSALS)],
                ["agent", rng.choice(BAD if rng.random() < 0.3 else GOOD)],
            ]
        day = start + timedelta(days=number * DAYS // count, hours=9, seconds=rng.randrange(12 * 3600))
        yield {
            "call_id": f"call-{number:07d}",
            "agent": f"坐席{agent:03d}",
            "team": f"团队{agent % TEAMS:02d}",
            "phone": f"13{rng.randrange(count * 3 // 4 + 1):09d}",
            "caller": f"0571{rng.randrange(6):07d}",
            "start": f"{day:%Y-%m-%d %H:%M:%S}",
            "duration": 6 * len(said),
            "campaign": f"活动{rng.randrange(4)}",
            "consent": rng.choice(["是", "是", "是", "否"]),
            "turns": [{"role": role, "text": text} for role, text in said],
        }


def write(place: Path, count: int) -> int:
    """Write an archive and return the number of characters said."""
    characters = 0
    with place.open("w", encoding="utf-8") as stream:
        for call in calls(count):
            characters += sum(len(turn["text"]) for turn in call["turns"])  # type: ignore[attr-defined]
            stream.write(json.dumps(call, ensure_ascii=False) + "\n")
    return characters


if __name__ == "__main__":
    print(write(Path(sys.argv[2]), int(sys.argv[1])), "characters")
