"""Stored rows as the audit log names them: what each says, and whether its bytes are those of its number."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from adapters.store.convert import day, instant
from adapters.store.schema import instant_text
from adapters.store.session import Session, Sql
from schemas.canonical import digest


@dataclass(frozen=True, slots=True)
class AuditedRow:
    """One stored row: `told` is what an entry's digest covers, `broken` says that bytes and number differ.

    `at` is when it was written, for rows that one instant's entries may name again.
    """

    told: list[Any]
    broken: bool = False
    at: str = ""


def _both(text: str) -> Sql:
    return Sql(
        text.format("= ANY(%b)"),
        text.format("IN (SELECT value FROM json_each(?))"),
    )


_MESSAGES: Final = _both(
    "SELECT seq, sha256, feed, format, door, size, received_at, body, parts FROM message WHERE sha256 {}"
)
_FACTS: Final = _both(
    "SELECT f.id, f.identity, m.sha256, m.feed, f.place, f.recorded_at, f.content, a.facility, a.number"
    " FROM fact f JOIN message m ON m.seq = f.message_seq LEFT JOIN account a ON a.id = f.account_id"
    " WHERE f.id {}"
)
_DECISIONS: Final = _both(
    "SELECT d.id, a.facility, a.number, d.as_of, d.decided_at, d.policy_version, d.opens, d.content"
    " FROM decision d JOIN account a ON a.id = d.account_id WHERE d.id {}"
)
_EVENTS: Final = _both(
    "SELECT e.id, e.case_id, a.facility, a.number, e.move, e.sequence, e.amount_cents, e.previous_cents,"
    " e.currency, e.decision, e.reason, e.occurred_at"
    " FROM case_event e JOIN account a ON a.id = e.account_id WHERE e.id {}"
)
_IDS: Final = {
    "message": "SELECT sha256 || '@' || feed FROM message",
    "fact": "SELECT id FROM fact",
    "decision": "SELECT id FROM decision",
    "case_event": "SELECT id FROM case_event",
}


def message_name(sha256: str, feed: str) -> str:
    """How an audit entry names a message: its digest and its feed."""
    return f"{sha256}@{feed}"


class RowQuestions:
    """What the rows say that the audit log names."""

    _session: Session

    def audited_messages(self, names: Collection[str]) -> dict[str, AuditedRow]:
        """Messages by their name in the log."""
        rows = self._session.fetch(
            _MESSAGES, self._session.texts({n.partition("@")[0] for n in names})
        ) if names else []  # fmt: skip
        found = {}
        for seq, sha256, feed, format, door, size, received_at, body, parts in rows:
            name = message_name(sha256, feed)
            if name in names:
                told = [name, format, door, size, instant_text(instant(received_at))]
                broken = self._digest_of(seq, body, parts) != sha256
                found[name] = AuditedRow(told, broken)
        return found

    def _digest_of(self, seq: int, body: Any, parts: int) -> str:
        if body is not None:
            return digest(bytes(body))
        hashed = hashlib.sha256()
        for n in range(parts):
            for (part,) in self._session.fetch(_PART, seq, n):
                hashed.update(bytes(part))
        return hashed.hexdigest()

    def audited_facts(self, ids: Collection[str]) -> dict[str, AuditedRow]:
        """Facts by id."""
        rows = self._session.fetch(_FACTS, self._session.texts(ids)) if ids else []
        return {
            id: AuditedRow(
                [
                    id, identity, message_name(sha256, feed), place, instant_text(instant(recorded_at)),
                    [facility, number] if facility is not None else None,
                ],
                digest(bytes(content)) != id,
            )
            for id, identity, sha256, feed, place, recorded_at, content, facility, number in rows
        }  # fmt: skip

    def audited_decisions(self, ids: Collection[str]) -> dict[str, AuditedRow]:
        """Decisions by id."""
        rows = self._session.fetch(_DECISIONS, self._session.texts(ids)) if ids else []
        return {
            id: AuditedRow(
                [id, [facility, number], day(as_of).isoformat(), version, bool(opens)],
                digest(bytes(content)) != id,
                instant_text(instant(decided_at)),
            )
            for id, facility, number, as_of, decided_at, version, opens, content in rows
        }  # fmt: skip

    def audited_case_events(self, ids: Collection[str]) -> dict[str, AuditedRow]:
        """Case events by id."""
        rows = self._session.fetch(_EVENTS, self._session.texts(ids)) if ids else []
        return {
            row[0]: AuditedRow([row[0], row[1], [row[2], row[3]], *row[4:11], instant_text(instant(row[11]))])
            for row in rows
        }

    def audited_ids(self, table: str) -> set[str]:
        """The name of every row of a table that the log names row by row."""
        text = _IDS[table]
        return {name for (name,) in self._session.fetch(Sql(text, text))}


_PART: Final = Sql(
    "SELECT bytes FROM message_part WHERE message_seq = %b AND n = %b",
    "SELECT bytes FROM message_part WHERE message_seq = ? AND n = ?",
)
