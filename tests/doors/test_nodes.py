"""For an operator: private nodes start, keep their data, and leave nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pika
import psycopg
import pytest

from adapters.nodes import PostgresNode, RabbitNode
from adapters.nodes.keeper import Keeper, Launch, free_port
from adapters.nodes.minder import started_at
from schemas.errors import ConfigRefused, Unavailable

ROOT = Path(__file__).resolve().parents[2]


def gone(pid: int, within_seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + within_seconds
    while started_at(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    return started_at(pid) is None


def sleeper(directory: Path, seconds: int = 600) -> Launch:
    return Launch("sleeper", ["sleep", str(seconds)], dict(os.environ), directory / "log")


@pytest.mark.broker
def test_a_private_broker_keeps_its_queues_and_its_address_over_a_restart(own_rabbit: RabbitNode) -> None:
    url = own_rabbit.url
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True, arguments={"x-queue-type": "quorum"})
        channel.basic_publish("", "kept", b"one", pika.BasicProperties(delivery_mode=2))
    assert own_rabbit.restart() == url
    own_rabbit.kill()
    assert own_rabbit.start() == url
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        assert connection.channel().basic_get("kept")[2] == b"one"


@pytest.mark.broker
def test_a_private_broker_listens_on_loopback_only_and_leaves_no_process(node_directory: Path) -> None:
    node = RabbitNode(node_directory / "rabbitmq")
    try:
        node.start()
    except (ConfigRefused, Unavailable) as error:
        pytest.skip(str(error))
    pid = node.pid
    assert pid is not None
    sockets = {str(f.readlink()) for f in Path(f"/proc/{pid}/fd").iterdir() if f.is_symlink()}
    listening = {
        line.split()[1].partition(":")[0]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and f"socket:[{line.split()[9]}]" in sockets
    }
    assert listening == {"0100007F"}, "127.0.0.1 as the kernel writes it"
    node.stop()
    assert gone(pid)
    leftovers = [p for p in Path("/proc").iterdir() if p.name.isdigit() and mentions(p, node.directory)]
    assert not leftovers


def mentions(entry: Path, directory: Path) -> bool:
    try:
        return f"HOME={directory}".encode() in (entry / "environ").read_bytes()
    except OSError:
        return False


@pytest.mark.postgres
def test_a_private_database_is_durable_and_survives_a_kill(own_postgres: PostgresNode) -> None:
    url = own_postgres.url
    with psycopg.connect(url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    own_postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    assert own_postgres.start() == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]


@pytest.mark.postgres
def test_a_private_database_refuses_a_wrong_password(own_postgres: PostgresNode) -> None:
    parts = urlsplit(own_postgres.url)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(own_postgres.url.replace(str(parts.password), "guess"), connect_timeout=2)


@pytest.mark.postgres
def test_a_database_name_is_checked_before_it_reaches_a_command(own_postgres: PostgresNode) -> None:
    with pytest.raises(ConfigRefused, match="database name"):
        own_postgres.create_database("--help")


def test_processes_end_when_their_owner_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; from pathlib import Path;"
        "from adapters.nodes.keeper import Keeper, Launch;"
        "place = Path(sys.argv[1]);"
        "launch = Launch('sleeper', ['sleep', '600'], dict(os.environ), place / 'log');"
        "print(Keeper(place).start(launch), flush=True); time.sleep(600)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    assert started_at(pid) is not None
    owner.kill()
    owner.communicate()
    assert gone(pid)


def test_a_directory_in_use_by_a_living_owner_is_refused(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    pid = keeper.start(sleeper(tmp_path))
    with pytest.raises(ConfigRefused, match="is running") as caught:
        Keeper(tmp_path).clear_the_place()
    assert caught.value.code == "node-in-use"
    keeper.end_all()
    assert gone(pid)
    Keeper(tmp_path).clear_the_place()


def test_what_an_owner_that_has_gone_left_behind_is_ended_first(tmp_path: Path) -> None:
    brief_owner = subprocess.Popen(["sleep", "0.3"])
    keeper = Keeper(tmp_path, owner_pid=brief_owner.pid)
    pid = keeper.start(sleeper(tmp_path))
    brief_owner.wait()
    Keeper(tmp_path).clear_the_place()
    assert gone(pid)
    keeper.end_all()


def test_a_node_that_ends_while_starting_says_so_with_the_end_of_its_log(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    log = tmp_path / "log"
    keeper.start(Launch("broker", ["sh", "-c", "echo port already taken; exit 1"], dict(os.environ), log))
    with pytest.raises(Unavailable, match="port already taken"):
        keeper.wait_until(lambda: False, "broker", log, 10)


def test_a_node_that_does_not_answer_in_time_is_ended(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    pid = keeper.start(sleeper(tmp_path))
    with pytest.raises(Unavailable, match="did not answer"):
        keeper.wait_until(lambda: False, "sleeper", tmp_path / "log", 0.2)
    assert gone(pid)


def test_a_program_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match="/no/such/broker"):
        Keeper(tmp_path).start(Launch("broker", ["/no/such/broker"], {}, tmp_path / "log"))


def test_a_port_in_use_is_replaced_by_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = taken.getsockname()[1]
        assert free_port(wanted) != wanted
    assert free_port(wanted) == wanted
