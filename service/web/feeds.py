"""`/v1/feeds`: what is known of each sender, and saying it anew; nobody overwrites what they did not see."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from flask import Response, g, request

from adapters.store import FeedTextRow
from schemas.errors import ConfigRefused
from schemas.feeds import Feed
from schemas.wire.api import FeedList, FeedText
from service.feeds import FILE_BYTES
from service.feeds_in_force import Author, Known, Said, no_such_feed
from service.plainly import instant_of
from service.web.blueprints import Blueprint, plain
from service.web.problems import Refusal
from service.web.queries import FEED_PATTERN, NoQuery, StateQuery, is_one_word
from service.web.register import USER, WHO_ASKS, named_person
from service.web.rooms import Rooms

TYPES: Final = ("application/toml", "text/plain")

_TEXT: Final = {"schema": {"type": "string", "description": "The feed's TOML, as in feeds/NAME.toml."}}
_NAME: Final = [
    {"in": "path", "name": "name", "schema": {"type": "string", "pattern": FEED_PATTERN, "maxLength": 64}}
]
_AUTHOR: Final = [one | {"required": True} for one in WHO_ASKS if one["name"] == USER]


def _condition(name: str, about: str) -> dict[str, Any]:
    return {
        "in": "header",
        "name": name,
        "required": False,
        "schema": {"type": "string", "minLength": 1},
        "description": about,
    }


_IF_MATCH: Final = _condition("If-Match", "The ETag of the version that you saw and want to replace.")
_IF_NONE: Final = _condition(
    "If-None-Match", "`*`: nothing may have been said of this feed through the API yet."
)


def blueprint(rooms: Rooms) -> Blueprint:
    """Feeds as configuration."""
    blue = Blueprint("feeds", __name__, url_prefix="/v1/feeds", description="What is known of each sender.")

    def known() -> Known:
        return rooms.app.feeds_in_force()

    @blue.route("")
    @blue.asks(NoQuery)
    @blue.gives(200, FeedList)
    @blue.refuses(422, 503)
    @blue.named("listFeeds")
    def page(query: dict[str, Any]) -> Response:
        """The feeds that a file or the API says something of. Where both do, the file counts: `conflict`."""
        now = known()
        return plain({"items": [feed_told(now, name) for name in sorted(now.feeds)]})

    @blue.route("/<string:name>")
    @blue.asks(NoQuery)
    @blue.gives(200, FeedText)
    @blue.refuses(404, 422, 503)
    @blue.named("getFeed")
    def show(query: dict[str, Any], name: str) -> Response:
        """One feed. Its ETag names the version that the API says, for If-Match."""
        now = known()
        if name not in now.feeds:
            raise no_such_feed()
        return _answer(now, name, now.mapping_of(name).version)

    @blue.route("/<string:name>", methods=["PUT"], parameters=_NAME)
    @blue.asks(StateQuery)
    @blue.gives(200, FeedText, "In force; processes that run take it up within seconds.")
    @blue.gives_too(201, FeedText, "The same, for a feed that the API said nothing of.")
    @blue.refuses(404, 409, 412, 413, 415, 422, 428, 503)
    @blue.named(
        "stateFeed",
        requestBody={"required": True, "content": dict.fromkeys(TYPES, _TEXT)},
        parameters=[_AUTHOR[0], _IF_MATCH, _IF_NONE],
    )
    def state(query: dict[str, Any], name: str) -> Response:
        """Say what is known of a feed, as the TOML of its file would.

        The first time with `If-None-Match: *` (201), later with `If-Match` and the ETag that was read: who
        has not seen the version in force overwrites nothing (412). Each version is kept, and the audit log
        says who said it. `dry_run=true` only looks: it needs no condition, and says what is wrong, with the
        line and the reason, or which mapping would read this feed.
        """
        _check_name(name)
        by, text = Author(named_person(), f"key:{g.key_prefix}"), _text()
        dry_run = query["dry_run"] == "true"
        holds = _condition_of(required=not dry_run)
        before = known().mappings.get(name)
        try:
            if dry_run:
                said = rooms.app.feeds_in_force.look_at(name, text, holds)
            else:
                # Wiring the use case keeps the mappings of files, before one of these follows them.
                rooms.intake()
                said = rooms.app.feeds_in_force.state(name, text, holds, by, rooms.now())
        except ConfigRefused as error:
            raise _wrong(error) from None
        mapping = before.version if before else None
        if dry_run:
            feed, _ = rooms.app.feeds_in_force.examine(name, text)
            return plain(_looked_at(feed, said, mapping))
        status = HTTPStatus.CREATED if said.is_new else HTTPStatus.OK
        return _answer(known(), name, mapping, status)

    @blue.route("/<string:name>", methods=["DELETE"], parameters=_NAME)
    @blue.asks(NoQuery)
    @blue.gives(200, FeedText, "The file alone speaks of this feed now.")
    @blue.refuses(404, 409, 412, 422, 428, 503)
    @blue.named("leaveFeedToFile", parameters=[_AUTHOR[0], _IF_MATCH])
    def leave_to_file(query: dict[str, Any], name: str) -> Response:
        """Take back what the API says of a feed that a file states too. How it is read does not change."""
        _check_name(name)
        by, holds = Author(named_person(), f"key:{g.key_prefix}"), _condition_of(required=True)
        rooms.intake()
        rooms.app.feeds_in_force.leave_to_file(name, holds, by, rooms.now())
        now = known()
        return _answer(now, name, now.mapping_of(name).version)

    return blue


def feed_told(now: Known, name: str) -> dict[str, Any]:
    """What is known of one feed, as plain data."""
    hidden = name in now.hidden
    row = now.texts.get(name)
    counts = row if not hidden else None
    return _told(now.feeds[name], now.mapping_of(name).version, counts) | {
        "api_version": row.sha256 if row else None,
        "conflict": hidden,
    }


def _told(feed: Feed, mapping: str, row: FeedTextRow | None) -> dict[str, Any]:
    return {
        "feed": feed.name,
        "source": "file" if row is None else "api",
        "version": mapping if row is None else row.sha256,
        "api_version": None if row is None else row.sha256,
        "conflict": False,
        "mapping": mapping,
        "facility": feed.facility,
        "format": feed.format,
        "door": feed.door,
        "shadow": feed.shadow,
        "said_by": row.by if row and row.by else None,
        "said_at": instant_of(row.at) if row and row.by else None,
    }


def _looked_at(feed: Feed, said: Said, before: str | None) -> dict[str, Any]:
    text = said.row.text if said.row else None
    told = _told(feed, said.mapping.version, said.row)
    return told | {"text": text, "dry_run": True, "mapping_before": before}


def _answer(now: Known, name: str, before: str | None, status: HTTPStatus = HTTPStatus.OK) -> Response:
    row = now.texts.get(name)
    told = feed_told(now, name) | {"text": row.text if row else None, "dry_run": False}
    response = plain(told | {"mapping_before": before}, status)
    if row is not None and row.sha256 is not None:
        response.set_etag(row.sha256)
    return response


def _check_name(name: str) -> None:
    if not is_one_word(name):
        detail = f"a feed's name is one word of letters, digits, '_', '-' and '.', up to 64 ({FEED_PATTERN})"
        fault = {"where": "name", "code": "bad-name", "reason": detail}
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-name", detail, errors=[fault])


def _text() -> str:
    """The TOML that was sent.

    Raises:
        Refusal: another media type, too much, or no UTF-8.
    """
    if request.mimetype not in TYPES or request.headers.get("Content-Encoding", "identity") != "identity":
        detail = f"send the feed's TOML as Content-Type {' or '.join(TYPES)}, not encoded"
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type-unsupported", detail)
    body = request.stream.read(FILE_BYTES + 1)
    if len(body) > FILE_BYTES:
        detail = f"a feed's TOML has at most {FILE_BYTES} bytes"
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise _wrong(ConfigRefused("bad-feed", "it is no UTF-8 text", where=f"line {line}")) from None


def _wrong(error: ConfigRefused) -> Refusal:
    fault = {"where": error.where, "code": error.code, "reason": error.reason}
    detail = f"this feed cannot be read so; {error.where}: {error.reason}"
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, detail, errors=[fault])


def _condition_of(*, required: bool) -> Callable[[FeedTextRow | None], None]:
    """What the request says must be there now.

    Raises:
        Refusal: 428, it says nothing and has to.
    """
    new, seen = request.if_none_match.star_tag, request.if_match
    named = bool(seen) and not seen.star_tag
    if required and not new and not named:
        detail = "send If-Match with the ETag that you read, or If-None-Match: * for a feed that is new here"
        raise Refusal(HTTPStatus.PRECONDITION_REQUIRED, "precondition-required", detail)

    def holds(before: FeedTextRow | None) -> None:
        current = before.sha256 if before else None
        if (new and current is not None) or (named and (current is None or not seen.contains(current))):
            said = (
                "the API says nothing of this feed yet" if current is None else "another version is in force"
            )
            headers = {} if current is None else {"ETag": f'"{current}"'}
            detail = f"{said}; read it, look at the difference, and send again"
            raise Refusal(HTTPStatus.PRECONDITION_FAILED, "version-changed", detail, headers=headers)

    return holds
