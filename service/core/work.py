"""What people outside collections have to do before an account can be settled: from findings to tasks.

A coding question goes back to coding, a claim question to billing, and only a patient's own overdue balance
reaches a specialist; so nothing here is a collections task.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, NamedTuple

from schemas.decisions import PayerState, Share, Trace, WorkItem
from schemas.money import format_cents
from service.core.account import Account
from service.core.claims import ClaimResult


class Task(NamedTuple):
    """What a finding asks for: whose queue, our reason code, what to do, and within how many days."""

    queue: str
    reason: str
    text: str
    days: int | None = None


FOLLOW_UP_DAYS: Final = 45
"""Days after which a payer that was billed is asked. DOMAIN: house default, 2.1."""

CROSSOVER_DAYS: Final = 30
"""Days after a payer said it forwarded the claim."""

TASKS: Final = {
    "DET-01.currency": Task("billing", "currency", "Put every amount of the account into one currency."),
    "DET-01.status": Task(
        "remittance", "claim_status", "Find out what this claim status of the payer means."
    ),
    "DET-01.unreadable": Task(
        "remittance", "unreadable", "Mend the parked claim, or ask the payer to resend it."
    ),
    "DET-02.unbalanced": Task("remittance", "unbalanced", "Ask the payer for a decision that adds up."),
    "DET-02.remittance": Task(
        "remittance", "payment_unbalanced", "Release or return the payment that does not add up."
    ),
    "DET-03.contradiction": Task(
        "registration", "contradiction", "Say which of the contradicting messages is right."
    ),
    "DET-04.orphan": Task("remittance", "orphan_reversal", "Find the decision that the payer took back.", 5),
    "DET-04.reversed": Task("insurance_follow_up", "reversed", "Ask the payer for the new decision.", 30),
    "DET-06.mismatch": Task("remittance", "patient_amount", "Ask the payer which patient amount holds."),
    "DET-07.coverage_not_found": Task(
        "registration", "coverage", "Look for other cover, then bill it or confirm self-pay.", 30
    ),
    "DET-07.info_from_patient": Task(
        "patient_help", "payer_question", "Help the patient answer the payer.", 45
    ),
    "DET-07.other_payer": Task("billing", "other_payer", "Bill the payer that decides first."),
    "DET-07.pending": Task("insurance_follow_up", "pending", "Ask the payer when it will decide.", 100),
    "DET-07.notice": Task("billing", "notice", "Find the signed notice, or write the amount off.", 30),
    "DET-07.authorization": Task(
        "billing", "authorization", "Check whether the plan really leaves this with its member; appeal."
    ),
    "DET-07.balance_bill": Task(
        "compliance", "balance_bill", "Review the amount above the plan's price; refund it if it was billed."
    ),
    "DET-07.review": Task("remittance", "unknown_code", "Decide what the payer's reason code means here."),
    "DET-08.info_from_provider": Task("billing", "papers", "Send the payer the papers it waits for."),
    "DET-08.refund": Task(
        "refunds", "patient_overpaid", "Refund what the payer says the patient paid too much.", 30
    ),
    "DET-08.surprise_review": Task(
        "compliance", "surprise_billing", "Decide whether the law on surprise bills applies."
    ),
    "DET-08.unprocessable": Task("billing", "rebill", "Put the claim right and bill it anew."),
    "DET-09.tricare": Task(
        "compliance", "tricare", "Check the amount against the service family's cost share."
    ),
    "DET-10.unknown_order": Task("registration", "coverage_order", "Send the list of payers in their order."),
    "DET-11.conflict": Task("remittance", "payers_disagree", "Find out which payer's amount holds."),
    "DET-11.overposted": Task(
        "remittance", "overposted", "Post the later payer's reduction without the earlier one's."
    ),
    "DET-12.interim": Task("billing", "interim", "Send the last bill of the stay."),
    "DET-12.split": Task(
        "insurance_follow_up", "split", "Ask for the decision on the rest of the charge.", 30
    ),
    "DET-12.uncovered": Task(
        "billing", "uncovered", "Bill the charges that no claim holds, or take them back."
    ),
    "DET-12.void": Task("remittance", "void", "Ask the payer to take the voided bill back."),
    "DET-15": Task("refunds", "credit", "Refund the credit, or apply it with the patient's consent.", 30),
    "DET-16.unexplained": Task("billing", "unexplained", "Say what this posting belongs to."),
    "DET-16.patient_lower": Task(
        "billing", "patient_lower", "Say why less is asked of the patient than payers leave."
    ),
    "DET-17": Task("registration", "guarantor", "Say who answered for the account on the day of service."),
    "DET-21.conflict": Task(
        "remittance", "conflicting_decisions", "Ask the payer which of its decisions stands."
    ),
}
"""Finding to task. A finding without one needs nobody: the next message settles it."""

_PAYERS: Final = {
    "not_billed": Task("billing", "bill_payer", "Bill payer {payer}."),
    "rejected": Task("billing", "rebill", "Put the bill right and send it to payer {payer} again."),
    "billed": Task("insurance_follow_up", "no_answer", "Ask payer {payer} for its decision.", FOLLOW_UP_DAYS),
    "accepted": Task(
        "insurance_follow_up", "no_answer", "Ask payer {payer} for its decision.", FOLLOW_UP_DAYS
    ),
    "pending": Task(
        "insurance_follow_up", "pending", "Ask payer {payer} when it will decide.", FOLLOW_UP_DAYS
    ),
}


def work_items(
    account: Account,
    claims: Iterable[ClaimResult],
    traces: Iterable[Trace],
    shares: Iterable[Share],
) -> tuple[WorkItem, ...]:
    """Every task that the findings ask for, each once, in the order of the findings.

    `due_on` counts from the business day of the facts behind the finding.
    """
    days = {f.id: f.occurred_at.date() for f in account.facts}
    amounts = _amounts(shares)
    items: dict[tuple[str, str, str | None], WorkItem] = {}
    for trace in traces:
        task = TASKS.get(trace.rule)
        if task is None:
            continue
        key = task.queue, task.reason, trace.claim_id
        if key in items:
            evidence = tuple(dict.fromkeys((*items[key].evidence, *trace.evidence)))
        else:
            evidence = trace.evidence
        items[key] = WorkItem(
            task.queue,
            task.reason,
            task.text,
            amounts.get(trace.claim_id) if trace.claim_id else None,
            _due(task, evidence, days),
            (trace.claim_id,) if trace.claim_id else (),
            evidence,
        )
    for claim in claims:
        for payer in claim.payers if not claim.self_pay else ():
            if (item := _of_payer(payer, amounts, days)) is not None:
                items.setdefault((item.queue, f"{item.reason}|{payer.payer}", claim.claim_id), item)
    return tuple(items.values())


def _of_payer(payer: PayerState, amounts: dict[str | None, int], days: dict[str, date]) -> WorkItem | None:
    task = _PAYERS.get(payer.state)
    if task is None:
        return None
    crossover = payer.state == "billed" and "forwarded" in payer.because
    within = task._replace(days=CROSSOVER_DAYS) if crossover else task
    return WorkItem(
        task.queue,
        task.reason,
        task.text.format(payer=payer.payer),
        amounts.get(payer.claim_id),
        _due(within, payer.evidence, days),
        (payer.claim_id,),
        payer.evidence,
    )


def _due(task: Task, evidence: tuple[str, ...], days: dict[str, date]) -> date | None:
    if task.days is None:
        return None
    since = max((days[i] for i in evidence if i in days), default=None)
    return since + timedelta(days=task.days) if since else None


def _amounts(shares: Iterable[Share]) -> dict[str | None, int]:
    """What is open on each claim: everything that is not the patient's."""
    out: dict[str | None, int] = {}
    for share in shares:
        if share.bearer != "patient":
            out[share.claim_id] = out.get(share.claim_id, 0) + share.amount_cents
    return out


