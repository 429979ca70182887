"""Is the figure right: what each answer about the determination, the charges and the guarantor rests on."""

from __future__ import annotations

import json

import pytest

from schemas.facts import (
    AccountRef,
    AccountRegistered,
    BalanceReported,
    CodingStatusChanged,
    Fact,
    NoticeRecorded,
    PaymentPending,
    Person,
)
from tests.spec.facts_made import (
    ACCOUNT,
    adjusted,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    merged,
    paid,
    reported,
    statements,
    submitted,
)
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, answer, says, told
from tests.spec.gate_scenarios import changed_policy

STAGES = (OPEN, PLACE, EXTRAORDINARY)
CLAIM = decided("320.00", "0.00", "PR-1 320.00", on=-5)
PLAIN = [adult(), covered("P1", on=-40), charged("320.00", on=-35), CLAIM, *statements()]


def house(gate: str, name: str, value: object) -> str:
    return json.dumps([{"gate": gate, "name": name, "value": value}])


# -- what the determination found -----------------------------------------------------------------------


def test_an_open_determination_holds_every_stage() -> None:
    facts = [*PLAIN, submitted("100.00", claim="A2", on=2)]
    wanted = "the open decision of a payer or a person"
    for stage in STAGES:
        found = says("G01", facts, 300, "hold", lifted_by=wanted, stage=stage)
    assert found.because == "Who owes this balance is still provisional."
    uneven = decided("320.00", "0.00", "PR-1 300.00", on=-5)
    found = answer("G01", [*PLAIN[:3], uneven, *PLAIN[4:]], 70)
    assert found.because == "Who owes this balance is not determined."


def test_a_credit_is_as_settled_as_a_debt() -> None:
    says("G01", [*PLAIN, paid("400.00", on=1)], 70, "allow")


def test_several_findings_are_told_together_each_once() -> None:
    found = told("G11", PLAIN, 70, "DET-02.unbalanced", "DET-07.review", "DET-07.review")
    assert found.because == "Found DET-02.unbalanced. Found DET-07.review."
    assert found.evidence == ("DET-02.unbalanced", "DET-07.review")


# -- the balance ----------------------------------------------------------------------------------------

UNEXPLAINED = {"lifted_by": "a balance report that agrees, or the missing fact"}


@pytest.mark.parametrize(("total", "agrees"), [("319.00", True), ("318.99", False), ("321.01", False)])
def test_a_difference_of_more_than_a_dollar_either_way_holds(total: str, agrees: bool) -> None:
    report = reported(total, on=5)
    for stage in STAGES:
        if agrees:
            says("G02", [*PLAIN, report], 70, "allow", stage=stage)
        else:
            found = says("G02", [*PLAIN, report], 70, "hold", rests_on=[report], stage=stage, **UNEXPLAINED)  # type: ignore[arg-type]
            assert found.because.startswith("1.01 of the balance is not explained")


def test_of_two_differences_the_larger_counts_and_one_report_is_one_piece_of_evidence() -> None:
    """Billing's total is fifty cents less, and of the patient it asks fifty dollars less."""
    report = reported("319.50", "270.00", on=5)
    found = says("G02", [*PLAIN, report], 70, "hold", rests_on=[report], **UNEXPLAINED)  # type: ignore[arg-type]
    assert found.because.startswith("50.00 of the balance is not explained")


@pytest.mark.parametrize(("cents", "agrees"), [("0.40", True), ("0.41", False)])
def test_what_several_postings_leave_unexplained_is_added_up(cents: str, agrees: bool) -> None:
    """A payer's money that no decision explains, and a reduction that none does."""
    money, off = paid("0.60", on=1, by="payer", payer="P1"), adjusted(cents, "contractual", on=2)
    facts = [*PLAIN, money, off]
    if agrees:
        says("G02", facts, 70, "allow")
    else:
        found = says("G02", facts, 70, "hold", rests_on=[money, off], **UNEXPLAINED)  # type: ignore[arg-type]
        assert found.because.startswith("1.01 of the balance is not explained")


