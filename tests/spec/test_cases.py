"""What becomes of a case: opened, adjusted, closed, recalled, opened anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from schemas.cases import Case, CaseEvent
from schemas.facts import AccountRef, AccountRegistered, AccountsMerged, CodingStatusChanged, Fact, Person
from service.core import advance, asks_more
from service.core.case import case_id
from tests.spec.facts_made import (
    ACCOUNT,
    adjusted,
    adult,
    charged,
    covered,
    decided,
    fact,
    flagged,
    judge,
    merged,
    paid,
    statements,
)


def first() -> list[Fact]:
    return [
        adult(),
        covered("P1", on=-40),
        charged("800.00", on=-35),
        decided("800.00", "0.00", "CO-45 200.00", "PR-1 600.00", on=-5, number="A5"),
        *statements(),
    ]


def taken_back(on: int = 160) -> Fact:
    return decided(
        "-800.00",
        "0.00",
        "CO-45 -200.00",
        "PR-1 -600.00",
        on=on,
        status="22",
        number="A5",
        trace="T8",
        sequence="1",
    )


def corrected(charge: str = "800.00", pays: str = "480.00", left: str = "120.00") -> Fact:
    return decided(
        charge,
        pays,
        "CO-45 200.00",
        f"PR-2 {left}",
        on=160,
        number="A5R",
        original="A5",
        trace="T8",
        sequence="2",
    )


def opened(facts: list[Fact], as_of: int = 65) -> tuple[Case, CaseEvent]:
    case, events = advance(ACCOUNT, None, 0, judge(facts, as_of)[2])
    assert case is not None and len(events) == 1
    return case, events[0]


def then(case: Case, facts: list[Fact], as_of: int) -> tuple[Case | None, tuple[CaseEvent, ...]]:
    return advance(ACCOUNT, case, case.number, judge(facts, as_of)[2])


def test_a_case_opens_for_what_the_patient_owes() -> None:
    case, event = opened(first())
    assert (case.status, case.amount_cents, case.number, event.move) == ("open", 60000, 1, "opened")


def test_the_same_decision_moves_an_open_case_nowhere() -> None:
    case, _ = opened(first())
    assert then(case, first(), 66) == (case, ())


def test_a_held_account_has_no_case() -> None:
    assert advance(ACCOUNT, None, 0, judge(first(), 10)[2]) == (None, ())


def test_a_small_payment_adjusts_the_case() -> None:
    case, _ = opened(first())
    after, events = then(case, [*first(), paid("20.00", on=70)], 75)
    assert after is not None
    assert (after.amount_cents, events[0].move, events[0].previous_cents, events[0].sequence) == (
        58000,
        "adjusted",
        60000,
        2,
    )


def test_payment_in_full_closes_the_case() -> None:
    case, _ = opened(first())
    after, events = then(case, [*first(), paid("600.00", on=70)], 75)
    assert after is not None and (after.status, after.reason, events[0].move) == (
        "closed",
        "PAID_IN_FULL",
        "closed",
    )


def test_charity_closes_the_case_under_its_own_name() -> None:
    case, _ = opened(first())
    after, _ = then(case, [*first(), adjusted("600.00", "charity", on=70)], 75)
    assert after is not None and (after.status, after.reason) == ("closed", "CHARITY_APPROVED")


def test_payment_down_to_a_small_rest_closes_the_case() -> None:
    case, _ = opened(first())
    after, _ = then(case, [*first(), paid("590.00", on=70)], 140)
    assert after is not None and (after.status, after.reason) == ("closed", "SMALL_BALANCE")


def test_a_reversal_recalls_the_case() -> None:
    case, _ = opened(first())
    after, events = then(case, [*first(), taken_back()], 165)
    assert after is not None
    assert (after.status, after.reason, events[0].move) == ("recalled", "RESPONSIBILITY_REOPENED", "recalled")


def test_a_correction_that_leaves_the_patient_nothing_recalls_the_case() -> None:
    case, _ = opened(first())
    after, _ = then(case, [*first(), taken_back(), corrected(pays="600.00", left="0.00")], 165)
    assert after is not None and (after.status, after.reason) == ("recalled", "RESPONSIBILITY_REVERSED")


def test_a_correction_below_the_minimum_recalls_the_case() -> None:
    case, _ = opened([*first(), paid("100.00", on=80)], 125)
    after, _ = then(case, [*first(), paid("100.00", on=80), taken_back(), corrected()], 165)
    assert case.amount_cents == 50000
    assert after is not None and (after.status, after.amount_cents) == ("recalled", 2000)
    assert after.reason == "BELOW_MINIMUM_AFTER_CORRECTION"


def test_a_correction_above_the_minimum_adjusts_the_case() -> None:
    case, _ = opened(first())
    after, events = then(case, [*first(), taken_back(), corrected()], 165)
    assert after is not None and (after.status, after.amount_cents, events[0].move) == (
        "open",
        12000,
        "adjusted",
    )


def test_a_hold_recalls_the_case_and_names_the_gate() -> None:
    case, _ = opened(first())
    after, _ = then(case, [*first(), flagged("bankruptcy", 70, petition=69)], 75)
    assert after is not None and (after.status, after.reason) == ("recalled", "G50")


def test_a_case_is_taken_back_by_what_opening_it_misses_although_placing_it_waits_for_more() -> None:
    case, _ = opened(first())
    child = AccountRegistered(patient=Person("M1", birth_on=date(2015, 2, 14)), facility_kind="hospital")
    facts = [*first(), fact(child, 70)]
    outcomes = judge(facts, 75)[2].outcomes
    assert outcomes[0] < outcomes[1]
    after, _ = then(case, facts, 75)
    assert after is not None and (after.status, after.reason) == ("recalled", "G52")


def test_after_a_recall_the_next_case_has_the_next_number() -> None:
    case, _ = opened(first())
    recalled, _ = then(case, [*first(), flagged("manual", 70, until=80)], 75)
    assert recalled is not None and recalled.status == "recalled"
    again, events = then(recalled, [*first(), flagged("manual", 70, until=80)], 80)
    assert again is not None and (again.status, again.number, events[0].sequence) == ("open", 2, 1)
    assert again.id != case.id


def test_the_same_move_always_has_the_same_id() -> None:
    assert opened(first()) == opened(list(reversed(first())))


# -- while it waits --------------------------------------------------------------------------------------


def waiting(case: Case | None, facts: list[Fact], as_of: int) -> tuple[Case | None, tuple[CaseEvent, ...]]:
    """The move of a case whose account waits for something still on its way."""
    return advance(ACCOUNT, case, 0 if case is None else case.number, judge(facts, as_of)[2], waits=True)


def test_while_it_waits_no_case_opens_and_none_opens_again() -> None:
    assert waiting(None, first(), 65) == (None, ())
    case, _ = opened(first())
    recalled, _ = then(case, [*first(), flagged("manual", 70, until=80)], 75)
    assert waiting(recalled, [*first(), flagged("manual", 70, until=80)], 80) == (recalled, ())


def test_while_it_waits_a_case_is_lowered_and_taken_back_but_never_raised() -> None:
    case, _ = opened(first())
    lowered, events = waiting(case, [*first(), paid("20.00", on=70)], 75)
    assert lowered is not None and (lowered.amount_cents, len(events)) == (58000, 1)
    assert waiting(lowered, first(), 76) == (lowered, ())
    raised, _ = then(lowered, first(), 76)
    assert raised is not None and raised.amount_cents == 60000
    ended, _ = waiting(case, [*first(), taken_back()], 165)
    assert ended is not None and ended.status == "recalled"


def test_what_asks_more_is_a_new_case_or_a_higher_amount() -> None:
    case, _ = opened(first())
    opens, holds = judge(first(), 65)[2], judge(first(), 10)[2]
    assert (asks_more(None, opens), asks_more(None, holds)) == (True, False)
    assert (asks_more(case, opens), asks_more(case, holds)) == (False, False)
    lower, higher = replace(case, amount_cents=59999), replace(case, amount_cents=60001)
    assert (asks_more(lower, opens), asks_more(higher, opens)) == (True, False)
    assert not asks_more(lower, holds)
    ended = replace(case, status="closed")
    assert (asks_more(ended, opens), asks_more(ended, holds)) == (True, False)


# -- why it ends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "as_of", "ends", "cents"),
    [
        pytest.param([paid("700.00", on=70)], 75, ("closed", "PAID_IN_FULL"), 0, id="paid too much"),
        *(
            pytest.param([adjusted("600.00", kind, on=70)], 75, ("closed", why), 0, id=kind)
            for kind, why in (
                ("charity", "CHARITY_APPROVED"),
                ("small_balance", "SMALL_BALANCE"),
                ("bad_debt", "UNCOLLECTIBLE_BAD_DEBT"),
                ("courtesy", "ADMINISTRATIVE"),
            )
        ),
        pytest.param(
            [adjusted("300.00", "courtesy", on=70), adjusted("300.00", "charity", on=71, id="ADJ2")],
            75,
            ("closed", "CHARITY_APPROVED"),
            0,
            id="help comes before courtesy",
        ),
        pytest.param(
            [paid("20.00", on=70), taken_back(), corrected(pays="600.00", left="0.00")],
            165,
            ("recalled", "RESPONSIBILITY_REVERSED"),
            0,
            id="the payer paid all and the patient is in credit",
        ),
        pytest.param(
            [covered("P1", "P2", on=70)], 75, ("recalled", "RESPONSIBILITY_REOPENED"), 0, id="another payer"
        ),
        pytest.param(
            [merged(ACCOUNT, AccountRef("GEN", "A9"), 70)],
            75,
            ("closed", "MERGED"),
            0,
            id="merged into another",
        ),
        pytest.param(
            [
                merged(ACCOUNT, AccountRef("GEN", "A0"), 70),
                fact(AccountsMerged(ACCOUNT), 71, account=AccountRef("GEN", "A0")),
            ],
            75,
            ("closed", "MERGED"),
            0,
            id="merged in a circle, of which the first account holds all",
        ),
        pytest.param([paid("599.99", on=70)], 140, ("closed", "SMALL_BALANCE"), 1, id="one cent is left"),
        pytest.param(
            [paid("590.00", on=70), fact(CodingStatusChanged("hold"), 71)],
            140,
            ("closed", "SMALL_BALANCE"),
            1000,
            id="what blocks comes before what holds",
        ),
        pytest.param(
            [paid("20.00", on=70), taken_back(), corrected(pays="599.99", left="0.01")],
            165,
            ("closed", "PAID_IN_FULL"),
            0,
            id="the one cent that the payer left was paid before",
        ),
        pytest.param(
            [flagged("dispute", 70)], 75, ("recalled", "G46"), 60000, id="a dispute takes the case back"
        ),
    ],
)
def test_a_case_ends_with_its_reason_and_what_is_left(
    since: list[Fact], as_of: int, ends: tuple[str, str], cents: int
) -> None:
    case, _ = opened(first())
    facts = [*first(), *since]
    after, events = advance(ACCOUNT, case, 1, judge(facts, as_of, ref=ACCOUNT)[2])
    assert after is not None
    assert ((after.status, after.reason), after.amount_cents, after.events) == (ends, cents, 2)
    (event,) = events
    assert (event.move, event.reason) == ends
    assert (event.sequence, event.amount_cents, event.previous_cents) == (2, cents, 60000)


def test_a_case_that_ended_stays_as_it_is_while_nothing_opens() -> None:
    case, _ = opened(first())
    ended, _ = then(case, [*first(), paid("600.00", on=70)], 75)
    assert then(ended, [*first(), paid("600.00", on=70)], 76) == (ended, ()) if ended else False


def test_a_case_and_its_events_have_ids_that_only_their_account_and_number_make() -> None:
    case, event = opened(first())
    assert case.id == case_id(ACCOUNT, 1) != case_id(ACCOUNT, 2)
    assert case.id.startswith("case-") and len(case.id) == 25
    assert (event.case_id, event.account, event.sequence, event.previous_cents) == (case.id, ACCOUNT, 1, 0)
    assert (event.reason, case.events, case.currency) == ("EVERY_GATE_ALLOWS", 1, "USD")
    assert case.opened_by == case.decided_by == event.decision == judge(first(), 65)[2].id
    adjusted_, events = then(case, [*first(), paid("20.00", on=70)], 75)
    assert adjusted_ is not None and events[0].reason == "AMOUNT_CHANGED" and events[0].id != event.id
    assert adjusted_.opened_by == case.opened_by != adjusted_.decided_by
