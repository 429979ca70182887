"""The policy as one immutable value, and the policy as it concerns one account."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from service.core.account import Account
from service.core.gates import REGISTRY, Facility
from service.core.policy.scope import Scopes, facilities_of
from service.core.policy.terms import Book, Pack, Period, Terms, period


@dataclass(frozen=True, slots=True)
class Policy:
    """A set of policy packs, by period. `sha256` is over their canonical content, scoped packs included.

    `version` names the packs for everybody; `applied` the scoped packs in force here: none, until the policy
    is asked `for_account`.
    """

    version: str
    sha256: str
    periods: tuple[Period, ...]
    starts: tuple[date, ...]
    groups: Mapping[str, str]
    applied: tuple[str, ...]
    shelf: Shelf = field(compare=False)

    def on(self, day: date) -> Period:
        """What is in force on a day."""
        return self.periods[bisect_right(self.starts, day) - 1]

    def next_change(self, day: date) -> date | None:
        """The first day after this one on which another value takes effect."""
        at = bisect_right(self.starts, day)
        return self.starts[at] if at < len(self.starts) else None

    def of_gate(self, day: date, gate_id: str) -> Terms:
        """One gate's terms on a day."""
        return self.on(day).gates[_POSITION[gate_id]]

    def for_account(self, account: Account) -> Policy:
        """The policy as it concerns an account: of each value, the strictest of all packs that match it."""
        return self.shelf.for_account(account)

    def with_packs(self, names: Iterable[str]) -> Policy:
        """The policy with these scoped packs in force, as a decision names them.

        Raises:
            ValueError: it has no such scoped pack.
        """
        return self.shelf.with_packs(names)

    def facilities_of(self, account: Account) -> tuple[Facility, ...]:
        """What policy says of the account's facility; of merged accounts, of each of them."""
        return facilities_of(account, self.book.facilities)

    def for_words(self, words: Mapping[str, Iterable[str]]) -> Policy:
        """The policy as it would concern an account of these words for each key of a scope."""
        return self.shelf.for_words(words)

    @property
    def book(self) -> Book:
        """Everything its packs say."""
        return self.shelf.book

    @property
    def packs(self) -> tuple[Pack, ...]:
        """Every pack, scoped or not, by file name."""
        return self.book.packs


_POSITION: Final = {gate.id: at for at, gate in enumerate(REGISTRY)}


class Shelf:
    """The book of a policy and the views of it that were asked for: one for each set of matching packs."""

    def __init__(self, book: Book, sha256: str) -> None:
        self.book: Final = book
        self._sha256 = sha256
        self._scopes = Scopes(book)
        self._version = "+".join(sorted(pack.name for pack in book.packs if not pack.scope))
        self._views: dict[int, Policy] = {}

    def for_account(self, account: Account) -> Policy:
        """The view for an account."""
        return self.view(self._scopes.of(account) if self._scopes else 0)

    def for_words(self, words: Mapping[str, Iterable[str]]) -> Policy:
        """The view for an account of these words."""
        return self.view(self._scopes.of_words(words))

    def with_packs(self, names: Iterable[str]) -> Policy:
        """The view with these scoped packs."""
        places = {pack.name: n for n, pack in enumerate(self.book.packs) if pack.scope}
        try:
            return self.view(self._scopes.bits([places[name] for name in names]))
        except KeyError:
            raise ValueError("this policy has no such scoped pack") from None

    def view(self, bits: int = 0) -> Policy:
        """The view for a set of scoped packs, made once; there are as many as sets that accounts match."""
        found = self._views.get(bits)
        if found is None:
            found = self._views[bits] = self._made(self._scopes.packs(bits))
        return found

    def _made(self, active: frozenset[int]) -> Policy:
        starts = self.book.changes(active)
        return Policy(
            self._version,
            self._sha256,
            tuple(period(self.book, active, day) for day in starts),
            tuple(starts),
            self.book.groups,
            tuple(self.book.packs[n].name for n in sorted(active) if self.book.packs[n].scope),
            self,
        )
