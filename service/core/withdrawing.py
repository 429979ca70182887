"""Statements that were taken out, so that those which contradicted them, or came in their place, stand.

A withdrawal is a fact of the account itself: what is left is a function of the set of facts, in any order.
Only Baton makes such facts; a sender's own always carries its message id, and withdraws nothing.

What two people took out to settle a contradiction stays out. What went out because its message was read again
by another mapping comes back when that message states it again: its withdrawal is taken out in turn, and so
on, each by a fact of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final, cast

from schemas.facts import AccountCleared, AccountRef, Fact

CONTRADICTION: Final = "contradiction"
"""The name under which a person takes a statement out; its reference is the id of that fact."""

REREAD: Final = "read_again"
"""The name under which a message that is read again takes out what it states no more."""

ID_REUSED: Final = "id_reused"
"""The flag of an account whose sender used a message id for two statements; its reference is a fact's id."""

_CLEARED: Final = "account.cleared"


def withdrawn(facts: Iterable[Fact]) -> frozenset[str]:
    """The ids of facts that were taken out of these accounts; a fact leaves its own account only."""
    said = _Withdrawals(facts)
    return said.settled | said.reread


def settled_out(facts: Iterable[Fact]) -> frozenset[str]:
    """The ids of facts that people took out to settle a contradiction: these stay out."""
    return _Withdrawals(facts).settled


def reread_out(facts: Iterable[Fact]) -> frozenset[str]:
    """The ids of facts that are out because their message, read again, stated them no more."""
    return _Withdrawals(facts).reread


def reconciled(facts: Iterable[Fact]) -> frozenset[str]:
    """The ids of facts that stand although their sender used their message id twice."""
    return frozenset(target.id for _, target in _Withdrawals(facts).named(ID_REUSED))


def to_take_out(fact: Fact, facts: Iterable[Fact]) -> list[Fact]:
    """What has to be withdrawn (`REREAD`) so that a fact that stands is out."""
    return _Withdrawals(facts).to_take_out(fact)


def to_bring_back(fact: Fact, facts: Iterable[Fact]) -> list[Fact]:
    """What has to be withdrawn (`REREAD`) so that a fact that is out stands again."""
    return _Withdrawals(facts).to_bring_back(fact)


def withdrawal(fact: Fact, flag: str, now: datetime, as_of: date, by: str, note: str) -> Fact:
    """State that a fact is taken out, or (`id_reused`) that its message id is no reason for doubt.

    It is later than the fact itself also where that one lies in the future.
    """
    account = cast(AccountRef, fact.account)
    return Fact.of(
        account,
        _key(account, flag, fact.id),
        max(now, fact.occurred_at + timedelta(microseconds=1)),
        AccountCleared(flag, max(as_of, fact.occurred_at.date()), fact.id, by, note),
        where=fact.where,
    )


def _key(account: AccountRef, flag: str, id: str) -> str:
    return f"{_CLEARED}|{account}|baton|{flag}|{id}"


_NONE: Final[frozenset[str]] = frozenset()


class _Withdrawals:
    """What the withdrawals among these facts come to."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._every = list(facts)
        self._said = [f for f in self._every if f.kind == _CLEARED and f.identity is None]
        self._by_target: Mapping[str, list[Fact]] = {}
        self.settled = _NONE
        self.reread = _NONE
        if self._said:
            self.settled = frozenset(target.id for _, target in self.named(CONTRADICTION))
            self.reread = self._reread()

    def named(self, flag: str) -> list[tuple[Fact, Fact]]:
        """Each withdrawal of that name, with the fact of the same account that it names."""
        meant = {cast(AccountCleared, f.body).reference for f in self._said if _flag(f) == flag}
        known: dict[str | None, Fact] = {f.id: f for f in self._every if f.id in meant}
        found = []
        for fact in self._said:
            target = known.get(cast(AccountCleared, fact.body).reference)
            if target is None or target.account != fact.account:
                continue
            if fact.key == _key(cast(AccountRef, fact.account), flag, target.id):
                found.append((fact, target))
        return found

    def _reread(self) -> frozenset[str]:
        """Latest first: a withdrawal is later than what it takes out, so nothing later can take it out."""
        pairs = [(w, target) for w, target in self.named(REREAD) if w.occurred_at > target.occurred_at]
        by_target: dict[str, list[Fact]] = defaultdict(list)
        gone: set[str] = set()
        for one, target in sorted(pairs, key=lambda pair: (pair[0].occurred_at, pair[0].id), reverse=True):
            by_target[target.id].append(one)
            if one.id not in gone:
                gone.add(target.id)
        self._by_target = by_target
        return frozenset(gone)

    def to_take_out(self, fact: Fact) -> list[Fact]:
        before = self._by_target.get(fact.id)
        return self.to_bring_back(before[0]) if before else [fact]

    def to_bring_back(self, fact: Fact) -> list[Fact]:
        stands = [one for one in self._by_target.get(fact.id, ()) if one.id not in self.reread]
        return [f for one in stands for f in self.to_take_out(one)]


def _flag(fact: Fact) -> str:
    return cast(AccountCleared, fact.body).flag
