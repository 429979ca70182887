"""What doors refuse without keeping it: counted by feed, door and reason, and written together now and then.

A refused message was never acknowledged, so its sender knows. The count is a courtesy to control totals: a
process that is killed loses what it counted within the last `FLUSH_SECONDS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Lock, Timer
from typing import Final

from adapters.store import RefusalRow, Store, check_text
from schemas.errors import BatonError, Unavailable
from service.receipts import Moment

FLUSH_SECONDS: Final = 5.0
MOST_KEYS: Final = 1000
"""Reasons, doors and feeds that are told apart between two writings; whoever may send can invent feeds."""

UNNAMED: Final = "(unnamed)"
"""The feed of a refused message that named none, or none that could be one."""

OTHERS: Final = "(others)"


class Refusals:
    """Counts what one process refused. Safe to use from many threads."""

    def __init__(
        self,
        store: Callable[[], Store],
        clock: Callable[[], Moment],
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._flush_seconds = flush_seconds
        self._lock = Lock()
        self._counted: Counter[tuple[str, str, str]] = Counter()
        self._timer: Timer | None = None

    def note(self, feed: str, door: str, code: str) -> None:
        """Count one refused message; it is written within `flush_seconds`, or when `flush` is called."""
        key = (feed or UNNAMED, door, code)
        with self._lock:
            if key not in self._counted and len(self._counted) >= MOST_KEYS:
                key = (OTHERS, door, code)
            self._counted[key] += 1
            if self._timer is None:
                self._timer = Timer(self._flush_seconds, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write what was counted; a store that does not answer is asked again with the next refusal."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if not counted:
            return
        moment = self._clock()
        rows = [
            RefusalRow(feed, moment.as_of, door, code, messages, moment.now)
            for (feed, door, code), messages in sorted(counted.items())
            if _storable(feed)
        ]
        try:
            with self._store().write() as unit:
                unit.add_refusals(rows)
        except Unavailable:
            with self._lock:
                self._counted += counted


def _storable(feed: str) -> bool:
    try:
        check_text(feed, "feed")
    except BatonError:
        return False
    return True
