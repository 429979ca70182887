"""Plans, promises, payments, disputes and Medicare's effort: what each answer rests on, and until when."""

from __future__ import annotations

import pytest

from schemas.facts import AdjustmentPosted, Fact, PaymentPosted, PlanChanged, PromiseChanged
from schemas.money import parse_cents
from service.core import parse_policy
from tests.spec.facts_made import (
    adult,
    charged,
    cleared,
    covered,
    day,
    decided,
    fact,
    flagged,
    paid,
    policy_texts,
    statements,
)
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, answer, says

STAGES = (OPEN, PLACE, EXTRAORDINARY)
START = [adult(), covered("P1", on=-40), charged("320.00", on=-35)]
PLAIN = [*START, decided("320.00", "0.00", "PR-1 320.00", on=-5), *statements()]

# -- plans ----------------------------------------------------------------------------------------------


def plan(state: str, on: int = 5, id: str = "PL1") -> Fact:
    return fact(PlanChanged(id, state, day(on)), on)


@pytest.mark.parametrize("state", ["active", "at_risk"])
def test_a_plan_in_force_is_not_pursued_until_it_ends(state: str) -> None:
    kept = plan(state)
    wanted = "plan.changed defaulted or cancelled"
    for stage in STAGES:
        says("G43", [*PLAIN, kept], 400, "block", lifted_by=wanted, rests_on=[kept], stage=stage)


@pytest.mark.parametrize("state", ["offered", "defaulted", "completed", "cancelled"])
def test_a_plan_that_is_not_in_force_stands_in_no_way(state: str) -> None:
    says("G43", [*PLAIN, plan("active", 5), plan(state, 20)], 70, "allow")
    kept = plan("active", 30, "PL2")
    wanted = "plan.changed defaulted or cancelled"
    says("G43", [*PLAIN, plan(state, 20), kept], 70, "block", lifted_by=wanted, rests_on=[kept])


def test_a_plan_in_a_state_that_nobody_knows_holds() -> None:
    odd = plan("paused")
    for stage in STAGES:
        says("G43", [*PLAIN, odd], 400, "hold", lifted_by="plan.changed", rests_on=[odd], stage=stage)


# -- promises -------------------------------------------------------------------------------------------


def promise(id: str, due: int | None, state: str = "made", on: int = 60) -> Fact:
    return fact(PromiseChanged(id, state, 5000, None if due is None else day(due)), on)


@pytest.mark.parametrize(("first", "later"), [("A", "B"), ("B", "A")])
def test_of_two_promises_the_later_is_waited_for_with_its_five_days_of_grace(first: str, later: str) -> None:
    one, last = promise(first, 63), promise(later, 65)
    for stage in STAGES:
        says("G44", [*PLAIN, one, last], 70, "hold", until=71, rests_on=[last], stage=stage)
        says("G44", [*PLAIN, one, last], 71, "allow", stage=stage)


@pytest.mark.parametrize("state", ["kept", "broken", "withdrawn"])
def test_a_promise_that_is_over_is_waited_for_no_longer(state: str) -> None:
    says("G44", [*PLAIN, promise("A", 80), promise("A", 80, state, 65)], 70, "allow")
    # Nor does it hide another one.
    open_ = promise("B", 80)
    facts = [*PLAIN, promise("A", 80, state, 65), open_]
    says("G44", facts, 70, "hold", until=86, rests_on=[open_])


@pytest.mark.parametrize(("due", "state"), [(None, "made"), (80, "renewed"), (None, "renewed")])
def test_a_promise_without_a_day_or_in_an_unknown_state_waits_for_word(due: int | None, state: str) -> None:
    odd = promise("A", due, state)
    for stage in STAGES:
        says("G44", [*PLAIN, odd], 400, "hold", lifted_by="promise.changed", rests_on=[odd], stage=stage)


# -- payments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "worth"), [("24.99", False), ("25.00", True)])
def test_twenty_five_dollars_show_good_faith_for_thirty_days(amount: str, worth: bool) -> None:
    payment = paid(amount, on=50)
    for stage in STAGES:
        if worth:
            says("G45", [*PLAIN, payment], 79, "hold", until=80, rests_on=[payment], stage=stage)
            says("G45", [*PLAIN, payment], 80, "allow", stage=stage)
        else:
            says("G45", [*PLAIN, payment], 60, "allow", stage=stage)


@pytest.mark.parametrize(("amount", "worth"), [("9.99", False), ("10.00", True)])
def test_a_tenth_of_what_was_owed_before_it_shows_good_faith_too(amount: str, worth: bool) -> None:
    small = [adult(), covered("P1", on=-40), charged("100.00", on=-35), *statements()]
    claim = decided("100.00", "0.00", "PR-1 100.00", on=-5)
    payment = paid(amount, on=50)
    found = answer("G45", [*small, claim, payment], 60)
    assert found.verdict.word == ("hold" if worth else "allow")


