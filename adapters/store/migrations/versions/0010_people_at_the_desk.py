"""What people state at the desk is found without looking at every fact."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    of_the_desk = sa.text("place = 'desk'")
    op.create_index("ix_fact_desk", "fact", ["seq"], postgresql_where=of_the_desk, sqlite_where=of_the_desk)
