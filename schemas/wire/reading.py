"""Native messages read by the schemas: quickly where all is in order, by marshmallow where it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from marshmallow import ValidationError

from schemas.facts import AccountRef, Body
from schemas.wire.compiled import Unusual, compile_schema
from schemas.wire.fields import Listing, Part, Stated
from schemas.wire.native import TYPES, Envelope
from schemas.wire.parties import AccountRef as AccountSchema
from schemas.wire.strict_json import Repeating

LEVELS: Final = 20
UNKNOWN_LISTED: Final = 20
"""So many unknown fields of one message are named; more are not."""

_ENVELOPE: Final = Envelope()
_DATA: Final = {word: schema() for word, schema in TYPES.items()}
_ACCOUNT: Final = AccountSchema()
_SWIFT_ENVELOPE: Final = compile_schema(_ENVELOPE)
_SWIFT_DATA: Final = {word: compile_schema(schema) for word, schema in _DATA.items()}
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


class Statement(NamedTuple):
    """One native message as its schema reads it: the envelope, and the body as a record."""

    type: str
    id: str
    source: str
    occurred_at: datetime
    account: AccountRef
    body: Body
    currency: str = "USD"


class Trouble(NamedTuple):
    """One thing a sender must mend: stable code, place from the message's root, what to write instead."""

    code: str
    place: str
    advice: str


class Refused(Exception):
    """A message that the schemas do not take: everything found, and the account where it could be read."""

    def __init__(self, troubles: list[Trouble], account: AccountRef | None) -> None:
        self.troubles = troubles
        self.account = account
        super().__init__(troubles[0].code)


def read_swiftly(value: Any) -> Statement:
    """Read a message in which everything is in order.

    Raises:
        Unusual: something is not, or is unknown; `read_carefully` says what.
    """
    try:
        envelope = _SWIFT_ENVELOPE(value)
        data = envelope["data"]
        body = _SWIFT_DATA[envelope["type"]](data)
    except ValidationError:
        raise Unusual from None
    return _statement(envelope, data, body)


def _statement(envelope: dict[str, Any], data: dict[str, Any], body: Body) -> Statement:
    stated = envelope.get("currency")
    beside = data.get("currency") if "currency" in data and type(body) in _MONETARY else None
    if stated is not None and beside is not None and stated != beside:
        raise Unusual
    return Statement(
        envelope["type"],
        envelope["id"],
        envelope["source"],
        envelope["occurred_at"],
        envelope["account"],
        body,
        beside or stated or "USD",
    )


_MONETARY: Final = frozenset(schema.record for schema in _DATA.values() if "currency" in schema.fields)


def read(value: Any) -> tuple[Statement, list[str]]:
    """Read any message; also the places of the fields its schemas do not know, at most 20.

    Raises:
        Refused: with everything that must be mended.
    """
    try:
        return read_swiftly(value), []
    except Unusual:
        pass
    _refuse_out_of_bounds(value)
    unknown = list(islice(_unknown(value), UNKNOWN_LISTED))
    if unknown:
        try:
            return read_swiftly(without_unknown(value)), unknown
        except Unusual:
            pass
    return read_carefully(value), unknown


def read_carefully(value: Any) -> Statement:
    """Read a message by marshmallow, which has the last word.

    Raises:
        Refused: with everything that must be mended.
    """
    troubles: list[Trouble] = []
    envelope = _load(_ENVELOPE, value, "$", troubles)
    schema = _schema_of(value)
    data = value.get("data") if isinstance(value, dict) else None
    body: Any = None
    if schema is not None and isinstance(data, dict):
        body = _load(schema, data, "$.data", troubles)
    if troubles or envelope is None or data is None:
        raise Refused(troubles, _account_of(value))
    try:
        return _statement(envelope, data, body)
    except Unusual:
        advice = "write the same currency on the envelope and beside the amounts, or only one of them"
        raise Refused([Trouble("contradictory", "$.data.currency", advice)], envelope["account"]) from None


