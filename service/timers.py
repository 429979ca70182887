"""The clock's work: accounts whose review day has come are decided again; what waits unread is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Final

from adapters.store import Store
from schemas.errors import Unavailable
from schemas.facts import LargeMessage
from service.intake import Intake, Moment
from service.logs import Log

ROUND_SECONDS: Final = 5.0
ROUND_ACCOUNTS: Final = 500

ABANDONED: Final = timedelta(hours=1)
"""What another door took in is read by its own process; after this long, that process is taken for gone."""


class Backlog:
    """Messages that were stored whole and wait to be read. One process at a time reads them.

    The HTTP door stores large bodies, answers, and leaves them here.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        intake: Callable[[], Intake],
        clock: Callable[[], Moment],
        log: Log,
    ) -> None:
        self._store = store
        self._intake = intake
        self._clock = clock
        self._log = log
        self._failed: set[int] = set()

    def read(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Read what waits, oldest first, until `go_on` says no; how many messages were read to their end.

        A message that was left half-way is begun again by the next one who reads: no fact counts twice.

        Raises:
            Unavailable: the store does not answer; what waits still waits.
        """
        done = 0
        with self._store().reading_lease() as mine:
            while mine and go_on() and (waiting := self._next()) is not None:
                done += self._read_one(*waiting, go_on)
        return done

    def _next(self) -> tuple[int, LargeMessage] | None:
        gone = self._clock().now - ABANDONED
        with self._store().read() as reader:
            for seq, large in reader.unfinished_messages():
                if seq not in self._failed and (large.door == "http" or large.received_at < gone):
                    return seq, large
        return None

    def _read_one(self, seq: int, large: LargeMessage, go_on: Callable[[], bool]) -> bool:
        def between_slices(facts: int) -> None:
            if not go_on():
                raise _Told

        try:
            receipt = self._intake().receive_large(large, self._clock(), between_slices)
        except _Told:
            return False
        except Unavailable:
            raise
        except Exception:
            # A consume loop in small: one message that meets a defect of ours must not keep back the others.
            # It stays unread, and is tried again by the next process that starts.
            self._failed.add(seq)
            self._log.exception("message failed, left unread", sha256=large.sha256)
            return False
        self._log.info("read", sha256=large.sha256, facts=receipt.facts, parked=len(receipt.rejected))
        return True


class _Told(Exception):
    """Told to stop between two slices."""


def review_round(
    intake: Intake, moment: Moment, progress: Callable[[int], None] = lambda reviewed: None
) -> int:
    """Review everything that is due at a moment; how many accounts that was.

    Each account is reviewed at most once a round: deciding moves its review day past the moment.
    """
    reviewed = 0
    while count := intake.review(moment, ROUND_ACCOUNTS):
        reviewed += count
        progress(reviewed)
    return reviewed


def keep_time(
    intake: Intake, clock: Callable[[], Moment], log: Log, stop: Event, store: Store | None = None
) -> None:
    """Review what is due, again and again, until told to stop; with a store, also read what waits unread."""
    backlog = Backlog(lambda: store, lambda: intake, clock, log) if store is not None else None
    while not stop.is_set():
        try:
            reviewed = review_round(intake, clock())
            if backlog is not None:
                backlog.read(lambda: not stop.is_set())
        except Unavailable as error:
            log.warning("cannot review", code=error.code)
        else:
            if reviewed:
                log.info("reviewed", accounts=reviewed)
        stop.wait(ROUND_SECONDS)
