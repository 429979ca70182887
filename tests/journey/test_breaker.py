"""For the operator: a feed that is not itself opens no case until a person has looked and resumed it."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from adapters.store import TallyRow
from schemas.canonical import from_bytes
from schemas.errors import BatonError
from schemas.facts import AccountRef, Message
from service import demo, watch
from service.app import App
from service.logs import open_log
from service.timers import redecide_round, review_round
from service.watch import Watch
from tests.journey.batons import Open, at, moves, why
from tests.journey.command_line import Home
from tests.journey.stories import NOW, TODAY, adjudicated, ago, native, ripe, sealed

A2 = AccountRef("GEN", "A2")


def lived(app: App, days: int = 30, denied: int = 10, feed: str = "era") -> None:
    """Days like each other, until the day before today: 100 claims each, some denied."""
    with app.store.write() as unit:
        unit.add_tallies(
            [
                TallyRow(
                    feed, TODAY - timedelta(days=n), received=100, accepted=100, claims=100,
                    denied=denied + n % 3, charge_cents=5_000_000, patient_cents=900_000 + n % 5 * 10_000,
                    recorded_at=NOW - timedelta(days=n),
                )
                for n in range(1, days + 1)
            ]
        )  # fmt: skip


def odd_day(app: App, feed: str = "era") -> None:
    with app.store.write() as unit:
        row = TallyRow(
            feed, TODAY, received=100, claims=100, denied=70, charge_cents=5_000_000, recorded_at=NOW
        )
        unit.add_tallies([row])


def watching(app: App, log: io.StringIO | None = None) -> Watch:
    return Watch(app.store, open_log("clock", log or io.StringIO()), app.unwatched)


def test_an_odd_day_pauses_the_feed_once_says_so_and_a_person_resumes_it(batons: Open) -> None:
    app = batons(BATON_SETTLING_SECONDS="0")
    lived(app)
    out = io.StringIO()
    look = watching(app, out)
    assert look.look(at(0)) == {}
    odd_day(app)
    assert look.look(at(0))["era"].cause == "denials"
    assert look.look(at(1)) == {} == watching(app).look(at(1))
    alert, line = out.getvalue().splitlines()
    assert (json.loads(alert)["event"], json.loads(alert)["code"]) == ("feed alert", "denials")
    assert (json.loads(line)["event"], json.loads(line)["feed"]) == ("opening cases paused", "era")
    with app.store.read() as reader:
        assert reader.paused_feeds() == {"era"}
        (paused,) = reader.feed_events("era")
        (entry,) = reader.audit_entries_for("era")
    assert paused.text == "On 2026-11-23, 70.0 % of its claims were denied, of 100; usual is 11.0 %."
    assert (entry.kind, from_bytes(entry.content)["cause"]) == ("feed.paused", "denials")

    app.intake().receive(sealed(*ripe("A1"), feed="era"), at(1))
    app.intake().receive(sealed(*ripe("A2"), feed="billing"), at(1))
    assert moves(app) == [] and [move for move, _ in moves(app, A2)] == ["opened"]
    assert [w["cause"] for w in why(app)["withheld"]] == ["paused feed era"]
    assert redecide_round(app.intake(), lambda: at(2), 1_000_000, Event()) == (0, False)

    watch.resume(app.store, "era", "M. Rivera", "the payer closed a plan", at(3).now)
    assert redecide_round(app.intake(), lambda: at(3), 1_000_000, Event()) == (1, False)
    assert [move for move, _ in moves(app)] == ["opened"]
    assert look.look(at(3.1)) == {}
    with app.store.read() as reader:
        told = watch.standing(reader)
        assert [e.kind for e in reader.audit_entries_for("era")] == ["feed.resumed", "feed.paused"]
    assert [(e["move"], e["by"]) for e in told[0]["events"]] == [
        ("paused", "baton"),
        ("resumed", "M. Rivera"),
    ]
    with pytest.raises(BatonError, match="not-paused"):
        watch.resume(app.store, "era", "M. Rivera", "again", at(4).now)


def test_taking_a_case_back_is_never_paused(batons: Open) -> None:
    app = batons(BATON_SETTLING_SECONDS="0")
    app.intake().receive(sealed(*ripe(), feed="era"), at(0))
    watch.pause(app.store, "era", "M. Rivera", "their file looks wrong", at(1).now)
    hold = native("h", "account.flagged", {"flag": "dispute", "since": ago(0), "reference": "D"})
    app.intake().receive(sealed(hold, feed="era"), at(2))
    assert [move for move, _ in moves(app)] == ["opened", "recalled"]


def test_what_settles_while_its_feed_is_paused_waits_for_the_person(batons: Open) -> None:
    app = batons()
    app.intake().receive(sealed(*ripe(), feed="era"), at(0))
    watch.pause(app.store, "era", "M. Rivera", "their file looks wrong", at(1).now)
    review_round(app.intake(), at(4))
    review_round(app.intake(), at(30))
    assert moves(app) == []
    watch.resume(app.store, "era", "M. Rivera", "it was right", at(31).now)
    redecide_round(app.intake(), lambda: at(31), 1_000_000, Event())
    assert [move for move, _ in moves(app)] == ["opened"]


def test_a_silent_feed_is_paused_and_one_that_is_not_watched_is_not(batons: Open, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "quiet.toml").write_text("watched = false\n")
    app = batons(BATON_FEEDS_DIR=str(feeds))
    lived(app)
    lived(app, feed="quiet")
    look = watching(app)
    assert look.look(at(23)) == {}
    found = look.look(at(25))
    assert {feed: odd.cause for feed, odd in found.items()} == {"era": "silent"}
    watch.resume(app.store, "era", "M. Rivera", "they are on holiday", at(25).now)
    assert look.look(at(26)) == {}


def test_looking_again_reads_days_that_are_over_once_and_sees_the_same(batons: Open) -> None:
    app = batons()
    lived(app)
    look = watching(app)
    look.look(at(0))
    odd_day(app)
    look.look_when_due(at(0.5))
    look.look_when_due(at(0.501))
    with app.store.read() as reader:
        assert [e.cause for e in reader.feed_events()] == ["denials"]


def test_claims_are_counted_by_feed_as_they_come_and_numbers_as_the_sender_counts(batons: Open) -> None:
    app = batons()
    refused = adjudicated("A3") | {"status": "4", "paid": "0.00", "adjustments": []}
    refused |= {"adjustments": [{"group": "CO", "code": "29", "amount": "600.00"}]}
    del refused["patient_responsibility"]
    denial = native("d", "claim.adjudicated", refused, account="A3")
    app.intake().receive(sealed(*ripe(), denial, feed="era"), at(0))
    app.intake().receive(sealed(*ripe(), denial, feed="era"), at(1))
    remittance = demo.first_remittance("A1002", TODAY)
    message = Message.of(remittance, feed="x", format="x12", door="test", received_at=NOW)
    app.intake().receive([message], at(0))
    app.intake().receive([message], at(0))
    correction = demo.correcting_remittance("A1002", TODAY)
    app.intake().receive(
        [Message.of(correction, feed="x", format="x12", door="test", received_at=NOW)], at(1)
    )
    with app.store.read() as reader:
        era, x = reader.feed_days(TODAY - timedelta(days=1))
        assert [number for number, _ in reader.control_numbers("x", 10)] == [1, 1]
        assert reader.control_numbers("era", 10) == []
    assert (era.claims, era.denied, era.taken_back) == (2, 1, 0)
    assert (era.charge_cents, era.patient_cents) == (120_000, 14_217)
    assert (x.claims, x.taken_back, x.charge_cents, x.patient_cents) == (2, 1, 120_000, 14_217)


def test_a_person_sees_pauses_and_resumes_on_the_command_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.baton("db", "upgrade")
    said = ("--by", "M. Rivera", "--reason", "their file looks wrong")
    assert home.baton("breaker", "pause", "era", *said).returncode == 0
    listed = home.baton("breaker", "list")
    assert listed.returncode == 1 and "era" in listed.stdout and "their file looks wrong" in listed.stdout
    assert home.baton("breaker", "resume", "era").returncode == 2
    resumed = home.baton("breaker", "resume", "era", *said)
    assert resumed.returncode == 0 and '"opening cases resumed"' in resumed.stderr
    assert home.baton("breaker", "resume", "era", *said).returncode == 1
    told = json.loads(home.baton("breaker", "list", "--json").stdout)
    assert [e["move"] for e in told[0]["events"]] == ["paused", "resumed"]


def test_an_alert_fires_once_when_it_begins_and_once_when_it_is_over(batons: Open) -> None:
    app = batons()
    lived(app)
    watching(app).look(at(0))
    assert told(app) == []
    odd_day(app)
    for hours in (0, 1):
        watching(app).look(at(hours))  # also one that has just been started anew
    assert told(app) == [("feed.alert", "denials")]
    watch.resume(app.store, "era", "M. Rivera", "the payer closed a plan", at(2).now)
    for hours in (3, 4):
        watching(app).look(at(hours))
    assert told(app) == [("feed.alert", "denials"), ("feed.recovered", "denials")]


def told(app: App) -> list[tuple[str, str]]:
    """The events about feeds, each with its cause; every one has its row."""
    with app.store.read() as reader:
        found = [row for row in reader.outbox(1000) if row.routing_key.startswith("feed.")]
        assert [f"feed.{row.move}" for row in reader.feed_alerts("era")] == [r.routing_key for r in found]
    return [(row.routing_key, json.loads(row.body)["data"]["cause"]) for row in found]
