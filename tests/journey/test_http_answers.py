"""For a developer of a hospital: the answers keep to the published contract."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from marshmallow import Schema
from openapi_spec_validator import validate
from web_fixtures import Door, charge, overdue_story, said

from adapters.store import ParkedAction
from schemas.wire import api
from service import answers
from tests.doors.test_wire_api import published


def documented(door: Door) -> dict[str, Any]:
    document = door.ask("GET", "/openapi.json", None).json
    assert isinstance(document, dict)
    return document


def must_fit(door: Door, answer: Any, operation: str) -> None:
    """The answer keeps to the schema that the document promises for this operation, and adds nothing."""
    document = documented(door)
    for methods in document["paths"].values():
        for described in methods.values():
            if isinstance(described, dict) and described.get("operationId") == operation:
                response = described["responses"][str(answer.status_code)]
                if "$ref" in response:
                    response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
                content = response["content"]
                schema = content[answer.content_type]["schema"]
                checker = Draft202012Validator({**schema, "components": document["components"]})
                assert [f"{e.json_path}: {e.message}" for e in checker.iter_errors(answer.json)] == []
                return
    raise AssertionError(f"no operation {operation}")


def test_the_openapi_document_is_valid_and_complete(door: Door) -> None:
    document = documented(door)
    validate(document)
    assert document["openapi"] == "3.1.0"
    assert document["servers"]
    assert document["info"]["contact"]
    operations = [
        d for methods in document["paths"].values() for d in methods.values() if isinstance(d, dict)
    ]
    ids = [d["operationId"] for d in operations]
    assert len(ids) == len(set(ids)) >= 32
    assert all(d["summary"] and "401" in d["responses"] and "default" in d["responses"] for d in operations)
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}
    assert document["security"]
    routes = {r.rule for r in door.web.url_map.iter_rules() if r.rule.startswith("/v1/")}
    assert len(routes) == sum(1 for path in document["paths"] if path.startswith("/v1/"))


def test_the_contracts_of_messages_and_events_are_served(door: Door) -> None:
    assert door.ask("GET", "/asyncapi.json", None).json["asyncapi"].startswith("3.")
    schema = door.ask("GET", "/schemas/baton-1.json", None).json
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(charge("A1"))


def test_receipts_fit_the_contract_whether_accepted_known_or_parked(door: Door) -> None:
    bad = charge("A2", "c2")
    del bad["data"]["amount"]
    for _ in range(2):
        must_fit(door, door.send(charge("A1"), bad), "postMessage")


def test_an_overdue_account_has_a_case_and_each_answer_about_it_fits_the_contract(door: Door) -> None:
    door.send(*overdue_story("A1"))
    account = door.get("/v1/accounts/GEN/A1")
    must_fit(door, account, "getAccount")
    assert door.get("/v1/accounts/A1").json == account.json == door.get("/v1/accounts/GEN%2FA1").json
    why = door.get("/v1/accounts/GEN/A1/why")
    must_fit(door, why, "explainAccount")
    assert (why.json["balance"], why.json["determination"]) == ("142.17", "final")
    assert why.json["decision"]["outcomes"]["open_case"] == "allow", why.json["gates"]
    page = door.get("/v1/cases", status="open")
    must_fit(door, page, "listCases")
    assert [c["amount"] for c in page.json["items"]] == ["142.17"]
    case = door.get(f"/v1/cases/{page.json['items'][0]['id']}")
    must_fit(door, case, "getCase")
    assert case.json["account"] == "GEN/A1"


def test_parked_parts_fit_the_contract(door: Door) -> None:
    bad = charge("A2", "c2")
    bad["data"]["amount"] = "1.234"
    door.send(charge("A1"), bad)
    answer = door.get("/v1/parked")
    must_fit(door, answer, "listParked")
    assert len(answer.json["items"]) == 1


def test_what_became_of_a_message_fits_the_contract_at_each_stage(door: Door) -> None:
    bad = charge("A2", "c2")
    bad["data"]["amount"] = "1.234"
    for answer in (door.send(charge("A1")), door.send(charge("A3", "c3"), bad)):
        must_fit(door, door.get(f"/v1/messages/{answer.json['sha256']}"), "getMessage")
    stored = door.post(json.dumps([charge("A4"), " " * (1 << 20)]).encode())
    must_fit(door, stored, "postMessage")
    assert stored.json["disposition"] == "stored"
    must_fit(door, door.get(f"/v1/messages/{stored.json['sha256']}"), "getMessage")
    must_fit(door, door.get("/v1/messages/" + "0" * 64), "getMessage")


def test_every_answer_of_the_use_cases_is_what_its_schema_says(door: Door) -> None:
    """Also those that the command line alone gives: the schemas are the one description of both."""
    bad = charge("A2", "c2")
    bad["data"]["amount"] = "1.234"
    door.send(*overdue_story("A1"), bad)
    policy, today = door.app.policy, door.app.moment().as_of
    with door.app.store.write() as unit:
        (waiting,) = unit.reader.parked()
        unit.act_on_parked(waiting.seq, ParkedAction("discarded", door.app.moment().now, "operator", "x"))
    with door.app.store.read() as reader:
        ref = answers.find_account(reader, "A1")
        (case,) = answers.cases(reader, None, None, 10)["items"]
        given: list[tuple[type[Schema], Any]] = [
            (api.WhyAnswer, answers.why(reader, policy, ref, today)),
            (api.AccountView, answers.account(reader, ref)),
            (api.CaseView, case),
            (api.CaseWithHistory, answers.case(reader, case["id"])),
            (api.ParkedList, {"items": answers.parked(reader, 10, include_settled=True)}),
            (api.ParkedView, answers.parked(reader, 10, include_settled=True)[0]),
        ]
    for schema, answer in given:
        found = list(Draft202012Validator(published(schema)).iter_errors(answer))
        assert [f"{schema.__name__} {e.json_path}: {e.message}" for e in found] == []
    assert given[-1][1]["actions"], "the settled one must be among them"


def test_refusals_fit_the_contract(door: Door) -> None:
    must_fit(door, door.get("/v1/cases", limt="3"), "listCases")
    must_fit(door, door.get("/v1/accounts/nobody"), "getAccountById")
    must_fit(door, door.ask("GET", "/v1/cases", None), "listCases")


def test_the_day_asked_about_is_the_day_answered(door: Door) -> None:
    door.send(*overdue_story("A1"))
    early = (datetime.now(UTC) - timedelta(days=150)).date().isoformat()
    then = door.get("/v1/accounts/GEN/A1/why", as_of=early).json
    assert then["as_of"] == early
    assert then["decision"]["outcomes"]["open_case"] != "allow"


def test_messages_are_listed_newest_first_page_by_page_without_what_they_say(door: Door) -> None:
    for number in ("A1", "A2", "A3"):
        door.send(charge(number))
    first = door.get("/v1/messages", limit="2")
    must_fit(door, first, "listMessages")
    rest = door.get("/v1/messages", limit="2", cursor=first.json["next"])
    assert (len(first.json["items"]), len(rest.json["items"]), rest.json["next"]) == (2, 1, None)
    assert len({m["sha256"] for m in first.json["items"] + rest.json["items"]}) == 3
    assert "A3" not in first.text and "600" not in first.text
    assert door.get("/v1/messages", status="parked").json["items"] == []
    assert door.get("/v1/messages", status="lost").status_code == 422
    assert door.get("/v1/messages", feed="a b").status_code == 422
    assert door.ask("GET", "/v1/messages", None).status_code == 401


def test_what_was_not_yet_known_is_not_used(door: Door) -> None:
    door.send(charge("A1"))
    between = datetime.now(UTC).isoformat()
    day = datetime.now(UTC).date().isoformat()
    paid = {"payment_id": "p1", "amount": "600.00", "from": "patient", "received_on": day}
    door.send(said("payment.posted", "A1", paid, id="p1"))
    assert door.get("/v1/accounts/GEN/A1/why").json["balance"] == "0.00"
    assert door.get("/v1/accounts/GEN/A1/why", known_at=between).json["balance"] == "600.00"


@pytest.mark.parametrize(
    "number",
    [
        "A/1",
        "A%2F1",
        "A%1",
        "why",
        "a/why",
        "Ä ß",
        "a?b#c",
        "a//b",
        "x y",
        "+1",
        "'\"<>",
        "..a",
        "a\\b",
        "a;b",
    ],
)
def test_any_account_number_can_be_asked_for(door: Door, number: str) -> None:
    door.send(charge(number))
    door.send(charge("1", "c9", facility="A"))
    part = quote(number, safe="")
    by_id = quote(f"GEN/{number}", safe="")
    for url in (f"/v1/accounts/{by_id}", f"/v1/accounts/{by_id}/why"):
        answer = door.ask("GET", url)
        assert (answer.status_code, answer.json["account"]) == (200, f"GEN/{number}"), url
    if number != "why":
        for url in (f"/v1/accounts/GEN/{part}", f"/v1/accounts/GEN/{part}/why"):
            answer = door.ask("GET", url)
            assert (answer.status_code, answer.json["account"]) == (200, f"GEN/{number}"), url


def test_pages_of_cases_follow_each_other_without_gap_or_repetition(door: Door) -> None:
    for number in ("A1", "A2", "A3", "A4", "A5"):
        door.send(*overdue_story(number))
    seen: list[str] = []
    query = {"limit": "2"}
    for _ in range(5):
        page = door.get("/v1/cases", **query).json
        assert len(page["items"]) <= 2
        seen += [case["account"] for case in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = str(page["next"])
    assert sorted(seen) == [f"GEN/A{n}" for n in range(1, 6)]
    assert door.get("/v1/cases", status="closed").json == {"items": [], "next": None}
