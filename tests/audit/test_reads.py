"""For a privacy officer: whoever reads a patient's account is in the log first, or does not get to read."""

from __future__ import annotations

import json
import os
import pwd
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.store import AuditRow
from schemas.facts import AccountRef
from service.audit.accounting import accounting
from service.audit.reads import MOST_ACCOUNTS, PURPOSES, Asker, Shown, read_entries
from service.web.access import SCOPE_OF
from service.web.register import SHOWS_NOBODY, SHOWS_PATIENTS
from tests.journey.command_line import Home, refused
from tests.journey.stories import NOW
from tests.journey.web_fixtures import Door, charge, door_to, make_app, overdue_story, problem_of


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path)
    app.store.upgrade()
    opened = door_to(app)
    opened.send(*overdue_story("A1"), *overdue_story("A2"))
    opened.send(charge("A3"), charge("A3", amount="7.00"))
    yield opened
    app.close()


def reads(door: Door) -> list[dict[str, Any]]:
    """What the log says of reads, oldest first; each with its subject."""
    with door.app.store.read() as reader:
        found = [e for e in reader.audit_log() if e.kind == "patient.read"]
    return [json.loads(e.content or b"") | {"subject": e.subject} for e in found]


def patient_urls(door: Door) -> list[tuple[str, str, list[str]]]:
    """Every address that shows patients, by endpoint, with the accounts that its answer shows."""
    case = door.get("/v1/cases").json["items"][0]
    parked = door.get("/v1/parked").json["items"][0]
    return [
        ("accounts.show", "/v1/accounts/GEN/A1", ["GEN/A1"]),
        ("accounts.show_by_id", "/v1/accounts/A1", ["GEN/A1"]),
        ("accounts.why", "/v1/accounts/GEN/A1/why?as_of=2998-01-01", ["GEN/A1"]),
        ("accounts.why_by_id", "/v1/accounts/A1/why", ["GEN/A1"]),
        ("cases.page", "/v1/cases?status=open", ["GEN/A1", "GEN/A2"]),
        ("cases.show", f"/v1/cases/{case['id']}", [case["account"]]),
        ("parked.page", "/v1/parked", ["GEN/A3"]),
        ("parked.show", f"/v1/parked/{parked['id']}", ["GEN/A3"]),
        ("messages.page", "/v1/messages?account=GEN/A1", ["GEN/A1"]),
        ("messages.detail", f"/v1/messages/{parked['message']}/detail", ["GEN/A3"]),
        ("messages.trace", f"/v1/trace/{case['id']}", [case["account"]]),
        ("overrides.page", "/v1/overrides?account=GEN/A1", ["GEN/A1"]),
    ]


def test_every_endpoint_says_whether_it_shows_patients() -> None:
    assert set(SCOPE_OF) == SHOWS_PATIENTS | SHOWS_NOBODY
    assert not SHOWS_PATIENTS & SHOWS_NOBODY


def test_every_answer_about_a_patient_leaves_one_entry_that_says_who_what_and_what_for(door: Door) -> None:
    urls = patient_urls(door)
    readable = {rule.endpoint for rule in door.web.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert {endpoint for endpoint, _, _ in urls} == SHOWS_PATIENTS & readable
    headers = {"X-Baton-User": "Ann Example", "X-Baton-Purpose": "HPAYMT"}
    for _, url, accounts in urls:
        before = len(reads(door))
        assert door.ask("GET", url, headers=headers).status_code == 200
        (entry,) = reads(door)[before:]
        assert entry["accounts"] == accounts, url
        assert (entry["person"], entry["purpose"], entry["door"]) == ("Ann Example", "HPAYMT", "http")
        assert entry["agent"] == f"key:{door.key.partition('.')[0]}"
    assert next(r["parameters"] for r in reads(door) if r["query"] == "why") == {"as_of": "2998-01-01"}


def test_what_is_not_stated_is_not_supposed(door: Door) -> None:
    door.get("/v1/accounts/GEN/A1")
    assert (reads(door)[-1]["person"], reads(door)[-1]["purpose"]) == (None, None)


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("X-Baton-Purpose", "CURIOSITY", "bad-purpose"),
        ("X-Baton-Purpose", "", "bad-purpose"),
        ("X-Baton-User", "x" * 101, "bad-name"),
        ("X-Baton-User", " ", "bad-name"),
        ("X-Baton-User", "tab\there", "bad-name"),
        ("X-Baton-User", "Jos\xe9", "bad-name"),
    ],
)
def test_a_header_that_says_nothing_usable_is_refused(door: Door, header: str, value: str, code: str) -> None:
    problem_of(door.ask("GET", "/v1/accounts/GEN/A1", headers={header: value}), 422, code)
    assert reads(door) == []


