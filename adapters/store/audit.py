"""Writing the audit log: entries are numbered densely and sealed at the end of a transaction, all at once."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Final

from adapters.store import schema
from adapters.store.rows import AuditRow, CheckpointRow
from adapters.store.schema import instant_text
from adapters.store.session import Batch, Session, Sql
from schemas.audit import SALT_BYTES, chained, commitment_of, entry_leaf
from schemas.merkle import Frontier

_HEAD: Final = Sql(
    "SELECT size, peaks, chain FROM audit_head WHERE id = 1 FOR UPDATE",
    "SELECT size, peaks, chain FROM audit_head WHERE id = 1",
)
_ENTRIES: Final = Batch(schema.audit_entry, "seq kind commitment hash chain recorded_at")
_CONTENTS: Final = Batch(schema.audit_content, "seq subject content salt")
_GROWN: Final = Sql(
    "UPDATE audit_head SET size = %b, peaks = %b, chain = %b WHERE id = 1",
    "UPDATE audit_head SET size = ?, peaks = ?, chain = ? WHERE id = 1",
)


_CHECKPOINTS: Final = Batch(schema.audit_checkpoint, "size text made_at", unless="size")
_ERASE: Final = Sql(
    "DELETE FROM audit_content WHERE seq = ANY(%b)",
    "DELETE FROM audit_content WHERE seq IN (SELECT value FROM json_each(?))",
)


class AuditWrites:
    """Audit entries of one transaction; they are part of it: what they record happens with them or not."""

    _session: Session
    _audit: list[AuditRow]

    def add_audit(self, rows: Sequence[AuditRow]) -> None:
        """Let entries be kept with this transaction, in this order; the commit numbers and seals them."""
        self._audit += rows

    def keep_checkpoint(self, row: CheckpointRow) -> None:
        """Keep a checkpoint as it is given out; one of the same size stays as it is."""
        self._session.write(_CHECKPOINTS, [(row.size, row.text, row.made_at)])

    def erase_audit(self, seqs: Collection[int], why: AuditRow) -> None:
        """Erase what these entries say; their leaves stay, and `why` becomes an entry itself."""
        if seqs:
            self._session.run(_ERASE, self._session.integers(sorted(seqs)))
            self.add_audit([why])

    def _seal_audit(self) -> None:
        """Number, commit to and chain what was added, and let the log grow by it.

        The head is locked last of all locks and until the commit, so numbers are dense and in the order of
        commits, and no two writers can wait for each other here.
        """
        if not self._audit:
            return
        size, peaks, chain = self._session.fetch(_HEAD)[0]
        log = Frontier(size, _peaks(bytes(peaks)))
        chain = bytes(chain)
        salts = os.urandom(SALT_BYTES * len(self._audit))
        entries, contents, leaves = [], [], []
        for n, row in enumerate(self._audit):
            salt = salts[n * SALT_BYTES : (n + 1) * SALT_BYTES]
            seq = size + n + 1
            commitment = commitment_of(salt, row.subject, row.content)
            leaf = entry_leaf(seq, instant_text(row.recorded_at), row.kind, commitment)
            chain = chained(chain, leaf)
            leaves.append(leaf)
            entries.append((seq, row.kind, commitment, leaf.hex(), chain, row.recorded_at))
            contents.append((seq, row.subject, row.content, salt))
        log = log.grown(leaves)
        self._session.write(_ENTRIES, entries)
        self._session.write(_CONTENTS, contents)
        self._session.run(_GROWN, log.size, b"".join(log.peaks), chain)
        self._audit = []


def _peaks(joined: bytes) -> tuple[bytes, ...]:
    return tuple(joined[at : at + 32] for at in range(0, len(joined), 32))
