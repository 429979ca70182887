"""One account's history under two policies at once: when a case would have opened and ended under each.

Made for millions of accounts: an account is looked at only on days on which one of the two could change its
mind, what the policies have in common is asked once, and no record is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, NamedTuple

from schemas.decisions import Responsibility
from schemas.facts import AccountRef, Fact, StatementSent
from service.core.account import Account, fold
from service.core.decision import answers_of, heard_of, inquire
from service.core.glance import Glance, summed
from service.core.policy import Policy
from service.core.responsibility import apportion

MOST_DAYS: Final = 1000
"""Days of one account's history that are looked at."""


class Spell(NamedTuple):
    """A time in which a case would have been open: first day, first day after it (None: still), amount when
    it opened."""

    opened_on: date
    ended_on: date | None
    cents: int


@dataclass(slots=True)
class Course:
    """An account under one policy: its spells, and on the last day the patient's part and what held it."""

    spells: list[Spell] = field(default_factory=list)
    net_cents: int = 0
    binding: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether a case would be open on the last day."""
        return bool(self.spells) and self.spells[-1].ended_on is None

    def see(self, day: date, opens: bool, cents: int) -> None:
        """Note what was found on a day."""
        if opens and not self.is_open:
            self.spells.append(Spell(day, None, cents))
        elif not opens and self.is_open:
            self.spells[-1] = self.spells[-1]._replace(ended_on=day)


class Pair:
    """Two policies as they concern one kind of account, and what they have in common.

    `shares_alike` says that both divide a balance in the same way: they differ in gates at most.
    """

    def __init__(self, base: Policy, draft: Policy) -> None:
        self.base: Final = base
        self.draft: Final = draft
        self.shares_alike: Final = all(
            _divides(base, day) == _divides(draft, day) for day in {*base.starts, *draft.starts}
        )
        self._other: dict[tuple[date, date], tuple[int, ...]] = {}

    def next_change(self, day: date) -> date | None:
        """The next day on which either policy has another value."""
        days = [d for d in (self.base.next_change(day), self.draft.next_change(day)) if d is not None]
        return min(days, default=None)

    def moves(self, day: date) -> bool:
        """Whether a house rule of either may change its mind on any day."""
        return any(rule.moves for policy in (self.base, self.draft) for rule, _ in policy.on(day).rules)

    def other_gates(self, day: date) -> tuple[int, ...]:
        """Places of the gates to which the two give other values on a day."""
        one, two = self.base.on(day), self.draft.on(day)
        key = one.starts_on, two.starts_on
        if key not in self._other:
            self._other[key] = tuple(
                n
                for n, (a, b) in enumerate(zip(one.gates, two.gates, strict=True))
                if (a.values, a.missing) != (b.values, b.missing)
            )
        return self._other[key]


def _divides(policy: Policy, day: date) -> tuple[object, ...]:
    """Everything of a policy that dividing a balance looks at."""
    period = policy.on(day)
    allowed = policy.of_gate(day, "G13").values["billable_reasons"]
    return period.reasons, period.remarks, period.duplicate_codes, allowed


class SideBySide:
    """Walks accounts under two policies."""

    def __init__(self, base: Policy, draft: Policy) -> None:
        self._base = base
        self._draft = draft
        self._pairs: dict[tuple[tuple[str, ...], tuple[str, ...]], Pair] = {}

    def walk(self, facts: Sequence[Fact], ref: AccountRef, until: date) -> tuple[Course, Course]:
        """The account's course under each policy, up to and with a day.

        Each day knows the facts that had taken effect by then. No case opens before a statement was sent
        (G40, G41), so nothing is looked at before that day.
        """
        base, draft = Course(), Course()
        fresh = sorted((f for f in facts if f.occurred_at.date() <= until), key=lambda f: f.occurred_at)
        sent = [f.occurred_at.date() for f in fresh if isinstance(f.body, StatementSent)]
        if not sent:
            return base, draft
        day, at = min(sent), 0
        account: Account | None = None
        for _ in range(MOST_DAYS):
            before = at
            while at < len(fresh) and fresh[at].occurred_at.date() <= day:
                at += 1
            if at > before or account is None:
                account = fold(fresh[:at], ref)
                pair = self._pair(account)
                owes = apportion(account, pair.base)
                owes_too = owes if pair.shares_alike else apportion(account, pair.draft)
            one, two = _look(pair, account, owes, owes_too, day)
            base.see(day, one.opens, owes.net_cents)
            draft.see(day, two.opens, owes_too.net_cents)
            base.net_cents, draft.net_cents = owes.net_cents, owes_too.net_cents
            base.binding, draft.binding = one.binding, two.binding
            days = [one.until, two.until, pair.next_change(day)]
            if pair.moves(day):
                days.append(day + timedelta(days=1))
            if at < len(fresh):
                days.append(fresh[at].occurred_at.date())
            later = [d for d in days if d is not None and day < d <= until]
            if not later:
                break
            day = min(later)
        return base, draft

    def _pair(self, account: Account) -> Pair:
        base, draft = self._base.for_account(account), self._draft.for_account(account)
        key = base.applied, draft.applied
        if key not in self._pairs:
            self._pairs[key] = Pair(base, draft)
        return self._pairs[key]


def _look(
    pair: Pair, account: Account, owes: Responsibility, owes_too: Responsibility, day: date
) -> tuple[Glance, Glance]:
    """What both policies say on a day; where they divide alike, gates of other values are asked twice."""
    base, draft = pair.base.on(day), pair.draft.on(day)
    asked = inquire(account, owes, day, pair.base.facilities_of(account))
    answers = answers_of(asked, base)
    one = summed(answers, heard_of(asked, base), day)
    facilities = pair.draft.facilities_of(account)
    if owes_too is not owes or facilities != asked.facilities:
        asked = inquire(account, owes_too, day, facilities)
        return one, summed(answers_of(asked, draft), heard_of(asked, draft), day)
    other = pair.other_gates(day)
    if not other and not base.rules and not draft.rules:
        return one, one
    again = list(answers)
    for place, answer in zip(other, answers_of(asked, draft, other), strict=True):
        again[place] = answer
    return one, summed(again, heard_of(asked, draft), day)
