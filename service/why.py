"""Why an account is where it is: the whole answer as plain data, for a day and an instant of knowledge."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from adapters.store import Reader
from adapters.store.rows import AccountRow, DecisionRecord, FactRecord
from schemas.canonical import from_bytes
from schemas.decisions import Decision, Finding, Responsibility, Share
from schemas.errors import BatonError, PolicyRefused
from schemas.facts import AccountRef, Fact
from schemas.money import format_cents
from service.app import compile_rule
from service.chronicle import as_it_was, histories, how_it_opened, timeline, why_it_ended
from service.core import Account, Explanation, Policy, apportion, decide, explain, fold, parse_policy
from service.core.counterfactual import ENDED, NOT_OPENED, Counterfactual
from service.core.rules import rule_of, silent
from service.overrides import told_of
from service.plainly import Cite, Plain, case_of, citing, day_of, instant_of, outcomes_of
from service.release import SETTLING, said
from service.storyline import told


def why(
    reader: Reader,
    policy: Policy,
    ref: AccountRef,
    as_of: date,
    known_at: datetime | None = None,
    zone: tzinfo = UTC,
) -> Plain:
    """Why an account is where it is: the facts effective by `as_of`, as Baton knew them at `known_at`.

    Everything is computed again from the stored facts, under the policy in force at the time asked about;
    `decision.stored` says whether the record made then says the same. `policy` is the one in force now. The
    same two moments, once past, always give the same answer.

    Raises:
        BatonError: `no-such-account` when nothing was known by then.
    """
    account, records = _known_of(reader, ref, as_of, known_at, zone)
    if not records:
        raise BatonError("no-such-account", "nothing was known of this account by then")
    seen_until = min(known_at, _end_of(as_of)) if known_at else _end_of(as_of)
    policies = Policies(reader, policy)
    ruled, note = policies.at(seen_until)
    owes = apportion(account, ruled)
    decision = decide(account, owes, ruled, as_of)
    story = explain(account, owes, decision, ruled)
    cite = citing(records)
    stored = reader.latest_decision(ref, seen_until)
    entries = reader.audit_entries_for(str(ref), 1, kind="account.decided", until=seen_until)
    entry = entries[0] if entries else None
    held_back = _withheld(reader.account(ref)) if known_at is None and decision.opens_case else []
    cases_had = histories(reader, ref, seen_until)
    case = as_it_was(cases_had[-1]) if cases_had else None
    return {
        "account": str(ref),
        "facility": ref.facility,
        "number": ref.number,
        "as_of": as_of.isoformat(),
        "known_at": instant_of(known_at) if known_at else None,
        "summary": " ".join([*_summary(account, story), *(w["text"] for w in held_back)]),
        **_money(owes, story, cite),
        "traces": [
            {
                "rule": t.rule,
                "name": rule_of(t).name,
                "citation": rule_of(t).citation,
                "found": t.found,
                "claim": t.claim_id,
                "evidence": cite(t.evidence),
            }
            for t in owes.traces
        ],
        "silent_rules": [{"rule": r.id, "name": r.name, "citation": r.citation} for r in silent(owes.traces)],
        "overrides": told_of(account, decision, ruled.for_account(account).on(as_of)),
        "work": [_work(owes, n, cite) for n in range(len(owes.work_items))],
        "gates": [_gate(finding, cite) for finding in story.gates],
        "decision": _decision(decision, stored, note),
        "case": case_of(case, why_it_ended(reader, case.reason, case.decided_by)) if case else None,
        "opening": how_it_opened(reader, policies.of, records, cases_had, zone),
        "timeline": timeline(records, reader.decisions(ref, seen_until), cases_had, cite),
        "withheld": held_back,
        "counterfactual": [
            _counterfactual(c, open_now=case is not None and case.status == "open")
            for c in story.counterfactuals
        ],
        "searched": {"decisions": story.trials, "complete": story.searched},
        "basis": {
            "minimal": story.basis.minimal,
            "facts": [
                {**cited, "what": told(fact.body)}
                for fact in account.facts
                if fact.id in story.basis.facts
                for cited in cite([fact.id])
            ],
        },
        "audit": {"entry": entry.seq, "hash": entry.hash} if entry else None,
    }


def _known_of(
    reader: Reader, ref: AccountRef, as_of: date, known_at: datetime | None, zone: tzinfo
) -> tuple[Account, list[FactRecord]]:
    """An account and the facts it answers for: its own and those of accounts that were merged into it."""
    by_then = [
        r
        for one in reader.group(ref)
        for r in reader.facts(one, known_at)
        if r.fact.occurred_at.astimezone(zone).date() <= as_of
    ]
    account = fold((r.fact for r in by_then), ref)
    folded = {fact.id for fact in account.facts}
    return account, [r for r in by_then if r.fact.id in folded]


def _summary(account: Account, story: Explanation) -> list[str]:
    """The story in a sentence, after where the account's facts went, or whose facts it holds."""
    if account.moved_to is not None:
        return [f"This account was merged into {account.moved_to}; its balance is there."]
    if account.holds:
        others = ", ".join(map(str, account.holds))
        return [f"Holds the facts of {others}, merged into it.", story.summary]
    return [story.summary]


