"""`/v1/parked`: what waits for a person, and what people do about it: try again, discard, settle.

Whatever could make an account less protected takes two people, told apart by name and by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, g

from adapters.store import ParkedFilter, ParkedProposal
from schemas.errors import BatonError
from schemas.wire.api import ParkedList, ParkedOne, ParkedTold, ParkedTried
from service import answers
from service.mending import KEY, Mended, Mending, Person, told_of
from service.web.blueprints import Blueprint
from service.web.bodies_in import ApproveBody, DiscardBody, RetryBody, RetryManyBody, SettleBody
from service.web.idempotency import DESK_PARAMETER
from service.web.queries import NoQuery, ParkedQuery
from service.web.register import WHO_ASKS
from service.web.rooms import Rooms

DONE = "Done, with the decision of every account that waited for it."


def blueprint(rooms: Rooms) -> Blueprint:
    """Messages, and parts of messages, that wait for a person."""
    blue = Blueprint("parked", __name__, url_prefix="/v1/parked", description="What waits for a person.")

    def mending() -> Mending:
        refuse = rooms.app.config.refuses_shared_login
        return Mending(rooms.store(), rooms.intake(), refuse_shared_login=refuse)

    def one(seq: int) -> Mapping[str, Any]:
        with rooms.store().read() as reader:
            return answers.parked_one(reader, seq)

    def shown(told: Mapping[str, Any]) -> Response:
        accounts = [told["account"]] if told["account"] else []
        return rooms.register.shown(told, "parked", accounts, parked=told["id"])

    def outlook(told: Mapping[str, Any]) -> Response:
        changed = [each for item in told.get("items", [told]) for each in item.get("accounts", ())]
        return rooms.register.shown(told, "parked.outlook", [each["account"] for each in changed])

    def proposed(id: str, body: Mapping[str, Any], action: Any) -> Mapping[str, Any]:
        seq, by = number(id), person(body)
        said = ParkedProposal(
            action, rooms.now(), by.name, body["reason"], body.get("stands", ""), by.through
        )
        mending().propose(seq, said)
        return one(seq)

    @blue.route("")
    @blue.asks(ParkedQuery)
    @blue.gives(200, ParkedList)
    @blue.refuses(422, 503)
    @blue.named("listParked", parameters=WHO_ASKS)
    def page(query: dict[str, Any]) -> Response:
        """Parked messages and parts that match and that nobody has acted on yet, oldest first."""
        with rooms.store().read() as reader:
            found = {"items": answers.parked(reader, query["limit"], like=_filter(query))}
        accounts = [item["account"] for item in found["items"] if item["account"]]
        return rooms.register.shown(found, "parked", accounts, **query)

    @blue.route("/<string:id>")
    @blue.asks(NoQuery)
    @blue.gives(200, ParkedOne)
    @blue.refuses(404, 422, 503)
    @blue.named("getParked", parameters=WHO_ASKS)
    def show(query: dict[str, Any], id: str) -> Response:
        """One parked message or part: the statements that contradict each other, and what is proposed."""
        return shown(one(number(id)))

    @blue.route("/retry", methods=["POST"])
    @blue.takes(RetryManyBody)
    @blue.gives(200, ParkedTold, "What became of each, or would; `waits` where one still does.")
    @blue.refuses(400, 415, 422, 503)
    @blue.named("retryParked", parameters=[*WHO_ASKS, DESK_PARAMETER])
    def retry_many(body: dict[str, Any]) -> Response:
        """Read what waits and matches again, from its stored bytes, with the mapping of today.

        With `dry_run` nothing is stored: each is tried as if it were alone, and the accounts that would
        change are told.
        """
        like = _filter(body)

        def act() -> Mapping[str, Any]:
            work = mending()
            seqs = [record.seq for record in work.waiting(like, body["limit"])]
            done = work.retry(seqs, rooms.app.moment(), person(body), dry_run=body["dry_run"])
            return _told(done, body["dry_run"])

        return rooms.repeats.acted(act, outlook)

    @blue.route("/<string:id>/retry", methods=["POST"])
    @blue.takes(RetryBody)
    @blue.gives(200, ParkedTried)
    @blue.refuses(400, 404, 409, 415, 422, 503)
    @blue.named("retryParkedOne", parameters=[*WHO_ASKS, DESK_PARAMETER])
    def retry(body: dict[str, Any], id: str) -> Response:
        """Read one parked message again. With `dry_run` nothing is stored."""

        def act() -> Mapping[str, Any]:
            moment = rooms.app.moment()
            (done,) = mending().retry([number(id)], moment, person(body), dry_run=body["dry_run"])
            if done.refused is not None:
                raise done.refused
            return told_of(done) | {"dry_run": body["dry_run"]}

        return rooms.repeats.acted(act, outlook)

    @blue.route("/<string:id>/discard", methods=["POST"])
    @blue.takes(DiscardBody)
    @blue.gives(200, ParkedOne)
    @blue.refuses(400, 404, 409, 415, 422, 503)
    @blue.named("proposeDiscard", parameters=[*WHO_ASKS, DESK_PARAMETER])
    def discard(body: dict[str, Any], id: str) -> Response:
        """Propose to say that a parked part is not needed; somebody else approves. Its bytes stay."""
        return rooms.repeats.acted(lambda: proposed(id, body, "discard"), shown)

    @blue.route("/<string:id>/settle", methods=["POST"])
    @blue.takes(SettleBody)
    @blue.gives(200, ParkedOne)
    @blue.refuses(400, 404, 409, 415, 422, 503)
    @blue.named("proposeSettling", parameters=[*WHO_ASKS, DESK_PARAMETER])
    def settle(body: dict[str, Any], id: str) -> Response:
        """Propose which of two contradicting statements stands; somebody else approves."""
        return rooms.repeats.acted(lambda: proposed(id, body, "settle"), shown)

    @blue.route("/<string:id>/approve", methods=["POST"])
    @blue.takes(ApproveBody)
    @blue.gives(200, ParkedOne, DONE)
    @blue.refuses(400, 404, 409, 415, 422, 503)
    @blue.named("approveParked", parameters=[*WHO_ASKS, DESK_PARAMETER])
    def approve(body: dict[str, Any], id: str) -> Response:
        """Do what somebody else proposed: another name, and another key."""

        def act() -> Mapping[str, Any]:
            seq = number(id)
            mending().approve(seq, rooms.app.moment(), person(body))
            return one(seq)

        return rooms.repeats.acted(act, shown)

    return blue


def person(body: Mapping[str, Any]) -> Person:
    """Who the request says acts, and the key that it came with."""
    return Person(body["by"], f"{KEY}{g.key_prefix}")


def number(id: str) -> int:
    """The number of a parked entry.

    Raises:
        BatonError: `no-such-parked`.
    """
    if not (id.isascii() and id.isdigit() and len(id) <= 18):
        raise BatonError("no-such-parked", "a parked entry has a number; /v1/parked lists them")
    return int(id)


def _filter(asked: Mapping[str, Any]) -> ParkedFilter:
    names = ("feed", "code", "format", "since", "account", "search")
    return ParkedFilter(*(asked.get(name) for name in names))


def _told(done: list[Mended], dry_run: bool) -> dict[str, Any]:
    items = [told_of(one) for one in done]
    return {"items": items, "dry_run": dry_run, "waits": sum(one.waits for one in done)}
