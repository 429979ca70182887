"""For the on-call engineer: kill and restart in mid-stream; then nothing is lost and nothing is doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TypeAlias

import pytest

from adapters.nodes import PostgresNode, RabbitNode
from adapters.store import Store
from service.bench.workload import Workload
from tests.chaos import hospital

pytestmark = [pytest.mark.chaos, pytest.mark.broker, pytest.mark.slow]

MESSAGES = 2800
PARTS = {"sqlite": ("worker-1", "relay"), "postgresql": ("worker-1", "worker-2", "relay")}

Stage: TypeAlias = Callable[[str], tuple[hospital.Processes, hospital.Listener]]


@pytest.fixture
def stage(own_rabbit: RabbitNode, tmp_path: Path) -> Iterator[Stage]:
    """Starts Baton's parts on a database: two workers on PostgreSQL, one on SQLite, and a relay."""
    started: list[hospital.Processes] = []

    def start(database_url: str) -> tuple[hospital.Processes, hospital.Listener]:
        listener = hospital.provision(own_rabbit)
        environ = hospital.environment(own_rabbit.url, database_url, tmp_path)
        store = Store.open(database_url)
        store.upgrade()
        store.close()
        processes = hospital.Processes(environ, tmp_path / "parts.log")
        started.append(processes)
        for name in (
            ("worker-1", "relay") if database_url.startswith("sqlite") else ("worker-1", "worker-2", "relay")
        ):
            processes.start(name)
        return processes, listener

    yield start
    for processes in started:
        processes.end()


def run(
    stage: Stage,
    rabbit: RabbitNode,
    database_url: str,
    fault: Callable[[int, hospital.Processes], None],
    *,
    reorder: bool = True,
) -> hospital.Processes:
    """Publish with faults in between, wait for quiet, check everything; the parts stop cleanly at the end."""
    workload = Workload(MESSAGES, datetime.now(UTC).date(), seed=7, prefix="K")
    feed = hospital.Feed.of(workload, seed=7, reorder=reorder)
    processes, listener = stage(database_url)
    attempted = hospital.publish(rabbit.url, feed.sent, lambda sent: fault(sent, processes))
    assert attempted >= len(feed.sent) > len(feed.bodies)
    hospital.wait_until_quiet(rabbit.url, database_url, len(feed.bodies))
    assert processes.stop() == [0] * len(processes.running)
    hospital.check_everything(processes.environ, feed, listener.everything())
    return processes


@pytest.mark.postgres
def test_killed_workers_and_relays_lose_and_double_nothing_on_postgres(
    stage: Stage,
    own_rabbit: RabbitNode,
    own_postgres: PostgresNode,
) -> None:
    random = Random(11)

    def fault(sent: int, processes: hospital.Processes) -> None:
        processes.kill(random.choice(["worker-1", "worker-2", "relay"]))

    processes = run(stage, own_rabbit, own_postgres.url, fault)
    assert processes.kills >= MESSAGES // 100


def test_a_killed_worker_started_again_ends_in_the_same_cases_on_sqlite(
    stage: Stage, own_rabbit: RabbitNode, tmp_path: Path
) -> None:
    random = Random(13)

    def fault(sent: int, processes: hospital.Processes) -> None:
        if sent % 300 == 0:
            processes.kill(random.choice(["worker-1", "worker-1", "relay"]))

    run(stage, own_rabbit, f"sqlite:///{tmp_path}/baton.db", fault, reorder=False)


@pytest.mark.postgres
def test_a_killed_broker_and_a_killed_database_lose_and_double_nothing(
    stage: Stage,
    own_rabbit: RabbitNode,
    own_postgres: PostgresNode,
) -> None:
    faults = iter(["broker", "database", "relay", "broker", "worker-1", "database"])

    def fault(sent: int, processes: hospital.Processes) -> None:
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
                processes.kill(part)

    run(stage, own_rabbit, own_postgres.url, fault)
