"""What a resource may refer to inside its own message. Nothing outside it is ever fetched.

Source: FHIR R4 2.3 (references), 2.36.4.1 (resolving references in Bundles).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from adapters.fhir.elements import Node, Wrong, codings, normalised, number, part, parts, text
from adapters.fhir.mapping import Mapping
from schemas.facts import AccountRef, Payer

_ACCOUNT_TYPES: Final = frozenset({"AN", "pat", "patientaccountnumber"})
"""Identifier types that mean a patient account number: HL7 v2 table 0203, CARIN BB."""


class Neighbours:
    """The resources of one message, by what a reference may call them."""

    def __init__(self) -> None:
        self._found: dict[str, Node] = {}

    def add(self, resource: Node, full_url: str | None) -> None:
        """Make a resource known by its full URL and by its type and id."""
        kind, id = resource.get("resourceType"), resource.get("id")
        if full_url:
            self._found.setdefault(full_url, resource)
        if isinstance(kind, str) and isinstance(id, str):
            self._found.setdefault(f"{kind}/{id}", resource)

    def find(self, reference: Node | None, owner: Node, place: str) -> Node | None:
        """The resource that a Reference of `owner` names; None when it is not in the message."""
        if reference is None:
            return None
        to = text(reference, "reference", place)
        if to is None:
            return None
        if to.startswith("#"):
            for one in parts(owner, "contained", place):
                if one.get("id") == to[1:]:
                    return one
            return None
        to = to.partition("/_history/")[0]
        return self._found.get(to)


@dataclass(frozen=True, slots=True)
class Setting:
    """What all resources of one message share. `timestamp` is the Bundle's, as evidence of when."""

    facility: str
    mapping: Mapping
    neighbours: Neighbours = field(default_factory=Neighbours)
    timestamp: datetime | None = None

    def ref(self, account_number: str) -> AccountRef:
        """The account of that number at the facility this feed speaks of."""
        return AccountRef(self.mapping.facility or self.facility, account_number)


def identifiers(node: Node, place: str) -> Iterator[tuple[frozenset[str], str, str, str]]:
    """Type codes, system, value and path of each identifier that has a value."""
    for at, one in enumerate(parts(node, "identifier", place)):
        path = f"{place}.identifier[{at}]"
        value = text(one, "value", path)
        if value is not None:
            types = (
                frozenset(code for _, code in codings(one, "type", path)) if "type" in one else frozenset()
            )
            yield types, text(one, "system", path) or "", value, f"{path}.value"


def account_identifier(node: Node, place: str, mapping: Mapping) -> str | None:
    """The identifier that is an account number by its type or system."""
    for types, system, value, path in identifiers(node, place):
        if types & _ACCOUNT_TYPES or system in mapping.account_systems:
            return number(value, path)
    return None


def own_number(node: Node, place: str, mapping: Mapping) -> str | None:
    """The account number of an Account resource, or the number of a claim: the one of the right kind, or the
    only one it has; None where several cannot be told apart."""
    told = account_identifier(node, place, mapping)
    if told is not None:
        return told
    every = {value: path for _, _, value, path in identifiers(node, place)}
    if len(every) == 1:
        value, path = next(iter(every.items()))
        return number(value, path)
    return None


def referred_number(reference: Node | None, owner: Node, place: str, setting: Setting) -> str | None:
    """The number behind a Reference to an Account or Claim: its identifier, or the resource's own."""
    if reference is None:
        return None
    identifier = part(reference, "identifier", place)
    if identifier is not None:
        value = text(identifier, "value", f"{place}.identifier")
        if value is not None:
            return number(value, f"{place}.identifier.value")
    found = setting.neighbours.find(reference, owner, place)
    return own_number(found, place, setting.mapping) if found is not None else None


def payer_of(reference: Node | None, owner: Node, place: str, setting: Setting) -> Payer | None:
    """The payer behind a Reference: what the mapping calls it, else its identifier, reference or name.

    Source: FHIR R4 2.3.0 (Reference.identifier, Reference.display).
    """
    if reference is None:
        return None
    name = text(reference, "display", place)
    tokens: list[str] = []
    identifier = part(reference, "identifier", place)
    if identifier is not None:
        _add_tokens(identifier, f"{place}.identifier", tokens)
    organization = setting.neighbours.find(reference, owner, place)
    if organization is not None:
        for at, one in enumerate(parts(organization, "identifier", place)):
            _add_tokens(one, f"{place}.identifier[{at}]", tokens)
        name = name or text(organization, "name", place)
    to = text(reference, "reference", place)
    if to is not None and not to.startswith(("#", "urn:uuid:")):
        tokens.append(to.partition("/_history/")[0])
    if name is not None:
        tokens.append(name)
    for token in tokens:
        known = setting.mapping.payers.get(token)
        if known is not None:
            return Payer(known, name)
    # `system|value` stands in the list for the crosswalk; by itself a payer is known by the bare value.
    for token in tokens:
        if "|" not in token:
            usable = normalised(token) if token == name else token
            if usable and len(usable) <= 128:
                return Payer(usable, name)
    return None


def _add_tokens(identifier: Node, path: str, tokens: list[str]) -> None:
    value = text(identifier, "value", path)
    if value is not None:
        system = text(identifier, "system", path)
        if system is not None:
            tokens.append(f"{system}|{value}")
        tokens.append(value)


def unread(place: str, found: str | None) -> str:
    """An element that must be there.

    Raises:
        Wrong: it is not.
    """
    if found is None:
        raise Wrong("number-missing", place)
    return found
