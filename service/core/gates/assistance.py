"""Was help offered and decided first? Gates on financial assistance."""

from __future__ import annotations

from datetime import date
from typing import Final, cast

from schemas.decisions import STAGES, Scalar, Verdict
from schemas.facts import AssistanceChanged, Fact, NoticeRecorded
from schemas.money import format_cents
from service.core.account import Known
from service.core.gates.asking import (
    Answer,
    Gate,
    Inquiry,
    Parameter,
    Said,
    Values,
    common,
    day_count,
    each,
    for_extraordinary,
    ids_of,
    number,
)
from service.core.gates.dispositions import is_effort

HOLD, BLOCK, REQUIRE = Verdict.HOLD, Verdict.BLOCK, Verdict.REQUIRE


def no_assistance_decision_is_open(asked: Inquiry, given: Values) -> Answer:
    """G30: no application for financial assistance waits for an answer, or for the days after a refusal."""
    step = asked.account.assistance
    if step is None or step.body.state in ("offered", "approved", "expired"):
        return None
    ids = (step.id,)
    if step.body.state == "denied":
        until = step.body.on + day_count(common(given, "days_after_denial"))
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
    since = [
        a for a in asked.account.adjustments if a.body.kind == "charity" and a.body.posted_on >= step.body.on
    ]
    # What was posted and taken back was not posted.
    posted = ids_of(since) if sum(a.body.amount_cents for a in since) > 0 else ()
    credit = -asked.responsibility.net_cents
    if posted and credit >= number(common(given, "refund_min")):
        text = f"Assistance was granted and {format_cents(credit)} was paid beyond what is left: refund it."
        return Said(BLOCK, text, None, "the refund, posted", (step.id, *posted))
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
    whole = (text or "").strip().partition(".")[0]
    return int(whole) if whole.isascii() and whole.isdigit() else None


def income_is_above_free_care(asked: Inquiry, given: Values) -> Answer:
    """G32: the household's known income is above the free-care limit.

    The newest step that states an income counts; a refusal after it was made knowing it.
    """
    told: Fact | None = None
    for fact, step in _steps(asked):
        if step.household_income_percent_fpl is not None:
            told = fact
        elif step.state == "denied":
            told = None
    if told is None:
        return None
    stated = cast(AssistanceChanged, told.body).household_income_percent_fpl
    if (income := _percent(stated)) is None:
        return Said(HOLD, "The household's income could not be read.", None, "assistance.changed", (told.id,))
    within = Said(
        BLOCK, "The household's income is within free care.", None, "assistance.changed", (told.id,)
    )
    return each(within if income <= number(limit) else None for limit in given["free_care_limit"])


def _steps(asked: Inquiry) -> list[tuple[Fact, AssistanceChanged]]:
    """Every step of assistance, the oldest first; of merged accounts those of all."""
    if asked.account.assistance is None:
        return []
    said = [(f, f.body) for f in asked.account.facts if isinstance(f.body, AssistanceChanged)]
    return sorted(said, key=lambda one: (one[1].on, one[0].occurred_at, one[0].id))


def notification_period_has_run(asked: Inquiry, given: Values) -> Answer:
    """G33: a tax-exempt hospital lets the notification period pass before any extraordinary action."""
    if not _tax_exempt(asked):
        return None
    if asked.clock_on is None:
        text = "No statement has started the notification period."
        return None, None, Said(HOLD, text, asked.next_statement_on, "statement.sent")
    until = asked.clock_on + day_count(for_extraordinary(given, "notification_days"))
    if asked.as_of >= until:
        return None
    return None, None, Said(HOLD, "The notification period for assistance runs.", until)


def _tax_exempt(asked: Inquiry) -> bool:
    """Whether the rules for tax-exempt hospitals apply; not knowing what kind of provider bills, they do."""
    if any(f.tax_exempt for f in asked.facilities):
        return True
    if asked.facilities and all(f.tax_exempt is False for f in asked.facilities):
        return False
    return asked.account.registered.facility_kind in (None, "nonprofit_hospital")


