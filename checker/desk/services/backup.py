"""Backup and restore: one archive for both stores.

The archive (tar.gz) holds ``manifest.json``, one file of JSON lines for each table, the evidence
files, the signing key and the head of the audit chain. It is taken from one state of the store
while the desk runs. It restores into an empty SQLite or PostgreSQL database, so it also moves a
desk from one to the other. It contains the signing key: keep it as safe as the server.
"""

from __future__ import annotations

import io
import json
import tarfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Date, Integer, func, insert, select, text

from checker import __version__
from checker.desk.errors import ConflictError, InvalidError
from checker.desk.services.core import Desk
from checker.desk.services.evidence import stored
from checker.desk.store.database import Database
from checker.desk.store.models import Base, Evidence, Login, LoginFailure, User, UTCDateTime, now

FORMAT = "huashu-desk-backup/1"
#: Sessions are not worth keeping: people log in again.
_LEFT_OUT = {Login.__tablename__, LoginFailure.__tablename__}
_BATCH = 500


def backup(desk: Desk, target: Path) -> dict[str, int]:
    """Write the archive; the number of rows of each table."""
    counts: dict[str, int] = {}
    temporary = target.with_name(f".{target.name}.part")
    with desk.database.reading() as session, tarfile.open(temporary, "w:gz") as archive:
        revision = session.scalar(text("SELECT version_num FROM alembic_version"))
        for table in Base.metadata.sorted_tables:
            if table.name in _LEFT_OUT:
                continue
            lines = []
            for row in session.execute(select(table)).mappings():
                lines.append(json.dumps({k: _plain(v) for k, v in row.items()}, ensure_ascii=False))
            counts[table.name] = len(lines)
            _add(archive, f"tables/{table.name}.jsonl", "\n".join(lines).encode())
        for sha256 in session.scalars(select(Evidence.sha256).distinct()):
            archive.add(stored(desk, sha256), f"evidence/{sha256}")
        _add(archive, "signing.key", (desk.settings.data / "signing.key").read_bytes())
        if desk.head_file.exists():
            _add(archive, "audit.head", desk.head_file.read_bytes())
        manifest = {
            "format": FORMAT,
            "tool": __version__,
            "revision": revision,
            "made_at": now().isoformat(),
            "rows": counts,
        }
        _add(archive, "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    temporary.chmod(0o600)
    temporary.replace(target)
    return counts


def restore(source: Path, data: Path, url: str) -> dict[str, int]:
    """Fill an empty store and data folder from an archive; the number of rows of each table.

    Raises ConflictError when there is a desk already, InvalidError for what is no such archive.
    """
    if (data / "signing.key").exists():
        raise ConflictError(f"{data} 里已有数据；请恢复到空目录")
    if not source.is_file() or not tarfile.is_tarfile(source):
        raise InvalidError(f"{source} 不是备份文件")
    database = Database(url)
    with tarfile.open(source, "r:gz") as archive:
        manifest = json.loads(_read(archive, "manifest.json"))
        if manifest.get("format") != FORMAT:
            raise InvalidError(f"{source} 不是备份文件")
        data.mkdir(parents=True, exist_ok=True)
        database.migrate(manifest["revision"])
        with database.writing() as session:
            if session.scalar(select(User.id).limit(1)) is not None:
                raise ConflictError("目标数据库里已有数据")
            for table in Base.metadata.sorted_tables:
                if table.name in _LEFT_OUT:
                    continue
                lines = _read(archive, f"tables/{table.name}.jsonl").decode().split("\n")
                rows = [_typed(table, json.loads(line)) for line in lines if line]
                for at in range(0, len(rows), _BATCH):
                    session.execute(insert(table), rows[at : at + _BATCH])
                key = table.primary_key.columns.values()[0]
                if (
                    not database.is_sqlite
                    and isinstance(key.type, Integer)
                    and key.autoincrement is not False
                ):
                    highest = session.scalar(select(func.max(key)))
                    if highest:
                        session.execute(
                            text("SELECT setval(pg_get_serial_sequence(:table, :key), :highest)"),
                            {"table": table.name, "key": key.name, "highest": highest},
                        )
        for member in archive.getmembers():
            folder, _, sha256 = member.name.partition("/")
            if folder == "evidence" and member.isfile() and sha256.isalnum() and sha256.isascii():
                target = data / "evidence" / sha256[:2] / sha256
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(_read(archive, member.name))
        for name in ("audit.head", "signing.key"):
            if name in archive.getnames():
                (data / name).write_bytes(_read(archive, name))
                (data / name).chmod(0o600)
    database.migrate()
    database.close()
    return dict(manifest["rows"])


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (datetime, date)) else value


def _typed(table: Any, row: dict[str, Any]) -> dict[str, Any]:
    for column in table.columns:
        value = row.get(column.name)
        if isinstance(value, str) and isinstance(column.type, UTCDateTime):
            row[column.name] = datetime.fromisoformat(value)
        elif isinstance(value, str) and isinstance(column.type, Date):
            row[column.name] = date.fromisoformat(value)
    return row


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    try:
        file = archive.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise InvalidError(f"备份文件里缺少 {name}")
    return file.read()
