"""Answers about what people lifted or proposed to lift."""

from __future__ import annotations

from marshmallow import Schema

from schemas.wire.answers import day, many, maybe, moment, said, word
from schemas.wire.api.evidence import Evidence


class LiftedSaid(Schema):
    """Who let a case open although a gate says otherwise."""

    override = said("The override's id.")
    by = said("Who proposed it.")
    approved_by = said("Who approved it: never the same person.")
    reason = said("Why.")
    approved_on = day("Since when it counts.")
    until = day("The first day on which it counts no more.")
    evidence = many(Evidence, "What it rests on.")


class OverrideSaid(Schema):
    """A hold that a person placed, or what people proposed, approved and withdrew."""

    id = said("Its id.")
    account = said("The account, as FACILITY/NUMBER.")
    what = word("What it is.", "hold", "release", "allow")
    gate = maybe("The gate it is about; null for a release.")
    hold = maybe("The hold to be released.")
    state = word(
        "How it stands.",
        "proposed",
        "in force",
        "lifts nothing now",
        "ended",
        "withdrawn",
        "released",
    )
    at = moment("When it was said.")
    by = said("Who said it.")
    known_as = maybe("How the machine knew the person: os:<user> or key:<id>.")
    reason = said("Why.")
    looked_at = maybe("The gate's sentence that was looked at; it lifts that answer and no other.")
    until = day("The first day on which it counts no more.")
    approved_by = maybe("Who approved it.")
    approved_as = maybe("How the machine knew that person.")
    approved_because = maybe("Why.")
    approved_on = day("When.")
    withdrawn_by = maybe("Who took it back.")
    withdrawn_as = maybe("How the machine knew that person.")
    withdrawn_because = maybe("Why.")
    withdrawn_on = day("When.")


class OverrideList(Schema):
    """What people decided by hand."""

    items = many(OverrideSaid, "Newest first.")
