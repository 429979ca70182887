"""The stored rows against the log: every message, fact, decision and case event is the one an entry names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from adapters.store import Reader
from adapters.store.schema import instant_text
from schemas.audit import ERASED
from schemas.canonical import digest, from_bytes, to_bytes
from service.audit.log import LogCheck

NAMING: Final = ("account.decided", "message.read", "message.kept", ERASED)
"""The kinds of entries that name rows."""

PART: Final = 500
"""Entries whose rows are read together."""


class Said(NamedTuple):
    """What an entry says of rows, its number and when it was recorded."""

    seq: int
    at: str
    content: dict[str, Any]


def verify_rows(reader: Reader, check: LogCheck) -> int:
    """Hold every stored row against the entries that name it; how many rows were held.

    A row that no entry names was added; a named one that is not there was removed; one that says something
    else was changed. Divergences go to `check`, each with the number of the entry concerned.
    """
    named: dict[str, set[str]] = {"message": set(), "fact": set(), "decision": set(), "case_event": set()}
    before: set[str] = set()
    part: list[Said] = []
    for said in _telling(reader):
        if "rows" not in said.content:
            _take_old(said.content, named, before)
            continue
        part.append(said)
        if len(part) == PART:
            _hold(reader, part, named, check)
            part = []
    _hold(reader, part, named, check)
    held = sum(map(len, named.values()))
    for table, ids in named.items():
        stored = {id for id in reader.audited_ids(table) if id.partition("@")[0] not in before}
        for id in sorted(stored - ids)[:20]:
            check.tell("row-added", None, f"{table.replace('_', ' ')} {id[:16]} is in no entry of the log")
    return held


def _take_old(content: dict[str, Any], named: dict[str, set[str]], before: set[str]) -> None:
    """An entry from before entries held digests over rows: it names its rows, and their numbers hold."""
    named["fact"].update(content.get("facts", ()))
    named["case_event"].update(content.get("case_events", ()))
    if content.get("decision"):
        named["decision"].add(content["decision"])
    before.update(content.get("messages", ()))
    if "message" in content:
        before.add(content["message"])


def _telling(reader: Reader) -> Iterator[Said]:
    for entry in reader.audit_log():
        if entry.kind in NAMING and entry.content is not None:
            # An erasure names what the erased entries named, which was written before.
            at = "" if entry.kind == ERASED else instant_text(entry.recorded_at)
            said = from_bytes(entry.content)
            if entry.kind != ERASED or "rows" in said:
                yield Said(entry.seq, at, said)


def _hold(reader: Reader, part: list[Said], named: dict[str, set[str]], check: LogCheck) -> None:
    if not part:
        return
    stored = {
        "message": reader.audited_messages({m for _, _, said in part for m in said["messages"]}),
        "fact": reader.audited_facts({f for _, _, said in part for f in said["facts"]}),
        "decision": reader.audited_decisions({d for _, _, said in part for d in said["decisions"]}),
        "case_event": reader.audited_case_events({e for _, _, said in part for e in said["case_events"]}),
    }
    for seq, at, said in part:
        rows: list[Any] = []
        for table, key in _LISTS:
            for id in said[key]:
                row = stored[table].get(id)
                if row and row.at and at and id not in named[table] and row.at != at:
                    check.tell("row-changed", seq, f"{table} {id[:16]} was not written when entry {seq} was")
                named[table].add(id)
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