def test_what_is_not_there_leaves_no_entry_and_tells_nothing(door: Door) -> None:
    for url in ("/v1/accounts/GEN/NOBODY", "/v1/accounts/NOBODY/why", "/v1/cases/nothing"):
        assert door.get(url).status_code == 404
    assert door.get("/v1/accounts/GEN/A1/why?as_of=1900-01-01").status_code == 404
    assert reads(door) == []


def test_a_read_that_cannot_be_entered_is_refused(door: Door) -> None:
    urls = patient_urls(door)
    path = door.app.config.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as db:
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    for _, url, _ in urls:
        problem = problem_of(door.ask("GET", url), 503, "read-not-recorded")
        assert "142.17" not in json.dumps(problem) and "recorded" in problem["detail"]
    with sqlite3.connect(path) as db:
        db.execute("DROP TRIGGER full")
    assert door.get(urls[0][1]).status_code == 200


def test_a_view_that_forgets_its_entry_lets_nothing_out(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from flask import jsonify

    door.web.view_functions["accounts.show"] = lambda **parts: jsonify(balance="142.17")
    answer = door.get("/v1/accounts/GEN/A1")
    problem_of(answer, 500, "read-not-recorded")
    assert "142.17" not in answer.get_data(True)


def test_the_explanation_names_the_decision_and_stays_the_same_however_often_it_is_read(door: Door) -> None:
    with door.app.store.write() as unit:
        unit.add_audit([AuditRow("account.disclosed", "GEN/A1", b"{}", door.app.moment().now)])
    first = door.get("/v1/accounts/GEN/A1/why?known_at=2999-12-31T00:00:00Z").json
    with door.app.store.read() as reader:
        (named,) = [e for e in reader.audit_log() if e.seq == first["audit"]["entry"]]
    assert (named.kind, named.subject) == ("account.decided", "GEN/A1")
    for _ in range(3):
        assert door.get("/v1/accounts/GEN/A1/why?known_at=2999-12-31T00:00:00Z").json == first


def test_readers_at_the_same_time_each_have_their_entry(door: Door) -> None:
    from threading import Thread

    codes: list[int] = []
    threads = [
        Thread(target=lambda: codes.append(door.get("/v1/accounts/GEN/A1").status_code)) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [200] * 12 and len(reads(door)) == 12


def test_an_answer_of_any_length_names_every_account() -> None:
    accounts = [f"GEN/A{n}" for n in range(2 * MOST_ACCOUNTS + 1)]
    rows = read_entries(Asker("os:me", "cli"), Shown("cases", accounts), NOW)
    assert [len(json.loads(row.content)["accounts"]) for row in rows] == [MOST_ACCOUNTS, MOST_ACCOUNTS, 1]
    assert {a for row in rows for a in json.loads(row.content)["accounts"]} == set(accounts)


def test_the_log_with_reads_in_it_is_whole(door: Door) -> None:
    from service.audit import verify_log
    from service.audit.rows import verify_rows

    door.get("/v1/accounts/GEN/A1/why")
    with door.app.store.read() as reader:
        check = verify_log(reader.audit_log(), reader.audit_head())
        verify_rows(reader, check)
    assert check.divergences == []


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    (tmp_path / "in.json").write_text(
        json.dumps([*overdue_story("A1"), charge("A3"), charge("A3", amount="7.00")])
    )
    assert home.baton("ingest", "in.json").returncode in (0, 1)
    return home


def entries(home: Home) -> list[dict[str, Any]]:
    with sqlite3.connect(home.folder / "baton.db") as db:
        found = db.execute(
            "SELECT c.content FROM audit_content c JOIN audit_entry e ON e.seq = c.seq"
            " WHERE e.kind = 'patient.read' ORDER BY c.seq"
        )
        return [json.loads(content) for (content,) in found]


def test_the_command_line_enters_the_user_of_the_machine_whatever_the_environment_says(home: Home) -> None:
    case = json.loads(home.baton("cases", "--json").stdout)["items"][0]
    sha256 = json.loads(home.baton("messages", "list", "--json").stdout)["items"][0]["sha256"]
    commands = [
        ("why", "A1"),
        ("case", case["id"]),
        ("cases",),
        ("messages", "show", sha256),
        ("messages", "trace", case["id"]),
        ("messages", "list", "--account", "A1"),
        ("parked", "list"),
        ("parked", "show", "1"),
    ]
    for words in commands:
        before = len(entries(home))
        ran = home.baton(*words, "--by", "Ann Example", "--purpose", "HCOMPL", USER="root", LOGNAME="nobody")
        assert ran.returncode == 0, ran
        (entry,) = entries(home)[before:]
        assert entry["agent"] == f"os:{pwd.getpwuid(os.getuid()).pw_name}", words
        assert (entry["person"], entry["purpose"], entry["door"]) == ("Ann Example", "HCOMPL", "cli")
        assert entry["accounts"], words


def test_the_command_line_refuses_what_it_cannot_enter(home: Home) -> None:
    database = home.folder / "baton.db"
    with sqlite3.connect(database) as db:
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    ran = home.baton("why", "A1")
    assert "read-not-recorded" in refused(ran, 1) and ran.stdout == ""


def test_a_purpose_that_is_none_is_refused_with_those_that_are(home: Home) -> None:
    said = refused(home.baton("why", "A1", "--purpose", "FUN"), 2)
    assert "usage" in said
    assert all(text and text[0].islower() for text in PURPOSES.values())


def test_the_accounting_lists_every_read_and_disclosure_of_an_account_and_of_no_other(home: Home) -> None:
    told = home.baton("messages", "list", "--account", "A1", "--json", "--purpose", "HOPERAT").stdout
    sha256 = json.loads(told)["items"][0]["sha256"]
    why = ("--purpose", "state audit", "--recipient", "Office of the Auditor")
    assert home.baton("audit", "export", "A1", "-o", "a.zip", *why).returncode == 0
    assert home.baton("cases", "--purpose", "HPAYMT").returncode == 0
    shown = ("--reveal", "--by", "Ann Example", "--reason", "to mend it")
    assert home.baton("messages", "show", sha256, *shown).returncode == 0
    assert home.baton("why", "A3").returncode == 0
    ran = home.baton("audit", "reads", "A1", "--json", "--purpose", "PATRQT", "--by", "Bo Example")
    items = json.loads(ran.stdout)["items"]
    assert [(i["kind"], i["what"], i["purpose"], i["recipient"]) for i in items] == [
        ("read", "messages", "HOPERAT", None),
        ("disclosure", "evidence bundle", "state audit", "Office of the Auditor"),
        ("read", "cases", "HPAYMT", None),
        ("values shown", "message", "to mend it", None),
        ("read", "message", None, None),
    ]
    assert [i["entry"] for i in items] == sorted(i["entry"] for i in items)
    again = json.loads(home.baton("audit", "reads", "A1", "--json").stdout)["items"]
    assert (again[:-1], again[-1]["what"], again[-1]["person"]) == (items, "audit.reads", "Bo Example")
    plain = home.baton("audit", "reads", "A1").stdout
    assert "Office of the Auditor" in plain and "(not stated)" in plain


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_pages_that_named_an_account_count_for_it_on_both_databases(
    tmp_path: Path, request: pytest.FixtureRequest, database: str
) -> None:
    more = {}
    if database == "postgresql":
        more["BATON_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    app = make_app(tmp_path, **more)
    app.store.upgrade()
    door = door_to(app)
    door.send(*overdue_story("A1"), *overdue_story("A11"))
    door.get("/v1/cases")
    door.get("/v1/accounts/GEN/A11")
    with app.store.read() as reader:
        found = {n: [i["what"] for i in accounting(reader, AccountRef("GEN", n))] for n in ("A1", "A11")}
    app.close()
    assert found == {"A1": ["cases"], "A11": ["cases", "account"]}