def test_what_no_payer_has_decided_is_no_difference_of_the_books() -> None:
    """A reason code that nobody knows leaves its amount to nobody; that is not billing's doing."""
    claim = decided("320.00", "0.00", "PR-9999 320.00", on=-5)
    says("G02", [*PLAIN[:3], claim, *PLAIN[4:]], 70, "allow")


# -- waiting too long -----------------------------------------------------------------------------------


def test_a_reversal_without_a_correction_is_asked_about_after_five_days() -> None:
    """The days run from the reversal, and not from the decision that it takes back."""
    back = decided("-320.00", "0.00", "PR-1 -320.00", on=50, status="22")
    early, late = (answer("G04", [*PLAIN, back], on) for on in (54, 55))
    assert early.evidence == late.evidence
    assert back.id in late.evidence
    assert "a person must ask the payer" not in early.because
    assert "It has waited 5 days or more: a person must ask the payer." in late.because


def test_a_reversal_that_was_corrected_long_ago_does_not_hurry_the_next() -> None:
    back = decided("-320.00", "0.00", "PR-1 -320.00", on=10, status="22")
    anew = decided("320.00", "20.00", "PR-1 300.00", on=11)
    again = decided("-320.00", "-20.00", "PR-1 -300.00", on=50, status="22", sequence="2")
    early, late = (answer("G04", [*PLAIN, back, anew, again], on) for on in (54, 55))
    assert "a person must ask the payer" not in early.because
    assert "a person must ask the payer" in late.because


def test_a_later_part_that_is_decided_does_not_hide_how_long_the_other_has_waited() -> None:
    half = decided("160.00", "0.00", "PR-1 160.00", on=-5, number="N1")
    back = decided("-160.00", "0.00", "PR-1 -160.00", on=50, status="22", number="N1")
    other = decided("160.00", "0.00", "PR-1 160.00", on=53, number="N2")
    facts = [*PLAIN[:3], submitted("320.00"), half, back, other, *PLAIN[4:]]
    early, late = (answer("G04", facts, on) for on in (54, 55))
    assert {half.id, back.id} < set(early.evidence)
    assert "a person must ask the payer" not in early.because
    assert "a person must ask the payer" in late.because


def test_of_two_payers_that_took_their_decisions_back_the_first_sets_the_day() -> None:
    facts = [adult(), covered("P1", "P2", on=-40), charged("320.00", on=-35)]
    facts += [decided("320.00", "200.00", "PR-2 120.00", on=-5)]
    facts += [decided("320.00", "100.00", "OA-23 200.00", "PR-2 20.00", on=-4, payer="P2", status="2")]
    facts += [decided("-320.00", "-200.00", "PR-2 -120.00", on=50, status="22")]
    facts += [decided("-320.00", "-100.00", "OA-23 -200.00", "PR-2 -20.00", on=60, payer="P2", status="22")]
    assert "a person must ask the payer" not in answer("G04", facts, 54).because
    assert "a person must ask the payer" in answer("G04", facts, 55).because


def test_a_pended_claim_is_asked_about_after_a_hundred_days() -> None:
    claim = decided("320.00", "0.00", "OA-257 320.00", on=-5)
    early, late = (answer("G05", [*PLAIN[:3], claim, *PLAIN[4:]], on) for on in (94, 95))
    assert early.evidence == late.evidence == (claim.id,)
    assert "a person must ask the payer" not in early.because
    assert "It has waited 100 days or more: a person must ask the payer." in late.because


def test_of_two_claims_pended_the_first_sets_the_day() -> None:
    first = decided("320.00", "0.00", "OA-257 320.00", on=-5)
    second = decided("50.00", "0.00", "OA-257 50.00", on=20, claim="A2", number="N2")
    facts = [*PLAIN[:3], first, second, charged("50.00", on=-35, id="C2"), *PLAIN[4:]]
    assert "It has waited 100 days" in answer("G05", facts, 95).because
    assert "It has waited 100 days" not in answer("G05", facts, 94).because


# -- the charges ----------------------------------------------------------------------------------------


def coding(status: str, on: int) -> Fact:
    return fact(CodingStatusChanged(status), on)


