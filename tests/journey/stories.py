"""Messages that journeys are made of: one account from registration to its second statement."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from schemas.facts import Message
from service.receipts import Moment

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MOMENT = Moment(NOW, TODAY)


def ago(days: int) -> str:
    """A day before today."""
    return (TODAY - timedelta(days=days)).isoformat()


def native(id: str, type: str, data: dict[str, Any], *, days: int = 0, account: str = "A1") -> dict[str, Any]:
    """One message of the native contract."""
    return {
        "schema": "baton/1",
        "type": type,
        "id": id,
        "source": "pas",
        "occurred_at": f"{ago(days)}T09:00:00Z",
        "account": {"facility": "GEN", "number": account},
        "data": data,
    }


def sealed(*plain: Any, feed: str = "test") -> list[Message]:
    """Messages as a door hands them over; bytes stay bytes."""
    return [
        Message.of(
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            feed=feed,
            format="json",
            door="test",
            received_at=NOW,
        )
        for body in plain
    ]


def ripe(account: str = "A1", *, first: int = 90, second: int = 60) -> list[dict[str, Any]]:
    """Everything a case needs: 142.17 is the patient's, two statements were delivered, time has passed."""
    payer = {"id": "60054", "name": "Example Health"}
    person = {"id": "P1", "birth_date": "1980-01-01"}

    def say(number: int, type: str, data: dict[str, Any], days: int) -> dict[str, Any]:
        return native(f"{account}-{number}", type, data, days=days, account=account)

    return [
        say(
            1,
            "account.registered",
            {"patient": person, "guarantor": person | {"relationship": "self"}, "service_from": ago(150)},
            150,
        ),
        say(2, "coverage.listed", {"coverages": [{"order": 1, "payer": payer, "kind": "commercial"}]}, 150),
        say(3, "charge.posted", {"charge_id": "C1", "amount": "600.00", "service_date": ago(150)}, 149),
        say(4, "coding.status", {"status": "complete"}, 148),
        say(5, "claim.adjudicated", adjudicated(account), 120),
        say(6, "statement.sent", statement(1, first), first),
        say(7, "statement.sent", statement(2, second), second),
    ]


def adjudicated(account: str) -> dict[str, Any]:
    """600.00 = 357.83 paid + 100.00 contractual + 142.17 patient."""
    return {
        "claim_id": account,
        "payer_claim_id": f"{account}P",
        "payer": {"id": "60054", "name": "Example Health"},
        "order": 1,
        "status": "1",
        "adjudicated_on": ago(120),
        "charge": "600.00",
        "paid": "357.83",
        "patient_responsibility": "142.17",
        "remittance": {"trace": "E1", "payment_date": ago(120)},
        "adjustments": [
            {"group": "CO", "code": "45", "amount": "100.00"},
            {"group": "PR", "code": "1", "amount": "100.00"},
            {"group": "PR", "code": "2", "amount": "42.17"},
        ],
    }


def paid_in_full() -> list[dict[str, Any]]:
    """The insurer takes its decision back and pays everything but its contract's part."""
    taken_back = adjudicated("A1") | {
        "status": "22",
        "charge": "-600.00",
        "paid": "-357.83",
        "remittance": {"trace": "E2", "payment_date": ago(1)},
        "adjustments": [
            {"group": "CO", "code": "45", "amount": "-100.00"},
            {"group": "PR", "code": "1", "amount": "-100.00"},
            {"group": "PR", "code": "2", "amount": "-42.17"},
        ],
    }
    del taken_back["patient_responsibility"]
    paid = adjudicated("A1") | {
        "payer_claim_id": "A1R",
        "original_payer_claim_id": "A1P",
        "paid": "500.00",
        "patient_responsibility": "0.00",
        "remittance": {"trace": "E2", "payment_date": ago(1)},
        "adjustments": [{"group": "CO", "code": "45", "amount": "100.00"}],
    }
    return [
        native("r1", "claim.adjudicated", taken_back, days=1),
        native("r2", "claim.adjudicated", paid, days=1),
    ]


def statement(number: int, days: int) -> dict[str, Any]:
    """A delivered statement of the final balance."""
    return {
        "number": number,
        "sent_on": ago(days),
        "amount": "142.17",
        "financial_assistance_notice": True,
    }
