"""Answers about collections cases."""

from __future__ import annotations

from marshmallow import Schema

from schemas.wire.answers import CASE_STATUSES, CURRENCY, many, maybe, moment, money, said, word
from schemas.wire.api.common import SHA256, whole


class CaseView(Schema):
    """A collections case."""

    id = said("The case.")
    account = said("facility/number.", examples=["GEN/A1"])
    number = whole("The account's first, second, ... case.", 1)
    status = word("How it stands.", *CASE_STATUSES)
    amount = money("What it asks for now.")
    currency = said("ISO 4217 code.", **CURRENCY)
    reason = maybe("Why it ended, as a code; null while it is open.")
    reason_text = maybe("The same in plain words.")
    opened_by = said("The decision that opened it.")
    decided_by = said("The decision that moved it last.")
    events = whole("How many events it has.", 1)


class CaseMove(Schema):
    """One thing that happened to a case."""

    id = said("Stable id of the event; the same as in the published event.")
    sequence = whole("Counts the case's events from 1.", 1)
    move = word("What happened.", "opened", "adjusted", "recalled", "closed")
    at = moment("When.")
    amount = money("What the case asks for from then on.")
    previous_amount = money("What it asked for before.")
    reason = said("Why, as a code.")
    reason_text = said("Why, in plain words.")
    decision = said("The decision that caused it.", **SHA256)


class CaseWithHistory(CaseView):
    """A case with everything that happened to it."""

    history = many(CaseMove, "What happened, first to last.")


class CasePage(Schema):
    """A page of cases."""

    items = many(CaseView, "The cases, in the order of opening.")
    next = maybe("Cursor of the next page; null on the last.")
