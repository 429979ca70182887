"""Whose task it is when an account cannot be settled, in an analyst's words."""

from __future__ import annotations

from schemas.decisions import Responsibility, WorkItem
from schemas.facts import Fact
from tests.spec.facts_made import (
    adjusted,
    adult,
    charged,
    covered,
    day,
    decided,
    judge,
    paid,
    reported,
    submitted,
)


def items(*facts: Fact) -> list[WorkItem]:
    return list(owes(*facts).work_items)


def owes(*facts: Fact) -> Responsibility:
    return judge([adult(), *facts], 200)[1]


def tasks(*facts: Fact) -> set[tuple[str, str]]:
    return {(i.queue, i.reason) for i in items(*facts)}


INSURED = (covered("P1"), submitted("500.00"))
DECIDED = decided("500.00", "300.00", "CO-45 125.00", "PR-2 75.00")


def test_an_account_that_is_settled_needs_nobody() -> None:
    assert items(*INSURED, DECIDED) == []


def test_a_claim_that_could_not_be_processed_goes_back_to_billing() -> None:
    unprocessable = decided("500.00", "0.00", "CO-16 500.00", remarks=("MA130",))
    assert ("billing", "rebill") in tasks(*INSURED, unprocessable)


def test_a_payers_question_to_the_patient_is_a_call_to_help_within_45_days() -> None:
    asked = decided("500.00", "0.00", "PR-227 500.00", on=10)
    found = next(i for i in items(*INSURED, asked) if i.reason == "payer_question")
    assert (found.queue, found.due_on, found.amount_cents) == ("patient_help", day(55), 50000)


def test_a_reversal_of_something_never_seen_is_looked_for_within_five_days() -> None:
    back = decided("-500.00", "-300.00", "CO-45 -125.00", "PR-2 -75.00", status="22", on=3, number="N9")
    found = next(i for i in items(*INSURED, back) if i.reason == "orphan_reversal")
    assert (found.queue, found.due_on) == ("remittance", day(8))


def test_a_credit_is_a_refund_task_within_thirty_days() -> None:
    found = next(i for i in items(*INSURED, DECIDED, paid("100.00", on=4)) if i.queue == "refunds")
    assert found.reason == "credit"


def test_one_finding_on_two_decisions_is_one_task_with_both_as_evidence() -> None:
    first = decided("250.00", "0.00", "CO-999 250.00", number="N1", on=1)
    second = decided("250.00", "0.00", "CO-998 250.00", number="N2", on=2)
    found = [i for i in items(*INSURED, first, second) if i.reason == "unknown_code"]
    assert [set(i.evidence) for i in found] == [{first.id, second.id}]


def test_a_pending_reason_is_followed_up_after_a_hundred_days() -> None:
    grace = decided("500.00", "0.00", "OA-257 500.00", on=10)
    found = next(i for i in items(*INSURED, grace) if i.reason == "pending")
    assert found.due_on == day(110)


def test_a_difference_says_by_how_much_and_which_claim_could_explain_it() -> None:
    found = items(*INSURED, DECIDED, reported("200.00", on=30))[0]
    assert (found.queue, found.reason, found.amount_cents, found.claims) == (
        "billing",
        "reconcile",
        12500,
        ("A1",),
    )
    assert "125.00" in found.text and "the reduction on claim A1 by payer P1" in found.text


def test_a_difference_may_be_a_payment_that_billing_does_not_know() -> None:
    found = items(*INSURED, DECIDED, paid("20.00", on=4), reported("75.00", on=30))[0]
    assert "the payment posted on 2026-01-05 of 20.00" in found.text
    assert found.amount_cents == 2000


def test_a_difference_may_be_two_postings_together() -> None:
    facts = (*INSURED, DECIDED, paid("20.00", on=4), adjusted("11.00", "courtesy", on=5))
    found = items(*facts, reported("75.00", on=30))[0]
    assert " with " in found.text and found.amount_cents == 3100


def test_a_difference_nobody_can_explain_says_so() -> None:
    found = items(*INSURED, DECIDED, reported("75.01", on=30))[0]
    assert "No single claim or posting" in found.text


def test_charges_that_no_claim_holds_are_billings_task() -> None:
    facts = (covered("P1"), charged("600.00"), submitted("500.00"), DECIDED)
    assert ("billing", "uncovered") in tasks(*facts)


def test_no_task_belongs_to_collections() -> None:
    everything = [
        decided("500.00", "0.00", "CO-16 500.00", remarks=("MA130",)),
        decided("500.00", "1.00", "PR-2 75.00", on=2, number="X"),
        reported("1.00", on=40),
    ]
    queues = {i.queue for i in items(*INSURED, *everything)}
    assert queues <= {
        "coding",
        "billing",
        "insurance_follow_up",
        "remittance",
        "registration",
        "refunds",
        "compliance",
        "patient_help",
    }
