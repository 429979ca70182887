"""Feeds that were stated through the API, and proposals to read messages again by a newer mapping."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the tables and their guards."""
    op.create_table(
        "feed_text",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("through", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_feed_text"),
        sa.UniqueConstraint("feed", "number", name="uq_feed_text_feed_number"),
        sa.CheckConstraint("(text IS NULL) = (sha256 IS NULL)", name="ck_feed_text_stated_or_not"),
    )
    op.create_table(
        "reread_proposal",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("through", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_reread_proposal"),
    )
    op.create_table(
        "reread_outcome",
        sa.Column("proposal_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("through", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("proposal_seq", name="pk_reread_outcome"),
        sa.ForeignKeyConstraint(
            ["proposal_seq"], ["reread_proposal.seq"], name="fk_reread_outcome_proposal_seq"
        ),
        sa.CheckConstraint("outcome IN ('approved', 'withdrawn')", name="ck_reread_outcome_outcome"),
    )
    for table in ("feed_text", "reread_proposal", "reread_outcome"):
        _keep(table)


def _keep(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION baton_refuse()"
        )
        return
    for move in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_kept_{move.lower()} BEFORE {move} ON {table} BEGIN"
            " SELECT RAISE(ABORT,"
            f" 'baton: rows of {table} are kept as they were written ({move} refused)'); END"
        )
