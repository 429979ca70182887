"""What a database's error means for the one who asked: wait, or a defect. Never a value of a row."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import sqlalchemy as sa

from schemas.errors import BatonError, Unavailable


class StatementFailed(BatonError):
    """A defect of ours: the database refused a statement. Its own text stays out, since it quotes rows."""


class Overtaken(Unavailable):
    """Accounts were merged by another transaction while this one waited for them; beginning anew will do."""

    def __init__(self) -> None:
        super().__init__("database-busy", "accounts were merged in the same moment; try again")


_LOST: Final = (
    "database-lost",
    "the connection to the database broke; it is opened again on the next attempt",
)
_BUSY: Final = ("database-busy", "another transaction held the same rows for too long; try again")
_FULL: Final = ("disk-full", "the database has no room left on its disk; free space")
_DISK: Final = ("disk-error", "the database could not read or write its disk; check the disk and its rights")
_DAMAGED: Final = ("database-damaged", "the database reports damaged pages; stop, and restore from a backup")
_LIMIT: Final = (
    "database-exhausted",
    "the database is out of memory or connections; lower the load or raise its limits",
)
_READ_ONLY: Final = ("database-read-only", "the database takes no writes now (a standby or a read-only file)")
OF_THE_DISK: Final = (_FULL[0], _DISK[0], _READ_ONLY[0])
"""The codes that speak of a disk's room or rights."""

_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_PROTOCOL: _BUSY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_CANTOPEN: _DISK,
    sqlite3.SQLITE_PERM: _DISK,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_NOMEM: _LIMIT,
}

_SQLSTATE: Final = {
    "08": _LOST,
    "57P0": _LOST,
    "25P03": _LOST,
    "40001": _BUSY,
    "40P01": _BUSY,
    "55P03": _BUSY,
    "57014": _BUSY,
    "53100": _FULL,
    "53": _LIMIT,
    "58": _DISK,
    "25006": _READ_ONLY,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}


def _sqlite_meaning(error: sqlite3.Error) -> tuple[str, str] | None:
    # The low byte is the primary result code; the rest of the number says which variety.
    return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)


def _postgres_meaning(error: Any) -> tuple[str, str] | None:
    state = error.sqlstate
    if state is None:
        import psycopg

        return _LOST if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) else None
    for length in (5, 4, 2):
        if meaning := _SQLSTATE.get(state[:length]):
            return meaning
    return None


def is_driver_error(error: BaseException) -> bool:
    """Whether a database driver, or SQLAlchemy for it, raised this."""
    if isinstance(error, (sqlite3.Error, sa.exc.SQLAlchemyError)):
        return True
    return type(error).__module__.partition(".")[0] == "psycopg"


def translate(error: BaseException, *, committing: bool = False) -> BatonError:
    """Say who must act on a driver's error.

    `committing` is True when COMMIT was on its way: a connection lost then leaves it unknown whether the
    transaction took place (`commit-unknown`); the same work, offered again, finds out by its keys.
    """
    driver: Any = error
    if isinstance(error, sa.exc.DBAPIError) and error.orig is not None:
        driver = error.orig
    meaning: tuple[str, str] | None = None
    if isinstance(driver, sqlite3.Error):
        meaning = _sqlite_meaning(driver)
    elif type(driver).__module__.partition(".")[0] == "psycopg":
        meaning = _postgres_meaning(driver)
    elif isinstance(error, (sa.exc.TimeoutError, sa.exc.InvalidRequestError)):
        meaning = _LIMIT if isinstance(error, sa.exc.TimeoutError) else None
    if meaning is None:
        return StatementFailed(*_defect(driver))
    if committing and meaning is _LOST:
        return Unavailable("commit-unknown", "the connection broke during COMMIT; offer the same work again")
    return Unavailable(*meaning)


def _defect(driver: Any) -> tuple[str, str]:
    """A stable code and a text made of names only: the constraint or the error's own name."""
    if isinstance(driver, sqlite3.Error):
        name = getattr(driver, "sqlite_errorname", type(driver).__name__)
        named = str(driver) if isinstance(driver, sqlite3.IntegrityError) else name
    else:
        diagnosis = getattr(driver, "diag", None)
        name = getattr(driver, "sqlstate", None) or type(driver).__name__
        named = getattr(diagnosis, "constraint_name", None) or type(driver).__name__
    return (
        "statement-failed",
        f"the database refused a statement ({name}: {named}); this is a defect of Baton",
    )
