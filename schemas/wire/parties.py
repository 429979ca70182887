"""Objects of the native contract that several message types share."""

from __future__ import annotations

from typing import ClassVar

from schemas import facts
from schemas.wire import fields, values
from schemas.wire.fields import Part, Stated


class AccountRef(Stated):
    """A patient account: the facility that bills and its account number."""

    record = facts.AccountRef

    facility = fields.identifier(
        "The facility that bills.", limit=50, required=True, pattern=values.FACILITY_PATTERN
    )
    number = fields.identifier("The facility's account number.", required=True)


class Payer(Stated):
    """Who pays or decides."""

    record = facts.Payer

    id = fields.identifier("The payer's identifier, the same in every message.", required=True)
    name = fields.text("The payer's name, for people.")


class Address(Stated):
    """A postal address."""

    record = facts.Address

    line = fields.text("Street and number.", limit=500)
    city = fields.text("City.")
    state = fields.text("State.", limit=100)
    postal_code = fields.text("Postal code.", limit=20)


class Patient(Stated):
    """The patient."""

    record = facts.Person

    id = fields.identifier("The person's number with the sender.", required=True)
    family = fields.text("Family name.")
    given = fields.text("Given names.")
    birth_date = fields.day("Date of birth.", "birth_on")
    sex = fields.text("Administrative sex.", limit=50)
    language = fields.text("Preferred language.", limit=100)
    address = Part(Address)
    phone = fields.text("Telephone number.", limit=100)
    email = fields.text("Email address.", limit=320)
    deceased_on = fields.day("Date of death.")
    letter_format = fields.text("How letters must come: large print, braille, audio.", limit=100)


class Guarantor(Patient):
    """Who answers for the patient's part."""

    relationship = fields.text("To the patient.", limit=100)
    kind = fields.choice("Who this is.", ("person", "organization"))


class Monetary(Stated):
    """A statement with amounts; their currency may stand here or on the envelope."""

    apart: ClassVar[frozenset[str]] = frozenset({"currency"})

    currency = fields.currency()


class FlaggedBy(Stated):
    """Who placed or lifted a hold."""

    reference = fields.identifier("What the hold is known by.")
    by = fields.text("Who did it.")
    note = fields.text("Why.", limit=2000)
