"""Programmes, estimates, surprise bills and other carriers: what each answer rests on, and what lifts it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import cast

import pytest

from schemas.facts import (
    AdjudicatedLine,
    AssistanceChanged,
    ChargePosted,
    ClaimAdjudicated,
    Coverage,
    CoverageListed,
    Fact,
    NoticeRecorded,
    Payer,
)
from schemas.money import parse_cents
from tests.spec.facts_made import (
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    statement,
    statements,
)
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, answer, says
from tests.spec.gate_scenarios import changed_policy

STAGES = (OPEN, PLACE, EXTRAORDINARY)
CLAIM = decided("320.00", "0.00", "PR-1 320.00", on=-5)
CHARGE = charged("320.00", on=-35)


def listing(*kinds: str | None, on: int = -39) -> Fact:
    """A coverage list: payers P1, P2 … of these kinds, in this order."""
    return fact(CoverageListed(tuple(Coverage(n, Payer(f"P{n}"), k) for n, k in enumerate(kinds, 1))), on)


def with_list(*lists: Fact, claim: Fact = CLAIM) -> list[Fact]:
    return [adult(), CHARGE, *lists, claim, *statements()]


PLAIN = with_list(covered("P1", on=-40))


def filed(indicator: str, payer: str = "P1") -> Fact:
    return decided("320.00", "0.00", "PR-1 320.00", on=-5, filing=indicator, payer=payer)


# -- Medicaid and protected beneficiaries ---------------------------------------------------------------


def test_a_protected_beneficiary_is_known_by_the_list_or_by_what_medicare_remarks() -> None:
    """Whoever says so must say otherwise: a list where the list did, the payer where it remarked it."""
    listed = listing("qmb")
    remarked = decided("320.00", "0.00", "PR-1 320.00", on=-5, remarks=("N781",))
    paid_in_full = decided("320.00", "320.00", on=-5)
    without = {"lifted_by": "a coverage list without that protection"}
    for stage in STAGES:
        facts = with_list(listed)
        says("G13", facts, 70, "block", rests_on=[listed, CLAIM], stage=stage, **without)  # type: ignore[arg-type]
        facts = with_list(listed, claim=paid_in_full)
        says("G13", facts, 70, "block", rests_on=[listed], stage=stage, **without)  # type: ignore[arg-type]
        facts = with_list(covered("P1", on=-40), claim=remarked)
        wanted = "a corrected decision"
        says("G13", facts, 70, "block", lifted_by=wanted, rests_on=[remarked], stage=stage)


def test_a_medicaid_patient_is_known_by_the_list_or_by_the_payers_decision() -> None:
    wanted = "a coverage list without Medicaid"
    listed, claim = listing("medicaid"), filed("MC")
    both = with_list(listed, claim=claim)
    for stage in STAGES:
        says("G13", with_list(listed), 70, "block", lifted_by=wanted, rests_on=[listed], stage=stage)
        says("G13", both, 70, "block", lifted_by=wanted, rests_on=[listed, claim], stage=stage)
    second = with_list(listing("commercial", "medicaid"))
    says("G13", second, 70, "block", lifted_by=wanted, rests_on=[listing("commercial", "medicaid")])


def test_a_decision_of_a_medicaid_plan_that_is_no_longer_listed_shows_nothing() -> None:
    """Registration had named the wrong plan; the list was put right."""
    claim = filed("MC", payer="P9")
    gone = with_list(listing("commercial"), claim=claim)
    says("G13", gone, 70, "allow")
    unlisted = with_list(claim=claim)
    says("G13", unlisted, 70, "block", lifted_by="a coverage list without Medicaid", rests_on=[claim])


def test_where_policy_allows_medicaid_cases_only_an_open_application_holds() -> None:
    mild = changed_policy(json.dumps([{"gate": "G13", "name": "allow_case", "value": True}]))
    says("G13", with_list(listing("medicaid")), 70, "allow", policy=mild)
    flag = flagged("medicaid_pending", 5)
    wanted = {"lifted_by": "account.cleared medicaid_pending", "rests_on": [flag]}
    for stage in STAGES:
        says("G13", [*PLAIN, flag], 400, "hold", stage=stage, **wanted)  # type: ignore[arg-type]
    says("G13", [*with_list(listing("medicaid")), flag], 70, "hold", policy=mild, **wanted)  # type: ignore[arg-type]


NAMES_NO_KIND = {"lifted_by": "a coverage list that names the kind of each plan"}


def test_without_any_list_of_payers_no_programme_can_be_ruled_out() -> None:
    for stage in STAGES:
        says("G13", with_list(), 70, "hold", stage=stage, **NAMES_NO_KIND)  # type: ignore[arg-type]


def test_each_plan_of_an_unknown_kind_must_be_named_by_its_own_decision() -> None:
    listed = listing("commercial", None)
    first = filed("12")
    says("G13", with_list(listed, claim=first), 70, "hold", rests_on=[listed], **NAMES_NO_KIND)  # type: ignore[arg-type]
    second = decided(
        "320.00", "0.00", "OA-23 0.00", "PR-1 320.00", on=-4, payer="P2", status="2", filing="13"
    )
    says("G13", [*with_list(listed, claim=first), second], 70, "allow")
    none = listing(None, None)
    says("G13", with_list(none, claim=first), 70, "hold", rests_on=[none], **NAMES_NO_KIND)  # type: ignore[arg-type]


# -- estimates ------------------------------------------------------------------------------------------


def estimate(amount: str | None, on: int = -36, provider: str | None = None, valid: bool = True) -> Fact:
    cents = None if amount is None else parse_cents(amount)
    id = f"E{on}{provider}"
    return fact(NoticeRecorded(id, "good_faith_estimate", day(on), cents, provider=provider, valid=valid), on)


def bill(amount: str, id: str, provider: str | None = None) -> Fact:
    return fact(ChargePosted(id, parse_cents(amount), day(-35), provider=provider), -35)


def self_pay(*more: Fact, sent: bool = True) -> list[Fact]:
    offered = fact(AssistanceChanged("offered", day(1)), 1)
    return [adult(), covered(on=-40), offered, *(statements() if sent else ()), *more]


def exceeded(facts: list[Fact], *estimates: Fact) -> None:
    if estimates:
        found = says("G14", facts, 70, "require", until=120, lifted_by=EXPLAIN, rests_on=list(estimates))
        assert found.because.startswith("The bill is 400.00 or more above its estimate.")
    else:
        says("G14", facts, 70, "allow")


EXPLAIN = "notice.recorded estimate_dispute_right"


def test_a_dispute_about_an_estimate_stops_everything_whoever_insures() -> None:
    flag = flagged("estimate_dispute", 61)
    for stage in STAGES:
        wanted = "account.cleared estimate_dispute"
        says("G14", [*PLAIN, flag], 400, "block", lifted_by=wanted, rests_on=[flag], stage=stage)


def test_four_hundred_dollars_above_the_estimate_is_explained_within_120_days_of_the_first_bill() -> None:
    told = estimate("600.00")
    exceeded(self_pay(told, bill("999.99", "C")))
    exceeded(self_pay(told, bill("1000.00", "C")), told)
    facts = self_pay(told, bill("1000.00", "C"))
    for stage in STAGES:
        says("G14", facts, 119, "require", until=120, lifted_by=EXPLAIN, rests_on=[told], stage=stage)
        says("G14", facts, 120, "allow", stage=stage)


def test_once_the_right_was_explained_it_is_said_so() -> None:
    told = estimate("600.00")
    paper = fact(NoticeRecorded("R1", "estimate_dispute_right", day(5)), 5)
    found = says("G14", self_pay(told, bill("1000.00", "C"), paper), 70, "allow", rests_on=[paper])
    assert found.because.endswith("The right to dispute it was explained.")


def test_before_the_first_bill_its_day_is_waited_for() -> None:
    told = estimate("600.00")
    facts = self_pay(told, bill("1000.00", "C"), sent=False)
    wanted = "the first statement"
    says("G14", facts, 70, "hold", lifted_by=wanted, rests_on=[told])
    later = [*facts, statement(1, 80)]
    says("G14", later, 70, "hold", until=80, lifted_by=wanted, rests_on=[told])


def test_an_estimate_binds_only_where_nobody_insures() -> None:
    """Nor is a paper that names an amount an estimate for that."""
    claim = decided("900.00", "0.00", "PR-1 900.00", on=-5)
    insured = [adult(), covered("P1", on=-40), charged("900.00", on=-35), claim, *statements()]
    says("G14", [*insured, estimate("500.00")], 70, "allow")
    waiver = fact(NoticeRecorded("W1", "waiver", day(-36), 50000), -36)
    exceeded(self_pay(waiver, bill("900.00", "C")))


def test_the_newest_estimate_that_stands_and_names_an_amount_counts() -> None:
    first, second = estimate("600.00", -50), estimate("601.00", -40)
    exceeded(self_pay(first, second, bill("1000.00", "C")))
    exceeded(self_pay(second, first, bill("1001.00", "C")), second)
    void, unnamed = estimate("900.00", -30, valid=False), estimate(None, -29)
    exceeded(self_pay(second, void, unnamed, bill("1001.00", "C")), second)


def test_each_provider_is_held_against_its_own_estimate() -> None:
    surgeon, hospital = estimate("100.00", provider="DR"), estimate("500.00")
    small = [bill("499.99", "C1", "DR"), bill("899.99", "C2")]
    exceeded(self_pay(surgeon, hospital, *small))
    exceeded(self_pay(surgeon, hospital, bill("0.01", "C3", "DR"), *small), surgeon)
    exceeded(self_pay(surgeon, hospital, bill("0.01", "C3"), *small), hospital)
    # Of somebody who gave no estimate the charges are the hospital's own.
    exceeded(self_pay(surgeon, hospital, bill("0.01", "C3", "LAB"), *small), hospital)
    both = [bill("0.01", "C3", "DR"), bill("0.01", "C4")]
    exceeded(self_pay(surgeon, hospital, *both, *small), surgeon, hospital)


def test_a_provider_that_billed_nothing_exceeds_nothing() -> None:
    exceeded(self_pay(estimate("0.00", provider="DR"), bill("1000.00", "C1")))


# -- surprise bills -------------------------------------------------------------------------------------


def test_protected_care_to_which_no_payer_applied_the_law_is_looked_at() -> None:
    flag = flagged("surprise_billing_protected", 1)
    wanted = "account.cleared surprise_billing_protected"
    for stage in STAGES:
        says("G15", [*PLAIN, flag], 70, "hold", lifted_by=wanted, rests_on=[flag], stage=stage)
    applied = decided("320.00", "300.00", "PR-2 20.00", on=-5, remarks=("N864",))
    says("G15", [*with_list(covered("P1", on=-40), claim=applied), flag], 70, "allow")


def on_a_line(claim: Fact, remark: str) -> Fact:
    body = cast(ClaimAdjudicated, claim.body)
    line = AdjudicatedLine(
        "1", body.charge_cents, body.paid_cents, None, (), None, body.adjustments, (remark,)
    )
    return fact(replace(body, adjustments=(), lines=(line,)), -5)


def test_a_price_still_negotiated_leaves_the_cost_share() -> None:
    plain = decided("320.00", "300.00", "PR-2 20.00", on=-5)
    share = decided("320.00", "300.00", "PR-2 20.00", on=-5, remarks=("N875",))
    for claim in (share, on_a_line(plain, "N875")):
        facts = with_list(covered("P1", on=-40), claim=claim)
        found = says("G16", facts, 70, "allow", rests_on=[claim])
        assert "the cost share does not depend on it" in found.because
    not_negotiable = decided("320.00", "300.00", "PR-2 20.00", on=-5, remarks=("N864",))
    found = says("G16", with_list(covered("P1", on=-40), claim=not_negotiable), 70, "allow")
    assert "may still negotiate" not in found.because


def test_what_was_negotiated_about_a_decision_that_was_replaced_is_over() -> None:
    share = decided("320.00", "300.00", "PR-2 20.00", on=-5, remarks=("N875",), number="N1")
    back = decided("-320.00", "-300.00", "PR-2 -20.00", on=-4, status="22", number="N1")
    anew = decided("320.00", "310.00", "PR-2 10.00", on=-3, number="N2")
    says("G16", [*with_list(covered("P1", on=-40), claim=share), back, anew], 70, "allow")


def test_nothing_above_the_cost_share_is_asked_while_it_is_negotiated() -> None:
    excess = decided("320.00", "280.00", "PR-2 20.00", "PR-45 20.00", on=-5, remarks=("N875",))
    facts = with_list(covered("P1", on=-40), claim=excess)
    for stage in STAGES:
        found = answer("G16", facts, 70, stage)
        told = (found.verdict.word, found.lifted_by, set(found.evidence))
        assert told == ("block", "a corrected decision", {excess.id})


# -- other carriers and funders -------------------------------------------------------------------------


def later_stricter(facts: list[Fact], lifted_by: str, rests_on: list[Fact]) -> None:
    for stage in STAGES:
        verdict = "block" if stage == EXTRAORDINARY else "hold"
        says("G17", facts, 70, verdict, lifted_by=lifted_by, rests_on=rests_on, stage=stage)


def test_a_third_party_that_may_be_liable_holds_and_keeps_out_of_court() -> None:
    flag = flagged("third_party_liability", 1)
    later_stricter([*PLAIN, flag], "account.cleared third_party_liability", [flag])
    says("G17", PLAIN, 70, "allow")


@pytest.mark.parametrize("kind", ["workers_comp", "auto", "liability"])
def test_a_carrier_of_an_injury_on_the_list_answers_first(kind: str) -> None:
    listed = listing("commercial", kind)
    later_stricter(with_list(listed), "a coverage list without that carrier", [listed])


@pytest.mark.parametrize("indicator", ["WC", "AM", "LM"])
def test_a_carrier_of_an_injury_that_decided_answers_first(indicator: str) -> None:
    claim = filed(indicator)
    facts = with_list(covered("P1", on=-40), claim=claim)
    later_stricter(facts, "a coverage list without that carrier", [claim])


def test_the_veterans_programme_pays_in_full_and_whoever_named_it_must_say_otherwise() -> None:
    listed, remarked = listing("va"), decided("320.00", "0.00", "PR-1 320.00", on=-5, remarks=("MA118",))
    wanted = "a coverage list without that programme"
    for stage in STAGES:
        facts = with_list(listed)
        says("G18", facts, 70, "block", lifted_by=wanted, rests_on=[listed, CLAIM], stage=stage)
        paid_in_full = decided("320.00", "320.00", on=-5)
        facts = with_list(listed, claim=paid_in_full)
        says("G18", facts, 70, "block", lifted_by=wanted, rests_on=[listed], stage=stage)
        filed_there = with_list(covered("P1", on=-40), claim=filed("VA"))
        says("G18", filed_there, 70, "block", lifted_by=wanted, rests_on=[filed("VA")], stage=stage)
        facts = with_list(covered("P1", on=-40), claim=remarked)
        found = says(
            "G18", facts, 70, "block", lifted_by="a corrected decision", rests_on=[remarked], stage=stage
        )
    assert "payment in full" in found.because


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("custody", "custody"),
        ("hospice", "Hospice"),
        ("tribal_care", "tribal"),
        ("crime_victim", "victims of crime"),
        ("forensic_exam", "forensic"),
    ],
)
def test_another_funder_is_never_replaced_by_the_patient(name: str, word: str) -> None:
    flag = flagged(name, 1)
    for stage in STAGES:
        wanted = f"account.cleared {name}"
        found = says("G18", [*PLAIN, flag], 400, "block", lifted_by=wanted, rests_on=[flag], stage=stage)
    assert word in found.because
