"""`POST /v1/messages`: a message comes in, is stored and read in one go, and is answered with a receipt."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

from flask import Response, request

from adapters import native
from schemas.facts import Message
from service import answers
from service.web.blueprints import Blueprint, plain
from service.web.bodies import Origin, sealed, too_large
from service.web.gathering import Gathering
from service.web.problems import Refusal
from service.web.queries import FeedQuery
from service.web.rooms import Rooms
from service.web.shapes import MessageReceipt

FORMAT_OF: Final = {
    "application/json": "json",
    "application/edi-x12": "x12",
    "text/plain": "unknown",
    "application/octet-stream": "unknown",
}
"""What each media type says about the format; unknown is found out from the first bytes."""

_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}\Z")

_TEXT_BODY: Final = {"schema": {"type": "string", "minLength": 1}}
_JSON_BODY: Final = {
    "schema": {
        "description": "One message of baton/1 (/schemas/baton-1.json), or an array of up to 1,000.",
        "oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}, "maxItems": 1000}],
    }
}


def blueprint(rooms: Rooms) -> Blueprint:
    """The door for messages."""
    gathering = Gathering(lambda batch: rooms.intake().receive(batch, rooms.app.moment()))
    blue = Blueprint("messages", __name__, url_prefix="/v1", description="Messages in.")

    @blue.route("/messages", methods=["POST"])
    @blue.asks(FeedQuery)
    @blue.gives(202, MessageReceipt, "Stored whole, and processed or parked.")
    @blue.refuses(400, 413, 415, 422, 503)
    @blue.named(
        "postMessage",
        requestBody={
            "required": True,
            "content": {kind: _JSON_BODY if kind == "application/json" else _TEXT_BODY for kind in FORMAT_OF},
        },
        parameters=[_idempotency_parameter()],
    )
    def receive(query: dict[str, Any]) -> Response:
        """Send a message.

        The body is stored whole and then read. The answer says what became of it: `accepted`, `duplicate`
        (these bytes came from this feed before; nothing changed), or `parked` (something in it waits for a
        person; the rest went through). Sending the same bytes again is always safe.
        """
        _check_idempotency_key()
        format = _format()
        limit = _limit(rooms, format)
        if (request.content_length or 0) > limit:
            raise too_large(limit)
        with sealed(request.stream, limit, Origin(query["feed"], format, rooms.now())) as message:
            if isinstance(message, Message):
                receipt = gathering.receive(message)
            else:
                receipt = rooms.intake().receive_large(message, rooms.app.moment())
        rooms.meter.received(receipt.disposition)
        return plain(answers.receipt(receipt), HTTPStatus.ACCEPTED)

    return blue


def _format() -> str:
    """The format that the media type names.

    Raises:
        Refusal: 415 for another media type, an encoded body, or JSON that is not UTF-8.
    """
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        detail = "encoded bodies are not taken; send it without Content-Encoding"
    elif request.mimetype == "application/json" and charset not in ("utf-8", "us-ascii"):
        detail = "JSON is UTF-8; send it so"
    elif request.mimetype in FORMAT_OF:
        return FORMAT_OF[request.mimetype]
    else:
        detail = f"send Content-Type {', '.join(FORMAT_OF)}"
    accepted = {"Accept-Post": ", ".join(FORMAT_OF)}
    raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type-unsupported", detail, headers=accepted)


def _limit(rooms: Rooms, format: str) -> int:
    """The most bytes a body may have. JSON is read whole, so its limit is lower."""
    most = rooms.app.config.max_message_bytes
    return min(most, native.ARRAY_BYTES) if format == "json" else most


def _check_idempotency_key() -> None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _IDEMPOTENCY_KEY.match(key):
        detail = "an Idempotency-Key is 1 to 255 visible ASCII characters"
        raise Refusal(HTTPStatus.BAD_REQUEST, "bad-idempotency-key", detail)


def _idempotency_parameter() -> dict[str, Any]:
    return {
        "in": "header",
        "name": "Idempotency-Key",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "description": "Not needed: a message is known by its bytes and its feed, for ever, so that a "
        "repetition is answered as `duplicate` and changes nothing. A key is checked for its form.",
    }
