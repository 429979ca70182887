"""The explanation of one account, from charge to patient.

Source: the contract of `baton why --json`.
"""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.wire.answers import CURRENCY, DETERMINATIONS, day, many, maybe, money, part, said, word
from schemas.wire.api.audit import AuditPlace
from schemas.wire.api.cases import CaseView
from schemas.wire.api.common import whole
from schemas.wire.api.decisions import DecisionExplained, GateExplained, Outcomes, ShareExplained
from schemas.wire.api.evidence import Evidence
from schemas.wire.api.overrides import OverrideSaid
from schemas.wire.api.story import Basis, Counterfactual, Opened, Searched, StoryStep


class Task(Schema):
    """What somebody outside collections has to do."""

    queue = said("Who does it.", examples=["billing"])
    reason = said("Why, as a code.")
    text = said("What to do, in plain words.")
    amount = maybe("What it is about; null where no amount is.")
    due_on = day("By when.")
    claims = fields.List(fields.String(), required=True, metadata={"description": "Claims it concerns."})
    evidence = many(Evidence, "What it rests on.")


class PayerStanding(Schema):
    """Where one expected payer stands on one claim."""

    claim = said("The claim.")
    payer = said("The payer.")
    rank = whole("1 for primary; 9 where the order is not known.", 1)
    state = said("not_billed, billed, accepted, rejected, pending, final, undetermined or closed_…")
    because = said("One plain sentence.")
    evidence = many(Evidence, "What it rests on.")


class BearerSum(Schema):
    """What one bearer answers for altogether."""

    bearer = said("patient, payer:<id>, provider, third_party or undetermined.")
    amount = money("All its parts; the sums of all bearers are the balance.")


class WaterfallStep(Schema):
    """One step of the way from the charges to the patient's part."""

    step = said("What it is.")
    why = said("Its reason in plain words; empty where the step says it all.")
    amount = money("What it adds, or takes away.")
    left = money("What is left after it.")
    evidence = many(Evidence, "What it rests on.")


class RuleTrace(Schema):
    """One rule that was asked, and what it found."""

    rule = said("The rule's stable id.", examples=["DET-06"])
    name = said("The rule as a sentence that can be true.")
    citation = said("What the rule rests on.")
    found = said("What it saw and did.")
    claim = maybe("The claim it looked at.")
    evidence = many(Evidence, "What it rests on.")


class SilentRule(Schema):
    """One determination rule that was asked and found nothing to tell."""

    rule = said("The rule's stable id.", examples=["DET-14"])
    name = said("The rule as a sentence that can be true.")
    citation = said("What the rule rests on.")


class Withheld(Schema):
    """Why a case that the decision allows does not open, or is not raised, yet."""

    cause = said("settling, shadow policy PACK, shadow feed NAME or paused feed NAME.", examples=["settling"])
    until = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "When it ends by itself; null when it does not.", "format": "date-time"},
    )
    text = said("One plain sentence.")


class WhyAnswer(Schema):
    """The explanation of one account: who owes what, what each gate says, and what all of it rests on."""

    account = said("facility/number.", examples=["GEN/A1"])
    facility = said("The facility that bills.", examples=["GEN"])
    number = said("The facility's account number.", examples=["A1"])
    as_of = said("The day asked about.", format="date")
    known_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Only what was known by then counts; null: all.", "format": "date-time"},
    )
    summary = said("One plain sentence.")
    balance = money("The account's balance.")
    currency = said("ISO 4217 code.", **CURRENCY)
    assigned = money("What payers say is the patient's.")
    collectible = money("What remains of it after every rule that protects the patient.")
    net = money("What remains after the patient's payments; negative is a credit.")
    responsibility = many(ShareExplained, "Every bearer's part; together the balance.")
    bearers = many(BearerSum, "The same, summed by bearer.")
    payers = many(PayerStanding, "Every expected payer and where it stands.")
    determination = word("How sure it is.", *DETERMINATIONS)
    waterfall = many(WaterfallStep, "The way from the charges to the patient's part.")
    traces = many(RuleTrace, "The rules that found something, in the order in which they were asked.")
    silent_rules = many(SilentRule, "The rules that were asked and found nothing to tell.")
    gates = many(GateExplained, "Every gate's answer, the binding ones first.")
    decision = part(DecisionExplained, "The decision.")
    case = part(CaseView, "The open or latest case; null when there was none.", null=True)
    opening = part(Opened, "How the newest case came about; null when there was none.", null=True)
    work = many(Task, "What people outside collections have to do first.")
    timeline = many(StoryStep, "The account's story.")
    overrides = many(OverrideSaid, "What people placed, proposed, approved and withdrew, oldest first.")
    withheld = many(Withheld, "Why a case that the decision allows waits; empty when none does.")
    counterfactual = many(Counterfactual, "What would change the answer.")
    searched = part(Searched, "How far that was looked for.")
    basis = part(Basis, "The facts that alone give the same answer.")
    audit = part(AuditPlace, "Where it stands in the audit log.", null=True)


class AccountView(Schema):
    """An account in brief, as its latest decision left it."""

    account = said("facility/number.", examples=["GEN/A1"])
    balance = money("The account's balance.")
    patient_amount = money("The patient's part of it.")
    currency = said("ISO 4217 code.", **CURRENCY)
    determination = maybe("How sure the balance's division is; null before the first decision.")
    outcomes = part(Outcomes, "The worst verdict of each stage; null before the first decision.", null=True)
    review_on = day("Next day on which waiting alone may change it.")
    case = part(CaseView, "The open or latest case; null when there was none.", null=True)
    facts = whole("Facts known about it.")
