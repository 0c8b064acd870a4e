"""People, texts and rules of the desk's tests."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from checker.desk.services import people
from checker.desk.services.core import Actor, Desk
from checker.desk.settings import DeskSettings
from checker.desk.store.database import Database
from checker.pipeline import Checker

PASSWORD = "correct-horse-9"
HOUSE = """
category: exaggeration
rules:
  - id: exaggeration/house-palace
    level: block
    match: {terms: [神仙宫殿]}
    message: “{matched}”夸大了房子
    why: 无法证明
    basis: [ad-law-9-3]
    rewrite: {to: 宽敞的房子, apply: suggest}
    examples:
      - flags: 这是[[神仙宫殿]]
      - passes: 这是茶
        because: 没有夸大
  - id: exaggeration/house-river
    level: review
    match: {terms: [醉美河湾景]}
    message: “{matched}”夸大了景色
    why: 无法证明
    basis: [ad-law-9-3]
    rewrite: {to: 能看到河, apply: safe}
    examples:
      - flags: 窗外是[[醉美河湾景]]
      - passes: 这是茶
        because: 没有夸大
  - id: exaggeration/house-renewal
    level: review
    state: needs-evidence
    evidence: 续约统计表
    match: {terms: [九成业主续约]}
    message: “{matched}”需要统计表
    why: 数据须有来源
    basis: [ad-law-9-3]
    examples:
      - flags: 我们有[[九成业主续约]]
      - passes: 这是茶
        because: 没有数据
"""
NEW_RULE = """
category: exaggeration
rules:
  - id: exaggeration/house-lift
    level: block
    match: {terms: [独立电梯]}
    message: “{matched}”从今天起不能说
    why: 规则更新
    basis: [ad-law-9-3]
    examples:
      - flags: 每户都有[[独立电梯]]
      - passes: 这是茶
        because: 没有电梯
"""
CLEAN = (
    "客服：您好，我是【公司名称】的置业顾问小林。\n客户：您说。\n客服：这套房子有独立电梯，您方便来看看吗？"
)
DIRTY = (
    "客服：您好，我是【公司名称】的置业顾问小林。\n客户：您说。\n"
    "客服：这套是神仙宫殿。从客厅看，窗外是醉美河湾景。\n客户：是吗？\n客服：我们小区九成业主续约，有独立电梯。"
)


def new_database(server: str) -> str:
    name = f"desk_{os.urandom(6).hex()}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.rsplit("/", 1)[0] + f"/{name}"


@dataclass
class Office:
    """A desk with people. ``use`` puts other rules in force."""

    desk: Desk
    people: dict[str, Actor]
    checkers: list[Checker]

    def use(self, checker: Checker) -> None:
        self.checkers[0] = checker

    def __getattr__(self, name: str) -> Actor:
        return self.people[name]


def make_office(url: str, data: Path, checker: Checker) -> Office:
    settings = DeskSettings(data=data, store=url)
    database = Database(url)
    database.migrate()
    checkers = [checker]
    desk = Desk(settings, database, lambda: checkers[0])
    return Office(desk, hire(desk), checkers)


def hire(desk: Desk) -> dict[str, Actor]:
    """Five people with the same password."""
    roles = {
        "admin": "admin",
        "writer": "writer",
        "other": "writer",
        "officer": "officer",
        "second": "officer",
    }
    return {
        name: people.actor_of(people.create(desk, None, name, "", role, PASSWORD))
        for name, role in roles.items()
    }


def token_of(desk: Desk, actor: Actor) -> str:
    """An API token with everything that the person may do."""
    return people.create_token(desk, actor, "test", sorted(actor.scopes), None)[1]
