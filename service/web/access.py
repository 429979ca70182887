"""Who may ask what: every endpoint needs a key with its scope, except those listed here as open."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address
from typing import Final

from flask import Flask, g, request

from service.web.keys import Keyring
from service.web.problems import Refusal

OPEN: Final = frozenset(
    ("health.healthz", "health.readyz", "fhir.metadata", "contracts.openapi", "contracts.asyncapi",
     "contracts.message_schema", "contracts.version")
)  # fmt: skip
"""Endpoints that hold nothing of anybody: whether it runs, and the published contracts."""

SCOPE_OF: Final = {
    "messages.receive": "messages:write",
    "messages.show": "messages:write",
    "messages.page": "parked:read",
    "fhir.bundle": "messages:write",
    "fhir.create": "messages:write",
    "accounts.show": "accounts:read",
    "accounts.show_by_id": "accounts:read",
    "accounts.why": "accounts:read",
    "accounts.why_by_id": "accounts:read",
    "cases.page": "cases:read",
    "cases.show": "cases:read",
    "messages.detail": "parked:read",
    "messages.reveal": "messages:reveal",
    "messages.trace": "accounts:read",
    "overrides.page": "accounts:read",
    "overrides.hold": "overrides:write",
    "overrides.allow": "overrides:write",
    "overrides.release": "overrides:write",
    "overrides.approve": "overrides:write",
    "overrides.withdraw": "overrides:write",
    "parked.page": "parked:read",
    "parked.show": "parked:read",
    "parked.retry": "parked:write",
    "parked.retry_many": "parked:write",
    "parked.discard": "parked:write",
    "parked.settle": "parked:write",
    "parked.approve": "parked:write",
    "feeds.page": "feeds:read",
    "feeds.show": "feeds:read",
    "feeds.state": "feeds:write",
    "feeds.leave_to_file": "feeds:write",
    "audit.latest": "audit:read",
    "audit.page": "audit:read",
    "audit.keys": "audit:read",
    "audit.consistency": "audit:read",
    "health.metrics": "metrics:read",
}
"""The scope of each endpoint. One that stands in neither list is refused to everybody."""


def guard(web: Flask, keyring: Keyring) -> None:
    """Ask for a key before any view runs, and before anybody learns whether a path under /v1 exists."""

    def ask() -> None:
        endpoint = request.endpoint
        if endpoint is None:
            if request.path.lstrip("/").partition("/")[0] in ("v1", "fhir"):
                _identify(keyring)
            return
        if endpoint in OPEN or (endpoint == "health.metrics" and _from_this_machine()):
            return
        scope = SCOPE_OF.get(endpoint)
        granted = _identify(keyring)
        if scope is None or scope not in granted:
            raise _lacking(scope)
        # Only what came from somebody who may send is a message that was refused.
        g.may_send = True

    web.before_request(ask)


def _lacking(scope: str | None) -> Refusal:
    detail = f"this key lacks the scope {scope}; use one that has it" if scope else "no key may do this"
    wanted = f'Bearer realm="baton", error="insufficient_scope", scope="{scope or ""}"'
    return Refusal(HTTPStatus.FORBIDDEN, "scope-missing", detail, headers={"WWW-Authenticate": wanted})


def _identify(keyring: Keyring) -> tuple[str, ...]:
    """The scopes of the key that came with the request."""
    presented = presented_in(request.headers.get("Authorization", ""), request.headers.get("X-API-Key", ""))
    row = keyring.verify(presented) if presented else None
    if row is None:
        raise no_key(presented)
    g.key_prefix = row.prefix
    return row.scopes


def presented_in(authorization: str, x_api_key: str) -> str:
    """The key that came in one of the two headers; empty without one."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else x_api_key.strip()


def no_key(presented: str) -> Refusal:
    """The refusal of a request that came without a key, or with one that is not in force."""
    how = "send a key as `Authorization: Bearer <key>` or `X-API-Key: <key>`"
    detail = f"this key is not in force; {how} that is" if presented else f"a key is needed; {how}"
    invalid = ', error="invalid_token"' if presented else ""
    return Refusal(
        HTTPStatus.UNAUTHORIZED,
        "key-refused" if presented else "key-missing",
        detail,
        headers={"WWW-Authenticate": f'Bearer realm="baton"{invalid}'},
    )


def _from_this_machine() -> bool:
    """Whether the caller itself sits on this machine; what a proxy passes on does not count as such."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
