"""May it be the patient's at all? Gates on programmes, estimates, surprise bills and other payers."""

from __future__ import annotations

from typing import Final

from schemas.decisions import Verdict
from schemas.money import format_cents
from service.core.adjudication import Adjudication
from service.core.gates.asking import (
    Answer,
    Gate,
    Inquiry,
    Parameter,
    Said,
    Values,
    common,
    day_count,
    evidence_of,
    flagged,
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


def no_public_programme_bars_billing(asked: Inquiry, given: Values) -> Answer:
    """G13: Medicaid and protected Medicare patients are not pursued, service families only for a share."""
    remarked, listed = evidence_of(asked.signalled("DET-09.qmb")), _programme(asked, ("qmb",), ())
    if remarked or listed:
        text = "The patient is a protected Medicare beneficiary: no cost share may be billed."
        lifted = "a coverage list without that protection" if listed else "a corrected decision"
        return Said(BLOCK, text, None, lifted, (*listed, *remarked))
    medicaid = _programme(asked, ("medicaid",), ("MC",))
    if not medicaid and _programme_unknown(asked):
        text = "Nobody has said which programme pays, so a protected one cannot be ruled out."
        untold = (asked.account.coverage.id,) if asked.account.coverage else ()
        return Said(HOLD, text, None, "a coverage list that names the kind of each plan", untold)
    if medicaid and not common(given, "allow_case"):
        return Said(
            BLOCK, "Medicaid patients are not pursued.", None, "a coverage list without Medicaid", medicaid
        )
    if found := asked.signalled("DET-09.tricare"):
        return Said(HOLD, in_words(found), None, "a person's review", evidence_of(found))
    if waiting := flagged(asked, "medicaid_pending"):
        text = "A Medicaid application is open and may reach back to this service."
        return Said(HOLD, text, None, "account.cleared medicaid_pending", waiting)
    return None


def _programme_unknown(asked: Inquiry) -> bool:
    """Whether a listed payer's programme is told neither by the list nor by the payer's decision."""
    coverage = asked.account.coverage
    if coverage is None:
        return True
    untold = {c.payer.id for c in coverage.body.coverages if c.kind is None}
    return not untold <= {a.claim.payer.id for a in asked.account.adjudications if a.claim.filing_indicator}


def no_estimate_dispute_is_open(asked: Inquiry, given: Values) -> Answer:
    """G14: a self-pay bill well above its estimate may be disputed, and the patient was told so.

    Each provider's charges are held against that provider's own estimate. While a dispute is open nothing may
    be asked at all; within the days after the first bill the right to dispute is explained first.
    """
    if flags := flagged(asked, "estimate_dispute"):
        text = "The patient disputes the bill against the good-faith estimate."
        return Said(BLOCK, text, None, "account.cleared estimate_dispute", flags)
    if "DET-18" not in asked.signals:
        return None
    excess = number(common(given, "excess"))
    exceeded = _estimates_exceeded(asked, excess)
    if not exceeded:
        return None
    text = f"The bill is {format_cents(excess)} or more above its estimate."
    if asked.clock_on is None:
        return Said(HOLD, text, asked.next_statement_on, "the first statement", exceeded)
    until = asked.clock_on + day_count(common(given, "window_days"))
    if asked.as_of >= until:
        return None
    if told := asked.papers.get("estimate_dispute_right"):
        return Said(Verdict.ALLOW, f"{text} The right to dispute it was explained.", None, None, (told.id,))
    text += " The right to dispute it must be explained first."
    return Said(REQUIRE, text, until, "notice.recorded estimate_dispute_right", exceeded)


def _estimates_exceeded(asked: Inquiry, excess: int) -> tuple[str, ...]:
    """The newest estimates, one for each provider, that a bill exceeds by that much or more."""
    newest: dict[str | None, tuple[str, int]] = {}
    for n in sorted(asked.account.notices, key=lambda n: (n.body.on, n.id)):
        cents = n.body.amount_cents
        if n.body.kind == "good_faith_estimate" and n.body.valid and cents is not None:
            newest[n.body.provider] = n.id, cents
    billed: dict[str | None, int] = {None: asked.responsibility.assigned_cents}
    for charge in asked.account.charges:
        if (whose := charge.body.provider) in newest:
            billed[whose] = billed.get(whose, 0) + charge.body.amount_cents
            billed[None] -= charge.body.amount_cents
    return tuple([id for p, (id, cents) in newest.items() if p in billed and billed[p] >= cents + excess])


def no_surprise_bill_is_asked(asked: Inquiry, given: Values) -> Answer:
    """G15: nothing above the plan's cost share is asked for protected care.

    Care that somebody marked as protected, and to which no payer applied the law, is looked at by a person.
    """
    if found := asked.signalled("DET-07.balance_bill"):
        return Said(
            BLOCK, in_words(found), None, "a corrected decision or valid consent on file", evidence_of(found)
        )
    if found := asked.signalled("DET-08.surprise_review"):
        return Said(HOLD, in_words(found), None, "a person's review", evidence_of(found))
    if (flags := flagged(asked, "surprise_billing_protected")) and (
        "DET-08.surprise_billing" not in asked.signals
    ):
        text = "The care is marked as protected against surprise bills, and no payer applied that law."
        return Said(HOLD, text, None, "account.cleared surprise_billing_protected", flags)
    return None


def negotiation_touches_no_cost_share(asked: Inquiry, given: Values) -> Answer:
    """G16: payer and provider may dispute the price among themselves; the patient's cost share stays."""
    found = asked.signalled("DET-08.surprise_billing")
    if not found:
        return None
    codes = frozenset(str(common(given, "negotiable_remarks")).split())
    ids = tuple(i for a in asked.account.adjudications if codes & _remarks(a) for i in a.ids)
    if not ids:
        return None
    if excess := asked.signalled("DET-07.balance_bill"):
        text = "Payer and provider may still negotiate this price; nothing above the cost share is asked."
        return Said(BLOCK, text, None, "a corrected decision", (*ids, *evidence_of(excess)))
    text = "Payer and provider may still negotiate this price; the cost share does not depend on it."
    return Said(Verdict.ALLOW, text, None, None, ids)


def _remarks(one: Adjudication) -> frozenset[str]:
    return frozenset(one.claim.remarks).union(*[line.remarks for line in one.claim.lines])


def no_other_carrier_should_pay(asked: Inquiry, given: Values) -> Answer:
    """G17: no workers' compensation, auto or liability carrier is involved."""
    if flags := flagged(asked, "third_party_liability"):
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
    remarked, listed = evidence_of(asked.signalled("DET-09.veteran")), _programme(asked, ("va",), ("VA",))
    if remarked or listed:
        text = "The veterans' payment is payment in full."
        lifted = "a coverage list without that programme" if listed else "a corrected decision"
        return Said(BLOCK, text, None, lifted, tuple(dict.fromkeys((*listed, *remarked))))
    for name, text in _FUNDED.items() if asked.flags else ():
        if flags := flagged(asked, name):
            return Said(BLOCK, text, None, f"account.cleared {name}", flags)
    return None


_FUNDED: Final = {
    "custody": "The patient was in custody; another funder is responsible.",
    "hospice": "Hospice care is paid for by its own programme.",
    "tribal_care": "Care referred by a tribal or Indian health programme is never the patient's.",
    "crime_victim": "A fund for victims of crime is responsible.",
    "forensic_exam": "A forensic examination is never billed to the person examined.",
}


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
    Gate(
        "G16",
        negotiation_touches_no_cost_share,
        "No negotiation between payer and provider is known.",
        (Parameter("negotiable_remarks", "text", "union"),),
    ),
    Gate("G17", no_other_carrier_should_pay, "No workers' compensation, auto or liability carrier is known."),
    Gate("G18", no_protected_funder_is_responsible, "No funder that replaces the patient is known."),
)
