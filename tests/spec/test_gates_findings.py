"""What is wrong with an answer or an account, and which gate it holds: from facts as they come.

The faults are those of the domain reference: its sections on balancing, corrections, reason and remark codes,
programmes and data quality. Nothing else is wrong with the account of a row.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, cast

import pytest

from schemas.facts import (
    AccountRef,
    AccountRegistered,
    AdjudicationUnreadable,
    ClaimAdjudicated,
    Fact,
    Payer,
    Person,
)
from tests.spec.facts_made import (
    ACCOUNT,
    adult,
    charged,
    covered,
    decided,
    fact,
    judge,
    merged,
    statements,
    submitted,
)
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, answer

STAGES = (OPEN, PLACE, EXTRAORDINARY)
ONE = [adult(), covered("P1", on=-40), charged("320.00", on=-35), *statements()]
TWO = [adult(), covered("P1", "P2", on=-40), charged("320.00", on=-35), *statements()]
UNLISTED = [adult(), charged("320.00", on=-35), *statements()]


def whole(*adjustments: str, **more: object) -> Fact:
    """The payer pays nothing of the whole charge; the adjustments say who bears it."""
    return decided("320.00", "0.00", *(adjustments or ("PR-1 320.00",)), on=-5, **more)  # type: ignore[arg-type]


def also(**more: object) -> Fact:
    """The same, with something more that the payer says about its decision."""
    return fact(replace(cast(ClaimAdjudicated, whole().body), **more), -5)  # type: ignore[arg-type]


def second(*adjustments: str) -> Fact:
    return decided("320.00", "0.00", *adjustments, on=-4, payer="P2", status="2")


def takes_back(amount: str, number: str) -> Fact:
    return decided(f"-{amount}", "0.00", f"PR-1 -{amount}", on=69, status="22", number=number)


FIRST = decided("320.00", "300.00", "PR-2 20.00", on=-5)
REDUCED = decided("320.00", "200.00", "CO-45 100.00", "PR-1 20.00", on=-5)
REDUCED_AGAIN = second("OA-23 200.00", "CO-45 100.00", "PR-1 20.00")
HALF = decided("160.00", "0.00", "PR-1 160.00", on=-5)
BILLED = submitted("320.00")
MORE = charged("9.00", on=-35, id="C2")
NUMBERED = whole(number="N1")
PAID_A = decided("320.00", "200.00", "PR-1 120.00", on=-5, number="N1", trace="T1")
PAID_B = decided("320.00", "220.00", "PR-1 100.00", on=-4, number="N2", trace="T2")
MOTHER, FATHER = (fact(AccountRegistered(guarantor=Person(n)), on) for n, on in (("M", -30), ("F", -9)))
OTHER_MONEY = fact(charged("5.00", id="CAD").body, -20, key="other money", currency="CAD")
UNREAD = fact(AdjudicationUnreadable("A1", "bad-amount", Payer("P1"), "T9"), -5)
NOT_SENT_ALONG = whole("CO-16 320.00", remarks=("MA04",))
UNPROCESSABLE = whole("CO-16 320.00", remarks=("MA130",))


class Wrong(NamedTuple):
    """What is wrong: the facts that the gate must rest on, and those that stand beside them."""

    what: str
    rests_on: list[Fact]
    beside: tuple[Fact, ...] = ()
    start: list[Fact] = ONE


WRONG = {
    "G03 hold: the missing payer's decision": [
        Wrong("a second payer is silent", [TWO[1]], (FIRST,), TWO),
        Wrong("another insurer should pay first", [whole("PR-22 320.00")]),
    ],
    "G03 hold: coverage.listed": [Wrong("no list of payers", [whole()], start=UNLISTED)],
    "G04 hold: the payer's corrected decision": [
        Wrong("taken back and not replaced", [NUMBERED, takes_back("320.00", "N1")]),
        Wrong("something unknown was taken back", [takes_back("50.00", "N7")], (NUMBERED,)),
    ],
    "G05 hold: the payer's final decision": [
        Wrong(f"reason {code}", [whole(f"OA-{code} 320.00")])
        for code in ("133", "257", "277", "143", "P8", "P10", "P11")
    ],
    "G06 hold: the decision on the rest of the charge": [
        Wrong("half the claim is decided", [HALF], (BILLED,)),
        Wrong("an interim bill", [also(frequency="2")]),
        Wrong("a charge that no claim carries", [ONE[2], MORE], (BILLED, whole())),
    ],
    "G11 hold: a person's review": [
        Wrong("the stated patient amount is another", [also(patient_responsibility_cents=31900)]),
        Wrong("payers disagree", [second("OA-23 200.00", "PR-2 120.00")], (FIRST,), TWO),
        Wrong("one reduction taken off twice", [REDUCED, REDUCED_AGAIN], start=TWO),
        Wrong("an unknown reason", [whole("PR-9999 320.00")]),
        Wrong("a deadline that the provider missed", [whole("PR-29 320.00")]),
        Wrong("the claim does not add up", [also(paid_cents=100)]),
        Wrong("the payment does not add up", [also(remittance_balanced=False)]),
        Wrong("money of two currencies", [ONE[2], OTHER_MONEY], (whole(),)),
        Wrong("no such claim status", [also(status="77")]),
        Wrong("unreadable", [UNREAD], (whole(),)),
        Wrong("one charge in two amounts", [ONE[2], charged("321.00", on=-35)], (whole(),)),
        Wrong("an earlier payer's answer was not sent along", [NOT_SENT_ALONG]),
        Wrong("it has to be billed anew", [UNPROCESSABLE]),
        Wrong("a void that was decided and not taken back", [also(frequency="8")]),
        Wrong("two paid decisions about one charge", [PAID_A, PAID_B]),
        Wrong("nobody knows who answered on the day of service", [MOTHER, FATHER], (whole(),)),
    ],
    "G12 block: the refund, posted": [
        Wrong(f"remark {code}", [whole(remarks=(code,))]) for code in ("MA10", "MA59", "MA72", "MA77")
    ],
    "G13 hold: a person's review": [
        Wrong("a service family is left with more than a share", [whole("PR-96 320.00", filing="CH")]),
    ],
    "G15 block: a corrected decision or valid consent on file": [
        Wrong("above the plan's price", [decided("320.00", "300.00", "PR-45 20.00", on=-5)]),
    ],
    "G15 hold: a person's review": [
        Wrong(f"remark {code}", [whole(remarks=(code,))]) for code in ("N884", "N885")
    ],
    "G18 block: a corrected decision": [Wrong("a veteran", [whole(remarks=("MA118",))])],
}
EACH = [
    pytest.param(*told.split(": "), wrong, id=f"{told[:3]} {wrong.what}")
    for told, rows in WRONG.items()
    for wrong in rows
]
DATA_GATES = {"G03", "G04", "G05", "G06", "G11", "G15", "G18"}


@pytest.mark.parametrize(("says", "lifted_by", "wrong"), EACH)
def test_what_is_wrong_stands_in_the_way_of_every_stage(says: str, lifted_by: str, wrong: Wrong) -> None:
    gate, verdict = says.split()
    for stage in STAGES:
        found = answer(gate, [*wrong.start, *wrong.rests_on, *wrong.beside], 70, stage)
        told = (found.verdict.word, found.until, found.lifted_by, set(found.evidence))
        assert told == (verdict, None, lifted_by, {f.id for f in wrong.rests_on})


@pytest.mark.parametrize(("says", "lifted_by", "wrong"), EACH)
def test_no_other_of_these_gates_speaks_of_it(says: str, lifted_by: str, wrong: Wrong) -> None:
    """What is only open is nothing for a person to review, and what is faulty is not only open."""
    found = judge([*wrong.start, *wrong.rests_on, *wrong.beside], 70)[2]
    loud = {f.gate for f in found.findings if f.gate in DATA_GATES and f.verdict.word != "allow"}
    assert loud <= {says[:3]} or wrong.what == "money of two currencies"


def test_what_was_merged_away_is_looked_at_before_anything_is_asked() -> None:
    other = AccountRef("GEN", "A9")
    move = merged(ACCOUNT, other, 5)
    for stage in STAGES:
        found = judge([*ONE, whole(), move], 70, ref=ACCOUNT)[2].findings
        told = next(f for f in found if (f.gate, f.stage) == ("G11", stage))
        assert (told.verdict.word, told.evidence) == ("hold", (move.id,))
