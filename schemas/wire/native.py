"""Native JSON, contract `baton/1`: the one definition of the envelope and of every message type.

Required fields, types, limits, enumerations and patterns stand here and nowhere else; the reader, the JSON
Schema and the AsyncAPI document are made from them.
"""

from __future__ import annotations

from typing import ClassVar, Final

from schemas import facts
from schemas.wire import fields
from schemas.wire.claims import ClaimAdjudicated, ClaimStatusReported, ClaimSubmitted
from schemas.wire.fields import Listing, Part, Stated
from schemas.wire.ledger import AdjustmentPosted, BalanceReported, ChargePosted, PaymentPending, PaymentPosted
from schemas.wire.parties import AccountRef, FlaggedBy, Guarantor, Monetary, Patient, Payer

CONTRACT: Final = "baton/1"

COVERAGE_KINDS: Final = (
    "commercial",
    "medicare",
    "medicare_advantage",
    "medicaid",
    "qmb",
    "tricare",
    "va",
    "workers_comp",
    "auto",
    "liability",
    "other",
)

FACILITY_KINDS: Final = (
    "nonprofit_hospital",
    "hospital",
    "practice",
    "ambulance",
    "lab",
    "health_center",
    "other",
)

NOTICE_KINDS: Final = (
    "abn",
    "waiver",
    "surprise_billing_consent",
    "intended_actions",
    "financial_assistance_summary",
    "good_faith_estimate",
    "estimate_dispute_right",
    "screening",
    "sliding_fee_scale",
    "itemized_statement",
    "fee_agreement",
    "guarantee",
    "agency_instructions",
    "validation_notice",
    "automated_contact_consent",
    "legal_approval",
    "relief_buyer",
)
"""Documents. `estimate_dispute_right` tells of the right to dispute a bill above its estimate; `screening` is
the outcome of looking for assistance; `agency_instructions` is what an agency was told to observe with this
person; `guarantee` is another person's own promise to pay."""

ACTIONS: Final = ("credit_report", "suit", "lien", "garnishment", "sale", "deferral_of_care")


class AccountRegistered(Stated):
    """Who and when; the newest `occurred_at` wins field by field."""

    record = facts.AccountRegistered

    patient = Part(Patient)
    guarantor = Part(Guarantor, "Who answers for the patient's part.")
    service_from = fields.day("First day of service.")
    service_to = fields.day("Last day of service.")
    patient_class = fields.text("Inpatient, outpatient, emergency, as the sender calls it.", limit=100)
    financial_class = fields.text("The sender's financial class.", limit=100)
    facility_kind = fields.choice(
        "What kind of provider bills.",
        FACILITY_KINDS,
    )
    expected_plans = fields.whole("How many insurance plans registration expects.", 0, 99)


class Coverage(Stated):
    """One payer of the list."""

    record = facts.Coverage

    order = fields.whole("1 for primary, 2 for secondary.", 1, 99, required=True)
    payer = Part(Payer, required=True)
    kind = fields.choice("Which programme pays.", COVERAGE_KINDS, required=True)
    member_id = fields.identifier("The member's number with this payer.")
    effective_from = fields.day("First day covered.")
    effective_to = fields.day("Last day covered; 9999-12-31 for an open end.", open_ended=True)


class CoverageListed(Stated):
    """The whole list of payers in order; the newest replaces. An empty list states self-pay."""

    record = facts.CoverageListed

    coverages = Listing(Part(Coverage, required=True), "All payers of the account.", limit=50, required=True)


class CodingStatus(Stated):
    """Where medical coding stands."""

    record = facts.CodingStatusChanged

    status = fields.choice("Where coding stands.", ("pending", "hold", "complete"), required=True)
    reason = fields.text("Why.", limit=2000)


class StatementSent(Monetary):
    """A bill that went to the guarantor; only one that shows a final patient balance counts for a clock."""

    record = facts.StatementSent

    number = fields.whole("1 for the first statement, 2 for the second.", 1, 1000, required=True)
    sent_on = fields.day("Day it was sent.", required=True)
    amount = fields.amount("The patient balance it showed.", "amount_cents")
    channel = fields.text("Mail, email, portal.", limit=100)
    language = fields.text("Language of the statement.", limit=100)
    financial_assistance_notice = fields.yes_no("Whether it told about financial assistance.")
    final_notice = fields.yes_no("Whether it was the final notice.")
    delivered = fields.yes_no("False when it is known not to have arrived; true when not stated.")
    dispute_contact = fields.yes_no("Whether it told whom to ask when it looks wrong.")
    format = fields.text("How it came: large print, braille, audio.", limit=100)


class AssistanceChanged(Stated):
    """A step of financial assistance (26 CFR 1.501(r))."""

    record = facts.AssistanceChanged

    state = fields.choice(
        "Where the application stands.",
        ("offered", "applied", "incomplete", "complete", "approved", "denied", "expired"),
        required=True,
    )
    on = fields.day("Day of the step.", required=True)
    discount_percent = fields.decimal_text("Discount granted, in percent.")
    covers_from = fields.day("First day of service it covers.")
    household_income_percent_fpl = fields.decimal_text(
        "Household income in percent of the federal poverty level."
    )
    reference = fields.identifier("The application's number.")


class PlanChanged(Monetary):
    """A step of a payment plan."""

    record = facts.PlanChanged

    plan_id = fields.identifier("The plan's number.", required=True)
    state = fields.choice(
        "Where the plan stands.",
        ("offered", "active", "at_risk", "defaulted", "completed", "cancelled"),
        required=True,
    )
    on = fields.day("Day of the step.", required=True)
    installment = fields.amount("One installment.", "installment_cents")
    first_due_on = fields.day("Day the first installment is due.")
    count = fields.whole("How many installments.", 1, 1000)


