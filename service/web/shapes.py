"""The answers of this door as the use cases give them, described for the OpenAPI document."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.wire.answers import many, maybe, moment, money, part, said, word
from schemas.wire.api import (
    AccountView,
    CaseView,
    DecisionExplained,
    Evidence,
    GateExplained,
    Happening,
    Outcomes,
    ProblemPlace,
    ShareExplained,
    WhyAnswer,
)

_SHA256 = {"pattern": "^[0-9a-f]{64}$"}


def whole(about: str, least: int = 0) -> fields.Integer:
    """A count, or a place in an order."""
    return fields.Integer(required=True, strict=True, metadata={"description": about, "minimum": least})


class MessageReceipt(Schema):
    """What became of a message that was handed in: it is kept whole, and read, known already, or parked."""

    sha256 = said("SHA-256 of the bytes, the message's name from now on.", **_SHA256)
    disposition = word(
        "`parked` when something in it waits for a person; the rest went through.",
        "accepted",
        "duplicate",
        "parked",
    )
    facts = whole("New facts that it told.")
    rejected = many(ProblemPlace, "The parts that wait for a person.")


class ShareOfBalance(ShareExplained):
    """One bearer's part of the balance, the claim it comes from, and what it rests on."""

    claim = maybe("The claim it comes from.")


class GateSaid(GateExplained):
    """One gate's answer; every gate is always asked."""

    lifted_by = maybe("The event that would lift it; null when only time does, or nothing.")


class DecisionSaid(DecisionExplained):
    """The decision, computed again from the stored facts."""

    id = said("The decision.", **_SHA256)
    stored = fields.Boolean(
        required=True,
        metadata={"description": "Whether the decision recorded at the time says the same."},
    )
    decided_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "When it was recorded; null when it was not.", "format": "date-time"},
    )


class StoryStep(Happening):
    """One step of an account's story: a fact, a decision or a move of a case."""

    decision = fields.String(metadata={"description": "The decision, where the step is one."})
    case = fields.String(metadata={"description": "The case, where the step moved one."})


class WaterfallStep(Schema):
    """One step of the way from the charges to the patient's part."""

    step = said("What it is.")
    amount = money("What it adds, or takes away.")
    left = money("What is left after it.")
    evidence = many(Evidence, "What it rests on.")


class RuleTrace(Schema):
    """One rule that was asked, and what it found."""

    rule = said("The rule's stable id.", examples=["DET-06"])
    found = said("What it saw and did.")
    claim = maybe("The claim it looked at.")
    evidence = many(Evidence, "What it rests on.")


class AccountExplained(WhyAnswer):
    """The explanation of one account: who owes what, what each gate says, and what all of it rests on."""

    facility = said("The facility that bills.", examples=["GEN"])
    number = said("The facility's account number.", examples=["A1"])
    assigned = money("What payers say is the patient's.")
    collectible = money("What remains of it after every rule that protects the patient.")
    net = money("What remains after the patient's payments; negative is a credit.")
    responsibility = many(ShareOfBalance, "Every bearer's part; together the balance.")
    waterfall = many(WaterfallStep, "The way from the charges to the patient's part.")
    traces = many(RuleTrace, "The rules that were asked.")
    gates = many(GateSaid, "Every gate's answer, the binding ones first.")
    decision = part(DecisionSaid, "The decision.")
    timeline = many(StoryStep, "The account's story.")


class AccountBrief(AccountView):
    """An account as its latest decision left it."""

    determination = maybe("How sure the balance's division is; null before the first decision.")
    outcomes = part(Outcomes, "The worst verdict of each stage; null before the first decision.", null=True)
    facts = whole("Facts known about it.")


class CaseMove(Schema):
    """One thing that happened to a case."""

    id = said("Stable id of the event; the same as in the published event.")
    sequence = whole("Counts the case's events from 1.", 1)
    move = word("What happened.", "opened", "adjusted", "recalled", "closed")
    at = moment("When.")
    amount = money("What the case asks for from then on.")
    previous_amount = money("What it asked for before.")
    reason = said("Why.")
    decision = said("The decision that caused it.", **_SHA256)


class CaseWithHistory(CaseView):
    """A case with everything that happened to it."""

    history = many(CaseMove, "What happened, first to last.")


class CasesPage(Schema):
    """A page of cases."""

    items = many(CaseView, "The cases, in the order of opening.")
    next = maybe("Cursor of the next page; null on the last.")


class ParkedAct(Schema):
    """What a person did about something parked."""

    action = word("What was done.", "retried", "discarded")
    at = moment("When.")
    by = said("By whom.")
    note = said("What they noted.")


class ParkedItem(ProblemPlace):
    """A message, or the part of it at `where`, that waits for a person."""

    id = whole("Its number.", 1)
    message = said("SHA-256 of the message.", **_SHA256)
    feed = said("The feed it came by.")
    format = said("Its format.")
    clause = said("The rule it broke.")
    account = maybe("facility/number, where it names one.")
    parked_at = moment("Since when it waits.")
    actions = many(ParkedAct, "What was done about it.")


class ParkedList(Schema):
    """What waits for a person."""

    items = many(ParkedItem, "Oldest first.")
