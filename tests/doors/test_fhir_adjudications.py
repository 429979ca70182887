"""What an ExplanationOfBenefit or ClaimResponse says of a claim, in the words of a remittance."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from fhir_pairs.reading import (
    CARC,
    GROUP,
    RARC,
    Amount,
    bodies_of,
    bundle,
    claims_of,
    concept,
    entry,
    eob,
    facts_of,
    items_of,
    money,
    noted_of,
    parked_of,
    tally_of,
    x12,
)

from adapters.fhir import Mapping
from schemas.facts import (
    AccountRef,
    AdjudicationUnreadable,
    ClaimAdjudicated,
    ClaimStatusReported,
    Payer,
    adjudication_key,
)


def only(resource: dict[str, Any], mapping: Mapping | None = None) -> ClaimAdjudicated:
    items = items_of(resource, mapping)
    assert parked_of(items) == []
    (claim,) = claims_of(items)
    return claim


def triples(claim: ClaimAdjudicated) -> list[tuple[str, str, int]]:
    return sorted((a.group, a.code, a.amount_cents) for a in claim.every_adjustment())


def balances(claim: ClaimAdjudicated) -> bool:
    return claim.charge_cents - sum(a.amount_cents for a in claim.every_adjustment()) == claim.paid_cents


def test_categories_become_the_adjustments_of_a_remittance() -> None:
    claim = only(eob())
    assert (claim.claim_id, claim.payer, claim.status, claim.order) == (
        "A1",
        Payer("60054", "Example Health"),
        "1",
        1,
    )
    assert (claim.charge_cents, claim.paid_cents, claim.patient_responsibility_cents) == (60000, 35783, 14217)
    assert triples(claim) == [("CO", "45", 10000), ("PR", "1", 10000), ("PR", "2", 4217)]
    assert (claim.payer_claim_id, claim.trace, claim.payment_on) == ("N1", "EFT123", date(2026, 3, 14))
    (line,) = claim.lines
    assert (line.line, line.procedure, line.service_on) == ("1", "99223", date(2026, 3, 1))
    assert claim.remittance_balanced is None


def test_the_key_is_the_one_a_remittance_with_the_same_decision_has() -> None:
    (fact,) = facts_of(items_of(eob()))
    assert fact.account == AccountRef("GEN", "A1")
    assert isinstance(fact.body, ClaimAdjudicated)
    assert fact.key == adjudication_key(fact.account, fact.body)


def test_x12_group_and_reason_are_used_as_they_are_and_categories_then_only_repeat_them() -> None:
    item = {
        "sequence": 1,
        "adjudication": [
            entry("submitted", "600"),
            entry("deductible", "142.17"),
            x12("PR", "1", "142.17"),
            x12("CO", "45", "100"),
            entry("paidtoprovider", "357.83"),
        ],
    }
    claim = only(eob(item=[item]))
    assert triples(claim) == [("CO", "45", 10000), ("PR", "1", 14217)]
    assert balances(claim)


def test_totals_that_repeat_their_lines_are_counted_once() -> None:
    total = [entry("submitted", "600"), entry("benefit", "357.83"), entry("deductible", "100"),
             entry("coinsurance", "42.17")]  # fmt: skip
    claim = only(eob(total=total))
    assert triples(claim) == [("CO", "45", 10000), ("PR", "1", 10000), ("PR", "2", 4217)]
    assert claim.patient_responsibility_cents is None


def test_totals_alone_make_a_claim_without_lines() -> None:
    total = [
        entry("submitted", "600"),
        entry("discount", "100"),
        entry("benefit", "357.83"),
        entry("copay", "142.17"),
    ]
    claim = only(eob(total=total, item=None))
    assert claim.lines == ()
    assert triples(claim) == [("CO", "45", 10000), ("PR", "3", 14217)]


def test_a_total_that_is_not_the_sum_of_its_lines_holds_the_account() -> None:
    total = [entry("submitted", "600"), entry("benefit", "357.83"), entry("deductible", "150")]
    items = items_of(eob(total=total))
    assert "total-differs" in noted_of(items)
    assert claims_of(items)[0].remittance_balanced is False


def test_a_payment_that_is_not_what_was_adjudicated_holds_the_account() -> None:
    payment = {"amount": money("300.00"), "date": "2026-03-14"}
    items = items_of(eob(payment=payment))
    assert "payment-differs" in noted_of(items)
    assert claims_of(items)[0].remittance_balanced is False
    explained = only(eob(payment={**payment, "adjustment": money("-57.83")}))
    assert explained.remittance_balanced is None


def test_a_partly_processed_claim_is_never_final() -> None:
    assert only(eob(outcome="partial")).remittance_balanced is False


@pytest.mark.parametrize(("outcome", "status"), [("queued", "pending"), ("error", "rejected")])
def test_an_undecided_claim_says_where_the_bill_stands(outcome: str, status: str) -> None:
    bare = eob(outcome=outcome, total=None, item=None, payment=None)
    (body,) = bodies_of(items_of(bare))
    assert body == ClaimStatusReported("A1", Payer("60054", "Example Health"), status, date(2026, 3, 14))


@pytest.mark.parametrize("use", ["preauthorization", "predetermination"])
def test_an_estimate_or_authorisation_decides_nothing(use: str) -> None:
    items = items_of(eob(use=use))
    assert bodies_of(items) == [] and parked_of(items) == []
    assert noted_of(items) == ["not-a-claim"]
    assert tally_of(items).claims == 1


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_a_withdrawn_resource_takes_its_decision_back_like_a_reversal(status: str) -> None:
    kept = only(eob())
    taken = only(eob(status=status, meta={"lastUpdated": "2026-04-02T09:00:00Z"}))
    assert taken.status == "22"
    assert (taken.charge_cents, taken.paid_cents) == (-60000, -35783)
    assert triples(taken) == sorted((g, c, -a) for g, c, a in triples(kept))
    assert taken.payer_claim_id == kept.payer_claim_id
    assert (taken.adjudicated_on, taken.payment_on) == (date(2026, 4, 2), None)


def test_a_withdrawal_never_sorts_before_what_it_takes_back() -> None:
    (kept,) = facts_of(items_of(eob()))
    early = eob(status="cancelled", meta={"lastUpdated": "2026-01-01T00:00:00Z"})
    (taken,) = facts_of(items_of(early))
    assert isinstance(taken.body, ClaimAdjudicated)
    assert taken.occurred_at >= kept.occurred_at and taken.body.adjudicated_on == date(2026, 3, 14)


def test_not_covered_falls_to_whom_the_stated_patient_amount_leaves_it() -> None:
    def with_liability(liability: str | None) -> dict[str, Any]:
        total = [entry("submitted", "300"), entry("benefit", "200")]
        if liability is not None:
            total.append(entry("memberliability", liability))
        item = {"sequence": 1, "adjudication": [
            entry("submitted", "300"), entry("benefit", "200"), entry("copay", "20"),
            entry("noncovered", "80"), entry("denialreason", None, (CARC, "204")),
        ]}  # fmt: skip
        return eob(total=total, item=[item], payment=None)

    assert triples(only(with_liability("100"))) == [("PR", "204", 8000), ("PR", "3", 2000)]
    assert triples(only(with_liability("20"))) == [("CO", "204", 8000), ("PR", "3", 2000)]
    for unclear in (None, "50"):
        items = items_of(with_liability(unclear))
        assert "noncovered-unassigned" in noted_of(items)
        (claim,) = claims_of(items)
        assert not balances(claim) and claim.remittance_balanced is False


def test_what_went_to_the_patient_is_the_patients() -> None:
    total = [entry("submitted", "100"), entry("benefit", "100"), entry("paidtopatient", "100")]
    claim = only(eob(total=total, item=None, payment=None))
    assert (claim.paid_cents, triples(claim)) == (0, [("PR", "100", 10000)])


def test_an_earlier_payers_payment_is_other_adjustment_23() -> None:
    total = [entry("submitted", "600"), entry("priorpayerpaid", "357.83"), entry("benefit", "100"),
             entry("copay", "142.17")]  # fmt: skip
    claim = only(eob(total=total, item=None, payment=None, precedence=2))
    assert triples(claim) == [("OA", "23", 35783), ("PR", "3", 14217)]
    assert (claim.status, claim.order) == ("2", 2)


def test_contractual_is_derived_only_where_what_is_eligible_is_paid_or_the_patients() -> None:
    exact = [
        entry("submitted", "600"),
        entry("eligible", "500"),
        entry("benefit", "400"),
        entry("copay", "100"),
    ]
    assert triples(only(eob(total=exact, item=None, payment=None))) == [
        ("CO", "45", 10000),
        ("PR", "3", 10000),
    ]
    for total in (
        [entry("submitted", "600"), entry("eligible", "500"), entry("benefit", "400"), entry("copay", "99")],
        [
            entry("submitted", "600"),
            entry("eligible", "500"),
            entry("benefit", "500"),
        ],  # nothing is the patient's?
    ):
        items = items_of(eob(total=total, item=None, payment=None))
        assert "unbalanced" in noted_of(items)
    network = concept(
        "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator", "billingnetworkstatus"
    )
    status = concept("http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBPayerAdjudicationStatus", "outofnetwork")
    outside = eob(
        total=exact, item=None, payment=None, adjudication=[{"category": network, "reason": status}]
    )
    assert "unbalanced" in noted_of(items_of(outside))


def test_remarks_come_from_reasons_and_from_process_notes() -> None:
    item = {
        "sequence": 1,
        "noteNumber": [1],
        "adjudication": [
            entry("submitted", "100"),
            entry("denialreason", "100", (GROUP, "CO"), (CARC, "97"), (RARC, "N19")),
            entry("paidtoprovider", "0"),
        ],
    }
    notes = [
        {"number": 1, "text": "M15: part of another service"},
        {"number": 2, "text": "MA04"},
        {"text": "Hello"},
    ]
    made = eob(item=[item], total=[entry("submitted", "100")], processNote=notes, payment=None)
    claim = only(made)
    assert set(claim.lines[0].remarks) == {"N19", "M15"}
    assert {"MA04", "M15"} <= set(claim.remarks) and "Hello" not in claim.remarks
    assert triples(claim) == [("CO", "97", 10000)]


def test_a_claim_response_is_read_alike() -> None:
    made = eob(
        resourceType="ClaimResponse",
        supportingInfo=None,
        precedence=None,
        identifier=[
            {"type": concept("http://terminology.hl7.org/CodeSystem/v2-0203", "AN"), "value": "A1"},
            {"type": concept("x", "uc"), "value": "N1"},
        ],
        insurance=[{"sequence": 2, "focal": True, "coverage": {"reference": "Coverage/1"}}],
    )
    made["item"][0]["itemSequence"] = made["item"][0].pop("sequence")
    claim = only(made)
    assert (claim.claim_id, claim.payer_claim_id, claim.order, claim.status) == ("A1", "N1", 2, "2")


def test_the_account_number_may_be_the_answered_claims_by_mapping_alone() -> None:
    made = eob(supportingInfo=None, claim={"identifier": {"value": "A9"}})
    items = items_of(made)
    assert parked_of(items) == [("account-missing", "ExplanationOfBenefit")]
    assert only(made, Mapping(account=("claim",))).claim_id == "A9"
    referred = bundle(
        eob(supportingInfo=None, claim={"reference": "Claim/7"}),
        {"resourceType": "Claim", "id": "7", "identifier": [{"value": "A8"}]},
    )
    assert claims_of(items_of(referred, Mapping(account=("claim",))))[0].claim_id == "A8"


def test_a_missing_account_number_says_which_fields_were_looked_at() -> None:
    (item,) = [i for i in items_of(eob(supportingInfo=None)) if hasattr(i, "reason")]
    assert "patientaccountnumber" in item.reason and "type AN" in item.reason


def test_the_payer_is_called_what_other_feeds_call_it() -> None:
    organization = {
        "resourceType": "Organization",
        "id": "p",
        "identifier": [{"system": "naic", "value": "5"}],
    }
    one = eob(insurer={"reference": "Organization/p", "display": "Example Health"})
    assert only(one).payer.id == "Organization/p"
    assert claims_of(items_of(bundle(one, organization)))[0].payer.id == "5"
    for token in ("Organization/p", "Example Health"):
        assert only(one, Mapping(payers={token: "60054"})).payer.id == "60054"
    mapped = Mapping(payers={"naic|5": "60054"})
    assert claims_of(items_of(bundle(one, organization), mapped))[0].payer.id == "60054"


def test_codes_of_the_payers_own_count_once_they_are_mapped() -> None:
    own = "https://bluebutton.cms.gov/resources/variables/line_coinsrnc_amt"
    share = {"category": concept("https://bluebutton.cms.gov/x", own), "amount": money("20")}
    made = eob(total=[entry("submitted", "100"), entry("benefit", "80"), share], item=None, payment=None)
    assert "share-variables" in noted_of(items_of(made))
    claim = only(made, Mapping(categories={own: "PR-2"}))
    assert triples(claim) == [("PR", "2", 2000)] and balances(claim)


@pytest.mark.parametrize(
    ("digits", "code"),
    [
        ("410.20000000000005", "amount-not-whole-cents"),
        ("0.001", "amount-not-whole-cents"),
        ("600.000000000000000000001", "amount-not-whole-cents"),
        ("6e2", "amount-unreadable"),
        ("1e999", "amount-unreadable"),
        ("100000000.00", "amount-unreadable"),
        ("99999999999999999999999", "amount-unreadable"),
        ('"600.00"', "wrong-type"),
        ("true", "wrong-type"),
        ("[600]", "wrong-type"),
    ],
)
def test_an_amount_is_whole_cents_or_the_claim_holds(digits: str, code: str) -> None:
    total = [entry("submitted", digits), entry("benefit", "357.83")]
    items = items_of(eob(total=total))
    assert parked_of(items) == [(code, "ExplanationOfBenefit.total[0].amount.value")]
    (body,) = bodies_of(items)
    assert isinstance(body, AdjudicationUnreadable) and body.claim_id == "A1"


@pytest.mark.parametrize(
    ("digits", "cents"), [("600.000", 60000), ("600", 60000), ("600.1", 60010), ("-0.5", -50)]
)
def test_zeros_beyond_the_cents_change_nothing(digits: str, cents: int) -> None:
    made = eob(total=[entry("submitted", digits), entry("benefit", "357.83")])
    assert only(made).charge_cents == cents
    assert tally_of(items_of(made)).charge_cents == cents


def test_no_digit_passes_through_binary_floating_point() -> None:
    made = eob(total=[entry("submitted", "99999999.99"), entry("benefit", "0.1")], item=None, payment=None)
    claim = only(made)
    assert (claim.charge_cents, claim.paid_cents) == (9_999_999_999, 10)


def test_two_currencies_in_one_claim_hold_it() -> None:
    payment = {"amount": {"value": Amount("357.83"), "currency": "EUR"}, "date": "2026-03-14"}
    assert parked_of(items_of(eob(payment=payment))) == [("currency-mixed", "ExplanationOfBenefit")]


def test_one_foreign_currency_is_the_facts() -> None:
    made = eob(total=[{**entry("submitted", "10"), "amount": {"value": 10, "currency": "CAD"}},
                      {**entry("benefit", "10"), "amount": {"value": 10, "currency": "CAD"}}],
               item=None, payment=None)  # fmt: skip
    (fact,) = facts_of(items_of(made))
    assert fact.currency == "CAD"


@pytest.mark.parametrize(
    ("changes", "code", "where"),
    [
        ({"use": None}, "use-missing", "use"),
        ({"status": "bogus"}, "status-unknown", "status"),
        ({"outcome": "bogus"}, "outcome-unknown", "outcome"),
        ({"insurer": None}, "payer-missing", "insurer"),
        ({"created": None, "payment": None}, "date-missing", "created"),
        ({"created": "2026-02-30"}, "date-unreadable", "created"),
        ({"total": None, "item": None}, "charge-missing", "total"),
        ({"total": [entry("submitted", "1")], "item": None, "payment": None}, "paid-missing", "total"),
    ],
)
def test_what_a_decision_needs_and_lacks_holds_the_account(
    changes: dict[str, Any], code: str, where: str
) -> None:
    items = items_of(eob(**changes))
    assert parked_of(items) == [(code, f"ExplanationOfBenefit.{where}")]
    (body,) = bodies_of(items)
    assert isinstance(body, AdjudicationUnreadable) and body.code == code
