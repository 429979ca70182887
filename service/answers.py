"""What Baton answers when asked: plain data for the command line and HTTP alike, read in one moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, cast

from adapters.store import FactRecord, ParkedFilter, ParkedRecord, Reader
from schemas.cases import CaseStatus
from schemas.errors import BatonError
from schemas.facts import AccountRef, Rejected
from schemas.money import format_cents
from service.chronicle import why_it_ended
from service.core import Policy
from service.mending import statements
from service.plainly import Plain, case_event_of, case_of, day_of, instant_of, stored_outcomes_of
from service.receipts import Receipt
from service.why import why as why

STATUSES: Final = ("open", "recalled", "closed")


def find_account(reader: Reader, text: str) -> AccountRef:
    """The account meant by `FACILITY/NUMBER`, or by a number that only one facility uses.

    Raises:
        BatonError: `no-such-account` or `ambiguous-account`.
    """
    rows = reader.find_accounts(text)
    facility, slash, number = text.partition("/")
    if slash and (row := reader.account(AccountRef(facility, number))) is not None:
        rows = [row]
    if not rows:
        raise BatonError(
            "no-such-account", "no message has named this account; write FACILITY/NUMBER or NUMBER"
        )
    if len(rows) > 1:
        facilities = ", ".join(row.ref.facility for row in rows)
        raise BatonError(
            "ambiguous-account",
            f"more than one facility uses this number ({facilities}); write FACILITY/NUMBER",
        )
    return rows[0].ref


def accounts_meant(reader: Reader, text: str) -> list[str]:
    """Every account that `FACILITY/NUMBER`, or a number that several facilities may use, can mean."""
    facility, slash, number = text.partition("/")
    whole = reader.account(AccountRef(facility, number)) if slash else None
    rows = [*reader.find_accounts(text), *([whole] if whole else [])]
    return sorted({str(row.ref) for row in rows})


def account(reader: Reader, ref: AccountRef) -> Plain:
    """An account in brief, as its latest decision left it.

    Raises:
        BatonError: `no-such-account`.
    """
    row = reader.account(ref)
    if row is None:
        raise BatonError("no-such-account", "no message has named this account")
    stored = reader.latest_decision(ref)
    cases_had = reader.cases_of(ref)
    return {
        "account": str(ref),
        "balance": format_cents(row.balance_cents),
        "patient_amount": format_cents(row.patient_cents),
        "currency": row.currency,
        "determination": row.determination,
        "outcomes": stored_outcomes_of(stored),
        "review_on": day_of(row.review_on),
        "case": case_of(cases_had[-1].case) if cases_had else None,
        "facts": row.facts,
    }


def standing(reader: Reader, policy: Policy, as_of: date, now: datetime) -> Plain:
    """How far the policy in force has been applied, and how many cases wait for what.

    A case that waits for two causes counts for each.
    """
    found = reader.standing(policy.sha256)
    waiting: Counter[str] = Counter()
    for causes, count in found.withheld.items():
        waiting.update(dict.fromkeys(causes, count))
    return {
        "policy": {"version": policy.version, "sha256": policy.sha256},
        "decided": found.decided,
        "under_policy": found.under_policy,
        "to_decide_again": found.decided - found.under_policy,
        "reviews_due": reader.reviews_due(as_of, now),
        "withheld": dict(sorted(waiting.items())),
    }


def cases(reader: Reader, status: str | None, cursor: int | None, limit: int) -> Plain:
    """A page of cases in the order of opening; `next` is the cursor of the page after, None on the last.

    Raises:
        BatonError: `bad-status`.
    """
    if status is not None and status not in STATUSES:
        raise BatonError("bad-status", f"there is no such status; write one of {', '.join(STATUSES)}")
    found = reader.cases(cast(CaseStatus | None, status), cursor or 0, limit + 1)
    more = len(found) > limit
    return {
        "items": [case_of(record.case) for record in found[:limit]],
        "next": found[limit - 1].seq if more else None,
    }


def case(reader: Reader, case_id: str) -> Plain:
    """A case with everything that happened to it.

    Raises:
        BatonError: `no-such-case`.
    """
    history = reader.case(case_id)
    if history is None:
        raise BatonError("no-such-case", "there is no case with this id; `baton cases` lists them")
    case = history.record.case
    found = [(event, at, why_it_ended(reader, event.reason, event.decision)) for event, at in history.events]
    ended = found[-1][2] if found else None
    return case_of(case, ended) | {"history": [case_event_of(*one) for one in found]}


def parked(
    reader: Reader, limit: int, include_settled: bool = False, like: ParkedFilter | None = None
) -> list[Plain]:
    """What waits for a person, oldest first."""
    found = reader.parked(open_only=not include_settled, like=like, limit=limit)
    return [_parked(record) for record in found]


def parked_one(reader: Reader, seq: int) -> Plain:
    """One parked message or part.

    Raises:
        BatonError: `no-such-parked`.
    """
    record = reader.parked_one(seq)
    if record is None:
        raise BatonError("no-such-parked", "there is no parked message with this number; `baton parked list`")
    return _parked(record) | {
        "statements": [_statement(r) for r in statements(reader, record)],
        "proposal": {
            "action": record.proposal.action,
            "stands": record.proposal.stands,
            "at": instant_of(record.proposal.at),
            "by": record.proposal.by,
            "note": record.proposal.note,
            "through": record.proposal.through,
        }
        if record.proposal is not None and not record.actions
        else None,
    }


def _statement(record: FactRecord) -> Plain:
    """One of the statements that contradict each other: which, not what, since that is a patient's."""
    fact = record.fact
    return {
        "fact": fact.id,
        "type": fact.kind,
        "account": str(fact.account),
        "occurred_at": instant_of(fact.occurred_at),
        "message": record.message_sha256,
        "where": record.place,
        "feed": record.feed,
    }


def receipt(given: Receipt) -> Plain:
    """What became of one message."""
    return {
        "sha256": given.sha256,
        "disposition": given.disposition,
        "facts": given.facts,
        "rejected": [_rejected(r) for r in given.rejected],
    }


def _parked(record: ParkedRecord) -> Plain:
    return {
        "id": record.seq,
        "message": record.message_sha256,
        "feed": record.feed,
        "format": record.format,
        "where": record.place,
        "code": record.code,
        "reason": record.reason,
        "clause": record.clause,
        "account": str(record.account) if record.account else None,
        "parked_at": instant_of(record.parked_at),
        "actions": [
            {"action": a.action, "at": instant_of(a.at), "by": a.by, "note": a.note, "through": a.through}
            for a in record.actions
        ],
    }


def _rejected(rejected: Rejected) -> Mapping[str, str]:
    return {"code": rejected.code, "where": rejected.where, "reason": rejected.reason}
