"""Answers about messages: what became of one, what was read in it, and where it led."""

from __future__ import annotations

from marshmallow import INCLUDE, Schema, fields

from schemas.wire.answers import many, maybe, moment, said, word
from schemas.wire.api.common import READ, SHA256, whole
from schemas.wire.api.problems import ProblemPlace


class Receipt(Schema):
    """What became of a message that was handed in. Whatever is said here, its bytes are kept whole."""

    sha256 = said("SHA-256 of the bytes, the message's name from now on.", **SHA256)
    disposition = word(
        "`accepted`: read, and all of it went through. `duplicate`: it said nothing new. `parked`: something "
        "in it waits for a person; the rest went through. `stored`: a body over 1 MiB, kept whole and read "
        "soon; `GET /v1/messages/{sha256}` tells what became of it.",
        *READ,
        "stored",
    )
    facts = whole("New facts that it told; 0 while it is `stored`.")
    rejected = many(ProblemPlace, "The parts that wait for a person.")


class FhirResource(Schema):
    """A FHIR resource, as FHIR defines it: an OperationOutcome, a response Bundle, a CapabilityStatement."""

    class Meta:
        """A resource has further elements."""

        unknown = INCLUDE

    resourceType = said("What resource it is.", examples=["OperationOutcome", "Bundle"])  # noqa: N815


class MessageView(Receipt):
    """A message that was handed in, by any door, and what became of it so far."""

    feed = said("The feed it came by.")
    format = said("Its format as its sender named it; `unknown` where it did not.")
    door = said("The way it came.", examples=["http", "rabbitmq"])
    size = whole("How many bytes it has.")
    received_at = moment("When it came.")
    read_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "When it was read to its end; null until then.", "format": "date-time"},
    )
    known = whole("Facts in it that were known before.")
    rejected = many(ProblemPlace, "The parts that nobody has settled yet, the first 1,000 of them.")


class FieldView(Schema):
    """One field of a message."""

    place = said("Where it stands.", examples=["PID-3.1", "$.data.amount"])
    name = said("What the standard calls it; empty where that is not known.")
    value = said("Its value, or what kind of value it is where values are masked.")


class FactView(Schema):
    """A statement that a message was the first to make."""

    fact = said("Its id.")
    type = said("What kind of statement.")
    account = maybe("facility/number; null where it is about none.")
    message = said("SHA-256 of the message.", **SHA256)
    where = said("The place in the message.")
    feed = said("The feed it came by.")
    occurred_at = moment("When it became true.")


class WaitsView(ProblemPlace):
    """A part that waits for a person, or did."""

    id = whole("Its number at /v1/parked.", 1)
    settled = fields.Boolean(required=True, metadata={"description": "Whether it was dealt with."})


class MessageDetail(Schema):
    """A message field by field, and what it made."""

    sha256 = said("SHA-256 of its bytes.", **SHA256)
    feed = said("The feed it came by.")
    format = said("Its format.")
    door = said("The way it came.", examples=["http", "rabbitmq"])
    size = whole("How many bytes it has.")
    received_at = moment("When it came.")
    fields_ = fields.List(
        fields.Nested(FieldView),
        required=True,
        data_key="fields",
        metadata={"description": "The first 5,000 of its fields."},
    )
    complete = fields.Boolean(required=True, metadata={"description": "Whether these are all fields."})
    revealed = fields.Boolean(required=True, metadata={"description": "Whether values are shown."})
    facts = many(FactView, "The statements it was the first to make, up to 1,000.")
    parked = many(WaitsView, "What waits of it, or did.")


class TraceDecision(Schema):
    """A decision that statements led to."""

    decision = said("Its id.")
    account = said("facility/number.")
    decided_at = moment("When.")
    entry = whole("The entry of the audit log.", 1)
    facts = fields.List(
        fields.String(), required=True, metadata={"description": "Which of these statements it was made on."}
    )


class TraceMove(Schema):
    """A move of a collections case."""

    class Meta:
        """What a case's event says besides stands at /v1/cases."""

        unknown = INCLUDE

    case = said("Its id.")
    account = said("facility/number.")
    move = said("What it was.")
    at = moment("When.")


class Trace(Schema):
    """What an id led to, and rests on."""

    kind = word("What the id is of.", "message", "fact", "decision", "case")
    id = said("The id.")
    account = fields.String(metadata={"description": "facility/number, of a decision or case."})
    facts = many(FactView, "The statements.")
    decisions = many(TraceDecision, "The decisions.")
    case_moves = many(TraceMove, "What happened to cases.")


class MessageLine(Schema):
    """A message that came, by any door; nothing of what it says."""

    sha256 = said("SHA-256 of its bytes.", **SHA256)
    feed = said("The feed it came by.")
    format = said("Its format as its sender named it; `unknown` where it did not.")
    door = said("The way it came.", examples=["http", "rabbitmq"])
    size = whole("How many bytes it has.")
    received_at = moment("When it came.")
    status = word("What became of it; `unread` until it was read to its end.", *READ, "unread")
    facts = whole("New facts that it told.")
    known = whole("Facts in it that were known before.")
    parked = whole("Parts of it that were parked when it was read.")


class MessagePage(Schema):
    """A page of messages."""

    items = many(MessageLine, "The messages, newest first.")
    next = maybe("Cursor of the next page; null on the last.")
