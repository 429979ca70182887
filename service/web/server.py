"""The socket: waitress serves the app until it is told to stop, then finishes what it holds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from threading import Event
from time import monotonic
from typing import Any, Final
from urllib.parse import parse_qs

from flask import Flask
from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.server import create_server  # type: ignore[import-untyped]
from waitress.task import ErrorTask  # type: ignore[import-untyped]

from schemas.errors import ConfigRefused
from service.logs import Log
from service.refusing import Refusals
from service.web.doorkeeper import Doorkeeper, Refused, kept_by
from service.web.observe import feed_of
from service.web.problems import MEDIA_TYPE, Refusal, body_of

THREADS: Final = 8
CONNECTIONS: Final = 200
IDLE_SECONDS: Final = 60
"""A connection that sends nothing for this long is closed; a slow sender keeps no thread meanwhile."""

HEADER_BYTES: Final = 32 * 1024
STOP_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 0.2

_CODES: Final = {
    HTTPStatus.BAD_REQUEST: ("bad-request", "the request cannot be read as HTTP"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "too-large",
        "the body is over the limit of {limit} bytes; send parts",
    ),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "headers-too-large",
        "the headers are over 32 KiB; send fewer",
    ),
    HTTPStatus.NOT_IMPLEMENTED: (
        "transfer-encoding-unsupported",
        "this transfer encoding is not taken; use chunked",
    ),
}


class _ProblemTask(ErrorTask):  # type: ignore[misc]
    """A request that ended before the app saw it is refused in the same form as every other."""

    refusals: Refusals

    def execute(self) -> None:
        """Answer and close."""
        error = self.request.error
        self._count(error)
        refusal = error.refusal if isinstance(error, Refused) else self._refusal(error)
        body = body_of(refusal, "", "")
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", MEDIA_TYPE), ("Cache-Control", "no-store")]
        self.response_headers += refusal.extra_headers.items()
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)

    def _count(self, error: Any) -> None:
        """A body that is too long is a message that was refused, where its sender has a key."""
        request = self.request
        if error.code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return  # what was no HTTP at all has neither command nor path
        posted = request.command == "POST" and request.path.startswith(("/v1/messages", "/fhir"))
        if posted and request.admitted:
            named = parse_qs(request.query or "").get("feed", [None])[0]
            self.refusals.note(feed_of(named), "http", "too-large")

    def _refusal(self, error: Any) -> Refusal:
        limit = self.channel.server.adj.max_request_body_size - 1
        code, detail = _CODES.get(error.code, ("refused", error.reason))
        return Refusal(HTTPStatus(error.code), code, detail.format(limit=limit))


class _Quiet(logging.Handler):
    """waitress's own lines go to our log as their template and their exception's type: no path, no value."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one line on."""
        error = record.exc_info[1] if record.exc_info else None
        self._log.warning(str(record.msg), exc_info=error)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to serve, and the most bytes of a body there.

    `bound` is told the address once connections are taken; with port 0 the system chooses one.
    """

    host: str
    port: int
    body_bytes: int
    bound: Callable[[str, int], None] = lambda host, port: None


def run(web: Flask, keeper: Doorkeeper, at: Address, log: Log, stop: Event) -> None:
    """Serve until `stop` is set; requests that are being answered then get up to `STOP_SECONDS` to end.

    Raises:
        ConfigRefused: the address cannot be bound.
    """
    _listen_to_waitress(log)
    sockets: dict[int, Any] = {}
    try:
        server = create_server(
            web,
            map=sockets,
            host=at.host,
            port=at.port,
            threads=THREADS,
            connection_limit=CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=10,
            max_request_header_size=HEADER_BYTES,
            max_request_body_size=at.body_bytes + 1,
            ident="baton",
            # Nobody's X-Forwarded-For is believed; the app must still see that there is one.
            clear_untrusted_proxy_headers=False,
        )
    except (OSError, ValueError) as error:
        reason = f"this address cannot be bound ({type(error).__name__}); free it or choose another"
        raise ConfigRefused(
            "address-not-bound", reason, where=f"http_host={at.host} http_port={at.port}"
        ) from None
    listeners = [s for s in sockets.values() if hasattr(s, "channel_class")]
    task = type("CountedTask", (_ProblemTask,), {"refusals": web.extensions["refusals"]})
    channels = kept_by(keeper, task)
    for listener in listeners:
        listener.channel_class = channels
    port = int(listeners[0].effective_port)
    log.info("listening", host=at.host, port=port)
    at.bound(at.host, port)
    while not stop.is_set():
        wasyncore.loop(timeout=LOOK_SECONDS, map=sockets, count=1)
    _finish(sockets, listeners)
    server.task_dispatcher.shutdown(timeout=1)
    keeper.close()
    wasyncore.close_all(sockets)
    log.info("stopped")


def _finish(sockets: dict[int, Any], listeners: list[Any]) -> None:
    """Take no more connections; wait for the requests that were taken."""
    for listener in listeners:
        listener.accepting = False
        listener.del_channel()
        listener.socket.close()
    until = monotonic() + STOP_SECONDS
    while monotonic() < until and any(_busy(s) for s in sockets.values()):
        wasyncore.loop(timeout=LOOK_SECONDS, map=sockets, count=1)


def _busy(socket: Any) -> bool:
    return bool(getattr(socket, "requests", None) or getattr(socket, "total_outbufs_len", 0))


def _listen_to_waitress(log: Log) -> None:
    logger = logging.getLogger("waitress")
    logger.handlers = [_Quiet(log)]
    logger.propagate = False
