"""From a database URL to an engine whose connections are set up to keep what was promised."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from schemas.errors import ConfigRefused

_POSTGRES_SETTINGS: Final = (
    "SET statement_timeout = '120s'; SET idle_in_transaction_session_timeout = '120s'; SET TimeZone = 'UTC'"
)
_POSTGRES_DEFAULTS: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "application_name": "baton",
}


def read_url(text: str) -> URL:
    """Read a database URL; the driver is ours to choose.

    Raises:
        ConfigRefused: not the URL of a database file or a PostgreSQL server. The text never quotes it.
    """
    try:
        url = make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        url = None
    where = "BATON_DATABASE_URL"
    if url is not None and url.get_backend_name() in ("postgresql", "postgres"):
        if importlib.util.find_spec("psycopg") is None:
            reason = "PostgreSQL needs its driver; install baton-handoff[postgres]"
            raise ConfigRefused("database-driver-missing", reason, where=where)
        return url.set(drivername="postgresql+psycopg")
    if url is not None and url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:" or url.query:
            reason = "SQLite needs a file that outlives the process: sqlite:///path/to/baton.db"
            raise ConfigRefused("database-url-not-durable", reason, where=where)
        return url.set(drivername="sqlite+pysqlite")
    reason = "not a database URL; use sqlite:///path/to/baton.db or postgresql://user@host/name"
    raise ConfigRefused("database-url-unknown", reason, where=where)


def place_of(url: URL) -> str:
    """Where a database is, for people: a path, or host, port and name. Never user or password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or url.query.get("host") or "local socket"
    port = url.port or url.query.get("port") or 5432
    return f"{host}:{port}/{url.database or ''}"


def open_engine(url: URL, connections: int, wait_seconds: float) -> sa.Engine:
    """Make an engine; nothing is connected yet.

    Raises:
        ConfigRefused: the folder of a database file does not exist.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, connections, wait_seconds)
    defaults = {k: v for k, v in _POSTGRES_DEFAULTS.items() if k not in url.query}
    engine = sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=connections,
        pool_timeout=wait_seconds,
        # BEGIN and COMMIT are ours: they travel together with the first and the last statement.
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args=defaults,
    )
    sa.event.listen(engine, "connect", lambda raw, _record: _set_up_postgres(raw, wait_seconds))
    return engine


def _sqlite_engine(url: URL, connections: int, wait_seconds: float) -> sa.Engine:
    path = Path(str(url.database))
    if not path.parent.is_dir():
        reason = f"the folder {path.parent} does not exist; create it"
        raise ConfigRefused("database-folder-missing", reason, where="BATON_DATABASE_URL")
    if not path.exists():
        # It will hold patient accounts: readable by its owner alone.
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    engine = sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=connections,
        pool_timeout=wait_seconds,
        hide_parameters=True,
        connect_args={"timeout": wait_seconds, "check_same_thread": False, "isolation_level": None},
    )
    sa.event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        # Else REPLACE would remove rows without asking the triggers.
        "recursive_triggers=ON",
        "cache_size=-65536",
        # Pages written again between checkpoints reach the file once: measured 1.5 times as fast as 1,000.
        "wal_autocheckpoint=8000",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _set_up_postgres(connection: Any, wait_seconds: float) -> None:
    from adapters.store.arrays import register

    register(connection)
    connection.execute(_POSTGRES_SETTINGS)
    connection.execute(f"SET lock_timeout = '{int(wait_seconds * 1000)}ms'")
    connection.prepare_threshold = 2
