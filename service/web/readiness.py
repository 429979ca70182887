"""Whether this Baton can do its work now: store, tables, broker, relay, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final

from schemas.errors import BatonError, ConfigRefused, Unavailable
from service.metrics import outbox_age_seconds
from service.web.rooms import Rooms

FRESH_SECONDS: Final = 2.0
"""How long one look serves every probe; asking more often costs nothing more."""

WAIT_SECONDS: Final = 2.0
RELAY_STUCK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so; `code` is empty when it is."""

    name: str
    code: str = ""
    reason: str = ""


class Readiness:
    """Looks at most every `FRESH_SECONDS`, one probe at a time, so that probes cannot use up the threads."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._lock = Lock()
        self._found: list[Check] = []
        self._until = 0.0

    def checks(self) -> list[Check]:
        """Every check with its outcome."""
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            return [
                Check("probe", "still-looking", "the store or the broker takes long to answer; see the log")
            ]
        try:
            if monotonic() >= self._until:
                self._found = [self._store(), self._tables(), self._broker(), self._relay()]
                self._until = monotonic() + FRESH_SECONDS
            return self._found
        finally:
            self._lock.release()

    def _store(self) -> Check:
        try:
            with self._rooms.store().read() as reader:
                reader.outbox_state()
        except BatonError as error:
            return _red("store", error)
        return Check("store")

    def _tables(self) -> Check:
        try:
            store = self._rooms.store()
            revision, expected = store.revision(), store.expected_revision()
        except BatonError as error:
            return _red("tables", error)
        if revision != expected:
            reason = "the tables are not at the revision this program needs; run `baton db upgrade`"
            return Check("tables", "wrong-revision", reason)
        return Check("tables")

    def _broker(self) -> Check:
        try:
            self._rooms.app.broker_state()
        except (Unavailable, ConfigRefused) as error:
            return _red("broker", error)
        return Check("broker")

    def _relay(self) -> Check:
        try:
            with self._rooms.store().read() as reader:
                oldest_at = reader.outbox_state().oldest_at
        except BatonError as error:
            return _red("relay", error)
        if outbox_age_seconds(oldest_at, self._rooms.now()) > RELAY_STUCK_SECONDS:
            reason = f"an event has waited over {RELAY_STUCK_SECONDS:.0f} seconds; see that the relay runs"
            return Check("relay", "relay-stuck", reason)
        return Check("relay")


def _red(name: str, error: BatonError) -> Check:
    """A failed check. Addresses of servers stay in the log: anybody may ask for readiness."""
    return Check(
        name, error.code, f"the {name} does not answer as it should; `baton doctor` says where and why"
    )
