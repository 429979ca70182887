"""The raw limits: what the client libraries reach alone, with no Baton in between."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import psycopg

from service.bench import broker
from service.bench.rows import Row, WrongAnswer
from service.bench.workload import Workload

ACCOUNT_TEXT: Final = '"number": "'
TABLES: Final = (
    "CREATE TABLE inbox (sha256 text PRIMARY KEY, account text NOT NULL, body {bytes} NOT NULL)",
    "CREATE TABLE account (number text PRIMARY KEY, messages bigint NOT NULL)",
    "CREATE TABLE audit (sha256 text NOT NULL, account text NOT NULL, content {bytes} NOT NULL)",
    "CREATE TABLE outbox (id text PRIMARY KEY, account text NOT NULL, body {bytes} NOT NULL)",
)

ACCOUNT_TOO: Final = (
    "INSERT INTO account VALUES (%b, 1) ON CONFLICT (number) DO UPDATE SET messages = account.messages + 1"
)
ACCOUNTS: Final = (
    "INSERT INTO account SELECT number, count(*) FROM unnest(%b::text[]) AS came (number)"
    " GROUP BY number ORDER BY number"
    " ON CONFLICT (number) DO UPDATE SET messages = account.messages + excluded.messages"
)
KEPT: Final = "SELECT (SELECT count(*) FROM inbox), sum(messages) FROM account"
INBOX: Final = "INSERT INTO inbox "
AUDIT: Final = "INSERT INTO audit "
OUTBOX: Final = "INSERT INTO outbox "
ONE: Final = "VALUES (%b, %b, %b)"
MANY: Final = "SELECT * FROM unnest(%b::text[], %b::text[], %b::bytea[])"

Entry = tuple[str, str, bytes, bytes, bytes]
"""Digest, account, body, audit content and event of one message: one row for each of the four tables."""


def consume(url: str, workload: Workload, messages: int, rounds: int = 3) -> Row:
    """pika alone: a quorum queue, a prefetch of 500, one acknowledgement for many."""
    bodies = list(islice(workload.bodies(), messages))
    for _ in range(rounds):
        broker.fill(url, broker.RAW_QUEUE, bodies, exchange="")
    with broker.channel(url) as ch:
        rates = [len(bodies) / _drain(ch, len(bodies)) for _ in range(rounds)]
    return Row.of(
        "raw_consume",
        "pika consume, quorum queue, prefetch 500, multiple ack",
        "messages/s",
        rates,
        n=len(bodies),
        detail={"mean_body_bytes": sum(map(len, bodies)) // len(bodies)},
    )


def _drain(ch: Any, count: int) -> float:
    """Take `count` messages from the raw queue; the seconds it took."""
    taken = 0

    def receive(channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        nonlocal taken
        taken += 1
        if taken == count or taken % (broker.PREFETCH // 2) == 0:
            channel.basic_ack(method.delivery_tag, multiple=True)
        if taken == count:
            channel.stop_consuming()

    ch.basic_qos(prefetch_count=broker.PREFETCH)
    ch.basic_consume(broker.RAW_QUEUE, receive)
    begun = time.perf_counter()
    ch.start_consuming()
    return time.perf_counter() - begun


def entries(workload: Workload) -> Iterator[Entry]:
    """The rows of each message; an account is found by cutting, since nothing is decoded here."""
    return map(entry, workload.bodies())


def entry(body: bytes) -> Entry:
    """The rows of one message."""
    text = body.decode()
    at = text.index(ACCOUNT_TEXT) + len(ACCOUNT_TEXT)
    account = text[at : text.index('"', at)]
    digest = hashlib.sha256(body).hexdigest()
    said = json.dumps({"account": account, "messages": [digest], "decision": None}).encode()
    return digest, account, body, said, body[:300]


def sqlite_writes(folder: Path, workload: Workload, per_commit: int, rounds: int = 3) -> Row:
    """SQLite alone: WAL, synchronous FULL, four tables, many rows a commit."""
    rates = []
    rows = list(entries(workload))
    for n in range(rounds):
        with closing(open_sqlite(folder / f"raw-{per_commit}-{n}.db")) as db:
            rates.append(len(rows) / _in_commits(rows, per_commit, partial(write_sqlite, db)))
            _check(db.execute(KEPT).fetchone(), len(rows))
    return _written("sqlite", per_commit, rates, len(rows), "executemany")


def postgres_writes(
    dsn: str, workload: Workload, per_commit: int, rounds: int = 3, *, arrays: bool = True
) -> Row:
    """PostgreSQL alone: durable commits, four tables in one pipeline.

    With `arrays` one statement a table for all rows, else `executemany`, which is what most programs do.
    """
    rates = []
    rows = list(entries(workload))
    write = write_postgres if arrays else write_postgres_one_by_one
    with psycopg.connect(dsn, autocommit=True) as db:
        db.prepare_threshold = 2
        for _ in range(rounds):
            create_postgres(db)
            rates.append(len(rows) / _in_commits(rows, per_commit, partial(write, db)))
            found = db.execute(KEPT).fetchone()
            _check(found, len(rows))
    return _written("postgres", per_commit, rates, len(rows), "arrays" if arrays else "executemany")


def open_sqlite(path: Path) -> sqlite3.Connection:
    """A new database file with the four tables, as durable as Baton's own."""
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
        db.execute(f"PRAGMA {pragma}")
    for table in TABLES:
        db.execute(table.format(bytes="blob"))
    return db


