"""Questions about the audit log: entries of a subject, the whole log in order, its head and checkpoints."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select

from adapters.store.convert import instant
from adapters.store.rows import AuditRecord, CheckpointRow, LogHead, LogRecord
from adapters.store.schema import audit_checkpoint, audit_content, audit_entry
from adapters.store.session import Session, Sql
from schemas.facts import AccountRef

_ENTRIES: Final = select(
    audit_entry.c.seq,
    audit_entry.c.kind,
    audit_content.c.subject,
    audit_content.c.content,
    audit_entry.c.hash,
    audit_entry.c.recorded_at,
).join(audit_content, audit_content.c.seq == audit_entry.c.seq)

_COLUMNS: Final = "e.seq, e.kind, e.commitment, e.hash, e.chain, e.recorded_at, c.subject, c.content, c.salt"
_PART: Final = (
    f"SELECT {_COLUMNS} FROM audit_entry e LEFT JOIN audit_content c ON c.seq = e.seq"  # noqa: S608
    " WHERE e.seq >= {0} AND e.seq < {0} ORDER BY e.seq"
)
_LOG: Final = Sql(_PART.format("%b"), _PART.format("?"))
_HEAD: Final = Sql(
    "SELECT size, peaks, chain FROM audit_head WHERE id = 1",
    "SELECT size, peaks, chain FROM audit_head WHERE id = 1",
)
_LAST: Final = Sql(
    "SELECT coalesce(max(seq), 0), count(*) FROM audit_entry",
    "SELECT coalesce(max(seq), 0), count(*) FROM audit_entry",
)
_STRAYS: Final = Sql(
    "SELECT count(*) FROM audit_content c WHERE NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.seq = c.seq)",
    "SELECT count(*) FROM audit_content c WHERE NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.seq = c.seq)",
)
_ABOUT: Final = (
    f"SELECT {_COLUMNS} FROM audit_content c JOIN audit_entry e ON e.seq = c.seq"  # noqa: S608
    " WHERE c.subject {} AND c.seq <= {} ORDER BY c.seq"
)
_OF: Final = Sql(_ABOUT.format("= ANY(%b)", "%b"), _ABOUT.format("IN (SELECT value FROM json_each(?))", "?"))
_NAMING: Final = (
    f"SELECT {_COLUMNS} FROM audit_content c JOIN audit_entry e ON e.seq = c.seq"  # noqa: S608
    " WHERE c.subject {} AND {} ORDER BY c.seq"
)
_NAMED_IN: Final = Sql(
    _NAMING.format("= ANY(%b)", "position(%b in c.content) > 0"),
    _NAMING.format("IN (SELECT value FROM json_each(?))", "instr(c.content, ?) > 0"),
)
_NEXT: Final = (
    f"SELECT {_COLUMNS} FROM audit_content c JOIN audit_entry e ON e.seq = c.seq"  # noqa: S608
    " WHERE c.subject = {0} AND c.seq > {0} ORDER BY c.seq LIMIT {0}"
)
_FURTHER: Final = Sql(_NEXT.format("%b"), _NEXT.format("?"))
_LEAF: Final = "SELECT hash FROM audit_entry WHERE seq >= {0} AND seq < {0} ORDER BY seq"
_LEAVES: Final = Sql(_LEAF.format("%b"), _LEAF.format("?"))
LEAVES: Final = 50_000
PART: Final = 5000
"""Entries read at a time."""

FEW: Final = 200
"""Entries about one subject read at a time; they may be large."""

NO_INSTANT: Final = datetime.min.replace(tzinfo=UTC)
"""Stands for what is no instant; no entry was ever written at it."""


class AuditQuestions:
    """What the audit log holds."""

    _session: Session

    def audit_entries_for(
        self, subject: str, limit: int = 1000, *, kind: str | None = None, until: datetime | None = None
    ) -> list[AuditRecord]:
        """The newest audit entries about one subject, newest first; erased ones are not found.

        `kind` and `until` (the last instant that counts) do not restrict where they are None.
        """
        found = _ENTRIES.where(audit_content.c.subject == subject)
        if kind is not None:
            found = found.where(audit_entry.c.kind == kind)
        if until is not None:
            found = found.where(audit_entry.c.recorded_at <= until)
        rows = self._session.select(found.order_by(audit_entry.c.seq.desc()).limit(limit))
        return [AuditRecord(*row) for row in rows]

    def audit_entry_for(self, account_ref: AccountRef) -> AuditRecord | None:
        """The newest audit entry whose subject is this account (its text `facility/number`)."""
        found = self.audit_entries_for(str(account_ref), limit=1)
        return found[0] if found else None

    def audit_log(self, start: int = 1, end: int | None = None) -> Iterator[LogRecord]:
        """The entries as they are stored, by number from `start` to before `end`, a part at a time.

        Numbers that should be there and are not are the reader's to notice.
        """
        last = self.audit_extent()[0] if end is None else end - 1
        for first in range(start, last + 1, PART):
            for row in self._session.fetch(_LOG, first, min(first + PART, last + 1)):
                yield _record(row)

    def audit_log_of(self, subjects: Collection[str], size: int) -> list[LogRecord]:
        """The entries about these subjects among the first `size`, by number; erased ones are not found."""
        rows = self._session.fetch(_OF, self._session.texts(subjects), size)
        return [_record(row) for row in rows]

    def audit_log_about(self, subject: str) -> Iterator[LogRecord]:
        """The entries about one subject, by number, a part at a time; erased ones are not found."""
        last = 0
        while rows := self._session.fetch(_FURTHER, subject, last, FEW):
            yield from map(_record, rows)
            last = rows[-1][0]

    def audit_log_naming(self, subjects: Collection[str], part: bytes) -> list[LogRecord]:
        """The entries about these subjects whose content has these bytes in it, by number."""
        rows = self._session.fetch(_NAMED_IN, self._session.texts(subjects), part)
        return [_record(row) for row in rows]

    def audit_leaves(self, size: int, start: int = 1) -> bytes:
        """The leaf hashes of the first `size` entries, from number `start` on, joined.

        Raises:
            ValueError: one is none.
        """
        parts = []
        for first in range(start, size + 1, LEAVES):
            rows = self._session.fetch(_LEAVES, first, min(first + LEAVES, size + 1))
            parts.append(bytes.fromhex("".join([hash for (hash,) in rows])))
        return b"".join(parts)

    def audit_key_entries(self) -> list[bytes]:
        """What the entries say that name a signing key, oldest first."""
        found = select(audit_content.c.content).join(audit_entry, audit_entry.c.seq == audit_content.c.seq)
        rows = self._session.select(
            found.where(audit_entry.c.kind == "audit.key").order_by(audit_entry.c.seq)
        )
        return [bytes(content) for (content,) in rows]

    def audit_head(self) -> LogHead:
        """What the log says of itself: its size, what it needs to grow, and its chain value."""
        rows = self._session.fetch(_HEAD)
        if not rows:
            return LogHead(0, b"", b"")
        size, peaks, chain = rows[0]
        return LogHead(size, bytes(peaks), bytes(chain))

    def audit_extent(self) -> tuple[int, int]:
        """The highest entry number there is, and how many there are; the same where none is missing."""
        last, count = self._session.fetch(_LAST)[0]
        return int(last), int(count)

    def audit_strays(self) -> int:
        """How many contents have no entry; none ever should."""
        return int(self._session.fetch(_STRAYS)[0][0])

    def checkpoints(self, after: int = 0, limit: int = 1000) -> list[CheckpointRow]:
        """Checkpoints above this size, smallest first."""
        c = audit_checkpoint.c
        found = select(c.size, c.text, c.made_at).where(c.size > after).order_by(c.size).limit(limit)
        return [CheckpointRow(*row) for row in self._session.select(found)]

    def last_checkpoint(self) -> CheckpointRow | None:
        """The newest checkpoint."""
        c = audit_checkpoint.c
        found = select(c.size, c.text, c.made_at).order_by(c.size.desc()).limit(1)
        rows = self._session.select(found)
        return CheckpointRow(*rows[0]) if rows else None


def _record(row: Any) -> LogRecord:
    """A row as it is stored, also where somebody put in what no program of ours would write."""
    seq, kind, commitment, hash, chain, at, subject, content, salt = row
    return LogRecord(
        seq,
        str(kind),
        commitment if type(commitment) is bytes else _bytes(commitment),
        str(hash),
        chain if type(chain) is bytes else _bytes(chain),
        _instant(at),
        None if subject is None else str(subject),
        content if content is None or type(content) is bytes else _bytes(content),
        salt if salt is None or type(salt) is bytes else _bytes(salt),
    )


def _bytes(value: Any) -> bytes:
    # SQLite keeps a text in a column of bytes, if it is given one.
    return (
        bytes(str(value), "utf-8", "surrogateescape")
        if isinstance(value, str | int | float)
        else bytes(value)
    )


def _instant(value: Any) -> datetime:
    try:
        return instant(value)
    except (TypeError, ValueError):
        return NO_INSTANT
