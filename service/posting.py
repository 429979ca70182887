"""What one transaction does: post facts to accounts, decide, move cases, and say so outside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, cast

from adapters.store.rows import (
    AccountRow,
    CaseEventRow,
    DecisionRow,
    FactRow,
    OutboxRow,
    ParkedRow,
    WithheldRow,
)
from adapters.store.unit import Unit
from schemas.canonical import stable_id
from schemas.cases import Case, CaseEvent
from schemas.decisions import Decision
from schemas.facts import AccountFlagged, AccountRef, ClaimAdjudicated, Fact, Rejected
from schemas.wire import events
from service.core import Policy, advance, apportion, asks_more, decide, fold
from service.core.withdrawing import REREAD, to_bring_back, withdrawal
from service.entries import Entries
from service.joining import Ledger, Ledgers, concerned, join, named_by
from service.release import NO_WAIT, Terms, Waits, lasting, waits_for

Identities: TypeAlias = dict[str, list[tuple[str, AccountRef]]]
"""Message identity to the facts, and their accounts, that carry it."""


BATON: Final = "baton"
"""Who takes a fact in again that a message stated: nobody chose it."""

DENIED: Final = "4"
REVERSAL: Final = "22"
"""Claim status codes that say so outright. Source: 005010X221A1 CLP02."""


@dataclass(slots=True)
class Arrival:
    """One newly kept message on its way into the accounts; the counts fill as it is posted.

    `told` is what the audit log says of its row. `superseded` are the facts that this one takes out: what
    stands in their place contradicts nothing.
    """

    seq: int
    sha256: str
    feed: str
    facts: list[Fact]
    rejected: list[Rejected]
    told: list[Any]
    new_facts: int = 0
    duplicate_facts: int = 0
    claims: int = 0
    denied: int = 0
    taken_back: int = 0
    charge_cents: int = 0
    patient_cents: int = 0
    superseded: frozenset[str] = frozenset()

    def count_claim(self, said: ClaimAdjudicated) -> None:
        """Count one new decision of a payer: refused, taken back, or what it left to the patient."""
        if said.status == REVERSAL:
            self.taken_back += 1
            return
        self.claims += 1
        left = sum(a.amount_cents for a in said.every_adjustment() if a.group == "PR")
        if said.status == DENIED or (said.charge_cents > 0 >= said.paid_cents and left <= 0):
            self.denied += 1
        self.charge_cents += said.charge_cents
        self.patient_cents += left

    @property
    def disposition(self) -> Literal["accepted", "duplicate", "parked"]:
        """Parked when any part waits for a person; duplicate when it said nothing new."""
        if self.rejected:
            return "parked"
        return "duplicate" if self.duplicate_facts and not self.new_facts else "accepted"

    def anew(self) -> Arrival:
        """The same before it was posted."""
        return Arrival(
            self.seq,
            self.sha256,
            self.feed,
            self.facts,
            list(self.rejected),
            self.told,
            superseded=self.superseded,
        )

    def absorb(self, part: Arrival) -> None:
        """Add up the slices of one large message."""
        self.rejected += part.rejected
        self.new_facts += part.new_facts
        self.duplicate_facts += part.duplicate_facts
        self.claims += part.claims
        self.denied += part.denied
        self.taken_back += part.taken_back
        self.charge_cents += part.charge_cents
        self.patient_cents += part.patient_cents


class Posting:
    """Posts facts inside one open transaction. Everything it writes commits or vanishes with it."""

    def __init__(
        self, unit: Unit, policy: Policy, now: datetime, as_of: date, terms: Terms | None = None
    ) -> None:
        self._unit = unit
        self._policy = policy
        self._now = now
        self._as_of = as_of
        self._terms = terms or Terms()
        self._asked_paused = False

    def post(self, arrivals: Sequence[Arrival]) -> None:
        """Add the facts of newly kept messages to their accounts and decide for every account touched."""
        facts = [f for a in arrivals for f in a.facts]
        known = self._unit.known_identities({f.identity for f in facts if f.identity is not None})
        touched = {f.account for f in facts if f.account is not None}
        ledgers = self._lock(touched | named_by(facts) | _reused_by(facts, known))
        rows: list[FactRow] = []
        for arrival in arrivals:
            self._post_one(arrival, ledgers, known, rows)
        added = self._unit.add_facts(rows)
        self._count_unowned(arrivals, added)
        entries = Entries(arrivals, self._now)
        for row in {row.fact.id: row for row in reversed(rows) if row.fact.id in added}.values():
            entries.keep(row)
        self._unit.park(
            [
                parked_row(a.seq, r, self._now, ledgers.get(r.account) if r.account else None)
                for a in arrivals
                for r in a.rejected
            ]
        )
        if joined := join(ledgers):
            self._unit.join_accounts(joined)
        self._decide(concerned([one for one in ledgers.values() if one.is_told], ledgers), entries)

    def review(self, refs: Collection[AccountRef]) -> None:
        """Decide again on the facts as they stand: a review day has come."""
        ledgers = self._lock(refs)
        self._decide(concerned([ledgers[ref] for ref in refs], ledgers), Entries((), self._now))

    def _lock(self, refs: Collection[AccountRef]) -> Ledgers:
        rows = self._unit.lock_accounts(refs)
        facts = self._unit.facts_of([row.id for row in rows.values()])
        return {ref: Ledger.of(row, facts.get(row.id, [])) for ref, row in rows.items()}

    def _post_one(self, arrival: Arrival, ledgers: Ledgers, known: Identities, rows: list[FactRow]) -> None:
        for fact in arrival.facts:
            if fact.account is None:
                rows.append(FactRow(fact, None, arrival.seq, self._now))
                continue
            ledger = ledgers[fact.account]
            ledger.messages[arrival.seq] = None
            # Also a feed that only repeats what is known: the order of arrival must not choose the feed.
            ledger.feeds.add(arrival.feed)
            if fact.id in ledger.facts and fact.id not in ledger.out:
                arrival.duplicate_facts += 1
                continue
            gone = arrival.superseded
            others = [o for o in known.get(fact.identity or "", ()) if o[0] != fact.id and o[0] not in gone]
            rival = ledger.keys.get(fact.key, fact.id)
            if others:
                arrival.rejected.append(_reused(fact))
                for marker in _markers(fact, others, ledgers):
                    self._add(marker, arrival.seq, ledgers, rows)
            elif rival != fact.id and rival not in gone and not isinstance(fact.body, ClaimAdjudicated):
                arrival.rejected.append(_conflict(fact))
            if fact.identity is not None:
                known.setdefault(fact.identity, []).append((fact.id, fact.account))
            if fact.id in ledger.facts:
                arrival.duplicate_facts += 1
                self._bring_back(fact, arrival.seq, ledgers, rows)
                continue
            self._add(fact, arrival.seq, ledgers, rows)
            arrival.new_facts += 1
            if isinstance(fact.body, ClaimAdjudicated):
                arrival.count_claim(fact.body)

    def _bring_back(self, fact: Fact, seq: int, ledgers: Ledgers, rows: list[FactRow]) -> None:
        """Let a fact stand that a message read again stated no more, now that another message states it."""
        ledger = ledgers[cast(AccountRef, fact.account)]
        ledger.out -= {fact.id}
        ledger.keys.setdefault(fact.key, fact.id)
        for one in to_bring_back(fact, ledger.facts.values()):
            back = withdrawal(one, REREAD, self._now, self._as_of, BATON, "another message states it")
            self._add(back, seq, ledgers, rows)

    @staticmethod
    def _count_unowned(arrivals: Sequence[Arrival], added: set[str]) -> None:
        """Facts that belong to no account (remittances) are new when the store had not seen them."""
        for arrival in arrivals:
            for fact in arrival.facts:
                if fact.account is None:
                    new = fact.id in added
                    arrival.new_facts += new
                    arrival.duplicate_facts += not new

    def _add(self, fact: Fact, seq: int, ledgers: Ledgers, rows: list[FactRow]) -> None:
        ledger = ledgers[fact.account] if fact.account else None
        if ledger is None or fact.id in ledger.facts:
            return
        ledger.facts[fact.id] = fact
        ledger.keys.setdefault(fact.key, fact.id)
        ledger.fresh.append(fact.id)
        rows.append(FactRow(fact, ledger.row.id, seq, self._now))

    def _decide(self, ledgers: Sequence[Ledger], entries: Entries) -> None:
        decisions: list[DecisionRow] = []
        heads: list[AccountRow] = []
        cases: list[Case] = []
        moves: list[CaseEventRow] = []
        outbox: list[OutboxRow] = []
        withheld: list[WithheldRow] = []
        for ledger in ledgers:
            row = ledger.row
            decision = self._decision(ledger)
            waits = self._waits(ledger, decision)
            case, case_events = advance(row.ref, row.case, row.cases, decision, waits=bool(waits.causes))
            # A case rests on a decision that was stored, over exactly the facts that it was opened on.
            kept = decision.material != row.material or bool(case_events)
            stored = _decision_row(decision, row.id, self._now) if kept else None
            if stored is not None:
                decisions.append(stored)
                outbox += _announcements(row, decision, case_events, self._now)
            moved = [CaseEventRow(e, row.id, self._now) for e in case_events] if case is not None else []
            if case is not None and moved:
                cases.append(case)
                moves += moved
            withheld += _withheld(ledger, decision, waits, self._now)
            head = self._head(ledger, decision, case, waits)
            if kept or _says_more(head, row):
                heads.append(head)
            entries.decided(row.id, row.ref, ledger.every_message(), stored, moved, waits)
        self._unit.add_decisions(decisions)
        self._unit.save_accounts(heads)
        self._unit.save_cases(cases)
        self._unit.add_case_events(moves)
        self._unit.add_withheld(withheld)
        self._unit.add_outbox(outbox)
        self._unit.add_audit(entries.rows())

    def _waits(self, ledger: Ledger, decision: Decision) -> Waits:
        """Why nothing more may be asked yet; asked only where a decision would ask for more."""
        if not asks_more(ledger.row.case, decision):
            return NO_WAIT
        if not self._asked_paused:
            # Once a batch, and only in one that would ask for more.
            self._terms = replace(self._terms, paused_feeds=self._unit.paused_feeds())
            self._asked_paused = True
        packs = (*decision.policy_version.split("+"), *decision.packs)
        heard_at = ledger.last_heard_at(self._now)
        return waits_for(self._terms, ledger.every_feed(), packs, heard_at, self._now)

    def _head(self, ledger: Ledger, decision: Decision, case: Case | None, waits: Waits) -> AccountRow:
        row, said = ledger.row, decision.responsibility
        kept = decision.material != row.material or (case is not None and case.decided_by == decision.id)
        return AccountRow(
            id=row.id,
            ref=row.ref,
            decision_id=decision.id if kept else row.decision_id,
            material=decision.material,
            review_on=_next_review(decision.review_on, self._as_of),
            review_at=waits.until,
            determination=said.determination,
            patient_cents=said.net_cents,
            balance_cents=said.balance_cents,
            currency=said.currency,
            facts=len(ledger.facts),
            cases=case.number if case is not None else row.cases,
            version=row.version + 1,
            policy_sha256=decision.policy_sha256,
            heard_at=ledger.heard_at(self._now),
            feeds=tuple(sorted(ledger.feeds)),
            withheld=waits.causes,
        )

    def _decision(self, ledger: Ledger) -> Decision:
        account = fold(ledger.every_fact(), ledger.row.ref)
        return decide(account, apportion(account, self._policy), self._policy, self._as_of)


def _reused_by(facts: Sequence[Fact], known: Identities) -> set[AccountRef]:
    """Other accounts on which a sender used one of these message ids for something else."""
    return {account for fact in facts for id, account in known.get(fact.identity or "", ()) if id != fact.id}


def _markers(fact: Fact, others: Sequence[tuple[str, AccountRef]], ledgers: Ledgers) -> list[Fact]:
    """A hold for each account that shares a reused message id, so that none of them is decided on doubt.

    Made from the accounts' own facts alone, so both orders of arrival make the same holds.
    """
    made = [_marker(fact)]
    for id, account in others:
        if (other := ledgers[account].facts.get(id)) is not None:
            made.append(_marker(other))
    return made


def _marker(fact: Fact) -> Fact:
    return Fact.of(
        fact.account,
        f"account.flagged|{fact.account}|baton|id-reused|{fact.id}",
        fact.occurred_at,
        AccountFlagged("id_reused", since=fact.occurred_at.date(), reference=fact.id),
        where=fact.where,
    )


def _reused(fact: Fact) -> Rejected:
    return Rejected(
        "id-reused",
        fact.where,
        "this sender has used this message id for other content before; give each message its own id",
        "baton/1 envelope: id",
        fact.account,
    )


def _conflict(fact: Fact) -> Rejected:
    """Both sides stay: the fold decides by neither, and a person is told."""
    return Rejected(
        "conflict",
        fact.where,
        "the same business key was stated before with other content; the account holds until a person "
        "says which is right",
        "baton/1: same key, other content",
        fact.account,
    )


def _announcements(
    row: AccountRow, decision: Decision, moves: Sequence[CaseEvent], now: datetime
) -> list[OutboxRow]:
    """The events that a changed decision sends out, in the order in which consumers should see them."""
    account = str(row.ref)
    out = []
    said = decision.responsibility
    before = (row.determination, row.patient_cents)
    settled = ("final", "credit")
    if (said.determination, said.net_cents) != before and (
        said.determination in settled or row.determination in settled
    ):
        id = event_id(decision.id, "responsibility.determined")
        body = events.responsibility_determined(decision, id, now)
        out.append(OutboxRow(id, "responsibility.determined", account, body, now))
    for move in moves:
        out.append(
            OutboxRow(move.id, f"case.{move.move}", account, events.case_event(move, decision, now), now)
        )
    if not decision.opens_case and (said.assigned_cents > 0 or said.net_cents > 0):
        id = event_id(decision.id, "account.held")
        body = events.account_held(decision, id, now)
        out.append(OutboxRow(id, "account.held", account, body, now))
    return out


def event_id(decision: str, type: str) -> str:
    """A stable id: the same announcement of the same decision always has the same one."""
    return stable_id(f"{decision}|{type}")


def parked_row(seq: int, why: Rejected, now: datetime, ledger: Ledger | None = None) -> ParkedRow:
    """What waits for a person, and the account that waits with it."""
    return ParkedRow(seq, why.where, why.code, why.reason, why.clause, now, ledger.row.id if ledger else None)


def _decision_row(decision: Decision, account_id: int, now: datetime) -> DecisionRow:
    return DecisionRow(
        decision.id,
        account_id,
        decision.as_of,
        now,
        decision.content,
        decision.policy_version,
        decision.opens_case,
    )


def _next_review(day: date | None, as_of: date) -> date | None:
    """The next day to look again; always after the day decided for, so that a round of reviews ends."""
    return None if day is None else max(day, as_of + timedelta(days=1))


def _says_more(head: AccountRow, row: AccountRow) -> bool:
    """Whether a head is worth saving although the decision is the same."""
    return (
        head.facts != row.facts
        or head.review_on != row.review_on
        or head.review_at != row.review_at
        or head.policy_sha256 != row.policy_sha256
        or head.feeds != row.feeds
        or head.withheld != row.withheld
    )


def _withheld(ledger: Ledger, decision: Decision, waits: Waits, now: datetime) -> list[WithheldRow]:
    """A case that would have opened by now but for shadow mode or a paused feed, or the end of that.

    While the account settles nothing would have moved either, so nothing is noted yet.
    """
    row, amount_cents = ledger.row, decision.responsibility.net_cents
    before, causes = lasting(row.withheld), lasting(waits.causes)
    if causes and waits.until is not None:
        return []
    noted = causes == before and row.review_at is None and amount_cents == row.patient_cents
    if noted or not (causes or before):
        return []
    return [
        WithheldRow(
            row.id,
            "withheld" if causes else "ended",
            causes or before,
            tuple(sorted(ledger.every_feed())),
            max(0, amount_cents),
            decision.responsibility.currency,
            decision.id,
            decision.policy_version,
            now,
        )
    ]
