"""What every store promises about what was decided: decisions, heads, cases, the audit log and the outbox."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.store import CaseEventRow, OutboxRow, StatementFailed, Store
from schemas.cases import Case, CaseEvent
from schemas.facts import AccountRef

if TYPE_CHECKING:
    from tests.ports.conftest import Maker


def event(case: Case, sequence: int, move: str, cents: int, before: int) -> CaseEvent:
    return CaseEvent(
        f"{case.id} {sequence}", case.id, case.account, move, sequence, cents, before, "USD", "d1", "because"
    )  # type: ignore[arg-type]


def test_decisions_tell_the_account_s_story_in_order(store: Store, make: Maker) -> None:
    with store.write() as unit:
        account, other = make.locked(unit), make.locked(unit)
        rows = [make.decision(account, make.later(n)) for n in range(3)]
        unit.add_decisions([*rows, make.decision(other)])
        unit.add_decisions([rows[0]])
        unit.add_decisions([])
    with store.read() as reader:
        story = reader.decisions(account.ref)
        assert [(d.id, d.content, d.decided_at) for d in story] == [
            (r.id, r.content, r.decided_at) for r in rows
        ]
        assert (story[0].account, story[0].as_of, story[0].opens) == (account.ref, make.today, False)
        assert reader.decision(rows[1].id) == story[1]
        assert reader.decision("unknown") is None
        assert reader.latest_decision(account.ref) == story[2]
        assert reader.latest_decision(account.ref, known_at=make.later(1)) == story[1]
        assert reader.decisions(account.ref, known_at=make.later(-1)) == []
        assert reader.latest_decision(AccountRef("GEN", "unknown")) is None
        assert reader.decisions(account.ref, limit=2, newest_first=True) == [story[2], story[1]]


def test_a_head_is_saved_with_everything_it_says_and_counted_up(store: Store, make: Maker) -> None:
    with store.write() as unit:
        account, untouched = make.locked(unit), make.locked(unit)
        head = dataclasses.replace(
            account, decision_id="d", material="m", review_on=make.today, review_at=make.later(60),
            determination="credit", patient_cents=-(2**40), balance_cents=2**60, currency="EUR", facts=7,
            cases=2,
        )  # fmt: skip
        unit.save_accounts([head])
    with store.read() as reader:
        assert reader.account(account.ref) == dataclasses.replace(head, version=1)
        assert reader.account(untouched.ref) == untouched
        assert reader.account(AccountRef("GEN", "unknown")) is None
    with store.write() as unit:
        assert make.locked(unit, account.ref) == dataclasses.replace(head, version=1)
        cleared = dataclasses.replace(head, review_on=None, review_at=None)
        unit.save_accounts([cleared])
        assert unit.reader.account(account.ref) == dataclasses.replace(cleared, version=2)


def test_accounts_of_one_number_are_found_in_every_facility(store: Store, make: Maker) -> None:
    with store.write() as unit:
        unit.lock_accounts([AccountRef("SOUTH", "A1"), AccountRef("NORTH", "A1"), AccountRef("NORTH", "A10")])
    with store.read() as reader:
        assert [str(row.ref) for row in reader.find_accounts("A1")] == ["NORTH/A1", "SOUTH/A1"]
        assert reader.find_accounts("A") == []


def test_accounts_are_due_when_their_day_or_their_instant_has_come(store: Store, make: Maker) -> None:
    day = timedelta(days=1)
    with store.write() as unit:
        today, tomorrow, soon, never = (make.locked(unit) for _ in range(4))
        unit.save_accounts(
            [
                dataclasses.replace(today, review_on=make.today),
                dataclasses.replace(tomorrow, review_on=make.today + day),
                dataclasses.replace(soon, review_at=make.later(10)),
                never,
            ]
        )
        assert unit.due_accounts(make.today - day, make.later(9), 10) == []
        assert unit.due_accounts(make.today, make.later(9), 10) == [today.ref]
        assert unit.due_accounts(make.today, make.later(10), 10) == [today.ref, soon.ref]
        assert unit.due_accounts(make.today + day, make.later(10), 2) == [today.ref, tomorrow.ref]
        assert unit.reader.reviews_due(make.today + day, make.later(10)) == 3


def test_a_case_lives_through_its_moves_and_keeps_its_history(store: Store, make: Maker) -> None:
    with store.write() as unit:
        account = make.locked(unit)
        case = make.case(account.ref)
        unit.save_cases([case])
        unit.add_case_events([CaseEventRow(event(case, 1, "opened", 14217, 0), account.id, make.now)])
    closed = dataclasses.replace(
        case, status="closed", amount_cents=0, decided_by="d2", events=2, reason="PAID_IN_FULL"
    )
    with store.write() as unit:
        account = make.locked(unit, account.ref)
        assert account.case == case
        unit.save_cases([closed, make.case(account.ref, number=2)])
        last = CaseEventRow(event(case, 2, "closed", 0, 14217), account.id, make.later(5))
        unit.add_case_events([last])
        unit.add_case_events([last])
    with store.read() as reader:
        history = reader.case(case.id)
        assert history is not None
        assert history.record.case == closed
        assert [(e.move, e.previous_cents, at) for e, at in history.events] == [
            ("opened", 0, make.now), ("closed", 14217, make.later(5)),
        ]  # fmt: skip
        assert [r.case.number for r in reader.cases_of(account.ref)] == [1, 2]
        assert reader.case("unknown") is None
        head = reader.account(account.ref)
        assert head is not None and head.case is not None and head.case.number == 2


def test_cases_are_listed_by_status_page_by_page(store: Store, make: Maker) -> None:
    with store.write() as unit:
        accounts = [make.locked(unit) for _ in range(5)]
        cases = [make.case(a.ref, status="open" if n % 2 else "recalled") for n, a in enumerate(accounts)]
        for case in cases:
            unit.save_cases([case])
    with store.read() as reader:
        everything = reader.cases()
        assert [r.case for r in everything] == cases
        assert [r.case for r in reader.cases("recalled")] == cases[0::2]
        first = reader.cases("recalled", limit=2)
        assert [r.case for r in first] == [cases[0], cases[2]]
        assert [r.case for r in reader.cases("recalled", after=first[-1].seq)] == [cases[4]]
        assert reader.counts().cases == {"open": 2, "recalled": 3}


def test_an_account_never_has_two_open_cases(store: Store, make: Maker) -> None:
    with store.write() as unit:
        account = make.locked(unit)
        unit.save_cases([make.case(account.ref)])
    with pytest.raises(StatementFailed) as failed, store.write() as unit:
        make.locked(unit, account.ref)
        unit.save_cases([make.case(account.ref, number=2)])
    assert account.ref.number not in str(failed.value)
    with store.read() as reader:
        assert [r.case.number for r in reader.cases()] == [1]


def test_a_case_without_its_account_locked_is_a_defect(store: Store, make: Maker) -> None:
    with pytest.raises(KeyError), store.write() as unit:
        unit.save_cases([make.case(make.ref())])


def test_the_outbox_gives_events_in_order_and_forgets_what_was_confirmed(store: Store, make: Maker) -> None:
    rows = [OutboxRow(f"e{n}", "case.opened", "GEN/A1", b"{}", make.later(n)) for n in range(3)]
    with store.write() as unit:
        unit.add_outbox(rows)
        unit.add_outbox([rows[1]])
    with store.write() as unit:
        first, second = unit.take_outbox(2)
        assert unit.reader.outbox_state().depth == 3
        assert unit.reader.outbox_state().oldest_at == make.now
        unit.delete_outbox([first.seq])
        unit.delete_outbox([])
    assert (first.event_id, first.body, first.created_at) == ("e0", b"{}", make.now)
    with store.read() as reader:
        assert [r.event_id for r in reader.outbox(10)] == ["e1", "e2"]
        assert reader.outbox(1) == [second]
    with store.write() as unit:
        unit.delete_outbox([r.seq for r in unit.take_outbox(10)])
        assert unit.reader.outbox_state().depth == 0
        unit.add_outbox([OutboxRow("e9", "case.opened", "GEN/A1", b"{}", make.now)])
        assert unit.take_outbox(1)[0].seq > second.seq + 1


def test_there_is_one_relay_at_a_time(store: Store, store_url: str) -> None:
    with store.relay_lease() as held:
        assert held
        other = Store.open(store_url)
        with other.relay_lease() as also_held:
            assert not also_held
        other.close()
    with store.relay_lease() as held:
        assert held
    with store.write() as unit:
        assert unit.try_relay_lease()


def test_facts_are_shown_with_the_message_they_came_by_and_as_known_at_an_instant(
    store: Store, make: Maker
) -> None:
    message = make.message()
    with store.write() as unit:
        (kept,) = unit.keep_messages([message])
        account = make.locked(unit)
        early, late = (
            make.fact_row(make.fact(account.ref, identity=f"s/{n}"), account, kept.seq) for n in "ab"
        )
        unit.add_facts([early, dataclasses.replace(late, recorded_at=make.later(60))])
    with store.read() as reader:
        everything = reader.facts(account.ref)
        assert {r.fact.id for r in everything} == {early.fact.id, late.fact.id}
        (known,) = reader.facts(account.ref, known_at=make.later(59))
        assert (known.fact, known.fact.content) == (early.fact, early.fact.content)
        assert (known.message_sha256, known.place, known.recorded_at) == (
            message.sha256, early.fact.where, make.now,
        )  # fmt: skip
        counts = reader.counts()
    assert (counts.messages, counts.facts, counts.accounts, counts.unread) == (1, 2, 1, 1)
