"""Questions about messages: which came, what became of them, and the facts each one stated."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import select

from adapters.store.rows import FactRecord, MessageFate, MessageFilter, MessageReading
from adapters.store.schema import account, control_number, fact, message, parked, read_again, reading
from adapters.store.session import Session
from schemas.facts import fact_from_content

_FATES: Final = select(
    message.c.seq, message.c.sha256, message.c.feed, message.c.format, message.c.door, message.c.size,
    message.c.received_at, reading.c.accepted, reading.c.duplicate, reading.c.parked,
).select_from(message.outerjoin(reading, reading.c.message_seq == message.c.seq))  # fmt: skip
_FACTS: Final = (
    select(
        fact.c.seq, fact.c.id, fact.c.identity, fact.c.place, fact.c.content,
        message.c.sha256, fact.c.recorded_at, message.c.feed, message.c.format,
    )
    .join(message, message.c.seq == fact.c.message_seq)
    .order_by(fact.c.seq)
)  # fmt: skip


def _with_status(status: str) -> sa.ColumnElement[bool]:
    r = reading.c
    return {
        "unread": r.message_seq.is_(None),
        "parked": r.parked > 0,
        "duplicate": sa.and_(r.parked == 0, r.duplicate > 0, r.accepted == 0),
        "accepted": sa.and_(r.parked == 0, sa.or_(r.duplicate == 0, r.accepted > 0)),
    }[status]


def _of_account(text: str) -> sa.ColumnElement[bool]:
    facility, slash, number = text.partition("/")
    named = account.c.number == text
    if slash:
        named = sa.or_(named, sa.and_(account.c.facility == facility, account.c.number == number))
    ids = select(account.c.id).where(named)
    return sa.or_(
        message.c.seq.in_(select(fact.c.message_seq).where(fact.c.account_id.in_(ids))),
        message.c.seq.in_(select(parked.c.message_seq).where(parked.c.account_id.in_(ids))),
    )


def _of_id(text: str) -> sa.ColumnElement[bool]:
    """By the sender's own message id (`source/id`), or by the number it counts by."""
    found: sa.ColumnElement[bool] = message.c.seq.in_(
        select(fact.c.message_seq).where(fact.c.identity == text)
    )
    if text.isascii() and text.isdigit() and len(text) <= 18:
        numbered = select(control_number.c.message_seq).where(control_number.c.number == int(text))
        found = sa.or_(found, message.c.seq.in_(numbered))
    return found


def _alike(like: MessageFilter) -> list[sa.ColumnElement[bool]]:
    """The conditions of a filter."""
    found: list[sa.ColumnElement[bool]] = []
    if like.feed:
        found.append(message.c.feed == like.feed)
    if like.since is not None:
        found.append(message.c.received_at >= like.since)
    if like.until is not None:
        found.append(message.c.received_at < like.until)
    if like.status:
        found.append(_with_status(like.status))
    if like.account:
        found.append(_of_account(like.account))
    if like.id:
        found.append(_of_id(like.id))
    return found


class MessageQuestions:
    """What an operator asks about messages."""

    _session: Session

    def messages(self, like: MessageFilter, before: int | None, limit: int) -> list[MessageFate]:
        """Messages that match, newest first, older than the cursor `before` (the `seq` of the last seen)."""
        found = _FATES.order_by(message.c.seq.desc()).limit(limit)
        if before is not None:
            found = found.where(message.c.seq < before)
        found = found.where(*_alike(like))
        return [MessageFate(*row) for row in self._session.select(found)]

    def message_readings(self, like: MessageFilter, after: int, limit: int) -> list[MessageReading]:
        """Messages that were read and match, oldest first, beyond the cursor `after`; by which mapping."""
        again = (
            select(read_again.c.mapping)
            .where(read_again.c.message_seq == message.c.seq, read_again.c.whole)
            .order_by(read_again.c.seq.desc())
            .limit(1)
            .correlate(message)
        )
        found = (
            select(
                message.c.seq, message.c.sha256, message.c.feed,
                sa.func.coalesce(again.scalar_subquery(), reading.c.mapping), reading.c.duplicate,
            )
            .join(reading, reading.c.message_seq == message.c.seq)
            .where(message.c.seq > after, *_alike(like))
            .order_by(message.c.seq)
            .limit(limit)
        )  # fmt: skip
        return [MessageReading(*row) for row in self._session.select(found)]

    def known_facts(self, ids: Collection[str]) -> frozenset[str]:
        """Which of these facts are stored."""
        several = list(ids)
        pages = [several[n : n + 500] for n in range(0, len(several), 500)]
        return frozenset(
            row[0]
            for page in pages
            for row in self._session.select(select(fact.c.id).where(fact.c.id.in_(page)))
        )

    def facts_of_message(self, seq: int, limit: int = 1000) -> list[FactRecord]:
        """The facts that a message was the first to state, in the order of writing."""
        found = _FACTS.where(fact.c.message_seq == seq).limit(limit)
        return [_fact(row) for row in self._session.select(found)]

    def fact(self, id: str) -> FactRecord | None:
        """A fact by its id."""
        rows = self._session.select(_FACTS.where(fact.c.id == id))
        return _fact(rows[0]) if rows else None

    def facts_begun(self, prefix: str, limit: int = 2) -> list[FactRecord]:
        """Facts that people stated at the desk whose id begins so, in the order of writing."""
        begins = sa.and_(fact.c.id >= prefix, fact.c.id < prefix + "g")
        return [_fact(row) for row in self._session.select(_OF_THE_DESK.where(begins).limit(limit))]

    def facts_of_the_desk(self, limit: int = 1000) -> list[FactRecord]:
        """What people stated at the desk, newest first."""
        found = _OF_THE_DESK.order_by(None).order_by(fact.c.seq.desc()).limit(limit)
        return [_fact(row) for row in self._session.select(found)]


_OF_THE_DESK: Final = _FACTS.where(sa.text("fact.place = 'desk'"))
"""Written out, so that both databases see that the index of such facts answers it."""


def _fact(row: Any) -> FactRecord:
    seq, id, identity, place, content, sha256, recorded_at, feed, format = row
    stated = fact_from_content(content, id=id, identity=identity, where=place)
    return FactRecord(seq, stated, sha256, place, recorded_at, feed, format)
