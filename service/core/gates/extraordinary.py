"""Does the house go this far at all? Gates on credit reports, suits, sales and the deferral of care.

An announcement of actions that names some is judged by those; without one every action is possible.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from schemas.decisions import STAGES, Verdict
from service.core.account import service_day
from service.core.gates.asking import (
    Answer,
    Gate,
    Inquiry,
    Parameter,
    Said,
    Values,
    day_count,
    for_extraordinary,
    ids_of,
    number,
)
from service.core.gates.dispositions import is_conversation

HOLD, BLOCK, REQUIRE = Verdict.HOLD, Verdict.BLOCK, Verdict.REQUIRE


def _intended(asked: Inquiry, *actions: str) -> bool:
    """Whether one of these actions may follow: it was announced, or no announcement says which will."""
    paper = asked.papers.get("intended_actions")
    return paper is None or not paper.body.actions or not set(actions).isdisjoint(paper.body.actions)


def credit_is_not_reported_too_soon(asked: Inquiry, given: Values) -> Answer:
    """G70: debts are not reported to credit bureaus; where policy allows it, only large, old and unpaid ones,
    after the person was spoken or written to, and never where a state forbids it."""
    if not _intended(asked, "credit_report"):
        return None
    if not for_extraordinary(given, "enabled"):
        return _NO_REPORTS
    if (why := _report_forbidden(asked, given)) is not None:
        return None, None, Said(BLOCK, why, None, "a policy without that ban")
    if asked.responsibility.collectible_cents < number(for_extraordinary(given, "min_balance")):
        text = "The balance was never large enough to be reported."
        return None, None, Said(BLOCK, text, None, "a larger balance")
    if asked.clock_on is None:
        text = "No statement of a final balance was delivered."
        return None, None, Said(HOLD, text, asked.next_statement_on, "statement.sent")
    # More than the days, so the first day is the one after them.
    until = asked.clock_on + day_count(for_extraordinary(given, "min_age_days")) + timedelta(days=1)
    spoken = [c for c in asked.contacts if is_conversation(c.body)]
    reached = [c.at.date() for c in spoken] + [s.body.sent_on for s in asked.delivered]
    until = max(until, min(reached) + day_count(for_extraordinary(given, "contact_days")))
    if asked.as_of >= until:
        return None
    text = "It is too soon to report the debt."
    return None, None, Said(HOLD, text, until, None, ids_of(asked.delivered[:1]))


def _report_forbidden(asked: Inquiry, given: Values) -> str | None:
    if for_extraordinary(given, "banned"):
        return "State law forbids reporting medical debt."
    since = sorted(str(for_extraordinary(given, "banned_for_care_since")).split())
    if since:
        service = service_day(asked.account)
        if service is None or service.isoformat() >= since[0]:
            return "State law forbids reporting debt for care given since its day."
    return None


_NO_REPORTS: Final = (
    None,
    None,
    Said(BLOCK, "House policy reports nobody to a credit bureau.", None, "a policy that switches it on"),
)


def stage_is_enabled(asked: Inquiry, given: Values) -> Answer:
    """G71: house policy uses this stage; suits, liens and garnishments are off unless switched on.

    Where they are on, no state forbids the actions announced, somebody named has approved, and assistance was
    looked for within the days before.
    """
    first, second, third = given["enabled"]
    forbidden = [a for a in str(for_extraordinary(given, "forbidden_actions")).split() if _intended(asked, a)]
    if third and forbidden:
        text = f"The law of a state forbids what may follow: {', '.join(forbidden)}."
        last: Said | None = Said(BLOCK, text, None, "notice.recorded intended_actions without it")
    elif third and _intended(asked, "suit", "lien", "garnishment"):
        last = _unapproved(asked, given)
    else:
        last = None if third else _NOT_USED[2]
    return (None if first else _NOT_USED[0], None if second else _NOT_USED[1], last)


def _unapproved(asked: Inquiry, given: Values) -> Said | None:
    approval = asked.papers.get("legal_approval")
    if approval is None:
        return Said(REQUIRE, "Nobody has approved legal action.", None, "notice.recorded legal_approval")
    screening = asked.papers.get("screening")
    # Within the days, so the first day that is too late is the one after them.
    fresh = day_count(for_extraordinary(given, "rescreen_days")) + timedelta(days=1)
    if screening is None or asked.as_of >= screening.body.on + fresh:
        text = "Assistance was not looked for shortly before legal action."
        return Said(REQUIRE, text, None, "notice.recorded screening")
    text = "Legal action was approved, and assistance was looked for shortly before."
    return Said(Verdict.ALLOW, text, screening.body.on + fresh, None, (approval.id, screening.id))


_NOT_USED: Final = tuple(
    Said(
        BLOCK,
        f"House policy does not use the stage {stage.replace('_', ' ')}.",
        None,
        "a policy that switches it on",
    )
    for stage in STAGES
)


def debt_is_not_sold(asked: Inquiry, given: Values) -> Answer:
    """G72: debts are not sold; where policy allows it, only to an organization that relieves it."""
    if not _intended(asked, "sale"):
        return None
    if not for_extraordinary(given, "allowed"):
        return _NO_SALE
    if not for_extraordinary(given, "relief_only") or "relief_buyer" in asked.papers:
        return None
    text = "Nothing shows that the buyer relieves people of their debts."
    return None, None, Said(REQUIRE, text, None, "notice.recorded relief_buyer")


_NO_SALE: Final = (
    None,
    None,
    Said(BLOCK, "House policy sells no debt.", None, "a policy that switches it on"),
)


def care_is_never_deferred(asked: Inquiry, given: Values) -> Answer:
    """G73: no care is put off or refused for a debt; no policy can allow it.

    It speaks where an announcement names that action, or none.
    """
    paper = asked.papers.get("intended_actions")
    if paper is None or (paper.body.actions and "deferral_of_care" not in paper.body.actions):
        return None
    text = "Care is never put off for a debt, and the announcement names that action or none."
    return None, None, Said(BLOCK, text, None, "notice.recorded intended_actions without it", (paper.id,))


GATES: Final = (
    Gate(
        "G70",
        credit_is_not_reported_too_soon,
        "No report to a credit bureau is intended or too soon.",
        (
            Parameter("banned", "flag", "true", "extraordinary"),
            Parameter("banned_for_care_since", "text", "union", "extraordinary"),
            Parameter("contact_days", "days", "higher", "extraordinary"),
            Parameter("enabled", "flag", "false", "extraordinary"),
            Parameter("min_age_days", "days", "higher", "extraordinary"),
            Parameter("min_balance", "USD", "higher", "extraordinary"),
        ),
    ),
    Gate(
        "G71",
        stage_is_enabled,
        "House policy uses this stage.",
        (
            Parameter("enabled", "flag", "false", "each"),
            Parameter("forbidden_actions", "text", "union", "extraordinary"),
            Parameter("rescreen_days", "days", "lower", "extraordinary"),
        ),
    ),
    Gate(
        "G72",
        debt_is_not_sold,
        "No sale of the debt is intended or allowed.",
        (
            Parameter("allowed", "flag", "false", "extraordinary"),
            Parameter("relief_only", "flag", "true", "extraordinary"),
        ),
    ),
    Gate("G73", care_is_never_deferred, "No care is put off for a debt."),
)
