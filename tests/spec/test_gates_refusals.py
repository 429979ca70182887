"""Papers, other cover, questions, appeals and age: what each answer waits for and rests on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time

import pytest

from schemas.facts import (
    ClaimStatusReported,
    ContactLogged,
    Coverage,
    CoverageListed,
    Fact,
    NoticeRecorded,
    Payer,
)
from tests.spec.facts_made import (
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    paid,
    statement,
    statements,
)
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, answer, says
from tests.spec.gate_scenarios import changed_policy

STAGES = (OPEN, PLACE, EXTRAORDINARY)


def denied(*adjustments: str, on: int = -5, **more: object) -> Fact:
    return decided("320.00", "0.00", *adjustments, on=on, **more)  # type: ignore[arg-type]


def account(claim: Fact, *more: Fact) -> list[Fact]:
    return [adult(), covered("P1", on=-40), charged("320.00", on=-35), claim, *statements(), *more]


def paper(kind: str, on: int, valid: bool = True) -> Fact:
    return fact(NoticeRecorded(kind, kind, day(on), valid=valid), on)


PLAIN = account(denied("PR-1 320.00"))


# -- papers for a denial --------------------------------------------------------------------------------


def test_after_thirty_days_without_the_paper_a_write_off_is_to_be_proposed() -> None:
    claim = denied("PR-204 320.00")
    wanted = "notice.recorded abn or waiver"
    early = says("G19", account(claim), 24, "require", lifted_by=wanted, rests_on=[claim])
    late = says("G19", account(claim), 25, "require", lifted_by=wanted, rests_on=[claim])
    assert "write-off" not in early.because
    assert "After 30 days without one a write-off is to be proposed." in late.because


def test_the_thirty_days_run_from_the_last_denial_and_from_no_other_decision() -> None:
    half = [
        decided("160.00", "0.00", "PR-204 160.00", on=on, number=f"N{on}", claim=f"A{on}") for on in (-9, -5)
    ]
    other = decided("100.00", "80.00", "PR-1 20.00", on=2, number="N2", claim="A2")
    facts = [adult(), covered("P1", on=-40), *half, other, *statements()]
    assert "write-off" not in answer("G19", facts, 24).because
    assert "write-off" in answer("G19", facts, 25).because


@pytest.mark.parametrize(
    ("kind", "enough"), [("abn", True), ("waiver", True), ("surprise_billing_consent", False)]
)
def test_only_a_signed_notice_or_waiver_allows_it(kind: str, enough: bool) -> None:
    claim, signed = denied("PR-204 320.00"), paper(kind, -36)
    if enough:
        says("G19", account(claim, signed), 70, "allow", rests_on=[signed])
    else:
        assert answer("G19", account(claim, signed), 70).verdict.word == "require"


def test_a_permission_that_the_plan_asks_for_holds_whatever_policy_says_of_other_papers() -> None:
    claim = denied("PR-197 320.00")
    mild = changed_policy(json.dumps([{"gate": "G19", "name": "notice_required", "value": False}]))
    says("G19", account(claim), 70, "hold", lifted_by="notice.recorded waiver", rests_on=[claim])
    says("G19", account(claim), 70, "hold", lifted_by="notice.recorded waiver", rests_on=[claim], policy=mild)
    other = denied("PR-204 320.00")
    says("G19", account(other), 70, "allow", policy=mild)


def test_without_such_a_denial_a_waiver_on_file_is_nothing_to_speak_of() -> None:
    says("G19", [*PLAIN, paper("waiver", -36)], 70, "allow")


# -- other cover ----------------------------------------------------------------------------------------


def ended(*more: Fact, last: int = -4) -> list[Fact]:
    first = decided("500.00", "425.00", "PR-2 75.00", on=-5)
    second = decided(
        "500.00", "0.00", "OA-23 425.00", "PR-27 75.00", on=last, payer="P2", status="2", number="N2"
    )
    return [adult(), covered("P1", "P2"), charged("500.00"), first, second, *statements(), *more]


NEEDS = {"lifted_by": "coverage.listed after the payer's answer"}


def test_a_list_of_the_very_moment_of_the_answer_is_no_new_look() -> None:
    facts = ended()
    for stage in STAGES:
        says("G20", facts, 70, "require", rests_on=[facts[4]], stage=stage, **NEEDS)  # type: ignore[arg-type]
    same = covered("P1", "P2", on=-4)
    says("G20", [*facts, same], 70, "require", rests_on=[facts[4]], **NEEDS)  # type: ignore[arg-type]
    later = covered("P1", "P2", on=-3)
    says("G20", [*facts, later], 20, "allow", rests_on=[later])


def test_without_any_list_cover_is_looked_for() -> None:
    facts = [f for f in ended() if f.kind != "coverage.listed"]
    assert answer("G20", facts, 70).verdict.word == "require"


def test_the_list_must_be_newer_than_the_last_of_the_payers_answers() -> None:
    again = decided(
        "500.00", "0.00", "OA-23 425.00", "PR-27 75.00", on=9, payer="P3", status="3", number="N3"
    )
    between, after = covered("P1", "P2", "P3", on=5), covered("P1", "P2", "P3", on=10)
    found = answer("G20", ended(between, again), 20)
    assert (found.verdict.word, again.id in found.evidence) == ("require", True)
    says("G20", ended(between, again, after), 20, "allow", rests_on=[after])


def test_what_another_payer_decides_later_asks_for_no_new_look() -> None:
    paid_on_top = decided(
        "500.00", "0.00", "OA-23 425.00", "PR-2 75.00", on=9, payer="P3", status="3", number="N3"
    )
    looked = covered("P1", "P2", "P3", on=5)
    says("G20", ended(looked, paid_on_top), 20, "allow", rests_on=[looked])


@pytest.mark.parametrize("stage", [PLACE, EXTRAORDINARY])
def test_before_an_agency_the_look_may_be_thirty_days_old(stage: str) -> None:
    looked = covered("P1", "P2", on=100)
    says("G20", ended(looked), 130, "allow", until=131, rests_on=[looked], stage=stage)
    says("G20", ended(looked), 131, "require", lifted_by="coverage.listed", rests_on=[looked], stage=stage)
    says("G20", ended(looked), 131, "allow", rests_on=[looked])


def test_a_list_on_which_no_cover_is_in_force_is_itself_no_look_for_other_cover() -> None:
    """The list says so without any payer's answer: cover is looked for all the same."""
    over = Coverage(1, Payer("P1"), "commercial", effective_to=day(-60))
    facts = [adult(), fact(CoverageListed((over,)), -40), charged("320.00", on=-35), *statements()]
    found = answer("G20", facts, 70)
    assert (found.verdict.word, found.lifted_by) == ("require", NEEDS["lifted_by"])


