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
    """What the operator set: how long an account settles, which feeds only shadow, or whether all do."""

    settling: timedelta = timedelta()
    shadow_feeds: frozenset[str] = frozenset()
    shadow_policy: bool = False


@dataclass(frozen=True, slots=True)
class Waits:
    """Why a case does not open yet, as sorted causes; `until` is when it is looked at again, None for never.

    A cause is `settling`, `shadow policy`, `shadow feed NAME` or `paused feed NAME`.
    """

    causes: tuple[str, ...] = ()
    until: datetime | None = None


NO_WAIT: Final = Waits()


def waits_for(
    terms: Terms, paused: Collection[str], feeds: Collection[str], heard_at: datetime | None, now: datetime
) -> Waits:
    """Why the case of an account with these feeds, whose last fact was recorded at `heard_at`, waits now.

    >>> at = datetime(2026, 3, 14, 18, tzinfo=UTC)
    >>> waits_for(Terms(timedelta(hours=4)), (), {"era"}, at, at + timedelta(hours=1)).causes
    ('settling',)
    >>> waits_for(Terms(timedelta(hours=4)), (), {"era"}, at, at + timedelta(hours=4)).causes
    ()
    >>> waits_for(Terms(), {"era"}, {"era", "billing"}, at, at).causes
    ('paused feed era',)
    """
    causes = [f"{PAUSED} feed {feed}" for feed in feeds if feed in paused]
    causes += [f"{SHADOW} feed {feed}" for feed in feeds if feed in terms.shadow_feeds]
    if terms.shadow_policy:
        causes.append(f"{SHADOW} {POLICY}")
    until = heard_at + terms.settling if heard_at is not None else None
    if until is not None and now < until:
        return Waits(tuple(sorted([*causes, SETTLING])), until)
    return Waits(tuple(sorted(causes))) if causes else NO_WAIT


def lasting(causes: Collection[str]) -> tuple[str, ...]:
    """The causes that do not end by themselves."""
    return tuple(cause for cause in causes if cause != SETTLING)


def stands(cause: str, terms: Terms, paused: Collection[str]) -> bool:
    """Whether a cause still holds; settling ends by the clock alone.

    >>> stands("shadow feed era", Terms(), ()), stands("paused feed era", Terms(), {"era"})
    (False, True)
    """
    kind, _, rest = cause.partition(" ")
    feed = rest.removeprefix("feed ")
    if kind == PAUSED:
        return feed in paused
    if kind == SHADOW:
        return terms.shadow_policy if rest == POLICY else feed in terms.shadow_feeds
    return True


def said(cause: str, until: datetime | None, *, raised: bool = False) -> str:
    """A cause in one plain sentence; `raised`: there is a case, and it would ask for more.

    >>> said("settling", datetime(2026, 3, 14, 22, tzinfo=UTC))
    'No case yet: it opens on 2026-03-14 at 22:00 UTC when nothing else arrives.'
    """
    kind, _, rest = cause.partition(" ")
    feed = rest.removeprefix("feed ")
    what = "Not raised yet: the case asks for more" if raised else "No case yet: it opens"
    if kind == SETTLING:
        at = until.astimezone(UTC) if until else None
        when = f"on {at:%Y-%m-%d} at {at:%H:%M} UTC" if at else "after the settling window"
        return f"{what} {when} when nothing else arrives."
    if kind == PAUSED:
        return f"Opening cases from feed {feed} is paused until a person has looked and resumes it."
    if rest == POLICY:
        return "The policy is in shadow mode: it is decided and recorded, and opens no case."
    return f"Feed {feed} is in shadow mode: it is decided and recorded, and opens no case."
