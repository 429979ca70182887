"""Which version of a feed's mapping read each message; versions are kept as they were written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
TABLE = "mapping_version"


def upgrade() -> None:
    """Add the column, the table and its guards."""
    op.add_column("reading", sa.Column("mapping", sa.Text(), nullable=True))
    op.create_table(
        TABLE,
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_mapping_version"),
    )
    op.create_index("ix_mapping_version_feed_seq", TABLE, ["feed", "seq"], unique=False)
    op.create_index("ix_mapping_version_sha256", TABLE, ["sha256"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {TABLE}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}"
            " FOR EACH STATEMENT EXECUTE FUNCTION baton_refuse()"
        )
        return
    for move in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {TABLE}_kept_{move.lower()} BEFORE {move} ON {TABLE} BEGIN"
            f" SELECT RAISE(ABORT, 'baton: rows of {TABLE} are kept as they were written ({move} refused)');"
            " END"
        )
