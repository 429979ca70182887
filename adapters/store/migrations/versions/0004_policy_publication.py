"""Policies are proposed by one person and approved by another; both steps are kept as they were written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
TABLES = ("policy_proposal", "policy_outcome")


def upgrade() -> None:
    """Add the two tables and their guards."""
    op.create_table(
        "policy_proposal",
        sa.Column("seq", SEQ, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("base_sha256", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("os_user", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["policy.sha256"], name="fk_policy_proposal_sha256"),
        sa.PrimaryKeyConstraint("seq", name="pk_policy_proposal"),
    )
    op.create_table(
        "policy_outcome",
        sa.Column("proposal_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("os_user", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("settled_at", INSTANT, nullable=False),
        sa.Column("effective_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "outcome IN ('bootstrap', 'approved', 'withdrawn')", name="ck_policy_outcome_outcome"
        ),
        sa.CheckConstraint(
            "(generation IS NULL) = (outcome = 'withdrawn')", name="ck_policy_outcome_withdrawn_or_counted"
        ),
        sa.CheckConstraint(
            "(effective_at IS NULL) = (outcome = 'withdrawn')",
            name="ck_policy_outcome_withdrawn_or_effective",
        ),
        sa.ForeignKeyConstraint(
            ["proposal_seq"], ["policy_proposal.seq"], name="fk_policy_outcome_proposal_seq"
        ),
        sa.PrimaryKeyConstraint("proposal_seq", name="pk_policy_outcome"),
        sa.UniqueConstraint("generation", name="uq_policy_outcome_generation"),
    )
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
