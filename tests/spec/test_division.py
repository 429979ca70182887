"""How the balance of an account is divided: every share with its reason, in an analyst's words."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from schemas.decisions import Responsibility
from schemas.facts import (
    AccountRegistered,
    AdjudicationUnreadable,
    ClaimAdjudicated,
    Coverage,
    CoverageListed,
    Fact,
    Payer,
)
from service.core import responsibility
from tests.spec.facts_made import (
    adjusted,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    judge,
    paid,
    reported,
    submitted,
)

Parts = list[tuple[str, int, str]]

OWED = (
    covered("P1"),
    charged("500.00"),
    decided("500.00", "400.00", "PR-1 100.00", states="100.00", trace="T1"),
)
OPEN = (covered("P1"), charged("500.00"), submitted("500.00"))
REFUSED = (covered("P1"), charged("500.00"), decided("500.00", "300.00", "CO-29 100.00", "PR-1 100.00"))
HALF = decided("250.00", "200.00", "PR-1 50.00", states="50.00", number="N1")
PATIENT = ("patient", 10000, "1")


def owes(*facts: Fact) -> Responsibility:
    return judge([adult(), *facts], 200)[1]


def parts(found: Responsibility) -> Parts:
    return [(s.bearer, s.amount_cents, s.reason.code) for s in found.shares]


def rules(found: Responsibility) -> list[str]:
    """What is told of the account as a whole."""
    return [t.rule for t in found.traces if t.claim_id is None]


ENDED = fact(CoverageListed((Coverage(1, Payer("P1"), "commercial", None, None, day(-60)),)), -10)
EXPECTS = fact(AccountRegistered(expected_plans=1), -5)


@pytest.mark.parametrize(
    ("facts", "divided", "told"),
    [
        pytest.param(
            [covered("P1"), charged("600.00")],
            [("payer:P1", 60000, "not_billed")],
            ["DET-10.waiting"],
            id="not billed",
        ),
        pytest.param(
            [charged("600.00")],
            [("undetermined", 60000, "coverage_unknown")],
            ["DET-10.unknown_order"],
            id="no list of payers",
        ),
        pytest.param(
            [*OWED, submitted("500.00"), charged("200.00", id="C2")],
            [("undetermined", 10000, "1"), ("undetermined", 20000, "uncovered")],
            ["DET-12.uncovered"],
            id="more charged than billed",
        ),
        pytest.param(
            [ENDED, charged("600.00")],
            [("undetermined", 60000, "coverage_not_found")],
            ["DET-07.coverage_not_found"],
            id="no cover in force",
        ),
        pytest.param(
            [covered(), charged("600.00"), EXPECTS],
            [("undetermined", 60000, "waiting")],
            ["DET-10.waiting"],
            id="a plan is expected",
        ),
        pytest.param(
            [covered(), charged("600.00")], [("patient", 60000, "self_pay")], ["DET-18"], id="nobody insures"
        ),
        pytest.param(
            [covered(), charged("600.00"), charged("700.00")],
            [("undetermined", 70000, "self_pay")],
            ["DET-03.contradiction", "DET-18"],
            id="nobody insures, and two amounts are told",
        ),
        pytest.param(
            [*OWED, paid("30.00")],
            [PATIENT, ("patient", -3000, "patient_payment")],
            [],
            id="the patient paid",
        ),
        pytest.param(
            [*OWED, paid("30.00", by="other")],
            [PATIENT, ("patient", -3000, "other_payment")],
            [],
            id="somebody paid for the patient",
        ),
        pytest.param(
            [*OWED, paid("-30.00")],
            [PATIENT, ("undetermined", 3000, "unexplained_refund")],
            ["DET-16.unexplained"],
            id="more paid back than paid",
        ),
        pytest.param(
            [*OWED, paid("400.00", by="payer", payer="P1", trace="T1")], [PATIENT], [], id="paid as decided"
        ),
        pytest.param(
            [*OWED, paid("400.00", by="payer", payer="P1")], [PATIENT], [], id="paid without a trace"
        ),
        pytest.param(
            [*OWED, paid("410.00", by="payer", payer="P1", trace="T1")],
            [PATIENT, ("undetermined", -1000, "unexplained_payment")],
            ["DET-16.unexplained"],
            id="paid more than decided",
        ),
        pytest.param(
            [*OPEN, paid("400.00", by="payer", payer="P1")],
            [("payer:P1", 50000, "billed"), ("payer:P1", -40000, "paid_ahead")],
            ["DET-16.paid_ahead"],
            id="paid before it decided",
        ),
        pytest.param(
            [*OPEN, paid("600.00", by="payer", payer="P1")],
            [("payer:P1", 50000, "billed"), ("undetermined", -60000, "unexplained_payment")],
            ["DET-16.unexplained"],
            id="paid more than was billed",
        ),
        pytest.param(
            [*OPEN, paid("500.00", by="payer", payer="P1")],
            [("payer:P1", 50000, "billed"), ("payer:P1", -50000, "paid_ahead")],
            ["DET-16.paid_ahead"],
            id="paid all of it before it decided",
        ),
        pytest.param(
            [*OPEN, paid("0.01", by="payer", payer="P1")],
            [("payer:P1", 50000, "billed"), ("payer:P1", -1, "paid_ahead")],
            ["DET-16.paid_ahead"],
            id="paid one cent before it decided",
        ),
        pytest.param(
            [*OWED, paid("400.00", by="payer", payer="P1", trace="T9")],
            [PATIENT, ("undetermined", -40000, "unexplained_payment")],
            ["DET-16.unexplained"],
            id="paid as much under another trace",
        ),
        pytest.param(
            [*OWED, paid("10.00", by="payer")],
            [PATIENT, ("undetermined", -1000, "unexplained_payment")],
            ["DET-16.unexplained"],
            id="paid by a payer without a name",
        ),
        pytest.param(
            [*OWED, covered("P1", "P2", on=1), paid("50.00", by="payer", payer="P2")],
            [("payer:P2", 10000, "not_billed"), ("payer:P2", -5000, "paid_ahead")],
            ["DET-16.paid_ahead"],
            id="the second paid before it decided",
        ),
        pytest.param(
            [*OPEN, HALF, paid("10.00", by="payer", payer="P1")],
            [("payer:P1", 30000, "pending"), ("undetermined", -1000, "unexplained_payment")],
            ["DET-16.unexplained"],
            id="paid more while half is not decided",
        ),
        pytest.param([covered("P1")], [], ["DET-01"], id="nothing charged"),
        pytest.param([], [], ["DET-10.unknown_order", "DET-01"], id="nothing known"),
        *(
            pytest.param([*OWED, adjusted("30.00", kind)], [PATIENT, ("patient", -3000, kind)], [], id=kind)
            for kind in ("bad_debt", "charity", "courtesy", "small_balance")
        ),
        pytest.param(
            [*REFUSED, adjusted("100.00", "other")],
            [("patient", 10000, "1"), ("provider", 10000, "29"), ("provider", -10000, "write_off")],
            [],
            id="a refusal written off",
        ),
        pytest.param(
            [*OWED, adjusted("30.00", "other")],
            [PATIENT, ("patient", -3000, "write_off")],
            [],
            id="the patient's part written off",
        ),
        pytest.param(
            [*OWED, adjusted("130.00", "other")],
            [PATIENT, ("patient", -10000, "write_off"), ("undetermined", -3000, "unexplained_write_off")],
            ["DET-16.unexplained"],
            id="more written off than there was",
        ),
        pytest.param(
            [*OPEN, adjusted("30.00", "contractual")],
            [("payer:P1", 50000, "billed"), ("payer:P1", -3000, "write_off")],
            [],
            id="a contract price posted before the decision",
        ),
        pytest.param(
            [*OWED, adjusted("-30.00", "contractual")],
            [PATIENT, ("undetermined", 3000, "unexplained_write_off")],
            ["DET-16.unexplained"],
            id="a contract price taken back that was never posted",
        ),
        pytest.param([*OWED, reported("100.00", on=3)], [PATIENT], ["DET-16"], id="billing reports as much"),
        pytest.param(
            [*OWED, reported("110.00", on=3)],
            [PATIENT, ("undetermined", 1000, "difference")],
            ["DET-16.difference"],
            id="billing reports more",
        ),
        pytest.param(
            [*OWED, reported("100.00", "70.00", on=3)],
            [PATIENT, ("patient", -3000, "reported_lower"), ("undetermined", 3000, "reported_lower")],
            ["DET-16", "DET-16.patient_lower"],
            id="billing asks the patient for less",
        ),
        *(
            pytest.param(
                [*OWED, reported("100.00", nothing, on=3)],
                [PATIENT, ("patient", -10000, "reported_lower"), ("undetermined", 10000, "reported_lower")],
                ["DET-16", "DET-16.patient_lower"],
                id=f"billing asks the patient for {nothing}",
            )
            for nothing in ("0.00", "-5.00")
        ),
        pytest.param(
            [*OWED, reported("100.00", "70.00", on=3), paid("100.00", on=5)],
            [PATIENT, ("patient", -10000, "patient_payment")],
            ["DET-16"],
            id="billing asked for less, and the patient paid all since",
        ),
        pytest.param(
            [
                covered("P1"),
                charged("500.00"),
                decided("500.00", "0.00", "CO-22 500.00"),
                adjusted("30.00", "other"),
            ],
            [("third_party", 50000, "waiting"), ("third_party", -3000, "write_off")],
            [],
            id="what another payer may owe written off",
        ),
        pytest.param(
            [charged("600.00"), adjusted("30.00", "other")],
            [("undetermined", 60000, "coverage_unknown"), ("undetermined", -3000, "write_off")],
            ["DET-10.unknown_order"],
            id="what nobody knows written off",
        ),
    ],
)
def test_every_share_names_its_reason(facts: list[Fact], divided: Parts, told: list[str]) -> None:
    found = owes(*facts)
    assert (parts(found), rules(found)) == (divided, told)


@pytest.mark.parametrize(("amount", "assigned"), [("600.00", 60000), ("0.01", 1), ("-5.00", 0)])
def test_without_a_payer_what_is_charged_is_assigned_and_a_credit_is_not(amount: str, assigned: int) -> None:
    found = owes(covered(), charged(amount))
    assert (found.assigned_cents, found.collectible_cents) == (assigned, assigned)


def test_in_doubt_nothing_is_assigned_even_if_nobody_insures() -> None:
    found = owes(covered(), charged("600.00"), charged("700.00"))
    assert (found.determination, found.assigned_cents, found.collectible_cents) == ("undetermined", 0, 0)


def test_in_doubt_a_credit_is_not_the_patients_either() -> None:
    found = owes(covered(), charged("-5.00"), charged("-7.00"))
    assert {s.bearer for s in found.shares} == {"undetermined"}


def test_self_pay_rests_on_the_first_list_that_said_so() -> None:
    first, again = covered(on=-10), covered(on=5)
    found = owes(first, again, charged("600.00"))
    assert first.id in found.shares[0].evidence and again.id not in found.shares[0].evidence
    assert ENDED.id in owes(ENDED, charged("600.00")).shares[0].evidence


def test_two_currencies_on_one_account_are_told_and_settle_nothing() -> None:
    other = fact(charged("5.00", id="CAD").body, -20, key="other money", currency="CAD")
    found = owes(*OWED, other)
    assert found.determination == "undetermined"
    # It rests on the first fact that names money in each currency.
    told = next(t for t in found.traces if t.rule == "DET-01.currency")
    assert set(told.evidence) == {other.id, OWED[1].id}


def test_nothing_known_of_payers_is_not_determined() -> None:
    assert owes().determination == "undetermined" and owes(covered("P1")).determination == "provisional"


# -- why nothing of a claim is divided -----------------------------------------------------------------

TAKEN_BACK = decided("-500.00", "-400.00", "PR-1 -100.00", on=2, status="22", number="N1")
VOID = decided("500.00", "400.00", "PR-1 100.00")
UNREAD = fact(AdjudicationUnreadable("A1", "bad-amount", Payer("P1"), "T9"), 0)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("DET-01.status", [decided("500.00", "400.00", "PR-1 100.00", status="77")]),
        ("DET-02.unbalanced", [decided("500.00", "400.00", "PR-1 90.00")]),
        ("DET-04.orphan", [TAKEN_BACK, decided("500.00", "450.00", "PR-1 50.00", on=3, number="N2")]),
        ("DET-04.reversed", [decided("500.00", "400.00", "PR-1 100.00", number="N1"), TAKEN_BACK]),
        ("DET-08.unprocessable", [decided("500.00", "0.00", "CO-16 500.00", remarks=("MA130",))]),
        ("DET-12.void", [fact(replace(cast(ClaimAdjudicated, VOID.body), frequency="8"), 0)]),
        (
            "DET-21.conflict",
            [
                decided("500.00", "400.00", "PR-1 100.00", number="N1", trace="T1"),
                decided("500.00", "300.00", "PR-1 200.00", number="N2", trace="T2"),
            ],
        ),
        (
            "DET-01.currency",
            [OWED[2], fact(charged("5.00", id="CAD").body, -20, key="other", currency="CAD")],
        ),
        ("DET-01.unreadable", [OWED[2], UNREAD]),
        ("DET-03.contradiction", [OWED[2], charged("600.00")]),
    ],
)
def test_an_undetermined_claim_says_what_unsettles_it(rule: str, said: list[Fact]) -> None:
    found = owes(covered("P1"), submitted("500.00"), charged("500.00"), *said)
    whole = next(s for s in found.shares if s.claim_id == "A1")
    assert (found.determination, whole.bearer, whole.reason.code) == ("undetermined",) * 3
    assert whole.reason.text == next(t.found for t in found.traces if t.rule == rule)


# -- the day and the hour of a report ------------------------------------------------------------------


def at(hour: int, one: Fact) -> Fact:
    """The same said at another hour of its day."""
    assert one.account is not None
    return Fact.of(one.account, one.key, one.occurred_at.replace(hour=hour), one.body)


def test_what_is_posted_later_on_the_day_of_a_report_is_not_in_it() -> None:
    found = owes(*OWED, reported("100.00", on=5), at(18, paid("30.00", on=5)))
    assert (parts(found)[1:], rules(found)) == ([("patient", -3000, "patient_payment")], ["DET-16"])


def test_what_is_posted_earlier_on_the_day_of_a_report_is_in_it() -> None:
    found = owes(*OWED, reported("70.00", on=5), at(9, paid("30.00", on=5)))
    assert (parts(found)[1:], rules(found)) == ([("patient", -3000, "patient_payment")], ["DET-16"])


def test_a_report_told_the_day_after_is_about_its_own_day() -> None:
    report = fact(reported("100.00", on=5).body, 6)
    found = owes(*OWED, at(9, paid("30.00", on=6)), report)
    assert (parts(found)[1:], rules(found)) == ([("patient", -3000, "patient_payment")], ["DET-16"])


def test_a_report_of_nothing_before_anything_was_charged_agrees() -> None:
    assert "DET-16" in rules(owes(*OWED, reported("0.00", on=-25)))


def test_shares_that_do_not_add_up_are_a_fault_and_never_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose_a_cent(ledger: responsibility._Ledger) -> None:
        ledger.balance += 1

    monkeypatch.setattr(responsibility._Ledger, "_write_offs", lose_a_cent)
    with pytest.raises(AssertionError, match="do not add up"):
        owes(*OWED)
