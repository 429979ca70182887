"""Statements, days and amounts: what each answer waits for, and the letters it rests on."""

from __future__ import annotations

import json
from datetime import date

import pytest

from schemas.facts import (
    AccountRegistered,
    Address,
    BalanceReported,
    Fact,
    Person,
    PlanChanged,
    StatementSent,
)
from service.core import Policy
from tests.spec.facts_made import (
    adjusted,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    paid,
    statement,
)
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, says
from tests.spec.gate_scenarios import changed_policy


def owed(amount: str = "320.00", *more: Fact) -> list[Fact]:
    return [
        adult(),
        covered("P1", on=-40),
        charged(amount, on=-35),
        decided(amount, "0.00", f"PR-1 {amount}", on=-5),
        *more,
    ]


def under(gate: str, name: str, value: object, stage: str | None = None) -> Policy:
    change = {"gate": gate, "name": name, "value": value} | ({"stage": stage} if stage else {})
    return changed_policy(json.dumps([change]))


FIRST, SECOND, THIRD = statement(1, 0), statement(2, 30), statement(3, 60, final=True)


# -- enough statements ----------------------------------------------------------------------------------


def test_the_statements_that_count_are_named_and_the_next_one_is_waited_for() -> None:
    facts = owed("320.00", FIRST, SECOND, THIRD)
    says("G40", facts, 10, "require", until=30, lifted_by="statement.sent", rests_on=[FIRST])
    says("G40", facts, 40, "allow", rests_on=[FIRST, SECOND])
    waits = {"until": 60, "lifted_by": "statement.sent", "rests_on": [FIRST, SECOND]}
    says("G40", facts, 40, "require", stage=PLACE, **waits)  # type: ignore[arg-type]
    says("G40", facts, 40, "require", stage=EXTRAORDINARY, **waits)  # type: ignore[arg-type]
    says("G40", facts, 60, "allow", stage=PLACE, rests_on=[FIRST, SECOND, THIRD])


def test_each_stage_has_a_number_of_statements_of_its_own() -> None:
    facts = owed("320.00", FIRST, SECOND, THIRD)
    four = under("G40", "statements", 4, EXTRAORDINARY)
    says("G40", facts, 100, "allow", stage=PLACE, policy=four, rests_on=[FIRST, SECOND, THIRD])
    wants = says(
        "G40",
        facts,
        100,
        "require",
        stage=EXTRAORDINARY,
        policy=four,
        lifted_by="statement.sent",
        rests_on=[FIRST, SECOND, THIRD],
    )
    assert "3 of 4 statements" in wants.because


def test_a_statement_that_does_not_count_hides_none_after_it() -> None:
    silent = statement(2, 30, notice=None)
    nobody_to_ask = fact(StatementSent(3, day(60), None, "mail", "en", True, False, True, False), 60)
    last = statement(4, 90)
    facts = owed("320.00", FIRST, silent, nobody_to_ask, last)
    says("G40", facts, 100, "allow", rests_on=[FIRST, last])


def test_the_days_between_statements_run_from_the_last_one_that_counted() -> None:
    between = statement(5, 20)
    facts = owed("320.00", FIRST, between, statement(6, 25))
    found = says("G40", facts, 80, "allow", rests_on=[FIRST, facts[-1]])
    assert found.because.startswith("2 statements")


def test_where_policy_asks_for_no_word_of_assistance_statements_without_it_count() -> None:
    silent = statement(2, 30, notice=None)
    facts = owed("320.00", FIRST, silent)
    says("G40", facts, 80, "require", lifted_by="statement.sent", rests_on=[FIRST])
    mild = under("G40", "assistance_notice", False)
    says("G40", facts, 80, "allow", policy=mild, rests_on=[FIRST, silent])


# -- the waiting period ---------------------------------------------------------------------------------


