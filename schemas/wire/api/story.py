"""Answers about how a case came to be, and what would change the answer."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.wire.answers import CURRENCY, VERDICTS, day, many, moment, part, said, word
from schemas.wire.api.common import SHA256, whole
from schemas.wire.api.evidence import Evidence


class GateChanged(Schema):
    """What a decision found otherwise than the one before it, of one gate and opening a case."""

    gate = said("The gate's number.", examples=["G41"])
    name = said("The gate's name.")
    was = word("What it said before.", *VERDICTS)
    now = word("What it says now.", *VERDICTS)
    before = said("What stood in the way before; empty where nothing did.")
    because = said("One plain sentence of what it says now.")


class StoryStep(Schema):
    """One step of an account's story: a fact, a decision or a move of a case."""

    at = said("Day or moment it became true.")
    what = said("What happened, in plain words.")
    evidence = many(Evidence, "What it rests on.")
    decision = fields.String(metadata={"description": "The decision, where the step is one."})
    case = fields.String(metadata={"description": "The case, where the step moved one."})
    reason = fields.String(metadata={"description": "Why the case moved, as a code."})
    known_at = fields.String(metadata={"description": "When Baton learned of a fact.", "format": "date-time"})
    changed = fields.List(
        fields.Nested(GateChanged), metadata={"description": "What a decision found otherwise, gate by gate."}
    )
    policy = fields.String(metadata={"description": "The version of the policy a decision was made under."})


class SupposedFact(Schema):
    """A fact that nobody has stated, written as a fact is."""

    type = said("Its type.", examples=["payment.posted"])
    occurred_at = moment("When it would have become true.")
    currency = said("ISO 4217 code.", **CURRENCY)
    data = fields.Dict(required=True, metadata={"description": "What it would say; amounts in cents."})


class Counterfactual(Schema):
    """What would change the answer."""

    change = said("What would have to be different.")
    outcome = said("What would follow; decided on before it is told, and no part of the change does as much.")
    opens = fields.Boolean(required=True, metadata={"description": "Whether a case would open."})
    on = day("The day the outcome is about; null where it is about every day.")
    facts = many(SupposedFact, "The facts supposed; none where only time passes.")


class Searched(Schema):
    """How far the counterfactuals were looked for."""

    decisions = whole("How often the account was decided on for it.", 0)
    complete = fields.Boolean(
        required=True,
        metadata={"description": "Whether every set of up to three plausible changes was tried."},
    )


class BasisFact(Evidence):
    """A fact the answer rests on."""

    what = said("What it says, in plain words.")


class Basis(Schema):
    """Facts that alone give the same answer."""

    minimal = fields.Boolean(
        required=True,
        metadata={"description": "Whether without any one of them the answer would be another."},
    )
    facts = many(BasisFact, "The facts, in the order they became true.")


class LetGo(Schema):
    """A gate that once stood in the way of a case."""

    gate = said("The gate's number.")
    name = said("The gate's name.")
    on = said("First day on which it no longer did.", format="date")
    before = said("What it said until then.")
    after = said("What it said from then on.")


class HeldBy(Schema):
    """A gate that stood in the way the day before."""

    gate = said("The gate's number.")
    because = said("One plain sentence.")
    until = day("Until when.")


class DayBefore(Schema):
    """Why a case did not open a day earlier."""

    on = said("The day before the last gate let go.", format="date")
    held_by = many(HeldBy, "What stood in the way.")


class Opened(Schema):
    """How the newest case came about, from what was known when it opened."""

    case = said("The case.")
    on = said("The day it was decided for.", format="date")
    at = moment("When it opened.")
    decision = said("The decision that opened it.", **SHA256)
    sentence = said("The last gate to let go, when, and what stood in the way the day before.")
    let_go = many(LetGo, "Every gate that let go, the last one last.")
    day_before = part(DayBefore, "Why not a day earlier; null when nothing ever stood in the way.", null=True)
