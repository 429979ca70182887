"""What every store says when its database fails: wait, or a defect; nothing is kept, no value is quoted."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.nodes import PostgresNode
from adapters.store import StatementFailed, Store, Unit
from adapters.store.session import Sql
from schemas.errors import ConfigRefused, Unavailable

if TYPE_CHECKING:
    from tests.ports.conftest import Maker

SECRET = "s3cr3t-w0rd"
MY_PROCESS = Sql("SELECT pg_backend_pid()", "")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "database-url-unknown"),
        (f"{SECRET}", "database-url-unknown"),
        (f"mysql://root:{SECRET}@host/db", "database-url-unknown"),
        (f"postgresql://baton:{SECRET}@host:port/db", "database-url-unknown"),
        ("sqlite://", "database-url-not-durable"),
        ("sqlite:///:memory:", "database-url-not-durable"),
        ("sqlite:///baton.db?mode=ro", "database-url-not-durable"),
        ("sqlite:////no/such/folder/baton.db", "database-folder-missing"),
    ],
)
def test_a_url_that_cannot_be_right_is_refused_without_being_quoted(url: str, code: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        Store.open(url)
    assert refused.value.code == code
    assert SECRET not in str(refused.value)


def test_a_server_that_does_not_answer_is_named_without_user_or_password() -> None:
    with pytest.raises(Unavailable) as away:
        Store.open(f"postgresql://harry:{SECRET}@127.0.0.1:1/baton")
    assert away.value.code == "database-unreachable"
    assert "127.0.0.1:1/baton" in str(away.value)
    assert SECRET not in str(away.value) and "harry" not in str(away.value)
    assert away.value.__cause__ is None


def test_a_file_that_is_no_database_is_unavailable_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Dear Sir or Madam, " * 100)
    with pytest.raises(Unavailable, match="database-unreachable"):
        Store.open(f"sqlite:///{path}")
    assert path.read_bytes() == b"Dear Sir or Madam, " * 100


def test_a_database_that_stays_locked_is_busy_and_keeps_nothing(
    store: Store, store_url: str, make: Maker
) -> None:
    hasty = Store.open(store_url, wait_seconds=0.2)
    ref = make.ref()
    with store.write() as unit:
        make.locked(unit, ref)
        with pytest.raises(Unavailable, match="database-busy"), hasty.write() as other:
            other.keep_messages([make.message(b"late")])
            other.lock_accounts([ref])
    with hasty.write() as other:
        assert make.locked(other, ref).version == 0
    with hasty.read() as reader:
        assert reader.counts().messages == 0
    hasty.close()


def test_a_full_disk_is_told_and_keeps_nothing(tmp_path: Path, make: Maker) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/baton.db")
    store.upgrade()
    with pytest.raises(Unavailable, match="disk-full"), store.write() as unit:
        unit.session.command("PRAGMA max_page_count = 100")
        unit.keep_messages([make.message()])
        unit.keep_large_message(make.large([b"x" * 2_000_000]))
    with store.read() as reader:
        assert reader.counts().messages == 0
    store.close()


def test_a_file_that_may_not_be_written_is_told(tmp_path: Path, make: Maker) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/baton.db")
    store.upgrade()
    with pytest.raises(Unavailable, match="database-read-only"), store.write() as unit:
        unit.session.command("PRAGMA query_only = ON")
        unit.keep_messages([make.message()])
    store.close()


def terminate(url: str, pid: int) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def test_a_connection_goes_on_as_before_after_transactions_that_failed(store_url: str, make: Maker) -> None:
    # One connection: every transaction meets what the one before left behind, prepared statements too.
    store = Store.open(store_url, connections=1)
    ref = make.ref()
    for attempt in range(12):
        message = make.message()
        with pytest.raises((StatementFailed, ZeroDivisionError)), store.write() as unit:
            unit.keep_messages([message])
            account = make.locked(unit, ref)
            unit.add_decisions([make.decision(account)])
            unit.save_cases([make.case(ref, number=1), make.case(ref, number=2)])
            if attempt % 3 == 0:
                unit.take_outbox(1)
            if attempt % 3 == 1:
                raise ZeroDivisionError
    with store.write() as unit:
        assert unit.keep_messages([message])[0].new
        account = make.locked(unit, ref)
        assert account.case is None
        unit.add_decisions([make.decision(account)])
        unit.save_cases([make.case(ref, number=1)])
    with store.read() as reader:
        counts = reader.counts()
        assert (counts.accounts, counts.cases, len(reader.decisions(ref))) == (1, {"open": 1}, 1)
    store.close()


@pytest.mark.postgres
def test_a_connection_lost_in_mid_transaction_is_told_and_the_next_one_works(
    migrated_postgres: Callable[[], str], make: Maker
) -> None:
    url = migrated_postgres()
    store = Store.open(url)
    with pytest.raises(Unavailable, match="database-lost"), store.write() as unit:
        unit.keep_messages([make.message()])
        terminate(url, unit.session.fetch(MY_PROCESS)[0][0])
        unit.lock_accounts([make.ref()])
    with store.write() as unit:
        assert unit.reader.counts().messages == 0
        unit.keep_messages([make.message()])
    store.close()


@pytest.mark.postgres
def test_a_connection_lost_at_the_commit_leaves_the_outcome_unknown(
    migrated_postgres: Callable[[], str], make: Maker
) -> None:
    url = migrated_postgres()
    store = Store.open(url)
    message = make.message()
    with pytest.raises(Unavailable, match="commit-unknown"), store.write() as unit:
        unit.keep_messages([message])
        terminate(url, unit.session.fetch(MY_PROCESS)[0][0])
    with store.write() as unit:
        assert unit.keep_messages([message])[0].new
    store.close()


@pytest.mark.postgres
def test_a_lost_connection_is_found_while_reading_too(migrated_postgres: Callable[[], str]) -> None:
    url = migrated_postgres()
    store = Store.open(url)
    with pytest.raises(Unavailable, match="database-lost"), store.read() as reader:
        terminate(url, reader.session.fetch(MY_PROCESS)[0][0])
        reader.counts()
    with store.read() as reader:
        assert reader.counts().messages == 0
    store.close()


@pytest.mark.postgres
def test_writers_who_wait_for_each_other_are_parted_and_one_may_try_again(
    migrated_postgres: Callable[[], str], make: Maker
) -> None:
    store = Store.open(migrated_postgres())
    refs = [make.ref(), make.ref()]
    with store.write() as unit:
        unit.lock_accounts(refs)
    ready = threading.Barrier(2)
    told: list[str] = []

    def lock(unit: Unit, first: int) -> None:
        unit.lock_accounts([refs[first]])
        ready.wait(timeout=10)
        unit.lock_accounts([refs[1 - first]])

    def work(first: int) -> None:
        try:
            with store.write() as unit:
                lock(unit, first)
        except Unavailable as error:
            told.append(error.code)

    workers = [threading.Thread(target=work, args=(first,)) for first in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    assert told == ["database-busy"]
    store.close()


@pytest.mark.postgres
@pytest.mark.chaos
def test_a_server_that_dies_and_comes_back_is_one_error_long(own_postgres: PostgresNode, make: Maker) -> None:
    store = Store.open(own_postgres.url)
    store.upgrade()
    # Several connections in the pool: all of them will be broken.
    with store.write() as unit, store.read() as one, store.read() as two:
        one.counts(), two.counts()
        kept = unit.keep_messages([make.message()])
    own_postgres.kill()
    own_postgres.start()
    with pytest.raises(Unavailable, match="database-lost"), store.read() as reader:
        reader.counts()
    for _ in range(3):
        with store.read() as reader:
            assert reader.message_at(kept[0].seq) is not None
    store.close()


def test_a_writer_from_outside_holds_sqlite_up_for_a_while_only(tmp_path: Path, make: Maker) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/baton.db", wait_seconds=5)
    store.upgrade()
    outside = sqlite3.connect(tmp_path / "baton.db", isolation_level=None, check_same_thread=False)
    outside.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, lambda: outside.execute("ROLLBACK"))
    timer.start()
    with store.write() as unit:
        assert unit.keep_messages([make.message()])[0].new
    timer.join()
    outside.close()
    store.close()
