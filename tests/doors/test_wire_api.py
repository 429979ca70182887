"""The API's answers: every schema can be published, and an answer of the contract's own form fits it."""

import jsonschema
import pytest
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from schemas.wire import api

SHA = "ab" * 32
ANSWERS = [
    api.Problem,
    api.Receipt,
    api.MessageView,
    api.WhyAnswer,
    api.CaseView,
    api.CaseWithHistory,
    api.AccountView,
    api.CasePage,
    api.ParkedView,
    api.ParkedList,
]

CASE = {
    "id": "K1", "account": "GEN/A1", "number": 1, "status": "open", "amount": "142.17", "currency": "USD",
    "reason": None, "reason_text": None, "opened_by": "d-1", "decided_by": "d-2", "events": 2,
}  # fmt: skip
PROOF = {"fact": SHA, "message": SHA, "where": "ST 0001 / CLP 3", "feed": "era", "format": "x12"}
EVIDENCE = [PROOF]
RECEIPT = {
    "sha256": SHA, "disposition": "parked", "facts": 1,
    "rejected": [{"where": "$.x", "code": "unknown-field", "reason": "leave it out"}],
}  # fmt: skip
WHY = {
    "account": "GEN/A1",
    "facility": "GEN",
    "number": "A1",
    "as_of": "2026-04-01",
    "known_at": None,
    "summary": "The patient owes 142.17.",
    "balance": "142.17",
    "currency": "USD",
    "assigned": "142.17",
    "collectible": "142.17",
    "net": "-1.00",
    "responsibility": [
        {
            "bearer": "patient",
            "amount": "142.17",
            "reason": {"group": "PR", "code": "1", "text": "deductible"},
            "claim": None,
            "evidence": EVIDENCE,
        }
    ],
    "bearers": [{"bearer": "patient", "amount": "142.17"}],
    "payers": [
        {
            "claim": "A1",
            "payer": "P1",
            "rank": 1,
            "state": "final",
            "because": "It has decided.",
            "evidence": EVIDENCE,
        }
    ],
    "determination": "final",
    "waterfall": [{"step": "charges", "why": "", "amount": "142.17", "left": "142.17", "evidence": EVIDENCE}],
    "traces": [
        {
            "rule": "DET-06",
            "name": "a sentence",
            "citation": "005010X221A1",
            "found": "a final decision",
            "claim": "A1",
            "evidence": EVIDENCE,
        }
    ],
    "silent_rules": [{"rule": "DET-14", "name": "a sentence", "citation": "005010X221A1"}],
    "gates": [
        {
            "gate": "G41",
            "name": "notice_period_has_run",
            "stage": "open_case",
            "verdict": "allow",
            "until": None,
            "because": "120 days have passed.",
            "lifted_by": None,
            "parameters": {"days": 120, "strict": True},
            "set_by": {"days": "house-default@1"},
            "lifted": None,
            "citation": "26 CFR 1.501(r)-6",
            "evidence": EVIDENCE,
        }
    ],
    "decision": {
        "id": SHA,
        "stored": False,
        "outcomes": {"open_case": "allow", "place": "hold", "extraordinary": "block"},
        "policy": {"version": "2026-04", "sha256": SHA, "packs": [], "note": None},
        "decided_at": None,
        "review_on": None,
    },
    "case": CASE,
    "opening": {
        "case": "K1",
        "on": "2026-04-01",
        "at": "2026-04-01T08:00:00Z",
        "decision": SHA,
        "sentence": "The last gate to let go was G41.",
        "let_go": [
            {"gate": "G41", "name": "waited", "on": "2026-04-01", "before": "Too early.", "after": "Enough."}
        ],
        "day_before": {
            "on": "2026-03-31",
            "held_by": [{"gate": "G41", "because": "Too early.", "until": "2026-04-01"}],
        },
    },
    "work": [
        {
            "queue": "billing",
            "reason": "difference",
            "text": "Find the difference.",
            "amount": None,
            "due_on": None,
            "claims": ["A1"],
            "evidence": EVIDENCE,
        }
    ],
    "overrides": [],
    "withheld": [],
    "timeline": [
        {"at": "2026-03-14T00:00:00Z", "what": "The payer decided.", "evidence": EVIDENCE},
        {
            "at": "2026-03-14T00:00:00Z",
            "what": "Decided: a case may open.",
            "evidence": [],
            "decision": SHA,
            "policy": "house@1",
            "changed": [
                {
                    "gate": "G41",
                    "name": "waited",
                    "was": "hold",
                    "now": "allow",
                    "before": "Too early",
                    "because": "Enough.",
                }
            ],
        },
    ],
    "counterfactual": [
        {
            "change": "the patient paid 40.00",
            "outcome": "the case would end",
            "opens": False,
            "on": "2026-04-01",
            "facts": [
                {
                    "type": "payment.posted",
                    "occurred_at": "2026-04-01T23:59:59Z",
                    "currency": "USD",
                    "data": {"amount_cents": 4000},
                }
            ],
        }
    ],
    "searched": {"decisions": 24, "complete": True},
    "basis": {"minimal": True, "facts": [PROOF | {"what": "Account registered"}]},
    "audit": {"entry": 7, "hash": SHA},
}


def published(schema):
    named = MarshmallowPlugin(lambda s: (s if isinstance(s, type) else type(s)).__name__)
    spec = APISpec("Baton", "1", "3.1.0", plugins=[named])
    spec.components.schema(schema.__name__, schema=schema)
    document = spec.to_dict()
    return document | {"$ref": f"#/components/schemas/{schema.__name__}"}


@pytest.mark.parametrize("schema", ANSWERS)
def test_an_answer_is_published_as_json_schema_with_every_field_described(schema):
    document = published(schema)
    jsonschema.Draft202012Validator.check_schema(document)
    for name, definition in document["components"]["schemas"].items():
        for field, documented in definition["properties"].items():
            assert documented.get("description") or "anyOf" in documented, f"{name}.{field}"


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        (api.WhyAnswer, WHY),
        (api.WhyAnswer, WHY | {"case": None, "audit": None}),
        (api.CaseView, CASE),
        (api.CasePage, {"items": [CASE], "next": None}),
        (api.Problem, {"type": "about:blank", "title": "Not found", "status": 404}),
        (api.Receipt, RECEIPT),
        (
            api.MessageView,
            {**RECEIPT, "feed": "main", "format": "x12", "door": "http", "size": 7, "known": 0,
             "received_at": "2026-04-01T09:30:00Z", "read_at": None},
        ),
    ],
)  # fmt: skip
def test_an_answer_is_written_as_it_is_and_fits_its_schema(schema, answer):
    written = schema().dump(answer)
    assert written == answer
    jsonschema.Draft202012Validator(published(schema)).validate(written)


@pytest.mark.parametrize("schema", ANSWERS)
def test_an_answer_promises_every_field_and_no_other(schema):
    if schema is api.Problem:
        pytest.skip("RFC 9457 allows further members")
    (definition,) = [d for n, d in published(schema)["components"]["schemas"].items() if n == schema.__name__]
    assert set(definition["required"]) == set(definition["properties"])
    assert definition["additionalProperties"] is False


def test_an_amount_that_is_no_decimal_string_does_not_fit():
    assert not jsonschema.Draft202012Validator(published(api.CaseView)).is_valid(CASE | {"amount": 142.17})
