"""The facts an answer rests on: enough to give it alone, and without any of them it would be another."""

from __future__ import annotations

import pytest

from schemas.facts import (
    AccountRef,
    AssistanceChanged,
    ClaimStatusReported,
    CodingStatusChanged,
    Fact,
    Payer,
    StatementSent,
)
from service.core import basis as resting
from service.core import explain
from service.core.basis import Basis, answer_to_why
from tests.spec.facts_made import (
    ACCOUNT,
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
    reported,
    statement,
)

CASE = {
    "adult": adult(),
    "charge": charged("1000.00", on=-35),
    "coverage": covered("P1"),
    "decision": decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=-9),
    "first": statement(1, 0),
    "second": statement(2, 30, final=True),
    "third": statement(3, 60),
}


def basis_of(facts: dict[str, Fact], as_of: int, ref: AccountRef | None = None) -> Basis:
    account, owes, decision = judge(list(facts.values()), as_of, ref=ref)
    return explain(account, owes, decision, POLICY).basis


def rests_on(facts: dict[str, Fact], as_of: int = 70, ref: AccountRef | None = None) -> set[str]:
    basis = basis_of(facts, as_of, ref)
    assert basis.minimal
    names = {one.id: name for name, one in facts.items()}
    return {names[id] for id in basis.facts}


ENOUGH = {"adult", "coverage", "decision", "first", "third"}


def test_a_case_rests_on_the_decision_and_whatever_a_gate_would_otherwise_miss() -> None:
    """The claim says what was billed; two letters are wanted, and the first starts the clock."""
    assert rests_on(CASE) == ENOUGH


def test_the_facts_are_told_in_business_order() -> None:
    told = [CASE[name].id for name in ("adult", "coverage", "decision", "first", "third")]
    assert list(basis_of(dict(reversed(CASE.items())), 70).facts) == told


def test_a_wait_rests_on_what_makes_it_end_on_that_day() -> None:
    assert rests_on(CASE, 50) == {"adult", "coverage", "decision", "first", "second"}


@pytest.mark.parametrize(
    ("more", "needed"),
    [
        ({"hold": flagged("manual", 1)}, True),
        ({"hold": flagged("manual", 1), "lift": cleared("manual", 5)}, False),
        ({"payment": paid("20.00")}, True),
        ({"report": reported("300.00", on=2)}, False),
        ({"report": reported("350.00", on=2)}, True),
        ({"dispute": flagged("dispute", 20), "answer": cleared("dispute", 35)}, False),
        ({"dispute": flagged("dispute", 20), "answer": cleared("dispute", 45)}, True),
    ],
)
def test_what_no_longer_matters_is_left_out_and_what_does_is_not(more: dict[str, Fact], needed: bool) -> None:
    told = rests_on(CASE | more)
    assert told >= ENOUGH - {"third"}
    assert (set(more) <= told) is needed and (not set(more) & told) is not needed


def test_who_else_bears_how_much_is_part_of_the_answer() -> None:
    """The provider missed a deadline; what was written off lowers what it loses, and nothing else."""
    facts = {name: CASE[name] for name in ("adult", "charge", "coverage")}
    facts["refused"] = decided("1000.00", "0.00", "CO-29 1000.00", on=-9)
    assert rests_on(facts | {"write-off": adjusted("100.00", "other", on=2)}) == {
        "coverage",
        "adult",
        "refused",
        "write-off",
    }


def test_what_only_concerns_an_agency_is_no_part_of_the_answer_about_a_case() -> None:
    """Long after, without the final notice no agency could be asked, and the case is as it was."""
    facts = CASE | {"first": statement(1, 0, final=True), "second": statement(2, 30)}
    without = [one for name, one in facts.items() if name != "first"]
    outcomes = [judge(known, 200)[2].outcomes[1].word for known in (list(facts.values()), without)]
    assert outcomes == ["allow", "require"]
    assert rests_on(facts, 200) == {"adult", "coverage", "decision", "second", "third"}


def test_an_answer_rests_on_something() -> None:
    """Without any fact there is no account to ask about."""
    assert rests_on({"lift": cleared("manual", 1)}, 70) == {"lift"}


def test_of_two_facts_that_say_the_same_the_later_one_is_told() -> None:
    assert rests_on(CASE | {"again": covered("P1", on=-5)}) == ENOUGH - {"coverage"} | {"again"}


def test_of_two_letters_that_would_do_the_one_that_a_gate_counts_is_told() -> None:
    """The third is too close to the second to be counted beside it."""
    facts = CASE | {"third": statement(3, 40)}
    assert rests_on(facts, 70) == {"adult", "coverage", "decision", "first", "second"}


