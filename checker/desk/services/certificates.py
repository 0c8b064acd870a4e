"""One approval as a signed record: JSON to verify, a page to print, a PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checker.desk.errors import NotFoundError
from checker.desk.services.flow import visible
from checker.desk.services.signing import verify
from checker.desk.store.models import Approval, Script

if TYPE_CHECKING:
    from checker.desk.services.core import Actor, Desk


def certificate(desk: Desk, actor: Actor, approval_id: int) -> dict[str, Any]:
    """``{"record", "signature", "valid", "status", "ended_at", "ended_because"}``."""
    actor.need("scripts:read")
    with desk.database.reading() as session:
        row = session.get(Approval, approval_id)
        script = session.get(Script, row.script_id) if row else None
        if row is None or script is None or not visible(actor, script):
            raise NotFoundError("没有这份批准")
        return {
            "id": row.id,
            "record": row.record,
            "signature": row.signature,
            "valid": desk.signer.verify(row.record, row.signature),
            "status": row.status,
            "ended_at": row.ended_at.isoformat() if row.ended_at else None,
            "ended_because": row.ended_because,
        }


def check(content: Any, public_key: str | None = None) -> str:
    """What is wrong with an exported certificate (Chinese), or an empty string.

    Without ``public_key`` the key in the record is used, which proves only that nothing was changed
    since it was signed by whoever holds that key.
    """
    import hashlib

    try:
        record, signature = content["record"], content["signature"]
        key = public_key or record["public_key"]
        sealed = record["script"]["text_sha256"]
        text = record["script"]["text"]
    except (KeyError, TypeError):
        return "不是批准证书"
    if not verify(record, signature, key):
        return "签名不成立：内容被改动，或不是这台服务器签发的"
    if hashlib.sha256(text.encode()).hexdigest() != sealed:
        return "文本与哈希不符"
    return ""


def pdf(html: str) -> bytes:
    """A page without external resources as PDF. Raises NotFoundError without WeasyPrint."""
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:
        raise NotFoundError("服务器没有安装 PDF 组件（pip install 'huashu[pdf]'）；请用浏览器打印") from error

    def refuse(url: str, *_: Any) -> Any:
        raise ValueError("no resource is loaded")

    made = HTML(string=html, url_fetcher=refuse).write_pdf()
    if not isinstance(made, bytes):
        raise TypeError("expected the bytes of a PDF")
    return made
