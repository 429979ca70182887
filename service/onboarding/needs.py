"""What Baton needs of a feed, where each format carries it, and what a lack of it holds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.census import Census


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that Baton must learn. `kinds` are the facts that tell it; `fields` where a format has it."""

    name: str
    kinds: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]]
    lack: str


@dataclass(slots=True)
class Met:
    """How far samples meet a need: found, partly or missing; `places` are (field, filled, of)."""

    need: Need
    state: str
    facts: int
    places: list[tuple[str, int, int]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "need": self.need.name,
            "state": self.state,
            "facts": self.facts,
            "fields": [{"field": f, "filled": n, "of": of} for f, n, of in self.places],
            "lack": self._lack(),
        }

    def _lack(self) -> str:
        """What a lack holds up; where the fields are there, that nothing could be stated from them yet."""
        if self.state == "found":
            return ""
        if self.state == "partly" and not self.facts and self.need.kinds:
            return f"{FILLED} Until then: {self.need.lack}"
        return self.need.lack


FILLED: Final = "The fields are filled, and nothing could be stated from them yet: see what to write."

ACCOUNT: Final = Need(
    "account number",
    (),
    {
        "hl7v2": ("PID-18", "PID-3", "PV1-19", "PV1-50"),
        "fhir": ("supportingInfo patientaccountnumber", "claim identifier"),
    },
    "a message without one waits for a person: nothing can be said of any account",
)

ZONE: Final = Need(
    "time zone",
    (),
    {"hl7v2": ("MSH-7 offset",)},
    'times state no offset: say where they are: [hl7v2] timezone = "America/New_York"',
)

NEEDS: Final = (
    ACCOUNT,
    Need(
        "guarantor", (), {"hl7v2": ("GT1-2", "GT1-3")},
        "no guarantor: every account holds at G10, nobody is known to answer for it",
    ),
    Need(
        "payers", ("coverage.listed",), {"hl7v2": ("IN1-3", "IN1-2"), "fhir": ("insurance.coverage",)},
        "no list of payers: every account holds at G03 until one comes, from this feed or another",
    ),
    Need(
        "payer order", ("coverage.listed",), {"hl7v2": ("IN1-22", "IN1-1"), "fhir": ("Coverage.order",)},
        "no IN1-22 and no IN1-1: payer order unknown, every account will hold at G03",
    ),
    Need(
        "kind of plan", (), {"hl7v2": ("IN1-15",)},
        "the kind of a plan is not stated: G13 holds until a decision of that payer or the mapping tells it",
    ),
    Need(
        "charges", ("charge.posted",), {"hl7v2": ("FT1-11 or FT1-12", "FT1-2", "FT1-4", "FT1-6")},
        "no charges: the balance is not known here (G01, G06); send DFT^P03 or charge.posted by another feed",
    ),
    Need(
        "payers' decisions", ("claim.adjudicated",), {"fhir": ("insurer",)},
        "no adjudication: G03 holds; send the 835 (or FHIR ExplanationOfBenefit) by another feed",
    ),
    Need(
        "payments", ("payment.posted",), {},
        "no patient payments: what was paid is still asked for; send DFT^P03 or payment.posted",
    ),
    Need(
        "coding", ("coding.status",), {},
        "nothing says that coding is complete: G06 holds; send coding.status by another feed",
    ),
    Need(
        "statements", ("statement.sent",), {},
        "no statements: G40 and G41 are never met; send statement.sent (HL7 v2 has no message for it)",
    ),
    ZONE,
)  # fmt: skip


def met(
    formats: Sequence[str],
    census: Mapping[str, Census],
    facts: Mapping[str, int],
    unread: Mapping[str, int],
    accounts: int,
) -> list[Met]:
    """How far samples of these formats meet each need; `unread` counts what would wait, by code."""
    made = []
    for need in NEEDS:
        places = [
            (name, census[f].fields[name], census[f].of[name])
            for f in formats
            if f in census
            for name in need.fields.get(f, ())
        ]
        if need is ACCOUNT:
            made.append(Met(need, _account_state(accounts, unread), accounts, places))
        elif need.kinds or places:
            count = sum(facts.get(kind, 0) for kind in need.kinds)
            made.append(Met(need, _state(need, count, places), count, places))
    return made


def _account_state(accounts: int, unread: Mapping[str, int]) -> str:
    if not accounts:
        return "missing"
    return "partly" if unread.get("account-missing") else "found"


def _state(need: Need, count: int, places: Sequence[tuple[str, int, int]]) -> str:
    some = any(filled for _, filled, _ in places)
    whole = bool(count) if need.kinds else any(of and filled == of for _, filled, of in places)
    return "found" if whole else "partly" if some else "missing"
