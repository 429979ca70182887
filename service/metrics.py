"""What a monitoring system asks for: counts of what the store holds and of what the HTTP door did.

No label names a person or an account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from threading import Lock
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from adapters.store import Counts, Standing, Store
from schemas.errors import Unavailable
from service.feed_health import Health, health
from service.release import PAUSED, SETTLING, SHADOW

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
FRESH_SECONDS: Final = 5.0
"""How long one count of the store serves every scrape: counting many rows costs the database something."""

MOST_FEEDS: Final = 1000
"""Feeds that are asked about at once; more than that nobody has, but somebody may invent them."""

OTHER: Final = "other"
"""The label under which feeds that have no file are told of, together."""

_FEED_GAUGES: Final[tuple[tuple[str, str, Callable[[Health], float | None]], ...]] = (
    (
        "last_seen_timestamp_seconds",
        "When the last message of a feed came",
        lambda one: one.last_seen_at.timestamp() if one.last_seen_at else None,
    ),
    ("messages_last_hour", "Messages of the last hour", lambda one: one.hour.messages),
    ("messages_last_day", "Messages of the last 24 hours", lambda one: one.day.messages),
    (
        "messages_parked_last_day",
        "Messages of the last 24 hours in which something waits for a person",
        lambda one: one.day.parked,
    ),
    (
        "lag_seconds",
        "From receipt to decision, the slowest message of the last hour",
        lambda one: None if one.hour.slowest_ms is None else one.hour.slowest_ms / 1000,
    ),
    (
        "delay_seconds",
        "How old the newest statement of the last hour was when it came",
        lambda one: None if one.hour.freshest_ms is None else one.hour.freshest_ms / 1000,
    ),
)

CASE_STATUSES: Final = ("open", "recalled", "closed")
LATENCY_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class StoreCounts(Collector):
    """The store's counts as gauges, read when asked and at most once in `FRESH_SECONDS`."""

    def __init__(
        self,
        store: Callable[[], Store],
        now: Callable[[], datetime],
        policy: Callable[[], str],
        configured: Callable[[], Mapping[str, bool]] = dict,
    ) -> None:
        self._store = store
        self._now = now
        self._policy = policy
        self._lock = Lock()
        self._counts: Counts | None = None
        self._standing = Standing(0, 0, {})
        self._paused: frozenset[str] = frozenset()
        self._alerts: dict[tuple[str, str], str] = {}
        self._health: dict[str, Health] = {}
        self._now_configured = configured
        self._configured: Mapping[str, bool] = {}
        self._until = 0.0

    def describe(self) -> Iterator[Metric]:
        """Nothing ahead of time: registering must not open the store."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The gauges now; `baton_store_up` alone when the store does not answer."""
        counts = self._read()
        yield GaugeMetricFamily("baton_store_up", "1 while the store answers", value=int(counts is not None))
        if counts is None:
            return
        for name, text, value in (
            ("messages", "Messages kept", counts.messages),
            ("messages_unread", "Messages kept whose reading has not ended", counts.unread),
            ("facts", "Facts kept", counts.facts),
            ("accounts", "Patient accounts known", counts.accounts),
            ("decisions", "Decisions made", counts.decisions),
            ("parked_open", "Messages or parts of messages that wait for a person", counts.parked_open),
            ("outbox_events", "Events that wait for the relay", counts.outbox.depth),
        ):
            yield GaugeMetricFamily(f"baton_{name}", text, value=value)
        yield GaugeMetricFamily(
            "baton_outbox_oldest_age_seconds",
            "How long the oldest event has waited for the relay; 0 when none waits",
            value=outbox_age_seconds(counts.outbox.oldest_at, self._now()),
        )
        cases = GaugeMetricFamily("baton_cases", "Collections cases by status", labels=["status"])
        for status in CASE_STATUSES:
            cases.add_metric([status], counts.cases.get(status, 0))
        yield cases
        yield from self._waiting()

    def _waiting(self) -> Iterator[Metric]:
        """How far the policy in force has been applied, which cases wait for what, which feeds are paused."""
        found = self._standing
        yield GaugeMetricFamily(
            "baton_accounts_to_decide_again",
            "Accounts decided under another policy than the one in force",
            value=found.decided - found.under_policy,
        )
        withheld = GaugeMetricFamily(
            "baton_cases_withheld", "Cases that a decision allows and that wait, by cause", labels=["cause"]
        )
        for kind in (SETTLING, SHADOW, PAUSED):
            for_it = [n for causes, n in found.withheld.items() if any(c.startswith(kind) for c in causes)]
            withheld.add_metric([kind], sum(for_it))
        yield withheld
        paused = GaugeMetricFamily(
            "baton_feed_paused", "1 while opening cases from a feed is paused", labels=["feed"]
        )
        for feed in sorted({self._label(feed) for feed in self._paused}):
            paused.add_metric([feed], 1)
        yield paused
        yield from self._feeds()

    def _label(self, feed: str) -> str:
        """A configured feed's name: whoever may send can invent others, and a label is never dropped."""
        return feed if feed in self._configured else OTHER

    def _feeds(self) -> Iterator[Metric]:
        """How each configured feed does; all others together are `other`."""
        by_label: dict[str, list[Health]] = {}
        for feed, one in self._health.items():
            by_label.setdefault(self._label(feed), []).append(one)
        for name, text, read in _FEED_GAUGES:
            gauge = GaugeMetricFamily(f"baton_feed_{name}", text, labels=["feed"])
            for label, ones in sorted(by_label.items()):
                values = [value for value in map(read, ones) if value is not None]
                if values:
                    gauge.add_metric([label], sum(values) if name.startswith("messages") else max(values))
            yield gauge
        shadow = GaugeMetricFamily(
            "baton_feed_shadow", "1 for a feed that is read and opens no case", labels=["feed"]
        )
        for feed, shadowed in sorted(self._configured.items()):
            shadow.add_metric([feed], int(shadowed))
        yield shadow
        alert = GaugeMetricFamily(
            "baton_feed_alert", "1 while people were told of it and it is not over", labels=["feed", "cause"]
        )
        standing: dict[tuple[str, str], int] = {}
        for (feed, cause), move in self._alerts.items():
            key = self._label(feed), cause
            standing[key] = max(standing.get(key, 0), int(move == "alert"))
        for (feed, cause), value in sorted(standing.items()):
            alert.add_metric([feed, cause], value)
        yield alert

    def _read(self) -> Counts | None:
        with self._lock:
            if self._counts is None or monotonic() >= self._until:
                try:
                    self._configured = self._now_configured()
                    with self._store().read() as reader:
                        self._counts = reader.counts()
                        self._standing = reader.standing(self._policy())
                        self._paused = reader.paused_feeds()
                        self._alerts = {(row.feed, row.cause): row.move for row in reader.feed_alerts()}
                        now = self._now()
                        names = {*self._configured, *islice(reader.feeds_seen(), MOST_FEEDS)}
                        self._health = health(reader, names, now, now.date(), deep=False)
                except Unavailable:
                    self._counts = None
                self._until = monotonic() + FRESH_SECONDS
            return self._counts


