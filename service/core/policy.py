"""Policy as data: dated, cited parameters for gates and our own classes for reason and remark codes."""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from schemas.canonical import digest, to_bytes
from schemas.decisions import STAGES, Finding, Scalar, Verdict
from schemas.errors import PolicyRefused
from schemas.money import NotAnAmount, parse_cents
from service.core.gates import REGISTRY, Gate

Values = dict[str, tuple[Scalar, Scalar, Scalar]]
"""A gate's parameters in force: name to one value for each stage, in the order of STAGES."""

CLASSES: Final = frozenset(
    [
        "COST_SHARE",
        "NONCOVERED",
        "LIMIT_REACHED",
        "MEDICAL_NECESSITY",
        "AUTHORIZATION",
        "COVERAGE_NOT_FOUND",
        "OTHER_PAYER",
        "INFO_FROM_PATIENT",
        "INFO_FROM_PROVIDER",
        "CONTRACTUAL",
        "BUNDLED",
        "TIMELY_FILING",
        "PENALTY",
        "PRIOR_PAYER",
        "DUPLICATE",
        "PENDING",
        "NO_COLLECT",
        "PAID_TO_PATIENT",
        "CREDIT",
        "PREDETERMINATION",
        "REVIEW",
    ]
)
EFFECTS: Final = frozenset(
    [
        "STRIP_ALL",
        "STRIP_REDUCTION",
        "STRIP_ABOVE_COST_SHARE",
        "STRIP_BALANCE_BILL",
        "QMB",
        "OTHER_PAYER",
        "INFO_FROM_PROVIDER",
        "FORWARDED",
        "NOT_FORWARDED",
        "SPLIT",
        "UNPROCESSABLE",
        "REFUND",
        "VETERAN",
        "SURPRISE_BILLING",
        "SURPRISE_BILLING_REVIEW",
        "BALANCE_BILL_BARRED",
        "CONSENT",
        "NOTICE",
        "APPEAL_CLOSED",
        "CORRECTION",
        "NOTE",
    ]
)


@dataclass(frozen=True, slots=True)
class Code:
    """A reason or remark code: what kind it is (a class or an effect) and a sentence of ours for people."""

    kind: str
    text: str


UNKNOWN: Final = Code("REVIEW", "This code is not in the policy yet; a person must look.")


@dataclass(frozen=True, slots=True)
class Terms:
    """What one gate works with in one period: values, how they are shown, and its three standing answers.

    `missing` names a parameter without a value in the period; the gate then holds.
    """

    values: Values
    shown: tuple[tuple[tuple[str, Scalar], ...], ...]
    citation: str
    standing: tuple[Finding, ...]
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Everything in force from a day until the next period begins.

    `standing` are the standing answers of all gates, gate after gate, stage after stage.
    """

    starts_on: date
    gates: tuple[Terms, ...]
    standing: tuple[Finding, ...]
    reasons: Mapping[str, Code]
    remarks: Mapping[str, Code]
    duplicate_codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Policy:
    """A set of policy packs, by period. `sha256` is over their canonical content."""

    version: str
    sha256: str
    periods: tuple[Period, ...]
    starts: tuple[date, ...]
    groups: Mapping[str, str]

    def on(self, day: date) -> Period:
        """What is in force on a day."""
        return self.periods[bisect_right(self.starts, day) - 1]

    def next_change(self, day: date) -> date | None:
        """The first day after this one on which another value takes effect."""
        at = bisect_right(self.starts, day)
        return self.starts[at] if at < len(self.starts) else None

    def of_gate(self, day: date, gate_id: str) -> Terms:
        """One gate's terms on a day."""
        return self.on(day).gates[_POSITION[gate_id]]


_POSITION: Final = {gate.id: at for at, gate in enumerate(REGISTRY)}


@dataclass(frozen=True, slots=True)
class _Dated:
    """A value and the days on which it is in force; `until` is the first day on which it no longer is."""

    value: Any
    since: date
    until: date
    where: str

    def covers(self, day: date) -> bool:
        return self.since <= day < self.until


