"""Stores to hold against one suite: SQLite and PostgreSQL, each test with an empty one of its own."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from adapters.store import AccountRow, DecisionRow, FactRow, Store, Unit
from schemas.canonical import digest
from schemas.cases import Case
from schemas.facts import AccountRef, ChargePosted, Fact, LargeMessage, Message

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables and nothing in them."""
    path = tmp_path_factory.mktemp("migrated") / "baton.db"
    store = Store.open(f"sqlite:///{path}")
    store.upgrade()
    store.close()
    return path


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres")
    return fresh()


@pytest.fixture(params=BOTH)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with all tables and nothing in them."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "baton.db")
        return f"sqlite:///{tmp_path}/baton.db"
    fresh: Callable[[], str] = request.getfixturevalue("migrated_postgres")
    return fresh()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open, empty store."""
    opened = Store.open(store_url)
    yield opened
    opened.close()


class Maker:
    """Makes records that differ from each other in everything that has to be unique."""

    now = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
    today = date(2026, 3, 1)

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def later(self, seconds: int) -> datetime:
        return self.now + timedelta(seconds=seconds)

    def ref(self, facility: str = "GEN") -> AccountRef:
        return AccountRef(facility, f"A{next(self._numbers)}")

    def message(self, body: bytes | None = None, feed: str = "billing") -> Message:
        text = body if body is not None else f"message {next(self._numbers)}".encode()
        return Message.of(text, feed=feed, format="json", door="http", received_at=self.now)

    def large(self, chunks: list[bytes], feed: str = "clearinghouse") -> LargeMessage:
        whole = b"".join(chunks)
        return LargeMessage(digest(whole), len(whole), feed, "x12", "file", self.now, lambda: iter(chunks))

    def fact(self, ref: AccountRef | None, cents: int = 100, identity: str | None = None) -> Fact:
        number = next(self._numbers)
        body = ChargePosted(f"C{number}", cents, self.today)
        return Fact.of(
            ref, f"charge.posted|C{number}", self.now, body, identity=identity, where=f"$[{number}]"
        )

    def fact_row(self, fact: Fact, account: AccountRow | None, message_seq: int) -> FactRow:
        return FactRow(fact, account.id if account else None, message_seq, self.now)

    def decision(self, account: AccountRow, decided_at: datetime | None = None) -> DecisionRow:
        content = f"decision {next(self._numbers)}".encode()
        at = decided_at or self.now
        return DecisionRow(digest(content), account.id, self.today, at, content, "2026.1", False)

    def case(self, ref: AccountRef, number: int = 1, status: str = "open", cents: int = 14217) -> Case:
        reason = None if status == "open" else "PAID_IN_FULL"
        id = f"case {ref} {number}"
        return Case(id, ref, number, status, cents, "USD", "d1", "d1", 1, reason)  # type: ignore[arg-type]

    def locked(self, unit: Unit, ref: AccountRef | None = None) -> AccountRow:
        """An account that the unit has locked."""
        wanted = ref or self.ref()
        return unit.lock_accounts([wanted])[wanted]


@pytest.fixture
def make() -> Maker:
    """Makes records."""
    return Maker()
