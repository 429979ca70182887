"""What would end an open case: everything that would alone, the smallest payment to the cent, and what only
together would. Each is decided on again."""

from __future__ import annotations

import pytest

from schemas.facts import (
    AccountFlagged,
    AssistanceChanged,
    CoverageListed,
    Fact,
    PaymentPosted,
    PlanChanged,
    PromiseChanged,
)
from schemas.money import format_cents
from service.core import explain
from service.core.counterfactual import Counterfactual
from tests.spec.facts_made import POLICY, adult, charged, covered, day, decided, judge, statements

BILL = [adult(), charged("1000.00", on=-35)]
FIRST = decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=-9, number="N1")
CASE = [*BILL, covered("P1"), FIRST, *statements()]
ENDS = "the case would end"


def told(facts: list[Fact]) -> list[Counterfactual]:
    account, owes, decision = judge(facts, 70)
    return list(explain(account, owes, decision, POLICY).counterfactuals)


def leads_to(facts: list[Fact]) -> list[tuple[str, str]]:
    return [(c.change, c.outcome) for c in told(facts)]


def test_everything_that_would_end_a_case_is_told() -> None:
    assert leads_to(CASE) == [
        (what, ENDS)
        for what in (
            "the patient paid 25.00",
            "payer P1 took its decision back",
            "the patient disputed the bill",
            "the patient applied for financial assistance",
            "a payment plan were agreed",
            f"the patient promised to pay by {day(84)}",
            "a letter came back as undeliverable",
            "a bankruptcy became known",
            "a person placed a hold",
            "another insurer were listed",
        )
    ]
    for found in told(CASE):
        assert not judge([*CASE, *found.facts], 70)[2].opens_case
        assert (found.on, found.opens) == (day(70), False)


def test_what_is_supposed_is_what_the_words_say() -> None:
    supposed = {c.change: c.facts[0].body for c in told(CASE)}
    assert supposed["the patient disputed the bill"] == AccountFlagged("dispute", day(70))
    assert supposed["a letter came back as undeliverable"] == AccountFlagged("returned_mail", day(70))
    assert supposed["a bankruptcy became known"] == AccountFlagged("bankruptcy", day(70))
    assert supposed["a person placed a hold"] == AccountFlagged("manual", day(70))
    applied = supposed["the patient applied for financial assistance"]
    assert applied == AssistanceChanged("applied", day(70))
    plan = supposed["a payment plan were agreed"]
    assert isinstance(plan, PlanChanged) and (plan.state, plan.on) == ("active", day(70))
    promise = supposed[f"the patient promised to pay by {day(84)}"]
    assert isinstance(promise, PromiseChanged) and (promise.state, promise.due_on) == ("made", day(84))


def test_another_insurer_is_listed_beside_those_that_are() -> None:
    found = next(c for c in told(CASE) if "insurer" in c.change)
    (listed,) = (f.body for f in found.facts)
    assert isinstance(listed, CoverageListed)
    assert [c.payer.id for c in listed.coverages] == ["P1", "supposed"]


@pytest.mark.parametrize(
    ("left", "cents"), [(25_00, 1), (25_01, 2), (27_49, 2_50), (60_00, 6_00), (49_99, 5_00), (300_00, 25_00)]
)
def test_the_smallest_payment_that_ends_a_case_is_found_to_the_cent(left: int, cents: int) -> None:
    """It brings the debt below 25.00, or shows good faith: a tenth of the debt does, or 25.00 (G42, G45)."""
    taken = f"CO-45 {format_cents(300_00 - left)}"
    owed = decided("1000.00", "700.00", taken, f"PR-1 {format_cents(left)}", on=-9)
    found = told([*BILL, covered("P1"), owed, *statements()])[0]
    (payment,) = (f.body for f in found.facts)
    assert found.change == f"the patient paid {format_cents(cents)}"
    assert isinstance(payment, PaymentPosted)
    assert (payment.amount_cents, payment.paid_by, payment.received_on) == (cents, "patient", day(70))


def billed_twice(claim: str, left: int) -> list[Fact]:
    """A claim that its payer first refused for a defect and then, without taking that back, decided."""
    rest = format_cents(500_00 - left)
    return [
        charged("500.00", on=-35, id=claim),
        decided("500.00", "0.00", "CO-16 500.00", on=-9, claim=claim, number=f"{claim}-1"),
        decided("500.00", rest, f"PR-1 {format_cents(left)}", on=-7, claim=claim, number=f"{claim}-2"),
    ]


ALL = ("A1", "A2", "A3", "A4")


def owed_on(*amounts: int) -> list[Fact]:
    """So much on each claim."""
    facts = [adult(), covered("P1"), *statements()]
    for claim, left in zip(ALL, amounts, strict=False):
        facts += billed_twice(claim, left)
    return facts


@pytest.mark.parametrize(
    ("amounts", "together"),
    [
        ((30_00, 20_00, 20_00), ["A1 A2", "A1 A3"]),
        ((30_00, 20_00, 10_00, 10_00), ["A1 A2", "A1 A3 A4"]),
        ((30_00, 30_00, 30_00), ["A1 A2 A3"]),
        ((30_00, 30_00, 30_00, 30_00), []),
    ],
)
def test_decisions_that_end_a_case_only_together_are_told_together_and_nothing_more(
    amounts: tuple[int, ...], together: list[str]
) -> None:
    """Where less than 25.00 is left the case ends; more than three things at once are not told."""
    facts = owed_on(*amounts)
    found = [c for c in told(facts) if "decision" in c.change]
    assert [c.change for c in found] == [
        listed([f"payer P1 took its decision on claim {name} back" for name in names.split()])
        for names in together
    ]
    assert all(c.outcome == ENDS and len(c.facts) > 1 for c in found)


def listed(texts: list[str]) -> str:
    return ", ".join([*texts[:-1], f"and {texts[-1]}"])
