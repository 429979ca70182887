"""Questions to the store: one account, its story, cases, parked messages, and how much there is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy import func, select

from adapters.store.convert import account_row
from adapters.store.feeds import FeedQuestions
from adapters.store.histories import Histories
from adapters.store.mappings import MappingQuestions
from adapters.store.outcomes import waiting_events
from adapters.store.policies import PolicyQuestions
from adapters.store.reader_audit import AuditQuestions
from adapters.store.reader_desk import DeskQuestions
from adapters.store.reader_messages import MessageQuestions
from adapters.store.reader_rows import RowQuestions
from adapters.store.rows import (
    AccountRow,
    CaseHistory,
    CaseRecord,
    DecisionRecord,
    FactRecord,
    MessageRecord,
    OutboxRow,
    ReadingRow,
)
from adapters.store.schema import (
    account,
    case_event,
    collections_case,
    decision,
    fact,
    message,
    message_part,
    reading,
    unread,
)
from adapters.store.session import Session
from schemas.cases import Case, CaseEvent, CaseStatus
from schemas.facts import AccountRef, LargeMessage, fact_from_content

_CASE: Final = (
    collections_case.c.id,
    collections_case.c.number,
    collections_case.c.status,
    collections_case.c.amount_cents,
    collections_case.c.currency,
    collections_case.c.opened_by,
    collections_case.c.decided_by,
    collections_case.c.events,
    collections_case.c.reason,
)
_HEAD: Final = (
    account.c.id,
    account.c.facility,
    account.c.number,
    account.c.decision_id,
    account.c.material,
    account.c.review_on,
    account.c.review_at,
    account.c.determination,
    account.c.patient_cents,
    account.c.balance_cents,
    account.c.currency,
    account.c.facts,
    account.c.cases,
    account.c.version,
    account.c.policy_sha256,
    account.c.heard_at,
    account.c.feeds,
    account.c.withheld,
    account.c.group_id,
)
_ACCOUNTS: Final = select(*_HEAD, *_CASE).select_from(
    account.outerjoin(
        collections_case,
        sa.and_(collections_case.c.account_id == account.c.id, collections_case.c.status == "open"),
    )
)
_DECISIONS: Final = select(
    decision.c.seq,
    decision.c.id,
    account.c.facility,
    account.c.number,
    decision.c.as_of,
    decision.c.decided_at,
    decision.c.content,
    decision.c.policy_version,
    decision.c.opens,
).join(account, account.c.id == decision.c.account_id)
_CASES: Final = select(collections_case.c.seq, account.c.facility, account.c.number, *_CASE).join(
    account, account.c.id == collections_case.c.account_id
)
_MESSAGES: Final = select(
    message.c.seq,
    message.c.sha256,
    message.c.feed,
    message.c.format,
    message.c.door,
    message.c.size,
    message.c.received_at,
    reading.c.finished_at,
).select_from(message.outerjoin(reading, reading.c.message_seq == message.c.seq))


def _is(ref: AccountRef) -> sa.ColumnElement[bool]:
    return sa.and_(account.c.facility == ref.facility, account.c.number == ref.number)


def _decision(row: Any) -> DecisionRecord:
    return DecisionRecord(row[0], row[1], AccountRef(row[2], row[3]), *row[4:])


def _case(row: Any) -> CaseRecord:
    return CaseRecord(row[0], Case(row[3], AccountRef(row[1], row[2]), *row[4:]))


Chunks: TypeAlias = Callable[[int], Iterator[bytes]]
"""The bytes of the message of that number, from the first, each chunk in a transaction of its own."""


class Reader(
    DeskQuestions,
    FeedQuestions,
    AuditQuestions,
    PolicyQuestions,
    RowQuestions,
    Histories,
    MappingQuestions,
    MessageQuestions,
):
    """Questions within one transaction, so that their answers belong together. For one thread.

    `known_at` asks what was recorded up to that instant; None asks for everything.
    """

    def __init__(self, session: Session, chunks: Chunks) -> None:
        self._session = session
        self._chunks = chunks

    @property
    def session(self) -> Session:
        """The statements below; for the modules of this package."""
        return self._session

    def account(self, ref: AccountRef) -> AccountRow | None:
        """An account's head and open case."""
        rows = self._session.select(_ACCOUNTS.where(_is(ref)))
        return account_row(rows[0]) if rows else None

    def find_accounts(self, number: str) -> list[AccountRow]:
        """The accounts of this number, of every facility."""
        rows = self._session.select(_ACCOUNTS.where(account.c.number == number).order_by(account.c.facility))
        return [account_row(row) for row in rows]

    def group(self, ref: AccountRef) -> list[AccountRef]:
        """An account and all that merges ever named together with it, also those taken back; sorted."""
        head = self.account(ref)
        if head is None or head.group_id is None:
            return [ref]
        rows = self._session.select(
            select(account.c.facility, account.c.number).where(account.c.group_id == head.group_id)
        )
        return sorted(AccountRef(facility, number) for facility, number in rows)

    def facts(self, ref: AccountRef, known_at: datetime | None = None) -> list[FactRecord]:
        """An account's facts in the order of writing, each with the message and place it came by."""
        found = (
            select(
                fact.c.seq, fact.c.id, fact.c.identity, fact.c.place, fact.c.content,
                message.c.sha256, fact.c.recorded_at, message.c.feed, message.c.format,
            )
            .join(account, account.c.id == fact.c.account_id)
            .join(message, message.c.seq == fact.c.message_seq)
            .where(_is(ref))
            .order_by(fact.c.seq)
        )  # fmt: skip
        if known_at is not None:
            found = found.where(fact.c.recorded_at <= known_at)
        return [
            FactRecord(
                seq,
                fact_from_content(content, id=id, identity=identity, where=place),
                sha256,
                place,
                recorded_at,
                feed,
                format,
            )
            for seq, id, identity, place, content, sha256, recorded_at, feed, format in self._session.select(
                found
            )
        ]

    def identities(self, identities: Collection[str]) -> dict[str, list[tuple[str, AccountRef]]]:
        """Which facts, of which accounts, senders gave these message ids to."""
        found = (
            select(fact.c.identity, fact.c.id, account.c.facility, account.c.number)
            .join(account, account.c.id == fact.c.account_id)
            .where(fact.c.identity.in_(identities))
            .order_by(fact.c.seq)
        )
        known: dict[str, list[tuple[str, AccountRef]]] = {}
        for identity, id, facility, number in self._session.select(found) if identities else ():
            known.setdefault(identity, []).append((id, AccountRef(facility, number)))
        return known

    def decision(self, id: str) -> DecisionRecord | None:
        """A decision by its id."""
        rows = self._session.select(_DECISIONS.where(decision.c.id == id))
        return _decision(rows[0]) if rows else None

    def latest_decision(self, ref: AccountRef, known_at: datetime | None = None) -> DecisionRecord | None:
        """The account's newest decision."""
        found = self.decisions(ref, known_at, limit=1, newest_first=True)
        return found[0] if found else None

    def decisions(
        self,
        ref: AccountRef,
        known_at: datetime | None = None,
        *,
        limit: int = 1000,
        newest_first: bool = False,
    ) -> list[DecisionRecord]:
        """The account's decisions, first to last unless the newest are asked for."""
        order = decision.c.seq.desc() if newest_first else decision.c.seq
        found = _DECISIONS.where(_is(ref)).order_by(order).limit(limit)
        if known_at is not None:
            found = found.where(decision.c.decided_at <= known_at)
        return [_decision(row) for row in self._session.select(found)]

    def cases(self, status: CaseStatus | None = None, after: int = 0, limit: int = 100) -> list[CaseRecord]:
        """Cases in the order of opening, beyond the cursor `after` (the `seq` of the last one seen)."""
        found = _CASES.where(collections_case.c.seq > after).order_by(collections_case.c.seq).limit(limit)
        if status is not None:
            found = found.where(collections_case.c.status == status)
        return [_case(row) for row in self._session.select(found)]

    def cases_of(self, ref: AccountRef) -> list[CaseRecord]:
        """Every case the account has had, first to last."""
        rows = self._session.select(_CASES.where(_is(ref)).order_by(collections_case.c.number))
        return [_case(row) for row in rows]

    def case(self, id: str) -> CaseHistory | None:
        """A case with its events."""
        rows = self._session.select(_CASES.where(collections_case.c.id == id))
        if not rows:
            return None
        record = _case(rows[0])
        e = case_event.c
        events = self._session.select(
            select(
                e.id, e.case_id, e.move, e.sequence, e.amount_cents, e.previous_cents, e.currency,
                e.decision, e.reason, e.occurred_at,
            )
            .where(e.case_id == id)
            .order_by(e.sequence)
        )  # fmt: skip
        history = [(CaseEvent(x[0], x[1], record.case.account, *x[2:9]), x[9]) for x in events]
        return CaseHistory(record, tuple(history))

    def message(self, sha256: str, feed: str | None = None) -> MessageRecord | None:
        """A message by its digest; the first of several feeds unless one is named."""
        found = _MESSAGES.where(message.c.sha256 == sha256).order_by(message.c.seq).limit(1)
        if feed is not None:
            found = found.where(message.c.feed == feed)
        rows = self._session.select(found)
        return MessageRecord(*rows[0]) if rows else None

    def message_at(self, seq: int) -> MessageRecord | None:
        """A message by its number."""
        rows = self._session.select(_MESSAGES.where(message.c.seq == seq))
        return MessageRecord(*rows[0]) if rows else None

    def reading_of(self, seq: int) -> ReadingRow | None:
        """How reading a message ended; None while it has not."""
        r = reading.c
        asked = select(r.message_seq, r.finished_at, r.accepted, r.duplicate, r.parked, r.mapping)
        rows = self._session.select(asked.where(r.message_seq == seq))
        return ReadingRow(*rows[0]) if rows else None

    def message_chunk(self, seq: int, n: int) -> bytes | None:
        """The `n`-th part of a message's bytes, from 0; None beyond the last. A small body is one part."""
        found = select(message.c.body, message.c.parts).where(message.c.seq == seq)
        rows = self._session.select(found)
        if not rows or n >= max(rows[0][1], 1):
            return None
        if rows[0][0] is not None:
            return bytes(rows[0][0])
        part = select(message_part.c.bytes).where(message_part.c.message_seq == seq, message_part.c.n == n)
        return bytes(self._session.select(part)[0][0])

    def message_chunks(self, seq: int) -> Iterator[bytes]:
        """A message's bytes, at most 1 MiB at a time; nothing for an unknown number."""
        n = 0
        while (chunk := self.message_chunk(seq, n)) is not None:
            yield chunk
            n += 1

    def message_body(self, seq: int) -> bytes:
        """A message's bytes, whole."""
        return b"".join(self.message_chunks(seq))

    def unfinished_messages(self, limit: int = 1000) -> list[tuple[int, LargeMessage]]:
        """Messages, with their numbers, that were kept and not yet read to their end, oldest first.

        Their bytes may be read after this reader is done with.
        """
        found = (
            _MESSAGES.join(unread, unread.c.message_seq == message.c.seq).order_by(message.c.seq).limit(limit)
        )
        return [(row[0], self._large(MessageRecord(*row))) for row in self._session.select(found)]

    def _large(self, m: MessageRecord) -> LargeMessage:
        return LargeMessage(
            m.sha256, m.size, m.feed, m.format, m.door, m.received_at, lambda: self._chunks(m.seq)
        )

    def outbox(self, limit: int) -> list[OutboxRow]:
        """The oldest events that wait for the relay."""
        return waiting_events(self._session, limit)

    def reviews_due(self, as_of: date, now: datetime) -> int:
        """How many accounts wait for a review that is due."""
        due = sa.or_(account.c.review_on <= as_of, account.c.review_at <= now)
        return int(self._session.select(select(func.count()).select_from(account).where(due))[0][0])
