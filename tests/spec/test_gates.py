"""Each gate allowing and not allowing, at its boundary day and cent."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from schemas.facts import (
    AccountRef,
    AccountRegistered,
    AssistanceChanged,
    CodingStatusChanged,
    Coverage,
    CoverageListed,
    Fact,
    NoticeRecorded,
    Payer,
    PaymentPending,
    Person,
    PlanChanged,
    PromiseChanged,
)
from service.core.gates import REGISTRY
from tests.spec.facts_made import (
    POLICY,
    adjusted,
    adult,
    charged,
    cleared,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    merged,
    paid,
    statement,
    statements,
    verdicts,
)


def owed(amount: str = "320.00") -> list[Fact]:
    """A plain account: one payer decided long ago, the rest is the patient's deductible."""
    return [
        adult(),
        covered("P1", on=-40),
        charged(amount, on=-35),
        decided(amount, "0.00", f"PR-1 {amount}", on=-5),
    ]


def ready(amount: str = "320.00") -> list[Fact]:
    """The same with every statement delivered: nothing stands in the way from day 60."""
    return [*owed(amount), *statements(0)]


def held(gate: str, facts: list[Fact], as_of: int | date, stage: str = "open_case") -> str | None:
    return verdicts(judge(facts, as_of)[2], stage).get(gate)


def until(gate: str, facts: list[Fact], as_of: int, stage: str = "open_case") -> date | None:
    decision = judge(facts, as_of)[2]
    return next(f.until for f in decision.findings if f.gate == gate and f.stage == stage)


def test_a_plan_of_a_kind_nobody_states_holds_until_a_list_or_a_decision_names_it() -> None:
    def listed(kind: str | None) -> Fact:
        return fact(CoverageListed((Coverage(1, Payer("P1"), kind),)), on=-39)

    def with_list(kind: str | None, filing: str | None) -> list[Fact]:
        facts = [f for f in ready() if f.kind not in ("coverage.listed", "claim.adjudicated")]
        answer = decided("320.00", "0.00", "PR-1 320.00", on=-5, filing=filing)
        return [*facts, listed(kind), answer]

    assert held("G13", with_list(None, None), 60) == "hold"
    assert held("G13", with_list("commercial", None), 60) is None
    assert held("G13", with_list(None, "12"), 60) is None


def test_a_plain_account_opens_when_its_time_has_come() -> None:
    assert verdicts(judge(ready(), 60)[2]) == {}


@pytest.mark.parametrize(("days", "allowed"), [(59, False), (60, True)])
def test_the_waiting_period_ends_on_its_sixtieth_day(days: int, allowed: bool) -> None:
    assert judge(ready(), days)[2].opens_case is allowed


def test_a_gate_that_waits_says_until_when() -> None:
    assert until("G41", ready(), 40) == day(60)
    assert judge(ready(), 40)[2].review_on == day(60)


@pytest.mark.parametrize(("amount", "allowed"), [("24.99", False), ("25.00", True)])
def test_the_minimum_balance_is_reached_at_its_cent(amount: str, allowed: bool) -> None:
    assert judge(ready(amount), 60)[2].opens_case is allowed


def test_placing_needs_more_days_than_opening() -> None:
    assert held("G41", ready(), 119, "place") == "hold"
    assert held("G41", ready(), 120, "place") is None
    assert verdicts(judge(ready(), 120)[2], "place") == {}


def test_extraordinary_actions_are_off() -> None:
    assert held("G71", ready(), 2000, "extraordinary") == "block"


@pytest.mark.parametrize(("apart", "counts"), [(24, False), (25, True)])
def test_two_statements_count_when_they_are_far_enough_apart(apart: int, counts: bool) -> None:
    facts = [*owed(), statement(1, 0), statement(2, apart)]
    assert (held("G40", facts, 90) is None) is counts


def test_a_statement_without_word_of_assistance_does_not_count() -> None:
    facts = [*owed(), statement(1, 0), statement(2, 30, notice=None)]
    assert held("G40", facts, 90) == "require"


def test_a_statement_before_the_payer_decided_starts_no_clock() -> None:
    facts = [*owed(), statement(1, -6), statement(2, 20), statement(3, 50)]
    assert until("G41", facts, 60) == day(80)


def test_a_statement_between_primary_and_secondary_starts_no_clock() -> None:
    facts = [
        adult(),
        covered("P1", "P2"),
        charged("300.00"),
        decided("300.00", "0.00", "PR-1 300.00", on=-5),
        decided("300.00", "0.00", "PR-1 300.00", on=10, payer="P2", status="2"),
        statement(1, 0),
        statement(2, 30),
        statement(3, 60),
    ]
    assert until("G41", facts, 70) == day(90)


