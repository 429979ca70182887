"""Places in a message: `MSH 2`, `MSH 2 / FT1 3`, `MSH 2 / PV1 1 / PV1-46`."""

from __future__ import annotations

from typing import Final

_JOINT: Final = " / "


def belongs(where: str, place: str) -> bool:
    """Whether what is stated at `where` is part of what waits at `place`.

    A patient (PID) waits with the whole message, since nothing of it was stated; any other part by itself.

    >>> belongs("MSH 1 / FT1 2", "MSH 1 / FT1 2"), belongs("MSH 1 / FT1 3", "MSH 1 / FT1 2")
    (True, False)
    >>> belongs("MSH 1 / FT1 3", "MSH 1 / PID 1 / IN1"), belongs("MSH 1 / PID 1 / IN1", "MSH 1 / PID 1 / IN1")
    (False, True)
    >>> belongs("MSH 1 / FT1 3", "MSH 1 / PID 1"), belongs("MSH 10", "MSH 1"), belongs("MSH 10", "")
    (True, False, True)
    """
    message, _, part = place.partition(_JOINT)
    if not part or (part.startswith("PID ") and _JOINT not in part):
        place = message
    return not place or where == place or where.startswith(place + _JOINT)
