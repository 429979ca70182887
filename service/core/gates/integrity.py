"""Is the figure right? Gates on the determination, the balance, coverage order and data quality."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

from schemas.decisions import Trace, Verdict
from schemas.facts import CodingStatusChanged
from schemas.money import format_cents
from service.core.adjudication import REVERSAL
from service.core.bearers import UNEXPLAINED
from service.core.gates.asking import (
    Answer,
    Gate,
    Inquiry,
    Parameter,
    Said,
    Values,
    business_days_after,
    common,
    day_count,
    evidence_of,
    in_words,
    number,
)

HOLD, BLOCK, REQUIRE = Verdict.HOLD, Verdict.BLOCK, Verdict.REQUIRE


def responsibility_is_final(asked: Inquiry, given: Values) -> Answer:
    """G01: nothing about who owes what is open."""
    found = asked.responsibility.determination
    if found in ("final", "credit"):
        return None
    why = "still provisional" if found == "provisional" else "not determined"
    return Said(
        HOLD, f"Who owes this balance is {why}.", lifted_by="the open decision of a payer or a person"
    )


def balance_agrees_with_billing(asked: Inquiry, given: Values) -> Answer:
    """G02: what the facts add up to and what billing reports differ by no more than the tolerance."""
    differs: dict[tuple[str, ...], int] = {}
    for share in asked.responsibility.shares:
        if share.reason.code in UNEXPLAINED:
            # What one report leaves open of the whole and of the patient's part is one difference.
            known = differs.get(share.evidence, 0)
            differs[share.evidence] = max(known, abs(share.amount_cents))
    open_cents = sum(differs.values())
    if open_cents <= number(common(given, "tolerance")):
        return None
    text = f"{format_cents(open_cents)} of the balance is not explained by what payers and patient did."
    evidence = tuple(dict.fromkeys(id for ids in differs for id in ids))
    return Said(HOLD, text, None, "a balance report that agrees, or the missing fact", evidence)


def every_payer_has_answered(asked: Inquiry, given: Values) -> Answer:
    """G03: the order of payers is known and each of them has decided."""
    found = asked.signalled("DET-10.unknown_order", "DET-10.waiting", "DET-07.other_payer")
    if not found:
        return None
    lifted = "coverage.listed" if "DET-10.unknown_order" in asked.signals else "the missing payer's decision"
    return Said(HOLD, in_words(found), None, lifted, evidence_of(found))


def no_reversal_is_open(asked: Inquiry, given: Values) -> Answer:
    """G04: every decision taken back was replaced by a new one."""
    found = asked.signalled("DET-04.reversed", "DET-04.orphan")
    if not found:
        return None
    text = in_words(found)
    days = day_count(common(given, "alert_days"))
    if asked.as_of >= min(_taken_back_on(asked, trace) for trace in found) + days:
        text += f" It has waited {days.days} days or more: a person must ask the payer."
    return Said(HOLD, text, None, "the payer's corrected decision", evidence_of(found))


def _taken_back_on(asked: Inquiry, trace: Trace) -> date:
    """The day of the newest reversal that a trace rests on: a new decision followed those before it."""
    return max(_decided_on(asked, trace, {REVERSAL}), default=asked.as_of)


def _decided_on(asked: Inquiry, trace: Trace, statuses: Collection[str] = ()) -> list[date]:
    """The days of the payers' decisions that a trace rests on; of these claim statuses alone where given."""
    wanted = set(trace.evidence)
    return [
        a.on
        for a in asked.account.adjudications
        if wanted.intersection(a.ids) and (not statuses or a.claim.status in statuses)
    ]


def no_payer_is_still_deciding(asked: Inquiry, given: Values) -> Answer:
    """G05: no reason code says that the payer has not made up its mind."""
    found = asked.signalled("DET-07.pending")
    if not found:
        return None
    text = in_words(found)
    days = day_count(common(given, "work_item_days"))
    first = min((on for trace in found for on in _decided_on(asked, trace)), default=asked.as_of)
    if asked.as_of >= first + days:
        text += f" It has waited {days.days} days or more: a person must ask the payer."
    return Said(HOLD, text, None, "the payer's final decision", evidence_of(found))


