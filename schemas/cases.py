"""Collections cases and the events that made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from schemas.facts import AccountRef

CaseStatus: TypeAlias = Literal["open", "recalled", "closed"]
CaseMove: TypeAlias = Literal["opened", "adjusted", "recalled", "closed"]


@dataclass(frozen=True, slots=True)
class Case:
    """Work in collections for one account; the account's `number`-th case, counted from 1, never reused.

    `amount_cents` is what the case asks for now. `reason` says why a recalled or closed case ended
    (closure reasons such as PAID_IN_FULL, or the gate that took it back). `events` counts its events so far.
    """

    id: str
    account: AccountRef
    number: int
    status: CaseStatus
    amount_cents: int
    currency: str
    opened_by: str
    decided_by: str
    events: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One move of a case. `id` is stable: the same move always has the same id, so consumers can deduplicate.

    `decision` is the id of the decision that caused it; `sequence` counts the case's events from 1.
    """

    id: str
    case_id: str
    account: AccountRef
    move: CaseMove
    sequence: int
    amount_cents: int
    previous_cents: int
    currency: str
    decision: str
    reason: str