class _Packs:
    """What was read from the packs so far, checked as it is read."""

    def __init__(self) -> None:
        self.citations: dict[str, list[str]] = {}
        self.parameters: dict[tuple[str, str, int], list[_Dated]] = {}
        self.codes: dict[tuple[str, str], list[_Dated]] = {}
        self.groups: dict[str, str] = {}
        self.versions: list[str] = []


def parse_policy(texts: Mapping[str, str]) -> Policy:
    """Read policy packs, given as file name to TOML text.

    Raises:
        PolicyRefused: a pack is no TOML, names an unknown gate or parameter, gives a gate without a
            citation, a value of the wrong type, or two values for one day.
    """
    packs, content = _Packs(), {}
    for name in sorted(texts):
        try:
            table = tomllib.loads(texts[name])
        except tomllib.TOMLDecodeError as error:
            raise PolicyRefused("policy-syntax", f"not readable as TOML: {error}", where=name) from None
        content[name] = table
        _read_pack(packs, name, texts[name], table)
    for gate in REGISTRY:
        if not packs.citations.get(gate.id):
            raise PolicyRefused("gate-without-citation", f"gate {gate.id} has no citation in any pack")
    starts = sorted(
        {date.min}
        | {d.since for dated in (packs.parameters, packs.codes) for many in dated.values() for d in many}
        | {
            d.until
            for dated in (packs.parameters, packs.codes)
            for many in dated.values()
            for d in many
            if d.until != date.max
        }
    )
    return Policy(
        "+".join(sorted(packs.versions)),
        digest(to_bytes(content)),
        tuple(_period(packs, day) for day in starts),
        tuple(starts),
        packs.groups,
    )


def _read_pack(packs: _Packs, name: str, text: str, table: dict[str, Any]) -> None:
    known = {"policy", "gates", "reason", "remark", "group"}
    for section in table:
        if section not in known:
            raise _refused("unknown-section", f"section {section} is not known", name, text, section)
    head = table.get("policy", {})
    if not isinstance(head, dict) or not head.get("id") or not head.get("version"):
        raise PolicyRefused("policy-without-version", "[policy] needs id and version", where=name)
    packs.versions.append(f"{head['id']}@{head['version']}")
    gates = {gate.id: gate for gate in REGISTRY}
    for gate_id, given in table.get("gates", {}).items():
        if gate_id not in gates:
            raise _refused("unknown-gate", f"there is no gate {gate_id}", name, text, f"gates.{gate_id}")
        citation = given.get("citation")
        if not isinstance(citation, str) or not citation.strip():
            raise _refused(
                "gate-without-citation", f"gate {gate_id} has no citation", name, text, f"gates.{gate_id}"
            )
        packs.citations.setdefault(gate_id, []).append(citation.strip())
        for entry in given.get("value", ()):
            _read_value(packs, gates[gate_id], entry, (name, text))
    for kind, allowed, label in (("reason", CLASSES, "class"), ("remark", EFFECTS, "effect")):
        for entry in table.get(kind, ()):
            _read_codes(packs, kind, entry, allowed, label, (name, text))
    for entry in table.get("group", ()):
        packs.groups[str(entry["code"])] = str(entry["text"])


def _refused(code: str, reason: str, name: str, text: str, near: str) -> PolicyRefused:
    line = next((n for n, line in enumerate(text.splitlines(), 1) if near in line), 0)
    return PolicyRefused(code, reason, where=f"{name}:{line}" if line else name)


def _days(entry: dict[str, Any], source: tuple[str, str], near: str) -> tuple[date, date]:
    since, until = entry.get("effective_from", date.min), entry.get("effective_until", date.max)
    for day in (since, until):
        if type(day) is not date:
            raise _refused("wrong-type", f"effective dates of {near} must be dates", *source, near)
    if since >= until:
        raise _refused("empty-period", f"{near} ends before it begins", *source, near)
    return since, until


