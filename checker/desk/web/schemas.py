"""What the API takes, and how it shows rows."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from checker.desk.errors import InvalidError
from checker.desk.services.flow import STATUS_NAMES, ScriptFields
from checker.desk.services.texts import storable
from checker.desk.store import models
from checker.personal import mask


def _storable(text: str) -> str:
    if not storable(text):
        raise ValueError("文本含有无法保存的字符")
    return text


Str = Annotated[str, AfterValidator(_storable)]
Short = Annotated[str, Field(max_length=100), AfterValidator(_storable)]
Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_storable)]
Note = Annotated[str, Field(max_length=5000), AfterValidator(_storable)]
#: Row numbers fit the stores' integers.
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Channel = Literal["call_1to1", "call_ai", "call_broadcast", "sms", "im", "live", "page", "offline_event"]


class Body(BaseModel):
    """Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class CheckBody(Body):
    """A text to check without keeping it."""

    text: Str
    industry: Short | None = None
    channel: Channel = "call_1to1"
    product: Short = ""
    region: Short = ""


class ScriptBody(Body):
    """A new script."""

    title: Title
    text: Str
    industry: Short | None = None
    channel: Channel = "call_1to1"
    product: Short = ""
    region: Short = ""

    def fields(self) -> ScriptFields:
        """Without the text."""
        return ScriptFields(self.title, self.industry or None, self.channel, self.product, self.region)


class EditBody(ScriptBody):
    """A new version of the version ``base``."""

    base: Number


class StepBody(Body):
    """A step on the version ``base``."""

    base: Number
    comment: Note = ""


class RewriteBody(Body):
    """Which rewrite of a finding to accept, and the wording with its blanks filled in."""

    base: Number
    choice: Annotated[int, Field(ge=0, le=100)] = 0
    text: Note | None = None


class WaiveBody(Body):
    """A waiver; ``evidence_id`` belongs to kind ``evidence``."""

    base: Number
    kind: Literal["evidence", "false-alarm"]
    reason: Note
    evidence_id: Number | None = None
    product: Short = ""
    region: Short = ""
    expires_on: date | None = None


class MarkBody(Body):
    """Confirmed as a violation, or open again."""

    status: Literal["open", "confirmed"]


class CommentBody(Body):
    """A remark; with ``fingerprint`` on one finding."""

    text: Note
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{16,32}$")] | None = None


class ReasonBody(Body):
    """Why."""

    reason: Note


class UserBody(Body):
    """A new person."""

    name: Annotated[str, Field(max_length=64), AfterValidator(_storable)]
    display: Annotated[str, Field(max_length=64), AfterValidator(_storable)] = ""
    role: Literal["writer", "officer", "admin"]
    password: Annotated[str, Field(max_length=200), AfterValidator(_storable)] | None = None


class UserChangeBody(Body):
    """What to change; the rest stays."""

    display: Annotated[str, Field(max_length=64), AfterValidator(_storable)] | None = None
    role: Literal["writer", "officer", "admin"] | None = None
    active: bool | None = None
    password: Annotated[str, Field(max_length=200), AfterValidator(_storable)] | None = None


class PasswordBody(Body):
    """The old and the new password."""

    old: Annotated[str, Field(max_length=200), AfterValidator(_storable)]
    new: Annotated[str, Field(max_length=200), AfterValidator(_storable)]


class TokenBody(Body):
    """A token's name, scopes and life in days (None: no end)."""

    name: Annotated[str, Field(max_length=64), AfterValidator(_storable)] = ""
    scopes: Annotated[list[Short], Field(max_length=50)]
    days: Annotated[int, Field(ge=1, le=3650)] | None = 365


class CallBody(Body):
    """What a call is about."""

    industry: Short | None = None
    channel: Channel = "call_1to1"


class TurnBody(Body):
    """One turn of a running call; the speaker is ``agent``, ``customer`` or a label such as 客服.

    With ``final`` false it is what was heard so far of a turn, which the next one replaces. ``words`` are
    its words with how sure speech recognition was, from 0 to 1.
    """

    speaker: Short
    text: Note
    final: bool = True
    words: Annotated[list[tuple[Short, float]], Field(max_length=2000)] = Field(default_factory=list)


class WebhookBody(Body):
    """Where to announce what."""

    url: Annotated[str, Field(max_length=500), AfterValidator(_storable)]
    events: Annotated[list[Short], Field(max_length=50)]


def script(row: models.Script) -> dict[str, Any]:
    """A script without its text."""
    return {
        "id": row.id,
        "title": row.title,
        "industry": row.industry,
        "channel": row.channel,
        "product": row.product,
        "region": row.region,
        "owner": row.owner_id,
        "status": row.status,
        "status_name": STATUS_NAMES[row.status],
        "stage": row.stage,
        "version": row.current,
        "verdict": row.verdict,
        "open": {"block": row.blocks, "review": row.reviews, "hint": row.hints},
        "attention": row.attention,
        "updated_at": row.updated_at,
        "submitted_at": row.submitted_at,
    }


def version(row: models.Version, *, show_personal_data: bool = False) -> dict[str, Any]:
    """A version with its text; ``masked`` says that personal data is starred out in it."""
    text = row.text if show_personal_data else mask(row.text)
    return {
        "number": row.number,
        "text": text,
        "masked": text != row.text,
        "text_sha256": row.text_hash,
        "origin": row.origin,
        "author": row.author_id,
        "created_at": row.created_at,
        "checked_at": row.checked_at,
        "verdict": row.verdict,
        "industry": row.industry,
        "lexicon": row.lexicon_version,
        "model": row.model_version,
        "excused": row.excused,
        "statements": row.duties,
    }


def finding(row: models.FindingRow) -> dict[str, Any]:
    """A finding and what became of it."""
    return {"id": row.id, "status": row.status, "waiver": row.waiver_id} | row.data


def evidence(row: models.Evidence) -> dict[str, Any]:
    """An evidence document without its file."""
    keys = ("id", "sha256", "filename", "media_type", "size", "number", "issuer")
    more = ("valid_from", "valid_to", "product", "region", "created_at", "revoked_at")
    return {key: getattr(row, key) for key in (*keys, *more)} | {"author": row.author_id}


def waiver(row: models.Waiver) -> dict[str, Any]:
    """A waiver."""
    keys = ("id", "kind", "rule_id", "claim", "matched", "reason", "product", "region")
    more = ("evidence_id", "created_at", "expires_on", "status", "ended_because")
    return {key: getattr(row, key) for key in (*keys, *more)} | {"author": row.author_id}


def user(row: models.User) -> dict[str, Any]:
    """A person without secrets."""
    keys = ("id", "name", "display", "role", "active", "created_at")
    return {key: getattr(row, key) for key in keys}


def token(row: models.Token) -> dict[str, Any]:
    """A token without its secret."""
    keys = ("id", "name", "scopes", "created_at", "expires_at", "used_at")
    return {key: getattr(row, key) for key in keys}


def entry(row: models.AuditEntry) -> dict[str, Any]:
    """An audit entry."""
    keys = ("seq", "at", "actor", "action", "kind", "object_id", "before", "after", "previous", "hash")
    return {key: getattr(row, key) for key in keys}


def parsed_date(value: str, name: str) -> date:
    """A date of a form. Raises InvalidError."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InvalidError(f"{name}不是日期（如 2027-03-31）") from None
