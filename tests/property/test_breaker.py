"""What the circuit breaker must do: find every planted oddity, and be silent over ordinary feeds."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from service.breaker import CLAIMS, USUAL_DAYS, History, Oddity, oddity
from tests.property.ordinary_feeds import DAYS, FIRST, OrdinaryFeed, changed

FEEDS = 200
LAST = FIRST + timedelta(days=DAYS - 4)  # a weekday, with weeks of history behind it


@cache
def feeds() -> list[OrdinaryFeed]:
    return [OrdinaryFeed(seed) for seed in range(FEEDS)]


def alarms(feed: OrdinaryFeed) -> list[Oddity]:
    """What would have been said on each morning of the feed's life, after each whole day."""
    mornings = (FIRST + timedelta(days=n) for n in range(1, DAYS + 1))
    found = []
    for day in mornings:
        history, now = feed.until(day, 5)
        before = replace(history, days=[d for d in history.days if d.day < day])
        found.append(oddity(before, now, day))
    return [odd for odd in found if odd is not None]


def test_two_hundred_ordinary_feeds_of_sixty_days_raise_no_alarm() -> None:
    assert {seed: found for seed, feed in enumerate(feeds()) if (found := alarms(feed))} == {}


def large_feeds() -> list[OrdinaryFeed]:
    """Ordinary feeds with enough claims on the last day, and on enough days before it, to be judged by."""
    found = []
    for feed in map(copy, feeds()):
        of_day = {d.day: d for d in feed.days}
        enough = sum(1 for d in feed.days if d.day < LAST and d.claims >= CLAIMS)
        if LAST in of_day and of_day[LAST].claims >= 40 and enough >= USUAL_DAYS + 7:
            found.append(feed)
    assert len(found) > 60
    return found


@pytest.mark.parametrize("planted", ["denials", "reversals", "patient_share"])
def test_every_planted_odd_day_is_found(planted: str) -> None:
    missed = []
    for feed in large_feeds():
        day = next(d for d in feed.days if d.day == LAST)
        if planted == "denials":
            changed(feed, LAST, denied=day.claims * 7 // 10)
        elif planted == "reversals":
            changed(feed, LAST, taken_back=day.claims * 4 // 10)
        else:
            changed(feed, LAST, patient_cents=day.charge_cents * 9 // 10)
        history, now = feed.until(LAST)
        odd = oddity(history, now, LAST)
        if odd is None or odd.cause != planted:
            missed.append((feed.seed, odd))
    assert missed == []


def test_every_planted_silence_is_found() -> None:
    for feed in map(copy, feeds()):
        cut = feed.heard[-1] - timedelta(days=15)
        feed.heard = [at for at in feed.heard if at <= cut]
        history, now = feed.until(FIRST + timedelta(days=DAYS - 1))
        odd = oddity(replace(history, days=()), now, now.date())
        assert odd is not None and odd.cause == "silent", feed.seed


def test_every_planted_gap_is_found_once_it_is_too_late_for_the_number_to_come() -> None:
    counting = [
        feed for seed in range(FEEDS) if (feed := OrdinaryFeed(seed)).counts and len(feed.numbers) > 40
    ]
    assert len(counting) > 60
    for feed in counting:
        at = len(feed.numbers) - 5
        later = feed.numbers[at + 1][1]
        missing = History("feed", numbers=[*feed.numbers[:at], *feed.numbers[at + 1 : at + 2]])
        assert oddity(missing, later + timedelta(minutes=59), later.date()) is None
        odd = oddity(missing, later + timedelta(minutes=61), later.date())
        assert odd is not None and odd.cause == "gap" and odd.text.startswith("1 of the numbers"), feed.seed
        came = replace(missing, numbers=[*missing.numbers, (feed.numbers[at][0], later)])
        assert oddity(came, later + timedelta(days=1), later.date()) is None


def test_a_sender_that_begins_to_count_anew_has_no_gap() -> None:
    at = OrdinaryFeed(0).heard[0]
    again = [(999_999_960 + n, at + timedelta(hours=n)) for n in range(40)]
    again += [(n, at + timedelta(days=3, hours=n)) for n in range(1, 40)]
    assert oddity(History("feed", numbers=again), at + timedelta(days=9), at.date()) is None


def test_what_a_person_has_looked_at_pauses_nothing_again() -> None:
    feed = large_feeds()[0]
    changed(feed, LAST, patient_cents=next(d for d in feed.days if d.day == LAST).charge_cents)
    history, now = feed.until(LAST)
    assert oddity(history, now, LAST) is not None
    assert oddity(replace(history, resumed_on=LAST, resumed_at=now), now, LAST) is None
    silent = replace(history, days=())
    later = now + timedelta(days=30)
    assert oddity(silent, later, later.date()) is not None
    looked = replace(silent, resumed_at=later)
    assert oddity(looked, later + timedelta(hours=11), later.date()) is None


def test_too_little_history_says_nothing() -> None:
    feed = large_feeds()[0]
    history, now = feed.until(LAST)
    young = replace(history, days=history.days[-USUAL_DAYS:], heard=history.heard[-3:])
    odd = [replace(young.days[-1], patient_cents=young.days[-1].charge_cents)]
    young = replace(young, days=[*young.days[:-1], *odd])
    assert oddity(young, now + timedelta(days=90), LAST) is None
