"""How feeds behave and stand: numbers and days, when one was paused, and the cases withheld for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import func, select

from adapters.store import schema
from adapters.store.convert import instant, texts_read, texts_written
from adapters.store.rows import (
    ControlNumberRow,
    FeedAlertRow,
    FeedDay,
    FeedEventRow,
    FeedWindow,
    RefusalRow,
    Standing,
    WithheldRecord,
    WithheldRow,
)
from adapters.store.schema import (
    account,
    control_number,
    feed_alert,
    feed_event,
    refusal,
    tally,
    withheld_case,
)
from adapters.store.session import Batch, Session, Sql
from schemas.facts import AccountRef

_CONTROL_NUMBERS: Final = Batch(schema.control_number, "feed number message_seq recorded_at")
_FEED_EVENTS: Final = Batch(schema.feed_event, "feed move cause text by at")
_WITHHELD: Final = Batch(
    schema.withheld_case,
    "account_id move causes feeds amount_cents currency decision policy_version at",
)
_FEED_ALERTS: Final = Batch(
    schema.feed_alert,
    "feed move cause text at number",
    unless="feed, cause, number",
    returning="feed, cause, number",
)
# Two clocks that want to pause one feed: the second waits, and then finds it paused.
_ALONE: Final = Sql("SELECT pg_advisory_xact_lock(hashtextextended('feed_event', 1))", "")
_REFUSALS: Final = Batch(schema.refusal, "feed day door code messages recorded_at")
_LATEST: Final = "SELECT max(seq) FROM feed_event GROUP BY feed"
_PAUSED: Final = Sql(
    f"SELECT feed FROM feed_event WHERE seq IN ({_LATEST}) AND move = 'paused'",  # noqa: S608
    f"SELECT feed FROM feed_event WHERE seq IN ({_LATEST}) AND move = 'paused'",  # noqa: S608
)
_UNDER_OTHER: Final = Sql(
    "SELECT facility, number FROM account WHERE decision_id IS NOT NULL AND"
    " (policy_sha256 < %b OR policy_sha256 > %b OR policy_sha256 IS NULL) ORDER BY id LIMIT %b",
    "SELECT facility, number FROM account WHERE decision_id IS NOT NULL AND"
    " (policy_sha256 < ? OR policy_sha256 > ? OR policy_sha256 IS NULL) ORDER BY id LIMIT ?",
)
_WITHHELD_FOR: Final = Sql(
    "SELECT facility, number FROM account WHERE withheld = ANY(%b) ORDER BY id LIMIT %b",
    "SELECT facility, number FROM account WHERE withheld IN (SELECT value FROM json_each(?))"
    " ORDER BY id LIMIT ?",
)
_REASONS: Final = Sql(
    "SELECT DISTINCT withheld FROM account WHERE withheld IS NOT NULL",
    "SELECT DISTINCT withheld FROM account WHERE withheld IS NOT NULL",
)
_HOURS: Final = Sql(
    "SELECT feed, max(recorded_at) FROM tally WHERE day >= %b AND recorded_at IS NOT NULL"
    " GROUP BY feed, date_trunc('hour', recorded_at) ORDER BY 1, 2",
    "SELECT feed, max(recorded_at) FROM tally WHERE day >= ? AND recorded_at IS NOT NULL"
    " GROUP BY feed, substr(recorded_at, 1, 13) ORDER BY 1, 2",
)
# From one feed to the next along the index: as quick with many rows as with few.
_SEEN_FEEDS: Final = (
    "WITH RECURSIVE f(feed) AS (SELECT min(feed) FROM tally UNION ALL"
    " SELECT (SELECT min(t.feed) FROM tally t WHERE t.feed > f.feed) FROM f WHERE f.feed IS NOT NULL)"
    " SELECT feed, (SELECT max(t.recorded_at) FROM tally t WHERE t.feed = f.feed) FROM f"
    " WHERE feed IS NOT NULL"
)
_SEEN: Final = Sql(_SEEN_FEEDS, _SEEN_FEEDS)


class FeedStanding:
    """How feeds stand, and whose accounts are to be decided again."""

    _session: Session

    def paused_feeds(self) -> frozenset[str]:
        """The feeds whose accounts open no case now."""
        return frozenset(feed for (feed,) in self._session.fetch(_PAUSED))

    def accounts_under_other_policies(self, sha256: str, limit: int) -> list[AccountRef]:
        """Accounts whose latest decision was made under another policy than this, longest known first."""
        found = self._session.fetch(_UNDER_OTHER, sha256, sha256, limit)
        return [AccountRef(facility, number) for facility, number in found]

    def reasons_withheld(self) -> list[tuple[str, ...]]:
        """Every combination of causes for which some account's case is withheld."""
        return [texts_read(text) for (text,) in self._session.fetch(_REASONS)]

    def accounts_withheld_for(self, reasons: Sequence[tuple[str, ...]], limit: int) -> list[AccountRef]:
        """Accounts whose case is withheld for exactly one of these combinations of causes."""
        texts = self._session.texts([texts_written(causes) for causes in reasons])
        return [AccountRef(f, n) for f, n in self._session.fetch(_WITHHELD_FOR, texts, limit)]


