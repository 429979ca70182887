"""Which entries of a Bundle are read: the newest version of each, and the dead whom no Account tells of."""

from __future__ import annotations

from typing import Any

from adapters.fhir.elements import Node, Wrong, instant, text
from adapters.fhir.neighbours import Neighbours
from adapters.fhir.people import deceased


def newest_versions(entries: list[Any], neighbours: Neighbours) -> set[int]:
    """The positions to read: of several versions of one resource the newest; all are made known."""
    kept: dict[object, tuple[tuple[str, int], int]] = {}
    for at, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            continue
        kind, id = resource.get("resourceType"), resource.get("id")
        name: object = (kind, id) if isinstance(kind, str) and isinstance(id, str) else at
        version = _version(resource)
        if name not in kept or version > kept[name][0]:
            kept[name] = (version, at)
    positions = {at for _, at in kept.values()}
    every = {at for at, entry in enumerate(entries) if not _is_resource(entry)} | positions
    for at in sorted(positions):
        entry = entries[at]
        url = entry.get("fullUrl")
        neighbours.add(entry["resource"], url if isinstance(url, str) else None)
    return every


def dead_without_account(entries: list[Any]) -> set[int]:
    """Positions of patients who died, in a Bundle without any Account to tell it to."""
    kinds = [entry["resource"].get("resourceType") for entry in entries if _is_resource(entry)]
    if "Account" in kinds:
        return set()
    dead = set()
    for at, entry in enumerate(entries):
        if _is_resource(entry) and entry["resource"].get("resourceType") == "Patient":
            try:
                died, _ = deceased(entry["resource"], "")
            except Wrong:
                continue
            if died:
                dead.add(at)
    return dead


def method(entry: Node) -> object:
    """What an entry of a transaction or a history asks for; None where it asks nothing."""
    request = entry.get("request")
    return request.get("method") if isinstance(request, dict) else None


def _is_resource(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("resource"), dict)


def _version(resource: Node) -> tuple[str, int]:
    """What tells versions apart: the instant of the last change, then the version's number."""
    meta = resource.get("meta")
    if not isinstance(meta, dict):
        return "", 0
    try:
        changed = instant(meta, "lastUpdated", "")
        number = text(meta, "versionId", "") or ""
    except Wrong:
        return "", 0
    whole = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    return changed.isoformat() if changed else "", whole
