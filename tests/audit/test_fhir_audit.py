"""For a hospital's audit record repository: the log's entries are valid AuditEvent and Provenance in FHIR."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.provenance import Provenance

from adapters.fhir.auditing import resources
from adapters.store import AuditRow
from schemas.canonical import from_bytes, to_bytes
from schemas.facts import AccountRef
from service.audit.fhir import acts
from service.audit.program import program
from tests.journey.command_line import Home
from tests.journey.web_fixtures import CANARIES, Door, charge, door_to, make_app, overdue_story, said


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path)
    app.store.upgrade()
    opened = door_to(app)
    opened.send(*overdue_story("A1"), *overdue_story("A2"))
    opened.send(said("payment.posted", "A1", PAID, id="p1"))
    headers = {"X-Baton-User": "Ann Example", "X-Baton-Purpose": "HPAYMT"}
    opened.ask("GET", "/v1/accounts/GEN/A1/why", headers=headers)
    opened.get("/v1/cases")
    opened.get("/v1/accounts/GEN/A2")
    given = {"account": "GEN/A1", "purpose": "state audit", "recipient": "Office of the Auditor", "by": "ann"}
    with app.store.write() as unit:
        row = AuditRow("account.disclosed", "GEN/A1", to_bytes(given), app.moment().now)
        unit.add_audit([row])
    yield opened
    app.close()


PAID = {"payment_id": "p1", "amount": "10.00", "from": "patient", "received_on": "2026-01-01"}


def made(door: Door, number: str | None = "A1") -> list[dict[str, Any]]:
    with door.app.store.read() as reader:
        ref = AccountRef("GEN", number) if number else None
        return [r for act in acts(reader, "baton", ref) for r in resources(act)]


def test_every_resource_is_valid_and_has_an_id_of_its_own(door: Door) -> None:
    found = made(door, None)
    kinds = {"AuditEvent": AuditEvent, "Provenance": Provenance}
    for one in found:
        kinds[one["resourceType"]].model_validate(one)
    ids = [(r["resourceType"], r["id"]) for r in found]
    assert len(ids) == len(set(ids)) > 8


def test_no_resource_names_a_patient(door: Door) -> None:
    text = json.dumps(made(door, None))
    assert [canary for canary in CANARIES if canary in text] == []


def test_a_read_is_a_patient_read_after_ihe(door: Door) -> None:
    why, page = [r for r in made(door) if r.get("meta", {}).get("profile", [""])[0].endswith("PatientRead")]
    assert (why["type"]["code"], why["subtype"][0]["code"], why["action"], why["outcome"]) == (
        "rest", "read", "R", "0",
    )  # fmt: skip
    agents = {a["type"]["coding"][0]["code"]: a for a in why["agent"]}
    assert set(agents) == {"110152", "110153", "IRCP"}
    client, user = agents["110152"], agents["IRCP"]
    assert client["who"]["identifier"]["value"] == f"key:{door.key.partition('.')[0]}"
    assert all(agents[code]["network"]["address"] for code in ("110152", "110153"))
    assert (user["who"]["display"], user["requestor"]) == ("Ann Example", True)
    assert user["purposeOfUse"][0]["coding"][0]["code"] == "HPAYMT"
    assert [e["type"]["code"] for e in why["entity"]] == ["1", "2"]
    assert why["entity"][0]["what"]["identifier"]["value"] == "A1"
    assert [a["requestor"] for a in page["agent"]] == [False, True]


def test_a_page_of_two_accounts_is_one_resource_for_each_patient(door: Door) -> None:
    shown = [
        r["entity"][0]["what"]["identifier"]["value"] for r in made(door, None) if r["id"].count("-") == 2
    ]
    assert shown == ["A1", "A2"]


def test_a_disclosure_says_to_whom_and_what_for(door: Door) -> None:
    (event,) = [r for r in made(door) if r["resourceType"] == "AuditEvent" and r["type"]["code"] == "110106"]
    assert event["purposeOfEvent"] == [{"text": "state audit"}]
    assert "Office of the Auditor" in {a["who"].get("display") for a in event["agent"]}


def test_a_decision_leads_back_to_its_messages_policy_and_the_decision_before(door: Door) -> None:
    first, last = [r for r in made(door) if r["resourceType"] == "Provenance"][-2:]
    with door.app.store.read() as reader:
        stored = reader.latest_decision(AccountRef("GEN", "A1"))
        case = reader.cases_of(AccountRef("GEN", "A1"))[0].case.id
        known = {r.message_sha256 for r in reader.facts(AccountRef("GEN", "A1"))}
    assert stored is not None
    values = [t["identifier"]["value"] for t in last["target"]]
    assert values == ["A1", stored.id, case]
    by_role = {e["role"]: e["what"]["identifier"]["value"] for e in last["entity"]}
    assert by_role["source"] in known
    assert by_role["revision"] == first["target"][1]["identifier"]["value"]
    assert last["policy"] == [f"urn:baton:policy-sha256:{door.app.policy.sha256}"]


def test_a_decision_names_the_program_that_made_it_as_the_log_does(door: Door) -> None:
    with door.app.store.read() as reader:
        said = [from_bytes(e.content or b"{}") for e in reader.audit_log() if e.kind == "account.decided"]
    assert all(("program" in one) == bool(one["decisions"]) for one in said)
    named = program()
    assert {tuple(one["program"].items()) for one in said if one["decisions"]} == {tuple(named.items())}
    found = made(door)
    for one in (r for r in found if r["resourceType"] == "Provenance"):
        (device,) = one["contained"]
        assert one["agent"][0]["who"]["reference"] == "#" + device["id"]
        assert [v["value"] for v in device["version"]] == [named["baton"], named["code_sha256"]]
    details = [d for r in found for d in r.get("entity", [{}])[-1].get("detail", ())]
    assert {d["valueString"] for d in details if d["type"] == "urn:baton:program"} == {
        f"{named['baton']} {named['code_sha256']}"
    }


def test_of_an_entry_that_names_no_program_none_is_claimed(door: Door) -> None:
    with door.app.store.read() as reader:
        older = [replace(act, program=None) for act in acts(reader, "baton") if act.kind == "decision"]
    found = [r for act in older for r in resources(act)]
    assert any(r["resourceType"] == "Provenance" for r in found)
    assert "contained" not in json.dumps(found) and "urn:baton:program" not in json.dumps(found)
    kinds = {"AuditEvent": AuditEvent, "Provenance": Provenance}
    for one in found:
        kinds[one["resourceType"]].model_validate(one)


def test_each_resource_leads_to_its_entry_in_the_log(door: Door) -> None:
    with door.app.store.read() as reader:
        leaves = {f"{e.seq} {e.hash}" for e in reader.audit_log()}
    events = [r for r in made(door, None) if r["resourceType"] == "AuditEvent"]
    assert {
        d["valueString"]
        for r in events
        for d in r["entity"][1]["detail"]
        if d["type"] == "urn:baton:audit-entry"
    } <= leaves


def test_the_file_is_written_after_its_own_entry_and_holds_one_resource_a_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "in.json").write_text(json.dumps([charge("A1")]))
    assert home.baton("ingest", "in.json").returncode == 0
    words = ("audit", "fhir", "--account", "A1", "-o", "out.ndjson", "--purpose", "HCOMPL")
    ran = home.baton(*words, "--json")
    lines = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()]
    assert len(lines) == sum(json.loads(ran.stdout)["resources"].values()) > 1
    items = json.loads(home.baton("audit", "reads", "A1", "--json").stdout)["items"]
    assert [(i["what"], i["purpose"]) for i in items] == [("audit.fhir", "HCOMPL")]
    assert home.baton(*words, "--since", "2998-01-01").returncode == 0
    assert (tmp_path / "out.ndjson").read_text() == ""
