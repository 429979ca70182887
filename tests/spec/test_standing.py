"""Which of a payer's decisions still stand once they have answered each other, in an analyst's words."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from schemas.decisions import Responsibility
from schemas.facts import AdjudicatedLine, ClaimAdjudicated, Fact
from schemas.money import parse_cents
from tests.spec.facts_made import adult, charged, covered, day, decided, fact, judge, submitted, triples


def owes(*facts: Fact, billed: str = "500.00") -> Responsibility:
    return judge([adult(), covered("P1"), charged(billed), submitted(billed), *facts], 200)[1]


def rules(found: Responsibility) -> set[str]:
    return {t.rule for t in found.traces}


def borne(found: Responsibility, bearer: str) -> int:
    return sum(s.amount_cents for s in found.shares if s.bearer == bearer)


# -- the order of business ---------------------------------------------------------------------------------


def test_decisions_follow_each_other_by_the_day_of_payment_not_by_the_payers_own_day() -> None:
    first = decided("500.00", "400.00", "PR-1 100.00", on=10)
    later = replace(cast(ClaimAdjudicated, first.body), adjudicated_on=day(30))
    back = decided("-500.00", "-400.00", "PR-1 -100.00", on=20, status="22")
    found = owes(fact(later, 10), back)
    assert "DET-04.cancelled" in rules(found) and "DET-04.orphan" not in rules(found)


# -- decided before ----------------------------------------------------------------------------------------


def test_a_decision_that_pays_is_no_repeat_whatever_its_reason() -> None:
    found = owes(decided("500.00", "400.00", "OA-18 100.00"))
    assert (found.balance_cents, borne(found, "payer:P1")) == (10000, 0)


def test_what_is_left_with_the_patient_as_decided_before_is_a_decision() -> None:
    first = decided("500.00", "0.00", "CO-45 500.00", on=1)
    found = owes(first, decided("500.00", "0.00", "PR-18 500.00", on=5))
    assert (found.determination, found.assigned_cents) == ("provisional", 50000)
    assert "DET-07.review" in rules(found)


# -- what a reversal takes back ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "back",
    [
        decided("-500.00", "-300.00", on=9, status="22"),
        decided("-500.00", "-300.00", "CR-45 -100.00", "CO-45 -100.00", on=9, status="22"),
        decided("-500.00", "-300.00", "CO-45 -100.00", "PR-2 -100.00", on=9, status="22"),
        decided("-400.00", "-300.00", "CR-45 -100.00", on=9, status="22"),
        decided("-500.00", "-350.00", "CR-45 -150.00", on=9, status="22"),
    ],
    ids=["no reasons", "a reason beside CR", "other reasons", "another charge", "another payment"],
)
def test_a_reversal_without_a_number_takes_back_only_what_it_negates(back: Fact) -> None:
    found = owes(decided("500.00", "300.00", "CO-45 125.00", "PR-2 75.00"), back)
    assert "DET-04.orphan" in rules(found) and "DET-04.cancelled" not in rules(found)


# -- more decided than billed ------------------------------------------------------------------------------


def test_only_as_many_denials_give_way_as_the_bill_has_no_room_for() -> None:
    half = decided("250.00", "0.00", "CO-16 250.00", number="N1", on=1)
    other = decided("250.00", "0.00", "CO-29 250.00", number="N2", on=2)
    found = owes(half, other, decided("250.00", "200.00", "PR-1 50.00", number="N3", on=9))
    assert (found.determination, borne(found, "patient"), borne(found, "provider")) == ("final", 5000, 25000)


LOST = decided("500.00", "400.00", "CO-45 20.00", "PR-1 80.00", number="N1", trace="T1", on=1)


def again(*said: str, paid: str = "400.00", remarks: tuple[str, ...] = ("MA74",)) -> Fact:
    return decided("500.00", paid, *said, number="N2", trace="T2", on=9, remarks=remarks)


def test_a_payment_sent_in_place_of_a_lost_one_counts_once() -> None:
    found = owes(LOST, again("CO-45 20.00", "PR-1 80.00"))
    assert (found.determination, found.balance_cents, found.collectible_cents) == ("final", 8000, 8000)


@pytest.mark.parametrize(
    "second",
    [
        again("CO-45 20.00", "PR-1 80.00", remarks=()),
        again("CO-45 30.00", "PR-1 70.00"),
        again("CO-45 20.00", "PR-1 80.00", paid="300.00"),
    ],
    ids=["not said to replace it", "other reasons", "another payment"],
)
def test_a_second_payment_that_is_not_the_lost_one_again_overlaps_with_it(second: Fact) -> None:
    assert "DET-21.conflict" in rules(owes(LOST, second))


# -- what adds up ------------------------------------------------------------------------------------------


def told(*lines: tuple[str, str, str], charge: str = "500.00", paid: str = "400.00", own: str = "") -> Fact:
    made = [
        AdjudicatedLine(str(n), parse_cents(c), parse_cents(p), adjustments=triples(f"CO-45 {a}"))
        for n, (c, p, a) in enumerate(lines, 1)
    ]
    return decided(charge, paid, *([own] if own else []), lines=tuple(made))


@pytest.mark.parametrize(
    ("said", "adds_up"),
    [
        (told(("300.00", "250.00", "50.00"), ("200.00", "150.00", "50.00")), True),
        (told(("300.00", "240.00", "50.00"), ("200.00", "160.00", "50.00")), False),
        (told(("300.00", "250.00", "50.00"), ("100.00", "50.00", "50.00"), paid="300.00"), False),
        (told(("300.00", "250.00", "50.00"), ("200.00", "170.00", "30.00"), own="CO-97 20.00"), True),
        (told(("300.00", "250.00", "50.00"), ("200.00", "130.00", "70.00"), own="CO-97 20.00"), False),
    ],
    ids=[
        "both lines",
        "two lines off by as much",
        "a line missing",
        "less of the claim",
        "more of the claim",
    ],
)
def test_a_decision_adds_up_in_each_line_and_as_a_whole(said: Fact, adds_up: bool) -> None:
    assert (owes(said).determination == "final") is adds_up


# -- who processed it, and where it went on ----------------------------------------------------------------


@pytest.mark.parametrize(("name", "waits"), [("X9", "payer:X9"), (None, "undetermined")])
@pytest.mark.parametrize(("status", "rank"), [("19", 1), ("20", 2), ("21", 3)])
def test_whoever_sends_a_claim_on_has_decided_and_the_next_payer_is_waited_for(
    status: str, rank: int, name: str | None, waits: str
) -> None:
    before = [
        decided(
            "500.00", "100.00", f"OA-23 {n}00.00", f"PR-2 {4 - n}00.00", payer=f"P{n + 1}", status=f"{n + 1}"
        )
        for n in range(rank - 1)
    ]
    said = (f"OA-23 {rank - 1}00.00", f"PR-2 {5 - rank}00.00")
    last = decided("500.00", "100.00", *said, payer=f"P{rank}", status=status, forwarded=name, on=9)
    listed = covered(*[f"P{n}" for n in range(1, rank + 1)])
    found = judge([adult(), listed, charged("500.00"), *before, last], 200)[1]
    assert (found.determination, borne(found, waits)) == ("provisional", (5 - rank) * 10000)
    assert [(p.payer, p.rank) for p in found.payers][:rank] == [(f"P{n}", n) for n in range(1, rank + 1)]
    assert [p.rank for p in found.payers if p.payer == "X9"] == ([rank + 1] if name else [])
