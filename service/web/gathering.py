"""Messages that wait at the same time share one transaction: many senders then cost little more than one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, TypeAlias

from schemas.errors import Unavailable
from schemas.facts import Message
from service.intake import Receipt

Receive: TypeAlias = Callable[[Sequence[Message]], list[Receipt]]

MOST: Final = 64


@dataclass(slots=True, eq=False)
class _Ticket:
    """One waiting message, and what became of it."""

    message: Message
    receipt: Receipt | None = None
    error: Exception | None = None


class Gathering:
    """Whoever's turn it is takes along all that wait; nobody waits for company."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._waiting: deque[_Ticket] = deque()
        self._turn = Lock()

    @property
    def waiting(self) -> int:
        """How many messages wait for their turn."""
        return len(self._waiting)

    def receive(self, message: Message) -> Receipt:
        """Store and process one message; returns once its transaction is committed.

        Raises:
            Unavailable: the store could not commit; the message is not stored.
        """
        ticket = _Ticket(message)
        self._waiting.append(ticket)
        with self._turn:
            while ticket.receipt is None and ticket.error is None:
                self._take(self._next())
        if ticket.error is not None:
            raise ticket.error
        assert ticket.receipt is not None
        return ticket.receipt

    def _next(self) -> list[_Ticket]:
        return [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]

    def _take(self, tickets: list[_Ticket]) -> None:
        try:
            receipts = self._receive([ticket.message for ticket in tickets])
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
        for ticket, receipt in zip(tickets, receipts, strict=True):
            ticket.receipt = receipt