def test_the_waiting_period_rests_on_the_first_statement_and_names_its_last_day() -> None:
    facts = owed("320.00", FIRST, SECOND)
    wait = says("G41", facts, 59, "hold", until=60, rests_on=[FIRST])
    assert wait.because == "60 days must run since the first statement of 2026-01-01."
    ran = says("G41", facts, 61, "allow", rests_on=[FIRST])
    assert ran.because == "61 days have run since the first statement; 60 are needed."


def test_before_any_statement_the_next_one_is_named() -> None:
    facts = owed("320.00", FIRST)
    says("G41", facts, -1, "hold", until=0, lifted_by="statement.sent")
    says("G41", owed(), 400, "hold", lifted_by="statement.sent")


def lives_in(state: str, left: int | None = None) -> Fact:
    person = Person("M1", birth_on=date(1980, 2, 14), address=Address(state=state))
    return fact(AccountRegistered(patient=person, service_to=None if left is None else day(left)), -29)


@pytest.mark.parametrize(("left", "day_of"), [(None, 40), (55, 55), (20, 20)])
def test_where_law_counts_from_discharge_a_stay_without_one_ends_with_its_last_charge(
    left: int | None, day_of: int
) -> None:
    facts = [adult(), lives_in("IL", left), covered("P1", on=-40)]
    facts += [charged("400.00", on=40, id="C2"), charged("500.00", on=10)]
    facts += [decided("900.00", "0.00", "PR-1 900.00", on=45), statement(1, 56)]
    until = max(day_of + 90, 116)
    wait = says("G41", facts, until - 1, "hold", until=until, rests_on=[facts[-1]])
    says("G41", facts, until, "allow", rests_on=[facts[-1]])
    if until > 116:
        assert wait.because == f"90 days must run since the discharge of {day(day_of)}."


def test_without_charges_a_discharge_that_nobody_has_said_is_the_day_of_service() -> None:
    facts = [adult(), lives_in("IL"), fact(AccountRegistered(service_from=day(40)), -28)]
    facts += [covered("P1", on=-40), decided("900.00", "0.00", "PR-1 900.00", on=45), statement(1, 50)]
    says("G41", facts, 129, "hold", until=130, rests_on=[facts[-1]])


def test_where_law_counts_from_the_service_the_day_of_discharge_does_not_move_it() -> None:
    facts = [adult(), lives_in("CO", left=120), covered("P1", on=-40), charged("900.00", on=70)]
    facts += [decided("900.00", "0.00", "PR-1 900.00", on=-5), statement(1, 0)]
    wait = says("G41", facts, 251, "hold", until=252, rests_on=[facts[-1]], stage=EXTRAORDINARY)
    assert wait.because == "182 days must run since the service of 2026-03-12."


def test_a_day_of_service_that_nobody_has_said_never_ends_the_wait() -> None:
    facts = [adult(), lives_in("CO"), covered("P1", on=-40)]
    facts += [decided("900.00", "0.00", "PR-1 900.00", on=-5), statement(1, 0)]
    unknown = says(
        "G41",
        facts,
        400,
        "hold",
        lifted_by="account.registered",
        rests_on=[facts[-1]],
        stage=EXTRAORDINARY,
    )
    assert unknown.because == "Nobody has said the day of the service."
    says("G41", facts, 400, "allow", rests_on=[facts[-1]])


# -- the minimum ----------------------------------------------------------------------------------------


def elsewhere(total: str, patient: str | None = "20.00") -> Fact:
    def cents(text: str) -> int:
        return int(text.replace(".", ""))

    body = BalanceReported(2000, day(5), cents(patient) if patient else None)
    return fact(
        BalanceReported(body.total_cents, day(5), body.patient_cents, guarantor_total_cents=cents(total)), 5
    )


LARGER = {"lifted_by": "a larger balance"}


