"""For the operator: how feeds do, and what is told of them once when it begins and once when it is over."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from adapters.store import ControlNumberRow, TallyRow
from schemas.facts import Message
from service.app import App
from service.feed_status import feed_status
from service.logs import open_log
from service.metrics import DoorMeter
from service.watch import Watch
from tests.journey.batons import Open, at
from tests.journey.command_line import Home
from tests.journey.stories import NOW, native, sealed


def feeds(folder: Path, **files: str) -> str:
    """A folder of feed files."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return str(folder)


def brought(
    app: App, feed: str = "era", hours: float = 0, parked: int = 0, n: int = 40, slowest_ms: int | None = None
) -> None:
    """One transaction's count, so many hours after noon."""
    moment = at(hours)
    with app.store.write() as unit:
        unit.add_tallies(
            [
                TallyRow(
                    feed, moment.as_of, received=n, accepted=n - parked, parked=parked,
                    recorded_at=moment.now, slowest_ms=slowest_ms,
                )
            ]
        )  # fmt: skip


def watching(app: App, log: io.StringIO | None = None) -> Watch:
    return Watch(app.store, open_log("clock", log or io.StringIO()), app.unwatched, app.alerts)


def told(app: App, feed: str | None = None) -> list[tuple[str, str, str]]:
    with app.store.read() as reader:
        return [(row.feed, row.move, row.cause) for row in reader.feed_alerts(feed)]


def test_a_parked_share_over_the_limit_is_told_once_and_once_when_it_is_over(
    batons: Open, tmp_path: Path
) -> None:
    app = batons(BATON_FEEDS_DIR=feeds(tmp_path / "feeds", calm="[alerts]\nparked_percent = 50\n"))
    out = io.StringIO()
    look = watching(app, out)
    for feed in ("era", "calm"):
        brought(app, feed, parked=12)
    look.look(at(0.1))
    watching(app, out).look(at(0.2))
    assert told(app) == [("era", "alert", "parked_share")]
    line = json.loads(out.getvalue())
    assert (line["event"], line["feed"], line["code"]) == ("feed alert", "era", "parked_share")
    brought(app, hours=1.5, parked=2)
    look.look(at(1.6))
    look.look(at(1.7))
    assert told(app) == [("era", "alert", "parked_share"), ("era", "recovered", "parked_share")]
    brought(app, hours=3, parked=30)
    look.look(at(3.1))
    assert told(app)[-1] == ("era", "alert", "parked_share") and len(told(app)) == 3
    with app.store.read() as reader:
        events = [e.routing_key for e in reader.outbox(10)]
    assert events == ["feed.alert", "feed.recovered", "feed.alert"]


def test_twenty_messages_are_needed_before_a_share_of_them_says_anything(batons: Open) -> None:
    app = batons()
    brought(app, n=9, parked=9)
    watching(app).look(at(0.1))
    assert told(app) == []


def test_waiting_longer_than_the_limit_is_told_and_silence_recovers_nothing(
    batons: Open, tmp_path: Path
) -> None:
    settings = feeds(
        tmp_path / "feeds", quick="[alerts]\nlag_seconds = 5\n", off="[alerts]\nlag_seconds = 0\n"
    )
    app = batons(BATON_FEEDS_DIR=settings)
    for feed in ("quick", "off", "era"):
        brought(app, feed, slowest_ms=800_000 if feed != "off" else 9_000_000)
    look = watching(app)
    look.look(at(0.1))
    assert told(app) == [("quick", "alert", "lag")]
    look.look(at(5))
    assert len(told(app)) == 1
    brought(app, "quick", hours=6, slowest_ms=4_000)
    look.look(at(6.1))
    assert told(app)[-1] == ("quick", "recovered", "lag")


