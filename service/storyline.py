"""Facts in plain words, for timelines: what happened, with amounts and days, without names of people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.facts import (
    AccountCleared,
    AccountFlagged,
    AccountRegistered,
    AccountsMerged,
    AccountsUnmerged,
    AdjudicationUnreadable,
    AdjustmentPosted,
    AgencyReported,
    AssistanceChanged,
    BalanceReported,
    Body,
    ChargePosted,
    ClaimAdjudicated,
    ClaimStatusReported,
    ClaimSubmitted,
    CodingStatusChanged,
    ContactLogged,
    CoverageListed,
    NoticeRecorded,
    OverrideApproved,
    OverrideProposed,
    OverrideWithdrawn,
    PaymentPending,
    PaymentPosted,
    PlanChanged,
    PromiseChanged,
    RemittanceReceived,
    StatementSent,
)
from schemas.money import format_cents

_PAYERS: Final = {"patient": "the patient", "payer": "a payer", "other": "someone else"}
_STATUSES: Final = {
    "4": "did not know the patient",
    "22": "took back an earlier decision",
    "23": "passed the claim on, undecided",
    "25": "gave an estimate",
}


def told(body: Body) -> str:
    """One line that says what a fact says.

    >>> from datetime import date
    >>> told(ChargePosted("C1", 60000, date(2026, 1, 2)))
    'Charge of 600.00 posted for service on 2026-01-02'
    """
    return _WORDS[type(body)](body)


def _adjudicated(b: ClaimAdjudicated) -> str:
    payer = b.payer.name or b.payer.id
    did = _STATUSES.get(b.status, f"decided: paid {format_cents(b.paid_cents)}")
    patient = sum(a.amount_cents for a in b.every_adjustment() if a.group == "PR")
    return (
        f"{payer} {did}, patient part {format_cents(patient)}"
        if b.status not in ("23", "25")
        else f"{payer} {did}"
    )


def _statement(b: StatementSent) -> str:
    amount = f" for {format_cents(b.amount_cents)}" if b.amount_cents is not None else ""
    kind = "Final notice" if b.final_notice else "Statement"
    return f"{kind} {b.number}{amount} sent on {b.sent_on}" + ("" if b.delivered else ", not delivered")


def _coverage(b: CoverageListed) -> str:
    if not b.coverages:
        return "No insurance: self-pay"
    order = sorted(b.coverages, key=lambda c: c.order)
    return "Insurance listed: " + ", then ".join(c.payer.name or c.payer.id for c in order)


def _notice(b: NoticeRecorded) -> str:
    return f"Document recorded: {_spaced(b.kind)}" + ("" if b.valid else ", not valid")


def _spaced(word: str) -> str:
    return word.replace("_", " ")


_WORDS: Final[dict[type[Body], Callable[[Any], str]]] = {
    AccountRegistered: lambda b: "Account registered",
    CoverageListed: _coverage,
    ChargePosted: lambda b: f"Charge of {format_cents(b.amount_cents)} posted for service on {b.service_on}",
    CodingStatusChanged: lambda b: f"Coding: {b.status}",
    ClaimSubmitted: lambda b: f"Claim of {format_cents(b.charge_cents)} sent to {b.payer.name or b.payer.id}",
    ClaimStatusReported: lambda b: f"Claim at {b.payer.name or b.payer.id}: {_spaced(b.status)}",
    ClaimAdjudicated: _adjudicated,
    AdjudicationUnreadable: lambda b: "A payer's decision came that could not be read",
    RemittanceReceived: lambda b: "Remittance received",
    PaymentPosted: lambda b: (
        f"{format_cents(b.amount_cents)} received from {_PAYERS.get(b.paid_by, b.paid_by)}"
    ),
    AdjustmentPosted: lambda b: f"Adjustment of {format_cents(b.amount_cents)} posted: {_spaced(b.kind)}",
    BalanceReported: lambda b: f"Billing system reports {format_cents(b.total_cents)} open as of {b.as_of}",
    StatementSent: _statement,
    PaymentPending: lambda b: f"{format_cents(b.amount_cents)} on its way, expected on {b.expected_on}",
    AssistanceChanged: lambda b: f"Financial assistance: {b.state}",
    PlanChanged: lambda b: f"Payment plan: {_spaced(b.state)}",
    PromiseChanged: lambda b: f"Promise to pay: {b.state}",
    NoticeRecorded: _notice,
    AccountFlagged: lambda b: f"Hold placed: {_spaced(b.flag)}",
    AccountCleared: lambda b: f"Hold lifted: {_spaced(b.flag)}",
    AccountsMerged: lambda b: f"Merged into {b.into}",
    AccountsUnmerged: lambda b: f"No longer merged into {b.out_of}",
    ContactLogged: lambda b: f"Contact by {_spaced(b.channel)}, {b.direction}: {b.disposition}",
    AgencyReported: lambda b: f"Agency: {_spaced(b.kind)}",
    OverrideProposed: lambda b: (
        f"A person proposed to lift gate {b.gate} until {b.until}: {b.reason}"
        if b.gate
        else f"A person proposed to release a hold: {b.reason}"
    ),
    OverrideApproved: lambda b: f"A second person approved an override: {b.reason}",
    OverrideWithdrawn: lambda b: f"A person withdrew an override: {b.reason}",
}