def test_a_small_payment_that_ends_in_a_credit_is_all_that_was_owed() -> None:
    facts = [*PLAIN, paid("320.00", on=1, id="A"), last := paid("1.00", on=50, id="B")]
    says("G45", facts, 60, "hold", until=80, rests_on=[last])


def test_the_last_cent_shows_good_faith_and_nothing_shows_none() -> None:
    last = paid("0.01", on=50, id="B")
    says("G45", [*PLAIN, paid("319.99", on=1, id="A"), last], 60, "hold", until=80, rests_on=[last])
    says("G45", [*PLAIN, paid("320.00", on=1, id="A"), paid("0.00", on=50, id="B")], 60, "allow")


@pytest.mark.parametrize(("other", "own"), [("A", "B"), ("B", "A")])
def test_money_of_others_hides_no_payment_of_the_patient(other: str, own: str) -> None:
    theirs = fact(PaymentPosted(other, 10000, "other", day(50)), 50)
    ours = fact(PaymentPosted(own, 3000, "patient", day(50)), 50)
    says("G45", [*PLAIN, theirs, ours], 60, "hold", until=80, rests_on=[ours])


@pytest.mark.parametrize(("first", "later"), [("A", "B"), ("B", "A")])
def test_of_two_payments_the_newer_counts(first: str, later: str) -> None:
    one, last = paid("30.00", on=45, id=first), paid("30.00", on=50, id=later)
    says("G45", [*PLAIN, one, last], 60, "hold", until=80, rests_on=[last])


@pytest.mark.parametrize(
    ("amount", "by"), [("100.00", "payer"), ("100.00", "other"), ("-100.00", "patient"), ("0.00", "patient")]
)
def test_only_money_that_the_patient_gave_shows_good_faith(amount: str, by: str) -> None:
    """Nor does a payment that came back."""
    says("G45", [*PLAIN, fact(PaymentPosted("A", parse_cents(amount), by, day(50)), 50)], 60, "allow")


# -- disputes -------------------------------------------------------------------------------------------

DISPUTES = {
    "dispute": "A dispute is open.",
    "complaint": "A complaint is open.",
    "itemization_request": "A request for an itemized bill is open.",
    "coding_review": "A review of the coding that the patient asked for is open.",
}


@pytest.mark.parametrize("name", DISPUTES)
def test_what_the_patient_objects_to_is_answered_first(name: str) -> None:
    flag, answered = flagged(name, 5), cleared(name, 61)
    for stage in STAGES:
        wanted = f"account.cleared {name}"
        found = says("G46", [*PLAIN, flag], 400, "hold", lifted_by=wanted, rests_on=[flag], stage=stage)
        assert found.because == DISPUTES[name]
        says("G46", [*PLAIN, flag, answered], 90, "hold", until=91, rests_on=[flag], stage=stage)
        says("G46", [*PLAIN, flag, answered], 91, "allow", stage=stage)


@pytest.mark.parametrize(("first", "later"), [("A", "B"), ("B", "A")])
def test_of_two_answers_the_later_is_waited_for(first: str, later: str) -> None:
    flags = [flagged("dispute", 5, reference=first), flagged("dispute", 6, reference=later)]
    told = [cleared("dispute", 61, first), cleared("dispute", 65, later)]
    says("G46", [*PLAIN, *flags, *told], 94, "hold", until=95, rests_on=[flags[1]])


def test_a_hold_that_was_no_dispute_leaves_nothing_to_wait_for() -> None:
    says("G46", [*PLAIN, flagged("litigation", 5), cleared("litigation", 61)], 70, "allow")


# -- Medicare -------------------------------------------------------------------------------------------


def medicare(*more: Fact, on: int = -5, indicator: str = "MB") -> list[Fact]:
    return [*START, decided("320.00", "0.00", "PR-1 320.00", on=on, filing=indicator), *statements(), *more]


BEFORE = decided("90.00", "40.00", "PR-1 50.00", on=-30, filing="MA", claim="A0", number="N0")


@pytest.mark.parametrize("indicator", ["MA", "MB"])
def test_the_effort_for_medicare_runs_120_days_from_the_first_bill_and_stops_no_case(indicator: str) -> None:
    facts = medicare(indicator=indicator)
    claim, bill = facts[3], facts[4]
    for stage in (OPEN, PLACE):
        found = says("G47", facts, 119, "allow", rests_on=[claim, bill], stage=stage)
        assert found.because.endswith(f"claimed as Medicare bad debt, from {day(120)}.")
    found = says("G47", facts, 119, "hold", until=120, rests_on=[claim, bill], stage=EXTRAORDINARY)
    assert str(day(120)) in found.because
    says("G47", facts, 120, "allow", rests_on=[claim, bill], stage=EXTRAORDINARY)