def test_a_correction_does_not_set_the_clock_back() -> None:
    facts = [
        *ready(),
        decided("-320.00", "0.00", "PR-1 -320.00", on=50, status="22"),
        decided("320.00", "100.00", "PR-1 220.00", on=51),
    ]
    assert judge(facts, 60)[2].opens_case


def test_returned_mail_takes_the_delivery_back() -> None:
    facts = [
        *owed(),
        statement(1, 0),
        flagged("returned_mail", 5),
        cleared("returned_mail", 10),
        statement(2, 30),
    ]
    assert until("G41", [*facts, statement(3, 60)], 70) == day(90)
    assert held("G54", [*owed(), flagged("returned_mail", 5)], 70) == "hold"


@pytest.mark.parametrize(
    ("gate", "facts", "verdict"),
    [
        ("G06", [fact(CodingStatusChanged("pending"), 1)], "hold"),
        ("G06", [flagged("late_charge_hold")], "hold"),
        ("G11", [decided("-9.00", "0.00", "PR-1 -9.00", on=1, status="8")], "hold"),
        ("G13", [covered("P1", kinds={"P1": "medicaid"}, on=2)], "block"),
        ("G13", [covered("P1", kinds={"P1": "qmb"}, on=2)], "block"),
        ("G13", [flagged("medicaid_pending")], "hold"),
        ("G14", [flagged("estimate_dispute")], "block"),
        ("G17", [flagged("third_party_liability")], "hold"),
        ("G17", [covered("P1", kinds={"P1": "workers_comp"}, on=2)], "hold"),
        ("G18", [covered("P1", kinds={"P1": "va"}, on=2)], "block"),
        ("G18", [flagged("custody")], "block"),
        ("G22", [flagged("appeal")], "hold"),
        ("G23", [flagged("identity_theft")], "block"),
        ("G30", [fact(AssistanceChanged("applied", day(1)), 1)], "hold"),
        ("G31", [fact(AssistanceChanged("approved", day(1), "100"), 1)], "block"),
        ("G31", [fact(AssistanceChanged("approved", day(1), "40"), 1)], "require"),
        ("G32", [fact(AssistanceChanged("offered", day(1), household_income_percent_fpl="200"), 1)], "block"),
        ("G43", [fact(PlanChanged("PL1", "active", day(1)), 1)], "block"),
        ("G46", [flagged("dispute")], "hold"),
        ("G50", [flagged("bankruptcy", petition=3)], "block"),
        ("G50", [flagged("bankruptcy", petition=-36)], "hold"),
        ("G51", [flagged("deceased")], "require"),
        ("G52", [flagged("minor")], "hold"),
        ("G55", [flagged("cease_contact")], "block"),
        ("G55", [flagged("attorney")], "hold"),
        ("G56", [flagged("manual", 30)], "hold"),
        ("G56", [flagged("manual")], "require"),
        ("G56", [flagged("a_flag_nobody_knows")], "hold"),
        ("G57", [flagged("litigation")], "block"),
        ("G58", [flagged("safety")], "hold"),
    ],
)
def test_the_gate_stands_in_the_way(gate: str, facts: list[Fact], verdict: str) -> None:
    assert held(gate, ready(), 100) is None
    assert held(gate, [*ready(), *facts], 100) == verdict


@pytest.mark.parametrize("name", ["manual", "dispute", "litigation", "bankruptcy", "returned_mail", "weird"])
def test_a_flag_is_lifted_by_its_reference_and_not_without(name: str) -> None:
    placed = [*ready(), flagged(name, 1, reference="R1")]
    assert not judge([*placed, cleared(name, 5)], 100)[2].opens_case
    assert not judge([*placed, cleared(name, 5, "R2")], 100)[2].opens_case
    lifted = judge([*placed, cleared(name, 5, "R1")], 100)[2]
    assert set(verdicts(lifted)) <= {"G40", "G41"}


def test_a_flag_placed_again_after_it_was_lifted_stands() -> None:
    facts = [*ready(), flagged("manual", 1), cleared("manual", 5), flagged("manual", 19)]
    assert held("G56", facts, 100) == "hold"


def test_a_hold_with_an_end_lifts_on_that_day() -> None:
    facts = [*ready(), flagged("billing_hold", 1, until=90)]
    assert held("G56", facts, 89) == "hold"
    assert judge(facts, 90)[2].opens_case


def test_a_dispute_answered_holds_thirty_days_more() -> None:
    facts = [*ready(), flagged("dispute", 1), cleared("dispute", 80)]
    assert until("G46", facts, 109) == day(110)
    assert judge(facts, 110)[2].opens_case


def test_a_promise_holds_through_its_grace() -> None:
    facts = [*ready(), fact(PromiseChanged("PR1", "made", 5000, day(100)), 61)]
    assert held("G44", facts, 105) == "hold"
    assert judge(facts, 106)[2].opens_case
    assert judge([*facts, fact(PromiseChanged("PR1", "broken"), 103)], 104)[2].opens_case