def create_postgres(db: psycopg.Connection[Any]) -> None:
    """The four tables, empty."""
    db.execute("DROP TABLE IF EXISTS inbox, account, audit, outbox")
    for table in TABLES:
        db.execute(table.format(bytes="bytea").encode())


def write_sqlite(db: sqlite3.Connection, part: Sequence[Entry]) -> None:
    """One commit."""
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT INTO inbox VALUES (?, ?, ?)", [(d, a, b) for d, a, b, _, _ in part])
    db.executemany(
        "INSERT INTO account VALUES (?, 1) ON CONFLICT (number) DO UPDATE SET messages = messages + 1",
        [(a,) for _, a, _, _, _ in part],
    )
    db.executemany("INSERT INTO audit VALUES (?, ?, ?)", [(d, a, s) for d, a, _, s, _ in part])
    db.executemany("INSERT INTO outbox VALUES (?, ?, ?)", [(d, a, e) for d, a, _, _, e in part])
    db.execute("COMMIT")


def write_postgres(db: psycopg.Connection[Any], part: Sequence[Entry]) -> None:
    """One commit: arrays, binary, one round trip."""
    digests, accounts, bodies, said, events = (list(column) for column in zip(*part, strict=True))
    with db.pipeline():
        db.execute("BEGIN")
        db.execute(INBOX + MANY, (digests, accounts, bodies))
        db.execute(ACCOUNTS, (accounts,))
        db.execute(AUDIT + MANY, (digests, accounts, said))
        db.execute(OUTBOX + MANY, (digests, accounts, events))
        db.execute("COMMIT")


def write_postgres_one_by_one(db: psycopg.Connection[Any], part: Sequence[Entry]) -> None:
    """One commit: one execution a row, all in one pipeline."""
    with db.pipeline(), db.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.executemany(INBOX + ONE, [(d, a, b) for d, a, b, _, _ in part])
        cursor.executemany(ACCOUNT_TOO, [(a,) for _, a, _, _, _ in part])
        cursor.executemany(AUDIT + ONE, [(d, a, s) for d, a, _, s, _ in part])
        cursor.executemany(OUTBOX + ONE, [(d, a, e) for d, a, _, _, e in part])
        cursor.execute("COMMIT")


def _in_commits(rows: Sequence[Entry], per_commit: int, write: Callable[[Sequence[Entry]], None]) -> float:
    begun = time.perf_counter()
    for at in range(0, len(rows), per_commit):
        write(rows[at : at + per_commit])
    return time.perf_counter() - begun


def _check(found: tuple[Any, ...] | None, count: int) -> None:
    if found is None or tuple(map(int, found)) != (count, count):
        raise WrongAnswer("raw-rows-missing", "the raw writes did not leave one row a message")


def _written(store: str, per_commit: int, rates: Sequence[float], n: int, how: str) -> Row:
    key = f"raw_write_{store}_{per_commit}"
    return Row.of(
        key if store == "sqlite" or how == "arrays" else f"{key}_executemany",
        f"four-table writes, {per_commit} a commit, {how}",
        "messages/s",
        rates,
        n=n,
        store=store,
        detail={"per_commit": per_commit, "how": how},
    )
