"""What would change the answer: sets of facts nobody has stated, each decided on before it is told.

A set is told only when it does more than any part of it: for an account that is held, a case would open, and
earlier than with any part; for one with a case, the case would end. Sets of up to three changes are
tried, all of them within a stated bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from typing import Final

from schemas.decisions import Decision, Responsibility
from schemas.facts import Fact, PaymentPosted
from schemas.money import format_cents
from service.core.account import Account
from service.core.glance import first_day_it_opens, glance, supposing
from service.core.hypotheses import Change, Supposing, what_could_lift, what_could_take_back
from service.core.payers_next import what_payers_could_answer, what_payers_could_take_back
from service.core.policy import Policy

MOST_CHANGES: Final = 3
"""Changes in one set."""

MOST_TRIALS: Final = 300
"""How often an account is folded, apportioned and decided again for one explanation."""

ENDED: Final = "the case would end"
NOT_OPENED: Final = "no case would open"


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """A change and what it would lead to, found by deciding again.

    `facts` are the facts supposed, none for mere waiting; `on` is the day the outcome is about, `opens`
    whether a case opens then.
    """

    change: str
    outcome: str
    facts: tuple[Fact, ...] = ()
    on: date | None = None
    opens: bool = False


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What was found; `trials` counts the decisions made for it, `complete` whether every set was tried."""

    found: tuple[Counterfactual, ...]
    trials: int
    complete: bool


@dataclass(slots=True)
class _Search:
    account: Account
    responsibility: Responsibility
    decision: Decision
    policy: Policy
    trials: int = 0
    complete: bool = True
    told: list[Counterfactual] = field(default_factory=list)

    def opens_on(self, more: tuple[Fact, ...]) -> tuple[date | None, int]:
        """The first day a case would open, and for how much, if these facts were stated and time passed."""
        self.trials += 1
        account, owes = self.account, self.responsibility
        if more:
            account, owes = supposing(self.account, more, self.policy)
        return first_day_it_opens(account, owes, self.policy, self.decision.as_of), owes.net_cents

    def never_opens(self, more: tuple[Fact, ...]) -> bool:
        """Whether it was seen that no case would open if these facts were stated, however time passed."""
        return self.may_try() and self.opens_on(more)[0] is None

    def stays_open(self, more: tuple[Fact, ...]) -> bool:
        """Whether the case would stay if these facts were stated today."""
        self.trials += 1
        account, owes = supposing(self.account, more, self.policy)
        return glance(account, owes, self.policy, self.decision.as_of).opens

    def may_try(self) -> bool:
        """Whether another trial is within the bound; notes when it is not."""
        if self.trials < MOST_TRIALS:
            return True
        self.complete = False
        return False


def alternatives(
    account: Account, responsibility: Responsibility, decision: Decision, policy: Policy
) -> Alternatives:
    """What would open a case that is held, or take back one that is open."""
    search = _Search(account, responsibility, decision, policy)
    if decision.opens_case:
        _what_takes_back(search)
    else:
        _what_opens(search)
    return Alternatives(tuple(search.told), search.trials, search.complete)


# -- held: what would open a case -----------------------------------------------------------------------


def _what_opens(search: _Search) -> None:
    waits_until, cents = search.opens_on(())
    if waits_until is not None:
        outcome = f"a case for {format_cents(cents)} would open on {waits_until}"
        search.told.append(Counterfactual("nothing else happens", outcome, (), waits_until, True))
    account, owes, as_of = search.account, search.responsibility, search.decision.as_of
    answers = what_payers_could_answer(account, owes, search.policy, as_of)
    changes = (*(leaves for leaves, _ in answers), *what_could_lift(account, owes, search.decision))
    _smallest_sets(search, changes, waits_until)
    _paid_by_payer(search, answers)


def _smallest_sets(search: _Search, changes: tuple[Change, ...], waits_until: date | None) -> None:
    """Tell every set of changes that opens a case on an earlier day than each of its parts does."""
    best: dict[frozenset[int], date] = {frozenset(): waits_until or date.max}
    for size in range(1, MOST_CHANGES + 1):
        for chosen in combinations(range(len(changes)), size):
            parts = [changes[n] for n in chosen]
            if len({c.topic for c in parts}) < size:
                continue
            earlier = min(best.get(frozenset(p), date.max) for p in combinations(chosen, size - 1))
            if earlier <= search.decision.as_of:
                best[frozenset(chosen)] = earlier
                continue
            if not search.may_try():
                return
            facts = tuple(fact for c in parts for fact in c.facts)
            opens_on, cents = search.opens_on(facts)
            best[frozenset(chosen)] = min(earlier, opens_on or date.max)
            if opens_on is not None and opens_on < earlier:
                outcome = f"a case for {format_cents(cents)} would open on {opens_on}"
                says = _joined([c.says for c in parts])
                search.told.append(Counterfactual(says, outcome, facts, opens_on, True))


def _paid_by_payer(search: _Search, answers: tuple[tuple[Change, Change], ...]) -> None:
    """Where a payer's answer would open a case: that none opens if it pays, whatever else comes with that."""
    for leaves, pays in answers:
        opening = [c.facts for c in search.told if set(leaves.facts) <= set(c.facts)]
        besides = [tuple(f for f in facts if f not in leaves.facts) for facts in opening]
        tries = dict.fromkeys([(), *besides]) if opening else {}
        if tries and all(search.never_opens((*pays.facts, *more)) for more in tries):
            search.told.append(Counterfactual(pays.says, NOT_OPENED, pays.facts))


# -- a case: what would take it back --------------------------------------------------------------------


def _what_takes_back(search: _Search) -> None:
    account, as_of = search.account, search.decision.as_of
    offered = (
        *_smallest_payment(search),
        *what_payers_could_take_back(account, search.policy, as_of),
        *what_could_take_back(account, search.decision),
    )
    kept: list[Change] = []
    for change in offered:
        if not search.may_try():
            return
        if search.stays_open(change.facts):
            kept.append(change)
        else:
            _tell_end(search, [change])
    ended: list[set[str]] = []
    for size in range(2, MOST_CHANGES + 1):
        for parts in combinations(kept, size):
            topics = {c.topic for c in parts}
            if any(e <= topics for e in ended):
                continue
            if not search.may_try():
                return
            if not search.stays_open(tuple(f for c in parts for f in c.facts)):
                ended.append(topics)
                _tell_end(search, list(parts))


def _tell_end(search: _Search, parts: list[Change]) -> None:
    facts = tuple(fact for c in parts for fact in c.facts)
    says = _joined([c.says for c in parts])
    search.told.append(Counterfactual(says, ENDED, facts, search.decision.as_of, False))


def _smallest_payment(search: _Search) -> tuple[Change, ...]:
    """The smallest payment of the patient's, to the cent, that ends the case: one cent less leaves it."""
    s = Supposing(search.account, search.decision.as_of)

    def paying(cents: int) -> Fact:
        return s.fact(PaymentPosted("supposed", cents, "patient", search.decision.as_of))

    low, high = 0, search.responsibility.net_cents
    while high - low > 1 and search.may_try():
        middle = (low + high) // 2
        if search.stays_open((paying(middle),)):
            low = middle
        else:
            high = middle
    # Where the bound ended this, it ends all that follows, and the payment is not told.
    return (Change(f"the patient paid {format_cents(high)}", "payment", (paying(high),)),)


def _joined(texts: list[str]) -> str:
    """Several changes in one clause."""
    return texts[0] if len(texts) == 1 else ", ".join(texts[:-1]) + ", and " + texts[-1]
