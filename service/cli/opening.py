"""The configured application for one command: open, ready, and closed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import count
from threading import Event

import click

from schemas.errors import ConfigRefused, Unavailable
from service.app import App
from service.config import load
from service.logs import Log

EMBEDDED = "sqlite:///"
WAIT_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


@contextmanager
def opened(*, begin: bool = False, until: Event | None = None, log: Log | None = None) -> Iterator[App]:
    """An application whose database has the revision this program needs.

    With `begin`, an embedded database that does not exist yet is made. With `until`, a database that does
    not answer is waited for until that event is set: a part that is started before it, or while it restarts,
    need not be started again.

    Raises:
        ConfigRefused: there is no database, or it has another revision.
        Unavailable: it does not answer (any more, when `until` is set).
    """
    app = App(load())
    try:
        _wait_for_database(app, until, log)
        revision, expected = app.store.revision(), app.store.expected_revision()
        if revision is None and begin and app.config.database_url.startswith(EMBEDDED):
            app.store.upgrade()
        elif revision != expected:
            raise ConfigRefused("old-database", _remedy(revision, expected), where="BATON_DATABASE_URL")
        yield app
    finally:
        app.close()


def _wait_for_database(app: App, until: Event | None, log: Log | None) -> None:
    for attempt in count(1):
        try:
            app.store.revision()
        except Unavailable as error:
            wait = WAIT_SECONDS[min(attempt, len(WAIT_SECONDS)) - 1]
            if log is not None:
                log.warning("waiting for the database", code=error.code, attempt=attempt, wait_seconds=wait)
            if until is None or until.wait(wait):
                raise
        else:
            return


def _remedy(revision: str | None, expected: str) -> str:
    if revision is None:
        return "there is nothing in this database yet; run `baton run` or `baton db upgrade`"
    return f"the database has revision {revision} and needs {expected}; run `baton db upgrade`"


class Day(click.ParamType[date, object]):
    """A day as YYYY-MM-DD."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read a day."""
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(str(value), "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            self.fail("not a day; write it as 2026-03-14", param, ctx)


class Instant(click.ParamType[datetime, object]):
    """An instant with its offset, as RFC 3339."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read an instant."""
        if isinstance(value, datetime):
            return value
        try:
            read = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail("not an instant; write it as 2026-03-14T08:30:00Z", param, ctx)
        if read.tzinfo is None:
            self.fail("an instant needs its offset; write it as 2026-03-14T08:30:00Z", param, ctx)
        return read


DAY = Day()
INSTANT = Instant()
