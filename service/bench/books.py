"""What a store holds after a run, counted by plain SQL: the check that a fast answer is a right one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg

from service.bench.rows import WrongAnswer
from service.bench.workload import Expected

SQLITE: Final = "sqlite:///"

COUNTS: Final = (
    "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM reading), (SELECT count(*) FROM account),"
    " (SELECT count(*) FROM collections_case WHERE status = 'open'),"
    " (SELECT coalesce(sum(amount_cents), 0) FROM collections_case WHERE status = 'open'),"
    " (SELECT count(*) FROM parked), (SELECT count(*) FROM outbox), (SELECT count(*) FROM case_event),"
    " (SELECT count(*) FROM decision), (SELECT min(received_at) FROM message)"
)


@dataclass(frozen=True, slots=True)
class Books:
    """Counts of one store at one moment; `first_at` is when the first message was taken."""

    messages: int
    finished: int
    accounts: int
    cases: int
    case_cents: int
    parked: int
    outbox: int
    case_events: int
    decisions: int
    first_at: float

    def settled(self, messages: int) -> bool:
        """Whether so many messages are read to their end and every event has gone out."""
        return self.finished >= messages and self.outbox == 0

    def check(self, expected: Expected) -> None:
        """Hold the counts against what must be there.

        Raises:
            WrongAnswer: they differ.
        """
        found = (self.messages, self.accounts, self.cases, self.case_cents, self.parked)
        wanted = (expected.messages, expected.accounts, expected.cases, expected.case_cents, 0)
        if found != wanted:
            names = "messages, accounts, open cases, their cents, parked"
            raise WrongAnswer("wrong-result", f"{names} are {found} and should be {wanted}")


def read(url: str) -> Books:
    """Count."""
    with asking(url) as ask:
        found = ask(COUNTS)[0]
    first = found[9]
    if isinstance(first, str):
        first = datetime.fromisoformat(first)
    return Books(
        found[0], found[1], found[2], found[3], int(found[4]), found[5], found[6], found[7], found[8],
        first.timestamp() if first else 0.0,
    )  # fmt: skip


def case_event_ids(url: str) -> set[str]:
    """The ids of every case event that ever was."""
    with asking(url) as ask:
        return {id for (id,) in ask("SELECT id FROM case_event")}


@contextmanager
def asking(url: str) -> Iterator[Any]:
    """A function from SQL to rows, on a connection of its own."""
    if url.startswith(SQLITE):
        with closing(sqlite3.connect(url.removeprefix(SQLITE), timeout=30)) as db:
            yield lambda sql: db.execute(sql).fetchall()
    else:
        with psycopg.connect(url, autocommit=True) as server:
            yield lambda sql: server.execute(sql).fetchall()