# -- a difference between billing's balance and the facts (DET-16) -----------------------------------


def difference_item(
    account: Account, claims: list[ClaimResult], difference_cents: int, report_id: str
) -> WorkItem:
    """The task to explain a difference: by how much, and which claims or postings are just that large."""
    found = _explanations(account, claims, abs(difference_cents))
    more = "Billing has more" if difference_cents > 0 else "Billing has less"
    text = f"{more} than the facts: {format_cents(abs(difference_cents))}."
    if found:
        text += " It may be: " + "; ".join(said for _, said, _ in found) + "."
    else:
        text += " No single claim or posting, and no two, are that large."
    claims_meant = tuple(dict.fromkeys(claim for meant, _, _ in found for claim in meant))
    evidence = tuple(dict.fromkeys([report_id, *(i for _, _, ids in found for i in ids)]))
    return WorkItem("billing", "reconcile", text, difference_cents, None, claims_meant, evidence)


Part = tuple[tuple[str, ...], str, tuple[str, ...]]

_MOST: Final = 5
_MOST_PARTS: Final = 400


def _explanations(account: Account, claims: list[ClaimResult], cents: int) -> list[Part]:
    """Single amounts that equal the difference, else pairs that add up to it; at most five."""
    parts = _parts(account, claims)
    single = [part for amount, part in parts if amount == cents]
    if single:
        return single[:_MOST]
    seen: dict[int, Part] = {}
    pairs: list[Part] = []
    for amount, part in parts[:_MOST_PARTS]:
        other = seen.get(cents - amount)
        if other is not None:
            pairs.append(((*other[0], *part[0]), f"{other[1]} with {part[1]}", (*other[2], *part[2])))
        seen.setdefault(amount, part)
    return pairs[:1]


def _parts(account: Account, claims: list[ClaimResult]) -> list[tuple[int, Part]]:
    """Every amount that billing may have posted twice, late or not at all."""
    found: list[tuple[int, Part]] = []

    def add(amount: int, claim: str | None, said: str, evidence: tuple[str, ...]) -> None:
        if amount:
            named = (claim,) if claim else ()
            found.append((abs(amount), (named, f"{said} of {format_cents(abs(amount))}", evidence)))

    for claim in claims:
        name = f"claim {claim.claim_id}"
        add(claim.billed_cents, claim.claim_id, f"the bill of {name}", claim.evidence)
        add(claim.collectible_cents, claim.claim_id, f"the patient's part of {name}", claim.evidence)
        for answer in claim.answers:
            by = f"on {name} by payer {answer.payer}"
            add(answer.paid_cents, claim.claim_id, f"the payment {by}", answer.evidence)
            add(answer.reduction_cents, claim.claim_id, f"the reduction {by}", answer.evidence)
            add(answer.denied_cents, claim.claim_id, f"the denial {by}", answer.evidence)
    for paid in account.payments:
        add(paid.body.amount_cents, None, f"the payment posted on {paid.body.received_on}", (paid.id,))
    for posted in account.adjustments:
        add(posted.body.amount_cents, None, f"the adjustment posted on {posted.body.posted_on}", (posted.id,))
    for charge in account.charges:
        add(charge.body.amount_cents, None, f"the charge for {charge.body.service_on}", (charge.id,))
    for more in account.added:
        add(more.body.amount_cents, None, f"the interest or fee of {more.body.service_on}", (more.id,))
    return found
