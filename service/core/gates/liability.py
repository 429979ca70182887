"""May it be the patient's at all? Gates on programmes, other payers, notices and open appeals."""

from __future__ import annotations

from typing import Final

from schemas.decisions import Verdict
from schemas.money import format_cents
from service.core.account import Known
from service.core.gates.asking import (
    Answer,
    Gate,
    Inquiry,
    Parameter,
    Said,
    Values,
    day_count,
    evidence_of,
    in_words,
    number,
)

HOLD, BLOCK, REQUIRE = Verdict.HOLD, Verdict.BLOCK, Verdict.REQUIRE


def _programme(asked: Inquiry, kinds: tuple[str, ...], filing: tuple[str, ...]) -> tuple[str, ...]:
    """Facts that show one of these programmes: the coverage list, or a decision of a payer still on it."""
    account, found = asked.account, []
    coverage = account.coverage
    if coverage is not None and [c for c in coverage.body.coverages if c.kind in kinds]:
        found.append(coverage.id)
    for one in account.adjudications:
        if one.claim.filing_indicator in filing:
            payer = one.claim.payer.id
            if coverage is None or payer in [c.payer.id for c in coverage.body.coverages]:
                found.extend(one.ids)
    return tuple(found)


def _flagged(asked: Inquiry, name: str) -> tuple[str, ...]:
    flags = asked.flags.get(name)
    return tuple([f.id for f in flags]) if flags else ()


def no_public_programme_bars_billing(asked: Inquiry, given: Values) -> Answer:
    """G13: Medicaid and protected Medicare patients are not pursued."""
    protected = evidence_of(asked.signalled("DET-09.qmb")) or _programme(asked, ("qmb",), ())
    if protected:
        text = "The patient is a protected Medicare beneficiary: no cost share may be billed."
        return Said(BLOCK, text, None, "a coverage list without that protection", protected)
    medicaid = _programme(asked, ("medicaid",), ("MC",))
    if medicaid and not given["allow_case"][0]:
        return Said(
            BLOCK, "Medicaid patients are not pursued.", None, "a coverage list without Medicaid", medicaid
        )
    if waiting := _flagged(asked, "medicaid_pending"):
        text = "A Medicaid application is open and may reach back to this service."
        return Said(HOLD, text, None, "account.cleared medicaid_pending", waiting)
    if unnamed := _programme_unknown(asked):
        text = "Nobody says which programme a listed payer is, and it may be one that bars billing."
        return Said(HOLD, text, None, "a coverage list that names the kind of each plan", unnamed)
    return None


def _programme_unknown(asked: Inquiry) -> tuple[str, ...]:
    """The coverage list, when it leaves a plan's kind open and no decision of that payer tells it either."""
    coverage = asked.account.coverage
    if coverage is None:
        return ()
    told = {a.claim.payer.id for a in asked.account.adjudications if a.claim.filing_indicator}
    unnamed = [c for c in coverage.body.coverages if c.kind is None and c.payer.id not in told]
    return (coverage.id,) if unnamed else ()


def no_estimate_dispute_is_open(asked: Inquiry, given: Values) -> Answer:
    """G14: a self-pay bill well above its estimate may be disputed first."""
    if flags := _flagged(asked, "estimate_dispute"):
        text = "The patient disputes the bill against the good-faith estimate."
        return Said(BLOCK, text, None, "account.cleared estimate_dispute", flags)
    if "DET-18" not in asked.signals:
        return None
    estimates = [n for n in asked.account.notices if n.body.kind == "good_faith_estimate" and n.body.valid]
    known = [n for n in estimates if n.body.amount_cents is not None]
    if not known:
        return None
    newest = max(known, key=lambda n: (n.body.on, n.id))
    billed = asked.responsibility.assigned_cents
    if billed < (newest.body.amount_cents or 0) + number(given["excess"][0]):
        return None
    text = f"The bill is {format_cents(number(given['excess'][0]))} or more above its estimate."
    if asked.clock_on is None:
        return Said(HOLD, text, asked.next_statement_on, "the first statement", (newest.id,))
    until = asked.clock_on + day_count(given["window_days"][0])
    return Said(HOLD, text, until, None, (newest.id,)) if asked.as_of < until else None


def no_surprise_bill_is_asked(asked: Inquiry, given: Values) -> Answer:
    """G15: nothing above the plan's cost share is asked for protected care."""
    if found := asked.signalled("DET-07.balance_bill"):
        return Said(
            BLOCK, in_words(found), None, "a corrected decision or valid consent on file", evidence_of(found)
        )
    if found := asked.signalled("DET-08.surprise_review"):
        return Said(HOLD, in_words(found), None, "a person's review", evidence_of(found))
    return None


def no_other_carrier_should_pay(asked: Inquiry, given: Values) -> Answer:
    """G17: no workers' compensation, auto or liability carrier is involved."""
    if flags := _flagged(asked, "third_party_liability"):
        text = "A third party may be liable for the injury."
        return _stricter_later(text, "account.cleared third_party_liability", flags)
    found = _programme(asked, ("workers_comp", "auto", "liability"), ("WC", "AM", "LM"))
    if found:
        text = "A workers' compensation, auto or liability carrier is responsible first."
        return _stricter_later(text, "a coverage list without that carrier", found)
    return None


