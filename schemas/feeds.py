"""Feeds: what is known about each sender before it says anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Alerts:
    """From when on people are told that something about a feed is not as it should be; 0 is never.

    `parked_percent`: more of its messages than that wait for a person, of the last hour's or day's if those
    were 20 or more. `lag_seconds`: a message of the last hour waited longer than that from its receipt until
    it was decided. `rate_times`: yesterday brought so many times more than the most, or less than the least,
    of the same weekdays before. `silent_hours`: nothing came for so long; a feed is also measured against the
    pauses of its own history.
    """

    parked_percent: int = 20
    lag_seconds: int = 900
    rate_times: int = 3
    silent_hours: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """What is known about one sender.

    `facility` completes account numbers that come without one. A `shadow` feed is read and decided, and opens
    no case; one that is not `watched` is never paused for being unlike itself. `door` and `format` say how it
    comes, where that is known; None for any. `path` is the folder that is watched where `door` is folder, and
    `marker` the end of the name of an empty file beside each one that is whole; None waits until it rests.

    `payers` leads from each name that this sender has for a payer to the one id that all feeds share, and
    `facilities` from its names of facilities to ours. `max_bytes` is the largest message, None for the limit
    of the installation. `account`, `hl7v2` and `fhir` are the tables of those names, checked, as written.
    `alerts` says when people are told.
    """

    name: str
    facility: str
    shadow: bool = False
    door: str | None = None
    format: str | None = None
    watched: bool = True
    path: str | None = None
    marker: str | None = None
    max_bytes: int | None = None
    payers: Mapping[str, str] = field(default_factory=dict)
    facilities: Mapping[str, str] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)
    hl7v2: Mapping[str, Any] = field(default_factory=dict)
    fhir: Mapping[str, Any] = field(default_factory=dict)
    alerts: Alerts = Alerts()
