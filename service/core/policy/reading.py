"""What one pack says and what all say together, and how a mistake is told: with file and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeGuard

from schemas.errors import PolicyRefused
from service.core.gates import REGISTRY, Facility
from service.core.policy.lines import Lines, Path
from service.core.policy.rules import Compile
from service.core.policy.terms import Allowance, Book, Dated, Key, Pack

DAYS: Final = {"effective_from", "effective_until"}
MOST: Final = {"days": 36_500, "count": 1000, "percent": 100_000}
WRITTEN: Final = {
    "flag": "true or false",
    "days": f"a whole number of days from 0 to {MOST['days']}",
    "count": f"a whole number from 0 to {MOST['count']}",
    "percent": f"a whole number of percent from 0 to {MOST['percent']}",
    "text": "a text",
    "USD": 'an amount such as "25.00", in quotes, not negative',
}


class Reading:
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
        """All of it."""
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
        """Refuse a gate that no pack for everybody cites."""
        for gate in REGISTRY:
            if not any(not book.packs[pack].scope for pack, _ in self.citations[gate.id]):
                reason = (
                    f"gate {gate.id} has no citation in any pack that is for everybody; add [gates.{gate.id}]"
                )
                self.refused.append(PolicyRefused("gate-without-citation", reason))


class PackText:
    """One pack as it is read; what is wrong is noted, and reading goes on.

    `all` is what all packs say, `at` the pack's place among them; `table` is None where it is no TOML.
    """

    def __init__(self, all: Reading, file: str, text: str) -> None:
        self.all = all
        self.file = file
        self.at = len(all.packs)
        self.table: dict[str, Any] | None = None
        self.lines = Lines("")
        # Some editors of Windows begin a file with this sign; TOML 1.1 has it ignored.
        text = text.removeprefix("\ufeff")
        try:
            self.table = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            # Beside what is no TOML: numbers of thousands of digits, and brackets in thousands of brackets.
            found = re.search(r"at line (\d+)", str(error))
            ended = "at end of document" in str(error)
            line = found[1] if found else str(text.count("\n") + 1) if ended else ""
            reason = f"not readable as TOML: {error}"
            where = f"{file}:{line}" if line else file
            all.refused.append(PolicyRefused("policy-syntax", reason, where=where))
        else:
            self.lines = Lines(text)

    def refuse(self, code: str, reason: str, *path: str | int) -> None:
        """Note what is wrong, with the line of the nearest place that stands in the file."""
        line = self.lines.of(*path)
        where = f"{self.file}:{line}" if line else self.file
        self.all.refused.append(PolicyRefused(code, reason, where=where))

    def only(self, table: dict[str, Any], known: set[str], path: Path, code: str, what: str) -> bool:
        """Whether a table holds known keys alone: one that is misspelt must not go unnoticed."""
        strange = [key for key in table if key not in known]
        for key in strange:
            text = f"{what} {key} is not known; known are {', '.join(sorted(known))}"
            self.refuse(code, text, *path, key)
        if "note" in known and not isinstance(table.get("note", ""), str):
            self.refuse("wrong-type", f"{what} note is a text", *path, "note")
        return not strange

    def section(self, table: dict[str, Any], key: str) -> dict[str, Any]:
        """A section of the pack; empty where it says none."""
        found = table.get(key, {})
        if isinstance(found, dict):
            return found
        self.refuse("wrong-type", f"[{key}] must be a table", key)
        return {}

    def entries(self, table: dict[str, Any], *path: str) -> list[dict[str, Any]]:
        """The entries of a list of tables, `[[so]]`."""
        found = table.get(path[-1], [])
        if isinstance(found, list) and all(isinstance(entry, dict) for entry in found):
            return found
        self.refuse("wrong-type", f"write each entry as [[{'.'.join(path)}]]", *path)
        return []

    def days(self, entry: dict[str, Any], label: str, path: Path) -> tuple[date, date] | None:
        """The first day on which an entry holds, and the first on which it no longer does."""
        since, until = entry.get("effective_from", date.min), entry.get("effective_until", date.max)
        for key, day in (("effective_from", since), ("effective_until", until)):
            if type(day) is not date:
                text = f"{label}: {key} is a date such as 2026-11-01, without quotes"
                self.refuse("wrong-type", text, *path, key)
                return None
        if since >= until:
            text = (
                f"{label}: effective_until is the first day on which it no longer holds: after effective_from"
            )
            self.refuse("empty-period", text, *path, "effective_until")
            return None
        return since, until

    def add(self, into: list[Dated], new: Dated, label: str, path: Path) -> bool:
        """Add a value, unless a pack it cannot stand beside has one for the same day."""
        mine = self.all.packs[new.pack]
        for other in into:
            its = self.all.packs[other.pack]
            if mine.scope is not None or its.scope is not None:
                beside = other.pack != new.pack
            else:
                beside = mine.precedence != its.precedence
            if not beside and new.since < other.until and other.since < new.until:
                text = f"two values for one day: {label}; the other stands at {its.file}:{other.line}"
                self.refuse("overlapping-dates", text, *path)
                return False
        into.append(new)
        return True

    def wins(self, into: Mapping[str, tuple[int, Any]], key: str, what: str, path: Path) -> bool:
        """Whether this pack may state something: nobody has, or only one of another precedence."""
        if key not in into:
            return True
        before, mine = self.all.packs[into[key][0]].precedence, self.all.packs[self.at].precedence
        if before == mine:
            self.refuse("stated-twice", f"{what} is stated twice at the same precedence", *path)
        return mine > before


def is_said(text: Any) -> TypeGuard[str]:
    """Whether something is a text that is not blank."""
    return isinstance(text, str) and bool(text.strip())
