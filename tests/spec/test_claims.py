"""One claim and all its payers, in an analyst's words: whose word holds, and what keeps a claim open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from schemas.decisions import Responsibility
from schemas.facts import (
    AccountRegistered,
    ClaimAdjudicated,
    ClaimStatusReported,
    CoverageListed,
    Fact,
    Payer,
)
from schemas.money import format_cents
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


# -- what is told of each claim ------------------------------------------------------------------------------

ONE = (covered("P1"), charged("500.00"), submitted("500.00"))
PLAIN = decided("500.00", "400.00", "PR-1 100.00", states="100.00", number="N1", trace="T1")
HALF = decided("250.00", "200.00", "PR-1 50.00", states="50.00", number="N1")
NEW = decided("500.00", "450.00", "PR-1 50.00", states="50.00", number="N2", original="N1", on=9)
BACK = decided("-500.00", "-400.00", "PR-1 -100.00", number="N1", status="22", on=9)


def but(one: Fact, **said: Any) -> Fact:
    """The same decision, saying something else in one place."""
    return fact(replace(cast(ClaimAdjudicated, one.body), **said), one.occurred_at.date())


@pytest.mark.parametrize(
    ("facts", "determination", "told"),
    [
        pytest.param([PLAIN], "final", "DET-05 DET-10", id="decided"),
        pytest.param(
            [PLAIN, but(PLAIN, trace=None)], "final", "DET-05 DET-03.carriers DET-10", id="told twice"
        ),
        pytest.param([but(PLAIN, frequency="1")], "final", "DET-05 DET-10", id="a whole bill"),
        pytest.param(
            [but(PLAIN, frequency="2")], "provisional", "DET-05 DET-12.interim DET-10", id="first bill"
        ),
        pytest.param(
            [but(PLAIN, frequency="3")], "provisional", "DET-05 DET-12.interim DET-10", id="interim"
        ),
        pytest.param(
            [but(HALF, frequency="3"), but(HALF, frequency="4", payer_claim_id="N2")],
            "final",
            "DET-05 DET-05 DET-10",
            id="the last bill too",
        ),
        pytest.param(
            [but(PLAIN, frequency="4"), BACK, but(NEW, frequency="3")],
            "provisional",
            "DET-05 DET-12.interim DET-04.cancelled DET-10",
            id="the last bill was taken back",
        ),
        pytest.param([but(PLAIN, frequency="8")], "undetermined", "DET-05 DET-12.void DET-10", id="a void"),
        pytest.param(
            [PLAIN, decided("500.00", "0.00", "OA-18 500.00", number="N2", on=3)],
            "final",
            "DET-05 DET-03 DET-10",
            id="decided before",
        ),
        pytest.param(
            [decided("500.00", "0.00", "CO-16 500.00", number="N0", on=-3), PLAIN],
            "final",
            "DET-05 DET-21 DET-10",
            id="a denial replaced",
        ),
        pytest.param(
            [decided("500.00", "0.00", "OA-101 500.00", status="25", on=-8), PLAIN],
            "final",
            "DET-05 DET-13 DET-10",
            id="an estimate",
        ),
        pytest.param(
            [
                decided("500.00", "0.00", "OA-18 500.00", number="N1", on=3),
                decided("500.00", "0.00", "CO-97 500.00", trace="T2", on=9),
                decided("-500.00", "0.00", "CR-18 -500.00", number="N1", status="22", on=9),
            ],
            "final",
            "DET-05 DET-03 DET-10",
            id="decided before, and that taken back by its number",
        ),
        pytest.param([BACK], "undetermined", "DET-04.orphan DET-10", id="taken back, never seen"),
        pytest.param(
            [PLAIN, BACK], "undetermined", "DET-04.cancelled DET-04.reversed DET-10", id="taken back"
        ),
        pytest.param(
            [PLAIN, BACK, but(BACK, payer_claim_id="N9")],
            "undetermined",
            "DET-04.cancelled DET-04.orphan DET-10",
            id="taken back, and something else that never came",
        ),
        pytest.param([PLAIN, BACK, NEW], "final", "DET-05 DET-04.cancelled DET-10", id="corrected"),
        pytest.param([NEW], "final", "DET-05 DET-04.expected DET-10", id="the correction came first"),
        pytest.param(
            [PLAIN, but(NEW, original_payer_claim_id=None)],
            "undetermined",
            "DET-05 DET-05 DET-21.conflict DET-10",
            id="decided twice",
        ),
        pytest.param([HALF], "provisional", "DET-05 DET-12.split DET-10", id="only a half"),
        pytest.param(
            [but(PLAIN, paid_cents=41000)],
            "undetermined",
            "DET-05 DET-02.unbalanced DET-10",
            id="does not add up",
        ),
        pytest.param(
            [but(PLAIN, remittance_balanced=False)],
            "provisional",
            "DET-05 DET-02.remittance DET-10",
            id="a payment that does not add up",
        ),
        pytest.param([but(PLAIN, remittance_balanced=True)], "final", "DET-05 DET-10", id="one that does"),
        pytest.param([but(PLAIN, status="5")], "provisional", "DET-05 DET-07.pending", id="not decided yet"),
        pytest.param(
            [but(PLAIN, status="99")], "undetermined", "DET-05 DET-01.status DET-10", id="no such status"
        ),
        pytest.param(
            [decided("500.00", "0.00", "CO-29 500.00", status="4")], "final", "DET-05 DET-10", id="denied"
        ),
        pytest.param(
            [but(PLAIN, status="19")],
            "provisional",
            "DET-05 DET-10.waiting DET-10",
            id="sent on to nobody named",
        ),
    ],
)
def test_what_is_told_of_a_claim_is_what_happened_to_it(
    facts: list[Fact], determination: str, told: str
) -> None:
    found = owes(*ONE, *facts)
    assert (found.determination, rules(found)) == (determination, told.split())


def test_what_was_taken_back_is_told_as_the_whole_or_as_a_part() -> None:
    other = but(HALF, payer_claim_id="N2")
    half_back = decided("-250.00", "-200.00", "PR-1 -50.00", number="N1", status="22", on=9)
    for facts, what in (([PLAIN, BACK], "its decision"), ([HALF, other, half_back], "part of its decision")):
        found = owes(*ONE, *facts)
        text = f"The payer took {what} back and has sent no new one."
        assert [s.reason.text for s in found.shares] == [text]


def test_a_decision_about_nothing_that_was_taken_back_is_open_too() -> None:
    nothing = decided("0.00", "0.00", number="N1")
    back = decided("0.00", "0.00", number="N1", status="22", on=9)
    assert owes(covered("P1"), nothing, back).determination == "undetermined"


def test_a_payer_is_told_as_closed_and_a_missing_list_as_missing() -> None:
    assert rules(owes(*BILLED, PLAIN, closed("P2"))) == ["DET-05", "DET-10.closed", "DET-10"]
    assert rules(owes(charged("500.00"), PLAIN)) == ["DET-05", "DET-10.unknown_order"]


def test_a_payer_binds_by_any_of_its_decisions() -> None:
    ended = decided("250.00", "0.00", "PR-27 250.00", states="250.00", number="N2", on=4)
    found = owes(*ONE, HALF, ended)
    assert (found.determination, found.collectible_cents) == ("final", 5000)


@pytest.mark.parametrize(
    ("facts", "bearer", "code"),
    [
        ([*ONE, but(PLAIN, remittance_balanced=False)], "undetermined", "waiting"),
        ([*ONE, but(PLAIN, status="5")], "payer:P1", "pending"),
        ([*ONE, but(PLAIN, frequency="2")], "payer:P1", "pending"),
        ([*ONE, HALF], "payer:P1", "pending"),
        ([*ONE, but(PLAIN, status="19")], "undetermined", "waiting"),
        ([charged("500.00"), PLAIN], "undetermined", "waiting"),
        ([*ONE, PLAIN, fact(AccountRegistered(expected_plans=2), -5)], "undetermined", "waiting"),
        ([*ONE, decided("500.00", "0.00", "PR-31 500.00")], "undetermined", "waiting"),
    ],
)
def test_whatever_is_open_is_with_somebody_and_never_with_the_patient(
    facts: list[Fact], bearer: str, code: str
) -> None:
    found = owes(*facts)
    assert found.determination == "provisional"
    assert {(s.bearer, s.reason.code) for s in found.shares} == {(bearer, code)}


# -- which number a payer has --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "rank"),
    [
        ({"order": 2}, 2),
        ({"order": 2, "status": "3"}, 2),
        ({"status": "3"}, 3),
        ({"status": "19"}, 1),
        ({"status": "4"}, 9),
    ],
)
def test_a_payer_that_is_not_listed_has_the_number_it_says_or_processed_as(
    said: dict[str, Any], rank: int
) -> None:
    found = owes(*ONE, PLAIN, but(PLAIN, payer=Payer("P7"), payer_claim_id=None, trace=None, **said))
    assert {p.payer: p.rank for p in found.payers} == {"P1": 1, "P7": rank}


def test_of_several_decisions_of_a_payer_that_is_not_listed_the_first_number_counts() -> None:
    two = [but(HALF, payer=Payer("P7"), payer_claim_id=f"M{n}", status=str(n)) for n in (3, 2)]
    assert [p.rank for p in owes(*ONE, PLAIN, *two).payers if p.payer == "P7"] == [2]


@pytest.mark.parametrize(
    ("facts", "disagrees"),
    [
        ([*BILLED, PLAIN, second("OA-23 400.00", "PR-1 100.00")], False),
        ([*BILLED, PLAIN, but(second("OA-23 400.00", "PR-1 100.00"), status="1")], True),
        ([*BILLED, PLAIN, but(second("OA-23 400.00", "PR-1 100.00"), status="4")], False),
        ([*BILLED, PLAIN, but(second("PR-31 500.00"), status="1")], False),
        ([*BILLED, PLAIN, but(second("CO-22 500.00"), status="1")], False),
        ([*BILLED, PLAIN, but(second("CO-22 450.00", "PR-3 10.00", paid="40.00"), status="1")], False),
        ([*ONE, but(PLAIN, status="2")], True),
        ([*ONE, PLAIN, but(PLAIN, payer=Payer("P7"), payer_claim_id="M1", order=2, status="3")], False),
    ],
    ids=[
        "as listed",
        "both as the first",
        "denied without a number",
        "not its member",
        "another payer first",
        "another payer first and yet paid",
        "the only one listed decided as the second",
        "one that is not listed",
    ],
)
def test_a_payer_that_decided_as_another_number_than_listed_disagrees_with_the_list(
    facts: list[Fact], disagrees: bool
) -> None:
    text = "the coverage list has it as"
    assert any(text in t.found for t in owes(*facts).traces if t.rule == "DET-11.conflict") is disagrees


@pytest.mark.parametrize(
    ("wanted", "told"),
    [("N1", False), ("N9", True), ("B1", False)],
    ids=["what was taken back", "something else", "by the number of the reversal"],
)
def test_a_correction_waits_for_the_taking_back_of_just_what_it_corrects(wanted: str, told: bool) -> None:
    back = but(BACK, payer_claim_id="B1", original_payer_claim_id="N1")
    found = owes(*ONE, PLAIN, back, but(NEW, original_payer_claim_id=wanted))
    assert ("DET-04.expected" in rules(found)) is told


def test_of_two_decisions_taken_back_a_correction_names_one() -> None:
    other = but(PLAIN, payer_claim_id="N0", trace="T0", payment_on=day(-5), adjudicated_on=day(-5))
    back = but(BACK, payer_claim_id="N0", payment_on=day(-4), adjudicated_on=day(-4))
    found = owes(*ONE, other, back, PLAIN, BACK, NEW)
    assert "DET-04.expected" not in rules(found) and found.determination == "final"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ([decided("500.00", "300.00", "OA-23 100.00", "PR-1 100.00")], False),
        ([decided("500.00", "0.01", "PR-1 499.99"), second("OA-23 0.02", "PR-1 499.98")], True),
        ([FIRST, second("PR-31 500.00")], False),
        (
            [FIRST, second("PR-31 500.00"), but(second("OA-23 300.00", "PR-1 200.00"), payer=Payer("P3"))],
            True,
        ),
        ([decided("500.00", "0.00", "PR-1 500.00"), second("OA-23 10.00", "PR-1 490.00")], False),
        ([decided("500.00", "0.00", "CO-27 500.00"), second("PR-1 500.00")], False),
        ([decided("500.00", "300.00", "CO-29 200.00"), second("OA-23 500.00")], False),
        ([FIRST, second("OA-23 400.00", "OA-187 100.00")], False),
    ],
    ids=[
        "nobody before",
        "of one cent",
        "not its member",
        "of the payer before that",
        "of nothing",
        "the first not its member",
        "what the first refused counts",
        "another reason beside it",
    ],
)
def test_a_payer_that_counts_other_money_from_those_before_it_is_told(facts: list[Fact], told: bool) -> None:
    assert ("DET-10.prior_payers" in rules(owes(*BILLED, *facts))) is told


# -- since when everybody has answered -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "counts"),
    [
        (PLAIN, True),
        (decided("500.00", "0.00", "PR-31 500.00", number="N1"), False),
        (decided("500.00", "400.00", "PR-227 100.00", states="100.00", number="N1"), False),
        (decided("500.00", "400.00", "PR-227 60.00", "PR-49 40.00", number="N1"), False),
    ],
    ids=["decided", "not its member", "asked the patient", "asked the patient, and more"],
)
def test_a_correction_does_not_undo_the_day_of_the_answer_unless_that_was_none(
    first: Fact, counts: bool
) -> None:
    said = cast(ClaimAdjudicated, first.body)
    back = decided(
        "-500.00",
        format_cents(-said.paid_cents),
        *(f"{a.group}-{a.code} {format_cents(-a.amount_cents)}" for a in said.adjustments),
        number="N1",
        status="22",
        on=9,
    )
    found = owes(*ONE, first, back, NEW)
    answered = next(t for t in found.traces if t.rule == "DET-10")
    assert answered.evidence == ((first.id,) if counts else (NEW.id,))


def test_a_payer_only_said_to_have_decided_before_has_answered_nothing() -> None:
    assert "DET-10" not in rules(owes(*ONE, decided("500.00", "0.00", "OA-18 500.00")))


def test_a_claim_sent_on_to_nobody_named_went_to_another_that_decided_with_the_same_number() -> None:
    other = but(PLAIN, payer=Payer("P7"), payer_claim_id="M1")
    assert "DET-10.waiting" not in rules(owes(*ONE, but(PLAIN, status="19"), other))


@pytest.mark.parametrize("doubt", [{"charge_cents": 50001}, {"remittance_balanced": False}])
def test_nobody_pays_for_oneself_while_a_decision_is_in_doubt(doubt: dict[str, Any]) -> None:
    denied = but(decided("500.00", "0.00", "PR-31 500.00"), **doubt)
    found = owes(*ONE, denied, closed("P1"))
    assert "DET-18" not in rules(found) and found.collectible_cents == 0
    assert "DET-18" in rules(owes(*ONE, decided("500.00", "0.00", "PR-31 500.00"), closed("P1")))


def test_nobody_pays_for_oneself_what_one_of_two_payers_decided_as_ones_payer() -> None:
    found = owes(*BILLED, FIRST, second("PR-31 500.00"), covered(on=20))
    assert "DET-18" not in rules(found) and found.collectible_cents == 10000


def test_one_payer_that_does_not_insure_does_not_make_the_bill_the_patients_while_another_may() -> None:
    found = owes(*BILLED, closed("P1"))
    assert (found.determination, found.collectible_cents) == ("provisional", 0)
    assert "DET-18" not in rules(found)


def test_the_self_pay_way_rests_on_the_list_that_says_so() -> None:
    denied, listed = decided("500.00", "0.00", "PR-31 500.00"), covered(on=20)
    told = next(t for t in owes(*ONE, denied, listed).traces if t.rule == "DET-18")
    assert listed.id in told.evidence


@pytest.mark.parametrize("again_on", [20, 30])
def test_an_answer_of_the_day_of_the_list_or_later_is_not_one_from_before_it(again_on: int) -> None:
    halves = [decided("250.00", "0.00", "PR-31 250.00", number=f"N{n}", on=n) for n in (0, again_on)]
    assert "DET-18" not in rules(owes(*ONE, *halves, covered(on=20)))


def test_who_is_missing_is_told_as_waited_for() -> None:
    assert "DET-10.waiting" in rules(owes(*BILLED, PLAIN))
    assert "DET-10.waiting" in rules(owes(*ONE, PLAIN, fact(AccountRegistered(expected_plans=2), -5)))


def test_a_payer_that_leaves_more_than_an_earlier_one_disagrees() -> None:
    found = owes(*BILLED, PLAIN, second("OA-23 300.00", "PR-1 200.00"))
    assert (found.collectible_cents, "DET-11.conflict" in rules(found)) == (10000, True)


def test_what_two_payers_both_take_off_by_contract_lowers_the_bill_once() -> None:
    one = decided("500.00", "300.00", "CO-45 100.00", "PR-1 100.00")
    found = owes(*BILLED, one, second("OA-23 300.00", "CO-45 100.00", "PR-1 100.00"))
    assert (found.balance_cents, found.collectible_cents) == (10000, 10000)
    assert "DET-11.overposted" in rules(found)


def test_a_refusal_without_any_reason_says_that_the_payer_does_not_know_the_patient() -> None:
    refused = decided("500.00", "0.00", status="4")
    found = owes(*ONE, refused, closed("P1"))
    assert "DET-07.coverage_not_found" in rules(found)
    assert [p.state for p in found.payers] == ["closed_no_coverage"]
    assert "DET-07.coverage_not_found" not in rules(owes(*ONE, but(refused, status="1")))


# -- how a claim is divided ----------------------------------------------------------------------------------


def parts(found: Responsibility) -> list[tuple[str, int, str]]:
    return [(s.bearer, s.amount_cents, s.reason.code) for s in found.shares]


def test_what_no_payer_leaves_with_the_patient_is_the_providers_unless_payers_disagree() -> None:
    first = decided("500.00", "300.00", "OA-187 100.00", "PR-1 100.00", states="100.00")
    assert parts(owes(*ONE, first)) == [("patient", 10000, "1"), ("provider", 10000, "remainder")]
    found = owes(*BILLED, first, second("OA-23 250.00", "PR-1 250.00"))
    assert parts(found) == [("patient", 10000, "1"), ("undetermined", 10000, "disagreement")]


def test_a_lower_amount_that_the_payer_states_is_named_by_its_largest_reason() -> None:
    found = owes(*ONE, decided("500.00", "400.00", "PR-1 80.00", "PR-2 20.00", states="60.00"))
    assert parts(found) == [("patient", 6000, "1"), ("undetermined", 4000, "disagreement")]


def test_reasons_that_come_to_nothing_are_no_shares() -> None:
    assert parts(owes(*ONE, decided("500.00", "500.00", "PR-1 10.00", "PR-187 -10.00"))) == []


def test_what_a_payer_refuses_is_the_providers_even_while_another_has_to_answer() -> None:
    found = owes(*BILLED, decided("500.00", "300.00", "CO-29 100.00", "PR-1 100.00"))
    assert parts(found) == [("provider", 10000, "29"), ("payer:P2", 10000, "not_billed")]
    found = owes(*ONE, decided("500.00", "499.99", "CO-29 0.01"))
    assert parts(found) == [("provider", 1, "29")]


def test_where_only_a_reversal_is_known_nothing_was_billed() -> None:
    other = decided("-300.00", "-200.00", "PR-1 -100.00", number="N7", status="22", claim="A2", on=9)
    found = owes(*ONE, PLAIN, other)
    assert (found.determination, found.balance_cents) == ("undetermined", 10000)
    assert min(s.amount_cents for s in found.shares) > 0


def test_a_lone_claim_without_its_bill_is_as_large_as_the_charges() -> None:
    """Of 500.00 charged the payer decided 300.00: the rest is its to decide, and nobody else's yet."""
    found = owes(covered("P1"), charged("500.00"), decided("300.00", "300.00"))
    assert "DET-12.split" in rules(found)
    assert [(s.bearer, s.amount_cents) for s in found.shares] == [("payer:P1", 20000)]


@pytest.mark.parametrize(("last", "waits"), [(20, False), (5, True)])
def test_whom_a_claim_was_passed_on_to_may_have_decided_a_part_before(last: int, waits: bool) -> None:
    """P2 passes the claim on and names nobody: P1, which decides once more after that, may be meant."""
    halves = [
        decided("250.00", "200.00", "PR-2 50.00", number=f"N{on}", on=on, payer="P1") for on in (0, last)
    ]
    passed_on = decided("500.00", "100.00", "PR-2 400.00", payer="P2", status="19", on=10)
    found = owes(fact(CoverageListed(()), -40), submitted("500.00", payer="P1"), *halves, passed_on)
    assert ("DET-10.waiting" in rules(found)) is waits
