"""The facts of many accounts at once, a range of accounts at a time: for questions about the whole store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from sqlalchemy import func, select

from adapters.store.schema import account, fact, message
from adapters.store.session import Session
from schemas.facts import AccountRef, AccountsMerged, Fact, fact_from_content


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

    def joined_accounts(self) -> frozenset[AccountRef]:
        """Every account that was ever merged with another."""
        found = select(fact.c.content).where(fact.c.kind.in_(["accounts.merged", "accounts.unmerged"]))
        refs: set[AccountRef] = set()
        for (content,) in self._session.select(found):
            stated = fact_from_content(bytes(content))
            if stated.account is not None:
                refs.add(stated.account)
            if isinstance(stated.body, AccountsMerged):
                refs.add(stated.body.into)
        return frozenset(refs)

    def billed_histories(
        self, first: int, last: int, known_at: datetime
    ) -> Iterator[tuple[AccountRef, list[Fact]]]:
        """The facts known by an instant of the accounts numbered `first` to `last` that a statement went."""
        billed = select(fact.c.account_id).where(
            fact.c.account_id.between(first, last), fact.c.kind == "statement.sent"
        )
        found = (
            select(fact.c.account_id, account.c.facility, account.c.number, fact.c.id, fact.c.content)
            .join(account, account.c.id == fact.c.account_id)
            .where(
                fact.c.account_id.between(first, last),
                fact.c.account_id.in_(billed),
                fact.c.recorded_at <= known_at,
            )
            .order_by(fact.c.account_id, fact.c.seq)
        )
        for _, rows in groupby(self._session.select(found), key=lambda row: row[0]):
            many = list(rows)
            facts = [fact_from_content(bytes(row[4]), id=row[3]) for row in many]
            yield AccountRef(many[0][1], many[0][2]), facts
