"""Who still has to answer, and what a person's closing of a payer does, in an analyst's words."""

from __future__ import annotations

import pytest

from schemas.decisions import PayerState, Responsibility
from schemas.facts import AccountRegistered, ClaimStatusReported, Fact, Payer
from tests.spec.facts_made import (
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    judge,
    statements,
    submitted,
    verdicts,
)


def told(status: str, payer: str = "P1", on: int = 20, by: str | None = None, claim: str = "A1") -> Fact:
    return fact(ClaimStatusReported(claim, Payer(payer), status, day(on), by), on)


def owes(*facts: Fact) -> Responsibility:
    return judge([adult(), *facts], 200)[1]


def states(found: Responsibility) -> dict[str, str]:
    return {p.payer: p.state for p in found.payers}


def bearers(found: Responsibility) -> dict[tuple[str, str], int]:
    return {(s.bearer, s.reason.code): s.amount_cents for s in found.shares}


BILLED = (covered("P1", "P2"), submitted("500.00", "P1"))
FIRST = decided("500.00", "300.00", "CO-45 125.00", "PR-2 75.00")


def test_a_payer_on_the_list_that_was_never_sent_a_bill_is_not_billed() -> None:
    found = owes(*BILLED)
    assert states(found) == {"P1": "billed", "P2": "not_billed"}
    assert bearers(found) == {("payer:P1", "billed"): 50000}


def test_the_clearinghouse_says_that_the_payer_took_the_bill() -> None:
    found = owes(*BILLED, FIRST, submitted("500.00", "P2", on=5, order=2), told("accepted", "P2"))
    assert states(found) == {"P1": "final", "P2": "accepted"}
    assert bearers(found) == {("payer:P2", "accepted"): 7500}


def test_a_bill_refused_at_the_payers_door_is_the_providers_to_mend_and_never_the_patients() -> None:
    found = owes(*BILLED, told("rejected"))
    assert states(found)["P1"] == "rejected"
    assert (found.determination, found.collectible_cents) == ("provisional", 0)
    assert next((i.queue, i.reason) for i in found.work_items) == ("billing", "rebill")


def test_a_corrected_bill_after_a_refusal_is_billed_again() -> None:
    found = owes(*BILLED, told("rejected", on=20), submitted("500.00", "P1", on=25))
    assert states(found)["P1"] == "billed"


def test_a_payer_that_says_it_has_decided_is_still_waited_for_until_its_remittance_comes() -> None:
    found = owes(*BILLED, told("finalized"))
    assert (states(found)["P1"], found.determination) == ("pending", "provisional")


def test_silence_of_the_second_payer_never_makes_the_patient_owe() -> None:
    found = judge([adult(), *BILLED, FIRST], 4000)[1]
    assert (found.determination, found.collectible_cents) == ("provisional", 0)


def test_closing_a_second_payer_by_name_lets_the_first_ones_decision_stand() -> None:
    found = owes(*BILLED, FIRST, told("closed_no_response", "P2", by="j.ortiz"))
    assert states(found) == {"P1": "final", "P2": "closed_no_response"}
    assert (found.determination, found.collectible_cents) == ("final", 7500)


def test_a_closing_without_a_name_closes_nothing() -> None:
    found = owes(*BILLED, FIRST, told("closed_no_response", "P2"))
    assert (states(found)["P2"], found.determination) == ("not_billed", "provisional")


def test_a_bill_sent_after_the_closing_opens_the_payer_again() -> None:
    closing = told("closed_no_response", "P2", on=20, by="j.ortiz")
    found = owes(*BILLED, FIRST, closing, submitted("500.00", "P2", on=30, order=2))
    assert (states(found)["P2"], found.determination) == ("billed", "provisional")


def test_a_decision_speaks_louder_than_an_earlier_closing() -> None:
    closing = told("closed_no_response", "P2", on=20, by="j.ortiz")
    second = decided("500.00", "75.00", "OA-23 425.00", on=40, payer="P2", status="2")
    found = owes(*BILLED, FIRST, closing, second)
    assert (states(found)["P2"], found.determination, found.collectible_cents) == ("final", "final", 0)


def test_closing_the_only_payer_because_it_never_answered_leaves_nobody_owing() -> None:
    found = owes(covered("P1"), submitted("500.00"), told("closed_no_response", by="j.ortiz"))
    assert (found.determination, found.collectible_cents) == ("provisional", 0)


def test_the_only_payer_verified_not_to_cover_the_patient_sends_the_bill_the_self_pay_way() -> None:
    denial = decided("600.00", "0.00", "PR-31 600.00", status="4")
    facts = [adult(), covered("P1"), submitted("600.00"), denial]
    assert owes(*facts[1:]).determination == "provisional"
    closing = told("closed_no_coverage", on=30, by="j.ortiz")
    found = owes(*facts[1:], closing)
    assert (found.determination, found.collectible_cents, found.balance_cents) == ("final", 60000, 60000)
    assert bearers(found) == {("patient", "self_pay"): 60000}


