"""The published contracts: OpenAPI, AsyncAPI, the JSON Schema of messages, and the version."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Blueprint, Response

from schemas.wire import documents
from service.web.blueprints import plain
from service.web.rooms import Rooms


def blueprint(rooms: Rooms, openapi_document: Callable[[], dict[str, Any]]) -> Blueprint:
    """Documents that anybody may read; each is made once."""
    blue = Blueprint("contracts", __name__)
    openapi_once = cache(openapi_document)
    asyncapi_once = cache(documents.asyncapi)
    schema_once = cache(documents.json_schema)

    @blue.get("/openapi.json")
    def openapi() -> Response:
        """This API."""
        return plain(openapi_once())

    @blue.get("/asyncapi.json")
    def asyncapi() -> Response:
        """The RabbitMQ contract."""
        return plain(asyncapi_once())

    @blue.get("/schemas/baton-1.json")
    def message_schema() -> Response:
        """The messages of baton/1."""
        return plain(schema_once())

    @blue.get("/version")
    def version() -> Response:
        """Which Baton this is, and the policy it decides by."""
        policy = rooms.app.policy
        return plain(
            {"version": rooms.version, "policy": {"version": policy.version, "sha256": policy.sha256}}
        )

    return blue