def test_a_payment_of_good_faith_holds_thirty_days() -> None:
    facts = [*ready(), paid("25.00", on=70)]
    assert held("G45", facts, 99) == "hold"
    assert judge(facts, 100)[2].opens_case
    assert held("G45", [*ready(), paid("24.99", on=70)], 99) is None


def test_an_announced_payment_holds_ten_business_days() -> None:
    friday = 64  # 2026-03-06
    assert day(friday).weekday() == 4
    facts = [*ready(), fact(PaymentPending("Q1", 5000, day(friday)), 60)]
    assert held("G07", facts, friday + 13) == "hold"
    assert held("G07", facts, friday + 14) is None
    assert held("G07", [*facts, paid("1.00", on=65, id="Q1")], friday + 1) is None


def test_late_charges_hold_fourteen_days() -> None:
    facts = [
        adult(),
        covered("P1"),
        charged("320.00", on=50),
        decided("320.00", "0.00", "PR-1 320.00", on=-5),
    ]
    facts += statements(0)
    assert held("G06", facts, 63) == "hold"
    assert held("G06", facts, 64) is None


def test_a_corrected_decision_of_the_same_day_stands_in_no_gates_way() -> None:
    """That later facts of the evening may still come is what the settling window waits for, not policy."""
    facts = [*ready(), decided("-320.00", "0.00", "PR-1 -320.00", on=80, status="22")]
    assert held("G04", facts, 80) == "hold"
    facts.append(decided("320.00", "20.00", "PR-1 300.00", on=80, sequence="2"))
    assert held("G04", facts, 80) is None
    assert held("G06", facts, 80) is None


def test_refused_assistance_holds_thirty_days() -> None:
    facts = [*ready(), fact(AssistanceChanged("denied", day(70)), 70)]
    assert held("G30", facts, 99) == "hold"
    assert judge(facts, 100)[2].opens_case


def test_assistance_granted_in_part_allows_once_it_is_posted() -> None:
    facts = [
        *ready(),
        fact(AssistanceChanged("approved", day(1), "40"), 1),
        adjusted("128.00", "charity", on=3),
    ]
    assert judge(facts, 100)[2].opens_case


def test_a_denial_left_with_the_patient_needs_its_paper() -> None:
    facts = [
        adult(),
        covered("P1"),
        charged("350.00"),
        decided("350.00", "0.00", "PR-204 350.00", on=-5),
        *statements(),
    ]
    assert held("G19", facts, 100) == "require"
    assert judge([*facts, fact(NoticeRecorded("W1", "waiver", day(-30)), -30)], 100)[2].opens_case
    invalid = fact(NoticeRecorded("W1", "waiver", day(-30), valid=False), -30)
    assert held("G19", [*facts, invalid], 100) == "require"


def test_cover_is_looked_for_again_after_a_payer_says_there_was_none() -> None:
    facts = [
        adult(),
        covered("P1", "P2"),
        charged("500.00"),
        decided("500.00", "425.00", "PR-2 75.00", on=-5),
        decided("500.00", "0.00", "OA-23 425.00", "PR-27 75.00", on=-4, payer="P2", status="2"),
        *statements(),
    ]
    assert held("G20", facts, 100) == "require"
    assert judge([*facts, covered("P1", "P2", on=20)], 100)[2].opens_case


def test_a_balance_bill_blocks_unless_consent_is_on_file() -> None:
    facts = [
        adult(),
        covered("P1"),
        charged("500.00"),
        decided("500.00", "0.00", "PR-45 400.00", "PR-1 100.00", on=-5),
    ]
    facts += statements()
    _, owes, decision = judge(facts, 100)
    assert (owes.collectible_cents, verdicts(decision)["G15"]) == (10000, "block")
    consent = fact(NoticeRecorded("D1", "surprise_billing_consent", day(-30)), -30)
    assert judge([*facts, consent], 100)[1].collectible_cents == 50000


def test_without_insurance_help_is_offered_first() -> None:
    facts = [adult(), covered(), charged("500.00"), *statements()]
    assert held("G36", facts, 100) == "require"
    assert judge([*facts, fact(AssistanceChanged("offered", day(1)), 1)], 100)[2].opens_case


def test_a_bill_far_above_its_estimate_waits_for_a_dispute() -> None:
    def facts(estimate: int) -> list[Fact]:
        help_offered = fact(AssistanceChanged("offered", day(1)), 1)
        told = fact(NoticeRecorded("E1", "good_faith_estimate", day(-30), estimate), -30)
        return [adult(), covered(), charged("1450.00"), *statements(), help_offered, told]

    assert held("G14", facts(105000), 119) == "require"
    assert held("G14", facts(105000), 120) is None
    assert held("G14", facts(105001), 119) is None


