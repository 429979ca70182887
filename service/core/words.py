"""Codes in words: what people are told where Baton itself uses a code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from service.core.account import Account
from service.core.gates import REGISTRY


@dataclass(frozen=True, slots=True)
class FlagWords:
    """A flag's name for people, and what is done to it when it no longer stands."""

    name: str
    lifted: str = "lifted"


FLAGS: Final = {
    "dispute": FlagWords("dispute", "answered"),
    "appeal": FlagWords("appeal against the payer", "decided"),
    "complaint": FlagWords("complaint", "answered"),
    "attorney": FlagWords("word that an attorney acts", "withdrawn"),
    "litigation": FlagWords("lawsuit", "over"),
    "bankruptcy": FlagWords("bankruptcy", "cleared"),
    "deceased": FlagWords("word of a death", "withdrawn"),
    "minor": FlagWords("word that a minor is concerned", "withdrawn"),
    "active_duty": FlagWords("word of active duty", "withdrawn"),
    "custody": FlagWords("word of custody", "withdrawn"),
    "billing_hold": FlagWords("hold by billing"),
    "coding_hold": FlagWords("hold by coding"),
    "late_charge_hold": FlagWords("hold for late charges"),
    "charge_audit": FlagWords("audit of the charges", "finished"),
    "surprise_billing_protected": FlagWords("word of surprise-billing protection", "withdrawn"),
    "estimate_dispute": FlagWords("dispute about the estimate", "decided"),
    "identity_theft": FlagWords("report of a misused identity", "cleared"),
    "safety": FlagWords("safety concern", "cleared"),
    "vip": FlagWords("hold for a protected person"),
    "returned_mail": FlagWords("returned letter", "answered with a deliverable address"),
    "cease_contact": FlagWords("wish for no contact", "withdrawn"),
    "third_party_liability": FlagWords("word of a liable third party", "cleared"),
    "medicaid_pending": FlagWords("open Medicaid application", "decided"),
    "manual": FlagWords("hold by a person"),
    "id_reused": FlagWords("doubt about a message id used twice", "settled"),
    "unreadable_claim": FlagWords("payer's decision that could not be read", "settled"),
}
"""Every flag the native contract names, and Baton's own two."""


def name_of_flag(flag: str) -> str:
    """A flag for people; one that nobody knows is told as what it is.

    >>> name_of_flag("manual")
    'hold by a person'
    >>> name_of_flag("blue")
    'hold of an unknown kind (blue)'
    """
    return FLAGS[flag].name if flag in FLAGS else f"hold of an unknown kind ({flag.replace('_', ' ')})"


def name_of_payer(id: str, account: Account) -> str:
    """A payer for people: by the name that some message gave it, else by its id."""
    payers = [c.payer for c in account.coverage.body.coverages] if account.coverage else []
    payers += [a.claim.payer for a in account.adjudications]
    payers += [s.body.payer for s in account.submitted]
    return next((p.name for p in payers if p.id == id and p.name), f"payer {id}")


QUEUES: Final = {
    "coding": "Coding",
    "billing": "Billing",
    "insurance_follow_up": "Insurance follow-up",
    "remittance": "Remittance posting",
    "registration": "Registration",
    "refunds": "Refunds",
    "compliance": "Compliance",
    "patient_help": "Patient help",
}
"""Who works a task, for people."""

CASE_REASONS: Final = {
    "EVERY_GATE_ALLOWS": "Nothing stood in the way any more.",
    "LIFTED_BY_TWO_PEOPLE": "What still stood in the way was lifted by two people.",
    "AMOUNT_CHANGED": "The patient's part changed.",
    "PAID_IN_FULL": "The debt was paid in full.",
    "CHARITY_APPROVED": "Financial assistance covers it.",
    "SMALL_BALANCE": "What is left is too small to pursue.",
    "UNCOLLECTIBLE_BAD_DEBT": "The hospital wrote it off as bad debt.",
    "ADMINISTRATIVE": "The hospital gave the debt up.",
    "RESPONSIBILITY_REVERSED": "A payer's new decision left the patient owing nothing.",
    "RESPONSIBILITY_REOPENED": "It is open again who owes this.",
    "MERGED": "The account became part of another, which goes on.",
    "BELOW_MINIMUM_AFTER_CORRECTION": "After a correction the patient's part is too small to pursue.",
}
"""Why a case moved, for people. A gate's id as a reason is told by what the gate found."""


def why_a_case_moved(reason: str, found: str | None = None) -> str:
    """A case's reason in words; `found` is what the gate named, or standing in the way, had to say.

    >>> why_a_case_moved("RESPONSIBILITY_REOPENED", "The payer took its decision back.")
    'It is open again who owes this. The payer took its decision back.'
    >>> why_a_case_moved("G46", "A dispute is open.")
    'A dispute is open.'
    >>> why_a_case_moved("G46")
    'This no longer holds: No dispute is open.'
    """
    if reason in CASE_REASONS:
        more = f" {found}" if found and reason == "RESPONSIBILITY_REOPENED" else ""
        return CASE_REASONS[reason] + more
    standing = next((gate.standing for gate in REGISTRY if gate.id == reason), None)
    return found or (
        f"This no longer holds: {standing}" if standing else reason.replace("_", " ").capitalize()
    )
