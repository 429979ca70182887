"""What a transaction counts of each feed: messages by what became of them, payers' decisions, numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from adapters.store import ControlNumberRow, TallyRow
from schemas.facts import Tally
from service.posting import Arrival


def tallies(
    fates: Iterable[tuple[str, str]], arrivals: Sequence[Arrival], day: date, now: datetime
) -> list[TallyRow]:
    """What this transaction took, by feed: received = accepted + duplicate + parked.

    `fates` has each message's feed and disposition; `arrivals` those that were new.
    """
    counted: dict[str, Counter[str]] = {}
    for feed, disposition in fates:
        counted.setdefault(feed, Counter())[disposition] += 1
    said: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        if arrival.claims or arrival.taken_back:
            said.setdefault(arrival.feed, []).append(arrival)
    return [
        TallyRow(
            feed,
            day,
            received=counts.total(),
            accepted=counts["accepted"],
            duplicate=counts["duplicate"],
            parked=counts["parked"],
            claims=sum(a.claims for a in said.get(feed, ())),
            denied=sum(a.denied for a in said.get(feed, ())),
            taken_back=sum(a.taken_back for a in said.get(feed, ())),
            charge_cents=sum(a.charge_cents for a in said.get(feed, ())),
            patient_cents=sum(a.patient_cents for a in said.get(feed, ())),
            recorded_at=now,
        )
        for feed, counts in sorted(counted.items())
    ]


def control_numbers(seq: int, feed: str, tally: Tally | None, now: datetime) -> list[ControlNumberRow]:
    """The numbers by which the sender of a newly kept message counts, where its reader found some."""
    numbers = tally.control_numbers if tally is not None else ()
    return [ControlNumberRow(feed, number, seq, now) for number in numbers]