def intended_actions_were_announced(asked: Inquiry, given: Values) -> Answer:
    """G34: a written notice of what is intended, with the assistance summary, went out long enough ago.

    Some states want it before any collection action; `needed` says before which stages.
    """
    return each(
        _announced(asked, days) if needed else None
        for needed, days in zip(given["needed"], given["notice_days"], strict=True)
    )


def _announced(asked: Inquiry, days: Scalar) -> Said | None:
    actions, summary = (asked.papers.get(k) for k in ("intended_actions", "financial_assistance_summary"))
    if actions is None or summary is None:
        text = "No written notice of intended actions with the assistance summary is on file."
        return Said(REQUIRE, text, None, "notice.recorded intended_actions")
    first = [_first_that_says_as_much(asked, paper) for paper in (actions, summary)]
    until = max(n.body.on for n in first) + day_count(days)
    if asked.as_of >= until:
        return None
    return Said(HOLD, "The notice of intended actions is too recent.", until, None, ids_of(first))


def _first_that_says_as_much(asked: Inquiry, paper: Known[NoticeRecorded]) -> Known[NoticeRecorded]:
    """The first of the documents of this kind, down to this one, that name all it names and were not taken
    back: naming no action announces every one."""
    alike = [n for n in asked.account.notices if n.body.kind == paper.body.kind]
    for n in sorted(alike, key=lambda n: (n.body.on, n.id), reverse=True):
        wider = not n.body.actions or (paper.body.actions and set(paper.body.actions) <= set(n.body.actions))
        if not n.body.valid or not wider:
            break
        paper = n
    return paper


def application_period_is_respected(asked: Inquiry, given: Values) -> Answer:
    """G35: an application made within its period stops an agency and every extraordinary action until it is
    decided.

    The period ends a number of days after the first statement, or on the day that the announcement of actions
    gave (never sooner than the days required after it), whichever is later. One made later is the business of
    no_assistance_decision_is_open alone.
    """
    step = asked.account.assistance
    if step is None or step.body.state not in _OPEN or not _tax_exempt(asked):
        return None
    days = day_count(for_extraordinary(given, "application_days"))
    ends_on = None if asked.clock_on is None else asked.clock_on + days
    notice = asked.papers.get("intended_actions")
    if notice is not None and ends_on is not None:
        least = notice.body.on + day_count(for_extraordinary(given, "deadline_days"))
        ends_on = max(ends_on, least, notice.body.deadline_on or least)
    if ends_on is not None and _applied_on(asked, step.body.on) > ends_on:
        return None
    text = "An application made within its period is being decided; what was begun is suspended."
    stopped = Said(BLOCK, text, None, "assistance.changed approved or denied", (step.id,))
    return None, stopped, stopped


_OPEN: Final = ("applied", "incomplete", "complete")


def _applied_on(asked: Inquiry, last: date) -> date:
    """The day of the first step of the application that is open; what was still missing came later."""
    for _, step in reversed(_steps(asked)):
        if step.state not in _OPEN:
            break
        last = step.on
    return last


def help_was_sought_first(asked: Inquiry, given: Values) -> Answer:
    """G36: help was offered or looked for before anything is asked, as far as house and state require.

    Without insurance, assistance is offered. Where `screening` is required, the outcome of a screening is on
    file: a decided application, a known income or the recorded document; if the patient said nothing,
    `efforts` contacts must have been tried. `plan_offer` requires that a plan was offered, `itemized` that an
    itemized statement was sent.
    """
    self_pay = "DET-18" in asked.signals
    return each(_first_missing(asked, given, at, self_pay) for at in range(len(STAGES)))


