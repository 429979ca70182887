"""Whether a resource conforms to FHIR, by the library fhir.resources: advice, never a reason to refuse.

It knows R4B and R5, not R4 4.0.1, checks no required code, and is over a hundred times slower than reading;
so it serves onboarding and tests, and no message waits for it. Source: FHIR R4B, R5 structure definitions.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from adapters.fhir.names import RESOURCES
from schemas.facts import Noted

RELEASES: Final = {"R4B": "fhir.resources.R4B", "R5": "fhir.resources"}
CLAUSE: Final = "fhir.resources"
MOST: Final = 100
"""Findings told of one body."""


def advise(body: bytes, release: str = "R4B") -> list[Noted]:
    """What keeps a body from conforming to a release; empty when it does. Paths and kinds only, no value.

    >>> advise(b'{"resourceType": "Patient", "active": true}')
    []
    >>> [(n.code, n.where) for n in advise(b'{"resourceType": "Patient", "active": "perhaps"}')]
    [('bool_parsing', 'Patient.active')]
    """
    try:
        plain = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return [Noted("error", "not-json", "", "it is not JSON")]
    kind = plain.get("resourceType") if isinstance(plain, dict) else None
    model = _model(kind, release)
    if model is None:
        return [Noted("error", "unknown-resource", "", f"{release} has no such resource")]
    try:
        model.model_validate(plain)
    except ValidationError as error:
        return list(_findings(error, str(kind)))
    except (KeyError, TypeError, ValueError, RecursionError):
        # The library raises these bare for a contained resource it does not know.
        return [Noted("warning", "not-checked", str(kind), "the library could not look at it")]
    return []


def accepts(body: bytes, release: str = "R4B") -> bool:
    """Whether the library takes the body as it is."""
    return not advise(body, release)


def _model(kind: object, release: str) -> Any:
    if not isinstance(kind, str) or kind not in RESOURCES:
        return None
    try:
        module = importlib.import_module(f"{RELEASES[release]}.{kind.lower()}")
    except ModuleNotFoundError:
        return None
    return getattr(module, kind, None)


def _findings(error: ValidationError, kind: str) -> Iterator[Noted]:
    """The library's findings without its texts, which quote the values."""
    for found in error.errors(include_url=False, include_context=False, include_input=False)[:MOST]:
        path = kind
        for step in found["loc"]:
            if isinstance(step, int):
                path += f"[{step}]"
            elif step.isidentifier() and step.isascii() and len(step) <= 64:
                path += f".{step}"
        yield Noted("warning", found["type"], path, "it does not conform here; see the resource's definition")
