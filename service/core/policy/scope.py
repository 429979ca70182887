"""Which packs concern an account: by facility, state, kinds of facility and payer, and classes of patient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from service.core.account import Account
from service.core.gates import Facility
from service.core.policy.terms import Book

SCOPE_KEYS: Final = ("facility", "state", "facility_kind", "payer_kind", "financial_class", "patient_class")


def folded(text: str) -> str:
    """The form in which a word of a scope and a word of a message are compared.

    >>> folded(" ny ") == folded("NY")
    True
    """
    return text.strip().casefold()


class Scopes:
    """The scoped packs of a policy, as sets of bits: one AND for each key that any of them names."""

    def __init__(self, book: Book) -> None:
        self._facilities = book.facilities
        self._bits = [n for n, pack in enumerate(book.packs) if pack.scope]
        self._everywhere = frozenset(n for n, pack in enumerate(book.packs) if not pack.scope)
        self._every = (1 << len(self._bits)) - 1
        scopes = [pack.scope for pack in book.packs if pack.scope]
        self._asked: list[tuple[str, int, dict[str, int]]] = []
        for key in SCOPE_KEYS:
            silent, by_value = 0, dict[str, int]()
            for bit, scope in enumerate(scopes):
                named = scope.get(key)
                if named is None:
                    silent |= 1 << bit
                for value in named or ():
                    by_value[value] = by_value.get(value, 0) | 1 << bit
            if by_value:
                self._asked.append((key, silent, by_value))

    def __bool__(self) -> bool:
        return bool(self._bits)

    def of(self, account: Account) -> int:
        """The scoped packs whose every key this account matches, as bits.

        What is not known does not match.
        """
        facilities = facilities_of(account, self._facilities)
        return self._matching(lambda key: _STATED[key](account, facilities))

    def of_words(self, words: Mapping[str, Iterable[str]]) -> int:
        """The same for an account of these words; a facility brings in what policy knows of it."""
        said = {key: {folded(word) for word in words.get(key, ())} for key in SCOPE_KEYS}
        for name in list(said["facility"]):
            known = self._facilities.get(name)
            said["state"] |= {folded(known.state)} if known and known.state else set()
            said["facility_kind"] |= {folded(known.kind)} if known and known.kind else set()
        return self._matching(said.__getitem__)

    def _matching(self, stated: Callable[[str], set[str]]) -> int:
        found = self._every
        for key, silent, by_value in self._asked:
            here = silent
            for value in stated(key):
                here |= by_value.get(value, 0)
            found &= here
        return found

    def packs(self, bits: int) -> frozenset[int]:
        """The places of the packs in force: those for everybody and those of these bits."""
        return self._everywhere | {n for bit, n in enumerate(self._bits) if bits >> bit & 1}

    def bits(self, places: Iterable[int]) -> int:
        """The bits of scoped packs."""
        return sum(1 << self._bits.index(n) for n in set(places))


def facilities_of(account: Account, known: Mapping[str, Facility]) -> tuple[Facility, ...]:
    """What policy says of the account's facility; of merged accounts, of each of them that it knows."""
    if not known:
        return ()
    found = {known.get(folded(name)) for name in _names(account)}
    return tuple(sorted([f for f in found if f is not None], key=lambda f: f.name))


def _names(account: Account) -> set[str]:
    """The facilities whose facts make up this account."""
    names = {fact.account.facility for fact in account.facts if fact.account is not None}
    names.add(account.ref.facility)
    return names


def _facility(account: Account, facilities: Iterable[Facility]) -> set[str]:
    return {folded(name) for name in _names(account)}


def _state(account: Account, facilities: Iterable[Facility]) -> set[str]:
    """Where the facility is, and where patient and guarantor live."""
    found = {folded(f.state) for f in facilities if f.state}
    for person in (account.registered.patient, account.registered.guarantor):
        if person is not None and person.address is not None and person.address.state:
            found.add(folded(person.address.state))
    return found


def _facility_kind(account: Account, facilities: Iterable[Facility]) -> set[str]:
    found = {folded(f.kind) for f in facilities if f.kind}
    return found | _word(account.registered.facility_kind)


def _payer_kind(account: Account, facilities: Iterable[Facility]) -> set[str]:
    if account.coverage is None:
        return set()
    return {folded(c.kind) for c in account.coverage.body.coverages if c.kind}


def _financial_class(account: Account, facilities: Iterable[Facility]) -> set[str]:
    return _word(account.registered.financial_class)


def _patient_class(account: Account, facilities: Iterable[Facility]) -> set[str]:
    return _word(account.registered.patient_class)


def _word(text: str | None) -> set[str]:
    return {folded(text)} if text else set()


_STATED: Final[Mapping[str, Callable[[Account, Iterable[Facility]], set[str]]]] = {
    "facility": _facility,
    "state": _state,
    "facility_kind": _facility_kind,
    "payer_kind": _payer_kind,
    "financial_class": _financial_class,
    "patient_class": _patient_class,
}
