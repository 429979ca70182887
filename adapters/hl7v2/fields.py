"""Every field of a message with its place and its name, for people who look at what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from adapters.hl7v2.framing import Raw, framed
from adapters.hl7v2.segments import Segment, unescaped

VERSION: Final = "2.5.1"
"""Whose field names are told; fields that it does not know have none."""

_ENVELOPE: Final = frozenset({"MSH", "EVN", "FHS", "BHS", "FTS", "BTS"})


def fields(body: bytes) -> Iterator[tuple[str, str, str, bool]]:
    """Place, name, value and whether it is envelope (nobody's data), field by field, as each stands.

    Source: HL7 v2.5.1, the names of its segments' fields.
    """
    # The library takes long to load and nothing else of a running Baton needs it.
    from hl7apy.core import Field
    from hl7apy.exceptions import HL7apyException

    def name_of(tag: str, number: int) -> str:
        try:
            found = Field(f"{tag}_{number}", version=VERSION).long_name
        except (HL7apyException, KeyError):
            return ""
        return str(found or "").replace("_", " ").lower()

    for one in framed(body):
        if not isinstance(one, Raw):
            continue
        for n, line in enumerate(one.lines, start=1):
            segment = Segment(line, one.marks, "")
            for number in range(1, len(segment.fields)):
                value = segment.raw(number)
                if value:
                    place = f"MSH[{one.number}] {segment.tag}[{n}]-{number}"
                    text = value if segment.tag == "MSH" and number <= 2 else unescaped(value, one.marks)
                    yield place, name_of(segment.tag, number), text, segment.tag in _ENVELOPE
