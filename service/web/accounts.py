"""`/v1/accounts/...`: one patient account, and why it stands as it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from adapters.store import Reader
from schemas.facts import AccountRef
from schemas.wire.api import AccountView, WhyAnswer
from service import answers
from service.web.blueprints import Blueprint
from service.web.queries import NoQuery, WhyQuery
from service.web.register import WHO_ASKS
from service.web.rooms import Rooms


def blueprint(rooms: Rooms) -> Blueprint:
    """Accounts by facility and number, or by id: a number of one facility only, or `facility/number`."""
    blue = Blueprint("accounts", __name__, url_prefix="/v1/accounts", description="Patient accounts.")

    def shown(find: Callable[[Reader], AccountRef]) -> Response:
        with rooms.store().read() as reader:
            found = answers.account(reader, find(reader))
        return rooms.register.shown(found, "account", [found["account"]])

    def explained(find: Callable[[Reader], AccountRef], query: dict[str, Any]) -> Response:
        as_of = query.get("as_of") or rooms.app.moment().as_of
        with rooms.store().read() as reader:
            found = answers.why(
                reader, rooms.app.policy, find(reader), as_of, query.get("known_at"), rooms.app.config.zone
            )
        known_at = query.get("known_at")
        return rooms.register.shown(found, "why", [found["account"]], as_of=as_of, known_at=known_at)

    @blue.route("/<part:facility>/<part:number>")
    @blue.asks(NoQuery)
    @blue.gives(200, AccountView)
    @blue.refuses(404, 422, 503)
    @blue.named("getAccount", parameters=WHO_ASKS)
    def show(query: dict[str, Any], facility: str, number: str) -> Response:
        """One account.

        Facility and number are percent-encoded, one path segment each; a slash inside a number is `%2F`.
        """
        return shown(lambda reader: AccountRef(facility, number))

    @blue.route("/<part:account_id>")
    @blue.asks(NoQuery)
    @blue.gives(200, AccountView)
    @blue.refuses(404, 409, 422, 503)
    @blue.named("getAccountById", parameters=WHO_ASKS)
    def show_by_id(query: dict[str, Any], account_id: str) -> Response:
        """One account by its number alone, or by `facility%2Fnumber`.

        409 when more than one facility uses the number: ask with the facility.
        """
        return shown(lambda reader: answers.find_account(reader, account_id))

    @blue.route("/<part:facility>/<part:number>/why")
    @blue.asks(WhyQuery)
    @blue.gives(200, WhyAnswer)
    @blue.refuses(404, 422, 503)
    @blue.named("explainAccount", parameters=WHO_ASKS)
    def why(query: dict[str, Any], facility: str, number: str) -> Response:
        """Who owes every cent of an account, what each gate says, and on what evidence."""
        return explained(lambda reader: AccountRef(facility, number), query)

    @blue.route("/<part:account_id>/why")
    @blue.asks(WhyQuery)
    @blue.gives(200, WhyAnswer)
    @blue.refuses(404, 409, 422, 503)
    @blue.named("explainAccountById", parameters=WHO_ASKS)
    def why_by_id(query: dict[str, Any], account_id: str) -> Response:
        """The same, by the account's number alone, or by `facility%2Fnumber`."""
        return explained(lambda reader: answers.find_account(reader, account_id), query)

    return blue
