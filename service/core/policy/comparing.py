"""What another policy would change, value by value, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from schemas.decisions import STAGES
from schemas.money import format_cents
from service.core.gates import REGISTRY
from service.core.policy.codes import Code
from service.core.policy.policy import Policy
from service.core.policy.terms import Book, Dated, Pack, in_force


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two policies say differently, from `since` until the day before `until` (None: always).

    `scope` names the scoped pack that says it; None where it holds for everybody. `before` and `after` are in
    words; None where a policy says nothing.
    """

    what: str
    before: str | None
    after: str | None
    scope: str | None = None
    since: date | None = None
    until: date | None = None

    @property
    def says(self) -> str:
        """The difference as a sentence without a full stop."""
        when = f" from {self.since}" if self.since else ""
        when += f" until {self.until}" if self.until else ""
        where = f" [{self.scope}]" if self.scope else ""
        if self.before is None:
            return f"{self.what}{where}{when}: added, {self.after}"
        if self.after is None:
            return f"{self.what}{where}{when}: removed, was {self.before}"
        return f"{self.what}{where}{when}: {self.before} → {self.after}"


def compare(before: Policy, after: Policy) -> tuple[Difference, ...]:
    """Everything that differs: packs, values, citations, what people may lift, codes, facilities, groups."""
    old, new = before.book, after.book
    days = sorted({*old.changes(_all(old)), *new.changes(_all(new))})
    return (
        *_differ({p.id: _pack(p) for p in old.packs}, {p.id: _pack(p) for p in new.packs}, "pack"),
        *_values(old, new, days),
        *_scoped_values(old, new, days),
        *_citations(old, new),
        *_differ(_liftable(old), _liftable(new), "liftable"),
        *_differ(_allowances(old), _allowances(new), "overrides"),
        *_codes(before, after, days),
        *_differ(
            {f.name: _facility(f) for f in old.facilities.values()},
            {f.name: _facility(f) for f in new.facilities.values()},
            "facility",
        ),
        *_differ(dict(old.groups), dict(new.groups), "group"),
        *_differ(_rules(old), _rules(new), "house rule"),
    )


def in_words(value: Any, unit: str) -> str:
    """A policy value for people."""
    if unit == "flag":
        return "yes" if value else "no"
    if unit == "USD":
        return f"{format_cents(value)} USD"
    if unit == "percent":
        return f"{value} percent"
    return ("1 day" if value == 1 else f"{value} days") if unit == "days" else str(value)


def _all(book: Book) -> frozenset[int]:
    return frozenset(range(len(book.packs)))


def _everybody(book: Book) -> frozenset[int]:
    return frozenset(n for n, pack in enumerate(book.packs) if not pack.scope)


def _pack(pack: Pack) -> str:
    said = pack.version
    if pack.precedence:
        said += f", precedence {pack.precedence}"
    if pack.shadow:
        said += ", shadow"
    if pack.scope is not None:
        keys = "; ".join(f"{key} {', '.join(sorted(words))}" for key, words in sorted(pack.scope.items()))
        said += f", scope {keys or 'everybody'}"
    return said


def _facility(facility: Any) -> str:
    exempt = {True: "tax exempt", False: "not tax exempt", None: ""}[facility.tax_exempt]
    return ", ".join(word for word in (facility.state, facility.kind, exempt) if word) or "nothing said"


def _rules(book: Book) -> dict[str, str]:
    return {id: _rule(one, book.packs[one.pack]) for id, one in book.rules.items()}


def _rule(one: Dated, pack: Pack) -> str:
    rule = one.value
    stages = ", ".join(stage for stage in STAGES if stage in rule.stages)
    said = f"{rule.name.replace('_', ' ')}: {rule.verdict.word} for {stages} when {rule.when}: {rule.because}"
    said += f" until {rule.until_days} days after {rule.until_from}" if rule.until_days else ""
    said += f", from {one.since}" if one.since != date.min else ""
    said += f", until {one.until}" if one.until != date.max else ""
    said += f"; lifted by {rule.lifted_by}" if rule.lifted_by else ""
    said += "; two people may lift it" if rule.liftable else ""
    return f"{said} [{pack.id}; {rule.citation}]"


def _liftable(book: Book) -> dict[str, str]:
    return {
        f"{gate_id} by {book.packs[pack].id}": "two people may lift it"
        for gate_id, packs in book.liftable.items()
        for pack in packs
    }


def _allowances(book: Book) -> dict[str, str]:
    return {
        f"by {book.packs[pack].id}": (
            f"at most {one.max_days} days, {one.default_days} where none are named [{one.citation}]"
        )
        for pack, one in book.allowances.items()
    }


