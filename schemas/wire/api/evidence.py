"""Where a fact is to be found again."""

from __future__ import annotations

from marshmallow import Schema

from schemas.wire.answers import said
from schemas.wire.api.common import SHA256


class Evidence(Schema):
    """The fact something rests on and the bytes that fact was read from."""

    fact = said("The fact's id.", **SHA256)
    message = said("SHA-256 of the message.", **SHA256)
    where = said("The place in the message.", examples=["ST 0001 / CLP 3"])
    feed = said("The feed the message came by.")
    format = said("The message's format.", examples=["x12"])
