"""Reading what a pack says of gates: what they rest on, their values, what people may lift and how long."""

from __future__ import annotations

from typing import Any, Final

from schemas.decisions import STAGES, Scalar
from schemas.money import NotAnAmount, parse_cents
from service.core.gates import REGISTRY, Gate
from service.core.policy.lines import Path
from service.core.policy.reading import DAYS, MOST, WRITTEN, PackText, is_said
from service.core.policy.terms import Allowance, Dated

_GATES: Final = {gate.id: gate for gate in REGISTRY}
_VALUE: Final = {"name", "stage", "value", "unit", "note"} | DAYS


def read_gate(pack: PackText, gate_id: str, stated: Any) -> None:
    """Read `[gates.ID]`."""
    path = ("gates", gate_id)
    gate = _GATES.get(gate_id)
    if gate is None:
        pack.refuse("unknown-gate", f"there is no gate {gate_id}; `baton policy show` lists them", *path)
        return
    if not isinstance(stated, dict):
        pack.refuse("wrong-type", f"write gate {gate_id} as [gates.{gate_id}]", *path)
        return
    known = {"citation", "value", "note", "liftable"}
    pack.only(stated, known, path, "unknown-key", f"[gates.{gate_id}]:")
    _liftable(pack, gate, stated.get("liftable", False), path)
    citation = stated.get("citation")
    if not is_said(citation):
        pack.refuse("gate-without-citation", f"gate {gate_id} has no citation", *path)
    else:
        pack.all.citations[gate_id].append((pack.at, citation.strip()))
    for n, entry in enumerate(pack.entries(stated, *path, "value")):
        _value(pack, gate, entry, (*path, "value", n))


def read_overrides(pack: PackText, stated: dict[str, Any]) -> None:
    """Read `[overrides]`."""
    keys = ("max_days", "default_days")
    if not pack.only(stated, {*keys, "citation", "note"}, ("overrides",), "unknown-key", "[overrides]:"):
        return
    citation = stated.get("citation")
    if not is_said(citation):
        pack.refuse("gate-without-citation", "[overrides] has no citation", "overrides")
        return
    for key in keys:
        if type(stated.get(key)) is not int or not 0 <= stated[key] <= MOST["days"]:
            text = f"[overrides] {key} is {WRITTEN['days']}"
            pack.refuse("wrong-type", text, "overrides", key)
            return
    most, usual = stated["max_days"], min(stated["max_days"], stated["default_days"])
    pack.all.allowances[pack.at] = Allowance(most, usual, citation.strip())


def _liftable(pack: PackText, gate: Gate, stated: Any, path: Path) -> None:
    if not isinstance(stated, bool):
        pack.refuse("wrong-type", f"gate {gate.id}: liftable is true or false", *path, "liftable")
    elif stated and gate.lift == "never":
        text = f"no policy may let people lift gate {gate.id}: it keeps law, certainty or protection"
        pack.refuse("never-liftable", text, *path, "liftable")
    elif stated:
        pack.all.liftable.setdefault(gate.id, set()).add(pack.at)


def _value(pack: PackText, gate: Gate, entry: dict[str, Any], path: Path) -> None:
    name, stage = entry.get("name"), entry.get("stage")
    label = f"{gate.id} {name}"
    if not pack.only(entry, _VALUE, path, "unknown-key", f"{label}:"):
        return
    wanted = next((p for p in gate.parameters if p.name == name), None)
    if wanted is None:
        known = ", ".join(p.name for p in gate.parameters)
        text = f"gate {gate.id} has no parameter {name}; it has {known or 'none'}"
        if name is None:
            text = f"gate {gate.id}: a value needs a name: one of {known}"
        pack.refuse("unknown-parameter", text, *path, "name")
        return
    if stage is not None and stage not in STAGES:
        text = f"{label}: there is no stage {stage}; there are {', '.join(STAGES)}"
        pack.refuse("unknown-stage", text, *path, "stage")
        return
    if stage is not None and wanted.stated not in ("each", stage):
        stated = "all stages" if wanted.stated == "all" else f"all stages or for {wanted.stated}"
        text = f"{label} is one value for {stated}: for {stage} alone nothing would look at it"
        pack.refuse("stage-without-effect", text, *path, "stage")
        return
    value, days = _scalar(pack, label, wanted.unit, entry, path), pack.days(entry, label, path)
    if value is None or days is None:
        return
    new = Dated(value, *days, pack.at, pack.lines.of(*path))
    for at in range(len(STAGES)) if stage is None else (STAGES.index(stage),):
        where = f"{label} for {STAGES[at]}"
        if not pack.add(pack.all.values.setdefault((gate.id, wanted.name, at), []), new, where, path):
            return


def _scalar(pack: PackText, label: str, unit: str, entry: dict[str, Any], path: Path) -> Scalar | None:
    value = entry.get("value")
    if entry.get("unit") != unit:
        pack.refuse("wrong-unit", f'{label} is stated with unit = "{unit}"', *path, "unit")
        return None
    if unit == "flag" and isinstance(value, bool):
        return value
    if unit in ("days", "count", "percent") and type(value) is int and 0 <= value <= MOST[unit]:
        return value
    if unit == "text" and isinstance(value, str):
        return value
    if unit == "USD" and isinstance(value, str):
        try:
            if (cents := parse_cents(value)) >= 0:
                return cents
        except NotAnAmount:
            pass
    pack.refuse("wrong-type", f"{label} is {WRITTEN[unit]}", *path, "value")
    return None
