"""What became of a message, and what is known of an account, as use cases say it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import repeat
from typing import Literal, TypeAlias

from adapters.store import Reader
from adapters.store.rows import KeptMessage
from schemas.facts import AccountRef, Message, Rejected, Tally
from service.posting import Arrival
from service.tallying import Fate

Disposition: TypeAlias = Literal["accepted", "duplicate", "parked"]


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happens: the instant of recording, and the day that decisions are made as of."""

    now: datetime
    as_of: date


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message. `facts` counts the new ones; `rejected` says what waits for a person."""

    sha256: str
    disposition: Disposition
    facts: int = 0
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an account at one moment: amounts in cents; `case_status` None without a case."""

    determination: str | None
    balance_cents: int
    patient_cents: int
    case_status: str | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What reading again would do: the receipt it would give, and each account before and after."""

    receipt: Receipt
    accounts: tuple[tuple[AccountRef, Standing | None, Standing | None], ...]


def reread_receipt(arrival: Arrival, still: tuple[Rejected, ...]) -> Receipt:
    """The receipt of a message that was read again; `still` are the parts that wait on."""
    return Receipt(arrival.sha256, "parked" if still else arrival.disposition, arrival.new_facts, still)


def standing_of(reader: Reader, ref: AccountRef) -> Standing | None:
    """What the store knows of an account; None where it does not know it."""
    row = reader.account(ref)
    if row is None:
        return None
    status = row.case.status if row.case else None
    return Standing(row.determination, row.balance_cents, row.patient_cents, status)


def receipts_of(
    kept: Sequence[KeptMessage], messages: Sequence[Message], arrivals: Sequence[Arrival]
) -> list[Receipt]:
    """A receipt for each message of a batch, in its order; one that was kept before is a duplicate."""
    by_seq = {arrival.seq: arrival for arrival in arrivals}
    receipts = []
    for row, message in zip(kept, messages, strict=True):
        arrival = by_seq.get(row.seq) if row.new else None
        if arrival is None:
            receipts.append(Receipt(message.sha256, "duplicate"))
        else:
            said = Receipt(message.sha256, arrival.disposition, arrival.new_facts, tuple(arrival.rejected))
            receipts.append(said)
    return receipts


def fates_of(
    messages: Sequence[Message],
    receipts: Sequence[Receipt],
    tallied: Sequence[Tally | None],
    now: datetime,
    ages: Iterable[timedelta | None] = repeat(None),
) -> list[Fate]:
    """What became of each message, what its reader counted, and how long it took."""
    return [
        Fate(m.feed, r.disposition, t, now - m.received_at, age)
        for m, r, t, age in zip(messages, receipts, tallied, ages, strict=False)
    ]
