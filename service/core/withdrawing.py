"""Statements that two people have taken out, so that those which contradicted them stand.

A withdrawal is a fact of the account itself: what is left is a function of the set of facts, in any order.
Only Baton makes such facts; a sender's own always carries its message id, and withdraws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final, cast

from schemas.facts import AccountCleared, AccountRef, Fact

CONTRADICTION: Final = "contradiction"
"""The name under which a person takes a statement out; its reference is the id of that fact."""

ID_REUSED: Final = "id_reused"
"""The flag of an account whose sender used a message id for two statements; its reference is a fact's id."""

_CLEARED: Final = "account.cleared"


def withdrawn(facts: Iterable[Fact]) -> frozenset[str]:
    """The ids of facts that were taken out of these accounts; a fact leaves its own account only."""
    return _named(facts, CONTRADICTION)


def reconciled(facts: Iterable[Fact]) -> frozenset[str]:
    """The ids of facts that stand although their sender used their message id twice."""
    return _named(facts, ID_REUSED)


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


def _named(facts: Iterable[Fact], flag: str) -> frozenset[str]:
    every = [f for f in facts if f.account is not None]
    owners = {f.id: f.account for f in every}
    found = set()
    for fact in every:
        if fact.kind != _CLEARED or fact.identity is not None:
            continue
        body = cast(AccountCleared, fact.body)
        id = body.reference
        if body.flag != flag or id is None or owners.get(id) != fact.account:
            continue
        if fact.key == _key(cast(AccountRef, fact.account), flag, id):
            found.add(id)
    return frozenset(found)
