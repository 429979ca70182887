"""What keeps the service running: events to publish, keys of callers, answers given once, counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event that waits for the relay, in order per account; `seq` is 0 until it is stored."""

    event_id: str
    routing_key: str
    account: str
    body: bytes
    created_at: datetime
    seq: int = 0


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """A key's public prefix, the digest of its secret and what it may do; never the secret."""

    prefix: str
    sha256: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyRow:
    """A request that came under a key of the sender's own, and its answer: None until it is answered.

    `sha256` is the digest of the request, so that another request under the same key is told apart.
    """

    key: str
    sha256: str
    created_at: datetime
    status: int | None = None
    response: bytes | None = None


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How many events wait for the relay, and since when the oldest does."""

    depth: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of what, for metrics and readiness."""

    messages: int
    facts: int
    accounts: int
    decisions: int
    cases: dict[str, int]
    parked_open: int
    unread: int
    outbox: OutboxState