@pytest.mark.parametrize(
    ("amount", "stage", "enough"),
    [
        ("24.99", OPEN, False),
        ("25.00", OPEN, True),
        ("99.99", PLACE, False),
        ("100.00", PLACE, True),
        ("499.99", EXTRAORDINARY, False),
        ("500.00", EXTRAORDINARY, True),
    ],
)
def test_each_stage_has_a_minimum_of_its_own(amount: str, stage: str, enough: bool) -> None:
    facts = owed(amount, FIRST)
    if enough:
        says("G42", facts, 300, "allow", stage=stage)
    else:
        says("G42", facts, 300, "block", stage=stage, **LARGER)  # type: ignore[arg-type]


def test_a_small_balance_says_what_is_owed_and_what_the_minimum_is() -> None:
    found = says("G42", owed("20.00", FIRST), 70, "block", lifted_by="a larger balance")
    assert found.because == "20.00 is below the minimum of 25.00."


def test_what_is_owed_elsewhere_is_the_total_less_what_billing_counts_here() -> None:
    """Billing's total of 25.00 holds 20.00 of this account, so 5.00 are owed elsewhere."""
    report = elsewhere("25.00")
    found = says("G42", owed("20.00", FIRST, report), 70, "allow", rests_on=[report])
    assert found.because == "The guarantor owes 25.00 on all accounts together."
    more_here = elsewhere("25.00", patient="22.00")
    found = says("G42", owed("20.00", FIRST, more_here), 70, "block", rests_on=[more_here], **LARGER)  # type: ignore[arg-type]
    assert found.because == "23.00 is below the minimum of 25.00."
    not_said = elsewhere("25.00", patient=None)
    says("G42", owed("20.00", FIRST, not_said), 70, "allow", rests_on=[not_said])


def test_a_last_cent_here_is_owed_together_with_what_is_owed_elsewhere() -> None:
    report = elsewhere("25.00", patient="0.01")
    says("G42", owed("0.01", FIRST, report), 70, "allow", rests_on=[report])


def test_a_total_below_this_account_alone_takes_nothing_off_it() -> None:
    old = elsewhere("15.00")
    found = says("G42", owed("20.00", FIRST, old), 70, "block", rests_on=[old], **LARGER)  # type: ignore[arg-type]
    assert found.because == "20.00 is below the minimum of 25.00."


def test_what_is_owed_elsewhere_makes_no_paid_account_worth_pursuing() -> None:
    report = elsewhere("900.00")
    says("G42", owed("20.00", FIRST, report, paid("20.00", on=6)), 70, "block", **LARGER)  # type: ignore[arg-type]


# -- an increase is shown first -------------------------------------------------------------------------

SHOWN = {"lifted_by": "statement.sent with the new amount"}


def test_an_increase_that_no_statement_has_shown_waits_for_the_next_one() -> None:
    small, next_one = statement(1, 0, "100.00"), statement(2, 90, "320.00")
    facts = owed("320.00", small, next_one)
    says("G48", facts, 80, "hold", until=90, rests_on=[small], **SHOWN)  # type: ignore[arg-type]
    says("G48", facts, 119, "hold", until=120, rests_on=[next_one])
    says("G48", facts, 120, "allow")


def test_the_last_statement_that_showed_too_little_is_the_one_named() -> None:
    first, second = statement(1, 0, "100.00"), statement(2, 30, "319.99")
    says("G48", owed("320.00", first, second), 90, "hold", rests_on=[second], **SHOWN)  # type: ignore[arg-type]


@pytest.mark.parametrize("stated", [None, "320.00"])
def test_a_first_statement_that_showed_all_or_named_no_amount_hides_no_increase(stated: str | None) -> None:
    says("G48", owed("320.00", statement(1, 0, stated), statement(2, 30, "100.00")), 90, "allow")


def test_days_run_from_the_first_statement_that_showed_the_whole_amount() -> None:
    facts = owed("320.00", statement(1, 0, "100.00"), statement(2, 30, "320.00"), statement(3, 50, "320.00"))
    says("G48", facts, 59, "hold", until=60, rests_on=[facts[-2]])