def test_a_larger_amount_is_shown_before_it_is_asked_for() -> None:
    facts = [*owed(), statement(1, 0, "100.00"), statement(2, 30, "100.00"), statement(3, 60, "320.00")]
    assert held("G48", facts[:-1], 89) == "hold"
    assert held("G48", facts, 89) == "hold"
    assert judge(facts, 90)[2].opens_case


def test_a_payment_does_not_make_an_unseen_increase_a_seen_one() -> None:
    facts = [*owed("104.00"), statement(1, 0, "100.00"), statement(2, 30, "100.00")]
    assert held("G48", facts, 90) == "hold"
    assert held("G48", [*facts, paid("5.00", on=50)], 90) == "hold"
    assert held("G48", [*facts, paid("5.00", on=-1)], 90) is None


def test_placing_waits_for_the_final_notice() -> None:
    facts = [*owed(), *(statement(n, 30 * n - 30) for n in (1, 2, 3))]
    assert held("G49", facts, 130, "place") == "require"
    facts.append(statement(4, 110, final=True))
    assert held("G49", facts, 139, "place") == "hold"
    assert verdicts(judge(facts, 140)[2], "place") == {}


def test_after_a_broken_plan_a_new_final_notice_is_needed() -> None:
    facts = [
        *ready(),
        fact(PlanChanged("PL1", "active", day(62)), 62),
        fact(PlanChanged("PL1", "defaulted", day(125)), 125),
    ]
    assert judge(facts, 130)[2].opens_case
    assert held("G49", facts, 130, "place") == "require"


def test_an_account_nobody_answers_for_opens_no_case() -> None:
    assert held("G10", ready()[1:], 100) == "require"


def test_whoever_answers_must_be_of_age_on_their_birthday() -> None:
    born = date(2008, 4, 10)
    person = fact(AccountRegistered(patient=Person("M1", birth_on=born)), -30)
    facts = [person, *ready()[1:]]
    assert held("G52", facts, date(2026, 4, 9)) == "require"
    assert held("G52", facts, date(2026, 4, 10)) is None


def test_a_credit_and_a_zero_balance_block() -> None:
    assert held("G12", [*ready(), paid("320.00", on=1)], 100) == "block"
    assert held("G12", [*ready(), paid("320.01", on=1)], 100) == "block"
    assert held("G12", [*ready(), paid("319.99", on=1)], 100) is None


def test_reports_of_a_refund_due_block() -> None:
    facts = [
        adult(),
        covered("P1"),
        charged("320.00"),
        decided("320.00", "0.00", "PR-1 320.00", on=-5, remarks=("MA59",)),
    ]
    assert held("G12", [*facts, *statements()], 100) == "block"


def test_every_gate_is_asked_for_every_stage_every_time() -> None:
    decision = judge(ready(), 60)[2]
    assert [f.gate for f in decision.findings] == [gate.id for gate in REGISTRY for _ in range(3)]


def test_every_gate_names_a_citation_and_its_parameters() -> None:
    for finding in judge(ready(), 60)[2].findings:
        assert finding.citation and finding.because.endswith(".")
    at = next(f for f in judge(ready(), 60)[2].findings if f.gate == "G41")
    assert ("min_days", 60) in at.parameters


def test_no_sentence_of_a_gate_holds_a_persons_name() -> None:
    named = fact(AccountRegistered(patient=Person("MRN-7", "Quixote", "Dulcinea", date(1980, 1, 1))), -30)
    decision = judge([named, *ready()[1:], flagged("manual")], 100)[2]
    assert b"Quixote" not in decision.content and b"MRN-7" not in decision.content


def test_review_is_due_when_the_policy_changes() -> None:
    assert POLICY.next_change(date(2010, 1, 1)) == date(2022, 3, 1)
    assert judge(ready(), date(2010, 1, 1))[2].review_on == date(2022, 3, 1)


def test_waiting_alone_is_never_promised_where_an_event_is_needed() -> None:
    decision = judge([*ready(), flagged("manual")], day(40) + timedelta(days=0))[2]
    assert decision.review_on is None or decision.review_on > day(60)


def test_review_waits_for_the_last_of_the_gates_that_wait() -> None:
    facts = [*ready(), fact(PromiseChanged("PR1", "made", 5000, day(100)), 30)]
    assert judge(facts, 40)[2].review_on == day(106)


def test_the_clock_of_merged_accounts_is_the_later_one() -> None:
    old = AccountRef("GEN", "OLD")
    facts = [*ready(), merged(old, AccountRef("GEN", "A1"), 5)]
    facts += [statement(n + 1, 20 + 30 * n, account=old) for n in range(3)]
    assert until("G41", facts, 70) == day(80)
