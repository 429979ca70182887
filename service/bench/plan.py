"""What is measured, in which order and how much of it; what does not fit into the time is left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from schemas.errors import BatonError
from service.bench import latency, limits, memory, naive, whole_way
from service.bench.grounds import Grounds, StoreKind
from service.bench.rows import Row, WrongAnswer
from service.bench.workload import Workload

QUICK_SECONDS: Final = 100.0
"""When the last part of a quick run must have ended; stopping the nodes takes the rest of two minutes."""

OUT_OF_TIME: Final = "out of time: left out of a quick run; run without --quick"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of each; messages unless said otherwise. `latency` is messages a second to how many."""

    raw: int
    plumbing: int
    core: int
    baton: int
    claims: int
    latency: dict[int, int]
    ingest_mb: tuple[int, ...]
    rounds: int

    def at_most(self, messages: int) -> Sizes:
        """The same, with nothing above so many messages; a small run reads small files."""
        return replace(
            self,
            raw=min(self.raw, messages),
            plumbing=min(self.plumbing, messages),
            core=min(self.core, messages),
            baton=messages,
            claims=min(self.claims, messages),
            latency={rate: min(count, max(1, messages // 7)) for rate, count in self.latency.items()},
            ingest_mb=self.ingest_mb if messages >= 1000 else (1, 2),
        )


QUICK: Final = Sizes(5_600, 280, 210, 5_600, 2_000, {50: 100, 200: 300}, (5, 20), 3)
FULL: Final = Sizes(20_000, 3_000, 2_100, 35_000, 25_000, {50: 1_000, 200: 2_000}, (5, 20, 100), 3)


@dataclass(frozen=True, slots=True)
class Part:
    """One measurement to come: `expected_seconds` is what it took on two slow cores."""

    key: str
    title: str
    store: str
    unit: str
    expected_seconds: float
    measure: Callable[[], Sequence[Row]]


@dataclass(slots=True)
class Outcome:
    """The rows so far, and what was wrong rather than slow."""

    rows: list[Row]
    wrong: list[str]


def parts(grounds: Grounds, stores: Sequence[StoreKind], sizes: Sizes, workload: Workload) -> Iterator[Part]:
    """Everything in the order of its weight: what an out-of-time run loses first comes last."""
    yield Part("raw_consume", "raw consume", "", "messages/s", 8, _raw_consume(grounds, sizes, workload))
    for store in stores:
        writes = _raw_writes(grounds, store, sizes, workload)
        yield Part(f"raw_write_{store}", "raw writes", store, "messages/s", 6, writes)
    for store in stores:
        pipe = _plumbing(grounds, store, sizes, workload)
        yield Part(f"naive_plumbing_{store}", "naive, plumbing alone", store, "messages/s", 3, pipe)
        whole = _naive_core(grounds, store, sizes, workload)
        yield Part(f"naive_core_json_{store}", "naive, with Baton's work", store, "messages/s", 6, whole)
    for workers in (1, 2):
        title = "Baton, 1 worker" if workers == 1 else f"Baton, {workers} workers"
        for store in stores:
            run = _json(grounds, store, sizes, workload, workers)
            yield Part(f"baton_json_{store}_{workers}", title, store, "messages/s", 9, run)
    for store in stores:
        files = _x12(grounds, store, sizes, workload)
        yield Part(f"baton_x12_{store}_1", "835 files", store, "claims/s", 9, files)
    yield from _beside_speed(grounds, stores, sizes, workload)


def _beside_speed(
    grounds: Grounds, stores: Sequence[StoreKind], sizes: Sizes, workload: Workload
) -> Iterator[Part]:
    """Latency and memory, on production's store where there is one; and the busy producer."""
    store = stores[-1]
    waits = _latency(grounds, store, sizes, workload)
    yield Part(f"latency_{store}", "latency at light load", store, "ms", 14, waits)
    for megabytes in sizes.ingest_mb:
        file = _ingest(grounds, megabytes, workload)
        yield Part(
            f"ingest_rss_{megabytes}mb", f"ingest, {megabytes} MB", "sqlite", "MiB", 1 + 0.5 * megabytes, file
        )
    resident = _worker_memory(grounds, store, sizes, workload)
    yield Part("worker_rss", "worker's memory", store, "MiB", 14, resident)
    for kind in stores[-1:]:
        busy = _meanwhile(grounds, kind, sizes, workload)
        key = f"baton_json_{kind}_1_meanwhile"
        yield Part(key, "Baton, published meanwhile", kind, "messages/s", 10, busy)


def measure(
    parts: Sequence[Part], deadline: float | None, told: Callable[[int, Part, Sequence[Row]], None]
) -> Outcome:
    """Measure part after part; `deadline` is on the monotonic clock, None for no hurry.

    `told` hears of each part twice: before it begins with no rows, and after it with what it gave.
    """
    outcome = Outcome([], [])
    pace = Pace()
    for number, part in enumerate(parts):
        told(number, part, ())
        if deadline is not None and time.monotonic() + pace.forecast(part) > deadline:
            rows: Sequence[Row] = [
                Row.without(part.key, part.title, part.unit, OUT_OF_TIME, store=part.store)
            ]
        else:
            begun = time.monotonic()
            rows = _measured(part, outcome)
            pace.note(part, time.monotonic() - begun)
        outcome.rows += rows
        told(number, part, rows)
    return outcome


@dataclass(slots=True)
class Pace:
    """How this machine, as busy as it is now, keeps up with what parts were expected to take."""

    expected: float = 0.0
    took: float = 0.0

    def note(self, part: Part, seconds: float) -> None:
        """A part has ended; older ones count for less, since a machine's load changes."""
        self.expected = self.expected / 2 + part.expected_seconds
        self.took = self.took / 2 + seconds

    def forecast(self, part: Part) -> float:
        """Seconds a part will take; never less than half of what was expected."""
        slowness = self.took / self.expected if self.expected else 1.0
        return part.expected_seconds * max(0.5, slowness)


def _measured(part: Part, outcome: Outcome) -> Sequence[Row]:
    try:
        return part.measure()
    except (BatonError, TimeoutError) as error:
        why = str(error)
        if isinstance(error, WrongAnswer):
            why = f"wrong answer: {why}"
        outcome.wrong.append(f"{part.title} {part.store}: {why}")
        return [Row.without(part.key, part.title, part.unit, why, store=part.store)]


Measure = Callable[[], Sequence[Row]]


def _raw_consume(grounds: Grounds, sizes: Sizes, workload: Workload) -> Measure:
    return lambda: [limits.consume(grounds.amqp_url, workload, sizes.raw, sizes.rounds)]


def _raw_writes(grounds: Grounds, store: StoreKind, sizes: Sizes, workload: Workload) -> Measure:
    few = replace(workload, wanted=sizes.raw)

    def run() -> list[Row]:
        if store == "sqlite":
            folder = grounds.fresh_folder()
            return [limits.sqlite_writes(folder, few, per, sizes.rounds) for per in (200, 500)]
        url = grounds.fresh_schema()
        return [
            limits.postgres_writes(url, few, 200, sizes.rounds, arrays=False),
            *(limits.postgres_writes(url, few, per, sizes.rounds) for per in (200, 500)),
        ]

    return run


def _plumbing(grounds: Grounds, store: StoreKind, sizes: Sizes, workload: Workload) -> Measure:
    return lambda: [naive.plumbing(grounds, store, list(islice(workload.bodies(), sizes.plumbing)))]


def _naive_core(grounds: Grounds, store: StoreKind, sizes: Sizes, workload: Workload) -> Measure:
    few = replace(workload, wanted=sizes.core)

    def run() -> list[Row]:
        row, found = naive.with_core(grounds, store, list(few.bodies()))
        found.check(few.expected())
        return [row]

    return run


def _json(grounds: Grounds, store: StoreKind, sizes: Sizes, workload: Workload, workers: int) -> Measure:
    return lambda: [whole_way.json_ahead(grounds, store, replace(workload, wanted=sizes.baton), workers)]


def _meanwhile(grounds: Grounds, store: StoreKind, sizes: Sizes, workload: Workload) -> Measure:
    return lambda: [whole_way.json_meanwhile(grounds, store, replace(workload, wanted=sizes.baton), 1)]


def _x12(grounds: Grounds, store: StoreKind, sizes: Sizes, workload: Workload) -> Measure:
    def run() -> list[Row]:
        files = whole_way.remittances(sizes.claims, workload)
        few = [r.body() for r in files[: max(1, len(files) // 5)]]
        naive_row, _ = naive.with_core(grounds, store, few, "x12", whole_way.X12_CLAIMS)
        return [naive_row, whole_way.x12(grounds, store, files, 1)]

    return run


def _latency(grounds: Grounds, store: StoreKind, sizes: Sizes, workload: Workload) -> Measure:
    return lambda: latency.at_rates(grounds, store, workload, sizes.latency)


def _ingest(grounds: Grounds, megabytes: int, workload: Workload) -> Measure:
    return lambda: memory.of_ingest(grounds, workload, megabytes)


def _worker_memory(grounds: Grounds, store: StoreKind, sizes: Sizes, workload: Workload) -> Measure:
    return lambda: memory.of_worker(grounds, store, replace(workload, wanted=max(7, sizes.baton // 4)))
