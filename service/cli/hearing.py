"""Hearing Baton's events from the command line, whatever carries them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Final, Protocol

from service.app import App

LOOK_SECONDS: Final = 0.05


class Listener(Protocol):
    """Hears events from the moment it was made."""

    def next(self, seconds: float) -> bytes | None:
        """The next event's body; None when none came in time."""
        ...


class TableListener:
    """Follows the event table of the embedded transport."""

    def __init__(self, app: App) -> None:
        self._queue = app.store.queue()
        self._after = 0
        while earlier := self._queue.read_events(self._after, 1000):
            self._after = earlier[-1].seq

    def next(self, seconds: float) -> bytes | None:
        """The next event's body; None when none came in time."""
        until = monotonic() + seconds
        while True:
            found = self._queue.read_events(self._after, 1)
            if found:
                self._after = found[0].seq
                return bytes(found[0].body)
            if monotonic() >= until:
                return None
            sleep(LOOK_SECONDS)


@contextmanager
def listening(app: App) -> Iterator[Listener]:
    """Listen from now on until the end of the block.

    Raises:
        ConfigRefused: the broker is not set up. Unavailable: it does not answer.
    """
    if app.config.transport == "amqp" and app.config.amqp_url:
        from adapters.rabbitmq.listening import listening as on_the_broker

        with on_the_broker(app.config.amqp_url) as listener:
            yield listener
    else:
        yield TableListener(app)
