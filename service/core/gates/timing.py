"""Has the patient had time and a fair chance? Gates on statements, age and amounts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, TypeAlias

from schemas.decisions import Scalar, Verdict
from schemas.facts import StatementSent
from schemas.money import format_cents
from service.core.account import Account, Known, service_day
from service.core.bearers import FORGIVEN
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
    for_place,
    number,
)

HOLD, BLOCK, REQUIRE = Verdict.HOLD, Verdict.BLOCK, Verdict.REQUIRE


def enough_statements_were_delivered(asked: Inquiry, given: Values) -> Answer:
    """G40: statements of a final balance, far enough apart, each with word of financial assistance."""
    counted = _spaced(asked, day_count(common(given, "days_apart")), bool(common(given, "assistance_notice")))
    ids = tuple(s.id for s in counted)
    have = len(counted)
    enough = Said(Verdict.ALLOW, f"{have} statements of a final balance were delivered.", None, None, ids)
    answers: list[Said | None] = []
    for wanted in given["statements"]:
        if have >= number(wanted):
            answers.append(enough)
        else:
            text = f"{have} of {wanted} statements of a final balance with word of assistance were delivered."
            answers.append(Said(REQUIRE, text, asked.next_statement_on, "statement.sent", ids))
    return each(answers)


def _spaced(asked: Inquiry, apart: timedelta, with_notice: bool) -> list[Known[StatementSent]]:
    """The statements that count: each far enough after the one counted before it."""
    counted: list[Known[StatementSent]] = []
    for statement in asked.delivered:
        if with_notice and statement.body.financial_assistance_notice is not True:
            continue
        if statement.body.dispute_contact is False:
            continue
        if not counted or statement.body.sent_on - counted[-1].body.sent_on >= apart:
            counted.append(statement)
    return counted


Clock: TypeAlias = tuple[str, date | None, tuple[Scalar, Scalar, Scalar]]
"""What a clock runs from, the day of it, and the days that must run for each stage."""


def waiting_period_has_run(asked: Inquiry, given: Values) -> Answer:
    """G41: enough days since the first statement that showed a final patient balance.

    Some states count from the service or the discharge as well; the last day of all is the one that counts.
    """
    if asked.clock_on is None:
        text = "No statement of a final balance has started the clock."
        return Said(HOLD, text, asked.next_statement_on, "statement.sent")
    first = tuple(s.id for s in asked.delivered if s.body.sent_on == asked.clock_on)
    clocks: list[Clock] = []
    for what, name, start_of in _OTHER_CLOCKS:
        if any(given[name]):
            clocks.append((what, start_of(asked.account), given[name]))
    answers = []
    for at, days in enumerate(given["min_days"]):
        running: list[tuple[str, date | None, Scalar]] = [("the first statement", asked.clock_on, days)]
        running += [(what, start, wanted[at]) for what, start, wanted in clocks if wanted[at]]
        answers.append(_longest_wait(asked, running, first))
    return each(answers)


def _discharge_day(account: Account) -> date | None:
    """The last day of service; where none is stated, the last charge of the stay is the nearest that is."""
    stated = account.registered.service_to
    return stated or max((c.body.service_on for c in account.charges), default=service_day(account))


_OTHER_CLOCKS: Final = (
    ("the service", "min_days_from_service", service_day),
    ("the discharge", "min_days_from_discharge", _discharge_day),
)


def _longest_wait(
    asked: Inquiry, clocks: list[tuple[str, date | None, Scalar]], evidence: tuple[str, ...]
) -> Said:
    """The clock that runs longest; one whose start nobody knows never ends."""
    waits: list[tuple[date, str, date, Scalar]] = []
    for what, start, days in clocks:
        if start is None:
            return Said(HOLD, f"Nobody has said the day of {what}.", None, "account.registered", evidence)
        waits.append((start + day_count(days), what, start, days))
    until, what, start, wanted = max(waits, key=lambda wait: wait[0])
    if asked.as_of >= until:
        text = f"{(asked.as_of - start).days} days have run since {what}; {wanted} are needed."
        return Said(Verdict.ALLOW, text, None, None, evidence)
    return Said(HOLD, f"{wanted} days must run since {what} of {start}.", until, None, evidence)


def balance_is_worth_pursuing(asked: Inquiry, given: Values) -> Answer:
    """G42: the patient's part reaches the minimum, with what the same guarantor owes elsewhere.

    What is owed on other accounts is known only as billing's newest report on this account says it; the other
    accounts themselves are not looked at.
    """
    net, report = asked.responsibility.net_cents, asked.account.report
    elsewhere, ids = 0, tuple[str, ...]()
    if net > 0 and report is not None and report.body.guarantor_total_cents is not None:
        elsewhere = max(0, report.body.guarantor_total_cents - max(net, report.body.patient_cents or net))
        ids = (report.id,)
    answers: list[Said | None] = []
    for wanted in given["min_balance"]:
        least = number(wanted)
        if net >= least:
            answers.append(None)
        elif net + elsewhere >= least:
            text = f"The guarantor owes {format_cents(net + elsewhere)} on all accounts together."
            answers.append(Said(Verdict.ALLOW, text, None, None, ids))
        else:
            text = f"{format_cents(net + elsewhere)} is below the minimum of {format_cents(least)}."
            answers.append(Said(BLOCK, text, None, "a larger balance", ids))
    return each(answers)


def increase_was_on_a_statement(asked: Inquiry, given: Values) -> Answer:
    """G48: an amount larger than the first statement showed has been on a statement long enough (DET-20).

    Money received after a statement does not make the amount it failed to show a smaller one.
    """
    shown = [(s, s.body.amount_cents) for s in asked.delivered if s.body.amount_cents is not None]
    if not shown or shown[0][0] is not asked.delivered[0]:
        return None
    enough = [s for s, cents in shown if _due_on(asked, s.body.sent_on) <= cents]
    if not enough:
        text = "The amount grew and no statement has shown the new amount yet."
        return Said(
            HOLD, text, asked.next_statement_on, "statement.sent with the new amount", (shown[-1][0].id,)
        )
    until = enough[0].body.sent_on + day_count(common(given, "days"))
    if enough[0] is asked.delivered[0] or asked.as_of >= until:
        return None
    return Said(HOLD, "The larger amount was shown only recently.", until, None, (enough[0].id,))


def _due_on(asked: Inquiry, day: date) -> int:
    """What is the patient's in cents, less what had been received by that day."""
    account = asked.account
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
    return asked.responsibility.collectible_cents - max(0, received) - max(0, forgiven)


