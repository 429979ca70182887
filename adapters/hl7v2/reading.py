"""The reader: message bytes become facts, findings and parked parts, event by event; sans I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, TypeAlias

from adapters.bounding import bounded
from adapters.hl7v2.adjudications import X12, adjudicate
from adapters.hl7v2.coverages import list_coverages
from adapters.hl7v2.findings import noted, rejected
from adapters.hl7v2.framing import Raw, framed
from adapters.hl7v2.group import Group, Header, Terms, find_account, part
from adapters.hl7v2.identity import hold_renumbered, merge_accounts, merge_patients, move_account
from adapters.hl7v2.insurance import report_status
from adapters.hl7v2.ledger import post_transactions, report_balance
from adapters.hl7v2.mapping import STANDARD, Mapping
from adapters.hl7v2.people import place_holds, register
from adapters.hl7v2.segments import Segment
from adapters.hl7v2.values import NotATime, instant_of
from schemas.facts import Item, Noted, Rejected, Tally

COUNTED_DIGITS: Final = 15
"""A longer control number is a time or drawn by chance; nobody counts so far."""

CLOCKS_APART: Final = timedelta(days=1)

VERSIONS: Final = frozenset(
    {
        "2.1",
        "2.2",
        "2.3",
        "2.3.1",
        "2.4",
        "2.5",
        "2.5.1",
        "2.6",
        "2.7",
        "2.7.1",
        "2.8",
        "2.8.1",
        "2.8.2",
        "2.9",
    }
)

Step: TypeAlias = Callable[[Group], None]

_READ: Final = frozenset(
    (
        "MSH",
        "EVN",
        "PID",
        "PV1",
        "PV2",
        "GT1",
        "IN1",
        "IN2",
        "FT1",
        "ACC",
        "MRG",
        "IPR",
        "IVC",
        "PSL",
        "ADJ",
        "PMT",
    )
)
"""Segments that are read; DG1 and PR1 never are: what ails a patient is no collector's business."""


def read(
    body: bytes,
    *,
    feed: str,
    facility: str,
    received_at: datetime,
    mapping: Mapping = STANDARD,
    zone: tzinfo = UTC,
) -> Iterator[Item]:
    """Read HL7 v2: one message, several, or a batch; facts, findings and parked parts in order, a Tally last.

    `zone` is where times without an offset are, unless the mapping says; neither the feed nor the time of
    arrival changes a fact. Never raises for any bytes.

    >>> now = datetime(2026, 1, 2, tzinfo=UTC)
    >>> body = b"MSH|^~\\\\&|A|B|||20260102||ADT^A01|1|P|2.5"
    >>> items = list(read(body, feed="adt", facility="GEN", received_at=now))
    >>> [item.code for item in items if isinstance(item, Rejected)], items[-1].messages
    (['account-missing'], 1)
    """
    terms = Terms(mapping, facility, mapping.zone(zone), body)
    walk = _Walk(terms, received_at)
    yield from bounded(walk.over(body), [rejected("too-many-parts", "")])
    yield Tally("hl7v2", messages=walk.messages, control_numbers=tuple(walk.numbers))


class _Walk:
    """One body's messages, counted."""

    def __init__(self, terms: Terms, received_at: datetime) -> None:
        self.messages = 0
        self.numbers: list[int] = []
        self._terms = terms
        self._received_at = received_at

    def over(self, body: bytes) -> Iterator[Item]:
        for item in framed(body):
            if item.__class__ is Raw:
                assert isinstance(item, Raw)
                self.messages += 1
                yield from self._message(item)
            else:
                if isinstance(item, Rejected) and item.where.startswith("MSH"):
                    self.messages += 1
                yield item  # type: ignore[misc]

    def _message(self, raw: Raw) -> Iterator[Item]:
        where = f"MSH {raw.number}"
        segments = _segments(raw, where, self._terms.mapping)
        msh = segments[0]
        self._count(msh)
        evn = next((s for s in segments[1:4] if s.tag == "EVN"), None)
        code = msh.text(9).upper()
        event = (msh.text(9, 2) or (evn.text(1) if evn is not None else "")).upper()
        yield from self._findings(msh, where)
        if self._terms.mapping.ignores(code, event):
            yield noted("ignored-event", where)
            return
        steps = EVENTS.get((code, event))
        occurred_at, faults = _occurred_at(msh, evn, self._terms.zone)
        yield from faults
        header = Header(
            code, event, _sender(msh), _identity(msh, self._terms.mapping),
            occurred_at or self._received_at, where, msh, evn,
        )  # fmt: skip
        groups = _groups(segments, header, self._terms)
        if steps is None or occurred_at is None:
            fault = "unsupported-event" if steps is None else "time-missing"
            find_account(groups[0])
            yield from groups[0].items
            yield rejected(fault, where, groups[0].account)
            return
        if occurred_at - self._received_at > CLOCKS_APART:
            yield noted("in-the-future", where)
        for group in groups:
            yield from _stated(group, steps)

    def _count(self, msh: Segment) -> None:
        """MSH-10, where the sender counts its messages; longer numbers are times or random."""
        control = msh.text(10)
        if control.isascii() and control.isdigit() and len(control) <= COUNTED_DIGITS:
            self.numbers.append(int(control))

    def _findings(self, msh: Segment, where: str) -> Iterator[Noted]:
        if not msh.text(10):
            yield noted("control-id-missing", where)
        if msh.text(12) not in VERSIONS:
            yield noted("version-unknown", where)


