"""What one transaction says to the audit log: which rows belong together, and a digest over each of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from adapters.store.reader_rows import message_name
from adapters.store.rows import AuditRow, CaseEventRow, DecisionRow, FactRow, MessageRecord
from adapters.store.schema import instant_text
from schemas.canonical import digest, to_bytes
from schemas.facts import AccountRef, LargeMessage, Message, Rejected
from service.audit.program import program
from service.release import Waits


class Told(Protocol):
    """A message on its way in: its number, and what the log says of its row."""

    seq: int
    told: list[Any]
    rejected: list[Rejected]


def told_of(message: Message | LargeMessage | MessageRecord) -> list[Any]:
    """What the log says of a message's row."""
    size = len(message.body) if isinstance(message, Message) else message.size
    name = message_name(message.sha256, message.feed)
    return [name, message.format, message.door, size, instant_text(message.received_at)]


def kept_entry(message: Message | LargeMessage, now: datetime, parked: Sequence[Rejected] = ()) -> AuditRow:
    """A message that is kept now and read later, or never: its own entry says that it came."""
    told = told_of(message)
    content: dict[str, Any] = {
        "messages": [told[0]],
        "facts": [],
        "decisions": [],
        "case_events": [],
        "rows": digest(to_bytes([told])),
    }
    if parked:
        content["parked"] = [[r.code, r.where] for r in parked]
    return AuditRow("message.read" if parked else "message.kept", message.sha256, to_bytes(content), now)


class Entries:
    """The audit entries of one posting. Whatever the transaction keeps is named by one of them."""

    def __init__(self, arrivals: Iterable[Told], now: datetime) -> None:
        self._now = now
        self._arrivals = {a.seq: a for a in arrivals}
        self._facts: dict[int, list[FactRow]] = {}
        self._named: set[int] = set()
        self._rows: list[AuditRow] = []

    def keep(self, row: FactRow) -> None:
        """A fact that this transaction keeps, whether or not it belongs to an account."""
        self._facts.setdefault(row.account_id or 0, []).append(row)

    def decided(
        self,
        account_id: int,
        ref: AccountRef,
        messages: Collection[int],
        decision: DecisionRow | None,
        moves: Sequence[CaseEventRow],
        waits: Waits,
    ) -> None:
        """One entry says what came in for an account, what was decided and which case moves followed.

        `messages` are the numbers of those that spoke of the account.
        """
        facts = self._facts.pop(account_id, [])
        self._named.update(messages)
        more: dict[str, Any] = {}
        if decision is not None:
            more["program"] = program()
        if waits.causes:
            more["withheld"] = [list(waits.causes), waits.until]
        self._add("account.decided", str(ref), sorted(messages), facts, decision, moves, more)

    def rows(self) -> list[AuditRow]:
        """Every entry; messages and facts that no account's entry names get one of their own.

        Raises:
            AssertionError: a fact of an account that was not decided: a fault of ours, never to be ignored.
        """
        if self._facts.keys() - {0}:
            raise AssertionError("a fact was kept that no audit entry names")
        for seq, arrival in self._arrivals.items():
            own = [row for row in self._facts.get(0, ()) if row.message_seq == seq]
            if seq in self._named and not own and not arrival.rejected:
                continue
            parked = [[r.code, r.where] for r in arrival.rejected]
            subject = arrival.told[0].partition("@")[0]
            self._add("message.read", subject, [seq], own, None, (), {"parked": parked} if parked else {})
        return self._rows

    def _add(
        self,
        kind: str,
        subject: str,
        messages: Sequence[int],
        facts: Sequence[FactRow],
        decision: DecisionRow | None,
        moves: Sequence[CaseEventRow],
        more: dict[str, Any],
    ) -> None:
        told = [self._arrivals[seq].told for seq in messages if seq in self._arrivals]
        rows: list[Any] = [*told, *[self._fact(row) for row in facts]]
        facility, _, number = subject.partition("/")
        if decision is not None:
            rows.append(
                [decision.id, [facility, number], decision.as_of, decision.policy_version, decision.opens]
            )
        rows += [_move(row) for row in moves]
        content = {
            "messages": [t[0] for t in told],
            "facts": [row.fact.id for row in facts],
            "decisions": [decision.id] if decision else [],
            "case_events": [row.event.id for row in moves],
            "rows": digest(to_bytes(rows)),
            **more,
        }
        self._rows.append(AuditRow(kind, subject, to_bytes(content), self._now))

    def _fact(self, row: FactRow) -> list[Any]:
        fact = row.fact
        arrival = self._arrivals[row.message_seq]
        account = [fact.account.facility, fact.account.number] if fact.account else None
        return [fact.id, fact.identity, arrival.told[0], fact.where, instant_text(row.recorded_at), account]


def _move(row: CaseEventRow) -> list[Any]:
    e = row.event
    return [
        e.id, e.case_id, [e.account.facility, e.account.number], e.move, e.sequence, e.amount_cents,
        e.previous_cents, e.currency, e.decision, e.reason, instant_text(row.occurred_at),
    ]  # fmt: skip