class Policies:
    """The policies that were in force, from the store; the present one where none was kept by then."""

    def __init__(self, reader: Reader, now: Policy) -> None:
        self._reader = reader
        self._now = now

    def at(self, instant: datetime) -> tuple[Policy, str | None]:
        """The policy in force at an instant, and what is to be said where it cannot be used as it was."""
        step = self._reader.policy_in_force(instant)
        if step is not None:
            sha256: str | None = step.sha256
        else:
            present = self._reader.policy(self._now.sha256)
            known = present is not None and present.recorded_at <= instant
            sha256 = self._now.sha256 if known else self._reader.policy_then(instant)
        # For days before anything was decided: the policy that decided first, which never becomes another.
        sha256 = sha256 or self._reader.first_policy()
        if sha256 is None or sha256 == self._now.sha256:
            return self._now, None
        found = self.of(sha256)
        if found.sha256 == sha256:
            return found, None
        return found, (
            "The policy in force then does not fit this program; what it would say now is shown under the "
            "policy of today, and the stored decisions show what was said then."
        )

    def of(self, sha256: str) -> Policy:
        """The policy of a digest; the present one where that was not kept or does not fit this program."""
        row = self._reader.policy(sha256) if sha256 != self._now.sha256 else None
        if row is None:
            return self._now
        try:
            found: Policy = parse_policy(from_bytes(row.content), compile_rule)
        except PolicyRefused:
            return self._now
        return found


def _end_of(day: date) -> datetime:
    """The last instant that may count for a day: a day ends last at UTC-12."""
    return datetime.combine(day, time.max, tzinfo=timezone(timedelta(hours=-12)))


def _money(owes: Responsibility, story: Explanation, cite: Cite) -> Plain:
    borne: dict[str, int] = {}
    for share in owes.shares:
        borne[share.bearer] = borne.get(share.bearer, 0) + share.amount_cents
    return {
        "balance": format_cents(owes.balance_cents),
        "currency": owes.currency,
        "assigned": format_cents(owes.assigned_cents),
        "collectible": format_cents(owes.collectible_cents),
        "net": format_cents(owes.net_cents),
        "responsibility": [_share(share, cite) for share in owes.shares],
        "bearers": [{"bearer": bearer, "amount": format_cents(cents)} for bearer, cents in borne.items()],
        "determination": owes.determination,
        "payers": [
            {
                "claim": p.claim_id,
                "payer": p.payer,
                "rank": p.rank,
                "state": p.state,
                "because": p.because,
                "evidence": cite(p.evidence),
            }
            for p in owes.payers
        ],
        "waterfall": [
            {
                "step": step.what,
                "why": step.why,
                "amount": format_cents(step.amount_cents),
                "left": format_cents(step.left_cents),
                "evidence": cite(step.evidence),
            }
            for step in story.steps
        ],
    }


def _withheld(row: AccountRow | None) -> list[Plain]:
    """Why a case that the decision allows does not open, or is not raised, yet."""
    if row is None:
        return []
    until, raised = instant_of(row.review_at) if row.review_at else None, row.case is not None
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


def _work(owes: Responsibility, n: int, cite: Cite) -> Plain:
    item = owes.work_items[n]
    return {
        "queue": item.queue,
        "reason": item.reason,
        "text": item.text,
        "amount": None if item.amount_cents is None else format_cents(item.amount_cents),
        "due_on": day_of(item.due_on),
        "claims": list(item.claims),
        "evidence": cite(item.evidence),
    }


def _gate(finding: Finding, cite: Cite) -> Plain:
    return {
        "gate": finding.gate,
        "name": finding.name,
        "stage": finding.stage,
        "verdict": finding.verdict.word,
        "until": day_of(finding.until),
        "because": finding.because,
        "lifted_by": finding.lifted_by,
        "parameters": dict(finding.parameters),
        "set_by": dict(finding.set_by),
        "citation": finding.citation,
        "evidence": cite(finding.evidence),
        "lifted": _lifted(finding, cite),
    }


def _lifted(finding: Finding, cite: Cite) -> Plain | None:
    """Who let a case open although the gate says otherwise; None where nobody did."""
    lifted = finding.lifted
    if lifted is None:
        return None
    return {
        "override": lifted.override,
        "by": lifted.by,
        "approved_by": lifted.approved_by,
        "reason": lifted.reason,
        "approved_on": day_of(lifted.approved_on),
        "until": day_of(lifted.until),
        "evidence": cite(lifted.evidence),
    }


def _decision(decision: Decision, stored: DecisionRecord | None, note: str | None) -> Plain:
    same = stored is not None and str(from_bytes(stored.content)["material"]) == decision.material
    return {
        "id": stored.id if stored and same else decision.id,
        "stored": same,
        "outcomes": outcomes_of(decision.outcomes),
        "policy": {
            "version": decision.policy_version,
            "sha256": decision.policy_sha256,
            "packs": list(decision.packs),
            "note": note,
        },
        "decided_at": instant_of(stored.decided_at) if stored and same else None,
        "review_on": day_of(decision.review_on),
    }


def _counterfactual(found: Counterfactual, *, open_now: bool) -> Plain:
    return {
        "change": found.change,
        # The core asks what a case would become; where none is open yet, it would not open.
        "outcome": found.outcome if open_now or found.outcome != ENDED else NOT_OPENED,
        "opens": found.opens,
        "on": day_of(found.on),
        "facts": [_supposed(fact) for fact in found.facts],
    }


def _supposed(fact: Fact) -> Plain:
    """A fact nobody has stated, as a fact is written."""
    return {
        "type": fact.kind,
        "occurred_at": instant_of(fact.occurred_at),
        "currency": fact.currency,
        "data": from_bytes(fact.content)["body"],
    }
