"""What people do about parked messages: try again, look first, discard, settle a contradiction.

Whatever could make an account less protected takes two people: one proposes, another approves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.store import (
    AuditRow,
    FactRecord,
    ParkedAction,
    ParkedFilter,
    ParkedProposal,
    ParkedRecord,
    Reader,
    Store,
    Unit,
)
from schemas.canonical import to_bytes
from schemas.errors import BatonError
from schemas.facts import UNREAD_PART, AccountRef, Fact, unread_reference
from schemas.money import format_cents
from service.core.withdrawing import CONTRADICTION, ID_REUSED, withdrawal, withdrawn
from service.intake import Intake
from service.logins import check_logins
from service.readings import CONTRADICTIONS, ReadOnce
from service.receipts import Moment, Outlook, Receipt, Standing
from service.unread_holds import lifts

NONE_STANDS: Final = "none"
BOTH_STAND: Final = "both"
MOST: Final = 1000


KEY: Final = "key:"


@dataclass(frozen=True, slots=True)
class Person:
    """Who does it, and as whom the machine knows them: `os:` and a user, `key:` and an API key's prefix."""

    name: str
    through: str = ""

    def is_same(self, name: str) -> bool:
        """Whether a name is this person's, however it is written."""
        return " ".join(self.name.split()).casefold() == " ".join(name.split()).casefold()


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of one parked entry; `refused` is why nothing could be tried."""

    seq: int
    receipt: Receipt | None = None
    outlook: Outlook | None = None
    refused: BatonError | None = None

    @property
    def waits(self) -> bool:
        """Whether it still waits for a person, or would."""
        receipt = self.outlook.receipt if self.outlook else self.receipt
        return receipt is None or receipt.disposition == "parked"


def told_of(one: Mended) -> dict[str, Any]:
    """What became of an entry, or would, as plain data."""
    receipt = one.outlook.receipt if one.outlook else one.receipt
    if receipt is None:
        reason = one.refused.reason if one.refused else ""
        return {"id": one.seq, "disposition": "parked", "facts": 0, "reason": reason}
    reason = receipt.rejected[0].reason if receipt.rejected else ""
    told: dict[str, Any] = {
        "id": one.seq,
        "disposition": receipt.disposition,
        "facts": receipt.facts,
        "reason": reason,
    }
    if one.outlook is not None:
        told["accounts"] = [
            {"account": str(ref), "before": _standing(before), "after": _standing(after)}
            for ref, before, after in one.outlook.accounts
        ]
    return told


def _standing(found: Standing | None) -> dict[str, Any] | None:
    return (
        None
        if found is None
        else {
            "determination": found.determination,
            "balance": format_cents(found.balance_cents),
            "patient_amount": format_cents(found.patient_cents),
            "case": found.case_status,
        }
    )


class Mending:
    """The work at the parked list. Every step leaves an audit entry in its own transaction."""

    def __init__(self, store: Store, intake: Intake, *, refuse_shared_login: bool = False) -> None:
        self._store = store
        self._intake = intake
        self._refuse_shared_login = refuse_shared_login

    def waiting(self, like: ParkedFilter, limit: int = MOST) -> list[ParkedRecord]:
        """What waits and matches, oldest first."""
        with self._store.read() as reader:
            return reader.parked(like=like, limit=limit)

    def retry(
        self, seqs: Iterable[int], moment: Moment, by: Person, *, dry_run: bool = False
    ) -> list[Mended]:
        """Read parked entries again; with `dry_run` nothing is stored: each is tried as if it were alone.

        A message is read once, however many of its parts are tried. An entry that cannot be tried is told
        with the reason; the others go on.
        """
        asked = list(seqs)
        once = ReadOnce()
        done = {seq: self._retried(seq, moment, by, dry_run, once) for seq in self._by_message(asked)}
        return [done[seq] for seq in asked]

    def _by_message(self, seqs: Sequence[int]) -> list[int]:
        with self._store.read() as reader:
            found = {seq: reader.parked_one(seq) for seq in seqs}
        return sorted(found, key=lambda seq: (one.message_seq if (one := found[seq]) else 0, seq))

    def _retried(self, seq: int, moment: Moment, by: Person, dry_run: bool, once: ReadOnce) -> Mended:
        try:
            if dry_run:
                return Mended(seq, outlook=self._intake.rehearse(seq, moment, by.name, once))
            return Mended(seq, receipt=self._intake.retry(seq, moment, by.name, once, by.through))
        except BatonError as error:
            if error.code not in ("no-such-parked", "settled-before", "still-in-conflict"):
                raise
            return Mended(seq, refused=error)

    def propose(self, seq: int, proposal: ParkedProposal) -> None:
        """Propose to discard an entry, or which statement of a contradiction stands.

        Raises:
            BatonError: `no-such-parked`, `settled-before`, `no-name`, `no-reason`, `not-a-contradiction`,
                `a-contradiction`, `no-such-statement`.
        """
        if not proposal.by.strip():
            raise BatonError("no-name", "say who proposes this")
        if not proposal.note.strip():
            raise BatonError("no-reason", "say why; the second person reads it")
        with self._store.write() as unit:
            record = open_entry(unit.reader, seq)
            if proposal.action == "settle":
                _check_choice(statements(unit.reader, record), record, proposal.stands)
            elif record.code in CONTRADICTIONS:
                raise BatonError(
                    "a-contradiction", "two statements differ here; `baton parked settle` ends that"
                )
            unit.propose_for_parked(seq, proposal)
            unit.add_audit([_entry("parked.proposed", record, proposal, moment_at=proposal.at)])

    def approve(self, seq: int, moment: Moment, by: Person) -> Receipt:
        """Do what somebody else proposed; accounts that waited are decided in the same transaction.

        Raises:
            BatonError: `no-such-parked`, `settled-before`, `no-proposal`, `no-name`, `same-person`,
                `same-key`, `same-login`, `no-such-statement` (what is known has changed since).
        """
        with self._store.read() as reader:
            record, proposal = self._approvable(reader, seq, by)
            facts, entries = self._effect(reader, record, proposal, moment, by.name)
        note = f"proposed by {proposal.by}: {proposal.note}"
        if proposal.stands:
            note = f"{_told_choice(proposal.stands)}; {note}"

        def record_it(unit: Unit) -> None:
            again, stands = self._approvable(unit.reader, seq, by)
            if stands != proposal:
                raise BatonError("stale-proposal", "another proposal came meanwhile; look at it first")
            for entry in entries:
                action = ParkedAction("discarded", moment.now, by.name, note, by.through)
                unit.act_on_parked(entry, action)
            unit.add_audit([_entry("parked.approved", again, proposal, moment_at=moment.now, approved_by=by)])

        return self._intake.state(record.message_seq, facts, moment, record_it)

    def _approvable(self, reader: Reader, seq: int, by: Person) -> tuple[ParkedRecord, ParkedProposal]:
        record = open_entry(reader, seq)
        if record.proposal is None:
            raise BatonError("no-proposal", "nobody has proposed anything about this entry")
        if not by.name.strip():
            raise BatonError("no-name", "say who approves this")
        if by.is_same(record.proposal.by):
            raise BatonError("same-person", "who proposed this cannot approve it; a second person must")
        if by.through.startswith(KEY) and by.through == record.proposal.through:
            raise BatonError("same-key", "this was proposed with the same key; a second person has their own")
        check_logins(record.proposal.through or None, by.through or None, refuse=self._refuse_shared_login)
        return record, record.proposal

    @staticmethod
    def _effect(
        reader: Reader, record: ParkedRecord, proposal: ParkedProposal, moment: Moment, by: str
    ) -> tuple[list[Fact], list[int]]:
        """The facts that carry it out, and the entries that are dealt with by it."""
        if proposal.action == "discard":
            if record.account is None:
                return [], [record.seq]
            reference = unread_reference(record.message_sha256, record.place)
            flagged = any(
                getattr(r.fact.body, "flag", "") == UNREAD_PART
                and getattr(r.fact.body, "reference", "") == reference
                for r in reader.facts(record.account)
            )
            if not flagged:
                return [], [record.seq]
            sha256, place = record.message_sha256, record.place
            return lifts(reader, record.account, sha256, place, moment, by), [record.seq]
        told = statements(reader, record)
        _check_choice(told, record, proposal.stands)
        who = f"{proposal.by}, {by}"
        facts = [
            withdrawal(r.fact, CONTRADICTION, moment.now, moment.as_of, who, proposal.note)
            for r in told
            if proposal.stands != BOTH_STAND and r.fact.id != proposal.stands
        ]
        if record.code == "id-reused":
            facts += [
                withdrawal(r.fact, ID_REUSED, moment.now, moment.as_of, who, proposal.note) for r in told
            ]
        return facts, _entries_about(reader, told, record)


def open_entry(reader: Reader, seq: int) -> ParkedRecord:
    """A parked entry that nobody has dealt with.

    Raises:
        BatonError: `no-such-parked`, `settled-before`.
    """
    record = reader.parked_one(seq)
    if record is None:
        raise BatonError("no-such-parked", "there is no such entry; `baton parked list` shows them")
    if record.actions:
        raise BatonError("settled-before", "this entry has been settled already")
    return record


def statements(reader: Reader, record: ParkedRecord) -> list[FactRecord]:
    """The statements that contradict each other in a parked entry, oldest first; none for another entry."""
    if record.code not in CONTRADICTIONS or record.account is None:
        return []
    own = reader.facts(record.account)
    mine = [r for r in own if r.message_sha256 == record.message_sha256 and r.place == record.place]
    if record.code == "conflict":
        keys = {r.fact.key for r in mine if not _is_ours(r.fact)}
        found = [r for r in own if r.fact.key in keys]
    else:
        identities = {r.fact.identity for r in mine if r.fact.identity is not None}
        known = reader.identities(identities)
        accounts = sorted(
            {account for several in known.values() for _, account in several} | {record.account}
        )
        found = [r for a in accounts for r in reader.facts(a) if r.fact.identity in identities]
    gone = withdrawn(
        r.fact for a in {r.fact.account for r in found if r.fact.account} for r in reader.facts(a)
    )
    return [r for r in found if r.fact.id not in gone]


def _is_ours(fact: Fact) -> bool:
    return "|baton|" in fact.key and fact.identity is None


def _check_choice(told: Sequence[FactRecord], record: ParkedRecord, stands: str) -> None:
    if record.code not in CONTRADICTIONS:
        raise BatonError("not-a-contradiction", "nothing contradicts here; `retry` or `discard` it")
    apart = record.code == "id-reused" and len({r.fact.key for r in told}) == len(told)
    if stands == NONE_STANDS or (stands == BOTH_STAND and apart):
        return
    if stands not in {r.fact.id for r in told}:
        raise BatonError(
            "no-such-statement",
            "name the id of one of its statements, or none"
            + (", or both" if apart else "")
            + "; `baton parked show` lists them",
        )


def _entries_about(reader: Reader, told: Sequence[FactRecord], record: ParkedRecord) -> list[int]:
    """This entry, and the others that say the same about these statements."""
    places = defaultdict(set)
    accounts: set[AccountRef] = set()
    for r in told:
        places[r.message_sha256].add(r.place)
        if r.fact.account is not None:
            accounts.add(r.fact.account)
    found = {record.seq}
    for account in accounts:
        for other in reader.parked(account_ref=account, limit=MOST):
            if other.code == record.code and other.place in places.get(other.message_sha256, ()):
                found.add(other.seq)
    return sorted(found)


def _told_choice(stands: str) -> str:
    if stands in (NONE_STANDS, BOTH_STAND):
        return f"settled: {stands}"
    return f"settled: {stands[:16]} stands"


def _entry(
    kind: str,
    record: ParkedRecord,
    proposal: ParkedProposal,
    *,
    moment_at: datetime,
    approved_by: Person | None = None,
) -> AuditRow:
    content = {
        "parked": record.seq,
        "message": record.message_sha256,
        "where": record.place,
        "code": record.code,
        "account": [record.account.facility, record.account.number] if record.account else None,
        "action": proposal.action,
        "stands": proposal.stands,
        "by": proposal.by,
        "reason": proposal.note,
        "approved_by": approved_by.name if approved_by else None,
        "through": proposal.through,
        "approved_through": approved_by.through if approved_by else None,
    }
    return AuditRow(kind, f"parked/{record.seq}", to_bytes(content), moment_at)
