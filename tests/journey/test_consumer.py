"""For the on-call engineer: the consume loop under bugs, outages and dead letters, on both transports."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from adapters.transport import Delivery, InMessage, Stop, Transport
from schemas.errors import Unavailable
from schemas.facts import Item, Message
from service import answers
from service.app import App
from service.config import load
from service.consume import TRANSACTION_BYTES, Consumer, transactions
from service.intake import Intake
from service.logs import open_log
from tests.journey.stories import ripe

PATIENCE_SECONDS = 30.0
LIMIT = 3


class Rig:
    """A worker's loop in a thread of the test, over a real transport and a real store."""

    def __init__(self, app: App, transport: Transport, tmp_path: Path) -> None:
        self.app = app
        self.transport = transport
        self.stop = threading.Event()
        self.log_file = (tmp_path / "worker.log").open("w+")
        self.threads: list[threading.Thread] = []

    def work(self, intake: Intake) -> None:
        """Consume, and drain the dead letters, until stopped."""
        consumer = Consumer(intake, self.app.moment, open_log("worker", self.log_file), lambda receipts: None)
        for loop, inbox in (
            (consumer.consume, self.transport.inbox()),
            (consumer.drain_dead, self.transport.dead()),
        ):
            thread = threading.Thread(target=self._run, args=(loop, inbox), daemon=True)
            thread.start()
            self.threads.append(thread)

    def _run(self, loop: Callable[..., None], inbox: object) -> None:
        try:
            loop(inbox, 50, 0.02, self.stop)
        finally:
            inbox.close()  # type: ignore[attr-defined]

    def send(self, *bodies: bytes) -> None:
        """Publish and see it confirmed."""
        feed = self.transport.feed()
        assert all(feed.send([InMessage("json.rig", body) for body in bodies]))
        feed.close()

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(PATIENCE_SECONDS)
        self.log_file.close()

    def log(self) -> str:
        """Everything the loop logged."""
        self.log_file.flush()
        return Path(self.log_file.name).read_text()


