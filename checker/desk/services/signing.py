"""Ed25519 signatures over canonical JSON."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: sorted keys, no blanks, UTF-8.

    >>> canonical({"b": 1, "a": "是"}).decode()
    '{"a":"是","b":1}'
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class Signer:
    """The desk's key, made at the first start and readable by its user only."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            key = Ed25519PrivateKey.generate()
            data = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            # Two processes may start together: the first one's key is used by both.
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        loaded = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(loaded, Ed25519PrivateKey):
            raise TypeError(f"{path}: not an Ed25519 key")
        self._key = loaded

    @property
    def public_key(self) -> str:
        """The public key, 32 bytes in base64."""
        return base64.b64encode(self._key.public_key().public_bytes_raw()).decode()

    def sign(self, value: Any) -> str:
        """The signature of a JSON value, in base64."""
        return base64.b64encode(self._key.sign(canonical(value))).decode()

    def verify(self, value: Any, signature: str) -> bool:
        """True when the desk's key made the signature over this value."""
        return verify(value, signature, self.public_key)


def verify(value: Any, signature: str, public_key: str) -> bool:
    """True when the signature of the value was made with the key of ``public_key``."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), canonical(value))
    except (InvalidSignature, ValueError):
        return False
    return True
