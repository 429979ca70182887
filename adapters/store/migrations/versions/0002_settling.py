"""When a decision acts: settling, shadow mode, paused feeds; and what a feed's days looked like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
APPEND_ONLY = ("control_number", "feed_event", "withheld_case")


def upgrade() -> None:
    """Add the columns and tables, and fill the columns from what is known."""
    _extend_accounts()
    _extend_tallies()
    _create_tables()
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for table in APPEND_ONLY:
        if on_postgres:
            op.execute(
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION baton_refuse()"
            )
        else:
            _guard_sqlite(table)


def _guard_sqlite(table: str) -> None:
    for move in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_kept_{move.lower()} BEFORE {move} ON {table} BEGIN"
            f" SELECT RAISE(ABORT, 'baton: rows of {table} are kept as they were written ({move} refused)');"
            " END"
        )


def _extend_accounts() -> None:
    op.add_column("account", sa.Column("policy_sha256", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("heard_at", INSTANT, nullable=True))
    op.add_column("account", sa.Column("feeds", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("account", sa.Column("withheld", sa.Text(), nullable=True))
    group = (
        "jsonb_agg(DISTINCT m.feed)::text"
        if op.get_bind().dialect.name == "postgresql"
        else "json_group_array(DISTINCT m.feed)"
    )
    # Accounts without facts are left as they are: nothing was heard of them.
    op.execute(
        "UPDATE account SET heard_at ="  # noqa: S608
        " (SELECT max(f.recorded_at) FROM fact f WHERE f.account_id = account.id),"
        f" feeds = (SELECT {group} FROM fact f JOIN message m ON m.seq = f.message_seq"
        " WHERE f.account_id = account.id)"
        " WHERE EXISTS (SELECT 1 FROM fact f WHERE f.account_id = account.id)"
    )
    op.create_index("ix_account_policy_sha256", "account", ["policy_sha256"], unique=False)
    op.create_index(
        "ix_account_withheld",
        "account",
        ["withheld"],
        unique=False,
        sqlite_where=sa.text("withheld IS NOT NULL"),
        postgresql_where=sa.text("withheld IS NOT NULL"),
    )


def _extend_tallies() -> None:
    for name in ("claims", "denied", "taken_back", "charge_cents", "patient_cents"):
        op.add_column("tally", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("tally", sa.Column("recorded_at", INSTANT, nullable=True))


def _create_tables() -> None:
    op.create_table(
        "control_number",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("message_seq", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_control_number"),
    )
    op.create_index("ix_control_number_feed_seq", "control_number", ["feed", "seq"], unique=False)
    op.create_table(
        "feed_event",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("move IN ('paused', 'resumed')", name="ck_feed_event_move"),
        sa.PrimaryKeyConstraint("seq", name="pk_feed_event"),
    )
    op.create_index("ix_feed_event_feed_seq", "feed_event", ["feed", "seq"], unique=False)
    op.create_table(
        "withheld_case",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("causes", sa.Text(), nullable=False),
        sa.Column("feeds", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("move IN ('withheld', 'ended')", name="ck_withheld_case_move"),
        sa.PrimaryKeyConstraint("seq", name="pk_withheld_case"),
    )
    op.create_index("ix_withheld_case_account_id_seq", "withheld_case", ["account_id", "seq"], unique=False)
