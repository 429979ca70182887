"""What the views share: the app, its doors opened once for all threads, the meter and the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from adapters.store import Store
from service.intake import Intake
from service.logs import Log
from service.metrics import DoorMeter
from service.refusing import Refusals
from service.timers import Backlog
from service.web.background import BackgroundReader
from service.web.idempotency import Repeats
from service.web.register import Register

if TYPE_CHECKING:
    from service.app import App


@dataclass(slots=True)
class Rooms:
    """One web process."""

    app: App
    log: Log
    version: str
    meter: DoorMeter = field(init=False)
    backlog: Backlog = field(init=False)
    reader: BackgroundReader = field(init=False)
    refusals: Refusals = field(init=False)
    register: Register = field(init=False)
    repeats: Repeats = field(init=False)
    _intake: Intake | None = field(default=None, init=False)
    _opening: Lock = field(default_factory=Lock, init=False)

    def __post_init__(self) -> None:
        self.app.feeds_in_force.follow()
        self.meter = DoorMeter(
            self.store, self.now, self.version, lambda: self.app.policy.sha256, self._shadowed
        )
        self.refusals = Refusals(self.store, self.app.moment)
        self.backlog = Backlog(self.store, self.intake, self.app.moment, self.log)
        self.reader = BackgroundReader(self.backlog, self.log)
        self.register = Register(self.store, self.now)
        self.repeats = Repeats(self.store, self.now)

    def store(self) -> Store:
        """The store; threads that ask at once open it once.

        Raises:
            Unavailable: it does not answer.
        """
        with self._opening:
            return self.app.store

    def intake(self) -> Intake:
        """The use case, wired once: wiring it keeps the policy in force.

        Raises:
            Unavailable: the store does not answer.
        """
        with self._opening:
            if self._intake is None:
                self._intake = self.app.intake()
            return self._intake

    def _shadowed(self) -> dict[str, bool]:
        return {feed.name: feed.shadow for feed in self.app.feeds.values()}

    def now(self) -> datetime:
        """The instant of the app's clock."""
        return self.app.moment().now
