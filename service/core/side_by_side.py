"""One account's history under two policies at once: when a case would have opened and ended under each.

Made for millions of accounts: an account is looked at only on days on which one of the two could change its
mind, what the policies have in common is asked once, and no record is written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta, tzinfo
from itertools import accumulate
from typing import Final, NamedTuple

from schemas.decisions import Responsibility, Verdict
from schemas.facts import AccountRef, Fact, StatementSent
from service.core.account import Account, fold
from service.core.decision import answer_of, decide, heard_of, inquire
from service.core.gates import Inquiry, Said
from service.core.glance import glance
from service.core.policy import Period, Policy
from service.core.responsibility import apportion
from service.core.walk import day_in

APPROVED: Final = "override.approved"

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
    """An account under one policy: its spells, and on the last day the patient's part.

    `binding` are the gates in the way where the other policy has a case and this one none: on the last day,
    or, where the two agree again by then, on the day on which they last parted with this one behind.
    """

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
        self.net_cents = cents


class Heard(NamedTuple):
    """What some gates say of opening a case.

    `ends_on` is the day by which all that stand in the way may have run out, None when one of them waits for
    an event; where none does, the day on which what is allowed may no longer be.
    """

    opens: bool
    ends_on: date | None


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
        self._gates: dict[tuple[date, date], tuple[list[int], list[int]]] = {}

    def next_change(self, day: date) -> date | None:
        """The next day on which either policy has another value."""
        days = [d for d in (self.base.next_change(day), self.draft.next_change(day)) if d is not None]
        return min(days, default=None)

    def moves(self, day: date) -> bool:
        """Whether a house rule of either may change its mind on any day."""
        return any(rule.moves for policy in (self.base, self.draft) for rule, _ in policy.on(day).rules)

    def gates(self, day: date) -> tuple[list[int], list[int]]:
        """Places of the gates to which the two give the same values on a day, and of the others.

        Whoever asks may change the order within a list: the answer does not depend on it.
        """
        one, two = self.base.on(day), self.draft.on(day)
        key = one.starts_on, two.starts_on
        if key not in self._gates:
            same: list[int] = []
            other: list[int] = []
            for n, (a, b) in enumerate(zip(one.gates, two.gates, strict=True)):
                (same if (a.values, a.missing) == (b.values, b.missing) else other).append(n)
            self._gates[key] = same, other
        return self._gates[key]


def _divides(policy: Policy, day: date) -> tuple[object, ...]:
    """Everything of a policy that dividing a balance looks at."""
    period = policy.on(day)
    allowed = policy.of_gate(day, "G13").values["billable_reasons"]
    return period.reasons, period.remarks, period.duplicate_codes, allowed


@dataclass(frozen=True, slots=True)
class Earliest:
    """The least that any period of some policies asks before a case: so many statements, so far apart (G40),
    and so many days after the first of them (G41). Scoped packs can only ask for more."""

    statements: int
    apart: timedelta
    days: timedelta

    @classmethod
    def of(cls, policies: Iterable[Policy]) -> Earliest:
        """Find the least."""
        periods = [(policy, start) for policy in policies for start in policy.starts]
        counts = [_least(p.of_gate(start, "G40").values["statements"][0]) for p, start in periods]
        apart = [_least(p.of_gate(start, "G40").values["days_apart"][0]) for p, start in periods]
        days = [_least(p.of_gate(start, "G41").values["min_days"][0]) for p, start in periods]
        # Without a statement no clock starts, whatever the number asked for.
        return cls(max(1, min(counts)), timedelta(min(apart)), timedelta(min(days)))

    def day(self, facts: Iterable[Fact], until: date, zone: tzinfo = UTC) -> date | None:
        """A day before which no case can open, whatever else is known; None when none can until `until`.

        A statement counts from the day on which it is both sent and known where `zone` is the hospital's; one
        that reached nobody, never. What two people lift may let a case open earlier, from their approval on.
        """
        facts = list(facts)
        approved = [on for f in facts if f.kind == APPROVED and (on := day_in(zone, f)) <= until]
        days = [*approved, *self._by_statements(facts, until, zone)]
        return min(days, default=None)

    def _by_statements(self, facts: list[Fact], until: date, zone: tzinfo) -> list[date]:
        sent = sorted(
            (max(f.body.sent_on, on), f.body.sent_on)
            for f in facts
            if isinstance(f.body, StatementSent) and f.body.delivered and (on := day_in(zone, f)) <= until
        )
        for n in range(self.statements, len(sent) + 1):
            if self._spaced([sent_on for _, sent_on in sent[:n]]) >= self.statements:
                day = max(sent[n - 1][0], min(sent_on for _, sent_on in sent) + self.days)
                return [day] if day <= until else []
        return []

    def _spaced(self, days: list[date]) -> int:
        """How many of these days, at most, lie far enough apart."""
        count, last = 0, date.min
        for day in sorted(days):
            if day - last >= self.apart:
                count, last = count + 1, day
        return count


def _least(value: object) -> int:
    """A bound from below: zero where policy says nothing."""
    return value if type(value) is int else 0


class SideBySide:
    """Walks accounts under two policies; facts count from the day it is then in `zone`, the hospital's."""

    def __init__(self, base: Policy, draft: Policy, zone: tzinfo = UTC) -> None:
        self._base = base
        self._draft = draft
        self._zone = zone
        self._pairs: dict[tuple[tuple[str, ...], tuple[str, ...]], Pair] = {}
        self._earliest = Earliest.of((base, draft))

    def first_day(self, facts: Iterable[Fact], until: date) -> date | None:
        """A day before which neither policy opens a case; None when neither can until `until`."""
        return self._earliest.day(facts, until, self._zone)

    def walk(self, facts: Sequence[Fact], ref: AccountRef, until: date) -> tuple[Course, Course]:
        """The account's course under each policy, up to and with a day.

        Each day knows the facts that had taken effect by then. Facts of accounts that a merge names together
        are given together; `ref` is the one that is walked.
        """
        base, draft = Course(), Course()
        first = self.first_day(facts, until)
        if first is None:
            return base, draft
        told = sorted(facts, key=lambda f: f.occurred_at)
        # A clock that is set back over midnight makes no day come twice.
        heard = list(accumulate((day_in(self._zone, f) for f in told), max))
        heard = heard[: bisect_right(heard, until)]
        day, at = first, 0
        account: Account | None = None
        behind: int | None = None
        for _ in range(MOST_DAYS):
            before = at
            at = bisect_right(heard, day, at)
            if at > before or account is None:
                account = fold(told[:at], ref)
                pair = self._pair(account)
                owes = apportion(account, pair.base)
                owes_too = owes if pair.shares_alike else apportion(account, pair.draft)
            one, two = _look(pair, account, owes, owes_too, day)
            base.see(day, one.opens, owes.net_cents)
            draft.see(day, two.opens, owes_too.net_cents)
            parted, behind = behind, _behind(base, draft)
            if behind is not None and behind != parted:
                base.binding = draft.binding = ()
                asked = ((owes, pair.base), (owes_too, pair.draft))[behind]
                (base, draft)[behind].binding = glance(account, *asked, day).binding
            days = [one.ends_on, two.ends_on, pair.next_change(day)]
            if pair.moves(day):
                days.append(day + timedelta(days=1))
            days += heard[at : at + 1]
            later = [d for d in days if d is not None and day < d <= until]
            if not later:
                break
            day = min(later)
        if account is None:
            return base, draft
        if behind is not None:
            asked = ((owes, pair.base), (owes_too, pair.draft))[behind]
            (base, draft)[behind].binding = glance(account, *asked, day).binding
        return base, draft

    def _pair(self, account: Account) -> Pair:
        base, draft = self._base.for_account(account), self._draft.for_account(account)
        key = base.applied, draft.applied
        if key not in self._pairs:
            self._pairs[key] = Pair(base, draft)
        return self._pairs[key]


