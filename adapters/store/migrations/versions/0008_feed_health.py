"""How long messages waited, what doors refused, and alerts about feeds that are told once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the columns, the table with its guard, and the indexes."""
    op.add_column("tally", sa.Column("slowest_ms", sa.BigInteger(), nullable=True))
    op.add_column("tally", sa.Column("freshest_ms", sa.BigInteger(), nullable=True))
    op.create_index("ix_tally_feed_recorded_at", "tally", ["feed", "recorded_at"], unique=False)
    op.add_column("feed_alert", sa.Column("number", sa.BigInteger(), nullable=True))
    op.create_index("uq_feed_alert_feed_cause_number", "feed_alert", ["feed", "cause", "number"], unique=True)
    op.create_table(
        "refusal",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_refusal"),
    )
    op.create_index("ix_refusal_feed_day", "refusal", ["feed", "day"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER refusal_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON refusal"
            " FOR EACH STATEMENT EXECUTE FUNCTION baton_refuse()"
        )
        return
    for move in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER refusal_kept_{move.lower()} BEFORE {move} ON refusal BEGIN"
            " SELECT RAISE(ABORT,"
            f" 'baton: rows of refusal are kept as they were written ({move} refused)'); END"
        )
