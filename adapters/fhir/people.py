"""Patient, RelatedPerson and Organization as a person of an account. Source: FHIR R4 8.1, 8.10, 2.24."""

from __future__ import annotations

from datetime import date
from typing import Final

from adapters.fhir.elements import Node, codings, concept_codings, day, flag, part, parts, text
from adapters.fhir.neighbours import identifiers
from schemas.facts import Address, Person

_PREFERRED: Final = ("official", "usual")


def person(node: Node, place: str, relationship: str | None = None) -> Person:
    """Who it is, as far as it says so; `relationship` is the guarantor's to the patient."""
    if node.get("resourceType") == "Organization":
        return Person(id=_number(node, place), family=text(node, "name", place), relationship=relationship)
    name = _name(node, place)
    if relationship is None and "relationship" in node:
        relationship = _relationship(node, place)
    died_on = deceased(node, place)[1] if node.get("resourceType") == "Patient" else None
    return Person(
        _number(node, place),
        text(name, "family", f"{place}.name"),
        _given(name, place),
        day(node, "birthDate", place),
        text(node, "gender", place),
        _language(node, place),
        _address(node, place),
        _telecom(node, place, "phone"),
        _telecom(node, place, "email"),
        died_on,
        relationship,
    )


def deceased(node: Node, place: str) -> tuple[bool, date | None]:
    """Whether the patient died, and the day where it is stated (Patient.deceased[x])."""
    if node.get("deceasedDateTime") is not None:
        return True, day(node, "deceasedDateTime", place)
    return flag(node, "deceasedBoolean", place) is True, None


def _number(node: Node, place: str) -> str | None:
    """The medical record number, else the first identifier, else the resource's id."""
    first = None
    for types, _, value, _ in identifiers(node, place):
        if "MR" in types:
            return value
        first = first or value
    return first or text(node, "id", place)


def _name(node: Node, place: str) -> Node:
    names = parts(node, "name", place)
    for use in _PREFERRED:
        for one in names:
            if one.get("use") == use:
                return one
    return names[0] if names else {}


def _given(name: Node, place: str) -> str | None:
    given = name.get("given")
    if not isinstance(given, list):
        return text(name, "given", f"{place}.name")
    words = [text({"given": one}, "given", f"{place}.name") for one in given if one is not None]
    return " ".join([word for word in words if word]) or None


def _language(node: Node, place: str) -> str | None:
    spoken = parts(node, "communication", place)
    for n, one in sorted(enumerate(spoken), key=lambda pair: pair[1].get("preferred") is not True):
        return next((code for _, code in codings(one, "language", f"{place}.communication[{n}]")), None)
    return None


def _relationship(node: Node, place: str) -> str | None:
    """RelatedPerson.relationship: a list in R4 and R5."""
    for n, one in enumerate(parts(node, "relationship", place)):
        path = f"{place}.relationship[{n}]"
        return next((code for _, code in concept_codings(one, place, "relationship")), None) or text(
            one, "text", path
        )
    return None


def _address(node: Node, place: str) -> Address | None:
    for n, one in enumerate(parts(node, "address", place)):
        path = f"{place}.address[{n}]"
        if part(one, "period", path) and day(part(one, "period", path) or {}, "end", path) is not None:
            continue
        lines = one.get("line")
        line = None
        if isinstance(lines, list):
            words = [text({"line": each}, "line", path) for each in lines if each is not None]
            line = ", ".join([word for word in words if word]) or None
        return Address(line, text(one, "city", path), text(one, "state", path), text(one, "postalCode", path))
    return None


def _telecom(node: Node, place: str, system: str) -> str | None:
    for n, one in enumerate(parts(node, "telecom", place)):
        path = f"{place}.telecom[{n}]"
        if text(one, "system", path) == system and text(one, "use", path) != "old":
            return text(one, "value", path)
    return None
