"""Which mapping read a message again, wholly or a part of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
TABLE = "read_again"


def upgrade() -> None:
    """Add the table and its guards."""
    op.create_table(
        TABLE,
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("message_seq", sa.BigInteger(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("whole", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("facts", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("through", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_read_again"),
    )
    op.create_index("ix_read_again_message_seq", TABLE, ["message_seq"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {TABLE}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}"
            " FOR EACH STATEMENT EXECUTE FUNCTION baton_refuse()"
        )
        return
    for move in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {TABLE}_kept_{move.lower()} BEFORE {move} ON {TABLE} BEGIN"
            " SELECT RAISE(ABORT,"
            f" 'baton: rows of {TABLE} are kept as they were written ({move} refused)'); END"
        )
