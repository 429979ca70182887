"""Account numbers in paths: one segment each, so that a slash inside a number stays inside (`%2F`).

WSGI hands over a path that is decoded already, in which `A%2F1` and `A/1` look alike. So `KeepSlashes`
decodes account paths again from the request's own line, leaving `%2F` and `%25` as they are; `AccountPart`
decodes those two after routing. An account whose number is a word of ours (`why`) is asked for by its id:
`/v1/accounts/GEN%2Fwhy`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote_to_bytes

from flask import Flask, request
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX: Final = "/v1/accounts/"
_KEPT: Final = re.compile("%(2F|25)", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*")


class KeepSlashes:
    """WSGI middleware: an encoded slash in an account path is not a separator."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on with its account path decoded but for `%2F` and `%25`."""
        if environ.get("PATH_INFO", "").startswith(PREFIX):
            environ["PATH_INFO"] = kept_path(environ)
        return self._application(environ, start_response)


def kept_path(environ: WSGIEnvironment) -> str:
    """The path of an account request, decoded but for `%2F` and `%25`, as WSGI writes paths (latin-1)."""
    line: str = environ.get("REQUEST_URI") or ""
    path = _ORIGIN.sub("", line, count=1).partition("?")[0]
    if not path.startswith(PREFIX):
        # No request line, or another spelling of the prefix: then a percent sign can only be one itself.
        plain: str = environ["PATH_INFO"]
        return plain.replace("%", "%25")
    return unquote_to_bytes(_KEPT.sub(r"%25\1", path)).decode("latin-1")


def refuse_unstorable(web: Flask) -> None:
    """Answer 404 for a path with NUL in it: no database keeps such a text, so nothing is there."""

    def look() -> None:
        if "\0" in request.path:
            raise NotFound

    web.before_request(look)


class AccountPart(BaseConverter):
    """One segment of a path that may hold any character of a facility or an account number."""

    regex = "[^/]+"
    part_isolating = True

    def to_python(self, value: str) -> str:
        """Decode what `KeepSlashes` kept."""
        return re.sub("%2F", "/", value, flags=re.IGNORECASE).replace("%25", "%")

    def to_url(self, value: Any) -> str:
        """Write a segment."""
        return quote(str(value), safe="")
