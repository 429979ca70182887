"""Every element of an interchange with its place, for people who look at what was sent.

Names are our own words for the elements that decide anything; the others go by their reference alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from adapters.x12.splitting import batches

_NAMES: Final = {
    "ISA06": "who sends", "ISA08": "who receives", "ISA13": "number of the interchange",
    "GS06": "number of the group", "ST02": "number of the transaction",
    "BPR01": "what the payment does", "BPR02": "amount paid in all", "BPR16": "day of the payment",
    "TRN02": "trace of the payment", "CLP01": "account number of the hospital", "CLP02": "claim status",
    "CLP03": "amount charged", "CLP04": "amount paid", "CLP05": "patient's part",
    "CLP07": "payer's claim number",
    "CAS01": "group of the adjustment", "CAS02": "reason of the adjustment",
    "CAS03": "amount of the adjustment",
    "SVC02": "amount charged for the line", "SVC03": "amount paid for the line",
    "PLB03": "reason", "PLB04": "amount",
}  # fmt: skip
_ENVELOPE: Final = frozenset({"ISA", "GS", "ST", "SE", "GE", "IEA"})


def fields(chunks: Iterable[bytes]) -> Iterator[tuple[str, str, str, bool]]:
    """Place, name, value and whether it is envelope (nobody's data), element by element."""
    count = 0
    for batch in batches(chunks):
        for segment in batch.segments:
            count += 1
            tag, *elements = segment.split(batch.separators.element)
            for number, value in enumerate(elements, start=1):
                if value:
                    reference = f"{tag}{number:02d}"
                    yield f"{reference} (segment {count})", _NAMES.get(reference, ""), value, tag in _ENVELOPE
