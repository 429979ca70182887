"""The relay: what was decided is published, confirmed, and only then struck from the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from typing import Final

from adapters.store import OutboxRow, Store
from adapters.transport import EventPublisher, OutEvent
from schemas.errors import Unavailable
from service.logs import Log

BATCH: Final = 500
IDLE_SECONDS: Final = 0.01
STANDBY_SECONDS: Final = 1.0
BACKOFF_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Relay:
    """Publishes the outbox of a store, in order, while it holds the lease."""

    def __init__(self, store: Store, publisher: EventPublisher, log: Log) -> None:
        self._store = store
        self._publisher = publisher
        self._log = log
        self.sent = 0

    def run(self, stop: Event) -> int:
        """Publish until told to stop; how many events were published.

        One relay at a time holds the lease, so the events of an account keep their order; a second one stands
        by. A crash between publishing and striking repeats events under the same id, never loses one.
        """
        attempt = 0
        while not stop.is_set():
            try:
                with self._store.relay_lease() as held:
                    if held:
                        attempt = self._publish_while_held(stop, attempt)
                    else:
                        stop.wait(STANDBY_SECONDS)
            except Unavailable as error:
                wait = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
                attempt += 1
                self._log.warning("cannot relay", code=error.code, attempt=attempt, wait_seconds=wait)
                stop.wait(wait)
        return self.sent

    def _publish_while_held(self, stop: Event, attempt: int) -> int:
        while not stop.is_set():
            count = self.publish_waiting()
            self.sent += count
            if count == 0:
                stop.wait(IDLE_SECONDS)
            else:
                attempt = 0
        return attempt

    def publish_waiting(self, limit: int = BATCH) -> int:
        """Publish the oldest waiting events; how many were confirmed and struck.

        It stops at the first that is not confirmed: what follows it may belong to the same account.

        Raises:
            Unavailable: store or broker does not answer; nothing unconfirmed was struck.
        """
        with self._store.read() as reader:
            rows = reader.outbox(limit)
        if not rows:
            return 0
        confirmed = self._publisher.publish([OutEvent(r.event_id, r.routing_key, r.body) for r in rows])
        done = _confirmed_first(rows, confirmed)
        if done:
            with self._store.write() as unit:
                unit.delete_outbox(done)
        if len(done) < len(rows):
            raise Unavailable("not-confirmed", "the broker did not confirm an event; it is published again")
        return len(done)


def relay(store: Store, publisher: EventPublisher, log: Log, stop: Event) -> int:
    """Publish what was decided, in order, until told to stop; how many events that was."""
    return Relay(store, publisher, log).run(stop)


def _confirmed_first(rows: Sequence[OutboxRow], confirmed: Sequence[bool]) -> list[int]:
    done = []
    for row, ok in zip(rows, confirmed, strict=True):
        if not ok:
            break
        done.append(row.seq)
    return done
