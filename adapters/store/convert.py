"""From a row of either database to a record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from adapters.store.rows import AccountRow
from schemas.cases import Case
from schemas.facts import AccountRef


def instant(value: Any) -> datetime:
    """An instant as PostgreSQL gives it, or SQLite's text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def day(value: Any) -> date:
    """A day as PostgreSQL gives it, or SQLite's text."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def account_row(values: Any) -> AccountRow:
    """A head and its open case, as `intake` selects them."""
    ref = AccountRef(values[1], values[2])
    case = None
    if values[19] is not None:
        case = Case(values[19], ref, *values[20:])
    return AccountRow(
        values[0],
        ref,
        values[3],
        values[4],
        values[5] and day(values[5]),
        values[6] and instant(values[6]),
        values[7],
        values[8],
        values[9],
        values[10],
        values[11],
        values[12],
        values[13],
        values[14],
        values[15] and instant(values[15]),
        texts_read(values[16]),
        texts_read(values[17]),
        values[18],
        case,
    )


def texts_written(texts: Iterable[str]) -> str:
    """A set of texts as one, sorted, so that equal sets are equal texts."""
    return json.dumps(sorted(set(texts)))


def texts_read(text: str | None) -> tuple[str, ...]:
    """A set of texts, sorted."""
    return tuple(sorted(json.loads(text))) if text else ()
