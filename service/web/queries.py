"""Query parameters with their limits. An unknown or repeated one is refused: a typo must not pass."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any, Final

from flask import Request
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from webargs.flaskparser import FlaskParser

from service.web.problems import Refusal

FEED_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
DEFAULT_FEED: Final = "http"
_DIGITS: Final = re.compile("[0-9]{1,19}", re.ASCII)
LIST_LIMIT: Final = 50
LIST_MOST: Final = 200
DAYS: Final = validate.Range(date(1800, 1, 1), date(2999, 12, 31))
INSTANTS: Final = validate.Range(
    datetime(1800, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC), max_inclusive=False
)
_YEARS: Final = "(1[89]|2[0-9])[0-9]{2}"
_DAY: Final = f"{_YEARS}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME: Final = (
    "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
DAY_PATTERN: Final = f"^{_DAY}$"
INSTANT_PATTERN: Final = f"^{_DAY}{_TIME}$"


def is_one_word(feed: str) -> bool:
    """Whether this can be a feed's name."""
    # fullmatch: Python's $ would let a line end pass.
    return re.fullmatch(FEED_PATTERN, feed) is not None


def _one_word(feed: str) -> None:
    if not is_one_word(feed):
        raise ValidationError("write one word of letters, digits, '_', '-' and '.', up to 64")


class Whole(fields.Integer):
    """A whole number as plain digits: no sign, no point, no blank."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            raise self.make_error("invalid")
        return int(value)


class StrictParser(FlaskParser):
    """Reads parameters and takes none that is unknown or repeated."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}  # noqa: RUF012

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """The parameters of a request's query."""
        if any(len(values) > 1 for _, values in req.args.lists()):
            detail = "a parameter is given twice; give each once"
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "parameter-repeated", detail)
        return super().load_querystring(req, schema)


class NoQuery(Schema):
    """No parameter at all."""


class FeedQuery(Schema):
    """Where a message comes from."""

    feed = fields.String(
        load_default=DEFAULT_FEED,
        validate=_one_word,
        metadata={
            "description": "The feed that sends, one word; it chooses the facility of remittances.",
            "pattern": FEED_PATTERN,
        },
    )


class FhirQuery(FeedQuery):
    """Where a resource comes from; and the form of the answer, which is always JSON."""

    _format = fields.String(
        validate=validate.OneOf(("json", "application/json", "application/fhir+json")),
        metadata={"description": "The form of the answer."},
    )


class OfFeedQuery(Schema):
    """Which feed a message came by."""

    feed = fields.String(
        validate=_one_word,
        metadata={
            "description": "The one that came by this feed; the first that came, by default.",
            "pattern": FEED_PATTERN,
        },
    )


class WhyQuery(Schema):
    """The day that is asked about, and what was known at the time."""

    as_of = fields.Date(
        validate=DAYS,
        metadata={
            "description": "Decide as of this day, of the years 1800 to 2999; by default today where the "
            "hospital is.",
            "pattern": DAY_PATTERN,
            "examples": ["2026-03-09"],
        },
    )
    known_at = fields.AwareDateTime(
        format="iso",
        validate=INSTANTS,
        metadata={
            "description": "Use only what Baton had recorded by this instant, of the years 1800 to 2999: "
            "RFC 3339 with an offset, its `+` written as `%2B`; everything known by default.",
            "pattern": INSTANT_PATTERN,
            "examples": ["2026-03-09T14:30:00Z"],
        },
    )


class StateQuery(Schema):
    """Whether a feed is only looked at."""

    dry_run = fields.String(
        load_default="false",
        validate=validate.OneOf(["true", "false"]),
        metadata={"description": "Only say what is wrong and what would change; nothing is kept."},
    )


class OverridesQuery(Schema):
    """Whose overrides are asked for."""

    account = fields.String(
        validate=validate.Length(1, 257),
        metadata={"description": "Only this account's: facility/number, or number."},
    )


class PageQuery(Schema):
    """How much of a list."""

    limit = Whole(
        load_default=LIST_LIMIT,
        validate=validate.Range(1, LIST_MOST),
        metadata={"description": "Items at most."},
    )


_SIZE: Final = validate.Range(1, (1 << 63) - 1)


class CheckpointsQuery(PageQuery):
    """How far the checkpoints were read."""

    after = Whole(
        load_default=0,
        validate=validate.Range(0, (1 << 63) - 1),
        metadata={"description": "Only checkpoints of more entries than this; `next` of the page before."},
    )


SizesQuery = Schema.from_dict(
    {
        # `from` is a word of Python.
        name: Whole(required=True, validate=_SIZE, metadata={"description": about})
        for name, about in (
            ("from", "The size of the log that is known already."),
            ("to", "The later size, or the same."),
        )
    },
    name="SizesQuery",
)
"""Two sizes of the log."""


class MessagesQuery(PageQuery):
    """Which messages, and how far the list was read."""

    feed = fields.String(validate=_one_word, metadata={"description": "Only these.", "pattern": FEED_PATTERN})
    status = fields.String(
        validate=validate.OneOf(["accepted", "duplicate", "parked", "unread"]),
        metadata={"description": "Only these."},
    )
    since = fields.AwareDateTime(
        format="iso",
        validate=INSTANTS,
        metadata={"description": "Only what came from then on.", "pattern": INSTANT_PATTERN},
    )
    until = fields.AwareDateTime(
        format="iso",
        validate=INSTANTS,
        metadata={"description": "Only what came before that.", "pattern": INSTANT_PATTERN},
    )
    account = fields.String(
        validate=validate.Length(1, 257),
        metadata={"description": "Only about this account: facility/number, or number."},
    )
    id = fields.String(
        validate=validate.Length(1, 512),
        metadata={"description": "The sender's message id (source/id) or its control number."},
    )
    cursor = Whole(
        validate=validate.Range(0, (1 << 63) - 1),
        metadata={"description": "`next` of the page before; without it, the first page."},
    )


def _words(about: str, most: int) -> fields.String:
    return fields.String(validate=validate.Length(1, most), metadata={"description": about})


class ParkedQuery(PageQuery):
    """Which parked messages and parts."""

    feed = fields.String(validate=_one_word, metadata={"description": "Only these.", "pattern": FEED_PATTERN})
    code = _words("Only this reason.", 64)
    format = fields.String(
        validate=validate.OneOf(["json", "x12", "hl7v2", "fhir", "unknown"]),
        metadata={"description": "Only this format."},
    )
    since = fields.AwareDateTime(
        format="iso",
        validate=INSTANTS,
        metadata={"description": "Only what was parked from then on.", "pattern": INSTANT_PATTERN},
    )
    account = _words("Only this account's: facility/number, or number.", 257)
    search = _words("Found in code, place, reason or account number.", 100)


class CasesQuery(PageQuery):
    """Which cases, and how far the list was read."""

    status = fields.String(
        validate=validate.OneOf(["open", "recalled", "closed"]), metadata={"description": "Only these."}
    )
    cursor = Whole(
        validate=validate.Range(0, (1 << 63) - 1),
        metadata={"description": "`next` of the page before; without it, the first page."},
    )
