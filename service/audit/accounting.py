"""The accounting of one account: who read it, who got its evidence, when, and what for.

Source: 45 CFR 164.528 (disclosures); 45 CFR 164.312(b) (reads).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from adapters.store import LogRecord, Reader
from schemas.canonical import from_bytes, to_bytes
from schemas.facts import AccountRef
from service.audit.reads import QUERIES, READ, subject_of
from service.plainly import Plain, instant_of

DISCLOSED: Final = "account.disclosed"
REVEALED: Final = "message.revealed"


def accounting(reader: Reader, ref: AccountRef) -> list[Plain]:
    """Every read and every disclosure of an account and of those joined with it, oldest first.

    An answer about a message counts for each account that the message speaks of.
    """
    return [told for entry in entries_of(reader, ref) if (told := _told(entry))]


def entries_of(reader: Reader, ref: AccountRef) -> list[LogRecord]:
    """The log's entries about reading or disclosing an account, by number."""
    group = [str(one) for one in reader.group(ref)]
    messages = {r.message_sha256 for one in reader.group(ref) for r in reader.facts(one)}
    subjects = {*group, *map(subject_of, group), *messages, *map(subject_of, messages)}
    found = {e.seq: e for e in reader.audit_log_of(subjects, reader.audit_head().size)}
    pages = [subject_of(query) for query in QUERIES]
    for account in group:
        for entry in reader.audit_log_naming(pages, to_bytes(account)):
            if account in from_bytes(entry.content or b"{}").get("accounts", ()):
                found[entry.seq] = entry
    kept = (READ, DISCLOSED, REVEALED)
    return [found[seq] for seq in sorted(found) if found[seq].kind in kept]


def _told(entry: LogRecord) -> Plain | None:
    said = from_bytes(entry.content or b"{}")
    if not said:
        return None
    return {
        "entry": entry.seq,
        "hash": entry.hash,
        "at": instant_of(entry.recorded_at),
        "kind": {READ: "read", DISCLOSED: "disclosure", REVEALED: "values shown"}[entry.kind],
        **dict(_who(entry.kind, said)),
    }


def _who(kind: str, said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    agent = said.get("agent") or f"os:{said['by']}"
    yield "agent", None if kind == REVEALED else agent
    yield "person", said["by"] if kind == REVEALED else said.get("person")
    yield "purpose", said["reason"] if kind == REVEALED else said.get("purpose")
    yield "recipient", said.get("recipient")
    yield "what", said.get("query") or ("evidence bundle" if kind == DISCLOSED else "message")
    yield "door", said.get("door", "cli")
    yield "accounts", len(said.get("accounts", [None]))
