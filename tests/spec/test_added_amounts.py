"""Interest and fees: no payer is billed for them, and they are the patient's beside what payers leave."""

from __future__ import annotations

import pytest

from schemas.facts import ChargePosted, Fact
from schemas.money import parse_cents
from tests.spec.facts_made import (
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    judge,
    paid,
    statements,
    submitted,
)

PLAIN = [adult(), covered("P1", on=-40), charged("365.00", on=-35), submitted("365.00")]
PLAIN += [decided("365.00", "300.00", "PR-1 65.00", on=-5), *statements()]


def added(amount: str, on: int, kind: str | None = "interest") -> Fact:
    body = ChargePosted(f"{kind} {on}", parse_cents(amount), day(on), kind=kind)
    return fact(body, on, key=f"charge.posted|GEN/A1|billing|{body.charge_id}")


@pytest.mark.parametrize("kind", ["interest", "late_fee", "collection_fee"])
def test_what_billing_adds_is_the_patients_and_waits_for_no_payer(kind: str) -> None:
    first, second = added("2.00", 30, kind), added("0.01", 31, kind)
    _, owes, _ = judge([*PLAIN, first, second], 70)
    assert (owes.determination, owes.assigned_cents, owes.collectible_cents) == ("final", 6500, 6500)
    assert (owes.net_cents, owes.balance_cents) == (6701, 6701)
    share = next(s for s in owes.shares if s.reason.code == "added")
    assert (share.bearer, share.amount_cents, set(share.evidence)) == ("patient", 201, {first.id, second.id})
    assert judge([*PLAIN, first, second, paid("67.01", on=40)], 70)[1].net_cents == 0


@pytest.mark.parametrize("kind", [None, "service"])
def test_a_service_that_no_claim_holds_is_still_to_be_billed(kind: str | None) -> None:
    owes = judge([*PLAIN, added("2.00", 30, kind)], 70)[1]
    assert (owes.determination, owes.net_cents) == ("provisional", 0)


def test_while_a_payer_is_waited_for_nothing_added_is_the_patients_yet() -> None:
    owes = judge([*PLAIN, covered("P1", "P2", on=-39), added("2.00", 30)], 70)[1]
    assert (owes.determination, owes.net_cents, owes.balance_cents) == ("provisional", 0, 6700)
    assert {s.bearer for s in owes.shares if s.reason.code == "added"} == {"undetermined"}


def test_what_was_added_and_taken_back_leaves_nothing() -> None:
    owes = judge([*PLAIN, added("2.00", 30), added("-2.00", 31)], 70)[1]
    assert (owes.net_cents, owes.balance_cents) == (6500, 6500)
    assert "DET-16.unexplained" not in {t.rule for t in owes.traces}


def test_more_taken_back_than_was_added_is_unexplained_and_no_gift() -> None:
    back = added("-0.01", 30)
    owes = judge([*PLAIN, back], 70)[1]
    assert (owes.net_cents, owes.balance_cents) == (6500, 6499)
    share = next(s for s in owes.shares if s.bearer == "undetermined")
    assert (share.amount_cents, share.reason.code, share.evidence) == (-1, "unexplained_refund", (back.id,))
    assert [t.evidence for t in owes.traces if t.rule == "DET-16.unexplained"] == [(back.id,)]