# -- a question to the patient --------------------------------------------------------------------------


def tried(on: int, disposition: str = "NA") -> Fact:
    return fact(ContactLogged("phone", "outbound", disposition, datetime.combine(day(on), time(15), UTC)), on)


def status(word: str, on: int = 60) -> Fact:
    return fact(ClaimStatusReported("A1", Payer("P1"), word, day(on), "u7"), on)


QUESTION = denied("PR-227 320.00")


def test_efforts_to_help_are_owed_until_three_came_within_forty_five_days() -> None:
    found = says(
        "G21",
        account(QUESTION, tried(1), tried(20)),
        70,
        "hold",
        lifted_by="the payer's decision after the answer, or contact.logged",
        rests_on=[QUESTION],
    )
    assert "3 efforts to help within 45 days are owed." in found.because


def test_after_the_efforts_it_must_be_found_out_whether_the_payer_closed_the_bill() -> None:
    made = [tried(1), tried(20), tried(46)]
    wanted = "claim.status closed_no_response"
    says("G21", account(QUESTION, *made), 70, "hold", lifted_by=wanted, rests_on=[QUESTION, *made])
    waits = status("pending")
    says("G21", account(QUESTION, *made, waits), 70, "hold", lifted_by=wanted, rests_on=[QUESTION, *made])
    closed = status("closed_no_response")
    says("G21", account(QUESTION, *made, closed), 70, "allow", rests_on=[QUESTION, *made, closed])


