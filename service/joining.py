"""Accounts that merges name together, in one transaction: who holds whose facts, and who is decided anew."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from adapters.store.rows import AccountRow
from schemas.facts import AccountRef, AccountsMerged, Fact
from service.core.merging import LINKING, Merges
from service.core.withdrawing import reread_out, withdrawn


@dataclass(slots=True, eq=False)
class Ledger:
    """One locked account while facts are posted to it.

    `group` is that of accounts named together by merges, None for an account that no merge names. `holds` are
    the ledgers of accounts merged into it, `links` the group's merges where it was itself merged away.
    `out` are the facts that a message, read again, stated no more.
    """

    row: AccountRow
    facts: dict[str, Fact]
    keys: dict[str, str]
    feeds: set[str]
    group: int | None
    fresh: list[str] = field(default_factory=list)
    messages: dict[int, None] = field(default_factory=dict)
    holds: tuple[Ledger, ...] = ()
    links: tuple[Fact, ...] = ()
    out: frozenset[str] = frozenset()

    @classmethod
    def of(cls, row: AccountRow, facts: Collection[Fact]) -> Ledger:
        """Begin with what is stored."""
        by_id = {f.id: f for f in facts}
        gone = withdrawn(facts)
        keys = {f.key: f.id for f in facts if f.id not in gone}
        return cls(row, by_id, keys, set(row.feeds), row.group_id, out=reread_out(facts))

    @property
    def is_told(self) -> bool:
        """Whether this transaction brought anything for it."""
        return bool(self.fresh) or self.feeds != set(self.row.feeds)

    def every_fact(self) -> Collection[Fact]:
        """The facts to fold: its own, those of accounts it holds, and the merges that concern it."""
        if not self.holds and not self.links:
            return self.facts.values()
        return [*self.facts.values(), *self.links, *(f for held in self.holds for f in held.facts.values())]

    def every_feed(self) -> set[str]:
        """Every feed that spoke of it or of an account it holds."""
        return self.feeds.union(*(held.feeds for held in self.holds))

    def every_message(self) -> list[int]:
        """The numbers of the messages of this transaction that spoke of it or of an account it holds."""
        return list(dict.fromkeys(m for one in (self, *self.holds) for m in one.messages))

    def heard_at(self, now: datetime) -> datetime | None:
        """When its last fact was recorded; a clock that was set back does not make that earlier."""
        return max(self.row.heard_at or now, now) if self.fresh else self.row.heard_at

    def last_heard_at(self, now: datetime) -> datetime | None:
        """When the last fact was recorded of it or of an account it holds."""
        instants = [at for one in (self, *self.holds) if (at := one.heard_at(now)) is not None]
        return max(instants, default=None)


Ledgers = dict[AccountRef, Ledger]


def named_by(facts: Collection[Fact]) -> set[AccountRef]:
    """The accounts that merges among these facts name besides their own."""
    return {f.body.into for f in facts if isinstance(f.body, AccountsMerged)}


def join(ledgers: Ledgers) -> dict[int, int]:
    """Make one group of accounts that a new merge names together; which groups changed, by account id.

    A group only ever grows: an unmerge parts the facts, and both accounts are still decided together.
    """
    edges = [
        (ledger, ledgers[body.into])
        for ledger in ledgers.values()
        for id in ledger.fresh
        if isinstance(body := ledger.facts[id].body, AccountsMerged)
    ]
    if not edges:
        return {}
    members = _by_group(ledgers)
    for one, other in edges:
        group = min(_group_of(one), _group_of(other))
        joined = {
            m.row.id: m
            for end in (one, other)
            for m in (end, *(members.pop(end.group, ()) if end.group is not None else ()))
        }
        for ledger in joined.values():
            ledger.group = group
        members[group] = list(joined.values())
    return {
        one.row.id: one.group
        for one in ledgers.values()
        if one.group is not None and one.group != one.row.group_id
    }


def _group_of(ledger: Ledger) -> int:
    return ledger.row.id if ledger.group is None else ledger.group


def _by_group(ledgers: Ledgers) -> dict[int, list[Ledger]]:
    members: dict[int, list[Ledger]] = {}
    for ledger in ledgers.values():
        if ledger.group is not None:
            members.setdefault(ledger.group, []).append(ledger)
    return members


def concerned(told: list[Ledger], ledgers: Ledgers) -> list[Ledger]:
    """Every account whose answer these may change, each with the ledgers it holds; who gives up comes first.

    A new fact concerns its account and the one that holds its facts; a merge or an unmerge the whole group.
    """
    if all(ledger.group is None for ledger in told):
        return told
    members = _by_group(ledgers)
    found: dict[AccountRef, tuple[bool, bool, Ledger]] = {}
    for ledger in told:
        if ledger.group is None:
            found[ledger.row.ref] = (True, True, ledger)
    for group in sorted({ledger.group for ledger in told if ledger.group is not None}):
        among = members[group]
        wanted = [one for one in told if one.group == group]
        for one, survives in _arranged(among, wanted):
            found[one.row.ref] = (survives, one.row.case is None, one)
    return [one for *_, one in sorted(found.values(), key=lambda f: f[:2])]


def _arranged(among: list[Ledger], told: list[Ledger]) -> Iterator[tuple[Ledger, bool]]:
    links = [f for one in among for f in one.facts.values() if f.kind in LINKING]
    merges = Merges(links)
    survivor: Mapping[AccountRef, AccountRef] = {one.row.ref: merges.survivor(one.row.ref) for one in among}
    everyone = any(one.facts[id].kind in LINKING for one in told for id in one.fresh)
    refs = {one.row.ref for one in (among if everyone else told)}
    for one in sorted(among, key=lambda one: one.row.ref):
        ref = one.row.ref
        if ref not in refs and all(survivor[r] != ref for r in refs):
            continue
        one.links = tuple(links)
        one.holds = tuple(o for o in among if o is not one and survivor[o.row.ref] == ref)
        yield one, survivor[ref] == ref