def test_the_newest_medicare_decision_is_named_and_other_payers_do_not_matter() -> None:
    facts = medicare(BEFORE)
    says("G47", facts, 70, "allow", rests_on=[facts[3], facts[4]])
    assert answer("G47", PLAIN, 70).evidence == ()
    assert answer("G47", [f for f in facts if f.kind != "statement.sent"], 70).evidence == ()


def test_each_payment_of_the_patient_begins_the_effort_anew() -> None:
    first, last = paid("5.00", on=20, id="A"), paid("5.00", on=50, id="B")
    facts = medicare(last, first)
    held = {"rests_on": [facts[3], facts[4], last], "stage": EXTRAORDINARY}
    says("G47", facts, 169, "hold", until=170, **held)  # type: ignore[arg-type]
    says("G47", facts, 170, "allow", **held)  # type: ignore[arg-type]
    cent = paid("0.01", on=60, id="C")
    rests_on = [facts[3], facts[4], cent]
    says("G47", [*facts, cent], 70, "hold", until=180, rests_on=rests_on, stage=EXTRAORDINARY)
    # On the day it comes it counts, and not before.
    says("G47", facts, 50, "hold", until=170, **held)  # type: ignore[arg-type]
    says("G47", facts, 49, "hold", until=140, rests_on=[facts[3], facts[4], first], stage=EXTRAORDINARY)


@pytest.mark.parametrize(
    ("amount", "by", "on"),
    [
        ("5.00", "payer", 50),
        ("-5.00", "patient", 50),
        ("0.00", "patient", 50),
        ("5.00", "patient", 0),
        ("5.00", "patient", -1),
    ],
)
def test_other_money_begins_nothing_anew(amount: str, by: str, on: int) -> None:
    other = fact(PaymentPosted("A", parse_cents(amount), by, day(on)), on)
    facts = medicare(other)
    says("G47", facts, 119, "hold", until=120, rests_on=[facts[3], facts[4]], stage=EXTRAORDINARY)


def test_where_policy_says_so_payments_begin_nothing_anew() -> None:
    texts = policy_texts()
    stated = 'name = "restart_on_payment"\nvalue = true\n'
    assert stated in texts["us_federal.toml"]
    texts["us_federal.toml"] = texts["us_federal.toml"].replace(stated, stated.replace("true", "false"))
    facts = medicare(paid("5.00", on=50))
    held = {"until": 120, "rests_on": facts[3:5], "stage": EXTRAORDINARY}
    says("G47", facts, 119, "hold", policy=parse_policy(texts), **held)  # type: ignore[arg-type]


@pytest.mark.parametrize(("decided_on", "late"), [(-120, False), (-121, True)])
def test_a_first_bill_later_than_120_days_can_never_be_claimed(decided_on: int, late: bool) -> None:
    facts = medicare(on=decided_on)
    for on in (70, 400):
        assert ("went out too late" in answer("G47", facts, on).because) is late
    # The last payer's answer is what the days run from.
    second = decided("320.00", "0.00", "OA-23 0.00", "PR-1 320.00", on=-4, payer="P2", status="2")
    assert "too late" not in answer("G47", [*facts, second], 70).because


def written_off(amount: str, on: int, id: str = "W1") -> Fact:
    return fact(AdjustmentPosted(id, parse_cents(amount), "bad_debt", day(on)), on)


def test_what_is_written_off_before_the_effort_ends_is_to_be_taken_back() -> None:
    early, lawful = written_off("100.00", 119), written_off("100.00", 120)
    undone = "adjustment.posted bad_debt, taken back"
    facts = medicare(early)
    for stage in (PLACE, EXTRAORDINARY):
        wanted = [facts[3], facts[4], early]
        found = says("G47", facts, 300, "require", lifted_by=undone, rests_on=wanted, stage=stage)
        assert str(day(120)) in found.because
    says("G47", facts, 300, "allow")
    kept = medicare(lawful)
    says("G47", kept, 300, "allow", rests_on=kept[3:5], stage=PLACE)
    other = medicare(fact(AdjustmentPosted("W1", 10000, "charity", day(119)), 119))
    says("G47", other, 300, "allow", rests_on=other[3:5], stage=PLACE)


def test_what_was_taken_back_whenever_and_written_off_rightly_is_no_fault() -> None:
    early = written_off("100.00", 60)
    lawful = written_off("100.00", 200, "W3")
    for back in (written_off("-100.00", 90, "W2"), written_off("-100.00", 150, "W2")):
        facts = medicare(early, back, lawful)
        says("G47", facts, 300, "allow", rests_on=facts[3:5], stage=PLACE)
    part = medicare(early, written_off("-99.99", 90, "W2"), written_off("0.00", 61, "W4"))
    found = answer("G47", part, 300, PLACE)
    assert (found.verdict.word, found.evidence[2:]) == ("require", (early.id,))
    cent = medicare(written_off("0.01", 60))
    assert answer("G47", cent, 300, PLACE).verdict.word == "require"
