"""What every request leaves: a log line without path or values, a count, and headers that keep it private."""

from __future__ import annotations

import re
import secrets
from time import perf_counter
from typing import Final

from flask import Flask, Response, g, request

from service.web.queries import DEFAULT_FEED, FEED_PATTERN
from service.web.rooms import Rooms

UNMATCHED: Final = "(none)"
METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
}


TAKES_MESSAGES: Final = frozenset(("messages.receive", "fhir.bundle", "fhir.create"))


def feed_of(named: str | None) -> str:
    """The feed that a refused request names; empty where it names none that could be one."""
    if named is None:
        return DEFAULT_FEED
    return named if re.match(FEED_PATTERN, named) else ""


def observe(web: Flask, rooms: Rooms) -> None:
    """Number each request, and note how it ended. Runs before any key is asked for."""

    def begin() -> None:
        g.began = perf_counter()
        g.request_id = secrets.token_hex(8)

    def end(response: Response) -> Response:
        seconds = perf_counter() - g.get("began", perf_counter())
        route = request.url_rule.rule if request.url_rule else UNMATCHED
        method = request.method if request.method in METHODS else "OTHER"
        rooms.meter.answered(method, route, response.status_code, seconds)
        rooms.log.info(
            "answered",
            method=method,
            route=route,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 1),
            correlation_id=g.get("request_id", ""),
        )
        if request.endpoint in TAKES_MESSAGES and 400 <= response.status_code < 500 and g.get("may_send"):
            rooms.refusals.note(feed_of(request.args.get("feed")), "http", g.get("refused", "refused"))
        response.headers["X-Request-Id"] = g.get("request_id", "")
        for name, value in _HEADERS.items():
            response.headers[name] = value
        if request.path.startswith(("/v1", "/fhir")) or response.status_code >= 400:
            response.headers["Cache-Control"] = "no-store"
        return response

    web.before_request(begin)
    web.after_request(end)
