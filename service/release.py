"""When a decision that allows a case acts: after the settling window, outside shadow mode, from sound feeds.

A decision is a pure function of facts, policy and day. Whether its case opens now also depends on when the
facts came in and on how their feeds stand; so that is asked here, of the account's head, and never enters the
decision.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

SETTLING: Final = "settling"
SHADOW: Final = "shadow"
PAUSED: Final = "paused"
POLICY: Final = "policy"


@dataclass(frozen=True, slots=True)
class Terms:
    """How long an account settles, which feeds and policy packs only shadow, and which feeds are paused."""

    settling: timedelta = timedelta()
    shadow_feeds: frozenset[str] = frozenset()
    shadow_packs: frozenset[str] = frozenset()
    paused_feeds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Waits:
    """Why a case does not open yet, as sorted causes; `until` is when it is looked at again, None for never.

    A cause is `settling`, `shadow policy PACK`, `shadow feed NAME` or `paused feed NAME`.
    """

    causes: tuple[str, ...] = ()
    until: datetime | None = None


NO_WAIT: Final = Waits()


def waits_for(
    terms: Terms, feeds: Collection[str], packs: Collection[str], heard_at: datetime | None, now: datetime
) -> Waits:
    """Why a case waits now: of an account that these feeds spoke of and these policy packs decided.

    `heard_at` is when its last fact was recorded. One shadowed or paused feed among many is enough.

    >>> at = datetime(2026, 3, 14, 18, tzinfo=UTC)
    >>> waits_for(Terms(timedelta(hours=4)), {"era"}, (), at, at + timedelta(hours=1)).causes
    ('settling',)
    >>> waits_for(Terms(timedelta(hours=4)), {"era"}, (), at, at + timedelta(hours=4)).causes
    ()
    >>> waits_for(Terms(paused_feeds=frozenset({"era"})), {"era", "billing"}, (), at, at).causes
    ('paused feed era',)
    """
    causes = [f"{PAUSED} feed {feed}" for feed in feeds if feed in terms.paused_feeds]
    causes += [f"{SHADOW} feed {feed}" for feed in feeds if feed in terms.shadow_feeds]
    causes += [f"{SHADOW} policy {pack}" for pack in packs if pack in terms.shadow_packs]
    until = heard_at + terms.settling if heard_at is not None else None
    if until is not None and now < until:
        return Waits(tuple(sorted([*causes, SETTLING])), until)
    return Waits(tuple(sorted(causes))) if causes else NO_WAIT


def lasting(causes: Collection[str]) -> tuple[str, ...]:
    """The causes that do not end by themselves."""
    return tuple(cause for cause in causes if cause != SETTLING)


def stands(cause: str, terms: Terms) -> bool:
    """Whether a cause still holds; settling ends by the clock alone.

    >>> stands("shadow feed era", Terms()), stands("settling", Terms())
    (False, True)
    """
    kind, _, rest = cause.partition(" ")
    what, _, name = rest.partition(" ")
    if kind == PAUSED:
        return name in terms.paused_feeds
    if kind == SHADOW:
        return name in (terms.shadow_packs if what == POLICY else terms.shadow_feeds)
    return True


def said(cause: str, until: datetime | None, *, raised: bool = False) -> str:
    """A cause in one plain sentence; `raised`: there is a case, and it would ask for more.

    >>> said("settling", datetime(2026, 3, 14, 22, tzinfo=UTC))
    'No case yet: it opens on 2026-03-14 at 22:00 UTC when nothing else arrives.'
    """
    kind, _, rest = cause.partition(" ")
    of, _, name = rest.partition(" ")
    what = "Not raised yet: the case asks for more" if raised else "No case yet: it opens"
    if kind == SETTLING:
        at = until.astimezone(UTC) if until else None
        when = f"on {at:%Y-%m-%d} at {at:%H:%M} UTC" if at else "after the settling window"
        return f"{what} {when} when nothing else arrives."
    if kind == PAUSED:
        return f"Opening cases from feed {name} is paused until a person has looked and resumes it."
    source = "Policy" if of == POLICY else "Feed"
    return f"{source} {name} is in shadow mode: it is decided and recorded, and opens no case."
