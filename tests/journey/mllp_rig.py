"""A real MLLP listener over a real SQLite store, in this process, and plain sockets to it."""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adapters.mllp import Limits, Listener, frame
from schemas.errors import Unavailable
from service.app import App
from service.config import load
from service.logs import open_log
from service.mllp import Clerk
from service.receipts import Receipt
from service.refusing import Refusals

FEED = "adt"
SWIFT = Limits(header_seconds=0.6, message_seconds=1.5, least_rate=1024, stop_seconds=3.0)
"""The same limits as in service, in a twentieth of the time."""


def adt(account: str, control: str = "1", event: str = "ADT^A04", **header: str) -> bytes:
    """A small registration of one account; `msh15`, `msh16`, `version` fill the header."""
    version, msh15, msh16 = header.get("version", "2.5.1"), header.get("msh15", ""), header.get("msh16", "")
    return (
        f"MSH|^~\\&|PAS|GEN|BATON|GEN|20260401120000||{event}|{control}|P|{version}|||{msh15}|{msh16}\r"
        f"EVN|A04|20260401120000\rPID|1||M1||DOE^PAT|||||||||||||{account}\rPV1|1|O\r"
    ).encode()


@dataclass
class Rig:
    """A running listener: its address, its store, its log, and a switch that takes the store away."""

    app: App
    address: tuple[str, int]
    log: io.StringIO
    store_answers: threading.Event = field(default_factory=threading.Event)
    receipts: list[Receipt] = field(default_factory=list)
    transactions: list[int] = field(default_factory=list)

    def connect(self, seconds: float = 10.0) -> socket.socket:
        made = socket.create_connection(self.address, timeout=seconds)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def messages(self) -> int:
        with self.app.store.read() as reader:
            return reader.counts().messages

    def body_of(self, sha256: str) -> bytes | None:
        with self.app.store.read() as reader:
            record = reader.message(sha256, FEED)
            return reader.message_body(record.seq) if record is not None else None


def answer_on(connection: socket.socket) -> bytes:
    """One answer without its frame; empty when the listener closed instead."""
    got = b""
    while not got.endswith(b"\x1c\r"):
        try:
            data = connection.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            assert got == b"", "half an answer"
            return b""
        got += data
        if got.count(b"\x1c\r") > 1:
            raise AssertionError("more than one answer")
    return got[1:-2]


def told(connection: socket.socket, message: bytes) -> str:
    """Send a message; MSA-1 of its answer."""
    connection.sendall(frame(message))
    return code(answer_on(connection))


def code(answer: bytes) -> str:
    return answer.split(b"\rMSA|")[1][:2].decode() if b"\rMSA|" in answer else ""


def make_app(folder: Path, **settings: str) -> App:
    app = App(load({"BATON_HOME": str(folder)} | settings))
    app.store.upgrade()
    return app


@contextmanager
def listening(
    app: App,
    limits: Limits = SWIFT,
    context: ssl.SSLContext | None = None,
    patience_seconds: float = 15.0,
) -> Iterator[Rig]:
    """Run a listener until the end of the block; it must end by itself."""
    stop, ready, log = threading.Event(), threading.Event(), io.StringIO()
    rig = Rig(app, ("", 0), log)
    rig.store_answers.set()
    intake = app.intake()
    receive = intake.receive

    def switched(messages, moment):  # type: ignore[no-untyped-def]
        if not rig.store_answers.is_set():
            raise Unavailable("database-down", "it does not answer")
        rig.transactions.append(len(messages))
        return receive(messages, moment)

    intake.receive = switched  # type: ignore[method-assign]
    logger = open_log("mllp", log)
    refusals = Refusals(lambda: app.store, app.moment)
    clerk = Clerk(
        intake, app.store, app.moment, FEED, logger, rig.receipts.extend, patience_seconds, refusals
    )
    listener = Listener(clerk.take, clerk.refuse, logger.warning, limits, context)

    def started(host: str, port: int) -> None:
        rig.address = (host, port)
        ready.set()

    thread = threading.Thread(target=listener.serve, args=("127.0.0.1", 0, stop, started))
    thread.start()
    try:
        assert ready.wait(10)
        yield rig
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive(), "it stops"
        refusals.flush()


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