class FeedWrites(FeedStanding):
    """Numbers, pauses and withheld cases."""

    def add_control_numbers(self, rows: Sequence[ControlNumberRow]) -> None:
        """Keep the numbers that senders count by, in the order in which they came."""
        self._session.write(
            _CONTROL_NUMBERS, [(r.feed, r.number, r.message_seq, r.recorded_at) for r in rows]
        )

    def look_at_feeds_alone(self) -> None:
        """Nobody else who calls this pauses or resumes a feed until this transaction ends."""
        self._session.run(_ALONE)

    def add_feed_events(self, rows: Sequence[FeedEventRow]) -> None:
        """Note that opening cases from a feed pauses or goes on."""
        self._session.write(_FEED_EVENTS, [(r.feed, r.move, r.cause, r.text, r.by, r.at) for r in rows])

    def add_feed_alerts(self, rows: Sequence[FeedAlertRow]) -> list[FeedAlertRow]:
        """Note what is told about feeds; answers those whose number was free: tell them.

        Of two who note the same number at once, the second waits, and then finds it taken.
        """
        values = [
            (r.feed, r.move, r.cause, r.text, r.at, r.number)
            for r in sorted(rows, key=lambda r: (r.feed, r.cause))
        ]
        kept = {tuple(row) for row in self._session.insert_new(_FEED_ALERTS, values)}
        return [r for r in rows if (r.feed, r.cause, r.number) in kept]

    def add_refusals(self, rows: Sequence[RefusalRow]) -> None:
        """Note how many messages doors refused without keeping them."""
        self._session.write(
            _REFUSALS, [(r.feed, r.day, r.door, r.code, r.messages, r.recorded_at) for r in rows]
        )

    def add_withheld(self, rows: Sequence[WithheldRow]) -> None:
        """Note cases that would have opened, and where that is over."""
        self._session.write(
            _WITHHELD,
            [
                (
                    r.account_id, r.move, texts_written(r.causes), texts_written(r.feeds), r.amount_cents,
                    r.currency, r.decision, r.policy_version, r.at,
                )
                for r in rows
            ],
        )  # fmt: skip


