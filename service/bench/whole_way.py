"""Baton end to end: messages published, real worker and relay processes, the last case event received."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.transport import INBOX_QUEUE
from service.bench import books, broker
from service.bench.children import Child, running
from service.bench.grounds import Grounds, Scene, StoreKind
from service.bench.remittances import Remittance
from service.bench.rows import Row, WrongAnswer
from service.bench.workload import Workload

READY_SECONDS: Final = 30.0
LONGEST_SECONDS: Final = 600.0
LOOK_SECONDS: Final = 0.2
X12_CLAIMS: Final = 50


@dataclass(frozen=True, slots=True)
class Passage:
    """One run of messages through Baton: seconds from the first one taken to the last event received."""

    seconds: float
    events: int
    case_events: int
    decisions: int
    worker_cpu_seconds: float
    relay_cpu_seconds: float
    repeated: int
    worker_rss_mb: float


def json_ahead(grounds: Grounds, kind: StoreKind, workload: Workload, workers: int) -> Row:
    """Messages published ahead, then taken in by so many workers."""
    scene = grounds.fresh_store(kind)
    broker.fill(scene.amqp_url, "json.bench", workload.bodies())
    listener = broker.Listener(scene.amqp_url)
    with running(workers, scene.settings, scene.folder) as parts:
        passage = _pass(scene, listener, parts, workload.expected().messages)
    listener.close()
    check(scene, listener, workload)
    plural = "s" if workers > 1 else ""
    what = f"Baton, JSON to case event, {workers} worker{plural}, published ahead"
    return _row(f"baton_json_{kind}_{workers}", what, kind, workload.expected().messages, passage)


def json_meanwhile(grounds: Grounds, kind: StoreKind, workload: Workload, workers: int) -> Row:
    """Messages published while they are taken in: producer, broker and Baton share the machine."""
    scene = grounds.fresh_store(kind)
    listener = broker.Listener(scene.amqp_url)
    rate: list[float] = []
    bodies = list(workload.bodies())
    with running(workers, scene.settings, scene.folder) as parts:
        wait_ready(scene, parts, workers)
        feeding = threading.Thread(
            target=lambda: rate.append(broker.fill(scene.amqp_url, "json.bench", bodies)[1]), daemon=True
        )
        feeding.start()
        passage = _pass(scene, listener, parts, len(bodies))
        feeding.join()
    listener.close()
    check(scene, listener, workload)
    row = _row(
        f"baton_json_{kind}_{workers}_meanwhile",
        f"Baton, JSON to case event, {workers} worker{'s' if workers > 1 else ''}, published meanwhile",
        kind,
        len(bodies),
        passage,
    )
    return Row.of(
        row.key, row.what, row.unit, row.rounds, n=row.n, store=kind,
        detail={**row.detail, "published_per_second": round(rate[0]) if rate else None},
    )  # fmt: skip


def x12(grounds: Grounds, kind: StoreKind, remittances: Sequence[Remittance], workers: int) -> Row:
    """835 files of fifty claims each, published ahead; the figure is claims a second."""
    scene = grounds.fresh_store(kind)
    broker.fill(scene.amqp_url, "x12.bench", (r.body() for r in remittances))
    listener = broker.Listener(scene.amqp_url)
    with running(workers, scene.settings, scene.folder) as parts:
        passage = _pass(scene, listener, parts, len(remittances))
    listener.close()
    claims = sum(r.claims for r in remittances)
    check_claims(scene, len(remittances), claims)
    return Row.of(
        f"baton_x12_{kind}_{workers}",
        f"Baton, 835 files of {remittances[0].claims} claims, {workers} worker{'s' if workers > 1 else ''}",
        "claims/s",
        [claims / passage.seconds],
        n=claims,
        store=kind,
        detail=_detail(passage),
    )


def remittances(workload_claims: int, workload: Workload) -> list[Remittance]:
    """Enough 835 files of fifty claims each, every claim of another account."""
    files = max(1, workload_claims // X12_CLAIMS)
    return [Remittance(X12_CLAIMS, workload.today, n * X12_CLAIMS) for n in range(files)]


def check(scene: Scene, listener: broker.Listener, workload: Workload) -> None:
    """See that the store holds what it must, and that every case event was received.

    Raises:
        WrongAnswer: something is missing or too much.
    """
    books.read(scene.database_url).check(workload.expected())
    received = {id for id, key in listener.keys.items() if key.startswith("case.")}
    if received != books.case_event_ids(scene.database_url):
        raise WrongAnswer("case-events-differ", "the case events received are not the case events stored")


def check_claims(scene: Scene, messages: int, claims: int) -> None:
    """See that every claim reached its account.

    Raises:
        WrongAnswer: one did not, or something was parked.
    """
    found = books.read(scene.database_url)
    if (found.messages, found.accounts, found.parked) != (messages, claims, 0):
        raise WrongAnswer(
            "wrong-result",
            f"messages, accounts, parked are {(found.messages, found.accounts, found.parked)} "
            f"and should be {(messages, claims, 0)}",
        )


def wait_ready(scene: Scene, parts: Iterable[Child], consumers: int) -> None:
    """Wait until the workers consume.

    Raises:
        ChildEnded: a part ended. WrongAnswer: they do not consume in time.
    """
    deadline = time.monotonic() + READY_SECONDS
    with broker.channel(scene.amqp_url) as ch:
        while ch.queue_declare(INBOX_QUEUE, passive=True).method.consumer_count < consumers:
            for part in parts:
                part.check()
            if time.monotonic() > deadline:
                raise WrongAnswer("not-ready", "the workers did not begin to consume in time")
            time.sleep(0.05)


def wait_settled(
    scene: Scene, listener: broker.Listener, parts: Sequence[Child], messages: int
) -> books.Books:
    """Receive events until so many messages are read and every event has come.

    Raises:
        ChildEnded: a part ended. WrongAnswer: it takes too long.
    """
    deadline = time.monotonic() + LONGEST_SECONDS
    while True:
        if listener.listen(LOOK_SECONDS):
            continue
        found = books.read(scene.database_url)
        if found.settled(messages):
            listener.listen(LOOK_SECONDS)
            return found
        for part in parts:
            part.check()
        if time.monotonic() > deadline:
            raise WrongAnswer("too-slow", f"only {found.finished} of {messages} messages were read in time")


def _pass(scene: Scene, listener: broker.Listener, parts: Sequence[Child], messages: int) -> Passage:
    found = wait_settled(scene, listener, parts, messages)
    workers = [part for part in parts if part.name != "relay"]
    return Passage(
        max(listener.last_at - found.first_at, 0.001),
        len(listener.came_at),
        found.case_events,
        found.decisions,
        sum(part.cpu_seconds for part in workers),
        sum(part.cpu_seconds for part in parts if part.name == "relay"),
        listener.repeated,
        max(part.rss_mb for part in workers),
    )


def _row(key: str, what: str, kind: StoreKind, messages: int, passage: Passage) -> Row:
    return Row.of(
        key, what, "messages/s", [messages / passage.seconds], n=messages, store=kind, detail=_detail(passage)
    )


def _detail(passage: Passage) -> dict[str, str | int | float | bool | None]:
    return {
        "seconds": round(passage.seconds, 3),
        "events": passage.events,
        "case_events": passage.case_events,
        "decisions": passage.decisions,
        "repeated_events": passage.repeated,
        "worker_cpu_seconds": round(passage.worker_cpu_seconds, 2),
        "relay_cpu_seconds": round(passage.relay_cpu_seconds, 2),
        "worker_rss_mb": round(passage.worker_rss_mb, 1),
    }
