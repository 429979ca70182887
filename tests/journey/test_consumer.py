"""For the on-call engineer: the consume loop under bugs, outages and dead letters, on both transports."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.transport import InMessage, Transport
from schemas.errors import Unavailable
from schemas.facts import Item, Message
from service import answers
from service.app import App
from service.config import load
from service.consume import Consumer
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
    environ = {"BATON_HOME": str(tmp_path), "BATON_DELIVERY_LIMIT": str(LIMIT)}
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
    assert all(feed.send([InMessage("fax.rig", b"\x00\x01binary"), InMessage("hl7v2.rig", b"MSH|^~\\&|")]))
    feed.close()

    def codes() -> list[object]:
        with rig.app.store.read() as reader:
            return [p["code"] for p in answers.parked(reader, 10)]

    until(lambda: len(codes()) == 2)
    assert codes() == ["unknown-format", "unsupported-format"]
