"""What the FHIR tests share: reading bytes, a plain form of what was read, and resources to start from."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.fhir import Mapping, read, read_stream
from schemas.facts import Body, ClaimAdjudicated, Fact, Item, Noted, Rejected, Tally

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HERE = Path(__file__).parent
PAIRS = sorted(path for path in HERE.glob("*.*json") if not path.name.endswith(".facts.json"))

ADJUDICATION = "http://terminology.hl7.org/CodeSystem/adjudication"
C4BB = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication"
CARC = "https://x12.org/codes/claim-adjustment-reason-codes"
GROUP = "https://x12.org/codes/claim-adjustment-group-codes"
RARC = "https://x12.org/codes/remittance-advice-remark-codes"
SUPPORTING = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBSupportingInfoType"
IDENTIFIER = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType"

_BASE = {"submitted", "eligible", "benefit", "deductible", "copay", "unallocdeduct"}


def items_of(body: bytes | dict[str, Any], mapping: Mapping | None = None) -> list[Item]:
    raw = body if isinstance(body, bytes) else written(body)
    return list(read(raw, feed="ehr", facility="GEN", received_at=NOW, mapping=mapping))


def items_in_chunks(body: bytes, size: int) -> list[Item]:
    def chunks() -> Iterator[bytes]:
        return (body[at : at + size] for at in range(0, len(body), size))

    return list(read_stream(chunks, feed="ehr", facility="GEN", received_at=NOW))


def claims_of(items: list[Item]) -> list[ClaimAdjudicated]:
    return [item.body for item in items if isinstance(item, Fact) and isinstance(item.body, ClaimAdjudicated)]


def bodies_of(items: list[Item]) -> list[Body]:
    return [item.body for item in items if isinstance(item, Fact)]


def facts_of(items: list[Item]) -> list[Fact]:
    return [item for item in items if isinstance(item, Fact)]


def parked_of(items: list[Item]) -> list[tuple[str, str]]:
    return [(item.code, item.where) for item in items if isinstance(item, Rejected)]


def noted_of(items: list[Item]) -> list[str]:
    return [item.code for item in items if isinstance(item, Noted)]


def tally_of(items: list[Item]) -> Tally:
    assert isinstance(items[-1], Tally)
    assert sum(isinstance(item, Tally) for item in items) == 1
    return items[-1]


def plain(items: list[Item]) -> dict[str, Any]:
    """Facts, findings and parked parts as they stand in a `.facts.json`."""
    out: dict[str, Any] = {"facts": [], "findings": [], "parked": []}
    for item in items:
        if isinstance(item, Fact):
            content = json.loads(item.content)
            content["key"] = content["key"].rpartition("|")[0]  # the rest is a digest: tested for itself
            out["facts"].append({**content, "where": item.where})
        elif isinstance(item, Noted):
            out["findings"].append([item.severity, item.code, item.where])
        elif isinstance(item, Rejected):
            out["parked"].append([item.code, item.where, item.account.number if item.account else None])
        else:
            out["tally"] = {name: value for name, value in dataclasses.asdict(item).items() if value}
    return out


class Amount:
    """A number that is written exactly as it was given."""

    def __init__(self, text: str) -> None:
        self.text = text


def written(value: Any) -> bytes:
    """JSON text in which amounts keep their digits."""
    texts: list[str] = []

    def mark(amount: Any) -> str:
        texts.append(amount.text)
        return f"@@{len(texts) - 1}@@"

    made = json.dumps(value, default=mark)
    for at, text in enumerate(texts):
        made = made.replace(f'"@@{at}@@"', text, 1)
    return made.encode()


def money(text: str) -> dict[str, Any]:
    return {"value": Amount(text), "currency": "USD"}


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def entry(category: str, amount: str | None, *reason: tuple[str, str]) -> dict[str, Any]:
    """One adjudication or total: a category, its amount, and the codings of its reason."""
    system = ADJUDICATION if category in _BASE else C4BB
    made: dict[str, Any] = {"category": concept(system, category)}
    if amount is not None:
        made["amount"] = money(amount)
    if reason:
        made["reason"] = {"coding": [{"system": where, "code": code} for where, code in reason]}
    return made


def x12(group: str, code: str, amount: str) -> dict[str, Any]:
    """An adjustment with its X12 group and reason."""
    return entry("adjustmentreason", amount, (GROUP, group), (CARC, code))


def eob(account: str = "A1", **changes: Any) -> dict[str, Any]:
    """600.00 charged, 357.83 paid, 100.00 contractual, 142.17 the patient's, in CARIN categories."""
    made: dict[str, Any] = {
        "resourceType": "ExplanationOfBenefit",
        "id": "eob-1",
        "status": "active",
        "use": "claim",
        "type": concept("http://terminology.hl7.org/CodeSystem/claim-type", "professional"),
        "patient": {"reference": "Patient/1"},
        "created": "2026-03-14T00:00:00Z",
        "insurer": {"identifier": {"value": "60054"}, "display": "Example Health"},
        "provider": {"reference": "Organization/hospital"},
        "outcome": "complete",
        "precedence": 1,
        "identifier": [{"type": concept(IDENTIFIER, "uc"), "system": "https://payer.example", "value": "N1"}],
        "supportingInfo": [
            {"sequence": 1, "category": concept(SUPPORTING, "patientaccountnumber"), "valueString": account}
        ],
        "insurance": [{"focal": True, "coverage": {"reference": "Coverage/1"}}],
        "item": [
            {
                "sequence": 1,
                "productOrService": concept("http://www.ama-assn.org/go/cpt", "99223"),
                "servicedDate": "2026-03-01",
                "adjudication": [
                    entry("submitted", "600.00"),
                    entry("eligible", "500.00"),
                    entry("deductible", "100.00"),
                    entry("coinsurance", "42.17"),
                    entry("benefit", "357.83"),
                ],
            }
        ],
        "total": [
            entry("submitted", "600.00"),
            entry("benefit", "357.83"),
            entry("memberliability", "142.17"),
        ],
        "payment": {
            "date": "2026-03-14",
            "amount": money("357.83"),
            "identifier": {"value": "EFT123"},
        },
    }
    made |= changes
    return {name: value for name, value in made.items() if value is not None}


def bundle(*resources: dict[str, Any], kind: str = "collection", **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    made["entry"] = [{"resource": copy.deepcopy(resource)} for resource in resources]
    return made | changes
