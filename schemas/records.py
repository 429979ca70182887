"""Frozen records made, written as plain data and read back, by code written once for each record class.

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
Convert: typing.TypeAlias = Callable[..., Any]

_PLAIN: Final = frozenset({str, int, bool, date, datetime, type(None)})


def swift_init(record: type[R]) -> type[R]:
    """Give a frozen dataclass with slots an `__init__` that fills its slots directly; nothing else changes.

    The one that `dataclasses` writes looks every field up by name, which costs three times as much, and
    making records was a fifth of the time of a message.

    Raises:
        TypeError: not such a class, or one with a default factory or a `__post_init__`.
    """
    settings = getattr(record, "__dataclass_params__", None)
    if settings is None or not settings.frozen or hasattr(record, "__post_init__"):
        raise TypeError(f"{record.__name__} is no plain frozen dataclass")
    names: dict[str, Any] = {}
    heads, body = [], []
    for n, field in enumerate(dataclasses.fields(typing.cast(Any, record))):
        slot = getattr(record, field.name, None)
        if (
            not isinstance(slot, types.MemberDescriptorType)
            or field.default_factory is not dataclasses.MISSING
        ):
            raise TypeError(f"{record.__name__}.{field.name} is no slot with a plain default")
        names[f"set_{n}"], names[f"default_{n}"] = slot.__set__, field.default
        given = field.default is not dataclasses.MISSING
        heads.append(f"{field.name}=default_{n}" if given else field.name)
        body.append(f"  set_{n}(self, {field.name})")
    # The setters are parameters of an outer function, since a closure is read faster than a global.
    made = _compiled(
        [
            f"def convert({', '.join(names)}):",
            f" def __init__(self, {', '.join(heads)}):",
            *body,
            " return __init__",
        ],
        {},
    )(**names)
    before = vars(record)["__init__"]
    made.__qualname__, made.__annotations__ = before.__qualname__, before.__annotations__
    made.__module__ = record.__module__
    setattr(record, "__init__", made)  # noqa: B010
    return record


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
    names: dict[str, Any] = {"record": record}
    lines = ["def convert(plain):"]
    if needed:
        lines.append(" plain = plain.copy()")
    for n, (name, convert) in enumerate(needed.items()):
        names[f"read_{n}"] = convert
        lines.append(f" if {name!r} in plain: plain[{name!r}] = read_{n}(plain[{name!r}])")
    return _compiled([*lines, " return record(**plain)"], names)


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
        return tuple if item is None else lambda value: tuple(map(item, value))
    return None


_WRITERS: Final = _Writers()
_READERS: Final = _Readers()