def final_notice_has_run(asked: Inquiry, given: Values) -> Answer:
    """G49: before an agency is involved, a last letter said what comes next, and its days have run."""
    since = max((p.body.on for p in asked.account.plans if p.body.state == "defaulted"), default=date.min)
    notices = [s for s in asked.delivered if s.body.final_notice is True and s.body.sent_on >= since]
    if not notices:
        text = "No final notice has been delivered."
        missing = Said(REQUIRE, text, asked.next_statement_on, "statement.sent with final_notice")
        return None, missing, missing
    until = notices[0].body.sent_on + day_count(for_place(given, "days"))
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
            Parameter("statements", "count", "higher", "each"),
        ),
        lift="any",
    ),
    Gate(
        "G41",
        waiting_period_has_run,
        "The waiting period has run.",
        (
            Parameter("min_days", "days", "higher", "each"),
            Parameter("min_days_from_discharge", "days", "higher", "each"),
            Parameter("min_days_from_service", "days", "higher", "each"),
        ),
        lift="waits",
    ),
    Gate(
        "G42",
        balance_is_worth_pursuing,
        "The balance reaches the minimum.",
        (Parameter("min_balance", "USD", "higher", "each"),),
        lift="any",
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
        (Parameter("days", "days", "higher", "place"),),
    ),
)
