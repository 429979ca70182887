"""What was delivered: messages, small and large, as they came."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas.canonical import digest
from schemas.records import swift_init


@swift_init
@dataclass(frozen=True, slots=True)
class Message:
    """One delivery, kept whole before anything is read from it.

    `sha256` is over `body`; `format` is `json`, `x12`, `hl7v2` or `fhir` as the sender or the detection said;
    `door` is `rabbitmq`, `http`, `file` or `mllp`. The same bytes on the same feed are the same message.
    """

    body: bytes
    sha256: str
    feed: str
    format: str
    door: str
    received_at: datetime

    @classmethod
    def of(cls, body: bytes, *, feed: str, format: str, door: str, received_at: datetime) -> Message:
        """Seal bytes as a message."""
        return cls(body, digest(body), feed, format, door, received_at)


@swift_init
@dataclass(frozen=True, slots=True)
class LargeMessage:
    """A message too large for memory: its bytes come in chunks, and may be asked for again.

    `size` is in bytes; `open_chunks` starts from the first byte at every call.
    """

    sha256: str
    size: int
    feed: str
    format: str
    door: str
    received_at: datetime
    open_chunks: Callable[[], Iterator[bytes]]
