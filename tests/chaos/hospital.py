"""Baton's real processes, a feed that repeats and reorders itself, and the check at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import orjson
import pika
import pika.exceptions

from adapters.nodes import RabbitNode
from adapters.rabbitmq import RabbitFeed, setup
from adapters.store import Store
from adapters.transport import InMessage
from schemas.cases import Case
from schemas.errors import Unavailable
from schemas.facts import AccountRef
from service.answers import STATUSES
from service.app import App
from service.bench.workload import Workload
from service.config import load
from service.core import advance, apportion, decide, fold

ROOT = Path(__file__).resolve().parents[2]
QUIET_SECONDS = 60.0
DRY_SECONDS = 3.0


@dataclass
class Processes:
    """Baton's parts as children of the test, to kill and to start again."""

    environ: Mapping[str, str]
    log: Path
    names: Sequence[str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: int = 0

    def start_all(self) -> None:
        """Start every part."""
        for name in self.names:
            self.start(name)

    def start(self, name: str) -> None:
        """Start one part; `worker-1` and `worker-2` are two of the same."""
        with self.log.open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "service.cli", name.partition("-")[0]],
                env=dict(self.environ),
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def kill(self, name: str) -> None:
        """SIGKILL one part and start it again at once."""
        process = self.running[name]
        process.kill()
        process.wait()
        self.kills += 1
        self.start(name)

    def revive(self) -> None:
        """Start again what has ended by itself, as a supervisor does."""
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.start(name)

    def stop(self) -> list[int]:
        """Stop all parts as an operator does; their exit codes."""
        for process in self.running.values():
            _wait_until_listening(process)
            process.send_signal(signal.SIGTERM)
        return [process.wait(60) for process in self.running.values()]

    def end(self) -> None:
        """Whatever still runs ends now."""
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
                process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process catches SIGTERM: one that has hardly begun would just die of it."""
    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:") and int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
                return
        time.sleep(0.05)


def environment(amqp_url: str, database_url: str, home: Path) -> dict[str, str]:
    """The environment of the parts."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BATON_")}
    return clean | {
        "PYTHONPATH": str(ROOT),
        "BATON_HOME": str(home),
        "BATON_AMQP_URL": amqp_url,
        "BATON_DATABASE_URL": database_url,
        "BATON_DELIVERY_LIMIT": "1000",
        "BATON_BATCH_SIZE": "20",
        "BATON_SETTLING_SECONDS": "0",
    }


@dataclass(frozen=True)
class Feed:
    """A sender that repeats itself and mixes its messages up: each body at least once, some several times."""

    bodies: tuple[bytes, ...]
    sent: tuple[bytes, ...]

    @classmethod
    def of(cls, workload: Workload, seed: int, *, reorder: bool) -> Feed:
        """One message in four comes twice, one in sixteen three times."""
        random = Random(seed)
        bodies = tuple(workload.bodies())
        sent = list(bodies)
        for body in bodies:
            if random.random() < 0.25:
                sent.insert(random.randrange(len(sent)), body)
            if random.random() < 0.0625:
                sent.append(body)
        if reorder:
            random.shuffle(sent)
        return cls(bodies, tuple(sent))


def publish(url: str, bodies: Sequence[bytes], between: Callable[[int], None], size: int = 100) -> int:
    """Publish with confirms, again until each is confirmed; how many were attempted in all.

    `between` is called after each portion, with the number sent so far: there the faults happen.
    """
    attempted = 0
    feed = RabbitFeed(url)
    try:
        for at in range(0, len(bodies), size):
            left = [InMessage("json.chaos", body) for body in bodies[at : at + size]]
            while left:
                attempted += len(left)
                try:
                    confirmed = feed.send(left)
                except Unavailable:
                    time.sleep(0.3)
                    continue
                left = [m for m, ok in zip(left, confirmed, strict=True) if not ok]
            between(at + size)
    finally:
        feed.close()
    return attempted


