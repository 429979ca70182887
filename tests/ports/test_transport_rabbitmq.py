"""For an on-call engineer: what the RabbitMQ transport does when connection, broker or set-up fail."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pika
import pytest

from adapters.nodes import RabbitNode
from adapters.nodes.keeper import free_port
from adapters.rabbitmq import RabbitEvents, RabbitFeed, RabbitInbox, check, setup
from adapters.transport import Delivery, InMessage, OutEvent
from schemas.errors import ConfigRefused, Unavailable

pytestmark = pytest.mark.broker

# A busy broker may take its time to see that a connection is gone and to hand its messages out again.
PATIENCE_SECONDS = 45


class Cable:
    """A TCP forwarder between a client and the broker that can be pulled."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self.cut_handshakes = 0
        port = self._listener.getsockname()[1]
        self.url = url.replace(f":{self._target.port}/", f":{port}/")
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            far = socket.create_connection((self._target.hostname, self._target.port))
            self._ends += [near, far]
            outward = self._pump
            if self.cut_handshakes:
                self.cut_handshakes -= 1
                outward = self._cut
            threading.Thread(target=outward, args=(near, far), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near), daemon=True).start()

    @staticmethod
    def _cut(source: socket.socket, sink: socket.socket) -> None:
        """Let the protocol header and the log-in through, then end: the vhost is never opened."""
        for _ in range(2):
            sink.sendall(source.recv(65536))
        source.recv(65536)
        for end in (source, sink):
            end.shutdown(socket.SHUT_RDWR)
            end.close()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while some := source.recv(65536):
                sink.sendall(some)
        except OSError:
            pass
        sink.close()

    def pull(self) -> None:
        ends, self._ends = self._ends, []
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def close(self) -> None:
        self._listener.close()
        self.pull()


@pytest.fixture
def cable(amqp_url: str) -> Iterator[Cable]:
    cable = Cable(amqp_url)
    yield cable
    cable.close()


def after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def first(inbox: RabbitInbox, seconds: float = 20.0) -> list[Delivery]:
    return next(inbox.batches(100, 0.05, after(seconds)), [])


def several(inbox: RabbitInbox, count: int) -> list[Delivery]:
    """The next `count` deliveries, not acknowledged; fewer when they do not come in time."""
    got: list[Delivery] = []
    for batch in inbox.batches(100, 0.05, after(PATIENCE_SECONDS)):
        got += batch
        if len(got) >= count:
            break
    return got


def numbered(count: int) -> list[InMessage]:
    return [InMessage("json.test", str(n).encode(), f"id-{n}") for n in range(count)]


def test_setup_may_be_repeated_and_check_agrees(amqp_url: str) -> None:
    setup(amqp_url)
    state = setup(amqp_url)
    assert state.product.startswith("RabbitMQ ")
    assert (state.waiting, state.dead) == (0, 0)
    assert check(amqp_url) == state


def test_check_before_setup_says_what_to_run(amqp_url: str) -> None:
    with pytest.raises(ConfigRefused, match="baton broker setup") as caught:
        check(amqp_url)
    assert caught.value.code == "broker-not-set-up"


def test_a_queue_with_other_properties_is_refused_by_name_and_property(amqp_url: str) -> None:
    setup(amqp_url, delivery_limit=7)
    with pytest.raises(ConfigRefused, match=r"baton\.inbox.*x-delivery-limit") as caught:
        setup(amqp_url)
    assert caught.value.code == "broker-topology-differs"


