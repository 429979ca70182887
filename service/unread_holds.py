"""The hold of an account for a part of a message that could not be read, and what lifts it."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.store import Reader
from adapters.store.rows import ParkedRecord
from schemas.facts import UNREAD_PART, AccountCleared, AccountRef, Fact, unread_reference
from service.core.withdrawing import REREAD, to_bring_back, to_take_out, withdrawal, withdrawn
from service.receipts import Moment


def waiting_or_discarded(entries: Iterable[ParkedRecord]) -> set[tuple[str, str]]:
    """Place and code of parts that wait, or that two people said are not needed: neither is parked again."""
    return {(p.place, p.code) for p in entries if not p.actions or p.actions[-1].action == "discarded"}


def lifts(
    reader: Reader, account: AccountRef, sha256: str, place: str, moment: Moment, by: str
) -> list[Fact]:
    """What lifts the hold of an account for a part that waited and does so no more.

    Where the part had been read before, and then waited again, what lifted the hold then counts again.
    """
    fresh = _lifting(account, sha256, place, moment, by)
    every = [r.fact for r in reader.facts(account)]
    before = [f for f in every if f.key == fresh.key]
    if not before:
        return [fresh]
    note = "the part was read again"
    return [
        withdrawal(one, REREAD, moment.now, moment.as_of, by, note)
        for lifted in before
        for one in to_bring_back(lifted, every)
    ]


def holds_again(
    reader: Reader, account: AccountRef, sha256: str, place: str, moment: Moment, by: str
) -> list[Fact]:
    """What takes the lifting of a hold back, for a part that was read once and waits again."""
    key = _lifting(account, sha256, place, moment, by).key
    every = [r.fact for r in reader.facts(account)]
    gone, note = withdrawn(every), "the part waits again"
    return [
        withdrawal(one, REREAD, moment.now, moment.as_of, by, note)
        for lifted in every
        if lifted.key == key and lifted.id not in gone
        for one in to_take_out(lifted, every)
    ]


def _lifting(account: AccountRef, sha256: str, place: str, moment: Moment, by: str) -> Fact:
    reference = unread_reference(sha256, place)
    return Fact.of(
        account,
        f"account.cleared|{account}|baton|{UNREAD_PART}|{reference}",
        moment.now,
        AccountCleared(UNREAD_PART, moment.as_of, reference, by),
        where=place,
    )
