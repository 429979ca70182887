"""A case opens or is raised only once its account has settled; whatever order facts came in before that.

Two hundred made-up schedules of messages in one store, beside accounts that heard the same all at once.
A failure prints what came when. `--soak` runs many more.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.store import CaseHistory, Reader
from schemas.canonical import from_bytes
from schemas.facts import AccountRef, Message
from service.app import App
from service.config import load
from service.receipts import Moment
from service.timers import review_round
from tests.journey.stories import NOW, adjudicated, ago, native, ripe, sealed

WINDOW = 8
"""Half hours that an account settles: four hours."""

Told = dict[str, Any]


@dataclass
class Schedule:
    """What one account hears, by the half hour; `again` are messages that it has heard before."""

    number: str
    told: dict[int, list[Told]] = field(default_factory=dict)
    again: dict[int, list[Told]] = field(default_factory=dict)

    @property
    def ref(self) -> AccountRef:
        return AccountRef("GEN", self.number)

    @property
    def last(self) -> int:
        return max(self.told)

    def last_before(self, tick: float) -> int:
        return max(heard for heard in self.told if heard <= tick)

    def all_at_once(self) -> Schedule:
        every = [message for tick in sorted(self.told) for message in self.told[tick]]
        number = f"{self.number}-ONCE"
        renamed = [
            m | {"id": f"{m['id']}-ONCE", "account": {"facility": "GEN", "number": number}} for m in every
        ]
        return Schedule(number, {self.last: sorted(renamed, key=lambda m: str(m["occurred_at"]))})

    def on_paper(self) -> str:
        lines = [(tick, m["id"], "") for tick, some in self.told.items() for m in some]
        lines += [(tick, m["id"], "again") for tick, some in self.again.items() for m in some]
        return "\n".join(f"{tick / 2:5.1f} h {id} {how}" for tick, id, how in sorted(lines))


def extras(account: str) -> list[list[Told]]:
    """What may come besides: each item changes what the patient owes, or whether anybody may ask for it."""
    paid = {"payment_id": "P1", "amount": "40.00", "from": "patient", "received_on": ago(50)}
    back = adjudicated(account) | {"status": "22", "charge": "-600.00", "paid": "-357.83"}
    back |= {"patient_responsibility": "-142.17", "remittance": {"trace": "E2", "payment_date": ago(1)}}
    back["adjustments"] = [a | {"amount": f"-{a['amount']}"} for a in back["adjustments"]]
    dispute = {"flag": "dispute", "since": ago(2), "reference": "D"}
    answered = {"flag": "dispute", "cleared_on": ago(1), "reference": "D"}

    def say(id: str, type: str, data: Told, days: int) -> Told:
        return native(f"{account}-{id}", type, data, days=days, account=account)

    return [
        [say("p1", "payment.posted", paid, 50)],
        [say("p2", "payment.posted", paid | {"payment_id": "P2", "amount": "102.17"}, 49)],
        [
            say("p3", "payment.posted", paid | {"payment_id": "P3"}, 48),
            say("p4", "payment.posted", paid | {"payment_id": "P4", "amount": "-40.00"}, 47),
        ],
        [say("r1", "claim.adjudicated", back, 1)],
        [say("d1", "account.flagged", dispute, 2)],
        [say("d2", "account.flagged", dispute, 2), say("d3", "account.cleared", answered, 1)],
        [say("n1", "account.registered", {"patient": {"id": "P1", "phone": "555-0100"}}, 140)],
    ]


def schedule(seed: int, gap: int) -> Schedule:
    """Some messages in any order, never more than `gap` half hours of silence between two new ones."""
    draw = random.Random(seed)
    number = f"A{seed}"
    made = Schedule(number)
    messages = ripe(number) + [m for some in draw.sample(extras(number), draw.randrange(4)) for m in some]
    draw.shuffle(messages)
    tick = draw.randrange(WINDOW)
    while messages:
        some, messages = messages[: (n := draw.choice((1, 1, 2, 4, 20)))], messages[n:]
        made.told[tick] = some
        if draw.random() < 0.3:
            heard = [m for earlier in made.told.values() for m in earlier]
            made.again.setdefault(tick + draw.randrange(1, 12), []).append(draw.choice(heard))
        tick += draw.randrange(1, gap + 1)
    return made


def moment(tick: float) -> Moment:
    now = NOW + timedelta(minutes=30 * tick)
    return Moment(now, now.date())


def tick_of(instant: datetime) -> float:
    return (instant - NOW) / timedelta(minutes=30)


def sealed_at(some: list[Told], feed: str, tick: float) -> list[Message]:
    return [replace(message, received_at=moment(tick).now) for message in sealed(*some, feed=feed)]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    environ = {"BATON_HOME": str(tmp_path), "BATON_TRANSPORT": "embedded", "BATON_POLICY_SOURCE": "disk"}
    made = App(load(environ | {"BATON_SETTLING_SECONDS": "14400"}))
    made.store.upgrade()
    yield made
    made.close()


def play(app: App, schedules: list[Schedule], draw: random.Random) -> None:
    """Let it all happen, with the clock's rounds in between; after each step no case asks for too much."""
    for tick in range(max(s.last for s in schedules) + WINDOW + 2):
        some = [m for s in schedules for m in s.told.get(tick, [])]
        again = [m for s in schedules for m in s.again.get(tick, []) if tick not in s.told]
        touched = [s for s in schedules if tick in s.told]
        draw.shuffle(some)
        app.intake().receive(sealed_at(some, "billing", tick) + sealed_at(again, "copy", tick), moment(tick))
        with app.store.read() as reader:
            for s in touched:
                asks_no_more_than_decided(reader, s)
        if draw.random() < 0.8:
            review_round(app.intake(), moment(tick + draw.random() / 2))
    review_round(app.intake(), moment(max(s.last for s in schedules) + WINDOW + 2))


