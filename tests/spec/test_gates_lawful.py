"""Interest and fees: what may be added, from which day, on which amount, and who must have agreed."""

from __future__ import annotations

import json

import pytest

from schemas.facts import AssistanceChanged, ChargePosted, Fact, NoticeRecorded
from schemas.money import parse_cents
from service.core import Policy
from tests.spec.facts_made import (
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    paid,
    statement,
    statements,
)
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, says
from tests.spec.gate_scenarios import changed_policy

STAGES = (OPEN, PLACE, EXTRAORDINARY)
START = [adult(), covered("P1", on=-40), charged("365.00", on=-35)]
CLAIM = decided("365.00", "0.00", "PR-1 365.00", on=-5)
PLAIN = [*START, CLAIM, *statements()]


def policy(**values: object) -> Policy:
    return changed_policy(json.dumps([{"gate": "G66", "name": n, "value": v} for n, v in values.items()]))


TEN = policy(interest_percent=10)
"""Ten percent a year of 365.00 are ten cents a day."""


def added(amount: str, on: int, kind: str = "interest", id: str | None = None) -> Fact:
    body = ChargePosted(id or f"{kind} {on}", parse_cents(amount), day(on), kind=kind)
    return fact(body, on, key=f"charge.posted|GEN/A1|billing|{body.charge_id}")


AGREED = fact(NoticeRecorded("F1", "fee_agreement", day(-30)), -30)
BACK = "the charge, taken back"


@pytest.mark.parametrize("kind", ["interest", "fee", "late_fee"])
def test_nothing_is_added_that_nobody_agreed_to(kind: str) -> None:
    one = added("0.01", 60, kind)
    wanted = f"{BACK}, or notice.recorded fee_agreement"
    for stage in STAGES:
        says("G66", [*PLAIN, one], 70, "block", lifted_by=wanted, rests_on=[one], stage=stage)
    back = added("-0.01", 61, kind)
    says("G66", [*PLAIN, one, back], 70, "allow")
    says("G66", [*PLAIN, added("9.00", 60, "service")], 70, "allow")


def test_a_fee_needs_law_beside_agreement() -> None:
    fee = added("0.01", 60, "fee")
    for stage in STAGES:
        found = says("G66", [*PLAIN, AGREED, fee], 70, "block", lifted_by=BACK, rests_on=[fee], stage=stage)
    assert found.because == "A fee was added that is not allowed."
    fine = says(
        "G66", [*PLAIN, AGREED, fee], 70, "allow", rests_on=[AGREED, fee], policy=policy(fees_allowed=True)
    )
    assert "within agreement and law" in fine.because
    # Interest is no fee, and a fee that was taken back is none beside it.
    interest, back = added("1.00", 30), added("-0.01", 61, "fee")
    facts = [*PLAIN, AGREED, fee, back, interest]
    says("G66", facts, 70, "allow", rests_on=[AGREED, fee, back, interest], policy=TEN)


@pytest.mark.parametrize(
    ("amount", "on", "lawful"),
    [("3.00", 30, True), ("3.01", 30, False), ("0.10", 1, True), ("0.01", 0, False), ("0.01", -1, False)],
)
def test_interest_runs_from_the_first_statement_at_its_rate(amount: str, on: int, lawful: bool) -> None:
    one = added(amount, on)
    facts = [*PLAIN, AGREED, one]
    if lawful:
        says("G66", facts, 70, "allow", rests_on=[AGREED, one], policy=TEN)
    else:
        for stage in STAGES:
            found = says("G66", facts, 70, "block", lifted_by=BACK, rests_on=[one], policy=TEN, stage=stage)
        assert found.because == "More interest was added than is allowed by now."


def test_several_charges_of_interest_are_added_up_to_the_day_of_the_last() -> None:
    first, last = added("1.00", 10), added("2.00", 30)
    says("G66", [*PLAIN, AGREED, last, first], 70, "allow", rests_on=[AGREED, first, last], policy=TEN)
    more = added("2.01", 30)
    says(
        "G66", [*PLAIN, AGREED, more, first], 70, "block", lifted_by=BACK, rests_on=[first, more], policy=TEN
    )
    fee = added("5.00", 30, "fee")
    both = policy(interest_percent=10, fees_allowed=True)
    says(
        "G66",
        [*PLAIN, AGREED, last, first, fee],
        70,
        "allow",
        rests_on=[AGREED, first, last, fee],
        policy=both,
    )


def test_interest_begins_after_its_free_days() -> None:
    later = policy(interest_percent=10, interest_free_days=20)
    for amount, verdict in (("1.00", "allow"), ("1.01", "block")):
        one = added(amount, 30)
        wanted = {"rests_on": [AGREED, one]} if verdict == "allow" else {"rests_on": [one], "lifted_by": BACK}
        says("G66", [*PLAIN, AGREED, one], 70, verdict, policy=later, **wanted)  # type: ignore[arg-type]


def test_before_any_statement_no_interest_runs() -> None:
    one = added("0.01", 30)
    says("G66", [*START, CLAIM, AGREED, one], 70, "block", lifted_by=BACK, rests_on=[one], policy=TEN)
    first_later = [*START, CLAIM, AGREED, one, statement(1, 80)]
    says("G66", first_later, 70, "block", lifted_by=BACK, rests_on=[one], policy=TEN)


def test_interest_runs_on_what_is_the_patients_and_not_on_what_a_payer_wrongly_left() -> None:
    """Of 365.00 the plan's price leaves 73.00 with the patient: two cents a day."""
    claim = decided("365.00", "0.00", "PR-1 73.00", "PR-45 292.00", on=-5)
    for amount, verdict in (("0.60", "allow"), ("0.61", "block")):
        one = added(amount, 30)
        rests_on = [AGREED, one] if verdict == "allow" else [one]
        wanted = {"rests_on": rests_on, "lifted_by": None if verdict == "allow" else BACK}
        facts = [*START, claim, *statements(), AGREED, one]
        says("G66", facts, 70, verdict, policy=TEN, **wanted)  # type: ignore[arg-type]
        says("G66", [*facts, paid("90.00", on=40)], 70, verdict, policy=TEN, **wanted)  # type: ignore[arg-type]


def test_while_a_payer_is_still_to_answer_what_the_first_left_bears_the_interest() -> None:
    one = added("3.00", 30)
    facts = [*PLAIN, covered("P1", "P2", on=-39), AGREED, one]
    says("G66", facts, 70, "allow", rests_on=[AGREED, one], policy=TEN)


def test_of_a_self_pay_bill_interest_bears_no_interest() -> None:
    offered = fact(AssistanceChanged("offered", day(1)), 1)
    bill = [adult(), covered(on=-40), charged("365.00", on=-35), offered, *statements(), AGREED]
    fee = added("365.00", 20, "fee")
    both = policy(interest_percent=10, fees_allowed=True)
    for amount, verdict in (("3.00", "allow"), ("3.01", "block")):
        one = added(amount, 30)
        wanted = (
            {"rests_on": [AGREED, fee, one]} if verdict == "allow" else {"rests_on": [one], "lifted_by": BACK}
        )
        says("G66", [*bill, fee, one], 70, verdict, policy=both, **wanted)  # type: ignore[arg-type]


def test_where_nothing_is_the_patients_no_interest_runs() -> None:
    claim = decided("365.00", "365.00", on=-5)
    one = added("0.01", 30)
    facts = [*START, claim, *statements(), AGREED, one]
    says("G66", facts, 70, "block", lifted_by=BACK, rests_on=[one], policy=TEN)