def test_coding_that_is_not_complete_and_holds_on_the_charges_wait_for_a_person() -> None:
    pending = coding("pending", 60)
    wanted = "coding.status complete"
    for stage in STAGES:
        says("G06", [*PLAIN, pending], 300, "hold", lifted_by=wanted, rests_on=[pending], stage=stage)
    for name in ("coding_hold", "late_charge_hold", "charge_audit"):
        flag = flagged(name, 5)
        found = says("G06", [*PLAIN, flag], 70, "hold", lifted_by=f"account.cleared {name}", rests_on=[flag])
        assert name.replace("_", " ") in found.because


def billed(*charges: Fact) -> list[Fact]:
    """The plain account with its 320.00 posted as these charges and the rest before."""
    rest = 32000 - 100 * len(charges)
    return [PLAIN[0], PLAIN[1], charged(f"{rest // 100}.00", on=-35), *charges, *PLAIN[3:]]


def discharged(on: int) -> Fact:
    return fact(AccountRegistered(service_to=day(on)), 1)


def test_of_discharge_coding_and_charges_the_last_to_settle_is_waited_for() -> None:
    stay, done = discharged(60), coding("complete", 50)
    found = says("G06", [*PLAIN, stay], 64, "hold", until=65)
    assert found.because == "The stay ended only just now."
    says("G06", [*PLAIN, stay], 65, "allow")
    says("G06", [*PLAIN, stay, done], 60, "hold", until=65)
    longer = coding("complete", 52)
    found = says("G06", [*PLAIN, stay, longer], 65, "hold", until=66, rests_on=[longer])
    assert found.because.startswith("Coding ended only recently")
    late = charged("1.00", on=53, id="LATE")
    found = says("G06", [*billed(late), stay, longer], 66, "hold", until=67, rests_on=[late])
    assert found.because == "Late charges may still come."
    same = charged("1.00", on=52, id="SAME")
    says("G06", [*billed(same), stay, longer], 65, "hold", until=66, rests_on=[longer])


def test_of_two_late_charges_the_later_is_waited_for() -> None:
    first, second = charged("1.00", on=60, id="L1"), charged("1.00", on=50, id="L2")
    says("G06", billed(first, second), 70, "hold", until=74, rests_on=[first])


def test_coding_that_was_opened_again_ends_anew() -> None:
    again = [coding("complete", 20), coding("pending", 30), coding("complete", 60)]
    says("G06", [*PLAIN, *again], 70, "hold", until=74, rests_on=[again[2]])
    repeated = [coding("complete", 60), coding("complete", 65)]
    says("G06", [*PLAIN, *repeated], 70, "hold", until=74, rests_on=[repeated[0]])


def test_of_joined_accounts_the_newest_word_on_coding_counts() -> None:
    other = AccountRef("GEN", "A0")
    joined = [merged(other, ACCOUNT, 10)]
    repeated = [coding("complete", 60), coding("complete", 65)]
    says("G06", [*PLAIN, *joined, *repeated], 70, "hold", until=79, rests_on=[repeated[1]])


# -- money on its way, credits, joined accounts ---------------------------------------------------------


@pytest.mark.parametrize(("first", "later"), [("Q1", "Q2"), ("Q2", "Q1")])
def test_of_two_payments_announced_the_later_is_waited_for(first: str, later: str) -> None:
    monday = 67
    assert day(monday).weekday() == 0
    one = fact(PaymentPending(first, 5000, day(monday - 3)), 60)
    last = fact(PaymentPending(later, 5000, day(monday)), 60)
    facts = [*PLAIN, one, last]
    for stage in STAGES:
        says("G07", facts, monday + 13, "hold", until=monday + 14, rests_on=[last], stage=stage)
        says("G07", facts, monday + 14, "allow", stage=stage)


def credit(cents: int | None) -> Fact:
    return fact(BalanceReported(32000, day(5), guarantor_credit_cents=cents), 5)


