"""What every store promises about the past: rows are only added, tables come from migrations."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from adapters.store import (
    AuditRow,
    CaseEventRow,
    CheckpointRow,
    ControlNumberRow,
    DecisionRow,
    FeedAlertRow,
    FeedEventRow,
    FeedTextRow,
    MappingRow,
    ParkedAction,
    ParkedProposal,
    ParkedRow,
    PolicyProposalRow,
    PolicyRow,
    ReadAgainRow,
    ReadingRow,
    RefusalRow,
    RereadOutcome,
    RereadProposal,
    StatementFailed,
    Store,
    TallyRow,
    Unit,
    WithheldRow,
)
from adapters.store.schema import APPEND_ONLY, KEPT, metadata
from schemas.cases import CaseEvent

if TYPE_CHECKING:
    from tests.ports.conftest import Maker


def fill(unit: Unit, make: Maker) -> DecisionRow:
    """At least one row in every table that keeps history."""
    (kept,) = unit.keep_messages([make.message()])
    unit.keep_large_message(make.large([b"large"]))
    account = make.locked(unit)
    unit.add_facts([make.fact_row(make.fact(account.ref), account, kept.seq)])
    decision = make.decision(account)
    unit.add_decisions([decision])
    case = make.case(account.ref)
    unit.save_cases([case])
    event = CaseEvent("e", case.id, account.ref, "opened", 1, 1, 0, "USD", decision.id, "because")
    unit.add_case_events([CaseEventRow(event, account.id, make.now)])
    (parked,) = unit.park([ParkedRow(kept.seq, "$", "conflict", "two contents", "", make.now, account.id)])
    unit.act_on_parked(parked, ParkedAction("retried", make.now, "operator", ""))
    unit.propose_for_parked(parked, ParkedProposal("discard", make.now, "kim", "sent twice"))
    unit.add_feed_alerts([FeedAlertRow("billing", "alert", "silent", "nothing came", make.now)])
    unit.add_audit([AuditRow("account.decided", str(account.ref), b"{}", make.now)])
    unit.keep_checkpoint(CheckpointRow(1, "baton\n1\n", make.now))
    unit.keep_policy(PolicyRow("p1", "2026.1", b"[gates]", make.now))
    unit.begin_policy(PolicyProposalRow("p1", None, "baton", "", "", make.now))
    unit.add_tallies([TallyRow("billing", make.today, received=1)])
    unit.add_control_numbers([ControlNumberRow("billing", 7, kept.seq, make.now)])
    unit.add_refusals([RefusalRow("billing", make.today, "http", "media-type-unsupported", 2, make.now)])
    unit.add_feed_events([FeedEventRow("billing", "paused", "silent", "nothing came", "baton", make.now)])
    unit.add_mappings([MappingRow("billing", "m1", b"{}", make.now)])
    unit.add_feed_text(FeedTextRow("bar", 1, "", "t1", "kim", "key:kim", make.now))
    unit.propose_reread(RereadProposal("d1", b"{}", 1, "kim", "os:kim", "a code", make.now))
    number = unit.reader.reread_proposals()[0].seq
    unit.settle_reread(RereadOutcome(number, "approved", "lee", "os:lee", "", make.now))
    unit.add_read_again([ReadAgainRow(kept.seq, "m2", True, 1, 0, "kim", "os:kim", make.now)])
    feeds, causes = ("billing",), ("shadow feed billing",)
    unit.add_withheld([WithheldRow(account.id, "withheld", causes, feeds, 1, "USD", "d", "1", make.now)])
    unit.finish_messages([ReadingRow(kept.seq, make.now, 1, 0, 0)])
    return decision


MOVES = [(t, m) for t in APPEND_ONLY for m in ("UPDATE", "DELETE")] + [(t, "DELETE") for t in KEPT]


def test_rows_that_keep_history_are_never_changed_or_removed(store: Store, make: Maker) -> None:
    with store.write() as unit:
        fill(unit, make)
    before = counted(store)
    assert all(before[table] for table in APPEND_ONLY)
    for table, move in MOVES:
        column = metadata.tables[table].columns.keys()[-1]
        statement = f"UPDATE {table} SET {column} = {column}" if move == "UPDATE" else f"DELETE FROM {table}"
        with pytest.raises(StatementFailed), store.write() as unit:
            unit.session.command(statement)
    assert counted(store) == before


@pytest.mark.postgres
def test_tables_that_keep_history_cannot_be_emptied_on_postgresql(
    migrated_postgres: Callable[[], str],
) -> None:
    store = Store.open(migrated_postgres())
    for table in APPEND_ONLY + KEPT:
        with pytest.raises(StatementFailed), store.write() as unit:
            unit.session.command(f"TRUNCATE {table} CASCADE")
    store.close()


def test_an_upsert_or_a_replace_does_not_get_round_it(store: Store, make: Maker) -> None:
    with store.write() as unit:
        fill(unit, make)
    row = "INTO policy VALUES ('p1', 'x', '', '2026-01-01')"
    ways = [f"INSERT {row} ON CONFLICT (sha256) DO UPDATE SET version = 'x'"]
    if store.backend == "sqlite":
        ways.append(f"REPLACE {row}")
    for way in ways:
        with pytest.raises(StatementFailed), store.write() as unit:
            unit.session.command(way)
    with store.read() as reader:
        policy = reader.policy("p1")
        assert policy is not None and policy.version == "2026.1"


def counted(store: Store) -> dict[str, int]:
    with store.read() as reader:
        ask = {name: sa.select(sa.func.count()).select_from(table) for name, table in metadata.tables.items()}
        return {name: reader.session.select(question)[0][0] for name, question in ask.items()}


def test_a_transaction_that_fails_leaves_nothing(store: Store, make: Maker) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as unit:
        fill(unit, make)
        raise ZeroDivisionError
    assert {n for table, n in counted(store).items() if table != "audit_head"} == {0}
    with store.write() as unit:
        fill(unit, make)


def test_a_reader_sees_one_moment(store: Store, make: Maker) -> None:
    with store.read() as reader:
        assert reader.counts().messages == 0
        with store.write() as unit:
            unit.keep_messages([make.message()])
        assert reader.counts().messages == 0
    with store.read() as reader:
        assert reader.counts().messages == 1


def test_an_empty_database_becomes_what_the_program_expects_and_stays_so(empty_url: str) -> None:
    store = Store.open(empty_url)
    try:
        assert store.revision() is None
        assert store.upgrade() == store.expected_revision() == store.revision()
        assert store.differences() == []
        assert store.upgrade() == store.expected_revision()
    finally:
        store.close()


def test_a_missing_column_is_found(store: Store) -> None:
    with store.write() as unit:
        unit.session.command("ALTER TABLE unread ADD COLUMN extra TEXT")
    assert any("extra" in difference for difference in store.differences())


def test_two_processes_may_bring_the_tables_up_to_date_at_once(empty_url: str) -> None:
    stores = [Store.open(empty_url) for _ in range(2)]
    revisions: list[str] = []
    workers = [threading.Thread(target=lambda s=s: revisions.append(s.upgrade())) for s in stores]  # type: ignore[misc]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert revisions == [stores[0].expected_revision()] * 2
    assert stores[0].differences() == []
    for store in stores:
        store.close()


def test_the_sqlite_file_is_write_ahead_full_sync_and_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "baton.db"
    store = Store.open(f"sqlite:///{path}")
    store.upgrade()
    with store.read() as reader:
        asked = {
            name: reader.session.select(sa.text(f"PRAGMA {name}"))[0][0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout")
        }
    assert asked == {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1,
        "busy_timeout": 10_000,
    }  # fmt: skip
    assert path.stat().st_mode & 0o077 == 0
    assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_instants_keep_their_microseconds_and_their_order_as_text(store: Store, make: Maker) -> None:
    odd = datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=UTC)
    with store.write() as unit:
        account = make.locked(unit)
        unit.add_decisions([make.decision(account, at) for at in (odd, odd.replace(microsecond=0))])
    with store.read() as reader:
        assert [d.decided_at for d in reader.decisions(account.ref)] == [odd, odd.replace(microsecond=0)]
        assert len(reader.decisions(account.ref, known_at=odd.replace(microsecond=1))) == 1
