"""Messages as they are kept, what was read in them, and the facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from schemas.facts import Fact
from schemas.records import swift_init


@swift_init
@dataclass(frozen=True, slots=True)
class KeptMessage:
    """Where a message lies; `new` is False when the same bytes of the same feed were there before.

    `finished` says of one that was there whether it has been read to its end.
    """

    seq: int
    new: bool
    finished: bool = False


@swift_init
@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact to keep; its place in the message is the fact's own `where`; `account_id` None: no account."""

    fact: Fact
    account_id: int | None
    message_seq: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A message that was read to its end, and how many of its statements went which way.

    `mapping` is the version of the feed's mapping that read it; None where nobody tried to read it.
    """

    message_seq: int
    finished_at: datetime
    accepted: int
    duplicate: int
    parked: int
    mapping: str | None = None


@dataclass(frozen=True, slots=True)
class ReadAgainRow:
    """A message that was read again by a mapping: `whole`, or only a part that was parked."""

    message_seq: int
    mapping: str
    whole: bool
    facts: int
    withdrawn: int
    by: str
    through: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MessageReading:
    """By which mapping a message was read last; None for one older than mappings."""

    seq: int
    sha256: str
    feed: str
    mapping: str | None
    duplicate: int


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A stored message without its bytes; `finished_at` is None while it is not read to its end."""

    seq: int
    sha256: str
    feed: str
    format: str
    door: str
    size: int
    received_at: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages are asked for; None and empty do not restrict. `until` is beyond the last instant.

    `status` is accepted, duplicate, parked or unread; `id` the sender's message id or control number.
    """

    feed: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    status: str | None = None
    account: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class MessageFate:
    """A message and how many of its statements went which way; None until it was read to its end."""

    seq: int
    sha256: str
    feed: str
    format: str
    door: str
    size: int
    received_at: datetime
    accepted: int | None
    duplicate: int | None
    parked: int | None

    @property
    def status(self) -> Literal["unread", "parked", "duplicate", "accepted"]:
        """What became of it."""
        if self.parked is None:
            return "unread"
        if self.parked:
            return "parked"
        return "duplicate" if self.duplicate and not self.accepted else "accepted"


@dataclass(frozen=True, slots=True)
class FactRecord:
    """A stored fact, and the message, place, instant, feed and format it came by."""

    seq: int
    fact: Fact
    message_sha256: str
    place: str
    recorded_at: datetime
    feed: str = ""
    format: str = ""
