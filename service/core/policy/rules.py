"""House rules: expressions over documented values of an account, that can only add restriction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol, TypeAlias

from schemas.decisions import STAGES, Finding, Scalar, Verdict
from service.core.account import service_day
from service.core.gates import Inquiry, Said

Value: TypeAlias = str | int | bool | date | frozenset[str] | None


@dataclass(frozen=True, slots=True)
class AccountValue:
    """A value that a house rule may use. `kind` is cents, count, day, word, words or flag.

    `moves` when the passing of a day alone changes it.
    """

    name: str
    kind: str
    meaning: str
    read: Callable[[Inquiry], Value]
    moves: bool = False


class Condition(Protocol):
    """An expression that was checked: the values it uses, and whether it is true of them."""

    @property
    def uses(self) -> tuple[str, ...]:
        """The names of the values it uses, in order."""

    @property
    def minds_missing(self) -> bool:
        """Whether it says itself what a missing value means."""

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether it is true.

        Raises:
            ValueError: it cannot be worked out.
        """


Compile: TypeAlias = Callable[[str], Condition]
"""Checks an expression; raises ValueError with the reason when it is none or not allowed."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the house. It says `verdict` for its stages while its condition is true, else nothing.

    With `until_days` it says so only until that many days after the value `until_from`. Two people may lift
    one that is `liftable`, for one account.
    """

    id: str
    name: str
    when: str
    condition: Condition
    stages: frozenset[str]
    verdict: Verdict
    because: str
    citation: str
    lifted_by: str | None
    until_days: int | None
    until_from: str | None
    liftable: bool

    @property
    def moves(self) -> bool:
        """Whether the passing of a day alone can change what it says without a date that it names."""
        return any(VALUES[name].moves for name in self.condition.uses)

    def standing(self, pack: str) -> tuple[Finding, ...]:
        """What it says of each stage while it is silent."""
        shown = (("when", self.when),)
        return tuple(
            Finding(
                self.id, self.name, stage, Verdict.ALLOW, "This house rule asks for nothing here.",
                self.citation, None, None, shown, (), (("when", pack),),
            )
            for stage in STAGES
        )  # fmt: skip

    def ask(self, asked: Inquiry) -> tuple[tuple[Said | None, ...] | None, dict[str, Scalar]]:
        """What it says of an account for each stage, and the values it looked at."""
        values = {name: VALUES[name].read(asked) for name in self.condition.uses}
        said = self._say(asked, values)
        if said is None:
            return None, {}
        evidence = [i for name in values for i in _EVIDENCE.get(name, _nothing)(asked)]
        said = said._replace(evidence=tuple(dict.fromkeys(evidence)))
        each = tuple(said if stage in self.stages else None for stage in STAGES)
        return each, {name: _scalar(value) for name, value in values.items()}

    def _say(self, asked: Inquiry, values: Mapping[str, Value]) -> Said | None:
        missing = [name for name, value in values.items() if value is None]
        if missing and not self.condition.minds_missing:
            text = f"It is not known whether this house rule concerns the account ({', '.join(missing)})."
            return Said(max(self.verdict, Verdict.HOLD), text, None, "the missing fact")
        try:
            if not self.condition.holds(values):
                return None
        except ValueError:
            text = "This house rule could not be worked out for the account."
            return Said(max(self.verdict, Verdict.HOLD), text, None, "a corrected house rule")
        until = self._until(asked)
        if until is not None and asked.as_of >= until:
            return None
        return Said(self.verdict, self.because, until, self.lifted_by)

    def _until(self, asked: Inquiry) -> date | None:
        """The first day on which it says nothing any more; None while the day it counts from is not known."""
        if self.until_days is None or self.until_from is None:
            return None
        start = VALUES[self.until_from].read(asked)
        try:
            return start + timedelta(days=self.until_days) if isinstance(start, date) else None
        except OverflowError:
            return None


def shown(when: str, given: Mapping[str, Scalar]) -> tuple[tuple[str, Scalar], ...]:
    """A rule's expression and the values it looked at, as a finding shows them."""
    return (("when", when), *((name, given[name]) for name in sorted(given)))


def _scalar(value: Value) -> Scalar:
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    return value.isoformat() if isinstance(value, date) else value


def _states(asked: Inquiry) -> frozenset[str]:
    stated = asked.account.registered
    addresses = [p.address for p in (stated.patient, stated.guarantor) if p is not None]
    found = {a.state for a in addresses if a is not None} | {f.state for f in asked.facilities}
    return frozenset(state.strip().upper() for state in found if state)


def _days_since(day: date | None, asked: Inquiry) -> int | None:
    return None if day is None else (asked.as_of - day).days


def _coverages(asked: Inquiry) -> tuple[tuple[str, str | None], ...]:
    listed = asked.account.coverage
    return tuple((c.payer.id, c.kind) for c in listed.body.coverages) if listed is not None else ()


def _facility_kind(asked: Inquiry) -> str | None:
    kinds = [f.kind for f in asked.facilities if f.kind]
    return asked.account.registered.facility_kind or (kinds[0] if kinds else None)


def _patient_payments(asked: Inquiry) -> list[tuple[date, int]]:
    payments = [p.body for p in asked.account.payments if p.body.paid_by == "patient"]
    return [(p.received_on, p.amount_cents) for p in payments if p.received_on <= asked.as_of]


