"""What a gate is asked and how it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from schemas.decisions import Responsibility, Scalar, Trace, Verdict
from schemas.facts import AccountFlagged, ContactLogged, Fact, NoticeRecorded, StatementSent
from schemas.records import swift_init
from service.core.account import Account, Known


class Said(NamedTuple):
    """A gate's words on one stage, before citation and parameters are added."""

    verdict: Verdict
    because: str
    until: date | None = None
    lifted_by: str | None = None
    evidence: tuple[str, ...] = ()


Answer: TypeAlias = Said | tuple[Said | None, Said | None, Said | None] | None
"""One answer for all stages, one for each, or None: the gate's standing sentence holds and it allows."""

Values: TypeAlias = dict[str, tuple[Scalar, Scalar, Scalar]]


@dataclass(frozen=True, slots=True)
class Facility:
    """What policy knows of a facility; None where it does not say."""

    name: str
    state: str | None = None
    kind: str | None = None
    tax_exempt: bool | None = None


NO_PAPERS: Final[Mapping[str, Known[NoticeRecorded]]] = {}
NOTHING_TOLD: Final[Mapping[str, tuple[Fact, ...]]] = {}


@swift_init
@dataclass(frozen=True, slots=True)
class Inquiry:
    """What every gate looks at, prepared once: the account, who owes it, and the day asked about.

    `signals` are the traces of the determination by rule; `delivered` are the statements that reached the
    guarantor on or before `as_of`, `next_statement_on` the day of the first one dated later; `clock_on` is
    the day the statement clock started; `flags` are standing flags by name; `contacts` are those logged on or
    before `as_of`, by time; `papers` the newest document of each kind that holds; `told` the facts of kinds
    that few accounts have (agency reports, answers about bills), by kind; `unread` are delivered
    statements in a language or form that the guarantor does not read: they start no clock; `facilities` is
    what policy says of the account's facility, and of each of them where accounts were merged.
    """

    account: Account
    responsibility: Responsibility
    as_of: date
    signals: dict[str, tuple[Trace, ...]]
    delivered: tuple[Known[StatementSent], ...]
    next_statement_on: date | None
    clock_on: date | None
    flags: dict[str, tuple[Known[AccountFlagged], ...]]
    contacts: tuple[Known[ContactLogged], ...]
    papers: Mapping[str, Known[NoticeRecorded]]
    told: Mapping[str, tuple[Fact, ...]]
    unread: tuple[Known[StatementSent], ...]
    facilities: tuple[Facility, ...] = ()

    def signalled(self, *rules: str) -> tuple[Trace, ...]:
        """Traces of any of these rules."""
        if self.signals.keys().isdisjoint(rules):
            return ()
        return tuple([trace for rule in rules for trace in self.signals.get(rule, ())])


Ask: TypeAlias = Callable[[Inquiry, Values], Answer]

Lift: TypeAlias = Literal["never", "waits", "any"]
"""What of a gate's answer two people may lift about opening a case: nothing, only a wait that ends on a day
it names and for which no event is missing, or all of it. Law, doubt and the patient's protection: nothing."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A policy value a gate needs: `unit` is days, count, percent, USD, flag or text.

    `stricter` says which value protects the patient more, so that of several packs the strictest is in force:
    higher or lower (days, count, percent, USD), true or false (flag), union or intersection (text: words).
    `stated` says for which stages a pack may state it: one for all, one for each, or one for all and for the
    stage that alone goes by it. A value that no gate would look at is refused.
    """

    name: str
    unit: str
    stricter: str
    stated: Literal["all", "each", "place", "extraordinary"] = "all"


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule by its id. `name` is a sentence that can be true; `standing` is what it says when nothing stands
    in the way; `lift` is how far people may lift it where every pack that speaks of it says so too."""

    id: str
    ask: Ask
    standing: str
    parameters: tuple[Parameter, ...] = ()
    lift: Lift = "never"

    @property
    def name(self) -> str:
        """The sentence that is true when the gate allows."""
        return self.ask.__name__


def each(answers: Iterable[Said | None]) -> Answer:
    """One answer for each stage, in the order of STAGES; None where there is none for any."""
    first, second, third = answers
    return (first, second, third) if first or second or third else None


def common(given: Values, name: str) -> Scalar:
    """The value of a parameter that is one for all stages."""
    return given[name][0]


def for_place(given: Values, name: str) -> Scalar:
    """The value that is in force before an agency is involved."""
    return given[name][1]


def for_extraordinary(given: Values, name: str) -> Scalar:
    """The value that is in force before an extraordinary action."""
    return given[name][2]


def day_count(value: Scalar) -> timedelta:
    """A number of days from policy."""
    if type(value) is not int:
        raise TypeError("a number of days was expected")
    return timedelta(days=value)


def number(value: Scalar) -> int:
    """A whole number (count, percent or cents) from policy."""
    if type(value) is not int:
        raise TypeError("a whole number was expected")
    return value


def business_days_after(day: date, count: int) -> date:
    """The day this many weekdays later; public holidays count as weekdays, which is the shorter wait."""
    while count > 0:
        day += timedelta(days=1)
        if day.weekday() < 5:
            count -= 1
    return day


def ids_of(known: Iterable[Known[Any]]) -> tuple[str, ...]:
    """The fact ids of these statements."""
    return tuple([one.id for one in known])


def flagged(asked: Inquiry, name: str) -> tuple[str, ...]:
    """The facts that place this flag and stand."""
    flags = asked.flags.get(name)
    return ids_of(flags) if flags else ()


def evidence_of(traces: tuple[Trace, ...]) -> tuple[str, ...]:
    """The fact ids behind these traces, each once, in order."""
    return tuple(dict.fromkeys(i for trace in traces for i in trace.evidence))


def in_words(traces: tuple[Trace, ...]) -> str:
    """What these traces found, each sentence once."""
    return " ".join(dict.fromkeys(trace.found for trace in traces))
