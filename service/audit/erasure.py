"""Erasing what the log says of one account: one proposes, another agrees; leaves stay, and it verifies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.store import AuditRow, LogRecord, Reader, Store
from schemas.audit import ERASED
from schemas.canonical import digest, from_bytes, to_bytes
from schemas.errors import BatonError
from schemas.facts import AccountRef
from service.audit.accounting import DISCLOSED
from service.audit.reads import READ, subject_of
from service.logins import check_logins
from service.plainly import Plain, instant_of

PROPOSED: Final = "erasure.proposed"
SUBJECT: Final = "erased"
"""Under which erasures stand in the log; whose entries they were is no longer said there."""

ACCOUNTING_YEARS: Final = 6
"""How long the accounting of disclosures and reads must be able to answer. Source: 45 CFR 164.528(a)(1)."""

ROWS: Final = ("messages", "facts", "decisions", "case_events")


@dataclass(frozen=True, slots=True)
class Person:
    """Who proposes or agrees, and as whom the machine knows them."""

    name: str
    os_user: str


@dataclass(frozen=True, slots=True)
class Erasable:
    """What would be erased of one account now, and what has to stay."""

    entries: list[LogRecord]
    kept: int


def propose(store: Store, ref: AccountRef, by: Person, reason: str, now: datetime) -> Plain:
    """Propose to erase what the log says of an account; nothing is erased before somebody else agrees.

    Raises:
        BatonError: `no-such-account`, `open-case`, `nothing-to-erase`, `no-reason`.
    """
    if not reason.strip():
        raise BatonError("no-reason", "say why; the second person reads it, and it stays in the log")
    content = {"account": str(ref), "by": by.name, "os_user": by.os_user, "reason": reason.strip()}
    with store.write() as unit:
        found = erasable(unit.reader, ref, now)
        unit.add_audit([AuditRow(PROPOSED, f"erase:{ref}", to_bytes(content), now)])
    return {
        "account": str(ref),
        "proposed_by": by.name,
        "reason": reason.strip(),
        "entries": len(found.entries),
        "kept": found.kept,
    }


def approve(
    store: Store, ref: AccountRef, by: Person, now: datetime, *, refuse_shared_login: bool = False
) -> Plain:
    """Erase what was proposed by somebody else. That it happened, by whom and why is an entry itself.

    The entry also names the rows that the erased ones named, so that they stay held against the log.

    Raises:
        BatonError: `no-proposal`, `same-person`, `same-login`, `open-case`, `nothing-to-erase`,
            `rows-changed`.
    """
    with store.write() as unit:
        reader = unit.reader
        proposals = reader.audit_entries_for(f"erase:{ref}", 1, kind=PROPOSED)
        if not proposals:
            raise BatonError(
                "no-proposal", "nobody has proposed to erase this; `baton audit erase --propose`"
            )
        proposal = from_bytes(proposals[0].content)
        if _same(proposal["by"], by.name):
            raise BatonError("same-person", "who proposed this cannot agree to it; a second person must")
        shared = check_logins(proposal["os_user"], by.os_user, refuse=refuse_shared_login)
        found = erasable(reader, ref, now)
        named = _rows_named(reader, found.entries)
        rows = [row for table in ROWS for row in told(reader, table, named[table])]
        seqs = sorted(
            {e.seq for e in found.entries}
            | {e.seq for e in reader.audit_log_of([f"erase:{ref}"], reader.audit_head().size)}
        )
        why = {
            "entries": seqs,
            "proposed_by": proposal["by"],
            "proposed_os_user": proposal["os_user"],
            "approved_by": by.name,
            "approved_os_user": by.os_user,
            "reason": proposal["reason"],
            **named,
            "rows": digest(to_bytes(rows)),
        }
        unit.erase_audit(seqs, AuditRow(ERASED, SUBJECT, to_bytes(why), now))
    return {
        "account": str(ref),
        "proposed_by": proposal["by"],
        "approved_by": by.name,
        "reason": proposal["reason"],
        "erased": len(seqs),
        "kept": found.kept,
        "at": instant_of(now),
        "shared_login": shared,
    }


def erasable(reader: Reader, ref: AccountRef, now: datetime) -> Erasable:
    """The entries of one account that may be erased now.

    Raises:
        BatonError: `no-such-account`, `open-case`, `nothing-to-erase`.
    """
    row = reader.account(ref)
    if row is None:
        raise BatonError("no-such-account", "no message has named this account")
    if row.case is not None and row.case.status == "open":
        raise BatonError(
            "open-case", "a case is open for this account; its evidence is needed, close it first"
        )
    every = reader.audit_log_of([str(ref), subject_of(str(ref))], reader.audit_head().size)
    until = now - timedelta(days=ACCOUNTING_YEARS * 365.25)
    stays = [e for e in every if e.kind in (READ, DISCLOSED) and e.recorded_at > until]
    left = [e for e in every if e not in stays]
    if not left:
        raise BatonError("nothing-to-erase", "the log says nothing of this account that may be erased now")
    return Erasable(left, len(stays))


def erased_facts(reader: Reader) -> set[str]:
    """The facts that erasures name: what the log said of them besides is gone."""
    entries = reader.audit_log_of([SUBJECT], reader.audit_head().size)
    return {f for e in entries if e.kind == ERASED and e.content for f in from_bytes(e.content)["facts"]}


def _rows_named(reader: Reader, entries: list[LogRecord]) -> dict[str, list[str]]:
    """The rows that these entries name, each first held against its entry: nothing is washed clean.

    Raises:
        BatonError: `rows-changed`, `old-entries`.
    """
    named: dict[str, dict[str, None]] = {table: {} for table in ROWS}
    for entry in entries:
        said = from_bytes(entry.content or b"{}")
        if entry.kind != "account.decided":
            continue
        if "rows" not in said:
            raise BatonError(
                "old-entries", "entries of this account were written before they named every row"
            )
        rows = [row for table in ROWS for row in told(reader, table, said[table])]
        if digest(to_bytes(rows)) != said["rows"]:
            raise BatonError(
                "rows-changed", "rows of this account were changed; run `baton audit verify` first"
            )
        for table in ROWS:
            named[table] |= dict.fromkeys(said[table])
    return {table: list(ids) for table, ids in named.items()}


def told(reader: Reader, table: str, ids: list[str]) -> list[Any]:
    """What the log's digests say of these rows, in their order; None for one that is gone."""
    ask = {
        "messages": reader.audited_messages,
        "facts": reader.audited_facts,
        "decisions": reader.audited_decisions,
        "case_events": reader.audited_case_events,
    }[table]
    stored = ask(ids)
    return [stored[id].told if id in stored else None for id in ids]


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()
