"""What a sender's FHIR holds where the standard leaves it to the site: for connecting a feed.

Identifier systems, categories and kinds of cover are counted; nothing that names a person is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from schemas.census import Census

DECISIONS: Final = ("ExplanationOfBenefit", "ClaimResponse")
DEEPEST: Final = 5


def take(body: bytes, census: Census) -> None:
    """Count one body's resources into a census. Never raises for any bytes."""
    for plain in _documents(body):
        for resource in _resources(plain, 0):
            kind = resource.get("resourceType")
            if isinstance(kind, str) and len(kind) <= 64:
                census.kinds[kind] += 1
                _take_resource(kind, resource, census)


def _documents(body: bytes) -> Iterator[Any]:
    try:
        yield json.loads(body)
    except (ValueError, RecursionError):
        for line in body.splitlines():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                continue


def _resources(plain: Any, deep: int) -> Iterator[dict[str, Any]]:
    if not isinstance(plain, dict) or deep > DEEPEST:
        return
    if plain.get("resourceType") == "Bundle":
        for entry in _list(plain.get("entry")):
            yield from _resources(entry.get("resource"), deep + 1)
        return
    yield plain


def _take_resource(kind: str, resource: dict[str, Any], census: Census) -> None:
    if kind in DECISIONS:
        numbers = {
            code
            for info in _list(resource.get("supportingInfo"))
            for code, _ in _codings(info.get("category"))
        }
        census.see("supportingInfo patientaccountnumber", "patientaccountnumber" in numbers)
        claim = resource.get("claim") if kind == "ExplanationOfBenefit" else resource.get("request")
        census.see("claim identifier", isinstance(claim, dict) and claim.get("identifier"))
        census.see("insurer", resource.get("insurer"))
        census.see("insurance.coverage", _list(resource.get("insurance")))
        for line in [resource, *_list(resource.get("item"))]:
            for amount in _list(line.get("adjudication")):
                for code, system in _codings(amount.get("category")):
                    census.code("adjudication category", f"{system}|{code}" if system else code)
    if kind in (*DECISIONS, "Account", "Claim"):
        for identifier in _list(resource.get("identifier")):
            census.code(f"{kind} identifier.system", str(identifier.get("system") or ""))
    if kind == "Coverage":
        census.see("Coverage.order", resource.get("order"))
        for code, _ in _codings(resource.get("type")):
            census.code("Coverage.type", code)


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _codings(concept: Any) -> Iterator[tuple[str, str]]:
    if isinstance(concept, dict):
        for coding in _list(concept.get("coding")):
            code, system = coding.get("code"), coding.get("system")
            if isinstance(code, str):
                yield code, system if isinstance(system, str) else ""
