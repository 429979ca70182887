"""Reading policy packs: everything in them is checked, and what is wrong is said with file and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeGuard

from schemas.canonical import digest, to_bytes
from schemas.decisions import STAGES, Scalar, Verdict
from schemas.errors import PolicyRefused
from schemas.money import NotAnAmount, parse_cents
from service.core.gates import REGISTRY, Facility, Gate
from service.core.policy.codes import CLASSES, EFFECTS, Code
from service.core.policy.idle import Warned, idle
from service.core.policy.lines import Lines, Path
from service.core.policy.policy import Policy, Shelf
from service.core.policy.rules import VALUES, Compile, Condition, Rule
from service.core.policy.scope import SCOPE_KEYS, folded
from service.core.policy.terms import Allowance, Book, Dated, Key, Pack

_GATES: Final = {gate.id: gate for gate in REGISTRY}
_DAYS: Final = {"effective_from", "effective_until"}
_HEAD: Final = {"id", "version", "precedence", "shadow", "note"}
_VALUE: Final = {"name", "stage", "value", "unit", "note"} | _DAYS
_SECTIONS: Final = {"policy", "scope", "facility", "gates", "reason", "remark", "group", "rule", "overrides"}
_FOR_EVERYBODY: Final = ("facility", "reason", "remark", "group")
_HIGHEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Examined:
    """What reading packs came to: a policy where nothing is wrong, and everything there is to say."""

    policy: Policy | None
    refused: tuple[PolicyRefused, ...]
    warned: tuple[Warned, ...]


def parse_policy(texts: Mapping[str, str], compile: Compile | None = None) -> Policy:
    """Read policy packs, given as file name to TOML text; `compile` checks the expressions of house rules.

    Raises:
        PolicyRefused: the first thing that is wrong: a pack is no TOML, names an unknown gate, parameter or
            key, gives a gate without a citation, a value of the wrong type, or two values for one day.
    """
    policy, refused, _ = _read(texts, compile)
    if policy is None:
        raise refused[0]
    return policy


def examine(texts: Mapping[str, str], compile: Compile | None = None) -> Examined:
    """Read policy packs and say everything that is wrong with them, and what has no effect."""
    policy, refused, book = _read(texts, compile)
    return Examined(policy, tuple(refused), idle(book) if policy is not None else ())


def _read(
    texts: Mapping[str, str], compile: Compile | None
) -> tuple[Policy | None, list[PolicyRefused], Book]:
    reading = _Reading(compile)
    content: dict[str, Any] = {}
    for name in sorted(texts):
        pack = _PackReading(reading, name, texts[name])
        if pack.table is not None:
            content[name] = pack.table
            pack.read()
    book = reading.book()
    if not reading.refused:
        reading.check_citations(book)
    if reading.refused:
        return None, reading.refused, book
    return Shelf(book, digest(to_bytes(content))).view(), [], book


class _Reading:
    """What all packs say together."""

    def __init__(self, compile: Compile | None) -> None:
        self.packs: list[Pack] = []
        self.values: dict[Key, list[Dated]] = {}
        self.codes: dict[tuple[str, str], list[Dated]] = {}
        self.citations: dict[str, list[tuple[int, str]]] = {gate.id: [] for gate in REGISTRY}
        self.groups: dict[str, tuple[int, str]] = {}
        self.facilities: dict[str, tuple[int, Facility]] = {}
        self.rules: dict[str, Dated] = {}
        self.liftable: dict[str, set[int]] = {}
        self.allowances: dict[int, Allowance] = {}
        self.compile = compile
        self.refused: list[PolicyRefused] = []

    def book(self) -> Book:
        valued: dict[str, set[int]] = {}
        for (gate_id, _, _), dated in self.values.items():
            valued.setdefault(gate_id, set()).update(d.pack for d in dated)
        return Book(
            tuple(self.packs),
            self.values,
            self.codes,
            self.citations,
            {code: text for code, (_, text) in self.groups.items()},
            {name: facility for name, (_, facility) in self.facilities.items()},
            {gate_id: frozenset(packs) for gate_id, packs in valued.items()},
            self.rules,
            {gate_id: frozenset(packs) for gate_id, packs in self.liftable.items()},
            self.allowances,
        )

    def check_citations(self, book: Book) -> None:
        for gate in REGISTRY:
            if not any(not book.packs[pack].scope for pack, _ in self.citations[gate.id]):
                reason = (
                    f"gate {gate.id} has no citation in any pack that is for everybody; add [gates.{gate.id}]"
                )
                self.refused.append(PolicyRefused("gate-without-citation", reason))


class _PackReading:
    """One pack as it is read; what is wrong is noted, and reading goes on."""

    def __init__(self, reading: _Reading, file: str, text: str) -> None:
        self._all = reading
        self._file = file
        self._at = len(reading.packs)
        self.table: dict[str, Any] | None = None
        self._lines = Lines("")
        try:
            self.table = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            # Beside what is no TOML: numbers of thousands of digits, and brackets in thousands of brackets.
            found = re.search(r"at line (\d+)", str(error))
            ended = "at end of document" in str(error)
            line = found[1] if found else str(text.count("\n") + 1) if ended else ""
            reason = f"not readable as TOML: {error}"
            reading.refused.append(PolicyRefused("policy-syntax", reason, where=f"{file}:{line}".rstrip(":")))
        else:
            self._lines = Lines(text)

    def read(self) -> None:
        """Read every section."""
        table = self.table or {}
        self._only(table, _SECTIONS, (), "unknown-section", "section")
        pack = self._pack(table)
        self._all.packs.append(pack)
        if pack.scope is not None:
            for section in _FOR_EVERYBODY:
                if section in table:
                    text = f"a pack with a [scope] cannot hold [{section}]: it is the same for every account"
                    self._refuse("not-in-scoped-pack", text, section)
        for name, stated in self._table(table, "facility").items():
            self._facility(name, stated)
        for gate_id, stated in self._table(table, "gates").items():
            self._gate(gate_id, stated)
        for kind, allowed, label in (("reason", CLASSES, "class"), ("remark", EFFECTS, "effect")):
            for n, entry in enumerate(self._entries(table, kind)):
                self._code(kind, entry, n, (allowed, label))
        for n, entry in enumerate(self._entries(table, "group")):
            self._group(entry, n)
        for n, entry in enumerate(self._entries(table, "rule")):
            self._rule(entry, n)
        if "overrides" in table:
            self._overrides(self._table(table, "overrides"))

    def _refuse(self, code: str, reason: str, *path: str | int) -> None:
        line = self._lines.of(*path)
        where = f"{self._file}:{line}" if line else self._file
        self._all.refused.append(PolicyRefused(code, reason, where=where))

    def _only(self, table: dict[str, Any], known: set[str], path: Path, code: str, what: str) -> bool:
        """Whether a table holds known keys alone: one that is misspelt must not go unnoticed."""
        strange = [key for key in table if key not in known]
        for key in strange:
            text = f"{what} {key} is not known; known are {', '.join(sorted(known))}"
            self._refuse(code, text, *path, key)
        if "note" in known and not isinstance(table.get("note", ""), str):
            self._refuse("wrong-type", f"{what} note is a text", *path, "note")
            return False
        return not strange

    def _table(self, table: dict[str, Any], key: str) -> dict[str, Any]:
        found = table.get(key, {})
        if isinstance(found, dict):
            return found
        self._refuse("wrong-type", f"[{key}] must be a table", key)
        return {}

    def _entries(self, table: dict[str, Any], *path: str) -> list[dict[str, Any]]:
        found = table.get(path[-1], [])
        if isinstance(found, list) and all(isinstance(entry, dict) for entry in found):
            return found
        self._refuse("wrong-type", f"write each entry as [[{'.'.join(path)}]]", *path)
        return []

    def _pack(self, table: dict[str, Any]) -> Pack:
        head = self._table(table, "policy")
        self._only(head, _HEAD, ("policy",), "unknown-key", "[policy]:")
        id, version = head.get("id"), head.get("version")
        if not (_is_name(id) and _is_name(version)):
            self._refuse("policy-without-version", "[policy] needs id and version, each one word", "policy")
            id = version = ""
        if id and any(pack.id == id for pack in self._all.packs):
            self._refuse("pack-twice", f"another pack has the id {id} already", "policy", "id")
        precedence = head.get("precedence", 0)
        if type(precedence) is not int or not 0 <= precedence <= _HIGHEST:
            text = f"precedence is a whole number from 0 to {_HIGHEST}"
            self._refuse("wrong-type", text, "policy", "precedence")
            precedence = 0
        scope = self._scope(self._table(table, "scope")) if "scope" in table else None
        if scope is not None and "precedence" in head:
            text = "a pack with a [scope] has no precedence: the strictest value is in force"
            self._refuse("precedence-in-scoped-pack", text, "policy", "precedence")
        shadow = head.get("shadow", False)
        if not isinstance(shadow, bool):
            self._refuse("wrong-type", "shadow is true or false", "policy", "shadow")
        return Pack(self._file, id, version, precedence, scope, shadow)

    def _scope(self, stated: dict[str, Any]) -> dict[str, frozenset[str]]:
        self._only(stated, set(SCOPE_KEYS), ("scope",), "unknown-scope-key", "[scope]:")
        scope: dict[str, frozenset[str]] = {}
        for key in SCOPE_KEYS:
            if key not in stated:
                continue
            words = stated[key]
            if not isinstance(words, list) or not words or not all(map(_is_said, words)):
                self._refuse("wrong-type", f"[scope] {key} is a list of texts, at least one", "scope", key)
                continue
            scope[key] = frozenset(folded(word) for word in words)
        return scope

    def _facility(self, name: str, stated: Any) -> None:
        path = ("facility", name)
        if not isinstance(stated, dict):
            self._refuse("wrong-type", f"write facility {name} as [facility.{name}]", *path)
            return
        self._only(
            stated, {"state", "kind", "tax_exempt", "note"}, path, "unknown-key", f"[facility.{name}]:"
        )
        for key, kind in (("state", str), ("kind", str), ("tax_exempt", bool)):
            if key in stated and not (type(stated[key]) is bool if kind is bool else _is_said(stated[key])):
                what = "true or false" if kind is bool else "a text"
                self._refuse("wrong-type", f"[facility.{name}] {key} is {what}", *path, key)
                return
        if self._wins(self._all.facilities, folded(name), f"facility {name}", path):
            facility = Facility(name, stated.get("state"), stated.get("kind"), stated.get("tax_exempt"))
            self._all.facilities[folded(name)] = self._at, facility

    def _wins(self, into: Mapping[str, tuple[int, Any]], key: str, what: str, path: Path) -> bool:
        """Whether this pack may state something: nobody has, or only one of another precedence."""
        if key not in into:
            return True
        before, mine = self._all.packs[into[key][0]].precedence, self._all.packs[self._at].precedence
        if before == mine:
            self._refuse("stated-twice", f"{what} is stated twice at the same precedence", *path)
        return mine > before

    def _gate(self, gate_id: str, stated: Any) -> None:
        path = ("gates", gate_id)
        gate = _GATES.get(gate_id)
        if gate is None:
            self._refuse("unknown-gate", f"there is no gate {gate_id}; `baton policy show` lists them", *path)
            return
        if not isinstance(stated, dict):
            self._refuse("wrong-type", f"write gate {gate_id} as [gates.{gate_id}]", *path)
            return
        known = {"citation", "value", "note", "liftable"}
        self._only(stated, known, path, "unknown-key", f"[gates.{gate_id}]:")
        self._liftable(gate, stated.get("liftable", False), path)
        citation = stated.get("citation")
        if not _is_said(citation):
            self._refuse("gate-without-citation", f"gate {gate_id} has no citation", *path)
        else:
            self._all.citations[gate_id].append((self._at, citation.strip()))
        for n, entry in enumerate(self._entries(stated, *path, "value")):
            self._value(gate, entry, (*path, "value", n))

    def _liftable(self, gate: Gate, stated: Any, path: Path) -> None:
        if not isinstance(stated, bool):
            self._refuse("wrong-type", f"gate {gate.id}: liftable is true or false", *path, "liftable")
        elif stated and gate.lift == "never":
            text = f"no policy may let people lift gate {gate.id}: it keeps law, certainty or protection"
            self._refuse("never-liftable", text, *path, "liftable")
        elif stated:
            self._all.liftable.setdefault(gate.id, set()).add(self._at)

    def _overrides(self, stated: dict[str, Any]) -> None:
        keys = ("max_days", "default_days")
        if not self._only(stated, {*keys, "citation", "note"}, ("overrides",), "unknown-key", "[overrides]:"):
            return
        citation = stated.get("citation")
        if not _is_said(citation):
            self._refuse("gate-without-citation", "[overrides] has no citation", "overrides")
            return
        for key in keys:
            if type(stated.get(key)) is not int or not 0 <= stated[key] <= _MOST["days"]:
                text = f"[overrides] {key} is {_WRITTEN['days']}"
                self._refuse("wrong-type", text, "overrides", key)
                return
        most, usual = stated["max_days"], min(stated["max_days"], stated["default_days"])
        self._all.allowances[self._at] = Allowance(most, usual, citation.strip())

    def _value(self, gate: Gate, entry: dict[str, Any], path: Path) -> None:
        name, stage = entry.get("name"), entry.get("stage")
        label = f"{gate.id} {name}"
        if not self._only(entry, _VALUE, path, "unknown-key", f"{label}:"):
            return
        wanted = next((p for p in gate.parameters if p.name == name), None)
        if wanted is None:
            known = ", ".join(p.name for p in gate.parameters) or "none"
            text = f"gate {gate.id} has no parameter {name}; it has {known}"
            if name is None:
                text = f"gate {gate.id}: a value needs a name: one of {known}"
            self._refuse("unknown-parameter", text, *path, "name")
            return
        if stage is not None and stage not in STAGES:
            text = f"{label}: there is no stage {stage}; there are {', '.join(STAGES)}"
            self._refuse("unknown-stage", text, *path, "stage")
            return
        if stage is not None and wanted.stated not in ("each", stage):
            stated = "all stages" if wanted.stated == "all" else f"all stages or for {wanted.stated}"
            text = f"{label} is one value for {stated}: for {stage} alone nothing would look at it"
            self._refuse("stage-without-effect", text, *path, "stage")
            return
        value, days = self._scalar(label, wanted.unit, entry, path), self._days(entry, label, path)
        if value is None or days is None:
            return
        new = Dated(value, *days, self._at, self._lines.of(*path))
        for at in range(len(STAGES)) if stage is None else (STAGES.index(stage),):
            where = f"{label} for {STAGES[at]}"
            if not self._add(self._all.values.setdefault((gate.id, wanted.name, at), []), new, where, path):
                return

    def _scalar(self, label: str, unit: str, entry: dict[str, Any], path: Path) -> Scalar | None:
        value = entry.get("value")
        if entry.get("unit") != unit:
            self._refuse("wrong-unit", f'{label} is stated with unit = "{unit}"', *path, "unit")
            return None
        if unit == "flag" and isinstance(value, bool):
            return value
        if unit in ("days", "count", "percent") and type(value) is int and 0 <= value <= _MOST[unit]:
            return value
        if unit == "text" and isinstance(value, str):
            return value
        if unit == "USD" and isinstance(value, str):
            try:
                if (cents := parse_cents(value)) >= 0:
                    return cents
            except NotAnAmount:
                pass
        self._refuse("wrong-type", f"{label} is {_WRITTEN[unit]}", *path, "value")
        return None

    def _days(self, entry: dict[str, Any], label: str, path: Path) -> tuple[date, date] | None:
        since, until = entry.get("effective_from", date.min), entry.get("effective_until", date.max)
        for key, day in (("effective_from", since), ("effective_until", until)):
            if type(day) is not date:
                text = f"{label}: {key} is a date such as 2026-11-01, without quotes"
                self._refuse("wrong-type", text, *path, key)
                return None
        if since >= until:
            text = (
                f"{label}: effective_until is the first day on which it no longer holds: after effective_from"
            )
            self._refuse("empty-period", text, *path, "effective_until")
            return None
        return since, until

    def _add(self, into: list[Dated], new: Dated, label: str, path: Path) -> bool:
        """Add a value, unless a pack it cannot stand beside has one for the same day."""
        mine = self._all.packs[new.pack]
        for other in into:
            its = self._all.packs[other.pack]
            if mine.scope is not None or its.scope is not None:
                beside = other.pack != new.pack
            else:
                beside = mine.precedence != its.precedence
            if not beside and new.since < other.until and other.since < new.until:
                text = f"two values for one day: {label}; the other stands at {its.file}:{other.line}"
                self._refuse("overlapping-dates", text, *path)
                return False
        into.append(new)
        return True

    def _code(self, kind: str, entry: dict[str, Any], n: int, allowed: tuple[frozenset[str], str]) -> None:
        words, label = allowed
        codes, text = entry.get("codes"), entry.get("text")
        if not isinstance(codes, list) or not codes or not all(map(_is_said, codes)):
            self._refuse("wrong-type", f"a {kind} entry needs a list of codes", kind, n, "codes")
            return
        name = f"{kind} {codes[0]}"
        if not self._only(
            entry, {"codes", label, "text", "note"} | _DAYS, (kind, n), "unknown-key", f"{name}:"
        ):
            return
        if entry.get(label) not in sorted(words):
            known = ", ".join(sorted(words))
            self._refuse("unknown-class", f"{name}: unknown {label}; known are {known}", kind, n, label)
            return
        if not _is_said(text):
            self._refuse("code-without-text", f"{name} has no sentence", kind, n, "text")
            return
        days = self._days(entry, name, (kind, n))
        if days is None:
            return
        new = Dated(Code(entry[label], text), *days, self._at, self._lines.of(kind, n))
        for code in codes:
            self._add(self._all.codes.setdefault((kind, code), []), new, f"{kind} {code}", (kind, n, "codes"))

    def _group(self, entry: dict[str, Any], n: int) -> None:
        code, text = entry.get("code"), entry.get("text")
        if set(entry) != {"code", "text"} or not isinstance(code, str) or not isinstance(text, str):
            self._refuse("wrong-type", "a group entry is code and text", "group", n)
        elif self._wins(self._all.groups, code, f"group {code}", ("group", n)):
            self._all.groups[code] = self._at, text

    def _rule(self, entry: dict[str, Any], n: int) -> None:
        id = entry.get("id")
        label = f"rule {id}"
        if not self._only(entry, _RULE, ("rule", n), "unknown-key", f"{label}:"):
            return
        if not isinstance(id, str) or not re.fullmatch(r"H[0-9]{2,4}", id) or id in self._all.rules:
            self._refuse(
                "bad-rule-id", "a rule has an id of its own: H and two to four digits", "rule", n, "id"
            )
            return
        for key in ("name", "when", "because", "citation"):
            if not _is_said(entry.get(key)):
                self._refuse("incomplete-rule", f"{label} needs {key}, a text", "rule", n, key)
                return
        liftable = entry.get("liftable", False)
        if not isinstance(liftable, bool):
            self._refuse("wrong-type", f"{label}: liftable is true or false", "rule", n, "liftable")
            return
        verdict, stages = entry.get("verdict"), entry.get("stage", list(STAGES))
        if verdict not in [*_VERDICTS]:
            text = f"{label}: verdict is require, hold or block; a rule never allows"
            self._refuse("unknown-verdict", text, "rule", n, "verdict")
            return
        stages = [stages] if isinstance(stages, str) else stages
        if not isinstance(stages, list) or not stages or not all(stage in STAGES for stage in stages):
            self._refuse("unknown-stage", f"{label}: stages are {', '.join(STAGES)}", "rule", n, "stage")
            return
        until, condition = self._until(entry, label, n), self._condition(entry["when"], label, n)
        days = self._days(entry, label, ("rule", n))
        if until is None or condition is None or days is None:
            return
        rule = Rule(
            id,
            entry["name"].strip().replace(" ", "_"),
            entry["when"].strip(),
            condition,
            frozenset(stages),
            _VERDICTS[verdict],
            entry["because"].strip(),
            entry["citation"].strip(),
            entry.get("lifted_by"),
            *until,
            liftable,
        )
        self._all.rules[id] = Dated(rule, *days, self._at, self._lines.of("rule", n))

    def _until(self, entry: dict[str, Any], label: str, n: int) -> tuple[int | None, str | None] | None:
        days, start = entry.get("until_days"), entry.get("until_from")
        dates = [name for name, value in VALUES.items() if value.kind == "day" and not value.moves]
        if not isinstance(entry.get("lifted_by"), str | None):
            self._refuse("wrong-type", f"{label}: lifted_by is a text", "rule", n, "lifted_by")
            return None
        if days is None and start is None:
            return None, None
        if type(days) is not int or not 0 < days <= _MOST["days"] or start not in dates:
            text = f"{label}: until_days is a number of days, and until_from one of {', '.join(dates)}"
            self._refuse(
                "wrong-type", text, "rule", n, "until_days" if "until_days" in entry else "until_from"
            )
            return None
        return days, start

    def _condition(self, when: str, label: str, n: int) -> Condition | None:
        if self._all.compile is None:
            self._refuse("no-expressions", f"{label}: nothing here reads expressions", "rule", n, "when")
            return None
        try:
            return self._all.compile(when)
        except ValueError as error:
            self._refuse("bad-expression", f"{label}: {error}", "rule", n, "when")
            return None


_RULE: Final = _DAYS | {
    "id", "name", "when", "stage", "verdict", "because", "citation", "lifted_by", "until_days", "until_from",
    "liftable", "note",
}  # fmt: skip
_VERDICTS: Final = {v.word: v for v in Verdict if v is not Verdict.ALLOW}
_MOST: Final = {"days": 36_500, "count": 1000, "percent": 100_000}
_WRITTEN: Final = {
    "flag": "true or false",
    "days": f"a whole number of days from 0 to {_MOST['days']}",
    "count": f"a whole number from 0 to {_MOST['count']}",
    "percent": f"a whole number of percent from 0 to {_MOST['percent']}",
    "text": "a text",
    "USD": 'an amount such as "25.00", in quotes, not negative',
}


def _is_name(text: Any) -> TypeGuard[str]:
    return isinstance(text, str) and bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text))


def _is_said(text: Any) -> TypeGuard[str]:
    """Whether something is a text that is not blank."""
    return isinstance(text, str) and bool(text.strip())
