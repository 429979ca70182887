"""Feeds: what is said of them, what came by them, and when they fell silent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

FeedMove: TypeAlias = Literal["paused", "resumed"]


@dataclass(frozen=True, slots=True)
class MappingRow:
    """How a feed is read from an instant on. `content` is the canonical table, `sha256` its digest."""

    feed: str
    sha256: str
    content: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class FeedTextRow:
    """What was said of a feed through the API: its TOML and the digest of it; None where it counts no more.

    `number` counts the versions of one feed from 1; `through` is as whom the machine knows who said it.
    """

    feed: str
    number: int
    text: str | None
    sha256: str | None
    by: str
    through: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RereadProposal:
    """Messages that one person proposes to read again: which (`asked`, canonical), and what would change.

    `sha256` is over the changes, `messages` how many it is. `outcome` is approved, withdrawn or None, `seq` 0
    before it is kept.
    """

    sha256: str
    asked: bytes
    messages: int
    by: str
    through: str
    note: str
    at: datetime
    seq: int = 0
    outcome: str | None = None
    settled_by: str | None = None


@dataclass(frozen=True, slots=True)
class RereadOutcome:
    """What became of such a proposal: `outcome` is approved or withdrawn."""

    proposal_seq: int
    outcome: str
    by: str
    through: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TallyRow:
    """What one transaction took from one feed on one day: counts of statements and their cents.

    `claims` counts new decisions of payers, `denied` and `taken_back` those that refused and reversed;
    `charge_cents` and `patient_cents` are what the others charged and left to the patient. `recorded_at` is
    when; None for one counted before that was kept, and for a sum. `slowest_ms` is how long the slowest
    message waited from its receipt, `freshest_ms` how old the youngest was when it came; None is unknown.
    """

    feed: str
    day: date
    received: int = 0
    received_cents: int = 0
    accepted: int = 0
    accepted_cents: int = 0
    duplicate: int = 0
    duplicate_cents: int = 0
    parked: int = 0
    parked_cents: int = 0
    claims: int = 0
    denied: int = 0
    taken_back: int = 0
    charge_cents: int = 0
    patient_cents: int = 0
    recorded_at: datetime | None = None
    slowest_ms: int | None = None
    freshest_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FeedWindow:
    """What a feed brought since an instant, and how long it waited: see `TallyRow`."""

    feed: str
    messages: int = 0
    parked: int = 0
    slowest_ms: int | None = None
    freshest_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """Messages that a door refused and did not keep: not a byte is stored, only how many they were."""

    feed: str
    day: date
    door: str
    code: str
    messages: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ControlNumberRow:
    """The number by which a sender counts a message or an interchange (ISA13, a numeric MSH-10)."""

    feed: str
    number: int
    message_seq: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class FeedEventRow:
    """Opening cases from a feed paused or resumed. `text` says why, in our own words and with figures."""

    feed: str
    move: FeedMove
    cause: str
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FeedDay:
    """What one feed said on one day."""

    feed: str
    day: date
    messages: int = 0
    claims: int = 0
    denied: int = 0
    taken_back: int = 0
    charge_cents: int = 0
    patient_cents: int = 0


@dataclass(frozen=True, slots=True)
class FeedAlertRow:
    """Something about a feed was told to people, or was over. `text` is in our own words, with figures.

    `number` counts the alerts and recoveries of one cause of a feed, from 1; None for those of before.
    """

    feed: str
    move: Literal["alert", "recovered"]
    cause: str
    text: str
    at: datetime
    number: int | None = None
