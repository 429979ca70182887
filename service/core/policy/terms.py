"""What was read from policy packs, and which value is in force: precedence first, then the strictest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from schemas.decisions import STAGES, Finding, Scalar, Verdict
from service.core.gates import REGISTRY, Facility, Gate
from service.core.policy.codes import Code
from service.core.policy.rules import Rule

Values: TypeAlias = dict[str, tuple[Scalar, Scalar, Scalar]]
"""A gate's parameters in force: name to one value for each stage, in the order of STAGES."""

Key: TypeAlias = tuple[str, str, int]
"""A gate, a parameter of it, and the place of a stage in STAGES."""


@dataclass(frozen=True, slots=True)
class Pack:
    """One policy file. `scope` names what an account must match, key by key; None where it is no scoped pack.

    A pack with a scope only adds: the stricter of its value and everybody's is in force. An empty scope
    matches every account. `precedence` decides between packs without one: the higher wins. What a `shadow`
    pack has a part in is decided and recorded, and opens no case.
    """

    file: str
    id: str
    version: str
    precedence: int
    scope: Mapping[str, frozenset[str]] | None
    shadow: bool

    @property
    def name(self) -> str:
        """How a decision names it."""
        return f"{self.id}@{self.version}"


@dataclass(frozen=True, slots=True)
class Dated:
    """A value of a pack and the days on which it is in force; `until` is the first day it no longer is.

    `pack` is the pack's place among the packs.
    """

    value: Any
    since: date
    until: date
    pack: int
    line: int

    def covers(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.since <= day < self.until


@dataclass(frozen=True, slots=True)
class Allowance:
    """For how long two people may lift something: at most so many days, so many where none are named."""

    max_days: int
    default_days: int
    citation: str


NO_ALLOWANCE: Final = Allowance(0, 0, "no pack says that anything may be lifted")


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that the packs say, as read; `valued` are the packs that state any value of a gate.

    `liftable` are the packs that let people lift a gate, `allowances` what packs say of how long, by pack.
    """

    packs: tuple[Pack, ...]
    values: Mapping[Key, Sequence[Dated]]
    codes: Mapping[tuple[str, str], Sequence[Dated]]
    citations: Mapping[str, Sequence[tuple[int, str]]]
    groups: Mapping[str, str]
    facilities: Mapping[str, Facility]
    valued: Mapping[str, frozenset[int]]
    rules: Mapping[str, Dated]
    liftable: Mapping[str, frozenset[int]]
    allowances: Mapping[int, Allowance]

    def changes(self, active: frozenset[int]) -> list[date]:
        """The days on which something that these packs say begins or ends, from the beginning of time."""
        days = {date.min}
        rules = [[rule] for rule in self.rules.values()]
        for dated in (*self.values.values(), *self.codes.values(), *rules):
            for one in dated:
                if one.pack in active:
                    days |= {one.since, one.until}
        return sorted(days - {date.max})


@dataclass(frozen=True, slots=True)
class Terms:
    """What one gate works with in one period: values, how they are shown, and its three standing answers.

    `missing` names a parameter without a value in the period; the gate then holds. `liftable` says that every
    pack in force that speaks of the gate lets people lift it: one that is silent does not.
    """

    values: Values
    shown: tuple[tuple[tuple[str, Scalar], ...], ...]
    citation: str
    standing: tuple[Finding, ...]
    missing: str | None
    liftable: bool


@dataclass(frozen=True, slots=True)
class Period:
    """Everything in force from a day until the next period begins.

    `standing` are the standing answers of all gates, gate after gate, stage after stage. `rules` are the
    house rules, each with its standing answers, by id. `allowance` is the shortest of all packs.
    """

    starts_on: date
    gates: tuple[Terms, ...]
    standing: tuple[Finding, ...]
    reasons: Mapping[str, Code]
    remarks: Mapping[str, Code]
    duplicate_codes: frozenset[str]
    rules: tuple[tuple[Rule, tuple[Finding, ...]], ...]
    allowance: Allowance


def period(book: Book, active: frozenset[int], day: date) -> Period:
    """What these packs put in force from a day on."""
    codes: dict[str, dict[str, Code]] = {"reason": {}, "remark": {}}
    for (kind, code), dated in book.codes.items():
        if (found := _foremost(book, dated, day)) is not None:
            codes[kind][code] = found.value
    gates = tuple(_terms(book, active, gate, day) for gate in REGISTRY)
    return Period(
        day,
        gates,
        tuple(finding for terms in gates for finding in terms.standing),
        codes["reason"],
        codes["remark"],
        frozenset(c for c, code in codes["reason"].items() if code.kind == "DUPLICATE"),
        tuple(
            (d.value, d.value.standing(book.packs[d.pack].name))
            for _, d in sorted(book.rules.items())
            if d.pack in active and d.covers(day)
        ),
        _allowance(book, active),
    )


def _allowance(book: Book, active: frozenset[int]) -> Allowance:
    stated = [book.allowances[pack] for pack in sorted(active) if pack in book.allowances]
    if not stated:
        return NO_ALLOWANCE
    most = min(one.max_days for one in stated)
    usual = min(most, *(one.default_days for one in stated))
    return Allowance(most, usual, "; ".join(dict.fromkeys(one.citation for one in stated)))


def _terms(book: Book, active: frozenset[int], gate: Gate, day: date) -> Terms:
    values: Values = {}
    set_by: list[list[tuple[str, tuple[int, ...]]]] = [[], [], []]
    missing = None
    for parameter in sorted(gate.parameters, key=lambda p: p.name):
        found: list[Scalar] = []
        for at in range(len(STAGES)):
            key = (gate.id, parameter.name, at)
            value, packs = in_force(book, active, key, parameter.stricter, day)
            if value is None:
                missing = parameter.name
            found.append(value)
            set_by[at].append((parameter.name, packs))
        values[parameter.name] = (found[0], found[1], found[2])
    shown = tuple(tuple((name, values[name][at]) for name in values) for at in range(len(STAGES)))
    standing = tuple(
        Finding(
            gate.id,
            gate.name,
            stage,
            Verdict.ALLOW,
            gate.standing,
            _citation(book, active, gate.id, {pack for _, packs in set_by[at] for pack in packs}),
            None,
            None,
            shown[at],
            (),
            tuple(
                (name, ", ".join(book.packs[pack].name for pack in packs))
                for name, packs in set_by[at]
                if packs
            ),
        )
        for at, stage in enumerate(STAGES)
    )
    speaking = [pack for pack, _ in book.citations[gate.id] if pack in active]
    every = "; ".join(text for pack, text in book.citations[gate.id] if pack in active)
    letting = book.liftable.get(gate.id, frozenset())
    liftable = gate.lift != "never" and bool(speaking) and letting.issuperset(speaking)
    return Terms(values, shown, every, standing, missing, liftable)


def in_force(
    book: Book, active: frozenset[int], key: Key, stricter: str, day: date
) -> tuple[Scalar, tuple[int, ...]]:
    """The value in force on a day and the packs that set it; None and nobody where no pack does."""
    dated = book.values.get(key, ())
    foremost = _foremost(book, dated, day)
    candidates = [foremost] if foremost is not None else []
    candidates += [
        d for d in dated if book.packs[d.pack].scope is not None and d.pack in active and d.covers(day)
    ]
    if not candidates:
        return None, ()
    value = strictest(stricter, [d.value for d in candidates])
    alone = tuple(d.pack for d in candidates if strictest(stricter, [d.value]) == value)
    return value, alone or tuple(d.pack for d in candidates)


def _foremost(book: Book, dated: Sequence[Dated], day: date) -> Dated | None:
    """Of the packs without a scope, the value of the highest precedence."""
    found = [d for d in dated if book.packs[d.pack].scope is None and d.covers(day)]
    return max(found, key=lambda d: book.packs[d.pack].precedence, default=None)


def strictest(direction: str, values: Sequence[Scalar]) -> Scalar:
    """The value that protects the patient most; `direction` is a parameter's `stricter`.

    >>> strictest("higher", [60, 180, 120]), strictest("false", [True, False])
    (180, False)
    >>> strictest("union", ["1 2", "2 3"]), strictest("intersection", ["1 2", "2 3"])
    ('1 2 3', '2')
    """
    if direction in _WORDS:
        lists = [str(value).split() for value in values]
        return " ".join(
            word
            for word in dict.fromkeys(word for words in lists for word in words)
            if direction == "union" or all(word in words for words in lists)
        )
    choose = max if direction in ("higher", "true") else min
    return choose(value for value in values if isinstance(value, int))


_WORDS: Final = ("union", "intersection")

DIRECTIONS: Final[Mapping[str, frozenset[str]]] = {
    "days": frozenset({"higher", "lower"}),
    "count": frozenset({"higher", "lower"}),
    "percent": frozenset({"higher", "lower"}),
    "USD": frozenset({"higher", "lower"}),
    "flag": frozenset({"true", "false"}),
    "text": frozenset(_WORDS),
}
"""Which directions of strictness a unit knows."""


def _citation(book: Book, active: frozenset[int], gate_id: str, setting: set[int]) -> str:
    """What this gate rests on here: who set its values, and who cites it without setting any."""
    valued = book.valued.get(gate_id, frozenset())
    cited = [(pack, text) for pack, text in book.citations[gate_id] if pack in active]
    binding = [text for pack, text in cited if pack in setting or pack not in valued]
    return "; ".join(binding or [text for _, text in cited])
