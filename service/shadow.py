"""What would have opened: cases withheld in shadow mode, by the records made when each would have opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from adapters.store import Reader, WithheldRecord
from schemas.facts import AccountRef
from schemas.money import format_cents
from service.release import SHADOW

Plain: TypeAlias = dict[str, Any]

COLUMNS: Final = (
    "account",
    "facility",
    "feeds",
    "causes",
    "policy",
    "would_open_at",
    "amount",
    "latest_amount",
    "currency",
    "ended_at",
    "decision",
)


@dataclass(slots=True)
class _Run:
    """One case that would have been open for a while; `amounts` are what it would have asked for, in turn."""

    first: WithheldRecord
    amounts: list[int] = field(default_factory=list)
    ended_at: datetime | None = None


def report(reader: Reader, since: datetime | None = None) -> Plain:
    """Every case that would have opened, from `since` on, and sums by feed, facility and policy."""
    runs = [r for r in _runs(reader.withheld_cases()) if since is None or r.first.at >= since]
    return {
        "since": _instant(since) if since else None,
        "cases": len(runs),
        "still": sum(1 for r in runs if r.ended_at is None),
        "amount": format_cents(sum(r.amounts[0] for r in runs)),
        "items": [_item(run) for run in runs],
        "by_feed": _sums(runs, lambda r: r.first.feeds),
        "by_facility": _sums(runs, lambda r: [r.first.account.facility]),
        "by_policy": _sums(runs, lambda r: [r.first.policy_version]),
    }


def _runs(records: Iterable[WithheldRecord]) -> list[_Run]:
    """The would-be cases, in the order of opening."""
    runs: list[_Run] = []
    open: dict[AccountRef, _Run] = {}
    for record in records:
        shadowed = record.move == "withheld" and any(c.startswith(SHADOW) for c in record.causes)
        run = open.get(record.account)
        if run is None and shadowed:
            run = open[record.account] = _Run(record)
            runs.append(run)
        if run is not None and shadowed:
            run.amounts.append(record.amount_cents)
        elif run is not None:
            open.pop(record.account).ended_at = record.at
    return runs


def _item(run: _Run) -> Plain:
    first = run.first
    return {
        "account": str(first.account),
        "facility": first.account.facility,
        "feeds": list(first.feeds),
        "causes": list(first.causes),
        "policy": first.policy_version,
        "would_open_at": _instant(first.at),
        "amount": format_cents(run.amounts[0]),
        "latest_amount": format_cents(run.amounts[-1]),
        "currency": first.currency,
        "ended_at": _instant(run.ended_at) if run.ended_at else None,
        "decision": first.decision,
    }


def _sums(runs: Iterable[_Run], names: Callable[[_Run], Iterable[str]]) -> list[Plain]:
    """Cases and amounts by name; a case of two feeds counts for each."""
    found: dict[str, list[int]] = {}
    for run in runs:
        for name in names(run):
            found.setdefault(name, []).append(run.amounts[0])
    return [
        {"name": name, "cases": len(cents), "amount": format_cents(sum(cents))}
        for name, cents in sorted(found.items())
    ]


def cells(item: Mapping[str, Any]) -> list[str]:
    """One item as cells of a table that a spreadsheet may open: none of them becomes a formula.

    >>> cells({name: "=1+1" if name == "account" else "x" for name in COLUMNS})[:2]
    ["'=1+1", 'x']
    """
    plain = (item[name] for name in COLUMNS)
    texts = ("" if v is None else "; ".join(v) if isinstance(v, list) else str(v) for v in plain)
    return [f"'{text}" if text[:1] in _FORMULA else text for text in texts]


_FORMULA: Final = frozenset("=+-@\t\r")


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
