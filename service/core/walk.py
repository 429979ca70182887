"""An account's way through time: what would have been decided on each day on which something could change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo
from itertools import pairwise
from typing import Final

from schemas.decisions import STAGES, Decision, Finding
from schemas.facts import AccountRef, Fact
from service.core.account import Account, fold
from service.core.decision import decide
from service.core.policy import Policy
from service.core.responsibility import apportion

MOST_DAYS: Final = 400
"""Days of one account's way that are looked at; the newest count."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """A gate that once stood in the way of a case and no longer did: since when, and what it said before."""

    gate: str
    name: str
    on: date
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Opening:
    """How an account came to a case: the gates that let go, the last one last, and the day before that.

    `on` is the first day from which every gate allowed; `held_on` the last day on which one did not, None
    when none ever stood in the way.
    """

    on: date
    let_go: tuple[LetGo, ...]
    held_on: date | None
    held_by: tuple[Finding, ...]


def day_in(zone: tzinfo, fact: Fact) -> date:
    """The day on which a fact took effect, where it did."""
    return fact.occurred_at.astimezone(zone).date()


def days_of(
    facts: Iterable[Fact], policy: Policy, until: date, ref: AccountRef | None = None, zone: tzinfo = UTC
) -> Iterator[tuple[date, Decision]]:
    """Decide on every day up to `until` on which a fact took effect, or a gate's waiting ended.

    Each day knows the facts that had taken effect by then, where `zone` is the hospital's. `ref` names one of
    several merged accounts.
    """
    waiting = sorted((f for f in facts if f.account is not None), key=lambda f: f.occurred_at)
    fresh = [f for f in waiting if day_in(zone, f) <= until]
    if not fresh:
        return
    at, known = 0, []
    day = day_in(zone, fresh[0])
    while True:
        before = at
        while at < len(fresh) and day_in(zone, fresh[at]) <= day:
            at += 1
        if at > before:
            known = fresh[:at]
            account = fold(known, ref)
            owes = apportion(account, policy)
        decision = decide(account, owes, policy, day)
        yield day, decision
        later = [f.until for f in _against(decision) if f.until is not None]
        later += [f.lifted.until for f in decision.findings if f.lifted is not None]
        later += [d for d in (policy.for_account(account).next_change(day),) if d is not None]
        if at < len(fresh):
            later.append(day_in(zone, fresh[at]))
        if any(rule.moves for rule, _ in policy.for_account(account).on(day).rules):
            later.append(day + timedelta(days=1))
        later = [d for d in later if day < d <= until]
        if not later:
            return
        day = min(later)


def opening_of(account: Account, policy: Policy, as_of: date, zone: tzinfo = UTC) -> Opening | None:
    """How every gate came to allow a case by `as_of`; None when on that day one does not."""
    days = list(days_of(account.facts, policy, as_of, account.ref, zone))[-MOST_DAYS:]
    if not days or not days[-1][1].opens_case:
        return None
    opened = len(days) - 1
    while opened > 0 and days[opened - 1][1].opens_case:
        opened -= 1
    let_go: dict[str, LetGo] = {}
    for (_, earlier), (day, later) in pairwise(days[: opened + 1]):
        after = {f.gate: f.because for f in later.findings if f.stage == STAGES[0]}
        for f in _against(earlier):
            # None stands on the last of these days, so what stays for each gate is when it last let go.
            let_go.pop(f.gate, None)
            let_go[f.gate] = LetGo(f.gate, f.name, day, f.because, after[f.gate])
    opened_on = days[opened][0]
    if not opened:
        return Opening(opened_on, tuple(let_go.values()), None, ())
    eve = opened_on - timedelta(days=1)
    known = [f for f in account.facts if day_in(zone, f) <= eve]
    before = fold(known, account.ref)
    held = decide(before, apportion(before, policy), policy, eve)
    return Opening(opened_on, tuple(let_go.values()), eve, tuple(_against(held)))


def _against(decision: Decision) -> list[Finding]:
    return [f for f in decision.findings if f.stage == STAGES[0] and f.stands]
