"""The demo's story: messages about made-up people, with dates counted back from today.

Two accounts of one hospital. Everybody has done their part for both; one's bills are still too young, the
other's are old enough. Then the second one's insurer changes its mind.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from schemas.money import format_cents

FEED: Final = "demo"
HELD: Final = "A1001"
OPENED: Final = "A1002"
BROKEN: Final = "A1003"

PAYER_ID: Final = "1512345678"
PAYER_NAME: Final = "EXAMPLE HEALTH PLAN"

SERVICE_DAYS_AGO: Final = 150
CODED_DAYS_AGO: Final = 146
BILLED_DAYS_AGO: Final = 140
PAID_DAYS_AGO: Final = 110
YOUNG_STATEMENTS: Final = (40, 10)
OLD_STATEMENTS: Final = (95, 65)

CHARGE_CENTS: Final = 60_000
CONTRACT_CENTS: Final = 10_000
DEDUCTIBLE_CENTS: Final = 10_000
COINSURANCE_CENTS: Final = 4_217
PATIENT_CENTS: Final = DEDUCTIBLE_CENTS + COINSURANCE_CENTS

PEOPLE: Final = {
    HELD: {"id": "P1001", "family": "Sample", "given": "Alex", "birth_date": "1984-05-17"},
    OPENED: {"id": "P1002", "family": "Specimen", "given": "Robin", "birth_date": "1971-11-02"},
}


@dataclass(frozen=True, slots=True)
class Decided:
    """One CLP loop to write: amounts in cents; `adjustments` are (group, reason, cents).

    `status` is the claim status code: "1" processed as primary, "22" reversal of an earlier payment.
    """

    number: str
    status: str
    charge_cents: int
    paid_cents: int
    adjustments: tuple[tuple[str, str, int], ...]
    payer_claim_id: str
    corrects: str | None = None


def account_file(number: str, statements: Sequence[int], today: date) -> bytes:
    """All that the hospital says about one account, as one JSON body of several messages.

    `statements` counts days before today, the first statement first.
    """
    service_on = today - timedelta(SERVICE_DAYS_AGO)
    person = {**PEOPLE[number], "address": {"city": "Columbus", "state": "OH", "postal_code": "43215"}}
    payer = {"id": PAYER_ID, "name": PAYER_NAME}
    charge = format_cents(CHARGE_CENTS)
    said: list[tuple[str, int, dict[str, Any]]] = [
        (
            "account.registered",
            SERVICE_DAYS_AGO,
            {
                "patient": person,
                "guarantor": {**person, "relationship": "self"},
                "service_from": str(service_on),
                "service_to": str(service_on),
                "patient_class": "outpatient",
                "facility_kind": "nonprofit_hospital",
            },
        ),
        (
            "coverage.listed",
            SERVICE_DAYS_AGO,
            {"coverages": [{"order": 1, "payer": payer, "kind": "commercial", "member_id": f"M{number}"}]},
        ),
        (
            "charge.posted",
            SERVICE_DAYS_AGO,
            {"charge_id": f"C-{number}", "amount": charge, "service_date": str(service_on)},
        ),
        ("coding.status", CODED_DAYS_AGO, {"status": "complete"}),
        (
            "claim.submitted",
            BILLED_DAYS_AGO,
            {
                "claim_id": number,
                "payer": payer,
                "order": 1,
                "charge": charge,
                "submitted_on": str(today - timedelta(BILLED_DAYS_AGO)),
            },
        ),
    ]
    for position, days_ago in enumerate(statements, 1):
        statement = {
            "number": position,
            "sent_on": str(today - timedelta(days_ago)),
            "amount": format_cents(PATIENT_CENTS),
            "channel": "mail",
            "financial_assistance_notice": True,
        }
        said.append(("statement.sent", days_ago, statement))
    return json.dumps(
        [
            envelope(number, position, type, today - timedelta(days), data)
            for position, (type, days, data) in enumerate(said, 1)
        ]
    ).encode()


def broken_file(today: date) -> bytes:
    """A charge whose amount is no whole number of cents: it waits for a person."""
    data = {"charge_id": "C-1", "amount": "12.345", "service_date": str(today)}
    return json.dumps(envelope(BROKEN, 1, "charge.posted", today, data)).encode()


def envelope(number: str, position: int, type: str, on: date, data: dict[str, Any]) -> dict[str, Any]:
    """One native message."""
    return {
        "schema": "baton/1",
        "type": type,
        "id": f"{number}-{position}",
        "source": "demo-hospital",
        "occurred_at": f"{on}T12:00:00Z",
        "account": {"facility": "GEN", "number": number},
        "data": data,
    }


def first_remittance(number: str, today: date) -> bytes:
    """The insurer paid its part and left a deductible and a coinsurance to the patient."""
    claim = Decided(
        number,
        "1",
        CHARGE_CENTS,
        CHARGE_CENTS - CONTRACT_CENTS - PATIENT_CENTS,
        (("CO", "45", CONTRACT_CENTS), ("PR", "1", DEDUCTIBLE_CENTS), ("PR", "2", COINSURANCE_CENTS)),
        f"{number}X1",
    )
    on = today - timedelta(PAID_DAYS_AGO)
    return remittance([claim], f"EFT{number}1", on, today - timedelta(SERVICE_DAYS_AGO))


def correcting_remittance(number: str, today: date) -> bytes:
    """The insurer takes its decision back and pays the patient's part after all."""
    earlier_paid = CHARGE_CENTS - CONTRACT_CENTS - PATIENT_CENTS
    taken_back = Decided(
        number,
        "22",
        -CHARGE_CENTS,
        -earlier_paid,
        (("CO", "45", -CONTRACT_CENTS), ("PR", "1", -DEDUCTIBLE_CENTS), ("PR", "2", -COINSURANCE_CENTS)),
        f"{number}X1",
    )
    corrected = Decided(
        number,
        "1",
        CHARGE_CENTS,
        CHARGE_CENTS - CONTRACT_CENTS,
        (("CO", "45", CONTRACT_CENTS),),
        f"{number}X2",
        corrects=f"{number}X1",
    )
    on = today - timedelta(1)
    return remittance([taken_back, corrected], f"EFT{number}2", on, today - timedelta(SERVICE_DAYS_AGO))


