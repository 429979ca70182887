"""Checkpoints: the log's size and root, signed, kept, and given out where we cannot take them back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.signing import Signer
from adapters.store import AuditRow, CheckpointRow, OutboxRow, Reader, Store
from adapters.store.schema import instant_text
from schemas.audit import Checkpoint
from schemas.canonical import stable_id, to_bytes
from schemas.merkle import Frontier
from schemas.wire import events

EVENT: Final = "audit.checkpoint"


@dataclass(frozen=True, slots=True)
class Announced:
    """A checkpoint that was made: its size and its text as published."""

    size: int
    text: str


def head_of(reader: Reader) -> Frontier:
    """The log's frontier as it stands."""
    head = reader.audit_head()
    return Frontier(head.size, tuple(head.peaks[at : at + 32] for at in range(0, len(head.peaks), 32)))


def make_checkpoint(
    store: Store, signer: Signer, origin: str, now: datetime, *, entries: int = 1, seconds: int = 0
) -> Announced | None:
    """Sign the log as it stands, keep the checkpoint and let it go out; None where none is due.

    One is due when at least `entries` entries, or any entry and `seconds` seconds, have come since the last.
    The first one made with a key is preceded by an entry that names the public key.

    Raises:
        Unavailable: the store could not commit; nothing was given out.
    """
    with store.read() as reader:
        last = reader.last_checkpoint()
        size = reader.audit_head().size
        known = reader.audit_entries_for(signer.key_id, limit=1)
    grown = size - (last.size if last else 0)
    waited = last is None or (now - last.made_at).total_seconds() >= seconds
    if grown < 1 or not (grown >= entries or (waited and seconds)):
        return None
    if not known:
        name_key(store, signer, now)
    with store.read() as reader:
        log = head_of(reader)
    made_at = instant_text(now)
    said = Checkpoint.signed_text(origin, log.size, log.root(), made_at)
    checkpoint = Checkpoint(origin, log.size, log.root(), made_at, signer.key_id, signer.sign(said))
    text = checkpoint.text()
    id = stable_id(f"{origin}|{log.size}|{log.root().hex()}")
    with store.write() as unit:
        unit.keep_checkpoint(CheckpointRow(log.size, text, now))
        unit.add_outbox([OutboxRow(id, EVENT, origin, events.audit_checkpoint(text, id, now), now)])
    return Announced(log.size, text)


def name_key(store: Store, signer: Signer, now: datetime, by: str | None = None) -> None:
    """Enter in the log that it is signed with this key from here on, and who began that.

    Raises:
        Unavailable: the store could not commit.
    """
    said = {"key_id": signer.key_id, "public_key": signer.public_key.hex()}
    with store.write() as unit:
        unit.add_audit(
            [AuditRow("audit.key", signer.key_id, to_bytes(said | ({"by": by} if by else {})), now)]
        )
