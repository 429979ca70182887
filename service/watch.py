"""The circuit breaker: pauses opening cases from a feed that is not itself, until a person resumes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias

from adapters.store import (
    AuditRow,
    FeedAlertRow,
    FeedDay,
    FeedEventRow,
    OutboxRow,
    Reader,
    Store,
    Unit,
    check_text,
)
from schemas.canonical import stable_id, to_bytes
from schemas.errors import BatonError
from schemas.feeds import Alerts
from schemas.wire.events import feed_told
from service.breaker import CAUSES, HISTORY, History, Oddity, oddities
from service.feed_health import CONTROL_NUMBERS, complaints, health, usual_of
from service.logs import Log
from service.receipts import Moment

EVERY: Final = timedelta(minutes=1)
BATON: Final = "baton"
PERSON: Final = "person"
STANDARD: Final = Alerts()

Said: TypeAlias = dict[tuple[str, str], Oddity | None]
"""What can be said of a feed by cause; None where it is well."""


class Watch:
    """Pauses feeds that are not themselves, and tells of those that need a person, once each.

    Those in `unwatched` are never paused. `alerts` are the limits of each configured feed; another one has
    the standard ones. Both are asked at each look, since feeds may change meanwhile.
    """

    def __init__(
        self,
        store: Store,
        log: Log,
        unwatched: Callable[[], frozenset[str]] = frozenset,
        alerts: Callable[[], Mapping[str, Alerts]] = dict,
    ) -> None:
        self._alerts = alerts
        self._store = store
        self._log = log
        self._unwatched = unwatched
        self._looked_at: datetime | None = None
        self._days: dict[tuple[str, date], FeedDay] = {}
        self._heard: dict[str, dict[datetime, None]] = {}
        self._read_to: date | None = None

    def look_when_due(self, moment: Moment) -> None:
        """Look, unless that was done within the last minute."""
        if self._looked_at is None or abs(moment.now - self._looked_at) >= EVERY:
            self._looked_at = moment.now
            self.look(moment)

    def look(self, moment: Moment) -> dict[str, Oddity]:
        """Pause what is not itself; the feeds that were paused now, and why.

        Raises:
            Unavailable: the store does not answer; nothing is paused.
        """
        unwatched = self._unwatched()
        with self._store.read() as reader:
            self._read_days(reader, moment.as_of)
            paused = reader.paused_feeds()
            every = {feed for feed, _ in self._days}
            odd = {
                feed: oddities(self._history(reader, feed), moment.now, moment.as_of)
                for feed in sorted(every - unwatched)
            }
            said = self._said(reader, sorted(every), odd, moment)
        found = {feed: ones[0] for feed, ones in odd.items() if ones and feed not in paused}
        if found:
            with self._store.write() as unit:
                unit.look_at_feeds_alone()
                for feed in sorted(set(found) & unit.paused_feeds()):
                    del found[feed]
                rows = [
                    FeedEventRow(feed, "paused", o.cause, o.text, BATON, moment.now)
                    for feed, o in found.items()
                ]
                _record(unit, rows)
        self._tell(said, moment.now)
        for feed, one in found.items():
            self._log.warning("opening cases paused", feed=feed, code=one.cause)
        return found

    def _said(
        self, reader: Reader, feeds: Sequence[str], odd: Mapping[str, Sequence[Oddity]], moment: Moment
    ) -> Said:
        """What can be said of each feed now, by cause; None where it is well."""
        found: Said = {}
        for feed, ones in odd.items():
            found |= {(feed, cause): None for cause in CAUSES}
            found |= {(feed, one.cause): one for one in ones}
        alerts, unwatched = self._alerts(), self._unwatched()
        for feed, one in health(reader, feeds, moment.now, moment.as_of, deep=False).items():
            limits = alerts.get(feed, STANDARD)
            days = {day.day: day.messages for (name, _), day in self._days.items() if name == feed}
            yesterday = moment.as_of - timedelta(days=1)
            whole = replace(one, yesterday=days.get(yesterday, 0), usual=usual_of(days, yesterday))
            told = complaints(whole, limits, moment.now, watched=feed not in unwatched)
            found |= {(feed, cause): odds for cause, odds in told.items()}
        return found

    def _tell(self, said: Said, now: datetime) -> None:
        """Say what began and what is over, once: the record, the event and the log line go together.

        Another clock may say it at the same time: whose rows are kept has told it.
        """
        with self._store.read() as reader:
            if not _news(said, reader.feed_alerts(), now):
                return
        with self._store.write() as unit:
            alerts = unit.add_feed_alerts(_news(said, unit.reader.feed_alerts(), now))
            unit.add_outbox([_announced(row) for row in alerts])
        for row in alerts:
            tell = self._log.warning if row.move == "alert" else self._log.info
            tell(f"feed {row.move}", feed=row.feed, code=row.cause)

    def _read_days(self, reader: Reader, today: date) -> None:
        """Days that are over are read once; yesterday and today again each time."""
        since = max(today - HISTORY, self._read_to or date.min)
        for day in reader.feed_days(since):
            self._days[day.feed, day.day] = day
        for feed, at in reader.feed_hours(since):
            self._heard.setdefault(feed, {})[at.replace(minute=0, second=0, microsecond=0)] = None
        self._read_to = today - timedelta(days=1)
        for key in [key for key in self._days if key[1] < today - HISTORY]:
            del self._days[key]

    def _history(self, reader: Reader, feed: str) -> History:
        events = [e for e in reader.feed_events(feed) if e.move == "resumed"]
        resumed_at = events[-1].at if events else None
        oldest = min(day for name, day in self._days if name == feed)
        return History(
            feed,
            [self._days[key] for key in sorted(self._days) if key[0] == feed],
            [at for at in sorted(self._heard.get(feed, ())) if at.date() >= oldest],
            reader.control_numbers(feed, CONTROL_NUMBERS),
            resumed_at,
            resumed_at.date() if resumed_at else None,
        )


def _news(said: Said, told: Sequence[FeedAlertRow], now: datetime) -> list[FeedAlertRow]:
    """What is to be told now: what is not well and was, and what is well again.

    Each row is numbered within its feed and cause, so that two clocks that see the same make the same row.
    """
    count = Counter((row.feed, row.cause) for row in told)
    standing = {(row.feed, row.cause): row.move for row in told}
    rows = []
    for (feed, cause), one in said.items():
        alerted = standing.get((feed, cause)) == "alert"
        number = count[feed, cause] + 1
        if one is not None and not alerted:
            rows.append(FeedAlertRow(feed, "alert", cause, one.text, now, number))
        elif one is None and alerted:
            rows.append(FeedAlertRow(feed, "recovered", cause, "It is itself again.", now, number))
    return rows


def _announced(row: FeedAlertRow) -> OutboxRow:
    """The event of an alert; its id counts the alerts of the feed, so that it is the same when told again."""
    kind = f"feed.{row.move}"
    id = stable_id(f"{row.feed}|{row.cause}|{row.number}|{kind}")
    return OutboxRow(
        id, kind, f"feed/{row.feed}", feed_told(kind, row.feed, (row.cause, row.text), id, row.at), row.at
    )


def pause(store: Store, feed: str, by: str, reason: str, now: datetime) -> None:
    """Pause opening cases from a feed by hand.

    Raises:
        BatonError: `already-paused`.
    """
    with store.write() as unit:
        unit.look_at_feeds_alone()
        if feed in unit.paused_feeds():
            raise BatonError("already-paused", f"opening cases from feed {feed} is paused already")
        _record(unit, [FeedEventRow(feed, "paused", PERSON, _said(reason), _said(by), now)])


def resume(store: Store, feed: str, by: str, reason: str, now: datetime) -> None:
    """Let cases open again; what was odd until now is history, and pauses nothing again.

    Raises:
        BatonError: `not-paused`.
    """
    with store.write() as unit:
        unit.look_at_feeds_alone()
        if feed not in unit.paused_feeds():
            raise BatonError(
                "not-paused", f"opening cases from feed {feed} is not paused; `baton breaker list`"
            )
        _record(unit, [FeedEventRow(feed, "resumed", PERSON, _said(reason), _said(by), now)])


def standing(reader: Reader) -> list[dict[str, Any]]:
    """How each feed stands that ever was paused, and what happened to it, first to last."""
    told: dict[str, list[FeedEventRow]] = {}
    for event in reader.feed_events():
        told.setdefault(event.feed, []).append(event)
    return [
        {
            "feed": feed,
            "paused": events[-1].move == "paused",
            "events": [
                {"move": e.move, "cause": e.cause, "text": e.text, "by": e.by, "at": _instant(e.at)}
                for e in events
            ],
        }
        for feed, events in sorted(told.items())
    ]


def _record(unit: Unit, rows: list[FeedEventRow]) -> None:
    """The event and its audit entry, in one transaction."""
    unit.add_feed_events(rows)
    unit.add_audit(
        [
            AuditRow(
                f"feed.{row.move}",
                row.feed,
                to_bytes({"feed": row.feed, "cause": row.cause, "text": row.text, "by": row.by}),
                row.at,
            )
            for row in rows
        ]
    )


def _said(text: str) -> str:
    """What a person wrote, as the store can keep it.

    Raises:
        BatonError: `nothing-said`.
    """
    if not text.strip():
        raise BatonError("nothing-said", "say who and why: --by NAME --reason TEXT")
    check_text(text, "reason")
    return text.strip()


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
