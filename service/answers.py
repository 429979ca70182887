"""What Baton answers when asked: plain data for the command line and HTTP alike, read in one moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, Final, TypeAlias, cast

from adapters.store import Reader
from adapters.store.rows import AccountRow, CaseHistory, DecisionRecord, FactRecord, ParkedRecord
from schemas.canonical import from_bytes
from schemas.cases import Case, CaseEvent, CaseMove, CaseStatus
from schemas.decisions import STAGES, Decision, Finding, Share, Verdict
from schemas.errors import BatonError
from schemas.facts import AccountRef, Rejected
from schemas.money import format_cents
from service.core import Policy, apportion, decide, explain, fold
from service.intake import Receipt
from service.release import SETTLING, said
from service.storyline import told

Plain: TypeAlias = dict[str, Any]
Cite: TypeAlias = Callable[[Iterable[str]], list[Plain]]

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


def why(
    reader: Reader, policy: Policy, ref: AccountRef, as_of: date, known_at: datetime | None = None
) -> Plain:
    """Why an account is where it is: the facts effective by `as_of`, as Baton knew them at `known_at`.

    Everything is computed again from the stored facts; `decision.stored` says whether the record made at the
    time says the same.

    Raises:
        BatonError: `no-such-account` when nothing was known by then.
    """
    records = [r for r in reader.facts(ref, known_at) if r.fact.occurred_at.date() <= as_of]
    if not records:
        raise BatonError("no-such-account", "nothing was known of this account by then")
    account = fold(r.fact for r in records)
    responsibility = apportion(account, policy)
    decision = decide(account, responsibility, policy, as_of)
    story = explain(account, responsibility, decision, policy)
    cite = _citing(records)
    seen_until = known_at or _end_of(as_of)
    stored = reader.latest_decision(ref, seen_until)
    entry = next((e for e in reader.audit_entries_for(str(ref)) if e.recorded_at <= seen_until), None)
    held_back = _withheld(reader.account(ref)) if known_at is None and decision.opens_case else []
    cases_had = [h for h in _histories(reader, ref, seen_until) if h.events]
    return {
        "account": str(ref),
        "facility": ref.facility,
        "number": ref.number,
        "as_of": as_of.isoformat(),
        "summary": " ".join([story.summary, *(w["text"] for w in held_back)]),
        "balance": format_cents(responsibility.balance_cents),
        "currency": responsibility.currency,
        "assigned": format_cents(responsibility.assigned_cents),
        "collectible": format_cents(responsibility.collectible_cents),
        "net": format_cents(responsibility.net_cents),
        "responsibility": [_share(share, cite) for share in responsibility.shares],
        "determination": responsibility.determination,
        "waterfall": [
            {
                "step": step.what,
                "amount": format_cents(step.amount_cents),
                "left": format_cents(step.left_cents),
                "evidence": cite(step.evidence),
            }
            for step in story.steps
        ],
        "traces": [
            {"rule": t.rule, "found": t.found, "claim": t.claim_id, "evidence": cite(t.evidence)}
            for t in responsibility.traces
        ],
        "gates": [_gate(finding, cite) for finding in story.gates],
        "decision": _decision(decision, stored),
        "case": _case(_as_it_was(cases_had[-1])) if cases_had else None,
        "timeline": _timeline(records, reader.decisions(ref, seen_until), cases_had, cite),
        "withheld": held_back,
        "counterfactual": [{"change": c.change, "outcome": c.outcome} for c in story.counterfactuals],
        "audit": {"entry": entry.seq, "hash": entry.hash} if entry else None,
    }


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
        "outcomes": _outcomes_of(stored),
        "review_on": _day(row.review_on),
        "case": _case(cases_had[-1].case) if cases_had else None,
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
        "items": [_case(record.case) for record in found[:limit]],
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
    return _case(history.record.case) | {"history": [_case_event(event, at) for event, at in history.events]}


def parked(reader: Reader, limit: int, include_settled: bool = False) -> list[Plain]:
    """What waits for a person, oldest first."""
    return [_parked(record) for record in reader.parked(open_only=not include_settled, limit=limit)]


def parked_one(reader: Reader, seq: int) -> Plain:
    """One parked message or part.

    Raises:
        BatonError: `no-such-parked`.
    """
    record = reader.parked_one(seq)
    if record is None:
        raise BatonError("no-such-parked", "there is no parked message with this number; `baton parked list`")
    return _parked(record)


def receipt(given: Receipt) -> Plain:
    """What became of one message."""
    return {
        "sha256": given.sha256,
        "disposition": given.disposition,
        "facts": given.facts,
        "rejected": [_rejected(r) for r in given.rejected],
    }


def _citing(records: Sequence[FactRecord]) -> Cite:
    by_id: dict[str, FactRecord] = {}
    for record in records:
        by_id.setdefault(record.fact.id, record)

    def cite(ids: Iterable[str]) -> list[Plain]:
        return [
            {"fact": id, "message": by_id[id].message_sha256, "where": by_id[id].place}
            for id in ids
            if id in by_id
        ]

    return cite


def _withheld(row: AccountRow | None) -> list[Plain]:
    """Why a case that the decision allows does not open, or is not raised, yet."""
    if row is None:
        return []
    until, raised = _instant(row.review_at) if row.review_at else None, row.case is not None
    return [
        {
            "cause": cause,
            "until": until if cause == SETTLING else None,
            "text": said(cause, row.review_at, raised=raised),
        }
        for cause in row.withheld
    ]


def _share(share: Share, cite: Cite) -> Plain:
    return {
        "bearer": share.bearer,
        "amount": format_cents(share.amount_cents),
        "reason": {"group": share.reason.group, "code": share.reason.code, "text": share.reason.text},
        "claim": share.claim_id,
        "evidence": cite(share.evidence),
    }


def _gate(finding: Finding, cite: Cite) -> Plain:
    return {
        "gate": finding.gate,
        "name": finding.name,
        "stage": finding.stage,
        "verdict": finding.verdict.word,
        "until": _day(finding.until),
        "because": finding.because,
        "lifted_by": finding.lifted_by,
        "parameters": dict(finding.parameters),
        "set_by": dict(finding.set_by),
        "citation": finding.citation,
        "evidence": cite(finding.evidence),
    }


def _decision(decision: Decision, stored: DecisionRecord | None) -> Plain:
    same = stored is not None and _material_of(stored) == decision.material
    return {
        "id": stored.id if stored and same else decision.id,
        "stored": same,
        "outcomes": _outcomes(decision.outcomes),
        "policy": {"version": decision.policy_version, "sha256": decision.policy_sha256},
        "decided_at": _instant(stored.decided_at) if stored and same else None,
        "review_on": _day(decision.review_on),
    }


def _material_of(stored: DecisionRecord) -> str:
    return str(from_bytes(stored.content)["material"])


def _outcomes(verdicts: Sequence[Verdict]) -> dict[str, str]:
    return {stage: verdict.word for stage, verdict in zip(STAGES, verdicts, strict=True)}


def _outcomes_of(stored: DecisionRecord | None) -> dict[str, str] | None:
    return dict(zip(STAGES, from_bytes(stored.content)["outcomes"], strict=True)) if stored else None


def _case(case: Case) -> Plain:
    return {
        "id": case.id,
        "account": str(case.account),
        "number": case.number,
        "status": case.status,
        "amount": format_cents(case.amount_cents),
        "currency": case.currency,
        "reason": case.reason,
        "opened_by": case.opened_by,
        "decided_by": case.decided_by,
        "events": case.events,
    }


def _case_event(event: CaseEvent, at: datetime) -> Plain:
    return {
        "id": event.id,
        "sequence": event.sequence,
        "move": event.move,
        "at": _instant(at),
        "amount": format_cents(event.amount_cents),
        "previous_amount": format_cents(event.previous_cents),
        "reason": event.reason,
        "decision": event.decision,
    }


def _end_of(day: date) -> datetime:
    """The last instant that may count for a day: a day ends last at UTC-12."""
    return datetime.combine(day, time.max, tzinfo=timezone(timedelta(hours=-12)))


def _histories(reader: Reader, ref: AccountRef, seen_until: datetime) -> list[CaseHistory]:
    """The account's cases with the events that had happened by then, first case first."""
    found = []
    for record in reader.cases_of(ref):
        history = reader.case(record.case.id)
        if history is not None:
            events = tuple((event, at) for event, at in history.events if at <= seen_until)
            found.append(CaseHistory(history.record, events))
    return found


