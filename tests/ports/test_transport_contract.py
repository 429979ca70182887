"""For the author of the next transport: what every one of them promises, held against each."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pika
import pytest

from adapters.embedded import EmbeddedTransport
from adapters.rabbitmq import RabbitEvents, RabbitFeed, RabbitInbox, RabbitTransport
from adapters.store import EmbeddedQueue, Store
from adapters.transport import Delivery, EventPublisher, Inbox, InMessage, InPublisher, OutEvent

LIMIT = 2
PATIENCE_SECONDS = 20.0


class Carrier(Protocol):
    """A transport under test, and an ear for what it publishes."""

    @abstractmethod
    def inbox(self) -> Inbox: ...
    @abstractmethod
    def dead(self) -> Inbox: ...
    @abstractmethod
    def feed(self) -> InPublisher: ...
    @abstractmethod
    def publisher(self) -> EventPublisher: ...
    @abstractmethod
    def listen(self) -> Callable[[], list[tuple[str, bytes]]]: ...


class Rabbit:
    def __init__(self, url: str) -> None:
        self.url = url
        self.opened: list[RabbitInbox | RabbitFeed | RabbitEvents] = []
        self.transport = RabbitTransport(url, delivery_limit=LIMIT)
        self.transport.set_up()

    def inbox(self) -> Inbox:
        self.opened.append(inbox := self.transport.inbox())
        return inbox

    def dead(self) -> Inbox:
        self.opened.append(dead := self.transport.dead())
        return dead

    def feed(self) -> InPublisher:
        self.opened.append(feed := self.transport.feed())
        return feed

    def publisher(self) -> EventPublisher:
        self.opened.append(publisher := self.transport.publisher())
        return publisher

    def listen(self) -> Callable[[], list[tuple[str, bytes]]]:
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, "baton.events", "#")

        def heard() -> list[tuple[str, bytes]]:
            got = []
            for _method, properties, body in channel.consume(queue, auto_ack=True, inactivity_timeout=0.5):
                if properties is None:
                    break
                got.append((properties.message_id, body))
            connection.close()
            return got

        return heard


class Tables(EmbeddedTransport):
    def __init__(self, url: str) -> None:
        self.store = Store.open(url)
        self.store.upgrade()
        self.queue = EmbeddedQueue(self.store)
        super().__init__(self.queue, delivery_limit=LIMIT, lease_seconds=60)

    def listen(self) -> Callable[[], list[tuple[str, bytes]]]:
        return lambda: [(e.event_id, e.body) for e in self.queue.read_events(limit=1000)]


@pytest.fixture(
    params=[
        pytest.param("rabbitmq", marks=pytest.mark.broker),
        "embedded-sqlite",
        pytest.param("embedded-postgresql", marks=pytest.mark.postgres),
    ]
)
def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Carrier]:
    if request.param == "rabbitmq":
        rabbit = Rabbit(request.getfixturevalue("amqp_url"))
        yield rabbit
        for end in rabbit.opened:
            end.close()
        return
    embedded = request.param == "embedded-sqlite"
    tables = Tables(f"sqlite:///{tmp_path}/queue.db" if embedded else request.getfixturevalue("postgres_url"))
    yield tables
    tables.store.close()


def after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def take(inbox: Inbox, count: int, *, size: int = 100, seconds: float = PATIENCE_SECONDS) -> list[Delivery]:
    """The next `count` deliveries, not acknowledged; fewer when they do not come in time."""
    got: list[Delivery] = []
    for batch in inbox.batches(size, 0.05, after(seconds)):
        got.extend(batch)
        if len(got) >= count:
            break
    return got


def numbered(count: int, begin: int = 0) -> list[InMessage]:
    return [InMessage("json.test", str(n).encode(), f"id-{n}") for n in range(begin, begin + count)]


def test_a_message_arrives_whole_and_its_acknowledgement_ends_it(carrier: Carrier) -> None:
    sent = InMessage(
        "x12.clearing", b"\x00\xff ISA", "id-1", "application/edi-x12", {"feed-day": "2026-03-14"}
    )
    assert carrier.feed().send([sent]) == [True]
    inbox = carrier.inbox()
    [got] = take(inbox, 1)
    assert (got.routing_key, got.body, got.message_id) == (sent.routing_key, sent.body, sent.message_id)
    assert dict(got.headers) == {"feed-day": "2026-03-14"}
    assert (got.redelivered, got.deliveries_before) == (False, 0)
    inbox.ack([got])
    inbox.close()
    again = carrier.inbox()
    assert take(again, 1, seconds=0.6) == []
    again.close()


def test_what_is_not_acknowledged_comes_back_in_order_and_marked(carrier: Carrier) -> None:
    carrier.feed().send(numbered(30))
    first = carrier.inbox()
    got = take(first, 30)
    first.ack(got[:10])
    first.close()
    second = carrier.inbox()
    back = take(second, 20)
    assert [d.body for d in back] == [str(n).encode() for n in range(10, 30)]
    assert all(d.redelivered and d.deliveries_before == 1 for d in back)
    second.ack(back)
    second.close()


def test_batches_are_full_under_load_and_keep_the_order_of_the_queue(carrier: Carrier) -> None:
    feed = carrier.feed()
    assert all(feed.send(numbered(500)))
    inbox = carrier.inbox()
    got: list[bytes] = []
    sizes = []
    for batch in inbox.batches(64, 0.5, after(PATIENCE_SECONDS)):
        got += [d.body for d in batch]
        sizes.append(len(batch))
        inbox.ack(batch)
        if len(got) >= 500:
            break
    inbox.close()
    assert got == [str(n).encode() for n in range(500)]
    assert max(sizes) == 64, "never more than asked for"
    assert sizes.count(64) >= 5


def test_a_lone_message_does_not_wait_for_the_batch_window(carrier: Carrier) -> None:
    inbox = carrier.inbox()
    window_seconds = 30.0
    batches = inbox.batches(100, window_seconds, after(PATIENCE_SECONDS))
    timer = threading.Timer(0.3, lambda: carrier.feed().send(numbered(1)))
    timer.start()
    begin = time.monotonic()
    batch = next(batches)
    assert time.monotonic() - begin < window_seconds / 4
    assert [d.body for d in batch] == [b"0"]
    inbox.ack(batch)
    inbox.close()
    timer.join()


def test_an_idle_inbox_stops_when_asked(carrier: Carrier) -> None:
    inbox = carrier.inbox()
    begin = time.monotonic()
    assert list(inbox.batches(10, 60.0, after(0.5))) == []
    assert time.monotonic() - begin < 10
    inbox.close()
    inbox.close()


def test_a_batch_may_be_settled_in_parts_and_in_any_order(carrier: Carrier) -> None:
    carrier.feed().send(numbered(9))
    inbox = carrier.inbox()
    got = take(inbox, 9)
    inbox.ack([got[4], got[2]])
    inbox.reject(got[0])
    inbox.ack(got[5:])
    inbox.close()
    again = carrier.inbox()
    back = take(again, 3)
    assert sorted(d.body for d in back) == [b"0", b"1", b"3"]
    again.ack(back)
    again.close()


def test_a_message_that_keeps_coming_back_ends_with_the_dead_and_its_neighbours_go_on(
    carrier: Carrier,
) -> None:
    carrier.feed().send([InMessage("json.test", b"poison", "p"), *numbered(3)])
    inbox = carrier.inbox()
    seen: list[Delivery] = []
    fine: list[bytes] = []
    for batch in inbox.batches(10, 0.05, after(5.0)):
        for delivery in batch:
            if delivery.body == b"poison":
                seen.append(delivery)
                inbox.reject(delivery)
            else:
                fine.append(delivery.body)
                inbox.ack([delivery])
        if len(seen) > LIMIT and len(fine) >= 3:
            break
    assert [d.deliveries_before for d in seen] == list(range(LIMIT + 1))
    assert sorted(fine) == [b"0", b"1", b"2"]
    assert take(inbox, 1, seconds=0.6) == [], "it is not delivered again"
    dead = carrier.dead()
    [buried] = take(dead, 1, seconds=5)
    assert buried.body == b"poison"
    dead.ack([buried])
    dead.close()
    inbox.close()


def test_a_large_body_arrives_whole(carrier: Carrier) -> None:
    body = bytes(range(256)) * 6_000
    assert carrier.feed().send([InMessage("x12.large", body, "large")]) == [True]
    inbox = carrier.inbox()
    [got] = take(inbox, 1)
    assert got.body == body
    inbox.ack([got])
    inbox.close()


def test_events_are_confirmed_and_come_out_in_order_under_their_own_ids(carrier: Carrier) -> None:
    heard = carrier.listen()
    events = [OutEvent(f"e-{n}", "case.opened", str(n).encode()) for n in range(500)]
    publisher = carrier.publisher()
    assert publisher.publish(events) == [True] * 500
    assert publisher.publish([]) == []
    assert heard()[:500] == [(e.event_id, e.body) for e in events]
    publisher.close()


def test_an_event_may_be_published_again_after_a_doubtful_end(carrier: Carrier) -> None:
    heard = carrier.listen()
    event = OutEvent("e-1", "case.opened", b"{}")
    publisher = carrier.publisher()
    assert publisher.publish([event]) == [True]
    assert publisher.publish([event, OutEvent("e-2", "case.closed", b"{}")]) == [True, True]
    assert {event_id for event_id, _ in heard()} == {"e-1", "e-2"}
    publisher.close()


def test_an_event_nobody_is_bound_to_is_confirmed(carrier: Carrier) -> None:
    publisher = carrier.publisher()
    assert publisher.publish([OutEvent("e-1", "case.opened", b"{}")]) == [True]
    publisher.close()


def test_a_lease_that_ran_out_gives_the_message_to_another_consumer(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/queue.db")
    store.upgrade()
    clock = [datetime(2026, 3, 14, tzinfo=UTC)]
    transport = EmbeddedTransport(EmbeddedQueue(store), lease_seconds=30, now=lambda: clock[0])
    transport.feed().send(numbered(1))
    killed, other = transport.inbox(), transport.inbox()
    [held] = take(killed, 1)
    assert take(other, 1, seconds=0.3) == []
    clock[0] += timedelta(seconds=31)
    [again] = take(other, 1)
    assert (again.body, again.redelivered) == (held.body, True)
    store.close()


def test_two_consumers_share_a_queue_and_each_message_goes_to_one(carrier: Carrier) -> None:
    carrier.feed().send(numbered(200))
    inboxes = [carrier.inbox(), carrier.inbox()]
    got: list[bytes] = []
    lock = threading.Lock()

    def consume(inbox: Inbox) -> None:
        for batch in inbox.batches(7, 0.01, lambda: len(got) >= 200):
            with lock:
                got.extend(d.body for d in batch)
            inbox.ack(batch)

    threads = [threading.Thread(target=consume, args=(inbox,)) for inbox in inboxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    for inbox in inboxes:
        inbox.close()
    assert sorted(got, key=int) == [str(n).encode() for n in range(200)]