def charges_are_complete(asked: Inquiry, given: Values) -> Answer:
    """G06: coding is done, every charge is on a decided claim, and late charges had their time."""
    account = asked.account
    coding = account.coding
    if coding is not None and coding.body.status != "complete":
        return Said(HOLD, "Medical coding is not complete.", None, "coding.status complete", (coding.id,))
    for name in ("coding_hold", "late_charge_hold", "charge_audit"):
        if flags := asked.flags.get(name):
            text = f"A hold on the charges stands ({name.replace('_', ' ')})."
            return Said(HOLD, text, None, f"account.cleared {name}", tuple(f.id for f in flags))
    found = asked.signalled("DET-12.split", "DET-12.interim", "DET-12.uncovered")
    if found:
        return Said(HOLD, in_words(found), None, "the decision on the rest of the charge", evidence_of(found))
    return _late_charges(asked, given)


def _late_charges(asked: Inquiry, given: Values) -> Answer:
    account = asked.account
    until = date.min
    why = evidence = ""
    late = day_count(common(given, "late_charge_days"))
    discharged_on = account.registered.service_to
    if discharged_on is not None:
        until = discharged_on + day_count(common(given, "bill_hold_days"))
        why = "The stay ended only just now."
    if (ended := _coding_ended(asked)) and ended[0] + late > until:
        until, why = ended[0] + late, "Coding ended only recently; charges may still come."
        evidence = ended[1]
    for charge in account.charges:
        if charge.body.service_on + late > until:
            until, why, evidence = charge.body.service_on + late, "Late charges may still come.", charge.id
    if asked.as_of >= until:
        return None
    return Said(HOLD, why, until, None, (evidence,) if evidence else ())


def _coding_ended(asked: Inquiry) -> tuple[date, str] | None:
    """The day on which coding became complete; saying so again is no new day, but of joined accounts is."""
    account, ended = asked.account, None
    if account.identity_events and account.coding is not None:
        return account.coding.at.date(), account.coding.id
    for fact in account.facts:
        if isinstance(fact.body, CodingStatusChanged):
            if fact.body.status != "complete":
                ended = None
            elif ended is None:
                ended = fact.occurred_at.date(), fact.id
    return ended


def no_payment_is_on_its_way(asked: Inquiry, given: Values) -> Answer:
    """G07: no announced payment is still within its days."""
    days = number(common(given, "business_days"))
    waits = [(business_days_after(p.body.expected_on, days), p.id) for p in asked.account.pending_payments]
    until, id = max(waits, default=(date.min, ""))
    if asked.as_of >= until:
        return None
    return Said(HOLD, "A payment has been announced and may still arrive.", until, None, (id,))


def no_credit_waits_to_be_applied(asked: Inquiry, given: Values) -> Answer:
    """G08: no credit of the same guarantor on another account waits to be applied or refunded first.

    What other accounts hold is known here only as billing's newest balance report on this account says it;
    the other accounts themselves are not looked at.
    """
    report = asked.account.report
    if report is None or report.body.guarantor_credit_cents is None or not common(given, "offset_first"):
        return None
    credit = report.body.guarantor_credit_cents
    if credit < number(common(given, "offset_from")):
        return None
    text = f"The guarantor has {format_cents(credit)} in credit on other accounts: apply or refund it first."
    return Said(REQUIRE, text, None, "balance.reported without that credit", (report.id,))


def identity_has_settled(asked: Inquiry, given: Values) -> Answer:
    """G09: accounts or patients were not joined or moved in the last days, and the patient is known.

    The feed's identity events (HL7 A40, A44, A49 and their kin, PID-31) come as the flag `identity_event`.
    """
    days = day_count(common(given, "days"))
    told = [(f.body.since, f.id) for f in asked.flags.get("identity_event", ())]
    on, id = max((*asked.account.identity_events, *told), default=(date.min, ""))
    if asked.as_of >= on + days:
        return None
    return Said(HOLD, "Accounts or patients were joined or moved only recently.", on + days, None, (id,))