@pytest.mark.parametrize(
    ("more", "seen"),
    [
        ([paid("20.00", on=0)], True),
        ([paid("20.00", on=1)], False),
        ([paid("19.99", on=0)], False),
        ([adjusted("20.00", "charity", on=0)], True),
        ([adjusted("20.00", "charity", on=1)], False),
        ([adjusted("19.99", "charity", on=0)], False),
        ([adjusted("20.00", "contractual", on=0)], False),
        ([paid("20.00", on=0, by="payer", payer="P1")], False),
        ([paid("-20.00", on=0), adjusted("20.00", "charity", on=0)], True),
        ([adjusted("-20.00", "charity", on=0), paid("20.00", on=0)], True),
    ],
)
def test_what_was_received_or_given_up_by_the_day_of_a_statement_was_rightly_not_on_it(
    more: list[Fact], seen: bool
) -> None:
    first = statement(1, 0, "300.00")
    found = judged("G48", owed("320.00", first, *more))
    assert found == ("allow" if seen else "hold")


def judged(gate: str, facts: list[Fact], on: int = 90, stage: str = OPEN) -> str:
    from tests.spec.gate_answers import answer

    return answer(gate, facts, on, stage).verdict.word


# -- the final notice -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [PLACE, EXTRAORDINARY])
def test_a_final_notice_is_waited_for_and_then_its_days(stage: str) -> None:
    facts = owed("320.00", FIRST, SECOND, THIRD)
    wanted = "statement.sent with final_notice"
    says("G49", facts, 40, "require", until=60, lifted_by=wanted, stage=stage)
    says("G49", facts, 89, "hold", until=90, rests_on=[THIRD], stage=stage)
    says("G49", facts, 90, "allow", rests_on=[THIRD], stage=stage)
    says("G49", facts[:-1], 400, "require", lifted_by=wanted, stage=stage)


def test_opening_a_case_needs_no_final_notice() -> None:
    says("G49", owed("320.00", FIRST), 70, "allow")


def test_a_final_notice_on_the_day_a_plan_was_broken_counts_and_one_the_day_before_does_not() -> None:
    def broken(on: int) -> Fact:
        return fact(PlanChanged("PL1", "defaulted", day(on)), on)

    facts = owed("320.00", FIRST, SECOND, THIRD)
    says("G49", [*facts, broken(60)], 100, "allow", rests_on=[THIRD], stage=PLACE)
    wanted = "statement.sent with final_notice"
    says("G49", [*facts, broken(61)], 100, "require", lifted_by=wanted, stage=PLACE)
    cancelled = fact(PlanChanged("PL1", "cancelled", day(61)), 61)
    says("G49", [*facts, cancelled], 100, "allow", rests_on=[THIRD], stage=PLACE)


def test_of_two_final_notices_the_first_one_runs() -> None:
    again = statement(4, 80, final=True)
    facts = owed("320.00", FIRST, SECOND, THIRD, again)
    says("G49", facts, 95, "allow", rests_on=[THIRD], stage=PLACE)


# -- the edges ------------------------------------------------------------------------------------------


def test_a_balance_that_reaches_the_minimum_by_itself_rests_on_no_report() -> None:
    says("G42", owed("25.00", FIRST, elsewhere("900.00", "25.00")), 70, "allow")
    report = elsewhere("900.00", "24.99")
    says("G42", owed("24.99", FIRST, report), 70, "allow", rests_on=[report])


def test_a_first_statement_that_showed_all_waits_for_nothing() -> None:
    says("G48", owed("320.00", statement(1, 0, "320.00")), 10, "allow")


def test_of_two_broken_plans_the_last_asks_for_a_new_final_notice() -> None:
    broken = [fact(PlanChanged(f"PL{on}", "defaulted", day(on)), on) for on in (50, 61)]
    facts = owed("320.00", FIRST, SECOND, THIRD, *broken)
    says("G49", facts, 100, "require", lifted_by="statement.sent with final_notice", stage=PLACE)
