"""API keys: made once, shown once, kept as digests, compared in constant time."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final

from adapters.store import ApiKeyRow, Store, Unit
from schemas.canonical import digest

if TYPE_CHECKING:
    from service.app import App

SCOPES: Final = (
    "messages:write",
    "messages:reveal",
    "accounts:read",
    "cases:read",
    "parked:read",
    "parked:write",
    "overrides:write",
    "feeds:read",
    "feeds:write",
    "audit:read",
    "metrics:read",
)
"""What a key may be allowed; a key holds some of them."""

CACHE_SECONDS: Final = 30.0
"""How long a verified key is believed; a revoked one stops within this time in every process."""

CACHE_ENTRIES: Final = 1024
SECRET_BYTES: Final = 32

_FORM: Final = re.compile(r"bk_[0-9a-f]{12}\.[A-Za-z0-9_-]{43}\Z")
_NOBODY: Final = digest(b"")


def create_key(
    store: Store, scopes: Iterable[str], now: datetime, *, lifetime: timedelta | None = None
) -> str:
    """Make a key `<prefix>.<secret>` and keep the digest of its 256-bit secret; the text is shown this once.

    `lifetime` None means until it is revoked.

    Raises:
        ValueError: a scope that does not exist.
        Unavailable: the store does not answer; there is no key.
    """
    granted = tuple(sorted(set(scopes)))
    if unknown := set(granted) - set(SCOPES):
        raise ValueError(f"no such scope: {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}")
    with store.write() as unit:
        return _kept(unit, granted, now, None if lifetime is None else now + lifetime)


def ensure_key(app: App) -> str | None:
    """The first key of a new store, with every scope, to be printed once; None when there is a key already.

    Raises:
        Unavailable: the store does not answer.
    """
    with app.store.write() as unit:
        return None if unit.reader.api_keys() else _kept(unit, SCOPES, app.moment().now, None)


def _kept(unit: Unit, scopes: tuple[str, ...], now: datetime, expires_at: datetime | None) -> str:
    prefix = f"bk_{secrets.token_hex(6)}"
    secret = secrets.token_urlsafe(SECRET_BYTES)
    unit.add_api_key(ApiKeyRow(prefix, digest(secret.encode()), scopes, now, expires_at))
    return f"{prefix}.{secret}"


class Keyring:
    """Knows which presented keys are good, and remembers good ones for at most `CACHE_SECONDS`."""

    def __init__(
        self,
        store: Callable[[], Store],
        now: Callable[[], datetime],
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._now = now
        self._seconds = seconds
        self._good: dict[str, tuple[ApiKeyRow, float]] = {}

    def well_formed(self, presented: str) -> bool:
        """Whether a text can be a key at all."""
        return _FORM.match(presented) is not None

    def remembers(self, presented: str) -> bool:
        """Whether a key was good a moment ago; the store is not asked."""
        row = self._remembered(digest(presented.encode()))
        return row is not None and self._in_force(row)

    def verify(self, presented: str) -> ApiKeyRow | None:
        """The key that was presented, or None when it is malformed, unknown, wrong, expired or revoked.

        Raises:
            Unavailable: the store does not answer, so that nobody can tell.
        """
        if not self.well_formed(presented):
            return None
        seal = digest(presented.encode())
        row = self._remembered(seal) or self._looked_up(presented, seal)
        return row if row is not None and self._in_force(row) else None

    def _in_force(self, row: ApiKeyRow) -> bool:
        return row.expires_at is None or row.expires_at > self._now()

    def _remembered(self, seal: str) -> ApiKeyRow | None:
        row, since = self._good.get(seal, (None, 0.0))
        return row if row is not None and self._seconds() - since < CACHE_SECONDS else None

    def _looked_up(self, presented: str, seal: str) -> ApiKeyRow | None:
        prefix, _, secret = presented.partition(".")
        with self._store().read() as reader:
            row = reader.api_key(prefix)
        # Compared for an unknown prefix too, so that the answer's time does not tell which prefixes exist.
        same = hmac.compare_digest(digest(secret.encode()), row.sha256 if row else _NOBODY)
        if row is None or not same or row.revoked_at is not None:
            self._good.pop(seal, None)
            return None
        if len(self._good) >= CACHE_ENTRIES:
            self._good.clear()
        self._good[seal] = (row, self._seconds())
        return row
