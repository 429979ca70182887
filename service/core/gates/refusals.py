"""Does a payer's refusal make it the patient's? Gates on papers, other cover, questions, appeals and age."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from schemas.decisions import Verdict
from schemas.facts import ClaimStatusReported
from service.core.account import Known, service_day
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
    for_extraordinary,
    for_place,
    ids_of,
    in_words,
    number,
)
from service.core.gates.dispositions import is_effort

HOLD, BLOCK, REQUIRE, ALLOW = Verdict.HOLD, Verdict.BLOCK, Verdict.REQUIRE, Verdict.ALLOW


def notice_was_given_where_needed(asked: Inquiry, given: Values) -> Answer:
    """G19: a denial left with the patient needs the signed paper that allows it."""
    found = asked.signalled("DET-07.notice")
    refused = asked.signalled("DET-07.authorization")
    if not found and not refused:
        return None
    papers = tuple(n.id for n in asked.account.notices if n.body.valid and n.body.kind in ("abn", "waiver"))
    if papers:
        return Said(ALLOW, "A signed notice or waiver is on file.", None, None, papers)
    if refused:
        return Said(HOLD, in_words(refused), None, "notice.recorded waiver", evidence_of(refused))
    if not common(given, "notice_required"):
        return None
    text = f"{in_words(found)} No signed notice or waiver is on file."
    days = day_count(common(given, "proposal_days"))
    decided = _last_decided(asked, evidence_of(found))
    if decided is not None and asked.as_of >= decided + days:
        text += f" After {days.days} days without one a write-off is to be proposed."
    return Said(REQUIRE, text, None, "notice.recorded abn or waiver", evidence_of(found))


def _last_decided(asked: Inquiry, evidence: tuple[str, ...]) -> date | None:
    wanted = set(evidence)
    return max((a.at.date() for a in asked.account.adjudications if wanted & set(a.ids)), default=None)


def other_cover_was_looked_for(asked: Inquiry, given: Values) -> Answer:
    """G20: after a payer says there was no cover, the coverage list is checked anew, and again before an
    agency is involved."""
    found = asked.signalled("DET-07.coverage_not_found")
    if not found:
        return None
    needed = set(evidence_of(found))
    last = max((a.at for a in asked.account.adjudications if needed & set(a.ids)), default=None)
    coverage: Known[object] | None = asked.account.coverage
    if coverage is None or last is None or coverage.at <= last:
        text, lifted = in_words(found), "coverage.listed after the payer's answer"
        return Said(REQUIRE, text, None, lifted, evidence_of(found))
    ids = (coverage.id,)
    first = Said(ALLOW, "Coverage was checked after the payer's answer.", None, None, ids)
    stale_on = coverage.at.date() + day_count(for_place(given, "discovery_days")) + timedelta(days=1)
    if asked.as_of < stale_on:
        later = Said(ALLOW, "Coverage was checked recently.", stale_on, None, ids)
    else:
        text = "Coverage was checked too long ago; it is checked again before an agency is involved."
        later = Said(REQUIRE, text, None, "coverage.listed", ids)
    return first, later, later


def payer_waits_for_no_answer_of_the_patient(asked: Inquiry, given: Values) -> Answer:
    """G21: a question to the patient is a call for help, not a debt.

    Once enough efforts to help were made within the days given, and a person has stated that the payer
    closed the bill without an answer, the gate no longer stands in the way; what is then the patient's is for
    the determination to say.
    """
    found = asked.signalled("DET-07.info_from_patient")
    if not found:
        return None
    evidence, text = evidence_of(found), in_words(found)
    wanted, within = number(common(given, "attempts")), day_count(common(given, "within_days"))
    efforts = _efforts(asked, evidence, wanted, within)
    if not efforts:
        text += f" {wanted} efforts to help within {within.days} days are owed."
        lifted = "the payer's decision after the answer, or contact.logged"
        return Said(HOLD, text, None, lifted, evidence)
    closed = tuple(
        f.id
        for f in asked.told.get("claim.status", ())
        if isinstance(f.body, ClaimStatusReported) and f.body.status == "closed_no_response"
    )
    if not closed:
        text += " Efforts to help were made; whether the payer closed the bill must be found out."
        return Said(HOLD, text, None, "claim.status closed_no_response", (*evidence, *efforts))
    text = "The payer closed the bill after efforts to help; the patient is told so before anything is asked."
    return Said(ALLOW, text, None, None, (*evidence, *efforts, *closed))


def _efforts(asked: Inquiry, evidence: tuple[str, ...], wanted: int, within: timedelta) -> tuple[str, ...]:
    """The first run of that many efforts to reach the patient within that time, after the payer asked."""
    asked_on = _last_decided(asked, evidence)
    made = [c for c in asked.contacts if is_effort(c.body) and (asked_on is None or c.at.date() >= asked_on)]
    for first, last in zip(made, made[wanted - 1 :], strict=False):
        if last.at.date() - first.at.date() <= within:
            return ids_of(made[made.index(first) : made.index(last) + 1])
    return ()


def no_appeal_is_open(asked: Inquiry, given: Values) -> Answer:
    """G22: no appeal against a payer's decision is open.

    A payer's decision that says it answers an appeal closes it. An appeal older than the days given is looked
    at by a person; it lifts nothing by its age.
    """
    flags = asked.flags.get("appeal")
    if not flags:
        return None
    since = max(f.body.since for f in flags)
    codes = frozenset(str(common(given, "closing_codes")).split())
    answered = tuple(
        i
        for a in asked.account.adjudications
        if a.on >= since and (codes.intersection(a.claim.remarks) or codes.intersection(_reasons(a.triples)))
        for i in a.ids
    )
    if answered:
        return Said(ALLOW, "The payer answered the appeal.", None, None, (*ids_of(flags), *answered))
    text, lifted = "An appeal against the payer's decision is open.", "account.cleared appeal"
    later = Said(BLOCK, text, None, lifted, ids_of(flags))
    if common(given, "forbids_case"):
        return later
    days = day_count(common(given, "review_days"))
    review_on = since + days
    if asked.as_of < review_on:
        return Said(HOLD, text, review_on, lifted, ids_of(flags)), later, later
    text += f" It has been open for {days.days} days or more; a person must look."
    return Said(REQUIRE, text, None, lifted, ids_of(flags)), later, later


def _reasons(triples: tuple[tuple[str, str, int], ...]) -> tuple[str, ...]:
    return tuple(code for _, code, _ in triples)


def identity_is_not_in_question(asked: Inquiry, given: Values) -> Answer:
    """G23: no sign that somebody else used the patient's identity."""
    found = flagged(asked, "identity_theft")
    for one in asked.account.adjudications:
        if [code for _, code, _ in one.triples if code == "224"]:
            found += one.ids
    if not found:
        return None
    return Said(
        BLOCK, "The patient's identity may have been misused.", None, "account.cleared identity_theft", found
    )


