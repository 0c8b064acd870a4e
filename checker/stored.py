"""What takes a while to compute, kept in the user's cache folder; files written whole or not at all.

The files of the cache hold JSON or plain arrays with a checksum: nothing in
them is executed, a damaged one is made again, and they may be deleted at any time. Their names tell
their content, so none is ever out of date. ``HUASHU_CACHE_DIR`` names another folder.
"""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]


def cache_folder() -> Path:
    """Where compiled lexicons and arrays are kept."""
    base = os.environ.get("HUASHU_CACHE_DIR")
    if base:
        return Path(base)
    from platformdirs import user_cache_path

    return user_cache_path("huashu")


#: Why something could not be kept.
_unkept: list[str] = []


def unkept() -> str | None:
    """The place and the reason when this process could not keep what it made, which the next must make again."""
    return _unkept[0] if _unkept else None


def write_whole(path: str | Path, content: bytes, rights: int = 0o666) -> None:
    """Put ``content`` into a file, which keeps what it held when that fails (a full disk, a kill).

    Rights and links of a file that exists are kept; a new one gets ``rights`` less the umask. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            raise PermissionError  # a device or pipe is written in place
        temporary = _beside(target, rights)
    except PermissionError:
        target.write_bytes(content)
        return
    try:
        temporary.write_bytes(content)
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _beside(target: Path, rights: int = 0o666) -> Path:
    """A new empty file that no other process or thread uses, in the folder of ``target``."""
    new = target.with_name(f".{target.stem[:60]}.{secrets.token_hex(6)}.tmp{target.suffix}")
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, rights))
    return new


def read_bounded(path: str | Path, most: int) -> bytes:
    """The bytes of a file. Raises OSError also for more than ``most``: a device may go on for ever."""
    parts: list[bytes] = []
    left = most
    with open(path, "rb") as stream:
        while part := stream.read(1 << 20):
            left -= len(part)
            if left < 0:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
            parts.append(part)
    return b"".join(parts)


def _keep(name: str, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file of the cache folder, which appears there complete or not at all."""
    target = cache_folder() / name
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _beside(target)
        write(temporary)
        temporary.replace(target)
    except OSError as error:  # a read-only home or a full disk only costs speed
        _unkept.append(f"{target.parent}: {error.strerror or error}")
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


def cached_arrays(name: str, make: Callable[[], Arrays]) -> Arrays:
    """The stored arrays of this name, or those of ``make``, stored. ``name`` must tell the content.

    Stored arrays are read whole and at once, and cannot be written to.
    """
    file = f"{name}.arrays"
    try:
        return _unpacked((cache_folder() / file).read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        arrays = dict(make())  # whatever is wrong with a file, it can be made again
    content = _packed(arrays)
    _keep(file, lambda path: path.write_bytes(content))
    return arrays


#: Arrays begin at multiples of so many bytes.
_ALIGNED = 64


def _packed(arrays: Arrays) -> bytes:
    """Arrays as a file: a line with the sums of the rest, a line that tells type, shape and place, the data."""
    places: dict[str, tuple[str, Sequence[int], int]] = {}
    pieces: list[bytes] = []
    size = 0
    for name, array in arrays.items():
        places[name] = (array.dtype.str, array.shape, size)
        piece = np.ascontiguousarray(array).tobytes()
        pieces.append(piece + bytes(-len(piece) % _ALIGNED))
        size += len(pieces[-1])
    told = json.dumps(places).encode()
    told += b" " * ((-len(told) - 1) % _ALIGNED) + b"\n"
    body = told + b"".join(pieces)
    return _sums(np.frombuffer(body, np.uint64)).ljust(_ALIGNED - 1) + b"\n" + body


def _unpacked(content: bytes) -> Arrays:
    """The arrays of a file. Raises ValueError, KeyError, TypeError or AttributeError if it is damaged."""
    if len(content) % _ALIGNED or _sums(np.frombuffer(content, np.uint64)[_ALIGNED // 8 :]) != (
        content[: _ALIGNED - 1].rstrip()
    ):
        raise ValueError("damaged")
    end = content.index(b"\n", _ALIGNED) + 1
    return {
        name: np.frombuffer(content, dtype, math.prod(shape), end + place).reshape(shape)
        for name, (dtype, shape, place) in json.loads(content[_ALIGNED:end]).items()
    }


def _sums(words: npt.NDArray[np.uint64]) -> bytes:
    """What a changed bit or a lost piece changes; sums of whole words are ten times as fast as a CRC."""
    return b"%x %x %x" % (len(words), int(np.add.reduce(words)), int(np.bitwise_xor.reduce(words)))


def cached_json(name: str, make: Callable[[], Any]) -> Any:
    """As :func:`cached_arrays`, for what JSON can say; the answer is always as JSON reads it."""
    file = f"{name}.json"
    try:
        return checked_json((cache_folder() / file).read_bytes())
    except (OSError, ValueError):
        pass
    content = summed_json(make())
    _keep(file, lambda path: path.write_bytes(content))
    return checked_json(content)


def summed_json(value: Any) -> bytes:
    """A value as JSON below a line with its checksum, for :func:`checked_json`."""
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return b"%08x\n" % zlib.crc32(text) + text


def checked_json(content: bytes) -> Any:
    """The value. Raises ValueError if the content was cut, changed or never such a file."""
    stored = memoryview(content)
    if bytes(stored[:9]) != b"%08x\n" % zlib.crc32(stored[9:]):
        raise ValueError("damaged")
    return json.loads(bytes(stored[9:]))
