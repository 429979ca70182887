"""One patient of one message: its segments, its account, and what is stated, noted and parked about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Final

from adapters.hl7v2.findings import noted, rejected
from adapters.hl7v2.mapping import Mapping
from adapters.hl7v2.segments import NULL, Segment, component_of
from adapters.hl7v2.values import NotATime, day_of
from schemas.canonical import digest, to_bytes
from schemas.facts import (
    KIND_OF,
    UNREAD_PART,
    AccountCleared,
    AccountFlagged,
    AccountRef,
    Body,
    Fact,
    Item,
    unread_reference,
)
from schemas.records import to_plain


@dataclass(frozen=True, slots=True)
class Header:
    """What is said once a message: type and event, who sent it, its control id, when it became true.

    `sender` is MSH-3 and MSH-4, `identity` that with MSH-10; None without one. `where` is `MSH 1`.
    """

    code: str
    event: str
    sender: str
    identity: str | None
    occurred_at: datetime
    where: str
    msh: Segment
    evn: Segment | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What reading rests on: the mapping, the feed's facility, the zone of its times, the whole body."""

    mapping: Mapping
    facility: str
    zone: tzinfo
    body: bytes


@dataclass(slots=True)
class Group:
    """A PID and the segments up to the next one; what is read from them gathers in `items`."""

    header: Header
    terms: Terms
    ordered: list[Segment]
    where: str
    items: list[Item] = field(default_factory=list)
    account: AccountRef | None = None
    by_tag: dict[str, list[Segment]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for segment in self.ordered:
            self.by_tag.setdefault(segment.tag, []).append(segment)

    def one(self, tag: str) -> Segment | None:
        """The first segment of a kind."""
        found = self.by_tag.get(tag)
        return found[0] if found else None

    def all(self, tag: str) -> list[Segment]:
        """Every segment of a kind in order."""
        return self.by_tag.get(tag, [])

    @property
    def day(self) -> date:
        """The day it became true, where the sender is."""
        return self.header.occurred_at.astimezone(self.terms.zone).date()

    def note(self, code: str, where: str) -> None:
        """Add a finding."""
        self.items.append(noted(code, where))

    def park(self, code: str, where: str, *, hold: bool = True) -> None:
        """Let a part wait for a person; the account holds until it has been read."""
        if hold and self.account is not None:
            self._hold_unread(where)
        self.items.append(rejected(code, where, self.account))

    def _hold_unread(self, where: str) -> None:
        """Without an identity: the same part sent in other framing is the same part, and waits again."""
        reference = unread_reference(digest(self.terms.body), where)
        body = AccountFlagged(UNREAD_PART, self.day, reference=reference)
        self.state(body, where, f"{UNREAD_PART}|{reference}", identified=False)

    def state(
        self,
        body: Body,
        where: str,
        named: str,
        *,
        at: datetime | None = None,
        currency: str = "USD",
        identified: bool = True,
    ) -> None:
        """State a fact of this account. `named` is what it is about among this sender's facts of its kind."""
        account, header = self.account, self.header
        if account is None:
            return
        kind = KIND_OF[body.__class__]
        identity = header.identity if identified else None
        if identity is not None:
            # A message states several facts: each has its own place under the message's id.
            identity = f"{identity}#{kind} {where}"
        self.items.append(
            Fact.of(
                account,
                f"{kind}|{account.facility}/{part(account.number)}|hl7v2|{header.sender}|{named}",
                at or header.occurred_at,
                body,
                currency=currency,
                identity=identity,
                where=where,
            )
        )

    def state_now(self, body: Body, where: str, named: str = "") -> None:
        """State how something stands at the message's time; the newest of its kind counts."""
        self.state(body, where, f"{named}{self.header.occurred_at.isoformat()}")

    def state_as_written(self, body: Body, where: str) -> None:
        """The same where two statements of one instant do not contradict each other."""
        self.state_now(body, where, f"{digest(to_bytes(to_plain(body)))[:16]}|")

    def flag(self, name: str, reference: str, where: str) -> None:
        """Place a hold that only the same reference lifts."""
        self.state_now(AccountFlagged(name, self.day, reference=reference), where, f"{name}|{reference}|")

    def clear(self, name: str, reference: str, where: str) -> None:
        """Lift a hold of that reference."""
        self.state_now(AccountCleared(name, self.day, reference=reference), where, f"{name}|{reference}|")

    def read_day(self, segment: Segment, n: int) -> date | None:
        """The day in a field; None where it is empty or cannot be read, and then it is noted."""
        text = segment.simple(n)
        if not text:
            return None
        try:
            return day_of(text)
        except NotATime:
            self.note("date-unreadable", f"{segment.place} / {segment.tag}-{n}")
            return None

    def watch_nulls(self, segment: Segment, numbers: tuple[int, ...]) -> None:
        """Note fields that state nothing any more: a fact cannot take a value back."""
        fields = segment.fields
        if NULL in fields:
            for n in numbers:
                if n < len(fields) and fields[n] == NULL:
                    self.note("null-not-kept", f"{segment.place} / {segment.tag}-{n}")


def find_account(group: Group) -> None:
    """Set the group's account from where the mapping says the number stands."""
    mapping = group.terms.mapping
    number = _NUMBERS[mapping.account](group)
    facility = _facility(group)
    if number and facility:
        group.account = AccountRef(facility, number)


def prior_account(group: Group, mrg: Segment) -> AccountRef | None:
    """The account that MRG-3 names."""
    number, facility = mrg.text(3), _facility(group)
    return AccountRef(facility, number) if number and facility else None


def _facility(group: Group) -> str:
    mapping = group.terms.mapping
    if mapping.facility == "feed":
        return group.terms.facility
    if mapping.facility == "MSH-4":
        code = group.header.msh.text(4)
    else:
        pid = group.one("PID")
        code = pid.simple(18, 4) if pid else ""
    return mapping.facilities.get(code, code)


def _pid_18(group: Group) -> str:
    pid = group.one("PID")
    if pid is None:
        return ""
    if len([r for r in pid.repetitions(18) if r]) > 1:
        group.note("field-repeats", f"{pid.place} / PID-18")
    return pid.text(18)


def _pid_3(group: Group) -> str:
    pid, wanted = group.one("PID"), group.terms.mapping.account_type
    for repetition in pid.repetitions(3) if pid else ():
        if component_of(repetition, 5, group.header.msh.marks) == wanted:
            return component_of(repetition, 1, group.header.msh.marks)
    return ""


def _pv1(n: int) -> Callable[[Group], str]:
    def number(group: Group) -> str:
        pv1 = group.one("PV1")
        return pv1.text(n) if pv1 else ""

    return number


_NUMBERS: Final[dict[str, Callable[[Group], str]]] = {
    "PID-18": _pid_18,
    "PID-3": _pid_3,
    "PV1-19": _pv1(19),
    "PV1-50": _pv1(50),
}


def part(text: str) -> str:
    """A text as a part of a longer name, with the signs that join the parts escaped."""
    if text.isalnum():
        return text
    return text.replace("%", "%25").replace("|", "%7C").replace("/", "%2F").replace("#", "%23")
