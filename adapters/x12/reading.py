"""The walk through a remittance file: envelopes, transactions, and each claim as soon as it is whole.

What happens to wrong counts, and why:

- SE01 wrong, or no SE: every claim of the transaction is stated with `remittance_balanced=False`, so that
  none opens a case, and the transaction is parked. Published files have a wrong SE01 in one of five;
  refusing the file would lose sound denials and reversals in it, while trusting it could miss a lost remark
  or crossover that no equation covers. Stating and holding loses nothing and opens nothing.
- No SE: the last claim may have lost its end, so it is stated as unreadable and never as an adjudication that
  the complete file would later contradict.
- GE01 or IEA01 wrong, or no GE or IEA: whole transactions may be missing. Those that came stand on their own
  SE01 and balance; the group or interchange is parked so that a person asks for the rest.
- Control numbers that differ at the end are findings only: the counts are what notices a loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from adapters.bounding import bounded
from adapters.x12.claim import SEGMENTS_LIMIT
from adapters.x12.elements import at
from adapters.x12.findings import noted, rejected
from adapters.x12.grading import UNKNOWN, Grade, grades
from adapters.x12.splitting import Batch, batches
from adapters.x12.transaction import Opening, Totals, Transaction
from schemas.errors import MessageRejected
from schemas.facts import Item

CHUNK_BYTES: Final = 65_536

"""Parts of one message that park one by one; then the message as a whole does, and further findings end."""

_CLOSING: Final = frozenset({"SE", "GE", "IEA"})
_STOPPING: Final = frozenset({"CL", "LX", "PL", "SE", "ST", "GE", "GS", "IE", "IS"})
"""How a segment begins that may end a claim."""

_VERSION: Final = "005010X221"
INTERCHANGES_COUNTED: Final = 1000
"""Interchanges of one message whose control numbers are reported; more are no way to count."""


def read(body: bytes, *, feed: str, facility: str, received_at: datetime) -> Iterator[Item]:
    """Read a remittance message: facts, findings and parked parts in message order, a Tally last.

    Neither the feed nor the time of arrival changes what is read.

    >>> from datetime import timezone
    >>> now = datetime(2026, 1, 2, tzinfo=timezone.utc)
    >>> items = list(read(b"", feed="era", facility="GEN", received_at=now))
    >>> items[0].code, items[-1].claims
    ('empty', 0)
    """

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), CHUNK_BYTES):
            yield body[start : start + CHUNK_BYTES]

    return read_stream(chunks, feed=feed, facility=facility, received_at=received_at)


def read_stream(
    open_chunks: Callable[[], Iterator[bytes]], *, feed: str, facility: str, received_at: datetime
) -> Iterator[Item]:
    """Read a remittance of any size in bounded memory; chunks may be cut anywhere.

    `open_chunks` is called twice and must give the same bytes each time: one pass looks ahead to how each
    transaction ends, the other states its claims.
    """
    walk = Walk(facility, grades(open_chunks()))
    yield from bounded(
        _walked(walk, open_chunks()), [noted("too-many-parts", ""), rejected("too-many-parts", "")]
    )
    yield walk.totals.tally()


def _walked(walk: Walk, chunks: Iterator[bytes]) -> Iterator[Item]:
    try:
        for batch in batches(chunks):
            yield from walk.over(batch)
    except MessageRejected as refused:
        yield from walk.break_off(refused.code)
    else:
        yield from walk.end()


class _Envelope:
    """An open interchange or group: its place, its control number, how many it has held."""

    def __init__(self, place: str, control: str) -> None:
        self.place = place
        self.control = control
        self.held = 0


class Walk:
    """Where the reader stands: interchange, group, transaction; and what it has counted."""

    def __init__(self, facility: str, ahead: Iterator[Grade]) -> None:
        self.totals = Totals()
        self._facility = facility
        self._ahead = ahead
        self._open: Transaction | None = None
        self._control = ""
        self._interchange: _Envelope | None = None
        self._group: _Envelope | None = None
        self._interchanges = self._groups = 0
        self._foreign: list[int] = []
        self._in_foreign = False
        self._noticed: set[str] = set()

    def over(self, batch: Batch) -> Iterator[Item]:
        """Read on over one batch of segments."""
        separators, element = batch.separators, batch.separators.element
        if not batch.terminated and batch.segments[0].partition(element)[0] not in _CLOSING:
            yield from self._cut_short()
            return
        for segment in batch.segments:
            current = self._open
            if (
                current is not None
                and segment[:2] not in _STOPPING
                and (gathered := current.gathered) is not None
            ):
                if len(gathered) < SEGMENTS_LIMIT:
                    gathered.append(segment)
                continue
            boundary = _BOUNDARIES.get(segment.partition(element)[0])
            if boundary is not None:
                yield from boundary(self, segment.split(element))
            elif current is not None:
                yield from current.take(segment, separators)
            elif not self._in_foreign:
                yield from self._stray(segment.partition(element)[0])
        if not batch.terminated:
            yield noted("unterminated", "")

    def end(self) -> Iterator[Item]:
        """The input has ended where a message may."""
        cut = self._group is not None or self._interchange is not None or "truncated" in self._noticed
        yield from self._leave_all()
        yield from self._report_foreign(last=True)
        if not self.totals.sets and not cut:
            yield noted("empty", "")
            yield rejected("empty", "")

    def break_off(self, code: str) -> Iterator[Item]:
        """The rest of the input cannot be split."""
        where = ""
        if self._interchanges or self.totals.sets:
            where = f"after ISA {self._interchanges}" if self._open is None else f"after {self._open.place}"
            yield from self._leave_transaction()
            yield from self._report_foreign(last=False)
        yield noted(code, where)
        yield rejected(code, where)

    def _cut_short(self) -> Iterator[Item]:
        """A last segment without terminator that may have lost its end: left out, and said so."""
        if self._open is None and self._group is None and self._interchange is None:
            yield noted("truncated", "")
            yield rejected("truncated", "")
            self._noticed.add("truncated")

    def _stray(self, tag: str) -> Iterator[Item]:
        # TA1, the interchange acknowledgment, may stand between ISA and GS.
        if tag != "TA1" and "stray" not in self._noticed:
            self._noticed.add("stray")
            where = self._interchange.place if self._interchange else f"after ISA {self._interchanges}"
            yield noted("stray", where)
            yield rejected("stray", where)

    def _isa(self, e: list[str]) -> Iterator[Item]:
        yield from self._leave_all()
        self._interchanges += 1
        self._control = at(e, 13)
        if self._control.isascii() and self._control.isdigit() and self._interchanges <= INTERCHANGES_COUNTED:
            self.totals.control_numbers.append(int(self._control[:15]))
        self._interchange = _Envelope(f"ISA {self._interchanges}", self._control)
        self._noticed.discard("stray")

    def _gs(self, e: list[str]) -> Iterator[Item]:
        yield from self._leave_group()
        self._groups += 1
        if self._interchange is None:
            yield from self._lone()
        else:
            self._interchange.held += 1
        self._group = _Envelope(f"GS {self._groups}", at(e, 6))
        if not at(e, 8).startswith(_VERSION) and at(e, 1) == "HP":
            yield noted("version", self._group.place)

    def _st(self, e: list[str]) -> Iterator[Item]:
        yield from self._leave_transaction()
        self.totals.sets += 1
        if self._group is None:
            yield from self._lone()
        else:
            self._group.held += 1
        if at(e, 1) != "835":
            self._in_foreign = True
            self._foreign = [self._foreign[0] if self._foreign else self.totals.sets, self.totals.sets]
            return
        yield from self._report_foreign(last=False)
        self.totals.transactions += 1
        grade = next(self._ahead, UNKNOWN)
        opening = Opening(f"ST {self.totals.sets:04d}", at(e, 2), self._control, self._facility, grade)
        self._open = Transaction(opening, self.totals)

    def _se(self, e: list[str]) -> Iterator[Item]:
        current, self._open = self._open, None
        if current is not None:
            yield from current.close(complete=True)
            if at(e, 2) != current.control:
                yield noted("control-number", current.place)
        elif not self._in_foreign:
            yield from self._stray("SE")
        self._in_foreign = False

    def _ge(self, e: list[str]) -> Iterator[Item]:
        yield from self._leave_transaction()
        group, self._group = self._group, None
        if group is None:
            yield from self._stray("GE")
        else:
            yield from _compare(group, at(e, 1), at(e, 2), "group-count")

    def _iea(self, e: list[str]) -> Iterator[Item]:
        yield from self._leave_group()
        interchange, self._interchange = self._interchange, None
        if interchange is not None:
            yield from _compare(interchange, at(e, 1), at(e, 2), "interchange-count")
        elif "no-envelope" not in self._noticed:
            yield from self._stray("IEA")

    def _lone(self) -> Iterator[Item]:
        if "no-envelope" not in self._noticed:
            self._noticed.add("no-envelope")
            yield noted("no-envelope", "")

    def _leave_transaction(self) -> Iterator[Item]:
        """What opens or ends without the SE of the open transaction."""
        current, self._open = self._open, None
        self._in_foreign = False
        if current is not None:
            yield from current.close(complete=False)

    def _leave_group(self) -> Iterator[Item]:
        cut = self._open is not None
        yield from self._leave_transaction()
        group, self._group = self._group, None
        if group is not None and not cut:
            yield noted("truncated", group.place)
            yield rejected("truncated", group.place)

    def _leave_all(self) -> Iterator[Item]:
        cut = self._open is not None or self._group is not None
        yield from self._leave_group()
        interchange, self._interchange = self._interchange, None
        if interchange is not None and not cut:
            yield noted("truncated", interchange.place)
            yield rejected("truncated", interchange.place)

    def _report_foreign(self, *, last: bool) -> Iterator[Item]:
        """Transactions that are no 835, one entry a run; the whole message when there is nothing else."""
        if self._foreign:
            first, final = self._foreign
            where = f"ST {first:04d}" if first == final else f"ST {first:04d} to ST {final:04d}"
            where = "" if last and not self.totals.transactions else where
            self._foreign = []
            yield noted("unsupported-transaction", where)
            yield rejected("unsupported-transaction", where)


def _compare(envelope: _Envelope, count: str, control: str, code: str) -> Iterator[Item]:
    if not (count.isascii() and count.isdigit() and (count.lstrip("0") or "0") == str(envelope.held)):
        yield noted(code, envelope.place)
        yield rejected(code, envelope.place)
    if control != envelope.control:
        yield noted("control-number", envelope.place)


_BOUNDARIES: Final[dict[str, Callable[[Walk, list[str]], Iterator[Item]]]] = {
    "ISA": Walk._isa,
    "GS": Walk._gs,
    "ST": Walk._st,
    "SE": Walk._se,
    "GE": Walk._ge,
    "IEA": Walk._iea,
}
