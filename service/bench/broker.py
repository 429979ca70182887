"""The bench's own hands on RabbitMQ: queues of its own, bulk publishing, a listener that notes the time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

import pika

from adapters.rabbitmq import RabbitFeed, setup
from adapters.transport import DEAD_QUEUE, EVENTS_EXCHANGE, INBOX_QUEUE, InMessage
from schemas.errors import ConfigRefused
from service.bench.rows import WrongAnswer

RAW_QUEUE: Final = "bench.raw"
EVENTS_QUEUE: Final = "bench.events"
QUORUM: Final = {"x-queue-type": "quorum"}
PREFETCH: Final = 500
PUBLISH_BATCH: Final = 1000


@contextmanager
def channel(url: str) -> Iterator[Any]:
    """A channel of a blocking connection."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        yield connection.channel()
    finally:
        if connection.is_open:
            connection.close()


def prepare(url: str) -> str:
    """Declare Baton's queues and the bench's own; returns which broker answered.

    Raises:
        ConfigRefused: the inbox holds messages: this is not a broker to measure on.
    """
    state = setup(url)
    if state.waiting or state.dead:
        raise ConfigRefused(
            "broker-in-use",
            "baton.inbox or baton.dead holds messages; give the bench a vhost of its own",
            where="--amqp-url",
        )
    with channel(url) as ch:
        for queue in (RAW_QUEUE, EVENTS_QUEUE):
            ch.queue_declare(queue, durable=True, arguments=QUORUM)
        ch.queue_bind(EVENTS_QUEUE, EVENTS_EXCHANGE, "#")
    return state.product


def empty(url: str) -> None:
    """Take everything out of every queue, between two scenarios."""
    with channel(url) as ch:
        for queue in (INBOX_QUEUE, DEAD_QUEUE, RAW_QUEUE, EVENTS_QUEUE):
            ch.queue_purge(queue)


def clean_up(url: str) -> None:
    """Remove the bench's own queues."""
    with channel(url) as ch:
        for queue in (RAW_QUEUE, EVENTS_QUEUE):
            ch.queue_delete(queue)


def fill(
    url: str, routing_key: str, bodies: Iterable[bytes], exchange: str | None = None
) -> tuple[int, float]:
    """Publish bodies, each confirmed; how many, and how many a second. Without an exchange: to `baton.in`.

    Raises:
        WrongAnswer: the broker did not confirm one of them.
    """
    feed = RabbitFeed(url) if exchange is None else RabbitFeed(url, exchange=exchange)
    begun, count = time.perf_counter(), 0
    rest = iter(bodies)
    try:
        while batch := list(islice(rest, PUBLISH_BATCH)):
            if not all(feed.send([InMessage(routing_key, body) for body in batch])):
                raise WrongAnswer("not-confirmed", "the broker did not confirm a message of the workload")
            count += len(batch)
    finally:
        feed.close()
    return count, count / (time.perf_counter() - begun)


class Listener:
    """Receives from the events queue, acknowledges many at once, and notes when each event came first."""

    def __init__(self, url: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(url))
        self._channel = self._connection.channel()
        self._channel.basic_qos(prefetch_count=PREFETCH)
        self._channel.basic_consume(EVENTS_QUEUE, self._receive)
        self._tag = self._settled = 0
        self.came_at: dict[str, float] = {}
        self.keys: dict[str, str] = {}
        self.bodies: dict[str, bytes] = {}
        self.repeated = 0

    def listen(self, seconds: float) -> int:
        """Receive for a while; how many new events came."""
        before = len(self.came_at)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._connection.process_data_events(time_limit=left)
            if self._tag > self._settled:
                self._channel.basic_ack(self._tag, multiple=True)
                self._settled = self._tag
        return len(self.came_at) - before

    def close(self) -> None:
        """End; what was received is acknowledged."""
        if self._connection.is_open:
            self._connection.close()

    @property
    def last_at(self) -> float:
        """When the last new event came, on the wall clock; 0 when none did."""
        return max(self.came_at.values(), default=0.0)

    def _receive(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        now = time.time()
        self._tag = method.delivery_tag
        if properties.message_id in self.came_at:
            self.repeated += 1
            return
        self.came_at[properties.message_id] = now
        self.keys[properties.message_id] = method.routing_key
        self.bodies[properties.message_id] = body
