"""For the operator: what one transaction does, on both databases, with the real readers, core and store."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import BatonError
from schemas.facts import AccountRef, Message, Rejected
from service import answers
from service.app import App
from service.config import load
from service.core import Policy
from service.core.account import Account
from service.core.policy.policy import Shelf
from service.intake import Intake
from service.logs import open_log
from service.readings import large
from service.receipts import Moment
from service.timers import Backlog
from tests.journey.stories import MOMENT, NOW, TODAY, ago, native, paid_in_full, ripe, sealed

A1 = AccountRef("GEN", "A1")
AT_ONCE = {"BATON_TRANSPORT": "embedded", "BATON_SETTLING_SECONDS": "0"}


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/baton.db"
    else:
        url = request.getfixturevalue("postgres_url")
    opened = App(
        load(
            {
                "BATON_DATABASE_URL": url,
                "BATON_HOME": str(tmp_path),
                "BATON_TRANSPORT": "embedded",
                "BATON_SETTLING_SECONDS": "0",
            }
        )
    )
    opened.store.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def sqlite_apps(tmp_path: Path) -> Iterator[Callable[[], App]]:
    """Makes any number of empty Batons."""
    made: list[App] = []

    def make() -> App:
        home = tmp_path / str(len(made))
        app = App(
            load({"BATON_HOME": str(home), "BATON_TRANSPORT": "embedded", "BATON_SETTLING_SECONDS": "0"})
        )
        app.store.upgrade()
        made.append(app)
        return app

    yield make
    for app in made:
        app.close()


def why(app: App, account: AccountRef = A1) -> dict[str, Any]:
    with app.store.read() as reader:
        return answers.why(reader, app.policy, account, TODAY)


def holding(app: App, account: AccountRef = A1) -> set[str]:
    return {
        g["gate"] for g in why(app, account)["gates"] if g["stage"] == "open_case" and g["verdict"] != "allow"
    }


def borne(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [(share["bearer"], share["amount"]) for share in told["responsibility"]]


def waiting_events(app: App) -> list[dict[str, Any]]:
    with app.store.read() as reader:
        return [json.loads(row.body) for row in reader.outbox(1000)]


def test_a_ripe_account_becomes_one_case_with_its_event_in_one_transaction(app: App) -> None:
    receipts = app.intake().receive(sealed(*ripe()), MOMENT)
    assert [r.disposition for r in receipts] == ["accepted"] * 7
    told = why(app)
    assert (told["case"]["status"], told["case"]["amount"]) == ("open", "142.17")
    assert told["decision"]["stored"] and told["audit"]["entry"]
    opened = [e for e in waiting_events(app) if e["type"] == "case.opened"]
    assert [e["data"]["amount"] for e in opened] == ["142.17"]
    assert opened[0]["data"]["case_id"] == told["case"]["id"]


def test_message_by_message_or_all_at_once_gives_the_same_answer(sqlite_apps: Callable[[], App]) -> None:
    at_once, one_by_one = sqlite_apps(), sqlite_apps()
    at_once.intake().receive(sealed(*ripe()), MOMENT)
    for message in sealed(*ripe()):
        one_by_one.intake().receive([message], MOMENT)
    same = ("responsibility", "gates", "case", "balance", "determination")
    one, other = why(at_once), why(one_by_one)
    assert {k: one[k] for k in same if k != "case"} == {k: other[k] for k in same if k != "case"}
    assert one["case"]["amount"] == other["case"]["amount"] and one["case"]["id"] == other["case"]["id"]


def test_the_same_bytes_again_change_nothing(app: App) -> None:
    intake = app.intake()
    intake.receive(sealed(*ripe()), MOMENT)
    before, events = why(app), waiting_events(app)
    receipts = intake.receive(sealed(*ripe()), MOMENT)
    assert [r.disposition for r in receipts] == ["duplicate"] * 7
    assert why(app) == before and waiting_events(app) == events


def test_the_same_statement_in_other_bytes_is_a_duplicate_too(app: App) -> None:
    intake = app.intake()
    intake.receive(sealed(*ripe()), MOMENT)
    spaced = [json.dumps(m, indent=3).encode() for m in ripe()]
    assert [r.disposition for r in intake.receive(sealed(*spaced), MOMENT)] == ["duplicate"] * 7


def test_the_same_message_twice_in_one_batch_counts_once(app: App) -> None:
    receipts = app.intake().receive(sealed(*ripe(), *ripe()), MOMENT)
    assert [r.disposition for r in receipts] == ["accepted"] * 7 + ["duplicate"] * 7
    assert why(app)["balance"] == "142.17"


def test_a_broken_message_is_parked_and_its_neighbours_go_through(app: App) -> None:
    broken = native("bad", "charge.posted", {"charge_id": "C2", "amount": "12.345", "service_date": ago(1)})
    receipts = app.intake().receive(sealed(*ripe()[:3], broken, b"{nonsense", *ripe()[3:]), MOMENT)
    assert [r.disposition for r in receipts] == ["accepted"] * 3 + ["parked"] * 2 + ["accepted"] * 4
    with app.store.read() as reader:
        parked = answers.parked(reader, 10)
    assert [p["code"] for p in parked] == ["not-an-amount", "not-json"]
    assert why(app)["case"]["status"] == "open"


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=["first-first", "second-first"])
def test_one_business_key_with_two_contents_holds_whichever_came_first(
    sqlite_apps: Callable[[], App], order: tuple[int, ...]
) -> None:
    app = sqlite_apps()
    app.intake().receive(sealed(*ripe()), MOMENT)
    two = [
        native(
            "x1",
            "payment.posted",
            {"payment_id": "P9", "amount": "10.00", "from": "patient", "received_on": ago(9)},
        ),
        native(
            "x2",
            "payment.posted",
            {"payment_id": "P9", "amount": "90.00", "from": "patient", "received_on": ago(9)},
        ),
    ]
    dispositions = [app.intake().receive(sealed(two[n]), MOMENT)[0] for n in order]
    assert dispositions[0].disposition == "accepted"
    assert [r.code for r in dispositions[1].rejected] == ["conflict"]
    assert "G11" in holding(app)
    told = why(app)
    assert told["case"]["status"] == "recalled"
    assert told["determination"] != "final"


def test_contradictions_end_alike_in_any_order(sqlite_apps: Callable[[], App]) -> None:
    two = [
        native("x1", "charge.posted", {"charge_id": "C9", "amount": "10.00", "service_date": ago(9)}),
        native("x2", "charge.posted", {"charge_id": "C9", "amount": "90.00", "service_date": ago(9)}),
    ]
    one, other = sqlite_apps(), sqlite_apps()
    one.intake().receive(sealed(*ripe(), *two), MOMENT)
    other.intake().receive(sealed(*reversed(two), *ripe()), MOMENT)
    same = ("balance", "responsibility", "determination")
    a, b = why(one), why(other)
    assert [(s["bearer"], s["amount"]) for s in a["responsibility"]] == [
        (s["bearer"], s["amount"]) for s in b["responsibility"]
    ]
    assert {k: a[k] for k in same if k != "responsibility"} == {
        k: b[k] for k in same if k != "responsibility"
    }


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=["first-first", "second-first"])
def test_a_message_id_used_for_two_accounts_holds_both(
    sqlite_apps: Callable[[], App], order: tuple[int, ...]
) -> None:
    app = sqlite_apps()
    app.intake().receive(sealed(*ripe("A1"), *ripe("A2")), MOMENT)
    two = [
        native("same", "coding.status", {"status": "complete"}, days=5, account="A1"),
        native("same", "coding.status", {"status": "complete"}, days=4, account="A2"),
    ]
    receipts = [app.intake().receive(sealed(two[n]), MOMENT)[0] for n in order]
    assert [r.code for r in receipts[1].rejected] == ["id-reused"]
    for account in (A1, AccountRef("GEN", "A2")):
        assert holding(app, account)
        assert why(app, account)["case"]["status"] == "recalled"


def test_the_insurers_correction_takes_the_case_back_in_the_same_transaction(app: App) -> None:
    intake = app.intake()
    intake.receive(sealed(*ripe()), MOMENT)
    intake.receive(sealed(*paid_in_full()), MOMENT)
    told = why(app)
    assert (told["case"]["status"], told["case"]["reason"]) == ("recalled", "RESPONSIBILITY_REVERSED")
    assert told["balance"] == "0.00"
    recalled = [e["data"] for e in waiting_events(app) if e["type"] == "case.recalled"]
    assert [(d["previous_amount"], d["amount"]) for d in recalled] == [("142.17", "0.00")]


def test_a_payment_adjusts_the_case_and_the_last_one_closes_it(app: App) -> None:
    intake = app.intake()
    intake.receive(sealed(*ripe()), MOMENT)

    def pay(number: int, amount: str) -> dict[str, Any]:
        data = {"payment_id": f"P{number}", "amount": amount, "from": "patient", "received_on": ago(40)}
        return native(f"pay{number}", "payment.posted", data, days=40)

    intake.receive(sealed(pay(1, "42.17")), MOMENT)
    assert (why(app)["case"]["status"], why(app)["case"]["amount"]) == ("open", "100.00")
    intake.receive(sealed(pay(2, "100.00")), MOMENT)
    assert (why(app)["case"]["status"], why(app)["case"]["reason"]) == ("closed", "PAID_IN_FULL")
    moves = [e["type"] for e in waiting_events(app) if e["type"].startswith("case.")]
    assert moves == ["case.opened", "case.adjusted", "case.closed"]


def test_a_day_that_comes_opens_the_case_without_any_message(app: App) -> None:
    intake = app.intake()
    intake.receive(sealed(*ripe(first=59, second=30)), MOMENT)
    assert why(app)["case"] is None
    with app.store.read() as reader:
        row = reader.account(A1)
    assert row is not None and row.review_on == TODAY + timedelta(days=1)
    assert intake.review(MOMENT) == 0
    tomorrow = Moment(NOW + timedelta(days=1), TODAY + timedelta(days=1))
    assert intake.review(tomorrow) == 1
    assert [e["type"] for e in waiting_events(app) if e["type"] == "case.opened"] == ["case.opened"]
    assert intake.review(tomorrow) == 0


def test_a_large_remittance_is_posted_in_slices_and_an_interrupted_one_is_resumed(app: App) -> None:
    body = many_claims(3000)
    message = Message.of(body, feed="x", format="x12", door="file", received_at=NOW)

    class Cut(Exception):
        pass

    def cut(facts: int) -> None:
        if facts > 1000:
            raise Cut

    with pytest.raises(Cut):
        app.intake().receive_large(large(message), MOMENT, cut)
    with app.store.read() as reader:
        assert reader.counts().unread == 1
    log = open_log("test", io.StringIO())
    soon, later = Moment(NOW, TODAY), Moment(NOW + timedelta(hours=2), TODAY)
    assert Backlog(lambda: app.store, app.intake, lambda: soon, log).read() == 0, "its process may live"
    assert Backlog(lambda: app.store, app.intake, lambda: later, log).read() == 1
    with app.store.read() as reader:
        counts = reader.counts()
    assert counts.unread == 0
    assert counts.accounts == 3000
    assert app.intake().receive_large(large(message), MOMENT).disposition == "duplicate"


def test_a_cut_off_reading_does_not_park_the_same_part_twice(app: App) -> None:
    body = many_claims(3000).replace(b"CLP*L00001*1*100*60*40", b"CLP*L00001*1*1oo*60*40")
    message = Message.of(body, feed="x", format="x12", door="file", received_at=NOW)

    class Cut(Exception):
        pass

    def cut(facts: int) -> None:
        if facts > 1000:
            raise Cut

    with pytest.raises(Cut):
        app.intake().receive_large(large(message), MOMENT, cut)
    assert app.intake().receive_large(large(message), MOMENT).disposition == "parked"
    with app.store.read() as reader:
        codes = [p["where"] for p in answers.parked(reader, 100)]
    assert len(codes) == len(set(codes)) >= 1


def test_a_parked_message_is_read_again_and_settled_once_it_can_be(app: App) -> None:
    intake = app.intake()
    why_not = Rejected("delivery-limit", "", "kept unread")
    intake.park_whole(sealed(ripe()[2]), why_not, MOMENT)
    with app.store.read() as reader:
        (entry,) = answers.parked(reader, 10)
    receipt = intake.retry(entry["id"], MOMENT)
    assert (receipt.disposition, receipt.facts) == ("accepted", 1)
    assert why(app)["balance"] == "600.00"
    with app.store.read() as reader:
        assert answers.parked(reader, 10) == []
    with pytest.raises(BatonError, match="settled-before"):
        intake.retry(entry["id"], MOMENT)


def test_a_message_that_still_cannot_be_read_stays_parked(app: App) -> None:
    intake = app.intake()
    intake.receive(sealed(b"{nonsense"), MOMENT)
    with app.store.read() as reader:
        (entry,) = answers.parked(reader, 10)
    assert intake.retry(entry["id"], MOMENT).disposition == "parked"
    with app.store.read() as reader:
        assert len(answers.parked(reader, 10)) == 1


def test_what_came_in_is_what_was_accepted_known_and_parked(app: App) -> None:
    intake = app.intake()
    intake.receive(sealed(*ripe(), *ripe(), b"{nonsense"), MOMENT)
    with app.store.read() as reader:
        (tally,) = reader.tallies("test", TODAY)
    assert (tally.received, tally.accepted, tally.duplicate, tally.parked) == (15, 7, 7, 1)


def test_an_account_number_that_cannot_be_kept_parks_alone(app: App) -> None:
    odd = ripe("A2")[2]
    odd["account"]["number"] = "A\u200b2"
    receipts = app.intake().receive(sealed(*ripe(), odd), MOMENT)
    assert [r.disposition for r in receipts] == ["accepted"] * 7 + ["parked"]


class Stumbling(Shelf):
    """A policy of which nobody learns how it concerns an account."""

    def for_account(self, account: Account) -> Policy:
        raise IndexError(account.ref)


def test_a_failure_in_the_middle_leaves_nothing(app: App) -> None:
    broken = replace(app.policy, shelf=Stumbling(app.policy.book, app.policy.sha256))
    intake = Intake(app.store, app.read, app.read_large, broken)
    with pytest.raises(IndexError):
        intake.receive(sealed(*ripe()), MOMENT)
    with app.store.read() as reader:
        counts = reader.counts()
    assert (counts.accounts, counts.unread, counts.outbox.depth) == (0, 0, 0)
    assert app.intake().receive(sealed(*ripe()), MOMENT)[0].disposition == "accepted"


def many_claims(count: int) -> bytes:
    """One balanced 835 of `count` claims, larger than what is read in one piece."""
    filler = "X" * 300
    claims = "".join(
        f"CLP*L{n:05d}*1*100*60*40*12*P{n}~CAS*PR*1*40~NM1*QC*1*DOE*PAT****MI*W{n:08d}{filler}~"
        for n in range(count)
    )
    blank = " " * 10
    head = (
        f"ISA*00*{blank}*00*{blank}*ZZ*PAYER001       *ZZ*HOSP001        "
        "*260315*0830*^*00501*000000005*0*T*:~"
        "GS*HP*PAYER001*HOSP001*20260315*0830*5*X*005010X221A1~ST*835*0001~"
        f"BPR*I*{count * 60}*C*ACH*CCP*01*021000021*DA*123456*1512345678**01*071000013*DA*987654*20260315~"
        "TRN*1*T8*1512345678~DTM*405*20260315~"
        "N1*PR*EXAMPLE HEALTH PLAN*XV*60054~N1*PE*EXAMPLE HOSPITAL*XX*1234567893~LX*1~"
    )
    return f"{head}{claims}SE*{count * 3 + 8}*0001~GE*1*5~IEA*1*000000005~".encode()