def somebody_answers_for_the_account(asked: Inquiry, given: Values) -> Answer:
    """G10: a person is registered who answers for the account: a guarantor, or a patient who is their own.

    An organization is nobody a collections letter may go to; a spouse answers alone where law says so.
    """
    stated = asked.account.registered
    guarantor = stated.guarantor
    if guarantor is None:
        if stated.patient is not None or not common(given, "guarantor_needed"):
            return None
        return Said(REQUIRE, "Nobody is registered as patient or guarantor.", None, "account.registered")
    if guarantor.kind == "organization":
        text = "The guarantor is an organization, not a person."
        return Said(REQUIRE, text, None, "account.registered with another guarantor")
    spouse = (guarantor.relationship or "").strip().casefold() in _SPOUSE
    if spouse and not common(given, "spouse_answers") and "guarantee" not in asked.papers:
        text = "The patient's spouse is registered as guarantor and has promised nothing in writing."
        return Said(REQUIRE, text, None, "notice.recorded guarantee, or another guarantor")
    return None


_SPOUSE: Final = frozenset({"spouse", "spo", "husband", "wife", "partner"})


def data_is_sound(asked: Inquiry, given: Values) -> Answer:
    """G11: no unknown code, no disagreement inside a decision, no contradiction between facts."""
    found = asked.signalled(*_DATA_FAULTS)
    if not found:
        return None
    return Said(HOLD, in_words(found), None, "a person's review", evidence_of(found))


_DATA_FAULTS: Final = (
    "DET-01.currency",
    "DET-01.status",
    "DET-01.unreadable",
    "DET-02.remittance",
    "DET-02.unbalanced",
    "DET-03.contradiction",
    "DET-06.mismatch",
    "DET-07.review",
    "DET-08.info_from_provider",
    "DET-08.unprocessable",
    "DET-11.conflict",
    "DET-11.overposted",
    "DET-12.void",
    "DET-17.merged",
    "DET-17",
    "DET-21.conflict",
)


def something_is_owed(asked: Inquiry, given: Values) -> Answer:
    """G12: the patient owes more than nothing, and nothing is to be paid back to the patient."""
    net = asked.responsibility.net_cents
    if refund := asked.signalled("DET-08.refund"):
        return Said(BLOCK, in_words(refund), None, "the refund, posted", evidence_of(refund))
    if net > 0:
        return None
    if net < 0:
        return Said(
            BLOCK, f"The patient has a credit of {format_cents(-net)}.", None, "a refund or a new charge"
        )
    return Said(BLOCK, "The patient owes nothing.", None, "a new decision of a payer")


GATES: Final = (
    Gate("G01", responsibility_is_final, "Who owes the balance is settled."),
    Gate(
        "G02",
        balance_agrees_with_billing,
        "Nothing in the balance is unexplained.",
        (Parameter("tolerance", "USD", "lower"),),
    ),
    Gate("G03", every_payer_has_answered, "Every expected payer has answered."),
    Gate(
        "G04",
        no_reversal_is_open,
        "No payer decision is taken back without a new one.",
        (Parameter("alert_days", "days", "lower"),),
    ),
    Gate(
        "G05",
        no_payer_is_still_deciding,
        "No payer is still deciding.",
        (Parameter("work_item_days", "days", "lower"),),
    ),
    Gate(
        "G06",
        charges_are_complete,
        "Coding is done and every charge has been decided.",
        (
            Parameter("bill_hold_days", "days", "higher"),
            Parameter("late_charge_days", "days", "higher"),
        ),
        lift="waits",
    ),
    Gate(
        "G07",
        no_payment_is_on_its_way,
        "No payment is on its way.",
        (Parameter("business_days", "days", "higher"),),
    ),
    Gate(
        "G08",
        no_credit_waits_to_be_applied,
        "No credit of the guarantor elsewhere is known.",
        (Parameter("offset_first", "flag", "true"), Parameter("offset_from", "USD", "lower")),
    ),
    Gate(
        "G09",
        identity_has_settled,
        "No accounts were joined recently.",
        (Parameter("days", "days", "higher"),),
    ),
    Gate(
        "G10",
        somebody_answers_for_the_account,
        "Somebody is registered who answers for the account.",
        (Parameter("guarantor_needed", "flag", "true"), Parameter("spouse_answers", "flag", "false")),
    ),
    Gate("G11", data_is_sound, "The payers' decisions are sound and every code in them is known."),
    Gate("G12", something_is_owed, "The patient owes something."),
)
