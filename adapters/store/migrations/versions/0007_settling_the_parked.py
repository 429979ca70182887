"""What one person proposes to do about a parked message, until another agrees; alerts about feeds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
TABLES = ("parked_proposal", "feed_alert")


def upgrade() -> None:
    """Add the tables and their guards."""
    op.create_table(
        "parked_proposal",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("parked_seq", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("stands", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("action IN ('discard', 'settle')", name="ck_parked_proposal_action"),
        sa.ForeignKeyConstraint(["parked_seq"], ["parked.seq"], name="fk_parked_proposal_parked_seq"),
        sa.PrimaryKeyConstraint("seq", name="pk_parked_proposal"),
    )
    op.create_index("ix_parked_proposal_parked_seq", "parked_proposal", ["parked_seq"], unique=False)
    op.create_table(
        "feed_alert",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("move IN ('alert', 'recovered')", name="ck_feed_alert_move"),
        sa.PrimaryKeyConstraint("seq", name="pk_feed_alert"),
    )
    op.create_index("ix_feed_alert_feed_seq", "feed_alert", ["feed", "seq"], unique=False)
    for table in TABLES:
        if op.get_bind().dialect.name == "postgresql":
            op.execute(
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION baton_refuse()"
            )
            continue
        for move in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_kept_{move.lower()} BEFORE {move} ON {table} BEGIN"
                " SELECT RAISE(ABORT,"
                f" 'baton: rows of {table} are kept as they were written ({move} refused)'); END"
            )
