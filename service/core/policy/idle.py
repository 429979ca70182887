"""What may be said in a policy and has no effect, or is likely an oversight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from schemas.decisions import STAGES
from service.core.gates import REGISTRY
from service.core.policy.terms import Book, Dated, Key, in_force


@dataclass(frozen=True, slots=True)
class Warned:
    """Something in a policy that may be said but has no effect, or that is likely an oversight."""

    code: str
    reason: str
    where: str


def idle(book: Book) -> tuple[Warned, ...]:
    """Values of scoped packs that nowhere change anything, and values that are missing on some day."""
    everybody = frozenset(n for n, pack in enumerate(book.packs) if not pack.scope)
    days = book.changes(frozenset(range(len(book.packs))))
    without: dict[tuple[int, int], str] = {}
    missing: list[Warned] = []
    for gate in REGISTRY:
        for parameter in gate.parameters:
            for at, stage in enumerate(STAGES):
                key = (gate.id, parameter.name, at)
                for one in book.values.get(key, ()):
                    label = f"{gate.id} {parameter.name}"
                    if _never_binds(book, everybody, key, parameter.stricter, one, days):
                        without.setdefault((one.pack, one.line), label)
                    else:
                        without[(one.pack, one.line)] = ""
                stated = [in_force(book, everybody, key, parameter.stricter, day)[0] for day in days]
                for when in _gaps(days, [value is None for value in stated]):
                    text = f"{gate.id} {parameter.name} has no value for {stage}{when}: the gate holds"
                    missing.append(Warned("no-value", text, ""))
    texts = (
        "{} never has an effect here: what is in force for everybody is stricter; a scoped pack only tightens"
    )
    found = [
        Warned("no-effect", texts.format(label), f"{book.packs[pack].file}:{line}")
        for (pack, line), label in sorted(without.items())
        if label
    ]
    return (*found, *missing, *_nowhere(book))


def _gaps(days: Sequence[date], missing: Sequence[bool]) -> Iterator[str]:
    """The stretches of days without a value, in words; empty words for always."""
    since: date | None = None
    for day, gone in zip([*days, None], [*missing, False], strict=True):
        if gone and since is None:
            since = day
        elif not gone and since is not None:
            yield (f" from {since}" if since != date.min else "") + (f" until {day}" if day else "")
            since = None


def _nowhere(book: Book) -> Iterator[Warned]:
    """Law of states is in force, and no facility is said to stand in one."""
    by_state = [pack for pack in book.packs if pack.scope and "state" in pack.scope]
    if by_state and not any(facility.state for facility in book.facilities.values()):
        text = (
            "no [facility.NAME] says a state: what states ask counts only by where patient and guarantor live"
        )
        yield Warned("no-facility-state", text, "")


def _never_binds(
    book: Book, everybody: frozenset[int], key: Key, stricter: str, one: Dated, days: list[date]
) -> bool:
    if not book.packs[one.pack].scope:
        return False
    active = everybody | {one.pack}
    return not any(
        one.pack in in_force(book, active, key, stricter, day)[1] for day in days if one.covers(day)
    )
