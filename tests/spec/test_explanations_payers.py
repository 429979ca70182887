"""What payers could say next is told as they would say it: for the amount at issue, as the payer that they
are, in decisions that add up; and what they could take back is what they decided."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.facts import ClaimAdjudicated, ClaimStatusReported, Coverage, CoverageListed, Fact, Payer
from service.core import explain
from service.core.counterfactual import Counterfactual
from tests.spec.facts_made import (
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    judge,
    statements,
    submitted,
)

OPEN = [adult(), charged("1000.00", on=-35)]
FIRST = decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=-9, number="N1")
FIRST_BACK = decided(
    "-1000.00", "-400.00", "CO-45 -300.00", "PR-1 -300.00", on=-5, status="22", original="N1"
)
SECOND = decided(
    "1000.00", "100.00", "OA-23 700.00", "PR-1 200.00", on=-8, payer="P2", status="2", number="N2"
)
SECOND_BACK = decided(
    "-1000.00",
    "-100.00",
    "OA-23 -700.00",
    "PR-1 -200.00",
    on=-5,
    payer="P2",
    status="22",
    number="R2",
    original="N2",
)
CLOSED = fact(ClaimStatusReported("A1", Payer("P2"), "closed_no_response", day(-5), "u7"), -5)


def told(facts: list[Fact], as_of: int = 70) -> list[Counterfactual]:
    account, owes, decision = judge(facts, as_of)
    return list(explain(account, owes, decision, POLICY).counterfactuals)


def first_words(found: list[Counterfactual]) -> list[tuple[str, str]]:
    """Of each set of changes the first, and what the set leads to."""
    return [(c.change.split(", and ")[0], c.outcome) for c in found]


def decisions(found: Counterfactual) -> list[ClaimAdjudicated]:
    return [f.body for f in found.facts if isinstance(f.body, ClaimAdjudicated)]


def half(number: str, paid: str, left: str, sign: str = "", on: int = -9, **more: str) -> Fact:
    """One of two decisions of P1 about half of the bill each."""
    rest = f"{500 - int(paid) - int(left)}.00"
    return decided(
        f"{sign}500.00",
        f"{sign}{paid}.00",
        f"CO-45 {sign}{rest}",
        f"PR-1 {sign}{left}.00",
        on=on,
        number=number,
        **more,  # type: ignore[arg-type]
    )


MISSING = {
    "a lone payer was billed": (
        [*OPEN, covered("P1"), submitted("1000.00", on=-20)],
        ("P1", "1", "1000.00", "1000.00"),
    ),
    "nobody was billed yet": ([*OPEN, covered("P1")], ("P1", "1", "1000.00", "1000.00")),
    "a second payer is silent": ([*OPEN, covered("P1", "P2"), FIRST], ("P2", "2", "300.00", "300.00")),
    "a third payer is silent": (
        [*OPEN, covered("P1", "P2", "P3"), FIRST, SECOND],
        ("P3", "3", "200.00", "200.00"),
    ),
    "a fourth payer is silent": (
        [
            *OPEN,
            covered("P1", "P2", "P3", "P4"),
            FIRST,
            SECOND,
            decided("1000.00", "50.00", "OA-23 800.00", "PR-1 150.00", on=-7, payer="P3", status="3"),
        ],
        None,
    ),
    "the first took its decision back": (
        [*OPEN, covered("P1"), FIRST, FIRST_BACK],
        ("P1", "1", "300.00", "300.00"),
    ),
    "the second took its decision back": (
        [*OPEN, covered("P1", "P2"), FIRST, SECOND, SECOND_BACK],
        ("P2", "2", "200.00", "200.00"),
    ),
    "the second took back a decision that left nothing": (
        [
            *OPEN,
            covered("P1", "P2"),
            FIRST,
            decided("1000.00", "300.00", "OA-23 700.00", on=-8, payer="P2", status="2", number="N2"),
            decided(
                "-1000.00",
                "-300.00",
                "OA-23 -700.00",
                on=-5,
                payer="P2",
                status="22",
                number="R2",
                original="N2",
            ),
        ],
        ("P2", "2", "300.00", "300.00"),
    ),
    "the first took its decision back and pends": (
        [
            *OPEN,
            covered("P1"),
            FIRST,
            FIRST_BACK,
            decided("1000.00", "0.00", "OA-133 1000.00", on=-3, number="N3"),
        ],
        ("P1", "1", "1000.00", "1000.00"),
    ),
    "a person closed the second and the third is silent": (
        [*OPEN, covered("P1", "P2", "P3"), FIRST, CLOSED],
        ("P3", "3", "300.00", "300.00"),
    ),
    "a payer has only estimated": (
        [
            *OPEN,
            covered("P1", "P2"),
            FIRST,
            decided("1000.00", "0.00", "OA-101 1000.00", on=-8, payer="P2", status="25"),
        ],
        ("P2", "2", "300.00", "300.00"),
    ),
    "one of two parts was taken back": (
        [
            *OPEN,
            covered("P1"),
            half("N1", "300", "100"),
            half("N2", "200", "50"),
            half("R1", "300", "100", "-", on=-5, status="22", original="N1"),
        ],
        ("P1", "1", "100.00", "150.00"),
    ),
    "only a part of the bill is decided": (
        [*OPEN, charged("500.00", on=-34, id="C2"), covered("P1"), FIRST],
        ("P1", "1", "500.00", "800.00"),
    ),
    "the payer pends the whole bill": (
        [*OPEN, covered("P1"), decided("1000.00", "0.00", "OA-133 1000.00", on=-9, number="N1")],
        ("P1", "1", "1000.00", "1000.00"),
    ),
    "a second payer pends what the first left": (
        [
            *OPEN,
            covered("P1", "P2"),
            FIRST,
            decided("1000.00", "0.00", "OA-133 1000.00", on=-8, payer="P2", status="2", number="N2"),
        ],
        ("P2", "2", "300.00", "300.00"),
    ),
    "the payer waits for the patient's answer about a part": (
        [
            *OPEN,
            covered("P1"),
            decided("1000.00", "500.00", "CO-45 100.00", "PR-227 250.00", "PR-3 150.00", on=-9, number="N1"),
        ],
        ("P1", "1", "400.00", "400.00"),
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_answer_is_told_with_what_it_would_leave_and_what_follows(name: str) -> None:
    facts, expected = MISSING[name]
    if expected is None:
        # No remittance says "fourth".
        assert told(facts) == []
        return
    payer, rank, left, case = expected
    found = told(facts)
    if left != case:
        # Another part is owed in any case, so paying this one keeps nobody out.
        assert first_words(found) == [
            (
                f"payer {payer} answered that the patient owes {left}",
                f"a case for {case} would open on {day(130)}",
            )
        ]
        return
    leaves, pays = found
    assert first_words([leaves, pays]) == [
        (
            f"payer {payer} answered that the patient owes {left}",
            f"a case for {case} would open on {day(130)}",
        ),
        (f"payer {payer} paid all {left} that is open", "no case would open"),
    ]
    assert judge([*facts, *leaves.facts], 130)[2].opens_case
    assert not judge([*facts, *pays.facts], 130)[2].opens_case
    for change, owed in ((leaves, left), (pays, "0.00")):
        answer = decisions(change)[-1]
        assert (answer.payer.id, answer.status) == (payer, rank)
        cents = int(owed.replace(".", ""))
        reasons = {(a.group, a.code): a.amount_cents for a in answer.adjustments}
        assert sum(c for (group, _), c in reasons.items() if group == "PR") == cents
        assert answer.patient_responsibility_cents == cents
        # DOMAIN 1.2: the charge is what was paid and what was adjusted.
        assert answer.charge_cents == answer.paid_cents + sum(reasons.values())
        others = {reason for reason in reasons if reason[0] != "PR"}
        assert others <= ({("CO", "45")} if rank == "1" else {("OA", "23")})
        assert all(reasons.values())


def test_where_two_payers_have_yet_to_decide_neither_answer_alone_is_told() -> None:
    pends = decided("1000.00", "0.00", "OA-133 1000.00", on=-9, number="N1")
    estimate = decided("1000.00", "0.00", "OA-101 1000.00", on=-8, payer="P2", status="25")
    assert told([*OPEN, covered("P1", "P2"), pends, estimate]) == []
    assert told([*OPEN, covered("P1", "P2")]) == []


def test_a_later_payer_repeats_what_those_before_it_paid_and_took_off() -> None:
    facts, _ = MISSING["the second took its decision back"]
    leaves, pays = map(decisions, told(facts))
    for answer, paid in ((leaves[-1], 100_00), (pays[-1], 300_00)):
        assert answer.paid_cents == paid
        assert [a.amount_cents for a in answer.adjustments if a.group == "OA"] == [700_00]


def test_an_answer_in_place_of_a_decision_comes_after_its_reversal() -> None:
    facts, _ = MISSING["a second payer pends what the first left"]
    for change in told(facts):
        back, answer = decisions(change)
        assert (back.status, back.original_payer_claim_id) == ("22", "N2")
        assert change.facts[0].occurred_at < change.facts[1].occurred_at
        assert answer.adjudicated_on == answer.payment_on == day(70)


def test_an_answer_alone_is_enough_where_the_letters_were_sent_before_it_was_taken_back() -> None:
    facts, _ = MISSING["the first took its decision back"]
    assert first_words(told([*facts, *statements()])) == [
        ("payer P1 answered that the patient owes 300.00", f"a case for 300.00 would open on {day(70)}"),
        ("payer P1 paid all 300.00 that is open", "no case would open"),
    ]


def test_once_everything_is_decided_no_answer_is_missing() -> None:
    owed = [*OPEN, covered("P1"), FIRST]
    assert [c.change for c in told(owed)] == [
        f"2 statements of 300.00 were delivered on {day(70)} and {day(95)}"
    ]


def test_a_decision_without_a_number_is_answered_by_one_that_is_no_copy_of_it() -> None:
    numberless = [
        decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=-9),
        decided("-1000.00", "-400.00", "CO-45 -300.00", "PR-1 -300.00", on=-5, status="22"),
    ]
    leaves, _ = told([*OPEN, covered("P1"), *numberless])
    assert leaves.outcome == f"a case for 300.00 would open on {day(130)}"
    assert decisions(leaves)[0].paid_cents == 0
    traced = [replace(f.body, trace="T1") for f in numberless if isinstance(f.body, ClaimAdjudicated)]
    leaves, _ = told([*OPEN, covered("P1"), *(fact(body, body.adjudicated_on) for body in traced)])
    assert leaves.outcome == f"a case for 300.00 would open on {day(130)}"
    assert decisions(leaves)[0].paid_cents == 400_00


def test_of_several_claims_the_answer_names_the_one_it_is_about() -> None:
    owed = [
        *OPEN,
        charged("500.00", on=-34, id="C2"),
        covered("P1"),
        FIRST,
        submitted("500.00", claim="A2", on=-30),
    ]
    assert first_words(told(owed)) == [
        (
            "payer P1 answered on claim A2 that the patient owes 500.00",
            f"a case for 800.00 would open on {day(130)}",
        )
    ]


def named(*payers: tuple[str, str | None]) -> Fact:
    listed = [Coverage(n, Payer(id, name), "commercial") for n, (id, name) in enumerate(payers, 1)]
    return fact(CoverageListed(tuple(listed)), -10)


def test_payers_are_called_by_the_name_that_any_message_gave_them() -> None:
    silent = [*OPEN, named(("P1", "Acme Health"), ("P2", "Beta Care")), FIRST]
    assert first_words(told(silent))[0][0] == "Beta Care answered that the patient owes 300.00"
    account, owes, decision = judge(silent, 70)
    whats = [s.what for s in explain(account, owes, decision, POLICY).steps]
    assert "Paid by Acme Health" in whats and "Waits for Beta Care" in whats
    case = [*OPEN, named(("P1", "Acme Health")), FIRST, *statements()]
    assert "Acme Health took its decision back" in [c.change for c in told(case)]


def test_the_name_in_a_decision_or_a_bill_will_do_and_an_id_where_there_is_none() -> None:
    assert isinstance(FIRST.body, ClaimAdjudicated)
    speaks = fact(replace(FIRST.body, payer=Payer("P1", "Acme Health")), -9)
    whats = [c.change for c in told([*OPEN, covered("P1"), speaks, *statements()])]
    assert "Acme Health took its decision back" in whats
    assert "payer P1 took its decision back" in [
        c.change for c in told([*OPEN, covered("P1"), FIRST, *statements()])
    ]


def test_a_case_ends_when_a_payer_takes_its_decision_back_and_the_reversal_undoes_all_of_it() -> None:
    case = [*OPEN, covered("P1"), FIRST, *statements()]
    account = judge(case, 70)[0]
    found = next(c for c in told(case) if c.change == "payer P1 took its decision back")
    assert found.outcome == "the case would end" and found.on == day(70)
    (back,) = decisions(found)
    (one,) = account.adjudications
    assert (back.status, back.original_payer_claim_id) == ("22", "N1")
    assert (back.charge_cents, back.paid_cents) == (-one.claim.charge_cents, -one.claim.paid_cents)
    assert sorted((a.group, a.code, -a.amount_cents) for a in back.adjustments) == list(one.triples)
    assert back.adjudicated_on == back.payment_on == day(70)
    assert not judge([*case, *found.facts], 70)[2].opens_case


def test_of_several_decisions_each_payer_takes_back_its_last_on_each_claim() -> None:
    case = [
        *OPEN,
        charged("500.00", on=-34, id="C2"),
        covered("P1"),
        submitted("1000.00", on=-20),
        half("N1", "300", "100"),
        half("N2", "200", "50", on=-8),
        decided("500.00", "400.00", "PR-1 100.00", on=-7, claim="A2", number="N3"),
        *statements(),
    ]
    back = {c.change: decisions(c)[0] for c in told(case) if "decision" in c.change}
    assert {change: one.original_payer_claim_id for change, one in back.items()} == {
        "payer P1 took its decision on claim A1 back": "N2",
        "payer P1 took its decision on claim A2 back": "N3",
    }
