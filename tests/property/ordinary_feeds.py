"""Feeds as hospitals have them, by chance but by a seed: busy and small, daily and steady."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from adapters.store import FeedDay
from service.breaker import History

FIRST = date(2026, 3, 2)
DAYS = 60


@dataclass
class OrdinaryFeed:
    """One sender over `DAYS` days: what it says each day, when, and how it counts."""

    seed: int
    days: list[FeedDay] = field(default_factory=list)
    heard: list[datetime] = field(default_factory=list)
    numbers: list[tuple[int, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = Random(self.seed)
        size = chance.choice([5, 20, 40, 120, 400])
        weekends = chance.choice([0.0, 0.0, 0.3, 1.0])
        hourly = chance.random() < 0.4
        denials, reversals = chance.uniform(0.02, 0.18), chance.uniform(0.002, 0.03)
        share, drift = chance.uniform(0.1, 0.35), chance.uniform(-0.001, 0.001)
        counts = chance.random() < 0.7
        number = chance.randint(1, 5000)
        for n in range(DAYS):
            day = FIRST + timedelta(days=n)
            busy = weekends if day.weekday() >= 5 else 1.0
            if not busy:
                continue
            claims = max(1, round(size * busy * chance.lognormvariate(0, 0.25)))
            self.days.append(one_day(chance, day, claims, denials, reversals, share + drift * n))
            for at in arrivals(chance, day, hourly):
                self.heard.append(at)
                number += 1 if counts else chance.randint(1, 9)
                self.numbers.append((number, at))
        self.counts = counts

    def until(self, day: date, hour: int = 23) -> tuple[History, datetime]:
        """What is known late on a day."""
        now = datetime(day.year, day.month, day.day, hour, 59, tzinfo=UTC)
        came = bisect_right(self.heard, now)
        history = History(
            "feed",
            [d for d in self.days if d.day <= day],
            self.heard[:came],
            self.numbers[max(0, came - 300) : came],
        )
        return history, now


def one_day(
    chance: Random, day: date, claims: int, denials: float, reversals: float, share: float
) -> FeedDay:
    """A day's claims, each with its own charge and its own part for the patient."""
    denials = min(0.9, max(0.0, denials * chance.lognormvariate(0, 0.15)))
    denied = sum(chance.random() < denials for _ in range(claims))
    taken = sum(chance.random() < reversals for _ in range(claims))
    charges = [round(20_000 * chance.lognormvariate(0, 0.9)) for _ in range(claims - denied)]
    patient = [round(c * min(1.0, chance.betavariate(2, 2 / max(share, 0.02) - 2))) for c in charges]
    return FeedDay("feed", day, claims + taken, claims, denied, taken, sum(charges), sum(patient))


def arrivals(chance: Random, day: date, hourly: bool) -> Iterator[datetime]:
    """When something came: each hour of the working day or so, or once in the evening."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if not hourly:
        yield begin + timedelta(minutes=round(18 * 60 + chance.uniform(-90, 90)))
        return
    for hour in range(24):
        if chance.random() < (0.9 if 6 <= hour <= 21 else 0.3):
            yield begin + timedelta(hours=hour, minutes=chance.randint(0, 59))


def changed(feed: OrdinaryFeed, day: date, **by: int) -> None:
    """Overwrite figures of one day."""
    feed.days = [replace(d, **by) if d.day == day else d for d in feed.days]  # type: ignore[arg-type]
