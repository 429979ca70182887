"""What was parked, and what people did about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from schemas.facts import AccountRef

ParkedMove: TypeAlias = Literal["retried", "discarded"]


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A message, or the part of it at `place`, that waits for a person. No field holds a message's value."""

    message_seq: int
    place: str
    code: str
    reason: str
    clause: str
    parked_at: datetime
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class ParkedAction:
    """What a person did about a parked message."""

    action: ParkedMove
    at: datetime
    by: str
    note: str
    through: str = ""


@dataclass(frozen=True, slots=True)
class ParkedProposal:
    """What a person proposes to do about a parked message.

    `stands` settles a contradiction: the id of the fact that stands, `none` or `both`; empty for a discard.
    """

    action: Literal["discard", "settle"]
    at: datetime
    by: str
    note: str
    stands: str = ""
    through: str = ""


@dataclass(frozen=True, slots=True)
class ParkedFilter:
    """Which parked messages are asked for; None and empty do not restrict.

    `text` is looked for in code, place, reason and account number, whatever its case.
    """

    feed: str | None = None
    code: str | None = None
    format: str | None = None
    since: datetime | None = None
    account: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A parked message or part, where it came from, and what was done about it since."""

    seq: int
    message_seq: int
    message_sha256: str
    feed: str
    format: str
    place: str
    code: str
    reason: str
    clause: str
    account: AccountRef | None
    parked_at: datetime
    actions: tuple[ParkedAction, ...] = ()
    proposal: ParkedProposal | None = None
