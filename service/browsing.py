"""Every message as people look at it: which came, what is in it by name, what it did, and back again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeAlias

from adapters.hl7v2.fields import fields as hl7v2_fields
from adapters.store import AuditRow, FactRecord, MessageFate, MessageFilter, MessageRecord, Reader, Store
from adapters.x12.fields import fields as x12_fields
from schemas.canonical import from_bytes, to_bytes
from schemas.errors import BatonError
from schemas.facts import AccountRef
from service.mending import Person
from service.plainly import Plain, case_event_of, instant_of

STATUSES: Final = ("accepted", "duplicate", "parked", "unread")
MOST_FIELDS: Final = 5000
MOST_ENTRIES: Final = 1000
WHOLE_BYTES: Final = 16 * 1024 * 1024
"""A longer message is decoded as far as this."""

Field: TypeAlias = tuple[str, str, str, bool]
Detect: TypeAlias = Callable[[list[bytes]], str]


def page(reader: Reader, like: MessageFilter, cursor: int | None, limit: int) -> Plain:
    """A page of messages, newest first; `next` is the cursor of the page after, None on the last."""
    found = reader.messages(like, cursor, limit + 1)
    more = len(found) > limit
    return {"items": [_fate(m) for m in found[:limit]], "next": found[limit - 1].seq if more else None}


def _fate(m: MessageFate) -> Plain:
    return {
        "sha256": m.sha256,
        "feed": m.feed,
        "format": m.format,
        "door": m.door,
        "size": m.size,
        "received_at": instant_of(m.received_at),
        "status": m.status,
        "facts": m.accepted or 0,
        "known": m.duplicate or 0,
        "parked": m.parked or 0,
    }


def found_message(reader: Reader, sha256: str, feed: str | None = None) -> MessageRecord:
    """A message by its digest.

    Raises:
        BatonError: `no-such-message`.
    """
    message = reader.message(sha256, feed)
    if message is None:
        raise BatonError("no-such-message", "no message with these bytes came in; `baton messages list`")
    return message


def show(reader: Reader, message: MessageRecord, detect: Detect, *, reveal: bool) -> Plain:
    """A message field by field, the facts it made and what waits of it. Values are masked unless revealed."""
    body = b"".join(_first(reader.message_chunks(message.seq)))
    format = message.format if message.format != "unknown" else detect([body])
    every = list(islice(_decoded(body, format), MOST_FIELDS + 1))
    return {
        "sha256": message.sha256,
        "feed": message.feed,
        "format": format,
        "door": message.door,
        "size": message.size,
        "received_at": instant_of(message.received_at),
        "fields": [
            {"place": place, "name": name, "value": value if reveal or envelope else masked(value)}
            for place, name, value, envelope in every[:MOST_FIELDS]
        ],
        "complete": len(every) <= MOST_FIELDS and message.size <= WHOLE_BYTES,
        "revealed": reveal,
        "facts": [_fact(r) for r in reader.facts_of_message(message.seq)],
        "parked": [
            {"id": p.seq, "code": p.code, "where": p.place, "reason": p.reason, "settled": bool(p.actions)}
            for p in reader.parked(open_only=False, message_seq=message.seq, limit=MOST_ENTRIES)
        ],
    }


def reveal(store: Store, message: MessageRecord, by: Person, reason: str, now: datetime) -> None:
    """Note in the audit log that somebody is about to see a message's values; committed before they do.

    Raises:
        BatonError: `no-name`, `no-reason`. Unavailable: nothing is noted, so nothing may be shown.
    """
    if not by.name.strip():
        raise BatonError("no-name", "say who looks")
    if not reason.strip():
        raise BatonError("no-reason", "say why; it is recorded")
    content = {
        "message": message.sha256,
        "feed": message.feed,
        "by": by.name,
        "reason": reason,
        "through": by.through,
    }
    with store.write() as unit:
        unit.add_audit([AuditRow("message.revealed", message.sha256, to_bytes(content), now)])


def masked(value: str) -> str:
    """A value's kind, never its signs.

    >>> masked("SMITH^JOHN"), masked("19800101"), masked("142.17")
    ('(text)', '(number)', '(number)')
    """
    plain = value.replace(".", "").replace("-", "")
    return "(number)" if plain.isdigit() else "(text)"


def _first(chunks: Iterator[bytes]) -> Iterator[bytes]:
    taken = 0
    for chunk in chunks:
        yield chunk[: WHOLE_BYTES - taken]
        taken += len(chunk)
        if taken >= WHOLE_BYTES:
            return


def _decoded(body: bytes, format: str) -> Iterator[Field]:
    if format == "hl7v2":
        return hl7v2_fields(body)
    if format == "x12":
        return x12_fields([body])
    return _json_fields(body)


def _json_fields(body: bytes) -> Iterator[Field]:
    """Every value of a JSON document, or of each line of NDJSON, by its path; nothing of what is no JSON."""
    try:
        documents = [json.loads(body, parse_float=str, parse_int=str)]
    except (ValueError, RecursionError):
        documents = []
        for line in body.splitlines():
            try:
                documents.append(json.loads(line, parse_float=str, parse_int=str))
            except (ValueError, RecursionError):
                continue
    for n, document in enumerate(documents):
        yield from _walk(document, "$" if len(documents) == 1 else f"${n + 1}", "")


_PLAIN: Final = frozenset({"schema", "type", "resourceType"})
"""Names whose values say what kind of thing it is."""


def _walk(document: Any, path: str, name: str) -> Iterator[Field]:
    waiting: list[tuple[Any, str, str]] = [(document, path, name)]
    while waiting:
        value, place, called = waiting.pop()
        if isinstance(value, dict):
            waiting += [(inner, f"{place}.{key}", str(key)) for key, inner in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [(inner, f"{place}[{n}]", called) for n, inner in reversed(list(enumerate(value)))]
        else:
            yield place, called, str(value), called in _PLAIN and place.count(".") == 1


def _fact(record: FactRecord) -> Plain:
    fact = record.fact
    return {
        "fact": fact.id,
        "type": fact.kind,
        "account": str(fact.account) if fact.account else None,
        "where": record.place,
        "message": record.message_sha256,
        "feed": record.feed,
        "occurred_at": instant_of(fact.occurred_at),
    }


def trace(reader: Reader, id: str) -> Plain:
    """Follow a message, a fact, a decision or a case both ways.

    Forward: what each fact led to. Back: the facts an account's decision or case rested on, with the message
    and the place of each.

    Raises:
        BatonError: `no-such-id`.
    """
    if (message := reader.message(id)) is not None:
        return {"kind": "message", "id": id} | _onward(reader, reader.facts_of_message(message.seq))
    if (one := reader.fact(id)) is not None:
        return {"kind": "fact", "id": id} | _onward(reader, [one])
    if (decision := reader.decision(id)) is not None:
        facts = _known_at(reader, decision.account, decision.decided_at)
        return {"kind": "decision", "id": id, "account": str(decision.account)} | _onward(
            reader, facts, only={id}
        )
    if (history := reader.case(id)) is not None:
        account = history.record.case.account
        decisions = {event.decision for event, _ in history.events}
        last = max((at for _, at in history.events), default=None)
        facts = _known_at(reader, account, last)
        told = _onward(reader, facts, only=decisions)
        return {"kind": "case", "id": id, "account": str(account)} | told
    raise BatonError(
        "no-such-id",
        "there is no message, fact, decision or case of this id; write it whole, as it is listed",
    )


def _known_at(reader: Reader, account: AccountRef, at: datetime | None) -> list[FactRecord]:
    return [r for one in reader.group(account) for r in reader.facts(one, at)]


def _onward(reader: Reader, facts: list[FactRecord], only: set[str] | None = None) -> Plain:
    """The facts, and what the transactions that posted them decided and moved, as the audit log says."""
    ids = {r.fact.id for r in facts}
    accounts = sorted({one for r in facts if r.fact.account for one in reader.group(r.fact.account)})
    decisions: dict[str, Plain] = {}
    moves: list[Plain] = []
    for account in accounts:
        entries = reader.audit_entries_for(str(account), MOST_ENTRIES, kind="account.decided")
        for entry in reversed(entries):
            said = from_bytes(entry.content)
            for decision in said["decisions"]:
                if decision in only if only is not None else ids & set(said["facts"]):
                    decisions[decision] = {
                        "decision": decision,
                        "account": str(account),
                        "decided_at": instant_of(entry.recorded_at),
                        "entry": entry.seq,
                        "facts": [f for f in said["facts"] if f in ids],
                    }
        for record in reader.cases_of(account):
            history = reader.case(record.case.id)
            for event, at in history.events if history else ():
                if event.decision in decisions:
                    moves.append({"case": record.case.id, "account": str(account)} | case_event_of(event, at))
    return {
        "facts": [_fact(r) for r in facts],
        "decisions": list(decisions.values()),
        "case_moves": moves,
    }
