"""What answers of the HTTP API share."""

from __future__ import annotations

from marshmallow import fields

SHA256 = {"pattern": "^[0-9a-f]{64}$"}


READ = ("accepted", "duplicate", "parked")


def whole(about: str, least: int = 0) -> fields.Integer:
    """A count, or a place in an order."""
    return fields.Integer(required=True, strict=True, metadata={"description": about, "minimum": least})


def yes_or_no(about: str) -> fields.Boolean:
    """True or false."""
    return fields.Boolean(required=True, metadata={"description": about})
