"""The first tables, and the triggers that keep history as it was written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")

APPEND_ONLY = (
    "message",
    "message_part",
    "reading",
    "fact",
    "decision",
    "case_event",
    "parked",
    "parked_action",
    "audit_entry",
    "policy",
    "tally",
)
KEPT = ("account", "collections_case")


def upgrade() -> None:
    """Create everything."""
    _create_tables()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgres()
    else:
        _guard_sqlite()


def _guard_postgres() -> None:
    op.execute(
        """
        CREATE FUNCTION baton_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          RAISE EXCEPTION 'baton: rows of % are kept as they were written (% refused)', TG_TABLE_NAME, TG_OP;
        END $$
        """
    )
    for table in APPEND_ONLY + KEPT:
        moves = "UPDATE OR DELETE OR TRUNCATE" if table in APPEND_ONLY else "DELETE OR TRUNCATE"
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE {moves} ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION baton_refuse()"
        )
    # Rows of 2 to 8 KB stay in their page, uncompressed: compressing costs more than the rest of the insert.
    for table in ("message", "fact", "decision", "audit_entry", "outbox"):
        op.execute(f"ALTER TABLE {table} SET (toast_tuple_target = 8160)")
    # Room in each page for heads that change, and for queue rows that come and go.
    op.execute("ALTER TABLE account SET (fillfactor = 70)")
    for table in ("outbox", "queue_message"):
        op.execute(
            f"ALTER TABLE {table} SET"
            " (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)"
        )


def _guard_sqlite() -> None:
    for table in APPEND_ONLY + KEPT:
        for move in ("UPDATE", "DELETE") if table in APPEND_ONLY else ("DELETE",):
            op.execute(
                f"CREATE TRIGGER {table}_kept_{move.lower()} BEFORE {move} ON {table} BEGIN"
                " SELECT RAISE(ABORT,"
                f" 'baton: rows of {table} are kept as they were written ({move} refused)'); END"
            )


def _create_tables() -> None:
    op.create_table(
        "account",
        sa.Column("id", SEQ, nullable=False),
        sa.Column("facility", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=True),
        sa.Column("material", sa.Text(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("review_at", INSTANT, nullable=True),
        sa.Column("determination", sa.Text(), nullable=True),
        sa.Column("patient_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("balance_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("currency", sa.Text(), server_default="USD", nullable=False),
        sa.Column("facts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cases", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("number", "facility", name="uq_account_number_facility"),
    )
    op.create_index(
        "ix_account_review_at",
        "account",
        ["review_at"],
        unique=False,
        postgresql_where=sa.text("review_at IS NOT NULL"),
        sqlite_where=sa.text("review_at IS NOT NULL"),
    )
    op.create_index(
        "ix_account_review_on",
        "account",
        ["review_on"],
        unique=False,
        postgresql_where=sa.text("review_on IS NOT NULL"),
        sqlite_where=sa.text("review_on IS NOT NULL"),
    )
    op.create_table(
        "api_key",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("prefix", name="pk_api_key"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(status IS NULL) = (response IS NULL)", name=op.f("ck_idempotency_key_answered_or_not")
        ),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency_key"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_subject_seq", "audit_entry", ["subject", "seq"], unique=False)
    op.create_table(
        "dead_message",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("delivery_count", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("died_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_dead_message"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "decision",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("opens", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_decision"),
        sa.UniqueConstraint("id", name="uq_decision_id"),
    )
    op.create_index("ix_decision_account_id_seq", "decision", ["account_id", "seq"], unique=False)
    op.create_table(
        "event_message",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_event_message"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "fact",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("message_seq", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_fact"),
        sa.UniqueConstraint("id", name="uq_fact_id"),
    )
    op.create_index("ix_fact_account_id", "fact", ["account_id"], unique=False)
    op.create_index(
        "ix_fact_identity",
        "fact",
        ["identity"],
        unique=False,
        postgresql_where=sa.text("identity IS NOT NULL"),
        sqlite_where=sa.text("identity IS NOT NULL"),
    )
    op.create_table(
        "message",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("parts", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(body IS NULL) = (parts > 0)", name="ck_message_whole_or_parts"),
        sa.PrimaryKeyConstraint("seq", name="pk_message"),
        sa.UniqueConstraint("sha256", "feed", name="uq_message_sha256_feed"),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
        sa.UniqueConstraint("event_id", name="uq_outbox_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "policy",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_policy"),
    )
    op.create_table(
        "queue_message",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("delivery_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_queue_message"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reading",
        sa.Column("message_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("duplicate", sa.BigInteger(), nullable=False),
        sa.Column("parked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_seq", name="pk_reading"),
    )
    op.create_table(
        "tally",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("received_cents", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("accepted_cents", sa.BigInteger(), nullable=False),
        sa.Column("duplicate", sa.BigInteger(), nullable=False),
        sa.Column("duplicate_cents", sa.BigInteger(), nullable=False),
        sa.Column("parked", sa.BigInteger(), nullable=False),
        sa.Column("parked_cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_tally"),
    )
    op.create_index("ix_tally_feed_day", "tally", ["feed", "day"], unique=False)
    op.create_table(
        "collections_case",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('open', 'recalled', 'closed')", name="ck_collections_case_status"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_collections_case_account_id"),
        sa.PrimaryKeyConstraint("seq", name="pk_collections_case"),
        sa.UniqueConstraint("account_id", "number", name="uq_collections_case_account_id_number"),
        sa.UniqueConstraint("id", name="uq_collections_case_id"),
    )
    op.create_index("ix_collections_case_status_seq", "collections_case", ["status", "seq"], unique=False)
    op.create_index(
        "uq_collections_case_open",
        "collections_case",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
        sqlite_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "message_part",
        sa.Column("message_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_seq"],
            ["message.seq"],
            name="fk_message_part_message_seq",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("message_seq", "n", name="pk_message_part"),
    )
    op.create_table(
        "parked",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("message_seq", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("parked_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["message_seq"], ["message.seq"], name="fk_parked_message_seq"),
        sa.PrimaryKeyConstraint("seq", name="pk_parked"),
    )
    op.create_index("ix_parked_account_id", "parked", ["account_id"], unique=False)
    op.create_index("ix_parked_message_seq", "parked", ["message_seq"], unique=False)
    op.create_table(
        "unread",
        sa.Column("message_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["message_seq"], ["message.seq"], name="fk_unread_message_seq"),
        sa.PrimaryKeyConstraint("message_seq", name="pk_unread"),
    )
    op.create_table(
        "case_event",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("previous_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.CheckConstraint("move IN ('opened', 'adjusted', 'recalled', 'closed')", name="ck_case_event_move"),
        sa.ForeignKeyConstraint(["case_id"], ["collections_case.id"], name="fk_case_event_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case_event"),
        sa.UniqueConstraint("case_id", "sequence", name="uq_case_event_case_id_sequence"),
    )
    op.create_index("ix_case_event_account_id", "case_event", ["account_id"], unique=False)
    op.create_table(
        "parked_action",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("parked_seq", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("action IN ('retried', 'discarded')", name="ck_parked_action_action"),
        sa.ForeignKeyConstraint(["parked_seq"], ["parked.seq"], name="fk_parked_action_parked_seq"),
        sa.PrimaryKeyConstraint("seq", name="pk_parked_action"),
    )
    op.create_index("ix_parked_action_parked_seq", "parked_action", ["parked_seq"], unique=False)
