"""What is in a message, told while it is being read: facts as they come, then findings, accounts and totals.

Nothing is stored, and nothing grows with the message but the list of its account numbers: findings wait in a
temporary file until the facts are out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from typing import Any, Final

from adapters.store import check_fact
from schemas.errors import MessageRejected
from schemas.facts import Fact, Item, Noted, Rejected, Tally
from schemas.money import format_cents
from schemas.records import to_plain

Write = Callable[[str], object]

SPOOL_BYTES: Final = 4 * 1024 * 1024
"""Findings beyond this go to disk."""

REMEMBERED: Final = 2000
"""Findings that are held to tell the same one, said again when its part is parked."""

PRIOR: Final = " / MRG "
"""In the place of a fact about a number that an account had before: it is no account the message is about."""

FORMATS: Final = {"x12": "x12.835"}
"""The contract's word for a format, where the door has a shorter one."""


@dataclass(slots=True)
class Kind:
    """Findings of one code: how many, and the first of them."""

    severity: str
    code: str
    message: str
    where: str
    count: int = 0


@dataclass(slots=True)
class Summary:
    """What one message added up to. `parks` counts the parts that would wait for a person."""

    tally: Tally = field(default_factory=lambda: Tally("unknown"))
    facts: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, None] = field(default_factory=dict)
    kinds: dict[tuple[str, str], Kind] = field(default_factory=dict)
    parks: int = 0
    recent: dict[tuple[str, str], None] = field(default_factory=dict)

    @property
    def format(self) -> str:
        """The format in the contract's words."""
        return FORMATS.get(self.tally.format, self.tally.format)

    def follow(self, items: Iterable[Item]) -> Iterator[Fact | Noted]:
        """Count what a reader yields and hand on facts and findings; a rejected part is a finding too."""
        for item in items:
            if isinstance(item, Tally):
                self.tally = item
                continue
            if isinstance(item, Fact):
                item = _keepable(item)
            if isinstance(item, Fact):
                self.facts[item.kind] = self.facts.get(item.kind, 0) + 1
                if item.account is not None and PRIOR not in item.where:
                    self.accounts.setdefault(item.account.number)
                yield item
                continue
            if isinstance(item, Rejected):
                self.parks += 1
                if item.account is not None:
                    self.accounts.setdefault(item.account.number)
                if (item.code, item.where) in self.recent:
                    continue  # the finding that parks this part has been told
                item = Noted("error", item.code, item.where, item.reason)
            self._remember(item)
            self._count(item)
            yield item

    def _remember(self, noted: Noted) -> None:
        if len(self.recent) >= REMEMBERED:
            del self.recent[next(iter(self.recent))]
        self.recent[(noted.code, noted.where)] = None

    def _count(self, noted: Noted) -> None:
        kind = self.kinds.get((noted.severity, noted.code))
        if kind is None:
            kind = Kind(noted.severity, noted.code, noted.message, noted.where)
            self.kinds[(noted.severity, noted.code)] = kind
        kind.count += 1

    def totals(self) -> dict[str, int | str]:
        """Counts and sums as `baton inspect --json` tells them; amounts are decimal strings."""
        tally = self.tally
        return {
            "transactions": tally.transactions,
            "claims": tally.claims,
            "service_lines": tally.service_lines,
            "charge": format_cents(tally.charge_cents),
            "paid": format_cents(tally.paid_cents),
            "patient_responsibility": format_cents(tally.patient_responsibility_cents),
            "patient_adjustments": format_cents(tally.patient_adjustments_cents),
            "provider_adjustments": format_cents(tally.provider_adjustments_cents),
            "payment": format_cents(tally.payment_cents),
        }


def _keepable(fact: Fact) -> Fact | Rejected:
    """The fact, or the rejection that intake would answer a fact with that no store can keep."""
    try:
        check_fact(fact)
    except MessageRejected as error:
        return Rejected(error.code, fact.where, error.reason, error.clause)
    return fact


def write_json(path: str, sha256: str, items: Iterable[Item], write: Write) -> Summary:
    """Write one file's object as JSON on one line, in pieces; `write` is told each piece."""
    summary = Summary()
    between, none_yet = ",", ""
    write(f'{{"path":{_text(path)},"facts":[')
    comma = none_yet
    with SpooledTemporaryFile(SPOOL_BYTES, "w+", encoding="utf-8") as spool:
        for item in summary.follow(items):
            if isinstance(item, Fact):
                write(comma + _text(fact_plain(item, sha256)))
                comma = between
            else:
                spool.write(_text(finding_plain(item)) + "\n")
        write('],"findings":[')
        spool.seek(0)
        comma = none_yet
        for line in spool:
            write(comma + line.rstrip("\n"))
            comma = between
    write('],"accounts":[')
    comma = none_yet
    for number in summary.accounts:
        write(comma + _text(number))
        comma = between
    rest = {"format": summary.format, "messages": summary.tally.messages, "totals": summary.totals()}
    write("]," + _text(rest)[1:] + "\n")
    return summary


def fact_plain(fact: Fact, sha256: str) -> dict[str, Any]:
    """A fact as plain data: amounts as decimal strings, days and instants as ISO text, and its place."""
    return {
        "type": fact.kind,
        "account": str(fact.account) if fact.account else None,
        "occurred_at": fact.occurred_at.isoformat(),
        "currency": fact.currency,
        "data": _shown(to_plain(fact.body)),
        "id": fact.id,
        "key": fact.key,
        "source": {"sha256": sha256, "where": fact.where},
    }


def finding_plain(noted: Noted) -> dict[str, str]:
    """A finding as plain data."""
    return {"severity": noted.severity, "code": noted.code, "where": noted.where, "message": noted.message}


def _shown(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {
            name.removesuffix("_cents"): format_cents(value)
            if name.endswith("_cents") and value is not None
            else _shown(value)
            for name, value in plain.items()
        }
    if isinstance(plain, list | tuple):
        return [_shown(value) for value in plain]
    return plain.isoformat() if isinstance(plain, date | datetime) else plain


def _text(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
