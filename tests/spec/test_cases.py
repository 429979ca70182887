"""What becomes of a case: opened, adjusted, closed, recalled, opened anew."""

from __future__ import annotations

from schemas.cases import Case, CaseEvent
from schemas.facts import Fact
from service.core import advance
from tests.spec.facts_made import (
    ACCOUNT,
    adjusted,
    adult,
    charged,
    covered,
    decided,
    flagged,
    judge,
    paid,
    statements,
)


def first() -> list[Fact]:
    return [
        adult(),
        covered("P1", on=-40),
        charged("800.00", on=-35),
        decided("800.00", "0.00", "CO-45 200.00", "PR-1 600.00", on=-5, number="A5"),
        *statements(),
    ]


def taken_back(on: int = 160) -> Fact:
    return decided(
        "-800.00",
        "0.00",
        "CO-45 -200.00",
        "PR-1 -600.00",
        on=on,
        status="22",
        number="A5",
        trace="T8",
        sequence="1",
    )


def corrected(charge: str = "800.00", pays: str = "480.00", left: str = "120.00") -> Fact:
    return decided(
        charge,
        pays,
        "CO-45 200.00",
        f"PR-2 {left}",
        on=160,
        number="A5R",
        original="A5",
        trace="T8",
        sequence="2",
    )


def opened(facts: list[Fact], as_of: int = 65) -> tuple[Case, CaseEvent]:
    case, events = advance(ACCOUNT, None, 0, judge(facts, as_of)[2])
    assert case is not None and len(events) == 1
    return case, events[0]


def then(case: Case, facts: list[Fact], as_of: int) -> tuple[Case | None, tuple[CaseEvent, ...]]:
    return advance(ACCOUNT, case, case.number, judge(facts, as_of)[2])


def test_a_case_opens_for_what_the_patient_owes() -> None:
    case, event = opened(first())
    assert (case.status, case.amount_cents, case.number, event.move) == ("open", 60000, 1, "opened")


def test_the_same_decision_moves_an_open_case_nowhere() -> None:
    case, _ = opened(first())
    assert then(case, first(), 66) == (case, ())


def test_a_held_account_has_no_case() -> None:
    assert advance(ACCOUNT, None, 0, judge(first(), 10)[2]) == (None, ())


def test_a_small_payment_adjusts_the_case() -> None:
    case, _ = opened(first())
    after, events = then(case, [*first(), paid("20.00", on=70)], 75)
    assert after is not None
    assert (after.amount_cents, events[0].move, events[0].previous_cents, events[0].sequence) == (
        58000,
        "adjusted",
        60000,
        2,
    )


def test_payment_in_full_closes_the_case() -> None:
    case, _ = opened(first())
    after, events = then(case, [*first(), paid("600.00", on=70)], 75)
    assert after is not None and (after.status, after.reason, events[0].move) == (
        "closed",
        "PAID_IN_FULL",
        "closed",
    )


def test_charity_closes_the_case_under_its_own_name() -> None:
    case, _ = opened(first())
    after, _ = then(case, [*first(), adjusted("600.00", "charity", on=70)], 75)
    assert after is not None and (after.status, after.reason) == ("closed", "CHARITY_APPROVED")


def test_payment_down_to_a_small_rest_closes_the_case() -> None:
    case, _ = opened(first())
    after, _ = then(case, [*first(), paid("590.00", on=70)], 140)
    assert after is not None and (after.status, after.reason) == ("closed", "SMALL_BALANCE")


def test_a_reversal_recalls_the_case() -> None:
    case, _ = opened(first())
    after, events = then(case, [*first(), taken_back()], 165)
    assert after is not None
    assert (after.status, after.reason, events[0].move) == ("recalled", "RESPONSIBILITY_REOPENED", "recalled")


def test_a_correction_that_leaves_the_patient_nothing_recalls_the_case() -> None:
    case, _ = opened(first())
    after, _ = then(case, [*first(), taken_back(), corrected(pays="600.00", left="0.00")], 165)
    assert after is not None and (after.status, after.reason) == ("recalled", "RESPONSIBILITY_REVERSED")


def test_a_correction_below_the_minimum_recalls_the_case() -> None:
    case, _ = opened([*first(), paid("100.00", on=80)], 125)
    after, _ = then(case, [*first(), paid("100.00", on=80), taken_back(), corrected()], 165)
    assert case.amount_cents == 50000
    assert after is not None and (after.status, after.amount_cents) == ("recalled", 2000)
    assert after.reason == "BELOW_MINIMUM_AFTER_CORRECTION"


def test_a_correction_above_the_minimum_adjusts_the_case() -> None:
    case, _ = opened(first())
    after, events = then(case, [*first(), taken_back(), corrected()], 165)
    assert after is not None and (after.status, after.amount_cents, events[0].move) == (
        "open",
        12000,
        "adjusted",
    )


def test_a_hold_recalls_the_case_and_names_the_gate() -> None:
    case, _ = opened(first())
    after, _ = then(case, [*first(), flagged("bankruptcy", 70, petition=69)], 75)
    assert after is not None and (after.status, after.reason) == ("recalled", "G50")


def test_after_a_recall_the_next_case_has_the_next_number() -> None:
    case, _ = opened(first())
    recalled, _ = then(case, [*first(), flagged("manual", 70, until=80)], 75)
    assert recalled is not None and recalled.status == "recalled"
    again, events = then(recalled, [*first(), flagged("manual", 70, until=80)], 80)
    assert again is not None and (again.status, again.number, events[0].sequence) == ("open", 2, 1)
    assert again.id != case.id


def test_the_same_move_always_has_the_same_id() -> None:
    assert opened(first()) == opened(list(reversed(first())))
