"""A store full of accounts without an intake: for measuring what reads whole histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Final

from adapters import native
from adapters.store import Store
from adapters.store.rows import FactRow
from schemas.facts import AccountRef, AccountsMerged, Fact, Message
from service.bench.workload import STEPS, Step, Workload

AT_ONCE: Final = 1000
"""Accounts kept in one transaction."""

SPREAD_DAYS: Final = 90
"""Accounts began on so many different days."""


def fill(store: Store, workload: Workload, merged_every: int = 0) -> int:
    """Keep the facts of a workload's accounts as if they had been taken in; how many facts there are.

    The same workload gives the same facts. No decision is made and nothing is announced. Of every
    `merged_every` accounts the last was merged into the one before it; 0 for none.
    """
    # No secret depends on it: the same seed must give the same histories.
    random = Random(workload.seed)  # noqa: S311
    by_day = [replace(workload, today=workload.today - timedelta(days=n)) for n in range(SPREAD_DAYS)]
    heard_at = datetime.combine(workload.today, time(6), UTC)
    count = 0
    for first in range(0, workload.accounts, AT_ONCE):
        some = range(first, min(first + AT_ONCE, workload.accounts))
        told = {n: _facts(by_day[random.randrange(SPREAD_DAYS)], n, heard_at) for n in some}
        merged = [n for n in some if merged_every and n % merged_every == merged_every - 1 and n - 1 in told]
        for n in merged:
            told[n].append(_merge(workload, n, heard_at))
        count += _keep(store, workload, told, merged, heard_at)
    return count


def _ref(workload: Workload, number: int) -> AccountRef:
    return AccountRef("GEN", workload.account(number))


def _facts(workload: Workload, number: int, heard_at: datetime) -> list[Fact]:
    found = []
    for step in range(STEPS):
        for item in native.read(workload.body(Step(number, step)), feed="bench", received_at=heard_at):
            if isinstance(item, Fact):
                found.append(item)
    if len(found) != STEPS:
        raise AssertionError("every message of the workload states one thing")
    return found


def _merge(workload: Workload, number: int, heard_at: datetime) -> Fact:
    body = AccountsMerged(_ref(workload, number - 1))
    ref = _ref(workload, number)
    return Fact.of(ref, f"merge {ref.number}", heard_at - timedelta(days=1), body)


def _keep(
    store: Store, workload: Workload, told: dict[int, list[Fact]], merged: list[int], heard_at: datetime
) -> int:
    with store.write() as unit:
        body = f"{workload.prefix}{min(told)}".encode()
        message = Message.of(body, feed="bench", format="json", door="file", received_at=heard_at)
        (kept,) = unit.keep_messages([message])
        rows = unit.lock_accounts([_ref(workload, n) for n in told])
        ids = {n: rows[_ref(workload, n)].id for n in told}
        facts = [FactRow(f, ids[n], kept.seq, heard_at) for n in told for f in told[n]]
        unit.join_accounts({ids[at]: ids[n] for n in merged for at in (n - 1, n)})
        unit.add_facts(facts)
    return len(facts)
