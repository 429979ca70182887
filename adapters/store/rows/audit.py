"""The audit log and its checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An audit entry to keep; `subject` is what it is about (an account, a parked message, a key)."""

    kind: str
    subject: str
    content: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A stored audit entry."""

    seq: int
    kind: str
    subject: str
    content: bytes
    hash: str
    recorded_at: datetime


class LogRecord(NamedTuple):
    """One entry of the audit log as stored; subject, content and salt are None once they were erased.

    `hash` is the leaf's, in hexadecimal; `chain` the chain value after it. A tuple, since a check of a whole
    log makes one for each entry: a frozen dataclass takes four times as long.
    """

    seq: int
    kind: str
    commitment: bytes
    hash: str
    chain: bytes
    recorded_at: datetime
    subject: str | None
    content: bytes | None
    salt: bytes | None


@dataclass(frozen=True, slots=True)
class LogHead:
    """What the audit log says of itself: size, the joined roots of its full subtrees, its chain value."""

    size: int
    peaks: bytes
    chain: bytes


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A signed checkpoint as it was given out."""

    size: int
    text: str
    made_at: datetime
