"""One transaction that writes: the whole of what a use case may do to the store."""

from __future__ import annotations

from adapters.store.audit import AuditWrites
from adapters.store.desk import DeskWrites
from adapters.store.feeds import FeedWrites
from adapters.store.intake import IntakeWrites
from adapters.store.mappings import MappingWrites
from adapters.store.outcomes import OutcomeWrites
from adapters.store.policies import PolicyWrites
from adapters.store.reader import Chunks, Reader
from adapters.store.rows import AuditRow
from adapters.store.session import Session
from schemas.facts import AccountRef


class Unit(IntakeWrites, OutcomeWrites, DeskWrites, FeedWrites, AuditWrites, PolicyWrites, MappingWrites):
    """What may be written, by table; everything or nothing is kept. For one thread.

    On PostgreSQL, statements whose result nobody reads wait for the next one that is read, or for the commit;
    an error of theirs shows then.
    """

    def __init__(self, session: Session, chunks: Chunks) -> None:
        self._session = session
        self._chunks = chunks
        self._kept_here: set[int] = set()
        self._finished: set[int] = set()
        self._account_ids: dict[AccountRef, int] = {}
        self._audit: list[AuditRow] = []

    @property
    def reader(self) -> Reader:
        """Questions, seeing what this transaction has written so far."""
        return Reader(self._session, self._chunks)

    @property
    def session(self) -> Session:
        """The statements below; for the modules of this package."""
        return self._session

    def settle(self) -> None:
        """Note which messages this transaction keeps unread, and seal its audit entries; called once."""
        self._note_unread()
        self._seal_audit()
