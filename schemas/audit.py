"""The audit log's nouns: what one entry commits to, and the checkpoint that is given out of our hands.

An entry's leaf holds no patient's data: what it says stands behind a commitment, the SHA-256 over a random
salt and the content. Salt and content may be erased later by law; the leaf and the log stay provable.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from schemas.merkle import leaf_hash

SALT_BYTES: Final = 16
ERASED: Final = "audit.erased"
"""The kind of an entry that names entries whose content was erased."""

GENESIS: Final = bytes(32)
"""The chain value before the first entry."""


def commitment_of(salt: bytes, subject: str, content: bytes) -> bytes:
    """What an entry commits to: SHA-256 over salt, subject, a line end and content."""
    return sha256(b"%b%b\n%b" % (salt, subject.encode(), content)).digest()


def entry_bytes(seq: int, recorded_at: str, kind: str, commitment: bytes) -> bytes:
    """The bytes of one entry as a leaf: five lines. `recorded_at` is UTC with microseconds, as text.

    >>> entry_bytes(1, "2026-01-02T03:04:05.000000+00:00", "message.read", bytes(32))[:15]
    b'baton/audit/1\\n1'
    """
    return f"baton/audit/1\n{seq}\n{recorded_at}\n{kind}\n{commitment.hex()}\n".encode()


def entry_leaf(seq: int, recorded_at: str, kind: str, commitment: bytes) -> bytes:
    """The leaf hash of one entry."""
    return leaf_hash(entry_bytes(seq, recorded_at, kind, commitment))


def chained(before: bytes, leaf: bytes) -> bytes:
    """The chain value after a leaf: it tells the place of a change even where every leaf was made anew."""
    return sha256(before + leaf).digest()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log at one size, signed: `origin` names the log, `key_id` the key.

    The text is the one of C2SP tlog-checkpoint: origin, size, root, a line for the time, and after a blank
    line the signature, so that witnesses of other logs can read it.
    """

    origin: str
    size: int
    root: bytes
    made_at: str
    key_id: str
    signature: bytes

    @staticmethod
    def signed_text(origin: str, size: int, root: bytes, made_at: str) -> bytes:
        """The bytes that are signed."""
        return f"{origin}\n{size}\n{b64encode(root).decode()}\ntime {made_at}\n".encode()

    def text(self) -> str:
        """The checkpoint as it is published.

        Source: C2SP signed-note and tlog-checkpoint.
        """
        body = self.signed_text(self.origin, self.size, self.root, self.made_at).decode()
        return f"{body}\n\u2014 {self.key_id} {b64encode(self.signature).decode()}\n"

    @classmethod
    def read(cls, text: str) -> Checkpoint:
        """Read a published checkpoint; its signature is not checked here.

        Raises:
            ValueError: the text is not one, with what is wrong about it.
        """
        lines = text.split("\n")
        if len(lines) != 7 or lines[4] != "" or lines[6] != "":
            raise ValueError("a checkpoint has four lines, a blank one and one signature")
        origin, size, root, time, _, signature, _ = lines
        if not size.isascii() or not size.isdigit() or (size != "0" and size.startswith("0")):
            raise ValueError("the second line of a checkpoint is its size")
        mark, _, rest = signature.partition(" ")
        key_id, _, coded = rest.partition(" ")
        if mark != "\u2014" or not time.startswith("time "):
            raise ValueError("a checkpoint has a time line and a signature line that begins with a dash")
        try:
            hash, signed = b64decode(root, validate=True), b64decode(coded, validate=True)
        except ValueError:
            raise ValueError("root and signature of a checkpoint are base64") from None
        if len(hash) != 32 or len(signed) != 64:
            raise ValueError("a root has 32 bytes and a signature 64")
        if b64encode(hash).decode() != root or b64encode(signed).decode() != coded:
            raise ValueError("root and signature of a checkpoint are base64 in its one form")
        return cls(origin, int(size), hash, time.removeprefix("time "), key_id, signed)