def _first_missing(asked: Inquiry, given: Values, at: int, self_pay: bool) -> Said | None:
    step, papers = asked.account.assistance, asked.papers
    if self_pay and given["self_pay_screening"][at] and step is None and "screening" not in papers:
        text = "The patient has no insurance and was not offered financial assistance yet."
        return Said(REQUIRE, text, None, "assistance.changed offered")
    needed = given["screening"][at] or (self_pay and given["uninsured_screening"][at])
    if needed and (missing := _screening_missing(asked, number(given["efforts"][at]))) is not None:
        return missing
    if given["plan_offer"][at] and not asked.account.plans:
        return Said(REQUIRE, "No payment plan was offered yet.", None, "plan.changed offered")
    if given["itemized"][at] and "itemized_statement" not in papers:
        text = "No itemized statement was sent yet."
        return Said(REQUIRE, text, None, "notice.recorded itemized_statement")
    return None


def _screening_missing(asked: Inquiry, efforts: int) -> Said | None:
    step, paper = asked.account.assistance, asked.papers.get("screening")
    if step is not None and (
        step.body.state in ("approved", "denied") or step.body.household_income_percent_fpl is not None
    ):
        return None
    if paper is None:
        text = "Nobody has looked yet whether assistance would cover this."
        return Said(REQUIRE, text, None, "notice.recorded screening, or a decided application")
    tried = [c for c in asked.contacts if is_effort(c.body)]
    if len(tried) < efforts:
        text = f"The patient was silent and {len(tried)} of {efforts} efforts to ask were made."
        return Said(REQUIRE, text, None, "contact.logged", (paper.id, *ids_of(tried)))
    return None


def sliding_fee_was_applied(asked: Inquiry, given: Values) -> Answer:
    """G37: a federally assisted clinic has applied its sliding fee scale."""
    kinds = {f.kind for f in asked.facilities} | {asked.account.registered.facility_kind}
    if _ASSISTED_CLINICS.isdisjoint(kinds):
        return None
    if paper := asked.papers.get("sliding_fee_scale"):
        return Said(Verdict.ALLOW, "The sliding fee scale was applied.", None, None, (paper.id,))
    text = "The clinic's sliding fee scale was not applied yet."
    return Said(REQUIRE, text, None, "notice.recorded sliding_fee_scale")


_ASSISTED_CLINICS: Final = frozenset({"health_center"})


GATES: Final = (
    Gate(
        "G30",
        no_assistance_decision_is_open,
        "No application for financial assistance is open.",
        (Parameter("days_after_denial", "days", "higher"),),
    ),
    Gate(
        "G31",
        approved_assistance_is_posted,
        "No assistance granted waits to be posted.",
        (Parameter("refund_min", "USD", "lower"),),
    ),
    Gate(
        "G32",
        income_is_above_free_care,
        "No income within free care is known.",
        (Parameter("free_care_limit", "percent", "higher", "each"),),
    ),
    Gate(
        "G33",
        notification_period_has_run,
        "The notification period for assistance has run, or does not apply.",
        (Parameter("notification_days", "days", "higher", "extraordinary"),),
    ),
    Gate(
        "G34",
        intended_actions_were_announced,
        "Extraordinary actions were announced, or this stage needs no announcement.",
        (Parameter("needed", "flag", "true", "each"), Parameter("notice_days", "days", "higher", "each")),
    ),
    Gate(
        "G35",
        application_period_is_respected,
        "No application within its period is open.",
        (
            Parameter("application_days", "days", "higher", "extraordinary"),
            Parameter("deadline_days", "days", "higher", "extraordinary"),
        ),
    ),
    Gate(
        "G36",
        help_was_sought_first,
        "Help was sought as far as house and state require.",
        (
            Parameter("efforts", "count", "higher", "each"),
            Parameter("itemized", "flag", "true", "each"),
            Parameter("plan_offer", "flag", "true", "each"),
            Parameter("screening", "flag", "true", "each"),
            Parameter("self_pay_screening", "flag", "true", "each"),
            Parameter("uninsured_screening", "flag", "true", "each"),
        ),
    ),
    Gate("G37", sliding_fee_was_applied, "The facility has no sliding fee scale that must be applied."),
)
