"""Was help offered and decided first? Gates on financial assistance."""

from __future__ import annotations

from typing import Final

from schemas.decisions import Verdict
from service.core.gates.asking import Answer, Gate, Inquiry, Parameter, Said, Values, day_count, number

HOLD, BLOCK, REQUIRE = Verdict.HOLD, Verdict.BLOCK, Verdict.REQUIRE


def no_assistance_decision_is_open(asked: Inquiry, given: Values) -> Answer:
    """G30: no application for financial assistance waits for an answer, or for the days after a refusal."""
    step = asked.account.assistance
    if step is None or step.body.state in ("offered", "approved", "expired"):
        return None
    ids = (step.id,)
    if step.body.state == "denied":
        until = step.body.on + day_count(given["days_after_denial"][0])
        if asked.as_of >= until:
            return None
        return Said(HOLD, "Financial assistance was refused only recently.", until, None, ids)
    text, lifted = "An application for financial assistance is open.", "assistance.changed approved or denied"
    later = Said(BLOCK, text, None, lifted, ids)
    return Said(HOLD, text, None, lifted, ids), later, later


def approved_assistance_is_posted(asked: Inquiry, given: Values) -> Answer:
    """G31: a discount that was granted has been taken off the balance."""
    step = asked.account.assistance
    if step is None or step.body.state != "approved":
        return None
    posted = tuple(
        a.id
        for a in asked.account.adjustments
        if a.body.kind == "charity" and a.body.amount_cents > 0 and a.body.posted_on >= step.body.on
    )
    full = _percent(step.body.discount_percent) in (None, 100)
    if full:
        text = "Full financial assistance was granted."
        return Said(BLOCK, text, None, "assistance.changed to another outcome", (step.id, *posted))
    if posted:
        return Said(Verdict.ALLOW, "The assistance granted has been posted.", None, None, (step.id, *posted))
    return Said(
        REQUIRE, "The assistance granted has not been posted.", None, "adjustment.posted charity", (step.id,)
    )


def _percent(text: str | None) -> int | None:
    """Whole percent of a decimal text, rounded down; None when it is not a number or not stated."""
    whole = (text or "").strip().split(".", 1)[0]
    return int(whole) if whole.isascii() and whole.isdigit() else None


def income_is_above_free_care(asked: Inquiry, given: Values) -> Answer:
    """G32: the household's known income is above the free-care limit."""
    step = asked.account.assistance
    if step is None or step.body.household_income_percent_fpl is None:
        return None
    income = _percent(step.body.household_income_percent_fpl)
    if income is None:
        return Said(HOLD, "The household's income could not be read.", None, "assistance.changed", (step.id,))
    if income > number(given["free_care_limit"][0]):
        return None
    return Said(BLOCK, "The household's income is within free care.", None, "assistance.changed", (step.id,))


def notification_period_has_run(asked: Inquiry, given: Values) -> Answer:
    """G33: a tax-exempt hospital lets the notification period pass before any extraordinary action."""
    kind = asked.account.registered.facility_kind
    if kind not in (None, "nonprofit_hospital"):
        return None
    if asked.clock_on is None:
        text = "No statement has started the notification period."
        return None, None, Said(HOLD, text, asked.next_statement_on, "statement.sent")
    until = asked.clock_on + day_count(given["notification_days"][2])
    if asked.as_of >= until:
        return None
    return None, None, Said(HOLD, "The notification period for assistance runs.", until)


def intended_actions_were_announced(asked: Inquiry, given: Values) -> Answer:
    """G34: a written notice of what is intended, with the assistance summary, went out long enough ago."""
    found = {
        n.body.kind: n
        for n in sorted(asked.account.notices, key=lambda n: (n.body.on, n.id), reverse=True)
        if n.body.valid and n.body.kind in ("intended_actions", "financial_assistance_summary")
    }
    if len(found) < 2:
        text = "No written notice of intended actions with the assistance summary is on file."
        return None, None, Said(REQUIRE, text, None, "notice.recorded intended_actions")
    until = max(n.body.on for n in found.values()) + day_count(given["notice_days"][2])
    if asked.as_of >= until:
        return None
    ids = tuple(n.id for n in found.values())
    return None, None, Said(HOLD, "The notice of intended actions is too recent.", until, None, ids)


def self_pay_patient_was_offered_help(asked: Inquiry, given: Values) -> Answer:
    """G36: without insurance, help is offered before anything is asked."""
    if "DET-18" not in asked.signals or not given["self_pay_screening"][0]:
        return None
    if asked.account.assistance is not None:
        return None
    text = "The patient has no insurance and was not offered financial assistance yet."
    return Said(REQUIRE, text, None, "assistance.changed offered")


GATES: Final = (
    Gate(
        "G30",
        no_assistance_decision_is_open,
        "No application for financial assistance is open.",
        (Parameter("days_after_denial", "days", "higher"),),
    ),
    Gate("G31", approved_assistance_is_posted, "No assistance granted waits to be posted."),
    Gate(
        "G32",
        income_is_above_free_care,
        "No income within free care is known.",
        (Parameter("free_care_limit", "percent", "higher"),),
    ),
    Gate(
        "G33",
        notification_period_has_run,
        "The notification period for assistance has run, or does not apply.",
        (Parameter("notification_days", "days", "higher"),),
    ),
    Gate(
        "G34",
        intended_actions_were_announced,
        "Extraordinary actions were announced, or this stage needs no announcement.",
        (Parameter("notice_days", "days", "higher"),),
    ),
    Gate(
        "G36",
        self_pay_patient_was_offered_help,
        "Help was offered, or the patient has insurance.",
        (Parameter("self_pay_screening", "flag", "true"),),
    ),
)
