"""JSON text to values, strictly: UTF-8, no NaN, no repeated key unnoticed, bounded nesting.

orjson reads; whether it silently dropped a repeated key is told by counting, and only a body that cannot be
counted safely is read a second time by the standard library.
Source: RFC 8259; RFC 7493 (I-JSON) section 2.3 on repeated names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

import orjson

from schemas.errors import MessageRejected

NESTING_READ: Final = 100
"""Deeper text is not read at all; the contract's own limit is checked on the values, message by message."""

_BRACKETS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{\]}]', re.DOTALL)
"""Strings as a whole, an unfinished one up to the end (else its escaped quotes would be tried one by one)."""


class Repeating(dict[str, Any]):
    """An object in which `repeated` names stood more than once; the last value of each is kept."""

    repeated: frozenset[str] = frozenset()


def parse(body: bytes) -> Any:
    """Read a JSON text; an object that repeats a name comes back as `Repeating`.

    >>> parse(b'{"a": 1}'), parse(b'{"a": 1, "a": 2}').repeated
    ({'a': 1}, frozenset({'a'}))

    Raises:
        MessageRejected: not-json, not-utf8, too-deep. `where` is a line and column or a byte; no value.
    """
    try:
        value = orjson.loads(body)
        if not _may_repeat(body, value):
            return value
    except orjson.JSONDecodeError:
        pass
    return _parse_carefully(body)


class Written(str):
    """A JSON number with a fraction or an exponent, exactly as it was written."""

    __slots__ = ()


def parse_exact(body: bytes) -> tuple[Any, bool]:
    """Read a JSON text whose numbers keep every digit: whole ones as int, all others as `Written`.

    The second part tells whether an object may repeat a name; such a one comes back as `Repeating`.

    >>> parse_exact(b'[100.10, 7, "7.0"]'), type(parse_exact(b"100.10")[0]).__name__
    ((['100.10', 7, '7.0'], False), 'Written')

    Raises:
        MessageRejected: not-json, not-utf8, too-deep, as `parse`; so do objects that repeat a name.
    """
    try:
        value = _EXACT.decode(body.decode("utf-8"))
        if not _may_repeat(body, value):
            return value, False
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        pass
    return _parse_carefully(body, parse_float=Written), True


def repeated_name(value: Any) -> tuple[str | int, ...] | None:
    """The steps to the first object that repeats a name, the name last; None without one.

    >>> repeated_name(parse_exact(b'{"a": [{"b": 1, "b": 2}]}')[0])
    ('a', 0, 'b')
    """
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while waiting:
        steps, node = waiting.pop()
        if isinstance(node, Repeating):
            return (*steps, min(node.repeated))
        if isinstance(node, dict):
            inside: Iterable[tuple[str | int, Any]] = node.items()
        else:
            inside = enumerate(node) if isinstance(node, list) else ()
        waiting += [((*steps, name), inner) for name, inner in inside if isinstance(inner, (dict, list))]
    return None


def written_bytes(value: Any) -> int:
    """Size of a value written without blanks; 0 for one that cannot be written and will be refused."""
    try:
        return len(orjson.dumps(value))
    except orjson.JSONEncodeError:  # too deep, or a lone surrogate
        return 0


def _may_repeat(body: bytes, value: Any) -> bool:
    """Whether orjson may have dropped a repeated name; False is certain, True is not.

    Each pair has one colon between name and value, and each colon inside a string is written again, unless it
    was escaped (`\\u003a`). So where no such escape stands, a pair that was dropped shows as a missing colon.
    """
    if b"\\u003" in body:
        return True
    try:
        return orjson.dumps(value).count(b":") != body.count(b":")
    except orjson.JSONEncodeError:  # nested deeper than it writes
        return True


def _parse_carefully(body: bytes, parse_float: Callable[[str], Any] = float) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MessageRejected(
            "not-utf8",
            "from this byte on it is not UTF-8; write the text in UTF-8",
            where=f"byte {error.start}",
            clause="RFC 8259 section 8.1",
        ) from None
    _refuse_deep(body)
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_whole,
            parse_float=parse_float,
            strict=True,
        )
    except json.JSONDecodeError as error:
        raise _not_json(f"line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise _too_deep() from None


def _refuse_deep(body: bytes) -> None:
    level = 0
    for match in _BRACKETS.finditer(body):
        sign = match[0]
        if sign in (b"[", b"{"):
            level += 1
            if level > NESTING_READ:
                raise _too_deep()
        elif sign in (b"]", b"}"):
            level -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    again: set[str] = set()
    for name, _ in pairs:
        (again if name in seen else seen).add(name)
    repeating = Repeating(made)
    repeating.repeated = frozenset(again)
    return repeating


BEYOND: Final = 10**20
"""Stands for an integer of more digits than anyone needs."""


def _whole(digits: str) -> int:
    """An integer of ordinary size; a longer one as a number that is beyond what any field takes."""
    return int(digits) if len(digits) <= 20 else BEYOND


def _refuse_constant(_: str) -> NoReturn:
    raise MessageRejected(
        "not-json", "write every number in digits; NaN and Infinity are not JSON", clause="RFC 8259 section 6"
    )


_EXACT: Final = json.JSONDecoder(
    parse_float=Written, parse_int=_whole, parse_constant=_refuse_constant, strict=True
)


def _not_json(where: str) -> MessageRejected:
    return MessageRejected(
        "not-json",
        "from here on it is not JSON; write one complete object, or an array of objects",
        where=where,
        clause="RFC 8259",
    )


def _too_deep() -> MessageRejected:
    return MessageRejected("too-deep", "write at most 20 levels of objects and lists", clause="baton/1")