class DoorMeter:
    """What the HTTP door did: requests by route template, messages by what became of them."""

    def __init__(
        self,
        store: Callable[[], Store],
        now: Callable[[], datetime],
        version: str,
        policy: Callable[[], str] = str,
        feeds: Callable[[], Mapping[str, bool]] = dict,
    ) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(StoreCounts(store, now, policy, feeds))
        self._requests = Counter(
            "baton_http_requests",
            "HTTP requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "baton_http_request_seconds",
            "Time from request to answer",
            ["method", "route"],
            buckets=LATENCY_SECONDS,
            registry=self.registry,
        )
        self._received = Counter(
            "baton_http_messages",
            "Messages received here, by disposition",
            ["disposition"],
            registry=self.registry,
        )
        for disposition in ("accepted", "duplicate", "parked", "stored"):
            self._received.labels(disposition)
        Gauge("baton_build_info", "Which Baton this is", ["version"], registry=self.registry).labels(
            version
        ).set(1)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is the template, never a path."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def received(self, disposition: str) -> None:
        """Count one message."""
        self._received.labels(disposition).inc()

    def exposition(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self.registry)


def outbox_age_seconds(oldest_at: datetime | None, now: datetime) -> float:
    """How long the oldest event of the outbox has waited; 0.0 when none waits."""
    return max(0.0, (now - oldest_at).total_seconds()) if oldest_at else 0.0