def remittance(claims: Sequence[Decided], trace: str, paid_on: date, service_on: date) -> bytes:
    """Write an X12 835 whose amounts balance and whose counts are right.

    Source: 005010X221A1; the payment is the sum of the claims' payments, since there is no PLB.
    """
    day, service = f"{paid_on:%Y%m%d}", f"{service_on:%Y%m%d}"
    payment = format_cents(sum(claim.paid_cents for claim in claims))
    body = [
        "ST*835*0001",
        f"BPR*I*{payment}*C*ACH*CCP*01*021000021*DA*123456*{PAYER_ID}**01*071000013*DA*987654*{day}",
        f"TRN*1*{trace}*{PAYER_ID}",
        f"DTM*405*{day}",
        f"N1*PR*{PAYER_NAME}*XV*{PAYER_ID}",
        "N3*1 MAIN ST",
        "N4*COLUMBUS*OH*43215",
        "PER*BL*EDI HELP*TE*8005550100",
        "N1*PE*EXAMPLE HOSPITAL*XX*1234567893",
        "REF*TJ*123456789",
        "LX*1",
    ]
    for claim in claims:
        body += _claim_segments(claim, service)
    body.append(f"SE*{len(body) + 1}*0001")
    envelope_of = [
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{'DEMOPAYER':15}*ZZ*{'DEMOHOSP':15}*{day[2:]}*0830*^*00501*000000001*0*T*:",
        f"GS*HP*DEMOPAYER*DEMOHOSP*{day}*0830*1*X*005010X221A1",
    ]
    return "".join(f"{segment}~\n" for segment in [*envelope_of, *body, "GE*1*1", "IEA*1*000000001"]).encode(
        "ascii"
    )


def _claim_segments(claim: Decided, service: str) -> list[str]:
    reversal = claim.status == "22"
    patient = sum(cents for group, _, cents in claim.adjustments if group == "PR")
    # A reversal states no patient responsibility of its own. Source: 005010X221A1 1.10.2.8.
    stated = "" if reversal else format_cents(patient)
    segments = [
        f"CLP*{claim.number}*{claim.status}*{format_cents(claim.charge_cents)}*{format_cents(claim.paid_cents)}"
        f"*{stated}*12*{claim.payer_claim_id}",
        *(f"CAS*{group}*{code}*{format_cents(cents)}" for group, code, cents in claim.adjustments),
        "NM1*QC*1*SPECIMEN*PAT****MI*W123456789",
    ]
    if claim.corrects:
        segments += ["MOA***MA67", f"REF*F8*{claim.corrects}"]
    segments.append(f"DTM*232*{service}")
    return segments