def _read_value(packs: _Packs, gate: Gate, entry: dict[str, Any], source: tuple[str, str]) -> None:
    name = entry.get("name")
    wanted = next((p for p in gate.parameters if p.name == name), None)
    if wanted is None:
        raise _refused(
            "unknown-parameter", f"gate {gate.id} has no parameter {name}", *source, f"gates.{gate.id}"
        )
    stage = entry.get("stage")
    if stage is not None and stage not in STAGES:
        raise _refused("unknown-stage", f"{gate.id} {name}: there is no stage {stage}", *source, str(stage))
    value = _value(gate.id, wanted.name, wanted.unit, entry, source)
    since, until = _days(entry, source, f"{gate.id} {name}")
    for at in range(3) if stage is None else (STAGES.index(stage),):
        _add(packs.parameters, (gate.id, wanted.name, at), _Dated(value, since, until, source[0]), source)


def _add(into: dict[Any, list[_Dated]], key: Any, new: _Dated, source: tuple[str, str]) -> None:
    for other in into.setdefault(key, []):
        if new.since < other.until and other.since < new.until:
            label = " ".join(str(part) for part in key)
            raise _refused("overlapping-dates", f"two values for one day: {label}", *source, str(key[1]))
    into[key].append(new)


def _value(gate_id: str, name: str, unit: str, entry: dict[str, Any], source: tuple[str, str]) -> Scalar:
    value = entry.get("value")
    if entry.get("unit") != unit:
        raise _refused("wrong-unit", f"{gate_id} {name} is stated in {unit}", *source, f'"{name}"')
    if unit == "flag" and isinstance(value, bool):
        return value
    if unit in ("days", "count", "percent") and type(value) is int and value >= 0:
        return value
    if unit == "text" and isinstance(value, str):
        return value
    if unit == "USD" and isinstance(value, str):
        try:
            return parse_cents(value)
        except NotAnAmount as error:
            raise _refused("wrong-type", f"{gate_id} {name}: {error}", *source, f'"{name}"') from None
    raise _refused("wrong-type", f"{gate_id} {name} has a value of the wrong type", *source, f'"{name}"')


def _read_codes(
    packs: _Packs,
    kind: str,
    entry: dict[str, Any],
    allowed: frozenset[str],
    label: str,
    source: tuple[str, str],
) -> None:
    codes, text = entry.get("codes"), entry.get("text")
    if not isinstance(codes, list) or not codes or not all(isinstance(c, str) for c in codes):
        raise _refused("wrong-type", f"a {kind} entry needs a list of codes", *source, f"[[{kind}]]")
    if entry.get(label) not in allowed:
        raise _refused("unknown-class", f"{kind} {codes[0]}: unknown {label}", *source, f'"{codes[0]}"')
    if not isinstance(text, str) or not text:
        raise _refused("code-without-text", f"{kind} {codes[0]} has no sentence", *source, f'"{codes[0]}"')
    since, until = _days(entry, source, f"{kind} {codes[0]}")
    for code in codes:
        _add(packs.codes, (kind, code), _Dated(Code(entry[label], text), since, until, source[0]), source)


def _period(packs: _Packs, day: date) -> Period:
    codes: dict[str, dict[str, Code]] = {"reason": {}, "remark": {}}
    for (kind, code), dated in packs.codes.items():
        for one in dated:
            if one.covers(day):
                codes[kind][code] = one.value
    gates = tuple(_terms(packs, gate, day) for gate in REGISTRY)
    return Period(
        day,
        gates,
        tuple(finding for terms in gates for finding in terms.standing),
        codes["reason"],
        codes["remark"],
        frozenset(c for c, code in codes["reason"].items() if code.kind == "DUPLICATE"),
    )


def _terms(packs: _Packs, gate: Gate, day: date) -> Terms:
    values: Values = {}
    missing = None
    for parameter in gate.parameters:
        found = []
        for at in range(3):
            dated = packs.parameters.get((gate.id, parameter.name, at), ())
            value = next((d.value for d in dated if d.covers(day)), None)
            if value is None:
                missing = parameter.name
            found.append(value)
        values[parameter.name] = (found[0], found[1], found[2])
    shown = tuple(tuple((name, values[name][at]) for name in sorted(values)) for at in range(3))
    citation = "; ".join(packs.citations[gate.id])
    standing = tuple(
        Finding(gate.id, gate.name, stage, Verdict.ALLOW, gate.standing, citation, None, None, shown[at])
        for at, stage in enumerate(STAGES)
    )
    return Terms(values, shown, citation, standing, missing)
