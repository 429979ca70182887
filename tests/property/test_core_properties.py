"""What must hold for every account: order, repetition, conservation, ceilings; doubt never opens a case."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.facts import (
    AccountRegistered,
    Body,
    ClaimAdjudicated,
    CoverageListed,
    Fact,
    adjudication_key,
)
from service.core import advance, apportion, decide, explain, fold, read_decision
from service.core.claims import determine_claims
from service.core.setting import setting_of
from tests.property.histories import histories, plain_histories
from tests.spec.facts_made import ACCOUNT, POLICY, adjusted, day, flagged, judge, paid

quick = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@quick
@given(histories(), st.randoms(use_true_random=False), st.integers(0, 200))
def test_order_and_repetition_change_nothing(facts: list[Fact], shuffle: random.Random, as_of: int) -> None:
    again = facts + [f for f in facts if shuffle.random() < 0.5]
    shuffle.shuffle(again)
    assert judge(facts, as_of) == judge(again, as_of)


@quick
@given(histories())
def test_the_shares_add_up_to_the_balance(facts: list[Fact]) -> None:
    owes = apportion(fold(facts), POLICY)
    assert sum(s.amount_cents for s in owes.shares) == owes.balance_cents
    assert sum(s.amount_cents for s in owes.shares if s.bearer == "patient") == owes.net_cents


@quick
@given(histories())
def test_nothing_is_collectible_below_zero_above_a_payers_word_or_in_doubt(facts: list[Fact]) -> None:
    account = fold(facts)
    owes = apportion(account, POLICY)
    assert 0 <= owes.collectible_cents <= max(0, owes.assigned_cents)
    assert owes.net_cents <= owes.collectible_cents
    if owes.determination not in ("final", "credit"):
        assert owes.collectible_cents == 0
    for claim in determine_claims(setting_of(account, POLICY)):
        for answer in claim.answers:
            if answer.binding and answer.standing.active and claim.state == "final":
                assert claim.collectible_cents <= max(0, answer.pr_cents)


@quick
@given(histories(), st.integers(0, 200))
def test_a_decision_is_read_back_as_it_was_made(facts: list[Fact], as_of: int) -> None:
    decision = judge(facts, as_of)[2]
    assert read_decision(decision.content, POLICY) == decision
    assert decision.id == hashlib.sha256(decision.content).hexdigest()


@quick
@given(
    st.one_of(histories(), plain_histories()),
    st.integers(0, 200),
    st.sampled_from(
        [
            flagged("manual", 50),
            flagged("something_new", 50),
            flagged("dispute", 50),
            # After every statement: one that follows a payment needs to show only what the payment left.
            paid("1.00", on=110, id="MORE"),
            paid("60.00", on=110, id="MORE"),
            paid("60.00", on=110, by="other", id="MORE"),
            paid("60.00", on=110, by="payer", id="MORE", payer="P9"),
            adjusted("60.00", "charity", on=110, id="MORE"),
        ]
    ),
)
def test_adding_a_payment_or_a_hold_never_opens_a_case(facts: list[Fact], as_of: int, added: Fact) -> None:
    if not judge(facts, as_of)[2].opens_case:
        assert not judge([*facts, added], as_of)[2].opens_case


@quick
@given(plain_histories(), st.integers(0, 200))
def test_waiting_opens_exactly_on_the_day_that_was_told(facts: list[Fact], as_of: int) -> None:
    account, owes, decision = judge(facts, as_of)
    told = [c for c in explain(account, owes, decision, POLICY).counterfactuals if "nothing else" in c.change]
    if decision.opens_case or not told:
        assert decision.opens_case is decide(account, owes, POLICY, day(400)).opens_case
        return
    opens_on = date.fromisoformat(told[0].outcome[-10:])
    assert decision.review_on is not None and decision.review_on <= opens_on
    assert decide(account, owes, POLICY, opens_on).opens_case
    assert not decide(account, owes, POLICY, opens_on - timedelta(days=1)).opens_case


@quick
@given(histories(), st.integers(0, 200), st.integers(1, 90))
def test_no_outcome_changes_before_its_review_day(facts: list[Fact], as_of: int, later: int) -> None:
    account, owes, decision = judge(facts, as_of)
    when = day(as_of + later)
    if decision.review_on is None or when < decision.review_on:
        assert decide(account, owes, POLICY, when).outcomes == decision.outcomes


def shifted(fact: Fact, days: int) -> Fact:
    """The same fact with every day moved."""

    def move(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(move(v) for v in value)
        if hasattr(value, "__dataclass_fields__"):
            return replace(value, **{n: move(getattr(value, n)) for n in value.__dataclass_fields__})
        return value + timedelta(days=days) if hasattr(value, "year") else value

    body: Body = move(fact.body)
    assert fact.account is not None
    key = adjudication_key(fact.account, body) if isinstance(body, ClaimAdjudicated) else fact.key
    return Fact.of(fact.account, key, fact.occurred_at + timedelta(days=days), body)


@quick
@given(histories(), st.integers(0, 200), st.integers(-300, 300))
def test_shifting_every_day_shifts_the_decision(facts: list[Fact], as_of: int, days: int) -> None:
    facts = [f for f in facts if not isinstance(f.body, AccountRegistered)]
    moved = [shifted(f, days) for f in facts]
    one, other = judge(facts, as_of)[2], judge(moved, as_of + days)[2]
    assert one.outcomes == other.outcomes
    assert (one.review_on and one.review_on + timedelta(days=days)) == other.review_on
    assert one.responsibility.net_cents == other.responsibility.net_cents


@quick
@given(histories(), st.lists(st.integers(0, 250), max_size=8))
def test_there_is_never_more_than_one_open_case_and_numbers_never_return(
    facts: list[Fact], days: list[int]
) -> None:
    case, ever = None, 0
    seen: set[str] = set()
    for step, when in enumerate(sorted(days)):
        decision = judge(facts[: 2 + step] if step % 2 else facts, when)[2]
        was_open = case is not None and case.status == "open"
        case, events = advance(ACCOUNT, case, ever, decision)
        for event in events:
            assert event.id not in seen
            seen.add(event.id)
            if event.move == "opened":
                assert not was_open
                ever += 1
        if case is not None and case.status == "open":
            assert decision.opens_case and case.amount_cents == decision.responsibility.net_cents > 0


@quick
@given(histories(), st.integers(0, 200))
def test_without_coverage_order_nothing_ever_opens(facts: list[Fact], as_of: int) -> None:
    unknown = [f for f in facts if not isinstance(f.body, CoverageListed)]
    assert not judge(unknown, as_of)[2].opens_case


PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from tests.spec.facts_made import *
facts = [adult(), covered("P1", "P2"), charged("500.00"), *statements(),
         decided("500.00", "100.00", "CO-45 100.00", "PR-1 300.00", remarks=("N130", "MA18", "M38")),
         decided("500.00", "0.00", "OA-23 200.00", "PR-27 300.00", payer="P2", status="2", on=3),
         flagged("manual", 1), flagged("vip", 1), flagged("zzz", 2), reported("1.00", on=4), paid("5.00")]
print(judge(facts, 70)[2].id)
"""


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_the_same_bytes_come_out_under_every_hash_seed_and_zone(zone: str) -> None:
    root = str(Path(__file__).resolve().parents[2])
    found = set()
    for seed in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LANG": "C"}
        program = [sys.executable, "-c", PROGRAM.format(root=root)]
        found.add(subprocess.run(program, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(found) == 1 and len(found.pop().strip()) == 64