def test_a_credit_elsewhere_is_applied_first_where_the_house_says_so() -> None:
    report = credit(500)
    wanted = "balance.reported without that credit"
    for stage in STAGES:
        found = says("G08", [*PLAIN, report], 70, "require", lifted_by=wanted, rests_on=[report], stage=stage)
    assert "has 5.00 in credit on other accounts" in found.because
    says("G08", [*PLAIN, report], 70, "allow", policy=changed_policy(house("G08", "offset_first", False)))
    says("G08", [*PLAIN, credit(None)], 70, "allow")


@pytest.mark.parametrize(("first", "later"), [("A8", "A9"), ("A9", "A8")])
def test_of_two_accounts_joined_the_later_day_counts(first: str, later: str) -> None:
    joined = [merged(AccountRef("GEN", first), ACCOUNT, 60), merged(AccountRef("GEN", later), ACCOUNT, 62)]
    for stage in STAGES:
        says("G09", [*PLAIN, *joined], 75, "hold", until=76, rests_on=[joined[1]], stage=stage)
        says("G09", [*PLAIN, *joined], 76, "allow", stage=stage)


def test_a_feeds_word_of_a_join_counts_beside_the_joins_themselves() -> None:
    joined = merged(AccountRef("GEN", "A8"), ACCOUNT, 62)
    for on, newer in ((61, False), (63, True)):
        flag = flagged("identity_event", on, reference="A40")
        wanted = {"until": 77, "rests_on": [flag]} if newer else {"until": 76, "rests_on": [joined]}
        says("G09", [*PLAIN, joined, flag], 70, "hold", **wanted)  # type: ignore[arg-type]


# -- who answers ----------------------------------------------------------------------------------------


def test_somebody_must_be_registered_where_the_house_says_so() -> None:
    nobody = PLAIN[1:]
    for stage in STAGES:
        says("G10", nobody, 70, "require", lifted_by="account.registered", stage=stage)
    says("G10", nobody, 70, "allow", policy=changed_policy(house("G10", "guarantor_needed", False)))
    guarantor = fact(AccountRegistered(guarantor=Person("M2")), 1)
    says("G10", [*nobody, guarantor], 70, "allow")


def answering(relationship: str | None, kind: str = "person") -> Fact:
    return fact(AccountRegistered(guarantor=Person("M2", relationship=relationship, kind=kind)), 1)


def test_an_organization_answers_for_nobody() -> None:
    wanted = "account.registered with another guarantor"
    says("G10", [*PLAIN, answering(None, "organization")], 70, "require", lifted_by=wanted)


@pytest.mark.parametrize("word", ["spouse", "SPO", " Husband ", "wife", "partner"])
def test_where_law_says_so_no_spouse_answers_without_a_written_promise(word: str) -> None:
    strict = changed_policy(house("G10", "spouse_answers", False))
    facts = [*PLAIN, answering(word)]
    wanted = "notice.recorded guarantee, or another guarantor"
    for stage in STAGES:
        says("G10", facts, 70, "require", lifted_by=wanted, policy=strict, stage=stage)
    says("G10", facts, 70, "allow")
    promise = fact(NoticeRecorded("G1", "guarantee", day(1)), 1)
    says("G10", [*facts, promise], 70, "allow", policy=strict)


@pytest.mark.parametrize("word", ["mother", None])
def test_others_answer_there_as_elsewhere(word: str | None) -> None:
    strict = changed_policy(house("G10", "spouse_answers", False))
    says("G10", [*PLAIN, answering(word)], 70, "allow", policy=strict)


# -- what is owed ---------------------------------------------------------------------------------------


def test_a_credit_is_named_and_nothing_owed_waits_for_a_new_decision() -> None:
    for stage in STAGES:
        found = says(
            "G12",
            [*PLAIN, paid("320.01", on=1)],
            70,
            "block",
            lifted_by="a refund or a new charge",
            stage=stage,
        )
        assert found.because == "The patient has a credit of 0.01."
        says(
            "G12",
            [*PLAIN, paid("320.00", on=1)],
            70,
            "block",
            lifted_by="a new decision of a payer",
            stage=stage,
        )
        says("G12", [*PLAIN, paid("319.99", on=1)], 70, "allow", stage=stage)
