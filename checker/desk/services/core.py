"""The desk as one object, and the person who asks something of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from checker.desk.errors import ForbiddenError
from checker.desk.services.signing import Signer
from checker.desk.settings import DeskSettings
from checker.desk.store.database import Database
from checker.pipeline import Checker

ROLES = ("writer", "officer", "admin")
ROLE_NAMES = {"writer": "撰写人", "officer": "合规审核员", "admin": "管理员"}

_WRITER = frozenset({"check", "scripts:read", "scripts:write", "evidence:read", "evidence:write"})
_WATCHING = frozenset({"stats:read", "audit:read", "impact:read", "impact:run", "learning:read"})
#: What each role may do. Administrators run the desk but decide no script.
SCOPES: dict[str, frozenset[str]] = {
    "writer": _WRITER,
    "officer": _WRITER | _WATCHING | {"scripts:decide"},
    "admin": _WATCHING
    | {"check", "scripts:read", "evidence:read", "people:manage", "policy:manage", "webhooks:manage"},
}
SCOPE_NAMES = {
    "check": "检查文本",
    "scripts:read": "查看话术",
    "scripts:write": "撰写、提交话术",
    "scripts:decide": "审核话术、豁免问题",
    "evidence:read": "查看证明材料",
    "evidence:write": "上传证明材料",
    "stats:read": "查看统计",
    "audit:read": "查看与校验审计日志",
    "impact:read": "查看规则变更影响",
    "impact:run": "重新检查已批准话术",
    "learning:read": "导出审核标注",
    "people:manage": "管理人员",
    "policy:manage": "管理审批策略",
    "webhooks:manage": "管理回调",
}


@dataclass(frozen=True)
class Actor:
    """Who asks. ``scopes`` are those of the role, or fewer with an API token."""

    id: int
    name: str
    display: str
    role: str
    scopes: frozenset[str]

    def can(self, scope: str) -> bool:
        """True when the scope is granted."""
        return scope in self.scopes

    def need(self, scope: str) -> None:
        """Raises ForbiddenError without the scope."""
        if scope not in self.scopes:
            raise ForbiddenError(f"没有权限：{SCOPE_NAMES.get(scope, scope)}")

    @property
    def sees_all(self) -> bool:
        """Officers and administrators see every script."""
        return self.role in ("officer", "admin")


@dataclass
class Desk:
    """What the services share. ``checker`` gives the checker in force now."""

    settings: DeskSettings
    database: Database
    checker: Callable[[], Checker]
    signer: Signer = field(init=False)

    def __post_init__(self) -> None:
        self.settings.data.mkdir(parents=True, exist_ok=True)
        self.signer = Signer(self.settings.data / "signing.key")

    @property
    def evidence_folder(self) -> Path:
        """Where evidence files lie, by hash."""
        return self.settings.data / "evidence"

    @property
    def head_file(self) -> Path:
        """The signed end of the audit chain, kept outside the database."""
        return self.settings.data / "audit.head"
