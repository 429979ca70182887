"""What every store promises about feeds: days, hours and numbers, how they stand, and whose case waits."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from adapters.store import ControlNumberRow, FeedDay, FeedEventRow, Store, TallyRow, WithheldRow

if TYPE_CHECKING:
    from tests.ports.conftest import Maker


def event(feed: str, move: str, at: datetime) -> FeedEventRow:
    return FeedEventRow(feed, move, "person", "because", "M. Rivera", at)  # type: ignore[arg-type]


def test_the_last_event_of_a_feed_is_how_it_stands(store: Store, make: Maker) -> None:
    with store.write() as unit:
        assert unit.paused_feeds() == frozenset()
        unit.add_feed_events([event("era", "paused", make.now), event("bar", "paused", make.now)])
        assert unit.paused_feeds() == {"era", "bar"}
    with store.write() as unit:
        unit.add_feed_events([event("era", "resumed", make.later(9))])
    with store.read() as reader:
        assert reader.paused_feeds() == {"bar"}
        assert reader.feed_events("era") == [
            event("era", "paused", make.now),
            event("era", "resumed", make.later(9)),
        ]
        assert len(reader.feed_events()) == 3


def test_a_feeds_days_add_up_and_its_hours_are_told_apart(store: Store, make: Maker) -> None:
    row = TallyRow(
        "era", make.today, received=3, claims=2, denied=1, taken_back=1, charge_cents=500, patient_cents=-20,
        recorded_at=datetime(2026, 3, 1, 12, 5, tzinfo=UTC),
    )  # fmt: skip
    later = dataclasses.replace(row, recorded_at=datetime(2026, 3, 1, 12, 59, tzinfo=UTC))
    next_hour = dataclasses.replace(row, feed="bar", recorded_at=datetime(2026, 3, 1, 13, 0, tzinfo=UTC))
    with store.write() as unit:
        unit.add_tallies([row, later, next_hour, dataclasses.replace(row, recorded_at=None)])
    with store.read() as reader:
        assert reader.feed_days(make.today) == [
            FeedDay("bar", make.today, 3, 2, 1, 1, 500, -20),
            FeedDay("era", make.today, 9, 6, 3, 3, 1500, -60),
        ]
        assert reader.feed_hours(make.today) == [
            ("bar", next_hour.recorded_at),
            ("era", later.recorded_at),
        ]
        assert reader.feed_days(make.today + timedelta(days=1)) == []


def test_the_newest_control_numbers_come_in_the_order_of_arrival(store: Store, make: Maker) -> None:
    rows = [ControlNumberRow("era", n, 1, make.later(i)) for i, n in enumerate([7, 9, 8])]
    with store.write() as unit:
        unit.add_control_numbers([*rows, ControlNumberRow("bar", 1, 1, make.now)])
        unit.add_control_numbers([])
    with store.read() as reader:
        assert reader.control_numbers("era", 2) == [(9, make.later(1)), (8, make.later(2))]


def test_accounts_to_decide_again_are_found_by_policy_and_by_what_they_wait_for(
    store: Store, make: Maker
) -> None:
    with store.write() as unit:
        current, old, never, undecided = (make.locked(unit) for _ in range(4))
        heads = [
            dataclasses.replace(current, decision_id="d1", policy_sha256="p2", feeds=("era", "bar")),
            dataclasses.replace(old, decision_id="d2", policy_sha256="p1", withheld=("settling",)),
            dataclasses.replace(never, decision_id="d3", withheld=("shadow feed b", "shadow feed a")),
        ]
        unit.save_accounts(heads)
    with store.read() as reader:
        assert reader.accounts_under_other_policies("p2", 10) == [old.ref, never.ref]
        assert reader.accounts_under_other_policies("p2", 1) == [old.ref]
        assert reader.accounts_under_other_policies("p3", 10) == [current.ref, old.ref, never.ref]
        assert sorted(reader.reasons_withheld()) == [("settling",), ("shadow feed a", "shadow feed b")]
        assert reader.accounts_withheld_for([("shadow feed a", "shadow feed b")], 10) == [never.ref]
        assert reader.accounts_withheld_for([("shadow feed a",)], 10) == []
        standing = reader.standing("p2")
        assert (standing.decided, standing.under_policy) == (3, 1)
        assert standing.withheld == {("settling",): 1, ("shadow feed a", "shadow feed b"): 1}
        head = reader.account(current.ref)
        assert head is not None and head.feeds == ("bar", "era") and undecided.feeds == ()


def test_withheld_cases_are_kept_in_order(store: Store, make: Maker) -> None:
    with store.write() as unit:
        account = make.locked(unit)
        first = WithheldRow(account.id, "withheld", ("shadow feed a",), ("a",), 5, "USD", "d", "v", make.now)
        second = dataclasses.replace(first, move="ended", at=make.later(5))
        unit.add_withheld([first, second])
    with store.read() as reader:
        told = reader.withheld_cases()
        assert [(r.account, r.move, r.causes, r.at) for r in told] == [
            (account.ref, "withheld", ("shadow feed a",), make.now),
            (account.ref, "ended", ("shadow feed a",), make.later(5)),
        ]
        assert reader.withheld_cases(make.later(1)) == told[1:]
