"""For the operator: merges and unmerges in any order, batch and worker end in the same accounts and cases."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.store import Overtaken, Store
from schemas.facts import AccountRef, Fact, Message
from service import answers
from service.app import App
from service.config import load
from service.core import apportion, decide, fold
from service.intake import Intake
from tests.journey.stories import MOMENT, TODAY, ago, native, ripe, sealed

Plain = dict[str, Any]


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    url = f"sqlite:///{tmp_path}/baton.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    opened = App(
        load({"BATON_DATABASE_URL": url, "BATON_HOME": str(tmp_path), "BATON_TRANSPORT": "embedded"})
    )
    opened.store.upgrade()
    yield opened
    opened.close()


def at_once(app: App, store: Store | None = None) -> Intake:
    """An intake whose cases open without a settling window."""
    return Intake(store or app.store, app.read, app.read_large, app.policy)


def ref(number: str) -> AccountRef:
    return AccountRef("GEN", number)


def merged(source: str, into: str, days: int) -> Plain:
    data = {"into": {"facility": "GEN", "number": into}}
    return native(f"{source}>{into}@{days}", "accounts.merged", data, days=days, account=source)


def unmerged(source: str, out_of: str, days: int) -> Plain:
    data = {"from": {"facility": "GEN", "number": out_of}}
    return native(f"{source}<{out_of}@{days}", "accounts.unmerged", data, days=days, account=source)


def asked(account: str, amount: str, days: int) -> Plain:
    """A third statement, which shows what the account asks for since it was merged."""
    data = {"number": 3, "sent_on": ago(days), "amount": amount, "financial_assistance_notice": True}
    return native(f"{account}-third", "statement.sent", data, days=days, account=account)


def stands(app: App, number: str) -> tuple[Any, ...]:
    """What the store keeps of an account: determination, net, balance, and what its open case asks for."""
    with app.store.read() as reader:
        row = reader.account(ref(number))
        if row is None:
            return ("undetermined", 0, 0, None)
        cases = [c.case for c in reader.cases_of(ref(number)) if c.case.status == "open"]
    assert len(cases) <= 1
    return row.determination, row.patient_cents, row.balance_cents, cases[0].amount_cents if cases else None


def expected(app: App, facts: list[Fact], number: str) -> tuple[Any, ...]:
    """The same from all facts at once."""
    account = fold(facts, ref(number))
    owes = apportion(account, app.policy)
    opens = decide(account, owes, app.policy, TODAY).opens_case
    return owes.determination, owes.net_cents, owes.balance_cents, owes.net_cents if opens else None


def facts_of(app: App, messages: list[Message]) -> list[Fact]:
    return [item for message in messages for item in app.read(message) if isinstance(item, Fact)]


def why(app: App, number: str) -> Plain:
    with app.store.read() as reader:
        return answers.why(reader, app.policy, ref(number), TODAY)


def moves_of(app: App, number: str) -> list[tuple[str, str]]:
    with app.store.read() as reader:
        histories = [reader.case(c.case.id) for c in reader.cases_of(ref(number))]
    return [(e.move, e.reason) for h in histories if h is not None for e, _ in h.events]


def test_a_merge_closes_the_one_case_and_the_other_asks_for_both(app: App) -> None:
    intake = at_once(app)
    intake.receive(sealed(*ripe("A"), *ripe("B")), MOMENT)
    assert (stands(app, "A")[3], stands(app, "B")[3]) == (14217, 14217)
    intake.receive(sealed(asked("B", "284.34", 40), merged("A", "B", 45)), MOMENT)
    assert stands(app, "A") == ("undetermined", 0, 0, None)
    assert stands(app, "B") == ("final", 28434, 28434, 28434)
    assert moves_of(app, "A")[-1] == ("closed", "MERGED")
    assert moves_of(app, "B")[-1] == ("adjusted", "AMOUNT_CHANGED")
    intake.receive(sealed(unmerged("A", "B", 25)), MOMENT)
    assert (stands(app, "A")[3], stands(app, "B")[3]) == (14217, 14217)


def test_a_new_fact_of_an_account_merged_away_changes_the_survivor_at_once(app: App) -> None:
    intake = at_once(app)
    intake.receive(sealed(*ripe("A"), *ripe("B"), merged("A", "B", 45), asked("B", "284.34", 40)), MOMENT)
    data = {"payment_id": "P1", "amount": "42.17", "from": "patient", "received_on": "2026-11-20"}
    intake.receive(sealed(native("late", "payment.posted", data, account="A")), MOMENT)
    # A payment just received holds the account, so its case is taken back.
    assert stands(app, "B") == ("final", 24217, 24217, None)
    assert [move for move, _ in moves_of(app, "B")] == ["opened", "recalled"]
    assert stands(app, "A")[3] is None


def test_why_says_where_an_account_went_and_whose_facts_the_other_holds(app: App) -> None:
    at_once(app).receive(sealed(*ripe("A"), *ripe("B"), merged("A", "B", 45)), MOMENT)
    gone, holds = why(app, "A"), why(app, "B")
    assert gone["summary"] == "This account was merged into GEN/B; its balance is there."
    assert (gone["balance"], gone["case"]) == ("0.00", None)
    assert holds["summary"].startswith("Holds the facts of GEN/A, merged into it.")
    assert holds["balance"] == "284.34"
    assert gone["decision"]["stored"] and holds["decision"]["stored"]


def test_an_account_known_by_a_merge_alone_answers_for_the_other(app: App) -> None:
    at_once(app).receive(sealed(*ripe("A"), merged("A", "B", 45)), MOMENT)
    assert stands(app, "B") == ("final", 14217, 14217, 14217)
    assert why(app, "B")["balance"] == "142.17"


def test_an_account_that_cannot_be_kept_is_not_merged_into_and_parks_alone(app: App) -> None:
    odd = merged("A", "B\u200b", 30)
    receipts = at_once(app).receive(sealed(*ripe("A"), odd), MOMENT)
    assert [r.disposition for r in receipts] == ["accepted"] * 7 + ["parked"]


HISTORIES = {"sqlite": 120, "postgresql": 12}


def test_any_order_repetition_and_split_ends_in_the_same_accounts_and_cases(app: App) -> None:
    """Each history has accounts of its own in one store, so that hundreds of them are quick."""
    source, intake, merged_cases = random.Random(20), at_once(app), 0
    for n in range(HISTORIES[app.store.backend]):
        names = [f"A{n}", f"B{n}", f"C{n}"]
        told = [m for name in names[: source.choice((2, 2, 3))] for m in ripe(name)]
        days = source.sample(range(18, 58), 5)
        for day in days[: source.randint(1, 5)]:
            one, other = source.sample(names, 2)
            told.append(source.choice((merged, merged, unmerged))(one, other, day))
        told += [asked(name, "999.00", 32) for name in names if source.random() < 0.7]
        messages = sealed(*told)
        again = messages + [m for m in messages if source.random() < 0.3]
        source.shuffle(again)
        while again:
            size = source.choice((1, 1, 2, 5, 12, 40))
            intake.receive(again[:size], MOMENT)
            again = again[size:]
        facts = facts_of(app, messages)
        ends = [stands(app, name) for name in names]
        assert ends == [expected(app, facts, name) for name in names], n
        merged_cases += sum(end[3] is not None and end[3] > 14217 for end in ends)
    assert merged_cases


@pytest.fixture
def two(postgres_url: str, tmp_path: Path) -> Iterator[tuple[App, Store]]:
    """A Baton on PostgreSQL, and a second worker's own connection to it."""
    opened = App(
        load({"BATON_DATABASE_URL": postgres_url, "BATON_HOME": str(tmp_path), "BATON_TRANSPORT": "embedded"})
    )
    opened.store.upgrade()
    other = Store.open(postgres_url)
    yield opened, other
    other.close()
    opened.close()


