"""Persistent messages to RabbitMQ, many in flight, each confirmed by the broker or known not to be."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import pika

from adapters.rabbitmq.link import Link, Say, silent
from adapters.transport import EVENTS_EXCHANGE, IN_EXCHANGE, InMessage, OutEvent
from schemas.errors import Unavailable

CONFIRM_SECONDS = 15.0
# So many are written before the loop looks at the socket again: confirms and heartbeats keep flowing.
WRITE_AT_ONCE = 200
PERSISTENT = 2


class _Call:
    """One caller's messages on their way; `done` is set once each has an answer or the connection is lost."""

    def __init__(self, messages: Sequence[InMessage]) -> None:
        self.messages = messages
        self.confirmed = [False] * len(messages)
        self.unroutable: set[int] = set()
        self.open = len(messages)
        self.done = threading.Event()

    def answer(self, index: int, confirmed: bool) -> None:
        self.confirmed[index] = confirmed
        self.open -= 1
        if not self.open:
            self.done.set()


class _ConfirmedChannel:
    """Publishing with confirms counted in batches, one caller at a time."""

    def __init__(self, url: str, exchange: str, say: Say, confirm_seconds: float) -> None:
        self._exchange = exchange
        self._confirm_seconds = confirm_seconds
        self._one_caller = threading.Lock()
        # Below, the link's thread alone writes; `_waiting` is in the order of publishing.
        self._channel: Any = None
        self._next = 1
        self._last_returned = 0
        self._waiting: dict[int, tuple[_Call, int]] = {}
        self._current: _Call | None = None
        self.link = Link(url, self._on_open, self._on_lost, say, f"publisher {exchange}")
        self.link.start()

    def publish(self, messages: Sequence[InMessage]) -> _Call:
        """Sends and waits for the broker's answers. Raises: Unavailable, ConfigRefused."""
        call = _Call(messages)
        if not messages:
            return call
        with self._one_caller:
            if not self.link.wait_open(self._confirm_seconds):
                raise Unavailable("broker-unavailable", f"RabbitMQ at {self.link.where} does not answer")
            self._current = call
            self.link.call(lambda: self._write(call, 0))
            call.done.wait(self._confirm_seconds)
            return call

    def _write(self, call: _Call, begin: int) -> None:
        if self._channel is None or call.done.is_set():
            call.done.set()
            return
        end = min(begin + WRITE_AT_ONCE, len(call.messages))
        for index in range(begin, end):
            message = call.messages[index]
            self._waiting[self._next] = (call, index)
            self._next += 1
            properties = pika.BasicProperties(
                content_type=message.content_type,
                delivery_mode=PERSISTENT,
                message_id=message.message_id or None,
                headers=dict(message.headers) or None,
            )
            self._channel.basic_publish(
                self._exchange, message.routing_key, message.body, properties, mandatory=True
            )
        if end < len(call.messages):
            self.link.call(lambda: self._write(call, end))

    def _on_open(self, channel: Any) -> None:
        self._channel, self._next, self._last_returned = channel, 1, 0
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=lambda _ok: self.link.mark_open())

    def _on_lost(self) -> None:
        self._channel = None
        self._waiting.clear()
        if self._current is not None:
            self._current.done.set()

    def _on_return(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        # The broker returns what no queue is bound for, in order, each before its confirm.
        for number in range(self._last_returned + 1, self._next):
            call, index = self._waiting.get(number, (None, 0))
            message = call.messages[index] if call else None
            if (
                call is not None
                and message is not None
                and message.routing_key == method.routing_key
                and message.message_id == (properties.message_id or "")
                and message.body == body
            ):
                call.unroutable.add(index)
                self._last_returned = number
                return

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        numbers = [method.delivery_tag]
        if method.multiple:
            numbers = list(takewhile(lambda number: number <= method.delivery_tag, self._waiting))
        for number in numbers:
            call, index = self._waiting.pop(number, (None, 0))
            if call is not None:
                call.answer(index, method.NAME == "Basic.Ack")


class RabbitEvents:
    """Publishes events to `baton.events`. One that no queue is bound for is done: nobody asked for it."""

    def __init__(
        self,
        url: str,
        *,
        exchange: str = EVENTS_EXCHANGE,
        say: Say = silent,
        confirm_seconds: float = CONFIRM_SECONDS,
    ) -> None:
        self._say = say
        self._unheard: set[str] = set()
        self._channel = _ConfirmedChannel(url, exchange, say, confirm_seconds)

    @property
    def connected(self) -> bool:
        """Whether an event could be sent now."""
        return self._channel.link.opened.is_set()

    def publish(self, events: Sequence[OutEvent]) -> list[bool]:
        """See `adapters.transport.EventPublisher`."""
        call = self._channel.publish(
            [InMessage(e.routing_key, e.body, e.event_id, e.content_type) for e in events]
        )
        for key in {events[index].routing_key for index in call.unroutable} - self._unheard:
            self._unheard.add(key)
            self._say(f"no queue is bound for {key} events; they are published and nobody receives them")
        return list(call.confirmed)

    def close(self) -> None:
        """See `adapters.transport.EventPublisher`."""
        self._channel.link.close()


class RabbitFeed:
    """Brings messages to `baton.in`. One that no queue is bound for would be lost: it counts as not sent."""

    def __init__(
        self,
        url: str,
        *,
        exchange: str = IN_EXCHANGE,
        say: Say = silent,
        confirm_seconds: float = CONFIRM_SECONDS,
    ) -> None:
        self._channel = _ConfirmedChannel(url, exchange, say, confirm_seconds)

    def send(self, messages: Sequence[InMessage]) -> list[bool]:
        """See `adapters.transport.InPublisher`."""
        call = self._channel.publish(messages)
        return [confirmed and index not in call.unroutable for index, confirmed in enumerate(call.confirmed)]

    def close(self) -> None:
        """See `adapters.transport.InPublisher`."""
        self._channel.link.close()