def asks_no_more_than_decided(reader: Reader, schedule: Schedule) -> None:
    """Taking back and lowering wait for nothing."""
    head = reader.account(schedule.ref)
    assert head is not None and head.decision_id is not None
    decided = reader.decision(head.decision_id)
    assert decided is not None
    for record in reader.cases_of(schedule.ref):
        if record.case.status == "open":
            assert decided.opens, schedule.on_paper()
            allowed = from_bytes(decided.content)["responsibility"]["collectible_cents"]
            assert record.case.amount_cents <= allowed, schedule.on_paper()


def histories(reader: Reader, ref: AccountRef) -> list[CaseHistory]:
    found = [reader.case(record.case.id) for record in reader.cases_of(ref)]
    return [history for history in found if history is not None]


def ends_as(reader: Reader, ref: AccountRef) -> list[tuple[str, int]]:
    return [(h.record.case.status, h.record.case.amount_cents) for h in histories(reader, ref)]


CHUNKS = [
    range(100),
    *[pytest.param(range(n, n + 500), marks=pytest.mark.soak) for n in range(100, 10100, 500)],
]


@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"from {seeds[0]}")
def test_inside_the_window_every_order_makes_the_same_case_and_never_takes_it_back(
    app: App, seeds: range
) -> None:
    schedules = [schedule(seed, WINDOW - 1) for seed in seeds]
    play(app, schedules + [s.all_at_once() for s in schedules], random.Random(seeds[0]))
    opened = 0
    with app.store.read() as reader:
        for s in schedules:
            moves = [
                (event.move, event.amount_cents, tick_of(when))
                for history in histories(reader, s.ref)
                for event, when in history.events
            ]
            assert [move for move, _, _ in moves] in ([], ["opened"]), s.on_paper()
            assert all(when >= s.last + WINDOW for _, _, when in moves), s.on_paper()
            assert ends_as(reader, s.ref) == ends_as(reader, s.all_at_once().ref), s.on_paper()
            opened += len(moves)
    assert len(schedules) / 4 < opened < len(schedules) * 3 / 4


@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"from {seeds[0]}")
def test_with_longer_silences_no_case_opens_or_rises_before_its_account_has_settled(
    app: App, seeds: range
) -> None:
    schedules = [schedule(seed, 5 * WINDOW) for seed in seeds]
    play(app, schedules + [s.all_at_once() for s in schedules], random.Random(seeds[0]))
    seen = set()
    with app.store.read() as reader:
        for s in schedules:
            for history in histories(reader, s.ref):
                for event, when in history.events:
                    seen.add(event.move)
                    if event.move == "opened" or event.amount_cents > event.previous_cents:
                        assert tick_of(when) >= s.last_before(tick_of(when)) + WINDOW, s.on_paper()
            now, once = ends_as(reader, s.ref), ends_as(reader, s.all_at_once().ref)
            assert [end for end in now if end[0] == "open"] == once, s.on_paper()
    assert seen >= {"opened", "adjusted", "recalled"}
