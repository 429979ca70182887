"""What happens in collections: contacts, agencies, and what people override by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from schemas.records import swift_init


@swift_init
@dataclass(frozen=True, slots=True)
class ContactLogged:
    """A contact with the guarantor or an attempt at one.

    `local_minutes` are those after midnight where the person was; `automated` an autodialled or prerecorded
    one; `disclosed` that debt or health was named to anybody but the guarantor; `opt_out_offered` that it
    told how to stop.
    """

    channel: str
    direction: str
    disposition: str
    at: datetime
    case_id: str | None = None
    right_party: bool | None = None
    note: str | None = None
    local_minutes: int | None = None
    automated: bool | None = None
    disclosed: bool | None = None
    opt_out_offered: bool | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AgencyReported:
    """What a collections agency says about a placed case."""

    case_id: str
    kind: str
    on: date
    amount_cents: int | None = None
    agency: str | None = None
    note: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class OverrideProposed:
    """What a person proposes to lift: one gate's answer about opening a case, or a hold that a person placed.

    Exactly one of `gate` and `hold` (the id of the fact that placed it) is stated; for a gate also
    `verdict_sha256`, the digest of the very answer that was looked at, its sentence `because`, the patient's
    part `amount_cents` of that day, above which it does not reach, and `until`, the first day on which it no
    longer lifts. `known_as` is how the machine knows the person: `os:<user>` or `key:<id>`.
    """

    by: str
    reason: str
    on: date
    gate: str | None = None
    hold: str | None = None
    until: date | None = None
    verdict_sha256: str | None = None
    because: str | None = None
    amount_cents: int | None = None
    known_as: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class OverrideApproved:
    """A second person approves; `override` is the id of the fact that proposes it."""

    override: str
    by: str
    reason: str
    on: date
    known_as: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class OverrideWithdrawn:
    """A person takes an override back, approved or not; one is enough."""

    override: str
    by: str
    reason: str
    on: date
    known_as: str | None = None
