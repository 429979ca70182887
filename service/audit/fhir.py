"""What the log says of accounts, for FHIR: who read, what left the house, what was decided and of what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final

from adapters.fhir.auditing import LoggedAct
from adapters.store import LogRecord, Reader
from schemas.canonical import from_bytes
from schemas.facts import AccountRef
from service.audit.accounting import DISCLOSED, REVEALED, entries_of
from service.audit.reads import READ

DECIDED: Final = "account.decided"


def acts(
    reader: Reader, origin: str, ref: AccountRef | None = None, since: datetime | None = None
) -> Iterator[LoggedAct]:
    """The acts about one account (and those joined with it), or about every account, oldest first.

    Of an answer that showed several accounts, only those asked about are told. `since` is the first instant.
    """
    wanted = None if ref is None else frozenset(map(str, reader.group(ref)))
    last: dict[str, str] = {}
    for entry in _entries(reader, ref):
        said = from_bytes(entry.content) if entry.content else {}
        act = _act(reader, entry, said, origin, wanted, last)
        for decision in said.get("decisions", ()) if entry.kind == DECIDED else ():
            last[entry.subject or ""] = decision
        if act is not None and act.accounts and (since is None or entry.recorded_at >= since):
            yield act


def _entries(reader: Reader, ref: AccountRef | None) -> Iterable[LogRecord]:
    if ref is None:
        return reader.audit_log()
    subjects = {str(one) for one in reader.group(ref)}
    decided = [e for e in reader.audit_log_of(subjects, reader.audit_head().size) if e.kind == DECIDED]
    return sorted([*decided, *entries_of(reader, ref)], key=lambda e: e.seq)


def _act(
    reader: Reader,
    entry: LogRecord,
    said: dict[str, Any],
    origin: str,
    wanted: frozenset[str] | None,
    last: dict[str, str],
) -> LoggedAct | None:
    def of(accounts: Iterable[str]) -> tuple[str, ...]:
        return tuple(a for a in accounts if wanted is None or a in wanted)

    begun = partial(LoggedAct, entry.seq, entry.hash, entry.recorded_at, origin)
    if not said:
        return None
    if entry.kind == READ:
        return begun(
            "read", of(said["accounts"]), said["agent"], said.get("address"), said["person"],
            said["purpose"], query=said["query"], parameters=said["parameters"],
        )  # fmt: skip
    if entry.kind == REVEALED:
        message = reader.message(said["message"], said["feed"])
        facts = reader.facts_of_message(message.seq) if message else []
        shown = {str(one) for r in facts if r.fact.account for one in reader.group(r.fact.account)}
        asked = {"message": said["message"], "reason": said["reason"]}
        return begun(
            "read",
            of(sorted(shown)),
            "os:unknown",
            None,
            said["by"],
            query="message values",
            parameters=asked,
        )
    if entry.kind == DISCLOSED:
        return begun(
            "disclosure", of([said["account"]]), f"os:{said['by']}", None, None, said["purpose"],
            said["recipient"], "evidence bundle",
        )  # fmt: skip
    return _decided(reader, entry, said, begun, of, last) if entry.kind == DECIDED else None


def _decided(
    reader: Reader,
    entry: LogRecord,
    said: dict[str, Any],
    begun: Callable[..., LoggedAct],
    of: Callable[[Iterable[str]], tuple[str, ...]],
    last: dict[str, str],
) -> LoggedAct:
    account = entry.subject or ""
    decision = next(iter(said.get("decisions", ())), None)
    stored = reader.decision(decision) if decision else None
    policy = from_bytes(stored.content)["policy"]["sha256"] if stored else None
    moved = reader.audited_case_events(said.get("case_events", ()))
    return begun(
        "decision",
        of([account]),
        query="decision",
        messages=tuple(m.partition("@")[0] for m in said.get("messages", ())),
        decision=decision if stored else None,
        before=last.get(account),
        policy=policy,
        cases=tuple(sorted({row.told[1] for row in moved.values()})),
        program=_program(said) if stored else None,
    )


def _program(said: dict[str, Any]) -> tuple[str, str] | None:
    """Version and digest of the program that decided; None where the entry is older than saying so."""
    found = said.get("program")
    return (found["baton"], found["code_sha256"]) if found else None