def test_an_exchange_of_another_kind_is_refused_by_name(amqp_url: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        connection.channel().exchange_declare("baton.in", "direct", durable=True)
    with pytest.raises(ConfigRefused, match=r"exchange baton\.in"):
        setup(amqp_url)


def test_a_broker_that_is_not_there_is_named_without_the_password() -> None:
    url = f"amqp://someone:hidden-word@127.0.0.1:{free_port()}/place"
    publisher = RabbitFeed(url, confirm_seconds=0.5)
    for attempt in (lambda: setup(url), lambda: publisher.send(numbered(1))):
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:\d+") as caught:
            attempt()
        assert "hidden-word" not in str(caught.value)
    publisher.close()


def test_a_wrong_password_is_for_the_operator_and_is_not_repeated(amqp_url: str) -> None:
    wrong = amqp_url.replace(str(urlsplit(amqp_url).password), "hidden-word")
    inbox = RabbitInbox(wrong)
    for attempt in (lambda: setup(wrong), lambda: first(inbox)):
        with pytest.raises(ConfigRefused, match="refused the user or password") as caught:
            attempt()
        assert "hidden-word" not in str(caught.value)
    inbox.close()


@pytest.mark.parametrize("url", ["", "broker", "http://somewhere/", "amqp://u:hidden-word@host:port/"])
def test_a_url_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigRefused, match="amqp://user:password@host:port/vhost") as caught:
        setup(url)
    assert "hidden-word" not in str(caught.value)


def test_an_inbox_on_a_broker_that_was_not_set_up_says_so(amqp_url: str) -> None:
    inbox = RabbitInbox(amqp_url)
    with pytest.raises(ConfigRefused, match="baton broker setup"):
        first(inbox)
    inbox.close()


def test_a_message_that_no_queue_is_bound_for_is_not_sent(amqp_url: str) -> None:
    setup(amqp_url)
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        connection.channel().queue_unbind("baton.inbox", "baton.in", "#")
        connection.channel().queue_bind("baton.inbox", "baton.in", "x12.*")
    feed = RabbitFeed(amqp_url)
    sent = feed.send([InMessage("x12.a", b"1"), InMessage("json.a", b"2"), InMessage("x12.a", b"3")])
    assert sent == [True, False, True]
    feed.close()


def test_an_event_nobody_is_bound_to_is_told_once_per_kind(amqp_url: str) -> None:
    setup(amqp_url)
    said: list[str] = []
    publisher = RabbitEvents(amqp_url, say=said.append)
    for n in range(3):
        events = [OutEvent(f"e-{n}", "case.opened", b"{}"), OutEvent(f"f-{n}", "case.closed", b"{}")]
        assert publisher.publish(events) == [True, True]
    publisher.close()
    assert len(said) == 2
    assert any("case.opened" in line for line in said)


def test_an_acknowledgement_after_a_lost_connection_is_harmless_and_the_message_returns(
    amqp_url: str, cable: Cable
) -> None:
    setup(amqp_url)
    feed = RabbitFeed(amqp_url)
    feed.send(numbered(3))
    said: list[str] = []
    inbox = RabbitInbox(cable.url, say=said.append)
    got = first(inbox)
    cable.pull()
    deadline = after(10)
    while not said and not deadline():
        time.sleep(0.02)
    inbox.ack(got)
    inbox.reject(got[0])
    back = several(inbox, 3)
    assert sorted(d.body for d in back) == [b"0", b"1", b"2"]
    inbox.ack(got)  # the numbers of the lost connection are in use again, for other deliveries
    inbox.close()
    other = RabbitInbox(amqp_url)
    assert len(several(other, 3)) == 3, "nothing was settled by the acknowledgement of something else"
    other.close()
    assert said and str(urlsplit(amqp_url).password) not in said[0]
    feed.close()


def test_a_publisher_goes_on_after_a_lost_connection_and_confirms_nothing_it_does_not_know(
    amqp_url: str, cable: Cable
) -> None:
    setup(amqp_url)
    feed = RabbitFeed(cable.url)
    messages = numbered(4000)
    sent: list[bool] = []
    timer = threading.Timer(0.05, cable.pull)
    timer.start()
    for begin in range(0, len(messages), 500):
        sent += feed.send(messages[begin : begin + 500])
    timer.join()
    missing = [m for m, ok in zip(messages, sent, strict=True) if not ok]
    while missing:
        missing = [m for m, ok in zip(missing, feed.send(missing), strict=True) if not ok]
    inbox = RabbitInbox(amqp_url)
    seen: set[bytes] = set()
    for batch in inbox.batches(500, 0.05, after(20)):
        seen |= {d.body for d in batch}
        inbox.ack(batch)
        if len(seen) == len(messages):
            break
    assert len(seen) == len(messages)
    inbox.close()
    feed.close()


