"""Cases in which a second reading of the rules found another answer; each says which reading stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.decisions import Responsibility
from schemas.facts import (
    AdjudicatedLine,
    ClaimAdjudicated,
    Coverage,
    CoverageListed,
    Fact,
    NoticeRecorded,
    Payer,
)
from service.core import fold
from tests.spec.facts_made import (
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
    triples,
    verdicts,
)


def owes(*facts: Fact) -> Responsibility:
    return judge([adult(), *facts], 100)[1]


def borne(found: Responsibility, bearer: str) -> int:
    return sum(s.amount_cents for s in found.shares if s.bearer == bearer)


def rules(found: Responsibility) -> set[str]:
    return {t.rule for t in found.traces}


def test_money_that_two_payers_paid_for_one_bill_stays_in_the_balance_and_is_nobodys_reduction() -> None:
    facts = [
        adult(),
        covered("P1", "P2"),
        charged("500.00"),
        decided("500.00", "400.00", "CO-45 100.00"),
        decided("500.00", "300.00", "CO-45 200.00", payer="P2", status="2", on=5),
    ]
    _, found, decision = judge(facts, 100)
    assert (found.balance_cents, found.net_cents, borne(found, "undetermined")) == (-20000, 0, -20000)
    assert verdicts(decision)["G11"] == "hold"
    assert [s.reason.code for s in found.shares] == ["overpaid"]


def test_a_credit_inside_a_payers_decision_is_not_the_patients_while_another_claim_is_open() -> None:
    found = owes(
        covered("P1"),
        charged("300.00"),
        decided("100.00", "60.00", "PR-1 45.00", "PR-187 -5.00", claim="A"),
        submitted("200.00", claim="B"),
    )
    assert (found.determination, found.net_cents, borne(found, "patient")) == ("provisional", 0, 0)


def test_what_the_patient_paid_stays_the_patients_credit_while_the_claim_is_open() -> None:
    found = owes(covered("P1"), charged("100.00"), submitted("100.00"), paid("30.00"))
    assert (found.net_cents, borne(found, "patient")) == (-3000, -3000)


def test_a_remark_that_a_veterans_facility_served_leaves_nothing_of_any_line_with_the_patient() -> None:
    lines = (
        AdjudicatedLine("1", 20000, 20000, remarks=("MA118",)),
        AdjudicatedLine("2", 30000, 20000, adjustments=triples("PR-1 100.00")),
    )
    found = owes(covered("P1"), charged("500.00"), decided("500.00", "400.00", lines=lines))
    assert (found.assigned_cents, found.collectible_cents, borne(found, "provider")) == (10000, 0, 10000)


def test_protection_of_a_medicare_patient_shown_on_one_claim_holds_for_every_claim() -> None:
    line = AdjudicatedLine("1", 20000, 15000, adjustments=triples("PR-2 50.00"), remarks=("N782",))
    found = owes(
        covered("P1"),
        charged("300.00"),
        decided("200.00", "150.00", claim="A", lines=(line,)),
        decided("100.00", "80.00", "PR-2 20.00", claim="B"),
    )
    assert (found.assigned_cents, found.collectible_cents) == (7000, 0)


def test_half_of_a_split_bill_taken_back_leaves_the_claim_undetermined() -> None:
    found = owes(
        covered("P1"),
        submitted("900.00"),
        decided("600.00", "530.00", "PR-2 70.00", number="S1", on=1),
        decided("300.00", "264.00", "PR-2 36.00", number="S2", on=2),
        decided("-300.00", "-264.00", "PR-2 -36.00", number="S2", status="22", on=3),
    )
    assert found.determination == "undetermined" and "DET-04.reversed" in rules(found)


def test_half_of_a_split_bill_taken_back_and_decided_anew_is_final() -> None:
    found = owes(
        covered("P1"),
        submitted("900.00"),
        decided("600.00", "530.00", "PR-2 70.00", number="S1", on=1),
        decided("300.00", "264.00", "PR-2 36.00", number="S2", on=2),
        decided("-300.00", "-264.00", "PR-2 -36.00", number="S2", status="22", on=3),
        decided("300.00", "280.00", "PR-2 20.00", number="S3", original="S2", on=4),
    )
    assert (found.determination, found.net_cents) == ("final", 9000)


@pytest.mark.parametrize(("code", "left"), [("3", 2000), ("1", 0), ("2", 0), ("96", 0)])
def test_under_capitation_only_the_copay_is_the_patients(code: str, left: int) -> None:
    found = owes(
        covered("P1"), charged("500.00"), decided("500.00", "0.00", "CO-24 480.00", f"PR-{code} 20.00")
    )
    assert (found.determination, found.collectible_cents) == ("final", left)


@pytest.mark.parametrize(("code", "left"), [("197", 0), ("50", 0), ("2", 5000)])
def test_a_reduction_without_a_valid_notice_is_not_the_patients_whatever_its_reason(
    code: str, left: int
) -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "450.00", f"PR-{code} 50.00", remarks=("M26",)),
    )
    assert found.collectible_cents == left


@pytest.mark.parametrize(("begins", "answers"), [(-15, False), (-9, True)])
def test_a_payer_of_only_a_part_of_the_stay_must_answer_too(begins: int, answers: bool) -> None:
    """The stay ran from day -20 to day -10; the second cover began inside of it, or after it."""
    listed = CoverageListed(
        (Coverage(1, Payer("P1"), "commercial"), Coverage(2, Payer("P2"), "commercial", None, day(begins)))
    )
    found = owes(
        fact(listed, -5),
        charged("300.00", on=-20),
        charged("200.00", on=-10, id="C2"),
        decided("500.00", "400.00", "PR-1 100.00"),
    )
    assert (found.determination == "final") is answers


def test_a_split_of_which_the_payer_denies_the_first_part_is_waited_for() -> None:
    found = owes(
        covered("P1", "P2"),
        submitted("900.00"),
        decided("600.00", "0.00", "PR-27 600.00", number="S1", remarks=("MA15",)),
        decided("900.00", "800.00", "PR-2 100.00", payer="P2", status="2", on=5),
    )
    assert (found.determination, found.collectible_cents) == ("provisional", 0)


def test_taking_back_a_repeat_takes_nothing_back() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "0.00", "OA-18 500.00", number="D1", on=1),
        decided("500.00", "400.00", "PR-1 100.00", number="N1", on=2),
        decided("-500.00", "0.00", "OA-18 -500.00", number="D1", status="22", on=3),
    )
    assert (found.determination, found.net_cents) == ("final", 10000)


def test_an_adjustment_of_nothing_does_not_make_a_repeat_a_decision() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00", number="N1", on=1),
        decided("500.00", "0.00", "OA-18 500.00", "CO-45 0.00", number="D1", on=2),
    )
    assert (found.determination, found.net_cents) == ("final", 10000)


def test_a_lower_amount_of_billing_gives_the_patient_no_credit_while_a_claim_is_open() -> None:
    found = owes(
        covered("P1"),
        charged("300.00"),
        decided("100.00", "60.00", "PR-1 40.00", claim="A"),
        submitted("200.00", claim="B"),
        reported("240.00", "10.00", on=5),
    )
    assert (found.determination, found.net_cents, borne(found, "patient")) == ("provisional", 0, 0)


def test_one_statement_from_two_places_is_the_same_account_whichever_came_first() -> None:
    one = charged("500.00")
    other = Fact.of(one.account, one.key, one.occurred_at, one.body, identity="S/9", where="$[2]")
    assert fold([one, other]) == fold([other, one])


@pytest.mark.parametrize(
    ("said", "remark", "bearer", "code"),
    [
        ("OA-257 500.00", None, "payer:P1", "pending"),
        ("PR-227 500.00", None, "payer:P1", "pending"),
        ("CO-22 500.00", None, "third_party", "waiting"),
        ("PR-9999 500.00", None, "undetermined", "waiting"),
        ("PR-1 500.00", "MA04", "provider", "waiting"),
        ("PR-1 500.00", "N884", "undetermined", "waiting"),
    ],
)
def test_what_keeps_a_claim_open_says_who_answers_meanwhile(
    said: str, remark: str | None, bearer: str, code: str
) -> None:
    remarks = (remark,) if remark else ()
    found = owes(covered("P1"), charged("500.00"), decided("500.00", "0.00", said, remarks=remarks))
    open_part = [s for s in found.shares if s.bearer == bearer and s.reason.code == code]
    assert sum(s.amount_cents for s in open_part) == 50000
    assert found.determination == "provisional"


def test_an_interim_bill_is_still_with_its_payer() -> None:
    body = decided("500.00", "400.00", "CO-45 100.00").body
    assert isinstance(body, ClaimAdjudicated)
    found = owes(covered("P1"), charged("600.00"), submitted("600.00"), fact(replace(body, frequency="2")))
    assert [(s.bearer, s.reason.code) for s in found.shares] == [("payer:P1", "pending")]


def test_an_estimate_alone_is_what_the_waiting_rests_on() -> None:
    estimate = decided("500.00", "0.00", "OA-101 500.00", status="25")
    sent = submitted("500.00")
    found = owes(covered("P1"), charged("500.00"), sent, estimate)
    assert [s.evidence for s in found.shares] == [(estimate.id,)]
    waiting = owes(covered("P1"), charged("500.00"), sent)
    assert [s.evidence for s in waiting.shares] == [(sent.id,)]


def test_payment_in_full_by_law_leaves_only_the_cost_share_with_the_patient() -> None:
    said = decided("500.00", "400.00", "PR-1 60.00", "PR-96 40.00", remarks=("MA125",))
    found = owes(covered("P1"), charged("500.00"), said)
    assert (found.assigned_cents, found.collectible_cents) == (10000, 6000)


@pytest.mark.parametrize(("remark", "left"), [(None, 10000), ("N878", 6000), ("N830", 6000)])
def test_consent_on_file_lets_a_balance_bill_stand_unless_the_payer_says_that_it_does_not_hold(
    remark: str | None, left: int
) -> None:
    consent = fact(NoticeRecorded("D1", "surprise_billing_consent", day(-30)), -30)
    said = decided("500.00", "400.00", "PR-1 60.00", "PR-45 40.00", remarks=(remark,) if remark else ())
    assert owes(covered("P1"), charged("500.00"), consent, said).collectible_cents == left


@pytest.mark.parametrize("said", ["CO-29 500.00", "PI-204 500.00", "OA-209 500.00"])
def test_what_the_provider_bears_names_the_payers_reason(said: str) -> None:
    found = owes(covered("P1"), charged("500.00"), decided("500.00", "0.00", said))
    label = said.split()[0]
    assert [(s.bearer, f"{s.reason.group}-{s.reason.code}") for s in found.shares] == [("provider", label)]


def test_bundled_services_left_with_the_patient_are_looked_at_by_a_person() -> None:
    found = owes(covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-97 100.00"))
    assert (found.determination, found.collectible_cents) == ("provisional", 0)


def test_a_contradiction_leaves_every_cent_of_every_claim_undetermined() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        charged("900.00"),
        decided("500.00", "300.00", "CO-29 100.00", "PR-1 100.00"),
    )
    assert {(s.bearer, s.reason.code) for s in found.shares} == {("undetermined", "undetermined")}


def test_a_payer_that_leaves_nothing_needs_to_state_nothing() -> None:
    found = owes(covered("P1"), charged("500.00"), decided("500.00", "500.00"))
    assert "DET-06.missing" not in rules(found)
