"""Who answered for an account since when, who did on the day of service, and whom statements reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, TypeAlias, cast

from schemas.facts import (
    AccountRef,
    AccountRegistered,
    ChargePosted,
    ClaimAdjudicated,
    Fact,
    Person,
    StatementSent,
)
from schemas.records import swift_init
from service.core.merging import Contradiction, United

NOTHING_REGISTERED: Final = AccountRegistered()

Identity: TypeAlias = tuple[str, ...]


@swift_init
@dataclass(frozen=True, slots=True)
class Tenure:
    """Who answered for an account from an instant on; `guarantor` None: somebody else, and nobody says who.

    `id` is the fact that says so. `moved` is set where the account went to another patient (HL7 A44, A45).
    """

    account: AccountRef
    since: datetime
    id: str
    guarantor: Person | None
    moved: bool = False


@dataclass(slots=True)
class Registration:
    """What registrations of an account add up to.

    `guarantor_in_doubt` holds the facts that leave open who answered on the day of service.
    `elsewhere` holds the statements that went to somebody else than the one who answers.
    """

    stated: AccountRegistered = NOTHING_REGISTERED
    tenures: tuple[Tenure, ...] = ()
    doubt: Contradiction | None = None
    elsewhere: frozenset[str] = frozenset()
    moves: list[tuple[date, str]] = field(default_factory=list)


def identity(person: Person | None) -> Identity | None:
    """What tells persons apart: the id, else name and birth date; None where neither is stated.

    >>> identity(Person("G1", family="Doe"))
    ('id', 'G1')
    """
    if person is None:
        return None
    if person.id is not None:
        return "id", person.id
    if person.family is None or person.birth_on is None:
        return None
    return "name", person.family.casefold(), (person.given or "").casefold(), person.birth_on.isoformat()


def _differ(one: Person | None, other: Person | None) -> bool:
    """Whether two statements surely mean two persons."""
    if one is None or other is None:
        return False
    if one.id is not None and other.id is not None:
        return one.id != other.id
    first, second = identity(replace(one, id=None)), identity(replace(other, id=None))
    return first is not None and second is not None and first != second


Kinds: TypeAlias = dict[str, list[Fact]]
"""Facts by kind, in business order."""


def register(kinds: Kinds, united: United) -> Registration:
    """Add registrations up: the newest statement wins field by field, within one person."""
    facts = kinds.get("account.registered", ())
    if not facts:
        return Registration()
    found = Registration(_newest_fields(facts))
    if not united.is_joint:
        found.tenures = tuple(_tenures(facts, found.moves))
    else:
        each = [[f for f in facts if f.account == member] for member in sorted(united.members)]
        found.tenures = tuple([t for own in each for t in _tenures(own, found.moves)])
    if len(found.tenures) <= 1 and not found.moves:
        return found
    answering, found.doubt = _who_answers(kinds, found, united)
    statements = kinds.get("statement.sent", ())
    found.elsewhere = frozenset(_before_the_move(statements, found.tenures))
    if answering is not None:
        if found.stated.guarantor is None or _differ(found.stated.guarantor, answering):
            found.stated = replace(found.stated, guarantor=answering)
        found.elsewhere |= frozenset(_elsewhere(statements, answering, found.tenures))
    return found


def _newest_fields(facts: Iterable[Fact]) -> AccountRegistered:
    stated: AccountRegistered | None = None
    for fact in facts:
        body = cast(AccountRegistered, fact.body)
        stated = body if stated is None else _newer(stated, body)
    return stated or NOTHING_REGISTERED


def _newer(older: AccountRegistered, newer: AccountRegistered) -> AccountRegistered:
    if _differ(older.patient, newer.patient):
        # The guarantor on record was the earlier patient's.
        older = replace(older, guarantor=None)
    return cast(AccountRegistered, _newer_fields(older, newer))


def _newer_fields(older: Any, newer: Any) -> Any:
    """Take each field the newer record states; None leaves a field as it was. A person is never mixed."""
    if older is None or newer is None:
        return older if newer is None else newer
    if isinstance(newer, Person) and _differ(older, newer):
        return newer
    changed = {
        name: _newer_fields(getattr(older, name), value) if isinstance(value, Person) else value
        for name in newer.__dataclass_fields__
        if (value := getattr(newer, name)) is not None
    }
    return replace(older, **changed)


def _tenures(facts: Iterable[Fact], moves: list[tuple[date, str]]) -> list[Tenure]:
    """One account's guarantors one after the other; moves to another patient are added to `moves`."""
    told: list[Tenure] = []
    patient: Person | None = None
    for fact in facts:
        body, account = cast(AccountRegistered, fact.body), cast(AccountRef, fact.account)
        moved = _differ(patient, body.patient)
        patient = _newer_fields(patient, body.patient)
        if moved:
            moves.append((fact.occurred_at.date(), fact.id))
            told.append(Tenure(account, fact.occurred_at, fact.id, body.guarantor, True))
        elif identity(body.guarantor) is None:
            continue
        elif not told or _differ(told[-1].guarantor, body.guarantor):
            told.append(Tenure(account, fact.occurred_at, fact.id, body.guarantor))
        else:
            # After a move the new patient's guarantor may only be named now, and answers since the move.
            told[-1] = replace(told[-1], guarantor=_newer_fields(told[-1].guarantor, body.guarantor))
    return told


