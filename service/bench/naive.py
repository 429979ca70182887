"""The naive design, end to end: one message, one transaction, one ack, one publish with confirm."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final, cast

import pika
import psycopg

from adapters.store import OutboxRow, Store, Unit
from adapters.transport import CLOUDEVENT, EVENTS_EXCHANGE, INBOX_QUEUE
from schemas.facts import Message
from service.bench import books, broker, limits
from service.bench.grounds import Grounds, StoreKind
from service.bench.rows import Row, WrongAnswer
from service.intake import Intake

EVENT_KEY: Final = "responsibility.determined"

Say = Callable[[str, str, bytes], None]
"""Publishes one event and waits for its confirm: id, routing key, body."""

Take = Callable[[str, bytes, Say], None]
"""Does everything one message needs: routing key, body, and how to say what follows from it."""


def plumbing(grounds: Grounds, kind: StoreKind, bodies: Sequence[bytes]) -> Row:
    """Nothing but the pipe: four rows a message written one by one, nothing read, decided or explained."""
    broker.empty(grounds.amqp_url)
    broker.fill(grounds.amqp_url, "json.bench", bodies)
    folder = grounds.fresh_folder()
    rate = 0.0
    if kind == "sqlite":
        with closing(limits.open_sqlite(folder / "naive.db")) as db:
            rate = _run(grounds.amqp_url, len(bodies), _plumbed(lambda e: limits.write_sqlite(db, [e])))
            kept = db.execute("SELECT count(*) FROM inbox").fetchone()
    else:
        with psycopg.connect(grounds.fresh_schema(), autocommit=True) as server:
            limits.create_postgres(server)
            rate = _run(grounds.amqp_url, len(bodies), _plumbed(lambda e: _write_postgres(server, e)))
            kept = server.execute("SELECT count(*) FROM inbox").fetchone()
    if kept is None or kept[0] != len(bodies):
        raise WrongAnswer("wrong-result", "the naive design did not keep one row a message")
    return Row.of(
        f"naive_plumbing_{kind}",
        "naive, plumbing alone: writes and publishes, decides nothing",
        "messages/s",
        [rate],
        n=len(bodies),
        store=kind,
    )


def with_core(
    grounds: Grounds, kind: StoreKind, bodies: Sequence[bytes], format: str = "json", each: int = 1
) -> tuple[Row, books.Books]:
    """The same, doing Baton's work for each message: kept, decoded, folded, decided, written.

    `each` is how many claims a message holds; the figure is then claims a second.
    """
    scene = grounds.fresh_store(kind)
    broker.fill(scene.amqp_url, f"{format}.bench", bodies)
    with scene.app() as app:
        direct = DirectStore(app.store)
        # The intake asks its store for nothing but `write` and `read`, which are these two.
        intake = Intake(cast(Store, direct), app.read, app.read_large, app.policy)

        def take(routing_key: str, body: bytes, say: Say) -> None:
            moment = app.moment()
            feed = routing_key.partition(".")[2]
            message = Message.of(body, feed=feed, format=format, door="rabbitmq", received_at=moment.now)
            intake.receive([message], moment)
            for row in direct.taken():
                say(row.event_id, row.routing_key, row.body)

        rate = _run(scene.amqp_url, len(bodies), take)
    found = books.read(scene.database_url)
    if (found.messages, found.parked) != (len(bodies), 0):
        raise WrongAnswer("wrong-result", "the naive design with Baton's core did not keep every message")
    row = Row.of(
        f"naive_core_{format}_{kind}",
        f"naive, with Baton's work for each message ({'JSON' if format == 'json' else '835'})",
        "messages/s" if each == 1 else "claims/s",
        [rate * each],
        n=len(bodies) * each,
        store=kind,
    )
    return row, found


class DirectStore:
    """A store whose events are not kept for a relay but handed over, to be published at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: list[OutboxRow] = []

    @contextmanager
    def write(self) -> Iterator[_DirectUnit]:
        """One transaction."""
        with self._store.write() as unit:
            yield _DirectUnit(unit, self._rows)

    def read(self) -> Any:
        """One transaction that only reads."""
        return self._store.read()

    def taken(self) -> list[OutboxRow]:
        """The events since the last call."""
        rows = list(self._rows)
        self._rows.clear()
        return rows


class _DirectUnit:
    """A unit of the store without an outbox; everything else is the unit's own."""

    def __init__(self, unit: Unit, rows: list[OutboxRow]) -> None:
        self._unit = unit
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit, name)

    def add_outbox(self, rows: Sequence[OutboxRow]) -> None:
        """Hand events over."""
        self._rows += rows


def _plumbed(write: Callable[[limits.Entry], None]) -> Take:
    def take(_routing_key: str, body: bytes, say: Say) -> None:
        digest, account, body, said, event = limits.entry(body)
        write((digest, account, body, said, event))
        say(digest, EVENT_KEY, json.dumps({"account": account, "message": digest}).encode())

    return take


def _write_postgres(server: psycopg.Connection[Any], entry: limits.Entry) -> None:
    """Statement after statement, as a program writes that does not think of round trips."""
    digest, account, body, said, event = entry
    with server.transaction():
        server.execute(limits.INBOX + limits.ONE, (digest, account, body))
        server.execute(limits.ACCOUNT_TOO, (account,))
        server.execute(limits.AUDIT + limits.ONE, (digest, account, said))
        server.execute(limits.OUTBOX + limits.ONE, (digest, account, event))


def _run(url: str, count: int, take: Take) -> float:
    """Consume one by one until `count` messages are done; messages a second."""
    with broker.channel(url) as out, broker.channel(url) as ch:
        out.confirm_delivery()

        def say(id: str, routing_key: str, body: bytes) -> None:
            properties = pika.BasicProperties(message_id=id, delivery_mode=2, content_type=CLOUDEVENT)
            out.basic_publish(EVENTS_EXCHANGE, routing_key, body, properties, mandatory=True)

        done = 0

        def receive(channel: Any, method: Any, _properties: Any, body: bytes) -> None:
            nonlocal done
            take(method.routing_key, body, say)
            channel.basic_ack(method.delivery_tag)
            done += 1
            if done == count:
                channel.stop_consuming()

        ch.basic_qos(prefetch_count=1)
        ch.basic_consume(INBOX_QUEUE, receive)
        begun = time.perf_counter()
        ch.start_consuming()
        return count / (time.perf_counter() - begun)
