"""Has the patient promised, paid or objected? Gates on plans, promises, payments and disputes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from schemas.decisions import Verdict
from service.core.gates.asking import (
    Answer,
    Gate,
    Inquiry,
    Parameter,
    Said,
    Values,
    common,
    day_count,
    ids_of,
    number,
)

HOLD, BLOCK, REQUIRE = Verdict.HOLD, Verdict.BLOCK, Verdict.REQUIRE


def no_payment_plan_is_kept(asked: Inquiry, given: Values) -> Answer:
    """G43: no payment plan is in good standing."""
    for plan in asked.account.plans:
        if plan.body.state in ("active", "at_risk"):
            return Said(
                BLOCK, "A payment plan is in force.", None, "plan.changed defaulted or cancelled", (plan.id,)
            )
        if plan.body.state not in ("offered", "defaulted", "completed", "cancelled"):
            return Said(HOLD, "A payment plan is in an unknown state.", None, "plan.changed", (plan.id,))
    return None


def no_promise_is_open(asked: Inquiry, given: Values) -> Answer:
    """G44: no promise to pay is still within its days and the grace after them."""
    waits = []
    # The day after the last day of grace.
    grace = day_count(common(given, "grace_days")) + timedelta(days=1)
    for promise in asked.account.promises:
        if promise.body.state in ("kept", "broken", "withdrawn"):
            continue
        if promise.body.state != "made" or promise.body.due_on is None:
            return Said(HOLD, "A promise to pay has no day.", None, "promise.changed", (promise.id,))
        waits.append((promise.body.due_on + grace, promise.id))
    until, id = max(waits, default=(date.min, ""))
    if asked.as_of >= until:
        return None
    return Said(HOLD, "The patient has promised to pay.", until, None, (id,))


def no_recent_payment_shows_good_faith(asked: Inquiry, given: Values) -> Answer:
    """G45: no payment worth the name was received in the last days."""
    days = day_count(common(given, "days"))
    waits = []
    for p in asked.account.payments:
        cents = p.body.amount_cents
        if p.body.paid_by != "patient" or cents <= 0:
            continue
        share = number(common(given, "percent")) * (asked.responsibility.net_cents + cents)
        if cents >= number(common(given, "amount")) or cents * 100 >= share:
            waits.append((p.body.received_on + days, p.id))
    until, id = max(waits, default=(date.min, ""))
    if asked.as_of >= until:
        return None
    return Said(HOLD, "The patient paid recently.", until, None, (id,))


def no_dispute_is_open(asked: Inquiry, given: Values) -> Answer:
    """G46: no dispute, complaint or request for an itemized bill is open, or was answered only just now."""
    for name in _DISPUTES:
        if flags := asked.flags.get(name):
            return Said(HOLD, f"{_DISPUTES[name]} is open.", None, f"account.cleared {name}", ids_of(flags))
    answered = [
        (on + day_count(common(given, "days_after_answer")), flag.id)
        for flag, on in asked.account.lifted
        if flag.body.flag in _DISPUTES
    ]
    until, id = max(answered, default=(date.min, ""))
    if asked.as_of >= until:
        return None
    return Said(HOLD, "A dispute was answered only recently.", until, None, (id,))


_DISPUTES: Final = {
    "dispute": "A dispute",
    "complaint": "A complaint",
    "itemization_request": "A request for an itemized bill",
    "coding_review": "A review of the coding that the patient asked for",
}


def medicare_effort_was_made(asked: Inquiry, given: Values) -> Answer:
    """G47: ordinary effort to collect a Medicare cost share ran its days, and each payment began them anew.

    It never stops a case; it says from when the rest may be claimed as Medicare bad debt, and a write-off or
    an extraordinary action must not end the effort sooner. A first bill that went out late can never be
    claimed.
    """
    medicare = [a for a in asked.account.adjudications if a.claim.filing_indicator in ("MA", "MB")]
    if not medicare or not asked.delivered:
        return None
    billed = asked.delivered[0]
    began, last = billed.body.sent_on, billed.id
    decided_on = max(a.on for a in asked.account.adjudications)
    late = began > decided_on + day_count(common(given, "first_bill_days"))
    if common(given, "restart_on_payment"):
        for p in asked.account.payments:
            received_on = p.body.received_on
            if p.body.paid_by == "patient" and p.body.amount_cents > 0 and began < received_on <= asked.as_of:
                began, last = received_on, p.id
    ids = (medicare[-1].ids[0], billed.id) if last == billed.id else (medicare[-1].ids[0], billed.id, last)
    until = began + day_count(common(given, "effort_days"))
    if written_off := _written_off_before(asked, until):
        text = (
            f"Medicare bad debt was written off before {until}, when effort may end; it must be taken back."
        )
        undone = Said(REQUIRE, text, None, "adjustment.posted bad_debt, taken back", (*ids, *written_off))
        return None, undone, undone
    text = f"Effort to collect may end, and the rest be claimed as Medicare bad debt, from {until}."
    if late:
        text = "The first bill went out too late for this to be claimed as Medicare bad debt."
    told = Said(Verdict.ALLOW, text, None, None, ids)
    if asked.as_of >= until:
        return told, told, told
    return told, told, Said(HOLD, f"Ordinary effort must run until {until}.", until, None, ids)


def _written_off_before(asked: Inquiry, day: date) -> tuple[str, ...]:
    """What was written off before that day and never taken back."""
    written = [a for a in asked.account.adjustments if a.body.kind == "bad_debt"]
    early = [a for a in written if a.body.posted_on < day and a.body.amount_cents > 0]
    left = sum(a.body.amount_cents for a in early) + sum(min(0, a.body.amount_cents) for a in written)
    return ids_of(early) if left > 0 else ()


GATES: Final = (
    Gate("G43", no_payment_plan_is_kept, "No payment plan is in force."),
    Gate(
        "G44", no_promise_is_open, "No promise to pay is open.", (Parameter("grace_days", "days", "higher"),)
    ),
    Gate(
        "G45",
        no_recent_payment_shows_good_faith,
        "No payment was received recently.",
        (
            Parameter("amount", "USD", "lower"),
            Parameter("days", "days", "higher"),
            Parameter("percent", "percent", "lower"),
        ),
    ),
    Gate(
        "G46", no_dispute_is_open, "No dispute is open.", (Parameter("days_after_answer", "days", "higher"),)
    ),
    Gate(
        "G47",
        medicare_effort_was_made,
        "No effort for a Medicare cost share is running.",
        (
            Parameter("effort_days", "days", "higher"),
            Parameter("first_bill_days", "days", "lower"),
            Parameter("restart_on_payment", "flag", "true"),
        ),
    ),
)
