"""What a draft policy would have done over the stored history; nothing is changed by asking.

Accounts are read in ranges, each in a read-only transaction of its own, by as many processes as there are
cores; what is kept of an account is a line for a sum, and a row only where the two policies differ.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from adapters.store import Store
from schemas.errors import ConfigRefused
from schemas.facts import AccountRef, ClaimAdjudicated, CoverageListed, Fact, StatementSent
from service.app import compile_rule
from service.core import Policy, parse_policy
from service.core.side_by_side import Course, SideBySide

RANGE: Final = 500
"""Accounts read in one transaction."""

SCHEDULER_SECONDS: Final = 10
"""How long a cluster's scheduler may take to answer."""

MOST_ROWS: Final = 1_000_000
"""Accounts that differ of which a row is kept; the sums count every one."""

SELF_PAY: Final = "self-pay"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: the packs in force and the draft, as file name to text; up to which day; known by when;
    and where it is that day, as the name of a time zone."""

    url: str
    base: Mapping[str, str]
    draft: Mapping[str, str]
    until: date
    known_at: datetime
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Moved:
    """An account that the two policies treat otherwise, on the last day or at any time before.

    `move` is `enters` or `leaves` (the draft has a case, or has none, where the policy in force has not, or
    has one), `changes` (both have one, for another amount), `earlier` or `later` (both have one, from another
    day), `before` (only the time before the last day differs). `cents` is what the draft adds to the total.
    """

    account: AccountRef
    move: str
    cents: int
    gates: tuple[str, ...]
    payer: str
    base_opened_on: date | None
    draft_opened_on: date | None


@dataclass(slots=True)
class Sums:
    """Counted accounts and their cents."""

    accounts: int = 0
    cents: int = 0

    def add(self, cents: int, accounts: int = 1) -> None:
        """Count more."""
        self.accounts += accounts
        self.cents += cents


@dataclass(slots=True)
class Found:
    """What a backtest found. `base` and `draft` are the cases open on the last day; their difference is what
    enters less what leaves plus what changes, always. Of those `seen`, `joined` were named by a merge."""

    seen: int = 0
    joined: int = 0
    base: Sums = field(default_factory=Sums)
    draft: Sums = field(default_factory=Sums)
    moves: dict[str, Sums] = field(default_factory=dict)
    by: dict[tuple[str, str, str], Sums] = field(default_factory=dict)
    rows: list[Moved] = field(default_factory=list)

    def take(self, other: Found) -> None:
        """Add another part of the answer."""
        self.seen += other.seen
        self.joined += other.joined
        self.base.add(other.base.cents, other.base.accounts)
        self.draft.add(other.draft.cents, other.draft.accounts)
        for move, sums in other.moves.items():
            self.moves.setdefault(move, Sums()).add(sums.cents, sums.accounts)
        for key, sums in other.by.items():
            self.by.setdefault(key, Sums()).add(sums.cents, sums.accounts)
        self.rows += other.rows[: MOST_ROWS - len(self.rows)]

    def note(self, ref: AccountRef, facts: list[Fact], base: Course, draft: Course) -> None:
        """Count one account."""
        self.seen += 1
        if base.is_open:
            self.base.add(base.net_cents)
        if draft.is_open:
            self.draft.add(draft.net_cents)
        move, cents, gates = _move(base, draft)
        if not move:
            return
        self.moves.setdefault(move, Sums()).add(cents)
        payer = first_payer(facts)
        for kind, name in (("gate", "+".join(gates) or "none"), ("facility", ref.facility), ("payer", payer)):
            self.by.setdefault((kind, name, move), Sums()).add(cents)
        self.rows.append(Moved(ref, move, cents, gates, payer, _opened(base), _opened(draft)))


def _move(base: Course, draft: Course) -> tuple[str, int, tuple[str, ...]]:
    """What the draft does to an account, the cents it adds to the total, and the gates that make it so."""
    if draft.is_open and not base.is_open:
        return "enters", draft.net_cents, base.binding
    if base.is_open and not draft.is_open:
        return "leaves", -base.net_cents, draft.binding
    if base.is_open and draft.is_open and base.net_cents != draft.net_cents:
        return "changes", draft.net_cents - base.net_cents, ()
    if base.spells == draft.spells:
        return "", 0, ()
    if base.is_open:
        earlier = draft.spells[-1].opened_on < base.spells[-1].opened_on
        return ("earlier", 0, base.binding) if earlier else ("later", 0, draft.binding)
    return "before", 0, base.binding or draft.binding


def _opened(course: Course) -> date | None:
    """The day the newest case opened; None when there was none."""
    return course.spells[-1].opened_on if course.spells else None


def first_payer(facts: list[Fact]) -> str:
    """The payer an account is counted under: the first of the coverage list, else who decided."""
    for fact in facts:
        if isinstance(fact.body, CoverageListed) and fact.body.coverages:
            return min(fact.body.coverages, key=lambda c: c.order).payer.id
    decided = [f.body.payer.id for f in facts if isinstance(f.body, ClaimAdjudicated)]
    return decided[0] if decided else SELF_PAY


def _policy(texts: Mapping[str, str]) -> Policy:
    return parse_policy(texts, compile_rule)


class _Worker:
    """One process: its own connection, its own reading of both policies."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._store = Store.open(asked.url, connections=1)
        self._both = SideBySide(_policy(asked.base), _policy(asked.draft), ZoneInfo(asked.timezone))

    def count(self, first: int) -> Found:
        """One range of accounts.

        Statements are read first: whoever was not sent enough of them is in neither policy's collections, and
        the rest of that account is not read. Accounts that a merge names are walked with the facts of all.
        """
        found, last = Found(), first + RANGE - 1
        with self._store.read() as reader:
            sent = reader.statements(first, last, self.asked.known_at)
            first_day, until = self._both.first_day, self.asked.until
            worth = [id for id, (_, stated) in sent.items() if first_day(stated, until) is not None]
            found.seen = len(sent) - len(worth)
            for id, facts in reader.histories(worth, self.asked.known_at).items():
                self._walk(found, sent[id][0], facts)
            for group in reader.groups(first, last):
                told = reader.histories(group, self.asked.known_at)
                facts = [fact for id in sorted(told) for fact in told[id]]
                if any(isinstance(fact.body, StatementSent) for fact in facts):
                    found.joined += len(group)
                    for ref in group.values():
                        self._walk(found, ref, facts)
        return found

    def _walk(self, found: Found, ref: AccountRef, facts: list[Fact]) -> None:
        found.note(ref, facts, *self._both.walk(facts, ref, self.asked.until))

    def close(self) -> None:
        """Let the database go."""
        self._store.close()


