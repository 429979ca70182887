"""Whose task it is when an account cannot be settled, in an analyst's words."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from schemas.decisions import PayerState, Responsibility, Share, Trace, WorkItem
from schemas.decisions import Reason as Why
from schemas.facts import ChargePosted, Fact
from service.core import fold
from service.core.work import work_items
from tests.spec.facts_made import (
    adjusted,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
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


# -- whose work each finding is -------------------------------------------------------------------------

WORK = """
DET-01.currency            | billing             | currency              | -
DET-01.status              | remittance          | claim_status          | -
DET-01.unreadable          | remittance          | unreadable            | -
DET-02.unbalanced          | remittance          | unbalanced            | -
DET-02.remittance          | remittance          | payment_unbalanced    | -
DET-03.contradiction       | registration        | contradiction         | -
DET-04.orphan              | remittance          | orphan_reversal       | 5
DET-04.reversed            | insurance_follow_up | reversed              | 30
DET-06.mismatch            | remittance          | patient_amount        | -
DET-07.coverage_not_found  | registration        | coverage              | 30
DET-07.info_from_patient   | patient_help        | payer_question        | 45
DET-07.other_payer         | billing             | other_payer           | -
DET-07.pending             | insurance_follow_up | pending               | 100
DET-07.notice              | billing             | notice                | 30
DET-07.authorization       | billing             | authorization         | -
DET-07.balance_bill        | compliance          | balance_bill          | -
DET-07.review              | remittance          | unknown_code          | -
DET-08.info_from_provider  | billing             | papers                | -
DET-08.refund              | refunds             | patient_overpaid      | 30
DET-08.surprise_review     | compliance          | surprise_billing      | -
DET-08.unprocessable       | billing             | rebill                | -
DET-09.tricare             | compliance          | tricare               | -
DET-10.unknown_order       | registration        | coverage_order        | -
DET-11.conflict            | remittance          | payers_disagree       | -
DET-11.overposted          | remittance          | overposted            | -
DET-12.interim             | billing             | interim               | -
DET-12.split               | insurance_follow_up | split                 | 30
DET-12.uncovered           | billing             | uncovered             | -
DET-12.void                | remittance          | void                  | -
DET-15                     | refunds             | credit                | 30
DET-16.unexplained         | billing             | unexplained           | -
DET-16.patient_lower       | billing             | patient_lower         | -
DET-17                     | registration        | guarantor             | -
DET-21.conflict            | remittance          | conflicting_decisions | -
DET-05                     | -                   | -                     | -
DET-10                     | -                   | -                     | -
DET-03.carriers            | -                   | -                     | -
"""
ROWS = [tuple(cell.strip() for cell in row.split("|")) for row in WORK.strip().splitlines()]


@pytest.mark.parametrize(("rule", "queue", "reason", "days"), ROWS, ids=[row[0] for row in ROWS])
def test_each_finding_is_the_work_of_those_who_can_end_it(
    rule: str, queue: str, reason: str, days: str
) -> None:
    first, last = charged("500.00", on=3, id="C1"), charged("9.00", on=9, id="C2")
    account = fold([adult(), first, last])
    found = work_items(account, (), [Trace(rule, "Found.", "A1", (first.id, last.id, "of another"))], ())
    assert len(found) == (queue != "-")
    for item in found:
        due = None if days == "-" else day(9 + int(days))
        assert (item.queue, item.reason, item.due_on) == (queue, reason, due)
        assert (item.claims, item.evidence) == (("A1",), (first.id, last.id, "of another"))
        assert item.text[0].isupper() and item.text.endswith(".") and item.text.count(".") == 1


@pytest.mark.parametrize(
    ("state", "because", "queue", "reason", "days"),
    [
        ("not_billed", "Nobody billed it.", "billing", "bill_payer", None),
        ("rejected", "It was rejected.", "billing", "rebill", None),
        ("billed", "It was billed.", "insurance_follow_up", "no_answer", 45),
        ("billed", "Payer P2 forwarded it.", "insurance_follow_up", "no_answer", 30),
        ("accepted", "It was taken in.", "insurance_follow_up", "no_answer", 45),
        ("accepted", "What P2 forwarded was taken in.", "insurance_follow_up", "no_answer", 45),
        ("pending", "It thinks.", "insurance_follow_up", "pending", 45),
        ("final", "It decided.", None, None, None),
        ("closed_no_coverage", "No cover.", None, None, None),
    ],
)
def test_a_payer_that_has_not_answered_is_asked_after_45_days_and_30_where_the_claim_was_passed_on(
    state: str, because: str, queue: str | None, reason: str | None, days: int | None
) -> None:
    bill = submitted("500.00", payer="P9", on=4)
    account, owes = fold([adult(), bill]), Share("payer:P9", 30000, Why("", "awaited", "Awaited."), "A1")
    patients = Share("patient", 20000, Why("PR", "2", "Coinsurance."), "A1")
    for self_pay in (False, True):
        claim = Claim("A1", (PayerState("A1", "P9", 1, state, because, (bill.id,)),), self_pay)
        found = work_items(account, [claim], (), [owes, patients])  # type: ignore[list-item]
        assert len(found) == (queue is not None and not self_pay)
        for item in found:
            assert (item.queue, item.reason) == (queue, reason)
            assert item.due_on == (None if days is None else day(4 + days))
            assert "P9" in item.text and item.text.endswith(".")
            assert (item.amount_cents, item.claims, item.evidence) == (30000, ("A1",), (bill.id,))


class Claim(NamedTuple):
    """As much of a claim as a task is made of."""

    claim_id: str
    payers: tuple[PayerState, ...]
    self_pay: bool


def test_a_task_of_the_whole_account_names_no_claim_and_no_amount() -> None:
    """Money of no claim is open too; it is not what the task is about."""
    loose = Share("undetermined", 700, Why("", "unexplained", "Unexplained."), None)
    found = work_items(fold([adult()]), (), [Trace("DET-16.unexplained", "Found.", None, ())], [loose])
    assert [(i.amount_cents, i.claims, i.due_on) for i in found] == [(None, (), None)]


# -- what may explain a difference ----------------------------------------------------------------------


def difference(*facts: Fact) -> WorkItem:
    return next(i for i in items(*facts) if i.reason == "reconcile")


def test_a_difference_says_who_has_more_down_to_a_cent() -> None:
    cent = difference(*INSURED, DECIDED, reported("75.01", on=30))
    assert cent.text.startswith("Billing has more than the facts: 0.01.") and cent.text.endswith(
        "that large."
    )
    assert difference(*INSURED, DECIDED, reported("76.01", on=30)).text.startswith(
        "Billing has more than the facts: 1.01."
    )
    assert difference(*INSURED, DECIDED, reported("73.99", on=30)).text.startswith(
        "Billing has less than the facts: 1.01."
    )


def test_a_difference_of_two_amounts_names_the_claim_of_either() -> None:
    """A payment has no claim, a reduction has: whichever was met first, the claim is named."""
    of_claim = difference(*INSURED, DECIDED, adjusted("11.00", "courtesy", on=5), reported("200.00", on=30))
    assert of_claim.claims == ("A1",)
    assert "the reduction on claim A1 by payer P1 of 125.00" in of_claim.text
    assert "with the adjustment posted on 2026-01-06 of 11.00" in of_claim.text
    of_none = difference(
        *INSURED, DECIDED, paid("20.00", on=4), adjusted("11.00", "courtesy", on=5), reported("75.00", on=30)
    )
    assert of_none.claims == ()


def test_a_difference_may_be_interest_that_billing_did_not_add() -> None:
    interest = fact(ChargePosted("I1", 310, day(20), kind="interest"), 20)
    told = difference(*INSURED, DECIDED, interest, reported("75.00", on=30))
    assert "the interest or fee of 2026-01-21 of 3.10" in told.text and interest.id in told.evidence


def test_two_claims_that_explain_a_difference_together_are_both_named() -> None:
    second = (
        submitted("200.00", claim="A2"),
        decided("200.00", "150.00", "CO-45 38.00", "PR-2 12.00", claim="A2"),
    )
    told = difference(*INSURED, DECIDED, *second, reported("250.00", on=30))
    assert told.amount_cents == 12500 + 3800
    assert told.claims == ("A1", "A2")


def test_at_most_five_explanations_are_told() -> None:
    payments = [paid("10.00", on=n, id=f"P{n}") for n in range(7)]
    told = difference(*INSURED, DECIDED, *payments, reported("15.00", on=30))
    assert told.text.count(" of 10.00") == 5
    assert len(told.evidence) == 1 + 5


def test_of_pairs_only_the_first_is_told() -> None:
    payments = [paid("10.00", on=n, id=f"P{n}") for n in (3, 4, 5)]
    adjustments = [adjusted("3.50", "courtesy", on=6, id=id) for id in ("ADJ1", "ADJ2")]
    told = difference(*INSURED, DECIDED, *payments, *adjustments, reported("51.50", on=30)).text
    assert told.count(" with ") == 1 and told.endswith("3.50.")
