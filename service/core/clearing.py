"""Which flags of an account stand, and since when the others do not."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import accumulate
from typing import TypeAlias, cast

from schemas.facts import AccountCleared, AccountFlagged, AccountRef, Fact
from service.core.guarantors import Kinds
from service.core.merging import United
from service.core.overriding import Override, is_placed_at_desk

When: TypeAlias = tuple[datetime, date]
"""When something was said, and the day from which it was said to be so: the later counts."""


def flags_and_days(
    kinds: Kinds, united: United, overrides: Iterable[Override]
) -> Iterator[tuple[Fact, date | None]]:
    """Each flag with the day on which it was lifted, None while it stands.

    What a person placed at the desk is released by two people alone, never by a clearing.
    """
    placed = kinds.get("account.flagged")
    if not placed:
        return
    cleared = _Clearings(kinds.get("account.cleared", ()), united)
    let_go = {(o.proposal.hold, o.account): o.approval for o in overrides if o.state == "approved"}
    for fact in placed:
        if not is_placed_at_desk(fact):
            yield fact, cleared.lift(fact)
            continue
        approval = let_go.get((fact.id, cast(AccountRef, fact.account)))
        yield fact, approval.on if approval else None


class _Clearings:
    """Clearings in order, so that an account with many flags and as many clearings costs no more for each."""

    def __init__(self, cleared: Iterable[Fact], united: United) -> None:
        told: dict[tuple[AccountRef, str, str | None], list[When]] = {}
        for fact in cleared:
            body = cast(AccountCleared, fact.body)
            for account in united.reaches(fact) if united.is_joint else (cast(AccountRef, fact.account),):
                about = account, body.flag, body.reference
                told.setdefault(about, []).append((fact.occurred_at, body.cleared_on))
        self._told: dict[tuple[AccountRef, str, str | None], tuple[list[When], list[date]]] = {}
        for about, times in told.items():
            times.sort()
            first_of_rest = [*accumulate((on for _, on in reversed(times)), min)]
            self._told[about] = times, first_of_rest[::-1]

    def lift(self, flagged: Fact) -> date | None:
        """The first day on which a clearing lifts this flag: same name and reference (or none), and later.

        A flag with a reference needs that reference; so a general clearing never lifts a hold it did not
        name. Nor does one that was stated for another account before the two were merged.
        """
        placed = cast(AccountFlagged, flagged.body)
        about = cast(AccountRef, flagged.account), placed.flag, placed.reference
        times, first_of_rest = self._told.get(about, ([], []))
        later = bisect_right(times, (flagged.occurred_at, placed.since))
        return first_of_rest[later] if later < len(times) else None
