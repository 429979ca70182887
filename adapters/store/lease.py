"""One relay, and one reader of what waits, at a time for each database, however many would like to be it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

import sqlalchemy as sa

_KEY: Final = 0x4241544F  # "BATO"


Place: TypeAlias = Literal["relay", "reading"]

_NUMBERS: Final[dict[Place, int]] = {"relay": 2, "reading": 3}


@contextmanager
def hold(connection: sa.Connection, place: Place) -> Iterator[bool]:
    """Hold a place as long as the block runs and `connection` lives; False when it is taken.

    PostgreSQL: a session's advisory lock, gone with its connection. SQLite: a lock on a file beside the
    database, gone with the process.
    """
    if connection.dialect.name == "sqlite":
        with _hold_file(f"{connection.engine.url.database}-{place}") as held:
            yield held
        return
    number = _NUMBERS[place]
    held = bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_KEY}, {number})").scalar())
    try:
        yield held
    finally:
        if held:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_KEY}, {number})")


@contextmanager
def _hold_file(path: str) -> Iterator[bool]:
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except BlockingIOError:
            held = False
        yield held
    finally:
        os.close(file)
