"""Deliveries from a RabbitMQ queue in batches, acknowledged together after their commit."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from adapters.rabbitmq.link import Link, Say, silent
from adapters.transport import INBOX_QUEUE, NO_HEADERS, Delivery, Stop

PREFETCH = 1200
# A message that came back this often may be what crashes its consumers. While such messages are at the head
# of the queue the inbox takes one at a time: innocent neighbours must not share their count and their fate.
SUSPECT_AFTER = 3
LOOK_SECONDS = 0.2
QUIET_SECONDS = 0.001


class _Tag(NamedTuple):
    connection: int
    number: int


class RabbitInbox:
    """A consumer of one quorum queue that survives broker restarts; it connects in the background at once."""

    def __init__(
        self, url: str, *, queue: str = INBOX_QUEUE, prefetch: int = PREFETCH, say: Say = silent
    ) -> None:
        self._queue = queue
        self._prefetch = prefetch
        self._arrived: deque[Delivery] = deque()
        self._news = threading.Event()
        # All below is touched by the link's thread alone.
        self._channel: Any = None
        self._number = 0
        self._unsettled: dict[int, None] = {}
        self._consumer_tag = ""
        self._cautious = True
        self._link = Link(url, self._on_open, self._on_lost, say, f"inbox {queue}")
        self._link.start()

    @property
    def connected(self) -> bool:
        """Whether deliveries can arrive now."""
        return self._link.opened.is_set()

    def wait_connected(self, timeout_seconds: float) -> bool:
        """Waits for the first or the next connection. Raises: ConfigRefused when there will be none."""
        return self._link.wait_open(timeout_seconds)

    def batches(self, size: int, wait_seconds: float, stop: Stop) -> Iterator[list[Delivery]]:
        """See `adapters.transport.Inbox`."""
        while not stop():
            if self._link.refused is not None:
                raise self._link.refused
            if not self._arrived:
                self._news.clear()
                if not self._arrived:
                    self._news.wait(LOOK_SECONDS)
                continue
            self._gather(size, wait_seconds)
            batch = self._take(size)
            if batch:
                yield batch

    def ack(self, batch: Sequence[Delivery]) -> None:
        """See `adapters.transport.Inbox`. One multiple acknowledgement wherever the order allows."""
        self._settle(batch, self._ack_numbers)

    def reject(self, delivery: Delivery) -> None:
        """See `adapters.transport.Inbox`."""
        self._settle([delivery], self._reject_numbers)

    def close(self) -> None:
        """See `adapters.transport.Inbox`."""
        self._link.close()
        self._arrived.clear()

    def _gather(self, size: int, wait_seconds: float) -> None:
        """Waits while more keeps arriving: until full, quiet, or the time is over."""
        deadline = time.monotonic() + wait_seconds
        while (seen := len(self._arrived)) < size:
            self._news.clear()
            left = deadline - time.monotonic()
            if left <= 0 or not (len(self._arrived) > seen or self._news.wait(min(QUIET_SECONDS, left))):
                return

    def _take(self, size: int) -> list[Delivery]:
        batch: list[Delivery] = []
        try:
            while len(batch) < size:
                batch.append(self._arrived.popleft())
        except IndexError:
            pass  # drained, or emptied by a lost connection
        return batch

    def _settle(self, batch: Sequence[Delivery], how: Callable[[list[int]], None]) -> None:
        tags = [delivery.tag for delivery in batch if isinstance(delivery.tag, _Tag)]

        def settle() -> None:
            how([tag.number for tag in tags if tag.connection == self._number])

        self._link.call(settle)

    def _ack_numbers(self, numbers: list[int]) -> None:
        wanted = {n for n in numbers if n in self._unsettled}
        run: list[int] = []
        for number in self._unsettled:  # in order of arrival
            if number not in wanted:
                break
            run.append(number)
        if run:
            self._channel.basic_ack(run[-1], multiple=True)
        for number in sorted(wanted.difference(run)):
            self._channel.basic_ack(number)
        for number in wanted:
            del self._unsettled[number]

    def _reject_numbers(self, numbers: list[int]) -> None:
        for number in numbers:
            if number in self._unsettled:
                del self._unsettled[number]
                self._channel.basic_nack(number, requeue=True)

    def _on_open(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_cancel_callback(lambda _frame: self._link.lose())  # the queue moved or was deleted
        self._cautious = True
        self._consume(1)

    def _consume(self, prefetch: int) -> None:
        channel = self._channel
        channel.basic_qos(prefetch_count=prefetch)
        self._consumer_tag = channel.basic_consume(
            self._queue, self._on_delivery, callback=lambda _ok: self._link.mark_open()
        )

    def _on_lost(self) -> None:
        self._number += 1
        self._channel = None
        self._unsettled.clear()
        self._arrived.clear()

    def _on_delivery(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        headers = properties.headers or NO_HEADERS
        counted = headers.get("x-delivery-count")  # quorum queues count; others only mark
        before = counted if isinstance(counted, int) else int(method.redelivered)
        tag = _Tag(self._number, method.delivery_tag)
        self._unsettled[method.delivery_tag] = None
        self._arrived.append(
            Delivery(
                body,
                method.routing_key,
                headers,
                properties.message_id or "",
                method.redelivered,
                tag,
                before,
            )
        )
        if not self._news.is_set():
            self._news.set()
        if self._cautious and before < SUSPECT_AFTER:
            self._cautious = False
            self._channel.basic_cancel(self._consumer_tag, callback=lambda _ok: self._consume(self._prefetch))
