"""One claim and all its payers, in an analyst's words: whose word holds, and what keeps a claim open."""

from __future__ import annotations

from schemas.decisions import Responsibility
from schemas.facts import ClaimStatusReported, Fact, Payer
from tests.spec.facts_made import (
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    judge,
    statements,
    submitted,
    verdicts,
)

BILLED = (covered("P1", "P2"), charged("500.00"), submitted("500.00"))
FIRST = decided("500.00", "400.00", "PR-1 100.00")


def owes(*facts: Fact) -> Responsibility:
    return judge([adult(), *facts], 200)[1]


def rules(found: Responsibility) -> list[str]:
    return [t.rule for t in found.traces]


def closed(payer: str, status: str = "closed_no_coverage", on: int = 20, by: str | None = "j.ortiz") -> Fact:
    return fact(ClaimStatusReported("A1", Payer(payer), status, day(on), by), on)


def second(*said: str, paid: str = "0.00", on: int = 9) -> Fact:
    return decided("500.00", paid, *said, payer="P2", status="2", on=on)


# -- whose word holds ----------------------------------------------------------------------------------------


def test_of_payers_that_leave_the_same_with_the_patient_the_last_is_the_one_named() -> None:
    last = second("OA-23 400.00", "PR-2 100.00")
    found = owes(*BILLED, FIRST, last)
    assert [(s.bearer, s.reason.code, s.evidence) for s in found.shares] == [("patient", "2", (last.id,))]
    assert "DET-11" in rules(found) and "DET-11" not in rules(owes(*BILLED, FIRST))


def test_what_payers_paid_already_is_not_asked_of_the_patient_again_and_a_person_looks() -> None:
    facts = [adult(), *BILLED, FIRST, second("OA-23 340.00", "PR-1 100.00", paid="60.00")]
    _, found, decision = judge([*facts, *statements(10)], 200)
    assert (found.collectible_cents, "DET-11.conflict" in rules(found)) == (4000, True)
    assert verdicts(decision)["G11"] == "hold"


def test_of_two_payers_that_do_not_insure_the_larger_refusal_is_the_providers() -> None:
    one = decided("500.00", "0.00", "CO-27 300.00", "PR-31 200.00")
    found = owes(*BILLED, one, second("PR-31 500.00"), closed("P1"), closed("P2"))
    assert (found.determination, found.collectible_cents) == ("final", 20000)
