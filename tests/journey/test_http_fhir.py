"""For an integrator: what `/fhir` answers, in FHIR, over a real socket and with a real client."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from web_fixtures import CANARIES, LIMIT, Door, create_key, outcome_of

from adapters.fhir import TYPES
from adapters.fhir.conformance import advise
from service.app import App

sys.path.insert(0, str(Path(__file__).parents[1] / "doors"))

from fhir_pairs.reading import bundle, eob, written

FHIR = "application/fhir+json"


def post(
    door: Door, resource: bytes | dict[str, Any], path: str = "/fhir", kind: str = FHIR, **more: Any
) -> Any:
    body = resource if isinstance(resource, bytes) else written(resource)
    return door.ask("POST", path, data=body, content_type=kind, **more)


def conforms(answer: Any) -> dict[str, Any]:
    assert advise(answer.get_data()) == [], answer.get_data(True)
    document: dict[str, Any] = json.loads(answer.get_data())
    return document


def test_the_capability_statement_is_open_and_conforms(door: Door) -> None:
    answer = door.ask("GET", "/fhir/metadata", None)
    assert (answer.status_code, answer.content_type) == (200, FHIR)
    told = conforms(answer)
    assert {one["type"] for one in told["rest"][0]["resource"]} == TYPES
    assert told["fhirVersion"] == "4.0.1" and told["kind"] == "instance"


def test_one_resource_is_created_once_and_a_duplicate_after(door: Door) -> None:
    first = post(door, eob(), "/fhir/ExplanationOfBenefit")
    outcome_of(first, 201, "received")
    name = sha256(written(eob())).hexdigest()
    assert first.headers["Location"] == f"/v1/messages/{name}?feed=http"
    assert door.get(f"/v1/messages/{name}").json["facts"] == 1
    outcome_of(post(door, eob(), "/fhir/ExplanationOfBenefit"), 200, "duplicate")
    conforms(first)


def test_a_transaction_is_answered_entry_by_entry(door: Door) -> None:
    sent = bundle(
        eob(), eob(use=None, id="eob-2"), {"resourceType": "Patient", "id": "1"}, kind="transaction"
    )
    answer = post(door, sent)
    assert answer.status_code == 202
    told = conforms(answer)
    assert told["type"] == "transaction-response"
    assert [entry["response"]["status"] for entry in told["entry"]] == [
        "201 Created",
        "202 Accepted",
        "201 Created",
    ]
    (issue,) = told["entry"][1]["response"]["outcome"]["issue"]
    assert (issue["severity"], issue["code"]) == ("warning", "required")
    assert issue["expression"] == ["Bundle.entry[1].resource.use"]
    again = json.loads(post(door, sent).get_data())
    assert [entry["response"]["status"] for entry in again["entry"]] == ["200 OK", "202 Accepted", "200 OK"]


def test_a_batch_that_is_wholly_read_is_answered_with_200(door: Door) -> None:
    answer = post(door, bundle(eob(), kind="batch"))
    assert answer.status_code == 200 and conforms(answer)["type"] == "batch-response"


@pytest.mark.parametrize("kind", ["message", "collection", "searchset"])
def test_any_other_bundle_is_answered_with_an_outcome(door: Door, kind: str) -> None:
    outcome_of(post(door, bundle(eob(), kind=kind)), 200, "received")


def test_what_waits_for_a_person_is_a_warning_and_is_parked(door: Door) -> None:
    answer = post(door, eob(supportingInfo=None), "/fhir/ExplanationOfBenefit")
    told = outcome_of(answer, 202, "account-missing")
    assert told["issue"][0]["severity"] == "warning"
    assert [one["code"] for one in door.get("/v1/parked").json["items"]] == ["account-missing"]


@pytest.mark.parametrize(
    ("body", "path", "kind", "status", "code"),
    [
        (b"", "/fhir", FHIR, 400, "empty-body"),
        (b"{", "/fhir", FHIR, 400, "not-json"),
        (b"[]", "/fhir", FHIR, 400, "not-a-resource"),
        (b'{"resourceType": 7}', "/fhir", FHIR, 400, "not-a-resource"),
        (b'{"resourceType": "ExplanationOfBenefits"}', "/fhir", FHIR, 422, "unknown-resource"),
        (b'{"resourceType": "Patient"}', "/fhir/Account", FHIR, 400, "type-differs"),
        (b'{"resourceType": "Observation"}', "/fhir/Observation", FHIR, 404, "resource-not-read"),
        (b"<Patient/>", "/fhir", "application/fhir+xml", 415, "media-type-unsupported"),
        (b"{}", "/fhir", "text/plain", 415, "media-type-unsupported"),
        (b" " * (LIMIT + 1), "/fhir", FHIR, 413, "too-large"),
        (b"{}", "/fhir?nonsense=1", FHIR, 422, "unknown-parameter"),
        (b'{"resourceType": "Patient", "a": NaN}', "/fhir", FHIR, 400, "not-json"),
        (b'{"resourceType": "Patient", "a": ' + b"[" * 5000, "/fhir", FHIR, 400, "too-deep"),
    ],
)  # fmt: skip
def test_what_is_refused_is_told_in_fhir_and_not_stored(
    door: Door, body: bytes, path: str, kind: str, status: int, code: str
) -> None:
    answer = post(door, body, path, kind)
    outcome_of(answer, status, code)
    conforms(answer)
    with door.app.store.read() as reader:
        assert reader.counts().messages == 0


def test_without_a_key_or_its_scope_the_refusal_is_an_outcome(door: Door) -> None:
    outcome_of(post(door, eob(), key=None), 401, "key-missing")
    reader = create_key(door.app.store, ["accounts:read"], door.app.moment().now)
    outcome_of(post(door, eob(), key=reader), 403, "scope-missing")
    outcome_of(door.ask("GET", "/fhir/Patient/1", None), 401, "key-missing")


def test_no_answer_and_no_log_line_repeats_a_value(door: Door) -> None:
    patient = {
        "resourceType": "Patient", "id": "1", "birthDate": "1961-07-19",
        "identifier": [{"value": "ZQCANARY-ID"}],
        "name": [{"family": "ZQCANARYFAMILY", "given": ["ZQCANARYGIVEN"]}], "deceasedBoolean": "ZQCANARY",
    }  # fmt: skip
    bad = eob(account="ZQACCOUNT", use="ZQCANARY", status="ZQCANARY")
    account = {"resourceType": "Account", "identifier": [{"value": "ZQACCOUNT"}], "status": "ZQCANARY",
               "subject": [{"reference": "Patient/1"}]}  # fmt: skip
    answer = post(door, bundle(patient, bad, account, kind="transaction"))
    assert answer.status_code == 202
    for text in (answer.get_data(True), door.log.getvalue()):
        assert not [canary for canary in CANARIES if canary in text]


def test_a_long_bundle_is_stored_and_left_to_be_read(door: Door) -> None:
    sent = written(bundle(*[eob(account=f"A{n}") for n in range(600)]))
    assert 1 << 20 < len(sent) < LIMIT
    outcome_of(post(door, sent), 202, "stored")
    with door.app.store.read() as reader:
        assert reader.counts().messages == 1 and reader.counts().unread == 1
    long = b'"not an object' + b" " * (1 << 20)
    outcome_of(post(door, long), 400, "not-json")


def test_the_openapi_document_describes_it(door: Door) -> None:
    paths = door.ask("GET", "/openapi.json", None).json["paths"]
    assert set(paths["/fhir"]["post"]["requestBody"]["content"]) == {FHIR, "application/json"}
    assert FHIR in paths["/fhir/{kind}"]["post"]["responses"]["201"]["content"]
    assert FHIR in paths["/fhir/metadata"]["get"]["responses"]["200"]["content"]


def test_over_a_socket_a_resource_is_read_once(address: tuple[str, int, App]) -> None:
    host, port, app = address
    key = create_key(app.store, ["messages:write"], app.moment().now)
    headers = {"Content-Type": FHIR, "Authorization": f"Bearer {key}"}
    for expected in (201, 200):
        client = http.client.HTTPConnection(host, port, timeout=20)
        client.request("POST", "/fhir/ExplanationOfBenefit?feed=ehr", written(eob()), headers)
        answer = client.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (expected, FHIR)
        assert advise(answer.read()) == []
        client.close()
    with app.store.read() as reader:
        assert reader.counts().messages == 1 and reader.counts().facts == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_posts_a_bundle(address: tuple[str, int, App], tmp_path: Path) -> None:
    host, port, app = address
    key = create_key(app.store, ["messages:write"], app.moment().now)
    (tmp_path / "bundle.json").write_bytes(written(bundle(eob(), kind="transaction")))
    url = f"http://{host}:{port}/fhir"
    ran = subprocess.run(
        ["curl", "-sS", "--fail", "-H", f"Authorization: Bearer {key}", "-H", f"Content-Type: {FHIR}",
         "--data-binary", f"@{tmp_path}/bundle.json", url],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    assert json.loads(ran.stdout)["entry"] == [{"response": {"status": "201 Created"}}]
