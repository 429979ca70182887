"""Answers about decisions: who owes what, and what each gate says."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.wire.answers import STAGES, VERDICTS, PolicyName, ShareSaid, day, many, maybe, part, said, word
from schemas.wire.api.common import SHA256
from schemas.wire.api.evidence import Evidence
from schemas.wire.api.overrides import LiftedSaid


class ShareExplained(ShareSaid):
    """One bearer's part of the balance, the claim it comes from, and what it rests on."""

    claim = maybe("The claim it comes from.")
    evidence = many(Evidence, "What it rests on.")


class GateExplained(Schema):
    """One gate's answer; every gate is always asked."""

    gate = said("The gate's number.", examples=["G41"])
    name = said("The gate's name.", examples=["notice_period_has_run"])
    stage = word("What it was asked about.", *STAGES)
    verdict = word("What it says.", *VERDICTS)
    until = day("First day on which waiting alone may change it; null when only an event can.")
    because = said("One plain sentence.")
    lifted_by = maybe("The event that would lift it; null when only time does, or nothing.")
    parameters = fields.Dict(
        keys=fields.String(), required=True, metadata={"description": "The policy values it used."}
    )
    set_by = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "The policy packs that set each of these values."},
    )
    citation = said("The law, contract or house rule it rests on.")
    evidence = many(Evidence, "What it rests on.")
    lifted = part(LiftedSaid, "Who lifted it for a case; the verdict stays the gate's own.", null=True)


class Outcomes(Schema):
    """The worst verdict of each stage."""

    open_case = word("Whether a case may open.", *VERDICTS)
    place = word("Whether it may go to an agency.", *VERDICTS)
    extraordinary = word("Whether an extraordinary action may be taken.", *VERDICTS)


class PolicyThen(PolicyName):
    """The policy an answer was computed under."""

    packs = fields.List(
        fields.String(), required=True, metadata={"description": "The scoped packs that concern the account."}
    )
    note = maybe("What to know where the policy of that time cannot be used as it was.")


class DecisionExplained(Schema):
    """The decision, computed again from the stored facts."""

    id = said("The decision.", **SHA256)
    stored = fields.Boolean(
        required=True,
        metadata={"description": "Whether the decision recorded at the time says the same."},
    )
    outcomes = part(Outcomes, "The worst verdict of each stage.")
    policy = part(PolicyThen, "The policy in force at the time asked about.")
    decided_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "When it was recorded; null when it was not.", "format": "date-time"},
    )
    review_on = day("Next day on which waiting alone may change it.")