def _who_answers(
    kinds: Kinds, found: Registration, united: United
) -> tuple[Person | None, Contradiction | None]:
    """DET-17: the guarantor of the day of service; None with the facts that leave it open, or where none is
    known."""
    answers: list[Tenure] = []
    doubts: list[str] = []
    for member in sorted({t.account for t in found.tenures}):
        told = [t for t in found.tenures if t.account == member]
        one = _on_the_day(told, *_days_of_service(kinds, member))
        if one is None:
            doubts += [t.id for t in told]
        elif one.guarantor is not None:
            answers.append(one)
    if not doubts and not any(_differ(answers[0].guarantor, t.guarantor) for t in answers):
        return (answers[-1].guarantor if answers else None), None
    if united.is_joint:
        for fact in reversed(kinds["account.registered"]):
            body = cast(AccountRegistered, fact.body)
            if identity(body.guarantor) is not None and united.reaches(fact) == united.members:
                return body.guarantor, None
    return None, Contradiction("guarantor", tuple(sorted({*doubts, *(t.id for t in answers)})))


def _days_of_service(kinds: Kinds, account: AccountRef) -> tuple[date | None, date | None]:
    """The first and the last day of service that the account's own facts state."""
    own = _newest_fields(f for f in kinds["account.registered"] if f.account == account)
    if own.service_from is not None:
        return own.service_from, own.service_to or own.service_from
    charges = [f.body for f in kinds.get("charge.posted", ()) if f.account == account]
    days = [cast(ChargePosted, body).service_on for body in charges]
    claims = [f.body for f in kinds.get("claim.adjudicated", ()) if f.account == account]
    days = days or [on for body in claims if (on := cast(ClaimAdjudicated, body).service_from) is not None]
    return min(days, default=None), max(days, default=None)


def _on_the_day(told: Sequence[Tenure], first: date | None, last: date | None) -> Tenure | None:
    """Who answered on the days of service; None when that cannot be told.

    A move to another patient says that the account was never the earlier one's, so what was before it does
    not count.
    """
    last_move = max((n for n, t in enumerate(told) if t.moved), default=None)
    if last_move is not None:
        since = told[last_move:]
        had_one = any(t.guarantor is not None for t in told[:last_move])
        sure = len(since) == 1 and not (had_one and since[0].guarantor is None)
        return since[0] if sure else None
    if len(told) == 1:
        return told[0]
    if first is None or last is None:
        return None
    by_then = [t for t in told if t.since.date() <= first]
    during = [t for t in told if first < t.since.date() <= last]
    return by_then[-1] if by_then and not during else None


def _elsewhere(statements: Iterable[Fact], answering: Person, tenures: Sequence[Tenure]) -> Iterable[str]:
    """Statements sent while somebody else than the one who answers was the guarantor on record."""
    if not any(_differ(t.guarantor, answering) for t in tenures):
        return
    for fact in statements:
        on_record = _on_record(fact, tenures)
        if on_record is None or on_record.guarantor is None or _differ(on_record.guarantor, answering):
            yield fact.id


def _before_the_move(statements: Iterable[Fact], tenures: Sequence[Tenure]) -> Iterable[str]:
    """Statements of an account from before its last move to another patient."""
    moved = {t.account: t for t in tenures if t.moved}
    for fact in statements:
        move = moved.get(cast(AccountRef, fact.account))
        if move is not None and not _sent_since(fact, move):
            yield fact.id


def _on_record(statement: Fact, tenures: Sequence[Tenure]) -> Tenure | None:
    told = [t for t in tenures if t.account == statement.account and _sent_since(statement, t)]
    return told[-1] if told else None


def _sent_since(statement: Fact, tenure: Tenure) -> bool:
    sent_on = cast(StatementSent, statement.body).sent_on
    return tenure.since <= statement.occurred_at and tenure.since.date() <= sent_on
