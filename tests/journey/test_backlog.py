"""For an operator: what was stored unread is read by one process, once, whatever happens to another."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from test_http_messages import remittance
from web_fixtures import make_app

from schemas.canonical import digest
from schemas.facts import Item, LargeMessage
from service.app import App
from service.intake import Intake
from service.logs import open_log
from service.timers import ABANDONED, Backlog, keep_time

SENT = remittance(1200)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    settings = {}
    if request.param == "postgresql":
        fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres")
        settings["BATON_DATABASE_URL"] = fresh()
    made = make_app(tmp_path, **settings)
    made.store.upgrade()
    yield made
    made.close()


def kept(
    app: App, body: bytes = SENT, door: str = "http", received_at: datetime | None = None
) -> LargeMessage:
    """A message that was stored and not read."""
    at = received_at or app.moment().now
    large = LargeMessage(digest(body), len(body), "f", "x12", door, at, lambda: iter([body]))  # type: ignore[arg-type]
    with app.store.write() as unit:
        unit.keep_large_message(large)
    return large


def backlog(app: App, log: io.StringIO | None = None, intake: Intake | None = None) -> Backlog:
    made = intake or app.intake()
    return Backlog(lambda: app.store, lambda: made, app.moment, open_log("web", log or io.StringIO()))


def counts(app: App) -> tuple[int, int]:
    with app.store.read() as reader:
        return reader.counts().accounts, reader.counts().unread


def test_one_of_several_readers_reads_and_the_others_leave_it_alone(app: App) -> None:
    kept(app)
    done: list[int] = []
    ready = threading.Barrier(3)

    def read() -> None:
        mine = backlog(app)
        ready.wait(10)
        done.append(mine.read())

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60)
    assert sorted(done) == [0, 0, 1]
    assert counts(app) == (1200, 0)


def test_a_reader_told_to_stop_leaves_off_between_slices_and_the_next_finishes(app: App) -> None:
    kept(app)
    asked = iter([True, True, False])
    assert backlog(app).read(lambda: next(asked, False)) == 0
    accounts, unread = counts(app)
    assert 0 < accounts < 1200
    assert unread == 1
    assert backlog(app).read() == 1
    assert counts(app) == (1200, 0)


def test_what_another_door_has_in_hand_is_left_alone_until_its_process_must_be_gone(app: App) -> None:
    now = app.moment().now
    kept(app, SENT, "rabbitmq", now - ABANDONED + timedelta(minutes=5))
    assert backlog(app).read() == 0
    kept(app, remittance(700), "rabbitmq", now - ABANDONED - timedelta(minutes=5))
    assert backlog(app).read() == 1


class Defect(Exception):
    """A defect that quotes a message."""


def test_a_message_that_meets_a_defect_keeps_back_no_other_and_stays_unread(app: App) -> None:
    first, second = kept(app), kept(app, remittance(700))
    log = io.StringIO()

    def read_large(large: LargeMessage) -> Iterator[Item]:
        if large.sha256 == first.sha256:
            raise Defect("ZQCANARY")
        return app.read_large(large)

    mine = backlog(app, log, Intake(app.store, app.read, read_large, app.policy))
    assert (mine.read(), mine.read()) == (1, 0)
    assert counts(app) == (700, 1)
    assert "Defect" in log.getvalue()
    assert "ZQCANARY" not in log.getvalue()
    assert second.sha256 in log.getvalue()
    assert backlog(app).read() == 1


def test_the_clock_reads_what_waits_when_it_is_given_the_store(app: App) -> None:
    kept(app)
    stop = threading.Event()
    arguments: list[Any] = [app.intake(), app.moment, open_log("clock", io.StringIO()), stop, app.store]
    clock = threading.Thread(target=keep_time, args=arguments)
    clock.start()
    until = datetime.now(UTC) + timedelta(seconds=60)
    while counts(app)[1] and datetime.now(UTC) < until:
        threading.Event().wait(0.2)
    stop.set()
    clock.join(60)
    assert counts(app) == (1200, 0)