@pytest.fixture(params=["embedded", "rabbitmq"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    environ = {"BATON_HOME": str(tmp_path), "BATON_DELIVERY_LIMIT": str(LIMIT), "BATON_SETTLING_SECONDS": "0"}
    if request.param == "rabbitmq":
        from adapters.rabbitmq import setup

        url = request.getfixturevalue("amqp_url")
        setup(url, delivery_limit=LIMIT)
        environ["BATON_AMQP_URL"] = url
    app = App(load(environ))
    app.store.upgrade()
    made = Rig(app, app.transport(), tmp_path)
    yield made
    made.end()
    app.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def bodies(account: str) -> list[bytes]:
    return [json.dumps(message).encode() for message in ripe(account)]


def test_a_message_that_crashes_its_reader_goes_alone_and_is_kept_for_a_person(rig: Rig) -> None:
    def read(message: Message) -> Iterator[Item]:
        if b"ZQCRASH" in message.body:
            raise RuntimeError("a bug that quotes ZQCANARY")
        return rig.app.read(message)

    crashing = json.dumps(ripe("A2")[0] | {"source": "ZQCRASH"}).encode()
    rig.work(Intake(rig.app.store, read, rig.app.read_large, rig.app.policy))
    rig.send(*bodies("A1")[:4], crashing, *bodies("A1")[4:])

    def parked() -> list[dict[str, object]]:
        with rig.app.store.read() as reader:
            return answers.parked(reader, 10)

    until(lambda: bool(parked()))
    assert [p["code"] for p in parked()] == ["delivery-limit"]
    with rig.app.store.read() as reader:
        assert answers.case(reader, reader.cases("open")[0].case.id)["amount"] == "142.17"
        assert reader.counts().messages == 8
    assert "RuntimeError" in rig.log()
    assert "ZQ" not in rig.log(), "an exception's text may quote a message"


def test_a_store_that_does_not_answer_for_a_while_loses_nothing(rig: Rig) -> None:
    failures = iter([True] * 4)

    class Failing(Intake):
        def receive(self, *arguments: object, **named: object) -> object:  # type: ignore[override]
            if next(failures, False):
                raise Unavailable("database-lost", "it went away")
            return super().receive(*arguments, **named)  # type: ignore[arg-type]

    rig.work(Failing(rig.app.store, rig.app.read, rig.app.read_large, rig.app.policy))
    rig.send(*bodies("A1"))

    def opened() -> bool:
        with rig.app.store.read() as reader:
            return bool(reader.cases("open"))

    until(opened)
    assert rig.log().count("store unavailable") == 4


def test_a_stop_in_the_middle_of_an_outage_acknowledges_nothing(rig: Rig) -> None:
    class Down(Intake):
        def receive(self, *arguments: object, **named: object) -> object:  # type: ignore[override]
            raise Unavailable("database-lost", "it went away")

    rig.work(Down(rig.app.store, rig.app.read, rig.app.read_large, rig.app.policy))
    rig.send(*bodies("A1"))
    until(lambda: "store unavailable" in rig.log())
    rig.stop.set()
    for thread in rig.threads:
        thread.join(PATIENCE_SECONDS)
    rig.stop.clear()
    rig.threads.clear()
    rig.work(rig.app.intake())

    def opened() -> bool:
        with rig.app.store.read() as reader:
            return bool(reader.cases("open"))

    until(opened)


def test_a_remittance_of_many_claims_over_one_mebibyte_goes_through_in_parts(rig: Rig) -> None:
    from tests.journey.test_intake import many_claims

    body = many_claims(3000)
    rig.work(rig.app.intake())
    feed = rig.transport.feed()
    assert feed.send([InMessage("x12.rig", body)]) == [True]
    feed.close()

    def accounts() -> int:
        with rig.app.store.read() as reader:
            counts = reader.counts()
        return counts.accounts if not counts.unread else 0

    until(lambda: accounts() == 3000)


def test_an_unknown_format_is_parked_with_a_reason(rig: Rig) -> None:
    rig.work(rig.app.intake())
    feed = rig.transport.feed()
    resource = b'{"resourceType": "Account"}'
    assert all(feed.send([InMessage("fax.rig", b"\x00\x01binary"), InMessage("fhir.rig", resource)]))
    feed.close()

    def codes() -> list[object]:
        with rig.app.store.read() as reader:
            return [p["code"] for p in answers.parked(reader, 10)]

    until(lambda: len(codes()) == 2)
    assert codes() == ["unknown-format", "account-missing"]


class OneBatch:
    """An inbox by hand: one batch, and a note of what was acknowledged and when."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self.batch = [Delivery(body, "json.rig", {}, "", False, n) for n, body in enumerate(bodies)]
        self.acked: list[list[object]] = []

    def batches(self, size: int, wait_seconds: float, stop: Stop) -> Iterator[list[Delivery]]:
        yield self.batch

    def ack(self, batch: Sequence[Delivery]) -> None:
        self.acked.append([delivery.tag for delivery in batch])

    def reject(self, delivery: Delivery) -> None:
        raise AssertionError("nothing here is a bug")

    def close(self) -> None:
        """Nothing to give back."""


def wide(account: str, bytes_each: int) -> list[bytes]:
    """Messages of one account, filled up with blanks."""
    return [body.ljust(bytes_each) for body in bodies(account)[:4]]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = App(load({"BATON_HOME": str(tmp_path), "BATON_SETTLING_SECONDS": "0"}))
    made.store.upgrade()
    yield made
    made.close()


def test_a_wide_batch_is_committed_and_acknowledged_in_parts(app: App) -> None:
    inbox = OneBatch(wide("A1", TRANSACTION_BYTES // 2))
    received: list[int] = []
    consumer = Consumer(app.intake(), app.moment, open_log("w"), lambda said: received.append(len(said)))
    consumer.consume(inbox, 50, 0.01, threading.Event())
    assert received == [2, 2]
    assert inbox.acked == [[0, 1], [2, 3]]


def test_a_part_that_was_not_committed_is_not_acknowledged_though_the_one_before_it_was(app: App) -> None:
    stop = threading.Event()
    inbox = OneBatch(wide("A1", TRANSACTION_BYTES // 2))

    def read(message: Message) -> Iterator[Item]:
        if message.body == inbox.batch[2].body:
            stop.set()
            raise Unavailable("database-unreachable", "the store is away")
        return app.read(message)

    intake = Intake(app.store, read, app.read_large, app.policy)
    Consumer(intake, app.moment, open_log("w"), lambda said: None).consume(inbox, 50, 0.01, stop)
    assert inbox.acked == [[0, 1]]
    with app.store.read() as reader:
        assert reader.counts().messages == 2


@pytest.mark.parametrize("sizes", [[], [1], [10] * 500, [2_000_000, 5, 5], [5, 2_000_000], [600_000] * 3])
def test_transactions_keep_every_delivery_in_its_order_and_within_the_bound(sizes: list[int]) -> None:
    batch = [Delivery(b" " * size, "json.rig", {}, "", False, n) for n, size in enumerate(sizes)]
    parts = list(transactions(batch))
    assert [d for part in parts for d in part] == batch
    assert all(len(part) == 1 or sum(len(d.body) for d in part) <= TRANSACTION_BYTES for part in parts)
    assert all(parts)
