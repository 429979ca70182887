"""What reading one message gives: facts, notes, rejections and totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from schemas.facts.fact import Fact
from schemas.facts.parties import AccountRef
from schemas.records import swift_init

Severity: TypeAlias = Literal["error", "warning", "info"]


@swift_init
@dataclass(frozen=True, slots=True)
class Noted:
    """Something a reader noticed and went on: a finding of `baton inspect`. Never holds a value."""

    severity: Severity
    code: str
    where: str
    message: str


@swift_init
@dataclass(frozen=True, slots=True)
class Rejected:
    """A message, or the part of it at `where`, that waits for a person; its neighbours go through.

    `where` is empty when the whole message is meant. `account` is known for a part that names one.
    """

    code: str
    where: str
    reason: str
    clause: str = ""
    account: AccountRef | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class Tally:
    """What a reader counted, for `baton inspect` and control totals. Amounts are cents.

    `messages` counts JSON messages, ST segments, MSH segments or FHIR resources. `control_numbers` are those
    by which the sender counts its messages or interchanges, where they are numbers (ISA13, MSH-10).
    """

    format: str
    messages: int = 0
    transactions: int = 0
    claims: int = 0
    service_lines: int = 0
    charge_cents: int = 0
    paid_cents: int = 0
    patient_responsibility_cents: int = 0
    patient_adjustments_cents: int = 0
    provider_adjustments_cents: int = 0
    payment_cents: int = 0
    control_numbers: tuple[int, ...] = ()


Item: TypeAlias = Fact | Noted | Rejected | Tally
"""What a reader yields, in message order; one Tally comes last."""
