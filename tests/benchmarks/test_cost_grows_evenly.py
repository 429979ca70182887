"""For whoever fears the largest account: its cost grows with its facts and not faster. Ratios only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import cast

import pytest

from schemas.facts import (
    AccountCleared,
    AccountFlagged,
    AccountRef,
    AccountsMerged,
    Adjustment,
    Body,
    ChargePosted,
    ClaimAdjudicated,
    CoverageListed,
    Fact,
    Payer,
    PaymentPosted,
    StatementSent,
)
from service.bench.remittances import Remittance
from service.core import Policy, apportion, decide, fold, parse_policy
from service.core.carriers import merge_adjudications

POLICIES = Path(__file__).resolve().parents[2] / "service" / "policies"
AS_OF = date(2026, 11, 23)
SMALL, LARGE = 100, 2000
TIMES = LARGE / SMALL
# Twenty times the facts may cost twenty times the time; what grows with the square would cost 400 times.
MOST = 2.5 * TIMES
REPEATS = 5


@pytest.fixture(scope="module")
def policy() -> Policy:
    return parse_policy({p.name: p.read_text(encoding="utf-8") for p in POLICIES.glob("*.toml")})


def charge(n: int) -> Body:
    return ChargePosted(f"C{n}", 60000, AS_OF - timedelta(days=200))


def payment(n: int) -> Body:
    return PaymentPosted(f"P{n}", 100, "patient", AS_OF - timedelta(days=n % 90))


def statement(n: int) -> Body:
    return StatementSent(n + 1, AS_OF - timedelta(days=n % 300), 14217, financial_assistance_notice=True)


def adjudication(n: int) -> Body:
    adjustments = (Adjustment("CO", "45", 10000), Adjustment("PR", "1", 14217))
    day = AS_OF - timedelta(days=100)
    return ClaimAdjudicated(
        f"CL{n}", Payer("60054"), "1", day, 60000, 35783, 1, f"PC{n}", adjustments=adjustments
    )


def dispute(n: int) -> Body:
    """One dispute over and over, lifted as often: each could be lifted by every later word."""
    day = AS_OF - timedelta(days=300 - n % 300)
    return AccountFlagged("dispute", day) if n % 2 else AccountCleared("dispute", day)


KINDS = {
    "charges": charge,
    "payments": payment,
    "statements": statement,
    "adjudications": adjudication,
    "disputes": dispute,
}


def facts(kind: str, count: int) -> list[Fact]:
    account = AccountRef("GEN", "A1")
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Fact.of(account, f"{kind}|{n}", begun + timedelta(minutes=n), KINDS[kind](n)) for n in range(count)
    ]


def seconds(policy: Policy, given: list[Fact]) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        begun = process_time()
        account = fold(given)
        decide(account, apportion(account, policy), policy, AS_OF)
        best = min(best, process_time() - begun)
    return best


@pytest.mark.parametrize("kind", KINDS)
def test_folding_and_deciding_cost_no_more_than_in_proportion(policy: Policy, kind: str) -> None:
    seconds(policy, facts(kind, SMALL))
    assert seconds(policy, facts(kind, LARGE)) < MOST * seconds(policy, facts(kind, SMALL))


def test_joining_what_carriers_tell_costs_no_more_than_in_proportion() -> None:
    """Every decision is about one claim, with the same amounts: each could be a copy of every other."""

    def told(count: int) -> list[Fact]:
        found = []
        for n, one in enumerate(facts("adjudications", count)):
            body = cast(ClaimAdjudicated, one.body)
            number, trace = (None, f"T{n}") if n % 3 == 0 else (f"N{n}", None if n % 3 == 1 else f"T{n}")
            known = replace(body, claim_id="CL", payer_claim_id=number, trace=trace)
            found.append(Fact.of(cast(AccountRef, one.account), one.key, one.occurred_at, known))
        return found

    def join(given: list[Fact]) -> float:
        best = float("inf")
        for _ in range(REPEATS):
            begun = process_time()
            merge_adjudications(given)
            best = min(best, process_time() - begun)
        return best

    few, many = told(SMALL), told(LARGE)
    join(few)
    assert join(many) < MOST * join(few)


def chain(length: int, apart: timedelta) -> list[Fact]:
    """Accounts merged one into the next, `apart` in time, each with a list of payers and a clearing."""
    begun = datetime(2020, 1, 1, tzinfo=UTC)
    accounts = [AccountRef("GEN", f"A{n:06}") for n in range(length + 1)]
    found = []
    for n, (account, into) in enumerate(pairwise(accounts)):
        at = begun + n * apart
        found.append(Fact.of(account, f"merge|{n}", at, AccountsMerged(into)))
        told = at + timedelta(hours=36)
        found.append(Fact.of(account, f"cover|{n}", told, CoverageListed(())))
        found.append(Fact.of(account, f"clear|{n}", told, AccountCleared("dispute", told.date())))
    return found


@pytest.mark.parametrize(
    ("apart", "times", "most"),
    [
        # Sorting and memory cost a little more than in proportion; the square of twenty is four hundred.
        pytest.param(timedelta(0), 20, 100, id="all merged before the first word"),
        # What a word reached differs from each to the next: the square of four is sixteen, its cube 64.
        pytest.param(timedelta(days=1), 4, 32, id="merged between words"),
    ],
)
def test_a_chain_of_merges_costs_no_more_than_what_each_word_reaches(
    apart: timedelta, times: int, most: float
) -> None:
    def fold_in(length: int) -> float:
        given, best = chain(length, apart), float("inf")
        for _ in range(REPEATS):
            begun = process_time()
            fold(given)
            best = min(best, process_time() - begun)
        return best

    fold_in(SMALL)
    assert fold_in(SMALL * times) < most * fold_in(SMALL)


def test_reading_a_remittance_costs_no_more_than_in_proportion() -> None:
    from adapters import x12

    def read(claims: int) -> float:
        body = Remittance(claims, AS_OF).body()
        best = float("inf")
        for _ in range(3):
            begun = process_time()
            for _item in x12.read(
                body, feed="f", facility="GEN", received_at=datetime(2026, 1, 1, tzinfo=UTC)
            ):
                pass
            best = min(best, process_time() - begun)
        return best

    read(SMALL)
    assert read(LARGE) < MOST * read(SMALL)
