"""Claims on the wire: what was billed to a payer and what the payer decided.

Source: 005010X221A1, loops 2100 and 2110.
"""

from __future__ import annotations

from typing import Final

from schemas import facts
from schemas.wire import fields
from schemas.wire.fields import Flat, Listing, Part, Stated
from schemas.wire.parties import Monetary, Payer

CLAIM_STATUSES: Final = ("1", "2", "3", "4", "19", "20", "21", "22", "23", "25")
CLAIM_STATUSES_4010: Final = ("5", "10", "13", "15", "16", "17", "27")
"""CLP02 codes: those of 5010, and those that only 4010 has (pended, under review)."""


class ClaimSubmitted(Monetary):
    """A bill to one payer."""

    record = facts.ClaimSubmitted

    claim_id = fields.identifier("The sender's claim number.", required=True)
    payer = Part(Payer, required=True)
    order = fields.whole("1 for primary, 2 for secondary.", 1, 99, required=True)
    charge = fields.amount("Billed.", "charge_cents", required=True)
    submitted_on = fields.day("Day it was sent.", required=True)


class ClaimStatusReported(Stated):
    """Where a bill stands with one payer before that payer decides, or that a person closed it there.

    Source: 005010X214 (277CA), 005010X212 (277).
    """

    record = facts.ClaimStatusReported

    claim_id = fields.identifier("The sender's claim number.", required=True)
    payer = Part(Payer, required=True)
    status = fields.choice(
        "What the payer's side answered, or how a person closed this payer.",
        (
            "accepted",
            "rejected",
            "pending",
            "finalized",
            "closed_no_coverage",
            "closed_patient_election",
            "closed_no_response",
        ),
        required=True,
    )
    on = fields.day("Day of the answer or of the closing.", required=True)
    by = fields.text("Who closed it; a closing without a name does not count.", limit=200)
    reason = fields.text("Why.", limit=2000)


class Adjustment(Stated):
    """One reason why less was paid than charged."""

    record = facts.Adjustment

    group = fields.choice("CAS group.", ("CO", "PR", "OA", "PI", "CR"), required=True)
    code = fields.identifier("Claim adjustment reason code (CARC).", limit=10, required=True)
    amount = fields.amount("Positive lowers what is paid.", "amount_cents", required=True)
    quantity = fields.decimal_text("Units that were not paid.")


class AdjudicatedLine(Stated):
    """The payer's decision on one service line."""

    record = facts.AdjudicatedLine

    line = fields.label("The line's number or control number.", required=True)
    procedure = fields.identifier("Procedure code.", limit=50)
    modifiers = Listing(fields.identifier("Modifier.", limit=10, required=True), "Modifiers.", limit=20)
    service_date = fields.day("Day of service.", "service_on")
    charge = fields.amount("Charged.", "charge_cents", required=True)
    paid = fields.amount("Paid.", "paid_cents", required=True)
    adjustments = Listing(Part(Adjustment, required=True), "Why paid differs from charged.", limit=200)
    remarks = Listing(fields.identifier("RARC.", limit=10, required=True), "Remark codes (RARC).", limit=200)


class Remittance(Stated):
    """The payment a decision came with."""

    trace = fields.identifier("Check or EFT number (TRN02).")
    payment_date = fields.day("Day of payment (BPR16).", "payment_on")


class ClaimAdjudicated(Monetary):
    """A payer's decision on a claim: one CLP loop, one explanation of benefits."""

    record = facts.ClaimAdjudicated

    claim_id = fields.identifier("CLP01, or the sender's claim number.", required=True)
    payer_claim_id = fields.identifier("The payer's claim number (CLP07).")
    original_payer_claim_id = fields.identifier("The payer's claim number that this one corrects (REF*F8).")
    filing_indicator = fields.identifier("Claim filing indicator (CLP06).", limit=10)
    frequency = fields.identifier("Claim frequency (CLP09).", limit=10)
    payer = Part(Payer, required=True)
    order = fields.whole("1 primary, 2 secondary, 3 tertiary.", 1, 99)
    status = fields.choice(
        "X12 claim status code (CLP02).", CLAIM_STATUSES + CLAIM_STATUSES_4010, required=True
    )
    adjudicated_on = fields.day("Day of the decision.", required=True)
    remittance = Flat(Remittance)
    charge = fields.amount("Charged (CLP03).", "charge_cents", required=True)
    paid = fields.amount("Paid (CLP04).", "paid_cents", required=True)
    patient_responsibility = fields.amount(
        "The patient's part as the payer states it (CLP05).", "patient_responsibility_cents"
    )
    adjustments = Listing(Part(Adjustment, required=True), "Adjustments of the claim level only.", limit=200)
    remarks = Listing(fields.identifier("RARC.", limit=10, required=True), "Remark codes (RARC).", limit=200)
    lines = Listing(Part(AdjudicatedLine, required=True), "The service lines.", limit=1000)
    forwarded_to = Part(Payer, "The payer to which the claim was passed on (NM1*TT).")
    appealable_until = fields.day("Last day to appeal.", open_ended=True)
