"""The same decision told by remittance, FHIR and JSON counts once, in an analyst's words."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from random import Random
from typing import cast

import pytest

from schemas.decisions import Responsibility
from schemas.facts import AdjudicatedLine, ClaimAdjudicated, Fact, Payer
from service.core.adjudication import Adjudication
from service.core.carriers import merge_adjudications
from tests.spec.facts_made import adult, covered, day, decided, fact, judge, submitted, triples

REMITTANCE = decided(
    "500.00",
    "300.00",
    "CO-45 125.00",
    "PR-2 75.00",
    number="N1",
    trace="T1",
    states="75.00",
    remittance_balanced=True,
)


def without(one: Fact, **changes: object) -> Fact:
    body = replace(cast(ClaimAdjudicated, one.body), **changes)  # type: ignore[arg-type]
    return fact(body, one.occurred_at.date())


def owes(*facts: Fact) -> Responsibility:
    return judge([adult(), covered("P1"), submitted("500.00"), *facts], 200)[1]


def test_a_copy_without_the_payment_trace_is_the_same_decision() -> None:
    copy = without(REMITTANCE, trace=None, remittance_balanced=None)
    for order in permutations([REMITTANCE, copy]):
        assert owes(*order).collectible_cents == 7500


def test_three_carriers_each_knowing_less_are_one_decision_in_every_order() -> None:
    member = without(REMITTANCE, trace=None, payer_claim_id=None, remittance_balanced=None)
    json = without(REMITTANCE, payer_claim_id=None, remittance_balanced=None)
    answers = {repr(owes(*order)) for order in permutations([REMITTANCE, member, json])}
    assert len(answers) == 1
    found = owes(REMITTANCE, member, json)
    assert (found.determination, found.collectible_cents, found.balance_cents) == ("final", 7500, 7500)


def test_a_member_copy_that_sorts_the_reasons_otherwise_is_the_same_decision() -> None:
    copy = without(
        REMITTANCE,
        trace=None,
        remittance_balanced=None,
        adjustments=cast(ClaimAdjudicated, decided("500.00", "300.00", "PR-2 75.00").body).adjustments,
    )
    found = owes(REMITTANCE, copy)
    # The copy alone would not add up; beside the remittance it only confirms.
    assert (found.determination, found.collectible_cents) == ("final", 7500)
    assert owes(copy).determination == "undetermined"


def test_carriers_that_disagree_about_the_patients_part_hold_with_the_lower_amount() -> None:
    copy = without(
        REMITTANCE,
        remittance_balanced=None,
        patient_responsibility_cents=None,
        adjustments=cast(ClaimAdjudicated, decided("1", "1", "CO-45 100.00", "PR-2 100.00").body).adjustments,
    )
    found = owes(REMITTANCE, copy)
    assert "DET-06.mismatch" in {t.rule for t in found.traces}
    assert found.collectible_cents <= 7500


def test_one_payment_and_one_payer_claim_number_make_two_names_of_a_payer_one() -> None:
    copy = without(REMITTANCE, payer=Payer("1512345678"), remittance_balanced=None)
    found = owes(REMITTANCE, copy)
    assert [p.payer for p in found.payers] == ["P1"]
    assert (found.determination, found.collectible_cents) == ("final", 7500)


def test_another_payer_with_the_same_amounts_is_another_decision() -> None:
    other = without(REMITTANCE, payer=Payer("P2"), payer_claim_id=None, trace=None)
    assert {p.payer for p in owes(REMITTANCE, other).payers} == {"P1", "P2"}


def test_two_halves_of_a_split_claim_with_their_own_numbers_stay_two() -> None:
    half = decided("250.00", "150.00", "CO-45 62.50", "PR-2 37.50", number="N1", trace="T1")
    other = decided("250.00", "150.00", "CO-45 62.50", "PR-2 37.50", number="N2", trace="T1")
    assert owes(half, other).collectible_cents == 7500


def test_a_correction_in_a_later_payment_is_not_a_copy_of_what_it_corrects() -> None:
    first = decided("600.00", "0.00", "PR-1 600.00", number="N1", trace="T7", on=0)
    back = decided("-600.00", "0.00", "PR-1 -600.00", number="N1", trace="T8", on=10, status="22")
    right = decided("600.00", "0.00", "CO-45 600.00", number="N1", trace="T8", on=10, sequence="2")
    answers = {
        (r.determination, r.collectible_cents)
        for order in permutations([first, back, right])
        for r in [judge([adult(), covered("P1"), submitted("600.00"), *order], 200)[1]]
    }
    assert answers == {("final", 0)}


def test_a_reversal_told_by_two_carriers_takes_back_one_decision() -> None:
    back = decided(
        "-500.00", "-300.00", "CO-45 -125.00", "PR-2 -75.00", number="N1", trace="T2", on=9, status="22"
    )
    copy = without(back, trace=None)
    right = decided(
        "500.00", "350.00", "CO-45 125.00", "PR-2 25.00", number="N3", trace="T2", on=9, original="N1"
    )
    found = owes(REMITTANCE, back, copy, right)
    assert (found.determination, found.collectible_cents) == ("final", 2500)


def test_an_old_style_reversal_takes_back_what_its_amounts_negate() -> None:
    first = decided("500.00", "300.00", "CO-45 125.00", "PR-2 75.00", trace="T1")
    back = decided("-500.00", "-300.00", "CR-45 -200.00", trace="T2", on=9, status="22")
    found = owes(first, back)
    assert "DET-04.cancelled" in {t.rule for t in found.traces}
    assert (found.determination, found.collectible_cents) == ("undetermined", 0)


# -- which tellings are one decision, pair by pair -----------------------------------------------------


def said(one: Fact) -> ClaimAdjudicated:
    return cast(ClaimAdjudicated, one.body)


class Paper:
    """A decision as somebody with a pencil would keep it: what is stated of it so far, and by which facts."""

    def __init__(self, first: Fact) -> None:
        body = said(first)
        self.facts, self.payers, self.day = [first], {body.payer.id}, body.payment_on
        self.number, self.trace, self.reasons = (
            body.payer_claim_id,
            body.trace,
            sorted(map(repr, body.adjustments)),
        )

    def is_told_by(self, other: Paper) -> bool:
        numbers, traces = {self.number, other.number} - {None}, {self.trace, other.trace} - {None}
        if len(numbers) > 1 or len(traces) > 1:
            return False
        same_number = self.number is not None and self.number == other.number
        if same_number and self.trace is not None and self.trace == other.trace:
            return True
        if not self.payers & other.payers:
            return False
        return self.reasons == other.reasons or (same_number and self.day == other.day)


def on_paper(facts: list[Fact]) -> set[frozenset[str]]:
    """Each telling held against every decision so far; those that state most come first."""
    states_most = sorted(
        facts, key=lambda f: (-(said(f).payer_claim_id is not None) - (said(f).trace is not None), f.key)
    )
    kept: list[Paper] = []
    for telling in map(Paper, states_most):
        fits = [one for one in kept if one.is_told_by(telling)]
        if not fits:
            kept.append(telling)
            continue
        one = next((f for f in fits if f.day == telling.day), fits[0])
        one.facts += telling.facts
        one.payers |= telling.payers
        one.number, one.trace = one.number or telling.number, one.trace or telling.trace
    return {frozenset(f.id for f in one.facts) for one in kept}


def test_which_tellings_are_one_decision_comes_out_as_on_paper() -> None:
    for seed in range(600):
        any_of = Random(seed).choice
        facts = {
            f.key: f
            for f in [
                decided(
                    "500.00",
                    "300.00",
                    *any_of(
                        [("CO-45 125.00", "PR-2 75.00"), ("PR-2 75.00", "CO-45 125.00"), ("PR-1 200.00",)]
                    ),
                    payer=any_of(["P1", "P2", "P3"]),
                    number=any_of([None, None, "N1", "N2"]),
                    trace=any_of([None, None, "T1", "T2"]),
                    on=any_of([1, 2]),
                )
                for _ in range(3 + seed % 12)
            ]
        }
        given = sorted(facts.values(), key=lambda f: (f.occurred_at, f.id))
        found = merge_adjudications(given)
        assert {frozenset(one.ids) for one in found} == on_paper(given), seed


# -- what is kept of several tellings ------------------------------------------------------------------


def merged(*facts: Fact) -> list[Adjudication]:
    return list(merge_adjudications(sorted(facts, key=lambda f: (f.occurred_at, f.id))))


def test_a_decision_told_twice_keeps_what_either_states_and_the_careful_word_where_they_differ() -> None:
    line = AdjudicatedLine("1", 50000, 30000, adjustments=triples("CO-45 125.00", "PR-2 75.00"))
    remittance = without(
        REMITTANCE,
        adjustments=(),
        lines=(replace(line, remarks=("N130",)),),
        trace=None,
        adjudicated_on=day(3),
        payment_on=day(5),
        remarks=("N99", "MA01"),
        remittance_balanced=False,
        frequency="1",
        order=3,
        service_from=day(-9),
        sequence="a",
        original_payer_claim_id="N9",
    )
    copy = without(
        REMITTANCE,
        adjustments=(),
        lines=(replace(line, remarks=("N20", "N130")),),
        payer_claim_id=None,
        status="19",
        adjudicated_on=day(2),
        payment_on=day(6),
        patient_responsibility_cents=7000,
        remarks=("MA18", "N99"),
        remittance_balanced=None,
        filing_indicator="MB",
        order=2,
        sequence="b",
        forwarded_to=Payer("X1"),
        corrected_payer=Payer("X2"),
        original_payer_claim_id="N0",
    )
    remittance = fact(remittance.body, 4)
    (found,) = merged(remittance, Fact.of(copy.account, copy.key, copy.occurred_at, copy.body, where="$[1]"))
    claim = found.claim
    assert (claim.status, claim.adjudicated_on, claim.payment_on) == ("19", day(2), day(5))
    assert (claim.patient_responsibility_cents, claim.remarks) == (7000, ("MA01", "MA18", "N99"))
    assert (claim.lines[0].remarks, claim.remittance_balanced) == (("N130", "N20"), False)
    assert (claim.payer_claim_id, claim.trace, claim.original_payer_claim_id) == ("N1", "T1", "N0")
    assert (claim.filing_indicator, claim.frequency, claim.order, claim.sequence) == ("MB", "1", 2, "b")
    assert claim.service_from == day(-9)
    assert (found.key, found.ids) == (min(remittance.key, copy.key), tuple(sorted((remittance.id, copy.id))))
    assert (found.at, found.places) == (copy.occurred_at, ("", "$[1]"))
    assert found.triples == (("CO", "45", 12500), ("PR", "2", 7500))
    assert (found.forwarded_to, found.corrected_payers, found.also_known_as) == (("X1",), ("X2",), ())
    assert found.stated_twice


def test_a_decision_told_once_is_kept_as_it_is() -> None:
    one = without(REMITTANCE, forwarded_to=Payer("X1"), corrected_payer=Payer("X2"), remarks=("N99", "MA01"))
    (found,) = merged(one)
    assert (found.claim, found.key, found.ids, found.at) == (one.body, one.key, (one.id,), one.occurred_at)
    assert (found.forwarded_to, found.corrected_payers) == (("X1",), ("X2",))
    assert not found.stated_twice and not found.also_known_as
    (bare,) = merged(REMITTANCE)
    assert (bare.forwarded_to, bare.corrected_payers) == ((), ())


def test_carriers_that_say_the_same_of_the_patients_part_or_nothing_do_not_disagree() -> None:
    for copy in (
        without(REMITTANCE, trace=None),
        without(REMITTANCE, trace=None, patient_responsibility_cents=None),
    ):
        assert not merged(REMITTANCE, copy)[0].stated_twice
    unlike = without(REMITTANCE, trace=None, patient_responsibility_cents=7400)
    assert merged(REMITTANCE, unlike)[0].stated_twice
    other = without(REMITTANCE, trace=None, adjustments=triples("CO-45 130.00", "PR-2 70.00"))
    assert merged(REMITTANCE, other)[0].stated_twice


ONE_LINE = (AdjudicatedLine("1", 50000, 30000, adjustments=triples("PR-2 200.00")),)


@pytest.mark.parametrize(
    ("rich", "poor"),
    [
        ({"remittance_balanced": False}, {"remittance_balanced": None, "lines": ONE_LINE, "adjustments": ()}),
        ({"lines": ONE_LINE, "adjustments": ()}, {"adjustments": triples("CO-45 125.00", "PR-2 75.00")}),
        ({"adjustments": triples("CO-45 125.00", "PR-2 75.00")}, {"adjustments": triples("PR-2 75.00")}),
        ({"payer": Payer("P9")}, {"payer": Payer("P8")}),
    ],
)
def test_a_checked_remittance_then_more_lines_then_more_reasons_then_the_later_name_tells_a_decision(
    rich: dict[str, object], poor: dict[str, object]
) -> None:
    plain = without(REMITTANCE, remittance_balanced=None)
    first, second = without(plain, **rich), without(plain, **poor)
    (found,) = merged(first, second)
    assert (found.claim.lines, found.claim.payer) == (said(first).lines, said(first).payer)
    assert found.triples == tuple(
        sorted((a.group, a.code, a.amount_cents) for a in said(first).every_adjustment())
    )
    assert found.also_known_as == tuple({said(second).payer.id} - {said(first).payer.id})


def test_the_payment_day_of_a_decision_is_what_any_carrier_states() -> None:
    silent = without(REMITTANCE, trace=None, payment_on=None)
    assert merged(REMITTANCE, silent)[0].claim.payment_on == day(0)
    assert merged(without(REMITTANCE, payment_on=None), silent)[0].claim.payment_on is None


def test_a_denial_and_what_was_passed_on_are_not_told_by_a_processed_decision() -> None:
    for status in ("4", "22", "23", "25"):
        assert len(merged(REMITTANCE, without(REMITTANCE, trace=None, status=status))) == 2
    assert len(merged(REMITTANCE, without(REMITTANCE, trace=None, status="2"))) == 1


def test_without_a_payment_day_the_day_of_the_decision_tells_copies_apart() -> None:
    """One payer's number, other reasons: one decision where it was made on one day."""
    first = without(REMITTANCE, trace=None, payment_on=None)
    again = without(first, adjustments=triples("CO-45 130.00", "PR-2 70.00"))
    later = without(again, adjudicated_on=day(1))
    assert [len(merged(first, other)) for other in (again, later)] == [1, 2]
    paid, paid_later = without(first, payment_on=day(5)), without(again, payment_on=day(6))
    assert len(merged(paid, paid_later)) == 2


def test_reasons_that_differ_only_in_what_is_not_the_patients_are_no_disagreement() -> None:
    other = without(REMITTANCE, trace=None, adjustments=triples("CO-45 100.00", "OA-23 15.00", "PR-2 75.00"))
    (found,) = merged(REMITTANCE, other)
    assert not found.stated_twice


@pytest.mark.parametrize(
    ("checked", "proven"),
    [
        ((True, False), True),
        ((False, None), False),
        ((True, None), True),
        ((None, None), None),
        ((False, False), False),
    ],
)
def test_one_carrier_that_adds_up_proves_a_decision_and_one_without_a_check_nothing(
    checked: tuple[bool | None, bool | None], proven: bool | None
) -> None:
    one, other = (without(REMITTANCE, remittance_balanced=c) for c in checked)
    assert merged(one, without(other, trace=None))[0].claim.remittance_balanced is proven
