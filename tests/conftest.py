"""Real brokers and databases for the suite: private nodes, started by the first test that asks, shared by all
workers of the run, ended with it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pika
import pika.exceptions
import pytest

from adapters.nodes import PostgresNode, RabbitNode
from adapters.nodes.debian import locked
from adapters.nodes.keeper import Keeper
from adapters.store import Store
from schemas.errors import BatonError

PLACE = "BATON_TEST_NODES"
OWNER = "BATON_TEST_OWNER"
PREFIX = "baton-tests-"
ROOM_BYTES = 6 * 1024**3
WORKERS = [f"gw{n}" for n in range(16)]
NODES = ("rabbitmq", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="also run the tests that take hours")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--soak"):
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="only with --soak"))


def pytest_configure(config: pytest.Config) -> None:
    # The same examples at each run, so that a change is judged by what it changes; a long run draws new ones.
    hypothesis.settings.register_profile("same", derandomize=True)
    hypothesis.settings.load_profile("default" if config.getoption("--soak") else "same")
    if not hasattr(config, "workerinput"):
        place = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=in_memory()))
        place.chmod(0o711)  # PostgreSQL runs under another user when the suite runs as root
        os.environ[PLACE], os.environ[OWNER] = str(place), str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and PLACE in os.environ:
        place = Path(os.environ.pop(PLACE))
        for node in NODES:
            Keeper(place / node).end_all()
        shutil.rmtree(place, ignore_errors=True)


def in_memory() -> Path | None:
    """Where memory is kept as files, if there is room for a run's nodes; else None, for the usual place. What
    killed runs left there is removed."""
    memory = Path("/dev/shm")
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK):
        return None
    for left in memory.glob(f"{PREFIX}*"):
        if not Path(f"/proc/{left.name.removeprefix(PREFIX).partition('-')[0]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    return memory if shutil.disk_usage(memory).free > ROOM_BYTES else None


def shared(name: str, start: Callable[[Path, int], dict[str, str]]) -> dict[str, str]:
    """The addresses of a node of this run; the first caller starts it. Skips with the reason."""
    place = Path(os.environ[PLACE])
    note = place / f"{name}.json"
    with locked(place / f"{name}.lock"):
        if not note.exists():
            try:
                known = start(place / name, int(os.environ[OWNER]))
            except BatonError as error:
                known = {"refused": str(error)}
            note.touch(mode=0o600)
            note.write_text(json.dumps(known))
    known = dict(json.loads(note.read_text()))
    if "refused" in known:
        pytest.skip(f"no private {name} here: {known['refused']}")
    return known


@pytest.fixture(scope="session")
def rabbitmq_urls() -> dict[str, str]:
    """The AMQP URL of each worker's own vhost on the run's one private broker."""

    def start(directory: Path, owner_pid: int) -> dict[str, str]:
        vhosts = ["main", *WORKERS]
        node = RabbitNode(directory, vhosts=vhosts, owner_pid=owner_pid)
        node.start()
        return {vhost: node.url_for(vhost) for vhost in vhosts}

    return shared("rabbitmq", start)


@pytest.fixture
def amqp_url(rabbitmq_urls: dict[str, str]) -> str:
    """The AMQP URL of a vhost without any of Baton's exchanges and queues."""
    url = rabbitmq_urls[os.environ.get("PYTEST_XDIST_WORKER", "main")]
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        for queue in ("baton.inbox", "baton.dead"):
            channel.queue_delete(queue)
        for exchange in ("baton.in", "baton.events", "baton.dead"):
            channel.exchange_delete(exchange)
    return url


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of the run's one private server, up to and without the name of a database."""

    def start(directory: Path, owner_pid: int) -> dict[str, str]:
        node = PostgresNode(directory, owner_pid=owner_pid)
        return {"url": node.start()}

    return shared("postgresql", start)["url"].rpartition("/")[0]


NUMBERS = itertools.count()


def make_database(server: str, template: str = "template1") -> str:
    """Makes a database on the private server, empty unless a template is named, and returns its URL."""
    import psycopg

    name = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{next(NUMBERS)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"{server}/{name}"


def drop_database(url: str) -> None:
    """Drops a database of the private server, whoever is still connected: hundreds of them fill gigabytes."""
    import psycopg

    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def fresh_postgres(postgres_server: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases for one test and returns their URLs; they are dropped after it."""
    made: list[str] = []

    def fresh() -> str:
        made.append(make_database(postgres_server))
        return made[-1]

    yield fresh
    for url in made:
        drop_database(url)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a database to copy, with all tables and nothing in them."""
    url = make_database(postgres_server)
    store = Store.open(url)
    store.upgrade()
    store.close()
    return url.rpartition("/")[2]


@pytest.fixture
def migrated_postgres(postgres_server: str, postgres_template: str) -> Iterator[Callable[[], str]]:
    """Makes databases with all tables and nothing in them for one test; they are dropped after it."""
    made: list[str] = []

    def copy() -> str:
        made.append(make_database(postgres_server, postgres_template))
        return made[-1]

    yield copy
    for url in made:
        drop_database(url)


@pytest.fixture
def postgres_url(fresh_postgres: Callable[[], str]) -> str:
    """The URL of an empty database of this test's own, as `postgresql://user:password@host:port/name`."""
    return fresh_postgres()


@pytest.fixture
def node_directory() -> Iterator[Path]:
    """A folder for a node of this test's own, reachable by the user PostgreSQL runs under."""
    directory = Path(tempfile.mkdtemp(prefix="own-", dir=os.environ[PLACE]))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def own_rabbit(node_directory: Path) -> Iterator[RabbitNode]:
    """A broker of this test's own, to stop and to kill."""
    node = RabbitNode(node_directory / "rabbitmq")
    try:
        node.start()
    except BatonError as error:
        pytest.skip(f"no private rabbitmq here: {error}")
    yield node
    node.stop()


@pytest.fixture
def own_postgres(node_directory: Path) -> Iterator[PostgresNode]:
    """A database server of this test's own, to stop and to kill."""
    node = PostgresNode(node_directory / "postgresql")
    try:
        node.start()
    except BatonError as error:
        pytest.skip(f"no private postgresql here: {error}")
    yield node
    node.stop()