def test_a_connection_cut_in_its_first_handshake_is_tried_again_and_not_taken_for_a_refusal(
    amqp_url: str, cable: Cable
) -> None:
    setup(amqp_url)
    cable.cut_handshakes = 2
    feed = RabbitFeed(cable.url)
    assert feed.send(numbered(3)) == [True] * 3
    feed.close()


def test_heartbeats_go_on_while_the_consumer_is_busy(amqp_url: str) -> None:
    setup(amqp_url)
    feed = RabbitFeed(amqp_url)
    feed.send(numbered(1))
    said: list[str] = []
    inbox = RabbitInbox(amqp_url + "?heartbeat=1", say=said.append)
    got = first(inbox)
    time.sleep(4)  # longer than the broker waits for two missed heartbeats
    inbox.ack(got)
    inbox.close()
    feed.close()
    assert not said
    assert check(amqp_url).waiting == 0


def test_a_crash_loop_ends_with_the_message_that_causes_it_and_spares_its_neighbours(amqp_url: str) -> None:
    setup(amqp_url, delivery_limit=6)
    feed = RabbitFeed(amqp_url)
    feed.send([InMessage("json.test", b"poison", "p"), *numbered(20)])
    done: set[bytes] = set()
    crashes = 0
    late = after(2 * PATIENCE_SECONDS)
    while crashes < 20 and not check(amqp_url).dead:
        assert not late(), "the message neither came back nor died"
        inbox = RabbitInbox(amqp_url)
        for batch in inbox.batches(50, 0.05, lambda: late() or bool(check(amqp_url).dead)):
            if any(d.body == b"poison" for d in batch):
                time.sleep(0.1)  # the prefetched neighbours arrive, as they would behind a real one
                crashes += 1
                break
            inbox.ack(batch)
            done |= {d.body for d in batch}
        inbox.close()
    rest = RabbitInbox(amqp_url)
    done |= {d.body for batch in rest.batches(50, 0.05, after(1.0)) for d in batch}
    rest.close()
    assert len(done) == 20
    assert crashes == 7, "once, and again up to the limit"
    dead = RabbitInbox(amqp_url, queue="baton.dead")
    assert [d.body for d in first(dead)] == [b"poison"]
    dead.close()
    feed.close()


@pytest.mark.chaos
def test_a_killed_broker_loses_nothing_that_was_confirmed_and_the_same_ends_go_on(
    own_rabbit: RabbitNode,
) -> None:
    setup(own_rabbit.url)
    own_rabbit.restart()  # a fresh quorum queue is not yet what it will be: see RabbitNode.restart
    feed, inbox = RabbitFeed(own_rabbit.url, confirm_seconds=60), RabbitInbox(own_rabbit.url)
    confirmed: set[bytes] = set()
    seen: set[bytes] = set()
    enough = threading.Event()

    def consume() -> None:
        for batch in inbox.batches(200, 0.05, enough.is_set):
            seen.update(d.body for d in batch)
            inbox.ack(batch)

    consumer = threading.Thread(target=consume)
    consumer.start()

    def send(begin: int) -> None:
        messages = [InMessage("json.test", str(n).encode()) for n in range(begin, begin + 200)]
        confirmed.update(m.body for m, ok in zip(messages, feed.send(messages), strict=True) if ok)

    def kill_and_start() -> None:
        own_rabbit.kill()
        own_rabbit.start()

    accident = threading.Timer(0.3, kill_and_start)
    accident.start()
    begin = 0
    while accident.is_alive() or begin < 8000:
        send(begin)
        begin += 200
    accident.join()
    send(begin)
    assert len(confirmed) >= 4200
    deadline = after(30)
    while not confirmed <= seen and not deadline():
        time.sleep(0.05)
    enough.set()
    consumer.join(10)
    inbox.close()
    feed.close()
    assert confirmed <= seen
