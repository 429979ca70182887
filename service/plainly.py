"""Records as the plain data that leaves by the command line and HTTP: days, instants, cases, evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from adapters.store.rows import DecisionRecord, FactRecord
from schemas.canonical import from_bytes
from schemas.cases import Case, CaseEvent
from schemas.decisions import STAGES, Verdict
from schemas.money import format_cents
from service.core.words import why_a_case_moved

Plain: TypeAlias = dict[str, Any]
Cite: TypeAlias = Callable[[Iterable[str]], list[Plain]]


def day_of(day: date | None) -> str | None:
    """A day as text."""
    return day.isoformat() if day else None


def instant_of(at: datetime) -> str:
    """An instant as text, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def citing(records: Sequence[FactRecord]) -> Cite:
    """Turns ids of facts into the message, feed and place each was read from."""
    by_id: dict[str, FactRecord] = {}
    for record in records:
        by_id.setdefault(record.fact.id, record)

    def cite(ids: Iterable[str]) -> list[Plain]:
        return [
            {
                "fact": id,
                "message": by_id[id].message_sha256,
                "where": by_id[id].place,
                "feed": by_id[id].feed,
                "format": by_id[id].format,
            }
            for id in ids
            if id in by_id
        ]

    return cite


def case_of(case: Case, found: str | None = None) -> Plain:
    """A case; `found` is what the gate that ended it had to say."""
    return {
        "id": case.id,
        "account": str(case.account),
        "number": case.number,
        "status": case.status,
        "amount": format_cents(case.amount_cents),
        "currency": case.currency,
        "reason": case.reason,
        "reason_text": why_a_case_moved(case.reason, found) if case.reason else None,
        "opened_by": case.opened_by,
        "decided_by": case.decided_by,
        "events": case.events,
    }


def case_event_of(event: CaseEvent, at: datetime, found: str | None = None) -> Plain:
    """A move of a case."""
    return {
        "id": event.id,
        "sequence": event.sequence,
        "move": event.move,
        "at": instant_of(at),
        "amount": format_cents(event.amount_cents),
        "previous_amount": format_cents(event.previous_cents),
        "reason": event.reason,
        "reason_text": why_a_case_moved(event.reason, found),
        "decision": event.decision,
    }


def outcomes_of(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """The worst verdict of each stage."""
    return {stage: verdict.word for stage, verdict in zip(STAGES, verdicts, strict=True)}


def stored_outcomes_of(stored: DecisionRecord | None) -> dict[str, str] | None:
    """The same, of a stored decision."""
    return dict(zip(STAGES, from_bytes(stored.content)["outcomes"], strict=True)) if stored else None
