"""`/v1/overrides`: what people do about one account; one protects it more, two let go.

Who approves needs another name and another key than who proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Final

from flask import Response, g
from marshmallow import Schema

from schemas.facts import AccountRef
from schemas.wire.api import OverrideList, OverrideSaid
from service import answers
from service.overrides import Overrides, Speaker, Stated, listed
from service.web.blueprints import Blueprint, View
from service.web.bodies_in import AllowBody, HoldBody, SpokenBody
from service.web.idempotency import DESK_PARAMETER
from service.web.queries import OverridesQuery
from service.web.register import WHO_ASKS
from service.web.rooms import Rooms

HELD: Final = "The hold, in force; an open case was taken back with it."
PROPOSED: Final = "The proposal; nothing changes until somebody else approves it."
APPROVED: Final = "The override, in force; the account was decided on with it."
WITHDRAWN: Final = "The override, withdrawn; what it lifted stands again."


def blueprint(rooms: Rooms) -> Blueprint:
    """Holds that people place, and what two of them lift."""
    blue = Blueprint("overrides", __name__, url_prefix="/v1", description="What people decide by hand.")

    def desk() -> Overrides:
        refuse = rooms.app.config.refuses_shared_login
        return Overrides(rooms.store(), rooms.intake(), rooms.app.policy, refuse_shared_login=refuse)

    def acted(act: Callable[[], Stated]) -> Response:
        return rooms.repeats.acted(lambda: told(act()), shown)

    def told(said: Stated) -> Mapping[str, Any]:
        with rooms.store().read() as reader:
            every = listed(reader, rooms.app.policy, rooms.app.moment().as_of, said.account)
        (one,) = [item for item in every if item["id"] == said.override]
        return one

    def shown(one: Mapping[str, Any]) -> Response:
        return rooms.register.shown(one, "override", [one["account"]], id=one["id"])

    @blue.route("/overrides")
    @blue.asks(OverridesQuery)
    @blue.gives(200, OverrideList)
    @blue.refuses(404, 409, 422, 503)
    @blue.named("listOverrides", parameters=WHO_ASKS)
    def page(query: dict[str, Any]) -> Response:
        """Holds that people placed and everything proposed, of one account or of all, newest first."""
        with rooms.store().read() as reader:
            ref = answers.find_account(reader, query["account"]) if "account" in query else None
            items = listed(reader, rooms.app.policy, rooms.app.moment().as_of, ref)
        accounts = list(dict.fromkeys([*([str(ref)] if ref else []), *(one["account"] for one in items)]))
        return rooms.register.shown({"items": items}, "overrides", accounts)

    def says(path: str, name: str, body: type[Schema], about: str) -> Callable[[View], View]:
        """A route on which a person says what to do; the answer is the override as it then stands."""
        steps = (
            blue.named(name, parameters=[*WHO_ASKS, DESK_PARAMETER]),
            blue.refuses(400, 404, 409, 415, 422, 503),
            blue.gives(200, OverrideSaid, about),
            blue.takes(body),
            blue.route(path, methods=["POST"]),
        )
        return lambda view: reduce(lambda made, step: step(made), steps, view)

    @says("/accounts/<part:facility>/<part:number>/holds", "holdAccount", HoldBody, HELD)
    def hold(body: dict[str, Any], facility: str, number: str) -> Response:
        """Hold an account from now on. Only two people release it."""
        ref, moment = AccountRef(facility, number), rooms.app.moment()
        return acted(lambda: desk().hold(ref, speaker(body), body["reason"], moment, body.get("until")))

    @says("/accounts/<part:facility>/<part:number>/overrides", "proposeOverride", AllowBody, PROPOSED)
    def allow(body: dict[str, Any], facility: str, number: str) -> Response:
        """Propose that a case may open although one gate says otherwise; most can never be lifted."""
        ref, moment = AccountRef(facility, number), rooms.app.moment()
        until, gate = body.get("until"), body["gate"]
        return acted(lambda: desk().allow(ref, gate, speaker(body), body["reason"], moment, until))

    @says("/overrides/<string:id>/release", "proposeRelease", SpokenBody, PROPOSED)
    def release(body: dict[str, Any], id: str) -> Response:
        """Propose to release the hold of this id."""
        return acted(lambda: desk().release(id, speaker(body), body["reason"], rooms.app.moment()))

    @says("/overrides/<string:id>/approve", "approveOverride", SpokenBody, APPROVED)
    def approve(body: dict[str, Any], id: str) -> Response:
        """Do what somebody else proposed: another name, and another key."""
        return acted(lambda: desk().approve(id, speaker(body), body["reason"], rooms.app.moment()))

    @says("/overrides/<string:id>/withdraw", "withdrawOverride", SpokenBody, WITHDRAWN)
    def withdraw(body: dict[str, Any], id: str) -> Response:
        """Take an override back; one person is enough."""
        return acted(lambda: desk().withdraw(id, speaker(body), body["reason"], rooms.app.moment()))

    return blue


def speaker(body: dict[str, Any]) -> Speaker:
    """Who the request says speaks, and the key that it came with."""
    return Speaker(body["by"], f"key:{g.key_prefix}")