def test_a_day_unlike_all_days_of_its_name_is_told(batons: Open) -> None:
    app = batons()
    for feed, yesterday in (("era", 10), ("flood", 400), ("same", 90)):
        for weeks in range(1, 8):
            brought(app, feed, hours=-24 - 24 * 7 * weeks, n=100)
        brought(app, feed, hours=-24, n=yesterday)
    watching(app).look(at(0))
    assert {one for one in told(app) if one[2] == "rate"} == {
        ("era", "alert", "rate"),
        ("flood", "alert", "rate"),
    }


def test_silence_over_a_limit_of_the_feeds_own_is_told_also_without_any_history(
    batons: Open, tmp_path: Path
) -> None:
    app = batons(BATON_FEEDS_DIR=feeds(tmp_path / "feeds", era="[alerts]\nsilent_hours = 6\n"))
    brought(app)
    look = watching(app)
    look.look(at(6))
    assert told(app) == []
    look.look(at(6.1))
    brought(app, hours=7)
    look.look(at(7.1))
    assert told(app) == [("era", "alert", "silent_hours"), ("era", "recovered", "silent_hours")]


def test_two_clocks_that_see_the_same_at_once_tell_it_once(batons: Open) -> None:
    app = batons()
    logs = [io.StringIO() for _ in range(4)]
    for round in range(3):
        brought(app, hours=round * 3, parked=30 if round % 2 == 0 else 0)
        barrier = Barrier(len(logs))
        others = [batons(of=app) for _ in logs]

        def look(
            other: App, log: io.StringIO, hours: float = round * 3 + 0.1, ready: Barrier = barrier
        ) -> None:
            clock = watching(other, log)
            ready.wait()
            clock.look(at(hours))

        threads = [Thread(target=look, args=pair) for pair in zip(others, logs, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert told(app) == [("era", m, "parked_share") for m in ("alert", "recovered", "alert")]
    with app.store.read() as reader:
        assert len(reader.outbox(10)) == 3
    assert sum(len(log.getvalue().splitlines()) for log in logs) == 3


def test_what_is_told_by_one_clock_while_another_looks_is_not_told_again(batons: Open) -> None:
    app = batons()
    brought(app, parked=30)
    watching(app).look(at(0.1))
    with app.store.read() as reader:
        (row,) = reader.feed_alerts()
    with app.store.write() as unit:
        assert unit.add_feed_alerts([row]) == []
    assert told(app) == [("era", "alert", "parked_share")]


def test_the_status_tells_what_came_when_how_late_and_what_is_missing(batons: Open, tmp_path: Path) -> None:
    folder = feeds(tmp_path / "feeds", era="shadow = true\n", quiet="")
    app = batons(BATON_FEEDS_DIR=folder)
    message = native(
        "m", "charge.posted", {"charge_id": "C", "amount": "600.00", "service_date": "2026-01-05"}
    )
    app.intake().receive(sealed(message, feed="era"), at(0))
    with app.store.write() as unit:
        came = [*range(1, 60), 61, 65]
        unit.add_control_numbers([ControlNumberRow("era", n, 1, NOW - timedelta(hours=3)) for n in came])
    with app.store.read() as reader:
        one, quiet = feed_status(reader, app.config.feeds, at(2))
        assert feed_status(reader, app.config.feeds, at(2), "nobody") == []
    assert (one["feed"], one["shadow"], one["paused"], one["alerts"]) == ("era", True, False, [])
    assert (one["silent_hours"], one["last_hour"]["messages"], one["last_day"]["messages"]) == (2, 0, 1)
    assert (one["missing_numbers"], one["gaps"]) == (4, ["60", "62 to 64"])
    assert (quiet["feed"], quiet["last_seen_at"], quiet["missing_numbers"]) == ("quiet", None, None)
    with app.store.read() as reader:
        (now,) = feed_status(reader, app.config.feeds, at(0.5), "era")
    assert now["lag_seconds"] == 0 and now["delay_seconds"] is not None


def test_numbers_of_hl7_messages_are_counted_where_they_are_numbers(batons: Open) -> None:
    app = batons()

    def adt(control: str) -> Message:
        body = f"MSH|^~\\&|E|H|||20260105120000||ADT^A01|{control}|P|2.5\rPID|1||1||Doe^Ann|||||||||||A1\r"
        return Message.of(body.encode(), feed="adt", format="hl7v2", door="file", received_at=NOW)

    app.intake().receive([adt("17"), adt("18"), adt("20260105120000123456"), adt("X19")], at(0))
    with app.store.read() as reader:
        assert [number for number, _ in reader.control_numbers("adt", 9)] == [17, 18]


def gauges(app: App) -> list[tuple[str, dict[str, str], float]]:
    from prometheus_client.parser import text_string_to_metric_families

    shadowed = {feed.name: feed.shadow for feed in app.config.feeds.values()}
    meter = DoorMeter(lambda: app.store, lambda: at(0.2).now, "1", lambda: "p", lambda: shadowed)
    text = meter.exposition().decode()
    return [
        (s.name, s.labels, s.value)
        for family in text_string_to_metric_families(text)
        for s in family.samples
        if s.name.startswith("baton_feed")
    ]


def test_labels_are_names_of_configured_feeds_however_many_names_senders_invent(
    batons: Open, tmp_path: Path
) -> None:
    app = batons(BATON_FEEDS_DIR=feeds(tmp_path / "feeds", era="shadow = true\n", quiet=""))
    for n in range(50):
        brought(app, f"invented-{n}", n=2)
    brought(app, parked=30, slowest_ms=1500)
    watching(app).look(at(0.1))
    found = gauges(app)
    assert {labels["feed"] for _, labels, _ in found} == {"era", "quiet", "other"}
    values = {(name, labels["feed"]): value for name, labels, value in found}
    assert values["baton_feed_messages_last_hour", "other"] == 100
    assert values["baton_feed_messages_last_hour", "quiet"] == 0
    assert values["baton_feed_messages_parked_last_day", "era"] == 30
    assert values["baton_feed_lag_seconds", "era"] == 1.5
    assert values["baton_feed_shadow", "era"] == 1
    assert ("baton_feed_last_seen_timestamp_seconds", "quiet") not in values
    alerts = [(labels, value) for name, labels, value in found if name == "baton_feed_alert"]
    assert ({"feed": "era", "cause": "parked_share"}, 1) in alerts


def test_the_command_shows_all_feeds_one_feed_and_says_no_while_an_alert_stands(tmp_path: Path) -> None:
    feeds(tmp_path / "feeds", era="")
    home = Home(tmp_path)
    body = native("m", "charge.posted", {"charge_id": "C", "amount": "600.00", "service_date": "2026-01-05"})
    (tmp_path / "m.json").write_text(json.dumps(body))
    assert home.baton("ingest", "--feed", "era", "m.json").returncode == 0
    ran = home.baton("feed", "status")
    assert ran.returncode == 0 and "era" in ran.stdout
    (one,) = json.loads(home.baton("feed", "status", "era", "--json").stdout)
    assert one["last_hour"] == {"messages": 1, "parked": 0} and one["silent_hours"] == 0
    ran = home.baton("feed", "status", "era")
    assert "1 messages, 0 parked" in ran.stdout
    ran = home.baton("feed", "status", "nobody")
    assert ran.returncode == 1 and "no-such-feed" in ran.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[alerts]\nparked = 1\n", "parked_percent"),
        ("[alerts]\nparked_percent = 101\n", "0 to 100"),
        ("[alerts]\nlag_seconds = true\n", "whole number"),
        ("alerts = 3\n", "table"),
    ],
)
def test_limits_that_are_none_are_refused_with_their_place(tmp_path: Path, text: str, says: str) -> None:
    feeds(tmp_path / "feeds", era=text)
    ran = Home(tmp_path).baton("feed", "list")
    assert ran.returncode == 2 and says in ran.stderr and "era.toml" in ran.stderr
