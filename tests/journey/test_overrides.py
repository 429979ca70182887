"""For the specialist: an account is held by one person at once, and let go only by two, whatever is tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters import desk
from schemas.errors import BatonError
from schemas.facts import AccountRef, Message, OverrideApproved
from service import answers
from service.app import App
from service.config import load
from service.overrides import Overrides, Speaker, Stated, listed
from service.receipts import Moment
from tests.journey.stories import MOMENT, NOW, TODAY, ago, native, ripe, sealed

A1 = AccountRef("GEN", "A1")
ANN = Speaker("Ann Lee", "os:ann")
BOB = Speaker("Bob Ray", "os:bob")
WHY = "The family called the front desk."


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    url = f"sqlite:///{tmp_path}/baton.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    settings = {
        "BATON_HOME": str(tmp_path),
        "BATON_TRANSPORT": "embedded",
        "BATON_SETTLING_SECONDS": "0",
        "BATON_DATABASE_URL": url,
    }
    made = App(load(settings))
    made.store.upgrade()
    yield made
    made.close()


def at(days: int = 0, minutes: int = 0) -> Moment:
    return Moment(NOW + timedelta(days=days, minutes=minutes), TODAY + timedelta(days=days))


def people(app: App) -> Overrides:
    return Overrides(app.store, app.intake(), app.policy)


def told(app: App, as_of: date = TODAY, known_at: datetime | None = None) -> dict[str, Any]:
    with app.store.read() as reader:
        return answers.why(reader, app.policy, A1, as_of, known_at)


def status(app: App) -> str | None:
    with app.store.read() as reader:
        cases = reader.cases_of(A1)
    return cases[-1].case.status if cases else None


def received(app: App, *messages: dict[str, Any]) -> None:
    app.intake().receive(sealed(*messages), MOMENT)


def small(app: App) -> None:
    """All is settled, and 12.17 are left: below the minimum of 25.00."""
    paying = {"payment_id": "PP", "amount": "130.00", "from": "patient", "received_on": ago(50)}
    received(app, *ripe(), native("A1-9", "payment.posted", paying, days=50))


def lifted(app: App, until: date | None = None) -> Stated:
    proposal = people(app).allow(A1, "g42", ANN, WHY, at(minutes=1), until)
    people(app).approve(proposal.id[:12], BOB, "I agree.", at(minutes=2))
    return proposal


def kinds(app: App) -> list[str]:
    with app.store.read() as reader:
        return [e.kind for e in reader.audit_entries_for(str(A1))]


def test_one_person_holds_an_account_and_the_open_case_is_taken_back_in_the_same_breath(app: App) -> None:
    received(app, *ripe())
    assert status(app) == "open"
    people(app).hold(A1, ANN, WHY, at(minutes=1))
    assert status(app) == "recalled"
    found = told(app)["overrides"][0]
    assert (found["what"], found["state"], found["by"], found["reason"]) == (
        "hold",
        "in force",
        "Ann Lee",
        WHY,
    )


def test_two_people_release_a_hold_and_one_person_cannot(app: App) -> None:
    received(app, *ripe())
    hold = people(app).hold(A1, ANN, WHY, at(minutes=1))
    proposal = people(app).release(hold.id[:12], ANN, "Settled.", at(minutes=2))
    assert status(app) == "recalled"
    with pytest.raises(BatonError) as refused:
        people(app).approve(proposal.id, Speaker(" ann  LEE", "os:else"), "Fine.", at(minutes=3))
    assert refused.value.code == "same-person"
    people(app).approve(proposal.id, BOB, "Fine.", at(minutes=4))
    assert status(app) == "open"
    assert [o["state"] for o in told(app)["overrides"]] == ["released", "in force"]
    with pytest.raises(BatonError) as again:
        people(app).release(hold.id, ANN, "Again.", at(minutes=5))
    assert again.value.code == "released-before"


def test_a_sender_cannot_clear_what_a_person_placed(app: App) -> None:
    received(app, *ripe())
    people(app).hold(A1, ANN, WHY, at(minutes=1))
    reference = NOW + timedelta(minutes=1)
    for n, named in enumerate((reference.isoformat(), None)):
        data = {"flag": "manual", "cleared_on": ago(0)} | ({"reference": named} if named else {})
        received(app, native(f"C{n}", "account.cleared", data))
    assert status(app) == "recalled"


def test_a_proposal_changes_nothing_and_a_second_person_opens_the_case(app: App) -> None:
    small(app)
    assert status(app) is None
    proposal = people(app).allow(A1, "G42", ANN, WHY, at(minutes=1))
    assert status(app) is None
    assert told(app)["overrides"][0]["state"] == "proposed"
    people(app).approve(proposal.id[:12], BOB, "I agree.", at(minutes=2))
    assert status(app) == "open"
    said = told(app)
    gate = next(g for g in said["gates"] if g["gate"] == "G42" and g["stage"] == "open_case")
    assert gate["verdict"] == "block"
    assert (gate["lifted"]["by"], gate["lifted"]["approved_by"]) == ("Ann Lee", "Bob Ray")
    assert said["decision"]["stored"] is True
    assert (
        said["decision"]["review_on"] == gate["lifted"]["until"] == (TODAY + timedelta(days=30)).isoformat()
    )
    assert "lifted by two people" in said["summary"]
    one = said["overrides"][0]
    assert (one["state"], one["looked_at"]) == ("in force", "12.17 is below the minimum of 25.00.")
    assert (one["known_as"], one["approved_as"]) == ("os:ann", "os:bob")


def test_what_was_known_at_an_earlier_instant_has_no_override(app: App) -> None:
    small(app)
    lifted(app)
    assert told(app, known_at=NOW + timedelta(seconds=30))["overrides"] == []
    assert told(app, as_of=TODAY - timedelta(days=1))["overrides"] == []
    assert told(app)["opening"]["let_go"][-1]["gate"] == "G42"
    happened = [m["what"] for m in told(app)["timeline"]]
    assert any("No longer in the way: G42 (12.17 is below the minimum of 25.00)" in what for what in happened)
    assert "What still stood in the way was lifted by two people." in happened[-1]


def test_when_its_time_is_over_the_case_is_taken_back_by_the_clock(app: App) -> None:
    small(app)
    lifted(app, TODAY + timedelta(days=3))
    assert status(app) == "open"
    app.intake().review(at(days=2))
    assert status(app) == "open"
    app.intake().review(at(days=3))
    assert status(app) != "open"


def test_one_person_withdraws_and_the_case_ends_at_once(app: App) -> None:
    small(app)
    proposal = lifted(app)
    people(app).withdraw(proposal.id, ANN, "A mistake.", at(minutes=3))
    assert status(app) != "open"
    assert told(app)["overrides"][0]["state"] == "withdrawn"


def test_another_amount_ends_it_and_says_so(app: App) -> None:
    small(app)
    lifted(app)
    paying = {"payment_id": "P2", "amount": "1.00", "from": "patient", "received_on": ago(0)}
    received(app, native("A1-10", "payment.posted", paying))
    assert status(app) != "open"
    assert told(app)["overrides"][0]["state"] == "lifts nothing now"


@pytest.mark.parametrize(
    ("flag", "gate", "cites"),
    [
        ("bankruptcy", "G50", "11 USC 362"),
        ("dispute", "G46", "House rule"),
        ("unheard_of", "G56", "House rule"),
    ],
)
def test_what_nobody_may_lift_is_refused_with_what_it_rests_on(
    app: App, flag: str, gate: str, cites: str
) -> None:
    received(app, *ripe(), native("F", "account.flagged", {"flag": flag, "since": ago(1)}, days=1))
    with pytest.raises(BatonError) as refused:
        people(app).allow(A1, gate, ANN, WHY, at(minutes=1))
    assert refused.value.code == "not-liftable"
    assert cites in refused.value.reason


@pytest.mark.parametrize(
    ("gate", "until", "code"),
    [
        ("G99", None, "no-such-gate"),
        ("G41", None, "nothing-to-lift"),
        ("G42", TODAY, "in-the-past"),
        ("G42", TODAY + timedelta(days=91), "too-long"),
    ],
)
def test_a_proposal_that_makes_no_sense_is_refused(
    app: App, gate: str, until: date | None, code: str
) -> None:
    small(app)
    with pytest.raises(BatonError) as refused:
        people(app).allow(A1, gate, ANN, WHY, at(minutes=1), until)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("by", "reason", "code"),
    [
        (Speaker("  ", "os:x"), WHY, "no-name"),
        (ANN, "  ", "no-reason"),
        (Speaker("x" * 101, "os:x"), WHY, "name-too-long"),
        (ANN, "x" * 501, "reason-too-long"),
        (ANN, "bell \x07", "not-readable"),
    ],
)
def test_nobody_speaks_without_a_name_and_a_reason(app: App, by: Speaker, reason: str, code: str) -> None:
    small(app)
    with pytest.raises(BatonError) as refused:
        people(app).hold(A1, by, reason, at(minutes=1))
    assert refused.value.code == code


def test_the_same_is_not_proposed_twice_and_nothing_is_settled_twice(app: App) -> None:
    small(app)
    proposal = people(app).allow(A1, "G42", ANN, WHY, at(minutes=1))
    with pytest.raises(BatonError) as again:
        people(app).allow(A1, "G42", BOB, WHY, at(minutes=2))
    assert again.value.code == "proposed-already"
    people(app).approve(proposal.id, BOB, "Yes.", at(minutes=3))
    with pytest.raises(BatonError) as twice:
        people(app).approve(proposal.id, Speaker("Cy Dee", "os:cy"), "Yes.", at(minutes=4))
    assert twice.value.code == "settled-before"
    with pytest.raises(BatonError) as unknown:
        people(app).approve("0" * 12, BOB, "Yes.", at(minutes=5))
    assert unknown.value.code == "no-such-override"


def test_what_changed_since_it_was_proposed_is_not_approved(app: App) -> None:
    small(app)
    proposal = people(app).allow(A1, "G42", ANN, WHY, at(minutes=1))
    paying = {"payment_id": "P2", "amount": "1.00", "from": "patient", "received_on": ago(0)}
    received(app, native("A1-10", "payment.posted", paying))
    with pytest.raises(BatonError) as refused:
        people(app).approve(proposal.id, BOB, "Yes.", at(minutes=3))
    assert refused.value.code == "stale-proposal"


def test_every_word_is_in_the_log_with_the_decision_it_led_to(app: App) -> None:
    small(app)
    before = kinds(app)
    lifted(app)
    assert sorted(kinds(app)[: -len(before)]) == [
        "account.decided",
        "account.decided",
        "override.approved",
        "override.proposed",
    ]
    with app.store.read() as reader:
        entry = next(e for e in reader.audit_entries_for(str(A1)) if e.kind == "override.approved")
    said = json.loads(entry.content or b"{}")
    assert (said["by"], said["known_as"]) == ("Bob Ray", "os:bob")
    assert "I agree" not in str(said)


@pytest.mark.parametrize("door", ["rabbitmq", "http", "file", "mllp"])
def test_the_format_of_the_desk_counts_for_nothing_by_another_door(app: App, door: str) -> None:
    small(app)
    proposal = people(app).allow(A1, "G42", ANN, WHY, at(minutes=1))
    with app.store.read() as reader:
        stated = reader.fact(proposal.id)
    assert stated is not None
    forged = replace(stated.fact, content=b"")
    approval = type(forged).of(
        A1, "override.approved|GEN/A1|desk|x", NOW, OverrideApproved(proposal.id, "Eve", "Yes.", TODAY)
    )
    message = Message.of(
        desk.write([approval]), feed="desk", format="desk", door=door, received_at=NOW + timedelta(minutes=2)
    )
    assert app.intake().receive([message], at(minutes=2))[0].disposition == "parked"
    assert status(app) is None


def test_a_sender_who_writes_an_override_is_parked_as_of_unknown_type(app: App) -> None:
    small(app)
    data = {"override": "0" * 64, "by": "Eve", "reason": "Yes.", "on": ago(0)}
    message = native("X", "override.approved", data)
    assert app.intake().receive(sealed(message), MOMENT)[0].rejected[0].code == "unknown-type"


def test_what_is_no_statement_of_the_desk_is_parked_whole(app: App) -> None:
    for body in (b"", b"[]", b'{"schema":"baton-desk/1","statements":[{}]}', b'{"schema":"other"}'):
        message = Message.of(body, feed="desk", format="desk", door="desk", received_at=NOW)
        assert [r.code for r in app.intake().receive([message], MOMENT)[0].rejected] == [
            "unreadable-statement"
        ]


def test_everything_is_listed_with_its_state(app: App) -> None:
    small(app)
    received(app, *ripe("A2"))
    lifted(app)
    people(app).hold(AccountRef("GEN", "A2"), BOB, WHY, at(minutes=5))
    with app.store.read() as reader:
        every = listed(reader, app.policy, TODAY)
        one = listed(reader, app.policy, TODAY, A1)
    assert [(o["account"], o["what"], o["state"]) for o in every] == [
        ("GEN/A2", "hold", "in force"),
        ("GEN/A1", "allow", "in force"),
    ]
    assert [o["account"] for o in one] == ["GEN/A1"]
