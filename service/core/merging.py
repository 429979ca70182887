"""Which account's facts belong to which: merges and unmerges, followed to the account that goes on.

Nothing is ever rewritten: a fact stays on the account it was stated for, and a merge is an alias in force.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Final, cast

from schemas.facts import AccountRef, AccountsMerged, AccountsUnmerged, Fact
from schemas.records import swift_init

LINKING: Final = frozenset({"accounts.merged", "accounts.unmerged"})

business_time: Final = attrgetter("occurred_at", "id")
_stated_at: Final = attrgetter("occurred_at")


@swift_init
@dataclass(frozen=True, slots=True)
class Contradiction:
    """Facts that cannot all be true: two contents under one business key, or one message id used twice.

    `kind` is the kind of the facts; `merged.circle`, `merged.unlike`, `merged.coverage` and `guarantor` say
    that facts of their own kind leave open which account, which payers or which guarantor is meant.
    """

    kind: str
    evidence: tuple[str, ...]


class Merges:
    """The merges in force; of an account's merges and unmerges the last by business time (ties by id) counts.

    >>> from datetime import timezone
    >>> old, new = AccountRef("GEN", "1"), AccountRef("GEN", "2")
    >>> merged = Fact.of(old, "k", datetime(2026, 1, 2, tzinfo=timezone.utc), AccountsMerged(new))
    >>> str(Merges([merged]).survivor(old))
    'GEN/2'
    """

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._stated: Final = sorted((f for f in facts if f.kind in LINKING), key=business_time)
        self._into: dict[AccountRef, tuple[AccountRef, str]] = {}
        self._unlike: dict[AccountRef, tuple[str, ...]] = {}
        self._asked: tuple[int, frozenset[AccountRef]] | None = None
        self._held: dict[AccountRef, frozenset[AccountRef]] = {}
        for fact in self._stated:
            self._take(cast(AccountRef, fact.account), fact)

    def _take(self, account: AccountRef, fact: Fact) -> None:
        self._unlike.pop(account, None)
        if isinstance(fact.body, AccountsMerged):
            self._into[account] = (fact.body.into, fact.id)
            return
        before = self._into.pop(account, None)
        if before is not None and before[0] != cast(AccountsUnmerged, fact.body).out_of:
            self._unlike[account] = (before[1], fact.id)

    def __bool__(self) -> bool:
        return bool(self._stated)

    def survivor(self, account: AccountRef) -> AccountRef:
        """The account that holds this one's facts, where all merges end; in a circle the first by name."""
        return self._ends[0].get(account, account)

    @cached_property
    def _ends(self) -> tuple[dict[AccountRef, AccountRef], dict[AccountRef, tuple[str, ...]]]:
        """Where every merge ends, and of those that end in a circle the merges of the circle.

        Every account is gone through once: a chain of merges is as long as whoever sends them likes.
        """
        ends: dict[AccountRef, AccountRef] = {}
        circles: dict[AccountRef, tuple[str, ...]] = {}
        for account in self._into:
            path = self._path(account, ends)
            end = ends.get(path[-1], path[-1])
            if (step := self._into.get(end)) is not None and path[-1] not in ends:
                circle = path[path.index(step[0]) :]
                end = min(circle)
                circles[end] = tuple(sorted(self._into[a][1] for a in circle))
            ends.update(dict.fromkeys(path, end))
        return ends, circles

    def _path(self, account: AccountRef, known: Collection[AccountRef] = ()) -> list[AccountRef]:
        """An account and those it was merged into, until the last, a known one, or a circle closes."""
        path = {account: None}
        last = account
        while last not in known and (step := self._into.get(last)) is not None and step[0] not in path:
            last = step[0]
            path[last] = None
        return list(path)

    def contradictions(self, accounts: Iterable[AccountRef]) -> tuple[Contradiction, ...]:
        """Merges of these accounts that run in a circle, and unmerges out of an account it was not in."""
        found: dict[tuple[str, ...], str] = {}
        for account in accounts:
            if (circle := self._ends[1].get(self.survivor(account))) is not None:
                found[circle] = "merged.circle"
            if (unlike := self._unlike.get(account)) is not None:
                found[tuple(sorted(unlike))] = "merged.unlike"
        return tuple(Contradiction(kind, ids) for ids, kind in sorted(found.items()))

    def way(self, account: AccountRef) -> list[Fact]:
        """Every merge and unmerge stated along the way from an account to its survivor."""
        path = set(self._path(account))
        return [f for f in self._stated if f.account in path]

    def naming(self, accounts: frozenset[AccountRef]) -> list[Fact]:
        """Every merge and unmerge into or out of one of these accounts."""
        return [f for f in self._stated if _other_account(f) in accounts]

    def together(
        self, members: frozenset[AccountRef], at: datetime
    ) -> dict[AccountRef, frozenset[AccountRef]]:
        """Each of these accounts with those that it was one with at an instant.

        The last answer is kept: one kind of statement is asked about in order of time.
        """
        count = bisect_right(self._stated, at, key=_stated_at)
        if self._asked != (count, members):
            then = Merges(self._stated[:count])
            held: dict[AccountRef, list[AccountRef]] = {}
            for member in members:
                held.setdefault(then.survivor(member), []).append(member)
            self._asked = count, members
            self._held = {}
            for group in held.values():
                self._held.update(dict.fromkeys(group, frozenset(group)))
        return self._held


