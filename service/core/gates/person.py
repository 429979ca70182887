"""Is there a person who may be asked? Gates on the patient's and guarantor's standing."""

from __future__ import annotations

from datetime import date
from typing import Final

from schemas.decisions import Verdict
from schemas.facts import AccountFlagged
from service.core.account import Known, service_day
from service.core.gates.asking import Answer, Gate, Inquiry, Parameter, Said, Values, number

HOLD, BLOCK, REQUIRE = Verdict.HOLD, Verdict.BLOCK, Verdict.REQUIRE


def _ids(flags: tuple[Known[AccountFlagged], ...]) -> tuple[str, ...]:
    return tuple(f.id for f in flags)


def no_bankruptcy_stands(asked: Inquiry, given: Values) -> Answer:
    """G50: the automatic stay forbids any act to collect what was owed before the petition."""
    flags = asked.flags.get("bankruptcy")
    if not flags:
        return None
    service = service_day(asked.account)
    petitions = [f.body.petition_on for f in flags]
    if service is not None and all(p is not None and p < service for p in petitions):
        text = "A bankruptcy began before the service; a lawyer must look."
        return Said(HOLD, text, None, "account.cleared bankruptcy", _ids(flags))
    return Said(BLOCK, "A bankruptcy covers this debt.", None, "account.cleared bankruptcy", _ids(flags))


def nobody_concerned_has_died(asked: Inquiry, given: Values) -> Answer:
    """G51: no word that the patient or the guarantor has died."""
    stated = asked.account.registered
    people = (stated.patient, stated.guarantor)
    flags = asked.flags.get("deceased", ())
    if flags or any(p is not None and p.deceased_on is not None for p in people):
        text = "The patient or the guarantor has died; only an estate may be asked."
        return Said(HOLD, text, None, "account.cleared deceased", _ids(flags))
    return None


def guarantor_is_of_age(asked: Inquiry, given: Values) -> Answer:
    """G52: who is asked is of age."""
    if flags := asked.flags.get("minor"):
        return Said(HOLD, "The account concerns a minor.", None, "account.cleared minor", _ids(flags))
    stated = asked.account.registered
    person = stated.guarantor or stated.patient
    if person is None or person.birth_on is None:
        return None
    if _age(person.birth_on, asked.as_of) < number(given["age"][0]):
        text = "Whoever answers for the account is a minor; a guardian must be registered."
        return Said(REQUIRE, text, None, "account.registered with another guarantor")
    return None


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def no_active_duty_needs_review(asked: Inquiry, given: Values) -> Answer:
    """G53: service members are protected against suits."""
    if flags := asked.flags.get("active_duty"):
        text = "The guarantor is on active duty; a lawyer must look."
        return None, None, Said(HOLD, text, None, "account.cleared active_duty", _ids(flags))
    return None


def mail_reaches_the_guarantor(asked: Inquiry, given: Values) -> Answer:
    """G54: no letter came back."""
    if flags := asked.flags.get("returned_mail"):
        text = "Mail came back; a deliverable address is needed."
        return Said(HOLD, text, None, "account.cleared returned_mail", _ids(flags))
    return None


def contact_is_allowed(asked: Inquiry, given: Values) -> Answer:
    """G55: nobody has asked for no contact, and no attorney stands between."""
    if flags := asked.flags.get("cease_contact"):
        text = "The guarantor asked for no contact."
        return Said(BLOCK, text, None, "account.cleared cease_contact", _ids(flags))
    if flags := asked.flags.get("attorney"):
        text = "An attorney represents the guarantor."
        return Said(HOLD, text, None, "account.cleared attorney", _ids(flags))
    return None


_ASKED_ELSEWHERE: Final = frozenset(
    [
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
        "unreadable_claim",
    ]
)


def no_hold_stands(asked: Inquiry, given: Values) -> Answer:
    """G56: no billing, manual or other hold stands; a flag nobody knows holds too."""
    until: date | None = None
    standing: list[Known[AccountFlagged]] = []
    for name, flags in asked.flags.items():
        if name not in _ASKED_ELSEWHERE:
            standing += [f for f in flags if f.body.until is None or asked.as_of < f.body.until]
    if not standing:
        return None
    if all(f.body.until for f in standing):
        until = max(f.body.until for f in standing if f.body.until)
    known = {
        "billing_hold": "billing hold",
        "manual": "manual hold",
        "vip": "hold for review of a protected person",
    }
    names = sorted({known.get(f.body.flag, "hold of an unknown kind") for f in standing})
    ids = tuple(f.id for f in standing)
    return Said(HOLD, f"A {' and a '.join(names)} stands.", until, "account.cleared", ids)


def no_lawsuit_is_open(asked: Inquiry, given: Values) -> Answer:
    """G57: no litigation about this care is open."""
    if flags := asked.flags.get("litigation"):
        text = "A lawsuit about this care is open."
        return Said(BLOCK, text, None, "account.cleared litigation", _ids(flags))
    return None


def nobody_is_endangered_by_contact(asked: Inquiry, given: Values) -> Answer:
    """G58: no safety concern or confidential channel."""
    if flags := asked.flags.get("safety"):
        text = "Contact could endanger somebody; only a confidential channel may be used."
        return Said(HOLD, text, None, "account.cleared safety", _ids(flags))
    return None


GATES: Final = (
    Gate("G50", no_bankruptcy_stands, "No bankruptcy is known."),
    Gate("G51", nobody_concerned_has_died, "No death is known."),
    Gate(
        "G52",
        guarantor_is_of_age,
        "Nothing says that the guarantor is a minor.",
        (Parameter("age", "count", "higher"),),
    ),
    Gate("G53", no_active_duty_needs_review, "No active duty is known."),
    Gate("G54", mail_reaches_the_guarantor, "No returned mail is known."),
    Gate("G55", contact_is_allowed, "Nobody has asked for no contact."),
    Gate("G56", no_hold_stands, "No hold stands."),
    Gate("G57", no_lawsuit_is_open, "No lawsuit is known."),
    Gate("G58", nobody_is_endangered_by_contact, "No safety concern is known."),
)
