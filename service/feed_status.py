"""How feeds stand, told as plain data: what `baton feed status` shows, and for whom cases are paused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from adapters.store import FeedAlertRow, FeedWindow, Reader
from schemas.feeds import Feed
from service.feed_health import Health, health
from service.plainly import Plain, instant_of
from service.receipts import Moment
from service.watch import standing

GAPS: Final = 20
"""Gaps of control numbers that are told one by one."""


def feed_status(
    reader: Reader, feeds: Mapping[str, Feed], moment: Moment, only: str | None = None
) -> list[Plain]:
    """Each feed that has a file or ever sent something, by name; `only` one of them, if it is there."""
    paused = {one["feed"]: one for one in standing(reader)}
    names = {*feeds, *reader.feeds_seen(), *paused}
    if only is not None:
        names &= {only}
    alerts = standing_alerts(reader.feed_alerts(only))
    found = health(reader, names, moment.now, moment.as_of)
    return [
        _told(found[name], moment)
        | {
            "paused": name in paused and paused[name]["paused"],
            "shadow": name in feeds and feeds[name].shadow,
            "configured": name in feeds,
            "mapping": next((m.sha256 for m in reversed(reader.mapping_versions(name))), None),
            "alerts": [
                {"cause": row.cause, "text": row.text, "at": instant_of(row.at)}
                for row in alerts
                if row.feed == name
            ],
            "events": paused[name]["events"] if name in paused else [],
        }
        for name in sorted(names)
    ]


def standing_alerts(told: list[FeedAlertRow]) -> list[FeedAlertRow]:
    """The alerts that are not over, oldest first."""
    last = {(row.feed, row.cause): row for row in told}
    return [row for row in last.values() if row.move == "alert"]


def _told(one: Health, moment: Moment) -> Plain:
    silent = moment.now - one.last_seen_at if one.last_seen_at else None
    return {
        "feed": one.feed,
        "last_seen_at": instant_of(one.last_seen_at) if one.last_seen_at else None,
        "silent_hours": None if silent is None else max(0, silent // timedelta(hours=1)),
        "last_hour": _window(one.hour),
        "last_day": _window(one.day),
        "yesterday": one.yesterday,
        "usual_day": {"least": one.usual[0], "most": one.usual[1]} if one.usual else None,
        "parked_percent": None if one.parked_ppm is None else one.parked_ppm // 10_000,
        "lag_seconds": _seconds(one.hour.slowest_ms),
        "delay_seconds": _seconds(one.day.freshest_ms),
        "missing_numbers": one.missing_count,
        "gaps": [
            str(first) if first == last else f"{first} to {last}"
            for first, last in (one.missing or ())[:GAPS]
        ],
    }


def _window(window: FeedWindow) -> dict[str, Any]:
    return {"messages": window.messages, "parked": window.parked}


def _seconds(ms: int | None) -> int | None:
    return None if ms is None else ms // 1000