def test_statements_sent_before_the_self_pay_way_do_not_count_for_its_clock() -> None:
    denial = decided("600.00", "0.00", "PR-31 600.00", status="4", on=-5)
    closing = told("closed_no_coverage", on=61, by="j.ortiz")
    facts = [adult(), covered("P1"), submitted("600.00"), denial, closing, *statements(0)]
    assert "G40" in verdicts(judge(facts, 130)[2])
    early = told("closed_no_coverage", on=-1, by="j.ortiz")
    assert "G40" not in verdicts(judge([*facts[:4], early, *statements(0)], 130)[2])


def test_an_empty_coverage_list_after_the_denial_is_the_self_pay_way_too() -> None:
    denial = decided("600.00", "0.00", "PR-31 600.00", status="4", on=0)
    found = owes(covered("P1"), submitted("600.00", on=-5), denial, covered(on=20))
    # The bill that went to P1 was answered, and the account states since then that there is no insurance.
    assert (found.determination, found.collectible_cents) == ("final", 60000)


def test_an_empty_list_from_before_the_denial_does_not_make_it_self_pay() -> None:
    denial = decided("600.00", "0.00", "PR-31 600.00", status="4", on=0)
    found = owes(covered(on=-20), submitted("600.00", on=-5), denial)
    assert (found.determination, found.collectible_cents) == ("provisional", 0)


def test_what_a_payer_calls_the_providers_loss_stays_so_on_the_self_pay_way() -> None:
    denial = decided("600.00", "0.00", "CO-27 600.00", on=0)
    found = owes(covered("P1"), submitted("600.00"), denial, told("closed_no_coverage", by="j.ortiz"))
    assert (found.collectible_cents, found.net_cents) == (0, 0)


def test_a_plan_that_registration_expects_and_nobody_listed_keeps_the_claim_open() -> None:
    expects = fact(AccountRegistered(expected_plans=2), -5)
    found = owes(covered("P1"), expects, FIRST)
    assert (found.determination, found.collectible_cents) == ("provisional", 0)
    assert owes(covered("P1"), fact(AccountRegistered(expected_plans=1), -5), FIRST).determination == "final"


def test_self_pay_with_a_plan_that_registration_expects_is_not_self_pay_yet() -> None:
    found = owes(covered(), fact(AccountRegistered(expected_plans=1), -5), charged("600.00"))
    assert (found.determination, found.collectible_cents) == ("provisional", 0)


def test_a_payer_that_only_passed_the_claim_on_has_said_all_it_will_say() -> None:
    passed = decided("500.00", "0.00", status="23", payer="P1", forwarded="P2")
    second = decided("500.00", "300.00", "CO-45 125.00", "PR-2 75.00", on=5, payer="P2")
    found = owes(covered("P1", "P2"), submitted("500.00"), passed, second)
    assert states(found) == {"P1": "final", "P2": "final"}
    assert "DET-13.not_ours" in {t.rule for t in found.traces}
    assert (found.determination, found.collectible_cents) == ("final", 7500)


def test_a_crossover_carrier_that_was_told_of_is_billed_and_asked_after_thirty_days() -> None:
    medicare = decided(
        "400.00", "196.00", "CO-45 150.00", "CO-253 4.00", "PR-2 50.00", status="19", forwarded="MG"
    )
    found = owes(covered("P1"), submitted("400.00"), medicare)
    assert states(found) == {"P1": "final", "MG": "billed"}
    item = next(i for i in found.work_items if i.queue == "insurance_follow_up")
    assert (item.reason, item.due_on, item.claims) == ("no_answer", day(30), ("A1",))


def test_a_secondary_that_counts_other_money_from_the_first_payer_is_told_and_changes_nothing() -> None:
    second = decided("500.00", "60.00", "OA-23 430.00", "PR-3 10.00", on=5, payer="P2", status="2")
    found = owes(*BILLED, FIRST, second)
    assert "DET-10.prior_payers" in {t.rule for t in found.traces}
    assert (found.determination, found.collectible_cents) == ("final", 1000)
    right = decided("500.00", "65.00", "OA-23 425.00", "PR-3 10.00", on=5, payer="P2", status="2")
    assert "DET-10.prior_payers" not in {t.rule for t in owes(*BILLED, FIRST, right).traces}


def test_every_payer_state_says_why_and_on_what_evidence() -> None:
    found = owes(*BILLED, FIRST)
    assert all(isinstance(p, PayerState) and p.because and p.evidence for p in found.payers)


def test_a_bill_sent_again_for_less_replaces_the_one_before() -> None:
    smaller = decided("400.00", "300.00", "CO-45 25.00", "PR-2 75.00", on=20)
    found = owes(covered("P1"), submitted("500.00", on=-10), submitted("400.00", on=10), smaller)
    assert (found.determination, found.collectible_cents, found.balance_cents) == ("final", 7500, 7500)


