"""How may this person be spoken to? Gates on calls, hours, media, consent and notices.

They never stop a case by themselves: for the house's own contacts they say what must be observed. Before an
agency is involved that must have been written down for it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, NamedTuple

from schemas.decisions import Verdict
from schemas.facts import AgencyReported, ContactLogged, NoticeRecorded
from service.core.account import Known, service_day
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
    for_extraordinary,
    for_place,
    ids_of,
    number,
)
from service.core.gates.dispositions import (
    code_of,
    is_call_attempt,
    is_conversation,
    is_outbound,
    is_written,
    medium_of,
)
from service.core.gates.lawful import only_lawful_amounts_are_asked

HOLD, REQUIRE, ALLOW = Verdict.HOLD, Verdict.REQUIRE, Verdict.ALLOW

_TOLD: Final = "notice.recorded agency_instructions"


class _Found(NamedTuple):
    """What our people and an agency must observe, the day since which it is so, and the facts that say so."""

    text: str
    since: date
    evidence: tuple[str, ...] = ()


def _to_observe(asked: Inquiry, *found: _Found) -> Answer:
    """What our own people must observe, and what an agency must have been told in writing since all of it."""
    if not found:
        return None
    text = " ".join(one.text for one in found)
    evidence = tuple([id for one in found for id in one.evidence])
    own = Said(ALLOW, text, None, None, evidence)
    paper = asked.papers.get("agency_instructions")
    if paper is not None and paper.body.on >= max(one.since for one in found):
        return own, Said(ALLOW, f"{text} The agency was told so.", None, None, (*evidence, paper.id)), None
    return own, Said(REQUIRE, f"{text} The agency must be told so.", None, _TOLD, evidence), None


def calls_are_few_enough(asked: Inquiry, given: Values) -> Answer:
    """G60: no more calls than a week allows, and none for days after a conversation.

    The days are counted in universal time, so a call late in the evening counts for the day after. A debt on
    several accounts is counted here by account.
    """
    most = number(common(given, "calls"))
    if not most:
        return _to_observe(asked, _Found("No call may be made.", date.min))
    waits: list[tuple[date, tuple[str, ...]]] = []
    attempts = [c for c in asked.contacts if is_call_attempt(c.body)][-most:]
    if len(attempts) == most:
        waits.append((attempts[0].at.date() + day_count(common(given, "within_days")), ids_of(attempts)))
    if spoken := [c for c in asked.contacts if is_conversation(c.body)]:
        waits.append((spoken[-1].at.date() + day_count(common(given, "quiet_days")), (spoken[-1].id,)))
    until, evidence = max(waits, default=(date.min, ()))
    if asked.as_of >= until:
        return None
    text = f"No call may be made before {until}."
    return Said(ALLOW, text, None, None, evidence), Said(REQUIRE, text, until, None, evidence), None


def time_and_place_suit_the_person(asked: Inquiry, given: Values) -> Answer:
    """G61: calls at decent hours where the person is, and not at times or places that do not suit them."""
    found = [
        _Found(text, max(f.body.since for f in flags), ids_of(flags))
        for name, text in _UNSUITED.items()
        if (flags := asked.flags.get(name))
    ]
    first, last = number(common(given, "from_hour")), number(common(given, "until_hour"))
    outside = [
        c
        for c in asked.contacts
        if c.body.local_minutes is not None
        and is_outbound(c.body)
        and medium_of(c.body) == "phone"
        and not first * 60 <= c.body.local_minutes <= last * 60
    ]
    if outside:
        text = f"A call was made outside the hours from {first} to {last} o'clock where the person is."
        found.append(_Found(text, outside[-1].at.date(), ids_of(outside)))
    return _to_observe(asked, *found)


_UNSUITED: Final = {
    "inconvenient_time": "The person named times at which no contact suits them.",
    "inconvenient_place": "The person named places, such as work, at which no contact suits them.",
}


def media_the_person_stopped_are_unused(asked: Inquiry, given: Values) -> Answer:
    """G62: e-mails and texts tell how to stop them, and a medium that was stopped is not used."""
    stopped: dict[str, Known[ContactLogged]] = {}
    faults: list[Known[ContactLogged]] = []
    for contact in asked.contacts:
        medium = medium_of(contact.body)
        if code_of(contact.body) == "OPT-OUT":
            stopped[medium] = contact
        elif is_outbound(contact.body) and (
            medium in stopped or (is_written(contact.body) and contact.body.opt_out_offered is False)
        ):
            faults.append(contact)
    found = []
    if stopped:
        text = f"The person stopped contact by {' and by '.join(sorted(stopped))}."
        found.append(_Found(text, max(c.at.date() for c in stopped.values()), ids_of(stopped.values())))
    if faults:
        text = "A message was sent that should not have been, or that told no way to stop it."
        found.append(_Found(text, faults[-1].at.date(), ids_of(faults)))
    return _to_observe(asked, *found)


def machines_call_only_with_consent(asked: Inquiry, given: Values) -> Answer:
    """G63: autodialled or prerecorded calls and texts need consent that still stands, where law allows any.

    A revocation counts after the business days given at the latest.
    """
    papers = sorted(
        (n for n in asked.account.notices if n.body.kind == "automated_contact_consent"),
        key=lambda n: (n.body.on, n.id),
    )
    honoured = number(common(given, "revocation_business_days"))
    allowed = common(given, "automated_allowed")
    unlawful = [
        c
        for c in asked.contacts
        if c.body.automated is True
        and is_outbound(c.body)
        and not (allowed and _consents(papers, c.at.date(), honoured))
    ]
    found = []
    if unlawful:
        text = "A machine called or wrote without consent that stands."
        found.append(_Found(text, unlawful[-1].at.date(), ids_of(unlawful)))
    if papers and not papers[-1].body.valid:
        text = "Consent to calls and texts by machine was revoked."
        found.append(_Found(text, papers[-1].body.on, (papers[-1].id,)))
    return _to_observe(asked, *found)


def _consents(papers: list[Known[NoticeRecorded]], on: date, honoured: int) -> bool:
    """Whether consent was given by that day and its first revocation need not be honoured yet."""
    until: date | None = None
    for paper in papers:
        if paper.body.on > on:
            break
        if paper.body.valid:
            until = date.max
        elif until == date.max:
            until = business_days_after(paper.body.on, honoured)
    return until is not None and on <= until


def nobody_else_hears_of_the_debt(asked: Inquiry, given: Values) -> Answer:
    """G64: messages left and talks with others name neither debt nor health."""
    told = [c for c in asked.contacts if c.body.disclosed is True]
    if not told:
        return None
    text = "Debt or health was named to somebody else, or in a message left."
    return _to_observe(asked, _Found(text, told[-1].at.date(), ids_of(told)))


def validation_notice_was_given(asked: Inquiry, given: Values) -> Answer:
    """G65: what the agency must tell first can be told, and once it has begun, was told in time.

    Placing needs a day and an amount to itemize from. An agency's written notice goes out within days of its
    first word, which is taken from its acknowledgement; nothing extraordinary before its window has run.
    """
    began = [
        f
        for f in asked.told.get("agency.reported", ())
        if isinstance(f.body, AgencyReported) and f.body.kind == "acknowledged" and f.body.on <= asked.as_of
    ]
    if not began:
        if service_day(asked.account) is not None or asked.delivered:
            return None
        text = "No day of service or of a statement is known from which the amount could be itemized."
        lacking = Said(REQUIRE, text, None, "account.registered, charge.posted or statement.sent")
        return None, lacking, lacking
    notice = asked.papers.get("validation_notice")
    if notice is not None:
        until = notice.body.on + day_count(for_extraordinary(given, "window_days"))
        if asked.as_of >= until:
            return None
        text = "The window in which the agency's notice may be disputed has not run."
        return None, None, Said(HOLD, text, until, None, (notice.id,))
    ids = tuple(f.id for f in began)
    text = "The agency's written notice of the debt is not on file."
    missing = Said(REQUIRE, text, None, "notice.recorded validation_notice", ids)
    due_on = min(f.body.on for f in began if isinstance(f.body, AgencyReported))
    overdue_on = due_on + day_count(for_place(given, "notice_days")) + timedelta(days=1)
    if asked.as_of < overdue_on:
        return (
            None,
            Said(ALLOW, "The agency's written notice is still in time.", overdue_on, None, ids),
            missing,
        )
    return None, missing, missing


GATES: Final = (
    Gate(
        "G60",
        calls_are_few_enough,
        "No call has to wait.",
        (
            Parameter("calls", "count", "lower"),
            Parameter("quiet_days", "days", "higher"),
            Parameter("within_days", "days", "higher"),
        ),
    ),
    Gate(
        "G61",
        time_and_place_suit_the_person,
        "No call at a time or place that does not suit is known.",
        (Parameter("from_hour", "count", "higher"), Parameter("until_hour", "count", "lower")),
    ),
    Gate("G62", media_the_person_stopped_are_unused, "No medium was stopped."),
    Gate(
        "G63",
        machines_call_only_with_consent,
        "No call or text by machine needs consent that is missing.",
        (
            Parameter("automated_allowed", "flag", "false"),
            Parameter("revocation_business_days", "days", "lower"),
        ),
    ),
    Gate("G64", nobody_else_hears_of_the_debt, "Nothing was told to anybody else."),
    Gate(
        "G65",
        validation_notice_was_given,
        "What an agency must tell first can be told.",
        (
            Parameter("notice_days", "days", "lower", "place"),
            Parameter("window_days", "days", "higher", "extraordinary"),
        ),
    ),
    Gate(
        "G66",
        only_lawful_amounts_are_asked,
        "No interest and no fee was added.",
        (
            Parameter("fees_allowed", "flag", "false"),
            Parameter("interest_free_days", "days", "higher"),
            Parameter("interest_percent", "percent", "lower"),
        ),
    ),
)