def _schema_of(value: Any) -> Stated | None:
    """The schema of the data, where the message names a known type."""
    kind = value.get("type") if isinstance(value, dict) else None
    return _DATA.get(kind) if isinstance(kind, str) else None


def _load(schema: Stated, value: Any, place: str, troubles: list[Trouble]) -> Any:
    try:
        return schema.load(value)
    except ValidationError as error:
        troubles.extend(_troubles(error.messages, place))
        return None


def _troubles(messages: Any, place: str) -> Iterator[Trouble]:
    """marshmallow's nested error messages as places with codes, in the order of the declaration."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _troubles(inner, place if name == "_schema" else _step(place, name))
    else:
        for message in messages:
            code, _, advice = message.partition(": ")
            yield Trouble(code, place, advice)


def _account_of(value: Any) -> AccountRef | None:
    """The account a refused message names, where that part can be read."""
    try:
        account: AccountRef = _ACCOUNT.load(value["account"])
    except (KeyError, TypeError, ValidationError):
        return None
    return account


def _step(place: str, name: object) -> str:
    """A place one step deeper; a name that is no plain word is not repeated."""
    if isinstance(name, int):
        return f"{place}[{name}]"
    return f"{place}.{name}" if isinstance(name, str) and _PLAIN_NAME.fullmatch(name) else f"{place}.?"


def _out_of_bounds(value: Any, level: int = 1) -> tuple[str, str, list[object]] | None:
    """A repeated name or nesting beyond the contract: code, advice, and the steps to it, innermost first."""
    if isinstance(value, Repeating):
        return "duplicate-key", "write this field once", [min(value.repeated)]
    if level > LEVELS:
        return "too-deep", f"write at most {LEVELS} levels of objects and lists", []
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, (dict, list)):
            found = _out_of_bounds(inner, level + 1)
            if found is not None:
                found[2].append(name)
                return found
    return None


def _refuse_out_of_bounds(value: Any) -> None:
    found = _out_of_bounds(value) if isinstance(value, (dict, list)) else None
    if found is not None:
        code, advice, steps = found
        place = "$"
        for step in reversed(steps):
            place = _step(place, step)
        raise Refused([Trouble(code, place, advice)], _account_of(value))


def without_unknown(value: Any) -> Any:
    """The message without the fields that its schemas do not know, for a second try of the fast reader."""
    if type(value) is not dict:
        return value
    known = _pruned(value, _ENVELOPE)
    schema = _schema_of(value)
    if schema is not None and type(value.get("data")) is dict:
        known["data"] = _pruned(value["data"], schema)
    return known


def _pruned(value: Any, schema: Any) -> Any:
    if type(value) is not dict or not isinstance(schema, Stated):
        return value
    kept = {}
    for name, item in value.items():
        field = schema.fields.get(name)
        if field is None:
            continue
        if isinstance(field, Part):
            item = _pruned(item, field.schema)
        elif isinstance(field, Listing) and isinstance(field.inner, Part) and type(item) is list:
            item = [_pruned(element, field.inner.schema) for element in item]
        kept[name] = item
    return kept


def _unknown(value: Any) -> Iterator[str]:
    """Places of the fields that no schema knows."""
    if type(value) is not dict:
        return
    yield from _unknown_in(value, _ENVELOPE, "$")
    schema = _schema_of(value)
    if schema is not None:
        yield from _unknown_in(value.get("data"), schema, "$.data")


def _unknown_in(value: Any, schema: Any, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        field = schema.fields.get(name)
        if field is None:
            yield _step(place, name)
        elif isinstance(field, Part):
            yield from _unknown_in(item, field.schema, _step(place, name))
        elif isinstance(field, Listing) and isinstance(field.inner, Part) and isinstance(item, list):
            for index, element in enumerate(item):
                yield from _unknown_in(element, field.inner.schema, _step(_step(place, name), index))
