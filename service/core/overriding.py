"""What people lift: proposed by one, approved by another, withdrawn by anybody; read from facts alone.

Only Baton's own desk makes such facts. Who proposed cannot approve: that is asked here again, whatever let
the fact in, so that two words of one person never count as two people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast
from unicodedata import normalize

from schemas.facts import AccountRef, Fact, OverrideApproved, OverrideProposed, OverrideWithdrawn
from schemas.records import swift_init

DESK: Final = "desk"
"""The reserved part of the keys of facts that people state at Baton's own desk."""

PLACED: Final = "manual"
"""The flag that a person places."""


@swift_init
@dataclass(frozen=True, slots=True)
class Override:
    """One proposal and what became of it; `id` is that of the fact that proposes it.

    An approval by whoever proposed it is none. Once withdrawn it stays so.
    """

    id: str
    account: AccountRef
    proposal: OverrideProposed
    approval: OverrideApproved | None = None
    withdrawal: OverrideWithdrawn | None = None
    evidence: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """`proposed`, `approved` or `withdrawn`."""
        if self.withdrawal is not None:
            return "withdrawn"
        return "proposed" if self.approval is None else "approved"


def is_same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are written; nobody's name is everybody's.

    >>> is_same_person("Ann  Lee", " ann lee"), is_same_person("Ann Lee", "Bob Ray")
    (True, False)
    """
    first, second = _folded(one), _folded(other)
    return not first or not second or first == second


def _folded(name: str) -> str:
    return " ".join(normalize("NFKC", name).split()).casefold()


def are_two_people(one: str, one_known_as: str | None, other: str, other_known_as: str | None) -> bool:
    """Whether two words come from two people: two names, and over HTTP two keys."""
    if is_same_person(one, other):
        return False
    keyed = one_known_as is not None and one_known_as.startswith("key:")
    return not (keyed and one_known_as == other_known_as)


def key_of_hold(account: AccountRef, reference: str) -> str:
    """The key of a hold that a person placed at the desk."""
    return f"account.flagged|{account}|{DESK}|{reference}"


def is_placed_at_desk(fact: Fact) -> bool:
    """Whether a person placed this hold at the desk; a sender's own flag has another key and a message id."""
    reference = getattr(fact.body, "reference", None)
    return (
        fact.kind == "account.flagged"
        and fact.identity is None
        and fact.key == key_of_hold(cast(AccountRef, fact.account), reference or "")
    )


def overrides_of(
    proposed: Iterable[Fact], approved: Iterable[Fact], withdrawn: Iterable[Fact]
) -> tuple[Override, ...]:
    """Every proposal with its first approval by somebody else, and its first withdrawal; oldest first."""
    later = [*approved, *withdrawn]
    return tuple(_override(fact, [f for f in later if _is_about(f, fact)]) for fact in proposed)


def _is_about(later: Fact, proposal: Fact) -> bool:
    said = cast("OverrideApproved | OverrideWithdrawn", later.body)
    return (
        said.override == proposal.id
        and later.account == proposal.account
        and later.occurred_at >= proposal.occurred_at
    )


def _override(fact: Fact, later: list[Fact]) -> Override:
    said = cast(OverrideProposed, fact.body)
    approvals = [
        f
        for f in later
        if isinstance(f.body, OverrideApproved)
        and are_two_people(said.by, said.known_as, f.body.by, f.body.known_as)
    ]
    withdrawals = [f for f in later if isinstance(f.body, OverrideWithdrawn)]
    found = [*approvals[:1], *withdrawals[:1]]
    return Override(
        fact.id,
        cast(AccountRef, fact.account),
        said,
        cast(OverrideApproved, approvals[0].body) if approvals else None,
        cast(OverrideWithdrawn, withdrawals[0].body) if withdrawals else None,
        (fact.id, *(f.id for f in found)),
    )


def released(overrides: Iterable[Override]) -> dict[str, Override]:
    """The holds that two people have released, by the id of the fact that placed each."""
    return {o.proposal.hold: o for o in overrides if o.proposal.hold is not None and o.state == "approved"}
