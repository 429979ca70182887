"""What every group of routes has in common: strict parameters, documented refusals, plain JSON answers."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

import flask_smorest  # type: ignore[import-untyped]
from flask import Response, request
from marshmallow import Schema

from service.web.problems import Refusal
from service.web.queries import StrictParser

BODY_BYTES: Final = 16 * 1024
"""The longest body of an action; messages have limits of their own."""

FHIR: Final = "application/fhir+json"

View = TypeVar("View", bound=Callable[..., Any])


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A group of routes that takes no unknown parameter."""

    ARGUMENTS_PARSER = StrictParser()

    def refuses(self, *statuses: int) -> Callable[[View], View]:
        """Document a route's refusals besides those that every route has (key, scope, defect)."""

        def decorate(view: View) -> View:
            for status in (*statuses, 401, 403, 500):
                view = self.alt_response(status, HTTPStatus(status).name)(view)
            return view

        return decorate

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Answer a path."""
        decorate: Callable[[View], View] = super().route(rule, **options)
        return decorate

    def asks(self, query: type[Schema]) -> Callable[[View], View]:
        """Hand the query's parameters to the view as one dict."""
        decorate: Callable[[View], View] = self.arguments(query, location="query")
        return decorate

    def takes(self, body: type[Schema]) -> Callable[[View], View]:
        """Hand the JSON body to the view as one dict."""
        decorate: Callable[[View], View] = self.arguments(body, location="json")

        def checked(view: View) -> View:
            inner = decorate(view)

            @functools.wraps(inner)
            def look_first(*args: Any, **kwargs: Any) -> Any:
                _check_body()
                return inner(*args, **kwargs)

            return cast(View, look_first)

        return checked

    def gives(self, status: int, schema: type[Schema], about: str | None = None) -> Callable[[View], View]:
        """Document the answer; the view writes it."""
        decorate: Callable[[View], View] = self.response(status, schema, description=about)
        return decorate

    def gives_too(self, status: int, schema: type[Schema], about: str) -> Callable[[View], View]:
        """Document an answer besides the usual one."""
        decorate: Callable[[View], View] = self.alt_response(status, schema=schema, description=about)
        return decorate

    def gives_text(self, about: str) -> Callable[[View], View]:
        """Document an answer in plain text."""
        decorate: Callable[[View], View] = self.response(
            200, {"type": "string"}, description=about, content_type="text/plain"
        )
        return decorate

    def gives_fhir(self, schema: type[Schema], about: Mapping[int, str]) -> Callable[[View], View]:
        """Document an answer in FHIR, by its statuses; the first is the usual one."""
        (status, text), *others = about.items()

        def decorate(view: View) -> View:
            for other, said in others:
                view = self.alt_response(other, schema=schema, description=said, content_type=FHIR)(view)
            made: View = self.response(status, schema, description=text, content_type=FHIR)(view)
            return made

        return decorate

    def refuses_fhir(self, schema: type[Schema], *statuses: int) -> Callable[[View], View]:
        """Document refusals that are told in FHIR."""

        def decorate(view: View) -> View:
            for status in (*statuses, 401, 403, 500):
                phrase = HTTPStatus(status).phrase
                view = self.alt_response(status, schema=schema, description=phrase, content_type=FHIR)(view)
            return view

        return decorate

    def named(self, operation_id: str, **more: Any) -> Callable[[View], View]:
        """Name the operation in the OpenAPI document."""
        decorate: Callable[[View], View] = self.doc(operationId=operation_id, **more)
        return decorate


def _check_body() -> None:
    """Raises: Refusal, where the body of an action is no short JSON."""
    if request.mimetype != "application/json":
        detail = "say what to do in JSON; send Content-Type application/json"
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type-unsupported", detail)
    if (request.content_length or 0) > BODY_BYTES:
        detail = f"say what to do in at most {BODY_BYTES} bytes"
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)


def plain(document: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
    """A JSON answer, its fields in the order in which the use case gave them."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return Response(body, status=int(status), content_type="application/json")
