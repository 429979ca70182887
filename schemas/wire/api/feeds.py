"""Answers about feeds."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.wire.answers import many, maybe, said, word
from schemas.wire.api.common import yes_or_no


class FeedView(Schema):
    """What is known of one feed, and who says it."""

    feed = said("Its name.")
    source = word("Who says what counts: a file on the machine, or the API. A file wins.", "file", "api")
    version = said("SHA-256 of what is in force: of the text for `api`, of the mapping for `file`.")
    api_version = maybe("SHA-256 of what the API says of it, for If-Match; null where it says nothing.")
    conflict = yes_or_no("Whether the API says something of a feed that a file states; the file counts.")
    mapping = said("The version of its mapping: each message names the one that read it.")
    facility = said("Whose accounts it speaks of where a message does not say.")
    format = maybe("What it sends: x12, hl7v2, fhir or json; null for any.")
    door = maybe("How it comes; null for any door.")
    shadow = yes_or_no("Whether its messages open no case.")
    said_by = maybe("Who said it through the API; null for a file.")
    said_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "When; null for a file.", "format": "date-time"},
    )


class FeedText(FeedView):
    """One feed, with its text."""

    text = maybe("What the API says of it, as TOML; null where it says nothing.")
    dry_run = yes_or_no("Whether this was only looked at, and nothing was kept.")
    mapping_before = maybe("The mapping that it was read by before; null where it had none of its own.")


class FeedList(Schema):
    """The feeds that are known."""

    items = many(FeedView, "By name.")
