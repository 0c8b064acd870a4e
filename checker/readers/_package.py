"""Office files are zip packages: opened once, with a limit, before any library sees them.

A package may lie about its sizes and unpack to gigabytes. Its members are read here up to a
limit and packed again without compression, so what a library opens is no larger than what was
counted.
"""

from __future__ import annotations

import io

from checker.readers._base import ReaderError

#: Bytes of all members together.
LIMIT = 200_000_000
_MEMBERS = 20_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def unpack(data: bytes, path: str, kind: str, suffix: str) -> dict[str, bytes]:
    """Name -> content of the members. ``kind`` and ``suffix`` are for the messages.

    Raises ReaderError for what is encrypted, damaged, too large or no package.
    """
    import zipfile

    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise ReaderError(path, "is encrypted", "save it without a password")
        raise ReaderError(path, f"is in the old binary format, not {suffix}", f"save it as {suffix}")
    if not data.startswith(b"PK"):
        raise ReaderError(path, f"is no {kind} file", f"check the suffix, or save it as {suffix}")
    members: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > _MEMBERS or sum(entry.file_size for entry in entries) > LIMIT:
                raise ReaderError(
                    path,
                    f"unpacks to more than {LIMIT // 1_000_000} MB",
                    "split it, or take out its pictures",
                )
            for entry in entries:
                if entry.flag_bits & 1:
                    raise ReaderError(path, "is encrypted", "save it without a password")
                # Reads no more than the size that was counted, and compares the checksum.
                members[entry.filename] = archive.read(entry)
    except ReaderError:
        raise
    except Exception as error:
        raise damaged(path, kind, error) from None
    return members


def pack(members: dict[str, bytes]) -> io.BytesIO:
    """The members as a package for a library to open."""
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    packed.seek(0)
    return packed


def damaged(path: str, kind: str, error: BaseException) -> ReaderError:
    """The error for a package that its library cannot read."""
    return ReaderError(
        path,
        f"is a damaged {kind} file ({type(error).__name__})",
        "open it in Office or WPS and save it again",
    )
