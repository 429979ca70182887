"""One transaction on one database: batches of rows in, rows out, in as few round trips as it takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, Protocol, TypeAlias

import sqlalchemy as sa

from adapters.store.schema import Instant, instant_text

Row: TypeAlias = tuple[Any, ...]
Mode: TypeAlias = Literal["write", "read"]


@dataclass(frozen=True, slots=True)
class Sql:
    """One statement in both databases' words; an empty `sqlite` is one that SQLite has no need of."""

    postgres: str
    sqlite: str


def _array_type(column: sa.Column[Any]) -> tuple[str, str]:
    """The array's element type on PostgreSQL and the name of its packing."""
    kind = column.type
    if isinstance(kind, Instant):
        return "timestamptz", "InstantColumn"
    if isinstance(kind, sa.Date):
        return "date", "DateColumn"
    if isinstance(kind, sa.Boolean):
        return "boolean", "BooleanColumn"
    if isinstance(kind, sa.LargeBinary):
        return "bytea", "BytesColumn"
    if isinstance(kind, sa.Integer):
        return "bigint", "BigintColumn"
    return "text", "TextColumn"


class Batch:
    """Many rows for one table in one statement.

    `unless` names the unique columns whose conflict means that a row is there already and is left alone;
    `returning` names what `insert_new` reports of the rows that were not.
    """

    def __init__(
        self, table: sa.Table, columns: str, *, unless: str = "", returning: str = "", then: str = ""
    ) -> None:
        names = columns.split()
        found = [_array_type(table.c[name]) for name in names]
        self.table: Final = table.name
        self.returning: Final = returning
        self.packings: Final = [packing for _, packing in found]
        self.instants: Final = [i for i, packing in enumerate(self.packings) if packing == "InstantColumn"]
        self.dates: Final = [i for i, packing in enumerate(self.packings) if packing == "DateColumn"]
        arrays = ", ".join(f"%b::{kind}[]" for kind, _ in found)
        conflict = f" ON CONFLICT ({unless}) DO {then or 'NOTHING'}" if unless else ""
        into = f"INSERT INTO {table.name} ({', '.join(names)})"
        report = f" RETURNING {returning}" if returning else ""
        self.postgres: Final = f"{into} SELECT * FROM unnest({arrays}){conflict}{report}"  # noqa: S608
        self.sqlite: Final = f"{into} VALUES ({', '.join('?' * len(names))}){conflict}"


class BatchUpdate(Batch):
    """Many rows of one table changed in one statement; the first column finds the row.

    `also` is a further assignment in SQL.
    """

    def __init__(self, table: sa.Table, columns: str, *, also: str = "") -> None:
        super().__init__(table, columns)
        names = columns.split()
        found = [_array_type(table.c[name]) for name in names]
        arrays = ", ".join(f"%b::{kind}[]" for kind, _ in found)
        more = f", {also}" if also else ""
        from_new = ", ".join(f"{name} = new.{name}" for name in names[1:])
        numbered = ", ".join(f"{name} = ?{i}" for i, name in enumerate(names[1:], start=2))
        self.postgres = (  # type: ignore[misc]
            f"UPDATE {table.name} SET {from_new}{more} FROM unnest({arrays}) AS new ({', '.join(names)})"  # noqa: S608
            f" WHERE {table.name}.{names[0]} = new.{names[0]}"
        )
        self.sqlite = f"UPDATE {table.name} SET {numbered}{more} WHERE {names[0]} = ?1"  # type: ignore[misc]  # noqa: S608


