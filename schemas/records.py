"""Frozen records to plain data and back, by a plan made once for each record class.

A field that holds its default is left out, so a record that gains an optional field later keeps the bytes,
and with them the digest, of everything stated before.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, TypeVar

R = TypeVar("R")
Read: typing.TypeAlias = Callable[[Any], Any]

_WRITING: Final[dict[type, tuple[tuple[str, Any], ...]]] = {}
_READING: Final[dict[type, dict[str, Read | None]]] = {}


def _writing_plan(record: type) -> tuple[tuple[str, Any], ...]:
    """Name and default of each field."""
    plan = _WRITING.get(record)
    if plan is None:
        plan = tuple((f.name, f.default) for f in dataclasses.fields(record))
        _WRITING[record] = plan
    return plan


def to_plain(record: Any) -> dict[str, Any]:
    """Write a frozen record as a plain dict; dates stay dates, tuples become lists, defaults are left out."""
    out: dict[str, Any] = {}
    for name, default in _writing_plan(record.__class__):
        value = getattr(record, name)
        if value is default:
            continue
        kind = value.__class__
        if kind is tuple:
            if value:
                out[name] = [to_plain(v) if hasattr(v, "__dataclass_fields__") else v for v in value]
        elif hasattr(kind, "__dataclass_fields__"):
            out[name] = to_plain(value)
        elif value != default:
            out[name] = value
    return out


def _reading_plan(record: type) -> dict[str, Read | None]:
    plan = _READING.get(record)
    if plan is None:
        hints = typing.get_type_hints(record)
        plan = {f.name: _reader(hints[f.name]) for f in dataclasses.fields(record)}
        _READING[record] = plan
    return plan


def _reader(hint: Any) -> Read | None:
    """How to read one field; None when the plain value already is the value."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        inner = [h for h in typing.get_args(hint) if h is not type(None)]
        return _reader(inner[0]) if len(inner) == 1 else None
    if hint is datetime:
        return datetime.fromisoformat
    if hint is date:
        return date.fromisoformat
    if dataclasses.is_dataclass(hint):
        return lambda value: from_plain(typing.cast(type, hint), value)
    if typing.get_origin(hint) is tuple:
        item = _reader(typing.get_args(hint)[0])
        if item is None:
            return tuple
        return lambda value: tuple([item(v) for v in value])
    return None


def from_plain(record: type[R], plain: dict[str, Any]) -> R:
    """Read what `to_plain` wrote, after JSON.

    Raises:
        TypeError: a required field is missing.
        KeyError: a field that the record does not have.
    """
    plan = _reading_plan(record)
    values = {}
    for name, value in plain.items():
        read = plan[name]
        values[name] = value if read is None or value is None else read(value)
    return record(**values)
