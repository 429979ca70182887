"""Every refusal has one form: problem+json (RFC 9457), with a stable code and no value of a message."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from flask import Flask, Response, current_app, g, request
from flask_smorest import Api  # type: ignore[import-untyped]
from flask_smorest.utils import prepare_response  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException

from adapters.store import StatementFailed
from schemas.errors import BatonError, MessageRejected, Unavailable
from schemas.wire.api import Problem
from service.logs import Log

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 5

_STATUS_OF: Final = {
    "no-such-account": HTTPStatus.NOT_FOUND,
    "no-such-case": HTTPStatus.NOT_FOUND,
    "no-such-parked": HTTPStatus.NOT_FOUND,
    "no-such-message": HTTPStatus.NOT_FOUND,
    "no-such-hold": HTTPStatus.NOT_FOUND,
    "no-such-override": HTTPStatus.NOT_FOUND,
    "short-id": HTTPStatus.NOT_FOUND,
    "no-checkpoint": HTTPStatus.NOT_FOUND,
    "no-such-size": HTTPStatus.NOT_FOUND,
    "no-such-id": HTTPStatus.NOT_FOUND,
    "no-such-feed": HTTPStatus.NOT_FOUND,
    "feed-in-file": HTTPStatus.CONFLICT,
    "not-in-file": HTTPStatus.CONFLICT,
    "too-many-feeds": HTTPStatus.CONFLICT,
    "ambiguous-account": HTTPStatus.CONFLICT,
    "settled-before": HTTPStatus.CONFLICT,
    "still-in-conflict": HTTPStatus.CONFLICT,
    "a-contradiction": HTTPStatus.CONFLICT,
    "not-a-contradiction": HTTPStatus.CONFLICT,
    "no-proposal": HTTPStatus.CONFLICT,
    "stale-proposal": HTTPStatus.CONFLICT,
    "same-person": HTTPStatus.CONFLICT,
    "same-login": HTTPStatus.CONFLICT,
    "same-key": HTTPStatus.CONFLICT,
    "not-liftable": HTTPStatus.CONFLICT,
    "nothing-to-lift": HTTPStatus.CONFLICT,
    "proposed-already": HTTPStatus.CONFLICT,
    "released-before": HTTPStatus.CONFLICT,
    "account-moved": HTTPStatus.CONFLICT,
    "too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
"""What a use case's own code means to HTTP; anything else that a caller can mend is 422."""

_CODE_OF: Final = {
    HTTPStatus.BAD_REQUEST: (
        "bad-request",
        "the request cannot be read, or ended before its body did",
    ),
    HTTPStatus.NOT_FOUND: (
        "no-such-path",
        "nothing is at this path; /openapi.json lists what there is",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "method-not-allowed",
        "this path takes other methods; see Allow",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too-large", "the body is over the limit; send it in parts"),
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: (
        "bad-range",
        "there is no such range; ask without a Range header",
    ),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "headers-too-large",
        "the headers are over 32 KiB; send fewer",
    ),
}

_OWN_NAME: Final = re.compile(r"[a-z][a-z_]{0,30}\Z")


class Refusal(HTTPException):
    """One refusal: HTTP status, stable code, one sentence that says what to do, and the faults one by one."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = int(status)
        self.kind = code
        self.errors = [dict(e) for e in errors]
        self.extra_headers = dict(headers or {})


class ProblemApi(Api):  # type: ignore[misc]
    """The OpenAPI document, with every error documented as the problem it is."""

    ERROR_SCHEMA = Problem

    def _register_responses(self) -> None:
        named = [(s.name, s.phrase) for s in HTTPStatus if s >= HTTPStatus.BAD_REQUEST]
        for name, text in [*named, (self.DEFAULT_ERROR_RESPONSE_NAME, "Error")]:
            response = {"description": text, "schema": Problem}
            prepare_response(response, self.spec, MEDIA_TYPE)
            self.spec.components.response(name, response, lazy=True)

    def _register_error_handlers(self) -> None:
        """Refusals are answered by `answer_refusals`, which knows more kinds of them."""


Tongues: TypeAlias = Mapping[str, tuple[str, Callable[[Refusal], bytes]]]
"""First segment of a path to the media type and form in which refusals are told there."""


def answer_refusals(web: Flask, log: Log, tongues: Tongues) -> None:
    """Answer every exception that leaves a view as a problem; a defect is logged by type and place only."""
    web.extensions["tongues"] = tongues

    def from_http(error: HTTPException) -> Response:
        return problem(_refusal(error), dict(error.get_headers(request.environ)))

    def from_baton(error: BatonError) -> Response:
        if isinstance(error, StatementFailed):
            return from_defect(error)
        if isinstance(error, Unavailable):
            log.warning("unavailable", code=error.code)
        return problem(_of_baton(error))

    def from_defect(error: Exception) -> Response:
        log.error("request failed", exc_info=error, correlation_id=g.get("request_id", ""))
        detail = "this is a defect of Baton; nothing was acknowledged. Report it with the request_id"
        return problem(Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "defect", detail))

    handlers: list[tuple[type[Exception], Callable[[Any], Response]]] = [
        (HTTPException, from_http),
        (BatonError, from_baton),
        (Exception, from_defect),
    ]
    for kind, answer in handlers:
        web.register_error_handler(kind, answer)


def body_of(refusal: Refusal, instance: str, request_id: str) -> bytes:
    """The problem document of a refusal."""
    status = HTTPStatus(refusal.code or 500)
    document: dict[str, object] = {
        "type": f"urn:baton:problem:{refusal.kind}",
        "title": status.phrase,
        "status": int(status),
        "code": refusal.kind,
        "detail": refusal.description,
        "instance": instance,
        "request_id": request_id,
    }
    if refusal.errors:
        document["errors"] = refusal.errors
    return json.dumps(document, ensure_ascii=False).encode()


def problem(refusal: Refusal, http_headers: Mapping[str, str] | None = None) -> Response:
    """A refusal as the response to the request at hand; keeps headers such as Allow."""
    g.refused = refusal.kind
    tongues: Tongues = current_app.extensions["tongues"]
    media_type, told = tongues.get(request.path.lstrip("/").partition("/")[0], (MEDIA_TYPE, None))
    body = told(refusal) if told else body_of(refusal, quote(request.path, safe="/"), g.get("request_id", ""))
    response = Response(body, status=refusal.code, content_type=media_type)
    for name, value in {**(http_headers or {}), **refusal.extra_headers}.items():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _refusal(error: HTTPException) -> Refusal:
    if isinstance(error, Refusal):
        return error
    status = HTTPStatus(error.code or 500)
    if status is HTTPStatus.UNPROCESSABLE_ENTITY:
        found = list(_faults(getattr(error, "data", {}).get("messages", {})))
        return Refusal(status, "bad-parameters", "some parameters cannot be used; see errors", errors=found)
    code, detail = _CODE_OF.get(
        status, (status.phrase.lower().replace(" ", "-"), status.description or status.phrase)
    )
    return Refusal(status, code, detail)


def unavailable(error: Unavailable) -> Refusal:
    """The refusal of what cannot be done now; the sender may try again soon."""
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, error.code, error.reason, headers=headers)


def _of_baton(error: BatonError) -> Refusal:
    if isinstance(error, Unavailable):
        return unavailable(error)
    status = _STATUS_OF.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)
    where = error.where if isinstance(error, MessageRejected) else ""
    errors = [{"where": where, "code": error.code, "reason": error.reason}] if where else []
    return Refusal(status, error.code, error.reason, errors=errors)


def _faults(messages: Any, path: str = "") -> Iterator[dict[str, str]]:
    """marshmallow's nested messages as a flat list; a name that cannot be ours is not repeated."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            shown = name if isinstance(name, str) and _OWN_NAME.match(name) else "(another)"
            yield from _faults(inner, f"{path}.{shown}" if path else shown)
    else:
        for text in messages if isinstance(messages, list) else [messages]:
            unknown = text == "Unknown field."
            code = "unknown-parameter" if unknown else "bad-parameter"
            reason = "there is no such parameter; /openapi.json lists them" if unknown else str(text)
            yield {"where": path, "code": code, "reason": reason}
