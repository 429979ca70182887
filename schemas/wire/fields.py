"""Marshmallow fields of the wire: each declares what it takes, how it is documented and how it is read.

The one declaration serves three readers: marshmallow itself (the authority, with every error text), the
compiled reader (`schemas.wire.compiled`, for speed) and the published documents (through the metadata).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, TypeAlias

from marshmallow import EXCLUDE, Schema, fields, post_load

from schemas.wire import values
from schemas.wire.values import Fault, Read

Texts: TypeAlias = dict[str, str | list[Any] | dict[Any, Any]]

ABSENT: Final[Texts] = {
    "required": "missing-field: add this required field",
    "null": "missing-field: write a value, since null means that it is not stated",
}
NO_OBJECT: Final[dict[str, str]] = {"type": "not-an-object: write an object in braces"}


class Leaf(fields.Field[Any]):
    """One JSON value that is no object and no list; an optional one may be null, which means not stated."""

    default_error_messages = ABSENT

    def __init__(
        self, read: Read, documented: Mapping[str, Any], *, required: bool = False, to: str | None = None
    ) -> None:
        self.read = read
        super().__init__(required=required, allow_none=not required, attribute=to, metadata=dict(documented))

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        return self.read(value)


class Part(fields.Nested):
    """An object inside an object."""

    default_error_messages = ABSENT | NO_OBJECT

    def __init__(
        self, schema: type[Stated], about: str = "", *, required: bool = False, to: str | None = None
    ) -> None:
        documented = {"description": about} if about else {}
        super().__init__(
            schema, required=required, allow_none=not required, attribute=to, metadata=documented
        )


class Flat(Part):
    """An object whose fields the record holds itself, one level higher."""


class Listing(fields.List[Any]):
    """A list of up to `limit` elements, read as a tuple; null is no element."""

    default_error_messages = ABSENT | {"invalid": "not-a-list: write a list in brackets"}

    def __init__(self, inner: Leaf | Part, about: str, *, limit: int, required: bool = False) -> None:
        self.limit = limit
        documented = {"description": about, "maxItems": limit}
        super().__init__(inner, required=required, allow_none=not required, metadata=documented)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > self.limit:
            raise Fault("too-many", f"write at most {self.limit} elements")
        return tuple(super()._deserialize(value, attr, data, **kwargs))


class Stated(Schema):
    """An object on the wire and the record it becomes; without a record it stays a dict.

    Unknown fields are left out here; the door reports them.
    """

    class Meta:
        """Unknown fields are no error."""

        unknown = EXCLUDE

    record: ClassVar[type | None] = None
    apart: ClassVar[frozenset[str]] = frozenset()
    """Fields that are checked here and no part of the record."""
    error_messages = NO_OBJECT

    @post_load
    def build_stated_record(self, found: dict[str, Any], **_: Any) -> Any:
        """Build the record; what is null or empty is not stated, so the record's default stands."""
        flat = [field.attribute or name for name, field in self.fields.items() if isinstance(field, Flat)]
        for name in flat:
            found.update(found.pop(name, None) or {})
        stated = {
            name: value for name, value in found.items() if value is not None and name not in self.apart
        }
        return stated if self.record is None else self.record(**stated)


def amount(about: str, to: str, *, required: bool = False) -> Leaf:
    """Money: a decimal string on the wire, integer cents in the record."""
    documented = {
        "type": "string",
        "pattern": values.AMOUNT_PATTERN,
        "description": f"{about} A decimal string with at most two places.",
        "examples": ["142.17"],
    }
    return Leaf(values.amount, documented, required=required, to=to)


def day(about: str, to: str | None = None, *, required: bool = False, open_ended: bool = False) -> Leaf:
    """A calendar day; `open_ended` also takes 9999-12-31."""
    documented = {
        "type": "string",
        "format": "date",
        "pattern": values.OPEN_DAY_PATTERN if open_ended else values.DAY_PATTERN,
        "description": about,
        "examples": ["2026-03-14"],
    }
    return Leaf(values.open_day if open_ended else values.day, documented, required=required, to=to)


def instant(about: str, *, required: bool = False) -> Leaf:
    """A moment with its offset."""
    documented = {
        "type": "string",
        "format": "date-time",
        "pattern": values.INSTANT_PATTERN,
        "description": about,
        "examples": ["2026-03-14T09:30:00Z"],
    }
    return Leaf(values.instant, documented, required=required)


def identifier(
    about: str, *, limit: int = 100, required: bool = False, pattern: str = values.IDENTIFIER_PATTERN
) -> Leaf:
    """A name that machines compare: no control or invisible characters, no blank at either end."""
    return _text(about, limit, pattern, required=required, to=None)


def text(about: str, *, limit: int = 200, required: bool = False, to: str | None = None) -> Leaf:
    """Words for people."""
    return _text(about, limit, values.TEXT_PATTERN, required=required, to=to)


def _text(about: str, limit: int, pattern: str, *, required: bool, to: str | None) -> Leaf:
    documented: dict[str, Any] = {
        "type": "string",
        "pattern": pattern,
        "maxLength": limit,
        "description": about,
    }
    if required:
        documented["minLength"] = 1
    return Leaf(values.text(limit, required=required, pattern=pattern), documented, required=required, to=to)


def label(about: str, *, limit: int = 100, required: bool = False) -> Leaf:
    """An identifier that some senders write as a number."""
    documented = {
        "type": ["string", "integer"],
        "pattern": values.IDENTIFIER_PATTERN,
        "minLength": 1,
        "maxLength": limit,
        "minimum": 0,
        "maximum": 999_999_999,
        "description": about,
    }
    return Leaf(values.label(limit), documented, required=required)


def choice(
    about: str,
    words: tuple[str, ...],
    *,
    required: bool = False,
    code: str = "not-a-choice",
    to: str | None = None,
) -> Leaf:
    """One word of a list."""
    allowed: list[str | None] = [*words]
    if not required:
        allowed.append(None)
    documented = {"type": "string", "enum": allowed, "description": about}
    return Leaf(values.choice(words, code), documented, required=required, to=to)


def whole(about: str, low: int, high: int, *, required: bool = False) -> Leaf:
    """An integer."""
    documented = {"type": "integer", "minimum": low, "maximum": high, "description": about}
    return Leaf(values.whole(low, high), documented, required=required)


def yes_no(about: str) -> Leaf:
    """True or false; not stated is neither."""
    return Leaf(values.yes_no, {"type": "boolean", "description": about})


def decimal_text(about: str) -> Leaf:
    """A number that is no money."""
    documented = {
        "type": ["string", "integer"],
        "pattern": values.DECIMAL_PATTERN,
        "minimum": -999_999_999,
        "maximum": 999_999_999,
        "description": f"{about} A decimal string with at most four places, or an integer.",
        "examples": ["1.5", 2],
    }
    return Leaf(values.decimal_text, documented)


def currency() -> Leaf:
    """The currency of every amount beside it."""
    documented = {
        "type": "string",
        "pattern": values.CURRENCY_PATTERN,
        "description": "ISO 4217 code of the amounts; USD when not stated.",
        "examples": ["USD"],
    }
    return Leaf(values.currency, documented)


def json_object(about: str, *, required: bool = False) -> Leaf:
    """An object that another schema reads."""
    return Leaf(values.json_object, {"type": "object", "description": about}, required=required)
