"""Signing checkpoints with Ed25519: the one home of the cryptography library."""

from __future__ import annotations

import os
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.errors import ConfigRefused


def key_id_of(public_key: bytes) -> str:
    """A short public name of a key: the first 16 hexadecimal digits of the SHA-256 of its 32 bytes."""
    return sha256(public_key).hexdigest()[:16]


class Signer:
    """A private key that signs checkpoints. It never leaves this object."""

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public_key = self._key.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public_key)

    def sign(self, text: bytes) -> bytes:
        """The 64 bytes of the signature. Source: RFC 8032."""
        return self._key.sign(text)

    @classmethod
    def open(cls, file: Path) -> Signer:
        """The key kept in a file that only its owner may read; made there the first time.

        Raises:
            ConfigRefused: the file cannot be read or written, is readable by others, or holds no key.
        """
        try:
            _make(file)
            if file.stat().st_mode & 0o077:
                raise ConfigRefused("open-key", "others can read this key; chmod 600 it", where=str(file))
            secret = b64decode(file.read_bytes().strip(), validate=True)
        except OSError as error:
            raise ConfigRefused("no-key", f"cannot use it: {error.strerror}", where=str(file)) from None
        except ValueError:
            secret = b""
        if len(secret) != 32:
            raise ConfigRefused("bad-key", "it holds no Ed25519 key (32 bytes in base64)", where=str(file))
        return cls(secret)

    @classmethod
    def renew(cls, file: Path, announce: Callable[[Signer], None]) -> Signer:
        """A new key in this file, once `announce` has returned; the old one stays as `<file>.<key id>`.

        Raises:
            ConfigRefused: a file cannot be read or written.
        """
        fresh = file.with_name(f"{file.name}.new")
        try:
            fresh.unlink(missing_ok=True)
            new = cls.open(fresh)
            old = cls.open(file) if file.exists() else None
            announce(new)
            if old is not None:
                os.link(file, file.with_name(f"{file.name}.{old.key_id}"))
            fresh.replace(file)
        except OSError as error:
            raise ConfigRefused("no-key", f"cannot renew it: {error.strerror}", where=str(file)) from None
        return new


def _make(file: Path) -> None:
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    secret = Ed25519PrivateKey.generate().private_bytes_raw()
    # Whole or not at all: a disk that is full would leave a file that holds no key, and nothing would sign.
    handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(b64encode(secret) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        os.link(name, file)
    except FileExistsError:
        return  # another process was first
    finally:
        Path(name).unlink(missing_ok=True)


def signature_holds(public_key: bytes, text: bytes, signature: bytes) -> bool:
    """Whether the owner of this key signed this text. Never raises for any bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True
