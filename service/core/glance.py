"""What a decision would be, and no more: the verdict on opening a case, without the record that proves it.

For questions that ask many times (what would change the answer, what another policy would have done). What is
shown to anybody is decided in full; a test holds the two together on every generated account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas.decisions import Responsibility, Verdict
from schemas.facts import Fact
from schemas.records import swift_init
from service.core.account import Account, fold
from service.core.decision import answers_of, inquire
from service.core.gates import REGISTRY, Said
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
    worst, until, eventful = Verdict.ALLOW, date.min, False
    binding: list[str] = []
    policy = policy.for_account(account)
    asked = inquire(account, responsibility, as_of, policy.facilities_of(account))
    for gate, answer in zip(REGISTRY, answers_of(asked, policy.on(as_of)), strict=True):
        if answer is None:
            continue
        said = answer if isinstance(answer, Said) else answer[0]
        if said is None or said.verdict is Verdict.ALLOW:
            continue
        binding.append(gate.id)
        if said.verdict > worst:
            worst = said.verdict
        if said.until is None:
            eventful = True
        elif said.until > until:
            until = said.until
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
        changes = [d for d in (seen.until, policy.next_change(day)) if d is not None and d > day]
        if not changes:
            return None
        day = min(changes)
    return None


def supposing(account: Account, more: tuple[Fact, ...], policy: Policy) -> tuple[Account, Responsibility]:
    """The account, and who owes it, if these facts were stated too."""
    supposed = fold((*account.facts, *more), account.ref)
    return supposed, apportion(supposed, policy)
