"""What became of a message that was handed in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from adapters.store import Reader, ReadingRow
from schemas.errors import BatonError

MOST_PARTS: Final = 1000


def fate(reader: Reader, sha256: str, feed: str | None = None) -> dict[str, Any]:
    """What a message came to so far; the first that came with these bytes, unless a feed is named.

    Raises:
        BatonError: `no-such-message`.
    """
    message = reader.message(sha256, feed)
    if message is None:
        raise BatonError("no-such-message", "no message with these bytes came in; send its SHA-256 in hex")
    read = reader.reading_of(message.seq)
    waiting = reader.parked(message_seq=message.seq, limit=MOST_PARTS)
    return {
        "sha256": message.sha256,
        "disposition": _disposition(read),
        "facts": read.accepted if read else 0,
        "rejected": [{"code": p.code, "where": p.place, "reason": p.reason} for p in waiting],
        "feed": message.feed,
        "format": message.format,
        "door": message.door,
        "size": message.size,
        "received_at": _instant(message.received_at),
        "read_at": _instant(read.finished_at) if read else None,
        "known": read.duplicate if read else 0,
    }


def _disposition(read: ReadingRow | None) -> str:
    if read is None:
        return "stored"
    if read.parked:
        return "parked"
    return "duplicate" if read.duplicate and not read.accepted else "accepted"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
