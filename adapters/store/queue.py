"""The queue of the embedded transport: the contract of the broker's queues, kept in the store's own tables.

At least once: a message is leased to one consumer for a while, and comes again when it was neither
acknowledged nor released by then. Each lease counts as a delivery.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from adapters.store import schema
from adapters.store.convert import instant
from adapters.store.session import Batch, Sql

if TYPE_CHECKING:
    from adapters.store.store import Store

_PUBLISH: Final = Batch(schema.queue_message, "routing_key body headers")
_EVENTS: Final = Batch(schema.event_message, "event_id routing_key body headers published_at")
_LEASE: Final = Sql(
    "UPDATE queue_message SET leased_until = %b, delivery_count = delivery_count + 1 WHERE seq IN ("
    "SELECT seq FROM queue_message WHERE leased_until IS NULL OR leased_until <= %b ORDER BY seq LIMIT %b"
    " FOR UPDATE SKIP LOCKED) RETURNING seq, routing_key, body, headers, delivery_count",
    "UPDATE queue_message SET leased_until = ?, delivery_count = delivery_count + 1 WHERE seq IN ("
    "SELECT seq FROM queue_message WHERE leased_until IS NULL OR leased_until <= ? ORDER BY seq LIMIT ?)"
    " RETURNING seq, routing_key, body, headers, delivery_count",
)
_ACK: Final = Sql(
    "DELETE FROM queue_message WHERE seq = ANY(%b)",
    "DELETE FROM queue_message WHERE seq IN (SELECT value FROM json_each(?))",
)
_RELEASE: Final = Sql(
    "UPDATE queue_message SET leased_until = NULL WHERE seq = ANY(%b)",
    "UPDATE queue_message SET leased_until = NULL WHERE seq IN (SELECT value FROM json_each(?))",
)
_BURY: Final = Sql(
    "INSERT INTO dead_message (routing_key, body, headers, delivery_count, reason, died_at)"
    " SELECT routing_key, body, headers, delivery_count, %b, %b FROM queue_message"
    " WHERE seq = ANY(%b) ORDER BY seq",
    "INSERT INTO dead_message (routing_key, body, headers, delivery_count, reason, died_at)"
    " SELECT routing_key, body, headers, delivery_count, ?, ? FROM queue_message"
    " WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq",
)
_DEPTH: Final = Sql("SELECT count(*) FROM queue_message", "SELECT count(*) FROM queue_message")
_DEAD_DEPTH: Final = Sql("SELECT count(*) FROM dead_message", "SELECT count(*) FROM dead_message")
_DEAD: Final = Sql(
    "SELECT seq, routing_key, body, headers, delivery_count FROM dead_message ORDER BY seq LIMIT %b",
    "SELECT seq, routing_key, body, headers, delivery_count FROM dead_message ORDER BY seq LIMIT ?",
)
_FORGET_DEAD: Final = Sql(
    "DELETE FROM dead_message WHERE seq = ANY(%b)",
    "DELETE FROM dead_message WHERE seq IN (SELECT value FROM json_each(?))",
)
_READ_EVENTS: Final = Sql(
    "SELECT seq, event_id, routing_key, body, headers, published_at FROM event_message"
    " WHERE seq > %b ORDER BY seq LIMIT %b",
    "SELECT seq, event_id, routing_key, body, headers, published_at FROM event_message"
    " WHERE seq > ? ORDER BY seq LIMIT ?",
)


@dataclass(frozen=True, slots=True)
class Leased:
    """A message on loan; `delivery_count` is 1 the first time."""

    seq: int
    routing_key: str
    body: bytes
    headers: Mapping[str, Any]
    delivery_count: int


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event as the embedded transport published it; `seq` orders events and is 0 until it is stored."""

    event_id: str
    routing_key: str
    body: bytes
    published_at: datetime
    headers: Mapping[str, Any] = field(default_factory=dict)
    seq: int = 0


