"""The tables, once, for PostgreSQL and SQLite.

Hot tables (fact, decision, reading, audit entry, tally) carry no foreign keys: PostgreSQL checks each row of
one by itself, and nothing they point at can go away, since it cannot be deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Column, Index, MetaData, Table, UniqueConstraint

LARGE_BYTES: Final = 1 << 20
"""A body above this is kept in parts of at most this many bytes."""


def instant_text(moment: datetime) -> str:
    """Write an aware instant as fixed-width UTC text, so that text order is time order.

    >>> instant_text(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05.000000+00:00'
    """
    at = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    # Every entry of a log that is checked comes by here; isoformat takes half as long again.
    return "%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00" % (  # noqa: UP031
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond,
    )  # fmt: skip


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware UTC instant: `timestamptz` on PostgreSQL, fixed-width ISO text on SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Choose the column type of the database."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Write an instant."""
        return value if value is None or dialect.name == "postgresql" else instant_text(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Read an instant."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value


_NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: Final = MetaData(naming_convention=_NAMES)

_TEXT: Final = sa.Text()
_CENTS: Final = sa.BigInteger()
_COUNT: Final = sa.BigInteger()
_BYTES: Final = sa.LargeBinary()


def _seq() -> Column[int]:
    """The order of writing; SQLite numbers a row by itself only in an INTEGER primary key."""
    return Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _need(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False)


message: Final = Table(
    "message",
    metadata,
    _seq(),
    _need("sha256", _TEXT),
    _need("feed", _TEXT),
    _need("format", _TEXT),
    _need("door", _TEXT),
    _need("size", _COUNT),
    _need("received_at", Instant()),
    Column("body", _BYTES),
    _need("parts", _COUNT),
    # The digest comes first: the same index finds a message by digest alone.
    UniqueConstraint("sha256", "feed"),
    sa.CheckConstraint("(body IS NULL) = (parts > 0)", name="whole_or_parts"),
)

message_part: Final = Table(
    "message_part",
    metadata,
    # Deferred: parts are written while the file is still being read, the message when its digest is known.
    Column(
        "message_seq",
        sa.BigInteger,
        sa.ForeignKey("message.seq", deferrable=True, initially="DEFERRED"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    _need("bytes", _BYTES),
)

unread: Final = Table(
    "unread",
    metadata,
    Column("message_seq", sa.BigInteger, sa.ForeignKey("message.seq"), primary_key=True, autoincrement=False),
)
"""Messages kept in one transaction and read in a later one; a small table, so that resuming is quick."""

reading: Final = Table(
    "reading",
    metadata,
    Column("message_seq", sa.BigInteger, primary_key=True, autoincrement=False),
    _need("finished_at", Instant()),
    _need("accepted", _COUNT),
    _need("duplicate", _COUNT),
    _need("parked", _COUNT),
    Column("mapping", _TEXT),
)

read_again: Final = Table(
    "read_again",
    metadata,
    _seq(),
    _need("message_seq", sa.BigInteger),
    _need("mapping", _TEXT),
    _need("whole", sa.Boolean(create_constraint=False)),
    _need("facts", _COUNT),
    _need("withdrawn", _COUNT),
    _need("by", _TEXT),
    _need("through", _TEXT),
    _need("at", Instant()),
    Index("ix_read_again_message_seq", "message_seq"),
)
"""Which mapping read a message again later: wholly, or one parked part of it."""

mapping_version: Final = Table(
    "mapping_version",
    metadata,
    _seq(),
    _need("feed", _TEXT),
    _need("sha256", _TEXT),
    _need("content", _BYTES),
    _need("recorded_at", Instant()),
    Index("ix_mapping_version_feed_seq", "feed", "seq"),
    Index("ix_mapping_version_sha256", "sha256"),
)
"""How each feed was read from when on; `reading.mapping` names one of these by its digest."""

feed_text: Final = Table(
    "feed_text",
    metadata,
    _seq(),
    _need("feed", _TEXT),
    _need("number", _COUNT),
    Column("text", _TEXT),
    Column("sha256", _TEXT),
    _need("by", _TEXT),
    _need("through", _TEXT),
    _need("at", Instant()),
    # Of two who state a feed's next version at once, one finds its number taken.
    UniqueConstraint("feed", "number"),
    sa.CheckConstraint("(text IS NULL) = (sha256 IS NULL)", name="stated_or_not"),
)
"""What was said of feeds through the API, version by version; without text from when it counts no more."""

reread_proposal: Final = Table(
    "reread_proposal",
    metadata,
    _seq(),
    _need("sha256", _TEXT),
    _need("asked", _BYTES),
    _need("messages", _COUNT),
    _need("by", _TEXT),
    _need("through", _TEXT),
    _need("note", _TEXT),
    _need("at", Instant()),
)
"""What one person proposes to read again by the mapping of today; `sha256` is over what would change."""

reread_outcome: Final = Table(
    "reread_outcome",
    metadata,
    Column(
        "proposal_seq",
        sa.BigInteger,
        sa.ForeignKey("reread_proposal.seq"),
        primary_key=True,
        autoincrement=False,
    ),
    _need("outcome", _TEXT),
    _need("by", _TEXT),
    _need("through", _TEXT),
    _need("note", _TEXT),
    _need("at", Instant()),
    sa.CheckConstraint("outcome IN ('approved', 'withdrawn')", name="outcome"),
)

fact: Final = Table(
    "fact",
    metadata,
    _seq(),
    _need("id", _TEXT),
    _need("kind", _TEXT),
    Column("account_id", sa.BigInteger),
    _need("key", _TEXT),
    Column("identity", _TEXT),
    _need("content", _BYTES),
    _need("message_seq", sa.BigInteger),
    _need("place", _TEXT),
    _need("recorded_at", Instant()),
    UniqueConstraint("id"),
    Index("ix_fact_account_id", "account_id"),
    Index(
        "ix_fact_identity",
        "identity",
        postgresql_where=sa.text("identity IS NOT NULL"),
        sqlite_where=sa.text("identity IS NOT NULL"),
    ),
    Index(
        "ix_fact_desk",
        "seq",
        postgresql_where=sa.text("place = 'desk'"),
        sqlite_where=sa.text("place = 'desk'"),
    ),
)

account: Final = Table(
    "account",
    metadata,
    Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    _need("facility", _TEXT),
    _need("number", _TEXT),
    Column("decision_id", _TEXT),
    Column("material", _TEXT),
    Column("review_on", sa.Date),
    Column("review_at", Instant()),
    Column("determination", _TEXT),
    Column("patient_cents", _CENTS, nullable=False, server_default="0"),
    Column("balance_cents", _CENTS, nullable=False, server_default="0"),
    Column("currency", _TEXT, nullable=False, server_default="USD"),
    Column("facts", _COUNT, nullable=False, server_default="0"),
    Column("cases", _COUNT, nullable=False, server_default="0"),
    Column("version", _COUNT, nullable=False, server_default="0"),
    Column("policy_sha256", _TEXT),
    Column("heard_at", Instant()),
    Column("feeds", _TEXT, nullable=False, server_default="[]"),
    Column("withheld", _TEXT),
    Column("group_id", sa.BigInteger),
    UniqueConstraint("number", "facility"),
    Index(
        "ix_account_group_id",
        "group_id",
        postgresql_where=sa.text("group_id IS NOT NULL"),
        sqlite_where=sa.text("group_id IS NOT NULL"),
    ),
    Index("ix_account_policy_sha256", "policy_sha256"),
    Index(
        "ix_account_withheld",
        "withheld",
        postgresql_where=sa.text("withheld IS NOT NULL"),
        sqlite_where=sa.text("withheld IS NOT NULL"),
    ),
    Index(
        "ix_account_review_on",
        "review_on",
        postgresql_where=sa.text("review_on IS NOT NULL"),
        sqlite_where=sa.text("review_on IS NOT NULL"),
    ),
    Index(
        "ix_account_review_at",
        "review_at",
        postgresql_where=sa.text("review_at IS NOT NULL"),
        sqlite_where=sa.text("review_at IS NOT NULL"),
    ),
)

decision: Final = Table(
    "decision",
    metadata,
    _seq(),
    _need("id", _TEXT),
    _need("account_id", sa.BigInteger),
    _need("as_of", sa.Date),
    _need("decided_at", Instant()),
    _need("content", _BYTES),
    _need("policy_version", _TEXT),
    _need("opens", sa.Boolean(create_constraint=False)),
    UniqueConstraint("id"),
    Index("ix_decision_account_id_seq", "account_id", "seq"),
)

collections_case: Final = Table(
    "collections_case",
    metadata,
    _seq(),
    _need("id", _TEXT),
    Column("account_id", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False),
    _need("number", _COUNT),
    _need("status", _TEXT),
    _need("amount_cents", _CENTS),
    _need("currency", _TEXT),
    _need("opened_by", _TEXT),
    _need("decided_by", _TEXT),
    _need("events", _COUNT),
    Column("reason", _TEXT),
    UniqueConstraint("id"),
    UniqueConstraint("account_id", "number"),
    Index(
        "uq_collections_case_open",
        "account_id",
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
        sqlite_where=sa.text("status = 'open'"),
    ),
    Index("ix_collections_case_status_seq", "status", "seq"),
    sa.CheckConstraint("status IN ('open', 'recalled', 'closed')", name="status"),
)

case_event: Final = Table(
    "case_event",
    metadata,
    Column("id", _TEXT, primary_key=True),
    Column("case_id", _TEXT, sa.ForeignKey("collections_case.id"), nullable=False),
    _need("account_id", sa.BigInteger),
    _need("move", _TEXT),
    _need("sequence", _COUNT),
    _need("amount_cents", _CENTS),
    _need("previous_cents", _CENTS),
    _need("currency", _TEXT),
    _need("decision", _TEXT),
    _need("reason", _TEXT),
    _need("occurred_at", Instant()),
    UniqueConstraint("case_id", "sequence"),
    Index("ix_case_event_account_id", "account_id"),
    sa.CheckConstraint("move IN ('opened', 'adjusted', 'recalled', 'closed')", name="move"),
)

parked: Final = Table(
    "parked",
    metadata,
    _seq(),
    Column("message_seq", sa.BigInteger, sa.ForeignKey("message.seq"), nullable=False),
    _need("place", _TEXT),
    _need("code", _TEXT),
    _need("reason", _TEXT),
    _need("clause", _TEXT),
    Column("account_id", sa.BigInteger),
    _need("parked_at", Instant()),
    Index("ix_parked_message_seq", "message_seq"),
    Index("ix_parked_account_id", "account_id"),
)

parked_action: Final = Table(
    "parked_action",
    metadata,
    _seq(),
    Column("parked_seq", sa.BigInteger, sa.ForeignKey("parked.seq"), nullable=False),
    _need("action", _TEXT),
    _need("at", Instant()),
    _need("by", _TEXT),
    _need("note", _TEXT),
    Column("through", _TEXT, nullable=False, server_default=""),
    Index("ix_parked_action_parked_seq", "parked_seq"),
    sa.CheckConstraint("action IN ('retried', 'discarded')", name="action"),
)

parked_proposal: Final = Table(
    "parked_proposal",
    metadata,
    _seq(),
    Column("parked_seq", sa.BigInteger, sa.ForeignKey("parked.seq"), nullable=False),
    _need("action", _TEXT),
    _need("stands", _TEXT),
    _need("at", Instant()),
    _need("by", _TEXT),
    _need("note", _TEXT),
    Column("through", _TEXT, nullable=False, server_default=""),
    Index("ix_parked_proposal_parked_seq", "parked_seq"),
    sa.CheckConstraint("action IN ('discard', 'settle')", name="action"),
)
"""What one person proposes to do about a parked message; done when a second one agrees."""

feed_alert: Final = Table(
    "feed_alert",
    metadata,
    _seq(),
    _need("feed", _TEXT),
    _need("move", _TEXT),
    _need("cause", _TEXT),
    _need("text", _TEXT),
    _need("at", Instant()),
    Column("number", _COUNT),
    Index("ix_feed_alert_feed_seq", "feed", "seq"),
    # Of two clocks that see the same at once, one finds its number taken, and tells nobody.
    Index("uq_feed_alert_feed_cause_number", "feed", "cause", "number", unique=True),
    sa.CheckConstraint("move IN ('alert', 'recovered')", name="move"),
)
"""When something about a feed was told to people, and when it was over; the last row of each cause counts."""

audit_entry: Final = Table(
    "audit_entry",
    metadata,
    # Numbered by hand, densely, under the lock of `audit_head`.
    Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    _need("kind", _TEXT),
    _need("commitment", _BYTES),
    _need("hash", _TEXT),
    _need("chain", _BYTES),
    _need("recorded_at", Instant()),
)
"""The leaves of the audit log: no patient's data."""

audit_content: Final = Table(
    "audit_content",
    metadata,
    Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    _need("subject", _TEXT),
    _need("content", _BYTES),
    _need("salt", _BYTES),
    Index("ix_audit_content_subject_seq", "subject", "seq"),
)
"""What the leaves commit to. Rows may be erased by law, never changed; an erasure is an entry itself."""

audit_head: Final = Table(
    "audit_head",
    metadata,
    Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    _need("size", _COUNT),
    _need("peaks", _BYTES),
    _need("chain", _BYTES),
    sa.CheckConstraint("id = 1", name="one"),
)
"""One row: how large the log is, and what it needs to grow."""

audit_checkpoint: Final = Table(
    "audit_checkpoint",
    metadata,
    Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    _need("text", _TEXT),
    _need("made_at", Instant()),
)
"""Signed checkpoints as they were given out."""

outbox: Final = Table(
    "outbox",
    metadata,
    _seq(),
    _need("event_id", _TEXT),
    _need("routing_key", _TEXT),
    _need("account", _TEXT),
    _need("body", _BYTES),
    _need("created_at", Instant()),
    UniqueConstraint("event_id"),
    sqlite_autoincrement=True,
)

policy: Final = Table(
    "policy",
    metadata,
    Column("sha256", _TEXT, primary_key=True),
    _need("version", _TEXT),
    _need("content", _BYTES),
    _need("recorded_at", Instant()),
)

policy_proposal: Final = Table(
    "policy_proposal",
    metadata,
    _seq(),
    Column("sha256", _TEXT, sa.ForeignKey("policy.sha256"), nullable=False),
    Column("base_sha256", _TEXT),
    _need("by", _TEXT),
    _need("os_user", _TEXT),
    _need("note", _TEXT),
    _need("proposed_at", Instant()),
)
"""Policies that somebody wants in force. Number 0 is the one that a new store began with."""

policy_outcome: Final = Table(
    "policy_outcome",
    metadata,
    Column(
        "proposal_seq",
        sa.BigInteger,
        sa.ForeignKey("policy_proposal.seq"),
        primary_key=True,
        autoincrement=False,
    ),
    _need("outcome", _TEXT),
    Column("generation", _COUNT),
    _need("by", _TEXT),
    _need("os_user", _TEXT),
    _need("note", _TEXT),
    _need("settled_at", Instant()),
    Column("effective_at", Instant()),
    # Of two approvals at once, one finds its generation taken: the history of policies is one line.
    UniqueConstraint("generation"),
    sa.CheckConstraint("outcome IN ('bootstrap', 'approved', 'withdrawn')", name="outcome"),
    sa.CheckConstraint("(generation IS NULL) = (outcome = 'withdrawn')", name="withdrawn_or_counted"),
    sa.CheckConstraint("(effective_at IS NULL) = (outcome = 'withdrawn')", name="withdrawn_or_effective"),
)

api_key: Final = Table(
    "api_key",
    metadata,
    Column("prefix", _TEXT, primary_key=True),
    _need("sha256", _TEXT),
    _need("scopes", _TEXT),
    _need("created_at", Instant()),
    Column("expires_at", Instant()),
    Column("revoked_at", Instant()),
)

idempotency_key: Final = Table(
    "idempotency_key",
    metadata,
    Column("key", _TEXT, primary_key=True),
    _need("sha256", _TEXT),
    Column("status", _COUNT),
    Column("response", _BYTES),
    _need("created_at", Instant()),
    sa.CheckConstraint("(status IS NULL) = (response IS NULL)", name="answered_or_not"),
)
"""Requests that came under a key of the sender's own, and how they were answered; null until they are."""

tally: Final = Table(
    "tally",
    metadata,
    _seq(),
    _need("feed", _TEXT),
    _need("day", sa.Date),
    _need("received", _COUNT),
    _need("received_cents", _CENTS),
    _need("accepted", _COUNT),
    _need("accepted_cents", _CENTS),
    _need("duplicate", _COUNT),
    _need("duplicate_cents", _CENTS),
    _need("parked", _COUNT),
    _need("parked_cents", _CENTS),
    Column("claims", _COUNT, nullable=False, server_default="0"),
    Column("denied", _COUNT, nullable=False, server_default="0"),
    Column("taken_back", _COUNT, nullable=False, server_default="0"),
    Column("charge_cents", _CENTS, nullable=False, server_default="0"),
    Column("patient_cents", _CENTS, nullable=False, server_default="0"),
    Column("recorded_at", Instant()),
    Column("slowest_ms", _COUNT),
    Column("freshest_ms", _COUNT),
    Index("ix_tally_feed_day", "feed", "day"),
    Index("ix_tally_feed_recorded_at", "feed", "recorded_at"),
)

refusal: Final = Table(
    "refusal",
    metadata,
    _seq(),
    _need("feed", _TEXT),
    _need("day", sa.Date),
    _need("door", _TEXT),
    _need("code", _TEXT),
    _need("messages", _COUNT),
    _need("recorded_at", Instant()),
    Index("ix_refusal_feed_day", "feed", "day"),
)
"""What doors refused and did not keep: how many messages, and why. Written together, once in a while."""

control_number: Final = Table(
    "control_number",
    metadata,
    _seq(),
    _need("feed", _TEXT),
    _need("number", _COUNT),
    _need("message_seq", sa.BigInteger),
    _need("recorded_at", Instant()),
    Index("ix_control_number_feed_seq", "feed", "seq"),
)
"""The numbers that senders count their messages or interchanges by, where a reader found one."""

feed_event: Final = Table(
    "feed_event",
    metadata,
    _seq(),
    _need("feed", _TEXT),
    _need("move", _TEXT),
    _need("cause", _TEXT),
    _need("text", _TEXT),
    _need("by", _TEXT),
    _need("at", Instant()),
    Index("ix_feed_event_feed_seq", "feed", "seq"),
    sa.CheckConstraint("move IN ('paused', 'resumed')", name="move"),
)
"""When opening cases from a feed paused and resumed, and why; the last one of a feed is how it stands."""

withheld_case: Final = Table(
    "withheld_case",
    metadata,
    _seq(),
    _need("account_id", sa.BigInteger),
    _need("move", _TEXT),
    _need("causes", _TEXT),
    _need("feeds", _TEXT),
    _need("amount_cents", _CENTS),
    _need("currency", _TEXT),
    _need("decision", _TEXT),
    _need("policy_version", _TEXT),
    _need("at", Instant()),
    Index("ix_withheld_case_account_id_seq", "account_id", "seq"),
    sa.CheckConstraint("move IN ('withheld', 'ended')", name="move"),
)
"""Cases that would have opened, but for shadow mode or a paused feed; and when that was over."""

queue_message: Final = Table(
    "queue_message",
    metadata,
    _seq(),
    _need("routing_key", _TEXT),
    _need("body", _BYTES),
    _need("headers", _TEXT),
    Column("delivery_count", _COUNT, nullable=False, server_default="0"),
    Column("leased_until", Instant()),
    sqlite_autoincrement=True,
)

dead_message: Final = Table(
    "dead_message",
    metadata,
    _seq(),
    _need("routing_key", _TEXT),
    _need("body", _BYTES),
    _need("headers", _TEXT),
    _need("delivery_count", _COUNT),
    _need("reason", _TEXT),
    _need("died_at", Instant()),
    sqlite_autoincrement=True,
)

event_message: Final = Table(
    "event_message",
    metadata,
    _seq(),
    _need("event_id", _TEXT),
    _need("routing_key", _TEXT),
    _need("body", _BYTES),
    _need("headers", _TEXT),
    _need("published_at", Instant()),
    sqlite_autoincrement=True,
)

APPEND_ONLY: Final = (
    "message",
    "message_part",
    "reading",
    "read_again",
    "fact",
    "decision",
    "case_event",
    "parked",
    "parked_action",
    "parked_proposal",
    "feed_alert",
    "audit_entry",
    "audit_checkpoint",
    "policy",
    "policy_proposal",
    "policy_outcome",
    "tally",
    "refusal",
    "control_number",
    "feed_event",
    "withheld_case",
    "mapping_version",
    "feed_text",
    "reread_proposal",
    "reread_outcome",
)
"""No row of these is ever changed or removed; triggers refuse it on both databases."""

KEPT: Final = ("account", "collections_case")
"""Rows of these change, and are never removed."""
