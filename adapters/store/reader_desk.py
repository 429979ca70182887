"""Questions about what waits for a person, about keys, and how much there is of everything."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import func, select

from adapters.store.rows import (
    ApiKeyRow,
    Counts,
    OutboxState,
    ParkedAction,
    ParkedFilter,
    ParkedProposal,
    ParkedRecord,
    PolicyRow,
    TallyRow,
)
from adapters.store.schema import (
    account,
    api_key,
    collections_case,
    decision,
    fact,
    message,
    outbox,
    parked,
    parked_action,
    parked_proposal,
    policy,
    tally,
    unread,
)
from adapters.store.session import Session
from schemas.facts import AccountRef

_PARKED: Final = (
    select(
        parked.c.seq, parked.c.message_seq, message.c.sha256, message.c.feed, message.c.format,
        parked.c.place, parked.c.code, parked.c.reason, parked.c.clause,
        account.c.facility, account.c.number, parked.c.parked_at,
    )
    .join(message, message.c.seq == parked.c.message_seq)
    .outerjoin(account, account.c.id == parked.c.account_id)
)  # fmt: skip
_WAITS: Final = ~sa.exists().where(parked_action.c.parked_seq == parked.c.seq)
_KEY: Final = select(
    api_key.c.prefix,
    api_key.c.sha256,
    api_key.c.scopes,
    api_key.c.created_at,
    api_key.c.expires_at,
    api_key.c.revoked_at,
)
_TALLIED: Final = (
    "received",
    "received_cents",
    "accepted",
    "accepted_cents",
    "duplicate",
    "duplicate_cents",
    "parked",
    "parked_cents",
    "claims",
    "denied",
    "taken_back",
    "charge_cents",
    "patient_cents",
)


def _key(row: Any) -> ApiKeyRow:
    return ApiKeyRow(row[0], row[1], tuple(row[2].split()), *row[3:])


def _alike(asked: ParkedFilter) -> list[sa.ColumnElement[bool]]:
    """The conditions of a filter; its words are values, never patterns."""
    named = ((message.c.feed, asked.feed), (parked.c.code, asked.code), (message.c.format, asked.format))
    found: list[sa.ColumnElement[bool]] = [column == value for column, value in named if value]
    if asked.since is not None:
        found.append(parked.c.parked_at >= asked.since)
    if asked.account:
        facility, slash, number = asked.account.partition("/")
        named_so = account.c.number == asked.account
        if slash:
            named_so = sa.or_(named_so, sa.and_(account.c.facility == facility, account.c.number == number))
        found.append(named_so)
    if asked.text:
        columns = (parked.c.code, parked.c.place, parked.c.reason, account.c.number)
        found.append(sa.or_(*(c.icontains(asked.text, autoescape=True) for c in columns)))
    return found


class DeskQuestions:
    """What an operator, a specialist at the parked list, or a metric asks."""

    _session: Session

    def parked(
        self,
        *,
        open_only: bool = True,
        account_ref: AccountRef | None = None,
        message_seq: int | None = None,
        like: ParkedFilter | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[ParkedRecord]:
        """Parked messages and parts, oldest first, beyond the cursor `after`; open: nobody acted yet.

        `account_ref` and `message_seq` ask for those of one account, of one message; `like` narrows further.
        """
        found = _PARKED.where(parked.c.seq > after).order_by(parked.c.seq).limit(limit)
        if open_only:
            found = found.where(_WAITS)
        if account_ref is not None:
            found = found.where(
                account.c.facility == account_ref.facility, account.c.number == account_ref.number
            )
        if message_seq is not None:
            found = found.where(parked.c.message_seq == message_seq)
        if like is not None:
            found = found.where(*_alike(like))
        return self._with_actions(found)

    def parked_one(self, seq: int) -> ParkedRecord | None:
        """One parked message or part."""
        found = self._with_actions(_PARKED.where(parked.c.seq == seq))
        return found[0] if found else None

    def _with_actions(self, found: sa.Select[Any]) -> list[ParkedRecord]:
        rows = self._session.select(found)
        actions: dict[int, list[ParkedAction]] = {row[0]: [] for row in rows}
        if rows:
            a = parked_action.c
            asked = (
                select(a.parked_seq, a.action, a.at, a.by, a.note, a.through)
                .where(a.parked_seq.in_(actions))
                .order_by(a.seq)
            )
            for seq, *action in self._session.select(asked):
                actions[seq].append(ParkedAction(*action))
        proposals = self._proposals(actions)
        return [
            ParkedRecord(
                *row[:9],  # type: ignore[call-arg]
                AccountRef(row[9], row[10]) if row[9] else None,
                row[11],
                tuple(actions[row[0]]),
                proposals.get(row[0]),
            )
            for row in rows
        ]

    def _proposals(self, seqs: Collection[int]) -> dict[int, ParkedProposal]:
        """The newest proposal about each of these that has one."""
        if not seqs:
            return {}
        p = parked_proposal.c
        asked = select(p.parked_seq, p.action, p.at, p.by, p.note, p.stands, p.through)
        asked = asked.where(p.parked_seq.in_(seqs))
        return {row[0]: ParkedProposal(*row[1:]) for row in self._session.select(asked.order_by(p.seq))}

    def api_key(self, prefix: str) -> ApiKeyRow | None:
        """A key by its prefix, in force or not: the caller compares the digest and the days."""
        rows = self._session.select(_KEY.where(api_key.c.prefix == prefix))
        return _key(rows[0]) if rows else None

    def api_keys(self) -> list[ApiKeyRow]:
        """Every key, oldest first."""
        return [
            _key(row) for row in self._session.select(_KEY.order_by(api_key.c.created_at, api_key.c.prefix))
        ]

    def policy(self, sha256: str) -> PolicyRow | None:
        """A policy that was kept."""
        p = policy.c
        found = select(p.sha256, p.version, p.content, p.recorded_at).where(p.sha256 == sha256)
        rows = self._session.select(found)
        return PolicyRow(*rows[0]) if rows else None

    def policy_then(self, instant: datetime) -> str | None:
        """The digest of the policy that was taken into use last by an instant; None where none was yet."""
        p = policy.c
        found = select(p.sha256).where(p.recorded_at <= instant)
        rows = self._session.select(found.order_by(p.recorded_at.desc(), p.sha256).limit(1))
        return str(rows[0][0]) if rows else None

    def first_policy(self) -> str | None:
        """The digest of the policy that was kept first; None where none was yet."""
        p = policy.c
        rows = self._session.select(select(p.sha256).order_by(p.recorded_at, p.sha256).limit(1))
        return str(rows[0][0]) if rows else None

    def tallies(self, feed: str | None = None, day: date | None = None) -> list[TallyRow]:
        """What was counted, summed by feed and day."""
        t = tally.c
        # SUM of bigint is numeric on PostgreSQL: counted in whole cents all the same.
        sums = [sa.cast(func.sum(t[name]), sa.BigInteger) for name in _TALLIED]
        found = select(t.feed, t.day, *sums).group_by(t.feed, t.day).order_by(t.feed, t.day)
        if feed is not None:
            found = found.where(t.feed == feed)
        if day is not None:
            found = found.where(t.day == day)
        return [TallyRow(*row) for row in self._session.select(found)]

    def outbox_state(self) -> OutboxState:
        """How many events wait for the relay, and since when."""
        depth = self._count(select(func.count()).select_from(outbox))
        oldest = self._session.select(select(outbox.c.created_at).order_by(outbox.c.seq).limit(1))
        return OutboxState(depth, oldest[0][0] if oldest else None)

    def counts(self) -> Counts:
        """How much there is of what, counted row by row: a sequence's newest number would also count
        what was rolled back or known already.
        """
        by_status = select(collections_case.c.status, func.count()).group_by(collections_case.c.status)
        return Counts(
            messages=self._count(select(func.count()).select_from(message)),
            facts=self._count(select(func.count()).select_from(fact)),
            accounts=self._count(select(func.count()).select_from(account)),
            decisions=self._count(select(func.count()).select_from(decision)),
            cases={str(status): int(count) for status, count in self._session.select(by_status)},
            parked_open=self._count(select(func.count()).select_from(parked).where(_WAITS)),
            unread=self._count(select(func.count()).select_from(unread)),
            outbox=self.outbox_state(),
        )

    def _count(self, question: sa.Select[Any]) -> int:
        return int(self._session.select(question)[0][0])
