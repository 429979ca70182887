"""For an auditor: what was taken out and came back is a function of the set of facts, in whatever order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.facts import AccountCleared, AccountRef, ChargePosted, Fact
from service.core import fold
from service.core.withdrawing import (
    CONTRADICTION,
    REREAD,
    reread_out,
    to_bring_back,
    to_take_out,
    withdrawal,
    withdrawn,
)

A1 = AccountRef("GEN", "A1")
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
CHARGE = Fact.of(A1, "charge", NOON, ChargePosted("C1", 10_000, date(2026, 1, 5)))


def turned(facts: list[Fact], out: bool, hours: int) -> list[Fact]:
    """These facts, and what takes the charge out or brings it back."""
    find = to_take_out if out else to_bring_back
    at = NOON + timedelta(hours=hours)
    return facts + [withdrawal(f, REREAD, at, at.date(), "Ada", "read again") for f in find(CHARGE, facts)]


@given(times=st.integers(0, 9), chance=st.randoms(use_true_random=False), still=st.booleans())
def test_each_turn_counts_once_and_in_any_order(times: int, chance: object, still: bool) -> None:
    facts = [CHARGE]
    for n in range(times):
        before = len(facts)
        facts = turned(facts, out=n % 2 == 0, hours=0 if still else n)
        assert len(facts) == before + 1, "a turn is one fact"
    chance.shuffle(facts)  # type: ignore[attr-defined]
    assert (CHARGE.id in withdrawn(facts)) == (times % 2 == 1)
    charges = fold(facts, A1).charges
    assert [c.id for c in charges] == ([] if times % 2 else [CHARGE.id])


def test_what_two_processes_took_out_at_once_comes_back_whole() -> None:
    twice = [
        withdrawal(CHARGE, REREAD, NOON + timedelta(hours=n), NOON.date(), "Ada", str(n)) for n in (1, 2)
    ]
    facts = [CHARGE, *twice]
    assert reread_out(facts) == {CHARGE.id}
    back = turned(facts, out=False, hours=3)
    assert len(back) == 5 and CHARGE.id not in withdrawn(back)
    assert CHARGE.id in withdrawn(turned(back, out=True, hours=4))


def test_what_people_took_out_is_not_brought_back_by_reading_again() -> None:
    out = withdrawal(CHARGE, CONTRADICTION, NOON, NOON.date(), "Ada, Kim", "not ours")
    facts = [CHARGE, out]
    assert to_bring_back(CHARGE, facts) == []
    again = withdrawal(out, REREAD, NOON, NOON.date(), "Eve", "")
    assert CHARGE.id in withdrawn([*facts, again])


def test_a_sender_takes_nothing_out_and_nothing_earlier_takes_out_what_is_later() -> None:
    true = withdrawal(CHARGE, REREAD, NOON, NOON.date(), "Ada", "")
    body = true.body
    assert isinstance(body, AccountCleared)
    sent = Fact.of(A1, true.key, true.occurred_at, body, identity="sender/1")
    early = Fact.of(A1, true.key, NOON - timedelta(days=1), body)
    elsewhere = Fact.of(AccountRef("GEN", "A2"), true.key, true.occurred_at, body)
    assert withdrawn([CHARGE, true]) == {CHARGE.id}
    foreign = Fact.of(A1, f"account.cleared|{A1}|feed|{REREAD}|{CHARGE.id}", true.occurred_at, body)
    for other in (sent, early, elsewhere, foreign):
        assert withdrawn([CHARGE, other]) == frozenset()


def test_a_fact_leaves_its_own_account_only() -> None:
    other = AccountRef("GEN", "A2")
    body = AccountCleared(REREAD, NOON.date(), CHARGE.id, "Ada", "")
    key = f"account.cleared|{other}|baton|{REREAD}|{CHARGE.id}"
    elsewhere = Fact.of(other, key, NOON + timedelta(hours=1), body)
    assert withdrawn([CHARGE, elsewhere]) == frozenset()


def test_a_withdrawal_of_something_unknown_does_not_hide_the_next() -> None:
    unknown = Fact.of(A1, "another charge", NOON, ChargePosted("C2", 5_000, date(2026, 1, 5)))
    first, second = (withdrawal(f, REREAD, NOON, NOON.date(), "Ada", "") for f in (unknown, CHARGE))
    assert withdrawn([CHARGE, first, second]) == {CHARGE.id}


def test_nothing_takes_out_what_was_stated_at_its_own_instant() -> None:
    true = withdrawal(CHARGE, REREAD, NOON, NOON.date(), "Ada", "")
    assert withdrawn([CHARGE, Fact.of(A1, true.key, CHARGE.occurred_at, true.body)]) == frozenset()


def test_what_lies_in_the_future_is_taken_out_on_its_own_day() -> None:
    early = NOON - timedelta(days=3)
    body = withdrawal(CHARGE, REREAD, early, early.date(), "Ada", "").body
    assert isinstance(body, AccountCleared) and body.cleared_on == NOON.date()
    late = withdrawal(CHARGE, REREAD, NOON + timedelta(days=3), date(2026, 1, 8), "Ada", "").body
    assert isinstance(late, AccountCleared) and late.cleared_on == date(2026, 1, 8)