def _as_it_was(history: CaseHistory) -> Case:
    """The case after the last of these events."""
    event, _ = history.events[-1]
    ended = event.move in ("recalled", "closed")
    return replace(
        history.record.case,
        status=_STATUS_AFTER[event.move],
        amount_cents=event.amount_cents,
        decided_by=event.decision,
        events=event.sequence,
        reason=event.reason if ended else None,
    )


_STATUS_AFTER: Final[dict[CaseMove, CaseStatus]] = {
    "opened": "open",
    "adjusted": "open",
    "recalled": "recalled",
    "closed": "closed",
}


def _timeline(
    records: Sequence[FactRecord],
    decisions: Sequence[DecisionRecord],
    cases_had: Sequence[CaseHistory],
    cite: Cite,
) -> list[Plain]:
    """Facts on the day they took effect, decisions and case moves when Baton made them, oldest first."""
    rows: list[tuple[datetime, int, Plain]] = []
    for record in records:
        said = {"what": told(record.fact.body), "evidence": cite([record.fact.id])}
        rows.append((record.fact.occurred_at, 0, said))
    for stored in decisions:
        rows.append((stored.decided_at, 1, {"what": _decided(stored), "evidence": [], "decision": stored.id}))
    for history in cases_had:
        for event, moved_at in history.events:
            what = f"Case {event.move}: {format_cents(event.amount_cents)} ({event.reason})"
            rows.append((moved_at, 2, {"what": what, "evidence": [], "case": event.case_id}))
    rows.sort(key=lambda row: row[:2])
    return [{"at": _instant(at), **said} for at, _, said in rows]


def _decided(stored: DecisionRecord) -> str:
    """What a stored decision found about opening a case, and the gates in the way."""
    if stored.opens:
        return "Decided: a case may open"
    said = from_bytes(stored.content)["gates"]
    # The first entry of `says` is the answer about opening a case; None where the gate simply allows.
    binding = [g["gate"] for g in said if g["says"][0] and g["says"][0][0] != Verdict.ALLOW.word]
    return f"Decided: no case ({', '.join(binding)})"


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
        "parked_at": _instant(record.parked_at),
        "actions": [
            {"action": a.action, "at": _instant(a.at), "by": a.by, "note": a.note} for a in record.actions
        ],
    }


def _rejected(rejected: Rejected) -> Mapping[str, str]:
    return {"code": rejected.code, "where": rejected.where, "reason": rejected.reason}


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
