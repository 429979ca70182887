"""What the queue tables promise the embedded transport: at least once, in order, counted, dead ones kept."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from adapters.store import EmbeddedQueue, QueuedEvent, Store

if TYPE_CHECKING:
    from tests.ports.conftest import Maker


def filled(store: Store, count: int) -> EmbeddedQueue:
    queue = store.queue()
    queue.publish_many([(f"json.f{n}", f"m{n}".encode(), {"n": n}) for n in range(count)])
    return queue


def test_messages_are_lent_in_order_with_what_came_with_them(store: Store, make: Maker) -> None:
    queue = filled(store, 3)
    queue.publish("x12.era", b"\x00\xff", None)
    lent = queue.lease(10, 30, make.now)
    assert [m.body for m in lent] == [b"m0", b"m1", b"m2", b"\x00\xff"]
    assert (lent[1].routing_key, lent[1].headers, lent[1].delivery_count) == ("json.f1", {"n": 1}, 1)
    assert lent[3].headers == {}
    assert queue.lease(10, 30, make.later(29)) == []
    assert queue.depth() == 4
    queue.ack([m.seq for m in lent])
    queue.ack([])
    assert queue.depth() == 0


def test_what_is_not_settled_comes_again_and_is_counted(store: Store, make: Maker) -> None:
    queue = filled(store, 2)
    first, second = queue.lease(2, 30, make.now)
    queue.release([second.seq])
    queue.release([])
    (again,) = queue.lease(2, 30, make.later(1))
    assert (again.seq, again.delivery_count) == (second.seq, 2)
    late = queue.lease(2, 30, make.later(30))
    assert [(m.seq, m.delivery_count) for m in late] == [(first.seq, 2)]


def test_dead_messages_are_kept_whole_and_leave_the_queue(store: Store, make: Maker) -> None:
    queue = filled(store, 3)
    first, second, third = queue.lease(3, 30, make.now)
    queue.dead_letter([second.seq], "delivery limit", make.now)
    queue.release([third.seq], requeue=False, now=make.now)
    queue.dead_letter([], "nothing", make.now)
    assert queue.depth() == 1
    assert queue.dead_depth() == 2
    assert [(m.routing_key, m.body, m.headers, m.delivery_count) for m in queue.dead()] == [
        ("json.f1", b"m1", {"n": 1}, 1),
        ("json.f2", b"m2", {"n": 2}, 1),
    ]
    assert first.seq not in [m.seq for m in queue.lease(10, 30, make.later(1))]


def test_a_settled_number_is_never_given_again(store: Store, make: Maker) -> None:
    queue = filled(store, 1)
    (first,) = queue.lease(1, 30, make.now)
    queue.ack([first.seq])
    queue.publish("json.f", b"next")
    queue.ack([first.seq])
    (second,) = queue.lease(1, 30, make.now)
    assert (second.body, second.seq > first.seq) == (b"next", True)


def test_two_consumers_never_hold_the_same_message(store: Store, make: Maker) -> None:
    queue = filled(store, 200)
    taken: list[int] = []

    def consume() -> None:
        while lent := queue.lease(7, 60, make.now):
            taken.extend(m.seq for m in lent)
            queue.ack([m.seq for m in lent])

    workers = [threading.Thread(target=consume) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    assert len(taken) == len(set(taken)) == 200
    assert queue.depth() == 0


def test_events_are_read_in_order_beyond_a_number(store: Store, make: Maker) -> None:
    queue = store.queue()
    events = [QueuedEvent(f"e{n}", "case.opened", b"{}", make.later(n), {"n": n}) for n in range(3)]
    queue.append_events(events[:2])
    queue.append_events(events[2:] + events[:1])
    everything = queue.read_events()
    assert [(e.event_id, e.published_at, e.headers) for e in everything[:3]] == [
        (e.event_id, e.published_at, e.headers) for e in events
    ]
    assert [e.event_id for e in queue.read_events(after=everything[1].seq, limit=2)] == ["e2", "e0"]
    assert queue.read_events(after=everything[-1].seq) == []
