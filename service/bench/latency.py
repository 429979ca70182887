"""How long one message takes under light load: from the moment it is published to its case event received."""

from __future__ import annotations

import json
import threading
import time
from typing import Final

import pika

from adapters.transport import IN_EXCHANGE
from service.bench import broker
from service.bench.children import running
from service.bench.grounds import Grounds, StoreKind
from service.bench.rows import Row, WrongAnswer, percentile
from service.bench.whole_way import wait_ready, wait_settled
from service.bench.workload import CASE_EVERY, STEPS, Step, Workload

PATIENCE_SECONDS: Final = 20.0
WARM_UP: Final = 10
"""The first messages wake caches and prepared statements; they are sent, and not counted."""


def at_rates(grounds: Grounds, kind: StoreKind, workload: Workload, rates: dict[int, int]) -> list[Row]:
    """For each rate of messages a second, so many case openings, one message each; p50 and p99 in ms.

    Every account waits for its last statement only, so that each message opens one case.
    """
    scene = grounds.fresh_store(kind)
    count = sum(rates.values()) + WARM_UP * len(rates)
    numbers = range(0, count * CASE_EVERY, CASE_EVERY)
    ahead = [Step(number, step) for step in range(STEPS - 1) for number in numbers]
    broker.fill(scene.amqp_url, "json.bench", (workload.body(step) for step in ahead))
    listener = broker.Listener(scene.amqp_url)
    rows = []
    left = iter(numbers)
    with running(1, scene.settings, scene.folder) as parts:
        wait_ready(scene, parts, 1)
        wait_settled(scene, listener, parts, len(ahead))
        for rate, wanted in rates.items():
            bodies = {
                workload.account(n): workload.body(Step(n, STEPS - 1))
                for n, _ in zip(left, range(wanted + WARM_UP), strict=False)
            }
            rows.append(_one_rate(scene.amqp_url, listener, bodies, rate, kind))
    listener.close()
    return rows


def _one_rate(
    url: str, listener: broker.Listener, bodies: dict[str, bytes], rate: int, kind: StoreKind
) -> Row:
    sent: dict[str, float] = {}
    sending = threading.Thread(target=_send, args=(url, bodies, rate, sent), daemon=True)
    begun = time.monotonic()
    sending.start()
    opened: dict[str, float] = {}
    looked = len(listener.came_at)
    while len(opened) < len(bodies):
        listener.listen(0.1)
        ids = list(listener.came_at)[looked:]
        looked += len(ids)
        for id in ids:
            if listener.keys[id] == "case.opened":
                opened[json.loads(listener.bodies[id])["data"]["account"]["number"]] = listener.came_at[id]
        if time.monotonic() - begun > len(bodies) / rate + PATIENCE_SECONDS:
            raise WrongAnswer("case-events-missing", f"{len(opened)} of {len(bodies)} cases opened in time")
    sending.join()
    counted = list(bodies)[WARM_UP:]
    waits_ms = [1000 * (opened[account] - sent[account]) for account in counted]
    spent = sent[counted[-1]] - sent[counted[0]]
    return Row.of(
        f"latency_{kind}_{rate}",
        f"publish to case.opened received, {rate} messages/s: p50",
        "ms",
        [percentile(waits_ms, 50)],
        n=len(counted),
        store=kind,
        detail={
            "p50_ms": round(percentile(waits_ms, 50), 1),
            "p99_ms": round(percentile(waits_ms, 99), 1),
            "longest_ms": round(max(waits_ms), 1),
            "published_per_second": round((len(counted) - 1) / spent, 1) if spent else None,
        },
    )


def _send(url: str, bodies: dict[str, bytes], rate: int, sent: dict[str, float]) -> None:
    """Publish at an even pace; no confirm is waited for: a lost message would show as a missing case."""
    properties = pika.BasicProperties(delivery_mode=2)
    with broker.channel(url) as ch:
        begun = time.monotonic()
        for n, (account, body) in enumerate(bodies.items()):
            time.sleep(max(0.0, begun + n / rate - time.monotonic()))
            sent[account] = time.time()
            ch.basic_publish(IN_EXCHANGE, "json.bench", body, properties)
