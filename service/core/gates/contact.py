"""How may this person be spoken to? Gates on calls, hours, media, consent and notices.

They never stop a case by themselves: for the house's own contacts they say what must be observed. Before an
agency is involved that must have been written down for it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from schemas.decisions import Verdict
from schemas.facts import AgencyReported, ContactLogged
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


def _to_observe(asked: Inquiry, text: str, since: date, evidence: tuple[str, ...]) -> Answer:
    """What our own people must observe, and what an agency must have been told in writing since that day."""
    own = Said(ALLOW, text, None, None, evidence)
    paper = asked.papers.get("agency_instructions")
    if paper is not None and paper.body.on >= since:
        return own, Said(ALLOW, f"{text} The agency was told so.", None, None, (*evidence, paper.id)), None
    return own, Said(REQUIRE, f"{text} The agency must be told so.", None, _TOLD, evidence), None


def calls_are_few_enough(asked: Inquiry, given: Values) -> Answer:
    """G60: no more calls than a week allows, and none for days after a conversation.

    The days are counted in universal time, so a call late in the evening counts for the day after. A debt on
    several accounts is counted here by account.
    """
    if not asked.contacts:
        return None
    until: date | None = None
    evidence: tuple[str, ...] = ()
    attempts = [c for c in asked.contacts if is_call_attempt(c.body)]
    most = number(common(given, "calls"))
    if most and len(attempts) >= most:
        counted = attempts[-most:]
        until, evidence = counted[0].at.date() + day_count(common(given, "within_days")), ids_of(counted)
    spoken = [c for c in asked.contacts if is_conversation(c.body)]
    if spoken:
        quiet_until = spoken[-1].at.date() + day_count(common(given, "quiet_days"))
        if until is None or quiet_until >= until:
            until, evidence = quiet_until, (spoken[-1].id,)
    if until is None or asked.as_of >= until:
        return None
    text = f"No call may be made before {until}."
    return Said(ALLOW, text, None, None, evidence), Said(REQUIRE, text, until, None, evidence), None


def time_and_place_suit_the_person(asked: Inquiry, given: Values) -> Answer:
    """G61: calls at decent hours where the person is, and not at times or places that do not suit them."""
    for name, text in _UNSUITED.items() if asked.flags else ():
        if flags := asked.flags.get(name):
            return _to_observe(asked, text, max(f.body.since for f in flags), ids_of(flags))
    if not asked.contacts:
        return None
    first, last = number(common(given, "from_hour")), number(common(given, "until_hour"))
    outside = [
        c
        for c in asked.contacts
        if c.body.local_minutes is not None
        and is_outbound(c.body)
        and medium_of(c.body) == "phone"
        and not first * 60 <= c.body.local_minutes <= last * 60
    ]
    if not outside:
        return None
    text = f"A call was made outside the hours from {first} to {last} o'clock where the person is."
    return _to_observe(asked, text, outside[-1].at.date(), ids_of(outside))


_UNSUITED: Final = {
    "inconvenient_time": "The person named times at which no contact suits them.",
    "inconvenient_place": "The person named places, such as work, at which no contact suits them.",
}


def media_the_person_stopped_are_unused(asked: Inquiry, given: Values) -> Answer:
    """G62: e-mails and texts tell how to stop them, and a medium that was stopped is not used."""
    if not asked.contacts:
        return None
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
    if not stopped and not faults:
        return None
    concerned = sorted([*stopped.values(), *faults], key=lambda c: (c.at, c.id))
    text = f"The person stopped contact by {' and by '.join(sorted(stopped))}." if stopped else ""
    if faults:
        text += " A message was sent that should not have been, or that told no way to stop it."
    return _to_observe(asked, text.strip(), concerned[-1].at.date(), ids_of(concerned))


def machines_call_only_with_consent(asked: Inquiry, given: Values) -> Answer:
    """G63: autodialled or prerecorded calls and texts need consent that still stands, where law allows any.

    A revocation counts after the business days given at the latest.
    """
    automated = [c for c in asked.contacts if c.body.automated is True and is_outbound(c.body)]
    papers = sorted(
        (n for n in asked.account.notices if n.body.kind == "automated_contact_consent"),
        key=lambda n: (n.body.on, n.id),
    )
    revoked = papers[-1] if papers and not papers[-1].body.valid else None
    if not automated and revoked is None:
        return None
    honoured = number(common(given, "revocation_business_days"))
    unlawful = []
    for contact in automated:
        on = contact.at.date()
        given_until = [n for n in papers if n.body.on <= on]
        stands = bool(given_until) and (
            given_until[-1].body.valid
            or (
                any(n.body.valid for n in given_until)
                and on <= business_days_after(given_until[-1].body.on, honoured)
            )
        )
        if not stands or not common(given, "automated_allowed"):
            unlawful.append(contact)
    if unlawful:
        text = "A machine called or wrote without consent that stands."
        return _to_observe(asked, text, unlawful[-1].at.date(), ids_of(unlawful))
    if revoked is None:
        return None
    text = "Consent to calls and texts by machine was revoked."
    return _to_observe(asked, text, revoked.body.on, (revoked.id,))


def nobody_else_hears_of_the_debt(asked: Inquiry, given: Values) -> Answer:
    """G64: messages left and talks with others name neither debt nor health."""
    told = [c for c in asked.contacts if c.body.disclosed is True]
    if not told:
        return None
    text = "Debt or health was named to somebody else, or in a message left."
    return _to_observe(asked, text, told[-1].at.date(), ids_of(told))


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
