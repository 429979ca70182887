"""Entries of the audit log written as FHIR R4 AuditEvent and Provenance. No name of a patient is in any.

Reads follow IHE BALP `PatientRead` and disclosures `PrivacyDisclosure.Source`: one resource for each account,
since both have exactly one patient. Source: FHIR R4 6.4 AuditEvent, 6.3 Provenance; IHE ITI BALP 1.1.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote

Resource: TypeAlias = dict[str, Any]

BALP: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit"
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
REASONS: Final = f"{TERMINOLOGY}/v3-ActReason"
MACHINE: Final = "1"
ADDRESS: Final = "2"


@dataclass(frozen=True, slots=True)
class LoggedAct:
    """One entry of the log, by what happened. `accounts` are `facility/number`; texts are None where unknown.

    `purpose` is a code of PurposeOfUse for reads and free text for disclosures; `address` is where the agent
    was. `messages` are digests of what came in, `decision` is the one made of it, `before` the one replaced;
    `program` is the version that decided, and the digest over the sources that decide.
    """

    seq: int
    leaf: str
    at: datetime
    origin: str
    kind: Literal["read", "disclosure", "decision"]
    accounts: tuple[str, ...]
    agent: str | None = None
    address: str | None = None
    person: str | None = None
    purpose: str | None = None
    recipient: str | None = None
    query: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    decision: str | None = None
    before: str | None = None
    policy: str | None = None
    cases: tuple[str, ...] = ()
    program: tuple[str, str] | None = None


def resources(act: LoggedAct) -> Iterator[Resource]:
    """One AuditEvent for each account of an act, and a Provenance for a decision.

    >>> from datetime import UTC
    >>> act = LoggedAct(7, "ab", datetime(2026, 1, 2, tzinfo=UTC), "baton", "read", ("GEN/A1",), "key:bk_1")
    >>> [(r["resourceType"], r["id"], r["action"]) for r in resources(act)]
    [('AuditEvent', 'entry-7', 'R')]
    """
    for n, account in enumerate(act.accounts):
        yield _event(
            act, account, f"entry-{act.seq}" if len(act.accounts) == 1 else f"entry-{act.seq}-{n + 1}"
        )
    if act.kind == "decision" and act.decision:
        yield _provenance(act)


def _event(act: LoggedAct, account: str, id: str) -> Resource:
    kind, profile, action = _KINDS[act.kind]
    event: Resource = {
        "resourceType": "AuditEvent",
        "id": id,
        **({"meta": {"profile": [f"{BALP}.{profile}"]}} if profile else {}),
        **kind,
        "action": action,
        "recorded": _instant(act.at),
        "outcome": "0",
    }
    if act.purpose:
        free = act.kind == "disclosure"
        event["purposeOfEvent"] = [{"text": act.purpose} if free else _concept(REASONS, act.purpose)]
    return event | {
        "agent": list(_agents(act)),
        "source": {
            "site": act.origin,
            "observer": _baton(act),
            "type": [_coding(f"{TERMINOLOGY}/security-source-type", "4", "Application Server")],
        },
        "entity": [_patient(account), _data(act)],
    }


_KINDS: Final[dict[str, tuple[Resource, str, str]]] = {
    "read": (
        {
            "type": {
                "system": f"{TERMINOLOGY}/audit-event-type",
                "code": "rest",
                "display": "Restful Operation",
            },
            "subtype": [
                {"system": "http://hl7.org/fhir/restful-interaction", "code": "read", "display": "read"}
            ],
        },
        "PatientRead",
        "R",
    ),
    "disclosure": (
        {
            "type": {"system": DICOM, "code": "110106", "display": "Export"},
            "subtype": [{"system": f"{TERMINOLOGY}/iso-21089-lifecycle", "code": "disclose"}],
        },
        "PrivacyDisclosure.Source",
        "R",
    ),
    "decision": (
        {"type": {"system": DICOM, "code": "110100", "display": "Application Activity"}},
        "",
        "E",
    ),
}


def _agents(act: LoggedAct) -> Iterator[Resource]:
    server = {"type": _concept(DICOM, "110153", "Source Role ID"), "who": _baton(act), "requestor": False}
    yield server | {"network": {"address": act.origin, "type": MACHINE}}
    if act.kind == "decision":
        return
    who = act.recipient if act.kind == "disclosure" else act.agent
    client: Resource = {
        "type": _concept(DICOM, "110152", "Destination Role ID"),
        "who": {"display": who} if act.kind == "disclosure" else _identified("urn:baton:agent", who),
        "requestor": act.kind == "read" and act.person is None,
    }
    # A recipient of a file has no address that Baton knows; who it is stands in its place.
    yield client | {"network": {"address": (act.address or who or "unknown"), "type": _network(act)}}
    if act.person or act.kind == "disclosure":
        yield _user(act)


def _user(act: LoggedAct) -> Resource:
    user: Resource = {
        "type": _concept(f"{TERMINOLOGY}/v3-ParticipationType", "IRCP", "information recipient"),
        "who": {"display": act.person or act.agent},
        "requestor": True,
    }
    if act.kind == "read" and act.purpose:
        user["purposeOfUse"] = [_concept(REASONS, act.purpose)]
    return user


def _network(act: LoggedAct) -> str:
    return ADDRESS if act.address and (":" in act.address or act.address[:1].isdigit()) else MACHINE


def _patient(account: str) -> Resource:
    return {
        "what": _account_as(account, "Patient"),
        "type": _coding(f"{TERMINOLOGY}/audit-entity-type", "1", "Person"),
        "role": _coding(f"{TERMINOLOGY}/object-role", "1", "Patient"),
    }


def _data(act: LoggedAct) -> Resource:
    found: Resource = {
        "what": {"identifier": {"system": "urn:baton:answer", "value": act.query or act.kind}},
        "type": _coding(f"{TERMINOLOGY}/audit-entity-type", "2", "System Object"),
        "role": _coding(f"{TERMINOLOGY}/object-role", "3", "Report"),
        "detail": [{"type": "urn:baton:audit-entry", "valueString": f"{act.seq} {act.leaf}"}],
    }
    if act.program:
        found["detail"].append({"type": "urn:baton:program", "valueString": " ".join(act.program)})
    if act.parameters:
        asked = json.dumps(dict(act.parameters), sort_keys=True, ensure_ascii=False, default=str)
        found["detail"].append(
            {"type": "urn:baton:asked", "valueBase64Binary": b64encode(asked.encode()).decode()}
        )
    return found


def _provenance(act: LoggedAct) -> Resource:
    targets = [_account_as(account, "Account") for account in act.accounts]
    targets += [_identified("urn:baton:decision", act.decision)]
    targets += [_identified("urn:baton:case", case) for case in act.cases]
    entity: list[Resource] = [
        {"role": "source", "what": _identified("urn:baton:message-sha256", message)}
        for message in act.messages
    ]
    if act.before:
        entity.append({"role": "revision", "what": _identified("urn:baton:decision", act.before)})
    found: Resource = {
        "resourceType": "Provenance",
        "id": f"decision-{act.seq}",
        "target": targets,
        "recorded": _instant(act.at),
        "policy": [f"urn:baton:policy-sha256:{act.policy}"],
        "activity": _concept(f"{TERMINOLOGY}/v3-DataOperation", "CREATE", "create"),
        "agent": [
            {
                "type": _concept(f"{TERMINOLOGY}/provenance-participant-type", "assembler", "Assembler"),
                "who": {"reference": "#baton"} | _baton(act) if act.program else _baton(act),
            }
        ],
    }
    if act.program:
        found["contained"] = [_device(act, *act.program)]
    return found | ({"entity": entity} if entity else {})


def _device(act: LoggedAct, version: str, code_sha256: str) -> Resource:
    """The program that decided, as it was then. Source: FHIR R4 8.11 Device.version."""
    return {
        "resourceType": "Device",
        "id": "baton",
        "identifier": [{"system": "urn:baton:log", "value": act.origin}],
        "deviceName": [{"name": "Baton", "type": "model-name"}],
        "version": [
            {"type": {"text": "release"}, "value": version},
            {"type": {"text": "SHA-256 over the sources that decide"}, "value": code_sha256},
        ],
    }


def _account_as(account: str, type: str) -> Resource:
    facility, _, number = account.partition("/")
    coding = {"coding": [_coding(f"{TERMINOLOGY}/v2-0203", "AN", "Account number")]}
    system = f"urn:baton:facility:{quote(facility, safe='')}"
    return {"type": type, "identifier": {"type": coding, "system": system, "value": number}}


def _baton(act: LoggedAct) -> Resource:
    return {
        "type": "Device",
        "identifier": {"system": "urn:baton:log", "value": act.origin},
        "display": "Baton",
    }


def _identified(system: str, value: str | None) -> Resource:
    return {"identifier": {"system": system, "value": value or "unknown"}}


def _coding(system: str, code: str, display: str) -> Resource:
    return {"system": system, "code": code, "display": display}


def _concept(system: str, code: str, display: str | None = None) -> Resource:
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