def test_only_the_run_of_efforts_that_came_close_enough_together_is_named() -> None:
    made = [tried(1), tried(30), tried(50), tried(60), tried(65)]
    closed = status("closed_no_response", 66)
    found = [QUESTION, *made[1:4], closed]
    says("G21", account(QUESTION, *made, closed), 70, "allow", rests_on=found)


def test_an_effort_counts_from_the_day_of_the_payers_question() -> None:
    closed = status("closed_no_response")
    before = account(QUESTION, tried(-6), tried(1), tried(2), closed)
    assert answer("G21", before, 70).verdict.word == "hold"
    same_day = account(QUESTION, tried(-5), tried(1), tried(2), closed)
    assert answer("G21", same_day, 70).verdict.word == "allow"


def test_a_call_that_could_not_arrive_is_no_effort() -> None:
    closed = status("closed_no_response")
    for nobody in (tried(2, "WN"), tried(2, "DISC")):
        assert answer("G21", account(QUESTION, tried(1), nobody, tried(3), closed), 70).verdict.word == "hold"


@pytest.mark.parametrize("stage", STAGES)
def test_a_question_holds_every_stage(stage: str) -> None:
    assert answer("G21", account(QUESTION), 300, stage).verdict.word == "hold"


# -- appeals --------------------------------------------------------------------------------------------

APPEAL = flagged("appeal", 10)
CLEARED = {"lifted_by": "account.cleared appeal", "rests_on": [APPEAL]}


def test_an_appeal_holds_a_case_and_blocks_what_comes_after() -> None:
    facts = [*PLAIN, APPEAL]
    held = says("G22", facts, 189, "hold", until=190, **CLEARED)  # type: ignore[arg-type]
    assert "person must look" not in held.because
    old = says("G22", facts, 190, "require", **CLEARED)  # type: ignore[arg-type]
    assert "It has been open for 180 days or more; a person must look." in old.because
    for stage in (PLACE, EXTRAORDINARY):
        for on in (189, 190):
            says("G22", facts, on, "block", stage=stage, **CLEARED)  # type: ignore[arg-type]


def test_where_law_forbids_a_case_during_an_appeal_every_stage_is_blocked() -> None:
    strict = changed_policy(json.dumps([{"gate": "G22", "name": "forbids_case", "value": True}]))
    for stage in STAGES:
        says("G22", [*PLAIN, APPEAL], 70, "block", stage=stage, policy=strict, **CLEARED)  # type: ignore[arg-type]


def answered(on: int, *adjustments: str, remarks: tuple[str, ...] = ()) -> Fact:
    return decided("320.00", "20.00", *adjustments, on=on, number="N2", remarks=remarks)


@pytest.mark.parametrize(
    ("on", "adjustments", "remarks", "closes"),
    [
        (50, ("PR-1 300.00",), ("MA91",), True),
        (50, ("PR-1 200.00", "CO-193 100.00"), (), True),
        (10, ("PR-1 300.00",), ("MA91",), True),
        (9, ("PR-1 300.00",), ("MA91",), False),
        (50, ("PR-1 300.00",), ("MA18",), False),
    ],
)
def test_a_decision_that_says_it_answers_the_appeal_closes_it(
    on: int, adjustments: tuple[str, ...], remarks: tuple[str, ...], closes: bool
) -> None:
    new = answered(on, *adjustments, remarks=remarks)
    facts = [*PLAIN, APPEAL, new]
    if closes:
        says("G22", facts, 70, "allow", rests_on=[APPEAL, new])
    else:
        says("G22", facts, 70, "hold", until=190, **CLEARED)  # type: ignore[arg-type]


def test_a_second_appeal_after_the_answer_is_open() -> None:
    new, second = answered(50, "PR-1 300.00", remarks=("MA91",)), flagged("appeal", 60, reference="2")
    found = answer("G22", [*PLAIN, flagged("appeal", 10, reference="1"), new, second], 70)
    assert (found.verdict.word, found.until) == ("hold", day(240))


# -- identity, age, what was resolved -------------------------------------------------------------------


