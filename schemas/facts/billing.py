"""What a billing system says of an account: coverages, charges, money, letters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from schemas.facts.parties import AccountRef, Payer, Person
from schemas.records import swift_init


@swift_init
@dataclass(frozen=True, slots=True)
class AccountRegistered:
    """Who and when. The newest statement wins field by field; None leaves a field as it was.

    `expected_plans` is how many insurance plans registration expects (HL7 PV2-20).
    """

    patient: Person | None = None
    guarantor: Person | None = None
    service_from: date | None = None
    service_to: date | None = None
    patient_class: str | None = None
    financial_class: str | None = None
    facility_kind: str | None = None
    expected_plans: int | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class Coverage:
    """One payer of a coverage list; `order` is 1 for primary."""

    order: int
    payer: Payer
    kind: str | None = None
    member_id: str | None = None
    effective_from: date | None = None
    effective_to: date | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class CoverageListed:
    """The whole list, in order; the newest replaces. Empty states self-pay."""

    coverages: tuple[Coverage, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True)
class ChargePosted:
    """A charge; a negative amount takes one back. `provider` is whose charge it is, where not the facility's.

    `kind` is service, interest, late_fee or collection_fee; None is a service.
    """

    charge_id: str
    amount_cents: int
    service_on: date
    code_system: str | None = None
    code: str | None = None
    description: str | None = None
    units: str | None = None
    kind: str | None = None
    provider: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class CodingStatusChanged:
    """Where medical coding stands: pending, hold or complete."""

    status: str
    reason: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class PaymentPosted:
    """Money received; a negative amount takes it back. `paid_by` is patient, payer or other."""

    payment_id: str
    amount_cents: int
    paid_by: str
    received_on: date
    payer: Payer | None = None
    method: str | None = None
    trace: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AdjustmentPosted:
    """A change of the balance without money; positive lowers it."""

    adjustment_id: str
    amount_cents: int
    kind: str
    posted_on: date
    reason: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class BalanceReported:
    """What the billing system says is open.

    `guarantor_total_cents` is what the guarantor owes on all accounts together, this one too;
    `guarantor_credit_cents` is what the guarantor has in credit on other accounts.
    """

    total_cents: int
    as_of: date
    patient_cents: int | None = None
    insurance_cents: int | None = None
    guarantor_total_cents: int | None = None
    guarantor_credit_cents: int | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class StatementSent:
    """A bill that went to the guarantor. None for a notice flag means that nobody said it was on it.

    `dispute_contact` says whether it told whom to ask when it looks wrong.
    """

    number: int
    sent_on: date
    amount_cents: int | None = None
    channel: str | None = None
    language: str | None = None
    financial_assistance_notice: bool | None = None
    final_notice: bool | None = None
    delivered: bool = True
    dispute_contact: bool | None = None
    format: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class PaymentPending:
    """Money on its way; cleared by the payment with the same id, or by an amount of zero."""

    payment_id: str
    amount_cents: int
    expected_on: date


@swift_init
@dataclass(frozen=True, slots=True)
class AccountsMerged:
    """This account's facts now belong to `into`. Source: HL7 v2.5.1 chapter 3, A18, A40, A41."""

    into: AccountRef


@swift_init
@dataclass(frozen=True, slots=True)
class AccountsUnmerged:
    """This account's merge into `out_of` is taken back: its facts are its own again.

    Source: HL7 v2.5.1 chapter 3, A44, A49 and corrections by hand.
    """

    out_of: AccountRef
