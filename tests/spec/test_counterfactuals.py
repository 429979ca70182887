"""What would change the answer: for everything that holds a case back, what would have to happen, in words
and as facts, and the case that would follow; for an open case, what would end it. All is decided again."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from schemas.facts import (
    AccountFlagged,
    AdjudicationUnreadable,
    AssistanceChanged,
    CodingStatusChanged,
    CoverageListed,
    Fact,
    Payer,
    PaymentPending,
    PlanChanged,
    PromiseChanged,
)
from service.core import explain
from service.core.counterfactual import Counterfactual
from service.core.hypotheses import what_could_lift
from tests.spec.facts_made import (
    ACCOUNT,
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    paid,
    reported,
    statements,
    submitted,
)

BILL = [adult(), charged("1000.00", on=-35)]
FIRST = decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=-9, number="N1")
OWED = [*BILL, covered("P1"), FIRST]
CASE = [*OWED, *statements()]


def told(facts: list[Fact], as_of: int = 70) -> list[Counterfactual]:
    account, owes, decision = judge(facts, as_of)
    return list(explain(account, owes, decision, POLICY).counterfactuals)


def topics(facts: list[Fact]) -> list[str]:
    """What is tried, told or not."""
    account, owes, decision = judge(facts, 70)
    return [change.topic for change in what_could_lift(account, owes, decision)]


def leads_to(facts: list[Fact], as_of: int = 70) -> list[tuple[str, str]]:
    return [(c.change, c.outcome) for c in told(facts, as_of)]


def opens(amount: str, on: int = 70) -> str:
    return f"a case for {amount} would open on {day(on)}"


def insured(*kinds: str) -> list[Fact]:
    """The first payer pays, every further one leaves the rest with the patient."""
    payers = [f"P{n}" for n in range(1, len(kinds) + 1)]
    facts = [*BILL, covered(*payers, kinds=dict(zip(payers, kinds, strict=True))), FIRST, *statements()]
    for rank, payer in enumerate(payers[1:], 2):
        left = decided("1000.00", "0.00", "OA-23 700.00", "PR-1 300.00", on=-8, payer=payer, status=str(rank))
        facts.append(left)
    return facts


def applied(state: str, percent: str | None = None) -> Fact:
    return fact(AssistanceChanged(state, day(10), percent), 10)


def decided_with(reason: str) -> list[Fact]:
    left = decided("1000.00", "400.00", "CO-45 300.00", f"{reason} 300.00", on=-9)
    return [*BILL, covered("P1"), left, *statements()]


THE_DAY = day(1)
HELD = {
    "a flag": ([flagged("dispute", 1)], f"the dispute of {THE_DAY} were answered", opens("300.00", 100)),
    "a hold": ([flagged("manual", 1)], f"the hold by a person of {THE_DAY} were lifted", opens("300.00")),
    "a hold with a reference": (
        [flagged("manual", 1, reference="R1")],
        f"the hold by a person of {THE_DAY} were lifted",
        opens("300.00"),
    ),
    "an unknown flag": (
        [flagged("blue_sky", 1)],
        f"the hold of an unknown kind (blue sky) of {THE_DAY} were lifted",
        opens("300.00"),
    ),
    "money on its way": (
        [fact(PaymentPending("X", 50_00, day(90)), 60)],
        "the announced payment of 50.00 were cancelled",
        opens("300.00"),
    ),
    "a plan": (
        [fact(PlanChanged("X", "active", day(60)), 60)],
        "the payment plan were cancelled",
        opens("300.00"),
    ),
    "a promise": (
        [fact(PromiseChanged("X", "made", None, day(90)), 60)],
        "the promise to pay were broken",
        opens("300.00"),
    ),
    "an application": ([applied("applied")], "financial assistance were refused", opens("300.00", 100)),
    "incomplete papers": ([applied("incomplete")], "financial assistance were refused", opens("300.00", 100)),
    "assistance in full": ([applied("approved")], "the assistance granted expired", opens("300.00")),
    "coding": (
        [fact(CodingStatusChanged("incomplete"), 5)],
        "coding were complete",
        opens("300.00", 84),
    ),
    "a decision that could not be read": (
        [fact(AdjudicationUnreadable("A1", "x12", Payer("P1")), 5)],
        "a person settled the payer's decision that could not be read",
        opens("300.00"),
    ),
    "a balance nobody explains": (
        [reported("350.00", on=3)],
        "the billing system reported a balance of 300.00",
        opens("300.00"),
    ),
}


@pytest.mark.parametrize("name", HELD)
def test_what_undoes_the_one_thing_that_holds_a_case_back_is_told_and_leads_to_the_case(name: str) -> None:
    more, change, outcome = HELD[name]
    facts = [*CASE, *more]
    found = told(facts)
    assert (change, outcome) in [(c.change, c.outcome) for c in found]
    assert [c.change for c in found if c.change != "nothing else happens"] == [change]
    for one in found:
        assert one.opens and one.on is not None
        assert judge([*facts, *one.facts], one.on)[2].opens_case
        assert not judge(facts, 70)[2].opens_case


def test_what_is_supposed_comes_after_the_last_that_was_heard_on_the_day() -> None:
    late = datetime.combine(day(70), time(23, 59, 59, 999_999), UTC)
    hold = Fact.of(ACCOUNT, "late", late, AccountFlagged("manual", day(70)), currency="USD")
    (found,) = told([*CASE, hold])
    assert found.change == f"the hold by a person of {day(70)} were lifted"
    assert all(f.occurred_at > late for f in found.facts)


MISSING = {
    "nobody is registered": (CASE[1:], "an adult guarantor were registered", opens("300.00")),
    "an advance notice": (decided_with("PR-50"), "a signed advance notice were on file", opens("300.00")),
    "a waiver": (decided_with("PR-197"), "a signed waiver were on file", opens("300.00")),
    "an offer of help to the uninsured": (
        [*BILL, covered(), *statements()],
        "financial assistance were offered",
        opens("1000.00"),
    ),
    "the list of payers": (
        [*BILL, FIRST, *statements()],
        "the insurance were listed: payer P1",
        opens("300.00"),
    ),
    "a larger balance": (
        [
            *BILL,
            covered("P1"),
            decided("1000.00", "650.00", "CO-45 300.00", "PR-1 50.00", on=-9),
            *statements(),
            paid("30.00", on=3),
        ],
        "5.00 of what the patient paid were taken back by the bank",
        opens("25.00"),
    ),
    "a debt in place of a credit": (
        [*CASE, paid("310.00", on=3)],
        "35.00 of what the patient paid were taken back by the bank",
        opens("25.00"),
    ),
    "a list without Medicaid": (
        insured("medicaid"),
        "the coverage list no longer named Medicaid, and so no insurance at all",
        opens("300.00"),
    ),
    "a list without Medicaid as the second": (
        insured("commercial", "medicaid"),
        "the coverage list no longer named Medicaid",
        opens("300.00"),
    ),
    "a list without the protected programme": (
        insured("qmb"),
        "the coverage list no longer named the protected Medicare programme, and so no insurance at all",
        opens("300.00"),
    ),
    "a list without the veterans' programme": (
        insured("commercial", "va"),
        "the coverage list no longer named the veterans' programme",
        opens("300.00"),
    ),
    "a list without carriers": (
        insured("commercial", "auto", "liability"),
        "the coverage list no longer named an auto carrier and a liability carrier",
        opens("300.00"),
    ),
    "a list without the carrier of an injury at work": (
        insured("commercial", "workers_comp"),
        "the coverage list no longer named a workers' compensation carrier",
        opens("300.00"),
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_supplies_the_one_thing_that_is_missing_is_told_and_leads_to_the_case(name: str) -> None:
    facts, change, outcome = MISSING[name]
    (found,) = told(facts)
    assert (found.change, found.outcome) == (change, outcome)
    assert found.on is not None and judge([*facts, *found.facts], found.on)[2].opens_case


def test_no_list_is_supposed_where_a_payer_names_the_programme_and_the_list_does_not() -> None:
    medicaid = decided("1000.00", "400.00", "CO-45 300.00", "PR-142 300.00", on=-9, filing="MC")
    for listed in ([covered("P1")], []):
        facts = [*BILL, *listed, medicaid, *statements()]
        assert told(facts) == []
        assert topics(facts).count("coverage") == (0 if listed else 1)


def test_payers_are_listed_in_the_order_in_which_they_spoke_and_then_those_that_were_billed() -> None:
    facts = [*BILL, FIRST, submitted("1000.00", "P2", on=-8, order=2), *statements()]
    account, owes, decision = judge(facts, 70)
    changes = {c.topic: c for c in what_could_lift(account, owes, decision)}
    assert changes["coverage"].says == "the insurance were listed: payer P1, then payer P2"
    (listed,) = (f.body for f in changes["coverage"].facts)
    assert isinstance(listed, CoverageListed)
    assert [(c.order, c.payer.id, c.kind) for c in listed.coverages] == [
        (1, "P1", "commercial"),
        (2, "P2", "commercial"),
    ]


def test_where_nobody_was_billed_the_account_may_be_stated_to_have_no_insurance() -> None:
    facts = [*BILL, *statements(), applied("offered")]
    assert ("the account were stated to have no insurance", opens("1000.00", 130)) not in leads_to(facts)
    account, owes, decision = judge(facts, 70)
    (change,) = [c for c in what_could_lift(account, owes, decision) if c.topic == "coverage"]
    assert change.says == "the account were stated to have no insurance"
    assert [f.body for f in change.facts] == [CoverageListed(())]


# -- several things at once ------------------------------------------------------------------------------


def test_what_only_together_opens_a_case_is_told_together_and_no_part_of_it_alone() -> None:
    facts = [
        *CASE,
        flagged("litigation", 1),
        flagged("manual", 1),
        fact(CodingStatusChanged("incomplete"), 5),
    ]
    (found,) = told(facts)
    assert found.change == (
        f"coding were complete, the hold by a person of {THE_DAY} were lifted, and "
        f"the lawsuit of {THE_DAY} were over"
    )
    assert found.outcome == opens("300.00", 84) and len(found.facts) == 3


def test_more_than_three_things_at_once_are_no_answer_anybody_can_use() -> None:
    flags = [flagged(name, 1) for name in ("litigation", "manual", "custody")]
    assert [len(c.facts) for c in told([*CASE, *flags])] == [3]
    assert told([*CASE, *flags, flagged("identity_theft", 1)]) == []


def test_two_things_are_told_for_an_earlier_day_than_either_alone() -> None:
    """A promise of day 90 has five days of grace; money of day 67 is waited for ten business days."""
    facts = [
        *CASE,
        fact(PaymentPending("X", 50_00, day(67)), 60),
        fact(PromiseChanged("X", "made", None, day(90)), 60),
    ]
    assert leads_to(facts) == [
        ("nothing else happens", opens("300.00", 96)),
        ("the promise to pay were broken", opens("300.00", 81)),
        (
            "the announced payment of 50.00 were cancelled, and the promise to pay were broken",
            opens("300.00"),
        ),
    ]


def test_two_holds_of_one_day_are_two_and_a_list_that_two_gates_mind_is_one() -> None:
    twice = [flagged("manual", 1, reference="R1"), flagged("manual", 1, reference="R2")]
    (found,) = told([*CASE, *twice])
    lifted = f"the hold by a person of {THE_DAY} were lifted"
    assert found.change == f"{lifted}, and {lifted}"
    (found,) = told(insured("medicaid", "auto"))
    assert found.change == (
        "the coverage list no longer named Medicaid and an auto carrier, and so no insurance at all"
    )


def test_letters_and_a_hold_together() -> None:
    (found,) = told([*OWED, flagged("manual", 1)])
    assert found.change == (
        f"2 statements of 300.00 were delivered on {day(70)} and {day(95)}, and "
        f"the hold by a person of {THE_DAY} were lifted"
    )
    assert found.outcome == opens("300.00", 130)


def test_of_one_thing_only_one_change_is_supposed() -> None:
    """Financial assistance cannot be offered and refused at once."""
    facts = [*BILL, covered(), *statements(), applied("applied")]
    for found in told(facts):
        states = [f.body.state for f in found.facts if isinstance(f.body, AssistanceChanged)]
        assert len(states) <= 1
