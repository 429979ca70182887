"""For a privacy officer: two people erase what the log says of a person, and the log still proves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.canonical import from_bytes
from schemas.errors import BatonError
from schemas.facts import AccountRef
from service import answers
from service.app import App, examine_policy_texts
from service.audit import LogCheck, erasure, verify_log
from service.audit.accounting import accounting
from service.audit.bundle import Disclosure, export
from service.audit.reads import Asker, Shown, read_entries, record
from service.audit.replay import Replayed, decide_again
from service.audit.rows import verify_rows
from service.config import load
from service.publication import read_kept
from tests.journey.stories import MOMENT, NOW, native, ripe, sealed

ANN, BO = erasure.Person("Ann", "ann"), erasure.Person("Bo", "bo")
A2 = AccountRef("GEN", "A2")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[App]:
    url = f"sqlite:///{tmp_path}/baton.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    at_once = {"BATON_DATABASE_URL": url, "BATON_TRANSPORT": "embedded", "BATON_SETTLING_SECONDS": "0"}
    opened = App(load(at_once | {"BATON_HOME": str(tmp_path)}))
    opened.store.upgrade()
    # A1 has an open case; A2 has no statement yet, so none.
    opened.intake().receive(sealed(*ripe(), *ripe("A2")[:4]), MOMENT)
    yield opened
    opened.close()


def check(app: App) -> LogCheck:
    with app.store.read() as reader:
        found = verify_log(reader.audit_log(), reader.audit_head())
        verify_rows(reader, found)
    return found


def erase(app: App, ref: AccountRef = A2) -> dict:
    erasure.propose(app.store, ref, ANN, "court order 17", NOW)
    return erasure.approve(app.store, ref, BO, NOW + timedelta(hours=1))


def said_of(app: App, number: str) -> list[str]:
    with app.store.read() as reader:
        return [e.kind for e in reader.audit_log() if number in f"{e.subject} {e.content}"]


def test_two_people_erase_what_the_log_says_and_everything_still_verifies(app: App) -> None:
    before = check(app)
    assert "account.decided" in said_of(app, "GEN/A2")
    done = erase(app)
    assert said_of(app, "GEN/A2") == []
    after = check(app)
    assert (after.divergences, after.size) == ([], before.size + 2)
    assert len(after.erased) == done["erased"]
    with app.store.read() as reader:
        (entry,) = reader.audit_entries_for(erasure.SUBJECT)
    said = from_bytes(entry.content)
    assert (said["proposed_by"], said["approved_by"], said["reason"]) == ("Ann", "Bo", "court order 17")


def test_nobody_erases_alone(app: App) -> None:
    with pytest.raises(BatonError, match="nobody has proposed"):
        erasure.approve(app.store, A2, BO, NOW)
    erasure.propose(app.store, A2, ANN, "court order 17", NOW)
    for alone in ("Ann", " ann ", "ANN"):
        with pytest.raises(BatonError, match="second person"):
            erasure.approve(app.store, A2, erasure.Person(alone, "x"), NOW)
    assert "account.decided" in said_of(app, "GEN/A2")


def test_a_proposal_is_good_for_one_erasure(app: App) -> None:
    erase(app)
    with pytest.raises(BatonError, match="nobody has proposed"):
        erasure.approve(app.store, A2, BO, NOW)


def test_evidence_of_an_open_case_stays(app: App) -> None:
    with pytest.raises(BatonError, match="case is open"):
        erasure.propose(app.store, AccountRef("GEN", "A1"), ANN, "x", NOW)


def test_reads_and_disclosures_stay_for_six_years(app: App) -> None:
    rows = read_entries(Asker("os:ann", "cli"), Shown("why", ["GEN/A2"]), NOW)
    record(app.store, rows)
    erase(app)
    with app.store.read() as reader:
        assert [i["what"] for i in accounting(reader, A2)] == ["why"]
        late = erasure.erasable(reader, A2, NOW + timedelta(days=7 * 366))
    assert [e.kind for e in late.entries] == ["patient.read"]
    assert check(app).divergences == []


def test_a_row_changed_after_the_erasure_is_still_found(app: App) -> None:
    erase(app)
    if app.store.backend == "postgresql":
        import psycopg

        with psycopg.connect(app.config.database_url) as db:
            db.execute("SET session_replication_role = replica")
            db.execute("UPDATE fact SET place = '$[99]' WHERE account_id = 2")
    else:
        with sqlite3.connect(app.config.database_url.removeprefix("sqlite:///")) as db:
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                db.execute(f"DROP TRIGGER {name}")
            db.execute("UPDATE fact SET place = '$[99]' WHERE account_id = 2")
    assert {d.kind for d in check(app).divergences} == {"row-changed"}


def test_an_erasure_washes_no_changed_row_clean(app: App) -> None:
    erasure.propose(app.store, A2, ANN, "court order 17", NOW)
    if app.store.backend == "postgresql":
        pytest.skip("the same program; only the tampering differs")
    with sqlite3.connect(app.config.database_url.removeprefix("sqlite:///")) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute("UPDATE fact SET place = '$[99]' WHERE account_id = 2")
    with pytest.raises(BatonError, match="changed"):
        erasure.approve(app.store, A2, BO, NOW)


def test_an_erased_account_has_no_evidence_to_give_any_more(app: App) -> None:
    erase(app)
    why = Disclosure("audit", "auditor", "ann")
    with pytest.raises(BatonError, match="erased by law"):
        export(app.store, app.signer(), "baton", A2, why, NOW, lambda reader, ref: {})


def test_what_comes_after_an_erasure_is_decided_explained_and_replayed_as_ever(app: App) -> None:
    erase(app)
    paid = {"payment_id": "P", "amount": "10.00", "from": "patient", "received_on": "2026-01-01"}
    app.intake().receive(sealed(native("late", "payment.posted", paid, account="A2", days=1)), MOMENT)
    out = Replayed()
    with app.store.read() as reader:
        decide_again(
            reader, lambda sha256: read_kept(reader, sha256, examine_policy_texts), out, lambda n: None
        )
        told = answers.why(reader, app.policy, A2, MOMENT.as_of)
    assert (out.differences, told["audit"] is not None) == ([], True)
    assert check(app).divergences == []
