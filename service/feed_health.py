"""How a feed does: when it last came, how much, how late, what is missing, and what people must be told of.

Read from what each transaction counted, never from messages one by one; no figure here is a patient's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from adapters.store import FeedWindow, Reader
from schemas.feeds import Alerts
from service.breaker import HISTORY, History, Oddity, missing_numbers

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
ENOUGH: Final = 20
"""Messages before a share of them, or a difference between days, says anything."""

WEEKDAYS: Final = 4
"""Days of one name before the next of that name is held against them."""

CONTROL_NUMBERS: Final = 500


@dataclass(frozen=True, slots=True)
class Health:
    """One feed at one moment. Shares are parts per million, times milliseconds; None is unknown.

    `usual` is how many messages the same weekdays before yesterday brought, least and most. `missing` are the
    control numbers that never came, as first and last of each gap; None where the sender does not count.
    """

    feed: str
    last_seen_at: datetime | None = None
    hour: FeedWindow = field(default_factory=lambda: FeedWindow(""))
    day: FeedWindow = field(default_factory=lambda: FeedWindow(""))
    yesterday: int = 0
    usual: tuple[int, int] | None = None
    missing: Sequence[tuple[int, int]] | None = None

    @property
    def parked_ppm(self) -> int | None:
        """The share of messages that wait for a person: of the last hour's or, if those were few, day's."""
        window = self.hour if self.hour.messages >= ENOUGH else self.day
        return window.parked * 1_000_000 // window.messages if window.messages else None

    @property
    def missing_count(self) -> int | None:
        """How many control numbers never came."""
        return None if self.missing is None else sum(last - first + 1 for first, last in self.missing)


def health(
    reader: Reader, feeds: Iterable[str], now: datetime, today: date, *, deep: bool = True
) -> dict[str, Health]:
    """How each of these feeds does. Unless `deep`, without its days and its control numbers."""
    names = sorted(set(feeds))
    seen = reader.feeds_seen()
    hours, days = (reader.feed_windows(names, now - span) for span in (HOUR, DAY))
    counted: dict[str, dict[date, int]] = {}
    if deep:
        for row in reader.feed_days(today - HISTORY):
            counted.setdefault(row.feed, {})[row.day] = row.messages
    return {
        name: Health(
            name,
            seen.get(name),
            hours.get(name, FeedWindow(name)),
            days.get(name, FeedWindow(name)),
            counted.get(name, {}).get(today - DAY, 0),
            usual_of(counted.get(name, {}), today - DAY),
            _missing(reader, name, now) if deep else None,
        )
        for name in names
    }


def usual_of(days: Mapping[date, int], judged: date) -> tuple[int, int] | None:
    """The least and the most that days of one name brought before; a day without messages counts as 0.

    >>> monday = date(2026, 11, 23)
    >>> usual_of({monday - timedelta(days=7 * n): 100 + n for n in range(1, 6)}, monday)
    (101, 105)
    >>> usual_of({monday - timedelta(days=7): 100}, monday) is None
    True
    """
    first = min(days, default=judged)
    weeks = [judged - timedelta(days=7 * n) for n in range(1, HISTORY // timedelta(days=7) + 1)]
    found = [days.get(day, 0) for day in weeks if day >= first]
    return (min(found), max(found)) if len(found) >= WEEKDAYS else None


def _missing(reader: Reader, feed: str, now: datetime) -> Sequence[tuple[int, int]] | None:
    resumed = [e.at for e in reader.feed_events(feed) if e.move == "resumed"]
    numbers = reader.control_numbers(feed, CONTROL_NUMBERS)
    return missing_numbers(History(feed, numbers=numbers, resumed_at=resumed[-1] if resumed else None), now)


def complaints(found: Health, limits: Alerts, now: datetime, *, watched: bool) -> dict[str, Oddity | None]:
    """What people must be told of, by cause: None is well; of a cause left out nothing can be said.

    A feed that is not `watched` may be as silent and as busy as it likes.
    """
    said: dict[str, Oddity | None] = {}
    if (few := found.parked_ppm) is not None and (found.hour.messages + found.day.messages) >= ENOUGH:
        said["parked_share"] = _parked_share(few, limits.parked_percent)
    if found.hour.slowest_ms is not None:
        said["lag"] = _lag(found.hour.slowest_ms, limits.lag_seconds)
    if watched and found.usual is not None:
        said["rate"] = _rate(found.yesterday, found.usual, limits.rate_times)
    if watched and found.last_seen_at is not None and limits.silent_hours:
        silent = now - found.last_seen_at
        too_long = silent > timedelta(hours=limits.silent_hours)
        hours = f"Nothing came for {silent // HOUR} hours; {limits.silent_hours} are allowed."
        said["silent_hours"] = Oddity("silent_hours", hours) if too_long else None
    return said


def _parked_share(ppm: int, limit: int) -> Oddity | None:
    if not limit or ppm <= limit * 10_000:
        return None
    return Oddity(
        "parked_share", f"{ppm // 10_000} % of its messages wait for a person; {limit} % are allowed."
    )


def _lag(slowest_ms: int, limit: int) -> Oddity | None:
    if not limit or slowest_ms <= limit * 1000:
        return None
    return Oddity("lag", f"A message waited {slowest_ms // 1000} seconds to be decided; {limit} are allowed.")


def _rate(yesterday: int, usual: tuple[int, int], times: int) -> Oddity | None:
    least, most = usual
    if not times:
        return None
    if yesterday > most * times and yesterday - most >= ENOUGH:
        return Oddity("rate", f"{yesterday} messages came yesterday; such a day brings {most} at the most.")
    if yesterday * times < least and least - yesterday >= ENOUGH:
        return Oddity("rate", f"{yesterday} messages came yesterday; such a day brings {least} at the least.")
    return None
