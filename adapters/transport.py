"""The port between Baton and whatever carries its messages: deliveries in, confirmed events out.

RabbitMQ and the embedded transport both keep these promises, and one suite in `tests/ports` holds them to it:

- a delivery that was not acknowledged comes back, to this consumer or another, marked `redelivered`;
- a delivery that keeps coming back ends in the dead queue once its delivery limit is passed;
- what was published and confirmed survives a crash of the carrier;
- losing the connection is not an error of the caller: it goes on, and what was in flight comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

Headers = Mapping[str, object]
Stop = Callable[[], bool]
NO_HEADERS: Headers = MappingProxyType({})

IN_EXCHANGE = "baton.in"
INBOX_QUEUE = "baton.inbox"
DEAD_QUEUE = "baton.dead"
EVENTS_EXCHANGE = "baton.events"
# The limit RabbitMQ 4 sets by itself. A worker parks what it cannot read, so only a crash loop gets here.
DELIVERY_LIMIT = 20
CLOUDEVENT = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it arrived. `tag` is the transport's; `deliveries_before` counts earlier attempts."""

    body: bytes
    routing_key: str
    headers: Headers
    message_id: str
    redelivered: bool
    tag: object
    deliveries_before: int = 0


@dataclass(frozen=True, slots=True)
class InMessage:
    """One message to bring to `baton.in`; the routing key is `<format>.<feed>`."""

    routing_key: str
    body: bytes
    message_id: str = ""
    content_type: str = "application/octet-stream"
    headers: Headers = field(default_factory=lambda: NO_HEADERS)


@dataclass(frozen=True, slots=True)
class OutEvent:
    """One event for the outside; `event_id` is stable, so a consumer can tell a repetition."""

    event_id: str
    routing_key: str
    body: bytes
    content_type: str = CLOUDEVENT


class Inbox(Protocol):
    """Where batches of deliveries come from. One consuming thread per inbox."""

    def batches(self, size: int, wait_seconds: float, stop: Stop) -> Iterator[list[Delivery]]:
        """Yields batches of 1 to `size` in queue order until `stop()` is true; asks at least once a second.

        A batch is handed over when it is full, when nothing more is waiting (a lone message goes at once),
        or `wait_seconds` after its first message. Nothing is yielded after that; what was received and
        not yielded goes back to the queue on `close`.

        Raises: ConfigRefused when the queue does not exist or may not be read.
        """
        ...

    def ack(self, batch: Sequence[Delivery]) -> None:
        """Settles deliveries whose effects are committed. Those of a lost connection return anyway."""
        ...

    def reject(self, delivery: Delivery) -> None:
        """Gives one delivery back to the queue; it counts towards the delivery limit."""
        ...

    def close(self) -> None:
        """Gives back what is not settled and ends. Harmless when repeated."""
        ...


class EventPublisher(Protocol):
    """Where committed events go."""

    def publish(self, events: Sequence[OutEvent]) -> list[bool]:
        """For each event whether the carrier has confirmed it. An event nobody is bound to is confirmed.

        Raises: Unavailable when the carrier does not answer at all; then none may be taken as sent.
        """
        ...

    def close(self) -> None:
        """Ends. Harmless when repeated."""
        ...


class InPublisher(Protocol):
    """Where a feed brings messages: the demo, the benchmarks and the tests are feeds too."""

    def send(self, messages: Sequence[InMessage]) -> list[bool]:
        """For each message whether it is safely in the inbox queue; False also when no queue is bound.

        Raises: Unavailable when the carrier does not answer at all.
        """
        ...

    def close(self) -> None:
        """Ends. Harmless when repeated."""
        ...


class Transport(Protocol):
    """One carrier with all its ends; each call opens an end of its own, which the caller closes."""

    def inbox(self) -> Inbox:
        """The messages that wait to be received."""
        ...

    def dead(self) -> Inbox:
        """The messages that exceeded the delivery limit, for parking."""
        ...

    def publisher(self) -> EventPublisher:
        """The way out for events."""
        ...

    def feed(self) -> InPublisher:
        """The way in, as a feed has it."""
        ...
