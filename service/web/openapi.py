"""What the OpenAPI document says besides its routes: where it is served and how to show a key."""

from __future__ import annotations

from typing import Final

from flask import Flask

from service.web.paths import AccountPart
from service.web.problems import ProblemApi

VERSION: Final = "3.1.0"

_ABOUT: Final = """Messages in, explanations and collections cases out.

Every request to /v1 needs an API key, as `Authorization: Bearer <key>` or `X-API-Key: <key>`. Every error
is problem+json (RFC 9457) with a stable `code`; a parameter that is not listed here is refused. Answers of
/v1 hold patient accounts: they are marked `no-store`."""


def describe(web: Flask, version: str, url: str) -> ProblemApi:
    """Begin the document; routes add themselves as their blueprints are registered."""
    web.config.update(
        API_TITLE="Baton",
        API_VERSION=version,
        OPENAPI_VERSION=VERSION,
        API_SPEC_OPTIONS={
            "info": {
                "description": _ABOUT,
                "contact": {"name": "The operator of this Baton"},
                "license": {"name": "Proprietary"},
            },
            "servers": [{"url": url, "description": "This Baton."}],
            "security": [{"bearer": []}, {"header": []}],
        },
    )
    api = ProblemApi(web)
    web.url_map.converters["part"] = AccountPart
    api.register_converter(AccountPart, lambda converter: {"type": "string", "minLength": 1})
    schemes = api.spec.components.security_scheme
    schemes("bearer", {"type": "http", "scheme": "bearer", "description": "An API key, `<prefix>.<secret>`."})
    schemes("header", {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."})
    return api
