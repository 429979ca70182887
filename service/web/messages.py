"""`/v1/messages`: a message comes in, is stored, read at once or soon, and answered with a receipt."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from flask import Response, request

from adapters import native
from adapters.store import MessageFilter
from schemas.canonical import digest
from schemas.facts import LargeMessage, Message
from schemas.wire.api import MessageDetail, MessagePage, MessageView, Receipt, Trace
from service import answers, browsing
from service.entries import kept_entry
from service.receipts import Receipt as Received
from service.web.blueprints import Blueprint, plain
from service.web.bodies import Origin, sealed, too_large
from service.web.bodies_in import RevealBody
from service.web.fate import fate
from service.web.gathering import Gathering
from service.web.idempotency import PARAMETER, sent_key
from service.web.parked import person
from service.web.problems import Refusal
from service.web.queries import FeedQuery, MessagesQuery, NoQuery, OfFeedQuery
from service.web.register import WHO_ASKS
from service.web.rooms import Rooms

FORMAT_OF: Final = {
    "application/json": "json",
    "application/edi-x12": "x12",
    "application/fhir+json": "fhir",
    "application/fhir+ndjson": "fhir",
    "text/plain": "unknown",
    "application/octet-stream": "unknown",
}
"""What each media type says about the format; unknown is found out from the first bytes."""

_TEXT_BODY: Final = {"schema": {"type": "string", "minLength": 1}}
_JSON_BODY: Final = {
    "schema": {
        "description": "One message of baton/1 (/schemas/baton-1.json), or an array of up to 1,000.",
        "oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}, "maxItems": 1000}],
    }
}


def blueprint(rooms: Rooms) -> Blueprint:
    """The door for messages."""
    # The one wiring module imports this package in turn.
    from service.app import detect

    gathering: Gathering[Message, Received] = Gathering(
        lambda batch: rooms.intake().receive(batch, rooms.app.moment())
    )
    blue = Blueprint("messages", __name__, url_prefix="/v1", description="Messages in.")

    def taken(message: Message | LargeMessage) -> Response:
        if isinstance(message, Message):
            receipt = answers.receipt(gathering.receive(message))
        else:
            receipt = _stored(rooms, message)
        rooms.meter.received(receipt["disposition"])
        return plain(receipt, HTTPStatus.ACCEPTED)

    def shown(told: dict[str, Any], revealed: bool) -> Response:
        accounts = {fact["account"] for fact in told["facts"] if fact["account"]}
        return rooms.register.shown(told, "message", accounts, about=told["sha256"], revealed=int(revealed))

    @blue.route("/messages", methods=["POST"])
    @blue.asks(FeedQuery)
    @blue.gives(202, Receipt, "Stored whole, and read, or soon to be read.")
    @blue.refuses(400, 413, 415, 422, 503)
    @blue.named(
        "postMessage",
        requestBody={
            "required": True,
            "content": {kind: _JSON_BODY if kind == "application/json" else _TEXT_BODY for kind in FORMAT_OF},
        },
        parameters=[PARAMETER],
    )
    def receive(query: dict[str, Any]) -> Response:
        """Send a message.

        The body is stored whole before anything is answered. Up to 1 MiB it is also read, and the answer
        says what became of it: `accepted`, `duplicate` (these bytes came from this feed before; nothing
        changed), or `parked` (something in it waits for a person; the rest went through). A longer body is
        answered as `stored` and read soon after: ask for it at `/v1/messages/{sha256}`. Sending the same
        bytes again is always safe.
        """
        key = sent_key()
        format = _format()
        limit = _limit(rooms, format)
        if (request.content_length or 0) > limit:
            raise too_large(limit)
        feed = query["feed"]
        with sealed(request.stream, limit, Origin(feed, format, rooms.now())) as message:
            if key is None:
                return taken(message)
            asked = digest(f"{feed}|{format}|{message.sha256}".encode())
            return rooms.repeats.once(key, asked, lambda: taken(message))

    @blue.route("/messages")
    @blue.asks(MessagesQuery)
    @blue.gives(200, MessagePage)
    @blue.refuses(422, 503)
    @blue.named("listMessages", parameters=WHO_ASKS)
    def page(query: dict[str, Any]) -> Response:
        """Messages, newest first; `next` is the cursor of the next page, null on the last."""
        names = ("feed", "since", "until", "status", "account", "id")
        like = MessageFilter(*(query.get(name) for name in names))
        with rooms.store().read() as reader:
            found = browsing.page(reader, like, query.get("cursor"), query["limit"])
            # What came is nobody's in itself; which of it is about one account is that patient's.
            named = like.account is not None and found["items"]
            meant = answers.accounts_meant(reader, like.account or "") if named else []
        # A cursor is text to its reader: what it counts is our own affair.
        told = found | {"next": None if found["next"] is None else str(found["next"])}
        return rooms.register.shown(told, "messages", meant)

    @blue.route("/messages/<string:sha256>")
    @blue.asks(OfFeedQuery)
    @blue.gives(200, MessageView)
    @blue.refuses(404, 422, 503)
    @blue.named("getMessage")
    def show(query: dict[str, Any], sha256: str) -> Response:
        """What became of a message, by the SHA-256 of its bytes.

        `stored` until it has been read to its end; `facts` and `rejected` then say what it came to.
        """
        with rooms.store().read() as reader:
            return plain(fate(reader, sha256, query.get("feed")))

    @blue.route("/messages/<string:sha256>/detail")
    @blue.asks(OfFeedQuery)
    @blue.gives(200, MessageDetail)
    @blue.refuses(404, 422, 503)
    @blue.named("getMessageDetail", parameters=WHO_ASKS)
    def detail(query: dict[str, Any], sha256: str) -> Response:
        """A message field by field, by name, and what it made; values are masked."""
        with rooms.store().read() as reader:
            message = browsing.found_message(reader, sha256, query.get("feed"))
            told = browsing.show(reader, message, detect, reveal=False)
        return shown(told, False)

    @blue.route("/messages/<string:sha256>/reveal", methods=["POST"])
    @blue.takes(RevealBody)
    @blue.gives(200, MessageDetail)
    @blue.refuses(400, 404, 415, 422, 503)
    @blue.named("revealMessage", parameters=WHO_ASKS)
    def reveal(body: dict[str, Any], sha256: str) -> Response:
        """The same with its values; who asks and why is in the audit log before they are shown."""
        with rooms.store().read() as reader:
            message = browsing.found_message(reader, sha256, body.get("feed"))
        browsing.reveal(rooms.store(), message, person(body), body["reason"], rooms.now())
        with rooms.store().read() as reader:
            told = browsing.show(reader, message, detect, reveal=True)
        return shown(told, True)

    @blue.route("/trace/<string:id>")
    @blue.asks(NoQuery)
    @blue.gives(200, Trace)
    @blue.refuses(404, 422, 503)
    @blue.named("trace", parameters=WHO_ASKS)
    def trace(query: dict[str, Any], id: str) -> Response:
        """A message, fact, decision or case both ways: what it led to, and the messages it rests on."""
        with rooms.store().read() as reader:
            told = browsing.trace(reader, id)
        named = [*told["facts"], *told["decisions"], *told["case_moves"]]
        accounts = {one["account"] for one in named if one["account"]}
        return rooms.register.shown(told, "trace", accounts, id=id)

    return blue


def _stored(rooms: Rooms, large: LargeMessage) -> dict[str, Any]:
    """Keep a long body whole, and leave it to be read: its sender need not wait for that."""
    with rooms.store().write() as unit:
        kept = unit.keep_large_message(large)
        if kept.new:
            unit.add_audit([kept_entry(large, large.received_at)])
    if not kept.finished:
        rooms.reader.wake()
    disposition = "duplicate" if kept.finished else "stored"
    return {"sha256": large.sha256, "disposition": disposition, "facts": 0, "rejected": []}


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
