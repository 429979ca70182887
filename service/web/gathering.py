"""What waits at the same time shares one transaction: many callers then cost little more than one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, Generic, TypeVar

from schemas.errors import Unavailable

Given = TypeVar("Given")
Got = TypeVar("Got")

MOST: Final = 64


@dataclass(slots=True, eq=False)
class _Ticket(Generic[Given, Got]):
    """One thing that waits, and what became of it."""

    given: Given
    got: Got | None = None
    error: Exception | None = None


class Gathering(Generic[Given, Got]):
    """Whoever's turn it is takes along all that wait; nobody waits for company."""

    def __init__(self, receive: Callable[[Sequence[Given]], list[Got]]) -> None:
        self._receive = receive
        self._waiting: deque[_Ticket[Given, Got]] = deque()
        self._turn = Lock()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    def receive(self, given: Given) -> Got:
        """Store one message or entry; returns once its transaction is committed.

        Raises:
            Unavailable: the store could not commit; it is not stored.
        """
        ticket: _Ticket[Given, Got] = _Ticket(given)
        self._waiting.append(ticket)
        with self._turn:
            while ticket.got is None and ticket.error is None:
                self._take(self._next())
        if ticket.error is not None:
            raise ticket.error
        assert ticket.got is not None
        return ticket.got

    def _next(self) -> list[_Ticket[Given, Got]]:
        return [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]

    def _take(self, tickets: list[_Ticket[Given, Got]]) -> None:
        try:
            every = self._receive([ticket.given for ticket in tickets])
        except Exception as error:
            # A consume loop in small: whatever it is, each of those who wait must hear of it.
            if len(tickets) > 1 and not isinstance(error, Unavailable):
                # One of them met a defect of ours: alone, each of the others goes through.
                for ticket in tickets:
                    self._take([ticket])
                return
            for ticket in tickets:
                ticket.error = error
            return
        for ticket, got in zip(tickets, every, strict=True):
            ticket.got = got
