"""What a transaction counts of each feed: messages by what became of them, payers' decisions, numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from adapters.store import ControlNumberRow, TallyRow
from schemas.facts import Fact, Tally
from service.posting import Arrival


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one message of a feed, and what its reader counted; None where nobody read it.

    `waited` is from its receipt to here, `age` how old its newest statement was then; None is unknown.
    """

    feed: str
    disposition: str
    tally: Tally | None = None
    waited: timedelta | None = None
    age: timedelta | None = None


def tallies(fates: Iterable[Fate], arrivals: Sequence[Arrival], day: date, now: datetime) -> list[TallyRow]:
    """What this transaction took, by feed: received = accepted + duplicate + parked, also in cents.

    `arrivals` are the messages that were new. Received cents are what remittances say they pay, the others
    what their claims and provider adjustments add up to: they agree where a remittance holds together.
    Source: 005010X221A1 1.10.2.1.1 (BPR02 = sum of CLP04 - sum of PLB).
    """
    waited: dict[str, list[timedelta]] = defaultdict(list)
    aged: dict[str, list[timedelta]] = defaultdict(list)
    counted: dict[str, Counter[str]] = {}
    cents: dict[str, Counter[str]] = {}
    for fate in fates:
        counted.setdefault(fate.feed, Counter())[fate.disposition] += 1
        sums = cents.setdefault(fate.feed, Counter())
        stated, settled = payment_of(fate.tally)
        sums["received"] += stated
        sums[fate.disposition] += settled
        if fate.waited is not None:
            waited[fate.feed].append(fate.waited)
        if fate.age is not None:
            aged[fate.feed].append(fate.age)
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
            received_cents=cents[feed]["received"],
            accepted_cents=cents[feed]["accepted"],
            duplicate_cents=cents[feed]["duplicate"],
            parked_cents=cents[feed]["parked"],
            claims=sum(a.claims for a in said.get(feed, ())),
            denied=sum(a.denied for a in said.get(feed, ())),
            taken_back=sum(a.taken_back for a in said.get(feed, ())),
            charge_cents=sum(a.charge_cents for a in said.get(feed, ())),
            patient_cents=sum(a.patient_cents for a in said.get(feed, ())),
            recorded_at=now,
            slowest_ms=_ms(max(waited[feed], default=None)),
            freshest_ms=_ms(min(aged[feed], default=None)),
        )
        for feed, counts in sorted(counted.items())
    ]


def _ms(span: timedelta | None) -> int | None:
    """Clocks that differ make no time negative."""
    return None if span is None else max(0, span // timedelta(milliseconds=1))


def age_of(facts: Sequence[Fact], received_at: datetime) -> timedelta | None:
    """How old the newest statement of a message was when it came; None without one."""
    return received_at - max(f.occurred_at for f in facts) if facts else None


def payment_of(tally: Tally | None) -> tuple[int, int]:
    """What a remittance says it pays, and what its claims less its provider adjustments come to, in cents.

    A payment that is taken back from the hospital states its amount without a sign.

    Source: 005010X221A1 BPR03.

    >>> payment_of(Tally("x12", paid_cents=10000, provider_adjustments_cents=500, payment_cents=9500))
    (9500, 9500)
    >>> payment_of(Tally("x12", paid_cents=-10000, payment_cents=10000))
    (-10000, -10000)
    """
    if tally is None or not tally.format.startswith("x12"):
        return 0, 0
    settled = tally.paid_cents - tally.provider_adjustments_cents
    stated = -tally.payment_cents if settled == -tally.payment_cents else tally.payment_cents
    return stated, settled


def control_numbers(seq: int, feed: str, tally: Tally | None, now: datetime) -> list[ControlNumberRow]:
    """The numbers by which the sender of a newly kept message counts, where its reader found some."""
    numbers = tally.control_numbers if tally is not None else ()
    return [ControlNumberRow(feed, number, seq, now) for number in numbers]
