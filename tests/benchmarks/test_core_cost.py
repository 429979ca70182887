"""For whoever asks what an account costs: folding and dividing 10, 100 and 1,000 facts, side by side."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from time import process_time

import pytest

from schemas.facts import (
    AccountFlagged,
    AccountRef,
    AccountRegistered,
    Adjustment,
    Body,
    ChargePosted,
    ClaimAdjudicated,
    ClaimSubmitted,
    Coverage,
    CoverageListed,
    Fact,
    Payer,
    PaymentPosted,
    Person,
    StatementSent,
    adjudication_key,
)
from service.core import apportion, decide, fold
from tests.spec.facts_made import POLICY

HERE = AccountRef("GEN", "A1")
TODAY = date(2026, 11, 23)
SIZES = (10, 40, 100, 1000)
ROUNDS = 7


def said(n: int, status: str, charge: int, paid: int, *adjustments: Adjustment) -> ClaimAdjudicated:
    day = TODAY - timedelta(days=100 - (status == "22") - 2 * (paid == 480_00))
    return ClaimAdjudicated(
        f"CL{n}", Payer("60054"), status, day, charge, paid, 1, f"PC{n}", trace=f"T{n}{status}{paid}",
        payment_on=day, adjustments=adjustments,
    )  # fmt: skip


def visit(n: int) -> list[Body]:
    """Ten facts of one visit: charges, a bill, a decision taken back and corrected, money, a letter."""
    service = TODAY - timedelta(days=150)
    first = (Adjustment("CO", "45", 200_00), Adjustment("PR", "1", 600_00))
    back = tuple(Adjustment(a.group, a.code, -a.amount_cents) for a in first)
    return [
        ChargePosted(f"C{n}a", 500_00, service),
        ChargePosted(f"C{n}b", 300_00, service),
        ClaimSubmitted(f"CL{n}", Payer("60054"), 1, 800_00, service),
        said(n, "1", 800_00, 0, *first),
        said(n, "22", -800_00, 0, *back),
        said(n, "1", 800_00, 480_00, Adjustment("CO", "45", 200_00), Adjustment("PR", "2", 120_00)),
        PaymentPosted(f"P{n}", 10_00, "patient", TODAY - timedelta(days=n % 60)),
        StatementSent(n + 1, TODAY - timedelta(days=n % 90), 110_00, financial_assistance_notice=True),
        AccountFlagged("manual", TODAY - timedelta(days=5), reference=f"R{n}"),
        PaymentPosted(
            f"Q{n}", 480_00, "payer", TODAY - timedelta(days=90), Payer("60054"), None, f"T{n}1{480_00}"
        ),
    ]


def account_of(size: int) -> list[Fact]:
    begun = datetime(2026, 6, 1, tzinfo=UTC)
    bodies: list[Body] = [
        AccountRegistered(patient=Person("M1", birth_on=date(1980, 2, 14))),
        CoverageListed((Coverage(1, Payer("60054"), "commercial"),)),
    ]
    for n in range(size // 10 + 1):
        bodies += visit(n)
    facts = []
    for n, body in enumerate(bodies[:size]):
        key = adjudication_key(HERE, body) if isinstance(body, ClaimAdjudicated) else f"key {n}"
        facts.append(Fact.of(HERE, key, begun + timedelta(minutes=n), body))
    return facts


def divide(facts: list[Fact]) -> None:
    apportion(fold(facts), POLICY)


def judge(facts: list[Fact]) -> None:
    account = fold(facts)
    decide(account, apportion(account, POLICY), POLICY, TODAY)


def best_seconds(work: Callable[[list[Fact]], None]) -> dict[int, float]:
    """The best of several rounds for each size; the sizes take turns, so a busy machine is busy for all."""
    accounts = {size: account_of(size) for size in SIZES}
    best = dict.fromkeys(SIZES, float("inf"))
    for _ in range(ROUNDS):
        for size, facts in accounts.items():
            repeats = max(1, 200 // size)
            begun = process_time()
            for _ in range(repeats):
                work(facts)
            best[size] = min(best[size], (process_time() - begun) / repeats)
    return best


@pytest.mark.parametrize("work", [divide, judge])
def test_a_fact_of_a_large_account_costs_no_more_than_twice_one_of_a_small(
    work: Callable[[list[Fact]], None],
) -> None:
    best = best_seconds(work)
    told = [f"{n} facts {best[n] * 1e6:.0f} µs ({best[n] / n * 1e6:.1f} each)" for n in SIZES]
    print(f"\n{work.__name__}:", *told)
    assert best[1000] / 1000 < 2 * best[10] / 10


def test_the_measured_accounts_are_settled_ones() -> None:
    owes = apportion(fold(account_of(1002)), POLICY)
    assert owes.determination == "final" and owes.net_cents == 100 * 110_00
