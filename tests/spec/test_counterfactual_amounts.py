"""What is missing is supposed in the right measure: as many letters as are wanted and as far apart, the
share of the bill that was granted, and as much of a payment taken back as a case needs."""

from __future__ import annotations

import pytest

from schemas.facts import AssistanceChanged, Fact, StatementSent
from schemas.money import format_cents
from service.core import Policy, explain, parse_policy
from service.core.counterfactual import Counterfactual
from service.core.hypotheses import what_could_lift
from tests.spec.facts_made import (
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    judge,
    paid,
    policy_texts,
    statement,
    statements,
    submitted,
)

BILL = [adult(), charged("1000.00", on=-35)]
FIRST = decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=-9, number="N1")
OWED = [*BILL, covered("P1"), FIRST]
CASE = [*OWED, *statements()]


def told(facts: list[Fact], as_of: int = 70, policy: Policy = POLICY) -> list[Counterfactual]:
    account, owes, decision = judge(facts, as_of, policy)
    return list(explain(account, owes, decision, policy).counterfactuals)


def leads_to(facts: list[Fact]) -> list[tuple[str, str]]:
    return [(c.change, c.outcome) for c in told(facts)]


def topics(facts: list[Fact]) -> list[str]:
    """What is tried, told or not."""
    account, owes, decision = judge(facts, 70)
    return [change.topic for change in what_could_lift(account, owes, decision)]


def drafted(old: str, new: str) -> Policy:
    texts = policy_texts()
    name = next(name for name, text in texts.items() if old in text)
    return parse_policy(texts | {name: texts[name].replace(old, new, 1)})


def opens(amount: str, on: int = 70) -> str:
    return f"a case for {amount} would open on {day(on)}"


def applied(state: str, percent: str) -> Fact:
    return fact(AssistanceChanged(state, day(10), percent), 10)


# -- letters ---------------------------------------------------------------------------------------------


def letters(found: Counterfactual) -> list[StatementSent]:
    return [f.body for f in found.facts if isinstance(f.body, StatementSent)]


def test_as_many_letters_as_are_missing_are_told_as_far_apart_as_policy_wants_them() -> None:
    """Two letters, 25 days apart, 60 days from the first; the first can be sent today."""
    (found,) = told(OWED)
    assert (found.change, found.outcome) == (
        f"2 statements of 300.00 were delivered on {day(70)} and {day(95)}",
        opens("300.00", 130),
    )
    assert [(x.number, x.sent_on, x.amount_cents, x.delivered) for x in letters(found)] == [
        (1, day(70), 300_00, True),
        (2, day(95), 300_00, True),
    ]
    assert not any(x.final_notice for x in letters(found))


def test_letters_to_come_after_a_payers_answer_name_no_amount_yet() -> None:
    leaves = told([*BILL, covered("P1"), submitted("1000.00", on=-20)])[0]
    assert leaves.change == (
        "payer P1 answered that the patient owes 1000.00, and "
        f"2 statements were delivered on {day(70)} and {day(95)}"
    )
    assert [x.amount_cents for x in letters(leaves)] == [None, None]


def test_the_next_letter_is_far_enough_from_the_last_of_those_that_count() -> None:
    two = 'name = "statements"\nstage = "open_case"\nvalue = '
    sent = [*OWED, statement(1, 0), statement(2, 30)]
    (found,) = told(sent, 40, drafted(f"{two}2", f"{two}3"))
    assert [(x.number, x.sent_on) for x in letters(found)] == [(3, day(55))]


@pytest.mark.parametrize(("as_of", "second"), [(20, 25), (25, 25), (26, 26), (40, 40)])
def test_the_next_letter_waits_until_it_is_far_enough_from_the_last(as_of: int, second: int) -> None:
    (found,) = told([*OWED, statement(1, 0)], as_of)
    assert (found.change, found.outcome) == (
        f"a statement of 300.00 was delivered on {day(second)}",
        opens("300.00", 60),
    )
    assert [(x.number, x.sent_on) for x in letters(found)] == [(2, day(second))]


def test_a_letter_that_came_back_is_not_counted_from() -> None:
    (found,) = told([*OWED, statement(1, 0), statement(2, 30, delivered=False)], 40)
    assert [(x.number, x.sent_on) for x in letters(found)] == [(3, day(40))]


# -- assistance ------------------------------------------------------------------------------------------


def test_assistance_in_part_may_expire_or_be_posted_to_the_cent() -> None:
    owed = decided("1000.00", "400.00", "CO-45 299.99", "PR-1 300.01", on=-9)
    facts = [*BILL, covered("P1"), owed, *statements(), applied("approved", "40.0")]
    assert leads_to(facts) == [
        ("the assistance granted expired", opens("300.01")),
        ("the assistance granted, 120.00, were posted", opens("180.01")),
    ]
    finer = [*facts[:-1], applied("approved", "40.50")]
    assert leads_to(finer)[1] == ("the assistance granted, 121.50, were posted", opens("178.51"))


def test_assistance_in_part_is_a_share_of_all_that_was_asked_whatever_was_paid_since() -> None:
    """Of 300.00 a share of 120.00 was granted; 200.00 were paid, so that nothing is owed."""
    facts = [*CASE, paid("200.00", on=12), applied("approved", "40")]
    assert [c for c, _ in leads_to(facts)] == ["the assistance granted expired"]
    some = [*CASE, paid("100.00", on=12), applied("approved", "40")]
    assert leads_to(some)[1] == ("the assistance granted, 120.00, were posted", opens("80.00"))
    for unclear in ("a lot", "40.x"):
        assert topics([*CASE, applied("approved", unclear)]) == ["assistance"]


# -- what the patient paid -------------------------------------------------------------------------------


def owing(left: str, *more: Fact) -> list[Fact]:
    taken = format_cents(350_00 - int(left.replace(".", "")))
    decision = decided("1000.00", "650.00", f"CO-45 {taken}", f"PR-1 {left}", on=-9)
    return [*BILL, covered("P1"), decision, *statements(), *more]


def test_no_more_is_taken_back_than_was_paid_and_just_as_much_as_is_missing() -> None:
    assert told(owing("20.00")) == []
    for amount in ("0.01", "5.00"):
        assert leads_to(owing("25.00", paid(amount, on=3))) == [
            (f"{amount} of what the patient paid were taken back by the bank", opens("25.00"))
        ]
    assert told(owing("24.99", paid("0.01", on=3))) == []
    assert told(owing("20.00", paid("5.00", on=3, by="other"))) == []


def test_where_any_debt_is_worth_pursuing_a_cent_is_enough() -> None:
    least = 'name = "min_balance"\nstage = "open_case"\nvalue = '
    (found,) = told([*CASE, paid("310.00", on=3)], 70, drafted(f'{least}"25.00"', f'{least}"0.01"'))
    assert (found.change, found.outcome) == (
        "10.01 of what the patient paid were taken back by the bank",
        opens("0.01"),
    )
