"""What an Account says with the people and coverages beside it, and when it became true."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fhir_pairs.reading import bodies_of, bundle, eob, facts_of, items_of, noted_of, parked_of

from schemas.facts import (
    AccountCleared,
    AccountFlagged,
    AccountRegistered,
    BalanceReported,
    CoverageListed,
    PaymentPosted,
)

FIRST = {"resourceType": "Coverage", "id": "1", "status": "active", "order": 1,
         "payor": [{"identifier": {"value": "60054"}}]}  # fmt: skip
SELF = {"resourceType": "Coverage", "id": "2", "status": "active",
        "type": {"coding": [{"code": "pay"}]}, "payor": [{"reference": "Patient/1"}]}  # fmt: skip


def account(**changes: Any) -> dict[str, Any]:
    made = {"resourceType": "Account", "status": "active", "identifier": [{"value": "A1"}]}
    return made | changes


def listing(*ids: str) -> list[dict[str, Any]]:
    return [{"coverage": {"reference": f"Coverage/{id}"}, "priority": n} for n, id in enumerate(ids, 1)]


def lists(*resources: dict[str, Any]) -> list[CoverageListed]:
    return [b for b in bodies_of(items_of(bundle(*resources))) if isinstance(b, CoverageListed)]


def test_a_payer_list_that_is_not_whole_in_the_message_is_no_list() -> None:
    (whole,) = lists(account(coverage=listing("1")), FIRST)
    assert [one.payer.id for one in whole.coverages] == ["60054"]
    made = bundle(account(coverage=listing("1", "elsewhere")), FIRST)
    assert lists(account(coverage=listing("1", "elsewhere")), FIRST) == []
    assert "coverage-not-included" in noted_of(items_of(made))


def test_self_pay_is_an_empty_list_and_no_coverage_is_none() -> None:
    assert lists(account(coverage=listing("2")), SELF) == [CoverageListed(())]
    assert lists(account()) == []


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "draft"])
def test_a_coverage_that_is_not_in_force_is_not_listed(status: str) -> None:
    second = {**FIRST, "id": "3", "status": status}
    (found,) = lists(account(coverage=listing("1", "3")), FIRST, second)
    assert len(found.coverages) == 1


def test_the_account_says_when_else_its_bundle_and_else_any_dated_statement_goes_first() -> None:
    timestamp = {"timestamp": "2026-03-21T00:00:00Z"}
    own = account(servicePeriod={"start": "2026-03-01"}, meta={"lastUpdated": "2026-03-20T00:00:00Z"})
    assert {f.occurred_at.day for f in facts_of(items_of(bundle(own, **timestamp)))} == {20}
    bare = account(servicePeriod={"start": "2026-03-01"})
    assert {f.occurred_at.day for f in facts_of(items_of(bundle(bare, **timestamp)))} == {21}
    undated = items_of(bundle(bare))
    assert {f.occurred_at for f in facts_of(undated)} == {datetime(1970, 1, 1, tzinfo=UTC)}
    assert "undated" in noted_of(undated)


def test_a_hold_is_placed_and_lifted_under_its_own_name() -> None:
    held = bodies_of(items_of(account(status="on-hold", meta={"lastUpdated": "2026-03-20T00:00:00Z"})))
    free = bodies_of(items_of(account(meta={"lastUpdated": "2026-03-22T00:00:00Z"})))
    (placed,) = [b for b in held if isinstance(b, AccountFlagged)]
    assert placed.reference in {b.reference for b in free if isinstance(b, AccountCleared)}


def test_an_account_in_error_holds_and_waits_for_a_person() -> None:
    items = items_of(account(status="entered-in-error"))
    assert parked_of(items) == [("account-in-error", "Account.status")]
    assert any(isinstance(b, AccountFlagged) for b in bodies_of(items))


def test_several_identifiers_of_no_kind_name_no_account() -> None:
    assert parked_of(items_of(account(identifier=[{"value": "1"}, {"value": "2"}]))) == [
        ("account-missing", "Account")
    ]


def test_a_person_that_is_not_in_the_message_is_left_out_and_said() -> None:
    made = account(subject=[{"reference": "Patient/9"}], servicePeriod={"start": "2026-03-01"})
    items = items_of(bundle(made, {"resourceType": "Patient", "id": "8", "birthDate": "2000-01-01"}))
    (registered,) = [b for b in bodies_of(items) if isinstance(b, AccountRegistered)]
    assert registered.patient is None and "person-not-included" in noted_of(items)


def test_estimates_and_parts_of_a_balance_are_no_balance() -> None:
    def entry(code: str, amount: int, **more: Any) -> dict[str, Any]:
        return {"aggregate": {"coding": [{"code": code}]}, "amount": {"value": amount}, **more}

    partial = items_of(account(balance=[entry("patient", 5)]))
    assert "balance-incomplete" in noted_of(partial)
    items = items_of(account(calculatedAt="2026-05-01", balance=[
        entry("total", 7), entry("total", 900, estimate=True), entry("patient", 5)]))  # fmt: skip
    (found,) = [b for b in bodies_of(items) if isinstance(b, BalanceReported)]
    assert (found.total_cents, found.patient_cents, found.insurance_cents) == (700, 500, None)


def test_a_payment_finds_its_account_by_the_response_in_the_same_message_alone() -> None:
    paid = {"resourceType": "PaymentReconciliation", "id": "p", "status": "active",
            "paymentDate": "2026-03-14", "paymentIdentifier": {"value": "EFT"},
            "paymentIssuer": {"identifier": {"value": "60054"}}, "detail": [
                {"amount": {"value": 1}, "response": {"reference": "ExplanationOfBenefit/eob-1"}}
            ]}  # fmt: skip
    items = items_of(bundle(paid, eob()))
    (posted,) = [b for b in bodies_of(items) if isinstance(b, PaymentPosted)]
    assert (posted.trace, posted.amount_cents, posted.paid_by) == ("EFT", 100, "payer")
    assert parked_of(items_of(paid))[0][0] == "account-missing"
    other = items_of(bundle(paid, eob(id="another")))
    assert parked_of(other) == [("account-missing", "Bundle.entry[0].resource.detail[0]")]


@pytest.mark.parametrize("kind", ["PaymentReconciliation", "Invoice", "ChargeItem"])
def test_what_is_withdrawn_waits_for_a_person(kind: str) -> None:
    made = {"resourceType": kind, "status": "entered-in-error", "account": {"identifier": {"value": "A1"}}}
    assert parked_of(items_of(made)) == [("withdrawn", f"{kind}.status")]
