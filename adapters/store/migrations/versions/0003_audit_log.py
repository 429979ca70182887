"""The audit log as a log: dense numbers, commitments, a chain, a Merkle frontier; old entries move over."""

from __future__ import annotations

import os

import sqlalchemy as sa
from alembic import op

from adapters.store.schema import Instant, instant_text
from schemas.audit import GENESIS, SALT_BYTES, chained, commitment_of, entry_leaf
from schemas.merkle import Frontier

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
APPEND_ONLY = ("audit_entry", "audit_checkpoint")
ERASABLE = ("audit_content",)


def upgrade() -> None:
    """Set the old table aside, make the new ones, and let every old entry into the log in its order."""
    old = _set_aside()
    _create_tables()
    _move(old)
    for table in APPEND_ONLY:
        _guard(table, ("UPDATE", "DELETE"))
    for table in ERASABLE:
        _guard(table, ("UPDATE",))
    op.drop_table("audit_entry_before")


def _set_aside() -> sa.Table:
    op.drop_index("ix_audit_entry_subject_seq", "audit_entry")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_entry_kept ON audit_entry")
        op.execute("ALTER TABLE audit_entry RENAME CONSTRAINT pk_audit_entry TO pk_audit_entry_before")
    else:
        op.execute("DROP TRIGGER audit_entry_kept_update")
        op.execute("DROP TRIGGER audit_entry_kept_delete")
    op.rename_table("audit_entry", "audit_entry_before")
    return sa.table(
        "audit_entry_before",
        sa.column("seq", sa.BigInteger),
        sa.column("kind", sa.Text),
        sa.column("subject", sa.Text),
        sa.column("content", sa.LargeBinary),
        sa.column("recorded_at", Instant()),
    )  # type: ignore[return-value]


def _create_tables() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_entry"),
    )
    op.create_table(
        "audit_content",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_content"),
    )
    op.create_index("ix_audit_content_subject_seq", "audit_content", ["subject", "seq"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_audit_head_one"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_audit_checkpoint"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE audit_content SET (toast_tuple_target = 8160)")


def _move(old: sa.Table) -> None:
    """Numbers become dense; the order stays."""
    bind = op.get_bind()
    log, chain = Frontier(), GENESIS
    rows = bind.execute(sa.select(old).order_by(old.c.seq)).fetchall()
    entry = sa.table(
        "audit_entry",
        *[sa.column(n) for n in ("seq", "kind", "commitment", "hash", "chain")],
        sa.column("recorded_at", Instant()),
    )
    content = sa.table("audit_content", *[sa.column(n) for n in ("seq", "subject", "content", "salt")])
    for seq, (_, kind, subject, said, recorded_at) in enumerate(rows, 1):
        salt = os.urandom(SALT_BYTES)
        commitment = commitment_of(salt, subject, said)
        leaf = entry_leaf(seq, instant_text(recorded_at), kind, commitment)
        log, chain = log.grown([leaf]), chained(chain, leaf)
        bind.execute(
            entry.insert().values(
                seq=seq,
                kind=kind,
                commitment=commitment,
                hash=leaf.hex(),
                chain=chain,
                recorded_at=recorded_at,
            )
        )
        bind.execute(content.insert().values(seq=seq, subject=subject, content=said, salt=salt))
    head = sa.table("audit_head", *[sa.column(n) for n in ("id", "size", "peaks", "chain")])
    bind.execute(head.insert().values(id=1, size=log.size, peaks=b"".join(log.peaks), chain=chain))


def _guard(table: str, moves: tuple[str, ...]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        truncate = " OR TRUNCATE" if "DELETE" in moves else ""
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE {' OR '.join(moves)}{truncate} ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION baton_refuse()"
        )
        return
    for move in moves:
        op.execute(
            f"CREATE TRIGGER {table}_kept_{move.lower()} BEFORE {move} ON {table} BEGIN"
            f" SELECT RAISE(ABORT, 'baton: rows of {table} are kept as they were written ({move} refused)');"
            " END"
        )
