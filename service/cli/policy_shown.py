"""A policy on a terminal and as plain data: its values, what differs, and how it came to be in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

import click

from adapters.store import PolicyStep
from schemas.decisions import STAGES
from schemas.errors import BatonError
from schemas.money import format_cents
from service.cli import screen
from service.core import Policy
from service.core.gates import REGISTRY, Gate
from service.core.policy import Difference, Pack, in_words
from service.logins import shared_login, told

Plain: TypeAlias = dict[str, Any]


def plain(found: Policy, on: date, scope: Mapping[str, Iterable[str]], gates: Sequence[str] = ()) -> Plain:
    """A policy as it concerns accounts of these words on a day.

    Raises:
        BatonError: `no-such-gate`.
    """
    unknown = set(gates) - {gate.id for gate in REGISTRY}
    if unknown:
        raise BatonError(
            "no-such-gate", f"there is no gate {', '.join(sorted(unknown))}; docs/gates.md lists them"
        )
    view = found.for_words(scope)
    return {
        "version": found.version,
        "sha256": found.sha256,
        "on": on.isoformat(),
        "scope": {key: list(words) for key, words in scope.items()},
        "applied": list(view.applied),
        "packs": [_pack(pack) for pack in found.packs],
        "next_change": day.isoformat() if (day := view.next_change(on)) else None,
        "gates": [_gate(gate, view, on) for gate in REGISTRY if not gates or gate.id in gates],
    }


def _pack(pack: Pack) -> Plain:
    return {
        "name": pack.name,
        "file": pack.file,
        "precedence": pack.precedence,
        "scope": None if pack.scope is None else {k: sorted(v) for k, v in pack.scope.items()},
    }


def _gate(gate: Gate, view: Policy, on: date) -> Plain:
    terms = view.of_gate(on, gate.id)
    parameters = []
    for parameter in gate.parameters:
        values = terms.values[parameter.name]
        parameters.append(
            {
                "name": parameter.name,
                "unit": parameter.unit,
                "stricter": parameter.stricter,
                "values": {
                    stage: {
                        "value": format_cents(value)
                        if parameter.unit == "USD" and isinstance(value, int)
                        else value,
                        "set_by": dict(standing.set_by).get(parameter.name),
                    }
                    for stage, value, standing in zip(STAGES, values, terms.standing, strict=True)
                },
            }
        )
    return {
        "gate": gate.id,
        "name": gate.name,
        "citation": terms.citation,
        "parameters": parameters,
    }


def tell(told: Plain) -> None:
    """Print what `plain` says."""
    click.echo(f"Policy {told['version']}")
    click.echo(f"sha256 {told['sha256']}, as of {told['on']}")
    if told["scope"]:
        screen.wrapped(f"Scoped packs that apply: {', '.join(told['applied']) or 'none'}", hang=2)
    scoped = [pack["name"] for pack in told["packs"] if pack["scope"]]
    if scoped and not told["scope"]:
        screen.wrapped(f"Scoped packs, not shown without --scope: {', '.join(scoped)}", hang=2)
    if told["next_change"]:
        click.echo(f"The next value changes on {told['next_change']}.")
    for gate in told["gates"]:
        screen.title(f"{gate['gate']} {gate['name'].replace('_', ' ')}")
        for parameter in gate["parameters"]:
            for said, stages in _by_value(parameter).items():
                every = len(stages) == len(STAGES)
                where = "" if every else f" ({', '.join(s.replace('_', ' ') for s in stages)})"
                screen.wrapped(f"{parameter['name'].replace('_', ' ')}{where}: {said}", 2, 4)
        screen.wrapped(gate["citation"], 2, 4)


def _by_value(parameter: Plain) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for stage, one in parameter["values"].items():
        value = one["value"]
        said = "no value: the gate holds"
        if value is not None:
            amount = f"{value} USD" if parameter["unit"] == "USD" else in_words(value, parameter["unit"])
            said = f"{amount} [{one['set_by']}]"
        found.setdefault(said, []).append(stage)
    return found


def plain_differences(found: Iterable[Difference]) -> list[Plain]:
    """Differences as plain data."""
    return [
        {
            "what": one.what,
            "scope": one.scope,
            "from": one.since.isoformat() if one.since else None,
            "until": one.until.isoformat() if one.until else None,
            "before": one.before,
            "after": one.after,
        }
        for one in found
    ]


def tell_differences(found: Sequence[Difference] | None) -> None:
    """Print differences."""
    if found is None:
        click.echo("There is no earlier policy that this program can read.")
    elif not found:
        click.echo("No difference.")
    for one in found or ():
        text = one.says if screen.speaks_unicode() else one.says.replace("→", "->")
        screen.marked(screen.sign("•", "-"), text, 0, 2)


def plain_step(step: PolicyStep, in_force: PolicyStep | None) -> Plain:
    """A proposal and its outcome as plain data."""
    return {
        "sha256": step.sha256,
        "version": step.version,
        "state": "in force" if in_force and in_force.seq == step.seq else _state(step, in_force),
        "proposed_by": step.by,
        "proposed_as": step.os_user,
        "proposed_at": _instant(step.proposed_at),
        "note": step.note,
        "settled_by": step.settled_by,
        "settled_as": step.settled_os_user,
        "settled_at": _instant(step.settled_at),
        "settled_note": step.settled_note,
        "effective_at": _instant(step.effective_at),
    }


def _state(step: PolicyStep, in_force: PolicyStep | None) -> str:
    if step.generation is None:
        return step.outcome or "proposed"
    return "superseded" if in_force and (in_force.generation or 0) > step.generation else "approved"


def _instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def tell_step(row: Plain) -> None:
    """Print one proposal."""
    screen.title(f"{row['sha256'][:16]}  {row['state']}")
    screen.wrapped(row["version"], 2, 4)
    by = f"{row['proposed_by']}{_as(row['proposed_as'])}"
    screen.wrapped(f"proposed {row['proposed_at']} by {by}{_note(row['note'])}", 2, 4)
    if row["settled_by"] and row["state"] != "proposed":
        word = "withdrawn" if row["state"] == "withdrawn" else "approved"
        by = f"{row['settled_by']}{_as(row['settled_as'])}"
        screen.wrapped(f"{word} {row['settled_at']} by {by}{_note(row['settled_note'])}", 2, 4)
        login = shared_login(row["proposed_as"] or None, row["settled_as"] or None)
        if login is not None and word == "approved":
            screen.wrapped(f"note: {told(login)}", 2, 4)
    if row["effective_at"]:
        click.echo(f"  in force from {row['effective_at']}")


def _as(os_user: str | None) -> str:
    return f" (as {os_user})" if os_user else ""


def _note(note: str | None) -> str:
    return f": {note}" if note else ""
