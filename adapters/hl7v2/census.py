"""What a sender's HL7 v2 holds where the standard leaves it to the site: for connecting a feed.

Codes of account, insurance and transaction fields are counted; nothing that names a person is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from adapters.hl7v2.framing import Raw, framed
from adapters.hl7v2.segments import Segment
from schemas.census import Census

FIELDS: Final = {
    "PID": (3, 18),
    "PV1": (2, 19, 20, 46, 50),
    "GT1": (2, 3),
    "IN1": (1, 2, 3, 15, 22),
    "FT1": (2, 4, 6, 7, 11),
}
"""Fields that are counted where their segment stands."""

CODED: Final = {"PV1": (2, 20), "IN1": (15,), "FT1": (6,)}


def take(body: bytes, census: Census) -> None:
    """Count one body's messages into a census. Never raises for any bytes."""
    for raw in framed(body):
        if isinstance(raw, Raw):
            _take_message(raw, census)


def _take_message(raw: Raw, census: Census) -> None:
    segments = [Segment(line, raw.marks, "") for line in raw.lines]
    header = segments[0]
    census.kinds[f"{header.text(9)}^{header.text(9, 2)}"] += 1
    census.see("MSH-7 offset", any(sign in header.text(7)[8:] for sign in "+-"))
    types = {component for s in segments if s.tag == "PID" for component in _types(s)}
    for one in types:
        census.code("PID-3.5", one)
    for segment in segments:
        for n in FIELDS.get(segment.tag, ()):
            census.see(f"{segment.tag}-{n}", segment.text(n))
        for n in CODED.get(segment.tag, ()):
            census.code(f"{segment.tag}-{n}", segment.text(n))
        special = _SPECIAL.get(segment.tag)
        if special is not None:
            special(segment, census)
        if segment.tag[:1] == "Z":
            for n in range(1, min(len(segment.fields), 100)):
                if segment.raw(n):
                    census.see(f"{segment.tag}-{n}", True)


def _types(pid: Segment) -> list[str]:
    marks = pid.marks
    parts = [value.split(marks.component) for value in pid.repetitions(3)]
    return [p[4].partition(marks.subcomponent)[0] for p in parts if len(p) > 4]


def _transaction(ft1: Segment, census: Census) -> None:
    census.code("FT1-7", f"{ft1.text(6)}|{ft1.text(7)}" if ft1.text(7) else "")
    census.see("FT1-11 or FT1-12", ft1.text(11) or ft1.text(12))


def _insurance(in1: Segment, census: Census) -> None:
    census.code("IN1-3", in1.text(3))


_SPECIAL: Final[dict[str, Callable[[Segment, Census], None]]] = {"FT1": _transaction, "IN1": _insurance}