Heard: TypeAlias = tuple[str, str, dict[str, Any]]
"""An event as it arrived: its id, its type and the whole CloudEvent."""


class Listener:
    """A consumer of the events, bound before anything happens: what it keeps survives a broker's restart."""

    QUEUE = "chaos.events"

    def __init__(self, url: str) -> None:
        self._url = url
        with pika.BlockingConnection(pika.URLParameters(url)) as connection:
            channel = connection.channel()
            channel.queue_declare(self.QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
            channel.queue_bind(self.QUEUE, "baton.events", "#")

    def everything(self) -> list[Heard]:
        """(event id, type, data) in the order of arrival, repetitions included."""
        seen = []
        with pika.BlockingConnection(pika.URLParameters(self._url)) as connection:
            channel = connection.channel()
            while True:
                method, properties, body = channel.basic_get(self.QUEUE, auto_ack=True)
                if method is None:
                    return seen
                seen.append((properties.message_id, method.routing_key, orjson.loads(body)))


def provision(node: RabbitNode) -> Listener:
    """Declare the topology, then restart once: a quorum queue seconds old may not survive a kill."""
    setup(node.url, delivery_limit=1000)
    listener = Listener(node.url)
    node.restart()
    time.sleep(1.0)
    return listener


def waiting_in(url: str, *queues: str) -> int:
    """Messages that are ready in these queues (unsettled ones are not among them)."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        return sum(channel.queue_declare(q, passive=True).method.message_count for q in queues)


def wait_until_quiet(url: str, database_url: str, distinct: int, revive: Callable[[], None]) -> None:
    """Wait until every distinct message is read and nothing waits in queue or outbox."""
    deadline = time.monotonic() + QUIET_SECONDS
    state = "nothing answered"
    store = Store.open(database_url)
    while time.monotonic() < deadline:
        time.sleep(0.3)
        revive()
        try:
            with store.read() as reader:
                counts = reader.counts()
            busy = waiting_in(url, "baton.inbox")
        except (Unavailable, pika.exceptions.AMQPError) as error:
            state = type(error).__name__
            continue
        if counts.messages >= distinct and counts.unread == 0 and counts.outbox.depth == 0 and not busy:
            store.close()
            return
        state = f"{counts.messages} of {distinct} messages, {busy} and {counts.outbox.depth} waiting"
    raise AssertionError(f"not quiet after {QUIET_SECONDS} s: {state}")


def expected_cases(app: App, bodies: Iterable[bytes]) -> dict[AccountRef, Case]:
    """The open cases that the set of messages implies, computed at once, without store or broker."""
    from schemas.facts import Fact, Message

    facts: dict[AccountRef, list[Fact]] = {}
    for body in bodies:
        message = Message.of(body, feed="chaos", format="json", door="test", received_at=datetime.now(UTC))
        for item in app.read(message):
            if isinstance(item, Fact) and item.account is not None:
                facts.setdefault(item.account, []).append(item)
    cases = {}
    for ref, known in facts.items():
        account = fold(known)
        decision = decide(account, apportion(account, app.policy), app.policy, app.moment().as_of)
        case, _ = advance(ref, None, 0, decision)
        if case is not None:
            cases[ref] = case
    return cases


def check_everything(environ: Mapping[str, str], feed: Feed, events: Sequence[Heard]) -> None:
    """Attempted = acknowledged = effective: nothing lost, nothing doubled, each case and event once."""
    app = App(load(environ))
    try:
        with app.store.read() as reader:
            counts = reader.counts()
            stored = [record.case for status in STATUSES for record in reader.cases(status, limit=100_000)]  # type: ignore[arg-type]
            parked = reader.parked(limit=10)
            histories = {case.id: reader.case(case.id) for case in stored}
        assert parked == []
        distinct = set(feed.bodies)
        assert counts.messages == len(distinct), "every distinct message is kept, once"
        assert counts.unread == 0
        expected = expected_cases(app, distinct)
        assert {c.account: (c.status, c.number, c.amount_cents) for c in stored} == {
            ref: ("open", 1, case.amount_cents) for ref, case in expected.items()
        }, "each expected case is open, once, with its amount, and no other"
        moves = {event.id for history in histories.values() if history for event, _ in history.events}
        published = [id for id, type, _ in events if type.startswith("case.")]
        assert set(published) == moves, "each case move was published, and nothing else"
        opened = [
            data["data"] for _, type, data in {e[0]: e for e in events}.values() if type == "case.opened"
        ]
        assert len(opened) == len(expected), "a consumer that deduplicates by id sees each opening once"
    finally:
        app.close()


@dataclass
class Hospital:
    """A broker, a database and Baton's parts between them."""

    rabbit: RabbitNode
    database_url: str
    processes: Processes
    listener: Listener

    @classmethod
    def open(cls, rabbit: RabbitNode, database_url: str, home: Path, parts: Sequence[str]) -> Hospital:
        """Declare and upgrade everything; the parts are not started yet."""
        listener = provision(rabbit)
        store = Store.open(database_url)
        store.upgrade()
        store.close()
        environ = environment(rabbit.url, database_url, home)
        return cls(rabbit, database_url, Processes(environ, home / "parts.log", parts), listener)

    def publish(self, bodies: Sequence[bytes], between: Callable[[int], None] = lambda sent: None) -> None:
        """Bring everything to the broker, confirmed."""
        assert publish(self.rabbit.url, bodies, between) >= len(bodies)

    def kill_while_busy(self, random: Random, rounds: int) -> int:
        """SIGKILL all parts at once while a backlog is being worked off; in how many rounds there was one.

        A round waits until messages are being stored again, so that the kill meets batches half done.
        """
        store = Store.open(self.database_url)
        done = 0
        try:
            for _ in range(rounds):
                if not self._wait_for_progress(store, _messages(store) + 20):
                    break
                time.sleep(random.uniform(0.0, 0.05))
                for name in self.processes.names:
                    self.processes.kill(name)
                done += 1
        finally:
            store.close()
        return done

    def wait_until_read(self, distinct: int) -> None:
        """Wait until every distinct message is kept and read, whatever waits in the outbox."""
        store = Store.open(self.database_url)
        deadline = time.monotonic() + QUIET_SECONDS
        try:
            while _messages(store) < distinct:
                assert time.monotonic() < deadline, "the worker did not read everything"
                time.sleep(0.1)
        finally:
            store.close()

    def kill_relay_whenever_it_strikes(self) -> int:
        """SIGKILL the relay each time rows leave a filled outbox, until it is empty; how often that was."""
        store = Store.open(self.database_url)
        kills = 0
        self.processes.start("relay")
        depth = _waiting_events(store)
        deadline = time.monotonic() + QUIET_SECONDS
        while depth and time.monotonic() < deadline:
            now = _waiting_events(store)
            if now < depth:
                self.processes.kill("relay")
                kills += 1
            depth = now
        store.close()
        return kills

    def _wait_for_progress(self, store: Store, wanted: int) -> bool:
        deadline = time.monotonic() + QUIET_SECONDS
        quiet_since = time.monotonic()
        while time.monotonic() < deadline:
            if _messages(store) >= wanted:
                return True
            if waiting_in(self.rabbit.url, "baton.inbox"):
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > DRY_SECONDS:
                return False
            time.sleep(0.01)
        return False

    def settle_and_check(self, feed: Feed) -> None:
        """No more faults: wait for quiet, stop as an operator does, and check everything."""
        wait_until_quiet(self.rabbit.url, self.database_url, len(feed.bodies), self.processes.revive)
        assert self.processes.stop() == [0] * len(self.processes.running), self.processes.log.read_text()[
            -2000:
        ]
        check_everything(self.processes.environ, feed, self.listener.everything())


def _waiting_events(store: Store) -> int:
    with store.read() as reader:
        return reader.outbox_state().depth


def _messages(store: Store) -> int:
    with store.read() as reader:
        return reader.counts().messages