def _stated(group: Group, steps: tuple[Step, ...]) -> list[Item]:
    find_account(group)
    by_agreement = steps is _DECIDE and group.terms.mapping.ehc == X12
    if group.account is None and steps not in _WITHOUT_ACCOUNT and not by_agreement:
        group.items.append(rejected("account-missing", group.where))
        return group.items
    for step in steps:
        step(group)
    return group.items


def _segments(raw: Raw, where: str, mapping: Mapping) -> list[Segment]:
    """The segments that are read, each with its place: its number among those of its kind."""
    counts: dict[str, int] = {}
    wanted = _READ if not mapping.z else _READ | {path[:3] for path in mapping.z}
    segments = []
    for line in raw.lines:
        tag = line[:3]
        if tag in wanted:
            counts[tag] = number = counts.get(tag, 0) + 1
            place = where if tag == "MSH" else f"{where} / {tag} {number}"
            segments.append(Segment(line, raw.marks, place))
    return segments


def _groups(segments: list[Segment], header: Header, terms: Terms) -> list[Group]:
    """One group a PID; what comes before the first belongs to it."""
    starts = [n for n, s in enumerate(segments) if s.tag == "PID"]
    if len(starts) < 2:
        where = segments[starts[0]].place if starts else header.where
        return [Group(header, terms, segments, where)]
    bounds = zip([0, *starts[1:]], [*starts[1:], len(segments)], starts, strict=True)
    return [Group(header, terms, segments[a:b], segments[n].place) for a, b, n in bounds]


def _occurred_at(msh: Segment, evn: Segment | None, zone: tzinfo) -> tuple[datetime | None, list[Noted]]:
    """EVN-6, else EVN-2, else MSH-7; never the time of arrival.

    Where MSH-7 only writes the same time with more digits, it is taken: two updates of one minute keep their
    order.
    """
    faults: list[Noted] = []
    sent = msh.simple(7)
    for segment, n in ((evn, 6), (evn, 2), (msh, 7)):
        text = segment.simple(n) if segment is not None else ""
        if not text:
            continue
        if sent.startswith(text) and len(sent) > len(text):
            text = sent
        try:
            return instant_of(text, zone), faults
        except NotATime:
            assert segment is not None
            faults.append(noted("date-unreadable", f"{segment.place} / {segment.tag}-{n}"))
    return None, faults


def _sender(msh: Segment) -> str:
    return f"{part(msh.text(3))}/{part(msh.text(4))}"


def _identity(msh: Segment, mapping: Mapping) -> str | None:
    """The sender's own id of this message; None where it has none, or starts its numbers over."""
    control = msh.text(10)
    if not control or mapping.control_ids == "repeating":
        return None
    return f"{_sender(msh)}/{part(control)}"


def _late_charges(group: Group) -> None:
    """A13: the discharge is taken back, so charges still come."""
    group.flag("late_charge_hold", "A13", group.where)


def _discharged(group: Group) -> None:
    """A03: whatever an A13 held open is closed again."""
    group.clear("late_charge_hold", "A13", group.where)


def _never_came(group: Group) -> None:
    """A11, A38: the visit is taken back, and with it perhaps its charges; somebody must look."""
    group.flag("charge_audit", group.header.event, group.where)


def _kept(group: Group) -> None:
    group.note("purge-kept", group.where)


def _ended(group: Group) -> None:
    group.note("account-ended", group.where)


_WHO: Final[tuple[Step, ...]] = (register, list_coverages, place_holds, report_balance)
_MONEY: Final[tuple[Step, ...]] = (*_WHO, post_transactions)
_MERGE: Final[tuple[Step, ...]] = (merge_accounts,)
_MOVE: Final[tuple[Step, ...]] = (move_account,)
_STATUS: Final[tuple[Step, ...]] = (report_status,)
_DECIDE: Final[tuple[Step, ...]] = (adjudicate,)
_WITHOUT_ACCOUNT: Final = (_MERGE, _MOVE)

EVENTS: Final[dict[tuple[str, str], tuple[Step, ...]]] = {
    **{("ADT", f"A{n:02d}"): _WHO for n in (1, 2, 4, 5, 8, 12, 14, 15, 16, 25, 26, 27, 28, 31)},
    ("ADT", "A03"): (*_WHO, _discharged),
    ("ADT", "A06"): (*_WHO, hold_renumbered),
    ("ADT", "A07"): (*_WHO, hold_renumbered),
    ("ADT", "A11"): (*_WHO, _never_came),
    ("ADT", "A38"): (*_WHO, _never_came),
    ("ADT", "A13"): (*_WHO, _late_charges),
    **{("ADT", event): _MERGE for event in ("A18", "A41", "A49")},
    **{("ADT", event): (merge_patients,) for event in ("A40", "A42", "A45", "A47", "A50")},
    ("ADT", "A44"): _MOVE,
    **{("BAR", event): _WHO for event in ("P01", "P05", "P10", "P12")},
    ("BAR", "P02"): (register, _kept),
    ("BAR", "P06"): (*_WHO, _ended),
    ("DFT", "P03"): _MONEY,
    ("DFT", "P11"): _MONEY,
    **{("EHC", event): _STATUS for event in ("E01", "E12", "E13", "E20", "E24")},
    ("EHC", "E10"): _DECIDE,
    ("EHC", "E15"): _DECIDE,
}
"""What each message type and event does; one that is not here waits for a person."""
