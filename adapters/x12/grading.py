"""The look-ahead: how each 835 transaction ends and adds up, known before its first claim is stated.

A claim's fact says whether its remittance balanced, and that is known only at the SE. Instead of holding a
transaction (one ST may hold every claim of a 100 MB file), a second pass over the same bytes runs one
transaction ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from adapters.x12.elements import Unreadable, at, cents, total_cents
from adapters.x12.splitting import batches
from schemas.errors import MessageRejected

_WATCHED: Final = frozenset({"CL", "PL", "BP", "ST", "SE", "GE", "IE", "IS", "GS"})


@dataclass(frozen=True, slots=True)
class Grade:
    """One 835 transaction as a whole. `complete` means its SE came; amounts are signed cents.

    BPR02 states an amount without sign and BPR03 says which bank initiates the transfer; credit and
    debit both move money to the provider, so the sign is the same for both.
    Source: 005010X221A1 BPR02, BPR03, 1.10.2.1.3.
    """

    complete: bool
    counts_agree: bool
    adds_up: bool

    @property
    def sound(self) -> bool:
        """Whether claims of this transaction may stand on it."""
        return self.complete and self.counts_agree and self.adds_up


UNKNOWN: Final = Grade(complete=False, counts_agree=False, adds_up=False)
"""The grade of a transaction that the second look did not find: the bytes changed between the two."""


class _Sum:
    """Running sums of one open transaction."""

    __slots__ = ("counted", "due", "payment", "readable")

    def __init__(self) -> None:
        self.counted = 0
        self.payment: int | None = None
        self.due = 0
        self.readable = True

    def grade(self, stated: str | None) -> Grade:
        agree = (
            stated is not None
            and stated.isascii()
            and stated.isdigit()
            and stated.lstrip("0") == str(self.counted)
        )
        return Grade(stated is not None, agree, self.readable and self.payment == self.due)


def grades(chunks: Iterable[bytes]) -> Iterator[Grade]:
    """One grade for each 835 transaction, in order; an unreadable rest ends the open one as incomplete."""
    run = _Run()
    try:
        for batch in batches(chunks):
            if batch.terminated or batch.segments[0].startswith("SE" + batch.separators.element):
                yield from run.over(batch.segments, batch.separators.element)
    except MessageRejected:
        pass
    if run.open is not None:
        yield run.open.grade(None)


class _Run:
    """The walk over segments; `open` is the 835 transaction being summed."""

    def __init__(self) -> None:
        self.open: _Sum | None = None

    def over(self, segments: list[str], element: str) -> Iterator[Grade]:
        for segment in segments:
            current = self.open
            if current is not None:
                current.counted += 1
            if segment[:2] not in _WATCHED:
                continue
            tag, _, _ = segment.partition(element)
            if tag in ("CLP", "PLB", "BPR"):
                if current is not None:
                    _sum(current, tag, segment.split(element))
            elif tag == "SE":
                if current is not None:
                    yield current.grade(at(segment.split(element), 1))
                    self.open = None
            elif tag in ("ST", "GE", "IEA", "ISA", "GS"):
                if current is not None:
                    yield current.grade(None)
                self.open = _opened(segment.split(element)) if tag == "ST" else None


def _opened(elements: list[str]) -> _Sum | None:
    if at(elements, 1) != "835":
        return None
    opened = _Sum()
    opened.counted = 1
    return opened


def _sum(current: _Sum, tag: str, elements: list[str]) -> None:
    try:
        if tag == "CLP":
            current.due += cents(at(elements, 4) or "0")
        elif tag == "BPR":
            current.payment = total_cents(at(elements, 2))
        else:
            for position in range(4, len(elements), 2):
                current.due -= total_cents(at(elements, position) or "0")
    except Unreadable:
        current.readable = False
