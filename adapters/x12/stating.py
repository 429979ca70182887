"""A read claim becomes what the rest of the house hears: facts, findings and parked parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from adapters.x12.claim import ORDER, Claim
from adapters.x12.elements import identifier
from adapters.x12.findings import noted, rejected
from schemas.canonical import digest
from schemas.facts import (
    AccountRef,
    AdjudicatedLine,
    AdjudicationUnreadable,
    ClaimAdjudicated,
    Fact,
    Item,
    Payer,
    adjudication_key,
)

_UNDATED: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a decision without a day is said to have happened: always, so its account holds as of any day."""


@dataclass(frozen=True, slots=True)
class Remittance:
    """What all claims of one transaction share.

    `fault` is the code that keeps every claim of it from being stated (no payer, no day, no currency);
    `sequence` is `<ISA13>/<ST02>`, zero padded; `sound` becomes each claim's `remittance_balanced`.
    """

    facility: str
    payer: Payer | None
    trace: str | None
    payment_on: date | None
    production_on: date | None
    currency: str
    sequence: str
    sound: bool
    fault: str | None

    @property
    def occurred_at(self) -> datetime | None:
        """The payment day, else the production day, at midnight UTC; never the day of arrival."""
        on = self.payment_on or self.production_on
        return datetime(on.year, on.month, on.day, tzinfo=UTC) if on else None


def state(claim: Claim, remittance: Remittance, ordinal: int, segments: list[str]) -> Iterator[Item]:
    """Findings, the fact, what parks. `segments` are the claim's own, `ordinal` its place from 1."""
    place = claim.level.place
    yield from claim.findings
    number = identifier(claim.number)
    if number is None:
        yield noted("account-missing", place)
        yield rejected("account-missing", place)
        return
    account = AccountRef(remittance.facility, number)
    occurred_at, payer = remittance.occurred_at, remittance.payer
    fault = claim.fault or remittance.fault
    adjudicated_on = remittance.production_on or remittance.payment_on
    if fault is not None or occurred_at is None or payer is None or adjudicated_on is None:
        yield _unreadable(account, fault or "date-missing", remittance, segments, place)
        # A fault of the whole transaction is parked once, by the transaction.
        if claim.fault is not None:
            yield rejected(claim.fault, place, account)
        return
    sequence = f"{remittance.sequence}/{ordinal:07d}"
    body = _adjudicated(claim, remittance, payer, adjudicated_on, sequence)
    key = adjudication_key(account, body)
    yield Fact.of(account, key, occurred_at, body, currency=remittance.currency, where=place)
    if claim.doubt is not None:
        yield rejected(claim.doubt, place, account)


def _adjudicated(
    claim: Claim, remittance: Remittance, payer: Payer, adjudicated_on: date, sequence: str
) -> ClaimAdjudicated:
    level = claim.level
    dates = level.dates
    return ClaimAdjudicated(
        claim_id=claim.number,
        payer=payer,
        status=claim.status,
        adjudicated_on=adjudicated_on,
        charge_cents=level.charge,
        paid_cents=level.paid,
        order=ORDER.get(claim.status),
        payer_claim_id=claim.payer_number,
        original_payer_claim_id=claim.original,
        filing_indicator=claim.filing,
        frequency=claim.frequency,
        trace=remittance.trace,
        payment_on=remittance.payment_on,
        patient_responsibility_cents=claim.patient,
        adjustments=tuple(level.adjustments),
        remarks=tuple(level.remarks),
        lines=_lines(claim),
        forwarded_to=claim.forwarded_to,
        corrected_payer=claim.corrected_payer,
        service_from=dates.get("232") or dates.get("472") or dates.get("150"),
        service_to=dates.get("233") or dates.get("151"),
        sequence=sequence,
        remittance_balanced=remittance.sound,
    )


def _lines(claim: Claim) -> tuple[AdjudicatedLine, ...]:
    """The service lines; a line without its control number (REF*6R) is known by its ordinal."""
    made = []
    for ordinal, part in enumerate(claim.lines, 1):
        dates = part.dates
        made.append(
            AdjudicatedLine(
                part.control or str(ordinal),
                part.charge,
                part.paid,
                part.procedure,
                part.modifiers,
                dates.get("472") or dates.get("150") or dates.get("151"),
                tuple(part.adjustments),
                tuple(part.remarks),
            )
        )
    return tuple(made)


def _unreadable(
    account: AccountRef, code: str, remittance: Remittance, segments: list[str], place: str
) -> Fact:
    """Keyed by the claim's own text, so that the same claim sent again is the same statement."""
    seal = digest("\n".join(segments).encode("utf-8", "surrogatepass"))[:32]
    body = AdjudicationUnreadable(account.number, code, remittance.payer, remittance.trace)
    at = remittance.occurred_at or _UNDATED
    return Fact.of(
        account, f"claim.unreadable|{account}|{seal}", at, body, currency=remittance.currency, where=place
    )
