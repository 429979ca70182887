"""Money on the wire: charges, payments, adjustments and what the billing system says is open."""

from __future__ import annotations

from typing import ClassVar

from schemas import facts
from schemas.wire import fields
from schemas.wire.fields import Flat, Leaf, Part, Stated
from schemas.wire.parties import Monetary, Payer


class ChargeCode(Stated):
    """What was charged for."""

    system = fields.text("The code system.", limit=100, to="code_system")
    value = fields.text("The code.", limit=100, to="code")


class ChargePosted(Monetary):
    """A charge; a negative amount takes one back."""

    record = facts.ChargePosted

    charge_id = fields.identifier("The sender's number of this charge.", required=True)
    amount = fields.amount("Charged; negative takes back.", "amount_cents", required=True)
    service_date = fields.day("Day of service.", "service_on", required=True)
    code = Flat(ChargeCode)
    description = fields.text("What it was, for people.", limit=2000)
    units = fields.decimal_text("How many.")
    kind = fields.choice(
        "What kind of charge; service when not stated.",
        ("service", "interest", "late_fee", "collection_fee"),
    )
    provider = fields.identifier("Whose charge it is, where not the facility's.")


class PaymentPosted(Monetary):
    """Money received; a negative amount takes it back."""

    class Meta(Monetary.Meta):
        """`from` is a word of Python's own, so this one field is named by its key."""

        include: ClassVar[dict[str, Leaf]] = {
            "from": fields.choice("Who paid.", ("patient", "payer", "other"), required=True, to="paid_by")
        }

    record = facts.PaymentPosted

    payment_id = fields.identifier("The sender's number of this payment.", required=True)
    amount = fields.amount("Received; negative takes back.", "amount_cents", required=True)
    received_on = fields.day("Day it was received.", required=True)
    payer = Part(Payer, "Which payer, when a payer paid.")
    method = fields.text("How: card, check, EFT.", limit=100)
    trace = fields.identifier(
        "Check or EFT number; a payment with the payer and trace of an adjudication counts once."
    )


class AdjustmentPosted(Monetary):
    """A change of the balance without money."""

    record = facts.AdjustmentPosted

    adjustment_id = fields.identifier("The sender's number of this adjustment.", required=True)
    amount = fields.amount("Positive lowers the balance.", "amount_cents", required=True)
    kind = fields.choice(
        "Why the balance changed.",
        ("contractual", "charity", "courtesy", "small_balance", "bad_debt", "other"),
        required=True,
    )
    posted_on = fields.day("Day it was posted.", required=True)
    reason = fields.text("Why, in the sender's words.", limit=2000)


class BalanceReported(Monetary):
    """What the billing system says is open."""

    record = facts.BalanceReported

    total = fields.amount("Open in all.", "total_cents", required=True)
    patient = fields.amount("Open with the patient.", "patient_cents")
    insurance = fields.amount("Open with insurers.", "insurance_cents")
    guarantor_total = fields.amount(
        "What the guarantor owes on all accounts together.", "guarantor_total_cents"
    )
    guarantor_credit = fields.amount(
        "What the guarantor has in credit on other accounts.", "guarantor_credit_cents"
    )
    as_of = fields.day("Day the balance stood so.", required=True)


class PaymentPending(Monetary):
    """Money on its way; cleared by the payment with the same id, or by an amount of zero."""

    record = facts.PaymentPending

    payment_id = fields.identifier("The number the payment will have.", required=True)
    amount = fields.amount("Expected; 0.00 clears it.", "amount_cents", required=True)
    expected_on = fields.day("Day it is expected.", required=True)
