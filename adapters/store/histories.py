"""The facts of many accounts at once, a range of accounts at a time: for questions about the whole store."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select

from adapters.store.schema import account, fact, message
from adapters.store.session import Session
from schemas.facts import AccountRef, Fact, fact_from_content


class Histories:
    """Questions about the facts of whole ranges of accounts."""

    _session: Session

    def last_account(self) -> int:
        """The highest number of an account; 0 where there is none."""
        found = self._session.select(select(func.max(account.c.id)))
        return int(found[0][0] or 0)

    def account_refs(self, first: int, last: int) -> list[AccountRef]:
        """The accounts of these numbers, `last` included."""
        found = select(account.c.facility, account.c.number).where(account.c.id.between(first, last))
        return [AccountRef(*row) for row in self._session.select(found.order_by(account.c.id))]

    def fact_content(self, id: str) -> bytes | None:
        """The stored bytes of a fact."""
        found = self._session.select(select(fact.c.content).where(fact.c.id == id))
        return bytes(found[0][0]) if found else None

    def last_message(self) -> int:
        """The highest number of a message; 0 where there is none."""
        found = self._session.select(select(func.max(message.c.seq)))
        return int(found[0][0] or 0)

    def statements(
        self, first: int, last: int, known_at: datetime
    ) -> dict[int, tuple[AccountRef, list[Fact]]]:
        """Statements, and approvals of overrides, known by an instant, by account id, of accounts numbered
        `first` to `last` that no merge names; one with neither is left out."""
        found = (
            select(fact.c.account_id, account.c.facility, account.c.number, fact.c.id, fact.c.content)
            .join(account, account.c.id == fact.c.account_id)
            .where(
                fact.c.account_id.between(first, last),
                fact.c.kind.in_(("statement.sent", "override.approved")),
                fact.c.recorded_at <= known_at,
                account.c.group_id.is_(None),
            )
            .order_by(fact.c.account_id, fact.c.seq)
        )
        sent: dict[int, tuple[AccountRef, list[Fact]]] = {}
        for id, facility, number, fact_id, content in self._session.select(found):
            known = sent.setdefault(id, (AccountRef(facility, number), []))
            known[1].append(fact_from_content(bytes(content), id=fact_id))
        return sent

    def groups(self, first: int, last: int) -> list[dict[int, AccountRef]]:
        """Accounts that merges ever named together, by id: the groups whose lowest id is in this range."""
        here = select(account.c.group_id).where(account.c.id.between(first, last))
        found = select(account.c.group_id, account.c.id, account.c.facility, account.c.number)
        found = found.where(account.c.group_id.in_(here.where(account.c.group_id.is_not(None))))
        groups: dict[int, dict[int, AccountRef]] = {}
        for group, id, facility, number in self._session.select(found.order_by(account.c.id)):
            groups.setdefault(group, {})[id] = AccountRef(facility, number)
        return [group for group in groups.values() if first <= min(group)]

    def histories(self, account_ids: Collection[int], known_at: datetime) -> dict[int, list[Fact]]:
        """The facts of accounts known by an instant, in the order of writing; without any, none is named."""
        found = (
            select(fact.c.account_id, fact.c.id, fact.c.identity, fact.c.place, fact.c.content)
            .where(fact.c.account_id.in_(account_ids), fact.c.recorded_at <= known_at)
            .order_by(fact.c.seq)
        )
        facts: dict[int, list[Fact]] = {}
        for account_id, id, identity, place, content in self._session.select(found) if account_ids else ():
            stated = fact_from_content(bytes(content), id=id, identity=identity, where=place)
            facts.setdefault(account_id, []).append(stated)
        return facts
