"""The embedded transport: the same port as the broker's, over queue tables kept by the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from adapters.transport import DELIVERY_LIMIT, Delivery, InMessage, OutEvent, Stop

LEASE_SECONDS = 30
# A message that came back this often may be what crashes its consumers: such come one at a time.
SUSPECT_AFTER = 3
FIRST_LOOK_SECONDS = 0.005
LONGEST_LOOK_SECONDS = 0.1
DEAD_LOOK_SECONDS = 0.5
MESSAGE_ID = "baton-message-id"
CONTENT_TYPE = "baton-content-type"

Now = Callable[[], datetime]


def _wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event on its way into the store's event table; `seq` is 0 until it is stored."""

    event_id: str
    routing_key: str
    body: bytes
    published_at: datetime
    headers: Mapping[str, Any] = field(default_factory=dict)
    seq: int = 0


class LeasedMessage(Protocol):
    """A message on loan; `delivery_count` is 1 the first time."""

    @property
    def seq(self) -> int:
        """The place in the queue."""

    @property
    def routing_key(self) -> str:
        """`<format>.<feed>`."""

    @property
    def body(self) -> bytes:
        """As it was sent."""

    @property
    def headers(self) -> Mapping[str, Any]:
        """The sender's, with the transport's own two among them."""

    @property
    def delivery_count(self) -> int:
        """How often it was lent, this time included."""


class QueueTables(Protocol):
    """What the embedded transport needs of the store. Each call is one durable transaction."""

    def publish_many(self, messages: Sequence[tuple[str, bytes, Mapping[str, Any]]]) -> None:
        """Adds messages (routing key, body, headers), all or none."""

    def lease(self, limit: int, lease_seconds: int, now: datetime) -> Sequence[LeasedMessage]:
        """Lends the oldest free messages; what is not settled when the lease ends is free again."""

    def ack(self, seqs: Collection[int]) -> None:
        """Forgets messages."""

    def release(self, seqs: Collection[int]) -> None:
        """Frees messages at once."""

    def dead_letter(self, seqs: Collection[int], reason: str, now: datetime) -> None:
        """Moves messages to the dead ones."""

    def dead(self, limit: int) -> Sequence[LeasedMessage]:
        """The oldest dead messages; they stay where they are."""

    def forget_dead(self, seqs: Collection[int]) -> None:
        """Forgets dead messages."""

    def append_events(self, events: Sequence[Any]) -> None:
        """Publishes events with the fields of `PublishedEvent`, all or none."""


class EmbeddedTransport:
    """See `adapters.transport.Transport`, over the queue tables of a store.

    One object per process: a message sent here wakes an inbox here at once, while one from another process is
    noticed within a tenth of a second. What a killed consumer held comes again when its lease has run out.
    """

    def __init__(
        self,
        queue: QueueTables,
        *,
        delivery_limit: int = DELIVERY_LIMIT,
        lease_seconds: int = LEASE_SECONDS,
        now: Now = _wall_clock,
    ) -> None:
        self._queue = queue
        self._now = now
        self._delivery_limit = delivery_limit
        self._lease_seconds = lease_seconds
        self._news = threading.Event()

    def inbox(self) -> EmbeddedInbox:
        """A consumer of the queue; any number of them, in any number of processes, share it."""
        return EmbeddedInbox(self._queue, self._now, self._news, self._delivery_limit, self._lease_seconds)

    def dead(self) -> EmbeddedDead:
        """A reader of the dead messages."""
        return EmbeddedDead(self._queue)

    def publisher(self) -> EmbeddedEvents:
        """A way out for events."""
        return EmbeddedEvents(self._queue, self._now)

    def feed(self) -> EmbeddedFeed:
        """A way into the queue."""
        return EmbeddedFeed(self._queue, self._news)


