"""How a FHIR resource becomes facts: when it became true, and under which key it is known.

A resource that is sent again unchanged is the same statement; changed, it is a newer one where the newest
wins, and a contradiction where only one can be true (a charge, a payment, a statement).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from adapters.fhir.elements import Node, instant, part
from adapters.fhir.findings import noted
from adapters.fhir.neighbours import Setting, identifiers
from schemas.canonical import digest, to_bytes
from schemas.facts import KIND_OF, AccountRef, Body, Fact, Noted
from schemas.records import to_plain

UNDATED: Final = datetime(1970, 1, 1, tzinfo=UTC)


def when(node: Node, place: str, setting: Setting) -> tuple[datetime, list[Noted]]:
    """When a resource became true: its last change, else its Bundle's instant; never the day of arrival."""
    meta = part(node, "meta", place) or {}
    at = instant(meta, "lastUpdated", f"{place}.meta") or setting.timestamp
    return (at, []) if at is not None else (UNDATED, [noted("undated", place)])


def newest(account: AccountRef, at: datetime, body: Body, place: str, currency: str = "USD") -> Fact:
    """A statement of which the newest counts: known by what it says and when."""
    seal = digest(to_bytes([to_plain(body), at]))[:32]
    return Fact.of(
        account, f"{KIND_OF[type(body)]}|{account}|fhir|{seal}", at, body, currency=currency, where=place
    )


def once(account: AccountRef, at: datetime, body: Body, name: str, place: str, currency: str = "USD") -> Fact:
    """A statement that is true once, known by `name`: with other content it is a contradiction."""
    return Fact.of(
        account, f"{KIND_OF[type(body)]}|{account}|fhir|{name}", at, body, currency=currency, where=place
    )


def named(node: Node, place: str) -> tuple[str, str] | None:
    """What a resource is known by in business: the value of its first identifier, and its whole name with the
    system; else its id. None without either."""
    for _, system, value, _ in identifiers(node, place):
        return value, f"{system}|{value}"
    id = node.get("id")
    if isinstance(id, str) and id and len(id) <= 64 and id.isprintable():
        return id, f"{node['resourceType']}/{id}"
    return None
