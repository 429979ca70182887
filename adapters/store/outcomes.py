"""Writing what was decided: decisions, account heads, cases, and the events that go out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Final

from adapters.store import schema
from adapters.store.convert import instant, texts_written
from adapters.store.rows import AccountRow, CaseEventRow, DecisionRow, OutboxRow
from adapters.store.session import Batch, BatchUpdate, Session, Sql
from schemas.cases import Case
from schemas.facts import AccountRef

_DECISIONS: Final = Batch(
    schema.decision, "id account_id as_of decided_at content policy_version opens", unless="id"
)
_HEADS: Final = BatchUpdate(
    schema.account,
    "id decision_id material review_on review_at determination"
    " patient_cents balance_cents currency facts cases policy_sha256 heard_at feeds withheld",
    also="version = version + 1",
)
_CASES: Final = Batch(
    schema.collections_case,
    "id account_id number status amount_cents currency opened_by decided_by events reason",
    unless="id",
    then=(
        "UPDATE SET status = excluded.status, amount_cents = excluded.amount_cents,"
        " decided_by = excluded.decided_by, events = excluded.events, reason = excluded.reason"
    ),
)
_CASE_EVENTS: Final = Batch(
    schema.case_event,
    "id case_id account_id move sequence amount_cents previous_cents currency decision reason occurred_at",
    unless="id",
)
_OUTBOX: Final = Batch(schema.outbox, "event_id routing_key account body created_at", unless="event_id")
_DUE: Final = Sql(
    "SELECT facility, number FROM account WHERE review_on <= %b OR review_at <= %b ORDER BY id LIMIT %b",
    "SELECT facility, number FROM account WHERE review_on <= ? OR review_at <= ? ORDER BY id LIMIT ?",
)
_TAKE: Final = Sql(
    "SELECT event_id, routing_key, account, body, created_at, seq FROM outbox ORDER BY seq LIMIT %b",
    "SELECT event_id, routing_key, account, body, created_at, seq FROM outbox ORDER BY seq LIMIT ?",
)
_SENT: Final = Sql(
    "DELETE FROM outbox WHERE seq = ANY(%b)",
    "DELETE FROM outbox WHERE seq IN (SELECT value FROM json_each(?))",
)
_LEASE: Final = Sql("SELECT pg_try_advisory_xact_lock(1111577679, 1)", "SELECT 1")


class OutcomeWrites:
    """Decisions and everything that follows from them."""

    _session: Session
    _account_ids: dict[AccountRef, int]

    def add_decisions(self, rows: Sequence[DecisionRow]) -> None:
        """Keep decisions; one with a known id is the same decision, and stays as it is."""
        self._session.write(
            _DECISIONS,
            [(r.id, r.account_id, r.as_of, r.decided_at, r.content, r.policy_version, r.opens) for r in rows],
        )

    def save_accounts(self, rows: Sequence[AccountRow]) -> None:
        """Save the heads of locked accounts; the store counts `version` up by itself."""
        self._session.write(_HEADS, [_head_values(r) for r in rows])

    def save_cases(self, cases: Sequence[Case]) -> None:
        """Open cases of locked accounts, or save what became of them.

        Raises (at the latest at the commit):
            StatementFailed: a second open case for one account.
        """
        # Endings before openings: an account's next case may open in the transaction that closed its last.
        ordered = sorted(cases, key=lambda case: (case.status == "open", case.id))
        rows = [
            (
                c.id, self._account_ids[c.account], c.number, c.status, c.amount_cents, c.currency,
                c.opened_by, c.decided_by, c.events, c.reason,
            )
            for c in ordered
        ]  # fmt: skip
        ended = sum(1 for c in ordered if c.status != "open")
        self._session.write(_CASES, rows[:ended])
        self._session.write(_CASES, rows[ended:])

    def add_case_events(self, rows: Sequence[CaseEventRow]) -> None:
        """Keep case events; after `save_cases`, since an event belongs to a case."""
        self._session.write(
            _CASE_EVENTS,
            [
                (
                    r.event.id, r.event.case_id, r.account_id,
                    r.event.move, r.event.sequence, r.event.amount_cents, r.event.previous_cents,
                    r.event.currency, r.event.decision, r.event.reason, r.occurred_at,
                )
                for r in rows
            ],
        )  # fmt: skip

    def add_outbox(self, rows: Sequence[OutboxRow]) -> None:
        """Let events go out once this transaction is committed, in the order given."""
        self._session.write(
            _OUTBOX, [(r.event_id, r.routing_key, r.account, r.body, r.created_at) for r in rows]
        )

    def try_relay_lease(self) -> bool:
        """Become the one relay until the end of this transaction; False when another is."""
        return bool(self._session.fetch(_LEASE)[0][0])

    def take_outbox(self, limit: int) -> list[OutboxRow]:
        """The oldest waiting events."""
        return waiting_events(self._session, limit)

    def delete_outbox(self, seqs: Collection[int]) -> None:
        """Forget events that the broker confirmed."""
        if seqs:
            self._session.run(_SENT, self._session.integers(seqs))

    def due_accounts(self, as_of: date, now: datetime, limit: int) -> list[AccountRef]:
        """Accounts whose review day has come by `as_of`, or review instant by `now`; longest known first."""
        return [AccountRef(f, n) for f, n in self._session.fetch(_DUE, as_of, now, limit)]


def waiting_events(session: Session, limit: int) -> list[OutboxRow]:
    """The oldest events of the outbox."""
    return [
        OutboxRow(event_id, key, account, body, instant(created_at), seq)
        for event_id, key, account, body, created_at, seq in session.fetch(_TAKE, limit)
    ]


def _head_values(row: AccountRow) -> tuple[object, ...]:
    return (
        row.id, row.decision_id, row.material, row.review_on, row.review_at, row.determination,
        row.patient_cents, row.balance_cents, row.currency, row.facts, row.cases,
        row.policy_sha256, row.heard_at, texts_written(row.feeds),
        texts_written(row.withheld) if row.withheld else None,
    )  # fmt: skip
