"""Has the patient had time and a fair chance? Gates on statements, age, amounts, plans and promises."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from schemas.decisions import Verdict
from schemas.facts import StatementSent
from schemas.money import format_cents
from service.core.account import Known
from service.core.bearers import FORGIVEN
from service.core.gates.asking import Answer, Gate, Inquiry, Parameter, Said, Values, day_count, number

HOLD, BLOCK, REQUIRE = Verdict.HOLD, Verdict.BLOCK, Verdict.REQUIRE


def enough_statements_were_delivered(asked: Inquiry, given: Values) -> Answer:
    """G40: statements of a final balance, far enough apart, each with word of financial assistance."""
    counted = _spaced(asked, day_count(given["days_apart"][0]), bool(given["assistance_notice"][0]))
    ids = tuple(s.id for s in counted)
    have = len(counted)
    enough = Said(Verdict.ALLOW, f"{have} statements of a final balance were delivered.", None, None, ids)
    answers = []
    for wanted in given["statements"]:
        if have >= number(wanted):
            answers.append(enough)
        else:
            text = f"{have} of {wanted} statements of a final balance with word of assistance were delivered."
            answers.append(Said(REQUIRE, text, asked.next_statement_on, "statement.sent", ids))
    return answers[0], answers[1], answers[2]


def _spaced(asked: Inquiry, apart: timedelta, with_notice: bool) -> list[Known[StatementSent]]:
    """The statements that count: each far enough after the one counted before it."""
    counted: list[Known[StatementSent]] = []
    for statement in asked.delivered:
        if with_notice and statement.body.financial_assistance_notice is not True:
            continue
        if not counted or statement.body.sent_on - counted[-1].body.sent_on >= apart:
            counted.append(statement)
    return counted


def waiting_period_has_run(asked: Inquiry, given: Values) -> Answer:
    """G41: enough days since the first statement that showed a final patient balance."""
    if asked.clock_on is None:
        text = "No statement of a final balance has started the clock."
        return Said(HOLD, text, asked.next_statement_on, "statement.sent")
    first = tuple(s.id for s in asked.delivered if s.body.sent_on == asked.clock_on)
    days = (asked.as_of - asked.clock_on).days
    answers = []
    for wanted in given["min_days"]:
        until = asked.clock_on + day_count(wanted)
        if asked.as_of >= until:
            text = f"{days} days have run since the first statement; {wanted} are needed."
            answers.append(Said(Verdict.ALLOW, text, None, None, first))
        else:
            text = f"{wanted} days must run since the first statement of {asked.clock_on}."
            answers.append(Said(HOLD, text, until, None, first))
    return answers[0], answers[1], answers[2]


def balance_is_worth_pursuing(asked: Inquiry, given: Values) -> Answer:
    """G42: the patient's part reaches the minimum."""
    net = asked.responsibility.net_cents
    amount = format_cents(net)
    answers: list[Said | None] = []
    for wanted in given["min_balance"]:
        least = number(wanted)
        if net >= least:
            answers.append(None)
        else:
            text = f"{amount} is below the minimum of {format_cents(least)}."
            answers.append(Said(BLOCK, text, None, "a larger balance"))
    return (answers[0], answers[1], answers[2]) if any(answers) else None


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
    found: Said | None = None
    for promise in asked.account.promises:
        if promise.body.state in ("kept", "broken", "withdrawn"):
            continue
        if promise.body.state != "made" or promise.body.due_on is None:
            return Said(HOLD, "A promise to pay has no day.", None, "promise.changed", (promise.id,))
        # The day after the last day of grace.
        until = promise.body.due_on + day_count(given["grace_days"][0]) + timedelta(days=1)
        if asked.as_of < until and (found is None or found.until is None or until > found.until):
            found = Said(HOLD, "The patient has promised to pay.", until, None, (promise.id,))
    return found


def no_recent_payment_shows_good_faith(asked: Inquiry, given: Values) -> Answer:
    """G45: no payment worth the name was received in the last days."""
    days = day_count(given["days"][0])
    newest: tuple[date, str] | None = None
    for p in asked.account.payments:
        cents = p.body.amount_cents
        if p.body.paid_by != "patient" or cents <= 0:
            continue
        share = number(given["percent"][0]) * max(0, asked.responsibility.net_cents + cents)
        if cents >= number(given["amount"][0]) or cents * 100 >= share:
            until = p.body.received_on + days
            if asked.as_of < until and (newest is None or (until, p.id) > newest):
                newest = until, p.id
    if newest is None:
        return None
    return Said(HOLD, "The patient paid recently.", newest[0], None, (newest[1],))


