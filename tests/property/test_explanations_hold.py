"""An explanation is true: its basis is enough and nothing in it can go; each counterfactual comes true when
it is decided on again, and no part of one does as much."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import combinations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.facts import Fact
from service.core import apportion, decide, explain, fold
from service.core.basis import answer_to_why
from service.core.counterfactual import Counterfactual
from service.core.glance import glance
from service.core.walk import days_of, opening_of
from tests.property.histories import histories, plain_histories
from tests.spec.facts_made import (
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    flagged,
    judge,
    paid,
    statement,
)

quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@st.composite
def stuck_histories(draw: st.DrawFn) -> list[Fact]:
    """Accounts that a few things hold back: holds, a silent payer, missing letters, a recent payment."""
    share = draw(st.integers(30, 400))
    facts = [
        adult(),
        covered(*draw(st.sampled_from([("P1",), ("P1",), ("P1", "P2")])), on=-40),
        charged("500.00", on=-35),
        decided("500.00", f"{500 - share}.00", f"PR-1 {share}.00", on=-5),
    ]
    facts += [statement(n + 1, 30 * n, f"{share}.00") for n in range(draw(st.integers(0, 3)))]
    for name in draw(
        st.lists(st.sampled_from(["manual", "dispute", "attorney", "zzz"]), max_size=3, unique=True)
    ):
        facts.append(flagged(name, draw(st.integers(0, 90)), reference=draw(st.sampled_from([None, "R1"]))))
    if draw(st.booleans()):
        facts.append(paid(f"{draw(st.integers(1, share))}.00", on=draw(st.integers(0, 80))))
    return facts


accounts = st.one_of(histories(), plain_histories(), stuck_histories())


def opens(facts: Iterable[Fact], when: date) -> bool:
    account = fold(facts)
    return decide(account, apportion(account, POLICY), POLICY, when).opens_case


def first_day(facts: list[Fact], since: date, days: int = 130) -> date | None:
    """Ask every single day: the slow way, which skips none."""
    account = fold(facts)
    owes = apportion(account, POLICY)
    asked = (since + timedelta(days=n) for n in range(days))
    return next((d for d in asked if decide(account, owes, POLICY, d).opens_case), None)


def parts_of(told: Counterfactual) -> Iterable[tuple[Fact, ...]]:
    return (part for size in range(len(told.facts)) for part in combinations(told.facts, size))


@quick
@given(accounts, st.integers(0, 120))
def test_the_basis_alone_gives_the_same_answer_and_nothing_in_it_can_be_left_out(
    facts: list[Fact], as_of: int
) -> None:
    account, owes, decision = judge(facts, as_of)
    basis = explain(account, owes, decision, POLICY).basis
    rests_on = [f for f in account.facts if f.id in basis.facts]
    same = answer_to_why(*judge(rests_on, as_of)[1:])
    assert same == answer_to_why(owes, decision)
    assert basis.minimal
    for fact in rests_on:
        without = [f for f in rests_on if f is not fact]
        assert not without or answer_to_why(*judge(without, as_of)[1:]) != same


@quick
@given(accounts, st.integers(0, 120))
def test_without_the_facts_behind_a_gate_that_binds_it_says_something_else(
    facts: list[Fact], as_of: int
) -> None:
    account, _, decision = judge(facts, as_of)
    for finding in [f for f in decision.findings if f.stage == "open_case" and f.verdict.word != "allow"]:
        without = [f for f in account.facts if f.id not in finding.evidence]
        if not finding.evidence or not without or any(f.kind == "claim.adjudicated" for f in without):
            continue
        again = next(
            f for f in judge(without, as_of)[2].findings if (f.gate, f.stage) == (finding.gate, "open_case")
        )
        assert (again.verdict, again.until, again.because) != (
            finding.verdict,
            finding.until,
            finding.because,
        )


@quick
@given(accounts, st.integers(0, 120))
def test_each_counterfactual_comes_true_and_no_part_of_it_does_as_much(facts: list[Fact], as_of: int) -> None:
    account, owes, decision = judge(facts, as_of)
    for told in explain(account, owes, decision, POLICY).counterfactuals:
        supposed = [*facts, *told.facts]
        if decision.opens_case:
            assert not opens(supposed, day(as_of))
            assert all(opens([*facts, *part], day(as_of)) for part in parts_of(told))
        elif not told.opens:
            assert first_day(supposed, day(as_of)) is None
        else:
            assert told.on is not None and str(told.on) in told.outcome
            assert opens(supposed, told.on)
            assert first_day(supposed, day(as_of)) == told.on
            if told.facts:
                assert opens_later(facts, told, day(as_of))


def opens_later(facts: list[Fact], told: Counterfactual, since: date) -> bool:
    """Whether every part of the change opens a case later, or never."""
    days = [first_day([*facts, *part], since) for part in parts_of(told)]
    return all(told.on is not None and (d is None or d > told.on) for d in days)


@quick
@given(plain_histories(), st.integers(60, 120))
def test_the_smallest_payment_is_the_smallest_to_the_cent(facts: list[Fact], as_of: int) -> None:
    account, owes, decision = judge(facts, as_of)
    if not decision.opens_case:
        return
    told = explain(account, owes, decision, POLICY).counterfactuals[0]
    amount = told.change.removeprefix("the patient paid ")
    cents = int(amount.replace(".", ""))
    less = f"{(cents - 1) // 100}.{(cents - 1) % 100:02}"
    assert not opens([*facts, paid(amount, on=as_of, id="MORE")], day(as_of))
    assert cents == 1 or opens([*facts, paid(less, on=as_of, id="MORE")], day(as_of))


@quick
@given(stuck_histories(), st.integers(60, 120))
def test_when_holds_are_all_that_stands_in_the_way_lifting_all_of_them_is_what_is_told(
    facts: list[Fact], as_of: int
) -> None:
    account, owes, decision = judge(facts, as_of)
    flags = {f.body.flag for f in account.flags}
    against = [f for f in decision.findings if f.stage == "open_case" and f.verdict.word != "allow"]
    if not flags or any(f.gate not in ("G46", "G55", "G56") for f in against):
        return
    told = [c for c in explain(account, owes, decision, POLICY).counterfactuals if c.facts]
    assert len(told) == 1
    assert {f.body.flag for f in told[0].facts} == flags  # type: ignore[union-attr]


@quick
@given(accounts, st.integers(0, 200))
def test_a_glance_sees_what_a_decision_finds(facts: list[Fact], as_of: int) -> None:
    account, owes, decision = judge(facts, as_of)
    seen = glance(account, owes, POLICY, day(as_of))
    against = [f for f in decision.findings if f.stage == "open_case" and f.verdict.word != "allow"]
    assert (seen.verdict, seen.opens) == (decision.outcomes[0], decision.opens_case)
    assert list(seen.binding) == [f.gate for f in against]
    waits = [f.until for f in against if f.until is not None]
    assert seen.until == (max(waits) if waits and len(waits) == len(against) else None)


@quick
@given(accounts, st.integers(40, 120))
def test_an_opening_names_the_day_before_and_the_gates_that_let_go_on_it(
    facts: list[Fact], as_of: int
) -> None:
    effective = [f for f in facts if f.occurred_at.date() <= day(as_of)]
    account, _, decision = judge(effective, as_of)
    opening = opening_of(account, POLICY, day(as_of))
    assert (opening is not None) == decision.opens_case
    if opening is None or opening.held_on is None:
        return
    then = [f for f in effective if f.occurred_at.date() <= opening.held_on]
    assert not opens(then, opening.held_on)
    last = {g.gate for g in opening.let_go if g.on == opening.on}
    assert last and last <= {f.gate for f in opening.held_by}


@quick
@given(accounts, st.integers(0, 120))
def test_between_two_days_of_a_walk_nothing_opens_or_closes(facts: list[Fact], until: int) -> None:
    seen = dict(days_of(facts, POLICY, day(until)))
    allowed = None
    for n in range(-45, until + 1):
        known = [f for f in facts if f.occurred_at.date() <= day(n)]
        if not known:
            continue
        if day(n) in seen:
            allowed = seen[day(n)].opens_case
        assert opens(known, day(n)) == allowed