class PromiseChanged(Monetary):
    """A step of a promise to pay."""

    record = facts.PromiseChanged

    promise_id = fields.identifier("The promise's number.", required=True)
    state = fields.choice("Where the promise stands.", ("made", "kept", "broken", "withdrawn"), required=True)
    amount = fields.amount("Promised.", "amount_cents")
    due_on = fields.day("Day it is due.")


class NoticeRecorded(Monetary):
    """A document that bears on liability or on what may be done about a debt."""

    record = facts.NoticeRecorded

    document_id = fields.identifier("The document's number.", required=True)
    kind = fields.choice(
        "Which document.",
        NOTICE_KINDS,
        required=True,
    )
    on = fields.day("Day it was given or signed.", required=True)
    amount = fields.amount("The amount it names.", "amount_cents")
    valid = fields.yes_no("False when it does not hold; true when not stated.")
    actions = Listing(
        fields.choice("One action.", ACTIONS, required=True),
        "The extraordinary actions it announces.",
        limit=20,
    )
    deadline_on = fields.day("Last day it gives the guarantor.")
    provider = fields.identifier("Whose estimate it is, where not the facility's.")


class AccountFlagged(FlaggedBy):
    """A hold placed; an unknown flag holds, it never passes."""

    record = facts.AccountFlagged

    flag = fields.identifier("The flag's name, such as dispute or bankruptcy.", required=True)
    since = fields.day("First day of the hold.", required=True)
    until = fields.day("Last day, where one is known; 9999-12-31 for an open end.", open_ended=True)
    petition_on = fields.day("Day of the bankruptcy petition.")


class AccountCleared(FlaggedBy):
    """A hold lifted, by its reference or, without one, by its name."""

    record = facts.AccountCleared

    flag = fields.identifier("The flag's name.", required=True)
    cleared_on = fields.day("Day it was lifted.", required=True)


class AccountsMerged(Stated):
    """This account's facts now belong to another account."""

    record = facts.AccountsMerged

    into = Part(AccountRef, "The account that goes on.", required=True)


class AccountsUnmerged(Stated):
    """This account's merge into another is taken back; its facts are its own again."""

    record = facts.AccountsUnmerged

    class Meta(Stated.Meta):
        """`from` is a word of Python's own, so this one field is named by its key."""

        include: ClassVar[dict[str, Part]] = {
            "from": Part(AccountRef, "The account it had been merged into.", required=True, to="out_of")
        }


class ContactLogged(Stated):
    """A contact with the guarantor or an attempt at one."""

    record = facts.ContactLogged

    case_id = fields.identifier("The collections case.")
    channel = fields.text("Phone, mail, email, text, portal.", limit=100, required=True)
    direction = fields.text("Outbound or inbound.", limit=100, required=True)
    disposition = fields.text("How it ended, by disposition code.", limit=100, required=True)
    at = fields.instant("When.", required=True)
    right_party = fields.yes_no("Whether the guarantor was reached.")
    note = fields.text("What was said.", limit=2000)
    local_minutes = fields.whole("Minutes after midnight where the person was: 1260 is 21:00.", 0, 1439)
    automated = fields.yes_no("Whether it was autodialled or prerecorded.")
    disclosed = fields.yes_no("Whether debt or health was named to anybody but the guarantor.")
    opt_out_offered = fields.yes_no("Whether it told how to stop such messages.")


class AgencyReported(Monetary):
    """What a collections agency says about a placed case."""

    record = facts.AgencyReported

    case_id = fields.identifier("The collections case.", required=True)
    kind = fields.choice(
        "What it reports.",
        ("acknowledged", "rejected", "payment", "recall_confirmed", "returned", "closed"),
        required=True,
    )
    on = fields.day("Day of the report.", required=True)
    amount = fields.amount("The amount it reports.", "amount_cents")
    agency = fields.text("Which agency.")
    note = fields.text("What it says.", limit=2000)


TYPES: Final[dict[str, type[Stated]]] = {
    "account.registered": AccountRegistered,
    "coverage.listed": CoverageListed,
    "charge.posted": ChargePosted,
    "coding.status": CodingStatus,
    "claim.submitted": ClaimSubmitted,
    "claim.status": ClaimStatusReported,
    "claim.adjudicated": ClaimAdjudicated,
    "payment.posted": PaymentPosted,
    "adjustment.posted": AdjustmentPosted,
    "balance.reported": BalanceReported,
    "statement.sent": StatementSent,
    "payment.pending": PaymentPending,
    "assistance.changed": AssistanceChanged,
    "plan.changed": PlanChanged,
    "promise.changed": PromiseChanged,
    "notice.recorded": NoticeRecorded,
    "account.flagged": AccountFlagged,
    "account.cleared": AccountCleared,
    "accounts.merged": AccountsMerged,
    "accounts.unmerged": AccountsUnmerged,
    "contact.logged": ContactLogged,
    "agency.reported": AgencyReported,
}
"""Every type a sender may write, and the schema of its `data`."""


class Envelope(Stated):
    """What every message carries around its `data`."""

    schema = fields.choice("The contract.", (CONTRACT,), required=True, code="schema-unknown")
    type = fields.choice("What happened.", tuple(TYPES), required=True, code="unknown-type")
    id = fields.identifier("The sender's identifier of this message, unique per source.", required=True)
    source = fields.identifier("The sending system.", required=True)
    occurred_at = fields.instant("When it became true in the sender's world.", required=True)
    account = Part(AccountRef, "The patient account (HL7 PID-18, X12 CLP01).", required=True)
    currency = fields.currency()
    data = fields.json_object("What happened, by type.", required=True)
