"""Evidence documents: kept under their hash, checked for what they claim to be."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from checker.desk.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, TooLargeError
from checker.desk.services import audit
from checker.desk.services.texts import check_package, safe_name
from checker.desk.store.models import Evidence, now

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk

_HASH = re.compile(r"[0-9a-f]{64}")
_PACKAGE = b"PK\x03\x04"
#: Suffix -> media type and how such a file begins.
TYPES: dict[str, tuple[str, tuple[bytes, ...]]] = {
    ".pdf": ("application/pdf", (b"%PDF-",)),
    ".png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    ".jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", (_PACKAGE,)),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (_PACKAGE,)),
    ".txt": ("text/plain", ()),
}


@dataclass(frozen=True)
class EvidenceFields:
    """What a person says about a document. An empty product or region means all of them."""

    number: str
    issuer: str
    valid_from: date
    valid_to: date
    product: str = ""
    region: str = ""


def stored(desk: Desk, sha256: str) -> Path:
    """Where the file of a hash lies. Raises NotFoundError for what is no hash."""
    if not _HASH.fullmatch(sha256):
        raise NotFoundError("没有这个文件")
    return desk.evidence_folder / sha256[:2] / sha256


def add(desk: Desk, actor: Actor, data: bytes, name: str, fields: EvidenceFields) -> Evidence:
    """Keep a document. Raises InvalidError or TooLargeError for what cannot be evidence."""
    actor.need("evidence:write")
    name = safe_name(name)
    media_type = _media_type(desk, data, name)
    if fields.valid_to < fields.valid_from:
        raise InvalidError("有效期的终点早于起点")
    sha256 = hashlib.sha256(data).hexdigest()
    _keep(stored(desk, sha256), data)
    with desk.database.writing() as session:
        row = Evidence(
            sha256=sha256,
            filename=name,
            media_type=media_type,
            size=len(data),
            author_id=actor.id,
            **vars(fields),
        )
        session.add(row)
        audit.record(session, desk, actor, "evidence.add", row)
    return row


def _media_type(desk: Desk, data: bytes, name: str) -> str:
    suffix = Path(name).suffix.lower()
    if suffix not in TYPES:
        raise InvalidError(f"证明材料只接受 {'、'.join(sorted(TYPES))}")
    if len(data) > desk.settings.max_upload:
        raise TooLargeError(f"文件超过 {desk.settings.max_upload // 1_000_000} MB")
    if not data:
        raise InvalidError("文件是空的")
    media_type, beginnings = TYPES[suffix]
    if beginnings and not data.startswith(beginnings):
        raise InvalidError("文件内容与扩展名不符")
    if _PACKAGE in beginnings:
        check_package(data, desk.settings)
    if not beginnings:
        try:
            data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InvalidError("文本文件须为 UTF-8 编码") from None
    return media_type


def _keep(target: Path, data: bytes) -> None:
    """Write once, all or nothing, and to the disk before the row that points here is committed."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)


def get(desk: Desk, actor: Actor, evidence_id: int) -> Evidence:
    """One document's data."""
    actor.need("evidence:read")
    with desk.database.reading() as session:
        row = session.get(Evidence, evidence_id)
        if row is None or not (actor.sees_all or row.author_id == actor.id):
            raise NotFoundError("没有这份证明材料")
        return row


def listing(desk: Desk, actor: Actor, limit: int = 100, offset: int = 0) -> list[Evidence]:
    """Documents, newest first; a writer's own only."""
    actor.need("evidence:read")
    query = select(Evidence).order_by(Evidence.id.desc()).limit(limit).offset(offset)
    if not actor.sees_all:
        query = query.where(Evidence.author_id == actor.id)
    with desk.database.reading() as session:
        return list(session.scalars(query))


def read(desk: Desk, actor: Actor, evidence_id: int) -> tuple[Evidence, bytes]:
    """The file itself; what was altered on disk is not handed out."""
    row = get(desk, actor, evidence_id)
    try:
        data = stored(desk, row.sha256).read_bytes()
    except OSError:
        raise NotFoundError("证明材料的文件缺失") from None
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise ConflictError("证明材料的文件与登记的哈希不符")
    return row, data


def revoke(desk: Desk, actor: Actor, evidence_id: int) -> Evidence:
    """Withdraw a document; every waiver that rests on it ends with the next sweep."""
    get(desk, actor, evidence_id)
    with desk.database.writing() as session:
        row = session.get_one(Evidence, evidence_id)
        if not actor.can("scripts:decide") and row.author_id != actor.id:
            raise ForbiddenError("只有上传者或审核员可以撤销")
        if row.revoked_at is not None:
            raise ConflictError("已经撤销")
        before = row.snapshot()
        row.revoked_at = now()
        audit.record(session, desk, actor, "evidence.revoke", row, before)
    return row
