"""Made-up accounts as a billing system would tell of them: seven messages each, many accounts interleaved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Final, NamedTuple

from schemas.money import format_cents

STEPS: Final = 7
CASE_EVERY: Final = 5
"""One account in five ends in collections; the others are paid, too small or too recent."""

BODY_BYTES: Final = 1024
"""Every message is at least this long: indented as senders write JSON, then filled up with blanks."""

FAMILIES: Final = ("Abbot", "Birch", "Castle", "Dale", "Elm", "Farrow", "Glen", "Heath", "Ives", "Jarrow")


class Step(NamedTuple):
    """One message of one account: `number` counts accounts from 0, `step` its messages from 0."""

    number: int
    step: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be there when everything was taken in; a run that ends elsewhere is wrong, not fast."""

    messages: int
    accounts: int
    cases: int
    case_cents: int


@dataclass(frozen=True, slots=True)
class Workload:
    """Whole accounts, at least `wanted` messages. The same seed, day and prefix give the same bytes."""

    wanted: int
    today: date
    seed: int = 1
    prefix: str = "B"

    @property
    def accounts(self) -> int:
        """How many accounts it tells of."""
        return max(1, -(-self.wanted // STEPS))

    def steps(self) -> list[Step]:
        """Every message in the order it is sent: in order for each account, and far apart among others.

        The last message of all opens a case, so that the last case event ends the work.
        """
        # No secret depends on it: the same seed must give the same order.
        random = Random(self.seed)  # noqa: S311
        timed: list[tuple[float, int, int]] = []
        for number in range(self.accounts):
            at = random.random()
            for step in range(STEPS):
                timed.append((at, number, step))
                at += random.uniform(0.05, 0.15)
        timed.sort()
        last = timed[-1][1]
        return [Step((number - last) % self.accounts, step) for _, number, step in timed]

    def bodies(self) -> Iterator[bytes]:
        """The messages themselves."""
        return (self.body(step) for step in self.steps())

    def expected(self) -> Expected:
        """What Baton must have made of it."""
        cases = range(0, self.accounts, CASE_EVERY)
        return Expected(
            self.accounts * STEPS, self.accounts, len(cases), sum(patient_cents(number) for number in cases)
        )

    def account(self, number: int) -> str:
        """The account's number at the facility."""
        return f"{self.prefix}{number:07d}"

    def body(self, step: Step) -> bytes:
        """One message."""
        type, day, data = _STEPS[step.step](step.number, self.today)
        envelope = {
            "schema": "baton/1",
            "type": type,
            "id": f"{self.account(step.number)}-{step.step}",
            "source": "bench",
            "occurred_at": f"{day.isoformat()}T{8 + step.step:02d}:00:00Z",
            "account": {"facility": "GEN", "number": self.account(step.number)},
            "data": data,
        }
        return json.dumps(envelope, indent=2).encode().ljust(BODY_BYTES)


Told = tuple[str, date, dict[str, Any]]


def patient_cents(number: int) -> int:
    """The patient's part: 13.00 to 22.00 where it stays too small, else 142.17 and more."""
    if number % CASE_EVERY == 1:
        return 1300 + number % 10 * 100
    return 14217 + number % 97 * 100


def _charge_cents(number: int) -> int:
    return 60000 + number % 389 * 100


def _before(today: date, days: int) -> date:
    return today - timedelta(days=days)


def _registered(number: int, today: date) -> Told:
    person = {
        "id": f"P{number}",
        "family": FAMILIES[number % len(FAMILIES)],
        "given": "Sample",
        "birth_date": f"19{50 + number % 50}-0{1 + number % 9}-1{number % 10}",
        "language": "en",
        "address": {
            "line": f"{number % 900 + 1} Main St",
            "city": "Springfield",
            "state": "OH",
            "postal_code": "45501",
        },
        "phone": "555-0100",
    }
    day = _before(today, 200)
    data = {
        "patient": person,
        "guarantor": person | {"relationship": "self"},
        "service_from": day.isoformat(),
        "service_to": day.isoformat(),
        "patient_class": "outpatient",
        "facility_kind": "hospital",
    }
    return "account.registered", day, data


def _covered(number: int, today: date) -> Told:
    coverage = {"order": 1, "payer": _payer(number), "kind": "commercial", "member_id": f"M{number}"}
    return "coverage.listed", _before(today, 200), {"coverages": [coverage]}


def _charged(number: int, today: date) -> Told:
    day = _before(today, 200)
    data = {
        "charge_id": "C1",
        "amount": format_cents(_charge_cents(number)),
        "service_date": day.isoformat(),
        "code": {"system": "cpt", "value": "99223"},
        "units": "1",
    }
    return "charge.posted", day, data


def _coded(number: int, today: date) -> Told:
    return "coding.status", _before(today, 195), {"status": "complete"}


def _adjudicated(number: int, today: date) -> Told:
    day = _before(today, 120)
    charge, patient, contractual = _charge_cents(number), patient_cents(number), 10000
    deductible = min(10000, patient)
    adjustments = [("CO", "45", contractual), ("PR", "1", deductible), ("PR", "2", patient - deductible)]
    line = {
        "line": 1,
        "procedure": "99223",
        "service_date": _before(today, 200).isoformat(),
        "charge": format_cents(charge),
        "paid": format_cents(charge - patient - contractual),
        "adjustments": [{"group": g, "code": c, "amount": format_cents(a)} for g, c, a in adjustments if a],
    }
    data = {
        "claim_id": f"CL{number}",
        "payer_claim_id": f"PC{number}",
        "payer": _payer(number),
        "order": 1,
        "status": "1",
        "adjudicated_on": day.isoformat(),
        "charge": line["charge"],
        "paid": line["paid"],
        "patient_responsibility": format_cents(patient),
        "remittance": {"trace": f"EFT{number // 50}", "payment_date": day.isoformat()},
        "lines": [line],
    }
    return "claim.adjudicated", day, data


def _first_statement(number: int, today: date) -> Told:
    return _statement(number, today, 1, 20 if number % CASE_EVERY == 2 else 100)


def _last(number: int, today: date) -> Told:
    """The seventh message: a second statement, or for two accounts in five the patient's payment."""
    if number % CASE_EVERY in (3, 4):
        day = _before(today, 60)
        data = {
            "payment_id": "PAY1",
            "amount": format_cents(patient_cents(number)),
            "from": "patient",
            "received_on": day.isoformat(),
            "method": "card",
        }
        return "payment.posted", day, data
    return _statement(number, today, 2, 5 if number % CASE_EVERY == 2 else 65)


def _statement(number: int, today: date, which: int, days_ago: int) -> Told:
    day = _before(today, days_ago)
    data = {
        "number": which,
        "sent_on": day.isoformat(),
        "amount": format_cents(patient_cents(number)),
        "channel": "mail",
        "language": "en",
        "financial_assistance_notice": True,
        "delivered": True,
    }
    return "statement.sent", day, data


def _payer(number: int) -> dict[str, str]:
    return {"id": f"6005{number % 4}", "name": f"Example Health {number % 4}"}


_STEPS: Final = (_registered, _covered, _charged, _coded, _adjudicated, _first_statement, _last)
