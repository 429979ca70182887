"""The clock's work: accounts whose review day has come are decided again; what waits unread is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Final

from adapters.store import Store
from schemas.errors import Unavailable
from schemas.facts import LargeMessage
from service.intake import Intake
from service.logs import Log
from service.receipts import Moment
from service.watch import Watch

ROUND_SECONDS: Final = 5.0
ROUND_ACCOUNTS: Final = 500

REDECIDE_ACCOUNTS: Final = 50
"""Accounts decided again in one transaction: a worker waits for their locks no longer than that takes."""

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


def redecide_round(
    intake: Intake,
    clock: Callable[[], Moment],
    per_second: int,
    stop: Event,
    seconds: float | None = None,
) -> tuple[int, bool]:
    """Decide again what was decided under another policy, or waits for what no longer stands.

    At most `per_second` accounts a second, for about so many `seconds` (None: to the end), or until told to
    stop. Answers how many accounts it was, and whether any may be left.
    """
    pause = REDECIDE_ACCOUNTS / per_second
    batches = None if seconds is None else max(1, int(seconds / pause))
    done = 0
    while batches is None or batches > 0:
        count = intake.redecide(clock(), REDECIDE_ACCOUNTS)
        done += count
        if count < REDECIDE_ACCOUNTS:
            return done, False
        if stop.wait(pause):
            break
        batches = None if batches is None else batches - 1
    return done, True


def keep_time(
    intake: Intake,
    clock: Callable[[], Moment],
    log: Log,
    stop: Event,
    store: Store | None = None,
    per_second: int = 200,
    watch: Watch | None = None,
    sign: Callable[[], object] = lambda: None,
) -> None:
    """Review what is due, again and again, until told to stop; with a store, also read what waits unread.

    A `watch` looks at the feeds before anything opens. In between, accounts decided under another policy are
    decided again, never faster than `per_second`. `sign` gives a checkpoint of the audit log out when one is
    due.
    """
    backlog = Backlog(lambda: store, lambda: intake, clock, log) if store is not None else None
    while not stop.is_set():
        more = False
        try:
            if watch is not None:
                watch.look_when_due(clock())
            reviewed = review_round(intake, clock())
            if backlog is not None:
                backlog.read(lambda: not stop.is_set())
            redecided, more = redecide_round(intake, clock, per_second, stop, ROUND_SECONDS)
            sign()
        except Unavailable as error:
            log.warning("cannot review", code=error.code)
        else:
            if reviewed:
                log.info("reviewed", accounts=reviewed)
            if redecided:
                log.info("decided again", accounts=redecided)
        if not more:
            stop.wait(ROUND_SECONDS)
