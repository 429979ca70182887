"""Outgoing events: CloudEvents 1.0, canonical, stable, and silent about persons."""

import json
from datetime import UTC, date, datetime, timedelta, timezone

import jsonschema
import pytest

from schemas.canonical import to_bytes
from schemas.cases import CaseEvent
from schemas.decisions import Decision, Finding, Reason, Responsibility, Share, Trace, Verdict
from schemas.facts import AccountRef
from schemas.wire.documents import event_schema
from schemas.wire.events import (
    EVENTS,
    account_held,
    audit_checkpoint,
    case_event,
    feed_told,
    responsibility_determined,
)

ACCOUNT = AccountRef("GEN", "A1")
AT = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)
SHA = "ab" * 32


def finding(gate, verdict, stage="open_case", until=None):
    return Finding(
        gate, f"{gate} name", stage, verdict, f"{gate} because", "CANARY", until, evidence=("CANARY",)
    )


DECISION = Decision(
    account=ACCOUNT,
    as_of=date(2026, 4, 1),
    responsibility=Responsibility(
        20000,
        "USD",
        "provisional",
        (
            Share("patient", 10000, Reason("PR", "1", "deductible"), "CANARY", ("CANARY",)),
            Share("patient", 4217, Reason("PR", "2", "coinsurance"), "CANARY", ("CANARY",)),
            Share("payer:60054", 5783, Reason("", "pending", "payer has not answered"), "CANARY"),
        ),
        14217,
        0,
        0,
        (Trace("DET-06", "CANARY"),),
    ),
    findings=(
        finding("G03", Verdict.HOLD),
        finding("G41", Verdict.HOLD, until=date(2026, 7, 30)),
        finding("G20", Verdict.ALLOW),
        finding("G60", Verdict.BLOCK, stage="place"),
    ),
    outcomes=(Verdict.HOLD, Verdict.BLOCK, Verdict.HOLD),
    policy_version="2026-04",
    policy_sha256=SHA,
    facts_sha256=SHA,
    review_on=date(2026, 7, 30),
    material="m",
    id="d-1",
    content=b"CANARY",
)


def moved(move):
    return CaseEvent("e-1", "K1", ACCOUNT, move, 2, 14217, 10000, "USD", "d-1", "because of G41")


def written(kind):
    if kind == "responsibility.determined":
        return responsibility_determined(DECISION, "e-1", AT)
    if kind == "account.held":
        return account_held(DECISION, "e-1", AT)
    if kind.startswith("feed."):
        return feed_told(kind, "era", ("silent", "Nothing came for 30 hours."), "e-1", AT)
    if kind == "audit.checkpoint":
        return audit_checkpoint("baton\n1\n", "e-1", AT)
    return case_event(moved(kind.removeprefix("case.")), DECISION, AT)


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_is_a_cloud_event_of_its_published_schema(kind):
    event = json.loads(written(kind))
    jsonschema.Draft202012Validator(event_schema(kind)).validate(event)
    assert (event["specversion"], event["type"], event["id"]) == ("1.0", kind, "e-1")
    subject = {"audit": "audit", "feed": "feed/era"}.get(kind.partition(".")[0], "GEN/A1")
    assert (event["subject"], event["time"]) == (subject, "2026-04-01T09:30:00Z")


@pytest.mark.parametrize("kind", EVENTS)
def test_the_published_schema_names_every_field_an_event_has(kind):
    schema = event_schema(kind)

    def undocumented(value, described):
        if "$ref" in described:
            described = schema["$defs"][described["$ref"].rpartition("/")[2]]
        if isinstance(value, dict):
            for name, inner in value.items():
                assert name in described["properties"], name
                undocumented(inner, described["properties"][name])
        elif isinstance(value, list):
            for inner in value:
                undocumented(inner, described["items"])

    undocumented(json.loads(written(kind)), schema)


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_is_canonical_and_holds_nothing_that_it_was_not_asked_for(kind):
    event = written(kind)
    assert event == to_bytes(json.loads(event))
    assert b"CANARY" not in event


@pytest.mark.parametrize(
    ("move", "status"),
    [("opened", "open"), ("adjusted", "open"), ("recalled", "recalled"), ("closed", "closed")],
)
def test_a_case_event_says_what_changed_and_under_which_policy(move, status):
    data = json.loads(case_event(moved(move), DECISION, AT))["data"]
    assert data == {
        "case_id": "K1",
        "sequence": 2,
        "account": {"facility": "GEN", "number": "A1"},
        "amount": "142.17",
        "previous_amount": "100.00",
        "currency": "USD",
        "status": status,
        "reason": "because of G41",
        "decision": "d-1",
        "policy": {"version": "2026-04", "sha256": SHA},
    }


def test_the_shares_of_a_determination_add_up_to_its_balance():
    data = json.loads(responsibility_determined(DECISION, "e-1", AT))["data"]
    assert (data["balance"], data["patient_amount"], data["determination"]) == (
        "200.00",
        "142.17",
        "provisional",
    )
    assert [(s["bearer"], s["amount"]) for s in data["shares"]] == [
        ("patient", "100.00"),
        ("patient", "42.17"),
        ("payer:60054", "57.83"),
    ]


def test_a_held_account_names_only_the_gates_that_keep_a_case_from_opening():
    data = json.loads(account_held(DECISION, "e-1", AT))["data"]
    assert [(g["gate"], g["verdict"], g["until"]) for g in data["holding"]] == [
        ("G03", "hold", None),
        ("G41", "hold", "2026-07-30"),
    ]
    assert data["review_on"] == "2026-07-30"


def test_the_time_of_an_event_is_written_in_utc():
    local = datetime(2026, 4, 1, 4, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert account_held(DECISION, "e-1", local) == account_held(DECISION, "e-1", AT)
