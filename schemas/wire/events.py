"""Outgoing events: CloudEvents 1.0 JSON, built straight from case events and decisions.

An event names an account by facility and number and carries amounts, gates and reasons in our own words; no
person, no claim and no text of a message. Its `id` is stable, so a consumer that keeps ids sees each once.
Source: CloudEvents 1.0.2, JSON event format.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

from marshmallow import Schema

from schemas.canonical import to_bytes
from schemas.cases import CaseEvent, CaseMove, CaseStatus
from schemas.decisions import Decision, Responsibility
from schemas.facts import AccountRef
from schemas.money import format_cents
from schemas.wire import answers

SOURCE: Final = "/baton"

_STATUS_AFTER: Final[dict[CaseMove, CaseStatus]] = {
    "opened": "open",
    "adjusted": "open",
    "recalled": "recalled",
    "closed": "closed",
}


def event(type: str, id: str, subject: str, time: datetime, data: dict[str, Any]) -> bytes:
    """Write one CloudEvent canonically; `type` is also its routing key, `time` an aware instant.

    >>> event("case.opened", "e1", "GEN/A1", datetime(2026, 3, 14, tzinfo=UTC), {})[:33]
    b'{"data":{},"datacontenttype":"app'
    """
    return to_bytes(
        {
            "specversion": "1.0",
            "id": id,
            "source": SOURCE,
            "type": type,
            "subject": subject,
            "time": time.astimezone(UTC),
            "datacontenttype": "application/json",
            "data": data,
        }
    )


def case_event(event_of_case: CaseEvent, decision: Decision, at: datetime) -> bytes:
    """What happened to a case: case.opened, case.adjusted, case.recalled or case.closed."""
    data = {
        "case_id": event_of_case.case_id,
        "sequence": event_of_case.sequence,
        "account": _account(event_of_case.account),
        "amount": format_cents(event_of_case.amount_cents),
        "previous_amount": format_cents(event_of_case.previous_cents),
        "currency": event_of_case.currency,
        "status": _STATUS_AFTER[event_of_case.move],
        "reason": event_of_case.reason,
        "decision": decision.id,
        "policy": _policy(decision),
    }
    return event(f"case.{event_of_case.move}", event_of_case.id, str(event_of_case.account), at, data)


def responsibility_determined(decision: Decision, event_id: str, at: datetime) -> bytes:
    """Who owes every cent of an account, as one decision found it."""
    found = decision.responsibility
    data = {
        "account": _account(decision.account),
        "balance": format_cents(found.balance_cents),
        "patient_amount": format_cents(_patient_cents(found)),
        "currency": found.currency,
        "determination": found.determination,
        "shares": [
            {
                "bearer": share.bearer,
                "amount": format_cents(share.amount_cents),
                "reason": {"group": share.reason.group, "code": share.reason.code, "text": share.reason.text},
            }
            for share in found.shares
        ],
        "decision": decision.id,
        "policy": _policy(decision),
    }
    return event("responsibility.determined", event_id, str(decision.account), at, data)


def account_held(decision: Decision, event_id: str, at: datetime) -> bytes:
    """Why no case opens for an account now, and when it is looked at again (`open_case` gates only)."""
    found = decision.responsibility
    data = {
        "account": _account(decision.account),
        "patient_amount": format_cents(_patient_cents(found)),
        "currency": found.currency,
        "holding": [
            {
                "gate": finding.gate,
                "name": finding.name,
                "verdict": finding.verdict.word,
                "until": _day(finding.until),
                "because": finding.because,
            }
            for finding in decision.findings
            if finding.stage == "open_case" and finding.stands
        ],
        "review_on": _day(decision.review_on),
        "decision": decision.id,
        "policy": _policy(decision),
    }
    return event("account.held", event_id, str(decision.account), at, data)


def audit_checkpoint(text: str, event_id: str, at: datetime) -> bytes:
    """A signed checkpoint of the audit log, for keeping outside the power of those who run Baton."""
    return event("audit.checkpoint", event_id, "audit", at, {"checkpoint": text})


def feed_told(type: str, feed: str, why: tuple[str, str], event_id: str, at: datetime) -> bytes:
    """A feed is not itself (feed.alert), or is again (feed.recovered); `why`: a stable word, a sentence."""
    cause, text = why
    return event(type, event_id, f"feed/{feed}", at, {"feed": feed, "cause": cause, "text": text})


def _account(account: AccountRef) -> dict[str, str]:
    return {"facility": account.facility, "number": account.number}


def _policy(decision: Decision) -> dict[str, str]:
    return {"version": decision.policy_version, "sha256": decision.policy_sha256}


def _patient_cents(found: Responsibility) -> int:
    """The patient's shares of the balance together, whether final or not."""
    return sum(share.amount_cents for share in found.shares if share.bearer == "patient")


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


EVENTS: Final[dict[str, type[Schema]]] = {
    "case.opened": answers.CaseMoved,
    "case.adjusted": answers.CaseMoved,
    "case.recalled": answers.CaseMoved,
    "case.closed": answers.CaseMoved,
    "responsibility.determined": answers.ResponsibilityDetermined,
    "account.held": answers.AccountHeld,
    "audit.checkpoint": answers.CheckpointGivenOut,
    "feed.alert": answers.FeedTold,
    "feed.recovered": answers.FeedTold,
}
"""Every outgoing type, which is also its routing key, and the schema of its `data`."""