class FeedQuestions(FeedStanding):
    """What an operator asks about feeds."""

    def feed_events(self, feed: str | None = None) -> list[FeedEventRow]:
        """When feeds were paused and resumed, first to last."""
        e = feed_event.c
        found = select(e.feed, e.move, e.cause, e.text, e.by, e.at).order_by(e.seq)
        if feed is not None:
            found = found.where(e.feed == feed)
        return [FeedEventRow(*row) for row in self._session.select(found)]

    def feed_alerts(self, feed: str | None = None) -> list[FeedAlertRow]:
        """What was told about feeds, first to last."""
        a = feed_alert.c
        found = select(a.feed, a.move, a.cause, a.text, a.at, a.number).order_by(a.seq)
        if feed is not None:
            found = found.where(a.feed == feed)
        return [FeedAlertRow(*row) for row in self._session.select(found)]

    def feed_days(self, since: date) -> list[FeedDay]:
        """What each feed said on each day from `since` on, by feed and day."""
        t = tally.c
        sums = [
            sa.cast(func.sum(t[name]), sa.BigInteger)
            for name in ("received", "claims", "denied", "taken_back", "charge_cents", "patient_cents")
        ]
        found = select(t.feed, t.day, *sums).where(t.day >= since).group_by(t.feed, t.day)
        return [FeedDay(*row) for row in self._session.select(found.order_by(t.feed, t.day))]

    def feeds_seen(self) -> dict[str, datetime | None]:
        """Every feed that ever sent something, and when it last did; None where that was not kept."""
        return {feed: instant(at) if at else None for feed, at in self._session.fetch(_SEEN)}

    def feed_windows(self, feeds: Collection[str], since: datetime) -> dict[str, FeedWindow]:
        """What each of these feeds brought from an instant on; one that was silent is left out."""
        t = tally.c
        found = (
            select(
                t.feed,
                sa.cast(func.sum(t.received), sa.BigInteger),
                sa.cast(func.sum(t.parked), sa.BigInteger),
                func.max(t.slowest_ms),
                func.min(t.freshest_ms),
            )
            .where(t.feed.in_(feeds), t.recorded_at >= since)
            .group_by(t.feed)
        )
        return {row[0]: FeedWindow(*row) for row in self._session.select(found)} if feeds else {}

    def refusals(self, feed: str | None = None, day: date | None = None) -> list[RefusalRow]:
        """What doors refused, summed by feed, day, door and reason; each at its latest instant."""
        r = refusal.c
        counted = sa.cast(func.sum(r.messages), sa.BigInteger)
        found = select(r.feed, r.day, r.door, r.code, counted, func.max(r.recorded_at))
        if feed is not None:
            found = found.where(r.feed == feed)
        if day is not None:
            found = found.where(r.day == day)
        grouped = found.group_by(r.feed, r.day, r.door, r.code).order_by(r.feed, r.day, r.door, r.code)
        return [RefusalRow(*row) for row in self._session.select(grouped)]

    def feed_hours(self, since: date) -> list[tuple[str, datetime]]:
        """The last instant in each hour, of each feed, in which something came; by feed, then by time."""
        return [(feed, instant(at)) for feed, at in self._session.fetch(_HOURS, since)]

    def control_numbers(self, feed: str, limit: int) -> list[tuple[int, datetime]]:
        """The newest control numbers of a feed in the order in which they came, with their instants."""
        c = control_number.c
        found = select(c.number, c.recorded_at).where(c.feed == feed).order_by(c.seq.desc()).limit(limit)
        return [(number, at) for number, at in reversed(self._session.select(found))]

    def withheld_cases(self, since: datetime | None = None) -> list[WithheldRecord]:
        """Cases withheld and where that was over, in the order in which it happened."""
        w = withheld_case.c
        found = (
            select(
                w.seq, account.c.facility, account.c.number, w.move, w.causes, w.feeds,
                w.amount_cents, w.currency, w.decision, w.policy_version, w.at,
            )
            .join(account, account.c.id == w.account_id)
            .order_by(w.seq)
        )  # fmt: skip
        if since is not None:
            found = found.where(w.at >= since)
        return [
            WithheldRecord(
                seq, AccountRef(facility, number), move, texts_read(causes), texts_read(feeds), *rest
            )
            for seq, facility, number, move, causes, feeds, *rest in self._session.select(found)
        ]

    def standing(self, policy_sha256: str) -> Standing:
        """How many accounts are decided under this policy, under others, and whose case is withheld."""
        a = account.c
        decided = select(func.count()).select_from(account).where(a.decision_id.is_not(None))
        under = select(func.count()).select_from(account).where(a.policy_sha256 == policy_sha256)
        reasons = select(a.withheld, func.count()).where(a.withheld.is_not(None)).group_by(a.withheld)
        return Standing(
            decided=int(self._session.select(decided)[0][0]),
            under_policy=int(self._session.select(under)[0][0]),
            withheld={texts_read(text): int(n) for text, n in self._session.select(reasons)},
        )