def _stricter_later(text: str, lifted_by: str, evidence: tuple[str, ...]) -> Answer:
    hold = Said(HOLD, text, None, lifted_by, evidence)
    return hold, hold, Said(BLOCK, text, None, lifted_by, evidence)


def no_protected_funder_is_responsible(asked: Inquiry, given: Values) -> Answer:
    """G18: veterans' community care, custody and similar funders are never replaced by the patient."""
    if found := asked.signalled("DET-09.veteran"):
        return Said(BLOCK, in_words(found), None, None, evidence_of(found))
    if found_ids := _programme(asked, ("va",), ("VA",)):
        return Said(BLOCK, "The veterans' payment is payment in full.", None, None, found_ids)
    if flags := _flagged(asked, "custody"):
        text = "The patient was in custody; another funder is responsible."
        return Said(BLOCK, text, None, "account.cleared custody", flags)
    return None


def notice_was_given_where_needed(asked: Inquiry, given: Values) -> Answer:
    """G19: a denial left with the patient needs the signed paper that allows it."""
    found = asked.signalled("DET-07.notice")
    refused = asked.signalled("DET-07.authorization")
    if not found and not refused:
        return None
    papers = tuple(n.id for n in asked.account.notices if n.body.valid and n.body.kind in ("abn", "waiver"))
    if papers:
        return Said(Verdict.ALLOW, "A signed notice or waiver is on file.", None, None, papers)
    if refused:
        return Said(HOLD, in_words(refused), None, "notice.recorded waiver", evidence_of(refused))
    if not given["notice_required"][0]:
        return None
    text = f"{in_words(found)} No signed notice or waiver is on file."
    return Said(REQUIRE, text, None, "notice.recorded abn or waiver", evidence_of(found))


def other_cover_was_looked_for(asked: Inquiry, given: Values) -> Answer:
    """G20: after a payer says there was no cover, the coverage list is checked anew."""
    found = asked.signalled("DET-07.coverage_not_found")
    if not found:
        return None
    needed = set(evidence_of(found))
    last = max((a.at for a in asked.account.adjudications if needed & set(a.ids)), default=None)
    coverage: Known[object] | None = asked.account.coverage
    if coverage is not None and last is not None and coverage.at > last:
        return Said(
            Verdict.ALLOW, "Coverage was checked after the payer's answer.", None, None, (coverage.id,)
        )
    return Said(
        REQUIRE, in_words(found), None, "coverage.listed after the payer's answer", evidence_of(found)
    )


def payer_waits_for_no_answer_of_the_patient(asked: Inquiry, given: Values) -> Answer:
    """G21: a question to the patient is a call for help, not a debt."""
    found = asked.signalled("DET-07.info_from_patient")
    if not found:
        return None
    return Said(HOLD, in_words(found), None, "the payer's decision after the answer", evidence_of(found))


def no_appeal_is_open(asked: Inquiry, given: Values) -> Answer:
    """G22: no appeal against a payer's decision is open."""
    if flags := _flagged(asked, "appeal"):
        text, lifted = "An appeal against the payer's decision is open.", "account.cleared appeal"
        return (
            Said(HOLD, text, None, lifted, flags),
            Said(BLOCK, text, None, lifted, flags),
            Said(BLOCK, text, None, lifted, flags),
        )
    return None


def identity_is_not_in_question(asked: Inquiry, given: Values) -> Answer:
    """G23: no sign that somebody else used the patient's identity."""
    found = _flagged(asked, "identity_theft")
    for one in asked.account.adjudications:
        if [code for _, code, _ in one.triples if code == "224"]:
            found += one.ids
    if not found:
        return None
    return Said(
        BLOCK, "The patient's identity may have been misused.", None, "account.cleared identity_theft", found
    )


GATES: Final = (
    Gate(
        "G13",
        no_public_programme_bars_billing,
        "No public programme bars billing the patient.",
        (Parameter("allow_case", "flag", "false"), Parameter("billable_reasons", "text", "intersection")),
    ),
    Gate(
        "G14",
        no_estimate_dispute_is_open,
        "No dispute about an estimate is open.",
        (Parameter("excess", "USD", "lower"), Parameter("window_days", "days", "higher")),
    ),
    Gate("G15", no_surprise_bill_is_asked, "Nothing above the plan's own cost share is asked."),
    Gate("G17", no_other_carrier_should_pay, "No workers' compensation, auto or liability carrier is known."),
    Gate("G18", no_protected_funder_is_responsible, "No funder that replaces the patient is known."),
    Gate(
        "G19",
        notice_was_given_where_needed,
        "No denial here needs a signed notice.",
        (Parameter("notice_required", "flag", "true"),),
    ),
    Gate("G20", other_cover_was_looked_for, "No payer says that there was no cover."),
    Gate("G21", payer_waits_for_no_answer_of_the_patient, "No payer waits for an answer of the patient."),
    Gate("G22", no_appeal_is_open, "No appeal is open."),
    Gate("G23", identity_is_not_in_question, "Nothing suggests a misused identity."),
)
