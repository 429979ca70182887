"""For the on-call engineer: kill and restart in mid-stream; then nothing is lost and nothing is doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TypeAlias

import pytest

from adapters.nodes import PostgresNode, RabbitNode
from service.bench.workload import Workload
from tests.chaos import hospital

pytestmark = [pytest.mark.chaos, pytest.mark.broker, pytest.mark.slow]

MESSAGES = 2800
PARTS = {"sqlite": ("worker-1", "relay"), "postgresql": ("worker-1", "worker-2", "relay")}

Open: TypeAlias = Callable[[str], hospital.Hospital]


@pytest.fixture
def hospitals(own_rabbit: RabbitNode, tmp_path: Path) -> Iterator[Open]:
    """Opens a hospital on a database: topology declared, tables made, nothing running yet."""
    opened: list[hospital.Hospital] = []

    def open(database_url: str) -> hospital.Hospital:
        parts = PARTS[database_url.partition(":")[0]]
        opened.append(hospital.Hospital.open(own_rabbit, database_url, tmp_path, parts))
        return opened[-1]

    yield open
    for one in opened:
        one.processes.end()


def feed_of(seed: int, *, reorder: bool) -> hospital.Feed:
    return hospital.Feed.of(
        Workload(MESSAGES, datetime.now(UTC).date(), seed, prefix="K"), seed, reorder=reorder
    )


@pytest.mark.postgres
def test_workers_and_relay_killed_in_mid_batch_lose_and_double_nothing_on_postgres(
    hospitals: Open, own_postgres: PostgresNode
) -> None:
    feed = feed_of(7, reorder=True)
    there = hospitals(own_postgres.url)
    there.publish(feed.sent)
    there.processes.start_all()
    assert there.kill_while_busy(Random(11), rounds=12) >= 6
    there.settle_and_check(feed)


def test_a_killed_worker_started_again_ends_in_the_same_cases_on_sqlite(
    hospitals: Open, tmp_path: Path
) -> None:
    feed = feed_of(13, reorder=False)
    there = hospitals(f"sqlite:///{tmp_path}/baton.db")
    there.publish(feed.sent)
    there.processes.start_all()
    assert there.kill_while_busy(Random(13), rounds=8) >= 4
    there.settle_and_check(feed)


def test_a_relay_killed_in_mid_batch_loses_no_event(hospitals: Open, tmp_path: Path) -> None:
    feed = feed_of(19, reorder=False)
    there = hospitals(f"sqlite:///{tmp_path}/baton.db")
    there.publish(feed.sent)
    there.processes.start("worker-1")
    there.wait_until_read(len(feed.bodies))
    assert there.kill_relay_whenever_it_strikes() >= 2
    there.settle_and_check(feed)


@pytest.mark.postgres
def test_a_killed_broker_and_a_killed_database_lose_and_double_nothing(
    hospitals: Open, own_rabbit: RabbitNode, own_postgres: PostgresNode
) -> None:
    faults = iter(["broker", "database", "relay", "broker", "worker-1", "database"])

    def fault(sent: int) -> None:
        if sent % 600:
            return
        match next(faults, None):
            case "broker":
                own_rabbit.kill()
                own_rabbit.start()
            case "database":
                own_postgres.kill()
                own_postgres.start()
            case str(part):
                there.processes.kill(part)

    feed = feed_of(17, reorder=True)
    there = hospitals(own_postgres.url)
    there.processes.start_all()
    there.publish(feed.sent, fault)
    there.settle_and_check(feed)
