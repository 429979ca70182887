"""What Baton tells about a decision adds up, names the binding gates first, and is true."""

from __future__ import annotations

from schemas.facts import Fact
from service.core import Explanation, decide, explain
from tests.spec.facts_made import (
    POLICY,
    adjusted,
    adult,
    charged,
    covered,
    day,
    decided,
    flagged,
    judge,
    paid,
    reported,
    statements,
)


def told(facts: list[Fact], as_of: int) -> Explanation:
    account, owes, decision = judge(facts, as_of)
    return explain(account, owes, decision, POLICY)


def story() -> list[Fact]:
    return [
        adult(),
        covered("P1", "P2", on=-40),
        charged("1000.00", on=-35),
        decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=-9),
        decided(
            "1000.00", "170.00", "OA-23 700.00", "CO-29 50.00", "PR-3 80.00", on=-5, payer="P2", status="2"
        ),
        paid("20.00", on=-4),
        *statements(),
    ]


def test_the_way_from_charge_to_patient_adds_up_step_by_step() -> None:
    steps = told(story(), 70).steps
    assert [(s.amount_cents, s.left_cents) for s in steps] == [
        (100000, 100000),
        (-30000, 70000),
        (-40000, 30000),
        (-17000, 13000),
        (-2000, 11000),
        (-5000, 6000),
        (0, 6000),
    ]
    assert steps[0].what == "Charges billed" and steps[-1].what.startswith("The patient owes")


def test_the_way_ends_at_what_the_patient_owes_whatever_happened() -> None:
    for more in (
        [],
        [reported("50.00", on=3)],
        [adjusted("400.00", "other")],
        [paid("9.00", by="payer", payer="P1", id="X")],
        [paid("9.00", by="other", id="X")],
        [reported("110.00", "50.00", on=3)],
        [paid("-90.00", id="X")],
    ):
        account, owes, decision = judge([*story(), *more], 70)
        steps = explain(account, owes, decision, POLICY).steps
        assert steps[0].left_cents == 100000
        assert steps[-1].left_cents == owes.net_cents


def test_a_lower_amount_of_billing_is_no_money_and_no_step_of_its_own() -> None:
    steps = told([*story(), reported("110.00", "50.00", on=3)], 70).steps
    assert [s.amount_cents for s in steps] == [100000, -30000, -40000, -17000, -2000, -5000, -1000, 0]


def test_money_that_came_before_any_decision_is_a_step_of_its_own() -> None:
    early = paid("9.00", by="payer", payer="P1", id="X")
    steps = told([adult(), covered("P1"), charged("1000.00"), early], 70).steps
    assert [(s.amount_cents, s.left_cents) for s in steps[:2]] == [(100000, 100000), (-900, 99100)]


def test_the_gates_that_bind_come_first() -> None:
    gates = told([*story(), flagged("litigation", 1)], 30).gates
    assert [g.verdict for g in gates] == sorted((g.verdict for g in gates), reverse=True)


def test_what_is_told_about_waiting_comes_true_on_that_day_and_not_before() -> None:
    account, owes, decision = judge(story(), 20)
    change = explain(account, owes, decision, POLICY).counterfactuals[0]
    assert (change.change, change.outcome) == (
        "nothing else happens",
        f"a case for 60.00 would open on {day(60)}",
    )
    assert decide(account, owes, POLICY, day(60)).opens_case
    assert not decide(account, owes, POLICY, day(59)).opens_case


def test_nothing_is_promised_where_only_an_event_can_help() -> None:
    changes = told([*story(), flagged("manual", 1)], 70).counterfactuals
    assert [(c.change, c.outcome) for c in changes] == [
        (f"the hold by a person of {day(1)} were lifted", f"a case for 60.00 would open on {day(70)}")
    ]


def test_the_summary_is_one_plain_sentence() -> None:
    assert (
        told(story(), 70).summary
        == "The patient owes 60.00: every payer has decided, 3 statements were delivered, the first 70 days "
        "ago, and nothing stands in the way of a case."
    )
    assert (
        told([*story(), flagged("litigation", 1)], 70).summary
        == "No case: A lawsuit about this care is open."
    )