class EmbeddedQueue:
    """Inbound messages, dead ones, and published events. Each call is one transaction; threads may share it.

    Raises (from every method):
        Unavailable: the database did not answer; nothing happened, or (`commit-unknown`) perhaps it did.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def publish(self, routing_key: str, body: bytes, headers: Mapping[str, Any] | None = None) -> None:
        """Put one message in the queue; it is on disk when this returns."""
        self.publish_many([(routing_key, body, headers or {})])

    def publish_many(self, messages: Sequence[tuple[str, bytes, Mapping[str, Any]]]) -> None:
        """Put messages (routing key, body, headers) in the queue, in this order, all or none."""
        rows = [(key, body, json.dumps(dict(headers))) for key, body, headers in messages]
        with self._store.write() as unit:
            unit.session.write(_PUBLISH, rows)

    def lease(self, limit: int, lease_seconds: int, now: datetime) -> list[Leased]:
        """Lend the oldest free messages until `now` plus the lease; after that they come again."""
        until = now + timedelta(seconds=lease_seconds)
        with self._store.write() as unit:
            rows = unit.session.fetch(_LEASE, until, now, limit)
        return [Leased(seq, key, body, json.loads(headers), n) for seq, key, body, headers, n in sorted(rows)]

    def ack(self, seqs: Collection[int]) -> None:
        """Forget messages that were taken care of."""
        if seqs:
            with self._store.write() as unit:
                unit.session.run(_ACK, unit.session.integers(seqs))

    def release(self, seqs: Collection[int], *, requeue: bool = True, now: datetime | None = None) -> None:
        """Give messages back to come again at once; without `requeue` they go to the dead ones, at `now`."""
        if not requeue:
            assert now is not None, "the clock is an argument"
            self.dead_letter(seqs, "rejected", now)
        elif seqs:
            with self._store.write() as unit:
                unit.session.run(_RELEASE, unit.session.integers(seqs))

    def dead_letter(self, seqs: Collection[int], reason: str, now: datetime) -> None:
        """Move messages to the dead ones, whole."""
        if seqs:
            with self._store.write() as unit:
                unit.session.run(_BURY, reason, now, unit.session.integers(seqs))
                unit.session.run(_ACK, unit.session.integers(seqs))

    def depth(self) -> int:
        """How many messages are in the queue, on loan or not."""
        with self._store.read() as reader:
            return int(reader.session.fetch(_DEPTH)[0][0])

    def dead_depth(self) -> int:
        """How many messages are dead."""
        with self._store.read() as reader:
            return int(reader.session.fetch(_DEAD_DEPTH)[0][0])

    def dead(self, limit: int = 100) -> list[Leased]:
        """The oldest dead messages."""
        with self._store.read() as reader:
            rows = reader.session.fetch(_DEAD, limit)
        return [Leased(seq, key, body, json.loads(headers), n) for seq, key, body, headers, n in rows]

    def forget_dead(self, seqs: Collection[int]) -> None:
        """Forget dead messages that are kept elsewhere now."""
        if seqs:
            with self._store.write() as unit:
                unit.session.run(_FORGET_DEAD, unit.session.integers(seqs))

    def append_events(self, events: Sequence[QueuedEvent]) -> None:
        """Publish events, in this order, all or none."""
        rows = [
            (e.event_id, e.routing_key, e.body, json.dumps(dict(e.headers)), e.published_at) for e in events
        ]
        with self._store.write() as unit:
            unit.session.write(_EVENTS, rows)

    def read_events(self, after: int = 0, limit: int = 100) -> list[QueuedEvent]:
        """Events beyond the number `after`, in the order of publishing."""
        with self._store.read() as reader:
            rows = reader.session.fetch(_READ_EVENTS, after, limit)
        return [
            QueuedEvent(event_id, key, body, instant(at), json.loads(headers), seq)
            for seq, event_id, key, body, headers, at in rows
        ]