LATE = {
    "came back": flagged("returned_mail", 3, reference="9"),
    "settled": cleared("returned_mail", 5, "9"),
    "letter": fact(StatementSent(9, day(-5), None, "mail", "en", True, False, True), 10),
}
"""A letter that came back is told last; until it is left out, that it came back cannot be."""
UNINSURED = {name: CASE[name] for name in ("adult", "charge", "first", "second")} | {
    "nobody": covered(),
    "offer": fact(AssistanceChanged("offered", day(-8)), -8),
}
"""The offer of help holds nothing back and is named by nobody, so that each fact is asked about by itself."""


def test_a_fact_that_only_another_one_made_matter_goes_with_it() -> None:
    assert rests_on(CASE | LATE, 50) == {"adult", "coverage", "decision", "first", "second"}
    assert rests_on(UNINSURED | LATE, 50) == set(UNINSURED)
    only_letter = {"letter": LATE["letter"]}
    assert rests_on(CASE | only_letter, 50) == {"adult", "coverage", "decision", "letter", "second"}


@pytest.mark.parametrize(
    ("bound", "stay", "minimal"), [(17, 8, False), (18, 6, False), (23, 6, False), (24, 6, True)]
)
def test_each_fact_that_stayed_is_asked_about_until_nothing_more_goes(
    bound: int, stay: int, minimal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ten trials eight facts are left; eight more leave six; six more show that these are needed."""
    monkeypatch.setattr(resting, "MOST_TRIALS", bound)
    basis = basis_of(UNINSURED | LATE, 50)
    assert (len(basis.facts), basis.minimal) == (stay, minimal)


def test_without_the_word_that_coding_is_done_late_charges_would_be_waited_for() -> None:
    """Once its own days have run that word is needed no more."""
    early = {"adult": CASE["adult"], "charge": CASE["charge"], "coverage": covered("P1", on=-33)}
    coded = early | {"coded": fact(CodingStatusChanged("complete"), -34)} | long_ago(100, -36)
    assert rests_on(coded, -19) == {"adult", "charge", "coverage"}
    assert rests_on(coded, -25) == {"adult", "charge", "coverage", "coded"}


def test_the_basis_of_a_joined_account_names_what_joins_it() -> None:
    old = AccountRef("GEN", "OLD")
    facts = {name: one for name, one in CASE.items() if name != "charge"}
    facts |= {"charge": charged("1.00", on=-35, account=old), "merge": merged(old, ACCOUNT, on=65)}
    assert rests_on(facts, 70, ACCOUNT) == {"adult", "coverage", "decision", "charge", "merge"}
    assert rests_on(facts, 70, old) == {"merge"}


# -- the bound -------------------------------------------------------------------------------------------


def long_ago(pairs: int, until: int) -> dict[str, Fact]:
    """Holds that were placed and lifted the day after, one after another."""
    found: dict[str, Fact] = {}
    for n in range(pairs):
        found[f"hold {n}"] = flagged("manual", until - 1 - n, reference=f"R{n}")
        found[f"lift {n}"] = cleared("manual", until - n, f"R{n}")
    return found


def test_hundreds_of_facts_that_nothing_names_go_at_once() -> None:
    assert len(long_ago(100, -36)) > resting.MOST_TRIALS
    assert rests_on(CASE | long_ago(100, -36)) == ENOUGH


def test_what_only_a_rule_names_is_kept_among_hundreds_that_nothing_names() -> None:
    """A person closed a second payer that never answered."""
    closed = fact(ClaimStatusReported("A1", Payer("P2"), "closed_no_response", day(-5), "u7"), -5)
    facts = CASE | {"coverage": covered("P1", "P2"), "closed": closed} | long_ago(100, -36)
    assert rests_on(facts) == ENOUGH | {"closed"}


@pytest.mark.parametrize("bound", [1, 2, 5, 6, 7, 11, 12, 13])
def test_whatever_the_bound_the_basis_is_enough_and_says_whether_it_is_minimal(
    bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One trial leaves out the charge, which nothing names; one asks about each of the six others, and one
    more about each of the five that stay."""
    monkeypatch.setattr(resting, "MOST_TRIALS", bound)
    account, owes, decision = judge(list(CASE.values()), 70)
    basis = explain(account, owes, decision, POLICY).basis
    alone = [one for one in CASE.values() if one.id in basis.facts]
    assert answer_to_why(*judge(alone, 70)[1:]) == answer_to_why(owes, decision)
    assert basis.minimal is (bound >= 12)
    # The second letter is the fifth of the six.
    assert len(basis.facts) == (5 if bound > 5 else 6)