class Session(Protocol):
    """What the two databases have in common, to one transaction."""

    def fetch(self, sql: Sql, *parameters: Any) -> list[Row]:
        """Run one statement and read its rows."""

    def fetch_both(self, first: Sql, second: Sql, *parameters: Any) -> tuple[list[Row], list[Row]]:
        """Run two statements with the same parameters, one after the other, and read the rows of both."""

    def run(self, sql: Sql, *parameters: Any) -> None:
        """Run one statement, at the latest before the next one that reads."""

    def write(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Write many rows, at the latest before the next statement that reads."""

    def insert_new(self, batch: Batch, rows: Sequence[Row]) -> list[Row]:
        """Insert many rows; report those that were not there, in no order."""

    def select(self, statement: sa.Executable) -> Sequence[Any]:
        """Run a rare statement of SQLAlchemy Core."""

    def flush(self) -> None:
        """Run what waits."""

    def command(self, text: str) -> None:
        """Run one statement that both databases know, now."""

    def texts(self, values: Iterable[str]) -> Any:
        """A list of text as one parameter."""

    def pairs(self, values: Sequence[tuple[str, str]]) -> list[Any]:
        """A list of pairs of text as parameters."""

    def integers(self, values: Iterable[int]) -> Any:
        """A list of integers as one parameter."""

    def begin(self, mode: Mode) -> None:
        """Begin; a writer on SQLite waits here for its turn."""

    def commit(self) -> None:
        """Commit; when this returns, the transaction is on disk."""

    def rollback(self) -> None:
        """Leave no trace."""


class SqliteSession:
    """SQLite: statements at once, since there is no round trip to save."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._raw: Any = connection.connection.driver_connection

    def begin(self, mode: Mode) -> None:
        """Begin; IMMEDIATE takes the one writer's place now instead of failing half-way."""
        self._raw.execute("BEGIN IMMEDIATE" if mode == "write" else "BEGIN")

    def fetch(self, sql: Sql, *parameters: Any) -> list[Row]:
        """Run one statement and read its rows."""
        rows: list[Row] = self._raw.execute(sql.sqlite, [self._plain(p) for p in parameters]).fetchall()
        return rows

    def fetch_both(self, first: Sql, second: Sql, *parameters: Any) -> tuple[list[Row], list[Row]]:
        """Run two statements and read their rows; none of one that SQLite has no need of."""
        rows = self.fetch(first, *parameters) if first.sqlite else []
        return rows, self.fetch(second, *parameters)

    def run(self, sql: Sql, *parameters: Any) -> None:
        """Run one statement, where SQLite needs it at all."""
        if sql.sqlite:
            self._raw.execute(sql.sqlite, [self._plain(p) for p in parameters])

    def flush(self) -> None:
        """Nothing ever waits."""

    def command(self, text: str) -> None:
        """Run one statement."""
        self._raw.execute(text)

    def write(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Write many rows."""
        if rows:
            self._raw.executemany(batch.sqlite, self._plain_rows(batch, rows))

    def insert_new(self, batch: Batch, rows: Sequence[Row]) -> list[Row]:
        """Insert many rows; we are the one writer, so whatever has a higher number is new."""
        if not rows:
            return []
        last = self._raw.execute(f"SELECT coalesce(max(seq), 0) FROM {batch.table}").fetchone()[0]  # noqa: S608
        self.write(batch, rows)
        found: list[Row] = self._raw.execute(
            f"SELECT {batch.returning} FROM {batch.table} WHERE seq > ?",  # noqa: S608
            (last,),
        ).fetchall()
        return found

    def select(self, statement: sa.Executable) -> Sequence[Any]:
        """Run a rare statement of SQLAlchemy Core."""
        result = self._connection.execute(statement)
        return result.fetchall() if result.returns_rows else ()

    def texts(self, values: Iterable[str]) -> Any:
        """A JSON array for json_each."""
        return json.dumps(list(values))

    def pairs(self, values: Sequence[tuple[str, str]]) -> list[Any]:
        """A JSON array of arrays for json_each."""
        return [json.dumps(values)]

    def integers(self, values: Iterable[int]) -> Any:
        """A JSON array for json_each."""
        return json.dumps(list(values))

    def commit(self) -> None:
        """Commit."""
        self._raw.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back, where a failure has not done so already."""
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    @staticmethod
    def _plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return instant_text(value)
        return value.isoformat() if isinstance(value, date) else value

    @staticmethod
    def _plain_rows(batch: Batch, rows: Sequence[Row]) -> Iterable[Row]:
        if not batch.instants and not batch.dates:
            return rows
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for i in batch.instants:
            # A batch has few different instants: each is written once.
            known = {v: instant_text(v) for v in set(columns[i]) if v is not None}
            columns[i] = [known.get(v) for v in columns[i]]
        for i in batch.dates:
            columns[i] = [v and v.isoformat() for v in columns[i]]
        return zip(*columns, strict=True)


class PostgresSession:
    """PostgreSQL: statements that report nothing wait, and travel in one pipeline with the next that does."""

    def __init__(self, connection: sa.Connection) -> None:
        from adapters.store import arrays

        self._arrays = arrays
        self._connection = connection
        self._raw: Any = connection.connection.driver_connection
        self._waiting: list[tuple[str, Sequence[Any]]] = []

    def begin(self, mode: Mode) -> None:
        """Begin, together with the first statement."""
        # A reader sees one moment, however many questions it asks.
        kind = "BEGIN" if mode == "write" else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        self._waiting.append((kind, ()))

    def fetch(self, sql: Sql, *parameters: Any) -> list[Row]:
        """Run what waits, then this, in one round trip."""
        return self._fetch(sql.postgres, parameters)

    def fetch_both(self, first: Sql, second: Sql, *parameters: Any) -> tuple[list[Row], list[Row]]:
        """Run what waits, then these two, in one round trip."""
        one, other = self._raw.cursor(binary=True), self._raw.cursor(binary=True)
        with self._raw.pipeline():
            self._send_waiting()
            one.execute(first.postgres, parameters)
            other.execute(second.postgres, parameters)
        return one.fetchall(), other.fetchall()

    def _fetch(self, text: str, parameters: Sequence[Any]) -> list[Row]:
        cursor = self._raw.cursor(binary=True)
        if self._waiting:
            with self._raw.pipeline():
                self._send_waiting()
                cursor.execute(text, parameters)
        else:
            cursor.execute(text, parameters)
        rows: list[Row] = cursor.fetchall()
        return rows

    def _send_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for text, parameters in waiting:
            self._raw.execute(text, parameters)

    def flush(self) -> None:
        """Run what waits, in one round trip."""
        if self._waiting:
            with self._raw.pipeline():
                self._send_waiting()

    def command(self, text: str) -> None:
        """Run what waits, then this."""
        self._waiting.append((text, ()))
        self.flush()

    def run(self, sql: Sql, *parameters: Any) -> None:
        """Let one statement wait."""
        self._waiting.append((sql.postgres, parameters))

    def write(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Let many rows wait."""
        if rows:
            self._waiting.append((batch.postgres, self._columns(batch, rows)))

    def insert_new(self, batch: Batch, rows: Sequence[Row]) -> list[Row]:
        """Insert many rows; report those that were not there."""
        return self._fetch(batch.postgres, self._columns(batch, rows)) if rows else []

    def select(self, statement: sa.Executable) -> Sequence[Any]:
        """Run what waits, then a rare statement of SQLAlchemy Core."""
        self.flush()
        result = self._connection.execute(statement)
        return result.fetchall() if result.returns_rows else ()

    def texts(self, values: Iterable[str]) -> Any:
        """A text array."""
        return self._arrays.TextColumn(list(values))

    def pairs(self, values: Sequence[tuple[str, str]]) -> list[Any]:
        """Two text arrays."""
        return [self.texts(first for first, _ in values), self.texts(second for _, second in values)]

    def integers(self, values: Iterable[int]) -> Any:
        """A bigint array."""
        return self._arrays.BigintColumn(list(values))

    def commit(self) -> None:
        """Run what waits, then COMMIT, in one round trip."""
        with self._raw.pipeline():
            self._send_waiting()
            self._raw.execute("COMMIT")

    def rollback(self) -> None:
        """Forget what waits, roll back what does not."""
        self._waiting = []
        if self._raw.info.transaction_status:
            self._raw.execute("ROLLBACK")

    def _columns(self, batch: Batch, rows: Sequence[Row]) -> list[Any]:
        columns = zip(*rows, strict=True)
        return [getattr(self._arrays, p)(c) for p, c in zip(batch.packings, columns, strict=True)]
