"""The facts an answer rests on: enough to give the same answer alone, and none of them can be left out.

Found by deciding again without each fact in turn, so the list is shown to be sufficient and necessary rather
than believed to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from schemas.decisions import STAGES, Decision, Responsibility
from schemas.facts import Fact
from service.core.account import Account, fold
from service.core.decision import decide
from service.core.policy import Policy
from service.core.responsibility import apportion

MOST_TRIALS: Final = 150
"""How often an account is decided on again to find what its answer rests on."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Ids of facts that alone give the same answer, in business order.

    `minimal` says that without any one of them the answer would be another; False when an account has more
    facts than are tried.
    """

    facts: tuple[str, ...]
    minimal: bool


def answer_to_why(responsibility: Responsibility, decision: Decision) -> tuple[Any, ...]:
    """What "the same answer" means: may a case open, who owes how much, what stands in the way until when,
    and what people lifted."""
    shares = responsibility.shares
    return (
        decision.outcomes[0],
        responsibility.determination,
        responsibility.net_cents,
        {who: sum(s.amount_cents for s in shares if s.bearer == who) for who in {s.bearer for s in shares}},
        [(f.gate, f.verdict, f.until) for f in decision.findings if f.stage == STAGES[0]],
        [(f.gate, f.lifted.override, f.lifted.until) for f in decision.findings if f.lifted is not None],
    )


def basis_of(account: Account, responsibility: Responsibility, decision: Decision, policy: Policy) -> Basis:
    """Leave out whatever can be left out without another answer; what nothing names is tried first."""
    wanted = answer_to_why(responsibility, decision)

    def same(facts: list[Fact]) -> bool:
        if not facts:
            return False
        alone = fold(facts, account.ref)
        owes = apportion(alone, policy)
        return wanted == answer_to_why(owes, decide(alone, owes, policy, decision.as_of))

    cited = _cited(responsibility, decision)
    kept = list(account.facts)
    only = [f for f in kept if f.id in cited or f.kind in _CONTEXT]
    trials = 1
    if same(only):
        kept = only
    order = sorted(kept, key=lambda f: (f.id in cited, f.occurred_at, f.id))
    for fact in order:
        if trials >= MOST_TRIALS:
            return Basis(tuple(f.id for f in kept), False)
        trials += 1
        without = [f for f in kept if f is not fact]
        if same(without):
            kept = without
    minimal = _nothing_more_goes(kept, same, MOST_TRIALS - trials)
    return Basis(tuple(f.id for f in kept), minimal)


_CONTEXT: Final = frozenset({"account.registered", "coverage.listed"})
"""Kinds of facts that gates look at without naming them while nothing is amiss."""


def _cited(responsibility: Responsibility, decision: Decision) -> set[str]:
    named = {i for share in responsibility.shares for i in share.evidence}
    named |= {i for trace in responsibility.traces for i in trace.evidence}
    named |= {i for f in decision.findings if f.lifted is not None for i in f.lifted.evidence}
    return named | {i for f in decision.findings for i in f.evidence}


def _nothing_more_goes(kept: list[Fact], same: Any, left: int) -> bool:
    """Leaving one fact out may let another go; seen by asking once more about each that stayed."""
    while len(kept) <= left:
        left -= len(kept)
        before = list(kept)
        for fact in before:
            without = [f for f in kept if f is not fact]
            if same(without):
                kept[:] = without
        if len(kept) == len(before):
            return True
    return False
