"""What payers are asked and answer: claims, their adjudications, remittances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from schemas.canonical import digest, to_bytes
from schemas.facts.parties import AccountRef, Payer
from schemas.records import swift_init


@swift_init
@dataclass(frozen=True, slots=True)
class ClaimSubmitted:
    """A bill to one payer."""

    claim_id: str
    payer: Payer
    order: int
    charge_cents: int
    submitted_on: date


@swift_init
@dataclass(frozen=True, slots=True)
class ClaimStatusReported:
    """Where a bill stands with one payer before that payer decides, or that a person closed it there.

    `status` is accepted, rejected, pending or finalized (what a clearinghouse or payer answers: X12 277CA,
    277), or closed_no_coverage, closed_patient_election or closed_no_response (what a person states; then
    `by` says who). None of them decides what the patient owes.
    Source: 005010X214, 005010X212 STC.
    """

    claim_id: str
    payer: Payer
    status: str
    on: date
    by: str | None = None
    reason: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class Adjustment:
    """One (group, reason, amount) triple; positive lowers what is paid. Groups: CO PR OA PI CR."""

    group: str
    code: str
    amount_cents: int
    quantity: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AdjudicatedLine:
    """A payer's decision on one service line."""

    line: str
    charge_cents: int
    paid_cents: int
    procedure: str | None = None
    modifiers: tuple[str, ...] = ()
    service_on: date | None = None
    adjustments: tuple[Adjustment, ...] = ()
    remarks: tuple[str, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True)
class ClaimAdjudicated:
    """A payer's decision on a claim: one CLP loop, one EOB.

    `status` is the X12 claim status code as text ("1", "22", ...). `adjustments` are claim level only; the
    lines carry theirs. `patient_responsibility_cents` is what the payer states (CLP05); None when suppressed.
    `sequence` orders decisions of one payment day inside their carrier (interchange, transaction, ordinal);
    it never holds an arrival time. `remittance_balanced` is False when the transaction that carried it does
    not add up, None when its carrier has no such check.
    Source: 005010X221A1 2100/2110 loops.
    """

    claim_id: str
    payer: Payer
    status: str
    adjudicated_on: date
    charge_cents: int
    paid_cents: int
    order: int | None = None
    payer_claim_id: str | None = None
    original_payer_claim_id: str | None = None
    filing_indicator: str | None = None
    frequency: str | None = None
    trace: str | None = None
    payment_on: date | None = None
    patient_responsibility_cents: int | None = None
    adjustments: tuple[Adjustment, ...] = ()
    remarks: tuple[str, ...] = ()
    lines: tuple[AdjudicatedLine, ...] = ()
    forwarded_to: Payer | None = None
    corrected_payer: Payer | None = None
    appealable_until: date | None = None
    service_from: date | None = None
    service_to: date | None = None
    sequence: str = ""
    remittance_balanced: bool | None = None

    def every_adjustment(self) -> Iterator[Adjustment]:
        """Claim-level adjustments, then each line's, in message order."""
        yield from self.adjustments
        for line in self.lines:
            yield from line.adjustments


@swift_init
@dataclass(frozen=True, slots=True)
class AdjudicationUnreadable:
    """A payer decided something about this account that could not be read: the claim is parked, and until
    a person has mended it nobody may say what the patient owes."""

    claim_id: str
    code: str
    payer: Payer | None = None
    trace: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class ProviderAdjustment:
    """One PLB reason and amount: between payer and provider, never the patient's.

    Source: 005010X221A1 PLB.
    """

    code: str
    amount_cents: int
    reference: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class RemittanceReceived:
    """One payment transaction with many claims (ST to SE); it belongs to no single account."""

    payer: Payer
    trace: str
    payment_cents: int
    payment_on: date | None = None
    handling: str | None = None
    method: str | None = None
    production_on: date | None = None
    claims: int = 0
    charge_cents: int = 0
    paid_cents: int = 0
    provider_adjustments: tuple[ProviderAdjustment, ...] = ()
    balanced: bool = True


def adjudication_key(account: AccountRef, claim: ClaimAdjudicated) -> str:
    """The key under which one payer decision is counted once, whichever file or format carries it.

    Covers payer, claim number, status, charge, paid, payer claim number, trace and the multiset of all
    adjustments; clearinghouses re-wrap files, so no interchange number is part of it.
    """
    triples = sorted((a.group, a.code, a.amount_cents) for a in claim.every_adjustment())
    parts = [
        claim.payer.id,
        claim.claim_id,
        claim.status,
        claim.charge_cents,
        claim.paid_cents,
        claim.payer_claim_id,
        claim.trace,
        triples,
    ]
    return f"claim.adjudicated|{account}|{digest(to_bytes(parts))[:32]}"
