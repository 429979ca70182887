"""Only what law or agreement allows is asked: interest and fees."""

from __future__ import annotations

from datetime import date
from typing import Final

from schemas.decisions import Verdict
from service.core.gates.asking import Answer, Inquiry, Said, Values, common, day_count, ids_of, number

_YEAR_DAYS: Final = 365


def only_lawful_amounts_are_asked(asked: Inquiry, given: Values) -> Answer:
    """G66: no interest and no fee that agreement and law do not both allow.

    Interest is compared with simple interest, at the yearly rate given, on what is the patient's (while that
    is open, on what payers say is), from the end of the days that are free of it after the first statement to
    the day it was posted.
    """
    added = asked.account.added
    if sum(c.body.amount_cents for c in added) <= 0:
        return None
    agreement, lifted = asked.papers.get("fee_agreement"), "the charge, taken back"
    if agreement is None:
        text = "Interest or a fee was added and no agreement allows it."
        return Said(Verdict.BLOCK, text, None, f"{lifted}, or notice.recorded fee_agreement", ids_of(added))
    interest = [c for c in added if c.body.kind == "interest"]
    fees = sum(c.body.amount_cents for c in added if c.body.kind != "interest")
    if fees > 0 and not common(given, "fees_allowed"):
        return Said(Verdict.BLOCK, "A fee was added that is not allowed.", None, lifted, ids_of(added))
    asked_cents = sum(c.body.amount_cents for c in interest)
    if asked_cents > 0 and asked_cents > _most_interest(
        asked, given, max(c.body.service_on for c in interest)
    ):
        text = "More interest was added than is allowed by now."
        return Said(Verdict.BLOCK, text, None, lifted, ids_of(interest))
    text = "Interest and fees are within agreement and law."
    return Said(Verdict.ALLOW, text, None, None, (agreement.id, *ids_of(added)))


def _most_interest(asked: Inquiry, given: Values, on: date) -> int:
    """The most interest in cents that may have been added by a day; below nothing before any may."""
    if asked.clock_on is None:
        return 0
    runs = on - asked.clock_on - day_count(common(given, "interest_free_days"))
    owes = asked.responsibility
    principal = owes.collectible_cents if owes.determination in ("final", "credit") else owes.assigned_cents
    return principal * number(common(given, "interest_percent")) * runs.days // (100 * _YEAR_DAYS)
