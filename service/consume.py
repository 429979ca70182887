"""The consume loop: deliveries become messages, a batch becomes one transaction, and only then an ack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from threading import Event
from typing import Final

from adapters.transport import Delivery, Inbox
from schemas.canonical import digest
from schemas.errors import Unavailable
from schemas.facts import Message, Rejected
from service.intake import Intake
from service.logs import Log
from service.readings import large
from service.receipts import Moment, Receipt

FORMATS: Final = ("x12", "hl7v2", "fhir", "json")
LARGE_BYTES: Final = 1024 * 1024
"""A body beyond this is kept in parts and posted slice by slice."""

TRANSACTION_BYTES: Final = 1024 * 1024
"""Bodies of one transaction together: it bounds memory, and how long a batch keeps its accounts locked."""

BACKOFF_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Consumer:
    """Feeds an intake from an inbox until told to stop."""

    def __init__(
        self, intake: Intake, clock: Callable[[], Moment], log: Log, seen: Callable[[Sequence[Receipt]], None]
    ) -> None:
        self._intake = intake
        self._clock = clock
        self._log = log
        self._seen = seen

    def consume(self, inbox: Inbox, size: int, wait_seconds: float, stop: Event) -> None:
        """Take batches until `stop` is set; the batch at hand is finished first."""
        for batch in inbox.batches(size, wait_seconds, stop.is_set):
            for part in transactions(batch):
                self._settle(inbox, part, stop)

    def drain_dead(self, inbox: Inbox, size: int, wait_seconds: float, stop: Event) -> None:
        """Park, unread, what exceeded its delivery limit, so that a person finds it in one place."""
        why = Rejected(
            "delivery-limit",
            "",
            "reading this message failed again and again; it was kept unread: report it, then retry it",
        )
        for batch in inbox.batches(size, wait_seconds, stop.is_set):
            for part in transactions(batch):
                messages = [self._message(d) for d in part]
                if self._until_stored(partial(self._park, messages, why), stop):
                    inbox.ack(part)

    def _park(self, messages: Sequence[Message], why: Rejected) -> None:
        self._seen(self._intake.park_whole(messages, why, self._clock()))

    def _settle(self, inbox: Inbox, batch: list[Delivery], stop: Event) -> None:
        try:
            done = self._until_stored(partial(self._receive, batch), stop)
        except Exception:
            # A bug, by definition: every foreseen fault is a Rejected or Unavailable. It must not take its
            # neighbours along, so each goes alone, and only the one that fails is handed back.
            self._log.exception("batch failed, going one by one", messages=len(batch))
            self._one_by_one(inbox, batch, stop)
            return
        if done:
            inbox.ack(batch)

    def _one_by_one(self, inbox: Inbox, batch: list[Delivery], stop: Event) -> None:
        for delivery in batch:
            try:
                done = self._until_stored(partial(self._receive, [delivery]), stop)
            except Exception:
                self._log.exception("message failed, handed back", sha256=digest(delivery.body))
                inbox.reject(delivery)
            else:
                if done:
                    inbox.ack([delivery])

    def _receive(self, batch: Sequence[Delivery]) -> None:
        moment = self._clock()
        small = [d for d in batch if len(d.body) <= LARGE_BYTES]
        if small:
            self._seen(self._intake.receive([self._message(d) for d in small], moment))
        for delivery in batch:
            if len(delivery.body) > LARGE_BYTES:
                self._seen([self._intake.receive_large(large(self._message(delivery)), moment)])

    def _until_stored(self, store: Callable[[], object], stop: Event) -> bool:
        """Try until the store answers; False when told to stop first. Nothing is acknowledged meanwhile."""
        attempt = 0
        while True:
            try:
                store()
            except Unavailable as error:
                wait = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
                attempt += 1
                self._log.warning("store unavailable", code=error.code, attempt=attempt, wait_seconds=wait)
                if stop.wait(wait):
                    return False
            else:
                return True

    def _message(self, delivery: Delivery) -> Message:
        format, _, feed = delivery.routing_key.partition(".")
        return Message.of(
            delivery.body,
            feed=feed or "unnamed",
            format=format if format in FORMATS else "unknown",
            door="rabbitmq",
            received_at=self._clock().now,
        )


def transactions(batch: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """Cut a batch, in its order, into what one transaction takes; a body beyond the bound goes alone.

    >>> sizes = (300_000, 700_000, 100_000, 5_000_000, 1)
    >>> batch = [Delivery(b" " * size, "json.f", {}, "", False, n) for n, size in enumerate(sizes)]
    >>> [[d.tag for d in part] for part in transactions(batch)]
    [[0, 1], [2], [3], [4]]
    """
    part: list[Delivery] = []
    size = 0
    for delivery in batch:
        if part and size + len(delivery.body) > TRANSACTION_BYTES:
            yield part
            part, size = [], 0
        part.append(delivery)
        size += len(delivery.body)
    if part:
        yield part
