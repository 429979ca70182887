"""Whom facts are about: accounts, people and payers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from schemas.records import swift_init


@swift_init
@dataclass(frozen=True, slots=True, order=True)
class AccountRef:
    """The patient account: the facility that bills and its account number (PID-18, CLP01)."""

    facility: str
    number: str

    def __str__(self) -> str:
        return f"{self.facility}/{self.number}"


@swift_init
@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as the sender wrote it."""

    line: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class Person:
    """A patient or guarantor; `relationship` is the guarantor's to the patient.

    `kind` is person or organization; `letter_format` is how letters must come (large print, braille, audio),
    None for plain print.
    """

    id: str | None = None
    family: str | None = None
    given: str | None = None
    birth_on: date | None = None
    sex: str | None = None
    language: str | None = None
    address: Address | None = None
    phone: str | None = None
    email: str | None = None
    deceased_on: date | None = None
    relationship: str | None = None
    kind: str | None = None
    letter_format: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays or decides: an identifier that is stable across formats, and a name for people."""

    id: str
    name: str | None = None