def debt_is_not_too_old(asked: Inquiry, given: Values) -> Answer:
    """G24: the time in which a court may be asked has not run out.

    It runs from the first bill of a final balance, or the first day of service where none was sent; payments
    and promises do not begin it anew. A case may still be opened: its letters say that nobody can be sued.
    """
    start = asked.delivered[0].body.sent_on if asked.delivered else service_day(asked.account)
    if start is None:
        return None
    ends_on = start + day_count(for_extraordinary(given, "limitation_days"))
    evidence = ids_of(asked.delivered[:1])
    if asked.as_of < ends_on:
        text = "The time in which a court may be asked has not run out."
        return None, None, Said(ALLOW, text, ends_on, None, evidence)
    text = "The time in which a court may be asked has run out"
    told = Said(ALLOW, f"{text}; every letter must say so.", None, None, evidence)
    if (paper := asked.papers.get("agency_instructions")) and paper.body.on >= ends_on:
        placed = Said(ALLOW, f"{text}; the agency was told so.", None, None, (paper.id,))
    else:
        placed = Said(
            REQUIRE,
            f"{text}; the agency must be told so.",
            None,
            "notice.recorded agency_instructions",
            evidence,
        )
    return told, placed, Said(BLOCK, f"{text}.", None, "nothing: it does not begin anew", evidence)


def balance_is_not_resolved(asked: Inquiry, given: Values) -> Answer:
    """G25: what was paid, settled or discharged is never placed or sold."""
    for name, text in _RESOLVED.items() if asked.flags else ():
        if flags := flagged(asked, name):
            return Said(BLOCK, text, None, f"account.cleared {name}", flags)
    owes = asked.responsibility
    if owes.collectible_cents > 0 and owes.net_cents <= 0:
        paid = Said(BLOCK, "The balance was paid or given up.", None, "a new decision of a payer")
        return None, paid, paid
    return None


_RESOLVED: Final = {
    "settled": "The balance was settled.",
    "discharged": "The balance was discharged by a court.",
    "donated": "The balance was given to an organization that relieves debt.",
}


GATES: Final = (
    Gate(
        "G19",
        notice_was_given_where_needed,
        "No denial here needs a signed notice.",
        (Parameter("notice_required", "flag", "true"), Parameter("proposal_days", "days", "lower")),
    ),
    Gate(
        "G20",
        other_cover_was_looked_for,
        "No payer says that there was no cover.",
        (Parameter("discovery_days", "days", "lower", "place"),),
    ),
    Gate(
        "G21",
        payer_waits_for_no_answer_of_the_patient,
        "No payer waits for an answer of the patient.",
        (Parameter("attempts", "count", "higher"), Parameter("within_days", "days", "lower")),
    ),
    Gate(
        "G22",
        no_appeal_is_open,
        "No appeal is open.",
        (
            Parameter("closing_codes", "text", "intersection"),
            Parameter("forbids_case", "flag", "true"),
            Parameter("review_days", "days", "lower"),
        ),
    ),
    Gate("G23", identity_is_not_in_question, "Nothing suggests a misused identity."),
    Gate(
        "G24",
        debt_is_not_too_old,
        "The debt is not too old.",
        (Parameter("limitation_days", "days", "lower", "extraordinary"),),
    ),
    Gate("G25", balance_is_not_resolved, "The balance was not resolved before."),
)
