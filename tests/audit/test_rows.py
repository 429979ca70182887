"""For the auditor: every stored row is named by an entry, and a row that somebody touched is found."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.app import App
from service.audit import LogCheck
from service.audit.log import verify_log
from service.audit.rows import verify_rows
from service.config import load
from tests.journey.stories import MOMENT, adjudicated, native, ripe, sealed


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[App]:
    url = f"sqlite:///{tmp_path}/baton.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    opened = App(
        load(
            {
                "BATON_DATABASE_URL": url,
                "BATON_HOME": str(tmp_path),
                "BATON_TRANSPORT": "embedded",
                "BATON_SETTLING_SECONDS": "0",
            }
        )
    )
    opened.store.upgrade()
    intake = opened.intake()
    intake.receive(sealed(*ripe(), *ripe("A2"), b"{nonsense"), MOMENT)
    intake.receive(sealed(*ripe()), MOMENT)
    intake.receive(
        sealed(
            native(
                "a-1",
                "payment.posted",
                {"payment_id": "P", "amount": "10.00", "from": "patient", "received_on": "2026-01-01"},
                days=1,
            )
        ),
        MOMENT,
    )
    yield opened
    opened.close()


def checked(app: App) -> tuple[LogCheck, int]:
    with app.store.read() as reader:
        check = verify_log(reader.audit_log(), reader.audit_head())
        rows = verify_rows(reader, check)
    return check, rows


def touched(app: App, *statements: str) -> LogCheck:
    """As somebody who owns the database: the triggers off, the statements run, the triggers on again.

    `{bytes}` stands for what each database writes in its own way.
    """
    backend = app.store.backend
    app.close()
    if backend == "postgresql":
        touch_postgres(app.config.database_url, statements)
    else:
        touch_sqlite(app.config.database_url.removeprefix("sqlite:///"), statements)
    return checked(app)[0]


def touch_postgres(url: str, statements: tuple[str, ...]) -> None:
    import psycopg

    with psycopg.connect(url) as db:
        db.execute("SET session_replication_role = replica")  # no trigger fires, no foreign key is asked
        for statement in statements:
            assert db.execute(statement.format(bytes=r"'\x7b7d'::bytea")).rowcount > 0, statement


def touch_sqlite(path: str, statements: tuple[str, ...]) -> None:
    with sqlite3.connect(path) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert db.execute(statement.format(bytes="x'7b7d'")).rowcount > 0, statement
        for _, sql in triggers:
            db.execute(sql)


def test_everything_that_came_in_is_named_and_holds(app: App) -> None:
    check, rows = checked(app)
    assert check.divergences == []
    with app.store.read() as reader:
        counts = reader.counts()
    assert rows >= counts.messages + counts.facts + counts.decisions


ONE = "(SELECT min(seq) FROM {0})"


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE message SET body = {bytes} WHERE seq = 2", "row-changed"),
        ("UPDATE message SET received_at = '2020-01-01T00:00:00.000000+00:00' WHERE seq = 2", "row-changed"),
        ("UPDATE message SET door = 'http' WHERE seq = 2", "row-changed"),
        ("UPDATE fact SET content = {bytes} WHERE seq = 3", "row-changed"),
        ("UPDATE fact SET place = '$[7]' WHERE seq = 3", "row-changed"),
        ("UPDATE fact SET recorded_at = '2020-01-01T00:00:00.000000+00:00' WHERE seq = 3", "row-changed"),
        ("UPDATE fact SET message_seq = 1 WHERE seq = 4", "row-changed"),
        ("UPDATE fact SET account_id = 2 WHERE seq = 3", "row-changed"),
        ("DELETE FROM fact WHERE seq = 3", "row-missing"),
        ("DELETE FROM message WHERE seq = 2", "row-missing"),
        ("UPDATE decision SET content = {bytes} WHERE seq = 1", "row-changed"),
        ("UPDATE decision SET opens = NOT opens WHERE seq = 1", "row-changed"),
        ("UPDATE decision SET decided_at = '2020-01-01T00:00:00.000000+00:00' WHERE seq = 1", "row-changed"),
        ("DELETE FROM decision WHERE seq = 1", "row-missing"),
        ("UPDATE case_event SET amount_cents = amount_cents + 1", "row-changed"),
        ("UPDATE case_event SET reason = 'because'", "row-changed"),
        ("DELETE FROM case_event", "row-missing"),
        (
            "INSERT INTO fact (id, kind, key, content, message_seq, place, recorded_at)"
            " SELECT 'ff', kind, key, content, message_seq, place, recorded_at FROM fact WHERE seq = 3",
            "row-added",
        ),
        (
            "INSERT INTO decision (id, account_id, as_of, decided_at, content, policy_version, opens)"
            " SELECT 'ff', account_id, as_of, decided_at, content, policy_version, opens FROM decision"
            " WHERE seq = 1",
            "row-added",
        ),
    ],
)
def test_whatever_is_done_to_a_row_is_found(app: App, statement: str, kind: str) -> None:
    assert kind in {d.kind for d in touched(app, statement).divergences}


def test_a_row_and_its_entry_changed_together_break_the_log(app: App) -> None:
    with app.store.read() as reader:
        entry = next(e for e in reader.audit_log() if e.kind == "account.decided")
    said, seq = json.loads(entry.content or b""), entry.seq
    left_out = said["facts"].pop(0)
    changed = json.dumps(said, sort_keys=True, separators=(",", ":")).encode().hex()
    bytes = f"x'{changed}'" if app.store.backend == "sqlite" else f"'\\x{changed}'::bytea"
    check = touched(
        app,
        f"UPDATE audit_content SET content = {bytes} WHERE seq = {seq}",
        f"DELETE FROM fact WHERE id = '{left_out}'",
    )
    assert check.divergences[0].kind == "content-changed"
    assert check.divergences[0].entry == seq


def test_a_correction_and_its_reversal_are_named_too(app: App) -> None:
    intake = app.intake()
    intake.receive(
        sealed(native("c-9", "claim.adjudicated", adjudicated("A1") | {"payer_claim_id": "A1Q"})), MOMENT
    )
    assert checked(app)[0].divergences == []