def _differ(old: dict[str, str], new: dict[str, str], what: str) -> Iterator[Difference]:
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            yield Difference(f"{what} {key}", old.get(key), new.get(key))


def _over_time(
    days: list[date], at: Callable[[date], tuple[str | None, str | None]]
) -> Iterator[tuple[str | None, str | None, date | None, date | None]]:
    """The stretches of days on which two policies differ, with what each says."""
    stretch: tuple[tuple[str | None, str | None], date] | None = None
    for day in [*days, None]:
        said = None if day is None else at(day)
        if stretch is not None and said != stretch[0]:
            (old, new), since = stretch
            yield old, new, None if since == date.min else since, day
            stretch = None
        if said is not None and day is not None and said[0] != said[1] and stretch is None:
            stretch = said, day


def _values(old: Book, new: Book, days: list[date]) -> Iterator[Difference]:
    for gate in REGISTRY:
        for parameter in gate.parameters:
            found: dict[tuple[Any, ...], list[str]] = {}
            for at, stage in enumerate(STAGES):
                key = (gate.id, parameter.name, at)

                def said(book: Book, day: date, key: Any = key, parameter: Any = parameter) -> str | None:
                    value = in_force(book, _everybody(book), key, parameter.stricter, day)[0]
                    return None if value is None else in_words(value, parameter.unit)

                for change in _over_time(days, lambda day, said=said: (said(old, day), said(new, day))):  # type: ignore[misc]
                    found.setdefault(change, []).append(stage)
            for (was, now, since, until), stages in found.items():
                yield Difference(_what(gate.id, parameter.name, stages), was, now, None, since, until)


def _what(gate: str, parameter: str, stages: list[str]) -> str:
    where = "" if len(stages) == len(STAGES) else f" for {' and '.join(stages)}"
    return f"{gate} {parameter}{where}"


def _scoped_values(old: Book, new: Book, days: list[date]) -> Iterator[Difference]:
    """Values that scoped packs state, whether or not something stricter is in force for everybody."""
    units = {(gate.id, p.name): p.unit for gate in REGISTRY for p in gate.parameters}
    was_stated, is_stated = _stated(old), _stated(new)
    keys = sorted({*was_stated, *is_stated})
    found: dict[tuple[Any, ...], list[str]] = {}
    for key, pack in keys:
        unit = units[key[:2]]

        def said(
            day: date, key: Any = key, pack: str = pack, unit: str = unit
        ) -> tuple[str | None, str | None]:
            return tuple(  # type: ignore[return-value]
                next((in_words(d.value, unit) for d in stated.get((key, pack), ()) if d.covers(day)), None)
                for stated in (was_stated, is_stated)
            )

        for change in _over_time(days, said):
            found.setdefault((*key[:2], pack, *change), []).append(STAGES[key[2]])
    for (gate, name, pack, was, now, since, until), stages in found.items():
        yield Difference(_what(gate, name, stages), was, now, pack, since, until)


def _stated(book: Book) -> dict[Any, list[Dated]]:
    found: dict[Any, list[Dated]] = {}
    for key, dated in book.values.items():
        for one in dated:
            if book.packs[one.pack].scope:
                found.setdefault((key, book.packs[one.pack].id), []).append(one)
    return found


def _citations(old: Book, new: Book) -> Iterator[Difference]:
    def cited(book: Book) -> dict[str, str]:
        return {
            f"{gate_id} by {book.packs[pack].id}": text
            for gate_id, many in book.citations.items()
            for pack, text in many
        }

    return _differ(cited(old), cited(new), "citation of")


def _codes(before: Policy, after: Policy, days: list[date]) -> Iterator[Difference]:
    for kind in ("reason", "remark"):
        codes = {code for book in (before.book, after.book) for k, code in book.codes if k == kind}
        for code in sorted(codes, key=_code_order):

            def at(day: date, code: str = code, kind: str = kind) -> tuple[str | None, str | None]:
                return tuple(  # type: ignore[return-value]
                    _code(getattr(policy.on(day), f"{kind}s").get(code)) for policy in (before, after)
                )

            for was, now, since, until in _over_time(days, at):
                yield Difference(f"{kind} {code}", was, now, None, since, until)


def _code(code: Code | None) -> str | None:
    return None if code is None else f"{code.kind}: {code.text}"


def _code_order(code: str) -> tuple[str, int, str]:
    letters = code.rstrip("0123456789")
    number: Final = code[len(letters) :]
    return letters, int(number or 0), code
