"""What Baton answers in FHIR: OperationOutcome, the response Bundle, and its CapabilityStatement.

Nothing of a message is repeated: codes, paths and advice only.
Source: FHIR R4 2.21 OperationOutcome, 2.36 Bundle, 2.1.0.8 and 5.3 CapabilityStatement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.fhir.elements import Node
from adapters.fhir.names import RESOURCES
from adapters.fhir.reading import TYPES
from schemas.errors import MessageRejected
from schemas.wire.strict_json import parse_exact

CODE_SYSTEM: Final = "urn:baton:problem"
RELEASED_ON: Final = "2026-11-25"
FHIR_VERSION: Final = "4.0.1"
_RESPONSE: Final = {"transaction": "transaction-response", "batch": "batch-response"}

_ISSUE: Final = {
    "wrong-type": "structure",
    "not-json": "structure",
    "not-utf8": "structure",
    "too-deep": "structure",
    "not-a-resource": "structure",
    "duplicate-key": "structure",
    "unknown-resource": "invalid",
    "resource-not-read": "not-supported",
    "delete-not-taken": "not-supported",
    "too-large": "too-long",
    "too-many": "too-costly",
    "too-many-parts": "too-costly",
    "duplicate": "duplicate",
    "account-missing": "required",
    "use-missing": "required",
    "payer-missing": "required",
    "date-missing": "required",
    "charge-missing": "required",
    "paid-missing": "required",
    "amount-missing": "required",
    "number-missing": "required",
    "no-resource": "required",
    "amount-unreadable": "value",
    "amount-not-whole-cents": "value",
    "date-unreadable": "value",
    "text-unreadable": "value",
    "status-unknown": "code-invalid",
    "outcome-unknown": "code-invalid",
    "adjustment-group": "code-invalid",
    "key-missing": "login",
    "key-refused": "login",
    "scope-missing": "forbidden",
    "stored": "informational",
    "received": "informational",
}
"""Our codes to FHIR's IssueType; what is not listed is `processing`."""

_ENTRY: Final = re.compile(r"Bundle\.entry\[([0-9]+)\]")
_PATH: Final = re.compile(r"[A-Za-z]\w*(\[[0-9]+\])?(\.[A-Za-z]\w*(\[[0-9]+\])?)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to say: severity, our code, where it is (a path or empty), and what to do."""

    severity: str
    code: str
    where: str
    advice: str

    def plain(self) -> Node:
        """As an OperationOutcome.issue."""
        made: Node = {
            "severity": self.severity,
            "code": _ISSUE.get(self.code, "processing"),
            "details": {"coding": [{"system": CODE_SYSTEM, "code": self.code}], "text": self.code},
            "diagnostics": self.advice,
        }
        if _PATH.fullmatch(self.where):
            made["expression"] = [self.where]
        elif self.where:
            made["diagnostics"] = f"{self.where}: {self.advice}"
        return made


@dataclass(frozen=True, slots=True)
class Peek:
    """What a body is at first sight: its resource type, and for a Bundle how many entries it has.

    `bundle_type` is transaction or batch, whose entries are answered one by one; None for any other.
    """

    kind: str
    bundle_type: str | None = None
    entries: int = 0


def peek(body: bytes) -> Peek:
    """Look at a body before it is taken: whether it is one FHIR resource at all.

    >>> peek(b'{"resourceType": "Bundle", "type": "batch", "entry": [{}]}')
    Peek(kind='Bundle', bundle_type='batch', entries=1)

    Raises:
        MessageRejected: not JSON, or no resource of FHIR.
    """
    value, _ = parse_exact(body)
    kind = value.get("resourceType") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise MessageRejected("not-a-resource", "write one FHIR resource: an object with a resourceType")
    if kind not in RESOURCES:
        raise MessageRejected(
            "unknown-resource", "the resourceType is no FHIR resource; check how it is written"
        )
    if kind != "Bundle":
        return Peek(kind)
    bundle_type, entries = value.get("type"), value.get("entry")
    told = bundle_type if isinstance(bundle_type, str) and bundle_type in _RESPONSE else None
    return Peek(kind, told, len(entries) if isinstance(entries, list) else 0)


def outcome(issues: Iterable[Issue]) -> Node:
    """An OperationOutcome of at least one issue."""
    made = [issue.plain() for issue in issues]
    return {"resourceType": "OperationOutcome", "issue": made}


def response(seen: Peek, issues: Sequence[Issue], status: str) -> Node:
    """The answer to a Bundle: for a transaction or batch one entry each, else an outcome.

    `status` is an entry's HTTP status where nothing of it waits for a person.
    """
    kind = _RESPONSE.get(seen.bundle_type or "")
    whole = [issue for issue in issues if not _ENTRY.match(issue.where)]
    if kind is None or (whole and any(issue.severity == "error" for issue in whole)):
        return outcome(issues)
    by_entry: dict[int, list[Issue]] = {}
    for issue in issues:
        if match := _ENTRY.match(issue.where):
            by_entry.setdefault(int(match[1]), []).append(issue)
    entries: list[Node] = []
    for at in range(seen.entries):
        said = by_entry.get(at)
        made: Node = {"status": "202 Accepted" if said else status}
        if said:
            made["outcome"] = outcome(said)
        entries.append({"response": made})
    answer: Node = {"resourceType": "Bundle", "type": kind}
    return answer | ({"entry": entries} if entries else {})


def capability(version: str, url: str) -> Node:
    """What this Baton takes over HTTP. Source: FHIR R4 3.1.0.1.12 capabilities."""
    resources: list[Any] = [
        {
            "type": kind,
            "interaction": [{"code": "create"}],
            "versioning": "no-version",
            "documentation": "Read where an Account of the same Bundle refers to it."
            if kind in ("Patient", "RelatedPerson", "Coverage")
            else "Becomes facts of the patient account it names.",
        }
        for kind in sorted(TYPES)
    ]
    return {
        "resourceType": "CapabilityStatement",
        "name": "Baton",
        "title": "Baton: the handoff from insurance billing to collections",
        "status": "active",
        "date": RELEASED_ON,
        "kind": "instance",
        "software": {"name": "Baton", "version": version},
        "implementation": {"description": "This Baton.", "url": url},
        "fhirVersion": FHIR_VERSION,
        "format": ["json", "application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": "R4, R4B and R5 are read. The same bytes again are a duplicate and change "
                "nothing. No resource can be read back: ask /v1 for accounts and messages.",
                "security": {"description": "An API key with the scope messages:write, as a bearer token."},
                "resource": resources,
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }
