"""The HTTP door: messages in, explanations and cases out, described by OpenAPI. Thin over the use cases."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, Any

from flask import Flask

from service.logs import Log, open_log
from service.web import accounts, audit, cases, contracts, feeds, fhir, health, messages, overrides, parked
from service.web.access import guard
from service.web.background import BackgroundReader
from service.web.doorkeeper import Doorkeeper
from service.web.keys import SCOPES, Keyring, create_key, ensure_key
from service.web.observe import observe
from service.web.openapi import describe
from service.web.paths import KeepSlashes, refuse_unstorable
from service.web.problems import answer_refusals
from service.web.register import attend
from service.web.rooms import Rooms
from service.web.server import Address, run

if TYPE_CHECKING:
    from service.app import App

__all__ = ["SCOPES", "create_key", "create_web", "ensure_key", "openapi", "serve"]


class WebApp(Flask):
    """Flask, except that an exception is logged by type and place: its text may quote a message."""

    log: Log

    def log_exception(self, exc_info: Any) -> None:
        """Log what no error handler took."""
        self.log.error("request failed", exc_info=exc_info[1])


def create_web(app: App, log: Log | None = None) -> WebApp:
    """The WSGI application. Its store is opened by the first request that needs it: it may be down before."""
    web = WebApp("service.web", static_folder=None)
    # A redirect would name the host that the caller claims to have asked.
    web.url_map.merge_slashes = False
    web.log = log or open_log("web")
    rooms = Rooms(app, web.log, _version())
    answer_refusals(web, web.log, {"fhir": (fhir.MEDIA_TYPE, fhir.refusal_as_outcome)})
    observe(web, rooms)
    keyring = Keyring(rooms.store, rooms.now)
    guard(web, keyring)
    attend(web)
    refuse_unstorable(web)
    api = describe(web, rooms.version, f"http://{app.config.http_host}:{app.config.http_port}")
    for blueprint in (
        messages.blueprint(rooms),
        fhir.blueprint(rooms),
        accounts.blueprint(rooms),
        cases.cases_blueprint(rooms),
        parked.blueprint(rooms),
        overrides.blueprint(rooms),
        feeds.blueprint(rooms),
        audit.blueprint(rooms),
    ):
        api.register_blueprint(blueprint)
    web.register_blueprint(health.blueprint(rooms))
    web.register_blueprint(contracts.blueprint(rooms, api.spec.to_dict))
    web.extensions.update(
        openapi=api.spec.to_dict,
        keyring=keyring,
        backlog=rooms.backlog,
        reader=rooms.reader,
        refusals=rooms.refusals,
    )
    web.wsgi_app = KeepSlashes(web.wsgi_app)  # type: ignore[method-assign]
    return web


def openapi(app: App) -> dict[str, Any]:
    """The OpenAPI document of this Baton."""
    made: dict[str, Any] = create_web(app).extensions["openapi"]()
    return made


def serve(app: App, stop: Event, bound: Callable[[str, int], None] = lambda host, port: None) -> None:
    """Serve on the configured address until `stop` is set, then finish the requests at hand.

    Raises:
        ConfigRefused: the address cannot be bound.
    """
    web = create_web(app)
    config = app.config
    keeper = Doorkeeper(web.extensions["keyring"])
    reader: BackgroundReader = web.extensions["reader"]
    reader.start()
    try:
        run(
            web,
            keeper,
            Address(config.http_host, config.http_port, config.max_message_bytes, bound),
            web.log,
            stop,
        )
    finally:
        reader.stop()
        web.extensions["refusals"].flush()


def _version() -> str:
    try:
        return importlib.metadata.version("baton-handoff")
    except importlib.metadata.PackageNotFoundError:
        return "0.0.0+source"