def test_of_bills_to_two_payers_the_higher_is_what_has_to_be_decided() -> None:
    found = owes(*BILLED, submitted("450.00", "P2", on=5, order=2), FIRST)
    assert found.determination == "provisional"
    assert sum(s.amount_cents for s in found.shares) == 7500


def test_a_lone_payer_that_decided_as_another_number_than_it_is_listed_with_holds() -> None:
    second = decided("500.00", "300.00", "CO-45 125.00", "PR-2 75.00", status="2")
    closing = told("closed_no_response", "P2", by="j.ortiz")
    assert "G11" in verdicts(judge([adult(), *BILLED, second, closing, *statements(21)], 200)[2])
    assert "G11" not in verdicts(judge([adult(), *BILLED, FIRST, closing, *statements(21)], 200)[2])


# -- where a payer stands ------------------------------------------------------------------------------------

ONE = (covered("P1"), submitted("500.00"))
NUMBERED = decided("500.00", "300.00", "CO-45 125.00", "PR-2 75.00", number="N1")
BACK = decided("-500.00", "-300.00", "CO-45 -125.00", "PR-2 -75.00", number="N1", status="22", on=5)
NEW = decided("500.00", "350.00", "CO-45 125.00", "PR-2 25.00", number="N2", original="N1", on=5)
REFUSED = decided("500.00", "0.00", "PR-31 500.00", number="R1")
AGAIN = decided("500.00", "0.00", "OA-18 500.00")
ESTIMATE = decided("500.00", "0.00", "OA-101 500.00", status="25")


def half(number: str, *said: str, status: str = "1", on: int = 0) -> Fact:
    return decided("250.00", "0.00", *(said or ("CO-45 250.00",)), number=number, status=status, on=on)


def closed(on: int = 20, status: str = "closed_no_coverage") -> Fact:
    return told(status, on=on, by="j.ortiz")


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([told("pending")], "pending"),
        ([decided("500.00", "400.00", "OA-257 100.00")], "pending"),
        ([decided("500.00", "400.00", "PR-227 100.00")], "pending"),
        ([half("N1", status="5"), half("N2")], "pending"),
        ([AGAIN, told("accepted")], "accepted"),
        ([BACK], "undetermined"),
        ([NUMBERED, decided("-9.00", "-9.00", number="N9", status="22", on=6)], "undetermined"),
        ([NUMBERED, BACK], "undetermined"),
        ([NUMBERED, BACK, NEW], "final"),
        ([REFUSED, told("accepted")], "final"),
        ([NUMBERED, closed()], "final"),
        ([NUMBERED, BACK, closed()], "undetermined"),
        ([REFUSED, closed()], "closed_no_coverage"),
        ([REFUSED, closed(on=-1)], "final"),
        ([REFUSED, closed(on=0)], "final"),
        ([half("R1", "PR-31 250.00"), half("R2", "PR-31 250.00", on=30), closed()], "final"),
        ([closed(status="closed_patient_election")], "closed_patient_election"),
    ],
    ids=[
        "it says so itself",
        "it decides later",
        "it asked the patient",
        "half is not decided",
        "it only says decided before",
        "a reversal of something unknown",
        "and besides a decision",
        "taken back",
        "decided anew",
        "refused, whatever the clearinghouse says",
        "decided, whatever a person closes",
        "taken back and closed",
        "refused and verified",
        "verified before it refused",
        "verified in the same moment",
        "refused again after that",
        "the patient keeps it from the payer",
    ],
)
def test_a_payer_stands_where_its_last_word_leaves_it(facts: list[Fact], state: str) -> None:
    assert states(owes(*ONE, *facts)) == {"P1": state}


def test_a_payer_that_was_never_sent_a_bill_has_one_if_it_says_anything_about_it() -> None:
    assert states(owes(covered("P1"), ESTIMATE)) == {"P1": "billed"}
    assert states(owes(covered("P1"), AGAIN)) == {"P1": "pending"}


def test_what_the_patient_keeps_from_the_only_payer_is_the_patients() -> None:
    found = owes(*ONE, closed(status="closed_patient_election"))
    assert (found.determination, found.collectible_cents) == ("final", 50000)


def test_what_the_patient_keeps_from_the_second_payer_waits_for_nobody() -> None:
    found = owes(*BILLED, FIRST, told("closed_patient_election", "P2", by="j.ortiz"))
    assert (found.determination, found.collectible_cents) == ("final", 7500)


def test_a_decision_needs_no_reason_why_it_was_expected() -> None:
    assert [p.because for p in owes(*ONE, NUMBERED).payers] == ["Payer P1 has decided."]


def test_of_one_moment_the_status_answers_the_bill() -> None:
    for on in range(-20, 20):
        found = owes(covered("P1"), submitted("500.00", on=on), told("accepted", on=on))
        assert states(found) == {"P1": "accepted"}
