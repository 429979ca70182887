"""Writing what waits for a person and what an operator sets: parked messages, policies, keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from adapters.store import schema
from adapters.store.limits import check_text
from adapters.store.rows import ApiKeyRow, IdempotencyRow, ParkedAction, ParkedProposal, ParkedRow, PolicyRow
from adapters.store.session import Batch, Session, Sql

_PARKED: Final = Batch(
    schema.parked,
    "message_seq place code reason clause account_id parked_at",
    returning="seq, message_seq, place, code",
)
_ACTIONS: Final = Batch(schema.parked_action, "parked_seq action at by note through")
_PROPOSALS: Final = Batch(schema.parked_proposal, "parked_seq action stands at by note through")
_POLICIES: Final = Batch(schema.policy, "sha256 version content recorded_at", unless="sha256")
_KEYS: Final = Batch(schema.api_key, "prefix sha256 scopes created_at expires_at revoked_at")
_IDEMPOTENCY: Final = Batch(schema.idempotency_key, "key sha256 created_at", unless="key")
_UNDER_KEY: Final = Sql(
    "SELECT sha256, status, response FROM idempotency_key WHERE key = %b",
    "SELECT sha256, status, response FROM idempotency_key WHERE key = ?",
)
_ANSWER: Final = Sql(
    "UPDATE idempotency_key SET status = %b, response = %b WHERE key = %b AND status IS NULL",
    "UPDATE idempotency_key SET status = ?, response = ? WHERE key = ? AND status IS NULL",
)
_REVOKE: Final = Sql(
    "UPDATE api_key SET revoked_at = %b WHERE prefix = %b AND revoked_at IS NULL RETURNING prefix",
    "UPDATE api_key SET revoked_at = ? WHERE prefix = ? AND revoked_at IS NULL RETURNING prefix",
)


class DeskWrites:
    """Parked messages and what was done about them, policies, keys."""

    _session: Session

    def park(self, rows: Sequence[ParkedRow]) -> list[int]:
        """Park messages or parts of them; answers their numbers, in the same order."""
        for row in rows:
            check_text(row.place, "place")
        values = [
            (r.message_seq, r.place, r.code, r.reason, r.clause, r.account_id, r.parked_at) for r in rows
        ]
        numbers: dict[tuple[int, str, str], list[int]] = {}
        for seq, message_seq, place, code in sorted(self._session.insert_new(_PARKED, values), reverse=True):
            numbers.setdefault((message_seq, place, code), []).append(seq)
        return [numbers[(r.message_seq, r.place, r.code)].pop() for r in rows]

    def act_on_parked(self, parked_seq: int, action: ParkedAction) -> None:
        """Note what a person did; a parked message with an action no longer waits."""
        check_text(action.note, "note")
        values = (parked_seq, action.action, action.at, action.by, action.note, action.through)
        self._session.write(_ACTIONS, [values])

    def propose_for_parked(self, parked_seq: int, proposal: ParkedProposal) -> None:
        """Note what a person proposes; the newest proposal of a parked message counts."""
        for text, name in ((proposal.note, "reason"), (proposal.by, "by")):
            check_text(text, name)
        p = proposal
        self._session.write(_PROPOSALS, [(parked_seq, p.action, p.stands, p.at, p.by, p.note, p.through)])

    def keep_policy(self, row: PolicyRow) -> None:
        """Keep a policy whole, once."""
        self._session.write(_POLICIES, [(row.sha256, row.version, row.content, row.recorded_at)])

    def add_api_key(self, row: ApiKeyRow) -> None:
        """Keep a key's digest."""
        scopes = " ".join(row.scopes)
        values = (row.prefix, row.sha256, scopes, row.created_at, row.expires_at, row.revoked_at)
        self._session.write(_KEYS, [values])

    def claim_idempotency_key(self, row: IdempotencyRow) -> IdempotencyRow:
        """Note a request before anything is done for it; returns what stands under its key.

        That is this very request, or the one that came first: who claims at the same time waits for that.
        """
        check_text(row.key, "Idempotency-Key")
        self._session.write(_IDEMPOTENCY, [(row.key, row.sha256, row.created_at)])
        return self._under(row)

    def answer_idempotency_key(self, row: IdempotencyRow) -> IdempotencyRow:
        """Note a request's answer, once; returns the one that stands, so that all who ask get the same."""
        self._session.run(_ANSWER, row.status, row.response, row.key)
        return self._under(row)

    def _under(self, row: IdempotencyRow) -> IdempotencyRow:
        """The row, with the request and the answer that stand under its key."""
        ((sha256, status, response),) = self._session.fetch(_UNDER_KEY, row.key)
        return dataclasses.replace(
            row, sha256=sha256, status=status, response=None if response is None else bytes(response)
        )

    def revoke_api_key(self, prefix: str, at: datetime) -> bool:
        """End a key; False when there is none in force by that prefix."""
        return bool(self._session.fetch(_REVOKE, at, prefix))