def test_a_reason_code_of_identity_theft_blocks_like_the_patients_word() -> None:
    claim, told = denied("PR-1 300.00", "CO-224 20.00"), flagged("identity_theft", 1)
    for stage in STAGES:
        says(
            "G23",
            account(claim, told),
            70,
            "block",
            lifted_by="account.cleared identity_theft",
            rests_on=[told, claim],
            stage=stage,
        )
    wanted = "account.cleared identity_theft"
    says("G23", account(claim), 70, "block", lifted_by=wanted, rests_on=[claim])


def test_the_time_for_a_court_runs_from_the_first_statement() -> None:
    first = PLAIN[4]
    says("G24", PLAIN, 1094, "allow", until=1095, rests_on=[first], stage=EXTRAORDINARY)
    never = "nothing: it does not begin anew"
    says("G24", PLAIN, 1095, "block", lifted_by=never, rests_on=[first], stage=EXTRAORDINARY)
    wanted = "notice.recorded agency_instructions"
    says("G24", PLAIN, 1095, "require", lifted_by=wanted, rests_on=[first], stage=PLACE)
    told = says("G24", PLAIN, 1095, "allow", rests_on=[first])
    assert "every letter must say so" in told.because


def test_without_a_statement_it_runs_from_the_service() -> None:
    unbilled = PLAIN[:4]
    says("G24", unbilled, -35 + 1094, "allow", until=1060, stage=EXTRAORDINARY)
    never = "nothing: it does not begin anew"
    says("G24", unbilled, 1060, "block", lifted_by=never, stage=EXTRAORDINARY)
    unknown = [adult(), covered("P1", on=-40), decided("320.00", "0.00", "PR-1 320.00", on=-5)]
    says("G24", unknown, 5000, "allow", stage=EXTRAORDINARY)


@pytest.mark.parametrize(("told_on", "verdict"), [(1094, "require"), (1095, "allow")])
def test_an_agency_is_told_once_the_time_has_run_out(told_on: int, verdict: str) -> None:
    instructions = paper("agency_instructions", told_on)
    found = answer("G24", [*PLAIN, instructions], 1200, PLACE)
    assert found.verdict.word == verdict
    assert (found.evidence == (instructions.id,)) is (verdict == "allow")


def test_a_payment_does_not_begin_the_time_for_a_court_anew() -> None:
    facts = [*PLAIN, paid("20.00", on=1000)]
    assert answer("G24", facts, 1095, EXTRAORDINARY).verdict.word == "block"


@pytest.mark.parametrize("name", ["settled", "discharged", "donated"])
@pytest.mark.parametrize("stage", STAGES)
def test_what_was_resolved_is_pursued_at_no_stage(name: str, stage: str) -> None:
    flag = flagged(name, 1)
    wanted = f"account.cleared {name}"
    says("G25", [*PLAIN, flag], 300, "block", lifted_by=wanted, rests_on=[flag], stage=stage)


@pytest.mark.parametrize(("amount", "resolved"), [("319.99", False), ("320.00", True), ("320.01", True)])
def test_what_was_paid_is_neither_placed_nor_sold(amount: str, resolved: bool) -> None:
    facts = [*PLAIN, paid(amount, on=1)]
    for stage in (PLACE, EXTRAORDINARY):
        if resolved:
            says("G25", facts, 300, "block", lifted_by="a new decision of a payer", stage=stage)
        else:
            says("G25", facts, 300, "allow", stage=stage)
    says("G25", facts, 300, "allow")


def test_the_last_cent_that_was_paid_is_resolved_too() -> None:
    facts = [*account(denied("CO-45 319.99", "PR-1 0.01")), paid("0.01", on=1)]
    says("G25", facts, 300, "block", lifted_by="a new decision of a payer", stage=PLACE)


def test_where_the_patient_never_owed_anything_nothing_was_resolved() -> None:
    covers_all = decided("320.00", "320.00", on=-5)
    facts = [adult(), covered("P1", on=-40), charged("320.00", on=-35), covers_all, statement(1, 0)]
    says("G25", facts, 300, "allow", stage=PLACE)
