"""Whether a feed still is itself: silence, missing numbers and odd days, measured against its own history.

Everything here is a pure function of what was counted, in whole numbers: ratios are parts per million. Too
little history says nothing, and a feed that is new or small is never paused for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import isqrt
from typing import Final

from adapters.store import FeedDay

HISTORY: Final = timedelta(days=60)
USUAL_DAYS: Final = 14
"""Days with enough claims, or days from first to last message, before anything is judged."""

SILENCE_FLOOR: Final = timedelta(hours=12)
SILENCE_TIMES: Final = 2
PAUSES: Final = 8
"""Pauses between messages before one of them can be called unusual."""

CLAIMS: Final = 30
"""Claims of a day before its rates are judged."""

SPREADS: Final = 9
"""Median absolute deviations from the median; about six standard deviations of an ordinary day."""

SURPRISE_MILLI: Final = 5000
"""Thousandths of a standard deviation of the count itself, by which chance alone is ruled out."""

RATE_FLOOR: Final = 50_000
SHARE_FLOOR: Final = 100_000

NUMBERS: Final = 20
"""Steps between control numbers before a feed is known to count one by one."""

LATE: Final = timedelta(hours=1)
"""A missing number may still be on its way so long after a later one came."""


CAUSES: Final = ("silent", "gap", "denials", "reversals", "patient_share")
"""Every way in which a feed can depart from its history."""


@dataclass(frozen=True, slots=True)
class History:
    """What is known of one feed: its days and the hours in which something came, oldest first.

    `numbers` are its control numbers in the order in which they came. What was before `resumed_at` was looked
    at by a person, and is history but no fault.
    """

    feed: str
    days: Sequence[FeedDay] = ()
    heard: Sequence[datetime] = ()
    numbers: Sequence[tuple[int, datetime]] = ()
    resumed_at: datetime | None = None
    resumed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Oddity:
    """How a feed departs from itself: a stable word and one plain sentence with the figures."""

    cause: str
    text: str


def oddity(history: History, now: datetime, today: date) -> Oddity | None:
    """The first way in which a feed departs from its own history; None while it is itself."""
    return next(iter(oddities(history, now, today)), None)


def oddities(history: History, now: datetime, today: date) -> list[Oddity]:
    """Every way in which a feed departs from its own history."""
    found = (_silent(history, now), _gap(history, now), _odd_day(history, today))
    return [one for one in found if one is not None]


def missing_numbers(history: History, now: datetime) -> list[tuple[int, int]] | None:
    """The control numbers that never came, as first and last of each gap; None where nobody counts.

    Known gaps of before a person looked at the feed are left out; so is what may still be on its way.
    """
    numbers = _since_restart(history.numbers)
    came = dict(reversed(numbers))
    ordered = sorted(came)
    steps = [(a, b) for a, b in pairwise(ordered)]
    if len(steps) < NUMBERS or sum(1 for a, b in steps if b - a == 1) * 20 < len(steps) * 19:
        return None
    since = history.resumed_at
    return [
        (a + 1, b - 1)
        for a, b in steps
        if b - a > 1 and now - came[b] >= LATE and (since is None or came[b] > since)
    ]


def _silent(history: History, now: datetime) -> Oddity | None:
    heard = history.heard
    if len(heard) <= PAUSES or heard[-1] - heard[0] < timedelta(days=USUAL_DAYS):
        return None
    pauses = sorted(later - earlier for earlier, later in pairwise(heard))
    # The second longest: one outage of the past must not excuse the next one.
    usual = pauses[-2]
    silent = now - max(heard[-1], history.resumed_at or heard[-1])
    if silent <= max(SILENCE_FLOOR, usual * SILENCE_TIMES):
        return None
    return Oddity(
        "silent",
        f"Nothing came for {_hours(silent)} hours; its usual longest pause is {_hours(usual)} hours.",
    )


def _gap(history: History, now: datetime) -> Oddity | None:
    missing = sum(last - first + 1 for first, last in missing_numbers(history, now) or ())
    if not missing:
        return None
    return Oddity("gap", f"{missing} of the numbers by which its sender counts never came.")


def _since_restart(numbers: Sequence[tuple[int, datetime]]) -> Sequence[tuple[int, datetime]]:
    """The numbers since the sender began to count anew: far below all that it had counted to."""
    highest = begin = 0
    for place, (number, _) in enumerate(numbers):
        if number < highest - 1000 or number > highest + 100_000:
            begin, highest = place, number
        highest = max(highest, number)
    return numbers[begin:]


@dataclass(frozen=True, slots=True)
class _Rate:
    """A ratio that a day is judged by; `claims` is how many it rests on."""

    of: int
    among: int
    claims: int

    @property
    def ppm(self) -> int:
        return self.of * 1_000_000 // self.among


def _odd_day(history: History, today: date) -> Oddity | None:
    judged = [
        day
        for day in history.days
        if today - timedelta(days=1) <= day.day <= today
        and (history.resumed_on is None or day.day > history.resumed_on)
    ]
    for day in judged:
        before = [d for d in history.days if d.day < day.day and today - d.day <= HISTORY]
        for cause, what in (("denials", "denied"), ("reversals", "taken back")):
            rate, usual = _rate(cause, day), _rates(cause, before)
            if rate is not None and (found := _departs(rate, usual, RATE_FLOOR, counted=True)) is not None:
                return _told(cause, f"of its claims were {what}", day, rate, found)
        rate, usual = _rate("patient_share", day), _rates("patient_share", before)
        if rate is not None and (found := _departs(rate, usual, SHARE_FLOOR, counted=False)) is not None:
            return _told("patient_share", "of what it charged was left to patients", day, rate, found)
    return None


def _rate(cause: str, day: FeedDay) -> _Rate | None:
    """A day's rate; None where it rests on too few claims."""
    of, among, claims = {
        "denials": (day.denied, day.claims, day.claims),
        "reversals": (day.taken_back, day.claims + day.taken_back, day.claims + day.taken_back),
        "patient_share": (day.patient_cents, day.charge_cents, day.claims),
    }[cause]
    return _Rate(of, among, claims) if claims >= CLAIMS and among > 0 else None


