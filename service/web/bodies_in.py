"""What requests to act say in their bodies, with their limits; an unknown field is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate

from service.web.queries import (
    DAY_PATTERN,
    DAYS,
    FEED_PATTERN,
    INSTANT_PATTERN,
    INSTANTS,
    LIST_LIMIT,
    LIST_MOST,
)

FORMATS: Final = ("json", "x12", "hl7v2", "fhir", "unknown")


def _printable(text: str) -> None:
    if not text.strip() or not text.isprintable():
        raise ValidationError("write a text of visible characters")


def _text(about: str, most: int, *, required: bool = False) -> fields.String:
    checks: list[Callable[[Any], Any]] = [validate.Length(1, most), _printable]
    return fields.String(required=required, validate=checks, metadata={"description": about})


class ByBody(Schema):
    """Who acts."""

    by = _text("Who does this: a person's name. It is recorded, with the key.", 100, required=True)


class RetryBody(ByBody):
    """Who tries again, and whether it is only tried."""

    dry_run = fields.Boolean(
        load_default=False, metadata={"description": "Only say what would change; nothing is stored."}
    )


class RetryManyBody(RetryBody):
    """What is tried again: everything that waits and matches each of these."""

    feed = fields.String(
        validate=validate.Regexp(FEED_PATTERN),
        metadata={"description": "Only what came by this feed.", "pattern": FEED_PATTERN},
    )
    code = _text("Only this reason.", 64)
    format = fields.String(validate=validate.OneOf(FORMATS), metadata={"description": "Only this format."})
    since = fields.AwareDateTime(
        format="iso",
        validate=INSTANTS,
        metadata={"description": "Only what was parked from then on.", "pattern": INSTANT_PATTERN},
    )
    account = _text("Only this account's: facility/number or number.", 257)
    search = _text("Found in code, place, reason or account number.", 100)
    limit = fields.Integer(
        strict=True,
        load_default=LIST_LIMIT,
        validate=validate.Range(1, LIST_MOST),
        metadata={"description": "At most so many entries."},
    )


class DiscardBody(ByBody):
    """Why a part is not needed."""

    reason = _text("Why; recorded, and read by the second person. No patient's data.", 1000, required=True)


class SettleBody(DiscardBody):
    """Which statement stands."""

    stands = fields.String(
        required=True,
        validate=validate.Regexp("^([0-9a-f]{64}|none|both)$"),
        metadata={
            "description": "The id of the fact that stands, `none`, or `both` (two messages under one id).",
            "pattern": "^([0-9a-f]{64}|none|both)$",
        },
    )


class SpokenBody(ByBody):
    """Who speaks, and why."""

    reason = _text("Why; whoever asks why reads it. No diagnosis.", 500, required=True)


class HoldBody(SpokenBody):
    """Until when an account is held."""

    until = fields.Date(
        validate=DAYS,
        metadata={"description": "The first day on which it counts no more.", "pattern": DAY_PATTERN},
    )


class AllowBody(HoldBody):
    """Which gate is to be lifted."""

    gate = _text("The gate or house rule, such as G42.", 10, required=True)


class ApproveBody(ByBody):
    """Who agrees."""


class RevealBody(DiscardBody):
    """Who looks, and why."""

    feed = fields.String(
        validate=validate.Regexp(FEED_PATTERN),
        metadata={
            "description": "The one that came by this feed; the first that came, by default.",
            "pattern": FEED_PATTERN,
        },
    )
