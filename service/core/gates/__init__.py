"""The gates: one function for each rule that stands between a patient's balance and collections."""

from __future__ import annotations

from typing import Final

from service.core.gates import (
    assistance,
    contact,
    extraordinary,
    integrity,
    liability,
    person,
    promises,
    refusals,
    timing,
)
from service.core.gates.asking import Answer, Facility, Gate, Inquiry, Lift, Parameter, Said

_ROOMS: Final = (
    integrity,
    liability,
    refusals,
    assistance,
    timing,
    promises,
    person,
    contact,
    extraordinary,
)

REGISTRY: Final[tuple[Gate, ...]] = tuple(
    sorted(
        (gate for room in _ROOMS for gate in room.GATES),
        key=lambda gate: gate.id,
    )
)
"""Every gate, by id. All are asked about every account, every time."""

__all__ = ["REGISTRY", "Answer", "Facility", "Gate", "Inquiry", "Lift", "Parameter", "Said"]
