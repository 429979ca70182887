"""Is there a person who may be asked? Gates on the patient's and guarantor's standing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from schemas.decisions import Verdict
from schemas.facts import AccountFlagged
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
    ids_of,
    number,
)

HOLD, BLOCK, REQUIRE = Verdict.HOLD, Verdict.BLOCK, Verdict.REQUIRE


def no_bankruptcy_stands(asked: Inquiry, given: Values) -> Answer:
    """G50: the automatic stay forbids any act to collect what was owed before the petition."""
    flags = asked.flags.get("bankruptcy")
    if not flags:
        return None
    service = service_day(asked.account)
    petitions = [f.body.petition_on for f in flags]
    if service is not None and all(p is not None and p < service for p in petitions):
        text = "A bankruptcy began before the service; a lawyer must look."
        return Said(HOLD, text, None, "account.cleared bankruptcy", ids_of(flags))
    return Said(BLOCK, "A bankruptcy covers this debt.", None, "account.cleared bankruptcy", ids_of(flags))


def nobody_concerned_has_died(asked: Inquiry, given: Values) -> Answer:
    """G51: no word that the patient or the guarantor has died; if so, the family is left in peace for a time,
    and then only whoever answers for the estate may be asked. No relative is liable by being one.
    """
    stated = asked.account.registered
    people = (stated.patient, stated.guarantor)
    flags = asked.flags.get("deceased", ())
    days = [p.deceased_on for p in people if p is not None and p.deceased_on is not None]
    days += [f.body.since for f in flags]
    if not days:
        return None
    until = max(days) + day_count(common(given, "condolence_days"))
    if asked.as_of < until:
        text = "The patient or the guarantor has died; the family is left in peace."
        return Said(HOLD, text, until, "account.cleared deceased", ids_of(flags))
    if stated.guarantor is not None and (
        (stated.guarantor.relationship or "").strip().casefold() in _ANSWERS_FOR_THE_ESTATE
    ):
        return Said(Verdict.ALLOW, "Whoever answers for the estate is registered.", None, None, ids_of(flags))
    text = "The patient or the guarantor has died; only whoever answers for the estate may be asked."
    return Said(REQUIRE, text, None, "account.registered with an executor as guarantor", ids_of(flags))


_ANSWERS_FOR_THE_ESTATE: Final = frozenset(
    {"executor", "executrix", "administrator", "personal representative", "personal_representative", "estate"}
)


def guarantor_is_of_age(asked: Inquiry, given: Values) -> Answer:
    """G52: who is asked is of age, and no parent hears of care that a minor agreed to alone."""
    if flags := asked.flags.get("minor_consented_care"):
        text = "A minor agreed to this care alone and in confidence; no parent may be written to."
        return Said(BLOCK, text, None, "account.cleared minor_consented_care", ids_of(flags))
    if flags := asked.flags.get("minor"):
        return Said(HOLD, "The account concerns a minor.", None, "account.cleared minor", ids_of(flags))
    stated = asked.account.registered
    person = stated.guarantor or stated.patient
    if person is None or person.birth_on is None:
        return None
    if _age(person.birth_on, asked.as_of) < number(common(given, "age")):
        text = "Whoever answers for the account is a minor; a guardian must be registered."
        return Said(REQUIRE, text, None, "account.registered with another guarantor")
    return None


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def no_active_duty_needs_review(asked: Inquiry, given: Values) -> Answer:
    """G53: service members are protected against suits."""
    if flags := asked.flags.get("active_duty"):
        text = "The guarantor is on active duty; a lawyer must look."
        return None, None, Said(HOLD, text, None, "account.cleared active_duty", ids_of(flags))
    return None


def mail_reaches_the_guarantor(asked: Inquiry, given: Values) -> Answer:
    """G54: no letter came back."""
    if flags := asked.flags.get("returned_mail"):
        text = "Mail came back; a deliverable address is needed."
        return Said(HOLD, text, None, "account.cleared returned_mail", ids_of(flags))
    return None


def contact_is_allowed(asked: Inquiry, given: Values) -> Answer:
    """G55: nobody has asked for no contact, and no attorney stands between."""
    if flags := asked.flags.get("cease_contact"):
        text = "The guarantor asked for no contact."
        return Said(BLOCK, text, None, "account.cleared cease_contact", ids_of(flags))
    if flags := asked.flags.get("attorney"):
        text = "An attorney represents the guarantor."
        return Said(HOLD, text, None, "account.cleared attorney", ids_of(flags))
    return None


ASKED_ELSEWHERE: Final = frozenset(
    [
        "identity_event",
        "settled",
        "discharged",
        "donated",
        "hospice",
        "tribal_care",
        "crime_victim",
        "forensic_exam",
        "itemization_request",
        "coding_review",
        "minor_consented_care",
        "homeless",
        "disaster_area",
        "incarcerated",
        "inconvenient_time",
        "inconvenient_place",
        "dispute",
        "complaint",
        "appeal",
        "attorney",
        "litigation",
        "bankruptcy",
        "deceased",
        "minor",
        "active_duty",
        "custody",
        "coding_hold",
        "late_charge_hold",
        "charge_audit",
        "surprise_billing_protected",
        "estimate_dispute",
        "identity_theft",
        "safety",
        "returned_mail",
        "cease_contact",
        "third_party_liability",
        "medicaid_pending",
    ]
)


def no_hold_stands(asked: Inquiry, given: Values) -> Answer:
    """G56: no billing, manual or other hold stands; a flag nobody knows holds too.

    A hold that a person placed runs to its last day and at most the days given; after those it lifts nothing,
    but a person must release it or place it anew. A flag of an unknown kind has no such end.
    """
    most = day_count(common(given, "max_days"))
    holding: list[Known[AccountFlagged]] = []
    overdue: list[Known[AccountFlagged]] = []
    for name, flags in asked.flags.items():
        if name not in ASKED_ELSEWHERE:
            for flag in flags:
                if flag.body.until is None or asked.as_of < flag.body.until:
                    ended = name in _PLACED_BY_A_PERSON and asked.as_of >= flag.body.since + most
                    (overdue if ended else holding).append(flag)
    if holding:
        until = _last([_end(flag, most) for flag in holding])
        text = f"A {_names(holding)} stands."
        return Said(HOLD, text, until, "account.cleared", ids_of([*holding, *overdue]))
    if not overdue:
        return None
    text = f"A {_names(overdue)} has run its {most.days} days; a person must release or renew it."
    return Said(REQUIRE, text, _last([f.body.until for f in overdue]), "account.cleared", ids_of(overdue))


def _end(flag: Known[AccountFlagged], most: timedelta) -> date | None:
    if flag.body.flag not in _PLACED_BY_A_PERSON:
        return flag.body.until
    review_on = flag.body.since + most
    return review_on if flag.body.until is None else min(flag.body.until, review_on)


def _last(days: list[date | None]) -> date | None:
    """The last of these days; None where one never comes."""
    return None if None in days else max(d for d in days if d is not None)


def _names(flags: list[Known[AccountFlagged]]) -> str:
    return " and a ".join(
        sorted({_PLACED_BY_A_PERSON.get(f.body.flag, "hold of an unknown kind") for f in flags})
    )


_PLACED_BY_A_PERSON: Final = {
    "billing_hold": "billing hold",
    "manual": "manual hold",
    "vip": "hold for review of a protected person",
}


def no_lawsuit_is_open(asked: Inquiry, given: Values) -> Answer:
    """G57: no litigation about this care is open."""
    if flags := asked.flags.get("litigation"):
        text = "A lawsuit about this care is open."
        return Said(BLOCK, text, None, "account.cleared litigation", ids_of(flags))
    return None


def nobody_is_endangered_by_contact(asked: Inquiry, given: Values) -> Answer:
    """G58: no safety concern or confidential channel."""
    if flags := asked.flags.get("safety"):
        text = "Contact could endanger somebody; only a confidential channel may be used."
        return Said(HOLD, text, None, "account.cleared safety", ids_of(flags))
    return None


def letters_can_be_read(asked: Inquiry, given: Values) -> Answer:
    """G59: letters came in the language and the form that the person reads; others start no clock."""
    if not asked.unread or not common(given, "readable_letters"):
        return None
    if asked.delivered:
        ids = ids_of(asked.delivered)
        return Said(Verdict.ALLOW, "Letters came in the language and form asked for.", None, None, ids)
    text = "No statement came in the language or form that the guarantor reads."
    return Said(
        REQUIRE, text, asked.next_statement_on, "statement.sent in that language", ids_of(asked.unread)
    )


def no_hardship_of_place_is_known(asked: Inquiry, given: Values) -> Answer:
    """G5A: nobody is asked in prison, without a home, or where a disaster was declared."""
    if not asked.flags:
        return None
    homeless, step = asked.flags.get("homeless"), asked.account.assistance
    refused = (step.id,) if step is not None and step.body.state == "denied" else ()
    if homeless and not refused:
        text = "The patient has no home; charity care is looked for first."
        lifted = "assistance.changed denied, or account.cleared homeless"
        return Said(HOLD, text, None, lifted, ids_of(homeless))
    if flags := asked.flags.get("incarcerated"):
        text = "The guarantor is in prison."
        return Said(HOLD, text, None, "account.cleared incarcerated", ids_of(flags))
    least = day_count(common(given, "disaster_days"))
    standing = [
        (f, max(f.body.since + least, f.body.until or date.min)) for f in asked.flags.get("disaster_area", ())
    ]
    standing = [(f, until) for f, until in standing if asked.as_of < until]
    if standing:
        text = "The guarantor lives where a disaster was declared."
        until = max(until for _, until in standing)
        return Said(HOLD, text, until, "account.cleared disaster_area", ids_of(f for f, _ in standing))
    text = "Assistance was looked for and refused."
    return Said(Verdict.ALLOW, text, None, None, refused) if homeless else None


GATES: Final = (
    Gate("G50", no_bankruptcy_stands, "No bankruptcy is known."),
    Gate(
        "G51",
        nobody_concerned_has_died,
        "No death is known.",
        (Parameter("condolence_days", "days", "higher"),),
    ),
    Gate(
        "G52",
        guarantor_is_of_age,
        "Nothing says that the guarantor is a minor.",
        (Parameter("age", "count", "higher"),),
    ),
    Gate("G53", no_active_duty_needs_review, "No active duty is known."),
    Gate("G54", mail_reaches_the_guarantor, "No returned mail is known."),
    Gate("G55", contact_is_allowed, "Nobody has asked for no contact."),
    Gate("G56", no_hold_stands, "No hold stands.", (Parameter("max_days", "days", "higher"),)),
    Gate("G57", no_lawsuit_is_open, "No lawsuit is known."),
    Gate("G58", nobody_is_endangered_by_contact, "No safety concern is known."),
    Gate(
        "G59",
        letters_can_be_read,
        "Letters need no other language or form, or came in it.",
        (Parameter("readable_letters", "flag", "true"),),
    ),
    Gate(
        "G5A",
        no_hardship_of_place_is_known,
        "No prison, homelessness or disaster is known.",
        (Parameter("disaster_days", "days", "higher"),),
    ),
)