def _last_payment_on(asked: Inquiry) -> date | None:
    return max((on for on, cents in _patient_payments(asked) if cents > 0), default=None)


_TABLE: Final = (
    AccountValue("as_of", "day", "The day decided for.", lambda a: a.as_of, moves=True),
    AccountValue(
        "assigned_cents",
        "cents",
        "What payers say is the patient's.",
        lambda a: a.responsibility.assigned_cents,
    ),
    AccountValue(
        "balance_cents",
        "cents",
        "The balance of the account, whoever owes it.",
        lambda a: a.responsibility.balance_cents,
    ),
    AccountValue(
        "charges_cents",
        "cents",
        "The sum of the charges posted for services, without interest and fees.",
        lambda a: sum(c.body.amount_cents for c in a.account.charges),
    ),
    AccountValue(
        "collectible_cents",
        "cents",
        "What may be asked of the patient, before payments.",
        lambda a: a.responsibility.collectible_cents,
    ),
    AccountValue(
        "days_since_first_statement",
        "count",
        "Days since the first statement of a final balance; missing before it.",
        lambda a: _days_since(a.clock_on, a),
        moves=True,
    ),
    AccountValue(
        "days_since_service",
        "count",
        "Days since the first day of service; missing where no fact states it.",
        lambda a: _days_since(service_day(a.account), a),
        moves=True,
    ),
    AccountValue(
        "determination",
        "word",
        "final, provisional, undetermined or credit.",
        lambda a: a.responsibility.determination,
    ),
    AccountValue("facility", "word", "The facility of the account.", lambda a: a.account.ref.facility),
    AccountValue(
        "facility_kind",
        "word",
        "The kind that registration or policy states; may be missing.",
        _facility_kind,
    ),
    AccountValue(
        "financial_class",
        "word",
        "The financial class registered; may be missing.",
        lambda a: a.account.registered.financial_class,
    ),
    AccountValue(
        "first_statement_on",
        "day",
        "The day of the first statement of a final balance; missing before it.",
        lambda a: a.clock_on,
    ),
    AccountValue(
        "flags",
        "words",
        "The flags placed and not cleared, also after the last day that one names.",
        lambda a: frozenset(a.flags),
    ),
    AccountValue(
        "last_payment_on",
        "day",
        "The day of the patient's last payment; missing where there was none.",
        _last_payment_on,
    ),
    AccountValue(
        "net_cents",
        "cents",
        "What the patient owes after payments; negative for a credit.",
        lambda a: a.responsibility.net_cents,
    ),
    AccountValue(
        "patient_class",
        "word",
        "The patient class registered; may be missing.",
        lambda a: a.account.registered.patient_class,
    ),
    AccountValue(
        "patient_paid_cents",
        "cents",
        "What the patient has paid by then.",
        lambda a: sum(cents for _, cents in _patient_payments(a)),
    ),
    AccountValue(
        "payer_kinds",
        "words",
        "The kinds of the coverages listed.",
        lambda a: frozenset(kind for _, kind in _coverages(a) if kind),
    ),
    AccountValue(
        "payers", "words", "The ids of the payers listed.", lambda a: frozenset(id for id, _ in _coverages(a))
    ),
    AccountValue("self_pay", "flag", "Whether nobody insures the patient.", lambda a: "DET-18" in a.signals),
    AccountValue(
        "service_on",
        "day",
        "The first day of service; missing where no fact states it.",
        lambda a: service_day(a.account),
    ),
    AccountValue(
        "statements",
        "count",
        "Delivered statements of a final balance.",
        lambda a: len(a.delivered),
        moves=True,
    ),
    AccountValue(
        "states",
        "words",
        "The states of the facility and where patient and guarantor live, in capitals.",
        _states,
    ),
)

VALUES: Final[Mapping[str, AccountValue]] = {value.name: value for value in _TABLE}
"""Every value a house rule may use, by name. Money is whole cents."""


def _nothing(asked: Inquiry) -> tuple[str, ...]:
    return ()


def _charges(asked: Inquiry) -> tuple[str, ...]:
    return tuple(c.id for c in asked.account.charges)


def _payments(asked: Inquiry) -> tuple[str, ...]:
    return tuple(p.id for p in asked.account.payments if p.body.paid_by == "patient")


def _statements(asked: Inquiry) -> tuple[str, ...]:
    return tuple(s.id for s in asked.delivered)


def _coverage(asked: Inquiry) -> tuple[str, ...]:
    return (asked.account.coverage.id,) if asked.account.coverage is not None else ()


def _flags(asked: Inquiry) -> tuple[str, ...]:
    return tuple(flag.id for flags in asked.flags.values() for flag in flags)


def _shares(asked: Inquiry) -> tuple[str, ...]:
    return tuple(i for share in asked.responsibility.shares for i in share.evidence)


_EVIDENCE: Final[Mapping[str, Callable[[Inquiry], tuple[str, ...]]]] = {
    "assigned_cents": _shares,
    "balance_cents": _shares,
    "charges_cents": _charges,
    "collectible_cents": _shares,
    "days_since_first_statement": _statements,
    "first_statement_on": _statements,
    "flags": _flags,
    "last_payment_on": _payments,
    "net_cents": _shares,
    "patient_paid_cents": _payments,
    "payer_kinds": _coverage,
    "payers": _coverage,
    "statements": _statements,
}
"""The facts behind a value, by id; registration is many facts' newest fields and names none."""
