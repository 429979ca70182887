"""How far is looked for what would change the answer: each set of changes is decided on once, up to a stated
number, and it is said when more could have been tried. What is told is true however far was looked."""

from __future__ import annotations

import pytest

from schemas.facts import AssistanceChanged, Fact
from service.core import Explanation, counterfactual, explain
from tests.spec.facts_made import (
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    statements,
    submitted,
)

CASE = [
    adult(),
    charged("1000.00", on=-35),
    covered("P1"),
    decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=-9),
    *statements(),
]
THREE = [*CASE, *(flagged(name, 1) for name in ("litigation", "manual", "custody"))]


def explained(facts: list[Fact], as_of: int = 70) -> Explanation:
    account, owes, decision = judge(facts, as_of)
    return explain(account, owes, decision, POLICY)


def test_waiting_and_every_set_of_changes_is_decided_on_once() -> None:
    """One for waiting; of three changes three alone, three pairs and one set of three."""
    story = explained(THREE)
    assert (story.trials, story.searched) == (8, True)
    assert [len(c.facts) for c in story.counterfactuals] == [3]
    one = explained([*CASE, flagged("manual", 1)])
    assert (one.trials, one.searched) == (2, True)


def test_two_changes_of_one_thing_are_no_set() -> None:
    """One letter, for the clock, or two, for the count; not one and two."""
    assert explained(CASE[:4]).trials == 3


def test_a_set_is_not_tried_where_a_part_of_it_opens_a_case_today() -> None:
    """Assistance in part may expire or be posted: either alone is enough."""
    granted = fact(AssistanceChanged("approved", day(10), "40"), 10)
    story = explained([*CASE, granted])
    assert [len(c.facts) for c in story.counterfactuals] == [1, 1]
    assert story.trials == 3


@pytest.mark.parametrize(("bound", "found"), [(8, 1), (7, 0), (1, 0)])
def test_what_is_beyond_the_bound_is_not_told_and_that_is_said(
    bound: int, found: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counterfactual, "MOST_TRIALS", bound)
    story = explained(THREE)
    assert (story.trials, story.searched) == (bound, found == 1)
    assert len(story.counterfactuals) == found


def test_the_smallest_payment_takes_a_halving_for_each_bit_of_the_debt() -> None:
    """300.00 are 30,000 cents, found in fifteen steps; then ten changes are tried."""
    story = explained(CASE)
    assert (story.trials, story.searched) == (25, True)


@pytest.mark.parametrize(("bound", "told"), [(25, 10), (24, 9), (16, 1), (15, 0), (14, 0)])
def test_what_would_end_a_case_is_told_as_far_as_the_bound(
    bound: int, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counterfactual, "MOST_TRIALS", bound)
    story = explained(CASE)
    assert (story.trials, story.searched) == (bound, bound == 25)
    assert [c.change for c in story.counterfactuals] == [c.change for c in explained_fully()][:told]


def explained_fully() -> list[counterfactual.Counterfactual]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counterfactual, "MOST_TRIALS", 300)
        return list(explained(CASE).counterfactuals)


def test_sets_that_would_end_a_case_are_tried_as_far_as_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = [adult(), covered("P1"), *statements()]
    for claim in ("A1", "A2", "A3"):
        # First refused for a defect, then decided without taking that back.
        facts += [
            charged("500.00", on=-35, id=claim),
            decided("500.00", "0.00", "CO-16 500.00", on=-9, claim=claim, number=f"{claim}-1"),
            decided("500.00", "470.00", "PR-1 30.00", on=-7, claim=claim, number=f"{claim}-2"),
        ]
    whole = explained(facts)
    assert whole.searched and len(whole.counterfactuals[-1].facts) == 3
    monkeypatch.setattr(counterfactual, "MOST_TRIALS", whole.trials - 1)
    less = explained(facts)
    assert not less.searched
    assert less.counterfactuals == whole.counterfactuals[:-1]


# -- a payer's answer --------------------------------------------------------------------------------------


BILLED = [*CASE[:3], submitted("1000.00", on=-20)]
TWICE = [*BILLED, charged("500.00", on=-34, id="C2"), submitted("500.00", claim="A2", on=-20)]


def changes(facts: list[Fact]) -> list[str]:
    return [c.change.split(", and ")[0] for c in explained(facts).counterfactuals]


def test_that_a_payer_pays_is_told_where_no_case_could_follow() -> None:
    assert changes(BILLED) == [
        "payer P1 answered that the patient owes 1000.00",
        "payer P1 paid all 1000.00 that is open",
    ]
    leaves, pays = explained(BILLED).counterfactuals
    assert (leaves.opens, pays.opens, pays.on) == (True, False, None)
    assert not judge([*BILLED, *pays.facts, *leaves.facts[1:]], 200)[2].opens_case


def test_that_a_payer_pays_one_bill_is_not_told_while_another_may_still_make_a_case() -> None:
    """What is owed on the other claim, or will be, is asked for once the letters are out."""
    assert changes(TWICE) == [
        "payer P1 answered on claim A1 that the patient owes 1000.00, "
        "payer P1 answered on claim A2 that the patient owes 500.00"
    ]
    one_owed = [*TWICE, CASE[3]]
    assert changes(one_owed) == ["payer P1 answered on claim A2 that the patient owes 500.00"]
    one_paid = [*TWICE, decided("1000.00", "1000.00", on=-9)]
    assert changes(one_paid) == [
        "payer P1 answered on claim A2 that the patient owes 500.00",
        "payer P1 paid all 500.00 that is open on claim A2",
    ]


def test_that_a_payer_pays_is_not_told_where_that_could_not_be_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = explained(BILLED)
    monkeypatch.setattr(counterfactual, "MOST_TRIALS", whole.trials - 1)
    less = explained(BILLED)
    assert [c.opens for c in less.counterfactuals] == [True] and not less.searched
    assert less.trials == whole.trials - 1
