"""Large messages are read after their sender was answered: by a thread of the web process."""

from __future__ import annotations

from threading import Event, Thread
from typing import Final

from schemas.errors import Unavailable
from service.logs import Log
from service.timers import Backlog

LOOK_SECONDS: Final = 5.0
"""How often to look without being woken: for what a process that is gone left behind."""


class BackgroundReader:
    """Reads what waits, as soon as it is woken, until it is stopped."""

    def __init__(self, backlog: Backlog, log: Log) -> None:
        self._backlog = backlog
        self._log = log
        self._wake = Event()
        self._stop = Event()
        self._thread: Thread | None = None

    def wake(self) -> None:
        """Say that something waits."""
        self._wake.set()

    def start(self) -> None:
        """Begin, with what an earlier process left behind."""
        self._thread = Thread(target=self._run, name="background-reader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the slice at hand; what is left half-way is begun again by the next process."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                self._backlog.read(lambda: not self._stop.is_set())
            except Unavailable as error:
                self._log.warning("cannot read what waits", code=error.code)
            self._wake.wait(LOOK_SECONDS)