def _behind(base: Course, draft: Course) -> int | None:
    """Which of the two has no case where the other has one: 0 or 1."""
    return None if base.is_open == draft.is_open else int(base.is_open)


_CLOSED: Final = Heard(False, None)


def _look(
    pair: Pair, account: Account, owes: Responsibility, owes_too: Responsibility, day: date
) -> tuple[Heard, Heard]:
    """What both policies say on a day; where they divide alike, gates of other values are asked twice."""
    if account.overrides:
        # Few accounts have any: each policy decides in full what people may have lifted.
        return _seen(account, owes, pair.base, day), _seen(account, owes_too, pair.draft, day)
    base, draft = pair.base.on(day), pair.draft.on(day)
    asked = inquire(account, owes, day, pair.base.facilities_of(account))
    same, other = pair.gates(day)
    together = _hear(asked, base, same)
    facilities = pair.draft.facilities_of(account)
    if owes_too is not owes or facilities != asked.facilities:
        asked_too = inquire(account, owes_too, day, facilities)
        return (
            _all_of(asked, base, together, other),
            _all_of(asked_too, draft, _hear(asked_too, draft, same), other),
        )
    one = _all_of(asked, base, together, other)
    if not other and not base.rules and not draft.rules:
        return one, one
    return one, _all_of(asked, draft, together, other)


def _seen(account: Account, owes: Responsibility, policy: Policy, day: date) -> Heard:
    decision = decide(account, owes, policy, day)
    if decision.opens_case:
        return Heard(True, decision.review_on)
    return Heard(False, glance(account, owes, policy, day).until)


def _all_of(asked: Inquiry, period: Period, heard: Heard, others: list[int]) -> Heard:
    """What was heard, and then the other gates and the house rules, unless it waits for an event already."""
    if not heard.opens and heard.ends_on is None:
        return _CLOSED
    heard = _both(heard, _hear(asked, period, others))
    if not period.rules or (not heard.opens and heard.ends_on is None):
        return heard
    for _, said, _moves in heard_of(asked, period):
        if said is not None:
            heard = _both(heard, Heard(said.verdict is Verdict.ALLOW, said.until))
    return heard


def _hear(asked: Inquiry, period: Period, places: list[int]) -> Heard:
    """Ask these gates about opening a case, until one stands in the way that only an event can lift.

    That one is asked first the next time: among many accounts a few gates do most of the work.
    """
    heard = Heard(True, None)
    for n, place in enumerate(places):
        answer = answer_of(asked, period, place)
        if answer is None:
            continue
        said = answer if isinstance(answer, Said) else answer[0]
        if said is None or (said.until is None and said.verdict is Verdict.ALLOW):
            continue
        if said.until is None:
            places.insert(0, places.pop(n))
            return _CLOSED
        heard = _both(heard, Heard(said.verdict is Verdict.ALLOW, said.until))
    return heard


def _both(one: Heard, two: Heard) -> Heard:
    """Two answers together: what is in the way ends when all of it does, what is allowed with the first."""
    if one.opens != two.opens:
        return two if one.opens else one
    days = [on for on in (one.ends_on, two.ends_on) if on is not None]
    if one.opens:
        return Heard(True, min(days, default=None))
    return Heard(False, max(days)) if len(days) == 2 else _CLOSED