def _other_account(fact: Fact) -> AccountRef:
    """The account a merge or an unmerge names besides its own."""
    body = cast("AccountsMerged | AccountsUnmerged", fact.body)
    return body.into if isinstance(body, AccountsMerged) else body.out_of


@swift_init
@dataclass(frozen=True, slots=True)
class United:
    """The facts that one account answers for, in business order.

    `members` are the accounts whose facts these are; `moved_to` is set when another account holds this one's.
    """

    ref: AccountRef
    facts: tuple[Fact, ...]
    members: frozenset[AccountRef]
    merges: Merges | None = None
    moved_to: AccountRef | None = None
    contradictions: tuple[Contradiction, ...] = ()

    @property
    def is_joint(self) -> bool:
        """Whether several accounts' facts came together here."""
        return len(self.members) > 1

    def reaches(self, fact: Fact) -> frozenset[AccountRef]:
        """The members that a statement was about: its own account and all that were one with it by then."""
        merges = self.merges or Merges(())
        return merges.together(self.members, fact.occurred_at)[cast(AccountRef, fact.account)]

    def standing(self, facts: Sequence[Fact]) -> list[Fact]:
        """Statements of one kind, given oldest first, that no newer one about the same accounts replaces.

        Where accounts stood alone until they were merged, the newest of each stands, until one is stated for
        all of them together.
        """
        if not self.is_joint:
            return [*facts[-1:]]
        stands: list[Fact] = []
        answered: set[AccountRef] = set()
        for fact in reversed(facts):
            if fact.account not in answered:
                stands.append(fact)
            answered |= self.reaches(fact)
        return stands


def unite(ordered: Sequence[Fact], ref: AccountRef | None) -> United:
    """Find the facts that an account answers for among its own and those of accounts it was merged with.

    Without a `ref` the facts say which: the only account there is, or else the one all others went into.

    Raises:
        ValueError: no `ref`, and no fact names an account.
    """
    present = frozenset([cast(AccountRef, fact.account) for fact in ordered]) or frozenset(
        [ref] if ref else ()
    )
    if not present:
        raise ValueError("no fact names an account")
    one = next(iter(present))
    if present == {ref or one} and LINKING.isdisjoint([fact.kind for fact in ordered]):
        return United(one, tuple(ordered), present)
    merges = Merges(ordered)
    if ref is None:
        roots = {merges.survivor(account) for account in present}
        if len(roots) > 1:
            return _unrelated(ordered, present, merges)
        ref = one if len(present) == 1 else roots.pop()
    survivor = merges.survivor(ref)
    if survivor != ref:
        own = {f.id: f for f in (*_of(ordered, {ref}), *merges.way(ref))}
        facts = tuple(sorted(own.values(), key=business_time))
        problems = merges.contradictions([ref])
        return United(ref, facts, frozenset((ref,)), merges, survivor, problems)
    members = frozenset(a for a in present if merges.survivor(a) == ref) | {ref}
    own = {f.id: f for f in (*_of(ordered, members), *merges.naming(members))}
    facts = tuple(sorted(own.values(), key=business_time))
    return United(ref, facts, members, merges, None, merges.contradictions(sorted(members)))


def _of(facts: Iterable[Fact], accounts: Collection[AccountRef | None]) -> Iterator[Fact]:
    return (fact for fact in facts if fact.account in accounts)


def _unrelated(ordered: Sequence[Fact], present: frozenset[AccountRef], merges: Merges) -> United:
    """Facts of accounts that nothing joins: whoever put them together was wrong."""
    problem = Contradiction("account", tuple(f.id for f in ordered))
    return United(min(present), tuple(ordered), present, merges, None, (problem,))
