"""As whom the machine knows those who act on parked messages: an OS user, or an API key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was written before has none."""
    op.add_column("parked_action", sa.Column("through", sa.Text(), nullable=False, server_default=""))
    op.add_column("parked_proposal", sa.Column("through", sa.Text(), nullable=False, server_default=""))