class EmbeddedInbox:
    """Leased messages in batches. A crash gives them back when the lease ends."""

    def __init__(
        self,
        queue: QueueTables,
        now: Now,
        news: threading.Event,
        delivery_limit: int,
        lease_seconds: int,
    ) -> None:
        self._queue = queue
        self._now = now
        self._news = news
        self._delivery_limit = delivery_limit
        self._lease_seconds = lease_seconds
        self._open: set[int] = set()
        self._cautious = True

    def batches(self, size: int, wait_seconds: float, stop: Stop) -> Iterator[list[Delivery]]:
        """See `adapters.transport.Inbox`. What waits is taken at once: `wait_seconds` is never used up.

        Raises: Unavailable when the database does not answer.
        """
        pause = FIRST_LOOK_SECONDS
        while not stop():
            self._news.clear()
            batch = self._lease(size)
            if batch:
                pause = FIRST_LOOK_SECONDS
                yield batch
            else:
                self._news.wait(pause)
                pause = min(2 * pause, LONGEST_LOOK_SECONDS)

    def ack(self, batch: Sequence[Delivery]) -> None:
        """See `adapters.transport.Inbox`. Raises: Unavailable when the database does not answer."""
        self._queue.ack(self._settled(batch))

    def reject(self, delivery: Delivery) -> None:
        """See `adapters.transport.Inbox`. Raises: Unavailable when the database does not answer."""
        self._queue.release(self._settled([delivery]))
        self._news.set()

    def close(self) -> None:
        """See `adapters.transport.Inbox`."""
        left, self._open = self._open, set()
        if left:
            self._queue.release(left)

    def _lease(self, size: int) -> list[Delivery]:
        leased = self._queue.lease(1 if self._cautious else size, self._lease_seconds, self._now())
        spent = [m.seq for m in leased if m.delivery_count > self._delivery_limit + 1]
        if spent:
            self._queue.dead_letter(spent, "delivery-limit", self._now())
        alive = [m for m in leased if m.delivery_count <= self._delivery_limit + 1]
        if leased:
            self._cautious = leased[0].delivery_count > SUSPECT_AFTER
        self._open.update(m.seq for m in alive)
        return [_delivery(m) for m in alive]

    def _settled(self, batch: Sequence[Delivery]) -> list[int]:
        seqs = [d.tag for d in batch if isinstance(d.tag, int) and d.tag in self._open]
        self._open.difference_update(seqs)
        return seqs


class EmbeddedDead:
    """Dead messages, oldest first; each stays in its table until it is acknowledged."""

    def __init__(self, queue: QueueTables) -> None:
        self._queue = queue
        self._handed: set[int] = set()

    def batches(self, size: int, wait_seconds: float, stop: Stop) -> Iterator[list[Delivery]]:
        """See `adapters.transport.Inbox`; looks for dead messages twice a second."""
        pause = threading.Event()
        while not stop():
            oldest = self._queue.dead(len(self._handed) + size)
            fresh = [_delivery(m) for m in oldest if m.seq not in self._handed][:size]
            if fresh:
                self._handed.update(d.tag for d in fresh if isinstance(d.tag, int))
                yield fresh
            else:
                pause.wait(DEAD_LOOK_SECONDS)

    def ack(self, batch: Sequence[Delivery]) -> None:
        """See `adapters.transport.Inbox`."""
        seqs = [d.tag for d in batch if isinstance(d.tag, int) and d.tag in self._handed]
        self._queue.forget_dead(seqs)
        self._handed.difference_update(seqs)

    def reject(self, delivery: Delivery) -> None:
        """See `adapters.transport.Inbox`; a dead message is beyond counting."""
        if isinstance(delivery.tag, int):
            self._handed.discard(delivery.tag)

    def close(self) -> None:
        """See `adapters.transport.Inbox`."""


class EmbeddedFeed:
    """Brings messages into the queue; they are durable when `send` returns."""

    def __init__(self, queue: QueueTables, news: threading.Event) -> None:
        self._queue = queue
        self._news = news

    def send(self, messages: Sequence[InMessage]) -> list[bool]:
        """See `adapters.transport.InPublisher`. Header values must be what JSON can hold."""
        self._queue.publish_many(
            [
                (m.routing_key, m.body, {**m.headers, MESSAGE_ID: m.message_id, CONTENT_TYPE: m.content_type})
                for m in messages
            ]
        )
        self._news.set()
        return [True] * len(messages)

    def close(self) -> None:
        """See `adapters.transport.InPublisher`."""


class EmbeddedEvents:
    """Publishes events into the store's event table, in order; readers follow it by number."""

    def __init__(self, queue: QueueTables, now: Now) -> None:
        self._queue = queue
        self._now = now

    def publish(self, events: Sequence[OutEvent]) -> list[bool]:
        """See `adapters.transport.EventPublisher`."""
        at = self._now()
        self._queue.append_events(
            [
                PublishedEvent(e.event_id, e.routing_key, e.body, at, {CONTENT_TYPE: e.content_type})
                for e in events
            ]
        )
        return [True] * len(events)

    def close(self) -> None:
        """See `adapters.transport.EventPublisher`."""


def _delivery(leased: LeasedMessage) -> Delivery:
    own = (MESSAGE_ID, CONTENT_TYPE)
    return Delivery(
        body=bytes(leased.body),
        routing_key=leased.routing_key,
        headers={name: value for name, value in leased.headers.items() if name not in own},
        message_id=str(leased.headers.get(MESSAGE_ID, "")),
        redelivered=leased.delivery_count > 1,
        tag=leased.seq,
        deliveries_before=leased.delivery_count - 1,
    )
