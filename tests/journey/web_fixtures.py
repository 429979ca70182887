"""A Baton over a real SQLite file, its web app, a key, and what it logged."""

from __future__ import annotations

import http.client
import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from service.app import App
from service.config import load
from service.logs import open_log
from service.web import SCOPES, create_key, create_web, serve

LIMIT = 3 * 1024 * 1024
PATIENT = {
    "id": "ZQCANARY-ID",
    "family": "ZQCANARYFAMILY",
    "given": "ZQCANARYGIVEN",
    "birth_date": "1961-07-19",
    "phone": "+1-614-555-0173",
    "address": {"line": "7 ZQCANARY LANE", "city": "Columbus", "state": "OH", "postal_code": "43215"},
}
CANARIES = ("ZQCANARY", "1961-07-19", "614-555-0173", "142.17", "ZQACCOUNT")


@dataclass
class Door:
    """The web app of one Baton as a test asks it."""

    app: App
    web: Any
    key: str
    log: io.StringIO
    seen: list[str] = field(default_factory=list)

    def ask(self, method: str, url: str, key: str | None = "", **more: Any) -> TestResponse:
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key or self.key}"
        return self.web.test_client().open(url, method=method, headers=headers, **more)

    def get(self, url: str, **query: str) -> TestResponse:
        return self.ask("GET", url + ("?" + urlencode(query) if query else ""))

    def post(self, body: bytes, kind: str = "application/json", **more: Any) -> TestResponse:
        return self.ask("POST", "/v1/messages", data=body, content_type=kind, **more)

    def send(self, *messages: Mapping[str, Any]) -> TestResponse:
        return self.post(json.dumps(list(messages)).encode())


def make_app(home: Path, **settings: str) -> App:
    return App(
        load(
            {
                "BATON_HOME": str(home),
                "BATON_MAX_MESSAGE_BYTES": str(LIMIT),
                "BATON_SETTLING_SECONDS": "0",
                **settings,
            },
            None,
        )
    )


def door_to(app: App) -> Door:
    log = io.StringIO()
    key = create_key(app.store, SCOPES, datetime.now(UTC))
    return Door(app, create_web(app, open_log("web", log)), key, log)


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path)
    app.store.upgrade()
    yield door_to(app)
    app.close()


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int, App]]:
    """Where a Baton with an empty store is served over a real socket."""
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path, BATON_HTTP_PORT="0")
    app.store.upgrade()
    with served(app) as (host, port):
        yield host, port, app
    app.close()


class served:  # noqa: N801
    """A running server, stopped at the end."""

    def __init__(self, app: App) -> None:
        self.stop = threading.Event()
        self._bound = threading.Event()
        self._at = ("", 0)
        self.thread = threading.Thread(target=serve, args=(app, self.stop, self._note))

    def _note(self, host: str, port: int) -> None:
        self._at = (host, port)
        self._bound.set()

    def __enter__(self) -> tuple[str, int]:
        self.thread.start()
        assert self._bound.wait(10)
        return self._at

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()


def over_socket(
    at: tuple[str, int], method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    connection = http.client.HTTPConnection(*at, timeout=60)
    try:
        connection.request(method, url, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def said(
    kind: str, number: str, data: Mapping[str, Any], *, id: str, days_ago: int = 0, facility: str = "GEN"
) -> dict[str, Any]:
    """One baton/1 message."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return {
        "schema": "baton/1",
        "type": kind,
        "id": id,
        "source": "test-hospital",
        "occurred_at": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "account": {"facility": facility, "number": number},
        "data": data,
    }


def charge(number: str, id: str = "c1", *, facility: str = "GEN", amount: str = "600.00") -> dict[str, Any]:
    day = (datetime.now(UTC) - timedelta(days=200)).date().isoformat()
    data = {"charge_id": id, "amount": amount, "service_date": day}
    return said("charge.posted", number, data, id=f"{number}-{id}", days_ago=200, facility=facility)


def problem_of(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document of a refusal that must be this one; under /fhir an OperationOutcome."""
    if answer.request.path.startswith("/fhir"):
        return outcome_of(answer, status, code)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.get_data(
        True
    )
    document = json.loads(answer.get_data())
    assert (document["status"], document["code"]) == (status, code), document
    assert document["type"] == f"urn:baton:problem:{code}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return document


def outcome_of(answer: TestResponse, status: int, *codes: str) -> dict[str, Any]:
    """The OperationOutcome of an answer that must have these issues."""
    told = answer.get_data(True)
    assert (answer.status_code, answer.content_type) == (status, "application/fhir+json"), told
    document = json.loads(told)
    assert document["resourceType"] == "OperationOutcome"
    assert [issue["details"]["text"] for issue in document["issue"]] == list(codes), document
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    made: dict[str, Any] = document
    return made


Story = Callable[[str], list[dict[str, Any]]]


def overdue_story(number: str) -> list[dict[str, Any]]:
    """Everybody has done their part for this account, and the patient's 142.17 has been overdue for long."""

    def day(days_ago: int) -> str:
        return (datetime.now(UTC) - timedelta(days=days_ago)).date().isoformat()

    payer = {"id": "1512345678", "name": "EXAMPLE HEALTH PLAN"}
    adjudicated = {
        "claim_id": number, "payer": payer, "order": 1, "status": "1", "adjudicated_on": day(160),
        "charge": "600.00", "paid": "357.83", "remittance": {"trace": "T1", "payment_date": day(160)},
        "patient_responsibility": "142.17",
        "adjustments": [
            {"group": "CO", "code": "45", "amount": "100.00"},
            {"group": "PR", "code": "1", "amount": "100.00"},
            {"group": "PR", "code": "2", "amount": "42.17"},
        ],
    }  # fmt: skip
    told: list[tuple[str, int, dict[str, Any]]] = [
        ("account.registered", 200, {"patient": PATIENT, "service_from": day(200), "service_to": day(200)}),
        ("coverage.listed", 200, {"coverages": [{"order": 1, "payer": payer, "kind": "commercial"}]}),
        ("coding.status", 199, {"status": "complete"}),
        ("claim.submitted", 190, {"claim_id": number, "payer": payer, "order": 1, "charge": "600.00",
                                  "submitted_on": day(190)}),
        ("claim.adjudicated", 160, adjudicated),
        *[("statement.sent", ago, {"number": n, "sent_on": day(ago), "amount": "142.17", "channel": "mail",
                                   "financial_assistance_notice": True, "final_notice": n == 4})
          for n, ago in enumerate((150, 120, 90, 60), 1)],
    ]  # fmt: skip
    messages = [
        said(kind, number, data, id=f"{number}-s{n}", days_ago=ago)
        for n, (kind, ago, data) in enumerate(told)
    ]
    return [charge(number), *messages]
