"""The store: open it, bring its tables up to date, and do one transaction at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from adapters.store import revisions
from adapters.store.engine import open_engine, place_of, read_url
from adapters.store.faults import OF_THE_DISK, is_driver_error, translate
from adapters.store.lease import hold
from adapters.store.queue import EmbeddedQueue
from adapters.store.reader import Reader
from adapters.store.session import Mode, PostgresSession, Session, SqliteSession
from adapters.store.unit import Unit
from schemas.errors import Unavailable


class Store:
    """Everything Baton keeps, in PostgreSQL or in one SQLite file. Threads may share it.

    Raises (from `write` and `read`):
        Unavailable: the database did not answer, was locked too long, or has no room; nothing was kept,
            except that after `commit-unknown` only asking again can tell.
        StatementFailed: a defect of ours; nothing was kept.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str, *, connections: int = 8, wait_seconds: float = 10) -> Store:
        """Open the database at `url`: `sqlite:///path` or `postgresql://...`, and see that it answers.

        `connections` are kept open, and as many more made at need; `wait_seconds` is how long to wait for a
        connection, or for another transaction's locks.

        Raises:
            ConfigRefused: the URL or its folder is wrong.
            Unavailable: `database-unreachable`, or what is wrong with the disk of a file that is there. No
                text quotes user or password.
        """
        read = read_url(url)
        engine = open_engine(read, connections, wait_seconds)
        store = cls(engine)
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except Exception as error:
            engine.dispose()
            if not is_driver_error(error):
                raise
            why = translate(error)
            if why.code in OF_THE_DISK and cls._is_there(read):
                # SQLite writes beside its file also to read: a full or read-only disk keeps it from opening.
                raise Unavailable(why.code, why.reason, where=place_of(read)) from None
            reason = f"no database answers at {place_of(read)}; start it, or correct BATON_DATABASE_URL"
            raise Unavailable("database-unreachable", reason, where="BATON_DATABASE_URL") from None
        return store

    @staticmethod
    def _is_there(url: sa.URL) -> bool:
        return url.get_backend_name() == "sqlite" and Path(url.database or "").is_file()

    @property
    def backend(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @property
    def place(self) -> str:
        """Where the database is, for people; no user, no password."""
        return place_of(self._engine.url)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def write(self) -> Iterator[Unit]:
        """One transaction that writes: commits at the end, leaves nothing behind after an exception."""
        with self._session("write") as session:
            unit = Unit(session, self.message_chunks)
            yield unit
            unit.settle()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """One transaction that only reads, and sees one moment."""
        with self._session("read") as session:
            yield Reader(session, self.message_chunks)

    def message_chunks(self, seq: int) -> Iterator[bytes]:
        """A stored message's bytes, at most 1 MiB at a time; no transaction stays open between two chunks."""
        for n in count():
            with self.read() as reader:
                chunk = reader.message_chunk(seq, n)
            if chunk is None:
                return
            yield chunk

    def queue(self) -> EmbeddedQueue:
        """The queue of the embedded transport, in this store's tables."""
        return EmbeddedQueue(self)

    @contextmanager
    def relay_lease(self) -> Iterator[bool]:
        """Be the one relay of this database while the block runs; False when another is."""
        with self._connection() as connection, hold(connection, "relay") as held:
            yield held

    @contextmanager
    def reading_lease(self) -> Iterator[bool]:
        """Be the one who reads what was stored unread, while the block runs; False when another is."""
        with self._connection() as connection, hold(connection, "reading") as held:
            yield held

    def upgrade(self) -> str:
        """Bring the tables up to date; returns the revision. Several processes may ask at once."""
        from adapters.store import migrate  # Alembic is slow to load, and seldom needed

        with self._connection() as connection:
            return migrate.upgrade(connection)

    def revision(self) -> str | None:
        """The revision the tables have; None for an empty database."""
        with self._connection() as connection:
            return revisions.revision(connection)

    def expected_revision(self) -> str:
        """The revision this program needs."""
        return revisions.head()

    def differences(self) -> list[str]:
        """How the tables differ from what this program expects; empty when they do not."""
        from adapters.store import migrate

        with self._connection() as connection:
            return migrate.differences(connection)

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except Exception as error:
            if not is_driver_error(error):
                raise
            raise translate(error) from None

    @contextmanager
    def _session(self, mode: Mode) -> Iterator[Session]:
        connection: sa.Connection | None = None
        committing = False
        try:
            connection = self._engine.connect()
            session: Session = (
                SqliteSession(connection) if self.backend == "sqlite" else PostgresSession(connection)
            )
            session.begin(mode)
            yield session
            committing = True
            session.commit()
        except BaseException as error:
            if connection is not None:
                _abandon(connection, session)
            if not is_driver_error(error):
                raise
            translated = translate(error, committing=committing)
            if translated.code in ("database-lost", "commit-unknown"):
                # The others in the pool are most likely broken too: nobody should find out one by one.
                self._engine.dispose()
            raise translated from None
        finally:
            if connection is not None:
                connection.close()


def _abandon(connection: sa.Connection, session: Session) -> None:
    """Roll back; a connection that cannot even do that is thrown away, and with it its transaction."""
    try:
        session.rollback()
    except Exception as error:
        connection.invalidate()
        if not is_driver_error(error):
            raise