def no_dispute_is_open(asked: Inquiry, given: Values) -> Answer:
    """G46: no dispute or complaint is open, or was answered only just now."""
    for name in ("dispute", "complaint"):
        if flags := asked.flags.get(name):
            return Said(
                HOLD, f"A {name} is open.", None, f"account.cleared {name}", tuple(f.id for f in flags)
            )
    answered = [
        (on + day_count(given["days_after_answer"][0]), flag.id)
        for flag, on in asked.account.lifted
        if flag.body.flag in ("dispute", "complaint")
    ]
    until, id = max(answered, default=(date.min, ""))
    if asked.as_of >= until:
        return None
    return Said(HOLD, "A dispute was answered only recently.", until, None, (id,))


def increase_was_on_a_statement(asked: Inquiry, given: Values) -> Answer:
    """G48: an amount larger than the first statement showed has been on a statement long enough (DET-20).

    Money received after a statement does not make the amount it failed to show a smaller one.
    """
    shown = [s for s in asked.delivered if s.body.amount_cents is not None]
    if not shown or shown[0] is not asked.delivered[0] or _shows_all(asked, shown[0]):
        return None
    enough = [s for s in shown if _shows_all(asked, s)]
    if not enough:
        text = "The amount grew and no statement has shown the new amount yet."
        return Said(
            HOLD, text, asked.next_statement_on, "statement.sent with the new amount", (shown[-1].id,)
        )
    until = enough[0].body.sent_on + day_count(given["days"][0])
    if asked.as_of >= until:
        return None
    return Said(HOLD, "The larger amount was shown only recently.", until, None, (enough[0].id,))


def _shows_all(asked: Inquiry, statement: Known[StatementSent]) -> bool:
    """Whether a statement showed all that is the patient's, less what had been received by its day."""
    day, account = statement.body.sent_on, asked.account
    received = sum(
        p.body.amount_cents
        for p in account.payments
        if p.body.paid_by != "payer" and p.body.received_on <= day
    )
    forgiven = sum(
        a.body.amount_cents
        for a in account.adjustments
        if a.body.kind in FORGIVEN and a.body.posted_on <= day
    )
    due = asked.responsibility.collectible_cents - max(0, received) - max(0, forgiven)
    return due <= (statement.body.amount_cents or 0)


def final_notice_has_run(asked: Inquiry, given: Values) -> Answer:
    """G49: before an agency is involved, a last letter said what comes next, and its days have run."""
    since = max((p.body.on for p in asked.account.plans if p.body.state == "defaulted"), default=date.min)
    notices = [s for s in asked.delivered if s.body.final_notice is True and s.body.sent_on >= since]
    if not notices:
        text = "No final notice has been delivered."
        missing = Said(REQUIRE, text, asked.next_statement_on, "statement.sent with final_notice")
        return None, missing, missing
    until = notices[0].body.sent_on + day_count(given["days"][1])
    ids = (notices[0].id,)
    if asked.as_of >= until:
        allowed = Said(Verdict.ALLOW, "The final notice has run.", None, None, ids)
        return None, allowed, allowed
    held = Said(HOLD, "The final notice has not run yet.", until, None, ids)
    return None, held, held


GATES: Final = (
    Gate(
        "G40",
        enough_statements_were_delivered,
        "Enough statements were delivered.",
        (
            Parameter("assistance_notice", "flag", "true"),
            Parameter("days_apart", "days", "higher"),
            Parameter("statements", "count", "higher"),
        ),
    ),
    Gate(
        "G41",
        waiting_period_has_run,
        "The waiting period has run.",
        (Parameter("min_days", "days", "higher"),),
    ),
    Gate(
        "G42",
        balance_is_worth_pursuing,
        "The balance reaches the minimum.",
        (Parameter("min_balance", "USD", "higher"),),
    ),
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
        "G48",
        increase_was_on_a_statement,
        "The amount has not grown unseen.",
        (Parameter("days", "days", "higher"),),
    ),
    Gate(
        "G49",
        final_notice_has_run,
        "A final notice has run, or this stage needs none.",
        (Parameter("days", "days", "higher"),),
    ),
)
