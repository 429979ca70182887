"""Accounts, their decisions and their cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from schemas.cases import Case, CaseEvent
from schemas.decisions import Determination
from schemas.facts import AccountRef
from schemas.records import swift_init

WithheldMove: TypeAlias = Literal["withheld", "ended"]


@swift_init
@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account's head: what its latest decision said, and its open case.

    `review_on` is the next day, `review_at` the next instant on which to decide again; None for never.
    `facts` and `cases` count what it has so far; `version` counts how often the head was saved.
    `policy_sha256` is the policy of its latest decision, `heard_at` when its last fact was recorded, `feeds`
    every feed that spoke of it. `withheld` says why a case that its decision allows does not open yet.
    `group_id` is the same for all accounts that a merge ever named together, also after it was taken back;
    None for one that no merge named.
    """

    id: int
    ref: AccountRef
    decision_id: str | None = None
    material: str | None = None
    review_on: date | None = None
    review_at: datetime | None = None
    determination: Determination | None = None
    patient_cents: int = 0
    balance_cents: int = 0
    currency: str = "USD"
    facts: int = 0
    cases: int = 0
    version: int = 0
    policy_sha256: str | None = None
    heard_at: datetime | None = None
    feeds: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    group_id: int | None = None
    case: Case | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision to keep; `content` is its canonical bytes, `opens` whether every open_case gate allows."""

    id: str
    account_id: int
    as_of: date
    decided_at: datetime
    content: bytes
    policy_version: str
    opens: bool


@dataclass(frozen=True, slots=True)
class CaseEventRow:
    """A case event to keep, and when it happened to us."""

    event: CaseEvent
    account_id: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class WithheldRow:
    """A case that would have opened for `amount_cents` but for `causes`; or that this is over (`ended`)."""

    account_id: int
    move: WithheldMove
    causes: tuple[str, ...]
    feeds: tuple[str, ...]
    amount_cents: int
    currency: str
    decision: str
    policy_version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WithheldRecord:
    """A stored `WithheldRow`; `seq` orders them."""

    seq: int
    account: AccountRef
    move: WithheldMove
    causes: tuple[str, ...]
    feeds: tuple[str, ...]
    amount_cents: int
    currency: str
    decision: str
    policy_version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How many accounts have a decision, how many of them under one policy, and whose case is withheld."""

    decided: int
    under_policy: int
    withheld: dict[tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A stored decision; `seq` orders the decisions of an account."""

    seq: int
    id: str
    account: AccountRef
    as_of: date
    decided_at: datetime
    content: bytes
    policy_version: str
    opens: bool


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A stored case; `seq` is the cursor of lists."""

    seq: int
    case: Case


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """A case with its events, first to last, each with its instant."""

    record: CaseRecord
    events: tuple[tuple[CaseEvent, datetime], ...]
