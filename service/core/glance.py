"""What a decision would be, and no more: the verdict on opening a case, without the record that proves it.

For questions that ask many times (what would change the answer, what another policy would have done). What is
shown to anybody is decided in full; a test holds the two together on every generated account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from schemas.decisions import STAGES, Decision, Responsibility, Verdict
from schemas.facts import Fact
from schemas.records import swift_init
from service.core.account import Account, fold
from service.core.decision import answers_of, decide, heard_of, inquire
from service.core.gates import REGISTRY, Answer, Said
from service.core.policy import Policy
from service.core.responsibility import apportion

HORIZON: Final = 24
"""How many days ahead on which waiting may change something are looked at."""


@swift_init
@dataclass(frozen=True, slots=True)
class Glance:
    """The verdict on opening a case, and the gates in its way, by id.

    `until` is the first day by which all of them may have run out; None when one of them waits for an event.
    """

    verdict: Verdict
    until: date | None
    binding: tuple[str, ...]

    @property
    def opens(self) -> bool:
        """Whether every gate allows a case."""
        return self.verdict is Verdict.ALLOW


def glance(account: Account, responsibility: Responsibility, policy: Policy, as_of: date) -> Glance:
    """Ask every gate about opening a case, and keep the verdict alone."""
    if account.overrides:
        # Few accounts have any, and what they lift is worked out in one place.
        return _of_decision(decide(account, responsibility, policy, as_of), policy.for_account(account))
    policy = policy.for_account(account)
    asked = inquire(account, responsibility, as_of, policy.facilities_of(account))
    period = policy.on(as_of)
    return summed(answers_of(asked, period), heard_of(asked, period), as_of)


def _of_decision(decision: Decision, policy: Policy) -> Glance:
    standing = [f for f in decision.findings if f.stage == STAGES[0] and f.stands]
    moving = {rule.id for rule, _ in policy.on(decision.as_of).rules if rule.moves}
    tomorrow = decision.as_of + timedelta(days=1)
    untils = [f.until or (tomorrow if f.gate in moving else None) for f in standing]
    days = [day for day in untils if day is not None]
    until = max(days) if days and len(days) == len(untils) else None
    return Glance(decision.outcomes[0], until, tuple(f.gate for f in standing))


def summed(answers: Sequence[Answer], heard: Sequence[tuple[str, Said | None, bool]], as_of: date) -> Glance:
    """The worst of what gates and house rules say about opening a case."""
    worst, until, eventful = Verdict.ALLOW, date.min, False
    binding: list[str] = []
    said = [
        (gate.id, answer if answer is None or isinstance(answer, Said) else answer[0], False)
        for gate, answer in zip(REGISTRY, answers, strict=True)
    ]
    for id, one, moves in (*said, *heard):
        if one is None or one.verdict is Verdict.ALLOW:
            continue
        binding.append(id)
        worst = max(worst, one.verdict)
        # A house rule about days may change its mind on any day, and names none.
        ends = one.until or (as_of + timedelta(days=1) if moves else None)
        if ends is None:
            eventful = True
        else:
            until = max(until, ends)
    return Glance(worst, None if eventful or not binding else until, tuple(binding))


def first_day_it_opens(
    account: Account, responsibility: Responsibility, policy: Policy, as_of: date
) -> date | None:
    """The first day, from this one on, on which a case opens if only time passes; None if none does.

    Found by asking again on each day on which a waiting gate, or the policy, may change its mind.
    """
    day, policy = as_of, policy.for_account(account)
    for _ in range(HORIZON):
        seen = glance(account, responsibility, policy, day)
        if seen.opens:
            return day
        changes = [d for d in (seen.until, policy.next_change(day)) if d is not None]
        if not changes:
            return None
        day = min(changes)
    return None


def supposing(account: Account, more: tuple[Fact, ...], policy: Policy) -> tuple[Account, Responsibility]:
    """The account, and who owes it, if these facts were stated too."""
    supposed = fold((*account.facts, *more), account.ref)
    return supposed, apportion(supposed, policy)
