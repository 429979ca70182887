"""`/fhir`: FHIR resources in, answered in FHIR.

200 all was read (a single resource: 201 the first time); 202 stored whole, and something in it waits for a
person or is read soon. 400, 413, 415, 422 and 404: nothing was stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from flask import Response, request

from adapters import fhir
from adapters.fhir import Issue, Peek
from schemas.errors import MessageRejected
from schemas.facts import LargeMessage, Message
from schemas.wire.api import FhirResource
from service.entries import kept_entry
from service.receipts import Receipt
from service.web.blueprints import Blueprint
from service.web.bodies import IN_MEMORY_BYTES, Origin, sealed, too_large
from service.web.fate import fate
from service.web.gathering import Gathering
from service.web.problems import Refusal
from service.web.queries import FhirQuery
from service.web.rooms import Rooms

MEDIA_TYPE: Final = "application/fhir+json"
MEDIA_TYPES: Final = (MEDIA_TYPE, "application/json")


def _body(types: Iterable[str]) -> dict[str, Any]:
    """A request body of one of these resource types."""
    named = {"resourceType": {"type": "string", "enum": sorted(types)}}
    schema = {"type": "object", "required": ["resourceType"], "properties": named}
    return {"required": True, "content": {kind: {"schema": schema} for kind in MEDIA_TYPES}}


def blueprint(rooms: Rooms) -> Blueprint:
    """The door for FHIR."""
    gathering: Gathering[Message, Receipt] = Gathering(
        lambda batch: rooms.intake().receive(batch, rooms.app.moment())
    )
    blue = Blueprint("fhir", __name__, url_prefix="/fhir", description="FHIR R4, R4B and R5 in.")

    def take(query: Mapping[str, Any], kind: str | None) -> Response:
        _check_media_type()
        limit = min(rooms.app.config.max_message_bytes, fhir.DOCUMENT_BYTES)
        if (request.content_length or 0) > limit:
            raise too_large(limit)
        with sealed(request.stream, limit, Origin(query["feed"], "fhir", rooms.now())) as message:
            if isinstance(message, LargeMessage):
                return _left_to_be_read(rooms, message)
            seen = _seen(message.body, kind)
            receipt = gathering.receive(message)
            rooms.meter.received(receipt.disposition)
            return _answer(rooms, message, seen, receipt.disposition)

    @blue.route("", methods=["POST"])
    @blue.asks(FhirQuery)
    @blue.gives_fhir(
        FhirResource, {200: "Read.", 201: "One resource, read.", 202: "Stored; something waits."}
    )
    @blue.refuses_fhir(FhirResource, 400, 413, 415, 422, 503)
    @blue.named("postFhirBundle", requestBody=_body(fhir.RESOURCES))
    def bundle(query: dict[str, Any]) -> Response:
        """Send a Bundle (transaction, batch, message or any other), or one resource.

        A transaction or batch is answered with a response Bundle, one entry each; anything else with an
        OperationOutcome. Parts that wait for a person are warnings: each is kept, and its neighbours went
        through. A body over 1 MiB is stored and read soon after.
        """
        return take(query, None)

    @blue.route("/<string:kind>", methods=["POST"])
    @blue.asks(FhirQuery)
    @blue.gives_fhir(FhirResource, {200: "Known already.", 201: "Read.", 202: "Stored; something waits."})
    @blue.refuses_fhir(FhirResource, 400, 404, 413, 415, 422, 503)
    @blue.named("postFhirResource", requestBody=_body(fhir.TYPES))
    def create(query: dict[str, Any], kind: str) -> Response:
        """Send one resource of the type that the path names."""
        if kind not in fhir.TYPES:
            detail = "Baton reads no resource of this type; /fhir/metadata lists those it reads"
            raise Refusal(HTTPStatus.NOT_FOUND, "resource-not-read", detail)
        return take(query, kind)

    @blue.route("/metadata")
    @blue.asks(FhirQuery)
    @blue.gives_fhir(FhirResource, {200: "The CapabilityStatement."})
    @blue.refuses_fhir(FhirResource, 422)
    @blue.named("getFhirMetadata", security=[])
    def metadata(query: dict[str, Any]) -> Response:
        """What this Baton reads of FHIR."""
        config = rooms.app.config
        return answered(fhir.capability(rooms.version, f"http://{config.http_host}:{config.http_port}/fhir"))

    return blue


def answered(resource: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
    """A resource as an answer."""
    body = json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return Response(body, status=int(status), content_type=MEDIA_TYPE)


def _check_media_type() -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if request.mimetype not in MEDIA_TYPES or charset not in ("utf-8", "us-ascii") or encoding != "identity":
        detail = f"send Content-Type {' or '.join(MEDIA_TYPES)} in UTF-8, without Content-Encoding"
        headers = {"Accept-Post": ", ".join(MEDIA_TYPES)}
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type-unsupported", detail, headers=headers)


def _seen(body: bytes, kind: str | None) -> Peek:
    """What the body is; refused before it is stored when it is no FHIR resource, or another than named.

    Raises:
        Refusal: 400 or 422.
    """
    try:
        seen = fhir.peek(body)
    except MessageRejected as refused:
        misspelt = refused.code == "unknown-resource"
        status = HTTPStatus.UNPROCESSABLE_ENTITY if misspelt else HTTPStatus.BAD_REQUEST
        errors = [{"where": refused.where, "code": refused.code, "reason": refused.reason}]
        raise Refusal(status, refused.code, refused.reason, errors=errors if refused.where else ()) from None
    if kind is not None and seen.kind != kind:
        detail = "the body is of another type than the path names; make them one"
        raise Refusal(HTTPStatus.BAD_REQUEST, "type-differs", detail)
    return seen


def _answer(rooms: Rooms, message: Message, seen: Peek, disposition: str) -> Response:
    """What became of it; a repetition is told again what waits."""
    with rooms.store().read() as reader:
        waiting = fate(reader, message.sha256, message.feed)["rejected"]
    issues = [Issue("warning", part["code"], part["where"], part["reason"]) for part in waiting]
    new = disposition != "duplicate"
    status = HTTPStatus.ACCEPTED if issues else HTTPStatus.OK
    if seen.kind == "Bundle":
        return _located(
            fhir.response(seen, issues or [_received(new)], "201 Created" if new else "200 OK"),
            status,
            message,
        )
    if not issues and new:
        status = HTTPStatus.CREATED
    return _located(fhir.outcome(issues or [_received(new)]), status, message)


def _received(new: bool) -> Issue:
    if new:
        return Issue("information", "received", "", "stored and read")
    return Issue("information", "duplicate", "", "these bytes came by this feed before; nothing changed")


def _left_to_be_read(rooms: Rooms, large: LargeMessage) -> Response:
    """Keep a long body whole, and leave it to be read: its sender need not wait for that."""
    head: Iterable[bytes] = large.open_chunks()
    if not fhir.looks_like_document(next(iter(head), b"")):
        raise Refusal(HTTPStatus.BAD_REQUEST, "not-json", "write one FHIR resource as a JSON object")
    with rooms.store().write() as unit:
        kept = unit.keep_large_message(large)
        if kept.new:
            unit.add_audit([kept_entry(large, large.received_at)])
    if not kept.finished:
        rooms.reader.wake()
    rooms.meter.received("duplicate" if kept.finished else "stored")
    advice = f"a body over {IN_MEMORY_BYTES} bytes is stored whole and read soon; ask for it at Location"
    issue = _received(False) if kept.finished else Issue("information", "stored", "", advice)
    status = HTTPStatus.OK if kept.finished else HTTPStatus.ACCEPTED
    return _located(fhir.outcome([issue]), status, large)


def _located(resource: Mapping[str, Any], status: HTTPStatus, message: Message | LargeMessage) -> Response:
    made = answered(resource, status)
    made.headers["Location"] = f"/v1/messages/{message.sha256}?feed={message.feed}"
    made.autocorrect_location_header = False
    return made


def refusal_as_outcome(refusal: Refusal) -> bytes:
    """A refusal in FHIR's words. Source: FHIR R4 3.1.0.1.5 (HTTP status codes and OperationOutcome)."""
    issues = [Issue("error", e["code"], e["where"], e["reason"]) for e in refusal.errors]
    issues = issues or [Issue("error", refusal.kind, "", str(refusal.description))]
    return json.dumps(fhir.outcome(issues), ensure_ascii=False, separators=(",", ":")).encode()