@pytest.mark.postgres
def test_a_fact_that_waits_for_an_account_while_it_is_merged_begins_anew(two: tuple[App, Store]) -> None:
    app, other = two
    at_once(app).receive(sealed(*ripe("A"), *ripe("B")), MOMENT)
    waiting, failed = threading.Event(), []
    with app.store.write() as unit:
        rows = unit.lock_accounts([ref("A"), ref("B")])

        def late() -> None:
            waiting.set()
            try:
                with other.write() as second:
                    second.lock_accounts([ref("A")])
            except Overtaken as error:
                failed.append(error)

        worker = threading.Thread(target=late)
        worker.start()
        waiting.wait()
        while not _is_waiting(app):
            time.sleep(0.01)
        unit.join_accounts({row.id: rows[ref("A")].id for row in rows.values()})
    worker.join()
    assert len(failed) == 1
    with other.write() as second:
        assert set(second.lock_accounts([ref("A")])) == {ref("A"), ref("B")}


def _is_waiting(app: App) -> bool:
    with app.store.read() as reader:
        found = reader.session.select(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    return bool(found[0][0])


@pytest.mark.postgres
def test_two_workers_that_merge_and_post_to_the_same_accounts_end_as_one_would(
    two: tuple[App, Store],
) -> None:
    app, other = two
    source = random.Random(4)
    for n in range(8):
        names = [f"A{n}", f"B{n}", f"C{n}"]
        told = [m for name in names for m in ripe(name)]
        told += [merged(names[0], names[1], 40), merged(names[1], names[2], 35)]
        told += [unmerged(names[0], names[1], 30)] if n % 2 else []
        messages = sealed(*told)
        source.shuffle(messages)
        halves = (messages[::2], messages[1::2])
        errors: list[BaseException] = []

        def work(part: list[Message], intake: Intake, errors: list[BaseException] = errors) -> None:
            try:
                for at in range(0, len(part), 3):
                    intake.receive(part[at : at + 3], MOMENT)
            except BaseException as error:
                errors.append(error)

        workers: list[threading.Thread] = []
        for part, store in zip(halves, (app.store, other), strict=True):
            workers.append(threading.Thread(target=work, args=(part, at_once(app, store))))
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert not errors
        facts = facts_of(app, messages)
        assert [stands(app, name) for name in names] == [expected(app, facts, name) for name in names]
