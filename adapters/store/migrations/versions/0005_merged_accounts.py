"""Accounts that a merge ever named together are found, locked and decided together."""

from __future__ import annotations

import json
from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LONG_AGO = date(1970, 1, 1)


def upgrade() -> None:
    """Add the group of an account, and fill it from the merges that are known."""
    op.add_column("account", sa.Column("group_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_account_group_id",
        "account",
        ["group_id"],
        unique=False,
        sqlite_where=sa.text("group_id IS NOT NULL"),
        postgresql_where=sa.text("group_id IS NOT NULL"),
    )
    connection = op.get_bind()
    group: dict[int, int] = {}
    for one, other in _merges(connection):
        joined = {group.get(one, one), group.get(other, other)}
        group.update({one: one, other: other} | group)
        group = {id: min(joined) if of in joined else of for id, of in group.items()}
    for id, of in sorted(group.items()):
        connection.execute(
            # Due at once, since the account that goes on holds the other's facts from now on.
            sa.text("UPDATE account SET group_id = :of, review_on = :day WHERE id = :id").bindparams(
                sa.bindparam("day", type_=sa.Date())
            ),
            {"of": of, "id": id, "day": LONG_AGO},
        )


def _merges(connection: sa.Connection) -> list[tuple[int, int]]:
    """The accounts of every merge stated so far; one that only a merge names is made."""
    found = connection.execute(
        sa.text("SELECT account_id, content FROM fact WHERE kind = 'accounts.merged' ORDER BY seq")
    )
    pairs = []
    for account_id, content in found.fetchall():
        into = json.loads(bytes(content))["body"]["into"]
        named = {"facility": into["facility"], "number": into["number"]}
        connection.execute(
            sa.text(
                "INSERT INTO account (facility, number) VALUES (:facility, :number)"
                " ON CONFLICT (number, facility) DO NOTHING"
            ),
            named,
        )
        other = connection.execute(
            sa.text("SELECT id FROM account WHERE number = :number AND facility = :facility"), named
        ).scalar_one()
        pairs.append((account_id, other))
    return pairs
