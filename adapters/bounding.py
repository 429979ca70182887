"""What a reader tells of one message, bounded: every fact, but not a million faults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from schemas.facts import Fact, Item, Rejected

PARTS: Final = 1000
"""Parts of one message that park one by one; then the message as a whole does, and further findings end."""


def bounded(items: Iterable[Item], instead: Sequence[Item]) -> Iterator[Item]:
    """Every fact; faults up to the limit, and then `instead` of all others.

    A message of nothing else would park a million entries.
    """
    parked = 0
    for item in items:
        if isinstance(item, Fact):
            yield item
        elif parked <= PARTS:
            parked += isinstance(item, Rejected)
            if parked <= PARTS:
                yield item
            else:
                yield from instead
