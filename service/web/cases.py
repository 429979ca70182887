"""`/v1/cases`: what specialists work on."""

from __future__ import annotations

from typing import Any

from flask import Response

from schemas.wire.api import CasePage, CaseWithHistory
from service import answers
from service.web.blueprints import Blueprint
from service.web.queries import CasesQuery, NoQuery
from service.web.register import WHO_ASKS
from service.web.rooms import Rooms


def cases_blueprint(rooms: Rooms) -> Blueprint:
    """Collections cases."""
    blue = Blueprint("cases", __name__, url_prefix="/v1/cases", description="Collections cases.")

    @blue.route("")
    @blue.asks(CasesQuery)
    @blue.gives(200, CasePage)
    @blue.refuses(422, 503)
    @blue.named("listCases", parameters=WHO_ASKS)
    def page(query: dict[str, Any]) -> Response:
        """Cases in the order of opening; `next` is the cursor of the next page, null on the last."""
        with rooms.store().read() as reader:
            found = answers.cases(reader, query.get("status"), query.get("cursor"), query["limit"])
        # A cursor is text to its reader: what it counts is our own affair.
        told = found | {"next": None if found["next"] is None else str(found["next"])}
        accounts = [case["account"] for case in found["items"]]
        return rooms.register.shown(told, "cases", accounts, **query)

    @blue.route("/<string:case_id>")
    @blue.asks(NoQuery)
    @blue.gives(200, CaseWithHistory)
    @blue.refuses(404, 422, 503)
    @blue.named("getCase", parameters=WHO_ASKS)
    def show(query: dict[str, Any], case_id: str) -> Response:
        """One case with its events."""
        with rooms.store().read() as reader:
            found = answers.case(reader, case_id)
        return rooms.register.shown(found, "case", [found["account"]], case=case_id)

    return blue
