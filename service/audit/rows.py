"""The stored rows against the log: every message, fact, decision and case event is the one an entry names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.store import Reader
from schemas.canonical import digest, from_bytes, to_bytes
from service.audit.log import LogCheck

PART = 500
"""Entries whose rows are read together."""


def verify_rows(reader: Reader, check: LogCheck) -> int:
    """Hold every stored row against the entries that name it; how many rows were held.

    A row that no entry names was added; a named one that is not there was removed; one that says something
    else was changed. Divergences go to `check`, each with the number of the entry concerned.
    """
    named: dict[str, set[str]] = {"message": set(), "fact": set(), "decision": set(), "case_event": set()}
    part: list[tuple[int, dict[str, Any]]] = []
    for seq, said in _telling(reader):
        part.append((seq, said))
        if len(part) == PART:
            _hold(reader, part, named, check)
            part = []
    _hold(reader, part, named, check)
    held = sum(map(len, named.values()))
    for table, ids in named.items():
        stored = reader.audited_ids(table)
        for id in sorted(stored - ids)[:20]:
            check.tell("row-added", None, f"{table.replace('_', ' ')} {id[:16]} is in no entry of the log")
    return held


def _telling(reader: Reader) -> Iterator[tuple[int, dict[str, Any]]]:
    for entry in reader.audit_log():
        if entry.kind in ("account.decided", "message.read") and entry.content is not None:
            yield entry.seq, from_bytes(entry.content)


def _hold(
    reader: Reader, part: list[tuple[int, dict[str, Any]]], named: dict[str, set[str]], check: LogCheck
) -> None:
    if not part:
        return
    stored = {
        "message": reader.audited_messages({m for _, said in part for m in said["messages"]}),
        "fact": reader.audited_facts({f for _, said in part for f in said["facts"]}),
        "decision": reader.audited_decisions({d for _, said in part for d in said["decisions"]}),
        "case_event": reader.audited_case_events({e for _, said in part for e in said["case_events"]}),
    }
    for seq, said in part:
        rows: list[Any] = []
        for table, key in _LISTS:
            for id in said[key]:
                named[table].add(id)
                row = stored[table].get(id)
                if row is None:
                    text = f"{table.replace('_', ' ')} {id[:16]} is gone, which entry {seq} names"
                    check.tell("row-missing", seq, text)
                elif row.broken:
                    text = f"{table.replace('_', ' ')} {id[:16]} has other bytes than its number says"
                    check.tell("row-changed", seq, text)
                rows.append(row.told if row else None)
        if None not in rows and digest(to_bytes(rows)) != said["rows"]:
            check.tell("row-changed", seq, f"a row that entry {seq} names was changed beside its bytes")


_LISTS = (
    ("message", "messages"),
    ("fact", "facts"),
    ("decision", "decisions"),
    ("case_event", "case_events"),
)
