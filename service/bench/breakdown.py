"""Where the microseconds of one message go: Baton's intake inside this process, under cProfile."""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.facts import Message
from service.app import App
from service.bench.grounds import Grounds, StoreKind
from service.bench.workload import Workload
from service.intake import Intake

BATCH: Final = 500

STAGES: Final[tuple[tuple[str, str, str], ...]] = (
    ("decode: JSON to facts", "adapters/native", "read"),
    ("keep messages", "store/intake", "keep_messages"),
    ("lock accounts", "store/intake", "lock_accounts"),
    ("load facts, read them again", "store/intake", "facts_of"),
    ("look for reused ids", "store/intake", "known_identities"),
    ("add facts", "store/intake", "add_facts"),
    ("fold", "core/account", "fold"),
    ("apportion", "core/responsibility", "apportion"),
    ("decide: ask every gate, seal", "service/core", "decide"),
    ("advance the case", "service/core", "advance"),
    ("write events", "service/posting", "_announcements"),
    ("write audit entries", "service/entries", "decided"),
    ("add decisions", "store/outcomes", "add_decisions"),
    ("save account heads", "store/outcomes", "save_accounts"),
    ("save cases", "store/outcomes", "save_cases"),
    ("add case events", "store/outcomes", "add_case_events"),
    ("add outbox rows", "store/outcomes", "add_outbox"),
    ("add audit rows", "store/audit", "add_audit"),
    ("note what was read", "store/intake", "finish_messages"),
    ("number, chain and write audit entries", "store/audit", "_seal_audit"),
    ("settle and commit", "store/session", "commit"),
)
"""What a stage is called, and the function whose time, with all it calls, is the stage's."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage's part: microseconds a message, and calls."""

    name: str
    microseconds: float
    calls: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """`total_microseconds` is a message's time without the profiler; stages are its shares of it.

    `slowest` lists the functions with the most time of their own, as text.
    """

    store: str
    messages: int
    total_microseconds: float
    stages: tuple[Stage, ...]
    slowest: tuple[str, ...]


def take_apart(grounds: Grounds, kind: StoreKind, workload: Workload) -> Breakdown:
    """Run a workload through the intake twice: once for its time, once for its shares."""
    bodies = list(workload.bodies())
    with grounds.fresh_store(kind).app() as app:
        begun = time.perf_counter()
        _take(app, bodies)
        total_us = 1e6 * (time.perf_counter() - begun) / len(bodies)
    profile = cProfile.Profile()
    with grounds.fresh_store(kind).app() as app:
        profile.enable()
        _take(app, bodies)
        profile.disable()
    stats = pstats.Stats(profile)
    return _read(stats, kind, len(bodies), total_us)


def _take(app: App, bodies: Sequence[bytes]) -> None:
    intake: Intake = app.intake()
    for at in range(0, len(bodies), BATCH):
        moment = app.moment()
        batch = [
            Message.of(body, feed="bench", format="json", door="rabbitmq", received_at=moment.now)
            for body in bodies[at : at + BATCH]
        ]
        intake.receive(batch, moment)


def _read(stats: pstats.Stats, kind: str, messages: int, total_us: float) -> Breakdown:
    profiled = stats.get_stats_profile()
    # The plain mapping behind pstats: (file, line, function) to calls, own and cumulative seconds.
    table: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = getattr(stats, "stats", {})
    scale = total_us / (profiled.total_tt or 1.0)
    found = []
    for name, file, function in STAGES:
        hits = [entry for (path, _, at), entry in table.items() if at == function and file in path]
        found.append(Stage(name, scale * sum(e[3] for e in hits), sum(e[1] for e in hits)))
    rest = total_us - sum(stage.microseconds for stage in found)
    found.append(Stage("everything else", rest, 0))
    own = sorted(table.items(), key=lambda item: -item[1][2])[:25]
    slowest = tuple(
        f"{scale * entry[2]:7.1f} µs {entry[1] / messages:8.1f} calls  "
        f"{'/'.join(path.split('/')[-2:])}:{line} {name}"
        for (path, line, name), entry in own
    )
    return Breakdown(kind, messages, total_us, tuple(found), slowest)