def _rates(cause: str, days: Iterable[FeedDay]) -> list[_Rate]:
    return [rate for day in days if (rate := _rate(cause, day)) is not None]


def _departs(rate: _Rate, usual: Sequence[_Rate], floor: int, *, counted: bool) -> int | None:
    """The median of a history that a rate departs from; None where it does not, or there is too little."""
    if len(usual) < USUAL_DAYS:
        return None
    median = _median([r.ppm for r in usual])
    spread = _median([abs(r.ppm - median) for r in usual])
    size = _median([r.claims for r in usual])
    # A day of few claims wavers more than one of many: as the root of how many there are.
    wavers = isqrt(max(1_000_000, 1_000_000 * size // rate.claims))
    if abs(rate.ppm - median) <= max(floor, SPREADS * spread * wavers // 1000):
        return None
    if counted and abs(rate.ppm - median) * 10 < median * 9:
        return None  # neither about twice as many nor about none: odd, and no reason to stop
    if counted and _surprise_milli(rate.of, rate.claims * median) < SURPRISE_MILLI:
        return None
    return median


def _surprise_milli(count: int, expected_ppm: int) -> int:
    """How far a count is from the expected one, in thousandths of its standard deviation.

    By the roots of both, which makes the spread of a rare event even. Source: Anscombe, Biometrika 35 (1948).

    >>> _surprise_milli(40, 10_000_000), _surprise_milli(3, 500_000)
    (6266, 1804)
    """
    return 2 * abs(isqrt(count * 1_000_000 + 375_000) - isqrt(expected_ppm + 375_000))


def _told(cause: str, what: str, day: FeedDay, rate: _Rate, usual: int) -> Oddity:
    return Oddity(
        cause, f"On {day.day}, {_percent(rate.ppm)} {what}, of {rate.claims}; usual is {_percent(usual)}."
    )


def _median(values: Iterable[int]) -> int:
    """The lower one of the middle."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def _percent(ppm: int) -> str:
    """One decimal.

    >>> _percent(123_456)
    '12.3 %'
    """
    return f"{ppm // 10_000}.{ppm // 1000 % 10} %"


def _hours(span: timedelta) -> int:
    return span // timedelta(hours=1)
