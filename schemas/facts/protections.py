"""What keeps an account from collections: assistance, plans, promises, notices, flags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from schemas.records import swift_init


@swift_init
@dataclass(frozen=True, slots=True)
class AssistanceChanged:
    """A step of financial assistance. Source: 26 CFR 1.501(r)."""

    state: str
    on: date
    discount_percent: str | None = None
    covers_from: date | None = None
    household_income_percent_fpl: str | None = None
    reference: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class PlanChanged:
    """A step of a payment plan."""

    plan_id: str
    state: str
    on: date
    installment_cents: int | None = None
    first_due_on: date | None = None
    count: int | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class PromiseChanged:
    """A step of a promise to pay."""

    promise_id: str
    state: str
    amount_cents: int | None = None
    due_on: date | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class NoticeRecorded:
    """A document that bears on liability or on what may be done about a debt.

    `actions` are the extraordinary actions an announcement names (empty: it names none); `deadline_on` is the
    last day it gives the guarantor; `provider` is whose estimate it is, where not the facility's.
    """

    document_id: str
    kind: str
    on: date
    amount_cents: int | None = None
    valid: bool = True
    actions: tuple[str, ...] = ()
    deadline_on: date | None = None
    provider: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AccountFlagged:
    """A hold placed. An unknown flag holds, it never passes."""

    flag: str
    since: date
    until: date | None = None
    reference: str | None = None
    by: str | None = None
    note: str | None = None
    petition_on: date | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AccountCleared:
    """A hold lifted, by its reference or, without one, by its name."""

    flag: str
    cleared_on: date
    reference: str | None = None
    by: str | None = None
    note: str | None = None
