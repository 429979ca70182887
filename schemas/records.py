"""Frozen records to plain data and back, by code written once for each record class.

A field that holds its default is left out, so a record that gains an optional field later keeps the bytes,
and with them the digest, of everything stated before. Every fact passes here on its way in and out; so, as
`dataclasses` does for `__init__`, the loop over fields is unrolled into a function once. What is compiled is
made of field names of our own classes alone, never of anything from outside.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, TypeVar

R = TypeVar("R")
Convert: typing.TypeAlias = Callable[[Any], Any]

_PLAIN: Final = frozenset({str, int, bool, date, datetime, type(None)})


def to_plain(record: Any) -> dict[str, Any]:
    """Write a frozen record as a plain dict; dates stay dates, tuples become lists, defaults are left out."""
    plain: dict[str, Any] = _WRITERS[record.__class__](record)
    return plain


def from_plain(record: type[R], plain: dict[str, Any]) -> R:
    """Read what `to_plain` wrote, after JSON.

    Raises:
        TypeError: a required field is missing, or the record has no such field.
    """
    read: R = _READERS[record](plain)
    return read


class _Writers(dict[type, Convert]):
    """The function that writes each record class; other values stay as they are."""

    def __missing__(self, kind: type) -> Convert:
        self[kind] = _writer(kind, self) if dataclasses.is_dataclass(kind) else _same
        return self[kind]


class _Readers(dict[type, Convert]):
    """The function that reads each record class."""

    def __missing__(self, kind: type) -> Convert:
        self[kind] = _reader(kind, self)
        return self[kind]


def _same(value: Any) -> Any:
    return value


def _writer(record: Any, writers: _Writers) -> Convert:
    names: dict[str, Any] = {"PLAIN": _PLAIN, "WRITERS": writers}
    lines = ["def convert(record):", " out = {}"]
    for n, field in enumerate(dataclasses.fields(record)):
        names[f"default_{n}"] = field.default
        lines += [
            f" value = record.{field.name}",
            f" if value is not default_{n}:",
            "  kind = value.__class__",
            "  if kind in PLAIN:",
            f"   if value != default_{n}: out[{field.name!r}] = value",
            "  elif kind is tuple:",
            f"   if value: out[{field.name!r}] ="
            " [v if v.__class__ in PLAIN else WRITERS[v.__class__](v) for v in value]",
            f"  else: out[{field.name!r}] = WRITERS[kind](value)",
        ]
    return _compiled([*lines, " return out"], names)


def _reader(record: Any, readers: _Readers) -> Convert:
    hints = typing.get_type_hints(record)
    converts = {f.name: _converter(hints[f.name], readers) for f in dataclasses.fields(record)}
    needed = {name: convert for name, convert in converts.items() if convert is not None}

    def read(plain: dict[str, Any]) -> Any:
        return record(**{n: needed[n](v) if n in needed else v for n, v in plain.items()})

    return read


def _compiled(lines: list[str], names: dict[str, Any]) -> Convert:
    exec("\n".join(lines), names)  # noqa: S102
    convert: Convert = names["convert"]
    return convert


def _converter(hint: Any, readers: _Readers) -> Convert | None:
    """How to read one field; None when the plain value already is the value."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        inner = [h for h in typing.get_args(hint) if h is not type(None)]
        return _converter(inner[0], readers) if len(inner) == 1 else None
    if hint is datetime:
        return datetime.fromisoformat
    if hint is date:
        return date.fromisoformat
    if dataclasses.is_dataclass(hint):
        return readers[typing.cast(type, hint)]
    if typing.get_origin(hint) is tuple:
        item = _converter(typing.get_args(hint)[0], readers)
        return tuple if item is None else lambda value: tuple([item(v) for v in value])
    return None


_WRITERS: Final = _Writers()
_READERS: Final = _Readers()
