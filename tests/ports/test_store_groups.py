"""Accounts that merges named together: found and locked together, also those merged long ago."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import adapters.store as store_package
from adapters.store import Store, check_fact
from schemas.errors import MessageRejected
from schemas.facts import AccountRef, AccountsMerged, Fact
from tests.ports.conftest import Maker


def merge(make: Maker, source: AccountRef, into: AccountRef) -> Fact:
    return Fact.of(source, f"accounts.merged|{source}|{into}", make.now, AccountsMerged(into))


def test_who_locks_one_of_a_group_locks_and_is_told_all(store: Store, make: Maker) -> None:
    one, other, alone = make.ref(), make.ref(), make.ref()
    with store.write() as unit:
        rows = unit.lock_accounts([one, other, alone])
        unit.join_accounts({rows[one].id: rows[one].id, rows[other].id: rows[one].id})
    with store.write() as unit:
        assert set(unit.lock_accounts([other])) == {one, other}
        assert set(unit.lock_accounts([alone])) == {alone}
        assert unit.reader.group(one) == unit.reader.group(other) == sorted([one, other])
        assert unit.reader.group(alone) == [alone]


def test_an_account_that_cannot_be_kept_cannot_be_merged_into(make: Maker) -> None:
    with pytest.raises(MessageRejected) as refused:
        check_fact(merge(make, make.ref(), AccountRef("GEN", "A\u200b")))
    assert refused.value.code == "account-unprintable"


def upgraded_to(connection: sa.Connection, revision: str) -> None:
    """Bring an empty database as far as an earlier program did."""
    config = Config()
    config.set_main_option("script_location", str(Path(store_package.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_merges_known_before_groups_were_kept_form_groups_and_are_decided_anew(
    empty_url: str, make: Maker
) -> None:
    first, second, third, alone = (make.ref() for _ in range(4))
    engine = sa.create_engine(empty_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        upgraded_to(connection, "0004")
        for id, ref in enumerate((first, second, alone), 1):
            place = {"id": id, "facility": ref.facility, "number": ref.number}
            connection.execute(
                sa.text("INSERT INTO account (facility, number) VALUES (:facility, :number)"), place
            )
        for account_id, fact in ((1, merge(make, first, second)), (2, merge(make, second, third))):
            row = {"id": fact.id, "account_id": account_id, "key": fact.key, "content": fact.content}
            connection.execute(
                sa.text(
                    "INSERT INTO fact (id, kind, account_id, key, content, message_seq, place, recorded_at)"
                    " VALUES (:id, 'accounts.merged', :account_id, :key, :content, 1, '', '2026-03-01')"
                ),
                row,
            )
    engine.dispose()
    store = Store.open(empty_url)
    store.upgrade()
    assert store.differences() == []
    with store.write() as unit:
        assert set(unit.lock_accounts([third])) == {first, second, third}
        assert set(unit.lock_accounts([alone])) == {alone}
        assert set(unit.due_accounts(make.today, make.now, 10)) == {first, second, third}
    store.close()