_worker: _Worker | None = None


def _begin(asked: Asked) -> None:
    global _worker
    _worker = _Worker(asked)


def _count(first: int) -> Found:
    if _worker is None:
        raise AssertionError("a worker begins before it counts")
    return _worker.count(first)


def _count_for(asked: Asked, first: int) -> Found:
    """One range of accounts, on a machine of a cluster: the first range begins its worker."""
    if _worker is None or _worker.asked != asked:
        _begin(asked)
    return _count(first)


def backtest(
    asked: Asked,
    processes: int | None = None,
    progress: Callable[[int, int], None] = lambda done, all: None,
    scheduler: str | None = None,
) -> Found:
    """Walk every account that a statement went to under both policies; `progress` hears ranges done and all.

    With a `scheduler` (its address), the ranges go to the workers of that Dask cluster instead of processes
    here; they must reach the database under the same URL.

    Raises:
        PolicyRefused: a policy that does not hold together. Unavailable: the store does not answer.
        ConfigRefused: `no-cluster`: Dask is not installed, or no scheduler answers.
    """
    _policy(asked.base)
    _policy(asked.draft)
    store = Store.open(asked.url, connections=1)
    try:
        with store.read() as reader:
            last = reader.last_account()
    finally:
        store.close()
    ranges = range(1, last + 1, RANGE)
    total = Found()
    parts = (
        _parts(asked, ranges, processes or os.cpu_count() or 1)
        if scheduler is None
        else _parts_of_cluster(asked, ranges, scheduler)
    )
    for done, part in enumerate(parts, 1):
        total.take(part)
        progress(done, len(ranges))
    total.rows.sort(key=lambda row: (row.move, row.account))
    return total


def _parts(asked: Asked, ranges: range, processes: int) -> Iterator[Found]:
    processes = min(processes, len(ranges))
    if processes <= 1:
        worker = _Worker(asked)
        try:
            yield from map(worker.count, ranges)
        finally:
            worker.close()
        return
    # Spawned, never forked: a connection or a lock must not be shared by two processes.
    with multiprocessing.get_context("spawn").Pool(processes, _begin, (asked,)) as pool:
        yield from pool.imap_unordered(_count, ranges)


def _parts_of_cluster(asked: Asked, ranges: range, scheduler: str) -> Iterator[Found]:
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ConfigRefused(
            "no-cluster",
            "Dask is not installed here: pip install baton-handoff[cluster]",
            where="--scheduler",
        ) from None
    _knock(scheduler)
    with Client(scheduler, timeout=SCHEDULER_SECONDS, set_as_default=False) as client:
        futures = client.map(partial(_count_for, asked), ranges, pure=False)
        for _, part in as_completed(futures, loop=client.loop, with_results=True):
            yield part


def _knock(scheduler: str) -> None:
    """See that something listens: the client itself says it at length."""
    parts = urlsplit(scheduler if "://" in scheduler else f"tcp://{scheduler}")
    try:
        if not parts.hostname or not parts.port:
            raise ValueError
        socket.create_connection((parts.hostname, parts.port), timeout=SCHEDULER_SECONDS).close()
    except (OSError, ValueError):
        raise ConfigRefused(
            "no-cluster", "no Dask scheduler answers there; write tcp://HOST:PORT", where="--scheduler"
        ) from None
