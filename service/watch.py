"""The circuit breaker: pauses opening cases from a feed that is not itself, until a person resumes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

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
from schemas.wire.events import feed_told
from service.breaker import HISTORY, History, Oddity, oddity
from service.intake import Moment
from service.logs import Log

EVERY: Final = timedelta(minutes=1)
CONTROL_NUMBERS: Final = 500
BATON: Final = "baton"
PERSON: Final = "person"


class Watch:
    """Pauses feeds that are not themselves; those in `unwatched` are left alone."""

    def __init__(self, store: Store, log: Log, unwatched: frozenset[str] = frozenset()) -> None:
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
        with self._store.read() as reader:
            self._read_days(reader, moment.as_of)
            paused = reader.paused_feeds()
            feeds = sorted({feed for feed, _ in self._days} - self._unwatched)
            odd = {feed: oddity(self._history(reader, feed), moment.now, moment.as_of) for feed in feeds}
            alerts = _alerts(odd, reader, moment.now)
        found = {feed: one for feed, one in odd.items() if one is not None and feed not in paused}
        if found:
            with self._store.write() as unit:
                for feed in sorted(set(found) & unit.paused_feeds()):
                    del found[feed]
                rows = [
                    FeedEventRow(feed, "paused", o.cause, o.text, BATON, moment.now)
                    for feed, o in found.items()
                ]
                _record(unit, rows)
        self._tell(alerts)
        for feed, one in found.items():
            self._log.warning("opening cases paused", feed=feed, code=one.cause)
        return found

    def _tell(self, alerts: list[FeedAlertRow]) -> None:
        """Say what began and what is over, once: the record, the event and the log line go together."""
        if not alerts:
            return
        with self._store.write() as unit:
            told = unit.reader.feed_alerts()
            unit.add_feed_alerts(alerts)
            unit.add_outbox([_announced(row, told) for row in alerts])
        for row in alerts:
            said = self._log.warning if row.move == "alert" else self._log.info
            said(f"feed {row.move}", feed=row.feed, code=row.cause)

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


def _alerts(odd: Mapping[str, Oddity | None], reader: Reader, now: datetime) -> list[FeedAlertRow]:
    """What is to be told now: feeds that are odd and were not, and those that were and are not any more."""
    standing = {row.feed: row for row in reader.feed_alerts()}
    rows = []
    for feed, one in odd.items():
        last = standing.get(feed)
        alerted = last is not None and last.move == "alert"
        if one is not None and not alerted:
            rows.append(FeedAlertRow(feed, "alert", one.cause, one.text, now))
        elif one is None and last is not None and alerted:
            rows.append(FeedAlertRow(feed, "recovered", last.cause, "It is itself again.", now))
    return rows


def _announced(row: FeedAlertRow, told: Sequence[FeedAlertRow]) -> OutboxRow:
    """The event of an alert; its id counts the alerts of the feed, so that it is the same when told again."""
    number = sum(1 for one in told if one.feed == row.feed) + 1
    kind = f"feed.{row.move}"
    id = stable_id(f"{row.feed}|{number}|{kind}")
    return OutboxRow(
        id, kind, f"feed/{row.feed}", feed_told(kind, row.feed, (row.cause, row.text), id, row.at), row.at
    )


def pause(store: Store, feed: str, by: str, reason: str, now: datetime) -> None:
    """Pause opening cases from a feed by hand.

    Raises:
        BatonError: `already-paused`.
    """
    with store.write() as unit:
        if feed in unit.paused_feeds():
            raise BatonError("already-paused", f"opening cases from feed {feed} is paused already")
        _record(unit, [FeedEventRow(feed, "paused", PERSON, _said(reason), _said(by), now)])


def resume(store: Store, feed: str, by: str, reason: str, now: datetime) -> None:
    """Let cases open again; what was odd until now is history, and pauses nothing again.

    Raises:
        BatonError: `not-paused`.
    """
    with store.write() as unit:
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
