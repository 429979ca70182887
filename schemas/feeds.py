"""Feeds: what is known about each sender before it says anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feed:
    """What is known about one sender.

    `facility` completes account numbers that come without one. A `shadow` feed is read and decided, and opens
    no case; one that is not `watched` is never paused for being unlike itself. `door` and `format` say how it
    comes, where that is known; None for any.
    """

    name: str
    facility: str
    shadow: bool = False
    door: str | None = None
    format: str | None = None
    watched: bool = True
